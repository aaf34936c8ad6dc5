/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environment, rights and working directory of the processes of an instance; see process.h. */
#include "runtime/process.h"

#include <sched.h>

#include "base/path.h"
#include "runtime/spec_priv.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int env_put(struct strv *env, const char *key, const char *value)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct err ignored = ERR_INIT;

	strbuf_addf(&b, "%s=%s", key, value);
	return strbuf_ok(&b, &ignored) < 0 ? -ENOMEM : spec_env_put(env, b.data);
}

int process_env(const struct jail_spec *spec, const struct creds_user *user, bool tty,
		const char *const *extra, struct strv *ret, struct err *e)
{
	CLEANUP_STRV struct strv env = { 0 };
	int r = strv_add(&env, DEFAULT_PATH);

	if (r == 0)
		r = env_put(&env, "HOME", user->home[0] ? user->home : "/");
	if (r == 0 && user->name[0])
		r = env_put(&env, "USER", user->name);
	if (r == 0)
		r = strv_add(&env, "container=jail");
	if (r == 0 && tty)
		r = strv_add(&env, "TERM=xterm");
	for (size_t i = 0; r == 0 && i < spec->process.env.n; i++)
		r = spec_env_put(&env, spec->process.env.v[i]);
	for (size_t i = 0; r == 0 && extra && extra[i]; i++)
		r = spec_env_put(&env, extra[i]);
	if (r < 0)
		return err_nomem(e);
	*ret = env;
	env = (struct strv){ 0 };
	return 0;
}

static int enter_cwd(void *arg, struct err *e)
{
	const char *cwd = arg;
	int r = path_enter(cwd);

	if (r == -EXDEV)
		return err_set(e, EPERM, "process.cwd: %s is outside of the instance", cwd);
	return r < 0 ? err_ret(e, r, "process.cwd: %s", cwd) : 0;
}

size_t process_rlimits(const struct jail_spec *spec, struct creds_rlimit ret[static LIMIT_RLIMITS])
{
	for (size_t i = 0; i < spec->process.n_rlimits && i < LIMIT_RLIMITS; i++) {
		const struct spec_rlimit *l = &spec->process.rlimits[i];

		ret[i] = (struct creds_rlimit){ l->resource, l->soft, l->hard };
	}
	return spec->process.n_rlimits < LIMIT_RLIMITS ? spec->process.n_rlimits : LIMIT_RLIMITS;
}

/* What PID 1 of a machine can give its services (systemd, HIGH_RLIMIT_NOFILE). Where root of the
 * host may not raise it, that is also all that a service of the host could have. */
#define SYSTEM_NOFILE 524288u

static void raise_system_limit(void)
{
	struct rlimit64 files;

	if (prlimit64(0, RLIMIT_NOFILE, NULL, &files) < 0 || files.rlim_max >= SYSTEM_NOFILE)
		return;
	files.rlim_max = SYSTEM_NOFILE;
	(void)prlimit64(0, RLIMIT_NOFILE, &files, NULL);
}

int process_raise_limits(const struct jail_spec *spec, struct err *e)
{
	struct creds_rlimit limits[LIMIT_RLIMITS];
	size_t n = process_rlimits(spec, limits);

	if (spec->mode == SPEC_MODE_SYSTEM)
		raise_system_limit();
	for (size_t i = 0; i < n; i++) {
		struct rlimit64 mine;
		int r;

		if (prlimit64(0, limits[i].resource, NULL, &mine) < 0)
			return err_sys(e, "read resource limit %d", limits[i].resource);
		if (limits[i].hard <= mine.rlim_max)
			continue;
		limits[i].soft = mine.rlim_cur;
		r = creds_set_rlimits(0, &limits[i], 1, e);
		if (r < 0)
			return err_wrap(e, "process.rlimits");
	}
	return 0;
}

void process_rights(const struct jail_spec *spec, const struct seccomp_program *filter,
		    const struct creds_user *user, const char *cwd, struct process_rights *ret)
{
	size_t n_rlimits = process_rlimits(spec, ret->rlimits);

	ret->creds = (struct creds){
		.user = *user,
		.capabilities = spec_capabilities(spec),
		.no_new_privileges = spec->security.no_new_privileges,
		.rlimits = ret->rlimits,
		.n_rlimits = n_rlimits,
		.filter = filter->n ? filter->filter : NULL,
		.n_filter = filter->n,
		.filter_flags = filter->flags,
		.umask = 022,
		.prepare = enter_cwd,
		.prepare_arg = (void *)(uintptr_t)(cwd ? cwd : spec->process.cwd),
	};
}

uint64_t process_namespaces(const struct jail_spec *spec)
{
	uint64_t ns = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

	if (spec->security.user_namespace == SPEC_USERNS_AUTO)
		ns |= CLONE_NEWUSER;
	if (spec_owns_network(spec))
		ns |= CLONE_NEWNET;
	if (spec->security.time_namespace)
		ns |= CLONE_NEWTIME;
	return ns;
}

int process_filter(struct jail *j, const struct jail_spec *spec, struct seccomp_program *ret,
		   struct err *e)
{
	uint64_t caps = spec_capabilities(spec);
	CLEANUP_FD int cache = path_make_dir_at(j->run, "seccomp", 0700, e);
	int r;

	if (cache < 0)
		return err_wrap(e, "seccomp cache");
	r = seccomp_program_load(spec->security.seccomp, caps, cache, ret, e);
	return r < 0 ? err_wrap(e, "security.seccomp") : r;
}
