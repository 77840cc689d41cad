/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Checks of single values that several kinds of record share. Each returns NULL if the text is
 * fine, else the rest of a sentence: "… it must be a date such as 2026-03-31". For field tables.
 */
#pragma once

#include "base/bytes.h"
#include "base/timestamp.h"

/** Years outside are taken for mistakes of typing or of the calendar. */
#define VALUE_YEAR_MIN 1900
#define VALUE_YEAR_MAX 2200
#define VALUE_URL_SIZE_MAX 2048

enum value_time_form {
	VALUE_TIME_DATE,    /* 2026-03-31 */
	VALUE_TIME_LOCAL,   /* 2026-03-31T17:00 or …:00:00, without zone */
	VALUE_TIME_INSTANT, /* RFC 3339 with offset or Z */
};

/**
 * Reads any of the three forms. Dates and local times are given as if at UTC. ERROR_SYNTAX, or
 * ERROR_RANGE for what does not exist or lies outside the years above.
 */
int value_time_parse(struct bytes text, enum value_time_form *form, struct timestamp *out);

/** BCP 47 in shape: "en", "pt-BR", "sr-Latn", "und". */
const char *value_language(struct bytes text);
/** A date, or a point in time with its offset. */
const char *value_date(struct bytes text);
/** A point in time with its offset (RFC 3339). */
const char *value_instant(struct bytes text);
/** Any of the three forms; a zone must then stand beside it. */
const char *value_time(struct bytes text);
/** An IANA name or an offset such as +02:00. */
const char *value_time_zone(struct bytes text);
/** Three capital letters (ISO 4217). */
const char *value_currency(struct bytes text);
/** http, https or mailto; no spaces, no user name. */
const char *value_url(struct bytes text);
/** As value_url without mailto, or a relative reference. */
const char *value_resource_uri(struct bytes text);
/** "text/markdown", lower or upper case, no parameters. */
const char *value_media_type(struct bytes text);
/** The same, with parameters: "image/png; type=map". */
const char *value_content_type(struct bytes text);
/** 64 lower-case hex digits: an attachment id or a hash. */
const char *value_hash_hex(struct bytes text);
/** A record id as people see it, "pact/budapest/doc/7", or a content id, 32 hex digits. */
const char *value_record(struct bytes text);
/** An e-mail address in shape. */
const char *value_email(struct bytes text);
/** A name for a file: no '/', no leading dot. */
const char *value_file_name(struct bytes text);
