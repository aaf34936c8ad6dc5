/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_IMAGES_TRANSFER_PRIV_H
#define JAIL_IMAGES_TRANSFER_PRIV_H

#include "images/import_priv.h"
#include "images/transfer.h"

struct transfer_child {
	const struct unpacker *unpacker;
	struct import_limits limits; /* all of them */
	struct unpack_fds fds; /* but for the archive */
	enum unpack_mode mode;
	struct id_shift shift;
};
/* Reads the part through a child of its own. */
int transfer_unpack(struct transfer_reader *r, const char *part, const struct transfer_child *how,
		    struct unpack_result *ret, struct err *e);

#endif
