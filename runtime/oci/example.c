/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `jail-oci spec` prints: a shell in the bundle's "rootfs", confined as runc's example is,
 * since scripts edit it by its shape. Rootless: for the calling user alone, without what needs
 * privileges of the host.
 */
#include "runtime/oci/config_priv.h"

#define OPTIONS_MAX 7

struct example_mount {
	const char *destination, *type, *source;
	const char *options[OPTIONS_MAX]; /* NULL: none left */
};

/* gid 5 is tty's, which a user namespace of one id hasn't. */
static const struct example_mount privileged_mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

/* A sysfs can't be mounted without a network namespace of one's own; the host's is bound. */
static const struct example_mount rootless_sys = {
	"/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" }
};

static const char *const capabilities[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE" };
static const char *const masked[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/sys/firmware",
	"/proc/scsi",
	"/sys/devices/virtual/tpm",
};
static const char *const read_only[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};
static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TERM=xterm",
};
static const char *const namespaces[] = { "pid", "network", "ipc", "uts", "mount", "cgroup" };
static const char *const rootless_namespaces[] = { "pid", "ipc", "uts", "mount", "cgroup", "user" };

static void out_strings(struct json_out *o, const char *key, const char *const *list, size_t n)
{
	json_out_array(o, key);
	for (size_t i = 0; i < n; i++)
		json_out_str(o, NULL, list[i]);
	json_out_array_end(o);
}

static void out_process(struct json_out *o)
{
	static const char *const args[] = { "sh" };
	static const char *const sets[] = { "bounding", "effective", "permitted" };

	json_out_object(o, "process");
	json_out_bool(o, "terminal", true);
	json_out_object(o, "user");
	json_out_int(o, "uid", 0);
	json_out_int(o, "gid", 0);
	json_out_object_end(o);
	out_strings(o, "args", args, ARRAY_SIZE(args));
	out_strings(o, "env", environment, ARRAY_SIZE(environment));
	json_out_str(o, "cwd", "/");
	json_out_object(o, "capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		out_strings(o, sets[i], capabilities, ARRAY_SIZE(capabilities));
	json_out_object_end(o);
	json_out_array(o, "rlimits");
	json_out_object(o, NULL);
	json_out_str(o, "type", "RLIMIT_NOFILE");
	json_out_int(o, "hard", 1024);
	json_out_int(o, "soft", 1024);
	json_out_object_end(o);
	json_out_array_end(o);
	json_out_bool(o, "noNewPrivileges", true);
	json_out_object_end(o);
}

static void out_mount(struct json_out *o, const struct example_mount *m, bool rootless)
{
	json_out_object(o, NULL);
	json_out_str(o, "destination", m->destination);
	json_out_str(o, "type", m->type);
	json_out_str(o, "source", m->source);
	if (m->options[0]) {
		json_out_array(o, "options");
		for (size_t i = 0; i < OPTIONS_MAX && m->options[i]; i++)
			if (!rootless || !str_starts(m->options[i], "gid="))
				json_out_str(o, NULL, m->options[i]);
		json_out_array_end(o);
	}
	json_out_object_end(o);
}

static void out_mounts(struct json_out *o, bool rootless)
{
	json_out_array(o, "mounts");
	for (size_t i = 0; i < ARRAY_SIZE(privileged_mounts); i++) {
		const struct example_mount *m = &privileged_mounts[i];

		if (rootless && str_eq(m->destination, rootless_sys.destination))
			m = &rootless_sys;
		out_mount(o, m, rootless);
	}
	json_out_array_end(o);
}

static void out_mapping(struct json_out *o, const char *key, uint32_t id)
{
	json_out_array(o, key);
	json_out_object(o, NULL);
	json_out_int(o, "containerID", 0);
	json_out_int(o, "hostID", id);
	json_out_int(o, "size", 1);
	json_out_object_end(o);
	json_out_array_end(o);
}

static void out_device_rules(struct json_out *o)
{
	json_out_object(o, "resources");
	json_out_array(o, "devices");
	json_out_object(o, NULL);
	json_out_bool(o, "allow", false);
	json_out_str(o, "access", "rwm");
	json_out_object_end(o);
	json_out_array_end(o);
	json_out_object_end(o);
}

static void out_linux(struct json_out *o, bool rootless)
{
	const char *const *list = rootless ? rootless_namespaces : namespaces;
	size_t n = rootless ? ARRAY_SIZE(rootless_namespaces) : ARRAY_SIZE(namespaces);

	json_out_object(o, "linux");
	if (rootless) {
		out_mapping(o, "uidMappings", geteuid());
		out_mapping(o, "gidMappings", getegid());
	} else {
		out_device_rules(o);
	}
	json_out_array(o, "namespaces");
	for (size_t i = 0; i < n; i++) {
		json_out_object(o, NULL);
		json_out_str(o, "type", list[i]);
		json_out_object_end(o);
	}
	json_out_array_end(o);
	out_strings(o, "maskedPaths", masked, ARRAY_SIZE(masked));
	out_strings(o, "readonlyPaths", read_only, ARRAY_SIZE(read_only));
	json_out_object_end(o);
}

void oci_example(struct json_out *o, bool rootless)
{
	json_out_object(o, NULL);
	json_out_str(o, "ociVersion", OCI_VERSION);
	out_process(o);
	json_out_object(o, "root");
	json_out_str(o, "path", "rootfs");
	json_out_bool(o, "readonly", true);
	json_out_object_end(o);
	json_out_str(o, "hostname", "jail");
	out_mounts(o, rootless);
	out_linux(o, rootless);
	json_out_object_end(o);
}
