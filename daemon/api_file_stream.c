/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_file_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "daemon/http_server.h"
#include "daemon/http_stream.h"

#define PIECE_BYTES 262144u

struct file_stream {
	struct http_stream *stream; /* NULL once the client is gone */
	struct http_request *request;
	uv_work_t work;
	bool working;
	int fd;
	uint64_t at, size;
	ssize_t got;
	uint8_t piece[PIECE_BYTES];
};

static void file_stream_free(struct file_stream *f)
{
	close(f->fd);
	http_request_unref(f->request);
	free(f);
}

static void on_read(uv_work_t *work)
{
	struct file_stream *f = work->data;
	uint64_t left = f->size - f->at;
	size_t want = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
	do {
		f->got = pread(f->fd, f->piece, want, (off_t)f->at);
	} while (f->got < 0 && errno == EINTR);
}

static void on_read_done(uv_work_t *work, int status)
{
	struct file_stream *f = work->data;
	require(status == 0);
	f->working = false;
	if (!f->stream) {
		file_stream_free(f);
		return;
	}
	if (f->got <= 0) { /* the file is not what its row says: never a short answer as if whole */
		http_stream_abort(f->stream);
		return;
	}
	f->at += (uint64_t)f->got;
	http_stream_push(f->stream, bytes_of(f->piece, (size_t)f->got));
}

static void on_want(struct http_stream *stream)
{
	struct file_stream *f = stream->owner;
	if (f->at == f->size) {
		http_stream_end(stream);
		return;
	}
	f->working = true;
	require(uv_queue_work(http_server_loop(f->request->server), &f->work, on_read,
		on_read_done) == 0);
}

static void on_gone(struct http_stream *stream)
{
	struct file_stream *f = stream->owner;
	f->stream = NULL;
	if (!f->working)
		file_stream_free(f);
}

void api_file_stream(struct http_request *request, int fd, uint64_t size, const char *media_type)
{
	struct file_stream *f = calloc(1, sizeof(*f));
	if (!f) {
		close(fd);
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	f->fd = fd;
	f->size = size;
	f->work.data = f;
	f->request = http_request_ref(request);
	f->stream = http_stream_new(request, 200, media_type, size, f, on_want, on_gone);
	if (!f->stream)
		file_stream_free(f);
}
