/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an exec needs from the host, gathered before it joins: the instance held by pidfd, its spec,
 * filter and cgroup, stdio. Afterwards the state tree is closed: the process that enters holds no
 * directory of the host (row 3).
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/file.h"
#include "namespaces/mountfd.h"
#include "runtime/console.h"
#include "runtime/exec_priv.h"
#include "runtime/process.h"
#include "runtime/sealed.h"

void exec_close_child_stdio(struct exec_job *job)
{
	for (int i = 0; i < 3; i++)
		if (job->child_stdio[i] > 2)
			fd_reset(&job->child_stdio[i]);
}

void exec_job_free(struct exec_job *job)
{
	exec_close_child_stdio(job);
	for (int i = 0; i < 3; i++)
		fd_reset(&job->ours[i]);
	fd_reset(&job->target);
	fd_reset(&job->cgroup);
	fd_reset(&job->sock);
	fd_reset(&job->master);
	fd_reset(&job->pidfd);
	seccomp_program_free(&job->filter);
	spec_free(&job->spec);
}

/*
 * By a read-only mount of the host's node: it is read and written as usual, but with the host's
 * user namespace root inside could otherwise fchmod(2) the node of the whole machine.
 */
static int open_null(struct err *e)
{
	CLEANUP_FD int node =
		mountfd_clone(AT_FDCWD, "/dev/null", false, MOUNT_ATTR_RDONLY, 0, -EBADF, e);
	char path[64];
	int fd;

	if (node < 0)
		return node;
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", node);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open /dev/null") : fd;
}

/* Or nothing at all. */
static bool is_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

/* Both are the same open pipe, file or socket. */
static bool is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/*
 * Our own fds are never handed over, but their bytes go through a pipe: with a terminal the program
 * could type (row 59), a file it could open anew by /proc/self/fd, to read one that it was to add
 * to, or write to one that it was to read. A pipe of ours it may open again, as /dev/stdout: it is
 * given to its user, which only somebody with an id of the instance can do (exec_stdio()).
 */
static int stdio_one(struct exec_job *job, int fd, bool wanted, struct err *e)
{
	int p[2];

	if (!wanted || is_null(fd)) {
		job->child_stdio[fd] = open_null(e);
		return job->child_stdio[fd] < 0 ? job->child_stdio[fd] : 0;
	}
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	job->child_stdio[fd] = p[fd == 0 ? 0 : 1];
	job->ours[fd] = p[fd == 0 ? 1 : 0];
	if (fchown(p[0], job->base_uid, job->base_uid) < 0)
		return err_sys(e, "chown of a pipe");
	return 0;
}

/* Where both of ours are one ("2>&1"), so are the program's: through two pipes the order in which
 * it wrote would be lost. */
static int share_output(struct exec_job *job, struct err *e)
{
	job->child_stdio[2] = fcntl(job->child_stdio[1], F_DUPFD_CLOEXEC, 3);
	return job->child_stdio[2] < 0 ? err_sys(e, "duplicate a pipe") : 0;
}

static int open_stdio(struct exec_job *job, struct err *e)
{
	bool attached = !job->o->detach;
	int r;

	if (job->o->tty) {
		(void)console_winsize(&job->size.ws_row, &job->size.ws_col);
		return 0;
	}
	if ((r = stdio_one(job, 0, attached && job->o->interactive, e)) < 0 ||
	    (r = stdio_one(job, 1, attached, e)) < 0)
		return r;
	if (job->ours[1] >= 0 && is_same(STDOUT_FILENO, STDERR_FILENO))
		return share_output(job, e);
	return stdio_one(job, 2, attached, e);
}

/* The new process inherits the score and finds its hard limits reachable. */
static int set_limits(const struct jail_spec *spec, struct err *e)
{
	CLEANUP_FD int proc = -EBADF;
	int r = process_raise_limits(spec, e);

	if (r < 0 || !spec->process.has_oom_score_adj)
		return r;
	proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_sys(e, "open /proc/self");
	r = creds_set_oom_score_adj(proc, spec->process.oom_score_adj, e);
	return r < 0 ? err_wrap(e, "process.oomScoreAdj") : 0;
}

static int running_error(int r, struct err *e)
{
	if (r == -EAGAIN)
		return err_hint(e, "try again in a moment");
	return r;
}

int exec_job_open(struct jail *j, const struct jail_name *name, const struct exec_options *o,
		  struct exec_job *ret, struct err *e)
{
	struct running r CLEANUP_RUNNING = RUNNING_INIT;
	const struct cgroup_tree *tree;
	int rc;
	struct meta meta;

	*ret = (struct exec_job){ .o = o };
	ret->target = ret->cgroup = ret->sock = ret->master = ret->pidfd = -EBADF;
	for (int i = 0; i < 3; i++)
		ret->child_stdio[i] = ret->ours[i] = -EBADF;
	spec_init(&ret->spec);
	rc = running_open(j, name, &r, e);
	if (rc < 0)
		return running_error(rc, e);
	if ((rc = spec_read(r.dir, &ret->spec, e)) < 0)
		return rc;
	if ((rc = meta_read(r.dir, &meta, e)) < 0)
		return rc;
	ret->base_uid = meta.ids.count ? meta.ids.first : 0;
	ret->private_user = ret->spec.security.user_namespace == SPEC_USERNS_AUTO;
	if (!ret->private_user && (rc = sealed_exec(e)) < 0)
		return rc;
	tree = instance_tree(j, name, e);
	if (!tree)
		return -e->code;
	if (cgroup_is_frozen(tree, name) > 0) {
		err_set(e, EBUSY, "is paused");
		return err_hint(e, "resume it: jail resume %s", name->s);
	}
	ret->cgroup = spec_owns_cgroups(&ret->spec) ? cgroup_open_of(tree, name, r.state.pid, e)
						    : cgroup_open(tree, name, e);
	if (ret->cgroup < 0)
		return ret->cgroup;
	if ((rc = process_filter(j, &ret->spec, &ret->filter, e)) < 0 ||
	    (rc = open_stdio(ret, e)) < 0 || (rc = set_limits(&ret->spec, e)) < 0)
		return rc;
	ret->namespaces = process_namespaces(&ret->spec);
	/* One that it has joined. */
	if (ret->spec.network.mode != SPEC_NETWORK_HOST)
		ret->namespaces |= CLONE_NEWNET;
	ret->target = TAKE_FD(r.pidfd);
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "prctl");
	engine_close_dirs(j);
	return 0;
}
