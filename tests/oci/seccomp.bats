# SPDX-License-Identifier: GPL-2.0-or-later
# config-linux.md, Seccomp. Calls are made by number (x86_64) by tests/helpers/ociprobe.c.

load lib

setup_file() {
	[ "$(uname -m)" = x86_64 ] || skip "numbers of x86_64"
	oci_setup_file
}
teardown_file() { oci_teardown_file; }
setup() { listener=; }
teardown() {
	[ -z "$listener" ] || { kill "$listener" 2>/dev/null || :; wait "$listener" || :; }
	oci_teardown
}

# Harmless calls: getcpu, sysinfo, getpgid, personality, sched_yield.
GETCPU=309 SYSINFO=99 GETPGID=121 PERSONALITY=135

# profile DEFAULT RULES [MEMBERS]: the filter; RULES is a JSON list.
profile() {
	echo ".linux.seccomp = ({\"defaultAction\": \"$1\", \"architectures\": [\"SCMP_ARCH_X86_64\"], \"syscalls\": $2} + ${3:-"{}"})"
}
deny() { # NAME ACTION [MEMBERS]
	profile SCMP_ACT_ALLOW "[{\"names\": [\"$1\"], \"action\": \"$2\"} + ${3:-"{}"}]"
}

@test "config-linux.md Seccomp: without it no filter, with it mode 2" {
	run -0 box . 'grep Seccomp: /proc/self/status'
	like '0$'
	run -0 box "$(profile SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]')" 'grep Seccomp: /proc/self/status'
	like '2$'
}

@test "config-linux.md Seccomp actions: ERRNO, with errnoRet and without" {
	run -0 box "$(deny getcpu SCMP_ACT_ERRNO)" "probe syscall $GETCPU 0 0 0; probe syscall $GETPGID 0"
	equal $'errno 1\n0'
	run -0 box "$(deny getcpu SCMP_ACT_ERRNO '{"errnoRet": 99}')" "probe syscall $GETCPU 0 0 0"
	equal 'errno 99'
	run -0 box "$(deny getcpu SCMP_ACT_ERRNO '{"errnoRet": 0}')" "probe syscall $GETCPU 1 1 1"
	equal 0
}

@test "config-linux.md Seccomp actions: KILL, KILL_PROCESS, KILL_THREAD, TRAP" {
	local action

	for action in SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_TRAP; do
		run -0 box "$(deny getcpu $action)" "probe syscall $GETCPU 0 0 0; echo status \$?"
		like '^status 159$'
	done
}

@test "config-linux.md Seccomp actions: LOG allows" {
	run -0 box "$(deny getcpu SCMP_ACT_LOG)" "probe syscall $GETCPU 0 0 0"
	equal 0
}

@test "config-linux.md Seccomp actions: TRACE without a tracer is ENOSYS" {
	run -0 box "$(deny getcpu SCMP_ACT_TRACE '{"errnoRet": 5}')" "probe syscall $GETCPU 0 0 0"
	equal 'errno 38'
}

@test "config-linux.md Seccomp: ALLOW as a rule, an action as default" {
	# All that a shell and the probe need, and one thing less.
	run -0 box "$(profile SCMP_ACT_ALLOW '[{"names": ["getcpu", "sysinfo"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7}]')" \
		"probe syscall $GETCPU 0 0 0; probe syscall $SYSINFO 0; probe syscall $GETPGID 0"
	equal $'errno 7\nerrno 7\n0'
}

# all_but NAME...: allows every call that this machine's tables know, but these; the default action decides on the rest.
all_but() {
	local names

	names=$(printf '#include <sys/syscall.h>\n' | gcc -E -dM - | sed -n 's/^#define __NR_\([a-z0-9_]*\) [0-9]*$/\1/p' |
		jq -Rsc 'split("\n") - $ARGS.positional - [""]' --args "$@")
	echo "[{\"names\": $names, \"action\": \"SCMP_ACT_ALLOW\"}]"
}

@test "config-linux.md Seccomp defaultErrnoRet" {
	run -0 box "$(profile SCMP_ACT_ERRNO "$(all_but getcpu)" '{"defaultErrnoRet": 42}')" "probe syscall $GETCPU 0 0 0; probe syscall $GETPGID 0"
	equal $'errno 42\n0'
	run -0 box "$(profile SCMP_ACT_ERRNO "$(all_but getcpu)")" "probe syscall $GETCPU 0 0 0"
	equal 'errno 1'
}

@test "calls that are newer than the profile are ENOSYS, not EPERM" {
	# 900 is none; programs fall back on ENOSYS only.
	run -0 box "$(profile SCMP_ACT_ERRNO "$(all_but getcpu)")" "probe syscall 900; probe syscall $GETCPU 0 0 0"
	equal $'errno 38\nerrno 1'
}

@test "config-linux.md Seccomp args: each operator" {
	local op good bad
	while read -r op good bad; do
		run -0 box "$(deny personality SCMP_ACT_ERRNO "{\"errnoRet\": 77, \"args\": [{\"index\": 0, \"value\": 4294967295, \"op\": \"$op\"}]}")" \
			"probe syscall $PERSONALITY $bad; probe syscall $PERSONALITY $good"
		echo "$op"
		equal 'errno 77' "$(sed -n 1p <<<"$output")"
		equal 0 "$(sed -n 2p <<<"$output")"
	done <<-'END'
		SCMP_CMP_EQ 0 0xffffffff
		SCMP_CMP_NE 0xffffffff 0
		SCMP_CMP_LT 0xffffffff 0
		SCMP_CMP_GE 0 0xffffffff
	END
	run -0 box "$(deny getcpu SCMP_ACT_ERRNO '{"errnoRet": 77, "args": [{"index": 2, "value": 240, "valueTwo": 16, "op": "SCMP_CMP_MASKED_EQ"}]}')" \
		"probe syscall $GETCPU 0 0 0x1f; probe syscall $GETCPU 0 0 0x2f"
	equal $'errno 77\n0'
}

@test "config-linux.md Seccomp args: all must hold; several rules of a call are alternatives" {
	run -0 box "$(deny getcpu SCMP_ACT_ERRNO '{"errnoRet": 77, "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 5, "op": "SCMP_CMP_EQ"}]}')" \
		"probe syscall $GETCPU 0 0 5; probe syscall $GETCPU 0 0 6"
	equal $'errno 77\n0'
	run -0 box "$(profile SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77, "args": [{"index": 2, "value": 5, "op": "SCMP_CMP_EQ"}]},
		{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77, "args": [{"index": 2, "value": 6, "op": "SCMP_CMP_EQ"}]}]')" \
		"probe syscall $GETCPU 0 0 5; probe syscall $GETCPU 0 0 6; probe syscall $GETCPU 0 0 7"
	equal $'errno 77\nerrno 77\n0'
}

@test "config-linux.md Seccomp: an unknown name of a call is passed over" {
	run -0 box "$(profile SCMP_ACT_ALLOW '[{"names": ["no_such_call", "getcpu"], "action": "SCMP_ACT_ERRNO"}]')" "probe syscall $GETCPU 0 0 0"
	equal 'errno 1'
}

@test "config-linux.md Seccomp: unknown actions, operators, architectures, flags are errors" {
	refused_box 'action|ACT' "$(profile SCMP_ACT_NOSUCH '[]')"
	refused_box 'action|ACT' "$(deny getcpu SCMP_ACT_NOSUCH)"
	refused_box '.' "$(deny getcpu SCMP_ACT_ERRNO '{"args": [{"index": 0, "value": 1, "op": "SCMP_CMP_NOSUCH"}]}')"
	refused_box '.' "$(profile SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]' '{"architectures": ["SCMP_ARCH_NOSUCH"]}')"
	refused_box '.' "$(profile SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]' '{"flags": ["SECCOMP_FILTER_FLAG_NOSUCH"]}')"
}

@test "config-linux.md Seccomp: no names, no action, an argument out of range are errors" {
	refused_box '.' "$(profile SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]')"
	refused_box '.' "$(deny getcpu SCMP_ACT_ERRNO) | del(.linux.seccomp.defaultAction)"
	refused_box '.' "$(deny getcpu SCMP_ACT_ERRNO) | del(.linux.seccomp.syscalls[0].action)"
}

@test "config-linux.md Seccomp flags: LOG, SPEC_ALLOW, TSYNC" {
	local flag

	for flag in SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW SECCOMP_FILTER_FLAG_TSYNC; do
		run -0 box "$(profile SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]' "{\"flags\": [\"$flag\"]}")" \
			"probe syscall $GETCPU 0 0 0; grep Speculation_Store /proc/self/status"
		like '^errno 1$'
	done
}

@test "Seccomp works without noNewPrivileges, and for a user without capabilities" {
	run -0 box "$(deny getcpu SCMP_ACT_ERRNO) | .process.noNewPrivileges = false | .process.user = {\"uid\": 1000, \"gid\": 1000} | .process.capabilities = {}" \
		"probe syscall $GETCPU 0 0 0; grep NoNewPrivs /proc/self/status"
	equal $'errno 1\nNoNewPrivs:\t0'
	run -0 box "$(deny getcpu SCMP_ACT_ERRNO) | .process.noNewPrivileges = true | .process.user = {\"uid\": 1000, \"gid\": 1000} | .process.capabilities = {}" \
		"probe syscall $GETCPU 0 0 0; grep NoNewPrivs /proc/self/status"
	equal $'errno 1\nNoNewPrivs:\t1'
}

@test "Seccomp: a profile that denies what a runtime itself calls does not stop it" {
	run -0 box "$(profile SCMP_ACT_ALLOW '[{"names": ["mount", "pivot_root", "setns", "unshare", "sethostname", "capset", "setuid", "setgid", "setgroups", "prctl", "chdir", "umount2", "mknod", "setresuid", "setresgid", "keyctl", "clone3"], "action": "SCMP_ACT_ERRNO"}]') | .process.noNewPrivileges = true" \
		'echo it runs'
	equal 'it runs'
}

@test "Seccomp: 32 bit calls with an architecture of their own; those not listed are not let through" {
	run -0 box "$(profile SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]' '{"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]}')" \
		"probe syscall $GETCPU 0 0 0"
	equal 'errno 1'
}

# ---- user notification

# listen: an agent; the state that it gets goes to "state", the number of descriptors to "fds", and each call that it is
# asked about fails with 55 there.
listen() {
	SOCKET=$BATS_TEST_TMPDIR/s
	/usr/bin/python3 "$TOP/tests/helpers/seccomp_agent.py" "$SOCKET" "$BATS_TEST_TMPDIR" 3>&- &
	listener=$!
	wait_until 10 test -S "$SOCKET"
}
notify() {
	profile SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_NOTIFY"}]' "{\"listenerPath\": \"$SOCKET\", \"listenerMetadata\": \"some metadata\"}"
}

@test "config-linux.md Seccomp listenerPath: the agent decides" {
	listen
	run -0 box "$(notify)" "probe syscall $GETCPU 0 0 0; probe syscall $GETPGID 0"
	equal $'errno 55\n0'
}

@test "config-linux.md Container Process State: what the agent is told" {
	listen
	live "$(notify) | .annotations = {\"a\": \"b\"}"
	wait_until 30 test -s "$BATS_TEST_TMPDIR/state"
	cat "$BATS_TEST_TMPDIR/state"
	jq -e --argjson pid "$(pid_in c)" --arg bundle "$OCI_DIR/bundles/c" '(.ociVersion | test("^[01]\\.")) and .fds == ["seccompFd"] and .pid == $pid and .metadata == "some metadata"
		and .state.id == "c" and (.state.status | test("creating|created")) and .state.pid == $pid and .state.bundle == $bundle
		and .state.annotations.a == "b" and (.state.ociVersion | test("^1\\."))' "$BATS_TEST_TMPDIR/state"
	equal 1 "$(cat "$BATS_TEST_TMPDIR/fds")"
}

@test "Seccomp listenerPath: exec has a listener of its own, with the container's state and its own pid" {
	listen
	live "$(notify)"
	wait_until 30 test -s "$BATS_TEST_TMPDIR/state"
	rm "$BATS_TEST_TMPDIR/state"
	run -0 oci exec c probe syscall $GETCPU 0 0 0
	equal 'errno 55'
	jq -e --argjson pid "$(pid_in c)" '.pid > 0 and .pid != $pid and .state.pid == $pid and .state.status == "running"' "$BATS_TEST_TMPDIR/state"
}

@test "config-linux.md Seccomp listenerPath: nobody there, or NOTIFY without it, are errors" {
	SOCKET=$BATS_TEST_TMPDIR/nosuch
	refused_box '.' "$(notify)"
	refused_box '.' "$(deny getcpu SCMP_ACT_NOTIFY)"
}

@test "config-linux.md Seccomp listenerMetadata without listenerPath is an error" {
	refused_box '.' "$(profile SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]' '{"listenerMetadata": "m"}')"
}
