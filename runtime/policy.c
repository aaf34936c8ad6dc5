/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy file: see policy.h. Strings stay in its document. */
#include "runtime/policy.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/path.h"
#include "netsetup/port.h"
#include "runtime/creds.h"
#include "runtime/spec_priv.h"

#define POLICY(member) offsetof(struct policy, member)
#define HOST_PATH(member) offsetof(struct policy_path, member)
#define OOM_SCORE_ADJ_MIN (-1000)
#define CAPABILITIES 64
#define PORT_TEXT_MAX 80

/* ---- lists of words and paths */

static int check_word(const char *text, const struct decode_words *words, struct err *e)
{
	size_t n = 0;
	int nearest;

	if (decode_find(words->words, text) >= 0)
		return 0;
	while (words->words[n])
		n++;
	(void)err_set(e, EINVAL, "\"%.100s\" is not a known value", text);
	nearest = ident_nearest(text, words->words, n);
	if (nearest >= 0)
		(void)err_hint(e, "did you mean \"%s\"?", words->words[nearest]);
	return -e->code;
}

static int check_mode(const char *text, struct err *e)
{
	return check_word(text, &spec_mode_words, e);
}

static int check_network_mode(const char *text, struct err *e)
{
	return check_word(text, &spec_network_words, e);
}

static int check_user_namespace(const char *text, struct err *e)
{
	return check_word(text, &spec_userns_words, e);
}

static int check_rlimit(const char *text, struct err *e)
{
	int r = spec_rlimit_resource(text, e);

	return r < 0 ? r : 0;
}

/* What spec_device_to_json() and the command line call it: "/dev/fuse" or "/dev/kvm:rw". */
static int check_device(const char *text, struct err *e)
{
	CLEANUP_SPEC struct jail_spec spec;

	spec_init(&spec);
	return spec_add_device(&spec, text, e);
}

static int decode_capability(const struct decoder *d, const struct json *node, void *base,
			     struct err *e)
{
	struct policy *p = base;
	const char *names[CAPABILITIES];
	size_t n = 0;
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	for (int i = 0; i < CAPABILITIES; i++) {
		const char *name = creds_capability_name(i);

		if (!name)
			continue;
		names[n++] = name;
		if (str_eq(name, node->text)) {
			p->capabilities |= UINT64_C(1) << i;
			return 0;
		}
	}
	return decode_unknown_word(d, node, names, n, e);
}

/* ---- paths of the host: a path, or an object */

static int decode_clean_path(const struct decoder *d, const struct json *node, void *base,
			     const struct decode_field *f, struct err *e)
{
	const char **path = (const char **)((char *)base + f->offset);
	char clean[4096];
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	if (spec_check_path(node->text, e) < 0)
		return decode_wrap(d, node, e);
	r = path_clean(node->text, clean, sizeof(clean));
	if (r < 0)
		return json_err(d->doc, node, e, EINVAL, "no absolute path");
	*path = arena_strn(d->arena, clean, strlen(clean));
	return *path ? 0 : err_nomem(e);
}

static const struct decode_field host_path_fields[] = {
	{ .key = "path", .decode = decode_clean_path, .offset = HOST_PATH(path), .required = true },
	{ .key = "readOnly", .decode = decode_bool, .offset = HOST_PATH(read_only) },
};
static const struct decode_table host_path_table = { .fields = host_path_fields,
						     .n = ARRAY_SIZE(host_path_fields) };

static int decode_host_path(const struct decoder *d, const struct json *node, void *base,
			    struct err *e)
{
	if (node->type == JSON_STRING)
		return decode_clean_path(d, node, base, &host_path_fields[0], e);
	return decode_object(d, node, base, &host_path_table, e);
}

/* ---- ports: "[ADDRESS:]FIRST[-LAST][/tcp|udp|sctp]" */

static int decode_port(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	struct net_port *port = base;
	char text[2 * PORT_TEXT_MAX];
	const char *protocol, *ports;
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	if (node->len > PORT_TEXT_MAX)
		return json_err(d->doc, node, e, EINVAL, "longer than %d bytes", PORT_TEXT_MAX);
	protocol = strchr(node->text, '/');
	if (!protocol)
		protocol = node->text + node->len;
	/* As if it were published as itself: the part before the protocol, its ports again, and
	 * the protocol. */
	for (ports = protocol; ports > node->text && ports[-1] != ':';)
		ports--;
	if (str_format(text, sizeof(text), "%.*s:%.*s%s", (int)(protocol - node->text), node->text,
		       (int)(protocol - ports), ports, protocol) < 0 ||
	    net_port_parse(text, port, e) < 0) {
		(void)err_set(e, EINVAL, "\"%s\": expected [ADDRESS:]FIRST[-LAST][/tcp|udp|sctp]",
			      node->text);
		return decode_wrap(d, node, e);
	}
	if (!*protocol)
		port->protocol = 0;
	return 0;
}

/* ---- resources */

static const char *const rules_names[] = {
	[POLICY_RULES_NONE] = "none",
	[POLICY_RULES_IN] = "in",
	[POLICY_RULES_ANY] = "any",
	NULL,
};
static const struct decode_words rules_words = { rules_names, NULL };

#define LIMIT_FLAG(member) .offset = POLICY(member.most), .flag = POLICY(member.given)
#define LIMIT_SIZE(member)                                                                         \
	.decode = decode_quantity, LIMIT_FLAG(member), .max = SPEC_INTEGER_SIZE_MAX,               \
	.parse = spec_parse_memory

static const struct decode_field cpu_fields[] = {
	{ .key = "max",
	  .decode = decode_quantity_milli,
	  LIMIT_FLAG(cpu_max),
	  .min = 1,
	  .max = NUM_CPUS_MAX,
	  .parse = num_parse_cpus },
	{ .key = "weight", .decode = decode_u64, LIMIT_FLAG(cpu_weight), .min = 1, .max = 10000 },
};
static const struct decode_field memory_fields[] = {
	{ .key = "max", LIMIT_SIZE(memory_max) },
	{ .key = "swapMax", LIMIT_SIZE(swap_max) },
	{ .key = "low", LIMIT_SIZE(memory_low) },
	{ .key = "min", LIMIT_SIZE(memory_min) },
};
static const struct decode_field pids_fields[] = {
	{ .key = "max", .decode = decode_u64, LIMIT_FLAG(pids_max), .min = 1, .max = UINT32_MAX },
};
static const struct decode_field disk_fields[] = {
	{ .key = "size", LIMIT_SIZE(disk_size) },
	{ .key = "inodes",
	  .decode = decode_u64,
	  LIMIT_FLAG(disk_inodes),
	  .min = 1,
	  .max = INT64_MAX },
};
static const struct decode_field io_fields[] = {
	{ .key = "weight", .decode = decode_u64, LIMIT_FLAG(io_weight), .min = 1, .max = 10000 },
};
static const struct decode_field network_fields[] = {
	{ .key = "ingress",
	  .decode = decode_quantity_text,
	  LIMIT_FLAG(ingress),
	  .parse = spec_parse_rate },
	{ .key = "egress",
	  .decode = decode_quantity_text,
	  LIMIT_FLAG(egress),
	  .parse = spec_parse_rate },
};
#define TABLE(name)                                                                                \
	static const struct decode_table name##_table = { .fields = name##_fields,                 \
							  .n = ARRAY_SIZE(name##_fields) }
TABLE(cpu);
TABLE(memory);
TABLE(pids);
TABLE(disk);
TABLE(io);
TABLE(network);

static const struct decode_field resources_fields[] = {
	{ .key = "cpu", .decode = decode_nested, .table = &cpu_table },
	{ .key = "memory", .decode = decode_nested, .table = &memory_table },
	{ .key = "pids", .decode = decode_nested, .table = &pids_table },
	{ .key = "disk", .decode = decode_nested, .table = &disk_table },
	{ .key = "io", .decode = decode_nested, .table = &io_table },
	{ .key = "network", .decode = decode_nested, .table = &network_table },
	{ .key = "log", LIMIT_SIZE(log) },
	{ .key = "unified", .decode = decode_bool, .offset = POLICY(raw_limits) },
};
TABLE(resources);

/* ---- the whole */

#define LIST(member)                                                                               \
	.decode = decode_refs, .offset = POLICY(member.v), .count = POLICY(member.n),              \
	.flag = POLICY(member.given), .max = POLICY_LIST_MAX

static const struct decode_field policy_fields[] = {
	{ .key = "names", LIST(names) },
	{ .key = "tenants", LIST(tenants) },
	{ .key = "images", LIST(images) },
	{ .key = "rootfs", LIST(rootfs), .check = spec_check_path },
	{ .key = "modes", LIST(modes), .check = check_mode },
	{ .key = "instances", LIST(instances) },
	{ .key = "networkModes", LIST(network_modes), .check = check_network_mode },
	{ .key = "networks", LIST(networks) },
	{ .key = "addresses", .decode = decode_bool, .offset = POLICY(addresses) },
	{ .key = "ports",
	  .decode = decode_elements,
	  .offset = POLICY(ports),
	  .count = POLICY(n_ports),
	  .size = sizeof(struct net_port),
	  .max = POLICY_LIST_MAX,
	  .item = decode_port },
	{ .key = "allow", .decode = decode_word, .offset = POLICY(allow), .words = &rules_words },
	{ .key = "hostPaths",
	  .decode = decode_elements,
	  .offset = POLICY(host_paths),
	  .count = POLICY(n_host_paths),
	  .size = sizeof(struct policy_path),
	  .max = POLICY_LIST_MAX,
	  .item = decode_host_path },
	{ .key = "volumes", .decode = decode_bool, .offset = POLICY(volumes) },
	{ .key = "blockDevices", LIST(block_devices), .check = spec_check_path },
	{ .key = "userNamespaces", LIST(user_namespaces), .check = check_user_namespace },
	{ .key = "capabilities", .decode = decode_array, .item = decode_capability },
	{ .key = "seccomp", LIST(seccomp), .check = spec_check_seccomp },
	{ .key = "nesting", .decode = decode_bool, .offset = POLICY(nesting) },
	{ .key = "devices", LIST(devices), .check = check_device },
	{ .key = "hooks", .decode = decode_bool, .offset = POLICY(hooks) },
	{ .key = "rlimits", LIST(rlimits), .check = check_rlimit },
	{ .key = "oomScoreAdj",
	  .decode = decode_i64,
	  .offset = POLICY(oom_score_adj),
	  .min = (uint64_t)OOM_SCORE_ADJ_MIN,
	  .max = 0 },
	{ .key = "resources", .decode = decode_nested, .table = &resources_table },
};
TABLE(policy);

void policy_free(struct policy *p)
{
	json_doc_free(&p->doc);
	arena_free(&p->arena);
	*p = (struct policy){ .doc = NULL };
}

int policy_decode(const char *file, const char *text, size_t n, struct policy *ret, struct err *e)
{
	struct decoder d = { .file = file };
	int r;

	*ret = (struct policy){ .arena = ARENA_INIT, .volumes = true, .allow = POLICY_RULES_IN };
	r = json_parse(file, text, n, &ret->doc, e);
	if (r < 0)
		return r;
	d.doc = ret->doc;
	d.arena = &ret->arena;
	return decode_object(&d, json_root(ret->doc), ret, &policy_table, e);
}

int policy_read(const char *file, struct policy *ret, struct err *e)
{
	CLEANUP_FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CLEANUP_FREE char *text = NULL;
	struct stat st;
	size_t n = 0;
	int r;

	*ret = (struct policy){ .doc = NULL };
	if (fd < 0)
		return err_sys(e, "open %s", file);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", file);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		(void)err_set(e, EPERM, "%s: others than root could have written it", file);
		return err_hint(e, "chown root:root %s && chmod 644 %s", file, file);
	}
	r = fd_read_all(fd, LIMIT_JSON_BYTES, &text, &n);
	if (r < 0)
		return err_ret(e, r, "read %s", file);
	return policy_decode(file, text, n, ret, e);
}
