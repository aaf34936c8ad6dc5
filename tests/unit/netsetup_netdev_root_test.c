/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links of the host that move into a container's namespace. */
#include "netsetup/netdev.h"
#include "tests/unit/netsetup_fixture.h"

static int inside = -EBADF;

static int fresh(void **state)
{
	(void)state;
	if (inside >= 0)
		(void)close(inside);
	inside = netns_new();
	(void)sh_status(w.home, "for l in p0 p1 d0 v0; do ip link del $l; done 2>/dev/null");
	sh(w.home, "ip link add d0 type veth peer name p0 && ip link set d0 address "
		   "02:11:22:33:44:55 mtu 1400");
	return 0;
}

static void move(const char *name, const char *new_name, int want)
{
	struct err e = ERR_INIT;
	int r = netdev_move(name, new_name, inside, &e);

	if (r != want)
		print_error("%s\n", e.text);
	assert_int_equal(r, want);
	if (r < 0)
		assert_non_null(strstr(e.text, name));
}

static void test_keeps(void **state)
{
	(void)state;
	sh(w.home, "ip addr add 192.0.2.77/24 brd 192.0.2.255 dev d0 &&"
		   " ip addr add 198.51.100.1 peer 198.51.100.2/32 dev d0 &&"
		   " ip addr add 10.9.9.9/24 scope link dev d0 &&"
		   " ip addr add 192.0.2.78/24 valid_lft 1000 preferred_lft 1000 dev d0 &&"
		   " ip link set d0 up");
	if (sh_status(w.home, "ip -6 addr add 2001:db8::7/64 nodad dev d0") == 0)
		sh(w.home, "ip -6 addr add 2001:db8:1::7/128 nodad noprefixroute dev d0");
	move("d0", "eth7", 0);
	assert_int_not_equal(sh_status(w.home, "ip link show d0 2>/dev/null"), 0);
	sh(inside, "ip link show eth7 | grep -q 'link/ether 02:11:22:33:44:55' &&"
		   " ip link show eth7 | grep -q 'mtu 1400' && ip link show eth7 | grep -q ',UP'");
	assert_string_equal(
		sh_output(inside, "ip -4 -o addr show dev eth7 | sed 's/.*inet //; s/scope.*//'"),
		"192.0.2.77/24 brd 192.0.2.255 \n198.51.100.1 peer 198.51.100.2/32 \n");
	if (sh_status(w.home, "test -e /proc/sys/net/ipv6") == 0) {
		sh(inside, "ip -6 -o addr show dev eth7 scope global | grep -q 2001:db8::7/64 &&"
			   " ip -6 -o addr show dev eth7 scope global | grep 2001:db8:1::7/128 |"
			   " grep -q noprefixroute");
		assert_string_equal(
			sh_output(inside, "ip -6 -o addr show dev eth7 scope global | wc -l"),
			"2\n");
	}
}

static void test_names(void **state)
{
	(void)state;
	move("d0", NULL, 0);
	sh(inside, "ip link show d0 | grep -q ',UP'");
	/* the first free number, also where the host has that name */
	sh(w.home, "ip link add d0 type veth peer name p1");
	sh(inside, "ip link add eth0 type veth peer name q0");
	move("d0", "eth%d", 0);
	sh(inside, "ip link show eth1");
	/* the two ends of a pair may meet */
	sh(w.home, "ip link add v0 type veth peer name v1");
	move("v0", "x0", 0);
	move("v1", NULL, 0);
	sh(inside, "ip link show x0 | grep -q v1");
}

static void test_errors(void **state)
{
	(void)state;
	move("nosuch0", NULL, -ENODEV);
	sh(inside, "ip link add eth0 type veth peer name q0");
	sh(w.home, "ip addr add 192.0.2.77/24 dev d0 && ip link set d0 up");
	move("d0", "eth0", -EEXIST);
	move("d0", "a-name-that-is-too-long", -EINVAL);
	/* nothing was changed */
	sh(w.home, "ip addr show dev d0 | grep -q 192.0.2.77/24");
	move("lo", NULL, -EEXIST);
	move("lo", "lo2", -EINVAL);
	sh(w.home, "ip link show lo");
}

/* What can't be finished is put back. */
static void test_put_back(void **state)
{
	(void)state;
	if (sh_status(w.home, "ip -6 addr add 2001:db8::7/64 nodad dev d0 2>/dev/null") != 0)
		skip();
	sh(inside, "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
	move("d0", "eth7", -EACCES);
	sh(w.home, "ip link show d0 | grep -q 02:11:22:33:44:55");
	assert_int_not_equal(sh_status(inside, "ip link show eth7 2>/dev/null"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_keeps, fresh),
		cmocka_unit_test_setup(test_names, fresh),
		cmocka_unit_test_setup(test_errors, fresh),
		cmocka_unit_test_setup(test_put_back, fresh),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
