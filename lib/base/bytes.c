/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <stdlib.h>

char *bytes_to_text(struct bytes b)
{
	char *text = malloc(b.len + 1);
	if (!text)
		return NULL;
	if (b.len)
		memcpy(text, b.data, b.len);
	text[b.len] = '\0';
	return text;
}
