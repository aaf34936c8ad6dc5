/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes jail-proxy as an orphan: by a child that ends at once and is reaped here. (A direct
 * child would be a zombie in jail-monitor, which waits for its init alone, after each restart.)
 * Neither sends a signal to us, so a caller that has children of its own is not confused.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/proxy_priv.h"

#define FDS_ABOVE (PROXY_FD_END + 1)

void proxy_socket_address(int run, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)str_format(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/" PROXY_SOCKET,
			 run);
}

static int control_listen(int run, struct err *e)
{
	CLEANUP_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;

	if (sock < 0)
		return err_sys(e, "socket");
	proxy_socket_address(run, &a);
	if (unlinkat(run, PROXY_SOCKET, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove the last " PROXY_SOCKET);
	/* The run directory lets nobody in but root. */
	if (bind(sock, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(sock, 8) < 0 ||
	    fchmodat(run, PROXY_SOCKET, 0600, 0) < 0)
		return err_sys(e, "make " PROXY_SOCKET);
	return TAKE_FD(sock);
}

struct spawn {
	int program, pidfd, control, cgroup;
	char uid[16], connections[16];
	char *args[5];
};

/* In the orphan: nothing of ours but the fixed fds. */
static NORETURN void spawn_execute(const struct spawn *s)
{
	struct err e = ERR_INIT;
	char *env[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), from[PROXY_FD_END], program;

	for (int i = 0; i < PROXY_FD_PIDFD; i++)
		from[i] = null;
	from[PROXY_FD_PIDFD] = s->pidfd;
	from[PROXY_FD_CONTROL] = s->control;
	program = fcntl(s->program, F_DUPFD_CLOEXEC, FDS_ABOVE);
	for (int i = 0; i < PROXY_FD_END; i++) {
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FDS_ABOVE);
		if (from[i] < 0)
			_exit(125);
	}
	for (int i = 0; i < PROXY_FD_END; i++)
		if (dup3(from[i], i, 0) < 0)
			_exit(125);
	if (program < 0 || setsid() < 0 || fd_cloexec_from(PROXY_FD_END, &e) < 0)
		_exit(125);
	sys_signals_default();
	(void)sys_execveat(program, s->args, env);
	_exit(125);
}

static NORETURN void spawn_middle(const struct spawn *s)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.flags = s->cgroup > 0 ? CLONE_INTO_CGROUP : 0,
		.cgroup = s->cgroup > 0 ? (uint64_t)s->cgroup : 0,
	};
	pid_t pid = sys_clone3(&args);

	if (pid == 0)
		spawn_execute(s);
	_exit(pid < 0 ? errno : 0);
}

static int spawn(const struct spawn *s, struct err *e)
{
	struct clone_args args = { .exit_signal = 0 };
	int status = 0, r;
	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return err_sys(e, "start jail-proxy");
	if (pid == 0)
		spawn_middle(s);
	do
		r = waitpid(pid, &status, __WALL);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_sys(e, "wait for the start of jail-proxy");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(e, WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD, "start jail-proxy");
}

int proxy_spawn(const struct proxy_place *place, const struct proxy_plan *plan, struct err *e)
{
	struct spawn s = {
		.program = -EBADF,
		.pidfd = place->pidfd,
		.cgroup = place->cgroup,
	};
	CLEANUP_FD int control = -EBADF, program = -EBADF;
	char name[] = "jail-proxy", instance[LIMIT_NAME_LEN + 1], path[PATH_MAX];
	int r = str_format(path, sizeof(path), "%s/jail-proxy", place->libexec_dir);

	if (r < 0)
		return err_ret(e, r, "%s/jail-proxy", place->libexec_dir);
	program = open(path, O_PATH | O_CLOEXEC);
	if (program < 0) {
		err_sys(e, "open %s", path);
		return err_hint(e, "install jail, or set libexecDir in its configuration");
	}
	control = control_listen(place->run, e);
	if (control < 0)
		return TAKE_FD(control);
	s.program = program;
	s.control = control;
	memcpy(instance, plan->instance->s, sizeof(instance));
	(void)str_format(s.uid, sizeof(s.uid), "%u", plan->uid);
	(void)str_format(s.connections, sizeof(s.connections), "%u",
			 plan->connections ? plan->connections : PROXY_CONNECTIONS_MAX);
	memcpy(s.args, (char *[]){ name, instance, s.uid, s.connections, NULL }, sizeof(s.args));
	return spawn(&s, e);
}
