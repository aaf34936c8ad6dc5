/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the coming exec is labelled with, and the session keyring. The labels are written to
 * /proc/self/attr through the caller's trusted handle, so that nothing mounted there can swallow
 * them (CVE-2019-16884, rows 15, 16); the kernel keeps them until the exec.
 */
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>

#include "base/str.h"
#include "runtime/creds_priv.h"

#define LABEL_MAX 1024

/* Return: 0, -EOPNOTSUPP (this kernel has no such module), -errno of write(2). */
static int write_attr(int proc_self, const char *name, const char *text)
{
	CLEANUP_FD int fd = openat(proc_self, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	n = write(fd, text, strlen(text));
	if (n < 0)
		return errno == EINVAL ? -EOPNOTSUPP : -errno;
	return (size_t)n == strlen(text) ? 0 : -EIO;
}

int creds_step_apparmor(const struct creds_work *w, struct err *e)
{
	const char *profile = w->c->apparmor;
	char text[LABEL_MAX];
	int r;

	if (!profile || !profile[0])
		return 0;
	r = str_format(text, sizeof(text), "exec %s", profile);
	if (r < 0)
		return err_set(e, ENAMETOOLONG, "process.apparmorProfile: longer than %zu bytes",
			       sizeof(text) - 6);
	r = write_attr(w->proc_self, "attr/apparmor/exec", text);
	/* Where there is no AppArmor everything is. */
	if (r == 0 || (r == -EOPNOTSUPP && str_eq(profile, "unconfined")))
		return 0;
	if (r == -EOPNOTSUPP)
		return err_set(e, EOPNOTSUPP,
			       "process.apparmorProfile %s: AppArmor is not enabled on this host",
			       profile);
	(void)err_ret(e, r, "process.apparmorProfile %s", profile);
	return r == -ENOENT ? err_hint(e, "the profile is not loaded: see apparmor_parser(8)") : r;
}

int creds_step_selinux(const struct creds_work *w, struct err *e)
{
	const char *label = w->c->selinux;
	int r;

	if (!label || !label[0])
		return 0;
	r = write_attr(w->proc_self, "attr/exec", label);
	/* The keyring that comes next, which the process could not use under our label. Until exec.
	 */
	if (r == 0 && !w->c->keep_keyring)
		r = write_attr(w->proc_self, "attr/keycreate", label);
	if (r == -EOPNOTSUPP)
		return err_set(e, EOPNOTSUPP,
			       "process.selinuxLabel %s: SELinux is not enabled on this host, or "
			       "its policy has no such label",
			       label);
	return r < 0 ? err_ret(e, r, "process.selinuxLabel %s", label) : 0;
}

/* Anonymous unless it was given a name: then nobody can join it by name (row 58). Charged to the
 * user namespace's own uid. */
int creds_step_keyring(const struct creds_work *w, struct err *e)
{
	if (w->c->keep_keyring ||
	    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, w->c->keyring, 0, 0, 0) >= 0)
		return 0;
	if (errno == ENOSYS) /* no CONFIG_KEYS, or a filter around us all: nobody reaches one */
		return 0;
	if (errno == EDQUOT) {
		(void)err_sys(e, "new session keyring: the user's key quota is used up");
		return err_hint(e, "see /proc/key-users, and raise kernel.keys.maxkeys and "
				   "kernel.keys.maxbytes");
	}
	return err_sys(e, "new session keyring");
}
