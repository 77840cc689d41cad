/* SPDX-License-Identifier: Apache-2.0 */
/**
 * body_validate and body_encode in one, over a json_scan instead of a jansson tree, for documents:
 * the kind that is published in bulk. Says yes or "I do not know", as json_scan.h explains; the
 * fuzz target record_quick holds it to what the other road gives, byte for byte.
 */
#pragma once

#include "base/buffer.h"
#include "record/body.h"
#include "record/json_scan.h"

/**
 * True: the value `body` of `scan` is a good body of that kind, and its msgpack form is appended.
 * False: `out` is as before, its error aside.
 */
bool quick_body_encode(
	enum record_kind kind, const struct json_scan *scan, uint32_t body, struct buffer *out);
