/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state root, and the containers in it. */
#include "runtime/oci/container.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/sys.h"
#include "runtime/oci/engine_priv.h"

#define LOCK_WAIT_MS 30000
#define CONFIG_FILE "config.json"

int oci_id_parse(const char *text, struct oci_id *ret, struct err *e)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_+-.";
	size_t n = strlen(text);

	if (n == 0)
		return err_set(e, EINVAL, "container id must not be empty");
	if (n >= sizeof(ret->s))
		return err_set(e, EINVAL, "invalid container id: %zu characters, at most %zu", n,
			       sizeof(ret->s) - 1);
	if (strspn(text, good) != n || str_eq(text, ".") || str_eq(text, "..") ||
	    str_eq(text, OCI_SHARED_DIR)) {
		(void)err_set(e, EINVAL, "invalid container id format: \"%s\"", text);
		return err_hint(e, "letters, digits and any of _ + - . are allowed");
	}
	memcpy(ret->s, text, n + 1);
	return 0;
}

/* The path with the part of it that exists as the kernel has it: /var/run is a link. */
static int canonical(const char *path, char *ret, size_t n, struct err *e)
{
	char have[PATH_MAX], real[PATH_MAX];
	size_t len = strlen(path);
	int r;

	if (len >= sizeof(have))
		return err_set(e, ENAMETOOLONG, "state directory %s", path);
	memcpy(have, path, len + 1);
	for (;;) {
		CLEANUP_FD int fd = open(len ? have : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0) {
			r = fd_path(fd, real, sizeof(real));
			if (r < 0)
				return err_ret(e, r, "path of %s", have);
			break;
		}
		if (errno != ENOENT || len == 0)
			return err_sys(e, "open %s", have);
		while (len > 0 && have[len - 1] == '/')
			len--;
		while (len > 0 && have[len - 1] != '/')
			len--;
		while (len > 0 && have[len - 1] == '/')
			len--;
		have[len] = '\0';
	}
	if (str_format(ret, n, "%s%s", str_eq(real, "/") ? "" : real, path + len) < 0)
		return err_set(e, ENAMETOOLONG, "state directory %s", path);
	return 0;
}

/* Engines make it too, with modes of their own: others may look at the names, not change them (row
 * 84). What is in it is 0700. */
static int check_root(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	if ((st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & 022))
		return 0;
	(void)err_set(e, EPERM, "state directory %s: others than root may change it (uid %u, %04o)",
		      path, st.st_uid, st.st_mode & 07777);
	return err_hint(e, "chown root %s, chmod go-w %s, or use another --root", path, path);
}

int oci_root_open(const struct oci_runtime *rt, bool make, struct err *e)
{
	CLEANUP_FD int fd = open(rt->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_MAX];

	if (fd < 0 && errno == ENOENT && make) {
		if (canonical(rt->root, path, sizeof(path), e) < 0)
			return -e->code;
		fd = path_make_state_dir(path, e);
		return fd < 0 ? -e->code : TAKE_FD(fd);
	}
	if (fd < 0)
		return err_sys(e, "open state directory %s", rt->root);
	if (check_root(fd, rt->root, e) < 0)
		return -e->code;
	return TAKE_FD(fd);
}

int oci_seccomp_cache(int root, struct err *e)
{
	CLEANUP_FD int shared = path_make_dir_at(root, OCI_SHARED_DIR, 0700, e);

	return shared < 0 ? -e->code : path_make_dir_at(shared, "seccomp", 0700, e);
}

void oci_container_close(struct oci_container *c)
{
	oci_state_free(&c->state);
	fd_reset(&c->dir);
	fd_reset(&c->lock);
	fd_reset(&c->pidfd);
}

/* Opens the process that state.json speaks of, if it still is that one. */
static int hold_process(struct oci_container *c, struct err *e)
{
	CLEANUP_FD int pidfd = -EBADF;
	uint64_t ticks;
	int r;

	if (c->state.pid == 0)
		return 0;
	pidfd = sys_pidfd_open(c->state.pid, 0);
	/* EINVAL before Linux 6.15: nobody's process any more, but somebody's session. */
	if (pidfd < 0)
		return errno == ESRCH || errno == EINVAL
			       ? 0
			       : err_sys(e, "open process %d", (int)c->state.pid);
	r = oci_start_ticks(c->state.pid, &ticks);
	if (r < 0 && r != -ESRCH)
		return err_ret(e, r, "look at process %d", (int)c->state.pid);
	if (r == 0 && ticks == c->state.start_ticks && !oci_has_ended(pidfd))
		c->pidfd = TAKE_FD(pidfd);
	return 0;
}

static int no_container(const struct oci_id *id, struct err *e)
{
	return err_set(e, ENOENT, "container %s does not exist", id->s);
}

int oci_container_open(const struct oci_runtime *rt, const struct oci_id *id, enum oci_open how,
		       struct oci_container *ret, struct err *e)
{
	struct oci_container c CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	CLEANUP_FD int root = oci_root_open(rt, false, e);
	struct stat st;
	int r;

	c.rt = rt;
	c.id = *id;
	if (root < 0 && e->code == ENOENT) {
		*e = ERR_INIT;
		return no_container(id, e);
	}
	if (root < 0)
		return root;
	c.dir = path_open_beneath(root, id->s, O_RDONLY | O_DIRECTORY, 0);
	if (c.dir == -ENOENT)
		return no_container(id, e);
	if (c.dir < 0)
		return err_ret(e, c.dir, "open the state of container %s", id->s);
	if (how == OCI_CHANGE) {
		c.lock = lock_take_at(c.dir, "lock", LOCK_MODE_EXCLUSIVE, LOCK_WAIT_MS, e);
		if (c.lock == -EWOULDBLOCK)
			return err_wrap(e, "container %s is being changed by another command",
					id->s);
		if (c.lock < 0)
			return c.lock;
		/* Deleted while we waited. */
		if (fstat(c.dir, &st) < 0 || st.st_nlink == 0)
			return no_container(id, e);
	}
	r = oci_state_read(c.dir, &c.state, e);
	if (r < 0 && r != -ENOENT)
		return err_wrap(e, "container %s", id->s);
	r = hold_process(&c, e);
	if (r < 0)
		return r;
	*ret = c;
	c = OCI_CONTAINER_INIT;
	return 0;
}

enum oci_status oci_container_status(const struct oci_container *c)
{
	if (c->state.pid == 0)
		return lock_is_held_at(c->dir, "lock") > 0 ? OCI_CREATING : OCI_STOPPED;
	if (c->pidfd < 0)
		return OCI_STOPPED;
	if (oci_cgroup_is_frozen(&c->state.cgroup) > 0)
		return OCI_PAUSED;
	return oci_awaits_start(c->dir) ? OCI_CREATED : OCI_RUNNING;
}

int oci_container_config(const struct oci_container *c, struct oci_config *ret, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	warn_sink_fn *sink;
	char name[512];
	size_t n = 0;
	int r;

	*ret = OCI_CONFIG_INIT;
	if (file_read_at(c->dir, CONFIG_FILE, LIMIT_JSON_BYTES, &text, &n, e) < 0)
		return err_wrap(e, "container %s", c->id.s);
	(void)str_format(name, sizeof(name), "%s/" CONFIG_FILE, c->id.s);
	/* What there was to warn of, `create` has said. */
	sink = warn_set_sink(NULL);
	r = oci_config_parse(name, text, n, c->state.bundle ? c->state.bundle : "/", ret, e);
	(void)warn_set_sink(sink);
	return r;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int oci_container_ids(const struct oci_runtime *rt, struct strv *ret, struct err *e)
{
	CLEANUP_FD int root = oci_root_open(rt, false, e);
	CLEANUP_STRV struct strv ids = { 0 };
	CLEANUP_DIR DIR *d = NULL;
	const struct dirent *entry;
	struct oci_id id;

	if (root < 0)
		return root;
	d = dir_take(&root);
	if (!d)
		return err_sys(e, "read %s", rt->root);
	while ((errno = 0, entry = readdir(d))) {
		struct err ignored = ERR_INIT;

		if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
			continue;
		if (oci_id_parse(entry->d_name, &id, &ignored) == 0 && strv_add(&ids, id.s) < 0)
			return err_nomem(e);
	}
	if (errno)
		return err_sys(e, "read %s", rt->root);
	if (ids.n > 1)
		qsort(ids.v, ids.n, sizeof(*ids.v), compare);
	*ret = ids;
	ids = (struct strv){ 0 };
	return 0;
}
