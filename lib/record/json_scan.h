/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON text as a flat array of values, for the one road that must be quick: publishing in bulk. A
 * tree of jansson's costs 8 us a record of 1 KiB; this costs 0.3, as texts stay views into what
 * came and nothing is allocated for each value.
 *
 * It may only say yes or "I do not know". What it takes, jansson takes too, with the same values;
 * what it passes over (whatever is wrong, and what is rare: reals, large numbers, long objects) is
 * read again by jansson, which then says what is wrong with it. So there is one judge of errors.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Beyond these the text is passed over. */
#define JSON_SCAN_VALUES_MAX 4096u
#define JSON_SCAN_DEPTH_MAX 20u
#define JSON_SCAN_MEMBERS_MAX 64u

enum json_scan_type {
	JSON_SCAN_OBJECT,
	JSON_SCAN_ARRAY,
	JSON_SCAN_TEXT,
	JSON_SCAN_INTEGER,
	JSON_SCAN_TRUE,
	JSON_SCAN_FALSE,
	JSON_SCAN_NULL,
};

/** In the order of the text: a container's first element stands behind it. */
struct json_scan_value {
	enum json_scan_type type;
	bool breaks;       /* of a text: it has a line break */
	bool controls;     /* of a text: another control character but tab, or DEL */
	uint32_t count;    /* of a container: its elements */
	uint32_t next;     /* the number of the value behind this one and all in it */
	struct bytes key;  /* in an object */
	struct bytes text; /* valid UTF-8 without NUL */
	int64_t integer;
};

/** May be used for many texts, one after another. Zeroed, it is empty. */
struct json_scan {
	struct json_scan_value *values;
	uint32_t count, capacity;
	char *scratch; /* texts that had escapes */
	size_t scratch_len, scratch_capacity;
};

void json_scan_deinit(struct json_scan *scan);

/**
 * True: values[0] is the whole text. No object in it has more than JSON_SCAN_MEMBERS_MAX members;
 * whether two have one name is for the caller to see (json_scan_sort). The views end with `text`
 * and with the next call.
 */
bool json_scan_read(struct json_scan *scan, struct bytes text);

/** The members of an object by the bytes of their names; false: two have the same one. */
bool json_scan_sort(
	const struct json_scan *scan, uint32_t object, uint32_t to[static JSON_SCAN_MEMBERS_MAX]);

/** The value as jansson would have read it: a new reference, NULL without memory. */
json_t *json_scan_value_json(const struct json_scan *scan, uint32_t value);
