/* SPDX-License-Identifier: Apache-2.0 */
/** SOCKS5 byte by byte, every refusal, and which way leads to an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/proxy.h"
#include "daemon/socks5.h"

static struct socks5 s;

#define SAYS(code, ...)                                                           \
	do {                                                                          \
		const uint8_t said[] = {__VA_ARGS__};                                     \
		assert_int_equal(socks5_receive(&s, bytes_of(said, sizeof(said))), code); \
	} while (0)
#define HEARS(...)                                    \
	do {                                              \
		const uint8_t heard[] = {__VA_ARGS__};        \
		assert_int_equal(s.out_len, sizeof(heard));   \
		assert_memory_equal(s.out, heard, s.out_len); \
	} while (0)

static void a_name_goes_unresolved(void **state)
{
	(void)state;
	assert_int_equal(socks5_begin(&s, "a.onion", 4400, NULL, NULL), 0);
	HEARS(5, 1, 0);
	SAYS(0, 5);
	assert_int_equal(s.out_len, 0);
	SAYS(0, 0);
	HEARS(5, 1, 0, 3, 7, 'a', '.', 'o', 'n', 'i', 'o', 'n', 0x11, 0x30);
	static const uint8_t reply[] = {5, 0, 0, 3, 2, 'x', 'y', 0, 1};
	for (size_t i = 0; i < sizeof(reply); i++) {
		assert_int_equal(s.state, SOCKS5_REPLY);
		assert_int_equal(socks5_receive(&s, bytes_of(&reply[i], 1)), 0);
	}
	assert_int_equal(s.state, SOCKS5_DONE);
	SAYS(ERROR_IO, 22);
}

static void addresses_and_a_login(void **state)
{
	(void)state;
	assert_int_equal(socks5_begin(&s, "2001:db8::7", 1, "u", "pw"), 0);
	HEARS(5, 2, 0, 2);
	SAYS(0, 5, 2);
	HEARS(1, 1, 'u', 2, 'p', 'w');
	SAYS(0, 1, 0);
	HEARS(5, 1, 0, 4, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1);
	SAYS(0, 5, 0, 0, 1, 1, 2, 3, 4, 0, 9);
	assert_int_equal(s.state, SOCKS5_DONE);
	assert_int_equal(socks5_begin(&s, "192.0.2.7", 258, NULL, NULL), 0);
	SAYS(0, 5, 0);
	HEARS(5, 1, 0, 1, 192, 0, 2, 7, 1, 2);
	assert_int_equal(socks5_begin(&s, "", 1, NULL, NULL), ERROR_SIZE);
	assert_int_equal(socks5_begin(&s, "a", 1, "", "pw"), ERROR_SIZE);
}

static void refusals_are_sentences(void **state)
{
	(void)state;
	static const char *const texts[] = {"code that RFC", "does not say why", "rules forbid",
		"the network", "this host", "nobody listens", "took too long", "command", "of this kind",
		"code that RFC"};
	for (uint8_t code = 1; code < 10; code++) {
		assert_int_equal(socks5_begin(&s, "a", 1, NULL, NULL), 0);
		SAYS(0, 5, 0);
		SAYS(ERROR_IO, 5, code);
		assert_non_null(strstr(s.reason, texts[code]));
	}
	socks5_begin(&s, "a", 1, NULL, NULL);
	SAYS(ERROR_IO, 5, 0xff);
	assert_non_null(strstr(s.reason, "user and password"));
	socks5_begin(&s, "a", 1, NULL, NULL);
	SAYS(ERROR_IO, 5, 2);
	socks5_begin(&s, "a", 1, NULL, NULL);
	SAYS(ERROR_IO, 'H', 'T');
	assert_non_null(strstr(s.reason, "no SOCKS5"));
	socks5_begin(&s, "a", 1, "u", "p");
	SAYS(0, 5, 2);
	SAYS(ERROR_IO, 1, 1);
	assert_non_null(strstr(s.reason, "password"));
	socks5_begin(&s, "a", 1, NULL, NULL);
	SAYS(0, 5, 0);
	SAYS(ERROR_IO, 5, 0, 0, 2);
	socks5_begin(&s, "a", 1, NULL, NULL);
	SAYS(ERROR_IO, 5, 0, 5); /* before it was asked */
	SAYS(ERROR_IO, 0);
}

static void ways(void **state)
{
	(void)state;
	char url[] = "socks5://127.0.0.1:9050", onion[] = ".onion";
	char *ends[] = {onion};
	struct config_link link = {0};
	struct sockaddr_storage to;
	const char *reason = NULL;
	assert_int_equal(proxy_way(&link, "[::1]:44", &to, &reason), PROXY_WAY_DIRECT);
	assert_int_equal(proxy_way(&link, "a.example:44", &to, &reason), PROXY_WAY_RESOLVE);
	assert_int_equal(proxy_way(&link, "a.ONION.:44", &to, &reason), PROXY_WAY_NONE);
	assert_int_equal(proxy_way(&link, "a.example:0", &to, &reason), PROXY_WAY_NONE);
	link.proxy = url;
	assert_int_equal(proxy_way(&link, "127.0.0.1:44", &to, &reason), PROXY_WAY_PROXY);
	assert_int_equal(proxy_way(&link, "a.example:44", &to, &reason), PROXY_WAY_PROXY);
	link.proxy_for.items = ends;
	link.proxy_for.count = 1;
	assert_int_equal(proxy_way(&link, "a.example:44", &to, &reason), PROXY_WAY_RESOLVE);
	assert_int_equal(proxy_way(&link, "a.onion:44", &to, &reason), PROXY_WAY_PROXY);
}

static void urls(void **state)
{
	(void)state;
	struct proxy p;
	assert_int_equal(proxy_parse("socks5://localhost:9050", &p), 0);
	assert_false(p.has_login);
	assert_int_equal(proxy_parse("socks5://u%40:p%3a@[::1]:1080", &p), 0);
	assert_string_equal(p.user, "u@");
	assert_string_equal(p.password, "p:");
	assert_int_equal(p.to.ss_family, AF_INET6);
	assert_int_equal(proxy_parse("socks5://proxy.example:1080", &p), ERROR_NOT_FOUND);
	static const char *const wrong[] = {"", "socks5://", "socks4://127.0.0.1:1", "127.0.0.1:1",
		"socks5://127.0.0.1", "socks5://127.0.0.1:0", "socks5://u@127.0.0.1:1",
		"socks5://:p@127.0.0.1:1", "socks5://u%4:p@127.0.0.1:1", "socks5://u%00:p@127.0.0.1:1"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(proxy_parse(wrong[i], &p), ERROR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_goes_unresolved),
		cmocka_unit_test(addresses_and_a_login),
		cmocka_unit_test(refusals_are_sentences),
		cmocka_unit_test(ways),
		cmocka_unit_test(urls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
