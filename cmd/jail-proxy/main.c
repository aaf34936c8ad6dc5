/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail-proxy: carries what comes to a port published on 127.0.0.0/8 or ::1 into the instance
 * (runtime/proxy_proto.h). Not by the packet filter: for that route_localnet would have to be on,
 * which opens what listens on the host's loopback to everybody on the wire (row 72). The instance
 * sees the gateway's address (row 74).
 *
 * It stands between programs of the host and of a tenant, so it has nothing that either could want:
 * no capability, an id of its own, no file but its sockets, no memory but its static tables.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "cmd/jail-proxy/proxy.h"
#include "cmd/tiny/confine.h"
#include "cmd/tiny/filter.h"

#define EXIT_USAGE 125
#define EVENTS 64
/* Connections with a pipe in each direction, associations, ports, and some. */
#define FILES_MAX (6 * PROXY_CONNECTIONS_MAX + 1024 + PROXY_PORTS_MAX + 64)

/* What control.c, stream.c, dgram.c and pump.c call. */
static const struct sock_filter filter[] = {
	FILTER_BEGIN,
	FILTER_ALLOW(SYS_splice),
	FILTER_ALLOW(SYS_epoll_ctl),
	FILTER_ALLOW(SYS_epoll_pwait),
#ifdef SYS_epoll_wait /* newer architectures have the other only */
	FILTER_ALLOW(SYS_epoll_wait),
#endif
	FILTER_ALLOW(SYS_clock_gettime), /* where the vDSO can't */
	FILTER_ALLOW(SYS_recvfrom),
	FILTER_ALLOW(SYS_sendto),
	FILTER_ALLOW(SYS_recvmsg),
	FILTER_ALLOW(SYS_close),
	FILTER_ALLOW(SYS_accept4),
	FILTER_ALLOW(SYS_pipe2),
	FILTER_ALLOW(SYS_shutdown),
	FILTER_ALLOW_IF(SYS_socket, 0, AF_INET),
	FILTER_ALLOW_IF(SYS_socket, 0, AF_INET6),
	FILTER_ALLOW(SYS_bind),
	FILTER_ALLOW(SYS_connect),
	FILTER_ALLOW_IF_RANGE(SYS_getsockopt, 1, SOL_SOCKET, 2, SO_ERROR, SO_ERROR),
	FILTER_ALLOW_IF_RANGE(SYS_setsockopt, 1, SOL_SOCKET, 2, SO_LINGER, SO_LINGER),
	FILTER_ALLOW_IF_RANGE(SYS_setsockopt, 1, IPPROTO_TCP, 2, TCP_NODELAY, TCP_NODELAY),
	FILTER_ALLOW_IF_RANGE(SYS_setsockopt, 1, IPPROTO_TCP, 2, TCP_SYNCNT, TCP_SYNCNT),
	FILTER_ALLOW_IF_RANGE(SYS_setsockopt, 1, IPPROTO_IP, 2, IP_BIND_ADDRESS_NO_PORT,
			      IP_BIND_ADDRESS_NO_PORT),
	FILTER_ALLOW_IF(SYS_fcntl, 1, F_SETFL),
	FILTER_ALLOW(SYS_rt_sigreturn),
	FILTER_ALLOW(SYS_restart_syscall),
	FILTER_ALLOW(SYS_exit_group),
	FILTER_ALLOW(SYS_exit),
	FILTER_END,
};

uint64_t now_ms;
static int epoll_fd = -EBADF;

static NORETURN void fail(const char *message)
{
	(void)!write(STDERR_FILENO, message, strlen(message));
	_exit(EXIT_USAGE);
}

bool watch(int fd, uint64_t tag, uint32_t *watched, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.u64 = tag };
	int op = EPOLL_CTL_MOD;

	if (*watched == events)
		return true;
	if (*watched == 0)
		op = EPOLL_CTL_ADD;
	else if (events == 0)
		op = EPOLL_CTL_DEL;
	if (epoll_ctl(epoll_fd, op, fd, &e) < 0)
		return false;
	*watched = events;
	return true;
}

static bool parse_number(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;

	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9' || value > max)
			return false;
		value = value * 10 + (uint64_t)(*at - '0');
	}
	*ret = (uint32_t)value;
	return *text && value > 0 && value <= max;
}

static void prepare_limits(void)
{
	struct rlimit files = { .rlim_cur = FILES_MAX, .rlim_max = FILES_MAX };
	struct rlimit have;

	if (setrlimit(RLIMIT_NOFILE, &files) == 0)
		return;
	/* Not ours to raise; what there is decides how many connections there can be. */
	if (getrlimit(RLIMIT_NOFILE, &have) == 0) {
		have.rlim_cur = have.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &have);
	}
}

static void drop_privileges(uid_t uid)
{
	if (!confine_no_more() || setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		fail("jail-proxy: can't give up its rights\n");
	/* Read back: a securebit of the caller could have kept them. */
	if (!confine_capabilities(0) || getuid() != uid || geteuid() != uid)
		fail("jail-proxy: it still has rights\n");
	/* Again: another id has made it what fs.suid_dumpable says. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		fail("jail-proxy: prctl failed\n");
	/* TCP is its work. */
	if (!confine_paths(NULL, 0, CONFINE_TCP))
		fail("jail-proxy: can't confine itself\n");
}

static void prepare(uid_t uid)
{
	static const int ignored[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGTERM
	};
	uint32_t pidfd = 0, control = 0;

	if (fcntl(PROXY_FD_PIDFD, F_GETFD) < 0 ||
	    fcntl(PROXY_FD_CONTROL, F_SETFL, O_RDWR | O_NONBLOCK) < 0 ||
	    syscall(SYS_close_range, PROXY_FD_END, ~0U, 0) < 0)
		fail("jail-proxy: a fixed file descriptor is missing\n");
	(void)prctl(PR_SET_NAME, "jail-proxy");
	if (chdir("/") < 0)
		fail("jail-proxy: chdir failed\n");
	/* What is sent to all processes of the unit (systemctl kill) is meant for the instance;
	 * when that ends, so do we. */
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	prepare_limits();
	drop_privileges(uid);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0 || !watch(PROXY_FD_PIDFD, tag_of(KIND_PIDFD, 0, 0), &pidfd, EPOLLIN) ||
	    !watch(PROXY_FD_CONTROL, tag_of(KIND_CONTROL, 0, 0), &control, EPOLLIN | EPOLLET))
		fail("jail-proxy: epoll failed\n");
	if (!confine_calls(filter, ARRAY_SIZE(filter)))
		fail("jail-proxy: can't install its filter of system calls\n");
}

static void port_event(uint64_t tag)
{
	unsigned i = (uint32_t)tag;

	if (ports[i].fd < 0 || ((tag >> 32) & 0xffffff) != (ports[i].generation & 0xffffff))
		return;
	if (ports[i].protocol == IPPROTO_UDP)
		dgram_from_client(i);
	else
		stream_accept(i);
}

static void dispatch(uint64_t tag)
{
	switch ((enum kind)(tag >> 56)) {
	case KIND_PIDFD:
		/* It is over; what it has said last is still heard. */
		stream_flush();
		ports_close();
		_exit(0);
	case KIND_CONTROL:
		control_accept();
		break;
	case KIND_PEER:
		control_read();
		break;
	case KIND_PORT:
		port_event(tag);
		break;
	case KIND_CLIENT:
	case KIND_SERVER:
		stream_event(tag);
		break;
	case KIND_DGRAM:
		dgram_event(tag);
		break;
	}
}

static void read_clock(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static NORETURN void serve(void)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int expiry_ms, retry_ms, n;

		read_clock();
		expiry_ms = dgram_expire();
		retry_ms = ports_retry();
		if (retry_ms >= 0 && (expiry_ms < 0 || expiry_ms > retry_ms))
			expiry_ms = retry_ms;
		n = epoll_wait(epoll_fd, events, EVENTS, expiry_ms);
		read_clock();
		for (int i = 0; i < n; i++)
			dispatch(events[i].data.u64);
	}
}

int main(int argc, char *argv[])
{
	uint32_t uid, connections;

	if (argc != 4 || !parse_number(argv[2], UINT32_MAX - 1, &uid) ||
	    !parse_number(argv[3], PROXY_CONNECTIONS_MAX, &connections))
		fail("jail-proxy: wrong arguments; it is started by jail, not by hand\n");
	prepare((uid_t)uid);
	stream_init(connections);
	dgram_init();
	serve();
}
