/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of iptables-legacy, which are not those of nf_tables. */
#ifndef JAIL_NETSETUP_NETCHECK_LEGACY_PRIV_H
#define JAIL_NETSETUP_NETCHECK_LEGACY_PRIV_H

#include <netinet/in.h> /* before what the kernel has of it */
#include <stdbool.h>

/* Its table "filter" is in use, the policy of FORWARD is DROP, and no rule there asks for our
 * interface group. family: AF_INET or AF_INET6. Only looks: asking for a table would make it. */
bool legacy_forward_drops(int family);

#endif
