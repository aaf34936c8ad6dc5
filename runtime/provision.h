/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an instance is given before its own init takes over: credentials at each start; at the first
 * one password, keys, locale, time zone and a cloud-init seed, as files of its root file system.
 *
 * The launcher reads what is in files of the host (provision_load); the child, which shares its
 * memory, writes inside, as root of the instance and of nothing else, after pivot_root and before a
 * program of the image has run: whatever the image's links lead to is the image's own (rows 14,
 * 47). Everything is synced before `provisioned` in the instance's directory says that the first
 * boot has been; a start that fails before begins again, and each step can be done twice.
 */
#ifndef JAIL_RUNTIME_PROVISION_H
#define JAIL_RUNTIME_PROVISION_H

#include "namespaces/rootfs.h"
#include "runtime/spec.h"

struct provision_text {
	char *data; /* NULL: not given */
	size_t len;
};

struct provision {
	const struct jail_spec *spec; /* borrowed */
	struct rootfs_secret
		secrets[LIMIT_CREDENTIALS]; /* borrow from `credentials` and the spec */
	size_t n_secrets;
	struct provision_text credentials[LIMIT_CREDENTIALS];
	bool first_boot; /* the rest is to be written */
	struct provision_text password, user_data, meta_data, network_config;
};

/* id: of the instance; dir: its directory; both borrowed. *ret is to be freed in any case; a
 * zeroed one is empty. */
int provision_load(const struct jail_spec *spec, const char *id, int dir, struct provision *ret,
		   struct err *e);
void provision_free(struct provision *p);
/* In the child: writes into its root. */
int provision_apply(const struct provision *p, int root, struct err *e);
/* All is written: never again. Nothing when there was no first boot to be done. */
int provision_done(const struct provision *p, int dir, struct err *e);

/* Texts. Each appends to *ret. */
/* /etc/shadow (or passwd) with field `field` of root's line replaced; without such a line
 * `or_line` is appended. */
void provision_set_field(const char *text, unsigned field, const char *value, const char *or_line,
			 struct strbuf *ret);
/* authorized_keys with the keys that it doesn't have yet. */
void provision_add_keys(const char *text, char *const *keys, size_t n, struct strbuf *ret);
/* meta-data of the seed; `given` may be NULL. */
int provision_meta_data(const char *given, const char *id, const char *hostname, struct strbuf *ret,
			struct err *e);

#endif
