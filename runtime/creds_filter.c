/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last step: the seccomp filter, and what has to follow it. The order is explained in creds.h.
 */
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "runtime/creds_priv.h"
#include "runtime/seccomp.h"
#include "runtime/seccomp_notify.h"

static uint32_t filter_says(const struct creds *c, long nr, uint64_t arg0)
{
	return seccomp_evaluate_native(c->filter, c->n_filter, (int)nr, arg0) &
	       SECCOMP_RET_ACTION_FULL;
}

/* Its result can be trusted. */
static bool filter_allows(const struct creds *c, long nr, uint64_t arg0)
{
	uint32_t action = filter_says(c, nr, arg0);

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

/* It may happen: what a listener or a tracer says to it is not known beforehand. */
static bool filter_may_allow(const struct creds *c, long nr)
{
	uint32_t action = filter_says(c, nr, 0);

	return filter_allows(c, nr, 0) || action == SECCOMP_RET_USER_NOTIF ||
	       action == SECCOMP_RET_TRACE;
}

/* CAP_SYS_ADMIN was added for the filter alone. */
static bool drops_admin(const struct creds_work *w)
{
	const struct cap_sets *final = &w->final.sets;

	return w->filter_by_admin &&
	       !(final->permitted & final->effective & CAP_BIT(CAP_SYS_ADMIN));
}

/* Asked before it is installed: afterwards the answer could be our death without a word. */
static int check_filter(const struct creds_work *w, struct err *e)
{
	if (!filter_may_allow(w->c, SYS_execve) && !filter_may_allow(w->c, SYS_execveat))
		return err_set(e, EINVAL,
			       "the seccomp profile allows neither execve nor execveat: "
			       "nothing could be started");
	if (drops_admin(w) && !filter_may_allow(w->c, SYS_capset)) {
		(void)err_set(e, EINVAL,
			      "the seccomp profile doesn't allow capset, which must "
			      "follow the filter when no_new_privs is off");
		return err_hint(e, "allow capset in the profile, or set %s",
				w->c->sets ? "process.noNewPrivileges"
					   : "security.noNewPrivileges");
	}
	return 0;
}

/* By memory alone: from here on any call of ours may wait for him who is to get the fd. */
static int hand_over(int *slot, int fd, struct err *e)
{
	int now;

	__atomic_store_n(slot, fd, __ATOMIC_RELEASE);
	while ((now = __atomic_load_n(slot, __ATOMIC_ACQUIRE)) == fd)
		;
	return now == SECCOMP_LISTENER_SENT
		       ? 0
		       : err_ret(e, now, "send the seccomp listener to linux.seccomp.listenerPath");
}

static int install_filter(const struct creds *c, struct err *e)
{
	struct sock_fprog program = {
		.len = (unsigned short)c->n_filter,
		.filter = (struct sock_filter *)(uintptr_t)c->filter,
	};
	uint32_t flags = c->filter_flags;
	long fd;

	if (c->n_filter > BPF_MAXINSNS)
		return err_set(e, E2BIG, "seccomp filter of %zu instructions, the kernel takes %d",
			       c->n_filter, BPF_MAXINSNS);
	if (c->ret_listener)
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (fd >= 0 && c->ret_listener && hand_over(c->ret_listener, (int)fd, e) < 0)
		return -e->code;
	if (fd < 0 && errno == EBUSY && c->ret_listener) {
		(void)err_sys(e, "install the seccomp filter");
		return err_hint(e, "another filter of the runtime's own has a listener already, "
				   "and the kernel allows one");
	}
	if (fd < 0)
		return err_sys(e, "install the seccomp filter");
	if (filter_allows(c, SYS_prctl, PR_GET_SECCOMP) &&
	    prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		return err_set(e, EPERM,
			       "the seccomp filter is not in place after it was "
			       "installed");
	return 0;
}

int creds_step_filter(const struct creds_work *w, struct err *e)
{
	const struct cap_sets *final = &w->final.sets;
	struct cap_sets admin = *final;
	int r;

	if (!w->c->filter)
		return 0;
	r = check_filter(w, e);
	if (r < 0)
		return r;
	if (!drops_admin(w))
		return install_filter(w->c, e);

	admin.permitted |= CAP_BIT(CAP_SYS_ADMIN);
	admin.effective |= CAP_BIT(CAP_SYS_ADMIN);
	r = cap_sets_set(&admin);
	if (r < 0)
		return err_ret(e, r, "raise CAP_SYS_ADMIN for the seccomp filter");
	r = install_filter(w->c, e);
	if (r < 0)
		return r;
	r = cap_sets_set(final);
	if (r < 0)
		return err_ret(e, r, "set capabilities after the seccomp filter");
	if (!filter_allows(w->c, SYS_capget, 0))
		return 0;
	return creds_check_sets(final, e);
}
