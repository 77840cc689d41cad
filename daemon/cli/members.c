/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/members.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"
#include "daemon/cli/fingerprint.h"
#include "daemon/cli/signing.h"
#include "daemon/cli/table.h"

static int members_get(struct cli *cli, char **network, json_t **members)
{
	struct client *client;
	struct url url;
	*members = NULL;
	int code = cli_network(cli, network);
	if (!code)
		code = cli_client(cli, &client);
	if (code)
		return code;
	url_path(&url, "/v1/networks/%s/members", *network);
	return client_get(client, &url, members);
}

/** What stands in the column: an unconfirmed city matters more than that it is active. */
static const char *standing(const json_t *member)
{
	const char *text = cli_text(member, "standing");
	bool confirmed = json_is_true(json_object_get(member, "confirmed"));
	return strcmp(text, "active") == 0 && !confirmed ? "unconfirmed" : text;
}

static void held_add(struct table *table, const json_t *member, const char *lane)
{
	json_t *feed;
	size_t i;
	json_array_foreach(json_object_get(member, "feeds"), i, feed)
	{
		if (strcmp(cli_text(feed, "lane"), lane) != 0)
			continue;
		table_add_format(table, "%lld%s",
			(long long)json_integer_value(json_object_get(feed, "seq")),
			json_is_true(json_object_get(feed, "frozen")) ? " frozen" : "");
		return;
	}
	table_add(table, "0");
}

static int members_print(struct cli *cli, const json_t *members)
{
	static const struct table_column columns[] = {
		{"CITY", 0},
		{"NAME", TABLE_CUT},
		{"CC", 0},
		{"STANDING", 0},
		{"EPOCH", TABLE_RIGHT},
		{"ALERTS", TABLE_RIGHT},
		{"CALLS", TABLE_RIGHT},
		{"DOCS", TABLE_RIGHT},
		{"LAST HEARD", 0},
	};
	struct table table;
	json_t *member;
	size_t i;
	char time[20];
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach((json_t *)(uintptr_t)members, i, member)
	{
		bool me = json_is_true(json_object_get(member, "me"));
		table_add(&table, cli_text(member, "city"));
		table_add(&table, cli_text(member, "name"));
		table_add(&table, cli_text(member, "country"));
		table_add(&table, standing(member));
		table_add_format(
			&table, "%lld", (long long)json_integer_value(json_object_get(member, "epoch")));
		held_add(&table, member, "alert");
		held_add(&table, member, "call");
		held_add(&table, member, "doc");
		table_add(&table, me ? "this city" : cli_time(member, "last_heard", time));
	}
	table_sort(&table, 0);
	int error = table_print(&table, cli->out, cli->columns);
	table_deinit(&table);
	return error ? cli_no_memory(cli) : CLI_DONE;
}

/** "gdansk showed two histories of its alerts from number 43 on" */
static void note_forked(struct cli *cli, const json_t *member)
{
	static const struct {
		const char *lane, *of;
	} names[] = {{"alert", "alerts"}, {"call", "calls"}, {"doc", "documents"},
		{"meta", "receipts and remarks"}};
	json_t *feed;
	size_t i;
	json_array_foreach(json_object_get(member, "feeds"), i, feed)
	{
		long long from = (long long)json_integer_value(json_object_get(feed, "forked_from"));
		for (size_t k = 0; from && k < sizeof(names) / sizeof(names[0]); k++)
			if (strcmp(cli_text(feed, "lane"), names[k].lane) == 0)
				cli_note(cli,
					"%s showed two histories of its %s from number %lld on. Nobody takes more of "
					"them until its next key (`hansa key renew` there) says which it means.",
					cli_text(member, "city"), names[k].of, from);
	}
}

int members_show(struct cli *cli)
{
	char *network = NULL;
	json_t *answer, *member;
	size_t i;
	int code = members_get(cli, &network, &answer);
	if (!code && cli->json)
		code = cli_print_json(cli, json_incref(answer), 0);
	else if (!code)
		code = members_print(cli, json_object_get(answer, "members"));
	if (!code && !cli->json)
		json_array_foreach(json_object_get(answer, "members"), i,
			member) if (strcmp(standing(member), "unconfirmed") == 0) cli_note(cli,
			"%s is not confirmed: `hansa confirm %s --network %s` shows what to "
			"compare.",
			cli_text(member, "city"), cli_text(member, "city"), network);
	if (!code && !cli->json)
		json_array_foreach(json_object_get(answer, "members"), i, member) note_forked(cli, member);
	json_decref(answer);
	free(network);
	return code;
}

static json_t *member_find(const json_t *answer, const char *city)
{
	json_t *member;
	size_t i;
	json_array_foreach(json_object_get(answer, "members"), i,
		member) if (strcmp(cli_text(member, "city"), city) == 0) return member;
	return NULL;
}

/** What the voice said is the key that joined: by argument, by a person at the terminal, or not. */
static int confirm_compare(struct cli *cli, const json_t *member)
{
	char given[FINGERPRINT_ARGUMENT_SIZE], line[32];
	const char *city = cli_text(member, "city"), *shown = cli_text(member, "fingerprint");
	if (cli_option(cli, OPTION_FINGERPRINT)) {
		int code = fingerprint_argument(cli, OPTION_FINGERPRINT, given);
		if (code)
			return code;
		if (strcmp(given, shown) == 0 || strcmp(given, cli_text(member, "city_id")) == 0 ||
			strcmp(given, cli_text(member, "city_key")) == 0)
			return CLI_DONE;
		return cli_refuse(cli,
			"That is not the key that joined as %s, whose fingerprint is %s. Do not "
			"confirm it: somebody else may have used the invitation. `hansa remove %s` shuts it "
			"out.",
			city, shown, city);
	}
	cli_note(cli, "The fingerprint of the key that joined as %s:\n\n    %s\n", city, shown);
	if (!cli->in_is_terminal || !cli->err_is_terminal) {
		cli_note(cli,
			"Nobody is asked, since this is no terminal: confirming it as compared by "
			"voice.");
		return CLI_DONE;
	}
	fprintf(cli->err,
		"Has somebody whose voice you know at %s read out exactly this? Type yes: ", city);
	fflush(cli->err);
	if (fgets(line, sizeof(line), cli->in)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (strcmp(line, "yes") == 0)
			return CLI_DONE;
	}
	return cli_refuse(cli, "Nothing was confirmed. Call the city, compare, and run this again.");
}

/** Takes the reference of `item`, an AmendmentItem. */
static int amend(
	struct cli *cli, const char *network, const char *what, json_t *item, const char *done)
{
	const struct signing_wish wish = {.kind = SIGNING_AMENDMENT, .item = what};
	json_t *request = item ? json_pack("{s:[o]}", "items", item) : NULL, *answer = NULL;
	if (!request)
		return cli_refuse(cli, "The name or reason is not valid UTF-8.");
	int code = signing_run(cli, &wish, network, "amendments", request, &answer);
	if (!code && cli->json)
		code = cli_print_json(cli, json_incref(answer), 0);
	else if (!code)
		fprintf(cli->out, "%s %s in %s, by amendment %lld.\n", cli->arguments.operands[0], done,
			network, (long long)json_integer_value(json_object_get(answer, "number")));
	json_decref(answer);
	return code;
}

int members_confirm(struct cli *cli)
{
	char *network = NULL;
	const char *city = cli->arguments.operands[0];
	json_t *answer;
	int code = members_get(cli, &network, &answer);
	const json_t *member = code ? NULL : member_find(answer, city);
	if (!code && !member)
		code = cli_refuse(cli,
			"No city has joined %s as %s. `hansa members` lists them; perhaps it has "
			"not used its invitation yet.",
			network, city);
	if (!code && strcmp(cli_text(member, "standing"), "removed") == 0) {
		code = cli_refuse(cli, "%s has been removed from %s; a new invitation, under another short "
			"name, can let it back in.", city, network);
	} else if (!code && json_is_true(json_object_get(member, "confirmed"))) {
		/* Whoever compares now, after the fact, must learn of a difference all the same. */
		if (cli_option(cli, OPTION_FINGERPRINT))
			code = confirm_compare(cli, member);
		if (!code)
			cli_note(cli, "%s is confirmed already.", city);
		if (!code && cli->json)
			code = cli_print_json(cli, json_pack("{s:b}", "confirmed", true), 0);
	} else if (!code) {
		code = confirm_compare(cli, member);
		if (!code)
			code = amend(cli, network, "confirm",
				json_pack("{s:s, s:s}", "item", "confirm", "city", city), "is confirmed");
	}
	json_decref(answer);
	free(network);
	return code;
}

static int end_or_resume(struct cli *cli, const char *what, bool with_reason, const char *done)
{
	char *network;
	const char *reason = with_reason ? cli_option(cli, OPTION_REASON) : NULL;
	int code = cli_network(cli, &network);
	if (code)
		return code;
	json_t *item = json_pack("{s:s, s:s}", "item", what, "city", cli->arguments.operands[0]);
	if (item && reason && json_object_set_new(item, "reason", json_string(reason))) {
		json_decref(item);
		item = NULL;
	}
	if (item && arguments_have(&cli->arguments, OPTION_CUT))
		json_object_set_new(item, "cut", json_true());
	code = amend(cli, network, what, item, done);
	free(network);
	return code;
}

int members_suspend(struct cli *cli)
{
	return end_or_resume(cli, "suspend", true, "is suspended");
}

int members_resume(struct cli *cli)
{
	return end_or_resume(cli, "resume", false, "is active again");
}

int members_remove(struct cli *cli)
{
	return end_or_resume(cli, "remove", true, "is removed");
}

static bool number_of(const char *text, long long *out)
{
	char *end;
	errno = 0;
	*out = strtoll(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

int members_quota(struct cli *cli)
{
	char *network;
	const char *city = cli_option(cli, OPTION_CITY);
	char *const *given = cli->arguments.operands;
	long long entries, bytes = 0;
	if (!number_of(given[1], &entries) ||
		(cli->arguments.operand_count > 2 && !number_of(given[2], &bytes)))
		return cli_refuse(cli, "RECORDS and BYTES are whole numbers; 0 is no limit.");
	int code = cli_network(cli, &network);
	if (code)
		return code;
	json_t *item = json_pack("{s:s, s:s, s:I, s:I}", "item", "quota", "lane", given[0],
		"entries_a_day", (json_int_t)entries, "bytes_a_day", (json_int_t)bytes);
	if (item && city)
		json_object_set_new(item, "city", json_string(city));
	code = amend(cli, network, "quota", item, city ? "has a quota of its own" : "has a quota");
	free(network);
	return code;
}
