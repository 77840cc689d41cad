/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *error_name(int code)
{
	switch (code) {
	case 0:
		return "OK";
#define ERROR_CASE(name, number, text) \
	case number: \
		return #name;
		ERROR_TABLE(ERROR_CASE)
#undef ERROR_CASE
	default:
		return "ERROR_UNKNOWN";
	}
}

const char *error_text(int code)
{
	switch (code) {
	case 0:
		return "Done.";
#define ERROR_CASE(name, number, text) \
	case number: \
		return text;
		ERROR_TABLE(ERROR_CASE)
#undef ERROR_CASE
	default:
		return "An unknown error occurred.";
	}
}

int error_from_errno(int system_errno)
{
	switch (system_errno) {
	case ENOSPC:
	case EDQUOT:
		return ERROR_FULL;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERROR_PERMISSION;
	case ENOENT:
		return ERROR_NOT_FOUND;
	case EEXIST:
		return ERROR_EXISTS;
	case ENOMEM:
		return ERROR_MEMORY;
	case EBUSY:
		return ERROR_BUSY;
	default:
		return ERROR_IO;
	}
}

/*
 * Copies what fits of whole printable characters; the rest of a bad byte or character becomes
 * '?'.
 */
static void copy_printable(char *to, size_t size, struct bytes from)
{
	size_t len = 0;

	while (from.len && len + 1 < size) {
		uint32_t character;
		size_t n = text_utf8_next(from, &character);
		if (n && text_printable(character)) {
			if (len + n + 1 > size)
				break;
			memcpy(to + len, from.data, n);
			len += n;
		} else {
			to[len++] = '?';
		}
		from = bytes_slice(from, n ? n : 1, from.len);
	}
	to[len] = '\0';
}

int complain(struct complaint *c, int code, const char *field, const char *format, ...)
{
	/* Longer than the reason, so that an escape cut by vsnprintf is cut off again below. */
	char text[2 * sizeof(c->reason)];
	va_list args;

	if (!c)
		return code;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		text[0] = '\0';
	copy_printable(c->field, sizeof(c->field), bytes_from_text(field));
	copy_printable(c->reason, sizeof(c->reason), bytes_from_text(text));
	return code;
}
