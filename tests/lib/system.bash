# SPDX-License-Identifier: GPL-2.0-or-later
# Guards for tests that want more of the machine than any Linux has; loaded after common.bash, called first in a test or
# in setup_file:
#
#     need controllers memory cpu     cgroup v2 controllers that this sandbox may use
#     need systemd                    as PID 1, with D-Bus, and ours to change: the test VM only
#     need cpus 2
#     need program lxcfs jq
#     need sctp                       sockets of it
#     need quotas                     of projects, on ext4
#     need disk                       two blank ones, in JAIL_TEST_DISK and JAIL_TEST_DISK2
#
# What is missing skips the test and is the reason; in the test VM (tests/vm, JAIL_VM=1), which promises all of it, it is a
# failure. Marks for tests/vm/run and tests/run, each in a line of its own at the top of a file:
#
#     # vm: cpus=2        run it in a VM with two CPUs; the default is one
#     # vm: filter=REGEX  only the tests whose names match
#     # vm: modules=NAME  loads modules of the kernel first
#     # vm: too           for files outside tests/system: tests/run runs it in a VM as well
#     # vm: nosandbox     run it without tests/lib/sandbox, in the VM's own cgroup tree, where systemd's units are
# shellcheck shell=bash

need() {
	local what=$1 reason

	shift
	if ! reason=$("need_$what" "$@"); then
		if [ "${JAIL_VM:-}" = 1 ]; then
			echo "the test VM lacks what it promises: $reason" >&2
			return 1
		fi
		skip "$reason"
	fi
}

# Each prints what is missing, and fails.
need_controllers() {
	local name

	for name; do
		has_controller "$name" || { echo "the $name controller is not in this host's v2 tree"; return 1; }
	done
}
need_systemd() {
	[ "${JAIL_VM:-}" = 1 ] || { echo "changes the machine's systemd: only in the test VM"; return 1; }
	[ -d /run/systemd/system ] || { echo "systemd is not PID 1"; return 1; }
}
need_cpus() {
	[ "$(nproc)" -ge "$1" ] || { echo "wants $1 CPUs"; return 1; }
}
need_program() {
	local name

	for name; do
		command -v "$name" >/dev/null || { echo "$name is not installed"; return 1; }
	done
}
need_sctp() {
	python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)' 2>/dev/null ||
		{ echo "this kernel has no SCTP"; return 1; }
}
need_quotas() {
	local at why

	at=$(mktemp -d)
	truncate -s 16M "$at/disk"
	mkdir "$at/fs"
	mkfs.ext4 -q -O quota,project "$at/disk"
	why=$(mount -o loop,prjquota "$at/disk" "$at/fs" 2>&1) && umount "$at/fs"
	rm -r "$at"
	[ -z "$why" ] || { echo "this kernel has no project quotas on ext4"; return 1; }
}
need_disk() {
	[[ -b ${JAIL_TEST_DISK:-} && -b ${JAIL_TEST_DISK2:-} ]] ||
		{ echo "no blank disks (JAIL_TEST_DISK, JAIL_TEST_DISK2)"; return 1; }
}
