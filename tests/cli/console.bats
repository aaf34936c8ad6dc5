# SPDX-License-Identifier: GPL-2.0-or-later
# The console, attach, and the log.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

on_terminal() { # EXPECT-SCRIPT on stdin
	cat >"$BATS_TEST_TMPDIR/e.exp"
	JAIL=$JAIL_BUILD/jail T=$BATS_TEST_TMPDIR run -0 expect "$BATS_TEST_TMPDIR/e.exp"
}

@test "run -it: a shell with job control on a terminal, its status" {
	on_terminal <<-'END'
		set timeout 20
		spawn -noecho sh -c "$env(JAIL) run --rm -it --image busybox --network none sh; echo status=\$?"
		expect "#"
		send "tty; stty size\r"
		expect "/dev/console"
		expect "#"
		send "exit 4\r"
		expect "status=4"
		expect eof
	END
	assert_output 'status=4'
	refute_output "can't access tty"
}

@test "detach by Ctrl-P Ctrl-Q and attach again" {
	on_terminal <<-'END'
		set timeout 20
		spawn -noecho sh -c "$env(JAIL) run -it --name web --image busybox --network none sh; echo left=\$?"
		expect "#"
		send "MARK=kept\r"
		expect "#"
		send "\020\021"
		expect "left=0"
		expect eof
		spawn -noecho sh -c "$env(JAIL) attach web; echo status=\$?"
		send "\r"
		expect "#"
		send "echo value=\$MARK\r"
		expect "value=kept"
		send "exit 3\r"
		expect "status=3"
		expect eof
	END
	assert_output 'value=kept'
	assert_output 'status=3'
}

@test "window size follows on the console" {
	on_terminal <<-'END'
		set timeout 20
		spawn -noecho $env(JAIL) run --rm -it --image busybox --network none sh
		expect "#"
		stty rows 51 columns 101 < $spawn_out(slave,name)
		send "until \[ \"\$(stty size)\" = '51 101' \]; do :; done; echo re''sized\r"
		expect "resized"
		send "exit\r"
		expect eof
	END
	assert_output resized
}

@test "our terminal is put back, also when jail is ended by a signal" {
	cat >"$BATS_TEST_TMPDIR/script" <<-END
		stty -a > $BATS_TEST_TMPDIR/before
		sh -c 'echo \$\$ > $BATS_TEST_TMPDIR/pid; exec $JAIL_BUILD/jail run -it --name web --image busybox --network none sh'
		stty -a > $BATS_TEST_TMPDIR/after
		echo finished
	END
	on_terminal <<-'END'
		set timeout 20
		spawn -noecho sh $env(T)/script
		expect "#"
		exec sh -c "kill -TERM \$(cat $env(T)/pid)"
		expect "finished"
		expect eof
	END
	assert_output finished
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "attach without a console: output of now on, stdin if it is open" {
	app web -i -- sh -c 'echo early; while read -r line; do echo "got $line"; done; echo end; exit 8' 
	wait_log web early
	run -8 timeout 20 "$JAIL_BUILD/jail" attach web <<<$'one\ntwo'
	assert_output 'got one'
	assert_output 'got two'
	assert_output 'end'
}

@test "two may watch at once" {
	app web -- sh -c 'until test -f /tmp/go; do echo waiting; sleep 0.05; done; echo shown; exit 2'
	timeout 20 "$JAIL_BUILD/jail" attach web >"$BATS_TEST_TMPDIR/a" </dev/null 3>&- &
	local a=$!
	timeout 20 "$JAIL_BUILD/jail" attach --no-stdin web >"$BATS_TEST_TMPDIR/b" </dev/null 3>&- &
	local b=$!
	wait_until 30 grep -q waiting "$BATS_TEST_TMPDIR/a"
	wait_until 30 grep -q waiting "$BATS_TEST_TMPDIR/b"
	jail exec web touch /tmp/go
	wait $a || [ $? -eq 2 ]
	wait $b || [ $? -eq 2 ]
	grep -q shown "$BATS_TEST_TMPDIR/a"
	grep -q shown "$BATS_TEST_TMPDIR/b"
}

@test "logs: both streams, in order, with times and as JSON" {
	app web -- sh -c 'echo out; echo err >&2; exit 0'
	jail wait web
	run -0 --separate-stderr jail logs web
	[ "$output" = out ]
	[ "$stderr" = err ]
	run -0 jail logs --json web
	[ "$(jq -r 'select(.stream == "stdout") | .text' <<<"$output")" = out ]
	[ "$(jq -r 'select(.stream == "stderr") | .text' <<<"$output")" = err ]
	[[ $(jq -r .time <<<"${lines[0]}") =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}T.*Z$ ]]
	run -0 jail logs --timestamps web
	[[ ${lines[0]} =~ ^20[0-9]{2}-.*out ]]
}

@test "logs: --tail, --since, no newline at the end" {
	app web -- sh -c 'for i in 1 2 3 4 5; do echo "line $i"; done; printf "no newline"'
	jail wait web
	run -0 jail logs --tail 2 web
	[ "$output" = $'line 5\nno newline' ]
	run -0 jail logs -n 0 web
	[ -z "$output" ]
	run -0 jail logs --since 1h web
	assert_output 'line 1'
}

@test "logs -f: follows and ends with the instance" {
	app web -- sh -c 'echo first; until test -f /tmp/go; do sleep 0.05; done; echo last'
	timeout 30 "$JAIL_BUILD/jail" logs -f web >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$!
	wait_until 10 grep -q first "$BATS_TEST_TMPDIR/out"
	jail exec web touch /tmp/go
	wait $pid
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = $'first\nlast' ]
}

@test "the log is bounded by size and number of files" {
	jail create --file - <<-'END'
		{ "name": "web", "image": "busybox", "network": { "mode": "none" },
		  "process": { "args": ["sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo \"line $i of a log that is too long to keep\"; i=$((i+1)); done"] },
		  "log": { "maxSize": "64KiB", "files": 2 } }
	END
	jail start web
	jail wait web
	[ "$(find "$JAIL_TEST_DIR/state/instances/web" -name 'log.json*' | wc -l)" -le 2 ]
	[ "$(find "$JAIL_TEST_DIR/state/instances/web" -name 'log.json*' -printf '%s\n' | awk '{ n += $1 } END { print n }')" -le 200000 ]
	run -0 jail logs --tail 1 web
	[ "$output" = 'line 19999 of a log that is too long to keep' ]
}

@test "bytes that are no text survive in the log" {
	app web -- sh -c "printf 'a\\000b\\377c\\033[2Jd\\n'"
	jail wait web
	jail logs --raw web >"$BATS_TEST_TMPDIR/out"
	printf 'a\000b\377c\033[2Jd\n' | cmp - "$BATS_TEST_TMPDIR/out"
}

@test "on a terminal control characters of a log are shown, not obeyed" {
	app web -- printf 'evil\033[2Jend\n'
	jail wait web
	run -0 script -qec "'$JAIL_BUILD/jail' logs web" /dev/null
	assert_output 'evil'
	refute_output $'\e[2J'
}

@test "the console's output is in the log too" {
	app web -t -- sh -c 'echo on-console'
	jail wait web
	run -0 jail logs web
	assert_output 'on-console'
}
