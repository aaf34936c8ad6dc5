/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A layer as a tar stream, out of trees of an overlay: what is deleted becomes ".wh.NAME", and what
 * hides all that is below ".wh..wh..opq", as OCI has it. The same trees give the same bytes.
 */
#ifndef JAIL_IMAGES_LAYERWRITE_H
#define JAIL_IMAGES_LAYERWRITE_H

#include "base/ident.h"
#include "images/treediff.h"

struct layer_written {
	struct digest digest; /* of the stream: the layer's diff id */
	uint64_t bytes, skipped_sockets;
};
/* To `out`, from its place on. stack: only the trees that become the layer. -EPERM: a name that
 * means something else in a layer (".wh."). */
int layer_write(const struct tree_stack *stack, int out, struct layer_written *ret, struct err *e);

#endif
