/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of fields: where the parts of a path end, and what may change when. */
#include "base/ident.h"
#include "runtime/spec_edit.h"

/* Below these a path need not say "resources". */
static const char *const short_heads[] = { "cpu",  "memory",	"io",	  "pids",
					   "disk", "hugepages", "unified" };

/* Objects whose keys are anybody's: what follows is one key, dots and all. */
static const char *const maps[] = { "labels.", "process.env.", "resources.unified.",
				    "systemd.credentials." };

static const char *const io_fields[] = { "readBps", "writeBps", "readIops", "writeIops", "weight" };

#define IO_PREFIX "resources.io."

static int not_a_path(const char *text, struct err *e)
{
	(void)err_set(e, EINVAL, "\"%.200s\" is not the path of a field", text);
	return err_hint(e, "for example memory.max, io./dev/vda.readBps, labels.KEY");
}

static int add_key(struct spec_path *p, char *key, const char *text, struct err *e)
{
	if (!*key || p->n == SPEC_PATH_KEYS)
		return not_a_path(text, e);
	p->keys[p->n++] = key;
	return 0;
}

/* Cuts at dots; the last `rest` characters are one key. */
static int split(struct spec_path *p, size_t head, const char *text, struct err *e)
{
	char *at = p->parts, *end = p->parts + head;

	while (at < end) {
		char *dot = strchr(at, '.');

		*dot = '\0';
		if (add_key(p, at, text, e) < 0)
			return -e->code;
		at = dot + 1;
	}
	return 0;
}

/* DEVICE[.FIELD] */
static int split_io(struct spec_path *p, const char *text, struct err *e)
{
	char *device = p->parts + strlen(IO_PREFIX), *dot = strrchr(device, '.');
	bool known = false;

	for (size_t i = 0; dot && i < ARRAY_SIZE(io_fields); i++)
		known |= str_eq(dot + 1, io_fields[i]);
	if (split(p, strlen(IO_PREFIX), text, e) < 0)
		return -e->code;
	p->device = true;
	if (known)
		*dot = '\0';
	if (add_key(p, device, text, e) < 0)
		return -e->code;
	return known ? add_key(p, dot + 1, text, e) : 0;
}

static bool is_short(const char *text)
{
	size_t n = strcspn(text, ".");

	for (size_t i = 0; i < ARRAY_SIZE(short_heads); i++)
		if (strlen(short_heads[i]) == n && memcmp(short_heads[i], text, n) == 0)
			return true;
	return false;
}

int spec_path_parse(const char *text, struct spec_path *ret, struct err *e)
{
	size_t head = 0;
	char *dot;

	*ret = (struct spec_path){ .n = 0 };
	if (str_format(ret->text, sizeof(ret->text), "%s%s", is_short(text) ? "resources." : "",
		       text) < 0)
		return not_a_path(text, e);
	memcpy(ret->parts, ret->text, sizeof(ret->parts));
	if (str_starts(ret->text, IO_PREFIX))
		return split_io(ret, text, e);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		if (str_starts(ret->text, maps[i]))
			head = strlen(maps[i]);
	if (head == 0) {
		dot = strrchr(ret->parts, '.');
		head = dot ? (size_t)(dot + 1 - ret->parts) : 0;
	}
	if (split(ret, head, text, e) < 0)
		return -e->code;
	return add_key(ret, ret->parts + head, text, e);
}

/* `path` is `prefix` or below it. */
static bool is_in(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return str_starts(path, prefix) && (!path[n] || path[n] == '.');
}

enum spec_path_change spec_path_change(const struct spec_path *p)
{
	/* Read from the spec when they are needed, or changed in the kernel. */
	static const char *const live[] = {
		"snapshots",
		"resources",
		"labels",
		"stop",
		"security.devices",
		"network.bridge",
		"network.interfaces",
		"network.address",
		"network.ports",
		"network.ingress",
		"network.egress",
		"network.allow",
		"network.deny",
	};
	/* Leases, layers and owners of files follow from these. */
	static const char *const fixed[] = {
		"name",
		"tenant",
		"image",
		"rootfs",
		"volatile",
		"mode",
		"network.mode",
		"network.path",
		"network.instance",
		"security.userNamespace",
		"$schema",
	};

	for (size_t i = 0; i < ARRAY_SIZE(live); i++)
		if (is_in(p->text, live[i]))
			return SPEC_PATH_LIVE;
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (is_in(p->text, fixed[i]) || is_in(fixed[i], p->text))
			return SPEC_PATH_FIXED;
	return SPEC_PATH_RESTART;
}
