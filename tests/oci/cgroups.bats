# SPDX-License-Identifier: GPL-2.0-or-later
# vm: too
# config-linux.md: cgroupsPath, resources (cgroup v2), update; what kill and delete do with a group. Controllers exist in
# the test VM only; what needs one skips elsewhere.

load lib

setup_file() { oci_setup_file; }
teardown_file() { oci_teardown_file; }
teardown() { oci_teardown; }

# value FILE: of the container's group.
value() { cat "$CGROUPS/c/$1"; }
# limits JSON: the filter for linux.resources, devices kept.
limits() { echo ".linux.resources += $1"; }

@test "config-linux.md cgroupsPath: absolute, below the hierarchy's root" {
	live '.linux.cgroupsPath = "/some/deep/group"'
	equal "$(pid_in c)" "$(cat "$CGROUPS/some/deep/group/cgroup.procs")"
	oci delete --force c
	[ ! -d "$CGROUPS/some/deep/group" ]
	rmdir "$CGROUPS/some/deep" "$CGROUPS/some" 2>/dev/null || :
}

@test "config-linux.md cgroupsPath: relative and without one, in a place of the runtime's choice, and removed" {
	local filter group

	for filter in '.linux.cgroupsPath = "relative-to"' 'del(.linux.cgroupsPath)'; do
		live "$filter"
		group=$(sed -n 's/^0:://p' "/proc/$(pid_in c)/cgroup")
		[ "$group" != "$(sed -n 's/^0:://p' /proc/self/cgroup)" ]
		[ -d "$CGROUPS$group" ]
		oci delete --force c
		[ ! -d "$CGROUPS$group" ]
	done
}

@test "config-linux.md cgroupsPath: the same relative one gives the same group" {
	local group

	live '.linux.cgroupsPath = "rel"'
	group=$(sed -n 's/^0:://p' "/proc/$(pid_in c)/cgroup")
	oci delete --force c
	live '.linux.cgroupsPath = "rel"'
	equal "$group" "$(sed -n 's/^0:://p' "/proc/$(pid_in c)/cgroup")"
}

@test "cgroupsPath: .. does not lead out" {
	run box '.linux.cgroupsPath = "/../../../../../../outside"' 'cat /proc/self/cgroup'
	[ "$status" -ne 0 ] || [ ! -d "$CGROUPS/../outside" ]
	[ ! -d /sys/fs/outside ]
}

@test "a group that exists already, with processes in it, is refused and left alone" {
	mkdir "$CGROUPS/c"
	sleep 1000 3>&- &
	echo $! >"$CGROUPS/c/cgroup.procs"
	bundle c
	try launch create
	local refused=$status
	equal $! "$(cat "$CGROUPS/c/cgroup.procs")"
	kill $!
	wait $! || :
	oci delete --force c
	rmdir "$CGROUPS/c" 2>/dev/null || :
	[ "$refused" -ne 0 ]
}

@test "a group that exists already and is frozen is refused" {
	mkdir "$CGROUPS/c"
	echo 1 >"$CGROUPS/c/cgroup.freeze"
	bundle c
	try launch create
	local refused=$status
	echo 0 2>/dev/null >"$CGROUPS/c/cgroup.freeze" || :
	oci delete --force c
	rmdir "$CGROUPS/c" 2>/dev/null || :
	[ "$refused" -ne 0 ]
}

@test "a group that exists already, empty, is used" {
	mkdir "$CGROUPS/c"
	live .
	equal "$(pid_in c)" "$(value cgroup.procs)"
}

@test "kill and delete with the host's pid namespace end the whole group" {
	local pids

	live '.linux.namespaces |= map(select(.type != "pid"))' 'trap "" TERM; sleep 1001 & sleep 1002 & echo ready; wait; sleep 1003'
	wait_out ready
	wait_until 30 eval '[ "$(wc -l <"$CGROUPS/c/cgroup.procs")" -ge 3 ]'
	pids=$(value cgroup.procs)
	run -0 oci kill c KILL
	wait_stopped c
	oci delete c
	local pid
	for pid in $pids; do
		wait_until 10 process_ended "$pid"
	done
}
process_ended() { [ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

@test "the host's pid namespace: when the first process is gone, delete --force ends the rest" {
	live '.linux.namespaces |= map(select(.type != "pid"))' 'sleep 1001 & echo ready; exit 0'
	wait_out ready
	wait_stopped c
	run -0 oci delete --force c
	[ ! -d "$CGROUPS/c" ]
}

@test "the host's pid namespace: kill reaches the rest when the first process is gone" {
	live '.linux.namespaces |= map(select(.type != "pid"))' 'sleep 1001 & echo ready; exit 0'
	wait_out ready
	wait_stopped c
	run oci kill --all c KILL
	run -0 oci delete --force c
	[ ! -d "$CGROUPS/c" ]
}

@test "kill --all signals all processes" {
	live . 'sh -c "trap \"echo child; exit\" USR1; echo up; while :; do read -t 1 x </dev/mqueue || :; done" & trap "echo first" USR1; echo ready; while :; do wait; done'
	wait_out ready
	wait_out up
	run -0 oci kill --all c USR1
	wait_out child
	wait_out first
}

@test "groups that the container made below its own are removed, processes in them ended" {
	live '.mounts |= map(if .type == "cgroup" then .options = ["rw"] else . end)' \
		'mkdir -p /sys/fs/cgroup/a/b && sleep 1000 & sleep 1001 & echo $! >/sys/fs/cgroup/a/b/cgroup.procs; echo ready; exec sleep 1002'
	wait_out ready
	mkdir -p "$CGROUPS/c/x/y"
	run -0 oci delete --force c
	[ ! -d "$CGROUPS/c" ]
}

@test "config-linux.md unified: files by name; what is no file's name or not there is an error" {
	live '.linux.resources.unified = {"cgroup.max.descendants": "17", "cgroup.max.depth": "5"}'
	equal 17 "$(value cgroup.max.descendants)"
	equal 5 "$(value cgroup.max.depth)"
	oci delete --force c
	refused_box '.' '.linux.resources.unified = {"no.such.file": "1"}'
	refused_box '.' '.linux.resources.unified = {"../cgroup.max.depth": "1"}'
	refused_box '.' '.linux.resources.unified = {"cgroup.max.depth": "many"}'
}

@test "a limit whose controller the machine lacks is an error" {
	! grep -qw memory "$CGROUPS/cgroup.controllers" || skip "it is there"
	refused_box '.' "$(limits '{"memory": {"limit": 100000000}}')"
	refused_box '.' "$(limits '{"pids": {"limit": 10}}')"
	refused_box '.' "$(limits '{"cpu": {"quota": 50000, "period": 100000}}')"
}

@test "config-linux.md hugepageLimits" {
	needs hugetlb
	[ -e "$CGROUPS/runner/hugetlb.2MB.max" ] || skip "no pages of 2 MB"
	live "$(limits '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}')"
	equal 4194304 "$(value hugetlb.2MB.max)"
	oci delete --force c
	refused_box '.' "$(limits '{"hugepageLimits": [{"pageSize": "3MB", "limit": 4194304}]}')"
}

@test "config-linux.md memory: limit, reservation, swap" {
	needs memory
	live "$(limits '{"memory": {"limit": 104857600, "reservation": 52428800, "swap": 157286400}}')"
	equal 104857600 "$(value memory.max)"
	equal 52428800 "$(value memory.low)"
	[ ! -e "$CGROUPS/c/memory.swap.max" ] || equal 52428800 "$(value memory.swap.max)"
}

@test "config-linux.md memory: -1 is none; swap less than the limit is an error" {
	needs memory
	live "$(limits '{"memory": {"limit": -1, "swap": -1}}')"
	equal max "$(value memory.max)"
	oci delete --force c
	refused_box '.' "$(limits '{"memory": {"limit": 104857600, "swap": 52428800}}')"
}

@test "config-linux.md memory: checkBeforeUpdate refuses a limit below the use" {
	needs memory
	live "$(limits '{"memory": {"limit": 104857600, "checkBeforeUpdate": true}}')" 'head -c 20000000 /dev/zero >/dev/shm/x; echo ready; exec sleep 1000'
	wait_out ready
	run ! oci update --resources - c <<<'{"memory": {"limit": 1048576, "checkBeforeUpdate": true}}'
	equal 104857600 "$(value memory.max)"
	state_is c running
}

@test "config-linux.md cpu: shares, quota, period, burst, idle" {
	needs cpu
	live "$(limits '{"cpu": {"shares": 1024, "quota": 50000, "period": 200000}}')"
	equal '50000 200000' "$(value cpu.max)"
	# 1 + ((shares - 2) * 9999) / 262142 was the conversion until 2025, then one that gives 100 for 1024.
	[[ $(value cpu.weight) =~ ^(39|100)$ ]]
	oci delete --force c
	live "$(limits '{"cpu": {"quota": 50000, "period": 100000, "burst": 10000}}')"
	equal 10000 "$(value cpu.max.burst)"
	oci delete --force c
	live "$(limits '{"cpu": {"idle": 1}}')"
	equal 1 "$(value cpu.idle)"
	oci delete --force c
	live "$(limits '{"cpu": {"quota": -1}}')"
	equal 'max 100000' "$(value cpu.max)"
}

@test "config-linux.md cpu: cpus and mems" {
	needs cpuset
	live "$(limits '{"cpu": {"cpus": "0", "mems": "0"}}')"
	equal 0 "$(value cpuset.cpus)"
	equal 0 "$(value cpuset.mems)"
	oci delete --force c
	refused_box '.' "$(limits '{"cpu": {"cpus": "99999"}}')"
}

@test "config-linux.md pids: limit, and what none means" {
	needs pids
	live "$(limits '{"pids": {"limit": 20}}')"
	equal 20 "$(value pids.max)"
	oci delete --force c
	live "$(limits '{"pids": {"limit": -1}}')"
	equal max "$(value pids.max)"
}

@test "config-linux.md blockIO: weight, throttling" {
	needs io
	local device
	device=$(lsblk -dnro MAJ:MIN,TYPE | awk '$2 == "disk" { print $1; exit }')
	[ -n "$device" ] || skip "no disk"
	live "$(limits "{\"blockIO\": {\"throttleReadBpsDevice\": [{\"major\": ${device%:*}, \"minor\": ${device#*:}, \"rate\": 1048576}], \"throttleWriteIOPSDevice\": [{\"major\": ${device%:*}, \"minor\": ${device#*:}, \"rate\": 100}]}}")"
	run -0 cat "$CGROUPS/c/io.max"
	like "^$device .*rbps=1048576"
	like "wiops=100"
}

@test "config-linux.md unified: wins over the other members" {
	needs pids
	live "$(limits '{"pids": {"limit": 20}, "unified": {"pids.max": "30"}}')"
	equal 30 "$(value pids.max)"
}

@test "an OOM kill: events tell it, the status is 137" {
	needs memory
	run box "$(limits '{"memory": {"limit": 20971520, "swap": 20971520}}') | .mounts += [{\"destination\": \"/mnt\", \"type\": \"tmpfs\", \"source\": \"t\"}]" \
		'exec dd if=/dev/zero of=/mnt/x bs=1M count=64'
	[ "$status" -eq 137 ]
}

@test "events: the stream tells of the OOM killer" {
	needs memory
	live "$(limits '{"memory": {"limit": 20971520, "swap": 20971520}}')" 'mkfifo /dev/shm/go; echo ready; read x </dev/shm/go; dd if=/dev/zero of=/dev/shm/x bs=1M count=60; exec sleep 1000'
	wait_out ready
	oci events --interval 1s c >"$BATS_TEST_TMPDIR/events" 2>/dev/null &
	wait_until 30 grep -q '"stats"' "$BATS_TEST_TMPDIR/events"
	run oci exec c sh -c 'echo x >/dev/shm/go'
	wait_until 30 grep -q '"type":"oom"' "$BATS_TEST_TMPDIR/events"
	oci delete --force c
	wait
}

@test "update: limits of a running container" {
	needs memory cpu pids
	live "$(limits '{"memory": {"limit": 104857600}, "pids": {"limit": 20}}')"
	run -0 oci update --memory 52428800 --pids-limit 30 --cpu-quota 30000 --cpu-period 100000 --cpu-share 512 c
	equal 52428800 "$(value memory.max)"
	equal 30 "$(value pids.max)"
	equal '30000 100000' "$(value cpu.max)"
	# What isn't mentioned stays.
	run -0 oci update --pids-limit 40 c
	equal 52428800 "$(value memory.max)"
	equal 40 "$(value pids.max)"
}

@test "update --resources: from a file, from stdin" {
	needs memory pids
	live .
	echo '{"memory": {"limit": 52428800}, "pids": {"limit": 33}}' >"$BATS_TEST_TMPDIR/r.json"
	run -0 oci update --resources "$BATS_TEST_TMPDIR/r.json" c
	equal 52428800 "$(value memory.max)"
	equal 33 "$(value pids.max)"
	run -0 oci update --resources - c <<<'{"pids": {"limit": 44}}'
	equal 44 "$(value pids.max)"
	equal 52428800 "$(value memory.max)"
}

@test "update: a created container; devices stay as they were" {
	needs pids
	bundle c
	create c
	run -0 oci update --pids-limit 30 c
	equal 30 "$(value pids.max)"
	oci start c
	run -0 oci exec c sh -c 'echo x >/dev/null; probe open /dev/zero r'
	equal ok
}

@test "update: of one that is stopped or unknown, of what is no number or no resources, is an error" {
	live .
	run ! oci update --memory many c
	run ! oci update --resources - c <<<'{'
	run ! oci update --resources - c <<<'[]'
	run ! oci update --resources /no/such/file c
	run ! oci update --pids-limit 5 nobody
	state_is c running
	oci kill c KILL
	wait_stopped c
	run ! oci update --pids-limit 5 c
}
