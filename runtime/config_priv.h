/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the configuration that have a file of their own. */
#ifndef JAIL_RUNTIME_CONFIG_PRIV_H
#define JAIL_RUNTIME_CONFIG_PRIV_H

#include "runtime/decode_priv.h"
#include "runtime/jail.h"

#define CONFIG(member) offsetof(struct jail_config, member)

/* "network"; the base is struct jail_config. */
extern const struct decode_table config_network_table;
void config_network_defaults(struct jail_config *c);
int config_network_judge(struct jail_config *c, struct err *e);

#endif
