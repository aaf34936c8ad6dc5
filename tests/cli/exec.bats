# SPDX-License-Identifier: GPL-2.0-or-later
# exec: one more program in a running instance, under the same confinement.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
setup() { sleeper web; }
teardown() { jail_teardown; }

@test "what needs a running instance says how to start this one" {
	local verb
	jail create down --image "$IMAGE" true
	for verb in "exec down true" "stop down" "kill down" "resume down" "attach down"; do
		# shellcheck disable=SC2086 # words
		run jail $verb
		[ "$status" -ne 0 ]
		assert_output "is not running"
		assert_output "start it: jail start down"
	done
}

@test "exit statuses" {
	run -0 jail exec web true
	run -1 jail exec web false
	run -33 jail exec web sh -c 'exit 33'
	run -143 jail exec web sh -c 'kill -TERM $$; sleep 9'
	run -127 jail exec web /no/such/program
	assert_error 127 'no/such/program'
	run jail exec web /etc/passwd
	assert_error 126 '/etc/passwd'
	run -127 jail exec web nosuch
	assert_error 127 nosuch
}

@test "stdin, stdout, stderr" {
	run -0 --separate-stderr jail exec -i web sh -c 'cat; echo error >&2' <<<input
	[ "$output" = input ]
	[ "$stderr" = error ]
	run -0 jail exec web cat <<<'never seen'
	[ -z "$output" ]
}

@test "stdout and stderr that are one keep their order" {
	local i

	sleeper order
	for i in 1 2 3 4 5; do
		run -0 jail exec order sh -c 'for n in 1 2 3 4 5 6 7 8; do echo "out $n"; echo "err $n" >&2; done'
		[ "$output" = "$(for n in 1 2 3 4 5 6 7 8; do printf 'out %s\nerr %s\n' $n $n; done)" ]
	done
}

@test "binary data passes whole" {
	head -c 5000000 /dev/urandom >"$BATS_TEST_TMPDIR/data"
	jail exec -i web cat <"$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/back"
}

@test "user, by name, by number, with a group; unknown ones" {
	run -0 jail exec -u www-data web id
	assert_output 'uid=33(www-data) gid=33(www-data)'
	run -0 jail exec -u user web id
	assert_output 'adm'
	run -0 jail exec -u 1234:5678 web sh -c 'id -u; id -g'
	[ "$output" = $'1234\n5678' ]
	run -0 jail exec --user user:adm web id -gn
	[ "$output" = adm ]
	run jail exec -u nobody-here web id
	assert_error 125 nobody-here
	run jail exec -u 70000 web id
	assert_error 125 70000
}

@test "workdir and environment" {
	run -0 jail exec -w /var/www web pwd
	[ "$output" = /var/www ]
	run -0 jail exec -e A=1 --env=B='two words' web sh -c 'echo "$A $B"'
	[ "$output" = '1 two words' ]
	run jail exec -w /no/such/dir web pwd
	assert_error 125 '/no/such/dir'
	run jail exec -e NOVALUE web true
	assert_error 125 NOVALUE
	# Nothing of the caller's environment goes in.
	export LEAK=leaked
	run -0 jail exec web env
	refute_output leaked
	assert_output 'PATH='
}

@test "exec has the instance's namespaces, cgroup, capabilities, filter and no more" {
	local pid ns
	pid=$(pid_of web)
	for ns in mnt pid net ipc uts cgroup user; do
		[ "$(jail exec web readlink "/proc/self/ns/$ns")" = "$(readlink "/proc/$pid/ns/$ns")" ]
		[ "$(jail exec web readlink "/proc/self/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	done
	local key
	for key in CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp; do
		[ "$(jail exec web grep "^$key:" /proc/self/status)" = "$(jail exec web grep "^$key:" /proc/1/status)" ] ||
			{ echo "$key differs"; jail exec web cat /proc/self/status; return 1; }
	done
	[ "$(jail exec web cat /proc/self/cgroup | grep '^0::')" = '0::/' ]
}

@test "exec's process is in the instance's cgroup, seen from the host" {
	jail exec --detach web sleep 777
	wait_until 10 host_sees_sleeper
}
host_sees_sleeper() {
	local pid
	while read -r pid; do
		! tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q 'sleep 777' || return 0
	done < <(find "$SANDBOX_ROOT/jail/web" -name cgroup.procs -exec cat {} +)
	return 1
}

@test "detach returns at once and the program goes on" {
	jail exec -d web sh -c 'sleep 0.2; echo done > /tmp/done'
	wait_until 10 jail exec web test -f /tmp/done
}

@test "nothing of ours is open in the program" {
	run -0 jail exec web ls -l /proc/self/fd
	[ "$(grep -c -- '->' <<<"$output")" -le 4 ] # 0, 1, 2 and the directory itself
	exec 7</etc/hostname
	run -0 jail exec web sh -c 'ls /proc/self/fd | wc -l'
	exec 7<&-
	[ "$output" -le 4 ]
}

@test "a terminal of its own: tty, size, controlling terminal" {
	run -0 script -qec "stty rows 33 cols 77; '$JAIL_BUILD/jail' exec -it web sh -c 'tty; stty size; test -t 0 && echo is-a-tty'" /dev/null
	assert_output '/dev/pts/'
	assert_output '33 77'
	assert_output 'is-a-tty'
}

@test "on a terminal: status, interrupt, and our terminal is put back" {
	cat >"$BATS_TEST_TMPDIR/e.exp" <<-'END'
		set timeout 20
		spawn -noecho sh -c "stty -a > $env(T)/before; $env(JAIL) exec -it web sh; echo status=\$?; stty -a > $env(T)/after"
		expect "#"
		# It says so when it has the terminal.
		send "sh -c 'echo sle\"\"eping; exec sleep 100'\r"
		expect "sleeping"
		send "\003"
		expect "#"
		send "exit 5\r"
		expect "status=5"
		expect eof
	END
	T=$BATS_TEST_TMPDIR JAIL=$JAIL_BUILD/jail run -0 expect "$BATS_TEST_TMPDIR/e.exp"
	assert_output 'status=5'
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "the window size follows" {
	cat >"$BATS_TEST_TMPDIR/e.exp" <<-'END'
		set timeout 20
		spawn -noecho $env(JAIL) exec -it web sh
		expect "#"
		stty rows 44 columns 99 < $spawn_out(slave,name)
		send "until \[ \"\$(stty size)\" = '44 99' \]; do :; done; echo re''sized\r"
		expect "resized"
		send "exit\r"
		expect eof
	END
	JAIL=$JAIL_BUILD/jail run -0 expect "$BATS_TEST_TMPDIR/e.exp"
	assert_output resized
}

@test "signals to jail exec reach the program" {
	"$JAIL_BUILD/jail" exec web sh -c 'trap "exit 9" TERM; touch /tmp/ready; while :; do sleep 0.05; done' 3>&- &
	local pid=$! status=0
	wait_until 10 jail exec web test -f /tmp/ready
	kill -TERM $pid
	wait $pid || status=$?
	[ $status -eq 9 ]
}

@test "100 at once" {
	local i pids=() failed=0
	for i in $(seq 100); do
		jail exec web sh -c "echo $i > /tmp/n$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || failed=$((failed + 1))
	done
	[ "$failed" -eq 0 ]
	[ "$(jail exec web sh -c 'cat /tmp/n* | wc -l')" = 100 ]
}

@test "exec while the instance ends: an error, no hang" {
	"$JAIL_BUILD/jail" exec web sleep 2000 3>&- &
	local pid=$! status=0
	wait_until 10 jail exec web sh -c 'ps | grep -v grep | grep -q "sleep 2000"'
	jail kill web
	wait $pid || status=$?
	[ "$status" -ne 0 ]
}

@test "exec into a paused instance is refused or waits, and works after resume" {
	jail pause web
	run timeout 2 "$JAIL_BUILD/jail" exec web true
	[ "$status" -ne 0 ]
	jail resume web
	run -0 jail exec web true
}

@test "no signal is ignored or blocked in what start and exec run" {
	run -0 jail exec web grep -E '^Sig(Ign|Blk)' /proc/self/status
	[ "${lines[0]##*$'\t'}" = 0000000000000000 ]
	[ "${lines[1]##*$'\t'}" = 0000000000000000 ]
	run -0 jail run --rm --image "$IMAGE" --network none grep -E '^Sig(Ign|Blk)' /proc/self/status
	[ "${lines[0]##*$'\t'}" = 0000000000000000 ]
	[ "${lines[1]##*$'\t'}" = 0000000000000000 ]
}

@test "the program may open its standard streams by name, whoever it is; who reads no more ends it" {
	local user
	sleeper named
	for user in 0 65534; do
		run -0 --separate-stderr jail exec --user $user named sh -c 'echo out >/dev/stdout; echo err >/dev/stderr'
		[ "$output" = out ]
		[ "$stderr" = err ]
		run -0 jail exec --interactive --user $user named cat /dev/stdin <<<data
		[ "$output" = data ]
	done
	run -141 bash -c '"$1" exec named yes | head -1; exit "${PIPESTATUS[0]}"' bash "$JAIL_BUILD/jail"
	[ "$output" = y ]
}
