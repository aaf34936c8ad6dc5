# SPDX-License-Identifier: GPL-2.0-or-later
# Images of several layers in every format that is around: made by podman, buildah and skopeo, imported here, and what
# an instance sees compared with what umoci unpacks. Digests that do not match, names, platforms, whiteouts.

# shellcheck disable=SC2012,SC2046 # names are plain; storage gives words

load ../lib/common

MKOCI=$TOP/tests/helpers/mkoci.py
TREECMP=$TOP/tests/helpers/treecmp.py

setup_file() {
	jail_setup_file
	WORK=$JAIL_TEST_DIR/formats
	export WORK
	mkdir -p "$WORK"
	build_image "$WORK"
}
teardown_file() { jail_teardown_file; }
setup() {
	STATE=$JAIL_TEST_DIR/state
	OCI=$BATS_TEST_TMPDIR/oci
}
teardown() {
	jail_teardown
	remove_images
	jail gc
}

# What podman and buildah keep stays in this test's directory, and needs neither network nor registries.
storage() { echo --root "$WORK/storage" --runroot "$WORK/storage-run" --storage-driver vfs; }
# build_image DIR: an image of six layers by buildah, whose last ones delete and replace what the first ones made.
build_image() {
	mkdir -p "$1/ctx/d1/sub" "$1/ctx/d2"
	cp "$JAIL_TEST_DIR/busybox.tar" "$1/ctx/"
	echo one >"$1/ctx/d1/one"
	echo two >"$1/ctx/d1/sub/two"
	echo keep >"$1/ctx/d2/keep"
	head -c 300000 /dev/urandom >"$1/ctx/d2/random"
	cat >"$1/ctx/Containerfile" <<-'END'
		FROM scratch
		ADD busybox.tar /
		COPY d1 /data/d1
		COPY d2 /data/d2
		RUN rm /data/d1/one && rm -r /data/d1/sub && chown 1234:4321 /data/d2/keep && chmod 4755 /data/d2/keep && \
			ln /data/d2/keep /data/d2/hard && ln -s keep /data/d2/soft
		RUN rm -rf /data/d2 && mkdir -m 700 /data/d2 && echo new >/data/d2/new && ln /data/d2/new /data/d2/link && \
			mkdir /data/d1/sub && touch -d '2001-02-03 04:05:06' /data/d2/new
		RUN echo last >/data/last
		ENV WORD=kept
		ENTRYPOINT ["/bin/echo"]
	END
	buildah $(storage) bud --layers --isolation chroot -q -t localhost/many:1 "$1/ctx" >/dev/null
	podman $(storage) save -q --format oci-dir -o "$1/layout" localhost/many:1
	CONFIG=$(skopeo inspect --raw "oci:$1/layout:localhost/many:1" | jq -r .config.digest)
	DIFF_IDS=$(jq -c .rootfs.diff_ids "$1/layout/blobs/sha256/${CONFIG#sha256:}")
	echo "$CONFIG" >"$1/config-digest"
	echo "$DIFF_IDS" >"$1/diff-ids"
}

# mkoci SCRIPT [ARG...]: a layout at $OCI.
mkoci() {
	rm -rf "$OCI"
	mkdir -p "$OCI"
	"$MKOCI" "$OCI" "$@"
}
field() { # IMAGE JQ
	jail image inspect --json "$1" | jq -c ".[0]$2" | tr -d '"'
}
# is_many IMAGE: it is the image that buildah made, by its digests, and every layer's tree has the content it had.
is_many() {
	[ "$(field "$1" .config)" = "$(cat "$WORK/config-digest")" ]
	[ "$(jail image inspect --json "$1" | jq -c '.[0].layers')" = "$(cat "$WORK/diff-ids")" ]
	local config
	config=$(field "$1" .config)
	[ "sha256:$(sha256sum <"$STATE/configs/${config#sha256:}.json" | cut -d' ' -f1)" = "$config" ]
	[ "$(stat -c %a "$STATE/configs/${config#sha256:}.json")" = 600 ]
}
# The root file system as an instance has it, at $ROOT. Ids are the host's, so that owners can be compared.
look_inside() { # IMAGE
	jail create look --image "$1" --network none --userns host sleep 1000
	jail start look
	ROOT=/proc/$(jail inspect --json look | jq '.[0].pid')/root
}
nothing_new() { # a failed import has left nothing
	jail gc >/dev/null
	[ -z "$(ls -A "$STATE/staging")" ]
	[ "$(ls "$STATE/layers" | wc -l)" = 1 ]
	[ "$(ls "$STATE/configs" | wc -l)" = 1 ]
}
refused() { # PATTERN OPTION... : of $OCI
	local pattern=$1
	shift
	run jail image import "$OCI" "$@"
	[ "$status" -eq 1 ] || { echo "status $status: $output"; return 1; }
	[[ ${output//$'\n'/ } =~ $pattern ]] || { echo "\"$output\" is not about $pattern"; return 1; }
	nothing_new
}

@test "podman save, both archives: the same image by every digest, by name, from a file, a pipe, compressed" {
	local format f=$BATS_TEST_TMPDIR/a.tar
	for format in docker-archive oci-archive; do
		rm -f "$f"
			podman $(storage) save -q --format $format -o "$f" localhost/many:1
		run -0 jail image import "$f"
		assert_output 'localhost/many:1: '
		assert_output 'in 6 layers'
		is_many localhost/many:1
		[ "$(field localhost/many:1 .archive)" = "sha256:$(sha256sum <"$f" | cut -d' ' -f1)" ]
		jail image rm localhost/many:1
		jail gc
		jail image import - --name piped:1 <"$f"
		is_many piped:1
		jail image rm piped:1
		jail gc
		zstd -q -c "$f" | cat | jail image import - --name packed:1
		is_many packed:1
		jail image rm packed:1
		jail gc
	done
	podman $(storage) save -q localhost/many:1 | jail image import -
	is_many localhost/many:1
}

@test "inspect names the image by its config, and an archive only where there was one" {
	jail image import --quiet "$WORK/layout"
	run -0 jail image inspect localhost/many:1
	local id manifest
	id=$(cut -d: -f2 "$WORK/config-digest")
	manifest=$(jq -r '.manifests[0].digest' "$WORK/layout/index.json" | cut -d: -f2)
	assert_output "id          $id"
	assert_output "manifest    $manifest"
	refute_output archive
	[ "$(grep -c '^layer ' <<<"$output")" = 6 ]
	run -0 jail image inspect "$IMAGE"
	assert_output archive
	refute_output manifest
}

@test "directories: an OCI layout, that of podman's docker-dir and of skopeo's dir" {
	jail image import "$WORK/layout"
	is_many localhost/many:1
	[ "$(field localhost/many:1 .archive)" = null ]
	[ "$(field localhost/many:1 .manifest)" = "$(jq -r '.manifests[0].digest' "$WORK/layout/index.json")" ]
	jail image rm localhost/many:1
	jail gc
	podman $(storage) save -q --format docker-dir -o "$BATS_TEST_TMPDIR/dd" localhost/many:1
	jail image import "$BATS_TEST_TMPDIR/dd" --name dd:1
	is_many dd:1
	jail image rm dd:1
	jail gc
	skopeo copy -q --insecure-policy "oci:$WORK/layout:localhost/many:1" "dir:$BATS_TEST_TMPDIR/dir"
	jail image import "$BATS_TEST_TMPDIR/dir" --name dir:1
	is_many dir:1
}

@test "skopeo copy: OCI archive and layout with gzip and zstd layers, docker archive" {
	local from=oci:$WORK/layout:localhost/many:1 t=$BATS_TEST_TMPDIR kind
	skopeo copy -q --insecure-policy "$from" "oci-archive:$t/oa.tar:docker.io/library/x:y"
	skopeo copy -q --insecure-policy "$from" "docker-archive:$t/da.tar:docker.io/library/x:y"
	skopeo copy -q --insecure-policy --dest-compress --dest-compress-format zstd "$from" "oci:$t/zstd:docker.io/library/x:y"
	for kind in oa.tar da.tar zstd; do
		jail image import "$t/$kind"
		is_many docker.io/library/x:y
		jail image rm docker.io/library/x:y
		jail gc
	done
	# A layout that was packed by tar, whose first member is the directory itself.
	tar -C "$WORK/layout" -cf "$t/packed.tar" .
	jail image import "$t/packed.tar"
	is_many localhost/many:1
}

@test "layers that are there are not unpacked again, and shared" {
	jail image import --quiet "$WORK/layout"
	local before
	before=$(stat -c '%i %n' "$STATE"/layers/*/fs)
	run -0 jail image import "$WORK/layout" --name other:1
	assert_output '6 of them here already'
	[ "$(stat -c '%i %n' "$STATE"/layers/*/fs)" = "$before" ]
	# The blobs of known layers are not needed.
	cp -r "$WORK/layout" "$BATS_TEST_TMPDIR/part"
	local digest
	for digest in $(skopeo inspect --raw "oci:$WORK/layout:localhost/many:1" | jq -r '.layers[].digest'); do
		rm "$BATS_TEST_TMPDIR/part/blobs/sha256/${digest#sha256:}"
	done
	jail image import "$BATS_TEST_TMPDIR/part" --name part:1
	is_many part:1
	jail image rm localhost/many:1 other:1 part:1
	[ "$(ls "$STATE/layers" | wc -l)" = 1 ]
	run jail image import "$BATS_TEST_TMPDIR/part"
	assert_error 1 'there is no "blobs/sha256/'
}

@test "what an instance sees is what umoci unpacks: buildah's whiteouts and replaced directories" {
	jail image import --quiet "$WORK/layout" --name many:1
	umoci unpack --image "$WORK/layout:localhost/many:1" "$BATS_TEST_TMPDIR/bundle"
	look_inside many:1
	"$TREECMP" "$BATS_TEST_TMPDIR/bundle/rootfs/data" "$ROOT/data"
	"$TREECMP" "$BATS_TEST_TMPDIR/bundle/rootfs/bin" "$ROOT/bin"
	[ ! -e "$ROOT/data/d2/random" ]
	[ "$(cat "$ROOT/data/d2/new" "$ROOT/data/last")" = $'new\nlast' ]
}

# Two layers: the lower has everything, the upper has a whiteout or an opaque directory of each kind.
whiteouts='
low = layer(dir("w"), *[file("w/" + n, b"low") for n in ("gone", "before", "after", "kept")],
    *[m for n in ("dgone", "dbefore", "dafter", "dnew", "implicit", "opaque", "opaque2", "op-after", "merged")
      for m in (dir("w/" + n, mtime=900000000), file("w/" + n + "/low", b"low"))],
    dir("w/opaque/deep"), file("w/opaque/deep/low", b"low"), file("w/file-then-dir", b"low"), dir("w/dir-then-file"),
    file("w/dir-then-file/low", b"low"), sym("w/link", "merged"),
    *[m for n in ("replaced", "swapped", "linked") for m in (dir("w/" + n), file("w/" + n + "/low", b"low"))])
up = layer(dir("w"), file("w/.wh.gone"), file("w/.wh.dgone"),
    # The name and its whiteout in one layer, in both orders: the whiteout is about the lower layer.
    file("w/.wh.before"), file("w/before", b"up"), file("w/after", b"up"), file("w/.wh.after"),
    file("w/.wh.dbefore"), dir("w/dbefore"), file("w/dbefore/up", b"up"),
    dir("w/dafter"), file("w/dafter/up", b"up"), file("w/.wh.dafter"),
    # A whiteout, and then members of a directory that is not listed.
    file("w/.wh.implicit"), file("w/implicit/sub/up", b"up"),
    dir("w/opaque"), file("w/opaque/.wh..wh..opq"), dir("w/opaque/deep"), file("w/opaque/up", b"up"),
    file("w/opaque2/.wh..wh..opq"), dir("w/opaque2"), file("w/opaque2/up", b"up"),
    dir("w/op-after"), file("w/op-after/up", b"up"), file("w/op-after/.wh..wh..opq"),
    dir("w/merged"), file("w/merged/up", b"up"), file("w/.wh.link"), file("w/.wh.not-there"),
    dir("w/file-then-dir"), file("w/file-then-dir/up", b"up"), file("w/dir-then-file", b"up"),
    # What is said of a directory is about its name, whatever the layer puts there afterwards; and what took the place of
    # a directory, and was replaced by one again, had hidden the lower one.
    file("w/replaced", b"up"), dir("w/replaced"), file("w/replaced/up", b"up"),
    dir("w/swapped"), file("w/swapped/.wh..wh..opq"), file("w/swapped", b"up"), dir("w/swapped"), file("w/swapped/up", b"up"),
    dir("w/linked"), file("w/linked/.wh..wh..opq"), sym("w/linked", "merged"),
    # AUFS: not for us.
    file(".wh..wh.aufs"), dir(".wh..wh.plnk"), file(".wh..wh.plnk/1.2", b"x"), dir(".wh..wh.orph"))'
seen='after after=up before before=up dafter dafter/up=up dbefore dbefore/up=up dir-then-file dir-then-file=up
dnew dnew/low=low file-then-dir file-then-dir/up=up implicit implicit/sub implicit/sub/up=up kept kept=low linked
merged merged/low=low merged/up=up op-after op-after/up=up opaque opaque/deep opaque/up=up opaque2 opaque2/up=up
replaced replaced/up=up swapped swapped/up=up'
list_tree() { # DIR: names, and what is in the files
	(cd "$1" && find . -mindepth 1 \( -type f -printf '%P=' -exec cat {} \; -printf '\n' \) -o -printf '%P\n' | LC_ALL=C sort)
}

@test "whiteouts and opaque directories in every order: OCI's meaning, on top of the lower layer only" {
	mkoci "$whiteouts
base = raw(ARGS[0])
image(base, low, up, name='w:1')" "$JAIL_TEST_DIR/busybox.tar"
	jail image import --quiet "$OCI"
	look_inside w:1
	local want got
	want=$(tr ' ' '\n' <<<"$seen" | grep -v '^\(after\|before\|kept\|dir-then-file\)$' | grep -v '^[^=]*/\(up\|low\)$' | LC_ALL=C sort)
	got=$(list_tree "$ROOT/w")
	diff <(echo "$want") <(echo "$got")
	[ -z "$(find "$ROOT/" -maxdepth 1 -name '.wh*')" ]
	umoci unpack --image "$OCI:w:1" "$BATS_TEST_TMPDIR/bundle"
	diff <(list_tree "$BATS_TEST_TMPDIR/bundle/rootfs/w") <(echo "$got")
	# The layers themselves: no AUFS files, and whiteouts only where a .wh. name asked for one.
	[ -z "$(find "$STATE/layers" -name '.wh*')" ]
	local layer
	layer=$STATE/layers/$(field w:1 '.layers[2]' | cut -d: -f2)
	[ "$(find "$layer/fs" -type c -printf '%P\n' | LC_ALL=C sort | tr '\n' ' ')" = 'w/dgone w/gone w/link w/not-there ' ]
	[ "$(getfattr -R -d -m trusted.overlay --absolute-names "$layer/fs" | sed -n 's/^# file: .*fs\///p' | LC_ALL=C sort |
		tr '\n' ' ')" = 'w/dafter w/dbefore w/implicit w/op-after w/opaque w/opaque2 w/replaced w/swapped ' ]
	[ "$(jq -c '[.whiteouts, .opaques]' "$layer/layer.json")" = '[9,5]' ]
}

@test "an opaque root hides all lower layers" {
	mkoci "
base = raw(ARGS[0])
clear = layer(file('.wh..wh..opq'))
image(layer(dir('old'), file('old/f')), clear, base, layer(file('top', b'top')), name='opaque:1')" "$JAIL_TEST_DIR/busybox.tar"
	jail image import --quiet "$OCI"
	look_inside opaque:1
	[ ! -e "$ROOT/old" ]
	[ "$(cat "$ROOT/top")" = top ]
}

@test "one layer several times, and an empty one" {
	mkoci "
base = raw(ARGS[0])
a, b, empty = layer(dir('d'), file('d/f', b'a')), layer(dir('d'), file('d/f', b'b'), file('d/g')), layer()
image(base, empty, a, b, empty, a, name='twice:1')" "$JAIL_TEST_DIR/busybox.tar"
	run -0 jail image import "$OCI"
	assert_output 'in 6 layers'
	[ "$(field twice:1 '.layers | length')" = 6 ]
	look_inside twice:1
	[ "$(cat "$ROOT/d/f")" = a ]
	[ -e "$ROOT/d/g" ]
}

@test "docker save of old: links between layers, in any order, several images and tags" {
	mkoci "
a, b, c = layer(file('a', b'a')), layer(file('b')), layer(file('c'))
docker([((a, b), ['one:1', 'one:latest']), ((a, c, b), ['two:1'])], links=True)"
	[ "$(find "$OCI" -type l | wc -l)" = 2 ]
	tar -C "$OCI" -cf "$BATS_TEST_TMPDIR/first.tar" --sort=name manifest.json $(cd "$OCI" && find . -mindepth 1 -maxdepth 1 ! -name manifest.json)
	# The other way round: links before what they point to.
	tar -C "$OCI" -cf "$BATS_TEST_TMPDIR/last.tar" $(cd "$OCI" && find . -type l -printf '%P\n') \
		$(cd "$OCI" && find . -type f -printf '%P\n')
	local kind
	for kind in first last; do
		run jail image import "$BATS_TEST_TMPDIR/$kind.tar"
		assert_error 1 'two:1'
		nothing_new
		run -0 jail image import --all "$BATS_TEST_TMPDIR/$kind.tar"
		[ "$(jail image list --quiet | sort | tr '\n' ' ')" = "$IMAGE:latest one:1 one:latest two:1 " ]
		[ "$(field one:1 .layers)" = "$(field one:latest .layers)" ]
		[ "$(field two:1 '.layers | length')" = 3 ]
		jail image rm one:1 one:latest two:1
		jail image import --image two:1 "$BATS_TEST_TMPDIR/$kind.tar" --name mine:1
		[ "$(field mine:1 '.layers | length')" = 3 ]
		jail image rm mine:1
		jail gc
	done
	# A link that leads out of the archive.
	rm -rf "$OCI"
	mkdir "$OCI"
	ln -s ../../../etc/passwd "$OCI/manifest.json"
	tar -C "$OCI" -cf "$BATS_TEST_TMPDIR/out.tar" manifest.json
	run jail image import --format docker "$BATS_TEST_TMPDIR/out.tar"
	assert_error 1 'leads out of the archive'
	nothing_new
	ln -sf index.json "$OCI/manifest.json"
	ln -s manifest.json "$OCI/index.json"
	tar -C "$OCI" -cf "$BATS_TEST_TMPDIR/loop.tar" manifest.json index.json
	run jail image import --format docker "$BATS_TEST_TMPDIR/loop.tar"
	assert_error 1 ''
	nothing_new
}

@test "an index of platforms: this machine's, another one, none; attestations are passed over" {
	mkoci "
mine, other = host_arch(), 'riscv64'
a = image(layer(file('mine')), arch=mine, listed=False)
b = image(layer(file('other')), arch=other, listed=False)
att = dict(image(layer(file('att')), listed=False), platform={'os': 'unknown', 'architecture': 'unknown'})
entry(index_of(att, b, a, annotations={'org.opencontainers.image.ref.name': 'multi:1'}))"
	jail image import "$OCI"
	[ -e "$STATE/layers/$(field multi:1 '.layers[0]' | cut -d: -f2)/fs/mine" ]
	jail image import "$OCI" --platform linux/riscv64 --name other:1
	[ -e "$STATE/layers/$(field other:1 '.layers[0]' | cut -d: -f2)/fs/other" ]
	jail image rm multi:1 other:1
	refused 'ppc64le.*riscv64|riscv64.*ppc64le' --platform linux/ppc64le
	refused 'platform' --platform 'no such/one'
	# An image alone that is for another machine: only a warning, unless it was asked for.
	mkoci "image(layer(file('f')), name='alone:1', config={'architecture': 'riscv64'})"
	run -0 jail image import "$OCI"
	assert_output riscv64
	jail image rm alone:1
	refused 'for linux/riscv64, not for linux/ppc64le' --platform linux/ppc64le
}

@test "docker save of today has both: the layout counts, which names everything by digest" {
	mkoci "
l = layer(file('f', b'good'), compress='')
d = image(l, name='1', full_name='docker.io/library/both:1')
m = json.load(open(TOP + '/blobs/sha256/' + d['digest'][7:]))
put('manifest.json', json.dumps([{'Config': 'blobs/sha256/' + m['config']['digest'][7:], 'RepoTags': ['both:1'],
    'Layers': ['blobs/sha256/' + l.blob[7:]]}]).encode())"
	tar -C "$OCI" -cf "$BATS_TEST_TMPDIR/both.tar" --sort=name blobs index.json manifest.json oci-layout
	jail image import "$BATS_TEST_TMPDIR/both.tar"
	[ "$(field docker.io/library/both:1 .manifest)" = "$(jq -r '.manifests[0].digest' "$OCI/index.json")" ]
	jail image rm docker.io/library/both:1
	jail gc
	# And without the layout, by the other one; the layer's name is checked as a digest.
	tar -C "$OCI" -cf "$BATS_TEST_TMPDIR/old.tar" --sort=name blobs manifest.json
	jail image import "$BATS_TEST_TMPDIR/old.tar"
	[ "$(field both:1 .manifest)" = null ]
	jail image rm both:1
	jail gc
	local blob
	blob=$(jq -r '.[0].Layers[0]' "$OCI/manifest.json")
	sed -i 's/good/evil/' "$OCI/$blob"
	tar -C "$OCI" -cf "$BATS_TEST_TMPDIR/evil.tar" --sort=name blobs manifest.json
	run jail image import "$BATS_TEST_TMPDIR/evil.tar"
	assert_error 1 'has the digest sha256:'
	nothing_new
}

@test "names: of containerd, of the layout, a tag alone is none, one that can't be kept" {
	mkoci "image(layer(file('a')), name='1', full_name='docker.io/library/a:1')
image(layer(file('b')), name='localhost/b:2')"
	refused 'docker.io/library/a:1' # and which of the two?
	jail image import --all "$OCI"
	[ "$(jail image list --quiet | sort | tr '\n' ' ')" = "$IMAGE:latest docker.io/library/a:1 localhost/b:2 " ]
	jail image rm docker.io/library/a:1 localhost/b:2
	mkoci "image(layer(file('a')), name='latest')"
	refused 'no name.*--name'
	mkoci "image(layer(file('a')), name='localhost:5000/A:1')"
	refused 'localhost:5000/A:1.*--name'
	jail image import "$OCI" --name a:1
	run jail image import "$OCI" --name a:1
	assert_error 1 'in use'
	run jail image import "$OCI" --all --name b:1
	assert_error 2 --all
}

# check_named NAME: found, listed, verified and removed by it; its file is one file of the store.
check_named() {
	[ "$(jail image inspect --json "$1" | jq -r '.[0].name')" = "$1" ]
	run -0 jail image verify "$1"
	assert_output "$1: sound"
	jail image list --quiet | grep -qxF "$1"
	[ "$(find "$STATE/images" -name '*.json' | wc -l)" = 2 ] # busybox is there too
	[ -z "$(find "$STATE" -name '*localhost:*' -o -name '*@*')" ]
	jail image rm "$1"
}

@test "names: registries with ports, digests, both with tags; from layouts, archives and --name" {
	local a256 a512 name file=$BATS_TEST_TMPDIR/docker.tar
	a256=$(printf 'a%.0s' {1..64}) a512=$(printf 'b%.0s' {1..128})
	for name in localhost:5000/app:1 "a@sha256:$a256" "a@sha512:$a512" "Host.example:5000/a/b:T@sha256:$a256" '[::1]:5000/a:1'; do
		mkoci "image(layer(file('a')), name='localhost/other:1', full_name=ARGS[0])" "$name"
		jail image import --quiet "$OCI"
		check_named "$name"
		jail image import --quiet "$OCI" --name "$name"
		check_named "$name"
		mkoci "docker([([layer(file('a'))], [ARGS[0]])])" "$name"
		tar -C "$OCI" -cf "$file" .
		jail image import --quiet "$file"
		check_named "$name"
	done
	# Without tag and digest it is the latest; a port is no tag.
	jail image import --quiet "$file" --name localhost:5000/app
	check_named localhost:5000/app:latest
	# Out again: what Docker's manifest.json has no form for is left out there.
	jail image import --quiet "$file" --name "localhost:5000/a:T@sha256:$a256"
	jail image export "localhost:5000/a:T@sha256:$a256" --format docker | tar -xOf - manifest.json | jq -c '.[0].RepoTags' >"$file.tags"
	[ "$(cat "$file.tags")" = '["localhost:5000/a:T"]' ]
	jail image export "localhost:5000/a:T@sha256:$a256" | tar -xOf - index.json |
		jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]' >"$file.tags"
	[ "$(cat "$file.tags")" = "localhost:5000/a:T@sha256:$a256" ]
	jail image tag "localhost:5000/a:T@sha256:$a256" "a@sha256:$a256"
	jail image rm "localhost:5000/a:T@sha256:$a256"
	jail image export "a@sha256:$a256" --format docker | tar -xOf - manifest.json | jq -c '.[0].RepoTags' >"$file.tags"
	[ "$(cat "$file.tags")" = '[]' ]
	check_named "a@sha256:$a256"
	# An instance of one.
	mkoci "image(raw(ARGS[0]), name='localhost:5000/run:1')" "$JAIL_TEST_DIR/busybox.tar"
	jail image import --quiet "$OCI"
	run -0 jail run --rm --network none --image localhost:5000/run:1 -- /bin/echo hello
	[ "$output" = hello ]
	jail image rm localhost:5000/run:1
}

@test "sha512: blobs of a layout are verified by what their descriptors say" {
	mkoci "FUNCTION = 'sha512'
image(layer(file('a', b'1')), layer(file('b', b'2'), compress=''), name='d:1')"
	[ -d "$OCI/blobs/sha512" ]
	[ ! -e "$OCI/blobs/sha256" ]
	jail image import --quiet "$OCI"
	jail image verify d:1
	jail image rm d:1
	jail gc
	tar -C "$OCI" -cf "$BATS_TEST_TMPDIR/oci.tar" --sort=name blobs oci-layout index.json
	jail image import --quiet "$BATS_TEST_TMPDIR/oci.tar"
	jail image rm d:1
	jail gc
	local what
	for what in l.blob 'm["config"]["digest"]' 'd["digest"]'; do
		mkoci "FUNCTION = 'sha512'
import json
l = layer(file('f', b'1'), compress='')
d = image(l, name='d:1')
m = json.load(open(f'{TOP}/blobs/sha512/' + d['digest'][7:]))
path = 'blobs/sha512/' + ($what)[7:]
data = open(f'{TOP}/{path}', 'rb').read()
# Of the same size, and just as good but for its digest.
put(path, data.replace(b': ', b' :', 1) if data[:1] == b'{' else data[:600] + b'X' + data[601:])"
		run jail image import "$OCI"
		assert_error 1 'has the digest sha512:'
		[ -z "$(ls -A "$STATE/staging")" ]
	done
	nothing_new
}

@test "digests at every level: a mismatch names both, and who said so; nothing is stored" {
	local hex='sha256:[0-9a-f]{64}'
	# A layer's blob is another one, of the same size.
	mkoci "
l = layer(file('f', b'1'), compress='')
put('blobs/sha256/' + l.blob[7:], l.packed[:600] + b'X' + l.packed[601:])
image(l, name='d:1')"
	refused "blobs/sha256/.* digest $hex; the manifest says $hex"
	# Cut short, or longer.
	mkoci "
l = layer(file('f', b'1' * 5000), compress='')
image(l, name='d:1')
put('blobs/sha256/' + l.blob[7:], l.packed + b'x')"
	refused 'bytes; the manifest says'
	# The blob is right, and isn't what the config says.
	mkoci "
l, other = layer(file('f', b'1')), layer(file('f', b'2'))
l.diff_id = other.diff_id
image(l, name='d:1')"
	refused "holds a layer of digest $hex; rootfs.diff_ids of the config $hex says $hex"
	# The config, the manifest, their sizes.
	mkoci "
d = image(layer(file('f')), name='d:1')
m = json.load(open(TOP + '/blobs/sha256/' + d['digest'][7:]))
put('blobs/sha256/' + m['config']['digest'][7:], b'x' * m['config']['size'])"
	refused "config: .*digest $hex; manifest $hex says $hex"
	mkoci "
d = image(layer(file('f')), name='d:1')
put('blobs/sha256/' + d['digest'][7:], b' ' * d['size'])"
	refused "digest $hex; index.json says $hex"
	mkoci "image(layer(file('f')), name='d:1')['size'] -= 1"
	refused 'bytes; index.json says'
	# More layers in one document than in the other.
	mkoci "
a, b = layer(file('a')), layer(file('b'))
image(a, b, name='d:1', config={'rootfs': {'type': 'layers', 'diff_ids': [a.diff_id]}})"
	refused 'lists 1 layers; the manifest lists 2'
	# docker save: the config's name.
	mkoci "docker([((layer(file('f')),), ['d:1'])])
import glob
config = glob.glob(TOP + '/*.json')
name = [c for c in config if 'manifest' not in c][0]
open(name, 'ab').write(b' ')"
	tar -C "$OCI" -cf "$BATS_TEST_TMPDIR/d.tar" .
	rm -rf "$OCI"
	mv "$BATS_TEST_TMPDIR/d.tar" "$OCI"
	refused "config: the digest is $hex; its name"
}

@test "a layer in the store is not replaced by what an archive calls so" {
	mkoci "image(layer(file('f', b'good')), name='good:1')"
	jail image import --quiet "$OCI"
	local layer
	layer=$STATE/layers/$(field good:1 '.layers[0]' | cut -d: -f2)
	# The same diff id, another content.
	mkoci "
good, evil = layer(file('f', b'good')), layer(file('f', b'evil'))
evil.diff_id = good.diff_id
image(evil, layer(file('g')), name='evil:1')"
	jail image import --quiet "$OCI"
	[ "$(cat "$layer/fs/f")" = good ]
	[ "$(field evil:1 '.layers[0]')" = "$(field good:1 '.layers[0]')" ]
}

@test "a plain root file system: never taken for an archive, a config of its own, one id for one content" {
	local f=$BATS_TEST_TMPDIR/r.tar
	run jail image import "$JAIL_TEST_DIR/busybox.tar"
	assert_error 1 '--name'
	nothing_new
	# Directories that an archive could begin with, and a root file system too.
	mkdir -p "$BATS_TEST_TMPDIR/r/blobs/sha256" "$BATS_TEST_TMPDIR/r/bin"
	echo x >"$BATS_TEST_TMPDIR/r/blobs/sha256/file"
	chmod 711 "$BATS_TEST_TMPDIR/r/blobs"
	tar -C "$BATS_TEST_TMPDIR/r" -cf "$f" ./blobs ./bin
	jail image import "$f" --name r:1
	local fs
	fs=$STATE/layers/$(field r:1 '.layers[0]' | cut -d: -f2)/fs
	[ "$(cat "$fs/blobs/sha256/file")" = x ]
	[ "$(stat -c %a "$fs/blobs")" = 711 ]
	[ -d "$fs/bin" ]
	[ "$(jq -c .rootfs.diff_ids "$STATE/configs/$(field r:1 .config | cut -d: -f2).json")" = "[\"$(field r:1 '.layers[0]')\"]" ]
	# One whose first file has a telling name.
	mkdir "$BATS_TEST_TMPDIR/m"
	echo '{"schemaVersion":2}' >"$BATS_TEST_TMPDIR/m/index.json"
	mkdir "$BATS_TEST_TMPDIR/m/etc"
	tar -C "$BATS_TEST_TMPDIR/m" -cf "$f" index.json etc
	run jail image import "$f" --name m:1
	assert_error 1 '--format rootfs'
	jail image import "$f" --name m:1 --format rootfs
	[ -e "$STATE/layers/$(field m:1 '.layers[0]' | cut -d: -f2)/fs/index.json" ]
}

@test "a root file system or images: the documents decide, not what the first file is called; --format" {
	local f=$BATS_TEST_TMPDIR/f.tar d=$BATS_TEST_TMPDIR/d first hex fs
	hex=$(printf 'a%.0s' {1..64})
	for first in config.json "sha256:$hex" "$hex.json" "$hex.tar" repositories version manifest.json index.json "$hex/json" \
		"blobs/sha256/$hex"; do
		rm -rf "$d"
		mkdir -p "$d/etc" "$d/$(dirname "$first")"
		echo '{"name": "of a web page"}' >"$d/$first"
		chmod 640 "$d/$first"
		echo x >"$d/etc/file"
		tar -C "$d" --owner=7 --group=8 -cf "$f" "$first" etc
		run jail image import "$f"
		assert_error 1 'this is a root file system, which has no name'
		jail image import --quiet "$f" --name r:1
		fs=$STATE/layers/$(field r:1 '.layers[0]' | cut -d: -f2)/fs
		[ "$(cd "$fs" && find . -type f | sort)" = "$(cd "$d" && find . -type f | sort)" ]
		[ "$(stat -c '%a %u:%g' "$fs/$first")" = '640 7:8' ]
		jail image verify r:1
		jail image rm r:1
		# Nothing else in it: that would be an archive that is damaged.
		tar -C "$d" -cf "$f" "$first"
		run jail image import "$f" --name r:1
		assert_error 1 'neither oci-layout and index.json nor manifest.json'
		assert_error 1 '--format rootfs'
		jail image import --quiet "$f" --name r:1 --format rootfs
		jail image rm r:1
	done
	# Images in whatever order their members come, with some that no archive of them has.
	mkoci "image(layer(file('a')), layer(file('b')), name='o:1')"
	mkdir -p "$OCI/doc/blobs/sha256"
	echo x | tee "$OCI/README" "$OCI/doc/blobs/sha256/$hex" "$OCI/%2f" >"$OCI/blobs/z%"
	for first in '--sort=name blobs doc README %2f oci-layout index.json' 'index.json blobs doc README %2f oci-layout' \
		'--sort=name blobs index.json oci-layout README' 'oci-layout blobs README index.json doc'; do
		# shellcheck disable=SC2086 # words
		tar -C "$OCI" -cf "$f" $first
		jail image import --quiet "$f"
		jail image verify o:1
		jail image rm o:1
		jail gc
		jail image import --quiet --format oci - <"$f"
		jail image rm o:1
		run jail image import --format docker "$f"
		assert_error 1 'has no manifest.json'
		run jail image import "$f"  --format rootfs
		assert_error 2 --name
	done
	mkoci "docker([([layer(file('a')), layer(file('a'))], ['d:1'])], links=True)"
	for first in "$(cd "$OCI" && echo *)" "$(cd "$OCI" && ls -rd ./* | tr '\n' ' ')"; do
		# shellcheck disable=SC2086 # words
		tar -C "$OCI" -cf "$f" $first
		jail image import --quiet "$f"
		jail image verify d:1
		jail image rm d:1
		jail gc
		jail image import --quiet --format docker "$f"
		jail image rm d:1
		run jail image import --format oci "$f"
		assert_error 1 'no oci-layout and index.json'
	done
	run jail image import --format tar "$f"
	assert_error 2 'one of: any, rootfs, oci, docker'
	run jail image import --format rootfs --name x:1 "$OCI"
	assert_error 1 'packed first'
	[ -z "$(ls -A "$STATE/staging")" ]
	nothing_new
}

@test "limits are of the whole import: bytes and members of all layers together" {
	local config=$BATS_TEST_TMPDIR/c.json
	jail_config "$config" "$STATE" "$JAIL_TEST_DIR/run" <<<'"import": {"maxBytes": "3MiB", "maxMembers": 250}'
	mkoci "image(*[layer(file('f%d' % i, os.urandom(1 << 20))) for i in range(4)], name='b:1')"
	run jail --config "$config" image import "$OCI"
	assert_error 1 maxBytes
	nothing_new
	mkoci "image(*[layer(*[file('f%d-%d' % (i, k)) for k in range(100)]) for i in range(4)], name='b:1')"
	run jail --config "$config" image import "$OCI"
	assert_error 1 maxMembers
	nothing_new
	mkoci "image(*[layer(*[file('f%d-%d' % (i, k)) for k in range(60)]) for i in range(4)], name='b:1')"
	jail --config "$config" image import "$OCI"
}

@test "an image of version 1 of the store, without a config, is still one" {
	local file=$STATE/images/$IMAGE%3alatest.json
	jq 'del(.config, .manifest) | .version = 1' "$file" >"$BATS_TEST_TMPDIR/v1"
	cp "$file" "$BATS_TEST_TMPDIR/v2"
	cat "$BATS_TEST_TMPDIR/v1" >"$file"
	[ "$(field "$IMAGE" .config)" = null ]
	run -0 jail run --rm --image "$IMAGE" --network none echo yes
	[ "$output" = yes ]
	cat "$BATS_TEST_TMPDIR/v2" >"$file"
}

@test "configs that no image names are removed by gc" {
	jail image import --quiet "$WORK/layout"
	[ "$(ls "$STATE/configs" | wc -l)" = 2 ]
	jail gc
	[ "$(ls "$STATE/configs" | wc -l)" = 2 ]
	# As if rm had been killed before it looked for garbage, which it does too.
	rm "$STATE/images/localhost%2fmany%3a1.json"
	run -0 jail gc --json
	[ "$(jq -c '[.layers, .configs, .staging]' <<<"$output")" = '[6,1,0]' ]
	[ "$(ls "$STATE/configs" | wc -l)" = 1 ]
}

# with_skopeo FILE COMMAND...: with FILE in the place of skopeo, which jail looks for in the system's directories only.
with_skopeo() {
	# shellcheck disable=SC2016 # expands inside
	unshare -m bash -c 'mount --bind "$0" "$(command -v skopeo)" && exec timeout 60 "$@"' "$@"
}

@test "what an image says becomes defaults of the spec, and what the spec says goes before" {
	cat >"$BATS_TEST_TMPDIR/Containerfile" <<-'END'
		FROM localhost/many:1
		RUN mkdir -p /etc /srv && echo app:x:1234:1234::/:/bin/sh >/etc/passwd
		ENV WORD=image OTHER=kept
		USER app
		WORKDIR /srv
		LABEL role=db
		EXPOSE 80
		VOLUME /data
		STOPSIGNAL SIGQUIT
		ENTRYPOINT ["/bin/sh", "-c", "echo $0 $WORD $OTHER $(id -u) $(pwd)"]
		CMD ["said"]
	END
	buildah $(storage) bud --isolation chroot -q -t localhost/says:1 -f "$BATS_TEST_TMPDIR/Containerfile" >/dev/null
	podman $(storage) save -q localhost/says:1 | jail image import --name says -
	run -0 jail run --rm --image says --network none
	[ "$output" = 'said image kept 1234 /srv' ]
	run -0 jail run --rm --image says --network none --env WORD=mine --user 0 -- /bin/sh -c 'echo $WORD $OTHER $(id -u)'
	[ "$output" = 'mine kept 0' ]
	jail create told --image says --network none
	run -0 jail inspect --json told
	[ "$(jq -c '.[0].spec | [.process.args[3], .process.user, .process.cwd, .stop.signal]' <<<"$output")" = '["said","app","/srv","SIGQUIT"]' ]
	# Firewall rules go by labels, so an image can't give any (row 44); nor ports, nor mounts.
	[ "$(jq -c '.[0].spec | [.labels, .network.ports, .mounts] | map(. // [] | length)' <<<"$output")" = '[0,0,0]' ]
	run -0 jail image inspect --json says
	jail create system --image says --network none --mode system
	[ "$(jail inspect --json system | jq -c '.[0].spec.process.args')" = '["/sbin/init"]' ]
}

@test "what an instance doesn't get by itself is shown; --publish-all publishes what the image exposes" {
	mkoci "image(raw(ARGS[0]), name='says:2', config={'config': {
    'Cmd': ['/bin/sleep', '1000'], 'Env': ['A=b'], 'Labels': {'role': 'db', 'evil': '\x1b[2J'},
    'ExposedPorts': {'80/tcp': {}, '53/udp': {}, '9000-9001/tcp': {}}, 'Volumes': {'/data': {}},
    'Healthcheck': {'Test': ['CMD-SHELL', 'true'], 'Interval': 5000000000}}})" "$JAIL_TEST_DIR/busybox.tar"
	jail image import --quiet "$OCI"
	local want='{"entrypoint":[],"cmd":["/bin/sleep","1000"],"env":["A=b"],"user":null,"workingDir":null,"stopSignal":null,"labels":{"evil":"\u001b[2J","role":"db"},"exposedPorts":["53/udp","80/tcp","9000/tcp","9001/tcp"],"volumes":["/data"],"healthcheck":{"disabled":false,"shell":true,"test":["true"],"intervalMs":5000,"timeoutMs":0,"startPeriodMs":0,"retries":0}}'
	[ "$(jail image inspect --json says:2 | jq -c '.[0].imageConfig')" = "$want" ]
	run -0 jail image inspect says:2
	assert_output 'label       role=db'
	assert_output 'exposes     80/tcp'
	assert_output 'volume      /data'
	[[ $output != *$'\e'* ]]
	# Not by itself.
	jail create plain --image says:2
	[ "$(jail inspect --json plain | jq -c '.[0] | [.spec.network.ports, .spec.labels, .spec.mounts] | map(. // [] | length)')" = '[0,0,0]' ]
	[ "$(jail inspect --json plain | jq -c '.[0].imageConfig')" = "$want" ]
	[ "$(jail inspect --json plain | jq -c '.[0].imageConfig.labels')" != "$(jail inspect --json plain | jq -c '.[0].spec.labels')" ]
	# All but what is published already, each on another port, none of them anybody's.
	jail create one --image says:2 --publish-all --port 8080:80
	jail create two --image says:2 -P
	jail inspect --json one two | jq -r '.[] | .spec.network.ports | map(sub("^[0-9]+:"; "")) | sort | join(" ")' >"$BATS_TEST_TMPDIR/ports"
	[ "$(cat "$BATS_TEST_TMPDIR/ports")" = $'53/udp 80/tcp 9000/tcp 9001/tcp\n53/udp 80/tcp 9000/tcp 9001/tcp' ]
	jail inspect --json one two | jq -r '.[].spec.network.ports[]' >"$BATS_TEST_TMPDIR/all"
	[ "$(grep -c '^8080:80/tcp$' "$BATS_TEST_TMPDIR/all")" = 1 ]
	[ "$(cut -d: -f1 "$BATS_TEST_TMPDIR/all" | sort -u | wc -l)" = 8 ]
	[ "$(cut -d: -f1 "$BATS_TEST_TMPDIR/all" | sort -n | awk '$1 != 8080 && ($1 < 49152 || $1 > 65535)' | wc -l)" = 0 ]
	# They can be started together, and run takes the option too.
	jail start one two
	run -0 jail run --detach --name three -P --image says:2
	[ "$(jail inspect --json three | jq '.[0].spec.network.ports | length')" = 4 ]
	# Without networks there is nothing to publish on.
	run jail run --rm -P --network none --image says:2 true
	assert_error 125 network.ports
	jail rm --force one two three plain
	jail image rm says:2
}

@test "pull: runs skopeo, says so when there is none, takes no other source" {
	: >"$BATS_TEST_TMPDIR/none"
	run with_skopeo "$BATS_TEST_TMPDIR/none" "$JAIL_BUILD/jail" image pull docker://example/a:1
	assert_error 1 'not installed'
	run jail image pull oci:/x --name x:1
	assert_error 1 'docker://'
	# A skopeo that knows one registry: the layout.
	cp "$(command -v skopeo)" "$BATS_TEST_TMPDIR/real"
	cat >"$BATS_TEST_TMPDIR/fake" <<-END
		#!/bin/sh
		echo "\$@" >>"$BATS_TEST_TMPDIR/args"
		case \$* in *broken*) exit 7 ;; esac
		for to; do :; done
		exec "$BATS_TEST_TMPDIR/real" copy -q --insecure-policy "oci:$WORK/layout:localhost/many:1" "\$to"
	END
	chmod +x "$BATS_TEST_TMPDIR/fake"
	run -0 with_skopeo "$BATS_TEST_TMPDIR/fake" "$JAIL_BUILD/jail" image pull docker://example/a:1
	assert_output 'example/a:1: '
	is_many example/a:1
	run -0 with_skopeo "$BATS_TEST_TMPDIR/fake" "$JAIL_BUILD/jail" image pull --platform linux/amd64 \
		docker://example/b@sha256:0 --name b:1
	local hex
	hex=$(printf '0%.0s' {1..64})
	run -0 with_skopeo "$BATS_TEST_TMPDIR/fake" "$JAIL_BUILD/jail" image pull "docker://example:5000/c:2@sha256:$hex"
	assert_output "example:5000/c:2@sha256:$hex: "
	run jail image pull docker://example/b..c
	assert_error 1 --name
	[ "$(cat "$BATS_TEST_TMPDIR/args")" = "copy -- docker://example/a:1 oci:oci
--override-os linux --override-arch amd64 copy -- docker://example/b@sha256:0 oci:oci
copy -- docker://example:5000/c@sha256:$hex oci:oci" ]
	run with_skopeo "$BATS_TEST_TMPDIR/fake" "$JAIL_BUILD/jail" image pull docker://example/broken:1
	assert_error 1 'status 7'
	[ -z "$(ls -A "$STATE/staging")" ]
	jail image rm example/a:1 b:1 "example:5000/c:2@sha256:$hex"
	nothing_new
}

@test "progress: layers are counted on a terminal" {
	run -0 script -qec "'$JAIL_BUILD/jail' image import '$WORK/layout'" /dev/null
	assert_output 'layer '
	assert_output '/6, '
}
