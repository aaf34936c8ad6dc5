/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the name of a profile to a program, through the cache. The shipped profile is a file of the
 * source tree that the assembler puts into this object: the program needs no file at run time, and
 * nothing has to turn JSON into C.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/str.h"
#include "runtime/seccomp_priv.h"

__asm__(".pushsection .rodata, \"a\"\n"
	"jail_seccomp_default:\n"
	".incbin \"runtime/seccomp-default.json\"\n"
	"jail_seccomp_default_end:\n"
	".byte 0\n"
	".popsection\n");
extern const char jail_seccomp_default[] __attribute__((visibility("hidden")));
extern const char jail_seccomp_default_end[] __attribute__((visibility("hidden")));

const char *seccomp_default_profile(size_t *ret_n)
{
	*ret_n = (size_t)((uintptr_t)jail_seccomp_default_end - (uintptr_t)jail_seccomp_default);
	return jail_seccomp_default;
}

void seccomp_program_free(struct seccomp_program *p)
{
	free(p->filter);
	*p = (struct seccomp_program){ .n = 0 };
}

static struct seccomp_target host_target(uint64_t capabilities)
{
	struct seccomp_target target = {
		.arch = seccomp_arch_native(),
		.capabilities = capabilities,
	};
	struct utsname u;

	if (uname(&u) == 0)
		(void)sscanf(u.release, "%4u.%4u", &target.kernel_major, &target.kernel_minor);
	return target;
}

static int compile_for(const char *file, const char *text, size_t n,
		       const struct seccomp_target *target, struct seccomp_program *ret,
		       struct err *e)
{
	CLEANUP(seccomp_profile_free) struct seccomp_profile profile = { .doc = NULL };
	int r;

	r = seccomp_profile_parse(file, text, n, target, &profile, e);
	if (r < 0)
		return r;
	r = seccomp_profile_compile(&profile, ret, e);
	return r < 0 && !str_starts(e->text, file) ? err_wrap(e, "%s", file) : r;
}

int seccomp_program_compile(const char *file, const char *text, size_t n, uint64_t capabilities,
			    struct seccomp_program *ret, struct err *e)
{
	struct seccomp_target target = host_target(capabilities);

	return compile_for(file, text, n, &target, ret, e);
}

/* An administrator's path, links included; but a regular file, and bounded. */
static int read_profile(const char *path, char **ret, size_t *ret_n, struct err *e)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0)
		return err_sys(e, "open seccomp profile %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at seccomp profile %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "seccomp profile %s: not a regular file", path);
	r = fd_read_all(fd, LIMIT_JSON_BYTES, ret, ret_n);
	return r < 0 ? err_ret(e, r, "read seccomp profile %s", path) : 0;
}

/* What a program comes from. */
struct source {
	const char *file, *text;
	size_t n;
	const struct json *oci; /* NULL: a profile */
};

static int compile_source(const struct source *s, const struct seccomp_target *target,
			  struct seccomp_program *ret, struct err *e)
{
	CLEANUP(seccomp_profile_free) struct seccomp_profile profile = { .doc = NULL };
	int r;

	if (!s->oci)
		return compile_for(s->file, s->text, s->n, target, ret, e);
	r = seccomp_profile_read_oci(s->file, s->oci, target, &profile, e);
	if (r < 0)
		return r;
	r = seccomp_profile_compile(&profile, ret, e);
	return r < 0 && !str_starts(e->text, s->file) ? err_wrap(e, "%s: linux.seccomp", s->file)
						      : r;
}

/* s->text is what the cache knows it by. */
static int load_source(const struct source *s, uint64_t capabilities, int cache,
		       struct seccomp_program *ret, struct err *e)
{
	struct seccomp_target target = host_target(capabilities);
	struct err trouble = ERR_INIT;
	struct digest key;
	int r;

	if (cache < 0)
		return compile_source(s, &target, ret, e);
	seccomp_cache_key(s->text, s->n, &target, &key);
	if (seccomp_cache_read(cache, &key, ret) > 0)
		return 0;
	r = compile_source(s, &target, ret, e);
	if (r < 0)
		return r;
	if (seccomp_cache_write(cache, &key, ret, &trouble) < 0)
		warn("seccomp cache: %s", trouble.text);
	return 0;
}

static int load_text(const char *file, const char *text, size_t n, uint64_t capabilities, int cache,
		     struct seccomp_program *ret, struct err *e)
{
	const struct source s = { .file = file, .text = text, .n = n };

	return load_source(&s, capabilities, cache, ret, e);
}

int seccomp_oci_load(const char *file, const struct json *node, int cache_dir,
		     struct seccomp_program *ret, struct err *e)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_INIT;
	struct source s = { .file = file, .oci = node };
	struct json_out out;
	int r;

	/* No JSON, so that it never is the text of a profile, which means something else. */
	strbuf_adds(&text, "oci:");
	json_out_init(&out, &text, false);
	json_out_node(&out, NULL, node);
	r = strbuf_ok(&text, e);
	if (r < 0)
		return r;
	s.text = text.data;
	s.n = text.len;
	return load_source(&s, 0, cache_dir, ret, e);
}

int seccomp_program_load(const char *profile, uint64_t capabilities, int cache_dir,
			 struct seccomp_program *ret, struct err *e)
{
	CLEANUP_FREE char *owned = NULL;
	const char *text;
	size_t n = 0;
	int r;

	if (str_eq(profile, "unconfined")) {
		*ret = (struct seccomp_program){ .n = 0 };
		return 0;
	}
	if (str_eq(profile, "default")) {
		text = seccomp_default_profile(&n);
		return load_text("seccomp-default.json", text, n, capabilities, cache_dir, ret, e);
	}
	if (profile[0] != '/')
		return err_set(e, EINVAL,
			       "seccomp profile \"%s\": must be \"default\", \"unconfined\" or an "
			       "absolute path",
			       profile);
	r = read_profile(profile, &owned, &n, e);
	if (r < 0)
		return r;
	return load_text(profile, owned, n, capabilities, cache_dir, ret, e);
}
