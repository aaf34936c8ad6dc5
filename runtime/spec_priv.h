/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the spec share: the notations of single values, one table per object, and the
 * growing of arrays. config.schema.json says the same as these; tests/spec compares the two.
 */
#ifndef JAIL_RUNTIME_SPEC_PRIV_H
#define JAIL_RUNTIME_SPEC_PRIV_H

#include "runtime/decode_priv.h"
#include "runtime/spec.h"

/* Objects of config.schema.json; the base of all is struct jail_spec. */
extern const struct decode_table spec_process_table;
extern const struct decode_table spec_resources_table;
extern const struct decode_table spec_network_table;
extern const struct decode_table spec_security_table;
extern const struct decode_table spec_restart_table;
extern const struct decode_table spec_notify_table;
extern const struct decode_table spec_stop_table;
extern const struct decode_table spec_log_table;
extern const struct decode_table spec_hooks_table;
extern const struct decode_table spec_systemd_table;
extern const struct decode_table spec_cloud_init_table;
extern const struct decode_table spec_first_boot_table;
decode_item_fn spec_decode_mount;

/* Words of the enums of spec.h, in their order. */
extern const struct decode_words spec_mode_words;
extern const struct decode_words spec_network_words;
extern const struct decode_words spec_userns_words;
extern const struct decode_words spec_restart_words;
extern const struct decode_words spec_mount_words;

/* "resources" (spec_resources.c, spec_print_resources.c). */
void spec_print_resources(const struct jail_spec *s, struct json_out *o);
int spec_check_resources(const struct jail_spec *s, struct err *e);
/* A size as it is written ("max", "1.5GiB"). */
void spec_out_size(struct json_out *o, const char *key, uint64_t bytes);

/* An object that opens when its first member is written (spec_print.c). */
struct spec_section {
	struct json_out *o;
	const char *key;
	bool open;
	struct spec_section *parent; /* opened first; or NULL */
};
struct json_out *spec_in(struct spec_section *s);
void spec_section_end(struct spec_section *s);

/* Notations (spec_text.c): each accepts exactly what the schema's pattern does. */
#define SPEC_PATH_MAX 1023 /* code points, like the next one: never over PATH_MAX bytes */
#define SPEC_TEXT_MAX 131071
#define SPEC_LABEL_MAX 4096
#define SPEC_DEVICE_MAX 255
#define SPEC_INTEGER_SIZE_MAX 999999999999999 /* of a size that is written as a JSON number */
decode_check_fn spec_check_path; /* absolute, no "..", no control characters */
decode_check_fn spec_check_hostname;
decode_check_fn spec_check_user;
decode_check_fn spec_check_device; /* below /dev */
decode_check_fn spec_check_block_device; /* below /dev, or MAJOR:MINOR */
decode_check_fn spec_check_seccomp;
decode_check_fn spec_check_label_key;
decode_check_fn spec_check_label_value;
decode_check_fn spec_check_env_name;
decode_check_fn spec_check_utf8;
decode_check_fn spec_check_password_hash;
decode_parse_fn spec_parse_positive_size; /* over 0 */
decode_parse_fn spec_parse_memory; /* 0 and "max" (UINT64_MAX) too */
/* Exact text that the parsers read back ("1.5GiB"); 32 bytes are enough. */
void spec_format_size(uint64_t bytes, char *ret, size_t n);
decode_parse_fn spec_parse_duration; /* milliseconds */
decode_parse_fn spec_parse_positive_duration;

/* Networks (spec_set_network.c, spec_rate.c, spec_check_network.c, spec_print_network.c). */
#define SPEC_NETWORK_DEFAULT "default"
#define SPEC_RULE_MAX 1024
/* One more, or the last one and the first if there is none yet: NULL with *e set. */
struct spec_interface *spec_interface_add(struct jail_spec *s, struct err *e);
struct spec_interface *spec_interface_last(struct jail_spec *s, struct err *e);
bool spec_interface_is_empty(const struct spec_interface *i); /* says nothing but "default" */
int spec_interface_set_address(struct spec_interface *i, const char *text, struct err *e);
decode_parse_fn spec_parse_rate; /* bits per second */
int spec_fill_network(struct jail_spec *s, struct err *e);
int spec_check_network(const struct jail_spec *s, struct err *e);
/* interfaces: in the long form, also if there is one. */
void spec_print_network(const struct jail_spec *s, bool interfaces, struct json_out *o);
/* The spec as JSON, "network" in that form. */
void spec_print(const struct jail_spec *s, bool interfaces, struct json_out *o, const char *key);

/* Rlimits (spec_process.c): name without RLIMIT_, in lower case. */
int spec_rlimit_resource(const char *name, struct err *e);
const char *spec_rlimit_name(int resource);

/* Mounts (spec_mounts.c). */
void spec_mount_init(struct spec_mount *m, enum spec_mount_kind kind);
void spec_mount_free(struct spec_mount *m);
int spec_mount_option(struct spec_mount *m, const char *text, struct err *e);
int spec_mount_set_destination(struct spec_mount *m, const char *text, struct err *e);
/* Permissions, as three or four octal digits. */
int spec_parse_mode(const char *text, uint32_t *ret, struct err *e);
/* Of a kind that has one. */
int spec_mount_set_source(struct spec_mount *m, const char *text, struct err *e);
/* What only the whole tells. */
int spec_mount_check(const struct spec_mount *m, struct err *e);
/* Appends; takes what is in *m on success and leaves it empty. */
int spec_mount_add(struct jail_spec *s, struct spec_mount *m, struct err *e);
void spec_mount_to_json(const struct spec_mount *m, struct json_out *o);

/* Schedules of snapshots (spec_snapshots.c). */
decode_item_fn spec_decode_schedule;
void spec_fill_schedules(struct jail_spec *s);
int spec_check_schedules(const struct jail_spec *s, struct err *e);
void spec_schedules_to_json(const struct jail_spec *s, struct json_out *o);

/* Devices (spec_devices.c). */
decode_item_fn spec_decode_device;
/* Of all of them: no place twice, none that the runtime fills itself. */
int spec_check_devices(const struct jail_spec *s, struct err *e);
void spec_device_free(struct spec_device *d);
void spec_device_to_json(const struct spec_device *d, struct json_out *o);
/* "rwm", "r", ... */
void spec_device_access(uint32_t access, char ret[static 4]);

/* "K=V" into a vector: replaces the value of K in place, or appends. */
int spec_env_set(struct strv *env, const char *key_value, struct err *e);
/* The same without a look at what it is and how many there are. Return: 0 or -ENOMEM. */
int spec_env_put(struct strv *env, const char *key_value);
/* One member of an "env" object, "K=V" into a vector. */
int spec_decode_variable(const struct decoder *d, const struct json *node, struct strv *env,
			 struct err *e);

/*
 * Makes room for one more element of `size` bytes, zeroed, at the end of an array of n. Return: the
 * new element, or NULL when out of memory (*array stays valid). The caller counts it.
 */
void *spec_grow(void *array, size_t n, size_t size);

void spec_hook_free(struct hook *h);

/* First boot (spec_firstboot.c). */
void spec_firstboot_free(struct jail_spec *s);
void spec_firstboot_to_json(const struct jail_spec *s, struct json_out *o);
/* What needs two values to be judged. */
int spec_firstboot_check(const struct jail_spec *s, struct err *e);
bool spec_has_cloud_init(const struct jail_spec *s);
bool spec_has_first_boot(const struct jail_spec *s);

#endif
