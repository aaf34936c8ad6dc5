# SPDX-License-Identifier: GPL-2.0-or-later
# What tests of jail and of jail-oci share that try to get out: the programs that try (tests/helpers), an unprotected
# sandbox in which they have to succeed, and a canary: a tree of the host that no attempt may change. Loaded after
# common.bash. JAIL_TEST_DIR is the file's own directory, TREE a root file system in it.
# shellcheck shell=bash

# Where a test runs in both kinds of instance: ids of its own, and the host's.
MODES=(auto host)
# The rounds of a race; the naive twin has to lose within as many.
ROUNDS=${JAIL_TEST_ROUNDS:-100}

# What a partial write is turned into root of the host with. Only opened, never written.
SINKS="/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/poweroff_cmd /proc/sys/kernel/hotplug
	/proc/sys/kernel/usermodehelper/bset /proc/sys/kernel/usermodehelper/inheritable /proc/sys/fs/binfmt_misc/register
	/proc/sys/vm/drop_caches /proc/sysrq-trigger /sys/kernel/uevent_helper /sys/kernel/mm/ksm/run /sys/power/state
	/sys/module/kernel/parameters/panic /dev/kmsg /dev/mem /proc/kcore /proc/kmsg"

# hostile_setup_file: TOOLS, the programs; those for the inside are in TREE's /bin, too.
hostile_setup_file() {
	local name

	TOOLS=$JAIL_TEST_DIR/tools CANARY=$JAIL_TEST_DIR/canary
	export TOOLS CANARY
	mkdir "$TOOLS"
	helper probe "$TOP"/tests/helpers/probe/*.c
	for name in swap leak hop hook naive_enter naive_root; do
		helper "$name" "$TOP/tests/helpers/$name.c"
	done
	cp "$TOOLS"/{probe,swap,hop,hook} "$TREE/bin"
	own_tops
}
# own_tops: what else runs on the machine writes to its /etc and /root as it likes. Here they are overlays: what has come into
# the upper directories is from here.
own_tops() {
	local dir

	for dir in etc root; do
		mkdir -p "$JAIL_TEST_DIR/over/$dir" "$JAIL_TEST_DIR/work/$dir"
		mount -n -t overlay overlay "/$dir" \
			-o "lowerdir=/$dir,upperdir=$JAIL_TEST_DIR/over/$dir,workdir=$JAIL_TEST_DIR/work/$dir"
	done
}

# Linked with musl, since they run in images that have no library. Its headers lack <linux/*.h> and <asm/*.h>.
helper() {
	local name=$1

	shift
	musl-gcc -static -D_GNU_SOURCE -O2 -Wall -idirafter /usr/include -idirafter "/usr/include/$(gcc -print-multiarch)" \
		-o "$TOOLS/$name" "$@"
}

# leak OPTION... -- COMMAND...: started as a careless caller would (tests/helpers/leak.c).
leak() { timeout --foreground "$JAIL_TIMEOUT" "$TOOLS/leak" "$@"; }

# bare COMMAND...: as root of the machine in a chroot of TREE, with namespaces and nothing else: the control of a test that
# believes a probe. What it says there has to be something else.
bare() {
	# shellcheck disable=SC2016 # expands inside
	unshare --mount --uts --ipc --pid --fork --propagation private sh -c 'tree=$1 groups=$2; shift 2
		mount -t proc proc "$tree/proc" && mount -t sysfs sysfs "$tree/sys" && mount --rbind /dev "$tree/dev" &&
		mount --bind "$groups" "$tree/sys/fs/cgroup" && exec chroot "$tree" "$@"' - "$TREE" "${CGROUPS:-$SANDBOX_ROOT}" "$@"
}

canary_make() {
	rm -rf "$CANARY"
	mkdir -m 755 "$CANARY"
	echo secret >"$CANARY/secret"
	echo ptmx >"$CANARY/ptmx"
	chmod 640 "$CANARY/secret"
	touch -d 2001-01-01 "$CANARY/secret" "$CANARY/ptmx" "$CANARY"
	canary_look >"$JAIL_TEST_DIR/canary.before"
}
# All that an escape could disturb: the tree, the tops of the host's, its devices, and what is mounted.
canary_look() {
	find "$CANARY" -printf '%p %y %m %U %G %n %s %T@ %l\n' | sort
	cat "$CANARY/secret" "$CANARY/ptmx"
	getfattr -R -d -m - --absolute-names "$CANARY"
	ls -A /
	find "$JAIL_TEST_DIR/over" -printf '%p %y %n %s %T@ %l\n' | sort
	stat -c '%n %a %u %g %t:%T' /dev/null /dev/zero /dev/tty /dev/ptmx
	sort /proc/self/mounts
	sysctls
}
# Those that the end of an escape would set.
sysctls() {
	local name

	for name in kernel/core_pattern kernel/modprobe kernel/hostname kernel/sysrq kernel/shm_rmid_forced \
		net/ipv4/ip_forward user/max_user_namespaces; do
		echo "$name $(cat "/proc/sys/$name" 2>/dev/null)"
	done
}
canary_ok() {
	canary_look | diff "$JAIL_TEST_DIR/canary.before" - >&2
}

# trap_at ROOT TARGET KIND: puts something else where the runtime mounts.
trap_at() {
	local at=$1$2

	rm -rf "${at:?}"
	mkdir -p "$(dirname "$at")"
	case $3 in
	absolute) ln -s "$CANARY" "$at" ;;
	relative) ln -s "../../../../../../..$CANARY" "$at" ;;
	descriptor) ln -s /proc/self/fd/9 "$at" ;;
	dangling) ln -s "$CANARY/made" "$at" ;;
	file) echo file >"$at" ;;
	fifo) mkfifo "$at" ;;
	esac
}
# swap_volume: VOLUME, in which "d" is a directory and "l" a link to the canary, for a neighbour who exchanges them.
swap_volume() {
	VOLUME=$BATS_TEST_TMPDIR/volume
	mkdir -p "$VOLUME/d/x"
	ln -s "$CANARY" "$VOLUME/l"
	chmod -R 777 "$VOLUME"
}
# naive_mount_points: mount points made in VOLUME by a naive twin, while it is exchanged, come to the canary.
naive_mount_points() {
	local i

	for ((i = 0; i < ROUNDS; i++)); do
		"$TOOLS/naive_root" "$BATS_TEST_TMPDIR" volume/d 1000
		[ -z "$(find "$CANARY" -name 'made*')" ] || break
	done
	[ -n "$(find "$CANARY" -name 'made*')" ] || vacuous swap
	canary_make
}

# all_in PID GROUP COUNT: what is in the pid namespace of that process is in the cgroup, and as many as COUNT at least.
all_in() {
	local pid count=0

	for pid in $(stat -Lc '%i %n' /proc/[0-9]*/ns/pid 2>/dev/null | awk -F'[ /]' -v ns="$(stat -Lc %i "/proc/$1/ns/pid")" '$1 == ns { print $4 }'); do
		grep -qx "$pid" "$2/cgroup.procs" || { echo "process $pid is not in $2" >&2; return 1; }
		count=$((count + 1))
	done
	[ $count -ge "$3" ] || { echo "$count processes" >&2; return 1; }
}

# only_stdio OUTPUT-OF-PROBE-FDS: 0, 1, 2 and no other.
only_stdio() {
	[ "$(awk '{ print $1 }' <<<"$1" | xargs)" = "0 1 2" ] || { echo "open inside: $1" >&2; return 1; }
}
# stalked_ok LOG: directories and files that a stalker reached are those of the instance's own root; and programs, which
# are executed where they are (row 1). What is left is stdio, and anonymous.
stalked_ok() {
	local own
	own=$(awk '$1 == "reached" && $2 == "1/root" { split($4, p, ":"); print p[1] ":" p[2]; exit }' "$1")
	[ -n "$own" ]
	awk -v own="$own" '$1 == "reached" || $1 == "stolen" {
		split($4, p, ":")
		if (($3 == "dir" || ($3 == "file" && $2 !~ /\/exe$/)) && p[1] ":" p[2] != own) { print; bad = 1 }
	} END { exit bad }' "$1" >&2
}
# plain FILE: nothing in it that steers a terminal.
plain() {
	# DEL, C1 as UTF-8, bidirectional overrides, and all below a space but newline, tab and carriage return.
	! LC_ALL=C grep -aP '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$1" |
		cat -v | grep . >&2
}

# dev:ino as probe prints it
node_of() {
	local dev ino

	read -r dev ino < <(stat -Lc '%d %i' "$1")
	echo "$((dev >> 8 & 0xfff)):$((dev & 0xff)):$ino"
}

# fails COMMAND...: any error will do. (`run` warns of a status 127, `!` alone fails no test.)
fails() {
	if "$@" >"$BATS_TEST_TMPDIR/fails" 2>&1; then
		echo "should have failed: $*" >&2
		cat "$BATS_TEST_TMPDIR/fails" >&2
		return 1
	fi
}
