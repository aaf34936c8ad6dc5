/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec of an instance: config.schema.json as a C type. Plain data; a zeroed struct is the
 * strictest (no network outside, no capabilities beyond the default, ...); every default that the
 * schema names is filled in by spec_finish(). All strings belong to the spec (spec_free()). What
 * the schema marks as not supported yet never gets in here: the decoder refuses it.
 */
#ifndef JAIL_RUNTIME_SPEC_H
#define JAIL_RUNTIME_SPEC_H

#include <sys/resource.h>

#include "base/ident.h"
#include "base/json.h"
#include "cgroups/cgroup.h"
#include "hooks/hooks.h"
#include "images/disk.h"
#include "netsetup/address.h"
#include "netsetup/network.h"

enum spec_mode { SPEC_MODE_APP, SPEC_MODE_SYSTEM };
enum spec_network_mode {
	SPEC_NETWORK_BRIDGE, /* on networks, each as it is made (bridge or routed) */
	SPEC_NETWORK_ROUTED, /* the same, never as a port of a bridge */
	SPEC_NETWORK_MACVLAN, /* on networks of mode macvlan */
	SPEC_NETWORK_NONE,
	SPEC_NETWORK_HOST,
	SPEC_NETWORK_PATH, /* a network namespace that exists */
	SPEC_NETWORK_INSTANCE, /* that of another instance, which runs */
};

/* One of eth0, eth1, ...: what the spec wants of a network. */
struct spec_interface {
	struct jail_name network; /* "": "default", which spec_finish() fills in */
	struct net_addresses addresses; /* zeros = lease one */
	unsigned prefix4, prefix6; /* as written, checked against the network's; 0 = none */
	struct net_rate ingress, egress;
};
enum spec_userns { SPEC_USERNS_AUTO, SPEC_USERNS_HOST };
enum spec_restart { SPEC_RESTART_NO, SPEC_RESTART_ON_FAILURE, SPEC_RESTART_ALWAYS };
enum spec_mount_kind { SPEC_MOUNT_BIND, SPEC_MOUNT_TMPFS, SPEC_MOUNT_VOLUME, SPEC_MOUNT_BLOCK };

struct spec_label {
	char *key, *value;
};

struct spec_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard; /* RLIM_INFINITY as UINT64_MAX */
};

struct spec_mount {
	enum spec_mount_kind kind;
	char *source; /* absolute host path; a volume's name; NULL for tmpfs */
	char *destination; /* absolute, cleaned */
	bool recursive, read_only, nosuid, nodev, noexec, noatime, idmap;
	bool no_follow; /* bind: no symbolic link on the way to the source */
	uint64_t propagation; /* MS_PRIVATE, MS_RPRIVATE = MS_PRIVATE|MS_REC, ... 0 = private */
	uint64_t size_bytes; /* tmpfs */
	uint32_t mode; /* tmpfs, default 01777 */
	const char *fstype; /* block: the file system's type; else NULL */
};

/* A text that the spec holds, or that is in a file of the host and read when it is needed. Neither:
 * not given. */
struct spec_source {
	char *text;
	char *file; /* absolute */
};

struct spec_credential {
	char *name;
	struct spec_source value;
};

#define SPEC_SCHEDULE_KEEP_MAX 1000 /* snapshots, of all schedules; SNAPSHOTS_MAX has more */
struct spec_schedule {
	struct jail_name name; /* "": from `every`, which spec_finish() fills in */
	uint64_t every_ms;
	uint32_t keep;
};

struct spec_device {
	char *source; /* host path below /dev */
	char *destination; /* path below the instance's /dev; NULL = the same */
	uint32_t access; /* CGROUP_DEVICE_READ | ... of cgroups/devices.h; default all */
};

struct jail_spec {
	struct jail_name name; /* "" until given */
	struct jail_name tenant; /* "" = nobody's */
	bool has_image;
	struct image_ref image;
	char *rootfs; /* absolute directory, or NULL */
	struct spec_label *labels;
	size_t n_labels;
	char *hostname; /* default: the name */
	enum spec_mode mode;

	bool autostart; /* with the host, where systemd starts it */
	struct strv after; /* instances that start before this one, if they do */
	struct strv requires; /* and those without which it doesn't */

	struct { /* process */
		struct strv args; /* may be empty: then `start` refuses; "system": /sbin/init */
		struct strv env; /* "K=V", in order, no duplicates: the last wins */
		char *cwd; /* absolute */
		char *user; /* "www-data", "1000", "1000:1000", "www-data:adm"; default "0" */
		bool terminal; /* always with mode "system" */
		bool stdin_open; /* process.stdin: keep stdin for attach; always with "system" */
		struct spec_rlimit *rlimits;
		size_t n_rlimits;
		int oom_score_adj;
		bool has_oom_score_adj;
	} process;

	struct cgroup_limits limits; /* pointers inside belong to the spec */
	char *cpus, *mems;
	struct cgroup_io_limit *io;
	struct cgroup_raw *raw;
	struct disk_limits disk;
	bool is_volatile; /* the root's own files are in memory, and gone when it stops */

	struct {
		enum spec_network_mode mode;
		/* Of the three modes with networks, once finished, at least one. */
		struct spec_interface *interfaces;
		size_t n_interfaces;
		char *path; /* mode path: absolute */
		struct jail_name instance; /* mode instance: whose */
		struct strv allow, deny; /* netsetup/rule.h */
		char *dns[LIMIT_DNS];
		size_t n_dns;
		struct net_port *ports;
		size_t n_ports;
	} network;

	struct spec_mount *mounts;
	size_t n_mounts;

	struct spec_schedule *schedules; /* "snapshots" */
	size_t n_schedules;

	struct {
		enum spec_userns user_namespace;
		bool has_capabilities; /* else the default set */
		uint64_t capabilities; /* bit per capability number */
		char *seccomp; /* "default", "unconfined", or an absolute path of an OCI profile */
		bool readonly_root;
		bool has_no_new_privileges;
		bool no_new_privileges; /* default: off with auto, on with host */
		bool time_namespace;
		bool nesting; /* containers inside */
		struct spec_device *devices;
		size_t n_devices;
		uint64_t shm_size_bytes; /* default 64 MiB */
	} security;

	struct {
		enum spec_restart policy;
		uint64_t max_retries; /* 0 = no bound */
		uint64_t delay_ms; /* first delay; doubles up to 100 times of itself, at most 5 min
				    */
	} restart;

	struct { /* the program speaks sd_notify(3) to the runtime; runtime/notify.h */
		bool ready; /* it counts as started when it has said READY=1 */
		uint64_t watchdog_ms; /* it is killed when it is silent for longer; 0 = never */
	} notify;

	struct {
		int signal; /* default SIGTERM; 0 with mode "system": what its init wants */
		bool has_timeout; /* else a 0 below is "not given" */
		uint64_t timeout_ms; /* default 10 s, of a system 90 s; 0 = kill at once */
	} stop;

	struct {
		uint64_t max_size_bytes; /* default 10 MiB */
		unsigned files; /* default 3 */
	} log;

	struct {
		struct hook *prestart, *poststop;
		size_t n_prestart, n_poststop;
	} hooks;

	struct { /* put into place by runtime/provision.h */
		struct spec_credential *credentials; /* at each start */
		size_t n_credentials;
	} systemd;

	struct { /* once */
		struct spec_source user_data, meta_data, network_config;
	} cloud_init;

	struct { /* once */
		struct spec_source root_password; /* a hash of crypt(5) */
		char **ssh_keys; /* lines for root's authorized_keys */
		size_t n_ssh_keys;
		char *locale, *timezone;
	} first_boot;
};

/*
 * Decodes and validates all that can be judged from the text alone. `file`: for messages. Unknown
 * keys are errors that name the nearest known key; fields of a later time are refused with "not
 * supported yet" (code EOPNOTSUPP). *ret is untouched on failure. Defaults are not filled in yet,
 * so that flags can override and `spec` can print what was given.
 */
int spec_decode(const char *file, const char *text, size_t n, struct jail_spec *ret, struct err *e);
/* Starting point without a file: all unset. */
void spec_init(struct jail_spec *s);
void spec_free(struct jail_spec *s);
#define CLEANUP_SPEC CLEANUP(spec_free)
/*
 * Fills in defaults, then judges the whole: the only validator, run on the final value whatever
 * route it came by (row 45): image or rootfs present, no mounts at /proc, /sys, /dev or "/", ...
 * Return 0 or -EINVAL with "PATH: WHY".
 */
int spec_finish(struct jail_spec *s, struct err *e);
/* A spec to start from, for `jail spec`: decodes, finishes, and shows what most people set. *ret is
 * owned by the caller. */
int spec_example(struct jail_spec *ret, struct err *e);
/* Writes the spec as JSON that spec_decode reads back to the same value. */
void spec_to_json(const struct jail_spec *s, struct json_out *o, const char *key);

/* The capabilities of its processes: what it lists, or the default set of its mode. */
uint64_t spec_capabilities(const struct jail_spec *s);
/* Its mode is one with networks: bridge, routed or macvlan. */
bool spec_has_networks(const struct jail_spec *s);
/* It has a network namespace of its own making. */
bool spec_owns_network(const struct jail_spec *s);
/* Its part of the cgroup tree is delegated to it. */
bool spec_owns_cgroups(const struct jail_spec *s);
/* It gets a $NOTIFY_SOCKET. */
bool spec_notifies(const struct jail_spec *s);

/* Setters shared by the decoder and by command line flags: one parser for each notation. */
int spec_set_env(struct jail_spec *s, const char *key_value,
		 struct err *e); /* "K=V" or "K" is an error */
int spec_add_port(struct jail_spec *s, const char *text, struct err *e); /* netsetup/port.h */
int spec_add_mount_text(struct jail_spec *s, const char *text,
			struct err *e); /* "SRC:DST[:ro,nosuid,...]", "tmpfs:DST[:size=64MiB]",
					   "volume:NAME:DST[:ro]", "block:SRC:DST:fs=ext4" */
int spec_add_device(struct jail_spec *s, const char *text,
		    struct err *e); /* "/dev/fuse", "/dev/sdb:/dev/xvdb:rw", "/dev/kvm:rw" */
int spec_add_schedule(struct jail_spec *s, const char *text,
		      struct err *e); /* "[NAME=]EVERY:KEEP": "1h:24", "nightly=1d:7" */
int spec_set_user(struct jail_spec *s, const char *text, struct err *e);
int spec_set_capabilities(struct jail_spec *s, const char *text,
			  struct err *e); /* "+CAP_NET_RAW", "-chown", "all", "none" */
int spec_set_rlimit(struct jail_spec *s, const char *name, uint64_t soft, uint64_t hard,
		    struct err *e);
int spec_set_label(struct jail_spec *s, const char *key_value, struct err *e);
/* "front": one more network, and a mode with networks if it has none yet; "none", "host", "bridge",
 * "routed", "macvlan": the mode; "instance:NAME", "path:/run/netns/x": mode and what it needs. */
int spec_set_network(struct jail_spec *s, const char *text, struct err *e);
/* Of the last network, or of the default one while none is named. */
int spec_set_address(struct jail_spec *s, const char *text, struct err *e); /* of either family */
int spec_set_ingress(struct jail_spec *s, const char *text, struct err *e); /* "100Mbit" */
int spec_set_egress(struct jail_spec *s, const char *text, struct err *e);
int spec_add_allow(struct jail_spec *s, const char *text, struct err *e); /* netsetup/rule.h */
int spec_add_deny(struct jail_spec *s, const char *text, struct err *e);
int spec_add_dns(struct jail_spec *s, const char *text, struct err *e);
int spec_set_signal(const char *text, int *ret, struct err *e); /* "SIGTERM", "TERM", "15" */
enum spec_io { SPEC_IO_READ_BPS, SPEC_IO_WRITE_BPS, SPEC_IO_READ_IOPS, SPEC_IO_WRITE_IOPS };
int spec_set_io(struct jail_spec *s, enum spec_io what, const char *text,
		struct err *e); /* "/dev/vda:10MiB", "/dev/vda:500" */
int spec_set_restart(struct jail_spec *s, const char *text,
		     struct err *e); /* "no", "always", "on-failure[:N]" */
const char *spec_mount_kind_name(enum spec_mount_kind kind); /* "bind", ... */
/* Asked to be, or its file system can't be written. */
bool spec_mount_is_read_only(const struct spec_mount *m);
/* Where the device is inside. */
const char *spec_device_path(const struct spec_device *d);
const char *spec_network_mode_name(enum spec_network_mode mode); /* "bridge", ... */
/* "1.5Gbit": what the spec's rates are read from. */
#define SPEC_RATE_TEXT 32
void spec_format_rate(uint64_t bits_per_second, char *ret, size_t n);
const char *spec_restart_name(enum spec_restart policy); /* "no", "on-failure", "always" */
const char *spec_signal_name(int signal); /* "SIGTERM", or NULL */

#endif
