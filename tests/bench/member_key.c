/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/member_key.h"

#include "base/check.h"

struct secret_key *member_key(unsigned number, enum member_key_use use)
{
	uint8_t seed[SECRET_SEED_SIZE] = {
		(uint8_t)use, (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), 'm'};
	struct secret_key *key;
	require(secret_key_from_seed(seed, &key) == 0);
	return key;
}
