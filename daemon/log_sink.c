/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"

#define LINE_ROOM (TIMESTAMP_TEXT_MAX + LOG_LINE_MAX + 8)

/* Kept lines are cut here, so that the ring has 400 KiB: most lines have 150. */
#define RING_LINE_MAX 400

static struct {
	pthread_mutex_t lock;
	int fd;
	bool owned; /* fd is a file that we opened */
	enum config_log_target target;
	uint64_t newest; /* the first line is 1 */
	struct {
		uint16_t len;
		char text[RING_LINE_MAX];
	} ring[LOG_SINK_RING_LINES];
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO};

/* sd-daemon(3): the journal takes the level from a prefix and adds the time. */
static const char *const journal_prefixes[LOG_LEVEL_COUNT] = {
	[LOG_LEVEL_ERROR] = "<3>",
	[LOG_LEVEL_WARN] = "<4>",
	[LOG_LEVEL_INFO] = "<6>",
	[LOG_LEVEL_DEBUG] = "<7>",
};

static void on_line(void *ctx, enum log_level level, const char *line, size_t len)
{
	(void)ctx;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	char time[TIMESTAMP_TEXT_MAX], text[LINE_ROOM];
	timestamp_format(timestamp_from_ms((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000), time);

	pthread_mutex_lock(&sink.lock);
	int size = snprintf(text, sizeof(text), "%s %.*s\n", time, (int)len, line);
	size_t at = sink.newest++ % LOG_SINK_RING_LINES;
	size_t kept = text_utf8_cut(bytes_of(text, (size_t)size - 1), RING_LINE_MAX);
	memcpy(sink.ring[at].text, text, kept);
	sink.ring[at].len = (uint16_t)kept;
	if (sink.target == CONFIG_LOG_JOURNAL)
		size = snprintf(text, sizeof(text), "%s%.*s\n", journal_prefixes[level], (int)len, line);
	/* a full disk or a closed pipe must not stop the daemon; the ring has the line */
	ssize_t written = write(sink.fd, text, (size_t)size);
	(void)written;
	pthread_mutex_unlock(&sink.lock);
}

int log_sink_open(const struct config_log *config, struct complaint *complaint)
{
	int fd = STDERR_FILENO;
	if (config->target == CONFIG_LOG_FILE) {
		fd = open(config->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
		if (fd < 0)
			return complain(complaint, error_from_errno(errno), "log.file",
				"%s cannot be opened: %s.", config->file, strerror(errno));
	}
	pthread_mutex_lock(&sink.lock);
	int former = sink.owned ? sink.fd : -1;
	sink.fd = fd;
	sink.owned = fd != STDERR_FILENO;
	sink.target = config->target;
	pthread_mutex_unlock(&sink.lock);
	if (former >= 0)
		close(former);
	log_set_level(config->level);
	log_set_sink(on_line, NULL);
	return 0;
}

void log_sink_close(void)
{
	log_set_sink(NULL, NULL);
	pthread_mutex_lock(&sink.lock);
	if (sink.owned)
		close(sink.fd);
	sink.fd = STDERR_FILENO;
	sink.owned = false;
	pthread_mutex_unlock(&sink.lock);
}

uint64_t log_sink_each(uint64_t after,
	void (*each)(void *ctx, uint64_t number, const char *line, size_t len), void *ctx)
{
	pthread_mutex_lock(&sink.lock);
	uint64_t newest = sink.newest;
	uint64_t from = newest > LOG_SINK_RING_LINES ? newest - LOG_SINK_RING_LINES : 0;
	if (after > from)
		from = after;
	for (uint64_t i = from; i < newest; i++) {
		size_t at = i % LOG_SINK_RING_LINES;
		each(ctx, i + 1, sink.ring[at].text, sink.ring[at].len);
	}
	pthread_mutex_unlock(&sink.lock);
	return newest;
}
