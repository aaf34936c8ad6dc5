# SPDX-License-Identifier: GPL-2.0-or-later
# What no cgroup counts: one instance takes all that it gets (tests/helpers/probe/hoard.c), another still has its own. The
# number in a test's name is the row of docs/security.md.
# shellcheck disable=SC2016 # expands inside

load ../lib/common
load ../lib/security

setup_file() { security_setup_file; }
teardown_file() { jail_teardown_file; }
setup() { security_setup; }
teardown() { security_teardown; }

# hoarder NAME KIND [OPTIONS]: an instance that has taken all and keeps it.
hoarder() {
	local name=$1 kind=$2

	shift 2
	stay "$name" auto "$@" probe hoard "$kind" hold
	wait_log "$name" '^[0-9][0-9]* E'
}
# taken NAME: how many it got. error NAME: what the next one was told.
taken() { jail logs "$1" | awk '{ print $1 }'; }
error() { jail logs "$1" | awk '{ print $2 }'; }

# own_pool KIND AT_LEAST [OPTIONS]: two instances get as many, each; two processes of one instance share.
own_pool() {
	local kind=$1 least=$2

	shift 2
	hoarder one "$kind" "$@"
	hoarder two "$kind" "$@"
	[ "$(taken one)" -ge "$least" ]
	[ "$(taken two)" -ge $(($(taken one) - 2)) ]
	# The control: it is a pool, and it is empty.
	run -0 jail exec one probe hoard "$kind"
	[ "${output%% *}" -le 2 ] || vacuous "$kind: $output more"
	jail rm -f one two
}

@test "row 60: inotify instances are each instance's own" {
	own_pool inotify 16
}

@test "row 60: pending signals are each instance's own" {
	own_pool signal 64 --rlimit sigpending=200
}

@test "row 60: keys are each instance's own" {
	keyctl new_session >/dev/null 2>&1 || skip 'no keyrings here'
	hoarder one key --seccomp unconfined
	hoarder two key --seccomp unconfined
	[ "$(taken one)" -ge 64 ]
	run -0 error one; assert_output EDQUOT
	[ "$(taken two)" -ge $(($(taken one) - 2)) ]
	# The control: the pool is empty, not even an exec gets its session keyring; and the host has all of its own.
	run -125 jail exec one true
	assert_output keyring
	run -0 keyctl add user row60 x @s
}

@test "row 60: message queues are each instance's own" {
	hoarder one queue
	hoarder two queue
	[ "$(taken one)" -ge 8 ]
	[ "$(taken one)" = "$(taken two)" ]
	[ "$(taken one)" -le "$(cat /proc/sys/fs/mqueue/queues_max)" ]
	run fails jail exec one sh -c 'echo 100000 >/proc/sys/fs/mqueue/queues_max'
	run -0 jail exec one cat /proc/sys/fs/mqueue/queues_max
	[ "$output" = "$(cat /proc/sys/fs/mqueue/queues_max)" ]
}

@test "row 69: terminals are bounded, and the host's are not touched" {
	local before
	before=$(cat /proc/sys/kernel/pty/nr)
	hoarder one pty --rlimit nofile=4096
	[ "$(taken one)" = 1024 ]
	[ "$(error one)" = ENOSPC ]
	hoarder two pty --rlimit nofile=4096
	[ "$(taken two)" = 1024 ]
	jail rm -f one two
	[ "$(cat /proc/sys/kernel/pty/nr)" -le $((before + 16)) ]
}

@test "row 69: tmpfs: bytes and files are bounded everywhere" {
	local place kib
	stay full auto sleep 1000
	for place in /dev/shm:65536 /run:65536 /tmp:524288; do
		kib=${place#*:} place=${place%:*}
		# Sizes as they are in force; full is full.
		run -0 jail exec full sh -c 'df -k "$0" | awk "NR == 2 { print \$2 }"; df -i "$0" | awk "NR == 2 { print \$2 }"' "$place"
		[ "${lines[0]}" -le "$kib" ]
		[ "${lines[1]}" -le 262144 ]
		run jail exec full sh -c 'dd if=/dev/zero of="$0/big" bs=1M count=600 2>&1; rm -f "$0/big"' "$place"
		assert_output 'No space left'
	done
	# /dev itself, where programs of root may write.
	run -0 jail exec full sh -c 'df -i /dev | awk "NR == 2 { print \$2 }"'
	[ "$output" -le 1024 ]
	run -0 jail exec full probe hoard file
	[[ $output == *' ENOSPC' ]]
	[ "${output%% *}" -le 65536 ]
}

@test "row 69: namespaces are bounded also where they are allowed" {
	local kind
	stay rich auto --cap-add sys_admin --seccomp unconfined sleep 1000
	for kind in cgroup ipc mnt net pid time uts; do
		run -0 jail exec rich cat "/proc/sys/user/max_${kind}_namespaces"
		[ "$output" = 1024 ]
		run fails jail exec rich sh -c "echo 100000 >/proc/sys/user/max_${kind}_namespaces"
	done
	run -0 jail exec rich cat /proc/sys/user/max_user_namespaces
	[ "$output" = 0 ]
	# Its own is one of them.
	run -0 jail exec rich probe hoard ipc
	[ "$output" = '1023 ENOSPC' ]
	# Without the right there is none at all.
	stay poor auto --seccomp unconfined sleep 1000
	run -0 jail exec poor probe hoard ipc
	[[ $output == '0 '* ]]
}
