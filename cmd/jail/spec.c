/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail spec: prints the spec that create would use for the same options, as a start for a file of
 * one's own; --validate judges files, with --policy also by what a policy allows.
 */
#include "cmd/jail/spec_flags.h"
#include "cmd/jail/verbs.h"
#include "runtime/policy.h"

struct spec_values {
	const char *file;
	struct option_list validate;
	bool defaults, json;
};

static const struct option options[] = {
	{ .name = "file",
	  .letter = 'f',
	  .type = OPTION_STRING,
	  .offset = offsetof(struct spec_values, file),
	  .value = "FILE",
	  .help = "spec to start from; \"-\" is stdin" },
	{ .name = "validate",
	  .type = OPTION_LIST,
	  .offset = offsetof(struct spec_values, validate),
	  .value = "FILE",
	  .help = "check a file, print only what is wrong" },
	{ .name = "defaults",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct spec_values, defaults),
	  .help = "fill in every default" },
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct spec_values, json),
	  .help = "changes nothing: a spec is JSON" },
	OPTION_END,
};

static int validate(const char *file, const struct policy *policy, struct err *e)
{
	CLEANUP_SPEC struct jail_spec spec = { .n_labels = 0 };
	CLEANUP_FREE char *text = NULL;
	const char *shown = str_eq(file, "-") ? "stdin" : file;
	size_t n = 0;
	int r = cli_read_file(file, LIMIT_JSON_BYTES, &text, &n, e);

	if (r < 0)
		return r;
	spec_init(&spec);
	r = spec_decode(shown, text, n, &spec, e);
	if (r < 0)
		return r;
	r = spec_finish(&spec, e);
	if (r >= 0 && policy)
		r = policy_check(policy, &spec, e);
	return r < 0 ? err_wrap(e, "%s", shown) : 0;
}

/* policy_file: NULL = not asked for. */
static int validate_all(const struct option_list *files, const char *policy_file, struct err *e)
{
	CLEANUP_POLICY struct policy policy = { .doc = NULL };
	int status = 0;

	if (policy_file && policy_read(policy_file, &policy, e) < 0)
		return err_wrap(e, "policy");

	for (size_t i = 0; i < files->n; i++) {
		struct err why = ERR_INIT;

		if (validate(files->v[i], policy_file ? &policy : NULL, &why) < 0) {
			cli_error(&why);
			status = EXIT_FAILED;
		}
	}
	return status;
}

/* What a first spec needs and nobody has said. */
static int fill_in_example(struct jail_spec *s, struct err *e)
{
	int r = 0;

	if (!s->name.s[0])
		r = name_parse("instance", "example", &s->name, e);
	if (r >= 0 && !s->has_image && !s->rootfs) {
		r = image_ref_parse("debian:12", &s->image, e);
		s->has_image = r >= 0;
	}
	if (r >= 0 && s->process.args.n == 0 && strv_add(&s->process.args, "/bin/sh") < 0)
		r = err_nomem(e);
	return r;
}

static int run(struct cli *c, struct err *e)
{
	const struct spec_values *v = c->values;
	CLEANUP_SPEC struct jail_spec spec = { .n_labels = 0 };
	CLEANUP_STRBUF struct strbuf b = STRBUF_INIT;
	size_t command = c->args.n_before_dashes > 0 ? 1 : 0;
	struct json_out o;
	int r;

	if (v->validate.n > 0 && c->args.n_operands > 0) {
		c->failed = EXIT_USAGE;
		(void)err_set(e, EINVAL, "spec: unexpected argument \"%s\" beside --validate",
			      c->args.operands[0]);
		return err_hint(e, "give --validate for each file");
	}
	if (v->validate.n > 0)
		return validate_all(&v->validate, c->global.policy, e);
	r = spec_flags_build(c, v->file, command, &spec, e);
	if (r >= 0 && command > 0)
		r = name_parse("instance", c->args.operands[0], &spec.name, e);
	if (r >= 0)
		r = fill_in_example(&spec, e);
	if (r >= 0 && v->defaults)
		r = spec_finish(&spec, e);
	if (r < 0)
		return r;
	json_out_init(&o, &b, true);
	spec_to_json(&spec, &o, NULL);
	return cli_print_json(&b, e);
}

const struct verb verb_spec = {
	.name = "spec",
	.operands = "[NAME [COMMAND [ARG...]]]",
	.help = "Print a spec to start from, or check one",
	.options = options,
	.shared = spec_flags,
	.values_size = sizeof(struct spec_values),
	.max_operands = OPERANDS_ANY,
	.command = true,
	.command_at = 1,
	.flags = VERB_BARE,
	.run = run,
};
