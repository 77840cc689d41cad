/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/cap.h"
#include "record/body.h"

#define CORE \
	"<identifier>i-1</identifier><sender>a@b.example</sender>" \
	"<sent>2026-03-01T10:00:00Z</sent><status>Exercise</status><msgType>Alert</msgType>" \
	"<scope>Public</scope>"
#define INFO \
	"<category>Met</category><event>Storm</event><urgency>Expected</urgency>" \
	"<severity>Severe</severity><certainty>Likely</certainty>"
#define ALERT(more, info) \
	"<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'>" CORE more "<info>" INFO info \
	"</info></alert>"

static json_t *parse(const char *xml)
{
	struct complaint c = {0};
	json_t *alert;
	if (cap_parse(bytes_from_text(xml), &alert, &c))
		fail_msg("%s: %s\n%s", c.field, c.reason, xml);
	return alert;
}

static json_t *parse_file(const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/alerts/%s", getenv("HANSA_TEST_DATA"), name);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	static char content[CAP_SIZE_MAX];
	size_t len = fread(content, 1, sizeof(content), file);
	fclose(file);
	struct complaint c = {0};
	json_t *alert;
	if (cap_parse(bytes_of(content, len), &alert, &c))
		fail_msg("%s: %s %s", name, c.field, c.reason);
	return alert;
}

static const char *text_at(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

static const json_t *info_of(const json_t *alert)
{
	return json_array_get(json_object_get(alert, "info"), 0);
}

static void test_model(void **state)
{
	(void)state;
	json_t *alert = parse(ALERT("<addresses>\"City Office\" b</addresses>"
		"<incidents>x y</incidents>",
		"<headline>\n  Two\n  lines </headline><description> Line 1\n  Line 2 </description>"
		"<audience/><instruction><![CDATA[<stay> & wait]]></instruction>"
		"<parameter><valueName>n</valueName><value></value></parameter>"
		"<resource><resourceDesc>Map</resourceDesc><mimeType>image/png</mimeType><size>12</size>"
		"<uri>map.png</uri></resource>"
		"<area><areaDesc>D&#252;na</areaDesc><polygon> 1,2\n3,4 5,6 1,2 </polygon><polygon/>"
		"<altitude>10.5</altitude><ceiling>20</ceiling></area>"));
	const json_t *info = info_of(alert);
	assert_string_equal(text_at(info, "headline"), "Two lines");
	assert_string_equal(text_at(info, "description"), "Line 1\n  Line 2");
	assert_string_equal(text_at(info, "instruction"), "<stay> & wait");
	assert_null(json_object_get(info, "audience"));
	const json_t *area = json_array_get(json_object_get(info, "area"), 0);
	assert_string_equal(text_at(area, "areaDesc"), "Düna");
	assert_int_equal(json_array_size(json_object_get(area, "polygon")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(area, "polygon"), 0)),
		"1,2 3,4 5,6 1,2");
	assert_true(json_real_value(json_object_get(area, "altitude")) == 10.5);
	assert_int_equal(json_integer_value(json_object_get(area, "ceiling")), 20);
	const json_t *addresses = json_object_get(alert, "addresses");
	assert_string_equal(json_string_value(json_array_get(addresses, 0)), "City Office");
	assert_int_equal(json_array_size(addresses), 2);
	assert_int_equal(json_array_size(json_object_get(alert, "incidents")), 2);
	json_decref(alert);
}

static void test_write(void **state)
{
	(void)state;
	static const char *const files[] = {"exercise__danube-1-alert.xml",
		"exercise__danube-3-cancel.xml", "exercise__cap-1.0-latin-2.xml",
		"sambro__Philippines-Tropical-Cyclone-MultiLanguage.xml", "wis2box__cap_example.xml"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		json_t *alert = parse_file(files[i]);
		struct buffer xml;
		buffer_init(&xml, CAP_SIZE_MAX);
		assert_int_equal(cap_write(alert, &xml), 0);
		json_t *back = parse(buffer_text(&xml));
		assert_true(json_equal(alert, back));
		json_decref(alert);
		json_decref(back);
		buffer_deinit(&xml);
	}
	/* CAP knows no Z and no fractions of a second, and XML has its characters. */
	json_t *alert = parse(ALERT("<note>a &lt; b &amp; c</note>",
		"<onset>2026-03-01T10:00:00.75+05:45</onset>"));
	struct buffer xml;
	buffer_init(&xml, CAP_SIZE_MAX);
	assert_int_equal(cap_write(alert, &xml), 0);
	assert_non_null(strstr(buffer_text(&xml), "<sent>2026-03-01T10:00:00-00:00</sent>"));
	assert_non_null(strstr(buffer_text(&xml), "<onset>2026-03-01T10:00:00+05:45</onset>"));
	assert_non_null(strstr(buffer_text(&xml), "<note>a &lt; b &amp; c</note>"));
	json_decref(alert);
	buffer_deinit(&xml);
}

static void test_older_versions(void **state)
{
	(void)state;
	json_t *alert = parse_file("exercise__cap-1.0-latin-2.xml");
	const json_t *info = info_of(alert);
	assert_string_equal(text_at(info, "event"), "Silný vietor");
	assert_string_equal(text_at(info, "certainty"), "Likely");
	const json_t *code = json_array_get(json_object_get(info, "eventCode"), 0);
	assert_string_equal(text_at(code, "valueName"), "SAME");
	assert_string_equal(text_at(code, "value"), "HWW");
	json_decref(alert);
	alert = parse_file("cap-php__us.xml");
	assert_string_equal(text_at(info_of(alert), "event"), "Flood Warning");
	json_decref(alert);
}

static void assert_names(const struct cap_reference *reference, const json_t *alert)
{
	assert_string_equal(reference->sender, text_at(alert, "sender"));
	assert_string_equal(reference->identifier, text_at(alert, "identifier"));
	assert_string_equal(reference->sent, text_at(alert, "sent"));
}

static void test_references(void **state)
{
	(void)state;
	json_t *first = parse_file("exercise__danube-1-alert.xml");
	json_t *second = parse_file("exercise__danube-2-update.xml");
	json_t *cancel = parse_file("exercise__danube-3-cancel.xml");
	struct cap_reference references[4];
	assert_int_equal(cap_references(first, references, 4), 0);
	assert_int_equal(cap_references(second, references, 4), 1);
	assert_names(&references[0], first);
	assert_int_equal(cap_references(cancel, references, 1), 2);
	assert_int_equal(cap_references(cancel, references, 4), 2);
	assert_names(&references[0], first);
	assert_names(&references[1], second);
	json_decref(first);
	json_decref(second);
	json_decref(cancel);
	json_t *reference;
	static const char *const bad[] = {"", "a", "a,b", ",b,2026-06-12T06:00:00Z", "a,b,yesterday",
		"a,b,c,2026-06-12T06:00:00Z"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(cap_reference_parse(bytes_from_text(bad[i]), &reference), 0);
}

static void test_faults(void **state)
{
	(void)state;
	json_t *alert = parse(ALERT("<references>nonsense</references>",
		"<language>en_US</language><web>javascript:alert(1)</web>"
		"<resource><resourceDesc>r</resourceDesc><size>big</size><uri>data:x,y</uri></resource>"
		"<area><areaDesc>d</areaDesc><polygon>1,2 3,4 1,2</polygon>"
		"<polygon>1,2 3,4 5,6 1,2</polygon><circle>91,0 1</circle><ceiling>5</ceiling></area>"));
	const json_t *faults = json_object_get(alert, "faults");
	assert_int_equal(json_array_size(faults), 8);
	assert_string_equal(json_string_value(json_array_get(faults, 5)),
		"info[0].area[0].polygon[0] was left out: it is '1,2 3,4 1,2'; "
		"a polygon needs at least four points, the last equal to the first");
	assert_null(json_object_get(alert, "references"));
	assert_null(json_object_get(info_of(alert), "web"));
	const json_t *area = json_array_get(json_object_get(info_of(alert), "area"), 0);
	assert_int_equal(json_array_size(json_object_get(area, "polygon")), 1);
	json_decref(alert);
}

static void test_foreign_elements(void **state)
{
	(void)state;
	json_t *alert = parse(ALERT("<x:note xmlns:x='urn:x'>no</x:note><unknown><event>no</event>"
		"</unknown><Signature xmlns='http://www.w3.org/2000/09/xmldsig#'><info/></Signature>", ""));
	assert_null(json_object_get(alert, "note"));
	assert_int_equal(json_array_size(json_object_get(alert, "info")), 1);
	assert_null(json_object_get(alert, "event"));
	json_decref(alert);
}

static void test_original(void **state)
{
	(void)state;
	static const char xml[] = ALERT("", "");
	json_t *alert = parse(xml);
	bool is_inline = false;
	assert_int_equal(cap_keep_original(alert, bytes_from_text(xml), &is_inline), 0);
	assert_true(is_inline);
	const json_t *original = json_object_get(alert, "original");
	assert_string_equal(text_at(original, "text"), xml);
	assert_string_equal(text_at(original, "encoding"), "utf-8");
	assert_int_equal(body_validate(KIND_ALERT, alert, NULL), 0);
	static const char latin[] = "<?xml version='1.0' encoding='ISO-8859-1'?><!--\xe9--><alert/>";
	assert_int_equal(cap_keep_original(alert, bytes_from_text(latin), &is_inline), 0);
	assert_false(is_inline);
	original = json_object_get(alert, "original");
	assert_string_equal(text_at(original, "encoding"), "iso-8859-1");
	assert_null(json_object_get(original, "text"));
	static char large[CAP_INLINE_MAX + 1];
	memset(large, 'x', sizeof(large));
	assert_int_equal(cap_keep_original(alert, bytes_of(large, sizeof(large)), &is_inline), 0);
	assert_false(is_inline);
	assert_int_equal(cap_keep_original(alert, bytes_of(large, sizeof(large) - 1), &is_inline), 0);
	assert_true(is_inline);
	json_decref(alert);
}

static void test_abridge(void **state)
{
	(void)state;
	json_t *alert = parse_file("fpas__mow.DE-HE-KS-SE106-20250313-106-001.xml");
	struct buffer b;
	buffer_init(&b, BODY_SIZE_MAX);
	assert_int_equal(body_encode(alert, &b, NULL), ERROR_SIZE);
	assert_int_equal(cap_abridge(alert, BODY_SIZE_MAX - 8192), 0);
	assert_int_equal(body_encode(alert, &b, NULL), 0);
	assert_int_equal(b.len, body_size(alert));
	assert_true(b.len <= BODY_SIZE_MAX - 8192);
	assert_true(json_array_size(json_object_get(alert, "abridged")) > 0);
	assert_int_equal(body_validate(KIND_ALERT, alert, NULL), 0);
	assert_int_equal(cap_abridge(alert, 100), ERROR_SIZE);
	json_decref(alert);
	buffer_deinit(&b);
}

static void test_size(void **state)
{
	(void)state;
	static char large[CAP_SIZE_MAX + 1];
	memset(large, ' ', sizeof(large));
	struct complaint c = {0};
	json_t *alert;
	assert_int_equal(cap_parse(bytes_of(large, sizeof(large)), &alert, &c), ERROR_SIZE);
	assert_null(alert);
	assert_non_null(strstr(c.reason, "4194304"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_older_versions),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_foreign_elements),
		cmocka_unit_test(test_original),
		cmocka_unit_test(test_abridge),
		cmocka_unit_test(test_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
