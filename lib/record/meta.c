/* SPDX-License-Identifier: Apache-2.0 */
#include "record/meta.h"

#include <string.h>

#include "record/field.h"
#include "record/value.h"

static const char *const types[] = {"read", "receipt", "countersign", "blocking", NULL};
static const char *const stances[] = {"received", "stand_by", "help", NULL};
static const char *const layers[] = {
	"dns", "ip", "tcp", "tls", "http", "seizure", "other", NULL,
};

/* A range of entries of one feed: batched receipts. */
static const struct field entry[] = {
	{.name = "record", .type = FIELD_LINE, .max = 128, .required = true, .check = value_record},
	{.name = "hash", .type = FIELD_LINE, .max = 64, .check = value_hash_hex},
	{.name = "at", .type = FIELD_LINE, .max = 40, .check = value_instant},
	{.name = NULL},
};

static const struct field fields[] = {
	{.name = "type", .type = FIELD_CHOICE, .required = true, .choices = types},
	{.name = "entries", .type = FIELD_OBJECT, .list_max = 1024, .fields = entry},
	{.name = "stance", .type = FIELD_CHOICE, .choices = stances},
	{.name = "by", .type = FIELD_LINE, .min = 1, .max = 256},
	{.name = "text", .type = FIELD_TEXT, .min = 1, .max = 4096},
	{.name = "since", .type = FIELD_LINE, .max = 40, .check = value_instant},
	{.name = "until", .type = FIELD_LINE, .max = 40, .check = value_instant},
	{.name = "target", .type = FIELD_LINE, .min = 1, .max = 512},
	{.name = "layer", .type = FIELD_CHOICE, .choices = layers},
	FIELD_ATTACHMENTS,
	{.name = NULL},
};

int meta_validate(const json_t *body, struct complaint *c)
{
	int code = field_validate(body, fields, "", c);
	if (code)
		return code;
	const char *type = json_string_value(json_object_get(body, "type"));
	bool blocking = !strcmp(type, "blocking");
	if (!blocking && json_array_size(json_object_get(body, "entries")) == 0)
		return complain(c, ERROR_FIELD, "entries",
			"is missing; it must name the records that the '%s' is about", type);
	if (!strcmp(type, "countersign") && !json_object_get(body, "stance"))
		return complain(c, ERROR_FIELD, "stance",
			"is missing; it must be received, stand_by or help");
	if (blocking && !json_object_get(body, "target"))
		return complain(c, ERROR_FIELD, "target", "is missing; say what is blocked");
	if (blocking && !json_object_get(body, "since"))
		return complain(c, ERROR_FIELD, "since", "is missing; say when it began");
	return 0;
}
