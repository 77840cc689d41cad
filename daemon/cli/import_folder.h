/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa import DIR`. */
#pragma once

struct cli;

int import_folder_run(struct cli *cli);
