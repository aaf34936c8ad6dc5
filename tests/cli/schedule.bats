# SPDX-License-Identifier: GPL-2.0-or-later
# Snapshots that are made by themselves (docs/storage.md, "Snapshots by themselves"). No test waits for a clock: what a
# schedule goes by is the time in the records, which is set back here.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() {
	jail_teardown
	wait_until 10 no_loops
}

KEEP='while :; do sleep 1000; done'
YEARLY='snapshots=[{"name":"yearly","every":"365d","keep":2}]'

no_loops() { ! cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -qF "$JAIL_TEST_DIR/"; }
state_of() { echo "$JAIL_TEST_DIR/state/instances/$1"; }
inside() { jail exec "$1" sh -c "$2"; }
# stopped NAME [OPTION...]: one that has never run.
stopped() { jail create --image "$IMAGE" --network none "${@:2}" "$1" sh -c "$KEEP"; }
do_in() {
	jail start "$1"
	inside "$1" "set -e; $2"
	jail stop --timeout 0s "$1"
}
names() { jail snapshot list --json "$1" | jq -r '[.[].name] | join(" ")'; }
count() { jail snapshot list --json "$1" | jq length; }
# age NAME [MS]: all its snapshots were made then, by default when clocks began.
age() {
	local file

	for file in "$(state_of "$1")"/snapshots/*/snapshot.json; do
		[ -e "$file" ] || continue
		jq --argjson ms "${2:-0}" '.createdMs = $ms' "$file" >"$BATS_TEST_TMPDIR/aged"
		cp "$BATS_TEST_TMPDIR/aged" "$file"
	done
}

@test "what is due is made once, by a name that says for what" {
	stopped web --snapshots yearly=365d:2
	[ "$(field web '.spec.snapshots | map("\(.name) \(.every) \(.keep)") | join(",")')" = 'yearly 365d 2' ]
	run -0 jail snapshot run
	[[ $output =~ ^web:\ made\ yearly-20[0-9]{6}-[0-9]{6}$ ]]
	run -0 jail snapshot run
	[ -z "$output" ]
	[ "$(jail snapshot list --json web | jq -c '.[].schedules')" = '["yearly"]' ]
	# As in the events.
	[ "$(jail events --json web | jq -r 'select(.event == "snapshot").snapshot')" = "$(names web)" ]
}

@test "several that are due at once have one snapshot, named after the longest span" {
	stopped web --snapshots 182d:3 --snapshots yearly=365d:2 --snapshots 200d:1
	run -0 jail snapshot run web
	[[ $output =~ ^'web: made yearly-' ]]
	[ "$(jail snapshot list --json web | jq -c '.[].schedules')" = '["every-182d","yearly","every-200d"]' ]
	[ "$(count web)" -eq 1 ]
}

@test "a stopped instance that has not changed gets no new one, one that has gets it" {
	stopped web --snapshots yearly=365d:5
	do_in web 'echo one >/file'
	jail snapshot run
	age web
	run -0 jail snapshot run
	[ -z "$output" ]
	[ "$(count web)" -eq 1 ]
	do_in web 'echo two >/file'
	run -0 jail snapshot run
	assert_output 'web: made yearly-'
	[ "$(count web)" -eq 2 ]
	# What it kept is what was there.
	jail rollback web "$(jail snapshot list --json web | jq -r '.[0].name')"
	jail start web
	[ "$(inside web 'cat /file')" = one ]
}

@test "a running instance stands still for it" {
	app web --network none --snapshots yearly=365d:2 sh -c "$KEEP"
	inside web 'echo one >/file'
	run -0 jail snapshot run
	assert_output '(the instance stood still for '
	age web
	run -0 jail snapshot run --json
	[ "$(jq -c '.[] | [.name, .removed, .skipped, .error, (.frozenMs > 0)]' <<<"$output")" = '["web",[],false,null,true]' ]
	[ "$(jq -r '.[0].made' <<<"$output")" = "$(jail snapshot list --json web | jq -r '.[1].name')" ]
	[ "$(status_of web)" = running ]
}

@test "old ones go, those that somebody asked for and those of schedules that are gone stay" {
	app web --network none --snapshots yearly=365d:2 --snapshots other=365d:1 sh -c "$KEEP"
	jail snapshot create web mine
	jail snapshot run
	both=$(jail snapshot list --json web | jq -r '.[] | select(.schedules != []).name')
	jail set web "$YEARLY"
	for _ in 1 2 3; do
		age web
		run -0 jail snapshot run
		[ "$(grep -c '^web: made yearly-' <<<"$output")" -eq 1 ]
	done
	assert_output 'web: removed yearly-'
	# mine, the one of a schedule that is gone, two of the other.
	[ "$(count web)" -eq 4 ]
	names=$(names web)
	[[ " $names " == *' mine '* && " $names " == *" $both "* ]]
	[ "$(jail events --json web | jq -r 'select(.event == "snapshot-removed").snapshot')" != "" ]
	# Nothing but them: what was removed is gone from the disk.
	[ "$(find "$(state_of web)/snapshots" -mindepth 1 -maxdepth 1 | wc -l)" -eq 4 ]
}

@test "a clock that was set back is worth one snapshot, and the new one is not the one that goes" {
	app web --network none --snapshots yearly=365d:1 sh -c "$KEEP"
	jail snapshot run
	first=$(names web)
	age web 4000000000000
	run -0 jail snapshot run
	assert_output "web: removed $first"
	[ "$(count web)" -eq 1 ]
	[ "$(names web)" != "$first" ]
	run -0 jail snapshot run
	[ -z "$output" ]
}

@test "one that fails keeps no other from its turn, and is named" {
	stopped a --snapshots yearly=365d:1
	stopped b --snapshots yearly=365d:1
	stopped c --snapshots yearly=365d:1
	stopped d
	mkdir "$(state_of b)/snapshots"
	echo x >"$(state_of b)/snapshots/0123456789abcdef"
	run jail snapshot run
	assert_error 1 'snapshots of 1 of 3 instances failed: b'
	assert_output 'a: made yearly-'
	assert_output 'c: made yearly-'
	assert_output 'jail: b: '
	refute_output 'd: made'
	rm "$(state_of b)/snapshots/0123456789abcdef"
	run -0 jail snapshot run
	[[ $output =~ ^'b: made yearly-' ]]
	run jail snapshot run d
	assert_error 1 'd: has no schedules'
	run jail snapshot run nobody
	assert_error 1 nobody
}

@test "gc makes what is due too, and says so" {
	stopped web --snapshots yearly=365d:1
	run -0 jail gc
	assert_output 'made 1 scheduled snapshot'
	do_in web 'echo one >/file'
	age web
	run -0 jail gc --json
	[ "$(jq -c '[.snapshotsMade, .snapshotsOver]' <<<"$output")" = '[1,1]' ]
	[ "$(count web)" -eq 1 ]
}

@test "in a disk image: down and running" {
	stopped web --disk 32MiB --snapshots yearly=365d:3
	jail snapshot run
	jail start web
	inside web 'echo one >/file'
	run -0 jail snapshot run
	[ -z "$output" ] # not due
	jail set web 'snapshots=[{"every":"365d","keep":3}]'
	run -0 jail snapshot run
	assert_output 'web: made every-365d-'
	[ "$(count web)" -eq 2 ]
}

@test "a full disk is an error of that instance, and nothing half-made stays" {
	app web --network none --disk 32MiB --snapshots yearly=365d:3 sh -c "$KEEP"
	inside web 'dd if=/dev/urandom of=/big bs=1M count=20 2>/dev/null'
	run jail snapshot run
	assert_error 1 'snapshots of 1 of 1 instances failed: web'
	[ "$(count web)" -eq 0 ]
	inside web 'rm /big'
	run -0 jail snapshot run
	assert_output 'web: made yearly-'
}

@test "killed at any moment, the next run makes what is due, and nothing else is left" {
	app web --network none --snapshots yearly=365d:1 sh -c "$KEEP"
	inside web 'for i in $(seq 300); do echo $i >/$i; done'
	for i in 1 2 3 4 5 6 7 8 9; do
		age web
		timeout -s KILL "0.${i}2" "$JAIL_BUILD/jail" snapshot run >/dev/null 2>&1 || :
		wait_status web running
		[ "$(inside web 'cat /300')" = 300 ]
	done
	age web
	run -0 jail snapshot run
	[ "$(count web)" -eq 1 ]
	[ "$(find "$(state_of web)/snapshots" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ]
}

@test "set changes schedules while it runs; what can't have any is refused" {
	app web --network none sh -c "$KEEP"
	run -0 jail set web "$YEARLY"
	run -0 jail snapshot run
	assert_output 'web: made yearly-'
	run -0 jail set web snapshots=
	[ "$(field web .spec.snapshots)" = null ]
	run jail set web 'snapshots=[{"every":"1m","keep":2}]'
	assert_error 1 'snapshots[0].every: from 5m to 365d'
	run jail create --image "$IMAGE" --volatile --snapshots 1h:2 other true
	assert_error 1 'snapshots: a volatile instance has none'
	run jail create --image "$IMAGE" --snapshots 1h other true
	assert_error 1 'expected [NAME=]EVERY:KEEP'
}
