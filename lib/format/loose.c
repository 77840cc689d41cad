/* SPDX-License-Identifier: Apache-2.0 */
#include "format/loose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "record/value.h"

#define MONTH_LANGUAGES 6

static const char *const months[12][MONTH_LANGUAGES] = {
	{"january", "janvier", "januar", "enero", "gennaio", "januari"},
	{"february", "février", "februar", "febrero", "febbraio", "februari"},
	{"march", "mars", "märz", "marzo", "marzo", "mars"},
	{"april", "avril", "april", "abril", "aprile", "april"},
	{"may", "mai", "mai", "mayo", "maggio", "maj"},
	{"june", "juin", "juni", "junio", "giugno", "juni"},
	{"july", "juillet", "juli", "julio", "luglio", "juli"},
	{"august", "août", "august", "agosto", "agosto", "augusti"},
	{"september", "septembre", "september", "septiembre", "settembre", "september"},
	{"october", "octobre", "oktober", "octubre", "ottobre", "oktober"},
	{"november", "novembre", "november", "noviembre", "novembre", "november"},
	{"december", "décembre", "dezember", "diciembre", "dicembre", "december"},
};

struct parts {
	int year, month, day, hour, minute, second;
	bool has_time;
};

static bool is_digit(struct bytes text, size_t at)
{
	return at < text.len && text.data[at] >= '0' && text.data[at] <= '9';
}

/* Up to `digits` digits at *at; -1 if there is none. */
static int read_digits(struct bytes text, size_t *at, int digits)
{
	int value = 0, count = 0;
	while (count < digits && is_digit(text, *at)) {
		value = value * 10 + text.data[(*at)++] - '0';
		count++;
	}
	return count ? value : -1;
}

/* The longest name that fits, so that "mars" is not read as "mar". 0: none. */
static int read_month(struct bytes text, size_t *at)
{
	int month = 0;
	size_t longest = 0;
	for (int m = 0; m < 12; m++) {
		for (int l = 0; l < MONTH_LANGUAGES; l++) {
			size_t len = strlen(months[m][l]);
			if (len > longest && len <= text.len - *at &&
				!strncasecmp((const char *)text.data + *at, months[m][l], len)) {
				longest = len;
				month = m + 1;
			}
		}
	}
	*at += longest;
	return month;
}

static int read_part(struct bytes text, size_t *at, char part, struct parts *p)
{
	int *to = NULL;
	int digits = 2;
	switch (part) {
	case 'Y':
		digits = 4;
		to = &p->year;
		break;
	case 'y':
		p->year = read_digits(text, at, 2);
		if (p->year < 0)
			return ERROR_SYNTAX;
		p->year += p->year < 70 ? 2000 : 1900;
		return 0;
	case 'B':
		p->month = read_month(text, at);
		return p->month ? 0 : ERROR_SYNTAX;
	case 'm':
		to = &p->month;
		break;
	case 'd':
		to = &p->day;
		break;
	case 'H':
		to = &p->hour;
		p->has_time = true;
		break;
	case 'M':
		to = &p->minute;
		break;
	case 'S':
		to = &p->second;
		break;
	default:
		return ERROR_SYNTAX;
	}
	*to = read_digits(text, at, digits);
	return *to < 0 ? ERROR_SYNTAX : 0;
}

int loose_date(struct bytes text, const char *format, char to[static LOOSE_DATE_SIZE])
{
	struct parts p = {0};
	size_t at = 0;
	for (; *format; format++) {
		if (*format == '%' && format[1]) {
			if (read_part(text, &at, *++format, &p))
				return ERROR_SYNTAX;
		} else if (*format == ' ') {
			while (at < text.len && text.data[at] == ' ')
				at++;
		} else if (at >= text.len || text.data[at++] != (uint8_t)*format) {
			return ERROR_SYNTAX;
		}
	}
	while (at < text.len && text.data[at] == ' ')
		at++;
	if (at < text.len)
		return ERROR_SYNTAX;
	int len = snprintf(to, LOOSE_DATE_SIZE, "%04d-%02d-%02d", p.year, p.month, p.day);
	if (p.has_time)
		snprintf(to + len, LOOSE_DATE_SIZE - (size_t)len, "T%02d:%02d:%02d", p.hour, p.minute,
			p.second);
	return 0;
}

int loose_date_iso(struct bytes text, char to[static LOOSE_DATE_SIZE])
{
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == ' ')
			continue;
		if (len == LOOSE_DATE_SIZE - 1)
			return ERROR_SYNTAX;
		to[len++] = (char)text.data[i];
	}
	to[len] = 0;
	enum value_time_form form;
	struct timestamp t;
	return value_time_parse(bytes_of(to, len), &form, &t) == ERROR_SYNTAX ? ERROR_SYNTAX : 0;
}

/* The length of a separator of thousands at `at` that is followed by exactly three digits. */
static size_t group_separator(struct bytes text, size_t at, char decimal)
{
	static const char *const separators[] = {" ", "\xc2\xa0", "\xe2\x80\xaf", "'", ",", ".", NULL};
	for (const char *const *s = separators; *s; s++) {
		size_t len = strlen(*s);
		if (**s == decimal || at + len > text.len || memcmp(text.data + at, *s, len) != 0)
			continue;
		if (is_digit(text, at + len) && is_digit(text, at + len + 1) &&
			is_digit(text, at + len + 2) && !is_digit(text, at + len + 3))
			return len;
	}
	return 0;
}

static double read_amount(struct bytes text, size_t *at, char decimal)
{
	char number[40];
	size_t len = 0;
	bool fraction = false;
	while (*at < text.len && len < sizeof(number) - 1) {
		size_t skip = fraction ? 0 : group_separator(text, *at, decimal);
		if (is_digit(text, *at)) {
			number[len++] = (char)text.data[(*at)++];
		} else if (skip) {
			*at += skip;
		} else if (!fraction && text.data[*at] == (uint8_t)decimal && is_digit(text, *at + 1)) {
			number[len++] = '.';
			fraction = true;
			(*at)++;
		} else {
			break;
		}
	}
	number[len] = 0;
	return strtod(number, NULL);
}

static double multiplier(struct bytes text, size_t at)
{
	static const struct {
		const char *word;
		double factor;
	} words[] = {
		{"milliard", 1e9}, {"billion", 1e9}, {"million", 1e6}, {"mio", 1e6}, {"mkr", 1e6},
		{"thousand", 1e3}, {"tkr", 1e3},
	};
	while (at < text.len &&
		(text.data[at] == ' ' || text.data[at] == 0xc2 || text.data[at] == 0xa0))
		at++;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i].word);
		if (text.len - at >= len &&
			!strncasecmp((const char *)text.data + at, words[i].word, len))
			return words[i].factor;
	}
	return 1;
}

int loose_amount(struct bytes text, char decimal, enum loose_pick pick, double *out)
{
	bool found = false;
	for (size_t at = 0; at < text.len;) {
		if (!is_digit(text, at)) {
			at++;
			continue;
		}
		double value = read_amount(text, &at, decimal);
		size_t next = at;
		while (next < text.len && text.data[next] == ' ')
			next++;
		if (next < text.len && text.data[next] == '%')
			continue;
		*out = value * multiplier(text, at);
		found = true;
		if (pick == LOOSE_PICK_FIRST)
			break;
	}
	return found ? 0 : ERROR_SYNTAX;
}
