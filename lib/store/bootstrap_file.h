/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The bootstrap file beside the keys: for each network, who its members were and where, so that a
 * city whose store is gone knows whom to dial and which key to expect. It decides nothing: what the
 * members then send is verified from the genesis on.
 *
 *     "HANSABSF" | version u32 = 1 | networks u32
 *     per network: network_id 32 | amendment number u64 | amendment_hash 32 | members u32
 *       per member: city_id 32 | node_key 32 | addresses u8 | per address: length u8 | text
 *     SHA-256 of all before it
 *
 * Rewritten as a whole, by way of a second file and rename.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/hash.h"
#include "crypto/key.h"

#define BOOTSTRAP_ADDRESSES_MAX 8
#define BOOTSTRAP_ADDRESS_BYTES_MAX 255
/** 10,000 members in each of a hundred networks with eight long addresses would be more. */
#define BOOTSTRAP_FILE_BYTES_MAX (256u << 20)

struct bootstrap_member {
	struct hash city_id;
	struct public_key node_key;
	uint8_t address_count;
	const char *addresses[BOOTSTRAP_ADDRESSES_MAX];
};

struct bootstrap_network {
	struct hash network_id;
	uint64_t amendment_number;
	struct hash amendment_hash;
	struct bootstrap_member *members;
	uint32_t member_count;
};

struct bootstrap_file {
	struct bootstrap_network *networks;
	uint32_t network_count;
	void *memory; /* what it all lies in */
};

/** Atomic and durable. ERROR_FULL, ERROR_IO, ERROR_MEMORY, ERROR_SIZE (an address), … */
int bootstrap_file_write(
	const char *path, const struct bootstrap_network *networks, uint32_t count);

/**
 * Reads it whole; free with bootstrap_file_deinit. ERROR_NOT_FOUND, ERROR_CORRUPT, ERROR_VERSION,
 * ERROR_IO, ERROR_MEMORY; then `out` is empty.
 */
int bootstrap_file_read(const char *path, struct bootstrap_file *out);
void bootstrap_file_deinit(struct bootstrap_file *file);
