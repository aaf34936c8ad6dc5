# SPDX-License-Identifier: GPL-2.0-or-later
# config.md, Linux Process: capabilities, limits, scheduling, and what else the kernel keeps for a process.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
teardown() { oci_teardown; }

# caps FILTER: the five sets of the container's process, "inheritable permitted effective bounding ambient".
caps() {
	run -0 --separate-stderr box "$1" 'sed -n "s/^Cap...:.//p" /proc/self/status'
	# Five hexadecimal numbers, a line each.
	output=$(while read -r set; do printf '%x ' "$((16#$set))"; done <<<"$output")
	output=${output% }
}

@test "config.md capabilities: each set is as given" {
	caps '.process.capabilities = {"bounding": ["CAP_KILL", "CAP_CHOWN", "CAP_SETUID"], "permitted": ["CAP_KILL", "CAP_CHOWN"],
		"effective": ["CAP_KILL", "CAP_CHOWN"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}
		| .process.user = {"uid": 1000, "gid": 1000}'
	# exec of a user that is not root: what is ambient stays.
	equal '20 20 20 a1 20'
	caps '.process.capabilities = {"bounding": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL", "CAP_CHOWN"],
		"effective": ["CAP_KILL", "CAP_CHOWN"], "inheritable": ["CAP_CHOWN"]}'
	equal '1 21 21 21 0'
}

@test "config.md capabilities: none without the member, none for empty sets" {
	caps 'del(.process.capabilities)'
	equal '0 0 0 0 0'
	caps '.process.capabilities = {}'
	equal '0 0 0 0 0'
}

@test "config.md capabilities: an unknown one is ignored with a warning, not an error" {
	run -0 --separate-stderr box '.process.capabilities |= map_values(. + ["CAP_FROM_THE_FUTURE"])' 'sed -n "s/^CapPrm:.//p" /proc/self/status'
	equal 0000000020000420
	[[ $stderr == *CAP_FROM_THE_FUTURE* ]]
}

@test "config.md capabilities: one that the runtime can't grant is left out" {
	# The machine that these tests run on may lack CAP_SYS_RESOURCE.
	local have
	have=$((0x$(sed -n 's/^CapPrm:.//p' /proc/self/status) >> 24 & 1))
	[ "$have" -eq 0 ] || skip "all capabilities can be granted"
	run -0 --separate-stderr box '.process.capabilities |= map_values(. + ["CAP_SYS_RESOURCE"])' 'sed -n "s/^CapPrm:.//p" /proc/self/status'
	equal 0000000020000420
}

@test "ambient capabilities outside of inheritable are left out with a warning" {
	run -0 --separate-stderr box '.process.capabilities = {"bounding": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL", "CAP_CHOWN"],
		"effective": ["CAP_KILL", "CAP_CHOWN"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL", "CAP_CHOWN"]}
		| .process.user = {"uid": 1000, "gid": 1000}' 'sed -n "s/^CapAmb:.//p" /proc/self/status'
	equal 0000000000000020
}

@test "capabilities hold for what the container executes: a setuid program gains none" {
	run -0 box '.process.noNewPrivileges = false | .process.user = {"uid": 1000, "gid": 1000}' 'sed -n "s/^Cap\(Prm\|Eff\|Bnd\):.//p" /proc/self/status'
	equal $'0000000000000000\n0000000000000000\n0000000020000420'
}

@test "config.md noNewPrivileges" {
	run -0 box '.process.noNewPrivileges = true' 'sed -n "s/^NoNewPrivs:.//p" /proc/self/status'
	equal 1
	run -0 box '.process.noNewPrivileges = false' 'sed -n "s/^NoNewPrivs:.//p" /proc/self/status'
	equal 0
	run -0 box 'del(.process.noNewPrivileges)' 'sed -n "s/^NoNewPrivs:.//p" /proc/self/status'
	equal 0
}

@test "config.md rlimits: soft and hard of each" {
	run -0 box '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 4096},
		{"type": "RLIMIT_CPU", "soft": 50, "hard": 60}, {"type": "RLIMIT_STACK", "soft": 1048576, "hard": 2097152}]' 'cat /proc/self/limits'
	like '^Max open files +100 +200 '
	like '^Max core file size +0 +4096 '
	like '^Max cpu time +50 +60 '
	like '^Max stack size +1048576 +2097152 '
}

@test "config.md rlimits: an unknown type, the same twice, soft above hard are errors" {
	refused_box 'rlimit' '.process.rlimits = [{"type": "RLIMIT_NOSUCH", "soft": 1, "hard": 1}]'
	refused_box 'rlimit|invalid' '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 101, "hard": 100}]'
	refused_box 'rlimit' '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}, {"type": "RLIMIT_NOFILE", "soft": 65, "hard": 65}]'
}

@test "rlimits that are not given are the runtime's" {
	[[ $JAIL_BUILD != *-san* ]] || skip "the sanitizers set the limit of core files"
	bundle c '.process.rlimits = []' '.process.args = ["cat", "/proc/self/limits"]'
	ulimit -c 12
	run -0 launch run
	like '^Max core file size +12288|^Max core file size +12 '
}

@test "config.md oomScoreAdj: the given one; the runtime's without" {
	run -0 box '.process.oomScoreAdj = 321' 'cat /proc/self/oom_score_adj'
	equal 321
	run -0 box . 'cat /proc/self/oom_score_adj'
	equal "$(cat /proc/self/oom_score_adj)"
}

@test "config.md oomScoreAdj: out of range is an error" {
	refused_box 'oom|invalid' '.process.oomScoreAdj = 1001'
}

@test "config.md ioPriority: class and priority" {
	run -0 box '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 7}' ionice
	like 'best-effort: prio 7'
	run -0 box '.process.ioPriority = {"class": "IOPRIO_CLASS_IDLE", "priority": 0}' ionice
	like 'idle'
}

@test "config.md ioPriority: an unknown class is an error" {
	refused_box 'class|prio' '.process.ioPriority = {"class": "IOPRIO_CLASS_NOSUCH", "priority": 0}'
	refused_box 'class|prio|invalid' '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 8}'
}

@test "config.md scheduler: batch with a nice value, idle, fifo, deadline" {
	run -0 box '.process.scheduler = {"policy": "SCHED_BATCH", "nice": 7}' 'probe sched'
	like '^3 nice 7 '
	run -0 box '.process.scheduler = {"policy": "SCHED_IDLE"}' 'probe sched'
	like '^5 '
	run -0 box '.process.scheduler = {"policy": "SCHED_OTHER", "nice": 3, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}' 'exec probe sched'
	like '^0 nice 3 priority 0 flags 1 '
	run -0 box '.process.scheduler = {"policy": "SCHED_FIFO", "priority": 5}' 'exec probe sched'
	like '^1 nice 0 priority 5 '
}

@test "config.md scheduler: deadline" {
	run -0 box '.process.scheduler = {"policy": "SCHED_DEADLINE", "runtime": 10000000, "deadline": 20000000, "period": 30000000,
		"flags": ["SCHED_FLAG_RESET_ON_FORK"]}' 'exec probe sched'
	like '^6 .* flags 1 runtime 10000000 deadline 20000000 period 30000000$'
}

@test "config.md scheduler: unknown policy or flag, nice where there is none, are errors" {
	refused_box 'polic' '.process.scheduler = {"policy": "SCHED_NOSUCH"}'
	refused_box 'flag' '.process.scheduler = {"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_NOSUCH"]}'
	refused_box '.' '.process.scheduler = {"policy": "SCHED_OTHER", "priority": 10}'
	refused_box '.' '.process.scheduler = {"policy": "SCHED_FIFO", "priority": 1000}'
	refused_box '.' '.process.scheduler = {"policy": "SCHED_OTHER", "nice": 100}'
}

@test "config.md execCPUAffinity: final holds for a process that exec starts" {
	[ "$(nproc)" -gt 1 ] || skip "one CPU"
	live '.process.execCPUAffinity = {"initial": "0", "final": "1"}'
	run -0 oci exec c grep Cpus_allowed_list /proc/self/status
	equal $'Cpus_allowed_list:\t1'
	# The container's own process is not one of exec.
	run -0 grep Cpus_allowed_list "/proc/$(pid_in c)/status"
	equal "$(grep Cpus_allowed_list /proc/self/status)"
}

@test "config.md execCPUAffinity: what is no list of CPUs is an error" {
	refused_box '.' '.process.execCPUAffinity = {"initial": "a"}'
	refused_box '.' '.process.execCPUAffinity = {"final": "3-1"}'
}

@test "config-linux.md personality: LINUX32" {
	run -0 box '.linux.personality = {"domain": "LINUX32"}' 'uname -m; cat /proc/self/personality'
	equal $'i686\n00000008'
	run -0 box '.linux.personality = {"domain": "LINUX"}' 'uname -m'
	equal "$(uname -m)"
}

@test "config-linux.md personality: an unknown domain is an error" {
	refused_box 'domain|person' '.linux.personality = {"domain": "BSD"}'
}

@test "config-linux.md personality: flags, of which the specification has none, are errors" {
	jail_only "others ignore them"
	refused_box 'flag|person' '.linux.personality = {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}'
}

@test "config-linux.md memoryPolicy: mode and nodes; unknown ones are errors" {
	jail_only "specification 1.3"
	run -0 box '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0"}' 'exec probe mempolicy'
	equal '2 1'
	run -0 box '.linux.memoryPolicy = {"mode": "MPOL_INTERLEAVE", "nodes": "0"}' 'exec probe mempolicy'
	equal '3 1'
	refused_box 'mode|polic' '.linux.memoryPolicy = {"mode": "MPOL_NOSUCH"}'
	refused_box 'flag|polic' '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_NOSUCH"]}'
}

@test "a session keyring of its own, --no-new-keyring keeps the caller's" {
	bundle c '.process.args = ["probe", "keyring"]'
	run -0 launch run
	local first=$output
	like '[;.]c$'
	run -0 launch run --no-new-keyring
	[ "$output" != "$first" ]
	refute_output '.c'
}

# A profile that is not there is refused with AppArmor, any without it: a label that was asked for is never left out.
@test "row 64: config.md apparmorProfile, selinuxLabel: what can't be applied is refused, create and exec" {
	jail_only "others ignore a module that is not there"
	refused_box 'apparmor' '.process.apparmorProfile = "no-such-profile"'
	refused_box 'apparmor' '.process.apparmorProfile = "unconfined_no_such"'
	refused_box 'selinux' '.process.selinuxLabel = "system_u:system_r:svirt_lxc_net_t:s0:c124,c675"'
	refused_box 'selinux|label' '.linux.mountLabel = "system_u:object_r:svirt_sandbox_file_t:s0:c715,c811"'
	run -0 box '.process.apparmorProfile = "" | .process.selinuxLabel = "" | .linux.mountLabel = ""' 'echo fine'
	equal fine
	live .
	run -255 oci exec --apparmor no-such-profile c true
	run -255 oci exec --process-label system_u:system_r:svirt_lxc_net_t:s0:c124,c675 c true
	run -0 oci exec --apparmor '' --process-label '' c true
}

@test "config-linux.md intelRdt: a host without it refuses" {
	[ ! -d /sys/fs/resctrl/schemata ] || skip "the host has it"
	refused_box 'rdt|resctrl|not supported|not enabled' '.linux.intelRdt = {"closID": "guaranteed", "l3CacheSchema": "L3:0=7f0"}'
}
