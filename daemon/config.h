/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The daemon's configuration, hansad.yaml: a typed YAML schema. Unknown keys, wrong types and
 * numbers out of range are refused with line and field; what config_print writes parses again to
 * the same values.
 *
 * To add a key: a member here, a line in the schema of config.c, its check in config_check, and
 * config/hansad.yaml.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "proto/limits.h"

#define CONFIG_BYTES_MAX (256u * 1024)
#define CONFIG_USERS_MAX 256u
#define CONFIG_DENY_MAX 1024u
#define CONFIG_PROXY_FOR_MAX 16u

/** User names or numeric ids of the system, as getpwnam reads them. */
struct config_users {
	char **names;
	unsigned count;
};

struct config_texts {
	char **items;
	unsigned count;
};

enum config_log_target {
	CONFIG_LOG_STDERR,
	CONFIG_LOG_JOURNAL,
	CONFIG_LOG_FILE
};

struct config_city {
	char *name; /* 1 to 128 bytes */
	char *slug;
	char *country; /* two capital letters, ISO 3166-1 */
};

struct config_log {
	enum log_level level;
	enum config_log_target target;
	char *file; /* only with target file */
};

struct config_roles {
	struct config_users editors, officers, admins;
};

struct config_control {
	char *socket;              /* NULL: DATA/control.sock */
	char *group;               /* NULL: the process's own */
	struct config_roles roles; /* the daemon's own user and root are always admin */
};

struct config_store {
	uint64_t limit; /* bytes, 0: what the disk holds */
};

struct config_attachments {
	uint64_t fetch_max; /* bytes: larger ones are fetched on demand only */
};

struct config_link {
	char *proxy;                   /* socks5://… (proxy.h); NULL: none */
	struct config_texts proxy_for; /* ends of names, such as .onion; none: all addresses */
	uint32_t accept_max;           /* links taken from cities that dial, 1..65536 */
	bool compression; /* auto: runs over slow links to peers that take them compressed; else off */
};

struct config {
	struct config_city city;
	char *data;                    /* the data folder */
	struct config_texts listen;    /* HOST:PORT; port 0: one is chosen and kept */
	struct config_texts advertise; /* HOST:PORT as peers reach us; empty: the listen addresses */
	uint32_t dial_max;             /* links dialled at once, 0..64 */
	bool relay;                    /* pass other cities' records on */
	struct config_texts deny;      /* city ids in hexadecimal: no link to them */
	struct config_log log;
	struct config_control control;
	struct config_store store;
	struct config_attachments attachments;
	struct config_link link;
};

/**
 * Reads and checks a file. ERROR_NOT_FOUND, ERROR_PERMISSION, ERROR_SIZE, ERROR_SYNTAX,
 * ERROR_RANGE or ERROR_FIELD with a complaint (field "line 7, city.slug"). On an error *out is
 * zeroed. Relative paths in it are taken relative to the file's folder.
 */
int config_load(const char *path, struct config *out, struct complaint *complaint);
/** The same from memory; `folder` for relative paths. */
int config_parse(const char *text, size_t len, const char *folder, struct config *out,
	struct complaint *complaint);
void config_deinit(struct config *config);

/**
 * After a reload: gives back to `config` what `former` had and what cannot change while running
 * (city, data, listen, control, store, relay, attachments, link).
 */
void config_keep(struct config *config, struct config *former);

/** "64 GiB": in the largest unit that holds it exactly; config_size_parse reads it. */
#define CONFIG_SIZE_TEXT_MAX 32
void config_size_format(uint64_t bytes, char to[static CONFIG_SIZE_TEXT_MAX]);

/** Writes YAML that config_parse reads back to the same values. ERROR_IO. */
int config_print(const struct config *config, FILE *to);
