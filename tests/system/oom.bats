#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The out-of-memory killer at work in an instance: what ps, inspect, wait and the exit record say of it.

load ../lib/common
load ../lib/system

setup_file() { jail_setup_file; }
# Nothing is to swap instead.
setup() {
	need controllers memory
	echo +memory >"$SANDBOX_ROOT/cgroup.subtree_control"
	mkdir -p "$SANDBOX_ROOT/jail"
	[ ! -e "$SANDBOX_ROOT/jail/memory.swap.max" ] || echo 0 >"$SANDBOX_ROOT/jail/memory.swap.max"
}
teardown_file() { jail_teardown_file; }
teardown() {
	[ ! -e "$SANDBOX_ROOT/jail/memory.max" ] || echo max >"$SANDBOX_ROOT/jail/memory.max"
	jail_teardown
}

# Takes a gigabyte at once: fast also under emulation.
HOG="exec dd if=/dev/zero of=/dev/null bs=1000M count=1"

oom_of() {
	jail inspect --json "$1" | jq -c ".[0]$2"
}
# ps_status NAME: that column of ps.
ps_status() {
	jail ps --wide | awk -v name="$1" '$1 == name' | sed -E 's/^[^ ]+ +//; s/  .*//'
}

@test "a program that wants more than its instance has: 137, and who it was" {
	run -137 jail run --name hog --image "$IMAGE" --network none --memory 64MiB sh -c "$HOG"
	[ "$(ps_status hog)" = 'stopped 137, out of memory' ]
	[ "$(oom_of hog .lastExit.oom.kills)" = 1 ]
	[ "$(oom_of hog .lastExit.oom.level)" = '"instance"' ]
	[ "$(oom_of hog .lastExit.oom.victim)" = '"dd"' ]
	[ "$(oom_of hog .lastExit.oom.victimPid)" -gt 1 ]
	local peak
	peak=$(oom_of hog .lastExit.oom.peakBytes)
	[ "$peak" -gt $((32 << 20)) ] && [ "$peak" -le $((64 << 20)) ]
	[ "$(oom_of hog .oom)" = null ]
	run -0 jail inspect hog
	assert_output '1 killed, whose limit: instance, the last was dd'
	run -0 jail wait hog
	assert_output 137
	assert_output 'out of memory'
	run -0 jail wait --json hog
	assert_output '"outOfMemory": true'
	# The next start begins anew.
	jail rm hog
	run -137 jail run --name hog --image "$IMAGE" --network none sh -c 'kill -9 $$'
	[ "$(ps_status hog)" = 'stopped 137' ]
	[ "$(oom_of hog .lastExit.oom)" = null ]
}

@test "an instance whose init survives goes on, and says what it has lost" {
	sleeper web --network none --memory 64MiB
	[ "$(oom_of web .oom)" = null ]
	run -137 jail exec web sh -c "$HOG"
	[ "$(status_of web)" = running ]
	[ "$(oom_of web .oom.kills)" = 1 ]
	[ "$(oom_of web .oom.victim)" = '"dd"' ]
	[ "$(oom_of web .oom.level)" = '"instance"' ]
	run -137 jail exec web sh -c "$HOG"
	[ "$(oom_of web .oom.kills)" = 2 ]
	jail stop web
	[ "$(oom_of web .lastExit.oom.kills)" = 2 ]
	run -0 ps_status web
	refute_output memory
}

@test "restarts: each start counts for itself" {
	jail run --detach --name again --image "$IMAGE" --network none --memory 64MiB --restart on-failure:1 sh -c "$HOG"
	wait_until 120 restarted_and_stopped
	[ "$(oom_of again .lastExit.restarts)" = 1 ]
	[ "$(oom_of again .lastExit.oom.kills)" = 1 ]
	[ "$(ps_status again)" = 'stopped 137, out of memory' ]
}
restarted_and_stopped() {
	[ "$(oom_of again '| [.status, .lastExit.restarts]')" = '["stopped",1]' ]
}

@test "a limit above the instance's is the host's" {
	sleeper neighbour --network none
	sleeper small --network none --memory 1GiB
	echo 64M >"$SANDBOX_ROOT/jail/memory.max"
	run -137 jail exec small sh -c "$HOG"
	[ "$(oom_of small .oom.kills)" = 1 ]
	[ "$(oom_of small .oom.level)" = '"host"' ]
	[ "$(oom_of small .oom.victim)" = '"dd"' ]
	[ "$(oom_of neighbour .oom)" = null ]
	# What comes later doesn't inherit that.
	echo max >"$SANDBOX_ROOT/jail/memory.max"
	sleeper later --network none --memory 64MiB
	run -137 jail exec later sh -c "$HOG"
	[ "$(oom_of later .oom.level)" = '"instance"' ]
}

@test "a supervisor that was killed: the next command still records it" {
	sleeper lost --network none --memory 64MiB
	run -137 jail exec lost sh -c "$HOG"
	kill -KILL "$(monitor_of lost)"
	wait_status lost stopped
	[ "$(oom_of lost .lastExit.reason)" = '"lost"' ]
	[ "$(oom_of lost .lastExit.oom.kills)" = 1 ]
}
