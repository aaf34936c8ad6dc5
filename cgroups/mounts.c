/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the mount table. A line is
 *	36 35 98:0 /root /mount/point opts shared:1 ... - fstype source superopts
 * with any number of optional fields before the "-". Blanks, tabs, newlines and backslashes in
 * paths are octal escapes.
 */
#include "cgroups/mounts.h"

#include <fcntl.h>

#include "base/fd.h"
#include "base/str.h"

#define MOUNTS_BYTES_MAX (16u << 20)
#define MOUNTS_POINT 4 /* fields before the mount point */
#define MOUNTS_SUPER 2 /* fields from the file system's type to its options */

/* Cuts the next field off *p. Return: the field, or NULL at the end of the line. */
static char *mounts_field(char **p)
{
	char *field = *p;
	size_t n = strcspn(field, " ");

	if (n == 0)
		return NULL;
	*p = field + n + (field[n] == ' ');
	field[n] = '\0';
	return field;
}

/* Undoes "\040" in place. */
static void mounts_unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

/* Drops the general options of a super block from the list: what stays are controllers. */
static char *mounts_controllers(char *options)
{
	while (str_starts(options, "rw,") || str_starts(options, "ro,"))
		options += 3;
	if (str_eq(options, "rw") || str_eq(options, "ro") || strstr(options, "name="))
		options[0] = '\0';
	return options;
}

bool cgroup_mount_parse(char *line, struct cgroup_mount *ret)
{
	char *p = line, *field = NULL, *point, *type;

	for (int i = 0; i < MOUNTS_POINT; i++) {
		if (!mounts_field(&p))
			return false;
	}
	point = mounts_field(&p);
	do
		field = point ? mounts_field(&p) : NULL;
	while (field && !str_eq(field, "-"));
	type = field ? mounts_field(&p) : NULL;
	if (!type || (!str_eq(type, "cgroup") && !str_eq(type, "cgroup2")))
		return false;
	for (int i = 0; i < MOUNTS_SUPER; i++)
		field = field ? mounts_field(&p) : NULL;
	if (!field)
		return false;
	mounts_unescape(point);
	*ret = (struct cgroup_mount){ .v2 = str_eq(type, "cgroup2"), .path = point };
	ret->options = ret->v2 ? "" : mounts_controllers(field);
	return true;
}

int cgroup_mounts_each(cgroup_mount_fn *fn, void *arg, struct err *e)
{
	CLEANUP_FD int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	CLEANUP_FREE char *text = NULL;
	char *line, *next;
	int r;

	if (fd < 0)
		return err_sys(e, "open /proc/self/mountinfo");
	r = fd_read_all(fd, MOUNTS_BYTES_MAX, &text, NULL);
	if (r < 0)
		return err_ret(e, r, "read /proc/self/mountinfo");
	for (line = text; *line; line = next) {
		struct cgroup_mount m;

		next = strchrnul(line, '\n');
		if (*next == '\n')
			*next++ = '\0';
		if (!cgroup_mount_parse(line, &m))
			continue;
		r = fn(&m, arg);
		if (r != 0)
			return r;
	}
	return 0;
}

bool cgroup_mount_has(const struct cgroup_mount *m, const char *v1_name)
{
	const char *p = m->options;

	while (*p) {
		size_t n = strcspn(p, ",");

		if (n == strlen(v1_name) && memcmp(p, v1_name, n) == 0)
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}
