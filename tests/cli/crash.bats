# SPDX-License-Identifier: GPL-2.0-or-later
# Crash-only: whatever is killed, the next command finds a consistent world, and gc leaves nothing.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

@test "the monitor is killed: the instance dies with it and the state says so" {
	sleeper web --port 8080:80
	local pid
	pid=$(pid_of web)
	kill -KILL "$(monitor_of web)"
	wait_until 10 test ! -d "/proc/$pid"
	wait_status web stopped
	[ "$(field web .lastExit.reason)" = lost ]
	jail gc
	[ ! -d "$SANDBOX_ROOT/jail/web" ]
	jail start web
	[ "$(status_of web)" = running ]
}

@test "the instance's init is killed from outside: an exit like any other" {
	sleeper web
	kill -KILL "$(pid_of web)"
	wait_status web stopped
	[ "$(field web .lastExit.status)" = 137 ]
}

@test "killed at any moment of a start: consistent, and startable again" {
	jail create web --image "$IMAGE" --port 8080:80 -- sleep 1000
	local i delay
	for i in $(seq 30); do
		setsid "$JAIL_BUILD/jail" start web >/dev/null 2>&1 3>&- &
		delay=$(printf '0.%03d' $((i * 2)))
		sleep "$delay"
		kill -KILL -- -$! 2>/dev/null || :
		wait $! 2>/dev/null || :
		jail inspect web >/dev/null
		jail gc >/dev/null
		jail rm -f web
		[ ! -d "$SANDBOX_ROOT/jail/web" ]
		jail create web --image "$IMAGE" --port 8080:80 -- sleep 1000
	done
	jail start web
	[ "$(status_of web)" = running ]
}

@test "the supervisor is killed at any moment of a start" {
	local i pid
	for i in $(seq 20); do
		"$JAIL_BUILD/jail" run --rm --detach --name web --image "$IMAGE" --port 8080:80 sleep 1000 >/dev/null 2>&1 3>&- &
		sleep "$(printf '0.%03d' $((i * 2)))"
		while read -r pid; do
			kill -KILL "$pid" 2>/dev/null || :
		done < <(cat "$SANDBOX_ROOT/jail/.monitor/cgroup.procs" 2>/dev/null)
		wait $! 2>/dev/null || :
		# What it had begun to start dies with it, but not at once, and holds the instance's lock until then.
		wait_until 30 nothing_is_left
	done
}
nothing_is_left() {
	jail rm -f web || :
	jail gc && [ ! -d "$SANDBOX_ROOT/jail/web" ] && [ -z "$(jail ps --quiet)" ]
}

@test "create is killed: nothing or all of it" {
	local i
	for i in $(seq 20); do
		"$JAIL_BUILD/jail" create web --image "$IMAGE" true >/dev/null 2>&1 3>&- &
		sleep "$(printf '0.%04d' $((i * 3)))"
		kill -KILL $! 2>/dev/null || :
		wait $! 2>/dev/null || :
		jail gc >/dev/null
		if jail inspect web >/dev/null 2>&1; then
			jail rm web
		fi
		jail create web --image "$IMAGE" true
		jail rm web
	done
	[ -z "$(ls -A "$JAIL_TEST_DIR/state/leases/ids")" ]
}

@test "a reboot: the run directory is gone, instances are there, stopped" {
	sleeper web
	kill -KILL "$(monitor_of web)"
	wait_status web stopped
	rm -rf "$JAIL_TEST_DIR/run"
	[ "$(status_of web)" != running ]
	jail start web
	[ "$(status_of web)" = running ]
}

@test "gc on a clean world finds nothing; plain and JSON" {
	jail gc
	run -0 jail gc
	[ "$output" = 'nothing to remove' ]
	run -0 jail gc --json
	[ "$(jq '[.[]] | add' <<<"$output")" = 0 ]
}

@test "gc takes what belongs to nobody, and leaves what lives alone" {
	sleeper web --port 8080:80
	mkdir -p "$SANDBOX_ROOT/jail/ghost/inside" "$JAIL_TEST_DIR/run/instances/ghost"
	ln -s ghost "$JAIL_TEST_DIR/state/leases/ids/4000"
	touch "$JAIL_TEST_DIR"/state/{networks/.ghost.json.tmp,instances/web/.spec.json.tmp} "$JAIL_TEST_DIR/run/instances/web/.state.json.tmp"
	run -0 jail gc
	assert_output 'removed 3 half-written files'
	[ -z "$(find "$JAIL_TEST_DIR" -name '.*.tmp')" ]
	[ ! -d "$SANDBOX_ROOT/jail/ghost" ]
	[ ! -e "$JAIL_TEST_DIR/run/instances/ghost" ]
	[ ! -L "$JAIL_TEST_DIR/state/leases/ids/4000" ]
	[ "$(status_of web)" = running ]
	run -0 jail exec web true
}

@test "a damaged instance is reported, not fatal to the others" {
	sleeper good
	jail create bad --image "$IMAGE" true
	find "$JAIL_TEST_DIR/state/instances/bad" -maxdepth 1 -name '*.json' -exec sh -c 'echo "{" > "$1"' sh {} \;
	run -0 jail ps
	assert_output good
	assert_output 'bad'
	jail rm -f bad
	run -0 jail ps --quiet
	[ "$output" = good ]
}

@test "two starts at once: one wins, one is told" {
	jail create web --image "$IMAGE" -- sleep 1000
	local a b one=0 two=0
	jail start web 2>"$BATS_TEST_TMPDIR/a" &
	a=$!
	jail start web 2>"$BATS_TEST_TMPDIR/b" &
	b=$!
	wait $a || one=$?
	wait $b || two=$?
	[ $((one + two)) -eq 1 ]
	[ "$(status_of web)" = running ]
}

@test "two creates of one name at once: one wins" {
	local a b one=0 two=0
	jail create web --image "$IMAGE" true 2>/dev/null &
	a=$!
	jail create web --image "$IMAGE" true 2>/dev/null &
	b=$!
	wait $a || one=$?
	wait $b || two=$?
	[ $((one + two)) -eq 1 ]
}
