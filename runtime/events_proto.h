/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of events, STATE/events/events.jsonl: who does something appends one line, a whole JSON
 * object, by one write(2) with O_APPEND. There is no lock to wait for. At EVENTS_FILE_MAX the file
 * becomes events.jsonl.1: whoever finds it full renames it, under an open file description lock on
 * the file itself and only if the name still means it, so that of many who find it full one
 * renames.
 *
 * A reader skips what a crash or a full disk has torn. Shared with jail-monitor: must compile with
 * musl, and allocates nothing.
 */
#ifndef JAIL_RUNTIME_EVENTS_PROTO_H
#define JAIL_RUNTIME_EVENTS_PROTO_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/defs.h"

#define EVENTS_DIR "events"
#define EVENTS_FILE "events.jsonl"
#define EVENTS_OLD EVENTS_FILE ".1"
#define EVENTS_FROM_INSTANCE "../../" EVENTS_DIR "/" /* from STATE/instances/NAME */
#define EVENTS_FILE_MAX (4 << 20)
#define EVENTS_LINE_MAX 4096

/* Renames the full file behind fd, if it still is the one called `file`. */
static inline void events_rotate(int dir, const char *file, const char *old, int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat ours, named;

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0 && fstat(fd, &ours) == 0 &&
	    fstatat(dir, file, &named, AT_SYMLINK_NOFOLLOW) == 0 && ours.st_ino == named.st_ino &&
	    ours.st_dev == named.st_dev)
		(void)renameat(dir, file, dir, old);
}

static inline int events_open(int dir, const char *file)
{
	return openat(dir, file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
		      0600);
}

/* file, old: EVENTS_FILE and EVENTS_OLD as seen from dir. Return: 0 or an errno. */
static inline int events_append(int dir, const char *file, const char *old, const char *line,
				size_t n)
{
	int fd = events_open(dir, file), code = 0;
	struct stat st;
	ssize_t written;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= EVENTS_FILE_MAX) {
		events_rotate(dir, file, old, fd);
		(void)close(fd);
		fd = events_open(dir, file);
	}
	if (fd < 0)
		return errno;
	written = write(fd, line, n);
	if (written != (ssize_t)n)
		code = written < 0 ? errno : ENOSPC;
	(void)close(fd);
	return code;
}

#endif
