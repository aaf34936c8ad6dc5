/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Healthcheck: Docker's, which OCI images carry too (not in the specification). */
#include "images/config_priv.h"

#define HEALTH_NS_PER_MS 1000000

/* Times are nanoseconds; a time that was said never becomes 0, which means "not said". */
static int health_ns(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	uint64_t ns = 0;
	int r = doc_u64(doc, v, &ns, e);

	if (r == 0)
		*(uint64_t *)target = ns / HEALTH_NS_PER_MS + (ns % HEALTH_NS_PER_MS > 0);
	return r;
}

static int health_retries(const struct json_doc *doc, const struct json *v, void *target,
			  struct err *e)
{
	uint64_t n = 0;
	int r = doc_u64(doc, v, &n, e);

	if (r < 0)
		return r;
	if (n > INT32_MAX)
		return json_err(doc, v, e, ERANGE, "more than %d", INT32_MAX);
	*(uint32_t *)target = (uint32_t)n;
	return 0;
}

/* Takes the first word off. */
static void health_shift(struct image_health *h)
{
	free(h->test[0]);
	h->n_test--;
	for (size_t i = 0; i < h->n_test; i++)
		h->test[i] = h->test[i + 1];
}

static int health_test(const struct json_doc *doc, const struct json *v, void *target,
		       struct err *e)
{
	struct image_health *h = target;
	const char *how;
	int r = doc_strings(doc, v, DOC_LIST_MAX, &h->test, &h->n_test, e);

	if (r < 0 || h->n_test == 0) /* an empty one is inherited, and there is nobody to give it */
		return r;
	how = h->test[0];
	h->is_set = true;
	h->disabled = str_eq(how, "NONE");
	h->shell = str_eq(how, "CMD-SHELL");
	if (!h->disabled && !h->shell && !str_eq(how, "CMD"))
		return json_err(doc, v->first, e, EINVAL,
				"expected \"NONE\", \"CMD\" or \"CMD-SHELL\", not \"%.64s\"", how);
	if (!h->disabled && h->n_test < 2)
		return json_err(doc, v, e, EINVAL, "no command behind \"%s\"", how);
	if (h->shell && h->n_test > 2)
		return json_err(doc, v, e, EINVAL, "more than one command behind \"CMD-SHELL\"");
	if (h->disabled)
		doc_strings_free(&h->test, &h->n_test);
	else
		health_shift(h);
	return 0;
}

static const struct doc_field health_fields[] = {
	{ "Test", health_test, 0, false },
	{ "Interval", health_ns, offsetof(struct image_health, interval_ms), false },
	{ "Timeout", health_ns, offsetof(struct image_health, timeout_ms), false },
	{ "StartPeriod", health_ns, offsetof(struct image_health, start_period_ms), false },
	{ "Retries", health_retries, offsetof(struct image_health, retries), false },
};

int config_health(const struct json_doc *doc, const struct json *v, void *target, struct err *e)
{
	struct image_config *c = target;

	return doc_fields(doc, v, health_fields, ARRAY_SIZE(health_fields), &c->health, e);
}
