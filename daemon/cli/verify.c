/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "daemon/cli/bundle.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"
#include "daemon/cli/proof.h"
#include "daemon/cli/record_id.h"
#include "daemon/cli/shown.h"
#include "record/body.h"
#include "record/json_text.h"
#include "record/kind.h"

#define FILE_BYTES_MAX (256u << 20)

static int file_load(struct cli *cli, const char *path, json_t **out)
{
	json_error_t error;
	FILE *file = fopen(path, "rbe");
	if (!file)
		return cli_refuse(cli, "%s cannot be read: %s.", path, strerror(errno));
	struct buffer text;
	buffer_init(&text, FILE_BYTES_MAX);
	uint8_t part[65536];
	size_t len;
	while ((len = fread(part, 1, sizeof(part), file)) > 0)
		buffer_push(&text, part, len);
	bool bad = ferror(file) || text.error;
	fclose(file);
	if (!bad)
		*out = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	buffer_deinit(&text);
	if (bad)
		return cli_refuse(cli, "%s cannot be read, or is larger than any proof.", path);
	if (!*out)
		return cli_refuse(cli,
			"%s is no JSON: line %d, %s. A proof is what `hansa export ID --as json` writes.", path,
			error.line, json_text_fault(&error));
	return CLI_DONE;
}

static int proof_get(struct cli *cli, const struct record_id *id, json_t **out)
{
	struct client *client;
	struct url url;
	int code = cli_client(cli, &client);
	if (code)
		return code;
	record_id_url(id, "proof", &url);
	return client_get(client, &url, out);
}

static const char *time_text(uint64_t ms, char to[static TIMESTAMP_TEXT_MAX])
{
	return timestamp_format(timestamp_from_ms(ms > INT64_MAX ? INT64_MAX : (int64_t)ms), to);
}

static void print_verified(FILE *to, const struct proof *p)
{
	char hex[TEXT_HEX_SIZE(HASH_SIZE)], time[TIMESTAMP_TEXT_MAX];
	const char *title = p->body ? body_title(p->header.kind, p->body) : "";
	fputs("VERIFIED: ", to);
	cli_print_text(to, title, false);
	fprintf(to, "%s%s/%s/%s/%" PRIu64 "\n\n", title[0] ? "\n          " : "", p->network_slug,
		p->city_slug, lane_name(p->lane), p->seq);
	fputs("- The network is ", to);
	cli_print_text(to, p->network_name, false);
	fprintf(to,
		": its id is the hash of its founding document,\n  which its officers signed.\n"
		"      %s\n",
		text_hex_encode(hex, hash_bytes(&p->network_id)));
	fprintf(to,
		"- Its charter was followed through %" PRIu64 " amendments, each signed by enough "
		"officers of its\n  day; the last is of %s.\n",
		p->amendments, time_text(p->amendment_time, time));
	fputs("- ", to);
	cli_print_text(to, p->city_name, false);
	fprintf(to, " was admitted by it, is %s, and %s. Its fingerprint:\n      %s\n", p->standing,
		p->confirmed ? "confirmed by voice" : "NOT CONFIRMED by voice", p->fingerprint);
	if (p->by_cut)
		fprintf(to,
			"- The charter ended the city's epoch %u with number %" PRIu64
			", and so vouches for what lies\n  before; there is no signature of the city up to "
			"there.\n",
			(unsigned)p->epoch, p->head_seq);
	else
		fprintf(to, "- The city signed head %" PRIu64 " at %s with the key of its epoch %u.\n",
			p->head_seq, time_text(p->head_time, time), (unsigned)p->epoch);
	fprintf(to, "- The record is number %" PRIu64 " under that %s, and %s.\n      %s\n", p->seq,
		p->by_cut ? "end" : "signature",
		p->purged ? "its text has been purged: only hashes are left" : "its text is unaltered",
		text_hex_encode(hex, hash_bytes(&p->hash)));
}

static void print_not_verified(FILE *to, const struct proof *p)
{
	fputs("\nA proof cannot show:\n"
		  "- that this network is the one you know: compare its id with your own (`hansa status "
		  "--json`);\n"
		  "- what the charter became later: the city may have been removed or the record disowned "
		  "since;\n"
		  "- that what the record says is true, or that its times are right.\n",
		to);
	if (p->newest_epoch > p->epoch)
		fprintf(to,
			"The city has changed its key since (epoch %u); the record counts, since it lies "
			"before the change.\n",
			(unsigned)p->newest_epoch);
}

static int print_json(struct cli *cli, const struct proof *p)
{
	char network[TEXT_HEX_SIZE(HASH_SIZE)], hash[TEXT_HEX_SIZE(HASH_SIZE)];
	char time[TIMESTAMP_TEXT_MAX], id[RECORD_ID_MAX];
	snprintf(id, sizeof(id), "%s/%s/%s/%" PRIu64, p->network_slug, p->city_slug, lane_name(p->lane),
		p->seq);
	return cli_print_json(cli,
		json_pack(
			"{s:b, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:b, s:s, s:i, s:I, s:s?, s:b, s:b, s:O?}",
			"verified", true, "id", id, "hash", text_hex_encode(hash, hash_bytes(&p->hash)),
			"network_id", text_hex_encode(network, hash_bytes(&p->network_id)), "network",
			p->network_name, "amendments", (json_int_t)p->amendments, "city", p->city_name,
			"standing", p->standing, "confirmed", (int)p->confirmed, "fingerprint", p->fingerprint,
			"epoch", (int)p->epoch, "head", (json_int_t)p->head_seq, "head_time",
			p->by_cut ? NULL : time_text(p->head_time, time), "by_cut", (int)p->by_cut, "purged",
			(int)p->purged, "body", p->body),
		0);
}

static int not_verified(struct cli *cli, const char *field, const char *reason)
{
	if (cli->json)
		cli_print_json(cli,
			json_pack("{s:b, s:s, s:s}", "verified", false, "field", field, "reason", reason), 0);
	return cli_refuse(cli, "NOT VERIFIED: %s%s%s", field, field[0] ? ": " : "", reason);
}

static int verify(struct cli *cli, const json_t *file)
{
	struct proof proof;
	struct complaint c = {0};
	const json_t *inner = json_object_get(file, "proof");
	int error = proof_check(inner ? inner : file, &proof, &c);
	if (error)
		return not_verified(cli, c.field, c.reason[0] ? c.reason : error_text(error));
	int code = CLI_DONE;
	const char *fault = inner ? shown_fault(file, &proof) : NULL;
	if (fault) {
		code = not_verified(cli, fault,
			"What stands in this file is not what the city signed; the proof beside it is good "
			"and has the signed text.");
	} else if (cli->json) {
		code = print_json(cli, &proof);
	} else {
		print_verified(cli->out, &proof);
		print_not_verified(cli->out, &proof);
	}
	proof_deinit(&proof);
	return code;
}

int verify_run(struct cli *cli)
{
	struct record_id id;
	json_t *file = NULL;
	const char *what = cli->arguments.operands[0];
	if (bundle_is(what))
		return bundle_verify(cli);
	if (bundle_is_sealed(what))
		return cli_refuse(
			cli, "%s is a sealed bundle: only the city that it is for can open it.", what);
	if (cli->arguments.operand_count > 1)
		return cli_usage(cli, "Several files are verified only where they are parts of a bundle.");
	bool is_id = record_id_parse(what, &id) && access(what, F_OK) != 0;
	int code = is_id ? proof_get(cli, &id, &file) : file_load(cli, what, &file);
	if (!code)
		code = verify(cli, file);
	json_decref(file);
	return code;
}
