/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail-monitor and its clients: attaching, input, signals, slow readers, who may not come in. */
#include "monitor_rig.h"

#include <sys/ioctl.h>
#include <termios.h>

#include "runtime/console.h"

static void test_first_client_misses_nothing(void **state)
{
	struct rig *r = *state;
	struct message m;
	int fd = rig_slot_client(r);

	rig_start(r, "echo hi; echo oops >&2; exit 7");
	/* The program is long gone when the client comes to speak. */
	msleep(300);
	assert_int_equal(rig_receive(fd, &m), MONITOR_STARTED);
	rig_hello(fd, true, false, false);
	assert_int_equal(rig_receive(fd, &m), MONITOR_OK);
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	assert_string_equal(m.data, "hi\n");
	assert_true(rig_receive_until(fd, MONITOR_STDERR, &m));
	assert_string_equal(m.data, "oops\n");
	rig_assert_exit(fd, 7, false);
	(void)close(r->slot);
	r->slot = -EBADF;
	assert_int_equal(rig_receive(fd, &m), 0);
	rig_wait(r);
	(void)close(fd);
}

/* A client that says nothing holds the output up, but not for ever. */
static void test_mute_client(void **state)
{
	struct rig *r = *state;
	int fd = rig_slot_client(r);

	rig_start(r, "echo hi");
	rig_assert_exit(fd, 0, false);
	rig_wait(r);
	(void)close(fd);
}

/* End of file comes when the last program of the supervisor has ended, not before. */
static void test_end_of_file_is_last(void **state)
{
	struct rig *r = *state;
	struct pollfd p = { .events = POLLIN };
	struct message m;
	int fd;

	rig_write(r, "linger", "", 0600);
	rig_start(r, "sleep 0.3");
	fd = rig_connect(r);
	rig_hello(fd, true, false, false);
	rig_assert_exit(fd, 0, false);
	p.fd = fd;
	assert_int_equal(poll(&p, 1, 200), 0);
	assert_int_equal(rig_receive(fd, &m), 0);
	(void)close(fd);
	rig_wait(r);
}

static void test_stdin(void **state)
{
	struct rig *r = *state;
	struct message m;
	int fd = rig_slot_client(r);

	rig_start(r, "cat; exit 5");
	rig_hello(fd, true, true, false);
	rig_send(fd, MONITOR_STDIN, "one\n", 4);
	assert_true(rig_receive_until(fd, MONITOR_STDIN_DONE, &m));
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	assert_string_equal(m.data, "one\n");
	rig_send(fd, MONITOR_STDIN, NULL, 0);
	rig_assert_exit(fd, 5, false);
	rig_wait(r);
	(void)close(fd);
}

/* A program that does not read its input holds up input, and nothing else. */
static void test_stdin_full(void **state)
{
	static uint8_t data[MONITOR_DATA_MAX];
	struct rig *r = *state;
	struct monitor_signal signal = { SIGTERM };
	struct pollfd p = { .events = POLLIN };
	struct message m;
	int fd = rig_slot_client(r);
	int sent = 0;

	rig_start(r, "trap 'exit 9' TERM; while :; do sleep 0.05; done");
	rig_hello(fd, false, true, false);
	assert_true(rig_receive_until(fd, MONITOR_OK, &m));
	p.fd = fd;
	do {
		rig_send(fd, MONITOR_STDIN, data, sizeof(data));
		assert_in_range(++sent, 1, 20);
	} while (poll(&p, 1, 300) == 1 && rig_receive(fd, &m) == MONITOR_STDIN_DONE);
	assert_in_range(sent, 4, 6);
	rig_send(fd, MONITOR_SIGNAL, &signal, sizeof(signal));
	assert_int_equal(rig_receive(fd, &m), MONITOR_OK);
	assert_true(rig_receive_until(fd, MONITOR_STDIN_DONE, &m));
	rig_assert_exit(fd, 9, false);
	rig_wait(r);
	(void)close(fd);
}

/* The program has closed its input: what comes is taken and dropped. */
static void test_stdin_closed(void **state)
{
	struct rig *r = *state;
	struct message m;
	int fd = rig_slot_client(r);

	rig_start(r, "exec <&-; echo closed; sleep 0.5");
	rig_hello(fd, true, true, false);
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	for (int i = 0; i < 3; i++) {
		rig_send(fd, MONITOR_STDIN, "x", 1);
		assert_int_equal(rig_receive(fd, &m), MONITOR_STDIN_DONE);
	}
	rig_assert_exit(fd, 0, false);
	rig_wait(r);
	(void)close(fd);
}

static void assert_ok(int fd, uint32_t type, int code)
{
	struct message m;
	struct monitor_ok ok;

	assert_true(rig_receive_until(fd, MONITOR_OK, &m));
	assert_int_equal(m.header.length, sizeof(ok));
	memcpy(&ok, m.data, sizeof(ok));
	assert_int_equal(ok.type, type);
	assert_int_equal(ok.code, code);
}

static void test_signals(void **state)
{
	struct rig *r = *state;
	struct monitor_signal signal = { SIGUSR1 };
	struct message m;
	int fd = rig_slot_client(r);

	rig_start(r, "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.02; done");
	rig_hello(fd, true, false, false);
	assert_ok(fd, MONITOR_HELLO, 0);
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	rig_send(fd, MONITOR_SIGNAL, &signal, sizeof(signal));
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	assert_string_equal(m.data, "usr1\n");
	signal.signal = 1000;
	rig_send(fd, MONITOR_SIGNAL, &signal, sizeof(signal));
	assert_ok(fd, MONITOR_SIGNAL, EINVAL);
	signal.signal = SIGKILL;
	rig_send(fd, MONITOR_SIGNAL, &signal, sizeof(signal));
	rig_assert_exit(fd, 137, false);
	rig_wait(r);
	(void)close(fd);
}

/* Receives to the end. Return: bytes of output; *ret_skipped what was skipped. */
static uint64_t receive_all(int fd, uint64_t *ret_skipped)
{
	uint64_t bytes = 0;
	struct message m;
	uint32_t type;

	*ret_skipped = 0;
	while ((type = rig_receive(fd, &m)) != 0) {
		struct monitor_skipped skipped;

		if (type == MONITOR_STDOUT)
			bytes += m.header.length;
		if (type != MONITOR_SKIPPED)
			continue;
		memcpy(&skipped, m.data, sizeof(skipped));
		*ret_skipped += skipped.bytes;
	}
	return bytes;
}

/* Nobody waits for a client that does not read; it learns what it has missed. */
static void test_slow_client(void **state)
{
	enum { SIZE = 4000000 };
	struct rig *r = *state;
	uint64_t bytes, skipped;
	int fd;

	rig_start(r, "read x < go; yes | head -c 4000000; touch done; sleep 0.5");
	fd = rig_connect(r);
	rig_hello(fd, true, false, false);
	assert_ok(fd, MONITOR_HELLO, 0);
	assert_int_equal(write(openat(r->dir, "go", O_WRONLY), "go\n", 3), 3);
	for (int i = 0; i < 1000 && faccessat(r->dir, "done", F_OK, 0) < 0; i++)
		msleep(10);
	assert_int_equal(faccessat(r->dir, "done", F_OK, 0), 0);
	bytes = receive_all(fd, &skipped);
	assert_in_range(skipped, 1, SIZE - 1);
	assert_int_equal(bytes + skipped, SIZE);
	rig_wait(r);
	(void)close(fd);
}

static void test_lossless_client(void **state)
{
	enum { SIZE = 4000000 };
	struct rig *r = *state;
	uint64_t skipped;
	int fd = rig_slot_client(r);

	rig_start(r, "yes | head -c 4000000; touch done");
	rig_hello(fd, true, false, true);
	(void)close(r->slot);
	r->slot = -EBADF;
	msleep(500);
	/* It waits, as for a pipe. */
	assert_int_equal(faccessat(r->dir, "done", F_OK, 0), -1);
	assert_int_equal(receive_all(fd, &skipped), SIZE);
	assert_int_equal(skipped, 0);
	rig_wait(r);
	(void)close(fd);
}

/* Who stops an instance does not wait for a lossless client. */
static void test_lossless_client_is_stopped(void **state)
{
	struct rig *r = *state;
	int fd = rig_slot_client(r);
	int control;

	rig_start(r, "yes | head -c 4000000; touch done");
	rig_hello(fd, true, false, true);
	msleep(200);
	control = rig_connect(r);
	rig_send(control, MONITOR_STOPPING, NULL, 0);
	assert_ok(control, MONITOR_STOPPING, 0);
	rig_wait(r);
	rig_assert_file(r->dir, "argv", "--config /etc/jail.json _finish web 0 stopped 0\n");
	(void)close(control);
	(void)close(fd);
}

static void assert_dropped(struct rig *r, const void *data, size_t n)
{
	struct message m;
	int fd = rig_connect(r);
	uint32_t type;

	rig_hello(fd, false, true, false);
	assert_ok(fd, MONITOR_HELLO, 0);
	assert_int_equal(send(fd, data, n, MSG_NOSIGNAL), (ssize_t)n);
	do {
		type = rig_receive(fd, &m);
	} while (type == MONITOR_STDIN_DONE);
	assert_int_equal(type, 0);
	(void)close(fd);
}

static void test_malformed_messages(void **state)
{
	static struct message huge = { .header = { MONITOR_STDIN, MONITOR_DATA_MAX + 1 } };
	const struct message wrong_length = { .header = { MONITOR_SIGNAL, 8 } };
	const struct message bad_size = { .header = { MONITOR_SIGNAL, 3 } };
	const struct message unknown = { .header = { 99, 0 } };
	const struct message not_ours = { .header = { MONITOR_EXIT, 0 } };
	const struct message long_control = { .header = { MONITOR_HELLO, 100 } };
	struct rig *r = *state;
	int fd;

	rig_start(r, "read x < go");
	assert_dropped(r, "x", 1);
	assert_dropped(r, &wrong_length, sizeof(wrong_length.header) + 4);
	assert_dropped(r, &bad_size, sizeof(bad_size.header) + 3);
	assert_dropped(r, &unknown, sizeof(unknown.header));
	assert_dropped(r, &not_ours, sizeof(not_ours.header));
	assert_dropped(r, &long_control, sizeof(long_control.header) + 100);
	assert_dropped(r, &huge, sizeof(huge.header) + MONITOR_DATA_MAX + 1);
	/* It is all the same to the instance. */
	fd = rig_connect(r);
	rig_hello(fd, true, false, false);
	assert_ok(fd, MONITOR_HELLO, 0);
	assert_int_equal(write(openat(r->dir, "go", O_WRONLY), "go\n", 3), 3);
	rig_assert_exit(fd, 0, false);
	rig_wait(r);
	(void)close(fd);
}

/* Six talk, two more only control, the next waits for a slot. */
static void test_slots(void **state)
{
	struct rig *r = *state;
	struct pollfd p = { .events = POLLIN };
	struct message m;
	int fds[9];

	rig_start(r, "read x < go");
	for (int i = 0; i < 6; i++) {
		fds[i] = rig_connect(r);
		rig_hello(fds[i], true, false, false);
		assert_ok(fds[i], MONITOR_HELLO, 0);
	}
	fds[6] = rig_connect(r);
	rig_hello(fds[6], true, false, false);
	assert_int_equal(rig_receive(fds[6], &m), 0);
	(void)close(fds[6]);
	for (int i = 6; i < 9; i++) {
		fds[i] = rig_connect(r);
		rig_hello(fds[i], false, false, false);
	}
	assert_ok(fds[6], MONITOR_HELLO, 0);
	assert_ok(fds[7], MONITOR_HELLO, 0);
	p.fd = fds[8];
	assert_int_equal(poll(&p, 1, 200), 0);
	(void)close(fds[0]);
	assert_ok(fds[8], MONITOR_HELLO, 0);
	assert_int_equal(write(openat(r->dir, "go", O_WRONLY), "go\n", 3), 3);
	for (int i = 1; i < 9; i++) {
		rig_assert_exit(fds[i], 0, false);
		(void)close(fds[i]);
	}
	rig_wait(r);
}

static void test_only_root(void **state)
{
	struct rig *r = *state;
	struct message m;
	int status;
	pid_t pid;

	rig_start(r, "read x < go");
	pid = fork();
	if (pid == 0) {
		int fd;

		if (setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		fd = rig_connect(r);
		rig_hello(fd, true, true, false);
		_exit(rig_receive(fd, &m) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(write(openat(r->dir, "go", O_WRONLY), "go\n", 3), 3);
	rig_wait(r);
}

static int open_master(struct rig *r)
{
	struct err e = ERR_INIT;

	r->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(r->master >= 0);
	assert_int_equal(grantpt(r->master) | unlockpt(r->master), 0);
	assert_int_equal(console_prepare_pty(r->master, &e), 0);
	r->tty = true;
	return r->master;
}

static void test_console(void **state)
{
	const struct monitor_winsize size = { 33, 77 };
	struct rig *r = *state;
	struct message m;
	int fd = rig_slot_client(r);

	(void)open_master(r);
	rig_start(r, "stty -echo; echo go; read x; stty size; echo got $x; exit 3");
	rig_send(fd, MONITOR_WINSIZE, &size, sizeof(size));
	rig_hello(fd, true, true, false);
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	assert_string_equal(m.data, "go\r\n");
	rig_send(fd, MONITOR_STDIN, "word\n", 5);
	assert_true(rig_receive_until(fd, MONITOR_STDOUT, &m));
	assert_memory_equal(m.data, "33 77\r\n", 7);
	rig_assert_exit(fd, 3, false);
	rig_wait(r);
	(void)close(fd);
}

/* Nobody has the console open for a while: neither the end nor a busy loop. */
static void test_console_hung(void **state)
{
	struct rig *r = *state;
	struct logged l = { .n = { 0 } };
	struct timespec used;
	clockid_t clock;

	(void)open_master(r);
	rig_start(r, "tty=$(tty); exec </dev/null >/dev/null 2>&1; sleep 1.5; echo back > $tty; "
		     "sleep 1.2; exit 0");
	msleep(1000);
	assert_int_equal(clock_getcpuclockid(r->pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &used), 0);
	assert_int_equal(used.tv_sec, 0);
	assert_in_range(used.tv_nsec, 0, 50000000);
	rig_wait(r);
	rig_read_log_file(r->log, "log.json", &l);
	assert_string_equal(l.text[LOG_FROM_STDOUT], "back\r\n");
	logged_free(&l);
}

static int setup_with_fifo(void **state)
{
	struct rig *r;

	if (rig_setup(state) < 0)
		return -1;
	r = *state;
	assert_int_equal(mkfifoat(r->dir, "go", 0600), 0);
	return fchdir(r->dir);
}

#define CLIENT_TEST(f) cmocka_unit_test_setup_teardown(f, setup_with_fifo, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(test_first_client_misses_nothing),
		CLIENT_TEST(test_mute_client),
		CLIENT_TEST(test_end_of_file_is_last),
		CLIENT_TEST(test_stdin),
		CLIENT_TEST(test_stdin_full),
		CLIENT_TEST(test_stdin_closed),
		CLIENT_TEST(test_signals),
		CLIENT_TEST(test_slow_client),
		CLIENT_TEST(test_lossless_client),
		CLIENT_TEST(test_lossless_client_is_stopped),
		CLIENT_TEST(test_malformed_messages),
		CLIENT_TEST(test_slots),
		CLIENT_TEST(test_only_root),
		CLIENT_TEST(test_console),
		CLIENT_TEST(test_console_hung),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
