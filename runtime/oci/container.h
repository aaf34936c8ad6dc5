/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of an OCI container (runtime-spec, runtime.md): what the commands of jail-oci call.
 *
 * There is no monitor. The caller of `create` (conmon, containerd-shim) is a subreaper and becomes
 * the parent of the container's first process when we end. What is outside of that process: its
 * cgroup, and ROOT/ID/ (0700):
 *
 *   lock         held while a command changes the container
 *   config.json  the bundle's, as it was at create: `exec` needs it, and the bundle may change or
 * go state.json   written last by create, whole start.sock   there until the container is started:
 * the first process listens on it (start.c)
 *
 * ROOT/.jail/ has what all containers share: compiled seccomp filters.
 *
 * Identity: pid and start time of the process (proc(5), "starttime"), compared after a pidfd was
 * opened (row 10): so a signal never reaches another process that got the number.
 */
#ifndef JAIL_RUNTIME_OCI_CONTAINER_H
#define JAIL_RUNTIME_OCI_CONTAINER_H

#include "base/clock.h"
#include "base/file.h"
#include "runtime/oci/cgroup.h"
#include "runtime/oci/config.h"

/* [A-Za-z0-9_+.-]+, not ".", ".." or ".jail"; a file name. */
struct oci_id {
	char s[256];
};
int oci_id_parse(const char *text, struct oci_id *ret, struct err *e);

struct oci_runtime {
	const char *root; /* --root; absolute */
	bool systemd; /* --systemd-cgroup */
	/* Called by create and run before anything is changed; may be NULL. */
	int (*look)(const struct oci_config *c, struct err *e);
	int log; /* where warnings and errors go too; -EBADF: nowhere. The first process of a
		    container keeps it until it executes the program */
};

enum oci_status { OCI_CREATING, OCI_CREATED, OCI_RUNNING, OCI_PAUSED, OCI_STOPPED };
const char *oci_status_name(enum oci_status s); /* "creating", ... */

/* state.json. */
struct oci_state {
	pid_t pid; /* 0: not made yet */
	uint64_t start_ticks; /* proc(5) */
	char created[64]; /* RFC 3339 */
	char *bundle, *rootfs; /* owned */
	uid_t owner;
	struct oci_cgroup cgroup;
	bool poststart, poststop; /* there are such hooks: config.json is worth reading */
	bool own_pids; /* it has a pid namespace of its own: when its init ends, so does all */
};
void oci_state_free(struct oci_state *s);

/* A container, opened. */
struct oci_container {
	const struct oci_runtime *rt;
	struct oci_id id;
	int dir; /* ROOT/ID */
	int lock; /* or -EBADF */
	int pidfd; /* of the first process, checked; -EBADF: it has ended */
	struct oci_state state;
};
#define OCI_CONTAINER_INIT                                                                         \
	((struct oci_container){ .dir = -EBADF, .lock = -EBADF, .pidfd = -EBADF })
void oci_container_close(struct oci_container *c);
#define CLEANUP_OCI_CONTAINER CLEANUP(oci_container_close)
enum oci_open { OCI_LOOK, OCI_CHANGE /* takes the lock */ };
/* -ENOENT: "container does not exist". */
int oci_container_open(const struct oci_runtime *rt, const struct oci_id *id, enum oci_open how,
		       struct oci_container *ret, struct err *e);
enum oci_status oci_container_status(const struct oci_container *c);
/* config.json as it was at create. *ret is to be freed. */
int oci_container_config(const struct oci_container *c, struct oci_config *ret, struct err *e);
/* Ids of all containers, sorted. */
int oci_container_ids(const struct oci_runtime *rt, struct strv *ret, struct err *e);

/*
 * "state" of the specification, as hooks get it and `jail-oci state` prints it. owner: with what
 * runc adds, this name among it; NULL: without, and then a pid of 0 is left out too.
 */
int oci_state_json(struct json_out *o, const char *key, const struct oci_state *s,
		   const struct oci_id *id, const struct oci_config *config, enum oci_status status,
		   const char *owner, struct err *e);

struct oci_io {
	const char *console_socket; /* or NULL */
	const char *pid_file; /* relative to the caller's directory; or NULL */
	const char *pidfd_socket; /* gets a pidfd of the process; or NULL */
	unsigned preserve_fds; /* 3 and up stay open */
	unsigned listen_fds; /* the first of them are sockets of systemd's, see sd_listen_fds(3) */
	const char *listen_names; /* LISTEN_FDNAMES, or NULL */
	bool detach;
};
struct oci_create_options {
	const char *bundle;
	struct oci_io io;
	bool no_pivot, no_new_keyring, no_subreaper, keep;
};
/* Returns when the container is created: its process waits for oci_start(). All undone on failure.
 */
int oci_create(const struct oci_runtime *rt, const struct oci_id *id,
	       const struct oci_create_options *o, struct err *e);
/* -EINVAL: not in state created. The program's own exec error comes back. */
int oci_start(const struct oci_runtime *rt, const struct oci_id *id, struct err *e);
/* create, start, and, unless detached, follow to the end and delete. *ret_status: the program's. */
int oci_run(const struct oci_runtime *rt, const struct oci_id *id,
	    const struct oci_create_options *o, int *ret_status, struct err *e);

struct oci_exec_options {
	struct oci_io io;
	const char *process; /* process.json, or NULL: args and the rest below */
	struct oci_strings args;
	const char *cwd, *user; /* user: "UID[:GID]" */
	struct oci_strings env, caps, additional_gids;
	bool tty, no_new_privs, ignore_paused;
	const char *apparmor, *process_label;
	const char *cgroup; /* below the container's; or NULL */
};
#define OCI_EXEC_FAILED 255 /* exit status when the process could not be made */
int oci_exec(const struct oci_runtime *rt, const struct oci_id *id,
	     const struct oci_exec_options *o, int *ret_status, struct err *e);

int oci_kill(const struct oci_runtime *rt, const struct oci_id *id, int signal, bool all,
	     struct err *e);
/* force: what runs is killed first; a container that isn't there is fine. */
int oci_delete(const struct oci_runtime *rt, const struct oci_id *id, bool force, struct err *e);
int oci_pause(const struct oci_runtime *rt, const struct oci_id *id, bool pause, struct err *e);

#endif
