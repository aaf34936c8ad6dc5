/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A jail-monitor with everything that it expects around it: state directories, an "init" that is a
 * shell script, the fixed fds, and a JAIL_PROGRAM that writes down how it was called.
 */
#ifndef JAIL_TESTS_MONITOR_RIG_H
#define JAIL_TESTS_MONITOR_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/sys.h"
#include "runtime/log_priv.h"
#include "runtime/monitor_proto.h"

#define RIG_HIGH_FD 100
#define RIG_LOST "the part that reads was lost" /* the keeper's note */

struct rig {
	char path[64];
	int dir, run, log;
	int listener;
	pid_t pid; /* of the monitor */
	/* What the next start uses. */
	const char *restart;
	unsigned max_retries, delay_ms, retries, ran_ms, remove, files;
	uint64_t log_max;
	bool tty;
	bool pid_namespace; /* the init is PID 1 of a new one, so that nothing outlives it */
	bool notify; /* with sockets and a cgroup directory of its own: notify[], ready[], cgroup */
	unsigned watchdog_ms;
	int notify_fds[2], ready_fds[2]; /* ours first */
	int slot; /* server's end for the first slot, or -EBADF */
	int master; /* with tty */
	bool loses_readers; /* on purpose; else none may be lost, by the filter say */
};

/* build/tests/unit/X_test -> build/NAME */
static inline void rig_program(const char *name, char *ret, size_t n)
{
	ssize_t length = readlink("/proc/self/exe", ret, n - 1);

	assert_true(length > 0);
	ret[length] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(ret, '/') = '\0';
	assert_true(strlen(ret) + strlen(name) + 2 < n);
	(void)snprintf(ret + strlen(ret), n - strlen(ret), "/%s", name);
	if (access(ret, X_OK) != 0)
		fail_msg("%s is missing: make all", ret);
}

static inline void rig_write(const struct rig *r, const char *name, const char *text, mode_t mode)
{
	struct err e = ERR_INIT;

	assert_int_equal(file_write_at(r->dir, name, text, strlen(text), mode, FILE_NOSYNC, &e), 0);
}

static inline int rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char program[512];

	*r = (struct rig){ .path = "/tmp/monitor-test-XXXXXX",
			   .restart = "no",
			   .log_max = 1 << 20,
			   .files = 3,
			   .slot = -EBADF,
			   .master = -EBADF };
	assert_non_null(mkdtemp(r->path));
	r->dir = open(r->path, O_DIRECTORY | O_CLOEXEC);
	assert_true(r->dir >= 0);
	assert_int_equal(mkdirat(r->dir, "run", 0755), 0);
	assert_int_equal(mkdirat(r->dir, "log", 0700), 0);
	r->run = openat(r->dir, "run", O_DIRECTORY | O_CLOEXEC);
	r->log = openat(r->dir, "log", O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(program, sizeof(program),
		       "#!/bin/sh\nprintf '%%s\\n' \"$*\" >> %s/argv\n"
		       "ls -l /proc/self/fd > %s/fds\n[ ! -e %s/linger ] || sleep 0.5\n",
		       r->path, r->path, r->path);
	rig_write(r, "jail", program, 0755);
	/* Readable by all, so that a test as nobody meets the check of the peer, not the path. */
	assert_int_equal(fchmod(r->dir, 0755), 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/attach.sock", r->path);
	r->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(r->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(r->listener, 64), 0);
	assert_int_equal(chmod(address.sun_path, 0777), 0);
	*state = r;
	return 0;
}

static inline char *rig_read(int dir, const char *name, size_t *ret_n)
{
	struct err e = ERR_INIT;
	char *text;
	size_t n;

	if (file_read_at(dir, name, 1u << 30, &text, &n, &e) < 0)
		fail_msg("%s", e.text);
	if (ret_n != NULL)
		*ret_n = n;
	return text;
}

static inline void rig_assert_no_loss(const struct rig *r)
{
	struct err e = ERR_INIT;
	char *text;
	size_t n;

	if (r->loses_readers || file_read_at(r->log, "log.json", 1u << 30, &text, &n, &e) < 0)
		return;
	assert_null(strstr(text, RIG_LOST));
	free(text);
}

static inline int rig_teardown(void **state)
{
	struct rig *r = *state;
	struct err e = ERR_INIT;
	int tmp;

	if (r->pid > 0) {
		(void)kill(r->pid, SIGKILL);
		(void)waitpid(r->pid, NULL, 0);
	}
	rig_assert_no_loss(r);
	(void)close(r->run);
	(void)close(r->log);
	(void)close(r->dir);
	(void)close(r->listener);
	if (r->slot >= 0)
		(void)close(r->slot);
	if (r->master >= 0)
		(void)close(r->master);
	assert_int_equal(chdir("/"), 0);
	tmp = open("/tmp", O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(path_remove_tree(tmp, r->path + strlen("/tmp/"), &e), 0);
	(void)close(tmp);
	free(r);
	return 0;
}

/* The supervisor: makes the init, arranges the fds, becomes the monitor. Does not return. */
static inline void rig_become_monitor(struct rig *r, const char *monitor, char *const command[])
{
	int out[2], err[2], in[2];
	int fds[MONITOR_FD_CLIENT + 1 - MONITOR_FD_LOCK];
	char number[12][24];
	char program[128];
	char *slave = NULL;
	struct clone_args how = { .flags = r->pid_namespace ? CLONE_NEWPID : 0,
				  .exit_signal = SIGCHLD };
	pid_t init;

	assert_int_equal(pipe(out) | pipe(err) | pipe(in), 0);
	if (r->tty)
		slave = ptsname(r->master);
	/* Not unshare(2), which would have the monitor's own children there, too. */
	init = sys_clone3(&how);
	if (init < 0)
		_exit(124);
	if (init == 0) {
		if (r->tty) {
			(void)setsid();
			in[0] = open(slave, O_RDWR);
			out[1] = err[1] = in[0];
		}
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		(void)dup2(err[1], 2);
		(void)sys_close_range(3, ~0U, 0);
		execvp(command[0], command);
		_exit(127);
	}
	fds[0] = open("/dev/null", O_RDWR);
	fds[1] = sys_pidfd_open(init, 0);
	fds[2] = r->run;
	fds[3] = r->log;
	fds[4] = r->listener;
	fds[5] = r->tty ? r->master : out[0];
	fds[6] = r->tty ? fds[0] : err[0];
	fds[7] = r->tty ? r->master : in[1];
	fds[8] = r->notify ? r->notify_fds[1] : fds[0];
	fds[9] = r->notify ? r->ready_fds[1] : fds[0];
	fds[10] = r->dir;
	fds[11] = r->slot >= 0 ? r->slot : fds[0];
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = fcntl(fds[i], F_DUPFD, RIG_HIGH_FD);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		(void)dup2(fds[i], MONITOR_FD_LOCK + (int)i);
	(void)sys_close_range(MONITOR_FD_CLIENT + 1, MONITOR_FD_KEEP - 1, 0);
	(void)dup2(fds[0], MONITOR_FD_KEEP);
	(void)sys_close_range(MONITOR_FD_END, ~0U, 0);
	(void)snprintf(program, sizeof(program), "%s/jail", r->path);
	(void)snprintf(number[0], 24, "%d", init);
	(void)snprintf(number[1], 24, "%d", r->tty);
	(void)snprintf(number[2], 24, "%llu", (unsigned long long)r->log_max);
	(void)snprintf(number[3], 24, "%u", r->files);
	(void)snprintf(number[4], 24, "%u", r->max_retries);
	(void)snprintf(number[5], 24, "%u", r->delay_ms);
	(void)snprintf(number[6], 24, "%u", r->retries);
	(void)snprintf(number[7], 24, "%llu", (unsigned long long)(clock_boot_ms() - r->ran_ms));
	(void)snprintf(number[8], 24, "%u", r->remove);
	(void)snprintf(number[9], 24, "%u", r->notify);
	(void)snprintf(number[10], 24, "%u", r->watchdog_ms);
	execl(monitor, "jail-monitor", "web", number[0], program, "/etc/jail.json", number[1],
	      number[2], number[3], r->restart, number[4], number[5], number[6], number[7],
	      number[8], number[9], number[10], (char *)NULL);
	_exit(125);
}

static inline void rig_start_argv(struct rig *r, char *const command[])
{
	char monitor[512];

	rig_program("jail-monitor", monitor, sizeof(monitor));
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0)
		rig_become_monitor(r, monitor, command);
}

static inline void rig_start(struct rig *r, const char *script)
{
	char *const command[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
				  (char *)(uintptr_t)script, NULL };

	rig_start_argv(r, command);
}

/* Until the supervisor's last program has ended. */
static inline void rig_wait(struct rig *r)
{
	int status;

	for (int i = 0; i < 6000; i++) {
		pid_t pid = waitpid(r->pid, &status, WNOHANG);

		if (pid == r->pid) {
			r->pid = 0;
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), 0);
			return;
		}
		(void)usleep(10000);
	}
	fail_msg("the monitor does not end");
}

static inline void rig_assert_file(int dir, const char *name, const char *expected)
{
	char *text = rig_read(dir, name, NULL);

	assert_string_equal(text, expected);
	free(text);
}

static inline void msleep(unsigned ms)
{
	(void)usleep(ms * 1000);
}

/* A field of /proc/PID/status, "" if there is none. */
static inline void rig_status(pid_t pid, const char *field, char ret[static 64])
{
	char path[64], line[256];
	size_t n = strlen(field);
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	ret[0] = '\0';
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, field, n) == 0 && line[n] == ':')
			(void)sscanf(line + n + 1, " %63[^\n]", ret);
	}
	if (f != NULL)
		(void)fclose(f);
}

/* The monitor's child that reads. Return: its pid, 0: there is none now. */
static inline pid_t rig_reader(const struct rig *r)
{
	char path[64], name[64];
	int pid, found = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", r->pid, r->pid);
	f = fopen(path, "re");
	while (f != NULL && fscanf(f, "%d", &pid) == 1) {
		rig_status(pid, "Name", name);
		if (strcmp(name, "jail-reader") == 0)
			found = pid;
	}
	if (f != NULL)
		(void)fclose(f);
	return found;
}

/* The next one that is not `but`. */
static inline pid_t rig_wait_reader(const struct rig *r, pid_t but)
{
	for (int i = 0; i < 3000; i++) {
		pid_t pid = rig_reader(r);

		if (pid > 0 && pid != but)
			return pid;
		msleep(10);
	}
	fail_msg("there is no reader");
	return 0;
}

static inline void rig_wait_no_reader(const struct rig *r)
{
	for (int i = 0; i < 3000; i++) {
		if (rig_reader(r) == 0)
			return;
		msleep(10);
	}
	fail_msg("the reader stays");
}

/* Clients. */

static inline int rig_connect(const struct rig *r)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/attach.sock", r->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* A connected pair: the server's end into the first slot. Return: the client's. */
static inline int rig_slot_client(struct rig *r)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	r->slot = pair[1];
	return pair[0];
}

struct message {
	struct monitor_header header;
	uint8_t data[MONITOR_DATA_MAX + 1];
};

static inline void rig_send(int fd, uint32_t type, const void *data, size_t n)
{
	struct message m = { .header = { .type = type, .length = (uint32_t)n } };

	if (n > 0)
		memcpy(m.data, data, n);
	assert_int_equal(send(fd, &m, sizeof(m.header) + n, MSG_NOSIGNAL),
			 (ssize_t)(sizeof(m.header) + n));
}

/* Return: type, or 0 at end of file. data is NUL-terminated. */
static inline uint32_t rig_receive(int fd, struct message *m)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, 20000) != 1)
		fail_msg("no message");
	n = recv(fd, m, sizeof(*m) - 1, 0);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	assert_true(n >= (ssize_t)sizeof(m->header));
	assert_int_equal(m->header.length, n - (ssize_t)sizeof(m->header));
	m->data[m->header.length] = '\0';
	return m->header.type;
}

static inline void rig_hello(int fd, bool output, bool input, bool lossless)
{
	struct monitor_hello hello = { output, input, lossless, 0 };

	rig_send(fd, MONITOR_HELLO, &hello, sizeof(hello));
}

/* Receives until `type`, dropping others. Return: false at end of file. */
static inline bool rig_receive_until(int fd, uint32_t type, struct message *m)
{
	uint32_t got;

	while ((got = rig_receive(fd, m)) != 0) {
		if (got == type)
			return true;
	}
	return false;
}

static inline void rig_assert_exit(int fd, int status, bool restarting)
{
	struct message m;
	struct monitor_exit news;

	assert_true(rig_receive_until(fd, MONITOR_EXIT, &m));
	assert_int_equal(m.header.length, sizeof(news));
	memcpy(&news, m.data, sizeof(news));
	assert_int_equal(news.status, status);
	assert_int_equal(news.restarting, restarting);
}

/* The log. */

struct logged {
	char *text[3]; /* by enum log_source, over all records */
	size_t n[3];
	size_t records, raw_records, longest;
};

static inline void rig_read_log_file(int dir, const char *name, struct logged *l)
{
	size_t n;
	char *file = rig_read(dir, name, &n);
	char *text = malloc(n + 1);

	for (char *at = file, *end; (end = memchr(at, '\n', n - (size_t)(at - file))) != NULL;
	     at = end + 1) {
		struct log_record record;

		if (log_record_parse(at, (size_t)(end - at), &record, text) < 0)
			fail_msg("not a record: %.*s", (int)(end - at), at);
		l->text[record.source] =
			realloc(l->text[record.source], l->n[record.source] + record.n + 1);
		memcpy(l->text[record.source] + l->n[record.source], text, record.n);
		l->n[record.source] += record.n;
		l->text[record.source][l->n[record.source]] = '\0';
		l->records++;
		l->raw_records += record.raw;
		if (record.n > l->longest)
			l->longest = record.n;
	}
	free(text);
	free(file);
}

static inline void logged_free(struct logged *l)
{
	for (int i = 0; i < 3; i++)
		free(l->text[i]);
	*l = (struct logged){ .n = { 0 } };
}

/* Group set-up: what a test mounts is its own. */
static inline int rig_private_mounts(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		print_message("needs root\n");
		return -1;
	}
	return 0;
}

#endif
