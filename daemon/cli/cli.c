/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/cli/client.h"
#include "daemon/cli/command.h"

static unsigned terminal_columns(FILE *out)
{
	struct winsize size;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

void cli_init(struct cli *cli, FILE *in, FILE *out, FILE *err)
{
	cli->in = in;
	cli->out = out;
	cli->err = err;
	/* A stream in memory has no descriptor and is no terminal. */
	cli->in_is_terminal = fileno(in) >= 0 && isatty(fileno(in));
	cli->out_is_terminal = fileno(out) >= 0 && isatty(fileno(out));
	cli->err_is_terminal = fileno(err) >= 0 && isatty(fileno(err));
	cli->columns = cli->out_is_terminal ? terminal_columns(out) : 0;
	cli->command = cli->arguments.command;
	cli->json = arguments_have(&cli->arguments, OPTION_JSON);
}

void cli_deinit(struct cli *cli)
{
	client_free(cli->client);
	cli->client = NULL;
}

__attribute__((format(printf, 2, 0)))
static void say(struct cli *cli, const char *format, va_list values)
{
	fputs("hansa: ", cli->err);
	vfprintf(cli->err, format, values);
}

int cli_refuse(struct cli *cli, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	say(cli, format, values);
	va_end(values);
	fputc('\n', cli->err);
	return CLI_REFUSED;
}

int cli_usage(struct cli *cli, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	say(cli, format, values);
	va_end(values);
	if (cli->command)
		fprintf(cli->err, " Try `hansa %s --help`.", cli->command->verb);
	fputc('\n', cli->err);
	return CLI_USAGE;
}

void cli_note(struct cli *cli, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	vfprintf(cli->err, format, values);
	va_end(values);
	fputc('\n', cli->err);
}

int cli_no_memory(struct cli *cli)
{
	return cli_refuse(cli, "There is not enough memory.");
}

const char *cli_option(const struct cli *cli, enum option_id id)
{
	return arguments_value(&cli->arguments, id);
}

int cli_option_number(
	struct cli *cli, enum option_id id, long min, long max, long missing, long *out)
{
	const char *text = cli_option(cli, id);
	*out = missing;
	if (!text)
		return CLI_DONE;
	char *end;
	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno || end == text || *end || *out < min || *out > max)
		return cli_usage(cli, "--%s is '%s'; it must be a number from %ld to %ld.",
			option_specs[id].name, text, min, max);
	return CLI_DONE;
}

int cli_print_json(struct cli *cli, json_t *json, size_t flags)
{
	char *text = json ? json_dumps(json, flags) : NULL;
	json_decref(json);
	if (!text)
		return cli_no_memory(cli);
	struct bytes left = bytes_from_text(text);
	while (left.len) {
		uint32_t character = 0;
		size_t len = text_utf8_next(left, &character);
		if (len == 0)
			len = 1;
		/* jansson escapes C0 itself; the rest can only stand within strings. */
		if (text_printable(character) || character == '\n')
			fwrite(left.data, 1, len, cli->out);
		else if (character < 0x10000)
			fprintf(cli->out, "\\u%04x", (unsigned)character);
		else
			fprintf(cli->out, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((character - 0x10000) >> 10)),
				(unsigned)(0xdc00 + (character & 0x3ff)));
		left = bytes_slice(left, len, left.len);
	}
	fputc('\n', cli->out);
	free(text);
	return CLI_DONE;
}

void cli_print_text(FILE *to, const char *text, bool lines)
{
	struct bytes left = bytes_from_text(text);
	while (left.len) {
		uint32_t character = 0;
		size_t len = text_utf8_next(left, &character);
		if (len == 0)
			len = 1;
		if ((len > 1 || left.data[0] < 0x80) && text_printable(character))
			fwrite(left.data, 1, len, to);
		else if (lines && (character == '\n' || character == '\t'))
			fputc((int)character, to);
		else if (character != '\r')
			fputc(character == '\n' || character == '\t' ? ' ' : '?', to);
		left = bytes_slice(left, len, left.len);
	}
}

const char *cli_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

const char *cli_time(const json_t *object, const char *key, char to[static 20])
{
	const char *text = cli_text(object, key);
	if (strlen(text) < 16 || text[10] != 'T')
		snprintf(to, 20, "-");
	else
		snprintf(to, 20, "%.10s %.5s", text, text + 11);
	return to;
}

int cli_client(struct cli *cli, struct client **out)
{
	const char *socket = cli_option(cli, OPTION_SOCKET), *folder = getenv("HANSA_DATA_DIR");
	int len;
	*out = cli->client;
	if (*out)
		return CLI_DONE;
	if (!socket || !socket[0])
		socket = getenv("HANSA_SOCKET");
	if (socket && socket[0])
		len = snprintf(cli->socket, sizeof(cli->socket), "%s", socket);
	else if (folder && folder[0])
		len = snprintf(cli->socket, sizeof(cli->socket), "%s/control.sock", folder);
	else
		len = snprintf(cli->socket, sizeof(cli->socket), "/run/hansa/control.sock");
	if ((size_t)len >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return cli_usage(cli,
			"The socket's path has %d bytes, the system allows %zu: use a relative "
			"path or a shorter one.",
			len, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	cli->client = *out = client_new(cli->socket, cli->err);
	return *out ? CLI_DONE : cli_no_memory(cli);
}

static int network_only(struct cli *cli, const json_t *networks, char **slug)
{
	size_t count = json_array_size(networks);
	if (count == 0)
		return cli_refuse(cli,
			"This city is in no network yet: `hansa join TOKEN` joins one, `hansa "
			"network create` founds one.");
	if (count == 1) {
		*slug = strdup(cli_text(json_array_get(networks, 0), "slug"));
		return *slug ? CLI_DONE : cli_no_memory(cli);
	}
	char names[512] = "";
	for (size_t i = 0, len = 0; i < count && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
			cli_text(json_array_get(networks, i), "slug"));
	return cli_usage(
		cli, "This city is in several networks: say which with --network (%s).", names);
}

int cli_network(struct cli *cli, char **slug)
{
	const char *given = cli_option(cli, OPTION_NETWORK);
	struct client *client;
	struct url url;
	json_t *answer;
	*slug = NULL;
	if (given) {
		*slug = strdup(given);
		return *slug ? CLI_DONE : cli_no_memory(cli);
	}
	int code = cli_client(cli, &client);
	if (code)
		return code;
	url_path(&url, "/v1/networks");
	code = client_get(client, &url, &answer);
	if (code)
		return code;
	code = network_only(cli, json_object_get(answer, "networks"), slug);
	json_decref(answer);
	return code;
}
