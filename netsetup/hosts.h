/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of instances, as an /etc/hosts file that the instances of a network share: a file of
 * RUN/hosts, mounted read-only over /etc/hosts of each. One record of fixed size for each instance,
 * written and turned off in place, so every instance sees a start and a stop at once, at a cost
 * that does not grow, and nobody serves names (row 76). How: hosts_file.c.
 *
 * Instances on several networks share the file of that combination; RUN/hosts/KEY, KEY being a hash
 * of the networks' names, has beside it RUN/hosts/NETWORK/KEY (an empty file) for each network, by
 * which a start finds the files it has to write into.
 *
 * A start first puts what the instance has, on each of its networks, and then opens its file: gc
 * removes a file that has nothing of any instance which could have it mounted.
 */
#ifndef JAIL_NETSETUP_HOSTS_H
#define JAIL_NETSETUP_HOSTS_H

#include "netsetup/address.h"

struct hosts_entry {
	const struct jail_name *instance;
	const char *tenant; /* "" = none: NAME.jail, else NAME.TENANT.jail */
	const struct jail_name *network;
	struct net_addresses addresses; /* on this network */
	const char
		*alias; /* its host name; NULL, or the same: none. Only where there is a tenant */
};

/* Opens (making it when it is missing) the file of a combination of networks. `dir`: RUN/hosts.
 * Names must be those of networks that are not isolated. Return: fd, O_RDONLY, or -errno. */
int hosts_open(int dir, const struct jail_name *const *networks, size_t n, struct err *e);
/* Writes the entry into every file of its network; an entry of that instance on that network is
 * replaced. */
int hosts_put(int dir, const struct hosts_entry *entry, struct err *e);
/* Erases what an instance has in all files of a network. Missing is fine. */
int hosts_erase(int dir, const struct jail_name *network, const struct jail_name *instance,
		struct err *e);
/* For gc: erases entries whose instance is not alive by the callback (one that is just starting
 * is), and removes the files that no instance can have mounted any more. */
int hosts_gc(int dir, net_alive_fn *alive, void *arg, struct err *e);

#endif
