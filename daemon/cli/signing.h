/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What officers sign: the daemon prepares it, it is signed here, and given back. The keys never
 * reach the daemon, and the daemon cannot have anything signed but what was asked for.
 */
#pragma once

#include <jansson.h>

#include "daemon/cli/cli.h"
#include "daemon/cli/officer_key.h"

enum signing_kind {
	SIGNING_GENESIS,
	SIGNING_AMENDMENT,
	SIGNING_DELEGATION,
};

/** What the person asked for; what the daemon prepared has to be this. */
struct signing_wish {
	enum signing_kind kind;
	const char *item; /* of an amendment, its only item: "confirm" */
	const char *slug; /* of a genesis the network's, of a delegation the city's */
};

/** {body, signatures} for the submitting call, from the answer of a prepare call. */
int signing_sign(struct cli *cli, const struct signing_wish *wish, const json_t *prepared,
	const struct officer_keys *keys, json_t **out);

/**
 * The whole way of what an existing network's officers sign: prepare with `request` (its reference
 * is taken), find the keys, sign, submit. `what` is "amendments" or "invitations".
 */
int signing_run(struct cli *cli, const struct signing_wish *wish, const char *network,
	const char *what, json_t *request, json_t **out);
