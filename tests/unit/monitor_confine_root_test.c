/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two halves of jail-monitor: what each has of rights, that the reader is there only when it is
 * needed, that it can do nothing but its work, and what happens when it is lost.
 */
#include "tests/unit/monitor_rig.h"

#include <linux/capability.h>
#include <sys/prctl.h>

#include "tests/unit/inject.h"

#define CAP(c) (UINT64_C(1) << CAP_##c)

static uint64_t capabilities(pid_t pid, const char *set)
{
	unsigned long sets = ~0UL;
	char text[64];

	rig_status(pid, set, text);
	assert_int_equal(sscanf(text, "%lx", &sets), 1);
	return sets;
}

/* A client that is connected, so that there is a reader for as long as it is. */
static int attach(struct rig *r)
{
	struct message m;
	int fd = rig_connect(r);

	rig_hello(fd, true, true, false);
	assert_true(rig_receive_until(fd, MONITOR_OK, &m));
	return fd;
}

static void test_only_when_needed(void **state)
{
	struct rig *r = *state;
	struct message m;
	int fd;

	rig_start(r, "read x; echo one; read x; echo two; read x; exit 3");
	rig_wait_no_reader(r);
	fd = attach(r);
	assert_true(rig_reader(r) > 0);
	rig_send(fd, MONITOR_STDIN, "go\n", 3);
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	assert_string_equal((char *)m.data, "one\n");
	(void)close(fd);
	rig_wait_no_reader(r);
	/* The next one goes on in the same file, and with the same pipes. */
	fd = attach(r);
	rig_send(fd, MONITOR_STDIN, "go\n", 3);
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	assert_string_equal((char *)m.data, "two\n");
	rig_send(fd, MONITOR_STDIN, NULL, 0);
	rig_assert_exit(fd, 3, false);
	(void)close(fd);
	rig_wait(r);
	rig_assert_file(r->dir, "argv", "--config /etc/jail.json _finish web 3 exited 0\n");
}

/* An end of one stream is told from one reader to the next. */
static void test_ended_streams(void **state)
{
	struct rig *r = *state;
	int fd;

	rig_start(r, "exec >&-; echo err >&2; exec 2>&-; read x; exit 4");
	rig_wait_reader(r, 0);
	rig_wait_no_reader(r);
	fd = attach(r);
	(void)close(fd);
	rig_wait_no_reader(r);
	fd = attach(r);
	rig_send(fd, MONITOR_STDIN, NULL, 0);
	rig_assert_exit(fd, 4, false);
	(void)close(fd);
	rig_wait(r);
}

static void test_rights(void **state)
{
	struct rig *r = *state;
	char text[64];
	pid_t reader;
	int fd;

	rig_start(r, "read x");
	fd = attach(r);
	reader = rig_wait_reader(r, 0);
	assert_int_equal(capabilities(r->pid, "CapEff"),
			 CAP(KILL) | CAP(SYS_PTRACE) | CAP(SETPCAP));
	assert_int_equal(capabilities(reader, "CapEff"), CAP(KILL));
	assert_int_equal(capabilities(reader, "CapPrm"), CAP(KILL));
	assert_int_equal(capabilities(reader, "CapInh"), 0);
	assert_int_equal(capabilities(reader, "CapBnd"), 0);
	assert_int_equal(capabilities(reader, "CapAmb"), 0);
	rig_status(reader, "NoNewPrivs", text);
	assert_string_equal(text, "1");
	rig_status(reader, "Seccomp", text);
	assert_string_equal(text, inject_is_sanitized() ? "0" : "2");
	rig_status(r->pid, "NoNewPrivs", text);
	assert_string_equal(text, "0");
	rig_send(fd, MONITOR_STDIN, NULL, 0);
	rig_assert_exit(fd, 1, false);
	(void)close(fd);
	rig_wait(r);
}

struct attempt {
	const char *what;
	long nr;
	const char *path; /* its second argument */
	long args[6];
	long result;
};

#define KILLED (-(INJECT_MISSING + SIGSYS))

/* What somebody would try whose code the reader runs. */
static void test_attempts(void **state)
{
	static const struct attempt attempts[] = {
		/* Landlock's. */
		{ "read a file", SYS_openat, "/etc/passwd", { AT_FDCWD, 0, O_RDONLY }, -EACCES },
		{ "write a file", SYS_openat, "/etc/passwd", { AT_FDCWD, 0, O_WRONLY }, -EACCES },
		{ "list", SYS_openat, "/", { AT_FDCWD, 0, O_RDONLY | O_DIRECTORY }, -EACCES },
		{ "by the state's directory",
		  SYS_openat,
		  "../../../etc/passwd",
		  { MONITOR_FD_LOG, 0, O_RDONLY },
		  -EACCES },
		{ "make in the run directory",
		  SYS_openat,
		  "x",
		  { MONITOR_FD_RUN, 0, O_WRONLY | O_CREAT, 0600 },
		  -EACCES },
		{ "remove", SYS_unlinkat, "/etc/passwd", { AT_FDCWD }, -EACCES },
		{ "memory of its parent",
		  SYS_openat,
		  "/proc/1/mem",
		  { AT_FDCWD, 0, O_RDWR },
		  -EACCES },
		{ "its own work", SYS_openat, "log.json", { MONITOR_FD_LOG, 0, O_RDWR }, 0 },
		/* The filter's. */
		{ "execute", SYS_execve, NULL, { 0 }, KILLED },
		{ "execute by fd", SYS_execveat, "", { MONITOR_FD_LOG }, KILLED },
		{ "another process", SYS_kill, NULL, { 1 }, KILLED },
		{ "another pidfd", SYS_pidfd_open, NULL, { 1 }, KILLED },
		{ "signal by another fd", SYS_pidfd_send_signal, NULL, { 33, SIGKILL }, KILLED },
		{ "ptrace", SYS_ptrace, NULL, { PTRACE_ATTACH, 1 }, KILLED },
		{ "socket", SYS_socket, NULL, { AF_INET, SOCK_STREAM }, KILLED },
		{ "the keeper's lock", SYS_close, NULL, { MONITOR_FD_LOCK }, KILLED },
		{ "the keeper's fds", SYS_dup3, NULL, { 0, MONITOR_FD_LOG }, KILLED },
		{ "fd into a slot below", SYS_fcntl, NULL, { 0, F_DUPFD_CLOEXEC, 3 }, KILLED },
		{ "code", SYS_mprotect, NULL, { 0x400000, 4096, 7 }, KILLED },
		{ "mount", SYS_mount, NULL, { 0 }, KILLED },
	};
	struct rig *r = *state;
	pid_t reader = 0;
	int fd;

	rig_start(r, "read x; exit 5");
	if (inject_is_sanitized())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		const struct attempt *a = &attempts[i];
		long got;

		/* One that was killed is replaced; not so often, though. */
		if (i > 0 && a->result == KILLED) {
			assert_int_equal(rig_teardown(state), 0);
			assert_int_equal(rig_setup(state), 0);
			r = *state;
			r->loses_readers = true;
			rig_start(r, "read x; exit 5");
			reader = 0;
		}
		if (reader == 0) {
			fd = attach(r);
			reader = rig_wait_reader(r, 0);
		}
		got = inject(reader, a->nr, a->path, 1, a->args);
		if (got == -INJECT_MISSING)
			skip();
		if (got > 0)
			got = 0;
		if (got != a->result)
			fail_msg("%s: %ld instead of %ld", a->what, got, a->result);
		if (a->result == KILLED || i + 1 == ARRAY_SIZE(attempts))
			(void)close(fd);
	}
}

static size_t notes_of_loss(const struct rig *r)
{
	char *text = rig_read(r->log, "log.json", NULL);
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, RIG_LOST)) != NULL; at++)
		n++;
	free(text);
	return n;
}

/* It is replaced, clients and output stay. */
static void test_lost(void **state)
{
	struct rig *r = *state;
	struct message m;
	pid_t reader;
	int fd;

	r->loses_readers = true;
	rig_start(r, "read x; echo out; read x; exit 6");
	fd = attach(r);
	reader = rig_wait_reader(r, 0);
	assert_int_equal(kill(reader, SIGKILL), 0);
	assert_true(rig_wait_reader(r, reader) > 0);
	rig_send(fd, MONITOR_STDIN, "go\n", 3);
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	assert_string_equal((char *)m.data, "out\n");
	assert_int_equal(notes_of_loss(r), 1);
	rig_send(fd, MONITOR_STDIN, NULL, 0);
	rig_assert_exit(fd, 6, false);
	(void)close(fd);
	rig_wait(r);
	rig_assert_file(r->dir, "argv", "--config /etc/jail.json _finish web 6 exited 0\n");
}

/* Not for ever: then the instance is ended, and the record is there. */
static void test_lost_for_good(void **state)
{
	struct rig *r = *state;
	pid_t reader = 0;
	char *record;
	int fd;

	r->loses_readers = true;
	r->restart = "always";
	rig_start(r, "exec sleep 1000");
	fd = attach(r);
	for (int i = 0; i < 5; i++) {
		reader = rig_wait_reader(r, reader);
		assert_int_equal(kill(reader, SIGKILL), 0);
	}
	rig_wait(r);
	(void)close(fd);
	assert_int_equal(notes_of_loss(r), 5);
	rig_assert_file(r->dir, "argv", "--config /etc/jail.json _finish web 137 signalled 0\n");
	record = rig_read(r->log, "exit.json", NULL);
	assert_non_null(strstr(record, "\"status\":137,\"signal\":9,\"reason\":\"signalled\""));
	free(record);
}

/* With the keeper goes the reader, and the lock with both. */
static void test_keeper_dies(void **state)
{
	struct rig *r = *state;
	pid_t reader;
	int fd, pidfd;

	rig_start(r, "read x");
	fd = attach(r);
	reader = rig_wait_reader(r, 0);
	pidfd = sys_pidfd_open(reader, 0);
	assert_true(pidfd >= 0);
	assert_int_equal(kill(r->pid, SIGKILL), 0);
	assert_int_equal(poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 10000), 1);
	assert_int_equal(waitpid(r->pid, NULL, 0), r->pid);
	r->pid = 0;
	(void)close(pidfd);
	(void)close(fd);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_only_when_needed),
		RIG_TEST(test_ended_streams),
		RIG_TEST(test_rights),
		RIG_TEST(test_attempts),
		RIG_TEST(test_lost),
		RIG_TEST(test_lost_for_good),
		RIG_TEST(test_keeper_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
