# SPDX-License-Identifier: GPL-2.0-or-later
# jail export and jail import of whole instances (docs/storage.md, "To another host").

load ../lib/common

setup_file() {
	jail_setup_file
	far_host
	# So that the directories are there that a first instance makes.
	far image import --quiet --name "$IMAGE" "$JAIL_TEST_DIR/busybox.tar"
	far create --image "$IMAGE" --network none warm true
	far rm warm
	far image rm "$IMAGE"
	far gc >/dev/null
}
teardown_file() { jail_teardown_file; }
teardown() {
	jail_teardown
	far rm --all --force
	far image ls --quiet | while read -r image; do far image rm "$image"; done
	far gc >/dev/null
	remove_images
	rm -f "$JAIL_TEST_DIR"/file*
	wait_until 10 no_loops
}

KEEP='while :; do sleep 1000; done'

# Another host: a state tree of its own, and nothing in it.
far_host() {
	jail_config "$JAIL_TEST_DIR/far.json" "$JAIL_TEST_DIR/far" "$JAIL_TEST_DIR/far-run" \
		<<<'"ids": {"first": 1879048192, "ranges": 64}'
}
far() { jail --config "$JAIL_TEST_DIR/far.json" "$@"; }
no_loops() { ! cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -qF "$JAIL_TEST_DIR/"; }
state_of() { echo "$JAIL_TEST_DIR/state/instances/$1"; }
far_state_of() { echo "$JAIL_TEST_DIR/far/instances/$1"; }
host() { app "$1" "${@:2}" --network none sh -c "$KEEP"; }
make() { jail create "$1" "${@:2}" --image "$IMAGE" --network none sh -c "$KEEP"; }
inside() { jail exec "$1" sh -c "$2"; }
stop() { jail stop --timeout 0s "$1"; }
do_in() {
	jail start "$1"
	inside "$1" "set -e; $2"
	stop "$1"
}
names() { "${2:-jail}" snapshot list --quiet "$1" | tr '\n' ' '; }
same_tree() { "$TOP/tests/helpers/treecmp.py" --inside "$1" "$2"; }
# Everything that a failed import could leave.
all_there() { find "$JAIL_TEST_DIR/$1" -printf '%P %y\n' | sort; }

# ---- files

@test "all that files can be comes through, compressed or not" {
	make web
	"$TOP/tests/helpers/richtree.py" "$(state_of web)/upper" "$(field web .ids.first)"
	run -0 jail export web -o "$JAIL_TEST_DIR/file"
	[[ $output =~ ^web:\ [0-9]+\ bytes,\ 1\ layer$ ]]
	run -0 jail export web -o "$JAIL_TEST_DIR/file2" --compress none --json
	[ "$(jq -c '[.name, .layers, .layersLeftOut, .snapshots, .frozenMs]' <<<"$output")" = '["web",1,0,0,null]' ]
	# Holes stay behind.
	[ "$(stat -c %s "$JAIL_TEST_DIR/file2")" -lt $((64 << 20)) ]
	# Other tools get at it.
	tar xOf "$JAIL_TEST_DIR/file" spec.json | jq -e '.name == "web"'
	[ "$(tar xOf "$JAIL_TEST_DIR/file" upper | zstd -dc | tar tf - | grep -cx 'rich/attributes')" -eq 1 ]
	run -0 far import "$JAIL_TEST_DIR/file"
	[ "$output" = "web, 1 of 1 layers new, image busybox:latest" ]
	run -0 far import --name web2 "$JAIL_TEST_DIR/file2"
	[ "$output" = web2 ]
	run -0 same_tree "$(state_of web)/upper" "$(far_state_of web)/upper"
	assert_output "0 differences"
	same_tree "$(state_of web)/upper" "$(far_state_of web2)/upper"
	# The owners are those of its own range.
	first=$(far inspect web2 --json | jq '.[0].ids.first')
	[ "$first" -ge 1879048192 ]
	[ "$(stat -c %u:%g "$(far_state_of web2)/upper/rich/plain")" = $((first + 33)):$((first + 44)) ]
	[ "$(getfattr --absolute-names -n security.capability --only-values "$(far_state_of web2)/upper/rich/caps" |
		od -An -tu4 -j 20)" -eq "$first" ]
	far image verify busybox
}

@test "an import runs as the source did, under the name that it is given" {
	make web --hostname web --label a=b --env X=1
	do_in web 'echo one >/a; rm -r /var/www; mkdir /var/www; echo two >/var/www/index; chown 5:6 /a'
	jail export web --quiet -o "$JAIL_TEST_DIR/file"
	far import --name other "$JAIL_TEST_DIR/file" --json >"$BATS_TEST_TMPDIR/json"
	[ "$(jq -c '[.name, .status, .spec.hostname, .spec.labels, .spec.process.env.X]' \
		"$BATS_TEST_TMPDIR/json")" = '["other","created","other",{"a":"b"},"1"]' ]
	# Another id: there are two of them.
	[ "$(jq -r '.id' "$BATS_TEST_TMPDIR/json")" != "$(field web .id)" ]
	[ "$(jq -c '.spec | del(.name, .hostname)' "$BATS_TEST_TMPDIR/json")" = \
		"$(jail inspect --json web | jq -c '.[0].spec | del(.name, .hostname)')" ]
	far start other
	[ "$(far exec other sh -c 'cat /a; stat -c %u:%g /a; ls /var/www; hostname; echo $X')" = "one
5:6
index
other
1" ]
}

@test "of a running instance: a copy while it stands still, which goes afterwards" {
	host web
	inside web 'echo one >/a; mkdir -p /d/e; ln /a /b'
	run -0 jail export web -o "$JAIL_TEST_DIR/file"
	[[ ${lines[1]} =~ ^the\ instance\ stood\ still\ for\ [0-9]+\.[0-9]ms$ ]]
	[ "$(status_of web)" = running ]
	inside web 'echo two >/a'
	[ -z "$(find "$(state_of web)/snapshots" -mindepth 1)" ]
	[ "$(jail export web --json -o "$JAIL_TEST_DIR/file2" | jq '.frozenMs > 0')" = true ]
	stop web
	far import --quiet "$JAIL_TEST_DIR/file"
	far start web
	[ "$(far exec web sh -c 'cat /a /b; stat -c %h /a')" = "one
one
2" ]
	# Nothing of it is left that a snapshot would see.
	[ -z "$(names web)" ]
}

@test "through a pipe, and only the layers that the other host lacks" {
	mkdir "$JAIL_TEST_DIR/layout"
	"$TOP/tests/helpers/mkoci.py" "$JAIL_TEST_DIR/layout" "
image(raw(ARGS[0]), layer(file('opt/one', b'1')), layer(file('opt/two', b'2')), name='three:1',
	config={'config': {'Cmd': ['sh'], 'Env': ['A=1']}})
image(raw(ARGS[0]), layer(file('opt/one', b'1')), name='two:1')" "$JAIL_TEST_DIR/busybox.tar"
	jail image import --quiet --all "$JAIL_TEST_DIR/layout"
	far image import --quiet --image two:1 --name two:1 "$JAIL_TEST_DIR/layout"
	rm -r "$JAIL_TEST_DIR/layout"
	jail create --image three:1 --network none web sh -c "$KEEP"
	do_in web 'echo mine >/opt/one'
	far image list --layers >"$BATS_TEST_TMPDIR/have"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/have")" -eq 2 ]
	[ "$(far image list --layers --json | jq -r '.[]')" = "$(cat "$BATS_TEST_TMPDIR/have")" ]
	run -0 bash -c "set -o pipefail; '$JAIL_BUILD/jail' --config '$JAIL_TEST_DIR/far.json' image list --layers |
		'$JAIL_BUILD/jail' export web --have - |
		'$JAIL_BUILD/jail' --config '$JAIL_TEST_DIR/far.json' import -"
	assert_output "1 layer (2 left out)"
	assert_output "web, 1 of 3 layers new, image three:1"
	far start web
	[ "$(far exec web sh -c 'cat /opt/one /opt/two; echo; echo $A')" = "mine
2
1" ]
	# What is in the file and here already is passed over.
	jail export web --quiet -o "$JAIL_TEST_DIR/file"
	run -0 far import --name again "$JAIL_TEST_DIR/file"
	[ "$output" = again ]
	far image verify three:1
	far image inspect three:1 --json | jq -c '.[0] | [.layers, .config]' >"$BATS_TEST_TMPDIR/far"
	jail image inspect three:1 --json | jq -c '.[0] | [.layers, .config]' | diff - "$BATS_TEST_TMPDIR/far"
}

@test "a layer that is nowhere is named before anything is unpacked" {
	make web
	jail export web --quiet --no-layers -o "$JAIL_TEST_DIR/file"
	layer=$(jail image list --layers)
	before=$(all_there far)
	# Only the texts are there: nothing of the rest is looked at.
	head -c 4096 "$JAIL_TEST_DIR/file" >"$JAIL_TEST_DIR/file-begin"
	run far import "$JAIL_TEST_DIR/file-begin"
	assert_error 1 "1 layer is neither here nor in the file: $layer"
	assert_output 'import image busybox:latest here before'
	[ "$(all_there far)" = "$before" ]
	far image import --quiet --name other "$JAIL_TEST_DIR/busybox.tar"
	run -0 far import "$JAIL_TEST_DIR/file"
	[ "$output" = "web, image busybox:latest" ]
}

# ---- snapshots

@test "snapshots come along, each as it was and on what it stood" {
	make web
	do_in web 'echo one >/a; mkdir /d; echo x >/d/x'
	jail snapshot create web first
	do_in web 'echo two >/a; rm -r /d'
	jail snapshot create web second
	do_in web 'echo three >/a'
	jail snapshot create web third
	jail rollback web first
	do_in web 'echo four >/a; mkdir /e'
	jail snapshot rm web second # third stands on it
	jail start web
	jail snapshot create web frozen
	stop web
	run -0 jail export web -o "$JAIL_TEST_DIR/file"
	assert_output '4 snapshots'
	run -0 far import "$JAIL_TEST_DIR/file"
	[ "$output" = "web, 1 of 1 layers new, 3 snapshots, image busybox:latest" ]
	jail snapshot list --json web >"$BATS_TEST_TMPDIR/here"
	far snapshot list --json web | diff "$BATS_TEST_TMPDIR/here" -
	run -0 far snapshot diff web first
	diff <(echo "$output") <(jail snapshot diff web first)
	run -0 far snapshot diff web first third
	diff <(echo "$output") <(jail snapshot diff web first third)
	far start web
	[ "$(far exec web sh -c 'cat /a /d/x; ls -d /e')" = "four
x
/e" ]
	far stop --timeout 0s web
	far rollback web third
	far start web
	[ "$(far exec web sh -c 'cat /a; ls -d /d 2>&1')" = "three
ls: /d: No such file or directory" ]
	far stop --timeout 0s web
	far rollback web first
	far start web
	[ "$(far exec web cat /a /d/x)" = "one
x" ]
	# There and back: the same parts, but for the time that now is.
	far stop --timeout 0s web
	far export web --quiet -o "$JAIL_TEST_DIR/file2"
	jail import --quiet --name back "$JAIL_TEST_DIR/file2"
	[ "$(names back)" = "first third frozen " ]
}

@test "without snapshots, or as of one: one tree of all that lay below" {
	make web
	do_in web 'echo one >/a; mkdir /d; echo x >/d/x; rm /etc/passwd'
	jail snapshot create web first
	do_in web 'echo two >/a; rm -r /d; mkdir /d; echo y >/d/y'
	run -0 jail export web --no-snapshots -o "$JAIL_TEST_DIR/file"
	[[ $output != *snapshot* ]]
	far import --quiet "$JAIL_TEST_DIR/file"
	[ -z "$(names web far)" ]
	far start web
	[ "$(far exec web sh -c 'cat /a; ls /d; ls /etc/passwd 2>&1')" = "two
y
ls: /etc/passwd: No such file or directory" ]
	far stop --timeout 0s web
	# While it runs, with no pause: a snapshot doesn't change.
	jail start web
	run -0 jail export web --snapshot first -o "$JAIL_TEST_DIR/file2"
	[[ $output != *stood* ]]
	far import --quiet --name old "$JAIL_TEST_DIR/file2"
	far start old
	[ "$(far exec old sh -c 'cat /a; ls /d')" = "one
x" ]
	run jail export web --snapshot none -o "$JAIL_TEST_DIR/file3"
	assert_error 1 'snapshot "none": no such snapshot'
	[ ! -e "$JAIL_TEST_DIR/file3" ]
	[ -z "$(find "$JAIL_TEST_DIR" -maxdepth 1 -name 'file3*')" ]
}

@test "in a disk image: its files go straight into it, and it limits them" {
	make web --disk 64MiB
	"$TOP/tests/helpers/richtree.py" "$(state_of web)/upper" "$(field web .ids.first)" 2>/dev/null || :
	do_in web 'echo one >/a; mkfifo /f; ln -s a /l; rm -r /var/www; mkdir /var/www; dd if=/dev/zero of=/z bs=1M count=20 2>/dev/null'
	jail snapshot create web first
	do_in web 'echo two >/a; rm /z'
	jail export web --quiet -o "$JAIL_TEST_DIR/file"
	far import --quiet "$JAIL_TEST_DIR/file"
	[ -f "$(far_state_of web)/disk.img" ]
	[ "$(find "$(far_state_of web)" -maxdepth 1 -name upper -o -maxdepth 1 -name snapshots)" = "" ]
	far start web
	[ "$(far exec web sh -c 'cat /a; readlink /l; ls /var/www; df -m / | tail -n 1 | awk "{ print (\$2 > 40 && \$2 < 65) }"')" = "two
a
1" ]
	far stop --timeout 0s web
	far rollback web first
	far start web
	[ "$(far exec web sh -c 'cat /a; stat -c %s /z')" = "one
20971520" ]
	far rm --force web
	# The limit binds the import too: the same files in less room.
	"$TOP/tests/helpers/mkexport.py" edit "$JAIL_TEST_DIR/file" "$JAIL_TEST_DIR/file2" \
		"spec['resources']['disk']['size'] = '16MiB'"
	before=$(all_there far)
	run far import "$JAIL_TEST_DIR/file2"
	assert_error 1 'No space left on device'
	far gc >/dev/null
	[ "$(all_there far)" = "$before" ]
}

# ---- what belongs to an instance beside its files

@test "the image is recorded under its name, or by digest where that means something else" {
	make web
	jail export web --quiet -o "$JAIL_TEST_DIR/file"
	config=$(jail image inspect busybox --json | jq -r '.[0].config')
	far image import --quiet --name other "$JAIL_TEST_DIR/busybox.tar"
	mkdir "$JAIL_TEST_DIR/layout"
	"$TOP/tests/helpers/mkoci.py" "$JAIL_TEST_DIR/layout" "image(layer(file('x', b'x')), name='busybox:latest')"
	far image import --quiet --all "$JAIL_TEST_DIR/layout"
	rm -r "$JAIL_TEST_DIR/layout"
	run -0 far import "$JAIL_TEST_DIR/file"
	[ "$output" = "web, image busybox:sha256-${config#sha256:}" ]
	[ "$(far image inspect "busybox:sha256-${config#sha256:}" --json | jq -r '.[0].config')" = "$config" ]
	# Once.
	run -0 far import --name web2 "$JAIL_TEST_DIR/file"
	[ "$output" = web2 ]
	far gc >/dev/null
	far start web2
}

@test "what the image gave as defaults is still known: an import, and a clone, can be rebuilt" {
	mkdir "$JAIL_TEST_DIR/layout"
	"$TOP/tests/helpers/mkoci.py" "$JAIL_TEST_DIR/layout" "
image(raw(ARGS[0]), name='old:1', config={'config': {'Cmd': ['sh', '-c', ARGS[1]], 'Env': ['A=old']}})
image(raw(ARGS[0]), layer(file('n', b'')), name='new:1', config={'config': {'Cmd': ['sleep', '1'], 'Env': ['A=new']}})
" "$JAIL_TEST_DIR/busybox.tar" "$KEEP"
	jail image import --quiet --all "$JAIL_TEST_DIR/layout"
	rm -r "$JAIL_TEST_DIR/layout"
	jail create --image old:1 --network none --env B=mine web
	jail clone web copy
	cmp "$(state_of web)/image.json" "$(state_of copy)/image.json"
	jail export web --quiet -o "$JAIL_TEST_DIR/file"
	jail import --quiet --name moved "$JAIL_TEST_DIR/file"
	cmp "$(state_of web)/image.json" "$(state_of moved)/image.json"
	for name in copy moved; do
		jail rebuild --image new:1 "$name"
		[ "$(field "$name" .spec.process.env | jq -cS .)" = '{"A":"new","B":"mine"}' ]
		[ "$(field "$name" .spec.process.args | jq -c .)" = '["sleep","1"]' ]
	done
}

@test "first boot is not done again; a new id unless it is to be the same instance" {
	jail create web --image "$IMAGE" --network none sh -c "$KEEP"
	jail start web
	stop web
	touch "$(state_of web)/provisioned"
	jail export web --quiet -o "$JAIL_TEST_DIR/file"
	far import --quiet --keep-id "$JAIL_TEST_DIR/file"
	[ -e "$(far_state_of web)/provisioned" ]
	[ "$(far inspect web --json | jq -c '.[0] | [.id, .createdAt]')" = "$(jail inspect web --json | jq -c '.[0] | [.id, .createdAt]')" ]
	before=$(all_there far)
	run far import --keep-id --name web2 "$JAIL_TEST_DIR/file"
	assert_error 1 "an instance of this host has the id $(field web .id)"
	assert_output 'leave the id out'
	far gc >/dev/null
	[ "$(all_there far)" = "$before" ]
	far import --quiet --name web2 "$JAIL_TEST_DIR/file"
	[ "$(far inspect web2 --json | jq -r '.[0].id')" != "$(field web .id)" ]
}

@test "snapshots outlive a rebuild, and stand on the new image then" {
	mkdir "$JAIL_TEST_DIR/layout"
	"$TOP/tests/helpers/mkoci.py" "$JAIL_TEST_DIR/layout" "
image(raw(ARGS[0]), layer(file('opt/which', b'old')), name='old:1')
image(raw(ARGS[0]), layer(file('opt/which', b'new')), layer(file('opt/more', b'')), name='new:1')" "$JAIL_TEST_DIR/busybox.tar"
	jail image import --quiet --all "$JAIL_TEST_DIR/layout"
	rm -r "$JAIL_TEST_DIR/layout"
	for disk in '' '--disk=32MiB'; do
		# shellcheck disable=SC2086 # nothing, or one
		jail create --image old:1 $disk --network none web sh -c "$KEEP"
		do_in web 'echo one >/a'
		jail snapshot create web first
		do_in web 'echo two >/a'
		jail rebuild --image new:1 --keep-files web
		[ "$(names web)" = "first " ]
		jail start web
		[ "$(inside web 'cat /opt/which /a')" = newtwo ]
		stop web
		jail rollback web first
		jail start web
		[ "$(inside web 'cat /opt/which /a')" = newone ]
		stop web
		# Without its files: an empty instance, and the snapshot can still be gone back to.
		jail rebuild --image old:1 web
		[ "$(names web)" = "first " ]
		jail start web
		[ "$(inside web 'cat /opt/which /a 2>&1')" = "oldcat: can't open '/a': No such file or directory" ]
		stop web
		jail rollback web first
		jail start web
		[ "$(inside web 'cat /opt/which /a')" = oldone ]
		jail rm --force web
	done
}

# ---- the spec is judged

@test "a spec that reaches the host is told of, by path, and comes in only when trusted" {
	jail volume create data
	mkdir -p "$JAIL_TEST_DIR/srv"
	make web --mount volume:data:/data --mount "$JAIL_TEST_DIR/srv:/srv:ro" --seccomp unconfined
	jail export web --quiet -o "$JAIL_TEST_DIR/file"
	run far import "$JAIL_TEST_DIR/file"
	assert_error 1 "its spec reaches the host: mounts[0].source: volume data; mounts[1].source: bind $JAIL_TEST_DIR/srv; security.seccomp: unconfined"
	assert_output 'jail import --trust'
	# And what isn't here is told of, all at once.
	"$TOP/tests/helpers/mkexport.py" edit "$JAIL_TEST_DIR/file" "$JAIL_TEST_DIR/file2" \
		"spec['network'] = {'interfaces': [{'network': 'front'}, {'network': 'back'}]}"
	run far import --trust "$JAIL_TEST_DIR/file2"
	assert_error 1 'mounts[0].source: '
	assert_output 'network.interfaces[0].network: no network front'
	assert_output 'network.interfaces[1].network: no network back'
	far volume create data
	far import --quiet --trust "$JAIL_TEST_DIR/file"
	far rm web
	far volume rm data
	jail rm web
	jail volume rm data
}

@test "a name in use is an error before anything is read; a bad one too" {
	make web
	jail export web --quiet -o "$JAIL_TEST_DIR/file"
	run jail import "$JAIL_TEST_DIR/file"
	assert_error 1 'the name web is in use'
	assert_output '--name'
	run jail import --name ../x "$JAIL_TEST_DIR/file"
	assert_error 1 "name \"../x\""
}

# ---- the command line

@test "what can't be exported, and options that contradict" {
	make web
	run jail export web --no-layers --have /dev/null -o "$JAIL_TEST_DIR/file"
	assert_error 2 'one of them'
	run jail export web --json
	assert_error 2 '--json needs --output FILE'
	run jail export web --compress lzma -o "$JAIL_TEST_DIR/file"
	assert_error 2 '--compress "lzma": there is no such'
	echo sha256:12 >"$BATS_TEST_TMPDIR/have"
	run jail export web --have "$BATS_TEST_TMPDIR/have" -o "$JAIL_TEST_DIR/file"
	assert_error 1 "have: line 1"
	jail create fast --image "$IMAGE" --volatile --network none true
	run jail export fast -o "$JAIL_TEST_DIR/file"
	assert_error 1 'it is volatile'
	[ ! -e "$JAIL_TEST_DIR/file" ]
	run jail export nobody -o "$JAIL_TEST_DIR/file"
	assert_error 1 'no such instance'
	run jail import "$JAIL_TEST_DIR/busybox.tar"
	assert_error 1 'this is no file of `jail export`'
	assert_output 'jail image import'
	run jail export web -o /dev/full
	assert_error 1 'No space left on device'
	# Nobody starts it while it is written.
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	jail export web --quiet --compress none -o "$BATS_TEST_TMPDIR/pipe" &
	exec 7<"$BATS_TEST_TMPDIR/pipe"
	read -r -n 1 -u 7
	JAIL_TIMEOUT=5 run jail start web
	[ "$status" -ne 0 ]
	exec 7<&-
	if wait $!; then false; fi
	jail start web
}
