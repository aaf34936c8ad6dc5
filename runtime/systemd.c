/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether systemd supervises instances, and what its units are told of a spec. */
#include "runtime/systemd.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "base/path.h"

#define BOOTED "/run/systemd/system"
#define DROPIN "50-jail.conf"
#define TEARDOWN_MS 90000 /* what TimeoutStopSec leaves for the end after the spec's time-out */
#define GOOD_RUN_MS 10000 /* as jail-monitor's: retries count from anew after such a run */

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool template_is_installed(void)
{
	static const char *const files[] = {
		"/etc/systemd/system/jail@.service",
		"/run/systemd/system/jail@.service",
		"/usr/local/lib/systemd/system/jail@.service",
		"/usr/lib/systemd/system/jail@.service",
		"/lib/systemd/system/jail@.service",
	};
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (stat(files[i], &st) == 0)
			return true;
	return false;
}

static bool is_pure_v2(void)
{
	struct statfs fs;

	return statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Return: NULL, or why not. */
static const char *obstacle(const struct jail_config *c)
{
	if (!is_dir(BOOTED))
		return "systemd does not run this host";
	if (c->file[0] && !str_eq(c->file, JAIL_SYSCONF "/jail.json"))
		return "units read " JAIL_SYSCONF "/jail.json, and this is another configuration";
	if (!template_is_installed())
		return "the template jail@.service is not installed";
	if (!is_pure_v2())
		return "/sys/fs/cgroup is not a pure cgroup v2 tree";
	return NULL;
}

int systemd_in_use(const struct jail_config *c, struct err *e)
{
	const char *why = c->systemd == CONFIG_SYSTEMD_NO ? "" : obstacle(c);

	if (!why)
		return 1;
	if (c->systemd != CONFIG_SYSTEMD_YES)
		return 0;
	err_set(e, EOPNOTSUPP, "systemd: %s", why);
	return err_hint(e, "\"systemd\": \"auto\" in the configuration does without");
}

struct systemd_unit systemd_unit_of(const struct jail_name *name)
{
	struct systemd_unit u = { "" };

	/* No character of a name needs escaping: a-z 0-9 _ . - */
	(void)str_format(u.s, sizeof(u.s), "jail@%s.service", name->s);
	return u;
}

static void add_units(struct strbuf *b, const char *key, const struct strv *names)
{
	if (!names->n)
		return;
	strbuf_addf(b, "%s=", key);
	for (size_t i = 0; i < names->n; i++)
		strbuf_addf(b, "%sjail@%s.service", i ? " " : "", names->v[i]);
	strbuf_addc(b, '\n');
}

int systemd_dropin_text(const struct jail_spec *spec, struct strbuf *ret, struct err *e)
{
	unsigned long long max = spec->restart.max_retries, delay = spec->restart.delay_ms;

	strbuf_adds(ret,
		    "# Written by jail from the instance's spec, again and again: put what you add "
		    "into a file of yours.\n[Unit]\n");
	add_units(ret, "After", &spec->after);
	add_units(ret, "After", &spec->requires);
	add_units(ret, "Requires", &spec->requires);
	/* So many starts in the time that they take when each ends at once. */
	if (spec->restart.policy == SPEC_RESTART_NO || !max)
		strbuf_adds(ret, "StartLimitIntervalSec=0\n");
	else
		strbuf_addf(ret, "StartLimitIntervalSec=%llums\nStartLimitBurst=%llu\n",
			    (max + 1) * (delay + GOOD_RUN_MS), max + 1);
	strbuf_addf(ret, "[Service]\nRestart=%s\nRestartSec=%llums\nTimeoutStopSec=%llums\n",
		    spec_restart_name(spec->restart.policy), delay,
		    (unsigned long long)spec->stop.timeout_ms + TEARDOWN_MS);
	/* Failures to us, though not to the template (SuccessExitStatus=). */
	if (spec->restart.policy == SPEC_RESTART_ON_FAILURE)
		strbuf_adds(ret, "RestartForceExitStatus=129 130 141 143\n");
	return strbuf_ok(ret, e);
}

static int dropin_write(const char *unit, const struct strbuf *text, struct err *e)
{
	CLEANUP_FD int base = open(BOOTED, O_RDONLY | O_DIRECTORY | O_CLOEXEC), dir = -EBADF;
	CLEANUP_FREE char *old = NULL;
	struct err ignored = ERR_INIT;
	char name[LIMIT_NAME_LEN + 32];
	mode_t mask;
	size_t n;
	int r;

	if (base < 0)
		return err_sys(e, "open " BOOTED);
	(void)str_format(name, sizeof(name), "%s.d", unit);
	mask = umask(022);
	r = mkdirat(base, name, 0755) < 0 && errno != EEXIST ? err_sys(e, "make %s", name) : 0;
	(void)umask(mask);
	if (r < 0)
		return r;
	dir = path_open_beneath(base, name, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return err_ret(e, dir, "open " BOOTED "/%s", name);
	/* A file that stays as it is asks for no daemon-reload. */
	if (file_read_at(dir, DROPIN, 1 << 20, &old, &n, &ignored) >= 0 && n == text->len &&
	    memcmp(old, text->data, n) == 0)
		return 0;
	return file_write_at(dir, DROPIN, text->data, text->len, 0644, FILE_NOSYNC, e);
}

void systemd_dropin_update(struct jail *j, const struct jail_name *name,
			   const struct jail_spec *spec)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_INIT;
	struct systemd_unit unit = systemd_unit_of(name);
	struct err why = ERR_INIT;

	if (systemd_in_use(&j->config, &why) <= 0)
		return;
	why = ERR_INIT;
	if (systemd_dropin_text(spec, &text, &why) < 0 || dropin_write(unit.s, &text, &why) < 0)
		warn("%s: drop-in of %s: %s", name->s, unit.s, why.text);
}

void systemd_dropin_remove(struct jail *j, const struct jail_name *name)
{
	CLEANUP_FD int base = open(BOOTED, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct systemd_unit unit = systemd_unit_of(name);
	char path[LIMIT_NAME_LEN + 48];
	struct err ignored = ERR_INIT;

	if (base < 0 || systemd_in_use(&j->config, &ignored) <= 0)
		return;
	(void)str_format(path, sizeof(path), "%s.d/" DROPIN, unit.s);
	(void)unlinkat(base, path, 0);
	(void)str_format(path, sizeof(path), "%s.d", unit.s);
	(void)unlinkat(base, path, AT_REMOVEDIR); /* unless it has a file of somebody's */
	systemd_forget(name);
}
