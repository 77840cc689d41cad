/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/timestamp.h"
#include "daemon/cli/client.h"
#include "daemon/cli/fetch.h"
#include "daemon/cli/progress.h"
#include "proto/bundle_write.h"
#include "record/kind.h"

/* ---- options ---- */

/** "25M" and the like. 0: not given. */
static int split_read(struct cli *cli, uint64_t *bytes)
{
	const char *text = cli_option(cli, OPTION_SPLIT);
	*bytes = 0;
	if (!text)
		return CLI_DONE;
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
	if (errno || end == text || text[0] == '-' || (shift ? end[1] : *end) != '\0' ||
		number > (UINT64_C(1) << 40) >> shift || number << shift < BUNDLE_PART_BYTES_MIN)
		return cli_usage(cli,
			"--split is '%s'; it must be a size with K, M or G of at least 1M, such as 25M.", text);
	*bytes = (uint64_t)number << shift;
	return CLI_DONE;
}

/** A date, a time, or how long ago: "7d". */
static int since_read(struct cli *cli, char to[static 24])
{
	static const char units[] = "smhdw";
	static const uint64_t factors[] = {1, 60, 3600, 86400, 604800};
	const char *text = cli_option(cli, OPTION_SINCE);
	struct timestamp at;
	char *end, whole[40];
	to[0] = '\0';
	if (!text)
		return CLI_DONE;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	if (!errno && end != text && text[0] != '-' && unit && end[1] == '\0' && number < 1000000) {
		uint64_t now = (uint64_t)time(NULL), back = number * factors[unit - units];
		snprintf(to, 24, "%" PRIu64, now > back ? (now - back) * 1000 : 0);
		return CLI_DONE;
	}
	snprintf(whole, sizeof(whole), "%s%s", text, strlen(text) == 10 ? "T00:00:00Z" : "");
	if (timestamp_parse_rfc3339(bytes_from_text(whole), &at) || at.ms < 0)
		return cli_usage(cli,
			"--since is '%s'; it must be a date (2026-03-01), a time (2026-03-01T12:00:00Z), or "
			"how long ago (7d).",
			text);
	snprintf(to, 24, "%" PRId64, at.ms);
	return CLI_DONE;
}

/* ---- export ---- */

struct export
{
	struct cli *cli;
	const char *output;
	bool split;
	struct fetch_file file;
	bool open;
	struct bundle_cut cut;
	uint32_t parts;
	uint64_t bytes;
	json_t *files;
};

static int part_open(struct export *e)
{
	char path[CLI_PATH_MAX];
	int len = e->split ? snprintf(path, sizeof(path), "%s.%03u", e->output, (unsigned)e->parts + 1)
					   : snprintf(path, sizeof(path), "%s", e->output);
	if (len < 0 || (size_t)len >= sizeof(path))
		return cli_refuse(e->cli, "The file's path is too long.");
	int code = fetch_file_open(e->cli, path, &e->file);
	if (code)
		return code;
	e->open = true;
	e->parts++;
	json_array_append_new(e->files, json_string(path));
	return CLI_DONE;
}

static int part_close(struct export *e, bool keep)
{
	e->open = false;
	e->cut = (struct bundle_cut){0};
	return fetch_file_close(e->cli, &e->file, keep);
}

static int on_export_data(void *ctx, struct bytes data)
{
	struct export *e = ctx;
	while (data.len) {
		int code = e->open ? CLI_DONE : part_open(e);
		if (code)
			return code;
		size_t n = bundle_cut_take(&e->cut, data);
		if (fwrite(data.data, 1, n, e->file.file) != n)
			return cli_refuse(e->cli, "%s cannot be written: %s.", e->file.path, strerror(errno));
		e->bytes += n;
		data = bytes_slice(data, n, SIZE_MAX);
		code = e->cut.ended ? part_close(e, true) : CLI_DONE;
		if (code)
			return code;
	}
	if (e->cli->err_is_terminal)
		fprintf(e->cli->err, "\r%" PRIu64 " MiB", e->bytes >> 20);
	return CLI_DONE;
}

static int export_all(struct export *e, struct client *client, const struct url *url)
{
	struct client_answer answer;
	struct client_request request = {
		.method = "GET", .url = url, .receive = on_export_data, .ctx = e};
	int code = client_perform(client, &request, &answer);
	client_answer_deinit(&answer);
	if (e->cli->err_is_terminal)
		fputs("\r\033[K", e->cli->err);
	bool torn = e->open;
	if (torn)
		part_close(e, false);
	if (!code && (torn || e->parts == 0))
		code = cli_refuse(e->cli,
			"The daemon broke off: the last file is not whole and was not kept. See `hansa log`.");
	return code;
}

int bundle_export(struct cli *cli)
{
	struct client *client;
	struct url url;
	char since[24], part[24];
	char *network = NULL;
	uint64_t split;
	int code = split_read(cli, &split);
	if (!code)
		code = since_read(cli, since);
	if (!code)
		code = cli_client(cli, &client);
	if (!code)
		code = cli_network(cli, &network);
	if (code)
		return code;
	snprintf(part, sizeof(part), "%" PRIu64, split);
	url_path(&url, "/v1/networks/%s/bundle", network);
	free(network);
	url_query(&url, "since_ms", since[0] ? since : NULL);
	url_query(&url, "part_bytes", split ? part : NULL);
	url_query(&url, "for", cli_option(cli, OPTION_FOR));
	url_query(&url, "seal", cli_option(cli, OPTION_SEAL));
	struct export e = {.cli = cli,
		.output = cli_option(cli, OPTION_OUTPUT),
		.split = split != 0,
		.files = json_array()};
	code = export_all(&e, client, &url);
	if (!code && cli->json) {
		code = cli_print_json(
			cli, json_pack("{s:I, s:O}", "bytes", (json_int_t)e.bytes, "files", e.files), 0);
	} else if (!code) {
		const char *first = json_string_value(json_array_get(e.files, 0));
		if (e.parts == 1)
			fprintf(cli->out, "%s: %" PRIu64 " bytes.\n", first, e.bytes);
		else
			fprintf(cli->out, "%s and %u more files: %" PRIu64 " bytes in all.\n", first,
				(unsigned)e.parts - 1, e.bytes);
	}
	json_decref(e.files);
	return code;
}

/* ---- import ---- */

static void on_sent(void *ctx, uint64_t sent)
{
	progress_set(ctx, sent >> 20);
}

static uint64_t number_of(const json_t *json, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(json, key));
}

static void print_gaps(FILE *to, const json_t *report)
{
	const json_t *gap;
	size_t i;
	json_array_foreach(json_object_get(report, "gaps"), i, gap)
	{
		uint64_t held = number_of(gap, "held");
		fprintf(to, "    %s/%s/%s: ", cli_text(report, "network"), cli_text(gap, "city"),
			cli_text(gap, "lane"));
		if (held)
			fprintf(to, "here up to %" PRIu64 ", there from %" PRIu64 " on\n", held,
				number_of(gap, "first"));
		else
			fprintf(to, "nothing here, there from %" PRIu64 " on\n", number_of(gap, "first"));
	}
	uint64_t more = number_of(report, "gap_count") - i;
	if (more)
		fprintf(to, "    and %" PRIu64 " more feeds\n", more);
}

static uint64_t print_report(FILE *to, const char *path, const json_t *report)
{
	const json_t *files = json_object_get(report, "attachments");
	uint64_t all = 0, new[LANE_MAX + 1] = {0};
	for (unsigned lane = LANE_MIN; lane <= LANE_MAX; lane++)
		all += new[lane] = number_of(json_object_get(report, "new"), lane_name(lane));
	fprintf(to, "%s: part %" PRIu64 " of a bundle of %s\n", path, number_of(report, "part"),
		cli_text(report, "network"));
	fprintf(to, "  %" PRIu64 " records new", all);
	for (unsigned lane = LANE_MIN; all && lane <= LANE_MAX; lane++)
		if (new[lane])
			fprintf(to, ", %s %" PRIu64, lane_name(lane), new[lane]);
	fprintf(to, "; %" PRIu64 " held already\n", number_of(report, "held"));
	fprintf(to, "  %" PRIu64 " attachments new, %" PRIu64 " held already", number_of(files, "new"),
		number_of(files, "held"));
	if (number_of(files, "partial"))
		fprintf(to, ", %" PRIu64 " not whole yet", number_of(files, "partial"));
	if (number_of(files, "linked"))
		fprintf(to, ", %" PRIu64 " under way over a link", number_of(files, "linked"));
	if (number_of(files, "waiting"))
		fprintf(to, ", %" PRIu64 " left out: their record or an earlier part is not here",
			number_of(files, "waiting"));
	fputc('\n', to);
	uint64_t waiting = number_of(report, "waiting"), other = number_of(report, "other_history");
	if (waiting) {
		fprintf(to,
			"  %" PRIu64 " records NOT taken: what comes before them is not here, or the charter "
			"here does not know them yet.\n  Ask for an older bundle (--since), or import the "
			"parts before this one.\n",
			waiting);
		print_gaps(to, report);
	}
	if (other)
		fprintf(to,
			"  %" PRIu64 " records NOT taken: their city has signed another history than the one "
			"held here.\n",
			other);
	return waiting + other;
}

/** One file; *left: records that were not taken. */
static int import_file(
	struct cli *cli, struct client *client, const char *path, json_t **report, char *reason)
{
	struct stat info;
	struct progress bar;
	struct client_answer answer;
	struct url url;
	FILE *file = fopen(path, "rbe");
	if (!file || fstat(fileno(file), &info) || !S_ISREG(info.st_mode)) {
		int why = file ? EINVAL : errno;
		if (file)
			fclose(file);
		return cli_refuse(cli, "%s cannot be read: %s.", path, strerror(why));
	}
	uint64_t size = (uint64_t)info.st_size;
	progress_init(&bar, cli->err, cli->err_is_terminal && size >> 20, "MiB", size >> 20);
	url_path(&url, "/v1/bundles");
	struct client_request request = {.method = "POST",
		.url = &url,
		.media_type = "application/octet-stream",
		.file = file,
		.file_size = size,
		.progress = on_sent,
		.ctx = &bar,
		.reason = reason,
		.reason_size = CLI_PATH_MAX};
	int code = client_perform(client, &request, &answer);
	progress_clear(&bar);
	fclose(file);
	if (!code)
		*report = json_incref(answer.json);
	client_answer_deinit(&answer);
	return code;
}

/* Parts of one set that stand between those that came, or behind the last. */
static void say_missing(struct cli *cli, json_t *const *reports, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *set = cli_text(reports[i], "set");
		uint64_t part = number_of(reports[i], "part");
		bool before = part == 1, after = !json_is_true(json_object_get(reports[i], "more"));
		for (size_t k = 0; k < count; k++) {
			uint64_t other = number_of(reports[k], "part");
			if (strcmp(cli_text(reports[k], "set"), set) != 0)
				continue;
			before |= other + 1 == part;
			after |= other == part + 1;
		}
		if (!before)
			cli_note(cli, "Part %" PRIu64 " of the bundle was not among the files.", part - 1);
		if (!after)
			cli_note(cli, "Part %" PRIu64 " of the bundle was not among the files.", part + 1);
	}
}

int bundle_import(struct cli *cli)
{
	struct client *client;
	size_t count = cli->arguments.operand_count, done = 0;
	int code = cli_client(cli, &client), worst = CLI_DONE;
	json_t **reports = code ? NULL : calloc(count, sizeof(*reports));
	if (!code && !reports)
		code = cli_no_memory(cli);
	for (size_t i = 0; i < count && !code; i++) {
		const char *path = cli->arguments.operands[i];
		char reason[CLI_PATH_MAX] = "";
		code = import_file(cli, client, path, &reports[done], reason);
		if (code && reason[0])
			cli_refuse(cli, "%s: %s", path, reason);
		if (code)
			break;
		if (!cli->json && print_report(cli->out, path, reports[done]))
			worst = CLI_REFUSED;
		if (number_of(reports[done], "waiting") + number_of(reports[done], "other_history"))
			worst = CLI_REFUSED;
		done++;
	}
	if (!code)
		say_missing(cli, reports, done);
	json_t *all = cli->json ? json_array() : NULL;
	for (size_t i = 0; i < done; i++) {
		if (all)
			json_array_append(all, reports[i]);
		json_decref(reports[i]);
	}
	free(reports);
	if (all && !code)
		code = cli_print_json(cli, json_pack("{s:o}", "parts", all), 0);
	else
		json_decref(all);
	return code ? code : worst;
}
