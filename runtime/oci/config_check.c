/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What takes two fields to be judged, or the host to be asked. In the order of a table: which rule
 * comes first decides which error is seen.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/stat.h>

#include "runtime/oci/config_priv.h"

const struct json *oci_config_node(const struct oci_config *c, const char *path)
{
	const struct json *node = json_root(c->doc);

	while (node && *path) {
		char key[32];
		size_t n = strcspn(path, ".");

		if (str_format(key, sizeof(key), "%.*s", (int)n, path) < 0)
			return NULL;
		node = json_get(node, key);
		path += n + (path[n] == '.');
	}
	return node && node->type != JSON_NULL ? node : NULL;
}

/* ---- fields that need a namespace */

struct need {
	const char *path;
	uint64_t namespace;
	const char *name;
	bool own; /* a new one, not one that is joined */
};

static const struct need needs[] = {
	{ "hostname", CLONE_NEWUTS, "uts", false },
	{ "domainname", CLONE_NEWUTS, "uts", false },
	{ "root.readonly", CLONE_NEWNS, "mount", true },
	{ "mounts", CLONE_NEWNS, "mount", true },
	{ "linux.maskedPaths", CLONE_NEWNS, "mount", true },
	{ "linux.readonlyPaths", CLONE_NEWNS, "mount", true },
	{ "linux.rootfsPropagation", CLONE_NEWNS, "mount", true },
	{ "linux.devices", CLONE_NEWNS, "mount", true },
	{ "linux.uidMappings", CLONE_NEWUSER, "user", false },
	{ "linux.gidMappings", CLONE_NEWUSER, "user", false },
	{ "linux.timeOffsets", CLONE_NEWTIME, "time", true },
	{ "linux.netDevices", CLONE_NEWNET, "network", false },
};

/* What asks for nothing needs nothing. */
static bool is_empty(const struct json *node)
{
	switch (node->type) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return !node->boolean;
	case JSON_STRING:
		return node->len == 0;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return node->count == 0;
	case JSON_NUMBER:
		return false;
	}
	return false;
}

static int check_needs(const struct decoder *d, struct oci_config *c, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		const struct need *need = &needs[i];
		const struct json *node = oci_config_node(c, need->path);
		const struct oci_namespace *ns = oci_namespace_find(c, need->namespace);

		if (!node || is_empty(node) || (ns && !(need->own && ns->path)))
			continue;
		if (ns)
			return json_err_key(d->doc, node, e, EINVAL,
					    "needs a %s namespace of the container's own, and "
					    "linux.namespaces names one to join",
					    need->name);
		(void)json_err_key(d->doc, node, e, EINVAL, "needs a %s namespace", need->name);
		return err_hint(e, "add { \"type\": \"%s\" } to linux.namespaces", need->name);
	}
	return 0;
}

/* ---- ids */

static bool is_mapped(const struct id_mapping *maps, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= maps[i].inside && id - maps[i].inside < maps[i].count)
			return true;
	return false;
}

/* With an unmapped id the kernel's answer is a bare EINVAL, in the container. */
static int check_user(const struct decoder *d, const struct oci_config *c, struct err *e)
{
	const struct oci_user *u = &c->process.user;
	const struct id_mappings *m = &c->bundle.maps;
	const struct json *node = oci_config_node(c, "process");

	if (!c->process.given)
		return 0;
	if (!is_mapped(m->uids, m->n_uids, u->uid))
		return json_err(d->doc, node, e, EINVAL, "user.uid %u is not in linux.uidMappings",
				u->uid);
	if (!is_mapped(m->gids, m->n_gids, u->gid))
		return json_err(d->doc, node, e, EINVAL, "user.gid %u is not in linux.gidMappings",
				u->gid);
	for (size_t i = 0; i < u->n_groups; i++)
		if (!is_mapped(m->gids, m->n_gids, u->groups[i]))
			return json_err(d->doc, node, e, EINVAL,
					"user.additionalGids[%zu] is not in linux.gidMappings", i);
	return 0;
}

static int check_maps(const struct decoder *d, struct oci_config *c, struct err *e)
{
	const struct oci_namespace *ns = oci_namespace_find(c, CLONE_NEWUSER);
	const struct json *uids = oci_config_node(c, "linux.uidMappings");
	const struct json *gids = oci_config_node(c, "linux.gidMappings");
	int r = oci_mappings_check(d, uids, c->maps.uids, c->maps.n_uids, e);

	if (r < 0)
		return r;
	r = oci_mappings_check(d, gids, c->maps.gids, c->maps.n_gids, e);
	if (r < 0)
		return r;
	if (!ns || ns->path)
		return 0;
	/* The runtime's half inside is root there. */
	if (!is_mapped(c->maps.uids, c->maps.n_uids, 0) ||
	    !is_mapped(c->maps.gids, c->maps.n_gids, 0))
		return json_err(d->doc, oci_config_node(c, "linux"), e, EINVAL,
				"a new user namespace needs uidMappings and gidMappings that map "
				"id 0");
	c->bundle.maps = c->maps;
	return check_user(d, c, e);
}

static int check_mounts(const struct decoder *d, struct oci_config *c, struct err *e)
{
	const struct json *node = oci_config_node(c, "mounts");
	size_t i = 0;

	for (const struct json *item = node ? node->first : NULL; item; item = item->next, i++)
		if (c->bundle.mounts[i].idmap != BUNDLE_IDMAP_NONE &&
		    !c->bundle.mounts[i].maps.n_uids && !oci_namespace_find(c, CLONE_NEWUSER))
			return json_err(d->doc, item, e, EINVAL,
					"an id-mapped mount without mappings of its own needs a "
					"user namespace");
	return oci_mounts_fold(d, c, node, e);
}

static int check_devices(const struct decoder *d, struct oci_config *c, struct err *e)
{
	const struct json *node = oci_config_node(c, "linux.devices");
	size_t i = 0;

	for (node = node ? node->first : NULL; node; node = node->next, i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(c->bundle.devices[i].path, c->bundle.devices[k].path))
				return json_err(d->doc, node, e, EINVAL, "%s is listed twice",
						c->bundle.devices[i].path);
	return 0;
}

static int check_net_devices(const struct decoder *d, struct oci_config *c, struct err *e)
{
	const struct json *node = oci_config_node(c, "linux.netDevices");
	size_t i = 0;

	for (node = node ? node->first : NULL; node; node = node->next, i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(c->net_devices[i].new_name, c->net_devices[k].new_name))
				return json_err(d->doc, node, e, EINVAL,
						"two network devices would have the name \"%s\"",
						c->net_devices[i].new_name);
	return 0;
}

static int check_process(const struct decoder *d, struct oci_config *c, struct err *e)
{
	return c->process.given ? oci_process_check(d, oci_config_node(c, "process"), c, e) : 0;
}

static int check_resources(const struct decoder *d, struct oci_config *c, struct err *e)
{
	(void)d;
	(void)e;
	oci_resources_finish(&c->resources);
	return 0;
}

typedef int check_fn(const struct decoder *d, struct oci_config *c, struct err *e);
static check_fn *const checks[] = {
	check_process, check_needs,	  check_maps,	    check_mounts,
	check_devices, check_net_devices, oci_sysctl_check, check_resources,
};

int oci_config_finish(const struct decoder *d, struct oci_config *c, struct err *e)
{
	const struct oci_namespace *mounts = oci_namespace_find(c, CLONE_NEWNS);

	c->bundle.terminal = c->process.given && c->process.terminal;
	c->bundle.private_user = oci_namespace_find(c, CLONE_NEWUSER) != NULL;
	c->bundle.private_mounts = mounts && !mounts->path;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int r = checks[i](d, c, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the host */

static const char *own_namespace(uint64_t flag)
{
	switch (flag) {
	case CLONE_NEWNET:
		return "/proc/self/ns/net";
	case CLONE_NEWIPC:
		return "/proc/self/ns/ipc";
	default:
		return "/proc/self/ns/uts";
	}
}

/* The path of a namespace may be the caller's own ("/proc/1/ns/net"). */
static int check_sysctl_host(const struct oci_config *c, const struct oci_pair *pair, struct err *e)
{
	uint64_t flag = oci_sysctl_namespace(pair->key);
	const struct oci_namespace *ns = oci_namespace_find(c, flag);
	struct stat theirs, ours;

	if (!ns || !ns->path)
		return 0;
	if (stat(ns->path, &theirs) < 0)
		return err_sys(e, "namespace %s", ns->path);
	if (stat(own_namespace(flag), &ours) < 0)
		return err_sys(e, "%s", own_namespace(flag));
	if (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino)
		return err_set(e, EINVAL, "linux.sysctl: %s: %s is the host's namespace", pair->key,
			       ns->path);
	return 0;
}

int oci_config_check_host(const struct oci_config *c, struct err *e)
{
	struct stat st;

	if (stat(c->bundle.rootfs, &st) < 0)
		return err_sys(e, "root.path: %s", c->bundle.rootfs);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "root.path: %s: is no directory", c->bundle.rootfs);
	for (size_t i = 0; i < c->sysctl.n; i++) {
		int r = check_sysctl_host(c, &c->sysctl.v[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}
