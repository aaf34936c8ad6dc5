# SPDX-License-Identifier: GPL-2.0-or-later
# vm: cpus=2
# Each limit against a program that wants more, and each changed while it runs. What is measured is the instance's own
# accounting over a window of wall time, so that neither the machine's speed nor its load matter.

load ../lib/common
load ../lib/system

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() {
	jail_teardown
	[ ! -e "$BATS_TEST_TMPDIR/swap" ] || swapoff "$(cat "$BATS_TEST_TMPDIR/swap")"
	[ ! -e "$BATS_TEST_TMPDIR/partition" ] || delpart "$JAIL_TEST_DISK" 1
}

MIB=1048576
SPIN='while :; do :; done'

group() {
	echo "$SANDBOX_ROOT/jail/$1"
}
# key NAME FILE [WORD]: the file's content, or the number behind a word of it.
key() {
	if [ $# -eq 2 ]; then
		cat "$(group "$1")/$2"
	else
		awk -v word="$3" '$1 == word { print $2 }' "$(group "$1")/$2"
	fi
}
key_over() {
	[ "$(key "$1" "$2" "$3")" -gt "$4" ]
}

# usage NAME SECONDS: thousandths of a CPU that it used over that long.
usage() {
	local t0 t1 u0 u1

	u0=$(key "$1" cpu.stat usage_usec) t0=${EPOCHREALTIME/./}
	sleep "$2"
	u1=$(key "$1" cpu.stat usage_usec) t1=${EPOCHREALTIME/./}
	echo $(((u1 - u0) * 1000 / (t1 - t0)))
}
# between LOW VALUE HIGH
between() {
	if [ "$2" -lt "$1" ] || [ "$2" -gt "$3" ]; then
		echo "$2 is not from $1 to $3" >&2
		return 1
	fi
}

# holds NAME THOUSANDTHS: never more than a tenth over it, and, as soon as the machine gives it that much, no more than a
# tenth under it.
holds() {
	local got i

	for i in 1 2 3 4; do
		got=$(usage "$1" 6)
		[ "$got" -le $(($2 * 11 / 10)) ] || { echo "window $i: $got is over $2" >&2; return 1; }
		[ "$got" -lt $(($2 * 9 / 10)) ] || return 0
	done
	echo "$got is under $2, in all windows" >&2
	return 1
}

# hog MEBIBYTES: as much memory of its own in one piece.
hog() {
	echo "dd if=/dev/zero of=/dev/null bs=${1}M count=1"
}

# limited NAME: sleeps, with 64 MiB and nothing to swap to.
limited() {
	printf '{"image": "%s", "process": {"args": ["sleep", "1000"]}, "resources": {"memory": {"max": "64MiB", "swapMax": 0}}}' \
		"$IMAGE" >"$BATS_TEST_TMPDIR/spec.json"
	jail create -f "$BATS_TEST_TMPDIR/spec.json" "$1"
	jail start "$1"
}

# ---- memory

@test "memory.max: what wants more is killed, what wants less isn't" {
	need controllers memory
	limited web
	jail exec web sh -c "$(hog 32)"
	[ "$(key web memory.events oom_kill)" = 0 ]
	run -137 jail exec web sh -c "exec $(hog 200)"
	[ "$(key web memory.events oom_kill)" = 1 ]
	jail stop --timeout 0s web
	jail set web "process.args=[\"sh\", \"-c\", \"exec $(hog 200)\"]"
	jail start web
	wait_status web stopped
	[ "$(field web .lastExit.status)" = 137 ]
	[ "$(field web .lastExit.oom.level)" = instance ]
}

@test "memory.max: up and down while it runs" {
	need controllers memory
	limited web
	run jail exec web sh -c "$(hog 100)"
	[ "$status" -ne 0 ]
	[ "$(key web memory.events oom_kill)" -ge 1 ]
	run -0 jail set web memory.max=256MiB
	[ "$output" = 'resources.memory.max: 64MiB -> 256MiB' ]
	[ "$(key web memory.max)" = $((256 * MIB)) ]
	jail exec web sh -c "$(hog 100)"
	jail set web memory.max=48MiB memory.high=32MiB
	run jail exec web sh -c "$(hog 100)"
	[ "$status" -ne 0 ]
	jail set web memory.max= memory.high=
	[ "$(key web memory.max)" = max ]
	jail exec web sh -c "$(hog 100)"
	[ "$(status_of web)" = running ]
}

@test "memory.high: reclaimed and held back, not killed" {
	need controllers memory
	sleeper web --memory 512MiB
	jail set web memory.high=32MiB
	jail exec web sh -c 'dd if=/dev/zero of=/big bs=1M count=96 && sync'
	[ "$(key web memory.events high)" -gt 0 ]
	[ "$(key web memory.events oom_kill)" = 0 ]
	between 0 "$(key web memory.current)" $((48 * MIB))
}

@test "memory.min and low, zswapMax: written and shown" {
	need controllers memory
	sleeper web --memory 64MiB --memory-reservation 16MiB
	[ "$(key web memory.low)" = $((16 * MIB)) ]
	jail set web memory.min=8MiB memory.low=24MiB
	[ "$(key web memory.min)" = $((8 * MIB)) ]
	[ "$(key web memory.low)" = $((24 * MIB)) ]
	if [ -e "$(group web)/memory.zswap.max" ]; then
		jail set web memory.zswapMax=4MiB
		[ "$(key web memory.zswap.max)" = $((4 * MIB)) ]
	else
		run jail set web memory.zswapMax=4MiB
		assert_error 1 'resources.memory.zswapMax: this kernel has no memory.zswap.max'
	fi
	[ "$(field web '.kernelLimits["memory.min"]')" = $((8 * MIB)) ]
	# A number of bytes that is no whole page is rounded down by the kernel, and taken.
	jail set web memory.min=8388609
	[ "$(key web memory.min)" = $((8 * MIB)) ]
}

@test "swapMax: none, and some" {
	need controllers memory
	need disk
	mkswap "$JAIL_TEST_DISK2" >/dev/null
	swapon "$JAIL_TEST_DISK2"
	echo "$JAIL_TEST_DISK2" >"$BATS_TEST_TMPDIR/swap"
	limited web
	[ "$(key web memory.swap.max)" = 0 ]
	run jail exec web sh -c "$(hog 100)"
	[ "$status" -ne 0 ]
	jail set web memory.swapMax=80MiB
	[ "$(key web memory.swap.max)" = $((80 * MIB)) ]
	jail exec web sh -c "$(hog 100)"
}

@test "oomGroup: one over the limit ends all" {
	need controllers memory
	limited web
	jail set web memory.oomGroup=true
	[ "$(key web memory.oom.group)" = 1 ]
	run jail exec web sh -c "$(hog 200)"
	wait_status web stopped
	[ "$(field web .lastExit.status)" = 137 ]
}

@test "two levels: root inside can't raise what is outside" {
	need controllers memory pids
	limited web
	jail set web pids.max=50
	run jail exec web sh -c 'mount -o remount,rw /sys/fs/cgroup; for f in memory.max pids.max memory.high; do
		echo max >/sys/fs/cgroup/$f; echo max >/sys/fs/cgroup/../$f; done; mkdir /sys/fs/cgroup/x'
	[ "$(key web memory.max)" = $((64 * MIB)) ]
	[ "$(key web pids.max)" = 50 ]
	run jail exec web sh -c "$(hog 200)"
	[ "$status" -ne 0 ]
}

# ---- processes

@test "pids.max: a fork bomb stops at the number; a higher one counts at once" {
	need controllers pids
	app web --pids 20 -- awk 'BEGIN { while (1) system("sleep 1000 &") }'
	wait_until 60 key_over web pids.events max 0
	between 15 "$(key web pids.current)" 20
	between 15 "$(wc -l <"$(group web)/inside/cgroup.procs")" 20
	jail set web pids.max=30
	wait_until 60 key_over_current web 25
	between 25 "$(key web pids.current)" 30
	jail set web pids.max=max
	wait_until 60 key_over_current web 40
}
key_over_current() {
	[ "$(key "$1" pids.current)" -gt "$2" ]
}

# ---- processor

@test "cpu.max: within a tenth of what it says, up, down and off" {
	need controllers cpu
	app web --cpus 0.25 -- sh -c "$SPIN"
	usage web 1 # past what the first period had left
	holds web 250
	jail set web cpu.max=0.5
	holds web 500
	jail set web cpu.max=0.1
	holds web 100
	jail set web cpu.max=
	[ "$(key web cpu.max)" = 'max 100000' ]
	[ "$(usage web 4)" -gt 600 ]
}

@test "cpu.max below the kernel's smallest quota" {
	need controllers cpu
	app web --cpus 0.005 -- sh -c "$SPIN"
	[ "$(key web cpu.max)" = '5000 1000000' ]
	between 0 "$(usage web 10)" 10
}

@test "cpu.burst: saved up while idle" {
	need controllers cpu
	app web --cpus 0.2 -- sh -c 'while :; do sleep 0.5; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; done'
	wait_until 60 key_over web cpu.stat nr_throttled 3
	[ "$(key web cpu.stat nr_bursts)" = 0 ]
	jail set web cpu.burst=0.2
	[ "$(key web cpu.max.burst)" = 20000 ]
	wait_until 60 key_over web cpu.stat nr_bursts 2
	# Both at once, where the burst is over the new quota and the old one over it too.
	jail set web cpu.max=0.1 cpu.burst=0.05
	[ "$(key web cpu.max)" = '10000 100000' ]
	[ "$(key web cpu.max.burst)" = 5000 ]
	run jail set web cpu.max=0.01
	assert_error 1 'resources.cpu.burst: over resources.cpu.max'
	[ "$(key web cpu.max)" = '10000 100000' ]
}

# share FIRST SECOND: both spin on one CPU; hundredths of the first's time that the second gets.
share() {
	local a0 a1 b0 b1

	a0=$(key "$1" cpu.stat usage_usec) b0=$(key "$2" cpu.stat usage_usec)
	sleep 5
	a1=$(key "$1" cpu.stat usage_usec) b1=$(key "$2" cpu.stat usage_usec)
	echo $(((b1 - b0) * 100 / (a1 - a0)))
}

@test "cpu.weight and idle: who gets the processor" {
	need controllers cpu cpuset
	app one --cpuset-cpus 0 -- sh -c "$SPIN"
	app two --cpuset-cpus 0 --cpu-weight 400 -- sh -c "$SPIN"
	between 200 "$(share one two)" 800
	jail set two cpu.weight=100
	between 60 "$(share one two)" 170
	jail set two cpu.weight= cpu.idle=true
	[ "$(key two cpu.idle)" = 1 ]
	between 0 "$(share one two)" 30
	jail set two cpu.idle= cpu.weight=400
	[ "$(key two cpu.idle)" = 0 ]
	between 200 "$(share one two)" 800
}

@test "cpu.cpus and mems: what is allowed, and no more than is there" {
	need controllers cpuset
	need cpus 2
	sleeper web --cpuset-cpus 0 --cpuset-mems 0
	[ "$(jail exec web sh -c 'nproc; grep Cpus_allowed_list /proc/self/status')" = "$(printf '1\nCpus_allowed_list:\t0')" ]
	jail set web cpu.cpus=1
	[ "$(grep Cpus_allowed_list "/proc/$(pid_of web)/status")" = "$(printf 'Cpus_allowed_list:\t1')" ]
	for bad in cpu.cpus=1-700 cpu.cpus=900 cpu.mems=0-9; do
		run jail set web "$bad"
		assert_error 1 "resources.${bad%%=*}"
		[ "$(key web cpuset.cpus)" = 1 ]
		[ "$(key web cpuset.mems)" = 0 ]
	done
	jail set web cpu.cpus=
	[ "$(jail exec web nproc)" = "$(nproc)" ]
	[ "$(field web .spec.resources.cpu.cpus)" = null ]
	jail restart web
	[ "$(key web cpuset.cpus)" = "" ]
}

# ---- disks

# io_stat NAME DEVICE WORD
io_stat() {
	tr ' ' '\n' < <(grep "^$2 " "$(group "$1")/io.stat") | sed -n "s/^$3=//p"
}
io_has() {
	[ "$(io_stat "$@")" -gt 0 ]
}
number_of() {
	cat "/sys/class/block/${1#/dev/}/dev"
}
# rate NAME DEVICE WORD SECONDS: per second.
rate() {
	local t0 t1 v0 v1

	v0=$(io_stat "$1" "$2" "$3") t0=${EPOCHREALTIME/./}
	sleep "$4"
	v1=$(io_stat "$1" "$2" "$3") t1=${EPOCHREALTIME/./}
	echo $(((v1 - v0) * 1000000 / (t1 - t0)))
}

@test "io.max: reads and writes of a disk, on a partition of it too" {
	need controllers io
	need disk
	disk=$(number_of "$JAIL_TEST_DISK")
	app web --userns host --device "$JAIL_TEST_DISK" --device-read-bps "$JAIL_TEST_DISK:1MiB" -- \
		sh -c "while :; do dd if=$JAIL_TEST_DISK of=/dev/null bs=64k count=64 iflag=direct; done 2>/dev/null"
	[[ $(key web io.max) == "$disk rbps=$MIB wbps=max riops=max wiops=max" ]]
	wait_until 30 io_has web "$disk" rbytes
	between $((MIB / 2)) "$(rate web "$disk" rbytes 5)" $((MIB * 5 / 4))
	jail set web "io.$JAIL_TEST_DISK.readBps=4MiB"
	between $((MIB * 2)) "$(rate web "$disk" rbytes 5)" $((MIB * 5))
	jail set web "io.$JAIL_TEST_DISK.readBps=" "io.$JAIL_TEST_DISK.readIops=20"
	[ "$(key web io.max)" = "$disk rbps=max wbps=max riops=20 wiops=max" ]
	between 8 "$(rate web "$disk" rios 5)" 26
	jail set web "io.$JAIL_TEST_DISK="
	[ "$(key web io.max)" = '' ]
	addpart "$JAIL_TEST_DISK" 1 2048 4096
	touch "$BATS_TEST_TMPDIR/partition"
	jail set web "io.${JAIL_TEST_DISK}1.writeBps=1MiB"
	[ "$(key web io.max)" = "$disk rbps=max wbps=$MIB riops=max wiops=max" ]
	run jail set web "io.$JAIL_TEST_DISK.readBps=1MiB"
	assert_error 1 "is on the same disk ($disk)"
	jail set web "io.${JAIL_TEST_DISK}1="
}

@test "io weight: where the disk's scheduler takes it, else refused with the reason" {
	need controllers io
	need disk
	sleeper web
	disk=$(number_of "$JAIL_TEST_DISK")
	run jail set web "io.$JAIL_TEST_DISK.weight=50"
	if [ "$status" -eq 0 ]; then
		grep -q "^$disk 50" "$(group web)"/io.*weight
	else
		assert_error 1 "resources.io.$JAIL_TEST_DISK"
		assert_output 'weights need the bfq scheduler'
		[ "$(field web .spec.resources)" = null ]
	fi
}

# ---- all together

@test "half of a change fails: the other half is taken back" {
	need controllers memory cpu pids
	sleeper web --memory 64MiB --cpus 0.5 --pids 50
	before=$(jail inspect --json web)
	for bad in unified.memory.wonder=1 cpu.cpus=900 io.9:99.readBps=1MiB unified.memory.events=1 hugepages.64KiB=1; do
		run jail set web memory.max=128MiB cpu.max=1 pids.max=100 "$bad"
		assert_error 1 resources.
		[ "$(jail inspect --json web)" = "$before" ]
	done
}

@test "unified: any file of a controller, what the kernel refuses names the key" {
	need controllers memory pids
	sleeper web
	jail set web unified.memory.high=32M unified.pids.max=40
	[ "$(key web memory.high)" = $((32 * MIB)) ]
	run jail set web unified.pids.max=none
	assert_error 1 resources.unified.pids.max
	[ "$(key web pids.max)" = 40 ]
	jail set web unified.memory.high= unified.pids.max=
	[ "$(key web memory.high)" = max ]
	[ "$(key web pids.max)" = max ]
}
