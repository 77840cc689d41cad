/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a folder go together. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/document.h"
#include "format/import.h"

static const struct {
	const char *ending, *media_type;
	bool attached; /* goes with the document of the same name, if there is one */
} types[] = {
	{".pdf", "application/pdf", true},
	{".png", "image/png", true},
	{".jpg", "image/jpeg", true},
	{".jpeg", "image/jpeg", true},
	{".gif", "image/gif", true},
	{".webp", "image/webp", true},
	{".svg", "image/svg+xml", true},
	{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", true},
	{".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", true},
	{".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", true},
	{".odt", "application/vnd.oasis.opendocument.text", true},
	{".ods", "application/vnd.oasis.opendocument.spreadsheet", true},
	{".odp", "application/vnd.oasis.opendocument.presentation", true},
	{".epub", "application/epub+zip", true},
	{".zip", "application/zip", true},
	{".xml", "application/xml", false},
	{".cap", "application/cap+xml", false},
	{".json", "application/json", false},
	{".csv", "text/csv", false},
	{".tsv", "text/tab-separated-values", false},
	{".ics", "text/calendar", false},
};

struct stem {
	const char *path;
	size_t len; /* without the ending */
	size_t index;
};

static bool ends_in(const char *path, const char *ending)
{
	size_t len = strlen(path), tail = strlen(ending);
	return len > tail && !strcasecmp(path + len - tail, ending);
}

const char *import_media_type(const char *path)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (ends_in(path, types[i].ending))
			return types[i].media_type;
	const char *text = document_media_type(path);
	return text ? text : "application/octet-stream";
}

static bool is_attached(const char *path)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].attached && ends_in(path, types[i].ending))
			return true;
	return false;
}

static struct stem stem_of(const char *path, size_t index)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');
	return (struct stem){path, dot ? (size_t)(dot - path) : strlen(path), index};
}

static int compare_stems(const void *a, const void *b)
{
	const struct stem *x = a, *y = b;
	return bytes_compare(bytes_of(x->path, x->len), bytes_of(y->path, y->len));
}

static struct import_entry *find_document(struct import_plan *plan, const struct stem *stems,
	size_t count, const char *path)
{
	struct stem key = stem_of(path, 0);
	const struct stem *found = count ?
		bsearch(&key, stems, count, sizeof(*stems), compare_stems) : NULL;
	return found ? &plan->entries[found->index] : NULL;
}

/* Documents first: their places are known when the other files look for theirs. */
static void group(const char *const *paths, size_t count, struct import_plan *plan,
	struct stem *stems)
{
	size_t documents = 0;
	for (size_t i = 0; i < count; i++) {
		plan->entries[i].path = paths[i];
		if (document_media_type(paths[i]))
			stems[documents++] = stem_of(paths[i], i);
	}
	qsort(stems, documents, sizeof(*stems), compare_stems);
	for (size_t i = 0; i < count; i++) {
		if (!is_attached(paths[i]))
			continue;
		struct import_entry *owner = find_document(plan, stems, documents, paths[i]);
		if (!owner || owner->attached_count == IMPORT_ATTACHMENTS_MAX)
			continue;
		owner->attached[owner->attached_count++] = paths[i];
		plan->entries[i].path = NULL;
	}
}

int import_plan(const char *const *paths, size_t count, struct import_plan *out)
{
	*out = (struct import_plan){0};
	struct stem *stems = calloc(count + 1, sizeof(*stems));
	out->entries = calloc(count + 1, sizeof(*out->entries));
	if (!stems || !out->entries) {
		free(stems);
		import_plan_deinit(out);
		return ERROR_MEMORY;
	}
	group(paths, count, out, stems);
	free(stems);
	for (size_t i = 0; i < count; i++)
		if (out->entries[i].path)
			out->entries[out->count++] = out->entries[i];
	return 0;
}

void import_plan_deinit(struct import_plan *plan)
{
	free(plan->entries);
	*plan = (struct import_plan){0};
}
