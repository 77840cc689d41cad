/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/http_peer.h"

static char a[] = "5001", b[] = "5002", c[] = "5003", root[] = "root";
static char *editors[] = {a, root};
static char *officers[] = {b, a};
static char *admins[] = {c};

static void test_roles(void **state)
{
	(void)state;
	struct config_roles config = {
		.editors = {editors, 2}, .officers = {officers, 2}, .admins = {admins, 1}};
	struct http_roles roles;
	struct complaint complaint = {"", ""};
	assert_int_equal(http_roles_load(&config, 4000, &roles, &complaint), 0);
	assert_int_equal(http_roles_of(&roles, 0), HTTP_ROLE_ADMIN); /* though listed below */
	assert_int_equal(http_roles_of(&roles, 4000), HTTP_ROLE_ADMIN);
	assert_int_equal(http_roles_of(&roles, 5001), HTTP_ROLE_OFFICER); /* the higher one */
	assert_int_equal(http_roles_of(&roles, 5002), HTTP_ROLE_OFFICER);
	assert_int_equal(http_roles_of(&roles, 5003), HTTP_ROLE_ADMIN);
	assert_int_equal(http_roles_of(&roles, 6000), HTTP_ROLE_READER);
	assert_int_equal(http_roles_of(&roles, (uid_t)-1), HTTP_ROLE_NONE);
	http_roles_deinit(&roles);
	assert_int_equal(http_roles_of(&roles, 5003), HTTP_ROLE_READER);
}

static void test_unknown_user(void **state)
{
	(void)state;
	char nobody[] = "no-such-user-here", minus_one[] = "4294967295";
	char *names[] = {nobody}, *numbers[] = {minus_one};
	struct config_roles config = {.officers = {names, 1}};
	struct http_roles roles;
	struct complaint complaint = {"", ""};
	assert_int_equal(http_roles_load(&config, 1, &roles, &complaint), ERROR_FIELD);
	assert_string_equal(complaint.field, "control.roles.officers");
	assert_non_null(strstr(complaint.reason, "no-such-user-here"));
	config.officers = (struct config_users){numbers, 1};
	assert_int_equal(http_roles_load(&config, 1, &roles, &complaint), ERROR_FIELD);
}

static void test_peer(void **state)
{
	(void)state;
	int pair[2];
	uid_t uid;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(http_peer_uid(pair[0], &uid), 0);
	assert_int_equal(uid, geteuid());
	close(pair[0]);
	close(pair[1]);
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(http_peer_uid(tcp, &uid), ERROR_PEER);
	assert_int_equal(uid, (uid_t)-1);
	close(tcp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_unknown_user),
		cmocka_unit_test(test_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
