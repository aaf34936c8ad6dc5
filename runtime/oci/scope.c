/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.freedesktop.systemd1(5): StartTransientUnit, SetUnitProperties, StopUnit. */
#include "runtime/oci/scope.h"

#include "runtime/systemd_bus.h"

#define UNIT_EXISTS SD_NAME ".UnitExists"
#define NO_SUCH_UNIT SD_NAME ".NoSuchUnit"

/* An integer by its width, whose value is in one->number. */
static int append_integer(const struct sd *sd, struct sd_message *m,
			  const struct scope_property *one)
{
	uint8_t y = (uint8_t)one->number;
	uint16_t q = (uint16_t)one->number;
	uint32_t u = (uint32_t)one->number;
	int b = one->number != 0;

	switch (one->type[0]) {
	case 'b':
		return sd->bus_message_append_basic(m, 'b', &b);
	case 'y':
		return sd->bus_message_append_basic(m, 'y', &y);
	case 'n':
	case 'q':
		return sd->bus_message_append_basic(m, one->type[0], &q);
	case 'i':
	case 'u':
		return sd->bus_message_append_basic(m, one->type[0], &u);
	case 'd':
		return sd->bus_message_append_basic(m, 'd', &one->real);
	default:
		return sd->bus_message_append_basic(m, one->type[0], &one->number);
	}
}

static int append_value(const struct sd *sd, struct sd_message *m, const struct scope_property *one)
{
	int r;

	if (str_eq(one->type, "ay"))
		return sd->bus_message_append_array(m, 'y', one->bits, one->n_bits);
	if (!str_eq(one->type, "as"))
		return strchr("sog", one->type[0])
			       ? sd->bus_message_append_basic(m, one->type[0], one->list.v[0])
			       : append_integer(sd, m, one);
	r = sd->bus_message_open_container(m, 'a', "s");
	for (size_t i = 0; i < one->list.n && r >= 0; i++)
		r = sd->bus_message_append_basic(m, 's', one->list.v[i]);
	return r < 0 ? r : sd->bus_message_close_container(m);
}

static int append_property(const struct sd *sd, struct sd_message *m,
			   const struct scope_property *one)
{
	int r = sd->bus_message_open_container(m, 'r', "sv");

	if (r >= 0)
		r = sd->bus_message_append_basic(m, 's', one->name);
	if (r >= 0)
		r = sd->bus_message_open_container(m, 'v', one->type);
	if (r >= 0)
		r = append_value(sd, m, one);
	if (r >= 0)
		r = sd->bus_message_close_container(m);
	return r < 0 ? r : sd->bus_message_close_container(m);
}

/* pid 0: none. */
static int append_list(const struct sd *sd, struct sd_message *m, const struct scope_properties *p,
		       pid_t pid)
{
	int r = sd->bus_message_open_container(m, 'a', "(sv)");

	for (size_t i = 0; i < p->n && r >= 0; i++)
		r = append_property(sd, m, &p->v[i]);
	if (r >= 0 && pid > 0)
		r = sd->bus_message_append(m, "(sv)", "PIDs", "au", 1, (uint32_t)pid);
	return r < 0 ? r : sd->bus_message_close_container(m);
}

/* *ret_exists: it failed because there is such a unit. */
static int start_once(const struct sd *sd, struct sd_bus *bus, const char *unit, pid_t pid,
		      const struct scope_properties *p, struct sd_job *job, bool *ret_exists,
		      struct err *e)
{
	static const char method[] = "StartTransientUnit";
	struct sd_error error = { NULL, NULL, 0 };
	struct sd_message *m = NULL, *reply = NULL;
	int r = sd->bus_message_new_method_call(bus, &m, SD_NAME, SD_PATH, SD_MANAGER, method);

	if (r >= 0)
		r = sd->bus_message_append(m, "ss", unit, "replace");
	if (r >= 0)
		r = append_list(sd, m, p, pid);
	if (r >= 0)
		r = sd->bus_message_append(m, "a(sa(sv))", 0);
	if (r >= 0)
		r = sd->bus_call(bus, m, 0, &error, &reply);
	(void)sd->bus_message_unref(m);
	*ret_exists = error.name && str_eq(error.name, UNIT_EXISTS);
	return r < 0 ? sd_fail(sd, r, &error, method, e) : sd_job_take(job, reply, method, e);
}

static int start(const struct sd *sd, struct sd_bus *bus, const char *unit, pid_t pid,
		 const struct scope_properties *p, struct sd_job *job, struct err *e)
{
	struct err why = ERR_INIT;
	bool exists = false;
	int r = start_once(sd, bus, unit, pid, p, job, &exists, &why);

	if (r < 0 && exists) {
		sd_unit_reset(sd, bus, unit);
		why = ERR_INIT;
		r = start_once(sd, bus, unit, pid, p, job, &exists, &why);
	}
	if (r >= 0)
		return 0;
	if (exists) {
		(void)err_set(e, EEXIST, "there is a unit %s already", unit);
		return err_hint(e, "systemctl stop %s, or use another cgroupsPath", unit);
	}
	*e = why;
	return r;
}

int scope_start(const char *unit, pid_t pid, const struct scope_properties *p, struct err *e)
{
	struct sd_job job = { .sd = sd_load(e) };
	CLEANUP_SD_BUS struct sd_bus *bus = job.sd ? sd_manager(job.sd, e) : NULL;
	int r;

	if (!bus)
		return -e->code;
	if ((r = sd_job_listen(bus, &job, e)) < 0 ||
	    (r = start(job.sd, bus, unit, pid, p, &job, e)) < 0 ||
	    (r = sd_job_wait(bus, &job, e)) < 0)
		return err_wrap(e, "start %s", unit);
	if (str_eq(job.result, "done"))
		return 0;
	sd_unit_reset(job.sd, bus, unit);
	return err_set(e, ECHILD, "start %s: systemd says \"%s\"", unit, job.result);
}

int scope_set(const char *unit, const struct scope_properties *p, struct err *e)
{
	static const char method[] = "SetUnitProperties";
	const struct sd *sd = sd_load(e);
	CLEANUP_SD_BUS struct sd_bus *bus = sd ? sd_manager(sd, e) : NULL;
	struct sd_error error = { NULL, NULL, 0 };
	struct sd_message *m = NULL;
	int r;

	if (!bus)
		return -e->code;
	r = sd->bus_message_new_method_call(bus, &m, SD_NAME, SD_PATH, SD_MANAGER, method);
	if (r >= 0)
		r = sd->bus_message_append(m, "sb", unit, 1); /* until it ends */
	if (r >= 0)
		r = append_list(sd, m, p, 0);
	if (r >= 0)
		r = sd->bus_call(bus, m, 0, &error, NULL);
	(void)sd->bus_message_unref(m);
	return r < 0 ? (sd_fail(sd, r, &error, method, e), err_wrap(e, "%s", unit)) : 0;
}

int scope_stop(const char *unit, struct err *e)
{
	struct sd_job job = { .sd = sd_load(e) };
	CLEANUP_SD_BUS struct sd_bus *bus = job.sd ? sd_manager(job.sd, e) : NULL;
	struct err why = ERR_INIT;
	char state[32];
	int r;

	if (!bus)
		return -e->code;
	r = sd_unit_state(job.sd, bus, unit, state, sizeof(state), e);
	if (r < 0)
		return err_wrap(e, "stop %s", unit);
	if (!str_eq(state, "inactive") && !str_eq(state, "failed"))
		r = sd_job_run(bus, &job, "StopUnit", unit, &why);
	/* An empty scope goes by itself: also between the question and the order. */
	if (r < 0 && (sd_unit_state(job.sd, bus, unit, state, sizeof(state), e) < 0 ||
		      (!str_eq(state, "inactive") && !str_eq(state, "failed")))) {
		*e = why;
		return err_wrap(e, "stop %s", unit);
	}
	sd_unit_reset(job.sd, bus, unit);
	return 0;
}
