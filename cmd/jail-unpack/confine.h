/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cage in which a stranger's archive is parsed. Whatever a flaw in a decompressor gives away is
 * what is left here.
 *
 * Must have: reading fd 0, making files of any owner and kind below the tree, talking on fd 4.
 * Must not have: any other file, any network or IPC, other processes, new programs, new executable
 * memory, privileges beyond what making files takes, unbounded memory or file sizes.
 */
#ifndef JAIL_UNPACK_CONFINE_H
#define JAIL_UNPACK_CONFINE_H

#include "images/unpack_proto.h"

/* The sanitizers reserve terabytes of address space and call the kernel as they please: without the
 * memory limit and the filter then. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define CONFINE_SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define CONFINE_SANITIZED 1
#endif

/*
 * First: no_new_privs, resource limits, own mount, network, IPC and UTS namespaces with the tree as
 * their only mount, capabilities. Closes UNPACK_FD_TREE, which still leads to the host's mounts.
 * Return: fd of the tree in its new place.
 */
int confine_namespaces(const struct unpack_request *limits, struct err *e);
/* Last, with all threads there (it applies to each of them): the system call filter. */
int confine_system_calls(struct err *e);

#endif
