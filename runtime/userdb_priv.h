/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of userdb that touches no file: what the unit tests and the fuzzer call. */
#ifndef JAIL_RUNTIME_USERDB_PRIV_H
#define JAIL_RUNTIME_USERDB_PRIV_H

#include "runtime/creds.h"

/* /etc/passwd and /etc/group as read. text NULL: there is no such file, or it can't be used, and
 * why (or "") tells the reason. */
struct userdb_file {
	const char *name; /* for messages: "/etc/passwd" */
	const char *text;
	size_t n;
	struct err why;
};

struct userdb {
	struct userdb_file passwd, group;
};

int userdb_resolve_text(const struct userdb *db, const char *text, uint32_t max_id,
			struct creds_user *ret, struct err *e);
/* Whether it names a home for the number. */
bool userdb_home_text(const struct userdb_file *passwd, uid_t uid, struct creds_user *ret);

#endif
