/* SPDX-License-Identifier: Apache-2.0 */
/** Where a city can be reached, signed by its node key. docs/protocol.md, section 5.3. */
#pragma once

#include <stdbool.h>

#include "charter/object.h"

#define ADDRESS_LIST_MAX 8
#define ADDRESS_BYTES_MAX 255

struct address_list {
	struct hash network_id;
	struct hash city_id;
	uint32_t epoch;
	uint64_t number;
	uint64_t time; /* ms */
	size_t count;
	struct bytes addresses[ADDRESS_LIST_MAX]; /* "host:port" */
};

/** "host:port": an IPv4 address, "[IPv6]" or a DNS name; port 1 to 65535 without leading zeros. */
bool address_valid(struct bytes address);

/** ERROR_SYNTAX for an address of another form. */
int address_list_decode(struct bytes body, struct address_list *out);
int address_list_encode(struct buffer *b, const struct address_list *list);

#define ADDRESS_MESSAGE_BYTES (15 + HASH_SIZE)
void address_list_message(const struct hash *object_hash, uint8_t to[static ADDRESS_MESSAGE_BYTES]);

/** Exactly one signature, by the node key of the epoch that it names. ERROR_SIGNATURE. */
int address_list_verify(struct verifier *v, const struct control_object *object,
	const struct public_key *node_key);

/** Appends the envelope. */
int address_list_seal(struct buffer *b, const struct address_list *list,
	const struct secret_key *node_secret);
