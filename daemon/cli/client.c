/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/cli/cli.h"

struct client {
	CURL *curl;
	struct curl_slist *headers;
	FILE *err;
	char socket[CLI_PATH_MAX];
};

struct transfer {
	const struct client_request *request;
	struct client_answer *answer;
	CURL *curl;
	size_t sent;
	int stopped; /* what `receive` returned */
};

struct client *client_new(const char *socket, FILE *err)
{
	struct client *client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->err = err;
	snprintf(client->socket, sizeof(client->socket), "%s", socket);
	client->curl = curl_easy_init();
	if (!client->curl) {
		free(client);
		return NULL;
	}
	return client;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	curl_slist_free_all(client->headers);
	free(client);
}

void client_answer_deinit(struct client_answer *answer)
{
	buffer_deinit(&answer->body);
	json_decref(answer->json);
	memset(answer, 0, sizeof(*answer));
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	struct bytes bytes = bytes_of(data, size * count);
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->answer->status);
	if (t->request->receive && t->answer->status == 200) {
		t->stopped = t->request->receive(t->request->ctx, bytes);
		return t->stopped ? 0 : bytes.len;
	}
	return buffer_push_bytes(&t->answer->body, bytes) ? 0 : bytes.len;
}

static size_t on_upload(char *to, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	const struct client_request *r = t->request;
	size_t room = size * count, len;
	if (r->file) {
		uint64_t left = r->file_size - t->sent;
		len = fread(to, 1, left < room ? (size_t)left : room, r->file);
		if (len == 0 && left > 0)
			return CURL_READFUNC_ABORT; /* the file has become shorter */
	} else {
		struct bytes part = bytes_slice(r->body, t->sent, room);
		len = part.len;
		if (len)
			memcpy(to, part.data, len);
	}
	t->sent += len;
	if (r->progress)
		r->progress(r->ctx, t->sent);
	return len;
}

/** The transfer may start anew on a connection that had just ended. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct transfer *t = ctx;
	if (origin != SEEK_SET || (t->request->file && fseeko(t->request->file, offset, SEEK_SET)))
		return CURL_SEEKFUNC_FAIL;
	t->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static bool prepare(struct client *client, const struct client_request *r, struct transfer *t)
{
	CURL *curl = client->curl;
	char type[128];
	curl_easy_reset(curl);
	curl_slist_free_all(client->headers);
	client->headers = curl_slist_append(NULL, "Expect:"); /* no round trip before an upload */
	bool good = client->headers != NULL;
	if (r->media_type) {
		snprintf(type, sizeof(type), "Content-Type: %s", r->media_type);
		struct curl_slist *longer = curl_slist_append(client->headers, type);
		good = good && longer;
		client->headers = longer ? longer : client->headers;
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(
			curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(r->file ? r->file_size : r->body.len));
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_upload);
		curl_easy_setopt(curl, CURLOPT_READDATA, t);
		curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(curl, CURLOPT_SEEKDATA, t);
	} else if (strcmp(r->method, "POST") == 0) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
	}
	good = good && curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket) == CURLE_OK;
	curl_easy_setopt(curl, CURLOPT_URL, r->url->text);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	/* curl repeats a request by itself when a connection that it reused had ended: never publish
	 * twice. A connection to a Unix socket costs next to nothing. */
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* whatever http_proxy says */
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "hansa/" HANSA_VERSION);
	return good;
}

/** Says why nobody answers at the socket. */
static int say_no_daemon(struct client *client, long reason)
{
	struct stat info;
	const char *socket = client->socket;
	int missing = stat(socket, &info) != 0 ? errno : 0;
	if (missing == EACCES)
		fprintf(client->err,
			"hansa: You may not reach the folder of %s: run this as a user that "
			"may, or ask your administrator.\n",
			socket);
	else if (missing)
		fprintf(client->err,
			"hansa: No daemon runs there: %s does not exist. Start it with `hansad "
			"--config DIR/hansad.yaml`, or name another socket with --socket.\n",
			socket);
	else if (!S_ISSOCK(info.st_mode))
		fprintf(client->err, "hansa: %s is no socket: name the daemon's with --socket.\n", socket);
	else if (reason == EACCES || reason == EPERM)
		fprintf(client->err,
			"hansa: You may not open %s: ask your administrator to put you into "
			"its group.\n",
			socket);
	else
		fprintf(client->err,
			"hansa: The daemon of %s is not running. Start it with `hansad --config "
			"DIR/hansad.yaml`.\n",
			socket);
	return CLI_NO_DAEMON;
}

static int say_broken(struct client *client, const struct transfer *t, CURLcode code)
{
	long reason = 0;
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &reason);
		return say_no_daemon(client, reason);
	case CURLE_ABORTED_BY_CALLBACK:
		fprintf(client->err, "hansa: A file changed while it was read. Try again.\n");
		return CLI_REFUSED;
	case CURLE_OUT_OF_MEMORY:
		fprintf(client->err, "hansa: There is not enough memory.\n");
		return CLI_REFUSED;
	case CURLE_WRITE_ERROR:
		if (t->stopped)
			return t->stopped; /* who stopped it has said why */
		fprintf(client->err, "hansa: The daemon's answer is larger than can be held here.\n");
		return CLI_REFUSED;
	default:
		fprintf(client->err,
			"hansa: The daemon ended the connection before it had answered (%s). "
			"See `hansa status` whether it was done.\n",
			curl_easy_strerror(code));
		return CLI_NO_DAEMON;
	}
}

/** What to do about some refusals. */
static const char *hint(const char *code)
{
	static const struct {
		const char *code, *text;
	} hints[] = {
		{"role", " Your administrator gives roles to users in hansad.yaml, under control.roles."},
		{"recovering", ". `hansa status` shows what it waits for."},
		{"full", " Make room on the disk, then try again."},
		{"busy", " Try again in a moment."},
		{"stopping", " Try again when the daemon has been started again."},
	};
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strcmp(code, hints[i].code) == 0)
			return hints[i].text;
	return "";
}

static int say_refused(
	struct client *client, const struct client_request *request, const struct client_answer *answer)
{
	const json_t *error = json_object_get(answer->json, "error");
	const char *reason = cli_text(error, "reason"), *field = cli_text(error, "field");
	if (strncmp(field, "items[0].", 9) == 0)
		field += 9; /* the only item, which this command made */
	if (strcmp(cli_text(error, "code"), "not_found") == 0)
		field = ""; /* the sentence says what was not found */
	if (request->reason && reason[0]) {
		snprintf(request->reason, request->reason_size, "%s%s%s%s", field, field[0] ? ": " : "",
			reason, hint(cli_text(error, "code")));
	} else if (request->reason) {
		snprintf(request->reason, request->reason_size, "The daemon answered %ld without a reason.",
			answer->status);
	} else if (reason[0]) {
		fputs("hansa: ", client->err);
		cli_print_text(client->err, field, false);
		fputs(field[0] ? ": " : "", client->err);
		cli_print_text(client->err, reason, false);
		fprintf(client->err, "%s\n", hint(cli_text(error, "code")));
	} else {
		fprintf(client->err,
			"hansa: The daemon answered %ld without a reason; `hansa log` may tell "
			"more.\n",
			answer->status);
	}
	return CLI_REFUSED;
}

static int answer_read(
	struct client *client, const struct client_request *request, struct client_answer *answer)
{
	char *type = NULL;
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_easy_getinfo(client->curl, CURLINFO_CONTENT_TYPE, &type);
	if (type)
		snprintf(
			answer->media_type, sizeof(answer->media_type), "%.*s", (int)strcspn(type, "; "), type);
	if (strcmp(answer->media_type, "application/json") == 0 && answer->body.len) {
		answer->json = json_loadb(
			(const char *)answer->body.data, answer->body.len, JSON_REJECT_DUPLICATES, NULL);
		if (!answer->json && answer->status / 100 == 2) {
			fprintf(client->err,
				"hansa: The daemon's answer cannot be read. Are hansa and hansad of "
				"one version?\n");
			return CLI_REFUSED;
		}
	}
	return answer->status / 100 == 2 ? CLI_DONE : say_refused(client, request, answer);
}

int client_perform(
	struct client *client, const struct client_request *request, struct client_answer *answer)
{
	struct transfer t = {.request = request, .answer = answer, .curl = client->curl};
	memset(answer, 0, sizeof(*answer));
	buffer_init(&answer->body, CLI_ANSWER_MAX);
	if (request->url->too_long) {
		fprintf(client->err, "hansa: A name in the request is too long.\n");
		return CLI_REFUSED;
	}
	if (!prepare(client, request, &t)) {
		fprintf(client->err, "hansa: There is not enough memory.\n");
		return CLI_REFUSED;
	}
	CURLcode code = curl_easy_perform(client->curl);
	if (code != CURLE_OK) {
		curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &answer->status);
		answer->unreached = code == CURLE_COULDNT_CONNECT;
		bool ended = code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR;
		if (request->quiet_end && ended && answer->status == 200)
			return CLI_DONE;
		return say_broken(client, &t, code);
	}
	return answer_read(client, request, answer);
}

int client_get(struct client *client, const struct url *url, json_t **out)
{
	return client_send(client, "GET", url, NULL, out);
}

int client_send(
	struct client *client, const char *method, const struct url *url, json_t *request, json_t **out)
{
	struct client_answer answer;
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	bool lost = request && !text;
	json_decref(request);
	if (out)
		*out = NULL;
	if (lost) {
		fprintf(client->err, "hansa: There is not enough memory.\n");
		return CLI_REFUSED;
	}
	struct client_request r = {.method = method,
		.url = url,
		.media_type = text ? "application/json" : NULL,
		.body = bytes_from_text(text)};
	int code = client_perform(client, &r, &answer);
	free(text);
	if (code == CLI_DONE && out && answer.status != 204) {
		*out = json_incref(answer.json);
		if (!*out) {
			fprintf(client->err,
				"hansa: The daemon answered without JSON. Are hansa and hansad of "
				"one version?\n");
			code = CLI_REFUSED;
		}
	}
	client_answer_deinit(&answer);
	return code;
}
