/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an exec needs from the host, gathered before anything is joined: the container held by
 * pidfd, its configuration, filter and cgroup, the console socket.
 */
#include <fcntl.h>
#include <sched.h>

#include "base/fd.h"
#include "base/num.h"
#include "runtime/oci/exec_priv.h"
#include "runtime/seccomp_notify.h"

void oci_exec_free(struct oci_exec_job *job)
{
	oci_config_free(&job->config);
	oci_config_free(&job->loaded);
	oci_state_free(&job->state);
	seccomp_program_free(&job->filter);
	fd_reset(&job->notify);
	fd_reset(&job->target);
	fd_reset(&job->cgroup);
	fd_reset(&job->console);
	fd_reset(&job->show);
	fd_reset(&job->master);
	fd_reset(&job->sock);
	fd_reset(&job->pidfd);
}

/* "UID[:GID]": another user, without the groups of the container's. */
static int take_user(const char *text, struct oci_user *u, struct err *e)
{
	const char *colon = strchr(text, ':');
	char uid[16];
	uint64_t value;

	if (str_format(uid, sizeof(uid), "%.*s", colon ? (int)(colon - text) : 15, text) < 0 ||
	    num_parse_u64(uid, 0, UINT32_MAX - 1, &value, e) < 0)
		return e->code ? err_wrap(e, "--user")
			       : err_set(e, EINVAL, "--user \"%s\": not UID[:GID]", text);
	u->uid = (uint32_t)value;
	u->n_groups = 0;
	if (!colon)
		return 0;
	if (num_parse_u64(colon + 1, 0, UINT32_MAX - 1, &value, e) < 0)
		return err_wrap(e, "--user");
	u->gid = (uint32_t)value;
	return 0;
}

static int take_groups(struct oci_exec_job *job, struct err *e)
{
	const struct oci_strings *from = &job->o->additional_gids;
	struct oci_user *u = &job->process.user;
	gid_t *groups;
	uint64_t value;

	if (from->n == 0)
		return 0;
	groups = arena_alloc(&job->config.arena, u->n_groups + from->n, sizeof(*groups));
	if (!groups)
		return err_nomem(e);
	if (u->n_groups)
		memcpy(groups, u->groups, u->n_groups * sizeof(*groups));
	for (size_t i = 0; i < from->n; i++) {
		if (num_parse_u64(from->v[i], 0, UINT32_MAX - 1, &value, e) < 0)
			return err_wrap(e, "--additional-gids");
		groups[u->n_groups + i] = (gid_t)value;
	}
	u->groups = groups;
	u->n_groups += from->n;
	return 0;
}

static int take_env(struct oci_exec_job *job, struct err *e)
{
	const struct oci_strings *a = &job->process.env, *b = &job->o->env;
	const char **v;

	if (b->n == 0)
		return 0;
	v = arena_alloc(&job->config.arena, a->n + b->n + 1, sizeof(*v));
	if (!v)
		return err_nomem(e);
	for (size_t i = 0; i < a->n; i++)
		v[i] = a->v[i];
	for (size_t i = 0; i < b->n; i++)
		v[a->n + i] = b->v[i];
	job->process.env = (struct oci_strings){ v, a->n + b->n };
	return 0;
}

/* As runc and crun: into every set but the ambient one, which wants it inheritable. */
static int take_caps(struct oci_exec_job *job, struct err *e)
{
	struct creds_sets *s = &job->process.capabilities;

	for (size_t i = 0; i < job->o->caps.n; i++) {
		int number = creds_capability_parse(job->o->caps.v[i]);
		uint64_t bit;

		if (number < 0)
			return err_set(e, EINVAL, "--cap %s: no such capability",
				       job->o->caps.v[i]);
		bit = UINT64_C(1) << number;
		s->bounding |= bit;
		s->effective |= bit;
		s->permitted |= bit;
		s->inheritable |= s->ambient ? bit : 0;
		s->ambient |= s->ambient ? bit : 0;
	}
	return 0;
}

static int take_flags(struct oci_exec_job *job, struct err *e)
{
	const struct oci_exec_options *o = job->o;
	struct oci_process *p = &job->process;

	*p = job->config.process;
	p->args = o->args;
	p->terminal = o->tty;
	p->rows = p->columns = 0;
	p->no_new_privileges |= o->no_new_privs;
	if (o->cwd)
		p->cwd = o->cwd;
	if (o->apparmor)
		p->apparmor_profile = o->apparmor;
	if (o->process_label)
		p->selinux_label = o->process_label;
	if (o->user && take_user(o->user, &p->user, e) < 0)
		return -e->code;
	if (p->args.n == 0)
		return err_set(e, EINVAL, "exec: no program is given");
	if (p->cwd[0] != '/')
		return err_set(e, EINVAL, "--cwd %s: not an absolute path", p->cwd);
	if (take_groups(job, e) < 0 || take_env(job, e) < 0 || take_caps(job, e) < 0)
		return -e->code;
	return 0;
}

/* What process.json leaves out the container's process decides. */
static int take_file(struct oci_exec_job *job, struct err *e)
{
	const struct oci_process *own = &job->config.process;
	struct oci_process *p = &job->process;

	if (oci_process_load(job->o->process, &job->loaded, e) < 0)
		return err_wrap(e, "--process");
	*p = job->loaded.process;
	if (p->args.n == 0)
		return err_set(e, EINVAL, "--process %s: args: nothing to run", job->o->process);
	if (!p->cwd)
		p->cwd = own->cwd;
	if (!p->has_capabilities)
		p->capabilities = own->capabilities;
	if (p->n_rlimits == 0) {
		p->rlimits = own->rlimits;
		p->n_rlimits = own->n_rlimits;
	}
	if (!p->has_oom_score_adj) {
		p->has_oom_score_adj = own->has_oom_score_adj;
		p->oom_score_adj = own->oom_score_adj;
	}
	if (!p->apparmor_profile)
		p->apparmor_profile = own->apparmor_profile;
	if (!p->selinux_label)
		p->selinux_label = own->selinux_label;
	if (!p->has_io_priority) {
		p->has_io_priority = own->has_io_priority;
		p->io_class = own->io_class;
		p->io_priority = own->io_priority;
	}
	if (!p->scheduler.given)
		p->scheduler = own->scheduler;
	p->terminal |= job->o->tty;
	return 0;
}

static int check_status(struct oci_exec_job *job, const struct oci_container *c, struct err *e)
{
	enum oci_status status = oci_container_status(c);

	job->status = status;
	if (status == OCI_STOPPED || status == OCI_CREATING || c->pidfd < 0)
		return err_set(e, EINVAL, "cannot exec in a stopped container: %s is %s", c->id.s,
			       oci_status_name(status));
	if (status == OCI_PAUSED && !job->o->ignore_paused) {
		(void)err_set(e, EBUSY, "cannot exec in a paused container");
		return err_hint(e, "resume it, or use --ignore-paused");
	}
	return 0;
}

static int open_filter(struct oci_exec_job *job, struct err *e)
{
	CLEANUP_FD int root = -EBADF, cache = -EBADF;

	if (!job->config.seccomp)
		return 0;
	root = oci_root_open(job->rt, false, e);
	cache = root < 0 ? root : oci_seccomp_cache(root, e);
	if (cache < 0)
		return -e->code;
	if (seccomp_oci_load("config.json", job->config.seccomp, cache, &job->filter, e) < 0)
		return -e->code;
	if (!job->filter.notifies)
		return 0;
	job->notify = seccomp_notify_connect(job->config.seccomp_listener, e);
	return job->notify < 0 ? err_wrap(e, "linux.seccomp.listenerPath") : 0;
}

int oci_exec_open(const struct oci_runtime *rt, const struct oci_id *id,
		  const struct oci_exec_options *o, struct oci_exec_job *ret, struct err *e)
{
	struct oci_container c CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	int r;

	*ret = (struct oci_exec_job){ .rt = rt, .o = o };
	ret->config = ret->loaded = OCI_CONFIG_INIT;
	ret->notify = ret->target = ret->cgroup = ret->console = ret->show = ret->master =
		ret->sock = ret->pidfd = -EBADF;
	if ((r = oci_container_open(rt, id, OCI_LOOK, &c, e)) < 0 ||
	    (r = check_status(ret, &c, e)) < 0 ||
	    (r = oci_container_config(&c, &ret->config, e)) < 0)
		return r;
	r = o->process ? take_file(ret, e) : take_flags(ret, e);
	if (r < 0 ||
	    (r = oci_io_open(&o->io, ret->process.terminal, o->io.detach, &ret->console, &ret->show,
			     e)) < 0 ||
	    (r = open_filter(ret, e)) < 0)
		return r;
	ret->id = *id;
	ret->cgroup = o->cgroup ? oci_cgroup_open_below(&c.state.cgroup, o->cgroup, e)
				: oci_cgroup_open(&c.state.cgroup, e);
	if (ret->cgroup < 0)
		return ret->cgroup;
	r = ns_differing(c.pidfd, &ret->namespaces, e);
	if (r < 0)
		return r;
	ret->target = TAKE_FD(c.pidfd);
	ret->state = c.state;
	c.state = (struct oci_state){ .pid = 0 };
	return 0;
}
