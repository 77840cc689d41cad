/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa network create`, `invite` and `join`. */
#pragma once

struct cli;

int network_create(struct cli *cli);
int network_invite(struct cli *cli);
int network_join(struct cli *cli);
