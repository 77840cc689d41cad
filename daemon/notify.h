/* SPDX-License-Identifier: Apache-2.0 */
/** sd_notify(3) by hand: one datagram to $NOTIFY_SOCKET, nothing without it. */
#pragma once

/** "READY=1", "STOPPING=1", "STATUS=…". */
void notify_send(const char *state);
