/* SPDX-License-Identifier: Apache-2.0 */
#include "record/doc.h"

#include "record/body.h"
#include "record/field.h"
#include "record/value.h"

static const char *const media_types[] = {
	"text/markdown",
	"text/asciidoc",
	"text/html",
	"text/x-rst",
	"text/plain",
	NULL,
};

/* What was measured, and where that can be read. */
static const struct field evidence[] = {
	{.name = "what", .type = FIELD_TEXT, .min = 1, .max = 2048, .required = true},
	{.name = "value", .type = FIELD_LINE, .min = 1, .max = 256},
	{.name = "link", .type = FIELD_LINE, .max = VALUE_URL_SIZE_MAX, .check = value_url},
	{.name = NULL},
};

static const struct field cost[] = {
	{.name = "amount", .type = FIELD_NUMBER, .max = 1e15},
	{.name = "currency", .type = FIELD_LINE, .max = 3, .check = value_currency},
	{.name = "note", .type = FIELD_TEXT, .min = 1, .max = 2048},
	{.name = NULL},
};

static int check_cost(const json_t *object, const char *path, struct complaint *c)
{
	bool amount = json_object_get(object, "amount"), currency = json_object_get(object, "currency");
	if (amount != currency)
		return complain(
			c, ERROR_FIELD, path, "must have both an amount and a currency, or neither");
	return 0;
}

const struct field doc_fields[] = {
	{.name = "title", .type = FIELD_LINE, .min = 1, .max = 1024, .required = true},
	{.name = "language", .type = FIELD_LINE, .max = 35, .required = true, .check = value_language},
	{.name = "summary", .type = FIELD_TEXT, .min = 1, .max = 8192},
	{.name = "media_type", .type = FIELD_CHOICE, .choices = media_types},
	{.name = "text", .type = FIELD_TEXT, .max = BODY_SIZE_MAX},
	FIELD_TOPICS,
	{.name = "evidence", .type = FIELD_OBJECT, .list_max = 32, .fields = evidence},
	{.name = "cost", .type = FIELD_OBJECT, .fields = cost, .object_check = check_cost},
	FIELD_CONTACT,
	{.name = "licence", .type = FIELD_LINE, .min = 1, .max = 256},
	{.name = "source", .type = FIELD_LINE, .min = 1, .max = VALUE_URL_SIZE_MAX},
	{.name = "published", .type = FIELD_LINE, .max = 40, .check = value_date},
	FIELD_ATTACHMENTS,
	{.name = "translation_of", .type = FIELD_LINE, .max = 128, .check = value_record},
	{.name = "supersedes", .type = FIELD_LINE, .max = 128, .check = value_record},
	{.name = "visibility", .type = FIELD_CHOICE, .choices = field_visibility},
	{.name = "extra", .type = FIELD_OBJECT},
	{.name = NULL},
};

int doc_validate(const json_t *body, struct complaint *c)
{
	int code = field_validate(body, doc_fields, "", c);
	if (!code && json_object_get(body, "text") && !json_object_get(body, "media_type"))
		code = complain(c, ERROR_FIELD, "media_type", "is missing; a text needs it");
	return code;
}
