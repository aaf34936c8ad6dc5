/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See confine.h. Compiled into each of the programs, with musl, without malloc and stdio. */
#include "cmd/tiny/confine.h"

#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "cmd/tiny/filter.h"

/* Not NO_SETUID_FIXUP: giving up uid 0 shall still empty the sets. */
#define SECUREBITS                                                                                 \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |                          \
	 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* <linux/landlock.h> of the kernels after the one that this is built with. */
#define LANDLOCK_VERSION 1u /* flag of landlock_create_ruleset */
#define LANDLOCK_PATH_BENEATH 1
#define LANDLOCK_FS_V1 ((UINT64_C(1) << 13) - 1)
#define LANDLOCK_FS_REFER (UINT64_C(1) << 13) /* 2 */
#define LANDLOCK_FS_IOCTL_DEV (UINT64_C(1) << 15) /* 5 */
#define LANDLOCK_NET_TCP UINT64_C(3) /* 4: bind, connect */
#define LANDLOCK_SCOPE_ABSTRACT UINT64_C(1) /* 6 */

struct landlock_ruleset {
	uint64_t fs, net, scoped;
};
struct landlock_path {
	uint64_t rights;
	int32_t fd;
} __attribute__((packed));

struct capability_sets {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static bool sets_read(struct capability_sets *s)
{
	*s = (struct capability_sets){ .header = { .version = _LINUX_CAPABILITY_VERSION_3 } };
	return syscall(SYS_capget, &s->header, s->data) == 0;
}

bool confine_effective(uint64_t keep)
{
	struct capability_sets s;
	int i;

	if (!sets_read(&s))
		return false;
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		s.data[i].effective = s.data[i].permitted & (uint32_t)(keep >> 32 * i);
	return syscall(SYS_capset, &s.header, s.data) == 0;
}

bool confine_no_more(void)
{
	unsigned long cap;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return false;
	/* EINVAL: past the last one that the kernel knows. */
	for (cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	return errno == EINVAL && cap > 0 && prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0) == 0;
}

bool confine_capabilities(uint64_t keep)
{
	struct capability_sets s, now;
	int i;

	if (!sets_read(&s))
		return false;
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t set = s.data[i].permitted & (uint32_t)(keep >> 32 * i);

		s.data[i] = (struct __user_cap_data_struct){ .effective = set, .permitted = set };
	}
	if (syscall(SYS_capset, &s.header, s.data) < 0 || !sets_read(&now))
		return false;
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if (now.data[i].effective != s.data[i].effective ||
		    now.data[i].permitted != s.data[i].permitted || now.data[i].inheritable != 0)
			return false;
	}
	return prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 0;
}

/* What the kernel's version of Landlock can forbid. Return: the size that it knows. */
static size_t ruleset_of(long version, struct landlock_ruleset *ret)
{
	*ret = (struct landlock_ruleset){ .fs = LANDLOCK_FS_V1 };
	if (version >= 2)
		ret->fs |= LANDLOCK_FS_REFER;
	if (version >= 3)
		ret->fs |= CONFINE_TRUNCATE;
	if (version >= 5)
		ret->fs |= LANDLOCK_FS_IOCTL_DEV;
	if (version >= 4)
		ret->net = LANDLOCK_NET_TCP;
	if (version >= 6)
		ret->scoped = LANDLOCK_SCOPE_ABSTRACT;
	return version >= 6   ? sizeof(*ret)
	       : version >= 4 ? offsetof(struct landlock_ruleset, scoped)
			      : offsetof(struct landlock_ruleset, net);
}

static bool add_path(int ruleset, const struct confine_path *p, uint64_t known)
{
	const struct landlock_path rule = { .rights = p->rights & known, .fd = p->fd };

	return p->fd < 0 ||
	       syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_PATH_BENEATH, &rule, 0) == 0;
}

bool confine_paths(const struct confine_path *paths, size_t n, enum confine_network network)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
	struct landlock_ruleset r;
	CLEANUP_FD int fd = -EBADF;
	size_t size, i;

	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP;
	size = ruleset_of(version, &r);
	if (network == CONFINE_TCP)
		r.net = 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return false;
	for (i = 0; i < n; i++) {
		if (!add_path(fd, &paths[i], r.fs))
			return false;
	}
	return syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}

bool confine_calls(const struct sock_filter *filter, size_t n)
{
#ifdef CONFINE_SANITIZED
	(void)filter;
	return n > 0;
#else
	const struct sock_fprog program = {
		.len = (unsigned short)n,
		.filter = (struct sock_filter *)(uintptr_t)filter,
	};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
#endif
}
