/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the engine share. The tree on disk:
 *
 *   STATE/instances/NAME/   lock            flock: held by the supervisor while the instance is up,
 * by a command while it changes the instance; never removed alone spec.json       the finished spec
 *                           spec.lock       held by who changes it
 *                           meta.json       id, leases, layers; written last: without it there is
 * no instance exit.json       the last exit log.json*       output upper work l/   root file system
 *   STATE/leases/ids/       who has which id range      (owner = instance id, so a rename moves
 * nothing) STATE/leases/projects/ who has which project id STATE/leases/networks/NETWORK/    who
 * has which address STATE/trash/ instances on their way out: renamed first, deleted then
 * RUN/instances/NAME/     state.json attach.sock runtime.json: exists while up; if the lock is
 * free, it is stale STATE/volumes/ volumes.h RUN/ports/              who has which published port
 * RUN/seccomp/ compiled filters
 *
 * "Up" means that somebody holds the lock, or that the instance's unit is there (unit.h).
 *
 * Identity of a running init (rows 10, 85): its pid in state.json is good if, after pidfd_open, the
 * lock is still held and exit.next is still there. exit.next is made before the program gets to run
 * and becomes exit.json, by rename, before the monitor, its parent, reaps the init; a restart
 * removes state.json before it makes a new exit.next. No clock and no number has a say in it.
 */
#ifndef JAIL_RUNTIME_ENGINE_PRIV_H
#define JAIL_RUNTIME_ENGINE_PRIV_H

#include "base/file.h"
#include "cgroups/cgroup.h"
#include "cgroups/work.h"
#include "namespaces/rootfs.h"
#include "runtime/jail.h"
#include "runtime/monitor_proto.h"

struct jail {
	struct jail_config config;
	int state, instances, run, run_instances; /* directories */
	int ids, projects, ports; /* lease pools; opened when used */
	struct image_store store;
	bool have_store;
	char unpack_program[1100]; /* the store's */
	struct cgroup_work work; /* of its children; made for the first */
	struct cgroup_tree tree;
	bool have_tree;
	struct cgroup_tree unit_tree; /* of the instance that was asked for last */
};

/* Lazily opened parts. Return: fd or object that belongs to j, or a negative errno with *e. */
int engine_ids(struct jail *j, struct err *e);
int engine_projects(struct jail *j, struct err *e);
int engine_ports(struct jail *j, struct err *e);
int engine_store(struct jail *j, struct err *e);
int engine_tree(struct jail *j, struct err *e);
/* The tree that the instance's cgroup is in: the engine's, or that of its unit (unit.h). Good until
 * the next call. NULL with *e set; code ENOENT: its unit is gone, and the cgroup with it. */
const struct cgroup_tree *instance_tree(struct jail *j, const struct jail_name *name,
					struct err *e);
/* work.c: how the store starts children that read what strangers wrote, and the end of that. */
int engine_unpacker(struct jail *j, struct unpacker *ret, struct err *e);
void engine_work_end(struct jail *j);
/* Closes every directory of the state and cgroup trees: what enters an instance holds none (row 3).
 */
void engine_close_dirs(struct jail *j);

/*
 * Held by whoever makes a name appear among the instances (create, rename), so that gc, which takes
 * it exclusively, sees every owner of a lease. Return: lock fd.
 */
int engine_gate(struct jail *j, struct err *e);
/* Exclusively: nobody becomes a user of what is about to be removed. */
int engine_gate_alone(struct jail *j, struct err *e);
/* With users: -EBUSY, "is used by web, db". */
int engine_refuse_used(const struct strv *users, struct err *e);

#define INSTANCE_ID_LEN 32
/* A random one, in hex. */
int engine_new_id(struct jail_name *ret, struct err *e);

/* 32 hex digits, which is what everybody's char[33] has room for. */
bool instance_is_id(const char *text);

/* meta.json. */
struct meta {
	struct jail_name owner; /* the id, as the owner of leases */
	uint64_t created_ms;
	struct id_range ids;
	struct meta_network { /* one for each interface of the spec; "" = a gap */
		struct jail_name network;
		struct net_addresses addresses;
	} networks[NET_INTERFACES_MAX];
	size_t n_networks;
	struct image_ref image; /* "" with rootfs */
	struct digest layers[LIMIT_LAYERS]; /* bottom first */
	size_t n_layers;
};
int meta_write(int dir, const struct meta *m, enum file_sync sync, struct err *e);
int meta_read(int dir, struct meta *ret, struct err *e);

/* state.json. */
struct run_state {
	pid_t pid, monitor_pid;
	uint64_t started_ms, started_boot_ms;
	uint64_t root_device; /* of its overlay; 0 = none, or not known */
	struct net_attachment net;
	bool has_net, terminal, remove;
	unsigned restarts;
};
int run_state_write(int dir, const struct run_state *s, struct err *e);
/* -ENOENT without touching *e. */
int run_state_read(int dir, struct run_state *ret, struct err *e);
/* exit.json; -ENOENT without touching *e. *ret_pid: the pid that it speaks of; may be NULL. */
int exit_record_read(int dir, struct instance_exit *ret, pid_t *ret_pid, struct err *e);
/* For an exit that no monitor has seen, or that was none. Ends the reservation. */
int exit_record_write(int dir, const struct instance_exit *x, pid_t pid, struct err *e);
/* How the last start of an instance that is down ended: exit.json, or "lost" when the record is
 * still due (killed, or a reboot came first). -ENOENT without touching *e: it has never run. */
int exit_record_last(int dir, struct instance_exit *ret, struct err *e);

/* Makes exit.next: room for the record of the coming exit, and the sign that one is due. */
int exit_record_reserve(int dir, struct err *e);
void exit_record_unreserve(int dir);
/* A program was started whose exit is not on record. */
bool exit_record_is_due(int dir);

/* Held by whoever changes spec.json, on top of the instance's lock or, while it is up, instead of
 * it. Before the instance's lock. Return: lock fd. */
int spec_lock(int dir, struct err *e);
/* runtime.json: the spec as it is in effect, where a change was not to be stored. It ends with
 * state.json. -ENOENT without touching *e. */
int spec_read_runtime(int run, struct jail_spec *ret, struct err *e);
int spec_write_runtime(int run, const struct jail_spec *spec, struct err *e);
int spec_forget_runtime(int run, struct err *e);
int spec_read(int dir, struct jail_spec *ret, struct err *e);
int spec_write(int dir, const struct jail_spec *spec, enum file_sync sync, struct err *e);
/* A new name; a host name that was the old one follows. */
int spec_take_name(struct jail_spec *s, const struct jail_name *name, struct err *e);
/* Rewrites spec.json for a new name; a host name that was the old name follows. */
int spec_rename(int dir, const struct jail_name *name, struct err *e);
/* The same if it has another: a rename was killed between spec and directory, and has not happened.
 * The instance's lock is the caller's. Return: 1 when it was so. */
int spec_follow_name(int dir, const struct jail_name *name, struct err *e);

/* Directory of an instance that exists (has meta.json); -ENOENT with a hint. */
int instance_open_dir(struct jail *j, const struct jail_name *name, struct err *e);
/* Whether the name still means the directory `dir`. Return: 1, 0, or -errno: nobody knows. */
int instance_is_there(struct jail *j, const struct jail_name *name, int dir);
/* -ENOENT: it was removed or renamed just now. */
int instance_must_be_there(struct jail *j, const struct jail_name *name, int dir, struct err *e);
/*
 * Takes the instance's lock. *ret_dir: its directory. Return: lock fd; -ENOENT; -EWOULDBLOCK when
 * it is held at the end of wait_ms (*e is set; the caller says what that means).
 */
int instance_lock(struct jail *j, const struct jail_name *name, unsigned wait_ms, int *ret_dir,
		  struct err *e);
/* For the instance's unit itself: takes it even though the unit is up. */
int instance_lock_unit(struct jail *j, const struct jail_name *name, unsigned wait_ms, int *ret_dir,
		       struct err *e);
/* Somebody holds the lock, or its unit is up. `dir` as of instance_open_dir(). */
bool instance_is_up(struct jail *j, const struct jail_name *name, int dir);
/*
 * The same for a command that changes an instance which must not be up: other commands (a start
 * that fails, a gc, a ps that cleans up) are waited for. -EALREADY: it is up, "is running"; -EBUSY.
 */
int instance_lock_down(struct jail *j, const struct jail_name *name, int *ret_dir, struct err *e);
/* And all that a command needs which changes what others know of it, its name or its layers: the
 * gate and the lock of its spec before, in this order. */
struct instance_hold {
	int gate, before, spec, lock; /* owned */
	int dir; /* owned */
};
#define INSTANCE_HOLD_INIT ((struct instance_hold){ -EBADF, -EBADF, -EBADF, -EBADF, -EBADF })
int instance_hold_down(struct jail *j, const struct jail_name *name, struct instance_hold *ret,
		       struct err *e);
void instance_hold_free(struct instance_hold *h);
#define CLEANUP_HOLD CLEANUP(instance_hold_free)
/* A supervisor that was killed left its run directory: cleans up, so that the record says how it
 * ended. Failure is a warning. */
void instance_clean_stale(struct jail *j, const struct jail_name *name, int dir);
/* Names of all instances, sorted. */
int instance_names(struct jail *j, struct strv *ret, struct err *e);
/*
 * An inotify fd for what changes when an instance's supervisor comes, settles and goes: taken
 * before looking, waited on after. -errno when there is none to be had, which instance_watch_wait()
 * takes too: it waits for an event, at most a moment.
 */
int instance_watch(struct jail *j, const struct jail_name *name);
void instance_watch_wait(int watch);
/* Directory RUN/instances/NAME; -ENOENT without touching *e unless make. */
int run_dir_open(struct jail *j, const struct jail_name *name, bool make, struct err *e);

/* A running instance, held: pidfd checked as above. */
struct running {
	struct run_state state;
	int pidfd; /* of the init */
	int dir; /* STATE/instances/NAME */
	int run; /* RUN/instances/NAME */
};
#define RUNNING_INIT ((struct running){ .pidfd = -EBADF, .dir = -EBADF, .run = -EBADF })
void running_close(struct running *r);
#define CLEANUP_RUNNING CLEANUP(running_close)
/* It runs, but what RUN had of it has been removed by somebody else (a cleaner). */
bool instance_run_is_lost(struct jail *j, const struct jail_name *name, int dir);
/* -ESTALE, with what to do. */
int instance_run_lost(struct jail *j, const struct jail_name *name, struct err *e);
/* -ESRCH: exists but does not run; -EAGAIN: starting or between two starts; -ENOENT; -ESTALE: see
 * instance_run_is_lost(). */
int running_open(struct jail *j, const struct jail_name *name, struct running *ret, struct err *e);
bool running_has_ended(const struct running *r);
/* Connects to the monitor's socket in an open run directory. */
int monitor_connect(int run, struct err *e);
/* Sends one request and waits for MONITOR_OK. */
int monitor_request(int sock, uint32_t type, const void *data, size_t n, struct err *e);

/* Tears down what an up instance has outside itself; for the supervisor's end and for stale ones.
 * Lock is held. */
int teardown(struct jail *j, const struct jail_name *name, int dir, struct err *e);
/* The part of it that is in the kernel: cgroup, network, ports. `run` as open run directory. For a
 * restart. */
int teardown_kernel(struct jail *j, const struct jail_name *name, int dir, int run, struct err *e);
/* If RUN/instances/NAME or its cgroup is there though nobody holds the lock (which the caller
 * took): tears down and records a "lost" exit. */
int reconcile_locked(struct jail *j, const struct jail_name *name, int dir, struct err *e);
/* create, of an instance that gets the layers of another, and files of its own from `fill`, which
 * is called when its disk is there and nobody else knows of it. */
struct instance_origin {
	const struct meta *meta; /* image and layers */
	const char *config; /* the image's (image_keep_text()); NULL: there is none */
	size_t n_config;
	const struct jail_name *id; /* NULL: a new one. -EEXIST: an instance of this host has it */
	uint64_t created_ms; /* 0: now */
	int (*fill)(const struct meta *meta, int dir, void *arg, struct err *e);
	void *arg;
};
int instance_create_from(struct jail *j, const struct jail_spec *spec,
			 const struct instance_origin *origin, struct err *e);
/* Deletes the instance whose lock the caller holds. */
int remove_locked(struct jail *j, const struct jail_name *name, int dir, struct err *e);

/* A rebuild of the instance is past its commit point and not at its end. */
bool rebuild_is_due(int dir);
/* Or there is something of one that was begun and not committed. */
bool rebuild_is_left(int dir);
/* Begins one that changes nothing but this: the files of an instance without limits of its disk
 * move into one with those of the spec, which is stored. rebuild_commit() does the rest;
 * rebuild_finish() instead of it takes all back. */
int rebuild_add_disk(int dir, const struct jail_spec *spec, struct err *e);
int rebuild_commit(int dir, struct err *e);
/* Finishes the one, removes the other; the lock is the caller's. */
int rebuild_finish(int dir, struct err *e);

/* Everything about one start; made by the supervisor. */
struct launch {
	struct jail *j;
	struct jail_name name;
	struct meta meta;
	struct jail_spec spec;
	int lock, dir, run; /* owned */
	int listen; /* owned; -EBADF */
	int clients[MONITOR_CLIENTS_MAX]; /* connected to attached clients; -EBADF */
	unsigned retries;
	uint16_t rows, columns; /* of the caller's terminal; 0 = unknown */
	bool remove;
	int report; /* to `jail start`; -EBADF on a restart */
	struct err warning; /* goes there too; code 0 = none */
	bool unit; /* we are the main process of the instance's unit: systemd starts it again */
	bool notify; /* which does not know yet that it runs */
	bool hand_over; /* and the init takes that place, instead of a monitor */
};

/* What `jail start` learns. */
struct launch_report {
	int32_t exec_failed;
	struct err error; /* code 0: the program runs, and what text there is, is a warning */
};
/* Sets up, starts, becomes jail-monitor. Returns only on failure (all undone), or, with hand_over,
 * when systemd has taken the init over. */
int launch_run(struct launch *l, bool *ret_exec_failed, struct err *e);
void launch_init(struct launch *l, struct jail *j, const struct jail_name *name);
void launch_free(struct launch *l);
/* Reads meta and spec through l->dir. */
int launch_load(struct launch *l, struct err *e);

#endif
