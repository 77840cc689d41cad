/* SPDX-License-Identifier: Apache-2.0 */
/** Which way leads to an address: straight, by a look-up, or through link.proxy. */
#pragma once

#include <sys/socket.h>

#include "daemon/config.h"

#define PROXY_TEXT_MAX 255

struct proxy {
	struct sockaddr_storage to;
	bool has_login;
	char user[PROXY_TEXT_MAX + 1], password[PROXY_TEXT_MAX + 1];
};

/**
 * "socks5://127.0.0.1:9050", "socks5://USER:PASSWORD@[::1]:1080"; %XX in user and password. The
 * host is an address or "localhost": to find a proxy by name would be the very look-up that a proxy
 * is to spare. ERROR_SYNTAX; ERROR_NOT_FOUND: its host is a name.
 */
int proxy_parse(const char *url, struct proxy *out);

enum proxy_way {
	PROXY_WAY_DIRECT,  /* *to is where */
	PROXY_WAY_RESOLVE, /* a name */
	PROXY_WAY_PROXY,
	PROXY_WAY_NONE, /* *reason says why */
};
/**
 * "HOST:PORT" of another city. With link.proxy all go through it, or, with link.proxy_for, those
 * with such an end. Names under .onion are never looked up (RFC 7686).
 */
enum proxy_way proxy_way(const struct config_link *link, const char *address,
	struct sockaddr_storage *to, const char **reason);
/** Splits HOST:PORT, the brackets of IPv6 dropped. ERROR_SYNTAX. */
int proxy_split(const char *address, char host[static PROXY_TEXT_MAX + 1], uint16_t *port);
