/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/fingerprint.h"

#include <string.h>

#include "base/error.h"

int fingerprint_argument(
	struct cli *cli, enum option_id id, char to[static FINGERPRINT_ARGUMENT_SIZE])
{
	uint8_t key[32] = {0};
	const char *text = cli_option(cli, id), *name = option_specs[id].name;
	int wrong_group = 0;
	if (strlen(text) == 64 && text_hex_decode(key, sizeof(key), bytes_from_text(text)) == 0) {
		text_hex_encode(to, bytes_of(key, sizeof(key)));
		return CLI_DONE;
	}
	int error = text_fingerprint_parse(key, bytes_from_text(text), &wrong_group);
	if (error == 0) {
		text_fingerprint(to, key); /* reads only the bytes that were parsed */
		return CLI_DONE;
	}
	if (error == ERROR_SIZE)
		return cli_refuse(cli,
			"--%s: a fingerprint has 8 groups of 5 characters; this has more or "
			"fewer.",
			name);
	if (wrong_group)
		return cli_refuse(cli, "--%s: group %d is mistyped or was misheard: ask for it again.",
			name, wrong_group);
	return cli_refuse(
		cli, "--%s: a fingerprint has only letters (without I, L, O and U) and digits.", name);
}
