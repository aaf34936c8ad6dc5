/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last word on a spec, whatever route it came by (row 45): file, flags, stored state. Defaults
 * go in first. Then each value is judged alone by the same tables as a file (the spec is written as
 * JSON and read again), so that a flag can set nothing that a file could not say; then what needs
 * two values to be judged.
 */
#include "runtime/spec_priv.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/mount.h>

#define MIB (UINT64_C(1) << 20)
#define SHM_DEFAULT (64 * MIB)
#define LOG_SIZE_DEFAULT (10 * MIB)
#define LOG_SIZE_MIN (UINT64_C(64) << 10) /* a few lines of LIMIT_LOG_LINE */
#define LOG_FILES_DEFAULT 3
#define STOP_TIMEOUT_DEFAULT_MS 10000
#define STOP_TIMEOUT_SYSTEM_MS 90000 /* systemd's own for a service that does not stop */
#define RESTART_DELAY_DEFAULT_MS 1000
#define DURATION_MAX_MS (365ull * 24 * 3600 * 1000)

static int default_text(char **value, const char *text, struct err *e)
{
	if (!*value)
		*value = strdup(text);
	return *value ? 0 : err_nomem(e);
}

/* A whole system: its init on a console. Its stop signal stays open until it is known which init
 * that is. */
static int fill_system(struct jail_spec *s, struct err *e)
{
	if (s->process.args.n == 0 && strv_add(&s->process.args, "/sbin/init") < 0)
		return err_nomem(e);
	s->process.terminal = s->process.stdin_open = true;
	if (!s->stop.has_timeout && !s->stop.timeout_ms)
		s->stop.timeout_ms = STOP_TIMEOUT_SYSTEM_MS;
	return 0;
}

static int fill_defaults(struct jail_spec *s, struct err *e)
{
	if (s->name.s[0] && default_text(&s->hostname, s->name.s, e) < 0)
		return -e->code;
	if (s->mode == SPEC_MODE_SYSTEM && fill_system(s, e) < 0)
		return -e->code;
	if (default_text(&s->process.cwd, "/", e) < 0 ||
	    default_text(&s->process.user, "0", e) < 0 ||
	    default_text(&s->security.seccomp, "default", e) < 0)
		return -e->code;
	if (spec_fill_network(s, e) < 0)
		return -e->code;
	spec_fill_schedules(s);
	if (!s->security.has_no_new_privileges)
		s->security.no_new_privileges = s->security.user_namespace == SPEC_USERNS_HOST;
	if (!s->security.shm_size_bytes)
		s->security.shm_size_bytes = SHM_DEFAULT;
	if (!s->restart.delay_ms)
		s->restart.delay_ms = RESTART_DELAY_DEFAULT_MS;
	if (!s->stop.signal && s->mode == SPEC_MODE_APP)
		s->stop.signal = SIGTERM;
	if (!s->stop.has_timeout && !s->stop.timeout_ms)
		s->stop.timeout_ms = STOP_TIMEOUT_DEFAULT_MS;
	s->stop.has_timeout = true;
	if (!s->log.max_size_bytes)
		s->log.max_size_bytes = LOG_SIZE_DEFAULT;
	if (!s->log.files)
		s->log.files = LOG_FILES_DEFAULT;
	return 0;
}

/* A writer would replace what is not UTF-8, silently: refuse it first. */
static int check_text(const char *text, const char *path, struct err *e)
{
	return text && spec_check_utf8(text, e) < 0 ? err_wrap(e, "%s", path) : 0;
}

static int check_strings(const struct strv *v, const char *path, struct err *e)
{
	for (size_t i = 0; i < v->n; i++)
		if (spec_check_utf8(v->v[i], e) < 0)
			return err_wrap(e, "%s[%zu]", path, i);
	return 0;
}

static int check_utf8(const struct jail_spec *s, struct err *e)
{
	if (check_text(s->rootfs, "rootfs", e) < 0 ||
	    check_text(s->network.path, "network.path", e) < 0 ||
	    check_strings(&s->network.allow, "network.allow", e) < 0 ||
	    check_strings(&s->network.deny, "network.deny", e) < 0 ||
	    check_text(s->process.cwd, "process.cwd", e) < 0 ||
	    check_text(s->security.seccomp, "security.seccomp", e) < 0 ||
	    check_strings(&s->process.args, "process.args", e) < 0 ||
	    check_strings(&s->process.env, "process.env", e) < 0)
		return -e->code;
	for (size_t i = 0; i < s->n_labels; i++)
		if (check_text(s->labels[i].value, "labels", e) < 0)
			return -e->code;
	for (size_t i = 0; i < s->n_mounts; i++)
		if (check_text(s->mounts[i].source, "mounts", e) < 0 ||
		    check_text(s->mounts[i].destination, "mounts", e) < 0)
			return -e->code;
	return 0;
}

/* Each value alone, by the decoder. Positions in the text that was made for it mean nothing to the
 * reader and are cut off: "PATH: WHY" is left. */
static int check_values(const struct jail_spec *s, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	CLEANUP_SPEC struct jail_spec again;
	struct err why = ERR_INIT;
	struct json_out o;
	const char *text;
	int r;

	spec_init(&again);
	json_out_init(&o, &b, false);
	spec_to_json(s, &o, NULL);
	r = strbuf_ok(&b, e);
	if (r < 0)
		return r;
	r = spec_decode("spec", b.data, b.len, &again, &why);
	if (r >= 0)
		return 0;
	text = strstr(why.text, ": ");
	(void)err_set(e, why.code, "%s",
		      str_starts(why.text, "spec:") && text ? text + 2 : why.text);
	return why.hint[0] ? err_hint(e, "%s", why.hint) : r;
}

static int check_root(const struct jail_spec *s, struct err *e)
{
	if (s->has_image == (s->rootfs != NULL))
		return err_set(e, EINVAL, "%s",
			       s->rootfs ? "rootfs: either \"image\" or \"rootfs\", not both"
					 : "image: either \"image\" or \"rootfs\" is needed");
	if (s->rootfs && strspn(s->rootfs, "/.") == strlen(s->rootfs))
		return err_set(e, EINVAL, "rootfs: \"%s\" is the host's own root", s->rootfs);
	return 0;
}

static int check_process(const struct jail_spec *s, struct err *e)
{
	size_t bytes = 0;

	if (s->process.args.n > 0 && !s->process.args.v[0][0])
		return err_set(e, EINVAL, "process.args[0]: the program's name is empty");
	for (size_t i = 0; i < s->process.env.n; i++)
		bytes += strlen(s->process.env.v[i]) + 1;
	if (bytes > LIMIT_ENV_BYTES)
		return err_set(e, E2BIG, "process.env: %zu bytes are too many, at most %u", bytes,
			       LIMIT_ENV_BYTES);
	for (size_t i = 0; i < s->process.n_rlimits; i++) {
		const struct spec_rlimit *l = &s->process.rlimits[i];

		if (l->soft > l->hard)
			return err_set(e, EINVAL,
				       "process.rlimits.%s: the soft limit is over the hard limit",
				       spec_rlimit_name(l->resource));
	}
	return 0;
}

static int check_system(const struct jail_spec *s, struct err *e)
{
	if (s->mode != SPEC_MODE_SYSTEM)
		return 0;
	if (s->process.args.v[0][0] != '/')
		return err_set(
			e, EINVAL,
			"process.args[0]: with mode \"system\" the absolute path of an init");
	if (!str_eq(s->process.user, "0") && !str_eq(s->process.user, "root"))
		return err_set(e, EINVAL, "process.user: with mode \"system\" only root");
	if (s->security.user_namespace != SPEC_USERNS_AUTO)
		return err_set(
			e, EINVAL,
			"security.userNamespace: with mode \"system\" only \"auto\", since an "
			"init needs rights that are the machine's with the host's ids");
	return 0;
}

/* True when path is dir, or below it. */
static bool is_at_or_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* The runtime's own mounts: what covers them would undo masks (rows 15, 25). */
static const char *const kept[] = { "/proc", "/sys", "/dev" };

static int check_mount(const struct jail_spec *s, size_t i, struct err *e)
{
	const struct spec_mount *m = &s->mounts[i];

	if (str_eq(m->destination, "/"))
		return err_set(e, EINVAL, "mounts[%zu].destination: \"/\" is the instance's root",
			       i);
	for (size_t k = 0; k < ARRAY_SIZE(kept); k++)
		if (is_at_or_below(m->destination, kept[k]) &&
		    !is_at_or_below(m->destination, "/dev/shm"))
			return err_set(e, EINVAL,
				       "mounts[%zu].destination: \"%s\": nothing may be mounted "
				       "at or below %s",
				       i, m->destination, kept[k]);
	for (size_t k = 0; k < i; k++)
		if (str_eq(m->destination, s->mounts[k].destination))
			return err_set(e, EINVAL,
				       "mounts[%zu].destination: \"%s\" is taken by mounts[%zu]", i,
				       m->destination, k);
	if ((m->propagation & MS_SHARED) && s->security.user_namespace == SPEC_USERNS_AUTO)
		return err_set(e, EINVAL,
			       "mounts[%zu].options: shared propagation would carry mounts out of "
			       "the instance, and needs security.userNamespace \"host\"",
			       i);
	if (m->idmap && s->security.user_namespace == SPEC_USERNS_HOST)
		return err_set(e, EINVAL,
			       "mounts[%zu].options: \"idmap\" has no meaning with "
			       "security.userNamespace \"host\"",
			       i);
	return 0;
}

static int check_nesting(const struct jail_spec *s, struct err *e)
{
	if (s->security.nesting && s->security.user_namespace == SPEC_USERNS_HOST)
		return err_set(e, EINVAL,
			       "security.nesting: only with security.userNamespace \"auto\"");
	if (s->security.nesting && !(spec_capabilities(s) & UINT64_C(1) << CAP_SYS_ADMIN))
		return err_set(e, EINVAL,
			       "security.nesting: security.capabilities lacks CAP_SYS_ADMIN");
	return 0;
}

static int check_hooks(const struct hook *hooks, size_t n, const char *path, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (hooks[i].timeout_ms > DURATION_MAX_MS)
			return err_set(e, ERANGE, "%s[%zu].timeout: at most 365d", path, i);
	return 0;
}

static int check_life(const struct jail_spec *s, struct err *e)
{
	if (s->restart.delay_ms > DURATION_MAX_MS)
		return err_set(e, ERANGE, "restart.delay: at most 365d");
	if (s->notify.watchdog_ms > DURATION_MAX_MS)
		return err_set(e, ERANGE, "notify.watchdog: at most 365d");
	/* An init says that it is up, and then nothing more. */
	if (s->notify.watchdog_ms && s->mode == SPEC_MODE_SYSTEM)
		return err_set(
			e, EINVAL,
			"notify.watchdog: not with mode \"system\": an init does not feed it");
	if (s->stop.timeout_ms > DURATION_MAX_MS)
		return err_set(e, ERANGE, "stop.timeout: at most 365d");
	if (s->log.max_size_bytes < LOG_SIZE_MIN)
		return err_set(e, ERANGE, "log.maxSize: at least 64KiB");
	if (check_hooks(s->hooks.prestart, s->hooks.n_prestart, "hooks.prestart", e) < 0)
		return -e->code;
	return check_hooks(s->hooks.poststop, s->hooks.n_poststop, "hooks.poststop", e);
}

static int check_others(const struct jail_spec *s, const struct strv *list, const char *key,
			struct err *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i], s->name.s))
			return err_set(e, EINVAL, "%s: \"%s\" is the instance itself", key,
				       list->v[i]);
	return 0;
}

int spec_finish(struct jail_spec *s, struct err *e)
{
	int r = fill_defaults(s, e);

	/* Durations are judged before they are written: over the bound they have no notation. */
	if (r < 0 || (r = check_utf8(s, e)) < 0 || (r = check_root(s, e)) < 0 ||
	    (r = check_life(s, e)) < 0 || (r = spec_check_schedules(s, e)) < 0 ||
	    (r = check_values(s, e)) < 0 || (r = check_process(s, e)) < 0 ||
	    (r = check_system(s, e)) < 0 || (r = spec_check_resources(s, e)) < 0 ||
	    (r = spec_check_network(s, e)) < 0 || (r = spec_check_devices(s, e)) < 0 ||
	    (r = check_nesting(s, e)) < 0 || (r = spec_firstboot_check(s, e)) < 0 ||
	    (r = check_others(s, &s->after, "after", e)) < 0 ||
	    (r = check_others(s, &s->requires, "requires", e)) < 0)
		return r;
	for (size_t i = 0; i < s->n_mounts; i++) {
		r = check_mount(s, i, e);
		if (r < 0)
			return r;
	}
	return 0;
}
