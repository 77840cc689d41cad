/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What Linux knows of a TCP connection's speed, and how much unsent data it may hold. Apart from
 * uv.h, whose <netinet/tcp.h> knows an older struct tcp_info than the kernel's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/**
 * Bytes a second that the peer acknowledges, as last measured (tcp(7), TCP_INFO); limited: the
 * sender had too little to send, so it is a lower bound. False: not known.
 */
bool tcp_rate_read(int fd, uint64_t *bytes_per_second, bool *limited);

/** TCP_NOTSENT_LOWAT: the socket is writable only while fewer unsent bytes are queued. */
void tcp_rate_set_queue(int fd, unsigned bytes);
