/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "record/body.h"
#include "record/value.h"

#define DOC "\"title\": \"Heat plan\", \"language\": \"hu\""
#define CALL "\"title\": \"Green roofs\", \"funder\": \"EU\", \"language\": \"en\""
#define ALERT \
	"\"identifier\": \"a-1\", \"sender\": \"met@city.example\", \"status\": \"Exercise\", " \
	"\"sent\": \"2026-03-31T17:00:00+02:00\", \"msgType\": \"Alert\", \"scope\": \"Public\""
#define INFO \
	"\"category\": [\"Met\"], \"event\": \"Storm\", \"urgency\": \"Future\", " \
	"\"severity\": \"Severe\", \"certainty\": \"Likely\""

struct sample {
	enum record_kind kind;
	const char *json;
	const char *field;  /* NULL: valid */
	const char *reason; /* a part of it */
};

static const struct sample samples[] = {
	{KIND_DOC, "{" DOC "}", NULL, NULL},
	{KIND_DOC, "{" DOC ", \"later\": {\"any\": [1]}}", NULL, NULL},
	{KIND_DOC, "{\"language\": \"hu\"}", "title", "is missing"},
	{KIND_DOC, "{\"title\": \"\", \"language\": \"hu\"}", "title", "is empty"},
	{KIND_DOC, "{\"title\": \"a\\nb\", \"language\": \"hu\"}", "title", "line break"},
	{KIND_DOC, "{\"title\": \"a\\u0007b\", \"language\": \"hu\"}", "title", "control"},
	{KIND_DOC, "{\"title\": 7, \"language\": \"hu\"}", "title", "must be a text"},
	{KIND_DOC, "{\"title\": null, \"language\": \"hu\"}", "title", "is null"},
	{KIND_DOC, "{\"title\": \"T\", \"language\": \"Magyar nyelv\"}", "language", "language tag"},
	{KIND_DOC, "{" DOC ", \"text\": \"x\"}", "media_type", "is missing"},
	{KIND_DOC, "{" DOC ", \"text\": \"x\", \"media_type\": \"text/rtf\"}", "media_type",
		"is 'text/rtf'; it must be text/markdown, text/asciidoc"},
	{KIND_DOC, "{" DOC ", \"topics\": \"air\"}", "topics", "must be a list"},
	{KIND_DOC, "{" DOC ", \"topics\": [\"air\", \"\"]}", "topics[1]", "is empty"},
	{KIND_DOC, "{" DOC ", \"published\": \"2026-02-30\"}", "published", "no such day"},
	{KIND_DOC, "{" DOC ", \"published\": \"2569-01-01\"}", "published", "1900 to 2200"},
	{KIND_DOC, "{" DOC ", \"contact\": {}}", "contact", "names nobody"},
	{KIND_DOC, "{" DOC ", \"contact\": {\"email\": \"me\"}}", "contact.email", "e-mail"},
	{KIND_DOC, "{" DOC ", \"contact\": {\"url\": \"javascript:alert(1)\"}}", "contact.url",
		"must begin with https://"},
	{KIND_DOC, "{" DOC ", \"cost\": {\"amount\": 5}}", "cost", "currency"},
	{KIND_DOC, "{" DOC ", \"cost\": {\"amount\": -5, \"currency\": \"EUR\"}}", "cost.amount",
		"at least 0"},
	{KIND_DOC, "{" DOC ", \"evidence\": [{\"what\": \"less heat\", \"link\": \"x\"}]}",
		"evidence[0].link", "must begin"},
	{KIND_DOC, "{" DOC ", \"translation_of\": \"pact/budapest/doc/7\"}", NULL, NULL},
	{KIND_DOC, "{" DOC ", \"translation_of\": \"pact/budapest/doc/0\"}", "translation_of",
		"record's id"},
	{KIND_DOC, "{" DOC ", \"visibility\": \"secret\"}", "visibility", "members or public"},

	{KIND_CALL, "{" CALL "}", NULL, NULL},
	{KIND_CALL, "{" CALL ", \"city_direct\": null, \"national_approval\": true}", NULL, NULL},
	{KIND_CALL, "{\"title\": \"T\", \"language\": \"en\"}", "funder", "is missing"},
	{KIND_CALL, "{" CALL ", \"city_direct\": \"yes\"}", "city_direct", "true or false"},
	{KIND_CALL, "{" CALL ", \"deadlines\": [{\"at\": \"2026-03-31\"}]}", "deadlines[0].time_zone",
		"is missing"},
	{KIND_CALL, "{" CALL ", \"deadlines\": [{\"at\": \"2026-03-31\", "
		"\"time_zone\": \"Europe/Brussels\"}]}", NULL, NULL},
	{KIND_CALL, "{" CALL ", \"deadlines\": [{\"at\": \"2026-03-31T17:00:00+01:00\"}]}", NULL, NULL},
	{KIND_CALL, "{" CALL ", \"deadlines\": [{\"at\": \"2026-03-31\", \"time_zone\": \"Mars\"}]}",
		"deadlines[0].time_zone", "IANA"},
	{KIND_CALL, "{" CALL ", \"deadlines\": [{\"at\": \"31.3.2026\"}]}", "deadlines[0].at",
		"must be a date"},
	{KIND_CALL, "{" CALL ", \"opens\": \"2026-05-01\", \"deadlines\": [{\"at\": \"2026-03-31\", "
		"\"time_zone\": \"UTC\"}]}", "deadlines[0].at", "before the call opens"},
	{KIND_CALL, "{" CALL ", \"budget\": {\"amount\": 5, \"currency\": \"Euro\"}}",
		"budget.currency", "ISO 4217"},
	{KIND_CALL, "{" CALL ", \"budget\": {\"amount\": 1e16, \"currency\": \"EUR\"}}",
		"budget.amount", "at most"},
	{KIND_CALL, "{" CALL ", \"grant\": {\"min\": 9, \"max\": 5, \"currency\": \"EUR\"}}", "grant",
		"larger than its max"},
	{KIND_CALL, "{" CALL ", \"link\": \"ftp://x.example/\"}", "link", "must begin"},
	{KIND_CALL, "{" CALL ", \"link\": \"https://bank.example@evil.example/\"}", "link", "user name"},
	{KIND_CALL, "{" CALL ", \"status\": \"Open\"}", "status", "forthcoming, open"},

	{KIND_ALERT, "{" ALERT "}", NULL, NULL},
	{KIND_ALERT, "{" ALERT ", \"info\": [{" INFO "}]}", NULL, NULL},
	{KIND_ALERT, "{" ALERT ", \"info\": [{\"event\": \"x\"}]}", "info[0].category", "is missing"},
	{KIND_ALERT, "{" ALERT ", \"info\": [{" INFO ", \"severity\": \"Grave\"}]}", "",
		"duplicate"},
	{KIND_ALERT, "{" ALERT ", \"info\": [{" INFO ", \"expires\": \"2026-03-31T17:00:00\"}]}",
		"info[0].expires", "offset from UTC"},
	{KIND_ALERT, "{" ALERT ", \"info\": [{" INFO ", \"area\": [{\"areaDesc\": \"D\", "
		"\"polygon\": [\"1,2 3,4 5,6 1,2\"], \"circle\": [\"47.5,19 10\"]}]}]}", NULL, NULL},
	{KIND_ALERT, "{" ALERT ", \"info\": [{" INFO ", \"area\": [{\"areaDesc\": \"D\", "
		"\"polygon\": [\"1,2 3,4 5,6 1,3\"]}]}]}", "info[0].area[0].polygon[0]", "end where"},
	{KIND_ALERT, "{" ALERT ", \"info\": [{" INFO ", \"area\": [{\"areaDesc\": \"D\", "
		"\"polygon\": [\"1,2 3,4 1,2\"]}]}]}", "info[0].area[0].polygon[0]", "four points"},
	{KIND_ALERT, "{" ALERT ", \"info\": [{" INFO ", \"area\": [{\"areaDesc\": \"D\", "
		"\"circle\": [\"91,2 3\"]}]}]}", "info[0].area[0].circle[0]", "latitude"},
	{KIND_ALERT, "{" ALERT ", \"references\": [{\"sender\": \"a b\", \"identifier\": \"i\", "
		"\"sent\": \"2026-03-31T17:00:00Z\"}]}", "references[0].sender", "no spaces"},
	{KIND_ALERT, "{" ALERT ", \"incident\": {\"narrative\": \"Water is poisoned\", "
		"\"channels\": [\"Telegram\"], \"first_seen\": \"2026-03-01\"}}", NULL, NULL},
	{KIND_ALERT, "{" ALERT ", \"incident\": {}}", "incident.narrative", "is missing"},

	{KIND_META, "{\"type\": \"read\", \"entries\": [{\"record\": \"pact/prague/call/3\"}]}", NULL,
		NULL},
	{KIND_META, "{\"type\": \"read\"}", "entries", "is missing"},
	{KIND_META, "{\"type\": \"countersign\", \"entries\": [{\"record\": \"pact/prague/call/3\"}]}",
		"stance", "is missing"},
	{KIND_META, "{\"type\": \"blocking\", \"target\": \"AS1\"}", "since", "is missing"},
	{KIND_CASE, "{}", "kind", "does not publish"},
};

static void test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];
		struct complaint c = {0};
		json_t *body = body_from_json(bytes_from_text(s->json), &c);
		int code = body ? body_validate(s->kind, body, &c) : ERROR_SYNTAX;
		json_decref(body);
		if (!s->field && code)
			fail_msg("%s: refused: %s %s", s->json, c.field, c.reason);
		if (s->field && (!code || strcmp(c.field, s->field) != 0 || !strstr(c.reason, s->reason)))
			fail_msg("%s: %d, '%s' '%s'", s->json, code, c.field, c.reason);
	}
}

static void test_titles_and_expiry(void **state)
{
	(void)state;
	json_t *alert = body_from_json(bytes_from_text("{" ALERT ", \"info\": [{" INFO
		", \"headline\": \"Storm over Pest\", \"expires\": \"2026-03-31T18:00:00Z\"}, {" INFO
		", \"expires\": \"2026-03-31T20:00:00+01:00\"}]}"), NULL);
	assert_string_equal(body_title(KIND_ALERT, alert), "Storm over Pest");
	assert_int_equal(body_expiry_ms(KIND_ALERT, alert), INT64_C(1774983600000));
	json_decref(alert);
	/* A day in the westernmost zone: 2026-04-01T12:00Z. */
	json_t *call = body_from_json(bytes_from_text("{" CALL
		", \"deadlines\": [{\"at\": \"2026-03-31\", \"time_zone\": \"Europe/Brussels\"}]}"), NULL);
	assert_string_equal(body_title(KIND_CALL, call), "Green roofs");
	assert_int_equal(body_expiry_ms(KIND_CALL, call), INT64_C(1775044800000));
	json_decref(call);
	json_t *empty = json_object();
	assert_string_equal(body_title(KIND_ALERT, empty), "");
	assert_int_equal(body_expiry_ms(KIND_DOC, empty), 0);
	json_decref(empty);
}

static void test_values(void **state)
{
	(void)state;
	static const char *const languages[] = {"en", "und", "pt-BR", "sr-Latn", "english", "zh-mo"};
	static const char *const bad_languages[] = {"", "e", "en-", "-en", "en_GB", "toolonglanguage"};
	for (size_t i = 0; i < 6; i++) {
		assert_null(value_language(bytes_from_text(languages[i])));
		assert_non_null(value_language(bytes_from_text(bad_languages[i])));
	}
	assert_null(value_time_zone(bytes_from_text("Europe/Bratislava")));
	assert_null(value_time_zone(bytes_from_text("+05:45")));
	assert_non_null(value_time_zone(bytes_from_text("europe/bratislava")));
	assert_non_null(value_time_zone(bytes_from_text("+25:00")));
	assert_null(value_url(bytes_from_text("HTTPS://www.praha.eu/a?b#c")));
	assert_null(value_url(bytes_from_text("mailto:office@praha.eu?subject=x")));
	assert_non_null(value_url(bytes_from_text("https://")));
	assert_non_null(value_url(bytes_from_text("https://a b/")));
	assert_null(value_resource_uri(bytes_from_text("map.png")));
	assert_non_null(value_resource_uri(bytes_from_text("data:text/html,x")));
	assert_null(value_instant(bytes_from_text("2026-03-31T17:00:00.25-07:00")));
	assert_non_null(value_instant(bytes_from_text("2026-03-31")));
	assert_non_null(strstr(value_instant(bytes_from_text("2016-03-10T22:12:03.770")), "offset"));
	assert_null(value_time(bytes_from_text("2026-03-31T17:00")));
	assert_non_null(value_time(bytes_from_text("2026-03-31T24:00")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_titles_and_expiry),
		cmocka_unit_test(test_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
