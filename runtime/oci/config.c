/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.json: read, decoded by the tables of the other config files (runtime/decode.c walks them),
 * then judged as a whole (config_check.c). Strings stay the document's, lists are the arena's: one
 * free ends it all.
 */
#include <fcntl.h>
#include <limits.h>

#include "base/fd.h"
#include "runtime/oci/config_priv.h"

#define HOST_NAME_MAX_BYTES 64 /* of the kernel's utsname */

static int check_host_name(const char *text, struct err *e)
{
	if (strlen(text) > HOST_NAME_MAX_BYTES)
		return err_set(e, ENAMETOOLONG, "longer than %d bytes", HOST_NAME_MAX_BYTES);
	return 0;
}

/* SemVer 2.0.0; the specification keeps compatibility within a major version. */
static int check_version(const char *text, struct err *e)
{
	const char *p = text;

	for (int i = 0; i < 3; i++) {
		size_t n = strspn(p, "0123456789");

		if (n == 0 || (n > 1 && *p == '0') || (i < 2 && p[n] != '.'))
			return err_set(e, EINVAL, "\"%.40s\": expected a version like \"%s\"", text,
				       OCI_VERSION);
		p += n + (i < 2);
	}
	if (*p && *p != '-' && *p != '+')
		return err_set(e, EINVAL, "\"%.40s\": expected a version like \"%s\"", text,
			       OCI_VERSION);
	if (!str_starts(text, "1."))
		return err_set(e, EOPNOTSUPP,
			       "version %.40s of the runtime specification is not supported, only "
			       "1.x",
			       text);
	return 0;
}

/* Objects of platforms that this is none of. An empty one asks for nothing. */
static int decode_platform(const struct decoder *d, const struct json *node, void *base,
			   const struct decode_field *f, struct err *e)
{
	int r = decode_type(d, node, JSON_OBJECT, e);

	(void)base;
	if (r < 0 || node->count == 0)
		return r;
	return json_err_key(d->doc, node, e, EOPNOTSUPP,
			    "is for %s, and this runtime is for Linux containers", f->key);
}

static const struct decode_field root_fields[] = {
	{ .key = "path",
	  .decode = decode_path,
	  .offset = OCI(bundle.rootfs),
	  .max = PATH_MAX - 1,
	  .required = true },
	{ .key = "readonly", .decode = decode_bool, .offset = OCI(bundle.read_only) },
};
static const struct decode_table root_table = OCI_TABLE(root_fields);

static const struct decode_field config_fields[] = {
	{ .key = "ociVersion",
	  .decode = decode_ref,
	  .offset = OCI(version),
	  .check = check_version,
	  .required = true },
	{ .key = "process",
	  .decode = decode_nested,
	  .flag = OCI(process.given),
	  .table = &oci_process_table },
	{ .key = "root", .decode = decode_nested, .table = &root_table, .required = true },
	{ .key = "hostname",
	  .decode = decode_ref_given,
	  .offset = OCI(hostname),
	  .check = check_host_name },
	{ .key = "domainname",
	  .decode = decode_ref_given,
	  .offset = OCI(domainname),
	  .check = check_host_name },
	{ .key = "mounts",
	  .decode = decode_elements,
	  .offset = OCI(bundle.mounts),
	  .count = OCI(bundle.n_mounts),
	  .size = sizeof(struct bundle_mount),
	  .item = oci_decode_mount,
	  .max = LIMIT_OCI_MOUNTS },
	{ .key = "hooks", .decode = decode_nested, .table = &oci_hooks_table },
	{ .key = "annotations",
	  .decode = decode_members,
	  .offset = OCI(annotations.v),
	  .count = OCI(annotations.n),
	  .size = sizeof(struct oci_pair),
	  .item = oci_decode_pair,
	  .max = LIMIT_OCI_MAP },
	{ .key = "linux", .decode = decode_nested, .table = &oci_linux_table },
	{ .key = "freebsd", .decode = decode_platform },
	{ .key = "solaris", .decode = decode_platform },
	{ .key = "vm", .decode = decode_platform },
	{ .key = "windows", .decode = decode_platform },
	{ .key = "zos", .decode = decode_platform },
};
static const struct decode_table config_table = OCI_TABLE(config_fields);

/* Decodes c->text by a table. */
static int decode(const char *file, const char *dir, const struct decode_table *table,
		  struct oci_config *c, struct err *e)
{
	struct decoder d = { .file = file, .arena = &c->arena, .dir = dir };
	int r = json_parse(file, c->text, c->text_len, &c->doc, e);

	if (r < 0)
		return r;
	d.doc = c->doc;
	r = decode_object(&d, json_root(c->doc), c, table, e);
	if (r < 0)
		return r;
	if (table == &config_table)
		return oci_config_finish(&d, c, e);
	if (table == &oci_resources_table) {
		oci_resources_finish(&c->resources);
		return 0;
	}
	c->process.given = true;
	return oci_process_check(&d, json_root(c->doc), c, e);
}

int oci_config_parse(const char *file, const char *text, size_t n, const char *bundle,
		     struct oci_config *ret, struct err *e)
{
	ret->text = malloc(n + 1);
	if (!ret->text)
		return err_nomem(e);
	memcpy(ret->text, text, n);
	ret->text[n] = '\0';
	ret->text_len = n;
	return decode(file, bundle, &config_table, ret, e);
}

static int read_all(int fd, const char *file, struct oci_config *ret, struct err *e)
{
	int r = fd_read_all(fd, LIMIT_JSON_BYTES, &ret->text, &ret->text_len);

	return r < 0 ? err_ret(e, r, "read %s", file) : 0;
}

int oci_config_load(int bundle_fd, const char *bundle, struct oci_config *ret, struct err *e)
{
	CLEANUP_FD int fd = openat(bundle_fd, "config.json", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char file[PATH_MAX + 16];
	int r;

	if (str_format(file, sizeof(file), "%s/config.json", bundle) < 0)
		return err_set(e, ENAMETOOLONG, "bundle: too long a path");
	if (fd < 0)
		return err_sys(e, "open %s", file);
	r = read_all(fd, file, ret, e);
	return r < 0 ? r : decode(file, bundle, &config_table, ret, e);
}

static int load(const char *path, const struct decode_table *table, struct oci_config *ret,
		struct err *e)
{
	CLEANUP_FD int opened = -EBADF;
	bool is_stdin = str_eq(path, "-");
	int r;

	if (!is_stdin) {
		opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (opened < 0)
			return err_sys(e, "open %s", path);
	}
	r = read_all(is_stdin ? STDIN_FILENO : opened, path, ret, e);
	return r < 0 ? r : decode(path, "/", table, ret, e);
}

int oci_process_load(const char *path, struct oci_config *ret, struct err *e)
{
	return load(path, &oci_process_table, ret, e);
}

int oci_resources_load(const char *path, struct oci_config *ret, struct err *e)
{
	return load(path, &oci_resources_table, ret, e);
}

void oci_config_free(struct oci_config *c)
{
	json_doc_free(&c->doc);
	arena_free(&c->arena);
	free(c->text);
	*c = OCI_CONFIG_INIT;
}

const struct oci_namespace *oci_namespace_find(const struct oci_config *c, uint64_t flag)
{
	for (size_t i = 0; i < c->n_namespaces; i++)
		if (c->namespaces[i].flag == flag)
			return &c->namespaces[i];
	return NULL;
}

const char *oci_map_get(const struct oci_map *m, const char *key)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_eq(m->v[i].key, key))
			return m->v[i].value;
	return NULL;
}
