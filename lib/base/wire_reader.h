/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A bounded reader of canonical msgpack over bytes that a stranger sent. It allocates nothing and
 * calls no library: msgpack-c reserves memory for claimed counts and takes non-minimal forms and
 * duplicate keys.
 *
 * Refused: lengths and integers not in their shortest form, signed forms of non-negative
 * integers, ext and (unless allow_float) float, claimed lengths or counts beyond the bytes left
 * (each child needs a byte), more than 16 levels, map keys that are not str or not strictly
 * ascending bytewise, str that is not UTF-8 or holds a NUL.
 *
 * The first error sticks; later reads give 0, false and empty views, so a parser checks once,
 * with wire_reader_end. Map keys: read them with wire_reader_str; their order is checked then and
 * also by _skip and _raw. Views point into the input.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WIRE_DEPTH_MAX 16

enum wire_type {
	WIRE_TYPE_END, /* nothing left, or an error */
	WIRE_TYPE_NIL,
	WIRE_TYPE_BOOL,
	WIRE_TYPE_UINT, /* a non-negative integer */
	WIRE_TYPE_INT,  /* a negative integer */
	WIRE_TYPE_FLOAT,
	WIRE_TYPE_STR,
	WIRE_TYPE_BIN,
	WIRE_TYPE_ARRAY,
	WIRE_TYPE_MAP,
	WIRE_TYPE_INVALID, /* ext, and the never-used byte c1 */
	WIRE_TYPE_COUNT
};

/** One open array or map. */
struct wire_level {
	uint64_t left;   /* values still to come: for maps keys and values are counted each */
	bool is_map;
	struct bytes key; /* the last key read, for the order */
	bool has_key;
};

struct wire_reader {
	struct bytes input;
	size_t at;
	int error;
	bool allow_float; /* set after init, for bodies only */
	unsigned depth;
	struct wire_level levels[WIRE_DEPTH_MAX];
};

void wire_reader_init(struct wire_reader *r, struct bytes input);

/**
 * Opens an array or map and returns its count (of pairs for a map), within min..max, else
 * ERROR_SIZE. The values are read next; a level closes by itself after its last value.
 */
size_t wire_reader_array(struct wire_reader *r, size_t min, size_t max);
size_t wire_reader_map(struct wire_reader *r, size_t min, size_t max);

/** ERROR_RANGE above `max`; ERROR_TYPE for a negative integer. */
uint64_t wire_reader_uint(struct wire_reader *r, uint64_t max);
/** Any integer that fits int64_t, else ERROR_RANGE. */
int64_t wire_reader_int(struct wire_reader *r);
bool wire_reader_bool(struct wire_reader *r);
/** ERROR_TYPE unless allow_float. Only the 64-bit form; NaN and infinities are ERROR_RANGE. */
double wire_reader_double(struct wire_reader *r);
struct bytes wire_reader_bin(struct wire_reader *r, size_t min, size_t max);
/** Copies exactly n bytes of a bin; `to` is zeroed on error. */
void wire_reader_bin_exact(struct wire_reader *r, void *to, size_t n);
/** Valid UTF-8 without NUL, min..max bytes. */
struct bytes wire_reader_str(struct wire_reader *r, size_t min, size_t max);
/** Consumes a nil if one is next and says so; anything else is left and is no error. */
bool wire_reader_nil(struct wire_reader *r);

/** The next value's type, without reading it. */
enum wire_type wire_reader_peek(const struct wire_reader *r);

/** Checks and passes over one value of any kind, nested ones included. */
void wire_reader_skip(struct wire_reader *r);
/** The same, and returns its bytes. */
struct bytes wire_reader_raw(struct wire_reader *r);

/** Bytes not yet read; 0 after an error. */
size_t wire_reader_left(const struct wire_reader *r);

/** Sets the sticky error if none is set yet: for a parser's own findings. */
void wire_reader_fail(struct wire_reader *r, int code);

/**
 * 0; the sticky error; ERROR_TRAILING if bytes are left; ERROR_TRUNCATED if an array or map is
 * still open.
 */
int wire_reader_end(const struct wire_reader *r);
