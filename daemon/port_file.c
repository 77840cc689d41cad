/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/port_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

void port_file_read(const char *path, struct port_file *out)
{
	memset(out, 0, sizeof(*out));
	FILE *file = fopen(path, "re");
	if (!file)
		return;
	char line[APP_ADDRESS_MAX + 8];
	while (out->count < LIMIT_ADDRESSES && fgets(line, sizeof(line), file)) {
		char *space = strchr(line, ' ');
		unsigned long port = space ? strtoul(space + 1, NULL, 10) : 0;
		if (port == 0 || port > 65535)
			continue;
		*space = '\0';
		port_file_set(out, line, (unsigned)port);
	}
	fclose(file);
}

unsigned port_file_get(const struct port_file *ports, const char *address)
{
	for (unsigned i = 0; i < ports->count; i++)
		if (strcmp(ports->lines[i].address, address) == 0)
			return ports->lines[i].port;
	return 0;
}

bool port_file_set(struct port_file *ports, const char *address, unsigned port)
{
	unsigned i = 0;
	while (i < ports->count && strcmp(ports->lines[i].address, address) != 0)
		i++;
	if (i == LIMIT_ADDRESSES || (i < ports->count && ports->lines[i].port == port))
		return false;
	if (i == ports->count)
		ports->count++;
	snprintf(ports->lines[i].address, APP_ADDRESS_MAX, "%s", address);
	ports->lines[i].port = port;
	return true;
}

int port_file_write(const char *path, const struct port_file *ports)
{
	char temporary[IDENTITY_PATH_MAX + 8];
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!file) {
		int code = error_from_errno(errno);
		if (fd >= 0)
			close(fd);
		return code;
	}
	bool good = true;
	for (unsigned i = 0; i < ports->count; i++)
		good &= fprintf(file, "%s %u\n", ports->lines[i].address, ports->lines[i].port) > 0;
	good &= fflush(file) == 0 && fsync(fd) == 0;
	good &= fclose(file) == 0;
	if (good && rename(temporary, path) == 0)
		return 0;
	unlink(temporary);
	return ERROR_IO;
}
