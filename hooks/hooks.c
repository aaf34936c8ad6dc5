/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running hooks. A hook is a program of the host, with the host's rights, started while an instance
 * is half made: it must get nothing from the instance and nothing by accident (row 6).
 *
 * - The program is opened first and executed by that fd, so what was checked is what runs. A script
 *   is opened a second time by its interpreter, as /dev/fd/N: for it alone the fd stays open.
 * - The state arrives as a sealed memfd on stdin: a hook that does not read it can't block us.
 * - Everything else is set, not inherited: environment, cwd, session, signals, umask, descriptors.
 * - Its end is awaited by pidfd together with its stderr, of which the last part is kept. A process
 *   that it left in the background may hold stderr open; that is not waited for.
 * - Out of time, its whole process group is killed. The group's number can't have been reused: its
 *   leader is our child and not reaped yet.
 */
#include "hooks/hooks.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"

#define HOOK_TAIL 512 /* of stderr, for the message */
#define HOOK_UMASK 022

/* What the child needs, all of it made before the clone. */
struct hook_start {
	char **argv, **envp;
	int program, state, null, output, failure; /* fds */
	bool script;
};

/* The last bytes that were written to stderr. */
struct hook_tail {
	char data[2 * HOOK_TAIL];
	size_t n;
	bool cut; /* there was more before */
};

/* The child: arranges itself and executes; tells why it can't through `failure`. */
static NORETURN void hook_child(const struct hook_start *s)
{
	int code;

	sys_signals_default();
	(void)umask(HOOK_UMASK);
	if (setsid() >= 0 && chdir("/") == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
	    dup2(s->state, 0) == 0 && dup2(s->null, 1) == 1 && dup2(s->output, 2) == 2 &&
	    sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0 &&
	    fd_set_cloexec(s->program, !s->script) == 0)
		(void)syscall(SYS_execveat, s->program, "", s->argv, s->envp, AT_EMPTY_PATH);
	code = errno;
	(void)!write(s->failure, &code, sizeof(code));
	_exit(127);
}

/* A memfd with the state in it, read-only from now on. Return: fd or -errno. */
static int hook_state_fd(const char *state_json)
{
	CLEANUP_FD int fd = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, state_json, strlen(state_json));
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Opens the program. Return: fd or -errno; *ret_script: it begins with "#!". */
static int hook_open(const char *path, bool *ret_script)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat st;
	char start[2];

	if (path[0] != '/')
		return -EINVAL;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	*ret_script = pread(fd, start, sizeof(start), 0) == 2 && start[0] == '#' && start[1] == '!';
	return TAKE_FD(fd);
}

static void hook_tail_add(struct hook_tail *t, const char *data, size_t n)
{
	if (n > HOOK_TAIL) {
		data += n - HOOK_TAIL;
		n = HOOK_TAIL;
		t->n = 0; /* what came before does not join on */
		t->cut = true;
	}
	if (t->n + n > sizeof(t->data)) {
		t->cut = true;
		memmove(t->data, t->data + t->n - HOOK_TAIL, HOOK_TAIL);
		t->n = HOOK_TAIL;
	}
	memcpy(t->data + t->n, data, n);
	t->n += n;
}

/* Reads what there is, at most a few pages, without waiting. Return: false at the end of file. */
static bool hook_drain(int fd, struct hook_tail *t)
{
	for (int i = 0; i < 16; i++) {
		char buf[4096];
		ssize_t r = read(fd, buf, sizeof(buf));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 && errno == EAGAIN;
		hook_tail_add(t, buf, (size_t)r);
	}
	return true;
}

/* Waits for the end, reading stderr meanwhile. Return: 0, -ETIMEDOUT, -errno. */
static int hook_wait(int pidfd, int output, uint64_t timeout_ms, struct hook_tail *t)
{
	uint64_t start = clock_boot_ms();
	bool open = true;

	for (;;) {
		uint64_t spent = clock_boot_ms() - start;
		uint64_t left = spent < timeout_ms ? timeout_ms - spent : 0;
		/* poll(2) passes over a negative fd. */
		struct pollfd p[] = { { .fd = pidfd, .events = POLLIN },
				      { .fd = open ? output : -1, .events = POLLIN } };
		int r = poll(p, ARRAY_SIZE(p), left > INT32_MAX ? INT32_MAX : (int)left);

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0 && p[1].revents)
			open = hook_drain(output, t);
		if (r > 0 && p[0].revents) {
			(void)hook_drain(output, t);
			return 0;
		}
		if (left == 0)
			return -ETIMEDOUT;
	}
}

/* The last lines of stderr as the end of a message: ": text", or "". */
static void hook_tail_text(const struct hook_tail *t, char *ret, size_t n)
{
	size_t end = t->n, start, newline;
	bool cut;

	while (end > 0 && (t->data[end - 1] == '\n' || t->data[end - 1] == ' '))
		end--;
	start = end > HOOK_TAIL ? end - HOOK_TAIL : 0;
	cut = t->cut || start > 0;
	/* Cut at a line if something was cut and there is one. */
	for (newline = start; cut && newline < end; newline++) {
		if (t->data[newline] == '\n') {
			start = newline + 1;
			break;
		}
	}
	(void)snprintf(ret, n, "%s%.*s", end > start ? ": " : "", (int)(end - start),
		       t->data + start);
}

/* Turns the way it ended into 0 or an error. */
static int hook_result(const siginfo_t *info, const struct hook_tail *t, struct err *e)
{
	char tail[HOOK_TAIL + 8];

	if (info->si_code == CLD_EXITED && info->si_status == 0)
		return 0;
	hook_tail_text(t, tail, sizeof(tail));
	if (info->si_code == CLD_EXITED)
		return err_set(e, ECANCELED, "exit status %d%s", info->si_status, tail);
	return err_set(e, ECANCELED, "killed by signal %d (%s)%s", info->si_status,
		       strsignal(info->si_status), tail);
}

/* Waits for the hook to end or run out of time, and reaps it. `failure`: read end. */
static int hook_finish(pid_t pid, int pidfd, const int *pipes, uint64_t timeout_ms, struct err *e)
{
	struct hook_tail tail = { .n = 0 };
	siginfo_t info = { 0 };
	char text[32];
	int code = 0, r;

	r = hook_wait(pidfd, pipes[0], timeout_ms, &tail);
	if (r < 0) {
		/* Both: the child may not have got to its setsid() yet. */
		(void)kill(-pid, SIGKILL);
		(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	}
	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0) {
		if (errno != EINTR)
			return err_sys(e, "wait");
	}
	if (r == -ETIMEDOUT) {
		num_format_duration(timeout_ms, text, sizeof(text));
		return err_set(e, ETIMEDOUT, "no end after %s: killed", text);
	}
	if (r < 0)
		return err_ret(e, r, "poll");
	if (read(pipes[1], &code, sizeof(code)) == sizeof(code))
		return err_ret(e, -code, "execute");
	return hook_result(&info, &tail, e);
}

/* Clones the child and sees it through. `s` lacks the two pipes' write ends. */
static int hook_spawn(struct hook_start *s, uint64_t timeout_ms, struct err *e)
{
	CLEANUP_FD int output = -EBADF, failure = -EBADF, pidfd = -EBADF;
	struct clone_args args = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	int out[2], fail[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	output = out[0];
	s->output = out[1];
	if (pipe2(fail, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	failure = fail[0];
	s->failure = fail[1];
	/* Ours only: the hook's end must block, or its long output would get lost. */
	(void)fd_set_nonblock(output, true);
	args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	pid = sys_clone3(&args);
	if (pid == 0)
		hook_child(s);
	if (pid < 0)
		return err_sys(e, "clone3");
	fd_reset(&s->output);
	fd_reset(&s->failure);
	return hook_finish(pid, pidfd, (int[]){ output, failure }, timeout_ms, e);
}

static void hook_start_end(struct hook_start *s)
{
	fd_reset(&s->program);
	fd_reset(&s->state);
	fd_reset(&s->null);
	fd_reset(&s->output);
	fd_reset(&s->failure);
}

static int hook_run(const struct hook *h, const char *state_json, struct err *e)
{
	char *no_env[] = { NULL }, *only_path[] = { h->path, NULL };
	CLEANUP(hook_start_end)
	struct hook_start s = { .argv = h->args.n ? h->args.v : only_path,
				.envp = h->env.n ? h->env.v : no_env,
				.program = -EBADF,
				.state = -EBADF,
				.null = -EBADF,
				.output = -EBADF,
				.failure = -EBADF };

	s.program = hook_open(h->path, &s.script);
	if (s.program < 0)
		return s.program == -EINVAL ? err_set(e, EINVAL, "not an absolute path")
					    : err_ret(e, s.program, "open");
	s.null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (s.null < 0)
		return err_sys(e, "open /dev/null");
	s.state = hook_state_fd(state_json);
	if (s.state < 0)
		return err_ret(e, s.state, "memfd for the state");
	return hook_spawn(&s, h->timeout_ms ? h->timeout_ms : HOOK_TIMEOUT_DEFAULT_MS, e);
}

int hooks_run(const char *when, const struct hook *hooks, size_t n, const char *state_json,
	      struct err *e)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	struct sigaction old;
	int r = 0;

	if (n == 0)
		return 0;
	/* With SIGCHLD ignored (it may be inherited) the kernel would throw the status away. */
	if (sigaction(SIGCHLD, &dfl, &old) < 0)
		return err_sys(e, "sigaction");
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = hook_run(&hooks[i], state_json, e);
		if (r < 0)
			r = err_wrap(e, "%s hook %s", when, hooks[i].path);
	}
	(void)sigaction(SIGCHLD, &old, NULL);
	return r;
}
