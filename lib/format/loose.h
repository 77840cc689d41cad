/* SPDX-License-Identifier: Apache-2.0 */
/** Dates and amounts as people and other systems write them, for mappings. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

#define LOOSE_DATE_SIZE 40

/**
 * Reads the whole of `text` by a format of literals and %Y %y %m %d %H %M %S and %B, the name of a
 * month in English, French, German, Spanish, Italian or Swedish; a space stands for any number of
 * spaces. Two-digit years below 70 are of this century. `to` becomes "2026-03-31" or
 * "2026-03-31T17:00:00"; whether that day exists is not checked. ERROR_SYNTAX.
 */
int loose_date(struct bytes text, const char *format, char to[static LOOSE_DATE_SIZE]);

/** A date, local time or RFC 3339 time with stray blanks inside, without them. ERROR_SYNTAX. */
int loose_date_iso(struct bytes text, char to[static LOOSE_DATE_SIZE]);

enum loose_pick {
	LOOSE_PICK_FIRST,
	LOOSE_PICK_LAST,
};

/**
 * An amount inside a text: "$25,000,000", "3 530 000 euros", "6 millions d'euros", "between 1,000
 * and 5,000". Groups of thousands may be separated by blanks, apostrophes or whichever of point and
 * comma is not `decimal`. Percentages are passed over. ERROR_SYNTAX if there is no number.
 */
int loose_amount(struct bytes text, char decimal, enum loose_pick pick, double *out);
