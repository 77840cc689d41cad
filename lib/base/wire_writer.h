/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Canonical msgpack: shortest integers and lengths; non-negative integers in the unsigned forms;
 * no floats, no ext. Map keys are written by the caller in bytewise ascending order. Errors stick
 * in the buffer (b->error). Source: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

/** `n` values follow. */
void wire_writer_array(struct buffer *b, size_t n);
/** `n` pairs follow: key as str, ascending and distinct, then value. */
void wire_writer_map(struct buffer *b, size_t n);
void wire_writer_uint(struct buffer *b, uint64_t value);
void wire_writer_int(struct buffer *b, int64_t value);
void wire_writer_bool(struct buffer *b, bool value);
void wire_writer_nil(struct buffer *b);
/** The caller vouches for valid UTF-8 without NUL, else readers refuse it. */
void wire_writer_str(struct buffer *b, struct bytes text);
void wire_writer_text(struct buffer *b, const char *text);
void wire_writer_bin(struct buffer *b, struct bytes bytes);
/** Bytes that already are one or more canonical values, copied as they are. */
void wire_writer_raw(struct buffer *b, struct bytes bytes);
/** IEEE 754 double; only in bodies, where readers set allow_float. */
void wire_writer_double(struct buffer *b, double value);
