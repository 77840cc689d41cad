/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/reach.h"

#include <jansson.h>
#include <string.h>

#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"
#include "daemon/cli/table.h"

/* Which cities are reached, by which way, and what is withheld of them. */

static const char *link_of(const json_t *city)
{
	if (json_is_true(json_object_get(city, "linked")))
		return "linked";
	return cli_text(city, "relayed_by")[0] ? "relayed" : "-";
}

static void city_add(struct table *table, const json_t *city)
{
	char heard[20], since[20];
	const json_t *unreachable = json_object_get(city, "unreachable");
	bool failing = json_is_object(unreachable);
	table_add(table, cli_text(city, "city"));
	table_add(table, cli_text(city, "network"));
	table_add(table, link_of(city));
	table_add(table, cli_text(city, "relayed_by")[0] ? cli_text(city, "relayed_by") : "-");
	bool never = !cli_text(city, "beacon")[0];
	table_add_format(table, "%s%s", never ? "never" : cli_time(city, "beacon", heard),
		json_is_true(json_object_get(city, "overdue")) ? " OVERDUE" : "");
	table_add(table, failing ? cli_time(unreachable, "since", since) : "-");
	table_add(table, failing ? cli_text(unreachable, "reason") : "-");
}

static int cities_print(struct cli *cli, const json_t *cities)
{
	static const struct table_column columns[] = {
		{"CITY", 0},
		{"NETWORK", 0},
		{"LINK", 0},
		{"THROUGH", 0},
		{"LAST BEACON", 0},
		{"UNREACHABLE SINCE", 0},
		{"REASON", TABLE_CUT},
	};
	struct table table;
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(cities); i++)
		city_add(&table, json_array_get(cities, i));
	table_sort(&table, 0);
	int error = table_print(&table, cli->out, cli->columns);
	table_deinit(&table);
	return error ? cli_no_memory(cli) : CLI_DONE;
}

static void withheld_print(struct cli *cli, const json_t *city)
{
	const json_t *withheld = json_object_get(city, "withheld");
	for (size_t i = 0; i < json_array_size(withheld); i++) {
		const json_t *lane = json_array_get(withheld, i);
		char since[20];
		fprintf(cli->out, "WITHHELD: %s/%s/%s %lld to %lld, since %s: nobody linked gives them.\n",
			cli_text(city, "network"), cli_text(city, "city"), cli_text(lane, "lane"),
			(long long)json_integer_value(json_object_get(lane, "first")),
			(long long)json_integer_value(json_object_get(lane, "last")),
			cli_time(lane, "since", since));
	}
}

static void warnings_print(struct cli *cli, const json_t *answer)
{
	const json_t *cities = json_object_get(answer, "cities");
	const json_t *charters = json_object_get(answer, "charters");
	for (size_t i = 0; i < json_array_size(cities); i++)
		withheld_print(cli, json_array_get(cities, i));
	for (size_t i = 0; i < json_array_size(charters); i++) {
		const json_t *charter = json_array_get(charters, i);
		char since[20];
		fprintf(cli->out, "WITHHELD: amendment %lld of %s, since %s: nobody linked gives it.\n",
			(long long)json_integer_value(json_object_get(charter, "amendment")),
			cli_text(charter, "network"), cli_time(charter, "since", since));
	}
}

int reach_run(struct cli *cli)
{
	struct client *client;
	struct url url;
	json_t *answer;
	int code = cli_client(cli, &client);
	if (code)
		return code;
	url_path(&url, "/v1/reach");
	code = client_get(client, &url, &answer);
	if (code)
		return code;
	if (cli->json)
		return cli_print_json(cli, answer, 0);
	const json_t *cities = json_object_get(answer, "cities");
	code = cities_print(cli, cities);
	if (json_array_size(cities) == 0)
		cli_note(cli, "There is no other city in this city's networks.");
	warnings_print(cli, answer);
	json_decref(answer);
	return code;
}
