/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SCHEME "socks5://"

int proxy_split(const char *address, char host[static PROXY_TEXT_MAX + 1], uint16_t *port)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;
	if (len == 0 || len > PROXY_TEXT_MAX || !colon[1] || strlen(colon + 1) > 5 ||
		strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return ERROR_SYNTAX;
	unsigned long number = strtoul(colon + 1, NULL, 10);
	if (number == 0 || number > 65535)
		return ERROR_SYNTAX;
	bool brackets = address[0] == '[' && address[len - 1] == ']';
	snprintf(host, PROXY_TEXT_MAX + 1, "%.*s", (int)(brackets ? len - 2 : len), address + brackets);
	*port = (uint16_t)number;
	return host[0] ? 0 : ERROR_SYNTAX;
}

static bool literal(const char *host, uint16_t port, struct sockaddr_storage *to)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, host, &in.sin_addr) == 1)
		memcpy(to, &in, sizeof(in));
	else if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1)
		memcpy(to, &in6, sizeof(in6));
	else
		return false;
	return true;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
		: c >= 'a' && c <= 'f'  ? c - 'a' + 10
		: c >= 'A' && c <= 'F'  ? c - 'A' + 10
								: -1;
}

/* Of a URL's user or password; false: empty, too long, or a wrong %XX. */
static bool unescape(const char *from, size_t len, char to[static PROXY_TEXT_MAX + 1])
{
	size_t at = 0;
	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)from[i];
		if (c == '%') {
			if (i + 2 >= len || hex(from[i + 1]) < 0 || hex(from[i + 2]) < 0)
				return false;
			c = hex(from[i + 1]) << 4 | hex(from[i + 2]);
			i += 2;
		}
		if (c == 0 || at == PROXY_TEXT_MAX)
			return false;
		to[at++] = (char)c;
	}
	to[at] = '\0';
	return at > 0;
}

int proxy_parse(const char *url, struct proxy *out)
{
	char host[PROXY_TEXT_MAX + 1];
	uint16_t port;
	memset(out, 0, sizeof(*out));
	if (strncmp(url, SCHEME, sizeof(SCHEME) - 1) != 0)
		return ERROR_SYNTAX;
	const char *rest = url + sizeof(SCHEME) - 1, *at = strrchr(rest, '@');
	if (at) {
		const char *colon = memchr(rest, ':', (size_t)(at - rest));
		if (!colon || !unescape(rest, (size_t)(colon - rest), out->user) ||
			!unescape(colon + 1, (size_t)(at - colon - 1), out->password))
			return ERROR_SYNTAX;
		out->has_login = true;
		rest = at + 1;
	}
	if (proxy_split(rest, host, &port))
		return ERROR_SYNTAX;
	if (literal(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port, &out->to))
		return 0;
	return ERROR_NOT_FOUND;
}

static bool ends_with(const char *host, const char *end)
{
	size_t len = strlen(host), end_len = strlen(end);
	while (len > 0 && host[len - 1] == '.')
		len--; /* "city.onion." */
	return len >= end_len && strncasecmp(host + len - end_len, end, end_len) == 0;
}

enum proxy_way proxy_way(const struct config_link *link, const char *address,
	struct sockaddr_storage *to, const char **reason)
{
	char host[PROXY_TEXT_MAX + 1];
	uint16_t port;
	if (proxy_split(address, host, &port)) {
		*reason = "not an address";
		return PROXY_WAY_NONE;
	}
	bool through = link->proxy && link->proxy_for.count == 0;
	for (unsigned i = 0; link->proxy && i < link->proxy_for.count; i++)
		through |= ends_with(host, link->proxy_for.items[i]);
	if (through)
		return PROXY_WAY_PROXY;
	if (ends_with(host, ".onion")) {
		*reason = "names under .onion are reached through a proxy only (link.proxy)";
		return PROXY_WAY_NONE;
	}
	return literal(host, port, to) ? PROXY_WAY_DIRECT : PROXY_WAY_RESOLVE;
}
