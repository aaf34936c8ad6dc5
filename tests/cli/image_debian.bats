# SPDX-License-Identifier: GPL-2.0-or-later
# A Debian 12 of many layers there and back: mmdebstrap made the tree, buildah the layers, podman, skopeo and umoci read
# and write it, and what comes of it is compared file by file, and by every digest.

# shellcheck disable=SC2046 # storage gives words
# san: no

load ../lib/common

TREECMP=$TOP/tests/helpers/treecmp.py
JAIL_TIMEOUT=300

setup_file() {
	jail_setup_file bare
	WORK=$JAIL_TEST_DIR/work
	export WORK
	mkdir -p "$WORK"
	build_debian "$WORK" "$("$TOP/tests/lib/debian-tarball")"
}
teardown_file() {
	# What podman and buildah leave.
	awk -v top="$JAIL_TEST_DIR/" 'index($2, top) == 1 { print $2 }' /proc/self/mounts | tac | xargs -r umount
	jail_teardown_file
}
setup() {
	STATE=$JAIL_TEST_DIR/state
	OCI=$WORK/layout
}
teardown() {
	! mountpoint -q "$WORK/merged" || umount "$WORK/merged"
	jail_teardown
}

storage() { echo --root "$WORK/storage" --runroot "$WORK/storage-run" --storage-driver overlay; }
# build_debian DIR TARBALL: nine layers, of which each but the first changes, hides and replaces what is below.
build_debian() {
	mkdir "$1/ctx"
	cp "$2" "$1/ctx/debian.tar"
	cat >"$1/ctx/Containerfile" <<-'END'
		FROM scratch
		ADD debian.tar /
		RUN rm -rf /usr/share/doc/* /usr/share/man && mkdir /usr/share/man
		RUN dpkg --purge --force-all nginx-light && useradd --uid 1234 --create-home someone
		RUN cp -a /etc /srv/etc && ln /srv/etc/passwd /srv/etc/again && mkfifo /srv/fifo
		RUN setcap cap_net_raw+ep /usr/bin/tac && chmod 2711 /usr/bin/sed && chown -R someone:someone /srv/etc
		RUN rm -r /srv/etc && mkdir -m 700 /srv/etc && echo new >/srv/etc/passwd && ln -s passwd /srv/etc/shadow
		RUN mv /usr/share/zoneinfo /usr/share/zones && ln -s zones /usr/share/zoneinfo; truncate -s 5M /srv/hole; echo end >>/srv/hole
		RUN touch -d '2001-02-03 04:05:06.789' /usr/bin/* && rm /usr/bin/perl5*
		RUN rm /srv/fifo && mkdir /srv/fifo && rm -r /home/someone && echo file >/home/someone
		ENV WORD=kept
		CMD ["/bin/bash"]
	END
	buildah $(storage) bud --layers --isolation chroot -q -t localhost/debian:12 "$1/ctx" >/dev/null
	rm "$1/ctx/debian.tar"
	podman $(storage) save -q --format oci-dir -o "$1/layout" localhost/debian:12
	skopeo inspect --raw "oci:$1/layout:localhost/debian:12" | jq -r .config.digest >"$1/config"
	umoci unpack --image "$1/layout:localhost/debian:12" "$1/bundle" >/dev/null 2>&1
}
# is_debian IMAGE: its digests are those that buildah gave.
is_debian() {
	local config
	config=$(cat "$WORK/config")
	[ "$(jail image inspect --json "$1" | jq -r '.[0].config')" = "$config" ]
	[ "$(jail image inspect --json "$1" | jq -c '.[0].layers')" = "$(jq -c .rootfs.diff_ids "$OCI/blobs/sha256/${config#sha256:}")" ]
	jail image verify --quiet "$1"
}
# same_tree IMAGE: the layers of the store, one over the other, are the tree that umoci made of buildah's.
same_tree() {
	local lower='' layer
	for layer in $(jail image inspect --json "$1" | jq -r '.[0].layers[]' | cut -d: -f2); do
		lower=l/$layer/fs${lower:+:$lower}
	done
	mkdir -p "$WORK/merged"
	# Short names: all of them have to fit in a page.
	(cd "$STATE" && ln -sfn layers l && mount -t overlay overlay -o "ro,lowerdir=$lower" "$WORK/merged")
	run -0 "$TREECMP" "$WORK/bundle/rootfs" "$WORK/merged"
	umount "$WORK/merged"
	[ "${output%% files*}" -gt 3000 ]
}
# In the store, whichever tests ran before.
have_debian() {
	jail image inspect localhost/debian:12 >/dev/null 2>&1 || jail image import --quiet "$OCI"
}
clear_store() {
	remove_images
	jail gc
	[ -z "$(find "$STATE/layers" -mindepth 1)" ]
}

@test "from podman save through a pipe: by digest buildah's, and file by file what umoci unpacks" {
	podman $(storage) save -q localhost/debian:12 | jail image import -
	is_debian localhost/debian:12
	[ "$(jail image inspect --json localhost/debian:12 | jq '.[0].layers | length')" -ge 9 ]
	same_tree localhost/debian:12
}

@test "out to podman load and skopeo, and back from both" {
	local f=$BATS_TEST_TMPDIR id
	have_debian
	id=$(cut -d: -f2 "$WORK/config")
	# Out: podman takes it for the image that it had.
	podman $(storage) rmi --all --force >/dev/null
	jail image export localhost/debian:12 --format docker | podman $(storage) load -q
	run -0 podman $(storage) image inspect --format '{{.Id}}' localhost/debian:12
	[ "$output" = "$id" ]
	podman $(storage) save -q --format oci-archive -o "$f/podman.tar" localhost/debian:12
	# Skopeo, from one form into another, and into podman's storage.
	jail image export localhost/debian:12 --compress gzip -o "$f/oci/"
	skopeo copy -q --insecure-policy "oci:$f/oci:localhost/debian:12" "docker-archive:$f/skopeo.tar:localhost/debian:12"
	podman $(storage) rmi --all --force >/dev/null
	skopeo copy -q --insecure-policy "oci:$f/oci:localhost/debian:12" \
		"containers-storage:[overlay@$WORK/storage+$WORK/storage-run]localhost/debian:12"
	run -0 podman $(storage) image inspect --format '{{.Id}}' localhost/debian:12
	[ "$output" = "$id" ]
	# What umoci makes of ours is what it made of buildah's.
	umoci unpack --image "$f/oci:localhost/debian:12" "$f/bundle" >/dev/null 2>&1
	run -0 "$TREECMP" "$WORK/bundle/rootfs" "$f/bundle/rootfs"
	rm -rf "$f/bundle"
	# Back, each into a store that has nothing.
	for from in podman.tar skopeo.tar oci; do
		clear_store
		jail image import --quiet "$f/$from"
		is_debian localhost/debian:12
	done
	same_tree localhost/debian:12
}

@test "an instance of it works, and commits what it changed" {
	have_debian
	run -0 jail run --rm --image localhost/debian:12 --network none -- sh -c 'dpkg --verify coreutils bash | grep -v /usr/share/; echo "$WORD"; cat /srv/etc/shadow'
	assert [ "$output" = 'kept
new' ]
	jail run --name box --image localhost/debian:12 --network none -- sh -c 'SUDO_FORCE_REMOVE=yes dpkg --purge --force-all sudo && rm -r /srv/etc' >/dev/null
	jail commit --quiet box debian:changed
	jail image verify --quiet debian:changed
	run -0 jail run --rm --image debian:changed --network none -- sh -c 'dpkg -s sudo 2>&1 | grep -c "is not installed"; ls /srv'
	assert_output 1
	refute_output etc
	jail rm box
}
