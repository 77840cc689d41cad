/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What wire_reader accepts is canonical: read value by value and written again by msgpack-c it
 * must be the same bytes. And skipping must give the same verdict as reading. The first byte's
 * lowest bit says whether floats are allowed.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/wire_reader.h"
#include "base/wire_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One value, of those that hold others only the head. */
static void copy_value(struct wire_reader *r, struct buffer *b)
{
	switch (wire_reader_peek(r)) {
	case WIRE_TYPE_NIL:
		if (wire_reader_nil(r))
			wire_writer_nil(b);
		break;
	case WIRE_TYPE_BOOL:
		wire_writer_bool(b, wire_reader_bool(r));
		break;
	case WIRE_TYPE_UINT:
		wire_writer_uint(b, wire_reader_uint(r, UINT64_MAX));
		break;
	case WIRE_TYPE_INT:
		wire_writer_int(b, wire_reader_int(r));
		break;
	case WIRE_TYPE_FLOAT:
		wire_writer_double(b, wire_reader_double(r));
		break;
	case WIRE_TYPE_STR:
		wire_writer_str(b, wire_reader_str(r, 0, SIZE_MAX));
		break;
	case WIRE_TYPE_BIN:
		wire_writer_bin(b, wire_reader_bin(r, 0, SIZE_MAX));
		break;
	case WIRE_TYPE_ARRAY:
		wire_writer_array(b, wire_reader_array(r, 0, SIZE_MAX));
		break;
	case WIRE_TYPE_MAP:
		wire_writer_map(b, wire_reader_map(r, 0, SIZE_MAX));
		break;
	case WIRE_TYPE_END:
	case WIRE_TYPE_INVALID:
	case WIRE_TYPE_COUNT:
		wire_reader_skip(r); /* sets the error */
		require(wire_reader_end(r) != 0);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_reader skipping, reading;
	struct buffer copy;

	if (size < 1)
		return 0;
	struct bytes input = bytes_of(data + 1, size - 1);
	wire_reader_init(&skipping, input);
	wire_reader_init(&reading, input);
	skipping.allow_float = reading.allow_float = data[0] & 1;
	buffer_init(&copy, SIZE_MAX);

	struct bytes raw = wire_reader_raw(&skipping);
	do {
		copy_value(&reading, &copy);
	} while (!reading.error && reading.depth);
	require(skipping.error == reading.error);
	require(wire_reader_end(&skipping) == wire_reader_end(&reading));
	if (!reading.error) {
		require(skipping.at == reading.at);
		require(bytes_equal(raw, buffer_bytes(&copy)));
	}
	buffer_deinit(&copy);
	return 0;
}
