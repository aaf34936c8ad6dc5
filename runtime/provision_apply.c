/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First boot, the child's half; see provision.h. A path is resolved by the kernel inside the root,
 * its directory held, and the file there replaced by rename: links of the image decide at most
 * which of its own files that is. Owner and mode of an account file stay as the image has them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "runtime/creds.h"
#include "runtime/provision.h"

#define DAY_MS (24ull * 3600 * 1000)
#define SEED_DIR "/var/lib/cloud/seed/nocloud"
#define ZONE_DIR "/usr/share/zoneinfo/"

/* Cloud-init would ask for an address by DHCP without it; the runtime has set one already. */
#define NETWORK_CONFIG_NONE "config: disabled\n"

/* Return: O_RDONLY directory, made if missing. */
static int open_dir(int root, const char *path, mode_t mode, struct err *e)
{
	CLEANUP_FD int made = path_make_in_root(root, path, true, mode, e);
	int fd;

	if (made < 0)
		return -e->code;
	fd = openat(made, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", path) : fd;
}

static bool is_there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* "" for a file that is not there. */
static int read_if_there(int dir, const char *name, char **ret, struct err *e)
{
	size_t n = 0;

	if (is_there(dir, name))
		return file_read_at(dir, name, LIMIT_USERDB_BYTES, ret, &n, e);
	*ret = strdup("");
	return *ret ? 0 : err_nomem(e);
}

static int write_buffer(int dir, const char *name, const struct strbuf *b, mode_t mode,
			struct err *e)
{
	int r = strbuf_ok(b, e);

	return r < 0 ? r : file_write_at(dir, name, b->data, b->len, mode, FILE_SYNC, e);
}

/* Replaces the text of an account file. */
static int rewrite_account(int etc, const char *name, const struct strbuf *b, mode_t mode,
			   struct err *e)
{
	struct stat st = { .st_mode = mode };
	bool had = fstatat(etc, name, &st, AT_SYMLINK_NOFOLLOW) == 0;

	if (write_buffer(etc, name, b, mode, e) < 0)
		return -e->code;
	if (had && (fchownat(etc, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
		    fchmodat(etc, name, st.st_mode & 07777, 0) < 0))
		return err_sys(e, "owner of %s", name);
	return 0;
}

static int set_password(const struct provision *p, int root, struct err *e)
{
	CLEANUP_FD int etc = -EBADF;
	CLEANUP_FREE char *shadow = NULL;
	CLEANUP_FREE char *passwd = NULL;
	CLEANUP_STRBUF struct strbuf new_shadow = STRBUF_INIT;
	CLEANUP_STRBUF struct strbuf new_passwd = STRBUF_INIT;
	char line[600];

	if (!p->password.data)
		return 0;
	etc = open_dir(root, "/etc", 0755, e);
	if (etc < 0 || read_if_there(etc, "shadow", &shadow, e) < 0 ||
	    read_if_there(etc, "passwd", &passwd, e) < 0)
		return -e->code;
	if (str_format(line, sizeof(line), "root:%s:%llu:0:99999:7:::", p->password.data,
		       (unsigned long long)(clock_wall_ms() / DAY_MS)) < 0)
		return err_set(e, ENAMETOOLONG, "the hash is too long");
	provision_set_field(shadow, 1, p->password.data, line, &new_shadow);
	if (rewrite_account(etc, "shadow", &new_shadow, 0600, e) < 0)
		return -e->code;
	/* A hash in passwd itself would win over shadow. */
	provision_set_field(passwd, 1, "x", "root:x:0:0:root:/root:/bin/sh", &new_passwd);
	return rewrite_account(etc, "passwd", &new_passwd, 0644, e);
}

static int add_keys(const struct provision *p, int root, struct err *e)
{
	CLEANUP_FD int dir = -EBADF;
	CLEANUP_FREE char *text = NULL;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct creds_user user;
	char path[512];

	if (p->spec->first_boot.n_ssh_keys == 0)
		return 0;
	if (userdb_resolve(root, "0", UINT32_MAX, &user, e) < 0)
		return -e->code;
	if (str_format(path, sizeof(path), "%s/.ssh", strlen(user.home) > 1 ? user.home : "/root") <
	    0)
		return err_set(e, ENAMETOOLONG, "root's home directory");
	dir = open_dir(root, path, 0700, e);
	if (dir < 0 || read_if_there(dir, "authorized_keys", &text, e) < 0)
		return -e->code;
	provision_add_keys(text, p->spec->first_boot.ssh_keys, p->spec->first_boot.n_ssh_keys, &b);
	return write_buffer(dir, "authorized_keys", &b, 0600, e);
}

static int set_locale(const struct provision *p, int root, struct err *e)
{
	CLEANUP_FD int etc = -EBADF;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct stat st;

	if (!p->spec->first_boot.locale)
		return 0;
	etc = open_dir(root, "/etc", 0755, e);
	if (etc < 0)
		return -e->code;
	strbuf_addf(&b, "LANG=%s\n", p->spec->first_boot.locale);
	if (write_buffer(etc, "locale.conf", &b, 0644, e) < 0)
		return -e->code;
	/* Debian's PAM reads this one; newer releases have a link to the other there. */
	if (fstatat(etc, "default", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) ||
	    (fstatat(etc, "default/locale", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)))
		return 0;
	return write_buffer(etc, "default/locale", &b, 0644, e);
}

static int set_timezone(const struct provision *p, int root, struct err *e)
{
	const char *zone = p->spec->first_boot.timezone;
	CLEANUP_FD int etc = -EBADF, file = -EBADF;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	char target[128];
	struct stat st;

	if (!zone)
		return 0;
	if (str_format(target, sizeof(target), "..%s%s", ZONE_DIR, zone) < 0)
		return err_set(e, ENAMETOOLONG, "%s", zone);
	file = path_open_in_root(root, target + 2, O_PATH, 0);
	if (file < 0 || fstat(file, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)err_set(e, ENOENT, "the image has no %s", target + 2);
		return err_hint(e, "choose a zone that it has, or install tzdata in it");
	}
	etc = open_dir(root, "/etc", 0755, e);
	if (etc < 0)
		return -e->code;
	if (unlinkat(etc, ".localtime.tmp", 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove a stale /etc/.localtime.tmp");
	if (symlinkat(target, etc, ".localtime.tmp") < 0 ||
	    renameat(etc, ".localtime.tmp", etc, "localtime") < 0)
		return err_sys(e, "make /etc/localtime");
	strbuf_addf(&b, "%s\n", zone);
	return write_buffer(etc, "timezone", &b, 0644, e);
}

static int write_seed(const struct provision *p, int root, struct err *e)
{
	const struct {
		const char *name;
		const struct provision_text *text;
		const char *otherwise;
	} files[] = {
		{ "user-data", &p->user_data, "" },
		{ "meta-data", &p->meta_data, "" },
		{ "network-config", &p->network_config, NETWORK_CONFIG_NONE },
	};
	CLEANUP_FD int program = -EBADF, dir = -EBADF;

	if (!p->meta_data.data)
		return 0;
	program = path_open_in_root(root, "/usr/bin/cloud-init", O_PATH, 0);
	if (program < 0) {
		(void)err_set(e, ENOENT, "the image has no /usr/bin/cloud-init");
		return err_hint(e, "install cloud-init in the image, or leave cloudInit out");
	}
	dir = open_dir(root, SEED_DIR, 0700, e);
	if (dir < 0)
		return -e->code;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const struct provision_text *t = files[i].text;
		const char *data = t->data ? t->data : files[i].otherwise;

		if (file_write_at(dir, files[i].name, data, t->data ? t->len : strlen(data), 0600,
				  FILE_SYNC, e) < 0)
			return err_wrap(e, SEED_DIR);
	}
	return 0;
}

int provision_apply(const struct provision *p, int root, struct err *e)
{
	static const struct {
		const char *what;
		int (*step)(const struct provision *p, int root, struct err *e);
	} steps[] = {
		{ "firstBoot.rootPassword", set_password },
		{ "firstBoot.sshKeys", add_keys },
		{ "firstBoot.locale", set_locale },
		{ "firstBoot.timezone", set_timezone },
		{ "cloudInit", write_seed },
	};

	for (size_t i = 0; p->first_boot && i < ARRAY_SIZE(steps); i++)
		if (steps[i].step(p, root, e) < 0)
			return err_wrap(e, "%s", steps[i].what);
	return 0;
}
