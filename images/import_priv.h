/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of an import, in order: unpack_jobs.c runs confined children, blobs.c reads what an
 * archive of images holds, plan.c finds out which images are meant and what they consist of,
 * import_layers.c unpacks what the store hasn't got, import.c puts it into the store.
 */
#ifndef JAIL_IMAGES_IMPORT_PRIV_H
#define JAIL_IMAGES_IMPORT_PRIV_H

#include "images/manifest.h"
#include "images/store_priv.h"

/* ---- children (unpack_child.c, unpack_jobs.c) ---- */

struct unpack_child {
	const struct unpacker *how; /* borrowed */
	pid_t pid; /* 0 = none */
	int pidfd;
	int report; /* our end */
};
#define UNPACK_CHILD_INIT ((struct unpack_child){ .pidfd = -EBADF, .report = -EBADF })

struct unpack_fds {
	int archive; /* borrowed, as the others */
	int tree; /* -EBADF: UNPACK_DECODE has none */
	int split; /* -EBADF: none is wanted */
	bool has_mount; /* the tree is in `mount`, which nobody has attached anywhere */
	int mount; /* borrowed; for one child only: in its mount namespace it covers ... */
	int mount_at; /* ... this directory; borrowed */
};

/* Starts one with its request. */
int unpack_child_start(const struct unpacker *how, const struct unpack_request *request,
		       const struct unpack_fds *with, struct unpack_child *ret, struct err *e);
/* Its next message. Return: 0; negative when there is none: why it ended. */
int unpack_child_receive(struct unpack_child *c, struct unpack_message *ret, struct err *e);
/* The two parts of that: a datagram of whatever kind. Return: its length, also when that is more
 * than n. And the reason in a message of UNPACK_FAILED. */
ssize_t unpack_child_hear(struct unpack_child *c, void *ret, size_t n, struct err *e);
int unpack_child_failed(const struct unpack_message *m, struct err *e);
/* Ends it if it has not ended by itself. */
void unpack_child_stop(struct unpack_child *c);

/*
 * The one attribute that it may ask for, on directories of its own tree (unpack_opaque.c, row 39).
 * They are noted while it runs and marked when it has ended: nothing is opened by name in a tree
 * that a stranger's parser still changes, and what a later member put in a directory's place is
 * seen for what it is. It may ask for OPAQUE_BYTES_MAX of names.
 */
#define OPAQUE_BYTES_MAX ((size_t)16 << 20)
struct opaque_list {
	struct strbuf names; /* each with its NUL; owned */
};
int opaque_note(struct opaque_list *l, const struct unpack_opaque *said, struct err *e);
/* Return: 1 the tree was changed, 0 not. */
int opaque_apply(const struct opaque_list *l, int tree, struct err *e);
void opaque_free(struct opaque_list *l);

/* A child whose archive is a pipe that we write to (unpack_feed.c). */
struct unpack_feed {
	struct unpack_child child;
	int pipe; /* owned */
	bool done; /* it said so */
	struct opaque_list opaque;
	struct unpack_result result; /* once it is done */
};
#define UNPACK_FEED_INIT ((struct unpack_feed){ .child = UNPACK_CHILD_INIT, .pipe = -EBADF })
/* with: but for the archive. */
int unpack_feed_start(struct unpack_feed *f, const struct unpacker *how,
		      const struct unpack_request *request, const struct unpack_fds *with,
		      struct err *e);
/* Return: 1; 0: it was done before it had read all of this. */
int unpack_feed_write(struct unpack_feed *f, const void *data, size_t n, struct err *e);
/* No more comes: until it is done. */
int unpack_feed_end(struct unpack_feed *f, struct err *e);
void unpack_feed_free(struct unpack_feed *f);

struct unpack_job {
	struct unpack_fds fds;
	enum unpack_mode mode;
	bool sha512; /* of the archive, is wanted too */
	struct unpack_progress said; /* by the child, last */
	struct unpack_result result; /* once it is done */
	struct opaque_list opaque; /* freed at the end of unpack_jobs_run() */
	/* Called when it is done: looks at the result. Return: 0; negative ends all. */
	int (*done)(struct unpack_job *job, struct err *e);
	void *arg;
};

/*
 * Runs all of them, several at a time. The limits hold for their sum. The first that fails ends the
 * others. total_in: for the progress, 0 unknown.
 */
struct unpack_work {
	const struct unpacker *how;
	const struct import_request *req;
	const struct import_limits *limits;
};
int unpack_jobs_run(const struct unpack_work *work, struct unpack_job *jobs, size_t n,
		    struct import_progress *progress, struct err *e);

/* A split file, uncompressed by a child (split_child.c). in->arg: struct unpacker. */
int split_input_child(const struct split_input *in, struct split_feed **ret, struct err *e);

/* ---- an archive of images, or a layout (blobs.c) ---- */

struct blobs {
	int dir; /* borrowed */
	bool flat; /* members are files of a directory, by blob_name; else a tree */
};

/* Opens a member by its name there: a regular file, through no more than a few links of the flat
 * kind. Return: fd and *ret_size; -ENOENT with a text; -EPERM for a name that can't be one. */
int blobs_open(const struct blobs *b, const char *member, uint64_t *ret_size, struct err *e);
bool blobs_have(const struct blobs *b, const char *member);

struct document {
	char *text; /* owned */
	size_t n;
	struct digest digest; /* of the text */
};
void document_free(struct document *d);
#define CLEANUP_DOCUMENT CLEANUP(document_free)
int blobs_read(const struct blobs *b, const char *member, struct document *ret, struct err *e);

/* The member that holds a digest's blob: "blobs/sha256/HEX", or "HEX" as `skopeo copy ... dir:`
 * has it. */
#define BLOB_MEMBER_MAX (sizeof("blobs//") + sizeof(struct blob_digest))
void blobs_member_name(const struct blobs *b, const struct blob_digest *digest,
		       char ret[static BLOB_MEMBER_MAX]);
/* Reads the document of a descriptor and checks its size and digest. by: who named it, for the
 * error. */
int blobs_read_descriptor(const struct blobs *b, const struct descriptor *d, const char *by,
			  struct document *ret, struct err *e);

/* ---- which images (plan.c, plan_oci.c, plan_docker.c) ---- */

struct plan_layer {
	char *member; /* owned; NULL for one that was unpacked already */
	bool described; /* by a manifest that gives digest and size of the blob */
	struct blob_digest blob;
	uint64_t size;
};

struct plan {
	struct image_ref *names; /* owned; at least one */
	size_t n_names;
	struct digest manifest; /* the manifest's; unset when there is none */
	struct document config;
	struct image_config parsed;
	struct plan_layer *layers; /* owned, parsed.n_layers of them */
};

struct plan_list {
	struct plan *v; /* owned */
	size_t n, cap;
	size_t bytes; /* of config documents */
};

void plan_list_free(struct plan_list *l);
#define CLEANUP_PLANS CLEANUP(plan_list_free)
/* A new plan in the list, zeroed, its config read and parsed; doc is taken. file: the document's
 * name in errors. n_layers: of the manifest. */
int plan_add(struct plan_list *l, const char *file, struct document *doc, size_t n_layers,
	     struct plan **ret, struct err *e);
/* One more name that the archive gives the image. */
int plan_name(struct plan *p, const char *name, struct err *e);

/* All images that the request asks for. -EBADMSG, -ENOENT, -ENOTUNIQ with a list. */
int plans_make(const struct blobs *b, const struct import_request *req, struct plan_list *ret,
	       struct err *e);
int plans_of_layout(const struct blobs *b, const struct import_request *req,
		    const struct platform *platform, struct plan_list *ret, struct err *e);
/* An image's manifest (its document is borrowed). by: the file or descriptor. */
int plan_of_manifest(const struct blobs *b, const char *by, const struct document *doc,
		     struct plan_list *ret, struct plan **ret_plan, struct err *e);
int plans_of_docker(const struct blobs *b, const struct import_request *req,
		    const struct document *doc, struct plan_list *ret, struct err *e);

/* ---- into the store (import_layers.c, import.c) ---- */

struct staged_layer {
	struct digest digest;
	char name[24]; /* in the staging directory; "" once it was moved */
};

struct import {
	struct image_store *store;
	const struct import_request *req;
	struct import_limits limits;
	struct staging staging;
	struct import_progress progress;
	struct digest archive; /* unset for a directory */
	uint64_t archive_bytes;
	struct staged_layer *staged; /* owned */
	size_t n_staged, cap_staged;
	unsigned counter; /* names the staged layers */
};

/* Runs children for all of them. */
int import_unpack(struct import *im, struct unpack_job *jobs, size_t n, struct err *e);
/* A new layer's directory in the staging directory, with an empty tree. Return: fd of it. */
int import_stage_layer(struct import *im, struct staged_layer *ret, int *ret_tree, struct err *e);
/* Its split file, beside the tree. Return: fd. */
int import_stage_split(int dir, struct err *e);
/* The layer was unpacked into the directory `dir`: writes its layer.json and notes it. */
int import_staged(struct import *im, const struct staged_layer *layer, int dir,
		  const struct unpack_result *result, struct err *e);
/* Staged layers into layers/, under the store's lock. One that another import has put there
 * meanwhile is as good. */
int import_move_layers(struct import *im, struct err *e);
/* With the defaults for what isn't asked for. */
int import_limits_complete(const struct import_limits *asked, struct import_limits *ret,
			   struct err *e);
/* Unpacks the layers of the plan that are neither in the store nor staged. */
int import_layers(struct import *im, const struct blobs *b, const struct plan *plan, struct err *e);
/* size_bytes and members: the sum of its layers. */
int image_count(const struct image_store *s, struct image *image, struct err *e);

#endif
