/* SPDX-License-Identifier: Apache-2.0 */
/* Reading CAP: a stack of open elements, each with the object of the model that it fills. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/cap.h"
#include "format/cap_element.h"
#include "format/xml.h"
#include "record/alert.h"
#include "record/body.h"
#include "record/field.h"
#include "record/value.h"

#define CAP_FAULTS_MAX 64

struct level {
	const struct cap_element *element; /* NULL: foreign or unknown, passed over with its children */
	json_t *object;                    /* of a group: where its children go; else NULL */
	char path[FIELD_PATH_SIZE];
};

struct parser {
	struct level levels[CAP_DEPTH_MAX + 1];
	size_t depth; /* open elements; levels[0] is <alert> */
	struct buffer text;
	json_t *alert;
	char ns[XML_NAME_SIZE];
	struct complaint *complaint;
};

static const struct cap_element *find_element(const struct cap_element *table, const char *name)
{
	for (; table && table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

static int start_alert(struct parser *p, const char *ns, const char *name)
{
	if (strcmp(name, "alert") != 0)
		return complain(p->complaint, ERROR_SYNTAX, "",
			"the root element is <%s>, not the <alert> of CAP", name);
	if (strcmp(ns, CAP_NAMESPACE_12) && strcmp(ns, CAP_NAMESPACE_11) &&
		strcmp(ns, CAP_NAMESPACE_10))
		return complain(p->complaint, ERROR_SYNTAX, "",
			*ns ? "its <alert> is of the namespace '%.100s', which is none of CAP 1.0, 1.1 or 1.2"
			    : "its <alert> has no namespace%s; CAP 1.2 is " CAP_NAMESPACE_12, ns);
	memcpy(p->ns, ns, strlen(ns) + 1);
	static const struct cap_element root = {"alert", CAP_GROUP, false, cap_alert_elements};
	p->levels[0] = (struct level){.element = &root, .object = p->alert};
	p->depth = 1;
	return 0;
}

/* Groups are put into the model when they open, so that children find their place and path. */
static int open_group(struct level *level, const struct level *parent)
{
	const char *name = level->element->name;
	json_t *list = json_object_get(parent->object, name);
	char path[FIELD_PATH_SIZE];
	field_path(path, parent->path, name);
	if (!list) {
		list = json_array();
		if (!list || json_object_set_new(parent->object, name, list))
			return ERROR_MEMORY;
	}
	level->object = json_object();
	if (!level->object || json_array_append_new(list, level->object))
		return ERROR_MEMORY;
	field_path_index(level->path, path, json_array_size(list) - 1);
	return 0;
}

static int on_start(void *user, const char *ns, const char *name)
{
	struct parser *p = user;
	if (p->depth == 0)
		return start_alert(p, ns, name);
	const struct level *parent = &p->levels[p->depth - 1];
	struct level *level = &p->levels[p->depth++];
	memset(level, 0, sizeof(*level));
	buffer_reset(&p->text);
	if (!parent->element || strcmp(ns, p->ns) != 0)
		return 0;
	level->element = find_element(parent->element->children, name);
	if (!level->element)
		return 0;
	if (level->element->type == CAP_GROUP || level->element->type == CAP_NAMED)
		return open_group(level, parent);
	const json_t *present = json_object_get(parent->object, name);
	field_path(level->path, parent->path, name);
	if (present && !level->element->list)
		return complain(p->complaint, ERROR_FIELD, level->path, "stands there twice");
	if (level->element->list) {
		char path[FIELD_PATH_SIZE];
		memcpy(path, level->path, sizeof(path));
		field_path_index(level->path, path, json_array_size(present));
	}
	return 0;
}

static int on_text(void *user, struct bytes text)
{
	struct parser *p = user;
	return p->levels[p->depth - 1].element ? buffer_push_bytes(&p->text, text) : 0;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct bytes trim(struct bytes text)
{
	while (text.len && is_space(text.data[0]))
		text = bytes_slice(text, 1, text.len);
	while (text.len && is_space(text.data[text.len - 1]))
		text.len--;
	return text;
}

/* Runs of white space become one space; in place, as the result is never longer. */
static struct bytes collapse(struct buffer *b)
{
	size_t len = 0;
	for (size_t i = 0; i < b->len; i++) {
		if (!is_space(b->data[i]))
			b->data[len++] = b->data[i];
		else if (len && b->data[len - 1] != ' ')
			b->data[len++] = ' ';
	}
	while (len && b->data[len - 1] == ' ')
		len--;
	return bytes_of(b->data, len);
}

/* Notes what was left out of the model, so that a reader turns to the original. */
static int add_fault(struct parser *p, const char *path, struct bytes text, const char *reason)
{
	json_t *faults = json_object_get(p->alert, "faults");
	if (!faults) {
		faults = json_array();
		if (!faults || json_object_set_new(p->alert, "faults", faults))
			return ERROR_MEMORY;
	}
	if (json_array_size(faults) >= CAP_FAULTS_MAX)
		return 0;
	size_t quoted = text_utf8_cut(text, 60);
	json_t *fault = json_sprintf("%s was left out: it is '%.*s%s'; %s", path, (int)quoted,
		text.len ? (const char *)text.data : "", quoted < text.len ? "…" : "", reason);
	return !fault || json_array_append_new(faults, fault) ? ERROR_MEMORY : 0;
}

static json_t *text_value(struct bytes text)
{
	return json_stringn(text.len ? (const char *)text.data : "", text.len);
}

static int set_value(const struct level *parent, const struct cap_element *element, json_t *value)
{
	if (!value)
		return ERROR_MEMORY;
	if (!element->list)
		return json_object_set_new(parent->object, element->name, value) ? ERROR_MEMORY : 0;
	json_t *list = json_object_get(parent->object, element->name);
	if (!list) {
		list = json_array();
		if (!list || json_object_set_new(parent->object, element->name, list)) {
			json_decref(value);
			return ERROR_MEMORY;
		}
	}
	return json_array_append_new(list, value) ? ERROR_MEMORY : 0;
}

static json_t *number_value(struct bytes text, bool integral)
{
	char copy[40];
	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, ' ', text.len))
		return NULL;
	memcpy(copy, text.data, text.len);
	copy[text.len] = 0;
	if (strspn(copy, "+-.0123456789") != text.len)
		return NULL;
	char *end;
	double value = strtod(copy, &end);
	if (*end || (integral && (value < 0 || value > 0x1p53)))
		return NULL;
	if (value == (double)(json_int_t)value)
		return json_integer((json_int_t)value);
	return integral ? NULL : json_real(value);
}

/* The words of a list: separated by spaces, with quotes around those that contain spaces. */
static json_t *words_value(struct bytes text)
{
	json_t *list = json_array();
	size_t at = 0;
	while (list && at < text.len) {
		char end = text.data[at] == '"' ? '"' : ' ';
		size_t start = end == '"' ? at + 1 : at;
		size_t stop = start;
		while (stop < text.len && text.data[stop] != (uint8_t)end)
			stop++;
		if (stop > start &&
			json_array_append_new(list, text_value(bytes_slice(text, start, stop - start)))) {
			json_decref(list);
			return NULL;
		}
		at = stop + 1;
		while (at < text.len && text.data[at] == ' ')
			at++;
	}
	return list;
}

static int set_references(struct parser *p, const struct level *level, struct bytes text)
{
	json_t *list = json_array();
	int code = list ? 0 : ERROR_MEMORY;
	for (size_t at = 0; at < text.len && !code;) {
		size_t end = at;
		while (end < text.len && text.data[end] != ' ')
			end++;
		struct bytes word = bytes_slice(text, at, end - at);
		json_t *reference = NULL;
		if (cap_reference_parse(word, &reference))
			code = add_fault(p, level->path, word, "it is not sender,identifier,sent");
		else if (json_array_append_new(list, reference))
			code = ERROR_MEMORY;
		at = end + 1;
	}
	if (code || json_array_size(list) == 0) {
		json_decref(list);
		return code;
	}
	return set_value(&p->levels[p->depth - 2], level->element, list);
}

/* Values that are dropped, with a note, if they are broken: an alert must reach its readers. */
static int set_checked(struct parser *p, const struct level *level, struct bytes text)
{
	static const char number_reason[] = "it must be a number";
	const char *reason = NULL;
	json_t *value = NULL;
	switch (level->element->type) {
	case CAP_POLYGON:
		reason = alert_polygon(text);
		break;
	case CAP_CIRCLE:
		reason = alert_circle(text);
		break;
	case CAP_URL:
		reason = value_url(text);
		break;
	case CAP_URI:
		reason = value_resource_uri(text);
		break;
	case CAP_MIME:
		reason = value_content_type(text);
		break;
	case CAP_LANGUAGE:
		reason = value_language(text);
		break;
	default:
		value = number_value(text, level->element->type == CAP_INTEGER);
		reason = value ? NULL : number_reason;
	}
	if (reason)
		return add_fault(p, level->path, text, reason);
	return set_value(&p->levels[p->depth - 2], level->element, value ? value : text_value(text));
}

static int set_line(struct parser *p, const struct level *level, struct bytes text)
{
	/* Deprecated since CAP 1.1, which says to read it so. */
	if (!strcmp(level->element->name, "certainty") && bytes_equal_text(text, "Very Likely"))
		text = bytes_from_text("Likely");
	return set_value(&p->levels[p->depth - 2], level->element, text_value(text));
}

static int close_value(struct parser *p, const struct level *level)
{
	enum cap_type type = level->element->type;
	bool lines = type == CAP_TEXT || type == CAP_VALUE;
	struct bytes text = lines ? trim(buffer_bytes(&p->text)) : collapse(&p->text);
	if (text.len == 0 && type != CAP_VALUE)
		return 0;
	switch (type) {
	case CAP_TEXT:
	case CAP_VALUE:
	case CAP_LINE:
	case CAP_TIME:
		return set_line(p, level, text);
	case CAP_WORDS:
		return set_value(&p->levels[p->depth - 2], level->element, words_value(text));
	case CAP_REFERENCES:
		return set_references(p, level, text);
	default:
		return set_checked(p, level, text);
	}
}

/* CAP 1.0 writes <parameter>name=value</parameter>. */
static int close_named(struct parser *p, const struct level *level)
{
	struct bytes text = trim(buffer_bytes(&p->text));
	const uint8_t *equals = text.len ? memchr(text.data, '=', text.len) : NULL;
	if (json_object_size(level->object) || !equals || strcmp(p->ns, CAP_NAMESPACE_10) != 0)
		return 0;
	size_t name = (size_t)(equals - text.data);
	if (json_object_set_new(level->object, "valueName", text_value(bytes_slice(text, 0, name))) ||
		json_object_set_new(level->object, "value",
			text_value(bytes_slice(text, name + 1, text.len))))
		return ERROR_MEMORY;
	return 0;
}

static int close_area(struct parser *p, const struct level *level)
{
	if (!json_object_get(level->object, "ceiling") || json_object_get(level->object, "altitude"))
		return 0;
	json_object_del(level->object, "ceiling");
	return add_fault(p, level->path, bytes_from_text("ceiling"), "a ceiling needs an altitude");
}

static int on_end(void *user)
{
	struct parser *p = user;
	const struct level *level = &p->levels[p->depth - 1];
	int code = 0;
	if (p->text.error)
		code = p->text.error;
	else if (!level->element || p->depth == 1)
		code = 0;
	else if (level->element->type == CAP_NAMED)
		code = close_named(p, level);
	else if (level->element->type != CAP_GROUP)
		code = close_value(p, level);
	else if (!strcmp(level->element->name, "area"))
		code = close_area(p, level);
	buffer_reset(&p->text);
	p->depth--;
	return code;
}

int cap_parse(struct bytes xml, json_t **alert, struct complaint *c)
{
	static const struct xml_handler handler = {
		.start = on_start, .text = on_text, .end = on_end, .depth_max = CAP_DEPTH_MAX,
	};
	*alert = NULL;
	if (xml.len == 0)
		return complain(c, ERROR_SYNTAX, "", "the file is empty");
	if (xml.len > CAP_SIZE_MAX)
		return complain(c, ERROR_SIZE, "", "the alert is %zu bytes; at most %u are allowed",
			xml.len, CAP_SIZE_MAX);
	struct parser p = {.alert = json_object(), .complaint = c};
	if (!p.alert)
		return ERROR_MEMORY;
	buffer_init(&p.text, 2 * CAP_SIZE_MAX); /* UTF-8 of an 8-bit encoding */
	int code = xml_parse(xml, &handler, &p, c);
	buffer_deinit(&p.text);
	if (!code)
		code = alert_validate(p.alert, c);
	if (code)
		json_decref(p.alert);
	else
		*alert = p.alert;
	return code;
}
