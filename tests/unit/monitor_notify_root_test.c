/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail-monitor: READY=1 and WATCHDOG=1 of the program, and nothing else of what it says. */
#include <sys/inotify.h>

#include "tests/unit/monitor_rig.h"

static int setup(void **state)
{
	int r = rig_setup(state);
	struct rig *rig = *state;

	rig->notify = true;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, rig->notify_fds), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, rig->ready_fds), 0);
	rig_write(rig, "cgroup.events", "populated 1\nfrozen 0\n", 0644);
	return r;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 2; i++) {
		(void)close(rig->notify_fds[i]);
		if (rig->ready_fds[i] >= 0)
			(void)close(rig->ready_fds[i]);
	}
	return rig_teardown(state);
}

static void say(const struct rig *r, const char *text)
{
	assert_int_equal(send(r->notify_fds[0], text, strlen(text), 0), (ssize_t)strlen(text));
}

/* Only the monitor has the other end now. */
static void start(struct rig *r, const char *script)
{
	rig_start(r, script);
	(void)close(r->ready_fds[1]);
	r->ready_fds[1] = -1;
}

static void await(struct rig *r)
{
	int fd = openat(r->run, "awaited", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
}

static void assert_reason(const struct rig *r, const char *reason)
{
	char *text = rig_read(r->log, "exit.json", NULL), want[64];

	(void)snprintf(want, sizeof(want), "\"reason\":\"%s\"", reason);
	if (!strstr(text, want))
		fail_msg("%s: %s", want, text);
	free(text);
}

static void test_ready_is_passed_on_once(void **state)
{
	struct rig *r = *state;
	char text[32];

	await(r);
	start(r, "exec sleep 1000");
	say(r, "STATUS=on my way\nMAINPID=1\nREADY=0\nXREADY=1");
	say(r, "STATUS=up\nREADY=1\nMAINPID=1");
	assert_int_equal(recv(r->ready_fds[0], text, sizeof(text), 0), strlen(MONITOR_READY));
	assert_memory_equal(text, MONITOR_READY, strlen(MONITOR_READY));
	/* End of file: it has let go, and a second one goes nowhere. */
	assert_int_equal(recv(r->ready_fds[0], text, sizeof(text), 0), 0);
	assert_int_equal(faccessat(r->run, "awaited", F_OK, 0), -1);
	say(r, "READY=1");
	(void)kill(r->pid, SIGTERM);
	rig_wait(r);
	assert_reason(r, "stopped");
}

static void test_an_end_before_ready(void **state)
{
	struct rig *r = *state;
	char text[32];

	await(r);
	start(r, "exit 3");
	assert_int_equal(recv(r->ready_fds[0], text, sizeof(text), 0), 0);
	rig_wait(r);
	assert_reason(r, "exited");
	assert_int_equal(faccessat(r->run, "awaited", F_OK, 0), 0);
}

static void test_silence_is_the_end(void **state)
{
	struct rig *r = *state;

	r->watchdog_ms = 50;
	start(r, "exec sleep 1000");
	rig_wait(r);
	assert_reason(r, "watchdog");
}

static void test_not_before_it_is_ready(void **state)
{
	struct rig *r = *state;
	char text[32];

	r->watchdog_ms = 1;
	await(r);
	start(r, "exec sleep 1000");
	say(r, "WATCHDOG=1");
	/* It would be over long ago. */
	msleep(100);
	say(r, "READY=1");
	assert_int_equal(recv(r->ready_fds[0], text, sizeof(text), 0), strlen(MONITOR_READY));
	rig_wait(r);
	assert_reason(r, "watchdog");
}

static void test_trigger(void **state)
{
	struct rig *r = *state;

	r->watchdog_ms = 1000000;
	start(r, "exec sleep 1000");
	say(r, "WATCHDOG=1\nWATCHDOG=trigger");
	rig_wait(r);
	assert_reason(r, "watchdog");
}

/* The monitor looks at cgroup.events when the time is over, which inotify tells. */
static void test_a_paused_one_is_spared(void **state)
{
	struct rig *r = *state;
	int watch = inotify_init1(IN_CLOEXEC);
	char path[128], event[1024];

	rig_write(r, "cgroup.events", "populated 1\nfrozen 1\n", 0644);
	(void)snprintf(path, sizeof(path), "%s/cgroup.events", r->path);
	assert_true(inotify_add_watch(watch, path, IN_ACCESS) >= 0);
	r->watchdog_ms = 20;
	start(r, "exec sleep 1000");
	for (int i = 0; i < 3; i++)
		assert_true(read(watch, event, sizeof(event)) > 0);
	assert_int_equal(faccessat(r->log, "exit.json", F_OK, 0), -1);
	rig_write(r, "cgroup.events", "populated 1\nfrozen 0\n", 0644);
	rig_wait(r);
	assert_reason(r, "watchdog");
	(void)close(watch);
}

#define NOTIFY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NOTIFY_TEST(test_ready_is_passed_on_once),
		NOTIFY_TEST(test_an_end_before_ready),
		NOTIFY_TEST(test_silence_is_the_end),
		NOTIFY_TEST(test_not_before_it_is_ready),
		NOTIFY_TEST(test_trigger),
		NOTIFY_TEST(test_a_paused_one_is_spared),
	};

	return cmocka_run_group_tests(tests, rig_private_mounts, NULL);
}
