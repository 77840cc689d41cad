/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a record is (kind) and on which feed of its city it travels (lane), docs/protocol.md
 * sections 2 and 3. To add a kind: give it its number here and its body in a file of its own
 * beside doc.c, then name it in body.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/**
 * 5 to 1023 are reserved by docs/protocol.md (those named here have their number and no body yet),
 * from 1024 on anybody may experiment. An unknown kind is stored, relayed and shown as such. An
 * incident of disinformation is an alert with an `incident` object.
 */
enum record_kind {
	KIND_ALERT = 1,
	KIND_CALL = 2,
	KIND_DOC = 3,
	KIND_META = 4,
	KIND_CASE = 5,    /* reserved */
	KIND_POLL = 6,    /* reserved */
	KIND_CONTACT = 7, /* reserved */
	KIND_EVENT = 8,   /* reserved */
	KIND_ERASURE = 9, /* reserved: the origin's own erasure, in lane meta */
};

#define KIND_MAX 65535
#define KIND_EXPERIMENT_MIN 1024

/** 5 to 15 are reserved. */
enum lane {
	LANE_ALERT = 1,
	LANE_CALL = 2,
	LANE_DOC = 3,
	LANE_META = 4,
};

#define LANE_MIN 1
#define LANE_MAX 4

/** "alert", "call", "doc", "meta", "case" …; "unknown" for what has no name. Never NULL. */
const char *kind_name(unsigned kind);
/** 0 if there is no kind of that name. */
unsigned kind_parse(struct bytes name);
/** True for the kinds whose bodies this version knows: alert, call, doc, meta. */
bool kind_known(unsigned kind);

/** "alert", "call", "doc", "meta"; "unknown" for any other number. Never NULL. */
const char *lane_name(unsigned lane);
/** 0 if there is no lane of that name. */
unsigned lane_parse(struct bytes name);
/** The lane that a known kind is published in; 0 for other kinds. */
unsigned lane_of_kind(unsigned kind);
