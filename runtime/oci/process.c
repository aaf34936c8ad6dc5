/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the container's / to its program: what the first process and those of exec do alike (row 9).
 * Nothing here is the host's any more, and nothing is looked up by its libraries (row 4).
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/sys.h"
#include "namespaces/procfd.h"
#include "runtime/console.h"
#include "runtime/oci/engine_priv.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static size_t key_len(const char *pair)
{
	return strcspn(pair, "=");
}

/* Of duplicates the last one wins; it stays where the first was. */
static int env_put(struct strv *env, const char *pair)
{
	size_t n = key_len(pair);

	for (size_t i = 0; i < env->n; i++) {
		if (key_len(env->v[i]) == n && memcmp(env->v[i], pair, n) == 0) {
			char *copy = strdup(pair);

			if (!copy)
				return -ENOMEM;
			free(env->v[i]);
			env->v[i] = copy;
			return 0;
		}
	}
	return strv_add(env, pair);
}

static const char *env_get(const struct strv *env, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < env->n; i++)
		if (key_len(env->v[i]) == n && env->v[i][n] == '=' &&
		    memcmp(env->v[i], key, n) == 0)
			return env->v[i] + n + 1;
	return NULL;
}

/* Home of the user; "/" where the container's passwd knows none, or is not to be read. */
static int put_home(struct strv *env, uid_t uid, struct err *e)
{
	CLEANUP_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char home[256], pair[sizeof(home) + 8];

	if (root < 0)
		return err_sys(e, "open / of the container");
	userdb_home(root, uid, home, sizeof(home));
	(void)str_format(pair, sizeof(pair), "HOME=%s", home);
	return env_put(env, pair) < 0 ? err_nomem(e) : 0;
}

static int make_env(struct oci_program *p, struct err *e)
{
	const struct oci_process *o = p->process;
	const char *home;

	for (size_t i = 0; i < o->env.n; i++)
		if (env_put(&p->env, o->env.v[i]) < 0)
			return err_nomem(e);
	home = env_get(&p->env, "HOME");
	if (home && *home)
		return 0;
	return put_home(&p->env, o->user.uid, e);
}

static int enter_cwd(const char *cwd, struct err *e)
{
	int r = path_enter(cwd);

	if (r == -EXDEV)
		return err_set(e, EPERM, "process.cwd: %s is outside of the container", cwd);
	return r < 0 ? err_ret(e, r, "chdir to cwd (\"%s\") set in config.json failed", cwd) : 0;
}

/* Under the final ids: where root could go and the user can't, it stays. */
static int prepare_cwd(void *arg, struct err *e)
{
	const struct oci_program *p = arg;

	return p->in_cwd ? 0 : enter_cwd(p->process->cwd, e);
}

static int make_cwd(const char *cwd, struct err *e)
{
	CLEANUP_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
	struct err ignored = ERR_INIT;

	if (root < 0)
		return err_sys(e, "open / of the container");
	fd = path_make_in_root(root, cwd, true, 0755, &ignored);
	(void)fd; /* a read-only root: the chdir will say so */
	return 0;
}

static void set_scheduling(struct oci_program *p)
{
	const struct oci_process *o = p->process;

	p->scheduling = (struct creds_scheduling){
		.has_policy = o->scheduler.given,
		.policy = o->scheduler.policy,
		.nice = o->scheduler.nice,
		.priority = o->scheduler.priority,
		.flags = o->scheduler.flags,
		.runtime = o->scheduler.runtime,
		.deadline = o->scheduler.deadline,
		.period = o->scheduler.period,
		.has_io = o->has_io_priority,
		.io_class = o->io_class,
		.io_priority = o->io_priority,
	};
	p->creds.scheduling = &p->scheduling;
}

static int set_creds(struct oci_program *p, struct err *e)
{
	const struct oci_process *o = p->process;
	struct creds_user *user = &p->creds.user;

	if (o->user.n_groups > ARRAY_SIZE(user->groups))
		return err_set(e, E2BIG, "process.user.additionalGids: %zu groups, at most %zu",
			       o->user.n_groups, ARRAY_SIZE(user->groups));
	user->uid = o->user.uid;
	user->gid = o->user.gid;
	user->n_groups = o->user.n_groups;
	if (user->n_groups)
		memcpy(user->groups, o->user.groups, user->n_groups * sizeof(*user->groups));
	p->creds.sets = &o->capabilities;
	p->creds.no_new_privileges = o->no_new_privileges;
	p->creds.rlimits = o->rlimits;
	p->creds.n_rlimits = o->n_rlimits;
	p->creds.core_as_it_is = true;
	p->creds.filter = p->filter->filter;
	p->creds.n_filter = p->filter->n;
	p->creds.filter_flags = p->filter->flags;
	p->creds.umask = o->user.has_umask ? o->user.umask : 022;
	p->creds.apparmor = o->apparmor_profile;
	p->creds.selinux = o->selinux_label;
	p->creds.prepare = prepare_cwd;
	p->creds.prepare_arg = p;
	set_scheduling(p);
	return 0;
}

void oci_program_policy(struct oci_program *p, const struct oci_config *c)
{
	p->creds.has_personality = c->has_personality;
	p->creds.personality = c->personality;
	p->scheduling.has_memory = c->memory_policy.given;
	p->scheduling.memory_mode = c->memory_policy.mode;
	p->scheduling.memory_flags = c->memory_policy.flags;
	p->scheduling.memory_nodes = c->memory_policy.nodes;
}

int oci_program_listen(struct oci_program *p, const struct oci_io *io, struct err *e)
{
	char fds[32], pid[32];
	CLEANUP_STRBUF struct strbuf names = STRBUF_INIT;

	if (!io->listen_fds)
		return 0;
	(void)str_format(fds, sizeof(fds), "LISTEN_FDS=%u", io->listen_fds);
	(void)str_format(pid, sizeof(pid), "LISTEN_PID=%d", (int)getpid());
	if (env_put(&p->env, fds) < 0 || env_put(&p->env, pid) < 0)
		return err_nomem(e);
	if (!io->listen_names)
		return 0;
	strbuf_addf(&names, "LISTEN_FDNAMES=%s", io->listen_names);
	if (strbuf_ok(&names, e) < 0)
		return -e->code;
	return env_put(&p->env, names.data) < 0 ? err_nomem(e) : 0;
}

int oci_program_prepare(struct oci_program *p, bool wants_cwd, struct err *e)
{
	struct err why = ERR_INIT;
	int r;

	if ((r = make_env(p, e)) < 0 || (r = set_creds(p, e)) < 0)
		return r;
	if (wants_cwd && (r = make_cwd(p->process->cwd, e)) < 0)
		return r;
	r = enter_cwd(p->process->cwd, &why);
	p->in_cwd = r >= 0;
	if (r < 0 && r != -EACCES && r != -EPERM) {
		*e = why;
		return r;
	}
	return 0;
}

/* As execvp(3) would, but for the interpreter that it tries for text files. Return: 0 or -errno. */
static int is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return -EACCES;
	return 0;
}

/* The words, in lower case, by which Docker and Podman tell 127 from 126. */
static int no_program(const char *name, int r, struct err *e)
{
	switch (r) {
	case -ENOENT:
		return err_set(e, ENOENT, "exec: \"%s\": no such file or directory", name);
	case -EACCES:
		return err_set(e, EACCES, "exec: \"%s\": permission denied", name);
	case -EISDIR:
		return err_set(e, EACCES, "exec: \"%s\": is a directory: permission denied", name);
	}
	return err_ret(e, r, "exec: \"%s\"", name);
}

static int find_in_path(struct oci_program *p, const char *name, struct err *e)
{
	const char *at = env_get(&p->env, "PATH");
	int found = -ENOENT;

	for (at = at ? at : DEFAULT_PATH; *at;) {
		size_t n = strcspn(at, ":");
		int r = str_format(p->path, sizeof(p->path), "%.*s%s%s", (int)n, at, n ? "/" : "./",
				   name);

		if (r >= 0)
			r = is_program(p->path);
		if (r >= 0)
			return 0;
		if (r == -EACCES)
			found = r;
		at += n + (at[n] == ':');
	}
	if (found == -EACCES)
		return no_program(name, found, e);
	return err_set(e, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

int oci_program_find(struct oci_program *p, struct err *e)
{
	const char *name = p->process->args.v[0];
	int r;

	if (!name[0])
		return err_set(e, ENOENT, "exec: \"\": executable file not found in $PATH");
	if (!strchr(name, '/'))
		return find_in_path(p, name, e);
	if (str_format(p->path, sizeof(p->path), "%s", name) < 0)
		return err_set(e, ENAMETOOLONG, "exec: \"%.64s...\"", name);
	r = is_program(p->path);
	return r < 0 ? no_program(name, r, e) : 0;
}

int oci_program_execute(struct oci_program *p, int proc, struct err *e)
{
	int r = creds_apply(&p->creds, proc, e);

	if (r < 0)
		return r;
	(void)execve(p->path, (char *const *)(uintptr_t)p->process->args.v, p->env.v);
	return no_program(p->path, -errno, e);
}

int oci_set_oom_score(pid_t pid, const struct oci_process *process, struct err *e)
{
	CLEANUP_FD int proc = -EBADF;
	char path[32];

	if (!process->has_oom_score_adj)
		return 0;
	(void)str_format(path, sizeof(path), "%d", (int)pid);
	proc = procfd_open(path, O_PATH | O_DIRECTORY);
	if (proc < 0)
		return err_ret(e, proc, "open /proc/%s", path);
	if (creds_set_oom_score_adj(proc, process->oom_score_adj, e) < 0)
		return err_wrap(e, "process.oomScoreAdj");
	return 0;
}

int oci_own_stdio(const struct oci_process *process, struct err *e)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++) {
		if (fstat(fd, &st) < 0)
			return err_sys(e, "look at fd %d", fd);
		/* Not the host's /dev/null, and not what is there for others too. */
		if (S_ISCHR(st.st_mode) || st.st_uid == process->user.uid)
			continue;
		if (fchown(fd, process->user.uid, (gid_t)-1) < 0 && errno != EINVAL &&
		    errno != EPERM && errno != EROFS && errno != ENOSYS)
			return err_sys(e, "give fd %d to the program's user", fd);
	}
	return 0;
}

int oci_adopt_console(const struct oci_process *process, int master, int peer, int sock, bool shown,
		      struct err *e)
{
	struct winsize size = { .ws_row = process->rows, .ws_col = process->columns };
	int r = shown ? console_prepare_oci_pty(master, e) : console_prepare_pty(master, e);

	if (r < 0)
		return err_wrap(e, "terminal");
	if (fchown(peer, process->user.uid, (gid_t)-1) < 0)
		return err_sys(e, "chown of the terminal");
	if (process->rows && ioctl(master, TIOCSWINSZ, &size) < 0)
		return err_sys(e, "size of the terminal");
	r = oci_send_fd(sock, master, "/dev/ptmx", e);
	if (r < 0)
		return err_wrap(e, "hand over the terminal");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(peer, fd) < 0)
			return err_sys(e, "arrange stdio");
	if (ioctl(0, TIOCSCTTY, 0) < 0)
		return err_sys(e, "controlling terminal");
	return 0;
}
