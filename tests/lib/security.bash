# SPDX-License-Identifier: GPL-2.0-or-later
# What the files of tests/security share: programs that try to get out (tests/helpers), images that carry them, and a
# canary: a tree of the host that no attempt may change. Loaded after common.bash.
# shellcheck shell=bash

# Where a test runs in both kinds of instance: ids of its own, and the host's.
MODES=(auto host)
# The rounds of a race; the naive twin has to lose within as many.
ROUNDS=${JAIL_TEST_ROUNDS:-100}

# security_setup_file: as jail_setup_file, and the image "probe", which is busybox with the helpers in /bin.
security_setup_file() {
	jail_setup_file
	own_tops
	TOOLS=$JAIL_TEST_DIR/tools TREE=$JAIL_TEST_DIR/tree CANARY=$JAIL_TEST_DIR/canary
	export TOOLS TREE CANARY
	mkdir "$TOOLS" "$TREE"
	helper probe "$TOP"/tests/helpers/probe/*.c
	local name
	for name in swap leak naive_enter naive_root; do
		helper "$name" "$TOP/tests/helpers/$name.c"
	done
	tar -C "$TREE" -xf "$JAIL_TEST_DIR/busybox.tar"
	cp "$TOOLS"/{probe,swap} "$TREE/bin"
	tar -C "$TREE" --numeric-owner -cf "$JAIL_TEST_DIR/probe.tar" .
	jail image import --quiet --name probe "$JAIL_TEST_DIR/probe.tar"
	IMAGE=probe
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
	snapshot >"$JAIL_TEST_DIR/before"
}
# IMAGE is a plain variable: every test's process has to say it again.
security_setup() {
	IMAGE=probe
	canary_make
}
security_teardown() {
	local status=0

	canary_ok || status=1
	jail_teardown || status=1
	return $status
}

# Linked with musl, since they run in images that have no library. Its headers lack <linux/*.h> and <asm/*.h>.
helper() {
	local name=$1

	shift
	musl-gcc -static -D_GNU_SOURCE -O2 -Wall -idirafter /usr/include -idirafter "/usr/include/$(gcc -print-multiarch)" \
		-o "$TOOLS/$name" "$@"
}

# box MODE [OPTIONS] COMMAND...: a short-lived instance without a network.
box() {
	local mode=$1

	shift
	jail run --rm --image "$IMAGE" --network none --userns "$mode" "$@"
}
# stay NAME MODE [OPTIONS] [COMMAND...]: one that stays.
stay() {
	local name=$1 mode=$2

	shift 2
	jail run --detach --name "$name" --image "$IMAGE" --network none --userns "$mode" "$@" >/dev/null
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

# rootfs NAME: a copy of the image's tree that a test may spoil; prints its path.
rootfs() {
	rm -rf "${JAIL_TEST_DIR:?}/roots/$1"
	mkdir -p "$JAIL_TEST_DIR/roots"
	cp -a "$TREE" "$JAIL_TEST_DIR/roots/$1"
	echo "$JAIL_TEST_DIR/roots/$1"
}

# dev:ino as probe prints it
node_of() {
	local dev ino

	read -r dev ino < <(stat -Lc '%d %i' "$1")
	echo "$((dev >> 8 & 0xfff)):$((dev & 0xff)):$ino"
}

# A test that can't lose proves nothing.
vacuous() {
	echo "vacuous: the naive twin did not lose: $*" >&2
	return 1
}

# fails COMMAND...: any error will do. (`run` warns of a status 127, `!` alone fails no test.)
fails() {
	if "$@" >"$BATS_TEST_TMPDIR/fails" 2>&1; then
		echo "should have failed: $*" >&2
		cat "$BATS_TEST_TMPDIR/fails" >&2
		return 1
	fi
}
