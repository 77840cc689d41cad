/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bodies are checked by tables: one line a field, with its type, limits and checker. To add a
 * field, add a line to the table of its kind and to docs/records.md. Fields that no table names
 * are left alone: a later version may know them.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

#define FIELD_PATH_SIZE 96

enum field_type {
	FIELD_TEXT,    /* a string of min..max bytes; line breaks and tabs are the only controls */
	FIELD_LINE,    /* the same without line breaks */
	FIELD_CHOICE,  /* one of `choices` */
	FIELD_INTEGER, /* min..max, the bounds included */
	FIELD_NUMBER,  /* integer or real, min..max */
	FIELD_BOOL,
	FIELD_OBJECT,  /* with the members of `fields` */
	FIELD_ANY,     /* free; only the limits of a body hold */
};

/** NULL if the text is fine, else why not ("it must be …"). */
typedef const char *field_text_check(struct bytes text);

/** For what concerns several members: complains with `path` (or below it) and returns the code. */
typedef int field_object_check(const json_t *object, const char *path, struct complaint *c);

struct field {
	const char *name; /* NULL ends a table */
	enum field_type type;
	double min, max;            /* bytes of a text, bounds of a number */
	bool required;
	bool nullable;              /* null says "not known" */
	size_t list_max;            /* above 0: a list of at most so many of that type */
	bool list_filled;           /* a list must have an element */
	const char *const *choices; /* NULL ends them */
	field_text_check *check;
	const struct field *fields;
	field_object_check *object_check;
};

/** "prefix.name", "prefix[3]" or "name"; cut at the size of a complaint's field. */
void field_path(char to[static FIELD_PATH_SIZE], const char *prefix, const char *name);
void field_path_index(char to[static FIELD_PATH_SIZE], const char *prefix, size_t index);

/** Checks an object against a table; `path` is "" for the body itself. */
int field_validate(const json_t *object, const struct field *table, const char *path,
	struct complaint *c);

/** Tables that several kinds share. */
extern const struct field field_contact[];
extern const struct field field_attachment[];
extern const char *const field_visibility[];
int field_contact_check(const json_t *contact, const char *path, struct complaint *c);

/** The lines of tables that several kinds share. */
#define FIELD_TOPICS \
	{.name = "topics", .type = FIELD_LINE, .min = 1, .max = 64, .list_max = 16}
#define FIELD_ATTACHMENTS \
	{.name = "attachments", .type = FIELD_OBJECT, .list_max = 64, .fields = field_attachment}
#define FIELD_CONTACT \
	{.name = "contact", .type = FIELD_OBJECT, .fields = field_contact, \
		.object_check = field_contact_check}
