/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs of networks share. */
#ifndef JAIL_CMD_NETWORK_H
#define JAIL_CMD_NETWORK_H

#include "cmd/jail/cli.h"
#include "runtime/networks.h"

const char *network_mode_text(enum net_mode mode);
/* "10.89.0.0/24, fd12::/64" */
void network_subnets_text(const struct net_network *n, struct strbuf *ret);
/* "internal, isolated, no NAT": what is not as usual; "" */
void network_flags_text(const struct net_network *n, struct strbuf *ret);
/* "3/253": leases of the family that is fuller; "?" when they can't be counted. */
void network_use_text(struct jail *j, const struct net_network *n, struct strbuf *ret);

#endif
