/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The Common Alerting Protocol: versions 1.0, 1.1 and 1.2 in, 1.2 out.
 * Source: http://docs.oasis-open.org/emergency/cap/v1.2/CAP-v1.2.html
 *
 * The model is the alert body of docs/records.md, with CAP's own names. The original bytes are what
 * counts: they are kept beside the model (cap_keep_original), signatures and foreign elements
 * included.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"

#define CAP_SIZE_MAX (4u * 1024 * 1024)
#define CAP_DEPTH_MAX 16
/** Originals up to this size travel inside the body, larger ones as an attachment. */
#define CAP_INLINE_MAX 12288
#define CAP_ORIGINAL_NAME "original.xml"
#define CAP_MEDIA_TYPE "application/cap+xml"

/**
 * Reads an alert. The result is a new reference that passes body_validate(KIND_ALERT). Refused with
 * a complaint: what is not well-formed, any DTD or entity declaration, more than CAP_SIZE_MAX bytes
 * or CAP_DEPTH_MAX levels, a root that is no CAP alert, a required element that is missing, values
 * outside CAP's enumerations. Optional elements that are empty are left out. A map shape that is
 * broken (three points, a longitude of 200) does not keep an alert from its readers: it is left
 * out, and `faults` says so.
 */
int cap_parse(struct bytes xml, json_t **alert, struct complaint *c);

/**
 * Sets `original` of the alert: media type, encoding, size, and the text itself if it is valid
 * UTF-8 of at most CAP_INLINE_MAX bytes; then *is_inline is true, else the caller attaches the
 * bytes under CAP_ORIGINAL_NAME with HEADER_ATTACHMENT_CAP_ORIGINAL. ERROR_MEMORY.
 */
int cap_keep_original(json_t *alert, struct bytes xml, bool *is_inline);

/**
 * Takes polygons and embedded files out of an alert, largest first, until its body is at most
 * `limit` bytes, and lists them in `abridged`: the original, which always travels along, has them.
 * ERROR_SIZE if that is not enough.
 */
int cap_abridge(json_t *alert, size_t limit);

/** CAP 1.2 XML of a valid alert body. ERROR_MEMORY, ERROR_SIZE. */
int cap_write(const json_t *alert, struct buffer *out);

/** What an Update, Cancel, Ack or Error refers to. Views into the alert. */
struct cap_reference {
	const char *sender;
	const char *identifier;
	const char *sent;
};

/** Fills at most `max` references of the alert and returns how many it has. */
size_t cap_references(const json_t *alert, struct cap_reference *out, size_t max);

/** One `sender,identifier,sent` of a space-separated list, for tests and other formats. */
int cap_reference_parse(struct bytes text, json_t **reference);
