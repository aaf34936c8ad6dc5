/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic of an instance by class over all its lives, for accounts:
 * STATE/instances/NAME/traffic.json has what lives that have ended have sent and received, the
 * kernel what the present one has. A life is added when it is torn down. What is lost: a life that
 * ended with the host, and what somebody's `nft flush ruleset` threw away.
 */
#ifndef JAIL_RUNTIME_TRAFFIC_H
#define JAIL_RUNTIME_TRAFFIC_H

#include "base/json.h"
#include "netsetup/network.h"

/* dir: the instance's directory. running: with the present life. */
int traffic_read(int dir, bool running, struct net_classes *ret, struct err *e);
/* At the end of a life, before its elements go. A failure is a warning. */
void traffic_keep(int dir, const struct net_plan *plan);
void traffic_to_json(const struct net_classes *c, struct json_out *o, const char *key);

#endif
