/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/address_list.h"

#include <assert.h>

#include "base/error.h"
#include "base/wire_writer.h"

#define LIST_ELEMENTS 7
#define MESSAGE_TAG "hansa address 1"
#define DNS_LABEL_MAX 63

static_assert(sizeof(MESSAGE_TAG) - 1 + HASH_SIZE == ADDRESS_MESSAGE_BYTES, "the tag's length");

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Up to five digits, 1 to 65535, no leading zero. */
static bool port_valid(struct bytes port)
{
	unsigned value = 0;
	if (port.len < 1 || port.len > 5 || port.data[0] == '0')
		return false;
	for (size_t i = 0; i < port.len; i++) {
		if (!is_digit(port.data[i]))
			return false;
		value = value * 10 + (port.data[i] - '0');
	}
	return value <= UINT16_MAX;
}

/*
 * Only the alphabet of IPv6 and at least two colons: whether it is an address, whoever dials it
 * finds out, and a list is judged alike by implementations that parse addresses differently.
 */
static bool ipv6_valid(struct bytes host)
{
	size_t colons = 0;
	if (host.len < 2 || host.len > 45)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		if (host.data[i] == ':')
			colons++;
		else if (!is_hex(host.data[i]) && host.data[i] != '.')
			return false;
	}
	return colons >= 2;
}

/* Labels of letters, digits, '-' and '_' with single dots between; IPv4 is such a name too. */
static bool name_valid(struct bytes host)
{
	size_t label = 0;
	if (host.len == 0)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		uint8_t c = host.data[i];
		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_')
			return false;
		if (++label > DNS_LABEL_MAX)
			return false;
	}
	return label > 0;
}

bool address_valid(struct bytes address)
{
	if (address.len < 3 || address.len > ADDRESS_BYTES_MAX)
		return false;
	size_t colon = address.len;
	while (colon > 0 && address.data[colon - 1] != ':')
		colon--;
	if (colon < 2 || !port_valid(bytes_slice(address, colon, address.len)))
		return false;
	struct bytes host = bytes_slice(address, 0, colon - 1);
	if (host.data[0] != '[')
		return name_valid(host);
	return host.data[host.len - 1] == ']' && host.len > 2
		&& ipv6_valid(bytes_slice(host, 1, host.len - 2));
}

int address_list_decode(struct bytes body, struct address_list *out)
{
	*out = (struct address_list){0};
	struct wire_reader r;
	wire_reader_init(&r, body);
	size_t n = object_array_open(&r, LIST_ELEMENTS);
	uint64_t version = wire_reader_uint(&r, UINT64_MAX);
	if (!r.error && version != OBJECT_VERSION)
		return ERROR_VERSION;
	wire_reader_bin_exact(&r, out->network_id.bytes, HASH_SIZE);
	wire_reader_bin_exact(&r, out->city_id.bytes, HASH_SIZE);
	out->epoch = (uint32_t)wire_reader_uint(&r, UINT32_MAX);
	out->number = wire_reader_uint(&r, UINT64_MAX);
	out->time = wire_reader_uint(&r, UINT64_MAX);
	out->count = wire_reader_array(&r, 0, ADDRESS_LIST_MAX);
	for (size_t i = 0; i < out->count; i++) {
		out->addresses[i] = wire_reader_str(&r, 1, ADDRESS_BYTES_MAX);
		if (!r.error && !address_valid(out->addresses[i]))
			wire_reader_fail(&r, ERROR_SYNTAX);
	}
	object_array_close(&r, LIST_ELEMENTS, n);
	return wire_reader_end(&r);
}

int address_list_encode(struct buffer *b, const struct address_list *list)
{
	if (list->count > ADDRESS_LIST_MAX)
		return ERROR_SIZE;
	wire_writer_array(b, LIST_ELEMENTS);
	wire_writer_uint(b, OBJECT_VERSION);
	wire_writer_bin(b, hash_bytes(&list->network_id));
	wire_writer_bin(b, hash_bytes(&list->city_id));
	wire_writer_uint(b, list->epoch);
	wire_writer_uint(b, list->number);
	wire_writer_uint(b, list->time);
	wire_writer_array(b, list->count);
	for (size_t i = 0; i < list->count; i++) {
		if (!address_valid(list->addresses[i]))
			return ERROR_SYNTAX;
		wire_writer_str(b, list->addresses[i]);
	}
	return b->error;
}

void address_list_message(const struct hash *object_hash, uint8_t to[static ADDRESS_MESSAGE_BYTES])
{
	memcpy(to, MESSAGE_TAG, sizeof(MESSAGE_TAG) - 1);
	memcpy(to + sizeof(MESSAGE_TAG) - 1, object_hash->bytes, HASH_SIZE);
}

int address_list_verify(struct verifier *v, const struct control_object *object,
	const struct public_key *node_key)
{
	uint8_t message[ADDRESS_MESSAGE_BYTES];
	address_list_message(&object->object_hash, message);
	if (object->signature_count != 1)
		return ERROR_SIGNATURE;
	return object_verify_one(v, object, node_key, bytes_of(message, sizeof(message)));
}

int address_list_seal(struct buffer *b, const struct address_list *list,
	const struct secret_key *node_secret)
{
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	struct hash object_hash;
	struct object_signature signature;
	int error = address_list_encode(&body, list);
	if (!error)
		error = object_hash_of(OBJECT_ADDRESS_LIST, buffer_bytes(&body), &object_hash);
	if (!error) {
		uint8_t message[ADDRESS_MESSAGE_BYTES];
		address_list_message(&object_hash, message);
		error = object_sign(node_secret, bytes_of(message, sizeof(message)), &signature);
	}
	if (!error)
		error = object_encode(b, OBJECT_ADDRESS_LIST, buffer_bytes(&body), &signature, 1);
	buffer_deinit(&body);
	return error;
}
