/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of volumes share. */
#ifndef JAIL_RUNTIME_VOLUMES_PRIV_H
#define JAIL_RUNTIME_VOLUMES_PRIV_H

#include "runtime/engine_priv.h"
#include "runtime/volumes.h"

/* STATE/volumes. Return: fd. */
int volumes_dir(struct jail *j, struct err *e);
/* One of them. Return: fd; -ENOENT as volume_read(). */
int volume_dir(struct jail *j, const struct jail_name *name, struct err *e);
/* volume.json, in the volume's directory. */
int volume_file_write(int dir, const struct volume *v, struct err *e);
int volume_file_read(int dir, const struct jail_name *name, struct volume *ret, struct err *e);
/* Its files: a detached mount of data/ or of what is in disk.img. Return: fd. */
int volume_mount(int dir, const struct volume *v, struct err *e);
void volume_labels_to_json(const struct volume *v, struct json_out *o);
/* Puts "K=V" among the labels, or in place of another value of K. */
int volume_set_label(struct volume *v, const char *text, struct err *e);

#endif
