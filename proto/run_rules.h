/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "charter/roster.h"
#include "feed/run.h"

/**
 * What the charter says about one epoch of a city's lane, as run_verify asks for it.
 * ERROR_EPOCH_UNKNOWN, also of a city that is no member.
 */
int run_rules_of(const struct roster *roster, const struct hash *city_id, uint8_t lane,
	uint32_t epoch, struct run_rules *rules);
