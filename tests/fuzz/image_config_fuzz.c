/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser of config documents. A refusal says why and gives nothing; what is accepted keeps the
 * promises of images/manifest.h. Its history's texts then go through the writer and come back.
 * Seeds: tests/fuzz/corpus/image_config.
 */
#include <netinet/in.h>

#include "base/clock.h"
#include "images/manifest_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
	if (!condition) {
		(void)fprintf(stderr, "image_config_fuzz: %s\n", what);
		abort();
	}
}

static void check_strings(char *const *v, size_t n)
{
	require(n <= DOC_LIST_MAX, "entries");
	for (size_t i = 0; i < n; i++)
		require(v[i] && strlen(v[i]) <= DOC_STRING_MAX, "a string");
}

static void check_ports(const struct image_config *c)
{
	require(c->n_ports <= LIMIT_PORTS, "ports");
	for (size_t i = 0; i < c->n_ports; i++) {
		const struct image_port *p = &c->ports[i];

		require(p->port > 0, "a port");
		require(p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP ||
				p->protocol == IPPROTO_SCTP,
			"a protocol");
		require(i == 0 || p[-1].port < p->port ||
				(p[-1].port == p->port && p[-1].protocol < p->protocol),
			"ports in order, each once");
	}
}

static void check_health(const struct image_health *h)
{
	check_strings(h->test, h->n_test);
	require(!(h->disabled && h->shell), "one kind of health check");
	require(h->n_test == 0 || h->is_set, "a test that is set");
	require(!h->is_set || h->disabled == (h->n_test == 0), "a command, or none");
	require(!h->shell || h->n_test == 1, "one command for a shell");
	require(h->interval_ms <= (uint64_t)INT64_MAX / 1000000 + 1, "an interval");
}

static void check_config(const struct image_config *c)
{
	check_strings(c->entrypoint, c->n_entrypoint);
	check_strings(c->cmd, c->n_cmd);
	check_strings(c->env, c->n_env);
	for (size_t i = 0; i < c->n_env; i++)
		require(c->env[i][0] != '=' && strchr(c->env[i], '='), "NAME=value");
	check_strings(c->volumes, c->n_volumes);
	for (size_t i = 1; i < c->n_volumes; i++)
		require(strcmp(c->volumes[i - 1], c->volumes[i]) < 0, "volumes in order");
	require(c->n_labels <= DOC_LIST_MAX, "labels");
	for (size_t i = 0; i < c->n_labels; i++)
		require(c->labels[i].key && c->labels[i].value &&
				(i == 0 || strcmp(c->labels[i - 1].key, c->labels[i].key) < 0),
			"labels in order");
	require(!c->user || c->user[0], "a user");
	require(!c->working_dir || c->working_dir[0], "a directory");
	require(!c->stop_signal || c->stop_signal[0], "a signal");
	check_ports(c);
	check_health(&c->health);
	require(c->n_layers <= LIMIT_LAYERS && c->n_history <= DOC_LIST_MAX, "layers and history");
	for (size_t i = 0; i < c->n_layers; i++)
		require(strspn(c->layers[i].hex, "0123456789abcdef") == 64 &&
				c->layers[i].hex[64] == '\0',
			"a digest");
}

/* What jail itself writes of these layers reads back the same. */
static void check_written(const struct image_config *c)
{
	static const struct platform host = { "linux", "amd64", "" };
	const char *by = c->n_history && c->history[0].created_by ? c->history[0].created_by : "";
	CLEANUP_IMAGE_CONFIG struct image_config back = { .n_layers = 0 };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err e = ERR_INIT;

	require(image_config_write(&host, c->created_ms, by, c->layers, c->n_layers, &b, &e) == 0,
		"written");
	require(image_config_parse("back", b.data, b.len, &back, &e) == 0, "read back");
	require(back.has_created && back.created_ms == c->created_ms, "the time");
	require(back.n_layers == c->n_layers &&
			memcmp(back.layers, c->layers, c->n_layers * sizeof(*c->layers)) == 0,
		"the layers");
	require(str_eq(back.history[0].created_by ? back.history[0].created_by : "", by),
		"the history");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_IMAGE_CONFIG struct image_config c = { .n_layers = 0 };
	struct err e = ERR_INIT;
	int r = image_config_parse("fuzz", (const char *)data, size, &c, &e);

	if (r < 0) {
		require(e.code == -r && e.text[0], "an error without a reason");
		require(c.n_layers == 0 && !c.history && !c.labels, "nothing of a refused config");
		return 0;
	}
	require(e.code == 0, "an error with a success");
	check_config(&c);
	check_written(&c);
	return 0;
}
