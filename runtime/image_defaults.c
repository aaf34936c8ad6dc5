/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/image_defaults.h"

#include <signal.h>

#include "base/str.h"
#include "images/digest.h"
#include "runtime/engine_priv.h"
#include "runtime/spec_priv.h"

#define KEPT_CONFIG "image.json"

static int apply_args(struct jail_spec *s, const struct image_config *c, struct err *e)
{
	if (s->process.args.n > 0 || s->mode == SPEC_MODE_SYSTEM)
		return 0;
	for (size_t i = 0; i < c->n_entrypoint; i++)
		if (strv_add(&s->process.args, c->entrypoint[i]) < 0)
			return err_nomem(e);
	for (size_t i = 0; i < c->n_cmd; i++)
		if (strv_add(&s->process.args, c->cmd[i]) < 0)
			return err_nomem(e);
	return 0;
}

/* The image's first, so that the spec's replace them. */
static int apply_env(struct jail_spec *s, const struct image_config *c, struct err *e)
{
	CLEANUP_STRV struct strv env = { .n = 0 };
	struct strv given = s->process.env;

	for (size_t i = 0; i < c->n_env; i++) {
		struct err why = ERR_INIT;

		if (spec_env_set(&env, c->env[i], &why) >= 0)
			continue;
		if (why.code == ENOMEM)
			return err_nomem(e);
		warn("image %s: a variable of its environment is left out: %s", s->image.s,
		     why.text);
	}
	for (size_t i = 0; i < given.n; i++)
		if (spec_env_set(&env, given.v[i], e) < 0)
			return -e->code;
	s->process.env = env;
	env = given;
	return 0;
}

static int apply_user(struct jail_spec *s, const struct image_config *c, struct err *e)
{
	if (s->process.user || s->mode == SPEC_MODE_SYSTEM || !c->user || !c->user[0])
		return 0;
	if (spec_set_user(s, c->user, e) >= 0)
		return 0;
	return err_wrap(e, "the image's user (process.user goes before it)");
}

/* It may be relative to the root, as Docker takes it. */
static int apply_cwd(struct jail_spec *s, const struct image_config *c, struct err *e)
{
	const char *dir = c->working_dir;

	if (s->process.cwd || !dir || !dir[0])
		return 0;
	if (asprintf(&s->process.cwd, "%s%s", dir[0] == '/' ? "" : "/", dir) >= 0)
		return 0;
	s->process.cwd = NULL;
	return err_nomem(e);
}

static int apply_signal(struct jail_spec *s, const struct image_config *c, struct err *e)
{
	if (s->stop.signal || s->mode == SPEC_MODE_SYSTEM || !c->stop_signal || !c->stop_signal[0])
		return 0;
	if (spec_set_signal(c->stop_signal, &s->stop.signal, e) >= 0)
		return 0;
	return err_wrap(e, "the image's stop signal (stop.signal goes before it)");
}

int spec_apply_image(struct jail_spec *s, const struct image_config *c, struct err *e)
{
	int r = apply_args(s, c, e);

	if (r >= 0)
		r = apply_env(s, c, e);
	if (r >= 0)
		r = apply_user(s, c, e);
	if (r >= 0)
		r = apply_cwd(s, c, e);
	return r < 0 ? r : apply_signal(s, c, e);
}

static bool same_strings(const struct strv *a, const struct strv *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = str_eq(a->v[i], b->v[i]);
	return same;
}

static void unset_text(char **value, const char *fallback, const char *given)
{
	if (!*value || !str_eq(*value, given ? given : fallback))
		return;
	free(*value);
	*value = NULL;
}

static int unset_env(struct jail_spec *s, const struct strv *defaults, struct err *e)
{
	CLEANUP_STRV struct strv left = { .n = 0 };
	struct strv all = s->process.env;

	for (size_t i = 0; i < all.n; i++) {
		bool is_default = false;

		for (size_t k = 0; k < defaults->n && !is_default; k++)
			is_default = str_eq(all.v[i], defaults->v[k]);
		if (!is_default && strv_add(&left, all.v[i]) < 0)
			return err_nomem(e);
	}
	s->process.env = left;
	left = all;
	return 0;
}

int spec_unapply_image(struct jail_spec *s, const struct image_config *c, struct err *e)
{
	CLEANUP_SPEC struct jail_spec image;
	int r;

	spec_init(&image);
	image.mode = s->mode;
	image.image = s->image;
	r = c ? spec_apply_image(&image, c, e) : 0;
	if (r >= 0)
		r = unset_env(s, &image.process.env, e);
	if (r < 0)
		return r;
	unset_text(&s->process.cwd, "/", image.process.cwd);
	if (s->mode == SPEC_MODE_SYSTEM)
		return 0;
	unset_text(&s->process.user, "0", image.process.user);
	if (same_strings(&s->process.args, &image.process.args))
		strv_free(&s->process.args);
	if (s->stop.signal == (image.stop.signal ? image.stop.signal : SIGTERM))
		s->stop.signal = 0;
	return 0;
}

int image_keep_text(int dir, const char *text, size_t n, enum file_sync sync, struct err *e)
{
	return file_write_at(dir, KEPT_CONFIG, text, n, 0600, sync, e);
}

int image_keep_config(struct jail *j, const struct image *image, int dir, enum file_sync sync,
		      struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	size_t n = 0;
	int r;

	if (!digest_is_set(&image->config))
		return 0;
	r = store_config_read(&j->store, &image->config, &text, &n, e);
	return r < 0 ? r : image_keep_text(dir, text, n, sync, e);
}

int image_kept_text(int dir, char **ret, size_t *ret_n, struct err *e)
{
	struct err why = ERR_INIT;
	int r = file_read_at(dir, KEPT_CONFIG, MANIFEST_BYTES_MAX, ret, ret_n, &why);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		*e = why;
	return r < 0 ? r : 1;
}

int image_kept_config(int dir, struct image_config *ret, struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	size_t n = 0;
	int r = image_kept_text(dir, &text, &n, e);

	if (r <= 0)
		return r;
	r = image_config_parse(KEPT_CONFIG, text, n, ret, e);
	return r < 0 ? r : 1;
}

struct image_config *image_kept_look(int dir)
{
	struct image_config *c = calloc(1, sizeof(*c));
	struct err why = ERR_INIT;
	int r = c ? image_kept_config(dir, c, &why) : err_nomem(&why);

	if (r > 0)
		return c;
	if (r < 0)
		warn("%s", why.text);
	free(c);
	return NULL;
}

int image_read_config(struct jail *j, const struct image *image, struct image_config *ret,
		      struct err *e)
{
	CLEANUP_FREE char *text = NULL;
	size_t n = 0;
	int r;

	if (!digest_is_set(&image->config))
		return 0;
	r = store_config_read(&j->store, &image->config, &text, &n, e);
	if (r >= 0)
		r = image_config_parse(image->ref.s, text, n, ret, e);
	return r < 0 ? err_wrap(e, "image %s", image->ref.s) : 1;
}

int image_apply(struct jail *j, const struct image *image, struct jail_spec *s, struct err *e)
{
	CLEANUP_IMAGE_CONFIG struct image_config config = { .author = NULL };
	int r = image_read_config(j, image, &config, e);

	if (r <= 0)
		return r;
	return spec_apply_image(s, &config, e) < 0 ? err_wrap(e, "image %s", image->ref.s) : 0;
}

int image_of_spec(struct jail *j, const struct jail_spec *s, struct image *ret, struct err *e)
{
	int r;

	if (!s->has_image)
		return 0;
	r = engine_store(j, e);
	if (r >= 0)
		r = store_get(&j->store, &s->image, ret, e);
	return r < 0 ? r : 1;
}

int jail_apply_image(struct jail *j, struct jail_spec *s, struct err *e)
{
	struct image image;
	int r = image_of_spec(j, s, &image, e);

	if (r < 0)
		return err_wrap(e, "image");
	return r > 0 ? image_apply(j, &image, s, e) : 0;
}
