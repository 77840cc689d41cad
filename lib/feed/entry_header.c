/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/entry_header.h"

#include "base/error.h"
#include "base/text.h"
#include "feed/feed.h"
#include "record/header.h"

/*
 * A header without elements of a later version is flat, so that it can be walked without a stack of
 * levels. This walk only ever says yes; whatever it does not know goes to header_decode, which is
 * the law and finds the error. A fuzz target compares the two.
 */

/* msgpack's first bytes. */
#define NIL 0xc0
#define BIN8 0xc4
#define UINT8 0xcc
#define STR8 0xd9
#define FIXARRAY 0x90
#define FIXSTR 0xa0

/* A bounded walk; `good` falls once and for all. */
struct walk {
	const uint8_t *at, *end;
	bool good;
};

static uint8_t walk_byte(struct walk *w)
{
	if (w->at == w->end) {
		w->good = false;
		return 0;
	}
	return *w->at++;
}

static uint64_t walk_uint(struct walk *w, uint64_t max)
{
	uint8_t first = walk_byte(w);

	if (first < 0x80) {
		w->good = w->good && first <= max;
		return first;
	}
	size_t width = (size_t)1 << (first & 3);
	if (first < UINT8 || first > UINT8 + 3 || (size_t)(w->end - w->at) < width) {
		w->good = false;
		return 0;
	}
	uint64_t value = 0;
	for (size_t i = 0; i < width; i++)
		value = value << 8 | *w->at++;
	/* The shortest form: a half as wide would not have held it. */
	bool shortest = width == 1 ? value >= 0x80 : value >> (4 * width) != 0;
	w->good = w->good && shortest && value <= max;
	return value;
}

static void walk_bin(struct walk *w, size_t len)
{
	if (walk_byte(w) != BIN8 || walk_byte(w) != len || (size_t)(w->end - w->at) < len)
		w->good = false;
	else
		w->at += len;
}

static bool ascii_without_nul(const uint8_t *at, size_t len)
{
	uint8_t high = 0, zero = 0;

	for (size_t i = 0; i < len; i++) {
		high |= at[i];
		zero |= at[i] == 0;
	}
	return high < 0x80 && !zero;
}

static void walk_topic(struct walk *w)
{
	uint8_t first = walk_byte(w);
	size_t len = first == STR8 ? walk_byte(w) : (size_t)(first - FIXSTR);
	bool form = first == STR8 ? len > 31 : first >= FIXSTR && first < NIL;

	if (!form || len < 1 || len > HEADER_TOPIC_SIZE_MAX || (size_t)(w->end - w->at) < len) {
		w->good = false;
		return;
	}
	if (!ascii_without_nul(w->at, len) &&
		(memchr(w->at, 0, len) || !text_utf8_valid(bytes_of(w->at, len))))
		w->good = false;
	w->at += len;
}

/* Of fewer than 16 items. */
static size_t walk_array(struct walk *w)
{
	uint8_t first = walk_byte(w);

	if (first < FIXARRAY || first >= FIXSTR)
		w->good = false;
	return w->good ? first - FIXARRAY : 0;
}

static bool walk_nil(struct walk *w)
{
	if (w->at == w->end || *w->at != NIL)
		return false;
	w->at++;
	return true;
}

static void walk_reference(struct walk *w)
{
	if (walk_array(w) != 3)
		w->good = false;
	walk_bin(w, HASH_SIZE);
	if (walk_uint(w, UINT64_MAX) < 1)
		w->good = false;
	walk_bin(w, HASH_SIZE);
}

static void walk_lists(struct walk *w)
{
	for (size_t n = walk_array(w); n && w->good; n--)
		walk_topic(w);
	if (!walk_nil(w))
		walk_reference(w);
	for (size_t n = walk_array(w); n && w->good; n--) {
		if (walk_array(w) != 3)
			w->good = false;
		walk_bin(w, HASH_SIZE);
		walk_uint(w, HEADER_ATTACHMENT_SIZE_MAX);
		walk_uint(w, UINT8_MAX);
	}
	if (!walk_nil(w))
		for (size_t n = walk_array(w); n && w->good; n--)
			walk_reference(w);
}

bool entry_header_is_usual(struct bytes header, uint32_t *body_size)
{
	struct walk w = {.at = header.data, .end = header.data + header.len, .good = true};

	if (header.len > ENTRY_HEADER_BYTES_MAX || walk_array(&w) != HEADER_ELEMENTS_MIN)
		return false;
	walk_uint(&w, UINT16_MAX); /* kind */
	walk_uint(&w, INT64_MAX);  /* time */
	walk_uint(&w, INT64_MAX);  /* expiry */
	walk_uint(&w, UINT16_MAX); /* flags */
	*body_size = (uint32_t)walk_uint(&w, ENTRY_BODY_BYTES_MAX);
	walk_bin(&w, CONTENT_ID_SIZE);
	walk_lists(&w);
	return w.good && w.at == w.end;
}

int entry_header_check(struct bytes header, uint32_t *body_size)
{
	struct header decoded;

	if (entry_header_is_usual(header, body_size))
		return 0;
	int error = header_decode(header, &decoded);
	*body_size = decoded.body_size;
	return error;
}
