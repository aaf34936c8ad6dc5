/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec's "security". Capabilities are written as capabilities(7) names them; the command line
 * is more lenient (spec_set_capabilities()).
 */
#include "runtime/spec_priv.h"

#include "runtime/creds.h"

#define SPEC(member) offsetof(struct jail_spec, member)
#define CAPABILITIES 64 /* bits of the set; creds_capability_name() knows which have a name */

static const char *const namespaces[] = {
	[SPEC_USERNS_AUTO] = "auto",
	[SPEC_USERNS_HOST] = "host",
	NULL,
};
const struct decode_words spec_userns_words = { namespaces, NULL };

static int unknown_capability(const struct decoder *d, const struct json *node, struct err *e)
{
	const char *names[CAPABILITIES];
	size_t n = 0;
	int nearest;

	for (int i = 0; i < CAPABILITIES; i++)
		if (creds_capability_name(i))
			names[n++] = creds_capability_name(i);
	(void)json_err(d->doc, node, e, EINVAL, "\"%.100s\": no such capability", node->text);
	nearest = ident_nearest(node->text, names, n);
	if (nearest >= 0)
		(void)err_hint(e, "did you mean \"%s\"?", names[nearest]);
	return -e->code;
}

static int decode_capability(const struct decoder *d, const struct json *node, void *base,
			     struct err *e)
{
	struct jail_spec *s = base;
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	for (int i = 0; i < CAPABILITIES; i++) {
		const char *name = creds_capability_name(i);
		uint64_t bit = UINT64_C(1) << i;

		if (!name || !str_eq(name, node->text))
			continue;
		if (s->security.capabilities & bit)
			return json_err(d->doc, node, e, EINVAL, "%s is listed twice", name);
		s->security.capabilities |= bit;
		return 0;
	}
	return unknown_capability(d, node, e);
}

static const struct decode_field fields[] = {
	{ .key = "userNamespace",
	  .decode = decode_word,
	  .offset = SPEC(security.user_namespace),
	  .words = &spec_userns_words },
	{ .key = "capabilities",
	  .decode = decode_array,
	  .flag = SPEC(security.has_capabilities),
	  .item = decode_capability },
	{ .key = "seccomp",
	  .decode = decode_text,
	  .offset = SPEC(security.seccomp),
	  .check = spec_check_seccomp },
	{ .key = "readonlyRoot", .decode = decode_bool, .offset = SPEC(security.readonly_root) },
	{ .key = "noNewPrivileges",
	  .decode = decode_bool,
	  .offset = SPEC(security.no_new_privileges),
	  .flag = SPEC(security.has_no_new_privileges) },
	{ .key = "timeNamespace", .decode = decode_bool, .offset = SPEC(security.time_namespace) },
	{ .key = "nesting", .decode = decode_bool, .offset = SPEC(security.nesting) },
	{ .key = "devices",
	  .decode = decode_array,
	  .item = spec_decode_device,
	  .max = LIMIT_DEVICES },
	{ .key = "shmSize",
	  .decode = decode_quantity,
	  .offset = SPEC(security.shm_size_bytes),
	  .min = 1,
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_positive_size },
};

const struct decode_table spec_security_table = { .fields = fields, .n = ARRAY_SIZE(fields) };
