/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One netfilter socket for a whole start. Closing such a socket waits for an RCU grace period while
 * deleted elements of anybody are pending (nft_rcv_nl_event flushes the work queue: 2 to 15 ms on a
 * host where instances come and go), and a start would close two. So the launcher keeps the one
 * that it opened, jail-monitor inherits it as an fd that it never looks at, and the teardown at the
 * end uses it and lets its child close it (sweep.c).
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include "netsetup/network.h"
#include "netsetup/nft_priv.h"

static struct nl kept = { .fd = -EBADF };
static pid_t kept_by; /* a fork must not speak on its parent's socket */
static ino_t kept_in; /* network namespace that it belongs to */

static ino_t current_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) < 0 ? 0 : st.st_ino;
}

/* Forgets a socket that is not this process's or not of this namespace. */
static void check_kept(void)
{
	if (kept.fd >= 0 && (kept_by != getpid() || kept_in != current_namespace()))
		nl_close(&kept);
}

int nft_socket(struct nl **ret, struct err *e)
{
	int r = 0;

	check_kept();
	if (kept.fd < 0) {
		r = nl_open(NETLINK_NETFILTER, &kept, e);
		kept_by = getpid();
		kept_in = current_namespace();
	}
	*ret = &kept;
	return r;
}

int nft_socket_take(struct nl *ret, struct err *e)
{
	check_kept();
	if (kept.fd < 0)
		return nl_open(NETLINK_NETFILTER, ret, e);
	*ret = kept;
	kept.fd = -EBADF;
	return 0;
}

int net_socket_take(void)
{
	check_kept();
	return TAKE_FD(kept.fd);
}

void net_socket_give(int fd)
{
	int type;
	socklen_t n = sizeof(type);

	nl_close(&kept);
	/* An instance without this network hands on /dev/null. */
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0) {
		fd_reset(&fd);
		return;
	}
	/* Numbers of requests that were answered long ago must not come again. */
	kept = (struct nl){ .fd = fd, .seq = (uint32_t)getpid() << 8 };
	kept_by = getpid();
	kept_in = current_namespace();
}
