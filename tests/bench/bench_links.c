/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many members of one network, each with its own node key, its own TLS 1.3 connection and its own
 * link to one daemon: as much of a peer as an idle one shows. HELLO is answered with the daemon's
 * own digest, so that both have the same; pings are answered, alerts taken, credited and
 * acknowledged. A lost link is dialled again by the daemon's own back-off.
 *
 *   bench_links ADDRESS COUNT
 *
 * Lines on standard input: `links N` dials or closes until N are there; `storm` closes all of them
 * at once, without a word, and dials again. It ends with standard input. Whenever all are live it
 * prints `live N SECONDS DIALS`: since the line, or since the first was lost, and how often it
 * had to dial in that time.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "daemon/backoff.h"
#include "daemon/socket_address.h"
#include "daemon/tls.h"
#include "proto/message.h"
#include "tests/bench/measure.h"
#include "tests/bench/member_key.h"

#define READ_BYTES 65536u
#define MEMBERS_MAX 20000u
#define OUT_BYTES_MAX (1u << 20)

enum member_state {
	MEMBER_APART,
	MEMBER_CONNECTING,
	MEMBER_OPEN, /* TLS, then HELLO */
	MEMBER_LIVE,
};

struct member {
	unsigned number;
	int fd;
	enum member_state state;
	bool waits_to_write;
	struct tls_context *tls;
	struct tls_session *session;
	struct buffer in, out;
	uint64_t received, urgent_limit;
	struct monotime opened;
	struct backoff backoff;
};

static struct {
	struct sockaddr_storage to;
	int epoll;
	unsigned wanted, live, dials;
	bool said; /* that all are live */
	double since;
	struct member *members;
} bench;

static struct message message;

static struct monotime now_mono(void)
{
	return monotime_from_us((int64_t)(measure_seconds() * 1e6));
}

static struct timestamp now_wall(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return timestamp_from_ms((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

static void disturbed(void)
{
	if (bench.said) {
		bench.since = measure_seconds();
		bench.dials = 0;
	}
	bench.said = false;
}

static void watch(struct member *m, int operation, bool write)
{
	struct epoll_event event = {
		.events = EPOLLIN | (write ? (uint32_t)EPOLLOUT : 0), .data.ptr = m};
	m->waits_to_write = write;
	if (epoll_ctl(bench.epoll, operation, m->fd, &event))
		measure_die("epoll: %s", strerror(errno));
}

static void part(struct member *m)
{
	if (m->state == MEMBER_APART)
		return;
	if (m->state == MEMBER_LIVE) {
		bench.live--;
		disturbed();
	}
	uint32_t random = 0;
	int64_t open_ms = m->state == MEMBER_LIVE ? monotime_diff_us(now_mono(), m->opened) / 1000 + 1
											  : 0;
	require(random_bytes(&random, sizeof(random)) == 0);
	backoff_ended(&m->backoff, open_ms, random, now_mono());
	close(m->fd);
	tls_session_free(m->session);
	buffer_deinit(&m->in);
	buffer_deinit(&m->out);
	m->session = NULL;
	m->state = MEMBER_APART;
}

static void flush(struct member *m)
{
	while (m->out.len > 0) {
		ssize_t n = send(m->fd, m->out.data, m->out.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			part(m);
			return;
		}
		buffer_consume(&m->out, (size_t)n);
	}
	if (m->waits_to_write != (m->out.len > 0))
		watch(m, EPOLL_CTL_MOD, m->out.len > 0);
}

static void dial(struct member *m)
{
	int one = 1;
	m->fd = socket(bench.to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (m->fd < 0)
		measure_die("socket: %s", strerror(errno));
	setsockopt(m->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	buffer_init(&m->in, LIMIT_FRAME_BYTES + 4 + READ_BYTES);
	buffer_init(&m->out, OUT_BYTES_MAX);
	m->received = 0;
	m->urgent_limit = LIMIT_URGENT_START_BYTES;
	m->state = MEMBER_CONNECTING;
	bench.dials++;
	socklen_t len = bench.to.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
												   : sizeof(struct sockaddr_in);
	if (connect(m->fd, (struct sockaddr *)&bench.to, len) && errno != EINPROGRESS) {
		part(m);
		return;
	}
	watch(m, EPOLL_CTL_ADD, true);
}

static void connected(struct member *m)
{
	int error = 0;
	socklen_t len = sizeof(error);
	if (getsockopt(m->fd, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
		part(m);
		return;
	}
	m->state = MEMBER_OPEN;
	require(tls_session_new(m->tls, false, TLS_PROTOCOL_LINK, &m->session) == 0);
	require(tls_session_begin(m->session, &m->out) == 0);
	flush(m);
}

static void hello_answer(struct member *m, struct buffer *to)
{
	static const uint8_t store_epoch[STORE_EPOCH_BYTES] = {1};
	uint8_t instance[INSTANCE_BYTES] = {(uint8_t)m->number, (uint8_t)(m->number >> 8), 1};
	for (uint32_t i = 0; i < message.hello.count; i++) {
		message.hello.networks[i].arrival = 0;
		memset(message.hello.networks[i].rolling, 0, 8);
		message.hello.networks[i].has_cursor = false;
	}
	message_write_hello(to, instance, message.hello.time, store_epoch, "bench",
		message.hello.networks, message.hello.count, 0);
}

static void all_live_tell(void)
{
	if (bench.live < bench.wanted || bench.said)
		return;
	bench.said = true;
	printf("live %u %.4f %u\n", bench.live, measure_seconds() - bench.since, bench.dials);
	fflush(stdout);
}

static void on_hello(struct member *m, struct buffer *to)
{
	hello_answer(m, to);
	if (m->state == MEMBER_LIVE)
		return;
	m->state = MEMBER_LIVE;
	m->opened = now_mono();
	bench.live++;
	all_live_tell();
}

/** As a node does: once a quarter of the window is used up. */
static void credit(struct member *m, struct buffer *to)
{
	uint64_t limit = m->received + LIMIT_URGENT_WINDOW_BYTES;
	if (limit < m->urgent_limit + LIMIT_URGENT_WINDOW_BYTES / 4)
		return;
	m->urgent_limit = limit;
	message_write_credit(to, 0, limit);
}

/** One frame; the answers are appended to `to`. */
static void frame_take(struct member *m, struct bytes frame, struct buffer *to)
{
	int code = message_decode(frame, &message);
	if (code)
		measure_die("member %u: a frame that cannot be read: %s", m->number, error_name(code));
	if (message.type == MESSAGE_HELLO)
		on_hello(m, to);
	else if (message.type == MESSAGE_PING)
		message_write_pong(to, message.ping.token, now_wall());
	else if (message.type == MESSAGE_RUN)
		credit(m, to);
	else if (message.type == MESSAGE_ANNOUNCE && message.announce.has_mark)
		message_write_ack(to, &message.announce.network_id, message.announce.arrival);
}

/** False: the member is apart now. */
static bool frames_take(struct member *m)
{
	struct buffer answers;
	buffer_init(&answers, OUT_BYTES_MAX);
	while (m->in.len >= 4) {
		const uint8_t *d = m->in.data;
		size_t len = (size_t)d[0] << 24 | (size_t)d[1] << 16 | (size_t)d[2] << 8 | d[3];
		if (m->in.len < 4 + len)
			break;
		frame_take(m, bytes_of(d + 4, len), &answers);
		buffer_consume(&m->in, 4 + len);
	}
	int code = answers.error;
	for (size_t at = 0; !code && at < answers.len; at += TLS_RECORD_MAX) {
		struct bytes part_of = bytes_slice(buffer_bytes(&answers), at, TLS_RECORD_MAX);
		code = tls_session_send(m->session, part_of, &m->out);
	}
	buffer_deinit(&answers);
	if (m->in.len == 0)
		buffer_shrink(&m->in, 0);
	if (code)
		part(m);
	return code == 0;
}

static void readable(struct member *m)
{
	static uint8_t cipher[READ_BYTES], plain[TLS_PLAIN_MAX(READ_BYTES)];
	ssize_t n = recv(m->fd, cipher, sizeof(cipher), 0);
	if (n < 0 && errno == EAGAIN)
		return;
	size_t len = 0;
	if (n <= 0 ||
		tls_session_receive(m->session, bytes_of(cipher, (size_t)n), plain, &len, &m->out) ||
		tls_session_ended(m->session)) {
		part(m);
		return;
	}
	m->received += len;
	if (buffer_push(&m->in, plain, len))
		measure_die("member %u: more than a frame waits", m->number);
	if (frames_take(m))
		flush(m);
}

static void links_set(unsigned wanted)
{
	disturbed();
	bench.since = measure_seconds();
	bench.dials = 0;
	bench.said = false;
	for (unsigned i = wanted; i < bench.wanted; i++)
		part(&bench.members[i]);
	bench.wanted = wanted;
	for (unsigned i = 0; i < wanted; i++)
		backoff_reset(&bench.members[i].backoff);
	if (wanted > 0)
		all_live_tell();
}

static void storm(void)
{
	unsigned wanted = bench.wanted;
	links_set(0);
	links_set(wanted);
}

/** False at its end. */
static bool command(void)
{
	static char line[64];
	static size_t len;
	for (;;) {
		ssize_t n = read(0, line + len, 1);
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		if (line[len] != '\n') {
			len += len < sizeof(line) - 2;
			continue;
		}
		line[len] = '\0';
		len = 0;
		unsigned wanted;
		if (sscanf(line, "links %u", &wanted) == 1 && wanted <= MEMBERS_MAX)
			links_set(wanted);
		else if (strcmp(line, "storm") == 0)
			storm();
		else
			measure_die("no such command: %s", line);
	}
}

/** Dials whoever is due; milliseconds until the next one is, -1 for none. */
static int dial_due(void)
{
	struct monotime now = now_mono();
	int64_t first = INT64_MAX;
	for (unsigned i = 0; i < bench.wanted; i++) {
		struct member *m = &bench.members[i];
		if (m->state == MEMBER_APART && backoff_due(&m->backoff, now))
			dial(m);
		if (m->state == MEMBER_APART) {
			int64_t us = monotime_diff_us(m->backoff.next, now);
			first = us < first ? us : first;
		}
	}
	return first == INT64_MAX ? -1 : first < 0 ? 0 : (int)(first / 1000) + 1;
}

static void members_make(unsigned count)
{
	bench.members = calloc(count, sizeof(*bench.members));
	require(bench.members);
	for (unsigned i = 0; i < count; i++) {
		struct secret_key *key = member_key(i, MEMBER_KEY_NODE);
		bench.members[i].number = i;
		require(tls_context_new(key, &bench.members[i].tls) == 0);
		secret_key_free(key);
	}
}

static void files_allow(void)
{
	struct rlimit limit;
	require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	if (argc != 3 || socket_address_parse(argv[1], &bench.to)) {
		fputs("usage: bench_links ADDRESS COUNT\n", stderr);
		return 2;
	}
	unsigned count = (unsigned)measure_number(argv[2]);
	if (count > MEMBERS_MAX)
		measure_die("at most %u", MEMBERS_MAX);
	files_allow();
	members_make(count);
	bench.epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[64], input = {.events = EPOLLIN};
	require(bench.epoll >= 0 && fcntl(0, F_SETFL, O_NONBLOCK) == 0);
	if (epoll_ctl(bench.epoll, EPOLL_CTL_ADD, 0, &input))
		measure_die("standard input has to be a pipe");
	for (;;) {
		int n = epoll_wait(bench.epoll, events, 64, dial_due());
		for (int i = 0; i < n; i++) {
			struct member *m = events[i].data.ptr;
			if (!m && !command())
				return 0;
			if (!m || m->state == MEMBER_APART)
				continue;
			if (m->state == MEMBER_CONNECTING)
				connected(m);
			else if (events[i].events & EPOLLOUT && m->out.len > 0)
				flush(m);
			if (m->state >= MEMBER_OPEN && events[i].events & ~(uint32_t)EPOLLOUT)
				readable(m);
		}
	}
}
