/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting and stopping units, each a job of systemd's that is waited for by its JobRemoved. What
 * went wrong inside the launcher is in a file beside the spec (unit_report_take()), so that `jail
 * start` says the same with and without systemd.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/num.h"
#include "runtime/launch_priv.h"
#include "runtime/systemd.h"
#include "runtime/systemd_bus.h"
#include "runtime/unit.h"

/* Starts at boot that are in flight at a time: two for each CPU, within these. */
#define PACE_MIN 4
#define PACE_MAX 64
#define PACE_STALL_MS 60000

void systemd_forget(const struct jail_name *name)
{
	struct systemd_unit unit = systemd_unit_of(name);
	struct err ignored = ERR_INIT;
	const struct sd *sd = sd_load(&ignored);
	CLEANUP_SD_BUS struct sd_bus *bus = sd ? sd_manager(sd, &ignored) : NULL;

	if (bus)
		sd_unit_reset(sd, bus, unit.s);
}

/* A drop-in that a loaded unit does not know yet; and the count of its starts begins anew. */
static int unit_refresh(const struct sd *sd, struct sd_bus *bus, const char *unit, struct err *e)
{
	struct sd_error error = { NULL, NULL, 0 };
	char path[256];
	int stale = 0, r = sd_unit_load(sd, bus, unit, path, sizeof(path), e);

	if (r < 0)
		return r;
	r = sd->bus_get_property_trivial(bus, SD_NAME, path, SD_UNIT, "NeedDaemonReload", &error,
					 'b', &stale);
	if (r < 0)
		return sd_fail(sd, r, &error, "NeedDaemonReload", e);
	if (stale) {
		r = sd->bus_call_method(bus, SD_NAME, SD_PATH, SD_MANAGER, "Reload", &error, NULL,
					NULL);
		if (r < 0)
			return sd_fail(sd, r, &error, "Reload", e);
	}
	sd_unit_reset(sd, bus, unit);
	return 0;
}

static int start_failed(int dir, const struct jail_name *name, const char *result,
			bool *ret_exec_failed, struct err *e)
{
	struct launch_report report;

	if (unit_report_take(dir, &report) >= 0) {
		*ret_exec_failed = report.exec_failed;
		*e = report.error;
		return -e->code;
	}
	err_set(e, str_eq(result, "dependency") ? ENOTCONN : ECHILD,
		"start %s: systemd says \"%s\"", name->s, result);
	return err_hint(e, "systemctl status jail@%s; journalctl -u jail@%s", name->s, name->s);
}

int systemd_start(struct jail *j, const struct jail_name *name, bool *ret_exec_failed,
		  struct err *e)
{
	struct systemd_unit unit = systemd_unit_of(name);
	CLEANUP_SD_BUS struct sd_bus *bus = NULL;
	CLEANUP_FD int dir = -EBADF, lock = -EBADF;
	CLEANUP_SPEC struct jail_spec spec;
	struct launch_report old;
	struct sd_job job = { .done = false };
	int r;

	spec_init(&spec);
	lock = instance_lock_down(j, name, &dir, e);
	if (lock < 0 || (r = spec_read(dir, &spec, e)) < 0)
		return err_wrap(e, "start %s", name->s);
	(void)unit_report_take(dir, &old);
	systemd_dropin_update(j, name, &spec);
	fd_reset(&lock); /* the launcher takes it */
	job.sd = sd_load(e);
	bus = job.sd ? sd_manager(job.sd, e) : NULL;
	if (!bus)
		return err_wrap(e, "start %s", name->s);
	if ((r = unit_refresh(job.sd, bus, unit.s, e)) < 0 ||
	    (r = sd_job_run(bus, &job, "StartUnit", unit.s, e)) < 0)
		return err_wrap(e, "start %s", name->s);
	return str_eq(job.result, "done") ? 0
					  : start_failed(dir, name, job.result, ret_exec_failed, e);
}

static int stop(const struct jail_name *name, bool wait, struct err *e)
{
	struct systemd_unit unit = systemd_unit_of(name);
	CLEANUP_SD_BUS struct sd_bus *bus = NULL;
	struct sd_job job = { .sd = sd_load(e) };
	char state[32];
	int r;

	bus = job.sd ? sd_manager(job.sd, e) : NULL;
	if (!bus)
		return -e->code;
	r = sd_unit_state(job.sd, bus, unit.s, state, sizeof(state), e);
	if (r < 0)
		return r;
	if (str_eq(state, "inactive") || str_eq(state, "failed"))
		r = 1;
	else
		r = wait ? sd_job_run(bus, &job, "StopUnit", unit.s, e)
			 : sd_job_begin(bus, &job, "StopUnit", unit.s, e);
	/* Whatever status the program ends with when it is told to: that is no failure. */
	if (r >= 0 && wait)
		sd_unit_reset(job.sd, bus, unit.s);
	return r;
}

int systemd_stop_request(const struct jail_name *name, struct err *e)
{
	return stop(name, false, e);
}

int systemd_stop(const struct jail_name *name, struct err *e)
{
	return stop(name, true, e);
}

bool systemd_will_restart(struct jail *j, const struct jail_name *name)
{
	struct systemd_unit unit = systemd_unit_of(name);
	CLEANUP_SD_BUS struct sd_bus *bus = NULL;
	struct err ignored = ERR_INIT;
	const struct sd *sd;
	char state[32];

	if (systemd_in_use(&j->config, &ignored) <= 0)
		return false;
	sd = sd_load(&ignored);
	bus = sd ? sd_manager(sd, &ignored) : NULL;
	return bus && sd_unit_state(sd, bus, unit.s, state, sizeof(state), &ignored) >= 0 &&
	       !str_eq(state, "inactive") && !str_eq(state, "failed");
}

unsigned systemd_restarts(struct jail *j, const struct jail_name *name)
{
	struct systemd_unit unit = systemd_unit_of(name);
	CLEANUP_SD_BUS struct sd_bus *bus = NULL;
	struct sd_error error = { NULL, NULL, 0 };
	struct err why = ERR_INIT;
	const struct sd *sd;
	char path[256];
	unsigned n = 0;
	int r;

	if (systemd_in_use(&j->config, &why) <= 0)
		return 0; /* another manager */
	sd = sd_load(&why);
	bus = sd ? sd_manager(sd, &why) : NULL;
	if (bus && sd_unit_load(sd, bus, unit.s, path, sizeof(path), &why) >= 0) {
		r = sd->bus_get_property_trivial(bus, SD_NAME, path, SD_SERVICE, "NRestarts",
						 &error, 'u', &n);
		if (r >= 0)
			return n;
		(void)sd_fail(sd, r, &error, "NRestarts", &why);
	}
	warn("%s: its restarts are not counted: %s", name->s, why.text);
	return 0;
}

/* Starts in flight. */
struct pace {
	const struct sd *sd;
	unsigned max, n;
	struct sd_job jobs[PACE_MAX]; /* n of them */
};

static unsigned pace_of_host(void)
{
	long n = 2 * sysconf(_SC_NPROCESSORS_ONLN);

	return n < PACE_MIN ? PACE_MIN : n > PACE_MAX ? PACE_MAX : (unsigned)n;
}

static int pace_removed(struct sd_message *m, void *arg, struct sd_error *error)
{
	const char *path = NULL, *result = NULL;
	struct pace *p = arg;

	(void)error;
	if (!sd_read_removed(p->sd, m, &path, &result))
		return 0;
	for (unsigned i = 0; i < p->n; i++) {
		if (!str_eq(path, p->jobs[i].path))
			continue;
		p->jobs[i] = p->jobs[--p->n];
		break;
	}
	return 0;
}

/* Until fewer than that are in flight. Those that may wait for something that waits for us are not
 * waited for without end. */
static int pace_wait(struct sd_bus *bus, struct pace *p, unsigned fewer_than, struct err *e)
{
	uint64_t begin = clock_boot_ms();

	while (p->n >= fewer_than) {
		unsigned before = p->n;
		int r = p->sd->bus_process(bus, NULL);

		if (r == 0)
			r = p->sd->bus_wait(bus, SD_LOOK_US);
		if (r < 0 && r != -EINTR)
			return err_ret(e, r, "wait for systemd");
		if (p->n < before)
			begin = clock_boot_ms();
		if (clock_boot_ms() - begin < PACE_STALL_MS)
			continue;
		warn("%u starts take longer than %u s: going on without them", p->n,
		     PACE_STALL_MS / 1000);
		p->n = 0;
	}
	return 0;
}

/* One that can't be enqueued does not stop the others: *first is the first reason. */
static void pace_start(struct sd_bus *bus, struct pace *p, const char *text, struct err *first)
{
	struct sd_job *job = &p->jobs[p->n];
	struct systemd_unit unit;
	struct err why = ERR_INIT;
	struct jail_name name;

	if (name_parse("instance", text, &name, &why) < 0)
		return;
	unit = systemd_unit_of(&name);
	*job = (struct sd_job){ .sd = p->sd };
	if (unit_refresh(p->sd, bus, unit.s, &why) >= 0 &&
	    sd_job_begin(bus, job, "StartUnit", unit.s, &why) >= 0)
		p->n++;
	else if (!first->code)
		*first = why;
}

int systemd_start_all(const struct strv *names, struct err *e)
{
	struct pace p = { .sd = sd_load(e), .max = pace_of_host() };
	CLEANUP_SD_BUS struct sd_bus *bus = p.sd ? sd_manager(p.sd, e) : NULL;
	struct err first = ERR_INIT;
	int r;

	if (!bus)
		return -e->code;
	r = p.sd->bus_match_signal(bus, NULL, NULL, SD_PATH, SD_MANAGER, "JobRemoved", pace_removed,
				   &p);
	if (r < 0)
		return err_ret(e, r, "systemd: listen for its jobs");
	for (size_t i = 0; i < names->n; i++) {
		r = pace_wait(bus, &p, p.max, e);
		if (r < 0)
			return r;
		pace_start(bus, &p, names->v[i], &first);
	}
	r = pace_wait(bus, &p, 1, e);
	if (r >= 0 && first.code) {
		*e = first;
		r = -first.code;
	}
	return r;
}
