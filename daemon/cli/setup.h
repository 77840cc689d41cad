/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa init` and `hansa key renew`. */
#pragma once

struct cli;

int setup_init(struct cli *cli);
int setup_key_renew(struct cli *cli);
