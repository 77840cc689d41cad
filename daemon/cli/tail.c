/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/tail.h"

#include <jansson.h>
#include <poll.h>
#include <string.h>

#include "base/error.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"
#include "daemon/cli/event_stream.h"
#include "daemon/cli/view.h"

struct tail {
	struct cli *cli;
	struct event_stream stream;
	bool heard;    /* since the connection was made */
	bool unwanted; /* whoever read standard output has gone */
};

static void print_records(struct cli *cli, const json_t *data)
{
	json_t *record, *records = json_object_get(data, "records");
	size_t i;
	char time[20], title[VIEW_TITLE_MAX];
	json_array_foreach(records, i, record)
	{
		fprintf(cli->out, "%s  %s  ", cli_time(record, "time", time), cli_text(record, "id"));
		if (json_is_false(json_object_get(record, "confirmed")))
			fputs("(unconfirmed) ", cli->out);
		cli_print_text(cli->out, view_title(record, title), false);
		fputc('\n', cli->out);
	}
	if (json_array_size(records) == 0)
		fprintf(cli->out, "%s/%s/%s/%lld\n", cli_text(data, "network"), cli_text(data, "city"),
			cli_text(data, "lane"), (long long)json_integer_value(json_object_get(data, "last")));
}

static void print_event(struct cli *cli, const char *event, const json_t *data)
{
	const char *key;
	json_t *value;
	if (strcmp(event, "entry") == 0) {
		print_records(cli, data);
		return;
	}
	fprintf(cli->out, "%s", event);
	json_object_foreach((json_t *)(uintptr_t)data, key, value)
	{
		if (json_is_null(value) || (json_is_string(value) && !json_string_value(value)[0]))
			continue; /* a genesis is no city's */
		fprintf(cli->out, "  %s ", key);
		if (json_is_string(value))
			cli_print_text(cli->out, json_string_value(value), false);
		else
			fprintf(cli->out, "%lld", (long long)json_integer_value(value));
	}
	fputc('\n', cli->out);
}

static int on_event(void *ctx, const char *event, const char *id, const char *data)
{
	struct tail *tail = ctx;
	json_t *json = json_loads(data, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		return 0; /* of a later version */
	if (tail->cli->json)
		cli_print_json(tail->cli,
			json_pack("{s:s, s:s, s:O}", "event", event, "cursor", id, "data", json), JSON_COMPACT);
	else
		print_event(tail->cli, event, json);
	json_decref(json);
	fflush(tail->cli->out); /* a line is of use only now */
	return ferror(tail->cli->out) ? cli_refuse(tail->cli, "Standard output cannot be written.") : 0;
}

static int on_data(void *ctx, struct bytes data)
{
	struct tail *tail = ctx;
	int code = event_stream_push(&tail->stream, data);
	/* Nothing is written between events, so only this tells that `hansa tail | head` is over; the
	 * daemon says at least each 15 s that it is still there. */
	struct pollfd out = {.fd = fileno(tail->cli->out)};
	tail->heard = true;
	if (!code && poll(&out, 1, 0) == 1 && (out.revents & POLLERR)) {
		tail->unwanted = true;
		return CLI_REFUSED;
	}
	return code < 0 ? cli_refuse(tail->cli, "An event cannot be read: %s", error_text(code)) : code;
}

static int follow(struct tail *tail, struct client *client, const char *from)
{
	struct client_answer answer;
	struct url url;
	url_path(&url, "/v1/events");
	url_query(&url, "from", from);
	url_query(&url, "detail", "1");
	struct client_request request = {
		.method = "GET", .url = &url, .receive = on_data, .ctx = tail, .quiet_end = true};
	int code = client_perform(client, &request, &answer);
	client_answer_deinit(&answer);
	return code;
}

/** Where "from now on" is, so that a connection that breaks before the first event loses none. */
static int newest_cursor(struct client *client, char to[static EVENT_STREAM_ID_MAX])
{
	struct url url;
	json_t *status;
	url_path(&url, "/v1/status");
	int code = client_get(client, &url, &status);
	if (code)
		return code;
	snprintf(to, EVENT_STREAM_ID_MAX, "%s", cli_text(status, "cursor"));
	json_decref(status);
	return CLI_DONE;
}

int tail_run(struct cli *cli)
{
	struct client *client;
	struct tail tail = {.cli = cli};
	char now[EVENT_STREAM_ID_MAX] = "";
	const char *from = cli_option(cli, OPTION_FROM);
	int code = cli_client(cli, &client);
	if (!code && !from)
		code = newest_cursor(client, now);
	if (code)
		return code;
	if (!from && now[0])
		from = now;
	event_stream_init(&tail.stream, on_event, &tail);
	/* A reader that was too slow is cut off, and goes on after the last event that it got. */
	do {
		tail.heard = false;
		event_stream_restart(&tail.stream);
		code = follow(&tail, client, tail.stream.id[0] ? tail.stream.id : from);
	} while (!code && tail.heard);
	if (tail.unwanted)
		code = CLI_DONE;
	const char *at = tail.stream.id[0] ? tail.stream.id : from;
	if (code == CLI_NO_DAEMON && at)
		cli_note(cli, "To go on from here: hansa tail --from %s", at);
	event_stream_deinit(&tail.stream);
	return code;
}
