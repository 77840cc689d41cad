/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admits many members into a network of a running daemon, as its only officer would: amendments of
 * up to 96 of them, signed here and submitted to the API. They are those that bench_links plays.
 *
 *   bench_members SOCKET NETWORK OFFICER_KEY COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "charter/draft.h"
#include "crypto/key_file.h"
#include "tests/bench/http.h"
#include "tests/bench/measure.h"
#include "tests/bench/member_key.h"

/* An amendment has at most 60 KiB, an admission with its record some 560 B. */
#define ADMITTED_AT_ONCE 96u

struct admission {
	struct buffer record;
	char slug[TEXT_SLUG_MAX + 1];
};

/** Asks what the next amendment has to follow: network, number and predecessor. */
static void next_place(struct http *http, const char *network, struct amendment *out)
{
	static char answer[65536];
	static uint8_t body[65536];
	static const char wish[] =
		"{\"items\":[{\"item\":\"policy\",\"key\":\"bench\",\"value\":\"x\"}]}";
	char path[256], *from, *end;
	size_t len;
	snprintf(path, sizeof(path), "/v1/networks/%s/amendments/prepare", network);
	http_post(http, path, "application/json", wish, sizeof(wish) - 1);
	int status = http_answer(http, answer, sizeof(answer));
	from = strstr(answer, "\"body\":\"");
	end = from ? strchr(from + 8, '"') : NULL;
	if (status != 200 || !end)
		measure_die("prepare: status %d %.200s", status, answer);
	from += 8;
	if (text_base64_decode(body, sizeof(body), bytes_of(from, (size_t)(end - from)), &len) ||
		amendment_decode(bytes_of(body, len), out))
		measure_die("prepare: the body cannot be read");
}

static void submit(
	struct http *http, const char *network, const struct secret_key *officer, struct bytes body)
{
	struct object_signature signature;
	char path[256], answer[1024], key[2 * PUBLIC_KEY_SIZE + 1], signed_by[2 * SIGNATURE_SIZE];
	size_t room = body.len * 2 + 1024;
	char *text = malloc(room), *encoded = malloc(room);
	require(text && encoded);
	require(draft_sign(OBJECT_AMENDMENT, body, officer, &signature) == 0);
	text_hex_encode(key, public_key_bytes(&signature.key));
	text_base64_encode(signed_by, signature_bytes(&signature.signature));
	text_base64_encode(encoded, body);
	int len = snprintf(text, room,
		"{\"body\":\"%s\",\"signatures\":[{\"key\":\"%s\",\"signature\":\"%s\"}]}", encoded, key,
		signed_by);
	require(len > 0 && (size_t)len < room);
	snprintf(path, sizeof(path), "/v1/networks/%s/amendments", network);
	http_request(http, "POST", path, "application/json", (uint64_t)len);
	http_send(http, text, (size_t)len);
	int status = http_answer(http, answer, sizeof(answer));
	if (status != 201)
		measure_die("amendment: status %d %s", status, answer);
	free(text);
	free(encoded);
}

static void admit(struct amendment_item *item, struct admission *a, unsigned number,
	const struct hash *network_id, uint64_t now_ms)
{
	static const uint8_t sealing_key[32] = {9};
	struct secret_key *city = member_key(number, MEMBER_KEY_CITY);
	struct secret_key *node = member_key(number, MEMBER_KEY_NODE);
	buffer_init(&a->record, OBJECT_BYTES_MAX);
	require(draft_first_record(city, node, sealing_key, network_id, now_ms, &a->record) == 0);
	snprintf(a->slug, sizeof(a->slug), "member-%u", number);
	*item = (struct amendment_item){.kind = AMENDMENT_ADMIT};
	item->admit.slug = item->admit.name = bytes_from_text(a->slug);
	item->admit.country = bytes_from_text("XX");
	item->admit.record = buffer_bytes(&a->record);
	item->admit.confirmed = true;
	secret_key_free(city);
	secret_key_free(node);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: bench_members SOCKET NETWORK OFFICER_KEY COUNT\n", stderr);
		return 2;
	}
	static struct amendment_item items[ADMITTED_AT_ONCE];
	static struct admission admissions[ADMITTED_AT_ONCE];
	struct http *http = http_new(argv[1]);
	struct secret_key *officer;
	struct amendment place;
	struct complaint complaint = {0};
	unsigned count = (unsigned)measure_number(argv[4]);
	if (key_file_read(argv[3], &officer, &complaint))
		measure_die("%s: %s", argv[3], complaint.reason);
	next_place(http, argv[2], &place);
	for (unsigned done = 0; done < count;) {
		struct buffer body;
		unsigned n = 0;
		for (; n < ADMITTED_AT_ONCE && done + n < count; n++)
			admit(&items[n], &admissions[n], done + n, &place.network_id, place.time);
		buffer_init(&body, OBJECT_BYTES_MAX);
		if (amendment_encode(&body, &place, items, n) || body.error)
			measure_die("the amendment cannot be made");
		submit(http, argv[2], officer, buffer_bytes(&body));
		require(amendment_hash_of(buffer_bytes(&body), &place.prev) == 0);
		place.number++;
		done += n;
		while (n > 0)
			buffer_deinit(&admissions[--n].record);
		buffer_deinit(&body);
	}
	secret_key_free(officer);
	http_free(http);
	return 0;
}
