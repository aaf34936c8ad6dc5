# SPDX-License-Identifier: GPL-2.0-or-later
# jail-oci: cgroups, what it writes for its callers, its state, and starts. The number in a test's name is the row of
# docs/security.md.

# shellcheck disable=SC2016,SC2143 # expands inside; a failure shows what was found

load ../lib/bundles

setup_file() { bundles_setup_file; }
teardown_file() { oci_teardown_file; }
setup() {
	canary_make
	PLACE=$OCI_DIR/place
}
teardown() {
	rm -rf "$PLACE"
	bundles_teardown
}

@test "row 65: jail-oci: no path of a cgroup, and no name of its files, leads out" {
	local path key before
	before=$(find "$CGROUPS" -type d | sort)
	for path in /../x /a/../../x a/../../x .. /.. / "/$(printf 'a%.0s' $(seq 4096))" $'/a\\nb' '/a/./b' '//'; do
		bundle c ".linux.cgroupsPath = \"$path\"" '.process.args = ["cat", "/proc/self/cgroup"]' 'del(.linux.namespaces[] | select(.type == "cgroup"))'
		try launch run
		# Refused, or below the root of the tree.
		if [ "$status" -eq 0 ]; then
			like '^0::/[a-z]'
			refute_output /..
		fi
		[ "$before" = "$(find "$CGROUPS" -type d | sort)" ] || { echo "$path"; rmdir "$CGROUPS/jail" || return 1; }
	done
	for key in ../cgroup.procs memory.max/../../x /x . .. '' cgroup.procs cgroup.kill 'a\nb'; do
		bundle c ".linux.resources.unified = {\"$key\": \"1\"}"
		refused 'unified' launch create
		gone c
	done
	[ "$(cd "$CGROUPS/runner" && realpath ./../cgroup.procs)" = "$CGROUPS/cgroup.procs" ] || vacuous path
}

@test "row 66: jail-oci: the first instruction of a container, and of an exec, is in its cgroup" {
	local mode
	for mode in "${MODES[@]}"; do
		jar_up "$mode" . 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; cat /proc/self/cgroup; echo all; wait'
		wait_out all
		out | grep -qx 0::/
		run -0 oci exec c cat /proc/self/cgroup
		like '^0::/$'
		oci exec c sh -c 'for i in 1 2 3 4 5; do sleep 999 >/dev/null 2>&1 & done'
		all_in "$(pid_in c)" "$CGROUPS/c" 16
		oci delete --force c
	done
}

is_empty() { grep -qx 'populated 0' "$1/cgroup.events"; }
has_many() { [ "$(grep -c . "$1/cgroup.procs")" -ge 8 ]; }

@test "row 67: jail-oci: processes that flee by forking are ended, paused or not, without a pid namespace" {
	local how
	for how in delete pause kill naive; do
		bundle c 'del(.linux.namespaces[] | select(.type == "pid"))' '.process.args = ["hop", "8", "60"]'
		create c
		oci start c
		wait_until 10 has_many "$CGROUPS/c"
		case $how in
		pause) oci pause c ;;
		kill) oci kill --all c KILL && wait_until 10 is_empty "$CGROUPS/c" ;;
		naive)
			xargs -r -n 1 kill -9 <"$CGROUPS/c/cgroup.procs" 2>/dev/null || :
			! is_empty "$CGROUPS/c" || vacuous kill
			;;
		esac
		oci delete --force c
		[ ! -d "$CGROUPS/c" ]
	done
}

@test "row 80, 81: jail-oci: no text of a bundle steers a terminal, or forges a line of the log" {
	local log=$BATS_TEST_TMPDIR/log evil='/no\u001b[2J\u001b]52;c;cHduCg==\u0007\u009b31m\u202e\n{\"level\":\"error\",\"msg\":\"forged\"}'
	local filter format
	for filter in ".process.args = [\"$evil\"]" ".process.cwd = \"/etc/passwd/$evil\"" ".mounts += [{\"destination\": \"/x\", \"type\": \"bind\", \"source\": \"$evil\"}]" \
		".linux.maskedPaths = [\"$evil\"] | .process.args = [\"/no\"]" ".hooks = {\"prestart\": [{\"path\": \"$evil\"}]}" ".annotations = {\"run.oci.handler\": \"$evil\"}" \
		".linux.seccomp = {\"defaultAction\": \"$evil\"}" ".linux.namespaces += [{\"type\": \"$evil\"}]" ".\"$evil\" = 1 | .process.args = [1]"; do
		bundle c "$filter"
		for format in json text; do
			rm -f "$log"
			try oci --log "$log" --log-format $format run --bundle "$OCI_DIR/bundles/c" c
			[ "$status" -ne 0 ]
			printf '%s' "$output" >"$BATS_TEST_TMPDIR/said"
			plain "$BATS_TEST_TMPDIR/said" && plain "$log" || { echo "$format: $filter"; return 1; }
			run -1 grep -a '^{"level":"error","msg":"forged"' "$BATS_TEST_TMPDIR/said" "$log"
			[ $format = text ] || jq -r .msg "$log" >"$BATS_TEST_TMPDIR/said"
			[ "$(grep -c level "$log")" = 1 ]
			# As an engine shows it to people.
			plain "$BATS_TEST_TMPDIR/said" || { echo "as text: $filter"; return 1; }
		done
	done
	printf '%b' '\033[2J' >"$BATS_TEST_TMPDIR/said"
	! plain "$BATS_TEST_TMPDIR/said" 2>/dev/null || vacuous plain
}

@test "row 82: jail-oci: /dev/pts is its own, and there is no /dev/tty without a terminal" {
	local mode
	for mode in "${MODES[@]}"; do
		run -0 within "$mode" . 'ls /dev/pts; probe open /dev/tty rw; grep -c " /dev/pts devpts .*mode=620,ptmxmode=666" /proc/mounts'
		equal $'ptmx\nENXIO\n1'
		jar "$mode" '.process.terminal = true' 'ls /dev/pts | xargs; probe open /dev/tty rw'
		run -0 timeout 30 script -qec "$OCI_RUNTIME --root $OCI_DIR/root run --bundle $OCI_DIR/bundles/c c" /dev/null </dev/null
		equal '0 ptmx ok' "$(tr -d '\r' <<<"${output//^@/}" | xargs)"
	done
	[ "$(timeout 30 script -qec "$TOOLS/probe open /dev/tty rw" /dev/null </dev/null | tr -d '\r')" = ok ] || vacuous /dev/tty
}

stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
# place: a directory of uid 65534's, sticky, with what he has put where the runtime is to write.
place() {
	rm -rf "$PLACE"
	mkdir -m 1777 "$PLACE"
	chown 65534:65534 "$PLACE"
}
# at_place OPTION...: creates the container with them.
at_place() {
	oci "$@" create --bundle "$OCI_DIR/bundles/c" "${MORE[@]}" c </dev/null >"$BATS_TEST_TMPDIR/said" 2>&1
}

@test "row 83: jail-oci: a pid file is never written through what is there, and is root's own" {
	local kind MORE=(--pid-file "$PLACE/pid")
	bundle c
	for kind in link temporary-link fifo temporary-fifo hard theirs temporary-theirs directory; do
		place
		case $kind in
		link) ln -s "$CANARY/secret" "$PLACE/pid" ;;
		temporary-link) ln -s "$CANARY/secret" "$PLACE/.pid.tmp" ;;
		fifo) mkfifo "$PLACE/pid" ;;
		temporary-fifo) mkfifo -m 666 "$PLACE/.pid.tmp" ;;
		hard) ln "$CANARY/secret" "$PLACE/pid" && ln "$CANARY/secret" "$PLACE/.pid.tmp" ;;
		theirs) stranger touch "$PLACE/pid" ;;
		temporary-theirs) stranger touch "$PLACE/.pid.tmp" ;;
		directory) mkdir "$PLACE/pid" ;;
		esac
		status=0
		at_place || status=$?
		[ "$status" -ne 124 ] || { echo "$kind: it hangs"; return 1; }
		if [ "$status" -eq 0 ]; then
			[ "$(stat -c '%F %u %a %h' "$PLACE/pid")" = 'regular file 0 644 1' ] || { echo "$kind"; stat "$PLACE/pid"; return 1; }
			equal "$(pid_in c)" "$(cat "$PLACE/pid")"
			oci delete --force c
		else
			grep -q -- --pid-file "$BATS_TEST_TMPDIR/said"
			gone c
		fi
		rm -rf "$PLACE"
		canary_ok || { echo "$kind"; return 1; }
	done
	place
	ln -s "$CANARY/secret" "$PLACE/pid"
	echo 1 >"$PLACE/pid"
	[ "$(cat "$CANARY/secret")" = 1 ] || vacuous link
	canary_make
}

@test "row 83: jail-oci: a log, and what hooks write, goes to a file of its own or nowhere" {
	local kind what MORE=()
	for what in log hooks; do
		for kind in link fifo read-fifo hard directory socket; do
			bundle c '.hooks.prestart = [{"path": "/bin/sh", "args": ["sh", "-c", "echo hook"]}]'
			place
			[ $what = log ] || config c ".annotations = {\"run.oci.hooks.stdout\": \"$PLACE/log\"}"
			case $kind in
			link) ln -s "$CANARY/secret" "$PLACE/log" ;;
			fifo | read-fifo) mkfifo -m 666 "$PLACE/log" ;;
			hard) ln "$CANARY/secret" "$PLACE/log" ;;
			directory) mkdir "$PLACE/log" ;;
			socket) socat UNIX-LISTEN:"$PLACE/log" - 2>/dev/null 3>&- 4>&- & wait_until 10 test -S "$PLACE/log" ;;
			esac
			# Somebody who reads there, so that an open would not wait.
			[ $kind != read-fifo ] || exec 5<>"$PLACE/log"
			status=0
			if [ $what = log ]; then at_place --log "$PLACE/log" || status=$?; else at_place || status=$?; fi
			exec 5>&-
			[ $kind != socket ] || kill %% 2>/dev/null || :
			[ "$status" -ne 0 ] && [ "$status" -ne 124 ] || { echo "$what at $kind: status $status"; return 1; }
			grep -q "$PLACE/log" "$BATS_TEST_TMPDIR/said"
			gone c
			rm -rf "$PLACE"
			canary_ok || { echo "$what at $kind"; return 1; }
		done
	done
	# What is there and root's own is appended to; a device too is one.
	place
	echo before >"$PLACE/log"
	bundle c '.process.args = ["/no"]'
	run ! at_place --log "$PLACE/log"
	[ "$(head -n 1 "$PLACE/log")" = before ] && grep -q 'level=error' "$PLACE/log"
	run ! at_place --log /dev/null
	ln -s "$CANARY/secret" "$PLACE/link"
	echo naive >>"$PLACE/link"
	grep -q naive "$CANARY/secret" || vacuous link
	canary_make
}

@test "row 83: jail-oci: a terminal goes to no socket behind a link, and nobody waits at a FIFO" {
	local kind MORE=(--console-socket "$PLACE/s")
	bundle c '.process.terminal = true'
	for kind in link fifo file full; do
		place
		socat UNIX-LISTEN:"$CANARY/s" - >"$BATS_TEST_TMPDIR/socat" 2>&1 3>&- 4>&- &
		wait_until 10 test -S "$CANARY/s"
		case $kind in
		link) ln -s "$CANARY/s" "$PLACE/s" ;;
		fifo) mkfifo -m 666 "$PLACE/s" ;;
		file) touch "$PLACE/s" ;;
		full) rm -rf "$PLACE" ;;
		esac
		status=0
		at_place || status=$?
		kill %%
		wait %% || :
		rm -f "$CANARY/s"
		[ "$status" -ne 0 ] && [ "$status" -ne 124 ] || { echo "$kind: status $status"; return 1; }
		grep -q 'console' "$BATS_TEST_TMPDIR/said"
		gone c
	done
	canary_make
	place
	socat UNIX-LISTEN:"$PLACE/real",fork - >/dev/null 2>&1 3>&- 4>&- &
	wait_until 10 test -S "$PLACE/real"
	ln -s real "$PLACE/s"
	socat -u /dev/null UNIX-CONNECT:"$PLACE/s" || vacuous link
	kill %%
}

@test "row 84: jail-oci: the state is root's alone, whatever the umask, and is not kept where others can write" {
	local file verb
	bundle c
	(
		umask 000
		create c
		oci start c
		oci exec c true
	)
	[ "$(stat -c '%a %u' "$OCI_DIR/root/c")" = '700 0' ]
	[ -z "$(find "$OCI_DIR/root" -mindepth 1 -perm /022 ! -type l ! -type s -print)" ]
	# shellcheck disable=SC2044 # no blanks in them
	for file in $(find "$OCI_DIR/root" -mindepth 1); do
		run stranger "$TOOLS/probe" open "$file" path
		[ "$file" = "$OCI_DIR/root/c" ] || [ "$(dirname "$file")" = "$OCI_DIR/root" ] || [ "$output" = EACCES ] || { echo "$file: $output"; return 1; }
		run stranger "$TOOLS/probe" open "$file" r
		[ "$output" = EACCES ] || [ "$output" = ENXIO ]
	done
	stranger "$TOOLS/probe" open "$CANARY" r || vacuous open
	for verb in 'state c' 'list' 'exec c true' 'kill c KILL' 'delete --force c' 'pause c'; do
		# shellcheck disable=SC2086 # words
		run stranger "$OCI_RUNTIME" --root "$OCI_DIR/root" $verb
		[ "$status" -ne 0 ] || [ -z "$(grep -w c <<<"$output")" ]
	done
	state_is c running
	chmod 777 "$OCI_DIR/root"
	run oci state c
	local open=$status
	chmod 755 "$OCI_DIR/root"
	chown 65534 "$OCI_DIR/root"
	run oci state c
	chown 0 "$OCI_DIR/root"
	[ "$open" -ne 0 ] && [ "$status" -ne 0 ]
	state_is c running
}

@test "row 85: jail-oci: of sixteen creates and sixteen starts exactly one wins" {
	local i naive=$BATS_TEST_TMPDIR/naive
	bundle c
	for i in $(seq 16); do
		{ oci create --bundle "$OCI_DIR/bundles/c" c </dev/null >/dev/null 2>&1 && echo won >>"$BATS_TEST_TMPDIR/created"; } 3>&- 4>&- &
		{ [ ! -e "$naive.on" ] && sleep 0.01 && touch "$naive.on" && echo won >>"$naive"; } 3>&- 4>&- &
	done
	wait
	equal 1 "$(grep -c . "$BATS_TEST_TMPDIR/created")"
	[ "$(grep -c . "$naive")" -gt 1 ] || vacuous creates
	state_is c created
	for i in $(seq 16); do
		{ oci start c >/dev/null 2>&1 && echo won >>"$BATS_TEST_TMPDIR/started"; } 3>&- 4>&- &
	done
	wait
	equal 1 "$(grep -c . "$BATS_TEST_TMPDIR/started")"
	state_is c running
}

@test "row 86: jail-oci: what waits for the start has nothing of the host open, and a start never hangs" {
	local mode
	for mode in "${MODES[@]}"; do
		jar "$mode" "$(caps SYS_PTRACE DAC_OVERRIDE)"
		pour
		# As the kernel has it.
		for fd in /proc/"$(pid_in c)"/fd/*; do
			[ "$(stat -Lc %F "$fd")" != directory ] && [ "$(stat -Lc %F "$fd")" != 'regular file' ] || { ls -l "$fd"; return 1; }
		done
		# As somebody inside does.
		run oci exec c sh -c 'ls -l /proc/1/fd /proc/1/exe /proc/1/cwd'
		refute_output "$OCI_DIR"
		# Its socket is gone: an error, at once.
		mv "$OCI_DIR/root/c/start.sock" "$OCI_DIR/moved"
		run timeout 20 "$OCI_RUNTIME" --root "$OCI_DIR/root" start c
		[ "$status" -ne 0 ] && [ "$status" -ne 124 ]
		mv "$OCI_DIR/moved" "$OCI_DIR/root/c/start.sock"
		# It is gone itself.
		kill -KILL "$(pid_in c)"
		wait_stopped c
		run timeout 20 "$OCI_RUNTIME" --root "$OCI_DIR/root" start c
		[ "$status" -ne 0 ] && [ "$status" -ne 124 ]
		oci delete --force c
	done
}

@test "row 88: jail-oci: one bad value among ten changes nothing" {
	local bad file
	needs hugetlb
	file=$CGROUPS/c/hugetlb.2MB.max
	live '.linux.resources.hugepageLimits = [{"pageSize": "2MB", "limit": 4194304}]'
	equal 4194304 "$(cat "$file")"
	for bad in '.pids.limit = "infinity"' '.pids.limit = 99999999999999999999' '.cpu.quota = 1.5' '.memory.limit = "1G"' '.cpu.shares = -3' \
		'.unified["../x"] = "1"' '.unified["no.such"] = "1"' '.hugepageLimits += [{"pageSize": "3MB", "limit": 1}]' '.blockIO.weight = 99999' \
		'.hugepageLimits += [{"pageSize": "2MB", "limit": -1}]'; do
		jq -n '{hugepageLimits: [{pageSize: "2MB", limit: 8388608}]} | '"$bad" >"$BATS_TEST_TMPDIR/r.json"
		run oci update --resources "$BATS_TEST_TMPDIR/r.json" c
		[ "$status" -ne 0 ] || { echo "taken: $bad"; return 1; }
		equal 4194304 "$(cat "$file")" || { echo "$bad"; return 1; }
	done
	echo '{"hugepageLimits": [{"pageSize": "2MB", "limit": 8388608}]}' >"$BATS_TEST_TMPDIR/r.json"
	run -0 oci update --resources "$BATS_TEST_TMPDIR/r.json" c
	equal 8388608 "$(cat "$file")"
}
