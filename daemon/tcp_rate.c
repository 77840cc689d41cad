/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tcp_rate.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

bool tcp_rate_read(int fd, uint64_t *bytes_per_second, bool *limited)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ||
		len < offsetof(struct tcp_info, tcpi_delivery_rate) + sizeof(info.tcpi_delivery_rate))
		return false;
	*bytes_per_second = info.tcpi_delivery_rate;
	*limited = info.tcpi_delivery_rate_app_limited;
	return info.tcpi_delivery_rate > 0;
}

void tcp_rate_set_queue(int fd, unsigned bytes)
{
	/* a kernel that refuses it only makes alerts wait longer */
	int result = setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
	(void)result;
}
