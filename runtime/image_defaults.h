/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an image asks for becomes defaults of the spec: the one place where something of its config
 * document gets into a spec, with the list of what does (row 44):
 *
 *     Entrypoint, Cmd    process.args, both one after the other; not with mode "system"
 *     Env                process.env, the variables that the spec doesn't set
 *     User               process.user; not with mode "system"
 *     WorkingDir         process.cwd
 *     StopSignal         stop.signal; not with mode "system"
 *
 * What the spec gives goes before. Nothing else of an image changes an instance: its ports are not
 * published unless that is asked for (expose.c), its volumes not made, its health check not run,
 * and its labels are not the instance's, because firewall rules go by those. `inspect` shows them.
 */
#ifndef JAIL_RUNTIME_IMAGE_DEFAULTS_H
#define JAIL_RUNTIME_IMAGE_DEFAULTS_H

#include "base/file.h"
#include "images/manifest.h"
#include "runtime/jail.h"
#include "runtime/spec.h"

/* Before spec_finish(), which judges the result. -EINVAL: what the image wants can't be, with the
 * field of the spec that goes before it. A variable without a usable name is left out, with a
 * warning. */
int spec_apply_image(struct jail_spec *s, const struct image_config *c, struct err *e);

/* The reverse, on a finished spec: what is as this image would have it, or as it is where an image
 * asks for nothing, becomes unset; also what somebody has given who wanted just that. c: NULL: an
 * image without a config. */
int spec_unapply_image(struct jail_spec *s, const struct image_config *c, struct err *e);

/* The image that the spec names. Return: 1; 0: it names none. */
struct image;
int image_of_spec(struct jail *j, const struct jail_spec *s, struct image *ret, struct err *e);
/* spec_apply_image() with an image of the store. */
int image_apply(struct jail *j, const struct image *image, struct jail_spec *s, struct err *e);
/* Its config, parsed. Return: 1; 0: it has none. */
int image_read_config(struct jail *j, const struct image *image, struct image_config *ret,
		      struct err *e);
/* Keeps its config in an instance's directory, as image.json; without one, there is no such file.
 */
int image_keep_config(struct jail *j, const struct image *image, int dir, enum file_sync sync,
		      struct err *e);
/* Keeps this text. */
int image_keep_text(int dir, const char *text, size_t n, enum file_sync sync, struct err *e);
/* What was kept. Return: 1, and *ret is the caller's; 0: nothing. */
int image_kept_text(int dir, char **ret, size_t *ret_n, struct err *e);
/* The same, parsed. */
int image_kept_config(int dir, struct image_config *ret, struct err *e);
/* The same to be shown: owned by the caller, NULL: nothing, or nothing that can be read, which is a
 * warning. */
struct image_config *image_kept_look(int dir);

/* The same with the image that the spec names; nothing without one, or if it has no config. -ENOENT
 * there is no such image. */
int jail_apply_image(struct jail *j, struct jail_spec *s, struct err *e);

/*
 * Publishes each port that the image of the spec exposes and that the spec doesn't publish yet, on
 * a port of the host from 49152 to 65535 that is nobody's (expose.c): no running instance's, none
 * that another's spec publishes, none that a process listens on. It is not held until the start,
 * which is refused if somebody was faster. Before spec_finish(). -EADDRINUSE: there is none.
 */
int jail_publish_exposed(struct jail *j, struct jail_spec *s, struct err *e);

#endif
