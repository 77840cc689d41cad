/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bootstrap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/cursor.h"
#include "store/file_sync.h"

#define BOOTSTRAP_MAGIC "HANSABSF"
#define BOOTSTRAP_VERSION 1
/* The least bytes of a network and of a member: what a count may claim of the bytes left. */
#define NETWORK_BYTES_MIN 76
#define MEMBER_BYTES_MIN 65

static int encode(struct buffer *b, const struct bootstrap_network *networks, uint32_t count)
{
	struct hash sum;
	buffer_push(b, BOOTSTRAP_MAGIC, 8);
	buffer_push_u32(b, BOOTSTRAP_VERSION);
	buffer_push_u32(b, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct bootstrap_network *n = &networks[i];
		buffer_push(b, n->network_id.bytes, HASH_SIZE);
		buffer_push_u64(b, n->amendment_number);
		buffer_push(b, n->amendment_hash.bytes, HASH_SIZE);
		buffer_push_u32(b, n->member_count);
		for (uint32_t j = 0; j < n->member_count; j++) {
			const struct bootstrap_member *m = &n->members[j];
			ensure_or(m->address_count <= BOOTSTRAP_ADDRESSES_MAX, ERROR_SIZE);
			buffer_push(b, m->city_id.bytes, HASH_SIZE);
			buffer_push(b, m->node_key.bytes, PUBLIC_KEY_SIZE);
			buffer_push_u8(b, m->address_count);
			for (uint8_t a = 0; a < m->address_count; a++) {
				size_t len = strlen(m->addresses[a]);
				ensure_or(len <= BOOTSTRAP_ADDRESS_BYTES_MAX, ERROR_SIZE);
				buffer_push_u8(b, (uint8_t)len);
				buffer_push(b, m->addresses[a], len);
			}
		}
	}
	if (b->error)
		return b->error;
	int r = hash_of(NULL, buffer_bytes(b), &sum);
	return r ? r : buffer_push(b, sum.bytes, HASH_SIZE);
}

static int write_file(const char *path, struct bytes bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_from_errno(errno);
	int r = file_write_at(fd, 0, bytes);
	if (!r && fsync(fd))
		r = ERROR_IO;
	if (close(fd) && !r)
		r = ERROR_IO;
	return r;
}

int bootstrap_file_write(const char *path, const struct bootstrap_network *networks, uint32_t count)
{
	char other[PATH_MAX];
	struct buffer b;
	int n = snprintf(other, sizeof other, "%s.new", path);
	ensure_or(n > 0 && (size_t)n < sizeof other, ERROR_SIZE);
	buffer_init(&b, BOOTSTRAP_FILE_BYTES_MAX);
	int r = encode(&b, networks, count);
	if (!r)
		r = write_file(other, buffer_bytes(&b));
	if (!r && rename(other, path))
		r = error_from_errno(errno);
	if (!r)
		r = file_sync_folder_of(path);
	else
		unlink(other);
	buffer_deinit(&b);
	return r;
}

/* All that was read lies in one list of allocations. */
struct chunk {
	struct chunk *next;
	max_align_t bytes[];
};

static void *take(struct bootstrap_file *file, size_t len)
{
	struct chunk *c = calloc(1, sizeof *c + len);
	if (!c)
		return NULL;
	c->next = file->memory;
	file->memory = c;
	return c->bytes;
}

void bootstrap_file_deinit(struct bootstrap_file *file)
{
	struct chunk *c = file->memory;
	while (c) {
		struct chunk *next = c->next;
		free(c);
		c = next;
	}
	*file = (struct bootstrap_file){0};
}

static int decode_member(struct cursor *c, struct bootstrap_file *file, struct bootstrap_member *m)
{
	cursor_copy(c, m->city_id.bytes, HASH_SIZE);
	cursor_copy(c, m->node_key.bytes, PUBLIC_KEY_SIZE);
	m->address_count = cursor_u8(c);
	ensure_or(m->address_count <= BOOTSTRAP_ADDRESSES_MAX, ERROR_CORRUPT);
	for (uint8_t i = 0; i < m->address_count; i++) {
		struct bytes text = cursor_bytes(c, cursor_u8(c));
		char *copy = take(file, text.len + 1);
		ensure_or(copy, ERROR_MEMORY);
		if (text.len)
			memcpy(copy, text.data, text.len);
		m->addresses[i] = copy;
	}
	return c->error ? ERROR_CORRUPT : 0;
}

static int decode_network(
	struct cursor *c, struct bootstrap_file *file, struct bootstrap_network *n)
{
	cursor_copy(c, n->network_id.bytes, HASH_SIZE);
	n->amendment_number = cursor_u64(c);
	cursor_copy(c, n->amendment_hash.bytes, HASH_SIZE);
	n->member_count = cursor_u32(c);
	ensure_or(n->member_count <= cursor_left(c) / MEMBER_BYTES_MIN, ERROR_CORRUPT);
	n->members = take(file, n->member_count * sizeof *n->members);
	ensure_or(n->members, ERROR_MEMORY);
	for (uint32_t i = 0; i < n->member_count; i++) {
		int r = decode_member(c, file, &n->members[i]);
		if (r)
			return r;
	}
	return 0;
}

static int decode(struct bytes bytes, struct bootstrap_file *file)
{
	struct hash sum;
	ensure_or(
		bytes.len >= 16 + HASH_SIZE && memcmp(bytes.data, BOOTSTRAP_MAGIC, 8) == 0, ERROR_CORRUPT);
	struct bytes summed = bytes_slice(bytes, 0, bytes.len - HASH_SIZE);
	int r = hash_of(NULL, summed, &sum);
	if (r)
		return r;
	ensure_or(memcmp(bytes.data + summed.len, sum.bytes, HASH_SIZE) == 0, ERROR_CORRUPT);
	struct cursor c = cursor_init(bytes_slice(summed, 8, summed.len));
	ensure_or(cursor_u32(&c) == BOOTSTRAP_VERSION, ERROR_VERSION);
	file->network_count = cursor_u32(&c);
	ensure_or(file->network_count <= cursor_left(&c) / NETWORK_BYTES_MIN, ERROR_CORRUPT);
	file->networks = take(file, file->network_count * sizeof *file->networks);
	ensure_or(file->networks, ERROR_MEMORY);
	for (uint32_t i = 0; i < file->network_count && !r; i++)
		r = decode_network(&c, file, &file->networks[i]);
	return r ? r : cursor_end(&c) ? ERROR_CORRUPT : 0;
}

int bootstrap_file_read(const char *path, struct bootstrap_file *out)
{
	struct stat st;
	struct buffer b;
	*out = (struct bootstrap_file){0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_from_errno(errno);
	buffer_init(&b, BOOTSTRAP_FILE_BYTES_MAX);
	int r = fstat(fd, &st) ? error_from_errno(errno) : 0;
	if (!r && st.st_size > (off_t)BOOTSTRAP_FILE_BYTES_MAX)
		r = ERROR_CORRUPT;
	if (!r && st.st_size > 0) {
		uint8_t *to = buffer_reserve(&b, (size_t)st.st_size);
		r = to ? file_read_at(fd, 0, to, (size_t)st.st_size) : b.error;
		if (!r)
			buffer_commit(&b, (size_t)st.st_size);
	}
	close(fd);
	if (!r)
		r = decode(buffer_bytes(&b), out);
	buffer_deinit(&b);
	if (r)
		bootstrap_file_deinit(out);
	return r == ERROR_TRUNCATED ? ERROR_CORRUPT : r;
}
