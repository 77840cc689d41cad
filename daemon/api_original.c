/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_original.h"

#include <unistd.h>

#include "format/cap.h"
#include "store/attachment_file.h"

static int attachment_read(const struct api_entry *entry, const struct header_attachment *a,
	struct attachment_files *files, struct buffer *out)
{
	struct store_attachment held;
	int fd;
	int code = store_attachment_info(entry->store, &a->id, &held);
	if (code || !held.complete || held.size > CAP_SIZE_MAX)
		return ERROR_NOT_FOUND;
	code = attachment_files_open_read(files, &a->id, &fd);
	if (code)
		return code;
	uint8_t *to = buffer_reserve(out, held.size);
	code = to ? attachment_file_read(fd, 0, to, held.size) : out->error;
	if (!code)
		buffer_commit(out, held.size);
	close(fd);
	return code;
}

int api_original_read(const struct api_entry *entry, const json_t *body,
	struct attachment_files *files, struct buffer *out)
{
	const json_t *text = json_object_get(json_object_get(body, "original"), "text");
	if (json_is_string(text))
		return buffer_push(out, json_string_value(text), json_string_length(text));
	for (size_t i = 0; i < entry->header.attachment_count; i++) {
		const struct header_attachment *a = &entry->header.attachments[i];
		if (a->flags & HEADER_ATTACHMENT_CAP_ORIGINAL)
			return attachment_read(entry, a, files, out);
	}
	return ERROR_NOT_FOUND;
}
