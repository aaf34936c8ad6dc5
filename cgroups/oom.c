/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading about kills by the out-of-memory killer (cgroups/events.h).
 *
 * memory.events of NAME counts "oom_kill", processes killed in it or below, whoever's limit it was,
 * and "oom", how often a limit in it or below was hit. So kills without an "oom" came from above:
 * from the cgroup whose memory.events.local has counted an "oom" since NAME was made, or from the
 * machine. What the ones above had counted by then is an attribute of NAME's directory
 * (cgroup_oom_mark()), which needs no file that could outlive it.
 *
 * The log's line (mm/oom_kill.c, dump_oom_victim()):
 *   oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=NAME,mems_allowed=0,
 *     oom_memcg=PATH,task_memcg=PATH,task=COMM,pid=N,uid=N        or ...,global_oom,task_memcg=...
 */
#include "cgroups/events.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <time.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/num.h"
#include "base/statx.h"
#include "cgroups/cgroup_priv.h"

#define OOM_ATTRIBUTE "user.jail.oom"
#define OOM_LINE_MAX 8192 /* PRINTKRB_RECORD_MAX and its prefix */

static const char *const level_names[] = {
	[CGROUP_OOM_NONE] = "none",	  [CGROUP_OOM_INSTANCE] = "instance",
	[CGROUP_OOM_TENANT] = "tenant",	  [CGROUP_OOM_HOST] = "host",
	[CGROUP_OOM_UNKNOWN] = "unknown",
};

const char *cgroup_oom_level_name(enum cgroup_oom_level level)
{
	return level_names[level];
}

enum cgroup_oom_level cgroup_oom_level_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (str_eq(level_names[i], name))
			return (enum cgroup_oom_level)i;
	}
	return CGROUP_OOM_UNKNOWN;
}

/* Digits at the start of text. Return: what follows them, or NULL. */
static const char *oom_number(const char *text, uint64_t *ret)
{
	char digits[24];
	size_t n = strspn(text, "0123456789");
	struct err ignored;

	if (n == 0 || n >= sizeof(digits))
		return NULL;
	memcpy(digits, text, n);
	digits[n] = '\0';
	return num_parse_u64(digits, 0, UINT64_MAX, ret, &ignored) < 0 ? NULL : text + n;
}

/* Value of "KEY N" in a file of lines; 0 when either is missing. */
static uint64_t oom_counter(int dir, const char *file, const char *key)
{
	char buf[512];
	size_t n = strlen(key);
	uint64_t value = 0;

	if (file_peek_at(dir, file, buf, sizeof(buf)) < 0)
		return 0;
	for (const char *p = buf; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		if (str_starts(p, key) && p[n] == ' ' && oom_number(p + n + 1, &value))
			return value;
	}
	return 0;
}

static uint64_t oom_peak(int dir)
{
	static const char *const files[] = { "memory.peak", "memory.current" };
	uint64_t value = 0;
	char buf[32];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (file_peek_at(dir, files[i], buf, sizeof(buf)) > 0 && oom_number(buf, &value))
			return value;
	}
	return 0;
}

static bool oom_fd_path(int fd, char ret[static CGROUP_PATH_MAX])
{
	if (fd_path(fd, ret, CGROUP_PATH_MAX) < 0)
		ret[0] = '\0';
	return ret[0] == '/';
}

static bool oom_is_mount_root(int fd)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) < 0 ||
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* What a limit on the first n bytes of the path is. */
static enum cgroup_oom_level oom_level_at(const struct cgroup_oom_place *p, size_t n)
{
	if (n >= p->own_len)
		return CGROUP_OOM_INSTANCE;
	return n > p->all_len ? CGROUP_OOM_TENANT : CGROUP_OOM_HOST;
}

/*
 * ROOT/jail/web: ROOT/jail is of all. In a unit's cgroup,
 * jail.slice/jail-acme.slice/jail@web.service/web, the unit is the instance's too, and the slices
 * above it are its tenant's, up to jail.slice.
 */
static void oom_tops(const struct cgroup_tree *t, struct cgroup_oom_place *p, size_t tree_len)
{
	const char *slice = strstr(p->path, "/jail.slice/"), *base = strrchr(t->path, '/');

	p->own_len = strlen(p->path);
	p->all_len = tree_len;
	if (base && str_eq(base, "/jail"))
		return;
	p->own_len = tree_len;
	p->all_len = slice ? (size_t)(slice - p->path) + strlen("/jail.slice") : 0;
}

/* Paths as seen from the root of the mount, which is open as `root`. */
static int oom_paths(const struct cgroup_tree *t, int dir, int root, struct cgroup_oom_place *p)
{
	char top[CGROUP_PATH_MAX], tree[CGROUP_PATH_MAX];
	size_t n;

	if (!oom_fd_path(dir, p->path) || !oom_fd_path(root, top) || !oom_fd_path(t->root_fd, tree))
		return -EIO;
	if (!str_starts(p->path, top) || !str_starts(tree, top))
		return -EXDEV;
	n = str_eq(top, "/") ? 0 : strlen(top);
	memmove(p->path, p->path + n, strlen(p->path + n) + 1);
	oom_tops(t, p, strlen(tree) - n);
	p->whole = faccessat(root, "cgroup.events", F_OK, 0) < 0; /* only the real root has none */
	return 0;
}

/* Walks up to the root of the mount; what is above that can't be seen. */
static int oom_place(const struct cgroup_tree *t, int dir, struct cgroup_oom_place *ret)
{
	struct cgroup_oom_place p = { .whole = false };
	CLEANUP_FD int at = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	size_t n;
	int r;

	if (at < 0)
		return -errno;
	while (!oom_is_mount_root(at)) {
		int up = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct stat st;

		if (up < 0 || fstat(up, &st) < 0)
			return -errno;
		(void)close(at);
		at = up;
		if (p.n_above < CGROUP_ABOVE_MAX)
			p.above[p.n_above++] = (struct cgroup_above){
				.inode = st.st_ino,
				.ooms = oom_counter(at, "memory.events.local", "oom"),
			};
	}
	r = oom_paths(t, dir, at, &p);
	if (r < 0)
		return r;
	n = strlen(p.path);
	for (size_t i = 0; i < p.n_above; i++) {
		while (n > 0 && p.path[--n] != '/')
			;
		p.above[i].level = oom_level_at(&p, n);
	}
	*ret = p;
	return 0;
}

static uint64_t monotonic_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void cgroup_oom_mark(const struct cgroup_tree *t, int dir)
{
	struct cgroup_oom_place p;
	char text[CGROUP_ABOVE_MAX * 48 + 32];
	int n;

	if (!(t->controllers & CGROUP_MEMORY) || oom_place(t, dir, &p) < 0)
		return;
	n = snprintf(text, sizeof(text), "%llu", (unsigned long long)monotonic_us());
	for (size_t i = 0; i < p.n_above; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " %llu:%llu",
			      (unsigned long long)p.above[i].inode,
			      (unsigned long long)p.above[i].ooms);
	/* Without it a level above the instance may stay unknown, which is said then. */
	(void)fsetxattr(dir, OOM_ATTRIBUTE, text, (size_t)n, 0);
}

/* Takes what was counted before off each place. Return: when that was (monotonic, us), 0 = unknown:
 * nothing is off then. */
static uint64_t oom_since(int dir, struct cgroup_oom_place *p)
{
	char text[1024];
	ssize_t n = fgetxattr(dir, OOM_ATTRIBUTE, text, sizeof(text) - 1);
	const char *at;
	uint64_t when = 0, inode, ooms;

	text[n < 0 ? 0 : n] = '\0';
	at = oom_number(text, &when);
	while (at && *at == ' ') {
		at = oom_number(at + 1, &inode);
		at = at && *at == ':' ? oom_number(at + 1, &ooms) : NULL;
		for (size_t i = 0; at && i < p->n_above; i++) {
			if (p->above[i].inode == inode && p->above[i].ooms >= ooms)
				p->above[i].ooms -= ooms;
		}
	}
	return when;
}

/* By the counters alone. */
static enum cgroup_oom_level oom_level(int dir, const struct cgroup_oom_place *p, bool since)
{
	if (oom_counter(dir, "memory.events", "oom") > 0)
		return CGROUP_OOM_INSTANCE;
	for (size_t i = 0; i < p->n_above; i++) {
		if (p->above[i].ooms == 0)
			continue;
		if (!since)
			return CGROUP_OOM_UNKNOWN;
		return p->above[i].level;
	}
	return CGROUP_OOM_HOST;
}

/* Where the only `key` of the line ends; NULL when there is none, or more. */
static char *oom_only(char *line, const char *key)
{
	char *at = strstr(line, key);

	return at && !strstr(at + 1, key) ? at + strlen(key) : NULL;
}

/* Whether `path` is `top` or below it. */
static bool oom_is_below(const char *path, const char *top, size_t n)
{
	return strncmp(path, top, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* Where in the log's path of the victim the instance's begins; NULL: it is another's. */
static const char *oom_find(const struct cgroup_oom_place *p, const char *path)
{
	size_t n = strlen(p->path);
	const char *at = path;

	if (p->whole)
		return oom_is_below(path, p->path, n) ? path : NULL;
	while (at && !oom_is_below(at, p->path, n))
		at = strchr(at + 1, '/');
	return at;
}

/* `limit` is whose limit it was; the victim's cgroup begins with `prefix` bytes that can't be seen.
 */
static enum cgroup_oom_level oom_level_of(const struct cgroup_oom_place *p, const char *victim,
					  size_t prefix, const char *limit)
{
	size_t n = strlen(limit), own = prefix + p->own_len;

	if (strlen(victim) >= own && oom_is_below(limit, victim, own))
		return CGROUP_OOM_INSTANCE;
	if (str_eq(limit, "/") || n <= prefix)
		return CGROUP_OOM_HOST;
	return oom_is_below(victim, limit, n) ? oom_level_at(p, n - prefix) : CGROUP_OOM_UNKNOWN;
}

bool cgroup_oom_parse(const struct cgroup_oom_place *p, uint64_t since_us, char *line,
		      struct cgroup_oom *oom)
{
	char *text = strstr(line, ";oom-kill:constraint="), *limit, *path, *task, *pid, *uid;
	const char *at = line, *own;
	uint64_t priority, sequence, when, number;

	if (!text || strchr(line, ';') != text)
		return false;
	at = oom_number(at, &priority);
	at = at && *at == ',' ? oom_number(at + 1, &sequence) : NULL;
	at = at && *at == ',' ? oom_number(at + 1, &when) : NULL;
	/* Facility 0 is the kernel itself: a program's words in the log have another. The two
	 * clocks drift. */
	if (!at || priority >= 8 || when + when / 1000 + 1000000 < since_us)
		return false;
	text[strcspn(text, "\n")] = '\0';
	limit = oom_only(text, ",oom_memcg=");
	path = oom_only(text, ",task_memcg=");
	task = oom_only(text, ",task=");
	pid = oom_only(text, ",pid=");
	uid = oom_only(text, ",uid=");
	if (!path || !task || !pid || !uid || path > task || task > pid || pid > uid ||
	    (limit ? limit > path || strstr(text, ",global_oom,")
		   : !oom_only(text, ",global_oom,")))
		return false;
	path[-(ptrdiff_t)strlen(",task_memcg=")] = '\0';
	task[-(ptrdiff_t)strlen(",task=")] = '\0';
	pid[-(ptrdiff_t)strlen(",pid=")] = '\0';
	uid[-(ptrdiff_t)strlen(",uid=")] = '\0';
	own = oom_find(p, path);
	if (!own || !oom_number(pid, &number) || number > INT32_MAX ||
	    str_format(oom->victim, sizeof(oom->victim), "%s", task) < 0)
		return false;
	oom->victim_pid = (pid_t)number;
	oom->level = limit ? oom_level_of(p, path, (size_t)(own - path), limit) : CGROUP_OOM_HOST;
	return true;
}

/* Each read is one record. The last one that speaks of the instance counts. */
void cgroup_oom_search(int log, const struct cgroup_oom_place *p, uint64_t since_us,
		       struct cgroup_oom *oom)
{
	char line[OOM_LINE_MAX];

	for (;;) {
		ssize_t n = read(log, line, sizeof(line) - 1);

		if (n < 0 && (errno == EINTR || errno == EPIPE)) /* EPIPE: overwritten meanwhile */
			continue;
		if (n <= 0)
			return;
		line[n] = '\0';
		(void)cgroup_oom_parse(p, since_us, line, oom);
	}
}

int cgroup_oom_read(const struct cgroup_tree *t, const struct jail_name *name,
		    struct cgroup_oom *ret, struct err *e)
{
	CLEANUP_FD int dir = cgroup_dir(t, name, false), log = -EBADF;
	struct cgroup_oom oom = { .kills = 0 };
	struct cgroup_oom_place p = { .whole = false };
	uint64_t since;
	int r;

	if (dir < 0)
		return err_ret(e, dir, "open cgroup %s/%s", t->path, name->s);
	oom.peak_bytes = oom_peak(dir);
	oom.kills = oom_counter(dir, "memory.events", "oom_kill");
	if (oom.kills > 0) {
		r = oom_place(t, dir, &p);
		if (r < 0)
			return err_ret(e, r, "look above cgroup %s/%s", t->path, name->s);
		since = oom_since(dir, &p);
		oom.level = oom_level(dir, &p, since > 0);
		log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (log >= 0)
			cgroup_oom_search(log, &p, since, &oom);
	}
	*ret = oom;
	return 0;
}
