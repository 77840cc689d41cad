/* SPDX-License-Identifier: Apache-2.0 */
/** "192.0.2.7:4400" and "[2001:db8::7]:4400" as sockaddr, and back. */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

#include "daemon/app.h"

/** ERROR_SYNTAX; ERROR_NOT_FOUND for a DNS name, which is to be resolved. */
int socket_address_parse(const char *text, struct sockaddr_storage *out);
void socket_address_format(const struct sockaddr *address, char to[static APP_ADDRESS_MAX]);
unsigned socket_address_port(const struct sockaddr_storage *address);
void socket_address_set_port(struct sockaddr_storage *address, unsigned port);
/** 0.0.0.0 or ::, which nobody can dial. */
bool socket_address_is_any(const struct sockaddr_storage *address);
/** Splits "host:port"; the brackets of IPv6 are dropped. ERROR_SYNTAX. */
int socket_address_split(const char *text, char host[static APP_ADDRESS_MAX], char port[static 6]);
