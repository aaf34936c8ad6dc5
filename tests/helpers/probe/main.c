/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One attempt from inside an instance, and its result as a word: what the security tests copy into
 * a root file system (build it statically). It depends on nothing there, not even on /proc for most
 * verbs. Results are "ok", a number, or the name of the error (EPERM), so that a test can compare
 * text. It opens the kernel's dangerous files for writing, never writes to one.
 *
 *	probe fds			one line for each open descriptor: N TYPE TARGET
 *	probe cwd			the raw getcwd(2), and where ".." leads
 *	probe status			all that start and exec must agree on (row 9)
 *	probe open PATH r|w|rw|path	opens and closes
 *	probe ioctl NAME [hi] [TEXT]	on descriptors 0 to 2 and /dev/tty; hi sets a bit above 32
 *	probe sys NR [ARG...]		one call; sys32: by int 0x80; sysx32: with the x32 bit
 *	probe sys|sys32|sysx32 all	numbers 0 to 600, arguments -1, each in a child
 *	probe sock FAMILY [TYPE [PROTOCOL]]	socket(2); sock32: by i386's socketcall(2)
 *	probe stalk [SECONDS]		rows 2, 3: grabs at every process that appears
 *	probe exegrab [SECONDS]		row 1: tries to open /proc/N/exe for writing
 *	probe chrootbreak		row 29: chroot and climb
 *	probe walk DIR			rows 26, 61: files below that open for writing
 *	probe nodes DIR...		row 63: every file below, every process' program
 *	probe handle PATH		row 32: opens PATH by its file handle
 *	probe ptys			row 69: how many terminals there can be, up to 5000
 */
#include "probe.h"

/* musl has no strerrorname_np(); these are what the tests look for. */
const char *error_name(int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" },
		{ ENOENT, "ENOENT" },
		{ ESRCH, "ESRCH" },
		{ EINTR, "EINTR" },
		{ EIO, "EIO" },
		{ ENXIO, "ENXIO" },
		{ E2BIG, "E2BIG" },
		{ ENOEXEC, "ENOEXEC" },
		{ EBADF, "EBADF" },
		{ EDQUOT, "EDQUOT" },
		{ ECHILD, "ECHILD" },
		{ EAGAIN, "EAGAIN" },
		{ ENOMEM, "ENOMEM" },
		{ EACCES, "EACCES" },
		{ EFAULT, "EFAULT" },
		{ ENOTBLK, "ENOTBLK" },
		{ EBUSY, "EBUSY" },
		{ EEXIST, "EEXIST" },
		{ EXDEV, "EXDEV" },
		{ ENODEV, "ENODEV" },
		{ ENOTDIR, "ENOTDIR" },
		{ EISDIR, "EISDIR" },
		{ EINVAL, "EINVAL" },
		{ ENFILE, "ENFILE" },
		{ EMFILE, "EMFILE" },
		{ ENOTTY, "ENOTTY" },
		{ ETXTBSY, "ETXTBSY" },
		{ EFBIG, "EFBIG" },
		{ ENOSPC, "ENOSPC" },
		{ ESPIPE, "ESPIPE" },
		{ EROFS, "EROFS" },
		{ ERANGE, "ERANGE" },
		{ ENAMETOOLONG, "ENAMETOOLONG" },
		{ ENOSYS, "ENOSYS" },
		{ ELOOP, "ELOOP" },
		{ EOVERFLOW, "EOVERFLOW" },
		{ EUSERS, "EUSERS" },
		{ ENOTSOCK, "ENOTSOCK" },
		{ EPROTONOSUPPORT, "EPROTONOSUPPORT" },
		{ ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT" },
		{ EOPNOTSUPP, "EOPNOTSUPP" },
		{ EAFNOSUPPORT, "EAFNOSUPPORT" },
		{ ECONNREFUSED, "ECONNREFUSED" },
		{ ENOKEY, "ENOKEY" },
		{ ETIMEDOUT, "ETIMEDOUT" },
	};
	static char number[16];

	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].error == error)
			return names[i].name;
	(void)snprintf(number, sizeof(number), "E%d", error);
	return number;
}

const char *result_of(long r)
{
	return r < 0 ? error_name(errno) : "ok";
}

void usage(void)
{
	(void)fprintf(stderr, "usage: probe fds|cwd|status|open|ioctl|sys|sys32|sysx32|sock|sock32|"
			      "stalk|exegrab|chrootbreak|walk|nodes|handle|ptys|hoard ...\n");
	_exit(64);
}

const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFCHR:
		return "char";
	case S_IFBLK:
		return "block";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFLNK:
		return "link";
	default:
		return "anon";
	}
}

void print_node(const char *what, const struct stat *st)
{
	(void)printf("%s %s %u:%u:%llu\n", what, type_name(st->st_mode),
		     (unsigned)(st->st_dev >> 8 & 0xfff), (unsigned)(st->st_dev & 0xff),
		     (unsigned long long)st->st_ino);
}

bool is_pid(const char *name)
{
	return *name >= '1' && *name <= '9' && name[strspn(name, "0123456789")] == '\0';
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		verb_fn *run;
	} verbs[] = {
		{ "fds", verb_fds },
		{ "cwd", verb_cwd },
		{ "status", verb_status },
		{ "open", verb_open },
		{ "ioctl", verb_ioctl },
		{ "sys", verb_sys },
		{ "sys32", verb_sys32 },
		{ "sysx32", verb_sysx32 },
		{ "sock", verb_sock },
		{ "sock32", verb_sock32 },
		{ "stalk", verb_stalk },
		{ "exegrab", verb_exegrab },
		{ "chrootbreak", verb_chrootbreak },
		{ "walk", verb_walk },
		{ "nodes", verb_nodes },
		{ "handle", verb_handle },
		{ "ptys", verb_ptys },
		{ "hoard", verb_hoard },
	};

	if (argc < 2)
		usage();
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 2, argv + 2);
	usage();
}
