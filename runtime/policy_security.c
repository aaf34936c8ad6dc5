/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a spec takes of the host, and its rights, against a policy. */
#include <sys/mount.h>

#include "runtime/creds.h"
#include "runtime/policy_priv.h"

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n > 0 && dir[n - 1] == '/') /* "/" itself */
		n--;
	return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* The longest of the paths that hold it decides: "/srv" read-only, "/srv/acme" not. */
static const struct policy_path *find_path(const struct policy *p, const char *source)
{
	const struct policy_path *found = NULL;

	for (size_t i = 0; i < p->n_host_paths; i++)
		if (is_below(source, p->host_paths[i].path) &&
		    (!found || strlen(p->host_paths[i].path) > strlen(found->path)))
			found = &p->host_paths[i];
	return found;
}

/* Others than root may write below a path that a policy allows, instances first of all: a link
 * there could lead anywhere, a file's mode could give power on the host. */
static int check_bind(const struct policy *p, const struct spec_mount *m, struct err *e)
{
	const struct policy_path *path = find_path(p, m->source);

	if (!path)
		return policy_refuse(e, "source", m->source, "hostPaths");
	if (path->read_only && !m->read_only)
		return err_set(e, EACCES, "options: %s is allowed to be read only: add \"ro\"",
			       m->source);
	if (!m->nosuid || !m->no_follow)
		return err_set(e, EACCES,
			       "options: a bind mount has to be \"nosuid\" and \"nofollow\"");
	if (m->idmap && !m->read_only)
		return err_set(e, EACCES,
			       "options: with \"idmap\" it would write as the host's "
			       "users: add \"ro\"");
	if (m->propagation & MS_SHARED)
		return err_set(e, EACCES, "options: no mount may be shared with the host");
	return 0;
}

static int check_mount(const struct policy *p, const struct spec_mount *m, struct err *e)
{
	switch (m->kind) {
	case SPEC_MOUNT_BIND:
		return check_bind(p, m, e);
	case SPEC_MOUNT_VOLUME:
		return p->volumes ? 0 : policy_refuse_flag(e, "type", "volumes");
	case SPEC_MOUNT_BLOCK:
		return policy_has_word(&p->block_devices, m->source)
			       ? 0
			       : policy_refuse(e, "source", m->source, "blockDevices");
	case SPEC_MOUNT_TMPFS:
		return 0;
	}
	return 0;
}

/* "mounts[0].source: ..." */
static int check_mounts(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	struct err why = ERR_INIT;
	int r;

	for (size_t i = 0; i < s->n_mounts; i++) {
		r = check_mount(p, &s->mounts[i], &why);
		if (r == 0)
			continue;
		(void)err_set(e, why.code, "mounts[%zu].%s", i, why.text);
		return why.hint[0] ? err_hint(e, "%s", why.hint) : r;
	}
	return 0;
}

/* What the policy lists, or less of it. */
static bool has_device(const struct policy *p, const struct spec_device *d)
{
	for (size_t i = 0; i < p->devices.n; i++) {
		CLEANUP_SPEC struct jail_spec one;
		struct err ignored = ERR_INIT;

		spec_init(&one);
		if (spec_add_device(&one, p->devices.v[i], &ignored) >= 0 &&
		    str_eq(one.security.devices[0].source, d->source) &&
		    (d->access & ~one.security.devices[0].access) == 0)
			return true;
	}
	return false;
}

static int check_rights(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	struct jail_spec plain = { .mode = s->mode,
				   .security = { .nesting = s->security.nesting } };
	uint64_t more = spec_capabilities(s) & ~(spec_capabilities(&plain) | p->capabilities);
	const char *word = spec_userns_words.words[s->security.user_namespace];

	if (!policy_has_word_or(&p->user_namespaces, word,
				s->security.user_namespace == SPEC_USERNS_AUTO))
		return policy_refuse(e, "security.userNamespace", word, "userNamespaces");
	for (int i = 0; more && i < 64; i++)
		if (more & UINT64_C(1) << i)
			return policy_refuse(e, "security.capabilities", creds_capability_name(i),
					     "capabilities");
	if (!policy_has_word_or(&p->seccomp, s->security.seccomp,
				str_eq(s->security.seccomp, "default")))
		return policy_refuse(e, "security.seccomp", s->security.seccomp, "seccomp");
	if (s->security.nesting && !p->nesting)
		return policy_refuse_flag(e, "security.nesting", "nesting");
	for (size_t i = 0; i < s->security.n_devices; i++)
		if (!has_device(p, &s->security.devices[i]))
			return policy_refuse(e, "security.devices", s->security.devices[i].source,
					     "devices");
	return check_mounts(p, s, e);
}

/* Files that root would read for whoever wrote the spec. */
static int check_source(const char *field, const struct spec_source *s, struct err *e)
{
	if (!s->file)
		return 0;
	(void)err_set(e, EACCES, "%s: %.200s: under a policy no file of the host is read", field,
		      s->file);
	return err_hint(e, "put the text itself into the spec");
}

static int check_files(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	int r;

	for (size_t i = 0; i < s->systemd.n_credentials; i++)
		if ((r = check_source("systemd.credentials", &s->systemd.credentials[i].value, e)) <
		    0)
			return r;
	if ((r = check_source("cloudInit.userData", &s->cloud_init.user_data, e)) < 0 ||
	    (r = check_source("cloudInit.metaData", &s->cloud_init.meta_data, e)) < 0 ||
	    (r = check_source("cloudInit.networkConfig", &s->cloud_init.network_config, e)) < 0 ||
	    (r = check_source("firstBoot.rootPassword", &s->first_boot.root_password, e)) < 0)
		return r;
	if ((s->hooks.n_prestart || s->hooks.n_poststop) && !p->hooks)
		return policy_refuse_flag(e, "hooks", "hooks");
	return 0;
}

int policy_check_security(const struct policy *p, const struct jail_spec *s, struct err *e)
{
	int r = check_rights(p, s, e);

	return r < 0 ? r : check_files(p, s, e);
}
