/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/measure.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

double measure_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double measure_cpu_seconds(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void measure_sleep_ms(double ms)
{
	struct timespec t = {.tv_sec = (time_t)(ms / 1000)};
	t.tv_nsec = (long)((ms - (double)t.tv_sec * 1000) * 1e6);
	nanosleep(&t, NULL);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double measure_percentile(double *values, size_t count, double part)
{
	if (count == 0)
		return 0;
	qsort(values, count, sizeof(*values), by_value);
	size_t rank = (size_t)ceil(part * (double)count);
	return values[rank > 0 ? rank - 1 : 0];
}

void measure_folder_make(const char *root, char to[static MEASURE_PATH_MAX])
{
	int len = snprintf(to, MEASURE_PATH_MAX, "%s/hansa-bench-XXXXXX", root);
	if (len < 0 || len >= MEASURE_PATH_MAX || !mkdtemp(to))
		measure_die("cannot make a folder in %s: %s", root, strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st, (void)kind, (void)walk;
	return remove(path);
}

void measure_folder_remove(const char *folder)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void measure_fill(void *to, size_t len, uint64_t seed)
{
	uint8_t *bytes = to;
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)(x >> 32);
	}
}

void measure_die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

uint64_t measure_number(const char *text)
{
	char *end;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (errno || end == text || *end) {
		fprintf(stderr, "bench: '%s' is no number\n", text);
		exit(2);
	}
	return n;
}
