/* SPDX-License-Identifier: Apache-2.0 */
#include "format/mapping_spec.h"

#include <string.h>

#include "record/field.h"

static const char *const formats[] = {"json", "csv", NULL};
static const char *const kinds[] = {
	"line", "text", "date", "amount", "bool", "url", "list", "topics", NULL,
};
static const char *const decimals[] = {"point", "comma", NULL};
static const char *const picks[] = {"first", "last", NULL};

/* Records that are no calls are refused with the reason. */
static const struct field requirement[] = {
	{.name = "from", .type = FIELD_LINE, .min = 1, .max = 127, .required = true},
	{.name = "one_of", .type = FIELD_LINE, .min = 1, .max = 127, .required = true, .list_max = 64},
	{.name = "reason", .type = FIELD_LINE, .min = 1, .max = 200, .required = true},
	{.name = NULL},
};

static const struct field table[] = {
	{.name = "columns", .type = FIELD_LINE, .min = 1, .max = 127, .required = true},
	{.name = "column_name", .type = FIELD_LINE, .min = 1, .max = 127, .required = true},
	{.name = NULL},
};

static const struct field match[] = {
	{.name = "format", .type = FIELD_CHOICE, .required = true, .choices = formats},
	{.name = "records", .type = FIELD_LINE, .max = 127},
	{.name = "table", .type = FIELD_OBJECT, .fields = table},
	{.name = "keys", .type = FIELD_LINE, .min = 1, .max = 127, .required = true, .list_max = 64,
		.list_filled = true},
	{.name = "delimiter", .type = FIELD_LINE, .min = 1, .max = 1},
	{.name = NULL},
};

static const struct field target[] = {
	{.name = "from", .type = FIELD_LINE, .min = 1, .max = 127, .list_max = 16},
	{.name = "constant", .type = FIELD_ANY, .nullable = true},
	{.name = "kind", .type = FIELD_CHOICE, .choices = kinds},
	{.name = "html", .type = FIELD_BOOL},
	{.name = "formats", .type = FIELD_LINE, .min = 2, .max = 64, .list_max = 16},
	{.name = "date_only", .type = FIELD_BOOL},
	{.name = "decimal", .type = FIELD_CHOICE, .choices = decimals},
	{.name = "pick", .type = FIELD_CHOICE, .choices = picks},
	{.name = "multiply", .type = FIELD_NUMBER, .min = 1e-9, .max = 1e12},
	{.name = "separator", .type = FIELD_LINE, .min = 1, .max = 8},
	{.name = "prefix", .type = FIELD_LINE, .min = 1, .max = 512},
	{.name = "lookup", .type = FIELD_OBJECT},
	{.name = "default", .type = FIELD_ANY, .nullable = true},
	{.name = "ignore", .type = FIELD_TEXT, .max = 512, .list_max = 64},
	{.name = "optional", .type = FIELD_BOOL},
	{.name = NULL},
};

static const struct field mapping[] = {
	{.name = "name", .type = FIELD_LINE, .min = 1, .max = 64, .required = true},
	{.name = "about", .type = FIELD_TEXT, .max = 2048},
	{.name = "match", .type = FIELD_OBJECT, .required = true, .fields = match},
	{.name = "require", .type = FIELD_OBJECT, .list_max = 16, .fields = requirement},
	{.name = "fields", .type = FIELD_OBJECT, .required = true},
	{.name = NULL},
};

/* In a mapping a key that nobody knows is a slip of the pen. */
static int check_keys(const json_t *object, const struct field *known, const char *path,
	struct complaint *c)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)object, key, value) {
		const struct field *f = known;
		while (f->name && strcmp(f->name, key) != 0)
			f++;
		if (!f->name) {
			char inner[FIELD_PATH_SIZE];
			field_path(inner, path, key);
			return complain(c, ERROR_FIELD, inner, "is a key that mappings do not have");
		}
	}
	return 0;
}

static int check_target(const json_t *spec, const char *name, struct complaint *c)
{
	char path[FIELD_PATH_SIZE];
	field_path(path, "fields", name);
	if (!json_is_object(spec))
		return complain(c, ERROR_FIELD, path, "must be a map such as {from: [title]}");
	int code = check_keys(spec, target, path, c);
	if (!code)
		code = field_validate(spec, target, path, c);
	bool from = json_object_get(spec, "from"), constant = json_object_get(spec, "constant");
	if (!code && from == constant)
		code = complain(c, ERROR_FIELD, path, "must have either from or constant");
	return code;
}

int mapping_spec_check(const json_t *spec, struct complaint *c)
{
	int code = check_keys(spec, mapping, "", c);
	if (!code)
		code = field_validate(spec, mapping, "", c);
	if (!code)
		code = check_keys(json_object_get(spec, "match"), match, "match", c);
	const char *name;
	json_t *each;
	json_object_foreach(json_object_get(spec, "fields"), name, each)
		if (!code)
			code = check_target(each, name, c);
	return code;
}
