/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between clone.c and clone_joined.c. */
#ifndef JAIL_NAMESPACES_CLONE_PRIV_H
#define JAIL_NAMESPACES_CLONE_PRIV_H

#include "namespaces/clone.h"

#define NS_KINDS 8
struct ns_kind {
	uint64_t flag; /* CLONE_NEW* */
	const char *name; /* in /proc/PID/ns */
};
extern const struct ns_kind ns_kinds[NS_KINDS];
const char *ns_kind_name(uint64_t flag); /* "?" for what is not one flag of these */

/* As ns_clone(), but a time namespace of the children stays that of the new one. */
pid_t ns_clone_once(const struct ns_clone *c, int *ret_pidfd, struct err *e);

#endif
