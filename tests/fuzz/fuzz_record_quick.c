/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quick road of bulk publishing: what it takes, the other road takes too, with the same bytes.
 * And what both read is one tree.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "record/quick_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_encoding(const json_t *json, struct bytes quick)
{
	struct complaint c = {0};
	struct buffer slow;
	buffer_init(&slow, BODY_SIZE_MAX);
	require(body_validate(KIND_DOC, json, &c) == 0);
	require(body_encode(json, &slow, &c) == 0);
	require(bytes_equal(buffer_bytes(&slow), quick));
	buffer_deinit(&slow);
}

/* Objects with a name twice are read, and found when they are sorted. */
static bool names_differ(const struct json_scan *scan)
{
	uint32_t members[JSON_SCAN_MEMBERS_MAX];
	for (uint32_t i = 0; i < scan->count; i++)
		if (scan->values[i].type == JSON_SCAN_OBJECT && !json_scan_sort(scan, i, members))
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_scan scan = {0};
	struct bytes text = bytes_of(data, size);
	struct buffer quick;
	buffer_init(&quick, SIZE_MAX);
	json_error_t error;
	if (json_scan_read(&scan, text)) {
		json_t *slow = json_loadb(
			(const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
		json_t *tree = json_scan_value_json(&scan, 0);
		require(!slow == !names_differ(&scan));
		require(!slow || json_equal(slow, tree));
		if (quick_body_encode(KIND_DOC, &scan, 0, &quick)) {
			require(slow);
			check_encoding(slow, buffer_bytes(&quick));
		} else {
			require(quick.len == 0);
		}
		json_decref(tree);
		json_decref(slow);
	}
	buffer_deinit(&quick);
	json_scan_deinit(&scan);
	return 0;
}
