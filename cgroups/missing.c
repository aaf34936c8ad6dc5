/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a controller is not there (promise 2: a limit that can't be enforced says so, and why).
 * Looked for from the outside in: a v1 hierarchy that holds it, the kernel that lacks it or was
 * told to, a parent cgroup that does not hand it down.
 */
#include <fcntl.h>

#include "base/fd.h"
#include "base/file.h"
#include "cgroups/cgroup_priv.h"
#include "cgroups/mounts.h"

#define MISSING_BYTES_MAX (64u << 10)

struct missing_v1 {
	const char *v1_name;
	char path[256];
};

static int missing_look_v1(const struct cgroup_mount *m, void *arg)
{
	struct missing_v1 *v = arg;

	if (m->v2 || !cgroup_mount_has(m, v->v1_name))
		return 0;
	(void)snprintf(v->path, sizeof(v->path), "%s", m->path);
	return 1;
}

/* What /proc/cgroups says: "memory <hierarchy> <cgroups> <enabled>". */
enum missing_kernel { MISSING_NOT_BUILT, MISSING_DISABLED, MISSING_IN_V1, MISSING_IN_V2 };

static enum missing_kernel missing_kernel_state(const char *v1_name)
{
	CLEANUP_FD int fd = open("/proc/cgroups", O_RDONLY | O_CLOEXEC);
	CLEANUP_FREE char *text = NULL;
	size_t n = strlen(v1_name);

	/* Without the file (a kernel without v1) nothing is known: look further down. */
	if (fd < 0 || fd_read_all(fd, MISSING_BYTES_MAX, &text, NULL) < 0)
		return MISSING_IN_V2;
	for (const char *line = text; *line;
	     line += strcspn(line, "\n") + (strchr(line, '\n') != 0)) {
		const char *last;

		if (!str_starts(line, v1_name) || line[n] != '\t')
			continue;
		last = line + strcspn(line, "\n") - 1;
		if (*last == '0')
			return MISSING_DISABLED;
		return line[n + 1] == '0' ? MISSING_IN_V2 : MISSING_IN_V1;
	}
	return MISSING_NOT_BUILT;
}

/* The cgroup whose children should have the controller. */
struct missing_place {
	int above;
	const char *path;
	const char *key;
};

static int missing_set(const struct missing_place *p, const char *controller, struct err *e,
		       const char *why)
{
	return err_set(e, EOPNOTSUPP, "%s: the %s controller is not available in %s: %s", p->key,
		       controller, p->path, why);
}

/*
 * The nearest cgroup, from that place upwards, that has the controller: it is the one that does not
 * hand it down. Return: its fd, and the length of its part of the path; or -ENOENT.
 */
static int missing_find_holder(const struct missing_place *p, uint32_t bit, int *ret_len)
{
	CLEANUP_FD int dir = openat(p->above, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int len = (int)strlen(p->path);

	while (dir >= 0 && len > 0) {
		uint32_t has = 0;
		int up;

		if (cgroup_read_controllers(dir, "cgroup.controllers", &has) < 0)
			break;
		if (has & bit) {
			*ret_len = len;
			return TAKE_FD(dir);
		}
		while (len > 0 && p->path[--len] != '/')
			;
		up = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		fd_reset(&dir);
		dir = up;
	}
	return -ENOENT;
}

/* The kernel could give it: some cgroup above does not. */
static int missing_not_handed_down(const struct missing_place *p, const struct cgroup_controller *c,
				   struct err *e)
{
	int len = 0, r;
	CLEANUP_FD int holder = missing_find_holder(p, c->bit, &len);
	char why[512], add[32];

	if (holder < 0) {
		(void)missing_set(p, c->name, e,
				  "it is not delegated to this part of the cgroup tree");
		return err_hint(e, "run jail on the host, or have \"%s\" delegated to it", c->name);
	}
	(void)snprintf(add, sizeof(add), "+%s", c->name);
	r = cgroup_has_processes(holder)
		    ? -EBUSY
		    : file_poke_at(holder, "cgroup.subtree_control", add, strlen(add));
	(void)snprintf(why, sizeof(why), "not enabled in %.*s/cgroup.subtree_control: %s", len,
		       p->path, r < 0 ? strerror(-r) : "another process turns it off");
	(void)missing_set(p, c->name, e, why);
	if (r == -EBUSY)
		return err_hint(e, "%.*s holds processes itself: move them into a child cgroup",
				len, p->path);
	return err_hint(e, "echo +%s > %.*s/cgroup.subtree_control", c->name, len, p->path);
}

int cgroup_missing(int above, const char *path, const char *key, uint32_t controller, struct err *e)
{
	const struct missing_place place = { above, path, key };
	const struct cgroup_controller *c = cgroup_controllers;
	struct missing_v1 v1 = { .v1_name = "" };
	struct err ignored;
	char why[320];

	while (c->bit != controller)
		c++;
	v1.v1_name = c->v1_name;
	if (cgroup_mounts_each(missing_look_v1, &v1, &ignored) == 1) {
		(void)snprintf(why, sizeof(why), "it is mounted as v1 at %s on this hybrid host",
			       v1.path);
		(void)missing_set(&place, c->name, e, why);
		return err_hint(e,
				"boot with systemd.unified_cgroup_hierarchy=1 or "
				"cgroup_no_v1=all, or remove %s",
				key);
	}
	switch (missing_kernel_state(c->v1_name)) {
	case MISSING_NOT_BUILT:
		(void)missing_set(&place, c->name, e, "this kernel is built without it");
		return err_hint(e, "use another kernel, or remove %s", key);
	case MISSING_DISABLED:
		(void)missing_set(&place, c->name, e, "it is disabled at boot");
		return err_hint(e, "remove cgroup_disable=%s from the kernel's command line",
				c->v1_name);
	case MISSING_IN_V1:
		(void)missing_set(&place, c->name, e, "a v1 hierarchy holds it");
		return err_hint(e, "boot with cgroup_no_v1=all, or remove %s", key);
	case MISSING_IN_V2:
		break;
	}
	return missing_not_handed_down(&place, c, e);
}
