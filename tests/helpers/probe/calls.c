/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One system call, by each ABI that the processor has. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "probe.h"

#define SYS_NUMBERS 601
#define X32_BIT 0x40000000L

/* TIOCSTI takes one byte at a time, TIOCLINUX a subcode: 2 pastes, 3 selects. */
static long one_ioctl(int fd, unsigned long request, const char *name, const char *text)
{
	char subcode[2] = { 3, 0 };
	char byte;
	long r = 0;

	if (strcmp(name, "TIOCLINUX") == 0)
		return syscall(SYS_ioctl, fd, request, subcode);
	if (strcmp(name, "TIOCSTI") != 0) {
		char room[256] = { 0 };

		return syscall(SYS_ioctl, fd, request, room);
	}
	for (; *text && r >= 0; text++) {
		byte = *text;
		r = syscall(SYS_ioctl, fd, request, &byte);
	}
	return r;
}

int verb_ioctl(int argc, char **argv)
{
	static const struct {
		const char *name;
		unsigned long request;
	} requests[] = {
		{ "TIOCSTI", TIOCSTI },	    { "TIOCLINUX", 0x541c },  { "TIOCGWINSZ", TIOCGWINSZ },
		{ "TIOCSCTTY", TIOCSCTTY }, { "TIOCCONS", TIOCCONS }, { "FIONREAD", FIONREAD },
		{ "TIOCGPGRP", TIOCGPGRP },
	};
	const char *text = "x";
	unsigned long request = 0;
	bool any = false;
	long r;
	int tty;

	if (argc < 1)
		usage();
	for (size_t i = 0; i < COUNT(requests); i++)
		if (strcmp(argv[0], requests[i].name) == 0)
			request = requests[i].request;
	if (!request)
		usage();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "hi") == 0)
			request |= (unsigned long)(1ULL << 40);
		else
			text = argv[i];
	}
	for (int fd = 0; fd < 3; fd++) {
		r = one_ioctl(fd, request, argv[0], text);
		(void)printf("%d %s\n", fd, result_of(r));
		any |= r >= 0;
	}
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (tty < 0) {
		(void)printf("/dev/tty open: %s\n", error_name(errno));
	} else {
		r = one_ioctl(tty, request, argv[0], text);
		(void)printf("/dev/tty %s\n", result_of(r));
		any |= r >= 0;
	}
	return !any;
}

enum abi { ABI_NATIVE, ABI_I386, ABI_X32 };

/* i386's gate works in a 64-bit program too: arguments are cut to 32 bits. */
static long syscall_i386(long nr, const long a[6])
{
#if defined(__x86_64__)
	long r;

	/* r8 to r11 are not kept on all kernels; ebp (the 6th) is left alone. */
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
			 : "memory", "r8", "r9", "r10", "r11");
	r = (long)(int)r;
	if (r < 0 && r > -4096) {
		errno = (int)-r;
		return -1;
	}
	return r;
#else
	(void)nr;
	(void)a;
	errno = ENOSYS;
	return -1;
#endif
}

static long do_syscall(enum abi abi, long nr, const long a[6])
{
	if (abi == ABI_I386)
		return syscall_i386(nr, a);
	return syscall(abi == ABI_X32 ? (nr | X32_BIT) : nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Calls that end, stop, or disconnect the child instead of answering. */
static bool is_disruptive(enum abi abi, long nr)
{
	static const long native[] = {
#if defined(__x86_64__)
		SYS_fork,
		SYS_vfork,
		SYS_pause,
		SYS_vhangup,
#endif
		SYS_exit,
		SYS_exit_group,
		SYS_rt_sigreturn,
		SYS_rt_sigsuspend,
		SYS_clone,
		SYS_reboot,
		SYS_sync,
	};
	static const long i386[] = { 1, 2, 29, 36, 72, 88, 111, 119, 120, 173, 179, 190, 252 };
	const long *list = abi == ABI_I386 ? i386 : native;
	size_t n = abi == ABI_I386 ? COUNT(i386) : COUNT(native);

	for (size_t i = 0; i < n; i++)
		if (list[i] == nr)
			return true;
	return false;
}

/* The child sends its answer through a pipe: its exit status is taken by a filter that kills. */
static void try_number(enum abi abi, long nr)
{
	static const long args[6] = { -1, -1, -1, -1, -1, -1 };
	char answer[32] = "";
	int pipe_fds[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(pipe_fds) < 0 || (pid = fork()) < 0) {
		(void)printf("%ld fork: %s\n", nr, error_name(errno));
		exit(1);
	}
	if (pid == 0) {
		/* A copy where close(-1), dup2 and close_range leave it alone is not to be had:
		 * those just lose the answer and are told by "none". */
		(void)alarm(2);
		errno = 0;
		(void)snprintf(answer, sizeof(answer), "%s", result_of(do_syscall(abi, nr, args)));
		(void)write(pipe_fds[1], answer, strlen(answer));
		_exit(0);
	}
	(void)close(pipe_fds[1]);
	n = read(pipe_fds[0], answer, sizeof(answer) - 1);
	answer[n > 0 ? n : 0] = '\0';
	(void)close(pipe_fds[0]);
	if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
		(void)snprintf(answer, sizeof(answer), "SIG%d", WTERMSIG(status));
	(void)printf("%ld %s\n", nr, *answer ? answer : "none");
}

static int try_all(enum abi abi)
{
	for (long nr = 0; nr < SYS_NUMBERS; nr++) {
		if (is_disruptive(abi, nr))
			(void)printf("%ld skipped\n", nr);
		else
			try_number(abi, nr);
		(void)fflush(stdout);
	}
	return 0;
}

static int run_sys(enum abi abi, int argc, char **argv)
{
	long args[6] = { 0 };
	long r;

	if (argc < 1 || argc > 7)
		usage();
	if (strcmp(argv[0], "all") == 0)
		return try_all(abi);
	for (int i = 1; i < argc; i++)
		args[i - 1] = (long)strtoull(argv[i], NULL, 0);
	r = do_syscall(abi, (long)strtoull(argv[0], NULL, 0), args);
	if (r < 0)
		(void)printf("%s\n", error_name(errno));
	else
		(void)printf("%ld\n", r);
	return r < 0;
}

int verb_sys(int argc, char **argv)
{
	return run_sys(ABI_NATIVE, argc, argv);
}

int verb_sys32(int argc, char **argv)
{
	return run_sys(ABI_I386, argc, argv);
}

int verb_sysx32(int argc, char **argv)
{
	return run_sys(ABI_X32, argc, argv);
}

static void parse_socket(int argc, char **argv, long ret[3])
{
	if (argc < 1 || argc > 3)
		usage();
	ret[0] = (long)strtoull(argv[0], NULL, 0);
	ret[1] = argc > 1 ? (long)strtoull(argv[1], NULL, 0) : SOCK_DGRAM;
	ret[2] = argc > 2 ? (long)strtoull(argv[2], NULL, 0) : 0;
}

int verb_sock(int argc, char **argv)
{
	long a[3], r;

	parse_socket(argc, argv, a);
	r = syscall(SYS_socket, a[0], a[1], a[2]); /* not by libc: it would cut high bits */
	(void)printf("%s\n", result_of(r));
	return r < 0;
}

int verb_sock32(int argc, char **argv)
{
#if defined(__x86_64__)
	long a[3], r;
	uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	parse_socket(argc, argv, a);
	if (low == MAP_FAILED) {
		(void)printf("mmap: %s\n", error_name(errno));
		return 1;
	}
	for (int i = 0; i < 3; i++)
		low[i] = (uint32_t)a[i];
	r = syscall_i386(102, (const long[6]){ 1, (long)(uintptr_t)low, 0, 0, 0, 0 });
	(void)printf("%s\n", result_of(r));
	return r < 0;
#else
	(void)argc;
	(void)argv;
	(void)printf("ENOSYS\n");
	return 1;
#endif
}
