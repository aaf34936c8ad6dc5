/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes into the files of a cgroup: a list of settings, each of which is written and read back
 * through the same fd, since the kernel rounds some values and takes others without effect
 * (promise 2). Names of files are the caller's, out of its tables, or cgroup_raw_is_file().
 */
#ifndef JAIL_CGROUPS_SETTINGS_H
#define JAIL_CGROUPS_SETTINGS_H

#include "cgroups/cgroup.h"

#define CGROUP_VALUE_MAX 1100 /* a CPU list of the spec, and some */
#define CGROUP_KEY_MAX 320 /* "resources.io./dev/....readBps" */
#define CGROUP_FILE_MAX 64
#define CGROUP_DEVICE_MAX 72 /* "8:0", or the name of an RDMA device */

/* What counts as "the kernel took it". */
enum cgroup_match {
	CGROUP_MATCH_EXACT, /* the file is `expect` */
	CGROUP_MATCH_LIST, /* CPUs or memory nodes: the same, and all of them can be had */
	CGROUP_MATCH_DEVICE, /* the line of `device` has the words of `expect` */
	CGROUP_MATCH_RAW, /* as the user wrote it, in the kernel's notation */
};

struct cgroup_setting {
	enum cgroup_match match;
	uint32_t controller; /* 0: none of those that jail knows */
	bool reset; /* to the kernel's default */
	bool may_lack; /* without the file there is nothing to limit: fine */
	char key[CGROUP_KEY_MAX]; /* of the spec, for messages */
	char file[CGROUP_FILE_MAX];
	const char *other; /* file that takes it where `file` does not, or NULL */
	char device[CGROUP_DEVICE_MAX]; /* or "" */
	char value[CGROUP_VALUE_MAX]; /* to write; without the device */
	char expect[CGROUP_VALUE_MAX];
};

struct cgroup_settings {
	struct cgroup_setting *v;
	size_t n;
};
void cgroup_settings_free(struct cgroup_settings *p);
#define CLEANUP_SETTINGS CLEANUP(cgroup_settings_free)
int cgroup_settings_add(struct cgroup_settings *p, const struct cgroup_setting *s, struct err *e);
/* The setting for the same file and device, or NULL. */
const struct cgroup_setting *cgroup_settings_find(const struct cgroup_settings *p,
						  const struct cgroup_setting *like);

/* Fill in key, file and controller. */
void cgroup_setting_init(struct cgroup_setting *s, const char *key, const char *file);
/* Value and expect: as it is; UINT64_MAX is "max"; and in whole pages, as memory is counted. */
void cgroup_setting_text(struct cgroup_setting *s, const char *value);
void cgroup_setting_number(struct cgroup_setting *s, uint64_t v);
void cgroup_setting_bytes(struct cgroup_setting *s, uint64_t bytes);
/* One line as the user wrote it, which may begin with a device's number. */
void cgroup_setting_raw(struct cgroup_setting *s, const char *line);
/* The kernel's own notation of bytes (memparse()): digits and one of K, M, G, T, P. */
bool cgroup_bytes_parse(const char *text, uint64_t *ret);
/* Turns a setting into one that gives the file its default back. Return: false if that is not
 * known. */
bool cgroup_setting_reset(struct cgroup_setting *s);

/*
 * Puts the list into an order in which no step is refused or takes more than the end result: the
 * burst may not be over the quota, an idle group has no weight, and a lower memory.max kills what a
 * lower memory.high, written first, would have reclaimed. What `dir` holds now is looked at.
 */
int cgroup_settings_order(int dir, struct cgroup_settings *p, struct err *e);
/* Writes all, in their order, or nothing: on failure what had been written is as before.
 * *ret_undo takes it back later; NULL when nothing was written. */
int cgroup_settings_apply(int dir, const struct cgroup_settings *p, struct cgroup_undo **ret_undo,
			  struct err *e);

#endif
