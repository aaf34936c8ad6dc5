/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of volumes share. */
#ifndef JAIL_RUNTIME_VOLUMES_PRIV_H
#define JAIL_RUNTIME_VOLUMES_PRIV_H

#include "base/lock.h"
#include "runtime/engine_priv.h"
#include "runtime/volumes.h"

/* STATE/volumes. Return: fd. */
int volumes_dir(struct jail *j, struct err *e);
/* One of them. Return: fd; -ENOENT as volume_read(). */
int volume_dir(struct jail *j, const struct jail_name *name, struct err *e);
/* volume.json, in the volume's directory. */
int volume_file_write(int dir, const struct volume *v, struct err *e);
int volume_file_read(int dir, const struct jail_name *name, struct volume *ret, struct err *e);
/* Its guard. Return: fd; -EBUSY: "another command is at it". */
#define VOLUME_GUARD_WAIT_MS 30000
int volume_guard(int dir, enum lock_mode mode, unsigned wait_ms, struct err *e);
/* Its files: a detached mount of data/ or of what is in disk.img. Return: fd. */
int volume_mount(int dir, const struct volume *v, struct err *e);
/* volumes_set.c: of one that is not in use. */
int volume_image_resize(int dir, const struct disk_limits *now, const struct disk_limits *limits,
			struct err *e);
/* volumes_still.c: the instances that can write to it stand still, last first to go on. */
struct volume_still;
int volume_still_begin(struct jail *j, const struct jail_name *volume, struct volume_still **ret,
		       struct err *e);
/* Lets them go on. *ret_us: how long the first of them stood still; *ret_n: how many did. -EBUSY:
 * one of them didn't all the time. */
int volume_still_end(struct volume_still *s, uint64_t *ret_us, size_t *ret_n, struct err *e);
/* The same, when nobody asks any more. */
void volume_still_free(struct volume_still **s);
#define CLEANUP_STILL CLEANUP(volume_still_free)

void volume_labels_to_json(const struct volume *v, struct json_out *o);
int volume_check_limits(const struct disk_limits *limits, struct err *e);
/* Puts "K=V" among the labels, or in place of another value of K. */
int volume_set_label(struct volume *v, const char *text, struct err *e);

#endif
