/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that say what an instance or container is: meta.json, state.json, exit.json of both
 * commands, the log of events, compiled filters. The first byte says which. A damaged one is an
 * error with a reason; one that is accepted is written as a file that means the same.
 */
#include "base/clock.h"
#include "images/digest.h"
#include "runtime/events.h"
#include "runtime/events_proto.h"
#include "runtime/oci/engine_priv.h"
#include "runtime/records_priv.h"
#include "runtime/seccomp_priv.h"
#include "tests/fuzz/fuzz.h"

static int meta(int dir, struct err *e)
{
	static struct meta m;
	int r = meta_read(dir, &m, e);

	if (r < 0)
		return r;
	fuzz_require(instance_is_id(m.owner.s), "an id");
	fuzz_require(m.ids.count == 0 || m.ids.first >= IDMAP_COUNT, "not the host's ids");
	fuzz_require(m.n_layers <= LIMIT_LAYERS && m.n_networks <= NET_INTERFACES_MAX, "lists");
	for (size_t i = 0; i < m.n_layers; i++)
		fuzz_require(digest_is_set(&m.layers[i]), "a digest");
	return meta_write(dir, &m, FILE_NOSYNC, e);
}

static int run_state(int dir, struct err *e)
{
	struct run_state s;
	int r = run_state_read(dir, &s, e);

	if (r < 0)
		return r;
	fuzz_require(s.pid > 0 && s.monitor_pid > 0, "pids");
	for (size_t i = 0; i < NET_INTERFACES_MAX; i++)
		fuzz_require(strnlen(s.net.v[i].host_interface, 16) < 16, "a name ends");
	s.has_net = true;
	return run_state_write(dir, &s, e);
}

static int exit_record(int dir, struct err *e)
{
	struct instance_exit x;
	pid_t pid = 0;
	int r = exit_record_read(dir, &x, &pid, e);

	if (r < 0)
		return r;
	fuzz_require(x.present && x.status >= 0 && x.status <= 255, "a status");
	fuzz_require(strnlen(x.reason, sizeof(x.reason)) < sizeof(x.reason), "a reason ends");
	fuzz_require(exit_record_reserve(dir, e) == 0 && exit_record_is_due(dir), "it is due");
	fuzz_require(exit_record_last(dir, &x, e) == 0 && str_eq(x.reason, "lost"),
		     "not known yet");
	fuzz_require(exit_record_read(dir, &x, &pid, e) == 0, "it is read");
	r = exit_record_write(dir, &x, pid, e);
	fuzz_require(exit_record_last(dir, &x, e) == 0 && !exit_record_is_due(dir), "the last");
	return r;
}

static int container(int dir, struct err *e)
{
	CLEANUP(oci_state_free) struct oci_state s = { .pid = 0 };
	int r = oci_state_read(dir, &s, e);

	if (r < 0)
		return r;
	fuzz_require(s.pid >= 0 && s.bundle && s.rootfs, "a container");
	return oci_state_write(dir, &s, e);
}

/* As it is kept: finished, under any name, and for a while beside the run state. */
static int spec(int dir, struct err *e)
{
	const struct jail_name name = { "other" };
	CLEANUP_SPEC struct jail_spec s, running;
	int r;

	spec_init(&s);
	spec_init(&running);
	r = spec_read(dir, &s, e);
	if (r < 0)
		return r;
	fuzz_require(spec_read_runtime(dir, &running, e) == -ENOENT && e->code == 0, "none yet");
	fuzz_require(spec_write_runtime(dir, &s, e) == 0 &&
			     spec_read_runtime(dir, &running, e) == 0 &&
			     spec_forget_runtime(dir, e) == 0,
		     "what runs");
	fuzz_require(spec_write(dir, &s, FILE_NOSYNC, e) == 0, "it is written");
	return spec_rename(dir, &name, e);
}

/* The log is rotated while it is followed: once. */
struct following {
	int dir, turns;
	const uint8_t *data;
	size_t n;
};

static bool rotate(int fd, void *arg)
{
	struct following *f = arg;

	fuzz_require(fd >= 0, "something to wait for");
	(void)renameat(f->dir, EVENTS_FILE, f->dir, EVENTS_OLD);
	fuzz_put(f->dir, EVENTS_FILE, f->data, f->n);
	return f->turns++ == 0;
}

/* As people see them: nothing of a name or a reason steers their terminal. */
static void events(const char *name, const uint8_t *data, size_t size, size_t width)
{
	static struct jail j;
	const struct jail_name web = { "web" };
	struct following f = { .data = data, .n = size };
	const struct event_options o = {
		.names = &web,
		.n_names = width % 3 == 0,
		.since_ms = width % 5 == 0 ? 1763685321123 : 0,
		.json = width % 2,
		.width = width,
		.follow = width % 11 == 0,
		.only_new = width % 22 == 0,
		.wait = rotate,
		.arg = &f,
	};
	CLEANUP_FREE char *printed = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;
	FILE *out = open_memstream(&printed, &n);
	CLEANUP_FD int dir = path_make_dir_at(fuzz_dir(), EVENTS_DIR, 0700, &e);

	fuzz_require(out && dir >= 0, "a stream and a directory");
	f.dir = dir;
	/* Something else of that name, or a file. */
	if (width == UINT8_MAX)
		(void)mkdirat(dir, name, 0700);
	else
		fuzz_put(dir, name, data, size);
	j.state = fuzz_dir();
	(void)fuzz_judged(events_print(&j, &o, out, &e), &e);
	(void)fclose(out);
	if (!o.json)
		fuzz_harmless(printed, n, false);
	(void)unlinkat(dir, name, width == UINT8_MAX ? AT_REMOVEDIR : 0);
	(void)unlinkat(dir, EVENTS_FILE, 0);
	(void)unlinkat(dir, EVENTS_OLD, 0);
}

static void filter(const uint8_t *data, size_t size)
{
	const struct seccomp_target target = { .kernel_major = 6 };
	struct digest key;
	struct sock_filter code[64] = { { .code = 0 } };
	struct seccomp_program program = { .filter = code }, back = { .n = 0 };
	char name[80];
	struct err e = ERR_INIT;

	/* The key is not of the content here, so that a file can be damaged. */
	seccomp_cache_key("profile", strlen("profile"), &target, &key);
	(void)str_format(name, sizeof(name), "%s.bpf", key.hex);
	fuzz_put(fuzz_dir(), name, data, size);
	if (seccomp_cache_read(fuzz_dir(), &key, &back) == 1)
		fuzz_require(back.n * sizeof(*code) < size, "no more than there is");
	seccomp_program_free(&back);
	program.n = size / sizeof(*code) < 64 ? size / sizeof(*code) : 64;
	memcpy(code, data, program.n * sizeof(*code));
	fuzz_require(seccomp_cache_write(fuzz_dir(), &key, &program, &e) == 0, "written");
	fuzz_require(seccomp_cache_read(fuzz_dir(), &key, &back) == (program.n > 0), "read");
	fuzz_require(back.n == program.n &&
			     (!back.n || !memcmp(back.filter, code, back.n * sizeof(*code))),
		     "the same filter");
	seccomp_program_free(&back);
}

static void ignore(const char *text)
{
	fuzz_require(text[0] != '\0', "a warning has a text");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_record kinds[] = {
		{ 'm', "meta.json", meta },	   { 's', "state.json", run_state },
		{ 'x', "exit.json", exit_record }, { 'o', "state.json", container },
		{ 'p', "spec.json", spec },
	};

	warn_set_sink(ignore);
	if (size < 2)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].letter == (char)data[0])
			fuzz_record(&kinds[i], data + 1, size - 1);
	if (data[0] == 'e' || data[0] == 'E')
		events(data[0] == 'e' ? EVENTS_FILE : EVENTS_OLD, data + 2, size - 2, data[1]);
	if (data[0] == 'b')
		filter(data + 1, size - 1);
	return 0;
}
