/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that look into stacks of trees share. */
#ifndef JAIL_IMAGES_TREEDIFF_PRIV_H
#define JAIL_IMAGES_TREEDIFF_PRIV_H

#include "base/str.h"
#include "images/treecopy_priv.h"
#include "images/treediff.h"

/* One directory of a stack: what the trees have there that are seen, top first. */
struct tree_level {
	struct tree_part {
		int fd; /* owned */
		const struct tree_layer *layer;
		struct stat st; /* of the directory */
	} * v; /* owned */
	size_t n;
	bool opaque; /* of none more below, though there may be */
};
void tree_level_free(struct tree_level *l);
#define CLEANUP_LEVEL CLEANUP(tree_level_free)

/* The root of a stack. */
int tree_level_root(const struct tree_stack *s, struct tree_level *ret, struct err *e);

/* What a level has under a name. */
struct tree_node {
	enum tree_node_kind { TREE_NONE, TREE_WHITEOUT, TREE_FILE, TREE_DIRECTORY } kind;
	struct stat st; /* with the owners as they are seen */
	const struct tree_part
		*part; /* of the level: the tree that has it, or the upmost of them */
	struct tree_level below; /* of a directory; owned */
};
static inline void tree_node_free(struct tree_node *n)
{
	tree_level_free(&n->below);
}
#define CLEANUP_NODE CLEANUP(tree_node_free)
/* Return: 0 and *ret; what vanishes meanwhile is not there. */
int tree_level_look(const struct tree_level *l, const char *name, struct tree_node *ret,
		    struct err *e);
/* Adds the names that the first n trees of a level have, whiteouts among them. */
int tree_level_names(const struct tree_level *l, size_t n, struct strv *ret, struct err *e);
/* Sorts, and leaves one of each. */
void tree_names_sort(struct strv *names);

/* treediff_file.c: 1 they differ, 0. Both of one kind. */
int tree_file_differs(const char *name, const struct tree_node *a, const struct tree_node *b,
		      struct err *e);

#endif
