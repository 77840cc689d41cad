/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LMDB as it ships in Debian 12 (0.9.24). The map is 1 TiB from the start, sparse, and never grows
 * (growing it while a reader lives ends in SIGBUS); never MDB_WRITEMAP; MDB_NOTLS, so that readers
 * are bound to transactions, not to threads.
 *
 * Room is taken with fallocate before a commit writes: a full disk is then found while nothing has
 * been written, and any error of the commit itself is one of writing or syncing pages that already
 * have their blocks, which ends the process. It is never tried a second time: after a failed fsync
 * the kernel forgets which pages were lost (https://wiki.postgresql.org/wiki/Fsync_Errors).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"
#include "store/engine.h"
#include "store/store.h"

/* ThreadSanitizer leaves no room for 1 TiB at every layout of the address space. */
#if defined(__SANITIZE_THREAD__)
#define MAP_BYTES (UINT64_C(1) << 36)
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAP_BYTES (UINT64_C(1) << 36)
#endif
#endif
#ifndef MAP_BYTES
#define MAP_BYTES (UINT64_C(1) << 40)
#endif
/* The file grows in such steps, doubled when it is large, so that a commit seldom grows it. */
#define GROW_BYTES_MIN (UINT64_C(1) << 20)
#define GROW_BYTES_MAX (UINT64_C(16) << 20)
/* A put may touch a leaf, its branches, split them, and add to the list of free pages. */
#define PAGES_A_PUT 8

_Static_assert(sizeof(size_t) == 8, "a map of 1 TiB needs 64 bits");

static const char *const table_names[] = {
#define ENGINE_TABLE_NAME(name, text) [name] = text,
	ENGINE_TABLES(ENGINE_TABLE_NAME)
#undef ENGINE_TABLE_NAME
};

struct lmdb_engine {
	struct engine base;
	MDB_env *env;
	MDB_dbi dbis[TABLE_COUNT];
	int lock_fd;
	int data_fd;
	uint64_t page_bytes;
	uint64_t limit_bytes;
	uint64_t file_bytes; /* with blocks behind them; the writer's */
	bool no_fallocate;   /* the file system cannot */
	void (*fatal)(void *ctx, const char *reason);
	void *fatal_ctx;
};

struct lmdb_txn {
	struct engine_txn base;
	MDB_txn *txn;
	bool write;
	MDB_cursor *cursors[TABLE_COUNT]; /* opened when first needed */
};

static int error_from_lmdb(int r)
{
	switch (r) {
	case 0:
		return 0;
	case MDB_NOTFOUND:
		return ERROR_NOT_FOUND;
	case MDB_MAP_FULL:
		return ERROR_FULL;
	case MDB_TXN_FULL:
		return ERROR_LIMIT;
	case MDB_READERS_FULL:
		return ERROR_BUSY;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
		return ERROR_CORRUPT;
	case MDB_VERSION_MISMATCH:
		return ERROR_VERSION;
	case MDB_BAD_TXN:
		return ERROR_STATE;
	case MDB_BAD_VALSIZE:
		return ERROR_SIZE;
	case EFBIG:
		return ERROR_FULL;
	default:
		return r > 0 ? error_from_errno(r) : ERROR_IO;
	}
}

static _Noreturn void lmdb_fatal(struct lmdb_engine *m, const char *what, int r)
{
	char reason[256];
	snprintf(reason, sizeof reason,
		"%s failed (%s); what was not yet acknowledged may be lost, nothing else is", what,
		mdb_strerror(r));
	if (m->fatal)
		m->fatal(m->fatal_ctx, reason);
	fprintf(stderr, "store: %s\n", reason);
	abort();
}

static int lmdb_begin(struct engine *e, bool write, struct engine_txn **out)
{
	struct lmdb_engine *m = (struct lmdb_engine *)e;
	struct lmdb_txn *t = calloc(1, sizeof *t);
	if (!t)
		return ERROR_MEMORY;
	int r = mdb_txn_begin(m->env, NULL, write ? 0 : MDB_RDONLY, &t->txn);
	if (r == MDB_PANIC)
		lmdb_fatal(m, "an earlier write", r);
	if (r) {
		free(t);
		return error_from_lmdb(r);
	}
	t->base.engine = e;
	t->write = write;
	*out = &t->base;
	return 0;
}

static void close_cursors(struct lmdb_txn *t)
{
	for (int i = 0; i < TABLE_COUNT; i++)
		if (t->cursors[i])
			mdb_cursor_close(t->cursors[i]);
}

static void lmdb_abort(struct engine_txn *base)
{
	struct lmdb_txn *t = (struct lmdb_txn *)base;
	close_cursors(t);
	mdb_txn_abort(t->txn);
	free(t);
}

/*
 * Pages inside the file that no version uses: the sum of LMDB's own table 0, as of the last commit,
 * since it can be walked only by a reader.
 */
static int free_pages(struct lmdb_engine *m, uint64_t *out)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_val key, value;
	*out = 0;
	int r = mdb_txn_begin(m->env, NULL, MDB_RDONLY, &txn);
	if (r)
		return error_from_lmdb(r);
	r = mdb_cursor_open(txn, 0, &cursor);
	if (!r) {
		while ((r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
			size_t count = 0;
			if (value.mv_size >= sizeof count)
				memcpy(&count, value.mv_data, sizeof count);
			*out += count;
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return r == MDB_NOTFOUND ? 0 : error_from_lmdb(r);
}

/* Whether what is used, and `more`, stay within `limit`; free pages inside the file do not count.
 */
static int check_limit(struct lmdb_engine *m, uint64_t more, uint64_t limit)
{
	MDB_envinfo info;
	uint64_t spare = 0;
	if (!m->limit_bytes)
		return 0;
	int r = error_from_lmdb(mdb_env_info(m->env, &info));
	if (r)
		return r;
	uint64_t used = (info.me_last_pgno + 1) * m->page_bytes;
	if (used + more <= limit)
		return 0;
	r = free_pages(m, &spare);
	if (r)
		return r;
	return used + more <= limit + spare * m->page_bytes ? 0 : ERROR_FULL;
}

static int lmdb_has_room(struct engine *e)
{
	struct lmdb_engine *m = (struct lmdb_engine *)e;
	return check_limit(m, ENGINE_ROOM_BYTES, m->limit_bytes);
}

/* Blocks for all that this transaction can write. */
static int take_room(struct lmdb_engine *m, uint64_t need)
{
	if (need <= m->file_bytes || m->no_fallocate)
		return 0;
	uint64_t step = m->file_bytes / 16;
	step = step < GROW_BYTES_MIN ? GROW_BYTES_MIN : step > GROW_BYTES_MAX ? GROW_BYTES_MAX : step;
	uint64_t end = (need + step - 1) / step * step;
	uint64_t least = (need + m->page_bytes - 1) / m->page_bytes * m->page_bytes;
	while (fallocate(m->data_fd, 0, (off_t)m->file_bytes, (off_t)(end - m->file_bytes))) {
		if (errno == EINTR)
			continue;
		if (errno == EOPNOTSUPP || errno == ENOSYS) {
			m->no_fallocate = true;
			return 0;
		}
		if (end == least)
			return error_from_lmdb(errno);
		end = least; /* near the end of the disk, what is needed and no more */
	}
	m->file_bytes = end;
	return 0;
}

static int lmdb_take_room(struct engine_txn *base, uint64_t allowance_bytes)
{
	struct lmdb_txn *t = (struct lmdb_txn *)base;
	struct lmdb_engine *m = (struct lmdb_engine *)base->engine;
	MDB_envinfo info;
	require(t->write);
	int r = base->error ? base->error : error_from_lmdb(mdb_env_info(m->env, &info));
	if (r)
		return r;
	uint64_t used = (info.me_last_pgno + 1) * m->page_bytes;
	r = check_limit(m, base->put_bytes, m->limit_bytes + allowance_bytes);
	return r
		? r
		: take_room(m, used + base->put_bytes + (base->puts + 4) * PAGES_A_PUT * m->page_bytes);
}

static int lmdb_commit(struct engine_txn *base, uint64_t allowance_bytes)
{
	struct lmdb_txn *t = (struct lmdb_txn *)base;
	struct lmdb_engine *m = (struct lmdb_engine *)base->engine;
	int r = lmdb_take_room(base, allowance_bytes);
	close_cursors(t);
	if (r) {
		mdb_txn_abort(t->txn);
		free(t);
		return r;
	}
	r = mdb_txn_commit(t->txn);
	free(t);
	if (r == MDB_MAP_FULL || r == MDB_TXN_FULL || r == ENOMEM)
		return error_from_lmdb(r);
	if (r)
		lmdb_fatal(m, "writing or syncing the database", r);
	return 0;
}

/*
 * MDB_NORDAHEAD: for each page of a tree the kernel would read its neighbours too, 128 KiB or,
 * where a disk is set up so, 8 MiB. What is wanted whole, a pack, is asked for here, not page by
 * page as it is touched.
 */
static void read_ahead(const struct lmdb_engine *m, const struct bytes *value)
{
	if (value->len <= m->page_bytes)
		return;
	uintptr_t from = (uintptr_t)value->data / m->page_bytes * m->page_bytes;
	uintptr_t to = (uintptr_t)value->data + value->len;
	(void)madvise((void *)from, to - from, MADV_WILLNEED); /* a hint: reading works without */
}

static int lmdb_get(
	struct engine_txn *base, enum table table, struct bytes key, struct bytes *value)
{
	struct lmdb_txn *t = (struct lmdb_txn *)base;
	struct lmdb_engine *m = (struct lmdb_engine *)base->engine;
	MDB_val k = {.mv_size = key.len, .mv_data = (void *)(uintptr_t)key.data}, v;
	int r = mdb_get(t->txn, m->dbis[table], &k, &v);
	if (r)
		return error_from_lmdb(r);
	*value = bytes_of(v.mv_data, v.mv_size);
	if (!t->write)
		read_ahead(m, value);
	return 0;
}

static int lmdb_put(
	struct engine_txn *base, enum table table, struct bytes key, size_t len, uint8_t **to)
{
	struct lmdb_txn *t = (struct lmdb_txn *)base;
	struct lmdb_engine *m = (struct lmdb_engine *)base->engine;
	MDB_val k = {.mv_size = key.len, .mv_data = (void *)(uintptr_t)key.data};
	MDB_val v = {.mv_size = len, .mv_data = NULL};
	int r = mdb_put(t->txn, m->dbis[table], &k, &v, MDB_RESERVE);
	if (r)
		return error_from_lmdb(r);
	*to = v.mv_data;
	return 0;
}

static int lmdb_drop(struct engine_txn *base, enum table table, struct bytes key)
{
	struct lmdb_txn *t = (struct lmdb_txn *)base;
	struct lmdb_engine *m = (struct lmdb_engine *)base->engine;
	MDB_val k = {.mv_size = key.len, .mv_data = (void *)(uintptr_t)key.data};
	return error_from_lmdb(mdb_del(t->txn, m->dbis[table], &k, NULL));
}

static int lmdb_seek(struct engine_txn *base, enum table table, struct bytes key,
	enum engine_seek how, struct bytes *found_key, struct bytes *value)
{
	struct lmdb_txn *t = (struct lmdb_txn *)base;
	struct lmdb_engine *m = (struct lmdb_engine *)base->engine;
	MDB_val k = {.mv_size = key.len, .mv_data = (void *)(uintptr_t)key.data}, v;
	int r = 0;
	if (!t->cursors[table])
		r = mdb_cursor_open(t->txn, m->dbis[table], &t->cursors[table]);
	if (r)
		return error_from_lmdb(r);
	MDB_cursor *cursor = t->cursors[table];
	r = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	if (how == ENGINE_AT_MOST) {
		if (r == MDB_NOTFOUND)
			r = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
		else if (!r && !bytes_equal(bytes_of(k.mv_data, k.mv_size), key))
			r = mdb_cursor_get(cursor, &k, &v, MDB_PREV);
	}
	if (r)
		return error_from_lmdb(r);
	*found_key = bytes_of(k.mv_data, k.mv_size);
	*value = bytes_of(v.mv_data, v.mv_size);
	if (!t->write)
		read_ahead(m, value);
	return 0;
}

static int lmdb_usage(struct engine *e, struct engine_usage *out)
{
	struct lmdb_engine *m = (struct lmdb_engine *)e;
	struct stat st;
	struct statvfs vfs;
	if (fstat(m->data_fd, &st) || fstatvfs(m->data_fd, &vfs))
		return error_from_errno(errno);
	out->disk_bytes = (uint64_t)st.st_blocks * 512;
	out->free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return 0;
}

static void lmdb_close(struct engine *e)
{
	struct lmdb_engine *m = (struct lmdb_engine *)e;
	if (m->env)
		mdb_env_close(m->env);
	if (m->lock_fd >= 0)
		close(m->lock_fd);
	free(m);
}

static const struct engine_ops lmdb_ops = {
	.begin = lmdb_begin,
	.commit = lmdb_commit,
	.take_room = lmdb_take_room,
	.abort = lmdb_abort,
	.get = lmdb_get,
	.put = lmdb_put,
	.drop = lmdb_drop,
	.seek = lmdb_seek,
	.has_room = lmdb_has_room,
	.usage = lmdb_usage,
	.close = lmdb_close,
};

/* One process a store: the lock dies with its holder, the pid in the file is for people. */
static int take_lock(struct lmdb_engine *m, const char *folder, struct complaint *complaint)
{
	char path[PATH_MAX], pid[32] = {0};
	int n = snprintf(path, sizeof path, "%s/store.lock", folder);
	if (n < 0 || (size_t)n >= sizeof path)
		return complain(complaint, ERROR_SIZE, "store", "The folder's name is too long.");
	m->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (m->lock_fd < 0)
		return complain(complaint, error_from_errno(errno), "store", "%s cannot be opened: %s.",
			path, strerror(errno));
	if (flock(m->lock_fd, LOCK_EX | LOCK_NB)) {
		ssize_t got = pread(m->lock_fd, pid, sizeof pid - 1, 0);
		for (char *c = pid; *c; c++)
			if (*c < '0' || *c > '9')
				*c = '\0';
		return complain(complaint, ERROR_BUSY, "store",
			"The store in %s is in use by the process with pid %s.", folder,
			got > 0 && *pid ? pid : "unknown");
	}
	n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(m->lock_fd, 0) || pwrite(m->lock_fd, pid, (size_t)n, 0) != n)
		return complain(complaint, error_from_errno(errno), "store", "%s cannot be written: %s.",
			path, strerror(errno));
	return 0;
}

static int open_tables(struct lmdb_engine *m)
{
	MDB_txn *txn;
	int r = mdb_txn_begin(m->env, NULL, MDB_RDONLY, &txn);
	if (r)
		return r;
	/* A start writes only what is missing: a full disk does not keep a store from opening. */
	for (int i = 0; i < TABLE_COUNT && !r; i++)
		r = mdb_dbi_open(txn, table_names[i], 0, &m->dbis[i]);
	if (!r)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	if (r != MDB_NOTFOUND)
		return r;
	r = mdb_txn_begin(m->env, NULL, 0, &txn);
	if (r)
		return r;
	for (int i = 0; i < TABLE_COUNT && !r; i++)
		r = mdb_dbi_open(txn, table_names[i], MDB_CREATE, &m->dbis[i]);
	if (!r)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return r;
}

static int open_environment(struct lmdb_engine *m, const char *folder)
{
	MDB_stat stat;
	struct stat st;
	int dead;
	int r = mdb_env_create(&m->env);
	if (!r)
		r = mdb_env_set_mapsize(m->env, MAP_BYTES);
	if (!r)
		r = mdb_env_set_maxdbs(m->env, TABLE_COUNT);
	if (!r)
		r = mdb_env_set_maxreaders(m->env, STORE_READERS_MAX);
	if (!r)
		r = mdb_env_open(m->env, folder, MDB_NOTLS | MDB_NORDAHEAD, 0600);
	if (!r)
		r = mdb_reader_check(m->env, &dead);
	if (!r)
		r = open_tables(m);
	if (!r)
		r = mdb_env_stat(m->env, &stat);
	if (!r)
		r = mdb_env_get_fd(m->env, &m->data_fd);
	if (!r && fstat(m->data_fd, &st))
		r = errno;
	if (r)
		return r;
	m->page_bytes = stat.ms_psize;
	m->file_bytes = (uint64_t)st.st_size;
	return 0;
}

int engine_lmdb_open(const char *folder, const struct store_options *options, struct engine **out,
	struct complaint *complaint)
{
	struct lmdb_engine *m = calloc(1, sizeof *m);
	if (!m)
		return ERROR_MEMORY;
	m->base.ops = &lmdb_ops;
	m->lock_fd = -1;
	m->limit_bytes = options->limit_bytes;
	m->fatal = options->fatal;
	m->fatal_ctx = options->fatal_ctx;
	int r = take_lock(m, folder, complaint);
	if (!r) {
		int why = open_environment(m, folder);
		if (why)
			r = complain(complaint, error_from_lmdb(why), "store",
				"The store in %s cannot be opened: %s.", folder, mdb_strerror(why));
	}
	if (r) {
		lmdb_close(&m->base);
		return r;
	}
	*out = &m->base;
	return 0;
}
