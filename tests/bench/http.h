/* SPDX-License-Identifier: Apache-2.0 */
/**
 * As much of an HTTP/1.1 client as the load generators need: one Unix socket, blocking, bodies by
 * Content-Length, by chunks or up to the end. Every error ends the program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BUFFER_BYTES (256u * 1024)
#define HTTP_POST_BYTES_MAX 8192

struct http {
	int fd, status;
	bool chunked, in_body;
	bool ended;        /* the whole answer was read */
	uint64_t left;     /* of the body or the chunk; UINT64_MAX: up to the end */
	bool chunk_closed; /* the line's end that follows a chunk was read, or none was open */
	size_t begin, end; /* what of `in` is not consumed */
	char in[HTTP_BUFFER_BYTES];
};

struct http *http_new(const char *socket_path);
void http_free(struct http *http);

void http_send(struct http *http, const void *data, size_t len);
/** A request's head; `length` of its body, UINT64_MAX for none. */
void http_request(
	struct http *http, const char *method, const char *path, const char *type, uint64_t length);
/** A short request, head and body in one piece, as curl and others send it. */
void http_post(struct http *http, const char *path, const char *type, const char *body, size_t len);

/**
 * One read from the socket (blocking), then whatever of the answer's body is there: *data is valid
 * until the next call. 0 bytes with !http->ended: only a part of the head or of a chunk came.
 */
size_t http_receive(struct http *http, const char **data);
/** The next piece of the answer's body among what was received already, without a read. */
size_t http_take(struct http *http, const char **data);
/** Reads the whole answer; what does not fit into `to` is dropped. Terminated. Gives the status. */
int http_answer(struct http *http, char *to, size_t size);
