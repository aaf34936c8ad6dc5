# SPDX-License-Identifier: GPL-2.0-or-later
# jail stats: the figures against what the kernel says, what is missing is missing, and the ways to ask.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

group() {
	field "$1" .cgroup
}
# stat NAME JQ: of one sample.
stat() {
	jail stats --json "$1" | jq -r ".[0]$2"
}

# An instance that has used some CPU and will not use more.
worker() {
	app web sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo worked; exec sleep 1000'
	wait_log web worked
	wait_until 10 resting
}
# Every process of it waits, and the program for nothing but time: on a busy machine one that only waits for its turn uses no
# CPU either.
resting() {
	local pid
	grep -qa '^sleep' "/proc/$(pid_of web)/cmdline" || pgrep -P "$(pid_of web)" -x sleep || return
	while read -r pid; do
		grep -q '^State:.S' "/proc/$pid/status" || return
	done < <(find "$(group web)" -name cgroup.procs -exec cat {} +)
}
cpu_file() {
	awk '$1 == "usage_usec" { print $2 }' "$(group web)/cpu.stat"
}

@test "cpu: the outer cgroup's usage, user and system" {
	worker
	run -0 stat web .cpu.usageUsec
	[ "$output" = "$(cpu_file)" ]
	run -0 stat web '.cpu | (.userUsec + .systemUsec - .usageUsec) | fabs <= 1'
	[ "$output" = true ]
}

@test "pressure: as the file says" {
	[ -e /proc/pressure/cpu ] || skip "this kernel has no PSI"
	worker
	run -0 stat web '.pressure.memory.some.totalUsec'
	[ "$output" = "$(sed -n 's/^some.*total=//p' "$(group web)/memory.pressure")" ]
	run -0 stat web '.pressure | keys | join(" ")'
	[ "$output" = "cpu io memory" ]
	run -0 stat web '.pressure.cpu.some | keys | join(" ")'
	[ "$output" = "avg10 avg300 avg60 totalUsec" ]
}

@test "what the hierarchy lacks has no member, and a dash in the table" {
	local controller member
	worker
	while read -r controller member; do
		run -0 stat web "| has(\"$member\")"
		if has_controller "$controller"; then [ "$output" = true ]; else [ "$output" = false ]; fi
	done <<-E
		memory memory
		memory memoryKinds
		pids pids
		hugetlb hugetlb
		io io
	E
	run -0 jail stats web
	if ! has_controller memory; then
		[ "$(awk '$1 == "web" { print $4, $5 }' <<<"$output")" = "- -" ]
	fi
}

fetched() {
	curl -fsS -o "$JAIL_TEST_DIR/got" "http://$(address_of web)/file"
}

received() {
	ip -j -s link show "$interface" | jq '.[0].stats64.rx.packets'
}

@test "network: the instance's point of view of its interface" {
	app web sh -c 'head -c 300000 /dev/zero >/tmp/file; exec httpd -f -p 80 -h /tmp'
	sleeper quiet
	wait_until 20 fetched
	interface=$(field web .interface)
	run -0 stat web '.network[0] | .interface, .hostInterface, (.txBytes > 300000), (.txBytes > 5 * .rxBytes)'
	[ "${lines[*]}" = "eth0 $interface true true" ]
	# What the host's end received the instance has sent; its kernel may send something at any time.
	before=$(received)
	run -0 stat web '.network[0].txPackets'
	[ "$before" -le "$output" ]
	[ "$output" -le "$(received)" ]
	run -0 stat quiet '.network[0].txBytes < 3000'
	[ "$output" = true ]
}

@test "network: without an interface of its own there is no member" {
	sleeper web --network none
	sleeper host --network host
	for name in web host; do
		run -0 stat $name '| has("network")'
		[ "$output" = false ]
	done
}

@test "a paused instance is read as well, and says so" {
	worker
	run -0 stat web .paused
	[ "$output" = false ]
	jail pause web
	run -0 stat web '| .paused, .cpu.usageUsec'
	[ "${lines[*]}" = "true $(cpu_file)" ]
}

@test "hugetlb: sizes and limits of the kernel's files" {
	has_controller hugetlb || skip "the hugetlb controller is not in this host's v2 tree"
	sleeper web
	run -0 stat web '.hugetlb | map(.pageSize) | sort | join(" ")'
	[ "$output" = "$(basename -a "$(group web)"/hugetlb.*.max | sed -n 's/^hugetlb\.\([^.]*\)\.max$/\1/p' | sort | xargs)" ]
	run -0 stat web '.hugetlb | map(.current) | add'
	[ "$output" = 0 ]
	run -0 stat web '.hugetlb | map(.max) | unique | tostring'
	[ "$output" = "[null]" ]
}

@test "all that run by default; --all has the others; names choose" {
	sleeper a
	sleeper b
	jail create --image "$IMAGE" off true
	run -0 jail stats
	assert_output "CPU%"
	[ "$(awk 'NR > 1 { print $1 }' <<<"$output" | xargs)" = "a b" ]
	run -0 jail stats --all
	[ "$(awk 'NR > 1 { print $1 }' <<<"$output" | xargs)" = "a b off" ]
	[ "$(jail stats --all --json | jq -c 'map([.name, .running])')" = '[["a",true],["b",true],["off",false]]' ]
	[ "$(jail stats --json b a | jq -c 'map(.name)')" = '["b","a"]' ]
}

@test "one that does not run, or is not there, is an error; the others are shown" {
	sleeper web
	jail create --image "$IMAGE" off true
	run jail stats off web
	assert_error 1 "stats off: is not running"
	assert_output "web  "
	run jail stats nosuch
	assert_error 1 "no such instance"
	run jail stats --stream nosuch
	assert_error 1 "no such instance"
}

@test "the table fits 80 columns, names are cut" {
	sleeper a-rather-long-name-for-an-instance-of-this-test-that-goes-on
	run -0 jail stats --interval 100ms
	assert_output "a-rather-lo..."
	while read -r line; do [ "${#line}" -le 80 ]; done <<<"$output"
	run -0 jail stats --wide
	assert_output a-rather-long-name-for-an-instance-of-this-test-that-goes-on
}

@test "a rate needs two samples: --interval takes them" {
	app web sh -c 'while :; do :; done'
	run -0 stat web '.cpu | has("percent")'
	[ "$output" = false ]
	run -0 jail stats --json --interval 500ms web
	# What a loop gets of a busy machine is not known, but it is something, and no more than a CPU; both times and both
	# figures are read one after the other, and whoever reads may have to wait between.
	[ "$(jq '.[0].cpu.percent | . > 1 and . < 200' <<<"$output")" = true ]
	jail pause web
	run -0 jail stats --json --interval 200ms web
	[ "$(jq '.[0].cpu.percent' <<<"$output")" = 0 ]
}

# streams FILE N: so many samples of web are there.
streams() {
	[ "$(jq -c 'select(.name == "web")' "$1" | wc -l)" -ge "$2" ]
}

@test "a stream: a line each, instances come and go, a signal ends it well" {
	sleeper web
	env --default-signal=INT "$JAIL_BUILD/jail" stats --stream --json --interval 100ms >"$JAIL_TEST_DIR/stream" 3>&- &
	HELPER=$!
	wait_until 20 streams "$JAIL_TEST_DIR/stream" 3
	sleeper other
	wait_until 20 grep -q '"name":"other"' "$JAIL_TEST_DIR/stream"
	jail rm -f other
	kill -INT $HELPER
	wait $HELPER
	[ "$(jq -s 'map(select(.name == "web")) | .[0].cpu.percent, .[1].cpu.percent >= 0' "$JAIL_TEST_DIR/stream" | xargs)" = "null true" ]
}

# first INTERVAL: the first line of a stream that is closed after it.
first() {
	bash -c 'set -o pipefail; timeout 30 "$1/jail" stats --stream --json --interval "$2" | head -n 1 | jq -r .name' \
		sh "$JAIL_BUILD" "$1"
}

@test "a stream ends when nobody reads it any more, also between two samples" {
	sleeper web
	run -0 first 100ms
	assert [ "$output" = web ]
	run -0 first 1d
	assert [ "$output" = web ]
}

@test "on a terminal it is a stream" {
	sleeper web
	run -0 expect -c "
		log_user 0
		set timeout 30
		spawn $JAIL_BUILD/jail --config $JAIL_CONFIG stats --interval 100ms
		for {set i 0} {\$i < 3} {incr i} { expect { NAME {} timeout { exit 1 } eof { exit 2 } } }
		send \003
		expect { eof {} timeout { exit 3 } }
		exit [lindex [wait] 3]"
}

@test "options that can't be meant" {
	run jail stats --stream --no-stream
	assert_error 2 "not both"
	run jail stats --interval 1ms
	assert_error 2 "--interval must be"
}
