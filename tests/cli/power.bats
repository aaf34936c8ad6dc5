# SPDX-License-Identifier: GPL-2.0-or-later
# Power cuts: what a command makes visible in the state directory is on disk by then, by a log of its writes and syncs
# (tests/helpers/ptree/syncorder.c); and a command that is killed before any of its renames has not happened, or has.

load ../lib/common
load ../lib/crash

setup_file() {
	jail_setup_file
	crash_setup_file
	ptree_helper syncorder
	make_things
}
teardown_file() { jail_teardown_file; }
teardown() {
	jail_teardown
	remove_images
}

make_things() {
	mkdir "$JAIL_TEST_DIR/layout" "$JAIL_TEST_DIR/files"
	"$TOP/tests/helpers/mkoci.py" "$JAIL_TEST_DIR/layout" "
image(raw(ARGS[0]), layer(dir('d'), *[file('d/%d' % i, os.urandom(5000)) for i in range(50)]),
	layer(dir('d'), file('d/.wh..wh..opq'), file('d/new'), sym('l', 'd/new'), hard('h', 'd/new')), name='many:1')
image(raw(ARGS[0]), layer(file('other')), name='other:1')" "$JAIL_TEST_DIR/busybox.tar"
	tar -C "$JAIL_TEST_DIR/layout" -cf "$JAIL_TEST_DIR/layout.tar" .
	head -c 200000 /dev/urandom >"$JAIL_TEST_DIR/files/random"
	ln "$JAIL_TEST_DIR/files/random" "$JAIL_TEST_DIR/files/link"
	# Its root is the last that is written, and has an ACL.
	/usr/bin/python3 -c "
import io, sys, tarfile
with tarfile.open(sys.argv[1], 'w', format=tarfile.PAX_FORMAT) as t:
    root, one = tarfile.TarInfo('.'), tarfile.TarInfo('file')
    root.type, root.mode = tarfile.DIRTYPE, 0o755
    root.pax_headers = {'SCHILY.acl.default': 'user::rwx,user:1000:rwx,group::r-x,mask::rwx,other::r-x'}
    one.size = 100000
    t.addfile(root)
    t.addfile(one, io.BytesIO(b'x' * one.size))" "$JAIL_TEST_DIR/root.tar"
}

# in_order RENAMES COMMAND...: of jail; nothing is wrong, and at least so many renames were looked at.
in_order() {
	local least=$1

	shift
	run -0 timeout 60 "$JAIL_TEST_DIR/syncorder" "$JAIL_TEST_DIR/state" "$JAIL_BUILD/jail" "$@"
	assert_output ' renames checked, 0 wrong'
	[ "$(sed -n 's/ renames checked.*//p' <<<"$output")" -ge "$least" ] || { echo "$output"; return 1; }
}
# out_of_order TEXT SCRIPT: a positive control, below the state directory.
out_of_order() {
	run -1 timeout 60 "$JAIL_TEST_DIR/syncorder" "$JAIL_TEST_DIR/state" sh -c "cd '$JAIL_TEST_DIR/state' && $2"
	assert_output "$1"
}

@test "positive control: what isn't synced in time is found" {
	out_of_order 'becomes visible /images/a: and is not on disk' 'echo x >staging/a; mv staging/a images/a; sync images'
	out_of_order 'becomes visible /layers/t: and is not on disk' \
		'mkdir staging/t; echo x >staging/t/f; sync staging/t; mv staging/t layers/t; sync layers'
	out_of_order 'becomes visible /images/b: before a change is on disk' \
		'mkdir staging/l; echo x >staging/b; sync -f staging; mv staging/l layers/l; mv staging/b images/b; sync -f images'
	out_of_order 'at the end images: a change is not on disk' 'echo x >staging/c; sync staging/c staging; mv staging/c images/c'
	out_of_order 'before the names that went are gone on disk' 'rm images/a; mv layers/t staging/t'
	# The same, done well.
	run -0 "$JAIL_TEST_DIR/syncorder" "$JAIL_TEST_DIR/state" sh -c "cd '$JAIL_TEST_DIR/state' &&
		rm images/b images/c; sync images; mv layers/l staging/l
		mkdir staging/m; echo x >staging/m/f; echo x >staging/d; sync -f staging; mv staging/m layers/m; sync layers
		mv staging/d images/d; sync images"
	assert_output '2 renames checked, 0 wrong'
	rm -rf "$JAIL_TEST_DIR/state/"{images/d,layers/m,staging/l,staging/t}
}

@test "images: import of each kind, tag, rm, prune" {
	in_order 3 image import --quiet --name root "$JAIL_TEST_DIR/root.tar"
	in_order 7 image import --quiet --all "$JAIL_TEST_DIR/layout"
	in_order 1 image tag many:1 tagged
	in_order 0 image rm many:1 tagged
	in_order 0 image prune --all
	in_order 5 image import --quiet --image many:1 "$JAIL_TEST_DIR/layout.tar"
	in_order 1 image import --quiet --replace --name many:1 --image other:1 "$JAIL_TEST_DIR/layout.tar"
}

@test "instances: create, set, snapshots, rollback, commit, clone, rebuild, rm" {
	jail image import --quiet --all "$JAIL_TEST_DIR/layout"
	in_order 1 create web --image many:1 -- sleep 1000
	jail cp "$JAIL_TEST_DIR/files" web:/
	in_order 1 set web hostname=other
	in_order 2 snapshot create web first
	jail cp "$JAIL_TEST_DIR/files/random" web:/more
	in_order 2 snapshot create web second
	in_order 3 commit --quiet web made:1
	in_order 1 clone web twin
	in_order 1 clone web@first past
	in_order 1 rollback web first
	in_order 0 snapshot rm web second
	jail start web
	in_order 1 snapshot create web running
	in_order 3 commit --quiet web made:2
	in_order 1 clone web live
	jail stop --timeout 0s web
	in_order 2 rebuild twin --image other:1
	in_order 2 rebuild past --image other:1 --keep-files
	in_order 0 rm web twin past live
	jail image rm made:1 made:2
}

@test "volumes and networks" {
	in_order 1 volume create data --from "$JAIL_TEST_DIR/files"
	in_order 1 network create net
	in_order 0 volume rm data
	in_order 0 network rm net
}

@test "killed before each rename, link and unlink: as before or as after" {
	local JAIL_CRASH_POINTS=${JAIL_CRASH_POINTS:-10}

	jail image import --quiet --all "$JAIL_TEST_DIR/layout"
	jail create web --image many:1 -- sleep 1000
	jail cp "$JAIL_TEST_DIR/files" web:/
	jail snapshot create web first >/dev/null
	crash_world
	crash_sweep import --renames image import --quiet --name root "$JAIL_TEST_DIR/root.tar"
	crash_sweep snapshot --renames snapshot create web second
	crash_sweep rollback --renames rollback web first
	crash_sweep commit --renames commit --quiet web made:1
	crash_sweep clone --renames clone web twin
	crash_sweep rebuild --renames rebuild web --image other:1 --keep-files
	crash_sweep 'image rm' --renames image rm other:1
	crash_restore
	jail rm web
}
