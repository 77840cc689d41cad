/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The client's side of SOCKS5 (RFC 1928, with the login of RFC 1929), without input or output of
 * its own: CONNECT to one address. A name goes to the proxy as it is (ATYP 3), so that nothing here
 * looks it up.
 *
 * After socks5_begin and after each socks5_receive: what is in `out` is to be sent, once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define SOCKS5_TEXT_MAX 255u
#define SOCKS5_OUT_MAX (3u + 2u * SOCKS5_TEXT_MAX)
#define SOCKS5_IN_MAX (4u + 1u + 255u + 2u)

enum socks5_state {
	SOCKS5_METHOD,
	SOCKS5_LOGIN,
	SOCKS5_REPLY,
	SOCKS5_DONE,
	SOCKS5_FAILED,
};

struct socks5 {
	enum socks5_state state;
	char host[SOCKS5_TEXT_MAX + 1], user[SOCKS5_TEXT_MAX + 1], password[SOCKS5_TEXT_MAX + 1];
	uint16_t port;
	uint8_t out[SOCKS5_OUT_MAX];
	size_t out_len;
	uint8_t in[SOCKS5_IN_MAX];
	size_t in_len;
	char reason[128]; /* after SOCKS5_FAILED, one sentence without its end */
};

/**
 * `host`: a name, an IPv4 address or an IPv6 address without brackets. `user` NULL: no login is
 * offered. ERROR_SIZE: one of them is empty or longer than 255 bytes.
 */
int socks5_begin(
	struct socks5 *s, const char *host, uint16_t port, const char *user, const char *password);

/**
 * What the proxy said. 0: look at `state`; after SOCKS5_DONE the connection is the other city's.
 * ERROR_IO: it refused, or what it said is no SOCKS5; `reason` says what. It may say no more than
 * its reply: who is behind it speaks after us.
 */
int socks5_receive(struct socks5 *s, struct bytes bytes);
