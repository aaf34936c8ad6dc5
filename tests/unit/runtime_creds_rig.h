/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child that goes through creds_apply(), in the host's user namespace or in a new one, and
 * reports what the kernel then says of it. For the tests of creds.
 */
#ifndef JAIL_TESTS_RUNTIME_CREDS_RIG_H
#define JAIL_TESTS_RUNTIME_CREDS_RIG_H

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/creds.h"

#define BIT(n) (UINT64_C(1) << (n))
#define BASE_ID 700000
#define TEXT_MAX 8192

/* What a child reports: a line of its own, then its /proc/self/status. */
struct run {
	bool private_user; /* in a new user namespace with 65536 ids from BASE_ID */
	bool joined; /* there as the host's root, as after setns(2); else as its own root */
	bool host_groups; /* start with extra groups of the host */
	bool dirty; /* start with inheritable and ambient capabilities and securebits, dumpable */
	bool forbid; /* creds_forbid_user_namespaces() first */
	bool narrow; /* creds_narrow() first */
	bool exec; /* report by an executed cat(1) instead */
	struct creds creds;
	int (*check)(void); /* in the child, after creds_apply; exit status */
	char text[TEXT_MAX];
	int status;
};

static inline int child_pollute(const struct run *run)
{
	static const gid_t extra[] = { 4, 6, 27 };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (run->host_groups && setgroups(ARRAY_SIZE(extra), extra) < 0)
		return -errno;
	if (!run->dirty)
		return 0;
	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	data[0].inheritable = BIT(CAP_NET_RAW) | BIT(CAP_CHOWN);
	if (syscall(SYS_capset, &header, data) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) < 0 ||
	    prctl(PR_SET_SECUREBITS, 1 << 2 /* NO_SETUID_FIXUP */, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static inline void child_report(int out)
{
	char *text;
	size_t n;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd_read_all(fd, TEXT_MAX, &text, &n) < 0)
		_exit(90);
	(void)fd_write_all(out, text, n);
	(void)dprintf(out, "Dumpable: %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static int warnings_to;

static inline void child_warn(const char *text)
{
	(void)dprintf(warnings_to, "warning: %s\n", text);
}

static inline void child_main(const struct run *run, int out, int go)
{
	CLEANUP_FD int proc_self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err e = ERR_INIT;
	int status_fd;
	char byte;

	if (read(go, &byte, 1) != 1)
		_exit(91);
	/* Non-dumpable is what a runtime is; the report still reads its own status: that one is
	 * open to all. Opened before the ids change, for the exec variant. */
	status_fd = open("/proc/self/status", O_RDONLY);
	if (run->private_user && !run->joined && syscall(SYS_setresuid, 0, 0, 0) < 0)
		_exit(96);
	if (run->forbid) {
		CLEANUP_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (creds_forbid_user_namespaces(proc, &e) < 0) {
			(void)dprintf(out, "error: %d: %s\n", e.code, e.text);
			_exit(97);
		}
	}
	if (child_pollute(run) < 0)
		_exit(92);
	(void)prctl(PR_SET_DUMPABLE, run->dirty, 0, 0, 0);
	warnings_to = out;
	warn_set_sink(child_warn);
	if (run->narrow && creds_narrow(&run->creds, &e) < 0) {
		(void)dprintf(out, "error: %d: %s\n", e.code, e.text);
		_exit(98);
	}
	if (creds_apply(&run->creds, proc_self, &e) < 0) {
		(void)dprintf(out, "error: %d: %s | %s\n", e.code, e.text, e.hint);
		_exit(93);
	}
	if (run->exec) {
		if (dup2(status_fd, 0) < 0 || dup2(out, 1) < 0)
			_exit(94);
		(void)execl("/bin/cat", "cat", (char *)NULL);
		_exit(95);
	}
	child_report(out);
	_exit(run->check ? run->check() : 0);
}

static inline void write_map(pid_t pid, const char *file)
{
	char path[64], map[64];
	int fd, n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	n = snprintf(map, sizeof(map), "0 %d 65536\n", BASE_ID);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, map, (size_t)n), n);
	(void)close(fd);
}

static inline void run_child(struct run *run)
{
	struct clone_args args = {
		.flags = run->private_user ? CLONE_NEWUSER : 0,
		.exit_signal = SIGCHLD,
	};
	int out[2], go[2];
	char *text;
	size_t n;
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(out[0]);
		(void)close(go[1]);
		child_main(run, out[1], go[0]);
	}
	(void)close(out[1]);
	(void)close(go[0]);
	if (run->private_user) {
		write_map(pid, "uid_map");
		write_map(pid, "gid_map");
	}
	assert_int_equal(write(go[1], "x", 1), 1);
	(void)close(go[1]);
	assert_true(fd_read_all(out[0], TEXT_MAX - 1, &text, &n) >= 0);
	memcpy(run->text, text, n + 1);
	free(text);
	(void)close(out[0]);
	assert_int_equal(waitpid(pid, &run->status, 0), pid);
}

static inline void run_well(struct run *run)
{
	run_child(run);
	if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != 0)
		fail_msg("status 0x%x: %s", run->status, run->text);
}

/* "Uid:" -> the rest of that line, blanks as in the file. */
static inline void field(const struct run *run, const char *name, char ret[static 128])
{
	const char *at = strstr(run->text, name);
	const char *end;

	if (!at)
		fail_msg("no %s in %s", name, run->text);
	at += strlen(name);
	at += strspn(at, "\t ");
	end = strchr(at, '\n');
	(void)snprintf(ret, 128, "%.*s", (int)(end - at), at);
}

static inline void expect_field(const struct run *run, const char *name, const char *want)
{
	char have[128];

	field(run, name, have);
	if (strcmp(have, want) != 0)
		fail_msg("%s %s, expected %s\n%s", name, have, want, run->text);
}

static inline void expect_caps(const struct run *run, const char *name, uint64_t set)
{
	char want[32];

	(void)snprintf(want, sizeof(want), "%016llx", (unsigned long long)set);
	expect_field(run, name, want);
}

static inline struct run make_run(uid_t uid, gid_t gid)
{
	struct run run = {
		.creds = {
			.user = { .uid = uid, .gid = gid, .groups = { gid }, .n_groups = 1 },
			.capabilities = creds_default_capabilities(),
			.umask = 022,
		},
	};

	return run;
}

#endif
