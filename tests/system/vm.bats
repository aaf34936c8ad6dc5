# SPDX-License-Identifier: GPL-2.0-or-later
# What the test VM promises to the other files of this directory.
# vm: nosandbox

load ../lib/common
load ../lib/system

setup() {
	[ "${JAIL_VM:-}" = 1 ] || skip 'about the test VM itself'
}

@test "systemd is PID 1 and all its units are well" {
	need systemd
	[ "$(cat /proc/1/comm)" = systemd ]
	run -0 systemctl is-system-running
	[ "$output" = running ]
	run -0 busctl status
}

@test "cgroups: version 2 alone, every controller, delegation by namespace" {
	local controllers=(cpuset cpu io memory hugetlb pids rdma misc)

	SANDBOX_ROOT=/sys/fs/cgroup need controllers "${controllers[@]}"
	run ! grep ' cgroup ' /proc/self/mounts
	run -0 findmnt -no FSTYPE,OPTIONS /sys/fs/cgroup
	assert_output 'cgroup2 '
	assert_output nsdelegate
	assert_output memory_recursiveprot
	for controller in cpuset cpu io memory pids; do
		assert grep -qw "$controller" /sys/fs/cgroup/cgroup.subtree_control
	done
}

@test "lxcfs can be restarted without loss of the options" {
	need program lxcfs
	systemctl restart lxcfs
	run -0 findmnt -no OPTIONS /sys/fs/cgroup
	assert_output nsdelegate
	[ -e /var/lib/lxcfs/proc/meminfo ]
}

@test "pressure is measured" {
	for resource in cpu memory io; do
		run -0 cat "/proc/pressure/$resource"
		assert_output 'some avg10='
	done
}

@test "swap, huge pages, blank disks" {
	need disk
	[ "$(swapon --show --noheadings --raw | wc -l)" -eq 1 ]
	[ "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" -ge 1 ]
	for disk in "$JAIL_TEST_DISK" "$JAIL_TEST_DISK2"; do
		[ "$(lsblk -nbdo SIZE "$disk")" -ge $((256 << 20)) ]
		cmp -n 1048576 "$disk" /dev/zero
	done
}

@test "the modules that tests load are there" {
	for module in overlay veth bridge nf_tables nft_chain_nat nft_masq loop dm_mod fuse br_netfilter macvlan \
		ifb sch_tbf sch_ingress cls_u32 act_mirred sctp; do
		modprobe "$module"
	done
	dmsetup version
	run -0 losetup -f
}

@test "the clock is right, random numbers are not those of the frozen machine" {
	# The tree was packed after the machine had been frozen, and moments ago.
	local packed now

	packed=$(stat -c %Y /vm/script)
	now=$(date +%s)
	[ "$now" -ge "$packed" ]
	[ "$now" -lt $((packed + 3600)) ]
	[ "$(cat /proc/sys/kernel/random/entropy_avail)" -ge 256 ]
}

@test "the tarballs that tests import are there" {
	[ -n "$(ls /tarballs)" ]
	tar -tf "$JAIL_TEST_DEBIAN" ./etc/os-release
}

@test "a process that tests leave behind has no protection from the out-of-memory killer" {
	[ "$(cat /proc/self/oom_score_adj)" -eq 0 ]
}

@test "jail runs an instance here" {
	SANDBOX_ROOT=/sys/fs/cgroup
	jail_setup_file
	run -0 jail run --rm --image "$IMAGE" --memory 64MiB echo hello
	[ "$output" = hello ]
	jail_teardown_file
}
