/* SPDX-License-Identifier: Apache-2.0 */
/** Frames of a join, one at a time; private to join_client.c and join_server.c. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"

struct join_frame {
	struct buffer in;
	size_t len_max; /* of a frame, the length prefix not counted; may be changed between frames */
	bool whole;     /* `in` holds the frame that was given out last */
};

void join_frame_init(struct join_frame *f, size_t len_max);
void join_frame_deinit(struct join_frame *f);

/**
 * Takes from the front of *input until a frame is whole: true, with *frame without its length
 * prefix, valid until the next call. False: all was taken and more is needed, or *error was set
 * (ERROR_FRAME: a length of 0 or above len_max; ERROR_MEMORY).
 */
bool join_frame_next(struct join_frame *f, struct bytes *input, struct bytes *frame, int *error);
