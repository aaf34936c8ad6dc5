# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts of tests/vm share. All that is kept is in one directory of the cache, named after what it is made of;
# the directory is complete when it has that name.
# shellcheck shell=bash

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VM=$TOP/tests/vm
PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
export PATH
CACHE=${JAIL_CACHE:-${XDG_CACHE_HOME:+$XDG_CACHE_HOME/jail}}
CACHE=${CACHE:-/var/tmp/jail-cache}
# Sizes of the disks are part of a frozen machine.
ROOT_SIZE=6G TREE_SIZE=1G TARBALLS_SIZE=4G BLANK_SIZE=512M SWAP_SIZE=256M

die() {
	echo "tests/vm: $*" >&2
	exit 125
}

# vm_deps: what the host needs. Quick when it is all there.
vm_deps() {
	command -v qemu-system-x86_64 qemu-img mmdebstrap mke2fs cpio kmod jq >/dev/null ||
		make --no-print-directory -C "$TOP" vm-deps >&2
}

# vm_image CPUS: sets IMAGE to the directory of an image with a state frozen for as many CPUs, and holds it (fd 9) against
# removal.
vm_image() {
	vm_deps
	IMAGE=$("$VM/image" --cpus "$1")
	exec 9<"$IMAGE"
	flock -s 9
}

# vm_tree FILE SCRIPT: a disk with the tree, as it is now and as it was built, and what to run in it.
vm_tree() {
	local stage

	stage=$(mktemp -d "$(dirname "$1")/stage.XXXXXX")
	mkdir "$stage/tree"
	tar -C "$TOP" -cf - --exclude=./.git --exclude='./build-*' --exclude='*.o' --exclude='*.a' --exclude='*.d' . |
		tar -C "$stage/tree" -xf -
	cp "$2" "$stage/script"
	vm_disk "$1" "$TREE_SIZE" "$stage"
	rm -rf "$stage"
}

# vm_disk FILE SIZE DIRECTORY: an ext4 image.
vm_disk() {
	mke2fs -q -F -t ext4 -O ^has_journal -E lazy_itable_init=1,root_owner=0:0 -d "$3" "$1" "$2" >/dev/null
}

# tarball_list: prints a line for each tarball that tests import: its NAME, and the command that makes it.
tarball_list() {
	local variant

	echo "debian $TOP/tests/lib/debian-tarball"
	for variant in $("$TOP/tests/lib/debian-tarball" --variants); do
		echo "debian-$variant $TOP/tests/lib/debian-tarball $variant"
	done
	echo "engines $TOP/tests/lib/engines-tarball"
}

# vm_tarballs: prints a disk with a NAME.tar for each of them, and Podman and Docker unpacked in engines/, kept in the cache.
vm_tarballs() {
	local name command file key list=() stage root

	while read -r name command; do
		# shellcheck disable=SC2086 # a program and its argument
		file=$($command) || die "$command failed"
		list+=("$name $file")
	done < <(tarball_list)
	root=$("$TOP/tests/lib/engines-tarball" --root) || die "engines-tarball failed"
	key=$(printf '%s\n' "${list[@]}" "$root" | sha256sum | cut -c1-16)
	file=$CACHE/tarballs-$key.ext4
	if [ ! -e "$file" ]; then
		stage=$(mktemp -d "$CACHE/stage.XXXXXX")
		printf '%s\n' "${list[@]}" | while read -r name tar; do
			cp --reflink=auto "$tar" "$stage/$name.tar"
		done
		cp -a --reflink=auto "$root" "$stage/engines"
		vm_disk "$stage.ext4" "$TARBALLS_SIZE" "$stage"
		mv "$stage.ext4" "$file"
		rm -rf "$stage"
	fi
	touch "$file"
	echo "$file"
}

# vm_script: the beginning of every script that runs inside.
vm_script() {
	local name

	cat <<-'EOF'
		cd /vm/tree
		export JAIL_VM=1 JAIL_BUILD=/vm/tree/build LC_ALL=C.UTF-8 HOME=/root TERM=dumb
		export JAIL_TIMEOUT=$((60 * JAIL_SLOWNESS)) JAIL_TEST_DISK=/dev/vdd JAIL_TEST_DISK2=/dev/vde
		export JAIL_TEST_ENGINES_ROOT=/tarballs/engines
	EOF
	[ -z "${OCI_RUNTIME:-}" ] || echo "export OCI_RUNTIME=$OCI_RUNTIME"
	tarball_list | while read -r name _; do
		echo "export JAIL_TEST_$(tr a-z- A-Z_ <<<"$name")=/tarballs/$name.tar"
	done
}
