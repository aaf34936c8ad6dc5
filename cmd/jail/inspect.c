/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jail inspect: all that is known about instances. */
#include <arpa/inet.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/num.h"
#include "cmd/jail/names.h"
#include "cmd/jail/verbs.h"
#include "netsetup/port.h"

#define TITLE_COLUMNS 12

struct inspect_values {
	bool all, json;
};

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct inspect_values, all),
	  .help = "all instances" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct inspect_values, json),
	  .help = "print JSON (docs/json.md)" },
	OPTION_END,
};

struct inspection {
	bool json;
	size_t printed;
	struct json_out out;
};

static void field(const char *title, const char *fmt, ...) PRINTF(2, 3);
static void field(const char *title, const char *fmt, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		return;
	}
	(void)printf("%-*s", TITLE_COLUMNS, title);
	cli_print_rest(text, TITLE_COLUMNS);
}

static void print_time(const char *title, uint64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(wall_ms, text, sizeof(text));
	field(title, "%s", text);
}

static void print_command(const struct jail_spec *s)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < s->process.args.n; i++)
		strbuf_addf(&b, "%s%s", i ? " " : "", s->process.args.v[i]);
	field("command", "%s", strbuf_str(&b));
}

/* "10.88.0.7, fd12::7"; "" when there is none. */
static void addresses_text(const struct net_addresses *a, struct strbuf *b)
{
	char text[INET6_ADDRSTRLEN];

	if (a->v4.s_addr && inet_ntop(AF_INET, &a->v4, text, sizeof(text)))
		strbuf_adds(b, text);
	if (!IN6_IS_ADDR_UNSPECIFIED(&a->v6) && inet_ntop(AF_INET6, &a->v6, text, sizeof(text)))
		strbuf_addf(b, "%s%s", b->len ? ", " : "", text);
}

static void print_interface(const struct instance_network *n, size_t index)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	char title[16];

	if (!n->network.s[0]) /* a gap: one that was taken away */
		return;
	addresses_text(&n->addresses, &b);
	(void)str_format(title, sizeof(title), "eth%zu", index);
	field(title, "%s%s%s%s%s", n->network.s, b.len ? " " : "", strbuf_str(&b),
	      n->host_interface[0] ? " on " : "", n->host_interface);
}

static void print_network(const struct instance_info *i)
{
	const struct jail_spec *s = &i->spec;
	const char *of = s->network.path ? s->network.path : s->network.instance.s;
	char text[NET_PORT_TEXT_MAX];

	field("network", "%s%s%s", spec_network_mode_name(s->network.mode), of[0] ? " " : "", of);
	for (size_t n = 0; n < i->n_networks; n++)
		print_interface(&i->networks[n], n);
	for (size_t n = 0; n < s->network.n_ports; n++) {
		net_port_format(&s->network.ports[n], text);
		field("port", "%s", text);
	}
	for (size_t n = 0; n < s->network.allow.n; n++)
		field("allow", "%s", s->network.allow.v[n]);
	for (size_t n = 0; n < s->network.deny.n; n++)
		field("deny", "%s", s->network.deny.v[n]);
}

static void print_limits(const struct cgroup_limits *l)
{
	char text[32] = "max";

	if (l->has_memory_max) {
		if (l->memory_max != UINT64_MAX)
			num_format_size(l->memory_max, text, sizeof(text));
		field("memory", "%s", text);
	}
	if (l->has_cpu_max)
		field("cpus", "%llu.%03llu", (unsigned long long)(l->cpu_max_millis / 1000),
		      (unsigned long long)(l->cpu_max_millis % 1000));
	if (l->has_pids_max && l->pids_max == UINT64_MAX)
		field("pids", "max");
	else if (l->has_pids_max)
		field("pids", "%llu", (unsigned long long)l->pids_max);
}

static void print_disk(const struct instance_info *i)
{
	const struct disk_usage *u = &i->disk.usage;
	char used[32], size[32];

	if (!i->spec.has_image || i->disk.kind == DISK_DIRECTORY)
		return;
	num_format_size_short(u->used_bytes, used, sizeof(used));
	num_format_size_short(u->size_bytes, size, sizeof(size));
	if (i->disk.has_usage)
		field("disk", "%s: %s of %s, %llu of %llu inodes", disk_kind_name(i->disk.kind),
		      used, size, (unsigned long long)u->used_inodes,
		      (unsigned long long)u->inodes);
	else
		field("disk", "%s", disk_kind_name(i->disk.kind));
}

static void print_mounts(const struct jail_spec *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];

		field("mount", "%s %s%son %s%s", spec_mount_kind_name(m->kind),
		      m->source ? m->source : "", m->source ? " " : "", m->destination,
		      spec_mount_is_read_only(m) ? ", read-only" : "");
	}
}

static void print_oom(const struct cgroup_oom *oom)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	char size[32];

	if (oom->kills == 0)
		return;
	strbuf_addf(&b, "%llu killed, whose limit: %s", (unsigned long long)oom->kills,
		    cgroup_oom_level_name(oom->level));
	if (oom->victim_pid > 0)
		strbuf_addf(&b, ", the last was %s (%d)", oom->victim, oom->victim_pid);
	num_format_size_short(oom->peak_bytes, size, sizeof(size));
	if (oom->peak_bytes > 0)
		strbuf_addf(&b, ", peak %s", size);
	field("oom", "%s", strbuf_str(&b));
}

/* What the kernel has of a running one. */
static void print_kernel(const struct strv *limits)
{
	for (size_t i = 0; i < limits->n; i++) {
		const char *equals = strchr(limits->v[i], '=');

		field("in kernel", "%.*s: %s", (int)(equals - limits->v[i]), limits->v[i],
		      equals + 1);
	}
}

static void print_exit(const struct instance_exit *x)
{
	if (!x->present)
		return;
	print_time("finished", x->finished_ms);
	field("exit", "%d (%s), %u restarts", x->status, x->reason, x->restarts);
	print_oom(&x->oom);
}

static void print_text(const struct instance_info *i)
{
	field("name", "%s", i->name.s);
	field("id", "%s", i->id);
	field("status", "%s", instance_status_name(i->status));
	if (i->spec.has_image)
		field("image", "%s", i->spec.image.s);
	if (i->spec.rootfs)
		field("rootfs", "%s", i->spec.rootfs);
	print_command(&i->spec);
	print_time("created", i->created_ms);
	if (names_alive(i)) {
		print_time("started", i->started_ms);
		field("pid", "%d, monitor %d", i->pid, i->monitor_pid);
		field("cgroup", "%s", i->cgroup);
		print_oom(&i->oom);
	} else {
		print_exit(&i->last_exit);
	}
	print_network(i);
	print_limits(&i->spec.limits);
	print_disk(i);
	print_mounts(&i->spec);
	print_kernel(&i->limits);
	if (i->ids.count)
		field("ids", "%u to %u", i->ids.first, i->ids.first + i->ids.count - 1);
	else
		field("ids", "the host's");
	field("directory", "%s", i->directory);
}

static int inspect_one(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	struct inspection *n = arg;
	CLEANUP_INFO struct instance_info info = { .pid = 0 };
	int r = instance_info(c->jail, name, true, &info, e);

	if (r < 0)
		return r;
	if (n->json) {
		instance_to_json(&info, &n->out, NULL);
		return 0;
	}
	if (n->printed++)
		(void)putchar('\n');
	print_text(&info);
	return 0;
}

static int run(struct cli *c, struct err *e)
{
	const struct inspect_values *v = c->values;
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct inspection n = { .json = v->json };
	int r, status;

	json_out_init(&n.out, &b, true);
	json_out_array(&n.out, NULL);
	status = names_run(c, v->all, names_any, inspect_one, &n, e);
	if (status < 0 || !v->json)
		return status;
	json_out_array_end(&n.out);
	r = cli_print_json(&b, e);
	return r < 0 ? r : status;
}

const struct verb verb_inspect = {
	.name = "inspect",
	.operands = "NAME...",
	.help = "Show all that is known about instances",
	.options = options,
	.values_size = sizeof(struct inspect_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
