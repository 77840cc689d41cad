/* SPDX-License-Identifier: Apache-2.0 */
/* The items of amendments, read and written by kind. */
#include "charter/amendment.h"

#include "base/error.h"
#include "base/text.h"
#include "base/wire_writer.h"
#include "charter/delegation.h"
#include "feed/feed.h"

const char *amendment_item_name(unsigned kind)
{
	static const char *const names[] = {
		[AMENDMENT_ADMIT] = "admit",
		[AMENDMENT_CONFIRM] = "confirm",
		[AMENDMENT_SUSPEND] = "suspend",
		[AMENDMENT_RESUME] = "resume",
		[AMENDMENT_REMOVE] = "remove",
		[AMENDMENT_OFFICERS] = "officers",
		[AMENDMENT_POLICY] = "policy",
		[AMENDMENT_QUOTA] = "quota",
		[AMENDMENT_FLOOR] = "floor",
		[AMENDMENT_GUARDIAN_CHOICE] = "guardian choice",
		[AMENDMENT_TWO_PERSON] = "two-person lane",
		[AMENDMENT_KEY] = "key given by officers",
		[AMENDMENT_ERASURE] = "erasure",
		[AMENDMENT_ANCHOR] = "anchor",
		[AMENDMENT_REVIEW] = "review date",
	};
	return kind < sizeof(names) / sizeof(names[0]) && names[kind] ? names[kind] : "unknown";
}

static uint8_t read_lane(struct wire_reader *r)
{
	uint64_t lane = wire_reader_uint(r, FEED_LANE_MAX);
	if (lane == 0)
		wire_reader_fail(r, ERROR_RANGE);
	return (uint8_t)lane;
}

static void read_admit(struct wire_reader *r, struct amendment_item *out)
{
	out->admit.slug = wire_reader_str(r, 1, TEXT_SLUG_MAX);
	out->admit.name = wire_reader_str(r, 1, CHARTER_NAME_MAX);
	out->admit.country = wire_reader_str(r, CHARTER_COUNTRY_BYTES, CHARTER_COUNTRY_BYTES);
	out->admit.record = wire_reader_bin(r, 1, OBJECT_BYTES_MAX);
	out->admit.confirmed = wire_reader_bool(r);
	if (!wire_reader_nil(r))
		out->admit.delegation = wire_reader_bin(r, 1, DELEGATION_BYTES_MAX);
	if (!r->error && (!text_slug_valid(out->admit.slug)
			|| !charter_name_valid(out->admit.name, CHARTER_NAME_MAX)
			|| !charter_country_valid(out->admit.country)))
		wire_reader_fail(r, ERROR_FIELD);
}

static void read_end(struct wire_reader *r, struct amendment_item *out)
{
	out->end.reason = wire_reader_str(r, 0, CHARTER_REASON_MAX);
	out->end.has_cuts = !wire_reader_nil(r);
	if (!out->end.has_cuts)
		return;
	size_t n = object_array_open(r, 2);
	out->end.epoch = (uint32_t)wire_reader_uint(r, EPOCH_MAX);
	if (out->end.epoch == 0)
		wire_reader_fail(r, ERROR_RANGE);
	epoch_cuts_read(r, out->end.cuts);
	object_array_close(r, 2, n);
}

static void read_anchors(struct wire_reader *r, struct amendment_item *out)
{
	out->anchor.count = wire_reader_array(r, 0, AMENDMENT_ANCHORS_MAX);
	size_t start = r->at;
	for (size_t i = 0; i < out->anchor.count && !r->error; i++) {
		struct amendment_anchor anchor;
		amendment_anchor_read(r, &anchor);
	}
	out->anchor.list = bytes_slice(r->input, start, r->at - start);
}

static void read_rest(struct wire_reader *r, struct amendment_item *out)
{
	switch (out->kind) {
	case AMENDMENT_OFFICERS:
		officers_read(r, &out->officers);
		break;
	case AMENDMENT_POLICY:
		out->policy.key = wire_reader_str(r, 1, AMENDMENT_POLICY_KEY_MAX);
		out->policy.value = wire_reader_str(r, 0, AMENDMENT_POLICY_VALUE_MAX);
		break;
	case AMENDMENT_QUOTA:
		out->quota.has_city = !wire_reader_nil(r);
		if (out->quota.has_city)
			wire_reader_bin_exact(r, out->city_id.bytes, HASH_SIZE);
		out->quota.lane = read_lane(r);
		out->quota.entries_a_day = wire_reader_uint(r, UINT64_MAX);
		out->quota.bytes_a_day = wire_reader_uint(r, UINT64_MAX);
		break;
	case AMENDMENT_TWO_PERSON:
		out->two_person.lane = read_lane(r);
		out->two_person.on = wire_reader_bool(r);
		break;
	case AMENDMENT_ERASURE:
		wire_reader_bin_exact(r, out->erasure.feed_id.bytes, HASH_SIZE);
		out->erasure.seq = wire_reader_uint(r, UINT64_MAX);
		wire_reader_bin_exact(r, out->erasure.entry_hash.bytes, HASH_SIZE);
		out->erasure.reason = wire_reader_str(r, 0, CHARTER_REASON_MAX);
		break;
	case AMENDMENT_ANCHOR:
		read_anchors(r, out);
		break;
	case AMENDMENT_REVIEW:
		out->review_time = wire_reader_uint(r, UINT64_MAX);
		break;
	default:
		break;
	}
}

/* How many elements an item of this kind has, its kind included; 0 for an unknown kind. */
static size_t item_elements(unsigned kind)
{
	static const uint8_t elements[] = {
		[AMENDMENT_ADMIT] = 7, [AMENDMENT_CONFIRM] = 2, [AMENDMENT_SUSPEND] = 4,
		[AMENDMENT_RESUME] = 2, [AMENDMENT_REMOVE] = 4, [AMENDMENT_OFFICERS] = 3,
		[AMENDMENT_POLICY] = 3, [AMENDMENT_QUOTA] = 5, [AMENDMENT_FLOOR] = 5,
		[AMENDMENT_GUARDIAN_CHOICE] = 3, [AMENDMENT_TWO_PERSON] = 3, [AMENDMENT_KEY] = 3,
		[AMENDMENT_ERASURE] = 5, [AMENDMENT_ANCHOR] = 2, [AMENDMENT_REVIEW] = 2,
	};
	return kind < sizeof(elements) ? elements[kind] : 0;
}

void amendment_item_read(struct wire_reader *r, struct amendment_item *out)
{
	*out = (struct amendment_item){0};
	size_t start = r->at;
	size_t n = wire_reader_array(r, 1, UINT16_MAX);
	out->kind = (unsigned)wire_reader_uint(r, UINT16_MAX);
	size_t known = item_elements(out->kind);
	if (known == 0) { /* from a later version: kept, without effect */
		object_array_close(r, 1, n);
		out->raw = bytes_slice(r->input, start, r->at - start);
		return;
	}
	if (n < known || n > known + OBJECT_EXTRA_MAX)
		wire_reader_fail(r, ERROR_SIZE);
	switch (out->kind) {
	case AMENDMENT_ADMIT:
		read_admit(r, out);
		break;
	case AMENDMENT_CONFIRM:
	case AMENDMENT_RESUME:
		wire_reader_bin_exact(r, out->city_id.bytes, HASH_SIZE);
		break;
	case AMENDMENT_SUSPEND:
	case AMENDMENT_REMOVE:
		wire_reader_bin_exact(r, out->city_id.bytes, HASH_SIZE);
		read_end(r, out);
		break;
	case AMENDMENT_FLOOR:
		wire_reader_bin_exact(r, out->city_id.bytes, HASH_SIZE);
		out->floor.lane = read_lane(r);
		out->floor.seq = wire_reader_uint(r, UINT64_MAX);
		wire_reader_bin_exact(r, out->floor.entry_hash.bytes, HASH_SIZE);
		break;
	case AMENDMENT_GUARDIAN_CHOICE:
		wire_reader_bin_exact(r, out->city_id.bytes, HASH_SIZE);
		wire_reader_bin_exact(r, out->chosen_record.bytes, HASH_SIZE);
		break;
	case AMENDMENT_KEY:
		wire_reader_bin_exact(r, out->city_id.bytes, HASH_SIZE);
		out->key_record = wire_reader_bin(r, 1, OBJECT_BYTES_MAX);
		break;
	default:
		read_rest(r, out);
		break;
	}
	object_array_close(r, known, n);
	out->raw = bytes_slice(r->input, start, r->at - start);
}

static void write_admit(struct buffer *b, const struct amendment_item *item)
{
	wire_writer_str(b, item->admit.slug);
	wire_writer_str(b, item->admit.name);
	wire_writer_str(b, item->admit.country);
	wire_writer_bin(b, item->admit.record);
	wire_writer_bool(b, item->admit.confirmed);
	if (item->admit.delegation.len)
		wire_writer_bin(b, item->admit.delegation);
	else
		wire_writer_nil(b);
}

static void write_end(struct buffer *b, const struct amendment_item *item)
{
	wire_writer_str(b, item->end.reason);
	if (!item->end.has_cuts) {
		wire_writer_nil(b);
		return;
	}
	wire_writer_array(b, 2);
	wire_writer_uint(b, item->end.epoch);
	epoch_cuts_write(b, item->end.cuts);
}

static void write_rest(struct buffer *b, const struct amendment_item *item)
{
	switch (item->kind) {
	case AMENDMENT_OFFICERS:
		officers_write(b, &item->officers);
		break;
	case AMENDMENT_POLICY:
		wire_writer_str(b, item->policy.key);
		wire_writer_str(b, item->policy.value);
		break;
	case AMENDMENT_QUOTA:
		if (item->quota.has_city)
			wire_writer_bin(b, hash_bytes(&item->city_id));
		else
			wire_writer_nil(b);
		wire_writer_uint(b, item->quota.lane);
		wire_writer_uint(b, item->quota.entries_a_day);
		wire_writer_uint(b, item->quota.bytes_a_day);
		break;
	case AMENDMENT_TWO_PERSON:
		wire_writer_uint(b, item->two_person.lane);
		wire_writer_bool(b, item->two_person.on);
		break;
	case AMENDMENT_ERASURE:
		wire_writer_bin(b, hash_bytes(&item->erasure.feed_id));
		wire_writer_uint(b, item->erasure.seq);
		wire_writer_bin(b, hash_bytes(&item->erasure.entry_hash));
		wire_writer_str(b, item->erasure.reason);
		break;
	case AMENDMENT_ANCHOR:
		wire_writer_array(b, item->anchor.count);
		wire_writer_raw(b, item->anchor.list);
		break;
	case AMENDMENT_REVIEW:
		wire_writer_uint(b, item->review_time);
		break;
	default:
		break;
	}
}

int amendment_item_write(struct buffer *b, const struct amendment_item *item)
{
	size_t elements = item_elements(item->kind);
	if (elements == 0) {
		wire_writer_raw(b, item->raw);
		return b->error;
	}
	wire_writer_array(b, elements);
	wire_writer_uint(b, item->kind);
	switch (item->kind) {
	case AMENDMENT_ADMIT:
		write_admit(b, item);
		break;
	case AMENDMENT_CONFIRM:
	case AMENDMENT_RESUME:
		wire_writer_bin(b, hash_bytes(&item->city_id));
		break;
	case AMENDMENT_SUSPEND:
	case AMENDMENT_REMOVE:
		wire_writer_bin(b, hash_bytes(&item->city_id));
		write_end(b, item);
		break;
	case AMENDMENT_FLOOR:
		wire_writer_bin(b, hash_bytes(&item->city_id));
		wire_writer_uint(b, item->floor.lane);
		wire_writer_uint(b, item->floor.seq);
		wire_writer_bin(b, hash_bytes(&item->floor.entry_hash));
		break;
	case AMENDMENT_GUARDIAN_CHOICE:
		wire_writer_bin(b, hash_bytes(&item->city_id));
		wire_writer_bin(b, hash_bytes(&item->chosen_record));
		break;
	case AMENDMENT_KEY:
		wire_writer_bin(b, hash_bytes(&item->city_id));
		wire_writer_bin(b, item->key_record);
		break;
	default:
		write_rest(b, item);
		break;
	}
	return b->error;
}
