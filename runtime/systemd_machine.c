/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd-machined, so that machinectl and journalctl -M know instances. */
#include <fcntl.h>
#include <net/if.h>

#include "runtime/engine_priv.h"
#include "runtime/systemd.h"
#include "runtime/systemd_bus.h"

#define NAME "org.freedesktop.machine1"
#define PATH "/org/freedesktop/machine1"
#define MANAGER NAME ".Manager"

/* machined forgets a machine with its unit, so not at a restart; it still has the dead leader then.
 * A machine of the same name that isn't our unit's stays. Return: whether it has gone. */
static bool forget_old(const struct sd *sd, struct sd_bus *bus, const struct jail_name *name)
{
	struct systemd_unit ours = systemd_unit_of(name);
	struct sd_error error = { NULL, NULL, 0 };
	struct sd_message *reply = NULL;
	CLEANUP_FREE char *unit = NULL;
	const char *path = NULL;
	int r = sd->bus_call_method(bus, NAME, PATH, MANAGER, "GetMachine", &error, &reply, "s",
				    name->s);

	if (r >= 0)
		r = sd->bus_message_read(reply, "o", &path);
	if (r >= 0)
		r = sd->bus_get_property_string(bus, NAME, path, NAME ".Machine", "Unit", &error,
						&unit);
	if (r >= 0 && str_eq(unit, ours.s))
		r = sd->bus_call_method(bus, NAME, PATH, MANAGER, "UnregisterMachine", &error, NULL,
					"s", name->s);
	else
		r = -EEXIST;
	if (reply)
		(void)sd->bus_message_unref(reply);
	sd->bus_error_free(&error);
	return r >= 0;
}

static int register_call(const struct sd *sd, struct sd_bus *bus, const struct launch *l,
			 pid_t leader, const char *interface, struct sd_error *error)
{
	const char *hex = l->meta.owner.s;
	unsigned index = interface[0] ? if_nametoindex(interface) : 0;
	unsigned b[16] = { 0 };

	for (size_t i = 0; i < 16; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		for (const char *d = digits; *d; d++)
			b[i] = b[i] * 16 + (unsigned)(*d >= 'a' ? *d - 'a' + 10 : *d - '0');
	}
	return sd->bus_call_method(bus, NAME, PATH, MANAGER, "RegisterMachineWithNetwork", error,
				   NULL, "sayssusai", l->name.s, 16, b[0], b[1], b[2], b[3], b[4],
				   b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
				   b[15], "jail", "container", (unsigned)leader, "", index ? 1 : 0,
				   (int)index);
}

void systemd_register_machine(const struct launch *l, pid_t leader, const char *interface)
{
	struct sd_error error = { NULL, NULL, 0 };
	CLEANUP_SD_BUS struct sd_bus *bus = NULL;
	struct err why = ERR_INIT;
	const struct sd *sd;
	int r;

	/* Only where it is there: it would be started by the call. */
	if (faccessat(AT_FDCWD, "/run/systemd/machines", F_OK, 0) < 0)
		return;
	sd = sd_load(&why);
	if (!sd || sd->bus_open_system(&bus) < 0)
		return;
	r = register_call(sd, bus, l, leader, interface, &error);
	if (r < 0 && forget_old(sd, bus, &l->name)) {
		sd->bus_error_free(&error);
		r = register_call(sd, bus, l, leader, interface, &error);
	}
	if (r < 0) {
		(void)sd_fail(sd, r, &error, "register the machine", &why);
		warn("%s: %s", l->name.s, why.text);
	}
}
