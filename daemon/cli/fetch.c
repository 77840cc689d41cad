/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "daemon/cli/client.h"
#include "daemon/cli/progress.h"
#include "daemon/cli/record_id.h"
#include "feed/attachment_id.h"

/** How long a member that can serve it is waited for, and how long between two questions. */
#define WAIT_S_MAX 60
#define ASK_EVERY_MS 500

struct fetch {
	struct cli *cli;
	struct fetch_file file;
	struct attachment_id_builder id;
	struct progress bar;
};

static int open_temporary(struct fetch_file *out)
{
	char *real = realpath(out->path, NULL);
	if (real && strlen(real) < sizeof(out->path))
		snprintf(out->path, sizeof(out->path), "%s", real);
	free(real);
	snprintf(out->temporary, sizeof(out->temporary), "%s.XXXXXX", out->path);
	return mkostemp(out->temporary, O_CLOEXEC);
}

int fetch_file_open(struct cli *cli, const char *path, struct fetch_file *out)
{
	struct stat info;
	out->temporary[0] = '\0';
	snprintf(out->path, sizeof(out->path), "%s", path);
	if (strlen(path) >= sizeof(out->path))
		return cli_refuse(cli, "The file's path is too long.");
	bool as_it_is = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
	int fd = as_it_is ? open(path, O_WRONLY | O_CLOEXEC) : open_temporary(out);
	out->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
	if (out->file)
		return CLI_DONE;
	int reason = errno;
	if (fd >= 0) {
		close(fd);
		if (out->temporary[0])
			unlink(out->temporary);
	}
	return cli_refuse(cli, "%s cannot be written: %s.", path, strerror(reason));
}

/* mkostemp made it 0600; it is to be as any new file. */
static bool temporary_finish(FILE *file)
{
	mode_t mask = umask(0);
	umask(mask);
	return fchmod(fileno(file), 0666 & ~mask) == 0 && fsync(fileno(file)) == 0;
}

int fetch_file_close(struct cli *cli, struct fetch_file *file, bool keep)
{
	bool named = !file->temporary[0];
	int reason = 0;
	if (keep && (fflush(file->file) || (!named && !temporary_finish(file->file))))
		reason = errno;
	if (fclose(file->file) && keep && !reason)
		reason = errno;
	file->file = NULL;
	if (keep && !reason && !named && rename(file->temporary, file->path))
		reason = errno;
	if (!named && (!keep || reason))
		unlink(file->temporary);
	if (keep && reason)
		return cli_refuse(cli, "%s cannot be written: %s.", file->path, strerror(reason));
	return CLI_DONE;
}

static int on_data(void *ctx, struct bytes data)
{
	struct fetch *f = ctx;
	if (attachment_id_builder_add(&f->id, data))
		return cli_refuse(f->cli, "The attachment cannot be checked: %s", error_text(f->id.error));
	if (fwrite(data.data, 1, data.len, f->file.file) != data.len)
		return cli_refuse(f->cli, "%s cannot be written: %s.", f->file.path, strerror(errno));
	progress_set(&f->bar, f->id.size >> 20);
	return CLI_DONE;
}

/** By name or id, among those of the record. */
static int attachment_find(
	struct cli *cli, const json_t *record, const char *wanted, const json_t **out)
{
	json_t *item;
	size_t i, found = 0;
	json_array_foreach(json_object_get(record, "attachments"), i, item)
	{
		if (strcasecmp(cli_text(item, "id"), wanted) == 0) {
			*out = item;
			return CLI_DONE;
		}
		if (strcmp(cli_text(item, "name"), wanted) == 0) {
			*out = item;
			found++;
		}
	}
	if (found == 1)
		return CLI_DONE;
	if (found > 1)
		return cli_refuse(cli,
			"Several attachments are named '%s': name the one you want by its id, "
			"which `hansa show` lists.",
			wanted);
	return cli_refuse(
		cli, "The record has no attachment '%s'; `hansa show` lists what it has.", wanted);
}

/** One request; *again if the daemon has to get it from other cities first. */
static int ask(
	struct fetch *f, struct client *client, const struct url *url, bool *again, bool *waiting)
{
	struct client_answer answer;
	struct client_request request = {.method = "GET", .url = url, .receive = on_data, .ctx = f};
	int code = client_perform(client, &request, &answer);
	*again = !code && answer.status == 202;
	*waiting = *again && strcmp(cli_text(answer.json, "state"), "waiting") == 0;
	if (*again)
		progress_set(&f->bar,
			(uint64_t)json_integer_value(json_object_get(answer.json, "held_bytes")) >> 20);
	client_answer_deinit(&answer);
	return code;
}

static int fetch_bytes(struct fetch *f, struct client *client, const struct url *url)
{
	const struct timespec pause = {.tv_nsec = ASK_EVERY_MS * 1000000L};
	bool again, waiting;
	unsigned waited_ms = 0;
	for (;;) {
		int code = ask(f, client, url, &again, &waiting);
		if (code || !again)
			return code;
		waited_ms = waiting ? waited_ms + ASK_EVERY_MS : 0;
		if (waited_ms > WAIT_S_MAX * 1000)
			return cli_refuse(f->cli,
				"No city that is connected now has this attachment. The daemon "
				"goes on asking: try again later.");
		nanosleep(&pause, NULL);
	}
}

static int fetch_checked(
	struct fetch *f, struct client *client, const struct url *url, const char *id)
{
	struct hash hash;
	char hex[TEXT_HEX_SIZE(HASH_SIZE)];
	int code = fetch_bytes(f, client, url);
	progress_clear(&f->bar);
	if (code)
		return code;
	if (attachment_id_builder_end(&f->id, &hash))
		return cli_no_memory(f->cli);
	if (strcmp(text_hex_encode(hex, hash_bytes(&hash)), id) != 0)
		return cli_refuse(f->cli,
			"What the daemon gave is not the attachment that was signed: no file "
			"was written. Its store may be damaged; see `hansa log`.");
	return CLI_DONE;
}

static int fetch_to_file(
	struct cli *cli, struct client *client, const struct record_id *id, const json_t *attachment)
{
	struct fetch f = {.cli = cli};
	struct url url;
	const char *path = cli_option(cli, OPTION_OUTPUT), *hex = cli_text(attachment, "id");
	uint64_t size = (uint64_t)json_integer_value(json_object_get(attachment, "size"));
	url_path(&url, "/v1/records/%s/%s/%s/%s/attachments/%s", id->network, id->city, id->lane,
		id->seq, hex);
	progress_init(&f.bar, cli->err, cli->err_is_terminal && size >> 20, "MiB", size >> 20);
	if (attachment_id_builder_init(&f.id))
		return cli_no_memory(cli);
	int code = fetch_file_open(cli, path, &f.file);
	if (!code) {
		code = fetch_checked(&f, client, &url, hex);
		int closed = fetch_file_close(cli, &f.file, code == CLI_DONE);
		code = code ? code : closed;
	}
	attachment_id_builder_deinit(&f.id);
	if (code)
		return code;
	if (cli->json)
		return cli_print_json(cli,
			json_pack("{s:s, s:s, s:I}", "file", path, "id", hex, "size", (json_int_t)size), 0);
	fprintf(cli->out, "%s: %llu bytes, as they were signed\n", path, (unsigned long long)size);
	return CLI_DONE;
}

int fetch_run(struct cli *cli)
{
	struct client *client;
	struct record_id id;
	struct url url;
	json_t *record = NULL;
	const json_t *attachment = NULL;
	int code = record_id_read(cli, cli->arguments.operands[0], &id);
	if (!code)
		code = cli_client(cli, &client);
	if (code)
		return code;
	record_id_url(&id, NULL, &url);
	code = client_get(client, &url, &record);
	if (!code)
		code = attachment_find(cli, record, cli->arguments.operands[1], &attachment);
	if (!code)
		code = fetch_to_file(cli, client, &id, attachment);
	json_decref(record);
	return code;
}
