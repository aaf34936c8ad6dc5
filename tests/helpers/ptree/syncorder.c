/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	syncorder DIRECTORY COMMAND...
 *
 * Would the state directory DIRECTORY survive a power cut at any moment of the command? A model of
 * a file system that keeps what it was told to keep: what a file holds is on disk after fsync() of
 * that file, names, modes, owners and attributes after fsync() of the file or directory, and all
 * of it after syncfs(). Outside of the image store the latter is as ext4 and XFS have it: with
 * fsync() of anything, all names and attributes of before are on disk. Checked are, whichever
 * process does it:
 *
 *  1. A rename to a visible place (below DIRECTORY, but not in staging/, trash/, rebuild/ or under
 *     a name that begins with a dot) happens when all that it makes visible is on disk.
 *  2. It happens when what was renamed into layers/, configs/ or images/ before is on disk: an
 *     image's name never gets there before its layers.
 *  3. Nothing leaves layers/ or configs/ before the names that went from images/ are gone on disk.
 *  4. When the command ends well, all renames that it has made visible are on disk.
 *
 * Prints what is not so, and how many renames were checked. Status: 1 when something is not so,
 * else the command's. What was written before the command began counts as written.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ptree.h"

#define INODES_MAX 65536
#define RENAME_EXCHANGE_FLAG 2 /* RENAME_EXCHANGE */

/* What is not on disk. */
struct inode {
	dev_t dev;
	ino_t ino;
	bool data; /* what a file holds, not only its names and attributes */
	bool store; /* in the image store, or who knows where */
	bool visible; /* a directory in which something became visible */
	char name[160]; /* as it was called then */
};
static struct inode dirty[INODES_MAX];
static size_t n_dirty;

static const char *top; /* DIRECTORY */
static unsigned checked, wrong;

/* Below DIRECTORY: "" for it, else the path relative to it. NULL: elsewhere. */
static const char *below(const char *directory, char real[PATH_MAX])
{
	size_t n = strlen(top);

	if (!realpath(directory, real) || strncmp(real, top, n) != 0)
		return NULL;
	return real[n] == '/' ? real + n + 1 : real[n] ? NULL : real + n;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static struct inode *dirty_find(const struct stat *st)
{
	for (size_t i = 0; i < n_dirty; i++)
		if (dirty[i].dev == st->st_dev && dirty[i].ino == st->st_ino)
			return &dirty[i];
	return NULL;
}

static struct inode *dirty_add(const char *path, const struct stat *st)
{
	struct inode *i = dirty_find(st);
	char real[PATH_MAX];
	const char *where;

	if (i)
		return i;
	if (n_dirty == INODES_MAX)
		errx(125, "too many files");
	i = &dirty[n_dirty++];
	where = below(path, real);
	*i = (struct inode){ .dev = st->st_dev, .ino = st->st_ino };
	i->store = !where || begins(where, "staging") || begins(where, "layers") ||
		   begins(where, "configs") || begins(where, "images");
	(void)snprintf(i->name, sizeof(i->name), "%s", where ? where : path);
	return i;
}

static void dirty_add_path(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		(void)dirty_add(path, &st);
}

static void dirty_add_fd(pid_t pid, uint64_t fd, bool data)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, (int)fd);
	if (stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		dirty_add(path, &st)->data |= data;
}

static void synced(pid_t pid, uint64_t fd, bool whole)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, (int)fd);
	if (stat(path, &st) < 0)
		return;
	for (size_t i = 0; i < n_dirty;) {
		if (dirty[i].dev == st.st_dev &&
		    (whole || dirty[i].ino == st.st_ino || (!dirty[i].data && !dirty[i].store)))
			dirty[i] = dirty[--n_dirty];
		else
			i++;
	}
}

/* ---- paths, as the process means them and as we can use them ---- */

/* Return: false when there is none. */
static bool path_at(const struct ptree_call *c, uint64_t dirfd, uint64_t at, char ret[PATH_MAX])
{
	char name[PATH_MAX - 64];
	const char *self = "/proc/self/";

	if (!ptree_string(c->pid, at, name, sizeof(name)))
		return false;
	if (strncmp(name, self, strlen(self)) == 0)
		(void)snprintf(ret, PATH_MAX, "/proc/%d/%s", c->pid, name + strlen(self));
	else if (name[0] == '/')
		(void)snprintf(ret, PATH_MAX, "/proc/%d/root%s", c->pid, name);
	else if ((int)dirfd == AT_FDCWD)
		(void)snprintf(ret, PATH_MAX, "/proc/%d/cwd/%s", c->pid, name);
	else
		(void)snprintf(ret, PATH_MAX, "/proc/%d/fd/%d%s%s", c->pid, (int)dirfd,
			       name[0] ? "/" : "", name);
	return true;
}

static void parent_of(const char *path, char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	(void)snprintf(ret, PATH_MAX, "%.*s/.", (int)(slash - path), path);
}

/* ---- the checks ---- */

static void complain(const char *what, const char *path, const char *why)
{
	wrong++;
	(void)printf("%s %s: %s\n", what, path, why);
}

static void check_tree(const char *path, const char *shown)
{
	struct inode *i;
	struct stat st;
	struct dirent *ent;
	DIR *d;

	if (lstat(path, &st) < 0)
		return;
	i = dirty_find(&st);
	if (i)
		complain("becomes visible", shown, "and is not on disk:");
	if (i)
		(void)printf("    %s\n", i->name);
	if (!S_ISDIR(st.st_mode) || !(d = opendir(path)))
		return;
	while ((ent = readdir(d))) {
		char sub[PATH_MAX];

		if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0)
			continue;
		(void)snprintf(sub, sizeof(sub), "%s/%s", path, ent->d_name);
		check_tree(sub, shown);
	}
	(void)closedir(d);
}

/* The directory's own part of DIRECTORY, and whether what has that name there is visible. */
static bool is_visible(const char *path, char shown[PATH_MAX])
{
	char parent[PATH_MAX], real[PATH_MAX];
	const char *where, *name = strrchr(path, '/') + 1;

	parent_of(path, parent);
	where = below(parent, real);
	if (!where || begins(where, "staging") || begins(where, "trash"))
		return false;
	(void)snprintf(shown, PATH_MAX, "/%s/%s", where, name);
	return !strstr(shown, "/.") && !strstr(shown, "/rebuild/");
}

static void check_others(const char *path, const char *shown)
{
	char parent[PATH_MAX];
	struct stat st;

	parent_of(path, parent);
	if (stat(parent, &st) < 0)
		return;
	for (size_t i = 0; i < n_dirty; i++)
		if (dirty[i].visible && dirty[i].store &&
		    (dirty[i].dev != st.st_dev || dirty[i].ino != st.st_ino)) {
			complain("becomes visible", shown, "before a change is on disk in:");
			(void)printf("    %s\n", dirty[i].name);
		}
}

static void check_names(const char *path)
{
	char parent[PATH_MAX], real[PATH_MAX];
	const char *where;

	parent_of(path, parent);
	where = below(parent, real);
	if (!where || (strcmp(where, "layers") != 0 && strcmp(where, "configs") != 0))
		return;
	for (size_t i = 0; i < n_dirty; i++)
		if (strcmp(dirty[i].name, "images") == 0)
			complain("goes", path, "before the names that went are gone on disk");
}

/* Its parent has changed. */
static void changed(const char *path, bool appears)
{
	char parent[PATH_MAX], shown[PATH_MAX];
	struct inode *i;
	struct stat st;

	parent_of(path, parent);
	if (stat(parent, &st) < 0)
		return;
	i = dirty_add(parent, &st);
	i->visible |= appears && is_visible(path, shown);
}

/* ---- system calls ---- */

struct names {
	bool is; /* it is such a call */
	bool exchange;
	char from[PATH_MAX], to[PATH_MAX]; /* from: "" for one that only makes or removes `to` */
};

static void names_of(const struct ptree_call *c, struct names *n)
{
	const uint64_t *a = c->args, cwd = (uint64_t)AT_FDCWD;

	n->is = true;
	n->exchange = false;
	n->from[0] = '\0';
	switch (c->nr) {
	case SYS_renameat2:
		n->exchange = a[4] & RENAME_EXCHANGE_FLAG;
		/* fall through */
	case SYS_renameat:
	case SYS_linkat:
		n->is = path_at(c, a[0], a[1], n->from) && path_at(c, a[2], a[3], n->to);
		break;
	case SYS_rename:
	case SYS_link:
		n->is = path_at(c, cwd, a[0], n->from) && path_at(c, cwd, a[1], n->to);
		break;
	case SYS_symlinkat:
		n->is = path_at(c, a[1], a[2], n->to);
		break;
	case SYS_mkdirat:
	case SYS_mknodat:
	case SYS_unlinkat:
		n->is = path_at(c, a[0], a[1], n->to);
		break;
	case SYS_mkdir:
	case SYS_unlink:
	case SYS_rmdir:
		n->is = path_at(c, cwd, a[0], n->to);
		break;
	case SYS_symlink:
		n->is = path_at(c, cwd, a[1], n->to);
		break;
	default:
		n->is = false;
	}
}

static bool is_rename(uint64_t nr)
{
	return nr == SYS_rename || nr == SYS_renameat || nr == SYS_renameat2 || nr == SYS_linkat ||
	       nr == SYS_link;
}

static void before_names(const struct ptree_call *c, const struct names *n)
{
	char shown[PATH_MAX];

	check_names(n->from[0] ? n->from : n->to);
	if (!is_rename(c->nr) || !is_visible(n->to, shown))
		return;
	checked++;
	check_tree(n->from, shown);
	if (n->exchange)
		check_tree(n->to, shown);
	check_others(n->to, shown);
}

static void after_names(const struct ptree_call *c, const struct names *n)
{
	changed(n->to, is_rename(c->nr));
	if (n->from[0] && c->nr != SYS_linkat && c->nr != SYS_link)
		changed(n->from, n->exchange);
	if (c->nr == SYS_mkdirat || c->nr == SYS_mkdir)
		dirty_add_path(n->to);
}

/* An open that makes a file. *path: which. */
static bool is_creation(const struct ptree_call *c, char path[PATH_MAX])
{
	uint64_t flags = c->nr == SYS_openat ? c->args[2] : c->nr == SYS_open ? c->args[1] : 0;

	if (c->nr == SYS_openat2 && !ptree_bytes(c->pid, c->args[2], &flags, sizeof(flags)))
		return false;
	if (!(flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)
		return false;
	return c->nr == SYS_open ? path_at(c, (uint64_t)AT_FDCWD, c->args[0], path)
				 : path_at(c, c->args[0], c->args[1], path);
}

static void after_write(const struct ptree_call *c)
{
	char path[PATH_MAX];

	switch (c->nr) {
	case SYS_write:
	case SYS_writev:
	case SYS_pwrite64:
	case SYS_pwritev:
	case SYS_pwritev2:
	case SYS_sendfile:
	case SYS_ftruncate:
	case SYS_fallocate:
		dirty_add_fd(c->pid, c->args[0], true);
		break;
	case SYS_fsetxattr:
	case SYS_fremovexattr:
	case SYS_fchmod:
	case SYS_fchown:
		dirty_add_fd(c->pid, c->args[0], false);
		break;
	case SYS_copy_file_range:
	case SYS_splice:
		dirty_add_fd(c->pid, c->args[2], true);
		break;
	case SYS_ioctl:
		if (c->args[1] == FICLONE || c->args[1] == FICLONERANGE)
			dirty_add_fd(c->pid, c->args[0], true);
		break;
	case SYS_setxattr:
	case SYS_lsetxattr:
		if (path_at(c, (uint64_t)AT_FDCWD, c->args[0], path))
			dirty_add_path(path);
		break;
	case SYS_utimensat:
		if (!c->args[1])
			dirty_add_fd(c->pid, c->args[0], false);
		/* fall through */
	case SYS_fchmodat:
	case SYS_fchownat:
		if (c->args[1] && path_at(c, c->args[0], c->args[1], path))
			dirty_add_path(path);
		break;
	case SYS_fsync:
	case SYS_fdatasync:
		synced(c->pid, c->args[0], false);
		break;
	case SYS_syncfs:
		synced(c->pid, c->args[0], true);
		break;
	}
}

static enum ptree_do at_call(const struct ptree_call *c, void *arg)
{
	static struct names names;
	static char path[PATH_MAX];
	struct stat st;

	(void)arg;
	names_of(c, &names);
	if (c->entry && names.is)
		before_names(c, &names);
	/* A file that is there isn't made. */
	if (c->entry && is_creation(c, path))
		c->note[0] = stat(path, &st) < 0;
	if (c->entry || c->result < 0)
		return PTREE_GO;
	if (names.is)
		after_names(c, &names);
	if (c->note[0] && is_creation(c, path)) {
		changed(path, false);
		dirty_add_fd(c->pid, (uint64_t)c->result, false);
	}
	after_write(c);
	return PTREE_GO;
}

int main(int argc, char **argv)
{
	char real[PATH_MAX];
	int status;

	if (argc < 3 || !realpath(argv[1], real))
		errx(125, "usage: syncorder DIRECTORY COMMAND...");
	top = real;
	status = ptree_run(argv + 2, at_call, NULL);
	for (size_t i = 0; status == 0 && i < n_dirty; i++)
		if (dirty[i].visible)
			complain("at the end", dirty[i].name, "a change is not on disk");
	(void)printf("%u renames checked, %u wrong\n", checked, wrong);
	if (wrong)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
