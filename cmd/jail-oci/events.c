/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events: statistics, once or as a stream, and notices of the out-of-memory killer. */
#include "base/clock.h"
#include "base/num.h"
#include "cmd/jail-oci/oci.h"

#define INTERVAL_MS 5000

struct values {
	const char *interval;
	bool stats;
};
static const struct option options[] = {
	OCI_FLAG(struct values, stats, "stats", 0, "statistics once, then end"),
	OCI_TEXT(struct values, interval, "interval", 0, "TIME", "between statistics; default 5s"),
	OPTION_END,
};

/* At once: who reads a stream waits for it. */
static int print_event(const struct oci_container *k, const char *type, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, false);
	json_out_object(&o, NULL);
	json_out_str(&o, "type", type);
	json_out_str(&o, "id", k->id.s);
	if (str_eq(type, "stats") && oci_cgroup_stats(&k->state.cgroup, &o, "data", e) < 0)
		return -e->code;
	json_out_object_end(&o);
	if (print_document(&b, e) < 0)
		return -e->code;
	return fflush(stdout) != 0 ? err_sys(e, "write") : 0;
}

/* Until the container is gone. */
static int stream(const struct oci_container *k, uint64_t interval_ms, struct err *e)
{
	uint64_t next = clock_boot_ms(), kills = 0;
	int r;

	for (;;) {
		uint64_t now = clock_boot_ms();

		if (now >= next) {
			if (print_event(k, "stats", e) < 0)
				return -e->code;
			next = now + interval_ms;
		}
		r = oci_cgroup_wait_oom(&k->state.cgroup, (int)(next - now < 1 ? 1 : next - now),
					&kills, e);
		if (r == 0)
			return 0;
		if (r == -ETIMEDOUT)
			*e = ERR_INIT;
		else if (r < 0 || (r = print_event(k, "oom", e)) < 0)
			return r;
	}
}

static int run(struct oci_cli *c, struct err *e)
{
	const struct values *v = c->values;
	struct oci_container k CLEANUP_OCI_CONTAINER = OCI_CONTAINER_INIT;
	uint64_t interval_ms = INTERVAL_MS;

	if (v->interval && num_parse_duration(v->interval, &interval_ms, e) < 0)
		return err_wrap(e, "--interval");
	if (interval_ms == 0 || interval_ms > INT32_MAX / 2)
		return err_set(e, EINVAL, "--interval: more than 0, and at most 12 days");
	if (oci_container_open(&c->rt, &c->id, OCI_LOOK, &k, e) < 0)
		return -e->code;
	if (oci_container_status(&k) == OCI_STOPPED)
		return err_set(e, ESRCH, "container with id %s is not running", c->id.s);
	return v->stats ? print_event(&k, "stats", e) : stream(&k, interval_ms, e);
}

const struct oci_command oci_command_events = {
	.name = "events",
	.operands = "ID",
	.help = "show statistics, and when memory runs out",
	.flags = OCI_TAKES_ID | OCI_READS_ONLY,
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.values_size = sizeof(struct values),
	.run = run,
};
