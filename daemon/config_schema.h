/* SPDX-License-Identifier: Apache-2.0 */
/**
 * hansad.yaml as libcyaml reads and writes it: every optional value is a pointer, so that what is
 * absent can be told from zero. Private to config*.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cyaml/cyaml.h>

#include "base/error.h"
#include "daemon/config.h"

struct config_raw_log {
	char *level, *target, *file;
};

struct config_raw_control {
	char *socket, *group;
	struct config_roles *roles;
};

struct config_raw_store {
	char *limit;
};

struct config_raw_attachments {
	char *fetch_max;
};

struct config_raw_link {
	char *compression;
	uint32_t *accept_max;
	char *proxy;
	char **proxy_for;
	unsigned proxy_for_count;
};

struct config_raw {
	struct config_city city;
	char *data;
	char **listen;
	unsigned listen_count;
	char **advertise;
	unsigned advertise_count;
	uint32_t *dial_max;
	struct config_raw_link *link;
	char *relay; /* as text: libcyaml takes any text that it does not know for true */
	char **deny;
	unsigned deny_count;
	struct config_raw_log *log;
	struct config_raw_control *control;
	struct config_raw_store *store;
	struct config_raw_attachments *attachments;
};

extern const cyaml_schema_value_t config_schema;

/** The schema's parse: shapes, types and unknown keys. Free with config_schema_free. */
int config_schema_read(
	const char *text, size_t len, struct config_raw **out, struct complaint *complaint);
void config_schema_free(struct config_raw *raw);

/**
 * "line 7, city.slug" for a key that was found at "city", "slug"; only the field where the line
 * cannot be told (flow style).
 */
void config_where(
	const char *text, size_t len, const char *section, const char *key, char to[static 96]);

/** "64 GiB", "32MiB", "1048576": bytes. ERROR_SYNTAX, ERROR_RANGE. */
int config_size_parse(const char *text, uint64_t *out);

/**
 * HOST:PORT with an IPv4, [IPv6] or DNS name. ERROR_SYNTAX, ERROR_RANGE (port above 65535, or 0
 * unless `port_zero`).
 */
int config_address_check(const char *text, bool port_zero);
/** Of an address that config_address_check took: a DNS name, which cannot be listened on. */
bool config_address_is_name(const char *text);
/** Of an address that config_address_check took: 0.0.0.0 or [::], which nobody can dial. */
bool config_address_is_any(const char *text);
