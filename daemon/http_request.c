/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http_request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#include "base/check.h"
#include "base/text.h"
#include "daemon/http_error.h"
#include "daemon/http_server.h"
#include "record/json_text.h"

struct http_request *http_request_ref(struct http_request *request)
{
	request->refs++;
	return request;
}

void http_request_unref(struct http_request *request)
{
	if (!request || --request->refs > 0)
		return;
	struct http_server *server = request->server;
	if (request->response)
		MHD_destroy_response(request->response);
	if (request->state_free)
		request->state_free(request->state);
	buffer_deinit(&request->body);
	list_remove(&request->node);
	free(request->path);
	free(request);
	http_server_request_gone(server);
}

void http_request_set_state(struct http_request *request, void *state, void (*free_fn)(void *))
{
	require(!request->state);
	request->state = state;
	request->state_free = free_fn;
}

const char *http_request_parameter(const struct http_request *request, const char *name)
{
	int number = http_route_parameter(request->route, name);
	require(number >= 0);
	return request->parameters[number];
}

const char *http_request_query(const struct http_request *request, const char *name)
{
	struct bytes value;
	const char *text = NULL;
	if (!request->connection ||
		MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name,
			strlen(name), &text, &value.len) != MHD_YES)
		return NULL;
	return text ? text : "";
}

const char *http_request_header(const struct http_request *request, const char *name)
{
	if (!request->connection)
		return NULL;
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

int http_request_query_uint(struct http_request *request, const char *name, uint64_t min,
	uint64_t max, uint64_t fallback, uint64_t *out)
{
	const char *text = http_request_query(request, name);
	*out = fallback;
	if (!text)
		return 0;
	size_t len = strlen(text);
	uint64_t value = 0;
	bool good = len > 0 && len <= 19 && strspn(text, "0123456789") == len;
	for (size_t i = 0; good && i < len; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	if (!good || value < min || value > max) {
		http_respond_refusal(request, 400, "field", name, "It must be a number from %llu to %llu.",
			(unsigned long long)min, (unsigned long long)max);
		return ERROR_FIELD;
	}
	*out = value;
	return 0;
}

bool http_request_has_type(const struct http_request *request)
{
	return http_request_header(request, "Content-Type") != NULL;
}

bool http_request_is_type(const struct http_request *request, const char *media_type)
{
	const char *type = http_request_header(request, "Content-Type");
	size_t len = strlen(media_type);
	return type && strncasecmp(type, media_type, len) == 0 &&
		(type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

json_t *http_request_json(struct http_request *request)
{
	json_error_t error;
	if (request->body.len == 0) /* whatever its type: curl sends one even of nothing */
		return json_object();
	if (http_request_has_type(request) && !http_request_is_type(request, "application/json")) {
		http_respond_refusal(request, 415, "media_type", "", "The body must be application/json.");
		return NULL;
	}
	if (!text_utf8_valid(buffer_bytes(&request->body))) {
		http_respond_refusal(request, 400, "syntax", "", "The body is not valid UTF-8.");
		return NULL;
	}
	json_t *json = json_loadb(
		(const char *)request->body.data, request->body.len, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		http_respond_refusal(request, 400, "syntax", "",
			"The body is not good JSON: line %d, column %d: %s.", error.line, error.column,
			json_text_fault(&error));
		return NULL;
	}
	if (!json_is_object(json)) {
		json_decref(json);
		http_respond_refusal(request, 400, "syntax", "", "The body must be a JSON object.");
		return NULL;
	}
	return json;
}

/** Takes the response over. */
static void respond(struct http_request *request, unsigned status, struct MHD_Response *response)
{
	require(!request->answered);
	request->answered = true;
	if (!response || !request->connection) {
		if (response)
			MHD_destroy_response(response);
		request->cut = true; /* without memory all that is left is to close */
	} else {
		request->response = response;
		request->status = status;
		MHD_add_response_header(response, "Cache-Control", "no-store");
		MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	}
	http_request_resume(request);
}

void http_respond_stream(
	struct http_request *request, unsigned status, struct MHD_Response *response)
{
	respond(request, status, response);
}

void http_respond_bytes(
	struct http_request *request, unsigned status, const char *media_type, struct bytes body)
{
	static const uint8_t nothing[1] = {0};
	const void *data = body.len ? body.data : nothing;
	/* The library does not write to it: the parameter lacks a const. */
	struct MHD_Response *response = MHD_create_response_from_buffer(
		body.len, (void *)(uintptr_t)data, MHD_RESPMEM_MUST_COPY);
	if (response && media_type)
		MHD_add_response_header(response, "Content-Type", media_type);
	respond(request, status, response);
}

void http_respond_json(struct http_request *request, unsigned status, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	json_decref(json);
	if (!text) {
		respond(request, 500, NULL);
		return;
	}
	text[len] = '\n'; /* in the place of the NUL: a terminal's prompt then stands on its own */
	http_respond_bytes(request, status, "application/json", bytes_of(text, len + 1));
	free(text);
}

void http_respond_empty(struct http_request *request)
{
	http_respond_bytes(request, 204, NULL, bytes_of(NULL, 0));
}

void http_respond_error(struct http_request *request, int code, const struct complaint *complaint)
{
	http_respond_json(request, http_error_of(code).status, http_error_json_of(code, complaint));
}

void http_respond_refusal(struct http_request *request, unsigned status, const char *code,
	const char *field, const char *format, ...)
{
	char reason[512];
	struct complaint complaint = {.field = "", .reason = ""};
	va_list args;
	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	complain(&complaint, 0, field, "%s", reason); /* cleans what a client wrote */
	http_respond_json(request, status, http_error_json(code, complaint.field, complaint.reason));
}

void http_respond_header(struct http_request *request, const char *name, const char *value)
{
	if (request->response)
		MHD_add_response_header(request->response, name, value);
}

void http_request_resume(struct http_request *request)
{
	if (!request->suspended || !request->connection)
		return;
	request->suspended = false;
	MHD_resume_connection(request->connection);
	http_server_wake(request->server);
}

struct request_work {
	uv_work_t work;
	struct http_request *request;
	void *subject;
	void (*run)(void *subject);
	void (*done)(struct http_request *request, void *subject);
};

static void on_work(uv_work_t *work)
{
	struct request_work *w = work->data;
	w->run(w->subject);
}

static void on_work_done(uv_work_t *work, int status)
{
	struct request_work *w = work->data;
	require(status == 0); /* nobody cancels it */
	w->done(w->request, w->subject);
	http_request_unref(w->request);
	free(w);
}

int http_request_work_on(struct http_request *request, void *subject, void (*run)(void *subject),
	void (*done)(struct http_request *request, void *subject))
{
	struct request_work *w = calloc(1, sizeof(*w));
	if (!w)
		return ERROR_MEMORY;
	w->work.data = w;
	w->request = http_request_ref(request);
	w->subject = subject;
	w->run = run;
	w->done = done;
	require(uv_queue_work(http_server_loop(request->server), &w->work, on_work, on_work_done) == 0);
	return 0;
}

void http_request_work(struct http_request *request, void (*run)(void *state),
	void (*done)(struct http_request *request, void *state))
{
	int code = http_request_work_on(request, request->state, run, done);
	if (code)
		http_respond_error(request, code, NULL);
}
