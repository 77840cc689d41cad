/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sha256_pair.h"

#include <string.h>

#include "base/check.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>

#define BLOCK_BYTES 64u
#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE static inline __attribute__((always_inline))

/* FIPS 180-4, section 4.2.2 */
static const uint32_t round_constants[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* Section 5.3.3 */
static const uint32_t state_first[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* The working variables in the order that the instructions want, and the newest 16 words of the
 * message schedule. */
struct lane {
	__m128i abef, cdgh;
	__m128i w[4];
};

WITH_SHA INLINE void lane_init(struct lane *l)
{
	const uint32_t *s = state_first;
	l->abef = _mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]);
	l->cdgh = _mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]);
}

WITH_SHA INLINE __m128i big_endian(__m128i words)
{
	return _mm_shuffle_epi8(
		words, _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

WITH_SHA INLINE void lane_words(struct lane *l, const uint8_t *block)
{
	for (int i = 0; i < 4; i++)
		l->w[i] = big_endian(_mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i)));
}

/* Section 6.2.2, step 1: four more words in place of the four oldest, w[i]. */
WITH_SHA INLINE void lane_schedule(struct lane *l, int i)
{
	__m128i w1 = l->w[(i + 1) & 3], w2 = l->w[(i + 2) & 3], w3 = l->w[(i + 3) & 3];
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(l->w[i], w1), _mm_alignr_epi8(w3, w2, 4));
	l->w[i] = _mm_sha256msg2_epu32(sum, w3);
}

/* Step 3, four rounds */
WITH_SHA INLINE void lane_rounds(struct lane *l, int i, __m128i constants)
{
	__m128i wk = _mm_add_epi32(l->w[i], constants);
	l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, wk);
	l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

WITH_SHA INLINE void four_rounds(struct lane *a, struct lane *b, int i, const uint32_t *constants)
{
	__m128i k = _mm_loadu_si128((const __m128i *)(const void *)(constants + 4 * i));
	if (constants != round_constants) {
		lane_schedule(a, i);
		lane_schedule(b, i);
	}
	lane_rounds(a, i, k);
	lane_rounds(b, i, k);
}

WITH_SHA INLINE void sixteen_rounds(struct lane *a, struct lane *b, const uint32_t *constants)
{
	four_rounds(a, b, 0, constants);
	four_rounds(a, b, 1, constants);
	four_rounds(a, b, 2, constants);
	four_rounds(a, b, 3, constants);
}

WITH_SHA static void lanes_take(
	struct lane *a, struct lane *b, const uint8_t *at_a, const uint8_t *at_b, size_t blocks)
{
	struct lane x = *a, y = *b;
	for (; blocks > 0; blocks--, at_a += BLOCK_BYTES, at_b += BLOCK_BYTES) {
		__m128i x_abef = x.abef, x_cdgh = x.cdgh, y_abef = y.abef, y_cdgh = y.cdgh;
		lane_words(&x, at_a);
		lane_words(&y, at_b);
		sixteen_rounds(&x, &y, round_constants);
		sixteen_rounds(&x, &y, round_constants + 16);
		sixteen_rounds(&x, &y, round_constants + 32);
		sixteen_rounds(&x, &y, round_constants + 48);
		x.abef = _mm_add_epi32(x.abef, x_abef);
		x.cdgh = _mm_add_epi32(x.cdgh, x_cdgh);
		y.abef = _mm_add_epi32(y.abef, y_abef);
		y.cdgh = _mm_add_epi32(y.cdgh, y_cdgh);
	}
	*a = x;
	*b = y;
}

WITH_SHA static void lane_end(const struct lane *l, struct hash *out)
{
	__m128i feba = _mm_shuffle_epi32(l->abef, 0x1b), dchg = _mm_shuffle_epi32(l->cdgh, 0xb1);
	__m128i dcba = _mm_blend_epi16(feba, dchg, 0xf0), hgfe = _mm_alignr_epi8(dchg, feba, 8);
	_mm_storeu_si128((__m128i *)(void *)out->bytes, big_endian(dcba));
	_mm_storeu_si128((__m128i *)(void *)(out->bytes + 16), big_endian(hgfe));
}

/* Section 5.1.1: what is left over, a one bit, zeros, and the length in bits. How many blocks. */
static size_t pad(struct bytes message, uint8_t tail[2 * BLOCK_BYTES])
{
	size_t left = message.len % BLOCK_BYTES, blocks = left + 9 > BLOCK_BYTES ? 2 : 1;
	uint64_t bits = (uint64_t)message.len * 8;
	memset(tail, 0, 2 * BLOCK_BYTES);
	if (left)
		memcpy(tail, message.data + message.len - left, left);
	tail[left] = 0x80;
	for (size_t i = 0; i < 8; i++)
		tail[blocks * BLOCK_BYTES - 1 - i] = (uint8_t)(bits >> 8 * i);
	return blocks;
}

WITH_SHA static void pair(struct bytes a, struct bytes b, struct hash *hash_a, struct hash *hash_b)
{
	struct lane x, y;
	uint8_t tail_a[2 * BLOCK_BYTES], tail_b[2 * BLOCK_BYTES];
	lane_init(&x);
	lane_init(&y);
	lanes_take(&x, &y, a.data, b.data, a.len / BLOCK_BYTES);
	pad(a, tail_a);
	lanes_take(&x, &y, tail_a, tail_b, pad(b, tail_b));
	lane_end(&x, hash_a);
	lane_end(&y, hash_b);
}

static bool processor_has_sha(void)
{
	unsigned a, b, c, d;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}

/* What it computes decides what is kept: once, it is held against OpenSSL. */
static bool agrees(void)
{
	static const size_t lengths[] = {0, 55, 56, 64, 1000};
	uint8_t data[2000];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct bytes a = bytes_of(data, lengths[i]), b = bytes_of(data + 1000, lengths[i]);
		struct hash got_a, got_b, a_hash, b_hash;
		pair(a, b, &got_a, &got_b);
		if (hash_of(NULL, a, &a_hash) || hash_of(NULL, b, &b_hash) ||
			!hash_equal(&got_a, &a_hash) || !hash_equal(&got_b, &b_hash))
			return false;
	}
	return true;
}

static pthread_once_t tried = PTHREAD_ONCE_INIT;
static bool works;

static void try_once(void)
{
	works = processor_has_sha() && agrees();
}

bool sha256_pair_works(void)
{
	pthread_once(&tried, try_once);
	return works;
}

void sha256_pair(
	struct bytes first, struct bytes second, struct hash *first_hash, struct hash *second_hash)
{
	require(works && first.len == second.len);
	pair(first, second, first_hash, second_hash);
}

#else

bool sha256_pair_works(void)
{
	return false;
}

void sha256_pair(
	struct bytes first, struct bytes second, struct hash *first_hash, struct hash *second_hash)
{
	(void)first, (void)second, (void)first_hash, (void)second_hash;
	require(false);
}

#endif
