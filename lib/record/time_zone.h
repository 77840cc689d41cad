/* SPDX-License-Identifier: Apache-2.0 */
/** Which names of time zones there are. */
#pragma once

#include <stdbool.h>

/** True for a name of the IANA database, such as "Europe/Budapest" or "UTC"; case counts. */
bool time_zone_known(const char *name);
