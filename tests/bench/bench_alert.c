/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long an alert takes: published at one city's API, seen as an event at another city's API,
 * which tells of it once it is durable there. One clock: both APIs are on this machine. Between two
 * alerts there is a pause, in which two one-record commits of bare LMDB are timed, the yardstick,
 * if a folder is named. Prints `name value` lines.
 *
 *   bench_alert SOCKET_A SOCKET_B NETWORK COUNT PAUSE_MS [FOLDER]
 *
 * It ends earlier when standard input does, and answers the line "ready\n" before the first alert.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/bench/bare_lmdb.h"
#include "tests/bench/http.h"
#include "tests/bench/measure.h"
#include "tests/bench/record_text.h"

#define LOST_S 20.0

struct probe {
	struct http *publish, *events;
	char path[256];
	/* Of the event stream: the line that is coming. */
	char line[8192];
	size_t len;
	char seen_hash[65];
};

/** Whether the hash of an alert's event stands in the line; keeps it. */
static bool line_event(struct probe *p)
{
	if (strncmp(p->line, "data:", 5) != 0 || !strstr(p->line, "\"lane\":\"alert\""))
		return false;
	const char *hash = strstr(p->line, "\"hash\":\"");
	if (!hash || strlen(hash) < 8 + 64)
		return false;
	memcpy(p->seen_hash, hash + 8, 64);
	return true;
}

/** Reads once from the event stream; true if an alert was told. */
static bool events_read(struct probe *p)
{
	const char *data = NULL;
	size_t n = http_receive(p->events, &data);
	bool found = false;
	if (p->events->ended)
		measure_die("the event stream ended");
	for (; n > 0; n = http_take(p->events, &data)) {
		for (size_t i = 0; i < n; i++) {
			if (data[i] != '\n') {
				if (p->len < sizeof(p->line) - 1)
					p->line[p->len++] = data[i];
				continue;
			}
			p->line[p->len] = '\0';
			p->len = 0;
			found |= line_event(p);
		}
	}
	return found;
}

/** Publishes one; milliseconds until the answer and until the event at the other city. */
static void alert_send(struct probe *p, uint64_t number, double *answered, double *told)
{
	char request[RECORD_TEXT_LINE_MAX], answer[2048] = "", *hash;
	size_t len = record_text_alert(request, number), got = 0;
	bool have_answer = false, have_event = false;
	struct pollfd waits[2] = {
		{.fd = p->publish->fd, .events = POLLIN}, {.fd = p->events->fd, .events = POLLIN}};
	double start = measure_seconds();
	http_post(p->publish, p->path, "application/json", request, len);
	while (!have_answer || !have_event) {
		int ready = poll(waits, 2, (int)(LOST_S * 1000));
		if (ready == 0)
			measure_die("alert %llu: %s within %.0f s", (unsigned long long)number,
				have_answer ? "not seen at the other city" : "not answered", LOST_S);
		double now = (measure_seconds() - start) * 1000;
		if (waits[1].revents && events_read(p)) {
			*told = now;
			have_event = true;
		}
		if (!waits[0].revents)
			continue;
		const char *data = NULL;
		size_t n = http_receive(p->publish, &data);
		n = n > sizeof(answer) - 1 - got ? sizeof(answer) - 1 - got : n;
		if (n > 0)
			memcpy(answer + got, data, n);
		got += n;
		if (p->publish->ended) {
			*answered = now;
			have_answer = true;
			waits[0].fd = -1;
		}
	}
	hash = strstr(answer, "\"hash\"");
	if (p->publish->status != 201 || !hash || !strstr(hash, p->seen_hash))
		measure_die("alert %llu: the event is not that of %s", (unsigned long long)number, answer);
}

static bool input_ended(void)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};
	char byte[64];
	return poll(&input, 1, 0) > 0 && read(0, byte, sizeof(byte)) <= 0;
}

static void percentiles(const char *name, double *values, size_t count)
{
	printf("%s_p50_ms %.3f\n", name, measure_percentile(values, count, 0.5));
	printf("%s_p99_ms %.3f\n", name, measure_percentile(values, count, 0.99));
	printf("%s_max_ms %.3f\n", name, measure_percentile(values, count, 1));
}

static void events_open(struct probe *p)
{
	const char *data = NULL;
	http_request(p->events, "GET", "/v1/events", NULL, UINT64_MAX);
	while (!p->events->in_body) {
		if (http_receive(p->events, &data) > 0)
			break;
	}
	if (p->events->status != 200)
		measure_die("no event stream: status %d", p->events->status);
}

int main(int argc, char **argv)
{
	if (argc != 6 && argc != 7) {
		fputs("usage: bench_alert SOCKET_A SOCKET_B NETWORK COUNT PAUSE_MS [FOLDER]\n", stderr);
		return 2;
	}
	size_t count = measure_number(argv[4]), done = 0;
	double pause = (double)measure_number(argv[5]);
	struct bare_lmdb *one = argc == 7 ? bare_lmdb_new(argv[6]) : NULL;
	struct bare_lmdb *other = argc == 7 ? bare_lmdb_new(argv[6]) : NULL;
	double *answered = calloc(count, sizeof(double)), *told = calloc(count, sizeof(double));
	double *bare = calloc(count, sizeof(double));
	struct probe p = {.publish = http_new(argv[1]), .events = http_new(argv[2])};
	require(answered && told && bare);
	snprintf(p.path, sizeof(p.path), "/v1/networks/%s/records", argv[3]);
	events_open(&p);
	puts("ready");
	fflush(stdout);
	uint64_t number = (uint64_t)(measure_seconds() * 1000);
	for (; done < count && !input_ended(); done++) {
		alert_send(&p, number + done, &answered[done], &told[done]);
		measure_sleep_ms(pause);
		if (!one)
			continue;
		double start = measure_seconds();
		bare_lmdb_commit(one, 1);
		bare_lmdb_commit(other, 1);
		bare[done] = (measure_seconds() - start) * 1000;
		measure_sleep_ms(pause);
	}
	printf("alerts %zu\n", done);
	percentiles("answered", answered, done);
	percentiles("told", told, done);
	if (one)
		percentiles("two_commits", bare, done);
	bare_lmdb_free(one);
	bare_lmdb_free(other);
	http_free(p.publish);
	http_free(p.events);
	free(answered);
	free(told);
	free(bare);
	return 0;
}
