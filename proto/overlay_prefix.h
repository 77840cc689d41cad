/* SPDX-License-Identifier: Apache-2.0 */
/** The part of the network that an address lies in, so that links are not all in one: /16, /32. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/** Family (4 or 6), then the first two or four bytes of the address; comparable by memcmp. */
struct overlay_prefix {
	uint8_t bytes[5];
};

/**
 * Of "192.0.2.7:4400" or "[2001:db8::7]:4400". False: a name, or what is no address, whose place
 * is not known. "::ffff:192.0.2.7" is IPv4.
 */
bool overlay_prefix_parse(struct bytes address, struct overlay_prefix *out);
