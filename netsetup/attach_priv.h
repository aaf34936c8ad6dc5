/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_NETSETUP_ATTACH_PRIV_H
#define JAIL_NETSETUP_ATTACH_PRIV_H

#include "netsetup/end_priv.h"

/* Makes the links of one interface, with its rates, up to what is done inside. On failure some of
 * it can be there. */
int attach_make(struct nl *nl, struct link_end *end, int netns_fd, struct err *e);
/* The other way round, and waits for it; whatever is there of it. */
int attach_remove(struct nl *nl, struct link_end *end, int netns_fd, struct err *e);

#endif
