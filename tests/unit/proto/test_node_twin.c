/* SPDX-License-Identifier: Apache-2.0 */
/* Two instances with one node key: proven, they stop; a mere claim stops nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "feed/hold.h"
#include "tests/unit/proto/script.h"

/* The instance of script_hello. */
static const uint8_t other_instance[INSTANCE_BYTES] = {0x5c};

static void proof(struct script *s, const struct secret_key *key, const uint8_t nonce[32],
	const uint8_t instance[INSTANCE_BYTES])
{
	struct signature signature;
	assert_int_equal(twin_proof_sign(key, nonce, instance, &signature), 0);
	message_write_twin_proof(&s->out, nonce, instance, &signature);
	script_send(s);
}

/* City 1 sees city 0 and its twin, which is played. */
static void a_twin_that_proves_itself_stops_the_city(void **state)
{
	(void)state;
	struct cluster c;
	struct script twin;
	const char *why;
	cluster_init(&c, 2, 1);
	cluster_found(&c);
	struct city *city = &c.cities[0], *witness = &c.cities[1];
	cluster_connect(&c, city, witness);
	cluster_pass(&c, 6000);
	script_live(&twin, witness, city);
	cluster_pass(&c, 2100); /* the older link answers: it lives */
	assert_true(script_seek(&twin, MESSAGE_TWIN_NOTICE));
	assert_memory_equal(twin.message.twin_notice.instance, city->instance, INSTANCE_BYTES);
	assert_true(script_seek(&twin, MESSAGE_TWIN_CHALLENGE));
	assert_int_equal(node_publishing(city->node, &why), NODE_PUBLISHING_OPEN);
	uint8_t nonce[32];
	memcpy(nonce, twin.message.twin_challenge.nonce, sizeof nonce);
	proof(&twin, city->node_key, nonce, other_instance);
	assert_int_equal(node_publishing(city->node, &why), NODE_PUBLISHING_TWIN);
	assert_int_equal(cluster_publish(city, FEED_LANE_DOC, "text", NULL), ERROR_STATE);
	/* The real one proves itself to the twin too. */
	memset(nonce, 8, sizeof nonce);
	message_write_twin_challenge(&twin.out, nonce);
	script_send(&twin);
	assert_true(script_seek(&twin, MESSAGE_TWIN_PROOF));
	assert_int_equal(
		twin_proof_verify(secret_key_public(city->node_key), twin.message.twin_proof.nonce,
			twin.message.twin_proof.instance, &twin.message.twin_proof.signature),
		0);
	assert_memory_equal(twin.message.twin_proof.nonce, nonce, sizeof nonce);
	assert_memory_equal(twin.message.twin_proof.instance, city->instance, INSTANCE_BYTES);
	assert_int_equal(node_publishing(witness->node, &why), NODE_PUBLISHING_OPEN);
	script_close(&twin);
	cluster_deinit(&c);
}

/* Whatever a member says, without the key it proves nothing. */
static void a_claim_stops_nobody(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	const char *why;
	uint8_t nonce[32], other_nonce[32] = {0};
	cluster_init(&c, 2, 2);
	cluster_found(&c);
	struct city *city = &c.cities[0], *liar = &c.cities[1];
	script_live(&s, city, liar);
	/* A proof that was not asked for. */
	proof(&s, city->node_key, other_nonce, other_instance);
	message_write_twin_notice(&s.out, other_instance);
	script_send(&s);
	assert_true(script_seek(&s, MESSAGE_TWIN_CHALLENGE));
	memcpy(nonce, s.message.twin_challenge.nonce, sizeof nonce);
	proof(&s, liar->node_key, nonce, other_instance);
	proof(&s, city->node_key, other_nonce, other_instance);
	proof(&s, city->node_key, nonce, city->instance); /* it is itself */
	assert_int_equal(node_publishing(city->node, &why), NODE_PUBLISHING_OPEN);
	assert_int_equal(cluster_publish(city, FEED_LANE_DOC, "text", NULL), 0);
	assert_false(script_closed(&s));
	script_close(&s);
	cluster_deinit(&c);
}

static void a_notice_of_itself_is_passed_over(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	cluster_init(&c, 2, 3);
	cluster_found(&c);
	script_live(&s, &c.cities[0], &c.cities[1]);
	message_write_twin_notice(&s.out, c.cities[0].instance);
	script_send(&s);
	assert_false(script_seek(&s, MESSAGE_TWIN_CHALLENGE));
	script_close(&s);
	cluster_deinit(&c);
}

/* Notices come from several members; none of them spoils the answer to another's question. */
static void a_second_notice_does_not_spoil_the_answer(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	const char *why;
	uint8_t nonce[32];
	cluster_init(&c, 2, 4);
	cluster_found(&c);
	script_live(&s, &c.cities[0], &c.cities[1]);
	message_write_twin_notice(&s.out, other_instance);
	script_send(&s);
	assert_true(script_seek(&s, MESSAGE_TWIN_CHALLENGE));
	memcpy(nonce, s.message.twin_challenge.nonce, sizeof nonce);
	message_write_twin_notice(&s.out, other_instance);
	script_send(&s);
	proof(&s, c.cities[0].node_key, nonce, other_instance);
	assert_int_equal(node_publishing(c.cities[0].node, &why), NODE_PUBLISHING_TWIN);
	script_close(&s);
	cluster_deinit(&c);
}

/* The same instance again: its older link is dead without our knowing, and gives way. */
static void a_link_that_does_not_answer_is_replaced(void **state)
{
	(void)state;
	struct cluster c;
	struct script first, second;
	cluster_init(&c, 2, 5);
	cluster_found(&c);
	script_live(&first, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, 6000);
	script_live(&second, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, 2100);
	assert_true(script_closed(&first));
	assert_int_equal(script_bye(&first), BYE_REPLACED);
	assert_false(script_closed(&second));
	script_close(&first);
	script_close(&second);
	cluster_deinit(&c);
}

static void a_link_that_answers_stays(void **state)
{
	(void)state;
	struct cluster c;
	struct script first, second;
	cluster_init(&c, 2, 6);
	cluster_found(&c);
	script_live(&first, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, 6000);
	script_live(&second, &c.cities[0], &c.cities[1]);
	assert_true(script_seek(&first, MESSAGE_PING));
	message_write_pong(&first.out, first.message.ping.token, c.now.wall);
	script_send(&first);
	cluster_pass(&c, 2100);
	assert_false(script_closed(&first));
	assert_true(script_closed(&second));
	assert_int_equal(script_bye(&second), BYE_REPLACED);
	script_close(&first);
	script_close(&second);
	cluster_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_twin_that_proves_itself_stops_the_city),
		cmocka_unit_test(a_claim_stops_nobody),
		cmocka_unit_test(a_notice_of_itself_is_passed_over),
		cmocka_unit_test(a_second_notice_does_not_spoil_the_answer),
		cmocka_unit_test(a_link_that_does_not_answer_is_replaced),
		cmocka_unit_test(a_link_that_answers_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
