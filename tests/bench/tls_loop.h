/* SPDX-License-Identifier: Apache-2.0 */
/** TLS 1.3 over loopback without anything around it: two threads, one sends, one receives. */
#pragma once

#include <stdint.h>

/**
 * Bytes a second, in records of 16 KiB, under the cipher that the daemon asks for first
 * (TLS_AES_128_GCM_SHA256). Ends the program on an error.
 */
double tls_loop_rate(uint64_t bytes);
