/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that the engine and jail-monitor share; see notify.h. */
#ifndef JAIL_RUNTIME_NOTIFY_PROTO_H
#define JAIL_RUNTIME_NOTIFY_PROTO_H

#define NOTIFY_AWAITED "awaited" /* in the run directory: READY=1 has not come yet */

#endif
