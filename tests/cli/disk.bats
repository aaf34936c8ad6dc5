# SPDX-License-Identifier: GPL-2.0-or-later
# Limits of an instance's own files by an image file, and volatile instances (docs/storage.md). Project quotas need a
# file system that has them: tests/system/quota.bats.
# vm: too
# vm: filter=grow|larger size|what the spec says|the size holds

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() {
	jail_teardown
	# Its file system is written and its device free when the last process of the instance has ended, soon after.
	wait_until 10 no_loops
}

MIB=1048576
KEEP='while :; do sleep 1000; done'

loops() {
	cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -F "$JAIL_TEST_DIR/" || :
}
no_loops() { [ -z "$(loops)" ]; }
image_of() { echo "$JAIL_TEST_DIR/state/instances/$1/disk.img"; }
# Bytes of the host's disk.
takes() { echo $(($(stat -c %b "$(image_of "$1")") * 512)); }
# df_of NAME COLUMN: of "/" inside; column 2 is the size, 3 what is used.
df_of() { jail exec "$1" df -k / | awk -v column="$2" 'END { print $column }'; }
root_has_resource() { [ $((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)) -eq 1 ]; }
# A process has the file open; a loop device doesn't count.
is_open() { find /proc/[0-9]*/fd -lname "$1" 2>/dev/null | grep -q .; }
nothing_in_trash() { [ -z "$(ls "$JAIL_TEST_DIR/state/trash")" ]; }

@test "the size holds: inside the disk is full, outside nothing is felt" {
	app other --disk 64MiB --network none sh -c "$KEEP"
	app web --disk 64MiB --network none sh -c "$KEEP"
	[ "$(df_of web 2)" -gt $((50 * 1024)) ]
	[ "$(df_of web 2)" -le $((64 * 1024)) ]
	run jail exec web dd if=/dev/zero of=/big bs=64k
	[ "$status" -eq 1 ]
	assert_output 'No space left on device'
	[ "$(stat -c %s "$(image_of web)")" -eq $((64 * MIB)) ]
	[ "$(takes web)" -le $((65 * MIB)) ]
	jail exec other dd if=/dev/zero of=/big bs=1M count=40
	# What is there is still there, and there is room again when something goes.
	jail exec web sh -c 'rm /big && echo text >/small && cat /small'
	# One that is full can be started again, and emptied.
	run jail exec web dd if=/dev/zero of=/big bs=64k
	[ "$status" -eq 1 ]
	jail restart --timeout 0s web
	run jail exec web sh -c 'echo more >/more'
	[ "$status" -ne 0 ]
	jail exec web rm /big
	jail exec web sh -c 'echo more >/more'
	# Neither its mount nor a directory with its files is the host's.
	run -0 cat /proc/self/mountinfo
	refute_output disk.img
	refute_output /dev/loop
	[ ! -e "$JAIL_TEST_DIR/state/instances/web/upper" ]
	[ "$(loops | wc -l)" -eq 2 ]
}

@test "the number of files holds" {
	app web --disk 64MiB --inodes 1000 --network none sh -c "$KEEP"
	# shellcheck disable=SC2016 # expands inside
	run jail exec web sh -c 'mkdir /d && i=0 && while : >/d/$i; do i=$((i + 1)); done'
	[ "$status" -ne 0 ]
	assert_output 'No space left on device'
	[ "$(jail exec web sh -c 'ls /d | wc -l')" -gt 900 ]
	[ "$(jail exec web sh -c 'ls /d | wc -l')" -lt 1000 ]
	[ "$(field web .disk.inodes)" -le 1000 ]
	[ "$(field web .disk.usedInodes)" = "$(field web .disk.inodes)" ]
	# Fewer than one for each group of blocks can't be had.
	run jail create small --image "$IMAGE" --disk 100GiB --inodes 100 true
	assert_error 1 'an image of 100GiB has at least 12800 inodes, not 100'
	nothing_in_trash
}

@test "what it holds stays over stop, start and restart; what was freed is given back at stop" {
	app web --disk 128MiB --network none sh -c "$KEEP"
	jail exec web sh -c 'echo kept >/kept; dd if=/dev/urandom of=/big bs=1M count=80 2>/dev/null; sync'
	[ "$(takes web)" -gt $((80 * MIB)) ]
	jail exec web rm /big
	jail stop --timeout 0s web
	wait_until 10 no_loops
	[ "$(takes web)" -lt $((20 * MIB)) ]
	jail start web
	[ "$(jail exec web cat /kept)" = kept ]
	jail restart --timeout 0s web
	[ "$(jail exec web cat /kept)" = kept ]
	jail stop --timeout 0s web
	jail rename web www
	jail start www
	[ "$(jail exec www cat /kept)" = kept ]
}

@test "inspect and stats say what is used, running or not" {
	app web --disk 64MiB --inodes 2000 --network none sh -c "$KEEP"
	jail exec web sh -c 'dd if=/dev/urandom of=/big bs=1M count=20 2>/dev/null; sync'
	[ "$(field web .disk.kind)" = image ]
	[ "$(field web .disk.sizeBytes)" -eq $(($(df_of web 2) * 1024)) ]
	[ "$(field web .disk.usedBytes)" -ge $((20 * MIB)) ]
	[ "$(field web .disk.usedBytes)" -lt $((24 * MIB)) ]
	[ "$(field web .disk.allocatedBytes)" -ge $((20 * MIB)) ]
	[ "$(field web .spec.resources.disk.size)" = 64MiB ]
	[ "$(jail stats --json web | jq '.[0].disk.usedBytes')" = "$(field web .disk.usedBytes)" ]
	run -0 jail inspect web
	[[ $output =~ disk\ +image:\ 2[0-9.]+MiB\ of\ [56][0-9.]+MiB,\ [0-9]+\ of\ 2000\ inodes ]]
	jail stop --timeout 0s web
	wait_until 10 no_loops
	[ "$(field web .disk.usedBytes)" -ge $((20 * MIB)) ]
	[ "$(field web .disk.usedBytes)" -lt $((24 * MIB)) ]
	[ "$(field web .disk.inodes)" -eq 2000 ]
	# One without limits has no figures, and one without an image nothing.
	jail create plain --image "$IMAGE" true
	[ "$(field plain .disk)" = "$(printf '{\n  "kind": "directory"\n}')" ]
	mkdir "$BATS_TEST_TMPDIR/root"
	jail create root --rootfs "$BATS_TEST_TMPDIR/root" true
	[ "$(field root .disk)" = null ]
}

@test "it grows while it runs, and while it does not" {
	root_has_resource || skip "root here lacks CAP_SYS_RESOURCE"
	app web --disk 64MiB --network none sh -c "$KEEP"
	run jail exec web dd if=/dev/zero of=/big bs=64k
	[ "$status" -eq 1 ]
	run -0 jail set web resources.disk.size=256MiB
	assert_output 'resources.disk.size: 64MiB -> 256MiB'
	[ "$(df_of web 2)" -gt $((230 * 1024)) ]
	jail exec web dd if=/dev/zero of=/more bs=1M count=100
	[ "$(field web .spec.resources.disk.size)" = 256MiB ]
	jail stop --timeout 0s web
	jail set web disk.size=400MiB
	wait_until 10 no_loops
	jail start web
	[ "$(df_of web 2)" -gt $((370 * 1024)) ]
	[ "$(jail exec web stat -c %s /more)" -eq $((100 * MIB)) ]
	# A size that ends just behind a group of blocks, and one in the middle.
	jail set web disk.size=$((512 * MIB + 4096))
	jail set web disk.size=$((639 * MIB + 77777))
	[ "$(df_of web 2)" -gt $((590 * 1024)) ]
	jail set web disk.size=$((1024 * MIB + 3 * 4096))
	jail restart --timeout 0s web
	[ "$(df_of web 2)" -gt $((960 * 1024)) ]
	jail stop --timeout 0s web
	wait_until 10 no_loops
	e2fsck -fn "$(image_of web)"
}

@test "sizes that are no multiple of anything" {
	local size
	for size in $((16 * MIB)) $((16 * MIB + 1)) $((128 * MIB + 4096)) $((129 * MIB)) $((135 * MIB)) $((257 * MIB + 12345)); do
		run -0 jail run --rm --image "$IMAGE" --network none --disk "$size" df -k /
		[ "$(awk 'END { print $2 }' <<<"$output")" -gt $((size * 8 / 10 / 1024)) ] || [ "$size" -lt $((17 * MIB)) ]
	done
	run -0 jail run --rm --image "$IMAGE" --network none --disk 200MiB --inodes 200000 df -i /
}

@test "more files than allowed come with no larger size" {
	root_has_resource || skip "root here lacks CAP_SYS_RESOURCE"
	app web --disk 128MiB --inodes 1000 --network none sh -c "$KEEP"
	run jail set web disk.size=512MiB
	assert_error 1 'inodes with 512MiB, not at most 1000'
	[ "$(field web .spec.resources.disk.size)" = 128MiB ]
	[ "$(df_of web 2)" -lt $((128 * 1024)) ]
	jail set web disk.size=512MiB disk.inodes=5000
	[ "$(field web .disk.inodes)" -le 5000 ]
	[ "$(df_of web 2)" -gt $((400 * 1024)) ]
}

@test "it shrinks when it does not run, and never below what is used" {
	app web --disk 128MiB --network none sh -c "$KEEP"
	jail exec web sh -c 'dd if=/dev/urandom of=/big bs=1M count=40 2>/dev/null; sync'
	local sum
	sum=$(jail exec web sha256sum /big)
	run jail set web disk.size=64MiB
	assert_error 1 "resources.disk.size: can't change while the instance runs"
	assert_output --restart
	jail stop --timeout 0s web
	wait_until 10 no_loops
	run jail set web disk.size=32MiB
	assert_error 1 'resources.disk: size: 32.0MiB is less than the '
	assert_output 'MiB in use'
	assert_output 'remove files, or take a larger size'
	[ "$(field web .spec.resources.disk.size)" = 128MiB ]
	[ ! -e "$JAIL_TEST_DIR/state/instances/web/.disk.img.new" ]
	jail set web disk.size=64MiB
	[ "$(stat -c %s "$(image_of web)")" -eq $((64 * MIB)) ]
	jail start web
	[ "$(df_of web 2)" -le $((64 * 1024)) ]
	[ "$(jail exec web sha256sum /big)" = "$sum" ]
	# And a running one by --restart.
	jail exec web rm /big
	jail set --restart web disk.size=32MiB
	[ "$(status_of web)" = running ]
	[ "$(df_of web 2)" -le $((32 * 1024)) ]
}

@test "what the spec says is what the start makes" {
	root_has_resource || skip "root here lacks CAP_SYS_RESOURCE"
	# As a change leaves it that was killed: the file is longer already, the file system not.
	jail create web --image "$IMAGE" --disk 64MiB --network none -- sh -c "$KEEP"
	wait_until 10 no_loops
	truncate -s 128M "$(image_of web)"
	sed -i 's/"64MiB"/"128MiB"/' "$JAIL_TEST_DIR/state/instances/web/spec.json"
	jail start web
	[ "$(df_of web 2)" -gt $((100 * 1024)) ]
}

@test "what can't be held is an error at create, and nothing is left" {
	mount --bind /dev/null /usr/sbin/mkfs.ext4
	run jail create web --image "$IMAGE" --disk 64MiB true
	umount /usr/sbin/mkfs.ext4
	assert_error 1 'mkfs.ext4 is not installed'
	assert_output 'install e2fsprogs'
	nothing_in_trash
	mount --bind /bin/false /usr/sbin/mkfs.ext4
	run jail create web --image "$IMAGE" --disk 64MiB true
	umount /usr/sbin/mkfs.ext4
	assert_error 1 'create web: disk: disk.img: /usr/sbin/mkfs.ext4: exit status 1'
	nothing_in_trash
	mount --bind /dev/null /dev/loop-control
	run jail create web --image "$IMAGE" --disk 64MiB true
	umount /dev/loop-control
	assert_error 1 'find a free loop device'
	nothing_in_trash
	run jail create web --image "$IMAGE" --inodes 5000 true
	assert_error 1 'needs resources.disk.size'
	run jail create web --image "$IMAGE" --disk 1MiB true
	assert_error 1 'resources.disk.size: at least 16MiB'
	run jail create web --rootfs / --disk 64MiB true
	[ "$status" -eq 1 ]
	mkdir "$BATS_TEST_TMPDIR/root"
	run jail create web --rootfs "$BATS_TEST_TMPDIR/root" --disk 64MiB true
	assert_error 1 'resources.disk: only with "image"'
	run jail create web --rootfs "$BATS_TEST_TMPDIR/root" --volatile true
	assert_error 1 'volatile: only with "image"'
	run -0 jail ps --quiet
	[ -z "$output" ]
}

@test "check says whether limits can be held, and by what" {
	run -0 jail check --json
	[ "$(jq -r '.features[] | select(.name == "disk images") | .ok' <<<"$output")" = true ]
	[ "$(jq -r '.features[] | select(.name == "project quotas") | .required' <<<"$output")" = false ]
	mount --bind /dev/null /usr/sbin/mkfs.ext4
	run jail check --json
	umount /usr/sbin/mkfs.ext4
	[ "$(jq -r '.features[] | select(.name == "disk images") | .ok' <<<"$output")" = false ]
	[[ $(jq -r '.features[] | select(.name == "disk images") | .detail' <<<"$output") == *'install e2fsprogs'* ]]
	[ -z "$(find "$JAIL_TEST_DIR" -name '.jail-check*')" ]
}

@test "what was decided at create can't be set" {
	jail create plain --image "$IMAGE" true
	run jail set plain volatile=true
	assert_error 1 'volatile: is decided when the instance is made'
	jail create web --image "$IMAGE" --disk 64MiB true
	run jail set web disk.size=
	assert_error 1 'an image file has to have one'
	run jail set --runtime web disk.size=128MiB
	assert_error 1 'only limits can change with --runtime'
}

@test "host ids, a read-only root and many layers of mounts work on an image too" {
	run -0 jail run --rm --image "$IMAGE" --disk 32MiB --network none --userns host sh -c 'echo a >/a; cat /a'
	assert_output a
	run jail run --rm --image "$IMAGE" --disk 32MiB --network none --read-only sh -c 'echo a >/a'
	assert_output 'Read-only file system'
	run -0 jail run --rm --image "$IMAGE" --disk 32MiB --network none -v tmpfs:/deep/down:size=1MiB sh -c 'cp /bin/busybox / && /busybox df -k /deep/down'
	assert_output 1024
}

@test "killed at any moment of a create: gc leaves nothing, and no device stays" {
	local i
	for i in $(seq 25); do
		setsid "$JAIL_BUILD/jail" create web --image "$IMAGE" --network none --disk 64MiB true >/dev/null 2>&1 3>&- &
		sleep "$(printf '0.%03d' $((i * 2)))"
		kill -KILL -- -$! 2>/dev/null || :
		wait $! 2>/dev/null || :
		jail rm web 2>/dev/null || :
		wait_until 10 no_loops
		jail gc >/dev/null
		nothing_in_trash
	done
	jail run --rm --image "$IMAGE" --network none --disk 64MiB true
}

@test "killed at any moment of shrinking: the content is intact and it can be done again" {
	local i sum
	jail create web --image "$IMAGE" --network none --disk 128MiB -- sh -c "$KEEP"
	jail start web
	jail exec web sh -c 'dd if=/dev/urandom of=/big bs=1M count=20 2>/dev/null; sync'
	sum=$(jail exec web sha256sum /big)
	jail stop --timeout 0s web
	for i in $(seq 12); do
		setsid "$JAIL_BUILD/jail" set web disk.size=$((124 - 4 * i))MiB >/dev/null 2>&1 3>&- &
		sleep "$(printf '0.%03d' $((i * 8)))"
		kill -KILL -- -$! 2>/dev/null || :
		wait $! 2>/dev/null || :
		wait_until 10 no_loops
		e2fsck -fn "$(image_of web)"
	done
	# The image may be smaller already than the spec says, or as it was: the start makes it so.
	if root_has_resource; then
		jail start web
		[ "$(jail exec web sha256sum /big)" = "$sum" ]
		jail stop --timeout 0s web
	fi
	jail set web disk.size=40MiB
	jail start web
	[ "$(jail exec web sha256sum /big)" = "$sum" ]
	[ "$(df_of web 2)" -le $((40 * 1024)) ]
	[ "$(find "$JAIL_TEST_DIR/state/instances/web" -name '.disk*')" = "" ]
}

@test "killed at any moment of growing: it is as it was or as it should be, and the start settles it" {
	root_has_resource || skip "root here lacks CAP_SYS_RESOURCE"
	local i sum size
	app web --disk 64MiB --network none sh -c "$KEEP"
	jail exec web sh -c 'dd if=/dev/urandom of=/big bs=1M count=20 2>/dev/null; sync'
	sum=$(jail exec web sha256sum /big)
	for i in $(seq 12); do
		setsid "$JAIL_BUILD/jail" set web "disk.size=$((64 + 200 * i))MiB" >/dev/null 2>&1 3>&- &
		sleep "$(printf '0.%03d' $((i * 2)))"
		kill -KILL -- -$! 2>/dev/null || :
		wait $! 2>/dev/null || :
		[ "$(jail exec web sha256sum /big)" = "$sum" ]
	done
	jail stop --timeout 0s web
	wait_until 10 no_loops
	e2fsck -fn "$(image_of web)"
	jail start web
	size=$(field web .spec.resources.disk.size)
	[ "$(jail exec web sha256sum /big)" = "$sum" ]
	[ "$(stat -c %s "$(image_of web)")" -eq "$(numfmt --from=iec "${size/iB/}")" ]
}

@test "the supervisor is killed: the next start waits for the device, and mounts it once" {
	local i
	app web --disk 64MiB --network none sh -c "$KEEP"
	for i in 1 2 3 4 5; do
		jail exec web sh -c "echo $i >/count; dd if=/dev/zero of=/big bs=1M count=30 2>/dev/null"
		kill -KILL "$(monitor_of web)"
		wait_status web stopped
		jail start web
		[ "$(jail exec web cat /count)" = "$i" ]
		[ "$(loops | wc -l)" -eq 1 ]
	done
}

@test "a mount namespace that stays keeps the device: the start waits, and never mounts it twice" {
	local start
	app web --disk 64MiB --network none sh -c "$KEEP"
	jail exec web sh -c 'echo kept >/kept; sync'
	exec 9<"/proc/$(pid_of web)/ns/mnt"
	run jail stop --timeout 0s web
	[ "$status" -eq 0 ]
	[ "$(status_of web)" = stopped ]
	[ "$(loops | wc -l)" -eq 1 ]
	jail start web 9<&- &
	start=$!
	wait_until 10 is_open "$(image_of web)"
	[ "$(loops | wc -l)" -eq 1 ]
	exec 9<&-
	wait "$start"
	[ "$(jail exec web cat /kept)" = kept ]
	[ "$(loops | wc -l)" -eq 1 ]
}

@test "row 4: an init that has put something else in place of its root is not asked what is used" {
	jail create web --image "$IMAGE" --mode system --network none --disk 64MiB -- /bin/sh -c \
		'mkdir -p /other && busybox mount -t tmpfs -o size=8m t /other && cp /bin/busybox /other && exec busybox chroot /other /busybox sleep 1000'
	jail start web
	wait_until 10 test -e "/proc/$(pid_of web)/root/busybox" || { jail logs web >&2; return 1; }
	[ "$(stat -f -c %b "/proc/$(pid_of web)/root/")" -eq 2048 ]
	[ "$(field web .disk.sizeBytes)" -gt $((50 * MIB)) ]
	[ "$(jail stats --json web | jq '.[0].disk.sizeBytes')" -gt $((50 * MIB)) ]
}

@test "volatile: in memory with a size, and gone when it stops" {
	app web --volatile --disk 32MiB --inodes 500 --network none sh -c "$KEEP"
	[ "$(field web .disk.kind)" = tmpfs ]
	[ "$(field web .spec.volatile)" = true ]
	[ "$(df_of web 2)" -eq $((32 * 1024)) ]
	[ "$(field web .disk.sizeBytes)" -eq $((32 * MIB)) ]
	[ "$(field web .disk.inodes)" -eq 500 ]
	run jail exec web dd if=/dev/zero of=/big bs=64k
	[ "$status" -eq 1 ]
	assert_output 'No space left on device'
	[ "$(field web .disk.usedBytes)" -eq $((32 * MIB)) ]
	jail exec web sh -c 'rm /big; echo text >/file; rm /etc/passwd'
	# shellcheck disable=SC2016 # expands inside
	run jail exec web sh -c 'i=0; while : >/f$i; do i=$((i + 1)); done'
	assert_output 'No space left on device'
	[ -z "$(find "$JAIL_TEST_DIR/state/instances/web" -name upper)" ]
	[ -z "$(find "$JAIL_TEST_DIR/state/instances/web" -name file)" ]
	no_loops
	run jail set web disk.size=64MiB
	assert_error 1 "resources.disk.size: can't change while the instance runs"
	jail set --restart web disk.size=64MiB
	[ "$(df_of web 2)" -eq $((64 * 1024)) ]
	run ! jail exec web cat /file
	jail exec web cat /etc/passwd
	jail stop --timeout 0s web
	[ "$(field web .disk.kind)" = tmpfs ]
	[ "$(field web .disk.usedBytes)" = null ]
	jail rm web
	# firstBoot is for each start then.
	echo '{"name": "first", "image": "busybox", "volatile": true, "network": {"mode": "none"}, "firstBoot": {"locale": "C.UTF-8"},
		"process": {"args": ["sh", "-c", "while :; do sleep 1000; done"]}}' >"$BATS_TEST_TMPDIR/first.json"
	jail create --file "$BATS_TEST_TMPDIR/first.json"
	jail start first
	run -0 jail exec first cat /etc/locale.conf
	assert_output C.UTF-8
	jail restart --timeout 0s first
	run -0 jail exec first cat /etc/locale.conf
	assert_output C.UTF-8
	# Without a size it is 1 GiB.
	run -0 jail run --rm --volatile --image "$IMAGE" --network none df -k /
	assert_output ' 1048576 '
}

# All that a file is, of the whole root.
digest_of() {
	jail exec "$1" sh -c 'cd / && find . -xdev ! -path "./proc*" ! -path "./sys*" ! -path "./dev*" ! -path "./tmp*" \
		! -path "./run*" ! -path "./etc/hosts" ! -path "./etc/resolv.conf" ! -path "./etc/hostname" |
		sort | while read -r f; do stat -c "%n %f %u %g %h %t:%T %Y" "$f"; [ ! -f "$f" ] || sha256sum "$f";
		[ ! -L "$f" ] || readlink "$f"; done' | sha256sum
}
# unlimited NAME: with files of all kinds and two snapshots.
unlimited() {
	app "$1" --network none --label a=b sh -c "$KEEP"
	jail exec "$1" sh -c 'echo one >/a; ln /a /b; mkfifo /f; chown 5:6 /a; chmod 4711 /a; rm -r /var/www; mkdir /var/www
		touch -d "2001-02-03 04:05:06" /var/www /a; dd if=/dev/zero of=/s bs=1 count=1 seek=5M 2>/dev/null'
	jail stop --timeout 0s "$1"
	jail snapshot create "$1" first
	jail start "$1"
	jail exec "$1" sh -c 'echo two >/c; rm /b; dd if=/dev/urandom of=/big bs=1M count=10 2>/dev/null'
	jail snapshot create "$1" second
	jail exec "$1" sh -c 'echo three >/c'
}
left_of() {
	find "$JAIL_TEST_DIR/state/instances/$1" -mindepth 1 -maxdepth 1 -type d \
		\( -name upper -o -name work -o -name l -o -name snapshots -o -name '*rebuild' \) -printf '%f\n' | sort | xargs
}

@test "an instance without limits gets them: its files and snapshots move into an image" {
	local digest

	unlimited web
	digest=$(digest_of web)
	run jail set web disk.size=64MiB
	assert_error 1 "resources.disk.size: can't change while the instance runs"
	[ "$(field web .disk.kind)" = directory ]
	run -0 jail set --restart web disk.size=64MiB
	assert_output 'resources.disk.size: unset -> 64MiB'
	[ "$(field web .disk.kind)" = image ]
	[ "$(field web .spec.labels.a)" = b ]
	[ "$(status_of web)" = running ]
	[ "$(digest_of web)" = "$digest" ]
	[ -z "$(left_of web)" ]
	run jail exec web dd if=/dev/zero of=/fill bs=1M count=80
	[ "$status" -ne 0 ]
	assert_output 'No space left'
	[ "$(jail snapshot list --quiet web | xargs)" = 'first second' ]
	jail stop --timeout 0s web
	jail rollback web second
	jail start web
	[ "$(jail exec web cat /c)" = two ]
	jail stop --timeout 0s web
	jail rollback web first
	jail start web
	[ "$(jail exec web stat -c '%u:%g %a %h %Y' /a)" = '5:6 4711 2 981173106' ]
	[ "$(jail exec web sh -c 'ls /c 2>&1; ls -A /var/www')" = 'ls: /c: No such file or directory' ]
	# And as any other from then on.
	jail stop --timeout 0s web
	jail set web disk.size=48MiB
	jail start web
	[ "$(jail exec web cat /a)" = one ]
}

@test "limits that are too small for what there is change nothing" {
	local digest

	unlimited web
	jail exec web dd if=/dev/urandom of=/more bs=1M count=30
	digest=$(digest_of web)
	jail stop --timeout 0s web
	run jail set web disk.size=32MiB
	assert_error 1 'resources.disk: '
	assert_output 'No space left on device'
	assert_output 'take a larger size'
	run jail set web disk.inodes=1000
	assert_error 1 'needs resources.disk.size'
	[ "$(field web .spec.resources.disk)" = null ]
	[ "$(field web .disk.kind)" = directory ]
	[ "$(left_of web)" = 'l snapshots upper work' ]
	jail start web
	[ "$(digest_of web)" = "$digest" ]
}

@test "limits that are added, killed at any moment: as it was, or with them, and the next start settles it" {
	local call n result before=0 after=0
	# Names, owners, links and contents of what unlimited() made.
	look='cd /; stat -c "%n %u:%g %a %h %s %Y" a c s var/www; stat -c %F f; cat a c; sha256sum big'

	for call in renameat fsync mkdirat unlinkat; do
		unlimited web
		was=$(jail exec web sh -c "$look")
		for n in 1 2 3 5 8 12 17 23 30; do
			jail stop --timeout 0s web
			result=0
			ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -o /dev/null -e "inject=$call:signal=KILL:when=$n" \
				"$JAIL_BUILD/jail" set web disk.size=64MiB >/dev/null || result=$?
			jail start web
			[ "$(jail exec web sh -c "$look")" = "$was" ]
			[ "$(jail snapshot list --quiet web | xargs)" = 'first second' ]
			if [ "$(field web .disk.kind)" = image ]; then
				after=$((after + 1))
				[ "$(field web .spec.resources.disk.size)" = 64MiB ]
				[ -z "$(left_of web)" ]
				jail rm --force web
				[ "$result" -ne 0 ] || break
				unlimited web
				was=$(jail exec web sh -c "$look")
			else
				before=$((before + 1))
				[ "$(field web .spec.resources.disk)" = null ]
				[ "$(left_of web)" = 'l snapshots upper work' ]
			fi
		done
		jail rm --force --all
		wait_until 10 no_loops
	done
	[ "$before" -ge 4 ]
	[ "$after" -ge 4 ]
}
