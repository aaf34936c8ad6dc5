/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "process" (config.md, "Process"): of config.json, and alone in the process.json that engines
 * write for `exec`. Numbers that the kernel would refuse are refused here, where the position is
 * known.
 */
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "base/num.h"
#include "runtime/oci/config_priv.h"

#define PROC(member) OCI(process.member)
#define ID_MAX (UINT32_MAX - 1) /* (uid_t)-1 is nobody's */
#define RT_PRIORITY_MAX 99

int oci_check_absolute(const char *text, struct err *e)
{
	if (text[0] != '/')
		return err_set(e, EINVAL, "\"%.200s\": expected an absolute path", text);
	return 0;
}

int oci_check_list(const char *text, struct err *e)
{
	char list[4096];

	return num_parse_cpulist(text, list, sizeof(list), e);
}

/* ---- user */

static int decode_gid(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	static const struct decode_field gid = { .max = ID_MAX };

	return decode_u32(d, node, base, &gid, e);
}

static const struct decode_field user_fields[] = {
	{ .key = "uid", .decode = decode_u32, .offset = PROC(user.uid), .max = ID_MAX },
	{ .key = "gid", .decode = decode_u32, .offset = PROC(user.gid), .max = ID_MAX },
	{ .key = "umask",
	  .decode = decode_u32,
	  .offset = PROC(user.umask),
	  .flag = PROC(user.has_umask),
	  .max = 0777 },
	{ .key = "additionalGids",
	  .decode = decode_elements,
	  .offset = PROC(user.groups),
	  .count = PROC(user.n_groups),
	  .size = sizeof(gid_t),
	  .item = decode_gid,
	  .max = LIMIT_GROUPS },
};
static const struct decode_table user_table = OCI_TABLE(user_fields);

/* ---- console */

static const struct decode_field console_fields[] = {
	{ .key = "height",
	  .decode = decode_u16,
	  .offset = PROC(rows),
	  .max = UINT16_MAX,
	  .required = true },
	{ .key = "width",
	  .decode = decode_u16,
	  .offset = PROC(columns),
	  .max = UINT16_MAX,
	  .required = true },
};
static const struct decode_table console_table = OCI_TABLE(console_fields);

/* ---- environment */

static int check_variable(const char *text, struct err *e)
{
	const char *equals = strchr(text, '=');

	if (!equals)
		return err_set(e, EINVAL, "\"%.100s\": expected NAME=VALUE", text);
	if (equals == text)
		return err_set(e, EINVAL, "\"%.100s\": the name is empty", text);
	return 0;
}

/* ---- capabilities */

/* Names that nobody knows are those of a newer kernel, or of another runtime: config.md wants no
 * failure, and runc and crun go on. */
static int decode_capabilities(const struct decoder *d, const struct json *node, void *base,
			       const struct decode_field *f, struct err *e)
{
	uint64_t *set = (uint64_t *)((char *)base + f->offset);
	int r = decode_type(d, node, JSON_ARRAY, e);

	if (r < 0)
		return r;
	for (const struct json *item = node->first; item; item = item->next) {
		int number;

		r = decode_type(d, item, JSON_STRING, e);
		if (r < 0)
			return r;
		number = creds_capability_parse(item->text);
		if (number >= 0)
			*set |= UINT64_C(1) << number;
		else
			warn("%s:%u:%u: %s: \"%.100s\" is no known capability, it is left out",
			     d->file, item->line, item->column, f->key, item->text);
	}
	return 0;
}

#define CAPABILITIES(set)                                                                          \
	{                                                                                          \
		.key = #set, .decode = decode_capabilities, .offset = PROC(capabilities.set)       \
	}
static const struct decode_field capability_fields[] = {
	CAPABILITIES(bounding),	 CAPABILITIES(effective), CAPABILITIES(inheritable),
	CAPABILITIES(permitted), CAPABILITIES(ambient),
};
static const struct decode_table capability_table = OCI_TABLE(capability_fields);

/* ---- rlimits */

const struct decode_name oci_rlimit_names[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
	{ NULL, 0 },
};

static const struct decode_field rlimit_fields[] = {
	{ .key = "type",
	  .decode = decode_named_int,
	  .offset = offsetof(struct creds_rlimit, resource),
	  .names = oci_rlimit_names,
	  .required = true },
	{ .key = "soft",
	  .decode = decode_u64_all,
	  .offset = offsetof(struct creds_rlimit, soft),
	  .required = true },
	{ .key = "hard",
	  .decode = decode_u64_all,
	  .offset = offsetof(struct creds_rlimit, hard),
	  .required = true },
};
static const struct decode_table rlimit_table = OCI_TABLE(rlimit_fields);

static int decode_rlimit(const struct decoder *d, const struct json *node, void *base,
			 struct err *e)
{
	const struct creds_rlimit *l = base;
	int r = decode_object(d, node, base, &rlimit_table, e);

	if (r < 0)
		return r;
	if (l->soft > l->hard)
		return json_err(d->doc, node, e, EINVAL, "soft is over hard");
	return 0;
}

/* ---- scheduling */

const struct decode_name oci_scheduler_policies[] = {
	{ "SCHED_OTHER", SCHED_NORMAL },
	{ "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_ISO", 4 }, /* reserved by the kernel, which refuses it */
	{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_DEADLINE", SCHED_DEADLINE },
	{ NULL, 0 },
};

const struct decode_name oci_scheduler_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	{ NULL, 0 },
};

static const struct decode_field scheduler_fields[] = {
	{ .key = "policy",
	  .decode = decode_named_int,
	  .offset = PROC(scheduler.policy),
	  .names = oci_scheduler_policies,
	  .required = true },
	{ .key = "nice",
	  .decode = decode_int,
	  .offset = PROC(scheduler.nice),
	  .min = (uint64_t)-20,
	  .max = 19 },
	{ .key = "priority",
	  .decode = decode_int,
	  .offset = PROC(scheduler.priority),
	  .max = RT_PRIORITY_MAX },
	{ .key = "flags",
	  .decode = decode_flags,
	  .offset = PROC(scheduler.flags),
	  .names = oci_scheduler_flags },
	{ .key = "runtime", .decode = decode_u64_all, .offset = PROC(scheduler.runtime) },
	{ .key = "deadline", .decode = decode_u64_all, .offset = PROC(scheduler.deadline) },
	{ .key = "period", .decode = decode_u64_all, .offset = PROC(scheduler.period) },
};
static const struct decode_table scheduler_table = OCI_TABLE(scheduler_fields);

/* sched_setattr(2): what belongs to which policy. */
static int check_scheduler(const struct decoder *d, const struct json *node,
			   const struct oci_scheduler *s, struct err *e)
{
	bool realtime = s->policy == SCHED_FIFO || s->policy == SCHED_RR;

	if (s->policy != SCHED_DEADLINE && (s->runtime || s->deadline || s->period))
		return json_err(d->doc, node, e, EINVAL,
				"runtime, deadline and period need policy SCHED_DEADLINE");
	if (s->policy == SCHED_DEADLINE && (!s->runtime || s->runtime > s->deadline))
		return json_err(d->doc, node, e, EINVAL,
				"SCHED_DEADLINE needs a runtime and a deadline not below it");
	if (s->period && s->period < s->deadline)
		return json_err(d->doc, node, e, EINVAL, "the period is below the deadline");
	if (!realtime && s->priority)
		return json_err(d->doc, node, e, EINVAL,
				"a priority needs policy SCHED_FIFO or SCHED_RR");
	if (realtime && !s->priority)
		return json_err(d->doc, node, e, EINVAL,
				"SCHED_FIFO and SCHED_RR need a priority from 1 to %d",
				RT_PRIORITY_MAX);
	return 0;
}

static int decode_scheduler(const struct decoder *d, const struct json *node, void *base,
			    const struct decode_field *f, struct err *e)
{
	const struct oci_config *c = base;
	int r = decode_object(d, node, base, f->table, e);

	return r < 0 ? r : check_scheduler(d, node, &c->process.scheduler, e);
}

const struct decode_name oci_io_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	{ NULL, 0 },
};

static const struct decode_field io_priority_fields[] = {
	{ .key = "class",
	  .decode = decode_named_int,
	  .offset = PROC(io_class),
	  .names = oci_io_classes,
	  .required = true },
	{ .key = "priority", .decode = decode_int, .offset = PROC(io_priority), .max = 7 },
};
static const struct decode_table io_priority_table = OCI_TABLE(io_priority_fields);

static const struct decode_field affinity_fields[] = {
	{ .key = "initial",
	  .decode = decode_ref_given,
	  .offset = PROC(cpu_affinity_initial),
	  .check = oci_check_list },
	{ .key = "final",
	  .decode = decode_ref_given,
	  .offset = PROC(cpu_affinity_final),
	  .check = oci_check_list },
};
static const struct decode_table affinity_table = OCI_TABLE(affinity_fields);

/* ---- the object */

static const struct decode_field process_fields[] = {
	{ .key = "terminal", .decode = decode_bool, .offset = PROC(terminal) },
	{ .key = "consoleSize", .decode = decode_nested, .table = &console_table },
	{ .key = "user", .decode = decode_nested, .table = &user_table },
	{ .key = "args",
	  .decode = decode_refs,
	  .offset = PROC(args.v),
	  .count = PROC(args.n),
	  .max = LIMIT_OCI_STRINGS },
	{ .key = "env",
	  .decode = decode_refs,
	  .offset = PROC(env.v),
	  .count = PROC(env.n),
	  .check = check_variable,
	  .max = LIMIT_OCI_STRINGS },
	{ .key = "cwd",
	  .decode = decode_ref,
	  .offset = PROC(cwd),
	  .check = oci_check_absolute,
	  .required = true },
	{ .key = "capabilities",
	  .decode = decode_nested,
	  .flag = PROC(has_capabilities),
	  .table = &capability_table },
	{ .key = "rlimits",
	  .decode = decode_elements,
	  .offset = PROC(rlimits),
	  .count = PROC(n_rlimits),
	  .size = sizeof(struct creds_rlimit),
	  .item = decode_rlimit,
	  .max = LIMIT_RLIMITS },
	{ .key = "noNewPrivileges", .decode = decode_bool, .offset = PROC(no_new_privileges) },
	{ .key = "oomScoreAdj",
	  .decode = decode_int,
	  .offset = PROC(oom_score_adj),
	  .flag = PROC(has_oom_score_adj),
	  .min = (uint64_t)-1000,
	  .max = 1000 },
	{ .key = "apparmorProfile", .decode = decode_ref_given, .offset = PROC(apparmor_profile) },
	{ .key = "selinuxLabel", .decode = decode_ref_given, .offset = PROC(selinux_label) },
	{ .key = "ioPriority",
	  .decode = decode_nested,
	  .flag = PROC(has_io_priority),
	  .table = &io_priority_table },
	{ .key = "scheduler",
	  .decode = decode_scheduler,
	  .flag = PROC(scheduler.given),
	  .table = &scheduler_table },
	{ .key = "execCPUAffinity", .decode = decode_nested, .table = &affinity_table },
};
const struct decode_table oci_process_table = OCI_TABLE(process_fields);

int oci_process_check(const struct decoder *d, const struct json *node, const struct oci_config *c,
		      struct err *e)
{
	const struct oci_process *p = &c->process;
	const struct json *list = json_get(node, "rlimits");
	uint64_t seen = 0;
	size_t i = 0;

	if (p->args.n == 0)
		return json_err(d->doc, node, e, EINVAL, "\"args\" is missing or empty");
	if (p->args.v[0][0] == '\0')
		return json_err(d->doc, json_get(node, "args")->first, e, EINVAL,
				"is empty, and no program has such a name");
	for (const struct json *item = list ? list->first : NULL; item; item = item->next, i++) {
		uint64_t bit = UINT64_C(1) << p->rlimits[i].resource;

		if (seen & bit)
			return json_err(d->doc, item, e, EINVAL, "%s is listed twice",
					json_get(item, "type")->text);
		seen |= bit;
	}
	return 0;
}
