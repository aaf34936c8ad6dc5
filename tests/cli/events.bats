# SPDX-License-Identifier: GPL-2.0-or-later
# jail events: each thing that happens to an instance is written down, by whoever does it, and followers see it.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
setup() {
	rm -rf "$JAIL_TEST_DIR/state/events"
}
teardown() {
	if [ -n "${HELPER:-}" ]; then kill "$HELPER" 2>/dev/null || :; fi
	jail_teardown
}

# The events so far, as words.
events() {
	jail events --json "$@" | jq -r .event | xargs
}
events_are() {
	[ "$(events "$1")" = "$2" ]
}
# event NAME EVENT JQ: of the last of that kind.
event() {
	jail events --json "$1" | jq -rs "map(select(.event == \"$2\")) | last$3"
}

@test "a life: created, started, paused, resumed, exited, stopped, renamed, removed" {
	sleeper web
	pid=$(pid_of web)
	id=$(field web .id)
	jail pause web
	jail resume web
	jail stop web
	jail rename web other
	jail rm other
	[ "$(events)" = "created started paused resumed exited stopped renamed removed" ]
	[ "$(event web created '| .id, .image' | xargs)" = "$id busybox:latest" ]
	[ "$(event web started .pid)" = "$pid" ]
	[ "$(event web exited '| .status, .reason' | xargs)" = "143 stopped" ]
	[ "$(event web renamed .newName)" = other ]
	[ "$(event other removed .id)" = "$id" ]
	# By either name.
	[ "$(events other)" = "renamed removed" ]
	jail events --json | jq -r .time >"$BATS_TEST_TMPDIR/times"
	sort -c "$BATS_TEST_TMPDIR/times"
	run ! grep -qvx '20[0-9-]*T[0-9:.]*Z' "$BATS_TEST_TMPDIR/times"
}

@test "snapshots, rollbacks, clones and commits, by whose name they go" {
	app web --network none sh -c 'while :; do sleep 1000; done'
	jail snapshot create web first
	jail clone web@first copy
	jail clone web other
	jail commit web made:1
	jail commit --snapshot first web made:2
	jail stop --timeout 0s web
	jail rollback web first
	jail snapshot rm web first
	[ "$(events web | sed 's/^created started //')" = \
		"snapshot cloned cloned committed committed killed exited stopped rolled-back snapshot-removed" ]
	[ "$(event web snapshot .snapshot)" = first ]
	[ "$(jail events --json web | jq -c 'select(.event == "cloned") | [.name, .newName, .snapshot]' | xargs)" = \
		"[web,copy,first] [web,other,null]" ]
	[ "$(jail events --json web | jq -c 'select(.event == "committed") | [.image, .snapshot]' | xargs)" = \
		"[made:1,null] [made:2,first]" ]
	[ "$(event web rolled-back .snapshot)" = first ]
	[ "$(event web snapshot-removed .snapshot)" = first ]
	[ "$(events copy)" = "created cloned" ]
	jail rm --all --force
	remove_images
}

@test "the program's own end has its status; --rm is a removal" {
	run jail run --rm --name web --image "$IMAGE" sh -c 'exit 7'
	[ "$status" -eq 7 ]
	wait_until 10 events_are web "created started exited stopped removed"
	[ "$(event web exited '| .status, .reason' | xargs)" = "7 exited" ]
}

@test "killed: by a signal, and by the time-out of a stop" {
	app web sh -c 'trap "" TERM USR1; echo ready; while :; do sleep 0.1; done'
	wait_log web ready
	jail kill -s USR1 web
	[ "$(event web killed '| .signal, .forced' | xargs)" = "10 null" ]
	jail stop --timeout 100ms web
	[ "$(event web killed '| .signal, .forced' | xargs)" = "9 true" ]
	[ "$(events web)" = "created started killed killed exited stopped" ]
	jail start web
	jail kill web
	[ "$(event web exited '| .status, .reason' | xargs)" = "137 stopped" ]
}

exited_thrice() {
	[ "$(jail events --json web | jq -s 'map(select(.event == "exited")) | length')" -ge 3 ]
}

@test "restarts: the exit is told at once, with the delay of what follows" {
	app web --restart always sh -c 'exit 4'
	wait_until 30 exited_thrice
	run jail stop web
	run -0 events web
	assert_output "created started exited restarting started exited restarting started exited"
	[ "$(event web restarting '| .delayMs > 0')" = true ]
	# What follows may have met the stop.
	[ "$(jail events --json web | jq -cs 'map(select(.event == "exited").status)[:3]')" = '[4,4,4]' ]
}

@test "a supervisor that was killed: the next command writes what nobody saw" {
	sleeper web
	kill -9 "$(monitor_of web)"
	wait_status web stopped
	[ "$(events web)" = "created started exited stopped" ]
	[ "$(event web exited '| .status, .reason' | xargs)" = "137 lost" ]
}

@test "a start that fails has started nothing" {
	jail create --image "$IMAGE" web /nosuch
	run jail start web
	[ "$status" -ne 0 ]
	[ "$(events web)" = created ]
}

# follow OPTIONS...: a follower with its output in a file; HELPER. --since, so that nothing is missed.
follow() {
	env --default-signal=INT "$JAIL_BUILD/jail" events --follow --since 1h "$@" >"$BATS_TEST_TMPDIR/followed" 3>&- &
	HELPER=$!
}
followed() {
	grep -q "$1" "$BATS_TEST_TMPDIR/followed"
}

@test "followers see what comes, and end well with a signal" {
	follow --json
	sleeper web
	wait_until 20 followed '"event":"started"'
	jail rm -f web
	wait_until 20 followed '"event":"removed"'
	kill -INT $HELPER
	wait $HELPER
	diff "$BATS_TEST_TMPDIR/followed" <(jail events --json)
}

@test "a follower of one name sees no other; text has no JSON" {
	follow web
	sleeper other
	sleeper web
	wait_until 20 followed '  started     web  pid='
	kill -TERM $HELPER
	wait $HELPER
	run ! followed other
	run ! followed '{'
}

watches() {
	grep -q inotify "/proc/$HELPER/fdinfo/"*
}

@test "without --since only what comes is followed" {
	sleeper old
	env --default-signal=INT "$JAIL_BUILD/jail" events -f >"$BATS_TEST_TMPDIR/followed" 3>&- &
	HELPER=$!
	wait_until 20 watches
	jail pause old
	wait_until 20 followed 'paused      old'
	run ! followed started
	kill -INT $HELPER
	wait $HELPER
}

@test "a follower whose reader has gone ends, though nothing happens" {
	sleeper web
	run -0 bash -c 'set -o pipefail; timeout 30 "$1/jail" events -f --since 1h --json | head -n 1 | jq -r .event' sh "$JAIL_BUILD"
	[ "$output" = created ]
}

@test "the log is root's, and bounded" {
	sleeper web
	[ "$(stat -c %a "$JAIL_TEST_DIR/state/events")" = 700 ]
	[ "$(stat -c %a "$JAIL_TEST_DIR/state/events/events.jsonl")" = 600 ]
	head -c 4194304 /dev/zero | tr '\0' '\n' >>"$JAIL_TEST_DIR/state/events/events.jsonl"
	jail pause web
	[ "$(wc -l <"$JAIL_TEST_DIR/state/events/events.jsonl")" = 1 ]
	[ "$(events web)" = "created started paused" ]
}

@test "what cannot be written down happens all the same, with a warning" {
	sleeper web
	rm -r "$JAIL_TEST_DIR/state/events"
	mkdir "$JAIL_TEST_DIR/state/events"
	ln -s /dev/full "$JAIL_TEST_DIR/state/events/events.jsonl"
	run -0 jail pause web
	assert_output 'warning: web: the event "paused" is not on record'
	run -0 jail rm -f web
	run -0 jail run -d --name web --image "$IMAGE" sleep 1000
	assert_output 'warning: the event "started" is not on record'
	[ "$(status_of web)" = running ]
	# The monitor's word is in the log.
	jail stop web
	rm "$JAIL_TEST_DIR/state/events/events.jsonl"
	run -0 jail logs --json web
	assert_output "the event could not be written"
}

@test "--since: by age" {
	sleeper web
	run -0 jail events --since 1h web
	assert_output started
	run ! jail events --since nonsense
	run -0 jail events nosuch
	[ -z "$output" ]
}
