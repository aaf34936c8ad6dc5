/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of systemd's manager that more than one file makes. */
#include "base/str.h"
#include "runtime/systemd_bus.h"

bool sd_read_removed(const struct sd *sd, struct sd_message *m, const char **ret_path,
		     const char **ret_result)
{
	const char *unit = NULL;
	uint32_t id = 0;

	return sd->bus_message_read(m, "uoss", &id, ret_path, &unit, ret_result) >= 0;
}

static int job_removed(struct sd_message *m, void *arg, struct sd_error *error)
{
	const char *path = NULL, *result = NULL;
	struct sd_job *job = arg;

	(void)error;
	if (sd_read_removed(job->sd, m, &path, &result) && str_eq(path, job->path)) {
		(void)str_format(job->result, sizeof(job->result), "%s", result);
		job->done = true;
	}
	return 0;
}

int sd_job_listen(struct sd_bus *bus, struct sd_job *job, struct err *e)
{
	int r = job->sd->bus_match_signal(bus, NULL, NULL, SD_PATH, SD_MANAGER, "JobRemoved",
					  job_removed, job);

	return r < 0 ? err_ret(e, r, "systemd: listen for its jobs") : 0;
}

int sd_job_take(struct sd_job *job, struct sd_message *reply, const char *method, struct err *e)
{
	const char *path = NULL;
	int r = job->sd->bus_message_read(reply, "o", &path);

	if (r >= 0)
		r = str_format(job->path, sizeof(job->path), "%s", path);
	(void)job->sd->bus_message_unref(reply);
	return r < 0 ? err_ret(e, r, "systemd: %s: damaged answer", method) : 0;
}

int sd_job_begin(struct sd_bus *bus, struct sd_job *job, const char *method, const char *unit,
		 struct err *e)
{
	struct sd_error error = { NULL, NULL, 0 };
	struct sd_message *reply = NULL;
	int r = job->sd->bus_call_method(bus, SD_NAME, SD_PATH, SD_MANAGER, method, &error, &reply,
					 "ss", unit, "replace");

	return r < 0 ? sd_fail(job->sd, r, &error, method, e) : sd_job_take(job, reply, method, e);
}

int sd_job_wait(struct sd_bus *bus, struct sd_job *job, struct err *e)
{
	while (!job->done) {
		int r = job->sd->bus_process(bus, NULL);

		if (r == 0)
			r = job->sd->bus_wait(bus, SD_LOOK_US);
		if (r < 0 && r != -EINTR)
			return err_ret(e, r, "wait for systemd");
	}
	return 0;
}

int sd_job_run(struct sd_bus *bus, struct sd_job *job, const char *method, const char *unit,
	       struct err *e)
{
	int r = sd_job_listen(bus, job, e);

	if (r >= 0)
		r = sd_job_begin(bus, job, method, unit, e);
	return r < 0 ? r : sd_job_wait(bus, job, e);
}

int sd_unit_load(const struct sd *sd, struct sd_bus *bus, const char *unit, char *ret, size_t n,
		 struct err *e)
{
	struct sd_error error = { NULL, NULL, 0 };
	struct sd_message *reply = NULL;
	const char *path = NULL;
	int r = sd->bus_call_method(bus, SD_NAME, SD_PATH, SD_MANAGER, "LoadUnit", &error, &reply,
				    "s", unit);

	if (r < 0)
		return sd_fail(sd, r, &error, "LoadUnit", e);
	r = sd->bus_message_read(reply, "o", &path);
	if (r >= 0)
		r = str_format(ret, n, "%s", path);
	(void)sd->bus_message_unref(reply);
	return r < 0 ? err_ret(e, r, "systemd: LoadUnit: damaged answer") : 0;
}

int sd_unit_state(const struct sd *sd, struct sd_bus *bus, const char *unit, char *ret, size_t n,
		  struct err *e)
{
	struct sd_error error = { NULL, NULL, 0 };
	CLEANUP_FREE char *state = NULL;
	char path[256];
	int r = sd_unit_load(sd, bus, unit, path, sizeof(path), e);

	if (r < 0)
		return r;
	r = sd->bus_get_property_string(bus, SD_NAME, path, SD_UNIT, "ActiveState", &error, &state);
	if (r < 0)
		return sd_fail(sd, r, &error, "ActiveState", e);
	(void)str_format(ret, n, "%s", state);
	return 0;
}

void sd_unit_reset(const struct sd *sd, struct sd_bus *bus, const char *unit)
{
	struct sd_error error = { NULL, NULL, 0 };

	(void)sd->bus_call_method(bus, SD_NAME, SD_PATH, SD_MANAGER, "ResetFailedUnit", &error,
				  NULL, "s", unit);
	sd->bus_error_free(&error);
}
