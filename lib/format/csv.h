/* SPDX-License-Identifier: Apache-2.0 */
/**
 * CSV as in RFC 4180, and as it is met: a byte-order mark, line ends CR LF, LF or CR, quoted fields
 * with line breaks, any one-byte delimiter. A quote inside an unquoted field is an ordinary
 * character; text after a closing quote and an unclosed quote are errors.
 */
#pragma once

#include <stddef.h>

#include "base/buffer.h"
#include "base/bytes.h"

#define CSV_FIELDS_MAX 512
#define CSV_FIELD_SIZE_MAX (1u * 1024 * 1024)

struct csv_reader {
	struct bytes input;
	size_t at;
	size_t line; /* of the row last read, from 1 */
	size_t next_line;
	char delimiter;
	struct buffer text; /* the fields of the row, without quotes */
	struct bytes fields[CSV_FIELDS_MAX];
	size_t field_count;
};

/** `delimiter` 0: the one of comma, semicolon and tab that the first line has most of. */
void csv_reader_init(struct csv_reader *r, struct bytes input, char delimiter);
void csv_reader_deinit(struct csv_reader *r);

/**
 * Reads the next row that is not empty: 1, with `fields` valid until the next call; 0 at the end;
 * ERROR_SYNTAX, ERROR_SIZE (too many fields, or one too long) or ERROR_MEMORY.
 */
int csv_reader_next(struct csv_reader *r);
