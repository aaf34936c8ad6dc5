/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * STATE/networks: a file for each network, written whole and durably, never changed. They are ours,
 * but they are judged as if they were not: a damaged file is an error that says where, and never a
 * rule for another network's addresses. The host's interface is not in there: it follows from the
 * name, so no file can point at an interface of somebody else.
 */
#include <arpa/inet.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/path.h"
#include "runtime/networks_priv.h"

#define NETWORK_FILE_MAX (64u << 10)
#define NETWORKS_LOCK_MS 30000
#define NETWORK(member) offsetof(struct net_network, member)

static int decode_tenant(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	struct net_network *n = base;
	struct jail_name tenant;
	int r = decode_type(d, node, JSON_STRING, e);

	(void)f;
	if (r < 0)
		return r;
	if (name_parse("tenant", node->text, &tenant, e) < 0)
		return decode_wrap(d, node, e);
	memcpy(n->tenant, tenant.s, sizeof(tenant.s));
	return 0;
}

static const struct decode_field fields[] = {
	{ .key = "mode",
	  .decode = decode_word,
	  .offset = NETWORK(mode),
	  .words = &network_mode_words,
	  .required = true },
	{ .key = "tenant", .decode = decode_tenant },
	{ .key = "uplink", .decode = network_decode_uplink },
	{ .key = "subnet4", .decode = network_decode_subnet4 },
	{ .key = "gateway4", .decode = network_decode_gateway4 },
	{ .key = "subnet6", .decode = network_decode_subnet6 },
	{ .key = "gateway6", .decode = network_decode_gateway6 },
	{ .key = "mtu", .decode = network_decode_mtu },
	{ .key = "internal", .decode = decode_bool, .offset = NETWORK(internal) },
	{ .key = "isolated", .decode = decode_bool, .offset = NETWORK(isolated), .required = true },
	{ .key = "nat", .decode = decode_bool, .offset = NETWORK(nat), .required = true },
};
static const struct decode_table table = { .fields = fields, .n = ARRAY_SIZE(fields) };

void network_file_name(const struct jail_name *name, struct network_file *ret)
{
	(void)str_format(ret->s, sizeof(ret->s), "%s.json", name->s);
}

int networks_dir(struct jail *j, struct err *e)
{
	int fd = path_make_dir_at(j->state, "networks", 0700, e);

	return fd < 0 ? err_wrap(e, "%s", j->config.state_dir) : fd;
}

int networks_lock(int dir, struct err *e)
{
	struct err why = ERR_INIT;
	int lock = lock_take_at(dir, "lock", LOCK_MODE_EXCLUSIVE, NETWORKS_LOCK_MS, &why);

	if (lock != -EWOULDBLOCK) {
		if (lock < 0)
			*e = why;
		return lock;
	}
	(void)err_set(e, EBUSY, "networks are being changed by another command since %d s",
		      NETWORKS_LOCK_MS / 1000);
	return err_hint(e, "try again when it has finished");
}

static int network_decode(const char *file, const char *text, size_t len, struct net_network *n,
			  struct err *e)
{
	CLEANUP_JSON struct json_doc *doc = NULL;
	struct decoder d = { .file = file };
	int r = json_parse(file, text, len, &doc, e);

	if (r < 0)
		return r;
	d.doc = doc;
	r = decode_object(&d, json_root(doc), n, &table, e);
	if (r < 0)
		return r;
	return network_judge(n, e) < 0 ? decode_wrap(&d, json_root(doc), e) : 0;
}

int network_file_read(int dir, const struct jail_name *name, struct net_network *ret, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	struct net_network n = { .name = *name };
	struct err why = ERR_INIT;
	struct network_file file;
	size_t len;
	int r;

	network_file_name(name, &file);
	r = file_read_at(dir, file.s, NETWORK_FILE_MAX, &text, &len, &why);
	if (r == -ENOENT)
		return r;
	if (r >= 0)
		r = network_decode(file.s, text, len, &n, &why);
	if (r < 0) {
		*e = why;
		(void)err_wrap(e, "network %s", name->s);
		return err_hint(e, "put networks/%s of the state directory right, or remove it",
				file.s);
	}
	if (n.mode != NET_MACVLAN)
		net_interface_name_of(name, n.interface);
	*ret = n;
	return 0;
}

static void out_family(struct json_out *o, const struct net_network *n, int family)
{
	const void *gateway = family == AF_INET ? (const void *)&n->gateway4 : &n->gateway6;
	char text[NET_SUBNET_TEXT_MAX];
	struct net_subnet s;

	if (!net_subnet_of(n, family, &s))
		return;
	net_subnet_format(&s, text);
	json_out_str(o, family == AF_INET ? "subnet4" : "subnet6", text);
	if (family == AF_INET ? !n->gateway4.s_addr : IN6_IS_ADDR_UNSPECIFIED(&n->gateway6))
		return;
	json_out_str(o, family == AF_INET ? "gateway4" : "gateway6",
		     inet_ntop(family, gateway, text, sizeof(text)));
}

int network_file_write(int dir, const struct net_network *n, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct network_file file;
	struct json_out o;
	int r;

	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	json_out_str(&o, "mode", network_mode_words.words[n->mode]);
	if (n->tenant[0])
		json_out_str(&o, "tenant", n->tenant);
	if (n->uplink[0])
		json_out_str(&o, "uplink", n->uplink);
	out_family(&o, n, AF_INET);
	out_family(&o, n, AF_INET6);
	if (n->mtu)
		json_out_u64(&o, "mtu", n->mtu);
	json_out_bool(&o, "internal", n->internal);
	json_out_bool(&o, "isolated", n->isolated);
	json_out_bool(&o, "nat", n->nat);
	json_out_object_end(&o);
	strbuf_addc(&b, '\n');
	r = strbuf_ok(&b, e);
	if (r < 0)
		return r;
	network_file_name(&n->name, &file);
	return file_write_at(dir, file.s, b.data, b.len, 0600, FILE_SYNC, e);
}

int network_file_remove(int dir, const struct jail_name *name, struct err *e)
{
	struct network_file file;

	network_file_name(name, &file);
	if (unlinkat(dir, file.s, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove networks/%s", file.s);
	return fsync(dir) < 0 ? err_sys(e, "write the directory of networks") : 0;
}
