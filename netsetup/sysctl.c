/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sysctls of the host's side, written when the bridge is made, never at a start. Paths are opened
 * beneath a handle that was checked to be procfs, without symlinks.
 *
 * route_localnet is not here: it would let neighbours reach what listens on 127.0.0.1 (row 72).
 */
#include "netsetup/sysctl_priv.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"

struct sysctl {
	const char *family, *key, *value;
};

static const struct sysctl sysctl_bridge[] = {
	{ "ipv6", "accept_ra", "0" }, /* row 70: the default of a new bridge is 1 */
	{ "ipv6", "autoconf", "0" },
	{ "ipv6", "disable_ipv6", "1" }, /* row 75: no fe80:: address of the host to talk to */
	{ "ipv4", "accept_redirects", "0" },
	{ "ipv4", "rp_filter", "1" },
};

static int sysctl_open_proc(struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct statfs st;

	fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open /proc");
	if (fstatfs(fd, &st) < 0)
		return err_sys(e, "statfs /proc");
	if (st.f_type != PROC_SUPER_MAGIC)
		return err_set(e, EINVAL, "/proc is not a proc file system");
	return TAKE_FD(fd);
}

static int sysctl_write(int proc, const char *path, const char *value, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;

	fd = path_open_beneath(proc, path, O_WRONLY, 0);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return err_ret(e, fd, "open /proc/%s", path);
	if (write(fd, value, strlen(value)) < 0)
		return err_sys(e, "write %s to /proc/%s", value, path);
	return 0;
}

int sysctl_setup_bridge(const char *interface, struct err *e)
{
	CLEANUP_FD int proc = -EBADF;
	char path[128];
	size_t i;
	int r;

	/* The kernel forbids '/' in names, and "." and ".."; so must we. */
	if (strchr(interface, '/') || interface[0] == '.' || interface[0] == '\0')
		return err_set(e, EINVAL, "interface name \"%s\" is not usable", interface);
	proc = sysctl_open_proc(e);
	if (proc < 0)
		return proc;
	for (i = 0; i < ARRAY_SIZE(sysctl_bridge); i++) {
		r = str_format(path, sizeof(path), "sys/net/%s/conf/%s/%s", sysctl_bridge[i].family,
			       interface, sysctl_bridge[i].key);
		if (r < 0)
			return err_ret(e, r, "sysctl of interface %s", interface);
		r = sysctl_write(proc, path, sysctl_bridge[i].value, e);
		if (r < 0)
			return r;
	}
	return 0;
}

bool sysctl_bridge_filter(void)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int proc = sysctl_open_proc(&ignored);
	CLEANUP_FD int fd = -EBADF;
	char value = '0';

	if (proc >= 0)
		fd = path_open_beneath(proc, "sys/net/bridge/bridge-nf-call-iptables", O_RDONLY, 0);
	return fd >= 0 && read(fd, &value, 1) == 1 && value != '0';
}

int sysctl_forward(struct err *e)
{
	CLEANUP_FD int proc = sysctl_open_proc(e);

	return proc < 0 ? proc : sysctl_write(proc, "sys/net/ipv4/ip_forward", "1", e);
}

int netns_enter(int netns_fd, const struct nl *anchor, int *ret_home, struct err *e)
{
	CLEANUP_FD int home = ioctl(anchor->fd, SIOCGSKNS);

	if (home < 0)
		return err_sys(e, "open own network namespace");
	if (sys_setns(netns_fd, CLONE_NEWNET) < 0)
		return err_sys(e, "enter the instance's network namespace");
	*ret_home = TAKE_FD(home);
	return 0;
}

void netns_leave(int *home)
{
	if (*home < 0)
		return;
	if (sys_setns(*home, CLONE_NEWNET) < 0)
		abort();
	fd_reset(home);
}
