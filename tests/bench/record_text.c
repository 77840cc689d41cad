/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/record_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "tests/bench/measure.h"

#define POOL_BYTES 65536u
/* What msgpack adds: 66 bytes of map, keys, the other values and the text's own header. */
#define DOCUMENT_TEXT_BYTES (RECORD_TEXT_BODY_BYTES - 66)
#define ALERT_TEXT_BYTES 700u

static const char *pool_at(uint64_t number)
{
	static char pool[POOL_BYTES + RECORD_TEXT_BODY_BYTES];
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .";
	if (!pool[0]) {
		measure_fill(pool, sizeof(pool), 4);
		for (size_t i = 0; i < sizeof(pool); i++)
			pool[i] = letters[(uint8_t)pool[i] % 64];
	}
	return pool + number * 7919 % POOL_BYTES;
}

size_t record_text_document(char to[static RECORD_TEXT_LINE_MAX], uint64_t number)
{
	int len = snprintf(to, RECORD_TEXT_LINE_MAX,
		"{\"kind\":\"doc\",\"body\":{\"language\":\"en\",\"media_type\":\"text/plain\","
		"\"text\":\"%.*s\",\"title\":\"Record %09llu\"}}\n",
		(int)DOCUMENT_TEXT_BYTES, pool_at(number), (unsigned long long)number);
	require(len > 0 && len < (int)RECORD_TEXT_LINE_MAX);
	return (size_t)len;
}

size_t record_text_alert(char to[static RECORD_TEXT_LINE_MAX], uint64_t number)
{
	char sent[32];
	time_t now = time(NULL);
	struct tm utc;
	strftime(sent, sizeof(sent), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	int len = snprintf(to, RECORD_TEXT_LINE_MAX,
		"{\"kind\":\"alert\",\"body\":{\"identifier\":\"bench-%llu\",\"sender\":\"bench\","
		"\"sent\":\"%s\",\"status\":\"Exercise\",\"msgType\":\"Alert\",\"scope\":\"Public\","
		"\"info\":[{\"category\":[\"Other\"],\"event\":\"Exercise\",\"urgency\":\"Future\","
		"\"severity\":\"Minor\",\"certainty\":\"Possible\",\"headline\":\"Exercise\","
		"\"description\":\"%.*s\"}]}}\n",
		(unsigned long long)number, sent, (int)ALERT_TEXT_BYTES, pool_at(number));
	require(len > 0 && len < (int)RECORD_TEXT_LINE_MAX);
	return (size_t)len;
}
