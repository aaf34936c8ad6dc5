/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interpreter of the part of classic BPF that the kernel takes for seccomp
 * (seccomp_check_filter() in kernel/seccomp.c): words of struct seccomp_data, immediates, scratch
 * memory, arithmetic, jumps forward, return. creds_apply() asks it what a filter would say before
 * it installs it, and the tests run whole profiles through it without root. A jump only goes
 * forward, so a program ends after at most n steps.
 */
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

#include "runtime/seccomp.h"

struct machine {
	uint32_t a, x;
	uint32_t memory[BPF_MEMWORDS];
	bool bad;
};

static uint32_t alu(struct machine *m, uint16_t op, uint32_t operand)
{
	switch (op) {
	case BPF_ADD:
		return m->a + operand;
	case BPF_SUB:
		return m->a - operand;
	case BPF_MUL:
		return m->a * operand;
	case BPF_DIV:
		return operand ? m->a / operand : 0;
	case BPF_AND:
		return m->a & operand;
	case BPF_OR:
		return m->a | operand;
	case BPF_XOR:
		return m->a ^ operand;
	case BPF_LSH:
		return operand < 32 ? m->a << operand : 0;
	case BPF_RSH:
		return operand < 32 ? m->a >> operand : 0;
	case BPF_NEG:
		return -m->a;
	default:
		m->bad = true;
		return 0;
	}
}

static uint32_t load(struct machine *m, const struct sock_filter *i,
		     const struct seccomp_data *data)
{
	uint32_t word;

	switch (BPF_MODE(i->code)) {
	case BPF_ABS:
		if (BPF_CLASS(i->code) != BPF_LD || i->k % 4 != 0 || i->k > sizeof(*data) - 4)
			break;
		memcpy(&word, (const char *)data + i->k, sizeof(word));
		return word;
	case BPF_IMM:
		return i->k;
	case BPF_LEN:
		return sizeof(*data);
	case BPF_MEM:
		if (i->k < BPF_MEMWORDS)
			return m->memory[i->k];
		break;
	default:
		break;
	}
	m->bad = true;
	return 0;
}

/* Return: by how many instructions to go on after the next one. */
static uint32_t jump(struct machine *m, const struct sock_filter *i)
{
	uint32_t operand = BPF_SRC(i->code) == BPF_X ? m->x : i->k;

	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return i->k;
	case BPF_JEQ:
		return m->a == operand ? i->jt : i->jf;
	case BPF_JGT:
		return m->a > operand ? i->jt : i->jf;
	case BPF_JGE:
		return m->a >= operand ? i->jt : i->jf;
	case BPF_JSET:
		return m->a & operand ? i->jt : i->jf;
	default:
		m->bad = true;
		return 0;
	}
}

static void store(struct machine *m, const struct sock_filter *i, uint32_t value)
{
	if (i->k < BPF_MEMWORDS)
		m->memory[i->k] = value;
	else
		m->bad = true;
}

uint32_t seccomp_evaluate(const struct sock_filter *filter, size_t n,
			  const struct seccomp_data *data)
{
	struct machine m = { .bad = false };
	const struct sock_filter *i;

	for (size_t pc = 0; pc < n && !m.bad; pc++) {
		i = &filter[pc];
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			m.a = load(&m, i, data);
			break;
		case BPF_LDX:
			m.x = load(&m, i, data);
			break;
		case BPF_ST:
			store(&m, i, m.a);
			break;
		case BPF_STX:
			store(&m, i, m.x);
			break;
		case BPF_ALU:
			m.a = alu(&m, BPF_OP(i->code), BPF_SRC(i->code) == BPF_X ? m.x : i->k);
			break;
		case BPF_JMP:
			pc += jump(&m, i);
			break;
		case BPF_RET:
			return BPF_RVAL(i->code) == BPF_A ? m.a : i->k;
		case BPF_MISC:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				m.x = m.a;
			else
				m.a = m.x;
			break;
		default:
			m.bad = true;
			break;
		}
	}
	return SECCOMP_RET_KILL_PROCESS; /* ran off the end, or not a seccomp program */
}

uint32_t seccomp_evaluate_native(const struct sock_filter *filter, size_t n, int nr, uint64_t arg0)
{
	/* libseccomp's tokens are the kernel's AUDIT_ARCH_* (but for x32, which no host is). */
	struct seccomp_data data = { .nr = nr, .arch = seccomp_arch_native(), .args = { arg0 } };

	return seccomp_evaluate(filter, n, &data);
}
