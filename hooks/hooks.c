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
 * Where OCI's hooks differ (struct hooks_at), the difference is data of struct hook_start.
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
	const char *path; /* executed by it if program.fd is none */
	struct hook_program program; /* owned unless it was given */
	int state, null, output, failure; /* fds, owned */
	int cwd, out, err; /* borrowed; none: "/"; where `null` or `output` lead */
};

/* The last bytes that were written to stderr. */
struct hook_tail {
	char data[2 * HOOK_TAIL];
	size_t n;
	bool cut; /* there was more before */
};

/* stdout, stderr: what was given, or else the pipe whose end is kept; `null` is jail's stdout. */
static bool hook_child_stdio(const struct hook_start *s)
{
	int out = s->out >= 0 ? s->out : s->null >= 0 ? s->null : s->output;
	int err = s->err >= 0 ? s->err : s->output;
	int high;

	/* Out of the way of 1 and 2, one of which may be the other's source. */
	high = fcntl(err, F_DUPFD_CLOEXEC, 3);
	return high >= 0 && dup2(s->state, 0) == 0 && dup2(out, 1) == 1 && dup2(high, 2) == 2;
}

/* The child: arranges itself and executes; tells why it can't through `failure`. */
static NORETURN void hook_child(const struct hook_start *s)
{
	int program = s->program.fd, code;

	sys_signals_default();
	(void)umask(HOOK_UMASK);
	if (setsid() >= 0 && (s->cwd >= 0 ? fchdir(s->cwd) : chdir("/")) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && hook_child_stdio(s) &&
	    sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0) {
		if (program < 0)
			(void)execve(s->path, s->argv, s->envp);
		else if (fd_set_cloexec(program, !s->program.script) == 0)
			(void)sys_execveat(program, s->argv, s->envp);
	}
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

static int hook_open(const char *path, struct hook_program *ret, struct err *e)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat st;
	char start[2];

	if (path[0] != '/')
		return err_set(e, EINVAL, "not an absolute path");
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open");
	if (!S_ISREG(st.st_mode))
		return err_ret(e, -EACCES, "open");
	ret->script = pread(fd, start, sizeof(start), 0) == 2 && start[0] == '#' && start[1] == '!';
	ret->fd = TAKE_FD(fd);
	return 0;
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

/* Waits for the end, reading stderr meanwhile. timeout_ms: 0 = none. Return: 0, -ETIMEDOUT, -errno.
 */
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
		int wait_ms = left > INT32_MAX ? INT32_MAX : (int)left;
		int r = poll(p, ARRAY_SIZE(p), timeout_ms ? wait_ms : -1);

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0 && p[1].revents)
			open = hook_drain(output, t);
		if (r > 0 && p[0].revents) {
			(void)hook_drain(output, t);
			return 0;
		}
		if (timeout_ms && left == 0)
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
	fd_reset(&s->state);
	fd_reset(&s->null);
	fd_reset(&s->output);
	fd_reset(&s->failure);
}

/* What differs between hooks of jail's own and others is in `at`, NULL for the former. */
static int hook_run(const struct hook *h, const struct hook_program *program,
		    const char *state_json, const struct hooks_at *at, struct err *e)
{
	char *no_env[] = { NULL }, *only_path[] = { h->path, NULL };
	CLEANUP(hook_start_end)
	struct hook_start s = { .argv = h->args.n ? h->args.v : only_path,
				.envp = h->env.n ? h->env.v : no_env,
				.path = h->path,
				.program = *program,
				.state = -EBADF,
				.null = -EBADF,
				.output = -EBADF,
				.failure = -EBADF,
				.cwd = at ? at->cwd : -EBADF,
				.out = at ? at->out : -EBADF,
				.err = at ? at->err : -EBADF };
	uint64_t timeout_ms = h->timeout_ms;

	if (timeout_ms == 0 && !(at && at->no_timeout))
		timeout_ms = HOOK_TIMEOUT_DEFAULT_MS;
	if (!at) {
		s.null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (s.null < 0)
			return err_sys(e, "open /dev/null");
	}
	s.state = hook_state_fd(state_json);
	if (s.state < 0)
		return err_ret(e, s.state, "memfd for the state");
	return hook_spawn(&s, timeout_ms, e);
}

/* With the program that was opened before, or opened now, or by its path. */
static int hook_run_found(const struct hook *h, const struct hook_program *given,
			  const char *state_json, const struct hooks_at *at, struct err *e)
{
	struct hook_program program = { .fd = -EBADF };
	int r;

	if (given)
		return hook_run(h, given, state_json, at, e);
	if (at && at->by_path) {
		if (h->path[0] != '/')
			return err_set(e, EINVAL, "not an absolute path");
		return hook_run(h, &program, state_json, at, e);
	}
	r = hook_open(h->path, &program, e);
	if (r == 0)
		r = hook_run(h, &program, state_json, at, e);
	hooks_close(&program, 1);
	return r;
}

static int hooks_run_all(const char *when, const struct hook *hooks, size_t n,
			 const char *state_json, const struct hooks_at *at, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct hook_program *given = at && at->programs ? &at->programs[i] : NULL;
		struct err why = ERR_INIT;

		r = hook_run_found(&hooks[i], given, state_json, at, &why);
		if (r == 0)
			continue;
		r = err_wrap(&why, "%s%s %s", when, at && at->no_hook ? ":" : " hook",
			     hooks[i].path);
		if (at && at->keep_going) {
			warn("%s", why.text);
			r = 0;
		} else {
			*e = why;
		}
	}
	return r;
}

int hooks_run_at(const char *when, const struct hook *hooks, size_t n, const char *state_json,
		 const struct hooks_at *at, struct err *e)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	struct sigaction old;
	int r;

	if (n == 0)
		return 0;
	/* With SIGCHLD ignored (it may be inherited) the kernel would throw the status away. */
	if (sigaction(SIGCHLD, &dfl, &old) < 0)
		return err_sys(e, "sigaction");
	r = hooks_run_all(when, hooks, n, state_json, at, e);
	(void)sigaction(SIGCHLD, &old, NULL);
	return r;
}

int hooks_run(const char *when, const struct hook *hooks, size_t n, const char *state_json,
	      struct err *e)
{
	return hooks_run_at(when, hooks, n, state_json, NULL, e);
}

int hooks_open(const char *when, const struct hook *hooks, size_t n, struct hook_program *ret,
	       struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (hook_open(hooks[i].path, &ret[i], e) < 0) {
			hooks_close(ret, i);
			return err_wrap(e, "%s hook %s", when, hooks[i].path);
		}
	return 0;
}

void hooks_close(struct hook_program *programs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fd_reset(&programs[i].fd);
}
