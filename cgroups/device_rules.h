/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device filter of an OCI container: rules in the order of config.json ("linux.resources.
 * devices"), each of which allows or denies some accesses to some devices. For each access that is
 * asked for, the last rule that speaks of it decides; where none does, it is denied. An access of
 * several (open for reading and writing) needs each of them.
 *
 * A rule for all types, numbers and accesses ("a *:* rwm") so makes all before it void, as writing
 * "a" to devices.deny did in cgroup v1.
 */
#ifndef JAIL_CGROUPS_DEVICE_RULES_H
#define JAIL_CGROUPS_DEVICE_RULES_H

#include "cgroups/devices.h"

/* The verifier takes about a million steps, which grow with the square of the rules that speak of a
 * part of the accesses: 580 of them are too many (Linux 6.18). */
#define CGROUP_DEVICE_RULES_MAX 512

struct cgroup_device_rule {
	bool allow;
	char type; /* 'a' both, 'b' block, 'c' character */
	int64_t major, minor; /* -1: any */
	uint32_t access; /* CGROUP_DEVICE_READ | ... */
};

/* Instructions that n rules need at most. */
#define CGROUP_DEVICE_RULES_INSNS(n) (6 + 8 * (n) + 4)

/* Writes the program into CGROUP_DEVICE_RULES_INSNS(n) instructions. Return: their number;
 * -EINVAL for a rule that makes no sense, -E2BIG. */
struct bpf_insn;
int cgroup_device_rules_program(const struct cgroup_device_rule *rules, size_t n,
				struct bpf_insn *ret, struct err *e);
/* Puts it on an open cgroup; what is there of ours is replaced in one step. As
 * cgroup_devices_set(). */
int cgroup_device_rules_set(int dir, const struct cgroup_device_rule *rules, size_t n,
			    bool *ret_active, struct err *e);

#endif
