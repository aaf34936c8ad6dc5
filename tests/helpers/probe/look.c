/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is there: descriptors, directory, credentials, files. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "probe.h"

#define WALK_DEPTH 24
#define WALK_FILES 200000

/* By number, not by /proc/self/fd: that may be masked, and would add one of its own. */
int verb_fds(int argc, char **argv)
{
	struct rlimit limit = { .rlim_cur = 65536 };
	char link[64], target[256];
	struct stat st;
	ssize_t n;

	(void)argc;
	(void)argv;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = 0; fd < 65536 && (rlim_t)fd < limit.rlim_cur; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			continue;
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		(void)printf("%d %s %s\n", fd, fstat(fd, &st) < 0 ? "?" : type_name(st.st_mode),
			     n > 0 ? target : "?");
	}
	return 0;
}

int verb_cwd(int argc, char **argv)
{
	char path[4096];
	struct stat dot, up;
	long r = syscall(SYS_getcwd, path, sizeof(path));

	(void)argc;
	(void)argv;
	(void)printf("getcwd %s\n", r < 0 ? error_name(errno) : path);
	if (stat(".", &dot) == 0)
		print_node("cwd", &dot);
	if (stat("..", &up) == 0)
		print_node("parent", &up);
	if (stat("/", &up) == 0)
		print_node("root", &up);
	return r < 0 || path[0] != '/';
}

static void print_file(const char *name, const char *path)
{
	char text[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0) {
		(void)printf("%s: %s\n", name, error_name(errno));
	} else {
		while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\0'))
			n--;
		text[n] = '\0';
		(void)printf("%s: %s\n", name, text);
	}
	if (fd >= 0)
		(void)close(fd);
}

static void print_status_fields(void)
{
	static const char *const fields[] = {
		"Umask:",  "Uid:",    "Gid:",	 "Groups:",	"CapInh:",  "CapPrm:",
		"CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:",
	};
	char line[4096];
	FILE *f = fopen("/proc/self/status", "re");

	if (!f) {
		(void)printf("status: %s\n", error_name(errno));
		return;
	}
	while (fgets(line, sizeof(line), f))
		for (size_t i = 0; i < COUNT(fields); i++)
			if (strncmp(line, fields[i], strlen(fields[i])) == 0)
				(void)fputs(line, stdout);
	(void)fclose(f);
}

static void print_namespaces(void)
{
	static const char *const names[] = { "mnt", "pid",    "net",  "ipc",
					     "uts", "cgroup", "user", "time" };
	char path[64], target[64];
	ssize_t n;

	for (size_t i = 0; i < COUNT(names); i++) {
		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		(void)printf("ns: %s\n", n > 0 ? target : error_name(errno));
	}
}

int verb_status(int argc, char **argv)
{
	uint64_t limit[2];
	char key[256];
	long id, n;

	(void)argc;
	(void)argv;
	print_status_fields();
	print_namespaces();
	print_file("cgroup", "/proc/self/cgroup");
	print_file("oom_score_adj", "/proc/self/oom_score_adj");
	print_file("attr", "/proc/self/attr/current");
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (syscall(SYS_prlimit64, 0, i, NULL, limit) == 0)
			(void)printf("rlimit %d: %lld %lld\n", i, (long long)limit[0],
				     (long long)limit[1]);
	(void)printf("securebits: %d\n", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0);
	n = id < 0 ? -1 : syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, key, sizeof(key) - 1, 0);
	key[n > 0 && n < (long)sizeof(key) ? n : 0] = '\0';
	(void)printf("session: %s\n", n < 0 ? error_name(errno) : key);
	return 0;
}

int verb_open(int argc, char **argv)
{
	static const struct {
		const char *name;
		int flags;
	} modes[] = { { "r", O_RDONLY }, { "w", O_WRONLY }, { "rw", O_RDWR }, { "path", O_PATH } };
	int fd;

	if (argc != 2)
		usage();
	for (size_t i = 0; i < COUNT(modes); i++) {
		if (strcmp(argv[1], modes[i].name) != 0)
			continue;
		fd = open(argv[0], modes[i].flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		(void)printf("%s\n", result_of(fd));
		return fd < 0;
	}
	usage();
}

/* Regular files only: the open of a device can act by itself (watchdog, tape). */
static unsigned walk(int dir, const char *path, unsigned depth, unsigned *budget)
{
	char sub[4096];
	struct dirent *d;
	struct stat st;
	unsigned open_ones = 0;
	DIR *list = fdopendir(dir);
	int fd;

	if (!list) {
		(void)close(dir);
		return 0;
	}
	while (*budget > 0 && (d = readdir(list))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		    fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    snprintf(sub, sizeof(sub), "%s/%s", path, d->d_name) >= (int)sizeof(sub))
			continue;
		(*budget)--;
		if (S_ISDIR(st.st_mode) && depth < WALK_DEPTH &&
		    !(depth == 0 && is_pid(d->d_name))) {
			fd = openat(dir, d->d_name,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (fd >= 0)
				open_ones += walk(fd, sub, depth + 1, budget);
		} else if (S_ISREG(st.st_mode)) {
			fd = openat(dir, d->d_name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
			if (fd >= 0) {
				(void)printf("writable %s\n", sub);
				open_ones++;
				(void)close(fd);
			}
		}
	}
	(void)closedir(list);
	return open_ones;
}

int verb_walk(int argc, char **argv)
{
	unsigned budget = WALK_FILES;
	unsigned n;
	int fd;

	if (argc != 1)
		usage();
	fd = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		(void)printf("%s: %s\n", argv[0], error_name(errno));
		return 1;
	}
	n = walk(fd, strcmp(argv[0], "/") == 0 ? "" : argv[0], 0, &budget);
	(void)printf("looked %u writable %u%s\n", WALK_FILES - budget, n,
		     budget == 0 ? " (stopped)" : "");
	return 0;
}
