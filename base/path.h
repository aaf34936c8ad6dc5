/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one file that opens paths inside trees that somebody else may write to: root file systems,
 * volumes, images, the state tree (invariant 1 of docs/security.md: a path string becomes one fd,
 * once). All by openat2(2) with RESOLVE_NO_MAGICLINKS; a missing openat2 is an error, there is no
 * fall-back.
 *
 * IN_ROOT: `root` acts as "/", symlinks resolve inside it, ".." stops there. For image paths.
 * BENEATH: nothing may leave `dir`, no symlinks at all (RESOLVE_NO_SYMLINKS). For our own trees.
 */
#ifndef JAIL_BASE_PATH_H
#define JAIL_BASE_PATH_H

#include <sys/stat.h>

#include "base/err.h"

/* Return: fd (O_CLOEXEC added) or -errno; no struct err because many callers try and look. */
int path_open_in_root(int root, const char *path, int flags, mode_t mode);
int path_open_beneath(int dir, const char *path, int flags, mode_t mode);
/* As IN_ROOT, but no symlink in any position. For targets that the runtime chooses (/proc, /dev,
 * ...). */
int path_open_in_root_nolink(int root, const char *path, int flags, mode_t mode);

/* An absolute path of the host, no symlink in any position. */
int path_open_nolink(const char *path, int flags);

/*
 * Makes sure that `path` exists inside `root` as a directory (is_dir) or an empty regular file,
 * creating missing parts component by component with mkdirat/openat(O_EXCL|O_NOFOLLOW) on held fds
 * (rows 14, 22). Existing symlinks resolve inside root. Return: fd of it, O_PATH or, for a
 * file made just now, read-only; -ENOTDIR/-EISDIR for a wrong type.
 */
int path_make_in_root(int root, const char *path, bool is_dir, mode_t mode, struct err *e);

/* mkdir -p for our own trees, mode 0700 each. Checks that each directory on the way is root's (or
 * ours) and not writable by others, and that the last lets nobody else in (row 84); a symlink in
 * the way is an error. `path` absolute. Return: O_DIRECTORY|O_RDONLY fd. */
int path_make_state_dir(const char *path, struct err *e);
/* Same for one component below a held directory; existing is fine. */
int path_make_dir_at(int dir, const char *name, mode_t mode, struct err *e);

/*
 * Removes `name` and all below it, relative to a held directory: never follows a symlink, never
 * crosses a mount (openat2 NO_XDEV|NO_SYMLINKS, row 23), iterative (any depth, at a fixed
 * cost in memory and descriptors). A missing name is success.
 */
int path_remove_tree(int dir, const char *name, struct err *e);

/*
 * chdir(2), and a look at where that led (row 2, CVE-2024-21626): through a leaked descriptor it
 * can be outside of our root, which the raw getcwd(2) tells by "(unreachable)", with success, and
 * libraries hide. Return: 0; -EXDEV: outside; -errno.
 */
int path_enter(const char *dir);

/* Joins and normalises an absolute path lexically: no "//", ".", ".."; at most PATH_MAX. Return:
 * 0/-EINVAL. */
int path_clean(const char *path, char *ret, size_t n);

#endif
