/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of SPEC_FLAGS is one option: what the parser and the help need, and the function that
 * sets it. The functions use the setters of runtime/spec.h where a notation has a parser there, so
 * that a value means the same in a file and on the command line; what is judged is the final spec,
 * by spec_finish() (row 45).
 */
#include "cmd/jail/spec_flags.h"

#include "base/num.h"
#include "base/path.h"

typedef int set_fn(struct jail_spec *s, const char *value, struct err *e);

static int replace_string(char **field, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (!copy)
		return err_nomem(e);
	free(*field);
	*field = copy;
	return 0;
}

static int set_image(struct jail_spec *s, const char *value, struct err *e)
{
	int r = image_ref_parse(value, &s->image, e);

	if (r < 0)
		return r;
	s->has_image = true;
	free(s->rootfs);
	s->rootfs = NULL;
	return 0;
}

static int set_rootfs(struct jail_spec *s, const char *value, struct err *e)
{
	s->has_image = false;
	s->image = (struct image_ref){ .s = "" };
	return replace_string(&s->rootfs, value, e);
}

static int set_tenant(struct jail_spec *s, const char *value, struct err *e)
{
	return name_parse("tenant", value, &s->tenant, e);
}

static int set_hostname(struct jail_spec *s, const char *value, struct err *e)
{
	return replace_string(&s->hostname, value, e);
}

static int set_disk(struct jail_spec *s, const char *value, struct err *e)
{
	uint64_t bytes;
	int r = num_parse_size(value, &bytes, e);

	if (r >= 0 && bytes == 0)
		return err_set(e, EINVAL, "\"%s\": expected more than 0", value);
	if (r >= 0)
		s->disk.size_bytes = bytes;
	return r;
}

static int set_inodes(struct jail_spec *s, const char *value, struct err *e)
{
	return num_parse_u64(value, DISK_INODES_MIN, DISK_INODES_MAX, &s->disk.inodes, e);
}

static int set_volatile(struct jail_spec *s, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	s->is_volatile = true;
	return 0;
}

static int set_memory(struct jail_spec *s, const char *value, struct err *e)
{
	s->limits.has_memory_max = true;
	if (str_eq(value, "max")) {
		s->limits.memory_max = UINT64_MAX;
		return 0;
	}
	return num_parse_size(value, &s->limits.memory_max, e);
}

static int set_cpus(struct jail_spec *s, const char *value, struct err *e)
{
	s->limits.has_cpu_max = true;
	return num_parse_cpus(value, &s->limits.cpu_max_millis, e);
}

static int set_cpu_weight(struct jail_spec *s, const char *value, struct err *e)
{
	s->limits.has_cpu_weight = true;
	return num_parse_u64(value, 1, 10000, &s->limits.cpu_weight, e);
}

static int set_memory_reservation(struct jail_spec *s, const char *value, struct err *e)
{
	s->limits.has_memory_low = true;
	return num_parse_size(value, &s->limits.memory_low, e);
}

/* A canonical list, owned by the spec. */
static int set_list(char **field, const char *value, struct err *e)
{
	char list[1024];
	int r = num_parse_cpulist(value, list, sizeof(list), e);

	return r < 0 ? r : replace_string(field, list, e);
}

static int set_cpuset_cpus(struct jail_spec *s, const char *value, struct err *e)
{
	int r = set_list(&s->cpus, value, e);

	s->limits.cpus = s->cpus;
	return r;
}

static int set_cpuset_mems(struct jail_spec *s, const char *value, struct err *e)
{
	int r = set_list(&s->mems, value, e);

	s->limits.mems = s->mems;
	return r;
}

static int set_read_bps(struct jail_spec *s, const char *value, struct err *e)
{
	return spec_set_io(s, SPEC_IO_READ_BPS, value, e);
}

static int set_write_bps(struct jail_spec *s, const char *value, struct err *e)
{
	return spec_set_io(s, SPEC_IO_WRITE_BPS, value, e);
}

static int set_read_iops(struct jail_spec *s, const char *value, struct err *e)
{
	return spec_set_io(s, SPEC_IO_READ_IOPS, value, e);
}

static int set_write_iops(struct jail_spec *s, const char *value, struct err *e)
{
	return spec_set_io(s, SPEC_IO_WRITE_IOPS, value, e);
}

static int set_pids(struct jail_spec *s, const char *value, struct err *e)
{
	s->limits.has_pids_max = true;
	if (str_eq(value, "max")) {
		s->limits.pids_max = UINT64_MAX;
		return 0;
	}
	return num_parse_u64(value, 1, INT32_MAX, &s->limits.pids_max, e);
}

static int set_user_namespace(struct jail_spec *s, const char *value, struct err *e)
{
	if (!str_eq(value, "auto") && !str_eq(value, "host"))
		return err_set(e, EINVAL, "\"%s\": expected auto or host", value);
	s->security.user_namespace = value[0] == 'h' ? SPEC_USERNS_HOST : SPEC_USERNS_AUTO;
	return 0;
}

static int set_workdir(struct jail_spec *s, const char *value, struct err *e)
{
	return replace_string(&s->process.cwd, value, e);
}

static int set_tty(struct jail_spec *s, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	s->process.terminal = true;
	return 0;
}

static int set_interactive(struct jail_spec *s, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	s->process.stdin_open = true;
	return 0;
}

static int set_ready(struct jail_spec *s, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	s->notify.ready = true;
	return 0;
}

static int set_watchdog(struct jail_spec *s, const char *value, struct err *e)
{
	int r = num_parse_duration(value, &s->notify.watchdog_ms, e);

	return r >= 0 && !s->notify.watchdog_ms ? err_set(e, EINVAL, "\"%s\": over 0", value) : r;
}

static int set_stop_signal(struct jail_spec *s, const char *value, struct err *e)
{
	return spec_set_signal(value, &s->stop.signal, e);
}

static int set_stop_timeout(struct jail_spec *s, const char *value, struct err *e)
{
	s->stop.has_timeout = true;
	return num_parse_duration(value, &s->stop.timeout_ms, e);
}

static int change_capability(struct jail_spec *s, char sign, const char *value, struct err *e)
{
	char text[64];

	if (str_eq(value, "all"))
		return spec_set_capabilities(s, sign == '+' ? "all" : "none", e);
	if (str_format(text, sizeof(text), "%c%s", sign, value) < 0)
		return err_set(e, EINVAL, "\"%s\" is not a capability", value);
	return spec_set_capabilities(s, text, e);
}

static int set_mode(struct jail_spec *s, const char *value, struct err *e)
{
	if (!str_eq(value, "app") && !str_eq(value, "system"))
		return err_set(e, EINVAL, "\"%s\": app or system", value);
	s->mode = str_eq(value, "system") ? SPEC_MODE_SYSTEM : SPEC_MODE_APP;
	return 0;
}

static int add_capability(struct jail_spec *s, const char *value, struct err *e)
{
	return change_capability(s, '+', value, e);
}

static int drop_capability(struct jail_spec *s, const char *value, struct err *e)
{
	return change_capability(s, '-', value, e);
}

static int set_read_only(struct jail_spec *s, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	s->security.readonly_root = true;
	return 0;
}

static int set_nesting(struct jail_spec *s, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	s->security.nesting = true;
	return 0;
}

static int set_seccomp(struct jail_spec *s, const char *value, struct err *e)
{
	return replace_string(&s->security.seccomp, value, e);
}

static int parse_rlimit(const char *text, uint64_t *ret, struct err *e)
{
	if (str_eq(text, "unlimited")) {
		*ret = UINT64_MAX;
		return 0;
	}
	return num_parse_u64(text, 0, UINT64_MAX - 1, ret, e);
}

/* NAME=SOFT[:HARD] */
static int set_rlimit(struct jail_spec *s, const char *value, struct err *e)
{
	char text[128], *soft, *hard;
	uint64_t soft_limit = 0, hard_limit = 0;
	int r;

	if (str_format(text, sizeof(text), "%s", value) < 0 || !(soft = strchr(text, '=')))
		return err_set(e, EINVAL, "\"%s\" is not NAME=SOFT[:HARD]", value);
	*soft++ = '\0';
	hard = strchr(soft, ':');
	if (hard)
		*hard++ = '\0';
	r = parse_rlimit(soft, &soft_limit, e);
	if (r >= 0)
		r = parse_rlimit(hard ? hard : soft, &hard_limit, e);
	return r < 0 ? r : spec_set_rlimit(s, text, soft_limit, hard_limit, e);
}

/* clang-format off */
/* long name, letter, value, help, setter */
#define SPEC_FLAGS(F)                                                                              \
	F("image", 0, "IMAGE", "image that the root file system starts from", set_image)           \
	F("rootfs", 0, "DIR", "a directory as the root, in place of an image", set_rootfs)         \
	F("tenant", 0, "NAME", "tenant that it belongs to: whose networks it may use", set_tenant)\
	F("hostname", 0, "NAME", "default: the instance's name", set_hostname)                     \
	F("memory", 'm', "SIZE", "at most that much memory: 512MiB", set_memory)                   \
	F("cpus", 0, "N", "at most that many CPUs: 1.5", set_cpus)                                 \
	F("cpu-weight", 0, "N", "share of a busy CPU, 1 to 10000", set_cpu_weight)                 \
	F("pids", 0, "N", "at most that many processes", set_pids)                                 \
	F("disk", 0, "SIZE", "at most that much on its own disk: 10GiB", set_disk)                 \
	F("inodes", 0, "N", "at most that many files there", set_inodes)                           \
	F("volatile", 0, NULL, "its own files in memory, gone when it stops", set_volatile)        \
	F("snapshots", 0, "[NAME=]EVERY:KEEP", "snapshots of its files by themselves: 1d:7",       \
	  spec_add_schedule)                                                                       \
	F("memory-reservation", 0, "SIZE", "memory that is kept from reclaim",                     \
	  set_memory_reservation)                                                                  \
	F("cpuset-cpus", 0, "LIST", "only these CPUs: 0-3,7", set_cpuset_cpus)                     \
	F("cpuset-mems", 0, "LIST", "only these memory nodes", set_cpuset_mems)                    \
	F("device-read-bps", 0, "DEVICE:SIZE", "bytes read per second", set_read_bps)              \
	F("device-write-bps", 0, "DEVICE:SIZE", "bytes written per second", set_write_bps)         \
	F("device-read-iops", 0, "DEVICE:N", "reads per second", set_read_iops)                    \
	F("device-write-iops", 0, "DEVICE:N", "writes per second", set_write_iops)                 \
	F("port", 'p', "[ADDR:]HOST:PORT[/PROTO]", "publish a port, or a range 80-89:80-89",       \
	  spec_add_port)                                                                           \
	F("network", 0, "NAME|MODE", "a network; none, host, instance:NAME, path:FILE, ...",       \
	  spec_set_network)                                                                        \
	F("address", 0, "ADDRESS", "fixed address, IPv4 or IPv6, on the last network",             \
	  spec_set_address)                                                                        \
	F("ingress", 0, "RATE", "at most that much received there: 100Mbit", spec_set_ingress)     \
	F("egress", 0, "RATE", "at most that much sent there: 100Mbit", spec_set_egress)           \
	F("allow", 0, "RULE", "let through: \"in tcp 80,443 from 192.0.2.0/24\"", spec_add_allow)  \
	F("deny", 0, "RULE", "drop: \"out udp to host\"; asked before --allow", spec_add_deny)     \
	F("dns", 0, "ADDRESS", "name server in /etc/resolv.conf", spec_add_dns)                    \
	F("mount", 'v', "SOURCE:TARGET[:OPTIONS]", "bind mount, volume:NAME:TARGET, tmpfs:TARGET",      \
	  spec_add_mount_text)                                                                     \
	F("env", 'e', "KEY=VALUE", "environment variable", spec_set_env)                           \
	F("user", 'u', "USER[:GROUP]", "user of the program, by name or number", spec_set_user)    \
	F("workdir", 'w', "DIR", "directory to start in", set_workdir)                             \
	F("tty", 't', NULL, "give the program a terminal", set_tty)                                \
	F("interactive", 'i', NULL, "keep the program's stdin open", set_interactive)              \
	F("label", 'l', "KEY=VALUE", "label", spec_set_label)                                      \
	F("mode", 0, "MODE", "app; system: boot the image's own init", set_mode)                  \
	F("restart", 0, "POLICY", "no, on-failure[:N] or always", spec_set_restart)                \
	F("notify-ready", 0, NULL, "started when it says READY=1: sd_notify(3)", set_ready)        \
	F("watchdog", 0, "DURATION", "killed when it does not say WATCHDOG=1", set_watchdog)       \
	F("stop-signal", 0, "SIGNAL", "what \"jail stop\" sends first", set_stop_signal)           \
	F("stop-timeout", 0, "DURATION", "how long it waits before the kill", set_stop_timeout)    \
	F("cap-add", 0, "CAPABILITY", "one more capability, or \"all\"", add_capability)           \
	F("cap-drop", 0, "CAPABILITY", "one less, or \"all\"", drop_capability)                    \
	F("read-only", 0, NULL, "read-only root file system", set_read_only)                       \
	F("device", 0, "SOURCE[:TARGET][:rwm]", "device of the host, below /dev", spec_add_device) \
	F("nesting", 0, NULL, "let containers run inside", set_nesting)                            \
	F("userns", 0, "MODE", "auto: own ids; host: the host's ids", set_user_namespace)          \
	F("seccomp", 0, "PROFILE", "default, unconfined, or an OCI profile's path", set_seccomp)   \
	F("rlimit", 0, "NAME=SOFT[:HARD]", "resource limit: nofile=1024:4096", set_rlimit)

#define AS_OPTION(long_, letter_, value_, help_, set_)                                             \
	{ .name = (long_), .letter = (letter_), .type = OPTION_DEFERRED, .value = (value_),        \
	  .help = (help_) },
#define AS_SETTER(long_, letter_, value_, help_, set_) set_,
/* clang-format on */

const struct option spec_flags[] = { SPEC_FLAGS(AS_OPTION) OPTION_END };
static set_fn *const setters[] = { SPEC_FLAGS(AS_SETTER) };

static int load_file(const char *file, struct jail_spec *ret, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	size_t n = 0;
	int r = cli_read_file(file, LIMIT_JSON_BYTES, &text, &n, e);

	return r < 0 ? r : spec_decode(str_eq(file, "-") ? "stdin" : file, text, n, ret, e);
}

static int set_command(char **operands, size_t n, struct jail_spec *s, struct err *e)
{
	if (n == 0)
		return 0;
	if (n > LIMIT_ARGS)
		return err_set(e, E2BIG, "the command has %zu words, at most %d are allowed", n,
			       LIMIT_ARGS);
	strv_free(&s->process.args);
	for (size_t i = 0; i < n; i++)
		if (strv_add(&s->process.args, operands[i]) < 0)
			return err_nomem(e);
	return 0;
}

/* The mode goes first: --cap-add and --cap-drop change the default set of it. */
static int apply_flags(const struct options_result *args, bool mode, struct jail_spec *s,
		       struct err *e)
{
	for (size_t i = 0; i < args->n_deferred; i++) {
		set_fn *set = setters[args->deferred[i].index];

		if ((set == set_mode) == mode && set(s, args->deferred[i].value, e) < 0)
			return err_wrap(e, "--%s", args->deferred[i].option->name);
	}
	return 0;
}

int spec_flags_build(const struct cli *c, const char *file, size_t command, struct jail_spec *ret,
		     struct err *e)
{
	const struct options_result *args = &c->args;
	int r = 0;

	spec_init(ret);
	if (file)
		r = load_file(file, ret, e);
	if (r < 0 || (r = apply_flags(args, true, ret, e)) < 0 ||
	    (r = apply_flags(args, false, ret, e)) < 0)
		return r;
	return set_command(args->operands + command, args->n_operands - command, ret, e);
}
