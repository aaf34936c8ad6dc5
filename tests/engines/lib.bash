# SPDX-License-Identifier: GPL-2.0-or-later
# What the files of tests/engines share; loaded after ../lib/common and ../lib/system. The engines are Debian's own, from
# tests/lib/engines-tarball, and nothing of them is installed: engines_setup_file mounts their programs over /usr, in the
# mount namespace of the sandbox, and gives them an /etc, /run, /var/lib and a cgroup v2 tree that are gone with it.
#
# OCI_RUNTIME: the runtime that the engines are told to use, $JAIL_BUILD/jail-oci. Every test here passes with Debian's
# crun, and runc: OCI_RUNTIME=/usr/bin/crun tests/run engines.
# shellcheck shell=bash

OCI_RUNTIME=${OCI_RUNTIME:-$JAIL_BUILD/jail-oci}
# The engines write what they run into their own state, so nothing but the name of a file may stand here.
RUNTIME_NAME=$(basename "$OCI_RUNTIME")
export OCI_RUNTIME RUNTIME_NAME

# ---- the machine that the engines see

engines_setup_file() {
	if [ "${JAIL_VM:-}" != 1 ] && [ "$SANDBOX_ROOT" = /sys/fs/cgroup ] && [ "$$" = 1 ]; then
		echo "not in a sandbox" >&2
		return 1
	fi
	ENGINES=$(engines_root) || return
	ENGINES_DIR=$(mktemp -d /var/tmp/jail-engines.XXXXXX)
	export ENGINES ENGINES_DIR HOME=$ENGINES_DIR/home TMPDIR=$ENGINES_DIR/tmp
	mkdir -p "$HOME" "$TMPDIR" "$ENGINES_DIR"/{bin,log,volumes}
	engines_cgroups
	sort /proc/self/mounts >"$ENGINES_DIR/before"
	engines_mount
	"$TOP/tests/lib/busybox-image" "$ENGINES_DIR/busybox.tar"
}

# The extracted tarball: in the cache natively, on the disk of tarballs in the VM.
engines_root() {
	if [ -d "${JAIL_TEST_ENGINES_ROOT:-}" ]; then
		echo "$JAIL_TEST_ENGINES_ROOT"
	else
		"$TOP/tests/lib/engines-tarball" --root
	fi
}

# A pure v2 tree, as the engines want it. The root of the sandbox's cgroup namespace is the sandbox's own cgroup.
engines_cgroups() {
	[ "$SANDBOX_ROOT" != /sys/fs/cgroup ] || return 0
	umount --lazy /sys/fs/cgroup
	mount -t cgroup2 none /sys/fs/cgroup
	export SANDBOX_ROOT=/sys/fs/cgroup
}

# Programs and libraries that the machine has too are the machine's: they are at least as new.
engines_mount() {
	local dir

	mount -t overlay -o "lowerdir=/usr:$ENGINES/usr" overlay /usr
	for dir in etc opt; do
		mkdir -p "$ENGINES_DIR/over/$dir" "$ENGINES_DIR/work/$dir"
		mount -t overlay -o "lowerdir=/$dir:$ENGINES/$dir,upperdir=$ENGINES_DIR/over/$dir,workdir=$ENGINES_DIR/work/$dir" \
			overlay "/$dir"
	done
	mkdir -p "$ENGINES_DIR"/run/{systemd,dbus,lock}
	mount -t tmpfs -o mode=755 tmpfs /var/lib
	for dir in containers docker containerd; do
		mkdir -p "$ENGINES_DIR/lib/$dir" "/var/lib/$dir"
		mount --bind "$ENGINES_DIR/lib/$dir" "/var/lib/$dir"
	done
	mount -t tmpfs -o mode=755 tmpfs "$ENGINES_DIR/run"
	mkdir -p "$ENGINES_DIR"/run/{systemd,dbus,lock}
	for dir in systemd dbus; do
		[ ! -d "/run/$dir" ] || mount --rbind "/run/$dir" "$ENGINES_DIR/run/$dir"
	done
	mount --move "$ENGINES_DIR/run" /run
}
