/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One parser for each notation that both the JSON spec and the command line know. A setter changes
 * nothing when it fails.
 */
#include "runtime/spec_priv.h"

#include <sys/mount.h>

#include "base/num.h"
#include "runtime/creds.h"

/* Index of the entry with the name of "K=V" (whose length without '=' is n), or env->n. */
static size_t env_find(const struct strv *env, const char *key_value, size_t n)
{
	size_t i = 0;

	while (i < env->n && strncmp(env->v[i], key_value, n + 1) != 0)
		i++;
	return i;
}

int spec_env_put(struct strv *env, const char *key_value)
{
	size_t i = env_find(env, key_value, strcspn(key_value, "="));
	char *copy;

	if (i == env->n)
		return strv_add(env, key_value);
	copy = strdup(key_value);
	if (!copy)
		return -ENOMEM;
	free(env->v[i]);
	env->v[i] = copy;
	return 0;
}

int spec_env_set(struct strv *env, const char *key_value, struct err *e)
{
	size_t n = strcspn(key_value, "=");
	CLEANUP_FREE char *name = strndup(key_value, n);

	if (!name)
		return err_nomem(e);
	if (key_value[n] != '=')
		return err_set(e, EINVAL, "\"%.100s\": expected NAME=VALUE", key_value);
	if (spec_check_env_name(name, e) < 0)
		return -e->code;
	if (env->n >= LIMIT_ENV && env_find(env, key_value, n) == env->n)
		return err_set(e, E2BIG, "more than %d variables", LIMIT_ENV);
	return spec_env_put(env, key_value) < 0 ? err_nomem(e) : 0;
}

int spec_set_env(struct jail_spec *s, const char *key_value, struct err *e)
{
	return spec_env_set(&s->process.env, key_value, e);
}

/* Comma-separated options; `options` is cut up. */
static int mount_options(struct spec_mount *m, char *options, struct err *e)
{
	char *option;

	while ((option = strsep(&options, ","))) {
		int r = spec_mount_option(m, option, e);

		if (r < 0)
			return r;
	}
	return 0;
}

int spec_add_mount_text(struct jail_spec *s, const char *text, struct err *e)
{
	CLEANUP(spec_mount_free) struct spec_mount m = { .kind = SPEC_MOUNT_BIND };
	CLEANUP_FREE char *copy = strdup(text);
	char *rest = copy, *source, *destination;
	int kind, r;

	if (!copy)
		return err_nomem(e);
	source = strsep(&rest, ":");
	kind = decode_find(spec_mount_words.words, source);
	if (kind < 0 || kind == SPEC_MOUNT_BIND)
		kind = SPEC_MOUNT_BIND;
	else if (kind != SPEC_MOUNT_TMPFS)
		source = strsep(&rest, ":");
	destination = strsep(&rest, ":");
	if (!source || !destination || !*source || !*destination || (rest && strchr(rest, ':')))
		return err_set(e, EINVAL,
			       "\"%.200s\": expected SOURCE:DESTINATION[:OPTION,...], "
			       "volume:NAME:DESTINATION[:OPTION,...], "
			       "tmpfs:DESTINATION[:OPTION,...] or "
			       "block:DEVICE:DESTINATION:fs=TYPE[,OPTION,...]",
			       text);
	spec_mount_init(&m, (enum spec_mount_kind)kind);
	if (m.kind != SPEC_MOUNT_TMPFS && spec_mount_set_source(&m, source, e) < 0) {
		(void)err_wrap(e, "source");
		return err_hint(e, "a directory of the host: /SOURCE:DESTINATION; a volume: "
				   "volume:NAME:DESTINATION");
	}
	r = spec_mount_set_destination(&m, destination, e);
	if (r < 0)
		return err_wrap(e, "destination");
	if ((rest && mount_options(&m, rest, e) < 0) || spec_mount_check(&m, e) < 0)
		return -e->code;
	return spec_mount_add(s, &m, e);
}

int spec_set_user(struct jail_spec *s, const char *text, struct err *e)
{
	char *copy;
	int r = spec_check_user(text, e);

	if (r < 0)
		return r;
	copy = strdup(text);
	if (!copy)
		return err_nomem(e);
	free(s->process.user);
	s->process.user = copy;
	return 0;
}

int spec_set_capabilities(struct jail_spec *s, const char *text, struct err *e)
{
	uint64_t set = spec_capabilities(s);
	bool add = text[0] == '+';

	if (str_eq(text, "all")) {
		set = creds_capabilities_known();
	} else if (str_eq(text, "none")) {
		set = 0;
	} else if (add || text[0] == '-') {
		int number = creds_capability_parse(text + 1);

		if (number < 0)
			return err_set(e, EINVAL, "\"%.100s\": no such capability", text + 1);
		set = add ? set | UINT64_C(1) << number : set & ~(UINT64_C(1) << number);
	} else {
		return err_set(e, EINVAL,
			       "\"%.100s\": expected \"+CAPABILITY\", \"-CAPABILITY\", \"all\" or "
			       "\"none\"",
			       text);
	}
	s->security.has_capabilities = true;
	s->security.capabilities = set;
	return 0;
}

int spec_set_rlimit(struct jail_spec *s, const char *name, uint64_t soft, uint64_t hard,
		    struct err *e)
{
	struct spec_rlimit *limit = NULL;
	int resource = spec_rlimit_resource(name, e);

	if (resource < 0)
		return resource;
	if ((soft > INT64_MAX && soft != UINT64_MAX) || (hard > INT64_MAX && hard != UINT64_MAX))
		return err_set(e, ERANGE, "%s: at most %lld, or unlimited", name,
			       (long long)INT64_MAX);
	if (soft > hard)
		return err_set(e, EINVAL, "%s: the soft limit is over the hard limit", name);
	for (size_t i = 0; i < s->process.n_rlimits; i++)
		if (s->process.rlimits[i].resource == resource)
			limit = &s->process.rlimits[i];
	if (!limit) {
		limit = spec_grow(&s->process.rlimits, s->process.n_rlimits, sizeof(*limit));
		if (!limit)
			return err_nomem(e);
		s->process.n_rlimits++;
	}
	*limit = (struct spec_rlimit){ resource, soft, hard };
	return 0;
}

static struct spec_label *find_label(struct jail_spec *s, const char *key)
{
	for (size_t i = 0; i < s->n_labels; i++)
		if (str_eq(s->labels[i].key, key))
			return &s->labels[i];
	return NULL;
}

int spec_set_label(struct jail_spec *s, const char *key_value, struct err *e)
{
	size_t n = strcspn(key_value, "=");
	CLEANUP_FREE char *key = strndup(key_value, n);
	CLEANUP_FREE char *value = NULL;
	struct spec_label *label;

	if (!key)
		return err_nomem(e);
	if (key_value[n] != '=')
		return err_set(e, EINVAL, "\"%.100s\": expected KEY=VALUE", key_value);
	if (spec_check_label_key(key, e) < 0 || spec_check_label_value(key_value + n + 1, e) < 0)
		return -e->code;
	value = strdup(key_value + n + 1);
	if (!value)
		return err_nomem(e);
	label = find_label(s, key);
	if (!label) {
		if (s->n_labels >= LIMIT_LABELS)
			return err_set(e, E2BIG, "more than %d labels", LIMIT_LABELS);
		label = spec_grow(&s->labels, s->n_labels, sizeof(*label));
		if (!label)
			return err_nomem(e);
		label->key = TAKE_PTR(key);
		s->n_labels++;
	}
	free(label->value);
	label->value = TAKE_PTR(value);
	return 0;
}

int spec_set_restart(struct jail_spec *s, const char *text, struct err *e)
{
	static const char counted[] = "on-failure:";
	uint64_t retries = 0;
	int policy = decode_find(spec_restart_words.words, text);

	if (str_starts(text, counted)) {
		if (num_parse_u64(text + strlen(counted), 1, 1000000, &retries, e) < 0)
			return -e->code;
		policy = SPEC_RESTART_ON_FAILURE;
	}
	if (policy < 0)
		return err_set(e, EINVAL,
			       "\"%.40s\": expected \"no\", \"always\" or \"on-failure[:RETRIES]\"",
			       text);
	s->restart.policy = (enum spec_restart)policy;
	s->restart.max_retries = retries;
	return 0;
}
