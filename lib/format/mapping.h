/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Calls from other people's JSON and CSV, by mappings that are declared in config/mappings/ (one
 * YAML file each; docs/records.md says how to write one). Each record of a file becomes a valid
 * call, or is refused with a reason.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

#define MAPPING_FILE_SIZE_MAX (256u * 1024)
#define MAPPING_INPUT_SIZE_MAX (64u * 1024 * 1024)
#define MAPPING_SET_MAX 256

struct mapping;

struct mapping_set {
	struct mapping **mappings; /* in the order of their file names */
	size_t count;
};

/** Reads one mapping. Complaints name the line or key. Free with mapping_free (NULL is fine). */
int mapping_parse(const char *filename, struct bytes yaml, struct mapping **out,
	struct complaint *c);
void mapping_free(struct mapping *m);

/** Reads all *.yaml of a folder. On error the set is empty. */
int mapping_load(const char *folder, struct mapping_set *out, struct complaint *c);
void mapping_set_deinit(struct mapping_set *set);

/** A file's content, read once for detection and application. */
struct mapping_input {
	json_t *json;       /* owned; NULL for CSV */
	struct bytes csv;   /* empty for JSON */
	json_t *csv_header; /* owned: array of the first row's names */
};

/** The ending of `filename` decides between JSON and CSV. Complains of what is not well-formed. */
int mapping_input_read(const char *filename, struct bytes content, struct mapping_input *out,
	struct complaint *c);
void mapping_input_deinit(struct mapping_input *in);

/** The first mapping of the set that fits, or NULL. */
const struct mapping *mapping_detect(const struct mapping_set *set, const struct mapping_input *in);

/**
 * Called for each record, in order: `name` says which ("record 12", "line 40"); either `call` is a
 * valid body (borrowed: json_incref to keep it) or it is NULL and `c` says why. Not 0 stops.
 */
typedef int mapping_callback(void *user, const char *name, json_t *call, const struct complaint *c);

/** 0; what the callback returned; ERROR_MEMORY; or the error of a CSV file that breaks off. */
int mapping_apply(const struct mapping *m, const struct mapping_input *in,
	mapping_callback *callback, void *user, struct complaint *c);
