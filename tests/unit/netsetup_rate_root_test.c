/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates of both directions, by the kernel's own counts: what is more than rate, burst and queue is
 * dropped, and what is not arrives. */
#include "netsetup_fixture.h"

#define MEGABIT 1000000ull
#define DATAGRAMS 400
#define DATAGRAM_BYTES 1400

static int setup(void **state)
{
	(void)world_make(state);
	ensure(1);
	(void)instance_new(0);
	return 0;
}

static int teardown(void **state)
{
	struct instance *a = &w.instances[0];

	detach(a);
	fd_reset(&a->netns);
	wait_no_veth();
	*a = (struct instance){ .netns = -EBADF };
	assert_string_equal(sh_output(w.home, "ip -o link | grep -v ' lo:\\| up0\\| jail0:'; true"),
			    "");
	return world_drop(state);
}

#define RATE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define A (&w.instances[0])

static const char *shaper(void)
{
	static char name[16];

	net_shaper_name_of(A->id, 0, name);
	return name;
}

/* "rate 1Mbit burst 64Kb": what the bucket of an interface is; "" without. */
static const char *bucket(const char *interface)
{
	char command[256];

	(void)snprintf(command, sizeof(command),
		       "tc qdisc show dev %s root 2>/dev/null | grep tbf | "
		       "sed 's/.* \\(rate [^ ]* burst [^ ]*\\) .*/\\1/'",
		       interface);
	return sh_output(w.home, command);
}

/* A number of the bucket's statistics: "pkt", "dropped". */
static unsigned count(const char *interface, const char *what)
{
	const char *pattern = str_eq(what, "pkt") ? "\\([0-9]*\\) pkt" : "dropped \\([0-9]*\\)";
	char command[256];
	unsigned n = 0;

	(void)snprintf(command, sizeof(command),
		       "tc -s qdisc show dev %s root | sed -n 's/.*Sent.*[ (]%s.*/\\1/p'",
		       interface, pattern);
	for (const char *c = sh_output(w.home, command); *c >= '0' && *c <= '9'; c++)
		n = 10 * n + (unsigned)(*c - '0');
	return n;
}

static void change(const struct net_rate *ingress, const struct net_rate *egress)
{
	struct instance to = *A;
	struct net_plan from_plan = plan_of(A), to_plan;
	struct err e = ERR_INIT;

	to.interfaces[0].ingress = *ingress;
	to.interfaces[0].egress = *egress;
	to_plan = plan_of(&to);
	if (net_change(&from_plan, &to_plan, A->netns, &A->at, &e) < 0)
		fail_msg("%s", e.text);
	memcpy(A->interfaces, to.interfaces, sizeof(to.interfaces));
}

static void flood(int from, const char *to)
{
	static const char text[DATAGRAM_BYTES];
	struct address a = at_port(to, 7000);
	int fd = socket_in(from, a.family, SOCK_DGRAM, 0), size = 4 << 20;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)), 0);
	for (unsigned i = 0; i < DATAGRAMS; i++)
		assert_int_equal(sendto(fd, text, sizeof(text), 0, sa(&a), a.n), sizeof(text));
	(void)close(fd);
}

/* Each datagram is sent or dropped, after the queue has emptied. */
static unsigned dropped_of(const char *interface)
{
	for (int tries = 0; tries < 1000; tries++) {
		unsigned dropped = count(interface, "dropped");

		if (count(interface, "pkt") + dropped >= DATAGRAMS)
			return dropped;
		(void)usleep(10000);
	}
	fail_msg("%s: %u sent, %u dropped", interface, count(interface, "pkt"),
		 count(interface, "dropped"));
	return 0;
}

static void test_sending(void **state)
{
	(void)state;
	A->interfaces[0].egress.bits_per_second = 1 * MEGABIT;
	attach(A);
	assert_string_equal(bucket(shaper()), "rate 1Mbit burst 64Kb\n");
	assert_string_equal(bucket(host_interface(A)), "");
	sh(w.home, "ip link show %s | grep -q 'alias jail:web0'", shaper());
	flood(A->netns, OUTSIDE_ADDRESS);
	assert_in_range(dropped_of(shaper()), 1, DATAGRAMS - 1);
	/* Without it: */
	change(&(struct net_rate){ .bits_per_second = 0 },
	       &(struct net_rate){ .bits_per_second = 0 });
	assert_int_not_equal(sh_status(w.home, "ip link show %s 2>/dev/null", shaper()), 0);
	assert_string_equal(sh_output(w.home, "tc qdisc | grep 'clsact\\|tbf'; true"), "");
	assert_true(ping(A->netns, OUTSIDE_ADDRESS, WAIT_MS));
	/* Enough for all: */
	change(&(struct net_rate){ .bits_per_second = 0 },
	       &(struct net_rate){ .bits_per_second = 1 * MEGABIT, .burst_bytes = 1 << 20 });
	flood(A->netns, OUTSIDE_ADDRESS6);
	assert_int_equal(dropped_of(shaper()), 0);
}

static void test_receiving(void **state)
{
	(void)state;
	for (int routed = 0; routed < 2; routed++) {
		(void)instance_new(0);
		A->interfaces[0].routed = routed;
		A->interfaces[0].ingress.bits_per_second = 1 * MEGABIT;
		attach(A);
		assert_string_equal(bucket(host_interface(A)), "rate 1Mbit burst 64Kb\n");
		assert_int_not_equal(sh_status(w.home, "ip link show %s 2>/dev/null", shaper()), 0);
		flood(w.home, routed ? "fd88::2" : "10.88.0.2");
		assert_in_range(dropped_of(host_interface(A)), 1, DATAGRAMS - 1);
		detach(A);
		wait_no_link(host_interface(A));
	}
	attach(A);
}

/* What the kernel has put together is more than a bucket holds, and passes in parts. */
static void transfer(int from, int to, const char *address, size_t n)
{
	int listener = bound(to, SOCK_STREAM, "0.0.0.0", 7000), client, server;
	static char data[1 << 16];
	size_t sent = 0, got = 0;

	client = tcp_connect(from, address, 7000, WAIT_MS);
	assert_true(client >= 0);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(server >= 0);
	while (got < n) {
		struct pollfd p[2] = { { .fd = server, .events = POLLIN },
				       { .fd = client, .events = sent < n ? POLLOUT : 0 } };
		ssize_t r;

		assert_true(poll(p, 2, 10000) > 0);
		if (p[1].revents & POLLOUT) {
			r = send(client, data, n - sent < sizeof(data) ? n - sent : sizeof(data),
				 MSG_DONTWAIT);
			assert_true(r > 0);
			sent += (size_t)r;
		}
		if (p[0].revents & POLLIN) {
			r = recv(server, data, sizeof(data), MSG_DONTWAIT);
			assert_true(r > 0);
			got += (size_t)r;
		}
	}
	(void)close(client);
	(void)close(server);
	(void)close(listener);
}

static void test_large_packets(void **state)
{
	const struct net_rate small = { .bits_per_second = 100 * MEGABIT, .burst_bytes = 2000 };
	const struct net_rate slow = { .bits_per_second = 1 * MEGABIT };

	(void)state;
	add_port(A, "7000:7000");
	A->interfaces[0].ingress = A->interfaces[0].egress = small;
	attach(A);
	transfer(A->netns, w.outside, OUTSIDE_ADDRESS, 1 << 20);
	transfer(w.outside, A->netns, HOST_ADDRESS, 1 << 20);
	change(&slow, &slow);
	transfer(A->netns, w.outside, OUTSIDE_ADDRESS, 200000);
	transfer(w.outside, A->netns, HOST_ADDRESS, 200000);
}

static void test_change(void **state)
{
	const struct net_rate none = { .bits_per_second = 0 };
	/* More than 32 bits of bytes hold. */
	const struct net_rate fast = { .bits_per_second = 100000 * MEGABIT };
	const struct net_rate medium = { .bits_per_second = 100 * MEGABIT, .burst_bytes = 1 << 20 };
	unsigned index;

	(void)state;
	attach(A);
	change(&fast, &none);
	assert_true(str_starts(bucket(host_interface(A)),
			       "rate 100Gbit burst 124")); /* in ticks of 64 ns */
	assert_string_equal(bucket(shaper()), "");
	change(&fast, &fast);
	assert_true(str_starts(bucket(shaper()), "rate 100Gbit burst 124")); /* in ticks of 64 ns */
	assert_true(ping(A->netns, OUTSIDE_ADDRESS, WAIT_MS));
	index = if_nametoindex(shaper());
	change(&medium, &medium);
	/* In place: no packet is lost for it. */
	assert_int_equal(if_nametoindex(shaper()), index);
	assert_string_equal(bucket(host_interface(A)), "rate 100Mbit burst 1024Kb\n");
	assert_string_equal(bucket(shaper()), "rate 100Mbit burst 1024Kb\n");
	change(&none, &medium);
	assert_string_equal(bucket(host_interface(A)), "");
	assert_string_equal(bucket(shaper()), "rate 100Mbit burst 1024Kb\n");
	assert_true(ping(A->netns, OUTSIDE_ADDRESS6, WAIT_MS));
	change(&none, &none);
	assert_string_equal(bucket(shaper()), "");
	assert_int_equal(if_nametoindex(shaper()), 0);
	assert_true(ping(A->netns, OUTSIDE_ADDRESS6, WAIT_MS));
}

/* What the instance sends is still its own alone, and known by its port. */
static void test_guarded(void **state)
{
	int sink = bound(w.outside, SOCK_DGRAM, "0.0.0.0", 7000);
	uint8_t mac[6];

	(void)state;
	A->interfaces[0].egress.bits_per_second = 100 * MEGABIT;
	attach(A);
	mac_of(A, mac);
	send_udp_from(A->netns, mac, "10.88.0.2", OUTSIDE_ADDRESS, 7000);
	assert_true(arrives(sink, WAIT_MS));
	send_udp_from(A->netns, mac, "10.88.0.3", OUTSIDE_ADDRESS, 7000);
	mac[5] ^= 1;
	send_udp_from(A->netns, mac, "10.88.0.2", OUTSIDE_ADDRESS, 7000);
	assert_false(arrives(sink, WAIT_BLOCKED_MS));
	(void)close(sink);
}

static void test_refused(void **state)
{
	struct net_rate tiny = { .bits_per_second = 1 * MEGABIT, .burst_bytes = 1000 };
	struct instance to;
	struct net_plan from_plan, to_plan;
	struct err e = ERR_INIT;

	(void)state;
	attach(A);
	to = *A;
	to.interfaces[0].ingress.bits_per_second = 1 * MEGABIT;
	to.interfaces[0].egress = tiny;
	from_plan = plan_of(A);
	to_plan = plan_of(&to);
	assert_int_equal(net_change(&from_plan, &to_plan, A->netns, &A->at, &e), -EINVAL);
	assert_non_null(strstr(e.text, "egress: burst of 1000 bytes is less than one packet"));
	assert_string_equal(bucket(host_interface(A)), "");
	assert_true(ping(A->netns, OUTSIDE_ADDRESS, WAIT_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RATE_TEST(test_sending),       RATE_TEST(test_receiving), RATE_TEST(test_change),
		RATE_TEST(test_large_packets), RATE_TEST(test_guarded),	  RATE_TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
