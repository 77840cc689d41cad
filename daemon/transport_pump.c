/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "daemon/app_loop.h"
#include "daemon/tcp_rate.h"
#include "daemon/transport.h"

#define SAMPLE_US 20000
/* A link that has sent less since the last sample has nothing to learn of its path. */
#define SAMPLE_BYTES TRANSPORT_BATCH_MIN
/* An application-limited sample below this says little about the path. */
#define RATE_TRUSTED (1u << 20)

static size_t clamp(uint64_t value, size_t least, size_t most)
{
	return value < least ? least : value > most ? most : (size_t)value;
}

/* The kernel's own measurement decides how much is chosen ahead, here and in the socket. */
static void rate_sample(struct transport *t, struct monotime now)
{
	uv_os_fd_t fd;
	uint64_t rate;
	bool limited;
	if (monotime_diff_us(now, t->sampled) < SAMPLE_US)
		return;
	t->sampled = now;
	t->unsampled = 0;
	if (uv_fileno((uv_handle_t *)&t->tcp, &fd) || !tcp_rate_read(fd, &rate, &limited))
		return;
	if (limited && rate < RATE_TRUSTED && rate < t->rate)
		return;
	t->rate = rate;
	if (t->user_calls)
		t->user_calls->set_rate(t, rate);
	unsigned lowat = (unsigned)clamp(rate / 20, TRANSPORT_LOWAT_MIN, TRANSPORT_LOWAT_MAX);
	if (t->lowat && lowat >= t->lowat / 2 && lowat <= t->lowat + t->lowat / 2)
		return;
	t->lowat = lowat;
	tcp_rate_set_queue(fd, lowat);
}

/* Asks the user until `batch` bytes of ciphertext are together or it has nothing. */
static void fill(struct transport *t, size_t batch)
{
	uint8_t *record = t->app->inner->record;
	while (t->user_calls && t->out.len < batch) {
		size_t n = t->user_calls->produce(t, record, TLS_RECORD_MAX, app_now(t->app));
		if (n == 0)
			return;
		require(n <= TLS_RECORD_MAX);
		if (t->state == TRANSPORT_CLOSING)
			t->last_bytes += n;
		if (tls_session_send(t->tls, bytes_of(record, n), &t->out)) {
			transport_close(t, "TLS failed");
			return;
		}
	}
}

static void on_written(uv_write_t *write, int status)
{
	struct transport *t = write->data;
	t->writing = false;
	if (t->state == TRANSPORT_CLOSED)
		return;
	buffer_reset(&t->out);
	if (status)
		transport_abort(t, uv_strerror(status));
	else
		transport_wake(t);
}

/* What the kernel takes at once; the rest waits for it. False: it waits, or the transport is gone.
 */
static bool write_out(struct transport *t)
{
	uv_buf_t buf = uv_buf_init((char *)t->out.data, (unsigned)t->out.len);
	t->unsampled += t->out.len;
	int n = uv_try_write((uv_stream_t *)&t->tcp, &buf, 1);
	if (n < 0 && n != UV_EAGAIN) {
		transport_abort(t, uv_strerror(n));
		return false;
	}
	if (n > 0)
		buffer_consume(&t->out, (size_t)n);
	if (t->out.len == 0) {
		buffer_reset(&t->out);
		return true;
	}
	buf = uv_buf_init((char *)t->out.data, (unsigned)t->out.len);
	int error = uv_write(&t->write, (uv_stream_t *)&t->tcp, &buf, 1, on_written);
	t->writing = error == 0;
	if (error)
		transport_abort(t, uv_strerror(error));
	return false;
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
	struct transport *t = shutdown->data;
	if (status && t->state == TRANSPORT_CLOSING)
		transport_abort(t, uv_strerror(status));
}

static void shut(struct transport *t)
{
	t->shut = true;
	if (!t->reading)
		transport_read_start(t); /* to see the peer's FIN */
	int error = uv_shutdown(&t->shutdown, (uv_stream_t *)&t->tcp, on_shutdown);
	if (error)
		transport_abort(t, uv_strerror(error));
}

static void waiting_take(struct transport *t)
{
	if (t->waiting.len == 0)
		return;
	buffer_push_bytes(&t->out, buffer_bytes(&t->waiting));
	buffer_deinit(&t->waiting);
}

/* True: it was all written and there is more to ask for. */
static bool pump_once(struct transport *t)
{
	bool closing = t->state == TRANSPORT_CLOSING;
	waiting_take(t);
	if (!closing || t->last_bytes < TRANSPORT_LAST_BYTES)
		fill(t, clamp(t->rate / 20, TRANSPORT_BATCH_MIN, TRANSPORT_BATCH_MAX));
	if (closing && t->out.len == 0 && !t->ended) {
		t->ended = true;
		if (t->tls)
			tls_session_end(t->tls, &t->out);
	}
	if (t->out.error) {
		transport_abort(t, error_text(t->out.error));
		return false;
	}
	if (t->out.len > 0)
		return write_out(t);
	buffer_shrink(&t->out, 0); /* idle links hold no buffer */
	if (closing && !t->shut)
		shut(t);
	return false;
}

bool transport_pump(struct transport *t)
{
	if (t->state == TRANSPORT_CONNECTING || t->state == TRANSPORT_CLOSED || t->shut ||
		t->step.under_way)
		return false;
	if (t->state == TRANSPORT_OPEN && !t->reading && t->user_calls->wants_read(t))
		transport_read_start(t);
	size_t done = 0;
	while (!t->writing && t->state != TRANSPORT_CLOSED) {
		if (t->unsampled >= SAMPLE_BYTES)
			rate_sample(t, app_now(t->app).mono);
		size_t before = t->out.len;
		if (!pump_once(t))
			return false;
		done += before + TRANSPORT_BATCH_MIN;
		if (done >= TRANSPORT_TURN_BYTES)
			return true;
	}
	return false;
}
