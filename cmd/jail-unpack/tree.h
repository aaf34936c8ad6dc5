/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the files of a layer. Writes below the root that it is given and nowhere else: every lookup
 * is one component relative to a held directory, by openat2(2) without symlinks (rows 33 to 37).
 *
 * The directories from the root to where the last member went are kept open. Members come sorted by
 * directory, so that most need no lookup at all. A directory gets owner and mode at once (we hold
 * CAP_DAC_OVERRIDE) and what later members would disturb, its times and its default ACL, through
 * that same fd when it is left: bottom-up, never by path. One that is entered again gets back
 * what it had when it is left again. So nothing is remembered about directories that were left.
 */
#ifndef JAIL_UNPACK_TREE_H
#define JAIL_UNPACK_TREE_H

#include <sys/stat.h>

#include "images/entry.h"

struct tree_meta {
	mode_t mode; /* permission bits with setuid, setgid, sticky */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
};

struct tree_dir {
	int fd;
	char name[ENTRY_COMPONENT_MAX + 1];
	struct timespec mtime; /* set when it is left */
	void *acl; /* default ACL, set when it is left; owned */
	size_t acl_len;
};

struct tree;
/* tree_top() hides what lower layers have in it. Return: 0, negative. */
typedef int tree_opaque_fn(const struct tree *t, void *arg, struct err *e);

/* What is called `name` in tree_top() is about to be removed for a later member. */
typedef int tree_replace_fn(const struct tree *t, const char *name, void *arg, struct err *e);

struct tree {
	struct tree_dir dirs[ENTRY_DEPTH_MAX + 1]; /* [0] is the root */
	size_t n;
	bool default_acls; /* there was one */
	tree_opaque_fn *opaque; /* NULL: there are no lower layers */
	void *opaque_arg;
	bool scratch; /* nothing that has to be on disk in the end */
	bool exact; /* the root has any mode, hard links may be of anything but directories, and no
		       parent is missing */
	bool in_use; /* it was there before, with files of its own: the root's attributes stay, and
			no directory makes way for something else, nor the other way round */
	char temp[32]; /* of tree_begin_file(), in tree_top(); "": there is none */
	tree_replace_fn *replace; /* NULL: nobody wants to know */
	void *replace_arg;
};

/* Takes root_fd. */
void tree_init(struct tree *t, int root_fd);
/* Leaves all directories and writes everything back (syncfs). */
int tree_finish(struct tree *t, struct err *e);
/* Closes what is open. */
void tree_abandon(struct tree *t);

/*
 * Each of these enters the parent directory of `name` (missing ones are made: 0755, root, time 0),
 * and puts the new file in the place of whatever is there; a directory over a directory keeps its
 * members. -EPERM: a parent is not a directory, or the root was to become something else.
 */

/* Return: 0, and tree_top() is the directory. */
int tree_make_dir(struct tree *t, const struct entry_name *name, const struct tree_meta *meta,
		  struct err *e);
/* Return: fd for writing, new and empty, mode 0600, the caller's. */
int tree_make_file(struct tree *t, const struct entry_name *name, struct err *e);
/* The same in two steps, for a tree in use: under another name, which tree_place_file() changes, or
 * tree_drop_file() removes. */
#define TREE_TEMP_PREFIX ".jail-cp."
int tree_begin_file(struct tree *t, const struct entry_name *name, struct err *e);
int tree_place_file(struct tree *t, const struct entry_name *name, struct err *e);
void tree_drop_file(struct tree *t);
/* All of it, at that place. */
int tree_write(int fd, const void *data, size_t n, off_t at, struct err *e);
int tree_make_symlink(struct tree *t, const struct entry_name *name, const char *target,
		      const struct tree_meta *meta, struct err *e);
/* type: S_IFCHR, S_IFBLK, S_IFIFO. */
int tree_make_node(struct tree *t, const struct entry_name *name, mode_t type, dev_t dev,
		   const struct tree_meta *meta, struct err *e);
/* The target must be a regular file of this tree. */
int tree_make_link(struct tree *t, const struct entry_name *name, const struct entry_name *target,
		   struct err *e);

/*
 * Whiteouts (tree_whiteout.c) are about lower layers only, in whatever order they come: what this
 * layer has itself of that name stays, and a directory of it becomes opaque.
 */
int tree_make_whiteout(struct tree *t, const struct entry_name *name, struct err *e);
/* The directory is made, if need be, as a missing parent is. */
int tree_make_opaque(struct tree *t, const struct entry_name *name, struct err *e);

/* Owner and mode of an open file; times come last, after its extended attributes. */
int tree_set_owner(int fd, const struct tree_meta *meta, struct err *e);
int tree_set_times(int fd, const struct timespec *mtime, struct err *e);
/* The directory that was entered last. */
int tree_top(const struct tree *t);
/* Default ACL of that directory, for when it is left. Takes acl. */
void tree_set_default_acl(struct tree *t, void *acl, size_t n);

#endif
