/* SPDX-License-Identifier: Apache-2.0 */
/** What an event stream says of one arrival: from the store's row or from the node's event.
 * Loop. */
#pragma once

#include <jansson.h>

#include "base/buffer.h"
#include "proto/node.h"
#include "store/store.h"

struct app;

/** One arrival, whichever way it was learned. */
struct api_event {
	enum store_arrival_kind kind;
	uint64_t arrival;
	struct hash network_id, city_id;
	uint8_t lane, object_type;
	uint64_t first, last;
	struct hash hash;
	struct timestamp time;
	json_t *records; /* borrowed; NULL: not asked for */
};

void api_event_of_row(struct api_event *out, const struct store_arrival_row *row);
/** False for events that have no arrival. */
bool api_event_of_node(struct api_event *out, const struct node_event *event);

/**
 * Appends the event with its id; nothing if it may not be shown, or speaks of a network that is not
 * known.
 */
void api_event_write(struct buffer *b, const struct app *app,
	const uint8_t store_epoch[static STORE_EPOCH_SIZE], const struct api_event *event);
/** Events without an arrival: links, publishing. Appends nothing for others. */
void api_event_write_passing(struct buffer *b, const struct app *app,
	const struct node_event *event);
