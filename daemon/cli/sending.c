/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/sending.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/cli/upload.h"
#include "record/body.h"
#include "record/header.h"

#define REASON_MAX 512

/** A folder beside the program: of the source tree, or of where it was installed. */
static bool folder_beside(char *to, size_t size, const char *relative)
{
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (len <= 0)
		return false;
	program[len] = '\0';
	char *slash = strrchr(program, '/');
	if (!slash)
		return false;
	*slash = '\0';
	int written = snprintf(to, size, "%s/%s", program, relative);
	return written > 0 && (size_t)written < size && access(to, R_OK) == 0;
}

static int mappings_load(struct cli *cli, struct mapping_set *out)
{
	char folder[PATH_MAX + 64];
	struct complaint c = {0};
	const char *given = cli_option(cli, OPTION_MAPPINGS);
	if (!given)
		given = getenv("HANSA_MAPPINGS");
	if (given && given[0])
		snprintf(folder, sizeof(folder), "%s", given);
	else if (!folder_beside(folder, sizeof(folder), "../config/mappings") &&
		!folder_beside(folder, sizeof(folder), "../share/hansa/mappings")) {
		snprintf(folder, sizeof(folder), "%s", HANSA_MAPPINGS_DIR);
		if (access(folder, R_OK) != 0)
			return CLI_DONE; /* then calls in JSON and CSV are refused, each with its reason */
	}
	if (mapping_load(folder, out, &c) == 0)
		return CLI_DONE;
	return cli_refuse(cli, "The mappings in %s cannot be used: %s%s%s", folder, c.field,
		c.field[0] ? ": " : "", c.reason);
}

int sending_init(
	struct sending *sending, struct cli *cli, unsigned kind, batch_result_fn *result, void *ctx)
{
	memset(sending, 0, sizeof(*sending));
	sending->cli = cli;
	sending->kind = kind;
	int code = mappings_load(cli, &sending->mappings);
	if (!code)
		code = cli_network(cli, &sending->network);
	if (!code)
		code = cli_client(cli, &sending->client);
	batch_init(&sending->batch, cli, sending->client, sending->network, result, ctx);
	return code;
}

void sending_deinit(struct sending *sending)
{
	mapping_set_deinit(&sending->mappings);
	batch_deinit(&sending->batch);
	free(sending->network);
}

static const char *shown(const struct sending *sending, const char *path)
{
	return strlen(path) > sending->prefix ? path + sending->prefix : path;
}

void sending_refuse(
	struct sending *sending, const char *path, const char *record, const char *reason)
{
	struct batch_result result = {
		.file = shown(sending, path), .record = record, .title = "", .reason = reason};
	sending->batch.result(sending->batch.ctx, &result);
}

/** The whole file, for free(); NULL with the reason. */
static uint8_t *file_read(const char *path, size_t *len, char *reason)
{
	struct stat info;
	uint8_t *data = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	*len = 0;
	if (fd < 0 || fstat(fd, &info) != 0)
		snprintf(reason, REASON_MAX, "It cannot be read: %s.", strerror(errno));
	else if (!S_ISREG(info.st_mode))
		snprintf(reason, REASON_MAX, "It is no regular file.");
	else if (info.st_size > (off_t)IMPORT_FILE_SIZE_MAX)
		snprintf(reason, REASON_MAX,
			"It has %lld MiB; at most %u MiB can be read as records. A larger "
			"one can be attached with --attach.",
			(long long)info.st_size >> 20, IMPORT_FILE_SIZE_MAX >> 20);
	else if (!(data = malloc((size_t)info.st_size + 1)))
		snprintf(reason, REASON_MAX, "There is not enough memory.");
	ssize_t part = 1;
	while (data && *len < (size_t)info.st_size && part > 0) {
		part = read(fd, data + *len, (size_t)info.st_size - *len);
		if (part < 0 && errno == EINTR)
			part = 1;
		else if (part > 0)
			*len += (size_t)part;
	}
	if (data && part < 0) {
		snprintf(reason, REASON_MAX, "It cannot be read: %s.", strerror(errno));
		free(data);
		data = NULL;
	}
	if (fd >= 0)
		close(fd);
	return data;
}

/** Header topics: those of --topic, else the document's own. */
static void topics_add(const struct cli *cli, json_t *record)
{
	json_t *topics = json_array(), *topic;
	size_t at = 0, i;
	const char *given;
	while ((given = arguments_next(&cli->arguments, OPTION_TOPIC, &at)))
		json_array_append_new(topics, json_string(given));
	if (json_array_size(topics) == 0)
		json_array_foreach(json_object_get(json_object_get(record, "body"), "topics"), i,
			topic) if (json_is_string(topic) &&
			json_string_length(topic) <= HEADER_TOPIC_SIZE_MAX &&
			json_array_size(topics) < HEADER_TOPICS_MAX) json_array_append(topics, topic);
	if (json_array_size(topics) > 0)
		json_object_set(record, "topics", topics);
	json_decref(topics);
}

static int attachments_add(
	struct sending *s, const struct import_item *item, json_t *record, char *reason)
{
	size_t at = 0;
	const char *path;
	int code = CLI_DONE;
	for (size_t i = 0; !code && i < item->attachment_count; i++) {
		const struct import_attachment *a = &item->attachments[i];
		code = upload_attach(s->cli, s->client, a->path, a->name, a->media_type,
			a->flags & HEADER_ATTACHMENT_CAP_ORIGINAL, record, reason, REASON_MAX);
	}
	while (!code && (path = arguments_next(&s->cli->arguments, OPTION_ATTACH, &at))) {
		const char *slash = strrchr(path, '/');
		code = upload_attach(s->cli, s->client, path, slash ? slash + 1 : path,
			import_media_type(path), false, record, reason, REASON_MAX);
	}
	return code;
}

static int on_item(void *user, const struct import_item *item)
{
	struct sending *s = user;
	char reason[REASON_MAX] = "";
	if (!item->body) {
		const struct complaint *c = &item->complaint;
		snprintf(reason, sizeof(reason), "%s%s%s", c->field, c->field[0] ? ": " : "", c->reason);
		sending_refuse(s, s->path, item->record, reason);
		return 0;
	}
	json_t *record = json_pack("{s:s, s:O}", "kind", kind_name(item->kind), "body", item->body);
	if (!record) {
		s->code = cli_no_memory(s->cli);
		return s->code;
	}
	topics_add(s->cli, record);
	int code = attachments_add(s, item, record, reason);
	if (code == CLI_REFUSED && reason[0]) {
		sending_refuse(s, s->path, item->record, reason);
		code = CLI_DONE;
	} else if (code == CLI_DONE && s->present && present_mark(s->present, record)) {
		struct batch_result result = {.file = shown(s, s->path),
			.record = item->record,
			.title = "",
			.reason = "",
			.present = true};
		s->batch.result(s->batch.ctx, &result);
	} else if (code == CLI_DONE) {
		code = batch_add(
			&s->batch, shown(s, s->path), item->record, body_title(item->kind, item->body), record);
	}
	json_decref(record);
	s->code = code;
	return code;
}

int sending_file(struct sending *sending, const struct import_entry *entry)
{
	char reason[REASON_MAX] = "";
	size_t len;
	uint8_t *content = file_read(entry->path, &len, reason);
	if (!content) {
		sending_refuse(sending, entry->path, "", reason);
		return CLI_DONE;
	}
	sending->path = entry->path;
	sending->code = CLI_DONE;
	int result = import_file(
		&sending->mappings, entry, bytes_of(content, len), sending->kind, on_item, sending);
	free(content);
	if (sending->code)
		return sending->code;
	return result ? cli_refuse(sending->cli, "%s: %s", entry->path, error_text(result)) : CLI_DONE;
}

int sending_finish(struct sending *sending)
{
	return batch_flush(&sending->batch);
}
