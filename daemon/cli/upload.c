/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/cli/progress.h"
#include "record/body.h"

static void on_progress(void *ctx, uint64_t sent)
{
	progress_set(ctx, sent >> 20);
}

static FILE *file_open(const char *path, uint64_t *size, char *reason, size_t reason_size)
{
	struct stat info;
	/* O_NONBLOCK: a fifo must not hang the import. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = NULL;
	if (fd < 0 || fstat(fd, &info) != 0)
		snprintf(reason, reason_size, "%s cannot be read: %s.", path, strerror(errno));
	else if (!S_ISREG(info.st_mode))
		snprintf(reason, reason_size, "%s is no regular file.", path);
	else if (!(file = fdopen(fd, "rb")))
		snprintf(reason, reason_size, "There is not enough memory.");
	if (!file) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*size = (uint64_t)info.st_size;
	return file;
}

static int note_in_record(
	json_t *record, const json_t *stored, const char *name, const char *media_type, bool original)
{
	json_int_t size = json_integer_value(json_object_get(stored, "size"));
	json_t *list = json_object_get(record, "attachments");
	const char *id = cli_text(stored, "id");
	if (!list) {
		list = json_array();
		if (json_object_set_new(record, "attachments", list))
			return ERROR_MEMORY;
	}
	json_t *item = json_pack("{s:s, s:s, s:s, s:I, s:b}", "id", id, "name", name, "media_type",
		media_type, "size", size, "original", original);
	if (json_array_append_new(list, item))
		return ERROR_FIELD; /* a file's name that is not UTF-8 */
	if (original)
		return 0; /* the alert itself says what its original is */
	return body_add_attachment(
		json_object_get(record, "body"), id, name, media_type, (uint64_t)size);
}

int upload_attach(struct cli *cli, struct client *client, const char *path, const char *name,
	const char *media_type, bool original, json_t *record, char *reason, size_t reason_size)
{
	struct progress bar;
	struct client_answer answer;
	struct url url;
	uint64_t size;
	FILE *file = file_open(path, &size, reason, reason_size);
	if (!file)
		return CLI_REFUSED;
	progress_init(
		&bar, cli->err, cli->err_is_terminal && size >= UPLOAD_PROGRESS_BYTES, "MiB", size >> 20);
	url_path(&url, "/v1/attachments");
	struct client_request request = {.method = "POST",
		.url = &url,
		.media_type = "application/octet-stream",
		.file = file,
		.file_size = size,
		.progress = on_progress,
		.ctx = &bar,
		.reason = reason,
		.reason_size = reason_size};
	int code = client_perform(client, &request, &answer);
	progress_clear(&bar);
	fclose(file);
	int error = code ? 0 : note_in_record(record, answer.json, name, media_type, original);
	client_answer_deinit(&answer);
	if (!error)
		return code;
	snprintf(reason, reason_size, "%s cannot be attached: %s", name, error_text(error));
	return CLI_REFUSED;
}
