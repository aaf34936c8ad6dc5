# SPDX-License-Identifier: GPL-2.0-or-later
# What the files of tests/security share that are about jail: images that carry what tries to get out (hostile.bash).
# Loaded after common.bash.
# shellcheck shell=bash

load ../lib/hostile

# security_setup_file: as jail_setup_file, and the image "probe", which is busybox with the helpers in /bin.
security_setup_file() {
	jail_setup_file
	export TREE=$JAIL_TEST_DIR/tree
	mkdir "$TREE"
	tar -C "$TREE" -xf "$JAIL_TEST_DIR/busybox.tar"
	mkdir "$TREE/mnt"
	hostile_setup_file
	snapshot >"$JAIL_TEST_DIR/before"
	tar -C "$TREE" --numeric-owner -cf "$JAIL_TEST_DIR/probe.tar" .
	jail image import --quiet --name probe "$JAIL_TEST_DIR/probe.tar"
	IMAGE=probe
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

# rootfs NAME: a copy of the image's tree that a test may spoil; prints its path.
rootfs() {
	rm -rf "${JAIL_TEST_DIR:?}/roots/$1"
	mkdir -p "$JAIL_TEST_DIR/roots"
	cp -a "$TREE" "$JAIL_TEST_DIR/roots/$1"
	echo "$JAIL_TEST_DIR/roots/$1"
}
