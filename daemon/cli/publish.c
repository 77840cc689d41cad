/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/publish.h"

#include <string.h>

#include "daemon/cli/sending.h"
#include "record/kind.h"

struct publish {
	struct cli *cli;
	bool refused;
};

static void on_result(void *ctx, const struct batch_result *result)
{
	struct publish *p = ctx;
	struct cli *cli = p->cli;
	if (!result->published) {
		p->refused = true;
		if (result->unsent)
			return;
		fputs("hansa: ", cli->err);
		cli_print_text(cli->err, result->file, false);
		fprintf(cli->err, "%s%s%s: ", result->record[0] ? " (" : "", result->record,
			result->record[0] ? ")" : "");
		cli_print_text(cli->err, result->reason, false);
		fputc('\n', cli->err);
		return;
	}
	const char *id = cli_text(result->published, "id");
	if (cli->json) {
		cli_print_json(
			cli, json_pack("{s:s, s:s}", "id", id, "hash", cli_text(result->published, "hash")), 0);
		return;
	}
	fprintf(cli->out, "%s  ", id);
	cli_print_text(cli->out, result->title, false);
	fputc('\n', cli->out);
}

int publish_run(struct cli *cli)
{
	struct publish publish = {.cli = cli};
	struct sending sending;
	struct import_plan plan = {0};
	const char *kind_given = cli->arguments.operands[0];
	unsigned kind = kind_parse(bytes_from_text(kind_given));
	if (kind != KIND_DOC && kind != KIND_CALL && kind != KIND_ALERT)
		return cli_usage(
			cli, "'%s' is no kind of record: it must be doc, call or alert.", kind_given);
	if (arguments_have(&cli->arguments, OPTION_ATTACH) && cli->arguments.operand_count > 2)
		return cli_usage(cli, "--attach goes with one FILE: publish the others by themselves.");
	int code = sending_init(&sending, cli, kind, on_result, &publish);
	if (!code &&
		import_plan((const char *const *)(cli->arguments.operands + 1),
			cli->arguments.operand_count - 1, &plan))
		code = cli_no_memory(cli);
	for (size_t i = 0; !code && i < plan.count; i++)
		code = sending_file(&sending, &plan.entries[i]);
	if (!code)
		code = sending_finish(&sending);
	import_plan_deinit(&plan);
	sending_deinit(&sending);
	return !code && publish.refused ? CLI_REFUSED : code;
}
