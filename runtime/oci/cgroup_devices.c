/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device filter of a container (row 31). Engines count on what runc adds to the rules of
 * config.json, behind them, so that none takes it away: the devices of every /dev
 * (config-linux.md, "Default Devices") and mknod(2) of any node, which opens nothing.
 */
#include "cgroups/device_rules.h"
#include "runtime/oci/cgroup_priv.h"

#define RWM CGROUP_DEVICE_ALL

static const struct cgroup_device_rule defaults[] = {
	{ true, 'c', -1, -1, CGROUP_DEVICE_MKNOD },
	{ true, 'b', -1, -1, CGROUP_DEVICE_MKNOD },
	{ true, 'c', 1, 3, RWM }, /* null */
	{ true, 'c', 1, 5, RWM }, /* zero */
	{ true, 'c', 1, 7, RWM }, /* full */
	{ true, 'c', 1, 8, RWM }, /* random */
	{ true, 'c', 1, 9, RWM }, /* urandom */
	{ true, 'c', 5, 0, RWM }, /* tty */
	{ true, 'c', 5, 2, RWM }, /* ptmx */
	{ true, 'c', 136, -1, RWM }, /* pts */
};

int oci_devices_set(int dir, const struct oci_resources *r, struct err *e)
{
	size_t n = r->n_devices + ARRAY_SIZE(defaults);
	CLEANUP_FREE struct cgroup_device_rule *rules = calloc(n, sizeof(*rules));
	bool active;

	if (!rules)
		return err_nomem(e);
	for (size_t i = 0; i < r->n_devices; i++) {
		const struct oci_device_rule *d = &r->devices[i];

		rules[i] = (struct cgroup_device_rule){ d->allow, d->type, d->major, d->minor,
							d->access };
		/* "Everything": an engine that means it leaves out the rest. */
		if (d->type == 'a' && d->access == 0)
			rules[i].access = RWM;
	}
	memcpy(rules + r->n_devices, defaults, sizeof(defaults));
	/* Inactive in a user namespace: nobody there can make a node, and the filter of the host
	 * around holds (cgroups/devices.h). */
	if (cgroup_device_rules_set(dir, rules, n, &active, e) < 0)
		return err_wrap(e, "linux.resources.devices");
	return 0;
}
