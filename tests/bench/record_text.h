/* SPDX-License-Identifier: Apache-2.0 */
/** Records of exactly 1 KiB, as the API takes them: each a text of its own that compresses badly.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** The stored body (canonical msgpack) of each record. */
#define RECORD_TEXT_BODY_BYTES 1024u
#define RECORD_TEXT_LINE_MAX 1400u

/** Writes a document as one line of NDJSON, its end included; always equally long. Its length. */
size_t record_text_document(char to[static RECORD_TEXT_LINE_MAX], uint64_t number);
/** The same for an alert of status Exercise, for now. */
size_t record_text_alert(char to[static RECORD_TEXT_LINE_MAX], uint64_t number);
