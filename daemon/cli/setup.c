/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/setup.h"

#include <jansson.h>

#include "base/error.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"
#include "daemon/identity.h"

#define LISTEN_MAX 16

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
		"Next: put a copy of %s/keys/city.key away from this machine, then start\n"
		"    hansad --config %s\n",
		cli_option(cli, OPTION_CITY), dir, fingerprint, dir, config);
	return CLI_DONE;
}

int setup_init(struct cli *cli)
{
	const char *listen[LISTEN_MAX], *address;
	struct complaint c = {0};
	char fingerprint[TEXT_FINGERPRINT_SIZE];
	struct identity_request request = {
		.dir = cli_option(cli, OPTION_DATA),
		.name = cli_option(cli, OPTION_CITY),
		.slug = cli_option(cli, OPTION_SLUG),
		.country = cli_option(cli, OPTION_COUNTRY),
		.listen = listen,
	};
	size_t at = 0;
	while ((address = arguments_next(&cli->arguments, OPTION_LISTEN, &at))) {
		if (request.listen_count == LISTEN_MAX)
			return cli_usage(cli, "--listen may be given %d times.", LISTEN_MAX);
		listen[request.listen_count++] = address;
	}
	int error = identity_init(&request, fingerprint, &c);
	if (error)
		return cli_refuse(cli, "%s%s%s%s", c.field[0] ? "--" : "", c.field, c.field[0] ? ": " : "",
			c.reason[0] ? c.reason : error_text(error));
	return print_made(cli, request.dir, fingerprint);
}

int setup_key_renew(struct cli *cli)
{
	struct client *client;
	struct url url;
	json_t *answer, *epoch;
	size_t i;
	int code = cli_client(cli, &client);
	if (code)
		return code;
	url_path(&url, "/v1/keys/renew");
	code = client_send(client, "POST", &url, NULL, &answer);
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
