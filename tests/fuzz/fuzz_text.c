/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that people and strangers write: what a decoder accepts it would write itself, times
 * survive a round trip, slugs are slugs, and what a complaint or a log line shows is clean.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_clean(struct bytes text)
{
	while (text.len) {
		uint32_t character;
		size_t n = text_utf8_next(text, &character);
		require(n && text_printable(character));
		text = bytes_slice(text, n, text.len);
	}
}

static void check_line(void *ctx, enum log_level level, const char *line, size_t len)
{
	(void)ctx;
	(void)level;
	require(strlen(line) == len && len <= LOG_LINE_MAX);
	require_clean(bytes_of(line, len));
}

static void check_encodings(struct bytes text)
{
	uint8_t *decoded = malloc(text.len + 1);
	char *again = malloc(text.len * 2 + 8);
	size_t len;

	require(decoded && again);
	if (text_base64_decode(decoded, text.len, text, &len) == 0) {
		text_base64_encode(again, bytes_of(decoded, len));
		require(bytes_equal_text(text, again));
	}
	if (text_base64url_decode(decoded, text.len, text, &len) == 0) {
		text_base64url_encode(again, bytes_of(decoded, len));
		require(bytes_equal_text(text, again));
	}
	if (text_base32_decode(decoded, text.len, text, &len) == 0) {
		text_base32_encode(again, bytes_of(decoded, len));
		require(strlen(again) == text.len);
	}
	free(decoded);
	free(again);
}

static void check_forms(struct bytes text)
{
	char written[TIMESTAMP_TEXT_MAX], slug[TEXT_SLUG_MAX + 1];
	uint8_t key[32] = {0};
	struct timestamp time, back;
	int wrong;

	if (timestamp_parse_rfc3339(text, &time) == 0) {
		timestamp_format(time, written);
		require(timestamp_parse_rfc3339(bytes_from_text(written), &back) == 0);
		require(back.ms == time.ms);
	}
	text_slug_from(slug, text);
	require(text_slug_valid(bytes_from_text(slug)));
	int error = text_fingerprint_parse(key, text, &wrong);
	require(wrong >= 0 && wrong <= TEXT_FINGERPRINT_GROUPS);
	require(error != 0 || wrong == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaint complaint;
	struct bytes text = bytes_of(data, size);

	check_encodings(text);
	check_forms(text);
	char *copy = bytes_to_text(text);
	require(copy);
	complain(&complaint, ERROR_FIELD, copy, "refused: %s", copy);
	require_clean(bytes_from_text(complaint.field));
	require_clean(bytes_from_text(complaint.reason));
	log_set_sink(check_line, NULL);
	struct log_line l;
	log_begin(&l, LOG_LEVEL_INFO, "event");
	for (int i = 0; i < 5; i++)
		log_text_bytes(&l, "value", text);
	log_end(&l);
	free(copy);
	return 0;
}
