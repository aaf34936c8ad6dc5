/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail stats: what instances use. Once where a program reads it, again and again where a person
 * looks. All instances of a sample are read before the first is printed, so that one frame is one
 * moment.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "base/num.h"
#include "cmd/jail/names.h"
#include "cmd/jail/until.h"
#include "cmd/jail/verbs.h"
#include "runtime/stats.h"

#define NAME_COLUMNS 14
#define INTERVAL_MS 1000
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS (24u * 60 * 60 * 1000)
#define CELL_MAX 32

struct stats_values {
	bool all, stream, no_stream, json, wide;
	uint64_t interval_ms; /* 0 = not given */
};

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct stats_values, all),
	  .help = "also those that do not run" },
	{ .name = "stream",
	  .letter = 's',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct stats_values, stream),
	  .help = "again and again (default on a terminal)" },
	{ .name = "no-stream",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct stats_values, no_stream),
	  .help = "once (default elsewhere, and with --json)" },
	{ .name = "interval",
	  .letter = 'i',
	  .type = OPTION_DURATION,
	  .offset = offsetof(struct stats_values, interval_ms),
	  .value = "DURATION",
	  .help = "between two samples (1s); once: take two" },
	{ .name = "wide",
	  .letter = 'w',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct stats_values, wide),
	  .help = "cut nothing to fit the terminal" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct stats_values, json),
	  .help = "print JSON (docs/json.md); streaming, one line each" },
	OPTION_END,
};

/* One sample of everything. */
struct frame {
	struct instance_stats *v;
	size_t n;
};

struct watching {
	struct cli *c;
	const struct stats_values *values;
	struct names names; /* empty: all */
	struct stats_reader *reader;
	struct frame before, now;
	bool first; /* sample; only then it is an error that a named one does not run */
};

static void frame_free(struct frame *f)
{
	for (size_t i = 0; i < f->n; i++)
		instance_stats_free(&f->v[i]);
	free(f->v);
	*f = (struct frame){ .v = NULL };
}

static void watching_free(struct watching *w)
{
	names_free(&w->names);
	frame_free(&w->before);
	frame_free(&w->now);
	stats_close(&w->reader);
}

/* Takes *s. */
static int frame_add(struct instance_stats *s, void *arg)
{
	struct frame *f = arg;
	struct instance_stats *grown = reallocarray(f->v, f->n + 1, sizeof(*grown));

	if (!grown) {
		instance_stats_free(s);
		return -ENOMEM;
	}
	f->v = grown;
	f->v[f->n++] = *s;
	return 0;
}

static int take_named(struct cli *c, const struct jail_name *name, void *arg, struct err *e)
{
	struct watching *w = arg;
	struct instance_stats s = { .name = *name };
	struct err why = ERR_INIT;
	int r = stats_read(w->reader, name, &s, &why);

	(void)c;
	if ((r == -ESRCH || r == -EAGAIN) && w->values->all)
		return frame_add(&s, &w->now) < 0 ? err_nomem(e) : 0;
	if (r < 0 && !w->first)
		return 0;
	if (r < 0) {
		*e = why;
		return r;
	}
	return frame_add(&s, &w->now) < 0 ? err_nomem(e) : 0;
}

/* The place is usually the same as in the sample before. */
static const struct instance_stats *find_before(const struct frame *before, size_t at,
						const struct jail_name *name)
{
	if (at < before->n && str_eq(before->v[at].name.s, name->s))
		return &before->v[at];
	for (size_t i = 0; i < before->n; i++)
		if (str_eq(before->v[i].name.s, name->s))
			return &before->v[i];
	return NULL;
}

/* Return: exit status so far, or negative. */
static int take_sample(struct watching *w, struct err *e)
{
	int r;

	frame_free(&w->before);
	w->before = w->now;
	w->now = (struct frame){ .v = NULL };
	r = w->names.n ? names_each(w->c, &w->names, take_named, w)
		       : stats_each(w->reader, w->values->all, frame_add, &w->now, e);
	for (size_t i = 0; i < w->now.n; i++) {
		const struct instance_stats *before = find_before(&w->before, i, &w->now.v[i].name);

		if (before)
			stats_rate(before, &w->now.v[i]);
	}
	w->first = false;
	return r;
}

/* At most five columns: "512M", "1.2G". */
static void size_cell(bool has, uint64_t bytes, char ret[static CELL_MAX])
{
	static const char units[] = "BKMGTPE";
	uint64_t whole = bytes, part = 0;
	size_t unit = 0;

	while (whole >= 1000 && unit + 2 < sizeof(units)) {
		part = whole % 1024 * 10 / 1024;
		whole /= 1024;
		unit++;
	}
	if (!has)
		(void)str_format(ret, CELL_MAX, "-");
	else if (bytes == CGROUP_STAT_MAX)
		(void)str_format(ret, CELL_MAX, "max");
	else if (unit > 0 && whole < 10)
		(void)str_format(ret, CELL_MAX, "%" PRIu64 ".%" PRIu64 "%c", whole, part,
				 units[unit]);
	else
		(void)str_format(ret, CELL_MAX, "%" PRIu64 "%c", whole, units[unit]);
}

static void stat_cell(const struct instance_stats *s, enum cgroup_stat i, char ret[static CELL_MAX])
{
	size_cell(s->cgroup.has[i], s->cgroup.value[i], ret);
}

static void count_cell(const struct instance_stats *s, enum cgroup_stat i,
		       char ret[static CELL_MAX])
{
	if (!s->cgroup.has[i])
		(void)str_format(ret, CELL_MAX, "-");
	else
		(void)str_format(ret, CELL_MAX, "%" PRIu64, s->cgroup.value[i]);
}

static void cpu_cells(const struct instance_stats *s, char percent[static CELL_MAX],
		      char used[static CELL_MAX])
{
	uint64_t ms = s->cgroup.value[CGROUP_STAT_CPU_USAGE] / 1000;

	(void)str_format(percent, CELL_MAX, "-");
	(void)str_format(used, CELL_MAX, "-");
	if (s->has_percent)
		(void)str_format(percent, CELL_MAX, "%" PRIu64 ".%" PRIu64,
				 s->cpu_percent_milli / 1000, s->cpu_percent_milli % 1000 / 100);
	if (!s->cgroup.has[CGROUP_STAT_CPU_USAGE])
		return;
	if (ms < 100000)
		(void)str_format(used, CELL_MAX, "%" PRIu64 ".%" PRIu64 "s", ms / 1000,
				 ms % 1000 / 100);
	else
		clock_format_age(ms, used, CELL_MAX);
}

static void io_cell(const struct instance_stats *s, int which, char ret[static CELL_MAX])
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->cgroup.n_io; i++)
		if (s->cgroup.io[i].has[which])
			sum += s->cgroup.io[i].value[which];
	size_cell(s->cgroup.has_io, sum, ret);
}

static void print_row(const struct watching *w, struct table *t, const struct instance_stats *s)
{
	enum { NAME, PERCENT, TIME, MEMORY, MAX, PIDS, RX, TX, READ, WRITE, CELLS };
	char cells[CELLS][LIMIT_NAME_LEN + CELL_MAX];
	const char *row[CELLS];
	uint64_t rx = 0, tx = 0;

	cli_cut(s->name.s, w->values->wide ? LIMIT_NAME_LEN : NAME_COLUMNS, cells[NAME]);
	cpu_cells(s, cells[PERCENT], cells[TIME]);
	stat_cell(s, CGROUP_STAT_MEMORY_CURRENT, cells[MEMORY]);
	stat_cell(s, CGROUP_STAT_MEMORY_MAX, cells[MAX]);
	count_cell(s, CGROUP_STAT_PIDS_CURRENT, cells[PIDS]);
	for (size_t i = 0; i < s->n_net; i++) {
		rx += s->net[i].count.rx_bytes;
		tx += s->net[i].count.tx_bytes;
	}
	size_cell(s->n_net > 0, rx, cells[RX]);
	size_cell(s->n_net > 0, tx, cells[TX]);
	io_cell(s, CGROUP_IO_READ_BYTES, cells[READ]);
	io_cell(s, CGROUP_IO_WRITE_BYTES, cells[WRITE]);
	for (size_t i = 0; i < CELLS; i++)
		row[i] = cells[i];
	table_row(t, row);
}

static int print_table(const struct watching *w, bool stream, struct err *e)
{
	static const char *const header[] = { "NAME", "CPU%", "TIME", "MEM",  "MAX",
					      "PIDS", "RX",   "TX",   "READ", "WRITE" };
	struct table t;

	table_init(&t, ARRAY_SIZE(header));
	table_row(&t, header);
	for (size_t i = 0; i < w->now.n; i++)
		print_row(w, &t, &w->now.v[i]);
	if (stream && isatty(STDOUT_FILENO))
		(void)fputs("\033[H\033[J", stdout); /* the next frame is where the last was */
	return cli_print_table(&t, w->values->wide, e);
}

static int print_json(const struct watching *w, bool stream, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	json_out_init(&o, &b, !stream);
	if (!stream)
		json_out_array(&o, NULL);
	for (size_t i = 0; i < w->now.n; i++) {
		if (stream)
			json_out_init(&o, &b, false);
		stats_to_json(&w->now.v[i], &o, NULL);
		if (stream)
			strbuf_addc(&b, '\n');
	}
	if (!stream) {
		json_out_array_end(&o);
		return cli_print_json(&b, e);
	}
	if (strbuf_ok(&b, e) < 0)
		return -e->code;
	(void)fwrite(strbuf_str(&b), 1, b.len, stdout);
	return 0;
}

static int print_frame(const struct watching *w, bool stream, struct err *e)
{
	int r = w->values->json ? print_json(w, stream, e) : print_table(w, stream, e);

	return r < 0 ? r : cli_flush(e);
}

/* Until somebody ends it. Whoever has closed what we write to has ended it as well. */
static int watch(struct watching *w, struct err *e)
{
	uint64_t interval = w->values->interval_ms ? w->values->interval_ms : INTERVAL_MS;
	CLEANUP_FD int until = until_begin(e);
	uint64_t next = clock_boot_ms();
	int status = 0;

	if (until < 0)
		return until;
	for (;;) {
		uint64_t now;
		int r = take_sample(w, e);

		if (r < 0)
			return r;
		status |= r;
		/* Nothing of what was named runs: there is nothing to wait for. */
		if (status && w->before.n == 0 && w->now.n == 0)
			return status;
		r = print_frame(w, true, e);
		if (r < 0)
			return r == -EPIPE ? status : r;
		next += interval;
		for (now = clock_boot_ms(); now < next; now = clock_boot_ms())
			if (!until_wait(until, -EBADF, (int)(next - now)))
				return status;
		/* Late (stopped, suspended): not all that was missed at once. */
		if (now - next > interval)
			next = now;
	}
}

static int once(struct watching *w, struct err *e)
{
	int r = take_sample(w, e), status = r, printed;

	if (r >= 0 && w->values->interval_ms) {
		CLEANUP_FD int until = until_begin(e);

		if (until < 0)
			return until;
		if (!until_wait(until, -EBADF, (int)w->values->interval_ms))
			return status;
		r = take_sample(w, e);
	}
	if (r < 0)
		return r;
	printed = print_frame(w, false, e);
	return printed < 0 ? printed : status;
}

static int check_values(struct cli *c, const struct stats_values *v, struct err *e)
{
	uint64_t ms = v->interval_ms;

	c->failed = EXIT_USAGE;
	if (v->stream && v->no_stream)
		return err_set(e, EINVAL, "stats: --stream or --no-stream, not both");
	if (ms && (ms < INTERVAL_MIN_MS || ms > INTERVAL_MAX_MS))
		return err_set(e, EINVAL, "stats: --interval must be from %dms to 1d",
			       INTERVAL_MIN_MS);
	c->failed = EXIT_FAILED;
	return 0;
}

static int run(struct cli *c, struct err *e)
{
	const struct stats_values *v = c->values;
	bool stream = v->stream || (!v->no_stream && !v->json && isatty(STDOUT_FILENO));
	CLEANUP(watching_free) struct watching w = { .c = c, .values = v, .first = true };
	int r = check_values(c, v, e);

	if (r == 0 && c->args.n_operands)
		r = names_collect(c, false, names_any, &w.names, e);
	if (r == 0)
		r = stats_open(c->jail, &w.reader, e);
	if (r < 0)
		return r;
	return stream ? watch(&w, e) : once(&w, e);
}

const struct verb verb_stats = {
	.name = "stats",
	.operands = "[NAME...]",
	.help = "Show what instances use: all that run, or those named",
	.options = options,
	.values_size = sizeof(struct stats_values),
	.max_operands = OPERANDS_ANY,
	.flags = VERB_STATE,
	.run = run,
};
