/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The body of a record. In memory it is a jansson object; on the feed it is canonical msgpack: a
 * map whose keys are sorted bytewise; strings, integers, reals (only where not integral), booleans,
 * null, arrays and maps. A JSON body and its msgpack form turn into each other without loss, fields
 * that this version does not know included; 2.0 and 2 are one number.
 *
 * Replication never looks into a body. body_validate is for the edge: what a city publishes.
 * docs/records.md names every field.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "record/kind.h"

#define BODY_SIZE_MAX 262144
#define BODY_DEPTH_MAX 16

/**
 * Appends the msgpack form to `out`. Complains, and returns ERROR_FIELD, ERROR_SIZE or
 * ERROR_DEPTH, if `body` is no object, is over BODY_SIZE_MAX or BODY_DEPTH_MAX, or holds what
 * cannot be sent; then `out` is as before. `c` may be NULL.
 */
int body_encode(const json_t *body, struct buffer *out, struct complaint *c);

/** Bytes that body_encode would need, whatever the limit; 0 if the body cannot be encoded. */
size_t body_size(const json_t *body);

/** Any kind of body. A new reference, or NULL with a complaint. */
json_t *body_decode(struct bytes input, struct complaint *c);

/**
 * Reads JSON text that a person or program sent: one object, no duplicate keys, depth and size as
 * above. A new reference, or NULL with a complaint that names line and column.
 */
json_t *body_from_json(struct bytes text, struct complaint *c);

/**
 * Checks every known field of the kind's body, and that required ones are there. ERROR_FIELD with
 * a complaint such as `info[0].severity`: "is 'Grave'; it must be Extreme, Severe, …". Bodies of
 * unknown kinds are ERROR_FIELD as well: this version does not publish them.
 */
int body_validate(enum record_kind kind, const json_t *body, struct complaint *c);

/** What a list shows of a record: a view into `body`, "" if there is none. */
const char *body_title(enum record_kind kind, const json_t *body);

/**
 * When the record stops to matter, in ms since 1970, 0 if never: the latest `expires` of an
 * alert's infos, the last deadline of a call (the end of its day, taken generously at UTC-12).
 */
int64_t body_expiry_ms(enum record_kind kind, const json_t *body);

/**
 * Adds one element to `attachments` of any kind's body. `id_hex` is the attachment id in hex.
 * ERROR_MEMORY or ERROR_FIELD.
 */
int body_add_attachment(json_t *body, const char *id_hex, const char *name, const char *media_type,
	uint64_t size);
