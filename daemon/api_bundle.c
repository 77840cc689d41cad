/* SPDX-License-Identifier: Apache-2.0 */
/** Bundles: made from the store by threads of the pool, and taken into the node as they come. */
#include "daemon/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crypto/seal.h"
#include "daemon/http_server.h"
#include "proto/bundle_write.h"
#include "proto/import.h"

/* ---- export ---- */

struct export {
	struct http_stream *stream; /* NULL once the client is gone */
	struct http_request *request;
	uv_work_t work;
	struct bundle_options options;
	struct bundle_writer *writer;
	struct buffer piece;
	/* sealed: each part by itself */
	bool sealed, part_open;
	struct hash city_id;
	uint8_t key[SEAL_KEY_BYTES];
	struct seal seal;
	struct bundle_cut cut;
	struct buffer plain;
	bool working, done;
	int code;
};

static void export_free(struct export *e)
{
	bundle_writer_free(e->writer);
	buffer_deinit(&e->piece);
	buffer_deinit(&e->plain);
	seal_deinit(&e->seal);
	http_request_unref(e->request);
	free(e);
}

static int seal_piece(struct export *e)
{
	struct bytes plain = buffer_bytes(&e->plain);
	int code = 0;
	while (plain.len && !code) {
		if (!e->part_open) {
			uint8_t secret[SEAL_KEY_BYTES];
			e->cut = (struct bundle_cut){0};
			seal_deinit(&e->seal);
			code = random_bytes(secret, sizeof(secret));
			if (!code)
				code = seal_begin(&e->seal, &e->city_id, e->key, secret, &e->piece);
			secret_wipe(secret, sizeof(secret));
			e->part_open = true;
		}
		size_t n = bundle_cut_take(&e->cut, plain);
		if (!code)
			code = seal_add(&e->seal, bytes_slice(plain, 0, n), &e->piece);
		plain = bytes_slice(plain, n, SIZE_MAX);
		if (e->cut.ended && !code) {
			code = seal_end(&e->seal, &e->piece);
			e->part_open = false;
		}
	}
	return code;
}

static void on_piece(uv_work_t *work)
{
	struct export *e = work->data;
	buffer_reset(&e->piece);
	buffer_reset(&e->plain);
	if (!e->writer)
		e->code = bundle_writer_new(&e->options, &e->writer);
	if (!e->code)
		e->code = bundle_writer_next(e->writer, e->sealed ? &e->plain : &e->piece, &e->done);
	if (!e->code && e->sealed)
		e->code = seal_piece(e);
}

static void on_want(struct http_stream *stream);

static void on_piece_done(uv_work_t *work, int status)
{
	struct export *e = work->data;
	require(status == 0);
	e->working = false;
	if (!e->stream) {
		export_free(e);
		return;
	}
	if (!e->code && !e->done && e->piece.len == 0) { /* less than a chunk to seal yet */
		on_want(e->stream);
		return;
	}
	if (e->code) { /* never a short bundle as if whole */
		log_event(LOG_LEVEL_WARN, "bundle_not_made", "reason", error_text(e->code));
		http_stream_abort(e->stream);
		return;
	}
	http_stream_push(e->stream, buffer_bytes(&e->piece));
}

static void on_want(struct http_stream *stream)
{
	struct export *e = stream->owner;
	if (e->done) {
		http_stream_end(stream);
		return;
	}
	e->working = true;
	require(uv_queue_work(http_server_loop(e->request->server), &e->work, on_piece,
		on_piece_done) == 0);
}

static void on_gone(struct http_stream *stream)
{
	struct export *e = stream->owner;
	e->stream = NULL;
	if (!e->working)
		export_free(e);
}

/** The city of a query's parameter; answers the request when there is none. */
static const struct roster_member *member_of(struct http_request *request,
	const struct roster *roster, const char *name)
{
	const char *slug = http_request_query(request, name);
	const struct roster_member *m = roster_member_by_slug(roster, bytes_from_text(slug));
	if (!m)
		http_respond_refusal(request, 404, "not_found", name,
			"The network has no city '%s'.", slug);
	return m;
}

static int export_options(struct http_request *request, const struct roster *roster,
	struct bundle_options *o)
{
	struct app *app = api_app(request);
	if (http_request_query_uint(request, "since_ms", 0, TIMESTAMP_MS_MAX, 0, &o->since_ms) ||
		http_request_query_uint(request, "part_bytes", BUNDLE_PART_BYTES_MIN, INT64_MAX, 0,
			&o->part_bytes))
		return ERROR_FIELD;
	o->store = app->store;
	o->files = app->attachment_files;
	o->network_id = *roster_network_id(roster);
	o->now = app_now(app).wall;
	if (http_request_query(request, "for")) {
		const struct roster_member *m = member_of(request, roster, "for");
		if (!m)
			return ERROR_NOT_FOUND;
		o->for_city = true;
		o->since_heard = !http_request_query(request, "since_ms");
		o->city_id = m->city_id;
	}
	int code = random_bytes(o->set, sizeof(o->set));
	if (!code)
		code = random_bytes(o->seed, sizeof(o->seed));
	if (code)
		http_respond_error(request, code, NULL);
	return code;
}

void api_bundle_export(struct http_request *request)
{
	size_t index;
	const struct roster *roster = api_network_of(request, &index);
	struct bundle_options options = {0};
	if (!roster || export_options(request, roster, &options))
		return;
	const struct roster_member *m = NULL;
	struct roster_epoch epoch;
	if (http_request_query(request, "seal")) {
		m = member_of(request, roster, "seal");
		if (!m)
			return;
		int code = roster_epoch(roster, &m->city_id, m->epoch, &epoch);
		if (code) {
			http_respond_error(request, code, NULL);
			return;
		}
	}
	struct export *e = calloc(1, sizeof(*e));
	if (!e) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	e->options = options;
	e->work.data = e;
	buffer_init(&e->plain, HTTP_STREAM_BYTES_MAX);
	e->sealed = m != NULL;
	if (m) {
		e->city_id = m->city_id;
		memcpy(e->key, epoch.sealing_key, SEAL_KEY_BYTES);
	}
	buffer_init(&e->piece, HTTP_STREAM_BYTES_MAX);
	e->request = http_request_ref(request);
	e->stream = http_stream_new(request, 200, "application/octet-stream",
		HTTP_STREAM_SIZE_UNKNOWN, e, on_want, on_gone);
	if (!e->stream)
		export_free(e);
}

/* ---- import ---- */

struct import {
	uv_timer_t timer; /* what the node says within its calls is looked at after them */
	struct http_request *request;
	struct app *app;
	struct node_import *node;
	struct complaint complaint;
	struct seal seal;
	struct buffer plain; /* opened, and not taken yet */
	bool looked, sealed;
	int code;
	bool ended, answered;
};

static void import_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void import_free(void *state)
{
	struct import *im = state;
	node_import_close(im->node, app_now(im->app));
	im->node = NULL;
	seal_deinit(&im->seal);
	buffer_deinit(&im->plain);
	uv_close((uv_handle_t *)&im->timer, import_closed);
}

static json_t *gaps_json(const struct import *im, const struct import_report *r)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < r->gap_count && i < IMPORT_GAPS_MAX; i++) {
		char city[TEXT_SLUG_MAX + 1];
		const struct import_gap *g = &r->gaps[i];
		json_array_append_new(array, json_pack("{s:s, s:s, s:o, s:o}", "city",
			api_city_slug(im->app, &g->city_id, city), "lane", lane_name(g->lane), "held",
			api_json_uint(g->held), "first", api_json_uint(g->first)));
	}
	return array;
}

static json_t *report_json(const struct import *im)
{
	const struct import_report *r = node_import_report(im->node);
	json_t *records = json_object();
	for (uint8_t lane = LANE_MIN; lane <= LANE_MAX; lane++)
		json_object_set_new(records, lane_name(lane), api_json_uint(r->records_new[lane - 1]));
	char set[TEXT_HEX_SIZE(BUNDLE_SET_BYTES)];
	text_hex_encode(set, bytes_of(r->begin.set, BUNDLE_SET_BYTES));
	return json_pack("{s:s, s:s, s:i, s:b, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o},"
		" s:i, s:o}", "network", r->begin.slug, "set", set, "part", (int)r->begin.part, "more",
		(int)r->more, "new", records, "held", api_json_uint(r->records_held), "waiting",
		api_json_uint(r->records_waiting), "other_history", api_json_uint(r->records_other),
		"objects", api_json_uint(r->objects_new), "attachments", "new",
		api_json_uint(r->attachments_new), "held", api_json_uint(r->attachments_held), "linked",
		api_json_uint(r->attachments_linked), "waiting", api_json_uint(r->attachments_waiting),
		"partial", api_json_uint(r->attachments_partial), "gap_count", (int)r->gap_count, "gaps",
		gaps_json(im, r));
}

/** Once all that was taken is durable. */
static void import_answer(struct import *im)
{
	int code;
	if (im->answered || !node_import_settled(im->node, &code, &im->complaint))
		return;
	im->answered = true;
	if (!im->code)
		im->code = code;
	if (!im->code)
		http_respond_json(im->request, 200, report_json(im));
	else if (im->code == ERROR_MEMORY || im->code == ERROR_CRYPTO)
		http_respond_error(im->request, im->code, NULL);
	else
		http_respond_refusal(im->request, im->code == ERROR_FULL ? 503 : 400,
			im->code == ERROR_FULL ? "full" : "bundle", im->complaint.field, "%s",
			im->complaint.reason);
}

/* The header is here: whether it is for this city, and can be opened. */
static int sealed_begun(struct import *im)
{
	const struct app *app = im->app;
	uint8_t secret[IDENTITY_SEALING_SIZE];
	struct hash city_id;
	char city[TEXT_SLUG_MAX + 1];
	memcpy(city_id.bytes, seal_city(&im->seal).data, HASH_SIZE);
	if (!hash_equal(&city_id, &app->identity.city_id)) {
		api_city_slug(app, &city_id, city);
		return complain(&im->complaint, ERROR_PERMISSION, "bundle",
			"The bundle is sealed to %s: only that city can open it.",
			city[0] ? city : "a city that is not known here");
	}
	if (memcmp(seal_key(&im->seal).data, app->identity.sealing_public, SEAL_KEY_BYTES) != 0)
		return complain(&im->complaint, ERROR_PERMISSION, "bundle",
			"The bundle is sealed to a key that this city has no more: have it made again.");
	int code = identity_sealing_secret(app->identity.node_key, secret);
	if (!code)
		code = seal_open_key(&im->seal, secret);
	secret_wipe(secret, sizeof(secret));
	return code;
}

static int take_plain(struct import *im)
{
	struct bytes left = buffer_bytes(&im->plain);
	size_t before = left.len;
	int code = node_import_receive(im->node, &left, app_now(im->app), &im->complaint);
	buffer_consume(&im->plain, before - left.len);
	return code;
}

/* Sealed bytes are taken only while nothing that was opened waits. */
static int take_sealed(struct import *im, struct bytes *in)
{
	int code = 0;
	while (in->len && !code) {
		if (im->plain.len)
			code = take_plain(im);
		if (code || im->plain.len)
			return code;
		code = seal_open_take(&im->seal, in, &im->plain);
		if (code)
			return complain(&im->complaint, code, "bundle",
				"The sealed bundle is damaged or was altered. What came before is kept.");
		if (im->seal.header_have == SEAL_HEADER_BYTES && !im->seal.keyed)
			code = sealed_begun(im);
	}
	return code || im->plain.len == 0 ? code : take_plain(im);
}

static void import_over(struct import *im)
{
	if (!im->code && im->sealed && im->plain.len)
		im->code = take_plain(im);
	if (!im->code && im->plain.len)
		return; /* woken again */
	if (!im->code && im->sealed && !im->seal.ended)
		im->code = complain(&im->complaint, ERROR_TRUNCATED, "bundle",
			"The sealed bundle is not whole: its end is missing. What came before is kept.");
	if (!im->code)
		im->code = node_import_end(im->node, &im->complaint);
	import_answer(im);
}

static void on_timer(uv_timer_t *timer)
{
	struct import *im = timer->data;
	if (im->ended)
		import_over(im);
	else if (im->code)
		import_answer(im);
	else
		http_request_resume(im->request);
}

static void on_wake(void *ctx)
{
	struct import *im = ctx;
	uv_timer_start(&im->timer, on_timer, 0, 0);
}

static void import_begin(struct http_request *request)
{
	struct app *app = api_app(request);
	if (app->disk_full) {
		http_respond_refusal(request, 503, "paused", "", "%s", app->full_reason);
		return;
	}
	struct import *im = calloc(1, sizeof(*im));
	int code = ERROR_MEMORY;
	if (im)
		code = node_import_open(app->node, on_wake, im, app_now(app), &im->node);
	if (code) {
		free(im);
		struct complaint c = {.field = "", .reason = ""};
		if (code == ERROR_BUSY)
			complain(&c, code, "", "Another bundle is being imported: try again when it is done.");
		http_respond_error(request, code, &c);
		return;
	}
	im->app = app;
	im->request = request;
	im->timer.data = im;
	seal_open_init(&im->seal);
	buffer_init(&im->plain, 2 * SEAL_CHUNK_BYTES);
	require(uv_timer_init(&app->loop, &im->timer) == 0);
	http_request_set_state(request, im, import_free);
}

static size_t import_data(struct http_request *request, struct bytes bytes)
{
	struct import *im = request->state;
	if (!im || im->code) /* it is being answered */
		return bytes.len;
	struct bytes left = bytes;
	if (!im->looked) {
		/* The seventh byte tells the two magics apart; any other is no bundle. */
		im->looked = true;
		im->sealed = bytes.len > 6 && bytes.data[6] == SEAL_MAGIC[6];
	}
	im->code = im->sealed
		? take_sealed(im, &left)
		: node_import_receive(im->node, &left, app_now(im->app), &im->complaint);
	if (!im->code)
		return bytes.len - left.len;
	on_wake(im);
	return bytes.len;
}

static void import_end(struct http_request *request)
{
	struct import *im = request->state;
	if (!im)
		return;
	im->ended = true;
	on_wake(im);
}

const struct http_upload api_bundle_upload = {import_begin, import_data, import_end};
