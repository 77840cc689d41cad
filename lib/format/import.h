/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The front door for files: says what a file is and turns it into records. It reads no file and
 * writes nothing; the caller does. Used by `hansa publish` and `hansa import`.
 *
 *   import_plan    which files go together (a PDF beside a document of the same name is attached)
 *   import_file    a file's bytes into records, or the reason why not
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/mapping.h"
#include "record/kind.h"

/** No file larger than this is read into memory; larger ones can be attached. */
#define IMPORT_FILE_SIZE_MAX MAPPING_INPUT_SIZE_MAX
#define IMPORT_ATTACHMENTS_MAX 16

/** A file to be attached to the record: the caller uploads it and calls body_add_attachment. */
struct import_attachment {
	const char *path;       /* as given to import_plan */
	const char *name;       /* as the record shows it */
	const char *media_type;
	uint8_t flags;          /* HEADER_ATTACHMENT_… */
};

struct import_item {
	unsigned kind;      /* enum record_kind; 0 if not even that is known */
	const char *record; /* "" for the whole file, else which record: "record 3", "line 12" */
	json_t *body;       /* valid but for its attachments; borrowed; NULL if refused */
	const struct import_attachment *attachments;
	size_t attachment_count;
	struct complaint complaint; /* of a refused one */
};

/** Not 0 stops the import. */
typedef int import_callback(void *user, const struct import_item *item);

/** One file, and those that are attached to what is in it. */
struct import_entry {
	const char *path; /* borrowed from import_plan's argument */
	const char *attached[IMPORT_ATTACHMENTS_MAX];
	size_t attached_count;
};

struct import_plan {
	struct import_entry *entries; /* in the order of the paths */
	size_t count;
};

/**
 * Groups files: one that cannot be read as a record (PDF, images) goes with the text document of
 * the same folder and stem; a PDF without one is an entry of its own. Files named SOURCES.md,
 * MANIFEST.tsv, LICENSE and the like are entries too, nothing is passed over. ERROR_MEMORY.
 */
int import_plan(const char *const *paths, size_t count, struct import_plan *out);
void import_plan_deinit(struct import_plan *plan);

/** "application/pdf" and so on by the file's name; "application/octet-stream" if not known. */
const char *import_media_type(const char *path);

/**
 * `kind_wanted`: 0 for any, else records of other kinds are refused. For a file that is no record
 * of any kind the callback is called once, with a complaint. Returns 0, ERROR_MEMORY or what the
 * callback returned.
 */
int import_file(const struct mapping_set *mappings, const struct import_entry *entry,
	struct bytes content, unsigned kind_wanted, import_callback *callback, void *user);
