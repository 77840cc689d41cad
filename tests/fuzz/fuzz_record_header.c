/* SPDX-License-Identifier: Apache-2.0 */
/* Headers: one header, one encoding. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "record/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct header h;
	if (header_decode(bytes_of(data, size), &h))
		return 0;
	struct buffer again;
	buffer_init(&again, HEADER_SIZE_MAX);
	require(header_encode(&h, &again) == 0);
	require(bytes_equal(buffer_bytes(&again), bytes_of(data, size)));
	buffer_deinit(&again);
	return 0;
}
