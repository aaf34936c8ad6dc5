/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The systemd manager: systemd makes the cgroup, as a scope that is delegated to us, and is told
 * the limits that it has properties for, so that a daemon-reload writes the same. All limits are
 * written by us as well, and read back.
 */
#include <unistd.h>

#include "base/str.h"
#include "cgroups/directory.h"
#include "cgroups/place.h"
#include "runtime/oci/cgroup_priv.h"
#include "runtime/oci/scope.h"

#define FAILED_WAIT_MS 2000

static int add_fixed(struct scope_properties *p, const struct oci_cgroup *g, struct err *e)
{
	static const struct {
		const char *name;
		bool value;
	} flags[] = {
		{ "Delegate", true },	      { "DefaultDependencies", false },
		{ "MemoryAccounting", true }, { "CPUAccounting", true },
		{ "IOAccounting", true },     { "TasksAccounting", true },
	};
	char description[sizeof(g->unit) + 32];

	(void)snprintf(description, sizeof(description), "jail-oci container %s", g->unit);
	if (scope_add_text(p, "Description", description, e) < 0 ||
	    scope_add_text(p, "Slice", g->slice, e) < 0)
		return -e->code;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (scope_add_number(p, flags[i].name, 'b', flags[i].value, e) < 0)
			return -e->code;
	}
	return 0;
}

/* What the scope begins with. Conversions that depend on files that are not there yet come with
 * the files. */
static int plan_properties(const struct oci_cgroup *g, const struct oci_config *c,
			   struct scope_properties *p, struct err *e)
{
	const struct oci_resource_facts facts = { .cpu_max = NULL };
	CLEANUP_SETTINGS struct cgroup_settings settings = { .n = 0 };

	if (oci_resources_convert(&c->resources, &facts, &settings, e) < 0 ||
	    add_fixed(p, g, e) < 0 || scope_add_settings(p, &settings, e) < 0)
		return -e->code;
	return scope_add_annotations(p, &c->annotations, e);
}

/* Where systemd put it: its own root may not be ours. */
static int find_path(struct oci_cgroup *g, pid_t pid, struct err *e)
{
	char path[PATH_MAX];
	const char *last;
	int r = cgroup_path_of(pid, path, sizeof(path));

	if (r < 0)
		return err_ret(e, r, "find the cgroup of %s", g->unit);
	last = strrchr(path, '/');
	if (!last || !str_eq(last + 1, g->unit))
		return err_set(e, ENOENT, "%s: its process is in cgroup %s", g->unit, path);
	memcpy(g->path, path, sizeof(path));
	return 0;
}

int oci_cgroup_make_scope(struct oci_cgroup *g, const struct oci_config *c, pid_t pid, int *ret_fd,
			  struct err *e)
{
	CLEANUP_PROPERTIES struct scope_properties properties = { .n = 0 };
	CLEANUP_SETTINGS struct cgroup_settings settings = { .n = 0 };
	CLEANUP_FD int dir = -EBADF;
	struct err ignored = ERR_INIT;
	int r = plan_properties(g, c, &properties, e);

	if (r >= 0)
		r = scope_start(g->unit, pid, &properties, e);
	if (r < 0)
		return r;
	r = find_path(g, pid, e);
	if (r >= 0)
		r = dir = cgroup_directory_open(g->path, 0, e);
	if (r >= 0)
		r = cgroup_fill(g, c, dir, &settings, e);
	if (r < 0) {
		if (g->inode)
			(void)oci_cgroup_destroy(g, FAILED_WAIT_MS, &ignored);
		else
			(void)scope_stop(g->unit, &ignored);
		g->inode = 0;
		return r;
	}
	*ret_fd = TAKE_FD(dir);
	return 0;
}

int cgroup_scope_update(const struct oci_cgroup *g, const struct cgroup_settings *settings,
			struct err *e)
{
	CLEANUP_PROPERTIES struct scope_properties properties = { .n = 0 };
	int r = scope_add_settings(&properties, settings, e);

	return r < 0 || properties.n == 0 ? r : scope_set(g->unit, &properties, e);
}

int cgroup_scope_end(const struct oci_cgroup *g, struct err *e)
{
	return scope_stop(g->unit, e);
}
