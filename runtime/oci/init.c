/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container's first process, from clone to execve. Order, and why:
 *  1. die with jail-oci, be invisible to ptrace (row 3), wait for id maps, cgroup and network
 * devices;
 *  2. root of the user namespace; a cgroup namespace whose root is the container's cgroup;
 *  3. mounts; hooks that see them and the host's root; pivot_root: from here on every path is the
 *     container's;
 *  4. terminal, host name, sysctls (while /proc is not sealed), then masks and the read-only root;
 *  5. the program is looked for, so that `create` says that it is missing;
 *  6. "created": nothing of the host is open but a socket, and nobody's death ends us any more.
 * Wait;
 *  7. startContainer hooks; rights, filter, execve. The socket closes by that: success.
 */
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/sys.h"
#include "runtime/oci/engine_priv.h"

struct init {
	struct oci_launch *l;
	int sock; /* to jail-oci; later to `jail-oci start` */
	pid_t host_pid;
	struct bundle_root root;
	int proc; /* the container's /proc/self, for labels; or -EBADF */
	struct oci_program program;
};

static const struct oci_process *process_of(const struct init *i)
{
	return &i->l->config.process;
}

static int write_sysctls(const struct init *i, struct err *e)
{
	const struct oci_map *m = &i->l->config.sysctl;

	for (size_t k = 0; k < m->n; k++) {
		char path[256];
		int r = str_format(path, sizeof(path), "sys/%s", m->v[k].key);

		if (r < 0)
			return err_ret(e, r, "linux.sysctl.%s", m->v[k].key);
		r = file_poke_at(i->root.proc, path, m->v[k].value, strlen(m->v[k].value));
		if (r < 0)
			return err_ret(e, r, "linux.sysctl.%s: write \"%s\"", m->v[k].key,
				       m->v[k].value);
	}
	return 0;
}

static int set_names(const struct init *i, struct err *e)
{
	const char *host = i->l->config.hostname, *domain = i->l->config.domainname;

	if (host && sethostname(host, strlen(host)) < 0)
		return err_sys(e, "hostname");
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return err_sys(e, "domainname");
	return 0;
}

static int open_terminal(struct init *i, struct err *e)
{
	CLEANUP_FD int master = -EBADF, peer = -EBADF;
	int r = bundle_console(&i->l->config.bundle, &master, &peer, e);

	return r < 0 ? r
		     : oci_adopt_console(process_of(i), master, peer, i->l->console, !i->l->detach,
					 e);
}

/* As every runtime does: programs expect 127.0.0.1. */
static int raise_loopback(const struct init *i, struct err *e)
{
	const struct oci_namespace *net = oci_namespace_find(&i->l->config, CLONE_NEWNET);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	CLEANUP_FD int sock = -EBADF;

	if (!net || net->path)
		return 0;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return err_sys(e, "raise the loopback interface");
	return 0;
}

/* Hooks of the host run while we wait; the container's own with our root still the host's. */
static int run_hooks(struct init *i, struct err *e)
{
	const struct oci_config *c = &i->l->config;
	struct oci_state state = i->l->state;
	int r = 0;

	if (c->hooks[OCI_HOOK_PRESTART].n || c->hooks[OCI_HOOK_CREATE_RUNTIME].n) {
		r = oci_say(i->sock, OCI_SAYS_MOUNTED);
		if (r < 0)
			return err_ret(e, r, "report to jail-oci");
		r = oci_await(i->sock, OCI_TELL_HOOKED, NULL, e);
	}
	state.pid = getpid();
	return r < 0 ? r
		     : oci_hooks(c, OCI_HOOK_CREATE_CONTAINER, &state, &i->l->id, OCI_CREATING, e);
}

static int enter_root(struct init *i, struct err *e)
{
	const struct bundle *b = &i->l->config.bundle;
	int r;

	if ((r = bundle_mount(b, &i->l->kit, &i->root, e)) < 0 || (r = run_hooks(i, e)) < 0 ||
	    (r = bundle_pivot(b, &i->root, e)) < 0)
		return r;
	bundle_kit_close(&i->l->kit);
	r = process_of(i)->terminal ? open_terminal(i, e) : oci_own_stdio(process_of(i), e);
	if (r < 0 || (r = set_names(i, e)) < 0 || (r = write_sysctls(i, e)) < 0)
		return r;
	return bundle_seal(b, &i->root, e);
}

/* A label is written to the container's own procfs, which was opened before it could be covered. */
static int open_label_proc(struct init *i, struct err *e)
{
	i->proc = -EBADF;
	if (!process_of(i)->apparmor_profile && !process_of(i)->selinux_label)
		return 0;
	i->proc = openat(i->root.proc, "self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return i->proc < 0 ? err_sys(e, "open /proc/self of the container") : 0;
}

static int make_program(struct init *i, struct err *e)
{
	const struct oci_config *c = &i->l->config;
	int r;

	i->program = (struct oci_program){ .process = &c->process, .filter = &i->l->filter };
	if ((r = open_label_proc(i, e)) < 0 ||
	    (r = oci_program_prepare(&i->program, true, e)) < 0 ||
	    (r = oci_program_listen(&i->program, &i->l->o->io, e)) < 0 ||
	    (r = oci_program_find(&i->program, e)) < 0)
		return r;
	i->program.creds.keep_keyring = i->l->o->no_new_keyring;
	i->program.creds.keyring = i->l->id.s;
	oci_program_policy(&i->program, c);
	return 0;
}

static int strip(const struct init *i, struct err *e)
{
	int keep[] = { i->sock, i->l->listen, i->l->notify, i->l->rt->log, i->proc };

	return oci_close_others(i->l->o->io.preserve_fds, keep, ARRAY_SIZE(keep), e);
}

/* jail-oci may end now: that is no reason to end with it, unless it had ended before. */
static int become_independent(const struct init *i, struct err *e)
{
	struct pollfd p = { .fd = i->sock };

	if (prctl(PR_SET_PDEATHSIG, 0) < 0)
		return err_sys(e, "prctl");
	if (poll(&p, 1, 0) > 0)
		return err_set(e, ECANCELED, "jail-oci gave up");
	return 0;
}

/* Who connects and says nothing has only looked whether we are still here. */
static int await_start(struct init *i, struct err *e)
{
	if (i->l->start)
		return oci_await(i->sock, OCI_TELL_START, NULL, e);
	fd_reset(&i->sock);
	for (;;) {
		CLEANUP_FD int conn = accept4(i->l->listen, NULL, NULL, SOCK_CLOEXEC);
		struct err ignored = ERR_INIT;

		if (conn < 0 && errno != EINTR && errno != ECONNABORTED)
			return err_sys(e, "wait for start");
		if (conn >= 0 && oci_await(conn, OCI_TELL_START, NULL, &ignored) == 0) {
			i->sock = TAKE_FD(conn);
			return 0;
		}
	}
}

static int start_program(struct init *i, struct err *e)
{
	struct oci_state state = i->l->state;
	int r;

	state.pid = getpid();
	if ((r = oci_hooks(&i->l->config, OCI_HOOK_START_CONTAINER, &state, &i->l->id, OCI_CREATED,
			   e)) < 0 ||
	    (r = oci_keep_fds(i->l->o->io.preserve_fds, e)) < 0)
		return r;
	state.pid = i->host_pid;
	r = oci_notify_begin(i->l->notify, &i->l->config, &state, &i->l->id, OCI_CREATING,
			     i->host_pid, &i->program, e);
	if (r < 0)
		return r;
	return oci_program_execute(&i->program, i->proc, e);
}

static int run(struct init *i, struct err *e)
{
	const struct oci_config *c = &i->l->config;
	const struct oci_namespace *cgroups = oci_namespace_find(c, CLONE_NEWCGROUP);
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(e, "prctl");
	if (setsid() < 0)
		return err_sys(e, "setsid");
	if ((r = oci_await(i->sock, OCI_TELL_MAPPED, &i->host_pid, e)) < 0)
		return r;
	if (c->bundle.private_user && (r = ns_become_root(e)) < 0)
		return r;
	if (cgroups && !cgroups->path && i->l->state.cgroup.systemd && unshare(CLONE_NEWCGROUP) < 0)
		return err_sys(e, "new cgroup namespace");
	if ((r = raise_loopback(i, e)) < 0 || (r = enter_root(i, e)) < 0 ||
	    (r = make_program(i, e)) < 0)
		return r;
	bundle_root_close(&i->root);
	if ((r = strip(i, e)) < 0 || (r = become_independent(i, e)) < 0)
		return r;
	r = oci_say(i->sock, OCI_SAYS_CREATED);
	if (r < 0)
		return err_ret(e, r, "report to jail-oci");
	r = await_start(i, e);
	return r < 0 ? r : start_program(i, e);
}

void oci_init_main(struct oci_launch *l, int sock)
{
	struct init i = { .l = l, .sock = sock, .proc = -EBADF };
	struct err e = ERR_INIT;

	(void)run(&i, &e);
	oci_say_error(i.sock, &e);
	_exit(OCI_EXEC_FAILED);
}
