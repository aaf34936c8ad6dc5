/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec's "systemd", "cloudInit" and "firstBoot": what an instance is given before its own init
 * takes over. runtime/provision.h puts it into place.
 */
#include "runtime/spec_priv.h"

#define SPEC(member) offsetof(struct jail_spec, member)
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define BASE64 LOWER UPPER DIGIT "+/"

#define HASH_ID_MAX 16
#define HASH_MAX 500
#define LOCALE_MAX 64
#define TIMEZONE_MAX 64
#define CREDENTIAL_NAME_MAX 255
#define SSH_KEY_MAX 16384

/* ---- notations */

/* "$ID$the rest"; what is not one would lock root out, or be the password itself. */
int spec_check_password_hash(const char *text, struct err *e)
{
	size_t id = text[0] == '$' ? strspn(text + 1, LOWER DIGIT) : 0;
	size_t n = id > 0 && id <= HASH_ID_MAX && text[id + 1] == '$' ? strlen(text + id + 2) : 0;

	if (n == 0 || n > HASH_MAX || strspn(text + id + 2, LOWER UPPER DIGIT "./$,=+_-") != n) {
		/* Not quoted: it may be the password. */
		(void)err_set(e, EINVAL, "expected a password hash that begins with \"$\"");
		return err_hint(e, "make one: mkpasswd, or openssl passwd -6");
	}
	return 0;
}

static int check_locale(const char *text, struct err *e)
{
	size_t n = strlen(text);

	if (n == 0 || n > LOCALE_MAX || !strchr(LOWER UPPER, text[0]) ||
	    strspn(text, LOWER UPPER DIGIT "_.@-") != n)
		return err_set(e, EINVAL, "\"%.100s\": expected a locale like \"C.UTF-8\"", text);
	return 0;
}

/* Each part begins with a letter or digit, so that none is "..". */
static int check_timezone(const char *text, struct err *e)
{
	const char *part = text;
	bool good = strlen(text) <= TIMEZONE_MAX;

	while (good) {
		size_t n = strcspn(part, "/");

		good = n > 0 && !strchr("_+-", part[0]) &&
		       strspn(part, LOWER UPPER DIGIT "_+-") >= n;
		if (!part[n])
			break;
		part += n + 1;
	}
	return good ? 0
		    : err_set(e, EINVAL, "\"%.100s\": expected a time zone like \"Europe/Berlin\"",
			      text);
}

static const char *const key_types[] = {
	"ssh-ed25519 ",
	"ssh-rsa ",
	"ecdsa-sha2-nistp256 ",
	"ecdsa-sha2-nistp384 ",
	"ecdsa-sha2-nistp521 ",
	"sk-ssh-ed25519@openssh.com ",
	"sk-ecdsa-sha2-nistp256@openssh.com ",
};

/* "TYPE BASE64" at the start of `text`, then its end or a blank. */
static bool is_key(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_types); i++) {
		const char *data = text + strlen(key_types[i]);
		size_t n, padding;

		if (!str_starts(text, key_types[i]))
			continue;
		n = strspn(data, BASE64);
		padding = strspn(data + n, "=");
		return n >= 16 && padding <= 2 &&
		       (data[n + padding] == '\0' || data[n + padding] == ' ');
	}
	return false;
}

static int check_ssh_key(const char *text, struct err *e)
{
	bool found = is_key(text);

	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(e, EINVAL, "a key is one line, without control characters");
		found |= *p == ' ' && is_key(p + 1);
	}
	return found ? 0
		     : err_set(e, EINVAL,
			       "\"%.60s\": expected a public key like \"ssh-ed25519 AAAA...\"",
			       text);
}

/* ---- decoding */

static const struct decode_field file_fields[] = {
	{ .key = "file",
	  .decode = decode_text,
	  .offset = offsetof(struct spec_source, file),
	  .check = spec_check_path,
	  .required = true },
};
static const struct decode_table file_table = { .fields = file_fields,
						.n = ARRAY_SIZE(file_fields) };

/* struct spec_source; check and max are for the text. */
static int decode_source(const struct decoder *d, const struct json *node, void *base,
			 const struct decode_field *f, struct err *e)
{
	struct spec_source *source = (struct spec_source *)((char *)base + f->offset);
	const struct decode_field text = { .key = f->key,
					   .offset = offsetof(struct spec_source, text),
					   .max = f->max,
					   .check = f->check };

	if (node->type == JSON_OBJECT)
		return decode_object(d, node, source, &file_table, e);
	if (node->type != JSON_STRING)
		return json_err(d->doc, node, e, EINVAL,
				"expected a string or an object with \"file\", not %s",
				json_type_name(node->type));
	return decode_text(d, node, source, &text, e);
}

static bool is_credential_name(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= CREDENTIAL_NAME_MAX && strchr(LOWER UPPER DIGIT, name[0]) &&
	       strspn(name, LOWER UPPER DIGIT "_.@-") == n;
}

static int decode_credential(const struct decoder *d, const struct json *node, void *base,
			     struct err *e)
{
	static const struct decode_field value = {
		.offset = offsetof(struct spec_credential, value),
		.max = SPEC_TEXT_MAX,
	};
	struct jail_spec *s = base;
	struct spec_credential *c;

	if (!is_credential_name(node->key)) {
		(void)err_set(e, EINVAL,
			      "\"%.100s\": a credential's name is 1 to 255 letters, digits, '_', "
			      "'.', '@' and '-', and begins with a letter or digit",
			      node->key);
		return decode_wrap_key(d, node, e);
	}
	c = spec_grow(&s->systemd.credentials, s->systemd.n_credentials, sizeof(*c));
	if (!c)
		return err_nomem(e);
	s->systemd.n_credentials++;
	c->name = strdup(node->key);
	return c->name ? decode_source(d, node, c, &value, e) : err_nomem(e);
}

static int decode_ssh_key(const struct decoder *d, const struct json *node, void *base,
			  struct err *e)
{
	struct jail_spec *s = base;
	const char *text = NULL;
	char **slot;
	int r = decode_string(d, node, SSH_KEY_MAX, &text, e);

	if (r < 0)
		return r;
	if (check_ssh_key(text, e) < 0)
		return decode_wrap(d, node, e);
	slot = spec_grow(&s->first_boot.ssh_keys, s->first_boot.n_ssh_keys, sizeof(*slot));
	if (!slot)
		return err_nomem(e);
	*slot = strdup(text);
	if (!*slot)
		return err_nomem(e);
	s->first_boot.n_ssh_keys++;
	return 0;
}

static const struct decode_field systemd_fields[] = {
	{ .key = "credentials",
	  .decode = decode_map,
	  .item = decode_credential,
	  .max = LIMIT_CREDENTIALS },
};
const struct decode_table spec_systemd_table = { .fields = systemd_fields,
						 .n = ARRAY_SIZE(systemd_fields) };

static const struct decode_field cloud_init_fields[] = {
	{ .key = "userData",
	  .decode = decode_source,
	  .offset = SPEC(cloud_init.user_data),
	  .max = SPEC_TEXT_MAX },
	{ .key = "metaData",
	  .decode = decode_source,
	  .offset = SPEC(cloud_init.meta_data),
	  .max = SPEC_TEXT_MAX },
	{ .key = "networkConfig",
	  .decode = decode_source,
	  .offset = SPEC(cloud_init.network_config),
	  .max = SPEC_TEXT_MAX },
};
const struct decode_table spec_cloud_init_table = { .fields = cloud_init_fields,
						    .n = ARRAY_SIZE(cloud_init_fields) };

static const struct decode_field first_boot_fields[] = {
	{ .key = "rootPassword",
	  .decode = decode_source,
	  .offset = SPEC(first_boot.root_password),
	  .check = spec_check_password_hash },
	{ .key = "sshKeys", .decode = decode_array, .item = decode_ssh_key, .max = LIMIT_SSH_KEYS },
	{ .key = "locale",
	  .decode = decode_text,
	  .offset = SPEC(first_boot.locale),
	  .check = check_locale },
	{ .key = "timezone",
	  .decode = decode_text,
	  .offset = SPEC(first_boot.timezone),
	  .check = check_timezone },
};
const struct decode_table spec_first_boot_table = { .fields = first_boot_fields,
						    .n = ARRAY_SIZE(first_boot_fields) };

/* ---- the value */

static void free_source(struct spec_source *s)
{
	if (s->text)
		explicit_bzero(s->text, strlen(s->text));
	free(s->text);
	free(s->file);
}

void spec_firstboot_free(struct jail_spec *s)
{
	for (size_t i = 0; i < s->systemd.n_credentials; i++) {
		free(s->systemd.credentials[i].name);
		free_source(&s->systemd.credentials[i].value);
	}
	free(s->systemd.credentials);
	free_source(&s->cloud_init.user_data);
	free_source(&s->cloud_init.meta_data);
	free_source(&s->cloud_init.network_config);
	free_source(&s->first_boot.root_password);
	for (size_t i = 0; i < s->first_boot.n_ssh_keys; i++)
		free(s->first_boot.ssh_keys[i]);
	free(s->first_boot.ssh_keys);
	free(s->first_boot.locale);
	free(s->first_boot.timezone);
}

static bool is_given(const struct spec_source *s)
{
	return s->text || s->file;
}

static void out_source(struct json_out *o, const char *key, const struct spec_source *s)
{
	if (s->text)
		json_out_str(o, key, s->text);
	if (!s->file)
		return;
	json_out_object(o, key);
	json_out_str(o, "file", s->file);
	json_out_object_end(o);
}

bool spec_has_cloud_init(const struct jail_spec *s)
{
	return is_given(&s->cloud_init.user_data) || is_given(&s->cloud_init.meta_data) ||
	       is_given(&s->cloud_init.network_config);
}

bool spec_has_first_boot(const struct jail_spec *s)
{
	return is_given(&s->first_boot.root_password) || s->first_boot.n_ssh_keys > 0 ||
	       s->first_boot.locale || s->first_boot.timezone;
}

static void first_boot_to_json(const struct jail_spec *s, struct json_out *o)
{
	json_out_object(o, "firstBoot");
	out_source(o, "rootPassword", &s->first_boot.root_password);
	if (s->first_boot.n_ssh_keys > 0) {
		json_out_array(o, "sshKeys");
		for (size_t i = 0; i < s->first_boot.n_ssh_keys; i++)
			json_out_str(o, NULL, s->first_boot.ssh_keys[i]);
		json_out_array_end(o);
	}
	if (s->first_boot.locale)
		json_out_str(o, "locale", s->first_boot.locale);
	if (s->first_boot.timezone)
		json_out_str(o, "timezone", s->first_boot.timezone);
	json_out_object_end(o);
}

void spec_firstboot_to_json(const struct jail_spec *s, struct json_out *o)
{
	if (s->systemd.n_credentials > 0) {
		json_out_object(o, "systemd");
		json_out_object(o, "credentials");
		for (size_t i = 0; i < s->systemd.n_credentials; i++)
			out_source(o, s->systemd.credentials[i].name,
				   &s->systemd.credentials[i].value);
		json_out_object_end(o);
		json_out_object_end(o);
	}
	if (spec_has_cloud_init(s)) {
		json_out_object(o, "cloudInit");
		out_source(o, "userData", &s->cloud_init.user_data);
		out_source(o, "metaData", &s->cloud_init.meta_data);
		out_source(o, "networkConfig", &s->cloud_init.network_config);
		json_out_object_end(o);
	}
	if (spec_has_first_boot(s))
		first_boot_to_json(s, o);
}

int spec_firstboot_check(const struct jail_spec *s, struct err *e)
{
	size_t bytes = 0;

	if (spec_has_cloud_init(s) && s->mode != SPEC_MODE_SYSTEM)
		return err_set(e, EINVAL, "cloudInit: only with mode \"system\"");
	if (s->security.readonly_root && (spec_has_cloud_init(s) || spec_has_first_boot(s)))
		return err_set(e, EINVAL,
			       "%s: needs a root file system that can be written, not %s",
			       spec_has_first_boot(s) ? "firstBoot" : "cloudInit",
			       "security.readonlyRoot");
	for (size_t i = 0; i < s->systemd.n_credentials; i++)
		if (s->systemd.credentials[i].value.text)
			bytes += strlen(s->systemd.credentials[i].value.text);
	if (bytes > LIMIT_CREDENTIAL_BYTES)
		return err_set(e, E2BIG, "systemd.credentials: %zu bytes are too many, at most %u",
			       bytes, LIMIT_CREDENTIAL_BYTES);
	return 0;
}
