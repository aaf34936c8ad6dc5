# SPDX-License-Identifier: GPL-2.0-or-later
# Names, terminal text, logs, state and what is left after a crash. The number in a test's name is the row of
# docs/security.md.

# shellcheck disable=SC2016 # expands inside

load ../lib/common
load ../lib/security

setup_file() { security_setup_file; }
teardown_file() { jail_teardown_file; }
setup() { security_setup; }
teardown() { security_teardown; }

# What a name could have made. (Empty directories of ours come with their first use.)
things() {
	find "$JAIL_TEST_DIR" -path '*/layers/*/fs/*' -prune -o -path "$CANARY*" -prune -o ! -type d -print | sort
	ls -A "$JAIL_TEST_DIR" "$JAIL_TEST_DIR"/state/{instances,images,staging} "$JAIL_TEST_DIR/run/instances"
}

@test "row 43: no name is a path, an option or a control sequence" {
	local name verb long
	long=$(printf 'a%.0s' $(seq 256))
	jail create --image probe first true >/dev/null
	jail rm first
	things >"$BATS_TEST_TMPDIR/before"
	for name in '' . .. a/b a/../../x ../x /x -x "$long" $'a\nb' 'a b' '%n' $'\e[2J' .hidden _x 'a:b' $'a\x80'; do
		fails jail create --image probe -- "$name" true
		fails jail run --rm --image probe --network none --name "$name" true
		for verb in start stop kill restart pause resume wait rm inspect logs attach; do
			fails timeout 10 "$JAIL_BUILD/jail" $verb -- "$name"
			run -1 grep -aP '[\x00-\x08\x0b-\x1f\x7f]' "$BATS_TEST_TMPDIR/fails"
		done
		fails jail exec -- "$name" true
	done
	# An image may have parts and a tag, each as strict.
	for name in '' . .. a/../../x ../x /x -x a/ a//b a/.b "$long" $'a\nb' 'a b' '%n' $'\e[2J' .hidden a: a:../b a:b:c A; do
		fails jail image rm -- "$name"
		fails jail image inspect -- "$name"
		fails jail image import --quiet --name "$name" "$JAIL_TEST_DIR/probe.tar"
	done
	for name in sha256: "sha256:$(printf 'A%.0s' $(seq 64))" sha256:../../x "sha512:$(printf 'a%.0s' $(seq 64))" sha256:abc; do
		fails jail image inspect -- "$name"
		fails jail image rm -- "$name"
	done
	things | diff "$BATS_TEST_TMPDIR/before" -
}

on_tty() { timeout 30 script -qec "$1" /dev/null </dev/null; }

@test "row 80: what an instance writes does not drive the administrator's terminal" {
	local evil=$'\e[2J\e]52;c;cHduCg==\a\e]0;title\a\b\x9b31m\xe2\x80\xae\xc2\x9bx'
	printf '%s\n' "$evil" >"$BATS_TEST_TMPDIR/evil"
	jail run --detach --name evil --image probe --network none --mount "$BATS_TEST_TMPDIR/evil:/evil:ro" \
		sh -c 'cat /evil; cat /evil >&2; exec sleep 1000 ' >/dev/null
	wait_log evil title
	! plain "$BATS_TEST_TMPDIR/evil" 2>/dev/null || vacuous plain
	local verb
	for verb in 'ps' 'inspect evil' 'logs evil' 'image list'; do
		on_tty "$JAIL_BUILD/jail $verb" >"$BATS_TEST_TMPDIR/out"
		[ -s "$BATS_TEST_TMPDIR/out" ]
		plain "$BATS_TEST_TMPDIR/out" || { echo "$verb"; return 1; }
	done
	# Argument, value, label: refused, or escaped.
	for verb in "--hostname" "--label" "--env" "--workdir"; do
		run on_tty "$JAIL_BUILD/jail run --rm --image probe --network none $verb \"\$(cat $BATS_TEST_TMPDIR/evil)\" true"
		printf '%s' "$output" >"$BATS_TEST_TMPDIR/out"
		plain "$BATS_TEST_TMPDIR/out" || { echo "$verb"; return 1; }
	done
	run -127 on_tty "$JAIL_BUILD/jail exec evil \"\$(cat $BATS_TEST_TMPDIR/evil)\""
	printf '%s' "$output" >"$BATS_TEST_TMPDIR/out"
	plain "$BATS_TEST_TMPDIR/out"
	# JSON is ASCII-safe by its own rules.
	jail inspect --json evil | jq -e . >/dev/null
}

@test "row 81: a log that is a link, a FIFO or a directory is not written" {
	local kind dir
	for kind in link fifo dir; do
		jail create --image probe --network none logged sh -c 'echo line' >/dev/null
		dir=$JAIL_TEST_DIR/state/instances/logged
		rm -rf "${dir:?}"/log*
		case $kind in
		link) ln -s "$CANARY/secret" "$dir/log.json" ;;
		fifo) mkfifo "$dir/log.json" ;;
		dir) mkdir "$dir/log.json" ;;
		esac
		fails timeout 20 "$JAIL_BUILD/jail" start logged
		canary_ok
		if [ $kind = link ]; then
			echo naive >>"$dir/log.json"
			grep -q naive "$CANARY/secret" || vacuous "$kind"
			canary_make
		fi
		jail rm -f logged
	done
}

@test "row 81: output without end or newline is bounded, and forges no record" {
	jq -n '{image: "probe", network: {mode: "none"}, log: {maxSize: "1MiB", files: 2},
		process: {args: ["sh", "-c", "cat /evil; head -c 50000000 /dev/zero | tr \"\\0\" a; sleep 1000"]}}' \
		>"$BATS_TEST_TMPDIR/spec.json"
	cat >"$BATS_TEST_TMPDIR/evil" <<-END
		2000-01-01T00:00:00.000000000Z stdout F forged
		{"time":"2000-01-01T00:00:00Z","stream":"stdout","log":"forged"}
	END
	jail run --detach --name loud --file "$BATS_TEST_TMPDIR/spec.json" --mount "$BATS_TEST_TMPDIR/evil:/evil:ro" >/dev/null
	local monitor part
	monitor=$(monitor_of loud)
	wait_until 60 instance_idles loud
	[ "$(du -cb "$JAIL_TEST_DIR/state/instances/loud"/log* | tail -n 1 | cut -f 1)" -le $((3 * 1024 * 1024)) ]
	for part in "$monitor" $(pgrep -P "$monitor" jail-reader); do
		[ "$(awk '/^VmHWM/ { print $2 }' "/proc/$part/status")" -lt 16384 ]
	done
	# Its own words are the content of a record whose time is ours.
	run grep -ahE '^2000-01-01|^\{"time":"2000' "$JAIL_TEST_DIR/state/instances/loud"/log*
	[ -z "$output" ]
}
instance_idles() { jail exec "$1" sh -c 'ps -o args | grep -q "^sleep 1000"'; }

@test "row 82: /dev/pts is its own, and there is no /dev/tty without a terminal" {
	local mode
	for mode in "${MODES[@]}"; do
		run -0 box "$mode" ls /dev/pts
		[ "$output" = ptmx ]
		run box "$mode" probe open /dev/tty rw
		[ "$output" = ENXIO ]
		[ "$(timeout 30 script -qec "$TOOLS/probe open /dev/tty rw" /dev/null </dev/null | tr -d '\r')" = ok ] || vacuous /dev/tty
		run -0 timeout 30 script -qec "$JAIL_BUILD/jail run --rm --tty --image probe --network none --userns $mode \
			sh -c 'ls /dev/pts | xargs; tty; probe open /dev/tty rw; stat -c %a /dev/pts/ptmx'" /dev/null </dev/null
		[ "$(tr -d '\r' <<<"$output" | xargs)" = '0 ptmx /dev/pts/0 ok 666' ] ||
			[ "$(tr -d '\r' <<<"$output" | xargs)" = '0 ptmx /dev/console ok 666' ]
		run -0 box "$mode" grep ' /dev/pts ' /proc/mounts
		assert_output 'mode=620,ptmxmode=666'
	done
}

@test "row 84: nothing of ours is reachable for a user of the host, whatever the umask" {
	(
		umask 000
		stay open auto sleep 1000
		box host true
		jail image import --quiet --name second "$JAIL_TEST_DIR/busybox.tar"
	)
	local dir
	for dir in state run; do
		[ "$(stat -c '%a %u %g' "$JAIL_TEST_DIR/$dir")" = '700 0 0' ]
		[ -z "$(find "$JAIL_TEST_DIR/$dir" -path '*/layers/*/fs' -prune -o -path '*/upper' -prune -o \
			\( -perm /022 ! -type l ! -type s \) -print)" ]
	done
	chmod 711 "$JAIL_TEST_DIR"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$TOOLS/probe" open "$JAIL_TEST_DIR/canary" r || vacuous open
	for dir in state state/layers state/instances run/instances/open run/instances/open/attach.sock state/lock; do
		run setpriv --reuid 65534 --regid 65534 --clear-groups "$TOOLS/probe" open "$JAIL_TEST_DIR/$dir" r
		[ "$status" -ne 0 ]
	done
	local verb
	for verb in 'ps' 'run --rm --image probe true' 'exec open true' 'rm -f open' 'image list' 'gc'; do
		# shellcheck disable=SC2086
		fails setpriv --reuid 65534 --regid 65534 --clear-groups "$JAIL_BUILD/jail" $verb
	done
	[ "$(status_of open)" = running ]
	chmod 700 "$JAIL_TEST_DIR"
	# A directory that has been opened up is refused, not used.
	chmod 777 "$JAIL_TEST_DIR/state"
	run jail ps
	local said=$status
	chmod 700 "$JAIL_TEST_DIR/state"
	[ "$said" -ne 0 ]
}

@test "row 85: of sixteen starts of one instance exactly one wins" {
	local i round naive=$BATS_TEST_TMPDIR/naive
	# The naive twin looks whether it runs, and then starts it.
	for i in $(seq 16); do
		{ [ ! -e "$naive.on" ] && sleep 0.01 && touch "$naive.on" && echo won >>"$naive"; } &
	done
	wait
	[ "$(grep -c . "$naive")" -gt 1 ] || vacuous starts
	for round in 1 2 3; do
		jail create --image probe --network none once sleep 1000 >/dev/null
		for i in $(seq 16); do
			{ timeout 30 "$JAIL_BUILD/jail" start once >/dev/null 2>&1 && echo won >>"$BATS_TEST_TMPDIR/won$round"; } &
		done
		wait
		[ "$(grep -c . "$BATS_TEST_TMPDIR/won$round")" -eq 1 ]
		[ "$(status_of once)" = running ]
		[ "$(find "$JAIL_TEST_DIR/run/instances" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ]
		jail rm -f once
	done
}

@test "row 85: create and remove at once leave one state or the other" {
	local i
	for i in $(seq 20); do
		timeout 30 "$JAIL_BUILD/jail" create --image probe --network none both true >/dev/null 2>&1 &
		timeout 30 "$JAIL_BUILD/jail" create --image probe --network none both true >/dev/null 2>&1 &
		timeout 30 "$JAIL_BUILD/jail" rm -f both >/dev/null 2>&1 &
		wait
		run jail inspect --json both
		[ "$status" -ne 0 ] || [ "$(jq -r '.[0].status' <<<"$output")" = created ]
	done
	jail rm -f both || :
	[ -z "$(ls -A "$JAIL_TEST_DIR/state/leases/ids")" ]
}

at_rest() { [[ $(status_of "$1") == @(created|stopped|running|exited|failed) ]]; }

@test "row 85: a start that is killed at any moment leaves nothing that stays" {
	local i pid
	for i in $(seq 40); do
		jail create --image probe --network none crash sleep 1000 >/dev/null
		timeout 30 "$JAIL_BUILD/jail" start crash >/dev/null 2>&1 &
		pid=$!
		# From the first millisecond to beyond the last.
		sleep "0.$(printf '%03d' $((i * 2)))"
		# The command, and the supervisor that it has forked into the monitors' cgroup of this sandbox.
		# shellcheck disable=SC2013 # numbers
		for child in $(cat "/proc/$pid/task/$pid/children" "$SANDBOX_ROOT/jail/.monitor/cgroup.procs" 2>/dev/null); do
			kill -9 "$child" 2>/dev/null || :
		done
		wait
		# A supervisor that was not in that cgroup yet goes on, and takes its time.
		wait_until 30 at_rest crash || { status_of crash; return 1; }
		jail rm -f crash
	done
	jail gc
	[ -z "$(ls -A "$JAIL_TEST_DIR/run/instances")" ]
	[ -z "$(find "$SANDBOX_ROOT/jail" -mindepth 1 -type d ! -name .monitor)" ]
}

spec_keys() { jail inspect --json "$1" | jq -r '.[0].spec | paths(scalars) | map(tostring) | join(".")' | sort; }

@test "row 44: what an image says of itself changes nothing but what it may" {
	local tree=$BATS_TEST_TMPDIR/tree
	cp -a "$TREE" "$tree"
	mkdir -p "$tree/etc/jail"
	echo '{"security": {"userNamespace": "host"}}' | tee "$tree/.jail" "$tree/etc/jail.conf" "$tree/etc/jail/jail.json" >"$tree/evil.nspawn"
	tar -C "$tree" --numeric-owner -cf "$tree.tar" .
	"$TOP/tests/helpers/mkoci.py" "$BATS_TEST_TMPDIR/oci" "image(raw(ARGS[0]), name='evil', config={'config': {'Cmd': ['env'],
		'Labels': {k: 'x' for k in ('mounts', 'security', 'security.capabilities', 'jail.hooks', 'io.jail.userns', 'name', 'tenant')},
		'Env': ['PATH=/bin', 'A=1\\nmounts=/', 'HOME', 'hostname=evil'], 'Volumes': {'/': {}, '/etc/../../host': {}},
		'Healthcheck': {'Test': ['CMD', 'true']}, 'ExposedPorts': {'80/tcp': {}}, 'OnBuild': ['RUN x'], 'Hostname': 'evil',
		'Privileged': True, 'hooks': {'prestart': [{'path': '/bin/sh'}]}, 'mounts': [{'source': '/', 'destination': '/host'}]}})" "$tree.tar"
	run jail image import --quiet --name evil "$BATS_TEST_TMPDIR/oci"
	[ "$status" -eq 0 ] || { echo "$output"; return 1; }
	jail create --image evil --network none evil >/dev/null
	jail create --image probe --network none plain env >/dev/null
	run -1 diff <(spec_keys plain) <(spec_keys evil)
	[ "$(grep '^[<>]' <<<"$output" | xargs)" = '> process.env.A > process.env.PATH > process.env.hostname' ] || { echo "$output"; return 1; }
	run -0 jail run --rm --image evil --network none env
	refute_output /root/
	[ "$(grep -c '^mounts=/$' <<<"$output")" = 1 ] # in the value of A, where it was put
	run -0 jail run --rm --image evil --network none sh -c 'ls /host 2>&1; hostname; readlink /proc/self/ns/user'
	assert_output 'No such file'
	refute_output "$(readlink /proc/self/ns/user)"
	[ "${lines[1]}" != evil ]
	# The same, said by who may.
	echo '{"image": "evil", "network": {"mode": "none"}, "security": {"userNamespace": "host"}}' >"$BATS_TEST_TMPDIR/spec.json"
	[ "$(jail run --rm --file "$BATS_TEST_TMPDIR/spec.json" readlink /proc/self/ns/user)" = "$(readlink /proc/self/ns/user)" ] || vacuous spec
	jail rm evil plain
	jail image rm evil
}

@test "row 49: what is no JSON of ours is an error, whatever it does to a parser" {
	local text n=0
	spec() { jail spec --validate "$BATS_TEST_TMPDIR/spec.json"; }
	echo '{"image": "probe", "process": {"args": ["true"]}}' >"$BATS_TEST_TMPDIR/spec.json"
	run -0 spec
	while IFS= read -r text; do
		printf '%b' "$text" >"$BATS_TEST_TMPDIR/spec.json"
		run -1 spec
		assert_output 'jail: '
		n=$((n + 1))
	done <<-'END'
		{"image": "probe", "image": "other", "process": {"args": ["true"]}}
		{"image": "probe", "process": {"args": ["true"]}} trailing
		\xef\xbb\xbf{"image": "probe", "process": {"args": ["true"]}}
		{"image": "probe", "process": {"args": ["tr\\u0000ue"]}}
		{"image": "probe", "process": {"args": ["tr\0ue"]}}
		{"image": "probe", "process": {"args": ["\\ud800"]}}
		{"image": "probe", "process": {"args": ["\xff\xfe"]}}
		{"image": "probe", "process": {"args": ["true"], "oomScoreAdj": 1e999}}
		{"image": "probe", "process": {"args": ["true"], "oomScoreAdj": 9223372036854775808}}
		{"image": "probe", "process": {"args": ["true"], "oomScoreAdj": 1.5}}
		{"image": "probe", "process": {"args": ["true"], }}
		{"image": "probe"
	END
	[ $n -eq 12 ]
	for text in '[' '{"a":' '"'; do
		head -c 2097152 /dev/zero | tr '\0' 'x' | sed "s/x/${text//\"/\\\"}/g" >"$BATS_TEST_TMPDIR/spec.json"
		run -1 spec
		assert_output 'jail: '
	done
}

@test "row 65: names of a cgroup's files are no paths, and none is the kernel's own" {
	local key
	for key in ../cgroup.procs memory.max/../../x /memory.max . .. '' cgroup.procs cgroup.kill cgroup.subtree_control $'memory\nmax' \
		"$(printf 'a%.0s' $(seq 300)).max"; do
		jq -n --arg key "$key" '{image: "probe", process: {args: ["true"]}, resources: {unified: {($key): "1"}}}' >"$BATS_TEST_TMPDIR/spec.json"
		run -1 jail spec --validate "$BATS_TEST_TMPDIR/spec.json"
		assert_output 'resources.unified'
		fails jail create --file "$BATS_TEST_TMPDIR/spec.json" grouped
	done
	# The naive twin joins the strings.
	[ "$(cd "$SANDBOX_ROOT/runner" && realpath ./../cgroup.procs)" = "$SANDBOX_ROOT/cgroup.procs" ] || vacuous path
	jq -n '{image: "probe", process: {args: ["true"]}, resources: {unified: {"memory.high": "max"}}}' >"$BATS_TEST_TMPDIR/spec.json"
	run -0 jail spec --validate "$BATS_TEST_TMPDIR/spec.json"
}

@test "row 66: the first instruction of an instance, and of an exec, is in its cgroup" {
	local mode
	for mode in "${MODES[@]}"; do
		# Its children have come into being as fast as it could make them.
		stay many "$mode" sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; cat /proc/self/cgroup; echo all; wait'
		wait_log many all
		jail logs many | grep -qx '0::/'
		jail exec many cat /proc/self/cgroup | grep -qx '0::/'
		jail exec many sh -c 'for i in 1 2 3 4 5; do sleep 999 & done'
		all_in "$(pid_of many)" "$SANDBOX_ROOT/jail/many/inside" 16
		jail rm -f many
	done
}

is_empty() { grep -qx 'populated 0' "$1/cgroup.events"; }

@test "row 67: processes that flee by forking are ended, all of them" {
	local mode how group=$SANDBOX_ROOT/row67
	# The naive twin reads who is there and kills each.
	mkdir "$group"
	sh -c 'echo $$ >"$1/cgroup.procs" && exec "$2/hop" 8 60' - "$group" "$TOOLS" 3>&- &
	wait_until 10 sh -c "[ \$(grep -c . $group/cgroup.procs) -ge 8 ]"
	xargs -r -n 1 kill -9 <"$group/cgroup.procs" 2>/dev/null || :
	! is_empty "$group" || vacuous kill
	echo 1 >"$group/cgroup.kill"
	wait_until 10 is_empty "$group"
	rmdir "$group"
	for mode in "${MODES[@]}"; do
		for how in 'kill' 'stop --timeout 0s' 'rm --force'; do
			stay flees "$mode" hop 8 60
			wait_until 10 sh -c "[ \$(grep -c . $SANDBOX_ROOT/jail/flees/inside/cgroup.procs) -ge 8 ]"
			[ "$how" != kill ] || jail pause flees
			# shellcheck disable=SC2086 # words
			jail $how flees
			wait_until 10 test ! -d "$SANDBOX_ROOT/jail/flees"
			jail rm -f flees 2>/dev/null || :
		done
	done
}

@test "row 69: what no controller counts has an end inside" {
	local mode dir
	# Without a limit a file system in memory says 0 inodes; a tmpfs of a plain mount has half of the machine's memory.
	run -0 bare sh -c 'mount -t tmpfs -o nr_inodes=0 x /mnt && stat -f -c %c /mnt'
	[ "$output" = 0 ] || vacuous inodes
	for mode in "${MODES[@]}"; do
		stay full "$mode" sleep 1000
		for dir in /dev /dev/shm /run /tmp; do
			read -r size inodes < <(jail exec full stat -f -c '%b %c' "$dir")
			[ "$size" -gt 0 ] && [ "$size" -le 131072 ] || { echo "$dir: $size blocks"; return 1; }
			[ "$inodes" -gt 0 ] && [ "$inodes" -le 1048576 ] || { echo "$dir: $inodes inodes"; return 1; }
		done
		run jail exec full sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=200; rm /dev/shm/x'
		assert_output 'No space left'
		run -0 jail exec full probe ptys
		[ "$output" = '1024 ENOSPC' ]
		# The host, and others, still have theirs.
		[ "$("$TOOLS/probe" open /dev/ptmx rw)" = ok ]
		run -0 box "$mode" probe open /dev/ptmx rw
		jail rm -f full
	done
}

@test "row 78: no program of ours has rights that its caller lacks" {
	local program verb
	for program in "$JAIL_BUILD"/jail*; do
		[ -f "$program" ] && [ -x "$program" ] || continue
		[ ! -u "$program" ] && [ ! -g "$program" ]
		run getcap "$program"
		[ -z "$output" ]
	done
	run make -C "$TOP" -n install DESTDIR=/nowhere
	run grep -E 'setcap|install.* -m *[0-7]?[2-7][0-7]{3}\b|chmod.*[ug]\+s' <<<"$output"
	[ "$status" -eq 1 ]
	for verb in 'network list' 'network create evil' 'gc' 'start open'; do
		# shellcheck disable=SC2086
		fails setpriv --reuid 65534 --regid 65534 --clear-groups "$JAIL_BUILD/jail" $verb
	done
}

@test "row 88: one bad value among ten changes nothing" {
	local before bad
	local good=(process.env.A=1 hostname=other stop.timeout=3s restart.policy=always labels.a=b labels.c=d process.cwd=/tmp
		process.oomScoreAdj=100 log.files=4)
	jail create --image probe --network none set sleep 1000 >/dev/null
	before=$(jail inspect --json set | jq -S '.[0].spec')
	for bad in resources.memory.max=infinity resources.memory.max=-1 resources.pids.max=99999999999999999999 process.oomScoreAdj=2000 \
		resources.cpu.weight=0 log.maxSize=1XB no.such.key=1; do
		run jail set set "${good[@]}" "$bad"
		[ "$status" -ne 0 ]
		assert_output "${bad%%[.=]*}"
		[ "$(jail inspect --json set | jq -S '.[0].spec')" = "$before" ] || { echo "$bad"; return 1; }
	done
	run -0 jail set set "${good[@]}"
	[ "$(jail inspect --json set | jq -S '.[0].spec')" != "$before" ]
}
