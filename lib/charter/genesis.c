/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/genesis.h"

#include "base/error.h"
#include "base/text.h"
#include "base/wire_writer.h"

#define GENESIS_ELEMENTS 9
/** Those before the members: what founders' records are anchored to. */
#define CORE_ELEMENTS 8
#define MEMBER_ELEMENTS 4

bool charter_name_valid(struct bytes name, size_t max)
{
	if (name.len < 1 || name.len > max || !text_utf8_valid(name))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] < 0x20 || name.data[i] == 0x7f)
			return false;
	}
	return true;
}

bool charter_country_valid(struct bytes country)
{
	if (country.len != CHARTER_COUNTRY_BYTES)
		return false;
	for (size_t i = 0; i < country.len; i++) {
		if (country.data[i] < 'A' || country.data[i] > 'Z')
			return false;
	}
	return true;
}

static void member_read(struct wire_reader *r, struct genesis_member *out)
{
	size_t n = object_array_open(r, MEMBER_ELEMENTS);
	out->slug = wire_reader_str(r, 1, TEXT_SLUG_MAX);
	out->name = wire_reader_str(r, 1, CHARTER_NAME_MAX);
	out->country = wire_reader_str(r, CHARTER_COUNTRY_BYTES, CHARTER_COUNTRY_BYTES);
	out->record = wire_reader_bin(r, 1, OBJECT_BYTES_MAX);
	object_array_close(r, MEMBER_ELEMENTS, n);
	if (!r->error && (!text_slug_valid(out->slug) || !charter_country_valid(out->country)
			|| !charter_name_valid(out->name, CHARTER_NAME_MAX)))
		wire_reader_fail(r, ERROR_FIELD);
}

bool genesis_member_next(struct wire_reader *r, struct genesis_member *out)
{
	if (wire_reader_left(r) == 0)
		return false;
	member_read(r, out);
	return r->error == 0;
}

/* The first elements as an array of their own. */
static int core_hash(struct bytes elements, struct hash *out)
{
	struct hasher h;
	int error = hasher_init(&h);
	if (error)
		return error;
	hasher_begin(&h, "hansa genesis core 1");
	hasher_add_u8(&h, 0x90 | CORE_ELEMENTS); /* fixarray */
	hasher_add(&h, elements);
	error = hasher_end(&h, out);
	hasher_deinit(&h);
	return error;
}

int genesis_decode(struct bytes body, struct genesis *out)
{
	*out = (struct genesis){0};
	struct wire_reader r;
	wire_reader_init(&r, body);
	size_t n = object_array_open(&r, GENESIS_ELEMENTS);
	size_t core = r.at;
	uint64_t version = wire_reader_uint(&r, UINT64_MAX);
	if (!r.error && version != OBJECT_VERSION)
		return ERROR_VERSION;
	out->name = wire_reader_str(&r, 1, CHARTER_NAME_MAX);
	out->slug = wire_reader_str(&r, 1, TEXT_SLUG_MAX);
	wire_reader_bin_exact(&r, out->nonce, GENESIS_NONCE_BYTES);
	officers_read(&r, &out->officers);
	out->time = wire_reader_uint(&r, UINT64_MAX);
	out->continues = !wire_reader_nil(&r);
	if (out->continues)
		wire_reader_bin_exact(&r, out->continued.bytes, HASH_SIZE);
	size_t core_end = r.at;
	out->member_count = wire_reader_array(&r, 0, GENESIS_MEMBERS_MAX);
	size_t members = r.at;
	for (size_t i = 0; i < out->member_count && !r.error; i++) {
		struct genesis_member member;
		member_read(&r, &member);
	}
	out->members = bytes_slice(body, members, r.at - members);
	object_array_close(&r, GENESIS_ELEMENTS, n);
	int error = wire_reader_end(&r);
	if (error)
		return error;
	if (!charter_name_valid(out->name, CHARTER_NAME_MAX) || !text_slug_valid(out->slug))
		return ERROR_FIELD;
	error = core_hash(bytes_slice(body, core, core_end - core), &out->core_hash);
	return error ? error : genesis_network_id(body, &out->network_id);
}

static void core_write(struct buffer *b, const struct genesis *genesis)
{
	wire_writer_uint(b, OBJECT_VERSION);
	wire_writer_str(b, genesis->name);
	wire_writer_str(b, genesis->slug);
	wire_writer_bin(b, bytes_of(genesis->nonce, GENESIS_NONCE_BYTES));
	officers_write(b, &genesis->officers);
	wire_writer_uint(b, genesis->time);
	if (genesis->continues)
		wire_writer_bin(b, hash_bytes(&genesis->continued));
	else
		wire_writer_nil(b);
}

int genesis_core_hash(const struct genesis *genesis, struct hash *out)
{
	struct buffer b;
	buffer_init(&b, OBJECT_BYTES_MAX);
	core_write(&b, genesis);
	int error = b.error;
	if (!error)
		error = core_hash(buffer_bytes(&b), out);
	buffer_deinit(&b);
	return error;
}

int genesis_encode(struct buffer *b, const struct genesis *genesis,
	const struct genesis_member *members, size_t count)
{
	wire_writer_array(b, GENESIS_ELEMENTS);
	core_write(b, genesis);
	wire_writer_array(b, count);
	for (size_t i = 0; i < count; i++) {
		wire_writer_array(b, MEMBER_ELEMENTS);
		wire_writer_str(b, members[i].slug);
		wire_writer_str(b, members[i].name);
		wire_writer_str(b, members[i].country);
		wire_writer_bin(b, members[i].record);
	}
	return b->error;
}

int genesis_network_id(struct bytes body, struct hash *out)
{
	return hash_of("hansa network 1", body, out);
}
