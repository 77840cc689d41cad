/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "daemon/identity.h"
#include "tests/unit/daemon/folder.h"

static const char *const listen_addresses[] = {"127.0.0.1:0"};

static struct identity_request request_for(const char *dir)
{
	return (struct identity_request){
		dir, "Budapest", "budapest", "HU", listen_addresses, 1, NULL, 0};
}

static void init_then_load(void **state)
{
	char *dir = *state, path[IDENTITY_PATH_MAX], data[IDENTITY_PATH_MAX];
	char fingerprint[TEXT_FINGERPRINT_SIZE], again[TEXT_FINGERPRINT_SIZE];
	struct complaint complaint = {0};
	snprintf(data, sizeof(data), "%s/data", dir);
	struct identity_request request = request_for(data);
	assert_int_equal(identity_init(&request, fingerprint, &complaint), 0);

	struct stat info;
	static const struct {
		enum identity_file file;
		mode_t mode;
	} wanted[] = {{IDENTITY_CONFIG, 0600}, {IDENTITY_KEYS, 0700}, {IDENTITY_STORE, 0700},
		{IDENTITY_CITY_KEY, 0600}, {IDENTITY_NODE_KEY, 0600}};
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(identity_path(path, data, wanted[i].file), 0);
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 0777, wanted[i].mode);
	}
	struct identity identity;
	assert_int_equal(identity_load(data, &identity, &complaint), 0);
	text_fingerprint(again, identity.city_public.bytes);
	assert_string_equal(again, fingerprint);
	assert_false(public_key_equal(&identity.city_public, &identity.node_public));
	struct hash id;
	hash_of("hansa city 1", public_key_bytes(&identity.city_public), &id);
	assert_true(hash_equal(&id, &identity.city_id));

	identity_path(path, data, IDENTITY_CONFIG);
	struct config config;
	assert_int_equal(config_load(path, &config, &complaint), 0);
	assert_string_equal(config.city.slug, "budapest");
	assert_string_equal(config.listen.items[0], "127.0.0.1:0");
	config_deinit(&config);

	/* the city key is kept elsewhere */
	struct hash city = identity.city_id;
	identity_deinit(&identity);
	identity_path(path, data, IDENTITY_CITY_KEY);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(identity_load(data, &identity, &complaint), 0);
	assert_null(identity.city_key);
	assert_true(hash_equal(&city, &identity.city_id));
	identity_deinit(&identity);
}

static void a_second_init_changes_nothing(void **state)
{
	char *dir = *state, fingerprint[TEXT_FINGERPRINT_SIZE];
	struct complaint complaint = {0};
	struct identity before, after;
	struct identity_request request = request_for(dir);
	assert_int_equal(identity_init(&request, fingerprint, &complaint), 0);
	assert_int_equal(identity_load(dir, &before, &complaint), 0);
	assert_int_equal(identity_init(&request, fingerprint, &complaint), ERROR_EXISTS);
	assert_non_null(strstr(complaint.reason, "already"));
	assert_int_equal(identity_load(dir, &after, &complaint), 0);
	assert_true(public_key_equal(&before.node_public, &after.node_public));
	identity_deinit(&before);
	identity_deinit(&after);
}

static void bad_requests_leave_nothing(void **state)
{
	char *dir = *state, data[IDENTITY_PATH_MAX], fingerprint[TEXT_FINGERPRINT_SIZE];
	snprintf(data, sizeof(data), "%s/data", dir);
	static const char *const bad_listen[] = {"nowhere"}, *const name[] = {"hansa.example:4400"},
							 *const any[] = {"0.0.0.0:4400"};
	struct identity_request requests[] = {request_for(data), request_for(data), request_for(data),
		request_for(data), request_for(data), request_for(data), request_for(data)};
	requests[0].slug = "Buda Pest";
	requests[1].country = "hu";
	requests[2].name = "\xff";
	requests[3].listen = bad_listen;
	requests[4].dir = "/proc/nowhere/data";
	requests[5].listen = name;
	requests[6].advertise = any;
	requests[6].advertise_count = 1;
	static const char *const fields[] = {
		"slug", "country", "city", "listen", "data", "listen", "advertise"};
	for (size_t i = 0; i < 7; i++) {
		struct complaint complaint = {0};
		assert_true(identity_init(&requests[i], fingerprint, &complaint) < 0);
		assert_string_equal(complaint.field, fields[i]);
		assert_int_not_equal(access(data, F_OK), 0);
	}
}

static void exposed_keys_are_refused(void **state)
{
	char *dir = *state, path[IDENTITY_PATH_MAX], fingerprint[TEXT_FINGERPRINT_SIZE];
	struct complaint complaint = {0};
	struct identity identity;
	struct identity_request request = request_for(dir);
	assert_int_equal(identity_init(&request, fingerprint, &complaint), 0);
	identity_path(path, dir, IDENTITY_NODE_KEY);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(identity_load(dir, &identity, &complaint), ERROR_KEY_EXPOSED);
	assert_null(identity.city_key);
	assert_int_equal(chmod(path, 0600), 0);
	identity_path(path, dir, IDENTITY_KEYS);
	assert_int_equal(chmod(path, 0770), 0);
	assert_int_equal(identity_load(dir, &identity, &complaint), ERROR_KEY_EXPOSED);
	assert_int_equal(chmod(path, 0700), 0);
	identity_path(path, dir, IDENTITY_NODE_KEY);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(identity_load(dir, &identity, &complaint), ERROR_NOT_FOUND);
}

static void renewal_survives_an_interruption(void **state)
{
	char *dir = *state, fingerprint[TEXT_FINGERPRINT_SIZE];
	struct complaint complaint = {0};
	struct identity before, after;
	struct secret_key *first, *second;
	struct identity_request request = request_for(dir);
	assert_int_equal(identity_init(&request, fingerprint, &complaint), 0);
	assert_int_equal(identity_load(dir, &before, &complaint), 0);
	assert_int_equal(identity_renew_prepare(dir, &first, &complaint), 0);
	assert_int_equal(identity_renew_prepare(dir, &second, &complaint), 0);
	assert_true(public_key_equal(secret_key_public(first), secret_key_public(second)));
	assert_int_equal(identity_renew_finish(dir, &complaint), 0);
	assert_int_equal(identity_load(dir, &after, &complaint), 0);
	assert_true(public_key_equal(&after.node_public, secret_key_public(first)));
	assert_false(public_key_equal(&after.node_public, &before.node_public));
	assert_memory_not_equal(after.sealing_public, before.sealing_public, IDENTITY_SEALING_SIZE);
	assert_true(identity_renew_finish(dir, &complaint) < 0);
	secret_key_free(first);
	secret_key_free(second);
	identity_deinit(&before);
	identity_deinit(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(init_then_load, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_second_init_changes_nothing, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(bad_requests_leave_nothing, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(exposed_keys_are_refused, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			renewal_survives_an_interruption, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
