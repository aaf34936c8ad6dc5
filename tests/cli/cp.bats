# SPDX-License-Identifier: GPL-2.0-or-later
# jail cp: both ways, running and stopped. What an instance does to a copy that goes on meanwhile: tests/security/cp.bats.

# shellcheck disable=SC2016 # expands inside

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
setup() {
	# Not below /tmp where that is a tmpfs without user.* attributes.
	W=$JAIL_TEST_DIR/work.$BATS_TEST_NUMBER
	mkdir "$W"
}
teardown() {
	jail_teardown
	rm -rf "$W"
}

same() { "$TOP/tests/helpers/treecmp.py" "$1" "$2"; }

# everything DIR: one of each kind that a copy keeps as it is.
everything() {
	local d=$1 long

	long=$(printf 'n%.0s' {1..200})
	mkdir -p "$d/sub/$long/$long" "$d/empty" "$d/closed"
	echo text >"$d/file"
	: >"$d/nothing"
	head -c 3000000 /dev/urandom >"$d/sub/large"
	head -c 512 /dev/urandom >"$d/sub/block"
	head -c 262144 /dev/urandom >"$d/sub/buffer"
	ln "$d/sub/large" "$d/sub/hard"
	ln "$d/file" "$d/another"
	ln -s ../file "$d/sub/link"
	ln -s /nowhere "$d/dangling"
	ln -s "/$long/$long" "$d/far"
	mkfifo "$d/fifo"
	truncate -s 100M "$d/holes"
	printf 'in the middle' | dd of="$d/holes" bs=1 seek=70000000 conv=notrunc status=none
	truncate -s 1M "$d/hole"
	{ head -c 8192 /dev/urandom; } >"$d/tail"
	truncate -s 9M "$d/tail"
	echo deep >"$d/sub/$long/$long/file"
	echo bytes >"$d/"$'not\xff utf8\nname '
	echo umlaut >"$d/sub/grün"
	echo hidden >"$d/.wh.hidden"
	setfattr -n user.text -v value "$d/file"
	setfattr -n user.bytes -v 0x00ff0a3d "$d/sub"
	chmod 0600 "$d/nothing"
	chmod 0000 "$d/sub/block"
	chmod 1777 "$d/empty"
	chown -R 1000:1000 "$d/sub"
	chown -h 65534:12 "$d/dangling"
	touch -h -d '2001-02-03 04:05:06.123456789' "$d/dangling"
	touch -d '1960-01-01' "$d/nothing"
	touch -d '2100-01-01' "$d/tail"
	echo closed >"$d/closed/file"
	chmod 0500 "$d/closed"
	touch -d '2001-02-03 04:05:06.000000001' "$d/sub" "$d/closed" "$d"
}

@test "what goes in comes out again bit for bit, running and stopped" {
	local state
	everything "$W/a"
	sleeper web
	for state in running stopped; do
		[ $state = running ] || jail stop --timeout 0s web
		jail cp --archive "$W/a" "web:/root/$state"
		jail cp --archive "web:/root/$state" "$W/$state"
		same "$W/a" "$W/$state"
	done
	# What one of them has written, the other one reads.
	jail cp -a web:/root/running "$W/crossed"
	same "$W/a" "$W/crossed"
	jail start web
	jail cp -a web:/root/stopped "$W/crossed.2"
	same "$W/a" "$W/crossed.2"
	run -0 jail exec web sh -c 'cd /root/stopped && cat file sub/link && stat -c "%u:%g %a" sub sub/block && stat -c %h another'
	[ "$output" = $'text\ntext\n1000:1000 755\n1000:1000 0\n2' ]
	# The other instance's side.
	sleeper other
	jail cp --archive web:/root/stopped other:/root/
	jail cp -a other:/root/stopped "$W/other"
	same "$W/a" "$W/other"
}

@test "without --archive all is root's inside and the caller's outside, and nothing is setuid" {
	echo text >"$W/file"
	chown 1000:1000 "$W/file"
	chmod 6755 "$W/file"
	sleeper web
	jail cp "$W/file" web:/root/file
	run -0 jail exec web stat -c '%u:%g %a' /root/file
	[ "$output" = '0:0 755' ]
	jail cp -a "$W/file" web:/root/file
	run -0 jail exec web stat -c '%u:%g %a' /root/file
	[ "$output" = '1000:1000 6755' ]
	jail cp web:/root/file "$W/out"
	[ "$(stat -c '%u:%g %a' "$W/out")" = '0:0 755' ]
	# A stranger's setuid is not the host's, whoever owns it.
	jail exec web sh -c 'chown 0:0 /root/file && chmod 6755 /root/file'
	jail cp -a web:/root/file "$W/out"
	[ "$(stat -c '%u:%g %a' "$W/out")" = '0:0 755' ]
	# Ids that the instance hasn't got.
	chown 100000 "$W/file"
	run jail cp -a "$W/file" web:/root/file
	assert_error 1 'set owner 100000:1000'
	run -0 jail exec web stat -c '%u:%g' /root/file
	[ "$output" = '0:0' ]
}

# in PATH... copies $W/src or what is said into the running instance, and prints what is there then.
into() { jail cp "$1" "web:$2" && jail exec web sh -c "cd /root && find . | sort | tr '\n' ' '"; }
fresh() { jail exec web sh -c 'rm -rf /root; mkdir -p /root/dir; echo old >/root/old'; }

@test "where it goes: as cp(1) decides, inside" {
	mkdir -p "$W/d/sub"
	echo text >"$W/f"
	echo member >"$W/d/sub/m"
	sleeper web
	fresh; run -0 into "$W/f" /root/new
	[ "$output" = '. ./dir ./new ./old ' ]
	fresh; run -0 into "$W/f" /root/dir
	[ "$output" = '. ./dir ./dir/f ./old ' ]
	fresh; run -0 into "$W/f" root/dir/
	[ "$output" = '. ./dir ./dir/f ./old ' ]
	fresh; run -0 into "$W/f" /root/old
	[ "$output" = '. ./dir ./old ' ]
	[ "$(jail exec web cat /root/old)" = text ]
	fresh; run -0 into "$W/d" /root/new
	[ "$output" = '. ./dir ./new ./new/sub ./new/sub/m ./old ' ]
	fresh; run -0 into "$W/d/" /root/new/
	[ "$output" = '. ./dir ./new ./new/sub ./new/sub/m ./old ' ]
	fresh; run -0 into "$W/d" /root/dir
	[ "$output" = '. ./dir ./dir/d ./dir/d/sub ./dir/d/sub/m ./old ' ]
	run -0 into "$W/d" /root/dir
	[ "$output" = '. ./dir ./dir/d ./dir/d/sub ./dir/d/sub/m ./old ' ]
	fresh; run -0 into "$W/d/." /root/dir
	[ "$output" = '. ./dir ./dir/sub ./dir/sub/m ./old ' ]
	fresh; run -0 into "$W/d/." /root/new
	[ "$output" = '. ./dir ./new ./new/sub ./new/sub/m ./old ' ]
	fresh; cd "$W/d"; run -0 into . /root/dir
	[ "$output" = '. ./dir ./dir/sub ./dir/sub/m ./old ' ]
	fresh; run -0 into ../f /root
	[ "$output" = '. ./dir ./f ./old ' ]
	# By a link to a directory; one in the place of a file is replaced.
	fresh; jail exec web ln -s dir /root/link; run -0 into "$W/f" /root/link
	[ "$output" = '. ./dir ./dir/f ./link ./old ' ]
	fresh; jail exec web ln -s old /root/link; run -0 into "$W/f" /root/link
	run -0 jail exec web sh -c 'cat /root/link /root/old; test ! -L /root/link'
	[ "$output" = $'text\nold' ]
}

@test "where it goes: as cp(1) decides, outside" {
	sleeper web
	jail exec web sh -c 'mkdir -p /root/d/sub; echo text >/root/f; echo member >/root/d/sub/m'
	mkdir "$W/dir"
	cd "$W"
	jail cp web:/root/f new
	jail cp web:root/f dir
	jail cp web:/root/f .
	jail cp web:/root/d new.d
	jail cp web:/root/d dir/
	jail cp web:/root/d/. dir
	run -0 sh -c 'find . | sort | tr "\n" " "'
	[ "$output" = '. ./dir ./dir/d ./dir/d/sub ./dir/d/sub/m ./dir/f ./dir/sub ./dir/sub/m ./f ./new ./new.d ./new.d/sub ./new.d/sub/m ' ]
	[ "$(cat new dir/f f)" = $'text\ntext\ntext' ]
}

@test "where it can't go" {
	mkdir -p "$W/d"
	echo text >"$W/f"
	sleeper web
	fresh
	run jail cp "$W/f" web:/root/no/where
	assert_error 1 'web: directory of /root/no/where: No such file or directory'
	run jail cp "$W/f" web:/root/new/
	assert_error 1 'no such directory'
	run jail cp "$W/f" web:/root/old/
	assert_error 1 'not a directory'
	run jail cp "$W/d" web:/root/old
	assert_error 1 'is not a directory'
	run jail cp "$W/f/" web:/root/new
	assert_error 1 "$W/f/: Not a directory"
	run jail cp "$W/none" web:/root/new
	assert_error 1 "$W/none: No such file or directory"
	run jail cp web:/root/none "$W/new"
	assert_error 1 'web: /root/none: No such file or directory'
	run jail cp web:/root/old "$W/no/where"
	assert_error 1 'directory of '
	# A directory makes no way for a file, nor the other way round.
	mkdir -p "$W/old"
	jail exec web mkdir -p /root/dir/f
	run jail cp "$W/f" web:/root/dir
	assert_error 1 'is not replaced'
	run jail cp web:/root/old "$W"
	assert_error 1 'is not replaced'
	ln -s f "$W/link"
	jail exec web sh -c 'mkdir /root/dir/link; echo kept >/root/dir/link/file'
	run jail cp "$W/link" web:/root/dir
	assert_error 1 'is not replaced'
	[ "$(jail exec web cat /root/dir/link/file)" = kept ]
	run -0 jail exec web find /root
	refute_output .jail-cp
	[ "$(jail exec web cat /root/old)" = old ]
	[ "$(ls -A "$W")" = $'d\nf\nlink\nold' ]
	run jail cp "$W/f" nobody:/root
	assert_error 1 'nobody'
}

@test "a command line that means nothing is refused" {
	run jail cp "$JAIL_CONFIG" /tmp
	assert_error 2 'neither SRC nor DST'
	run jail cp - /tmp
	assert_error 2 'neither SRC nor DST'
	run jail cp web:/a web:/b
	assert_error 2 'both are of web'
	run jail cp a/b:c /tmp
	assert_error 2 './a/b:c'
	run jail cp web: /tmp
	assert_error 2 'no path after the colon'
	run jail cp web:/a "$JAIL_CONFIG" more
	[ "$status" -eq 2 ]
	run jail cp web:/a
	[ "$status" -eq 2 ]
	# A file of the host with a colon.
	sleeper web
	cd "$W"
	echo text >web:file
	jail cp ./web:file web:/root/file
	[ "$(jail exec web cat /root/file)" = text ]
}

@test "links are copied as such, and followed when that is asked for" {
	sleeper web
	jail exec web sh -c 'mkdir /root/d; echo text >/root/d/f; ln -s d /root/dl; ln -s d/f /root/fl; ln -s /root/d/f /root/al'
	cd "$W"
	jail cp web:/root/fl fl
	[ "$(readlink fl)" = d/f ]
	jail cp -L web:/root/fl fl.2
	[ ! -L fl.2 ]
	[ "$(cat fl.2)" = text ]
	jail cp --follow-link web:/root/al al
	[ "$(cat al)" = text ]
	jail cp web:/root/dl/ dl
	[ "$(cat dl/f)" = text ]
	jail cp web:/root/dl/. dl.2
	[ "$(cat dl.2/f)" = text ]
	# On our side too.
	ln -s dl.2/f ours
	jail cp ours web:/root/
	[ "$(jail exec web readlink /root/ours)" = dl.2/f ]
	jail cp -L ours web:/root/ours
	[ "$(jail exec web sh -c 'test ! -L /root/ours && cat /root/ours')" = text ]
}

@test "streams: what tar reads and writes" {
	everything "$W/a"
	sleeper web
	tar -C "$W/a" --xattrs --numeric-owner --sparse --format=pax -cf - . | jail cp -a - web:/root
	jail cp -a web:/root/. "$W/b"
	touch -r "$W/a" "$W/b"
	chmod --reference="$W/a" "$W/b"
	same "$W/a" "$W/b"
	mkdir "$W/c"
	jail cp web:/root - | tar -C "$W/c" --xattrs --numeric-owner -xpf - --strip-components 1
	touch -r "$W/a" "$W/c"
	chmod --reference="$W/a" "$W/c"
	same "$W/a" "$W/c"
	jail cp web:/root/file - >"$W/file.tar"
	[ "$(tar tf "$W/file.tar")" = file ]
	[ $(($(stat -c %s "$W/file.tar") % 512)) -eq 0 ]
	# What is compressed, by what it is.
	local by
	jail exec web mkdir /gzip /xz /zstd /bzip2
	for by in gzip xz zstd bzip2; do
		tar -C "$W/a" -c --$by file | jail cp - "web:/$by"
		[ "$(jail exec web cat "/$by/file")" = text ]
	done
	run jail cp - web:/root/none </dev/null
	assert_error 1 '/root/none: No such file or directory'
	run jail cp - web:/root/file <"$W/file.tar"
	assert_error 1 '/root/file: Not a directory'
	run jail cp - web:/root <"$JAIL_CONFIG"
	assert_error 1 'web: '
	# A reader that goes is noticed.
	run -0 bash -c '"$1"/jail cp web:/root - 2>"$2" | head -c 1 >/dev/null; echo "${PIPESTATUS[0]}"; cat "$2"' - "$JAIL_BUILD" "$W/said"
	[ "${lines[0]}" -eq 1 ]
	assert_output 'Broken pipe'
}

@test "streams: numbers that the old headers have no room for" {
	app web --userns host sh -c 'truncate -s 9G /root/f && chown 3000000:4000000 /root/f && sleep 1000'
	wait_until 20 jail exec web test -s /root/f
	jail cp web:/root/f - >"$W/f.tar"
	run -0 tar --numeric-owner -tvf "$W/f.tar"
	assert_output '3000000/4000000'
	assert_output ' 9663676416 '
	[ "$(stat -c %s "$W/f.tar")" -lt 10000 ]
	jail cp -a web:/root/f "$W/f"
	[ "$(stat -c '%u:%g %s' "$W/f")" = 3000000:4000000\ 9663676416 ]
	[ "$(stat -c %b "$W/f")" -lt 100 ]
}

@test "devices and sockets stay where they are, and that is said" {
	sleeper web
	run -0 jail cp web:/dev "$W/dev"
	assert_output 'devices were left out'
	[ -z "$(find "$W/dev" -type b -o -type c -o -type s)" ]
	[ "$(readlink "$W/dev/fd")" = /proc/self/fd ]
	run jail cp web:/dev/null "$W/null"
	assert_error 1 "can't be copied"
	[ ! -e "$W/null" ]
	mknod "$W/node" c 1 3
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$W/socket"
	mkdir "$W/d"
	mv "$W/node" "$W/socket" "$W/d"
	run -0 jail cp "$W/d" web:/root
	assert_output '1 devices were left out'
	assert_output '1 sockets were left out'
	[ -z "$(jail exec web ls -A /root/d)" ]
	tar -C "$W/d" -cf "$W/d.tar" node
	run -0 jail cp - web:/root <"$W/d.tar"
	assert_output '1 devices were left out'
	# The kernel's own file systems are not the instance's files.
	jail cp web:/ "$W/all" 2>/dev/null
	[ -z "$(ls -A "$W/all/proc")" ]
	[ -z "$(ls -A "$W/all/sys")" ]
	[ -x "$W/all/bin/busybox" ]
}

@test "a stopped instance: its mounts are there, and what would be lost is refused" {
	mkdir "$W/volume"
	echo text >"$W/f"
	jail create --image "$IMAGE" --mount "$W/volume:/data:idmap" web sleep 1000
	jail cp "$W/f" web:/data/f
	[ "$(cat "$W/volume/f")" = text ]
	jail cp web:/data/f "$W/out"
	[ "$(cat "$W/out")" = text ]
	jail cp "$W/f" web:/root/f
	run jail cp "$W/f" web:/tmp/f
	assert_error 1 'in memory while the instance runs'
	run jail cp "$W/f" web:/run
	assert_error 1 'in memory while the instance runs'
	[ "$(status_of web)" = created ]
	run -1 grep "$JAIL_TEST_DIR/state" /proc/self/mounts
	jail start web
	[ "$(jail exec web cat /root/f /data/f)" = $'text\ntext' ]
	jail cp "$W/f" web:/tmp/f
	[ "$(jail exec web cat /tmp/f)" = text ]
	jail create --image "$IMAGE" --volatile gone sleep 1000
	run jail cp "$W/f" gone:/root
	assert_error 1 'is volatile'
	jail cp gone:/bin/busybox "$W/busybox"
	cmp "$W/busybox" <(tar -xOf "$JAIL_TEST_DIR/busybox.tar" ./bin/busybox)
	jail create --image "$IMAGE" --read-only fixed sleep 1000
	run jail cp "$W/f" fixed:/root
	assert_error 1 'Read-only file system'
	jail create --image "$IMAGE" --userns host plain sleep 1000
	jail cp "$W/f" plain:/root/f
	jail cp plain:/root/f "$W/plain"
	cmp "$W/f" "$W/plain"
}

@test "a stopped instance with a disk image, and one that is paused" {
	echo text >"$W/f"
	jail create --image "$IMAGE" --disk 64MiB --network none web sleep 1000
	jail cp "$W/f" web:/root/f
	jail cp web:/root/f "$W/out"
	cmp "$W/f" "$W/out"
	run jail cp /dev/zero web:/root/zero
	assert_error 1 "can't be copied"
	fallocate -l 80M "$W/big"
	head -c 80000000 /dev/urandom >"$W/big"
	run jail cp "$W/big" web:/root/big
	assert_error 1 'No space left on device'
	jail start web
	run -0 jail exec web ls -A /root
	[ "$output" = f ]
	jail pause web
	jail cp web:/root/f "$W/paused"
	cmp "$W/f" "$W/paused"
	jail cp "$W/f" web:/root/g
	jail resume web
	[ "$(jail exec web cat /root/g)" = text ]
}

# Of the command whose pid is $1: the helper.
helper_of() { pgrep -P "$1" -x jail-copy; }
temporary() { jail exec web sh -c 'ls -A /root' | grep -q '^\.jail-cp\.'; }

@test "what is cut off is not there: the old file stays" {
	local pid
	sleeper web
	jail exec web sh -c 'echo old >/root/f'
	head -c 100000 /dev/urandom >"$W/f"
	tar -C "$W" -cf "$W/f.tar" f
	# Waits in the middle of the file.
	mkfifo "$W/pipe"
	JAIL_TIMEOUT=100 "$JAIL_BUILD/jail" cp - web:/root <"$W/pipe" >"$W/out" 2>&1 3>&- &
	pid=$!
	exec 4>"$W/pipe"
	head -c 50000 "$W/f.tar" >&4
	wait_until 20 temporary
	[ "$(jail exec web cat /root/f)" = old ]
	local child
	child=$(helper_of $pid)
	kill -9 $pid
	wait $pid || :
	wait_until 10 test ! -e "/proc/$child"
	exec 4>&-
	[ "$(jail exec web cat /root/f)" = old ]
	# An archive that ends too early cleans up.
	run bash -c 'head -c 50000 "$1" | "$2"/jail cp - web:/root/' - "$W/f.tar" "$JAIL_BUILD"
	assert_error 1 'web: f: '
	[ "$(jail exec web cat /root/f)" = old ]
	jail cp - web:/root <"$W/f.tar"
	[ "$(jail exec web sha256sum /root/f)" = "$(sha256sum <"$W/f" | cut -d' ' -f1)  /root/f" ]
	# On our side a disk that is full.
	mkdir "$W/small"
	mount -t tmpfs -o size=64k tmpfs "$W/small"
	echo old >"$W/small/f"
	run jail cp web:/root/f "$W/small/f"
	umount_small() { umount "$W/small"; }
	[ "$(ls -A "$W/small")" = f ] && [ "$(cat "$W/small/f")" = old ] || { umount_small; return 1; }
	umount_small
	assert_error 1 'No space left on device'
}

@test "what is mounted below the destination is written to" {
	sleeper web
	jail exec web sh -c 'mkdir -p /root/d/m; echo text >/root/d/m/f'
	mkdir -p "$W/d/m"
	mount -t tmpfs tmpfs "$W/d/m"
	run jail cp web:/root/d "$W"
	[ "$(cat "$W/d/m/f")" = text ] || status=99
	umount "$W/d/m"
	[ "$status" -eq 0 ]
	[ ! -e "$W/d/m/f" ]
}
