/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa list`, `show`, `export` and `explain`; `hansa get` is in fetch.h. */
#pragma once

struct cli;

int records_list(struct cli *cli);
int records_show(struct cli *cli);
int records_export(struct cli *cli);
int records_explain(struct cli *cli);
