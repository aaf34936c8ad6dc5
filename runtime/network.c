/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of the network, as starts and gc want it: there, and with the elements of
 * everybody who runs. If somebody flushed the rules (`nft flush ruleset`, a firewall manager's
 * reload), net_host_ensure() makes them anew and says so; the elements come back from the state of
 * the running instances.
 */
#include "runtime/engine_priv.h"

static int restore_one(const struct instance_info *i, void *arg)
{
	struct jail *j = arg;
	struct running r CLEANUP_RUNNING = RUNNING_INIT;
	CLEANUP_SPEC struct jail_spec spec;
	struct err why = ERR_INIT;
	struct net_plan plan = { .instance = &i->name, .bridge = &j->config.bridge };
	int rc;

	spec_init(&spec);
	if (!i->host_interface[0])
		return 0; /* not up, or not on the bridge */
	rc = running_open(j, &i->name, &r, &why);
	if (rc >= 0)
		rc = spec_read(r.dir, &spec, &why);
	if (rc >= 0) {
		plan.address = i->address;
		plan.ports = spec.network.ports;
		plan.n_ports = spec.network.n_ports;
		rc = net_restore(&plan, &r.state.net, &why);
	}
	if (rc < 0 && rc != -ESRCH && rc != -ENOENT && rc != -EAGAIN)
		warn("network of %s: %s", i->name.s, why.text);
	return 0;
}

int engine_network_ensure(struct jail *j, struct err *e)
{
	int r = net_host_ensure(&j->config.bridge, e);

	if (r < 0)
		return err_wrap(e, "network");
	return r == 0 ? 0 : instance_each(j, restore_one, j, e);
}
