/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spec against a policy: who it is, and its processes. */
#include <fnmatch.h>

#include "runtime/policy_priv.h"

/* "FIELD: VALUE is not allowed by "KEY" of the policy". */
int policy_refuse(struct err *e, const char *field, const char *value, const char *key)
{
	(void)err_set(e, EACCES, "%s: %.200s: not in \"%s\" of the policy", field, value, key);
	return err_hint(e, "whoever runs this host decides what may be asked for");
}

int policy_refuse_flag(struct err *e, const char *field, const char *key)
{
	(void)err_set(e, EACCES, "%s: the policy doesn't allow \"%s\"", field, key);
	return err_hint(e, "whoever runs this host decides what may be asked for");
}

bool policy_has_pattern(const struct policy_list *l, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (fnmatch(l->v[i], text, 0) == 0)
			return true;
	return false;
}

bool policy_has_word(const struct policy_list *l, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], text))
			return true;
	return false;
}

/* As the list, and without one as the default. */
bool policy_has_word_or(const struct policy_list *l, const char *text, bool otherwise)
{
	return l->given ? policy_has_word(l, text) : otherwise;
}

/* ---- who, and from what */

static int check_identity(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	if (p->names.given && !policy_has_pattern(&p->names, s->name.s))
		return policy_refuse(e, "name", s->name.s, "names");
	/* What is nobody's is open to all that is nobody's: a policy with tenants wants one. */
	if (s->tenant.s[0] ? !policy_has_pattern(&p->tenants, s->tenant.s) : p->tenants.n > 0)
		return policy_refuse(e, "tenant", s->tenant.s[0] ? s->tenant.s : "none", "tenants");
	if (s->has_image && p->images.given && !policy_has_pattern(&p->images, s->image.s))
		return policy_refuse(e, "image", s->image.s, "images");
	if (s->rootfs && !policy_has_word(&p->rootfs, s->rootfs))
		return policy_refuse(e, "rootfs", s->rootfs, "rootfs");
	if (!policy_has_word_or(&p->modes, spec_mode_words.words[s->mode], true))
		return policy_refuse(e, "mode", spec_mode_words.words[s->mode], "modes");
	for (size_t i = 0; i < s->requires.n; i++)
		if (!policy_has_pattern(&p->instances, s->requires.v[i]))
			return policy_refuse(e, "requires", s->requires.v[i], "instances");
	return 0;
}

static int check_process(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	char text[16];

	/* What lets a program push others off the CPUs. */
	for (size_t i = 0; i < s->process.n_rlimits; i++) {
		int resource = s->process.rlimits[i].resource;
		const char *name = spec_rlimit_name(resource);

		if (!policy_has_word_or(&p->rlimits, name,
					resource != RLIMIT_NICE && resource != RLIMIT_RTPRIO))
			return policy_refuse(e, "process.rlimits", name, "rlimits");
	}
	if (s->process.has_oom_score_adj && s->process.oom_score_adj < p->oom_score_adj) {
		(void)str_format(text, sizeof(text), "%d", s->process.oom_score_adj);
		return policy_refuse(e, "process.oomScoreAdj", text, "oomScoreAdj");
	}
	return 0;
}

int policy_check(const struct policy *p, const struct jail_spec *spec, struct err *e)
{
	int r;

	if ((r = check_identity(p, spec, e)) < 0 || (r = check_process(p, spec, e)) < 0 ||
	    (r = policy_check_limits(p, spec, e)) < 0 || (r = policy_check_network(p, spec, e)) < 0)
		return r;
	return policy_check_security(p, spec, e);
}
