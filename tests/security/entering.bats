# SPDX-License-Identifier: GPL-2.0-or-later
# Entering an instance: what a process that crosses the boundary must not bring along, or be caught with. The number in
# a test's name is the row of docs/security.md.

# shellcheck disable=SC2016 # expands inside

load ../lib/common
load ../lib/security

setup_file() { security_setup_file; }
teardown_file() { jail_teardown_file; }
setup() { security_setup; }
teardown() { security_teardown; }

# A copy of our programs that may be overwritten, and a configuration that uses it.
copy_of_jail() {
	COPY=$BATS_TEST_TMPDIR/copy
	mkdir -m 755 "$COPY"
	cp "$JAIL_BUILD"/{jail,jail-init,jail-monitor,jail-unpack} "$TOOLS/naive_enter" "$COPY"
	JAIL_BUILD=$COPY jail_config "$BATS_TEST_TMPDIR/copy.json" "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/run" </dev/null
}
copy_sum() { (cd "$COPY" && sha256sum jail* && stat -c '%n %i %a %u %Y' jail*); }

@test "row 1: the runtime's own programs cannot be opened for writing from inside (run, exec)" {
	local mode copy before i
	copy_of_jail
	before=$(copy_sum)
	for mode in "${MODES[@]}"; do
		local root
		root=$(rootfs "row1-$mode")
		printf '#!/proc/self/exe\n' >"$root/bin/t"
		chmod 755 "$root/bin/t"
		# As root inside with every capability that reads and writes, but none of the machine's.
		JAIL_CONFIG=$BATS_TEST_TMPDIR/copy.json JAIL_BUILD=$COPY jail run --detach --name "grab-$mode" \
			--rootfs "$root" --network none --userns "$mode" --cap-add dac_override --cap-add sys_ptrace \
			probe exegrab 4 >/dev/null
		for ((i = 0; i < ROUNDS; i++)); do
			JAIL_CONFIG=$BATS_TEST_TMPDIR/copy.json timeout 10 "$COPY/jail" exec "grab-$mode" /bin/t \
				>/dev/null 2>&1 || :
		done
		jail wait "grab-$mode"
		run -0 jail logs "grab-$mode"
		assert_output 'writable 0'
		refute_output WRITABLE
		[[ $output =~ tries\ ([0-9]+) ]]
		[ "${BASH_REMATCH[1]}" -gt "$ROUNDS" ]
		# And as the first program of an instance.
		JAIL_CONFIG=$BATS_TEST_TMPDIR/copy.json JAIL_BUILD=$COPY run jail run --rm --rootfs "$root" \
			--network none --userns "$mode" /bin/t
		[ "$status" -ne 0 ]
		run box "$mode" sh -c 'echo x >/proc/1/exe'
		[ "$status" -ne 0 ]
		jail rm -f "grab-$mode"
	done
	[ "$before" = "$(copy_sum)" ]
}

@test "row 1: a naive joiner loses its program" {
	copy_of_jail
	stay victim host --cap-add sys_ptrace probe exegrab 4
	local i pid
	pid=$(pid_of victim)
	for ((i = 0; i < ROUNDS; i++)); do
		"$COPY/naive_enter" "$pid" /bin/true || :
		! log_matches victim WRITABLE || return 0
	done
	jail wait victim
	log_matches victim WRITABLE || vacuous exegrab
}

logged_twice() { [ "$(jail logs "$1" | grep -c -- "$2")" = 2 ]; }

@test "row 2: descriptors leaked by the caller do not get in" {
	local mode
	for mode in "${MODES[@]}"; do
		run -0 leak --fds "$CANARY" -- "$JAIL_BUILD/jail" run --rm --image probe --network none --userns "$mode" \
			probe fds
		only_stdio "$output"
		leak --fds "$CANARY" -- "$JAIL_BUILD/jail" run --detach --name "a-$mode" --image probe --network none \
			--userns "$mode" sh -c 'probe fds; sleep 1000' >/dev/null
		wait_log "a-$mode" '^2 '
		only_stdio "$(jail logs "a-$mode")"
		run -0 leak --fds "$CANARY" -- "$JAIL_BUILD/jail" exec "a-$mode" probe fds
		only_stdio "$output"
		# What has been leaked to the monitor, it would hand on.
		leak --fds "$CANARY" -- "$JAIL_BUILD/jail" restart --timeout 0s "a-$mode"
		wait_until 30 logged_twice "a-$mode" '^2 '
		only_stdio "$(jail logs "a-$mode" | tail -n 3)"
		run ls -l "/proc/$(monitor_of "a-$mode")/fd"
		refute_output "$CANARY"
		run -0 jail exec "a-$mode" ls -l /proc/1/fd
		refute_output "$JAIL_TEST_DIR"
	done
}

@test "row 2: no working directory leads out by a descriptor, given or by a link of the image" {
	local mode n root what
	root=$(rootfs row2)
	for n in $(seq 3 64); do
		ln -s "/proc/self/fd/$n" "$root/w$n"
	done
	for mode in "${MODES[@]}"; do
		jail run --detach --name "b-$mode" --rootfs "$root" --network none --userns "$mode" sleep 1000 >/dev/null
		for n in $(seq 3 64); do
			for what in "/proc/self/fd/$n" "/w$n"; do
				run leak --fds "$CANARY" -- "$JAIL_BUILD/jail" exec --workdir "$what" "b-$mode" probe cwd
				[ "$status" -ne 0 ] || [[ $output == "getcwd /"* ]]
				refute_output "$(node_of "$CANARY")"
			done
		done
		jail rm -f "b-$mode"
		# A start is the same code, with fewer descriptors: all that its processes can have.
		for n in 3 4 5 6 7 8 9 10 12 16 63 64; do
			for what in "/proc/self/fd/$n" "/w$n"; do
				run leak --fds "$CANARY" -- "$JAIL_BUILD/jail" run --rm --rootfs "$root" --network none \
					--userns "$mode" --workdir "$what" probe cwd
				[ "$status" -ne 0 ] || [[ $output == "getcwd /"* ]]
				refute_output "$(node_of "$CANARY")"
			done
		done
	done
}

@test "row 2: no program is found by a descriptor" {
	local mode n
	for mode in "${MODES[@]}"; do
		stay "c-$mode" "$mode" sleep 1000
		for n in $(seq 3 64); do
			fails leak --fds / -- "$JAIL_BUILD/jail" exec "c-$mode" "/proc/self/fd/$n/../..$TOOLS/probe" fds
			fails leak --fds "$TOOLS/probe" -- "$JAIL_BUILD/jail" exec "c-$mode" "/proc/self/fd/$n" fds
		done
		for n in 3 4 5 6 7 8 9 10 12 16 63 64; do
			fails leak --fds / -- "$JAIL_BUILD/jail" run --rm --image probe --network none --userns "$mode" \
				"/proc/self/fd/$n/../..$TOOLS/probe" fds
		done
		jail rm -f "c-$mode"
	done
}

@test "row 2: /dev/null that comes along cannot be changed for the host" {
	local mode
	for mode in "${MODES[@]}"; do
		stay "null-$mode" "$mode" sleep 1000
		# To what they are already: should it work, nothing is broken.
		fails jail exec "null-$mode" chmod 666 /proc/self/fd/0
		fails jail exec "null-$mode" chown 0:0 /proc/self/fd/0
		run -0 jail exec "null-$mode" sh -c 'cat; echo x >&0'
		[ -z "$output" ]
	done
	# Also where it is the caller's own.
	fails jail exec --interactive null-host chmod 666 /proc/self/fd/0 </dev/null
	"$TOOLS/naive_enter" "$(pid_of null-host)" /bin/chmod 666 /proc/self/fd/0 </dev/null || vacuous chmod
}

@test "row 2: a file that the caller redirects from or to can't be opened anew inside" {
	local mode file=$BATS_TEST_TMPDIR/file
	echo secret >"$file"
	chmod 666 "$file"
	for mode in "${MODES[@]}"; do
		stay "file-$mode" "$mode" sleep 1000
		# shellcheck disable=SC2094 # nothing is read
		jail exec --interactive "file-$mode" sh -c 'readlink /proc/self/fd/0 >&2; readlink /proc/$$/fd/1 >&2; readlink /proc/$$/fd/2 >&2' \
			<"$file" >>"$file" 2>"$BATS_TEST_TMPDIR/links"
		[ "$(grep -c '^pipe:' "$BATS_TEST_TMPDIR/links")" -eq 3 ]
		# The bytes arrive all the same.
		head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
		jail exec --interactive "file-$mode" cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
		cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	done
	[ "$(cat "$file")" = secret ]
	run -0 "$TOOLS/naive_enter" "$(pid_of file-host)" /bin/readlink /proc/self/fd/0 <"$file"
	[[ $output == /* ]] || vacuous readlink
}

@test "row 2: a naive joiner brings all of them" {
	stay victim host sleep 1000
	cd "$CANARY"
	run leak --fds "$CANARY" -- "$TOOLS/naive_enter" "$(pid_of victim)" /bin/true
	run -0 leak --fds "$CANARY" -- "$TOOLS/naive_enter" "$(pid_of victim)" probe fds
	! only_stdio "$output" 2>/dev/null || vacuous fds
	run leak --fds "$CANARY" -- "$TOOLS/naive_enter" "$(pid_of victim)" probe cwd
	assert_output "$(node_of "$CANARY")"
}

@test "row 3: a joiner is not caught with anything of the host by CAP_SYS_PTRACE" {
	local mode i
	for mode in "${MODES[@]}"; do
		stay "stalker-$mode" "$mode" --cap-add sys_ptrace probe stalk 4
		for ((i = 0; i < 3 * ROUNDS; i++)); do
			timeout 10 "$JAIL_BUILD/jail" exec --workdir / "stalker-$mode" true >/dev/null 2>&1 || :
			kill -0 "$(pid_of "stalker-$mode")" 2>/dev/null || break
		done
		jail wait "stalker-$mode"
		log_matches "stalker-$mode" '^looked'
		jail logs "stalker-$mode" >"$BATS_TEST_TMPDIR/log-$mode"
		jail rm -f "stalker-$mode"
	done
	stalked_ok "$BATS_TEST_TMPDIR/log-auto"
	stalked_ok "$BATS_TEST_TMPDIR/log-host"
	# With ids of its own it is out of reach until it is the instance's program.
	run -1 grep -F " $(node_of "$JAIL_BUILD/jail")" "$BATS_TEST_TMPDIR/log-auto"
}

@test "row 3: a naive joiner is caught" {
	stay victim host --cap-add sys_ptrace probe stalk 4
	local i pid
	pid=$(pid_of victim)
	for ((i = 0; i < ROUNDS; i++)); do
		leak --fd 9="$CANARY" -- "$TOOLS/naive_enter" "$pid" /bin/true || :
	done
	jail wait victim
	jail logs victim >"$BATS_TEST_TMPDIR/log"
	! stalked_ok "$BATS_TEST_TMPDIR/log" 2>/dev/null || vacuous stalk
}

@test "row 4: no verb executes or maps what an image holds" {
	local root verb
	root=$(rootfs row4)
	for verb in ps tar xz gzip unpigz zstd lrzip nsenter; do
		printf '#!/bin/sh\ntouch /proc/1/root%s/pwn\n' "$CANARY" >"$root/bin/$verb.new"
		chmod 755 "$root/bin/$verb.new"
		mv "$root/bin/$verb.new" "$root/usr/bin/$verb"
	done
	mkdir -p "$root/lib"
	cp "$TOOLS/probe" "$root/lib/libnss_files.so.2"
	echo 'passwd: evil files' >"$root/etc/nsswitch.conf"
	echo /lib/libnss_files.so.2 >"$root/etc/ld.so.preload"
	jail run --detach --name planted --rootfs "$root" --network none sh -c 'echo line; sleep 1000' >/dev/null
	wait_log planted line
	# The naive twin asks the instance's own ps.
	strace -f -qq -e trace=execve -o "$BATS_TEST_TMPDIR/naive" "$TOOLS/naive_enter" "$(pid_of planted)" ps >/dev/null 2>&1 || :
	grep -q 'execve("/usr/bin/ps"' "$BATS_TEST_TMPDIR/naive" || vacuous ps
	for verb in 'ps' 'ps --json' 'inspect planted' 'logs planted' 'pause planted' 'resume planted' 'kill -s CONT planted' \
		'stop --timeout 0s planted' 'rename planted other' 'rm -f other'; do
		# The sanitizers' leak check does not work under ptrace.
		# shellcheck disable=SC2086 # words
		ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 timeout 20 strace -f -qq -e trace=execve,execveat,open,openat,openat2,mmap -o "$BATS_TEST_TMPDIR/trace" \
			"$JAIL_BUILD/jail" $verb >/dev/null
		# Itself, and nothing else; and not a name below the instance's root.
		[ "$(grep -c 'execve' "$BATS_TEST_TMPDIR/trace")" -eq 1 ] || { grep execve "$BATS_TEST_TMPDIR/trace"; return 1; }
		run grep -F "$root" "$BATS_TEST_TMPDIR/trace"
		[ "$status" -eq 1 ]
	done
}

# evil_library FILE: what marks the canary wherever it is loaded.
evil_library() {
	echo "#include <fcntl.h>
		__attribute__((constructor)) static void pwn(void) { creat(\"$CANARY/pwn\", 0600); }" >"$1.c"
	gcc -shared -fPIC -o "$1" "$1.c"
}
both_hooks_ran() { [ "$(grep -c '^cwd' "$1")" -ge 2 ]; }

@test "row 6, 87: a hook gets nothing of the instance: environment, directory, descriptors" {
	local hook=$BATS_TEST_TMPDIR/hook root out=$BATS_TEST_TMPDIR/out
	evil_library "$BATS_TEST_TMPDIR/evil.so"
	root=$(rootfs row6)
	cp "$BATS_TEST_TMPDIR/evil.so" "$root"
	gcc -o "$hook" "$TOP/tests/helpers/hook.c"
	# The naive twin: with the instance's environment, in its directory.
	(cd "$root" && LD_PRELOAD=/proc/self/cwd/evil.so "$hook" /dev/null </dev/null)
	[ -e "$CANARY/pwn" ] || vacuous LD_PRELOAD
	canary_make
	jq -n --arg hook "$hook" --arg out "$out" --arg root "$root" '{rootfs: $root, network: {mode: "none"},
		process: {args: ["true"], cwd: "/tmp", env: {LD_PRELOAD: "/proc/self/cwd/evil.so", PATH: "/proc/self/cwd",
			BASH_ENV: "/evil", GCONV_PATH: "/proc/self/cwd"}},
		hooks: {prestart: [{path: $hook, args: ["up", $out, "two words"], env: {A: "1"}}],
			poststop: [{path: $hook, args: ["down", $out]}]}}' >"$BATS_TEST_TMPDIR/spec.json"
	SECRET=zzz run jail run --rm --name hooked --file "$BATS_TEST_TMPDIR/spec.json" /bin/true
	assert_output ''
	wait_until 10 both_hooks_ran "$out"
	[ ! -e "$CANARY/pwn" ]
	# The contract (hooks/hooks.h), word for word but for what differs from run to run.
	sed -n 's/^stdin //p' "$out" | jq -c '[.status, .pid > 0, has("id")]' >"$out.states"
	grep -v ^stdin "$out" | diff - <(printf '%s\n' "argv up|$out|two words" 'env A=1' 'cwd /' 'fd 0' 'fd 1' 'fd 2' \
		"argv down|$out" 'cwd /' 'fd 0' 'fd 1' 'fd 2')
	diff "$out.states" - <<<$'["created",true,true]\n["stopped",false,true]'
}

@test "row 7: the caller's environment, and another instance's, are not inside" {
	local mode
	for mode in "${MODES[@]}"; do
		stay "one-$mode" "$mode" --env X=ofanother sleep 1000
		SECRET=zzzsecret NOTIFY_SOCKET=/run/zzzsecret LISTEN_FDS=3 SSH_AUTH_SOCK=zzzsecret LD_LIBRARY_PATH=/zzzsecret \
			BASH_ENV=/zzzsecret stay "two-$mode" "$mode" sleep 1000
		run jail exec "two-$mode" sh -c 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" "\n"'
		refute_output zzzsecret
		refute_output ofanother
		refute_output LISTEN_FDS
		SECRET=zzzsecret run jail exec "two-$mode" env
		refute_output zzzsecret
		# The monitor and the exec's process outside are not in its pid namespace.
		run -0 jail exec "two-$mode" sh -c 'ls /proc | grep -c "^[0-9]"'
		[ "$output" -le 5 ]
		run cat "/proc/$(monitor_of "two-$mode")/environ"
		refute_output zzzsecret
	done
	SECRET=zzzsecret run "$TOOLS/naive_enter" "$(pid_of two-host)" cat /proc/self/environ
	[[ $output == *zzzsecret* ]] || vacuous environ
}

@test "row 8: no abstract socket, and the others are beyond strangers" {
	stay web auto sleep 1000
	grep -v '^Num' /proc/net/unix | awk '$8 ~ /^@/' >"$BATS_TEST_TMPDIR/abstract"
	[ ! -s "$BATS_TEST_TMPDIR/abstract" ]
	jail run --detach --name shared --image probe --network host sleep 1000 >/dev/null
	run -0 jail exec shared awk '$8 ~ /^@/' /proc/net/unix
	[ -z "$output" ]
	local socket
	socat ABSTRACT-LISTEN:row8 - 2>/dev/null 3>&- &
	wait_until 10 grep -q @row8 /proc/net/unix
	run -0 jail exec shared awk '$8 ~ /^@/' /proc/net/unix
	[[ $output == *@row8* ]] || vacuous /proc/net/unix
	kill %1
	# shellcheck disable=SC2044 # no blanks in them
	for socket in $(find "$JAIL_TEST_DIR" -type s); do
		run setpriv --reuid 65534 --regid 65534 --clear-groups socat -u /dev/null "UNIX-CONNECT:$socket,type=5"
		[ "$status" -ne 0 ]
		assert_output 'Permission denied'
	done
	[ -n "$socket" ]
	socat UNIX-LISTEN:/tmp/row8 - 2>/dev/null 3>&- &
	wait_until 10 test -S /tmp/row8
	chmod 777 /tmp/row8
	setpriv --reuid 65534 --regid 65534 --clear-groups socat -u /dev/null UNIX-CONNECT:/tmp/row8 || vacuous connect
	rm -f /tmp/row8
}

@test "row 9: exec gives exactly the rights that a start gives" {
	local mode user
	for mode in "${MODES[@]}"; do
		for user in 0 1000:33 user; do
			stay par "$mode" --user "$user" --rlimit nofile=100:200 --cap-add net_admin --cap-drop chown \
				sh -c 'probe status; sleep 1000'
			wait_log par '^session:'
			# The namespaces' names and all the rest are equal; a keyring is anonymous, and each has its own.
			jail logs par >"$BATS_TEST_TMPDIR/start"
			jail exec par probe status >"$BATS_TEST_TMPDIR/exec"
			diff "$BATS_TEST_TMPDIR/start" "$BATS_TEST_TMPDIR/exec"
			jail exec --tty par probe status | tr -d '\r' | diff "$BATS_TEST_TMPDIR/start" -
			grep -q '^Seccomp:.*2' "$BATS_TEST_TMPDIR/start"
			"$TOOLS/naive_enter" "$(pid_of par)" probe status >"$BATS_TEST_TMPDIR/naive"
			! diff -q "$BATS_TEST_TMPDIR/start" "$BATS_TEST_TMPDIR/naive" >/dev/null || vacuous status
			jail rm -f par
		done
	done
}

@test "row 10: an ended instance is never entered, and its state is believed only where root wrote it" {
	stay gone auto sleep 1000
	local pid
	pid=$(pid_of gone)
	kill -9 "$pid"
	wait_until 10 test ! -e "/proc/$pid"
	run jail exec gone true
	assert_error 125 'not running'
	run jail kill gone
	[ "$status" -ne 0 ]
	# State that another instance's process would be killed by: a bare pid is not an identity.
	jail rm -f gone
	stay victim auto sleep 1000
	stay fake auto sleep 1000
	local state=$JAIL_TEST_DIR/run/instances/fake/state.json
	[ -f "$state" ]
	jq --argjson pid "$(pid_of victim)" '.pid = $pid' "$state" >"$state.new" && mv "$state.new" "$state"
	# The naive twin would kill by that number.
	kill -0 "$(jq .pid "$state")" || vacuous pid
	run jail kill fake
	run jail exec fake hostname
	refute_output victim
	kill -0 "$(pid_of victim)"
	[ "$(status_of victim)" = running ]
	jail rm -f fake || :
	for name in ../x . .. a/b x/../victim; do
		run jail exec "$name" true
		[ "$status" -ne 0 ]
		run jail kill "$name"
		[ "$status" -ne 0 ]
	done
	[ "$(status_of victim)" = running ]
}

@test "row 10: a state directory of somebody else is refused" {
	local dir=$BATS_TEST_TMPDIR/theirs
	mkdir -m 700 "$dir" "$dir/run"
	chown 65534 "$dir"
	jail_config "$BATS_TEST_TMPDIR/theirs.json" "$dir" "$dir/run" </dev/null
	run "$JAIL_BUILD/jail" --config "$BATS_TEST_TMPDIR/theirs.json" ps
	assert_error 1 "$dir"
	ln -s "$JAIL_TEST_DIR/state" "$BATS_TEST_TMPDIR/link"
	jail_config "$BATS_TEST_TMPDIR/link.json" "$BATS_TEST_TMPDIR/link" "$JAIL_TEST_DIR/run" </dev/null
	run "$JAIL_BUILD/jail" --config "$BATS_TEST_TMPDIR/link.json" ps
	[ "$status" -ne 0 ]
	# The same, root's own, is taken.
	chown 0 "$dir"
	run -0 "$JAIL_BUILD/jail" --config "$BATS_TEST_TMPDIR/theirs.json" ps
}

@test "row 11: closed standard descriptors confuse nobody" {
	local mode closed
	# What a program makes of them that does not look: the first file is its stdin.
	[ "$(leak --close 0 -- "$TOOLS/probe" fds | head -c 2)" = '1 ' ] || vacuous 'closed stdin'
	for mode in "${MODES[@]}"; do
		stay "std-$mode" "$mode" sleep 1000
		for closed in '--close 0' '--close 1' '--close 2' '--close 0 --close 1' '--close 0 --close 2' '--close 1 --close 2' \
			'--close 0 --close 1 --close 2'; do
			# shellcheck disable=SC2086 # options
			run leak $closed -- "$JAIL_BUILD/jail" exec "std-$mode" sh -c 'probe fds >/tmp/out; exit 7'
			[ "$status" -eq 7 ]
			run -0 jail exec "std-$mode" cat /tmp/out
			only_stdio "$output"
			# shellcheck disable=SC2086
			run leak $closed -- "$JAIL_BUILD/jail" run --rm --image probe --network none --userns "$mode" \
				sh -c 'test "$(probe fds | cut -d" " -f1 | xargs)" = "0 1 2" && exit 7'
			[ "$status" -eq 7 ]
			# shellcheck disable=SC2086
			run leak $closed -- "$JAIL_BUILD/jail" restart --timeout 0s "std-$mode"
			[ "$status" -eq 0 ]
		done
		[ "$(status_of "std-$mode")" = running ]
		jq -e . "$JAIL_TEST_DIR/run/instances/std-$mode/state.json" "$JAIL_TEST_DIR/state/instances/std-$mode"/*.json \
			>/dev/null
	done
}

@test "row 12: text in an operand's place is never an option" {
	local text
	run -0 jail run --rm --image probe --network none echo --rm -- --image
	[ "$output" = '--rm -- --image' ]
	for text in -x --help --rm=1 -; do
		fails jail create -- "$text"
		fails jail create --image "$text" ok
		fails jail create --image probe --hostname "$text" ok
		if jail create --image probe --network none --user "$text" ok true 2>/dev/null; then
			fails jail start ok
			jail rm -f ok
		fi
		fails jail exec -- "$text" true
		fails jail rm -- "$text"
	done
	run -0 jail exec --help
	stay web auto sleep 1000
	run -127 jail exec web -- --help
}

@test "row 13: large lists are whole or refused" {
	local i options=() big
	big=$(head -c 100000 /dev/zero | tr '\0' a)
	for i in 1 2 3 4 5; do
		options+=(--env "V$i=$big")
	done
	run -0 box auto "${options[@]}" sh -c 'env | wc -c; grep Seccomp: /proc/self/status; readlink /proc/self/ns/user'
	[ "${lines[0]}" -gt 500000 ]
	[[ ${lines[1]} == *2 ]]
	[ "${lines[2]}" != "$(readlink /proc/self/ns/user)" ]
	for i in $(seq 6 15); do
		options+=(--env "V$i=$big")
	done
	run box auto "${options[@]}" --name large env
	assert_error 125 'process.env'
	fails jail inspect large
}
