/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of `jail export`: one tar (ustar), written in one pass and read in one, so that it may
 * be a pipe. Its members, in this order:
 *
 *     jail-export.json      what there is (runtime/transfer.h)
 *     spec.json             the instance's spec
 *     image.json            the config of its image, where there is one
 *     layers/HEX/NNNNNN     the stream of a layer, byte for byte (images/split.h)
 *     snapshots/N/NNNNNN    a snapshot's files (layer_write_exact())
 *     upper/NNNNNN          and those of now
 *     sums.json             size and sha256 of each of these, as it is in here
 *
 * The last four kinds are parts: each is cut into pieces, members of at most TRANSFER_PIECE_MAX
 * bytes with numbers from 000000 on, because a tar wants sizes before and a stream knows them
 * afterwards. A part is what its pieces are one after the other, compressed (zstd) or not, which
 * shows. So `tar xOf FILE upper | zstd -d | tar t` needs no jail (GNU tar takes a directory's name
 * for all that is in it).
 *
 * What comes in is a stranger's. The reader knows of each member what its header has to be, and
 * compares all 512 bytes: there is no parser of tar here that could be misled. Texts are bounded
 * and parsed as JSON; parts go unread into confined children (transfer_unpack.c), which unpack
 * them as they unpack images. A layer gets into the store by the digest that its child computed; a
 * part of an instance's files becomes visible only after sums.json was compared with what came.
 */
#ifndef JAIL_IMAGES_TRANSFER_H
#define JAIL_IMAGES_TRANSFER_H

#include "images/layerwrite.h"
#include "images/store.h"

#define TRANSFER_DOCUMENT "jail-export.json"
#define TRANSFER_SPEC "spec.json"
#define TRANSFER_CONFIG "image.json"
#define TRANSFER_SUMS "sums.json"
#define TRANSFER_UPPER "upper"
#define TRANSFER_NAME_MAX 88 /* of a part: with its pieces' numbers a name of ustar */
#define TRANSFER_PIECE_MAX (1u << 20)
#define TRANSFER_PARTS_MAX 2048

struct transfer_sum {
	char name[TRANSFER_NAME_MAX];
	uint64_t bytes;
	struct digest sha256;
};

/* "layers/HEX", "snapshots/N" */
void transfer_layer_name(const struct digest *layer, char ret[static TRANSFER_NAME_MAX]);
void transfer_snapshot_name(size_t i, char ret[static TRANSFER_NAME_MAX]);

/* ---- out ---- */

struct transfer_writer;
/* out: borrowed. compress: the parts. */
int transfer_begin(int out, bool compress, struct transfer_writer **ret, struct err *e);
int transfer_text(struct transfer_writer *w, const char *name, const void *text, size_t n,
		  struct err *e);
int transfer_part_begin(struct transfer_writer *w, const char *name, struct err *e);
layer_sink_fn transfer_part_data; /* arg: the writer */
int transfer_part_end(struct transfer_writer *w, struct err *e);
/* Writes sums.json and the end; without it the file is none. */
int transfer_end(struct transfer_writer *w, struct err *e);
uint64_t transfer_bytes(const struct transfer_writer *w);
void transfer_writer_free(struct transfer_writer **w);
#define CLEANUP_TRANSFER_WRITER CLEANUP(transfer_writer_free)

/* ---- in ---- */

struct transfer_reader;
/* in: borrowed. Reads the first header: -EMEDIUMTYPE: it is no such file. */
int transfer_open(int in, struct transfer_reader **ret, struct err *e);
void transfer_reader_free(struct transfer_reader **r);
#define CLEANUP_TRANSFER_READER CLEANUP(transfer_reader_free)
/* The next member, which has to be this one, of at most `max` bytes. *ret: the caller's. */
int transfer_read_text(struct transfer_reader *r, const char *name, size_t max, char **ret,
		       size_t *ret_n, struct err *e);
/* The next part, which has to be this one, in pieces. Return: what sink returned below 0; 0. */
int transfer_read_part(struct transfer_reader *r, const char *name, layer_sink_fn *sink, void *arg,
		       struct err *e);
/* sums.json, which has to be right, and the end of the file. */
int transfer_read_end(struct transfer_reader *r, struct err *e);

/* ---- sums.json (transfer_sums.c); pure ---- */

struct transfer_sums {
	struct transfer_sum *v; /* owned */
	size_t n, room;
};
void transfer_sums_free(struct transfer_sums *s);
int transfer_sums_add(struct transfer_sums *s, const struct transfer_sum *sum, struct err *e);
void transfer_sums_write(const struct transfer_sums *s, struct json_out *o);
/* -EBADMSG: the text speaks of something else, or of another sha256; which, is said. */
int transfer_sums_check(const struct transfer_sums *s, const char *text, size_t n, struct err *e);

/* ---- parts into trees, by a confined child (transfer_unpack.c) ---- */

struct transfer_tree {
	const struct unpacker *unpacker;
	const struct import_limits *limits; /* 0 = default */
	int mount_at; /* borrowed: with `mount`, any directory; of no other meaning */
	int mount; /* borrowed: what holds `tree`, attached nowhere; -EBADF: the tree is somewhere
		    */
	int tree; /* borrowed: an empty directory */
	struct id_shift {
		uint32_t to, count;
	} shift; /* as of struct unpack_request */
};
int transfer_unpack_tree(struct transfer_reader *r, const char *part,
			 const struct transfer_tree *to, struct err *e);

/* ---- layers into the store (transfer_layers.c) ---- */

struct transfer_layers;
/* import: limits. Borrowed, as the store is. */
int transfer_layers_begin(struct image_store *s, const struct import_request *import,
			  struct transfer_layers **ret, struct err *e);
/* Reads the layer's part. One that the store has is passed over. -EBADMSG: it is another one. */
int transfer_layers_read(struct transfer_layers *l, struct transfer_reader *r,
			 const struct digest *layer, struct err *e);
/* What was read appears in the store. gc must not run until somebody uses it. */
int transfer_layers_settle(struct transfer_layers *l, struct err *e);
void transfer_layers_free(struct transfer_layers **l);
#define CLEANUP_TRANSFER_LAYERS CLEANUP(transfer_layers_free)

#endif
