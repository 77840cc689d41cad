/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Lists records of many feeds, newest first, a page at a time: a merge of the feeds by the time
 * that their cities gave. Within a feed these times rise (if a city's clock went back, that entry
 * may stand beside its place). Nothing is kept between pages: `before` says where the next one
 * begins, and each feed's place is found by bisection.
 */
#pragma once

#include <jansson.h>

#include "daemon/api_names.h"
#include "store/store.h"

#define API_LIST_PAGE_MAX 1000u
/** Entries looked at for one page; a page may then be short, and its `next` goes on. */
#define API_LIST_EXAMINED_MAX 100000u
#define API_LIST_CURSOR_MAX 64

struct api_list_filter {
	unsigned kind;         /* 0: any */
	char topic[65];        /* "": any */
	uint64_t since_ms;     /* 0: none */
	uint64_t until_ms;     /* UINT64_MAX: none; not included */
	/** 0: any; else only what has not expired then, and was not updated or cancelled. */
	uint64_t open_at_ms;
	unsigned limit;
};

/** Where a page ended: the place before which the next begins. */
struct api_list_place {
	uint64_t time_ms;
	uint8_t feed[8]; /* of the feed id */
	uint64_t seq;
};

struct alert_index;
struct api_list_feed;

struct api_list {
	struct store *store;
	struct alert_index *alerts;
	struct api_list_filter filter;
	bool has_before;
	struct api_list_place before;
	struct api_list_feed *feeds;
	size_t count, capacity;
	/* results */
	int code;
	json_t *records;
	bool more;
	struct api_list_place next;
	unsigned examined;
};

/** Adds a feed to be listed. ERROR_MEMORY. */
int api_list_add(struct api_list *list, const struct api_feed *feed);
/** Thread. The code is also in list->code. */
int api_list_run(struct api_list *list);
void api_list_deinit(struct api_list *list);

const char *api_list_place_format(char to[static API_LIST_CURSOR_MAX],
	const struct api_list_place *place);
/** ERROR_SYNTAX. */
int api_list_place_parse(const char *text, struct api_list_place *out);
