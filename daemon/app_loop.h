/* SPDX-License-Identifier: Apache-2.0 */
/** app.c's own handles, lists and buffers; shared with transport*.c only. */
#pragma once

#include "daemon/app.h"
#include "daemon/transport.h"

struct app_loop {
	struct app *app;
	unsigned handles;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle; /* active while there is work that must not wait */
	uv_timer_t deadline;
	struct monotime deadline_at;
	uv_signal_t signals[3];
	struct list dirty;  /* of transports */
	struct list events; /* of struct app_event */
	bool in_events;
	struct list_node *next_subscriber;
	struct timestamp wall;
	/* one of each for all transports: uv reads and writes within one callback */
	uint8_t read[TRANSPORT_READ_BYTES];
	uint8_t plain[TLS_PLAIN_MAX(TRANSPORT_READ_BYTES)];
	uint8_t record[TLS_RECORD_MAX];
};
