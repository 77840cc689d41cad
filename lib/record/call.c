/* SPDX-License-Identifier: Apache-2.0 */
#include "record/call.h"

#include "record/field.h"
#include "record/value.h"

#define DAY_MS INT64_C(86400000)
#define WESTERNMOST_MS (INT64_C(12) * 3600 * 1000)

static const char *const statuses[] = {"forthcoming", "open", "closed", "unknown", NULL};

static const struct field deadline[] = {
	{.name = "at", .type = FIELD_LINE, .max = 40, .required = true, .check = value_time},
	{.name = "time_zone", .type = FIELD_LINE, .max = 40, .check = value_time_zone},
	{.name = "what", .type = FIELD_LINE, .min = 1, .max = 256},
	{.name = NULL},
};

static const struct field budget[] = {
	{.name = "amount", .type = FIELD_NUMBER, .max = 1e15, .required = true},
	{.name = "currency", .type = FIELD_LINE, .max = 3, .required = true, .check = value_currency},
	{.name = NULL},
};

static const struct field grant[] = {
	{.name = "min", .type = FIELD_NUMBER, .max = 1e15},
	{.name = "max", .type = FIELD_NUMBER, .max = 1e15},
	{.name = "currency", .type = FIELD_LINE, .max = 3, .required = true, .check = value_currency},
	{.name = NULL},
};

static struct bytes text_of(const json_t *object, const char *name)
{
	return bytes_from_text(json_string_value(json_object_get(object, name)));
}

/* A deadline that a reader in another country could misread is none. */
static int check_deadline(const json_t *object, const char *path, struct complaint *c)
{
	enum value_time_form form;
	struct timestamp t;
	char inner[FIELD_PATH_SIZE];
	if (value_time_parse(text_of(object, "at"), &form, &t) || form == VALUE_TIME_INSTANT ||
		json_object_get(object, "time_zone"))
		return 0;
	field_path(inner, path, "time_zone");
	return complain(c, ERROR_FIELD, inner,
		"is missing; a deadline needs a time zone, or an offset from UTC in its time");
}

static int check_grant(const json_t *object, const char *path, struct complaint *c)
{
	const json_t *min = json_object_get(object, "min"), *max = json_object_get(object, "max");
	if (!min && !max)
		return complain(c, ERROR_FIELD, path, "has neither min nor max");
	if (min && max && json_number_value(min) > json_number_value(max))
		return complain(c, ERROR_FIELD, path, "has a min that is larger than its max");
	return 0;
}

static const struct field fields[] = {
	{.name = "title", .type = FIELD_LINE, .min = 1, .max = 1024, .required = true},
	{.name = "funder", .type = FIELD_LINE, .min = 1, .max = 512, .required = true},
	{.name = "programme", .type = FIELD_LINE, .min = 1, .max = 512},
	{.name = "identifier", .type = FIELD_LINE, .min = 1, .max = 256},
	{.name = "summary", .type = FIELD_TEXT, .min = 1, .max = 65536},
	{.name = "opens", .type = FIELD_LINE, .max = 40, .check = value_date},
	{.name = "deadlines", .type = FIELD_OBJECT, .list_max = 32, .fields = deadline,
		.object_check = check_deadline},
	{.name = "deadline_note", .type = FIELD_LINE, .min = 1, .max = 512},
	{.name = "budget", .type = FIELD_OBJECT, .fields = budget},
	{.name = "grant", .type = FIELD_OBJECT, .fields = grant, .object_check = check_grant},
	{.name = "who_may_apply", .type = FIELD_LINE, .min = 1, .max = 512, .list_max = 64},
	{.name = "city_direct", .type = FIELD_BOOL, .nullable = true},
	{.name = "national_approval", .type = FIELD_BOOL, .nullable = true},
	{.name = "link", .type = FIELD_LINE, .max = VALUE_URL_SIZE_MAX, .check = value_url},
	FIELD_TOPICS,
	FIELD_CONTACT,
	{.name = "language", .type = FIELD_LINE, .max = 35, .required = true, .check = value_language},
	{.name = "source", .type = FIELD_LINE, .min = 1, .max = VALUE_URL_SIZE_MAX},
	{.name = "status", .type = FIELD_CHOICE, .choices = statuses},
	{.name = "awarded", .type = FIELD_LINE, .max = 40, .check = value_date},
	FIELD_ATTACHMENTS,
	{.name = "supersedes", .type = FIELD_LINE, .max = 128, .check = value_record},
	{.name = "visibility", .type = FIELD_CHOICE, .choices = field_visibility},
	{.name = "extra", .type = FIELD_OBJECT},
	{.name = NULL},
};

/* The first moment at which the given time may have come, anywhere. */
static struct timestamp earliest(const json_t *object, const char *name, bool *known)
{
	enum value_time_form form;
	struct timestamp t = {0};
	*known = value_time_parse(text_of(object, name), &form, &t) == 0;
	return t;
}

static int check_order(const json_t *body, struct complaint *c)
{
	bool opens_known, at_known;
	struct timestamp opens = earliest(body, "opens", &opens_known);
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(body, "deadlines"), i, each) {
		struct timestamp at = earliest(each, "at", &at_known);
		if (!opens_known || !at_known ||
			timestamp_diff_ms(opens, at) <= DAY_MS + WESTERNMOST_MS)
			continue;
		char path[FIELD_PATH_SIZE], inner[FIELD_PATH_SIZE];
		field_path_index(path, "deadlines", i);
		field_path(inner, path, "at");
		return complain(c, ERROR_FIELD, inner, "is '%s', before the call opens ('%s')",
			json_string_value(json_object_get(each, "at")),
			json_string_value(json_object_get(body, "opens")));
	}
	return 0;
}

int call_validate(const json_t *body, struct complaint *c)
{
	int code = field_validate(body, fields, "", c);
	return code ? code : check_order(body, c);
}

int64_t call_expiry_ms(const json_t *body)
{
	int64_t last = 0;
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(body, "deadlines"), i, each) {
		enum value_time_form form;
		struct timestamp t;
		if (value_time_parse(text_of(each, "at"), &form, &t))
			continue;
		int64_t end = t.ms;
		if (form == VALUE_TIME_DATE)
			end += DAY_MS;
		if (form != VALUE_TIME_INSTANT)
			end += WESTERNMOST_MS;
		last = end > last ? end : last;
	}
	return last;
}
