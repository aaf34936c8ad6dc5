/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One limit: written, and read back through the same fd. The kernel rounds some values and takes
 * others without effect, and promise 2 wants the difference known.
 */
#include <fcntl.h>
#include <inttypes.h>

#include "base/file.h"
#include "base/num.h"
#include "cgroups/limits_priv.h"

#define LIMITS_TEXT_MAX 8192 /* io.max: a line for each disk */

/* Opens one file of the cgroup. ENOENT: the controller is there, the key isn't. */
static int limits_open(int dir, const struct cgroup_setting *s, const char *file, struct err *e)
{
	int fd = openat(dir, file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT && s->controller == 0) {
		(void)err_set(e, EOPNOTSUPP,
			      "%s: there is no %s: this kernel lacks it, or its controller is one "
			      "that jail does not use",
			      s->key, file);
		return err_hint(e, "remove %s", s->key);
	}
	if (errno == ENOENT) {
		(void)err_set(e, EOPNOTSUPP, "%s: this kernel has no %s", s->key, file);
		return err_hint(e, "use another kernel, or remove %s", s->key);
	}
	return err_sys(e, "%s: open %s", s->key, file);
}

/* What goes to the kernel: an empty list is a newline, since a write of nothing never gets there.
 */
static int limits_write_fd(int fd, const char *device, const char *value)
{
	char line[CGROUP_VALUE_MAX + CGROUP_DEVICE_MAX];

	(void)snprintf(line, sizeof(line), "%s%s%s", device, device[0] ? " " : "",
		       value[0] || device[0] ? value : "\n");
	return write(fd, line, strlen(line)) < 0 ? -errno : 0;
}

/* Reads the whole file from its start into buf, NUL-terminated. */
static int limits_read_fd(int fd, char *buf, size_t n)
{
	ssize_t r = pread(fd, buf, n - 1, 0);

	if (r < 0)
		return -errno;
	buf[r] = '\0';
	return 0;
}

/* The line of the device without its number; NULL when it has none. *ret_len: its length. */
static const char *limits_line(const char *text, const char *device, size_t *ret_len)
{
	size_t n = strlen(device);
	const char *line = text;

	while (*line && !(str_starts(line, device) && line[n] == ' '))
		line += strcspn(line, "\n") + (strchr(line, '\n') != NULL);
	if (!*line)
		return NULL;
	*ret_len = strcspn(line + n + 1, "\n");
	return line + n + 1;
}

/* Whether the words of a line hold every word of `want`. */
static bool limits_has_words(const char *line, size_t len, const char *want)
{
	while (*want) {
		size_t word = strcspn(want, " "), at = 0;
		bool found = word == 0;

		while (!found && at < len) {
			size_t have = strcspn(line + at, " \n");

			found = have == word && memcmp(line + at, want, word) == 0;
			at += have + 1;
		}
		if (!found)
			return false;
		want += word + (want[word] == ' ');
	}
	return true;
}

bool cgroup_bytes_parse(const char *text, uint64_t *ret)
{
	static const char units[] = "kmgtp";
	char digits[24];
	size_t n = strspn(text, "0123456789");
	const char *unit = text[n] ? strchr(units, text[n] | 0x20) : NULL;
	unsigned shift = unit ? 10 * ((unsigned)(unit - units) + 1) : 0;
	struct err ignored = ERR_INIT;

	if (n == 0 || n >= sizeof(digits) || (text[n] && (!unit || text[n + 1])))
		return false;
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)n, text);
	if (num_parse_u64(digits, 0, UINT64_MAX >> shift, ret, &ignored) < 0)
		return false;
	*ret <<= shift;
	return true;
}

bool limits_raw_matches(const char *value, const char *got)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), want = 0, have = 0;
	const char *line = got;

	if (cgroup_bytes_parse(value, &want) && got[0] >= '0' && got[0] <= '9' &&
	    !strchr(got, ' ') && cgroup_bytes_parse(got, &have))
		return have == want || have == want / page * page;
	for (; *line; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
		if (limits_has_words(line, strcspn(line, "\n"), value))
			return true;
	}
	return value[0] == '\0' && got[0] == '\0';
}

/* CPUs and nodes that are not online drop out of the list, and when none is left the kernel
 * silently takes the parent's. */
static int limits_check_list(int dir, const struct cgroup_setting *s, struct err *e)
{
	char file[CGROUP_FILE_MAX + 16], got[CGROUP_VALUE_MAX];
	ssize_t r;

	(void)snprintf(file, sizeof(file), "%s.effective", s->file);
	r = file_peek_at(dir, file, got, sizeof(got));
	if (r < 0)
		return err_ret(e, (int)r, "%s: read %s", s->key, file);
	if (str_eq(got, s->expect))
		return 0;
	(void)err_set(e, EINVAL, "%s: \"%s\" is not what can be had: \"%s\"", s->key, s->expect,
		      got);
	return err_hint(e, "name only what is online (/sys/devices/system/%s/online)",
			str_starts(s->file, "cpuset.cpus") ? "cpu" : "node");
}

static bool limits_taken(const struct cgroup_setting *s, char *got)
{
	const char *line;
	size_t len = 0;

	switch (s->match) {
	case CGROUP_MATCH_EXACT:
	case CGROUP_MATCH_LIST:
		got[strcspn(got, "\n")] = '\0';
		return str_eq(got, s->expect);
	case CGROUP_MATCH_DEVICE:
		line = limits_line(got, s->device, &len);
		return line ? limits_has_words(line, len, s->expect) : s->reset;
	case CGROUP_MATCH_RAW:
		break;
	}
	if (*got && got[strlen(got) - 1] == '\n')
		got[strlen(got) - 1] = '\0';
	return limits_raw_matches(s->expect, got);
}

/* All CPUs or nodes that there are for the cgroup: a list can't become empty while something runs
 * in it. */
static int limits_write_all(int dir, int fd, const char *file, char *ret, size_t n)
{
	char above[CGROUP_FILE_MAX + 16];
	ssize_t r;

	(void)snprintf(above, sizeof(above), "../%s.effective", file);
	r = file_peek_at(dir, above, ret, n);
	return r < 0 ? (int)r : limits_write_fd(fd, "", ret);
}

static int limits_apply_to(int dir, const struct cgroup_setting *s, const char *file, struct err *e)
{
	CLEANUP_FD int fd = limits_open(dir, s, file, e);
	const char *gap = s->device[0] ? " " : "";
	struct cgroup_setting all = *s;
	char got[LIMITS_TEXT_MAX];
	int r;

	if (fd < 0)
		return TAKE_FD(fd);
	r = limits_write_fd(fd, s->device, s->value);
	if (r == -ENOSPC && s->reset && !s->value[0]) {
		r = limits_write_all(dir, fd, file, all.expect, sizeof(all.expect));
		s = &all;
	}
	if (r < 0)
		return err_ret(e, r, "%s: write \"%s%s%s\" to %s", s->key, s->device, gap, s->value,
			       file);
	r = limits_read_fd(fd, got, sizeof(got));
	if (r < 0)
		return err_ret(e, r, "%s: read %s", s->key, file);
	if (!limits_taken(s, got))
		return err_set(e, EINVAL,
			       "%s: wrote \"%s%s%s\" to %s, the kernel made it \"%.200s\"", s->key,
			       s->device, gap, s->value, file, got);
	return s->match == CGROUP_MATCH_LIST ? limits_check_list(dir, s, e) : 0;
}

static bool limits_is_there(int dir, const char *file)
{
	return faccessat(dir, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Why the kernel takes no limit for a device. */
static int limits_device_hint(const struct cgroup_setting *s, struct err *e)
{
	if (e->code != ENODEV && e->code != EOPNOTSUPP)
		return -e->code;
	if (s->other)
		return err_hint(e,
				"weights need the bfq scheduler on the disk (/sys/dev/block/%s/"
				"queue/scheduler) or the kernel's cost model (io.cost.qos)",
				s->device);
	return err_hint(e, "the kernel takes no limit for this device: name the whole disk below");
}

int limits_file_apply(int dir, const struct cgroup_setting *s, struct err *e)
{
	struct err why = ERR_INIT;
	int r;

	if (s->other && !limits_is_there(dir, s->file))
		r = limits_apply_to(dir, s, s->other, &why);
	else
		r = limits_apply_to(dir, s, s->file, &why);
	if (r == -EOPNOTSUPP && s->other && limits_is_there(dir, s->file) &&
	    limits_is_there(dir, s->other)) {
		why = ERR_INIT;
		r = limits_apply_to(dir, s, s->other, &why);
	}
	if (r >= 0)
		return 0;
	*e = why;
	return s->device[0] ? limits_device_hint(s, e) : r;
}

static int limits_peek(int dir, const char *file, char *text, size_t n)
{
	CLEANUP_FD int fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	text[0] = '\0';
	return fd < 0 ? -errno : limits_read_fd(fd, text, n);
}

int limits_file_save(int dir, const struct cgroup_setting *s, char *ret, size_t n,
		     const char **ret_file, struct err *e)
{
	const char *file = s->file, *line;
	struct cgroup_setting unset = *s;
	char text[LIMITS_TEXT_MAX];
	size_t len = 0;
	int r = limits_peek(dir, file, text, sizeof(text));

	/* Of two, the one that has something for the device, else the first that is there. */
	if (s->other && (r < 0 || !limits_line(text, s->device, &len)) &&
	    limits_is_there(dir, s->other)) {
		char second[LIMITS_TEXT_MAX];

		if (limits_peek(dir, s->other, second, sizeof(second)) >= 0 &&
		    (r < 0 || limits_line(second, s->device, &len))) {
			file = s->other;
			memcpy(text, second, sizeof(text));
			r = 0;
		}
	}
	if (r < 0) {
		int fd = limits_open(dir, s, file, e);

		return fd < 0 ? fd : (fd_reset(&fd), err_ret(e, r, "%s: read %s", s->key, file));
	}
	*ret_file = file;
	if (!s->device[0]) {
		(void)snprintf(ret, n, "%.*s", (int)strcspn(text, "\n"), text);
		return 0;
	}
	line = limits_line(text, s->device, &len);
	if (line)
		(void)snprintf(ret, n, "%.*s", (int)len, line);
	else
		(void)snprintf(ret, n, "%s", cgroup_setting_reset(&unset) ? unset.value : "");
	return 0;
}

int limits_file_restore(int dir, const char *file, const char *device, const char *saved)
{
	CLEANUP_FD int fd = openat(dir, file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	char all[CGROUP_VALUE_MAX];
	int r = fd < 0 ? -errno : limits_write_fd(fd, device, saved);

	return r == -ENOSPC && !saved[0] ? limits_write_all(dir, fd, file, all, sizeof(all)) : r;
}
