/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The text of HTML fragments that other people's data carry: tags are taken out, blocks become
 * lines, entities become characters, scripts and styles vanish. For texts to be read and searched,
 * not a sanitiser: the result is plain text and may contain '<'.
 */
#pragma once

#include "base/buffer.h"
#include "base/bytes.h"

/** Appends the text, with single spaces and at most one empty line. Returns the buffer's error. */
int html_text(struct bytes html, struct buffer *out);

/** The raw content of the first element of that name, or an empty view. */
struct bytes html_element(struct bytes html, const char *name);

/** The value of an attribute of the first tag of that name, or an empty view. */
struct bytes html_attribute(struct bytes html, const char *tag, const char *attribute);
