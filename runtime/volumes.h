/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named volumes: directories that outlive instances and that several of one tenant may share.
 *
 *   STATE/volumes/NAME/   volume.json     its record
 *                         data/           its files; or
 *                         disk.img        an ext4 with them at its root, of a volume with limits
 *                                         where the file system has no project quotas
 *                         disk.project    else the project of data/
 *                         snapshots/ID/   images/snapshot.h; of a disk.img fs/ holds a copy
 *                         guard           held, shared, by each start of an instance that has it,
 *                                         until that runs; exclusively by who makes a snapshot or
 *                                         changes the limits
 *
 * Files belong to the ids 0 to 65535 on disk, as inside: each instance mounts a volume with its own
 * range mapped over them, so all of them see the same owners. A volume is made in STATE/trash and
 * appears, and goes, by one rename.
 *
 * Who makes an instance a user of a volume (create, set) holds engine_gate() while he calls
 * volumes_check() and until the spec is there; volume_remove() takes it exclusively.
 */
#ifndef JAIL_RUNTIME_VOLUMES_H
#define JAIL_RUNTIME_VOLUMES_H

#include "images/snapshot.h"
#include "runtime/jail.h"

#define VOLUME_ID_MAX 65535 /* of the owner: what an instance's range has */
#define VOLUME_MODE 0755

struct volume {
	struct jail_name name;
	struct jail_name id; /* 32 hex digits */
	struct jail_name tenant; /* "" = nobody's */
	uint64_t created_ms;
	struct disk_limits limits;
	uint32_t uid, gid, mode; /* of its root when it was made */
	struct strv labels; /* "K=V" */
};
void volume_free(struct volume *v);
#define CLEANUP_VOLUME CLEANUP(volume_free)

/* -ENOENT: "no volume NAME", with the nearest name as a hint; or its record is damaged. */
int volume_read(struct jail *j, const struct jail_name *name, struct volume *ret, struct err *e);
struct volumes {
	struct volume *v;
	size_t n;
};
void volumes_free(struct volumes *v);
#define CLEANUP_VOLUMES CLEANUP(volumes_free)
/* In order of name. strict: a damaged record is an error, else a warning. */
int volumes_read(struct jail *j, bool strict, struct volumes *ret, struct err *e);

struct volume_options {
	struct jail_name tenant; /* "" = nobody's */
	struct disk_limits limits;
	bool has_owner, has_mode; /* else 0:0 and VOLUME_MODE, or those of `from` */
	uint32_t uid, gid, mode;
	const char *const *labels; /* "K=V" */
	size_t n_labels;
	const char *from; /* a directory of the host whose content it gets; or NULL */
};
/* "UID[:GID]" and three or four octal digits. */
int volume_parse_owner(const char *text, struct volume_options *o, struct err *e);
int volume_parse_mode(const char *text, struct volume_options *o, struct err *e);
/* Whole, and on disk, or not at all. -EEXIST; -EOPNOTSUPP: the host can't hold the limits. */
int volume_create(struct jail *j, const struct jail_name *name, const struct volume_options *o,
		  struct volume *ret, struct err *e);
/* "size=20GiB", "inodes=N", "labels.KEY=VALUE"; an empty value removes. All or none. A volume that
 * is in use grows at once; one that was made without limits gets none. *ret: as it is then. */
int volume_set(struct jail *j, const struct jail_name *name, const char *const *settings, size_t n,
	       struct volume *ret, struct err *e);
/* -EBUSY: "is used by web, db". */
int volume_remove(struct jail *j, const struct jail_name *name, struct err *e);

/* Who has which volume in his spec: the volume at [i] of one, the instance at [i] of the
 * other, up or not. Of an instance whose spec can't be read: strict, an error; else a warning. */
struct volume_uses {
	struct strv volumes, instances;
};
void volume_uses_free(struct volume_uses *u);
#define CLEANUP_VOLUME_USES CLEANUP(volume_uses_free)
int volume_uses(struct jail *j, bool strict, struct volume_uses *ret, struct err *e);
/* Instances, up or not, whose spec names it. An instance whose spec can't be read is an error. */
int volume_users(struct jail *j, const struct jail_name *name, struct strv *ret, struct err *e);
/* What is in use, where that is known. */
void volume_look(struct jail *j, const struct volume *v, struct instance_disk *ret);
/* Stable JSON shape of `volume list`, `inspect` and `create`: an array. */
int volumes_to_json(struct jail *j, const struct volume *volumes, size_t n, struct json_out *o,
		    const char *key, struct err *e);

/*
 * Snapshots. All running instances that can write to it stand still for the copy (*ret: frozen for
 * how long), so it has what a power cut would have left. -EBUSY: one starts or ends right now.
 */
int volume_snapshot_create(struct jail *j, const struct jail_name *volume,
			   const struct jail_name *name, struct snapshot *ret, struct err *e);
/* *ret: the caller's; without open files. */
int volume_snapshots(struct jail *j, const struct jail_name *volume, struct snapshots *ret,
		     struct err *e);
/* Their names, without waiting for who makes one; what can't be read has none. Return: -ENOMEM. */
int volume_snapshot_names(struct jail *j, const struct jail_name *volume, struct strv *ret);
int volume_snapshot_remove(struct jail *j, const struct jail_name *volume,
			   const struct jail_name *name, struct err *e);
/* Its files become those of the snapshot. -EBUSY: an instance that has it is up. */
int volume_rollback(struct jail *j, const struct jail_name *volume, const struct jail_name *name,
		    struct err *e);
/* Removes what commands left that were killed; one that somebody is at is passed over. Return: how
 * many. */
int volume_snapshots_collect(struct jail *j, const struct jail_name *volume, struct err *e);

/* The volumes of a spec are there, and its tenant's. Those that `before` had are not looked at. */
int volumes_check(struct jail *j, const struct jail_spec *spec, const struct jail_spec *before,
		  struct err *e);
/* At start, for a mount of type volume or block. Return: fd of a detached mount without mapped ids,
 * whose attributes are still to be set. *ret_guard: to be kept until the instance runs. */
int volume_open(struct jail *j, const struct jail_spec *spec, const struct spec_mount *m,
		int *ret_guard, struct err *e);
int block_open(struct jail *j, const struct spec_mount *m, struct err *e);

#endif
