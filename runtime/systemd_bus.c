/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sd-bus, loaded when it is used. */
#include "runtime/systemd_bus.h"

#include <dlfcn.h>

#include "base/str.h"

#define LIBRARY "libsystemd.so.0"
#define CALL_TIMEOUT_US 300000000ull
#define PRIVATE_SOCKET "unix:path=/run/systemd/private"

static struct sd loaded;
static void *library;

const struct sd *sd_load(struct err *e)
{
	static const struct {
		const char *name;
		size_t offset;
	} calls[] = {
#define X(type, call, args) { "sd_" #call, offsetof(struct sd, call) },
		SD_BUS_CALLS(X)
#undef X
	};

	if (library)
		return &loaded;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		err_set(e, ELIBACC, "load " LIBRARY ": %.200s", dlerror());
		(void)err_hint(
			e, "install libsystemd0, or set \"systemd\": \"no\" (jail-oci: leave out "
			   "--systemd-cgroup)");
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		void *call = dlsym(library, calls[i].name);

		if (!call) {
			err_set(e, ELIBACC, LIBRARY " has no %s", calls[i].name);
			library = NULL;
			return NULL;
		}
		memcpy((char *)&loaded + calls[i].offset, &call, sizeof(call));
	}
	return &loaded;
}

int sd_fail(const struct sd *sd, int r, struct sd_error *error, const char *what, struct err *e)
{
	err_set(e, r < 0 ? -r : EIO, "systemd: %s: %.200s", what,
		error->message ? error->message : strerror(r < 0 ? -r : EIO));
	sd->bus_error_free(error);
	return -e->code;
}

struct sd_bus *sd_manager(const struct sd *sd, struct err *e)
{
	struct sd_bus *bus = NULL;
	int r = sd->bus_new(&bus);

	if (r >= 0)
		r = sd->bus_set_address(bus, PRIVATE_SOCKET);
	/* A daemon-reload of a busy host takes longer than the library's 25 s. */
	if (r >= 0)
		r = sd->bus_set_method_call_timeout(bus, CALL_TIMEOUT_US);
	if (r >= 0)
		r = sd->bus_start(bus);
	if (r >= 0)
		return bus;
	if (bus)
		(void)sd->bus_flush_close_unref(bus);
	err_set(e, -r, "connect to systemd: %s", strerror(-r));
	return NULL;
}

void sd_close(struct sd_bus **bus)
{
	if (*bus)
		(void)loaded.bus_flush_close_unref(*bus);
	*bus = NULL;
}
