/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interpreter for the part of eBPF that the device filter uses, stricter than the kernel's
 * verifier: forward jumps only, no register is read before it was written, 32-bit loads of the
 * context alone. Anything else fails the test.
 */
#ifndef JAIL_TESTS_EBPF_SIM_H
#define JAIL_TESTS_EBPF_SIM_H

#include <string.h>

struct ebpf_sim {
	const struct bpf_insn *insns;
	int n;
	const void *context;
	size_t context_len;
	uint64_t r[11];
	bool written[11];
	int steps;
};

static inline uint64_t ebpf_source(const struct ebpf_sim *s, const struct bpf_insn *i)
{
	if (BPF_SRC(i->code) == BPF_K)
		return (uint32_t)i->imm;
	assert_true(s->written[i->src_reg]);
	return (uint32_t)s->r[i->src_reg];
}

static inline void ebpf_load(struct ebpf_sim *s, const struct bpf_insn *i)
{
	uint32_t value;

	assert_int_equal(i->src_reg, 1);
	assert_true(i->off >= 0 && (size_t)i->off + sizeof(value) <= s->context_len);
	memcpy(&value, (const char *)s->context + i->off, sizeof(value));
	s->r[i->dst_reg] = value;
	s->written[i->dst_reg] = true;
}

static inline void ebpf_alu(struct ebpf_sim *s, const struct bpf_insn *i)
{
	uint32_t a = (uint32_t)s->r[i->dst_reg], b = (uint32_t)ebpf_source(s, i);

	if (BPF_OP(i->code) != BPF_MOV)
		assert_true(s->written[i->dst_reg]);
	switch (BPF_OP(i->code)) {
	case BPF_MOV:
		a = b;
		break;
	case BPF_AND:
		a &= b;
		break;
	case BPF_RSH:
		assert_true(b < 32);
		a >>= b;
		break;
	default:
		fail_msg("operation %#x", i->code);
	}
	s->r[i->dst_reg] = a;
	s->written[i->dst_reg] = true;
}

/* Return: R0 at the exit. */
static inline uint64_t ebpf_run(const struct bpf_insn *insns, int n, const void *context,
				size_t context_len)
{
	struct ebpf_sim s = { insns, n, context, context_len, .written = { [1] = true } };

	for (int at = 0;; at++) {
		const struct bpf_insn *i = &insns[at];

		assert_true(at >= 0 && at < n);
		assert_true(++s.steps <= n);
		assert_true(i->dst_reg < 10 && i->src_reg < 10);
		if (i->code == (BPF_JMP | BPF_EXIT)) {
			assert_true(s.written[0]);
			return s.r[0];
		}
		if (i->code == (BPF_LDX | BPF_MEM | BPF_W)) {
			ebpf_load(&s, i);
		} else if (BPF_CLASS(i->code) == BPF_ALU) {
			ebpf_alu(&s, i);
		} else if (i->code == (BPF_JMP | BPF_JA)) {
			assert_true(i->off >= 0);
			at += i->off;
		} else if (i->code == (BPF_JMP32 | BPF_JNE | BPF_K)) {
			assert_true(i->off >= 0 && s.written[i->dst_reg]);
			if ((uint32_t)s.r[i->dst_reg] != (uint32_t)i->imm)
				at += i->off;
		} else if (i->code == (BPF_JMP32 | BPF_JEQ | BPF_K)) {
			assert_true(i->off >= 0 && s.written[i->dst_reg]);
			if ((uint32_t)s.r[i->dst_reg] == (uint32_t)i->imm)
				at += i->off;
		} else {
			fail_msg("instruction %#x at %d", i->code, at);
		}
	}
}

#endif
