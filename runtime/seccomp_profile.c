/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The "linux.seccomp" object of the OCI runtime specification, and what container engines add to it
 * in their profile files: archMap, includes and excludes, comments, error numbers by name. A filter
 * is no place to be lenient: a mistyped key would widen it, so each unknown word is an error with
 * its position. Names of system calls are not judged here.
 *
 * In an OCI configuration (struct seccomp_profile's `oci`) the specification rules: what engines
 * add is not known there, and an unknown member is no error (config.md, "Extensibility") but a
 * warning.
 *
 * Rules whose conditions (capabilities, architecture, kernel) don't hold for the target are dropped
 * as they are read.
 */
#include <linux/seccomp.h>
#include <string.h>

#include "base/errno_name.h"
#include "base/num.h"
#include "runtime/creds.h"
#include "runtime/seccomp_priv.h"

struct reader {
	const struct json_doc *doc;
	const struct seccomp_target *target;
	bool listener; /* there is a listenerPath */
	struct seccomp_profile *profile;
};

static int check_type(const struct reader *r, const struct json *node, enum json_type type,
		      struct err *e)
{
	if (node->type == type)
		return 0;
	return json_err(r->doc, node, e, EINVAL, "must be %s, not %s", json_type_name(type),
			json_type_name(node->type));
}

/* The member, or NULL when it is missing or null (encoders of other engines write null for an empty
 * list). */
static const struct json *member(const struct json *object, const char *key)
{
	const struct json *node = json_get(object, key);

	return node && node->type != JSON_NULL ? node : NULL;
}

/* What is not in the OCI specification. */
static const struct json *extension(const struct reader *r, const struct json *object,
				    const char *key)
{
	return r->profile->oci ? NULL : member(object, key);
}

/* The keys that may be there; those after the first n_oci are extensions. */
struct keys {
	const char *const *names;
	size_t n_oci, n;
};

static int check_keys(const struct reader *r, const struct json *object, const struct keys *keys,
		      struct err *e)
{
	size_t n = r->profile->oci ? keys->n_oci : keys->n, i;
	struct err ignored = ERR_INIT;
	int near;

	for (const struct json *m = object->first; m; m = m->next) {
		for (i = 0; i < n && !str_eq(m->key, keys->names[i]); i++)
			;
		if (i < n)
			continue;
		if (r->profile->oci) {
			(void)json_err_key(r->doc, m, &ignored, EINVAL, "unknown, and ignored");
			warn("%s", ignored.text);
			continue;
		}
		near = ident_nearest(m->key, keys->names, n);
		(void)json_err_key(r->doc, m, e, EINVAL, "unknown key");
		return near < 0 ? -EINVAL : err_hint(e, "did you mean \"%s\"?", keys->names[near]);
	}
	return 0;
}

static int read_word(const struct reader *r, const struct json *node, const char *kind,
		     const struct seccomp_word *words, size_t n, uint32_t *ret, struct err *e)
{
	const char *names[16];
	int near;

	if (check_type(r, node, JSON_STRING, e) < 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (str_eq(node->text, words[i].name)) {
			*ret = words[i].value;
			return 0;
		}
		names[i] = words[i].name;
	}
	near = ident_nearest(node->text, names, n);
	(void)json_err(r->doc, node, e, EINVAL, "unknown %s \"%.64s\"", kind, node->text);
	return near < 0 ? -EINVAL : err_hint(e, "did you mean \"%s\"?", names[near]);
}

static int read_u64(const struct reader *r, const struct json *node, uint64_t max, uint64_t *ret,
		    struct err *e)
{
	struct err why = ERR_INIT;

	if (check_type(r, node, JSON_NUMBER, e) < 0)
		return -EINVAL;
	if (num_parse_u64(node->text, 0, max, ret, &why) < 0)
		return json_err(r->doc, node, e, EINVAL, "%s", why.text);
	return 0;
}

static int read_errno_name(const struct reader *r, const struct json *node, uint64_t *ret,
			   struct err *e)
{
	int number;

	if (check_type(r, node, JSON_STRING, e) < 0)
		return -EINVAL;
	number = errno_by_name(node->text);
	if (!number)
		return json_err(r->doc, node, e, EINVAL, "unknown error name \"%.32s\"",
				node->text);
	*ret = (uint64_t)number;
	return 0;
}

/*
 * Action with its number: `number` is errnoRet, `name` errno (Podman's spelling of the same). The
 * number is for ERRNO and TRACE only; without one they mean EPERM, as the specification says.
 */
static int read_action(const struct reader *r, const struct json *action, const struct json *number,
		       const struct json *name, uint32_t *ret, struct err *e)
{
	uint64_t value = EPERM;
	uint64_t by_name = 0;

	if (read_word(r, action, "action", seccomp_actions, seccomp_n_actions, ret, e) < 0)
		return -EINVAL;
	if (*ret == SCMP_ACT_NOTIFY && !r->profile->oci)
		return json_err(r->doc, action, e, EOPNOTSUPP,
				"SCMP_ACT_NOTIFY is not supported yet");
	if (*ret == SCMP_ACT_NOTIFY && !r->listener)
		return json_err(r->doc, action, e, EINVAL,
				"SCMP_ACT_NOTIFY without \"listenerPath\": nobody would answer");
	/* The kernel cuts the number to MAX_ERRNO (4095), libseccomp refuses even that. */
	if (number && read_u64(r, number, 4094, &value, e) < 0)
		return -EINVAL;
	if (name && name->len > 0) {
		if (read_errno_name(r, name, &by_name, e) < 0)
			return -EINVAL;
		if (number && by_name != value)
			return json_err(r->doc, name, e, EINVAL,
					"another error than the number beside it");
		value = by_name;
	}
	if (*ret == SCMP_ACT_ERRNO(0))
		*ret = SCMP_ACT_ERRNO((uint32_t)value);
	else if (*ret == SCMP_ACT_TRACE(0))
		*ret = SCMP_ACT_TRACE((uint32_t)value);
	else if (number || (name && name->len > 0))
		return json_err(r->doc, number ? number : name, e, EINVAL,
				"only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE");
	return 0;
}

static const struct seccomp_arch_name *find_arch(const char *name, bool go_name)
{
	for (size_t i = 0; i < seccomp_n_arches; i++)
		if (str_eq(name, go_name ? seccomp_arches[i].go_name : seccomp_arches[i].name))
			return &seccomp_arches[i];
	return NULL;
}

static int read_arch(const struct reader *r, const struct json *node, bool go_name,
		     uint32_t *ret_token, struct err *e)
{
	const struct seccomp_arch_name *arch;

	if (check_type(r, node, JSON_STRING, e) < 0)
		return -EINVAL;
	arch = find_arch(node->text, go_name);
	if (!arch)
		return json_err(r->doc, node, e, EINVAL, "unknown architecture \"%.64s\"",
				node->text);
	*ret_token = arch->token;
	return 0;
}

/* Those that the target can't run would be dead code, and libseccomp refuses another endianness. */
static void add_arch(const struct reader *r, uint32_t token)
{
	struct seccomp_profile *p = r->profile;

	if (token == 0 || !seccomp_arch_runs(r->target->arch, token))
		return;
	for (size_t i = 0; i < p->n_arches; i++)
		if (p->arches[i] == token)
			return;
	if (p->n_arches < SECCOMP_ARCHES_MAX)
		p->arches[p->n_arches++] = token;
}

static int read_arch_list(const struct reader *r, const struct json *list, bool add, struct err *e)
{
	uint32_t token = 0;

	if (check_type(r, list, JSON_ARRAY, e) < 0)
		return -EINVAL;
	for (const struct json *n = list->first; n; n = n->next) {
		if (read_arch(r, n, false, &token, e) < 0)
			return -EINVAL;
		if (add)
			add_arch(r, token);
	}
	return 0;
}

static int read_arch_map(const struct reader *r, const struct json *map, struct err *e)
{
	static const char *const names[] = { "architecture", "subArchitectures" };
	static const struct keys keys = { names, 0, ARRAY_SIZE(names) };
	const struct json *arch, *subs;
	uint32_t token = 0;

	if (check_type(r, map, JSON_ARRAY, e) < 0)
		return -EINVAL;
	for (const struct json *n = map->first; n; n = n->next) {
		if (check_type(r, n, JSON_OBJECT, e) < 0 || check_keys(r, n, &keys, e) < 0)
			return -EINVAL;
		arch = member(n, "architecture");
		subs = member(n, "subArchitectures");
		if (!arch)
			return json_err(r->doc, n, e, EINVAL, "\"architecture\" is missing");
		if (read_arch(r, arch, false, &token, e) < 0)
			return -EINVAL;
		if (subs && read_arch_list(r, subs, token == r->target->arch, e) < 0)
			return -EINVAL;
	}
	return 0;
}

static int read_arches(const struct reader *r, const struct json *root, struct err *e)
{
	const struct json *list = member(root, "architectures");
	const struct json *map = extension(r, root, "archMap");

	add_arch(r, r->target->arch);
	if (list && map && list->count > 0 && map->count > 0)
		return json_err_key(r->doc, map, e, EINVAL,
				    "given together with \"architectures\"; use one of them");
	if (list && read_arch_list(r, list, true, e) < 0)
		return -EINVAL;
	return map ? read_arch_map(r, map, e) : 0;
}

/*
 * The operand of a comparison as libseccomp wants it. MASKED_EQ: value is the mask, valueTwo what
 * must come out.
 */
static int read_arg(const struct reader *r, const struct json *node, struct scmp_arg_cmp *ret,
		    struct err *e)
{
	static const char *const names[] = { "index", "value", "valueTwo", "op" };
	static const struct keys keys = { names, ARRAY_SIZE(names), ARRAY_SIZE(names) };
	const struct json *index, *value, *two, *op;
	uint64_t number = 0;
	uint32_t word = 0;

	*ret = (struct scmp_arg_cmp){ .arg = 0 };
	if (check_type(r, node, JSON_OBJECT, e) < 0 || check_keys(r, node, &keys, e) < 0)
		return -EINVAL;
	index = member(node, "index");
	value = member(node, "value");
	two = member(node, "valueTwo");
	op = member(node, "op");
	if (!index || !value || !op)
		return json_err(r->doc, node, e, EINVAL, "\"%s\" is missing",
				!index ? "index" : (!value ? "value" : "op"));
	if (read_u64(r, index, 5, &number, e) < 0 ||
	    read_u64(r, value, UINT64_MAX, &ret->datum_a, e) < 0 ||
	    (two && read_u64(r, two, UINT64_MAX, &ret->datum_b, e) < 0) ||
	    read_word(r, op, "operator", seccomp_ops, seccomp_n_ops, &word, e) < 0)
		return -EINVAL;
	ret->arg = (unsigned)number;
	ret->op = (enum scmp_compare)word;
	if (ret->op != SCMP_CMP_MASKED_EQ && ret->datum_b != 0)
		return json_err(r->doc, two, e, EINVAL, "only for SCMP_CMP_MASKED_EQ");
	return 0;
}

static int read_args(const struct reader *r, const struct json *list, struct seccomp_rule *rule,
		     struct err *e)
{
	if (check_type(r, list, JSON_ARRAY, e) < 0)
		return -EINVAL;
	if (list->count > SECCOMP_ARGS_MAX)
		return json_err(r->doc, list, e, E2BIG, "%zu conditions, at most %d", list->count,
				SECCOMP_ARGS_MAX);
	for (const struct json *n = list->first; n; n = n->next)
		if (read_arg(r, n, &rule->args[rule->n_args++], e) < 0)
			return -EINVAL;
	return 0;
}

/* includes: all of the capabilities; excludes: none of them. */
static int match_caps(const struct reader *r, const struct json *list, bool *ret_all, bool *ret_any,
		      struct err *e)
{
	bool has;
	int cap;

	if (check_type(r, list, JSON_ARRAY, e) < 0)
		return -EINVAL;
	for (const struct json *n = list->first; n; n = n->next) {
		if (check_type(r, n, JSON_STRING, e) < 0)
			return -EINVAL;
		cap = creds_capability_parse(n->text);
		if (cap < 0)
			return json_err(r->doc, n, e, EINVAL, "unknown capability \"%.64s\"",
					n->text);
		has = r->target->capabilities >> cap & 1;
		*ret_all &= has;
		*ret_any |= has;
	}
	return 0;
}

static int match_arches(const struct reader *r, const struct json *list, bool *ret_any,
			struct err *e)
{
	uint32_t token = 0;

	if (check_type(r, list, JSON_ARRAY, e) < 0)
		return -EINVAL;
	for (const struct json *n = list->first; n; n = n->next) {
		if (read_arch(r, n, true, &token, e) < 0)
			return -EINVAL;
		*ret_any |= token == r->target->arch;
	}
	return 0;
}

/* "4.8": the kernel's major and minor are not lower. */
static int match_kernel(const struct reader *r, const struct json *node, bool *ret, struct err *e)
{
	struct err ignored = ERR_INIT;
	uint64_t major, minor;
	char text[16];
	char *dot;

	if (check_type(r, node, JSON_STRING, e) < 0)
		return -EINVAL;
	if (str_format(text, sizeof(text), "%s", node->text) < 0 || !(dot = strchr(text, '.')))
		goto bad;
	*dot = '\0';
	if (num_parse_u64(text, 0, 9999, &major, &ignored) < 0 ||
	    num_parse_u64(dot + 1, 0, 9999, &minor, &ignored) < 0)
		goto bad;
	*ret = r->target->kernel_major > major ||
	       (r->target->kernel_major == major && r->target->kernel_minor >= minor);
	return 0;
bad:
	return json_err(r->doc, node, e, EINVAL, "not a kernel version like \"5.19\"");
}

static int read_condition(const struct reader *r, const struct json *node, bool exclude, bool *keep,
			  struct err *e)
{
	static const char *const names[] = { "caps", "arches", "minKernel" };
	static const struct keys keys = { names, 0, ARRAY_SIZE(names) };
	bool all = true;
	bool any = false;
	bool any_arch = false;
	bool kernel = !exclude;
	const struct json *m;

	if (check_type(r, node, JSON_OBJECT, e) < 0 || check_keys(r, node, &keys, e) < 0)
		return -EINVAL;
	if ((m = member(node, "caps")) && match_caps(r, m, &all, &any, e) < 0)
		return -EINVAL;
	if ((m = member(node, "arches")) && match_arches(r, m, &any_arch, e) < 0)
		return -EINVAL;
	if (m && m->count == 0)
		m = NULL;
	if (exclude)
		*keep &= !any && !any_arch;
	else
		*keep &= all && (!m || any_arch);
	if ((m = member(node, "minKernel")) && m->len > 0 && match_kernel(r, m, &kernel, e) < 0)
		return -EINVAL;
	*keep &= exclude ? !kernel : kernel;
	return 0;
}

static int check_name(const struct reader *r, const struct json *node, struct err *e)
{
	if (check_type(r, node, JSON_STRING, e) < 0)
		return -EINVAL;
	if (node->len == 0 || node->len > 64)
		return json_err(r->doc, node, e, EINVAL, "not the name of a system call");
	return 0;
}

/* "names", or one "name" as in old profiles. */
static int read_names(const struct reader *r, const struct json *node, struct seccomp_rule *rule,
		      struct err *e)
{
	const struct json *names = member(node, "names");
	const struct json *name = extension(r, node, "name");

	if (name && name->type == JSON_STRING && name->len == 0)
		name = NULL;
	if (!names == !name)
		return json_err(r->doc, node, e, EINVAL,
				names ? "both \"name\" and \"names\"" : "\"names\" is missing");
	rule->names = names ? names : name;
	if (name)
		return check_name(r, name, e);
	if (check_type(r, names, JSON_ARRAY, e) < 0)
		return -EINVAL;
	if (names->count == 0)
		return json_err(r->doc, names, e, EINVAL, "names no system call");
	for (const struct json *n = names->first; n; n = n->next)
		if (check_name(r, n, e) < 0)
			return -EINVAL;
	return 0;
}

static int read_rule(const struct reader *r, const struct json *node, struct seccomp_rule *rule,
		     bool *ret_keep, struct err *e)
{
	static const char *const names[] = { "names",	 "action", "errnoRet", "args",	  "comment",
					     "includes", "name",   "errno",    "excludes" };
	static const struct keys keys = { names, 5, ARRAY_SIZE(names) };
	const struct json *m;

	*rule = (struct seccomp_rule){ .node = node };
	*ret_keep = true;
	if (check_type(r, node, JSON_OBJECT, e) < 0 || check_keys(r, node, &keys, e) < 0)
		return -EINVAL;
	if (read_names(r, node, rule, e) < 0)
		return -EINVAL;
	m = member(node, "action");
	if (!m)
		return json_err(r->doc, node, e, EINVAL, "\"action\" is missing");
	if (read_action(r, m, member(node, "errnoRet"), extension(r, node, "errno"), &rule->action,
			e) < 0)
		return -e->code;
	if ((m = member(node, "args")) && read_args(r, m, rule, e) < 0)
		return -e->code;
	if ((m = extension(r, node, "includes")) && read_condition(r, m, false, ret_keep, e) < 0)
		return -EINVAL;
	if ((m = extension(r, node, "excludes")) && read_condition(r, m, true, ret_keep, e) < 0)
		return -EINVAL;
	return 0;
}

static int read_rules(const struct reader *r, const struct json *list, struct err *e)
{
	struct seccomp_profile *p = r->profile;
	bool keep = false;
	int ret;

	if (check_type(r, list, JSON_ARRAY, e) < 0)
		return -EINVAL;
	if (list->count > SECCOMP_RULES_MAX)
		return json_err(r->doc, list, e, E2BIG, "%zu rules, at most %d", list->count,
				SECCOMP_RULES_MAX);
	p->rules = calloc(list->count + 1, sizeof(*p->rules));
	if (!p->rules)
		return err_nomem(e);
	for (const struct json *n = list->first; n; n = n->next) {
		ret = read_rule(r, n, &p->rules[p->n_rules], &keep, e);
		if (ret < 0)
			return ret;
		if (keep)
			p->n_rules++;
	}
	return 0;
}

static int read_flags(const struct reader *r, const struct json *list, struct err *e)
{
	uint32_t flag = 0;

	if (check_type(r, list, JSON_ARRAY, e) < 0)
		return -EINVAL;
	for (const struct json *n = list->first; n; n = n->next) {
		if (read_word(r, n, "flag", seccomp_flags, seccomp_n_flags, &flag, e) < 0)
			return -EINVAL;
		r->profile->flags |= flag;
	}
	return 0;
}

/* Who is told of SCMP_ACT_NOTIFY: for the one that installs the filter, not for the program. */
static int read_listener(struct reader *r, const struct json *root, struct err *e)
{
	const struct json *path = member(root, "listenerPath");
	const struct json *metadata = member(root, "listenerMetadata");

	if (!r->profile->oci && (path || metadata))
		return json_err_key(r->doc, path ? path : metadata, e, EOPNOTSUPP,
				    "is not supported yet");
	if ((path && check_type(r, path, JSON_STRING, e) < 0) ||
	    (metadata && check_type(r, metadata, JSON_STRING, e) < 0))
		return -EINVAL;
	r->listener = path && path->len > 0;
	if (r->listener && path->text[0] != '/')
		return json_err(r->doc, path, e, EINVAL, "must be an absolute path");
	if (metadata && metadata->len > 0 && !r->listener)
		return json_err_key(r->doc, metadata, e, EINVAL, "given without \"listenerPath\"");
	return 0;
}

static int read_profile(struct reader *r, const struct json *root, struct err *e)
{
	static const char *const names[] = {
		"defaultAction", "defaultErrnoRet", "architectures",	"syscalls",	"flags",
		"comment",	 "listenerPath",    "listenerMetadata", "defaultErrno", "archMap"
	};
	static const struct keys keys = { names, 8, ARRAY_SIZE(names) };
	const struct json *m;

	if (check_type(r, root, JSON_OBJECT, e) < 0 || check_keys(r, root, &keys, e) < 0)
		return -EINVAL;
	if (read_listener(r, root, e) < 0)
		return -e->code;
	m = member(root, "defaultAction");
	if (!m)
		return json_err(r->doc, root, e, EINVAL, "\"defaultAction\" is missing");
	if (read_action(r, m, member(root, "defaultErrnoRet"), extension(r, root, "defaultErrno"),
			&r->profile->default_action, e) < 0)
		return -e->code;
	if ((m = member(root, "flags")) && read_flags(r, m, e) < 0)
		return -EINVAL;
	if (read_arches(r, root, e) < 0)
		return -EINVAL;
	m = member(root, "syscalls");
	return m ? read_rules(r, m, e) : 0;
}

/* Takes p->doc over. */
static int read_into(struct seccomp_profile *p, const struct json *root,
		     const struct seccomp_target *target, struct seccomp_profile *ret,
		     struct err *e)
{
	struct reader r = { .doc = p->doc, .target = target, .profile = p };
	int result = read_profile(&r, root, e);

	if (result < 0)
		seccomp_profile_free(p);
	else
		*ret = *p;
	return result;
}

int seccomp_profile_parse(const char *file, const char *text, size_t n,
			  const struct seccomp_target *target, struct seccomp_profile *ret,
			  struct err *e)
{
	struct seccomp_profile p = { .doc = NULL };
	int r = json_parse(file, text, n, &p.doc, e);

	return r < 0 ? r : read_into(&p, json_root(p.doc), target, ret, e);
}

int seccomp_profile_read_oci(const char *file, const struct json *node,
			     const struct seccomp_target *target, struct seccomp_profile *ret,
			     struct err *e)
{
	struct seccomp_profile p = { .oci = true };
	int r = json_doc_named(file, &p.doc, e);

	return r < 0 ? r : read_into(&p, node, target, ret, e);
}

void seccomp_profile_free(struct seccomp_profile *p)
{
	free(p->rules);
	json_doc_free(&p->doc);
	*p = (struct seccomp_profile){ .doc = NULL };
}

int seccomp_rule_each_name(const struct seccomp_rule *rule, seccomp_name_fn *fn, void *arg)
{
	int r = 0;

	if (rule->names->type == JSON_STRING)
		return fn(rule->names, arg);
	for (const struct json *n = rule->names->first; n && r >= 0; n = n->next)
		r = fn(n, arg);
	return r;
}
