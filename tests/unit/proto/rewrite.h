/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/message.h"

/** Writes a decoded message again, into the emptied buffer: what a newer peer added is left out,
 * and of an OBJECT in two parts only this one is written. */
void rewrite_message(const struct message *m, struct buffer *b);
