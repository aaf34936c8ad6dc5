/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroup of the children that read what strangers wrote (row 41): one for all that a command
 * starts, so that many of them together take no more than one may. RLIMIT_AS, which each has
 * besides, counts address space and holds on hosts where no cgroup does.
 */
#include "base/num.h"
#include "runtime/engine_priv.h"

/* Four at a time with the largest dictionaries that compressors use by default, 128 MiB; the rest
 * is page cache of what they write, which the kernel takes back when it is short of it. */
#define WORK_MEMORY ((uint64_t)1 << 30)
#define WORK_PIDS 64
#define WORK_WAIT_MS 10000

static int work_cgroup(void *arg, struct err *e)
{
	static const struct cgroup_work_limits limits = { WORK_MEMORY, WORK_PIDS };
	struct jail *j = arg;
	struct err none = ERR_INIT;

	if (j->work.dir >= 0)
		return j->work.dir;
	/* No v2 tree, or none that is ours to write: images can be imported all the same. */
	if (engine_tree(j, &none) < 0)
		return -EBADF;
	if (cgroup_work_begin(&j->tree, &limits, &j->work, e) < 0)
		return -e->code;
	return j->work.dir;
}

static void work_killed(void *arg, struct err *e)
{
	struct jail *j = arg;
	char most[32];

	if (cgroup_work_kills(&j->work) == 0)
		return;
	num_format_size_short(WORK_MEMORY, most, sizeof(most));
	(void)err_set(e, E2BIG, "limit exceeded: unpacking it takes more than %s of memory", most);
}

int engine_unpacker(struct jail *j, struct unpacker *ret, struct err *e)
{
	if (str_format(j->unpack_program, sizeof(j->unpack_program), "%s/jail-unpack",
		       j->config.libexec_dir) < 0)
		return err_set(e, ENAMETOOLONG, "libexecDir is too long");
	*ret = (struct unpacker){ j->unpack_program, work_cgroup, work_killed, j };
	return 0;
}

void engine_work_end(struct jail *j)
{
	struct err why = ERR_INIT;

	/* What can't be removed now is gc's. */
	if (cgroup_work_end(&j->tree, &j->work, WORK_WAIT_MS, &why) < 0)
		warn("%s", why.text);
}
