/* SPDX-License-Identifier: Apache-2.0 */
/** The names that people use for networks, cities and records, and what they stand for. Loop
 * only. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "proto/node.h"
#include "record/kind.h"

struct app;
struct http_request;

/** A local suffix may follow a network's slug. */
#define API_NETWORK_SLUG_MAX 64
#define API_RECORD_ID_MAX 160

/** A feed and its names, copied: valid wherever it goes. */
struct api_feed {
	struct hash network_id, city_id, feed_id;
	uint8_t lane;
	char network[API_NETWORK_SLUG_MAX + 1];
	char city[TEXT_SLUG_MAX + 1];
	bool confirmed;
	/** False: alerts of a city that is not confirmed, which only that city itself sees. */
	bool visible;
	/** The city has signed two histories of it from this seq on, and no new epoch has begun; 0. */
	uint64_t forked_from;
};

/** By slug or hex id. ERROR_NOT_FOUND with a complaint. */
int api_network_find(const struct app *app, const char *name, size_t *index,
	struct complaint *c);
/** The same of the request's {network}; answers the request when it fails. */
const struct roster *api_network_of(struct http_request *request, size_t *index);

/** By names; ERROR_NOT_FOUND with a complaint. The feed may hold nothing yet. */
int api_feed_find(const struct app *app, const char *network, const char *city,
	const char *lane, struct api_feed *out, struct complaint *c);
/** By ids; false if the network or city is not known. */
bool api_feed_of(const struct app *app, const struct hash *network_id,
	const struct hash *city_id, uint8_t lane, struct api_feed *out);
/** By the feed id; false if no entry of it is held. */
bool api_feed_by_id(const struct app *app, const struct hash *feed_id, struct api_feed *out);

/** "42" or "42@3": seq from 1; epoch 0 where none is named. ERROR_FIELD. */
int api_seq_parse(const char *text, uint64_t *seq, uint32_t *epoch);
/** "pact/budapest/alert/42". Returns `to`; `epoch` 0: without. */
const char *api_record_id(char to[static API_RECORD_ID_MAX], const struct api_feed *feed,
	uint64_t seq, uint32_t epoch);
/** The feed and seq that a record id names; `field` for the complaint. ERROR_FIELD. */
int api_record_find(const struct app *app, const char *id, const char *field,
	struct api_feed *feed, uint64_t *seq, struct complaint *c);

/** A city's slug in any network in which it is; "" if it is in none. Copies into `to`. */
const char *api_city_slug(const struct app *app, const struct hash *city_id,
	char to[static TEXT_SLUG_MAX + 1]);
/** The city of that slug in any network; ERROR_NOT_FOUND. */
int api_city_find(const struct app *app, const char *slug, struct hash *city_id);
