/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Officers' keys: files of a person, 0600, never in a daemon's data folder, by default in
 * $XDG_CONFIG_HOME/hansa/officers or ~/.config/hansa/officers, named <network>-<8 hex digits>.key.
 * Which one is needed is told by the network's officers, not by the files' names.
 */
#pragma once

#include <jansson.h>

#include "crypto/key.h"
#include "daemon/cli/cli.h"

#define OFFICER_KEYS_MAX 32

struct officer_keys {
	struct secret_key *keys[OFFICER_KEYS_MAX];
	size_t count;
};
void officer_keys_free(struct officer_keys *keys);

/** A key and the file that it is in, or will be. */
struct officer_key {
	struct secret_key *key;
	char path[CLI_PATH_MAX];
	bool is_new; /* not written yet */
};
void officer_key_free(struct officer_key *key);

/** The default folder; it need not exist. CLI_REFUSED without a home. */
int officer_key_folder(struct cli *cli, char to[static CLI_PATH_MAX]);

/**
 * The key for a new network: read from `path`, or a new one for there; NULL: a new one for the
 * default folder. Writes nothing yet.
 */
int officer_key_for_network(
	struct cli *cli, const char *path, const char *slug, struct officer_key *out);

/** Writes a new key, and makes the default folder (0700). CLI_REFUSED in a data folder. */
int officer_key_write(struct cli *cli, struct officer_key *key);

/**
 * The keys that may sign for these officers ({key, name} each): those of --officer-key, else all in
 * the default folder. CLI_REFUSED if there is none, or one that was named is no officer's.
 */
int officer_keys_find(
	struct cli *cli, const json_t *officers, const char *network, struct officer_keys *out);
