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

#include <linux/capability.h>

#include "cmd/tiny/filter.h"
#include "images/unpack_proto.h"

/* Owners, modes and times of files that already belong to somebody else; directories of mode 0. */
#define CONFINE_FILE_CAPS                                                                          \
	(1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER | 1ull << CAP_FSETID)
/* And devices, and file capabilities. */
#define CONFINE_IMAGE_CAPS (CONFINE_FILE_CAPS | 1ull << CAP_MKNOD | 1ull << CAP_SETFCAP)

struct confine {
	uint64_t max_bytes; /* of one file */
	uint64_t capabilities; /* the ones that stay */
	bool submounts; /* what is mounted below the tree comes along */
	bool no_tree; /* an empty, read-only one instead of UNPACK_FD_TREE */
};

/*
 * First: no_new_privs, resource limits, own mount, network, IPC and UTS namespaces with the tree as
 * their only mount, capabilities. Closes UNPACK_FD_TREE, which still leads to the host's mounts.
 * Return: fd of the tree in its new place.
 */
int confine_namespaces(const struct confine *c, struct err *e);
/* Of that, what is left where the namespaces are somebody else's who was joined: no_new_privs,
 * resource limits, capabilities. */
int confine_rights(const struct confine *c, struct err *e);
enum confine_purpose { CONFINE_MAKES_FILES, CONFINE_DECODES };
/* Last, with all threads there (it applies to each of them): the system call filter. */
int confine_system_calls(enum confine_purpose purpose, struct err *e);

#endif
