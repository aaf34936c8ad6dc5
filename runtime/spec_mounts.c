/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec's "mounts". One table of options serves the JSON array and the command line's
 * "SRC:DST:ro,nosuid". Of two options that contradict each other the later wins, as with mount(8).
 */
#include "runtime/spec_priv.h"

#include <sys/mount.h>

#include "base/num.h"
#include "base/path.h"

#define MOUNT(member) offsetof(struct spec_mount, member)
#define FOR_BIND (1u << SPEC_MOUNT_BIND)
#define FOR_TMPFS (1u << SPEC_MOUNT_TMPFS)
#define FOR_VOLUME (1u << SPEC_MOUNT_VOLUME)
#define FOR_BLOCK (1u << SPEC_MOUNT_BLOCK)
#define FOR_ALL (FOR_BIND | FOR_TMPFS | FOR_VOLUME | FOR_BLOCK)
#define MOUNT_OPTIONS_MAX 64

static const char *const kinds[] = {
	[SPEC_MOUNT_BIND] = "bind",
	[SPEC_MOUNT_TMPFS] = "tmpfs",
	[SPEC_MOUNT_VOLUME] = "volume",
	[SPEC_MOUNT_BLOCK] = "block",
	NULL,
};
const struct decode_words spec_mount_words = { kinds, NULL };

struct flag_option {
	const char *name;
	size_t offset;
	unsigned kinds;
	bool value;
};

static const struct flag_option flag_options[] = {
	{ "ro", MOUNT(read_only), FOR_ALL, true },
	{ "rw", MOUNT(read_only), FOR_ALL, false },
	{ "nosuid", MOUNT(nosuid), FOR_ALL, true },
	{ "suid", MOUNT(nosuid), FOR_ALL, false },
	{ "nodev", MOUNT(nodev), FOR_ALL, true },
	{ "dev", MOUNT(nodev), FOR_ALL, false },
	{ "noexec", MOUNT(noexec), FOR_ALL, true },
	{ "exec", MOUNT(noexec), FOR_ALL, false },
	{ "noatime", MOUNT(noatime), FOR_ALL, true },
	{ "atime", MOUNT(noatime), FOR_ALL, false },
	{ "bind", MOUNT(recursive), FOR_BIND, false },
	{ "rbind", MOUNT(recursive), FOR_BIND, true },
	{ "idmap", MOUNT(idmap), FOR_BIND, true },
	{ "nofollow", MOUNT(no_follow), FOR_BIND, true },
};

static const struct {
	const char *name;
	uint64_t flags;
} propagations[] = {
	{ "private", MS_PRIVATE },	 { "slave", MS_SLAVE },
	{ "shared", MS_SHARED },	 { "rprivate", MS_PRIVATE | MS_REC },
	{ "rslave", MS_SLAVE | MS_REC }, { "rshared", MS_SHARED | MS_REC },
};

/* The file systems that a block device may have: each knows mounts with mapped ids. */
static const struct {
	const char *name;
	bool read_only;
} filesystems[] = {
	{ "fs=ext4", false },	 { "fs=xfs", false },  { "fs=btrfs", false },
	{ "fs=squashfs", true }, { "fs=erofs", true },
};

void spec_mount_init(struct spec_mount *m, enum spec_mount_kind kind)
{
	*m = (struct spec_mount){ .kind = kind };
	if (kind != SPEC_MOUNT_BIND) {
		m->nosuid = true;
		m->nodev = true;
	}
	if (kind == SPEC_MOUNT_TMPFS)
		m->mode = 01777;
}

void spec_mount_free(struct spec_mount *m)
{
	free(m->source);
	free(m->destination);
	m->source = NULL;
	m->destination = NULL;
}

static bool *flag_of(struct spec_mount *m, const struct flag_option *o)
{
	return (bool *)((char *)m + o->offset);
}

/* Three or four octal digits, perhaps after a zero. */
int spec_parse_mode(const char *text, uint32_t *ret, struct err *e)
{
	size_t n = strspn(text, "01234567");
	uint32_t mode = 0;

	if (text[n] != '\0' || n < 3 || n > 5 || (n == 5 && text[0] != '0'))
		return err_set(e, EINVAL, "\"%.20s\": expected 3 or 4 octal digits", text);
	for (; *text; text++)
		mode = mode * 8 + (uint32_t)(*text - '0');
	*ret = mode;
	return 0;
}

const char *spec_mount_kind_name(enum spec_mount_kind kind)
{
	return kinds[kind];
}

bool spec_mount_is_read_only(const struct spec_mount *m)
{
	for (size_t i = 0; m->fstype && i < ARRAY_SIZE(filesystems); i++)
		if (str_eq(filesystems[i].name + strlen("fs="), m->fstype))
			return m->read_only || filesystems[i].read_only;
	return m->read_only;
}

static int unknown_option(const struct spec_mount *m, const char *text, struct err *e)
{
	const char *words[ARRAY_SIZE(flag_options) + ARRAY_SIZE(propagations) +
			  ARRAY_SIZE(filesystems)];
	unsigned kind = 1u << m->kind;
	size_t n = 0;
	int nearest;

	for (size_t i = 0; i < ARRAY_SIZE(flag_options); i++)
		if (flag_options[i].kinds & kind)
			words[n++] = flag_options[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(propagations) && kind == FOR_BIND; i++)
		words[n++] = propagations[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(filesystems) && kind == FOR_BLOCK; i++)
		words[n++] = filesystems[i].name;
	(void)err_set(e, EINVAL, "\"%.100s\": no such option of a %s mount", text, kinds[m->kind]);
	nearest = ident_nearest(text, words, n);
	if (nearest >= 0)
		(void)err_hint(e, "did you mean \"%s\"?", words[nearest]);
	return -e->code;
}

int spec_mount_option(struct spec_mount *m, const char *text, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_options); i++) {
		const struct flag_option *o = &flag_options[i];

		if ((o->kinds & (1u << m->kind)) && str_eq(o->name, text)) {
			*flag_of(m, o) = o->value;
			return 0;
		}
	}
	if (m->kind == SPEC_MOUNT_TMPFS && str_starts(text, "size="))
		return spec_parse_positive_size(text + strlen("size="), &m->size_bytes, e);
	if (m->kind == SPEC_MOUNT_TMPFS && str_starts(text, "mode="))
		return spec_parse_mode(text + strlen("mode="), &m->mode, e);
	for (size_t i = 0; i < ARRAY_SIZE(propagations) && m->kind == SPEC_MOUNT_BIND; i++) {
		if (str_eq(propagations[i].name, text)) {
			m->propagation = propagations[i].flags;
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(filesystems) && m->kind == SPEC_MOUNT_BLOCK; i++) {
		if (str_eq(filesystems[i].name, text)) {
			m->fstype = filesystems[i].name + strlen("fs=");
			return 0;
		}
	}
	return unknown_option(m, text, e);
}

static int check_volume_name(const char *text, struct err *e)
{
	struct jail_name name;

	return name_parse("volume", text, &name, e);
}

int spec_mount_set_source(struct spec_mount *m, const char *text, struct err *e)
{
	char *copy;

	if ((m->kind == SPEC_MOUNT_VOLUME ? check_volume_name : spec_check_path)(text, e) < 0)
		return -e->code;
	copy = strdup(text);
	if (!copy)
		return err_nomem(e);
	free(m->source);
	m->source = copy;
	return 0;
}

int spec_mount_check(const struct spec_mount *m, struct err *e)
{
	if (m->kind == SPEC_MOUNT_BLOCK && !m->fstype) {
		(void)err_set(e, EINVAL, "a block mount needs the type of its file system");
		return err_hint(e, "one of the options: fs=ext4, fs=xfs, fs=btrfs, fs=squashfs, "
				   "fs=erofs");
	}
	return 0;
}

int spec_mount_set_destination(struct spec_mount *m, const char *text, struct err *e)
{
	char clean[4 * SPEC_PATH_MAX + 1]; /* a code point is at most four bytes */
	char *copy;
	int r = spec_check_path(text, e);

	if (r < 0)
		return r;
	r = path_clean(text, clean, sizeof(clean));
	if (r < 0)
		return err_ret(e, r, "\"%.200s\"", text);
	copy = strdup(clean);
	if (!copy)
		return err_nomem(e);
	free(m->destination);
	m->destination = copy;
	return 0;
}

int spec_mount_add(struct jail_spec *s, struct spec_mount *m, struct err *e)
{
	struct spec_mount *slot;

	if (s->n_mounts >= LIMIT_MOUNTS)
		return err_set(e, E2BIG, "more than %d mounts", LIMIT_MOUNTS);
	slot = spec_grow(&s->mounts, s->n_mounts, sizeof(*slot));
	if (!slot)
		return err_nomem(e);
	s->n_mounts++;
	*slot = *m;
	*m = (struct spec_mount){ .kind = SPEC_MOUNT_BIND };
	return 0;
}

static int decode_destination(const struct decoder *d, const struct json *node, void *base,
			      const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	r = spec_mount_set_destination(base, node->text, e);
	return r < 0 ? decode_wrap(d, node, e) : 0;
}

static int decode_source(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	r = spec_mount_set_source(base, node->text, e);
	return r < 0 ? decode_wrap(d, node, e) : 0;
}

static int decode_option(const struct decoder *d, const struct json *node, void *base,
			 struct err *e)
{
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	r = spec_mount_option(base, node->text, e);
	return r < 0 ? decode_wrap(d, node, e) : 0;
}

static const struct decode_field fields[] = {
	{ .key = "type", .decode = decode_word, .offset = MOUNT(kind), .words = &spec_mount_words },
	{ .key = "source", .decode = decode_source },
	{ .key = "destination", .decode = decode_destination, .required = true },
	{ .key = "options",
	  .decode = decode_array,
	  .item = decode_option,
	  .max = MOUNT_OPTIONS_MAX },
};
static const struct decode_table mount_table = { .fields = fields, .n = ARRAY_SIZE(fields) };

/* The type decides which options there are, and members come in any order: it is decoded first. */
static int decode_one(const struct decoder *d, const struct json *node, struct spec_mount *m,
		      struct err *e)
{
	const struct json *source, *type;
	int r = decode_type(d, node, JSON_OBJECT, e);

	if (r < 0)
		return r;
	type = json_get(node, "type");
	if (type) {
		r = decode_word(d, type, m, &fields[0], e);
		if (r < 0)
			return r;
	}
	spec_mount_init(m, m->kind);
	r = decode_object(d, node, m, &mount_table, e);
	if (r < 0)
		return r;
	source = json_get(node, "source");
	if (m->kind == SPEC_MOUNT_TMPFS && source)
		return json_err_key(d->doc, source, e, EINVAL, "a tmpfs has no source");
	if (m->kind != SPEC_MOUNT_TMPFS && !source)
		return json_err(d->doc, node, e, EINVAL, "\"source\" is missing");
	return spec_mount_check(m, e) < 0 ? decode_wrap(d, node, e) : 0;
}

int spec_decode_mount(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	CLEANUP(spec_mount_free) struct spec_mount m = { .kind = SPEC_MOUNT_BIND };
	int r = decode_one(d, node, &m, e);

	return r < 0 ? r : spec_mount_add(base, &m, e);
}

/* The word that sets a flag to what it is, where that differs from a new mount of its kind. */
static void flags_to_json(const struct spec_mount *m, struct json_out *o)
{
	struct spec_mount fresh;
	struct spec_mount copy = *m;

	spec_mount_init(&fresh, m->kind);
	for (size_t i = 0; i < ARRAY_SIZE(flag_options); i++) {
		const struct flag_option *option = &flag_options[i];

		if ((option->kinds & (1u << m->kind)) && *flag_of(&copy, option) == option->value &&
		    *flag_of(&fresh, option) != option->value)
			json_out_str(o, NULL, option->name);
	}
}

void spec_mount_to_json(const struct spec_mount *m, struct json_out *o)
{
	char text[64];

	json_out_object(o, NULL);
	if (m->kind != SPEC_MOUNT_BIND)
		json_out_str(o, "type", kinds[m->kind]);
	if (m->source)
		json_out_str(o, "source", m->source);
	json_out_str(o, "destination", m->destination);
	json_out_array(o, "options");
	flags_to_json(m, o);
	for (size_t i = 0; i < ARRAY_SIZE(propagations); i++)
		if (m->propagation == propagations[i].flags)
			json_out_str(o, NULL, propagations[i].name);
	if (m->size_bytes > 0) {
		char size[32];

		spec_format_size(m->size_bytes, size, sizeof(size));
		(void)str_format(text, sizeof(text), "size=%s", size);
		json_out_str(o, NULL, text);
	}
	if (m->kind == SPEC_MOUNT_TMPFS && m->mode != 01777) {
		(void)str_format(text, sizeof(text), "mode=%04o", m->mode);
		json_out_str(o, NULL, text);
	}
	if (m->fstype) {
		(void)str_format(text, sizeof(text), "fs=%s", m->fstype);
		json_out_str(o, NULL, text);
	}
	json_out_array_end(o);
	json_out_object_end(o);
}
