/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Containers with SCMP_ACT_NOTIFY, for real: an agent behind a unix socket gets the state and the
 * listener, answers all calls of a process that goes through creds_apply() and execve(2), whatever
 * the profile notifies of; and what happens when there is no agent or a bad one. Also what the
 * kernel makes of a compiled OCI profile.
 */
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base_tmpdir.h"
#include "runtime/seccomp.h"
#include "runtime/seccomp_notify.h"
#include "runtime_creds_rig.h"

#define STATE "{\"ociVersion\":\"1.2.1\",\"fds\":[\"seccompFd\"],\"pid\":1}"

static void load(const char *object, struct seccomp_program *p)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct err e = ERR_INIT;

	if (json_parse("c", object, strlen(object), &doc, &e) < 0 ||
	    seccomp_oci_load("c", json_root(doc), -EBADF, p, &e) < 0)
		fail_msg("%s", e.text);
}

static int listen_at(const struct tmpdir *t, int type, char path[static 100])
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	(void)str_format(path, 100, "%s/agent", t->path);
	(void)str_format(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

struct container {
	const struct seccomp_program *filter;
	const char *path, *state;
	bool no_new_privileges;
	uid_t uid;
};

/* The container's first process: connected and prepared as the engine does it. */
static void container_main(const struct container *c)
{
	struct run run = make_run(c->uid, c->uid);
	struct err e = ERR_INIT;
	char arg0[] = "sh", arg1[] = "-c";
	/* Process 1, alone: the helper has left no thread, no child, no fd. */
	char arg2[] = "test $$ = 1 && set -- /proc/self/fd/* && test $# -le 4 && exit 7";
	char *argv[] = { arg0, arg1, arg2, NULL }, *envp[] = { NULL };
	int sock = seccomp_notify_connect(c->path, &e);

	(void)alarm(30);
	(void)fd_cloexec_from(3, &e);
	run.creds.filter = c->filter->filter;
	run.creds.n_filter = c->filter->n;
	run.creds.filter_flags = c->filter->flags;
	run.creds.no_new_privileges = c->no_new_privileges;
	if (sock < 0 ||
	    seccomp_notify_begin(sock, c->state, strlen(c->state), &run.creds.ret_listener, &e) < 0)
		_exit(100);
	if (creds_apply(&run.creds, -EBADF, &e) < 0) {
		(void)dprintf(2, "%s\n", e.text);
		_exit(101);
	}
	(void)execve("/bin/sh", argv, envp);
	_exit(103);
}

static pid_t container_start(const struct container *c)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);

	assert_true(pid >= 0);
	if (pid == 0)
		container_main(c);
	return pid;
}

/* Reads to the end of the stream; the fd comes with the first part. */
static int receive(int server, char *text, size_t room)
{
	int sock = accept4(server, NULL, NULL, SOCK_CLOEXEC), listener = -1;
	size_t n_fds = 1, len = 0;
	ssize_t n;

	assert_true(sock >= 0);
	while ((n = fd_recv(sock, text + len, room - len - 1, &listener, &n_fds)) > 0) {
		if (len == 0)
			assert_int_equal(n_fds, 1);
		len += (size_t)n;
		n_fds = 0;
	}
	assert_int_equal(n, 0);
	text[len] = '\0';
	(void)close(sock);
	return listener;
}

/* Lets everything go on until the process has ended. Return: how many calls asked. */
static int answer_all(int listener)
{
	struct seccomp_notif request;
	struct seccomp_notif_resp response;
	struct pollfd p = { .fd = listener, .events = POLLIN };
	int n = 0;

	while (poll(&p, 1, 20000) > 0 && p.revents & POLLIN) {
		request = (struct seccomp_notif){ .id = 0 };
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
			continue;
		response = (struct seccomp_notif_resp){ .id = request.id,
							.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
		n += ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
	}
	return n;
}

static int ended(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void run_notified(const struct tmpdir *t, const char *object, int least)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
	char path[100], text[4096];
	int server = listen_at(t, SOCK_STREAM, path);

	load(object, &p);
	assert_true(p.notifies);
	for (int how = 0; how < 4; how++) {
		struct container c = { .filter = &p,
				       .path = path,
				       .state = STATE,
				       .no_new_privileges = how & 1,
				       .uid = how & 2 ? 1000 : 0 };
		pid_t pid = container_start(&c);
		int listener = receive(server, text, sizeof(text));
		int n;

		assert_string_equal(text, STATE);
		assert_true(listener >= 0);
		n = answer_all(listener);
		assert_true(n >= least);
		assert_int_equal(ended(pid), 7);
		(void)close(listener);
	}
	(void)close(server);
	assert_int_equal(unlinkat(t->fd, "agent", 0), 0);
}

static void test_some_calls(void **state)
{
	run_notified(*state,
		     "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/l\", "
		     "\"flags\": [\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"], \"syscalls\": "
		     "[{\"names\": [\"sendmsg\", \"write\", \"close\", \"execve\", \"shutdown\", "
		     "\"nanosleep\", \"prctl\", \"capget\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}",
		     2);
}

static void test_all_calls(void **state)
{
	run_notified(*state, "{\"defaultAction\": \"SCMP_ACT_NOTIFY\", \"listenerPath\": \"/l\"}",
		     20);
}

/* More than a socket's buffer takes at once. */
static void test_long_state(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
	CLEANUP_STRBUF struct strbuf long_state = STRBUF_INIT;
	const struct tmpdir *t = *state;
	static char text[2u << 20];
	char path[100];
	int server = listen_at(t, SOCK_STREAM, path), listener;
	struct container c = { .filter = &p, .path = path };
	pid_t pid;

	load("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/l\", \"syscalls\": "
	     "[{\"names\": [\"execve\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}",
	     &p);
	for (int i = 0; i < 100000; i++)
		strbuf_adds(&long_state, "0123456789");
	c.state = strbuf_str(&long_state);
	pid = container_start(&c);
	listener = receive(server, text, sizeof(text));
	assert_string_equal(text, c.state);
	assert_int_equal(answer_all(listener), 1);
	assert_int_equal(ended(pid), 7);
	(void)close(listener);
	(void)close(server);
}

static void test_seqpacket(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
	const struct tmpdir *t = *state;
	char path[100], text[4096];
	int server = listen_at(t, SOCK_SEQPACKET, path), listener;
	struct container c = { .filter = &p, .path = path, .state = STATE };
	pid_t pid;

	load("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/l\", \"syscalls\": "
	     "[{\"names\": [\"execve\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}",
	     &p);
	pid = container_start(&c);
	listener = receive(server, text, sizeof(text));
	assert_string_equal(text, STATE);
	assert_int_equal(answer_all(listener), 1);
	assert_int_equal(ended(pid), 7);
	(void)close(listener);
	(void)close(server);
}

/* An agent that hangs up: an error before anything is executed. */
static void test_agent_gone(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
	const struct tmpdir *t = *state;
	char path[100];
	int server = listen_at(t, SOCK_STREAM, path), sock;
	struct err e = ERR_INIT;
	pid_t pid;

	load("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/l\", \"syscalls\": "
	     "[{\"names\": [\"execve\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}",
	     &p);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		int fd = seccomp_notify_connect(path, &e);
		struct run run = make_run(0, 0);
		char byte;

		(void)alarm(30);
		run.creds.filter = p.filter;
		run.creds.n_filter = p.n;
		if (fd < 0 || read(fd, &byte, 1) != 0 ||
		    seccomp_notify_begin(fd, STATE, strlen(STATE), &run.creds.ret_listener, &e) < 0)
			_exit(100);
		if (creds_apply(&run.creds, -EBADF, &e) == -EPIPE &&
		    strstr(e.text, "send the seccomp listener"))
			_exit(0);
		_exit(1);
	}
	sock = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(sock >= 0);
	(void)close(sock);
	assert_int_equal(ended(pid), 0);
	(void)close(server);
	assert_int_equal(unlinkat(t->fd, "agent", 0), 0);
	assert_int_equal(seccomp_notify_connect(path, &e), -ENOENT);
	assert_non_null(strstr(e.text, "linux.seccomp.listenerPath"));
}

/* A process that ends, or executes without a filter, takes the helper along; and it costs little
 * while it waits. */
static void test_helper_ends(void **state)
{
	const struct tmpdir *t = *state;
	char path[100];
	int server = listen_at(t, SOCK_STREAM, path);
	uint64_t start = clock_boot_ms();

	for (int exec = 0; exec < 2; exec++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct err e = ERR_INIT;
			struct timespec cpu, pause = { .tv_nsec = 200000000 };
			int *slot, fd = seccomp_notify_connect(path, &e);

			if (fd < 0 || seccomp_notify_begin(fd, STATE, 5, &slot, &e) < 0)
				_exit(100);
			(void)nanosleep(&pause, NULL);
			(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
			if (cpu.tv_sec > 0 || cpu.tv_nsec > 100000000)
				_exit(101);
			if (exec)
				(void)execl("/bin/true", "true", (char *)NULL);
			_exit(0);
		}
		assert_int_equal(ended(pid), 0);
	}
	assert_true(clock_boot_ms() - start < 5000);
	(void)close(server);
}

/* The kernel's own view of a program with the stub: a real call that is newer than the profile. */
static void test_enosys_for_real(void **state)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program p = { .n = 0 };
	pid_t pid;

	(void)state;
	load("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 77, \"architectures\": "
	     "[\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"], \"syscalls\": "
	     "[{\"names\": [\"exit_group\", \"execve\", \"getpid\", \"openat2\"], \"action\": "
	     "\"SCMP_ACT_ALLOW\"}]}",
	     &p);
	pid = fork();
	if (pid == 0) {
		struct run run = make_run(0, 0);
		struct err e = ERR_INIT;
		int code = 0;

		run.creds.filter = p.filter;
		run.creds.n_filter = p.n;
		run.creds.no_new_privileges = true;
		if (creds_apply(&run.creds, -EBADF, &e) < 0)
			code = 1;
		else if (syscall(SYS_faccessat2, AT_FDCWD, "/", 0, 0) != -1 || errno != ENOSYS)
			code = 2;
		else if (syscall(SYS_getuid) != -1 || errno != 77)
			code = 3;
		else if (syscall(SYS_getpid) <= 0)
			code = 4;
		/* The sanitizers would make other calls before _exit(). */
		(void)syscall(SYS_exit_group, code);
	}
	assert_int_equal(ended(pid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_some_calls),	   TMPDIR_TEST(test_all_calls),
		TMPDIR_TEST(test_long_state),	   TMPDIR_TEST(test_seqpacket),
		TMPDIR_TEST(test_agent_gone),	   TMPDIR_TEST(test_helper_ends),
		TMPDIR_TEST(test_enosys_for_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
