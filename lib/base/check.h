/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Three grades of check. What a peer, a file or a user sent is never `require`d: it gets an error.
 */
#pragma once

/**
 * Ends the process: file, line, condition on standard error, then abort(). For broken invariants
 * of our own.
 */
_Noreturn void check_failed(const char *file, int line, const char *condition);

/** Always checked, always fatal. */
#define require(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			check_failed(__FILE__, __LINE__, #cond); \
	} while (0)

/** Recoverable: leaves the function with `code`. */
#define ensure_or(cond, code) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			return (code); \
	} while (0)

/** Only in debug builds (HANSA_DEBUG_CHECKS defined); for checks too dear for a release. */
#ifdef HANSA_DEBUG_CHECKS
#define debug_check(cond) require(cond)
#else
#define debug_check(cond) ((void)sizeof((cond) ? 1 : 0))
#endif
