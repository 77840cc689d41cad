/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The data folder and the keys in it.
 *
 *     DIR/hansad.yaml      configuration
 *     DIR/control.sock     the control socket
 *     DIR/keys/city.key    the city's root; may be kept elsewhere (offline)
 *     DIR/keys/city.pub    its public half in hexadecimal, for when city.key is elsewhere
 *     DIR/keys/city.id     the city's id in hexadecimal, only where the city key was changed
 *     DIR/keys/node.key    for TLS and heads; node.key.new while a renewal is under way
 *     DIR/keys/guard       own newest epoch records and heads (never fork yourself)
 *     DIR/keys/bootstrap   peers to start from when the store is gone
 *     DIR/store/           the store
 *     DIR/port             the port that was chosen for listen port 0
 *
 * Folders are 0700, files 0600. Needs no daemon: `hansa init` calls identity_init.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/key.h"

/** Room for any path below the data folder; a longer DIR is refused. */
#define IDENTITY_PATH_MAX 1024
#define IDENTITY_SEALING_SIZE 32

enum identity_file {
	IDENTITY_CONFIG,
	IDENTITY_SOCKET,
	IDENTITY_KEYS,
	IDENTITY_CITY_KEY,
	IDENTITY_CITY_PUBLIC,
	IDENTITY_CITY_ID,
	IDENTITY_NODE_KEY,
	IDENTITY_NODE_KEY_NEW,
	IDENTITY_GUARD,
	IDENTITY_BOOTSTRAP,
	IDENTITY_STORE,
	IDENTITY_PORT,
	IDENTITY_FILE_COUNT,
};

/** DIR with the file's name behind it; ERROR_SIZE when it does not fit. */
int identity_path(char to[static IDENTITY_PATH_MAX], const char *dir, enum identity_file file);

struct identity_request {
	const char *dir;
	const char *name, *slug, *country;
	const char *const *listen;
	size_t listen_count;
	const char *const *advertise; /* what others dial, where that is not what is listened on */
	size_t advertise_count;
};

/**
 * Makes DIR with its keys and hansad.yaml. ERROR_EXISTS if there is an identity already (nothing is
 * changed then); ERROR_FIELD for a name, slug, country or address that is not acceptable;
 * ERROR_PERMISSION, ERROR_FULL, ERROR_IO. `fingerprint` gets the city key's.
 */
int identity_init(const struct identity_request *request,
	char fingerprint[static TEXT_FINGERPRINT_SIZE], struct complaint *complaint);

struct identity {
	struct secret_key *city_key; /* NULL: kept elsewhere */
	struct public_key city_public;
	struct secret_key *node_key;
	struct public_key node_public;
	uint8_t sealing_public[IDENTITY_SEALING_SIZE]; /* of node_key */
	struct hash city_id;
};

/**
 * Reads the keys of DIR with key_file's refusals, and refuses folders of others or that others can
 * write. Without city.key, city.pub must be there; where both are, they must belong
 * together. *out is zeroed on an error.
 */
int identity_load(const char *dir, struct identity *out, struct complaint *complaint);
void identity_deinit(struct identity *identity);

/**
 * The X25519 public key of epoch records for a node key. The secret half is SHA-256("hansa sealing
 * 1" | seed of the node key), so that one file holds both. ERROR_CRYPTO.
 */
int identity_sealing_secret(
	const struct secret_key *node_key, uint8_t out[static IDENTITY_SEALING_SIZE]);
int identity_sealing(const struct secret_key *node_key, uint8_t out[static IDENTITY_SEALING_SIZE]);

/**
 * Prepares a renewal: makes keys/node.key.new, or reads the one that an interrupted renewal left.
 */
int identity_renew_prepare(const char *dir, struct secret_key **out, struct complaint *complaint);
/** The epoch records are committed: node.key.new takes node.key's place, synced. */
int identity_renew_finish(const char *dir, struct complaint *complaint);
