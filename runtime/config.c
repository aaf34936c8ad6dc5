/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of the host: /etc/jail/jail.json. Every key is optional, unknown ones are
 * errors, and no file at all means all defaults. Read by every command, so it does nothing but
 * look.
 *
 *     {
 *       "stateDir":   "/var/lib/jail",         what survives a reboot: images, layers, instances
 *       "runDir":     "/run/jail",             what does not: locks, sockets, leases
 *       "libexecDir": "PREFIX/libexec/jail",   jail-init, jail-monitor, jail-unpack
 *       "systemd":    "auto",                  instances are its units where they can be; or "no",
 *                                              or "yes": where they can't it is an error
 *       "lxcfs":      "auto",                  or "off", or where it is mounted
 *       "policy":     "/etc/jail/policy.json", what specs may ask for (docs/policy.md); or "none"
 *       "ids": {                               host ids for private user namespaces
 *         "first":  1342177280,                first id of the pool, a multiple of 65,536; not
 *                                              shared with /etc/subuid
 *         "ranges": 8192 },                    how many ranges of 65,536: as many instances
 *       "projects": {                          ids for project quotas (docs/storage.md)
 *         "first":  1342177280,                first id; not shared with /etc/projid
 *         "count":  8192 },                    as many instances with a limit of their disk
 *       "network": {                           the default network (docs/network.md)
 *         "bridge":   "jail0",                 name of the interface
 *         "mode":     "bridge",                or "routed"
 *         "subnet":   "10.88.0.0/16",          prefix length 8 to 30; or "none"
 *         "gateway":  "10.88.0.1",             the host's own address; default: the first one
 *         "subnet6":  "auto",                  one of this host's own; or a subnet, or "none"
 *         "gateway6": "fd12::1",               as above; not with "auto"
 *         "uplink":   "eth0",                  the only interface that leads out; default: any
 *         "mtu":      0,                       0: the kernel's default
 *         "isolated": true,                    instances do not reach each other
 *         "nat":      true },                  they go out with the host's address
 *       "import": {                            bounds against archive bombs (row 41)
 *         "maxBytes":   "64GiB",               content, uncompressed
 *         "maxMembers": 5000000,               members of an archive
 *         "maxName":    4096,                  bytes of a member's name
 *         "maxRatio":   1000 }                 uncompressed to compressed, after the first 64 MiB
 *     }
 */
#include <fcntl.h>

#include "base/fd.h"
#include "runtime/config_priv.h"
#include "runtime/spec_priv.h"

#define CONFIG_DEFAULT JAIL_SYSCONF "/jail.json"
#define POLICY_DEFAULT JAIL_SYSCONF "/policy.json"
#define LXCFS_DEFAULT "/var/lib/lxcfs"
#define IDS_FIRST 1342177280 /* 0x50000000: over what distributions hand out in /etc/subuid */
#define IDS_RANGES 8192
#define PROJECTS_FIRST 1342177280
#define PROJECTS_COUNT 8192
#define IDS_END 4294901760 /* the last whole range ends below 2^32 - 1, which means "no id" */
#define DIRECTORY_MAX                                                                              \
	512 /* leaves room for what is put behind it, and for a unix socket's name                 \
	     */

/* char[1024] in the struct; an absolute path without "..", not "/". */
static int decode_directory(const struct decoder *d, const struct json *node, void *base,
			    const struct decode_field *f, struct err *e)
{
	char *value = (char *)base + f->offset;
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	if (spec_check_path(node->text, e) < 0)
		return decode_wrap(d, node, e);
	if (node->len > DIRECTORY_MAX || strspn(node->text, "/.") == node->len)
		return json_err(d->doc, node, e, EINVAL,
				"expected a directory other than \"/\", of at most %d bytes",
				DIRECTORY_MAX);
	memcpy(value, node->text, node->len + 1);
	return 0;
}

/* char[1024]: "auto", "off" ("") or a directory. */
static int decode_lxcfs(const struct decoder *d, const struct json *node, void *base,
			const struct decode_field *f, struct err *e)
{
	char *value = (char *)base + f->offset;
	int r = decode_type(d, node, JSON_STRING, e);

	if (r < 0)
		return r;
	if (str_eq(node->text, "off"))
		value[0] = '\0';
	else if (str_eq(node->text, "auto"))
		memcpy(value, LXCFS_DEFAULT, sizeof(LXCFS_DEFAULT));
	else
		return decode_directory(d, node, base, f, e);
	return 0;
}

/* char[1024]: "none" ("") or a file. */
static int decode_policy(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	struct jail_config *c = base;

	if (node->type != JSON_STRING || !str_eq(node->text, "none"))
		return decode_directory(d, node, base, f, e);
	c->policy[0] = '\0';
	return 0;
}

static const struct decode_field ids_fields[] = {
	{ .key = "first",
	  .decode = decode_u32,
	  .offset = CONFIG(ids.first),
	  .min = IDMAP_COUNT,
	  .max = IDS_END - IDMAP_COUNT },
	{ .key = "ranges",
	  .decode = decode_u32,
	  .offset = CONFIG(ids.ranges),
	  .min = 1,
	  .max = IDS_END / IDMAP_COUNT },
};
static const struct decode_table ids_table = { .fields = ids_fields, .n = ARRAY_SIZE(ids_fields) };

static const struct decode_field projects_fields[] = {
	{ .key = "first",
	  .decode = decode_u32,
	  .offset = CONFIG(projects.first),
	  .min = 1,
	  .max = UINT32_MAX },
	{ .key = "count",
	  .decode = decode_u32,
	  .offset = CONFIG(projects.count),
	  .min = 1,
	  .max = UINT32_MAX },
};
static const struct decode_table projects_table = { .fields = projects_fields,
						    .n = ARRAY_SIZE(projects_fields) };

static const struct decode_field import_fields[] = {
	{ .key = "maxBytes",
	  .decode = decode_quantity,
	  .offset = CONFIG(import.max_bytes),
	  .min = 1,
	  .max = SPEC_INTEGER_SIZE_MAX,
	  .parse = spec_parse_positive_size },
	{ .key = "maxMembers",
	  .decode = decode_u64,
	  .offset = CONFIG(import.max_members),
	  .min = 1,
	  .max = 1000000000 },
	{ .key = "maxName",
	  .decode = decode_u64,
	  .offset = CONFIG(import.max_name),
	  .min = 1,
	  .max = 4096 },
	{ .key = "maxRatio",
	  .decode = decode_u64,
	  .offset = CONFIG(import.max_ratio),
	  .min = 1,
	  .max = 1000000000 },
};
static const struct decode_table import_table = { .fields = import_fields,
						  .n = ARRAY_SIZE(import_fields) };

static const char *const systemd_names[] = {
	[CONFIG_SYSTEMD_NO] = "no",
	[CONFIG_SYSTEMD_AUTO] = "auto",
	[CONFIG_SYSTEMD_YES] = "yes",
	NULL,
};
static const struct decode_words systemd_words = { systemd_names, NULL };

static const struct decode_field fields[] = {
	{ .key = "stateDir", .decode = decode_directory, .offset = CONFIG(state_dir) },
	{ .key = "runDir", .decode = decode_directory, .offset = CONFIG(run_dir) },
	{ .key = "libexecDir", .decode = decode_directory, .offset = CONFIG(libexec_dir) },
	{ .key = "lxcfs", .decode = decode_lxcfs, .offset = CONFIG(lxcfs_dir) },
	{ .key = "policy",
	  .decode = decode_policy,
	  .offset = CONFIG(policy),
	  .flag = CONFIG(policy_given) },
	{ .key = "systemd",
	  .decode = decode_word,
	  .offset = CONFIG(systemd),
	  .words = &systemd_words },
	{ .key = "ids", .decode = decode_nested, .table = &ids_table },
	{ .key = "projects", .decode = decode_nested, .table = &projects_table },
	{ .key = "network", .decode = decode_nested, .table = &config_network_table },
	{ .key = "import", .decode = decode_nested, .table = &import_table },
};
static const struct decode_table config_table = { .fields = fields, .n = ARRAY_SIZE(fields) };

/* JAIL_LIBEXEC comes from the build and is bounded there by the assertion below. */
static void set_defaults(struct jail_config *c)
{
	static const char state[] = "/var/lib/jail", run[] = "/run/jail", libexec[] = JAIL_LIBEXEC;

	_Static_assert(sizeof(libexec) <= sizeof(c->libexec_dir), "PREFIX is too long");
	memcpy(c->state_dir, state, sizeof(state));
	memcpy(c->run_dir, run, sizeof(run));
	memcpy(c->lxcfs_dir, LXCFS_DEFAULT, sizeof(LXCFS_DEFAULT));
	memcpy(c->libexec_dir, libexec, sizeof(libexec));
	memcpy(c->policy, POLICY_DEFAULT, sizeof(POLICY_DEFAULT));
	c->systemd = CONFIG_SYSTEMD_AUTO;
	c->ids = (struct id_pool){ .first = IDS_FIRST, .ranges = IDS_RANGES };
	c->projects = (struct disk_projects){ .first = PROJECTS_FIRST, .count = PROJECTS_COUNT };
	config_network_defaults(c);
	c->import = (struct import_limits){ .max_bytes = UINT64_C(64) << 30,
					    .max_members = 5000000,
					    .max_name = 4096,
					    .max_ratio = 1000 };
}

/* What needs two values: the pool's end, and most of the network. */
static int judge(struct jail_config *c, struct err *e)
{
	if (c->ids.first % IDMAP_COUNT != 0)
		return err_set(e, EINVAL, "ids.first: %u is not a multiple of %u", c->ids.first,
			       IDMAP_COUNT);
	if (c->ids.first + (uint64_t)c->ids.ranges * IDMAP_COUNT > IDS_END)
		return err_set(e, ERANGE, "ids.ranges: the pool ends behind id %llu",
			       (unsigned long long)IDS_END - 1);
	if (c->projects.first + (uint64_t)c->projects.count > UINT32_MAX) /* which means "none" */
		return err_set(e, ERANGE, "projects.count: the range ends behind id %u",
			       UINT32_MAX - 1);
	return config_network_judge(c, e);
}

/* Reads FILE whole, following symlinks: the administrator's file may be one. Return: 0, -ENOENT. */
static int read_config(const char *file, char **ret, size_t *ret_len, struct err *e)
{
	CLEANUP_FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd < 0)
		return err_sys(e, "open %s", file);
	r = fd_read_all(fd, LIMIT_JSON_BYTES, ret, ret_len);
	return r < 0 ? err_ret(e, r, "read %s", file) : 0;
}

static int decode_config(const char *file, const char *text, size_t n, struct jail_config *c,
			 struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct decoder d = { .file = file };
	int r = json_parse(file, text, n, &doc, e);

	if (r < 0)
		return r;
	d.doc = doc;
	r = decode_object(&d, json_root(doc), c, &config_table, e);
	if (r < 0)
		return r;
	r = judge(c, e);
	return r < 0 ? err_wrap(e, "%s", file) : 0;
}

/* --config, $JAIL_CONFIG, or the usual place; only the last may be missing. */
int config_load(const char *file_or_null, struct jail_config *ret, struct err *e)
{
	struct jail_config c = { .file = "" };
	CLEANUP_FREE char *text = NULL;
	struct err why = ERR_INIT;
	const char *file = file_or_null;
	bool optional = false;
	size_t n = 0;
	int r;

	set_defaults(&c);
	if (!file)
		file = secure_getenv("JAIL_CONFIG");
	if (!file || !*file) {
		file = CONFIG_DEFAULT;
		optional = true;
	}
	r = read_config(file, &text, &n, &why);
	if (r < 0 && !(r == -ENOENT && optional)) {
		*e = why;
		return err_hint(e, "a configuration is JSON; without one, leave --config away");
	}
	r = r < 0 ? judge(&c, e) : decode_config(file, text, n, &c, e);
	if (r < 0)
		return r;
	if (text && str_format(c.file, sizeof(c.file), "%s", file) < 0)
		return err_set(e, ENAMETOOLONG, "%.100s...: the name is too long", file);
	*ret = c;
	return 0;
}

int config_set_policy(struct jail_config *c, const char *file, struct err *e)
{
	if (str_eq(file, "none"))
		file = "";
	c->policy_given = true;
	if (str_format(c->policy, sizeof(c->policy), "%s", file) < 0)
		return err_set(e, ENAMETOOLONG, "--policy: %.100s...: the name is too long", file);
	return 0;
}
