/* SPDX-License-Identifier: Apache-2.0 */
/* Control objects: rows in order of arrival, an index by hash, the newest address list of a city.
 */
#include "base/check.h"
#include "store/store_internal.h"

#define OBJECT_BYTES_MAX 131072u
#define OBJECT_FIXED_SIZE 133

static int object_parse(struct bytes key, struct bytes value, struct store_object *out)
{
	*out = (struct store_object){0};
	struct cursor c = cursor_init(value);
	if (key.len != KEY_OBJECT_SIZE)
		return ERROR_CORRUPT;
	memcpy(out->network_id.bytes, key.data, HASH_SIZE);
	out->arrival.arrival = get_u64(key.data + HASH_SIZE);
	cursor_copy(&c, out->object_hash.bytes, HASH_SIZE);
	out->type = cursor_u8(&c);
	cursor_copy(&c, out->city_id.bytes, HASH_SIZE);
	out->epoch = cursor_u32(&c);
	out->number = cursor_u64(&c);
	cursor_copy(&c, out->source_city.bytes, HASH_SIZE);
	out->arrived.ms = (int64_t)cursor_u64(&c);
	cursor_copy(&c, out->arrival.rolling, STORE_ROLLING_SIZE);
	cursor_bytes(&c, 8);
	out->object = cursor_bytes(&c, cursor_left(&c));
	return cursor_end(&c) ? ERROR_CORRUPT : 0;
}

static int object_put(
	struct store_txn *txn, const struct store_object *o, const struct store_arrival *arrival)
{
	uint8_t key[KEY_OBJECT_SIZE], *to;
	int r = engine_put(txn->t, TABLE_OBJECTS, key_object(key, &o->network_id, arrival->arrival),
		OBJECT_FIXED_SIZE + o->object.len, &to);
	if (r)
		return r;
	memset(to, 0, OBJECT_FIXED_SIZE); /* its last 8 bytes are room for later */
	memcpy(to, o->object_hash.bytes, HASH_SIZE);
	to[32] = o->type;
	memcpy(to + 33, o->city_id.bytes, HASH_SIZE);
	put_u32(to + 65, o->epoch);
	put_u64(to + 69, o->number);
	memcpy(to + 77, o->source_city.bytes, HASH_SIZE);
	put_u64(to + 109, (uint64_t)o->arrived.ms);
	memcpy(to + 117, arrival->rolling, STORE_ROLLING_SIZE);
	memcpy(to + OBJECT_FIXED_SIZE, o->object.data, o->object.len);
	return engine_put_bytes(
		txn->t, TABLE_OBJECT_HASHES, hash_bytes(&o->object_hash), bytes_of(key, sizeof key));
}

/* The key in table objects; ERROR_NOT_FOUND. */
static int object_find(
	struct engine_txn *t, const struct hash *object_hash, uint8_t key[static KEY_OBJECT_SIZE])
{
	struct bytes value;
	int r = engine_get(t, TABLE_OBJECT_HASHES, hash_bytes(object_hash), &value);
	if (r)
		return r;
	if (value.len != KEY_OBJECT_SIZE)
		return ERROR_CORRUPT;
	memcpy(key, value.data, KEY_OBJECT_SIZE);
	return 0;
}

/* Takes out the object and leaves of its arrival only the rolling hash. */
static int object_drop(struct store_txn *txn, const struct hash *object_hash)
{
	uint8_t key[KEY_OBJECT_SIZE];
	struct arrival_row arrival;
	int r = object_find(txn->t, object_hash, key);
	if (r)
		return r;
	uint64_t number = get_u64(key + HASH_SIZE);
	r = engine_drop(txn->t, TABLE_OBJECTS, bytes_of(key, sizeof key));
	if (!r)
		r = engine_drop(txn->t, TABLE_OBJECT_HASHES, hash_bytes(object_hash));
	if (!r)
		r = arrival_row_get(txn->t, number, &arrival);
	if (r)
		return store_txn_fail(txn, r);
	arrival.kind = 0;
	return store_txn_fail(txn, arrival_row_put(txn->t, number, &arrival));
}

int store_drop_object(struct store_txn *txn, const struct hash *object_hash)
{
	return object_drop(txn, object_hash);
}

static int replace_address_list(struct store_txn *txn, const struct store_object *object)
{
	uint8_t key[KEY_PAIR_SIZE];
	struct bytes value;
	struct hash former;
	key_pair(key, &object->network_id, &object->city_id);
	int r = engine_get(txn->t, TABLE_ADDRESSES, bytes_of(key, sizeof key), &value);
	if (!r && value.len != HASH_SIZE)
		r = ERROR_CORRUPT;
	if (!r) {
		memcpy(former.bytes, value.data, HASH_SIZE);
		r = object_drop(txn, &former);
	}
	if (r && r != ERROR_NOT_FOUND)
		return r;
	return engine_put_bytes(
		txn->t, TABLE_ADDRESSES, bytes_of(key, sizeof key), hash_bytes(&object->object_hash));
}

int store_put_object(
	struct store_txn *txn, const struct store_object *object, struct store_arrival *out)
{
	uint8_t key[KEY_OBJECT_SIZE];
	struct store_arrival arrival;
	ensure_or(object->object.len > 0 && object->object.len <= OBJECT_BYTES_MAX, ERROR_SIZE);
	int r = object_find(txn->t, &object->object_hash, key);
	if (r != ERROR_NOT_FOUND)
		return r ? r : ERROR_EXISTS;
	r = 0;
	if (object->type == STORE_OBJECT_ADDRESS_LIST)
		r = replace_address_list(txn, object);
	struct arrival_row row = {
		.kind = STORE_ARRIVAL_OBJECT,
		.arrived = object->arrived,
		.source_city = object->source_city,
		.item_hash = object->object_hash,
		.network_id = object->network_id,
		.object_type = object->type,
		.city_id = object->city_id,
	};
	if (!r)
		r = store_add_arrival(txn, &row, NULL, 0, &object->object_hash, &arrival);
	if (!r)
		r = object_put(txn, object, &arrival);
	if (r)
		return store_txn_fail(txn, r);
	if (out)
		*out = arrival;
	return 0;
}

struct object_walk {
	store_object_fn *fn;
	void *ctx;
};

static int on_object_row(void *ctx, struct bytes key, struct bytes value)
{
	struct object_walk *w = ctx;
	struct store_object object;
	int r = object_parse(key, value, &object);
	return r ? r : w->fn(w->ctx, &object);
}

int store_each_object(
	struct store *store, const struct hash *network_id, store_object_fn *fn, void *ctx)
{
	struct engine_txn *t;
	struct object_walk walk = {.fn = fn, .ctx = ctx};
	uint8_t key[KEY_OBJECT_SIZE];
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	key_object(key, network_id, 0);
	r = engine_walk(t, TABLE_OBJECTS, key, sizeof key, HASH_SIZE, on_object_row, &walk);
	store_read_end(t);
	return r;
}

int store_read_object(
	struct store *store, const struct hash *object_hash, store_object_fn *fn, void *ctx)
{
	struct engine_txn *t;
	struct store_object object;
	struct bytes value;
	uint8_t key[KEY_OBJECT_SIZE];
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = object_find(t, object_hash, key);
	if (!r) {
		r = engine_get(t, TABLE_OBJECTS, bytes_of(key, sizeof key), &value);
		r = r == ERROR_NOT_FOUND ? ERROR_CORRUPT : r;
	}
	if (!r)
		r = object_parse(bytes_of(key, sizeof key), value, &object);
	if (!r)
		r = fn(ctx, &object);
	store_read_end(t);
	return r;
}
