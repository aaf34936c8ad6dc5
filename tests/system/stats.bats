# SPDX-License-Identifier: GPL-2.0-or-later
# jail stats where every controller is: each figure against the cgroup's files. The instance is paused while it is
# compared, and what the kernel still moves by itself (slab, charges on their way back) is compared again.

load ../lib/common
load ../lib/system

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

# member JQ: of a sample of web.
member() {
	jail stats --json web | jq -r ".[0]$1"
}
file() {
	cat "$(field web .cgroup)/$1"
}
# keys FILE KEY=MEMBER...: {"member": number} for each line KEY of FILE that is there, sorted.
keys() {
	local file=$1 pair

	shift
	for pair; do
		file "$file" | awk -v key="${pair%%=*}" -v to="${pair#*=}" '$1 == key { printf "{\"%s\":%s}\n", to, $2 }'
	done | jq -cSs add
}
# same GROUP FILE KEY=MEMBER...: the group has these and the file's numbers.
same() {
	local group=$1 have want names

	shift
	have=$(member ".$group")
	want=$(keys "$@")
	names=$(jq -c keys <<<"$want")
	[ "$want" != null ] && [ "$(jq -cS --argjson names "$names" 'with_entries(select(.key | IN($names[])))' <<<"$have")" = "$want" ]
}

@test "memory: current, peak, limits" {
	need controllers memory
	sleeper web --network none --memory 64MiB
	jail exec web sh -c 'head -c 8000000 /dev/zero >/dev/shm/x'
	jail pause web
	[ "$(member .memory.max)" = $((64 << 20)) ]
	[ "$(member .memory.high)" = null ]
	[ "$(member '.memory | has("high")')" = true ]
	[ "$(member .memory.peak)" -ge 8000000 ]
	[ "$(member .memory.peak)" = "$(file memory.peak)" ]
	same_current() { [ "$(member .memory.current)" = "$(file memory.current)" ]; }
	wait_until 20 same_current
	run -0 jail stats web
	[[ $(awk '$1 == "web" { print $4, $5 }' <<<"$output") =~ ^[0-9.]+M\ 64M$ ]]
}

@test "memory by kind: as memory.stat has it" {
	need controllers memory
	sleeper web --network none
	jail exec web sh -c 'head -c 8000000 /dev/zero >/dev/shm/x'
	jail pause web
	wait_until 30 same memoryKinds memory.stat anon=anon file=file kernel=kernel kernel_stack=kernelStack \
		pagetables=pageTables sec_pagetables=secPageTables percpu=percpu sock=sock vmalloc=vmalloc shmem=shmem \
		zswap=zswap zswapped=zswapped file_mapped=fileMapped file_dirty=fileDirty file_writeback=fileWriteback \
		swapcached=swapCached anon_thp=anonThp inactive_anon=inactiveAnon active_anon=activeAnon \
		inactive_file=inactiveFile active_file=activeFile unevictable=unevictable slab=slab \
		slab_reclaimable=slabReclaimable slab_unreclaimable=slabUnreclaimable pgfault=pageFaults pgmajfault=majorFaults
	[ "$(member .memoryKinds.shmem)" -ge 8000000 ]
	[ "$(member '.memoryKinds | length')" -ge 20 ]
}

@test "memory events: a kill is counted, and is an event at the end of the run" {
	need controllers memory
	sleeper web --network none --memory 32MiB
	run -137 jail exec web awk 'BEGIN { s = "x"; while (1) s = s s }'
	[ "$(member .memoryEvents.oomKill)" = 1 ]
	same memoryEvents memory.events low=low high=high max=max oom=oom oom_kill=oomKill oom_group_kill=oomGroupKill
	jail stop --timeout 100ms web
	[ "$(jail events --json web | jq -rs 'map(select(.event == "oom")) | map("\(.kills) \(.level) \(.victim)") | join(",")')" = "1 instance awk" ]
	# Those of this life: the log has the earlier tests' too. Whether the stop had to kill is not the point.
	jail events --json web | jq -r 'select(.event != "killed") | .event' | tail -n 5 >"$BATS_TEST_TMPDIR/events"
	[ "$(xargs <"$BATS_TEST_TMPDIR/events")" = "created started exited oom stopped" ]
}

throttled() {
	[ "$(member .cpu.throttledPeriods)" -gt 3 ]
}

@test "cpu: time, throttling, quota" {
	need controllers cpu
	app web --network none --cpus 0.2 --cpu-weight 50 sh -c 'while :; do :; done'
	wait_until 120 throttled
	jail pause web
	wait_until 30 same cpu cpu.stat usage_usec=usageUsec user_usec=userUsec system_usec=systemUsec nice_usec=niceUsec \
		nr_periods=periods nr_throttled=throttledPeriods throttled_usec=throttledUsec nr_bursts=bursts burst_usec=burstUsec
	[ "$(member '.cpu | .quotaUsec / .periodUsec')" = 0.2 ]
	[ "$(member .cpu.weight)" = 50 ]
	jail resume web
	# A fifth of a CPU over five seconds: the quota is exact over its periods, the sample's ends are not.
	run -0 jail stats --json --interval 5s web
	[ "$(jq '.[0].cpu.percent | . > 12 and . < 28' <<<"$output")" = true ]
}

@test "pressure: cpu, memory and io as their files have it" {
	need controllers cpu
	app web --network none --cpus 0.2 sh -c 'while :; do :; done'
	stalled() { [ "$(member .pressure.cpu.some.totalUsec)" -gt 100000 ]; }
	wait_until 120 stalled
	jail pause web
	for what in cpu memory io; do
		for kind in some full; do
			same_total() {
				[ "$(member ".pressure.$what.$kind.totalUsec")" = "$(file "$what.pressure" | sed -n "s/^$kind.*total=//p")" ]
			}
			wait_until 30 same_total
		done
	done
	same_average() {
		[ "$(member '.pressure.cpu.some.avg300')" = "$(file cpu.pressure | sed -n 's/^some.*avg300=\([0-9.]*\).*/\1/p' | jq -r .)" ]
	}
	wait_until 30 same_average
}

@test "processes: current, most, limit, and forks that it stopped" {
	need controllers pids
	sleeper web --network none --pids 10
	jail exec web sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done' || :
	[ "$(member .pids.current)" = "$(file pids.current)" ]
	[ "$(member .pids.max)" = 10 ]
	[ "$(member .pids.failedForks)" -gt 0 ]
	[ "$(member .pids.failedForks)" = "$(file pids.events | sed -n 's/^max //p')" ]
	if [ -e "$(field web .cgroup)/pids.peak" ]; then
		[ "$(member .pids.peak)" = "$(file pids.peak)" ]
	else
		[ "$(member '.pids | has("peak")')" = false ]
	fi
}

@test "io: by device, with its name" {
	need controllers io
	mkdir -p "$JAIL_TEST_DIR/volume"
	chmod 777 "$JAIL_TEST_DIR/volume"
	sleeper web --network none --mount "$JAIL_TEST_DIR/volume:/volume"
	jail exec web dd if=/dev/zero of=/volume/x bs=1M count=8 conv=fsync
	jail pause web
	device=$(stat -c '%Hd:%Ld' "$JAIL_TEST_DIR/volume")
	wait_until 30 written "$device"
	[ "$(member ".io[] | select(.device == \"$device\") | .name")" = "$(basename "$(readlink "/sys/dev/block/$device")")" ]
	[ "$(member ".io[] | select(.device == \"$device\") | .writeBytes")" = \
		"$(file io.stat | sed -n "s/^.*$device .*wbytes=\([0-9]*\).*/\1/p")" ]
	run -0 jail stats web
	[[ $(awk '$1 == "web" { print $NF }' <<<"$output") =~ ^[0-9.]+M$ ]]
}
written() {
	[ "$(member ".io[] | select(.device == \"$1\") | .writeBytes")" -ge $((8 << 20)) ]
}
