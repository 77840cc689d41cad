/* SPDX-License-Identifier: Apache-2.0 */
/**
 * api_draft_parse's quick road, for what is published in bulk: a document without attachments and
 * references, straight from its text to header and body. What it does not take, for whatever
 * reason, api_draft_parse reads again, and says what is wrong with it.
 */
#pragma once

#include "daemon/api_draft.h"
#include "record/json_scan.h"

/** Kept for many records of one thread; zeroed, it is ready. */
struct api_quick {
	struct json_scan scan;
	struct header header;
	uint8_t random[1024]; /* for content ids: a call for each would cost more than it brings */
	size_t random_left;
};

void api_quick_deinit(struct api_quick *quick);
/** NULL without memory. */
struct api_quick *api_quick_new(void);
/** Takes NULL. */
void api_quick_free(struct api_quick *quick);

/** True: the draft is complete. False: it is as after api_draft_init. */
bool api_quick_parse(struct api_quick *quick, struct api_draft *draft, struct bytes text);
