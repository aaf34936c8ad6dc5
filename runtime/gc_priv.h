/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of gc share. */
#ifndef JAIL_RUNTIME_GC_PRIV_H
#define JAIL_RUNTIME_GC_PRIV_H

#include "runtime/netplan.h"

struct known {
	char id[INSTANCE_ID_LEN + 1];
	struct jail_name name;
	struct meta_network networks[NET_INTERFACES_MAX];
};

/* An instance that is kept from starting while its remains are removed. */
struct held {
	struct jail_name name;
	int lock;
};

struct gc {
	struct jail *j;
	struct gc_report *report;
	struct known *known; /* sorted by id */
	size_t n_known, room;
	struct digest *layers; /* used by instances; sorted */
	size_t n_layers, layers_room;
	struct held *held;
	size_t n_held, held_room;
	bool bridged; /* somebody on the bridge runs */
	bool damaged; /* an instance whose leases and layers are not known */
	struct err first; /* the failure that is reported */
};

/* One thing that fails keeps nothing else from being cleaned. */
void gc_note_failure(struct gc *g, const struct err *why);
/* NULL: no instance has this id. */
const struct known *gc_find_known(const struct gc *g, const char *id);
/* Takes the lock of an instance that is down. -EWOULDBLOCK: it is up or somebody is at it. */
int gc_lock_if_down(struct gc *g, const struct jail_name *name, int *ret_dir);
/* Calls fn for each entry of a directory that is not hidden. */
int gc_each_entry(int dir, void (*fn)(struct gc *, int, const char *), struct gc *g, struct err *e);

/* gc_leases.c */
int gc_leases(struct gc *g, struct err *e);
/* gc_files.c */
int gc_files(struct gc *g, struct err *e);
/* gc_snapshots.c */
int gc_snapshots(struct gc *g, struct err *e);

#endif
