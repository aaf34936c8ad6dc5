/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "linux.sysctl": only what belongs to a namespace that the configuration lists; everything else
 * would change the host. The notation is sysctl(8)'s: the first separator of a key says whether
 * '.' or '/' separates, and the other one is then a '.' that is part of a name
 * ("net.ipv4.conf.eth0/100.forwarding"). Keys are kept as paths below /proc/sys.
 */
#include <linux/sched.h>

#include "runtime/oci/config_priv.h"

struct rule {
	const char *path; /* a directory when it ends with '/' */
	uint64_t namespace;
};

/* Which namespace's: ipc/ipc_sysctl.c, ipc/mq_sysctl.c, kernel/utsname_sysctl.c of Linux. */
static const struct rule rules[] = {
	{ "net/", CLONE_NEWNET },
	{ "fs/mqueue/", CLONE_NEWIPC },
	{ "kernel/msg_next_id", CLONE_NEWIPC },
	{ "kernel/msgmax", CLONE_NEWIPC },
	{ "kernel/msgmnb", CLONE_NEWIPC },
	{ "kernel/msgmni", CLONE_NEWIPC },
	{ "kernel/sem", CLONE_NEWIPC },
	{ "kernel/sem_next_id", CLONE_NEWIPC },
	{ "kernel/shm_next_id", CLONE_NEWIPC },
	{ "kernel/shm_rmid_forced", CLONE_NEWIPC },
	{ "kernel/shmall", CLONE_NEWIPC },
	{ "kernel/shmmax", CLONE_NEWIPC },
	{ "kernel/shmmni", CLONE_NEWIPC },
	{ "kernel/domainname", CLONE_NEWUTS },
	{ "kernel/hostname", CLONE_NEWUTS },
};

uint64_t oci_sysctl_namespace(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		size_t n = strlen(rules[i].path);

		if (rules[i].path[n - 1] == '/' ? str_starts(path, rules[i].path) && path[n]
						: str_eq(path, rules[i].path))
			return rules[i].namespace;
	}
	return 0;
}

static const char *namespace_name(uint64_t flag)
{
	for (const struct decode_name *n = oci_namespace_names; n->name; n++)
		if (n->value == flag)
			return n->name;
	return "?";
}

static bool has_dot_parts(const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 0 || (n <= 2 && strspn(path, ".") >= n))
			return true;
		path += n;
		if (*path == '/' && *++path == '\0')
			return true;
	}
	return false;
}

/* NULL: no memory. */
static const char *to_path(struct arena *a, const char *key)
{
	size_t n = strlen(key);
	char *path = arena_strn(a, key, n);
	const char *first = strpbrk(key, "./");

	if (!path || !first || *first == '/')
		return path;
	for (char *p = path; *p; p++) {
		if (*p == '.')
			*p = '/';
		else if (*p == '/')
			*p = '.';
	}
	return path;
}

/* hostname and domainname have fields of their own, which win in no runtime: both is an error. */
static bool contradicts(const struct oci_config *c, const struct oci_pair *pair)
{
	const char *field = str_eq(pair->key, "kernel/hostname")     ? c->hostname
			    : str_eq(pair->key, "kernel/domainname") ? c->domainname
								     : NULL;

	return field && !str_eq(field, pair->value);
}

static int check_one(const struct decoder *d, const struct oci_config *c, const struct json *node,
		     const struct oci_pair *pair, struct err *e)
{
	uint64_t namespace = oci_sysctl_namespace(pair->key);

	if (has_dot_parts(pair->key))
		return json_err_key(d->doc, node, e, EINVAL, "is no name of a sysctl");
	if (!namespace) {
		(void)json_err_key(d->doc, node, e, EINVAL,
				   "is the whole host's, not a container's");
		return err_hint(e, "set it on the host");
	}
	if (!oci_namespace_find(c, namespace)) {
		(void)json_err_key(d->doc, node, e, EINVAL,
				   "would be set in the host's %s namespace",
				   namespace_name(namespace));
		return err_hint(e, "add the namespace \"%s\" to linux.namespaces",
				namespace_name(namespace));
	}
	if (contradicts(c, pair))
		return json_err(d->doc, node, e, EINVAL, "contradicts \"%s\"",
				str_eq(pair->key, "kernel/hostname") ? "hostname" : "domainname");
	return 0;
}

int oci_sysctl_check(const struct decoder *d, struct oci_config *c, struct err *e)
{
	const struct json *node = oci_config_node(c, "linux.sysctl");
	struct oci_pair *list;
	size_t i = 0;

	if (!node)
		return 0;
	list = arena_alloc(d->arena, c->sysctl.n, sizeof(*list));
	if (!list)
		return err_nomem(e);
	for (node = node->first; node; node = node->next, i++) {
		list[i].key = to_path(d->arena, c->sysctl.v[i].key);
		list[i].value = c->sysctl.v[i].value;
		if (!list[i].key)
			return err_nomem(e);
		if (check_one(d, c, node, &list[i], e) < 0)
			return -e->code;
	}
	c->sysctl.v = list;
	return 0;
}
