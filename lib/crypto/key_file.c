/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* A PEM of Ed25519 has 119 bytes; comments may stand around it. */
#define KEY_FILE_MAX 8192

static int complain_errno(struct complaint *complaint, const char *path, const char *what)
{
	int number = errno;
	return complain(complaint, error_from_errno(number), "key file", "%s: cannot %s: %s.", path,
		what, strerror(number));
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A new name is durable only once its folder is. */
static int sync_folder(const char *path)
{
	char *copy = strdup(path);
	if (!copy)
		return -1;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0)
		return -1;
	int result = fsync(fd);
	int saved = errno;
	close(fd);
	errno = saved;
	return result;
}

static int write_pem(const char *path, const char *pem, size_t len, struct complaint *complaint)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return complain(complaint, ERROR_EXISTS, "key file",
			"%s exists already; a key file is never replaced.", path);
	if (fd < 0)
		return complain_errno(complaint, path, "create the key file");

	/* The umask may have taken the owner's own bits. */
	int error = 0;
	if (fchmod(fd, 0600) != 0 || write_all(fd, pem, len) != 0 || fsync(fd) != 0)
		error = complain_errno(complaint, path, "write the key file");
	if (close(fd) != 0 && !error)
		error = complain_errno(complaint, path, "close the key file");
	if (!error && sync_folder(path) != 0)
		error = complain_errno(complaint, path, "sync the key file's folder");
	if (error)
		unlink(path);
	return error;
}

int key_file_write(const char *path, const struct secret_key *key, struct complaint *complaint)
{
	char *pem = NULL;
	BIO *bio = BIO_new(BIO_s_secmem());
	int error = ERROR_CRYPTO;

	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, secret_key_evp(key), NULL, NULL, 0, NULL, NULL)) {
		long len = BIO_get_mem_data(bio, &pem);
		error = write_pem(path, pem, (size_t)len, complaint);
	} else {
		ERR_clear_error();
		complain(complaint, error, "key file", "%s: the key could not be encoded.", path);
	}
	BIO_free(bio); /* wipes */
	return error;
}

/* What is refused of the open file itself, whatever its name pointed to before. */
static int check_status(const char *path, const struct stat *status, struct complaint *complaint)
{
	if (!S_ISREG(status->st_mode))
		return complain(complaint, ERROR_KEY, "key file", "%s is not a regular file.", path);
	if (status->st_uid != geteuid())
		return complain(complaint, ERROR_PERMISSION, "key file",
			"%s belongs to user %u, but this program runs as user %u; run: chown %u %s", path,
			(unsigned)status->st_uid, (unsigned)geteuid(), (unsigned)geteuid(), path);
	if (status->st_mode & (S_IRWXG | S_IRWXO))
		return complain(complaint, ERROR_KEY_EXPOSED, "key file",
			"%s is open to others (mode %04o); run: chmod 0600 %s", path,
			(unsigned)status->st_mode & 07777, path);
	if (status->st_size > KEY_FILE_MAX)
		return complain(complaint, ERROR_KEY, "key file", "%s is no key: it has over %d bytes.",
			path, KEY_FILE_MAX);
	return 0;
}

static int read_all(int fd, char *to, size_t max, size_t *len)
{
	*len = 0;
	while (*len < max) {
		ssize_t n = read(fd, to + *len, max - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return 0;
}

/* Without it OpenSSL would ask for a passphrase on the terminal. */
static int no_passphrase(char *to, int size, int writing, void *context)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static int parse_pem(const char *path, const char *pem, size_t len, struct secret_key **out,
	struct complaint *complaint)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *evp = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	if (!evp)
		return complain(complaint, ERROR_KEY, "key file",
			"%s holds no unencrypted private key in PEM form.", path);
	int error = secret_key_from_evp(evp, out);
	if (error == ERROR_KEY)
		complain(complaint, error, "key file", "%s holds a key that is not Ed25519.", path);
	return error;
}

int key_file_read(const char *path, struct secret_key **out, struct complaint *complaint)
{
	char pem[KEY_FILE_MAX];
	size_t len = 0;
	struct stat status;

	*out = NULL;
	/* O_NONBLOCK: a pipe of that name must not hold up the start. */
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		return complain(complaint, ERROR_KEY, "key file",
			"%s is a symbolic link; name the key file itself.", path);
	if (fd < 0)
		return complain_errno(complaint, path, "open the key file");

	int error = 0;
	if (fstat(fd, &status) != 0)
		error = complain_errno(complaint, path, "look at the key file");
	if (!error)
		error = check_status(path, &status, complaint);
	if (!error && read_all(fd, pem, sizeof(pem), &len) != 0)
		error = complain_errno(complaint, path, "read the key file");
	close(fd);
	if (!error)
		error = parse_pem(path, pem, len, out, complaint);
	secret_wipe(pem, sizeof(pem));
	return error;
}
