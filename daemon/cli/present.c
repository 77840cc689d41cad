/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/present.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/hash.h"

#define PAGE "1000"
/* No secret is in it: only the daemon's own answers are keys. */
static const uint8_t map_seed[MAP_SEED_SIZE] = {0};

static bool add(struct present *present, const uint8_t id[CONTENT_ID_SIZE])
{
	if (map_get(&present->ids, id))
		return false;
	return map_put(&present->ids, id, present) == 0;
}

static void page_add(struct present *present, const json_t *page)
{
	size_t i;
	json_t *record;
	json_array_foreach(json_object_get(page, "records"), i, record)
	{
		uint8_t id[CONTENT_ID_SIZE];
		const char *hex = cli_text(record, "content_id");
		if (strcmp(cli_text(record, "state"), "valid") == 0 &&
			text_hex_decode(id, sizeof(id), bytes_from_text(hex)) == 0)
			add(present, id);
	}
}

/** The city's short name in this network: the invitation chose it. Empty: it is no member. */
static int own_slug(struct client *client, const char *network, char *to, size_t size)
{
	struct url url;
	json_t *answer = NULL;
	url_path(&url, "/v1/networks/%s", network);
	int code = client_get(client, &url, &answer);
	if (!code)
		snprintf(to, size, "%s", cli_text(answer, "my_slug"));
	json_decref(answer);
	return code;
}

int present_load(struct present *present, struct client *client, const char *network)
{
	char slug[64] = "", before[256] = "";
	map_init(&present->ids, CONTENT_ID_SIZE, map_seed);
	int code = own_slug(client, network, slug, sizeof(slug));
	bool more = slug[0] != '\0';
	while (!code && more) {
		struct url url;
		json_t *page = NULL;
		url_path(&url, "/v1/records");
		url_query(&url, "network", network);
		url_query(&url, "city", slug);
		url_query(&url, "limit", PAGE);
		url_query(&url, "before", before[0] ? before : NULL);
		code = client_get(client, &url, &page);
		if (!code)
			page_add(present, page);
		snprintf(before, sizeof(before), "%s", code ? "" : cli_text(page, "next"));
		more = before[0] != '\0';
		json_decref(page);
	}
	return code;
}

void present_deinit(struct present *present)
{
	map_deinit(&present->ids);
}

bool present_mark(struct present *present, json_t *record)
{
	struct hash hash;
	char hex[2 * CONTENT_ID_SIZE + 1];
	char *text = json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS);
	if (!text)
		return false;
	int code = hash_of("hansa import 1", bytes_from_text(text), &hash);
	free(text);
	if (code)
		return false;
	text_hex_encode(hex, bytes_of(hash.bytes, CONTENT_ID_SIZE));
	json_object_set_new(record, "content_id", json_string(hex));
	return !add(present, hash.bytes);
}
