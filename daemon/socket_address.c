/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/socket_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int socket_address_split(const char *text, char host[static APP_ADDRESS_MAX], char port[static 6])
{
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || strlen(colon + 1) > 5 || strlen(text) >= APP_ADDRESS_MAX)
		return ERROR_SYNTAX;
	size_t len = (size_t)(colon - text);
	bool brackets = text[0] == '[' && text[len - 1] == ']';
	snprintf(
		host, APP_ADDRESS_MAX, "%.*s", (int)(brackets ? len - 2 : len), brackets ? text + 1 : text);
	snprintf(port, 6, "%s", colon + 1);
	return strspn(port, "0123456789") == strlen(port) && port[0] ? 0 : ERROR_SYNTAX;
}

int socket_address_parse(const char *text, struct sockaddr_storage *out)
{
	char host[APP_ADDRESS_MAX], port[6];
	memset(out, 0, sizeof(*out));
	if (socket_address_split(text, host, port))
		return ERROR_SYNTAX;
	unsigned long number = strtoul(port, NULL, 10);
	if (number > 65535)
		return ERROR_SYNTAX;
	if (uv_ip4_addr(host, (int)number, (struct sockaddr_in *)out) == 0)
		return 0;
	memset(out, 0, sizeof(*out));
	if (uv_ip6_addr(host, (int)number, (struct sockaddr_in6 *)out) == 0)
		return 0;
	memset(out, 0, sizeof(*out));
	return ERROR_NOT_FOUND;
}

void socket_address_format(const struct sockaddr *address, char to[static APP_ADDRESS_MAX])
{
	struct sockaddr_storage copy = {0};
	size_t len = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
												: sizeof(struct sockaddr_in);
	memcpy(&copy, address, len);
	char host[64] = "?";
	uv_ip_name(address, host, sizeof(host));
	snprintf(to, APP_ADDRESS_MAX, address->sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		socket_address_port(&copy));
}

unsigned socket_address_port(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)address)->sin6_port)
										  : ntohs(((const struct sockaddr_in *)address)->sin_port);
}

void socket_address_set_port(struct sockaddr_storage *address, unsigned port)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
}

bool socket_address_is_any(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_ANY);
}
