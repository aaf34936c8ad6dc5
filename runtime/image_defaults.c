/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/image_defaults.h"

#include "base/str.h"
#include "images/digest.h"
#include "runtime/engine_priv.h"
#include "runtime/spec_priv.h"

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

int jail_apply_image(struct jail *j, struct jail_spec *s, struct err *e)
{
	CLEANUP_IMAGE_CONFIG struct image_config config = { .author = NULL };
	CLEANUP_FREE char *text = NULL;
	struct image image;
	size_t n = 0;
	int r;

	if (!s->has_image)
		return 0;
	r = engine_store(j, e);
	if (r >= 0)
		r = store_get(&j->store, &s->image, &image, e);
	if (r < 0)
		return err_wrap(e, "image");
	if (!digest_is_set(&image.config))
		return 0;
	r = store_config_read(&j->store, &image.config, &text, &n, e);
	if (r >= 0)
		r = image_config_parse(s->image.s, text, n, &config, e);
	if (r >= 0)
		r = spec_apply_image(s, &config, e);
	return r < 0 ? err_wrap(e, "image %s", s->image.s) : 0;
}
