/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One hosts file: pages of records (hosts_file.c, which tells how and why). */
#ifndef JAIL_NETSETUP_HOSTS_PRIV_H
#define JAIL_NETSETUP_HOSTS_PRIV_H

#include "netsetup/hosts.h"

#define HOSTS_RECORD 256
#define HOSTS_RECORDS_MAX 2 /* of one entry: one for each family, where one can't hold both */

/* What an instance has on one network, as it is found again. */
struct hosts_key {
	uint64_t hash; /* of both names; 56 bits, which are in the record */
	const char *instance;
};
struct hosts_key hosts_key_of(const struct jail_name *network, const struct jail_name *instance);

struct hosts_record {
	char text[HOSTS_RECORD]; /* not terminated */
};

/* hosts_record.c */
/* Return: how many records the entry takes; 0: it has no address. */
size_t hosts_format(const struct hosts_entry *entry, const struct hosts_key *key,
		    struct hosts_record ret[static HOSTS_RECORDS_MAX]);
bool hosts_record_is_live(const struct hosts_record *r);
/* The same record with every line of it a comment. */
struct hosts_record hosts_record_off(const struct hosts_record *r);
bool hosts_record_matches(const struct hosts_record *r, const struct hosts_key *key);
/* Return: false when the record is none that this program writes. */
bool hosts_record_read(const struct hosts_record *r, uint64_t *ret_hash, struct jail_name *ret);
void hosts_record_blank(struct hosts_record *ret);
void hosts_record_head(struct hosts_record *ret); /* the first one of every file: localhost */

/* hosts.c: names in RUN/hosts that no network has, those being in lower case; and the lock on all
 * of it. */
#define HOSTS_FILE_PREFIX "H-"
#define HOSTS_FILE_NEW "N-" /* in the making */
#define HOSTS_FILE_MAX 35
int hosts_lock(int dir, struct err *e);

/* hosts_file.c: fd of the file, O_RDWR; the caller holds the lock. */
int hosts_file_init(int fd, struct err *e);
/* What the key has are these records from now on; n 0: none. */
int hosts_file_set(int fd, const struct hosts_key *key, const struct hosts_record *records,
		   size_t n, struct err *e);
/* Adds one that is not there. */
int hosts_file_add(int fd, uint64_t hash, const struct hosts_record *record, struct err *e);
/* For every live record. What fn returns: < 0 is passed on, 1 turns the record off. O(n). */
typedef int hosts_each_fn(const struct hosts_record *r, void *arg);
int hosts_file_each(int fd, hosts_each_fn *fn, void *arg, struct err *e);

#endif
