/* SPDX-License-Identifier: GPL-2.0-or-later */
/* copy.c (who does what), copy_target.c (the instance's side), copy_child.c (the helpers). */
#ifndef JAIL_RUNTIME_COPY_PRIV_H
#define JAIL_RUNTIME_COPY_PRIV_H

#include "runtime/copy.h"
#include "runtime/launch_priv.h"

/* A process in whose user and mount namespaces the files are: the init of a running instance, or
 * one that holds what a start would mount. */
struct copy_target {
	const struct jail_name *name;
	int pidfd;
	uint64_t namespaces; /* to join */
	uint64_t capabilities; /* that its root may have */
	bool stopped;
	/* Of a stopped one: */
	struct launch launch; /* has the lock: nobody starts it meanwhile */
	struct start start;
};
#define COPY_TARGET_INIT ((struct copy_target){ .pidfd = -EBADF })
/* place: something is to be written. */
int copy_target_open(struct jail *j, const struct jail_name *name, bool place,
		     struct copy_target *ret, struct err *e);
void copy_target_close(struct copy_target *t);

struct copy_child {
	pid_t pid; /* 0: there is none */
	int pidfd, report;
	bool done; /* has said how it went */
	struct copy_progress progress;
	struct copy_result result;
	struct err failure;
};
#define COPY_CHILD_INIT ((struct copy_child){ .pidfd = -EBADF, .report = -EBADF })
/* fds are borrowed; target: -EBADF for the host's side. */
int copy_child_start(const char *program, const struct copy_request *request, int in, int out,
		     int target, struct copy_child *ret, struct err *e);
/* One message, waited for; at the end c->done, and c->failure.code or c->result. */
void copy_child_hear(struct copy_child *c);
void copy_child_stop(struct copy_child *c);

#endif
