/* SPDX-License-Identifier: Apache-2.0 */
#include "format/csv.h"

#include <string.h>

#include "base/error.h"

static char guess_delimiter(struct bytes input)
{
	static const char candidates[] = {',', ';', '\t'};
	size_t counts[sizeof(candidates)] = {0};
	bool quoted = false;
	for (size_t i = 0; i < input.len; i++) {
		uint8_t c = input.data[i];
		if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '\n' || c == '\r'))
			break;
		for (size_t k = 0; k < sizeof(candidates) && !quoted; k++)
			counts[k] += c == (uint8_t)candidates[k];
	}
	size_t best = 0;
	for (size_t k = 1; k < sizeof(candidates); k++)
		if (counts[k] > counts[best])
			best = k;
	return candidates[best];
}

void csv_reader_init(struct csv_reader *r, struct bytes input, char delimiter)
{
	memset(r, 0, sizeof(*r));
	if (bytes_starts_with(input, bytes_from_text("\xef\xbb\xbf")))
		input = bytes_slice(input, 3, input.len);
	r->input = input;
	r->next_line = 1;
	r->delimiter = delimiter ? delimiter : guess_delimiter(input);
	buffer_init(&r->text, SIZE_MAX);
}

void csv_reader_deinit(struct csv_reader *r)
{
	buffer_deinit(&r->text);
}

/* At a line end: steps over it (CR LF is one) and counts the line. */
static bool take_line_end(struct csv_reader *r)
{
	if (r->at >= r->input.len)
		return false;
	uint8_t c = r->input.data[r->at];
	if (c != '\n' && c != '\r')
		return false;
	r->at++;
	if (c == '\r' && r->at < r->input.len && r->input.data[r->at] == '\n')
		r->at++;
	r->next_line++;
	return true;
}

static int read_quoted(struct csv_reader *r)
{
	r->at++;
	while (r->at < r->input.len) {
		uint8_t c = r->input.data[r->at];
		if (c == '"') {
			r->at++;
			if (r->at >= r->input.len || r->input.data[r->at] != '"')
				return 0;
		} else if (take_line_end(r)) {
			buffer_push_u8(&r->text, '\n');
			continue;
		}
		buffer_push_u8(&r->text, c);
		r->at++;
	}
	return ERROR_SYNTAX; /* no closing quote */
}

/* Reads one field to the text buffer; *more says whether a delimiter followed it. */
static int read_field(struct csv_reader *r, bool *more)
{
	bool quoted = r->at < r->input.len && r->input.data[r->at] == '"';
	int code = quoted ? read_quoted(r) : 0;
	*more = false;
	while (!code && r->at < r->input.len) {
		uint8_t c = r->input.data[r->at];
		if (c == '\n' || c == '\r')
			return 0;
		r->at++;
		if (c == (uint8_t)r->delimiter) {
			*more = true;
			return 0;
		}
		if (!quoted)
			buffer_push_u8(&r->text, c);
		else if (c != ' ')
			return ERROR_SYNTAX; /* text behind a closing quote */
	}
	return code;
}

int csv_reader_next(struct csv_reader *r)
{
	while (take_line_end(r))
		;
	if (r->at >= r->input.len)
		return 0;
	r->line = r->next_line;
	r->field_count = 0;
	buffer_reset(&r->text);
	size_t starts[CSV_FIELDS_MAX + 1];
	bool more = true;
	while (more) {
		if (r->field_count == CSV_FIELDS_MAX)
			return ERROR_SIZE;
		starts[r->field_count] = r->text.len;
		int code = read_field(r, &more);
		if (code)
			return code;
		if (r->text.len - starts[r->field_count] > CSV_FIELD_SIZE_MAX)
			return ERROR_SIZE;
		r->field_count++;
	}
	take_line_end(r);
	if (r->text.error)
		return r->text.error;
	starts[r->field_count] = r->text.len;
	struct bytes text = buffer_bytes(&r->text);
	for (size_t i = 0; i < r->field_count; i++)
		r->fields[i] = bytes_slice(text, starts[i], starts[i + 1] - starts[i]);
	return 1;
}
