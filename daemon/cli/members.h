/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa members`, `confirm`, `suspend`, `resume`, `remove` and `quota`. */
#pragma once

struct cli;

int members_show(struct cli *cli);
int members_confirm(struct cli *cli);
int members_suspend(struct cli *cli);
int members_resume(struct cli *cli);
int members_remove(struct cli *cli);
int members_quota(struct cli *cli);
