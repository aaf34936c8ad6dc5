/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instances that stand still while a volume that they share is copied. The caller has the volume's
 * guard, so none gets the volume meanwhile: who is up has it already, or waits for us. Of one that
 * is neither running nor down, the processes that there are may still write: it is waited for.
 */
#include "base/clock.h"
#include "cgroups/directory.h"
#include "runtime/freeze.h"
#include "runtime/volumes_priv.h"

#define SETTLE_WAIT_MS 10000

struct still_one {
	struct jail_name name;
	struct running running;
	struct freeze freeze;
};

struct volume_still {
	struct still_one *v;
	size_t n;
};

void volume_still_free(struct volume_still **s)
{
	if (!*s)
		return;
	while ((*s)->n > 0) {
		struct still_one *one = &(*s)->v[--(*s)->n];

		freeze_abandon(&one->freeze);
		running_close(&one->running);
	}
	free((*s)->v);
	free(*s);
	*s = NULL;
}

static bool can_write(const struct jail_spec *spec, const char *volume)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (spec->mounts[i].kind == SPEC_MOUNT_VOLUME && !spec->mounts[i].read_only &&
		    str_eq(spec->mounts[i].source, volume))
			return true;
	return false;
}

/* Return: 1, 0. */
static int has_processes(struct jail *j, const struct jail_name *name)
{
	struct err ignored = ERR_INIT;
	const struct cgroup_tree *tree = instance_tree(j, name, &ignored);
	CLEANUP_FD int dir = tree ? cgroup_open(tree, name, &ignored) : -EBADF;

	return dir >= 0 && cgroup_directory_is_populated(dir) != 0;
}

/* Return: 1 it runs, 0 nothing of it does. */
static int settle(struct jail *j, const struct jail_name *name, struct running *ret, struct err *e)
{
	uint64_t end = clock_boot_ms() + SETTLE_WAIT_MS;
	CLEANUP_FD int watch = instance_watch(j, name);

	for (;;) {
		struct err why = ERR_INIT;
		int r = running_open(j, name, ret, &why);

		if (r >= 0)
			return 1;
		if (r == -ENOENT || r == -ESRCH || (r == -EAGAIN && !has_processes(j, name)))
			return 0;
		if (r != -EAGAIN) {
			*e = why;
			return r;
		}
		if (clock_boot_ms() >= end)
			break;
		instance_watch_wait(watch);
	}
	(void)err_set(e, EBUSY, "it starts or ends right now");
	return err_hint(e, "try again");
}

static int freeze_one(struct jail *j, struct volume_still *s, const struct jail_name *name,
		      struct err *e)
{
	struct still_one *one = &s->v[s->n];
	int r;

	*one = (struct still_one){ .name = *name, .running = RUNNING_INIT, .freeze = FREEZE_INIT };
	r = settle(j, name, &one->running, e);
	if (r <= 0)
		return r;
	/* Counted first: what is begun is undone with the rest. */
	s->n++;
	r = freeze_begin(j, &one->name, &one->freeze, e);
	/* Its end has come in between: nothing of it is left, or it is no use to wait. */
	if (r < 0 && running_has_ended(&one->running)) {
		*e = ERR_INIT;
		(void)err_set(e, EBUSY, "it ends right now");
		return err_hint(e, "try again");
	}
	return r;
}

static int freeze_user(struct jail *j, struct volume_still *s, const char *instance,
		       const char *volume, struct err *e)
{
	CLEANUP_SPEC struct jail_spec spec;
	CLEANUP_FD int dir = -EBADF;
	struct jail_name name;
	int r = name_parse("instance", instance, &name, e);

	spec_init(&spec);
	if (r < 0)
		return r;
	r = dir = instance_open_dir(j, &name, e);
	if (r >= 0)
		r = spec_read(dir, &spec, e);
	if (r == -ENOENT) {
		*e = ERR_INIT;
		return 0;
	}
	if (r >= 0 && can_write(&spec, volume))
		r = freeze_one(j, s, &name, e);
	return r < 0 ? err_wrap(e, "instance %s", instance) : 0;
}

int volume_still_begin(struct jail *j, const struct jail_name *volume, struct volume_still **ret,
		       struct err *e)
{
	CLEANUP_STILL struct volume_still *s = calloc(1, sizeof(*s));
	CLEANUP_STRV struct strv users = { .v = NULL };
	int r = s ? volume_users(j, volume, &users, e) : err_nomem(e);

	if (r < 0)
		return r;
	s->v = calloc(users.n + 1, sizeof(*s->v));
	if (!s->v)
		return err_nomem(e);
	for (size_t i = 0; i < users.n; i++)
		if ((r = freeze_user(j, s, users.v[i], volume->s, e)) < 0)
			return r;
	*ret = TAKE_PTR(s);
	return 0;
}

int volume_still_end(struct volume_still *s, uint64_t *ret_us, size_t *ret_n, struct err *e)
{
	int result = 0;

	*ret_us = 0;
	*ret_n = s->n;
	while (s->n > 0) {
		struct still_one *one = &s->v[--s->n];
		struct err why = ERR_INIT;
		uint64_t us = 0;
		bool was_paused = one->freeze.was_paused;
		int r = freeze_end(&one->freeze, &us, &why);

		if (!was_paused && us > *ret_us)
			*ret_us = us;
		if (r < 0 && result >= 0) {
			*e = why;
			result = err_wrap(e, "instance %s", one->name.s);
		}
		running_close(&one->running);
	}
	return result;
}
