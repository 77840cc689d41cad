/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/record_id.h"

#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "record/kind.h"

/** 1 to 20 digits, and perhaps an epoch behind an @. */
static bool seq_valid(const char *seq)
{
	size_t digits = strspn(seq, "0123456789");
	if (digits == 0 || digits > 20 || seq[0] == '0')
		return false;
	if (seq[digits] == '\0')
		return true;
	size_t epoch = seq[digits] == '@' ? strspn(seq + digits + 1, "0123456789") : 0;
	return epoch > 0 && epoch <= 10 && seq[digits + 1 + epoch] == '\0';
}

bool record_id_parse(const char *text, struct record_id *out)
{
	const char **const parts[] = {&out->network, &out->city, &out->lane, &out->seq};
	size_t len = strlen(text);
	if (len >= sizeof(out->text))
		return false;
	memcpy(out->text, text, len + 1);
	char *at = out->text;
	for (size_t i = 0; i < 4; i++) {
		char *slash = strchr(at, '/');
		*parts[i] = at;
		if ((slash != NULL) != (i < 3))
			return false;
		if (slash) {
			*slash = '\0';
			at = slash + 1;
		}
	}
	/* A network may be named by its id in hexadecimal. */
	return out->network[0] && text_slug_valid(bytes_from_text(out->city)) &&
		lane_parse(bytes_from_text(out->lane)) && seq_valid(out->seq);
}

int record_id_read(struct cli *cli, const char *text, struct record_id *out)
{
	if (record_id_parse(text, out))
		return CLI_DONE;
	return cli_usage(cli,
		"'%s' is no record id: one looks like pact/budapest/alert/42, and `hansa "
		"list` shows them.",
		text);
}

void record_id_url(const struct record_id *id, const char *what, struct url *url)
{
	if (what)
		url_path(url, "/v1/records/%s/%s/%s/%s/%s", id->network, id->city, id->lane, id->seq, what);
	else
		url_path(url, "/v1/records/%s/%s/%s/%s", id->network, id->city, id->lane, id->seq);
}
