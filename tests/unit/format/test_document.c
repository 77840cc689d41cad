/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "format/document.h"
#include "format/html.h"
#include "format/yaml.h"

static json_t *parse(const char *filename, const char *text)
{
	struct complaint c = {0};
	json_t *doc;
	if (document_parse(filename, bytes_from_text(text), &doc, &c))
		fail_msg("%s: %s %s", filename, c.field, c.reason);
	return doc;
}

static const char *text_at(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

static void test_front_matter(void **state)
{
	(void)state;
	json_t *doc = parse("plan.md",
		"---\n# a comment\ntitle: A heat plan\nlang: hu\ndescription: Short.\ntags: heat, health\n"
		"cost: about 5000 EUR a year\nevidence: [fewer calls]\ncontact: Office\n"
		"license: CC-BY-4.0\n"
		"date: 2025-05-01\norder: 3\nversion: 1.10\nnav: {key: x, on: true}\n---\n\n# Other\n");
	assert_string_equal(text_at(doc, "title"), "A heat plan");
	assert_string_equal(text_at(doc, "language"), "hu");
	assert_string_equal(text_at(doc, "summary"), "Short.");
	assert_string_equal(text_at(doc, "licence"), "CC-BY-4.0");
	assert_string_equal(text_at(doc, "published"), "2025-05-01");
	assert_string_equal(text_at(doc, "text"), "\n# Other\n");
	assert_int_equal(json_array_size(json_object_get(doc, "topics")), 2);
	assert_string_equal(text_at(json_object_get(doc, "cost"), "note"), "about 5000 EUR a year");
	assert_string_equal(text_at(json_object_get(doc, "contact"), "text"), "Office");
	const json_t *evidence = json_array_get(json_object_get(doc, "evidence"), 0);
	assert_string_equal(text_at(evidence, "what"), "fewer calls");
	const json_t *extra = json_object_get(doc, "extra");
	assert_int_equal(json_integer_value(json_object_get(extra, "order")), 3);
	assert_string_equal(text_at(extra, "version"), "1.10");
	assert_true(json_is_true(json_object_get(json_object_get(extra, "nav"), "on")));
	json_decref(doc);
}

/* What another system calls `date` or `description` may be something else there. */
static void test_foreign_keys(void **state)
{
	(void)state;
	json_t *doc = parse("x.md", "---\ndate: some day\ndescription: [1]\nlang: de_AT\n---\n# T\n");
	const json_t *extra = json_object_get(doc, "extra");
	assert_string_equal(text_at(extra, "date"), "some day");
	assert_string_equal(text_at(extra, "lang"), "de_AT");
	assert_int_equal(json_array_size(json_object_get(extra, "description")), 1);
	assert_string_equal(text_at(doc, "language"), "und");
	assert_string_equal(text_at(doc, "title"), "T");
	json_decref(doc);
	doc = parse("x.md", "---\n\nA rule, and no front matter.\n");
	assert_string_equal(text_at(doc, "text"), "---\n\nA rule, and no front matter.\n");
	assert_string_equal(text_at(doc, "title"), "x");
	json_decref(doc);
}

static void test_titles(void **state)
{
	(void)state;
	static const struct {
		const char *file, *text, *title;
	} cases[] = {
		{"a.md", "\xef\xbb\xbf# **Big** `plan` [link](http://x) {#id}\n", "Big plan link"},
		{"a.md", "```\n# no\n```\n\n## Yes ##\n", "Yes"},
		{"a.md", "Under\nlined\n=====\n", "lined"},
		{"night_bus-plan.md", "no heading\n", "night bus plan"},
		{"a.adoc", "ifndef::x[]\ninclude::y[]\nendif::[]\n:attr: v\n\n= Context\n", "Context"},
		{"a.rst", ".. _x:\n\n*****\nGlossario\n*****\n", "Glossario"},
		{"a.rst", "Éléments\n--------\n", "Éléments"},
		{"a.html", "<!-- <title>no</title> --><TITLE lang=x>\nA &amp; B&#33; </TITLE>", "A & B!"},
		{"a.html", "<p>x</p><h1>Head <em>line</em></h1>", "Head line"},
		{"a.txt", "\n\n First line \nrest", "First line"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *doc = parse(cases[i].file, cases[i].text);
		assert_string_equal(text_at(doc, "title"), cases[i].title);
		json_decref(doc);
	}
	json_t *doc = parse("a.html", "<html lang=\"sk\"><body>x</body></html>");
	assert_string_equal(text_at(doc, "language"), "sk");
	assert_string_equal(text_at(doc, "media_type"), "text/html");
	assert_string_equal(text_at(doc, "text"), "<html lang=\"sk\"><body>x</body></html>");
	json_decref(doc);
	assert_int_equal(document_of_attachment("reports/Flood_2025.pdf", &doc), 0);
	assert_string_equal(text_at(doc, "title"), "Flood 2025");
	json_decref(doc);
}

static void test_write(void **state)
{
	(void)state;
	static const char text[] = "---\ntitle: \"Plan: \\\"A\\\"\"\nlanguage: cs\ntopics: [heat]\n"
		"cost: {amount: 5, currency: EUR}\nnav: [1, {a: b}]\nfoo bar: x\n---\n# Plan\n\nText.\n";
	json_t *doc = parse("x.md", text);
	struct buffer out;
	buffer_init(&out, 65536);
	assert_int_equal(document_write_markdown(doc, &out), 0);
	json_t *back = parse("x.md", buffer_text(&out));
	assert_true(json_equal(doc, back));
	json_decref(doc);
	json_decref(back);
	doc = parse("x.adoc", "= Plan\n\n````\ncode\n````\n");
	buffer_reset(&out);
	assert_int_equal(document_write_markdown(doc, &out), 0);
	assert_non_null(strstr(buffer_text(&out), "\n`````asciidoc\n= Plan\n"));
	json_decref(doc);
	buffer_deinit(&out);
}

static void test_yaml(void **state)
{
	(void)state;
	json_t *out;
	static const char text[] = "a: 1\nb: -2.5\nc: 007\nd: 1e5\ne: yes\nf: ~\ng: 'true'\n"
		"h: !!str 5\n"
		"i: 99999999999999999999\nj: 2026-01-01\nk: |\n  one\n  two\n";
	assert_int_equal(yaml_read(bytes_from_text(text), 1, &out, NULL), 0);
	assert_int_equal(json_integer_value(json_object_get(out, "a")), 1);
	assert_true(json_real_value(json_object_get(out, "b")) == -2.5);
	assert_string_equal(text_at(out, "c"), "007");
	assert_string_equal(text_at(out, "d"), "1e5");
	assert_string_equal(text_at(out, "e"), "yes");
	assert_true(json_is_null(json_object_get(out, "f")));
	assert_string_equal(text_at(out, "g"), "true");
	assert_string_equal(text_at(out, "h"), "5");
	assert_string_equal(text_at(out, "i"), "99999999999999999999");
	assert_string_equal(text_at(out, "j"), "2026-01-01");
	assert_string_equal(text_at(out, "k"), "one\ntwo\n");
	json_decref(out);
	assert_int_equal(yaml_read(bytes_from_text(""), 1, &out, NULL), 0);
	assert_int_equal(json_object_size(out), 0);
	json_decref(out);
	static const char *const bad[] = {"a: *x", "- a", "a: 1\na: 2", "a: [", "? [k]\n: v",
		"a: 1\n---\nb: 2",
		"a: [[[[[[[[[[[[[[1]]]]]]]]]]]]]]", "\xff: 1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct complaint c = {0};
		assert_int_equal(yaml_read(bytes_from_text(bad[i]), 1, &out, &c), ERROR_SYNTAX);
		assert_null(out);
		assert_non_null(strstr(c.reason, "line"));
	}
}

static void test_html_text(void **state)
{
	(void)state;
	static const struct {
		const char *html, *text;
	} cases[] = {
		{"<p>One</p><p>Two&nbsp;&eacute;&#x41;</p>", "One\n\nTwo éA"},
		{"a <script>if (a < b) x();</script>b", "a b"},
		{"<ul><li>x</li><li>y</li></ul>", "- x\n\n- y"},
		{"<!-- <p>no</p> -->yes &unknown; & 1 < 2", "yes &unknown; & 1 < 2"},
		{"<a href=\"x>y\">link</a>", "link"},
		{"&#0;&#xD800;&#99999999;", "&#0;\xef\xbf\xbd\xef\xbf\xbd"},
		{"<p", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer out;
		buffer_init(&out, 4096);
		assert_int_equal(html_text(bytes_from_text(cases[i].html), &out), 0);
		assert_string_equal(out.len ? buffer_text(&out) : "", cases[i].text);
		buffer_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_front_matter),
		cmocka_unit_test(test_foreign_keys),
		cmocka_unit_test(test_titles),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_yaml),
		cmocka_unit_test(test_html_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
