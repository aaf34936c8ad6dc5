# SPDX-License-Identifier: GPL-2.0-or-later
# The root file system and its mounts against an image, a volume and a neighbour that are hostile. The number in a
# test's name is the row of docs/security.md.

# shellcheck disable=SC2016,SC2143 # expands inside; a failure shows what was found

load ../lib/common
load ../lib/security

setup_file() { security_setup_file; }
teardown_file() { jail_teardown_file; }
setup() { security_setup; }
teardown() { security_teardown; }

@test "row 14, 15, 19: whatever an image has at a mount target, nothing outside is touched" {
	local target kind root mode
	for target in /dev /dev/pts /dev/shm /dev/console /proc /sys /etc /etc/hosts /tmp /run /var/run; do
		for kind in absolute relative descriptor dangling file fifo; do
			root=$(rootfs trap)
			trap_at "$root" "$target" "$kind"
			mode=host
			[ "$kind" != absolute ] || mode=auto
			run timeout 20 "$TOOLS/leak" --fd 9="$CANARY" -- "$JAIL_BUILD/jail" run --rm --rootfs "$root" \
				--network none --userns "$mode" sh -c \
				'awk "{ print \$2, \$3 }" /proc/mounts; echo started'
			[ "$status" -ne 124 ] || { echo "$target as $kind: it hangs"; return 1; }
			if [ "$status" -eq 0 ]; then
				assert_output started
				# Then everything is where it belongs.
				assert_output '/proc proc'
				assert_output '/dev tmpfs'
			else
				assert_output 'jail: '
			fi
			canary_ok || { echo "$target as $kind, $mode"; return 1; }
		done
	done
}

@test "row 14: an instance that spoils its own tree is started again" {
	local target
	for target in dev proc sys tmp run etc; do
		stay again host sh -c "umount /$target 2>/dev/null; cd /; rm -rf /var/run; ln -s $CANARY /var/run; sleep 1000"
		jail stop --timeout 0s again
		# What it did on its own disk; as its root could have, had the mounts not been in the way.
		local upper
		upper=$(find "$JAIL_TEST_DIR/state/instances/again" -type d -name upper)
		rm -rf "${upper:?}/$target"
		ln -s "$CANARY" "$upper/$target"
		run timeout 20 "$JAIL_BUILD/jail" start again
		[ "$status" -ne 124 ]
		canary_ok
		jail rm -f again
	done
}

@test "row 14, 19: a naive set-up is led out" {
	local root
	root=$(rootfs naive)
	rm -rf "${root:?}/dev"
	ln -s "$CANARY" "$root/dev"
	"$TOOLS/naive_root" "$root"
	[ -e "$CANARY/made" ] || vacuous 'a file'
	[ "$(readlink "$CANARY/ptmx")" = pts/ptmx ] || vacuous 'ptmx'
	canary_make
}

@test "row 15, 16: /proc and /sys are always the kernel's own" {
	local root mode
	for mode in "${MODES[@]}"; do
		root=$(rootfs "fake-$mode")
		mkdir -p "$root/bad/self/attr" "$root/bad/thread-self/attr/apparmor" "$root/bad/sys/net/ipv4"
		touch "$root/bad/self/attr/exec" "$root/bad/thread-self/attr/apparmor/exec" "$root/bad/sys/net/ipv4/ip_forward"
		rmdir "$root/proc"
		ln -s /bad "$root/proc"
		run jail run --rm --rootfs "$root" --network none --userns "$mode" true
		assert_error 125 '/proc'
		[ -z "$(find "$root/bad" -type f -size +0)" ]
		# The naive twin writes a label by its name.
		chroot "$root" sh -c 'echo label >/proc/self/attr/exec'
		[ -n "$(find "$root/bad" -type f -size +0)" ] || vacuous /proc/self/attr/exec
		rm "$root/proc"
		mkdir "$root/proc"
		local target
		for target in / /proc /proc/self /proc/self/attr /sys /sys/kernel /dev/pts /proc/../proc/x; do
			run jail run --rm --rootfs "$root" --network none --userns "$mode" --mount "$CANARY:$target" true
			[ "$status" -ne 0 ]
			assert_output "jail: "
		done
		# By links: a target that ends there.
		ln -s /proc "$root/p"
		ln -s /sys/kernel "$root/s"
		for target in /p /p/self /s; do
			run jail run --rm --rootfs "$root" --network none --userns "$mode" --mount "$CANARY:$target" true
			[ "$status" -ne 0 ]
		done
	done
}

@test "row 17: masks do not come from the image" {
	local mode root kind
	# The naive twin masks with what is at /dev/null of the tree.
	root=$(rootfs masks)
	ln -s "$CANARY/secret" "$root/dev/null"
	run -0 unshare --mount sh -c 'mount --bind "$1/dev/null" "$1/etc/passwd"; cat "$1/etc/passwd"' - "$root"
	[ "$output" = secret ] || vacuous /dev/null
	for mode in "${MODES[@]}"; do
		for kind in link file missing; do
			root=$(rootfs masks)
			case $kind in
			link) ln -s "$CANARY/secret" "$root/dev/null" ;;
			file) echo decoy >"$root/dev/null" ;;
			esac
			run -0 jail run --rm --rootfs "$root" --network none --userns "$mode" sh -c \
				'cat /proc/kallsyms /proc/timer_list /proc/keys /proc/interrupts; stat -c %t:%T /dev/null'
			[ "$output" = 1:3 ]
		done
	done
}

# A volume that a neighbour changes all the time.
churn() {
	swap_volume
	stay neighbour host --mount "$VOLUME:/v" swap /v/d /v/l 60
	wait_until 10 test -L "$VOLUME/d"
}

@test "row 20, 21, 22: a neighbour that swaps directory and link in a shared volume wins no mount" {
	churn
	local i won=0 ok=0 mode
	for ((i = 0; i < 2 * ROUNDS; i++)); do
		mode=${MODES[i % 2]}
		# A mount point in the volume that exists, and one to be made.
		run jail run --rm --image probe --network none --userns "$mode" --mount "$VOLUME:/v" --mount "tmpfs:/v/d/x" \
			--mount "tmpfs:/v/d/new$i" cat /proc/self/mountinfo
		[ "$status" -eq 0 ] || continue
		ok=$((ok + 1))
		# Where a bind of the host would show another root than the volume's.
		! grep -F " $CANARY " <<<"$output" || won=$((won + 1))
	done
	for ((i = 0; i < ROUNDS; i++)); do
		# The source is swapped while it is opened: spec'd as /d, it may only be the directory or be refused.
		run jail run --rm --image probe --network none --userns host --mount "$VOLUME/d:/mnt" \
			sh -c 'ls /mnt; echo end'
		[ "$status" -eq 0 ] || continue
		ok=$((ok + 1))
	done
	jail rm -f neighbour
	[ $won -eq 0 ]
	[ $ok -gt 0 ]
	canary_ok
}

@test "row 20, 22: a naive set-up loses the same race" {
	churn
	naive_mount_points
	jail rm -f neighbour
}

@test "row 21: unknown, contradicting and dangerous mount options are refused" {
	local options
	for options in shared rshared bind-propagation=shared foo suid=1 'ro,,' ','; do
		fails jail run --rm --image probe --network none --mount "$CANARY:/mnt:$options" true
	done
}

@test "row 22: mount points that are missing are made inside" {
	local root
	root=$(rootfs make)
	ln -s "$CANARY" "$root/out"
	mkdir -p "$BATS_TEST_TMPDIR/source"
	run jail run --rm --rootfs "$root" --network none --mount "$BATS_TEST_TMPDIR/source:/out/new/deep" true
	[ ! -e "$CANARY/new" ]
	run jail run --rm --rootfs "$root" --network none --mount "$CANARY/secret:/out/newfile" true
	[ ! -e "$CANARY/newfile" ]
	canary_ok
	mkdir -p "$root/out/new/deep"
	[ -e "$CANARY/new" ] || vacuous mkdir
	canary_make
}

@test "row 23: removal does not descend into what is mounted" {
	local monitor
	stay data host --mount "$CANARY:/data" sh -c 'ln -s /data /link; sleep 1000'
	monitor=$(monitor_of data)
	kill -9 "$monitor"
	wait_until 10 test ! -e "/proc/$monitor"
	jail rm --force data
	canary_ok
	fails jail inspect data
	run jail rm --force data
	canary_ok
	# The naive twin removes the tree of an instance by name, with the mount in it.
	mkdir "$BATS_TEST_TMPDIR/tree" "$BATS_TEST_TMPDIR/data"
	touch "$BATS_TEST_TMPDIR/data/file"
	unshare --mount sh -c 'mount --bind "$1/data" "$1/tree" && rm -rf "$1/tree"' - "$BATS_TEST_TMPDIR" 2>/dev/null || :
	[ ! -e "$BATS_TEST_TMPDIR/data/file" ] || vacuous rm
}

@test "row 24: flags of a mount cannot be taken back, nor is it attached without them" {
	local mode mounts i
	mkdir "$BATS_TEST_TMPDIR/d"
	for mode in "${MODES[@]}"; do
		run -0 box "$mode" --mount "$BATS_TEST_TMPDIR/d:/mnt:ro,nosuid,nodev,noexec" cat /proc/self/mounts
		mounts=$(awk '{ print $2 }' <<<"$output" | sort -u)
		for i in $mounts; do
			for options in remount,rw remount,bind,rw remount,bind,suid,dev,exec; do
				fails box "$mode" --mount "$BATS_TEST_TMPDIR/d:/mnt:ro,nosuid,nodev,noexec" mount -o "$options" "$i"
			done
		done
	done
}

@test "row 24, 61: with CAP_SYS_ADMIN of its own it may take off masks, what is behind stays closed" {
	run box auto --cap-add all --cap-drop sys_resource --seccomp unconfined sh -c '
		for m in $(awk "\$2 ~ /^.(proc|sys)./ { print \$2 }" /proc/mounts); do umount $m; done 2>/dev/null
		mount -o remount,bind,rw /sys; mount -o remount,bind,rw /proc
		probe walk /proc; probe walk /sys'
	# What the kernel has per namespace, and the triggers of /proc/pressure, which are open to all users of a machine.
	grep '^writable' <<<"$output" | grep -vE '^writable /proc/sys/(net|kernel/(hostname|domainname|sem|msg[a-z_]*|shm[a-z_]*|auto_msgmni|ns_last_pid|pid_max|[a-z]*_next_id)|fs/mqueue|user)(/|$)' |
		grep -vE '^writable /(proc/(PID|self|pressure)|sys/(fs/cgroup|class/net|devices/virtual/net|kernel/mm))/' >"$BATS_TEST_TMPDIR/new" || :
	[ ! -s "$BATS_TEST_TMPDIR/new" ] || { cat "$BATS_TEST_TMPDIR/new"; return 1; }
	run box auto --cap-add all --cap-drop sys_resource --seccomp unconfined sh -c "
		umount /proc/sys /proc/sysrq-trigger 2>/dev/null
		for f in $(xargs <<<"$SINKS"); do echo \$f \$(probe open \$f w); done"
	assert_output core_pattern
	[ -z "$(grep ' ok$' <<<"$output")" ] || { grep ' ok$' <<<"$output"; return 1; }
}

# The table of the masks, checked by what it does. "r": nothing to be read; "w": nothing to be written.
MASKED="/proc/acpi /proc/asound /proc/interrupts /proc/kallsyms /proc/kcore /proc/keys /proc/kmsg /proc/latency_stats
	/proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats /sys/devices/virtual/powercap /sys/firmware"
READONLY="/proc/bus /proc/fs /proc/irq /proc/pressure /proc/sys /proc/sysrq-trigger"

@test "row 17, 25: every mask has its effect" {
	local mode path
	for mode in "${MODES[@]}"; do
		stay masked "$mode" sleep 1000
		for path in $MASKED; do
			run -0 jail exec masked sh -c "if [ -d $path ]; then ls -A $path; elif [ -e $path ]; then cat $path; fi"
			[ -z "$output" ] || { echo "$path can be read ($mode)"; return 1; }
		done
		for path in $READONLY $MASKED; do
			fails jail exec masked umount "$path"
			run jail exec masked sh -c "if [ -d $path ]; then touch $path/x; elif [ -e $path ]; then probe open $path w; else false; fi"
			[ "$status" -ne 0 ] || { echo "$path can be written ($mode)"; return 1; }
		done
		for path in /sys/kernel/debug /sys/kernel/tracing /sys/kernel/security; do
			run -0 jail exec masked sh -c "[ ! -d $path ] || ls -A $path"
			[ -z "$output" ]
		done
		jail rm -f masked
	done
}

@test "row 26, 27, 61: files of /proc and /sys that open for writing are on the list" {
	local mode caps list=$BATS_TEST_DIRNAME/writable
	for mode in "${MODES[@]}"; do
		for caps in none all; do
			[ "$mode-$caps" != host-all ] || continue
			local options=()
			[ $caps = none ] || options=(--cap-add all --cap-drop sys_resource)
			run -0 box "$mode" "${options[@]}" sh -c 'probe walk /proc; probe walk /sys'
			refute_output stopped
			[[ $output == *looked* ]]
			grep '^writable' <<<"$output" | sed -E 's/^writable //; s,^/proc/(self|thread-self|[0-9]+)/.*,/proc/PID,' |
				sort -u | grep -vxFf <(grep -v '^#' "$list.$mode") >"$BATS_TEST_TMPDIR/new" || :
			[ ! -s "$BATS_TEST_TMPDIR/new" ] || { echo "new ($mode, caps $caps):"; cat "$BATS_TEST_TMPDIR/new"; return 1; }
		done
	done
}

@test "row 61: the files that the kernel trusts do not open for writing" {
	local mode caps
	for mode in "${MODES[@]}"; do
		for caps in default all; do
			local options=()
			[ $caps = default ] || options=(--cap-add all --cap-drop sys_resource)
			run -0 box "$mode" "${options[@]}" sh -c "for f in $(xargs <<<"$SINKS"); do echo \$f \$(probe open \$f w); done; true"
			[ "${#lines[@]}" -ge 15 ]
			[ -z "$(grep ' ok$' <<<"$output")" ] || { grep ' ok$' <<<"$output"; return 1; }
		done
	done
}

@test "row 27, 68: the cgroup tree is read-only and no other can be mounted" {
	local mode
	for mode in "${MODES[@]}"; do
		run box "$mode" probe walk /sys/fs/cgroup
		[[ $output == *'writable 0' || $output == *EACCES ]]
		fails box "$mode" mkdir /sys/fs/cgroup/x
		fails box "$mode" mount -t cgroup -o rdma x /mnt
		fails box "$mode" mount -t cgroup2 x /mnt
		fails box "$mode" unshare -UrmC true
	done
	fails box auto --cap-add all --cap-drop sys_resource --seccomp unconfined mount -t cgroup -o rdma x /mnt
}

@test "row 29: no way up by chroot, no mount that reaches the host" {
	local mode
	grep -c . /proc/self/mountinfo >"$BATS_TEST_TMPDIR/mounts"
	for mode in "${MODES[@]}"; do
		run box "$mode" probe chrootbreak
		refute_output ESCAPED
		run box "$mode" --cap-add sys_chroot --seccomp unconfined probe chrootbreak
		assert_output contained
		# A mount made inside (it has the means here) stays inside.
		stay mounter "$mode" --cap-add sys_admin --seccomp unconfined --mount "$BATS_TEST_TMPDIR:/shared" \
			sh -c 'mount -t tmpfs row29 /shared && echo mounted; sleep 1000'
		wait_log mounter .
		run -1 grep row29 /proc/self/mountinfo
		jail rm -f mounter
	done
	[ "$(grep -c . /proc/self/mountinfo)" = "$(cat "$BATS_TEST_TMPDIR/mounts")" ]
}

@test "row 30: a fresh proc or sysfs without the masks cannot be had" {
	local mode type
	for mode in "${MODES[@]}"; do
		for type in proc sysfs; do
			fails box "$mode" mount -t $type x /mnt
			fails box "$mode" unshare -rUpf mount -t $type x /mnt
		done
		# fsopen, fsmount, move_mount, open_tree, mount_setattr
		for nr in 430 432 429 428 442; do
			run box "$mode" probe sys $nr
			[ "$status" -ne 0 ]
			[[ $output == EPERM || $output == ENOSYS ]]
		done
	done
	# With the capability in its own user namespace and no filter, the kernel refuses: "too revealing".
	for type in proc sysfs; do
		fails box auto --cap-add sys_admin --seccomp unconfined mount -t $type x /mnt
	done
}

@test "row 31: devices can neither be made nor used, wherever" {
	local mode place
	mkdir -m 777 "$BATS_TEST_TMPDIR/vol"
	for mode in "${MODES[@]}"; do
		run box "$mode" --cap-add mknod --mount "$BATS_TEST_TMPDIR/vol:/vol" sh -c '
			for place in / /dev /tmp /dev/shm /vol /run; do
				for dev in "b 8 0" "b 7 0" "b 254 0" "c 1 1" "c 1 11" "c 10 200" "c 10 229" "c 10 237" "c 1 3"; do
					n=$place/n$(echo $dev | tr -d " ")
					mknod $n $dev 2>/dev/null || continue
					[ "$dev" != "c 1 3" ] || continue
					for how in r w; do
						[ "$(probe open $n $how)" != ok ] || echo "OPEN $n"
					done
					rm $n
				done
			done
			echo done'
		refute_output OPEN
		assert_output 'done'
		# A node that is on the volume already.
		mknod "$BATS_TEST_TMPDIR/vol/null" c 1 3
		chmod 666 "$BATS_TEST_TMPDIR/vol/null"
		run box "$mode" --mount "$BATS_TEST_TMPDIR/vol:/vol:nodev" probe open /vol/null r
		[ "$status" -ne 0 ]
		rm "$BATS_TEST_TMPDIR/vol/null"
		run -0 box "$mode" sh -c 'cd /dev; find . | sort | xargs'
		[ "$output" = '. ./fd ./full ./mqueue ./null ./ptmx ./pts ./pts/ptmx ./random ./shm ./stderr ./stdin ./stdout ./tty ./urandom ./zero' ]
	done
}

@test "row 31: the device filter holds root of the host with CAP_MKNOD" {
	local device node=$BATS_TEST_TMPDIR/node attempts
	device=$(spare_device)
	# The naive twin: the same root outside of any filter.
	# shellcheck disable=SC2046 # two numbers
	mknod "$node" c $(node_numbers "$device")
	[ "$("$TOOLS/probe" open "$node" r)" = ok ] || vacuous
	# Only the runtime's own /dev is not nodev, so that is where it would work.
	attempts="mknod /dev/spare c $(node_numbers "$device") 2>&1; mknod /dev/disk b 8 0 2>&1; mknod /dev/mem c 1 1 2>&1; mknod /dev/n c 1 3 && echo made"
	run -0 box host --cap-add mknod sh -c "$attempts"
	[ "$(grep -c 'Operation not permitted' <<<"$output")" -eq 3 ]
	assert_output made
	# What was made by the runtime is still judged at each open, by its numbers.
	run box host --cap-add mknod --device "$device:m" sh -c "mknod /dev/spare c $(node_numbers "$device") && probe open /dev/spare r; probe open $device w; probe open $device path"
	[ "$output" = $'EPERM\nEPERM\nok' ]
	run box host --cap-add mknod --device "$device:rm" sh -c "mknod /dev/spare c $(node_numbers "$device") && probe open /dev/spare r; probe open /dev/spare w"
	[ "$output" = $'ok\nEPERM' ]
	# An exec is held by the same.
	stay held host --cap-add mknod sleep 1000
	run -0 jail exec held sh -c "$attempts"
	[ "$(grep -c 'Operation not permitted' <<<"$output")" -eq 3 ]
	assert_output made
}

@test "row 32: a file handle opens nothing" {
	local mode
	run -0 bare probe handle /etc
	[ "$output" = ok ] || vacuous open_by_handle_at
	for mode in "${MODES[@]}"; do
		for caps in '' 'dac_read_search' 'all --cap-drop sys_resource'; do
			# shellcheck disable=SC2086 # options
			run box "$mode" ${caps:+--cap-add $caps} probe handle /etc
			[ "$status" -ne 0 ]
			[[ $output == EPERM || $output == ENOSYS || $output == 'no handle: '* ]] || { echo "$mode $caps"; return 1; }
		done
	done
	# Without the filter it is the kernel, for whom the capability is one of the wrong user namespace.
	run box auto --cap-add dac_read_search --seccomp unconfined probe handle /etc/hosts
	[ "$status" -ne 0 ]
}

@test "row 18: the console is the instance's own" {
	local root mode
	for mode in "${MODES[@]}"; do
		root=$(rootfs con)
		rm -rf "${root:?}/dev"
		mkdir "$root/dev"
		ln -s "$CANARY/secret" "$root/dev/console"
		ln -s "$CANARY" "$root/dev/pts"
		ln -s "$CANARY/ptmx" "$root/dev/ptmx"
		[ "$(cat "$root/dev/console")" = secret ] || vacuous /dev/console
		run -0 timeout 30 script -qec "$JAIL_BUILD/jail run --rm --tty --rootfs $root --network none --userns $mode \
			stat -L -c '%F %t' /dev/console /dev/pts/0 /dev/fd/0" /dev/null </dev/null
		[ "$(tr -d '\r' <<<"$output" | sort -u)" = 'character special file 88' ]
	done
}

@test "row 52: no file system of the kernel's is mounted inside" {
	local mode type
	bare sh -c 'mount -t tmpfs t /mnt && cd /mnt && mkdir l u w m && mount -t overlay o m -o lowerdir=l,upperdir=u,workdir=w' ||
		vacuous overlay
	for mode in "${MODES[@]}"; do
		stay fs "$mode" sleep 1000
		jail exec fs mkdir -p /tmp/l /tmp/u /tmp/w
		for type in overlay fuse tmpfs bpf; do
			fails jail exec fs mount -t $type x /mnt -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w
			fails jail exec fs unshare -Urm mount -t $type x /mnt -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w
		done
		# fsopen
		run jail exec fs probe sys 430
		[[ $output == EPERM || $output == ENOSYS ]]
		run jail exec fs probe open /dev/fuse rw
		[ "$output" = ENOENT ]
		jail rm -f fs
	done
}

@test "row 63: of what an instance can read, nothing but jail-init is a file of the host" {
	local mode file
	# What would be the host's: our programs, and what is in /etc.
	for file in "$JAIL_BUILD"/jail* /etc/*; do
		[ ! -f "$file" ] || echo " $(node_of "$file") "
	done >"$BATS_TEST_TMPDIR/host"
	for mode in "${MODES[@]}"; do
		jail run --detach --name nodes --image probe --network none --userns "$mode" --cap-add sys_ptrace sh -c 'probe nodes /; sleep 1000' \
			>/dev/null
		wait_log nodes /proc/1/exe
		jail logs nodes >"$BATS_TEST_TMPDIR/inside"
		[ "$(grep -c '^node' "$BATS_TEST_TMPDIR/inside")" -ge 5 ]
		run grep -F -f "$BATS_TEST_TMPDIR/host" "$BATS_TEST_TMPDIR/inside"
		[ "$(awk '{ print $3 }' <<<"$output" | sort -u)" = "$(node_of "$JAIL_BUILD/jail-init")" ]
		jail rm -f nodes
	done
	# It has eyes to see them with.
	run -0 box host --mount "$JAIL_BUILD/jail:/mnt/x:ro" probe nodes /mnt
	grep -qF -f "$BATS_TEST_TMPDIR/host" <<<"$output" || vacuous nodes
}

# The probes of the tests above, where nothing protects: each has to say the contrary.
@test "rows 24 to 27, 29 to 31, 61, 68: control: in a plain chroot all of it is open" {
	local path
	bare mount -o remount,bind,rw /sys || vacuous remount
	for path in timer_list kallsyms interrupts; do
		[ "$(bare sh -c "head -c 1 /proc/$path | wc -c")" = 1 ] || vacuous "/proc/$path"
	done
	[ "$(bare probe open /proc/sys/kernel/core_pattern w)" = ok ] || vacuous core_pattern
	run bare probe walk /proc/sys/kernel
	[[ $output == *'writable /proc/sys/kernel/core_pattern'* ]] || vacuous walk
	run bare probe walk /sys/fs/cgroup
	[[ $output == *'/cgroup.procs'* ]] || vacuous 'the cgroup tree'
	run bare probe chrootbreak
	[[ $output == *ESCAPED* ]] || vacuous chrootbreak
	bare mount -t proc x /mnt || vacuous proc
	[ "$(bare sh -c 'mknod /tmp/null c 1 3; probe open /tmp/null r; rm /tmp/null')" = ok ] || vacuous mknod
}
