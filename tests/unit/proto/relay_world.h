/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/unit/proto/cluster.h"
#include "tests/unit/proto/liar.h"

/**
 * A publishes, R relays and lies to C, B is honest: A–R, A–B and R–C are linked, B–C when a test
 * wants it. A and C never meet. What goes wrong in the world itself ends the test (require).
 */

enum place {
	A,
	R,
	C,
	B,
	PLACES
};
extern const char *const relay_slugs[PLACES];

struct world {
	struct cluster c;
	struct liar liar;
	struct pipe_end *liar_end;
};

/** The log begins anew; HANSA_TEST_LOG shows it. */
struct world *relay_world_new(enum lie lie, uint64_t seed);
void relay_world_free(struct world *w);
void relay_link(struct world *w, enum place one, enum place other);

/** A warning with all three texts in it was logged since. */
bool relay_logged(const char *event, const char *one, const char *other);
/** A warning of a breach or of a run refused names anybody but R. */
bool relay_blames_another(void);

enum form {
	DOC_INLINE,
	DOC_STREAM,
	DOC_RUNS,
	ALERT_PUSH,
	ALERT_STREAM,
	FORM_COUNT
};
struct form_shape {
	const char *name;
	uint8_t lane;
	int count, bytes;
	bool together; /* in one commit, so that runs have many entries */
};
extern const struct form_shape relay_forms[FORM_COUNT];

/** A publishes them; some milliseconds pass. */
void relay_publish(struct world *w, enum form form);
uint64_t relay_seq(struct world *w, enum place at, uint8_t lane);
/** What C holds is the beginning of what A published, byte for byte; all of it if `whole`. */
bool relay_intact(struct world *w, uint8_t lane, bool whole);
/** For cluster_run, ctx the world: C has all that A has. */
bool relay_all_at_c(struct cluster *c, void *ctx);
