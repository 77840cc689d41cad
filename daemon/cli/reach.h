/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa reach`. */
#pragma once

struct cli;

int reach_run(struct cli *cli);
