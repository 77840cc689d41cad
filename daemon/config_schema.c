/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONAL_TEXT CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL

#define FIELD_TEXTS(name, optional, owner, array, counter, most)                         \
	{                                                                                    \
		.key = name,                                                                     \
		.value =                                                                         \
			{                                                                            \
				.type = CYAML_SEQUENCE,                                                  \
				.flags = CYAML_FLAG_POINTER | (optional),                                \
				.data_size = sizeof(char *),                                             \
				.sequence = {.entry = &text_entry, .min = 0, .max = (most)},             \
			},                                                                           \
		.data_offset = offsetof(owner, array), .count_offset = offsetof(owner, counter), \
		.count_size = sizeof(unsigned),                                                  \
	}

static const cyaml_schema_value_t text_entry = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 256),
};

static const cyaml_schema_field_t city_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct config_city, name, 1, 128),
	CYAML_FIELD_STRING_PTR("slug", CYAML_FLAG_POINTER, struct config_city, slug, 1, 32),
	CYAML_FIELD_STRING_PTR("country", CYAML_FLAG_POINTER, struct config_city, country, 2, 2),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t log_fields[] = {
	CYAML_FIELD_STRING_PTR("level", OPTIONAL_TEXT, struct config_raw_log, level, 1, 16),
	CYAML_FIELD_STRING_PTR("target", OPTIONAL_TEXT, struct config_raw_log, target, 1, 16),
	CYAML_FIELD_STRING_PTR("file", OPTIONAL_TEXT, struct config_raw_log, file, 1, 1000),
	CYAML_FIELD_END,
};

#define ROLE(name, member)                                                                  \
	FIELD_TEXTS(name, CYAML_FLAG_OPTIONAL, struct config_roles, member.names, member.count, \
		CONFIG_USERS_MAX)

static const cyaml_schema_field_t role_fields[] = {
	ROLE("editors", editors),
	ROLE("officers", officers),
	ROLE("admins", admins),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t control_fields[] = {
	CYAML_FIELD_STRING_PTR("socket", OPTIONAL_TEXT, struct config_raw_control, socket, 1, 1000),
	CYAML_FIELD_STRING_PTR("group", OPTIONAL_TEXT, struct config_raw_control, group, 1, 64),
	CYAML_FIELD_MAPPING_PTR("roles", OPTIONAL_TEXT, struct config_raw_control, roles, role_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t store_fields[] = {
	CYAML_FIELD_STRING_PTR("limit", OPTIONAL_TEXT, struct config_raw_store, limit, 1, 32),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t attachment_fields[] = {
	CYAML_FIELD_STRING_PTR(
		"fetch_max", OPTIONAL_TEXT, struct config_raw_attachments, fetch_max, 1, 32),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t link_fields[] = {
	CYAML_FIELD_STRING_PTR("compression", OPTIONAL_TEXT, struct config_raw_link, compression, 1, 8),
	CYAML_FIELD_UINT_PTR("accept_max", OPTIONAL_TEXT, struct config_raw_link, accept_max),
	CYAML_FIELD_STRING_PTR("proxy", OPTIONAL_TEXT, struct config_raw_link, proxy, 1, 1100),
	FIELD_TEXTS("proxy_for", CYAML_FLAG_OPTIONAL, struct config_raw_link, proxy_for,
		proxy_for_count, CONFIG_PROXY_FOR_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t top_fields[] = {
	CYAML_FIELD_MAPPING("city", CYAML_FLAG_DEFAULT, struct config_raw, city, city_fields),
	CYAML_FIELD_STRING_PTR("data", OPTIONAL_TEXT, struct config_raw, data, 1, 900),
	FIELD_TEXTS(
		"listen", CYAML_FLAG_OPTIONAL, struct config_raw, listen, listen_count, LIMIT_ADDRESSES),
	FIELD_TEXTS("advertise", CYAML_FLAG_OPTIONAL, struct config_raw, advertise, advertise_count,
		LIMIT_ADDRESSES),
	CYAML_FIELD_UINT_PTR("dial_max", OPTIONAL_TEXT, struct config_raw, dial_max),
	CYAML_FIELD_STRING_PTR("relay", OPTIONAL_TEXT, struct config_raw, relay, 1, 8),
	FIELD_TEXTS("deny", CYAML_FLAG_OPTIONAL, struct config_raw, deny, deny_count, CONFIG_DENY_MAX),
	CYAML_FIELD_MAPPING_PTR("log", OPTIONAL_TEXT, struct config_raw, log, log_fields),
	CYAML_FIELD_MAPPING_PTR("control", OPTIONAL_TEXT, struct config_raw, control, control_fields),
	CYAML_FIELD_MAPPING_PTR("store", OPTIONAL_TEXT, struct config_raw, store, store_fields),
	CYAML_FIELD_MAPPING_PTR(
		"attachments", OPTIONAL_TEXT, struct config_raw, attachments, attachment_fields),
	CYAML_FIELD_MAPPING_PTR("link", OPTIONAL_TEXT, struct config_raw, link, link_fields),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_raw, top_fields),
};

/* The first line that libcyaml logs is the cause; the backtrace's lines name the way to it. */
struct fault {
	char cause[200];
	char path[96];
	char line[24];
};

static void fault_position(struct fault *fault, const char *text)
{
	const char *at = strstr(text, "(line: ");
	if (!at || fault->line[0])
		return;
	size_t digits = strspn(at + 7, "0123456789");
	snprintf(fault->line, sizeof(fault->line), "%.*s", (int)digits, at + 7);
}

/* Innermost first: "in mapping field 'slug' (line: 3, column: 9)" is put before what is there. */
static void fault_field(struct fault *fault, const char *text)
{
	const char *from = strchr(text, '\'');
	const char *to = from ? strchr(from + 1, '\'') : NULL;
	if (!to || to == from + 1)
		return;
	char path[sizeof(fault->path)];
	snprintf(path, sizeof(path), "%.*s%s%.60s", (int)(to - from - 1 > 30 ? 30 : to - from - 1),
		from + 1, fault->path[0] ? "." : "", fault->path);
	snprintf(fault->path, sizeof(fault->path), "%s", path);
}

__attribute__((format(printf, 3, 0))) static void on_cyaml_log(
	cyaml_log_t level, void *ctx, const char *format, va_list args)
{
	(void)level;
	struct fault *fault = ctx;
	char text[300];
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	const char *body = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
	if (strstr(body, "Backtrace"))
		return;
	fault_position(fault, body);
	if (strstr(body, "in mapping field"))
		fault_field(fault, body);
	else if (strstr(body, "in sequence entry") || strstr(body, "in mapping"))
		return;
	else if (!fault->cause[0])
		snprintf(fault->cause, sizeof(fault->cause), "%.190s", body);
}

/* libcyaml gives the position of the mapping; the key's own line helps more. */
#define UNEXPECTED_KEY "Unexpected key: "

static void unexpected_key(
	const struct fault *fault, const char *text, size_t len, char field[static 96])
{
	char section[40] = "";
	snprintf(section, sizeof(section), "%.*s", (int)strcspn(fault->path, "."), fault->path);
	char key[40];
	snprintf(key, sizeof(key), "%.39s", fault->cause + sizeof(UNEXPECTED_KEY) - 1);
	config_where(text, len, section[0] ? section : NULL, key, field);
}

/* libcyaml names the key after which it noticed that another is missing. */
#define MISSING_KEY "Missing required mapping field: "

static bool missing_key(const struct fault *fault, char field[static 96])
{
	if (strncmp(fault->cause, MISSING_KEY, sizeof(MISSING_KEY) - 1) != 0)
		return false;
	const char *key = fault->cause + sizeof(MISSING_KEY) - 1, *dot = strrchr(fault->path, '.');
	/* the city is the only section that must be there, and its keys the only others */
	bool is_section = strcmp(key, "city") == 0;
	snprintf(field, 96, "%.*s%.40s", !is_section && dot ? (int)(dot + 1 - fault->path) : 0,
		fault->path, key);
	return true;
}

/** libcyaml's words for it are those of a parser; what an admin needs is what to write. */
static const char *cause_text(const struct fault *fault, char to[static 160])
{
	static const struct {
		const char *begins, *text;
	} others[] = {
		{MISSING_KEY, "It is missing."},
		{"STRING length < ", "It is empty or too short."},
		{"STRING length > ", "It is too long."},
		{"Invalid UINT", "It must be a whole number, such as 8."},
		{"Invalid uint64_t", "It must be a whole number, such as 8."},
		{"Excessive entries", "The list is too long."},
		{"Mapping field already seen", "It stands there twice."},
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strncmp(fault->cause, others[i].begins, strlen(others[i].begins)) == 0)
			return others[i].text;
	}
	if (strncmp(fault->cause, UNEXPECTED_KEY, sizeof(UNEXPECTED_KEY) - 1) == 0) {
		snprintf(to, 160, "There is no key \"%.60s\" here: hansad(8) lists those that there are.",
			fault->cause + sizeof(UNEXPECTED_KEY) - 1);
		return to;
	}
	if (strncmp(fault->cause, "Expecting SEQUENCE", 18) == 0)
		return "It must be a list, such as [a, b], or lines that begin with \"- \".";
	if (strncmp(fault->cause, "Expecting MAPPING", 17) == 0)
		return "It must have keys of its own, each on an indented line with ': ' and a value.";
	if (strncmp(fault->cause, "Expecting SCALAR", 16) == 0)
		return "It must be one value, and no list and no keys.";
	return fault->cause;
}

static cyaml_config_t cyaml_settings(struct fault *fault)
{
	return (cyaml_config_t){
		.log_fn = fault ? on_cyaml_log : NULL,
		.log_ctx = fault,
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
		.flags = CYAML_CFG_NO_ALIAS,
	};
}

int config_schema_read(
	const char *text, size_t len, struct config_raw **out, struct complaint *complaint)
{
	struct fault fault = {0};
	cyaml_config_t settings = cyaml_settings(&fault);
	*out = NULL;
	cyaml_err_t error = cyaml_load_data(
		(const uint8_t *)text, len, &settings, &config_schema, (cyaml_data_t **)out, NULL);
	if (error == CYAML_OK && *out)
		return 0;
	if (error == CYAML_ERR_OOM)
		return complain(complaint, ERROR_MEMORY, "configuration", "%s", error_text(ERROR_MEMORY));
	char field[96], reason[160];
	if (strncmp(fault.cause, UNEXPECTED_KEY, sizeof(UNEXPECTED_KEY) - 1) == 0)
		unexpected_key(&fault, text, len, field);
	else if (missing_key(&fault, field))
		; /* its place is nowhere, so no line is named */
	else if (fault.line[0] && fault.path[0])
		snprintf(field, sizeof(field), "line %s, %.60s", fault.line, fault.path);
	else if (fault.line[0])
		snprintf(field, sizeof(field), "line %s", fault.line);
	else
		snprintf(field, sizeof(field), "%s", fault.path[0] ? fault.path : "configuration");
	return complain(complaint, ERROR_SYNTAX, field, "%s",
		error == CYAML_OK    ? "The file is empty."
			: fault.cause[0] ? cause_text(&fault, reason)
							 : cyaml_strerror(error));
}

void config_schema_free(struct config_raw *raw)
{
	cyaml_config_t settings = cyaml_settings(NULL);
	if (raw)
		cyaml_free(&settings, &config_schema, raw, 0);
}
