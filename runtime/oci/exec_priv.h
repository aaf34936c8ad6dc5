/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec.c (the processes) and exec_open.c (what is gathered on the host beforehand). */
#ifndef JAIL_RUNTIME_OCI_EXEC_PRIV_H
#define JAIL_RUNTIME_OCI_EXEC_PRIV_H

#include "runtime/oci/engine_priv.h"

struct oci_exec_job {
	const struct oci_runtime *rt;
	const struct oci_exec_options *o;
	struct oci_config config; /* the container's */
	struct oci_config loaded; /* process.json */
	struct oci_process process; /* what results */
	struct oci_id id;
	struct oci_state state; /* of the container */
	enum oci_status status;
	int notify; /* seccomp's listenerPath, connected; or -EBADF */
	struct seccomp_program filter;
	uint64_t namespaces; /* CLONE_NEW* that differ from ours */
	int target; /* pidfd of the container's first process */
	int cgroup; /* directory */
	int console, show; /* as in struct oci_launch */
	int master;
	int sock;
	pid_t pid;
	int pidfd;
};

#define OCI_EXEC_BORN 0x4f434942u
/* The helper's report; with a pidfd. */
struct oci_exec_born {
	uint32_t type;
	pid_t pid;
};

/* Fills in *ret; always to be freed. */
int oci_exec_open(const struct oci_runtime *rt, const struct oci_id *id,
		  const struct oci_exec_options *o, struct oci_exec_job *ret, struct err *e);
void oci_exec_free(struct oci_exec_job *job);

#endif
