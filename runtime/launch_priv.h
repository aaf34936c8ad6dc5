/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a start share: launch.c (the order), launch_parts.c (what it needs),
 * supervise.c (who calls it). */
#ifndef JAIL_RUNTIME_LAUNCH_PRIV_H
#define JAIL_RUNTIME_LAUNCH_PRIV_H

#include "base/rollback.h"
#include "images/snapshot.h"
#include "namespaces/clone.h"
#include "runtime/devices.h"
#include "runtime/engine_priv.h"
#include "runtime/generated.h"
#include "runtime/netplan.h"
#include "runtime/provision.h"
#include "runtime/seccomp.h"
#include "runtime/system.h"

struct start {
	struct launch *l;
	struct rollback undo;
	struct seccomp_program filter;
	struct rootfs_spec root;
	struct root_storage {
		char paths[LIMIT_LAYERS][1280];
		const char *layers[LIMIT_LAYERS]; /* top first */
		size_t n_layers;
		char own_paths[LIMIT_LAYERS][sizeof(SNAPSHOT_DIR) + SNAPSHOT_PATH_MAX];
		const char *own[LIMIT_LAYERS]; /* the snapshots that it stands on, top first */
		size_t n_own;
		struct rootfs_mount mounts[LIMIT_MOUNTS]; /* the notify socket's among them */
		int guards[LIMIT_MOUNTS]; /* of the volumes among them; volume_open() */
		char notify_path[1280];
		struct devices devices;
		struct rootfs_file files[GENERATED_FILES];
		struct system_parts parts;
		struct generated generated;
		struct provision provision;
	} * storage;
	int disk; /* a detached mount with the instance's files, or -EBADF: its directory */
	uint64_t root_device; /* of the overlay; 0 = none */
	int cgroup; /* where the child is born */
	int notify; /* the program's socket, or -EBADF */
	int init_program;
	int sock; /* to the child */
	pid_t pid;
	int pidfd;
	struct instance_plan plan; /* of modes with networks */
	struct net_attachment net;
	int joined; /* the namespace of mode path or instance, or -EBADF */
	int names; /* for /etc/hosts, or -EBADF */
	bool has_net, exec_failed;
	int stdio[3]; /* console master, or our ends of stdout, stderr, stdin */
	uint64_t started_boot_ms;
};
#define START_INIT(launch)                                                                         \
	{                                                                                          \
		.l = (launch), .disk = -EBADF, .cgroup = -EBADF, .notify = -EBADF,                 \
		.init_program = -EBADF, .sock = -EBADF, .pidfd = -EBADF, .joined = -EBADF,         \
		.names = -EBADF, .stdio = {                                                        \
			-EBADF,                                                                    \
			-EBADF,                                                                    \
			-EBADF                                                                     \
		}                                                                                  \
	}
void start_free(struct start *s);

/* The root file system of the spec as namespaces/ wants it. */
int root_spec_make(struct start *s, struct err *e);
/* launch_snapshots.c: the part of it that is the instance's own; `s->disk` is set. */
int launch_own_layers(struct start *s, struct err *e);
/* What tells its overlay from all other file systems; root: as it was made. */
void root_note_device(struct start *s, int root);
/* jail-init on a detached read-only mount, so that /proc/PID/exe inside leads to nothing that can
 * be written (row 1). */
int init_program_open(struct jail *j, int *ret, struct err *e);
/* launch_network.c, in the order of a start. */
int launch_network_plan(struct start *s, struct err *e);
struct generated_network launch_network_generated(const struct start *s);
int launch_network_lease(struct start *s, struct err *e);
int launch_network_ensure(struct start *s, struct err *e);
pid_t launch_network_clone(struct start *s, const struct ns_clone *c, struct err *e);
int launch_network_attach(struct start *s, struct err *e);
int run_hooks(const struct launch *l, const char *when, const struct hook *hooks, size_t n,
	      pid_t pid, struct err *e);
bool child_has_words(const struct start *s);
/* state is written: hand the fds over and execute jail-monitor. Returns on failure only. */
int become_monitor(struct start *s, struct err *e);
/* The same for an instance whose init becomes the main process of the unit: tells systemd. Return:
 * 0 when it has taken over. */
int unit_hand_over(struct start *s, struct err *e);
/* Tells systemd that the unit is ready (fields as of sd_notify(3)), and waits until it knows. */
int unit_notify(const char *fields, struct err *e);
/* A socket that is connected to systemd's, for jail-monitor: the caller's. */
int unit_notify_socket(int *ret, struct err *e);
void run_dir_remove(struct jail *j, const struct jail_name *name);

#endif
