/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/key.h"
#include "crypto/seal.h"
#include "daemon/cli/bundle.h"
#include "proto/bundle_check.h"
#include "record/kind.h"

#define PIECE_BYTES 262144u

struct part {
	const char *path;
	struct bundle_begin begin;
	bool more;
};

static bool begins(const char *path, const char *magic)
{
	char head[BUNDLE_MAGIC_BYTES];
	FILE *file = fopen(path, "rbe");
	bool is = file && fread(head, 1, sizeof(head), file) == sizeof(head) &&
		memcmp(head, magic, sizeof(head)) == 0;
	if (file)
		fclose(file);
	return is;
}

bool bundle_is(const char *path)
{
	return begins(path, BUNDLE_MAGIC);
}

bool bundle_is_sealed(const char *path)
{
	return begins(path, SEAL_MAGIC);
}

static int fault(struct cli *cli, const struct part *part, const struct bundle_check *check,
	const struct bundle_item *item, int code)
{
	char place[160] = "";
	if (item->type == BUNDLE_RUN && check)
		bundle_check_place(check, item, place, sizeof(place));
	return cli_refuse(cli, "NOT VERIFIED: %s: frame %" PRIu64 ", byte %" PRIu64 "%s%s: %s",
		part->path, item->frame, item->offset, place[0] ? ", " : "", place, error_text(code));
}

/** One file; with `check` NULL only up to its beginning. */
static int part_read(struct cli *cli, struct part *part, struct bundle_check *check)
{
	static uint8_t piece[PIECE_BYTES];
	struct bundle_reader r;
	const struct bundle_item *item = &r.item;
	int code = bundle_reader_init(&r);
	FILE *file = code ? NULL : fopen(part->path, "rbe");
	size_t len;
	if (!file) {
		int why = errno;
		bundle_reader_deinit(&r);
		return code ? cli_no_memory(cli)
					: cli_refuse(cli, "%s cannot be read: %s.", part->path, strerror(why));
	}
	while (!code && (check || !r.begun) && (len = fread(piece, 1, sizeof(piece), file)) > 0) {
		struct bytes in = bytes_of(piece, len);
		while (in.len && !code && (check || !r.begun)) {
			code = bundle_reader_next(&r, &in, &item);
			if (!code && check)
				code = bundle_check_item(check, item, &r.begin);
		}
	}
	bool unread = ferror(file);
	fclose(file);
	if (!code && (check || !r.begun))
		code = bundle_reader_end(&r);
	part->begin = r.begin;
	part->more = r.item.more;
	if (unread)
		code = cli_refuse(cli, "%s cannot be read.", part->path);
	else if (code)
		code = fault(cli, part, check, item, code);
	bundle_reader_deinit(&r);
	return code;
}

static int by_part(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int set = memcmp(x->begin.set, y->begin.set, BUNDLE_SET_BYTES);
	return set ? set : (x->begin.part > y->begin.part) - (x->begin.part < y->begin.part);
}

static int all_read(
	struct cli *cli, struct part *parts, size_t count, struct bundle_check *check, bool *missing)
{
	int code = CLI_DONE;
	for (size_t i = 0; i < count && !code; i++)
		code = part_read(cli, &parts[i], NULL);
	if (code)
		return code;
	qsort(parts, count, sizeof(*parts), by_part);
	for (size_t i = 0; i < count && !code; i++) {
		const struct part *former = i ? &parts[i - 1] : NULL;
		bool follows = former &&
			memcmp(former->begin.set, parts[i].begin.set, BUNDLE_SET_BYTES) == 0;
		uint32_t expected = follows ? former->begin.part + 1 : 1;
		if (former && !follows)
			return cli_refuse(cli, "%s and %s are not parts of one bundle: verify them one by one.",
				former->path, parts[i].path);
		if (follows && parts[i].begin.part < expected)
			return cli_refuse(cli, "%s and %s are the same part.", former->path, parts[i].path);
		if (parts[i].begin.part > expected) {
			cli_note(cli,
				"Part %u of the bundle is missing; what follows it is verified from "
				"where it begins.",
				(unsigned)expected);
			*missing = true;
			bundle_check_apart(check);
		}
		code = part_read(cli, &parts[i], check);
	}
	if (!code && parts[count - 1].more) {
		cli_note(
			cli, "Part %u of the bundle is missing.", (unsigned)parts[count - 1].begin.part + 1);
		*missing = true;
	}
	return code;
}

static const char *time_of(uint64_t ms, char to[static TIMESTAMP_TEXT_MAX])
{
	return timestamp_format(timestamp_from_ms((int64_t)(ms < TIMESTAMP_MS_MAX ? ms : 0)), to);
}

static int print_summary(struct cli *cli, const struct bundle_summary *s, bool missing)
{
	char hex[TEXT_HEX_SIZE(HASH_SIZE)], first[TIMESTAMP_TEXT_MAX], last[TIMESTAMP_TEXT_MAX];
	uint64_t all = 0;
	for (int i = 0; i < FEED_LANE_COUNT; i++)
		all += s->records[i];
	text_hex_encode(hex, hash_bytes(&s->network_id));
	time_of(s->first_ms, first);
	time_of(s->last_ms, last);
	if (cli->json)
		return cli_print_json(cli,
			json_pack("{s:b, s:b, s:s, s:s, s:s, s:I, s:i, s:i, s:i, s:i, s:I, s:{s:I, s:I, s:I, "
					  "s:I}, s:s?, s:s?, s:I, s:I}",
				"verified", 1, "whole", (int)!missing, "network", s->name, "slug", s->slug,
				"network_id", hex, "amendments", (json_int_t)s->amendment, "members",
				(int)s->members, "cities", (int)s->cities, "feeds", (int)s->feeds, "begin_later",
				(int)s->begin_later, "records", (json_int_t)all, "lanes", "alert",
				(json_int_t)s->records[0], "call", (json_int_t)s->records[1], "doc",
				(json_int_t)s->records[2], "meta", (json_int_t)s->records[3], "first",
				all ? first : NULL, "last", all ? last : NULL, "attachments",
				(json_int_t)s->attachments, "attachment_bytes", (json_int_t)s->attachment_bytes),
			0);
	FILE *to = cli->out;
	fputs("VERIFIED: a bundle of ", to);
	cli_print_text(to, s->name, false);
	fprintf(to, " (%s). The network's id:\n      %s\n", s->slug, hex);
	fprintf(to,
		"- Its charter was followed through %" PRIu64 " amendments; %u cities are members.\n",
		s->amendment, (unsigned)s->members);
	fprintf(to, "- %" PRIu64 " records of %u cities", all, (unsigned)s->cities);
	for (uint8_t lane = LANE_MIN; lane <= LANE_MAX; lane++)
		if (s->records[lane - 1])
			fprintf(to, ", %s %" PRIu64, lane_name(lane), s->records[lane - 1]);
	if (all)
		fprintf(to, "; dated %s to %s", first, last);
	fprintf(to, ".\n- %" PRIu64 " whole attachments", s->attachments);
	if (s->attachments_partial)
		fprintf(to, " and %" PRIu64 " pieces of others", s->attachments_partial);
	fprintf(to, ", %" PRIu64 " bytes.\n", s->attachment_bytes);
	if (s->begin_later)
		fprintf(to,
			"- %u feeds begin above number 1: each is a chain that its city signed; that it "
			"continues what\n  you hold is checked when it is imported.\n",
			(unsigned)s->begin_later);
	return CLI_DONE;
}

int bundle_verify(struct cli *cli)
{
	uint8_t seed[MAP_SEED_SIZE];
	size_t count = cli->arguments.operand_count;
	struct bundle_check *check = NULL;
	struct part *parts = calloc(count, sizeof(*parts));
	bool missing = false;
	int code = parts && random_bytes(seed, sizeof(seed)) == 0 && bundle_check_new(seed, &check) == 0
		? CLI_DONE
		: cli_no_memory(cli);
	for (size_t i = 0; i < count && !code; i++)
		parts[i].path = cli->arguments.operands[i];
	if (!code)
		code = all_read(cli, parts, count, check, &missing);
	if (!code) {
		struct bundle_summary said;
		bundle_check_summary(check, &said);
		code = print_summary(cli, &said, missing);
	}
	bundle_check_free(check);
	free(parts);
	return !code && missing ? CLI_REFUSED : code;
}
