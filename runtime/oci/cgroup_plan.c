/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linux.cgroupsPath as a place. It comes from a file that somebody else may have written: nothing
 * in it leads out of the tree (row 65), and a unit's name is one that systemd takes.
 */
#include "base/path.h"
#include "base/str.h"
#include "runtime/oci/cgroup_priv.h"

#define DEFAULT_SLICE "system.slice"
#define DEFAULT_PREFIX "jail-oci"
#define ROOT_SLICE "-.slice"

static bool has_dots(const char *path)
{
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return true;
		p += n;
	}
	return false;
}

static bool has_control(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

static int plan_path(const char *path, struct oci_cgroup *g, struct err *e)
{
	char text[PATH_MAX];

	if (has_dots(path) || has_control(path))
		return err_set(e, EINVAL,
			       "linux.cgroupsPath: \"..\" and control characters are "
			       "not allowed");
	if (str_format(text, sizeof(text), "/%s", path) < 0 ||
	    path_clean(text, g->path, sizeof(g->path)) < 0)
		return err_set(e, ENAMETOOLONG, "linux.cgroupsPath: too long");
	if (str_eq(g->path, "/"))
		return err_set(e, EINVAL, "linux.cgroupsPath: \"%s\" is the root of the tree",
			       path);
	return 0;
}

/* systemd.unit(5): ASCII letters, digits and these. */
static bool is_unit_name(const char *s)
{
	static const char other[] = ":-_.\\@";

	if (!*s)
		return false;
	for (; *s; s++) {
		bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');

		if (!letter && !(*s >= '0' && *s <= '9') && !strchr(other, *s))
			return false;
	}
	return true;
}

/* "a-b.slice" is in "a.slice": /a.slice/a-b.slice (systemd.slice(5)). */
static int expand_slice(const char *slice, char *ret, size_t n)
{
	size_t len = strlen(slice), used = 0, base = len - strlen(".slice");

	if (len <= strlen(".slice") || !str_eq(slice + base, ".slice") || !is_unit_name(slice))
		return -EINVAL;
	ret[0] = '\0';
	if (str_eq(slice, ROOT_SLICE))
		return 0;
	if (slice[0] == '-' || slice[base - 1] == '-')
		return -EINVAL;
	for (size_t i = 1; i <= base; i++) {
		int r;

		if (i < base && slice[i] != '-')
			continue;
		if (i < base && slice[i + 1] == '-')
			return -EINVAL;
		r = str_format(ret + used, n - used, "/%.*s.slice", (int)i, slice);
		if (r < 0)
			return r;
		used += (size_t)r;
	}
	return 0;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && str_eq(s + n - m, end);
}

static int plan_unit(const char *slice, const char *prefix, const char *name, struct oci_cgroup *g,
		     struct err *e)
{
	char above[PATH_MAX];

	if (!*slice)
		slice = DEFAULT_SLICE;
	else if (str_eq(slice, "-"))
		slice = ROOT_SLICE;
	if (expand_slice(slice, above, sizeof(above)) < 0 ||
	    str_format(g->slice, sizeof(g->slice), "%s", slice) < 0)
		return err_set(e, EINVAL, "linux.cgroupsPath: \"%s\" is no name of a slice", slice);
	if (ends_with(name, ".slice"))
		return err_set(e, EOPNOTSUPP,
			       "linux.cgroupsPath: a container is a scope, not a slice (\"%s\")",
			       name);
	if (str_format(g->unit, sizeof(g->unit), "%s%s%s.scope", prefix, *prefix ? "-" : "", name) <
		    0 ||
	    !*name || !is_unit_name(g->unit))
		return err_set(e, EINVAL, "linux.cgroupsPath: \"%s\" is no name of a unit", name);
	if (str_format(g->path, sizeof(g->path), "%s/%s", above, g->unit) < 0)
		return err_set(e, ENAMETOOLONG, "linux.cgroupsPath: too long");
	return 0;
}

/* SLICE:PREFIX:NAME */
static int plan_systemd(const char *path, struct oci_cgroup *g, struct err *e)
{
	char text[PATH_MAX], *prefix, *name;

	if (str_format(text, sizeof(text), "%s", path) < 0)
		return err_set(e, ENAMETOOLONG, "linux.cgroupsPath: too long");
	prefix = strchr(text, ':');
	name = prefix ? strchr(prefix + 1, ':') : NULL;
	if (!name || strchr(name + 1, ':')) {
		(void)err_set(e, EINVAL,
			      "linux.cgroupsPath: \"%s\" is not \"SLICE:PREFIX:NAME\", as the "
			      "systemd cgroup manager wants it",
			      path);
		return err_hint(e, "change it, or run without --systemd-cgroup");
	}
	*prefix++ = '\0';
	*name++ = '\0';
	return plan_unit(text, prefix, name, g, e);
}

int oci_cgroup_plan(const struct oci_config *c, const char *id, bool systemd,
		    struct oci_cgroup *ret, struct err *e)
{
	struct oci_cgroup g = { .systemd = systemd };
	const char *path = c->cgroups_path ? c->cgroups_path : "";
	int r;

	if (!systemd)
		r = plan_path(*path ? path : id, &g, e);
	else if (*path)
		r = plan_systemd(path, &g, e);
	else
		r = plan_unit("", DEFAULT_PREFIX, id, &g, e);
	if (r < 0)
		return r;
	*ret = g;
	return 0;
}
