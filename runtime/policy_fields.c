/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every field of the spec, and what of a policy judges it. A field that is added to the schema has
 * to be added here too, after some thought (tests/unit/runtime_policy_test.c).
 */
#include "runtime/policy.h"

static const struct {
	const char *field, *judge;
} fields[] = {
	{ "name", "names" },
	{ "image", "images" },
	{ "rootfs", "rootfs" },
	{ "volatile", "" },
	{ "labels", "" },
	{ "tenant", "tenants" },
	{ "hostname", "" },
	{ "mode", "modes" },
	{ "process.args", "" },
	{ "process.env", "" },
	{ "process.cwd", "" },
	{ "process.user", "" },
	{ "process.terminal", "" },
	{ "process.stdin", "" },
	{ "process.rlimits", "rlimits" },
	{ "process.oomScoreAdj", "oomScoreAdj" },
	{ "resources.cpu.weight", "resources.cpu.weight" },
	{ "resources.cpu.max", "resources.cpu.max" },
	{ "resources.cpu.burst", "" }, /* within max, over time */
	{ "resources.cpu.cpus", "" },
	{ "resources.cpu.mems", "" },
	{ "resources.cpu.idle", "" }, /* less than others */
	{ "resources.memory.max", "resources.memory.max" },
	{ "resources.memory.high", "" },
	{ "resources.memory.low", "resources.memory.low" },
	{ "resources.memory.min", "resources.memory.min" },
	{ "resources.memory.swapMax", "resources.memory.swapMax" },
	{ "resources.memory.zswapMax", "" },
	{ "resources.memory.oomGroup", "" },
	{ "resources.io.device", "" }, /* a limit, of whatever device */
	{ "resources.io.readBps", "" },
	{ "resources.io.writeBps", "" },
	{ "resources.io.readIops", "" },
	{ "resources.io.writeIops", "" },
	{ "resources.io.weight", "resources.io.weight" },
	{ "resources.pids.max", "resources.pids.max" },
	{ "resources.disk.size", "resources.disk.size" },
	{ "resources.disk.inodes", "resources.disk.inodes" },
	{ "resources.hugepages", "" },
	{ "resources.unified", "resources.unified" },
	{ "network.mode", "networkModes" },
	{ "network.bridge", "networks" },
	{ "network.address", "addresses" },
	{ "network.interfaces.network", "networks" },
	{ "network.interfaces.address", "addresses" },
	{ "network.interfaces.ingress", "resources.network.ingress" },
	{ "network.interfaces.egress", "resources.network.egress" },
	{ "network.path", "networkModes" },
	{ "network.instance", "instances" },
	{ "network.dns", "" },
	{ "network.ports", "ports" },
	{ "network.ingress", "resources.network.ingress" },
	{ "network.egress", "resources.network.egress" },
	{ "network.allow", "allow" },
	{ "network.deny", "" },
	{ "mounts.type", "volumes" },
	{ "mounts.source", "hostPaths" }, /* and blockDevices */
	{ "mounts.destination", "" },
	{ "mounts.options", "hostPaths" },
	{ "security.userNamespace", "userNamespaces" },
	{ "security.capabilities", "capabilities" },
	{ "security.seccomp", "seccomp" },
	{ "security.readonlyRoot", "" },
	{ "security.noNewPrivileges", "" },
	{ "security.timeNamespace", "" },
	{ "security.nesting", "nesting" },
	{ "security.devices", "devices" },
	{ "security.shmSize", "" }, /* counts as memory */
	{ "snapshots", "" }, /* count against the limit of its disk */
	{ "restart.policy", "" },
	{ "restart.maxRetries", "" },
	{ "restart.delay", "" },
	{ "health", "" }, /* refused by every spec as yet */
	{ "notify.ready", "" },
	{ "notify.watchdog", "" },
	{ "stop.signal", "" },
	{ "stop.timeout", "" },
	{ "log.maxSize", "resources.log" },
	{ "log.files", "resources.log" },
	{ "hooks.prestart", "hooks" },
	{ "hooks.poststop", "hooks" },
	{ "systemd.credentials", "" }, /* of a file: always refused */
	{ "cloudInit.userData", "" },
	{ "cloudInit.metaData", "" },
	{ "cloudInit.networkConfig", "" },
	{ "firstBoot.rootPassword", "" },
	{ "firstBoot.sshKeys", "" },
	{ "firstBoot.locale", "" },
	{ "firstBoot.timezone", "" },
	{ "autostart", "" },
	{ "after", "" }, /* an order, for whoever is started anyway */
	{ "requires", "instances" },
};

const char *policy_judge_of(const char *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (str_eq(fields[i].field, field))
			return fields[i].judge;
	return NULL;
}
