/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wire_reader.h"

#include <math.h>

#include "base/error.h"
#include "base/text.h"

/* The head of one value: its type, and the number, length or count that it carries. */
struct wire_head {
	enum wire_type type;
	uint64_t value; /* integers: two's complement; str and bin: bytes; array and map: items */
	size_t size;    /* of the head itself */
};

void wire_reader_init(struct wire_reader *r, struct bytes input)
{
	*r = (struct wire_reader){.input = input};
}

void wire_reader_fail(struct wire_reader *r, int code)
{
	if (!r->error)
		r->error = code;
}

size_t wire_reader_left(const struct wire_reader *r)
{
	return r->error ? 0 : r->input.len - r->at;
}

static uint64_t load_big_endian(const uint8_t *from, size_t width)
{
	uint64_t value = 0;
	for (size_t i = 0; i < width; i++)
		value = value << 8 | from[i];
	return value;
}

/* The smallest number that needs `width` bytes, given that narrower forms hold up to `narrower`. */
static bool is_shortest(uint64_t value, size_t width, uint64_t narrower)
{
	if (width == 1)
		return value > narrower;
	return value >> (4 * width) != 0;
}

/* cc..cf and d0..d3: the integers with a width of their own. */
static int head_integer(struct wire_head *head, uint8_t first, uint64_t value)
{
	size_t width = (size_t)1 << (first & 3);

	head->value = value;
	if (first <= 0xcf) {
		head->type = WIRE_TYPE_UINT;
		return is_shortest(value, width, 0x7f) ? 0 : ERROR_NOT_CANONICAL;
	}
	head->type = WIRE_TYPE_INT;
	unsigned shift = (unsigned)(64 - 8 * width);
	int64_t number = (int64_t)(value << shift) >> shift;
	head->value = (uint64_t)number;
	static const int64_t narrower[] = {-32, INT8_MIN, INT16_MIN, INT32_MIN};
	return number < narrower[first & 3] ? 0 : ERROR_NOT_CANONICAL;
}

/*
 * The types with a length, and the floats: how many bytes follow the first one, 0xff: no such
 * type.
 */
static uint8_t head_width(uint8_t first)
{
	static const uint8_t widths[32] = {
		[0x00] = 0, [0x01] = 0xff, [0x02] = 0, [0x03] = 0, /* c0 nil, c1, c2 false, c3 true */
		[0x04] = 1, [0x05] = 2, [0x06] = 4,                /* bin */
		[0x07] = 0xff, [0x08] = 0xff, [0x09] = 0xff,       /* ext */
		[0x0a] = 4, [0x0b] = 8,                            /* float */
		[0x0c] = 1, [0x0d] = 2, [0x0e] = 4, [0x0f] = 8,    /* uint */
		[0x10] = 1, [0x11] = 2, [0x12] = 4, [0x13] = 8,    /* int */
		[0x14] = 0xff, [0x15] = 0xff, [0x16] = 0xff,       /* fixext */
		[0x17] = 0xff, [0x18] = 0xff,
		[0x19] = 1, [0x1a] = 2, [0x1b] = 4,                /* str */
		[0x1c] = 2, [0x1d] = 4, [0x1e] = 2, [0x1f] = 4,    /* array, map */
	};
	return widths[first - 0xc0];
}

/* c0..df */
static int head_long(struct wire_head *head, struct bytes from, bool allow_float)
{
	uint8_t first = from.data[0];
	uint8_t width = head_width(first);

	if (width == 0xff) {
		head->type = WIRE_TYPE_INVALID;
		return ERROR_TYPE;
	}
	head->size = 1 + (size_t)width;
	if (head->size > from.len)
		return ERROR_TRUNCATED;
	uint64_t value = load_big_endian(from.data + 1, width);
	head->value = value;
	if (first == 0xc0) {
		head->type = WIRE_TYPE_NIL;
	} else if (first <= 0xc3) {
		head->type = WIRE_TYPE_BOOL;
		head->value = first & 1;
	} else if (first <= 0xc6) {
		head->type = WIRE_TYPE_BIN;
		return width == 1 || is_shortest(value, width, 0) ? 0 : ERROR_NOT_CANONICAL;
	} else if (first <= 0xcb) {
		head->type = WIRE_TYPE_FLOAT;
		if (!allow_float)
			return ERROR_TYPE;
		return first == 0xcb ? 0 : ERROR_NOT_CANONICAL;
	} else if (first <= 0xd3) {
		return head_integer(head, first, value);
	} else if (first <= 0xdb) {
		head->type = WIRE_TYPE_STR;
		return is_shortest(value, width, 31) ? 0 : ERROR_NOT_CANONICAL;
	} else {
		head->type = first <= 0xdd ? WIRE_TYPE_ARRAY : WIRE_TYPE_MAP;
		return (width == 2 ? value > 15 : value > 0xffff) ? 0 : ERROR_NOT_CANONICAL;
	}
	return 0;
}

/*
 * Reads the head at the front of `from`: 0, or what is wrong with it. Contents are not looked at.
 */
static int head_parse(struct wire_head *head, struct bytes from, bool allow_float)
{
	*head = (struct wire_head){.type = WIRE_TYPE_END, .size = 1};
	if (from.len == 0)
		return ERROR_TRUNCATED;
	uint8_t first = from.data[0];
	if (first <= 0x7f) {
		head->type = WIRE_TYPE_UINT;
		head->value = first;
	} else if (first <= 0x8f) {
		head->type = WIRE_TYPE_MAP;
		head->value = first & 0x0f;
	} else if (first <= 0x9f) {
		head->type = WIRE_TYPE_ARRAY;
		head->value = first & 0x0f;
	} else if (first <= 0xbf) {
		head->type = WIRE_TYPE_STR;
		head->value = first & 0x1f;
	} else if (first >= 0xe0) {
		head->type = WIRE_TYPE_INT;
		head->value = (uint64_t)((int64_t)first - 0x100);
	} else {
		return head_long(head, from, allow_float);
	}
	return 0;
}

enum wire_type wire_reader_peek(const struct wire_reader *r)
{
	struct wire_head head;

	if (r->error || r->at == r->input.len)
		return WIRE_TYPE_END;
	head_parse(&head, bytes_slice(r->input, r->at, SIZE_MAX), true);
	return head.type == WIRE_TYPE_END ? WIRE_TYPE_INVALID : head.type;
}

/* A value is complete: counts it in its array or map, and each that this completes. */
static void value_done(struct wire_reader *r)
{
	while (r->depth && --r->levels[r->depth - 1].left == 0)
		r->depth--;
}

/* Opens a level for `items` values, or completes the value at once if there are none. */
static void level_open(struct wire_reader *r, const struct wire_head *head)
{
	bool is_map = head->type == WIRE_TYPE_MAP;
	uint64_t items = is_map ? head->value * 2 : head->value;

	if (r->depth == WIRE_DEPTH_MAX) {
		wire_reader_fail(r, ERROR_DEPTH);
		return;
	}
	/* Each item takes a byte at least: a count that lies is found before anybody acts on it. */
	if (items > r->input.len - r->at) {
		wire_reader_fail(r, ERROR_TRUNCATED);
		return;
	}
	if (items == 0) {
		value_done(r);
		return;
	}
	r->levels[r->depth++] = (struct wire_level){.left = items, .is_map = is_map};
}

/* Map keys are str and ascend. */
static int key_check(struct wire_reader *r, const struct wire_head *head, struct bytes content)
{
	if (r->depth == 0)
		return 0;
	struct wire_level *level = &r->levels[r->depth - 1];
	if (!level->is_map || level->left % 2)
		return 0;
	if (head->type != WIRE_TYPE_STR)
		return ERROR_TYPE;
	if (level->has_key && bytes_compare(level->key, content) >= 0)
		return ERROR_NOT_CANONICAL;
	level->key = content;
	level->has_key = true;
	return 0;
}

static int content_check(struct wire_reader *r, const struct wire_head *head, struct bytes content)
{
	if (head->type == WIRE_TYPE_STR) {
		if (!text_utf8_valid(content) || (content.len && memchr(content.data, 0, content.len)))
			return ERROR_UTF8;
	} else if (head->type == WIRE_TYPE_FLOAT) {
		double number;
		memcpy(&number, &head->value, sizeof(number));
		if (!isfinite(number))
			return ERROR_RANGE;
	}
	return key_check(r, head, content);
}

/*
 * Reads one value: its head, for str and bin its content, for array and map only the head, after
 * which their items come. False after an error.
 */
static bool value_read(struct wire_reader *r, struct wire_head *head, struct bytes *content)
{
	*content = bytes_of(NULL, 0);
	*head = (struct wire_head){.type = WIRE_TYPE_END};
	if (r->error)
		return false;
	struct bytes left = bytes_slice(r->input, r->at, SIZE_MAX);
	int error = head_parse(head, left, r->allow_float);
	bool has_content = head->type == WIRE_TYPE_STR || head->type == WIRE_TYPE_BIN;
	if (!error && has_content) {
		if (head->value > left.len - head->size)
			error = ERROR_TRUNCATED;
		else
			*content = bytes_slice(left, head->size, (size_t)head->value);
	}
	if (!error)
		error = content_check(r, head, *content);
	if (error) {
		r->error = error;
		*content = bytes_of(NULL, 0);
		return false;
	}
	r->at += head->size + content->len;
	if (head->type == WIRE_TYPE_ARRAY || head->type == WIRE_TYPE_MAP)
		level_open(r, head);
	else
		value_done(r);
	return !r->error;
}

/* Reads one value of a wanted type. */
static bool value_want(struct wire_reader *r, enum wire_type type, struct wire_head *head,
	struct bytes *content)
{
	if (!value_read(r, head, content))
		return false;
	if (head->type != type) {
		r->error = ERROR_TYPE;
		*content = bytes_of(NULL, 0);
		return false;
	}
	return true;
}

static size_t count_want(struct wire_reader *r, enum wire_type type, size_t min, size_t max)
{
	struct wire_head head;
	struct bytes content;

	if (!value_want(r, type, &head, &content))
		return 0;
	if (head.value < min || head.value > max) {
		r->error = ERROR_SIZE;
		return 0;
	}
	return (size_t)head.value;
}

size_t wire_reader_array(struct wire_reader *r, size_t min, size_t max)
{
	return count_want(r, WIRE_TYPE_ARRAY, min, max);
}

size_t wire_reader_map(struct wire_reader *r, size_t min, size_t max)
{
	return count_want(r, WIRE_TYPE_MAP, min, max);
}

uint64_t wire_reader_uint(struct wire_reader *r, uint64_t max)
{
	struct wire_head head;
	struct bytes content;

	if (!value_want(r, WIRE_TYPE_UINT, &head, &content))
		return 0;
	if (head.value > max) {
		r->error = ERROR_RANGE;
		return 0;
	}
	return head.value;
}

int64_t wire_reader_int(struct wire_reader *r)
{
	struct wire_head head;
	struct bytes content;

	if (!value_read(r, &head, &content))
		return 0;
	if (head.type == WIRE_TYPE_UINT && head.value > INT64_MAX)
		r->error = ERROR_RANGE;
	else if (head.type != WIRE_TYPE_UINT && head.type != WIRE_TYPE_INT)
		r->error = ERROR_TYPE;
	return r->error ? 0 : (int64_t)head.value;
}

bool wire_reader_bool(struct wire_reader *r)
{
	struct wire_head head;
	struct bytes content;

	return value_want(r, WIRE_TYPE_BOOL, &head, &content) && head.value;
}

double wire_reader_double(struct wire_reader *r)
{
	struct wire_head head;
	struct bytes content;
	double number = 0;

	if (value_want(r, WIRE_TYPE_FLOAT, &head, &content))
		memcpy(&number, &head.value, sizeof(number));
	return number;
}

static struct bytes content_want(struct wire_reader *r, enum wire_type type, size_t min, size_t max)
{
	struct wire_head head;
	struct bytes content;

	if (value_want(r, type, &head, &content) && (content.len < min || content.len > max)) {
		r->error = ERROR_SIZE;
		content = bytes_of(NULL, 0);
	}
	return content;
}

struct bytes wire_reader_bin(struct wire_reader *r, size_t min, size_t max)
{
	return content_want(r, WIRE_TYPE_BIN, min, max);
}

void wire_reader_bin_exact(struct wire_reader *r, void *to, size_t n)
{
	struct bytes content = content_want(r, WIRE_TYPE_BIN, n, n);
	if (n == 0)
		return;
	if (r->error)
		memset(to, 0, n);
	else
		memcpy(to, content.data, n);
}

struct bytes wire_reader_str(struct wire_reader *r, size_t min, size_t max)
{
	return content_want(r, WIRE_TYPE_STR, min, max);
}

bool wire_reader_nil(struct wire_reader *r)
{
	struct wire_head head;
	struct bytes content;

	if (wire_reader_peek(r) != WIRE_TYPE_NIL)
		return false;
	return value_read(r, &head, &content);
}

void wire_reader_skip(struct wire_reader *r)
{
	struct wire_head head;
	struct bytes content;
	/* Never above the bytes of the input: level_open has checked each count against them. */
	uint64_t values = 1;

	while (values-- && value_read(r, &head, &content)) {
		if (head.type == WIRE_TYPE_ARRAY)
			values += head.value;
		else if (head.type == WIRE_TYPE_MAP)
			values += 2 * head.value;
	}
}

struct bytes wire_reader_raw(struct wire_reader *r)
{
	size_t from = r->at;
	wire_reader_skip(r);
	return r->error ? bytes_of(NULL, 0) : bytes_slice(r->input, from, r->at - from);
}

int wire_reader_end(const struct wire_reader *r)
{
	if (r->error)
		return r->error;
	if (r->depth)
		return ERROR_TRUNCATED;
	return r->at < r->input.len ? ERROR_TRAILING : 0;
}
