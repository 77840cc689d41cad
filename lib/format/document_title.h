/* SPDX-License-Identifier: Apache-2.0 */
/** The titles of documents, from their text or the file's name. Private to lib/format. */
#pragma once

#include "base/buffer.h"
#include "base/bytes.h"

#define DOCUMENT_TITLE_MAX 1024

/**
 * Appends the first heading of a text of that media type, as plain text on one line of at most
 * DOCUMENT_TITLE_MAX bytes; nothing if it has none. Returns the buffer's error.
 */
int document_title(const char *media_type, struct bytes text, struct buffer *out);

/** "docs/night__bus-plan.md" -> "night bus plan". */
int document_title_of_file(const char *filename, struct buffer *out);

/** Cuts the next line off *text, without its line end. */
struct bytes document_line(struct bytes *text);
