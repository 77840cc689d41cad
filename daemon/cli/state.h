/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa status`, `peers` and `log`. */
#pragma once

struct cli;

int state_status(struct cli *cli);
int state_peers(struct cli *cli);
int state_log(struct cli *cli);
