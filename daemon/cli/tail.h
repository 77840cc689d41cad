/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa tail`: the daemon's events, by Server-Sent Events. */
#pragma once

struct cli;

int tail_run(struct cli *cli);
