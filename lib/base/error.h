/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one list of error codes. Functions return 0 or one negative code from here; a result goes
 * out through a pointer. To add one: add a line to ERROR_TABLE at the end of its range (numbers
 * are never re-used).
 *
 * What a person reads is a `struct complaint`: the field that is wrong, and a sentence that says
 * why.
 */
#pragma once

#include <stddef.h>

/* X(name, number, text) */
#define ERROR_TABLE(X) \
	X(ERROR_MEMORY, -1, "There is not enough memory.") \
	X(ERROR_IO, -2, "Reading or writing failed.") \
	X(ERROR_NOT_FOUND, -3, "There is nothing of that name.") \
	X(ERROR_EXISTS, -4, "It exists already.") \
	X(ERROR_FULL, -5, "The disk is full.") \
	X(ERROR_BUSY, -6, "It is in use by another.") \
	X(ERROR_STATE, -7, "That is not possible in the present state.") \
	X(ERROR_PERMISSION, -8, "Permission is denied.") \
	X(ERROR_CORRUPT, -9, "Stored data is damaged.") \
	X(ERROR_VERSION, -10, "The format's version is not known here.") \
	X(ERROR_LIMIT, -11, "A limit is exceeded.") \
	X(ERROR_USAGE, -12, "The request is not well formed.") \
	X(ERROR_CANCELLED, -13, "It was cancelled.") \
	X(ERROR_TRUNCATED, -100, "The bytes end too early.") \
	X(ERROR_TRAILING, -101, "There are bytes left over after the end.") \
	X(ERROR_NOT_CANONICAL, -102, "The encoding is not the canonical one.") \
	X(ERROR_TYPE, -103, "A value is of the wrong type.") \
	X(ERROR_DEPTH, -104, "Values are nested too deeply.") \
	X(ERROR_UTF8, -105, "A text is not valid UTF-8 or contains a NUL.") \
	X(ERROR_SYNTAX, -106, "A text does not follow its syntax.") \
	X(ERROR_SIZE, -107, "A length or count is out of bounds.") \
	X(ERROR_RANGE, -108, "A number is out of range.") \
	X(ERROR_SIGNATURE, -200, "A signature is not valid.") \
	X(ERROR_KEY, -201, "A key is not an acceptable Ed25519 key.") \
	X(ERROR_KEY_EXPOSED, -202, "A key file can be read or changed by others.") \
	X(ERROR_CERTIFICATE, -203, "A certificate is not a bare wrapper of an Ed25519 key.") \
	X(ERROR_RANDOM, -204, "The system gave no random bytes.") \
	X(ERROR_CRYPTO, -205, "The cryptographic library failed.") \
	X(ERROR_CHAIN, -300, "An entry does not continue its chain.") \
	X(ERROR_HEAD, -301, "A signed head does not match its entries.") \
	X(ERROR_EPOCH_UNKNOWN, -302, "The epoch that signed is not known here.") \
	X(ERROR_CUT, -303, "An entry lies beyond the cut of its epoch.") \
	X(ERROR_FORK, -304, "A city has signed two histories of one feed.") \
	X(ERROR_GAP, -305, "Entries before this one are missing.") \
	X(ERROR_CHECKPOINT, -306, "A checkpoint is missing where one is due.") \
	X(ERROR_QUOTA, -308, "The network's quota of this feed is used up for now.") \
	X(ERROR_FROZEN, -307, "The feed is frozen until its city renews its key.") \
	X(ERROR_CHARTER_PREDECESSOR, -400, "The amendment does not follow the one held here.") \
	X(ERROR_CHARTER_SIGNERS, -401, "Too few officers have signed.") \
	X(ERROR_CHARTER_ITEM, -402, "An item of the amendment cannot be applied.") \
	X(ERROR_CHARTER_RIVAL, -403, "Two valid amendments carry one number.") \
	X(ERROR_CHARTER_UNKNOWN, -404, "The network is not known here.") \
	X(ERROR_NOT_MEMBER, -405, "The city is not an active member of the network.") \
	X(ERROR_SLUG_TAKEN, -406, "The short name is taken in this network.") \
	X(ERROR_TOKEN, -407, "The invitation is not valid.") \
	X(ERROR_TOKEN_EXPIRED, -408, "The invitation has expired.") \
	X(ERROR_EPOCH_RECORD, -409, "An epoch record is not valid.") \
	X(ERROR_FIELD, -500, "A field of the record is not acceptable.") \
	X(ERROR_FRAME, -600, "A frame breaks the protocol's framing.") \
	X(ERROR_MESSAGE, -601, "A message is not allowed here or is malformed.") \
	X(ERROR_CREDIT, -602, "The peer sent more than its credit.") \
	X(ERROR_PEER, -603, "The peer is not one that may be spoken to.") \
	X(ERROR_TIMEOUT, -604, "No answer came in time.")

enum error_code {
#define ERROR_ENUM(name, number, text) name = number,
	ERROR_TABLE(ERROR_ENUM)
#undef ERROR_ENUM
};

/**
 * The code's name, "ERROR_IO"; "OK" for 0, "ERROR_UNKNOWN" for what is not in the table. Never
 * NULL.
 */
const char *error_name(int code);

/** One plain English sentence for the code. Never NULL. */
const char *error_text(int code);

/**
 * The first system errno of a failed call as one of our codes: ENOSPC and EDQUOT are ERROR_FULL,
 * EACCES and EPERM ERROR_PERMISSION, ENOENT ERROR_NOT_FOUND, EEXIST ERROR_EXISTS, ENOMEM
 * ERROR_MEMORY, else ERROR_IO.
 */
int error_from_errno(int system_errno);

/**
 * Which field was refused, and why; both end in NUL, cut at whole UTF-8 characters. Zeroed: no
 * complaint.
 */
struct complaint {
	char field[96];
	char reason[256];
};

/**
 * Fill a complaint and return `code`, so that `return complain(c, ERROR_FIELD, "expires", "…")`
 * reads well. `c` and `field` may be NULL. Control characters (C0, DEL, C1) become '?', as does
 * invalid UTF-8, so that a complaint about hostile input can be printed on a terminal and written
 * into a log.
 */
__attribute__((format(printf, 4, 5)))
int complain(struct complaint *c, int code, const char *field, const char *format, ...);
