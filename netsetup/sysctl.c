/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sysctls of the host's side, written when a network is made, not at a start. Paths are opened
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

#define SYSCTL_PATH_MAX 128

struct sysctl {
	const char *family, *key, *value;
};

static const struct sysctl sysctl_network[] = {
	{ "ipv6", "accept_ra", "0" }, /* row 70: the default of a new bridge is 1 */
	{ "ipv6", "autoconf", "0" },	     { "ipv4", "accept_redirects", "0" },
	{ "ipv6", "accept_redirects", "0" }, { "ipv4", "rp_filter", "1" },
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

/* One line, without its end. A file that is not there is an empty one. */
static int sysctl_read(int proc, const char *path, char *ret, size_t n, struct err *e)
{
	CLEANUP_FD int fd = path_open_beneath(proc, path, O_RDONLY, 0);
	ssize_t got;

	ret[0] = '\0';
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return err_ret(e, fd, "open /proc/%s", path);
	got = read(fd, ret, n - 1);
	if (got < 0)
		return err_sys(e, "read /proc/%s", path);
	ret[got] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

static int sysctl_path(const char *family, const char *interface, const char *key,
		       char ret[static SYSCTL_PATH_MAX], struct err *e)
{
	int r;

	/* The kernel forbids '/' in names, and "." and ".."; so must we. */
	if (strchr(interface, '/') || interface[0] == '.' || interface[0] == '\0')
		return err_set(e, EINVAL, "interface name \"%s\" is not usable", interface);
	r = str_format(ret, SYSCTL_PATH_MAX, "sys/net/%s/conf/%s/%s", family, interface, key);
	return r < 0 ? err_ret(e, r, "sysctl of interface %s", interface) : 0;
}

static int sysctl_set(int proc, const char *family, const char *interface, const char *key,
		      const char *value, struct err *e)
{
	char path[SYSCTL_PATH_MAX];
	int r = sysctl_path(family, interface, key, path, e);

	return r < 0 ? r : sysctl_write(proc, path, value, e);
}

/* The administrator has turned IPv6 off, for all interfaces or for those to come. */
static int sysctl_inet6_is_off(int proc, struct err *e)
{
	static const char *const paths[] = { "sys/net/ipv6/conf/all/disable_ipv6",
					     "sys/net/ipv6/conf/default/disable_ipv6" };
	char value[16];

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		int r = sysctl_read(proc, paths[i], value, sizeof(value), e);

		if (r < 0)
			return r;
		if (!str_eq(value, "0"))
			return 1;
	}
	return 0;
}

int sysctl_setup_network(const char *interface, bool inet6, struct err *e)
{
	CLEANUP_FD int proc = sysctl_open_proc(e);
	size_t i;
	int off, r = 0;

	if (proc < 0)
		return proc;
	for (i = 0; r >= 0 && i < ARRAY_SIZE(sysctl_network); i++)
		r = sysctl_set(proc, sysctl_network[i].family, interface, sysctl_network[i].key,
			       sysctl_network[i].value, e);
	off = r < 0 ? r : sysctl_inet6_is_off(proc, e);
	if (off < 0)
		return off;
	/* Row 75: without IPv6 no address of it that could be talked to. */
	return sysctl_set(proc, "ipv6", interface, "disable_ipv6", inet6 && !off ? "0" : "1", e);
}

int sysctl_inet6_usable(struct err *e)
{
	CLEANUP_FD int proc = sysctl_open_proc(e);
	CLEANUP_FD int fd = -EBADF;
	int off;

	if (proc < 0)
		return proc;
	fd = path_open_beneath(proc, "sys/net/ipv6", O_PATH | O_DIRECTORY, 0);
	if (fd == -ENOENT)
		return 0;
	off = fd < 0 ? err_ret(e, fd, "open /proc/sys/net/ipv6") : sysctl_inet6_is_off(proc, e);
	return off < 0 ? off : !off;
}

int sysctl_ignore_advertisements(const char *interface, struct err *e)
{
	CLEANUP_FD int proc = sysctl_open_proc(e);

	return proc < 0 ? proc : sysctl_set(proc, "ipv6", interface, "accept_ra", "0", e);
}

void sysctl_no_inet6(const char *interface)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int proc = sysctl_open_proc(&ignored);

	if (proc >= 0)
		(void)sysctl_set(proc, "ipv6", interface, "disable_ipv6", "1", &ignored);
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

int sysctl_forward4(struct err *e)
{
	CLEANUP_FD int proc = sysctl_open_proc(e);

	return proc < 0 ? proc : sysctl_write(proc, "sys/net/ipv4/ip_forward", "1", e);
}

int sysctl_forward6(const struct link_state *links, size_t n, struct err *e)
{
	CLEANUP_FD int proc = sysctl_open_proc(e);
	size_t i;
	int r = proc;

	for (i = 0; r >= 0 && i < n; i++)
		if (links[i].group != NET_GROUP && links[i].inet6 && links[i].accept_ra == 1 &&
		    !links[i].forwarding6)
			r = sysctl_set(proc, "ipv6", links[i].name, "accept_ra", "2", e);
	return r < 0 ? r : sysctl_write(proc, "sys/net/ipv6/conf/all/forwarding", "1", e);
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
