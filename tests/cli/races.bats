# SPDX-License-Identifier: GPL-2.0-or-later
# Commands that meet: whoever wins, each of them succeeds or says why not, and what is left makes sense. `make crash-test`
# does each of them RACE_ROUNDS times as often, with RACE_INSTANCES at once, and RACE_SECONDS long what has no other end.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

# The program itself, so that a process in the background is one and not a subshell with a timeout.
j() { "$JAIL_BUILD/jail" "$@"; }

create() {
	local name=$1

	shift
	jail create "$name" --image "$IMAGE" --network none "$@" -- sleep 1000
}

rounds() { seq $(($1 * ${RACE_ROUNDS:-1})); }

# Waits for the background processes PID...; statuses[] says how they ended.
collect() {
	local pid status

	statuses=()
	for pid; do
		status=0
		wait "$pid" || status=$?
		statuses+=("$status")
	done
}
succeeded() {
	local n=0 status

	for status in "${statuses[@]}"; do
		[ "$status" -ne 0 ] || n=$((n + 1))
	done
	echo $n
}

# Nothing of NAME is in the kernel.
assert_gone() {
	[ ! -d "$SANDBOX_ROOT/jail/$1" ] || { echo "cgroup of $1 is left" >&2; return 1; }
	[ ! -d "$JAIL_TEST_DIR/run/instances/$1" ] || { echo "run directory of $1 is left" >&2; return 1; }
}
assert_no_leases() {
	local left
	left=$(find "$JAIL_TEST_DIR/state/leases" "$JAIL_TEST_DIR/run" -type l)
	[ -z "$left" ] || { echo "leases left: $left" >&2; return 1; }
	left=$(ls -A "$JAIL_TEST_DIR/state/trash")
	[ -z "$left" ] || { echo "trash left: $left" >&2; return 1; }
}

@test "16 starts of one instance: one wins, the others say that it runs" {
	local i round pids text
	create web
	for round in $(rounds 3); do
		pids=()
		for i in $(seq 16); do
			j start web 2>"$BATS_TEST_TMPDIR/$i" 3>&- &
			pids+=($!)
		done
		collect "${pids[@]}"
		[ "$(succeeded)" -eq 1 ]
		for i in $(seq 16); do
			text=$(cat "$BATS_TEST_TMPDIR/$i")
			[ -z "$text" ] || [[ $text == *"start web: is running"* ]] || { echo "$text" >&2; false; }
		done
		[ "$(status_of web)" = running ]
		[ "$(wc -l <"$SANDBOX_ROOT/jail/web/inside/cgroup.procs")" -eq 2 ]
		jail stop --timeout 0s web
		assert_gone web
	done
}

@test "16 starts of an instance that cannot start: each says why" {
	local i pids=()
	jail create web --image "$IMAGE" --network none -- /no/such/program
	for i in $(seq 16); do
		j start web 2>"$BATS_TEST_TMPDIR/$i" 3>&- &
		pids+=($!)
	done
	collect "${pids[@]}"
	[ "$(succeeded)" -eq 0 ]
	for i in $(seq 16); do
		grep -q 'no/such/program' "$BATS_TEST_TMPDIR/$i" || { cat "$BATS_TEST_TMPDIR/$i" >&2; false; }
	done
	[ "$(status_of web)" = created ]
	assert_gone web
}

@test "start against rm: running or gone, nothing between" {
	local i round status
	for round in $(rounds 15); do
		create web
		j start web 2>"$BATS_TEST_TMPDIR/start" 3>&- &
		local start=$!
		sleep "$(printf '0.%03d' $(((round - 1) % 15)))"
		status=0
		j rm web 2>"$BATS_TEST_TMPDIR/rm" || status=$?
		collect $start
		if [ $status -eq 0 ]; then
			[ "${statuses[0]}" -eq 1 ]
			grep -q 'no such instance' "$BATS_TEST_TMPDIR/start"
			assert_gone web
		else
			grep -q 'is running' "$BATS_TEST_TMPDIR/rm"
			[ "${statuses[0]}" -eq 0 ]
			[ "$(status_of web)" = running ]
			jail rm --force web
		fi
	done
	assert_no_leases
}

@test "start against rm --force: rm wins" {
	local round
	for round in $(rounds 15); do
		create web
		j start web 2>/dev/null 3>&- &
		local start=$!
		sleep "$(printf '0.%03d' $(((round - 1) % 15)))"
		jail rm --force web
		collect $start
		run jail inspect web
		assert_error 1 'no such instance'
		assert_gone web
	done
	assert_no_leases
}

@test "stop against exec, of a --rm instance: no command hangs, nothing is left" {
	local round i pids
	for round in $(rounds 8); do
		jail run --detach --rm --name web --image "$IMAGE" --network none sleep 1000 >/dev/null
		pids=()
		for i in 1 2 3 4; do
			j exec web sleep 1000 2>"$BATS_TEST_TMPDIR/$i" 3>&- &
			pids+=($!)
		done
		sleep "$(printf '0.%03d' $((round % 8 * 3)))"
		jail stop --timeout 0s web
		collect "${pids[@]}"
		for i in 0 1 2 3; do
			[ "${statuses[i]}" -eq 137 ] || [ "${statuses[i]}" -eq 125 ] || { echo "exec: ${statuses[i]}" >&2; false; }
			[ "${statuses[i]}" -eq 137 ] || grep -q '^jail: exec web: ' "$BATS_TEST_TMPDIR/$((i + 1))"
		done
		run jail inspect web
		assert_error 1 'no such instance'
		assert_gone web
	done
}

@test "stops, kills, waits and inspects of a --rm instance that ends at this moment" {
	local round i pids
	for round in $(rounds 8); do
		jail run --detach --rm --name web --image "$IMAGE" --network none sleep 0.1 >/dev/null
		pids=()
		sleep "$(printf '0.%03d' $((60 + round % 8 * 8)))"
		for i in stop kill wait inspect 'rm --force' pause; do
			# shellcheck disable=SC2086 # a verb and its options
			j $i web >/dev/null 2>"$BATS_TEST_TMPDIR/${i%% *}" 3>&- &
			pids+=($!)
		done
		collect "${pids[@]}"
		for i in stop kill wait inspect rm pause; do
			[ ! -s "$BATS_TEST_TMPDIR/$i" ] ||
				grep -qE "$i web|^jail: web: no such instance" "$BATS_TEST_TMPDIR/$i" ||
				{ cat "$BATS_TEST_TMPDIR/$i" >&2; false; }
			# What it says is about the instance, never about a file of it.
			if grep -E 'json|lock lock|cgroup' "$BATS_TEST_TMPDIR/$i" >&2; then false; fi
		done
		wait_until 10 not jail inspect web
		assert_gone web
	done
}
not() { ! "$@"; }

@test "a stop against a restart policy: it stays down" {
	local round
	echo '{"restart": {"policy": "always", "delay": "1ms"}}' >"$BATS_TEST_TMPDIR/web.json"
	jail create web --file "$BATS_TEST_TMPDIR/web.json" --image "$IMAGE" --network none -- sleep 0.02
	for round in $(rounds 10); do
		jail start web
		sleep "$(printf '0.%03d' $((round % 10 * 7)))"
		jail stop --timeout 1s web || { run jail stop web; assert_error 1 'not running'; }
		[ "$(status_of web)" = stopped ]
		assert_gone web
	done
}

@test "run --rm is remembered over restarts" {
	jail run --rm --detach --name web --image "$IMAGE" --network none --restart on-failure:2 false >/dev/null
	wait_until 30 not jail inspect web
	assert_gone web
}

@test "rename against start and against gc: nothing is lost" {
	local round
	for round in $(rounds 10); do
		create one
		local id
		id=$(field one .id)
		j start one 2>/dev/null 3>&- &
		local start=$!
		j gc >/dev/null 3>&- &
		local gc=$!
		local name=two status=0
		j rename one two 2>"$BATS_TEST_TMPDIR/rename" || status=$?
		collect $start $gc
		[ "${statuses[1]}" -eq 0 ]
		if [ $status -ne 0 ]; then
			grep -q 'is running' "$BATS_TEST_TMPDIR/rename"
			name=one
		fi
		[ "$(field $name .id)" = "$id" ]
		# gc has left its id range alone.
		[ "$(find "$JAIL_TEST_DIR/state/leases/ids" -lname "$id" | wc -l)" -eq 1 ]
		jail rm --force $name
	done
	assert_no_leases
}

@test "gc against starts: what starts meanwhile keeps its cgroup, port and address" {
	local round i pids
	for i in 1 2 3 4; do
		jail create "g$i" --image "$IMAGE" --port "800$i:80" -- sleep 1000
	done
	for round in $(rounds 6); do
		pids=()
		for i in 1 2 3 4; do
			j start "g$i" 3>&- &
			pids+=($!)
			j gc >/dev/null 3>&- &
			pids+=($!)
		done
		collect "${pids[@]}"
		[ "$(succeeded)" -eq 8 ]
		jail gc >/dev/null
		for i in 1 2 3 4; do
			[ "$(status_of "g$i")" = running ]
			[ -L "$JAIL_TEST_DIR/run/ports/tcp-800$i" ]
			jail exec "g$i" true
		done
		[ "$(elements_in addresses4)" -eq 4 ]
		[ "$(elements_in ports4)" -eq 4 ]
		jail stop --timeout 0s g1 g2 g3 g4
	done
	[ "$(elements)" -eq 0 ]
}

@test "gc against imports and creates: no layer is taken away" {
	local round i pids
	for round in $(rounds 6); do
		pids=()
		j image import --quiet --name "again:$round" "$JAIL_TEST_DIR/busybox.tar" 3>&- &
		pids+=($!)
		for i in 1 2 3; do
			j gc >/dev/null 3>&- &
			pids+=($!)
			j create "c$i" --image "$IMAGE" --network none -- true 3>&- &
			pids+=($!)
		done
		collect "${pids[@]}"
		[ "$(succeeded)" -eq 7 ]
		j run --rm --image "again:$round" --network none true
		for i in 1 2 3; do
			[ "$(find "$JAIL_TEST_DIR/state/leases/ids" -lname "$(field "c$i" .id)" | wc -l)" -eq 1 ]
			jail start --attach "c$i"
		done
		jail rm c1 c2 c3
		jail image rm "again:$round"
	done
	assert_no_leases
}

@test "rm against gc: both succeed" {
	local round
	for round in $(rounds 10); do
		create web
		jail start web
		# shellcheck disable=SC2016 # expands inside
		jail exec web sh -c 'mkdir /d; for i in $(seq 300); do mkdir /d/$i; : >/d/$i/f; done'
		j rm --force web 3>&- &
		local rm=$!
		j gc >/dev/null 3>&- &
		local gc=$!
		collect $rm $gc
		[ "$(succeeded)" -eq 2 ]
		assert_gone web
	done
	assert_no_leases
}

@test "a damaged record does not keep a running instance from being removed; gc leaves what it can't know" {
	sleeper web --network none
	local id
	id=$(field web .id)
	echo '{' >"$JAIL_TEST_DIR/run/instances/web/state.json"
	jail rm --force web
	assert_gone web
	sleeper web --network none
	id=$(field web .id)
	echo '{' >"$JAIL_TEST_DIR/state/instances/web/meta.json"
	run -0 jail gc
	assert_output 'left alone'
	[ "$(find "$JAIL_TEST_DIR/state/leases/ids" -lname "$id" | wc -l)" -eq 1 ]
	[ -n "$(ls "$JAIL_TEST_DIR/state/layers")" ]
	jail rm --force web
	jail gc >/dev/null
	assert_gone web
	assert_no_leases
}

@test "100 execs at once" {
	local i pids=()
	sleeper web --network none
	for i in $(seq 100); do
		j exec web sh -c "echo $i; exit $((i % 100))" >"$BATS_TEST_TMPDIR/$i" 2>&1 3>&- &
		pids+=($!)
	done
	collect "${pids[@]}"
	for i in $(seq 100); do
		[ "$(cat "$BATS_TEST_TMPDIR/$i")" = "$i" ] || { cat "$BATS_TEST_TMPDIR/$i" >&2; false; }
		[ "${statuses[i - 1]}" -eq $((i % 100)) ]
	done
	[ "$(wc -l <"$SANDBOX_ROOT/jail/web/inside/cgroup.procs")" -eq 2 ]
}

@test "many instances start, stop and go in parallel" {
	local i verb pids n=${RACE_INSTANCES:-30}
	for verb in "create" "start" "stop --timeout 0s" "rm"; do
		pids=()
		for i in $(seq "$n"); do
			if [ "$verb" = create ]; then
				j create "p$i" --image "$IMAGE" --port "$((9000 + i)):80" -- sleep 1000 3>&- &
			else
				# shellcheck disable=SC2086 # a verb and its options
				j $verb "p$i" 3>&- &
			fi
			pids+=($!)
		done
		collect "${pids[@]}"
		[ "$(succeeded)" -eq "$n" ]
		if [ "$verb" = start ]; then
			[ "$(jail ps --json | jq -r '[.[] | select(.status == "running")] | length')" -eq "$n" ]
			[ "$(jail ps --json | jq -r '[.[].address] | unique | length')" -eq "$n" ]
			[ "$(jail ps --json | jq -r '[.[].ids.first] | unique | length')" -eq "$n" ]
			[ "$(elements_in addresses4)" -eq "$n" ]
			[ "$(elements_in ports4)" -eq "$n" ]
		fi
	done
	[ "$(elements)" -eq 0 ]
	assert_no_leases
}

@test "ports change while it is stopped: the change is there or it is not, and nobody holds a port" {
	local round i pids want
	for round in $(rounds 8); do
		create web --network default --port 8000:80
		jail start web
		pids=()
		for i in 1 2 3; do
			j set web "network.ports=800$i:80" 2>"$BATS_TEST_TMPDIR/$i" 3>&- &
			pids+=($!)
		done
		sleep "$(printf '0.%03d' $((round % 8 * 3)))"
		j stop --timeout 0s web 3>&- &
		collect "${pids[@]}" $!
		[ "${statuses[3]}" -eq 0 ]
		[ "$(status_of web)" = stopped ]
		want=$(field web '.spec.network.ports[0]')
		for i in 1 2 3; do
			[ "${statuses[i - 1]}" -eq 0 ] || grep -q '^jail: set web: ' "$BATS_TEST_TMPDIR/$i" || { cat "$BATS_TEST_TMPDIR/$i" >&2; false; }
		done
		[ "$want" != 8000:80/tcp ] || [ "$(succeeded)" -eq 1 ]
		# A change that meets the end may leave a lease to gc.
		jail gc >/dev/null
		[ -z "$(find "$JAIL_TEST_DIR/run/ports" -type l)" ]
		[ "$(elements)" -eq 0 ]
		jail start web
		[ -L "$JAIL_TEST_DIR/run/ports/tcp-${want%%:*}" ]
		jail rm --force web
	done
	assert_no_leases
}

@test "snapshots, clones and stops of one that is started: each is whole" {
	local round i pids
	create web
	for round in $(rounds 6); do
		pids=()
		j start web 2>"$BATS_TEST_TMPDIR/start" 3>&- &
		pids+=($!)
		j snapshot create web "s$round" >/dev/null 2>"$BATS_TEST_TMPDIR/snapshot" 3>&- &
		pids+=($!)
		j clone web "twin" >/dev/null 2>"$BATS_TEST_TMPDIR/clone" 3>&- &
		pids+=($!)
		j gc >/dev/null 3>&- &
		pids+=($!)
		collect "${pids[@]}"
		for i in 0 1 2 3; do
			[ "${statuses[i]}" -eq 0 ] || { cat "$BATS_TEST_TMPDIR/"{start,snapshot,clone} >&2; false; }
		done
		[ "$(status_of web)" = running ]
		jail snapshot list --quiet web | grep -qx "s$round"
		jail start twin
		jail rm --force twin
		jail stop --timeout 0s web
	done
	jail rm web
	assert_no_leases
}

# What an instance of the storm does: as many processes as it can, but not more than the machine bears, and some memory.
STORM='i=0; while [ $i -lt 60 ]; do true & i=$((i + 1)); done; x=$(head -c 1000000 /dev/zero | tr "\0" x); echo ${#x}; wait
	while :; do sleep 1000; done'
# One after the other until the time is over. What it says is a failure; the last line is how many there were.
storm() { # NUMBER END
	local n=0 name status

	while [ $SECONDS -lt "$2" ]; do
		n=$((n + 1))
		name=s$1-$n
		jail run --detach --name "$name" --image "$IMAGE" --port "$((9000 + $1)):80" sh -c "$STORM" >/dev/null || echo "run $name: $?"
		status=0
		jail exec "$name" sh -c 'true & wait; exit 7' || status=$?
		[ $status -eq 7 ] || echo "exec $name: $status"
		[ "$(status_of "$name")" = running ] || echo "$name is not running"
		case $((n % 4)) in
		0) jail rm --force "$name" || echo "rm --force $name: $?" ;;
		1) jail kill "$name" || echo "kill $name: $?" ;;
		*) jail stop --timeout 0s "$name" 2>/dev/null || echo "stop $name: $?" ;;
		esac
		[ $((n % 4)) -eq 0 ] || [[ $(field "$name" .lastExit.status) =~ ^(137|143)$ ]] || echo "$name ended with $(field "$name" .lastExit.status)"
		[ $((n % 4)) -eq 0 ] || jail rm "$name" || echo "rm $name: $?"
	done
	echo "$n"
}
@test "a storm: instances that fork and eat memory come and go, eight at a time" {
	local i pids=() count=0 end=$((SECONDS + ${RACE_SECONDS:-8}))
	for i in $(seq 8); do
		storm "$i" "$end" >"$BATS_TEST_TMPDIR/$i" 2>&1 3>&- &
		pids+=($!)
	done
	collect "${pids[@]}"
	for i in $(seq 8); do
		[ "$(wc -l <"$BATS_TEST_TMPDIR/$i")" -eq 1 ] || { cat "$BATS_TEST_TMPDIR/$i" >&2; false; }
		count=$((count + $(cat "$BATS_TEST_TMPDIR/$i")))
	done
	echo "# a storm of ${RACE_SECONDS:-8} s: $count instances" >&3
	[ $count -ge 8 ]
	echo "# gc after it: $(jail gc | tr '\n' ';')" >&3
	[ "$(jail gc)" = 'nothing to remove' ]
	[ "$(elements)" -eq 0 ]
	assert_no_leases
}
