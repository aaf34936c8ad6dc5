/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow end of a detach, in a child that nobody waits for. Measured on Linux 6.18:
 *
 *   - closing a netfilter socket while deleted elements wait for their RCU grace period: 7 to 12 ms
 *     (nft_rcv_nl_event flushes the work queue, whoever closes);
 *   - deleting a link: 10 to 20 ms (rcu_barrier). Most often the veth goes with the namespace, but
 *     a TCP connection that was open keeps the namespace for minutes after the last process.
 *
 * Both are only waiting: the elements are out of use when the transaction returns. So a child takes
 * the two sockets and waits in our place. It has no other fd, so it holds no lock of ours; it sends
 * no signal when it ends, so the caller's own children are not confused with it; and if it is
 * killed, net_gc finds the links. It knows them by index: their names may be those of the next life
 * by the time it comes to them.
 */
#include "netsetup/sweep_priv.h"

#include <sys/wait.h>

#include "base/sys.h"
#include "netsetup/link_priv.h"

#define SWEEP_CHILDREN 16

/* Those that are still to be waited for, in the order in which they were started. */
static pid_t sweep_children[SWEEP_CHILDREN];
static unsigned sweep_n;

static void sweep_reap(void)
{
	unsigned i, kept = 0;

	for (i = 0; i < sweep_n; i++) {
		/* The oldest, when there is no room for another, is waited for. */
		int flags = sweep_n == SWEEP_CHILDREN && i == 0 ? 0 : WNOHANG;

		if (waitpid(sweep_children[i], NULL, __WALL | flags) == 0)
			sweep_children[kept++] = sweep_children[i];
	}
	sweep_n = kept;
}

static void sweep_delete(struct nl *route, const unsigned *links, size_t n)
{
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		(void)link_delete(route, links[i], &ignored);
}

static NORETURN void sweep_child(struct nl *route, struct nl *nft, const unsigned *links, size_t n)
{
	unsigned low = (unsigned)(route->fd < nft->fd ? route->fd : nft->fd);
	unsigned high = (unsigned)(route->fd < nft->fd ? nft->fd : route->fd);

	if (low > 0)
		(void)sys_close_range(0, low - 1, 0);
	if (high > low + 1)
		(void)sys_close_range(low + 1, high - 1, 0);
	(void)sys_close_range(high + 1, ~0U, 0);
	sweep_delete(route, links, n);
	_exit(0);
}

void sweep_start(struct nl *route, struct nl *nft, const unsigned *links, size_t n)
{
	struct clone_args args = { .exit_signal = 0 };
	pid_t pid;

	sweep_reap();
	pid = sys_clone3(&args);
	if (pid == 0)
		sweep_child(route, nft, links, n);
	if (pid > 0)
		sweep_children[sweep_n++] = pid;
	else
		sweep_delete(route, links, n);
	nl_close(route);
	nl_close(nft);
}
