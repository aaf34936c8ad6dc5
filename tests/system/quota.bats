# SPDX-License-Identifier: GPL-2.0-or-later
# Project quotas on ext4 and XFS (docs/storage.md): a state tree on a file system of its own, on a loop file.

load ../lib/common
load ../lib/security
load ../lib/system

setup_file() {
	jail_setup_file
	TOOLS=$JAIL_TEST_DIR/tools
	mkdir "$TOOLS"
	export TOOLS
	helper project "$TOP/tests/helpers/project.c"
}
setup() { need quotas; }
teardown_file() { jail_teardown_file; }
teardown() {
	jail_teardown
	if mountpoint -q "$BATS_TEST_TMPDIR/fs"; then
		umount "$BATS_TEST_TMPDIR/fs"
	fi
}

MIB=1048576
FIRST=1342177280
KEEP='while :; do sleep 1000; done'

# fs ext4|xfs|noquota: a file system with project quotas enforced, or one without, and a state tree on it.
fs() {
	local fs=$BATS_TEST_TMPDIR/fs

	truncate -s 1G "$BATS_TEST_TMPDIR/disk"
	mkdir -p "$fs"
	case $1 in
	ext4)
		mkfs.ext4 -q -O quota,project "$BATS_TEST_TMPDIR/disk"
		mount -o loop,prjquota "$BATS_TEST_TMPDIR/disk" "$fs" ;;
	xfs)
		mkfs.xfs -q "$BATS_TEST_TMPDIR/disk"
		mount -o loop,pquota "$BATS_TEST_TMPDIR/disk" "$fs" ;;
	noquota)
		mkfs.ext4 -q "$BATS_TEST_TMPDIR/disk"
		mount -o loop "$BATS_TEST_TMPDIR/disk" "$fs" ;;
	esac
	mkdir -m 700 "$fs/state"
	config "${2:-8192}"
	jail image import --quiet --name "$IMAGE" "$JAIL_TEST_DIR/busybox.tar"
}
config() { # COUNT
	JAIL_CONFIG=$BATS_TEST_TMPDIR/jail.json
	jail_config "$JAIL_CONFIG" "$BATS_TEST_TMPDIR/fs/state" "$JAIL_TEST_DIR/run-quota" \
		<<<"\"projects\": {\"first\": $FIRST, \"count\": $1}"
}
df_of() { jail exec "$1" df -k / | awk -v column="$2" 'END { print $column }'; }
state_of() { echo "$BATS_TEST_TMPDIR/fs/state/$1"; }
project_of() { cat "$(state_of "instances/$1")/disk.project"; }
leases() { ls "$(state_of leases/projects)"; }
# quota ID: bytes and files in use, and the limits of both, as the kernel says: quotactl_fd(2), Q_GETQUOTA of a project.
quota() {
	python3 - "$BATS_TEST_TMPDIR/fs" "$1" <<-'EOF'
		import ctypes, os, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		buffer = ctypes.create_string_buffer(72)
		fd = os.open(sys.argv[1], os.O_RDONLY)
		r = libc.syscall(443, fd, 0x800007 << 8 | 2, int(sys.argv[2]), buffer)
		v = struct.unpack("8QI", buffer.raw[:68]) if r == 0 else (0,) * 9
		print(v[2], v[5], v[0] * 1024, v[3])
	EOF
}
set_quota() { # ID KIB
	python3 - "$BATS_TEST_TMPDIR/fs" "$1" "$2" <<-'EOF'
		import ctypes, os, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		buffer = ctypes.create_string_buffer(struct.pack("8QII", int(sys.argv[3]), 0, 0, 0, 0, 0, 0, 0, 5, 0))
		fd = os.open(sys.argv[1], os.O_RDONLY)
		sys.exit(libc.syscall(443, fd, 0x800008 << 8 | 2, int(sys.argv[2]), buffer) != 0)
	EOF
}

holds() { # FILE-SYSTEM
	local id file
	fs "$1"
	[ "$(jail check --json | jq '.features[] | select(.name == "project quotas") | .ok')" = true ]
	app other --disk 64MiB --network none sh -c "$KEEP"
	app web --disk 64MiB --inodes 600 --network none sh -c "$KEEP"
	[ "$(field web .disk.kind)" = project ]
	[ "$(df_of web 2)" -eq $((64 * 1024)) ]
	run jail exec web dd if=/dev/zero of=/big bs=64k
	[ "$status" -eq 1 ]
	[[ $output == *'No space left on device'* || $output == *'Disk quota exceeded'* || $output == *'Quota exceeded'* ]]
	id=$(project_of web)
	[ "$(quota "$id" | cut -d' ' -f1)" -le $((64 * MIB)) ]
	[ "$(quota "$id" | cut -d' ' -f1)" -gt $((63 * MIB)) ]
	[ "$(quota "$id" | cut -d' ' -f3)" -eq $((64 * MIB)) ]
	[ "$(field web .disk.usedBytes)" -eq "$(quota "$id" | cut -d' ' -f1)" ]
	[ "$(field web .disk.sizeBytes)" -eq $((64 * MIB)) ]
	[ "$(jail stats --json web | jq '.[0].disk.usedBytes')" -gt $((63 * MIB)) ]
	# Neither the host nor another instance feels it.
	jail exec other dd if=/dev/zero of=/big bs=1M count=50
	dd if=/dev/zero of="$BATS_TEST_TMPDIR/fs/host" bs=1M count=100 2>/dev/null
	[ "$(project_of other)" != "$id" ]
	# One that is full can be started again, and emptied.
	jail restart --timeout 0s web
	jail exec web ls /big
	# What was copied up counts too, and root inside can't take a file out of its project.
	jail exec web rm /big
	jail exec web sh -c 'cp -a /bin /bin2 && mv /bin2/busybox /moved'
	jail exec -i web sh -c 'cat >/project && chmod 755 /project' <"$TOOLS/project"
	for file in /moved /bin2 /; do
		run -0 jail exec web /project "$file"
		[[ $output =~ ^([0-9]+)\ ([0-9]+)\ ([0-9]+)\ $id$ ]]
		[[ ${BASH_REMATCH[1]} -ne 0 && ${BASH_REMATCH[2]} -ne 0 && ${BASH_REMATCH[3]} -ne 0 ]]
	done
	# (The host's root could: the attempt is one.)
	mkdir "$(state_of instances/web)/upper/control"
	run -0 "$TOOLS/project" "$(state_of instances/web)/upper/control"
	[[ $output =~ ^0\ 0\ 0\  ]]
	rmdir "$(state_of instances/web)/upper/control"
	# Files.
	# shellcheck disable=SC2016 # expands inside
	run jail exec web sh -c 'mkdir /d; i=0; while : >/d/$i; do i=$((i + 1)); done'
	[ "$(field web .disk.usedInodes)" -eq 600 ]
	jail restart --timeout 0s web
	[ "$(field web .disk.inodes)" -eq 600 ]
	jail exec web rm -r /d
	# It grows while it runs, and never below what is used.
	run -0 jail set web disk.size=128MiB
	assert_output 'resources.disk.size: 64MiB -> 128MiB'
	[ "$(df_of web 2)" -eq $((128 * 1024)) ]
	jail exec web dd if=/dev/zero of=/big bs=1M count=100
	run jail set web disk.size=32MiB
	assert_error 1 'resources.disk: size: 32.0MiB is less than the 1'
	assert_output 'in use'
	[ "$(field web .spec.resources.disk.size)" = 128MiB ]
	jail exec web rm /big
	jail set web disk.size=32MiB
	[ "$(df_of web 2)" -eq $((32 * 1024)) ]
	# It holds over a restart, and its figures are known of a stopped one.
	jail exec web sh -c 'dd if=/dev/zero of=/big bs=1M count=10; sync'
	jail stop --timeout 0s web
	[ "$(field web .disk.usedBytes)" -gt $((10 * MIB)) ]
	jail start web
	[ "$(df_of web 2)" -eq $((32 * 1024)) ]
	# The id is given back with nothing in it.
	jail rm --force web
	wait_until 20 is_unused "$id"
	run ! grep -x "$id" <(leases)
}
is_unused() { [ "$(quota "$1")" = "0 0 0 0" ]; }

volumes() { # FILE-SYSTEM
	local id

	fs "$1"
	jail volume create --size 64MiB --inodes 600 --owner 1000:1000 data
	[ "$(jail volume inspect --json data | jq -r '.[0].disk.kind')" = project ]
	id=$(cat "$(state_of volumes/data)/disk.project")
	app one --network none --mount volume:data:/data sh -c "$KEEP"
	app two --network none --mount volume:data:/data sh -c "$KEEP"
	[ "$(jail exec two df -k /data | awk 'END { print $2 }')" -eq $((64 * 1024)) ]
	jail exec --user 1000 one sh -c 'echo text >/data/file'
	[ "$(jail exec two stat -c %u /data/file)" -eq 1000 ]
	run jail exec two dd if=/dev/zero of=/data/big bs=64k
	[ "$status" -eq 1 ]
	run jail exec one dd if=/dev/zero of=/data/other bs=1M count=1
	[ "$status" -eq 1 ]
	[ "$(quota "$id" | cut -d' ' -f1)" -le $((64 * MIB)) ]
	[ "$(quota "$id" | cut -d' ' -f1)" -gt $((62 * MIB)) ]
	[ "$(jail volume inspect --json data | jq '.[0].disk.usedBytes')" -eq "$(quota "$id" | cut -d' ' -f1)" ]
	# Root inside can't take a file out of the project.
	jail exec -i one sh -c 'rm /data/big; cat >/data/project && chmod 755 /data/project' <"$TOOLS/project"
	run -0 jail exec one /data/project /data/file
	[[ $output =~ ^([0-9]+)\ ([0-9]+)\ ([0-9]+)\ $id$ ]]
	[[ ${BASH_REMATCH[1]} -ne 0 && ${BASH_REMATCH[2]} -ne 0 && ${BASH_REMATCH[3]} -ne 0 ]]
	# With the host's ids it could: no such instance.
	run jail create --image "$IMAGE" --network none --userns host --mount volume:data:/data host true
	assert_error 1 'its limits are project quotas'
	# gc knows whose the project is.
	jail gc
	[ "$(leases)" = "$id" ]
	[ "$(quota "$id" | cut -d' ' -f3)" -eq $((64 * MIB)) ]
	# A copy is held too, though it is root's.
	mkdir -p "$BATS_TEST_TMPDIR/large"
	head -c $((40 * MIB)) /dev/zero >"$BATS_TEST_TMPDIR/large/file"
	run jail volume create --size 32MiB --from "$BATS_TEST_TMPDIR/large" small
	[ "$status" -eq 1 ]
	[ "$(leases)" = "$id" ]
	jail rm --force one two
	jail volume rm data
	[ -z "$(leases)" ]
	[ "$(quota "$id")" = '0 0 0 0' ]
}
@test "a volume on ext4: its limits hold for all that share it" { volumes ext4; }
@test "a volume on XFS: its limits hold for all that share it" { volumes xfs; }

@test "rebuild: the limit stays, and what was written no longer counts" {
	local id

	fs ext4
	app web --disk 64MiB --network none sh -c "$KEEP"
	id=$(project_of web)
	jail exec web dd if=/dev/zero of=/big bs=1M count=50
	jail stop --timeout 0s web
	jail rebuild web
	[ "$(quota "$id" | cut -d' ' -f1)" -lt $((5 * MIB)) ]
	jail start web
	[ "$(df_of web 2)" -eq $((64 * 1024)) ]
	run jail exec web dd if=/dev/zero of=/big bs=64k
	[ "$status" -eq 1 ]
	[ "$(quota "$id" | cut -d' ' -f1)" -gt $((63 * MIB)) ]
	[ "$(quota "$id" | cut -d' ' -f3)" -eq $((64 * MIB)) ]
}

@test "ext4: limits hold, live, and end with the instance" { holds ext4; }
@test "xfs: limits hold, live, and end with the instance" { holds xfs; }

@test "ids of others are passed over, a full range is an error" {
	local i
	fs ext4 4
	# One has files of somebody, one limits.
	mkdir "$BATS_TEST_TMPDIR/fs/theirs"
	chattr -p "$((FIRST + 1))" +P "$BATS_TEST_TMPDIR/fs/theirs"
	echo text >"$BATS_TEST_TMPDIR/fs/theirs/file"
	set_quota "$((FIRST + 2))" 77
	for i in 1 2; do
		jail create "web$i" --image "$IMAGE" --disk 32MiB true
	done
	run jail create more --image "$IMAGE" --disk 32MiB true
	assert_error 1 'project id: pool exhausted: 4 of 4 in use'
	assert_output '"projects"'
	[ "$(leases)" = "$(printf '%s\n%s' "$FIRST" "$((FIRST + 3))")" ]
	jail rm web1
	jail create more --image "$IMAGE" --disk 32MiB true
	[ "$(leases | wc -l)" -eq 2 ]
	[ "$(quota "$((FIRST + 2))")" = "0 0 $((77 * 1024)) 0" ]
	[ -z "$(ls "$(state_of trash)")" ]
}

@test "with the host's ids, and where nothing is enforced, an image file holds the limit" {
	fs ext4
	app web --userns host --disk 64MiB --network none sh -c "$KEEP"
	[ "$(field web .disk.kind)" = image ]
	jail rm --force web
	umount "$BATS_TEST_TMPDIR/fs" || { wait_until 10 umount "$BATS_TEST_TMPDIR/fs"; }
	# The feature alone counts and holds nothing.
	mount -o loop "$BATS_TEST_TMPDIR/disk" "$BATS_TEST_TMPDIR/fs"
	jail create web --image "$IMAGE" --disk 64MiB --network none true
	[ "$(field web .disk.kind)" = image ]
	jail rm web
	wait_until 10 umount "$BATS_TEST_TMPDIR/fs"
	rm "$BATS_TEST_TMPDIR/disk"
	fs noquota
	jail create web --image "$IMAGE" --disk 64MiB --network none true
	[ "$(field web .disk.kind)" = image ]
}

@test "a file system that was mounted without its quotas is an error at start" {
	fs ext4
	jail create web --image "$IMAGE" --disk 64MiB --network none -- sh -c "$KEEP"
	umount "$BATS_TEST_TMPDIR/fs"
	mount -o loop "$BATS_TEST_TMPDIR/disk" "$BATS_TEST_TMPDIR/fs"
	run jail start web
	assert_error 1 "doesn't enforce project quotas any more"
	assert_output 'mount it with prjquota'
	umount "$BATS_TEST_TMPDIR/fs"
	mount -o loop,prjquota "$BATS_TEST_TMPDIR/disk" "$BATS_TEST_TMPDIR/fs"
	jail start web
	[ "$(df_of web 2)" -eq $((64 * 1024)) ]
}

@test "killed at any moment of create and rm: gc frees ids and limits" {
	local i id
	fs ext4
	for i in $(seq 12); do
		setsid "$JAIL_BUILD/jail" create web --image "$IMAGE" --network none --disk 64MiB true >/dev/null 2>&1 3>&- &
		sleep "$(printf '0.%03d' $((i * 4)))"
		kill -KILL -- -$! 2>/dev/null || :
		wait $! 2>/dev/null || :
		setsid "$JAIL_BUILD/jail" rm web >/dev/null 2>&1 3>&- &
		sleep "$(printf '0.%03d' $((i * 3)))"
		kill -KILL -- -$! 2>/dev/null || :
		wait $! 2>/dev/null || :
		jail rm web 2>/dev/null || :
		jail gc >/dev/null
		jail gc >/dev/null
		[ -z "$(ls "$(state_of trash)" 2>/dev/null)" ]
		[ -z "$(leases 2>/dev/null)" ]
	done
	jail create web --image "$IMAGE" --network none --disk 64MiB true
	id=$(project_of web)
	[ "$(quota "$id" | cut -d' ' -f3)" -eq $((64 * MIB)) ]
	[ "$(leases)" = "$id" ]
}

@test "snapshots count against the limit, and a copy that exceeds it is refused" {
	fs ext4
	app web --disk 64MiB --network none sh -c "$KEEP"
	jail exec web dd if=/dev/urandom of=/big bs=1M count=20
	jail exec web sync
	[ "$(jail exec web df -k / | awk 'END { print $3 }')" -lt $((24 * 1024)) ]
	jail snapshot create web copy
	[ "$(jail exec web df -k / | awk 'END { print $3 }')" -ge $((40 * 1024)) ]
	jail exec web dd if=/dev/urandom of=/more bs=1M count=10
	run jail snapshot create web again
	assert_error 1 'Disk quota exceeded'
	[ "$(jail snapshot list --quiet web)" = copy ]
	# What had been copied is gone, and the instance has the room that it had.
	jail exec web dd if=/dev/zero of=/rest bs=1M count=5
	jail stop --timeout 0s web
	jail snapshot create web moved
	jail start web
	[ "$(jail exec web df -k / | awk 'END { print $3 }')" -ge $((50 * 1024)) ]
	run jail exec web dd if=/dev/zero of=/over bs=1M count=40
	[ "$status" -ne 0 ]
	jail stop --timeout 0s web
	jail rollback web copy
	jail snapshot rm web moved
	jail start web
	jail exec web sh -c 'rm -f /over; [ ! -e /more ] && dd if=/dev/zero of=/back bs=1M count=20'
	jail clone web other
	jail start other
	[ "$(field other .disk.kind)" = project ]
	[ "$(jail exec other df -k / | awk 'END { print $3 }')" -ge $((40 * 1024)) ]
}
