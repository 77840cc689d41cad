/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/url.h"

#include <stdarg.h>
#include <string.h>

static void push(struct url *url, const char *text, size_t len)
{
	size_t at = strlen(url->text);
	if (at + len >= sizeof(url->text)) {
		url->too_long = true;
		return;
	}
	memcpy(url->text + at, text, len);
	url->text[at + len] = '\0';
}

static void push_encoded(struct url *url, const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~@";
	static const char digits[] = "0123456789ABCDEF";
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char code[3] = {'%', digits[c >> 4], digits[c & 15]};
		if (strchr(plain, c))
			push(url, text, 1);
		else
			push(url, code, 3);
	}
}

void url_path(struct url *url, const char *format, ...)
{
	va_list values;
	memset(url, 0, sizeof(*url));
	push(url, "http://hansa", 12);
	va_start(values, format);
	while (*format) {
		size_t len = strcspn(format, "%");
		push(url, format, len);
		format += len;
		if (*format) {
			push_encoded(url, va_arg(values, const char *));
			format += 2;
		}
	}
	va_end(values);
}

void url_query(struct url *url, const char *name, const char *value)
{
	if (!value)
		return;
	push(url, url->has_query ? "&" : "?", 1);
	url->has_query = true;
	push(url, name, strlen(name));
	push(url, "=", 1);
	push_encoded(url, value);
}
