/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wire_writer.h"

#include <msgpack/pack.h>

#include "base/error.h"

/* msgpack-c's packers choose the shortest form of integers and lengths themselves; the tests hold
 * it to that. */

static int wire_writer_put(void *buffer, const char *data, size_t len)
{
	return buffer_push(buffer, data, len);
}

static msgpack_packer wire_writer_packer(struct buffer *b)
{
	msgpack_packer packer;
	msgpack_packer_init(&packer, b, wire_writer_put);
	return packer;
}

/* msgpack's counts have 32 bits. */
static bool wire_writer_fits(struct buffer *b, size_t n)
{
	if (n > UINT32_MAX && !b->error)
		b->error = ERROR_SIZE;
	return !b->error;
}

void wire_writer_array(struct buffer *b, size_t n)
{
	msgpack_packer packer = wire_writer_packer(b);
	if (wire_writer_fits(b, n))
		msgpack_pack_array(&packer, n);
}

void wire_writer_map(struct buffer *b, size_t n)
{
	msgpack_packer packer = wire_writer_packer(b);
	if (wire_writer_fits(b, n))
		msgpack_pack_map(&packer, n);
}

void wire_writer_uint(struct buffer *b, uint64_t value)
{
	msgpack_packer packer = wire_writer_packer(b);
	msgpack_pack_uint64(&packer, value);
}

void wire_writer_int(struct buffer *b, int64_t value)
{
	msgpack_packer packer = wire_writer_packer(b);
	msgpack_pack_int64(&packer, value);
}

void wire_writer_bool(struct buffer *b, bool value)
{
	msgpack_packer packer = wire_writer_packer(b);
	if (value)
		msgpack_pack_true(&packer);
	else
		msgpack_pack_false(&packer);
}

void wire_writer_nil(struct buffer *b)
{
	msgpack_packer packer = wire_writer_packer(b);
	msgpack_pack_nil(&packer);
}

void wire_writer_str(struct buffer *b, struct bytes text)
{
	msgpack_packer packer = wire_writer_packer(b);
	if (!wire_writer_fits(b, text.len))
		return;
	msgpack_pack_str(&packer, text.len);
	buffer_push_bytes(b, text);
}

void wire_writer_text(struct buffer *b, const char *text)
{
	wire_writer_str(b, bytes_from_text(text));
}

void wire_writer_bin(struct buffer *b, struct bytes bytes)
{
	msgpack_packer packer = wire_writer_packer(b);
	if (!wire_writer_fits(b, bytes.len))
		return;
	msgpack_pack_bin(&packer, bytes.len);
	buffer_push_bytes(b, bytes);
}

void wire_writer_raw(struct buffer *b, struct bytes bytes)
{
	buffer_push_bytes(b, bytes);
}

void wire_writer_double(struct buffer *b, double value)
{
	msgpack_packer packer = wire_writer_packer(b);
	msgpack_pack_double(&packer, value);
}
