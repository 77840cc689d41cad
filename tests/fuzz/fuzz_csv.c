/* SPDX-License-Identifier: Apache-2.0 */
/* CSV: rows come to an end, lines count upwards, fields stay inside what was read. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "format/csv.h"
#include "format/loose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_reader r;
	csv_reader_init(&r, bytes_of(data, size), 0);
	size_t line = 0, total = 0;
	while (csv_reader_next(&r) == 1) {
		require(r.line > line && r.field_count >= 1 && r.field_count <= CSV_FIELDS_MAX);
		line = r.line;
		for (size_t i = 0; i < r.field_count; i++) {
			total += r.fields[i].len;
			char date[LOOSE_DATE_SIZE];
			double amount;
			loose_date(r.fields[i], "%d %B %Y", date);
			loose_date(r.fields[i], "%y-%m-%d %H:%M:%S", date);
			loose_date_iso(r.fields[i], date);
			loose_amount(r.fields[i], i % 2 ? ',' : '.', LOOSE_PICK_LAST, &amount);
		}
	}
	require(total <= size);
	csv_reader_deinit(&r);
	return 0;
}
