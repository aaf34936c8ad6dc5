/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "linux.devices" and "linux.netDevices": device nodes, and the host's interfaces that move. */
#include <sys/stat.h>

#include "runtime/oci/config_priv.h"

#define MAJOR_MAX 4095 /* bits of dev_t */
#define MINOR_MAX 1048575
#define ID_MAX (UINT32_MAX - 1)
#define INTERFACE_NAME_MAX 15 /* IFNAMSIZ less its NUL */

static const struct decode_name device_types[] = {
	{ "b", S_IFBLK }, { "c", S_IFCHR }, { "p", S_IFIFO }, { "u", S_IFCHR }, { NULL, 0 },
};

struct raw_device {
	struct bundle_device device;
	uint64_t type;
	uint32_t mode;
	bool has_major, has_minor, has_mode;
};

#define RAW_DEVICE(member) offsetof(struct raw_device, member)
static const struct decode_field device_fields[] = {
	{ .key = "type",
	  .decode = decode_named,
	  .offset = RAW_DEVICE(type),
	  .names = device_types,
	  .required = true },
	{ .key = "path",
	  .decode = decode_ref,
	  .offset = RAW_DEVICE(device.path),
	  .check = oci_check_absolute,
	  .required = true },
	{ .key = "major",
	  .decode = decode_u32,
	  .offset = RAW_DEVICE(device.major),
	  .flag = RAW_DEVICE(has_major),
	  .max = MAJOR_MAX },
	{ .key = "minor",
	  .decode = decode_u32,
	  .offset = RAW_DEVICE(device.minor),
	  .flag = RAW_DEVICE(has_minor),
	  .max = MINOR_MAX },
	{ .key = "fileMode",
	  .decode = decode_u32,
	  .offset = RAW_DEVICE(mode),
	  .flag = RAW_DEVICE(has_mode),
	  .max = UINT32_MAX },
	{ .key = "uid", .decode = decode_u32, .offset = RAW_DEVICE(device.uid), .max = ID_MAX },
	{ .key = "gid", .decode = decode_u32, .offset = RAW_DEVICE(device.gid), .max = ID_MAX },
};
static const struct decode_table device_table = OCI_TABLE(device_fields);

int oci_decode_device(const struct decoder *d, const struct json *node, void *base, struct err *e)
{
	CLEANUP_STRBUF struct strbuf key = STRBUF_INIT;
	struct raw_device raw = { .mode = 0666 };
	int r = decode_object(d, node, &raw, &device_table, e);

	if (r < 0)
		return r;
	/* Go's encoder leaves numbers out that are 0, if both are: that is no device. */
	if (raw.type != S_IFIFO && !raw.has_major && !raw.has_minor)
		return json_err(d->doc, node, e, EINVAL, "\"major\" and \"minor\" are missing");
	json_path(node, &key);
	if (strbuf_ok(&key, e) < 0)
		return -e->code;
	raw.device.key = arena_strn(d->arena, strbuf_str(&key), key.len);
	if (!raw.device.key)
		return err_nomem(e);
	/* Docker puts the host's whole st_mode there. */
	raw.device.mode = (mode_t)raw.type | (raw.mode & 07777);
	*(struct bundle_device *)base = raw.device;
	return 0;
}

static int check_interface(const char *name, struct err *e)
{
	size_t n = strlen(name);

	if (n == 0 || n > INTERFACE_NAME_MAX || strpbrk(name, "/: \t\n\v\f\r") ||
	    str_eq(name, ".") || str_eq(name, ".."))
		return err_set(e, EINVAL,
			       "\"%.40s\": a network device's name is 1 to %d characters, without "
			       "'/', ':' and blanks",
			       name, INTERFACE_NAME_MAX);
	return 0;
}

static const struct decode_field net_device_fields[] = {
	{ .key = "name",
	  .decode = decode_ref_given,
	  .offset = offsetof(struct oci_net_device, new_name),
	  .check = check_interface },
};
static const struct decode_table net_device_table = OCI_TABLE(net_device_fields);

int oci_decode_net_device(const struct decoder *d, const struct json *node, void *base,
			  struct err *e)
{
	struct oci_net_device *device = base;
	int r = decode_object(d, node, base, &net_device_table, e);

	if (r < 0)
		return r;
	if (check_interface(node->key, e) < 0)
		return decode_wrap_key(d, node, e);
	device->name = node->key;
	if (!device->new_name)
		device->new_name = node->key;
	return 0;
}
