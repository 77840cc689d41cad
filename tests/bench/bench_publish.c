/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishes documents of 1 KiB through a daemon's API and waits until each is answered, that is,
 * durable. Prints `name value` lines: records, seconds, records_per_s. Exit code 1 if any was
 * refused.
 *
 *   bench_publish bulk SOCKET NETWORK COUNT LINES    NDJSON, so many lines a request
 *   bench_publish single SOCKET NETWORK COUNT LINKS  one a request, on so many connections at once
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/bench/http.h"
#include "tests/bench/measure.h"
#include "tests/bench/record_text.h"

#define BLOCK_BYTES (256u * 1024)
#define LINKS_MAX 1024

static char path[256];

static uint64_t first_number(void)
{
	return (uint64_t)(measure_seconds() * 1000) % 100000000; /* others than those of a run before */
}

/* ---- bulk ---- */

static void lines_send(struct http *http, uint64_t number, uint64_t lines)
{
	static char block[BLOCK_BYTES];
	size_t len = 0;
	for (uint64_t i = 0; i < lines; i++) {
		if (len + RECORD_TEXT_LINE_MAX > sizeof(block)) {
			http_send(http, block, len);
			len = 0;
		}
		len += record_text_document(block + len, number + i);
	}
	http_send(http, block, len);
}

/** Lines of the answer; an error among them ends the program. */
static uint64_t lines_answered(struct http *http)
{
	uint64_t lines = 0;
	char kept[8] = ""; /* the beginning of a line may end one piece and begin the next */
	static char seen[HTTP_BUFFER_BYTES + sizeof(kept)];
	size_t carried = 0;
	while (!http->ended) {
		const char *data = NULL;
		size_t len = http_receive(http, &data);
		if (len == 0)
			continue;
		memcpy(seen, kept, carried);
		memcpy(seen + carried, data, len);
		size_t all = carried + len;
		const char *refused = memmem(seen, all, "\"error\"", 7);
		if (refused)
			measure_die("refused: %.*s",
				(int)(seen + all - refused > 200 ? 200 : seen + all - refused), refused);
		for (const char *at = data; (at = memchr(at, '\n', len - (size_t)(at - data))); at++)
			lines++;
		carried = all < 7 ? all : 7;
		memcpy(kept, seen + all - carried, carried);
	}
	return lines;
}

static void bulk(const char *socket, uint64_t count, uint64_t lines)
{
	struct http *http = http_new(socket);
	char line[RECORD_TEXT_LINE_MAX];
	uint64_t number = first_number();
	size_t line_bytes = record_text_document(line, number);
	double start = measure_seconds();
	for (uint64_t done = 0; done < count;) {
		uint64_t now = count - done < lines ? count - done : lines;
		http_request(http, "POST", path, "application/x-ndjson", now * line_bytes);
		lines_send(http, number + done, now);
		uint64_t answered = lines_answered(http);
		if (http->status != 200 || answered != now)
			measure_die("status %d, %llu answers for %llu lines", http->status,
				(unsigned long long)answered, (unsigned long long)now);
		done += now;
	}
	double took = measure_seconds() - start;
	printf("records %llu\nseconds %.3f\nrecords_per_s %.0f\n", (unsigned long long)count, took,
		(double)count / took);
	http_free(http);
}

/* ---- one by one ---- */

struct link {
	struct http *http;
	double sent;
	char answer[2048];
	size_t len;
};

static void link_send(struct link *link, uint64_t number)
{
	char request[RECORD_TEXT_LINE_MAX];
	size_t len = record_text_document(request, number);
	link->sent = measure_seconds();
	link->len = 0;
	http_post(link->http, path, "application/json", request, len);
}

/** True once its answer is whole. */
static bool link_read(struct link *link)
{
	const char *data = NULL;
	size_t n = http_receive(link->http, &data);
	if (n > sizeof(link->answer) - 1 - link->len)
		n = sizeof(link->answer) - 1 - link->len;
	if (n > 0)
		memcpy(link->answer + link->len, data, n);
	link->len += n;
	link->answer[link->len] = '\0';
	if (link->http->ended && link->http->status != 201)
		measure_die("refused: %s", link->answer);
	return link->http->ended;
}

static void single(const char *socket, uint64_t count, size_t links)
{
	static struct link all[LINKS_MAX];
	struct pollfd waits[LINKS_MAX];
	double *took = calloc(count, sizeof(*took));
	uint64_t sent = 0, done = 0, number = first_number();
	require(took && links > 0 && links <= LINKS_MAX);
	for (size_t i = 0; i < links; i++) {
		all[i].http = http_new(socket);
		waits[i] = (struct pollfd){.fd = all[i].http->fd, .events = POLLIN};
	}
	double start = measure_seconds();
	for (size_t i = 0; i < links && sent < count; i++)
		link_send(&all[i], number + sent++);
	while (done < count) {
		if (poll(waits, links, -1) < 0)
			measure_die("poll");
		for (size_t i = 0; i < links; i++) {
			if (!waits[i].revents || !link_read(&all[i]))
				continue;
			took[done++] = (measure_seconds() - all[i].sent) * 1000;
			if (sent < count)
				link_send(&all[i], number + sent++);
		}
	}
	double seconds = measure_seconds() - start;
	printf("records %llu\nseconds %.3f\nrecords_per_s %.0f\n", (unsigned long long)count, seconds,
		(double)count / seconds);
	printf("p50_ms %.3f\n", measure_percentile(took, count, 0.5));
	printf("p99_ms %.3f\n", measure_percentile(took, count, 0.99));
	for (size_t i = 0; i < links; i++)
		http_free(all[i].http);
	free(took);
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fputs("usage: bench_publish bulk|single SOCKET NETWORK COUNT LINES|LINKS\n", stderr);
		return 2;
	}
	snprintf(path, sizeof(path), "/v1/networks/%s/records", argv[3]);
	if (strcmp(argv[1], "bulk") == 0)
		bulk(argv[2], measure_number(argv[4]), measure_number(argv[5]));
	else
		single(argv[2], measure_number(argv[4]), measure_number(argv[5]));
	return 0;
}
