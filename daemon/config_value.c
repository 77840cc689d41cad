/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_schema.h"

static const struct {
	const char *name;
	unsigned shift;
} size_units[] = {
	{"TiB", 40},
	{"GiB", 30},
	{"MiB", 20},
	{"KiB", 10},
	{"B", 0},
};
#define SIZE_UNIT_COUNT (sizeof(size_units) / sizeof(size_units[0]))

int config_size_parse(const char *text, uint64_t *out)
{
	*out = 0;
	if (!isdigit((unsigned char)text[0]))
		return ERROR_SYNTAX;
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (errno)
		return ERROR_RANGE;
	while (*end == ' ')
		end++;
	unsigned shift = 0;
	if (*end) {
		size_t i = 0;
		while (i < SIZE_UNIT_COUNT && strcmp(end, size_units[i].name) != 0)
			i++;
		if (i == SIZE_UNIT_COUNT)
			return ERROR_SYNTAX;
		shift = size_units[i].shift;
	}
	if (number > (UINT64_MAX >> 1) >> shift)
		return ERROR_RANGE;
	*out = (uint64_t)number << shift;
	return 0;
}

void config_size_format(uint64_t bytes, char to[static CONFIG_SIZE_TEXT_MAX])
{
	for (size_t i = 0; i < SIZE_UNIT_COUNT; i++) {
		uint64_t unit = UINT64_C(1) << size_units[i].shift;
		if (bytes % unit == 0 && (bytes >= unit || unit == 1)) {
			snprintf(to, 32, "%llu %s", (unsigned long long)(bytes / unit), size_units[i].name);
			return;
		}
	}
}

static bool host_name_valid(const char *host, size_t len)
{
	if (len == 0 || len > 253 || host[0] == '-' || host[0] == '.' || host[len - 1] == '-')
		return false;
	size_t label = 0;
	for (size_t i = 0; i < len; i++) {
		if (host[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!isalnum((unsigned char)host[i]) && host[i] != '-' && host[i] != '_') {
			return false;
		} else if (++label > 63) {
			return false;
		}
	}
	return true;
}

int config_address_check(const char *text, bool port_zero)
{
	const char *colon = strrchr(text, ':');
	if (!colon || strlen(text) > LIMIT_ADDRESS_BYTES)
		return ERROR_SYNTAX;
	size_t digits = strspn(colon + 1, "0123456789");
	if (digits == 0 || digits > 5 || colon[1 + digits] || (digits > 1 && colon[1] == '0'))
		return ERROR_SYNTAX;
	unsigned long port = strtoul(colon + 1, NULL, 10);
	size_t len = (size_t)(colon - text);
	char host[256];
	struct in6_addr address;
	if (text[0] == '[') {
		if (len < 4 || text[len - 1] != ']')
			return ERROR_SYNTAX;
		snprintf(host, sizeof(host), "%.*s", (int)(len - 2), text + 1);
		if (inet_pton(AF_INET6, host, &address) != 1)
			return ERROR_SYNTAX;
	} else {
		snprintf(host, sizeof(host), "%.*s", (int)len, text);
		bool numeric = strspn(host, "0123456789.") == len;
		if (numeric ? inet_pton(AF_INET, host, &address) != 1 : !host_name_valid(host, len))
			return ERROR_SYNTAX;
	}
	return port > 65535 || (port == 0 && !port_zero) ? ERROR_RANGE : 0;
}

bool config_address_is_name(const char *text)
{
	size_t len = strcspn(text, ":");
	return text[0] != '[' && strspn(text, "0123456789.") < len;
}

bool config_address_is_any(const char *text)
{
	char host[64];
	struct in6_addr address;
	if (text[0] != '[')
		return strncmp(text, "0.0.0.0:", 8) == 0;
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(text + 1, "]"), text + 1);
	return inet_pton(AF_INET6, host, &address) == 1 && IN6_IS_ADDR_UNSPECIFIED(&address);
}

static bool line_key(const char *line, size_t len, size_t indent, const char *key)
{
	size_t key_len = strlen(key);
	return len > indent + key_len && memcmp(line + indent, key, key_len) == 0 &&
		line[indent + key_len] == ':';
}

void config_where(
	const char *text, size_t len, const char *section, const char *key, char to[static 96])
{
	snprintf(to, 96, "%s%s%s", section ? section : "", section ? "." : "", key);
	bool inside = section == NULL;
	size_t number = 0;
	for (size_t at = 0; at < len;) {
		const char *line = text + at;
		const char *end = memchr(line, '\n', len - at);
		size_t line_len = end ? (size_t)(end - line) : len - at;
		size_t indent = 0;
		while (indent < line_len && line[indent] == ' ')
			indent++;
		number++;
		at += line_len + 1;
		if (indent == line_len || line[indent] == '#')
			continue;
		if (section && indent == 0)
			inside = line_key(line, line_len, 0, section);
		bool depth_fits = section ? indent > 0 : indent == 0;
		if (inside && depth_fits && line_key(line, line_len, indent, key)) {
			snprintf(to, 96, "line %zu, %s%s%s", number, section ? section : "", section ? "." : "",
				key);
			return;
		}
	}
}
