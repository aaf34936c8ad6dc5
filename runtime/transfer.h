/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance in one file, for another host: images/transfer.h is what the file looks like, and
 * this what is in it. jail-export.json:
 *
 *     format, version   "jail-export", 1
 *     id, createdMs     of the instance
 *     idCount           how many ids it has of its own; 0: it has the host's
 *     provisioned       its first boot is behind it
 *     image             what the image was called
 *     imageConfig       whether image.json is there
 *     layers            of the image, bottom first: digest, bytes of its stream, and whether it is
 *                       in the file
 *     snapshots         each after the one that it stands on: name ("" = it has none and is only
 *                       stood on), parent (a number in this list, or null: the image), and the rest
 *                       of its record
 *     head              the one that the files of now stand on, or null
 */
#ifndef JAIL_RUNTIME_TRANSFER_H
#define JAIL_RUNTIME_TRANSFER_H

#include "images/snapshot.h"
#include "images/transfer.h"
#include "runtime/jail.h"

#define TRANSFER_DOCUMENT_MAX ((size_t)1 << 20)

struct transfer_layer {
	struct digest digest;
	uint64_t bytes;
	bool included; /* the first of several that are the same */
};

struct transfer_snapshot {
	struct snapshot record; /* without ids */
	int parent; /* -1: the image */
};

struct transfer_document {
	struct jail_name id;
	uint64_t created_ms;
	uint32_t id_count;
	bool provisioned;
	struct image_ref image;
	bool image_config;
	struct transfer_layer layers[LIMIT_LAYERS];
	size_t n_layers;
	struct transfer_snapshot *snapshots; /* owned */
	size_t n_snapshots;
	int head; /* -1 */
};
void transfer_document_free(struct transfer_document *d);
#define CLEANUP_TRANSFER_DOCUMENT CLEANUP(transfer_document_free)
void transfer_document_write(const struct transfer_document *d, struct json_out *o);
/* Pure; the text is a stranger's. -EBADMSG; -EOPNOTSUPP: another version. */
int transfer_document_parse(const char *text, size_t n, struct transfer_document *ret,
			    struct err *e);

/* ---- export ---- */

struct export_options {
	int out; /* borrowed */
	bool compress;
	const struct jail_name *snapshot; /* the files as of this one; NULL: as they are now */
	bool no_snapshots; /* of the files only what they are now */
	bool no_layers;
	const struct digest *have; /* the other side has these layers */
	size_t n_have;
};
struct exported {
	uint64_t bytes;
	size_t layers, layers_left_out, snapshots;
	uint64_t frozen_us; /* 0: it wasn't running */
};
/* A running one stands still for a copy of its files, which is then written; one that is down can't
 * be started meanwhile. As of instance_snapshot_create(). */
int instance_export(struct jail *j, const struct jail_name *name, const struct export_options *o,
		    struct exported *ret, struct err *e);

/* ---- import ---- */

struct instance_import {
	int in; /* borrowed */
	const struct jail_name *name; /* NULL: as it was called */
	bool keep_id;
	bool trust; /* its spec may reach the host */
	struct import_request import; /* limits */
};
struct instance_imported {
	struct jail_name name;
	size_t layers, layers_known, snapshots;
	struct image_ref image; /* that was recorded; "" = the name was there */
};
/*
 * Everything in the file is a stranger's. The instance appears whole, with ids, addresses and
 * leases of this host, or not at all. -EEXIST: the name, or the id; -ENOENT: a layer, a volume or a
 * network is neither here nor in the file: all are named; -EPERM: the spec reaches the host: what,
 * is named.
 */
int instance_import(struct jail *j, const struct instance_import *o, struct instance_imported *ret,
		    struct err *e);

#endif
