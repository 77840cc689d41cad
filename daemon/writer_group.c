/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/writer_group.h"

#include "base/error.h"
#include "base/log.h"
#include "daemon/commit_note.h"
#include "daemon/writer.h"
#include "store/store.h"

/* Of the store's errors these say that the store or the machine fails; others that a commit does.
 */
static bool fatal_code(int code)
{
	return code == ERROR_IO || code == ERROR_CORRUPT || code == ERROR_MEMORY;
}

static int fatal(struct writer_group *group, const char *what, int code)
{
	group->fatal = what;
	return code;
}

/* Syncs what was applied; 0, or nothing of it was written. */
static int finish_commit(
	struct writer_group *group, struct store_txn *txn, const struct commit *first)
{
	int code = store_commit(txn);
	if (fatal_code(code))
		return fatal(group, "committing", code);
	if (code)
		return code;
	group->wrote = true;
	if (group->guard && group->guard(group->guard_ctx, first))
		return fatal(group, "writing the guard beside the keys", ERROR_IO);
	return 0;
}

/*
 * Of an alert that is alone the answer waits for one sync of the guard file, instead of two of the
 * store and one of the guard. 0: it was answered, and is in the store now. `noted` false: it was
 * not, and goes the way of all others.
 */
static int finish_noted(struct writer_group *group, struct store_txn *txn,
	const struct store_arrival *before, bool *noted)
{
	struct commit_op op = group->first->ops[0];
	struct commit copy = {.class = group->class, .ops = &op, .count = 1};
	*noted = false;
	int code = store_commit_begin(txn, group->wanted, group->ctx);
	if (!code)
		code = group->note(group->guard_ctx, group->first, before);
	if (code == ERROR_STATE || code == ERROR_FULL)
		return 0;
	*noted = true;
	if (code) {
		store_abort(txn);
		return fatal(group, "noting an alert beside the keys", code);
	}
	struct commit *commit = group->first;
	group->first = NULL;
	group->answer(group->ctx, commit);
	op.blob = NULL; /* the loop's now, with the index */
	op.index = NULL;
	return finish_commit(group, txn, &copy);
}

/* The transaction has what `first` and its followers ask for. */
static int finish(struct writer_group *group, struct store_txn *txn, const struct commit *first,
	const struct store_arrival *before)
{
	bool noted = false;
	int code = 0;
	if (group->note && first == group->first && commit_note_fits(first))
		code = finish_noted(group, txn, before, &noted);
	if (!noted)
		return finish_commit(group, txn, first);
	return code && !group->fatal ? fatal(group, "committing what was answered", code) : code;
}

static int write_one(struct writer_group *group, struct commit *commit)
{
	struct store_txn *txn;
	int code = store_begin(group->store, &txn);
	if (code)
		return fatal(group, "beginning a transaction", code);
	code = commit_apply(commit, txn);
	if (!code)
		return finish_commit(group, txn, commit);
	store_abort(txn);
	return fatal_code(code) ? fatal(group, "writing", code) : code;
}

static int release(struct writer_group *group)
{
	group->was_full = true;
	return store_release_reserve(group->store);
}

static int write_each_alone(struct writer_group *group)
{
	for (struct commit *commit = group->first; commit; commit = commit->next) {
		struct commit *next = commit->next;
		commit->next = NULL; /* the guard is given this one only */
		int code = write_one(group, commit);
		if (code == ERROR_FULL && !group->fatal && !release(group) && group->class == COMMIT_URGENT)
			code = write_one(group, commit);
		commit->next = next;
		if (group->fatal)
			return code;
		commit->code = code;
		if (!code || code == ERROR_FULL)
			continue;
		struct log_line l;
		log_begin(&l, LOG_LEVEL_ERROR, "commit_refused");
		log_uint(&l, "ops", commit->count);
		log_error(&l, code);
		log_end(&l);
	}
	return 0;
}

/*
 * Up to 1 MiB or 3 ms, of those that wait already: a group never waits for more to come, since the
 * sync gives time enough for the next one to gather.
 */
static int apply_group(struct writer_group *group, struct store_txn *txn)
{
	int64_t until = group->now_us() + WRITER_TXN_US_MAX;
	struct commit **last = &group->first;
	size_t bytes = 0;
	do {
		struct commit *commit = group->next(group->ctx, group->class);
		if (!commit)
			return 0;
		*last = commit;
		last = &commit->next;
		bytes += commit->bytes;
		int code = commit_apply(commit, txn);
		if (code)
			return code;
	} while (bytes < WRITER_TXN_BYTES_MAX && group->now_us() < until);
	return 0;
}

int writer_group_write(struct writer_group *group)
{
	struct store_txn *txn;
	group->first = NULL;
	int code = store_begin(group->store, &txn);
	if (code)
		return fatal(group, "beginning a transaction", code);
	struct store_arrival before = store_txn_newest(txn);
	code = apply_group(group, txn);
	if (code || !group->first)
		store_abort(txn);
	else
		code = finish(group, txn, group->first, &before);
	if (group->fatal || !code)
		return code;
	if (fatal_code(code))
		return fatal(group, "writing", code);
	if (code != ERROR_FULL || group->class == COMMIT_URGENT)
		return write_each_alone(group);
	release(group);
	for (struct commit *commit = group->first; commit; commit = commit->next)
		commit->code = ERROR_FULL;
	return 0;
}
