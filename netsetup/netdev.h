/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices of the host that an OCI container gets (config-linux.md, "Network Devices"). */
#ifndef JAIL_NETSETUP_NETDEV_H
#define JAIL_NETSETUP_NETDEV_H

#include "base/err.h"

/*
 * Moves the link `name` of the caller's network namespace into that of netns_fd, where it is called
 * new_name ("eth%d": the first free number; NULL: the same), with its MAC address, MTU, and the
 * addresses that somebody gave it (permanent, of global scope), and brings it up, whatever it was
 * (the specification has it so). A link that has new_name there already is an error (-EEXIST),
 * before anything was changed. When a later step fails the link is put back under its name, without
 * addresses. Errors name it.
 *
 * When the namespace dies the kernel gives hardware back to the initial namespace; a virtual link
 * dies with it.
 */
int netdev_move(const char *name, const char *new_name, int netns_fd, struct err *e);

#endif
