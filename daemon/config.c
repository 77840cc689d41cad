/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/config_schema.h"
#include "daemon/proxy.h"

#define DIAL_MAX_DEFAULT 8
#define DIAL_MAX_MOST 64
/* 32 KiB an idle link: 32 MiB (DESIGN.md, section 12). */
#define ACCEPT_MAX_DEFAULT 1024
#define ACCEPT_MAX_MOST 65536
#define FETCH_MAX_DEFAULT (UINT64_C(32) << 20)
#define FETCH_MAX_MOST (UINT64_C(1) << 40)
#define STORE_LIMIT_LEAST (UINT64_C(256) << 20) /* the reserve is 64 MiB of it */

/* One parse: what was read, the text for line numbers, and where the result goes. */
struct parse {
	const char *text;
	size_t len;
	const char *folder;
	struct config_raw *raw;
	struct config *out;
	struct complaint *complaint;
};

__attribute__((format(printf, 5, 6))) static int refuse(
	struct parse *p, int code, const char *section, const char *key, const char *format, ...)
{
	char field[96], reason[256];
	config_where(p->text, p->len, section, key, field);
	va_list args;
	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	return complain(p->complaint, code, field, "%s", reason);
}

/* Moves a text out of the raw struct, so that cyaml_free leaves it. */
static char *take(char **from)
{
	char *text = *from;
	*from = NULL;
	return text;
}

static char *take_path(struct parse *p, char **from)
{
	char *text = take(from);
	if (!text || text[0] == '/')
		return text;
	char *path = NULL;
	if (asprintf(&path, "%s/%s", p->folder, text) < 0)
		path = NULL;
	free(text);
	return path;
}

static int take_city(struct parse *p)
{
	struct config_city *raw = &p->raw->city;
	struct bytes name = bytes_from_text(raw->name);
	if (!text_utf8_valid(name))
		return refuse(p, ERROR_UTF8, "city", "name", "%s", error_text(ERROR_UTF8));
	if (!text_slug_valid(bytes_from_text(raw->slug)))
		return refuse(p, ERROR_FIELD, "city", "slug",
			"A slug is 1 to 32 of a-z, 0-9 and '-', "
			"begins with a letter, and has no '--' and no '-' at its end.");
	if (strspn(raw->country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
		return refuse(p, ERROR_FIELD, "city", "country",
			"A country is two capital letters, as in ISO 3166: HU, SK, PL.");
	p->out->city = *raw;
	memset(raw, 0, sizeof(*raw));
	return 0;
}

static int take_texts(char **items, unsigned count, struct config_texts *out)
{
	if (count == 0)
		return 0;
	out->items = calloc(count, sizeof(*out->items));
	if (!out->items)
		return ERROR_MEMORY;
	out->count = count;
	for (unsigned i = 0; i < count; i++)
		out->items[i] = take(&items[i]);
	return 0;
}

static int take_addresses(struct parse *p, const char *key, char **items, unsigned count,
	struct config_texts *out, bool port_zero)
{
	for (unsigned i = 0; i < count; i++) {
		int code = config_address_check(items[i], port_zero);
		if (code == ERROR_RANGE)
			return refuse(p, code, NULL, key, "The port of \"%s\" is not between %d and 65535.",
				items[i], port_zero ? 0 : 1);
		if (code)
			return refuse(p, code, NULL, key,
				"\"%s\" is not HOST:PORT, such as 192.0.2.7:4400, "
				"[2001:db8::7]:4400 or hansa.example.org:4400.",
				items[i]);
		if (port_zero && config_address_is_name(items[i]))
			return refuse(p, ERROR_FIELD, NULL, key,
				"\"%s\" is a name: give an address of this machine here, "
				"such as 0.0.0.0:4400, and the name under advertise.",
				items[i]);
	}
	return take_texts(items, count, out);
}

static int take_network(struct parse *p)
{
	struct config_raw *raw = p->raw;
	struct config *out = p->out;
	int code = take_addresses(p, "listen", raw->listen, raw->listen_count, &out->listen, true);
	if (!code)
		code = take_addresses(
			p, "advertise", raw->advertise, raw->advertise_count, &out->advertise, false);
	if (code)
		return code;
	out->dial_max = raw->dial_max ? *raw->dial_max : DIAL_MAX_DEFAULT;
	if (out->dial_max > DIAL_MAX_MOST)
		return refuse(p, ERROR_RANGE, NULL, "dial_max", "%u is not between 0 and %d.",
			out->dial_max, DIAL_MAX_MOST);
	out->relay = !raw->relay || strcmp(raw->relay, "yes") == 0 || strcmp(raw->relay, "true") == 0;
	if (!out->relay && strcmp(raw->relay, "no") != 0 && strcmp(raw->relay, "false") != 0)
		return refuse(p, ERROR_FIELD, NULL, "relay", "\"%s\" is neither yes nor no.", raw->relay);
	for (unsigned i = 0; i < raw->deny_count; i++) {
		uint8_t id[32];
		if (text_hex_decode(id, sizeof(id), bytes_from_text(raw->deny[i])))
			return refuse(p, ERROR_SYNTAX, NULL, "deny",
				"\"%.70s\" is not a city id of 64 hexadecimal digits.", raw->deny[i]);
	}
	return take_texts(raw->deny, raw->deny_count, &out->deny);
}

static const char *const target_names[] = {"stderr", "journal", "file"};

static int take_log(struct parse *p)
{
	struct config_raw_log *raw = p->raw->log;
	struct config_log *out = &p->out->log;
	out->level = LOG_LEVEL_INFO;
	if (!raw)
		return 0;
	if (raw->level) {
		int level = log_level_from_name(raw->level);
		if (level < 0)
			return refuse(p, ERROR_FIELD, "log", "level",
				"\"%s\" is none of error, warn, info and debug.", raw->level);
		out->level = (enum log_level)level;
	}
	if (raw->target) {
		size_t i = 0;
		while (i < 3 && strcmp(raw->target, target_names[i]) != 0)
			i++;
		if (i == 3)
			return refuse(p, ERROR_FIELD, "log", "target",
				"\"%s\" is none of stderr, journal and file.", raw->target);
		out->target = (enum config_log_target)i;
	}
	if ((out->target == CONFIG_LOG_FILE) != (raw->file != NULL))
		return refuse(p, ERROR_FIELD, "log", "file",
			"A file is named where the target is "
			"\"file\", and nowhere else.");
	out->file = take_path(p, &raw->file);
	return 0;
}

static int take_control(struct parse *p)
{
	struct config_raw_control *raw = p->raw->control;
	if (!raw)
		return 0;
	struct config_control *out = &p->out->control;
	out->socket = take_path(p, &raw->socket);
	/* sun_path of unix(7); libuv cuts longer ones in silence */
	if (out->socket && strlen(out->socket) > 107)
		return refuse(p, ERROR_SIZE, "control", "socket",
			"The path of a socket has at most 107 bytes, this one has %zu.", strlen(out->socket));
	out->group = take(&raw->group);
	if (raw->roles) {
		out->roles = *raw->roles;
		memset(raw->roles, 0, sizeof(*raw->roles));
	}
	return 0;
}

static int take_size(struct parse *p, const char *section, const char *key, const char *text,
	uint64_t least, uint64_t most, uint64_t *out)
{
	if (!text)
		return 0;
	int code = config_size_parse(text, out);
	if (code == ERROR_SYNTAX)
		return refuse(p, code, section, key, "\"%s\" is not a size such as 32 MiB.", text);
	if (!code && *out >= least && *out <= most)
		return 0;
	char from[CONFIG_SIZE_TEXT_MAX], to[CONFIG_SIZE_TEXT_MAX];
	config_size_format(least, from);
	config_size_format(most, to);
	return refuse(p, ERROR_RANGE, section, key, "%s is not between %s and %s.", text, from, to);
}

static int take_proxy(struct parse *p)
{
	struct config_raw_link *raw = p->raw->link;
	struct config_link *out = &p->out->link;
	struct proxy proxy;
	if (!raw)
		return 0;
	int code = raw->proxy ? proxy_parse(raw->proxy, &proxy) : 0;
	if (code == ERROR_NOT_FOUND)
		return refuse(p, ERROR_FIELD, "link", "proxy",
			"The proxy is named by its address or as localhost, since another name would have to "
			"be looked up.");
	if (code) /* not repeated: it may have a password */
		return refuse(p, code, "link", "proxy",
			"It is not socks5://HOST:PORT or socks5://USER:PASSWORD@HOST:PORT.");
	if (raw->proxy_for_count && !raw->proxy)
		return refuse(p, ERROR_FIELD, "link", "proxy_for", "It needs link.proxy.");
	for (unsigned i = 0; i < raw->proxy_for_count; i++)
		if (raw->proxy_for[i][0] != '.' || !raw->proxy_for[i][1])
			return refuse(p, ERROR_SYNTAX, "link", "proxy_for",
				"\"%.60s\" is not the end of a name, such as .onion.", raw->proxy_for[i]);
	out->proxy = take(&raw->proxy);
	return take_texts(raw->proxy_for, raw->proxy_for_count, &out->proxy_for);
}

static int take_link(struct parse *p)
{
	const struct config_raw_link *raw = p->raw->link;
	struct config_link *out = &p->out->link;
	out->accept_max = raw && raw->accept_max ? *raw->accept_max : ACCEPT_MAX_DEFAULT;
	if (out->accept_max < 1 || out->accept_max > ACCEPT_MAX_MOST)
		return refuse(p, ERROR_RANGE, "link", "accept_max", "%u is not between 1 and %d.",
			out->accept_max, ACCEPT_MAX_MOST);
	const char *text = p->raw->link ? p->raw->link->compression : NULL;
	bool off = text && strcmp(text, "off") == 0;
	p->out->link.compression = !off;
	if (text && !off && strcmp(text, "auto") != 0)
		return refuse(
			p, ERROR_FIELD, "link", "compression", "\"%s\" is neither auto nor off.", text);
	return 0;
}

static int take_all(struct parse *p)
{
	struct config *out = p->out;
	int code = take_city(p);
	if (!code)
		code = take_network(p);
	if (!code)
		code = take_log(p);
	if (!code)
		code = take_control(p);
	if (!code && p->raw->store)
		code = take_size(p, "store", "limit", p->raw->store->limit, STORE_LIMIT_LEAST,
			UINT64_C(1) << 50, &out->store.limit);
	out->attachments.fetch_max = FETCH_MAX_DEFAULT;
	if (!code && p->raw->attachments)
		code = take_size(p, "attachments", "fetch_max", p->raw->attachments->fetch_max, 0,
			FETCH_MAX_MOST, &out->attachments.fetch_max);
	if (!code)
		code = take_link(p);
	if (!code)
		code = take_proxy(p);
	if (code)
		return code;
	out->data = p->raw->data ? take_path(p, &p->raw->data) : strdup(p->folder);
	return out->data ? 0 : ERROR_MEMORY;
}

int config_parse(const char *text, size_t len, const char *folder, struct config *out,
	struct complaint *complaint)
{
	struct parse p = {text, len, folder, NULL, out, complaint};
	memset(out, 0, sizeof(*out));
	int code = config_schema_read(text, len, &p.raw, complaint);
	if (code)
		return code;
	code = take_all(&p);
	config_schema_free(p.raw);
	if (code == ERROR_MEMORY)
		complain(complaint, code, "configuration", "%s", error_text(code));
	if (code)
		config_deinit(out);
	return code;
}

static int read_file(const char *path, char **text, size_t *len, struct complaint *complaint)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return complain(complaint, error_from_errno(errno), "configuration",
			"The file cannot be read: %s.", strerror(errno));
	struct stat info;
	int code = 0;
	if (fstat(fd, &info) || !S_ISREG(info.st_mode) || info.st_size > CONFIG_BYTES_MAX)
		code = complain(complaint, ERROR_SIZE, "configuration",
			"%s is not a file of at most %u bytes.", path, CONFIG_BYTES_MAX);
	*text = code ? NULL : malloc((size_t)info.st_size + 1);
	ssize_t got = *text ? read(fd, *text, (size_t)info.st_size) : -1;
	if (!code && got < 0)
		code = complain(complaint, ERROR_IO, "configuration", "%s cannot be read.", path);
	close(fd);
	if (code) {
		free(*text);
		*text = NULL;
		return code;
	}
	(*text)[got] = '\0';
	*len = (size_t)got;
	return 0;
}

int config_load(const char *path, struct config *out, struct complaint *complaint)
{
	memset(out, 0, sizeof(*out));
	char *text = NULL;
	size_t len = 0;
	int code = read_file(path, &text, &len, complaint);
	if (code)
		return code;
	char *full = realpath(path, NULL);
	char *slash = full ? strrchr(full, '/') : NULL;
	if (slash)
		slash[slash == full ? 1 : 0] = '\0';
	code = slash ? config_parse(text, len, full, out, complaint)
				 : complain(complaint, ERROR_IO, "configuration", "%s cannot be read.", path);
	free(full);
	free(text);
	return code;
}

static void texts_deinit(char **items, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(items[i]);
	free(items);
}

void config_deinit(struct config *config)
{
	struct config_roles *roles = &config->control.roles;
	free(config->city.name);
	free(config->city.slug);
	free(config->city.country);
	free(config->data);
	free(config->link.proxy);
	texts_deinit(config->link.proxy_for.items, config->link.proxy_for.count);
	free(config->log.file);
	free(config->control.socket);
	free(config->control.group);
	texts_deinit(config->listen.items, config->listen.count);
	texts_deinit(config->advertise.items, config->advertise.count);
	texts_deinit(config->deny.items, config->deny.count);
	texts_deinit(roles->editors.names, roles->editors.count);
	texts_deinit(roles->officers.names, roles->officers.count);
	texts_deinit(roles->admins.names, roles->admins.count);
	memset(config, 0, sizeof(*config));
}

#define SWAP(a, b)                   \
	do {                             \
		__typeof__(a) swapped = (a); \
		(a) = (b);                   \
		(b) = swapped;               \
	} while (0)

void config_keep(struct config *config, struct config *former)
{
	SWAP(config->city, former->city);
	SWAP(config->data, former->data);
	SWAP(config->listen, former->listen);
	SWAP(config->control, former->control);
	SWAP(config->store, former->store);
	SWAP(config->attachments, former->attachments);
	SWAP(config->relay, former->relay);
	SWAP(config->link.compression, former->link.compression);
}

int config_print(const struct config *config, FILE *to)
{
	char limit[CONFIG_SIZE_TEXT_MAX], fetch_max[CONFIG_SIZE_TEXT_MAX];
	config_size_format(config->store.limit, limit);
	config_size_format(config->attachments.fetch_max, fetch_max);
	uint32_t dial_max = config->dial_max, accept_max = config->link.accept_max;
	char relay[] = "yes";
	if (!config->relay)
		snprintf(relay, sizeof(relay), "no");
	char level[16], target[16], compression[8];
	snprintf(compression, sizeof(compression), "%s", config->link.compression ? "auto" : "off");
	snprintf(level, sizeof(level), "%s", log_level_name(config->log.level));
	snprintf(target, sizeof(target), "%s", target_names[config->log.target]);
	struct config_raw_log log = {level, target, config->log.file};
	struct config_roles roles = config->control.roles;
	struct config_raw_control control = {config->control.socket, config->control.group, &roles};
	struct config_raw_store store = {config->store.limit ? limit : NULL};
	struct config_raw_attachments attachments = {fetch_max};
	struct config_raw_link link = {.compression = compression,
		.accept_max = &accept_max,
		.proxy = config->link.proxy,
		.proxy_for = config->link.proxy_for.items,
		.proxy_for_count = config->link.proxy_for.count};
	struct config_raw raw = {
		.city = config->city,
		.data = config->data,
		.listen = config->listen.items,
		.listen_count = config->listen.count,
		.advertise = config->advertise.items,
		.advertise_count = config->advertise.count,
		.dial_max = &dial_max,
		.relay = relay,
		.deny = config->deny.items,
		.deny_count = config->deny.count,
		.log = &log,
		.control = &control,
		.store = config->store.limit ? &store : NULL,
		.attachments = &attachments,
		.link = &link,
	};
	char *text = NULL;
	size_t len = 0;
	cyaml_config_t settings = {.mem_fn = cyaml_mem, .flags = CYAML_CFG_STYLE_BLOCK};
	if (cyaml_save_data(&text, &len, &settings, &config_schema, &raw, 0) != CYAML_OK)
		return ERROR_IO;
	int code = fwrite(text, 1, len, to) == len ? 0 : ERROR_IO;
	cyaml_mem(NULL, text, 0);
	return code;
}
