/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an image's config asks for, for inspect. Strings are a stranger's; JSON escapes them. */
#include <netinet/in.h>

#include "base/json.h"
#include "images/manifest.h"

static void config_strings(struct json_out *o, const char *key, char *const *v, size_t n)
{
	json_out_array(o, key);
	for (size_t i = 0; i < n; i++)
		json_out_str(o, NULL, v[i]);
	json_out_array_end(o);
}

static void config_text(struct json_out *o, const char *key, const char *text)
{
	if (text)
		json_out_str(o, key, text);
	else
		json_out_null(o, key);
}

static void config_ports(struct json_out *o, const struct image_config *c)
{
	json_out_array(o, "exposedPorts");
	for (size_t i = 0; i < c->n_ports; i++) {
		char text[IMAGE_PORT_TEXT];

		image_port_format(&c->ports[i], text);
		json_out_str(o, NULL, text);
	}
	json_out_array_end(o);
}

static void config_health(struct json_out *o, const struct image_health *h)
{
	if (!h->is_set) {
		json_out_null(o, "healthcheck");
		return;
	}
	json_out_object(o, "healthcheck");
	json_out_bool(o, "disabled", h->disabled);
	json_out_bool(o, "shell", h->shell);
	config_strings(o, "test", h->test, h->n_test);
	json_out_u64(o, "intervalMs", h->interval_ms);
	json_out_u64(o, "timeoutMs", h->timeout_ms);
	json_out_u64(o, "startPeriodMs", h->start_period_ms);
	json_out_u64(o, "retries", h->retries);
	json_out_object_end(o);
}

void image_port_format(const struct image_port *p, char ret[static IMAGE_PORT_TEXT])
{
	(void)snprintf(ret, IMAGE_PORT_TEXT, "%u/%s", p->port,
		       p->protocol == IPPROTO_UDP    ? "udp"
		       : p->protocol == IPPROTO_SCTP ? "sctp"
						     : "tcp");
}

void image_config_to_json(const struct image_config *c, struct json_out *o, const char *key)
{
	if (!c) {
		json_out_null(o, key);
		return;
	}
	json_out_object(o, key);
	config_strings(o, "entrypoint", c->entrypoint, c->n_entrypoint);
	config_strings(o, "cmd", c->cmd, c->n_cmd);
	config_strings(o, "env", c->env, c->n_env);
	config_text(o, "user", c->user);
	config_text(o, "workingDir", c->working_dir);
	config_text(o, "stopSignal", c->stop_signal);
	json_out_object(o, "labels");
	for (size_t i = 0; i < c->n_labels; i++)
		json_out_str(o, c->labels[i].key, c->labels[i].value);
	json_out_object_end(o);
	config_ports(o, c);
	config_strings(o, "volumes", c->volumes, c->n_volumes);
	config_health(o, &c->health);
	json_out_object_end(o);
}
