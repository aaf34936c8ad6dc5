# SPDX-License-Identifier: GPL-2.0-or-later
# The cgroup: limits that the host can keep, clear errors for those it can't, freeze and kill.

# vm: too

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

group() {
	echo "$SANDBOX_ROOT/jail/$1"
}

@test "one cgroup for each instance; inside it is the root" {
	sleeper web
	[ -n "$(cat "$(group web)/inside/cgroup.procs")" ]
	run -0 jail exec web cat /proc/self/cgroup
	assert_output '0::/'
	jail rm -f web
	[ ! -d "$(group web)" ]
}

@test "the monitor is outside of the instance's cgroup" {
	sleeper web
	run ! grep -qx "$(monitor_of web)" "$(group web)/inside/cgroup.procs"
}

# limit CONTROLLER FLAG VALUE FILE EXPECTED
limit() {
	if has_controller "$1"; then
		sleeper web "$2" "$3"
		[ "$(cat "$(group web)/$4")" = "$5" ]
	else
		run jail run --rm --image "$IMAGE" "$2" "$3" true
		assert_error 125 "$1"
		assert_output 'not available'
		[ ! -d "$(group web)" ]
	fi
}

@test "memory limit: written, or refused with the reason" {
	limit memory --memory 64MiB memory.max 67108864
}

@test "cpu limit: written, or refused with the reason" {
	limit cpu --cpus 0.5 cpu.max '50000 100000'
}

@test "cpu weight: written, or refused with the reason" {
	limit cpu --cpu-weight 50 cpu.weight 50
}

@test "process limit: kept, or refused with the reason" {
	limit pids --pids 20 pids.max 20
}

@test "what nobody limited is not among the limits in the kernel" {
	sleeper web --network none
	run -0 jail inspect --json web
	[ "$(jq -c '.[0].kernelLimits // {} | with_entries(select((.value | startswith("max")) or (.value | length > 18)))' \
		<<<"$output")" = '{}' ]
}

@test "memory beyond the limit is the instance's own death" {
	has_controller memory || skip "the memory controller is not in this host's v2 tree"
	# With swap the rest would go there.
	run jail run --rm --image "$IMAGE" --file - <<-'END'
		{ "resources": { "memory": { "max": "32MiB", "swapMax": "0" } },
		  "process": { "args": ["sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=1M count=60 && echo survived"] } }
	END
	assert [ "$status" -eq 137 ]
	refute_output survived
}

@test "pause stops everything, resume lets it go on" {
	app web -- sh -c 'i=0; while :; do i=$((i+1)); echo $i > /tmp/i; done'
	wait_until 10 jail exec web test -s /tmp/i
	jail pause web
	[ "$(status_of web)" = paused ]
	grep -q 'frozen 1' "$(group web)/cgroup.events"
	run jail pause web
	assert_error 1 web
	jail resume web
	[ "$(status_of web)" = running ]
	grep -q 'frozen 0' "$(group web)/cgroup.events"
	run jail resume web
	assert_error 1 web
}

@test "stop and kill work on a paused instance" {
	sleeper web
	jail pause web
	jail kill web
	wait_status web stopped
	jail start web
	jail pause web
	jail stop --timeout 500ms web
	[ "$(status_of web)" = stopped ]
}

@test "rm --force of a paused instance" {
	sleeper web
	jail pause web
	jail rm -f web
	[ ! -d "$(group web)" ]
}

@test "a process that leaves its session and parents is ended all the same" {
	app web -- sh -c 'for i in 1 2 3; do setsid sh -c "trap \"\" TERM HUP INT; while :; do sleep 1; done" & done; exec sleep 1000'
	wait_until 10 has_processes web 4
	jail kill web
	wait_status web stopped
	[ ! -d "$(group web)" ]
}
has_processes() {
	[ "$(wc -l <"$(group "$1")/inside/cgroup.procs")" -ge "$2" ]
}

@test "the instance's root reads its own cgroup, and cannot write it" {
	run -0 jail run --rm --image "$IMAGE" --network none sh -c 'cat /sys/fs/cgroup/cgroup.procs && ! echo 1 >/sys/fs/cgroup/cgroup.freeze'
	[ "${lines[0]}" = 1 ]
}
