/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's face to cmd/: configuration, instances, and everything that can be done to them.
 * Commands parse arguments, call one function of here, print.
 */
#ifndef JAIL_RUNTIME_JAIL_H
#define JAIL_RUNTIME_JAIL_H

#include <sys/types.h>

#include "base/ident.h"
#include "base/json.h"
#include "cgroups/events.h"
#include "images/store.h"
#include "namespaces/idmap.h"
#include "netsetup/address.h"
#include "netsetup/network.h"
#include "runtime/spec.h"

/* /etc/jail/jail.json (or --config FILE, or $JAIL_CONFIG): all optional. Unknown keys are errors.
 */
struct jail_config {
	char file[4096]; /* where it came from; "" = built-in defaults */
	char state_dir[1024]; /* "stateDir": /var/lib/jail */
	char run_dir[1024]; /* "runDir": /run/jail */
	char lxcfs_dir[1024]; /* "lxcfs": where it is mounted; "" = off */
	char libexec_dir[1024]; /* "libexecDir": PREFIX/libexec/jail */
	enum config_systemd {
		CONFIG_SYSTEMD_NO,
		CONFIG_SYSTEMD_AUTO,
		CONFIG_SYSTEMD_YES
	} systemd; /* "systemd": "auto" */
	struct disk_projects projects; /* "projects": {"first": 1342177280, "count": 8192} */
	struct id_pool ids; /* "ids": {"first": 1342177280, "ranges": 8192} */
	/* The default one: "network": {"bridge": "jail0", "mode": "bridge", "subnet":
	 * "10.88.0.0/16", "gateway", "subnet6": "auto", "gateway6", "uplink", "mtu": 0, "isolated":
	 * true, "nat": true}. Of an open jail by network_read(): with network_auto6 its IPv6 subnet
	 * is this host's own, which is in the state tree. */
	struct net_network network;
	bool network_auto6;
	char policy[1024]; /* "policy": a file (runtime/policy.h); "" = none */
	bool policy_given; /* else it need not be there */
	struct import_limits import; /* "import": {"maxBytes": "64GiB", "maxMembers": n, "maxName":
					n, "maxRatio": n} */
};
int config_load(const char *file_or_null, struct jail_config *ret, struct err *e);
/* A file's name, or "none". */
int config_set_policy(struct jail_config *c, const char *file, struct err *e);

struct jail; /* an open state tree */
int jail_open(const struct jail_config *c, struct jail **ret, struct err *e);
void jail_close(struct jail **j);
#define CLEANUP_JAIL CLEANUP(jail_close)
/* Opened on first use; NULL with *e set on failure. */
struct image_store *jail_images(struct jail *j, struct err *e);
const struct jail_config *jail_config(const struct jail *j);

enum instance_status {
	INSTANCE_CREATED, /* never started, or state lost with a reboot before the first exit */
	INSTANCE_STARTING,
	INSTANCE_RUNNING,
	INSTANCE_PAUSED,
	INSTANCE_RESTARTING, /* waiting for the back-off */
	INSTANCE_STOPPING, /* it has ended, and is being torn down */
	INSTANCE_STOPPED, /* has an exit record */
};
const char *instance_status_name(enum instance_status s); /* "created", ... */

struct instance_exit {
	bool present;
	int status; /* as a shell's */
	char reason[16]; /* "exited", "signalled", "stopped", "lost" (the monitor was killed) */
	uint64_t started_ms, finished_ms; /* wall clock */
	unsigned restarts;
	bool restarting; /* another start was to follow */
	struct cgroup_oom oom; /* kills 0: none */
};
/* It ended because the out-of-memory killer took its program. */
bool instance_exit_is_oom(const struct instance_exit *x);

/* Where an instance's own files are. */
struct instance_disk {
	enum disk_kind kind;
	bool has_usage;
	struct disk_usage usage;
};

/* A snapshot of one instance. Plain data, owned by the caller; instance_info_free(). */
struct instance_info {
	struct jail_name name;
	struct jail_spec spec;
	char id[33]; /* random, made at create, kept across rename */
	uint64_t created_ms;
	enum instance_status status;
	pid_t pid, monitor_pid; /* 0 when not running */
	bool unready; /* READY=1 has not come yet (spec.notify.ready) */
	uint64_t started_ms; /* wall clock */
	struct id_range ids;
	struct instance_network {
		struct jail_name network; /* "" = a gap */
		struct net_addresses addresses; /* leased */
		char host_interface[16]; /* "" when not running, or of macvlan */
	} networks[NET_INTERFACES_MAX]; /* eth0, eth1, ... */
	size_t n_networks;
	struct instance_exit last_exit;
	struct cgroup_oom oom; /* since this start; all 0 when not running */
	char directory[1200]; /* STATE/instances/NAME */
	char cgroup[512];
	uint64_t root_device; /* of the running one's overlay; 0 = none */
	struct instance_disk disk; /* with its spec */
	struct image_config *image_config; /* with its spec: what its image asks for; NULL: nothing.
					      Owned */
	struct strv limits; /* of a running one, with its spec: "memory.max=1048576", as the kernel
			       has them */
};
void instance_info_free(struct instance_info *i);
#define CLEANUP_INFO CLEANUP(instance_info_free)
/* with_spec false leaves spec zeroed except image and name: what a list needs. */
int instance_info(struct jail *j, const struct jail_name *name, bool with_spec,
		  struct instance_info *ret, struct err *e);
typedef int instance_each_fn(const struct instance_info *i, void *arg);
/* In order of name. One that vanishes meanwhile is left out; a damaged one is a warning. */
int instance_each(struct jail *j, instance_each_fn *fn, void *arg, struct err *e);
/* How the last start that has ended did. Return: 0 or -errno. */
int instance_last_exit(struct jail *j, const struct jail_name *name, struct instance_exit *ret);
/* Stable JSON shape of `inspect`. */
void instance_to_json(const struct instance_info *i, struct json_out *o, const char *key);

/* All take finished specs and exact names. -ENOENT: no such instance; -EEXIST: name in use. */
/* durable: synced to disk before returning (create); not for `run --rm`, whose instance ends with
 * the command. */
int instance_create(struct jail *j, const struct jail_spec *spec, bool durable, struct err *e);

/* The starts that a start is part of, by `requires` of the specs. */
struct start_chain {
	const struct jail_name *name;
	const struct start_chain *up;
};
struct start_options {
	bool remove_at_exit;
	bool attach; /* a connected client socket is wanted */
	const struct start_chain *chain; /* the engine's own; NULL */
};
/* Return: 0 when the program runs (it has been executed). *ret_client: connected to the monitor, if
 * asked. -EALREADY: it runs already. Errors of the program itself: ENOENT (127), EACCES/ENOEXEC
 * (126), marked in *ret_exec_failed. */
int instance_start(struct jail *j, const struct jail_name *name, const struct start_options *o,
		   int *ret_client, bool *ret_exec_failed, struct err *e);
/* Connects a client. -ESRCH: not running. */
int instance_attach(struct jail *j, const struct jail_name *name, int *ret_client, struct err *e);

/* stop.signal, then after the time-out cgroup.kill; timeout_ms UINT64_MAX = the spec's.
 * *ret_forced. Not running: -ESRCH. Returns when it is torn down (the lock is free). */
int instance_stop(struct jail *j, const struct jail_name *name, uint64_t timeout_ms,
		  bool *ret_forced, struct err *e);
/* SIGKILL goes to the whole cgroup and counts as a stop (no restart); others to the init. */
int instance_kill(struct jail *j, const struct jail_name *name, int signal, struct err *e);
int instance_pause(struct jail *j, const struct jail_name *name, bool pause, struct err *e);
/* Gives it the files of the host's lxcfs again, after lxcfs was restarted. -ESRCH: is not running.
 */
int instance_refresh(struct jail *j, const struct jail_name *name, struct err *e);
/* Waits for the end; *ret_status from the exit record. */
int instance_wait(struct jail *j, const struct jail_name *name, int *ret_status, struct err *e);
/* force: stop it first (kill). Running without force: -EALREADY. */
int instance_remove(struct jail *j, const struct jail_name *name, bool force, struct err *e);
/* Only when it isn't running. */
int instance_rename(struct jail *j, const struct jail_name *name, const struct jail_name *new_name,
		    struct err *e);

struct rebuild_options {
	const struct image_ref *image; /* NULL: what its image's name means by now */
	bool keep_files; /* what the instance has written over its image */
};
/*
 * Another image below an instance that isn't running. What the old image gave as defaults of the
 * spec is given by the new one; all else stays: id, addresses, mounts. All or nothing: a rebuild
 * that is killed after its commit point is finished by whoever takes the instance's lock next.
 */
int instance_rebuild(struct jail *j, const struct jail_name *name, const struct rebuild_options *o,
		     struct err *e);

/* "KEY=VALUE"; KEY as of spec_edit.h, an empty VALUE removes. */
struct set_options {
	const char *const *settings;
	size_t n;
	bool runtime; /* not stored: until the instance ends */
	bool restart; /* store it, and start again what runs */
};
struct set_change {
	char *key; /* the whole path */
	char *before, *after; /* NULL: not set */
};
struct set_result {
	struct set_change *v;
	size_t n;
	bool live; /* the running instance has it */
	bool restarted;
};
void set_result_free(struct set_result *r);
#define CLEANUP_SET_RESULT CLEANUP(set_result_free)
/*
 * Changes fields of the spec, all or none of them. On a running instance limits change in the
 * kernel too, others want `restart`: -EBUSY says so.
 */
int instance_set(struct jail *j, const struct jail_name *name, const struct set_options *o,
		 struct set_result *ret, struct err *e);

struct exec_options {
	const char *const *args; /* NULL-terminated */
	const char *const *env; /* extra "K=V", NULL-terminated or NULL */
	const char *user; /* NULL = the instance's */
	const char *cwd; /* NULL = the instance's */
	bool interactive, tty, detach;
};
/* Runs and waits (unless detach): *ret_status as a shell's; -ENOENT/-EACCES of the program:
 * *ret_exec_failed. */
int instance_exec(struct jail *j, const struct jail_name *name, const struct exec_options *o,
		  int *ret_status, bool *ret_exec_failed, struct err *e);

/* Directory fd of STATE/instances/NAME, for the log. */
int instance_directory(struct jail *j, const struct jail_name *name, struct err *e);
/* It is up, or waits for its restart. */
bool instance_is_alive(struct jail *j, const struct jail_name *name);
/* Instances that use a layer or an image (names, NULL-terminated by n). */
int instances_using_image(struct jail *j, const struct image_ref *ref, struct strv *ret_names,
			  struct err *e);

struct gc_report {
	size_t instances, cgroups, leases, layers, configs, staging, network, run_dirs, snapshots;
	size_t files; /* half-written */
	size_t due, over; /* snapshots of schedules: made, and removed */
	uint64_t bytes;
};
/* Removes all that belongs to no living instance, and does what schedules_run() does. */
int jail_gc(struct jail *j, struct gc_report *ret, struct err *e);

/*
 * Entry points of the hidden verbs that jail-monitor executes. They find its descriptors at the
 * numbers of monitor_proto.h and open the state tree themselves, after they have moved those out of
 * the way. _launch does not return on success. *ret_unit: we are a unit's main process, so our exit
 * status is what systemd judges by.
 */
int supervise_launch(const struct jail_config *c, const struct jail_name *name, unsigned retries,
		     struct err *e);
int supervise_finish(const struct jail_config *c, const struct jail_name *name, bool remove,
		     bool *ret_unit, struct err *e);

/* Starts with the host, or not: `autostart` of the stored spec. */
int instance_autostart(struct jail *j, const struct jail_name *name, bool on, struct err *e);
/* For jail-boot.service: drop-ins of all, and the enabled ones are handed to systemd, in order. */
int jail_boot(struct jail *j, struct err *e);
/* Its last start was its unit's, without a console: its output went to the journal, where what is
 * older than *ret_created_ms is another's of that name. */
bool instance_has_journal(struct jail *j, const struct jail_name *name, uint64_t *ret_created_ms);

/* Entry points of the hidden verbs that an instance's unit executes (unit_run.c). */
int unit_start(struct jail *j, const struct jail_name *name, struct err *e);
int unit_stop(struct jail *j, const struct jail_name *name, struct err *e);
int unit_post(struct jail *j, const struct jail_name *name, struct err *e);
#define UNIT_START_FAILED 254 /* exit status of the first; no restart follows */

enum check_need { CHECK_REQUIRED, CHECK_OPTIONAL };
struct check_result {
	const char *group, *name;
	enum check_need need;
	bool ok;
	char detail[256]; /* version, or what is missing and what to do */
};
typedef void check_fn(const struct check_result *r, void *arg);
/* Tries each feature for real, in a child, leaving nothing behind. Return: 1 when all required ones
 * work, else 0. */
int jail_check(const struct jail_config *c, check_fn *fn, void *arg, struct err *e);

#endif
