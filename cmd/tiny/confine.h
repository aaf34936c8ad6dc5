/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the small programs that stay (jail-monitor, jail-proxy) give up what they don't need: rights,
 * paths, system calls, in this order. No function prints or ends the process; whoever gets false
 * must not go on. All of it is inherited by children and can't be taken back.
 */
#ifndef JAIL_TINY_CONFINE_H
#define JAIL_TINY_CONFINE_H

#include <linux/capability.h>
#include <linux/filter.h>

#include "base/defs.h"

/* Capabilities of this process in effect: those of `keep` that it is permitted. The other sets stay
 * as they are, so that a program that is executed by root has them all again. */
bool confine_effective(uint64_t keep);
/* no_new_privs, undumpable, an empty bounding set, uid 0 without meaning (securebits). Needs
 * CAP_SETPCAP in effect. */
bool confine_no_more(void);
/* All five sets: `keep` is permitted and in effect, nothing is inheritable, ambient or bounding.
 * Read back. After confine_no_more(). */
bool confine_capabilities(uint64_t keep);

/* From <linux/landlock.h>, whose oldest version lacks the later ones. */
enum confine_path_right {
	CONFINE_WRITE = 1 << 1,
	CONFINE_READ = 1 << 2,
	CONFINE_REMOVE = 1 << 5,
	CONFINE_MAKE = 1 << 8,
	CONFINE_TRUNCATE = 1 << 14, /* kernel 6.2; before, it is part of writing */
};
struct confine_path {
	int fd; /* of a file or directory; negative: none */
	uint64_t rights; /* on regular files, there and below */
};
enum confine_network { CONFINE_NO_TCP, CONFINE_TCP };
/*
 * Landlock: no path but these, no abstract socket, with CONFINE_NO_TCP no TCP, as far as the
 * kernel knows how to; what is open stays usable. True also where the kernel has no Landlock.
 */
bool confine_paths(const struct confine_path *paths, size_t n, enum confine_network network);

/* The last step. Without effect in a build with sanitizers. */
bool confine_calls(const struct sock_filter *filter, size_t n);

#endif
