/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities: names, the default set, and the sets of the calling process by raw system calls
 * (libcap allocates, and this runs between clone3 and exec).
 *
 * The default set is that of the OCI default profiles (14 capabilities), reviewed: what reaches
 * past the instance's own files, processes and ids is out. The table says for each capability why.
 */
#include <ctype.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/str.h"
#include "runtime/creds_priv.h"

enum by_default {
	OUT, /* only when the spec lists it */
	NEST, /* with security.nesting, which asks for the rights of container engines */
	SYS, /* of whole systems, which have a user namespace of their own in any case */
	IN,
};

static const struct {
	const char *name;
	enum by_default by_default;
} capabilities[] = {
	/* Root's rights over the instance's own files: package managers, useradd, tar -p. */
	[CAP_CHOWN] = { "CAP_CHOWN", IN },
	[CAP_DAC_OVERRIDE] = { "CAP_DAC_OVERRIDE", IN },
	/* Opens files by handle, past the mount namespace (row 32, "shocker"). */
	[CAP_DAC_READ_SEARCH] = { "CAP_DAC_READ_SEARCH", OUT },
	[CAP_FOWNER] = { "CAP_FOWNER", IN },
	[CAP_FSETID] = { "CAP_FSETID", IN },
	/* Only processes of the own pid namespace are there to be signalled. */
	[CAP_KILL] = { "CAP_KILL", IN },
	/* Becoming another user: login, su, sudo, every daemon that drops root. */
	[CAP_SETGID] = { "CAP_SETGID", IN },
	[CAP_SETUID] = { "CAP_SETUID", IN },
	/* Daemons shrink their own bounding set with it; it can't grow one. */
	[CAP_SETPCAP] = { "CAP_SETPCAP", IN },
	[CAP_LINUX_IMMUTABLE] = { "CAP_LINUX_IMMUTABLE", OUT }, /* files that gc can't remove */
	/* Ports below 1024 of the own network namespace. */
	[CAP_NET_BIND_SERVICE] = { "CAP_NET_BIND_SERVICE", IN },
	[CAP_NET_BROADCAST] = { "CAP_NET_BROADCAST", OUT },
	/* Firewall, routes, tunnels: half of the kernel's privilege escalations (row 55). */
	[CAP_NET_ADMIN] = { "CAP_NET_ADMIN", NEST },
	/* Forged frames on a shared bridge: router advertisements, ARP, DHCP (rows 57, 70, 71).
	 * ping works without it, by ICMP sockets (net.ipv4.ping_group_range). */
	[CAP_NET_RAW] = { "CAP_NET_RAW", NEST },
	[CAP_IPC_LOCK] = { "CAP_IPC_LOCK", OUT },
	[CAP_IPC_OWNER] = { "CAP_IPC_OWNER", SYS },
	[CAP_SYS_MODULE] = { "CAP_SYS_MODULE", OUT },
	[CAP_SYS_RAWIO] = { "CAP_SYS_RAWIO", OUT },
	/* sshd, apt, mock, chrooted daemons. The root is a pivoted one: leaving a chroot leads to
	 * the instance's own root (row 29). */
	[CAP_SYS_CHROOT] = { "CAP_SYS_CHROOT", IN },
	/* Stalks a joining process (row 3), but for one that comes from the host into a user
	 * namespace of its own. Engines join the namespaces of processes that nobody may trace. */
	[CAP_SYS_PTRACE] = { "CAP_SYS_PTRACE", NEST },
	[CAP_SYS_PACCT] = { "CAP_SYS_PACCT", OUT },
	/* Mounts, namespaces (rows 30, 55). An init mounts and makes namespaces for its services;
	 * the runtime's own mounts are locked before it runs (namespaces/lock.h). */
	[CAP_SYS_ADMIN] = { "CAP_SYS_ADMIN", SYS },
	[CAP_SYS_BOOT] = { "CAP_SYS_BOOT", SYS }, /* reboot(2) of the own pid namespace */
	/* Counts in the initial user namespace, but for weaker rights over own processes. */
	[CAP_SYS_NICE] = { "CAP_SYS_NICE", SYS },
	/* Past quotas and hard limits: rlimits of services; counts in the initial user namespace
	 * only, where it matters. */
	[CAP_SYS_RESOURCE] = { "CAP_SYS_RESOURCE", SYS },
	[CAP_SYS_TIME] = { "CAP_SYS_TIME", OUT },
	/* vhangup(2), by which a getty takes the console. */
	[CAP_SYS_TTY_CONFIG] = { "CAP_SYS_TTY_CONFIG", SYS },
	/* Device nodes (row 31). In the OCI default; /dev is made by the runtime here. */
	[CAP_MKNOD] = { "CAP_MKNOD", NEST },
	[CAP_LEASE] = { "CAP_LEASE", SYS },
	/* Programs keep it when they drop to a list (sshd, dbus). The default filter closes audit's
	 * netlink family, so that no record is forged in the host's log. */
	[CAP_AUDIT_WRITE] = { "CAP_AUDIT_WRITE", IN },
	[CAP_AUDIT_CONTROL] = { "CAP_AUDIT_CONTROL", OUT },
	/* File capabilities of packages (dpkg's postinst of iputils-ping). What they grant is cut
	 * by the bounding set, and holds in this user namespace only. */
	[CAP_SETFCAP] = { "CAP_SETFCAP", IN },
	[CAP_MAC_OVERRIDE] = { "CAP_MAC_OVERRIDE", OUT },
	[CAP_MAC_ADMIN] = { "CAP_MAC_ADMIN", OUT },
	[CAP_SYSLOG] = { "CAP_SYSLOG", OUT },
	[CAP_WAKE_ALARM] = { "CAP_WAKE_ALARM", OUT },
	[CAP_BLOCK_SUSPEND] = { "CAP_BLOCK_SUSPEND", OUT },
	[CAP_AUDIT_READ] = { "CAP_AUDIT_READ", OUT },
	[CAP_PERFMON] = { "CAP_PERFMON", OUT },
	[CAP_BPF] = { "CAP_BPF", OUT },
	[CAP_CHECKPOINT_RESTORE] = { "CAP_CHECKPOINT_RESTORE", OUT },
};

static uint64_t caps_from(enum by_default least)
{
	uint64_t set = 0;

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (capabilities[i].by_default >= least)
			set |= CAP_BIT(i);
	return set;
}

uint64_t creds_default_capabilities(void)
{
	return caps_from(IN);
}

uint64_t creds_system_capabilities(void)
{
	return caps_from(SYS);
}

uint64_t creds_nesting_capabilities(void)
{
	return caps_from(NEST);
}

int creds_capability_parse(const char *name)
{
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (strcasecmp(name, capabilities[i].name + 4) == 0)
			return (int)i;
	return -ENOENT;
}

const char *creds_capability_name(int number)
{
	if (number < 0 || (size_t)number >= ARRAY_SIZE(capabilities))
		return NULL;
	return capabilities[number].name;
}

/* prctl and not /proc/sys/kernel/cap_last_cap: no file, and true in every environment. */
uint64_t creds_capabilities_known(void)
{
	uint64_t set = 0;

	for (unsigned long i = 0; i < 64 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		set |= CAP_BIT(i);
	return set;
}

uint64_t cap_bounding(void)
{
	uint64_t set = 0;
	int r;

	for (unsigned long i = 0; i < 64; i++) {
		r = prctl(PR_CAPBSET_READ, i, 0, 0, 0);
		if (r < 0)
			break;
		if (r > 0)
			set |= CAP_BIT(i);
	}
	return set;
}

uint64_t cap_ambient(void)
{
	uint64_t set = 0;
	int r;

	for (unsigned long i = 0; i < 64; i++) {
		r = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0);
		if (r < 0)
			break;
		if (r > 0)
			set |= CAP_BIT(i);
	}
	return set;
}

static uint64_t join_words(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

int cap_sets_get(struct cap_sets *ret)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	*ret = (struct cap_sets){
		.permitted = join_words(data[0].permitted, data[1].permitted),
		.effective = join_words(data[0].effective, data[1].effective),
		.inheritable = join_words(data[0].inheritable, data[1].inheritable),
	};
	return 0;
}

int cap_sets_set(const struct cap_sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int word = 0; word < 2; word++)
		data[word] = (struct __user_cap_data_struct){
			.permitted = (uint32_t)(sets->permitted >> 32 * word),
			.effective = (uint32_t)(sets->effective >> 32 * word),
			.inheritable = (uint32_t)(sets->inheritable >> 32 * word),
		};
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

const char *cap_format(uint64_t set, char *buf, size_t n)
{
	size_t len = 0;
	const char *name;
	int r;

	(void)snprintf(buf, n, "none");
	for (int i = 0; i < 64; i++) {
		if (!(set & CAP_BIT(i)))
			continue;
		name = creds_capability_name(i);
		r = name ? snprintf(buf + len, n - len, "%s%s", len ? ", " : "", name)
			 : snprintf(buf + len, n - len, "%s%d", len ? ", " : "", i);
		if (r < 0 || (size_t)r >= n - len) {
			(void)snprintf(buf + n - 4, 4, "...");
			break;
		}
		len += (size_t)r;
	}
	return buf;
}

/* Takes what is outside of `allowed` out of *set. */
static void leave_out(const char *name, uint64_t allowed, const char *why, uint64_t *set)
{
	char names[256];

	if (*set & ~allowed)
		warn("process.capabilities.%s: left out, because %s: %s", name, why,
		     cap_format(*set & ~allowed, names, sizeof(names)));
	*set &= allowed;
}

/* The rules are those of capset(2) and of PR_CAP_AMBIENT_RAISE, which would refuse the whole set.
 */
static void grantable_sets(const struct creds_sets *sets, const struct cap_sets *own,
			   struct creds_final *ret)
{
	static const char lacking[] = "the runtime itself hasn't them";
	struct creds_final f = {
		.bounding = sets->bounding,
		.ambient = sets->ambient,
		.sets = { .permitted = sets->permitted,
			  .effective = sets->effective,
			  .inheritable = sets->inheritable },
	};

	leave_out("bounding", cap_bounding(), lacking, &f.bounding);
	leave_out("permitted", own->permitted, lacking, &f.sets.permitted);
	leave_out("effective", f.sets.permitted, "they are not permitted", &f.sets.effective);
	leave_out("inheritable", own->permitted | own->inheritable, lacking, &f.sets.inheritable);
	leave_out("inheritable", f.bounding | own->inheritable, "they are not in the bounding set",
		  &f.sets.inheritable);
	leave_out("ambient", f.sets.permitted & f.sets.inheritable,
		  "they are not both permitted and inheritable", &f.ambient);
	*ret = f;
}

int creds_final_sets(const struct creds *c, struct creds_final *ret, struct err *e)
{
	uint64_t own = c->user.uid == 0 ? c->capabilities : 0;
	struct cap_sets now = { 0 };
	int r;

	if (!c->sets) {
		*ret = (struct creds_final){
			.bounding = c->capabilities,
			.sets = { .permitted = own, .effective = own },
		};
		return 0;
	}
	r = cap_sets_get(&now);
	if (r < 0)
		return err_ret(e, r, "read capabilities");
	grantable_sets(c->sets, &now, ret);
	return 0;
}
