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

/*
 * The same trees as they are, for an upper directory elsewhere (UNPACK_TREE of unpack_proto.h):
 * whiteouts are overlayfs's own (character devices 0:0), opaque directories have its attribute,
 * holes stay, any name is one, hard links may be of anything, and a socket is an empty file with an
 * attribute that only the unpacker understands. -E2BIG, -ENAMETOOLONG: deeper, or longer, than that
 * takes.
 */
#define LAYER_SOCKET_XATTR "trusted.jail.socket" /* "y" */
typedef int layer_sink_fn(const void *data, size_t n, void *arg, struct err *e);
int layer_write_exact(const struct tree_stack *stack, layer_sink_fn *sink, void *arg,
		      struct layer_written *ret, struct err *e);

#endif
