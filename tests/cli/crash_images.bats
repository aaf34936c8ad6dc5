# SPDX-License-Identifier: GPL-2.0-or-later
# Killed at any system call: images, snapshots, clones, rebuilds. Whatever was there is there, to the byte; what was not
# finished is gone after gc; and it can be done again. `make crash-test` tries every call, here it is a part of them.
# san: no

load ../lib/common
load ../lib/crash

setup_file() {
	jail_setup_file bare
	crash_setup_file
	make_world
}
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }
# The others don't run, and the state directory is another one at each point.
jail_teardown() { ! jail inspect live >/dev/null 2>&1 || jail rm --force live; }

make_world() {
	local layout=$JAIL_TEST_DIR/layout files=$JAIL_TEST_DIR/files

	mkdir "$layout" "$files"
	# shellcheck disable=SC2016
	"$TOP/tests/helpers/mkoci.py" "$layout" "
same = layer(dir('etc'), file('etc/same', b's' * 5000), hard('etc/link', 'etc/same'))
image(same, layer(dir('a'), file('a/one', b'1' * 70000), file('a/gone')), layer(file('a/.wh.gone'), sym('l', 'a/one')),
	name='keep:1')
image(same, layer(dir('a'), file('a/other', b'2')), name='other:1')
image(layer(file('unused')), name='unused:1')"
	jail image import --quiet --all "$layout"
	mkdir "$JAIL_TEST_DIR/docker"
	"$TOP/tests/helpers/mkoci.py" "$JAIL_TEST_DIR/docker" "
same = layer(dir('etc'), file('etc/same', b's' * 5000), hard('etc/link', 'etc/same'))
docker([((same, layer(dir('new'), *[file('new/%d' % i, os.urandom(3000)) for i in range(40)]),
	layer(dir('new'), file('new/.wh.3'), file('new/.wh..wh..opq'), file('new/big', os.urandom(400000)))), ['new:1'])])"
	tar -C "$JAIL_TEST_DIR/docker" -cf "$JAIL_TEST_DIR/new.tar" .
	tar -C "$JAIL_TEST_DIR/docker" -czf "$JAIL_TEST_DIR/new.tar.gz" .
	jail create web --image keep:1 -- sh
	jail create plain --image keep:1 -- sh
	echo first >"$files/one"
	ln "$files/one" "$files/two"
	head -c 100000 /dev/urandom >"$files/random"
	jail cp "$files" web:/a/files
	jail snapshot create web base >/dev/null
	jail snapshot create web middle >/dev/null
	echo second >"$files/one"
	jail cp "$files" web:/a/more
	jail cp "$files" plain:/files
	crash_world
}

# The state as it is now is where the points begin, for the rest of this test.
another_world() {
	mv "$JAIL_TEST_DIR/world" "$JAIL_TEST_DIR/world.old"
	cp -a "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/world"
}
old_world() {
	rm -rf "$JAIL_TEST_DIR/world"
	mv "$JAIL_TEST_DIR/world.old" "$JAIL_TEST_DIR/world"
	crash_restore
}

@test "image import: a docker archive of three layers, of which one is there" {
	crash_sweep import image import --quiet "$JAIL_TEST_DIR/new.tar"
}

@test "image import: the importer alone is killed" {
	crash_sweep import --one image import --quiet "$JAIL_TEST_DIR/new.tar.gz"
}

@test "image import --replace, image rm, image prune" {
	crash_sweep replace image import --quiet --replace --name unused:1 --image new:1 "$JAIL_TEST_DIR/new.tar"
	crash_sweep 'image rm' image rm unused:1
	# Of several images each goes by itself: here there is one.
	jail image rm other:1
	another_world
	crash_sweep prune image prune --all
	old_world
}

@test "snapshot create and rm" {
	crash_sweep 'snapshot create' snapshot create web second
	crash_sweep 'snapshot rm' snapshot rm web middle
	crash_sweep 'snapshot rm, the lowest' snapshot rm web base
}

@test "rollback" {
	crash_sweep rollback rollback web base
}

@test "commit" {
	crash_sweep commit commit --quiet web made:1
}

@test "clone, of now and of a snapshot" {
	crash_sweep clone clone web twin
	crash_sweep 'clone of a snapshot' clone web@base twin
}

@test "rebuild, with files and without" {
	crash_sweep rebuild rebuild plain --image other:1
	crash_sweep 'rebuild --keep-files' rebuild plain --image other:1 --keep-files
}

@test "gc" {
	# What all the others might have left, at once.
	local state=$JAIL_TEST_DIR/state
	rm "$state/images/unused%3a1.json"
	mkdir "$state/staging/0123456789abcdef0123456789abcdef" "$state/layers/$(printf '0%.0s' {1..64})"
	cp -a "$state"/instances/plain/upper "$state/staging/0123456789abcdef0123456789abcdef/tree"
	rm "$state"/instances/web/snapshots/*/snapshot.json
	mkdir "$state/instances/web/snapshots/0123456789abcdef"
	another_world
	crash_sweep gc gc
	crash_sweep gc --one gc
	old_world
}

# undo COMMAND...: what it has made, if it has, is removed again.
undo() {
	case $1 in
	snapshot) [ -z "$(jail snapshot list --quiet live)" ] || jail snapshot rm live second ;;
	commit) ! jail image inspect made:1 >/dev/null 2>&1 || jail image rm made:1 ;;
	clone) ! jail inspect twin >/dev/null 2>&1 || jail rm twin ;;
	esac
	jail gc >/dev/null
}
is_thawed() { grep -q '^frozen 0' "$SANDBOX_ROOT/jail/live/cgroup.events"; }
# goes_on COMMAND...: killed at each point, process by process; the instance goes on, and nothing is left.
goes_on() {
	local count point tried=0 done=0

	undo "$@"
	count=$("$KILLAT" count "$JAIL_BUILD/jail" "$@" 2>&1 | tail -n 1)
	undo "$@"
	crash_look >"$JAIL_TEST_DIR/look.before"
	for point in $(crash_points "$count"); do
		"$KILLAT" --one "$point" "$JAIL_BUILD/jail" "$@" >/dev/null 2>&1 3>&- || :
		wait_until 10 is_thawed
		jail exec live true
		jail gc >/dev/null
		jail image verify --quiet
		tried=$((tried + 1))
		crash_look >"$JAIL_TEST_DIR/look"
		cmp -s "$JAIL_TEST_DIR/look.before" "$JAIL_TEST_DIR/look" || done=$((done + 1))
		undo "$@"
		crash_look | diff "$JAIL_TEST_DIR/look.before" - || { echo "$*, killed at $point of $count"; return 1; }
	done
	echo "# $* of a running one: $tried points of $count, $done done" >&3
	jail "$@" >/dev/null
	undo "$@"
}

@test "snapshot, commit and clone of a running instance: it goes on" {
	jail image import --quiet --name "$IMAGE" "$JAIL_TEST_DIR/busybox.tar"
	app live --network none sh -c 'while :; do sleep 1000; done'
	jail exec live sh -c 'mkdir /d; for i in $(seq 30); do echo $i >/d/$i; done; ln /d/1 /d/one; rm /bin/vi'
	goes_on snapshot create live second
	goes_on commit --quiet live made:1
	goes_on clone live twin
	jail rm --force live
	jail image rm "$IMAGE"
}
