/* SPDX-License-Identifier: Apache-2.0 */
#include "format/xml.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct reading {
	const struct xml_handler *handler;
	void *user;
	struct complaint *complaint;
	xmlParserCtxtPtr context;
	size_t depth;
	int code; /* why it was stopped, or 0 */
	int error_line;
	char error[160]; /* the first error of the parser */
};

static void stop(struct reading *r, int code)
{
	if (!r->code)
		r->code = code;
	xmlStopParser(r->context);
}

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int namespaces_count, const xmlChar **namespaces, int attributes_count, int defaulted_count,
	const xmlChar **attributes)
{
	(void)prefix, (void)namespaces_count, (void)namespaces;
	(void)attributes_count, (void)defaulted_count, (void)attributes;
	struct reading *r = user;
	if (r->code)
		return;
	if (++r->depth > r->handler->depth_max) {
		stop(r, complain(r->complaint, ERROR_DEPTH, "",
			"the XML is nested more than %zu levels deep", r->handler->depth_max));
		return;
	}
	int code = r->handler->start(r->user, uri ? (const char *)uri : "", (const char *)name);
	if (code)
		stop(r, code);
}

static void on_text(void *user, const xmlChar *text, int len)
{
	struct reading *r = user;
	/* After an error libxml2 may report text outside the root. */
	if (r->code || r->depth == 0 || !r->handler->text || len <= 0)
		return;
	int code = r->handler->text(r->user, bytes_of(text, (size_t)len));
	if (code)
		stop(r, code);
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	(void)name, (void)prefix, (void)uri;
	struct reading *r = user;
	if (r->code || r->depth == 0)
		return;
	r->depth--;
	int code = r->handler->end ? r->handler->end(r->user) : 0;
	if (code)
		stop(r, code);
}

/* Called at <!DOCTYPE, before anything of the declaration is acted upon. */
static void on_document_type(void *user, const xmlChar *name, const xmlChar *external,
	const xmlChar *system)
{
	(void)name, (void)external, (void)system;
	struct reading *r = user;
	stop(r, complain(r->complaint, ERROR_SYNTAX, "",
		"the XML has a document type declaration (<!DOCTYPE …>); Hansa takes none, "
		"nor any entities declared in one"));
}

static void on_error(void *user, xmlErrorPtr error)
{
	struct reading *r = user;
	if (r->error[0] || !error || error->level < XML_ERR_ERROR)
		return;
	r->error_line = error->line;
	/* These are in libxml2's words for programmers. */
	const char *said = error->message ? error->message : "";
	if (error->code == XML_ERR_INVALID_ENCODING || error->code == XML_ERR_INVALID_CHAR)
		said = "it is not valid text of its encoding (UTF-8 unless its first line names another)";
	snprintf(r->error, sizeof(r->error), "%s", said);
	r->error[strcspn(r->error, "\n")] = 0;
}

static const xmlSAXHandler callbacks = {
	.internalSubset = on_document_type,
	.externalSubset = on_document_type,
	.characters = on_text,
	.cdataBlock = on_text,
	.ignorableWhitespace = on_text,
	.startElementNs = on_start,
	.endElementNs = on_end,
	.serror = on_error,
	.initialized = XML_SAX2_MAGIC,
};

int xml_parse(struct bytes document, const struct xml_handler *handler, void *user,
	struct complaint *c)
{
	if (document.len == 0 || document.len > INT_MAX)
		return complain(c, ERROR_SYNTAX, "", "the XML is empty or too large");
	struct reading r = {.handler = handler, .user = user, .complaint = c};
	r.context = xmlCreateMemoryParserCtxt((const char *)document.data, (int)document.len);
	if (!r.context)
		return ERROR_MEMORY;
	xmlCtxtUseOptions(r.context, XML_PARSE_NONET);
	*r.context->sax = callbacks;
	r.context->userData = &r;
	xmlParseDocument(r.context);
	bool well_formed = r.context->wellFormed;
	if (r.context->myDoc)
		xmlFreeDoc(r.context->myDoc);
	xmlFreeParserCtxt(r.context);
	if (r.code)
		return r.code;
	if (!well_formed)
		return complain(c, ERROR_SYNTAX, "", "the XML is not well-formed, line %d: %s",
			r.error_line, r.error[0] ? r.error : "it ends too early");
	return 0;
}

struct root {
	char *ns, *name;
};

#define ROOT_FOUND 1

static int on_root(void *user, const char *ns, const char *name)
{
	struct root *root = user;
	snprintf(root->ns, XML_NAME_SIZE, "%s", ns);
	snprintf(root->name, XML_NAME_SIZE, "%s", name);
	return ROOT_FOUND;
}

int xml_root(struct bytes document, char ns[static XML_NAME_SIZE], char name[static XML_NAME_SIZE],
	struct complaint *c)
{
	static const struct xml_handler handler = {.start = on_root, .depth_max = 1};
	struct root root = {.ns = ns, .name = name};
	ns[0] = name[0] = 0;
	int code = xml_parse(document, &handler, &root, c);
	if (code == ROOT_FOUND)
		return 0;
	return code ? code : ERROR_SYNTAX;
}
