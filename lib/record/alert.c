/* SPDX-License-Identifier: Apache-2.0 */
#include "record/alert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record/body.h"
#include "record/field.h"
#include "record/value.h"

static const char *const statuses[] = {"Actual", "Exercise", "System", "Test", "Draft", NULL};
static const char *const message_types[] = {"Alert", "Update", "Cancel", "Ack", "Error", NULL};
static const char *const scopes[] = {"Public", "Restricted", "Private", NULL};
static const char *const categories[] = {
	"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra",
	"CBRNE", "Other", NULL,
};
static const char *const responses[] = {
	"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None",
	NULL,
};
static const char *const urgencies[] = {"Immediate", "Expected", "Future", "Past", "Unknown", NULL};
static const char *const severities[] = {"Extreme", "Severe", "Moderate", "Minor", "Unknown", NULL};
static const char *const certainties[] = {
	"Observed", "Likely", "Possible", "Unlikely", "Unknown", NULL,
};

/* References join sender, identifier and time with commas, and spaces part references. */
static const char *check_identifier(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || strchr(",<&", text.data[i]))
			return "CAP allows no spaces, commas, < or & in it";
	return NULL;
}

/* Reads a decimal number at *at, of `text`, moves *at behind it. */
static bool read_number(struct bytes text, size_t *at, double *out)
{
	char copy[32];
	size_t len = 0;
	while (*at + len < text.len && len < sizeof(copy) - 1 &&
		(strchr("+-.", text.data[*at + len]) ||
			(text.data[*at + len] >= '0' && text.data[*at + len] <= '9'))) {
		copy[len] = (char)text.data[*at + len];
		len++;
	}
	copy[len] = 0;
	char *end;
	*out = strtod(copy, &end);
	*at += len;
	return len > 0 && end == copy + len;
}

static const char *read_point(struct bytes text, size_t *at, double point[static 2])
{
	if (!read_number(text, at, &point[0]) || *at >= text.len || text.data[(*at)++] != ',' ||
		!read_number(text, at, &point[1]))
		return "a point must be latitude,longitude in decimal degrees";
	if (fabs(point[0]) > 90)
		return "a latitude is beyond 90 degrees";
	if (fabs(point[1]) > 180)
		return "a longitude is beyond 180 degrees";
	return NULL;
}

const char *alert_polygon(struct bytes text)
{
	double first[2] = {0}, last[2] = {0};
	size_t at = 0, count = 0;
	while (at < text.len) {
		const char *reason = read_point(text, &at, count ? last : first);
		if (reason)
			return reason;
		if (at < text.len && text.data[at++] != ' ')
			return "points must be separated by one space";
		count++;
	}
	if (count < 4)
		return "a polygon needs at least four points, the last equal to the first";
	if (memcmp(first, last, sizeof(first)) != 0)
		return "a polygon must end where it began";
	return NULL;
}

const char *alert_circle(struct bytes text)
{
	double centre[2], radius;
	size_t at = 0;
	const char *reason = read_point(text, &at, centre);
	if (reason)
		return reason;
	if (at >= text.len || text.data[at++] != ' ' || !read_number(text, &at, &radius) ||
		at != text.len || radius < 0 || radius > 20100)
		return "a circle is a point, a space and a radius in kilometres";
	return NULL;
}

static const struct field named_value[] = {
	{.name = "valueName", .type = FIELD_LINE, .max = 512, .required = true},
	{.name = "value", .type = FIELD_TEXT, .max = 65536, .required = true},
	{.name = NULL},
};

static const struct field resource[] = {
	{.name = "resourceDesc", .type = FIELD_TEXT, .min = 1, .max = 4096, .required = true},
	{.name = "mimeType", .type = FIELD_LINE, .max = 255, .check = value_content_type},
	{.name = "size", .type = FIELD_INTEGER, .max = 0x1p53},
	{.name = "uri", .type = FIELD_LINE, .max = VALUE_URL_SIZE_MAX, .check = value_resource_uri},
	{.name = "derefUri", .type = FIELD_TEXT, .max = BODY_SIZE_MAX},
	{.name = "digest", .type = FIELD_LINE, .max = 256},
	{.name = NULL},
};

static const struct field area[] = {
	{.name = "areaDesc", .type = FIELD_TEXT, .min = 1, .max = 65536, .required = true},
	{.name = "polygon", .type = FIELD_LINE, .max = 4194304, .list_max = 4096,
		.check = alert_polygon},
	{.name = "circle", .type = FIELD_LINE, .max = 256, .list_max = 1024, .check = alert_circle},
	{.name = "geocode", .type = FIELD_OBJECT, .list_max = 8192, .fields = named_value},
	{.name = "altitude", .type = FIELD_NUMBER, .min = -100000, .max = 10000000},
	{.name = "ceiling", .type = FIELD_NUMBER, .min = -100000, .max = 10000000},
	{.name = NULL},
};

static int check_area(const json_t *object, const char *path, struct complaint *c)
{
	if (json_object_get(object, "ceiling") && !json_object_get(object, "altitude"))
		return complain(c, ERROR_FIELD, path, "has a ceiling and no altitude");
	return 0;
}

static const struct field info[] = {
	{.name = "language", .type = FIELD_LINE, .max = 35, .check = value_language},
	{.name = "category", .type = FIELD_CHOICE, .required = true, .list_max = 32,
		.list_filled = true, .choices = categories},
	{.name = "event", .type = FIELD_LINE, .min = 1, .max = 1024, .required = true},
	{.name = "responseType", .type = FIELD_CHOICE, .list_max = 32, .choices = responses},
	{.name = "urgency", .type = FIELD_CHOICE, .required = true, .choices = urgencies},
	{.name = "severity", .type = FIELD_CHOICE, .required = true, .choices = severities},
	{.name = "certainty", .type = FIELD_CHOICE, .required = true, .choices = certainties},
	{.name = "audience", .type = FIELD_TEXT, .max = 8192},
	{.name = "eventCode", .type = FIELD_OBJECT, .list_max = 256, .fields = named_value},
	{.name = "effective", .type = FIELD_LINE, .max = 40, .check = value_instant},
	{.name = "onset", .type = FIELD_LINE, .max = 40, .check = value_instant},
	{.name = "expires", .type = FIELD_LINE, .max = 40, .check = value_instant},
	{.name = "senderName", .type = FIELD_LINE, .max = 1024},
	{.name = "headline", .type = FIELD_LINE, .max = 4096},
	{.name = "description", .type = FIELD_TEXT, .max = 131072},
	{.name = "instruction", .type = FIELD_TEXT, .max = 131072},
	{.name = "web", .type = FIELD_LINE, .max = VALUE_URL_SIZE_MAX, .check = value_url},
	{.name = "contact", .type = FIELD_TEXT, .max = 8192},
	{.name = "parameter", .type = FIELD_OBJECT, .list_max = 1024, .fields = named_value},
	{.name = "resource", .type = FIELD_OBJECT, .list_max = 256, .fields = resource},
	{.name = "area", .type = FIELD_OBJECT, .list_max = 4096, .fields = area,
		.object_check = check_area},
	{.name = NULL},
};

static const struct field reference[] = {
	{.name = "sender", .type = FIELD_LINE, .min = 1, .max = 512, .required = true,
		.check = check_identifier},
	{.name = "identifier", .type = FIELD_LINE, .min = 1, .max = 512, .required = true,
		.check = check_identifier},
	{.name = "sent", .type = FIELD_LINE, .max = 40, .required = true, .check = value_instant},
	{.name = NULL},
};

static const struct field original[] = {
	{.name = "media_type", .type = FIELD_LINE, .max = 127, .required = true,
		.check = value_media_type},
	{.name = "encoding", .type = FIELD_LINE, .min = 1, .max = 64, .required = true},
	{.name = "size", .type = FIELD_INTEGER, .max = 0x1p32},
	{.name = "text", .type = FIELD_ANY},
	{.name = NULL},
};

/* What a city that is hit later wants to know: what was told, where, and which answer worked. */
static const struct field incident[] = {
	{.name = "narrative", .type = FIELD_TEXT, .min = 1, .max = 16384, .required = true},
	{.name = "channels", .type = FIELD_LINE, .min = 1, .max = 512, .list_max = 64},
	{.name = "first_seen", .type = FIELD_LINE, .max = 40, .check = value_date},
	{.name = "response", .type = FIELD_TEXT, .min = 1, .max = 16384},
	{.name = "outcome", .type = FIELD_TEXT, .min = 1, .max = 16384},
	{.name = NULL},
};

static const struct field fields[] = {
	{.name = "identifier", .type = FIELD_LINE, .min = 1, .max = 512, .required = true,
		.check = check_identifier},
	{.name = "sender", .type = FIELD_LINE, .min = 1, .max = 512, .required = true,
		.check = check_identifier},
	{.name = "sent", .type = FIELD_LINE, .max = 40, .required = true, .check = value_instant},
	{.name = "status", .type = FIELD_CHOICE, .required = true, .choices = statuses},
	{.name = "msgType", .type = FIELD_CHOICE, .required = true, .choices = message_types},
	{.name = "source", .type = FIELD_LINE, .max = 1024},
	{.name = "scope", .type = FIELD_CHOICE, .required = true, .choices = scopes},
	{.name = "restriction", .type = FIELD_TEXT, .max = 4096},
	{.name = "addresses", .type = FIELD_LINE, .min = 1, .max = 512, .list_max = 256},
	{.name = "code", .type = FIELD_LINE, .min = 1, .max = 1024, .list_max = 256},
	{.name = "note", .type = FIELD_TEXT, .max = 65536},
	{.name = "references", .type = FIELD_OBJECT, .list_max = 1024, .fields = reference},
	{.name = "incidents", .type = FIELD_LINE, .min = 1, .max = 512, .list_max = 256},
	{.name = "info", .type = FIELD_OBJECT, .list_max = 256, .fields = info},
	{.name = "original", .type = FIELD_OBJECT, .fields = original},
	{.name = "faults", .type = FIELD_TEXT, .min = 1, .max = 512, .list_max = 64},
	{.name = "abridged", .type = FIELD_LINE, .min = 1, .max = 96, .list_max = 4096},
	{.name = "incident", .type = FIELD_OBJECT, .fields = incident},
	FIELD_TOPICS,
	FIELD_ATTACHMENTS,
	{.name = "visibility", .type = FIELD_CHOICE, .choices = field_visibility},
	{.name = NULL},
};

int alert_validate(const json_t *body, struct complaint *c)
{
	return field_validate(body, fields, "", c);
}

static const char *first_line(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text && *text ? text : NULL;
}

const char *alert_title(const json_t *body)
{
	const json_t *first = json_array_get(json_object_get(body, "info"), 0);
	const char *title = first_line(first, "headline");
	if (!title)
		title = first_line(first, "event");
	if (!title)
		title = first_line(json_object_get(body, "incident"), "narrative");
	return title ? title : first_line(body, "identifier");
}

int64_t alert_expiry_ms(const json_t *body)
{
	int64_t last = 0;
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(body, "info"), i, each) {
		const char *expires = json_string_value(json_object_get(each, "expires"));
		struct timestamp t;
		if (expires && !timestamp_parse_rfc3339(bytes_from_text(expires), &t) && t.ms > last)
			last = t.ms;
	}
	return last;
}
