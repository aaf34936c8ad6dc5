/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What takes the place of systemd_bus.c and netdev.c in the static program: it becomes the other
 * one, which does from the start what the command line says. So they are called where that does no
 * harm: nothing was changed yet, or what was may be done twice (a process killed, a limit written).
 */
#include "cmd/jail-oci/oci.h"
#include "netsetup/netdev.h"
#include "runtime/systemd_bus.h"

const struct sd *sd_load(struct err *e)
{
	(void)full_exec(false, e);
	return NULL;
}

struct sd_bus *sd_manager(const struct sd *sd, struct err *e)
{
	(void)sd;
	(void)err_set(e, ENOSYS, "systemd: not in this program");
	return NULL;
}

void sd_close(struct sd_bus **bus)
{
	*bus = NULL;
}

int sd_fail(const struct sd *sd, int r, struct sd_error *error, const char *what, struct err *e)
{
	(void)sd;
	(void)error;
	return err_ret(e, r, "systemd: %s", what);
}

int netdev_move(const char *name, const char *new_name, int netns_fd, struct err *e)
{
	(void)new_name;
	(void)netns_fd;
	return err_set(e, ENOSYS, "network device %s: not in this program", name);
}
