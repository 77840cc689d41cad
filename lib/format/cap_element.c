/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cap_element.h"

#include <stddef.h>

static const struct cap_element named[] = {
	{"valueName", CAP_LINE, false, NULL},
	{"value", CAP_VALUE, false, NULL},
	{NULL, CAP_TEXT, false, NULL},
};

static const struct cap_element resource[] = {
	{"resourceDesc", CAP_TEXT, false, NULL},
	{"mimeType", CAP_MIME, false, NULL},
	{"size", CAP_INTEGER, false, NULL},
	{"uri", CAP_URI, false, NULL},
	{"derefUri", CAP_TEXT, false, NULL},
	{"digest", CAP_LINE, false, NULL},
	{NULL, CAP_TEXT, false, NULL},
};

static const struct cap_element area[] = {
	{"areaDesc", CAP_TEXT, false, NULL},
	{"polygon", CAP_POLYGON, true, NULL},
	{"circle", CAP_CIRCLE, true, NULL},
	{"geocode", CAP_NAMED, true, named},
	{"altitude", CAP_NUMBER, false, NULL},
	{"ceiling", CAP_NUMBER, false, NULL},
	{NULL, CAP_TEXT, false, NULL},
};

static const struct cap_element info[] = {
	{"language", CAP_LANGUAGE, false, NULL},
	{"category", CAP_LINE, true, NULL},
	{"event", CAP_LINE, false, NULL},
	{"responseType", CAP_LINE, true, NULL},
	{"urgency", CAP_LINE, false, NULL},
	{"severity", CAP_LINE, false, NULL},
	{"certainty", CAP_LINE, false, NULL},
	{"audience", CAP_TEXT, false, NULL},
	{"eventCode", CAP_NAMED, true, named},
	{"effective", CAP_TIME, false, NULL},
	{"onset", CAP_TIME, false, NULL},
	{"expires", CAP_TIME, false, NULL},
	{"senderName", CAP_LINE, false, NULL},
	{"headline", CAP_LINE, false, NULL},
	{"description", CAP_TEXT, false, NULL},
	{"instruction", CAP_TEXT, false, NULL},
	{"web", CAP_URL, false, NULL},
	{"contact", CAP_TEXT, false, NULL},
	{"parameter", CAP_NAMED, true, named},
	{"resource", CAP_GROUP, true, resource},
	{"area", CAP_GROUP, true, area},
	{NULL, CAP_TEXT, false, NULL},
};

const struct cap_element cap_alert_elements[] = {
	{"identifier", CAP_LINE, false, NULL},
	{"sender", CAP_LINE, false, NULL},
	{"sent", CAP_TIME, false, NULL},
	{"status", CAP_LINE, false, NULL},
	{"msgType", CAP_LINE, false, NULL},
	{"source", CAP_LINE, false, NULL},
	{"scope", CAP_LINE, false, NULL},
	{"restriction", CAP_TEXT, false, NULL},
	{"addresses", CAP_WORDS, false, NULL},
	{"code", CAP_LINE, true, NULL},
	{"note", CAP_TEXT, false, NULL},
	{"references", CAP_REFERENCES, false, NULL},
	{"incidents", CAP_WORDS, false, NULL},
	{"info", CAP_GROUP, true, info},
	{NULL, CAP_TEXT, false, NULL},
};
