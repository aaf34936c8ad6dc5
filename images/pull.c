/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pull: skopeo fetches the image as an OCI layout below the staging directory, and the layout is
 * imported from there like any that a stranger made. Registries, their credentials and transports
 * are skopeo's business; it runs with the caller's environment, where those are found, and dies
 * with us.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/path.h"
#include "base/sys.h"
#include "images/import_priv.h"

#define PULL_PROGRAM "skopeo"
#define PULL_LAYOUT "oci"
#define PULL_SCHEME "docker://"
#define PULL_ARGS_MAX 16

struct pull {
	char program[PATH_MAX];
	char source[sizeof(PULL_SCHEME) + LIMIT_IMAGE_REF_LEN];
	const char *args[PULL_ARGS_MAX];
	size_t n;
};

/* Absolute directories of PATH only: a relative one leads to wherever we are. */
static int pull_find(char *ret, size_t n, struct err *e)
{
	const char *path = getenv("PATH");

	for (const char *p = path ? path : ""; *p;) {
		size_t len = strcspn(p, ":");
		struct stat st;

		if (p[0] == '/' && str_format(ret, n, "%.*s/" PULL_PROGRAM, (int)len, p) > 0 &&
		    stat(ret, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111))
			return 0;
		p += len + (p[len] == ':');
	}
	(void)err_set(e, ENOENT, "image pull needs skopeo, which is not installed");
	return err_hint(e, "install it (Debian: apt install skopeo), or import an archive that was "
			   "made elsewhere: jail image import FILE");
}

static void pull_arg(struct pull *p, const char *arg)
{
	p->args[p->n++] = arg;
}

/* Skopeo takes a tag or a digest, not both: with a digest the tag says nothing more. What is no
 * reference is for skopeo to refuse. */
static const char *pull_source(struct pull *p, const char *source)
{
	const char *name = source + strlen(PULL_SCHEME), *digest = strchr(name, '@');
	struct err ignored = ERR_INIT;
	struct image_ref ref;

	if (!digest || image_ref_parse(name, &ref, &ignored) < 0 || !image_ref_has_tag(&ref))
		return source;
	(void)str_format(p->source, sizeof(p->source), PULL_SCHEME "%.*s%s",
			 (int)image_ref_name_len(&ref), ref.s, digest); /* fits */
	return p->source;
}

static void pull_args(struct pull *p, const struct pull_request *req)
{
	const struct platform *platform = &req->import.platform;

	pull_arg(p, PULL_PROGRAM);
	if (req->import.has_platform && platform->os[0]) {
		pull_arg(p, "--override-os");
		pull_arg(p, platform->os);
	}
	if (req->import.has_platform && platform->architecture[0]) {
		pull_arg(p, "--override-arch");
		pull_arg(p, platform->architecture);
	}
	if (req->import.has_platform && platform->variant[0]) {
		pull_arg(p, "--override-variant");
		pull_arg(p, platform->variant);
	}
	pull_arg(p, "copy");
	pull_arg(p, "--");
	pull_arg(p, pull_source(p, req->source));
	/* Relative to the staging directory: its path may hold a ':', which ends a path here. */
	pull_arg(p, "oci:" PULL_LAYOUT);
	pull_arg(p, NULL);
}

/*
 * It talks with strangers as root, so it gets no more of that than it takes to read the credentials
 * of whoever has called us by sudo: no set-user-ID program, no capability but the one to read.
 */
static bool pull_confine(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return false;
	/* Executed by root, it gets what is in the bounding set. */
	for (unsigned long cap = 0;; cap++) {
		int have = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (have < 0) /* past the last one */
			return true;
		if (have && cap != CAP_DAC_READ_SEARCH && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return false;
	}
}

/* Between clone and exec: system calls only. Its progress goes to stderr, as ours does. */
static NORETURN void pull_exec(const struct pull *p, int dir, pid_t parent)
{
	static const char failed[] = "jail: can't execute skopeo\n";

	sys_signals_default();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent &&
	    fchdir(dir) == 0 && pull_confine() && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 &&
	    sys_close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
		(void)execve(p->program, (char *const *)(uintptr_t)p->args, environ);
	(void)!write(STDERR_FILENO, failed, sizeof(failed) - 1);
	_exit(127);
}

static int pull_run(const struct pull *p, int dir, const char *source, struct err *e)
{
	struct clone_args args = { .flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
	pid_t parent = getpid(), pid = sys_clone3(&args);
	int status = 0;

	if (pid < 0)
		return err_sys(e, "start skopeo");
	if (pid == 0)
		pull_exec(p, dir, parent);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for skopeo");
	if (WIFSIGNALED(status))
		return err_set(e, EIO, "skopeo was killed by signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0) {
		(void)err_set(e, EIO, "skopeo could not fetch %s (status %d)", source,
			      WEXITSTATUS(status));
		return err_hint(e, "its own message is above; credentials: skopeo login");
	}
	return 0;
}

static int pull_staged(struct image_store *s, const struct pull_request *req,
		       const struct staging *staging, struct imported_list *ret, struct err *e)
{
	CLEANUP_FD int layout = -EBADF;
	struct import_request import = req->import;
	struct pull pull = { .n = 0 };
	int r = pull_find(pull.program, sizeof(pull.program), e);

	if (r < 0)
		return r;
	pull_args(&pull, req);
	r = pull_run(&pull, staging->dir, req->source, e);
	if (r < 0)
		return r;
	layout = path_open_beneath(staging->dir, PULL_LAYOUT, O_RDONLY | O_DIRECTORY, 0);
	if (layout < 0)
		return err_ret(e, layout, "open what skopeo fetched");
	import.archive_fd = layout;
	return store_import(s, &import, ret, e);
}

int store_pull(struct image_store *s, const struct pull_request *req, struct imported_list *ret,
	       struct err *e)
{
	struct staging staging = STAGING_INIT;
	struct err ignored = ERR_INIT;
	int r;

	if (!str_starts(req->source, PULL_SCHEME) || !req->source[strlen(PULL_SCHEME)]) {
		(void)err_set(e, EINVAL, "\"%s\": expected " PULL_SCHEME "NAME[:TAG]", req->source);
		return err_hint(e, "other sources: skopeo copy SOURCE oci:DIR, then jail image "
				   "import DIR --name IMAGE");
	}
	r = staging_make(s, &staging, e);
	if (r == 0)
		r = pull_staged(s, req, &staging, ret, e);
	if (staging_remove(s, &staging, &ignored) < 0)
		warn("%s", ignored.text);
	return r < 0 ? err_wrap(e, "pull") : 0;
}
