# SPDX-License-Identifier: GPL-2.0-or-later
# Named volumes, and block devices as mounts (docs/storage.md).
# vm: too

load ../lib/common
load ../lib/volumes

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { volumes_teardown; }

data() { echo "$JAIL_TEST_DIR/state/volumes/$1/data"; }
nothing_in_trash() { [ -z "$(ls "$JAIL_TEST_DIR/state/trash")" ]; }

@test "a volume outlives its instances, and is in their mount namespaces only" {
	run -0 jail volume create data
	[ "$output" = data ]
	with volume:data:/var/lib/data first
	jail exec first sh -c 'echo text >/var/lib/data/file && chown 33:44 /var/lib/data/file'
	run -0 cat /proc/self/mountinfo
	refute_output "$(data data)"
	jail rm --force first
	# Owners on disk are those that were seen inside.
	[ "$(stat -c %u:%g "$(data data)/file")" = 33:44 ]
	with volume:data:/other:ro second
	[ "$(jail exec second cat /other/file)" = text ]
	[ "$(jail exec second stat -c %u:%g /other/file)" = 33:44 ]
	run jail exec second sh -c 'echo more >/other/file'
	[ "$status" -ne 0 ]
	assert_output 'Read-only file system'
}

@test "instances that share a volume have ranges of their own, and see the same owners" {
	jail volume create --owner 1000:100 --mode 2770 shared
	[ "$(stat -c '%u:%g %a' "$(data shared)")" = '1000:100 2770' ]
	with volume:shared:/s one
	with volume:shared:/s two
	[ "$(jail inspect --json one | jq '.[0].ids.first')" != "$(jail inspect --json two | jq '.[0].ids.first')" ]
	for name in one two; do
		[ "$(jail exec "$name" stat -c '%u:%g %a' /s)" = '1000:100 2770' ]
	done
	jail exec --user 1000:100 one sh -c 'echo hello >/s/file && chmod 600 /s/file'
	[ "$(jail exec --user 1000:100 two cat /s/file)" = hello ]
	[ "$(jail exec two stat -c %u:%g /s/file)" = 1000:100 ]
	run jail exec --user 1001 two cat /s/file
	[ "$status" -ne 0 ]
	# A program that is set-user-ID there does not change who runs it.
	run -0 jail exec two grep ' /s ' /proc/self/mounts
	assert_output nosuid
	assert_output nodev
}

@test "a size holds for all that share it, and no limit of one keeps the other out" {
	jail volume create --size 64MiB small
	[ "$(volume small .sizeBytes)" -eq $((64 * MIB)) ]
	with volume:small:/s one
	with volume:small:/s two
	# One file system: what one writes the other sees, at once.
	jail exec one sh -c 'echo hello >/s/file'
	[ "$(jail exec two cat /s/file)" = hello ]
	[ "$(jail exec two ls -A /s)" = file ]
	run jail exec two dd if=/dev/zero of=/s/big bs=64k
	[ "$status" -ne 0 ]
	no_room
	run jail exec one dd if=/dev/zero of=/s/other bs=1M count=1
	[ "$status" -ne 0 ]
	[ "$(volume small .disk.usedBytes)" -gt $((40 * MIB)) ]
	# The first that mounted it ends; the other goes on, and a third comes.
	jail rm --force one
	jail exec two rm /s/big
	jail exec two sh -c 'echo again >/s/file'
	with volume:small:/s three
	[ "$(jail exec three cat /s/file)" = again ]
	jail rm --force two three
	wait_until 10 no_loops
	with volume:small:/s four
	[ "$(jail exec four cat /s/file)" = again ]
}

@test "what has a volume keeps it: rm names the instances, running or not" {
	jail volume create data
	jail create --image "$IMAGE" --network none --mount volume:data:/data web true
	with volume:data:/data db
	run jail volume rm data
	assert_error 1 'volume data: is used by db, web'
	jail rm --force db
	run jail volume rm data
	assert_error 1 'volume data: is used by web'
	jail rm web
	jail volume rm data
	[ ! -e "$(data data)" ]
	nothing_in_trash
	run jail volume rm data
	assert_error 1 'no volume data'
}

@test "tenants: a volume is for instances of its own tenant only" {
	jail volume create --tenant acme theirs
	jail volume create nobodys
	run jail create --image "$IMAGE" --network none --mount volume:theirs:/v a true
	assert_error 1 "volume theirs is tenant acme's"
	run jail create --image "$IMAGE" --network none --tenant other --mount volume:theirs:/v a true
	assert_error 1 "volume theirs is tenant acme's"
	run jail create --image "$IMAGE" --network none --tenant acme --mount volume:nobodys:/v a true
	assert_error 1 "volume nobodys is nobody's"
	jail create --image "$IMAGE" --network none --tenant acme --mount volume:theirs:/v a true
	jail rm a
	# The record decides at each start too.
	jail create --image "$IMAGE" --network none --mount volume:nobodys:/v b true
	sed -i 's/"created"/"tenant": "acme", "created"/' "$JAIL_TEST_DIR/state/volumes/nobodys/volume.json"
	run jail start b
	assert_error 1 "volume nobodys is tenant acme's"
}

@test "what is not there is an error that says what to do" {
	run jail create --image "$IMAGE" --mount volume:daat:/v a true
	assert_error 1 'mounts[0]: no volume daat'
	assert_output 'jail volume create daat'
	jail volume create data
	run jail create --image "$IMAGE" --mount volume:daat:/v a true
	assert_output 'did you mean "data"'
	run jail volume create data
	assert_error 1 'volume data: exists already'
	run jail volume create ../x
	[ "$status" -ne 0 ]
	run jail volume create --size 1MiB x
	assert_error 1 'size: from 16MiB'
	run jail volume create --owner root x
	[ "$status" -ne 0 ]
	assert_output 'give ids as they are inside'
	run jail volume create --mode 9 x
	[ "$status" -ne 0 ]
	assert_output '3 or 4 octal digits'
	run jail create --image "$IMAGE" --mount data:/v a true
	[ "$status" -ne 0 ]
	assert_output 'volume:NAME:DESTINATION'
	run jail create --image "$IMAGE" --mount volume:data:/proc/x a true
	[ "$status" -ne 0 ]
	nothing_in_trash
}

@test "set gives an instance a volume for its next start, and takes it away" {
	jail volume create data
	jail create --image "$IMAGE" --network none web sh -c "$KEEP"
	run jail set web 'mounts=[{"type": "volume", "source": "none", "destination": "/v"}]'
	assert_error 1 'mounts[0]: no volume none'
	[ "$(jail inspect --json web | jq '.[0].spec | has("mounts")')" = false ]
	jail set web 'mounts=[{"type": "volume", "source": "data", "destination": "/v"}]'
	jail start web
	jail exec web sh -c 'echo text >/v/file'
	run jail volume rm data
	assert_error 1 'is used by web'
	jail set --restart web mounts=
	run jail exec web ls /v/file
	[ "$status" -ne 0 ]
	jail volume rm data
}

@test "row 48: a copy begins a volume, and nothing in it leads out" {
	local from=$JAIL_TEST_DIR/from

	mkdir -p "$from/sub" "$JAIL_TEST_DIR/secret"
	echo secret >"$JAIL_TEST_DIR/secret/file"
	echo text >"$from/sub/file"
	chown 33:44 "$from/sub/file"
	chmod 4750 "$from/sub/file"
	chmod 0710 "$from"
	ln -s "$JAIL_TEST_DIR/secret" "$from/link"
	ln -s ../../secret/file "$from/sub/up"
	mkfifo -m 622 "$from/fifo"
	touch -d '2001-02-03 04:05:06.789 UTC' "$from/sub"
	jail volume create --from "$from" copy
	[ "$(stat -c %a "$(data copy)")" = 710 ]
	[ "$(stat -c '%u:%g %a' "$(data copy)/sub/file")" = '33:44 4750' ]
	[ "$(stat -c %a "$(data copy)/fifo")" = 622 ]
	[ "$(stat -c %Y "$(data copy)/sub")" = "$(stat -c %Y "$from/sub")" ]
	[ "$(readlink "$(data copy)/link")" = "$JAIL_TEST_DIR/secret" ]
	run grep -r secret "$(data copy)"
	[ "$status" -ne 0 ]
	# The copy is one: what is written there is not in the directory that it comes from.
	with volume:copy:/c web
	jail exec web sh -c 'echo more >/c/sub/file'
	[ "$(cat "$from/sub/file")" = text ]
	run jail exec web cat /c/link/file
	[ "$status" -ne 0 ]
	run jail volume create --from "$from/none" other
	assert_error 1 "volume other: copy of $from/none: No such file"
	run jail volume create --from "$from/sub/file" other
	assert_error 1 'Not a directory'
	nothing_in_trash
}

@test "a copy has hard links, holes and attributes as they are; other mounts stay behind" {
	local from=$JAIL_TEST_DIR/rich kind size root

	mkdir -p "$from/d" "$from/mounted" "$from/bound"
	mkdir -p "$JAIL_TEST_DIR/elsewhere"
	echo elsewhere >"$JAIL_TEST_DIR/elsewhere/file"
	echo text >"$from/a"
	ln "$from/a" "$from/d/b"
	ln -s nowhere "$from/l"
	ln "$from/l" "$from/d/l2"
	truncate -s 5M "$from/hole"
	printf x | dd of="$from/hole" bs=1 seek=3M conv=notrunc status=none
	setfattr -n user.key -v value "$from/a"
	setfattr -n user.dir -v value "$from/d"
	touch -d '2001-02-03 04:05:06.789 UTC' "$from/a" "$from"
	mount -t tmpfs none "$from/mounted"
	echo no >"$from/mounted/file"
	mount --bind "$JAIL_TEST_DIR/elsewhere" "$from/bound"
	for kind in plain image; do
		size=()
		[ "$kind" = plain ] || size=(--size 32MiB)
		run -0 jail volume create --from "$from" "${size[@]}" "$kind"
		with "volume:$kind:/v" "$kind"
		root=/proc/$(pid_of "$kind")/root/v
		[ "$(stat -c %i "$root/a")" = "$(stat -c %i "$root/d/b")" ]
		[ "$(stat -c %h "$root/a")" = 2 ]
		[ "$(stat -c %i "$root/l")" = "$(stat -c %i "$root/d/l2")" ]
		cmp "$from/hole" "$root/hole"
		[ "$(stat -c %b "$root/hole")" -lt 200 ]
		[ "$(getfattr --only-values --absolute-names -n user.key "$root/a")" = value ]
		[ "$(getfattr --only-values --absolute-names -n user.dir "$root/d")" = value ]
		[ "$(stat -c %.Y "$root/a")" = "$(stat -c %.Y "$from/a")" ]
		[ "$(stat -c %.Y "$root")" = "$(stat -c %.Y "$from")" ]
		[ "$(find "$root" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs)" = 'a d hole l' ]
	done
	umount "$from/mounted" "$from/bound"
}

@test "a copy that does not fit leaves nothing behind" {
	mkdir -p "$JAIL_TEST_DIR/large"
	head -c $((40 * MIB)) /dev/urandom >"$JAIL_TEST_DIR/large/file"
	run jail volume create --size 32MiB --from "$JAIL_TEST_DIR/large" small
	[ "$status" -eq 1 ]
	no_room
	run jail volume list --quiet
	[ -z "$output" ]
	nothing_in_trash
	wait_until 10 no_loops
}

@test "create that is killed: gc removes the rest, and it can be done again" {
	mkdir -p "$JAIL_TEST_DIR/many"
	head -c $((4 * MIB)) /dev/zero >"$JAIL_TEST_DIR/many/file"
	# The kernel kills it in the middle of the file.
	run prlimit --fsize="$MIB" --core=0 "$JAIL_BUILD/jail" volume create --from "$JAIL_TEST_DIR/many" big
	[ "$status" -eq $((128 + 25)) ]
	[ "$(stat -c %s "$JAIL_TEST_DIR"/state/trash/*/data/file)" -eq "$MIB" ]
	run jail volume list --quiet
	[ -z "$output" ]
	jail gc
	nothing_in_trash
	jail volume create --from "$JAIL_TEST_DIR/many" big
	[ "$(stat -c %s "$(data big)/file")" -eq $((4 * MIB)) ]
}

@test "create and rm that are killed at any moment: gc removes what is left, a volume is whole or not there" {
	local call n status made=0 unmade=0

	mkdir -p "$JAIL_TEST_DIR/few"
	echo text >"$JAIL_TEST_DIR/few/file"
	for call in renameat2 fsync unlinkat mkdirat; do
		for ((n = 1; n < 100; n++)); do
			status=0
			# (LeakSanitizer is no tracer beside another.)
			ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -o /dev/null -e "inject=$call:signal=KILL:when=$n" \
				"$JAIL_BUILD/jail" volume create --size 16MiB --inodes 64 --from "$JAIL_TEST_DIR/few" data || status=$?
			jail gc
			nothing_in_trash
			if [ -z "$(jail volume list --quiet)" ]; then
				unmade=$((unmade + 1))
				jail volume create --size 16MiB --inodes 64 --from "$JAIL_TEST_DIR/few" data
			fi
			with volume:data:/v web
			[ "$(jail exec web cat /v/file)" = text ]
			[ "$(jail exec web df -i /v | awk 'END { print $2 }')" -le 64 ]
			jail rm --force web
			ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -o /dev/null -e "inject=$call:signal=KILL:when=$n" \
				"$JAIL_BUILD/jail" volume rm data || :
			jail gc
			nothing_in_trash
			if [ -n "$(jail volume list --quiet)" ]; then
				made=$((made + 1))
				jail volume rm data
			fi
			wait_until 10 no_loops
			[ "$status" -ne 0 ] || break
			[ "$status" -eq 137 ]
		done
		[ "$n" -lt 100 ]
	done
	[ "$unmade" -ge 4 ]
	[ "$made" -ge 1 ]
}

@test "many that start at once, and end at once, have one file system" {
	local n pids=()

	jail volume create --size 32MiB shared
	for n in 1 2 3 4 5 6; do
		jail run --rm --name "web$n" --image "$IMAGE" --network none --mount volume:shared:/s sh -c "echo $n >/s/$n && sync" &
		pids+=($!)
	done
	for n in "${pids[@]}"; do
		wait "$n"
	done
	with volume:shared:/s last
	[ "$(jail exec last sh -c 'cat /s/*' | tr -d '\n')" = 123456 ]
	[ "$(loops | wc -l)" -eq 1 ]
}

@test "list and inspect; their JSON has every key" {
	jail volume create --tenant acme --label a=b --label a=c --label x= --owner 7 --mode 0700 one
	jail volume create --size 32MiB two
	jail create --image "$IMAGE" --network none --mount volume:two:/a --mount volume:two:/b:ro web true
	run -0 jail volume list
	[[ $output =~ ^NAME\ +SIZE\ +USED\ +TENANT\ +INSTANCES ]]
	[[ $output =~ one\ +-\ +-\ +acme\ +- ]]
	[[ $output =~ two\ +32.0MiB\ +.*\ -\ +web ]]
	run -0 jail volume list --quiet
	[ "$output" = $'one\ntwo' ]
	jail volume list --json >"$JAIL_TEST_DIR/list.json"
	jq -e '.[0] | .name == "one" and .tenant == "acme" and .labels == {"a": "c", "x": ""} and .owner == {"uid": 7, "gid": 7} and
		.mode == "0700" and .sizeBytes == null and .inodes == null and .instances == [] and (.id | length) == 32 and
		.disk.kind == "directory" and (.createdAt | test("Z$")) and (.directory | endswith("/volumes/one"))' "$JAIL_TEST_DIR/list.json"
	jq -e '.[1] | .name == "two" and .tenant == null and .sizeBytes == 33554432 and (.instances | unique) == ["web"] and
		.disk.sizeBytes > 20000000' "$JAIL_TEST_DIR/list.json"
	jq -e 'map(keys) | .[0] == .[1]' "$JAIL_TEST_DIR/list.json"
	run -0 jail volume inspect one
	[[ $output =~ owner\ +7:7\ 0700 ]]
	[[ $output =~ label\ +a=c ]]
	run jail volume inspect none one
	[ "$status" -eq 1 ]
	assert_output 'no volume none'
	[ "$(jail volume create --json three | jq -r '.[0].name')" = three ]
	run -0 jail inspect web
	[[ $output =~ mount\ +volume\ two\ on\ /a$'\n' ]]
	[[ $output =~ mount\ +volume\ two\ on\ /b,\ read-only ]]
	# The spec says what the mount is.
	jail inspect --json web | jq -e '.[0].spec.mounts == [
		{"type": "volume", "source": "two", "destination": "/a", "options": []},
		{"type": "volume", "source": "two", "destination": "/b", "options": ["ro"]}]'
}

@test "with the host's ids a volume's files are the host's" {
	local files=$BATS_TEST_TMPDIR/spec.json

	jail volume create data
	cat >"$files" <<-END
		{ "name": "host", "image": "$IMAGE", "network": { "mode": "none" }, "security": { "userNamespace": "host" },
		  "process": { "args": ["sh", "-c", "echo text >/v/file"] },
		  "mounts": [{ "type": "volume", "source": "data", "destination": "/v" }] }
	END
	jail run --rm --file "$files"
	[ "$(stat -c %u "$(data data)/file")" -eq 0 ]
}

@test "a block mount: an image file with a file system, for one and for several" {
	local disk=$JAIL_TEST_DIR/disk.ext4

	truncate -s 32M "$disk"
	mkfs.ext4 -q -F -E root_owner=0:0 "$disk"
	with "block:$disk:/b:fs=ext4" one
	with "block:$disk:/b:fs=ext4,noexec" two
	jail exec one sh -c 'echo hello >/b/file && chown 5:6 /b/file'
	[ "$(jail exec two cat /b/file)" = hello ]
	[ "$(jail exec two stat -c %u:%g /b/file)" = 5:6 ]
	[ "$(loops | wc -l)" -eq 1 ]
	run -0 jail exec two grep ' /b ' /proc/self/mounts
	assert_output 'nosuid,nodev,noexec'
	run -0 cat /proc/self/mountinfo
	refute_output "$disk"
	jail rm --force one two
	wait_until 10 no_loops
	run -0 debugfs -R 'cat /file' "$disk"
	assert_output hello
	with "block:$disk:/b:fs=ext4,ro" three
	[ "$(jail exec three cat /b/file)" = hello ]
	run jail exec three touch /b/other
	[ "$status" -ne 0 ]
	assert_output 'Read-only file system'
}

@test "a block mount that can't be is an error that says why" {
	local file=$JAIL_TEST_DIR/empty

	truncate -s 16M "$file"
	run jail create --image "$IMAGE" --mount "block:$file:/b" a true
	[ "$status" -ne 0 ]
	assert_output 'needs the type of its file system'
	run jail create --image "$IMAGE" --mount "block:$file:/b:fs=vfat" a true
	[ "$status" -ne 0 ]
	assert_output 'no such option of a block mount'
	jail create --image "$IMAGE" --network none --mount "block:$file:/b:fs=ext4" a true
	run jail start a
	[ "$status" -eq 1 ]
	assert_output "mounts[0]: $file: "
	jail rm a
	jail create --image "$IMAGE" --network none --mount "block:$JAIL_TEST_DIR:/b:fs=ext4" a true
	run jail start a
	[ "$status" -eq 1 ]
	assert_output 'is no block device and no image file'
	wait_until 10 no_loops
}
