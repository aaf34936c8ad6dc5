/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.json of a bundle (OCI runtime specification 1.3, config.md and config-linux.md) as data:
 * one inert model, filled in and judged by oci_config_load(), read by the engine.
 *
 * Every string and list belongs to the configuration (the parsed document or its arena) and lives
 * until oci_config_free(). What is not given is zero, NULL or n = 0; where 0 means something there
 * is a has_ or given flag. Types that can be wrong don't get here: paths that must be absolute are,
 * capabilities are bits, signals are numbers, options of mounts are flags.
 *
 * Unknown members are ignored (config.md, "Extensibility"), null counts as not given (what Go's
 * encoders write); known members with values that can't be done are errors: "FILE:LINE:COLUMN:
 * linux.seccomp.defaultAction: ...".
 */
#ifndef JAIL_RUNTIME_OCI_CONFIG_H
#define JAIL_RUNTIME_OCI_CONFIG_H

#include <sys/resource.h>

#include "base/arena.h"
#include "base/json.h"
#include "hooks/hooks.h"
#include "namespaces/bundle.h"
#include "runtime/creds.h"

#define OCI_VERSION "1.2.1" /* what state and example say; every 1.x.y is read */
#define OCI_VERSION_MAX "1.3.0" /* whose fields are all known: features */

struct oci_strings {
	const char **v; /* v[n] is NULL */
	size_t n;
};

/* A map of strings: "KEY" and its value side by side. */
struct oci_pair {
	const char *key, *value;
};
struct oci_map {
	struct oci_pair *v;
	size_t n;
};

struct oci_user {
	uint32_t uid, gid;
	bool has_umask;
	mode_t umask;
	const gid_t *groups; /* additionalGids */
	size_t n_groups;
};

struct oci_scheduler {
	bool given;
	int policy; /* SCHED_OTHER, ... */
	int nice, priority;
	uint64_t flags; /* SCHED_FLAG_* */
	uint64_t runtime, deadline, period; /* nanoseconds */
};

struct oci_process {
	bool given;
	bool terminal;
	uint16_t rows, columns; /* consoleSize; 0 = not given */
	struct oci_user user;
	struct oci_strings args, env;
	const char *cwd; /* absolute */
	bool has_capabilities; /* else all sets are empty */
	struct creds_sets capabilities; /* names that nobody knows: a warning */
	const struct creds_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	bool has_oom_score_adj;
	int oom_score_adj;
	const char *apparmor_profile, *selinux_label;
	bool has_io_priority;
	int io_class, io_priority; /* IOPRIO_CLASS_*, 0 to 7 */
	struct oci_scheduler scheduler;
	const char *cpu_affinity_initial, *cpu_affinity_final; /* execCPUAffinity, CPU lists */
};

/* In the order of the bits in oci_linux.namespaces. */
struct oci_namespace {
	uint64_t flag; /* CLONE_NEW* */
	const char *path; /* absolute; NULL: a new one */
};
#define OCI_NAMESPACES_MAX 8

struct oci_device_rule {
	bool allow;
	char type; /* 'a', 'b', 'c' */
	int64_t major, minor; /* -1: any */
	uint32_t access; /* CGROUP_DEVICE_* */
};

struct oci_block_device {
	unsigned major, minor;
	uint64_t value; /* weight, or rate in bytes or operations each second */
};
struct oci_block_devices {
	const struct oci_block_device *v;
	size_t n;
};

struct oci_huge_limit {
	const char *page_size; /* "2MB" */
	uint64_t limit; /* bytes */
};

struct oci_rdma_limit {
	const char *device;
	bool has_handles, has_objects;
	uint32_t handles, objects;
};

/* linux.resources; -1 is "max" where the type is signed. */
struct oci_resources {
	const struct oci_device_rule *devices;
	size_t n_devices;
	struct {
		bool has_limit, has_reservation, has_swap, has_kernel, has_kernel_tcp,
			has_swappiness, disable_oom_killer, has_check_before_update,
			check_before_update, use_hierarchy;
		int64_t limit, reservation, swap, kernel, kernel_tcp; /* bytes */
		uint64_t swappiness;
	} memory;
	struct {
		bool has_shares, has_quota, has_burst, has_period, has_rt_runtime, has_rt_period,
			has_idle;
		uint64_t shares, burst, period, rt_period;
		int64_t quota, rt_runtime, idle; /* microseconds; idle 0 or 1 */
		const char *cpus, *mems;
	} cpu;
	struct {
		bool has_limit;
		int64_t limit;
	} pids;
	struct {
		bool has_weight, has_leaf_weight;
		uint16_t weight, leaf_weight;
		struct oci_block_devices weight_device, read_bps, write_bps, read_iops, write_iops;
	} block_io;
	const struct oci_huge_limit *huge;
	size_t n_huge;
	const struct oci_rdma_limit *rdma;
	size_t n_rdma;
	bool has_network_class, has_network_priorities; /* cgroup v1 only: errors when it matters */
	struct oci_map unified;
};

struct oci_time_offset {
	bool given;
	int64_t seconds;
	uint32_t nanoseconds;
};

struct oci_net_device {
	const char *name; /* on the host */
	const char *new_name; /* in the container, or the same */
};

struct oci_memory_policy {
	bool given;
	int mode; /* MPOL_* */
	unsigned flags; /* MPOL_F_* */
	const char *nodes; /* list */
};

struct oci_hooks {
	const struct hook *v;
	size_t n;
};
enum oci_hook {
	OCI_HOOK_PRESTART,
	OCI_HOOK_CREATE_RUNTIME,
	OCI_HOOK_CREATE_CONTAINER,
	OCI_HOOK_START_CONTAINER,
	OCI_HOOK_POSTSTART,
	OCI_HOOK_POSTSTOP,
	OCI_HOOKS
};
extern const char *const oci_hook_names[OCI_HOOKS]; /* "prestart", ... */

struct oci_config {
	struct json_doc *doc; /* owned */
	struct arena arena; /* owned */
	char *text; /* owned: the file as it was read, for the copy in the state directory */
	size_t text_len;
	const char *version; /* ociVersion */
	struct oci_process process;
	const char *hostname, *domainname; /* or NULL */
	struct oci_hooks hooks[OCI_HOOKS];
	struct oci_map annotations;

	/* root, mounts, and what of linux belongs to the file system; user_ns and no_pivot are set
	 * by the engine */
	struct bundle bundle;

	/* linux */
	struct oci_namespace namespaces[OCI_NAMESPACES_MAX];
	size_t n_namespaces;
	/* uidMappings, gidMappings as given. bundle.maps is the same, but for a user namespace that
	 * is joined: engines list its maps too, and the engine checks that they are (runc). */
	struct id_mappings maps;
	struct oci_time_offset monotonic, boottime;
	const char *cgroups_path; /* or NULL */
	struct oci_resources resources;
	struct oci_map sysctl; /* key: path below /proc/sys; all are namespaced, by a namespace
				  that the configuration lists */
	const struct oci_net_device *net_devices;
	size_t n_net_devices;
	bool has_personality;
	unsigned long personality;
	struct oci_memory_policy memory_policy;
	const struct json *seccomp; /* linux.seccomp as it stands, for runtime/seccomp; or NULL */
	const char *seccomp_listener, *seccomp_metadata; /* listenerPath, listenerMetadata */
};

#define OCI_CONFIG_INIT ((struct oci_config){ .bundle = { .user_ns = -EBADF } })

/*
 * Reads config.json in the directory `bundle_fd`, whose absolute path is `bundle` (relative paths
 * in the file count from it). *ret, an OCI_CONFIG_INIT, is to be freed, also on failure. Judges
 * the document alone; what has to be true of the host is oci_config_check_host()'s.
 */
int oci_config_load(int bundle_fd, const char *bundle, struct oci_config *ret, struct err *e);
/* The same from text; `file` is for messages. The copy in the state directory comes this way. */
int oci_config_parse(const char *file, const char *text, size_t n, const char *bundle,
		     struct oci_config *ret, struct err *e);
void oci_config_free(struct oci_config *c);
/*
 * At create: root.path is a directory, and no sysctl is meant for a namespace that is joined and is
 * the caller's own. Not for the copy in the state directory, whose namespaces may be gone.
 */
int oci_config_check_host(const struct oci_config *c, struct err *e);
#define CLEANUP_OCI_CONFIG CLEANUP(oci_config_free)

/* The namespace of this kind, or NULL: the runtime's own. */
const struct oci_namespace *oci_namespace_find(const struct oci_config *c, uint64_t flag);
/* A value, or NULL. */
const char *oci_map_get(const struct oci_map *m, const char *key);

/* A process.json of `exec --process`, into *ret (whose arena and doc it takes over: a struct of its
 * own, of which only `process` is filled in). */
int oci_process_load(const char *path, struct oci_config *ret, struct err *e);
/* A resources object of `update --resources FILE` ("-": stdin), likewise into ret->resources. */
int oci_resources_load(const char *path, struct oci_config *ret, struct err *e);

/* What `jail-oci spec` prints; rootless: for a user without privileges. */
void oci_example(struct json_out *o, bool rootless);
/* What `jail-oci features` prints (features.md): made from the tables that the decoder uses. */
int oci_features(struct json_out *o, struct err *e);

#endif
