/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/tls_loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/bench/measure.h"

#define RECORD_BYTES 16384

struct sender {
	SSL_CTX *context;
	int fd;
	uint64_t bytes;
};

static SSL_CTX *context_new(const SSL_METHOD *method)
{
	SSL_CTX *context = SSL_CTX_new(method);
	require(context && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
	require(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1);
	return context;
}

static void context_certify(SSL_CTX *context)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *certificate = X509_new();
	require(key && certificate && X509_set_version(certificate, X509_VERSION_3) == 1);
	require(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
	require(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
	require(X509_set_pubkey(certificate, key) == 1 && X509_sign(certificate, key, NULL) > 0);
	require(SSL_CTX_use_certificate(context, certificate) == 1);
	require(SSL_CTX_use_PrivateKey(context, key) == 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void *sender_run(void *ctx)
{
	struct sender *s = ctx;
	uint8_t *record = malloc(RECORD_BYTES);
	SSL *ssl = SSL_new(s->context);
	require(record && ssl && SSL_set_fd(ssl, s->fd) == 1);
	measure_fill(record, RECORD_BYTES, 3);
	if (SSL_accept(ssl) != 1)
		measure_die("the bare TLS loop: no handshake");
	for (uint64_t sent = 0; sent < s->bytes; sent += RECORD_BYTES)
		require(SSL_write(ssl, record, RECORD_BYTES) == RECORD_BYTES);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	free(record);
	return NULL;
}

/* Two ends of one TCP connection on loopback. */
static void sockets_connect(int ends[static 2])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	require(listener >= 0 && bind(listener, (struct sockaddr *)&address, len) == 0);
	require(listen(listener, 1) == 0);
	require(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	require(ends[0] >= 0 && connect(ends[0], (struct sockaddr *)&address, len) == 0);
	ends[1] = accept(listener, NULL, NULL);
	require(ends[1] >= 0);
	for (int i = 0; i < 2; i++)
		require(setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	close(listener);
}

double tls_loop_rate(uint64_t bytes)
{
	int ends[2];
	pthread_t thread;
	uint8_t *record = malloc(RECORD_BYTES);
	SSL_CTX *client = context_new(TLS_client_method()), *server = context_new(TLS_server_method());

	context_certify(server);
	sockets_connect(ends);
	struct sender sender = {.context = server, .fd = ends[1], .bytes = bytes};
	SSL *ssl = SSL_new(client);
	require(record && ssl && SSL_set_fd(ssl, ends[0]) == 1);
	require(pthread_create(&thread, NULL, sender_run, &sender) == 0);
	if (SSL_connect(ssl) != 1)
		measure_die("the bare TLS loop: no handshake");
	double start = measure_seconds();
	uint64_t got = 0;
	for (int n; (n = SSL_read(ssl, record, RECORD_BYTES)) > 0;)
		got += (uint64_t)n;
	double took = measure_seconds() - start;
	require(pthread_join(thread, NULL) == 0 && got >= bytes);
	SSL_free(ssl);
	SSL_CTX_free(client);
	SSL_CTX_free(server);
	close(ends[0]);
	close(ends[1]);
	free(record);
	return (double)got / took;
}
