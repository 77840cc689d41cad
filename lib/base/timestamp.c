/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timestamp.h"

#include <stdio.h>

#include "base/error.h"

#define DAY_MS INT64_C(86400000)

static int64_t add_saturating(int64_t a, int64_t b)
{
	int64_t sum;
	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return a < 0 ? INT64_MIN : INT64_MAX;
}

static int64_t subtract_saturating(int64_t a, int64_t b)
{
	int64_t difference;
	if (!__builtin_sub_overflow(a, b, &difference))
		return difference;
	return a < 0 ? INT64_MIN : INT64_MAX;
}

static int64_t multiply_saturating(int64_t a, int64_t b)
{
	int64_t product;
	if (!__builtin_mul_overflow(a, b, &product))
		return product;
	return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

struct timestamp timestamp_from_s(int64_t s)
{
	return (struct timestamp){.ms = multiply_saturating(s, 1000)};
}

struct timestamp timestamp_add_ms(struct timestamp t, int64_t ms)
{
	return (struct timestamp){.ms = add_saturating(t.ms, ms)};
}

int64_t timestamp_diff_ms(struct timestamp later, struct timestamp earlier)
{
	return subtract_saturating(later.ms, earlier.ms);
}

struct monotime monotime_add_us(struct monotime t, int64_t us)
{
	return (struct monotime){.us = add_saturating(t.us, us)};
}

struct monotime monotime_add_ms(struct monotime t, int64_t ms)
{
	return monotime_add_us(t, multiply_saturating(ms, 1000));
}

int64_t monotime_diff_us(struct monotime later, struct monotime earlier)
{
	return subtract_saturating(later.us, earlier.us);
}

/*
 * Both conversions: Howard Hinnant, http://howardhinnant.github.io/date_algorithms.html. Years
 * begin in March there, so that a leap day is a year's last day.
 */
int64_t timestamp_days_from_civil(int year, int month, int day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

void timestamp_civil_from_days(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t shifted = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * shifted + 2) / 5 + 1);
	*month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

int timestamp_days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (month < 1 || month > 12)
		return 0;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

/* A reader of fixed numbers of digits and single characters, with a sticky error. */
struct scan {
	struct bytes text;
	size_t at;
	bool bad;
};

static int scan_digits(struct scan *s, int n)
{
	int value = 0;
	for (int i = 0; i < n; i++) {
		if (s->at >= s->text.len || s->text.data[s->at] < '0' || s->text.data[s->at] > '9') {
			s->bad = true;
			return 0;
		}
		value = value * 10 + (s->text.data[s->at++] - '0');
	}
	return value;
}

/* Takes the next character if it is one of `wanted`; else it is an error. */
static char scan_one_of(struct scan *s, const char *wanted)
{
	if (s->at < s->text.len && s->text.data[s->at] && strchr(wanted, s->text.data[s->at]))
		return (char)s->text.data[s->at++];
	s->bad = true;
	return '\0';
}

static int scan_fraction_ms(struct scan *s)
{
	int ms = 0, digits = 0;

	if (s->at >= s->text.len || s->text.data[s->at] != '.')
		return 0;
	s->at++;
	while (s->at < s->text.len && s->text.data[s->at] >= '0' && s->text.data[s->at] <= '9') {
		int digit = s->text.data[s->at++] - '0';
		if (digits < 3)
			ms = ms * 10 + digit;
		digits++;
	}
	for (int i = digits; i < 3; i++)
		ms *= 10;
	if (digits < 1 || digits > 9)
		s->bad = true;
	return ms;
}

/* "Z" or "+hh:mm", in minutes; out of range is left to the caller. */
static int scan_offset(struct scan *s, bool *in_range)
{
	char sign = scan_one_of(s, "Zz+-");
	if (sign != '+' && sign != '-')
		return 0;
	int hours = scan_digits(s, 2);
	scan_one_of(s, ":");
	int minutes = scan_digits(s, 2);
	*in_range = hours <= 23 && minutes <= 59;
	return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
}

int timestamp_parse_rfc3339_offset(struct bytes text, struct timestamp *out, int *offset_min)
{
	struct scan s = {.text = text};
	bool offset_in_range = true;

	int year = scan_digits(&s, 4);
	scan_one_of(&s, "-");
	int month = scan_digits(&s, 2);
	scan_one_of(&s, "-");
	int day = scan_digits(&s, 2);
	scan_one_of(&s, "Tt");
	int hour = scan_digits(&s, 2);
	scan_one_of(&s, ":");
	int minute = scan_digits(&s, 2);
	scan_one_of(&s, ":");
	int second = scan_digits(&s, 2);
	int ms = scan_fraction_ms(&s);
	int offset = scan_offset(&s, &offset_in_range);
	if (s.bad || s.at != text.len)
		return ERROR_SYNTAX;
	if (year < 1 || day < 1 || day > timestamp_days_in_month(year, month) || hour > 23 ||
		minute > 59 || second > 60 || !offset_in_range)
		return ERROR_RANGE;

	bool leap = second == 60;
	if (leap) {
		second = 59;
		ms = 999;
	}
	int64_t local = ((hour * 60 + minute) * INT64_C(60) + second) * 1000 + ms;
	int64_t utc = timestamp_days_from_civil(year, month, day) * DAY_MS + local -
		(int64_t)offset * 60000;
	if (leap && ((utc % DAY_MS) + DAY_MS) % DAY_MS != DAY_MS - 1)
		return ERROR_RANGE;
	if (utc < TIMESTAMP_MS_MIN || utc > TIMESTAMP_MS_MAX)
		return ERROR_RANGE;
	out->ms = utc;
	if (offset_min)
		*offset_min = offset;
	return 0;
}

int timestamp_parse_rfc3339(struct bytes text, struct timestamp *out)
{
	return timestamp_parse_rfc3339_offset(text, out, NULL);
}

const char *timestamp_format(struct timestamp t, char to[static TIMESTAMP_TEXT_MAX])
{
	int64_t ms = t.ms;
	int year, month, day;

	if (ms < TIMESTAMP_MS_MIN)
		ms = TIMESTAMP_MS_MIN;
	if (ms > TIMESTAMP_MS_MAX)
		ms = TIMESTAMP_MS_MAX;
	int64_t days = ms / DAY_MS;
	if (ms % DAY_MS < 0)
		days--;
	int rest = (int)(ms - days * DAY_MS);
	timestamp_civil_from_days(days, &year, &month, &day);
	int n = snprintf(to, TIMESTAMP_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day,
		rest / 3600000, rest / 60000 % 60, rest / 1000 % 60);
	if (rest % 1000)
		n += snprintf(to + n, (size_t)(TIMESTAMP_TEXT_MAX - n), ".%03d", rest % 1000);
	snprintf(to + n, (size_t)(TIMESTAMP_TEXT_MAX - n), "Z");
	return to;
}
