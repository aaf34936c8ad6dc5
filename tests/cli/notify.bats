# SPDX-License-Identifier: GPL-2.0-or-later
# What a program tells by sd_notify(3): ready, and alive.

load ../lib/common

setup_file() {
	jail_setup_file
	TOOLS=$JAIL_TEST_DIR/tools
	export TOOLS
	mkdir "$TOOLS"
	musl-gcc -static -D_GNU_SOURCE -O2 -Wall -o "$TOOLS/notify" "$TOP/tests/helpers/notify.c"
}
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

# make NAME SCRIPT [OPTION...]: an instance that has the program "notify".
make() {
	jail create --image "$IMAGE" --mount "$TOOLS:/tools:ro" "${@:3}" "$1" -- sh -c "$2"
}
ready() { field "$1" .ready; }
is_unready() { status_is "$1" running && [ "$(ready "$1")" = false ]; }

@test "jail start waits until the program has said READY=1, as any user" {
	make web 'until [ -e /tmp/go ]; do sleep 0.1; done; /tools/notify MAINPID=1 READY=1; exec sleep 1000' \
		--notify-ready --user 65534:65534
	jail start web 3>&- &
	local starting=$!
	wait_until 30 is_unready web
	kill -0 "$starting"
	jail exec web touch /tmp/go
	wait "$starting"
	[ "$(ready web)" = true ]
	jail stop --timeout 0s web
	[ "$(ready web)" = null ]
}

@test "a program that ends before it is ready is a failed start, which says so" {
	make web 'exit 3' --notify-ready
	run jail start web
	assert_error 1 'start web: the program has ended before it said READY=1'
	wait_status web stopped
	[ "$(field web .lastExit.status)" = 3 ]
	# The policy goes on all the same.
	make again '[ -e /mark ] && exec /tools/notify READY=1; touch /mark; exit 3' --notify-ready --restart on-failure:3
	run jail start again
	assert_error 1 'has ended before it said READY=1'
	wait_until 60 ended_well again
}
ended_well() { [ "$(field "$1" .lastExit.status)" = 0 ]; }

@test "what requires it waits too" {
	make db '/tools/notify READY=1; exec sleep 1000' --notify-ready
	printf '{"image": "%s", "requires": ["db"], "process": {"args": ["sleep", "1000"]}}' "$IMAGE" >"$BATS_TEST_TMPDIR/s.json"
	jail create --file "$BATS_TEST_TMPDIR/s.json" web
	jail start web
	[ "$(ready db)" = true ]
}

@test "the watchdog: silence is the end, and its reason; the policy starts it again" {
	make web '/tools/notify WATCHDOG=1; exec sleep 1000' --watchdog 200ms
	jail start web
	[ "$(jail wait web)" = 137 ]
	[ "$(field web .lastExit.reason)" = watchdog ]
	make again 'exec sleep 1000' --watchdog 200ms --restart on-failure:1
	jail start again
	wait_until 60 ended_twice again
	[ "$(field again .lastExit.reason)" = watchdog ]
}
ended_twice() { status_is "$1" stopped && [ "$(field "$1" .lastExit.restarts)" = 1 ]; }

@test "the program finds socket and time in its environment; without notify there are none" {
	run -0 jail run --rm --image "$IMAGE" --network none --watchdog 1m30s -- sh -c 'echo $NOTIFY_SOCKET $WATCHDOG_USEC; ls -l $NOTIFY_SOCKET'
	assert_output '/run/host/notify 90000000'
	assert_output srw-rw-rw-
	run -0 jail run --rm --image "$IMAGE" --network none -- sh -c 'echo "<$NOTIFY_SOCKET$WATCHDOG_USEC>"; ls /run/host 2>&1; true'
	assert_output '<>'
	refute_output notify
}

@test "jail run is attached, and does not wait" {
	run -0 jail run --rm --image "$IMAGE" --network none --notify-ready -- echo hello
	[ "$output" = hello ]
}

@test "a whole system: refused with a watchdog" {
	run jail create --image "$IMAGE" --mode system --watchdog 1s web
	assert_error 1 'notify.watchdog: not with mode "system"'
	run jail create --image "$IMAGE" --watchdog 0s web
	assert_error 1 watchdog
}
