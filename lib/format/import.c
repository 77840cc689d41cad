/* SPDX-License-Identifier: Apache-2.0 */
#include "format/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "format/cap.h"
#include "format/document.h"
#include "format/xml.h"
#include "record/body.h"
#include "record/header.h"

/* Room for the attachments that the caller adds to a body. */
#define ATTACHMENTS_ROOM 8192
#define UBL_NAMESPACE "urn:oasis:names:specification:ubl:schema:xsd:"

struct import {
	const struct mapping_set *mappings;
	const struct import_entry *entry;
	struct bytes content;
	unsigned kind_wanted;
	import_callback *callback;
	void *user;
	struct import_attachment attachments[IMPORT_ATTACHMENTS_MAX + 1];
	size_t attachment_count;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool ends_in(const char *path, const char *ending)
{
	size_t len = strlen(path), tail = strlen(ending);
	return len > tail && !strcasecmp(path + len - tail, ending);
}

static int refuse(struct import *im, unsigned kind, const char *record, const struct complaint *c)
{
	struct import_item item = {.kind = kind, .record = record, .complaint = *c};
	if (!item.complaint.reason[0])
		complain(&item.complaint, ERROR_MEMORY, "", "%s", error_text(ERROR_MEMORY));
	return im->callback(im->user, &item);
}

__attribute__((format(printf, 2, 3)))
static int refuse_file(struct import *im, const char *format, ...)
{
	struct complaint c = {0};
	char reason[sizeof(c.reason)];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	complain(&c, ERROR_TYPE, "", "%s", reason);
	return refuse(im, 0, "", &c);
}

static void attach(struct import *im, const char *path, const char *name, const char *media_type,
	uint8_t flags)
{
	if (im->attachment_count > IMPORT_ATTACHMENTS_MAX)
		return;
	im->attachments[im->attachment_count++] = (struct import_attachment){
		.path = path, .name = name, .media_type = media_type, .flags = flags};
}

/* "an alert", for sentences. */
static const char *kind_phrase(unsigned kind)
{
	static const char *const phrases[] = {
		[KIND_ALERT] = "an alert",
		[KIND_CALL] = "a call",
		[KIND_DOC] = "a document",
		[KIND_META] = "a note about other records (meta)",
	};
	return kind < sizeof(phrases) / sizeof(phrases[0]) && phrases[kind] ?
		phrases[kind] : "of a kind that is not known";
}

/* The last checks that every record passes, whatever it came from. Takes over `body`. */
static int give(struct import *im, unsigned kind, const char *record, json_t *body)
{
	struct complaint c = {0};
	struct buffer encoded;
	buffer_init(&encoded, BODY_SIZE_MAX);
	int code = 0;
	if (im->kind_wanted && im->kind_wanted != kind)
		code = complain(&c, ERROR_FIELD, "", "is %s, and %s was asked for",
			kind_phrase(kind), kind_phrase(im->kind_wanted));
	if (!code)
		code = body_validate(kind, body, &c);
	if (!code)
		code = body_encode(body, &encoded, &c);
	if (!code && im->attachment_count && encoded.len > BODY_SIZE_MAX - ATTACHMENTS_ROOM)
		code = complain(&c, ERROR_SIZE, "", "the record is larger than %d bytes; "
			"publish its long parts as attachments", BODY_SIZE_MAX - ATTACHMENTS_ROOM);
	buffer_deinit(&encoded);
	struct import_item item = {.kind = kind, .record = record, .body = body,
		.attachments = im->attachments, .attachment_count = im->attachment_count};
	code = code ? refuse(im, kind, record, &c) : im->callback(im->user, &item);
	json_decref(body);
	return code;
}

static int import_document(struct import *im)
{
	struct complaint c = {0};
	json_t *doc;
	if (document_parse(im->entry->path, im->content, &doc, &c))
		return refuse(im, KIND_DOC, "", &c);
	for (size_t i = 0; i < im->entry->attached_count; i++) {
		const char *path = im->entry->attached[i];
		attach(im, path, base_name(path), import_media_type(path), 0);
	}
	return give(im, KIND_DOC, "", doc);
}

/* A file that people read elsewhere becomes a document that has it attached. */
static int import_attachment(struct import *im)
{
	const char *path = im->entry->path;
	json_t *doc;
	if (ends_in(path, ".pdf") && !bytes_starts_with(im->content, bytes_from_text("%PDF-")))
		return refuse_file(im, "%s is named .pdf and is none", base_name(path));
	if (document_of_attachment(path, &doc))
		return ERROR_MEMORY;
	attach(im, path, base_name(path), import_media_type(path), 0);
	return give(im, KIND_DOC, "", doc);
}

static int import_alert(struct import *im)
{
	struct complaint c = {0};
	json_t *alert;
	bool is_inline;
	if (cap_parse(im->content, &alert, &c))
		return refuse(im, KIND_ALERT, "", &c);
	int code = cap_keep_original(alert, im->content, &is_inline);
	if (!code)
		code = cap_abridge(alert, BODY_SIZE_MAX - ATTACHMENTS_ROOM);
	if (code) {
		json_decref(alert);
		complain(&c, code, "", "the alert is too large without its map shapes and files too");
		return refuse(im, KIND_ALERT, "", &c);
	}
	if (!is_inline)
		attach(im, im->entry->path, CAP_ORIGINAL_NAME, CAP_MEDIA_TYPE,
			HEADER_ATTACHMENT_CAP_ORIGINAL);
	return give(im, KIND_ALERT, "", alert);
}

static int import_xml(struct import *im)
{
	char ns[XML_NAME_SIZE], name[XML_NAME_SIZE];
	struct complaint c = {0};
	if (im->content.len > CAP_SIZE_MAX)
		return import_alert(im); /* refused there, with the limit */
	if (xml_root(im->content, ns, name, &c))
		return refuse(im, 0, "", &c);
	if (!strcmp(name, "alert"))
		return import_alert(im);
	if (!strcmp(name, "rss"))
		return refuse_file(im, "is an RSS feed, a list of links; import the alerts they lead to");
	if (!strcmp(name, "feed"))
		return refuse_file(im, "is an Atom feed, a list of links; import the alerts they lead to");
	if (!strncmp(ns, UBL_NAMESPACE, strlen(UBL_NAMESPACE)))
		return refuse_file(im, "is a procurement notice in UBL or eForms XML (%s), which "
			"Hansa does not read; it takes OCDS, in JSON", name);
	return refuse_file(im, "is XML of a kind that Hansa does not read (its root is <%s>)", name);
}

static int on_call(void *user, const char *name, json_t *call, const struct complaint *c)
{
	struct import *im = user;
	return call ? give(im, KIND_CALL, name, json_incref(call)) : refuse(im, KIND_CALL, name, c);
}

static int import_calls(struct import *im, const struct mapping_input *in, bool *known)
{
	const struct mapping *mapping = mapping_detect(im->mappings, in);
	struct complaint c = {0};
	*known = mapping != NULL;
	if (!mapping)
		return 0;
	int code = mapping_apply(mapping, in, on_call, im, &c);
	return c.reason[0] ? refuse(im, KIND_CALL, "", &c) : code;
}

/* A body of our own, as `hansa show --json` gives it, by the fields that only its kind has. */
static unsigned kind_of_body(const json_t *body)
{
	if (json_object_get(body, "msgType"))
		return KIND_ALERT;
	if (json_object_get(body, "title") && json_object_get(body, "funder"))
		return KIND_CALL;
	if (json_object_get(body, "title") && json_object_get(body, "language"))
		return KIND_DOC;
	return json_object_get(body, "type") && json_object_get(body, "entries") ? KIND_META : 0;
}

static int import_data(struct import *im)
{
	struct mapping_input in;
	struct complaint c = {0};
	bool known = false;
	int code = mapping_input_read(im->entry->path, im->content, &in, &c);
	if (code) {
		mapping_input_deinit(&in);
		return refuse(im, im->kind_wanted, "", &c);
	}
	code = import_calls(im, &in, &known);
	json_t *body = NULL;
	unsigned kind = 0;
	if (!known && json_is_object(in.json)) {
		kind = im->kind_wanted ? im->kind_wanted : kind_of_body(in.json);
		body = kind ? body_from_json(im->content, &c) : NULL;
	}
	mapping_input_deinit(&in);
	if (known)
		return code;
	if (body)
		return give(im, kind, "", body);
	if (c.reason[0])
		return refuse(im, kind, "", &c);
	return refuse_file(im, "is no record of Hansa's own, and no mapping says how calls are "
		"read from %s such as this one",
		ends_in(im->entry->path, ".csv") ? "a CSV file" : "a JSON file");
}

static int import_other(struct import *im)
{
	const char *path = im->entry->path;
	static const char *const documents[] = {".pdf", ".docx", ".odt", ".pptx", ".odp", ".epub"};
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		if (ends_in(path, documents[i]))
			return import_attachment(im);
	if (ends_in(path, ".ics"))
		return refuse_file(im, "is a calendar, whose events Hansa does not keep; a deadline "
			"belongs to a call, in JSON or CSV");
	if (ends_in(path, ".xlsx") || ends_in(path, ".ods"))
		return refuse_file(im, "is a spreadsheet; save the sheet as CSV");
	if (!strncmp(import_media_type(path), "image/", 6))
		return refuse_file(im, "is an image without a document; give both the same name, or "
			"publish it with --attach");
	return refuse_file(im, "%s is of no kind that Hansa reads: CAP, Markdown, AsciiDoc, "
		"reStructuredText, HTML, text, PDF, JSON, CSV", base_name(path));
}

int import_file(const struct mapping_set *mappings, const struct import_entry *entry,
	struct bytes content, unsigned kind_wanted, import_callback *callback, void *user)
{
	struct import im = {.mappings = mappings, .entry = entry, .content = content,
		.kind_wanted = kind_wanted, .callback = callback, .user = user};
	const char *path = entry->path;
	if (content.len == 0)
		return refuse_file(&im, "the file is empty");
	if (ends_in(path, ".xml") || ends_in(path, ".cap"))
		return import_xml(&im);
	if (document_media_type(path))
		return import_document(&im);
	if (ends_in(path, ".json") || ends_in(path, ".csv"))
		return import_data(&im);
	if (bytes_starts_with(content, bytes_from_text("<?xml")))
		return import_xml(&im);
	return import_other(&im);
}
