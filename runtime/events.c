/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing events: one line, one write. */
#include "runtime/events.h"

#include "base/clock.h"
#include "base/path.h"
#include "runtime/engine_priv.h"
#include "runtime/events_proto.h"

static const char *const names[EVENTS] = {
	[EVENT_CREATED] = "created",
	[EVENT_STARTED] = "started",
	[EVENT_EXITED] = "exited",
	[EVENT_RESTARTING] = "restarting",
	[EVENT_OOM] = "oom",
	[EVENT_STOPPED] = "stopped",
	[EVENT_KILLED] = "killed",
	[EVENT_PAUSED] = "paused",
	[EVENT_RESUMED] = "resumed",
	[EVENT_RENAMED] = "renamed",
	[EVENT_REMOVED] = "removed",
	[EVENT_REBUILT] = "rebuilt",
	[EVENT_SNAPSHOT] = "snapshot",
	[EVENT_SNAPSHOT_REMOVED] = "snapshot-removed",
	[EVENT_ROLLED_BACK] = "rolled-back",
	[EVENT_CLONED] = "cloned",
	[EVENT_COMMITTED] = "committed",
};

const char *event_name(enum event event)
{
	return names[event];
}

static void text_member(struct json_out *o, const char *key, const char *value)
{
	if (value && value[0])
		json_out_str(o, key, value);
}

static void oom_members(struct json_out *o, const struct cgroup_oom *oom)
{
	json_out_u64(o, "kills", oom->kills);
	json_out_str(o, "level", cgroup_oom_level_name(oom->level));
	if (oom->peak_bytes)
		json_out_u64(o, "peakBytes", oom->peak_bytes);
	if (oom->victim_pid > 0) {
		json_out_str(o, "victim", oom->victim);
		json_out_int(o, "victimPid", oom->victim_pid);
	}
}

static void detail_members(struct json_out *o, const struct event_detail *d)
{
	text_member(o, "id", d->id);
	text_member(o, "image", d->image);
	text_member(o, "newName", d->new_name);
	text_member(o, "snapshot", d->snapshot);
	if (d->pid)
		json_out_int(o, "pid", d->pid);
	if (d->restarts)
		json_out_u64(o, "restarts", d->restarts);
	if (d->reason)
		json_out_int(o, "status", d->status);
	text_member(o, "reason", d->reason);
	if (d->signal)
		json_out_int(o, "signal", d->signal);
	if (d->forced)
		json_out_bool(o, "forced", true);
	if (d->oom)
		oom_members(o, d->oom);
}

int event_try(struct jail *j, enum event event, const struct jail_name *name,
	      const struct event_detail *d, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_FD int dir = path_make_dir_at(j->state, EVENTS_DIR, 0700, e);
	char time[CLOCK_TEXT_MAX];
	struct json_out o;
	int code;

	if (dir < 0)
		return dir;
	clock_format(clock_wall_ms(), time, sizeof(time));
	json_out_init(&o, &b, false);
	json_out_object(&o, NULL);
	json_out_str(&o, "time", time);
	json_out_str(&o, "event", names[event]);
	json_out_str(&o, "name", name->s);
	if (d)
		detail_members(&o, d);
	json_out_object_end(&o);
	strbuf_addc(&b, '\n');
	if (strbuf_ok(&b, e) < 0)
		return -e->code;
	code = events_append(dir, EVENTS_FILE, EVENTS_OLD, b.data, b.len);
	return code ? err_ret(e, -code, "write to %s/" EVENTS_DIR "/" EVENTS_FILE,
			      j->config.state_dir)
		    : 0;
}

void event_record(struct jail *j, enum event event, const struct jail_name *name,
		  const struct event_detail *d)
{
	struct err why = ERR_INIT;

	if (event_try(j, event, name, d, &why) < 0)
		warn("%s: the event \"%s\" is not on record: %s", name->s, names[event], why.text);
}
