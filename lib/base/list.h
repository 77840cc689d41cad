/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Intrusive doubly linked list: a `struct list` is the ring's head, a `struct list_node` a member
 * of each item. The list owns nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list_node {
	struct list_node *next, *prev; /* both NULL while in no list */
};

struct list {
	struct list_node head;
};

/** The struct of `type` whose `member` is at `node`. */
#define list_entry(node, type, member) ((type *)((char *)(node) - offsetof(type, member)))

/** Walks all nodes; removing `node` inside needs the _safe form. */
#define list_for_each(list_, node) \
	for (struct list_node *node = list_first(list_); node; node = list_next(list_, node))

#define list_for_each_safe(list_, node) \
	for (struct list_node *node = list_first(list_), \
		*node##_after = node ? list_next(list_, node) : NULL; \
		node; \
		node = node##_after, node##_after = node ? list_next(list_, node) : NULL)

static inline void list_init(struct list *l)
{
	l->head.next = l->head.prev = &l->head;
}

static inline bool list_empty(const struct list *l)
{
	return l->head.next == &l->head;
}

static inline struct list_node *list_first(const struct list *l)
{
	return list_empty(l) ? NULL : l->head.next;
}

static inline struct list_node *list_last(const struct list *l)
{
	return list_empty(l) ? NULL : l->head.prev;
}

static inline struct list_node *list_next(const struct list *l, const struct list_node *n)
{
	return n->next == &l->head ? NULL : n->next;
}

/** True while the node is in some list; nodes start zeroed. */
static inline bool list_linked(const struct list_node *n)
{
	return n->next != NULL;
}

static inline void list_insert_before(struct list_node *at, struct list_node *n)
{
	n->prev = at->prev;
	n->next = at;
	at->prev->next = n;
	at->prev = n;
}

static inline void list_push_back(struct list *l, struct list_node *n)
{
	list_insert_before(&l->head, n);
}

static inline void list_push_front(struct list *l, struct list_node *n)
{
	list_insert_before(l->head.next, n);
}

/** Harmless for a node in no list. */
static inline void list_remove(struct list_node *n)
{
	if (!n->next)
		return;
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->next = n->prev = NULL;
}

/** Takes the first node out; NULL if there is none. */
static inline struct list_node *list_pop_front(struct list *l)
{
	struct list_node *n = list_first(l);
	if (n)
		list_remove(n);
	return n;
}

size_t list_count(const struct list *l);
