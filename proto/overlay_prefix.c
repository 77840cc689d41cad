/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/overlay_prefix.h"

#include <string.h>

/* Digits of base 10 or 16 at *at: their value, -1 for none or one above `most`. */
static int32_t number(struct bytes text, size_t *at, unsigned base, int32_t most)
{
	int32_t value = 0;
	size_t from = *at;
	for (; *at < text.len; (*at)++) {
		uint8_t c = text.data[*at];
		int digit = c >= '0' && c <= '9' ? c - '0'
			: c >= 'a' && c <= 'f'       ? c - 'a' + 10
			: c >= 'A' && c <= 'F'       ? c - 'A' + 10
										 : 16;
		if (digit >= (int)base)
			break;
		value = value * (int32_t)base + digit;
		if (value > most)
			return -1;
	}
	return *at > from ? value : -1;
}

/* "192.0.2.7" and nothing else. */
static bool parse_v4(struct bytes host, uint8_t out[static 4])
{
	size_t at = 0;
	for (int i = 0; i < 4; i++) {
		int32_t byte = number(host, &at, 10, 255);
		if (byte < 0 || (i < 3 && (at >= host.len || host.data[at++] != '.')))
			return false;
		out[i] = (uint8_t)byte;
	}
	return at == host.len;
}

/* The groups before "::" in `head`, those behind it in `tail`. */
struct groups {
	uint16_t head[8], tail[8];
	unsigned head_count, tail_count;
	bool gap;
};

static bool parse_groups(struct bytes host, struct groups *g)
{
	size_t at = 0;
	memset(g, 0, sizeof *g);
	while (at < host.len) {
		if (host.len - at >= 2 && memcmp(host.data + at, "::", 2) == 0) {
			if (g->gap)
				return false;
			g->gap = true;
			at += 2;
			continue;
		}
		if (at > 0 && host.data[at] == ':')
			at++;
		uint8_t v4[4];
		unsigned *count = g->gap ? &g->tail_count : &g->head_count;
		uint16_t *to = g->gap ? g->tail : g->head;
		if (parse_v4(bytes_slice(host, at, SIZE_MAX), v4) && *count < 7) {
			to[(*count)++] = (uint16_t)(v4[0] << 8 | v4[1]);
			to[(*count)++] = (uint16_t)(v4[2] << 8 | v4[3]);
			break;
		}
		int32_t group = number(host, &at, 16, 65535);
		if (group < 0 || *count == 8)
			return false;
		to[(*count)++] = (uint16_t)group;
	}
	unsigned count = g->head_count + g->tail_count;
	return g->gap ? count < 8 : count == 8;
}

static bool parse_v6(struct bytes host, struct overlay_prefix *out)
{
	struct groups g;
	uint16_t all[8] = {0};
	if (!parse_groups(host, &g))
		return false;
	memcpy(all, g.head, g.head_count * sizeof *all);
	memcpy(all + 8 - g.tail_count, g.tail, g.tail_count * sizeof *all);
	static const uint16_t mapped[6] = {0, 0, 0, 0, 0, 0xffff};
	bool v4 = memcmp(all, mapped, sizeof mapped) == 0;
	const uint16_t *from = v4 ? all + 6 : all;
	out->bytes[0] = v4 ? 4 : 6;
	for (unsigned i = 0; i < (v4 ? 1u : 2u); i++) {
		out->bytes[1 + 2 * i] = (uint8_t)(from[i] >> 8);
		out->bytes[2 + 2 * i] = (uint8_t)from[i];
	}
	return true;
}

bool overlay_prefix_parse(struct bytes address, struct overlay_prefix *out)
{
	memset(out, 0, sizeof *out);
	size_t end = address.len;
	while (end > 0 && address.data[end - 1] != ':')
		end--;
	if (end < 2)
		return false;
	struct bytes host = bytes_slice(address, 0, end - 1);
	if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
		return parse_v6(bytes_slice(host, 1, host.len - 2), out);
	uint8_t v4[4];
	if (!parse_v4(host, v4))
		return false;
	out->bytes[0] = 4;
	memcpy(out->bytes + 1, v4, 2);
	return true;
}
