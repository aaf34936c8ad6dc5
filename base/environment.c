/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the caller's environment stays, and the end of the rest. */
#include "base/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kept ones too: they are copies from now on. */
static int forget(struct err *e)
{
	for (char **p = environ; p && *p; p++)
		explicit_bzero(*p, strlen(*p));
	return clearenv() != 0 ? err_nomem(e) : 0;
}

int environment_keep(const char *const *names, size_t n, struct err *e)
{
	char *kept[ENVIRONMENT_KEPT_MAX] = { NULL };
	int r = n > ENVIRONMENT_KEPT_MAX ? err_set(e, E2BIG, "environment: too much to keep") : 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const char *value = getenv(names[i]);

		if (value && !(kept[i] = strdup(value)))
			r = err_nomem(e);
	}
	if (r == 0)
		r = forget(e);
	for (size_t i = 0; i < n && i < ENVIRONMENT_KEPT_MAX; i++) {
		if (r == 0 && kept[i] && setenv(names[i], kept[i], 1) < 0)
			r = err_sys(e, "set %s", names[i]);
		free(kept[i]);
	}
	return r;
}
