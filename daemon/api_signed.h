/* SPDX-License-Identifier: Apache-2.0 */
/** What people sign: bodies made by the prepare calls, and what comes back with signatures. */
#pragma once

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "charter/object.h"
#include "charter/officers.h"

#define API_BODY_BYTES_MAX OBJECT_BYTES_MAX

struct api_signed {
	struct buffer body;
	struct object_signature signatures[OBJECT_SIGNATURES_MAX];
	size_t count;
};

/** {"body", "signatures"}. Complains; always followed by api_signed_deinit. */
int api_signed_read(const json_t *json, struct api_signed *out, struct complaint *c);
void api_signed_deinit(struct api_signed *s);

/**
 * An array of {"key", "name"} and "k" (default 1). The names' views are into `json`. Complains.
 */
int api_officers_read(const json_t *json, struct officers *out, struct complaint *c);

/** The answer of a prepare call: `extra` (taken, may be NULL) is added to. */
json_t *api_prepared(json_t *extra, const struct hash *network_id,
	const struct officers *officers, struct bytes body, struct bytes message);
