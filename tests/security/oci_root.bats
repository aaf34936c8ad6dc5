# SPDX-License-Identifier: GPL-2.0-or-later
# jail-oci against root file systems, volumes and neighbours that are hostile: what rootfs.bats is for jail. The number in
# a test's name is the row of docs/security.md.
# san: no, tests/oci is, and this is about races and what comes of them

# shellcheck disable=SC2016,SC2143 # expands inside; a failure shows what was found

load ../lib/bundles

setup_file() { bundles_setup_file; }
teardown_file() { oci_teardown_file; }
setup() { canary_make; }
teardown() { bundles_teardown; }

NO_DEV='.mounts |= map(select(.destination | startswith("/dev") | not))'

@test "row 14, 15, 19: jail-oci: whatever a root has at a mount target, nothing outside is touched" {
	local target kind mode what
	for target in /dev /dev/pts /dev/shm /dev/mqueue /dev/null /proc /sys; do
		for kind in absolute relative descriptor dangling file fifo; do
			mode=host
			[ "$kind" != absolute ] || mode=auto
			# With the mounts of an engine, and with a /dev that is the root's own.
			for what in . "$NO_DEV"; do
				[ "$what" = . ] || [[ $target == /dev* && $kind == @(absolute|relative|file) ]] || continue
				jar "$mode" "$what" 'echo started; grep -c " / /proc " /proc/self/mountinfo'
				trap_at "$(rootfs)" "$target" "$kind"
				try leaky --fd 9="$CANARY" -- run --bundle "$OCI_DIR/bundles/c" c
				[ "$status" -ne 124 ] || { echo "$target as $kind: it hangs"; return 1; }
				[ "$status" -ne 0 ] || equal $'started\n1' "$(grep -v warning <<<"$output")"
				canary_ok || { echo "$target as $kind, $mode"; return 1; }
			done
		done
	done
	trap_at "$(rootfs)" /dev absolute
	"$TOOLS/naive_root" "$(rootfs)"
	[ -e "$CANARY/made" ] && [ "$(readlink "$CANARY/ptmx")" = pts/ptmx ] || vacuous 'a file'
	canary_make
}

@test "row 15, 16: jail-oci: sysctls and labels are written to the kernel's own /proc, whatever is in its place" {
	local mode i ok=0 root swap
	local sysctl='.linux.sysctl = {"net.ipv4.ip_forward": "1"}'
	for mode in "${MODES[@]}"; do
		jar "$mode" "$sysctl" 'cat /proc/sys/net/ipv4/ip_forward'
		root=$(rootfs)
		mkdir -p "$root/fake/self/attr" "$root/fake/sys/net/ipv4"
		touch "$root/fake/self/attr/exec" "$root/fake/sys/net/ipv4/ip_forward"
		ln -s fake "$root/link"
		chmod -R 777 "$root/fake"
		[ "$mode" = host ] || chown -hR 100000:100000 "$root"
		"$TOOLS/swap" "$root/proc" "$root/link" 60 >/dev/null 3>&- 4>&- &
		swap=$!
		wait_until 10 test -L "$root/proc"
		for ((i = 0; i < ROUNDS; i++)); do
			try launch run
			[ "$status" -ne 0 ] || ok=$((ok + 1))
		done
		[ -z "$(find "$root/fake" -type f -size +0)" ]
		# The naive twin looks whether it is a link, and then writes.
		for ((i = 0; i < 100 * ROUNDS; i++)); do
			[ ! -L "$root/proc" ] || continue
			{ echo 1 >"$root/proc/sys/net/ipv4/ip_forward"; } 2>/dev/null || continue
			[ ! -s "$root/fake/sys/net/ipv4/ip_forward" ] || break
		done
		kill $swap
		wait $swap || :
		[ -n "$(find "$root/fake" -type f -size +0)" ] || vacuous swap
		# At rest it is refused.
		rm -rf "$root/proc" "$root/link"
		ln -s fake "$root/proc"
		refused /proc launch run
	done
	[ $ok -gt 0 ]
	run -0 within host "$sysctl" 'cat /proc/sys/net/ipv4/ip_forward'
	equal 1
}

@test "row 17, 25: jail-oci: masks do not come from the root, and have their effect" {
	local mode kind path
	for mode in "${MODES[@]}"; do
		for kind in link file missing; do
			jar "$mode" "$NO_DEV" 'cat /proc/timer_list /proc/keys /proc/latency_stats 2>/dev/null; ls -A /proc/acpi /proc/scsi /sys/firmware 2>/dev/null | grep -v :
				for p in /proc/timer_list /proc/keys; do stat -c %t:%T $p; umount $p 2>/dev/null && echo "umount $p"; done
				for p in bus fs irq sys; do touch /proc/$p/x 2>/dev/null && echo "write $p"; done; stat -c %t:%T /dev/null'
			case $kind in
			link) ln -s "$CANARY/secret" "$(rootfs)/dev/null" ;;
			file) echo decoy >"$(rootfs)/dev/null" ;;
			esac
			try launch run
			# A file of the root where a device has to be is an error, or is replaced. What covers files is the host's null.
			[ "$status" -ne 0 ] || equal $'1:3\n1:3\n1:3' "$(grep . <<<"$output")"
			canary_ok
		done
		[ "$status" -eq 0 ]
	done
	ln -sf "$CANARY/secret" "$(rootfs)/dev/null"
	run -0 unshare --mount sh -c 'mount --bind "$1/dev/null" "$1/etc/passwd"; cat "$1/etc/passwd"' - "$(rootfs)"
	[ "$output" = secret ] || vacuous /dev/null
}

@test "row 18: jail-oci: the console is the container's own" {
	local mode what
	for mode in "${MODES[@]}"; do
		for what in . "$NO_DEV"; do
			jar "$mode" "$what | .process.terminal = true" "stat -L -c '%F %t' /dev/console /dev/fd/0"
			ln -s "$CANARY/secret" "$(rootfs)/dev/console"
			ln -s "$CANARY" "$(rootfs)/dev/pts"
			ln -s "$CANARY/ptmx" "$(rootfs)/dev/ptmx"
			[ "$(cat "$(rootfs)/dev/console")" = secret ] || vacuous /dev/console
			run timeout 30 script -qec "$OCI_RUNTIME --root $OCI_DIR/root run --bundle $OCI_DIR/bundles/c c" /dev/null </dev/null
			[ "$status" -ne 0 ] || equal 'character special file 88' "$(grep -o 'character special file [0-9a-f]*\|regular.*' <<<"$output" | sort -u)"
			[ "$what" != . ] || [ "$status" -eq 0 ]
			canary_ok
		done
	done
}

@test "row 20, 22: jail-oci: a neighbour that swaps directory and link in a shared volume wins no mount" {
	local i won=0 ok=0 mode
	swap_volume
	bundle neighbour '.mounts += [{"destination": "/v", "type": "bind", "source": "'"$VOLUME"'", "options": ["rbind"]}]' \
		'.process.args = ["swap", "/v/d", "/v/l", "60"]'
	mkdir "$(rootfs neighbour)/v"
	create neighbour
	oci start neighbour
	wait_until 10 test -L "$VOLUME/d"
	for mode in "${MODES[@]}"; do
		for ((i = 0; i < ROUNDS / 2; i++)); do
			if [ $((i % 25)) -eq 0 ]; then
				jar "$mode" . 'cat /proc/self/mountinfo'
				mkdir -p "$(rootfs)/v"
			fi
			# A mount point in the volume that exists, and one to be made.
			jq --arg v "$VOLUME" --arg new "/v/d/new$mode$i/f" '.mounts |= map(select(.destination | startswith("/v") | not)) + [
				{destination: "/v", type: "bind", source: $v, options: ["rbind"]}, {destination: "/v/d/x", type: "tmpfs", source: "t"},
				{destination: $new, type: "bind", source: ($v + "/d"), options: ["bind"]}]' "$OCI_DIR/bundles/c/config.json" >"$OCI_DIR/new"
			mv "$OCI_DIR/new" "$OCI_DIR/bundles/c/config.json"
			try launch run
			[ "$status" -eq 0 ] || continue
			ok=$((ok + 1))
			! awk -v canary="$CANARY" '$5 ~ "^/v/d/x" && index($4, canary) { bad = 1 } END { exit !bad }' <<<"$output" || won=$((won + 1))
		done
	done
	[ $won -eq 0 ]
	[ $ok -gt 0 ]
	canary_ok
	naive_mount_points
	oci delete --force neighbour
}

@test "row 23: jail-oci: delete does not descend into what is mounted" {
	local mode
	for mode in "${MODES[@]}"; do
		jar_up "$mode" '.mounts += [{"destination": "/data", "type": "bind", "source": "'"$CANARY"'", "options": ["rbind"]}]' \
			'ln -s /data /link; exec sleep 1000'
		wait_until 10 test -L "$(rootfs)/link"
		kill -KILL "$(pid_in c)"
		oci delete --force c
		[ -d "$(rootfs)/data" ]
		canary_ok
		oci delete --force c
		canary_ok
	done
	mkdir "$BATS_TEST_TMPDIR"/{tree,data}
	touch "$BATS_TEST_TMPDIR/data/file"
	unshare --mount sh -c 'mount --bind "$1/data" "$1/tree" && rm -rf "$1/tree"' - "$BATS_TEST_TMPDIR" 2>/dev/null || :
	[ ! -e "$BATS_TEST_TMPDIR/data/file" ] || vacuous rm
}

@test "row 24, 29, 30: jail-oci: no mount is changed, made or brought to the host from inside" {
	local mode before
	before=$(sort /proc/self/mountinfo)
	for mode in "${MODES[@]}"; do
		run -0 within "$mode" "$(caps SYS_CHROOT)" '
			for m in $(awk "{ print \$2 }" /proc/mounts | sort -u); do
				for o in remount,rw remount,bind,rw remount,bind,suid,dev,exec; do
					mount -o $o $m 2>/dev/null && echo "remount $m $o"
				done
			done
			for t in proc sysfs tmpfs; do mount -t $t x /mnt 2>/dev/null && echo "mount $t"; done
			probe chrootbreak | tail -n 1'
		equal contained
	done
	# As root of its own user namespace it may mount; nobody else sees it, also where the engine asks for shared mounts.
	run -0 within auto "$(caps SYS_ADMIN) | .linux.rootfsPropagation = \"shared\"" 'mount -t tmpfs row29 /mnt && echo mounted'
	equal mounted
	[ "$before" = "$(sort /proc/self/mountinfo)" ]
	bare mount -o remount,bind,rw /sys || vacuous remount
	bare mount -t proc x /mnt || vacuous proc
	run bare probe chrootbreak
	[[ $output == *ESCAPED* ]] || vacuous chrootbreak
}

@test "row 26, 27, 61, 68: jail-oci: the files that the kernel trusts, and the cgroup's, do not open for writing" {
	local mode caps
	for mode in "${MODES[@]}"; do
		for caps in . "$(caps CHOWN FOWNER SETUID)"; do
			run -0 within "$mode" "$caps" "for f in $(xargs <<<"$SINKS"); do echo \$f \$(probe open \$f w); done"
			[ "${#lines[@]}" -ge 15 ]
			[ -z "$(grep ' ok$' <<<"$output")" ] || { grep ' ok$' <<<"$output"; return 1; }
			run within "$mode" "$caps" 'probe walk /proc; probe walk /sys; mkdir /sys/fs/cgroup/x 2>/dev/null && echo made'
			refute_output stopped
			[ "$(grep -c ^looked <<<"$output")" -eq 2 ]
			refute_output made
			# /proc/pressure, whose files take triggers of all users, is not among those that this configuration wants read-only.
			grep '^writable' <<<"$output" | sed 's/^writable //' | grep -vE '^/proc/((self|thread-self|[0-9]+)/|pressure/)' | grep -vxFf <(grep -v '^#' "$BATS_TEST_DIRNAME/writable.$mode") \
				>"$BATS_TEST_TMPDIR/new" || :
			[ ! -s "$BATS_TEST_TMPDIR/new" ] || { echo "new ($mode, $caps):"; cat "$BATS_TEST_TMPDIR/new"; return 1; }
		done
		fails within "$mode" . 'mount -t cgroup -o rdma x /mnt || mount -t cgroup2 x /mnt'
	done
	[ "$(bare probe open /proc/sys/kernel/core_pattern w)" = ok ] || vacuous core_pattern
	run bare probe walk /sys/fs/cgroup
	[[ $output == *'/cgroup.procs'* ]] || vacuous 'the cgroup tree'
	# Of a tree that is asked for as writable the limits stay the host's.
	run -0 within auto '.mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end)' \
		'probe walk /sys/fs/cgroup'
	equal '/sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/cgroup.subtree_control /sys/fs/cgroup/cgroup.threads' \
		"$(sed -n 's/^writable //p' <<<"$output" | sort | xargs)"
}

@test "row 28: jail-oci: no value or annotation smuggles a setting of the host's in" {
	local mode key
	for mode in "${MODES[@]}"; do
		jar "$mode" . 'echo it ran'
		while IFS= read -r key; do
			config c ".linux.sysctl = {$key}"
			refused sysctl launch run
			refute_output 'it ran'
		done <<-'END'
			"kernel.core_pattern": "|/evil"
			"kernel/core_pattern": "|/evil"
			"kernel.shm_rmid_forced=1+kernel.core_pattern": "|/evil"
			"kernel.shm_rmid_forced": "1+kernel.core_pattern=|/evil"
			"kernel.shm_rmid_forced": "+kernel.core_pattern=|/evil"
			"net/ipv4/../../kernel/core_pattern": "|/evil"
			"net.ipv4.conf.all/../../../kernel/core_pattern": "|/evil"
			"net.ipv4.conf.all/..": "1"
			"net..ipv4.ip_forward": "1"
			"net.ipv4.ip_forward\n": "1"
			"net.": "1"
			"..": "1"
			"": "1"
			"kernel.modprobe": "/evil"
			"user.max_user_namespaces": "0"
			"fs.binfmt_misc.register": ":x:M::x::/evil:"
		END
		canary_ok
		# One write of one file: what follows a line feed is no setting.
		jar "$mode" '.linux.sysctl = {"kernel.shm_rmid_forced": "1\nkernel.core_pattern=|/evil"}' 'cat /proc/sys/kernel/shm_rmid_forced'
		try launch run
		[ "$status" -ne 0 ] || equal 1
		canary_ok
		# Notes of engines are notes.
		run -0 within "$mode" '.annotations = {"io.kubernetes.cri-o.sysctl": "kernel.core_pattern=|/evil", "kernel.core_pattern": "|/evil",
			"org.systemd.property.ExecStartPre": "[(\"/evil\", [\"/evil\"], true)]", "a\nb": "c\nd", "hooks": "/evil"}' 'echo fine'
		equal fine
		canary_ok
	done
	# The naive twin passes text on to a program that takes a list.
	run bash -c 'tr "+" "\n" <<<"kernel.shm_rmid_forced=1+kernel.core_pattern=x" | cut -d= -f1'
	[ "${lines[1]}" = kernel.core_pattern ] || vacuous list
}

@test "row 31: jail-oci: devices can neither be made nor used, wherever" {
	local mode try
	try='for place in / /dev /tmp /dev/shm /vol; do
			for dev in "b 8 0" "b 7 0" "b 254 0" "c 1 1" "c 1 11" "c 10 200" "c 10 229" "c 10 237"; do
				n=$place/n$(echo $dev | tr -d " ")
				mknod $n $dev 2>/dev/null || continue
				for how in r w; do [ "$(probe open $n $how)" != ok ] || echo "OPEN $n"; done
				rm $n
			done
			[ "$(probe open $place/null.host r)" != ok ] || echo "OPEN $place/null.host"
		done; echo tried'
	mkdir -m 777 "$BATS_TEST_TMPDIR/vol"
	mknod -m 666 "$BATS_TEST_TMPDIR/vol/null.host" c 1 11
	for mode in "${MODES[@]}"; do
		for how in . "$(caps MKNOD)"; do
			run -0 within "$mode" "$how"' | .mounts += [{"destination": "/vol", "type": "bind", "source": "'"$BATS_TEST_TMPDIR"'/vol",
				"options": ["bind", "nodev"]}]' "$try"
			equal tried
		done
	done
	[ "$(bare sh -c 'mknod /tmp/null c 1 3; probe open /tmp/null r; rm /tmp/null')" = ok ] || vacuous mknod
}

@test "row 32, 52: jail-oci: a file handle opens nothing, no file system is mounted" {
	local mode type
	[ "$(bare probe handle /etc)" = ok ] || vacuous open_by_handle_at
	bare sh -c 'mount -t tmpfs t /mnt && mkdir /mnt/l /mnt/u /mnt/w /mnt/m && cd /mnt && mount -t overlay o m -o lowerdir=l,upperdir=u,workdir=w' ||
		vacuous overlay
	for mode in "${MODES[@]}"; do
		run within "$mode" . 'probe handle /etc; cd /dev/shm; mkdir l u w
			for t in overlay fuse bpf; do mount -t $t x /mnt -o lowerdir=l,upperdir=u,workdir=w 2>/dev/null && echo "mount $t"; done
			probe open /dev/fuse rw'
		equal $'EPERM\nENOENT'
	done
	# With the capability, but in its own user namespace, the kernel refuses.
	run within auto "$(caps DAC_READ_SEARCH)" 'probe handle /etc'
	equal EPERM
}
