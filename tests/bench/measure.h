/* SPDX-License-Identifier: Apache-2.0 */
/** What the programs of this folder share: clocks, percentiles, throw-away folders. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MEASURE_PATH_MAX 256

/** Seconds of CLOCK_MONOTONIC. */
double measure_seconds(void);
/** Seconds of user and system time that this process has used. */
double measure_cpu_seconds(void);
void measure_sleep_ms(double ms);

/** Sorts the values; the one that at least `part` (0 to 1) of them do not exceed. 0 if none. */
double measure_percentile(double *values, size_t count, double part);
static inline double measure_median(double *values, size_t count)
{
	return measure_percentile(values, count, 0.5);
}

/** Makes a new folder in `root` and writes its path to `to`; ends the program if it cannot. */
void measure_folder_make(const char *root, char to[static MEASURE_PATH_MAX]);
/** Removes it with all that is in it. */
void measure_folder_remove(const char *folder);

/** Fills with bytes that neither compress nor repeat; the same for the same seed. */
void measure_fill(void *to, size_t len, uint64_t seed);

/** Says why on standard error and ends the program with exit code 1. */
_Noreturn void measure_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A number given on the command line; ends the program with exit code 2 if it is none. */
uint64_t measure_number(const char *text);
