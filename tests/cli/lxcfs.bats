# SPDX-License-Identifier: GPL-2.0-or-later
# Inside sees its own limits by lxcfs: found where it runs, its files over those of /proc, again after its restart.

load ../lib/common

setup_file() {
	local dir

	[ -c /dev/fuse ] || skip "this machine has no /dev/fuse"
	dir=$("$TOP/tests/lib/lxcfs-dir")
	export LXCFS_PROGRAMS=$dir
	jail_setup_file
	export LXCFS=$JAIL_TEST_DIR/lxcfs
	jail_config "$JAIL_CONFIG" "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/run" <<<"\"lxcfs\": \"$LXCFS\""
	mkdir "$LXCFS"
}
teardown_file() { jail_teardown_file; }
teardown() {
	jail_teardown
	lxcfs_stop
}

# In the foreground, and its library by its place: it is not installed.
lxcfs_start() {
	mkdir -p /run/lxcfs
	LD_LIBRARY_PATH=$LXCFS_PROGRAMS/lib/x86_64-linux-gnu:$LXCFS_PROGRAMS/usr/lib/x86_64-linux-gnu:$LXCFS_PROGRAMS/usr/lib/x86_64-linux-gnu/lxcfs \
		"$LXCFS_PROGRAMS/usr/bin/lxcfs" -f -p "$BATS_FILE_TMPDIR/lxcfs.pid" "$LXCFS" >"$BATS_FILE_TMPDIR/lxcfs.log" 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/lxcfs.is"
	wait_until 30 test -e "$LXCFS/proc/uptime" || { cat "$BATS_FILE_TMPDIR/lxcfs.log" >&2; return 1; }
}
lxcfs_stop() {
	local pid

	[ -e "$BATS_FILE_TMPDIR/lxcfs.is" ] || return 0
	pid=$(cat "$BATS_FILE_TMPDIR/lxcfs.is")
	rm "$BATS_FILE_TMPDIR/lxcfs.is"
	kill -KILL "$pid"
	wait_until 10 gone "$pid"
	umount -l "$LXCFS"
	rm -f "$BATS_FILE_TMPDIR/lxcfs.pid"
}
gone() {
	! kill -0 "$1" 2>/dev/null
}
start() {
	jail run --detach --name web --image "$IMAGE" --network none "$@" sleep infinity
}
check_row() {
	jail check --json | jq -r '.. | objects | select(.name == "lxcfs") | .ok'
}
# What is on a file inside, by the mount table of the instance.
type_of() {
	jail exec web awk -v point="$1" '$5 == point { for (i = 7; $i != "-"; i++); print $(i + 1) }' /proc/self/mountinfo
}

@test "without lxcfs an instance starts, and check says that it is absent" {
	start
	run -0 type_of /proc/meminfo
	[ -z "$output" ]
	[ "$(check_row)" = false ]
	run -0 jail check
	[[ $output == *lxcfs*absent* ]]
}

@test "its files are over those of the kernel, read-only, and tell of the instance" {
	lxcfs_start
	[ "$(check_row)" = true ]
	start
	local file
	for file in /proc/{cpuinfo,diskstats,loadavg,meminfo,stat,swaps,uptime} /sys/devices/system/cpu/online; do
		run -0 type_of "$file"
		[ "$output" = fuse.lxcfs ] || { echo "$file: $output"; return 1; }
		run -0 jail exec web cat "$file"
		[ -n "$output" ] || [ "$file" = /proc/diskstats ]
		run ! jail exec web sh -c "echo x >$file"
	done
	# Its own uptime: younger than this test's file, whatever the machine's.
	run -0 jail exec web cut -d. -f1 /proc/uptime
	[ "$output" -lt $((SECONDS + 5)) ]
	# What is masked below /sys stays masked.
	run -0 jail exec web awk '$5 ~ "^/sys/devices/system/cpu" { print $5 }' /proc/self/mountinfo
	[[ $'\n'$output$'\n' == *$'\n/sys/devices/system/cpu/online\n'* ]]
	[[ $'\n'$output$'\n' != *$'\n/sys/devices/system/cpu\n'* ]]
}

@test "with the host's ids and network too" {
	lxcfs_start
	start --userns host
	run -0 jail exec web cat /proc/uptime
	run -0 type_of /proc/uptime
	[ "$output" = fuse.lxcfs ]
}

@test "off in the configuration: not used" {
	lxcfs_start
	jail_config "$BATS_TEST_TMPDIR/off.json" "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/run" <<<'"lxcfs": "off"'
	JAIL_CONFIG=$BATS_TEST_TMPDIR/off.json start
	run -0 type_of /proc/meminfo
	[ -z "$output" ]
}

@test "after a restart of lxcfs refresh gives its files anew" {
	lxcfs_start
	start
	jail exec web cat /proc/uptime
	lxcfs_stop
	run ! jail exec web cat /proc/uptime
	[[ $output == *'not connected'* ]]
	run ! jail refresh web
	[[ $output == *'refresh web: lxcfs is not mounted at '* ]]
	lxcfs_start
	run ! jail exec web cat /proc/uptime
	run -0 jail refresh --all
	run -0 jail exec web cat /proc/uptime /proc/meminfo /proc/stat /sys/devices/system/cpu/online
	# One mount on each file: nothing piles up.
	jail refresh web
	run -0 type_of /proc/uptime
	[ "$output" = fuse.lxcfs ]
}

@test "refresh where the instance's mounts are locked" {
	lxcfs_start
	start --cap-add sys_admin
	lxcfs_stop
	lxcfs_start
	run ! jail exec web cat /proc/uptime
	jail refresh web
	run -0 jail exec web cat /proc/uptime /proc/meminfo /sys/devices/system/cpu/online
	jail refresh web
	run -0 jail exec web cat /proc/uptime
	[ "$(type_of /proc/uptime | wc -l)" = 2 ]
}

@test "a dead lxcfs that is still mounted does not stop a start, and refresh says what it is" {
	lxcfs_start
	kill -KILL "$(cat "$BATS_FILE_TMPDIR/lxcfs.is")"
	wait_until 10 gone "$(cat "$BATS_FILE_TMPDIR/lxcfs.is")"
	start
	run -0 type_of /proc/meminfo
	[ -z "$output" ]
	run -0 jail exec web cat /proc/meminfo
	run ! jail refresh web
	[[ $output == *'not connected'* ]]
	[ "$(check_row)" = false ]
	umount -l "$LXCFS"
	rm "$BATS_FILE_TMPDIR/lxcfs.is" "$BATS_FILE_TMPDIR/lxcfs.pid"
}
