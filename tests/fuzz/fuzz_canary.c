/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canary: a parser with a planted heap overflow, behind four bytes that no random input hits
 * by chance. Only a fuzzer that is guided by coverage, with AddressSanitizer on, finds it within
 * seconds.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 5 || data[0] != 'C' || data[1] != 'A' || data[2] != 'G' || data[3] != 'E')
		return 0;
	uint8_t *copy = malloc(size);
	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	/* The bug: a claimed length is believed. */
	volatile uint8_t last = copy[data[4]];
	(void)last;
	free(copy);
	return 0;
}
