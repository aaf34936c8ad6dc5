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

@test "jail set: devices come, change and go while it runs, and no exchange leaves a gap" {
	local mode
	for mode in auto host; do
		sleeper "live-$mode" --network none --userns $mode
		run -0 jail set "live-$mode" "security.devices=[{\"source\":\"$DEVICE\",\"destination\":\"/dev/deep/spare\",\"access\":\"r\"}]"
		assert_output 'security.devices: unset ->'
		run -0 jail exec "live-$mode" sh -c "$TRY; stat -c '%u %F' /dev/deep/spare" - /dev/deep/spare
		[ "$output" = $'yes no\n0 character special file' ]
		run -0 jail set "live-$mode" "security.devices=[{\"source\":\"$DEVICE\",\"destination\":\"/dev/deep/spare\"},\"/dev/kmsg\"]"
		run -0 jail exec "live-$mode" sh -c "$TRY; ls /dev/kmsg" - /dev/deep/spare
		[ "$output" = $'yes yes\n/dev/kmsg' ]
		# What can't be done changes nothing.
		run jail set "live-$mode" 'security.devices=["/dev/none"]'
		assert_error 1 'security.devices[0]: open /dev/none'
		run jail set "live-$mode" 'security.devices=["/dev/loop-control","/dev/full"]'
		assert_error 1 'security.devices[1]: /dev/full: every instance has it'
		jail exec "live-$mode" mkdir /dev/fusion
		run jail set "live-$mode" "security.devices=[\"/dev/loop-control\",{\"source\":\"$DEVICE\",\"destination\":\"/dev/fusion\"}]"
		assert_error 1 'security.devices[1]: make device node /dev/fusion: File exists'
		run -0 jail exec "live-$mode" sh -c "$TRY; ls /dev/kmsg; ls /dev/loop-control || echo none" - /dev/deep/spare
		[[ $output == $'yes yes\n/dev/kmsg\n'*none ]]
		run -0 jail set "live-$mode" security.devices=
		run -0 jail exec "live-$mode" sh -c 'ls /dev/deep; ls /dev/kmsg || echo none; test -c /dev/null && echo null'
		[[ $output == *$'none\nnull' && $output != *spare* ]]
		[ "$(jail inspect --json "live-$mode" | jq -c '.[0].spec.security.devices')" = null ]
	done
	# Revoked, a node that was kept under another name opens nothing.
	jail set live-host "security.devices=[\"$DEVICE\"]"
	jail exec live-host sh -c "ln $DEVICE /dev/kept"
	run -0 jail exec live-host sh -c "$TRY" - /dev/kept
	[ "$output" = 'yes yes' ]
	jail set live-host security.devices=
	run -0 jail exec live-host sh -c "$TRY" - /dev/kept
	[ "$output" = 'no no' ]
}

@test "jail set: links and mounts in /dev lead nowhere" {
	sleeper trap --network none --userns host --cap-add sys_admin --seccomp unconfined --mount "$BATS_TEST_TMPDIR:/outside"
	mkdir -p "$BATS_TEST_TMPDIR/deep"
	jail exec trap sh -c 'ln -s /outside /dev/link; mkdir /dev/mount; mount --bind /outside/deep /dev/mount'
	run jail set trap "security.devices=[{\"source\":\"$DEVICE\",\"destination\":\"/dev/link/spare\"}]"
	assert_error 1 'open link'
	run jail set trap "security.devices=[{\"source\":\"$DEVICE\",\"destination\":\"/dev/mount/spare\"}]"
	assert_error 1 'open mount'
	jail exec trap mount --bind /outside /dev
	run jail set trap "security.devices=[\"$DEVICE\"]"
	assert_error 1 "the instance's /dev is not the one it was given"
	[ "$(find "$BATS_TEST_TMPDIR" -type c)" = '' ]
	[ "$(jail inspect --json trap | jq -c '.[0].spec.security.devices')" = null ]
}

@test "what is no device, is not there or is there already: an error that says which" {
	run box --device /dev/none true
	assert_error 125 'security.devices[0]: open /dev/none'
	run box --device /dev/shm:/dev/x true
	assert_error 125 'security.devices[0]: /dev/shm is not a device'
	run box --device /etc/passwd true
	[ "$status" -eq 2 ] || [ "$status" -eq 125 ]
	assert_output 'expected the path of a device below /dev'
	run box --device /dev/full:/dev/a/x --device /dev/zero:/dev/a//x true
	assert_output '/dev/a/x is listed twice'
	run box --device "$DEVICE:/dev/pts/7" true
	assert_output '/dev/pts/7: every instance has it, or something else there'
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
