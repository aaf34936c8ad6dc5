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
	return parts >= 2 && parts <= 4 && strlen(name) < CGROUP_FILE_MAX &&
	       !str_starts(name, "cgroup.");
}

int limits_plan_raw(const struct cgroup_limits *l, struct cgroup_settings *p, struct err *e)
{
	for (size_t i = 0; i < l->n_raw; i++) {
		const struct cgroup_raw *raw = &l->raw[i];
		char key[CGROUP_KEY_MAX];
		struct cgroup_setting s;

		if (!cgroup_raw_is_file(raw->file))
			return err_set(e, EINVAL, "resources.unified: \"%s\" is not a limit's file",
				       raw->file);
		(void)snprintf(key, sizeof(key), "resources.unified.%s", raw->file);
		cgroup_setting_init(&s, key, raw->file);
		cgroup_setting_raw(&s, raw->value);
		if (cgroup_settings_add(p, &s, e) < 0)
			return -e->code;
	}
	return 0;
}
