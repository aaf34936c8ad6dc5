/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroup of a container from its birth to its end. Made with its limits and its device filter
 * before anything runs in it (rows 31, 66); everything later opens it anew, by path and inode.
 */
#include "runtime/oci/cgroup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/num.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/directory.h"
#include "cgroups/place.h"
#include "runtime/oci/cgroup_priv.h"

#define FAILED_WAIT_MS 2000 /* for what a failed start left */

/*
 * config-linux.md, "Cgroup ownership": a container with a cgroup namespace of its own that sees the
 * tree writable may manage what is below its cgroup. Limits stay out of reach: their files are
 * root's, and with nsdelegate the kernel takes no write to them from inside (row 68).
 */
static bool manages_its_own(const struct oci_config *c)
{
	const struct oci_namespace *own = oci_namespace_find(c, CLONE_NEWCGROUP);

	if (!own || own->path)
		return false;
	for (size_t i = 0; i < c->bundle.n_mounts; i++) {
		const struct bundle_mount *m = &c->bundle.mounts[i];

		if (m->kind == BUNDLE_CGROUP && str_eq(m->destination, "/sys/fs/cgroup"))
			return !((m->attr_set | m->rattr_set) & MOUNT_ATTR_RDONLY);
	}
	return false;
}

/* To the process's user, by his id on the host. One that has none there gets nothing. */
static int give_away(const struct oci_config *c, int dir, struct err *e)
{
	const struct id_mappings *maps = &c->bundle.maps;
	uid_t uid = c->process.user.uid;
	bool found = maps->n_uids == 0 && !c->bundle.private_user;
	int r;

	for (size_t i = 0; i < maps->n_uids && !found; i++) {
		const struct id_mapping *m = &maps->uids[i];

		found = uid >= m->inside && uid - m->inside < m->count;
		if (found)
			uid = m->outside + (uid - m->inside);
	}
	if (!found || !manages_its_own(c))
		return 0;
	r = cgroup_directory_give(dir, uid, (gid_t)-1);
	return r < 0 ? err_ret(e, r, "give the cgroup to user %u", uid) : 0;
}

int cgroup_fill(struct oci_cgroup *g, const struct oci_config *c, int dir,
		struct cgroup_settings *ret, struct err *e)
{
	struct oci_resource_facts facts = {
		.has_bfq = faccessat(dir, "io.bfq.weight", F_OK, 0) == 0,
	};
	CLEANUP_UNDO struct cgroup_undo *undo = NULL;
	struct stat st;
	int r;

	if (fstat(dir, &st) < 0)
		return err_sys(e, "look at cgroup %s", g->path);
	g->inode = st.st_ino;
	r = oci_resources_convert(&c->resources, &facts, ret, e);
	if (r >= 0)
		r = cgroup_directory_apply(dir, g->path, ret, &undo, e);
	if (r >= 0)
		r = oci_devices_set(dir, &c->resources, e);
	return r < 0 ? r : give_away(c, dir, e);
}

int oci_cgroup_foresee(struct oci_cgroup *g, struct err *e)
{
	return cgroup_directory_foresee(g->path, g->parent_made, e);
}

int oci_cgroup_make(struct oci_cgroup *g, const struct oci_config *c, int *ret_fd, struct err *e)
{
	CLEANUP_FD int dir = cgroup_directory_make(g->path, g->parent_made, e);
	CLEANUP_SETTINGS struct cgroup_settings settings = { .n = 0 };
	struct err ignored = ERR_INIT;
	int r;

	if (dir < 0)
		return TAKE_FD(dir);
	r = cgroup_fill(g, c, dir, &settings, e);
	if (r < 0) {
		if (g->parent_made[0])
			(void)cgroup_directory_destroy(g->path, g->inode, g->parent_made,
						       FAILED_WAIT_MS, &ignored);
		g->inode = 0;
		g->parent_made[0] = '\0';
		return r;
	}
	*ret_fd = TAKE_FD(dir);
	return 0;
}

int oci_cgroup_open(const struct oci_cgroup *g, struct err *e)
{
	if (!g->inode)
		return err_set(e, ENOENT, "cgroup %s was not made yet", g->path);
	return cgroup_directory_open(g->path, g->inode, e);
}

int oci_cgroup_open_below(const struct oci_cgroup *g, const char *path, struct err *e)
{
	CLEANUP_FD int dir = oci_cgroup_open(g, e);
	int fd;

	while (*path == '/') /* engines write "/" for the container's own root */
		path++;
	if (dir < 0 || !*path)
		return TAKE_FD(dir);
	fd = path_open_beneath(dir, path, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? err_ret(e, fd, "open cgroup %s/%s", g->path, path) : fd;
}

int oci_cgroup_open_of(const struct oci_cgroup *g, pid_t pid, struct err *e)
{
	char path[PATH_MAX];
	size_t n = strlen(g->path);
	int r = cgroup_path_of(pid, path, sizeof(path));

	if (r < 0)
		return err_ret(e, r, "cgroup of process %d", (int)pid);
	if (!str_starts(path, g->path) || (path[n] && path[n] != '/'))
		return err_set(e, EPERM, "process %d is in cgroup %s, not below %s", (int)pid, path,
			       g->path);
	return oci_cgroup_open_below(g, path + n, e);
}

int oci_cgroup_freeze(const struct oci_cgroup *g, bool frozen, unsigned wait_ms, struct err *e)
{
	CLEANUP_FD int dir = oci_cgroup_open(g, e);

	return dir < 0 ? TAKE_FD(dir) : cgroup_directory_freeze(dir, g->path, frozen, wait_ms, e);
}

int oci_cgroup_is_frozen(const struct oci_cgroup *g)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = oci_cgroup_open(g, &ignored);
	int r = dir < 0 ? dir : cgroup_directory_is_frozen(dir);

	return r == -ENODEV ? -ENOENT : r;
}

int oci_cgroup_signal(const struct oci_cgroup *g, int signal, struct err *e)
{
	struct err why = ERR_INIT;
	CLEANUP_FD int dir = oci_cgroup_open(g, &why);

	if (dir == -ENOENT)
		return 0;
	if (dir < 0) {
		*e = why;
		return TAKE_FD(dir);
	}
	return cgroup_directory_signal(dir, g->path, signal, e);
}

int oci_cgroup_pids(const struct oci_cgroup *g, pid_t **ret, size_t *ret_n, struct err *e)
{
	CLEANUP_FD int dir = oci_cgroup_open(g, e);

	return dir < 0 ? TAKE_FD(dir) : cgroup_directory_pids(dir, g->path, ret, ret_n, e);
}

/* v1's kernel refused a limit below the usage, where v2's kills (config-linux.md, "Memory"). */
static int check_usage(const struct oci_cgroup *g, int dir, const struct oci_resources *r,
		       struct err *e)
{
	char text[32];
	uint64_t usage = 0;
	struct err ignored = ERR_INIT;

	if (!r->memory.check_before_update || !r->memory.has_limit || r->memory.limit <= 0)
		return 0;
	if (file_peek_at(dir, "memory.current", text, sizeof(text)) < 0 ||
	    num_parse_u64(text, 0, UINT64_MAX, &usage, &ignored) < 0 ||
	    usage <= (uint64_t)r->memory.limit)
		return 0;
	return err_set(e, EBUSY,
		       "linux.resources.memory.limit: %" PRIi64
		       " is below what cgroup %s uses now, "
		       "%" PRIu64,
		       r->memory.limit, g->path, usage);
}

/* systemd writes its own idea of the values (a quota in whole microseconds of a second): ours come
 * again after that. */
static int tell_systemd(const struct oci_cgroup *g, int dir, struct cgroup_settings *settings,
			struct err *e)
{
	CLEANUP_UNDO struct cgroup_undo *undo = NULL;
	int r = cgroup_scope_update(g, settings, e);

	return r < 0 ? r : cgroup_directory_apply(dir, g->path, settings, &undo, e);
}

int oci_cgroup_update(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e)
{
	CLEANUP_SETTINGS struct cgroup_settings settings = { .n = 0 };
	CLEANUP_UNDO struct cgroup_undo *undo = NULL;
	CLEANUP_FD int dir = oci_cgroup_open(g, e);
	char cpu_max[64] = "";
	struct oci_resource_facts facts = { .cpu_max = cpu_max };
	int ret;

	if (dir < 0)
		return TAKE_FD(dir);
	facts.has_bfq = faccessat(dir, "io.bfq.weight", F_OK, 0) == 0;
	if (file_peek_at(dir, "cpu.max", cpu_max, sizeof(cpu_max)) <= 0)
		(void)snprintf(cpu_max, sizeof(cpu_max), "max 100000");
	if ((ret = check_usage(g, dir, r, e)) < 0 ||
	    (ret = oci_resources_convert(r, &facts, &settings, e)) < 0 ||
	    (ret = cgroup_directory_apply(dir, g->path, &settings, &undo, e)) < 0)
		return ret;
	if (r->n_devices > 0)
		ret = oci_devices_set(dir, r, e);
	if (ret >= 0 && g->systemd)
		ret = tell_systemd(g, dir, &settings, e);
	if (ret < 0)
		cgroup_undo_run(&undo);
	return ret;
}

int oci_cgroup_destroy(const struct oci_cgroup *g, unsigned wait_ms, struct err *e)
{
	struct err ignored = ERR_INIT;
	CLEANUP_FD int dir = oci_cgroup_open(g, &ignored);
	int r;

	if (!g->inode)
		return cgroup_directory_forget(g->path, g->parent_made, e);
	r = cgroup_directory_destroy(g->path, g->inode, g->parent_made, wait_ms, e);
	/* A scope whose cgroup is gone has ended; one of that name is somebody else's. */
	return r < 0 || !g->systemd || dir < 0 ? r : cgroup_scope_end(g, e);
}
