/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instances that start with the host. The one switch is `autostart` of the spec; jail-boot.service
 * reads it and hands the enabled ones to systemd, each after those that it names: a unit that is
 * queued waits for what was queued before it and stands in its After=.
 */
#include "runtime/systemd.h"

static int set_autostart(struct jail *j, const struct jail_name *name, bool on, struct err *e)
{
	CLEANUP_FD int dir = instance_open_dir(j, name, e), lock = -EBADF;
	CLEANUP_SPEC struct jail_spec spec;
	int r;

	spec_init(&spec);
	if (dir < 0)
		return TAKE_FD(dir);
	/* Not the instance's lock, which is held while it runs. */
	lock = spec_lock(dir, e);
	if (lock < 0)
		return TAKE_FD(lock);
	r = spec_read(dir, &spec, e);
	if (r < 0 || spec.autostart == on)
		return r;
	spec.autostart = on;
	return spec_write(dir, &spec, FILE_SYNC, e);
}

void systemd_warn_autostart(struct jail *j, const struct jail_name *name)
{
	struct err why = ERR_INIT;

	if (systemd_in_use(&j->config, &why) <= 0)
		warn("%s: is to start with the host, but systemd does not start instances here%s%s",
		     name->s, why.code ? ": " : "", why.text);
}

int instance_autostart(struct jail *j, const struct jail_name *name, bool on, struct err *e)
{
	int r = set_autostart(j, name, on, e);

	if (r >= 0 && on)
		systemd_warn_autostart(j, name);
	return r < 0 ? err_wrap(e, "%s %s", on ? "enable" : "disable", name->s) : 0;
}

struct boot {
	struct jail *j;
	struct strv names;
	struct jail_spec *specs; /* of the same index */
	bool *taken;
	struct strv order;
};

static void take_in_order(struct boot *b, const char *name);

static void take_others(struct boot *b, const struct strv *others)
{
	for (size_t i = 0; i < others->n; i++)
		take_in_order(b, others->v[i]);
}

/* Depth first; marked before its others are, so that a circle ends (systemd complains of it). */
static void take_in_order(struct boot *b, const char *name)
{
	for (size_t i = 0; i < b->names.n; i++) {
		if (b->taken[i] || !str_eq(b->names.v[i], name))
			continue;
		b->taken[i] = true;
		take_others(b, &b->specs[i].after);
		take_others(b, &b->specs[i].requires);
		if (b->specs[i].autostart)
			(void)strv_add(&b->order, name);
	}
}

static void read_one(struct boot *b, size_t i)
{
	struct err why = ERR_INIT;
	struct jail_name name;
	CLEANUP_FD int dir = -EBADF;

	spec_init(&b->specs[i]);
	if (name_parse("instance", b->names.v[i], &name, &why) < 0)
		return;
	dir = instance_open_dir(b->j, &name, &why);
	if (dir >= 0 && spec_read(dir, &b->specs[i], &why) >= 0)
		systemd_dropin_update(b->j, &name, &b->specs[i]);
	else
		warn("%s: %s", name.s, why.text);
}

int jail_boot(struct jail *j, struct err *e)
{
	struct boot b = { .j = j };
	int r = systemd_in_use(&j->config, e);

	if (r == 0)
		r = err_set(e, EOPNOTSUPP, "systemd does not start instances here");
	if (r < 0 || (r = instance_names(j, &b.names, e)) < 0)
		return err_wrap(e, "boot");
	b.specs = calloc(b.names.n + 1, sizeof(*b.specs));
	b.taken = calloc(b.names.n + 1, sizeof(*b.taken));
	if (b.specs && b.taken) {
		for (size_t i = 0; i < b.names.n; i++)
			read_one(&b, i);
		for (size_t i = 0; i < b.names.n; i++)
			take_in_order(&b, b.names.v[i]);
		r = b.order.n ? systemd_start_all(&b.order, e) : 0;
		for (size_t i = 0; i < b.names.n; i++)
			spec_free(&b.specs[i]);
	} else {
		r = err_nomem(e);
	}
	free(b.specs);
	free(b.taken);
	strv_free(&b.names);
	strv_free(&b.order);
	return r < 0 ? err_wrap(e, "boot") : 0;
}
