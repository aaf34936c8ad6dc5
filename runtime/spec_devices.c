/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec's "security.devices": a path, or an object with a place inside and an access. On the
 * command line as docker(1) has it: SOURCE[:DESTINATION][:ACCESS].
 */
#include "runtime/spec_priv.h"

#include "base/path.h"
#include "cgroups/devices.h"

#define DEVICE(member) offsetof(struct spec_device, member)

static const struct {
	char letter;
	uint32_t bit;
} accesses[] = {
	{ 'r', CGROUP_DEVICE_READ },
	{ 'w', CGROUP_DEVICE_WRITE },
	{ 'm', CGROUP_DEVICE_MKNOD },
};

const char *spec_device_path(const struct spec_device *d)
{
	return d->destination ? d->destination : d->source;
}

void spec_device_free(struct spec_device *d)
{
	free(d->source);
	free(d->destination);
	*d = (struct spec_device){ .access = 0 };
}

/* Letters of r, w and m, each once. Return: 0 when it is no such word. */
static uint32_t access_parse(const char *text)
{
	uint32_t access = 0;

	for (; *text; text++) {
		size_t i = 0;

		while (i < ARRAY_SIZE(accesses) && accesses[i].letter != *text)
			i++;
		if (i == ARRAY_SIZE(accesses) || (access & accesses[i].bit))
			return 0;
		access |= accesses[i].bit;
	}
	return access;
}

void spec_device_access(uint32_t access, char ret[static 4])
{
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		if (access & accesses[i].bit)
			*ret++ = accesses[i].letter;
	}
	*ret = '\0';
}

static int decode_access(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	struct spec_device *device = base;
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	device->access = access_parse(node->text);
	if (!device->access)
		return json_err(d->doc, node, e, EINVAL,
				"\"%.20s\": expected letters of \"rwm\" (read, write, make nodes), "
				"each once",
				node->text);
	return 0;
}

static const struct decode_field fields[] = {
	{ .key = "source",
	  .decode = decode_text,
	  .offset = DEVICE(source),
	  .required = true,
	  .check = spec_check_device },
	{ .key = "destination",
	  .decode = decode_text,
	  .offset = DEVICE(destination),
	  .check = spec_check_device },
	{ .key = "access", .decode = decode_access },
};
static const struct decode_table table = { .fields = fields, .n = ARRAY_SIZE(fields) };

int spec_decode_device(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	struct jail_spec *s = base;
	struct spec_device *device =
		spec_grow(&s->security.devices, s->security.n_devices, sizeof(*device));

	if (!device)
		return err_nomem(e);
	device->access = CGROUP_DEVICE_ALL;
	s->security.n_devices++;
	if (node->type == JSON_OBJECT)
		return decode_object(d, node, device, &table, e);
	if (node->type != JSON_STRING)
		return json_err(d->doc, node, e, EINVAL, "expected a string or an object, not %s",
				json_type_name(node->type));
	return decode_text(d, node, device, &fields[0], e);
}

/* Cuts what is behind the last ':' off. Return: that, or NULL. */
static char *cut_last(char *text)
{
	char *colon = strrchr(text, ':');

	if (!colon)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

/* Paths may have a ':' (/dev/disk/by-path/pci-0000:00:1f.2), so only what can't be part of one is
 * cut off: an access at the end, a second path of /dev. */
int spec_add_device(struct jail_spec *s, const char *value, struct err *e)
{
	CLEANUP_FREE char *text = strdup(value);
	struct spec_device d = { .access = CGROUP_DEVICE_ALL }, *slot;
	char *last = text ? strrchr(text, ':') : NULL, *second;

	if (!text)
		return err_nomem(e);
	if (s->security.n_devices >= LIMIT_DEVICES)
		return err_set(e, E2BIG, "more than %d devices", LIMIT_DEVICES);
	if (last && access_parse(last + 1))
		d.access = access_parse(cut_last(text));
	second = strstr(text, ":/dev/");
	if (second)
		*second++ = '\0';
	slot = spec_grow(&s->security.devices, s->security.n_devices, sizeof(*slot));
	d.source = strdup(text);
	d.destination = second ? strdup(second) : NULL;
	if (!slot || !d.source || (second && !d.destination)) {
		spec_device_free(&d);
		return err_nomem(e);
	}
	*slot = d;
	s->security.n_devices++;
	return 0;
}

/* What is in every /dev (namespaces/rootfs_dev.c), and all that is below it. */
static const char *const taken[] = {
	"null",	  "zero",   "full", "random", "urandom", "tty",	   "fd",      "stdin",
	"stdout", "stderr", "ptmx", "pts",    "shm",	 "mqueue", "console",
};

static bool is_taken(const char *path)
{
	size_t n = strcspn(path + strlen("/dev/"), "/");

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		if (strlen(taken[i]) == n && strncmp(path + strlen("/dev/"), taken[i], n) == 0)
			return true;
	}
	return false;
}

static int check_place(const struct jail_spec *s, size_t i, struct err *e)
{
	char path[SPEC_DEVICE_MAX + 1], other[SPEC_DEVICE_MAX + 1];

	if (path_clean(spec_device_path(&s->security.devices[i]), path, sizeof(path)) < 0 ||
	    !str_starts(path, "/dev/"))
		return err_set(e, EINVAL, "security.devices[%zu]: %s: expected a path below /dev",
			       i, spec_device_path(&s->security.devices[i]));
	if (is_taken(path))
		return err_set(
			e, EINVAL,
			"security.devices[%zu]: %s: every instance has it, or something else "
			"there",
			i, path);
	for (size_t k = 0; k < i; k++)
		if (path_clean(spec_device_path(&s->security.devices[k]), other, sizeof(other)) ==
			    0 &&
		    str_eq(path, other))
			return err_set(e, EINVAL, "security.devices[%zu]: %s is listed twice", i,
				       path);
	return 0;
}

int spec_check_devices(const struct jail_spec *s, struct err *e)
{
	for (size_t i = 0; i < s->security.n_devices; i++) {
		if (check_place(s, i, e) < 0)
			return -e->code;
	}
	return 0;
}

void spec_device_to_json(const struct spec_device *d, struct json_out *o)
{
	char access[4];

	if (!d->destination && d->access == CGROUP_DEVICE_ALL) {
		json_out_str(o, NULL, d->source);
		return;
	}
	spec_device_access(d->access, access);
	json_out_object(o, NULL);
	json_out_str(o, "source", d->source);
	if (d->destination)
		json_out_str(o, "destination", d->destination);
	if (d->access != CGROUP_DEVICE_ALL)
		json_out_str(o, "access", access);
	json_out_object_end(o);
}
