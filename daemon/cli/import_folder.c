/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/import_folder.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "daemon/cli/folder.h"
#include "daemon/cli/progress.h"
#include "daemon/cli/sending.h"

struct import_report {
	struct cli *cli;
	struct progress bar;
	size_t accepted, present;
	json_t *refused;
};

static void on_result(void *ctx, const struct batch_result *result)
{
	struct import_report *report = ctx;
	if (result->published) {
		report->accepted++;
		return;
	}
	if (result->present) {
		report->present++;
		return;
	}
	/* A file's name need not be UTF-8. */
	json_t *file = json_string(result->file);
	json_array_append_new(report->refused,
		json_pack("{s:o, s:s, s:s}", "file",
			file ? file : json_string("(a name that is not UTF-8)"), "record", result->record,
			"reason", result->reason));
}

static int report_print(struct import_report *report, size_t files)
{
	struct cli *cli = report->cli;
	size_t refused = json_array_size(report->refused), i;
	json_t *item;
	if (cli->json)
		return cli_print_json(cli,
			json_pack("{s:I, s:I, s:I, s:O}", "files", (json_int_t)files, "accepted",
				(json_int_t)report->accepted, "present", (json_int_t)report->present, "refused",
				report->refused),
			0);
	json_array_foreach(report->refused, i, item)
	{
		const char *record = cli_text(item, "record");
		fputs("refused  ", cli->err);
		cli_print_text(cli->err, cli_text(item, "file"), false);
		fprintf(cli->err, "%s%s%s: ", record[0] ? " (" : "", record, record[0] ? ")" : "");
		cli_print_text(cli->err, cli_text(item, "reason"), false);
		fputc('\n', cli->err);
	}
	fprintf(cli->out, "%zu files, %zu records published, %zu published before, %zu refused.\n",
		files, report->accepted, report->present, refused);
	return CLI_DONE;
}

/** After a lost daemon or a refusal of everything, the rest is named as not tried. */
static int files_send(
	struct sending *sending, const struct import_plan *plan, struct import_report *report)
{
	int code = CLI_DONE;
	size_t i;
	for (i = 0; !code && i < plan->count; i++) {
		code = sending_file(sending, &plan->entries[i]);
		progress_set(&report->bar, i + 1);
	}
	if (!code)
		code = sending_finish(sending);
	for (; code && i < plan->count; i++)
		sending_refuse(sending, plan->entries[i].path, "",
			"It was not tried, since the daemon took no "
			"more.");
	return code;
}

static int folder_send(struct cli *cli, const struct folder *folder, size_t prefix)
{
	struct import_report report = {.cli = cli, .refused = json_array()};
	struct sending sending;
	struct import_plan plan = {0};
	struct present present = {0};
	int code = sending_init(&sending, cli, 0, on_result, &report);
	sending.prefix = prefix;
	if (!code)
		code = present_load(&present, sending.client, sending.network);
	sending.present = &present;
	if (!code && import_plan((const char *const *)folder->paths, folder->count, &plan))
		code = cli_no_memory(cli);
	if (!code) {
		progress_init(&report.bar, cli->err, cli->err_is_terminal, "files", plan.count);
		for (size_t i = 0; i < folder->skipped_count; i++)
			sending_refuse(&sending, folder->skipped[i].path, "", folder->skipped[i].reason);
		code = files_send(&sending, &plan, &report);
		progress_clear(&report.bar);
		int printed = report_print(&report, folder->count);
		if (!code)
			code = printed;
	}
	if (!code && json_array_size(report.refused) > 0)
		code = CLI_REFUSED;
	import_plan_deinit(&plan);
	present_deinit(&present);
	sending_deinit(&sending);
	json_decref(report.refused);
	return code;
}

int import_folder_run(struct cli *cli)
{
	struct folder folder;
	const char *path = cli->arguments.operands[0];
	size_t len = strlen(path);
	int error = folder_walk(path, &folder);
	if (error == ERROR_STATE)
		return cli_refuse(cli, "%s is no folder: `hansa publish` takes single files.", path);
	if (error)
		return cli_refuse(cli, "The folder %s cannot be read: %s", path, error_text(error));
	int code = folder_send(cli, &folder, len && path[len - 1] == '/' ? len : len + 1);
	folder_deinit(&folder);
	return code;
}
