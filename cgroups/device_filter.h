/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the device filters of this room share: a small assembler for their programs, and bpf(2) to
 * put one on a cgroup. <linux/bpf.h> goes before the headers of base/: it uses words that
 * base/banned.h forbids.
 */
#ifndef JAIL_CGROUPS_DEVICE_FILTER_H
#define JAIL_CGROUPS_DEVICE_FILTER_H

#include "base/err.h"

/* Registers: the context, and what is taken out of it. */
enum { R_RETURN, R_CONTEXT, R_TYPE, R_ACCESS, R_MAJOR, R_MINOR, R_REST };

#define FILTER_PROLOGUE 6 /* instructions of filter_begin() */
#define FILTER_EPILOGUE 4 /* and of filter_end() */

struct filter {
	struct bpf_insn *at;
	int n;
};

/* Loads all registers from the context. */
void filter_begin(struct filter *f);
void filter_add(struct filter *f, uint8_t code, uint8_t dst, uint8_t src, int32_t imm);
/* Return: the number of the jump, whose target filter_here() fills in. Numbers of devices are 32
 * bits without sign, as the compare is (BPF_JMP32). */
int filter_jump_unless(struct filter *f, uint8_t reg, uint32_t value);
int filter_jump_if(struct filter *f, uint8_t reg, uint32_t value);
/* The jumps go to the next instruction. */
void filter_here(struct filter *f, const int *jumps, int n);
/* A jump to the end that allows. */
void filter_allow(struct filter *f);
void filter_deny(struct filter *f);
/* Allows or denies what comes here; then the end that allows. */
void filter_end(struct filter *f, bool allow);

/* Loads the program and puts it on the cgroup, see cgroup_devices_set(). With cgroup < 0 it is only
 * loaded, and dropped. */
int filter_put(int cgroup, const struct filter *f, bool *ret_active, struct err *e);

#endif
