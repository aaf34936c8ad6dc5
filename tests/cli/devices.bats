#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Devices of the host in an instance: the node in /dev, and the filter on its cgroup (tests/security has the attacks).

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

box() {
	jail run --rm --image "$IMAGE" --network none "$@"
}
setup() {
	DEVICE=$(spare_device)
}
# Opening for reading and for writing, as words.
TRY='for d; do r=no w=no; (exec 3<$d) 2>/dev/null && r=yes; (exec 3>$d) 2>/dev/null && w=yes; echo "$r $w"; done'

@test "--device: node and access, in the ways that docker users write it" {
	local mode
	run -0 box --device "$DEVICE" stat -c '%F %t:%T' "$DEVICE"
	[ "$output" = "$(stat -c '%F %t:%T' "$DEVICE")" ]
	for mode in auto host; do
		run -0 box --userns $mode --device "$DEVICE" sh -c "$TRY" - "$DEVICE"
		[ "$output" = 'yes yes' ]
		run -0 box --userns $mode --device "$DEVICE:r" sh -c "$TRY" - "$DEVICE"
		[ "$output" = 'yes no' ]
		run -0 box --userns $mode --device "$DEVICE:w" sh -c "$TRY" - "$DEVICE"
		[ "$output" = 'no yes' ]
		run -0 box --userns $mode --device "$DEVICE:m" sh -c "$TRY" - "$DEVICE"
		[ "$output" = 'no no' ]
		run -0 box --userns $mode --device "$DEVICE:/dev/deep/spare:rw" sh -c "$TRY" - /dev/deep/spare
		[ "$output" = "yes yes" ]
		run -0 box --userns $mode --device "$DEVICE:/dev/spare" sh -c "$TRY" - /dev/spare
		[ "$output" = 'yes yes' ]
	done
}

@test "what every instance has works in both kinds of instance" {
	local mode
	for mode in auto host; do
		run -0 box --userns $mode sh -c "$TRY"'; (exec 3<>/dev/ptmx; ls /dev/pts)' \
			- /dev/null /dev/zero /dev/full /dev/random /dev/urandom
		[ "$output" = $'yes yes\nyes yes\nyes yes\nyes yes\nyes yes\n0\nptmx' ]
		run -0 box --userns $mode --tty sh -c "$TRY" - /dev/tty /dev/console /dev/pts/0
		[ "$(tr -d '\r' <<<"$output")" = $'yes yes\nyes yes\nyes yes' ]
	done
}

@test "the spec: strings and objects, printed as they were given, and there again after a restart" {
	jq -n --arg d "$DEVICE" '{ name: "dev", image: "busybox", network: { mode: "none" },
		process: { args: ["sleep", "1000"] },
		security: { userNamespace: "host", devices: ["/dev/kmsg",
			{ source: $d, destination: "/dev/spare", access: "r" }] } }' >"$BATS_TEST_TMPDIR/spec.json"
	jail create --file "$BATS_TEST_TMPDIR/spec.json"
	[ "$(field dev '.spec.security.devices[0]')" = /dev/kmsg ]
	[ "$(jail inspect --json dev | jq -c '.[0].spec.security.devices[1]')" = "{\"source\":\"$DEVICE\",\"destination\":\"/dev/spare\",\"access\":\"r\"}" ]
	jail start dev
	run -0 jail exec dev sh -c "$TRY" - /dev/spare
	[ "$output" = 'yes no' ]
	jail restart dev
	run -0 jail exec dev sh -c "$TRY" - /dev/spare
	[ "$output" = 'yes no' ]
}

@test "what is no device, is not there or is there already: an error that says which" {
	run box --device /dev/none true
	assert_error 125 'security.devices[0]: open /dev/none'
	run box --device /dev/shm true
	assert_error 125 'security.devices[0]: /dev/shm is not a device'
	run box --device /etc/passwd true
	[ "$status" -eq 2 ] || [ "$status" -eq 125 ]
	assert_output 'expected the path of a device below /dev'
	run box --device /dev/full:/dev/x --device /dev/zero:/dev/x true
	assert_output '/dev/x is listed twice'
	run box --device /dev/full true
	[ "$status" -ne 0 ]
	assert_output 'make device node full'
}

@test "check tells of the filter" {
	jail check --json >"$BATS_TEST_TMPDIR/check"
	[ "$(jq -r '.features[] | select(.name == "device filter") | "\(.group) \(.required) \(.ok)"' "$BATS_TEST_TMPDIR/check")" = 'cgroup true true' ]
}


@test "a kernel that refuses the filter: no start in either kind, nothing left, and what is missing" {
	local deny=$BATS_TEST_TMPDIR/deny mode bpf
	gcc -o "$deny" "$TOP/tests/helpers/deny.c"
	bpf=$(printf '#include <sys/syscall.h>\nSYS_bpf' | gcc -E -P - | tail -n 1)
	for mode in auto host; do
		run timeout "$JAIL_TIMEOUT" "$deny" "$bpf" 22 "$JAIL_BUILD/jail" run --rm --image "$IMAGE" --network none --userns $mode true
		assert_error 125 'device filter: Invalid argument'
		assert_output CONFIG_CGROUP_BPF
	done
	run -0 jail ps --quiet
	[ -z "$output" ]
	run timeout "$JAIL_TIMEOUT" "$deny" "$bpf" 1 "$JAIL_BUILD/jail" check --json
	[ "$status" -ne 0 ]
	assert_output '"device filter: Operation not permitted'
}
