/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail cp: files into an instance and out of it, running or not. The files themselves are looked at
 * and made by two helpers, jail-copy (copy_proto.h), one for each side, with a pipe of tar between
 * them; here it is decided who does what, and what they say is heard. No path of an instance means
 * anything to this process (rows 15, 47, 50).
 */
#ifndef JAIL_RUNTIME_COPY_H
#define JAIL_RUNTIME_COPY_H

#include "runtime/copy_proto.h"
#include "runtime/jail.h"

struct copy_end {
	const struct jail_name *instance; /* NULL: the host */
	const char
		*path; /* NULL: a tar stream, our stdin or stdout; the other end is an instance */
};

typedef void copy_progress_fn(const struct copy_progress *p, void *arg);

struct copy_options {
	struct copy_end from, to;
	bool follow; /* a symbolic link as the source */
	bool archive; /* owners stay as they are, by number; else it's all root's, or the caller's
		       */
	copy_progress_fn *progress; /* or NULL */
	void *arg;
};

/*
 * Return: 0 when all is there. *ret: what both sides have to say, e.g. what was left out. -EBUSY
 * and the like for an instance that is just being started or stopped.
 */
int instance_copy(struct jail *j, const struct copy_options *o, struct copy_result *ret,
		  struct err *e);

#endif
