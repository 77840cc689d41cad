/* SPDX-License-Identifier: Apache-2.0 */
/** Record ids as people type them: network/city/lane/seq, or …/seq@EPOCH for a disowned entry. */
#pragma once

#include "daemon/cli/cli.h"
#include "daemon/cli/url.h"

#define RECORD_ID_MAX 160

struct record_id {
	char text[RECORD_ID_MAX];
	const char *network, *city, *lane, *seq; /* within `text`, each with a NUL behind it */
};

/** False for what is no record id. */
bool record_id_parse(const char *text, struct record_id *out);
/** The same; CLI_USAGE says how an id looks. */
int record_id_read(struct cli *cli, const char *text, struct record_id *out);
/** The API's path of the record, with `/what` behind it if that is not NULL. */
void record_id_url(const struct record_id *id, const char *what, struct url *url);
