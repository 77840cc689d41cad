/* SPDX-License-Identifier: Apache-2.0 */
#include "record/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "record/kind.h"
#include "record/time_zone.h"

static bool is_alpha(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool all_digits(struct bytes text, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++)
		if (i >= text.len || !is_digit(text.data[i]))
			return false;
	return true;
}

static int number_at(struct bytes text, size_t from, size_t count)
{
	int n = 0;
	for (size_t i = from; i < from + count; i++)
		n = n * 10 + (text.data[i] - '0');
	return n;
}

/* "YYYY-MM-DD" at the start of `text`. */
static int parse_day(struct bytes text, int64_t *ms)
{
	if (text.len < 10 || !all_digits(text, 0, 4) || text.data[4] != '-' ||
		!all_digits(text, 5, 2) || text.data[7] != '-' || !all_digits(text, 8, 2))
		return ERROR_SYNTAX;
	int year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2);
	if (year < VALUE_YEAR_MIN || year > VALUE_YEAR_MAX || day < 1 ||
		day > timestamp_days_in_month(year, month))
		return ERROR_RANGE;
	*ms = timestamp_days_from_civil(year, month, day) * INT64_C(86400000);
	return 0;
}

/* "HH:MM" or "HH:MM:SS" and nothing after it. */
static int parse_clock(struct bytes text, int64_t *ms)
{
	if ((text.len != 5 && text.len != 8) || !all_digits(text, 0, 2) || text.data[2] != ':' ||
		!all_digits(text, 3, 2))
		return ERROR_SYNTAX;
	int seconds = 0;
	if (text.len == 8) {
		if (text.data[5] != ':' || !all_digits(text, 6, 2))
			return ERROR_SYNTAX;
		seconds = number_at(text, 6, 2);
	}
	int hours = number_at(text, 0, 2), minutes = number_at(text, 3, 2);
	if (hours > 23 || minutes > 59 || seconds > 59)
		return ERROR_RANGE;
	*ms = ((hours * 60 + minutes) * 60 + seconds) * INT64_C(1000);
	return 0;
}

int value_time_parse(struct bytes text, enum value_time_form *form, struct timestamp *out)
{
	int64_t day = 0, clock = 0;
	int code = parse_day(text, &day);
	if (code)
		return code;
	*form = VALUE_TIME_DATE;
	if (text.len == 10) {
		*out = timestamp_from_ms(day);
		return 0;
	}
	if (text.data[10] != 'T' && text.data[10] != 't')
		return ERROR_SYNTAX;
	code = parse_clock(bytes_slice(text, 11, text.len), &clock);
	if (code == ERROR_SYNTAX) {
		*form = VALUE_TIME_INSTANT;
		return timestamp_parse_rfc3339(text, out);
	}
	*form = VALUE_TIME_LOCAL;
	*out = timestamp_from_ms(day + clock);
	return code;
}

const char *value_language(struct bytes text)
{
	static const char reason[] = "it must be a language tag such as hu, pt-BR or und";
	size_t part = 0, parts = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c == '-') {
			if (part == 0 || (parts == 0 && part < 2))
				return reason;
			parts++;
			part = 0;
		} else if (!(is_alpha(c) || (parts > 0 && is_digit(c))) || ++part > 8) {
			return reason;
		}
	}
	return part == 0 || (parts == 0 && part < 2) || text.len > 35 ? reason : NULL;
}

static const char *time_reason(int code, struct bytes text, const char *syntax)
{
	if (code != ERROR_RANGE)
		return code ? syntax : NULL;
	int year = number_at(text, 0, 4);
	if (year < VALUE_YEAR_MIN || year > VALUE_YEAR_MAX)
		return "its year must be from 1900 to 2200 of the Gregorian calendar";
	return "there is no such day or time";
}

const char *value_date(struct bytes text)
{
	enum value_time_form form;
	struct timestamp t;
	int code = value_time_parse(text, &form, &t);
	if (!code && form == VALUE_TIME_LOCAL)
		return "it has no offset from UTC, such as +01:00 or Z at its end";
	return time_reason(code, text,
		"it must be a date such as 2026-03-31 or 2026-03-31T17:00:00+02:00");
}

const char *value_instant(struct bytes text)
{
	static const char syntax[] = "it must be a time with its offset, such as "
		"2026-03-31T17:00:00+02:00";
	enum value_time_form form;
	struct timestamp t;
	int code = value_time_parse(text, &form, &t);
	if (!code && form == VALUE_TIME_DATE)
		return syntax;
	if (!code && form == VALUE_TIME_LOCAL)
		return "it has no offset from UTC, such as +01:00 or Z at its end";
	if (code == ERROR_SYNTAX && text.len > 19 && text.data[19] == '.') {
		size_t i = 20;
		while (i < text.len && is_digit(text.data[i]))
			i++;
		if (i == text.len)
			return "it has no offset from UTC, such as +01:00 or Z at its end";
	}
	return time_reason(code, text, syntax);
}

const char *value_time(struct bytes text)
{
	enum value_time_form form;
	struct timestamp t;
	return time_reason(value_time_parse(text, &form, &t), text,
		"it must be a date such as 2026-03-31, or with a time, such as 2026-03-31T17:00");
}

const char *value_time_zone(struct bytes text)
{
	if (text.len == 6 && (text.data[0] == '+' || text.data[0] == '-') && all_digits(text, 1, 2) &&
		text.data[3] == ':' && all_digits(text, 4, 2) && number_at(text, 1, 2) <= 14 &&
		number_at(text, 4, 2) <= 59)
		return NULL;
	char name[40];
	if (text.len > 0 && text.len < sizeof(name)) {
		memcpy(name, text.data, text.len);
		name[text.len] = 0;
		if (time_zone_known(name))
			return NULL;
	}
	return "it must be an IANA time zone such as Europe/Prague, or an offset such as +01:00";
}

const char *value_currency(struct bytes text)
{
	bool ok = text.len == 3;
	for (size_t i = 0; i < text.len; i++)
		ok = ok && text.data[i] >= 'A' && text.data[i] <= 'Z';
	return ok ? NULL : "it must be an ISO 4217 code of three capital letters, such as EUR";
}

static bool has_scheme(struct bytes text, const char *scheme)
{
	size_t len = strlen(scheme);
	if (text.len < len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (tolower(text.data[i]) != scheme[i])
			return false;
	return true;
}

static const char *value_url_characters(struct bytes text)
{
	if (text.len > VALUE_URL_SIZE_MAX)
		return "it is longer than 2048 bytes";
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"')
			return "a web address has no spaces, quotes or angle brackets";
	}
	return NULL;
}

const char *value_url(struct bytes text)
{
	if (has_scheme(text, "mailto:")) {
		struct bytes address = bytes_slice(text, 7, text.len);
		const uint8_t *query = address.len ? memchr(address.data, '?', address.len) : NULL;
		if (query)
			address.len = (size_t)(query - address.data);
		return value_email(address) ? "mailto: must be followed by an e-mail address" :
			value_url_characters(text);
	}
	size_t start = has_scheme(text, "https://") ? 8 : has_scheme(text, "http://") ? 7 : 0;
	if (!start)
		return "a link must begin with https://, http:// or mailto:";
	size_t end = start;
	while (end < text.len && !strchr("/?#", text.data[end]))
		end++;
	struct bytes host = bytes_slice(text, start, end - start);
	if (host.len == 0 || host.data[0] == ':' || host.data[0] == '.')
		return "a link must name a host after //";
	if (memchr(host.data, '@', host.len))
		return "a link must not carry a user name";
	return value_url_characters(text);
}

const char *value_resource_uri(struct bytes text)
{
	if (has_scheme(text, "http://") || has_scheme(text, "https://"))
		return value_url(text);
	for (size_t i = 0; i < text.len && !strchr("/?#", text.data[i]); i++)
		if (text.data[i] == ':')
			return "it must begin with https:// or http://, or be relative";
	return value_url_characters(text);
}

static bool is_media_token(uint8_t c)
{
	return is_alpha(c) || is_digit(c) || (c && strchr("!#$&-^_.+", c));
}

const char *value_media_type(struct bytes text)
{
	size_t slashes = 0, part = 0;
	bool ok = text.len > 0 && text.len <= 127;
	for (size_t i = 0; i < text.len && ok; i++) {
		if (text.data[i] == '/') {
			ok = part > 0;
			slashes++;
			part = 0;
		} else {
			ok = is_media_token(text.data[i]);
			part++;
		}
	}
	return ok && slashes == 1 && part > 0 ? NULL :
		"it must be a media type such as application/pdf";
}

const char *value_content_type(struct bytes text)
{
	const uint8_t *semicolon = text.len ? memchr(text.data, ';', text.len) : NULL;
	size_t len = semicolon ? (size_t)(semicolon - text.data) : text.len;
	while (len && text.data[len - 1] == ' ')
		len--;
	for (size_t i = len; i < text.len; i++)
		if (text.data[i] < ' ' || text.data[i] > '~')
			return "the parameters of a media type are plain ASCII";
	return value_media_type(bytes_slice(text, 0, len));
}

static bool is_lower_hex(struct bytes text, size_t len)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_digit(text.data[i]) && !(text.data[i] >= 'a' && text.data[i] <= 'f'))
			return false;
	return text.len == len;
}

const char *value_hash_hex(struct bytes text)
{
	return is_lower_hex(text, 64) ? NULL : "it must be 64 hexadecimal digits in lower case";
}

const char *value_record(struct bytes text)
{
	static const char reason[] =
		"it must be a record's id such as pact/budapest/doc/7, or a content id of 32 hex digits";
	if (is_lower_hex(text, 32))
		return NULL;
	struct bytes parts[4];
	size_t count = 0, start = 0;
	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && text.data[i] != '/')
			continue;
		if (count == 4)
			return reason;
		parts[count++] = bytes_slice(text, start, i - start);
		start = i + 1;
	}
	if (count != 4 || !text_slug_valid(parts[0]) || !text_slug_valid(parts[1]) ||
		!lane_parse(parts[2]))
		return reason;
	const uint8_t *at = parts[3].len ? memchr(parts[3].data, '@', parts[3].len) : NULL;
	size_t digits = at ? (size_t)(at - parts[3].data) : parts[3].len;
	if (digits < 1 || digits > 19 || !all_digits(parts[3], 0, digits) || parts[3].data[0] == '0')
		return reason;
	if (at && (digits + 1 == parts[3].len ||
		!all_digits(parts[3], digits + 1, parts[3].len - digits - 1)))
		return reason;
	return NULL;
}

const char *value_email(struct bytes text)
{
	size_t at = 0, count = 0, dots = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c <= ' ' || c == 0x7f || strchr("<>(),;:\\\"[]", c))
			return "it must be an e-mail address such as office@city.example";
		if (c == '@') {
			at = i;
			count++;
		}
		dots += c == '.' && count > 0;
	}
	if (count != 1 || at == 0 || dots == 0 || at + 3 >= text.len || text.len > 254)
		return "it must be an e-mail address such as office@city.example";
	return NULL;
}

const char *value_file_name(struct bytes text)
{
	if (text.len == 0 || text.data[0] == '.' || memchr(text.data, '/', text.len) ||
		memchr(text.data, '\\', text.len))
		return "it must be a plain file name, without folders or a leading dot";
	return NULL;
}
