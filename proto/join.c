/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/join.h"

#include "base/error.h"

static const struct {
	enum join_refusal code;
	int error;
} refusals[] = {
	{JOIN_REFUSAL_TOKEN, ERROR_TOKEN},
	{JOIN_REFUSAL_EXPIRED, ERROR_TOKEN_EXPIRED},
	{JOIN_REFUSAL_TAKEN, ERROR_SLUG_TAKEN},
	{JOIN_REFUSAL_TAKEN, ERROR_EXISTS},
	{JOIN_REFUSAL_RECORD, ERROR_EPOCH_RECORD},
	{JOIN_REFUSAL_RECORD, ERROR_FIELD},
	{JOIN_REFUSAL_RECORD, ERROR_KEY},
	{JOIN_REFUSAL_RECORD, ERROR_SIGNATURE},
	{JOIN_REFUSAL_CHARTER, ERROR_CHARTER_ITEM},
	{JOIN_REFUSAL_CHARTER, ERROR_CHARTER_SIGNERS},
	{JOIN_REFUSAL_CHARTER, ERROR_CHARTER_UNKNOWN},
	{JOIN_REFUSAL_LATER, ERROR_BUSY},
	{JOIN_REFUSAL_LATER, ERROR_FULL},
	{JOIN_REFUSAL_LATER, ERROR_CANCELLED},
	{JOIN_REFUSAL_LATER, ERROR_STATE},
	{JOIN_REFUSAL_LATER, ERROR_MEMORY},
};

#define REFUSAL_COUNT (sizeof(refusals) / sizeof(refusals[0]))

enum join_refusal join_refusal_of(int error)
{
	for (size_t i = 0; i < REFUSAL_COUNT; i++) {
		if (refusals[i].error == error)
			return refusals[i].code;
	}
	return JOIN_REFUSAL_OTHER;
}

int join_refusal_error(uint32_t code)
{
	for (size_t i = 0; i < REFUSAL_COUNT; i++) {
		if (refusals[i].code == code)
			return refusals[i].error;
	}
	return ERROR_PEER;
}

int join_proof(const uint8_t secret[static TOKEN_SECRET_BYTES],
	const uint8_t exporter[static JOIN_EXPORTER_BYTES], const struct public_key *city_key,
	struct hash *out)
{
	uint8_t message[JOIN_EXPORTER_BYTES + PUBLIC_KEY_SIZE];
	memcpy(message, exporter, JOIN_EXPORTER_BYTES);
	memcpy(message + JOIN_EXPORTER_BYTES, city_key->bytes, PUBLIC_KEY_SIZE);
	return hash_hmac(bytes_of(secret, TOKEN_SECRET_BYTES), bytes_of(message, sizeof(message)), out);
}

int join_proof_judge(const uint8_t secret[static TOKEN_SECRET_BYTES],
	const uint8_t exporter[static JOIN_EXPORTER_BYTES], const struct public_key *city_key,
	const struct hash *proof, unsigned *tries_left)
{
	struct hash right;
	int error = join_proof(secret, exporter, city_key, &right);
	if (error)
		return error;
	if (secret_equal(hash_bytes(&right), hash_bytes(proof)))
		return 0;
	if (*tries_left > 0)
		(*tries_left)--;
	return ERROR_TOKEN;
}
