/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules into BPF, by libseccomp. Three things that it doesn't do are arranged here.
 *
 * Denials come first. libseccomp lets a rule without arguments swallow one with arguments for the
 * same call ("ioctl" allows, "ioctl TIOCSTI" denies: the second is gone), and leaves the order of
 * overlapping ones open. So the rules are split over two filters: a rule with arguments that denies
 * a call which another rule allows goes into the "deny" filter, everything else into the "main"
 * one. The deny filter's default is to allow, and in the finished program its RET ALLOW is a jump
 * to the main filter: the program says no if either does, as two stacked filters would, for the
 * price of one.
 *
 * 32-bit arguments. The kernel cuts ioctl's request and others to 32 bits, libseccomp compares 64.
 * A comparison of such an argument is rewritten as a union of comparisons under a mask: x < v, for
 * one, is that for some bit set in v, x agrees with v above it and has 0 there.
 *
 * i386's multiplexers. libseccomp gives each rule for socket(2) to socketcall(2) too, where the
 * family is out of sight: "socket AF_UNIX allows" would allow socketcall with any family. A call
 * with argument rules is denied through the multiplexer. (Programs of i386 glibc that go that way
 * lose it; those that use the direct calls of Linux 4.3, as musl's do, don't.)
 *
 * Contradictions are errors, but not in an OCI configuration: the profiles that engines ship have
 * some, and rely on what libseccomp makes of them, that is, the first rule without arguments holds.
 *
 * One filter context per architecture, merged at the end, so that rules can differ between them.
 */
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "runtime/seccomp_priv.h"

enum part { PART_MAIN, PART_DENY, N_PARTS };

/* All that the profile says of one system call, gathered before the first rule is added. */
struct call {
	int nr;
	bool permissive; /* some rule allows it */
	bool unconditional;
	uint32_t action; /* of the rule without arguments */
	const struct json *where; /* that rule */
};

struct compiler {
	const struct seccomp_profile *profile;
	scmp_filter_ctx filters[N_PARTS][SECCOMP_ARCHES_MAX];
	bool used[N_PARTS];
	struct call *calls;
	size_t n_calls, room;
	size_t n_added;
	const struct seccomp_rule *rule; /* at hand */
	struct err *e;
};

static void compiler_release(struct compiler *c)
{
	for (int part = 0; part < N_PARTS; part++)
		for (size_t i = 0; i < SECCOMP_ARCHES_MAX; i++)
			if (c->filters[part][i])
				seccomp_release(c->filters[part][i]);
	free(c->calls);
}

static int fail(const struct compiler *c, const struct json *node, int r, const char *what)
{
	return json_err(c->profile->doc, node, c->e, -r, "libseccomp: %s: %s", what, strerror(-r));
}

static int open_filter(struct compiler *c, enum part part, size_t arch)
{
	uint32_t action = part == PART_DENY ? SCMP_ACT_ALLOW : c->profile->default_action;
	uint32_t token = c->profile->arches[arch];
	scmp_filter_ctx filter = seccomp_init(action);
	int r;

	if (!filter)
		return err_set(c->e, ENOMEM, "libseccomp: cannot make a filter");
	c->filters[part][arch] = filter;
	r = seccomp_arch_add(filter, token);
	if (r == -EEXIST)
		r = 0;
	if (r == 0 && token != seccomp_arch_native())
		r = seccomp_arch_remove(filter, SCMP_ARCH_NATIVE);
	/* A call by an ABI that the profile doesn't have ends the process (row 56). */
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0) /* a binary tree over the numbers: log n comparisons */
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return r < 0 ? err_ret(c->e, r, "libseccomp: set a filter up") : 0;
}

/* Pass 1: what there is for each call. */

static struct call *find_call(struct compiler *c, int nr)
{
	for (size_t i = 0; i < c->n_calls; i++)
		if (c->calls[i].nr == nr)
			return &c->calls[i];
	return NULL;
}

static struct call *get_call(struct compiler *c, int nr)
{
	struct call *call = find_call(c, nr);
	struct call *more;

	if (call)
		return call;
	if (c->n_calls == c->room) {
		more = reallocarray(c->calls, c->room + 256, sizeof(*more));
		if (!more)
			return NULL;
		c->calls = more;
		c->room += 256;
	}
	call = &c->calls[c->n_calls++];
	*call = (struct call){ .nr = nr };
	return call;
}

static int gather_name(const struct json *name, void *arg)
{
	struct compiler *c = arg;
	const struct seccomp_rule *rule = c->rule;
	int nr = seccomp_syscall_resolve_name(name->text);
	struct call *call;

	if (nr == __NR_SCMP_ERROR)
		return 0; /* of another kernel, or newer than libseccomp */
	call = get_call(c, nr);
	if (!call)
		return err_nomem(c->e);
	call->permissive |= seccomp_action_is_permissive(rule->action);
	if (rule->n_args > 0)
		return 0;
	if (call->unconditional && c->profile->oci)
		return 0; /* the first one holds */
	if (call->unconditional && call->action != rule->action)
		return json_err(c->profile->doc, name, c->e, EINVAL,
				"\"%s\" has another action at line %u", name->text,
				call->where->line);
	call->unconditional = true;
	call->action = rule->action;
	call->where = name;
	return 0;
}

/* Pass 2: the rules. */

static int add_once(struct compiler *c, enum part part, size_t arch, uint32_t action, int nr,
		    const struct scmp_arg_cmp *args, size_t n)
{
	int r;

	if (++c->n_added > SECCOMP_RULES_MAX)
		return json_err(c->profile->doc, c->rule->node, c->e, E2BIG,
				"over %d rules once taken apart", SECCOMP_RULES_MAX);
	r = seccomp_rule_add_array(c->filters[part][arch], action, nr, (unsigned)n, args);
	if (r == -EDOM) /* not on this architecture */
		return 0;
	if (r < 0)
		return fail(c, c->rule->node, r, "add the rule");
	c->used[part] = true;
	return 0;
}

/* Comparisons under a mask whose union is `arg` on 32 bits. Return: how many. */
static size_t split_narrow(const struct scmp_arg_cmp *arg, struct scmp_arg_cmp ret[static 33])
{
	uint32_t v = (uint32_t)arg->datum_a;
	uint32_t bit, above;
	bool equal = arg->op == SCMP_CMP_EQ || arg->op == SCMP_CMP_GE || arg->op == SCMP_CMP_LE;
	bool less = arg->op == SCMP_CMP_LT || arg->op == SCMP_CMP_LE || arg->op == SCMP_CMP_NE;
	bool more = arg->op == SCMP_CMP_GT || arg->op == SCMP_CMP_GE || arg->op == SCMP_CMP_NE;
	size_t n = 0;

	if (equal)
		ret[n++] = SCMP_CMP64(arg->arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, v);
	for (int i = 0; i < 32; i++) {
		bit = 1u << i;
		above = UINT32_MAX << i;
		if (v & bit ? less : more)
			ret[n++] =
				SCMP_CMP64(arg->arg, SCMP_CMP_MASKED_EQ, above, (v ^ bit) & above);
	}
	return n;
}

/* A negative int may be written as its 64-bit pattern; any other value over 32 bits is a mistake.
 */
static bool fits_narrow(const struct scmp_arg_cmp *arg)
{
	uint64_t high = arg->datum_a >> 32;

	return high == 0 ||
	       (high == UINT32_MAX && (arg->op == SCMP_CMP_EQ || arg->op == SCMP_CMP_NE));
}

/*
 * The rule's conditions, all of which must hold, from `next` on; those before are in args. A narrow
 * one is replaced by each of its alternatives in turn: so the depth is at most 6.
 */
struct expansion {
	struct compiler *c;
	enum part part;
	size_t arch;
	uint32_t action;
	int nr;
	unsigned narrow;
	size_t n;
	struct scmp_arg_cmp args[6];
};

/* On its 32-bit architectures libseccomp compares the lower half alone. */
static bool compares_all_bits(uint32_t arch)
{
	return arch != SCMP_ARCH_X86 && arch != SCMP_ARCH_X32 && arch != SCMP_ARCH_ARM;
}

/* What a condition on 32 bits becomes: alternatives. Return: how many. */
static size_t narrow_down(const struct expansion *x, const struct scmp_arg_cmp *arg,
			  struct scmp_arg_cmp ret[static 33])
{
	if (arg->op != SCMP_CMP_MASKED_EQ && compares_all_bits(x->c->profile->arches[x->arch]))
		return split_narrow(arg, ret);
	ret[0] = SCMP_CMP64(arg->arg, arg->op, (uint32_t)arg->datum_a, (uint32_t)arg->datum_b);
	return 1;
}

static int expand(struct expansion *x, size_t next) /* NOLINT(misc-no-recursion) */
{
	struct scmp_arg_cmp saved, split[33];
	size_t n;
	int r = 0;

	if (next == x->n)
		return add_once(x->c, x->part, x->arch, x->action, x->nr, x->args, x->n);
	saved = x->args[next];
	if (!(x->narrow & 1u << saved.arg))
		return expand(x, next + 1);
	if (saved.op != SCMP_CMP_MASKED_EQ && !fits_narrow(&saved))
		return json_err(x->c->profile->doc, x->c->rule->node, x->c->e, ERANGE,
				"argument %u is of 32 bits, its value is not", saved.arg);
	n = narrow_down(x, &saved, split);
	for (size_t i = 0; i < n && r >= 0; i++) {
		x->args[next] = split[i];
		r = expand(x, next + 1);
	}
	x->args[next] = saved;
	return r;
}

static bool has_repeated_arg(const struct seccomp_rule *rule)
{
	unsigned seen = 0;

	for (size_t i = 0; i < rule->n_args; i++) {
		if (seen & 1u << rule->args[i].arg)
			return true;
		seen |= 1u << rule->args[i].arg;
	}
	return false;
}

/* As other runtimes read it: conditions on one and the same argument are alternatives. */
static int add_conditions(struct expansion *x)
{
	const struct seccomp_rule *rule = x->c->rule;
	int r = 0;

	if (!has_repeated_arg(rule)) {
		x->n = rule->n_args;
		memcpy(x->args, rule->args, rule->n_args * sizeof(*rule->args));
		return expand(x, 0);
	}
	x->n = 1;
	for (size_t i = 0; i < rule->n_args && r >= 0; i++) {
		x->args[0] = rule->args[i];
		r = expand(x, 0);
	}
	return r;
}

/* What a call that can't be judged gets. */
static uint32_t denial(const struct compiler *c)
{
	uint32_t action = c->profile->default_action;

	return seccomp_action_is_permissive(action) ? SCMP_ACT_ERRNO(EPERM) : action;
}

/* The call behind i386's multiplexer, when it has argument rules. Return: 1 if it is one. */
static int deny_multiplexed(struct compiler *c, size_t arch, const char *name)
{
	struct scmp_arg_cmp arg = { .arg = 0, .op = SCMP_CMP_MASKED_EQ };
	const char *through = seccomp_multiplexer(name, &arg.datum_a, &arg.datum_b);
	int r;

	if (!through || c->profile->arches[arch] != SCMP_ARCH_X86)
		return 0;
	/* In libseccomp's own words where they say the same: it then sees that what it adds for the
	 * multiplexer is covered (and doesn't leak it). All arguments of i386 are of 32 bits. */
	if (arg.datum_a == UINT32_MAX)
		arg = SCMP_CMP64(0, SCMP_CMP_EQ, arg.datum_b, 0);
	r = add_once(c, PART_DENY, arch, denial(c), seccomp_syscall_resolve_name(through), &arg, 1);
	return r < 0 ? r : 1;
}

static int is_same_name(const struct json *name, void *arg)
{
	return str_eq(name->text, arg) ? -EEXIST : 0;
}

/* Engines' profiles have some rules twice, and libseccomp's time grows with the square. */
static bool said_before(const struct compiler *c, const struct json *name)
{
	const struct seccomp_rule *rule = c->rule;

	for (const struct seccomp_rule *r = c->profile->rules; r < rule; r++)
		if (r->action == rule->action && r->n_args == rule->n_args &&
		    memcmp(r->args, rule->args, rule->n_args * sizeof(*rule->args)) == 0 &&
		    seccomp_rule_each_name(r, is_same_name, (void *)(uintptr_t)name->text) < 0)
			return true;
	return false;
}

static int add_conditional(struct compiler *c, size_t arch, const struct json *name,
			   const struct call *call)
{
	struct expansion x = {
		.c = c,
		.arch = arch,
		.action = c->rule->action,
		.nr = call->nr,
		.narrow = seccomp_narrow_args(name->text),
	};
	bool permissive = seccomp_action_is_permissive(x.action);
	int r;

	r = deny_multiplexed(c, arch, name->text);
	if (r < 0)
		return r;
	/* libseccomp adds the multiplexer's rule again: it must not contradict the one above. */
	if (r > 0 && !permissive)
		x.action = denial(c);
	x.part = !permissive && call->permissive ? PART_DENY : PART_MAIN;
	if (x.part == PART_MAIN && (x.action == c->profile->default_action || call->unconditional))
		return 0; /* says nothing new */
	return said_before(c, name) ? 0 : add_conditions(&x);
}

static int add_name(const struct json *name, void *arg)
{
	struct compiler *c = arg;
	const struct call *call = find_call(c, seccomp_syscall_resolve_name(name->text));
	int r = 0;

	if (!call)
		return 0;
	if (!c->rule->n_args && name != call->where)
		return 0; /* the same again, or not the first one of an OCI configuration */
	if (!c->profile->oci && c->rule->n_args > 0 && call->unconditional &&
	    c->rule->action != call->action &&
	    (seccomp_action_is_permissive(c->rule->action) || !call->permissive))
		return json_err(c->profile->doc, name, c->e, EINVAL,
				"\"%s\" has another action without arguments at line %u: this "
				"rule would never hold",
				name->text, call->where->line);
	for (size_t i = 0; i < c->profile->n_arches && r >= 0; i++) {
		if (c->rule->n_args > 0)
			r = add_conditional(c, i, name, call);
		else if (c->rule->action != c->profile->default_action)
			r = add_once(c, PART_MAIN, i, c->rule->action, call->nr, NULL, 0);
	}
	return r;
}

static int each_rule(struct compiler *c, seccomp_name_fn *fn)
{
	int r = 0;

	for (size_t i = 0; i < c->profile->n_rules && r >= 0; i++) {
		c->rule = &c->profile->rules[i];
		r = seccomp_rule_each_name(c->rule, fn, c);
	}
	return r;
}

/* Output. */

/* Merges the part's architectures and writes its program into *ret. */
static int export_part(struct compiler *c, enum part part, struct seccomp_program *ret)
{
	CLEANUP_FD int fd = memfd_create("seccomp", MFD_CLOEXEC);
	scmp_filter_ctx filter = c->filters[part][0];
	char *text;
	size_t n;
	int r;

	if (fd < 0)
		return err_sys(c->e, "memfd_create for a seccomp program");
	for (size_t i = 1; i < c->profile->n_arches; i++) {
		r = seccomp_merge(filter, c->filters[part][i]);
		if (r < 0)
			return err_ret(c->e, r, "libseccomp: merge architectures");
		c->filters[part][i] = NULL; /* taken over */
	}
	r = seccomp_export_bpf(filter, fd);
	if (r < 0)
		return err_ret(c->e, r, "libseccomp: compile the profile");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(c->e, "read the compiled seccomp program");
	r = fd_read_all(fd, 16u << 20, &text, &n);
	if (r < 0)
		return err_ret(c->e, r, "read the compiled seccomp program");
	ret->filter = (struct sock_filter *)(void *)text;
	ret->n = n / sizeof(*ret->filter);
	return 0;
}

/* Deny before main: its RET ALLOW goes on to main's first instruction. Before both the stub, which
 * goes on to what follows it. */
static int join_parts(const struct compiler *c, const struct seccomp_program *deny,
		      const struct seccomp_program *main_part, struct seccomp_program *ret,
		      struct err *e)
{
	struct sock_filter stub[SECCOMP_STUB_MAX];
	size_t n_stub = seccomp_enosys_stub(c->profile, stub);
	size_t n = n_stub + deny->n + main_part->n;
	struct sock_filter *filter, *part;

	if (n > BPF_MAXINSNS)
		return err_set(e, E2BIG,
			       "the seccomp profile needs %zu instructions, the kernel "
			       "takes %d",
			       n, BPF_MAXINSNS);
	filter = calloc(n + 1, sizeof(*filter));
	if (!filter)
		return err_nomem(e);
	part = filter;
	if (n_stub > 0)
		part = mempcpy(part, stub, n_stub * sizeof(*part));
	if (deny->n > 0)
		memcpy(part, deny->filter, deny->n * sizeof(*part));
	for (size_t i = 0; i < deny->n; i++)
		if (part[i].code == (BPF_RET | BPF_K) && part[i].k == SECCOMP_RET_ALLOW)
			part[i] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
							       (uint32_t)(deny->n - i - 1));
	if (main_part->n > 0)
		memcpy(part + deny->n, main_part->filter, main_part->n * sizeof(*part));
	*ret = (struct seccomp_program){ .filter = filter, .n = n };
	return 0;
}

static int compile(struct compiler *c, struct seccomp_program *ret)
{
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program deny = { .n = 0 };
	CLEANUP_SECCOMP_PROGRAM struct seccomp_program main_part = { .n = 0 };
	int r;

	for (int part = 0; part < N_PARTS; part++)
		for (size_t i = 0; i < c->profile->n_arches; i++) {
			r = open_filter(c, (enum part)part, i);
			if (r < 0)
				return r;
		}
	r = each_rule(c, gather_name);
	if (r < 0)
		return r;
	r = each_rule(c, add_name);
	if (r < 0)
		return r;
	if (c->used[PART_DENY]) {
		r = export_part(c, PART_DENY, &deny);
		if (r < 0)
			return r;
	}
	r = export_part(c, PART_MAIN, &main_part);
	if (r < 0)
		return r;
	return join_parts(c, &deny, &main_part, ret, c->e);
}

int seccomp_profile_compile(const struct seccomp_profile *p, struct seccomp_program *ret,
			    struct err *e)
{
	CLEANUP(compiler_release) struct compiler c = { .profile = p, .e = e };
	int r;

	r = compile(&c, ret);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ret->n; i++)
		ret->notifies |= ret->filter[i].code == (BPF_RET | BPF_K) &&
				 ret->filter[i].k == SECCOMP_RET_USER_NOTIF;
	/* The kernel takes this one together with a listener only. */
	ret->flags = p->flags;
	if (!ret->notifies)
		ret->flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	return 0;
}
