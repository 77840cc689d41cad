/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http_error.h"

#include <stdbool.h>
#include <stddef.h>

static const struct {
	int code;
	struct http_error error;
} errors[] = {
	{ERROR_NOT_FOUND, {404, "not_found"}},
	{ERROR_CHARTER_UNKNOWN, {404, "not_found"}},
	{ERROR_EXISTS, {409, "exists"}},
	{ERROR_SLUG_TAKEN, {409, "exists"}},
	{ERROR_FULL, {503, "full"}},
	{ERROR_BUSY, {429, "busy"}},
	{ERROR_STATE, {409, "state"}},
	{ERROR_FROZEN, {409, "state"}},
	{ERROR_FORK, {409, "state"}},
	{ERROR_QUOTA, {429, "quota"}},
	{ERROR_PERMISSION, {403, "role"}},
	{ERROR_CANCELLED, {503, "stopping"}},
	{ERROR_TIMEOUT, {503, "timeout"}},
	{ERROR_PEER, {409, "peer"}},
	{ERROR_NOT_MEMBER, {409, "not_member"}},
	{ERROR_CHARTER_PREDECESSOR, {409, "charter"}},
	{ERROR_CHARTER_RIVAL, {409, "charter"}},
	{ERROR_CHARTER_SIGNERS, {409, "charter"}},
	{ERROR_CHARTER_ITEM, {409, "charter"}},
	{ERROR_EPOCH_RECORD, {409, "charter"}},
	{ERROR_TOKEN, {400, "token"}},
	{ERROR_TOKEN_EXPIRED, {400, "token"}},
	{ERROR_SIGNATURE, {400, "signature"}},
	{ERROR_KEY, {400, "signature"}},
	{ERROR_KEY_EXPOSED, {409, "state"}},
	{ERROR_FIELD, {400, "field"}},
	{ERROR_RANGE, {400, "field"}},
	{ERROR_TYPE, {400, "field"}},
	{ERROR_LIMIT, {400, "size"}},
	{ERROR_SIZE, {413, "size"}},
	{ERROR_DEPTH, {400, "size"}},
	{ERROR_USAGE, {400, "syntax"}},
	{ERROR_SYNTAX, {400, "syntax"}},
	{ERROR_UTF8, {400, "syntax"}},
	{ERROR_NOT_CANONICAL, {400, "syntax"}},
	{ERROR_TRUNCATED, {400, "syntax"}},
	{ERROR_TRAILING, {400, "syntax"}},
	{ERROR_VERSION, {400, "syntax"}},
};

struct http_error http_error_of(int code)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].code == code)
			return errors[i].error;
	}
	return (struct http_error){500, "internal"};
}

static json_t *text_json(const char *text)
{
	json_t *value = json_string(text ? text : "");
	return value ? value : json_string("(not UTF-8)");
}

json_t *http_error_json(const char *code, const char *field, const char *reason)
{
	return json_pack("{s:{s:s, s:o, s:o}}", "error", "code", code, "field", text_json(field),
		"reason", text_json(reason));
}

json_t *http_error_json_of(int code, const struct complaint *complaint)
{
	bool said = complaint && complaint->reason[0];
	return http_error_json(http_error_of(code).code, said ? complaint->field : "",
		said ? complaint->reason : error_text(code));
}
