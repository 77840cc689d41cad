/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/state.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/timestamp.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"
#include "daemon/cli/table.h"

static const char *bytes_text(char to[static 24], const json_t *object, const char *key)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double size = (double)json_integer_value(json_object_get(object, key));
	size_t unit = 0;
	while (size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		size /= 1024;
		unit++;
	}
	snprintf(to, 24, unit && size < 10 ? "%.1f %s" : "%.0f %s", size, units[unit]);
	return to;
}

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static int peers_print(struct cli *cli, const json_t *peers)
{
	static const struct table_column columns[] = {
		{"CITY", 0},
		{"STATE", 0},
		{"RTT MS", TABLE_RIGHT},
		{"SENT", TABLE_RIGHT},
		{"RECEIVED", TABLE_RIGHT},
		{"LAST HEARD", 0},
		{"ADDRESS", TABLE_CUT},
	};
	struct table table;
	json_t *peer;
	size_t i;
	char time[20], size[24];
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach((json_t *)(uintptr_t)peers, i, peer)
	{
		const char *city = cli_text(peer, "city"), *state = cli_text(peer, "state");
		const json_t *rtt = json_object_get(peer, "rtt_ms");
		bool paused = json_is_true(json_object_get(peer, "paused")) ||
			cli_text(peer, "peer_paused")[0];
		table_add(&table, city[0] ? city : "(unknown)");
		table_add(&table,
			paused                                   ? "paused"
				: strcmp(state, "charter_only") == 0 ? "stranger"
													 : state);
		if (json_is_number(rtt))
			table_add_format(&table, "%.1f", json_number_value(rtt));
		else
			table_add(&table, "-");
		table_add(&table, bytes_text(size, peer, "sent_bytes"));
		table_add(&table, bytes_text(size, peer, "received_bytes"));
		table_add(&table, cli_time(peer, "last_heard", time));
		table_add(&table, cli_text(peer, "address"));
	}
	table_sort(&table, 0);
	int error = table_print(&table, cli->out, cli->columns);
	table_deinit(&table);
	return error ? cli_no_memory(cli) : CLI_DONE;
}

static int peers_change(struct cli *cli, struct client *client, const char *city, bool deny)
{
	struct url url;
	url_path(&url, "/v1/peers/%s/deny", city);
	int code = client_send(client, deny ? "PUT" : "DELETE", &url, NULL, NULL);
	if (code)
		return code;
	if (cli->json)
		return cli_print_json(cli, json_pack("{s:s, s:b}", "city", city, "denied", deny), 0);
	fprintf(cli->out,
		deny ? "No link to %s until `hansa peers --allow %s`.\n"
			 : "Links to %s are allowed again%.0s.\n",
		city, city);
	return CLI_DONE;
}

int state_peers(struct cli *cli)
{
	struct client *client;
	struct url url;
	json_t *answer;
	const char *deny = cli_option(cli, OPTION_DENY), *allow = cli_option(cli, OPTION_ALLOW);
	if (deny && allow)
		return cli_usage(cli, "Give either --deny or --allow.");
	int code = cli_client(cli, &client);
	if (code)
		return code;
	if (deny || allow)
		return peers_change(cli, client, deny ? deny : allow, deny != NULL);
	url_path(&url, "/v1/peers");
	code = client_get(client, &url, &answer);
	if (code)
		return code;
	if (cli->json)
		return cli_print_json(cli, answer, 0);
	const json_t *denied = json_object_get(answer, "denied");
	code = peers_print(cli, json_object_get(answer, "peers"));
	if (json_array_size(json_object_get(answer, "peers")) == 0)
		cli_note(cli, "No city is linked now. `hansa log` says what was tried.");
	for (size_t i = 0; i < json_array_size(denied); i++)
		fprintf(cli->out, "%s is denied.\n", json_string_value(json_array_get(denied, i)));
	json_decref(answer);
	return code;
}

static void status_head(struct cli *cli, const json_t *status)
{
	const json_t *city = json_object_get(status, "city"), *store = json_object_get(status, "store");
	const json_t *listen = json_object_get(status, "listen");
	const json_t *dialled = json_object_get(status, "advertise");
	char size[24], room[24];
	long long up = number(status, "uptime_s");
	cli_print_text(cli->out, cli_text(city, "name"), false);
	fprintf(cli->out, " (%s, %s)\n  fingerprint  %s\n", cli_text(city, "slug"),
		cli_text(city, "country"), cli_text(city, "fingerprint"));
	fprintf(cli->out, "  running      %lld d %lld h %lld min, version %s\n", up / 86400,
		up / 3600 % 24, up / 60 % 60, cli_text(status, "version"));
	fprintf(cli->out, "  store        %lld records, %s; %s free\n", number(store, "records"),
		bytes_text(size, store, "bytes"), bytes_text(room, store, "free"));
	for (size_t i = 0; i < json_array_size(listen); i++)
		fprintf(cli->out, "  listens on   %s\n", json_string_value(json_array_get(listen, i)));
	for (size_t i = 0; i < json_array_size(dialled); i++)
		fprintf(cli->out, "  others dial  %s\n", json_string_value(json_array_get(dialled, i)));
	if (json_array_size(listen) > 0 && json_array_size(dialled) == 0)
		fputs("  others dial  nothing: set advertise in hansad.yaml\n", cli->out);
}

/** Of its charter: what people have to see to. */
static void network_warnings(struct cli *cli, const json_t *network)
{
	struct timestamp review, now = {(int64_t)time(NULL) * 1000};
	if (json_is_true(json_object_get(network, "rival")))
		fprintf(cli->out,
			"  %s: RIVAL AMENDMENTS of one number, each signed by officers: they must choose; "
			"nobody is dropped till then.\n",
			cli_text(network, "slug"));
	if (timestamp_parse_rfc3339(bytes_from_text(cli_text(network, "review")), &review) == 0 &&
		review.ms < now.ms)
		fprintf(cli->out, "  %s: the charter was to be looked at again by %.10s.\n",
			cli_text(network, "slug"), cli_text(network, "review"));
}

/** What keeps this city from publishing or taking in comes before all tables. */
static void status_warnings(struct cli *cli, const json_t *status)
{
	const json_t *publishing = json_object_get(status, "publishing");
	const char *state = cli_text(publishing, "state");
	if (state[0] && strcmp(state, "open") != 0) {
		fprintf(cli->out, "  PUBLISHING STOPPED (%s): ", state);
		cli_print_text(cli->out, cli_text(publishing, "reason"), false);
		fputc('\n', cli->out);
	}
	const json_t *networks = json_object_get(status, "networks");
	for (size_t i = 0; i < json_array_size(networks); i++) {
		const json_t *network = json_array_get(networks, i);
		network_warnings(cli, network);
		if (!cli_text(network, "notice")[0])
			continue;
		fprintf(cli->out, "  %s: ", cli_text(network, "slug"));
		cli_print_text(cli->out, cli_text(network, "notice"), false);
		fputc('\n', cli->out);
	}
	if (json_is_true(json_object_get(status, "clock_wrong")))
		fprintf(cli->out, "  CLOCK: it differs from the peers' by %lld minutes.\n",
			llabs(number(status, "clock_offset_ms") / 60000));
	if (cli_text(status, "paused")[0]) {
		fputs("  INTAKE PAUSED: ", cli->out);
		cli_print_text(cli->out, cli_text(status, "paused"), false);
		fputc('\n', cli->out);
	}
}

static int status_networks(struct cli *cli, const json_t *networks)
{
	static const struct table_column columns[] = {
		{"NETWORK", 0},
		{"NAME", TABLE_CUT},
		{"CITIES", TABLE_RIGHT},
		{"THIS CITY", 0},
		{"AMENDMENT", TABLE_RIGHT},
		{"DATED", 0},
	};
	struct table table;
	json_t *network;
	size_t i;
	char time[20];
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach((json_t *)(uintptr_t)networks, i, network)
	{
		table_add(&table, cli_text(network, "slug"));
		table_add(&table, cli_text(network, "name"));
		table_add_format(&table, "%lld", number(network, "members"));
		table_add(&table, cli_text(network, "my_status"));
		table_add_format(&table, "%lld%s", number(network, "number"),
			json_is_true(json_object_get(network, "rival")) ? " RIVAL" : "");
		table_add(&table, cli_time(network, "last_amendment_time", time));
	}
	table_sort(&table, 0);
	int error = table_print(&table, cli->out, cli->columns);
	table_deinit(&table);
	return error ? cli_no_memory(cli) : CLI_DONE;
}

int state_status(struct cli *cli)
{
	struct client *client;
	struct url url;
	json_t *status;
	int code = cli_client(cli, &client);
	if (code)
		return code;
	url_path(&url, "/v1/status");
	code = client_get(client, &url, &status);
	if (code)
		return code;
	if (cli->json)
		return cli_print_json(cli, status, 0);
	status_head(cli, status);
	status_warnings(cli, status);
	if (json_array_size(json_object_get(status, "networks")) > 0) {
		fputc('\n', cli->out);
		code = status_networks(cli, json_object_get(status, "networks"));
	} else {
		fputs("\nIn no network yet: `hansa join TOKEN`, or `hansa network create`.\n", cli->out);
	}
	if (!code && json_array_size(json_object_get(status, "peers")) > 0) {
		fputc('\n', cli->out);
		code = peers_print(cli, json_object_get(status, "peers"));
	}
	json_decref(status);
	return code;
}

int state_log(struct cli *cli)
{
	struct client *client = NULL;
	struct client_answer answer;
	struct url url;
	long lines;
	char text[24];
	int code = cli_option_number(cli, OPTION_LINES, 1, 10000, 100, &lines);
	if (!code)
		code = cli_client(cli, &client);
	if (code)
		return code;
	snprintf(text, sizeof(text), "%ld", lines);
	url_path(&url, "/v1/log");
	url_query(&url, "lines", text);
	struct client_request request = {.method = "GET", .url = &url};
	code = client_perform(client, &request, &answer);
	const char *log = code ? NULL : buffer_text(&answer.body);
	if (log && cli->json) {
		json_t *list = json_array();
		while (*log) {
			size_t len = strcspn(log, "\n");
			json_array_append_new(list, json_stringn(log, len));
			log += len + (log[len] == '\n');
		}
		code = cli_print_json(cli, json_pack("{s:o}", "lines", list), 0);
	} else if (log) {
		cli_print_text(cli->out, log, true);
	}
	client_answer_deinit(&answer);
	return code;
}
