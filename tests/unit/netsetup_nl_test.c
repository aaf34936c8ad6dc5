/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The netlink helper: bounds, answers by message, the kernel's own words. Needs no privilege. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "base/str.h"
#include "netsetup/link_priv.h"

static void test_overflow_is_sticky(void **state)
{
	const size_t sizes[] = { 0, 1, 15, 16, 20, 31, 32, 36, 40, 44, 48, 60, 64, 80, 100, 128 };
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
		struct nl nl = NL_INIT;
		struct ifinfomsg *ifi;
		size_t outer, inner;

		nl_batch_reserve(&b, sizes[i]);
		ifi = nl_begin(&b, RTM_NEWLINK, 0, sizeof(*ifi), "one");
		ifi->ifi_index = 7;
		outer = nl_nest(&b, IFLA_LINKINFO);
		nl_put_str(&b, IFLA_INFO_KIND, "bridge");
		inner = nl_nest(&b, IFLA_INFO_DATA);
		nl_put_u8(&b, 1, 1);
		nl_put_u16(&b, 2, 1);
		nl_put_u32(&b, 3, 1);
		*(char *)nl_put_raw(&b, 16) = 'x';
		nl_nest_end(&b, inner);
		nl_nest_end(&b, outer);
		assert_null(nl_message_room(&b, 4096));
		assert_true(b.failed);
		(void)nl_begin(&b, RTM_NEWLINK, 0, sizeof(*ifi), "two");
		e = ERR_INIT;
		assert_int_equal(nl_run(&nl, &b, NULL, NULL, &e), -EMSGSIZE);
		assert_non_null(strstr(e.text, "does not fit"));
	}
}

static void test_too_many_messages(void **state)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	unsigned i;

	(void)state;
	nl_batch_reserve(&b, (NL_BATCH_MESSAGES + 1) * 64);
	for (i = 0; i < NL_BATCH_MESSAGES; i++)
		(void)nl_begin(&b, RTM_GETLINK, 0, sizeof(struct ifinfomsg), "one");
	assert_false(b.failed);
	(void)nl_begin(&b, RTM_GETLINK, 0, sizeof(struct ifinfomsg), "one too many");
	assert_true(b.failed);
}

/* A nest longer than its 16-bit length can say is refused, not cut. */
static void test_long_nest(void **state)
{
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	static const char data[40000];
	size_t nest;

	(void)state;
	nl_batch_reserve(&b, 1 << 17);
	(void)nl_begin(&b, RTM_GETLINK, 0, sizeof(struct ifinfomsg), "long");
	nest = nl_nest(&b, 1);
	nl_put(&b, 1, data, sizeof(data));
	nl_put(&b, 2, data, sizeof(data));
	assert_false(b.failed);
	nl_nest_end(&b, nest);
	assert_true(b.failed);
}

static void put_get_link(struct nl_batch *b, const char *name)
{
	(void)nl_begin(b, RTM_GETLINK, NLM_F_ACK, sizeof(struct ifinfomsg), "look up link");
	nl_put_str(b, IFLA_IFNAME, name);
}

static int note_index(const struct nlmsghdr *nlh, unsigned index, void *arg)
{
	unsigned *answers = arg;

	assert_int_equal(nlh->nlmsg_type, RTM_NEWLINK);
	answers[index]++;
	return 0;
}

static void test_answers_by_message(void **state)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	unsigned answers[3] = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(nl_open(NETLINK_ROUTE, &nl, &e), 0);
	nl_batch_reserve(&b, 1024);
	put_get_link(&b, "lo");
	put_get_link(&b, "none-such");
	put_get_link(&b, "lo");
	assert_int_equal(nl_exchange(&nl, &b, note_index, answers, &e), 0);
	assert_int_equal(b.messages[0].result, 0);
	assert_int_equal(b.messages[1].result, -ENODEV);
	assert_int_equal(b.messages[2].result, 0);
	assert_int_equal(answers[0], 1);
	assert_int_equal(answers[1], 0);
	assert_int_equal(answers[2], 1);
	assert_int_equal(nl_run(&nl, &b, NULL, NULL, &e), -ENODEV);
	assert_string_equal(e.text, "look up link: No such device");
	assert_int_equal(link_index(&nl, "lo"), if_nametoindex("lo"));
	assert_int_equal(link_index(&nl, "none-such"), 0);
	assert_int_equal(link_index(&nl, "a-name-that-is-too-long"), 0);
}

static void test_kernel_text(void **state)
{
	CLEANUP(nl_close) struct nl nl = NL_INIT;
	CLEANUP(nl_batch_free) struct nl_batch b = NL_BATCH_INIT;
	struct err e = ERR_INIT;
	struct ifinfomsg *ifi;

	(void)state;
	assert_int_equal(nl_open(NETLINK_ROUTE, &nl, &e), 0);
	nl_batch_reserve(&b, 1024);
	ifi = nl_begin(&b, RTM_GETLINK, NLM_F_ACK, sizeof(*ifi), "look up link");
	ifi->ifi_flags = IFF_UP; /* strict checking says why not */
	assert_true(nl_run(&nl, &b, NULL, NULL, &e) < 0);
	assert_non_null(strstr(e.text, "look up link (kernel: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overflow_is_sticky),
		cmocka_unit_test(test_too_many_messages),
		cmocka_unit_test(test_long_nest),
		cmocka_unit_test(test_answers_by_message),
		cmocka_unit_test(test_kernel_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
