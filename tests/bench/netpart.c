/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpart RUNS [SIZE MODE]: attaches an interface on the default network to a fresh network
 * namespace and detaches it, RUNS times, as a start and a stop do, in the network namespace it runs
 * in. With SIZE there are so many others of its own beside, in MODE "bridge" or "routed". Prints
 * one line of JSON: median times and the number of netlink messages of one round. (Linked with
 * --wrap=send.)
 */
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <fcntl.h>

#include "base/num.h"
#include "base/str.h"
#include "netsetup/network.h"

ssize_t __real_send(int fd, const void *data, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t n, int flags);

static unsigned messages;

/* Every message of a buffer that goes to the kernel. */
ssize_t __wrap_send(int fd, const void *data, size_t n, int flags)
{
	const struct nlmsghdr *h = data;
	unsigned left = (unsigned)n;

	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
		messages++;
	return __real_send(fd, data, n, flags);
}

/* CLOCK_MONOTONIC, or what this process has used of the CPU: others don't show in that. */
static double now_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

/* A process that holds a namespace of its own; its fd. */
static int hold_namespace(pid_t *ret)
{
	char path[64], c;
	int up[2], fd;

	if (pipe(up) < 0)
		exit(1);
	*ret = fork();
	if (*ret == 0) {
		if (unshare(CLONE_NEWNET) < 0 || write(up[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(up[0], &c, 1) != 1)
		exit(1);
	close(up[0]);
	close(up[1]);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", *ret);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		exit(1);
	return fd;
}

static void die(const struct err *e)
{
	(void)fprintf(stderr, "netpart: %s\n", e->text);
	exit(1);
}

static struct net_network bench_network(void)
{
	struct net_network n = { .name = { "default" },
				 .interface = "jail0",
				 .prefix4 = 16,
				 .prefix6 = 64,
				 .isolated = true,
				 .nat = true };
	const char *gateway6 = getenv("GATEWAY6"), *subnet6 = getenv("SUBNET6");

	(void)inet_pton(AF_INET, "10.88.0.0", &n.subnet4);
	(void)inet_pton(AF_INET, "10.88.0.1", &n.gateway4);
	if (!gateway6 || !subnet6 || inet_pton(AF_INET6, gateway6, &n.gateway6) != 1 ||
	    inet_pton(AF_INET6, subnet6, &n.subnet6) != 1)
		exit(1);
	return n;
}

static void fill_plan(struct net_plan *plan, struct net_interface *interface,
		      struct net_network *network, struct net_port ports[static 10])
{
	*interface = (struct net_interface){ .network = network };
	*plan = (struct net_plan){ .tenant = "",
				   .interfaces = interface,
				   .n_interfaces = 1,
				   .ports = ports,
				   .n_ports = 10 };
}

/* The place of number n in the fleet; 0 is the one that is measured. */
static void place(struct net_plan *plan, struct net_interface *interface, struct net_port *ports,
		  struct jail_name *name, char id[static 33], unsigned n)
{
	(void)snprintf(name->s, sizeof(name->s), "netpart%u", n);
	(void)snprintf(id, 33, "%08x6e657470617274%010x", n, n);
	plan->instance = name;
	plan->id = id;
	/* The same number in both families, as leases have, and none that a lease would have. */
	interface->address4.s_addr = htonl(0x0a58fffau - n);
	interface->address6 = interface->network->subnet6;
	memcpy(interface->address6.s6_addr + 14, (uint8_t *)&interface->address4 + 2, 2);
	for (uint16_t i = 0; i < 10; i++)
		ports[i] = (struct net_port){ .host_port = (uint16_t)(31000 + n * 10 + i),
					      .port = (uint16_t)(80 + i),
					      .count = 1,
					      .protocol = IPPROTO_TCP };
}

static void end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* They stay as long as their namespaces are open here. */
static void make_fleet(struct net_network *network, unsigned size)
{
	struct net_interface interface;
	struct net_port ports[10];
	struct net_plan plan;
	struct jail_name name;
	struct err e = ERR_INIT;
	char id[33];

	fill_plan(&plan, &interface, network, ports);
	for (unsigned n = 1; n <= size; n++) {
		struct net_attachment a = { 0 };
		pid_t pid;
		int ns = hold_namespace(&pid);

		place(&plan, &interface, ports, &name, id, n);
		if (net_host_ensure(network, 1, &e) < 0 || net_attach(&plan, ns, &a, &e) < 0)
			die(&e);
		end_holder(pid);
	}
}

int main(int argc, char **argv)
{
	struct net_network network = bench_network();
	struct net_interface interface;
	struct jail_name name;
	struct net_port ports[10];
	struct net_plan plan;
	struct err why = ERR_INIT;
	uint64_t runs = 50, size = 0;
	double *attach = NULL, *attach_cpu, *detach, *detach_cpu;
	char id[33];

	if ((argc > 1 && num_parse_u64(argv[1], 1, 100000, &runs, &why) < 0) ||
	    (argc > 2 && num_parse_u64(argv[2], 0, 3400, &size, &why) < 0))
		die(&why);
	if (argc > 3 && str_eq(argv[3], "routed"))
		network.mode = NET_ROUTED;
	attach = calloc(4 * runs, sizeof(*attach));
	if (!attach)
		return 1;
	attach_cpu = attach + runs;
	detach = attach_cpu + runs;
	detach_cpu = detach + runs;
	make_fleet(&network, (unsigned)size);
	fill_plan(&plan, &interface, &network, ports);
	place(&plan, &interface, ports, &name, id, 0);
	for (size_t i = 0; i < runs; i++) {
		struct net_attachment a = { 0 };
		struct err e = ERR_INIT;
		pid_t pid;
		int ns = hold_namespace(&pid);
		double start = now_ms(CLOCK_MONOTONIC), cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID);

		messages = 0;
		if (net_host_ensure(&network, 1, &e) < 0 || net_attach(&plan, ns, &a, &e) < 0)
			die(&e);
		attach_cpu[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		attach[i] = now_ms(CLOCK_MONOTONIC) - start;
		close(ns);
		end_holder(pid);
		start = now_ms(CLOCK_MONOTONIC);
		cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID);
		if (net_detach(&plan, &a, &e) < 0)
			die(&e);
		detach_cpu[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		detach[i] = now_ms(CLOCK_MONOTONIC) - start;
	}
	printf("{\"attach_ms\": %.4f, \"attach_cpu_ms\": %.4f, \"detach_ms\": %.4f, "
	       "\"detach_cpu_ms\": %.4f, \"messages\": %u}\n",
	       median(attach, runs), median(attach_cpu, runs), median(detach, runs),
	       median(detach_cpu, runs), messages);
	return 0;
}
