/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec.c (join, fork, follow) and exec_open.c (what is gathered on the host beforehand). */
#ifndef JAIL_RUNTIME_EXEC_PRIV_H
#define JAIL_RUNTIME_EXEC_PRIV_H

#include <sys/ioctl.h>

#include "runtime/engine_priv.h"
#include "runtime/seccomp.h"

struct exec_job {
	const struct exec_options *o;
	struct jail_spec spec;
	struct seccomp_program filter;
	uint64_t namespaces;
	bool private_user;
	uid_t base_uid; /* who root of the instance is on the host */
	int target; /* pidfd of the instance's init */
	int cgroup; /* where the program is born */
	int child_stdio[3]; /* what becomes its 0, 1, 2 (without a terminal) */
	int ours[3]; /* our ends when they are pipes; -EBADF: it has /dev/null */
	int sock, master;
	struct winsize size; /* of our terminal, for the new one */
	pid_t pid; /* our child */
	int pidfd; /* of the program */
};

enum { EXEC_ERROR = 1, EXEC_FAILED = 2, EXEC_CONSOLE = 3, EXEC_PIDFD = 4 };

struct exec_report {
	uint32_t type;
	struct err error; /* EXEC_ERROR; EXEC_FAILED: of the program itself */
};

/* Fills in *ret; always to be freed. */
int exec_job_open(struct jail *j, const struct jail_name *name, const struct exec_options *o,
		  struct exec_job *ret, struct err *e);
void exec_close_child_stdio(struct exec_job *job);
void exec_job_free(struct exec_job *job);

#endif
