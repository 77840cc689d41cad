/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/records.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"
#include "daemon/cli/fetch.h"
#include "daemon/cli/record_id.h"
#include "daemon/cli/table.h"
#include "daemon/cli/view.h"
#include "record/kind.h"

#define LIST_PAGE_MAX 1000 /* the API's */
#define LIST_LIMIT 100
#define LIST_LIMIT_MAX 1000000

/** The next page of at most `limit` records, appended to `records`; *next for free(), NULL at the
 * end. */
static int list_page(struct cli *cli, struct client *client, const char *kind, long limit,
	char **next, json_t *records)
{
	struct url url;
	json_t *answer, *page;
	char number[24];
	snprintf(number, sizeof(number), "%ld", limit);
	url_path(&url, "/v1/records");
	url_query(&url, "kind", kind);
	url_query(&url, "network", cli_option(cli, OPTION_NETWORK));
	url_query(&url, "city", cli_option(cli, OPTION_CITY));
	url_query(&url, "topic", cli_option(cli, OPTION_TOPIC));
	url_query(&url, "since", cli_option(cli, OPTION_SINCE));
	url_query(&url, "open", arguments_have(&cli->arguments, OPTION_OPEN) ? "true" : NULL);
	url_query(&url, "limit", number);
	url_query(&url, "before", *next);
	int code = client_get(client, &url, &answer);
	free(*next);
	*next = NULL;
	if (code)
		return code;
	page = json_object_get(answer, "records");
	const char *after = json_string_value(json_object_get(answer, "next"));
	if (after && json_array_size(page) > 0)
		*next = strdup(after);
	json_array_extend(records, page);
	json_decref(answer);
	return CLI_DONE;
}

static const char *list_state(const json_t *record)
{
	const char *state = cli_text(record, "state");
	if (json_is_false(json_object_get(record, "confirmed")))
		return "unconfirmed";
	const char *type = cli_text(json_object_get(record, "followed_by"), "msgType");
	if (type[0])
		return strcmp(type, "Cancel") == 0 ? "cancelled" : "updated";
	return strcmp(state, "valid") == 0 ? "" : state;
}

/**
 * The day until which a record matters. A call's expiry is the last moment of its deadline anywhere
 * on Earth (docs/records.md), up to a day after what the call itself says: here it is the
 * deadline's own day, or, of one with a time, perhaps the day before. Nobody may be late because of
 * a list.
 */
static const char *until(const json_t *record, char to[static TIMESTAMP_TEXT_MAX])
{
	const int64_t westernmost_ms = INT64_C(12) * 60 * 60 * 1000;
	struct timestamp time;
	if (timestamp_parse_rfc3339(bytes_from_text(cli_text(record, "expires")), &time))
		return "-";
	if (strcmp(cli_text(record, "lane"), "call") == 0)
		time = timestamp_add_ms(time, -westernmost_ms - 1);
	timestamp_format(time, to);
	to[10] = '\0';
	return to;
}

/** The column for what is unusual is there only if something is. */
static bool any_state(const json_t *records)
{
	json_t *record;
	size_t i;
	json_array_foreach(
		(json_t *)(uintptr_t)records, i, record) if (list_state(record)[0]) return true;
	return false;
}

static int list_print(struct cli *cli, const json_t *records)
{
	static const struct table_column columns[] = {
		{"ID", 0}, {"PUBLISHED", 0}, {"UNTIL", 0}, {"TITLE", TABLE_CUT}, {"STATE", 0}};
	struct table table;
	json_t *record;
	size_t i;
	char time[20], day[TIMESTAMP_TEXT_MAX], title[VIEW_TITLE_MAX];
	bool states = any_state(records);
	table_init(&table, columns, states ? 5 : 4);
	json_array_foreach((json_t *)(uintptr_t)records, i, record)
	{
		table_add(&table, cli_text(record, "id"));
		table_add(&table, cli_time(record, "time", time));
		table_add(&table, until(record, day));
		table_add(&table, view_title(record, title));
		if (states)
			table_add(&table, list_state(record));
	}
	int error = table_print(&table, cli->out, cli->columns);
	table_deinit(&table);
	return error ? cli_no_memory(cli) : CLI_DONE;
}

int records_list(struct cli *cli)
{
	struct client *client = NULL;
	const char *kind = cli->arguments.operand_count ? cli->arguments.operands[0] : NULL;
	char *next = NULL;
	long limit;
	if (kind && !lane_parse(bytes_from_text(kind)))
		return cli_usage(cli, "'%s' is no kind of record: it must be doc, call or alert.", kind);
	int code = cli_option_number(cli, OPTION_LIMIT, 1, LIST_LIMIT_MAX, LIST_LIMIT, &limit);
	if (!code)
		code = cli_client(cli, &client);
	if (code)
		return code;
	json_t *records = json_array();
	do {
		long left = limit - (long)json_array_size(records);
		code = list_page(
			cli, client, kind, left < LIST_PAGE_MAX ? left : LIST_PAGE_MAX, &next, records);
	} while (!code && next && (long)json_array_size(records) < limit);
	if (!code && cli->json) {
		code = cli_print_json(cli, json_pack("{s:O, s:s?}", "records", records, "next", next), 0);
	} else if (!code) {
		code = list_print(cli, records);
		if (json_array_size(records) == 0)
			cli_note(cli, "No such record is here.");
		else if (next)
			cli_note(cli, "There are more: --limit N shows up to N of them.");
	}
	free(next);
	json_decref(records);
	return code;
}

static int on_raw(void *ctx, struct bytes data)
{
	struct cli *cli = ctx;
	if (fwrite(data.data, 1, data.len, cli->out) != data.len)
		return cli_refuse(cli, "Standard output cannot be written.");
	return CLI_DONE;
}

static int show_raw(struct cli *cli, struct client *client, struct url *url)
{
	struct client_answer answer;
	if (cli->json)
		return cli_usage(cli, "Give either --raw or --json.");
	if (cli->out_is_terminal)
		return cli_usage(cli, "--raw prints bytes that no terminal shows: send them to a file.");
	url_query(url, "raw", "1");
	struct client_request request = {.method = "GET", .url = url, .receive = on_raw, .ctx = cli};
	int code = client_perform(client, &request, &answer);
	client_answer_deinit(&answer);
	return code;
}

/** The record of the first operand, or what stands under it in the API. */
static int record_get(struct cli *cli, const char *what, json_t **out)
{
	struct client *client;
	struct record_id id;
	struct url url;
	int code = record_id_read(cli, cli->arguments.operands[0], &id);
	if (!code)
		code = cli_client(cli, &client);
	if (code)
		return code;
	record_id_url(&id, what, &url);
	return client_get(client, &url, out);
}

int records_show(struct cli *cli)
{
	struct client *client;
	struct record_id id;
	struct url url;
	json_t *record;
	int code = record_id_read(cli, cli->arguments.operands[0], &id);
	if (!code)
		code = cli_client(cli, &client);
	if (code)
		return code;
	record_id_url(&id, NULL, &url);
	if (arguments_have(&cli->arguments, OPTION_RAW))
		return show_raw(cli, client, &url);
	code = client_get(client, &url, &record);
	if (code)
		return code;
	if (cli->json)
		return cli_print_json(cli, record, 0);
	view_record(cli->out, record);
	json_decref(record);
	return CLI_DONE;
}

/** What is exported goes to --output, whole or not at all, else to standard output. */
static int export_write(struct cli *cli, struct bytes data)
{
	const char *path = cli_option(cli, OPTION_OUTPUT);
	struct fetch_file file;
	if (!path)
		return on_raw(cli, data);
	int code = fetch_file_open(cli, path, &file);
	if (code)
		return code;
	bool good = fwrite(data.data, 1, data.len, file.file) == data.len;
	code = fetch_file_close(cli, &file, good);
	if (!code && !good)
		code = cli_refuse(cli, "%s cannot be written.", path);
	if (!code && cli->json)
		code = cli_print_json(
			cli, json_pack("{s:s, s:I}", "file", path, "size", (json_int_t)data.len), 0);
	return code;
}

/**
 * The record with its proof beside it, so that `hansa verify FILE` can check it anywhere. (The
 * API's own export as JSON is the body alone.)
 */
static int export_json(struct cli *cli)
{
	json_t *record, *proof = NULL;
	int code = record_get(cli, NULL, &record);
	if (code)
		return code;
	code = record_get(cli, "proof", &proof);
	if (!code && json_object_set_new(record, "proof", proof))
		code = cli_no_memory(cli);
	char *text = code ? NULL : json_dumps(record, JSON_INDENT(2));
	json_decref(record);
	if (!text)
		return code ? code : cli_no_memory(cli);
	size_t len = strlen(text);
	text[len] = '\n'; /* in the place of the NUL */
	code = export_write(cli, bytes_of(text, len + 1));
	free(text);
	return code;
}

int records_export(struct cli *cli)
{
	struct client *client;
	struct client_answer answer;
	struct record_id id;
	struct url url;
	const char *as = cli_option(cli, OPTION_AS);
	if (strcmp(as, "json") == 0)
		return export_json(cli);
	if (strcmp(as, "cap") != 0 && strcmp(as, "md") != 0)
		return cli_usage(cli, "--as is '%s'; it must be cap, md or json.", as);
	if (cli->json && !cli_option(cli, OPTION_OUTPUT))
		return cli_usage(cli, "--json tells of the file of --output, which is not given.");
	int code = record_id_read(cli, cli->arguments.operands[0], &id);
	if (!code)
		code = cli_client(cli, &client);
	if (code)
		return code;
	record_id_url(&id, "export", &url);
	url_query(&url, "as", as);
	struct client_request request = {.method = "GET", .url = &url};
	code = client_perform(client, &request, &answer);
	if (!code)
		code = export_write(cli, buffer_bytes(&answer.body));
	client_answer_deinit(&answer);
	return code;
}

static void explain_voucher(FILE *to, const json_t *answer)
{
	const json_t *head = json_object_get(answer, "head"), *cut = json_object_get(answer, "cut");
	const json_t *signed_or_cut = json_is_object(head) ? head : cut;
	long long epoch = (long long)json_integer_value(json_object_get(signed_or_cut, "epoch"));
	long long seq = (long long)json_integer_value(json_object_get(signed_or_cut, "seq"));
	char time[20];
	if (json_is_object(head))
		fprintf(to,
			"Signed in its epoch %lld, by head %lld of %s UTC; the signature %s.\n"
			"    node key: %s\n",
			epoch, seq, cli_time(head, "time", time),
			json_is_true(json_object_get(head, "signature_valid")) ? "is valid" : "IS NOT VALID",
			cli_text(head, "node_key"));
	else if (json_is_object(cut))
		fprintf(to,
			"Vouched for by the charter, which ended the city's epoch %lld with number %lld; no "
			"head\n    that the city signed up to there is held here.\n",
			epoch, seq);
	else
		fputs("NOTHING that is held here vouches for it: neither a signed head nor the charter.\n",
			to);
}

int records_explain(struct cli *cli)
{
	json_t *answer;
	char time[20];
	int code = record_get(cli, "explain", &answer);
	if (code)
		return code;
	if (cli->json)
		return cli_print_json(cli, answer, 0);
	const json_t *origin = json_object_get(answer, "origin");
	const json_t *holders = json_object_get(answer, "holders");
	fprintf(
		cli->out, "%s (%s)\n\nPublished by ", cli_text(answer, "id"), cli_text(answer, "state"));
	cli_print_text(cli->out, cli_text(origin, "name"), false);
	fprintf(cli->out, " (%s), a city that is %s and %s.\n    its fingerprint: %s\n",
		cli_text(origin, "city"), cli_text(origin, "standing"),
		json_is_true(json_object_get(origin, "confirmed")) ? "confirmed"
														   : "NOT CONFIRMED by voice yet",
		cli_text(origin, "fingerprint"));
	explain_voucher(cli->out, answer);
	fprintf(cli->out, "Came here from %s, %s UTC.\n",
		cli_text(answer, "source")[0] ? cli_text(answer, "source") : "an unknown link",
		cli_time(answer, "received", time));
	fputs("Known to be held by:", cli->out);
	for (size_t i = 0; i < json_array_size(holders); i++)
		fprintf(cli->out, "%s %s", i ? "," : "", json_string_value(json_array_get(holders, i)));
	fprintf(cli->out, "%s.\n", json_array_size(holders) ? "" : " this city only");
	json_decref(answer);
	return CLI_DONE;
}
