# SPDX-License-Identifier: GPL-2.0-or-later
# Ids, capabilities, system calls, keyrings, terminals: what a process of an instance may do. The number in a test's
# name is the row of docs/security.md.

# Keyrings, and a kernel that lets a terminal's input be faked:
# vm: too
# vm: filter=row 58|row 59

# shellcheck disable=SC2016,SC2143 # expands inside; a failure shows what was found

load ../lib/common
load ../lib/security

setup_file() { security_setup_file; }
teardown_file() { jail_teardown_file; }
setup() { security_setup; }
teardown() { security_teardown; }

@test "row 53: groups are those of the spec, whatever the caller has" {
	local mode
	for mode in "${MODES[@]}"; do
		local jail=("$JAIL_BUILD/jail" run --rm --image probe --network none --userns "$mode")
		run -0 leak --groups 4,6,27 -- "${jail[@]}" sh -c 'id -u; id -g; id -G'
		[ "$(xargs <<<"$output")" = '0 0 0' ]
		run -0 leak --groups 4,6,27 -- "${jail[@]}" --user user sh -c 'id -u; id -g; id -G'
		[ "$(xargs <<<"$output")" = '1000 1000 1000 4' ]
		run -0 leak --groups 4,6,27 -- "${jail[@]}" --user 1000:33 sh -c 'id -u; id -g'
		[ "$(xargs <<<"$output")" = '1000 33' ]
		run -0 leak --groups 4,6,27 -- "${jail[@]}" --user 4000 sh -c 'id -u; id -G'
		[ "$(xargs <<<"$output")" = '4000 0' ]
		stay groups "$mode" sleep 1000
		run -0 leak --groups 4,6,27 -- "$JAIL_BUILD/jail" exec --user 1000:33 groups grep Groups /proc/self/status
		refute_output 27
		run -0 leak --groups 4,6,27 -- "$JAIL_BUILD/jail" exec groups id -G
		[ "$output" = 0 ]
		jail rm -f groups
	done
}

# The five sets: Inh Prm Eff Bnd Amb.
sets() { awk '/^Cap/ { print $2 }' <<<"$1" | xargs; }

@test "row 54: inheritable and ambient are empty, a user that is not root has none" {
	local mode n=0000000000000000 who
	for mode in "${MODES[@]}"; do
		for who in 0 1000; do
			run -0 leak --ambient -- "$JAIL_BUILD/jail" run --rm --image probe --network none --userns "$mode" \
				--user $who --cap-add net_admin probe status
			read -r inh prm eff bnd amb <<<"$(sets "$output")"
			[ "$inh $amb" = "$n $n" ]
			[ "$bnd" != "$n" ]
			if [ $who = 0 ]; then
				[ "$prm $eff" = "$bnd $bnd" ]
			else
				[ "$prm $eff" = "$n $n" ]
			fi
			stay caps "$mode" --cap-add net_admin sleep 1000
			run -0 leak --ambient -- "$JAIL_BUILD/jail" exec --user $who caps probe status
			[ "$(sets "$output")" = "$inh $prm $eff $bnd $amb" ]
			jail rm -f caps
		done
		fails box "$mode" --cap-add no_such true
	done
	echo '{"image": "probe", "process": {"args": ["true"]}, "security": {"capabilities": ["CAP_NO_SUCH"]}}' \
		>"$BATS_TEST_TMPDIR/spec.json"
	fails jail spec --validate "$BATS_TEST_TMPDIR/spec.json"
}

@test "row 55: no user namespace inside, and what is behind one stays closed" {
	local mode user nr
	for mode in "${MODES[@]}"; do
		for user in 0 1000; do
			stay nested "$mode" --user $user sleep 1000
			# unshare(NEWUSER), clone(NEWUSER|SIGCHLD), setns
			for nr in '272 0x10000000' '56 0x10000011' '308 0 0'; do
				# shellcheck disable=SC2086 # a number and arguments
				run jail exec nested probe sys $nr
				[[ $status -ne 0 && ( $output == EPERM || $output == ENOSYS || $output == ENOSPC || $output == EBADF ) ]] ||
					{ echo "$mode $user $nr: $output"; return 1; }
			done
			run jail exec nested probe sys 435 0 0
			[ "$output" = ENOSYS ]
			# fsopen fsconfig fsmount fspick open_tree move_mount mount_setattr
			for nr in 430 431 432 433 428 429 442; do
				run jail exec nested probe sys $nr -1 -1 -1
				[[ $output == EPERM || $output == ENOSYS ]] || { echo "$mode $user $nr: $output"; return 1; }
			done
			# NETLINK_NETFILTER
			run jail exec nested probe sock 16 3 12
			[ "$status" -ne 0 ] || [ "$user" = 0 ]
			jail rm -f nested
		done
	done
	run -0 box auto cat /proc/sys/user/max_user_namespaces
	[ "$output" = 0 ]
	fails box auto probe open /proc/sys/user/max_user_namespaces w
	# Without the filter it is the limit that holds.
	fails box auto --seccomp unconfined unshare -U true
	fails box auto --seccomp unconfined --cap-add all unshare -U true
}

@test "row 56: other ABIs, high bits and newer calls do not get by the filter" {
	local mode
	for mode in "${MODES[@]}"; do
		stay abi "$mode" --cap-add all --cap-drop sys_resource sleep 1000
		# x32: killed, whatever the number. The filter of i386 is that of x86-64: not another way to the same call.
		jail exec abi probe sysx32 all >"$BATS_TEST_TMPDIR/x32"
		run -1 grep -vE ' (SIG31|skipped)$' "$BATS_TEST_TMPDIR/x32"
		jail rm -f abi
		stay abi "$mode" sleep 1000
		# mount umount2 init_module add_key request_key keyctl unshare(NEWUSER) setns perf_event_open open_by_handle_at
		# finit_module bpf userfaultfd io_uring_* open_tree move_mount fsopen fsconfig clone3 mount_setattr kexec_load
		# swapon settimeofday clock_settime, and the multiplexers' socket(AF_VSOCK)
		for nr in 21 52 128 286 287 288 '310 0x10000000' 336 342 350 357 374 425 426 427 428 429 430 431 435 442 283 87 \
			79 264 '102 1'; do
			# shellcheck disable=SC2086 # a number and arguments
			run jail exec abi probe sys32 $nr
			[[ $output == EPERM || $output == ENOSYS ]] || { echo "i386 $nr: $output ($mode)"; return 1; }
		done
		jail rm -f abi
		# io_uring_setup, enter, register; userfaultfd; bpf; perf_event_open; kexec; modules; ptrace is allowed.
		stay abi "$mode" sleep 1000
		for nr in 425 426 427 323 321 298 246 320 175 313 176 155 161 163 167 168 169 172 173 212 304; do
			run jail exec abi probe sys $nr -1 -1 -1 -1 -1 -1
			[[ $output == EPERM || $output == ENOSYS ]] || [ "$nr" = 161 ] || { echo "$nr: $output ($mode)"; return 1; }
		done
		# A number that nobody knows, and those beyond: not there, so that programs fall back.
		for nr in 470 480 599 1000; do
			run jail exec abi probe sys $nr
			[ "$output" = ENOSYS ]
		done
		jail rm -f abi
	done
}

@test "row 57: socket families: unix, inet, inet6, netlink(route)" {
	local mode family
	for mode in "${MODES[@]}"; do
		stay sock "$mode" sleep 1000
		for family in $(seq 0 46); do
			run jail exec sock sh -c "probe sock $family 1; probe sock $family 2; probe sock $family 3; probe sock $((family + (1 << 32))) 3"
			case $family in
			1 | 2 | 10 | 16) assert_output ok ;;
			*)	[ -z "$(grep -x ok <<<"$output")" ] || { echo "family $family: $output ($mode)"; return 1; } ;;
			esac
		done
		run jail exec sock probe sock 40 1
		[[ $output == EPERM || $output == EAFNOSUPPORT ]]
		run jail exec sock probe sock 38 5
		[[ $output == EPERM || $output == EAFNOSUPPORT ]]
		run jail exec sock probe sock32 40 1
		[[ $status -gt 128 || $output != ok ]]
		jail rm -f sock
	done
}

@test "row 58: keys of the host are not reachable, nor used up" {
	local mode before key
	keyctl new_session >/dev/null 2>&1 || skip 'no keyrings here'
	keyctl add user row58 secret @u >/dev/null
	# KEYCTL_SEARCH's result, where nothing protects.
	key=$(keyctl search @u user row58)
	[ -n "$key" ] && bare grep -q row58 /proc/keys || vacuous keyctl
	before=$(awk '$1 == "0:" { print $2 }' /proc/key-users)
	for mode in "${MODES[@]}"; do
		# add_key, request_key, keyctl
		for nr in 248 249 250; do
			run box "$mode" probe sys $nr 0 0 0
			[[ $output == EPERM || $output == ENOSYS ]]
		done
		run -0 box "$mode" cat /proc/keys
		[ -z "$output" ]
		# With the filter off: the session keyring is a fresh one, of its own each time.
		stay keys "$mode" --seccomp unconfined sleep 1000
		run -0 jail exec keys probe status
		assert_output 'session: keyring'
		refute_output row58
		# KEYCTL_SEARCH(10) of the user's keyring(-4): with own ids it is another user.
		[ "$mode" = host ] || { run jail exec keys probe sys 250 6 -4 0 0; refute_output row58; }
		jail rm -f keys
	done
	local i
	for i in $(seq 20); do
		box auto true
	done
	# Not one for each; others on the machine have theirs.
	wait_until 30 keys_below $((before + 20))
	keyctl unlink "$(keyctl search @u user row58)" @u
}
keys_below() { [ "$(awk '$1 == "0:" { print $2 }' /proc/key-users)" -lt "$1" ]; }

# on_tty COMMAND: with a new terminal as the caller's; afterwards what the terminal would give to its shell.
on_tty() {
	# script passes the end of its input on as ^D, which arrives as a byte when the terminal is raw just then.
	timeout 30 script -qec "$1; read -t 1 line; echo \"left: [\$line]\"" /dev/null </dev/null | tr -d '\r\b\004' |
		sed 's/\^D//g'
}

@test "row 59: no input is pushed into the caller's terminal" {
	local mode what high
	cat >"$BATS_TEST_TMPDIR/push" <<-END
		$JAIL_BUILD/jail "\$@"
	END
	for mode in "${MODES[@]}"; do
		stay tty "$mode" sleep 1000
		for high in '' hi; do
			for what in "run --rm --image probe --network none --userns $mode" \
				"run --rm --interactive --image probe --network none --userns $mode" \
				"run --rm --tty --image probe --network none --userns $mode" \
				"exec tty" "exec --interactive tty" "exec --tty tty" "exec --tty --interactive tty"; do
				run on_tty "$JAIL_BUILD/jail $what probe ioctl TIOCSTI $high \$'touch pwn\\n'"
				assert_output 'left: []'
				refute_output '0 ok'
				refute_output '1 ok'
				refute_output '2 ok'
				refute_output '/dev/tty ok'
				run on_tty "$JAIL_BUILD/jail $what probe ioctl TIOCLINUX $high"
				refute_output ' ok'
			done
		done
		# The same with the filter off: it is not the caller's terminal.
		run on_tty "$JAIL_BUILD/jail run --rm --tty --seccomp unconfined --cap-add all --image probe --network none \
			--userns $mode probe ioctl TIOCSTI \$'touch pwn\\n'"
		assert_output 'left: []'
		jail rm -f tty
	done
}

@test "row 59: a program that is given the terminal does" {
	[ "$(cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1)" = 1 ] || skip 'this kernel refuses TIOCSTI'
	run on_tty "setsid -c $TOOLS/probe ioctl TIOCSTI \$'pushed\\n'"
	[[ $output == *'0 ok'* ]] || run on_tty "$TOOLS/probe ioctl TIOCSTI \$'pushed\\n'"
	[[ $output == *' ok'* ]] || vacuous TIOCSTI
}

@test "row 60: ids of 50 instances are disjoint, and belong to no user of the host" {
	local i
	for i in $(seq 50); do
		jail create --image probe --network none "id$i" sleep 1000 >/dev/null
	done
	jail inspect --json $(seq -f 'id%g' 50) | jq -r '.[].ids | "\(.first) \(.count)"' | sort -n >"$BATS_TEST_TMPDIR/ids"
	[ "$(grep -c . "$BATS_TEST_TMPDIR/ids")" -eq 50 ]
	awk '$1 < end || $2 != 65536 { exit 1 } { end = $1 + $2 }' "$BATS_TEST_TMPDIR/ids"
	# Neither those of /etc/subuid nor of a user.
	local first count
	while read -r first count; do
		awk -F: -v a="$first" -v n="$count" '$2 < a + n && a < $2 + $3 { exit 1 }' /etc/subuid
		awk -F: -v a="$first" -v n="$count" '$3 >= a && $3 < a + n { exit 1 }' /etc/passwd
	done <"$BATS_TEST_TMPDIR/ids"
	# What the kernel has.
	jail start id1 id2 id3
	for i in 1 2 3; do
		[ "$(awk '{ print $1, $2, $3 }' "/proc/$(pid_of "id$i")/uid_map")" = "0 $(field "id$i" .ids.first) 65536" ]
		diff "/proc/$(pid_of "id$i")/uid_map" "/proc/$(pid_of "id$i")/gid_map"
	done
	# Per-user pools are per instance: one fills its keys and inotify instances, the other has all of its own.
	run jail exec id1 sh -c 'ulimit -i; for i in $(seq 200); do inotifyd - /tmp & done 2>/dev/null; kill $(jobs -p)'
	run -0 jail exec id2 sh -c 'inotifyd - /tmp & sleep 0.1; kill %1'
}

@test "row 62: a crash inside starts nothing of the host and leaves nothing" {
	local mode
	for mode in "${MODES[@]}"; do
		run -0 box "$mode" sh -c 'ulimit -c; sh -c "kill -SEGV \$\$"; ls /; ls -A /tmp'
		[[ ${lines[0]} == [01] ]]
		refute_output core
		run -0 box "$mode" probe status
		[[ $output =~ rlimit\ 4:\ ([01])\  ]]
	done
}

# ids_of USER: "UID GID" of a program, or "refused".
ids_of() {
	run timeout 10 "$JAIL_BUILD/jail" run --rm --rootfs "$USERS" --network none --user "$1" sh -c 'echo $(id -u) $(id -g)'
	[ "$status" -ne 124 ] || { echo "it hangs: $1" >&2; return 1; }
	[ "$status" -eq 0 ] || output=refused
	echo "$output"
}

@test "row 46: a user is exactly the one that is meant, or refused" {
	local line passwd
	USERS=$(rootfs users)
	chmod 755 "$USERS"
	{
		echo 'root:x:0:0::/:/bin/sh'
		# Names that are numbers, or look like others.
		echo '1000:x:0:0::/:/bin/sh'
		echo '4294967296:x:0:0::/:/bin/sh'
		echo '-1:x:0:0::/:/bin/sh'
		echo 'zero:x:4294967296:0::/:/bin/sh'
		echo 'octal:x:010:0::/:/bin/sh'
		echo 'plus:x:+5:0::/:/bin/sh'
		echo 'well:x:33:34::/:/bin/sh'
	} >"$USERS/etc/passwd"
	# The naive twin: the name is looked for first.
	[ "$(awk -F: '$1 == "1000" { print $3 }' "$USERS/etc/passwd")" = 0 ] || vacuous passwd
	while read -r line; do
		[ "$(ids_of "${line% -> *}")" = "${line#* -> }" ] || { echo "$line, not: $(ids_of "${line% -> *}")"; return 1; }
	done <<-END
		well -> 33 34
		1000 -> 1000 0
		65533 -> 65533 0
		well:7 -> 33 7
		zero -> refused
		plus -> refused
		0x0 -> refused
		+1 -> refused
		-1 -> refused
		2147483648 -> refused
		4294967295 -> refused
		4294967296 -> refused
		99999999999999 -> refused
		1: -> refused
		:1 -> refused
		1:1:1 -> refused
		no_such -> refused
	END
	for passwd in fifo /dev/zero /proc/kmsg huge; do
		rm -f "$USERS/etc/passwd"
		case $passwd in
		fifo) mkfifo "$USERS/etc/passwd" ;;
		huge) truncate -s 2G "$USERS/etc/passwd" ;;
		*) ln -s $passwd "$USERS/etc/passwd" ;;
		esac
		[ "$(ids_of well)" = refused ]
	done
}

# The probes of the tests above, where nothing protects: each has to say the contrary.
@test "rows 53 to 57, 62: control: in a plain chroot none of it is refused" {
	local output
	output=$(leak --groups 4,6,27 -- "$TOOLS/probe" status)
	[[ $output == *'4 6 27'* ]] || vacuous groups
	read -r inh prm eff bnd amb <<<"$(sets "$(leak --ambient -- "$TOOLS/probe" status)")"
	[ "$((16#$inh))" -ne 0 ] && [ "$((16#$amb))" -ne 0 ] || vacuous capabilities
	[ "$("$TOOLS/probe" sys 272 0x10000000)" = 0 ] || vacuous unshare
	[ "$("$TOOLS/probe" sys32 310 0x10000000)" = 0 ] || vacuous 'unshare of i386'
	[ "$(bare probe sys 430 -1 -1)" = EINVAL ] || vacuous fsopen
	# 36 is sync(2).
	[ "$(bare probe sys32 36)" = 0 ] || vacuous i386
	! bare probe sysx32 all | grep -q SIG31 || vacuous x32
	[ "$(bare probe sock 17 3)" = ok ] || vacuous AF_PACKET
	(ulimit -c 4 && [[ $("$TOOLS/probe" status) == *'rlimit 4: 4096 '* ]]) || vacuous RLIMIT_CORE
}
