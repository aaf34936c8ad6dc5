/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and removing networks. A network exists when its file does. Removing one takes its parts
 * on the host away first and the file last, so whatever an interrupted removal leaves is removed by
 * the next.
 */
#include <dirent.h>
#include <fcntl.h>

#include "base/path.h"
#include "runtime/networks_priv.h"

static int default_network(struct jail *j, struct net_network *ret, struct err *e)
{
	struct net_network *n = &j->config.network;
	struct in6_addr ula;
	int r;

	if (j->config.network_auto6) {
		r = network_ula(j, &ula, e);
		if (r < 0)
			return err_wrap(e, "network " NETWORK_DEFAULT);
		network_set_ula(n, &ula, 0);
		r = network_judge(n, e);
		if (r < 0)
			return err_wrap(e, "network " NETWORK_DEFAULT);
		j->config.network_auto6 = false;
	}
	*ret = *n;
	return 0;
}

static int is_network_file(const struct dirent *d)
{
	size_t n = strlen(d->d_name), suffix = strlen(".json");

	return d->d_name[0] != '.' && n > suffix && str_eq(d->d_name + n - suffix, ".json");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of all networks, sorted. */
static int network_names(int dir, struct strv *ret, struct err *e)
{
	struct dirent **list;
	int n = scandirat(dir, ".", &list, is_network_file, NULL), r = 0;

	if (n < 0)
		return err_sys(e, "list networks");
	for (int i = 0; i < n; i++) {
		char *name = list[i]->d_name;

		name[strlen(name) - strlen(".json")] = '\0';
		if (r >= 0 && !str_eq(name, NETWORK_DEFAULT))
			r = strv_add(ret, name);
		free(list[i]);
	}
	free(list);
	if (r >= 0)
		r = strv_add(ret, NETWORK_DEFAULT);
	if (r < 0)
		return err_nomem(e);
	qsort(ret->v, ret->n, sizeof(*ret->v), by_text);
	return 0;
}

static int no_network(int dir, const struct jail_name *name, struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	struct err ignored = ERR_INIT;
	int nearest = -1;

	(void)err_set(e, ENOENT, "no network %s", name->s);
	if (network_names(dir, &names, &ignored) >= 0)
		nearest = ident_nearest(name->s, (const char *const *)names.v, names.n);
	if (nearest >= 0)
		return err_hint(e, "did you mean \"%s\"?", names.v[nearest]);
	return err_hint(e, "`jail network list` shows them, `jail network create` makes one");
}

int network_read(struct jail *j, const struct jail_name *name, struct net_network *ret,
		 struct err *e)
{
	CLEANUP_FD int dir = -EBADF;
	int r;

	if (str_eq(name->s, NETWORK_DEFAULT))
		return default_network(j, ret, e);
	dir = networks_dir(j, e);
	if (dir < 0)
		return dir;
	r = network_file_read(dir, name, ret, e);
	return r == -ENOENT && !e->code ? no_network(dir, name, e) : r;
}

int networks_read_all(struct jail *j, int dir, bool strict, struct net_network **ret, size_t *ret_n,
		      struct err *e)
{
	CLEANUP_STRV struct strv names = { .v = NULL };
	CLEANUP_FREE struct net_network *all = NULL;
	size_t n = 0;
	int r = network_names(dir, &names, e);

	if (r < 0)
		return r;
	all = calloc(names.n, sizeof(*all));
	if (!all)
		return err_nomem(e);
	for (size_t i = 0; i < names.n; i++) {
		struct err why = ERR_INIT;
		struct jail_name name;

		r = name_parse("network", names.v[i], &name, &why);
		if (r >= 0)
			r = network_read(j, &name, &all[n], &why);
		if (r >= 0)
			n++;
		else if (strict && r != -ENOENT) {
			*e = why;
			return r;
		} else if (r != -ENOENT) /* else removed meanwhile */
			warn("%s", why.text);
	}
	*ret = TAKE_PTR(all);
	*ret_n = n;
	return 0;
}

int networks_read(struct jail *j, struct net_network **ret, size_t *ret_n, struct err *e)
{
	CLEANUP_FD int dir = networks_dir(j, e);

	return dir < 0 ? dir : networks_read_all(j, dir, false, ret, ret_n, e);
}

static int refuse_used(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_STRV struct strv users = { .v = NULL };
	int r = network_users(j, name, &users, e);

	if (r < 0 || (r = engine_refuse_used(&users, e)) == 0)
		return r;
	return err_hint(e, "`jail rm` these first, or take the network out of their specs");
}

static int remove_leases(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int leases = path_make_dir_at(j->state, "leases", 0700, e), pools = -EBADF;

	if (leases < 0)
		return err_wrap(e, "lease directory");
	pools = path_make_dir_at(leases, "networks", 0700, e);
	if (pools < 0)
		return err_wrap(e, "lease directory networks");
	return path_remove_tree(pools, name->s, e);
}

static int remove_gated(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int dir = networks_dir(j, e), lock = -EBADF;
	struct net_network n;
	int r;

	if (dir < 0)
		return dir;
	lock = networks_lock(dir, e);
	if (lock < 0)
		return lock;
	r = network_file_read(dir, name, &n, e);
	if (r < 0)
		return r == -ENOENT && !e->code ? no_network(dir, name, e) : r;
	r = refuse_used(j, name, e);
	if (r >= 0 && n.mode != NET_MACVLAN)
		r = net_host_remove(&n, e);
	if (r >= 0)
		r = remove_leases(j, name, e);
	if (r >= 0)
		r = network_file_remove(dir, name, e);
	return r < 0 ? err_wrap(e, "network %s", name->s) : 0;
}

int network_remove(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int gate = -EBADF;

	if (str_eq(name->s, NETWORK_DEFAULT)) {
		(void)err_set(e, EPERM,
			      "network " NETWORK_DEFAULT " can't be removed: it follows "
			      "from the configuration");
		return err_hint(e, "instances that do not want it: network.mode \"none\"");
	}
	gate = engine_gate_alone(j, e);
	if (gate < 0)
		return err_wrap(e, "network %s", name->s);
	return remove_gated(j, name, e);
}

int network_pool(struct jail *j, const struct jail_name *name, struct err *e)
{
	CLEANUP_FD int leases = path_make_dir_at(j->state, "leases", 0700, e), pools = -EBADF;
	int fd;

	if (leases < 0)
		return err_wrap(e, "lease directory");
	pools = path_make_dir_at(leases, "networks", 0700, e);
	if (pools < 0)
		return err_wrap(e, "lease directory networks");
	fd = path_make_dir_at(pools, name->s, 0700, e);
	return fd < 0 ? err_wrap(e, "lease directory networks/%s", name->s) : fd;
}
