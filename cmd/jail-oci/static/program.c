/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In the static program: where the other one lies, beside it or in LIBEXEC. */
#include "cmd/jail-oci/oci.h"

#include <fcntl.h>
#include <limits.h>

#include "runtime/sealed.h"

static char program[PATH_MAX];

/* Run from its read-only copy it has no path of its own any more: argv[0] then has it (sealed.h).
 */
void full_init(const char *argv0)
{
	struct err ignored = ERR_INIT;
	char own[PATH_MAX];
	size_t n;

	if (program_path(own, sizeof(own), &ignored) < 0 || !strstr(own, "/jail-oci"))
		(void)str_format(own, sizeof(own), "%s", argv0);
	n = strlen(own);
	while (n > 0 && own[n - 1] != '/')
		n--;
	if (n == 0 || str_format(program, sizeof(program), "%.*sjail-oci-full", (int)n, own) < 0 ||
	    faccessat(AT_FDCWD, program, X_OK, 0) < 0)
		(void)str_format(program, sizeof(program), "%s/jail-oci-full", JAIL_LIBEXEC);
}

const char *full_path(void)
{
	return program;
}

int full_exec(bool sealed, struct err *e)
{
	(void)program_exec(program, sealed, e);
	return err_hint(e, "it belongs to jail-oci: install jail anew");
}
