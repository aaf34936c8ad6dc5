/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User, passwd and group from one input, divided at the first two 0xff bytes. Whatever they hold:
 * an error with a text, or ids in range, the primary group in the list, and strings that are safe
 * to put into an environment.
 */
#include "runtime/userdb_priv.h"

#define MAX_ID 65536

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_user(const struct creds_user *user)
{
	bool has_primary = false;

	check(user->uid < MAX_ID && user->gid < MAX_ID);
	check(user->n_groups > 0 && user->n_groups <= LIMIT_GROUPS);
	for (size_t i = 0; i < user->n_groups; i++) {
		check(user->groups[i] < MAX_ID);
		has_primary |= user->groups[i] == user->gid;
	}
	check(has_primary);
	check(user->home[0] == '/');
	for (const char *c = user->home; *c; c++)
		check((unsigned char)*c >= 0x20 && *c != 0x7f);
	check(strnlen(user->name, sizeof(user->name)) < sizeof(user->name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *end = data + n;
	const uint8_t *passwd = memchr(data, 0xff, n);
	const uint8_t *group = passwd ? memchr(passwd + 1, 0xff, (size_t)(end - passwd - 1)) : NULL;
	struct creds_user user = { .uid = 0 };
	struct err e = ERR_INIT;
	struct userdb db = { .passwd = { .name = "p" }, .group = { .name = "g" } };
	char *text = strndup((const char *)data, passwd ? (size_t)(passwd - data) : n);

	check(text != NULL);
	if (passwd) {
		db.passwd.text = (const char *)passwd + 1;
		db.passwd.n = (size_t)((group ? group : end) - passwd - 1);
	}
	if (group) {
		db.group.text = (const char *)group + 1;
		db.group.n = (size_t)(end - group - 1);
	}
	if (userdb_resolve_text(&db, text, MAX_ID, &user, &e) < 0)
		check(e.code > 0 && e.text[0] != '\0');
	else
		check_user(&user);
	free(text);
	return 0;
}
