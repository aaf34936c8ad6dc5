/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding instances: their directory, their lock, and, of one that runs, a pidfd that is certainly
 * its init.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/sys.h"
#include "runtime/engine_priv.h"
#include "runtime/monitor_proto.h"
#include "runtime/systemd.h"
#include "runtime/unit.h"

#define LOCK_LOOK_MS 20 /* between two looks at who holds a lock */
#define LOCK_TEARDOWN_MS 2000
#define LOCK_BUSY_MS 30000
#define WATCH_MS 100 /* a look without an event: one that got lost costs no more */
#define WATCH_NONE_MS 5

int instance_open_dir(struct jail *j, const struct jail_name *name, struct err *e)
{
	int fd = path_open_beneath(j->instances, name->s, O_RDONLY | O_DIRECTORY, 0);

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT)
		return err_ret(e, fd, "open instance %s", name->s);
	err_set(e, ENOENT, "no such instance");
	return err_hint(e, "`jail ps` lists the instances");
}

int instance_is_there(struct jail *j, const struct jail_name *name, int dir)
{
	struct stat a, b;

	if (fstat(dir, &a) < 0)
		return -errno;
	if (fstatat(j->instances, name->s, &b, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int instance_must_be_there(struct jail *j, const struct jail_name *name, int dir, struct err *e)
{
	int r = instance_is_there(j, name, dir);

	if (r < 0)
		return err_ret(e, r, "look for instance %s", name->s);
	return r > 0 ? 0 : err_set(e, ENOENT, "no such instance (removed or renamed just now)");
}

int instance_lock_unit(struct jail *j, const struct jail_name *name, unsigned wait_ms, int *ret_dir,
		       struct err *e)
{
	CLEANUP_FD int dir = instance_open_dir(j, name, e), lock = -EBADF;
	struct err why = ERR_INIT;
	int r;

	if (dir < 0)
		return dir;
	lock = lock_take_at(dir, "lock", LOCK_MODE_EXCLUSIVE, wait_ms, e);
	if (lock < 0)
		return lock;
	/* Removed or renamed while we waited: the lock that we got is of something else. */
	r = instance_must_be_there(j, name, dir, e);
	if (r < 0)
		return r;
	/* Who can't do without it looks again: a start. It need not keep anybody from `rm`. */
	if (rebuild_finish(dir, &why) < 0)
		warn("%s: %s", name->s, why.text);
	*ret_dir = TAKE_FD(dir);
	return TAKE_FD(lock);
}

static bool has_unit(struct jail *j, const struct jail_name *name)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int run = run_dir_open(j, name, false, &ignored);

	return run >= 0 && unit_is_up(run);
}

bool instance_is_up(struct jail *j, const struct jail_name *name, int dir)
{
	return lock_is_held_at(dir, "lock") > 0 || has_unit(j, name);
}

int instance_lock(struct jail *j, const struct jail_name *name, unsigned wait_ms, int *ret_dir,
		  struct err *e)
{
	CLEANUP_FD int dir = -EBADF, lock = instance_lock_unit(j, name, wait_ms, &dir, e);

	if (lock < 0)
		return TAKE_FD(lock);
	if (has_unit(j, name))
		return err_set(e, EWOULDBLOCK, "is up, under systemd");
	*ret_dir = TAKE_FD(dir);
	return TAKE_FD(lock);
}

/* Not before a start has made one, so it was there. A reboot takes the cgroup as well. */
bool instance_run_is_lost(struct jail *j, const struct jail_name *name, int dir)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int run = run_dir_open(j, name, false, &ignored);

	return run == -ENOENT && exit_record_is_due(dir) && lock_is_held_at(dir, "lock") > 0 &&
	       engine_tree(j, &ignored) >= 0 && cgroup_is_frozen(&j->tree, name) >= 0;
}

int instance_run_lost(struct jail *j, const struct jail_name *name, struct err *e)
{
	(void)err_set(e, ESTALE, "it runs, but its run directory %s/instances/%s was removed",
		      j->config.run_dir, name->s);
	return err_hint(e, "end it, jail kill %s, and start it again; or jail rm --force %s",
			name->s, name->s);
}

static bool state_is_there(int run)
{
	return faccessat(run, "state.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether its supervisor has got as far as running something. */
static bool is_up(struct jail *j, const struct jail_name *name, bool *ret_between)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = instance_open_dir(j, name, &ignored);
	CLEANUP_FD int run = dir < 0 ? -EBADF : run_dir_open(j, name, false, &ignored);

	if (run < 0 || !instance_is_up(j, name, dir) || !state_is_there(run))
		return false;
	*ret_between = !exit_record_is_due(dir);
	return true;
}

static int lost_run(struct jail *j, const struct jail_name *name, struct err *e)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = instance_open_dir(j, name, &ignored);

	return dir >= 0 && instance_run_is_lost(j, name, dir) ? instance_run_lost(j, name, e) : 0;
}

int instance_lock_down(struct jail *j, const struct jail_name *name, int *ret_dir, struct err *e)
{
	uint64_t begin = clock_boot_ms(), waited;
	int r;

	for (;;) {
		struct err why = ERR_INIT;
		bool between = false;
		int lock = instance_lock(j, name, LOCK_LOOK_MS, ret_dir, &why);

		if (lock >= 0)
			return lock;
		if (lock != -EWOULDBLOCK) {
			*e = why;
			return lock;
		}
		r = lost_run(j, name, e);
		if (r < 0)
			return r;
		waited = clock_boot_ms() - begin;
		/* After an exit comes the teardown, which is short, or a restart's back-off. */
		if (is_up(j, name, &between) && (!between || waited > LOCK_TEARDOWN_MS))
			return err_set(e, EALREADY, "is running");
		if (waited < LOCK_LOOK_MS && has_unit(j, name)) /* nobody to wait for */
			(void)usleep(LOCK_LOOK_MS * 1000);
		if (waited > LOCK_BUSY_MS)
			break;
	}
	err_set(e, EBUSY, "is being changed by another command");
	return err_hint(e, "try again when that has finished");
}

int instance_hold_down(struct jail *j, const struct jail_name *name, struct instance_hold *ret,
		       struct err *e)
{
	int r = ret->gate = engine_gate(j, e);

	if (r >= 0)
		r = ret->before = instance_open_dir(j, name, e);
	if (r >= 0)
		r = ret->spec = spec_lock(ret->before, e);
	if (r >= 0)
		r = ret->lock = instance_lock_down(j, name, &ret->dir, e);
	return r == -EALREADY ? err_hint(e, "stop it first: jail stop %s", name->s) : r;
}

void instance_hold_free(struct instance_hold *h)
{
	fd_reset(&h->dir);
	fd_reset(&h->lock);
	fd_reset(&h->spec);
	fd_reset(&h->before);
	fd_reset(&h->gate);
}

int run_dir_open(struct jail *j, const struct jail_name *name, bool make, struct err *e)
{
	int fd;

	if (make)
		return path_make_dir_at(j->run_instances, name->s, 0700, e);
	fd = path_open_beneath(j->run_instances, name->s, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 && fd != -ENOENT ? err_ret(e, fd, "open run directory of %s", name->s) : fd;
}

void running_close(struct running *r)
{
	fd_reset(&r->pidfd);
	fd_reset(&r->dir);
	fd_reset(&r->run);
}

static int not_running(const struct jail_name *name, struct err *e)
{
	err_set(e, ESRCH, "is not running");
	return err_hint(e, "start it: jail start %s", name->s);
}

/* Nobody of ours keeps its zombie, so its number may be another process's by now. */
static bool is_units_init(const struct running *r, const struct jail_name *name)
{
	struct pollfd p = { .fd = r->pidfd, .events = POLLIN };

	return unit_owns_init(r->run, name, r->state.pid) && poll(&p, 1, 0) == 0;
}

bool running_has_ended(const struct running *r)
{
	struct pollfd p = { .fd = r->pidfd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

int running_open(struct jail *j, const struct jail_name *name, struct running *ret, struct err *e)
{
	struct running r CLEANUP_RUNNING = RUNNING_INIT;
	bool due;
	int rc;

	r.dir = instance_open_dir(j, name, e);
	if (r.dir < 0)
		return r.dir;
	if (!instance_is_up(j, name, r.dir))
		return not_running(name, e);
	r.run = run_dir_open(j, name, false, e);
	if (r.run == -ENOENT)
		return instance_run_is_lost(j, name, r.dir)
			       ? instance_run_lost(j, name, e)
			       : err_set(e, EAGAIN, "is being changed by another command");
	if (r.run < 0)
		return r.run;
	rc = run_state_read(r.run, &r.state, e);
	if (rc == -ENOENT)
		return err_set(e, EAGAIN, "is starting");
	if (rc < 0)
		return rc;
	r.pidfd = sys_pidfd_open(r.state.pid, 0);
	if (r.pidfd < 0 && errno != ESRCH)
		return err_sys(e, "pidfd_open %d", r.state.pid);
	/* In this order: what held after pidfd_open held before it (see engine_priv.h). */
	due = exit_record_is_due(r.dir) && state_is_there(r.run);
	if (!instance_is_up(j, name, r.dir))
		return not_running(name, e);
	if (r.pidfd < 0 || !due || (unit_is_up(r.run) && !is_units_init(&r, name)))
		return err_set(e, EAGAIN, "has just ended");
	*ret = r;
	r = RUNNING_INIT;
	return 0;
}

bool instance_is_alive(struct jail *j, const struct jail_name *name)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = instance_open_dir(j, name, &ignored);

	if (dir < 0)
		return false;
	return instance_is_up(j, name, dir) ||
	       (faccessat(dir, UNIT_JOURNAL, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
		systemd_will_restart(j, name));
}

int instance_directory(struct jail *j, const struct jail_name *name, struct err *e)
{
	int fd = instance_open_dir(j, name, e);

	return fd < 0 ? err_wrap(e, "%s", name->s) : fd;
}

int monitor_connect(int run, struct err *e)
{
	CLEANUP_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (sock < 0)
		return err_sys(e, "socket");
	/* Through the held directory: the path of RUN may be longer than sun_path. */
	(void)str_format(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/attach.sock", run);
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_sys(e, "connect to the monitor");
	return TAKE_FD(sock);
}

int monitor_request(int sock, uint32_t type, const void *data, size_t n, struct err *e)
{
	struct {
		struct monitor_header h;
		char data[64];
	} m = { .h = { type, (uint32_t)n } };
	struct pollfd p = { .fd = sock, .events = POLLIN };
	struct monitor_header answer;

	if (n > sizeof(m.data))
		return err_set(e, EINVAL, "request to the monitor is too long");
	if (n)
		memcpy(m.data, data, n);
	if (send(sock, &m, sizeof(m.h) + n, MSG_NOSIGNAL) < 0)
		return err_sys(e, "send to the monitor");
	for (;;) {
		int r = poll(&p, 1, 10000);
		ssize_t got;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return err_set(e, ETIMEDOUT, "the monitor does not answer");
		got = recv(sock, &answer, sizeof(answer), MSG_TRUNC);
		if (got < (ssize_t)sizeof(answer))
			return err_set(e, ESRCH, "the monitor has ended");
		if (answer.type == MONITOR_OK)
			return 0;
	}
}

/* Through the held directory: the path may be a symlink's by now. */
static int watch_add(int watch, int dir, uint32_t events)
{
	char path[64];

	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", dir);
	return inotify_add_watch(watch, path, events | IN_ONLYDIR) < 0 ? -errno : 0;
}

int instance_watch(struct jail *j, const struct jail_name *name)
{
	CLEANUP_FD int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = instance_open_dir(j, name, &ignored);
	CLEANUP_FD int run = run_dir_open(j, name, false, &ignored);

	/* IN_CLOSE_WRITE: of the lock, when its holder ends. */
	if (watch < 0 || dir < 0 ||
	    watch_add(watch, dir, IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVE_SELF) < 0 ||
	    watch_add(watch, run >= 0 ? run : j->run_instances,
		      IN_CREATE | IN_MOVED_TO | IN_DELETE) < 0)
		return -EBADF;
	return TAKE_FD(watch);
}

void instance_watch_wait(int watch)
{
	struct pollfd p = { .fd = watch, .events = POLLIN };

	(void)poll(&p, 1, watch < 0 ? WATCH_NONE_MS : WATCH_MS);
}
