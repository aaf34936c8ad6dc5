/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules as a program: from the last to the first. R_ACCESS holds what is asked for and not yet
 * decided. A rule that allows takes its accesses out, and when none is left the answer is yes; one
 * that denies answers no if any of its own is still undecided.
 */
#include <linux/bpf.h> /* before base/banned.h */

#include "cgroups/device_rules.h"

#include "cgroups/device_filter.h"

_Static_assert(CGROUP_DEVICE_RULES_INSNS(0) == FILTER_PROLOGUE + FILTER_EPILOGUE,
	       "device_rules.h counts the instructions");
_Static_assert(CGROUP_DEVICE_RULES_INSNS(CGROUP_DEVICE_RULES_MAX) < INT16_MAX,
	       "a jump over the whole program has 16 bits");

/* At most 8 instructions. */
static void add_rule(struct filter *f, const struct cgroup_device_rule *rule)
{
	int jumps[4], n = 0;

	if (rule->type != 'a')
		jumps[n++] = filter_jump_unless(
			f, R_TYPE, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (rule->major >= 0)
		jumps[n++] = filter_jump_unless(f, R_MAJOR, (uint32_t)rule->major);
	if (rule->minor >= 0)
		jumps[n++] = filter_jump_unless(f, R_MINOR, (uint32_t)rule->minor);
	/* One for every access decides at once: that spares the kernel's verifier most of its work.
	 */
	if (rule->access == CGROUP_DEVICE_ALL) {
		if (rule->allow)
			filter_allow(f);
		else
			filter_deny(f);
	} else if (rule->allow) {
		filter_add(f, BPF_ALU | BPF_AND | BPF_K, R_ACCESS, 0, (int32_t)~rule->access);
		jumps[n++] = filter_jump_unless(f, R_ACCESS, 0);
		filter_allow(f);
	} else {
		filter_add(f, BPF_ALU | BPF_MOV | BPF_X, R_REST, R_ACCESS, 0);
		filter_add(f, BPF_ALU | BPF_AND | BPF_K, R_REST, 0, (int32_t)rule->access);
		jumps[n++] = filter_jump_if(f, R_REST, 0);
		filter_deny(f);
	}
	filter_here(f, jumps, n);
}

static int check(const struct cgroup_device_rule *rule, size_t i, struct err *e)
{
	if (rule->type != 'a' && rule->type != 'b' && rule->type != 'c')
		return err_set(e, EINVAL, "device rule %zu: no such type", i);
	if (rule->major < -1 || rule->major > UINT32_MAX || rule->minor < -1 ||
	    rule->minor > UINT32_MAX)
		return err_set(e, EINVAL, "device rule %zu: no such device number", i);
	if (rule->access & ~(uint32_t)CGROUP_DEVICE_ALL)
		return err_set(e, EINVAL, "device rule %zu: no such access", i);
	return 0;
}

static bool is_for_everything(const struct cgroup_device_rule *rule)
{
	return rule->type == 'a' && rule->major < 0 && rule->minor < 0 &&
	       rule->access == CGROUP_DEVICE_ALL;
}

int cgroup_device_rules_program(const struct cgroup_device_rule *rules, size_t n,
				struct bpf_insn *ret, struct err *e)
{
	struct filter f = { ret, 0 };
	bool allow = false;

	if (n > CGROUP_DEVICE_RULES_MAX)
		return err_set(e, E2BIG, "device filter: more than %d rules",
			       CGROUP_DEVICE_RULES_MAX);
	filter_begin(&f);
	for (size_t i = n; i-- > 0;) {
		if (check(&rules[i], i, e) < 0)
			return -e->code;
		if (is_for_everything(&rules[i])) { /* what stands before it is void */
			allow = rules[i].allow;
			break;
		}
		if (rules[i].access)
			add_rule(&f, &rules[i]);
	}
	filter_end(&f, allow);
	return f.n;
}

int cgroup_device_rules_set(int dir, const struct cgroup_device_rule *rules, size_t n,
			    bool *ret_active, struct err *e)
{
	CLEANUP_FREE struct bpf_insn *insns =
		calloc((size_t)CGROUP_DEVICE_RULES_INSNS(n), sizeof(*insns));
	int r;

	if (!insns)
		return err_nomem(e);
	r = cgroup_device_rules_program(rules, n, insns, e);
	return r < 0 ? r : filter_put(dir, &(struct filter){ insns, r }, ret_active, e);
}
