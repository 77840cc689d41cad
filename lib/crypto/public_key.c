/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/err.h>

#include "base/error.h"
#include "crypto/key.h"

/*
 * The curve: -x^2 + y^2 = 1 + d x^2 y^2 over p = 2^255 - 19 (RFC 8032, 5.1). A public key is y,
 * little-endian, with the sign of x in the highest bit.
 */
static const char p_hex[] = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
static const char d_hex[] = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";

/*
 * The y of the 8 points of small order, as encoded, without the sign: 0 (order 4, twice), 1 (the
 * neutral element), p - 1 (order 2), and those of order 8 (two, each twice).
 */
static const uint8_t small_order_y[5][PUBLIC_KEY_SIZE] = {
	{0},
	{1},
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x7f},
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc,
		0x05},
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03,
		0x7a},
};

/* Is x^2 = (y^2 - 1) / (d y^2 + 1) a square? The divisor is never 0, as -1/d is no square; u/v is a
 * square exactly if u v is. 1, 0, or -1 for a failure. */
static int is_on_curve(const BIGNUM *y, const BIGNUM *p, const BIGNUM *d, BN_CTX *context)
{
	BIGNUM *y2 = BN_CTX_get(context);
	BIGNUM *u = BN_CTX_get(context);
	BIGNUM *v = BN_CTX_get(context);

	if (!v || !BN_mod_sqr(y2, y, p, context) || !BN_mod_sub(u, y2, BN_value_one(), p, context) ||
		!BN_mod_mul(v, d, y2, p, context) || !BN_mod_add(v, v, BN_value_one(), p, context) ||
		!BN_mod_mul(u, u, v, p, context))
		return -1;
	int symbol = BN_kronecker(u, p, context);
	return symbol == -2 ? -1 : symbol >= 0;
}

static int admit_point(const uint8_t y_bytes[static PUBLIC_KEY_SIZE])
{
	BIGNUM *p = NULL, *d = NULL;
	BIGNUM *y = BN_lebin2bn(y_bytes, PUBLIC_KEY_SIZE, NULL);
	BN_CTX *context = BN_CTX_new();
	int error = ERROR_MEMORY;

	if (context && y && BN_hex2bn(&p, p_hex) && BN_hex2bn(&d, d_hex)) {
		BN_CTX_start(context);
		int on_curve = BN_cmp(y, p) < 0 ? is_on_curve(y, p, d, context) : 0;
		BN_CTX_end(context);
		error = on_curve < 0 ? ERROR_CRYPTO : on_curve ? 0 : ERROR_KEY;
	}
	BN_CTX_free(context);
	BN_free(y);
	BN_free(p);
	BN_free(d);
	if (error)
		ERR_clear_error();
	return error;
}

int public_key_admit(const struct public_key *key)
{
	uint8_t y[PUBLIC_KEY_SIZE];

	memcpy(y, key->bytes, sizeof(y));
	y[31] &= 0x7f; /* the sign; x = 0 with a sign occurs only in small order */
	for (size_t i = 0; i < sizeof(small_order_y) / sizeof(small_order_y[0]); i++) {
		if (memcmp(y, small_order_y[i], sizeof(y)) == 0)
			return ERROR_KEY;
	}
	return admit_point(y);
}
