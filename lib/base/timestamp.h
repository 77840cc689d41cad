/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Points in time, wrapped so that units cannot be mixed up. No clock is read here: time is an
 * argument.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/** Wall clock: milliseconds since 1970-01-01T00:00:00Z, no leap seconds. */
struct timestamp {
	int64_t ms;
};

/** A monotonic clock of unknown start, in microseconds; for time-outs and rates only. */
struct monotime {
	int64_t us;
};

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: what RFC 3339 can write. */
#define TIMESTAMP_MS_MIN INT64_C(-62135596800000)
#define TIMESTAMP_MS_MAX INT64_C(253402300799999)

/** Bytes that timestamp_format needs, NUL included. */
#define TIMESTAMP_TEXT_MAX 32

#define MONOTIME_NEVER ((struct monotime){.us = INT64_MAX})

static inline struct timestamp timestamp_from_ms(int64_t ms)
{
	return (struct timestamp){.ms = ms};
}

static inline bool timestamp_before(struct timestamp a, struct timestamp b)
{
	return a.ms < b.ms;
}

/** Saturating. */
struct timestamp timestamp_from_s(int64_t s);
/** Saturating: never overflows, whatever a stranger wrote. */
struct timestamp timestamp_add_ms(struct timestamp t, int64_t ms);
/** later - earlier in milliseconds, saturating. */
int64_t timestamp_diff_ms(struct timestamp later, struct timestamp earlier);

static inline struct monotime monotime_from_us(int64_t us)
{
	return (struct monotime){.us = us};
}

static inline bool monotime_before(struct monotime a, struct monotime b)
{
	return a.us < b.us;
}

static inline bool monotime_reached(struct monotime now, struct monotime due)
{
	return now.us >= due.us;
}

static inline struct monotime monotime_earlier(struct monotime a, struct monotime b)
{
	return a.us < b.us ? a : b;
}
/** Saturating. */
struct monotime monotime_add_us(struct monotime t, int64_t us);
struct monotime monotime_add_ms(struct monotime t, int64_t ms);
int64_t monotime_diff_us(struct monotime later, struct monotime earlier);

/**
 * RFC 3339 date-time, strict: "2024-02-29T12:00:00Z", "…12:00:00.25+02:00". 'T' and 'Z' in either
 * case; 1 to 9 digits of a second (beyond milliseconds cut off); offset up to 23:59; -00:00 is
 * taken as +00:00; second 60 only where it is 23:59:60 UTC, read as :59.999. Years 0001 to 9999.
 * ERROR_SYNTAX, or ERROR_RANGE for a date or hour that does not exist.
 */
int timestamp_parse_rfc3339(struct bytes text, struct timestamp *out);

/**
 * The offset from UTC as written, in minutes, may be wanted beside it; `offset_min` may be NULL.
 */
int timestamp_parse_rfc3339_offset(struct bytes text, struct timestamp *out, int *offset_min);

/**
 * "2024-02-29T12:00:00Z", with ".250" only if the milliseconds are not zero; returns `to`.
 * Clamped to the limits above.
 */
const char *timestamp_format(struct timestamp t, char to[static TIMESTAMP_TEXT_MAX]);

/** Civil date (proleptic Gregorian) to days since 1970-01-01 and back. Month 1..12, day 1..31. */
int64_t timestamp_days_from_civil(int year, int month, int day);
void timestamp_civil_from_days(int64_t days, int *year, int *month, int *day);
/** Days of a month, 0 if there is no such month. */
int timestamp_days_in_month(int year, int month);
