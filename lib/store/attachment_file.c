/* SPDX-License-Identifier: Apache-2.0 */
#include "store/attachment_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "store/file_sync.h"

#define HEX_LEN (2 * HASH_SIZE)

/*
 * So much is handed to the disk at once, without waiting. Else the sync writes it all, and who
 * commits to the store meanwhile waits for that: on ext4 a journal commit waits for the data of all
 * files that grew.
 */
#define START_BYTES (1u << 20)

struct attachment_files {
	char *folder; /* …/attachments */
	_Atomic uint64_t uploads;
	pthread_mutex_t lock;
	pthread_cond_t clean;
	bool cleaning;
};

struct attachment_file {
	struct attachment_files *files;
	int fd;
	bool named;      /* id and size are known */
	bool name_dirty; /* the folder was not synced since the name was made */
	struct hash id;
	uint64_t size;
	uint64_t end, synced, started; /* started: on its way to the disk up to here */
	char path[PATH_MAX];
};

/* A new file, which no row names yet, would be taken for a left-over one. */
static void wait_clean(struct attachment_files *files)
{
	pthread_mutex_lock(&files->lock);
	while (files->cleaning)
		pthread_cond_wait(&files->clean, &files->lock);
	pthread_mutex_unlock(&files->lock);
}

/* …/ab/<hex>suffix */
static int path_of(const struct attachment_files *files, const struct hash *id, const char *suffix,
	char to[PATH_MAX])
{
	char hex[HEX_LEN + 1];
	text_hex_encode(hex, hash_bytes(id));
	int n = snprintf(to, PATH_MAX, "%s/%.2s/%s%s", files->folder, hex, hex, suffix);
	return n > 0 && n < PATH_MAX ? 0 : ERROR_SIZE;
}

static int make_folder(const char *path)
{
	if (mkdir(path, 0700) == 0)
		return file_sync_folder_of(path);
	return errno == EEXIST ? 0 : error_from_errno(errno);
}

static int make_folder_of(const char *path)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", path);
	*strrchr(folder, '/') = '\0';
	return make_folder(folder);
}

int attachment_files_open(const char *folder, struct attachment_files **out)
{
	struct attachment_files *files = calloc(1, sizeof *files);
	if (!files)
		return ERROR_MEMORY;
	pthread_mutex_init(&files->lock, NULL);
	pthread_cond_init(&files->clean, NULL);
	int r = asprintf(&files->folder, "%s/attachments", folder) < 0 ? ERROR_MEMORY : 0;
	if (r)
		files->folder = NULL;
	else
		r = make_folder(files->folder);
	if (r) {
		attachment_files_close(files);
		return r;
	}
	*out = files;
	return 0;
}

void attachment_files_close(struct attachment_files *files)
{
	if (!files)
		return;
	pthread_cond_destroy(&files->clean);
	pthread_mutex_destroy(&files->lock);
	free(files->folder);
	free(files);
}

static int open_file(struct attachment_files *files, int flags, struct attachment_file *f)
{
	f->files = files;
	f->name_dirty = true;
	f->fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	return f->fd < 0 ? error_from_errno(errno) : 0;
}

int attachment_file_resume(struct attachment_files *files, const struct hash *attachment_id,
	uint64_t size, uint64_t chunks_durable, struct attachment_file **out)
{
	struct stat st;
	uint64_t chunks = attachment_chunk_count(size);
	ensure_or(size <= ATTACHMENT_BYTES_MAX && chunks_durable <= chunks, ERROR_RANGE);
	wait_clean(files);
	struct attachment_file *f = calloc(1, sizeof *f);
	if (!f)
		return ERROR_MEMORY;
	f->named = true;
	f->id = *attachment_id;
	f->size = size;
	f->end = chunks_durable == chunks ? size : chunks_durable * ATTACHMENT_CHUNK_BYTES;
	f->synced = f->started = f->end;
	int r = path_of(files, attachment_id, "", f->path);
	if (!r && access(f->path, F_OK) == 0)
		r = ERROR_EXISTS;
	if (!r)
		r = path_of(files, attachment_id, ".part", f->path);
	if (!r)
		r = make_folder_of(f->path);
	if (!r)
		r = open_file(files, 0, f);
	if (r) {
		free(f);
		return r;
	}
	if (fstat(f->fd, &st))
		r = error_from_errno(errno);
	else if ((uint64_t)st.st_size < f->end)
		r = ERROR_CORRUPT;
	else if (ftruncate(f->fd, (off_t)f->end))
		r = error_from_errno(errno);
	if (r) {
		attachment_file_close(f);
		return r;
	}
	*out = f;
	return 0;
}

int attachment_file_upload(struct attachment_files *files, struct attachment_file **out)
{
	wait_clean(files);
	struct attachment_file *f = calloc(1, sizeof *f);
	if (!f)
		return ERROR_MEMORY;
	int n = snprintf(f->path, sizeof f->path, "%s/upload-%llu", files->folder,
		(unsigned long long)atomic_fetch_add(&files->uploads, 1));
	int r = n <= 0 || (size_t)n >= sizeof f->path ? ERROR_SIZE : open_file(files, O_TRUNC, f);
	if (r) {
		free(f);
		return r;
	}
	*out = f;
	return 0;
}

int attachment_file_name(
	struct attachment_file *file, const struct hash *attachment_id, uint64_t size)
{
	char path[PATH_MAX];
	ensure_or(!file->named && size == file->end, ERROR_STATE);
	int r = path_of(file->files, attachment_id, "", path);
	if (r)
		return r;
	ensure_or(access(path, F_OK) != 0, ERROR_EXISTS);
	r = path_of(file->files, attachment_id, ".part", path);
	if (!r)
		r = make_folder_of(path);
	/* A part of the same that a peer was sending gives way: this one is whole. */
	if (!r && rename(file->path, path))
		r = error_from_errno(errno);
	if (r)
		return r;
	memcpy(file->path, path, sizeof path);
	file->named = true;
	file->name_dirty = true;
	file->id = *attachment_id;
	file->size = size;
	return 0;
}

/* Only a hint: what it does not begin, the sync does. */
static void start(int fd, uint64_t offset, uint64_t len)
{
	sync_file_range(fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

int attachment_file_write(struct attachment_file *file, uint64_t offset, struct bytes bytes)
{
	uint64_t limit = file->named ? file->size : ATTACHMENT_BYTES_MAX;
	ensure_or(offset == file->end && bytes.len <= limit - file->end, ERROR_RANGE);
	int r = file_write_at(file->fd, offset, bytes);
	if (r)
		return r;
	file->end += bytes.len;
	if (file->end - file->started >= START_BYTES) {
		start(file->fd, file->started, file->end - file->started);
		file->started = file->end;
	}
	return 0;
}

uint64_t attachment_file_end(const struct attachment_file *file)
{
	return file->end;
}

bool attachment_file_sync_due(const struct attachment_file *file)
{
	return file->end - file->synced >= ATTACHMENT_SYNC_BYTES;
}

/* Touches nothing that attachment_file_write does. */
int attachment_file_flush(struct attachment_file *file)
{
	if (fdatasync(file->fd))
		return ERROR_IO;
	if (file->name_dirty) {
		if (file_sync_folder_of(file->path))
			return ERROR_IO;
		file->name_dirty = false;
	}
	return 0;
}

int attachment_file_sync(struct attachment_file *file, uint64_t *chunks)
{
	if ((file->end != file->synced || file->name_dirty) && attachment_file_flush(file))
		return ERROR_IO;
	file->synced = file->end;
	if (chunks)
		*chunks = file->named && file->end == file->size ? attachment_chunk_count(file->size)
														 : file->end / ATTACHMENT_CHUNK_BYTES;
	return 0;
}

int attachment_file_finish(struct attachment_file *file)
{
	char path[PATH_MAX];
	ensure_or(file->named && file->end == file->size, ERROR_STATE);
	int r = path_of(file->files, &file->id, "", path);
	if (r)
		return r;
	file->name_dirty = false; /* the folder is synced once, below */
	r = attachment_file_sync(file, NULL);
	if (!r && rename(file->path, path))
		r = error_from_errno(errno);
	if (r)
		return r;
	memcpy(file->path, path, sizeof path);
	return file_sync_folder_of(path) ? ERROR_IO : 0;
}

void attachment_file_close(struct attachment_file *file)
{
	if (!file)
		return;
	if (!file->named)
		unlink(file->path);
	close(file->fd);
	free(file);
}

int attachment_files_open_read(
	struct attachment_files *files, const struct hash *attachment_id, int *fd)
{
	char path[PATH_MAX];
	int r = path_of(files, attachment_id, "", path);
	if (r)
		return r;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0 && errno == ENOENT) {
		r = path_of(files, attachment_id, ".part", path);
		if (r)
			return r;
		*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	return *fd < 0 ? error_from_errno(errno) : 0;
}

int attachment_file_read(int fd, uint64_t offset, uint8_t *to, size_t len)
{
	return file_read_at(fd, offset, to, len);
}

int attachment_files_remove(struct attachment_files *files, const struct hash *attachment_id)
{
	static const char *const suffixes[] = {"", ".part"};
	for (int i = 0; i < 2; i++) {
		char path[PATH_MAX];
		int r = path_of(files, attachment_id, suffixes[i], path);
		if (r)
			return r;
		if (unlink(path) && errno != ENOENT)
			return error_from_errno(errno);
	}
	return 0;
}

struct cleaning {
	struct attachment_files *files;
	attachment_known_fn *known;
	void *ctx;
	uint64_t removed;
};

static bool is_orphan(struct cleaning *c, const char *folder, const char *name)
{
	struct hash id;
	char path[PATH_MAX];
	bool complete = false;
	size_t len = strlen(name);
	bool part = len == HEX_LEN + 5 && strcmp(name + HEX_LEN, ".part") == 0;
	if ((!part && len != HEX_LEN) || text_hex_decode(id.bytes, HASH_SIZE, bytes_of(name, HEX_LEN)))
		return false; /* not ours: left alone */
	if (strncmp(name, folder, 2) != 0 || !c->known(c->ctx, &id, &complete))
		return true;
	return part && path_of(c->files, &id, "", path) == 0 && access(path, F_OK) == 0;
}

static int clean_folder(struct cleaning *c, const char *folder)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/%s", c->files->folder, folder);
	ensure_or(n > 0 && (size_t)n < sizeof path, ERROR_SIZE);
	DIR *d = opendir(path);
	if (!d)
		return error_from_errno(errno);
	struct dirent *e;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && is_orphan(c, folder, e->d_name) &&
			unlinkat(dirfd(d), e->d_name, 0) == 0)
			c->removed++;
	closedir(d);
	return 0;
}

void attachment_files_clean_begin(struct attachment_files *files)
{
	pthread_mutex_lock(&files->lock);
	files->cleaning = true;
	pthread_mutex_unlock(&files->lock);
}

static int clean_all(struct cleaning *c)
{
	DIR *d = opendir(c->files->folder);
	if (!d)
		return error_from_errno(errno);
	struct dirent *e;
	int r = 0;
	while (!r && (e = readdir(d))) {
		if (strncmp(e->d_name, "upload-", 7) == 0) {
			if (unlinkat(dirfd(d), e->d_name, 0) == 0)
				c->removed++;
		} else if (e->d_name[0] != '.' && strlen(e->d_name) == 2) {
			r = clean_folder(c, e->d_name);
		}
	}
	closedir(d);
	return r;
}

int attachment_files_clean(
	struct attachment_files *files, attachment_known_fn *known, void *ctx, uint64_t *removed)
{
	struct cleaning c = {.files = files, .known = known, .ctx = ctx};
	int r = clean_all(&c);
	pthread_mutex_lock(&files->lock);
	files->cleaning = false;
	pthread_cond_broadcast(&files->clean);
	pthread_mutex_unlock(&files->lock);
	if (removed)
		*removed = c.removed;
	return r;
}
