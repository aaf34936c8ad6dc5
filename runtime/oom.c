/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See oom.h. */
#include "runtime/oom.h"

#include "runtime/engine_priv.h"

void oom_to_json(const struct cgroup_oom *oom, struct json_out *o, const char *key)
{
	if (oom->kills == 0) {
		json_out_null(o, key);
		return;
	}
	json_out_object(o, key);
	json_out_u64(o, "kills", oom->kills);
	json_out_str(o, "level", cgroup_oom_level_name(oom->level));
	if (oom->peak_bytes > 0)
		json_out_u64(o, "peakBytes", oom->peak_bytes);
	else
		json_out_null(o, "peakBytes");
	if (oom->victim_pid > 0) {
		json_out_str(o, "victim", oom->victim);
		json_out_int(o, "victimPid", oom->victim_pid);
	} else {
		json_out_null(o, "victim");
		json_out_null(o, "victimPid");
	}
	json_out_object_end(o);
}

/* A number of 0 to max; null is 0. Return: whether it is one. */
static bool get_number(const struct json *o, const char *key, int64_t max, int64_t *ret)
{
	const struct json *v = json_get(o, key);

	*ret = 0;
	if (!v || v->type == JSON_NULL)
		return true;
	if (v->type != JSON_NUMBER || !v->is_int || v->integer < 0 || v->integer > max)
		return false;
	*ret = v->integer;
	return true;
}

int oom_from_json(const struct json *v, struct cgroup_oom *ret)
{
	struct cgroup_oom oom = { .kills = 0 };
	const struct json *level, *victim;
	int64_t kills, peak, pid;

	*ret = oom;
	if (!v || v->type == JSON_NULL)
		return 0;
	if (v->type != JSON_OBJECT || !get_number(v, "kills", INT64_MAX, &kills) ||
	    !get_number(v, "peakBytes", INT64_MAX, &peak) ||
	    !get_number(v, "victimPid", INT32_MAX, &pid))
		return -EBADMSG;
	level = json_get(v, "level");
	victim = json_get(v, "victim");
	if (!level || level->type != JSON_STRING ||
	    (victim && victim->type != JSON_NULL &&
	     (victim->type != JSON_STRING ||
	      str_format(oom.victim, sizeof(oom.victim), "%s", victim->text) < 0)))
		return -EBADMSG;
	oom.kills = (uint64_t)kills;
	oom.peak_bytes = (uint64_t)peak;
	oom.victim_pid = (pid_t)pid;
	oom.level = cgroup_oom_level_parse(level->text);
	*ret = oom;
	return 0;
}

void oom_record(const struct cgroup_tree *t, const struct jail_name *name, int dir)
{
	struct err why = ERR_INIT;
	struct instance_exit x;
	struct cgroup_oom oom;
	pid_t pid = 0;
	int r = cgroup_oom_read(t, name, &oom, &why);

	/* Without a record nothing ran, or it is due and its reader is yet to come. */
	if (r == -ENOENT || (r >= 0 && oom.kills == 0) || exit_record_is_due(dir))
		return;
	if (r >= 0)
		r = exit_record_read(dir, &x, &pid, &why);
	if (r == -ENOENT)
		return;
	if (r >= 0) {
		x.oom = oom;
		r = exit_record_write(dir, &x, pid, &why);
	}
	if (r < 0)
		warn("%s: the out-of-memory kill could not be recorded: %s", name->s, why.text);
}
