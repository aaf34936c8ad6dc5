/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "user[:group]" against the text of passwd(5) and group(5). One strict parser (row 46): digits
 * only are a number and are never looked up as a name (CVE-2016-3697: a user called "1000");
 * everything else is a name. Lines are taken apart by pointer and length, nothing is copied but
 * what goes into the result. The first matching line decides, as in libc; when it can't be read as
 * what it must be (a number out of range), that is an error and not a reason to look at the next.
 */
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "runtime/userdb_priv.h"

#define ID_MAX UINT64_C(4294967294) /* 2^32 - 1 is "no change" to setresuid(2) */
#define PASSWD_FIELDS 7
#define GROUP_FIELDS 4
#define FIELDS_MAX PASSWD_FIELDS

struct span {
	const char *s;
	size_t n;
};

struct line {
	struct span field[FIELDS_MAX];
	size_t number; /* from 1 */
};

/* A walk over the entries of a file that have exactly `fields` fields; others are skipped, as libc
 * does (NIS's "+", comments, blank lines). */
struct walk {
	const struct userdb_file *file;
	size_t fields;
	size_t offset, number;
};

static bool span_eq(struct span a, const char *s)
{
	return a.s && strlen(s) == a.n && memcmp(a.s, s, a.n) == 0;
}

static bool split(struct span text, size_t fields, struct line *ret)
{
	const char *end = text.s + text.n;
	const char *colon;

	if (memchr(text.s, '\0', text.n))
		return false;
	for (size_t i = 0; i < fields; i++) {
		colon = memchr(text.s, ':', (size_t)(end - text.s));
		if (!colon == (i + 1 < fields))
			return false; /* too few, or too many */
		ret->field[i].s = text.s;
		ret->field[i].n = (size_t)((colon ? colon : end) - text.s);
		text.s = colon ? colon + 1 : end;
	}
	return ret->field[0].n > 0;
}

/* Return: 1 and an entry, 0 at the end, -E2BIG. */
static int walk_next(struct walk *w, struct line *ret, struct err *e)
{
	const char *newline;
	struct span text;

	while (w->offset < w->file->n) {
		text.s = w->file->text + w->offset;
		text.n = w->file->n - w->offset;
		newline = memchr(text.s, '\n', text.n);
		if (newline)
			text.n = (size_t)(newline - text.s);
		w->offset += text.n + 1;
		w->number++;
		if (text.n > LIMIT_USERDB_LINE)
			return err_set(e, E2BIG, "%s:%zu: line of %zu bytes, at most %d",
				       w->file->name, w->number, text.n, LIMIT_USERDB_LINE);
		ret->number = w->number;
		if (split(text, w->fields, ret))
			return 1;
	}
	return 0;
}

/* "0" or digits without a leading zero, in [0, ID_MAX]. */
static int parse_id(const char *digits, uint32_t *ret, struct err *e)
{
	uint64_t value;
	int r;

	r = num_parse_u64(digits, 0, ID_MAX, &value, e);
	if (r < 0)
		return r;
	*ret = (uint32_t)value;
	return 0;
}

static int field_id(const struct userdb_file *file, const struct line *line, size_t field,
		    uint32_t *ret, struct err *e)
{
	char digits[16];
	struct span text = line->field[field];
	int r;

	r = str_format(digits, sizeof(digits), "%.*s", (int)(text.n > 15 ? 15 : text.n), text.s);
	if (r < 0 || text.n > 15)
		return err_set(e, ERANGE, "%s:%zu: id out of range", file->name, line->number);
	r = parse_id(digits, ret, e);
	if (r < 0)
		return err_wrap(e, "%s:%zu", file->name, line->number);
	return 0;
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* What useradd(8), adduser(8) and directory services make, less what could be taken for something
 * else: no sign, no dot, no digit at the start; a '$' at the end (Samba's machines). */
static int check_name(const char *kind, const char *name, struct err *e)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
				   "0123456789.@-";
	size_t n = strlen(name);
	size_t ok = n && strchr(first, name[0]) ? strspn(name, rest) : 0;

	if (ok > 0 && (ok == n || (ok + 1 == n && name[ok] == '$')) &&
	    n < sizeof(((struct creds_user *)NULL)->name))
		return 0;
	(void)err_set(e, EINVAL, "%s \"%.64s\": neither a number nor a name", kind, name);
	return err_hint(e, "use a number from 0 to 4294967294 without leading zeros, or a name "
			   "that starts with a letter");
}

static int check_max(const char *kind, uint32_t id, uint32_t max_id, struct err *e)
{
	if (id < max_id)
		return 0;
	(void)err_set(e, ERANGE, "%s id %u: the instance has only the ids 0 to %u", kind, id,
		      max_id - 1);
	return err_hint(e, "a private user namespace maps 65536 ids; see "
			   "security.userNamespace");
}

/* A home becomes HOME and no more. Anything odd in it is "/" (CVE-2022-4318: a line break in it
 * became a line of passwd elsewhere). */
static void set_home(struct creds_user *user, struct span home)
{
	bool ok = home.n > 0 && home.n < sizeof(user->home) && home.s[0] == '/';

	for (size_t i = 0; ok && i < home.n; i++)
		ok = (unsigned char)home.s[i] >= 0x20 && home.s[i] != 0x7f;
	if (!ok)
		home = (struct span){ "/", 1 };
	memcpy(user->home, home.s, home.n);
	user->home[home.n] = '\0';
}

/* The name of an entry that was found by number, if it is one that could have been asked for. */
static void set_name(struct creds_user *user, struct span name)
{
	struct err ignored = ERR_INIT;
	char text[sizeof(user->name)];

	if (name.n >= sizeof(text))
		return;
	memcpy(text, name.s, name.n);
	text[name.n] = '\0';
	if (check_name("user", text, &ignored) == 0)
		memcpy(user->name, text, name.n + 1);
}

static int take_passwd(const struct userdb_file *file, const struct line *line,
		       struct creds_user *user, struct err *e)
{
	int r;

	r = field_id(file, line, 2, &user->uid, e);
	if (r < 0)
		return r;
	r = field_id(file, line, 3, &user->gid, e);
	if (r < 0)
		return r;
	set_name(user, line->field[0]);
	set_home(user, line->field[5]);
	return 0;
}

/* By number: entries whose number can't be read are another's, not ours. */
static bool line_has_uid(const struct userdb_file *file, const struct line *line, uint32_t uid)
{
	struct err ignored = ERR_INIT;
	uint32_t value;

	return field_id(file, line, 2, &value, &ignored) == 0 && value == uid;
}

/* Return: 1 found, 0 not, -errno. */
static int find_user(const struct userdb *db, const char *name, uint32_t uid,
		     struct creds_user *user, struct err *e)
{
	struct walk w = { .file = &db->passwd, .fields = PASSWD_FIELDS };
	struct line line = { .number = 0 };
	int r;

	if (db->passwd.why.code) {
		*e = db->passwd.why;
		return -e->code;
	}
	while ((r = walk_next(&w, &line, e)) > 0)
		if (name ? span_eq(line.field[0], name) : line_has_uid(w.file, &line, uid)) {
			r = take_passwd(w.file, &line, user, e);
			return r < 0 ? r : 1;
		}
	return r;
}

static int find_group(const struct userdb *db, const char *name, gid_t *ret, struct err *e)
{
	struct walk w = { .file = &db->group, .fields = GROUP_FIELDS };
	struct line line = { .number = 0 };
	int r;

	if (db->group.why.code) {
		*e = db->group.why;
		return -e->code;
	}
	while ((r = walk_next(&w, &line, e)) > 0)
		if (span_eq(line.field[0], name))
			return field_id(w.file, &line, 2, ret, e);
	if (r < 0)
		return r;
	(void)err_set(e, ENOENT, "no group \"%s\" in the instance's /etc/group", name);
	return err_hint(e, "give a number to do without it");
}

static bool is_member(struct span members, const char *name)
{
	size_t n;

	while (members.n > 0) {
		const char *comma = memchr(members.s, ',', members.n);

		n = comma ? (size_t)(comma - members.s) : members.n;
		if (span_eq((struct span){ members.s, n }, name))
			return true;
		n += comma ? 1 : 0;
		members.s += n;
		members.n -= n;
	}
	return false;
}

static int add_group(struct creds_user *user, gid_t gid, struct err *e)
{
	for (size_t i = 0; i < user->n_groups; i++)
		if (user->groups[i] == gid)
			return 0;
	if (user->n_groups == ARRAY_SIZE(user->groups))
		return err_set(e, E2BIG, "user \"%s\" is in more than %d groups", user->name,
			       LIMIT_GROUPS);
	user->groups[user->n_groups++] = gid;
	return 0;
}

/* The groups that list the user by name; a user without a name has none. */
static int add_memberships(const struct userdb *db, uint32_t max_id, struct creds_user *user,
			   struct err *e)
{
	struct walk w = { .file = &db->group, .fields = GROUP_FIELDS };
	struct line line = { .number = 0 };
	gid_t gid = 0;
	int r;

	if (db->group.why.code) {
		*e = db->group.why;
		return -e->code;
	}
	while ((r = walk_next(&w, &line, e)) > 0) {
		if (!is_member(line.field[3], user->name))
			continue;
		r = field_id(w.file, &line, 2, &gid, e);
		if (r == 0)
			r = check_max("group", gid, max_id, e);
		if (r == 0)
			r = add_group(user, gid, e);
		if (r < 0)
			return r;
	}
	return r;
}

/*
 * By number, the database only adds a home, a name and groups: when it can't be used the start goes
 * on without, and says so.
 */
static int resolve_number(const struct userdb *db, const char *text, struct creds_user *user,
			  struct err *e)
{
	struct err trouble = ERR_INIT;
	uint32_t uid = 0;
	int r;

	r = parse_id(text, &uid, e);
	if (r < 0)
		return err_wrap(e, "user id");
	user->uid = uid;
	r = find_user(db, NULL, uid, user, &trouble);
	if (r < 0) {
		warn("user %u: home and groups unknown: %s", uid, trouble.text);
		*user = (struct creds_user){ .uid = uid, .home = "/" };
	}
	return 0;
}

static int resolve_name(const struct userdb *db, const char *name, struct creds_user *user,
			struct err *e)
{
	int r;

	r = check_name("user", name, e);
	if (r < 0)
		return r;
	r = find_user(db, name, 0, user, e);
	if (r < 0)
		return err_wrap(e, "user \"%s\"", name);
	if (r > 0)
		return 0;
	(void)err_set(e, ENOENT, "no user \"%s\" in the instance's /etc/passwd", name);
	return err_hint(e, "give a number to do without it");
}

static int resolve_group(const struct userdb *db, const char *text, struct creds_user *user,
			 struct err *e)
{
	int r;

	if (is_number(text)) {
		r = parse_id(text, &user->gid, e);
		return r < 0 ? err_wrap(e, "group id") : 0;
	}
	r = check_name("group", text, e);
	if (r < 0)
		return r;
	return find_group(db, text, &user->gid, e);
}

static int finish_groups(const struct userdb *db, bool by_number, uint32_t max_id,
			 struct creds_user *user, struct err *e)
{
	struct err trouble = ERR_INIT;
	int r;

	if (user->name[0] == '\0')
		return 0;
	r = add_memberships(db, max_id, user, &trouble);
	if (r == 0)
		return 0;
	if (!by_number) {
		*e = trouble;
		return err_wrap(e, "groups of user \"%s\"", user->name);
	}
	user->n_groups = 1; /* the primary one */
	warn("user %u: groups unknown: %s", user->uid, trouble.text);
	return 0;
}

static int resolve(const struct userdb *db, char *user_text, const char *group_text,
		   uint32_t max_id, struct creds_user *user, struct err *e)
{
	bool by_number = is_number(user_text);
	int r;

	r = by_number ? resolve_number(db, user_text, user, e)
		      : resolve_name(db, user_text, user, e);
	if (r == 0 && group_text)
		r = resolve_group(db, group_text, user, e);
	if (r == 0)
		r = check_max("user", user->uid, max_id, e);
	if (r == 0)
		r = check_max("group", user->gid, max_id, e);
	if (r == 0)
		r = add_group(user, user->gid, e);
	if (r == 0 && !group_text)
		r = finish_groups(db, by_number, max_id, user, e);
	return r;
}

int userdb_resolve_text(const struct userdb *db, const char *text, uint32_t max_id,
			struct creds_user *ret, struct err *e)
{
	struct creds_user user = { .home = "/" };
	char copy[160];
	char *colon;
	int r;

	if (str_format(copy, sizeof(copy), "%s", *text ? text : "0") < 0)
		return err_set(e, EINVAL, "user \"%.32s...\": too long", text);
	colon = strchr(copy, ':');
	if (colon)
		*colon = '\0';
	if (*copy == '\0' || (colon && (colon[1] == '\0' || strchr(colon + 1, ':'))))
		return err_set(e, EINVAL, "user \"%s\": must be USER or USER:GROUP", text);
	r = resolve(db, copy, colon ? colon + 1 : NULL, max_id, &user, e);
	if (r < 0)
		return r;
	*ret = user;
	return 0;
}

bool userdb_home_text(const struct userdb_file *passwd, uid_t uid, struct creds_user *ret)
{
	struct userdb db = { .passwd = *passwd };
	struct err ignored = ERR_INIT;

	return find_user(&db, NULL, uid, ret, &ignored) > 0 && ret->home[0];
}
