/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares two specs member by member, for round trips: a key that the printer forgets shows up. */
#ifndef JAIL_TESTS_UNIT_SPEC_EQUAL_H
#define JAIL_TESTS_UNIT_SPEC_EQUAL_H

#include "runtime/spec.h"

#define SAME(member)                                                                               \
	do {                                                                                       \
		if (a->member != b->member)                                                        \
			return #member;                                                            \
	} while (0)
#define SAME_TEXT(member)                                                                          \
	do {                                                                                       \
		if (!same_text(a->member, b->member))                                              \
			return #member;                                                            \
	} while (0)

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && str_eq(a, b));
}

static bool same_strv(const struct strv *a, const struct strv *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = str_eq(a->v[i], b->v[i]);
	return same;
}

static bool same_strings(char *const *a, char *const *b, size_t n)
{
	bool same = true;

	for (size_t i = 0; same && i < n; i++)
		same = str_eq(a[i], b[i]);
	return same;
}

static const char *differ_limits(const struct jail_spec *s, const struct jail_spec *t)
{
	const struct cgroup_limits *a = &s->limits, *b = &t->limits;

	SAME(has_cpu_weight);
	SAME(has_cpu_max);
	SAME(has_cpu_burst);
	SAME(has_memory_max);
	SAME(has_memory_high);
	SAME(has_memory_low);
	SAME(has_memory_min);
	SAME(has_zswap_max);
	SAME(cpu_idle);
	SAME(oom_group);
	SAME(memory_min);
	SAME(zswap_max);
	SAME_TEXT(mems);
	for (size_t i = 0; i < CGROUP_HUGE_SIZES; i++) {
		SAME(huge[i].given);
		SAME(huge[i].pages);
	}
	SAME(n_raw);
	for (size_t i = 0; i < a->n_raw; i++)
		if (!str_eq(a->raw[i].file, b->raw[i].file) ||
		    !str_eq(a->raw[i].value, b->raw[i].value))
			return "unified";
	SAME(has_swap_max);
	SAME(has_pids_max);
	SAME(cpu_weight);
	SAME(cpu_max_millis);
	SAME(cpu_burst_millis);
	SAME_TEXT(cpus);
	SAME(memory_max);
	SAME(memory_high);
	SAME(memory_low);
	SAME(swap_max);
	SAME(pids_max);
	SAME(n_io);
	for (size_t i = 0; i < a->n_io; i++)
		if (memcmp(&a->io[i], &b->io[i], sizeof(a->io[i])) != 0)
			return "io";
	return a->cpus == s->cpus && b->cpus == t->cpus && a->mems == s->mems && a->io == s->io &&
			       a->raw == s->raw
		       ? NULL
		       : "owners";
}

static const char *differ_process(const struct jail_spec *a, const struct jail_spec *b)
{
	if (!same_strv(&a->process.args, &b->process.args))
		return "args";
	if (!same_strv(&a->process.env, &b->process.env))
		return "env";
	SAME_TEXT(process.cwd);
	SAME_TEXT(process.user);
	SAME(process.terminal);
	SAME(process.stdin_open);
	SAME(process.n_rlimits);
	for (size_t i = 0; i < a->process.n_rlimits; i++) {
		SAME(process.rlimits[i].resource);
		SAME(process.rlimits[i].soft);
		SAME(process.rlimits[i].hard);
	}
	SAME(process.has_oom_score_adj);
	SAME(process.oom_score_adj);
	return NULL;
}

static const char *differ_network(const struct jail_spec *a, const struct jail_spec *b)
{
	SAME(network.mode);
	SAME(network.n_interfaces);
	for (size_t i = 0; i < a->network.n_interfaces; i++) {
		SAME_TEXT(network.interfaces[i].network.s);
		SAME(network.interfaces[i].addresses.v4.s_addr);
		if (!IN6_ARE_ADDR_EQUAL(&a->network.interfaces[i].addresses.v6,
					&b->network.interfaces[i].addresses.v6))
			return "address of IPv6";
		SAME(network.interfaces[i].prefix4);
		SAME(network.interfaces[i].prefix6);
		SAME(network.interfaces[i].ingress.bits_per_second);
		SAME(network.interfaces[i].ingress.burst_bytes);
		SAME(network.interfaces[i].egress.bits_per_second);
		SAME(network.interfaces[i].egress.burst_bytes);
	}
	SAME_TEXT(network.path);
	SAME_TEXT(network.instance.s);
	if (!same_strv(&a->network.allow, &b->network.allow) ||
	    !same_strv(&a->network.deny, &b->network.deny))
		return "allow or deny";
	SAME(network.n_dns);
	if (!same_strings(a->network.dns, b->network.dns, a->network.n_dns))
		return "dns";
	SAME(network.n_ports);
	for (size_t i = 0; i < a->network.n_ports; i++) {
		SAME(network.ports[i].family);
		if (memcmp(&a->network.ports[i].host_address, &b->network.ports[i].host_address,
			   sizeof(a->network.ports[i].host_address)) != 0)
			return "host address";
		SAME(network.ports[i].count);
		SAME(network.ports[i].host_port);
		SAME(network.ports[i].port);
		SAME(network.ports[i].protocol);
	}
	return NULL;
}

static const char *differ_mounts(const struct jail_spec *a, const struct jail_spec *b)
{
	SAME(n_schedules);
	for (size_t i = 0; i < a->n_schedules; i++) {
		SAME(schedules[i].every_ms);
		SAME(schedules[i].keep);
		SAME_TEXT(schedules[i].name.s);
	}
	SAME(n_mounts);
	for (size_t i = 0; i < a->n_mounts; i++) {
		SAME(mounts[i].kind);
		SAME_TEXT(mounts[i].source);
		SAME_TEXT(mounts[i].destination);
		SAME(mounts[i].recursive);
		SAME(mounts[i].read_only);
		SAME(mounts[i].nosuid);
		SAME(mounts[i].nodev);
		SAME(mounts[i].noexec);
		SAME(mounts[i].noatime);
		SAME(mounts[i].idmap);
		SAME(mounts[i].propagation);
		SAME(mounts[i].size_bytes);
		SAME(mounts[i].mode);
		SAME_TEXT(mounts[i].fstype);
	}
	return NULL;
}

static const char *differ_security(const struct jail_spec *a, const struct jail_spec *b)
{
	SAME(security.user_namespace);
	SAME(security.has_capabilities);
	SAME(security.capabilities);
	SAME_TEXT(security.seccomp);
	SAME(security.readonly_root);
	SAME(security.has_no_new_privileges);
	SAME(security.no_new_privileges);
	SAME(security.time_namespace);
	SAME(security.nesting);
	SAME(security.n_devices);
	for (size_t i = 0; i < a->security.n_devices; i++) {
		SAME_TEXT(security.devices[i].source);
		SAME_TEXT(security.devices[i].destination);
		SAME(security.devices[i].access);
	}
	SAME(security.shm_size_bytes);
	return NULL;
}

static bool same_hooks(const struct hook *a, const struct hook *b, size_t n)
{
	bool same = true;

	for (size_t i = 0; same && i < n; i++)
		same = str_eq(a[i].path, b[i].path) && same_strv(&a[i].args, &b[i].args) &&
		       same_strv(&a[i].env, &b[i].env) && a[i].timeout_ms == b[i].timeout_ms;
	return same;
}

static const char *differ_rest(const struct jail_spec *a, const struct jail_spec *b)
{
	SAME_TEXT(name.s);
	SAME_TEXT(tenant.s);
	SAME(has_image);
	SAME_TEXT(image.s);
	SAME_TEXT(rootfs);
	SAME_TEXT(hostname);
	SAME(mode);
	SAME(n_labels);
	for (size_t i = 0; i < a->n_labels; i++) {
		SAME_TEXT(labels[i].key);
		SAME_TEXT(labels[i].value);
	}
	SAME(restart.policy);
	SAME(restart.max_retries);
	SAME(restart.delay_ms);
	SAME(stop.signal);
	SAME(stop.has_timeout);
	SAME(stop.timeout_ms);
	SAME(log.max_size_bytes);
	SAME(log.files);
	SAME(autostart);
	SAME(notify.ready);
	SAME(notify.watchdog_ms);
	if (!same_strv(&a->after, &b->after) || !same_strv(&a->requires, &b->requires))
		return "after or requires";
	SAME(hooks.n_prestart);
	SAME(hooks.n_poststop);
	if (!same_hooks(a->hooks.prestart, b->hooks.prestart, a->hooks.n_prestart) ||
	    !same_hooks(a->hooks.poststop, b->hooks.poststop, a->hooks.n_poststop))
		return "hooks";
	return NULL;
}

static bool same_source(const struct spec_source *a, const struct spec_source *b)
{
	return same_text(a->text, b->text) && same_text(a->file, b->file);
}

static const char *differ_first_boot(const struct jail_spec *a, const struct jail_spec *b)
{
	SAME(systemd.n_credentials);
	for (size_t i = 0; i < a->systemd.n_credentials; i++) {
		SAME_TEXT(systemd.credentials[i].name);
		if (!same_source(&a->systemd.credentials[i].value,
				 &b->systemd.credentials[i].value))
			return "credentials";
	}
	if (!same_source(&a->cloud_init.user_data, &b->cloud_init.user_data) ||
	    !same_source(&a->cloud_init.meta_data, &b->cloud_init.meta_data) ||
	    !same_source(&a->cloud_init.network_config, &b->cloud_init.network_config))
		return "cloudInit";
	if (!same_source(&a->first_boot.root_password, &b->first_boot.root_password))
		return "rootPassword";
	SAME(first_boot.n_ssh_keys);
	if (!same_strings(a->first_boot.ssh_keys, b->first_boot.ssh_keys, a->first_boot.n_ssh_keys))
		return "sshKeys";
	SAME_TEXT(first_boot.locale);
	SAME_TEXT(first_boot.timezone);
	return NULL;
}

/* Return: the name of a member that differs, or NULL. */
static const char *spec_differ(const struct jail_spec *a, const struct jail_spec *b)
{
	const char *(*const parts[])(const struct jail_spec *, const struct jail_spec *) = {
		differ_rest,   differ_process,	differ_limits,	   differ_network,
		differ_mounts, differ_security, differ_first_boot,
	};
	const char *differs = NULL;

	for (size_t i = 0; !differs && i < ARRAY_SIZE(parts); i++)
		differs = parts[i](a, b);
	return differs;
}

#endif
