/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of image_config_parse() in files of their own. Each adds to the config that `target` is. */
#ifndef JAIL_IMAGES_CONFIG_PRIV_H
#define JAIL_IMAGES_CONFIG_PRIV_H

#include "images/manifest_priv.h"

/* The member "config": how to run the image. (config_run.c) */
int config_run(const struct json_doc *doc, const struct json *v, void *target, struct err *e);
/* Its "ExposedPorts" (config_ports.c) and "Healthcheck" (config_health.c). */
int config_ports(const struct json_doc *doc, const struct json *v, void *target, struct err *e);
int config_health(const struct json_doc *doc, const struct json *v, void *target, struct err *e);

#endif
