# SPDX-License-Identifier: GPL-2.0-or-later
# Private by default: namespaces, ids, capabilities, the filter, kernel paths, devices, mounts.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

box() {
	jail run --rm --image "$IMAGE" --network none "$@"
}

@test "all namespaces are its own" {
	local ns
	for ns in mnt pid net ipc uts cgroup user; do
		run -0 box readlink "/proc/self/ns/$ns"
		[ "$output" != "$(readlink "/proc/self/ns/$ns")" ] || { echo "$ns is shared"; return 1; }
	done
	run -0 box --userns host readlink /proc/self/ns/user
	[ "$output" = "$(readlink /proc/self/ns/user)" ]
}

@test "ids: 65,536 of its own, never another's, kept across restarts, freed with rm" {
	sleeper one
	sleeper two
	local one two
	one=$(field one .ids.first)
	two=$(field two .ids.first)
	[ "$one" != "$two" ]
	[ $((one % 65536)) -eq 0 ]
	[ "$(field one .ids.count)" = 65536 ]
	run -0 jail exec one cat /proc/self/uid_map
	[ "$(awk '{ print $1, $2, $3 }' <<<"$output")" = "0 $one 65536" ]
	[ "$(stat -c %u "/proc/$(pid_of one)")" = "$one" ]
	jail restart --timeout 0s one
	[ "$(field one .ids.first)" = "$one" ]
	jail rm -f one two
	[ -z "$(ls -A "$JAIL_TEST_DIR/state/leases/ids")" ]
}

@test "files of the image look as in the archive, without a chown" {
	run -0 box stat -c '%u:%g %n' /etc/passwd /home
	[ "${lines[0]}" = '0:0 /etc/passwd' ]
	[ "${lines[1]}" = '1000:1000 /home' ]
	local fs
	fs=$(find "$JAIL_TEST_DIR/state/layers" -path '*/fs/etc/passwd')
	[ "$(stat -c %u "$fs")" = 0 ]
	run -0 box sh -c 'touch /home/x && chown 1000:1000 /home/x && echo changed >> /etc/passwd && stat -c %u /home/x'
	[ "$output" = 1000 ]
}

@test "capabilities: the default set, added, dropped, none" {
	run -0 box grep CapEff /proc/self/status
	local default=${output##*$'\t'}
	# chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write
	# setfcap: nothing of the machine.
	[ $((0x$default & 1 << 21)) -eq 0 ] # sys_admin
	[ $((0x$default & 1 << 12)) -eq 0 ] # net_admin
	[ $((0x$default & 1 << 0)) -ne 0 ]  # chown
	run -0 box --cap-add net_admin grep CapEff /proc/self/status
	[ $((0x${output##*$'\t'} & 1 << 12)) -ne 0 ]
	run -0 box --cap-drop chown grep CapEff /proc/self/status
	[ $((0x${output##*$'\t'} & 1 << 0)) -eq 0 ]
	run -0 box --cap-drop all grep -E 'CapEff|CapBnd|CapPrm' /proc/self/status
	[ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
	run -0 box --cap-drop all --cap-add chown grep CapEff /proc/self/status
	[ $((0x${output##*$'\t'})) -eq 1 ]
	run -0 box sh -c 'grep -E "CapInh|CapAmb" /proc/self/status'
	[ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
}

@test "no_new_privs: off with own ids, on with the host's" {
	run -0 box grep NoNewPrivs /proc/self/status
	[ "${output##*$'\t'}" = 0 ]
	run -0 box --userns host grep NoNewPrivs /proc/self/status
	[ "${output##*$'\t'}" = 1 ]
}

@test "the seccomp filter is on, a profile of one's own is taken, a broken one refused" {
	run -0 box grep '^Seccomp:' /proc/self/status
	[ "${output##*$'\t'}" = 2 ]
	run -0 box --seccomp unconfined grep '^Seccomp:' /proc/self/status
	[ "${output##*$'\t'}" = 0 ]
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}' \
		>"$BATS_TEST_TMPDIR/p.json"
	run box --seccomp "$BATS_TEST_TMPDIR/p.json" mkdir /tmp/x
	assert_output 'No space left'
	echo '{"defaultAction": "NOPE"}' >"$BATS_TEST_TMPDIR/p.json"
	run box --seccomp "$BATS_TEST_TMPDIR/p.json" true
	assert_error 125 NOPE
}

@test "kernel paths are masked or read-only" {
	local path
	for path in /proc/kcore /proc/keys /proc/timer_list; do
		run -0 box sh -c "test ! -e $path || test -z \"\$(head -c 1 $path)\""
	done
	run box ls -A /proc/acpi /proc/scsi /sys/firmware
	[ -z "$(grep -v ':$' <<<"$output" | tr -d '[:space:]')" ] || [[ $output == *'No such file'* ]]
	for path in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq /proc/bus; do
		run box sh -c "test -e $path || exit 9; echo x > $path/x 2>/dev/null || echo x > $path"
		[ "$status" -ne 0 ]
	done
	run box sh -c 'echo 1 > /sys/kernel/x'
	[ "$status" -ne 0 ]
	run -0 box grep ' /sys ' /proc/mounts
	assert_output 'ro,'
}

@test "/dev: what programs expect, and nothing else" {
	run -0 box sh -c 'for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done; test -L /dev/ptmx -o -c /dev/ptmx || echo no ptmx; test -d /dev/pts || echo no pts; test -d /dev/shm || echo no shm; test -d /dev/mqueue || echo no mqueue; ls -l /dev/stdin /dev/stdout /dev/stderr /dev/fd >/dev/null'
	[ -z "$output" ]
	run -0 box sh -c 'echo x > /dev/null; head -c 4 /dev/zero | wc -c; echo x > /dev/shm/y; cat /dev/shm/y'
	run -0 box sh -c 'ls /dev'
	refute_output sda
	refute_output vda
	refute_output kmsg
}

@test "devices cannot be made or opened" {
	run box sh -c 'mknod /tmp/null c 1 3 && cat /tmp/null'
	[ "$status" -ne 0 ]
	run box sh -c 'mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk'
	[ "$status" -ne 0 ]
	run -0 box --device /dev/loop-control test -c /dev/loop-control
}

@test "hostname and the files of /etc that depend on it" {
	run -0 box --hostname web.example hostname
	[ "$output" = web.example ]
	run -0 box --hostname web.example cat /etc/hostname
	[ "$output" = web.example ]
	run -0 box --hostname web.example grep web.example /etc/hosts
}

@test "it sees only its own processes, and the host's are beyond its signals" {
	run -0 box ps -o pid
	[ "${#lines[@]}" -le 4 ]
	run box kill -0 $$
	[ "$status" -ne 0 ]
}

@test "bind mounts: read-write, read-only, nosuid, nodev, noexec, a file; tmpfs with a size" {
	local d=$BATS_TEST_TMPDIR/d
	mkdir -p "$d/sub"
	echo data >"$d/file"
	chmod 777 "$d"
	run -0 box --mount "$d:/mnt" cat /mnt/file
	[ "$output" = data ]
	run -0 box --mount "$d:/mnt" sh -c 'echo new > /mnt/made; grep " /mnt " /proc/mounts'
	[ "$(cat "$d/made")" = new ]
	run box --mount "$d:/mnt:ro" touch /mnt/x
	[ "$status" -ne 0 ]
	assert_output 'Read-only'
	run -0 box --mount "$d:/mnt:ro,nosuid,nodev,noexec" grep ' /mnt ' /proc/mounts
	assert_output 'ro,nosuid,nodev,noexec'
	run -0 box --mount "$d/file:/etc/mine:ro" cat /etc/mine
	[ "$output" = data ]
	run -0 box --mount tmpfs:/scratch:size=1MiB sh -c 'grep " /scratch " /proc/mounts; dd if=/dev/zero of=/scratch/x bs=1M count=2 2>&1 || :'
	assert_output 'size=1024k'
	assert_output 'No space left'
	run box --mount "$d/none:/mnt" true
	assert_error 125 "$d/none"
	run box --mount "$d:/proc/x" true
	assert_error 125 '/proc'
}

@test "the host's mount table never changes" {
	sort /proc/self/mounts >"$BATS_TEST_TMPDIR/before"
	sleeper web --mount "$BATS_TEST_TMPDIR:/mnt"
	sort /proc/self/mounts | diff "$BATS_TEST_TMPDIR/before" -
	jail rm -f web
	sort /proc/self/mounts | diff "$BATS_TEST_TMPDIR/before" -
}

@test "read-only root" {
	run box --read-only touch /x
	[ "$status" -ne 0 ]
	assert_output 'Read-only'
	run -0 box --read-only touch /tmp/x /run/x
}

@test "limits of resources, working directory, user, environment" {
	run -0 box --rlimit nofile=64:128 sh -c 'ulimit -n; ulimit -Hn'
	[ "$output" = $'64\n128' ]
	run -0 box --workdir /var/www pwd
	[ "$output" = /var/www ]
	run -0 box --user www-data id -un
	[ "$output" = www-data ]
	run -0 box --user 1000:33 id
	assert_output 'uid=1000(user) gid=33(www-data)'
	run -0 box --env A='x y' sh -c 'echo "$A"; echo "$PATH"'
	[ "${lines[0]}" = 'x y' ]
	[[ ${lines[1]} == */bin* ]]
	export LEAK=leaked
	run -0 box env
	refute_output leaked
}

@test "nothing of ours is open inside, the runtime's program is out of reach" {
	exec 8</etc/hostname
	run -0 box ls -l /proc/self/fd
	exec 8<&-
	[ "$(grep -c -- '->' <<<"$output")" -le 4 ]
	run box sh -c 'echo > /proc/1/exe'
	[ "$status" -ne 0 ]
	run box sh -c 'cat /proc/1/exe > /dev/null; cp /bin/sh /proc/1/exe'
	[ "$status" -ne 0 ]
	cmp "$JAIL_BUILD/jail-init" "$JAIL_BUILD/jail-init"
}

@test "a session keyring of its own" {
	run -0 box sh -c 'cat /proc/keys 2>/dev/null | wc -l'
	[ "$output" = 0 ]
}

@test "links in an image cannot redirect what the runtime mounts" {
	mkdir -p "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/canary"
	tar -C "$BATS_TEST_TMPDIR/root" -xf "$JAIL_TEST_DIR/busybox.tar"
	cd "$BATS_TEST_TMPDIR/root"
	local target
	for target in proc sys dev etc/hostname etc/hosts etc/resolv.conf run tmp; do
		rm -rf "./$target"
		ln -s "$BATS_TEST_TMPDIR/canary" "./$target"
		run box --rootfs "$BATS_TEST_TMPDIR/root" true
		[ -z "$(ls -A "$BATS_TEST_TMPDIR/canary")" ] || { echo "$target led outside"; return 1; }
		rm -f "./$target"
		case $target in
		etc/*) : >"./$target" ;;
		*) mkdir "./$target" ;;
		esac
	done
}

@test "mount, unshare of mounts, modules, clock and kexec are refused" {
	run box mount -t tmpfs none /mnt
	[ "$status" -ne 0 ]
	run box umount /proc
	[ "$status" -ne 0 ]
	run box date -s '2001-01-01'
	assert_output 'not permitted'
	[ "$(date +%Y)" -gt 2001 ]
	run box hostname other
	[ "$status" -ne 0 ]
	run box insmod /nothing.ko
	[ "$status" -ne 0 ]
}
