/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa verify FILE|ID`. */
#pragma once

struct cli;

int verify_run(struct cli *cli);
