/* SPDX-License-Identifier: Apache-2.0 */
/** A daemon for tests: answers what it is told, in order, on a Unix socket, in a thread. */
#pragma once

#include <pthread.h>
#include <stddef.h>

#define FAKE_EXCHANGES_MAX 16

/** One request that is expected, and its answer. */
struct fake_exchange {
	const char *request; /* "GET /v1/status" */
	int status;          /* 0: the connection is closed without an answer */
	const char *type;    /* NULL: application/json */
	const char *body;    /* NULL: none */
};

struct fake_server {
	char folder[64];
	char socket[96];
	int fd;
	pthread_t thread;
	const struct fake_exchange *exchanges;
	size_t count;
	size_t served; /* exchanges that took place; read it after fake_server_stop */
	char *bodies[FAKE_EXCHANGES_MAX]; /* of the requests, NUL-terminated */
	char unexpected[256];             /* a request that was not the next one */
};

/** Starts it in a fresh folder; HANSA_SOCKET then names it. */
void fake_server_start(
	struct fake_server *server, const struct fake_exchange *exchanges, size_t count);
/** Ends it; fails the test if not all exchanges took place, or another request came. */
void fake_server_stop(struct fake_server *server);
void fake_server_free(struct fake_server *server);
