/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

size_t list_count(const struct list *l)
{
	size_t count = 0;
	list_for_each(l, node)
		count++;
	return count;
}
