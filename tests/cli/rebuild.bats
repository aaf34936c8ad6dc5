# SPDX-License-Identifier: GPL-2.0-or-later
# jail rebuild: another image below an instance (docs/storage.md).

load ../lib/common

setup_file() {
	jail_setup_file
	make_images
}
teardown_file() { jail_teardown_file; }
teardown() {
	jail_teardown
	if jail volume inspect data >/dev/null 2>&1; then
		jail volume rm data
	fi
}

KEEP='while :; do sleep 1000; done'

# old:1 and new:1, of two and three layers, which differ in all that an image can ask for; plain:1 asks for nothing.
make_images() {
	local layout=$JAIL_TEST_DIR/layout

	mkdir "$layout"
	"$TOP/tests/helpers/mkoci.py" "$layout" "
base = raw(ARGS[0])
same = layer(dir('opt'), file('opt/same', b'1'))
old = {'config': {'Cmd': ['sh', '-c', ARGS[1]], 'Env': ['A=old', 'B=old', 'PATH=/bin'], 'WorkingDir': '/opt',
	'User': '33', 'StopSignal': 'SIGINT'}}
new = {'config': {'Entrypoint': ['sh', '-c'], 'Cmd': [ARGS[1]], 'Env': ['A=new', 'C=new', 'PATH=/sbin:/bin'],
	'WorkingDir': '/srv', 'User': '1000:1000', 'StopSignal': 'SIGQUIT'}}
image(base, same, layer(file('opt/which', b'old')), name='old:1', config=old)
image(base, layer(file('opt/which', b'new')), layer(file('opt/more', b'new')), same, name='new:1', config=new)
image(base, layer(file('opt/which', b'plain')), name='plain:1')" "$JAIL_TEST_DIR/busybox.tar" "$KEEP"
	jail image import --quiet --all --replace "$layout"
}

spec() { jail inspect --json web | jq -c ".[0].spec$1"; }
id() { jail inspect --json web | jq -c '.[0] | [.id, .ids, .networks, .createdAt]'; }
directory() { echo "$JAIL_TEST_DIR/state/instances/web"; }
which() { jail exec --user 0 web cat /opt/which; }
left() { find "$(directory)" -maxdepth 1 -name '*rebuild*'; }

@test "the image and what it gave as defaults are the new one's; all else stays" {
	jail volume create data
	jail create --image old:1 --env B=mine --env D=mine --label a=b --mount volume:data:/data --hostname box web
	[ "$(spec .process.env)" = '{"A":"old","B":"mine","PATH":"/bin","D":"mine"}' ]
	jail start web
	[ "$(which)" = old ]
	jail exec --user 0 web sh -c 'echo text >/root/file && echo text >/data/file && rm /opt/same'
	run jail rebuild --image new:1 web
	assert_error 1 'rebuild web: is running'
	assert_output 'jail stop web'
	jail stop --timeout 0s web
	id >"$BATS_TEST_TMPDIR/before"
	run -0 jail rebuild --image new:1 web
	[ -z "$output" ]
	id | diff "$BATS_TEST_TMPDIR/before" -
	[ "$(spec .image)" = '"new:1"' ]
	[ "$(jail inspect --json web | jq -r '.[0].image')" = new:1 ]
	[ "$(spec .process.env | jq -cS .)" = '{"A":"new","B":"mine","C":"new","D":"mine","PATH":"/sbin:/bin"}' ]
	[ "$(spec .process.cwd)" = '"/srv"' ]
	[ "$(spec .process.user)" = '"1000:1000"' ]
	[ "$(spec .process.args | jq '.[0:2]' -c)" = '["sh","-c"]' ]
	[ "$(spec .stop.signal)" = '"SIGQUIT"' ]
	[ "$(spec .labels)" = '{"a":"b"}' ]
	[ "$(spec .hostname)" = '"box"' ]
	jail start web
	[ "$(which)" = new ]
	[ "$(jail exec web id -u)" = 1000 ]
	[ "$(jail exec web cat /data/file)" = text ]
	run jail exec --user 0 web ls /root/file
	[ "$status" -ne 0 ]
	[ "$(jail exec web cat /opt/same)" = 1 ]
	[ -z "$(left)" ]
	run -0 jail events --json
	[ "$(jq -c 'select(.event == "rebuilt") | [.name, .image]' <<<"$output")" = '["web","new:1"]' ]
}

@test "what was given stays, and an image without wishes leaves the usual defaults" {
	jail create --image old:1 --user 7 --workdir /tmp --stop-signal SIGUSR1 web -- sh -c "$KEEP"
	jail rebuild --image plain:1 web
	[ "$(spec .process.user)" = '"7"' ]
	[ "$(spec .process.cwd)" = '"/tmp"' ]
	[ "$(spec .stop.signal)" = '"SIGUSR1"' ]
	# It is what the image asked for too, so it went with that.
	run jail start web
	assert_error 1 'process.args: nothing to run'
	jail rebuild --image old:1 web
	jail start web
	[ "$(which)" = old ]
	jail stop --timeout 0s web
	jail set web process.user=0 stop.signal=SIGTERM process.cwd=/
	jail rebuild --image plain:1 web
	jail rebuild --image new:1 web
	# The defaults of jail are no wishes: the next image may have its own.
	[ "$(spec .process.user)" = '"1000:1000"' ]
	[ "$(spec .process.cwd)" = '"/srv"' ]
}

@test "--keep-files keeps what was written over the image, --disk and all" {
	local disk
	for disk in '' '--disk 64MiB'; do
		# shellcheck disable=SC2086 # nothing or two words
		jail create --image old:1 $disk web
		jail start web
		jail exec --user 0 web sh -c 'echo text >/root/file && rm /opt/same'
		jail stop --timeout 0s web
		jail rebuild --keep-files --image new:1 web
		jail start web
		[ "$(which)" = new ]
		[ "$(jail exec --user 0 web cat /root/file)" = text ]
		run jail exec web ls /opt/same
		[ "$status" -ne 0 ]
		jail stop --timeout 0s web
		jail rebuild --image old:1 web
		jail start web
		run jail exec --user 0 web ls /root/file
		[ "$status" -ne 0 ]
		[ "$(jail exec web cat /opt/same)" = 1 ]
		# An instance can write into what is new.
		jail exec --user 0 web sh -c 'echo more >/root/file'
		jail rm --force web
	done
}

@test "the first boot comes again, unless the files stay" {
	echo '{ "image": "old:1", "firstBoot": { "locale": "C.UTF-8" } }' >"$BATS_TEST_TMPDIR/spec.json"
	jail create --file "$BATS_TEST_TMPDIR/spec.json" web
	jail start web
	jail exec --user 0 web sh -c 'grep LANG=C.UTF-8 /etc/locale.conf && echo mine >/etc/locale.conf'
	jail stop --timeout 0s web
	jail rebuild --keep-files --image new:1 web
	jail start web
	[ "$(jail exec web cat /etc/locale.conf)" = mine ]
	jail stop --timeout 0s web
	jail rebuild --image old:1 web
	jail start web
	[ "$(jail exec web cat /etc/locale.conf)" = LANG=C.UTF-8 ]
}

@test "without --image it is what the image's name means by now" {
	jail image tag old:1 moving:1
	jail create --image moving:1 web
	jail image tag --replace new:1 moving:1
	jail rebuild web
	[ "$(spec .image)" = '"moving:1"' ]
	# What the old one had given is known, though nothing has its name.
	[ "$(spec .process.env | jq -cS .)" = '{"A":"new","C":"new","PATH":"/sbin:/bin"}' ]
	[ "$(spec .process.cwd)" = '"/srv"' ]
	jail start web
	[ "$(which)" = new ]
	jail rm --force web
	jail image rm moving:1
}

@test "what can't be is an error, and changes nothing" {
	jail create --image old:1 web
	cp "$(directory)/spec.json" "$(directory)/meta.json" "$BATS_TEST_TMPDIR"
	run jail rebuild --image none:1 web
	assert_error 1 'rebuild web: image: '
	run jail rebuild --image old:1 nobody
	assert_error 1 'rebuild nobody: no such instance'
	mkdir -p "$JAIL_TEST_DIR/root"
	jail create --rootfs "$JAIL_TEST_DIR/root" other true
	run jail rebuild --image old:1 other
	assert_error 1 'is a directory of the host'
	diff "$(directory)/spec.json" "$BATS_TEST_TMPDIR/spec.json"
	diff "$(directory)/meta.json" "$BATS_TEST_TMPDIR/meta.json"
	[ -z "$(left)" ]
}

prepared() {
	jail rm --all --force
	jail create --image old:1 "$@" web
	jail start web
	jail exec --user 0 web sh -c 'echo text >/root/file && rm /opt/same'
	jail stop --timeout 0s web
}
# killed CALL N [OPTION...]: at its Nth call of that. Return: whether there were as many.
killed() {
	local status=0

	# (LeakSanitizer is no tracer beside another.)
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -o /dev/null -e "inject=$1:signal=KILL:when=$2" \
		"$JAIL_BUILD/jail" rebuild --image new:1 "${@:3}" web || status=$?
	[ "$status" -eq 137 ] || [ "$status" -eq 0 ] || { echo "status $status" >&2; exit 1; }
	[ "$status" -eq 137 ]
}
is_old() {
	[ "$(which)" = old ]
	[ "$(jail exec web id -u)" = 33 ]
	[ "$(jail exec --user 0 web cat /root/file)" = text ]
	run jail exec web ls /opt/same
	[ "$status" -ne 0 ]
}
is_new() {
	[ "$(which)" = new ]
	[ "$(jail exec web id -u)" = 1000 ]
	[ "$(jail exec web cat /opt/same)" = 1 ]
	run jail exec --user 0 web ls /root/file
	[ "$status" -ne 0 ]
}

@test "killed at any moment it is the whole of the one or of the other, and nothing is left" {
	local call n old=0 new=0

	for call in renameat unlinkat fsync mkdirat; do
		for ((n = 1; n < 100; n++)); do
			prepared
			killed $call $n || break
			# Whoever comes next finishes it, be it gc or the start itself.
			[ $((n % 2)) -eq 0 ] || jail gc
			jail start web
			if [ "$(spec .image)" = '"old:1"' ]; then
				is_old
				old=$((old + 1))
			else
				is_new
				new=$((new + 1))
			fi
			[ -z "$(left)" ]
			[ -z "$(ls "$JAIL_TEST_DIR/state/trash")" ]
		done
		[ "$n" -lt 100 ]
	done
	# Both sides of the commit point were hit.
	[ "$old" -ge 4 ]
	[ "$new" -ge 4 ]
}

@test "killed past the commit point: gc keeps the new image's layers, whatever has become of its name" {
	local n

	for ((n = 1; n < 100; n++)); do
		prepared
		killed renameat $n
		[ ! -d "$(directory)/rebuild" ] || break
	done
	jail image rm new:1
	jail gc
	jail start web
	is_new
	jail rm --force web
	rm -rf "$JAIL_TEST_DIR/layout"
	make_images
}

@test "killed past the commit point, with a disk of its own: the start finishes it" {
	local n

	for ((n = 1; n < 100; n++)); do
		prepared --disk 64MiB
		killed renameat $n
		[ ! -d "$(directory)/rebuild" ] || break
	done
	jail start web
	is_new
	[ -z "$(left)" ]
}
