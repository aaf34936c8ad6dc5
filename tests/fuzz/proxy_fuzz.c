/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of jail-proxy: messages of any length, with and without descriptors. The input
 * is a list of pieces, each after a byte that says what comes with it. control.c is included; what
 * carries data is not: it is told of ports that end, and no more.
 *
 * Properties: a request of the right size is answered once, another ends the connection; what is
 * listened on has a socket, a protocol and two addresses; no descriptor is leaked.
 */
#include <dirent.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void fuzz_exit(int code);
#define _exit fuzz_exit
#include "cmd/jail-proxy/control.c"
#undef _exit
#include "tests/fuzz/fuzz.h"

#define STEPS_MAX 2048

uint64_t now_ms;
static bool full, no_memory, ended;
static struct sockaddr_un listening;
static socklen_t listening_size;

static void fuzz_exit(int code)
{
	fuzz_require(code == 0, "it ends well");
	ended = true;
}

bool watch(int fd, uint64_t tag, uint32_t *watched, uint32_t events)
{
	fuzz_require(fd >= 0 && (tag >> 56 == KIND_PEER || tag >> 56 == KIND_PORT), "who");
	if (no_memory && events)
		return false;
	*watched = events;
	return true;
}

bool stream_is_full(void)
{
	return full;
}

void stream_end_of_port(unsigned port)
{
	fuzz_require(port < PROXY_PORTS_MAX && ports[port].fd < 0, "a port that ended");
}

void dgram_end_of_port(unsigned port)
{
	fuzz_require(port < PROXY_PORTS_MAX && ports[port].fd < 0, "a port that ended");
}

/* As many as there may be ports, and some. */
static void allow_files(void)
{
	struct rlimit limit;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static unsigned descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* First of all, because the number of the listening socket is fixed. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct sockaddr_un any = { .sun_family = AF_UNIX };
	int fd;

	allow_files();
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	fuzz_require(bind(fd, (const struct sockaddr *)&any, sizeof(any.sun_family)) == 0 &&
			     listen(fd, 4) == 0 && dup2(fd, PROXY_FD_CONTROL) >= 0,
		     "a listening socket");
	if (fd != PROXY_FD_CONTROL)
		(void)close(fd);
	listening_size = sizeof(listening);
	(void)getsockname(PROXY_FD_CONTROL, (struct sockaddr *)&listening, &listening_size);
	return argc && argv ? 0 : -1;
}

static int dial(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	fuzz_require(connect(fd, (const struct sockaddr *)&listening, listening_size) == 0, "dial");
	control_accept();
	return fd;
}

static void say(int fd, const uint8_t *data, size_t n, unsigned descriptors)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} c = { .room = { 0 } };
	struct iovec v = { (void *)(uintptr_t)data, n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int fds[2] = { STDERR_FILENO, STDERR_FILENO };
	CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	fds[0] = fds[1] = null;
	if (descriptors > 0) {
		m.msg_control = &c;
		m.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
		c.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					     .cmsg_type = SCM_RIGHTS,
					     .cmsg_len = CMSG_LEN(descriptors * sizeof(int)) };
		memcpy(CMSG_DATA(&c.header), fds, descriptors * sizeof(int));
	}
	(void)!sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* One answer for a request, none for what is no request. */
static void hear(int fd, bool request, bool connected)
{
	struct proxy_answer a;
	ssize_t n = recv(fd, &a, sizeof(a), MSG_DONTWAIT);

	if (request && connected)
		fuzz_require(n == sizeof(a) && a.code >= 0, "an answer");
	else
		fuzz_require(n <= 0, "no answer");
	/* Here it goes on after its end. */
	fuzz_require(ended || recv(fd, &a, sizeof(a), MSG_DONTWAIT) <= 0, "no second answer");
}

static void check(void)
{
	fuzz_require(ports_used <= PROXY_PORTS_MAX, "so many ports");
	for (unsigned i = 0; i < ports_used; i++) {
		const struct proxy_port *p = &ports[i];

		if (p->fd < 0)
			continue;
		fuzz_require(is_address(&p->listen) && is_address(&p->target), "addresses");
		fuzz_require(address_length(&p->target) <= sizeof(p->target), "a length");
		fuzz_require(p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP ||
				     p->protocol == IPPROTO_SCTP,
			     "a protocol");
	}
}

static void turn(unsigned what)
{
	full = what & 1;
	no_memory = what & 2;
	now_ms += what & 4 ? 1000 : 10;
	if (what & 8)
		ports_pause();
	if (what & 16)
		ports_resume();
	fuzz_require(ports_retry() <= PROXY_RETRY_MS, "the time of a retry");
}

/* As the process begins. */
static void begin(void)
{
	ports_close();
	for (unsigned i = 0; i < PROXY_PORTS_MAX; i++)
		ports[i] = (struct proxy_port){ .fd = -EBADF };
	ports_used = 0;
	full = no_memory = ended = ports_paused = false;
	fd_reset(&peer);
}

/* One that takes no memory is there before the first step. */
static bool peer_is_there(int *fd)
{
	if (peer >= 0)
		return true;
	fd_reset(fd);
	*fd = dial();
	return peer >= 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	int fd = -EBADF;
	unsigned open_before;

	begin();
	open_before = descriptors();
	for (int step = 0; in.left > 0 && !ended && step < STEPS_MAX; step++) {
		unsigned what = fuzz_byte(&in);
		const uint8_t *piece = NULL;
		bool connected;
		size_t n;

		if (what >= 0xf0) {
			turn(fuzz_byte(&in));
			continue;
		}
		n = fuzz_piece(&in, 2 * sizeof(struct proxy_request), &piece);
		connected = peer_is_there(&fd);
		say(fd, piece, n, what % 3);
		control_read();
		hear(fd, n == sizeof(struct proxy_request) && what % 3 < 2, connected);
		check();
	}
	if (!ended)
		control_read();
	fd_reset(&fd);
	begin();
	fuzz_require(descriptors() == open_before, "no descriptor is left");
	return 0;
}
