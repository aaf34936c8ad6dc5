/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of mounts (config.md, "Linux mount options", and mount(8)): one row for each, which
 * says what of struct bundle_mount it changes. Later ones win. What is no row is the file system's
 * own.
 *
 * The three access-time modes are one field of the kernel's, and no bits: choosing one clears the
 * whole of it, and taking one back ("atime" for noatime) leaves another that was chosen alone.
 */
#include <sys/mount.h>

#include "runtime/oci/config_priv.h"

#define ATIME MOUNT_ATTR__ATIME

enum kind {
	SET, /* value: MOUNT_ATTR_* of the mount */
	CLEAR,
	MODE, /* value: an access-time mode */
	NO_MODE,
	PROPAGATION, /* value: MS_* */
	BIND, /* value: recursive */
	SUPER, /* of the file system, by fsconfig; a bind mount can't have it */
	NO_SUPER, /* the same, but what bind mounts have in any case */
	NOTHING,
	COPY_UP,
	IDMAP, /* value: enum bundle_idmap */
	SOURCE_LINK,
	DESTINATION_LINK,
};

struct oci_mount_option {
	const char *name;
	uint64_t value;
	enum kind kind;
	bool recursive; /* of the mounts below too */
};

/* In the order of the alphabet, as `features` prints them. */
static const struct oci_mount_option options[] = {
	{ "async", 0, NO_SUPER, false },
	{ "atime", MOUNT_ATTR_NOATIME, NO_MODE, false },
	{ "bind", false, BIND, false },
	{ "defaults", 0, NOTHING, false },
	{ "dest-nofollow", 0, DESTINATION_LINK, false },
	{ "dev", MOUNT_ATTR_NODEV, CLEAR, false },
	{ "diratime", MOUNT_ATTR_NODIRATIME, CLEAR, false },
	{ "dirsync", 0, SUPER, false },
	{ "exec", MOUNT_ATTR_NOEXEC, CLEAR, false },
	{ "idmap", BUNDLE_IDMAP, IDMAP, false },
	{ "iversion", 0, SUPER, false },
	{ "lazytime", 0, SUPER, false },
	{ "loud", 0, NOTHING, false }, /* whether the kernel's log tells of failures */
	{ "mand", 0, SUPER, false },
	{ "noatime", MOUNT_ATTR_NOATIME, MODE, false },
	{ "nodev", MOUNT_ATTR_NODEV, SET, false },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, SET, false },
	{ "noexec", MOUNT_ATTR_NOEXEC, SET, false },
	{ "noiversion", 0, NO_SUPER, false },
	{ "nolazytime", 0, NO_SUPER, false },
	{ "nomand", 0, NO_SUPER, false },
	{ "norelatime", MOUNT_ATTR_RELATIME, NO_MODE, false },
	{ "nostrictatime", MOUNT_ATTR_STRICTATIME, NO_MODE, false },
	{ "nosuid", MOUNT_ATTR_NOSUID, SET, false },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, SET, false },
	{ "private", MS_PRIVATE, PROPAGATION, false },
	{ "ratime", MOUNT_ATTR_NOATIME, NO_MODE, true },
	{ "rbind", true, BIND, false },
	{ "rdev", MOUNT_ATTR_NODEV, CLEAR, true },
	{ "rdiratime", MOUNT_ATTR_NODIRATIME, CLEAR, true },
	{ "relatime", MOUNT_ATTR_RELATIME, MODE, false },
	{ "remount", 0, NOTHING, false }, /* config_mount.c knows it */
	{ "rexec", MOUNT_ATTR_NOEXEC, CLEAR, true },
	{ "ridmap", BUNDLE_RIDMAP, IDMAP, false },
	{ "rnoatime", MOUNT_ATTR_NOATIME, MODE, true },
	{ "rnodev", MOUNT_ATTR_NODEV, SET, true },
	{ "rnodiratime", MOUNT_ATTR_NODIRATIME, SET, true },
	{ "rnoexec", MOUNT_ATTR_NOEXEC, SET, true },
	{ "rnorelatime", MOUNT_ATTR_RELATIME, NO_MODE, true },
	{ "rnostrictatime", MOUNT_ATTR_STRICTATIME, NO_MODE, true },
	{ "rnosuid", MOUNT_ATTR_NOSUID, SET, true },
	{ "rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW, SET, true },
	{ "ro", MOUNT_ATTR_RDONLY, SET, false },
	{ "rprivate", MS_PRIVATE, PROPAGATION, true },
	{ "rrelatime", MOUNT_ATTR_RELATIME, MODE, true },
	{ "rro", MOUNT_ATTR_RDONLY, SET, true },
	{ "rrw", MOUNT_ATTR_RDONLY, CLEAR, true },
	{ "rshared", MS_SHARED, PROPAGATION, true },
	{ "rslave", MS_SLAVE, PROPAGATION, true },
	{ "rstrictatime", MOUNT_ATTR_STRICTATIME, MODE, true },
	{ "rsuid", MOUNT_ATTR_NOSUID, CLEAR, true },
	{ "rsymfollow", MOUNT_ATTR_NOSYMFOLLOW, CLEAR, true },
	{ "runbindable", MS_UNBINDABLE, PROPAGATION, true },
	{ "rw", MOUNT_ATTR_RDONLY, CLEAR, false },
	{ "shared", MS_SHARED, PROPAGATION, false },
	{ "silent", 0, NOTHING, false },
	{ "slave", MS_SLAVE, PROPAGATION, false },
	{ "src-nofollow", 0, SOURCE_LINK, false },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MODE, false },
	{ "suid", MOUNT_ATTR_NOSUID, CLEAR, false },
	{ "symfollow", MOUNT_ATTR_NOSYMFOLLOW, CLEAR, false },
	{ "sync", 0, SUPER, false },
	{ "tmpcopyup", 0, COPY_UP, false },
	{ "unbindable", MS_UNBINDABLE, PROPAGATION, false },
};

const char *oci_mount_option_name(size_t i)
{
	return i < ARRAY_SIZE(options) ? options[i].name : NULL;
}

const struct decode_name oci_propagation_names[] = {
	{ "private", MS_PRIVATE },
	{ "shared", MS_SHARED },
	{ "slave", MS_SLAVE },
	{ "unbindable", MS_UNBINDABLE },
	{ NULL, 0 },
};

uint64_t oci_propagation(const char *name, bool *ret_recursive)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].kind == PROPAGATION && str_eq(options[i].name, name)) {
			*ret_recursive = options[i].recursive;
			return options[i].value;
		}
	return 0;
}

static const struct oci_mount_option *find_option(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (str_eq(options[i].name, name))
			return &options[i];
	return NULL;
}

static void change_attr(const struct oci_mount_option *o, uint64_t *set, uint64_t *clr)
{
	bool other = (*set & ATIME) != 0 && (*set & ATIME) != o->value;

	if (o->kind == SET) {
		*set |= o->value;
		*clr &= ~o->value;
	} else if (o->kind == CLEAR) {
		*set &= ~o->value;
		*clr |= o->value;
	} else if (o->kind == MODE) {
		*set = (*set & ~(uint64_t)ATIME) | o->value;
		*clr |= ATIME;
	} else if (!other) {
		*set &= ~(uint64_t)ATIME;
		*clr |= ATIME;
	}
}

static int add_propagation(const struct oci_mount_job *job, const struct oci_mount_option *o,
			   struct err *e)
{
	struct bundle_mount *m = job->m;

	if (m->n_propagation == BUNDLE_PROPAGATIONS_MAX)
		return json_err(job->d->doc, job->node, e, E2BIG, "at most %d kinds of propagation",
				BUNDLE_PROPAGATIONS_MAX);
	m->propagation[m->n_propagation].type = o->value;
	m->propagation[m->n_propagation].recursive = o->recursive;
	m->n_propagation++;
	return 0;
}

static void add_data(const struct oci_mount_job *job, const char *key, const char *value)
{
	job->data[job->m->n_data++] = (struct mount_param){ .key = key, .value = value };
}

static int apply(const struct oci_mount_job *job, const struct oci_mount_option *o, struct err *e)
{
	struct bundle_mount *m = job->m;

	switch (o->kind) {
	case SET:
	case CLEAR:
	case MODE:
	case NO_MODE:
		if (o->recursive)
			change_attr(o, &m->rattr_set, &m->rattr_clr);
		else
			change_attr(o, &m->attr_set, &m->attr_clr);
		return 0;
	case PROPAGATION:
		return add_propagation(job, o, e);
	case BIND:
		m->recursive |= o->value != 0;
		return 0;
	case SUPER:
		if (m->kind == BUNDLE_NEW) {
			add_data(job, o->name, NULL);
			return 0;
		}
		(void)json_err(job->d->doc, job->node, e, EINVAL,
			       "\"%s\" belongs to the file system, not to one mount of it",
			       o->name);
		return err_hint(e, "mount the file system with it beforehand");
	case NO_SUPER:
		if (m->kind == BUNDLE_NEW && !str_eq(o->name, "noiversion"))
			add_data(job, o->name, NULL);
		return 0;
	case NOTHING:
		return 0;
	case COPY_UP:
		m->copy_up = true;
		return 0;
	case IDMAP:
		m->idmap = (enum bundle_idmap)o->value;
		return 0;
	case SOURCE_LINK:
		m->source_link = true;
		return 0;
	case DESTINATION_LINK:
		m->destination_link = true;
		return 0;
	}
	return 0;
}

/* SELinux contexts come in quotes, which are mount(2)'s and not part of the value. */
static const char *unquote(const struct decoder *d, const char *value)
{
	size_t n = strlen(value);

	if (n < 2 || value[0] != '"' || value[n - 1] != '"')
		return value;
	return arena_strn(d->arena, value + 1, n - 2);
}

static int own_option(const struct oci_mount_job *job, const char *text, struct err *e)
{
	struct bundle_mount *m = job->m;
	const char *equals = strchr(text, '=');
	const char *key, *value = NULL;

	if (m->kind != BUNDLE_NEW) {
		(void)json_err(job->d->doc, job->node, e, EINVAL,
			       "\"%.100s\" is no option of a %s mount", text,
			       m->kind == BUNDLE_BIND ? "bind" : "cgroup");
		return err_hint(e, "file systems' own options need a mount that makes one");
	}
	key = equals ? arena_strn(job->d->arena, text, (size_t)(equals - text)) : text;
	if (equals)
		value = unquote(job->d, equals + 1);
	if (!key || (equals && !value))
		return err_nomem(e);
	m->has_mode |= str_eq(key, "mode");
	add_data(job, key, value);
	return 0;
}

/* Up to the next comma that is neither in quotes nor escaped (overlay's paths): mount(2) takes
 * several options in one string, and so do the engines that are used to it. */
static size_t one_length(const char *text)
{
	bool quoted = false;
	size_t n = 0;

	for (; text[n]; n++) {
		if (text[n] == '\\' && text[n + 1])
			n++;
		else if (text[n] == '"')
			quoted = !quoted;
		else if (text[n] == ',' && !quoted)
			break;
	}
	return n;
}

static int one_option(const struct oci_mount_job *job, const char *text, struct err *e)
{
	const struct oci_mount_option *o = find_option(text);
	bool below = str_starts(text, "ridmap=");

	if (o)
		return apply(job, o, e);
	if (below || str_starts(text, "idmap=")) {
		job->m->idmap = below ? BUNDLE_RIDMAP : BUNDLE_IDMAP;
		return oci_idmap_text(job->d, job->node, strchr(text, '=') + 1, job->m, e);
	}
	return own_option(job, text, e);
}

int oci_mount_option(const struct oci_mount_job *job, struct err *e)
{
	const char *text = job->node->text;
	int r = 0;

	while (*text && r >= 0) {
		size_t n = one_length(text);
		const char *one = text[n] ? arena_strn(job->d->arena, text, n) : text;

		if (!one)
			return err_nomem(e);
		if (*one)
			r = one_option(job, one, e);
		text += n + (text[n] == ',');
	}
	return r;
}
