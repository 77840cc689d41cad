/* SPDX-License-Identifier: Apache-2.0 */
/** Private to lib/feed: what replication judges of a header. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

/** Exactly what header_decode of record/header.h takes, without reading it out. */
int entry_header_check(struct bytes header, uint32_t *body_size);
