/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of tree.h. */
#ifndef JAIL_UNPACK_TREE_PRIV_H
#define JAIL_UNPACK_TREE_PRIV_H

#include "cmd/jail-unpack/tree.h"

/* Makes the directory of the first n components the top. */
int tree_enter(struct tree *t, const struct entry_name *name, size_t n, struct err *e);

/* Of all but the last one. -EPERM: the name is the root's. */
int tree_enter_parent(struct tree *t, const struct entry_name *name, struct err *e);

/* Something stands in the way of a new file in the top: the later member wins. */
int tree_clear(struct tree *t, const char *name, struct err *e);

static inline const char *tree_last(const struct entry_name *name)
{
	return name->n ? entry_component(name, name->n - 1) : ".";
}

/* Whether `name` in the top is a whiteout. Only those that we made are: an archive's own character
 * devices 0:0 are left out (row 39). */
bool tree_is_whiteout(const struct tree *t, const char *name);
/* The top hides what lower layers have in it, where there are any. */
int tree_became_opaque(struct tree *t, struct err *e);

#endif
