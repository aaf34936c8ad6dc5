/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail-monitor after the exit: decision, back-off, the next program; how it ends; what it weighs.
 */
#include "monitor_rig.h"

#define FINISH "--config /etc/jail.json _finish web "
#define LAUNCH "--config /etc/jail.json _launch web "

struct decision {
	const char *policy;
	unsigned max_retries, retries, ran_ms, delay_ms, remove;
	const char *script;
	const char *expected;
};

static void test_decisions(void **state)
{
	static const struct decision decisions[] = {
		{ "no", 0, 0, 0, 0, 0, "exit 1", FINISH "1 exited 0\n" },
		{ "no", 0, 0, 0, 0, 1, "exit 0", FINISH "0 exited 1\n" },
		{ "on-failure", 0, 0, 0, 0, 0, "exit 0", FINISH "0 exited 0\n" },
		{ "on-failure", 0, 0, 0, 0, 0, "exit 255", LAUNCH "1\n" },
		{ "on-failure", 0, 0, 0, 0, 0, "kill -TERM $$", LAUNCH "1\n" },
		{ "on-failure", 3, 2, 0, 0, 0, "exit 1", LAUNCH "3\n" },
		{ "on-failure", 3, 3, 0, 0, 0, "exit 1", FINISH "1 exited 0\n" },
		{ "always", 0, 70, 0, 0, 0, "exit 0", LAUNCH "71\n" },
		{ "always", 3, 3, 0, 0, 0, "exit 0", FINISH "0 exited 0\n" },
		/* A good run forgets the failures before it: 10 s, and 10 delays. */
		{ "always", 3, 3, 10000, 0, 0, "exit 0", LAUNCH "1\n" },
		{ "always", 3, 3, 9000, 0, 0, "exit 0", FINISH "0 exited 0\n" },
		{ "always", 3, 3, 19000, 2000, 0, "exit 0", FINISH "0 exited 0\n" },
		{ "always", 3, 3, 11000, 100, 0, "exit 0", LAUNCH "1\n" },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++) {
		const struct decision *d = &decisions[i];

		r->restart = d->policy;
		r->max_retries = d->max_retries;
		r->retries = d->retries;
		r->ran_ms = d->ran_ms;
		r->delay_ms = d->delay_ms;
		r->remove = d->remove;
		(void)unlinkat(r->dir, "argv", 0);
		rig_start(r, d->script);
		rig_wait(r);
		rig_assert_file(r->dir, "argv", d->expected);
	}
}

/* 100 ms, third time: 400 ms. */
static void test_backoff(void **state)
{
	struct rig *r = *state;
	uint64_t start = clock_boot_ms();

	r->restart = "always";
	r->delay_ms = 100;
	r->retries = 2;
	rig_start(r, "true");
	rig_wait(r);
	assert_in_range(clock_boot_ms() - start, 400, 900);
	rig_assert_file(r->dir, "argv", LAUNCH "3\n");
}

/* Doubling ends at 100 times the delay. */
static void test_backoff_bound(void **state)
{
	struct rig *r = *state;
	uint64_t start = clock_boot_ms();

	r->restart = "always";
	r->delay_ms = 5;
	r->retries = 60;
	rig_start(r, "true");
	rig_wait(r);
	assert_in_range(clock_boot_ms() - start, 500, 1000);
}

static void test_stop_during_backoff(void **state)
{
	struct rig *r = *state;
	struct message m;
	int fd = rig_slot_client(r);
	int late;

	r->restart = "always";
	r->delay_ms = 60000;
	rig_start(r, "exit 6");
	rig_hello(fd, true, false, false);
	rig_assert_exit(fd, 6, true);
	/* The record is there when the news is. */
	assert_int_equal(faccessat(r->log, "exit.json", F_OK, 0), 0);
	late = rig_connect(r);
	rig_hello(late, true, false, false);
	rig_assert_exit(late, 6, true);
	rig_send(late, MONITOR_STOPPING, NULL, 0);
	assert_true(rig_receive_until(late, MONITOR_OK, &m) || m.header.type == MONITOR_EXIT);
	rig_assert_exit(fd, 6, false);
	rig_wait(r);
	rig_assert_file(r->dir, "argv", FINISH "6 stopped 0\n");
	(void)close(late);
	(void)close(fd);
}

static void test_stopping_prevents_restart(void **state)
{
	struct rig *r = *state;
	struct monitor_signal signal = { SIGTERM };
	struct message m;
	int fd;

	r->restart = "always";
	rig_start(r, "trap 'exit 0' TERM; while :; do sleep 0.02; done");
	fd = rig_connect(r);
	rig_send(fd, MONITOR_STOPPING, NULL, 0);
	assert_int_equal(rig_receive(fd, &m), MONITOR_OK);
	msleep(200);
	rig_send(fd, MONITOR_SIGNAL, &signal, sizeof(signal));
	rig_assert_exit(fd, 0, false);
	rig_wait(r);
	rig_assert_file(r->dir, "argv", FINISH "0 stopped 0\n");
	(void)close(fd);
}

/* SIGTERM to the monitor stops the instance; what a terminal may send it does nothing. */
static void test_signals_to_monitor(void **state)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE };
	struct rig *r = *state;

	r->restart = "always";
	rig_start(r, "trap 'exit 8' TERM; while :; do sleep 0.02; done");
	msleep(300);
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		assert_int_equal(kill(r->pid, ignored[i]), 0);
	msleep(100);
	assert_int_equal(waitpid(r->pid, NULL, WNOHANG), 0);
	assert_int_equal(kill(r->pid, SIGTERM), 0);
	rig_wait(r);
	rig_assert_file(r->dir, "argv", FINISH "8 stopped 0\n");
}

/* The next program has the fixed fds and the clients, and no others of ours. */
static void test_fds_of_next_program(void **state)
{
	struct rig *r = *state;
	int fd = rig_slot_client(r);
	char wanted[16];
	int second;
	char *fds;

	rig_start(r, "sleep 0.5");
	rig_hello(fd, true, true, false);
	second = rig_connect(r);
	rig_hello(second, false, false, false);
	rig_wait(r);
	fds = rig_read(r->dir, "fds", NULL);
	for (int i = MONITOR_FD_LOCK; i <= MONITOR_FD_CLIENT + 1; i++) {
		(void)snprintf(wanted, sizeof(wanted), " %d -> ", i);
		assert_non_null(strstr(fds, wanted));
	}
	assert_null(strstr(fds, "signalfd"));
	assert_null(strstr(fds, "log.json"));
	/* Then come the shell's script and the directory that ls reads. */
	(void)snprintf(wanted, sizeof(wanted), " %d -> ", MONITOR_FD_CLIENT + 4);
	assert_null(strstr(fds, wanted));
	free(fds);
	(void)close(second);
	(void)close(fd);
}

/* HELLO is said once, whatever the number of starts. */
static void test_hello_holds_over_restart(void **state)
{
	struct rig *r = *state;
	struct message m;
	int fd = rig_slot_client(r);

	r->restart = "always";
	rig_start(r, "echo first");
	rig_hello(fd, true, false, false);
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	assert_string_equal(m.data, "first\n");
	rig_assert_exit(fd, 0, true);
	rig_wait(r);
	rig_assert_file(r->dir, "argv", LAUNCH "1\n");
	r->restart = "no";
	rig_start(r, "echo second");
	assert_int_equal(rig_receive(fd, &m), MONITOR_STARTED);
	assert_int_equal(rig_receive(fd, &m), MONITOR_STDOUT);
	assert_string_equal(m.data, "second\n");
	rig_assert_exit(fd, 0, false);
	rig_wait(r);
	(void)close(fd);
}

static void test_next_program_is_missing(void **state)
{
	struct rig *r = *state;
	struct logged l = { .n = { 0 } };
	int status;

	assert_int_equal(unlinkat(r->dir, "jail", 0), 0);
	rig_start(r, "true");
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	r->pid = 0;
	assert_int_equal(WEXITSTATUS(status), 125);
	rig_read_log_file(r->log, "log.json", &l);
	assert_string_equal(l.text[LOG_FROM_JAIL],
			    "the next program could not be executed: errno 2\n");
	logged_free(&l);
}

static void test_wrong_arguments(void **state)
{
	char monitor[512];
	int status;
	pid_t pid;

	(void)state;
	rig_program("jail-monitor", monitor, sizeof(monitor));
	pid = fork();
	if (pid == 0) {
		(void)close(STDERR_FILENO);
		execl(monitor, "jail-monitor", "web", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 125);
}

/* Pid of the instance's init, a child of the monitor. */
static pid_t child_of(pid_t parent)
{
	char path[64], text[32] = "";
	int number = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	for (int i = 0; i < 200 && number == 0; i++) {
		fd = open(path, O_RDONLY);
		if (read(fd, text, sizeof(text) - 1) > 0)
			(void)sscanf(text, "%d", &number);
		(void)close(fd);
		msleep(10);
	}
	assert_in_range(number, 2, 1 << 22);
	return number;
}

static bool dies(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 5000) == 1;
}

/* The supervisor is killed: its instance does not survive it. */
static void test_instance_dies_with_monitor(void **state)
{
	struct rig *r = *state;
	char init[512];
	char script[1024];
	int pidfd;

	rig_program("jail-init", init, sizeof(init));
	(void)snprintf(script, sizeof(script), "exec 3>/dev/null; exec %s 3 0 -- sleep 1000", init);
	r->pid_namespace = true;
	rig_start(r, script);
	pidfd = sys_pidfd_open(child_of(r->pid), 0);
	assert_true(pidfd >= 0);
	msleep(300);
	assert_false(poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 0) == 1);
	assert_int_equal(kill(r->pid, SIGKILL), 0);
	assert_true(dies(pidfd));
	(void)close(pidfd);
	(void)waitpid(r->pid, NULL, 0);
	r->pid = 0;
}

/* Sum of a field of smaps_rollup, in KiB. */
static long memory_kib(pid_t pid, const char *field)
{
	char path[64], line[256];
	long kib = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, field, strlen(field)) == 0)
			(void)sscanf(line + strlen(field), ": %ld", &kib);
	}
	(void)fclose(f);
	assert_in_range(kib, 1, 1 << 20);
	return kib;
}

static long print_memory(const char *name, pid_t pid)
{
	long pss = memory_kib(pid, "Pss");

	print_message("%s: PSS %ld KiB, anonymous %ld KiB\n", name, pss,
		      memory_kib(pid, "Anonymous"));
	return pss;
}

/* Design's promise 6: at most 100 KiB for an idle instance, monitor and init together, even with a
 * client attached, for whom there is a reader; also after there has been something to do. */
static void test_memory(void **state)
{
	struct rig *r = *state;
	uint64_t bytes = 0;
	struct message m;
	char init[512], script[1024];
	pid_t init_pid, reader;
	int fd = rig_slot_client(r);
	long before, after;

	rig_program("jail-init", init, sizeof(init));
	(void)snprintf(script, sizeof(script),
		       "exec 3>/dev/null; exec %s 3 0 -- sh -c "
		       "'read x; head -c 3000000 /dev/urandom; echo; read x; exec sleep 1000'",
		       init);
	r->pid_namespace = true;
	rig_start(r, script);
	rig_hello(fd, true, true, true);
	init_pid = child_of(r->pid);
	reader = rig_wait_reader(r, 0);
	msleep(1500);
	print_memory("keeper, idle", r->pid);
	print_memory("reader, idle", reader);
	/* Anonymous memory: text is shared with whatever other monitors run just now. */
	before = memory_kib(reader, "Anonymous");
	rig_send(fd, MONITOR_STDIN, "go\n", 3);
	while (bytes < 3000000) {
		if (rig_receive(fd, &m) == MONITOR_STDOUT)
			bytes += m.header.length;
	}
	rig_send(fd, MONITOR_STDIN, "go\n", 3);
	print_memory("reader, at work", reader);
	/* It gives its buffers back when it has been quiet for a while. */
	after = memory_kib(reader, "Anonymous");
	for (int i = 0; i < 300 && after > before + 8; i++) {
		msleep(100);
		after = memory_kib(reader, "Anonymous");
	}
	assert_in_range(after, 1, before + 8);
	after = print_memory("reader, idle again", reader);
	after += print_memory("keeper", r->pid);
	after += print_memory("jail-init", init_pid);
	print_message("all: PSS %ld KiB\n", after);
	if (strstr(init, "-san/") == NULL)
		assert_in_range(after, 1, 100);
	(void)close(fd);
	rig_wait_no_reader(r);
	after = print_memory("keeper, alone", r->pid) + print_memory("jail-init", init_pid);
	print_message("both: PSS %ld KiB\n", after);
	if (strstr(init, "-san/") == NULL)
		assert_in_range(after, 1, 100);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_decisions),
		RIG_TEST(test_backoff),
		RIG_TEST(test_backoff_bound),
		RIG_TEST(test_stop_during_backoff),
		RIG_TEST(test_stopping_prevents_restart),
		RIG_TEST(test_signals_to_monitor),
		RIG_TEST(test_fds_of_next_program),
		RIG_TEST(test_hello_holds_over_restart),
		RIG_TEST(test_next_program_is_missing),
		RIG_TEST(test_wrong_arguments),
		RIG_TEST(test_instance_dies_with_monitor),
		RIG_TEST(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
