# SPDX-License-Identifier: GPL-2.0-or-later
# Damaged state: each file of the state and run directories is emptied, cut in half, replaced by random bytes or by a
# directory, lost, or has one bit of one byte the other way round. Every command then says what is wrong with which file, or
# does what it should; nothing else is lost, others run, and what is damaged can be removed. `make crash-test`
# (JAIL_CRASH_POINTS=all) flips a bit of every byte.
# san: no

load ../lib/common

setup_file() {
	jail_setup_file
	jail network create net >/dev/null
	jail volume create data >/dev/null
	sleeper good --network net --port 8000:80 --mount volume:data:/data
	GOOD=$(pid_of good)
	export GOOD
}
teardown_file() {
	jail rm --force good
	jail network rm net
	jail volume rm data
	jail_teardown_file
}
teardown() { jail rm --force victim >/dev/null 2>&1 || :; }

FORMS=(empty half random directory missing)

# forms_of FILE: what is done to it; how many bytes are flipped depends on how much time there is.
forms_of() {
	local size i flips=${JAIL_CRASH_POINTS:-1}

	size=$(stat -c %s "$1")
	printf '%s\n' "${FORMS[@]}"
	[ "$flips" != all ] && [ "$flips" -lt "$size" ] || flips=$size
	for ((i = 0; i < flips; i++)); do
		echo "flip:$((i * size / flips + size / flips / 2)):$((i % 7))"
	done
}
# damage FILE FORM
damage() {
	local size byte n bit

	size=$(stat -c %s "$1")
	case $2 in
	empty) truncate -s 0 "$1" ;;
	half) truncate -s $((size / 2)) "$1" ;;
	random) head -c $((size > 0 ? size : 64)) /dev/urandom >"$1" ;;
	missing) rm "$1" ;;
	directory) rm "$1" && mkdir "$1" ;;
	flip:*)
		IFS=: read -r _ n bit <<<"$2"
		byte=$(od -An -tu1 -j "$n" -N 1 "$1")
		printf '%b' "\\x$(printf %02x $((byte ^ 1 << bit)))" | dd of="$1" bs=1 seek="$n" conv=notrunc status=none
		;;
	esac
}

complain() {
	printf '%s\n' "$@" >&2
	return 1
}
# tries VERB...: of jail. It does it or says why not, and does not crash or hang; what it says is added to the file `said`.
tries() {
	local status=0 err=$BATS_TEST_TMPDIR/err

	timeout "$JAIL_TIMEOUT" "$JAIL_BUILD/jail" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$err" </dev/null 3>&- || status=$?
	cat "$err" >>"$BATS_TEST_TMPDIR/said"
	[[ $status -lt 126 && $status -ne 124 ]] || { complain "$*: status $status: $(cat "$err")"; return; }
	# What `image verify` finds is its output.
	[ $status -eq 0 ] || [ -s "$BATS_TEST_TMPDIR/out" ] || grep -q '^jail: ' "$err" || { complain "$*: status $status without a word"; return; }
	! grep -E ': *$|Success|Sanitizer|runtime error' "$err" >&2 || complain "$*: that is no reason"
}
# The one that has nothing to do with it.
good_goes_on() {
	[ "$(jail exec good echo alive)" = alive ] || { complain "good does not run"; return; }
	[ "$(pid_of good)" = "$GOOD" ] || { complain "good is another"; return; }
	jail ps 2>/dev/null | grep -q '^good ' || complain "good is not listed"
}
# points DIRECTORY FUNCTION FILE...: FUNCTION FILE FORM for each.
points() {
	local directory=$1 function=$2 file form tried=0 failed=0

	shift 2
	for file; do
		for form in $(forms_of "$directory/$file"); do
			# That is what a start looks like: nobody knows better, for a long while.
			[[ $file:$form != */state.json:missing ]] || continue
			tried=$((tried + 1))
			: >"$BATS_TEST_TMPDIR/said"
			if ! "$function" "$file" "$form"; then
				echo "$file, $form: see above; said was: $(cat "$BATS_TEST_TMPDIR/said")" >&2
				failed=$((failed + 1))
				jail rm --force victim second twin >/dev/null 2>&1 || :
				jail gc >/dev/null || :
			fi
		done
	done
	echo "# damage, $function: $tried points of $# files, $failed failed" >&3
	[ $failed -eq 0 ]
}
# is_named FILE FORM: a record that can't be read is named, and what to do as well. Some may be missing, and a log is read as
# far as it goes.
is_named() {
	local said=$BATS_TEST_TMPDIR/said

	case $1:$2 in
	*:flip* | *log.json:* | *config* | *layer.json:*) return 0 ;;
	*meta.json:missing | *spec.json:missing) ;;
	*:missing) return 0 ;;
	esac
	[[ $1 == *.json ]] || return 0
	grep -q "${1##*/}" "$said" || { complain "${1##*/} is not named"; return; }
	# An error, unless it was a warning only.
	! grep -v '^jail: warning' "$said" | grep -q "${1##*/}" || grep -q '^      ' "$said" || complain "no next step"
}
# All that the victim had has gone.
victim_is_gone() {
	tries rm --force victim
	! jail inspect victim >/dev/null 2>&1 || { complain "it can't be removed"; return; }
	jail gc >"$BATS_TEST_TMPDIR/gc" || { complain "gc failed"; return; }
	[ "$(jail gc)" = 'nothing to remove' ] || { complain "a second gc found more"; return; }
	[ ! -d "$SANDBOX_ROOT/jail/victim" ] || { complain "its cgroup is left"; return; }
	[ "$(find "$JAIL_TEST_DIR/state/leases/ids" -type l | wc -l)" -eq 1 ] || { complain "leases are left"; return; }
	[ -z "$(ls -A "$JAIL_TEST_DIR/state/trash")" ] || { complain "trash is left"; return; }
	[ "$(elements_in ports4)" -eq 1 ] || complain "elements are left"
}
files_of() { (cd "$1" && find . -type f ! -path './upper/*' ! -path './work/*' ! -path './snapshots/*/fs/*' -printf '%P\n' | sort); }

down() {
	local instance=$JAIL_TEST_DIR/state/instances/victim

	rm -rf "$instance" "$JAIL_TEST_DIR/state/leases" "$JAIL_TEST_DIR/state/trash"
	cp -a "$BATS_TEST_TMPDIR/victim" "$instance"
	cp -a "$BATS_TEST_TMPDIR/leases" "$JAIL_TEST_DIR/state/leases"
	mkdir -m 700 "$JAIL_TEST_DIR/state/trash"
	damage "$instance/$1" "$2"
	tries ps && tries inspect victim && tries logs victim && tries snapshot list victim && tries set victim hostname=other &&
		tries start victim && tries snapshot create victim more && tries stop --timeout 0s victim &&
		tries rename victim second && tries rename second victim && tries clone victim twin && tries rm twin || return
	is_named "$1" "$2" && good_goes_on && victim_is_gone
}
@test "each file of an instance that is down" {
	jail run --name victim --image "$IMAGE" --network net --port 8001:80 --mount volume:data:/data sh -c 'echo text; exit 3' || :
	jail snapshot create victim first >/dev/null
	cp -a "$JAIL_TEST_DIR/state/instances/victim" "$BATS_TEST_TMPDIR/victim"
	cp -a "$JAIL_TEST_DIR/state/leases" "$BATS_TEST_TMPDIR/leases"
	local files
	mapfile -t files < <(files_of "$BATS_TEST_TMPDIR/victim")
	printf '%s\n' "${files[@]}" | grep -q '^meta.json$'
	printf '%s\n' "${files[@]}" | grep -q '^snapshots/.*/snapshot.json$'
	points "$BATS_TEST_TMPDIR/victim" down "${files[@]}"
}

up() {
	[ -e "$JAIL_TEST_DIR/state/instances/victim" ] || start_victim
	damage "$JAIL_TEST_DIR/$1" "$2"
	tries ps && tries inspect victim && tries exec victim true && tries logs victim && tries stats --no-stream victim &&
		tries set victim network.ports=8002:80 && tries snapshot create victim || return
	good_goes_on && is_named "$1" "$2" || return
	tries gc && victim_is_gone
}
start_victim() {
	jail run --detach --name victim --image "$IMAGE" --network net --port 8001:80 --mount volume:data:/data sleep 1000 >/dev/null
}
@test "each file of an instance that runs" {
	start_victim
	local files
	mapfile -t files < <(files_of "$JAIL_TEST_DIR" | grep -E '^(state|run)/instances/victim/')
	printf '%s\n' "${files[@]}" | grep -q '^run/instances/victim/state.json$'
	points "$JAIL_TEST_DIR" up "${files[@]}"
}

shared() {
	local status=0

	shared_tries "$@" || status=1
	rm -rf "${JAIL_TEST_DIR:?}/$1"
	mv "$BATS_TEST_TMPDIR/file" "$JAIL_TEST_DIR/$1"
	# What goes away with it is only the thing itself.
	jail image verify --quiet "$IMAGE" && jail run --rm --image "$IMAGE" --network net --mount volume:data:/data true &&
		good_goes_on && victim_is_gone || return
	return $status
}
shared_tries() {
	rm -rf "$BATS_TEST_TMPDIR/file"
	cp -a "$JAIL_TEST_DIR/$1" "$BATS_TEST_TMPDIR/file"
	damage "$JAIL_TEST_DIR/$1" "$2"
	tries ps && tries image list && tries image inspect "$IMAGE" && tries image verify "$IMAGE" && tries network list &&
		tries network inspect net && tries volume list && tries volume inspect data && tries events &&
		tries run --rm --name victim --image "$IMAGE" --network net --mount volume:data:/data true && tries gc || return
	good_goes_on && is_named "$1" "$2"
}
@test "each file that instances share: images, networks, volumes, events, filters" {
	local files
	[ "${JAIL_CRASH_POINTS:-}" = all ] || FORMS=(random directory)
	mapfile -t files < <(files_of "$JAIL_TEST_DIR" |
		grep -E '^(state|run)/' | grep -vE '/instances/|^run/hosts/|^state/layers/.*/fs/|^state/volumes/.*/data/')
	printf '%s\n' "${files[@]}" | grep -q '^state/networks/net.json$'
	printf '%s\n' "${files[@]}" | grep -q '^state/volumes/data/volume.json$'
	points "$JAIL_TEST_DIR" shared "${files[@]}"
}

@test "leases that are none" {
	local pool key
	for pool in ids networks/net; do
		key=$(find "$JAIL_TEST_DIR/state/leases/$pool" -type l -printf '%f\n' | head -n 1)
		ln -s /etc "$JAIL_TEST_DIR/state/leases/$pool/x"
		mkdir "$JAIL_TEST_DIR/state/leases/$pool/y"
		: >"$JAIL_TEST_DIR/state/leases/$pool/z"
		jail run --rm --image "$IMAGE" --network net true
		jail gc
		[ -L "$JAIL_TEST_DIR/state/leases/$pool/$key" ]
		rm -rf "$JAIL_TEST_DIR/state/leases/$pool/"{x,y,z}
	done
	good_goes_on
}
