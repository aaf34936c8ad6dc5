/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/network_change.h"

#include <fcntl.h>

#include "base/fd.h"
#include "base/lock.h"
#include "netsetup/port.h"

#define CHANGE_LOCK "network.lock"
#define CHANGE_MARK "network.changing"
#define CHANGE_WAIT_MS 30000

static bool same_interface(const struct spec_interface *a, const struct spec_interface *b)
{
	return str_eq(a->network.s, b->network.s) &&
	       a->addresses.v4.s_addr == b->addresses.v4.s_addr &&
	       IN6_ARE_ADDR_EQUAL(&a->addresses.v6, &b->addresses.v6) &&
	       memcmp(&a->ingress, &b->ingress, sizeof(a->ingress)) == 0 &&
	       memcmp(&a->egress, &b->egress, sizeof(a->egress)) == 0;
}

static bool same_port(const struct net_port *a, const struct net_port *b)
{
	char one[NET_PORT_TEXT_MAX], other[NET_PORT_TEXT_MAX];

	net_port_format(a, one);
	net_port_format(b, other);
	return str_eq(one, other);
}

static bool same_list(const struct strv *a, const struct strv *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = str_eq(a->v[i], b->v[i]);
	return same;
}

static bool same_labels(const struct jail_spec *a, const struct jail_spec *b)
{
	bool same = a->n_labels == b->n_labels;

	for (size_t i = 0; same && i < a->n_labels; i++)
		same = str_eq(a->labels[i].key, b->labels[i].key) &&
		       str_eq(a->labels[i].value, b->labels[i].value);
	return same;
}

/* Labels too: others' rules name them. */
bool network_differs(const struct jail_spec *a, const struct jail_spec *b)
{
	bool same = a->network.n_interfaces == b->network.n_interfaces &&
		    a->network.n_ports == b->network.n_ports &&
		    same_list(&a->network.allow, &b->network.allow) &&
		    same_list(&a->network.deny, &b->network.deny) && same_labels(a, b);

	for (size_t i = 0; same && i < a->network.n_interfaces; i++)
		same = same_interface(&a->network.interfaces[i], &b->network.interfaces[i]);
	for (size_t i = 0; same && i < a->network.n_ports; i++)
		same = same_port(&a->network.ports[i], &b->network.ports[i]);
	return !same && spec_has_networks(a);
}

/* A file that tells of the change, until it is over: else the instance's end looks for what it may
 * have left. That of a change that was killed stays until then. */
static int mark(struct network_change *c, struct err *e)
{
	CLEANUP_FD int fd =
		openat(c->running->run, CHANGE_MARK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	c->marked = fd >= 0;
	return fd < 0 && errno != EEXIST ? err_sys(e, "make %s", CHANGE_MARK) : 0;
}

static void unmark(const struct network_change *c)
{
	if (c->marked)
		(void)unlinkat(c->running->run, CHANGE_MARK, 0);
}

static int lock(struct network_change *c, struct err *e)
{
	int r;

	/* Leases that are in no record yet are not gc's. */
	c->gate = engine_gate(c->j, e);
	if (c->gate < 0)
		return c->gate;
	if (!c->running)
		return 0;
	c->lock =
		lock_take_at(c->running->run, CHANGE_LOCK, LOCK_MODE_EXCLUSIVE, CHANGE_WAIT_MS, e);
	if (c->lock < 0)
		return c->lock;
	if (running_has_ended(c->running))
		return -EAGAIN;
	r = mark(c, e);
	return r;
}

static int write_records(struct network_change *c, const struct meta *m,
			 const struct net_attachment *a, struct err *e)
{
	int r = meta_write(c->dir, m, FILE_SYNC, e);
	struct run_state state;

	if (r < 0 || !c->running)
		return r;
	state = c->running->state;
	state.net = *a;
	return run_state_write(c->running->run, &state, e);
}

/* Of a record, what a change can change. */
static bool same_places(const struct meta *a, const struct meta *b)
{
	bool same = a->n_networks == b->n_networks;

	for (size_t i = 0; same && i < a->n_networks; i++) {
		const struct net_addresses *one = &a->networks[i].addresses;
		const struct net_addresses *other = &b->networks[i].addresses;

		same = str_eq(a->networks[i].network.s, b->networks[i].network.s) &&
		       one->v4.s_addr == other->v4.s_addr &&
		       IN6_ARE_ADDR_EQUAL(&one->v6, &other->v6);
	}
	return same;
}

static bool same_attachment(const struct net_attachment *a, const struct net_attachment *b)
{
	bool same = true;

	for (size_t i = 0; same && i < ARRAY_SIZE(a->v); i++)
		same = str_eq(a->v[i].host_interface, b->v[i].host_interface) &&
		       a->v[i].routed == b->v[i].routed && a->v[i].segment == b->v[i].segment;
	return same;
}

static bool records_are_as_before(const struct network_change *c)
{
	struct err ignored = ERR_INIT;
	struct run_state state;
	struct meta meta;

	if (meta_read(c->dir, &meta, &ignored) < 0 || !same_places(&meta, &c->before))
		return false;
	return !c->running || (run_state_read(c->running->run, &state, &ignored) >= 0 &&
			       same_attachment(&state.net, &c->running->state.net));
}

static int open_namespace(const struct network_change *c, struct err *e)
{
	char path[64];
	int fd;

	(void)str_format(path, sizeof(path), "/proc/%d/ns/net", c->running->state.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the network namespace");
	if (running_has_ended(c->running)) {
		fd_reset(&fd);
		return -EAGAIN;
	}
	return fd;
}

static int change_proxy(struct network_change *c, const struct instance_plan *from,
			const struct instance_plan *to, struct err *e)
{
	const struct proxy_plan before = instance_plan_proxy(from, &c->before),
				after = instance_plan_proxy(to, &c->before);
	/* Where the supervisor has its own: it outlives us and whatever we were started in. */
	const struct cgroup_tree *tree = instance_tree(c->j, before.instance, e);
	CLEANUP_FD int cgroup = tree ? cgroup_monitor_fd(tree, e) : -e->code;
	const struct proxy_place place = {
		.libexec_dir = c->j->config.libexec_dir,
		.run = c->running->run,
		.pidfd = c->running->pidfd,
		.cgroup = cgroup,
	};
	int r = cgroup;

	/* After a change that was killed nobody knows which ports it has. */
	if (r >= 0 && !c->marked && (r = proxy_stop(place.run, e)) >= 0)
		r = proxy_start(&place, &after, e);
	else if (r >= 0)
		r = proxy_change(&place, &before, &after, e);

	return r < 0 ? err_wrap(e, "network.ports") : 0;
}

static int change_kernel(struct network_change *c, const struct instance_plan *from,
			 const struct instance_plan *to, struct err *e)
{
	CLEANUP_FD int netns = open_namespace(c, e);
	int r;

	if (netns < 0)
		return netns;
	if ((r = network_ensure(c->j, to, e)) < 0 ||
	    (r = net_change(&from->net, &to->net, netns, &c->attachment, e)) < 0)
		return r;
	network_names_erase(c->j, from);
	if ((r = network_names_put(c->j, to, c->to, e)) < 0 ||
	    (r = network_names_show(c->j, c->running, from, to, c->from, e)) < 0)
		return r;
	return change_proxy(c, from, to, e);
}

static int take_ports(struct network_change *c, struct err *e)
{
	const struct jail_spec *to = c->to;
	int r;

	if (to->network.n_ports == 0 || !c->running)
		return 0;
	r = engine_ports(c->j, e);
	if (r >= 0)
		r = net_ports_lease(c->j->ports, to->network.ports, to->network.n_ports,
				    &c->before.owner, e);
	return r < 0 ? ports_error(c->j, e) : 0;
}

/* Those of one spec that the other has not. */
static void release_ports(struct network_change *c, const struct jail_spec *of,
			  const struct jail_spec *keep)
{
	struct err ignored = ERR_INIT;

	if (c->running && of->network.n_ports > 0 && engine_ports(c->j, &ignored) >= 0)
		net_ports_release_others(c->j->ports, of->network.ports, of->network.n_ports,
					 keep->network.ports, keep->network.n_ports,
					 &c->before.owner);
}

static int begin(struct network_change *c, const struct jail_name *name, struct err *e)
{
	int r;

	if ((r = meta_read(c->dir, &c->before, e)) < 0)
		return r;
	c->after = c->before;
	if ((r = network_lease(c->j, c->to, &c->before.owner, &c->after, e)) < 0)
		return r;
	c->begun = true;
	if ((r = take_ports(c, e)) < 0)
		return r;
	if (c->running) {
		c->attachment = c->running->state.net;
		if ((r = instance_plan_make(c->j, name, &c->before, c->from, &c->from_plan, e)) <
			    0 ||
		    (r = instance_plan_make(c->j, name, &c->after, c->to, &c->to_plan, e)) < 0 ||
		    (r = change_kernel(c, &c->from_plan, &c->to_plan, e)) < 0)
			return r;
	}
	return write_records(c, &c->after, &c->attachment, e);
}

int network_change_begin(struct network_change *c, struct jail *j, const struct jail_name *name,
			 int dir, const struct running *running, const struct jail_spec *from,
			 const struct jail_spec *to, struct err *e)
{
	int r;

	*c = (struct network_change)NETWORK_CHANGE_INIT;
	c->j = j;
	c->dir = dir;
	c->running = running && running->state.has_net ? running : NULL;
	c->from = from;
	c->to = to;
	r = lock(c, e);
	if (r >= 0)
		r = begin(c, name, e);
	if (r < 0)
		network_change_undo(c);
	return r;
}

void network_change_commit(struct network_change *c)
{
	if (!c->begun)
		return;
	network_release(c->j, &c->before, &c->after);
	release_ports(c, c->from, c->to);
	if (c->running)
		unmark(c);
	c->begun = false;
}

void network_change_undo(struct network_change *c)
{
	struct err why = ERR_INIT;
	bool wrote;
	int r = 0;

	if (c->begun && c->running && c->to_plan.net.instance && c->from_plan.net.instance)
		r = change_kernel(c, &c->to_plan, &c->from_plan, &why);
	wrote = c->begun && r >= 0;
	if (wrote)
		r = write_records(c, &c->before, &c->attachment, &why);
	if (r < 0 && wrote && records_are_as_before(c)) /* they were never written */
		r = 0;
	if (c->begun)
		release_ports(c, c->to, c->from);
	/* What a record may still speak of is left to gc. */
	if (c->begun && r >= 0)
		network_release(c->j, &c->after, &c->before);
	/* What could not be put back is found by name when the instance ends. */
	if (r < 0 && r != -EAGAIN)
		warn("the network is not as before: %s; restart the instance", why.text);
	else if (c->running && c->lock >= 0)
		unmark(c);
	c->begun = false;
}

void network_change_free(struct network_change *c)
{
	instance_plan_free(&c->from_plan);
	instance_plan_free(&c->to_plan);
	fd_reset(&c->lock);
	fd_reset(&c->gate);
}

int network_change_wait(int run, bool *ret_known)
{
	struct err why = ERR_INIT;
	int fd = -EBADF;

	if (faccessat(run, CHANGE_LOCK, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		fd = lock_take_at(run, CHANGE_LOCK, LOCK_MODE_EXCLUSIVE, CHANGE_WAIT_MS, &why);
		if (fd < 0)
			warn("a change of the network is still under way: %s", why.text);
	}
	*ret_known = faccessat(run, CHANGE_MARK, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	return fd < 0 ? -EBADF : fd;
}

static bool is_place_of(const struct meta_network *m, const struct spec_interface *s)
{
	const struct net_addresses *a = &s->addresses, *has = &m->addresses;

	return str_eq(m->network.s, s->network.s) &&
	       (!a->v4.s_addr || a->v4.s_addr == has->v4.s_addr) &&
	       (IN6_IS_ADDR_UNSPECIFIED(&a->v6) || IN6_ARE_ADDR_EQUAL(&a->v6, &has->v6));
}

/* Every interface of the spec has its place, and no other has one. */
static bool follows(const struct jail_spec *spec, const struct meta *m)
{
	size_t places = 0, found = 0;

	for (size_t i = 0; i < m->n_networks; i++)
		places += m->networks[i].network.s[0] != '\0';
	for (size_t k = 0; k < spec->network.n_interfaces; k++)
		for (size_t i = 0; i < m->n_networks; i++)
			found += is_place_of(&m->networks[i], &spec->network.interfaces[k]);
	return places == spec->network.n_interfaces && found == places;
}

int network_follow_spec(struct jail *j, int dir, const struct jail_spec *spec, struct meta *m,
			struct err *e)
{
	CLEANUP_FD int gate = -EBADF;
	struct meta before = *m;
	int r;

	if (!spec_has_networks(spec) || follows(spec, m))
		return 0;
	gate = engine_gate(j, e);
	if (gate < 0)
		return gate;
	r = network_lease(j, spec, &m->owner, m, e);
	if (r >= 0)
		r = meta_write(dir, m, FILE_SYNC, e);
	if (r >= 0)
		network_release(j, &before, m);
	return r;
}
