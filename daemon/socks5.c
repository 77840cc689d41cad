/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/socks5.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define VERSION 5
#define LOGIN_VERSION 1
#define METHOD_NONE 0x00
#define METHOD_LOGIN 0x02
#define METHOD_REFUSED 0xff
#define COMMAND_CONNECT 1
#define ATYP_V4 1
#define ATYP_NAME 3
#define ATYP_V6 4

static int fail(struct socks5 *s, const char *reason)
{
	s->state = SOCKS5_FAILED;
	s->out_len = 0;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	return ERROR_IO;
}

static void put(struct socks5 *s, const void *bytes, size_t len)
{
	memcpy(s->out + s->out_len, bytes, len);
	s->out_len += len;
}

static void put_byte(struct socks5 *s, unsigned byte)
{
	s->out[s->out_len++] = (uint8_t)byte;
}

static void put_text(struct socks5 *s, const char *text)
{
	put_byte(s, (unsigned)strlen(text));
	put(s, text, strlen(text));
}

static bool text_fits(const char *text)
{
	return text && text[0] && strlen(text) <= SOCKS5_TEXT_MAX;
}

int socks5_begin(
	struct socks5 *s, const char *host, uint16_t port, const char *user, const char *password)
{
	memset(s, 0, sizeof(*s));
	if (!text_fits(host) || (user && (!text_fits(user) || !text_fits(password))))
		return ERROR_SIZE;
	snprintf(s->host, sizeof(s->host), "%s", host);
	s->port = port;
	if (user) {
		snprintf(s->user, sizeof(s->user), "%s", user);
		snprintf(s->password, sizeof(s->password), "%s", password);
	}
	put_byte(s, VERSION);
	put_byte(s, user ? 2 : 1);
	put_byte(s, METHOD_NONE);
	if (user)
		put_byte(s, METHOD_LOGIN);
	return 0;
}

static void ask_to_connect(struct socks5 *s)
{
	uint8_t address[16];
	const uint8_t port[2] = {(uint8_t)(s->port >> 8), (uint8_t)s->port};
	put_byte(s, VERSION);
	put_byte(s, COMMAND_CONNECT);
	put_byte(s, 0);
	if (inet_pton(AF_INET, s->host, address) == 1) {
		put_byte(s, ATYP_V4);
		put(s, address, 4);
	} else if (inet_pton(AF_INET6, s->host, address) == 1) {
		put_byte(s, ATYP_V6);
		put(s, address, 16);
	} else {
		put_byte(s, ATYP_NAME);
		put_text(s, s->host);
	}
	put(s, port, sizeof(port));
	s->state = SOCKS5_REPLY;
}

static int on_method(struct socks5 *s)
{
	if (s->in[0] != VERSION)
		return fail(s, "what link.proxy names is no SOCKS5 proxy");
	switch (s->in[1]) {
	case METHOD_NONE:
		ask_to_connect(s);
		return 0;
	case METHOD_LOGIN:
		if (!s->user[0])
			break;
		put_byte(s, LOGIN_VERSION);
		put_text(s, s->user);
		put_text(s, s->password);
		s->state = SOCKS5_LOGIN;
		return 0;
	case METHOD_REFUSED:
		return fail(s,
			s->user[0] ? "the proxy takes no user and password"
					   : "the proxy wants a user and password (link.proxy)");
	default:
		break;
	}
	return fail(s, "the proxy chose a login that was not offered");
}

static int on_login(struct socks5 *s)
{
	if (s->in[0] != LOGIN_VERSION)
		return fail(s, "the proxy broke off the login");
	if (s->in[1] != 0)
		return fail(s, "the proxy refused the user or the password (link.proxy)");
	ask_to_connect(s);
	return 0;
}

static const char *refusal(uint8_t code)
{
	static const char *const texts[] = {
		[1] = "the proxy failed and does not say why",
		[2] = "the proxy's rules forbid this connection",
		[3] = "the proxy cannot reach the network of this address",
		[4] = "the proxy cannot reach this host",
		[5] = "the proxy was refused the connection: nobody listens there",
		[6] = "the proxy gave up: the connection took too long",
		[7] = "the proxy does not know the command to connect",
		[8] = "the proxy does not take addresses of this kind",
	};
	return code < sizeof(texts) / sizeof(texts[0]) && texts[code]
		? texts[code]
		: "the proxy refused with a code that RFC 1928 does not know";
}

static int on_reply(struct socks5 *s)
{
	if (s->in[1] != 0)
		return fail(s, refusal(s->in[1]));
	s->state = SOCKS5_DONE;
	return 0;
}

/* How many bytes the message under way has; as far as is known. */
static size_t message_len(const struct socks5 *s)
{
	if (s->state != SOCKS5_REPLY)
		return 2;
	/* A refusal may come without an address, and the rest is of no use. */
	if (s->in_len < 5 || s->in[1] != 0)
		return s->in_len >= 2 && s->in[1] != 0 ? 2 : 5;
	size_t address = s->in[3] == ATYP_V4 ? 4 : s->in[3] == ATYP_V6 ? 16 : 1u + s->in[4];
	return 4 + address + 2;
}

static int on_message(struct socks5 *s)
{
	switch (s->state) {
	case SOCKS5_METHOD:
		return on_method(s);
	case SOCKS5_LOGIN:
		return on_login(s);
	case SOCKS5_REPLY:
		return on_reply(s);
	default:
		return fail(s, "the proxy says more than was asked");
	}
}

int socks5_receive(struct socks5 *s, struct bytes bytes)
{
	s->out_len = 0;
	for (size_t i = 0; i < bytes.len; i++) {
		if (s->state >= SOCKS5_DONE || (s->out_len > 0 && s->in_len == 0))
			return s->state == SOCKS5_FAILED ? ERROR_IO
											 : fail(s, "the proxy says more than was asked");
		s->in[s->in_len++] = bytes.data[i];
		if (s->state == SOCKS5_REPLY && s->in_len == 1 && s->in[0] != VERSION)
			return fail(s, "the proxy's reply is no SOCKS5");
		if (s->state == SOCKS5_REPLY && s->in_len == 4 && s->in[1] == 0 && s->in[3] != ATYP_V4 &&
			s->in[3] != ATYP_V6 && s->in[3] != ATYP_NAME)
			return fail(s, "the proxy's reply has an address of a kind that there is not");
		if (s->in_len < message_len(s))
			continue;
		int code = on_message(s);
		s->in_len = 0;
		if (code)
			return code;
	}
	return 0;
}
