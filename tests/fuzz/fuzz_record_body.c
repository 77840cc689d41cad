/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: one body, one encoding, through JSON text too; validation takes whatever comes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "record/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_body(const json_t *body, struct bytes encoded)
{
	struct buffer again;
	buffer_init(&again, BODY_SIZE_MAX);
	require(body_encode(body, &again, NULL) == 0);
	require(bytes_equal(buffer_bytes(&again), encoded));
	for (unsigned kind = KIND_ALERT; kind <= KIND_META; kind++) {
		struct complaint c = {0};
		require((body_validate(kind, body, &c) != 0) == (c.reason[0] != 0));
		body_title(kind, body);
		body_expiry_ms(kind, body);
	}
	char *text = json_dumps(body, JSON_REAL_PRECISION(17));
	require(text);
	json_t *back = body_from_json(bytes_from_text(text), NULL);
	/* A text may be longer than what body_from_json takes, and reals lose their exponent's edge. */
	if (back) {
		buffer_reset(&again);
		require(body_encode(back, &again, NULL) == 0);
		require(bytes_equal(buffer_bytes(&again), encoded));
	}
	json_decref(back);
	free(text);
	buffer_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);
	json_t *body = body_decode(input, NULL);
	if (body)
		check_body(body, input);
	json_decref(body);
	json_t *json = body_from_json(input, NULL);
	struct buffer encoded;
	buffer_init(&encoded, BODY_SIZE_MAX);
	if (json && body_encode(json, &encoded, NULL) == 0)
		check_body(json, buffer_bytes(&encoded));
	json_decref(json);
	buffer_deinit(&encoded);
	return 0;
}
