# SPDX-License-Identifier: GPL-2.0-or-later
# jail-oci: entering a container, what its processes may do, its state and its life: what entering.bats, creds.bats and
# state.bats are for jail. The number in a test's name is the row of docs/security.md.
# san: no, tests/oci is, and this is about races and what comes of them

# shellcheck disable=SC2001,SC2016,SC2143 # lines; expands inside; a failure shows what was found

load ../lib/bundles

setup_file() { bundles_setup_file; }
teardown_file() { oci_teardown_file; }
setup() { canary_make; }
teardown() { bundles_teardown; }

NET_HOST='.linux.namespaces |= map(select(.type != "network"))'

@test "row 1: jail-oci: the runtime's program cannot be opened for writing from inside (run, exec)" {
	local mode copy=$BATS_TEST_TMPDIR/copy before i
	mkdir -m 755 "$copy"
	cp "$JAIL_BUILD"/jail-oci "$JAIL_BUILD"/jail-oci-full "$TOOLS/naive_enter" "$copy"
	before=$(cd "$copy" && sha256sum jail* && stat -c '%n %i %a %u %Y' jail*)
	local OCI_RUNTIME=$copy/jail-oci
	for mode in "${MODES[@]}"; do
		jar "$mode" "$(caps SYS_PTRACE DAC_OVERRIDE) | .process.args = [\"probe\", \"exegrab\", \"2\"]"
		printf '#!/proc/self/exe\n' >"$(rootfs)/bin/t"
		chmod 755 "$(rootfs)/bin/t"
		pour
		oci start c
		for ((i = 0; i < ROUNDS; i++)); do
			oci exec c /bin/t >/dev/null 2>&1 || :
			! state_is c stopped || break
		done
		wait_stopped c
		wait_out tries
		run -0 out
		like 'writable 0'
		refute_output WRITABLE
		# And as the first program.
		config c '.process.args = ["/bin/t"]'
		oci delete c
		try launch run
		[ "$status" -ne 0 ]
	done
	[ "$before" = "$(cd "$copy" && sha256sum jail* && stat -c '%n %i %a %u %Y' jail*)" ]
	jar_up host "$(caps SYS_PTRACE) | .process.args = [\"probe\", \"exegrab\", \"3\"]"
	for ((i = 0; i < ROUNDS; i++)); do
		"$copy/naive_enter" "$(pid_in c)" /bin/true 2>/dev/null || break
		! grep -q WRITABLE "$OCI_DIR/bundles/c/out" || break
	done
	wait_stopped c
	grep -q WRITABLE "$OCI_DIR/bundles/c/out" || vacuous exegrab
}

@test "row 2: jail-oci: no descriptor of the caller's gets in, or leads out as directory or program" {
	local mode n what
	for mode in "${MODES[@]}"; do
		jar "$mode" '.process.args = ["probe", "fds"]'
		for n in $(seq 3 64); do
			ln -s "/proc/self/fd/$n" "$(rootfs)/w$n"
		done
		run -0 leaky --fds "$CANARY" -- run --bundle "$OCI_DIR/bundles/c" c
		only_stdio "$output"
		for n in 3 4 5 6 7 8 9 10 12 16 63 64; do
			for what in "/proc/self/fd/$n" "/w$n"; do
				config c ".process.cwd = \"$what\" | .process.args = [\"probe\", \"cwd\"]"
				try leaky --fds "$CANARY" -- run --bundle "$OCI_DIR/bundles/c" c
				[ "$status" -ne 0 ] || like '^getcwd /'
				refute_output "$(node_of "$CANARY")"
			done
			config c ".process.cwd = \"/\" | .process.args = [\"/proc/self/fd/$n/../..$TOOLS/probe\", \"fds\"]"
			try leaky --fds / -- run --bundle "$OCI_DIR/bundles/c" c
			[ "$status" -ne 0 ]
		done
		config c '.process.args = ["sleep", "1000"]'
		leaky --fds "$CANARY" -- create --bundle "$OCI_DIR/bundles/c" c </dev/null >/dev/null 2>&1
		oci start c
		run -0 oci exec c sh -c 'ls -l /proc/1/fd'
		refute_output "$OCI_DIR"
		run -0 leaky --fds "$CANARY" -- exec c probe fds
		only_stdio "$output"
		for n in $(seq 3 64); do
			for what in "/proc/self/fd/$n" "/w$n"; do
				run leaky --fds "$CANARY" -- exec --cwd "$what" c probe cwd
				[ "$status" -ne 0 ] || like '^getcwd /'
				refute_output "$(node_of "$CANARY")"
			done
			fails leaky --fds / -- exec c "/proc/self/fd/$n/../..$TOOLS/probe" fds
		done
		oci delete --force c
	done
	jar_up host .
	cd "$CANARY"
	run leak --fds "$CANARY" -- "$TOOLS/naive_enter" "$(pid_in c)" probe cwd
	[[ $output == *"$(node_of "$CANARY")"* ]] || vacuous cwd
}

# A root on a file system of its own, so that what is found outside of it can be told from it.
apart() {
	mount -t tmpfs -o mode=755 apart "$(rootfs)"
	cp -a "$TREE/." "$(rootfs)"
}

@test "row 3: jail-oci: a joiner is not caught with anything of the host by CAP_SYS_PTRACE" {
	local mode i
	for mode in "${MODES[@]}"; do
		jar "$mode" "$(caps SYS_PTRACE)" 'probe stalk 3; echo ended'
		apart
		pour
		oci start c
		for ((i = 0; i < 3 * ROUNDS; i++)); do
			oci exec c true </dev/null >/dev/null 2>&1 || break
		done
		wait_stopped c
		wait_out ended
		cp "$OCI_DIR/bundles/c/out" "$BATS_TEST_TMPDIR/log"
		grep -q '^looked' "$BATS_TEST_TMPDIR/log"
		stalked_ok "$BATS_TEST_TMPDIR/log"
		[ "$mode" = host ] || run -1 grep -F " $(node_of "$OCI_RUNTIME")" "$BATS_TEST_TMPDIR/log"
		oci delete c
		umount "$(rootfs)"
	done
	jar host "$(caps SYS_PTRACE)" 'probe stalk 2; echo ended'
	apart
	pour
	oci start c
	for ((i = 0; i < ROUNDS; i++)); do
		leak --fd 9="$CANARY" -- "$TOOLS/naive_enter" "$(pid_in c)" /bin/true 2>/dev/null || break
	done
	wait_stopped c
	wait_out ended
	oci delete c
	umount "$(rootfs)"
	! stalked_ok "$OCI_DIR/bundles/c/out" 2>/dev/null || vacuous stalk
}

# hook_at KIND PATH FILE: as a lifecycle hook of "c".
hook_at() {
	config c ".hooks.$1 = [{\"path\": \"$2\", \"args\": [\"name of $1\", \"$3\", \"two words\"], \"env\": [\"A=1\"]}]"
}

@test "row 6, 87: jail-oci: what hooks get, at each point: arguments, environment, directory, descriptors, state" {
	local mode kind out dir=$OCI_DIR/hooks
	local hook=$dir/hook
	mkdir -m 777 "$dir"
	echo "#include <fcntl.h>
		__attribute__((constructor)) static void pwn(void) { creat(\"$CANARY/pwn\", 0600); }" >"$BATS_TEST_TMPDIR/evil.c"
	gcc -shared -fPIC -o "$BATS_TEST_TMPDIR/evil.so" "$BATS_TEST_TMPDIR/evil.c"
	# Not static, so that LD_PRELOAD would mean something to it.
	gcc -o "$hook" "$TOP/tests/helpers/hook.c"
	for mode in "${MODES[@]}"; do
		jar "$mode" '.annotations = {"a": "b"} | .process.cwd = "/tmp" | .process.args = ["true"]
			| .process.env += ["LD_PRELOAD=/proc/self/cwd/evil.so", "BASH_ENV=/evil", "GCONV_PATH=/proc/self/cwd"]'
		cp "$BATS_TEST_TMPDIR/evil.so" "$(rootfs)"
		cp "$BATS_TEST_TMPDIR/evil.so" "$(rootfs)/tmp"
		rm -f "$dir"/out.*
		for kind in prestart createRuntime createContainer poststart poststop; do
			hook_at $kind "$hook" "$dir/out.$kind"
		done
		hook_at startContainer /bin/hook /tmp/out
		SECRET=zzz LD_PRELOAD='' leaky --fds "$CANARY" -- create --bundle "$OCI_DIR/bundles/c" c </dev/null >"$BATS_TEST_TMPDIR/said" 2>&1 || { cat "$BATS_TEST_TMPDIR/said"; return 1; }
		local pid
		pid=$(pid_in c)
		SECRET=zzz leaky --fds "$CANARY" -- start c
		wait_stopped c
		SECRET=zzz leaky --fds "$CANARY" -- delete c
		cp "$(rootfs)/tmp/out" "$dir/out.startContainer"
		[ ! -e "$CANARY/pwn" ]
		# The contract: what differs from run to run has a name here.
		for kind in prestart createRuntime createContainer startContainer poststart poststop; do
			out=$dir/out.$kind
			grep -v '^stdin' "$out" | sed "s,$OCI_DIR/bundles/c,BUNDLE,; s,$dir,HOOKS,"
			sed -n 's/^stdin //p' "$out" | jq -c --arg bundle "$OCI_DIR/bundles/c" --argjson pid "$pid" '[.id, .status, .bundle == $bundle,
				.annotations, (if .pid == $pid then "host" elif .pid == 1 then "own" else "none" end)]'
		done >"$BATS_TEST_TMPDIR/got"
		diff "$BATS_TEST_DIRNAME/hooks.golden" "$BATS_TEST_TMPDIR/got"
	done
	# The naive twin: in the root's directory, with the process' environment.
	(cd "$(rootfs)" && LD_PRELOAD=/proc/self/cwd/evil.so "$hook" /dev/null </dev/null)
	[ -e "$CANARY/pwn" ] || vacuous LD_PRELOAD
	canary_make
}

@test "row 7: jail-oci: the caller's environment is nowhere inside" {
	local mode
	for mode in "${MODES[@]}"; do
		jar "$mode" "$(caps SYS_PTRACE)"
		SECRET=zzzsecret NOTIFY_SOCKET='' SSH_AUTH_SOCK=zzzsecret LD_LIBRARY_PATH=/zzzsecret BASH_ENV=/zzzsecret create c
		# While the runtime's own process waits there for the start, and after.
		run oci exec c sh -c 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" "\n"; echo looked'
		[[ $output == *looked ]] && [[ $output != *zzzsecret* ]] || { echo "while it waits ($mode)"; return 1; }
		oci start c
		SECRET=zzzsecret run oci exec c sh -c 'env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr "\0" "\n"'
		assert_output TERM=xterm
		refute_output zzzsecret
		[ "$mode" = auto ] || { SECRET=zzzsecret run "$TOOLS/naive_enter" "$(pid_in c)" cat /proc/self/environ
			[[ $output == *zzzsecret* ]] || vacuous environ; }
		oci delete --force c
	done
}

@test "row 8: jail-oci: no abstract socket, and the others are beyond strangers" {
	local socket n=0
	jar host "$NET_HOST"
	create c
	run -0 oci exec c awk '$8 ~ /^@/' /proc/net/unix
	[ -z "$output" ]
	# shellcheck disable=SC2044 # no blanks in them
	for socket in $(find "$OCI_DIR/root" -type s); do
		run setpriv --reuid 65534 --regid 65534 --clear-groups socat -u /dev/null "UNIX-CONNECT:$socket,type=5"
		[ "$status" -ne 0 ]
		assert_output 'Permission denied'
		n=$((n + 1))
	done
	[ $n -gt 0 ]
	socat ABSTRACT-LISTEN:row8 - 2>/dev/null 3>&- 4>&- &
	wait_until 10 grep -q @row8 /proc/net/unix
	run -0 oci exec c awk '$8 ~ /^@/' /proc/net/unix
	kill %1
	[[ $output == *@row8* ]] || vacuous /proc/net/unix
}

@test "row 9: jail-oci: exec gives exactly the rights that a start gives" {
	local mode user
	for mode in "${MODES[@]}"; do
		for user in '{"uid": 0, "gid": 0}' '{"uid": 1000, "gid": 33, "additionalGids": [4, 44], "umask": 63}'; do
			jar_up "$mode" "$PROFILE | .process.user = $user | .process.oomScoreAdj = 321
				| .process.rlimits = [{\"type\": \"RLIMIT_NOFILE\", \"soft\": 100, \"hard\": 200}]" 'probe status; exec sleep 1000'
			wait_out '^session:'
			oci exec c probe status >"$BATS_TEST_TMPDIR/exec"
			diff "$OCI_DIR/bundles/c/out" "$BATS_TEST_TMPDIR/exec"
			jq .process "$OCI_DIR/bundles/c/config.json" | jq '.args = ["probe", "status"]' >"$BATS_TEST_TMPDIR/process.json"
			oci exec --process "$BATS_TEST_TMPDIR/process.json" c >"$BATS_TEST_TMPDIR/exec"
			diff "$OCI_DIR/bundles/c/out" "$BATS_TEST_TMPDIR/exec"
			"$TOOLS/naive_enter" "$(pid_in c)" probe status >"$BATS_TEST_TMPDIR/exec"
			! diff -q "$OCI_DIR/bundles/c/out" "$BATS_TEST_TMPDIR/exec" >/dev/null || vacuous status
			oci delete --force c
		done
	done
}

@test "row 11: jail-oci: closed standard descriptors confuse nobody" {
	local mode closed
	for mode in "${MODES[@]}"; do
		jar_up "$mode" .
		for closed in '--close 0' '--close 1' '--close 2' '--close 0 --close 1' '--close 0 --close 2' '--close 1 --close 2' \
			'--close 0 --close 1 --close 2'; do
			# shellcheck disable=SC2086 # options
			run leaky $closed -- exec c sh -c 'probe fds >/tmp/out; exit 7'
			[ "$status" -eq 7 ]
			run -0 oci exec c cat /tmp/out
			only_stdio "$output"
			bundle d "$(jq -r --arg x 'test "$(probe fds | cut -d" " -f1 | xargs)" = "0 1 2" && exit 7' -n '".process.args = [\"sh\", \"-c\", \($x | tojson)]"')"
			# shellcheck disable=SC2086
			run leaky $closed -- run --bundle "$OCI_DIR/bundles/d" d
			[ "$status" -eq 7 ]
		done
		jq -e . "$OCI_DIR/root/c/state.json" >/dev/null
		oci delete --force c
	done
	[ "$(leak --close 0 -- "$TOOLS/probe" fds | head -c 2)" = '1 ' ] || vacuous 'closed stdin'
}

# jail's own filter as an engine would write it that has none of the capabilities to add calls for.
PROFILE=".linux.seccomp = $(jq -c '{defaultAction, defaultErrnoRet, architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
	syscalls: [.syscalls[] | select(.includes | not) | del(.excludes, .comment)]}' "$TOP/runtime/seccomp-default.json")"

@test "row 53, 54: jail-oci: groups and capabilities are those of the process, whatever the caller has" {
	local mode n=0000000000000000
	for mode in "${MODES[@]}"; do
		jar_up "$mode" '.process.args = ["sleep", "1000"] | .process.user = {"uid": 1000, "gid": 33, "additionalGids": [4]}'
		oci delete --force c
		leaky --groups 4,6,27 --ambient -- create --bundle "$OCI_DIR/bundles/c" c </dev/null >/dev/null 2>&1
		oci start c
		wait_until 10 comm_is "$(pid_in c)" sleep
		[ "$(awk '/^Groups/ { print NF }' "/proc/$(pid_in c)/status")" -le 3 ]
		run -0 leaky --groups 4,6,27 --ambient -- exec c sh -c 'id -G; grep ^Cap /proc/self/status'
		equal "33 4 $n $n $n 0000000020000420 $n" "$(sed 's/.*:\t//' <<<"$output" | xargs)"
		run -0 leaky --groups 4,6,27 --ambient -- exec --user 0:0 c sh -c 'id -G; grep ^Cap /proc/self/status'
		equal "0 $n 0000000020000420 0000000020000420 0000000020000420 $n" "$(sed 's/.*:\t//' <<<"${output/0 4/0}" | xargs)"
		oci delete --force c
	done
	[[ $(leak --groups 4,6,27 -- "$TOOLS/probe" status) == *'4 6 27'* ]] || vacuous groups
	! leak --ambient -- "$TOOLS/probe" status | grep -q "^CapAmb:.$n" || vacuous capabilities
}

@test "row 55, 56, 57: jail-oci: a filter is what it says: namespaces, other ABIs, socket families" {
	local mode nr family
	for mode in "${MODES[@]}"; do
		jar_up "$mode" "$PROFILE"
		# unshare(NEWUSER), clone(NEWUSER|SIGCHLD), setns, fsopen fsconfig fsmount fspick open_tree move_mount mount_setattr,
		# io_uring_*, userfaultfd, bpf, keyctl; the same of i386.
		for nr in 'sys 272 0x10000000' 'sys 56 0x10000011' 'sys 308 0 0' 'sys 430' 'sys 431' 'sys 432' 'sys 433' 'sys 428' 'sys 429' \
			'sys 442' 'sys 425' 'sys 323' 'sys 321' 'sys 250' 'sys32 310 0x10000000' 'sys32 430' 'sys32 425' 'sys32 288' 'sys32 102 1'; do
			# shellcheck disable=SC2086 # words
			run oci exec c probe $nr
			[[ $output == EPERM || $output == ENOSYS ]] || { echo "$mode $nr: $output"; return 1; }
		done
		run oci exec c probe sysx32 all
		[ -z "$(grep -vE ' (SIG31|skipped)$' <<<"$output")" ]
		run -0 oci exec c sh -c 'for f in $(seq 0 46); do for t in 1 2 3; do
			[ "$(probe sock $f $t)" != ok ] || echo $f; [ "$(probe sock $((f + (1 << 32))) $t)" != ok ] || echo $f; done; done | sort -nu'
		equal '1 2 10 16' "$(xargs <<<"$output")"
		oci delete --force c
	done
	[ "$("$TOOLS/probe" sys 272 0x10000000)" = 0 ] || vacuous unshare
	[ "$(bare probe sys 430 -1 -1)" = EINVAL ] || vacuous fsopen
	! bare probe sysx32 all | grep -q SIG31 || vacuous x32
	[ "$(bare probe sock 17 3)" = ok ] || vacuous AF_PACKET
}

@test "row 58: jail-oci: the session keyring is the container's own" {
	local mode host
	host=$("$TOOLS/probe" status | sed -n 's/^session: //p')
	for mode in "${MODES[@]}"; do
		run -0 within "$mode" . 'probe status | sed -n "s/^session: //p"'
		like '^keyring;'
		[ "$output" != "$host" ]
	done
	# The naive twin keeps what it has.
	jar host .
	config c '.process.args = ["probe", "status"]'
	run -0 launch run --no-new-keyring
	[[ $output == *"session: $host"* ]] || vacuous keyring
}

on_tty() {
	timeout 30 script -qec "$1; read -t 1 line; echo \"left: [\$line]\"" /dev/null </dev/null | tr -d '\r\b\004' | sed 's/\^D//g'
}

@test "row 59: jail-oci: no input is pushed into the caller's terminal" {
	local mode high terminal what runtime="$OCI_RUNTIME --root $OCI_DIR/root"
	for mode in "${MODES[@]}"; do
		jar_up "$mode" .
		cp -a "$OCI_DIR/bundles/c" "$OCI_DIR/bundles/d"
		for high in '' hi; do
			for terminal in false true; do
				for what in TIOCSTI TIOCLINUX; do
					jq --arg text "$what $high"$'\ntouch pwn\n' --argjson t $terminal '.process.terminal = $t | .linux.cgroupsPath = "/d" |
						.process.args = ["probe", "ioctl", ($text | split("\n")[0] | split(" ")[] | select(. != "")), "touch pwn\n"]' \
						"$OCI_DIR/bundles/c/config.json" >"$OCI_DIR/bundles/d/config.json"
					run on_tty "$runtime run --bundle $OCI_DIR/bundles/d d"
					assert_output 'left: []'
					[ $terminal = true ] || refute_output ' ok'
				done
			done
			run on_tty "$runtime exec c probe ioctl TIOCSTI $high \$'touch pwn\\n'"
			assert_output 'left: []'
			refute_output ' ok'
			run on_tty "$runtime exec --tty c probe ioctl TIOCSTI $high \$'touch pwn\\n'"
			assert_output 'left: []'
		done
		oci delete --force c
	done
	[ "$(cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1)" = 1 ] || return 0
	run on_tty "setsid -c $TOOLS/probe ioctl TIOCSTI \$'pushed\\n'"
	[[ $output == *' ok'* ]] || run on_tty "$TOOLS/probe ioctl TIOCSTI \$'pushed\\n'"
	[[ $output == *' ok'* ]] || vacuous TIOCSTI
}
