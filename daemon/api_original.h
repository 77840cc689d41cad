/* SPDX-License-Identifier: Apache-2.0 */
/** The CAP original that an alert keeps, inline in its body or as an attachment. */
#pragma once

#include <jansson.h>

#include "daemon/api_entry.h"

struct attachment_files;

/**
 * Thread: appends the original bytes. ERROR_NOT_FOUND: none is kept, or its attachment is not all
 * here.
 */
int api_original_read(const struct api_entry *entry, const json_t *body,
	struct attachment_files *files, struct buffer *out);
