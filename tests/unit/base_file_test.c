/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors, whole files and locks, with the traps that stand in for a file. */
#include "base_tmpdir.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/lock.h"

static void test_read(void **state)
{
	const struct tmpdir *t = *state;
	CLEANUP_FREE char *data = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	tmpdir_put(t->fd, "f", "hello");
	assert_int_equal(file_read_at(t->fd, "f", 5, &data, &n, &e), 0);
	assert_int_equal(n, 5);
	assert_string_equal(data, "hello");
	assert_int_equal(e.code, 0);
}

static void test_read_refused(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	char *data = NULL;
	size_t n = 77;

	tmpdir_put(t->fd, "f", "hello");
	assert_int_equal(symlinkat("f", t->fd, "link"), 0);
	assert_int_equal(mkfifoat(t->fd, "fifo", 0600), 0);
	assert_int_equal(mkdirat(t->fd, "dir", 0700), 0);
	assert_int_equal(file_read_at(t->fd, "f", 4, &data, &n, &e), -EFBIG);
	assert_string_equal(e.text, "read f: larger than 4 bytes");
	assert_int_equal(file_read_at(t->fd, "none", 10, &data, &n, &e), -ENOENT);
	assert_string_equal(e.text, "open none: No such file or directory");
	assert_int_equal(file_read_at(t->fd, "link", 10, &data, &n, &e), -ELOOP);
	assert_int_equal(file_read_at(t->fd, "fifo", 10, &data, &n, &e), -EINVAL);
	assert_int_equal(file_read_at(t->fd, "dir", 10, &data, &n, &e), -EISDIR);
	assert_int_equal(file_read_at(AT_FDCWD, "/dev/zero", 10, &data, &n, &e), -EINVAL);
	assert_null(data);
	assert_int_equal(n, 77);
}

static void assert_content(int dir, const char *name, const char *want)
{
	CLEANUP_FREE char *data = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(file_read_at(dir, name, 1 << 20, &data, NULL, &e), 0);
	assert_string_equal(data, want);
}

static void test_write(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	struct stat st;
	mode_t old = umask(077);

	assert_int_equal(file_write_at(t->fd, "f", "one", 3, 0644, FILE_NOSYNC, &e), 0);
	assert_content(t->fd, "f", "one");
	assert_int_equal(file_write_at(t->fd, "f", "2", 1, 0600, FILE_SYNC, &e), 0);
	assert_content(t->fd, "f", "2");
	assert_int_equal(fstatat(t->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_write_at(t->fd, "f", "", 0, 0644, FILE_NOSYNC, &e), 0);
	assert_content(t->fd, "f", "");
	assert_int_equal(fstatat(t->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644); /* whatever the umask */
	assert_false(tmpdir_exists(t->fd, ".f.tmp"));
	assert_int_equal(mkdirat(t->fd, "d", 0700), 0);
	assert_int_equal(file_write_at(t->fd, "d/f", "x", 1, 0600, FILE_SYNC, &e), 0);
	assert_content(t->fd, "d/f", "x");
	assert_int_equal(file_write_at(t->fd, "none/f", "x", 1, 0600, FILE_SYNC, &e), -ENOENT);
	assert_int_equal(file_write_at(t->fd, "d", "x", 1, 0600, FILE_SYNC, &e), -EISDIR);
	assert_false(tmpdir_exists(t->fd, ".d.tmp"));
	(void)umask(old);
}

/* Whatever stands under the temporary name: nothing outside is written, and a leftover is used. */
static void test_write_traps(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;

	tmpdir_put(t->fd, "canary", "alive");
	tmpdir_put(t->fd, ".a.tmp", "left behind by a process that was killed");
	assert_int_equal(file_write_at(t->fd, "a", "new", 3, 0600, FILE_NOSYNC, &e), 0);
	assert_content(t->fd, "a", "new");
	assert_int_equal(symlinkat("canary", t->fd, ".b.tmp"), 0);
	assert_true(file_write_at(t->fd, "b", "new", 3, 0600, FILE_NOSYNC, &e) < 0);
	assert_int_equal(linkat(t->fd, "canary", t->fd, ".c.tmp", 0), 0);
	assert_true(file_write_at(t->fd, "c", "new", 3, 0600, FILE_NOSYNC, &e) < 0);
	assert_int_equal(mkfifoat(t->fd, ".d.tmp", 0600), 0);
	assert_true(file_write_at(t->fd, "d", "new", 3, 0600, FILE_NOSYNC, &e) < 0);
	assert_content(t->fd, "canary", "alive");
	/* A symlink under the name itself is replaced, not followed. */
	assert_int_equal(symlinkat("canary", t->fd, "s"), 0);
	assert_int_equal(file_write_at(t->fd, "s", "new", 3, 0600, FILE_NOSYNC, &e), 0);
	assert_content(t->fd, "s", "new");
	assert_content(t->fd, "canary", "alive");
}

static pid_t spawn(void (*fn)(int dir, int arg), int dir, int arg)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fn(dir, arg);
		_exit(0);
	}
	return pid;
}

static void assert_exits(pid_t pid, int want)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), want);
}

#define RACE_WRITERS 4
#define RACE_ROUNDS 150
#define RACE_SIZE 20000

static void write_many(int dir, int id)
{
	char data[RACE_SIZE];

	memset(data, 'a' + id, sizeof(data));
	for (int i = 0; i < RACE_ROUNDS; i++) {
		struct err e = ERR_INIT;

		if (file_write_at(dir, "f", data, sizeof(data), 0600, FILE_NOSYNC, &e) < 0)
			_exit(1);
	}
}

/* For gc: what is nobody's goes, and nothing else. */
static void test_remove_unfinished(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	CLEANUP_FD int held = -EBADF;

	tmpdir_put(t->fd, ".a.tmp", "left behind");
	tmpdir_put(t->fd, ".b.json.tmp", "");
	tmpdir_put(t->fd, "c.tmp", "");
	tmpdir_put(t->fd, ".tmp", "");
	tmpdir_put(t->fd, ".hidden", "");
	assert_int_equal(symlinkat("c.tmp", t->fd, ".s.tmp"), 0);
	held = lock_take_at(t->fd, ".held.tmp", LOCK_MODE_EXCLUSIVE, 0, &e);
	assert_true(held >= 0);
	assert_int_equal(file_remove_unfinished(t->fd, &e), 2);
	assert_false(tmpdir_exists(t->fd, ".a.tmp"));
	assert_false(tmpdir_exists(t->fd, ".b.json.tmp"));
	assert_true(tmpdir_exists(t->fd, "c.tmp"));
	assert_true(tmpdir_exists(t->fd, ".tmp"));
	assert_true(tmpdir_exists(t->fd, ".hidden"));
	assert_true(tmpdir_exists(t->fd, ".s.tmp"));
	assert_true(tmpdir_exists(t->fd, ".held.tmp"));
	fd_reset(&held);
	assert_int_equal(file_remove_unfinished(t->fd, &e), 1);
	assert_int_equal(e.code, 0);
}

/* Several writers of one name, and a reader: each file seen is one writer's, whole. */
/* Files of somebody's choice (row 83), by the path of a directory that has traps in it. */
static void test_append(void **state)
{
	const struct tmpdir *t = *state;
	int fd, reader;

	assert_int_equal(fchdir(t->fd), 0);
	fd = file_open_append("new", 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a", 1), 1);
	fd_reset(&fd);
	fd = file_open_append("new", 0600);
	assert_int_equal(write(fd, "b", 1), 1);
	fd_reset(&fd);
	assert_content(t->fd, "new", "ab");
	fd = file_open_append("/dev/null", 0600);
	assert_true(fd >= 0);
	fd_reset(&fd);
	assert_int_equal(symlink("new", "link"), 0);
	assert_int_equal(file_open_append("link", 0600), -ELOOP);
	assert_int_equal(link("new", "hard"), 0);
	assert_int_equal(file_open_append("new", 0600), -EMLINK);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(file_open_append("fifo", 0600), -ENXIO);
	reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_int_equal(file_open_append("fifo", 0600), -ENXIO);
	fd_reset(&reader);
	assert_int_equal(chdir("/"), 0);
}

static void test_write_race(void **state)
{
	const struct tmpdir *t = *state;
	pid_t pids[RACE_WRITERS];
	struct err e = ERR_INIT;

	write_many(t->fd, 0);
	for (int i = 0; i < RACE_WRITERS; i++)
		pids[i] = spawn(write_many, t->fd, i);
	for (int round = 0; round < 500; round++) {
		CLEANUP_FREE char *data = NULL;
		size_t n = 0;

		assert_int_equal(file_read_at(t->fd, "f", RACE_SIZE, &data, &n, &e), 0);
		assert_int_equal(n, RACE_SIZE);
		assert_memory_equal(data, data + 1, RACE_SIZE - 1);
	}
	for (int i = 0; i < RACE_WRITERS; i++)
		assert_exits(pids[i], 0);
	assert_false(tmpdir_exists(t->fd, ".f.tmp"));
}

static void test_poke_peek(void **state)
{
	const struct tmpdir *t = *state;
	char buf[8];

	tmpdir_put(t->fd, "f", "12345\n");
	assert_int_equal(file_peek_at(t->fd, "f", buf, sizeof(buf)), 5);
	assert_string_equal(buf, "12345");
	assert_int_equal(file_peek_at(t->fd, "f", buf, 6), -ENOBUFS);
	assert_int_equal(file_peek_at(t->fd, "f", buf, 7), 5);
	assert_int_equal(file_peek_at(t->fd, "none", buf, 7), -ENOENT);
	assert_int_equal(file_poke_at(t->fd, "f", "9", 1), 0);
	assert_content(t->fd, "f", "92345\n");
	assert_int_equal(file_poke_at(t->fd, "none", "9", 1), -ENOENT);
	assert_int_equal(symlinkat("f", t->fd, "link"), 0);
	assert_int_equal(file_poke_at(t->fd, "link", "9", 1), -ELOOP);
}

static void test_read_all(void **state)
{
	CLEANUP_FREE char *data = NULL;
	int p[2];
	size_t n = 0;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(fd_write_all(p[1], "abc", 3), 0);
	assert_int_equal(close(p[1]), 0);
	assert_int_equal(fd_read_all(p[0], 3, &data, &n), 0);
	assert_string_equal(data, "abc");
	assert_int_equal(close(p[0]), 0);
	assert_int_equal(fd_read_all(p[0], 3, &data, &n), -EBADF);
	assert_int_equal(fd_write_all(p[0], "x", 1), -EBADF);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_pass(void **state)
{
	int sv[2], got[3] = { -EBADF, -EBADF, -EBADF };
	size_t n = 3;
	char text[8];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(fd_send(sv[0], "hi", 2, (int[]){ sv[0], 1 }, 2), 0);
	assert_int_equal(fd_recv(sv[1], text, sizeof(text), got, &n), 2);
	assert_int_equal(n, 2);
	assert_memory_equal(text, "hi", 2);
	assert_int_equal(fcntl(got[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(got[1], F_GETFD), FD_CLOEXEC);
	fd_reset(&got[0]);
	fd_reset(&got[1]);
	assert_int_equal(fd_send(sv[0], "hi", 2, NULL, 0), 0);
	assert_int_equal(fd_recv(sv[1], text, sizeof(text), NULL, NULL), 2);
	assert_int_equal(fd_send(sv[0], "hi", 2, NULL, FD_PASS_MAX + 1), -E2BIG);
	fd_reset(&sv[0]);
	assert_int_equal(fd_send(sv[1], "hi", 2, NULL, 0), -EPIPE); /* and no SIGPIPE */
	assert_int_equal(fd_recv(sv[1], text, sizeof(text), NULL, NULL), 0);
	fd_reset(&sv[1]);
}

/* A message that is cut, or brings more fds than there is room for, leaves nothing open. */
static void test_pass_cut(void **state)
{
	int sv[2], fds[FD_PASS_MAX], got[2] = { -EBADF, -EBADF };
	size_t n = 2;
	char text[4];
	int before;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	before = count_fds();
	for (size_t i = 0; i < FD_PASS_MAX; i++)
		fds[i] = sv[0];
	assert_int_equal(fd_send(sv[0], "hi", 2, fds, FD_PASS_MAX), 0);
	assert_int_equal(fd_recv(sv[1], text, sizeof(text), got, &n), -EMSGSIZE);
	assert_int_equal(count_fds(), before);
	assert_int_equal(fd_send(sv[0], "too long", 8, fds, 2), 0);
	n = 2;
	assert_int_equal(fd_recv(sv[1], text, sizeof(text), got, &n), -EMSGSIZE);
	assert_int_equal(count_fds(), before);
	assert_int_equal(fd_send(sv[0], "hi", 2, fds, 1), 0);
	assert_int_equal(fd_recv(sv[1], text, sizeof(text), NULL, NULL), -EMSGSIZE);
	assert_int_equal(count_fds(), before);
	fd_reset(&sv[0]);
	fd_reset(&sv[1]);
}

static void sanitize_child(int dir, int closed)
{
	struct err e = ERR_INIT;
	struct stat null, st;
	int leak = fcntl(dir, F_DUPFD, 40);

	if (stat("/dev/null", &null) < 0 || leak < 0)
		_exit(2);
	for (int fd = 0; fd <= 2; fd++) {
		if (closed & (1 << fd))
			(void)close(fd);
	}
	if (fd_sanitize(&e) < 0)
		_exit(3);
	for (int fd = 0; fd <= 2; fd++) {
		if (fstat(fd, &st) < 0 || (fcntl(fd, F_GETFD) & FD_CLOEXEC))
			_exit(4);
		if ((closed & (1 << fd)) && st.st_rdev != null.st_rdev)
			_exit(5);
	}
	if (fcntl(leak, F_GETFD) != FD_CLOEXEC)
		_exit(6);
}

/* Row 11: all eight combinations of closed standard streams. */
static void test_sanitize(void **state)
{
	const struct tmpdir *t = *state;

	for (int closed = 0; closed < 8; closed++)
		assert_exits(spawn(sanitize_child, t->fd, closed), 0);
}

static void lock_child(int dir, int mode)
{
	struct err e = ERR_INIT;
	int fd = lock_take_at(dir, "lock", (enum lock_mode)mode, 0, &e);

	_exit(fd >= 0 ? 0 : fd == -EWOULDBLOCK ? 1 : 2);
}

static void test_lock(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	struct stat st;
	uint64_t start;
	int fd;

	assert_int_equal(lock_is_held_at(t->fd, "lock"), 0);
	assert_false(tmpdir_exists(t->fd, "lock"));
	fd = lock_take_at(t->fd, "lock", LOCK_MODE_EXCLUSIVE, 0, &e);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(lock_is_held_at(t->fd, "lock"), 1);
	assert_exits(spawn(lock_child, t->fd, LOCK_MODE_EXCLUSIVE), 1);
	assert_exits(spawn(lock_child, t->fd, LOCK_MODE_SHARED), 1);
	start = clock_boot_ms();
	assert_int_equal(lock_take_at(t->fd, "lock", LOCK_MODE_SHARED, 50, &e), -EWOULDBLOCK);
	assert_true(clock_boot_ms() - start >= 50);
	assert_string_equal(e.text, "lock lock: held by another process");
	fd_reset(&fd);
	assert_int_equal(lock_is_held_at(t->fd, "lock"), 0);

	fd = lock_take_at(t->fd, "lock", LOCK_MODE_SHARED, 0, &e);
	assert_true(fd >= 0);
	assert_int_equal(lock_is_held_at(t->fd, "lock"), 0);
	assert_exits(spawn(lock_child, t->fd, LOCK_MODE_SHARED), 0);
	assert_exits(spawn(lock_child, t->fd, LOCK_MODE_EXCLUSIVE), 1);
	fd_reset(&fd);
	assert_int_equal(symlinkat("lock", t->fd, "link"), 0);
	assert_int_equal(lock_take_at(t->fd, "link", LOCK_MODE_SHARED, 0, &e), -ELOOP);
}

static void hold_and_die(int dir, int pipe_fd)
{
	struct err e = ERR_INIT;

	if (lock_take_at(dir, "lock", LOCK_MODE_EXCLUSIVE, 0, &e) < 0)
		_exit(1);
	(void)!write(pipe_fd, "x", 1);
	(void)pause();
}

/* A killed holder leaves nothing stale; a waiter gets the lock then. */
static void test_lock_killed(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	char c;
	int p[2], status, fd;
	pid_t pid;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = spawn(hold_and_die, t->fd, p[1]);
	assert_int_equal(read(p[0], &c, 1), 1);
	assert_int_equal(lock_is_held_at(t->fd, "lock"), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	fd = lock_take_at(t->fd, "lock", LOCK_MODE_EXCLUSIVE, 5000, &e);
	assert_true(fd >= 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fd_reset(&fd);
	fd_reset(&p[0]);
	fd_reset(&p[1]);
}

static void take_after_unlink(int dir, int inherited)
{
	struct err e = ERR_INIT;
	struct stat mine, named;
	int fd;

	(void)close(inherited);
	fd = lock_take_at(dir, "lock", LOCK_MODE_EXCLUSIVE, 5000, &e);
	if (fd < 0 || fstat(fd, &mine) < 0 || fstatat(dir, "lock", &named, 0) < 0)
		_exit(1);
	_exit(mine.st_ino == named.st_ino ? 0 : 2);
}

/* The file was removed while somebody waited for its lock: the waiter ends up on the new one. */
static void test_lock_removed(void **state)
{
	const struct tmpdir *t = *state;
	struct timespec wait = { .tv_nsec = 50000000 };
	struct err e = ERR_INIT;
	pid_t pid;
	int fd;

	fd = lock_take_at(t->fd, "lock", LOCK_MODE_EXCLUSIVE, 0, &e);
	assert_true(fd >= 0);
	pid = spawn(take_after_unlink, t->fd, fd);
	(void)nanosleep(&wait, NULL);
	assert_int_equal(unlinkat(t->fd, "lock", 0), 0);
	fd_reset(&fd);
	assert_exits(pid, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_read),
		TMPDIR_TEST(test_read_refused),
		TMPDIR_TEST(test_write),
		TMPDIR_TEST(test_write_traps),
		TMPDIR_TEST(test_append),
		TMPDIR_TEST(test_write_race),
		TMPDIR_TEST(test_poke_peek),
		cmocka_unit_test(test_read_all),
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_pass_cut),
		TMPDIR_TEST(test_sanitize),
		TMPDIR_TEST(test_lock),
		TMPDIR_TEST(test_lock_killed),
		TMPDIR_TEST(test_lock_removed),
		TMPDIR_TEST(test_remove_unfinished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
