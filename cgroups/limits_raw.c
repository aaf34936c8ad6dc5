/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits by the names of their files ("unified"). A name is words and dots and nothing else (row
 * 65), and none of those by which cgroups are managed.
 */
#include "cgroups/limits_priv.h"

bool cgroup_raw_is_file(const char *name)
{
	static const char part[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const char *p = name;
	int parts = 0;

	for (;; p++) {
		size_t n = strspn(p, part);

		parts++;
		p += n;
		if (n == 0 || (*p && *p != '.'))
			return false;
		if (!*p)
			break;
	}
	return parts >= 2 && parts <= 4 && strlen(name) < LIMITS_FILE_MAX &&
	       !str_starts(name, "cgroup.");
}

static uint32_t raw_controller(const char *file)
{
	size_t n = strcspn(file, ".");

	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		const char *name = cgroup_controllers[i].name;

		if (strlen(name) == n && memcmp(name, file, n) == 0)
			return cgroup_controllers[i].bit;
	}
	return 0;
}

/* Length of "MAJ:MIN" that a blank follows, or 0. */
static size_t raw_device(const char *value)
{
	size_t n = strspn(value, "0123456789");
	size_t m = value[n] == ':' ? strspn(value + n + 1, "0123456789") : 0;

	return n && m && value[n + 1 + m] == ' ' && n + 1 + m < IO_NUMBER_MAX ? n + 1 + m : 0;
}

int limits_plan_raw(const struct cgroup_limits *l, struct limits_plan *p, struct err *e)
{
	for (size_t i = 0; i < l->n_raw; i++) {
		const struct cgroup_raw *raw = &l->raw[i];
		struct limits_setting s = { .match = LIMITS_RAW };
		size_t device = raw_device(raw->value);

		if (!cgroup_raw_is_file(raw->file))
			return err_set(e, EINVAL, "resources.unified: \"%s\" is not a limit's file",
				       raw->file);
		s.controller = raw_controller(raw->file);
		(void)snprintf(s.key, sizeof(s.key), "resources.unified.%s", raw->file);
		(void)snprintf(s.file, sizeof(s.file), "%s", raw->file);
		if (device) {
			s.match = LIMITS_DEVICE;
			(void)snprintf(s.device, sizeof(s.device), "%.*s", (int)device, raw->value);
			device++;
		}
		(void)snprintf(s.value, sizeof(s.value), "%s", raw->value + device);
		(void)snprintf(s.expect, sizeof(s.expect), "%s", s.value);
		if (limits_plan_add(p, &s, e) < 0)
			return -e->code;
	}
	return 0;
}
