# SPDX-License-Identifier: GPL-2.0-or-later
# Snapshots of volumes, and what of a volume can change (docs/storage.md, "Volumes"). Each test that is about files runs for a
# plain directory and for a disk image.
# vm: too
# vm: filter=a rollback brings|while instances run|an image (grows|shrinks)

load ../lib/common
load ../lib/volumes

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { volumes_teardown; }

KINDS=('' '--size 32MiB')

root_has_resource() { [ $((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)) -eq 1 ]; }
dir_of() { echo "$JAIL_TEST_DIR/state/volumes/$1"; }
inside() { jail exec "$1" sh -c "$2"; }
names() { jail volume snapshot list --quiet "$1" | xargs; }
kept() { find "$(dir_of "$1")/snapshots" -mindepth 1 -maxdepth 1 | wc -l; }
# killed_at CALL N COMMAND...: at its Nth call of that name. (LeakSanitizer is no tracer beside another.)
killed_at() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -f -o /dev/null -e "inject=$1:signal=KILL:when=$2" \
		"$JAIL_BUILD/jail" "${@:3}"
}

@test "a rollback brings back what was there, with owners, links and times" {
	local size

	for size in "${KINDS[@]}"; do
		# shellcheck disable=SC2086 # an option and its value, or nothing
		jail volume create $size data
		with volume:data:/v web
		inside web 'cd /v; echo one >a; ln a b; mkdir d; echo x >d/x; chown 5:6 a; chmod 4711 a; ln -s a l; mkfifo f
			touch -d "2001-02-03 04:05:06" a d; chmod 2775 .'
		jail stop --timeout 0s web
		run -0 jail volume snapshot create data first
		[ "$output" = first ]
		jail start web
		inside web 'cd /v; rm -r d; echo two >a; echo n >new; chmod 700 .'
		run jail volume rollback data first
		assert_error 1 'instance web, which has it, is up'
		jail stop --timeout 0s web
		jail volume snapshot create data second
		jail volume rollback data first
		jail start web
		[ "$(inside web 'cd /v; ls -A | xargs; cat a d/x; stat -c "%u:%g %a %h %Y" a b; stat -c %Y d; stat -c %a .')" = "a b d f l
one
x
5:6 4711 2 981173106
5:6 4711 2 981173106
981173106
2775" ]
		jail stop --timeout 0s web
		# The other is still there, and once more the first.
		[ "$(names data)" = 'first second' ]
		jail volume rollback data second
		jail start web
		[ "$(inside web 'cd /v; ls -A | xargs; cat a; stat -c %a .')" = "a b f l new
two
700" ]
		jail rm --force web
		jail volume snapshot rm data first
		[ "$(names data)" = second ]
		[ "$(kept data)" -eq 1 ]
		jail volume rm data
		[ ! -e "$(dir_of data)" ]
		[ -z "$(ls "$JAIL_TEST_DIR/state/trash")" ]
	done
}

@test "while instances run: those that can write stand still, and the copy is of one moment" {
	local size

	for size in "${KINDS[@]}"; do
		# shellcheck disable=SC2086 # an option and its value, or nothing
		jail volume create $size data
		# One that counts in two files, in one after the other.
		with volume:data:/v one
		with volume:data:/v two
		with volume:data:/v:ro reader
		inside one 'for i in $(seq 200); do echo $i >/v/f$i; done'
		jail exec -d one sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/v/first; echo $i >/v/second; done'
		wait_until 30 jail exec one test -e /v/second
		run -0 jail volume snapshot create data live
		[[ $output =~ ^'live (instances that have it stood still for '[0-9.]+ms\)$ ]]
		run -0 jail volume snapshot list --json data
		[ "$(jq -c '.[0] | [.name, (.frozenMs > 0), (.createdMs > 0)]' <<<"$output")" = '["live",true,true]' ]
		[ "$(status_of one) $(status_of two) $(status_of reader)" = 'running running running' ]
		jail rm --force one two reader
		jail volume rollback data live
		with volume:data:/v web
		[ "$(inside web 'cat /v/f200; ls /v | grep -c ^f')" = "200
201" ]
		# One write apart at most: it stood still between the first and the second.
		first=$(inside web 'cat /v/first')
		second=$(inside web 'cat /v/second')
		if [ -n "$first" ] && [ -n "$second" ]; then
			[ $((first - second)) -ge 0 ]
			[ $((first - second)) -le 1 ]
		fi
		jail rm --force web
		jail volume rm data
	done
}

@test "one that is paused stays so" {
	jail volume create data
	with volume:data:/v web
	inside web 'echo one >/v/a'
	jail pause web
	jail volume snapshot create data first
	[ "$(status_of web)" = paused ]
	jail resume web
	[ "$(inside web 'cat /v/a')" = one ]
}

@test "an instance that starts meanwhile waits, and one that starts is waited for" {
	jail volume create data
	jail create --image "$IMAGE" --network none --mount volume:data:/v web sh -c "$KEEP"
	# Somebody is at it, for as long as we want.
	exec {guard}<>"$(dir_of data)/guard"
	cat >"$BATS_TEST_TMPDIR/hold.py" <<-'END'
		import fcntl, struct, sys, os
		fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
		# F_OFD_SETLKW
		fcntl.fcntl(fd, 38, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
		print("held", flush=True)
		sys.stdin.read()
	END
	exec {guard}>&-
	mkfifo "$BATS_TEST_TMPDIR/hold"
	python3 "$BATS_TEST_TMPDIR/hold.py" "$(dir_of data)/guard" <"$BATS_TEST_TMPDIR/hold" >"$BATS_TEST_TMPDIR/held" &
	exec {hold}>"$BATS_TEST_TMPDIR/hold"
	wait_until 10 grep -q held "$BATS_TEST_TMPDIR/held"
	run jail volume snapshot list data
	assert_error 1 'a snapshot of it is made, or its limits change'
	jail start web {hold}>&- &
	start=$!
	[ "$(status_of web)" != running ]
	exec {hold}>&-
	wait "$start"
	[ "$(status_of web)" = running ]
	jail volume snapshot create data first
}

@test "names, errors, and what is removed is removed" {
	jail volume create data
	run -0 jail volume snapshot create data
	[[ $output =~ ^20[0-9]{6}-[0-9]{6}$ ]]
	jail volume snapshot rm data "$output"
	run jail volume snapshot rm data none
	assert_error 1 'snapshot "none": no such snapshot'
	jail volume snapshot create data one
	[ "$(jail volume inspect --json data | jq -c '.[0].snapshots')" = '["one"]' ]
	run -0 jail volume inspect data
	[[ $output =~ snapshot\ +one ]]
	run jail volume snapshot create data one
	assert_error 1 'there is one of that name'
	run jail volume rollback data two
	assert_error 1 'there are: one'
	run jail volume snapshot create nothing
	assert_error 1 'no volume nothing'
	run jail volume snapshot
	assert_error 2 '"volume snapshot" needs a third word'
	[ "$(kept data)" -eq 1 ]
}

@test "killed at any call, a snapshot is whole or not there, and gc removes the rest" {
	local call n size result made=0 unmade=0

	for size in "${KINDS[@]}"; do
		mkdir -p "$JAIL_TEST_DIR/few"
		echo text >"$JAIL_TEST_DIR/few/file"
		ln -f "$JAIL_TEST_DIR/few/file" "$JAIL_TEST_DIR/few/other"
		# shellcheck disable=SC2086
		jail volume create --from "$JAIL_TEST_DIR/few" $size data
		for call in fsync mkdirat renameat fsetxattr; do
			for ((n = 1; n < 40; n++)); do
				result=0
				killed_at "$call" "$n" volume snapshot create data snap || result=$?
				run -0 jail gc
				if [ -z "$(names data)" ]; then
					unmade=$((unmade + 1))
					[ ! -d "$(dir_of data)/snapshots" ] || [ "$(kept data)" -eq 0 ]
					jail volume snapshot create data snap
				else
					made=$((made + 1))
				fi
				[ "$(kept data)" -eq 1 ]
				jail volume rollback data snap
				jail volume snapshot rm data snap
				[ "$result" -ne 0 ] || break
			done
			[ "$n" -lt 40 ]
		done
		with volume:data:/v web
		[ "$(inside web 'cat /v/file')" = text ]
		jail rm --force web
		jail volume rm data
	done
	[ "$unmade" -ge 4 ]
	[ "$made" -ge 1 ]
}

@test "killed at any call, a rollback has happened or has not" {
	local call n size result

	for size in "${KINDS[@]}"; do
		# shellcheck disable=SC2086 # an option and its value, or nothing
		jail volume create $size data
		with volume:data:/v web
		inside web 'echo old >/v/file; echo same >/v/same'
		jail stop --timeout 0s web
		jail volume snapshot create data old
		for call in fsync renameat renameat2 unlinkat mkdirat; do
			for ((n = 1; n < 60; n++)); do
				jail start web
				inside web 'echo new >/v/file; echo new >/v/new'
				jail stop --timeout 0s web
				result=0
				killed_at "$call" "$n" volume rollback data old || result=$?
				run -0 jail gc
				[ "$(kept data)" -eq 1 ]
				jail start web
				case $(inside web 'cd /v; echo $(ls) $(cat same file)') in
				'file same same old' | 'file new same same new') ;;
				*) inside web 'cd /v; ls; cat *'; false ;;
				esac
				[ "$result" -ne 0 ] || [ "$(inside web 'cat /v/file')" = old ]
				jail stop --timeout 0s web
				[ "$result" -ne 0 ] || break
			done
			[ "$n" -lt 60 ]
		done
		jail rm web
		jail volume rm data
	done
}

@test "an image grows while it is in use" {
	root_has_resource || skip "root here lacks CAP_SYS_RESOURCE"
	jail volume create --size 32MiB data
	with volume:data:/v web
	run jail exec web dd if=/dev/zero of=/v/big bs=1M count=60
	[ "$status" -ne 0 ]
	run -0 jail volume set --json data size=128MiB
	[ "$(jq -r '.[0].sizeBytes' <<<"$output")" -eq $((128 * MIB)) ]
	jail exec web dd if=/dev/zero of=/v/big bs=1M count=60
	[ "$(jail exec web stat -c %s /v/big)" -eq $((60 * MIB)) ]
	jail stop --timeout 0s web
	jail volume set data size=160MiB
	[ "$(stat -c %s "$(dir_of data)/disk.img")" -eq $((160 * MIB)) ]
	jail start web
	[ "$(jail exec web df -m /v | awk 'END { print ($2 > 130) }')" = 1 ]
}

@test "an image shrinks when it is not in use, down to what is in it" {
	jail volume create --size 128MiB data
	with volume:data:/v web
	jail exec web sh -c 'dd if=/dev/urandom of=/v/big bs=1M count=60 2>/dev/null'
	run jail volume set data size=64MiB
	assert_error 1 'while it is in use'
	[ "$(volume data .sizeBytes)" -eq $((128 * MIB)) ]
	jail stop --timeout 0s web
	run jail volume set data size=32MiB
	assert_error 1 'volume data: size: 32.0MiB is less than the'
	[ "$(volume data .sizeBytes)" -eq $((128 * MIB)) ]
	jail start web
	jail exec web rm /v/big
	jail exec web sh -c 'echo text >/v/file'
	jail stop --timeout 0s web
	jail volume set data size=48MiB
	[ "$(volume data .sizeBytes)" -eq $((48 * MIB)) ]
	[ "$(stat -c %s "$(dir_of data)/disk.img")" -eq $((48 * MIB)) ]
	jail start web
	[ "$(jail exec web cat /v/file)" = text ]
	[ "$(jail exec web ls -A /v)" = file ]
	run jail volume set data size=
	assert_error 1 'an image file has to have one'
}

@test "a snapshot of another size comes back in the size that the volume has by now, if it fits" {
	jail volume create --size 96MiB data
	with volume:data:/v web
	jail exec web sh -c 'dd if=/dev/urandom of=/v/big bs=1M count=40 2>/dev/null'
	jail stop --timeout 0s web
	jail volume snapshot create data large
	jail start web
	jail exec web sh -c 'rm /v/big; echo text >/v/file'
	jail stop --timeout 0s web
	jail volume snapshot create data little
	jail volume set data size=32MiB
	run jail volume rollback data large
	[ "$status" -eq 1 ]
	no_room
	[ "$(kept data)" -eq 2 ]
	jail start web
	jail exec web rm /v/file
	jail stop --timeout 0s web
	jail volume rollback data little
	[ "$(stat -c %s "$(dir_of data)/disk.img")" -eq $((32 * MIB)) ]
	jail start web
	[ "$(jail exec web ls -A /v)" = file ]
}

@test "labels, and settings that are none; all or nothing" {
	jail volume create --label a=b --label c=d data
	run -0 jail volume set data labels.a=x labels.c= labels.e.f=g
	[ "$(jail volume inspect --json data | jq -c '.[0].labels')" = '{"a":"x","e.f":"g"}' ]
	run jail volume set data labels.a=y owner=1
	assert_error 1 '"owner=1": no such setting'
	[ "$(volume data .labels.a)" = x ]
	run jail volume set data labels.a=y size=64MiB
	assert_error 1 "was made without limits"
	[ "$(volume data .labels.a)" = x ]
	run jail volume set data size=1MiB
	assert_error 1 'size: from 16MiB'
	run jail volume set none size=64MiB
	assert_error 1 'no volume none'
}
