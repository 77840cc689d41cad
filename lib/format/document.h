/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Documents in: Markdown with YAML front matter, AsciiDoc, reStructuredText, HTML and plain text.
 * The text is kept as it is (of Markdown without its front matter, whose known keys become fields
 * of the body and whose others are kept under `extra`). Only metadata that stands in the file is
 * used: the title is that of the front matter, else the first heading, else the file's name; the
 * language is "und" if the file does not state it.
 */
#pragma once

#include <jansson.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"

/** The media type by the file's name, or NULL if it is no text document. */
const char *document_media_type(const char *filename);

/**
 * A new reference that passes body_validate(KIND_DOC). Refused with a complaint: other kinds of
 * file, text that is not UTF-8, a broken front matter (with its line), known keys with values
 * that no reader could use, more text than a body may hold.
 */
int document_parse(const char *filename, struct bytes content, json_t **doc, struct complaint *c);

/** A document that consists of its attachments only, with the title from the file's name. */
int document_of_attachment(const char *filename, json_t **doc);

/** Markdown with all metadata in its front matter; other media types in a fenced block. */
int document_write_markdown(const json_t *doc, struct buffer *out);
