/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/system.h"

#include <sys/random.h>

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

int system_identify(const struct jail_name *id, struct system_identity *ret, struct err *e)
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

void system_files(const struct system_identity *s, struct rootfs_file *ret)
{
	static const char manager[] = "jail\n";

	ret[0] = (struct rootfs_file){ "/run/host/container-manager", manager, strlen(manager) };
	ret[1] = (struct rootfs_file){ "/run/host/container-uuid", s->uuid, strlen(s->uuid) };
}
