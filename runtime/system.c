/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/system.h"

#include <ctype.h>
#include <limits.h>
#include <sys/random.h>

#include "runtime/notify.h"

/* 8-4-4-4-12 out of 32 digits. */
static void put_uuid(const char *hex, char ret[static SYSTEM_UUID_LEN + 1])
{
	char *at = ret;

	for (size_t i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			*at++ = '-';
		*at++ = hex[i];
	}
	*at = '\0';
}

static int random_hex(char ret[static 33], struct err *e)
{
	unsigned char raw[16];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return err_sys(e, "random numbers for the boot id");
	/* Version 4, as the kernel's own. */
	raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
	raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(raw); i++)
		(void)str_format(ret + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

static int identify(const struct jail_name *id, struct system_parts *ret, struct err *e)
{
	char hex[33], text[SYSTEM_UUID_LEN + 1];

	if (strspn(id->s, "0123456789abcdef") != 32 || id->s[32] != '\0')
		return err_set(e, EINVAL, "the instance's id \"%s\" is damaged", id->s);
	if (random_hex(hex, e) < 0)
		return -e->code;
	put_uuid(hex, text);
	(void)str_format(ret->boot_id, sizeof(ret->boot_id), "%s\n", text);
	put_uuid(id->s, text);
	(void)str_format(ret->uuid, sizeof(ret->uuid), "%s\n", text);
	(void)str_format(ret->env, sizeof(ret->env), "container_uuid=%s", text);
	return 0;
}

void system_mount_unit(const char *path, struct strbuf *ret)
{
	while (*path == '/')
		path++;
	for (const char *at = path; *at; at++) {
		bool plain = isalnum((unsigned char)*at) || *at == ':' || *at == '_' ||
			     (*at == '.' && at > path);

		if (*at == '/')
			strbuf_addc(ret, '-');
		else if (plain)
			strbuf_addc(ret, *at);
		else
			strbuf_addf(ret, "\\x%02x", (unsigned char)*at);
	}
	strbuf_adds(ret, ".mount");
}

static void add_file(struct system_parts *s, const char *path, const char *text)
{
	s->files[s->n_files++] = (struct rootfs_file){ path, text, strlen(text), -EBADF };
}

/* Without default dependencies a unit does not conflict with umount.target. */
static const char keep_mounted[] =
	"# A mount of the container manager, which the kernel has locked.\n"
	"[Unit]\nDefaultDependencies=no\n";

static int add_drop_in(struct system_parts *s, const char *mount, struct err *e)
{
	CLEANUP_STRBUF struct strbuf unit = STRBUF_INIT;

	system_mount_unit(mount, &unit);
	if (strbuf_ok(&unit, e) < 0)
		return -e->code;
	/* systemd could not have one of that name either. */
	if (unit.len > NAME_MAX - strlen(".d"))
		return 0;
	if (strv_addf(&s->paths, "/run/systemd/system/%s.d/jail.conf", unit.data) < 0)
		return err_nomem(e);
	add_file(s, s->paths.v[s->paths.n - 1], keep_mounted);
	return 0;
}

/* Below /proc, /sys and /dev systemd leaves everything alone. */
static const char *const own_mounts[] = {
	"/tmp", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", ROOTFS_SECRETS_DIR, NOTIFY_INSIDE
};

static bool is_own_mount(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_mounts); i++)
		if (str_eq(path, own_mounts[i]))
			return true;
	return false;
}

int system_make(const struct jail_spec *spec, const struct jail_name *id, struct system_parts *ret,
		struct err *e)
{
	if (identify(id, ret, e) < 0)
		return -e->code;
	add_file(ret, "/run/host/container-manager", "jail\n");
	add_file(ret, "/run/host/container-uuid", ret->uuid);
	for (size_t i = 0; i < ARRAY_SIZE(own_mounts); i++)
		if (add_drop_in(ret, own_mounts[i], e) < 0)
			return -e->code;
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (!is_own_mount(spec->mounts[i].destination) &&
		    add_drop_in(ret, spec->mounts[i].destination, e) < 0)
			return -e->code;
	return 0;
}

void system_free(struct system_parts *s)
{
	strv_free(&s->paths);
	*s = (struct system_parts){ .n_files = 0 };
}
