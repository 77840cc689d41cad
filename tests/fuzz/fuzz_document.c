/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: the first byte chooses the kind; what is taken is valid and can be written. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "format/document.h"
#include "format/html.h"
#include "record/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"a.md", "a.adoc", "a.rst", "a.html", "a.txt"};
	if (size == 0)
		return 0;
	const char *name = names[data[0] % 5];
	struct bytes content = bytes_of(data + 1, size - 1);
	struct complaint c = {0};
	struct buffer out;
	buffer_init(&out, 8 * BODY_SIZE_MAX);
	html_text(content, &out);
	buffer_reset(&out);
	json_t *doc;
	if (document_parse(name, content, &doc, &c)) {
		require(c.reason[0] && !doc);
		buffer_deinit(&out);
		return 0;
	}
	require(body_validate(KIND_DOC, doc, NULL) == 0);
	require(document_write_markdown(doc, &out) == 0);
	json_t *back = NULL;
	/* Text that grew past a body's size by its front matter is refused, nothing else is. */
	if (name[2] == 'm' && document_parse("a.md", buffer_bytes(&out), &back, &c) == 0)
		require(json_equal(json_object_get(doc, "title"), json_object_get(back, "title")));
	json_decref(doc);
	json_decref(back);
	buffer_deinit(&out);
	return 0;
}
