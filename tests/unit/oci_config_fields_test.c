/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where each field of config.json ends up: tests/spec/oci/good/everything.json, member by member;
 * the tables of words; what 0, "" and null mean; process.json, resources.json and the bundle's
 * directory; what is asked of the host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "cgroups/devices.h"
#include "runtime/oci/config_priv.h"

#define GOOD "tests/spec/oci/good/"
#define CAP(n) (UINT64_C(1) << (n))

static struct oci_config config;
static size_t warnings;
static char warned[512];

static void sink(const char *text)
{
	warnings++;
	(void)str_format(warned, sizeof(warned), "%s", text);
}

static void load(const char *path)
{
	CLEANUP_FREE char *text = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd_read_all(fd, LIMIT_JSON_BYTES, &text, &n) < 0)
		fail_msg("%s: cannot be read; run the test at the top of the tree", path);
	(void)close(fd);
	oci_config_free(&config);
	warnings = 0;
	warn_set_sink(sink);
	if (oci_config_parse(path, text, n, "/bundle", &config, &e) < 0)
		fail_msg("%s", e.text);
}

/* "process" or "linux" with these members, and all new namespaces but user. */
static int parse(const char *process, const char *linux_members, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;

	oci_config_free(&config);
	strbuf_addf(
		&b,
		"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\","
		"\"args\":[\"x\"]%s%s},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
		"{\"type\":\"ipc\"},{\"type\":\"network\"},{\"type\":\"uts\"}]%s%s}}",
		process ? "," : "", process ? process : "", linux_members ? "," : "",
		linux_members ? linux_members : "");
	assert_int_equal(strbuf_ok(&b, e), 0);
	return oci_config_parse("config.json", b.data, b.len, "/bundle", &config, e);
}

static int load_everything(void **state)
{
	(void)state;
	load(GOOD "everything.json");
	return 0;
}

static int free_config(void **state)
{
	(void)state;
	oci_config_free(&config);
	return 0;
}

/* ---- everything.json */

static void test_root_object(void **state)
{
	(void)state;
	assert_string_equal(config.version, "1.3.0-dev+x");
	assert_string_equal(config.bundle.rootfs, "/r");
	assert_true(config.bundle.read_only);
	assert_string_equal(config.hostname, "h");
	assert_string_equal(config.domainname, "d");
	assert_int_equal(config.annotations.n, 2);
	assert_string_equal(oci_map_get(&config.annotations, "a.b"), "c");
	assert_string_equal(oci_map_get(&config.annotations, "e"), "");
	assert_null(oci_map_get(&config.annotations, "f"));
}

static void test_process(void **state)
{
	const struct oci_process *p = &config.process;

	(void)state;
	assert_true(p->given && p->terminal && config.bundle.terminal);
	assert_int_equal(p->rows, 25);
	assert_int_equal(p->columns, 80);
	assert_int_equal(p->user.uid, 1);
	assert_int_equal(p->user.gid, 2);
	assert_true(p->user.has_umask);
	assert_int_equal(p->user.umask, 077);
	assert_int_equal(p->user.n_groups, 2);
	assert_int_equal(p->user.groups[0], 3);
	assert_int_equal(p->user.groups[1], 4);
	assert_int_equal(p->args.n, 2);
	assert_string_equal(p->args.v[1], "b");
	assert_null(p->args.v[2]);
	assert_int_equal(p->env.n, 2);
	assert_string_equal(p->env.v[1], "B=");
	assert_null(p->env.v[2]);
	assert_string_equal(p->cwd, "/w");
	assert_true(p->no_new_privileges && p->has_oom_score_adj);
	assert_int_equal(p->oom_score_adj, -5);
	assert_string_equal(p->apparmor_profile, "p");
	assert_string_equal(p->selinux_label, "s");
}

static void test_capabilities(void **state)
{
	const struct creds_sets *s = &config.process.capabilities;

	(void)state;
	assert_true(config.process.has_capabilities);
	assert_int_equal(s->bounding, CAP(5) | CAP(0)); /* with and without CAP_, any case */
	assert_int_equal(s->effective, CAP(5));
	assert_int_equal(s->permitted, CAP(5));
	assert_int_equal(s->inheritable, CAP(5));
	assert_int_equal(s->ambient, CAP(5));
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(warned, "CAP_FUTURE"));
}

static void test_limits_and_scheduling(void **state)
{
	const struct oci_process *p = &config.process;

	(void)state;
	assert_int_equal(p->n_rlimits, 2);
	assert_int_equal(p->rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(p->rlimits[0].soft, 10);
	assert_true(p->rlimits[0].hard == UINT64_MAX);
	assert_int_equal(p->rlimits[1].resource, RLIMIT_CORE);
	assert_true(p->has_io_priority);
	assert_int_equal(p->io_class, IOPRIO_CLASS_BE);
	assert_int_equal(p->io_priority, 4);
	assert_true(p->scheduler.given);
	assert_int_equal(p->scheduler.policy, SCHED_DEADLINE);
	assert_int_equal(p->scheduler.flags, SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_RECLAIM);
	assert_int_equal(p->scheduler.runtime, 1);
	assert_int_equal(p->scheduler.deadline, 2);
	assert_int_equal(p->scheduler.period, 3);
	assert_string_equal(p->cpu_affinity_initial, "0-1");
	assert_string_equal(p->cpu_affinity_final, "3");
}

static void test_hooks(void **state)
{
	(void)state;
	for (size_t i = 0; i < OCI_HOOKS; i++) {
		const struct hook *h = config.hooks[i].v;

		assert_int_equal(config.hooks[i].n, 1);
		assert_string_equal(h->path + 1, oci_hook_names[i]);
		assert_string_equal(h->args.v[0], oci_hook_names[i]);
		assert_string_equal(h->args.v[1], "x");
		assert_int_equal(h->args.n, 2);
		assert_null(h->args.v[2]);
		assert_string_equal(h->env.v[0], "K=V");
		assert_int_equal(h->timeout_ms, (i + 1) * 1000);
	}
}

static void test_namespaces(void **state)
{
	(void)state;
	assert_int_equal(config.n_namespaces, 8);
	assert_null(oci_namespace_find(&config, CLONE_NEWUSER)->path);
	assert_string_equal(oci_namespace_find(&config, CLONE_NEWNET)->path, "/run/netns/x");
	assert_true(config.bundle.private_user && config.bundle.private_mounts);
	assert_int_equal(config.maps.n_uids, 1);
	assert_int_equal(config.bundle.maps.n_gids, 2);
	assert_int_equal(config.bundle.maps.gids[1].inside, 1);
	assert_int_equal(config.bundle.maps.gids[1].outside, 3000);
	assert_int_equal(config.bundle.maps.gids[1].count, 9);
	assert_true(config.monotonic.given && config.boottime.given);
	assert_int_equal(config.monotonic.seconds, -1);
	assert_int_equal(config.monotonic.nanoseconds, 5);
	assert_int_equal(config.boottime.seconds, 7);
}

static void test_devices(void **state)
{
	const struct bundle_device *d = config.bundle.devices;

	(void)state;
	assert_int_equal(config.bundle.n_devices, 4);
	assert_string_equal(d[0].key, "linux.devices[0]");
	assert_string_equal(d[0].path, "/dev/fuse");
	assert_int_equal(d[0].mode, S_IFCHR | 0666); /* from 0100666 */
	assert_int_equal(d[0].major, 10);
	assert_int_equal(d[0].minor, 229);
	assert_int_equal(d[0].uid, 1);
	assert_int_equal(d[0].gid, 2);
	assert_int_equal(d[1].mode, S_IFIFO | 0666);
	assert_int_equal(d[2].mode, S_IFBLK | 0666);
	assert_int_equal(d[2].major, 8);
	assert_int_equal(d[3].mode, S_IFCHR | 0666);
	assert_int_equal(config.n_net_devices, 2);
	assert_string_equal(config.net_devices[0].name, "eth0");
	assert_string_equal(config.net_devices[0].new_name, "eth1");
	assert_string_equal(config.net_devices[1].new_name, "eth2");
}

static void test_linux(void **state)
{
	(void)state;
	assert_string_equal(config.cgroups_path, "/c");
	assert_int_equal(config.bundle.propagation, MS_SLAVE);
	assert_true(config.bundle.propagation_recursive);
	assert_int_equal(config.bundle.n_masked, 1);
	assert_string_equal(config.bundle.masked[0], "/proc/kcore");
	assert_int_equal(config.bundle.n_read_only_paths, 2);
	assert_string_equal(config.bundle.read_only_paths[1], "/proc/bus");
	assert_string_equal(config.bundle.mount_label, "l");
	assert_true(config.has_personality);
	assert_int_equal(config.personality, PER_LINUX32);
	assert_true(config.memory_policy.given);
	assert_int_equal(config.memory_policy.mode, MPOL_BIND);
	assert_int_equal(config.memory_policy.flags, MPOL_F_STATIC_NODES);
	assert_string_equal(config.memory_policy.nodes, "0-1");
	assert_non_null(config.seccomp);
	assert_string_equal(json_get(config.seccomp, "defaultAction")->text, "SCMP_ACT_ALLOW");
	assert_string_equal(config.seccomp_listener, "/l");
	assert_string_equal(config.seccomp_metadata, "m");
	assert_string_equal(oci_map_get(&config.sysctl, "net/ipv4/conf/eth0.1/forwarding"), "1");
	assert_string_equal(oci_map_get(&config.sysctl, "kernel/shmmax"), "5");
	assert_string_equal(oci_map_get(&config.sysctl, "fs/mqueue/msg_max"), "1");
	assert_string_equal(oci_map_get(&config.sysctl, "kernel/domainname"), "d");
}

static void test_memory_and_cpu(void **state)
{
	const struct oci_resources *r = &config.resources;

	(void)state;
	assert_true(r->memory.has_limit && r->memory.has_reservation && r->memory.has_swap);
	assert_int_equal(r->memory.limit, 100);
	assert_int_equal(r->memory.reservation, 50);
	assert_int_equal(r->memory.swap, -1);
	assert_true(r->memory.has_kernel && r->memory.has_kernel_tcp && r->memory.has_swappiness);
	assert_int_equal(r->memory.kernel, -1);
	assert_int_equal(r->memory.kernel_tcp, 7);
	assert_int_equal(r->memory.swappiness, 60);
	assert_true(r->memory.disable_oom_killer && r->memory.use_hierarchy);
	assert_true(r->memory.has_check_before_update && r->memory.check_before_update);
	assert_true(r->cpu.has_shares && r->cpu.has_quota && r->cpu.has_burst);
	assert_int_equal(r->cpu.shares, 1024);
	assert_int_equal(r->cpu.quota, -1);
	assert_int_equal(r->cpu.burst, 5);
	assert_true(r->cpu.has_period && r->cpu.has_rt_runtime && r->cpu.has_rt_period);
	assert_int_equal(r->cpu.period, 100000);
	assert_int_equal(r->cpu.rt_runtime, 1);
	assert_int_equal(r->cpu.rt_period, 2);
	assert_string_equal(r->cpu.cpus, "0-1");
	assert_string_equal(r->cpu.mems, "0");
	assert_true(r->cpu.has_idle);
	assert_int_equal(r->cpu.idle, 1);
	assert_true(r->pids.has_limit);
	assert_int_equal(r->pids.limit, -1);
}

static void test_other_resources(void **state)
{
	const struct oci_resources *r = &config.resources;

	(void)state;
	assert_int_equal(r->n_devices, 2);
	assert_false(r->devices[0].allow);
	assert_int_equal(r->devices[0].type, 'a');
	assert_int_equal(r->devices[0].major, -1);
	assert_int_equal(r->devices[0].minor, -1);
	assert_int_equal(r->devices[0].access, CGROUP_DEVICE_ALL);
	assert_int_equal(r->devices[1].access, CGROUP_DEVICE_READ | CGROUP_DEVICE_WRITE);
	assert_int_equal(r->devices[1].minor, 3);
	assert_true(r->block_io.has_weight && r->block_io.has_leaf_weight);
	assert_int_equal(r->block_io.weight, 10);
	assert_int_equal(r->block_io.leaf_weight, 20);
	assert_int_equal(r->block_io.weight_device.v[0].value, 500);
	assert_int_equal(r->block_io.read_bps.v[0].minor, 1);
	assert_int_equal(r->block_io.read_bps.v[0].value, 600);
	assert_int_equal(r->block_io.write_bps.v[0].value, 601);
	assert_int_equal(r->block_io.read_iops.v[0].value, 602);
	assert_true(r->block_io.write_iops.v[0].value == UINT64_MAX);
	assert_string_equal(r->huge[0].page_size, "2MB");
	assert_true(r->huge[0].limit == UINT64_C(9223372036854772000));
	assert_int_equal(r->n_rdma, 2);
	assert_string_equal(r->rdma[0].device, "mlx5_1");
	assert_int_equal(r->rdma[0].objects, 10000);
	assert_true(r->rdma[0].has_handles && !r->rdma[1].has_handles);
	assert_true(r->has_network_class && r->has_network_priorities);
	assert_string_equal(oci_map_get(&r->unified, "memory.high"), "1");
}

/* ---- what is not given */

static void test_nothing(void **state)
{
	const struct oci_resources *r = &config.resources;

	(void)state;
	load(GOOD "nulls.json");
	assert_null(config.hostname);
	assert_int_equal(config.annotations.n + config.bundle.n_mounts, 0);
	assert_false(config.process.has_capabilities || config.process.has_oom_score_adj ||
		     config.process.user.has_umask || config.process.scheduler.given ||
		     config.process.has_io_priority);
	assert_null(config.process.apparmor_profile);
	assert_null(config.process.selinux_label);
	assert_null(config.cgroups_path);
	assert_null(config.seccomp);
	assert_int_equal(config.bundle.propagation, 0);
	assert_false(r->memory.has_limit || r->cpu.has_shares || r->block_io.has_weight ||
		     r->pids.has_limit);
	assert_null(r->cpu.cpus);
	load(GOOD "minimal.json");
	assert_false(config.process.given || config.bundle.private_mounts ||
		     config.bundle.private_user || config.bundle.terminal);
	assert_string_equal(config.bundle.rootfs, "/bundle/rootfs");
}

/* 2^64 - 1 is what Docker makes of "not given" where its own type is signed. */
static void test_swappiness(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(parse(NULL,
			       "\"resources\":{\"memory\":{\"swappiness\":"
			       "18446744073709551615}}",
			       &e),
			 0);
	assert_true(config.resources.memory.swappiness == UINT64_MAX);
	assert_true(parse(NULL, "\"resources\":{\"memory\":{\"swappiness\":101}}", &e) < 0);
}

static void test_no_seccomp(void **state)
{
	static const char *const none[] = { "{}", "{\"defaultAction\":\"\"}",
					    "{\"defaultAction\":\"\",\"syscalls\":[]}" };
	struct err e = ERR_INIT;
	char text[96];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		(void)str_format(text, sizeof(text), "\"seccomp\":%s", none[i]);
		assert_int_equal(parse(NULL, text, &e), 0);
		assert_null(config.seccomp);
	}
}

/* ---- tables of words */

static void test_rlimits(void **state)
{
	(void)state;
	for (const struct decode_name *n = oci_rlimit_names; n->name; n++) {
		struct err e = ERR_INIT;
		char text[128];

		(void)str_format(text, sizeof(text),
				 "\"rlimits\":[{\"type\":\"%s\",\"soft\":1,\"hard\":2}]", n->name);
		assert_int_equal(parse(text, NULL, &e), 0);
		assert_int_equal(config.process.rlimits[0].resource, (int)n->value);
	}
	assert_int_equal(oci_rlimit_names[RLIM_NLIMITS - 1].value, RLIMIT_STACK);
	assert_null(oci_rlimit_names[RLIM_NLIMITS].name);
}

static void test_policies(void **state)
{
	(void)state;
	for (const struct decode_name *n = oci_scheduler_policies; n->name; n++) {
		struct err e = ERR_INIT;
		char text[160];
		const char *more = "";

		if (n->value == SCHED_FIFO || n->value == SCHED_RR)
			more = ",\"priority\":99";
		else if (n->value == SCHED_DEADLINE)
			more = ",\"runtime\":1,\"deadline\":1";
		else
			more = ",\"nice\":-20";
		(void)str_format(text, sizeof(text), "\"scheduler\":{\"policy\":\"%s\"%s}", n->name,
				 more);
		if (parse(text, NULL, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(config.process.scheduler.policy, (int)n->value);
	}
	for (const struct decode_name *n = oci_scheduler_flags; n->name; n++) {
		struct err e = ERR_INIT;
		char text[160];

		(void)str_format(text, sizeof(text),
				 "\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"flags\":[\"%s\"]}",
				 n->name);
		assert_int_equal(parse(text, NULL, &e), 0);
		assert_int_equal(config.process.scheduler.flags, n->value);
	}
	for (const struct decode_name *n = oci_io_classes; n->name; n++) {
		struct err e = ERR_INIT;
		char text[160];

		(void)str_format(text, sizeof(text),
				 "\"ioPriority\":{\"class\":\"%s\",\"priority\":7}", n->name);
		assert_int_equal(parse(text, NULL, &e), 0);
		assert_int_equal(config.process.io_class, (int)n->value);
	}
}

static void test_memory_policies(void **state)
{
	(void)state;
	for (const struct decode_name *n = oci_memory_modes; n->name; n++) {
		struct err e = ERR_INIT;
		char text[160];
		bool none = n->value == MPOL_DEFAULT || n->value == MPOL_LOCAL;

		(void)str_format(text, sizeof(text), "\"memoryPolicy\":{\"mode\":\"%s\"%s}",
				 n->name, none ? "" : ",\"nodes\":\"0\"");
		assert_int_equal(parse(NULL, text, &e), 0);
		assert_int_equal(config.memory_policy.mode, (int)n->value);
	}
	for (const struct decode_name *n = oci_memory_flags; n->name; n++) {
		struct err e = ERR_INIT;
		char text[160];

		(void)str_format(text, sizeof(text),
				 "\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\","
				 "\"flags\":[\"%s\"]}",
				 n->name);
		assert_int_equal(parse(NULL, text, &e), 0);
		assert_int_equal(config.memory_policy.flags, n->value);
	}
}

static void test_propagations(void **state)
{
	(void)state;
	for (const struct decode_name *n = oci_propagation_names; n->name; n++)
		for (int recursive = 0; recursive < 2; recursive++) {
			struct err e = ERR_INIT;
			char text[64];

			(void)str_format(text, sizeof(text), "\"rootfsPropagation\":\"%s%s\"",
					 recursive ? "r" : "", n->name);
			assert_int_equal(parse(NULL, text, &e), 0);
			assert_int_equal(config.bundle.propagation, n->value);
			assert_int_equal(config.bundle.propagation_recursive, recursive);
		}
}

static void test_sysctls(void **state)
{
	static const struct {
		const char *key, *path;
	} rows[] = {
		{ "kernel.msgmax", "kernel/msgmax" },
		{ "kernel/msgmnb", "kernel/msgmnb" },
		{ "kernel.msgmni", "kernel/msgmni" },
		{ "kernel.msg_next_id", "kernel/msg_next_id" },
		{ "kernel.sem", "kernel/sem" },
		{ "kernel.sem_next_id", "kernel/sem_next_id" },
		{ "kernel.shm_next_id", "kernel/shm_next_id" },
		{ "kernel.shm_rmid_forced", "kernel/shm_rmid_forced" },
		{ "kernel.shmall", "kernel/shmall" },
		{ "kernel.shmmax", "kernel/shmmax" },
		{ "kernel.shmmni", "kernel/shmmni" },
		{ "fs/mqueue/queues_max", "fs/mqueue/queues_max" },
		{ "net/ipv4/conf/eth0.5/rp_filter", "net/ipv4/conf/eth0.5/rp_filter" },
		{ "net.ipv4.conf.eth0/5.rp_filter", "net/ipv4/conf/eth0.5/rp_filter" },
		{ "kernel.hostname", "kernel/hostname" },
		{ "kernel.domainname", "kernel/domainname" },
	};
	static const char *const refused[] = { "kernel",
					       "net",
					       "net.",
					       "",
					       "kernel.shm",
					       "kernel.shmmax.x",
					       "net..x",
					       "netx.y",
					       "/net/ipv4/x",
					       "fs.mqueue",
					       "user.max_user_namespaces",
					       "net/ipv4/",
					       "vm.swappiness" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = ERR_INIT;
		char text[128];

		(void)str_format(text, sizeof(text), "\"sysctl\":{\"%s\":\"1\"}", rows[i].key);
		if (parse(NULL, text, &e) < 0)
			fail_msg("%s", e.text);
		assert_string_equal(config.sysctl.v[0].key, rows[i].path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct err e = ERR_INIT;
		char text[128];

		(void)str_format(text, sizeof(text), "\"sysctl\":{\"%s\":\"1\"}", refused[i]);
		if (parse(NULL, text, &e) >= 0)
			fail_msg("%s is accepted", refused[i]);
	}
}

/* A user namespace that is joined has maps of its own; what is listed is kept for comparison. */
static void test_joined_user_namespace(void **state)
{
	static const char text[] =
		"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"/\"},\"linux\":{\"namespaces\":["
		"{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}],\"uidMappings\":["
		"{\"containerID\":1,\"hostID\":2,\"size\":3}]}}";
	struct err e = ERR_INIT;

	(void)state;
	oci_config_free(&config);
	assert_int_equal(oci_config_parse("c", text, strlen(text), "/b", &config, &e), 0);
	assert_true(config.bundle.private_user);
	assert_int_equal(config.bundle.maps.n_uids, 0);
	assert_int_equal(config.maps.n_uids, 1);
}

/* ---- files */

static char directory[64];

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	assert_true(str_format(path, sizeof(path), "%s/%s", directory, name) > 0);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int make_directory(void **state)
{
	(void)state;
	assert_true(str_format(directory, sizeof(directory), "/tmp/oci-config-XXXXXX") > 0);
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = { "config.json", "process.json", "resources.json" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)str_format(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path);
	}
	(void)str_format(path, sizeof(path), "%s/rootfs", directory);
	(void)rmdir(path);
	oci_config_free(&config);
	return rmdir(directory);
}

static void test_load(void **state)
{
	CLEANUP_FD int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err e = ERR_INIT, again = ERR_INIT;
	char path[128];

	(void)state;
	oci_config_free(&config);
	assert_int_equal(oci_config_load(fd, directory, &config, &e), -ENOENT);
	assert_non_null(strstr(e.text, "config.json: No such file"));
	oci_config_free(&config);
	write_file("config.json",
		   "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},\"linux\":{"
		   "\"namespaces\":[{\"type\":\"network\",\"path\":\"/proc/self/ns/net\"}],"
		   "\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}}}");
	assert_int_equal(oci_config_load(fd, directory, &config, &again), 0);
	assert_true(config.text_len > 0);
	/* the host: no root file system, then a sysctl of its own namespace */
	assert_int_equal(oci_config_check_host(&config, &again), -ENOENT);
	assert_non_null(strstr(again.text, "root.path: /tmp/oci-config-"));
	(void)str_format(path, sizeof(path), "%s/rootfs", directory);
	assert_int_equal(mkdir(path, 0755), 0);
	again = ERR_INIT;
	assert_int_equal(oci_config_check_host(&config, &again), -EINVAL);
	assert_non_null(strstr(again.text, "is the host's namespace"));
}

static void test_process_file(void **state)
{
	struct err e = ERR_INIT;
	char path[128];

	(void)state;
	oci_config_free(&config);
	(void)str_format(path, sizeof(path), "%s/process.json", directory);
	write_file("process.json", "{\"terminal\":true,\"user\":{\"uid\":3,\"gid\":4},\"args\":"
				   "[\"ls\"],\"cwd\":\"/\",\"x\":1}");
	assert_int_equal(oci_process_load(path, &config, &e), 0);
	assert_true(config.process.given && config.process.terminal);
	assert_int_equal(config.process.user.gid, 4);
	oci_config_free(&config);
	write_file("process.json", "{\"cwd\":\"/\"}");
	assert_true(oci_process_load(path, &config, &e) < 0);
	assert_non_null(strstr(e.text, "process.json:1:1: \"args\" is missing or empty"));
}

static void test_resources_file(void **state)
{
	struct err e = ERR_INIT;
	char path[128];

	(void)state;
	oci_config_free(&config);
	(void)str_format(path, sizeof(path), "%s/resources.json", directory);
	write_file("resources.json", "{\"memory\":{\"limit\":5,\"swap\":0}}");
	assert_int_equal(oci_resources_load(path, &config, &e), 0);
	assert_true(config.resources.memory.has_limit);
	assert_false(config.resources.memory.has_swap);
	oci_config_free(&config);
	write_file("resources.json", "[]");
	assert_true(oci_resources_load(path, &config, &e) < 0);
	oci_config_free(&config);
	e = ERR_INIT;
	assert_int_equal(oci_resources_load("/nonexistent", &config, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest everything[] = {
		cmocka_unit_test(test_root_object),    cmocka_unit_test(test_process),
		cmocka_unit_test(test_capabilities),   cmocka_unit_test(test_limits_and_scheduling),
		cmocka_unit_test(test_hooks),	       cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_devices),	       cmocka_unit_test(test_linux),
		cmocka_unit_test(test_memory_and_cpu), cmocka_unit_test(test_other_resources),
	};
	const struct CMUnitTest words[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_no_seccomp),
		cmocka_unit_test(test_swappiness),
		cmocka_unit_test(test_rlimits),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_memory_policies),
		cmocka_unit_test(test_propagations),
		cmocka_unit_test(test_sysctls),
		cmocka_unit_test(test_joined_user_namespace),
	};
	const struct CMUnitTest files[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_process_file),
		cmocka_unit_test(test_resources_file),
	};

	return cmocka_run_group_tests(everything, load_everything, free_config) +
	       cmocka_run_group_tests(words, NULL, free_config) +
	       cmocka_run_group_tests(files, make_directory, remove_directory);
}
