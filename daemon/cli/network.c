/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/network.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"
#include "daemon/cli/fingerprint.h"
#include "daemon/cli/officer_key.h"
#include "daemon/cli/signing.h"

#define EXPIRES_S_MIN 60
#define EXPIRES_S_MAX 2592000 /* the API's: 30 days */
#define EXPIRES_S 604800
#define TOKEN_LINE_MAX 8192

static json_t *create_request(struct cli *cli, const struct secret_key *key)
{
	char hex[TEXT_HEX_SIZE(PUBLIC_KEY_SIZE)];
	const char *name = cli_option(cli, OPTION_OFFICER_NAME);
	text_hex_encode(hex, public_key_bytes(secret_key_public(key)));
	return json_pack("{s:s, s:s, s:i, s:[{s:s, s:s}]}", "name", cli_option(cli, OPTION_NAME),
		"slug", cli_option(cli, OPTION_SLUG), "k", 1, "officers", "key", hex, "name",
		name ? name : "");
}

/** The key is on disk before the network is: a network without its key would be lost. */
static int create_with(
	struct cli *cli, struct client *client, struct officer_key *key, json_t **made)
{
	struct officer_keys keys = {.keys = {key->key}, .count = 1};
	const struct signing_wish wish = {
		.kind = SIGNING_GENESIS, .slug = cli_option(cli, OPTION_SLUG)};
	struct url url;
	json_t *request = create_request(cli, key->key), *prepared = NULL, *ready = NULL;
	bool is_new = key->is_new;
	if (!request)
		return cli_refuse(cli, "A name is not valid UTF-8.");
	url_path(&url, "/v1/networks/prepare");
	int code = client_send(client, "POST", &url, request, &prepared);
	if (!code)
		code = signing_sign(cli, &wish, prepared, &keys, &ready);
	if (!code)
		code = officer_key_write(cli, key);
	if (!code) {
		url_path(&url, "/v1/networks");
		code = client_send(client, "POST", &url, ready, made);
		ready = NULL;
		/* After a connection that broke nobody knows whether the network exists: keep the key. */
		if (code == CLI_REFUSED && is_new)
			unlink(key->path);
	}
	json_decref(ready);
	json_decref(prepared);
	return code;
}

int network_create(struct cli *cli)
{
	struct client *client;
	struct officer_key key = {0};
	json_t *made = NULL;
	const char *slug = cli_option(cli, OPTION_SLUG), *named;
	if (!text_slug_valid(bytes_from_text(slug)))
		return cli_refuse(cli,
			"--slug: A short name is 1 to 32 of a-z, 0-9 and '-', begins with a "
			"letter, and has no '--' and no '-' at its end.");
	int code = cli_client(cli, &client);
	if (!code)
		code = officer_key_for_network(cli, cli_option(cli, OPTION_OFFICER_KEY), slug, &key);
	if (!code)
		code = create_with(cli, client, &key, &made);
	if (code) {
		officer_key_free(&key);
		return code;
	}
	cli_note(cli,
		"Officer key: %s. Keep a copy of it away from this machine: whoever has it decides "
		"who is a member.",
		key.path);
	cli_note(cli,
		"Warning: one signature (k = 1) is enough to change this network: whoever takes this "
		"key can admit and remove cities.");
	if (cli->json) {
		json_object_set_new(made, "officer_key", json_string(key.path));
		code = cli_print_json(cli, made, 0);
	} else {
		/* Of a name that is taken here, the daemon makes another. */
		named = cli_text(made, "slug")[0] ? cli_text(made, "slug") : slug;
		fprintf(cli->out,
			"Network %s is founded. Its id is\n    %s\nNext: hansa invite --network %s "
			"--city SLUG\n",
			named, cli_text(made, "network_id"), named);
		if (strcmp(named, slug) != 0)
			cli_note(cli,
				"This city is in another network %s already, so it calls the new one %s. If you "
				"meant the other one, leave this one alone: it has no members but this city.",
				slug, named);
		json_decref(made);
	}
	officer_key_free(&key);
	return code;
}

/** "90s", "30m", "12h", "7d" in seconds. */
static int expires_read(struct cli *cli, long *seconds)
{
	static const char units[] = "smhd";
	static const long factors[] = {1, 60, 3600, 86400};
	const char *text = cli_option(cli, OPTION_EXPIRES);
	*seconds = EXPIRES_S;
	if (!text)
		return CLI_DONE;
	char *end;
	errno = 0;
	long number = strtol(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	bool good = !errno && end != text && unit && end[1] == '\0' && number > 0 &&
		number <= EXPIRES_S_MAX;
	*seconds = good ? number * factors[unit - units] : 0;
	if (*seconds < EXPIRES_S_MIN || *seconds > EXPIRES_S_MAX)
		return cli_usage(cli,
			"--expires is '%s'; it must be a number with s, m, h or d, such as 12h or "
			"7d, from a minute to 30 days.",
			text);
	return CLI_DONE;
}

static int invite_request(struct cli *cli, json_t **out)
{
	char key[FINGERPRINT_ARGUMENT_SIZE];
	long expires_s;
	int code = expires_read(cli, &expires_s);
	*out = NULL;
	if (!code && cli_option(cli, OPTION_KEY))
		code = fingerprint_argument(cli, OPTION_KEY, key);
	if (code)
		return code;
	*out = json_pack(
		"{s:s, s:i}", "city", cli_option(cli, OPTION_CITY), "expires_s", (int)expires_s);
	if (*out && cli_option(cli, OPTION_KEY))
		json_object_set_new(*out, "fingerprint", json_string(key));
	return *out ? CLI_DONE : cli_refuse(cli, "--city is not valid UTF-8.");
}

static const json_t *invitation_find(const json_t *answer, const char *city)
{
	json_t *invitation;
	size_t i;
	json_array_foreach(json_object_get(answer, "invitations"), i,
		invitation) if (strcmp(cli_text(invitation, "city"), city) == 0) return invitation;
	return NULL;
}

/** Its token then lets nobody in. */
static int withdraw(struct cli *cli)
{
	struct client *client = NULL;
	struct url url;
	char *network;
	json_t *answer = NULL;
	const char *city = cli_option(cli, OPTION_CITY);
	int code = cli_network(cli, &network);
	if (!code)
		code = cli_client(cli, &client);
	if (!code) {
		url_path(&url, "/v1/networks/%s/invitations", network);
		code = client_get(client, &url, &answer);
	}
	const json_t *invitation = code ? NULL : invitation_find(answer, city);
	if (!code && !invitation)
		code = cli_refuse(cli, "No invitation of %s is open in %s.", city, network);
	if (!code) {
		url_path(&url, "/v1/networks/%s/invitations/%s", network, cli_text(invitation, "id"));
		code = client_send(client, "DELETE", &url, NULL, NULL);
	}
	if (!code && cli->json)
		code = cli_print_json(cli, json_pack("{s:s, s:b}", "city", city, "withdrawn", 1), 0);
	else if (!code)
		fprintf(cli->out, "The invitation of %s to %s is withdrawn.\n", city, network);
	json_decref(answer);
	free(network);
	return code;
}

int network_invite(struct cli *cli)
{
	char *network, time[20];
	json_t *request, *answer = NULL;
	if (arguments_have(&cli->arguments, OPTION_WITHDRAW))
		return withdraw(cli);
	int code = invite_request(cli, &request);
	if (code)
		return code;
	code = cli_network(cli, &network);
	if (code) {
		json_decref(request);
		return code;
	}
	const struct signing_wish wish = {
		.kind = SIGNING_DELEGATION, .slug = cli_option(cli, OPTION_CITY)};
	code = signing_run(cli, &wish, network, "invitations", request, &answer);
	if (!code) {
		cli_note(cli,
			"This token lets %s join %s once, until %s UTC. It is a secret: send it on a safe "
			"way. There: hansa join TOKEN",
			cli_option(cli, OPTION_CITY), network, cli_time(answer, "expires", time));
		if (!cli_option(cli, OPTION_KEY))
			cli_note(cli, "Once it has joined, compare its fingerprint by voice: hansa confirm %s",
				cli_option(cli, OPTION_CITY));
		if (cli->json)
			code = cli_print_json(cli, json_incref(answer), 0);
		else
			fprintf(cli->out, "%s\n", cli_text(answer, "token"));
	}
	json_decref(answer);
	free(network);
	return code;
}

int network_join(struct cli *cli)
{
	struct client *client;
	struct url url;
	json_t *answer;
	char line[TOKEN_LINE_MAX];
	const char *token = cli->arguments.operands[0];
	if (strcmp(token, "-") == 0) {
		if (!fgets(line, sizeof(line), cli->in))
			return cli_usage(cli, "No token stands on standard input.");
		line[strcspn(line, "\r\n")] = '\0';
		token = line;
	}
	int code = cli_client(cli, &client);
	if (code)
		return code;
	url_path(&url, "/v1/join");
	json_t *request = json_pack("{s:s}", "token", token);
	if (!request)
		return cli_refuse(cli,
			"That is no token: it begins with hansa1- and has letters, digits, - and "
			"_ only.");
	code = client_send(client, "POST", &url, request, &answer);
	if (code)
		return code;
	bool confirmed = json_is_true(json_object_get(answer, "confirmed"));
	if (!confirmed)
		cli_note(cli,
			"This city is not confirmed there yet: call an officer of the network and read "
			"out your fingerprint, which `hansa status` shows.");
	if (cli->json)
		return cli_print_json(cli, answer, 0);
	fputs("Joined ", cli->out);
	cli_print_text(cli->out, cli_text(answer, "network"), false);
	fprintf(cli->out, " (%s). Its id is\n    %s\n", cli_text(answer, "slug"),
		cli_text(answer, "network_id"));
	json_decref(answer);
	return CLI_DONE;
}
