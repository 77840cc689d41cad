/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts: what is taken is valid, and what is written from it is read as the same alert. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "format/cap.h"
#include "record/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaint c = {0};
	json_t *alert, *back = NULL;
	if (cap_parse(bytes_of(data, size), &alert, &c)) {
		require(c.reason[0] && !alert);
		return 0;
	}
	require(body_validate(KIND_ALERT, alert, NULL) == 0);
	bool is_inline;
	require(cap_keep_original(alert, bytes_of(data, size), &is_inline) == 0);
	require(body_validate(KIND_ALERT, alert, NULL) == 0);
	struct buffer xml;
	buffer_init(&xml, CAP_SIZE_MAX);
	if (cap_write(alert, &xml) == 0) {
		require(cap_parse(buffer_bytes(&xml), &back, &c) == 0);
		require(json_equal(json_object_get(alert, "identifier"),
			json_object_get(back, "identifier")));
		require(json_array_size(json_object_get(alert, "info")) ==
			json_array_size(json_object_get(back, "info")));
		require(!json_object_get(back, "faults"));
	}
	cap_abridge(alert, 1000);
	buffer_deinit(&xml);
	json_decref(alert);
	json_decref(back);
	return 0;
}
