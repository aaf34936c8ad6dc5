# SPDX-License-Identifier: GPL-2.0-or-later
# What an instance's systemd unit executes, under a manager of our own (tests/helpers/unit_manager.py): nothing of ours
# stays, the init is the main process, "up" is the unit's cgroup.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

# unit_up NAME: starts the manager; returns when the instance runs or the manager has ended.
unit_up() {
	rm -f "$JAIL_TEST_DIR/report.$1" "$JAIL_TEST_DIR/out.$1"
	/usr/bin/python3 "$TOP/tests/helpers/unit_manager.py" "$JAIL_BUILD/jail" "$1" "$JAIL_TEST_DIR/out.$1" \
		"$JAIL_TEST_DIR/report.$1" 3>&- &
	manager=$!
	wait_until 30 reported "$1" 'READY=1|gone'
}
reported() { grep -Eq "$2" "$JAIL_TEST_DIR/report.$1"; }
unit_down() { kill -TERM "$manager"; wait "$manager"; }
unit_of() { echo "$SANDBOX_ROOT/fake.slice/jail@$1.service"; }

@test "the init is the manager's own child and nothing of ours stays" {
	jail create web --image "$IMAGE" -- sh -c 'echo hello; echo oops >&2; exec sleep 1000'
	unit_up web
	wait_until 30 reported web 'launcher 0'
	[ "$(status_of web)" = running ]
	[ "$(awk '$1 == "PPid:" { print $2 }' "/proc/$(pid_of web)/status")" = "$manager" ]
	[[ $(field web .cgroup) == */fake.slice/jail@web.service/web ]]
	[ -z "$(find "$(unit_of web)" -path "*/web/*" -prune -o -name cgroup.procs -exec cat {} +)" ]
	[ ! -e "$SANDBOX_ROOT/jail/web" ]
	wait_until 30 grep -q hello "$JAIL_TEST_DIR/out.web"
	wait_until 30 grep -q oops "$JAIL_TEST_DIR/out.web"
	unit_down
	[ "$(status_of web)" = stopped ]
	[ "$(field web .lastExit.reason)" = stopped ]
	reported web '^left \[\]$'
}

@test "it is as any other instance to exec, pause, kill, start, rm and gc" {
	jail create web --image "$IMAGE" -- sleep 1000
	unit_up web
	[ "$(jail exec web hostname)" = web ]
	[[ $(jail exec web cat /proc/self/cgroup) == *0::/* ]]
	jail pause web
	[ "$(status_of web)" = paused ]
	jail resume web
	run -1 jail start web
	assert_error 1 "is running"
	run -1 jail rm web
	assert_error 1 "is running"
	run -1 jail rename web other
	jail gc
	[ "$(status_of web)" = running ]
	jail kill web --signal USR1
	[ "$(status_of web)" = stopped ] || wait "$manager"
	[ "$(field web .lastExit.status)" = 138 ]
	[ "$(field web .lastExit.reason)" = exited ]
}

@test "the end by itself is recorded, by status and by signal" {
	jail create web --image "$IMAGE" -- sh -c 'exit 7'
	unit_up web
	wait "$manager"
	[ "$(field web .lastExit.status)" = 7 ]
	[ "$(field web .lastExit.reason)" = exited ]
	jail rm web
	jail create web --image "$IMAGE" -- sleep 1000
	unit_up web
	kill -KILL "$(pid_of web)"
	wait "$manager"
	[ "$(field web .lastExit.status)" = 137 ]
	[ "$(field web .lastExit.reason)" = signalled ]
}

@test "jail stop and jail wait follow it" {
	jail create web --image "$IMAGE" -- sleep 1000
	unit_up web
	jail wait web >"$JAIL_TEST_DIR/waited" 3>&- &
	local waiter=$!
	jail stop web
	wait "$manager"
	wait "$waiter" || :
	[ "$(cat "$JAIL_TEST_DIR/waited")" = 143 ]
	[ "$(field web .lastExit.reason)" = stopped ]
}

@test "a failed start says why, and leaves nothing" {
	jail create web --image "$IMAGE" -- /no/such/program
	unit_up web
	wait "$manager" || :
	reported web '^main exited 254$'
	grep -q 'exec /no/such/program' "$JAIL_TEST_DIR/out.web"
	[ "$(status_of web)" = created ]
}

@test "the launcher is killed at any moment: the unit's end cleans up" {
	jail create web --image "$IMAGE" --port 8080:80 -- sleep 1000
	local i
	for i in $(seq 20); do
		rm -f "$JAIL_TEST_DIR/report.web"
		/usr/bin/python3 "$TOP/tests/helpers/unit_manager.py" "$JAIL_BUILD/jail" web "$JAIL_TEST_DIR/out.web" \
			"$JAIL_TEST_DIR/report.web" 3>&- &
		manager=$!
		wait_until 30 reported web '^pid'
		sleep "$(printf '0.%03d' $((i * 2)))"
		kill -KILL "$(sed -n 's/^pid //p' "$JAIL_TEST_DIR/report.web")" 2>/dev/null || :
		wait_until 30 reported web 'READY=1|gone'
		! reported web READY=1 || kill -TERM "$manager"
		wait "$manager" || :
		reported web '^left \[\]$'
		[[ $(status_of web) == @(created|stopped) ]]
	done
	jail start web
	[ "$(status_of web)" = running ]
}

@test "with a console jail-monitor is the main process, and its end is the unit's" {
	jail create web --image "$IMAGE" --tty -- sh -c 'read line; exit 5'
	unit_up web
	[ "$(monitor_of web)" = "$(pgrep -P "$manager" jail-monitor)" ]
	kill -TERM "$manager"
	wait "$manager" || :
	[ "$(field web .lastExit.reason)" = stopped ]
	reported web '^left \[\]$'
	jail rm web
	jail create web --image "$IMAGE" --tty -- sh -c 'exit 5'
	unit_up web
	wait "$manager" || :
	reported web '^main exited 5$'
}

@test "one that runs without its unit is left alone by the unit" {
	jail create web --image "$IMAGE" -- sleep 1000
	jail start web
	JAIL_TIMEOUT=60 unit_up web
	wait "$manager" || :
	reported web '^main exited 254$'
	[ "$(status_of web)" = running ]
	jail stop web
}
