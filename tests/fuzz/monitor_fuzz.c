/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What jail-monitor is told: messages of clients, any of which may lie, and datagrams of the
 * program inside, which may be anything. The input is a list of steps, each a byte of what and of
 * whom, and for most of them a piece. The monitor's files are included and work on their fixed
 * descriptors.
 *
 * Properties: only a client that keeps to the protocol stays; what it is sent is whole messages of
 * the types that go this way; slots for control stay free; input is held within its buffer; and no
 * datagram but READY=1 is passed on.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "cmd/jail-monitor/client.c"
#include "cmd/jail-monitor/input.c"
#include "cmd/jail-monitor/notify.c"
#include "cmd/jail-monitor/text.c"
#include "tests/fuzz/fuzz.h"

#define PEER 40 /* the other ends: PEER + the slot; the rest follows */
enum { PEER_NOTIFY = PEER + MONITOR_CLIENTS_MAX, PEER_READY, PEER_IN, PEER_DIALS };

static struct monitor monitor;
static struct buffers buffers;
static struct sockaddr_un listening;
static socklen_t listening_size;
static bool ready_told;
static int null_fd;

int end_status(const struct monitor *m)
{
	return m->wait_status;
}

void end_notify(struct monitor *m)
{
	fuzz_require(m->phase >= PHASE_NOTIFYING && !m->restarting, "called off");
}

/* As the reader does it: nobody else gets the number. */
void fd_forget(const struct monitor *m, int fd)
{
	fuzz_require(dup2(m->null_fd, fd) == fd, "closed, its number taken");
}

static void at(int fd, int number)
{
	fuzz_require(fd >= 0 && dup2(fd, number) == number, "a descriptor in its place");
	if (fd != number)
		(void)close(fd);
}

/* They may have got the very numbers that they are for, of slots that were closed. */
static void out_of_the_way(int fds[static 2])
{
	for (int i = 0; i < 2; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 100);

		(void)close(fds[i]);
		fds[i] = fd;
	}
}

static void pair(int type, int ours, int theirs)
{
	int fds[2];

	fuzz_require(socketpair(AF_UNIX, type, 0, fds) == 0, "a pair");
	out_of_the_way(fds);
	at(fds[0], ours);
	at(fds[1], theirs);
}

static void connect_slot(int i)
{
	pair(SOCK_SEQPACKET, MONITOR_FD_CLIENT + i, PEER + i);
	monitor.clients[i] = (struct client){ .open = true };
}

static void begin_input(void)
{
	int fds[2];

	fuzz_require(pipe2(fds, O_NONBLOCK) == 0, "a pipe");
	out_of_the_way(fds);
	at(fds[1], MONITOR_FD_IN);
	at(fds[0], PEER_IN);
	(void)fcntl(MONITOR_FD_IN, F_SETPIPE_SZ, 4096);
}

static void listen_here(void)
{
	int fd = fcntl((socket)(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0), F_DUPFD, 100);
	const struct sockaddr_un any = { .sun_family = AF_UNIX };

	/* A name that the kernel chooses. */
	fuzz_require(bind(fd, (const struct sockaddr *)&any, sizeof(any.sun_family)) == 0 &&
			     listen(fd, 4) == 0,
		     "a listening socket");
	listening_size = sizeof(listening);
	(void)getsockname(fd, (struct sockaddr *)&listening, &listening_size);
	at(fd, MONITOR_FD_LISTEN);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* First of all, because the numbers are fixed: nothing else may get one. What a run changes is made
 * anew by begin(). */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int keep = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = MONITOR_FD_LOCK; fd <= PEER_DIALS; fd++)
		if (fd != keep)
			(void)dup2(keep, fd);
	null_fd = fcntl(keep, F_DUPFD, 100);
	at(fcntl(fuzz_dir(), F_DUPFD, 100), MONITOR_FD_RUN);
	at(fcntl(fuzz_dir(), F_DUPFD, 100), MONITOR_FD_CGROUP);
	listen_here();
	return argc && argv ? 0 : -1;
}

static void begin(unsigned how)
{
	monitor = (struct monitor){
		.buffers = &buffers,
		.stdin_client = -1,
		.null_fd = null_fd,
		.now = 1000,
		.phase = how & 1 ? PHASE_BACKOFF : PHASE_RUNNING,
		.restarting = how & 1,
		.s = { .notify = !(how & 2), .watchdog_ms = how & 4 ? 500 : 0, .tty = !!(how & 8) },
		.wait_status = 7,
	};
	pair(SOCK_DGRAM, MONITOR_FD_NOTIFY, PEER_NOTIFY);
	pair(SOCK_DGRAM, MONITOR_FD_READY, PEER_READY);
	begin_input();
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++)
		connect_slot(i);
	if (how & 16)
		client_begin(&monitor);
	if (!(how & 32))
		fuzz_put(fuzz_dir(), NOTIFY_AWAITED, "", 0);
	fuzz_put(fuzz_dir(), "cgroup.events", "frozen 1\n", how & 64 ? 9 : 0);
	ready_told = false;
	notify_begin(&monitor);
	fuzz_require(!monitor.ready_awaited || monitor.watchdog_at == FOREVER, "no watch before");
}

/* What the client hears. */
static void hear(int i)
{
	static uint8_t text[sizeof(struct monitor_header) + MONITOR_DATA_MAX + 1];
	const struct monitor_header *header = (const void *)text;
	ssize_t n;

	while ((n = recv(PEER + i, text, sizeof(text), MSG_DONTWAIT)) > 0) {
		fuzz_require((size_t)n >= sizeof(*header) &&
				     header->length == (size_t)n - sizeof(*header),
			     "a whole message");
		fuzz_require(header->type >= MONITOR_STDOUT && header->type <= MONITOR_SKIPPED,
			     "of a monitor");
	}
}

enum send { SEND_WHOLE, SEND_AS_IT_IS, SEND_AND_GO };

static void send_to(int i, const uint8_t *data, size_t n, enum send how)
{
	static uint8_t text[2 * MONITOR_DATA_MAX];
	struct monitor_header header = { .type = n ? data[0] : 0 };

	/* Mostly the length is right: else nothing gets through. */
	if (how != SEND_AS_IT_IS && n > 0) {
		header.length = (uint32_t)n - 1;
		memcpy(text, &header, sizeof(header));
		memcpy(text + sizeof(header), data + 1, n - 1);
		n += sizeof(header) - 1;
		data = text;
	}
	(void)!send(PEER + i, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* One that asks, and does not wait for the answer. */
	if (how == SEND_AND_GO)
		(void)shutdown(PEER + i, SHUT_RD);
	client_read(&monitor, i);
}

/* Into slot i: without a free one, nobody is asked in. */
static void dial(int i)
{
	int fd = (socket)(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (monitor.clients[i].open)
		client_close(&monitor, i);
	(void)!connect(fd, (const struct sockaddr *)&listening, listening_size);
	client_accept(&monitor);
	(void)close(fd);
	client_accept(&monitor);
}

static void tell(const uint8_t *data, size_t n)
{
	char word[16];

	(void)!send(PEER_NOTIFY, data, n, MSG_DONTWAIT);
	notify_read(&monitor);
	while (recv(PEER_READY, word, sizeof(word), MSG_DONTWAIT) > 0) {
		fuzz_require(!ready_told && memcmp(word, MONITOR_READY, 7) == 0, "once, and that");
		fuzz_require(memmem(data, n, MONITOR_READY, 7) != NULL, "as it was told");
		ready_told = true;
	}
}

static void turn(unsigned what)
{
	uint8_t text[8192];

	monitor.now += 600;
	if (what & 1)
		(void)!read(PEER_IN, text, sizeof(text));
	if (what & 2)
		input_write(&monitor);
	if (what & 4 && monitor.watchdog_at <= monitor.now)
		watchdog_expire(&monitor);
	if (what & 8)
		input_discard(&monitor);
	if (what & 16)
		monitor_set_stopping(&monitor);
	if (what & 32)
		notify_end(&monitor);
	if (what & 64 && client_is_awaited(&monitor))
		client_stop_awaiting(&monitor);
	if (what & 128)
		begin_input();
}

static void check(void)
{
	int talking = 0;

	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		const struct client *c = &monitor.clients[i];

		talking += c->want_output || c->want_stdin;
		fuzz_require(c->open || !(c->want_output || c->want_stdin || c->stdin_held),
			     "who is gone wants nothing");
		fuzz_require(c->stdin_at <= c->stdin_len && c->stdin_len <= MONITOR_DATA_MAX,
			     "within the buffer");
		fuzz_require(!(c->lossless && monitor.stopping), "nobody waits for a stop's pager");
	}
	fuzz_require(talking <= MONITOR_CLIENTS_MAX - SLOTS_FOR_CONTROL, "slots for control");
	fuzz_require(monitor.stdin_client < 0 || monitor.clients[monitor.stdin_client].stdin_held,
		     "whose input is written");
	fuzz_require(input_is_held(&monitor) || monitor.stdin_client < 0, "held by somebody");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	begin(fuzz_byte(&in));
	while (in.left > 0) {
		unsigned step = fuzz_byte(&in);
		int i = step % MONITOR_CLIENTS_MAX;
		const uint8_t *piece = NULL;
		size_t n;

		if (step >= 0xe0) {
			turn(fuzz_byte(&in));
		} else if (step >= 0xc0) {
			n = fuzz_piece(&in, 2 * NOTIFY_MAX, &piece);
			tell(piece, n);
		} else if (step >= 0xa0) {
			dial(i);
		} else {
			n = fuzz_piece(&in, MONITOR_DATA_MAX + 64, &piece);
			if (monitor.clients[i].open)
				send_to(i, piece, n,
					step < 0x90   ? SEND_WHOLE
					: step < 0x98 ? SEND_AS_IT_IS
						      : SEND_AND_GO);
		}
		check();
		for (i = 0; i < MONITOR_CLIENTS_MAX; i++) {
			hear(i);
			if (!monitor.clients[i].open && step < 0xa0)
				connect_slot(i);
		}
	}
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++)
		if (monitor.clients[i].open)
			client_close(&monitor, i);
	return 0;
}
