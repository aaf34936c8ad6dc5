/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netpart RUNS: attaches an interface on the default network to a fresh network namespace
 * and detaches it, RUNS times, as a start and a stop do, in the network namespace it runs in.
 * Prints one line of JSON: median times and the number of netlink messages of one round. (Linked
 * with
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

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
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

int main(int argc, char **argv)
{
	struct net_network network = bench_network();
	struct net_interface interface = { .network = &network };
	struct jail_name name = { "netpart" };
	struct net_port ports[10];
	struct net_plan plan = { .instance = &name,
				 .id = "6e657470617274000000000000000000",
				 .tenant = "",
				 .interfaces = &interface,
				 .n_interfaces = 1,
				 .ports = ports,
				 .n_ports = 10 };
	struct err why = ERR_INIT;
	uint64_t runs = 50;
	double *attach = NULL, *detach = NULL;

	if (argc > 1 && num_parse_u64(argv[1], 1, 100000, &runs, &why) < 0)
		die(&why);
	attach = calloc(runs, sizeof(*attach));
	detach = calloc(runs, sizeof(*detach));
	if (!attach || !detach)
		return 1;
	for (uint16_t i = 0; i < 10; i++)
		ports[i] = (struct net_port){ .host_port = (uint16_t)(61000 + i),
					      .port = (uint16_t)(80 + i),
					      .count = 1,
					      .protocol = IPPROTO_TCP };
	(void)inet_pton(AF_INET, "10.88.255.250", &interface.address4);
	interface.address6 = network.subnet6;
	interface.address6.s6_addr[12] = 0xfe;
	for (size_t i = 0; i < runs; i++) {
		struct net_attachment a = { 0 };
		struct err e = ERR_INIT;
		pid_t pid;
		int ns = hold_namespace(&pid);
		double start = now_ms(), middle;

		messages = 0;
		if (net_host_ensure(&network, 1, &e) < 0 || net_attach(&plan, ns, &a, &e) < 0)
			die(&e);
		middle = now_ms();
		close(ns);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		attach[i] = middle - start;
		start = now_ms();
		if (net_detach(&plan, &a, &e) < 0)
			die(&e);
		detach[i] = now_ms() - start;
	}
	printf("{\"attach_ms\": %.4f, \"detach_ms\": %.4f, \"messages\": %u}\n",
	       median(attach, runs), median(detach, runs), messages);
	return 0;
}
