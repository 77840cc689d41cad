/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http_accept.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "daemon/http_server.h"

#define BODY_UNKNOWN UINT64_MAX /* chunked */

struct header_check {
	unsigned lengths, encodings;
	uint64_t length;
	bool broken, bad_text;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *key,
	const char *value)
{
	struct header_check *check = cls;
	(void)kind;
	if (strcasecmp(key, "Content-Length") == 0) {
		size_t len = value ? strlen(value) : 0;
		check->lengths++;
		if (len == 0 || len > 18 || strspn(value, "0123456789") != len)
			check->broken = true;
		else
			check->length = strtoull(value, NULL, 10);
	} else if (strcasecmp(key, "Transfer-Encoding") == 0) {
		check->encodings++;
	}
	return MHD_YES;
}

static enum MHD_Result on_argument(void *cls, enum MHD_ValueKind kind, const char *key,
	size_t key_len, const char *value, size_t value_len)
{
	struct header_check *check = cls;
	(void)kind;
	if (!text_utf8_valid(bytes_of(key, key_len)) || memchr(key, 0, key_len) ||
		(value && (!text_utf8_valid(bytes_of(value, value_len)) ||
		memchr(value, 0, value_len))))
		check->bad_text = true;
	return MHD_YES;
}

/** Answers the request if its headers are not acceptable. */
static void headers_check(struct http_request *request, const char *url, uint64_t *body_len)
{
	struct header_check check = {0};
	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, on_header, &check);
	MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, on_argument,
		&check);
	*body_len = check.encodings ? BODY_UNKNOWN : check.length;
	if (check.broken || check.lengths > 1 || (check.lengths && check.encodings)) {
		/* How long the body is would be judged differently by different programs. */
		*body_len = BODY_UNKNOWN;
		http_respond_refusal(request, 400, "syntax", "Content-Length",
			"The length of the body must be said once, and in one way.");
	} else if (check.bad_text || !text_utf8_valid(bytes_from_text(url))) {
		http_respond_refusal(request, 400, "syntax", "",
			"The path or the query is not valid UTF-8.");
	}
}

static void route_take(struct http_request *request, const struct http_match *match,
	const char *url)
{
	request->route = match->route;
	request->path = strdup(url);
	if (!request->path) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	for (size_t i = 0; i < match->parameter_count; i++) {
		struct bytes view = match->parameters[i];
		char *text = request->path + (view.data - (const uint8_t *)url);
		request->parameters[i] = text;
		text[view.len] = '\0'; /* the slash after it, or the end */
	}
}

static void route_find(struct http_request *request, const struct http_route *routes,
	size_t route_count, const char *method, const char *url)
{
	struct http_match match;
	http_route_find(routes, route_count, method, url, &match);
	if (!match.path_known) {
		http_respond_refusal(request, 404, "not_found", "", "There is no such path.");
	} else if (!match.route) {
		http_respond_refusal(request, 405, "method", "",
			"This path does not know that method, only %s.", match.allow);
		http_respond_header(request, "Allow", match.allow);
	} else if (request->role < match.route->role) {
		http_respond_refusal(request, 403, "role", "",
			"This takes the role '%s'; yours is '%s'.",
			http_role_name(match.route->role), http_role_name(request->role));
	} else {
		route_take(request, &match, url);
	}
}

static enum MHD_Result answer_queue(struct http_request *request)
{
	if (request->cut || !request->response)
		return MHD_NO;
	enum MHD_Result result = MHD_queue_response(request->connection, request->status,
		request->response);
	MHD_destroy_response(request->response);
	request->response = NULL;
	request->queued = true;
	return result;
}

enum MHD_Result http_accept_begin(struct http_request *request, const struct http_route *routes,
	size_t route_count, const char *method, const char *url, bool closing)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection,
		MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	uint64_t body_len;
	if (info && info->socket_context)
		request->role = (enum http_role)((uintptr_t)info->socket_context - 1);
	headers_check(request, url, &body_len);
	if (!request->answered && closing)
		http_respond_refusal(request, 503, "stopping", "", "The daemon is stopping.");
	if (!request->answered)
		route_find(request, routes, route_count, method, url);
	if (!request->answered && !request->route->upload) {
		buffer_init(&request->body, request->route->body_max);
		if (body_len != BODY_UNKNOWN && body_len > request->route->body_max)
			http_respond_refusal(request, 413, "size", "",
				"The body is too large: at most %zu bytes are taken here.",
				request->route->body_max);
	}
	if (!request->answered && request->route->upload)
		request->route->upload->begin(request);
	/* A long body is not waited for: the answer goes out now, and the connection ends. */
	if (request->answered && body_len != BODY_UNKNOWN && body_len > HTTP_PASS_OVER_BYTES)
		return answer_queue(request);
	return MHD_YES;
}

static void suspend(struct http_request *request)
{
	if (request->suspended)
		return;
	request->suspended = true;
	MHD_suspend_connection(request->connection);
}

static enum MHD_Result body_take(struct http_request *request, const char *data, size_t *size)
{
	if (request->answered) {
		request->passed_over += *size;
		*size = 0;
		return request->passed_over > HTTP_PASS_OVER_BYTES ? MHD_NO : MHD_YES;
	}
	if (request->route->upload) {
		/* What is left unconsumed without a suspension would be forgotten until more comes. */
		while (*size > 0 && !request->answered) {
			size_t taken = request->route->upload->data(request,
				bytes_of(data, *size));
			data += taken;
			*size -= taken;
			if (taken == 0 && !request->answered) {
				suspend(request);
				return MHD_YES;
			}
		}
		*size = 0;
		return MHD_YES;
	}
	int code = buffer_push(&request->body, data, *size);
	*size = 0;
	if (code == ERROR_SIZE)
		http_respond_refusal(request, 413, "size", "",
			"The body is too large: at most %zu bytes are taken here.",
			request->route->body_max);
	else if (code)
		http_respond_error(request, code, NULL);
	return MHD_YES;
}

enum MHD_Result http_accept_continue(struct http_request *request, const char *data, size_t *size)
{
	if (request->cut)
		return MHD_NO;
	if (*size > 0)
		return body_take(request, data, size);
	if (request->queued)
		return MHD_YES;
	if (!request->answered && !request->body_ended) {
		request->body_ended = true;
		if (request->route->upload)
			request->route->upload->end(request);
		else
			request->route->handler(request);
	}
	if (request->answered)
		return answer_queue(request);
	suspend(request);
	return MHD_YES;
}
