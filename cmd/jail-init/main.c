/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail-init: PID 1 of an instance in app mode (runtime/init_proto.h).
 *
 * It starts the program, then waits for signals and nothing else. All 64 signals are blocked for
 * good and taken synchronously from rt_sigtimedwait(2): there is no handler, so nothing can
 * interrupt anything, and a blocked signal is never discarded by the kernel's rule that PID 1
 * ignores what it does not handle (signal(7), pid_namespaces(7)). SIGCHLD means reap; everything
 * else goes to the program as it came. The raw system calls are used because the C libraries keep
 * signals 32..34 to themselves, which a program inside may well be sent.
 *
 * The program is in a session of its own: a ^C on its terminal reaches its foreground job, not us.
 * PID 1 keeps 0..2 open, so that a console does not hang up while the program has it closed.
 *
 * When the program ends, so do we, and the kernel kills the rest of the pid namespace. When the
 * supervisor is killed, PR_SET_PDEATHSIG ends us, and with us everything inside.
 */
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/defs.h"
#include "runtime/init_proto.h"

#define EXIT_USAGE 125
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define SIGNAL_LAST 64

/* The kernel's sigset_t: one bit per signal, 1..64. */
static const uint64_t signals_all = UINT64_MAX;
static const uint64_t signals_none = 0;

static int signals_set_mask(const uint64_t *mask)
{
	return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, sizeof(*mask));
}

/* Decimal, 0..max; -1 for anything else. */
static int parse_number(const char *text, int max)
{
	int value = 0;

	if (*text == '\0')
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (*text - '0');
		if (value > max)
			return -1;
	}
	return value;
}

/* Tells the supervisor why the program did not start. */
static void report(int fd, int code, const char *verb, const char *object)
{
	struct init_report r = { .magic = INIT_REPORT_MAGIC, .code = code };
	size_t n = 0;

	for (; *verb != '\0' && n < sizeof(r.what) - 1; verb++)
		r.what[n++] = *verb;
	for (; *object != '\0' && n < sizeof(r.what) - 1; object++)
		r.what[n++] = *object;
	/* A supervisor that has gone away must not turn the exit status into SIGPIPE's. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)!write(fd, &r, sizeof(r));
}

/*
 * Ignored signals stay ignored over execve(2) (a supervisor started by nohup has SIGHUP so), and a
 * mask stays too: the program starts with neither. rt_sigaction(2) by number, because of 32..34;
 * it refuses SIGKILL and SIGSTOP, rightly. The zeroes are SIG_DFL, no flags, an empty mask,
 * whichever order the architecture's struct has them in.
 */
static void signals_reset(void)
{
	static const uint64_t action[4];
	int sig;

	for (sig = 1; sig <= SIGNAL_LAST; sig++)
		(void)syscall(SYS_rt_sigaction, sig, action, NULL, sizeof(uint64_t));
	(void)signals_set_mask(&signals_none);
}

/*
 * execvp(3) as POSIX has it, less one thing: a file that the kernel cannot execute (ENOEXEC) is an
 * error that says so, never a script for /bin/sh, which is what glibc would make of it.
 * Return: the errno of the failure.
 */
static int exec_by_path(char *const argv[])
{
	const char *dir = getenv("PATH");
	const char *end;
	char file[PATH_MAX];
	size_t name_len = strlen(argv[0]);
	int denied = 0;

	if (strchr(argv[0], '/') != NULL || name_len == 0) {
		execve(argv[0], argv, environ);
		return errno;
	}
	if (dir == NULL)
		dir = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	for (;; dir = end + 1) {
		size_t dir_len;

		end = strchrnul(dir, ':');
		dir_len = end - dir;
		if (dir_len + 1 + name_len < sizeof(file)) {
			memcpy(file, dir, dir_len);
			/* An empty element means the current directory. */
			if (dir_len > 0)
				file[dir_len++] = '/';
			memcpy(file + dir_len, argv[0], name_len + 1);
			execve(file, argv, environ);
			if (errno == EACCES)
				denied = EACCES;
			else if (errno != ENOENT && errno != ENOTDIR)
				return errno;
		}
		if (*end == '\0')
			return denied != 0 ? denied : ENOENT;
	}
}

/* The child: becomes the program or exits. Does not return. */
static NORETURN void run_program(int report_fd, bool tty, char *const argv[])
{
	int code;

	/* Nothing but stdio reaches the program, whatever the engine left open (row 2). */
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
		report(report_fd, errno, "close_range", "");
		_exit(EXIT_USAGE);
	}
	(void)setsid(); /* fails only for a group leader, which a fresh child is not */
	if (tty && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0) {
		report(report_fd, errno, "set the controlling terminal", "");
		_exit(EXIT_USAGE);
	}
	signals_reset();
	code = exec_by_path(argv);
	report(report_fd, code, "exec ", argv[0]);
	_exit(code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* Reaps all that is dead. Exits with the program's status when it is among them. */
static void reap(pid_t program)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != program)
			continue;
		_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	}
}

static NORETURN void serve(pid_t program)
{
	for (;;) {
		int sig = (int)syscall(SYS_rt_sigtimedwait, &signals_all, NULL, NULL,
				       sizeof(signals_all));

		/* SIGCHLD may stand for many children, and for none (a stopped one). */
		if (sig == SIGCHLD)
			reap(program);
		else if (sig > 0)
			(void)kill(program, sig);
	}
}

/* The supervisor's end of the report channel is its life sign: it is closed when it has died. */
static bool supervisor_is_gone(int report_fd)
{
	struct pollfd p = { .fd = report_fd, .events = 0 };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL));
}

int main(int argc, char *argv[])
{
	int report_fd, tty;
	pid_t program;

	if (argc < 5 || strcmp(argv[3], "--") != 0)
		return EXIT_USAGE;
	report_fd = parse_number(argv[1], 1 << 20);
	tty = parse_number(argv[2], 1);
	if (report_fd <= STDERR_FILENO || tty < 0)
		return EXIT_USAGE;
	/* Executed by fd, our name would be a number. */
	(void)prctl(PR_SET_NAME, "jail-init");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
		report(report_fd, errno, "tie the instance to its supervisor", "");
		return EXIT_USAGE;
	}
	if (supervisor_is_gone(report_fd))
		return EXIT_USAGE;

	/* An inherited SIG_IGN would make the kernel reap in our place (waitpid(2)). */
	(void)signal(SIGCHLD, SIG_DFL);
	if (signals_set_mask(&signals_all) < 0) {
		report(report_fd, errno, "block signals", "");
		return EXIT_USAGE;
	}
	program = fork();
	if (program < 0) {
		report(report_fd, errno, "fork", "");
		return EXIT_USAGE;
	}
	if (program == 0)
		run_program(report_fd, tty == 1, &argv[4]);
	/* Our copy of the report channel too: end of file is what tells that exec succeeded. */
	(void)syscall(SYS_close_range, 3, ~0U, 0);
	serve(program);
}
