/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/view.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/cli/cli.h"

/** Texts from here on, or of several lines, stand in a block of their own. */
#define LONG_TEXT 100
#define DEPTH_MAX 16

static bool is_long(const json_t *value)
{
	const char *text = json_string_value(value);
	return text && (strlen(text) >= LONG_TEXT || strchr(text, '\n'));
}

static void scalar(FILE *to, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		cli_print_text(to, json_string_value(value), false);
		break;
	case JSON_INTEGER:
		fprintf(to, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		fprintf(to, "%.10g", json_real_value(value));
		break;
	case JSON_TRUE:
		fputs("yes", to);
		break;
	case JSON_FALSE:
		fputs("no", to);
		break;
	default:
		fputs("-", to);
		break;
	}
}

static bool all_scalars(const json_t *array)
{
	json_t *item;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)array, i,
		item) if (json_is_object(item) || json_is_array(item) || is_long(item)) return false;
	return true;
}

/** A long text keeps its lines, each of them indented. */
static void block(FILE *to, const char *text, int indent)
{
	while (*text) {
		int len = (int)strcspn(text, "\n");
		char *line = strndup(text, (size_t)len);
		if (!line)
			return;
		fprintf(to, "%*s", len ? indent : 0, "");
		cli_print_text(to, line, true);
		fputc('\n', to);
		free(line);
		text += len;
		if (*text == '\n')
			text++;
	}
}

static void object_at(FILE *to, const json_t *object, int indent, int depth);

static void array_at(FILE *to, const json_t *array, int indent, int depth)
{
	json_t *item;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)array, i, item)
	{
		if (json_is_object(item)) {
			fprintf(to, "%*s- %zu\n", indent, "", i + 1);
			object_at(to, item, indent + 2, depth + 1);
		} else if (json_is_array(item)) {
			fprintf(to, "%*s- %zu\n", indent, "", i + 1);
			if (depth < DEPTH_MAX)
				array_at(to, item, indent + 2, depth + 1);
		} else if (is_long(item)) {
			block(to, json_string_value(item), indent);
		} else {
			fprintf(to, "%*s- ", indent, "");
			scalar(to, item);
			fputc('\n', to);
		}
	}
}

static void member_at(FILE *to, const char *key, const json_t *value, int indent, int depth)
{
	fprintf(to, "%*s", indent, "");
	cli_print_text(to, key, false);
	fputs(":", to);
	if (json_is_object(value)) {
		fputc('\n', to);
		object_at(to, value, indent + 2, depth + 1);
	} else if (json_is_array(value) && !all_scalars(value)) {
		fputc('\n', to);
		array_at(to, value, indent + 2, depth + 1);
	} else if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			fputs(i ? ", " : " ", to);
			scalar(to, json_array_get(value, i));
		}
		fputc('\n', to);
	} else if (is_long(value)) {
		fputc('\n', to);
		block(to, json_string_value(value), indent + 2);
	} else {
		fputc(' ', to);
		scalar(to, value);
		fputc('\n', to);
	}
}

/** What a reader wants to know first; all else follows by the alphabet. */
static size_t rank(const char *key)
{
	static const char *const first[] = {"title", "headline", "event", "summary", "msgType",
		"status", "severity", "urgency", "certainty", "onset", "effective", "expires", "areaDesc",
		"funder", "programme", "opens", "deadlines", "deadline_note", "city_direct",
		"national_approval", "who_may_apply", "budget", "grant", "link", "description",
		"instruction"};
	size_t i = 0, count = sizeof(first) / sizeof(first[0]);
	while (i < count && strcmp(first[i], key) != 0)
		i++;
	return i;
}

struct member {
	const char *key;
	const json_t *value;
};

/** Short values, long texts, what has parts, and last the text that all the rest is about. */
static int member_class(const struct member *m)
{
	if (strcmp(m->key, "text") == 0)
		return 3;
	if (json_is_object(m->value) || (json_is_array(m->value) && !all_scalars(m->value)))
		return 2;
	return is_long(m->value) ? 1 : 0;
}

const char *view_title(const json_t *summary, char to[static VIEW_TITLE_MAX])
{
	const char *status = cli_text(summary, "status"), *type = cli_text(summary, "msgType");
	bool unreal = status[0] && strcmp(status, "Actual") != 0;
	bool other = type[0] && strcmp(type, "Alert") != 0;
	snprintf(to, VIEW_TITLE_MAX, "%s%.32s%s%.32s%s%s", unreal || other ? "[" : "",
		unreal ? status : "", unreal && other ? ", " : "", other ? type : "",
		unreal || other ? "] " : "", cli_text(summary, "title"));
	return to;
}

static int member_compare(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	int order = member_class(left) - member_class(right);
	if (order)
		return order;
	size_t left_rank = rank(left->key), right_rank = rank(right->key);
	if (left_rank != right_rank)
		return left_rank < right_rank ? -1 : 1;
	return strcmp(left->key, right->key);
}

static void object_at(FILE *to, const json_t *object, int indent, int depth)
{
	const char *key;
	json_t *value;
	size_t count = 0, size = json_object_size(object);
	struct member *members = depth > DEPTH_MAX ? NULL : calloc(size + 1, sizeof(*members));
	if (!members)
		return;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		members[count++] = (struct member){key, value};
	qsort(members, count, sizeof(*members), member_compare);
	for (size_t i = 0; i < count; i++)
		member_at(to, members[i].key, members[i].value, indent, depth);
	free(members);
}

void view_object(FILE *to, const json_t *object, int indent)
{
	object_at(to, object, indent, 0);
}

static void line(FILE *to, const char *name, const char *value)
{
	if (!value[0])
		return;
	fprintf(to, "%-13s", name);
	cli_print_text(to, value, false);
	fputc('\n', to);
}

static void time_line(FILE *to, const char *name, const json_t *record, const char *key)
{
	char time[20], text[32];
	if (!cli_text(record, key)[0])
		return;
	snprintf(text, sizeof(text), "%s UTC", cli_time(record, key, time));
	line(to, name, text);
}

/** What a reader has to know before he believes it. */
static void warnings(FILE *to, const json_t *record)
{
	const char *state = cli_text(record, "state");
	const char *status = cli_text(json_object_get(record, "body"), "status");
	json_t *confirmed = json_object_get(record, "confirmed");
	if (strcmp(cli_text(record, "kind"), "alert") == 0 && status[0] &&
		strcmp(status, "Actual") != 0) {
		fputs("NOT FOR ACTION: this alert's status is ", to);
		cli_print_text(to, status, false);
		fputs(".\n", to);
	}
	const json_t *follower = json_object_get(record, "followed_by");
	if (follower) {
		bool cancels = strcmp(cli_text(follower, "msgType"), "Cancel") == 0;
		fprintf(to, cancels ? "CANCELLED by %s.\n" : "UPDATED by %s: read that one.\n",
			cli_text(follower, "id"));
	}
	if (json_is_false(confirmed))
		fputs("NOT CONFIRMED: nobody has compared this city's fingerprint by voice yet.\n", to);
	if (strcmp(state, "disowned") == 0)
		fputs("DISOWNED: the city or its officers have declared this not theirs.\n", to);
	else if (strcmp(state, "disputed") == 0)
		fputs("DISPUTED: this city has signed two histories of these records, and this may be "
			  "the one it did not mean.\n", to);
	else if (strcmp(state, "purged") == 0)
		fputs("PURGED: the text is gone; header and hashes are kept.\n", to);
	else if (strcmp(state, "gap") == 0)
		fputs("GAP: records before this one have not arrived yet.\n", to);
}

static void attachments(FILE *to, const json_t *record)
{
	json_t *item;
	size_t i;
	json_array_foreach(json_object_get(record, "attachments"), i, item)
	{
		json_t *held = json_object_get(item, "held");
		fprintf(to, "%-13s", "attachment");
		cli_print_text(to, cli_text(item, "name"), false);
		fprintf(to, "  %lld bytes%s%s\n%13s%s\n",
			(long long)json_integer_value(json_object_get(item, "size")),
			json_is_true(json_object_get(item, "original")) ? ", the CAP original" : "",
			json_is_false(held) ? ", not here yet" : "", "", cli_text(item, "id"));
	}
}

/**
 * The body without what stands elsewhere: attachments are listed above, and of an alert's original
 * only that it is there.
 */
static void body_print(FILE *to, const json_t *body)
{
	json_t *shown = json_copy((json_t *)(uintptr_t)body);
	const json_t *original = json_object_get(body, "original");
	if (!shown)
		return;
	json_object_del(shown, "attachments");
	if (json_object_get(original, "text")) {
		json_t *brief = json_copy((json_t *)(uintptr_t)original);
		json_object_set_new(brief, "text", json_string("(see `hansa export ID --as cap`)"));
		json_object_set_new(shown, "original", brief);
	}
	view_object(to, shown, 0);
	json_decref(shown);
}

void view_record(FILE *to, const json_t *record)
{
	json_t *topics = json_object_get(record, "topics"), *body = json_object_get(record, "body");
	warnings(to, record);
	line(to, "record", cli_text(record, "id"));
	line(to, "hash", cli_text(record, "hash"));
	time_line(to, "published", record, "time");
	if (!json_object_get(body, "deadlines")) /* what a call says itself is clearer */
		time_line(to, "expires", record, "expires");
	time_line(to, "received", record, "received");
	line(to, "supersedes", cli_text(json_object_get(record, "supersedes"), "id"));
	if (json_array_size(topics) > 0)
		fputs("topics       ", to);
	for (size_t i = 0; i < json_array_size(topics); i++) {
		fputs(i ? ", " : "", to);
		scalar(to, json_array_get(topics, i));
	}
	if (json_array_size(topics) > 0)
		fputc('\n', to);
	attachments(to, record);
	fputc('\n', to);
	if (json_is_object(body))
		body_print(to, body);
}
