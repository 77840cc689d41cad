/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tree.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/error.h"

/* A row, shared by the nodes of all versions that have it. */
struct item {
	_Atomic uint32_t holders;
	uint32_t key_len;
	size_t value_len;
	uint8_t bytes[]; /* key, value */
};

struct tree {
	_Atomic uint32_t holders;
	uint32_t priority;
	struct item *item;
	struct tree *left, *right;
};

/* FNV-1a with a finaliser: keys that differ in their last bits get unrelated priorities. */
static uint32_t priority_of(struct bytes key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < key.len; i++)
		h = (h ^ key.data[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	return (uint32_t)h;
}

static struct item *item_new(struct bytes key, size_t len)
{
	struct item *i = malloc(sizeof *i + key.len + len);
	if (!i)
		return NULL;
	atomic_init(&i->holders, 1);
	i->key_len = (uint32_t)key.len;
	i->value_len = len;
	memcpy(i->bytes, key.data, key.len);
	return i;
}

static void item_release(struct item *i)
{
	if (i && atomic_fetch_sub(&i->holders, 1) == 1)
		free(i);
}

struct tree *tree_hold(struct tree *t)
{
	if (t)
		atomic_fetch_add(&t->holders, 1);
	return t;
}

void tree_release(struct tree *t)
{
	while (t && atomic_fetch_sub(&t->holders, 1) == 1) {
		struct tree *right = t->right;
		item_release(t->item);
		tree_release(t->left);
		free(t);
		t = right;
	}
}

struct bytes tree_key(const struct tree *t)
{
	return bytes_of(t->item->bytes, t->item->key_len);
}

struct bytes tree_value(const struct tree *t)
{
	return bytes_of(t->item->bytes + t->item->key_len, t->item->value_len);
}

struct bytes tree_get(const struct tree *t, struct bytes key)
{
	while (t) {
		int order = bytes_compare(key, tree_key(t));
		if (order == 0)
			return tree_value(t);
		t = order < 0 ? t->left : t->right;
	}
	return bytes_of(NULL, 0);
}

const struct tree *tree_seek(const struct tree *t, struct bytes key, int at_most)
{
	const struct tree *best = NULL;
	while (t) {
		int order = bytes_compare(key, tree_key(t));
		if (order == 0)
			return t;
		if (order < 0) {
			if (!at_most)
				best = t;
			t = t->left;
		} else {
			if (at_most)
				best = t;
			t = t->right;
		}
	}
	return best;
}

/* Makes *t a node that only its holder here holds, by a copy if it has others. */
static int tree_own(struct tree **t)
{
	struct tree *old = *t;
	if (atomic_load(&old->holders) == 1)
		return 0;
	struct tree *copy = malloc(sizeof *copy);
	if (!copy)
		return ERROR_MEMORY;
	atomic_init(&copy->holders, 1);
	copy->priority = old->priority;
	copy->item = old->item;
	atomic_fetch_add(&copy->item->holders, 1);
	copy->left = tree_hold(old->left);
	copy->right = tree_hold(old->right);
	tree_release(old);
	*t = copy;
	return 0;
}

static struct tree *rotate_right(struct tree *t)
{
	struct tree *up = t->left;
	t->left = up->right;
	up->right = t;
	return up;
}

static struct tree *rotate_left(struct tree *t)
{
	struct tree *up = t->right;
	t->right = up->left;
	up->left = t;
	return up;
}

static int tree_insert(struct tree **t, struct item *item, uint32_t priority)
{
	struct bytes key = bytes_of(item->bytes, item->key_len);
	if (!*t) {
		struct tree *n = calloc(1, sizeof *n);
		if (!n)
			return ERROR_MEMORY;
		atomic_init(&n->holders, 1);
		n->priority = priority;
		n->item = item;
		*t = n;
		return 0;
	}
	if (tree_own(t))
		return ERROR_MEMORY;
	struct tree *n = *t;
	int order = bytes_compare(key, tree_key(n));
	if (order == 0) {
		item_release(n->item);
		n->item = item;
		return 0;
	}
	int r = tree_insert(order < 0 ? &n->left : &n->right, item, priority);
	if (r)
		return r;
	/* The child on the way is owned: it was just made or copied. */
	if (order < 0 && n->left->priority > n->priority)
		*t = rotate_right(n);
	else if (order > 0 && n->right->priority > n->priority)
		*t = rotate_left(n);
	return 0;
}

uint8_t *tree_put(struct tree **t, struct bytes key, size_t len)
{
	struct item *item = item_new(key, len);
	if (!item)
		return NULL;
	if (tree_insert(t, item, priority_of(key))) {
		item_release(item);
		return NULL;
	}
	return item->bytes + item->key_len;
}

/* Joins two subtrees, all of `a` below all of `b`; both are taken over. */
static int tree_join(struct tree *a, struct tree *b, struct tree **out)
{
	if (!a || !b) {
		*out = a ? a : b;
		return 0;
	}
	if (a->priority > b->priority) {
		*out = a;
		if (tree_own(out))
			return ERROR_MEMORY;
		return tree_join((*out)->right, b, &(*out)->right);
	}
	*out = b;
	if (tree_own(out))
		return ERROR_MEMORY;
	return tree_join(a, (*out)->left, &(*out)->left);
}

int tree_drop(struct tree **t, struct bytes key)
{
	require(*t != NULL);
	if (tree_own(t))
		return ERROR_MEMORY;
	struct tree *n = *t;
	int order = bytes_compare(key, tree_key(n));
	if (order)
		return tree_drop(order < 0 ? &n->left : &n->right, key);
	struct tree *left = n->left, *right = n->right, *joined = NULL;
	n->left = n->right = NULL;
	tree_release(n);
	*t = NULL;
	int r = tree_join(left, right, &joined);
	*t = joined;
	return r;
}
