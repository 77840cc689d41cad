/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/import.h"
#include "proto/node_private.h"

/** What node_import.c shares with the ways that a link's commits and attachments take. */

void import_wake(struct node_import *import);
/** Something was committed or written: what waits for it may go on. */
void import_poke(struct node *node);
/** If the link is an import it is not settled before this commit is answered. */
void import_await(struct link *link, struct commit *commit);
/** A commit of the link's was answered. */
void import_committed(struct link *link, int code);
/** A breach in a bundle: nobody is blamed. Returns the code. */
int import_breach(struct link *link, int code);

/* node_attachment.c */

enum attachment_answer {
	ATTACHMENT_TAKEN, /* its bytes are to be given by attachment_give */
	ATTACHMENT_WAIT,  /* not known yet */
	ATTACHMENT_HELD,
	ATTACHMENT_LINKED,  /* a link brings it */
	ATTACHMENT_REFUSED, /* no entry here names it, or an earlier part is missing */
};
/** A bundle has it. *begin: the first chunk that is wanted. */
enum attachment_answer attachment_offer(struct link *link, struct network *network,
	const struct bundle_attachment *offered, uint32_t *begin);
/** Its chunk hashes, then the chunks from *begin on; `last`: of what the bundle has. */
int attachment_give(struct link *link, const struct hash *id, struct bytes bytes, bool last);
