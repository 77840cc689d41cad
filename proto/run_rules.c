/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/run_rules.h"

#include "base/error.h"

int run_rules_of(const struct roster *roster, const struct hash *city_id, uint8_t lane,
	uint32_t epoch, struct run_rules *rules)
{
	struct roster_epoch e;
	int code = roster_epoch(roster, city_id, epoch, &e);
	if (code)
		return code == ERROR_NOT_MEMBER ? ERROR_EPOCH_UNKNOWN : code;
	unsigned i = lane - 1u;
	*rules = (struct run_rules){.epoch = epoch,
		.node_key = e.node_key,
		.start_seq = e.start[i].seq,
		.start_hash = e.start[i].hash,
		.has_end = e.has_end,
		.alert_lane = lane == FEED_LANE_ALERT};
	if (e.has_end) {
		rules->end_seq = e.end[i].seq;
		rules->end_hash = e.end[i].hash;
	}
	return 0;
}
