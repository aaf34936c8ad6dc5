/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail run: create, start, attach, in one go. When the start fails nothing stays: the instance that
 * was made for it is removed again.
 */
#include <sys/random.h>
#include <sys/stat.h>

#include "cmd/jail/attachment.h"
#include "cmd/jail/spec_flags.h"
#include "cmd/jail/verbs.h"
#include "runtime/image_defaults.h"

struct run_values {
	const char *file, *name;
	bool remove, detach, json, publish_all;
};

static const struct option options[] = {
	{ .name = "file",
	  .letter = 'f',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct run_values, file),
	  .value = "FILE",
	  .help = "spec to start from; \"-\" is stdin" },
	{ .name = "name",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct run_values, name),
	  .value = "NAME",
	  .help = "default: run- and eight random digits" },
	{ .name = "rm",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_values, remove),
	  .help = "remove the instance when it ends" },
	{ .name = "detach",
	  .letter = 'd',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_values, detach),
	  .help = "print the name and return" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_values, json),
	  .help = "with --detach: print JSON (docs/json.md)" },
	{ .name = "publish-all",
	  .letter = 'P',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct run_values, publish_all),
	  .help = "publish the ports that the image exposes" },
	OPTION_END,
};

static int choose_name(const char *wanted, struct jail_name *name, struct err *e)
{
	char text[32];
	uint32_t number = 0;

	if (wanted)
		return name_parse("instance", wanted, name, e);
	if (name->s[0])
		return 0; /* from the file */
	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return err_sys(e, "getrandom");
	(void)str_format(text, sizeof(text), "run-%08x", number);
	return name_parse("instance", text, name, e);
}

/* Return: 0, *ret_client and the id, or the error of the start. */
static int create_and_start(struct cli *c, const struct jail_spec *spec, int *ret_client,
			    struct instance_info *ret_info, struct err *e)
{
	const struct run_values *v = c->values;
	const struct start_options start = { .remove_at_exit = v->remove, .attach = !v->detach };
	struct err remove_error = ERR_INIT;
	bool exec_failed = false;
	int r = instance_create(c->jail, spec, !v->remove, e);

	if (r < 0)
		return r;
	/* Before the start: with --rm it may be gone right after. */
	r = v->json ? instance_info(c->jail, &spec->name, false, ret_info, e) : 0;
	if (r >= 0)
		r = instance_start(c->jail, &spec->name, &start, ret_client, &exec_failed, e);
	if (r >= 0)
		return 0;
	if (exec_failed)
		c->failed = attachment_exec_status(e->code);
	/* With --rm it is gone already when the start got far enough. */
	if (instance_remove(c->jail, &spec->name, true, &remove_error) < 0 &&
	    remove_error.code != ENOENT)
		warn("%s stays behind: %s", spec->name.s, remove_error.text);
	return r;
}

static int print_detached(const struct jail_spec *spec, const struct instance_info *info, bool json,
			  struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	struct json_out o;

	if (!json) {
		(void)puts(spec->name.s);
		return 0;
	}
	json_out_init(&o, &b, true);
	json_out_object(&o, NULL);
	json_out_str(&o, "name", spec->name.s);
	json_out_str(&o, "id", info->id);
	json_out_object_end(&o);
	return cli_print_json(&b, e);
}

/* With --rm the supervisor removes it. Nobody hears it when it can't. dir: or why it could not be
 * opened, in *why. */
static void warn_if_left(const struct jail_spec *spec, int dir, struct err *why)
{
	struct stat st = { .st_nlink = 0 };
	int r = dir;

	if (r >= 0 && fstat(r, &st) < 0)
		r = err_sys(why, "stat its directory");
	if (st.st_nlink > 0)
		warn("%s could not be removed at its end: jail rm %s", spec->name.s, spec->name.s);
	else if (r < 0 && r != -ENOENT)
		warn("whether %s was removed at its end is not known: %s", spec->name.s, why->text);
}

static int attach(struct cli *c, const struct jail_spec *spec, int client, struct err *e)
{
	const struct run_values *v = c->values;
	struct err why = ERR_INIT;
	CLEANUP_FD int dir = v->remove ? instance_directory(c->jail, &spec->name, &why) : -ENOENT;
	int r = attachment_run(client, spec,
			       ATTACHMENT_LOSSLESS | (v->remove ? ATTACHMENT_REMOVED : 0) |
				       (spec->process.stdin_open ? ATTACHMENT_STDIN : 0),
			       e);

	if (r >= 0)
		warn_if_left(spec, dir, &why);
	return r;
}

static int run(struct cli *c, struct err *e)
{
	const struct run_values *v = c->values;
	CLEANUP_SPEC struct jail_spec spec = { .n_labels = 0 };
	CLEANUP_INFO struct instance_info info = { .pid = 0 };
	CLEANUP_FD int client = -EBADF;
	int r;

	if (v->json && !v->detach)
		return err_set(e, EINVAL, "run: --json needs --detach");
	r = spec_flags_build(c, v->file, 0, &spec, e);
	if (r >= 0)
		r = choose_name(v->name, &spec.name, e);
	if (r < 0)
		return r;
	r = jail_apply_image(c->jail, &spec, e);
	if (r >= 0 && v->publish_all)
		r = jail_publish_exposed(c->jail, &spec, e);
	if (r >= 0)
		r = spec_finish(&spec, e);
	if (r < 0)
		return err_wrap(e, "run");
	r = create_and_start(c, &spec, &client, &info, e);
	if (r < 0)
		return r;
	if (v->detach)
		return print_detached(&spec, &info, v->json, e);
	return attach(c, &spec, client, e);
}

const struct verb verb_run = {
	.name = "run",
	.operands = "[COMMAND [ARG...]]",
	.help = "Create, start and attach to an instance",
	.options = options,
	.shared = spec_flags,
	.values_size = sizeof(struct run_values),
	.max_operands = OPERANDS_ANY,
	.command = true,
	.flags = VERB_STATE | VERB_PROGRAM,
	.run = run,
};
