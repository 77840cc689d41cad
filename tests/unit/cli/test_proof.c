/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/proof.h"
#include "feed/entry.h"
#include "feed/head.h"
#include "record/body.h"
#include "record/header.h"
#include "tests/unit/cli/charter_fixture.h"
#include "tests/unit/cli/run_cli.h"

#define ENTRIES 3

/** A feed of three documents under one signed head. */
struct feed_fixture {
	struct charter_fixture charter;
	struct hash feed_id, city_id;
	struct buffer wire[ENTRIES];
	struct entry_view view[ENTRIES];
	struct hash hash[ENTRIES];
	uint8_t head[HEAD_BYTES];
};

static void entry_make(struct feed_fixture *f, struct hasher *hasher, size_t i)
{
	static const uint8_t salt[ENTRY_SALT_BYTES] = {4};
	const struct hash zero = {0};
	struct buffer body, header_bytes;
	struct header header = {.kind = KIND_DOC, .time_ms = 1760000000000 + i};
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "title", i == 1 ? "Two" : "Other", "language",
		"en", "media_type", "text/plain", "text", "x");
	buffer_init(&body, SIZE_MAX);
	buffer_init(&header_bytes, SIZE_MAX);
	buffer_init(&f->wire[i], SIZE_MAX);
	assert_int_equal(body_encode(json, &body, NULL), 0);
	header.body_size = (uint32_t)body.len;
	assert_int_equal(header_encode(&header, &header_bytes), 0);
	assert_int_equal(
		entry_encode(&f->wire[i], salt, buffer_bytes(&header_bytes), buffer_bytes(&body)), 0);
	struct cursor cursor = cursor_init(buffer_bytes(&f->wire[i]));
	assert_int_equal(entry_parse(&cursor, &f->view[i]), 0);
	assert_int_equal(entry_hash_of(hasher, &f->feed_id, i + 1, i ? &f->hash[i - 1] : &zero,
						 &f->view[i], &f->hash[i]),
		0);
	json_decref(json);
	buffer_deinit(&body);
	buffer_deinit(&header_bytes);
}

static int setup(void **state)
{
	struct feed_fixture *f = calloc(1, sizeof(*f));
	struct hasher hasher;
	charter_fixture_init(&f->charter);
	assert_int_equal(city_id_of(secret_key_public(f->charter.city), &f->city_id), 0);
	assert_int_equal(
		feed_id_of(roster_network_id(f->charter.roster), &f->city_id, FEED_LANE_DOC, &f->feed_id),
		0);
	assert_int_equal(hasher_init(&hasher), 0);
	for (size_t i = 0; i < ENTRIES; i++)
		entry_make(f, &hasher, i);
	hasher_deinit(&hasher);
	struct head head = {.feed_id = f->feed_id,
		.epoch = 1,
		.seq = ENTRIES,
		.entry_hash = f->hash[ENTRIES - 1],
		.time = {.ms = 1760000000009}};
	assert_int_equal(head_sign(&head, f->charter.node), 0);
	head_encode(&head, f->head);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct feed_fixture *f = *state;
	for (size_t i = 0; i < ENTRIES; i++)
		buffer_deinit(&f->wire[i]);
	charter_fixture_deinit(&f->charter);
	free(f);
	return 0;
}

static json_t *hex(const struct hash *hash)
{
	char text[TEXT_HEX_SIZE(HASH_SIZE)];
	return json_string(text_hex_encode(text, hash_bytes(hash)));
}

static json_t *record_1(struct feed_fixture *f)
{
	struct bytes wire;
	struct hash hash;
	assert_int_equal(roster_record(f->charter.roster, &f->city_id, 1, &wire, &hash), 0);
	return charter_fixture_base64(wire);
}

/** The proof of document 2, under the head of document 3. */
static json_t *proof_make(struct feed_fixture *f)
{
	return json_pack(
		"{s:i, s:s, s:o, s:o, s:s, s:i, s:o, s:o, s:[], s:[o], s:o, s:o, s:[[o, o]], s:o}",
		"hansa_proof", 1, "id", "pact/budapest/doc/2", "network_id",
		hex(roster_network_id(f->charter.roster)), "city_id", hex(&f->city_id), "lane", "doc",
		"seq", 2, "hash", hex(&f->hash[1]), "genesis",
		charter_fixture_base64(buffer_bytes(&f->charter.genesis)), "amendments", "epoch_records",
		record_1(f), "prev", hex(&f->hash[0]), "entry",
		charter_fixture_base64(buffer_bytes(&f->wire[1])), "pairs", hex(&f->view[2].header_hash),
		hex(&f->view[2].body_hash), "head",
		charter_fixture_base64(bytes_of(f->head, sizeof(f->head))));
}

static void good_proof(void **state)
{
	struct feed_fixture *f = *state;
	struct proof proof;
	struct complaint c = {0};
	json_t *json = proof_make(f);
	int code = proof_check(json, &proof, &c);
	assert_string_equal(c.reason, "");
	assert_int_equal(code, 0);
	assert_string_equal(proof.network_slug, "pact");
	assert_string_equal(proof.city_name, "Budapest");
	assert_true(proof.confirmed);
	assert_int_equal(proof.seq, 2);
	assert_int_equal(proof.head_seq, 3);
	assert_int_equal(proof.epoch, 1);
	assert_string_equal(cli_text(proof.body, "title"), "Two");
	proof_deinit(&proof);
	json_decref(json);
}

/** One part changed, and the part that must be named. */
static void check_altered(struct feed_fixture *f, const char *key, json_t *value, const char *field)
{
	struct proof proof;
	struct complaint c = {0};
	json_t *json = proof_make(f);
	if (value)
		json_object_set_new(json, key, value);
	else
		json_object_del(json, key);
	assert_int_not_equal(proof_check(json, &proof, &c), 0);
	assert_string_equal(c.field, field);
	assert_string_not_equal(c.reason, "");
	assert_null(proof.body);
	json_decref(json);
}

static json_t *wire_flipped(struct bytes wire, size_t at)
{
	uint8_t copy[8192];
	assert_true(wire.len <= sizeof(copy) && at < wire.len);
	memcpy(copy, wire.data, wire.len);
	copy[at] ^= 1;
	return charter_fixture_base64(bytes_of(copy, wire.len));
}

static void altered_parts_are_named(void **state)
{
	struct feed_fixture *f = *state;
	struct bytes head = bytes_of(f->head, sizeof(f->head));
	struct bytes entry = buffer_bytes(&f->wire[1]);
	check_altered(f, "hansa_proof", json_integer(2), "hansa_proof");
	check_altered(f, "network_id", hex(&f->hash[0]), "genesis");
	check_altered(f, "genesis", NULL, "genesis");
	check_altered(f, "genesis", wire_flipped(buffer_bytes(&f->charter.genesis), 40), "genesis");
	check_altered(f, "city_id", hex(&f->hash[0]), "city_id");
	check_altered(f, "lane", json_string("alert"), "head");
	check_altered(f, "lane", json_string("frob"), "lane");
	check_altered(f, "head", wire_flipped(head, HEAD_BYTES - 1), "head");
	check_altered(f, "head", wire_flipped(head, 35), "head"); /* the epoch */
	check_altered(f, "head", wire_flipped(head, 40), "head"); /* the key */
	check_altered(f, "entry", wire_flipped(entry, entry.len - 1), "entry");
	check_altered(f, "entry", json_string("%%%"), "entry");
	check_altered(f, "prev", hex(&f->hash[2]), "entry");
	check_altered(f, "prev", NULL, "entry");
	check_altered(f, "pairs", json_array(), "pairs");
	check_altered(f, "pairs", json_pack("[[o, o]]", hex(&f->hash[0]), hex(&f->hash[1])), "entry");
	check_altered(f, "seq", json_integer(3), "pairs");
	check_altered(f, "seq", json_integer(0), "seq");
	check_altered(f, "seq", json_integer(4), "seq");
	check_altered(f, "hash", hex(&f->hash[0]), "hash");
	check_altered(f, "id", json_string("pact/wien/doc/2"), "id");
	check_altered(f, "id", json_string("pact/budapest/doc/1"), "id");
}

/** Officers end the epoch at entry i + 1: the amendment, as in a proof. */
static json_t *suspension(struct feed_fixture *f, size_t i)
{
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND, .city_id = f->city_id};
	struct buffer body, wire;
	buffer_init(&body, SIZE_MAX);
	buffer_init(&wire, SIZE_MAX);
	item.end.reason = bytes_from_text("seized");
	item.end.has_cuts = true;
	item.end.epoch = 1;
	item.end.cuts[FEED_LANE_DOC - 1] = (struct epoch_cut){.seq = i + 1, .hash = f->hash[i]};
	assert_int_equal(draft_amendment(f->charter.roster, &item, 1, 1760000000001, &body), 0);
	assert_int_equal(
		draft_seal_by(OBJECT_AMENDMENT, buffer_bytes(&body), f->charter.officer, &wire), 0);
	json_t *list = json_pack("[o]", charter_fixture_base64(buffer_bytes(&wire)));
	buffer_deinit(&body);
	buffer_deinit(&wire);
	return list;
}

/** Officers have ended the epoch before the record. */
static void disowned_record(void **state)
{
	struct feed_fixture *f = *state;
	check_altered(f, "amendments", suspension(f, 0), "seq");
}

static struct run verify(const char *folder, json_t *file)
{
	char path[128], line[160];
	snprintf(path, sizeof(path), "%s/proof.json", folder);
	assert_int_equal(json_dump_file(file, path, 0), 0);
	json_decref(file);
	snprintf(line, sizeof(line), "verify %s", path);
	return run_cli(line);
}

/** What stands in a head's place where the epoch was ended at entry i + 1. */
static json_t *cut_head(struct feed_fixture *f, size_t i)
{
	uint8_t wire[HEAD_BYTES];
	struct head head = {.feed_id = f->feed_id,
		.epoch = 1,
		.node_key = *secret_key_public(f->charter.node),
		.seq = i + 1,
		.entry_hash = f->hash[i]};
	head_encode(&head, wire);
	return charter_fixture_base64(bytes_of(wire, sizeof(wire)));
}

/** The epoch ends at the record, where no head was signed: the charter vouches for it. */
static json_t *cut_proof(struct feed_fixture *f)
{
	json_t *json = proof_make(f);
	json_object_set_new(json, "amendments", suspension(f, 1));
	json_object_set_new(json, "pairs", json_array());
	json_object_set_new(json, "head", cut_head(f, 1));
	return json;
}

static void vouched_for_by_a_cut(void **state)
{
	struct feed_fixture *f = *state;
	char *folder = folder_new();
	struct run run = verify(folder, cut_proof(f));
	assert_string_equal(run.err, "");
	assert_int_equal(run.code, CLI_DONE);
	assert_non_null(strstr(run.out, "The charter ended the city's epoch 1 with number 2"));
	assert_null(strstr(run.out, "The city signed head"));
	run_free(&run);

	/* The charter has no such end; another one; another hash there. */
	check_altered(f, "head", cut_head(f, 2), "head");
	for (int i = 0; i < 3; i++) {
		struct proof proof;
		struct complaint c = {0};
		json_t *json = cut_proof(f);
		if (i == 0)
			json_object_set_new(json, "amendments", json_array());
		else if (i == 1)
			json_object_set_new(json, "amendments", suspension(f, 2));
		else
			json_object_set_new(json, "head", cut_head(f, 0));
		assert_int_equal(proof_check(json, &proof, &c), ERROR_CUT);
		assert_string_equal(c.field, "head");
		json_decref(json);
	}
	folder_remove(folder);
}

static void verified_offline(void **state)
{
	struct feed_fixture *f = *state;
	char *folder = folder_new();
	struct run run = verify(folder, proof_make(f));
	assert_string_equal(run.err, "");
	assert_int_equal(run.code, CLI_DONE);
	assert_non_null(strstr(run.out, "VERIFIED: Two\n          pact/budapest/doc/2"));
	assert_non_null(strstr(run.out, "A proof cannot show:"));
	run_free(&run);
	run = run_cli("verify /nonexistent/proof.json");
	assert_int_equal(run.code, CLI_REFUSED);
	run_free(&run);
	folder_remove(folder);
}

/** What `hansa export` writes: the record, with its proof beside it. */
static json_t *export_make(struct feed_fixture *f)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:s, s:i, s:s, s:s, s:n, s:[], s:n, s:[], "
					 "s:[], s:b, s:i, s:{s:s, s:s, s:s, s:s}, s:o}",
		"id", "pact-2/budapest/doc/2", "network", "pact-2", "city", "budapest", "lane", "doc",
		"seq", 2, "hash", hex(&f->hash[1]), "kind", "doc", "kind_number", 3, "title", "Two", "time",
		"2025-10-09T08:53:20.001Z", "expires", "topics", "supersedes", "references", "attachments",
		"confirmed", 1, "arrival", 77, "body", "title", "Two", "language", "en", "media_type",
		"text/plain", "text", "x", "proof", proof_make(f));
}

/** A good proof beside what was doctored: whatever the reader sees first, it is caught. */
static void doctored_export(void **state)
{
	static const struct {
		const char *field, *value;
	} cases[] = {{"id", "\"pact/budapest/doc/3\""}, {"id", "\"pacts/budapest/doc/2\""},
		{"network", "\"pact-two\""}, {"city", "\"prague\""}, {"lane", "\"call\""}, {"seq", "3"},
		{"hash", "\"00\""}, {"kind", "\"alert\""}, {"kind_number", "1"}, {"title", "\"Tw0\""},
		{"time", "\"2025-10-09T08:53:20Z\""}, {"expires", "\"2025-10-09T08:53:20Z\""},
		{"topics", "[\"war\"]"}, {"supersedes", "{}"}, {"references", "[{}]"},
		{"attachments", "[{\"id\": \"00\"}]"}, {"confirmed", "false"}, {"body", "{\"title\": 1}"}};
	char *folder = folder_new(), wanted[128];
	struct run run = verify(folder, export_make(*state));
	assert_string_equal(run.err, "");
	assert_int_equal(run.code, CLI_DONE);
	run_free(&run);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *file = export_make(*state);
		json_object_set_new(
			file, cases[i].field, json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		run = verify(folder, file);
		snprintf(wanted, sizeof(wanted),
			"NOT VERIFIED: %s: What stands in this file is not what the city signed",
			cases[i].field);
		assert_int_equal(run.code, CLI_REFUSED);
		assert_string_equal(run.out, "");
		assert_non_null(strstr(run.err, wanted));
		run_free(&run);
	}
	folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_proof, setup, teardown),
		cmocka_unit_test_setup_teardown(altered_parts_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(disowned_record, setup, teardown),
		cmocka_unit_test_setup_teardown(vouched_for_by_a_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(verified_offline, setup, teardown),
		cmocka_unit_test_setup_teardown(doctored_export, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
