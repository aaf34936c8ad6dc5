/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroup of an OCI container: one directory of the v2 tree, wherever the engine wants it, made
 * by us or by systemd. What jail's own instances have is in cgroups/cgroup.h.
 *
 * linux.resources is written for cgroup v1; what the v2 files get is the conversion of the runtime
 * specification's and the engines' common practice (shares to weight, memory+swap to swap, ...).
 * What has no equal is an error that names the JSON path (promise 2), as is a limit whose
 * controller is missing. Files: where the value comes from is in the table of resources.c.
 */
#ifndef JAIL_RUNTIME_OCI_CGROUP_H
#define JAIL_RUNTIME_OCI_CGROUP_H

#include <limits.h>

#include "cgroups/devices.h"
#include "runtime/oci/config.h"

/* Known by path and inode: the cgroup file system never gives an inode number out twice. */
struct oci_cgroup {
	char path[PATH_MAX]; /* below the root of the v2 tree, "/machine.slice/libpod-1.scope" */
	char parent_made[PATH_MAX]; /* topmost directory that we made: itself or above it, or "" */
	uint64_t inode; /* 0: not made yet */
	bool systemd;
	char slice[256], unit[256]; /* with systemd: "machine.slice", "libpod-1.scope" */
};

/*
 * Where it will be. cgroupsPath: absolute or relative path with the cgroupfs manager,
 * "SLICE:PREFIX:NAME" with systemd's; without one: "/ID", or system.slice:jail-oci:ID. Relative
 * paths count from the caller's own cgroup's root of the tree. ".." is refused.
 */
int oci_cgroup_plan(const struct oci_config *c, const char *id, bool systemd,
		    struct oci_cgroup *ret, struct err *e);

/* Takes note of what oci_cgroup_make() will make, so that oci_cgroup_destroy() removes that too if
 * it was killed in between. Manager cgroupfs only. */
int oci_cgroup_foresee(struct oci_cgroup *g, struct err *e);
/*
 * Manager cgroupfs: makes the directory and those above it, hands the controllers down, writes the
 * limits, puts the device filter on. The process's user owns it where the container has a cgroup
 * namespace of its own and sees the tree writable. One that is there is used if it is empty and not
 * frozen, else -EBUSY. *ret_fd: for CLONE_INTO_CGROUP. Nothing is left on failure.
 */
int oci_cgroup_make(struct oci_cgroup *g, const struct oci_config *c, int *ret_fd, struct err *e);
/*
 * Manager systemd: a scope with `pid`, a child of ours that does nothing yet, with Delegate and the
 * properties that the resources and the annotations org.systemd.property.* say; then the rest of
 * the limits and the device filter as above. Loads libsystemd.so.0. On failure after the scope was
 * started the child has been killed with it.
 */
int oci_cgroup_make_scope(struct oci_cgroup *g, const struct oci_config *c, pid_t pid, int *ret_fd,
			  struct err *e);

/* Return: directory fd; -ENOENT (*e set) when it is gone or another is in its place. */
int oci_cgroup_open(const struct oci_cgroup *g, struct err *e);
/* Below the container's cgroup: "" or a relative path that it made ("exec --cgroup"). */
int oci_cgroup_open_below(const struct oci_cgroup *g, const char *path, struct err *e);
/* The one below it that process `pid` of the container is in: where the container hands controllers
 * down, its own takes no processes. Return: fd. */
int oci_cgroup_open_of(const struct oci_cgroup *g, pid_t pid, struct err *e);
/* All or nothing: on failure what had been written is as before. With systemd its properties too.
 */
int oci_cgroup_update(const struct oci_cgroup *g, const struct oci_resources *r, struct err *e);
/* Waits until the kernel says so, at most wait_ms. */
int oci_cgroup_freeze(const struct oci_cgroup *g, bool frozen, unsigned wait_ms, struct err *e);
/* 1 frozen, 0 not, -ENOENT gone. */
int oci_cgroup_is_frozen(const struct oci_cgroup *g);
/* A signal to every process in it and below; SIGKILL by cgroup.kill. Gone or empty is fine. */
int oci_cgroup_signal(const struct oci_cgroup *g, int signal, struct err *e);
/* All pids in it and below, sorted; *ret owned by the caller. -ENOENT when it is gone. */
int oci_cgroup_pids(const struct oci_cgroup *g, pid_t **ret, size_t *ret_n, struct err *e);
/* Kills what is there, waits, removes it with all below it, and what parents we made if they are
 * empty; ends the scope. Gone is success. */
int oci_cgroup_destroy(const struct oci_cgroup *g, unsigned wait_ms, struct err *e);

/* The "data" object of `events --stats`: runc's names and shape. */
int oci_cgroup_stats(const struct oci_cgroup *g, struct json_out *o, const char *key,
		     struct err *e);
/* Blocks until the container's cgroup has an OOM kill (1), is empty or gone (0), or timeout_ms
 * (-1 = none) passed (-ETIMEDOUT). `oom_kills`: in: number known, out: number now. */
int oci_cgroup_wait_oom(const struct oci_cgroup *g, int timeout_ms, uint64_t *oom_kills,
			struct err *e);

/* Flags of `update` into resources: "--memory" and the like are in the command; this reads the
 * textual forms ("512m", "-1", "0-3"). Fields of `update` are those of struct oci_resources. */

#endif
