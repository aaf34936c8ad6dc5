/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files by (dirfd, name): bounded reads, atomic writes. */
#ifndef JAIL_BASE_FILE_H
#define JAIL_BASE_FILE_H

#include <sys/types.h>

#include "base/err.h"

/* Reads a regular file (O_NOFOLLOW|O_NONBLOCK, S_ISREG checked), at most max bytes; *ret
 * NUL-terminated, caller frees. -ENOENT is reported in *e too. */
int file_read_at(int dir, const char *name, size_t max, char **ret, size_t *ret_len, struct err *e);

enum file_sync {
	FILE_NOSYNC, /* state that a reboot forgets anyway (/run) */
	FILE_SYNC, /* fsync file and directory before returning */
};
/* Writes `name` whole: temporary name ".NAME.tmp" made with O_EXCL|O_NOFOLLOW (a stale one is
 * replaced), then rename. Readers see the old or the new content, never a part. */
int file_write_at(int dir, const char *name, const void *data, size_t n, mode_t mode,
		  enum file_sync sync, struct err *e);
/* For gc: removes what writers who were killed have left in a directory; one that is at work has
 * its file locked. Return: how many. */
int file_remove_unfinished(int dir, struct err *e);
/* A file of somebody's choice to append to, made if missing (row 83): not through a link (-ELOOP),
 * not one that has another name, too (-EMLINK), no FIFO, even with a reader, nor anything else but
 * a file or a character device (-ENXIO); never as a controlling terminal. Return: fd or -errno. */
int file_open_append(const char *path, mode_t mode);
/* Writes to an existing kernel file (cgroup, sysctl, proc) with one write(2). Return 0 or -errno.
 */
int file_poke_at(int dir, const char *name, const void *data, size_t n);
/* Reads a small kernel file into buf, NUL-terminated, trailing newline cut. Return: length or
 * -errno; -ENOBUFS when it does not fit whole. */
ssize_t file_peek_at(int dir, const char *name, char *buf, size_t n);

#endif
