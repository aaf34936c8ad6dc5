# SPDX-License-Identifier: GPL-2.0-or-later
# An instance's life: create, start, stop, kill, restart, wait, rename, rm, run, and the restart policy.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

create() {
	local name=$1

	shift
	jail create "$name" --image "$IMAGE" --network none "$@"
}

@test "create, start, inspect, stop, start again, rm" {
	create web -- sleep 1000
	[ "$(status_of web)" = created ]
	jail start web
	[ "$(status_of web)" = running ]
	local pid
	pid=$(pid_of web)
	[ "$(cat "/proc/$pid/comm")" != "" ]
	jail stop --timeout 1s web
	[ "$(status_of web)" = stopped ]
	[ ! -d "/proc/$pid" ]
	jail start web
	[ "$(status_of web)" = running ]
	jail rm --force web
	run jail inspect web
	assert_error 1 web
}

@test "start returns when the program has been executed" {
	create web -- sh -c 'echo ready; exec sleep 1000'
	jail start web
	wait_log web ready
}

@test "what the instance writes stays across restarts and goes with rm" {
	create web -- sh -c 'echo x >> /root/count; wc -l < /root/count; exec sleep 1000'
	jail start web
	wait_log web '^1$'
	jail restart --timeout 0s web
	wait_log web '^2$'
	jail rm --force web
	create web -- sh -c 'echo x >> /root/count; wc -l < /root/count; exec sleep 1000'
	jail start web
	wait_log web '^1$'
}

@test "instances of one image do not see each other's files" {
	sleeper one
	sleeper two
	jail exec one sh -c 'echo mine > /root/secret'
	run jail exec two cat /root/secret
	[ "$status" -eq 1 ]
}

@test "a name in use is refused and harms nothing" {
	sleeper web
	local id
	id=$(field web .id)
	run jail create web --image "$IMAGE" true
	assert_error 1 web
	run jail run --rm --name web --image "$IMAGE" true
	assert_error 125 web
	[ "$(field web .id)" = "$id" ]
	[ "$(status_of web)" = running ]
}

@test "start of a running instance, stop of a stopped one, are errors" {
	sleeper web
	run jail start web
	assert_error 1 web
	jail stop --timeout 1s web
	run jail stop web
	assert_error 1 web
	run jail kill web
	assert_error 1 web
	run jail exec web true
	assert_error 125 web
	run jail attach web
	assert_error 125 web
	run jail pause web
	assert_error 1 web
}

@test "stop sends the spec's signal and waits" {
	create web --stop-signal USR1 -- sh -c 'trap "echo got usr1; exit 7" USR1; echo ready; while :; do sleep 0.05; done'
	jail start web
	wait_log web ready
	jail stop web
	run -0 jail logs web
	assert_output 'got usr1'
	[ "$(field web .lastExit.status)" = 7 ]
}

@test "stop kills after the time-out, and says so" {
	create web -- sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
	jail start web
	wait_log web ready
	run -0 jail stop --timeout 300ms web
	assert_output 'killed'
	[ "$(field web .lastExit.status)" = 137 ]
}

@test "kill: SIGKILL ends everything, other signals go to the program" {
	create web -- sh -c 'trap "echo got hup" HUP; sleep 999 & echo ready; while :; do sleep 0.05; done'
	jail start web
	wait_log web ready
	jail kill --signal HUP web
	wait_log web 'got hup'
	jail kill web
	wait_status web stopped
	run jail kill --signal NOPE web
	assert_error 1 NOPE
}

@test "exit statuses of run" {
	run -0 jail run --rm --image "$IMAGE" --network none true
	run -1 jail run --rm --image "$IMAGE" --network none false
	run -42 jail run --rm --image "$IMAGE" --network none sh -c 'exit 42'
	run -143 jail run --rm --image "$IMAGE" --network none sh -c 'kill -TERM $$; sleep 9'
	run -137 jail run --rm --image "$IMAGE" --network none sh -c 'kill -KILL $$'
	run -127 jail run --rm --image "$IMAGE" --network none /no/such/program
	assert_error 127 'no/such/program'
	run -126 jail run --rm --image "$IMAGE" --network none /etc/passwd
	assert_error 126 '/etc/passwd'
	run -126 jail run --rm --image "$IMAGE" --network none /etc
	run jail run --rm --image nothere --network none true
	assert_error 125 nothere
	run jail run --rm --image "$IMAGE" --network none
	assert_error 125 ''
	run -0 jail ps --quiet
	[ -z "$output" ]
}

@test "a start that fails leaves no instance of run and nothing running" {
	run -127 jail run --image "$IMAGE" --network none /no/such/program
	run -0 jail ps --quiet
	[ -z "$output" ]
	create web -- /no/such/program
	run jail start web
	assert_error 1 'no/such/program'
	[ "$(status_of web)" != running ]
}

@test "run connects stdin, stdout and stderr" {
	run -0 --separate-stderr jail run --rm -i --image "$IMAGE" --network none sh -c 'cat; echo error >&2' <<<'line in'
	[ "$output" = 'line in' ]
	[ "$stderr" = error ]
}

@test "run passes binary data whole, both ways" {
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/data"
	jail run --rm -i --image "$IMAGE" --network none cat <"$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/back"
}

@test "output is whole, however slow its reader is" {
	local sums
	sums=$(jail run --rm --image "$IMAGE" --network none seq 2000000 | { sleep 1; sha256sum; })
	[ "$sums" = "$(seq 2000000 | sha256sum)" ]
	jail run --detach --name web --image "$IMAGE" --network none sleep 1000 >/dev/null
	sums=$(jail exec web seq 2000000 | { sleep 1; sha256sum; })
	[ "$sums" = "$(seq 2000000 | sha256sum)" ]
}

@test "run without -i gives an empty stdin" {
	run -0 jail run --rm --image "$IMAGE" --network none cat <<<'never seen'
	[ -z "$output" ]
}

@test "run without a name makes one; --detach prints it" {
	run -0 jail run --detach --image "$IMAGE" --network none sleep 1000
	[[ $output =~ ^run-[0-9a-f]{8}$ ]]
	[ "$(status_of "$output")" = running ]
}

@test "run --rm removes at the exit, run keeps" {
	jail run --rm --name gone --image "$IMAGE" --network none true
	run jail inspect gone
	assert_error 1 gone
	jail run --name kept --image "$IMAGE" --network none sh -c 'exit 3' || [ $? -eq 3 ]
	wait_status kept stopped
	[ "$(field kept .lastExit.status)" = 3 ]
	[ "$(field kept .lastExit.reason)" = exited ]
	run -0 jail run --rm --detach --name brief --image "$IMAGE" --network none true
	wait_until 10 not jail inspect brief
}
not() { ! "$@"; }

@test "signals reach a program that run waits for" {
	"$JAIL_BUILD/jail" run --rm --name web --image "$IMAGE" --network none \
		sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done' 3>&- &
	local pid=$! status=0
	wait_log web ready
	kill -TERM $pid
	wait $pid || status=$?
	[ $status -eq 9 ]
}

@test "wait prints statuses in order" {
	create one -- sh -c 'exit 3'
	create two -- sh -c 'exit 4'
	jail start one two
	run -0 jail wait one two
	[ "${lines[0]}" = 3 ]
	[ "${lines[1]}" = 4 ]
	run -0 jail wait --json one
	[ "$(jq -c '.[0]' <<<"$output")" = '{"name":"one","status":3,"outOfMemory":false}' ]
}

@test "wait blocks until the end" {
	sleeper web
	jail wait web >"$BATS_TEST_TMPDIR/status" &
	local pid=$!
	kill -0 $pid
	jail kill web
	wait $pid
	[ "$(cat "$BATS_TEST_TMPDIR/status")" = 137 ]
}

@test "rename: state, log and identity go along; a running one stays" {
	create old -- sh -c 'echo hello; echo x > /root/file'
	jail start old
	jail wait old
	local id
	id=$(field old .id)
	jail rename old new
	[ "$(field new .id)" = "$id" ]
	run jail inspect old
	assert_error 1 old
	run -0 jail logs new
	assert_output hello
	jail start new
	jail wait new
	create other -- true
	run jail rename new other
	assert_error 1 other
	sleeper web
	run jail rename web web2
	assert_error 1 web
	run jail rename nobody-here x
	assert_error 1 nobody-here
}

@test "rm: a running instance needs --force" {
	sleeper web
	run jail rm web
	assert_error 1 web
	assert_output '--force'
	[ "$(status_of web)" = running ]
	jail rm -f web
	create one -- true
	create two -- true
	sleeper three
	jail rm --all
	run -0 jail ps --quiet
	[ "$output" = three ]
}

@test "ps: columns, states, JSON, quiet" {
	sleeper web --hostname h
	create idle -- true
	run -0 jail ps
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} == NAME*STATUS*PID*ADDRESS*UP*IMAGE* ]]
	[[ ${lines[1]} == idle*created* ]]
	[[ ${lines[2]} == web*running*10.88.* ]]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	run -0 jail list --json
	[ "$(jq -r '.[1].status' <<<"$output")" = running ]
	[ "$(jq -r '.[1].pid' <<<"$output")" = "$(pid_of web)" ]
	[ "$(jq -r '.[0].pid' <<<"$output")" = 0 ]
	run -0 jail ps -q --running
	[ "$output" = web ]
}

@test "ps with the longest names fits 80 columns" {
	local long
	long=$(printf 'n%.0s' {1..63})
	create "$long" -- true
	run -0 jail ps
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	run -0 jail ps --wide
	assert_output "$long"
}

@test "inspect shows the whole, plain and JSON" {
	sleeper web --label a=b
	run -0 jail inspect web
	assert_output 'running'
	assert_output 'sleep 1000'
	run -0 jail inspect --json web
	[ "$(jq -r '.[0].name' <<<"$output")" = web ]
	[ "$(jq -r '.[0].spec.labels.a' <<<"$output")" = b ]
	[ "$(jq -r '.[0].id | length' <<<"$output")" = 32 ]
}

@test "restart policy no: an exit is the end" {
	create web -- sh -c 'exit 1'
	jail start web
	[ "$(jail wait web)" = 1 ]
	[ "$(status_of web)" = stopped ]
}

@test "restart policy on-failure: restarts, with a bound, and not after success" {
	jail create web --image "$IMAGE" --network none --file - <<-'END'
		{ "name": "web", "image": "busybox", "network": { "mode": "none" },
		  "process": { "args": ["sh", "-c", "echo run; exit 5"] },
		  "restart": { "policy": "on-failure", "maxRetries": 2, "delay": "10ms" } }
	END
	jail start web
	wait_until 30 exited_after web 2
	[ "$(jail logs web | grep -c '^run$')" = 3 ]
	[ "$(field web .lastExit.status)" = 5 ]
	[ "$(field web .lastExit.restarts)" = 2 ]
	create good --restart on-failure -- true
	jail start good
	[ "$(jail wait good)" = 0 ]
	[ "$(status_of good)" = stopped ]
}
exited_after() {
	[ "$(status_of "$1")" = stopped ] && [ "$(field "$1" .lastExit.restarts)" = "$2" ]
}

@test "restart policy always: until it is stopped" {
	jail create --file - <<-'END'
		{ "name": "web", "image": "busybox", "network": { "mode": "none" },
		  "process": { "args": ["sh", "-c", "echo run; exit 0"] },
		  "restart": { "policy": "always", "delay": "10ms" } }
	END
	jail start web
	wait_until 30 logged_runs web 3
	jail stop --timeout 1s web
	[ "$(status_of web)" = stopped ]
	local runs
	runs=$(jail logs web | grep -c '^run$')
	[ "$(jail logs web | grep -c '^run$')" = "$runs" ]
}
logged_runs() {
	[ "$(jail logs "$1" | grep -c '^run$')" -ge "$2" ]
}

@test "a kill is a stop: no restart" {
	sleeper web --restart always
	jail kill web
	wait_status web stopped
}

@test "a network survives restarts: the address stays" {
	sleeper web
	local address
	address=$(address_of web)
	jail restart --timeout 0s web
	[ "$(address_of web)" = "$address" ]
}

@test "stop --all and start --all" {
	sleeper one
	sleeper two
	jail stop --all --timeout 1s
	[ "$(status_of one) $(status_of two)" = "stopped stopped" ]
	jail start --all
	[ "$(status_of one) $(status_of two)" = "running running" ]
}

@test "start --attach returns the program's status" {
	create web -- sh -c 'echo out; exit 6'
	run -6 jail start --attach web
	[ "$output" = out ]
}

# ordered NAME REQUIRED...: creates it.
ordered() {
	local name=$1

	shift
	jq -n --arg name "$name" --arg image "$IMAGE" --args \
		'{name: $name, image: $image, requires: $ARGS.positional, process: {args: ["sleep", "1000"]}}' "$@" |
		jail create --file -
}

@test "requires: the others are started first, and without them there is no start" {
	create db -- sleep 1000
	ordered app db
	ordered web app db
	jail start web
	[ "$(status_of db) $(status_of app) $(status_of web)" = 'running running running' ]
	ordered lost nobody-there
	run -1 jail start lost
	assert_error 1 'nobody-there'
	assert_output 'requires'
	[ "$(status_of lost)" = created ]
}

@test "requires: a circle is an error, not a wait" {
	ordered one two
	ordered two one
	run -1 jail start one
	assert_error 1 'requires'
	[ "$(status_of one) $(status_of two)" = 'created created' ]
}

@test "autostart where nothing starts instances: said" {
	create web -- sleep 1000
	run -0 --separate-stderr jail enable web
	[[ $stderr == *'web: is to start with the host, but'* ]]
	[ "$(field web .spec.autostart)" = true ]
	jail disable web
	[ "$(field web ".spec.autostart // false")" = false ]
	run -1 jail enable nobody
	assert_error 1 nobody
}

@test "rootfs: a directory in place of an image, its files stay" {
	mkdir "$BATS_TEST_TMPDIR/root"
	tar -C "$BATS_TEST_TMPDIR/root" -xf "$JAIL_TEST_DIR/busybox.tar"
	run -0 jail run --rm --rootfs "$BATS_TEST_TMPDIR/root" --network none cat /etc/issue
	[ "$output" = 'a small image of jail' ]
	run jail run --rm --rootfs "$BATS_TEST_TMPDIR/none" --network none true
	assert_error 125 "$BATS_TEST_TMPDIR/none"
}

@test "many instances at once: start, list, stop" {
	local i pids=()
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		jail run --detach --name "n$i" --image "$IMAGE" sleep 1000 >/dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[ "$(jail ps --running --quiet | wc -l)" = 12 ]
	[ "$(jail ps --json | jq -r '.[].address' | sort -u | wc -l)" = 12 ]
	jail kill --all
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		wait_status "n$i" stopped
	done
}

@test "run: a signal that asks for the end calls off a restart that is waited for" {
	local signal runner status # not INT: a background job of this shell ignores it
	echo '{"restart": {"policy": "always", "delay": "1h"}}' >"$BATS_TEST_TMPDIR/back.json"
	for signal in term hup; do
		"$JAIL_BUILD/jail" run --name "back-$signal" --file "$BATS_TEST_TMPDIR/back.json" --image "$IMAGE" -- sh -c 'exit 3' 3>&- &
		runner=$!
		wait_until 30 status_is "back-$signal" restarting
		kill "-$signal" "$runner"
		status=0
		wait "$runner" || status=$?
		[ "$status" = 3 ]
		wait_status "back-$signal" stopped
	done
}

@test "the end of what is not started again is never shown as a restart" {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		app "short$i" -- true
	done
	until [ "$(jail ps --json | jq '[.[] | select(.status != "stopped")] | length')" = 0 ]; do
		run -0 jail ps --json
		[ "$(jq '[.[] | select(.status == "restarting")] | length' <<<"$output")" = 0 ]
	done
}
