/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An OCI container's cgroup against the real kernel. Needs root. What needs controllers or systemd
 * runs where they are: in the test VM (tests/system/oci_cgroup.bats); a scope only where we see
 * systemd's cgroups as it does, so not in the sandbox.
 */
#include "base_tmpdir.h"

#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "base/num.h"
#include "base/sys.h"
#include "cgroups/device_rules.h"
#include "cgroups/directory.h"
#include "cgroups/place.h"
#include "runtime/oci/cgroup.h"

#define WAIT_MS 5000

struct fixture {
	struct oci_config c;
	struct oci_cgroup g;
	char path[128], top[64];
	int fd;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->c = OCI_CONFIG_INIT;
	f->fd = -EBADF;
	(void)snprintf(f->top, sizeof(f->top), "/oci-%d", getpid());
	(void)snprintf(f->path, sizeof(f->path), "%s/b/c", f->top);
	f->c.cgroups_path = f->path;
	*state = f;
	return 0;
}

static bool is_there(const char *path)
{
	struct err e = ERR_INIT;
	CLEANUP_FD int fd = cgroup_directory_open(path, 0, &e);

	return fd >= 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	fd_reset(&f->fd);
	if (oci_cgroup_destroy(&f->g, WAIT_MS, &e) < 0)
		fail_msg("%s", e.text);
	assert_false(is_there(f->top));
	free(f);
	return 0;
}

static int try_make(struct fixture *f, struct err *e)
{
	if (oci_cgroup_plan(&f->c, "id", false, &f->g, e) < 0)
		fail_msg("%s", e->text);
	return oci_cgroup_make(&f->g, &f->c, &f->fd, e);
}

static void make(struct fixture *f)
{
	struct err e = ERR_INIT;

	if (try_make(f, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(f->fd >= 0 && f->g.inode);
}

/* Runs fn in the cgroup; it never returns. */
static pid_t born(int cgroup, void (*fn)(void))
{
	struct clone_args c = { .exit_signal = SIGCHLD,
				.flags = CLONE_INTO_CGROUP,
				.cgroup = (uint64_t)cgroup };
	pid_t pid = sys_clone3(&c);

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		fn();
		_exit(0);
	}
	return pid;
}

static void sleep_on(void)
{
	for (;;)
		(void)pause();
}

static int ended(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_life(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	CLEANUP_FREE pid_t *pids = NULL;
	CLEANUP_FD int again = -EBADF;
	mode_t mask = umask(077);
	struct stat st;
	size_t n = 0;
	pid_t pid;

	make(f);
	(void)umask(mask);
	assert_string_equal(f->g.parent_made, f->top);
	assert_int_equal(fstat(f->fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(st.st_ino, f->g.inode);
	again = oci_cgroup_open(&f->g, &e);
	assert_true(again >= 0);
	assert_int_equal(oci_cgroup_pids(&f->g, &pids, &n, &e), 0);
	assert_int_equal(n, 0);
	pid = born(f->fd, sleep_on);
	assert_int_equal(oci_cgroup_pids(&f->g, &pids, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pids[0], pid);
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0);
	assert_true(WIFSIGNALED(ended(pid)));
	assert_false(is_there(f->top));
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0); /* gone is success */
	assert_int_equal(oci_cgroup_open(&f->g, &e), -ENOENT);
	assert_int_equal(oci_cgroup_is_frozen(&f->g), -ENOENT);
	assert_int_equal(oci_cgroup_signal(&f->g, SIGTERM, &(struct err){ .code = 0 }), 0);
}

/* Killed before its inode was on record: what it has made by then goes, unless others use it. */
static void test_foreseen(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	char made[PATH_MAX];
	pid_t pid;

	assert_int_equal(oci_cgroup_plan(&f->c, "id", false, &f->g, &e), 0);
	assert_int_equal(oci_cgroup_foresee(&f->g, &e), 0);
	assert_string_equal(f->g.parent_made, f->top);
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0); /* not begun */
	f->fd = cgroup_directory_make(f->top, made, &e);
	assert_true(f->fd >= 0);
	fd_reset(&f->fd);
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0); /* half-way */
	assert_false(is_there(f->top));
	f->fd = cgroup_directory_make(f->path, made, &e);
	assert_true(f->fd >= 0);
	pid = born(f->fd, sleep_on);
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0);
	assert_true(is_there(f->path));
	(void)kill(pid, SIGKILL);
	(void)ended(pid);
	/* Nothing would be made: nothing goes. */
	assert_int_equal(oci_cgroup_foresee(&f->g, &e), 0);
	assert_string_equal(f->g.parent_made, "");
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0);
	assert_true(is_there(f->path));
	assert_int_equal(cgroup_directory_forget(f->path, f->top, &e), 0);
	assert_false(is_there(f->top));
}

/* What is there stays: parents that others made, siblings, and another cgroup of our name. */
static void test_shared(void **state)
{
	struct fixture *f = *state, other = *f;
	struct err e = ERR_INIT;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/b/d", f->top);
	other.c.cgroups_path = path;
	make(f);
	make(&other);
	assert_string_equal(other.g.parent_made, path);
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0);
	assert_true(is_there(path));
	assert_false(is_there(f->path));
	fd_reset(&f->fd);
	f->g.inode++; /* of a cgroup that is gone */
	assert_int_equal(try_make(f, &e), 0);
	other.g.inode = f->g.inode;
	memcpy(other.g.path, f->g.path, sizeof(other.g.path));
	other.g.inode--;
	assert_int_equal(oci_cgroup_destroy(&other.g, WAIT_MS, &e), 0);
	assert_true(is_there(f->path));
	assert_int_equal(cgroup_directory_destroy(path, 0, "", WAIT_MS, &e), 0);
	fd_reset(&other.fd);
	memcpy(f->g.parent_made, f->top, strlen(f->top) + 1);
}

static void test_busy(void **state)
{
	struct fixture *f = *state, other = *f;
	struct err e = ERR_INIT;
	pid_t pid;

	make(f);
	pid = born(f->fd, sleep_on);
	assert_int_equal(try_make(&other, &e), -EBUSY);
	assert_non_null(strstr(e.text, "processes live in it"));
	assert_int_equal(oci_cgroup_signal(&f->g, SIGKILL, &e), 0);
	assert_true(WIFSIGNALED(ended(pid)));
	assert_int_equal(oci_cgroup_freeze(&f->g, true, WAIT_MS, &e), 0);
	assert_int_equal(try_make(&other, &e), -EBUSY);
	assert_non_null(strstr(e.text, "frozen"));
	assert_int_equal(oci_cgroup_freeze(&f->g, false, WAIT_MS, &e), 0);
	assert_int_equal(try_make(&other, &e), 0); /* empty: used */
	assert_string_equal(other.g.parent_made, "");
	fd_reset(&other.fd);
}

static void test_freeze(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	pid_t pid;

	make(f);
	pid = born(f->fd, sleep_on);
	assert_int_equal(oci_cgroup_is_frozen(&f->g), 0);
	assert_int_equal(oci_cgroup_freeze(&f->g, true, WAIT_MS, &e), 0);
	assert_int_equal(oci_cgroup_is_frozen(&f->g), 1);
	assert_int_equal(oci_cgroup_freeze(&f->g, false, WAIT_MS, &e), 0);
	assert_int_equal(oci_cgroup_is_frozen(&f->g), 0);
	assert_int_equal(oci_cgroup_signal(&f->g, SIGTERM, &e), 0);
	assert_int_equal(WTERMSIG(ended(pid)), SIGTERM);
	pid = born(f->fd, sleep_on);
	assert_int_equal(oci_cgroup_freeze(&f->g, true, WAIT_MS, &e), 0);
	assert_int_equal(oci_cgroup_signal(&f->g, SIGKILL, &e), 0); /* also a frozen one */
	assert_int_equal(WTERMSIG(ended(pid)), SIGKILL);
}

#define CROWD 300

/* More than a batch, in two levels, and one in a cgroup of its own making. */
static void crowd(void)
{
	for (int i = 0; i < CROWD; i++) {
		if (fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			sleep_on();
		}
	}
	while (wait(NULL) > 0)
		;
	_exit(0);
}

static void test_signal_all(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	CLEANUP_FD int below = -EBADF;
	pid_t one, many;
	size_t n = 0;

	make(f);
	assert_int_equal(mkdirat(f->fd, "sub", 0755), 0);
	below = oci_cgroup_open_below(&f->g, "/sub", &e);
	assert_true(below >= 0);
	assert_int_equal(oci_cgroup_open_below(&f->g, "../..", &e), -EXDEV);
	many = born(f->fd, crowd);
	one = born(below, sleep_on);
	for (int i = 0; n < CROWD + 2 && i < 500; i++) {
		pid_t *pids = NULL;

		assert_int_equal(oci_cgroup_pids(&f->g, &pids, &n, &e), 0);
		for (size_t k = 1; k < n; k++)
			assert_true(pids[k - 1] < pids[k]);
		free(pids);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	assert_int_equal(n, CROWD + 2);
	assert_int_equal(oci_cgroup_signal(&f->g, SIGUSR1, &e), 0);
	assert_int_equal(WTERMSIG(ended(one)), SIGUSR1);
	assert_int_equal(WTERMSIG(ended(many)), SIGUSR1);
}

/* Processes that fork for ever do not outlive the end. */
static void hop(void)
{
	for (int i = 0; i < 200000; i++) {
		if (fork() > 0)
			_exit(0);
		(void)setsid();
	}
}

static void test_fork_bomb(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	pid_t pids[8];

	make(f);
	assert_int_equal(mkdirat(f->fd, "sub", 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = born(f->fd, hop);
	(void)nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		(void)ended(pids[i]);
	assert_false(is_there(f->top));
}

static int exit_of(int cgroup, void (*fn)(void))
{
	int status = ended(born(cgroup, fn));

	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

static void read_kmsg(void)
{
	_exit(try_open("/dev/kmsg", O_RDONLY));
}

static void write_kmsg(void)
{
	_exit(try_open("/dev/kmsg", O_WRONLY));
}

static void use_null(void)
{
	_exit(try_open("/dev/null", O_RDWR));
}

static void make_node(void)
{
	char path[] = "/tmp/jail-unit-node.XXXXXX";

	if (!mkdtemp(path) || rmdir(path) < 0 || mknod(path, S_IFBLK | 0600, makedev(7, 9)) < 0)
		_exit(errno);
	_exit(unlink(path) < 0 ? errno : 0);
}

static void test_devices(void **state)
{
	static const struct oci_device_rule all[] = { { true, 'a', -1, -1, 0 } };
	static const struct oci_device_rule reading[] = {
		{ false, 'a', -1, -1, CGROUP_DEVICE_ALL },
		{ false, 'c', 1, 3, CGROUP_DEVICE_ALL }, /* the default ones can't be taken away */
		{ true, 'c', 1, 11, CGROUP_DEVICE_READ },
	};
	static struct oci_device_rule many[CGROUP_DEVICE_RULES_MAX - 10];
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	make(f);
	assert_int_equal(exit_of(f->fd, read_kmsg), EPERM);
	assert_int_equal(exit_of(f->fd, use_null), 0);
	assert_int_equal(exit_of(f->fd, make_node), 0);
	f->c.resources = (struct oci_resources){ .devices = reading, .n_devices = 3 };
	assert_int_equal(oci_cgroup_update(&f->g, &f->c.resources, &e), 0);
	assert_int_equal(exit_of(f->fd, read_kmsg), 0);
	assert_int_equal(exit_of(f->fd, write_kmsg), EPERM);
	assert_int_equal(exit_of(f->fd, use_null), 0);
	f->c.resources = (struct oci_resources){ .devices = all, .n_devices = 1 };
	assert_int_equal(oci_cgroup_update(&f->g, &f->c.resources, &e), 0);
	assert_int_equal(exit_of(f->fd, write_kmsg), 0);
	/* The longest programs pass the kernel's verifier. */
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct oci_device_rule){ i % 3, "bc"[i % 2], (int64_t)(i % 77) - 1,
						    (int64_t)(i % 101) - 1, (uint32_t)(1 + i % 6) };
	f->c.resources = (struct oci_resources){ .devices = many, .n_devices = ARRAY_SIZE(many) };
	if (oci_cgroup_update(&f->g, &f->c.resources, &e) < 0)
		fail_msg("%s", e.text);
	/* Nothing said: what there is stays. */
	f->c.resources = (struct oci_resources){ .devices = reading, .n_devices = 3 };
	assert_int_equal(oci_cgroup_update(&f->g, &f->c.resources, &e), 0);
	f->c.resources = (struct oci_resources){ .n_devices = 0 };
	assert_int_equal(oci_cgroup_update(&f->g, &f->c.resources, &e), 0);
	assert_int_equal(exit_of(f->fd, read_kmsg), 0);
	assert_int_equal(exit_of(f->fd, write_kmsg), EPERM);
}

static bool has_controller(const char *name)
{
	struct cgroup_tree t = { .root_fd = -EBADF };
	struct err e = ERR_INIT;
	char text[512];

	assert_int_equal(cgroup_probe(&t, &e), 0);
	assert_true(file_peek_at(t.root_fd, "cgroup.controllers", text, sizeof(text)) >= 0);
	cgroup_tree_close(&t);
	return strstr(text, name) != NULL;
}

/* A limit that can't be had: the member, the file's cgroup, the reason; and nothing is left. */
static void test_missing(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	if (has_controller("memory"))
		skip();
	f->c.resources.memory.has_limit = true;
	f->c.resources.memory.limit = 1 << 25;
	assert_int_equal(try_make(f, &e), -EOPNOTSUPP);
	print_message("    %s\n    (%s)\n", e.text, e.hint);
	assert_non_null(strstr(e.text, "linux.resources.memory.limit: the memory controller is not "
				       "available in "));
	assert_false(is_there(f->top));
	assert_int_equal(f->g.inode, 0);
}

static void file_is(int dir, const char *file, const char *want)
{
	char text[1024] = "";
	ssize_t r = file_peek_at(dir, file, text, sizeof(text));

	if (r < 0 || !str_eq(text, want))
		fail_msg("%s: \"%s\" (%zd), not \"%s\"", file, text, r, want);
}

static const struct oci_resources some_limits = {
	.memory = { .has_limit = true,
		    .limit = 64 << 20,
		    .has_swap = true,
		    .swap = 64 << 20,
		    .has_reservation = true,
		    .reservation = 8 << 20 },
	.cpu = { .has_shares = true,
		 .shares = 512,
		 .has_quota = true,
		 .quota = 50000,
		 .has_period = true,
		 .period = 100000,
		 .has_burst = true,
		 .burst = 10000,
		 .cpus = "0",
		 .mems = "0" },
	.pids = { true, 64 },
};

static void limits_are_there(int dir)
{
	file_is(dir, "memory.max", "67108864");
	file_is(dir, "memory.low", "8388608");
	file_is(dir, "cpu.weight", "59");
	file_is(dir, "cpu.max", "50000 100000");
	file_is(dir, "cpu.max.burst", "10000");
	file_is(dir, "cpuset.cpus", "0");
	file_is(dir, "pids.max", "64");
}

static void test_limits(void **state)
{
	static struct oci_pair high = { "memory.high", "32M" }, bad = { "memory.nonsense", "1" };
	struct fixture *f = *state;
	struct oci_resources r = { .memory = { .has_limit = true, .limit = 128 << 20 },
				   .cpu = { .has_period = true, .period = 200000 },
				   .unified = { &high, 1 } };
	struct err e = ERR_INIT;

	if (!has_controller("memory"))
		skip();
	f->c.resources = some_limits;
	make(f);
	limits_are_there(f->fd);
	if (oci_cgroup_update(&f->g, &r, &e) < 0)
		fail_msg("%s", e.text);
	file_is(f->fd, "memory.max", "134217728");
	file_is(f->fd, "memory.high", "33554432");
	file_is(f->fd, "cpu.max", "50000 200000");
	file_is(f->fd, "pids.max", "64");
	/* One bad among them: nothing changes (row 88). */
	r = some_limits;
	r.unified = (struct oci_map){ &bad, 1 };
	assert_int_equal(oci_cgroup_update(&f->g, &r, &e), -EOPNOTSUPP);
	file_is(f->fd, "memory.max", "134217728");
	file_is(f->fd, "cpu.max", "50000 200000");
}

#define HOG_BYTES (96u << 20)

static void hog(void)
{
	char *p = mmap(NULL, HOG_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; p != MAP_FAILED && i < HOG_BYTES; i += 4096)
		p[i] = 1;
	_exit(0);
}

static void test_oom(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	uint64_t kills = 0;
	pid_t pid, other;

	if (!has_controller("memory"))
		skip();
	f->c.resources = some_limits;
	make(f);
	other = born(f->fd, sleep_on);
	assert_int_equal(oci_cgroup_wait_oom(&f->g, 10, &kills, &e), -ETIMEDOUT);
	pid = born(f->fd, hog);
	assert_int_equal(oci_cgroup_wait_oom(&f->g, 60000, &kills, &e), 1);
	assert_int_equal(kills, 1);
	assert_int_equal(WTERMSIG(ended(pid)), SIGKILL);
	assert_int_equal(oci_cgroup_wait_oom(&f->g, 10, &kills, &e), -ETIMEDOUT);
	assert_int_equal(oci_cgroup_signal(&f->g, SIGKILL, &e), 0);
	(void)ended(other);
	assert_int_equal(oci_cgroup_wait_oom(&f->g, 60000, &kills, &e), 0);
	f->c.resources.memory.limit = 4096;
	f->c.resources.memory.check_before_update = true;
}

static void read_stats(const struct oci_cgroup *g, char *ret, size_t n)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;
	struct json_doc *doc = NULL;
	struct json_out o;

	json_out_init(&o, &b, false);
	json_out_object(&o, NULL);
	if (oci_cgroup_stats(g, &o, "data", &e) < 0)
		fail_msg("%s", e.text);
	json_out_object_end(&o);
	assert_int_equal(strbuf_ok(&b, &e), 0);
	if (json_parse("stats", b.data, b.len, &doc, &e) < 0)
		fail_msg("%s", e.text);
	json_doc_free(&doc);
	assert_true(str_format(ret, n, "%s", strbuf_str(&b)) >= 0);
}

static void test_stats(void **state)
{
	static const char *const always[] = { "{\"data\":{\"cpu\":{\"usage\":{\"total\":",
					      "\"memory\":{", "\"pids\":{", "\"blkio\":{",
					      "\"hugetlb\":{" };
	static const char *const limited[] = {
		"\"throttling\":{\"periods\":", "\"usage\":{\"limit\":67108864,\"usage\":",
		"\"swap\":{\"limit\":67108864,",
		"\"raw\":{\"anon\":", "\"pids\":{\"current\":1,\"limit\":64}"
	};
	struct fixture *f = *state;
	bool all = has_controller("memory");
	char text[16384];
	pid_t pid;

	if (all)
		f->c.resources = some_limits;
	make(f);
	pid = born(f->fd, sleep_on);
	read_stats(&f->g, text, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (!strstr(text, always[i]))
			fail_msg("no %s in %s", always[i], text);
	for (size_t i = 0; all && i < ARRAY_SIZE(limited); i++)
		if (!strstr(text, limited[i]))
			fail_msg("no %s in %s", limited[i], text);
	assert_int_equal(kill(pid, SIGKILL), 0);
	(void)ended(pid);
}

/* Without a controller too: the end is noticed. */
static void test_wait_end(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	uint64_t kills = 0;
	pid_t pid;

	make(f);
	pid = born(f->fd, sleep_on);
	assert_int_equal(oci_cgroup_wait_oom(&f->g, 20, &kills, &e), -ETIMEDOUT);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(oci_cgroup_wait_oom(&f->g, -1, &kills, &e), 0);
	(void)ended(pid);
}

/* A parent with processes of its own: ours is a plain domain all the same, in which something can
 * be started. */
static void test_parent_with_processes(void **state)
{
	struct fixture *f = *state, above = *f;
	struct err e = ERR_INIT;
	pid_t pid;

	above.c.cgroups_path = f->top;
	make(&above);
	pid = born(above.fd, sleep_on);
	make(f);
	file_is(f->fd, "cgroup.type", "domain");
	assert_int_equal(exit_of(f->fd, use_null), 0);
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0);
	assert_int_equal(oci_cgroup_destroy(&above.g, WAIT_MS, &e), 0);
	(void)ended(pid);
	fd_reset(&above.fd);
}

static uid_t owner_of(int dir, const char *file)
{
	struct stat st;

	assert_int_equal(fstatat(dir, file, &st, AT_EMPTY_PATH), 0);
	return st.st_uid;
}

/* Whose the cgroup is, by what the engine asked for. */
static void test_owner(void **state)
{
	static const struct id_mapping ids[] = { { 0, 100000, 10 }, { 10, 200000, 10 } };
	static const struct oci_namespace own = { CLONE_NEWCGROUP, NULL };
	static struct bundle_mount mount = { .kind = BUNDLE_CGROUP,
					     .destination = "/sys/fs/cgroup" };
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	f->c.bundle.maps = (struct id_mappings){ .uids = ids, .n_uids = ARRAY_SIZE(ids) };
	f->c.bundle.private_user = true;
	f->c.bundle.mounts = &mount;
	f->c.bundle.n_mounts = 1;
	f->c.process.user.uid = 12;
	make(f); /* the host's cgroup namespace */
	assert_int_equal(owner_of(f->fd, ""), 0);
	fd_reset(&f->fd);
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0);
	f->c.namespaces[0] = own;
	f->c.n_namespaces = 1;
	make(f);
	assert_int_equal(owner_of(f->fd, ""), 200002);
	assert_int_equal(owner_of(f->fd, "cgroup.procs"), 200002);
	assert_int_equal(owner_of(f->fd, "cgroup.freeze"), 0);
	fd_reset(&f->fd);
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0);
	mount.attr_set = MOUNT_ATTR_RDONLY;
	make(f);
	assert_int_equal(owner_of(f->fd, ""), 0);
}

static bool sees_systemd(void)
{
	char comm[32], path[256];

	return file_peek_at(AT_FDCWD, "/proc/1/comm", comm, sizeof(comm)) >= 0 &&
	       str_eq(comm, "systemd") && access("/run/systemd/private", F_OK) == 0 &&
	       cgroup_path_of(1, path, sizeof(path)) == 0 && !str_starts(path, "/..");
}

static void systemctl_is(const char *unit, const char *property, const char *want)
{
	char text[256] = "";
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)execlp("systemctl", "systemctl", "show", "--value", "-p", property, unit,
			     NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	text[n > 0 ? n - 1 : 0] = '\0';
	if (!str_eq(text, want))
		fail_msg("%s of %s: \"%s\", not \"%s\"", property, unit, text, want);
}

static pid_t plain_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		sleep_on();
	}
	return pid;
}

static void test_scope(void **state)
{
	static struct oci_pair stop = { "org.systemd.property.TimeoutStopSec", "7" };
	struct fixture *f = *state;
	struct oci_resources r = { .memory = { .has_limit = true, .limit = 128 << 20 },
				   .cpu = { .has_quota = true, .quota = 33333 } };
	struct err e = ERR_INIT;
	pid_t pid, second;

	if (!sees_systemd())
		skip();
	f->c.cgroups_path = "jail-oci-test.slice:unit:one";
	f->c.resources = some_limits;
	f->c.annotations = (struct oci_map){ &stop, 1 };
	pid = plain_child();
	assert_int_equal(oci_cgroup_plan(&f->c, "id", true, &f->g, &e), 0);
	if (oci_cgroup_make_scope(&f->g, &f->c, pid, &f->fd, &e) < 0)
		fail_msg("%s (%s)", e.text, e.hint);
	assert_string_equal(f->g.path,
			    "/jail.slice/jail-oci.slice/jail-oci-test.slice/unit-one.scope");
	limits_are_there(f->fd);
	assert_int_equal(exit_of(f->fd, read_kmsg), EPERM);
	systemctl_is("unit-one.scope", "MemoryMax", "67108864");
	systemctl_is("unit-one.scope", "TasksMax", "64");
	systemctl_is("unit-one.scope", "CPUWeight", "59");
	systemctl_is("unit-one.scope", "CPUQuotaPerSecUSec", "500ms");
	systemctl_is("unit-one.scope", "AllowedCPUs", "0");
	systemctl_is("unit-one.scope", "Delegate", "yes");
	systemctl_is("unit-one.scope", "TimeoutStopUSec", "7s");
	if (oci_cgroup_update(&f->g, &r, &e) < 0)
		fail_msg("%s", e.text);
	systemctl_is("unit-one.scope", "MemoryMax", "134217728");
	file_is(f->fd, "memory.max", "134217728");
	file_is(f->fd, "cpu.max", "33333 100000");
	/* A second one of the name. */
	second = plain_child();
	{
		struct fixture other = *f;

		other.fd = -EBADF;
		assert_int_equal(oci_cgroup_make_scope(&other.g, &f->c, second, &other.fd, &e),
				 -EEXIST);
		print_message("    %s (%s)\n", e.text, e.hint);
	}
	assert_int_equal(kill(second, SIGKILL), 0);
	(void)ended(second);
	assert_int_equal(oci_cgroup_destroy(&f->g, WAIT_MS, &e), 0);
	assert_int_equal(WTERMSIG(ended(pid)), SIGKILL);
	systemctl_is("unit-one.scope", "ActiveState", "inactive");
	assert_false(is_there(f->g.path));
}

/* A limit that is refused after the scope was started: nothing is left. */
static void test_scope_fails(void **state)
{
	static struct oci_pair bad = { "memory.nonsense", "1" };
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	pid_t pid;

	if (!sees_systemd())
		skip();
	f->c.cgroups_path = ":unit:two";
	f->c.resources.unified = (struct oci_map){ &bad, 1 };
	pid = plain_child();
	assert_int_equal(oci_cgroup_plan(&f->c, "id", true, &f->g, &e), 0);
	assert_int_equal(oci_cgroup_make_scope(&f->g, &f->c, pid, &f->fd, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.text, "memory.nonsense"));
	assert_int_equal(WTERMSIG(ended(pid)), SIGKILL);
	systemctl_is("unit-two.scope", "ActiveState", "inactive");
}

#define FIXTURE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE(test_life),
		FIXTURE(test_shared),
		FIXTURE(test_foreseen),
		FIXTURE(test_busy),
		FIXTURE(test_freeze),
		FIXTURE(test_signal_all),
		FIXTURE(test_fork_bomb),
		FIXTURE(test_devices),
		FIXTURE(test_missing),
		FIXTURE(test_limits),
		FIXTURE(test_oom),
		FIXTURE(test_stats),
		FIXTURE(test_wait_end),
		FIXTURE(test_owner),
		FIXTURE(test_scope),
		FIXTURE(test_scope_fails),
		FIXTURE(test_parent_with_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
