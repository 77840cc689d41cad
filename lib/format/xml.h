/* SPDX-License-Identifier: Apache-2.0 */
/**
 * XML from strangers, element by element (libxml2's SAX2 interface). Any document type declaration
 * ends the reading: no entities, so no bombs, no files and no network.
 */
#pragma once

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

struct xml_handler {
	/** `ns` is "" without a namespace. Not 0 stops the reading. */
	int (*start)(void *user, const char *ns, const char *name);
	/** A piece of text, in UTF-8 whatever the document's encoding; may be NULL. */
	int (*text)(void *user, struct bytes text);
	/** For each start; may be NULL. */
	int (*end)(void *user);
	size_t depth_max;
};

/**
 * 0; what a handler returned; ERROR_SYNTAX with a complaint for what is not well-formed (with its
 * line) or declares a document type; ERROR_DEPTH; ERROR_MEMORY.
 */
int xml_parse(struct bytes document, const struct xml_handler *handler, void *user,
	struct complaint *c);

#define XML_NAME_SIZE 128

/** The name and namespace of the root element, cut at the size; ERROR_SYNTAX if there is none. */
int xml_root(struct bytes document, char ns[static XML_NAME_SIZE], char name[static XML_NAME_SIZE],
	struct complaint *c);
