/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/signing.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "charter/delegation.h"
#include "charter/draft.h"
#include "daemon/cli/client.h"
#include "daemon/cli/url.h"

static int bytes_decode(struct cli *cli, const char *text, struct buffer *out)
{
	struct bytes from = bytes_from_text(text);
	size_t len = 0;
	buffer_init(out, SIZE_MAX);
	uint8_t *to = buffer_reserve(out, from.len + 1);
	if (!to)
		return cli_no_memory(cli);
	if (from.len == 0 || text_base64_decode(to, from.len, from, &len)) {
		buffer_deinit(out);
		return cli_refuse(cli,
			"What the daemon gave to be signed cannot be read. Are hansa and "
			"hansad of one version?");
	}
	buffer_commit(out, len);
	return CLI_DONE;
}

/** These keys and no others are the new network's officers. */
static bool genesis_fits(const struct signing_wish *wish, const struct officer_keys *keys,
	struct bytes message, struct bytes body)
{
	struct genesis genesis;
	struct amendment_message wanted;
	if (genesis_decode(body, &genesis) != 0 || genesis.officers.count != keys->count ||
		!bytes_equal_text(genesis.slug, wish->slug))
		return false;
	for (size_t i = 0; i < keys->count; i++)
		if (!officers_find(&genesis.officers, secret_key_public(keys->keys[i])))
			return false;
	return draft_message(OBJECT_GENESIS, body, &wanted) == 0 &&
		bytes_equal(message, bytes_of(wanted.bytes, sizeof(wanted.bytes)));
}

static bool amendment_fits(const struct signing_wish *wish, struct bytes message, struct bytes body)
{
	struct amendment amendment;
	struct amendment_item item;
	struct amendment_message wanted;
	if (amendment_decode(body, &amendment) != 0 || amendment.item_count != 1)
		return false;
	struct wire_reader reader;
	wire_reader_init(&reader, amendment.items);
	return amendment_item_next(&reader, &item) &&
		strcmp(amendment_item_name(item.kind), wish->item) == 0 &&
		draft_message(OBJECT_AMENDMENT, body, &wanted) == 0 &&
		bytes_equal(message, bytes_of(wanted.bytes, sizeof(wanted.bytes)));
}

static bool delegation_fits(
	const struct signing_wish *wish, struct bytes message, struct bytes body)
{
	struct delegation delegation;
	uint8_t wanted[DELEGATION_MESSAGE_BYTES];
	if (delegation_decode(body, &delegation) != 0 || !bytes_equal_text(delegation.slug, wish->slug))
		return false;
	delegation_message(&delegation.body_hash, wanted);
	return bytes_equal(message, bytes_of(wanted, sizeof(wanted)));
}

/** A daemon in wrong hands must not get an officer's signature for what nobody asked for. */
static bool wish_fits(const struct signing_wish *wish, const struct officer_keys *keys,
	struct bytes message, struct bytes body)
{
	switch (wish->kind) {
	case SIGNING_GENESIS:
		return genesis_fits(wish, keys, message, body);
	case SIGNING_AMENDMENT:
		return amendment_fits(wish, message, body);
	case SIGNING_DELEGATION:
		return delegation_fits(wish, message, body);
	}
	return false;
}

static int signature_add(json_t *signatures, const struct secret_key *key, struct bytes message)
{
	struct signature signature;
	char hex[TEXT_HEX_SIZE(PUBLIC_KEY_SIZE)], base64[TEXT_BASE64_SIZE(SIGNATURE_SIZE)];
	int error = secret_key_sign(key, message, &signature);
	if (error)
		return error;
	text_hex_encode(hex, public_key_bytes(secret_key_public(key)));
	text_base64_encode(base64, signature_bytes(&signature));
	json_t *pair = json_pack("{s:s, s:s}", "key", hex, "signature", base64);
	return json_array_append_new(signatures, pair) ? ERROR_MEMORY : 0;
}

int signing_sign(struct cli *cli, const struct signing_wish *wish, const json_t *prepared,
	const struct officer_keys *keys, json_t **out)
{
	struct buffer body = {0}, message = {0};
	json_t *signatures = json_array();
	int code = bytes_decode(cli, cli_text(prepared, "body"), &body), error = 0;
	if (!code)
		code = bytes_decode(cli, cli_text(prepared, "message"), &message);
	if (!code && !wish_fits(wish, keys, buffer_bytes(&message), buffer_bytes(&body)))
		code = cli_refuse(cli,
			"What the daemon gave to be signed is not what was asked for: nothing "
			"was signed. Is this the right daemon, and of the same version?");
	for (size_t i = 0; !code && !error && i < keys->count; i++)
		error = signature_add(signatures, keys->keys[i], buffer_bytes(&message));
	if (error)
		code = cli_refuse(cli, "Signing failed: %s", error_text(error));
	buffer_deinit(&body);
	buffer_deinit(&message);
	*out = NULL;
	if (!code) {
		*out = json_pack(
			"{s:s, s:O}", "body", cli_text(prepared, "body"), "signatures", signatures);
		if (!*out)
			code = cli_no_memory(cli);
	}
	json_decref(signatures);
	return code;
}

static int enough_keys(struct cli *cli, const json_t *prepared, const char *network, size_t have)
{
	json_int_t k = json_integer_value(json_object_get(prepared, "k"));
	if (k <= (json_int_t)have)
		return CLI_DONE;
	return cli_refuse(cli,
		"%s asks for the signatures of %d officers, and only %zu of their keys are "
		"here: name the files of the others with --officer-key.",
		network, (int)k, have);
}

int signing_run(struct cli *cli, const struct signing_wish *wish, const char *network,
	const char *what, json_t *request, json_t **out)
{
	struct client *client;
	struct url url;
	struct officer_keys keys = {0};
	json_t *prepared = NULL, *ready = NULL;
	*out = NULL;
	int code = cli_client(cli, &client);
	if (code) {
		json_decref(request);
		return code;
	}
	url_path(&url, "/v1/networks/%s/%s/prepare", network, what);
	code = client_send(client, "POST", &url, request, &prepared);
	if (!code)
		code = officer_keys_find(cli, json_object_get(prepared, "officers"), network, &keys);
	if (!code)
		code = enough_keys(cli, prepared, network, keys.count);
	if (!code)
		code = signing_sign(cli, wish, prepared, &keys, &ready);
	if (!code) {
		url_path(&url, "/v1/networks/%s/%s", network, what);
		code = client_send(client, "POST", &url, ready, out);
	}
	officer_keys_free(&keys);
	json_decref(prepared);
	return code;
}
