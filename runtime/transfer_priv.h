/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JAIL_RUNTIME_TRANSFER_PRIV_H
#define JAIL_RUNTIME_TRANSFER_PRIV_H

#include "runtime/snapshot_priv.h"
#include "runtime/transfer.h"

#define TRANSFER_PROVISIONED "provisioned" /* of the instance's directory (provision.h) */

/* -EPERM: it reaches the host, and `trust` doesn't say that it may; -ENOENT: volumes or networks
 * that aren't here. */
int transfer_check_spec(struct jail *j, const struct jail_spec *s, bool trust, struct err *e);

#endif
