/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First boot, the launcher's half; see provision.h. */
#include "runtime/provision.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "runtime/spec_priv.h"

#define MARK "provisioned"

static void text_free(struct provision_text *t)
{
	if (t->data)
		explicit_bzero(t->data, t->len);
	free(t->data);
	*t = (struct provision_text){ .data = NULL };
}

void provision_free(struct provision *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->credentials); i++)
		text_free(&p->credentials[i]);
	text_free(&p->password);
	text_free(&p->user_data);
	text_free(&p->meta_data);
	text_free(&p->network_config);
}

static int read_host_file(const char *path, size_t max, struct provision_text *ret, struct err *e)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "%s is not a regular file", path);
	r = fd_read_all(fd, max, &ret->data, &ret->len);
	return r < 0 ? err_ret(e, r, "read %s (at most %zu bytes)", path, max) : 0;
}

static int load(const struct spec_source *source, size_t max, struct provision_text *ret,
		struct err *e)
{
	if (source->file)
		return read_host_file(source->file, max, ret, e);
	if (!source->text)
		return 0;
	ret->data = strdup(source->text);
	if (!ret->data)
		return err_nomem(e);
	ret->len = strlen(ret->data);
	return 0;
}

static int load_credentials(const struct jail_spec *spec, struct provision *p, struct err *e)
{
	size_t left = LIMIT_CREDENTIAL_BYTES;

	for (size_t i = 0; i < spec->systemd.n_credentials; i++) {
		const struct spec_credential *c = &spec->systemd.credentials[i];
		struct provision_text *t = &p->credentials[i];

		if (load(&c->value, LIMIT_CREDENTIAL_BYTES, t, e) < 0)
			return err_wrap(e, "systemd.credentials.%s", c->name);
		if (t->len > left)
			return err_set(e, E2BIG,
				       "systemd.credentials.%s: all together may have %u bytes",
				       c->name, LIMIT_CREDENTIAL_BYTES);
		left -= t->len;
		p->secrets[i] = (struct rootfs_secret){ c->name, t->data, t->len };
		p->n_secrets = i + 1;
	}
	return 0;
}

static int load_password(const struct jail_spec *spec, struct provision *p, struct err *e)
{
	struct provision_text *t = &p->password;

	if (load(&spec->first_boot.root_password, 4096, t, e) < 0)
		return err_wrap(e, "firstBoot.rootPassword");
	if (!t->data)
		return 0;
	t->data[strcspn(t->data, "\r\n")] = '\0'; /* its file ends like any text */
	return spec_check_password_hash(t->data, e) < 0 ? err_wrap(e, "firstBoot.rootPassword") : 0;
}

static int load_seed(const struct jail_spec *spec, const char *id, struct provision *p,
		     struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct provision_text given = { .data = NULL };
	int r;

	if (load(&spec->cloud_init.user_data, LIMIT_CLOUD_INIT_BYTES, &p->user_data, e) < 0)
		return err_wrap(e, "cloudInit.userData");
	if (load(&spec->cloud_init.network_config, LIMIT_CLOUD_INIT_BYTES, &p->network_config, e) <
	    0)
		return err_wrap(e, "cloudInit.networkConfig");
	r = load(&spec->cloud_init.meta_data, LIMIT_CLOUD_INIT_BYTES, &given, e);
	if (r >= 0)
		r = provision_meta_data(given.data, id, spec->hostname, &b, e);
	text_free(&given);
	if (r < 0)
		return err_wrap(e, "cloudInit.metaData");
	if (strbuf_ok(&b, e) < 0)
		return -e->code;
	p->meta_data.len = b.len;
	p->meta_data.data = strbuf_take(&b);
	return p->meta_data.data ? 0 : err_nomem(e);
}

int provision_load(const struct jail_spec *spec, const char *id, int dir, struct provision *ret,
		   struct err *e)
{
	ret->spec = spec;
	if (load_credentials(spec, ret, e) < 0)
		return -e->code;
	if (!spec_has_cloud_init(spec) && !spec_has_first_boot(spec))
		return 0;
	if (faccessat(dir, MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	ret->first_boot = true;
	if (load_password(spec, ret, e) < 0)
		return -e->code;
	return spec_has_cloud_init(spec) ? load_seed(spec, id, ret, e) : 0;
}

/* Of a volatile root each start is the first. */
int provision_done(const struct provision *p, int dir, struct err *e)
{
	return p->first_boot && !p->spec->is_volatile
		       ? file_write_at(dir, MARK, "", 0, 0600, FILE_SYNC, e)
		       : 0;
}
