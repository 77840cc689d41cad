/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bounded big-endian reading of fixed-width fields. The first error sticks (ERROR_TRUNCATED):
 * later reads give zeros and empty views, so a parser checks once, with cursor_end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct cursor {
	struct bytes input;
	size_t at;
	int error;
};

struct cursor cursor_init(struct bytes input);

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u24(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);

/** A view of the next `len` bytes of the input; empty on error. */
struct bytes cursor_bytes(struct cursor *c, size_t len);

/** Copies the next `len` bytes; on error `to` is zeroed. */
void cursor_copy(struct cursor *c, void *to, size_t len);

/** Bytes not yet read; 0 after an error. */
size_t cursor_left(const struct cursor *c);

/** 0, the sticky error, or ERROR_TRAILING if bytes are left. */
int cursor_end(const struct cursor *c);
