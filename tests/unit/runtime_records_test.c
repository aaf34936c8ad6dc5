/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of an instance: what is written is read back, and whatever a damaged file says, it is
 * refused or means something that could have been written. */
#include "base_tmpdir.h"

#include <arpa/inet.h>

#include "base/clock.h"
#include "base/fd.h"
#include "runtime/engine_priv.h"
#include "runtime/oom.h"
#include "spec_equal.h"

#define ID "00112233445566778899aabbccddeeff"

static struct meta full_meta(void)
{
	struct meta m = {
		.owner = { ID },
		.created_ms = 1763685321123,
		.ids = { 1342177280, IDMAP_COUNT },
		.image = { "debian:12" },
		.n_layers = 2,
	};

	/* With a gap: what was eth1 has been taken away. */
	m.networks[0].network = (struct jail_name){ "default" };
	assert_int_equal(inet_pton(AF_INET, "10.88.0.7", &m.networks[0].addresses.v4), 1);
	assert_int_equal(inet_pton(AF_INET6, "fd00::7", &m.networks[0].addresses.v6), 1);
	m.networks[2].network = (struct jail_name){ "six" };
	assert_int_equal(inet_pton(AF_INET6, "fd01::7", &m.networks[2].addresses.v6), 1);
	m.n_networks = 3;
	for (size_t i = 0; i < m.n_layers; i++) {
		memset(m.layers[i].hex, i ? 'a' : '5', 64);
		m.layers[i].hex[64] = '\0';
	}
	return m;
}

static void assert_meta_equal(const struct meta *a, const struct meta *b)
{
	assert_string_equal(a->owner.s, b->owner.s);
	assert_true(a->created_ms == b->created_ms);
	assert_int_equal(a->ids.first, b->ids.first);
	assert_int_equal(a->ids.count, b->ids.count);
	assert_int_equal(a->n_networks, b->n_networks);
	assert_memory_equal(a->networks, b->networks, sizeof(a->networks));
	assert_string_equal(a->image.s, b->image.s);
	assert_int_equal(a->n_layers, b->n_layers);
	for (size_t i = 0; i < a->n_layers; i++)
		assert_string_equal(a->layers[i].hex, b->layers[i].hex);
}

static void test_meta(void **state)
{
	const struct tmpdir *t = *state;
	struct meta m = full_meta(), back;
	struct err e = ERR_INIT;

	assert_int_equal(meta_read(t->fd, &back, &e), -ENOENT);
	assert_int_equal(e.code, ENOENT); /* it must be there, so that is an error with a text */
	e = ERR_INIT;
	assert_int_equal(meta_write(t->fd, &m, FILE_SYNC, &e), 0);
	assert_int_equal(meta_read(t->fd, &back, &e), 0);
	assert_meta_equal(&m, &back);
	/* The other extreme: everything that can be missing is. */
	m = (struct meta){ .owner = { ID } };
	assert_int_equal(meta_write(t->fd, &m, FILE_NOSYNC, &e), 0);
	assert_int_equal(meta_read(t->fd, &back, &e), 0);
	assert_meta_equal(&m, &back);
	assert_int_equal(e.code, 0);
}

/* What would make another's ids, or the host's, those of an instance. */
static void test_meta_refuses(void **state)
{
	static const char *const bad[] = {
		"\"id\":\"" ID "\",\"idFirst\":0,\"idCount\":65536",
		"\"id\":\"" ID "\",\"idFirst\":1000,\"idCount\":65536",
		"\"id\":\"" ID "\",\"idFirst\":4294967295,\"idCount\":65536",
		"\"id\":\"" ID "\",\"idFirst\":131072,\"idCount\":1",
		"\"id\":\"" ID "\",\"idFirst\":131072,\"idCount\":0",
		"\"id\":\"" ID "\",\"idFirst\":-1,\"idCount\":65536",
		"\"id\":\"" ID "\",\"idFirst\":131072.5,\"idCount\":65536",
		"\"id\":\"" ID "\",\"idFirst\":\"131072\",\"idCount\":65536",
		"\"id\":\"../../../etc\",\"idFirst\":131072,\"idCount\":65536",
		"\"id\":\"" ID ID "\",\"idFirst\":131072,\"idCount\":65536",
		"\"id\":\"" ID "0\",\"idFirst\":131072,\"idCount\":65536",
		"\"id\":\"0\",\"idFirst\":131072,\"idCount\":65536",
		"\"id\":5,\"idFirst\":131072,\"idCount\":65536",
		"\"idFirst\":131072,\"idCount\":65536",
	};
	static const char *const good_ids =
		"\"id\":\"" ID "\",\"idFirst\":131072,\"idCount\":65536";
	static const char *const bad_rest[] = {
		"\"layers\":{}",
		"\"layers\":[5]",
		"\"layers\":[\"\"]",
		"\"layers\":[\"../../etc\"]",
		"\"layers\":[],\"networks\":{}",
		"\"layers\":[],\"networks\":[7]",
		"\"layers\":[],\"networks\":[{}]",
		"\"layers\":[],\"networks\":[{\"network\":\"../x\"}]",
		"\"layers\":[],\"networks\":[{\"network\":\"a\",\"address4\":\"10.88.0\"}]",
		"\"layers\":[],\"networks\":[{\"network\":\"a\",\"address4\":7}]",
		"\"layers\":[],\"networks\":[{\"network\":\"a\",\"address6\":\"10.88.0.1\"}]",
		"\"layers\":[],\"networks\":[null,null,null,null,null,null,null,null,null]",
		"\"layers\":[],\"image\":\"../x\"",
		"\"created\":-1,\"layers\":[]",
	};
	const struct tmpdir *t = *state;
	struct meta back;
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = ERR_INIT;

		(void)snprintf(text, sizeof(text), "{%s,\"created\":1,\"layers\":[]}", bad[i]);
		tmpdir_put(t->fd, "meta.json", text);
		assert_int_equal(meta_read(t->fd, &back, &e), -EBADMSG);
		assert_non_null(strstr(e.text, "meta.json:1:"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_rest); i++) {
		struct err e = ERR_INIT;

		(void)snprintf(text, sizeof(text), "{%s,%s%s}", good_ids,
			       strstr(bad_rest[i], "created") ? "" : "\"created\":1,", bad_rest[i]);
		tmpdir_put(t->fd, "meta.json", text);
		assert_int_equal(meta_read(t->fd, &back, &e), -EBADMSG);
		assert_non_null(strstr(e.text, "meta.json:1:"));
	}
}

static struct run_state full_state(void)
{
	struct run_state s = {
		.pid = 4711,
		.monitor_pid = 4710,
		.started_ms = 1763685321123,
		.started_boot_ms = 99,
		.net = { .v = { { .host_interface = "ve0123456789ab" },
				{ .host_interface = "" },
				{ .host_interface = "ve0123456789ac", .routed = true } } },
		.has_net = true,
		.terminal = true,
		.remove = true,
		.restarts = 3,
	};

	return s;
}

static void assert_state_equal(const struct run_state *a, const struct run_state *b)
{
	assert_int_equal(a->pid, b->pid);
	assert_int_equal(a->monitor_pid, b->monitor_pid);
	assert_true(a->started_ms == b->started_ms);
	assert_true(a->started_boot_ms == b->started_boot_ms);
	assert_int_equal(a->has_net, b->has_net);
	assert_int_equal(a->terminal, b->terminal);
	assert_int_equal(a->remove, b->remove);
	assert_int_equal(a->restarts, b->restarts);
	for (size_t i = 0; i < NET_INTERFACES_MAX; i++) {
		assert_string_equal(a->net.v[i].host_interface, b->net.v[i].host_interface);
		assert_int_equal(a->net.v[i].routed, b->net.v[i].routed);
	}
}

static void test_state(void **state)
{
	const struct tmpdir *t = *state;
	struct run_state s = full_state(), back;
	struct err e = ERR_INIT;

	assert_int_equal(run_state_read(t->fd, &back, &e), -ENOENT);
	assert_int_equal(run_state_write(t->fd, &s, &e), 0);
	assert_int_equal(run_state_read(t->fd, &back, &e), 0);
	assert_state_equal(&s, &back);
	s = (struct run_state){ .pid = 1, .monitor_pid = INT32_MAX };
	assert_int_equal(run_state_write(t->fd, &s, &e), 0);
	assert_int_equal(run_state_read(t->fd, &back, &e), 0);
	assert_state_equal(&s, &back);
	assert_int_equal(e.code, 0);
}

static void test_state_refuses(void **state)
{
	static const char *const bad[] = {
		"\"pid\":0,\"monitorPid\":5",
		"\"pid\":-1,\"monitorPid\":5",
		"\"pid\":4294967297,\"monitorPid\":5",
		"\"pid\":5,\"monitorPid\":-1",
		"\"pid\":true,\"monitorPid\":5",
		"\"pid\":5",
		"\"pid\":5,\"monitorPid\":5,\"networks\":7",
		"\"pid\":5,\"monitorPid\":5,\"networks\":[7]",
		"\"pid\":5,\"monitorPid\":5,\"networks\":[{\"interface\":\"ve\"}]",
		"\"pid\":5,\"monitorPid\":5,\"networks\":[{\"interface\":7,\"routed\":true}]",
		"\"pid\":5,\"monitorPid\":5,\"networks\":[{\"interface\":\"0123456789abcdef\","
		"\"routed\":true}]",
		"\"pid\":5,\"monitorPid\":5,\"networks\":[null,null,null,null,null,null,null,null,"
		"null]",
	};
	const struct tmpdir *t = *state;
	struct run_state back;
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = ERR_INIT;

		(void)snprintf(text, sizeof(text),
			       "{%s,\"started\":1,\"startedBoot\":1,\"restarts\":0}", bad[i]);
		tmpdir_put(t->fd, "state.json", text);
		assert_int_equal(run_state_read(t->fd, &back, &e), -EBADMSG);
		assert_non_null(strstr(e.text, "state.json:1:"));
	}
}

static struct instance_exit full_exit(void)
{
	return (struct instance_exit){
		.present = true,
		.status = 143,
		.reason = "signalled",
		.started_ms = 1763685321123,
		.finished_ms = 1763685321124,
		.restarts = 7,
		.oom = { .kills = 2,
			 .level = CGROUP_OOM_TENANT,
			 .peak_bytes = 67108864,
			 .victim_pid = 4711,
			 .victim = "h\"o g" },
	};
}

static void assert_exit_equal(const struct instance_exit *a, const struct instance_exit *b)
{
	assert_int_equal(a->present, b->present);
	assert_int_equal(a->status, b->status);
	assert_string_equal(a->reason, b->reason);
	assert_true(a->started_ms == b->started_ms);
	assert_true(a->finished_ms == b->finished_ms);
	assert_int_equal(a->restarts, b->restarts);
	assert_int_equal(a->oom.kills, b->oom.kills);
	assert_int_equal(a->oom.level, b->oom.level);
	assert_int_equal(a->oom.peak_bytes, b->oom.peak_bytes);
	assert_int_equal(a->oom.victim_pid, b->oom.victim_pid);
	assert_string_equal(a->oom.victim, b->oom.victim);
}

/* A record with nothing killed, one of an older version, and damaged ones. */
static void test_exit_oom(void **state)
{
	static const char *const damaged[] = {
		"1",
		"{}",
		"{\"kills\":-1,\"level\":\"host\"}",
		"{\"kills\":1,\"level\":7}",
		"{\"kills\":\"1\",\"level\":\"host\"}",
		"{\"kills\":1,\"level\":\"host\",\"victim\":1}",
		"{\"kills\":1,\"level\":\"host\",\"victimPid\":4294967296}",
		("{\"kills\":1,\"level\":\"host\",\"victim\":"
		 "\"0123456789012345678901234567890123456789012345678901234567890123\"}"),
	};
	static const char start[] =
		"{\"status\":0,\"signal\":0,\"reason\":\"exited\",\"startedAt\":"
		"\"2026-11-21T00:48:41.123Z\",\"finishedAt\":"
		"\"2026-11-21T00:48:41.123Z\",\"pid\":123,\"restarts\":0";
	const struct tmpdir *t = *state;
	struct instance_exit x = full_exit(), back;
	struct err e = ERR_INIT;
	char text[1024];

	x.oom = (struct cgroup_oom){ .kills = 0 };
	assert_int_equal(exit_record_write(t->fd, &x, 4711, &e), 0);
	assert_int_equal(exit_record_read(t->fd, &back, NULL, &e), 0);
	assert_exit_equal(&x, &back);
	(void)snprintf(text, sizeof(text), "%s}", start);
	tmpdir_put(t->fd, "exit.json", text);
	assert_int_equal(exit_record_read(t->fd, &back, NULL, &e), 0);
	assert_int_equal(back.oom.kills, 0);
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		(void)snprintf(text, sizeof(text), "%s,\"oom\":%s}", start, damaged[i]);
		tmpdir_put(t->fd, "exit.json", text);
		if (exit_record_read(t->fd, &back, NULL, &e) != -EBADMSG)
			fail_msg("taken: %s", damaged[i]);
	}
}

/* What teardown adds, once; a cgroup without a kill changes nothing. */
static void test_oom_record(void **state)
{
	const struct tmpdir *t = *state;
	struct cgroup_tree tree = { .root_fd = t->fd, .path = "/jail" };
	struct jail_name name = { "web" };
	struct instance_exit x = full_exit(), back;
	struct err e = ERR_INIT;
	CLEANUP_FD int web = -EBADF;
	pid_t pid = 0;

	x.oom = (struct cgroup_oom){ .kills = 0 };
	assert_int_equal(mkdirat(t->fd, "web", 0755), 0);
	web = openat(t->fd, "web", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(web >= 0);
	tmpdir_put(web, "memory.events", "oom 1\noom_kill 3\n");
	tmpdir_put(web, "memory.peak", "4096\n");
	oom_record(&tree, &name, t->fd); /* no record */
	assert_false(tmpdir_exists(t->fd, "exit.json"));
	assert_int_equal(exit_record_write(t->fd, &x, 4711, &e), 0);
	oom_record(&tree, &(struct jail_name){ "none" }, t->fd); /* no cgroup */
	assert_int_equal(exit_record_read(t->fd, &back, &pid, &e), 0);
	assert_exit_equal(&x, &back);
	oom_record(&tree, &name, t->fd);
	assert_int_equal(exit_record_read(t->fd, &back, &pid, &e), 0);
	x.oom = (struct cgroup_oom){ .kills = 3, .level = CGROUP_OOM_INSTANCE, .peak_bytes = 4096 };
	assert_exit_equal(&x, &back);
	assert_int_equal(pid, 4711);
	tmpdir_put(web, "memory.events", "oom 1\noom_kill 4\n");
	assert_int_equal(exit_record_reserve(t->fd, &e), 0);
	oom_record(&tree, &name, t->fd); /* of a start whose end is not on record yet */
	exit_record_unreserve(t->fd);
	assert_int_equal(exit_record_read(t->fd, &back, &pid, &e), 0);
	assert_int_equal(back.oom.kills, 3);
}

/* 137 alone isn't it, nor a kill that the init survived, nor a stop's. */
static void test_exit_is_oom(void **state)
{
	struct instance_exit x = { .present = true, .status = 137, .reason = "exited" };

	(void)state;
	assert_false(instance_exit_is_oom(&x));
	x.oom.kills = 1;
	assert_true(instance_exit_is_oom(&x));
	x.status = 0;
	assert_false(instance_exit_is_oom(&x));
	x.status = 137;
	memcpy(x.reason, "stopped", 8);
	assert_false(instance_exit_is_oom(&x));
}

static void test_exit(void **state)
{
	const struct tmpdir *t = *state;
	struct instance_exit x = full_exit(), back;
	struct err e = ERR_INIT;
	pid_t pid = 0;

	assert_int_equal(exit_record_read(t->fd, &back, &pid, &e), -ENOENT);
	assert_int_equal(exit_record_last(t->fd, &back, &e), -ENOENT);
	assert_int_equal(e.code, 0);
	assert_int_equal(exit_record_write(t->fd, &x, 4711, &e), 0);
	assert_int_equal(exit_record_read(t->fd, &back, &pid, &e), 0);
	assert_int_equal(pid, 4711);
	assert_exit_equal(&x, &back);
	assert_int_equal(exit_record_read(t->fd, &back, NULL, &e), 0);
	assert_int_equal(exit_record_last(t->fd, &back, &e), 0);
	assert_exit_equal(&x, &back);
}

/* A record that is due outweighs the one of the run before. */
static void test_exit_due(void **state)
{
	const struct tmpdir *t = *state;
	struct instance_exit x = full_exit(), back;
	uint64_t before = clock_wall_ms();
	struct err e = ERR_INIT;
	struct stat st;

	assert_false(exit_record_is_due(t->fd));
	assert_int_equal(exit_record_write(t->fd, &x, 4711, &e), 0);
	assert_int_equal(exit_record_reserve(t->fd, &e), 0);
	assert_true(exit_record_is_due(t->fd));
	assert_int_equal(fstatat(t->fd, "exit.next", &st, 0), 0);
	assert_true(st.st_blocks > 0); /* room on a full disk */
	assert_int_equal(exit_record_last(t->fd, &back, &e), 0);
	assert_string_equal(back.reason, "lost");
	assert_int_equal(back.status, 137);
	assert_true(back.started_ms + 1000 >= before && back.started_ms <= clock_wall_ms() + 1000);
	assert_true(back.finished_ms == 0);
	/* Again: a start after a crash finds the old one. */
	assert_int_equal(exit_record_reserve(t->fd, &e), 0);
	assert_int_equal(exit_record_write(t->fd, &x, 4711, &e), 0);
	assert_false(exit_record_is_due(t->fd));
	assert_int_equal(exit_record_last(t->fd, &back, &e), 0);
	assert_exit_equal(&x, &back);
	assert_int_equal(exit_record_reserve(t->fd, &e), 0);
	exit_record_unreserve(t->fd);
	assert_false(exit_record_is_due(t->fd));
	assert_int_equal(e.code, 0);
}

static void test_reserve_follows_no_link(void **state)
{
	const struct tmpdir *t = *state;
	struct err e = ERR_INIT;
	struct stat st;

	tmpdir_put(t->fd, "precious", "keep");
	assert_int_equal(symlinkat("precious", t->fd, "exit.next"), 0);
	assert_int_equal(exit_record_reserve(t->fd, &e), -ELOOP);
	assert_int_equal(fstatat(t->fd, "precious", &st, 0), 0);
	assert_int_equal(st.st_size, 4);
}

static void decode(const char *text, struct jail_spec *ret)
{
	struct err e = ERR_INIT;

	spec_init(ret);
	assert_int_equal(spec_decode("test", text, strlen(text), ret, &e), 0);
	assert_int_equal(spec_finish(ret, &e), 0);
}

static void test_spec(void **state)
{
	const struct tmpdir *t = *state;
	struct jail_name new_name = { "shop" };
	struct jail_spec s, back;
	struct err e = ERR_INIT;

	decode("{\"name\":\"web\",\"image\":\"debian:12\",\"process\":{\"args\":[\"nginx\"],"
	       "\"env\":{\"A\":\"b\"}},\"labels\":{\"k\":\"v\"},\"network\":{\"ports\":[\"8080:"
	       "80\"]},"
	       "\"restart\":{\"policy\":\"on-failure\",\"maxRetries\":3}}",
	       &s);
	assert_int_equal(spec_write(t->fd, &s, FILE_NOSYNC, &e), 0);
	assert_int_equal(spec_read(t->fd, &back, &e), 0);
	assert_null(spec_differ(&s, &back));
	spec_free(&back);
	/* A host name that was the name follows it, */
	assert_int_equal(spec_rename(t->fd, &new_name, &e), 0);
	assert_int_equal(spec_read(t->fd, &back, &e), 0);
	assert_string_equal(back.name.s, "shop");
	assert_string_equal(back.hostname, "shop");
	spec_free(&back);
	spec_free(&s);
	/* another one stays. */
	decode("{\"name\":\"web\",\"hostname\":\"www\",\"image\":\"debian:12\"}", &s);
	assert_int_equal(spec_write(t->fd, &s, FILE_NOSYNC, &e), 0);
	assert_int_equal(spec_rename(t->fd, &new_name, &e), 0);
	assert_int_equal(spec_read(t->fd, &back, &e), 0);
	assert_string_equal(back.hostname, "www");
	spec_free(&back);
	spec_free(&s);
	assert_int_equal(e.code, 0);
}

/* One record for the damage: how to make it, and how to read it. A read that succeeds must give
 * what can be written and read back. */
struct record {
	const char *file;
	void (*make)(int dir);
	int (*read)(int dir, struct err *e);
};

static void make_meta(int dir)
{
	struct meta m = full_meta();
	struct err e = ERR_INIT;

	assert_int_equal(meta_write(dir, &m, FILE_NOSYNC, &e), 0);
}

static int read_meta(int dir, struct err *e)
{
	struct meta m;
	int r = meta_read(dir, &m, e);

	if (r < 0)
		return r;
	assert_int_equal(strlen(m.owner.s), INSTANCE_ID_LEN);
	assert_true(m.ids.count == 0 || m.ids.first >= IDMAP_COUNT);
	assert_true(m.n_layers <= LIMIT_LAYERS);
	return 0;
}

static void make_state(int dir)
{
	struct run_state s = full_state();
	struct err e = ERR_INIT;

	assert_int_equal(run_state_write(dir, &s, &e), 0);
}

static int read_state(int dir, struct err *e)
{
	struct run_state s;
	int r = run_state_read(dir, &s, e);

	if (r < 0)
		return r;
	assert_true(s.pid > 0 && s.monitor_pid > 0);
	for (size_t i = 0; i < NET_INTERFACES_MAX; i++)
		assert_true(strnlen(s.net.v[i].host_interface, 16) < 16);
	return 0;
}

static void make_exit(int dir)
{
	struct instance_exit x = full_exit();
	struct err e = ERR_INIT;

	assert_int_equal(exit_record_write(dir, &x, 4711, &e), 0);
}

static int read_exit(int dir, struct err *e)
{
	struct instance_exit x;
	pid_t pid;
	int r = exit_record_read(dir, &x, &pid, e);

	if (r < 0)
		return r;
	assert_true(x.present && x.status >= 0 && x.status <= 255 && pid >= 0);
	assert_true(strnlen(x.reason, sizeof(x.reason)) < sizeof(x.reason));
	return 0;
}

static void make_spec(int dir)
{
	struct err e = ERR_INIT;
	struct jail_spec s;

	decode("{\"name\":\"web\",\"image\":\"debian:12\",\"process\":{\"args\":[\"nginx\"]}}", &s);
	assert_int_equal(spec_write(dir, &s, FILE_NOSYNC, &e), 0);
	spec_free(&s);
}

static int read_spec(int dir, struct err *e)
{
	struct jail_spec s;
	int r = spec_read(dir, &s, e);

	if (r >= 0)
		spec_free(&s);
	return r;
}

static const struct record records[] = {
	{ "meta.json", make_meta, read_meta },
	{ "state.json", make_state, read_state },
	{ "exit.json", make_exit, read_exit },
	{ "spec.json", make_spec, read_spec },
};

/* Reads what was damaged: an error says so, and names the file. Return: whether it was refused. */
static bool refused(const struct record *r, int dir)
{
	struct err e = ERR_INIT;

	if (r->read(dir, &e) >= 0) {
		assert_int_equal(e.code, 0);
		return false;
	}
	assert_int_not_equal(e.code, 0);
	assert_non_null(strstr(e.text, r->file));
	return true;
}

static void put_bytes(int dir, const char *name, const char *text, size_t n)
{
	CLEANUP_FD int fd = openat(dir, name, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, n), 0);
}

static void damage(const struct record *r, int dir)
{
	static const unsigned char bytes[] = { 0,   ' ', '"', '\\', '{', '}',
					       '-', '9', 'x', 0x80, 0xff };
	CLEANUP_FREE char *whole = NULL;
	struct err e = ERR_INIT;
	size_t n = 0, kept;

	r->make(dir);
	assert_int_equal(file_read_at(dir, r->file, 1 << 20, &whole, &n, &e), 0);
	assert_false(refused(r, dir));
	/* Cut anywhere but in the white space at the end. */
	for (kept = 0; kept + 1 < n; kept++) {
		put_bytes(dir, r->file, whole, kept);
		assert_true(refused(r, dir));
	}
	/* Each byte overwritten; some of that is another good record. */
	for (size_t i = 0; i < n; i++) {
		char was = whole[i];

		for (size_t k = 0; k < sizeof(bytes); k++) {
			whole[i] = (char)bytes[k];
			put_bytes(dir, r->file, whole, n);
			(void)refused(r, dir);
		}
		whole[i] = was;
	}
	/* Each byte lost. */
	for (size_t i = 0; i < n; i++) {
		char *less = malloc(n);

		assert_non_null(less);
		memcpy(less, whole, i);
		memcpy(less + i, whole + i + 1, n - i - 1);
		put_bytes(dir, r->file, less, n - 1);
		(void)refused(r, dir);
		free(less);
	}
}

static void test_damage(void **state)
{
	const struct tmpdir *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		damage(&records[i], t->fd);
}

static void test_no_file(void **state)
{
	const struct tmpdir *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(mkfifoat(t->fd, records[i].file, 0600), 0);
		assert_true(refused(&records[i], t->fd)); /* and does not hang */
		assert_int_equal(unlinkat(t->fd, records[i].file, 0), 0);
		assert_int_equal(symlinkat("/etc/passwd", t->fd, records[i].file), 0);
		assert_int_equal(records[i].read(t->fd, &e), -ELOOP);
		assert_int_equal(unlinkat(t->fd, records[i].file, 0), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TMPDIR_TEST(test_meta),	      TMPDIR_TEST(test_meta_refuses),
		TMPDIR_TEST(test_state),      TMPDIR_TEST(test_state_refuses),
		TMPDIR_TEST(test_exit),	      TMPDIR_TEST(test_exit_oom),
		TMPDIR_TEST(test_oom_record), cmocka_unit_test(test_exit_is_oom),
		TMPDIR_TEST(test_exit_due),   TMPDIR_TEST(test_reserve_follows_no_link),
		TMPDIR_TEST(test_spec),	      TMPDIR_TEST(test_damage),
		TMPDIR_TEST(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
