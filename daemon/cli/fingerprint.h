/* SPDX-License-Identifier: Apache-2.0 */
/** Fingerprints that a person typed: see text_fingerprint in base/text.h. */
#pragma once

#include <stdint.h>

#include "base/text.h"
#include "daemon/cli/cli.h"

#define FINGERPRINT_BYTES 20
/** The telephone form, or a key's 64 hexadecimal digits. */
#define FINGERPRINT_ARGUMENT_SIZE TEXT_HEX_SIZE(32)

/**
 * Reads the option's value and gives it back in one form: the telephone form as text_fingerprint
 * writes it, or lower-case hexadecimal. CLI_REFUSED with the group that was misheard.
 */
int fingerprint_argument(
	struct cli *cli, enum option_id id, char to[static FINGERPRINT_ARGUMENT_SIZE]);
