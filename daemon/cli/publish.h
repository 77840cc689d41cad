/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa publish doc|call|alert FILE...`. */
#pragma once

struct cli;

int publish_run(struct cli *cli);
