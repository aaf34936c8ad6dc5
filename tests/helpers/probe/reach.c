/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be reached: files by name, by process, by handle; and how many of a thing there are. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "probe.h"

#define NODES_DEPTH 32
#define PTYS_MAX 5000

struct handle { /* struct file_handle, with room */
	unsigned bytes;
	int type;
	unsigned char data[128];
};

/* "node file MAJOR:MINOR:INODE PATH" */
static void print_file(const char *path, const struct stat *st)
{
	(void)printf("node %s %u:%u:%llu %s\n", type_name(st->st_mode),
		     (unsigned)(st->st_dev >> 8 & 0xfff), (unsigned)(st->st_dev & 0xff),
		     (unsigned long long)st->st_ino, path);
}

static void nodes_below(int dir, const char *path, unsigned depth)
{
	DIR *list = fdopendir(dir);
	struct dirent *d;
	struct stat st;
	char sub[4096];
	int fd;

	if (!list) {
		(void)close(dir);
		return;
	}
	while ((d = readdir(list))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		    snprintf(sub, sizeof(sub), "%s/%s", path, d->d_name) >= (int)sizeof(sub) ||
		    strcmp(sub, "/proc") == 0 || strcmp(sub, "/sys") == 0 ||
		    fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < NODES_DEPTH) {
			fd = openat(dir, d->d_name,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (fd >= 0)
				nodes_below(fd, sub, depth + 1);
		} else if (S_ISREG(st.st_mode)) {
			print_file(sub, &st);
		}
	}
	(void)closedir(list);
}

int verb_nodes(int argc, char **argv)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	struct stat st;
	char path[300];
	int fd;

	for (int i = 0; i < argc; i++) {
		fd = open(argv[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			nodes_below(fd, strcmp(argv[i], "/") == 0 ? "" : argv[i], 0);
	}
	while (proc && (d = readdir(proc))) {
		(void)snprintf(path, sizeof(path), "/proc/%s/exe", d->d_name);
		if (is_pid(d->d_name) && stat(path, &st) == 0)
			print_file(path, &st);
	}
	if (proc)
		(void)closedir(proc);
	return 0;
}

int verb_handle(int argc, char **argv)
{
	struct handle h = { .bytes = sizeof(h.data) };
	int mount, dir, fd;

	if (argc != 1)
		usage();
	dir = open(argv[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (dir < 0 || syscall(SYS_name_to_handle_at, AT_FDCWD, argv[0], &h, &mount, 0) < 0) {
		(void)printf("no handle: %s\n", error_name(errno));
		return 1;
	}
	fd = (int)syscall(SYS_open_by_handle_at, dir, &h, O_RDONLY | O_CLOEXEC);
	(void)printf("%s\n", result_of(fd));
	return fd < 0;
}

int verb_ptys(int argc, char **argv)
{
	struct rlimit limit = { .rlim_cur = PTYS_MAX + 64, .rlim_max = PTYS_MAX + 64 };
	unsigned n = 0;

	(void)argc;
	(void)argv;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		(void)printf("setrlimit: %s\n", error_name(errno));
		return 1;
	}
	while (n < PTYS_MAX && open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) >= 0)
		n++;
	(void)printf("%u %s\n", n, n < PTYS_MAX ? error_name(errno) : "ok");
	return 0;
}
