/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/error.h"
#include "base/text.h"

#define GAP 2
/** No column is cut below this, however narrow the terminal. */
#define WIDTH_MIN 8

void table_init(struct table *table, const struct table_column *columns, size_t count)
{
	require(count > 0 && count <= TABLE_COLUMNS_MAX);
	memset(table, 0, sizeof(*table));
	table->columns = columns;
	table->column_count = count;
}

void table_deinit(struct table *table)
{
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i]);
	free(table->cells);
	memset(table, 0, sizeof(*table));
}

/** What must not reach a terminal becomes '?', a line break a space. */
static char *make_safe(const char *text)
{
	struct bytes left = bytes_from_text(text);
	char *safe = malloc(left.len + 1), *to = safe;
	if (!safe)
		return NULL;
	while (left.len) {
		uint32_t character = 0;
		size_t len = text_utf8_next(left, &character);
		if (len && text_printable(character)) {
			memcpy(to, left.data, len);
			to += len;
		} else {
			*to++ = left.data[0] == '\n' || left.data[0] == '\t' ? ' ' : '?';
		}
		left = bytes_slice(left, len ? len : 1, left.len);
	}
	*to = '\0';
	return safe;
}

void table_add(struct table *table, const char *text)
{
	if (table->cell_count == table->cell_capacity) {
		size_t capacity = table->cell_capacity ? 2 * table->cell_capacity : 64;
		char **cells = reallocarray(table->cells, capacity, sizeof(*cells));
		if (!cells) {
			table->failed = true;
			return;
		}
		table->cells = cells;
		table->cell_capacity = capacity;
	}
	char *cell = make_safe(text ? text : "-");
	if (!cell) {
		table->failed = true;
		return;
	}
	table->cells[table->cell_count++] = cell;
}

void table_add_format(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list values;
	va_start(values, format);
	if (vasprintf(&text, format, values) < 0)
		text = NULL;
	va_end(values);
	if (text)
		table_add(table, text);
	else
		table->failed = true;
	free(text);
}

struct sort_context {
	size_t columns, by;
};

static int compare_rows(const void *a, const void *b, void *ctx)
{
	const struct sort_context *c = ctx;
	char *const *left = a, *const *right = b;
	int order = strcmp(left[c->by], right[c->by]);
	for (size_t i = 0; order == 0 && i < c->columns; i++)
		order = strcmp(left[i], right[i]);
	return order;
}

void table_sort(struct table *table, size_t column)
{
	struct sort_context context = {table->column_count, column};
	size_t rows = table->cell_count / table->column_count;
	if (rows > 1)
		qsort_r(table->cells, rows, table->column_count * sizeof(char *), compare_rows, &context);
}

static size_t character_width(uint32_t character)
{
	int width = wcwidth((wchar_t)character);
	return width < 0 ? 1 : (size_t)width; /* a locale without it */
}

/** The beginning of `text` that takes at most `width` columns; *used gets how many it takes. */
static size_t fit(const char *text, size_t width, size_t *used)
{
	struct bytes left = bytes_from_text(text);
	size_t at = 0;
	*used = 0;
	while (left.len) {
		uint32_t character = 0;
		size_t len = text_utf8_next(left, &character);
		size_t columns = len ? character_width(character) : 1;
		if (*used + columns > width)
			break;
		*used += columns;
		at += len ? len : 1;
		left = bytes_slice(left, len ? len : 1, left.len);
	}
	return at;
}

size_t table_text_width(const char *text)
{
	size_t width;
	fit(text, SIZE_MAX, &width);
	return width;
}

static void print_cell(const char *text, size_t width, unsigned flags, bool last, FILE *to)
{
	size_t used, whole = strlen(text), len = fit(text, width, &used);
	const char *mark = "";
	if (len < whole) {
		len = fit(text, width - 1, &used);
		mark = "…";
		used++;
	}
	int pad = (int)(width > used ? width - used : 0);
	if (flags & TABLE_RIGHT)
		fprintf(to, "%*s", pad, "");
	fwrite(text, 1, len, to);
	fputs(mark, to);
	if (!(flags & TABLE_RIGHT) && !last)
		fprintf(to, "%*s", pad, "");
	fputs(last ? "\n" : "  ", to);
}

/** Takes what is too much from the widest column that may be cut, again and again. */
static void widths_cut(const struct table *table, size_t *widths, size_t width)
{
	for (;;) {
		size_t sum = GAP * (table->column_count - 1), widest = SIZE_MAX;
		for (size_t i = 0; i < table->column_count; i++) {
			sum += widths[i];
			bool cut = (table->columns[i].flags & TABLE_CUT) && widths[i] > WIDTH_MIN;
			if (cut && (widest == SIZE_MAX || widths[i] > widths[widest]))
				widest = i;
		}
		if (sum <= width || widest == SIZE_MAX)
			return;
		widths[widest]--;
	}
}

int table_print(const struct table *table, FILE *to, unsigned width)
{
	size_t widths[TABLE_COLUMNS_MAX], columns = table->column_count;
	if (table->failed)
		return ERROR_MEMORY;
	if (table->cell_count == 0)
		return 0;
	for (size_t i = 0; i < columns; i++)
		widths[i] = table_text_width(table->columns[i].heading);
	for (size_t i = 0; i < table->cell_count; i++) {
		size_t cell = table_text_width(table->cells[i]);
		if (cell > widths[i % columns])
			widths[i % columns] = cell;
	}
	if (width)
		widths_cut(table, widths, width);
	for (size_t i = 0; i < columns; i++)
		print_cell(
			table->columns[i].heading, widths[i], table->columns[i].flags, i + 1 == columns, to);
	for (size_t i = 0; i < table->cell_count; i++) {
		size_t column = i % columns;
		print_cell(table->cells[i], widths[column], table->columns[column].flags,
			column + 1 == columns, to);
	}
	return 0;
}
