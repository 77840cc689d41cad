/* SPDX-License-Identifier: Apache-2.0 */
/** A network of one city, as the daemon would prepare and keep it. */
#pragma once

#include <jansson.h>

#include "base/buffer.h"
#include "charter/draft.h"

struct charter_fixture {
	struct secret_key *officer, *city, *node;
	struct buffer genesis_body, genesis; /* body and envelope */
	struct roster *roster;               /* with the genesis applied */
};

void charter_fixture_init(struct charter_fixture *f);
void charter_fixture_deinit(struct charter_fixture *f);

/** What a prepare call answers for these bytes. */
json_t *charter_fixture_prepared(
	const struct charter_fixture *f, struct bytes body, struct bytes message);
/** The text of a prepared genesis, amendment of this item, or delegation; for free(). */
char *charter_fixture_genesis(const struct charter_fixture *f);
char *charter_fixture_amendment(const struct charter_fixture *f, unsigned item_kind);
char *charter_fixture_delegation(const struct charter_fixture *f, const char *slug);
/** Whether the submitted {body, signatures} is signed by the officer, over this prepared text. */
bool charter_fixture_is_signed(
	const struct charter_fixture *f, const char *prepared, const char *submitted);
json_t *charter_fixture_base64(struct bytes bytes);
