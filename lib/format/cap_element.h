/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The elements of CAP as one table, in the order of the standard: cap_parse reads by it and
 * cap_write writes by it. Private to lib/format.
 */
#pragma once

#include <stdbool.h>

#define CAP_NAMESPACE_10 "http://www.incident.com/cap/1.0"
#define CAP_NAMESPACE_11 "urn:oasis:names:tc:emergency:cap:1.1"
#define CAP_NAMESPACE_12 "urn:oasis:names:tc:emergency:cap:1.2"

enum cap_type {
	CAP_TEXT,       /* trimmed; line breaks inside are kept */
	CAP_LINE,       /* white space collapsed to single spaces */
	CAP_VALUE,      /* as CAP_TEXT, and kept when empty */
	CAP_TIME,       /* as CAP_LINE; written in CAP's form */
	CAP_LANGUAGE,   /* what is no tag of a language is a fault */
	CAP_URL,        /* what is no http(s) or mailto link is a fault */
	CAP_URI,        /* the same, or a relative reference */
	CAP_MIME,       /* what is no media type is a fault */
	CAP_NUMBER,     /* decimal */
	CAP_INTEGER,
	CAP_POLYGON,    /* broken shapes are faults */
	CAP_CIRCLE,
	CAP_WORDS,      /* a list with spaces between, quotes around words with spaces */
	CAP_REFERENCES, /* a list of sender,identifier,sent */
	CAP_GROUP,      /* has `children` */
	CAP_NAMED,      /* a group of valueName and value; in CAP 1.0 the text name=value */
};

struct cap_element {
	const char *name; /* NULL ends a table */
	enum cap_type type;
	bool list; /* may appear more than once: an array in the model */
	const struct cap_element *children;
};

/** The children of <alert>. */
extern const struct cap_element cap_alert_elements[];
