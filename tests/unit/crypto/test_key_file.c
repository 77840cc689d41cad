/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/key_file.h"

static char folder[64];
static char path[128];
static struct complaint complaint;

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/hansa-key-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/node.key", folder);
	complaint = (struct complaint){0};
	return 0;
}

static int teardown(void **state)
{
	char name[400];
	DIR *dir = opendir(folder);
	(void)state;
	for (struct dirent *e; dir && (e = readdir(dir));) {
		snprintf(name, sizeof(name), "%s/%s", folder, e->d_name);
		unlink(name);
	}
	if (dir)
		closedir(dir);
	return rmdir(folder);
}

static void write_key(void)
{
	uint8_t seed[SECRET_SEED_SIZE] = {1};
	struct secret_key *key;
	assert_int_equal(secret_key_from_seed(seed, &key), 0);
	assert_int_equal(key_file_write(path, key, &complaint), 0);
	secret_key_free(key);
}

static void write_text(const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void assert_refused(int code, const char *part)
{
	struct secret_key *key = (struct secret_key *)&complaint;
	int error = key_file_read(path, &key, &complaint);
	if (error != code || !strstr(complaint.reason, part))
		fail_msg("%s: %s", error_name(error), complaint.reason);
	assert_null(key);
	assert_int_equal(key_file_read(path, &key, NULL), code);
}

static void round_trip(void **state)
{
	struct secret_key *key, *wanted;
	uint8_t seed[SECRET_SEED_SIZE] = {1};
	struct stat status;
	(void)state;

	mode_t mask = umask(0777);
	write_key();
	umask(mask);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(key_file_read(path, &key, &complaint), 0);
	assert_int_equal(secret_key_from_seed(seed, &wanted), 0);
	assert_true(public_key_equal(secret_key_public(key), secret_key_public(wanted)));
	secret_key_free(key);
	secret_key_free(wanted);
}

static void never_replaces(void **state)
{
	struct secret_key *key, *read;
	(void)state;

	write_key();
	assert_int_equal(secret_key_new(&key), 0);
	assert_int_equal(key_file_write(path, key, &complaint), ERROR_EXISTS);
	assert_non_null(strstr(complaint.reason, "exists already"));
	assert_int_equal(key_file_read(path, &read, &complaint), 0);
	assert_false(public_key_equal(secret_key_public(key), secret_key_public(read)));
	secret_key_free(read);
	/* Nor through a link that leads nowhere yet. */
	unlink(path);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(key_file_write(path, key, &complaint), ERROR_EXISTS);
	snprintf(path, sizeof(path), "%s/none/node.key", folder);
	assert_int_equal(key_file_write(path, key, &complaint), ERROR_NOT_FOUND);
	secret_key_free(key);
}

static void exposed(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0777};
	char wanted[32];
	(void)state;

	write_key();
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		chmod(path, modes[i]);
		snprintf(wanted, sizeof(wanted), "mode %04o", (unsigned)modes[i]);
		assert_refused(ERROR_KEY_EXPOSED, wanted);
		assert_non_null(strstr(complaint.reason, "chmod 0600 /tmp/hansa-key-"));
	}
	chmod(path, 0400);
	struct secret_key *key;
	assert_int_equal(key_file_read(path, &key, &complaint), 0);
	secret_key_free(key);
}

static void not_a_plain_file(void **state)
{
	char target[160];
	(void)state;

	assert_refused(ERROR_NOT_FOUND, "cannot open");
	write_key();
	snprintf(target, sizeof(target), "%s.real", path);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_refused(ERROR_KEY, "symbolic link");
	unlink(path);
	/* Nobody writes into it: an open that waited would never return. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(ERROR_KEY, "not a regular file");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(ERROR_KEY, "not a regular file");
	rmdir(path);
}

static void wrong_owner(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can give a file away */
	write_key();
	assert_int_equal(chown(path, 12345, 12345), 0);
	assert_refused(ERROR_PERMISSION, "belongs to user 12345");
}

static void not_a_key(void **state)
{
	char large[9000];
	(void)state;

	write_text("", 0);
	assert_refused(ERROR_KEY, "no unencrypted private key");
	write_text("hello\n", 6);
	assert_refused(ERROR_KEY, "no unencrypted private key");
	memset(large, 'a', sizeof(large));
	write_text(large, sizeof(large));
	assert_refused(ERROR_KEY, "over 8192 bytes");
}

static void other_kinds_of_key(void **state)
{
	EVP_PKEY *evp = EVP_EC_gen("P-256");
	FILE *file = fopen(path, "w");
	(void)state;

	assert_non_null(evp);
	assert_non_null(file);
	chmod(path, 0600);
	PEM_write_PKCS8PrivateKey(file, evp, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	assert_refused(ERROR_KEY, "not Ed25519");
	file = fopen(path, "w");
	PEM_write_PUBKEY(file, evp);
	fclose(file);
	assert_refused(ERROR_KEY, "no unencrypted private key");
	EVP_PKEY_free(evp);
	/* Encrypted: refused without asking anybody for a passphrase. */
	evp = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	file = fopen(path, "w");
	char phrase[] = "secret";
	PEM_write_PKCS8PrivateKey(file, evp, EVP_aes_256_cbc(), phrase, 6, NULL, NULL);
	fclose(file);
	assert_refused(ERROR_KEY, "no unencrypted private key");
	EVP_PKEY_free(evp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(never_replaces, setup, teardown),
		cmocka_unit_test_setup_teardown(exposed, setup, teardown),
		cmocka_unit_test_setup_teardown(not_a_plain_file, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(not_a_key, setup, teardown),
		cmocka_unit_test_setup_teardown(other_kinds_of_key, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
