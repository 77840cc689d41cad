/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/setup.h"

#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"
#include "daemon/config_schema.h"
#include "daemon/identity.h"

#define ADDRESSES_MAX 16

/** Of --listen or --advertise: how many there are, or CLI_USAGE. */
static int addresses_take(
	struct cli *cli, enum option_id id, const char *to[static ADDRESSES_MAX], size_t *count)
{
	const char *address;
	size_t at = 0;
	while ((address = arguments_next(&cli->arguments, id, &at))) {
		if (*count == ADDRESSES_MAX)
			return cli_usage(
				cli, "--%s may be given %d times.", option_specs[id].name, ADDRESSES_MAX);
		to[(*count)++] = address;
	}
	return CLI_DONE;
}

static bool can_be_dialled(const struct identity_request *request)
{
	if (request->advertise_count > 0)
		return true;
	for (size_t i = 0; i < request->listen_count; i++)
		if (!config_address_is_any(request->listen[i]))
			return true;
	return false;
}

static int print_made(struct cli *cli, const char *dir, const char *fingerprint)
{
	char config[IDENTITY_PATH_MAX];
	if (identity_path(config, dir, IDENTITY_CONFIG))
		return CLI_REFUSED; /* identity_init has refused such a folder */
	if (cli->json)
		return cli_print_json(cli,
			json_pack("{s:s, s:s, s:s, s:s}", "city", cli_option(cli, OPTION_SLUG), "data", dir,
				"config", config, "fingerprint", fingerprint),
			0);
	fprintf(cli->out,
		"The keys and the configuration of %s are in %s.\n\n"
		"Its fingerprint, to be read out over the telephone to who admits it:\n\n    %s\n\n"
		"Next: put a copy of the folder %s/keys away from this machine, then start\n"
		"    hansad --config %s\n",
		cli_option(cli, OPTION_CITY), dir, fingerprint, dir, config);
	return CLI_DONE;
}

int setup_init(struct cli *cli)
{
	const char *listen[ADDRESSES_MAX], *advertise[ADDRESSES_MAX];
	struct complaint c = {0};
	char fingerprint[TEXT_FINGERPRINT_SIZE];
	struct identity_request request = {
		.dir = cli_option(cli, OPTION_DATA),
		.name = cli_option(cli, OPTION_CITY),
		.slug = cli_option(cli, OPTION_SLUG),
		.country = cli_option(cli, OPTION_COUNTRY),
		.listen = listen,
		.advertise = advertise,
	};
	int code = addresses_take(cli, OPTION_LISTEN, listen, &request.listen_count);
	if (!code)
		code = addresses_take(cli, OPTION_ADVERTISE, advertise, &request.advertise_count);
	if (code)
		return code;
	int error = identity_init(&request, fingerprint, &c);
	if (error)
		return cli_refuse(cli, "%s%s%s%s", c.field[0] ? "--" : "", c.field, c.field[0] ? ": " : "",
			c.reason[0] ? c.reason : error_text(error));
	code = print_made(cli, request.dir, fingerprint);
	if (!code && !can_be_dialled(&request))
		cli_note(cli,
			"No other city can dial this one yet, so it cannot invite any: set advertise in "
			"hansad.yaml to the name or address under which the internet reaches it.");
	return code;
}

static void note_missing(struct cli *cli, const json_t *missing)
{
	const char *what = cli_text(missing, "what"), *network = cli_text(missing, "network"),
			   *lane = cli_text(missing, "lane");
	long long held = json_integer_value(json_object_get(missing, "held")),
			  known = json_integer_value(json_object_get(missing, "known"));
	if (strcmp(what, "records") == 0)
		cli_note(cli, "  %s, lane %s: %lld of %lld records are here; %lld to %lld are given up.",
			network, lane, held, known, held + 1, known);
	else if (strcmp(what, "word") == 0)
		cli_note(cli,
			"  %s: %lld of the %lld members needed have said how far they hold this city's "
			"records; what the others hold beyond those here is given up, in all lanes.",
			network, held, known);
	if (json_integer_value(json_object_get(missing, "linked")) == 0)
		cli_note(cli,
			"  %s: NO MEMBER IS LINKED NOW. Those that are away may have all of it: wait for one.",
			network[0] ? network : "a network");
}

/** Says what is given up, and lets a person decide. */
static int force_confirm(struct cli *cli, struct client *client)
{
	struct url url;
	json_t *answer, *missing;
	char line[32] = "";
	size_t i;
	url_path(&url, "/v1/publishing");
	int code = client_get(client, &url, &answer);
	if (code)
		return code;
	const json_t *all = json_object_get(answer, "missing");
	if (json_array_size(all) == 0) { /* the daemon refuses in its own words */
		json_decref(answer);
		return CLI_DONE;
	}
	cli_note(cli, "This city goes on without own records that are not back:\n");
	json_array_foreach((json_t *)(uintptr_t)all, i, missing) note_missing(cli, missing);
	json_decref(answer);
	cli_note(cli,
		"\nThe former epoch ends at what is here, for good: copies that turn up later, at a member "
		"or on the old disk, are shown as disowned and are no records of this city any more. "
		"Publish them anew from the originals.\n");
	if (arguments_have(&cli->arguments, OPTION_YES))
		return CLI_DONE;
	if (!cli->in_is_terminal || !cli->err_is_terminal)
		return cli_refuse(
			cli, "Nothing was done: nobody can be asked, since this is no terminal. Add --yes.");
	fprintf(cli->err, "Go on without them? Type yes: ");
	fflush(cli->err);
	if (fgets(line, sizeof(line), cli->in))
		line[strcspn(line, "\r\n")] = '\0';
	return strcmp(line, "yes") == 0 ? CLI_DONE : cli_refuse(cli, "Nothing was done.");
}

int setup_key_renew(struct cli *cli)
{
	struct client *client;
	struct url url;
	json_t *answer, *epoch, *request = NULL;
	size_t i;
	bool force = arguments_have(&cli->arguments, OPTION_FORCE);
	if (arguments_have(&cli->arguments, OPTION_YES) && !force)
		return cli_usage(cli, "--yes goes with --force: nothing else is asked.");
	int code = cli_client(cli, &client);
	if (!code && force)
		code = force_confirm(cli, client);
	if (code)
		return code;
	if (force)
		request = json_pack("{s:b}", "force", 1);
	url_path(&url, "/v1/keys/renew");
	code = client_send(client, "POST", &url, request, &answer);
	if (code)
		return code;
	if (cli->json)
		return cli_print_json(cli, answer, 0);
	fprintf(cli->out, "The node key is now %s.\n", cli_text(answer, "node_key"));
	json_array_foreach(json_object_get(answer, "epochs"), i, epoch)
		fprintf(cli->out, "%s: epoch %lld\n", cli_text(epoch, "network"),
			(long long)json_integer_value(json_object_get(epoch, "epoch")));
	json_decref(answer);
	return CLI_DONE;
}
