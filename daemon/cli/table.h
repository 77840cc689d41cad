/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Aligned tables for people. Widths are those of a terminal (wide and combining characters counted
 * as such, if the locale is UTF-8); on a narrow one the widest column that may be cut is cut, with
 * an ellipsis. Cells are made safe to print.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 10

enum table_column_flag {
	TABLE_RIGHT = 1, /* aligned to the right: numbers */
	TABLE_CUT = 2,   /* may be cut on a narrow terminal */
};

struct table_column {
	const char *heading;
	unsigned flags;
};

struct table {
	const struct table_column *columns; /* borrowed */
	size_t column_count;
	char **cells; /* row after row */
	size_t cell_count, cell_capacity;
	bool failed; /* no memory: table_print says so by its result */
};

void table_init(struct table *table, const struct table_column *columns, size_t count);
void table_deinit(struct table *table);

/** The next cell; rows fill up from left to right. The text is copied, NULL is "-". */
void table_add(struct table *table, const char *text);
__attribute__((format(printf, 2, 3))) void table_add_format(
	struct table *table, const char *format, ...);

/** Sorts the rows by the text of a column, equal ones stay in order. */
void table_sort(struct table *table, size_t column);

/** Prints headings and rows; nothing without rows. `width` 0: never cut. ERROR_MEMORY. */
int table_print(const struct table *table, FILE *to, unsigned width);

/** Columns that a text takes on a terminal, once it is made safe. */
size_t table_text_width(const char *text);
