# SPDX-License-Identifier: GPL-2.0-or-later
# Images out of the store again: every layer's stream byte for byte, the config by its digest, loaded by other tools and
# by jail; verification, which finds whatever was changed; tags, history, prune.

# shellcheck disable=SC2012,SC2086 # names are plain; some variables are several words

load ../lib/common

setup_file() {
	jail_setup_file
	make_awkward "$JAIL_TEST_DIR/awkward"
}
teardown_file() { jail_teardown_file; }
setup() {
	STATE=$JAIL_TEST_DIR/state
	AWKWARD=$JAIL_TEST_DIR/awkward
}
teardown() {
	jail_teardown
	remove_images
	jail gc
}

sha() { sha256sum | cut -d' ' -f1; }
# docker_archive FILE NAME LAYER.tar...: as `docker save` writes it.
docker_archive() {
	local file=$1 name=$2 dir ids=''
	shift 2
	dir=$(mktemp -d "$JAIL_TEST_DIR/archive.XXXXXX")
	local layer
	for layer in "$@"; do
		cp "$layer" "$dir/"
		ids+="${ids:+,}\"sha256:$(sha <"$layer")\""
	done
	# Blanks that no other program would write: the bytes have to come back as they are.
	printf '{ "architecture":"amd64",  "os":"linux", "config":{"Env":["A=b"],"Labels":{"kept":"yes"}, "Unknown":[1,2]},
	"created":"2020-01-02T03:04:05.678901234Z", "rootfs":{"type":"layers","diff_ids":[%s]}, "history":[
	{"created":"2020-01-02T03:04:05Z","created_by":"first \\u001b[31m step"}, {"created_by":"no layer","empty_layer":true},
	{"created":"2021-01-02T03:04:05Z","created_by":"second","comment":"a comment"}] }\n' "$ids" >"$dir/config.json"
	printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":[%s]}]' "$name" \
		"$(printf '%s\n' "${@##*/}" | jq -R . | paste -sd,)" >"$dir/manifest.json"
	tar -C "$dir" -cf "$file" manifest.json config.json "${@##*/}"
	rm -r "$dir"
}

# make_awkward DIR: lower.tar and upper.tar with all that makes it hard to write a stream again, and image.tar of both.
make_awkward() {
	local dir=$1 tree=$1/tree long
	long=$(printf 'long%.0s' {1..60})
	mkdir -p "$tree/sub/dir" "$tree/gone/deep" "$tree/$long"
	cd "$tree" || return
	echo first >file
	echo second >linked
	ln linked sub/hard
	echo "in a directory" >gone/deep/file
	echo "its other name" >gone/a
	ln gone/a kept-link
	: >empty
	echo long >"$long/$long"
	ln -s nowhere link
	truncate -s 3M sparse
	echo middle | dd of=sparse bs=1 seek=1000000 conv=notrunc status=none
	head -c 2000000 /dev/urandom >large
	truncate -s 100K hole
	touch -d '2001-02-03 04:05:06.123456789' file sub
	chown 1234:4321 sub large
	chmod 4711 large
	tar --format=gnu --sparse -cf "$dir/lower.tar" file linked sub gone kept-link empty "$long" link sparse large hole
	tar --format=gnu -cf "$dir/plain.tar" file linked sub gone kept-link empty "$long" link large hole
	# Members that replace others: files by files, links, directories and nothing; directories by files.
	echo "the first again, longer" >file
	rm linked link
	ln -s file linked
	echo "was a link" >./link
	echo full >empty
	rm -r gone
	echo "was a directory" >gone
	rm sub/hard
	echo "was a hard link" >sub/hard
	tar --format=gnu -rf "$dir/lower.tar" file linked link empty gone sub/hard
	echo third >file
	: >empty
	tar --format=gnu -rf "$dir/lower.tar" file empty
	printf 'what trails the end' >>"$dir/lower.tar"
	rm -r "$tree"
	mkdir -p "$tree/sub" "$tree/new"
	cd "$tree" || return
	: >.wh.file
	: >sub/.wh..wh..opq
	: >new/.wh.nothing
	echo new >new/file
	mknod new/device c 1 3
	mkfifo new/fifo
	truncate -s 1M new/sparse
	echo end >>new/sparse
	setfattr -n user.word -v value new/file
	setcap cap_net_raw+ep new/file
	touch -d '1999-12-31 23:59:59.987654321' new/file new
	tar --format=posix --sparse --xattrs --xattrs-include='*' -cf "$dir/upper.tar" .wh.file sub new
	cd "$TOP" || return
	rm -r "$tree"
	docker_archive "$dir/image.tar" awkward:1 "$dir/lower.tar" "$dir/upper.tar"
	# Others can't read GNU tar's old sparse files, or refuse a name that comes twice.
	docker_archive "$dir/plain-image.tar" awkward:1 "$dir/plain.tar" "$dir/upper.tar"
}
import_awkward() {
	jail image import --quiet --name awkward:1 "$AWKWARD/image.tar"
	LOWER=$(sha <"$AWKWARD/lower.tar")
	UPPER=$(sha <"$AWKWARD/upper.tar")
	CONFIG=$(tar -xOf "$AWKWARD/image.tar" config.json | sha)
}
# The blob of an OCI tar by its digest.
blob() { tar -xOf "$1" "blobs/sha256/$2"; }

@test "every byte of awkward layers comes back, and the config's, as OCI and for docker" {
	import_awkward
	run -0 jail image verify awkward:1
	assert [ "$output" = "awkward:1: sound, 2 layers, $(jail image list | awk '$1 == "awkward:1" { print $2 }')" ]
	jail image export awkward:1 --output "$BATS_TEST_TMPDIR/oci.tar"
	blob "$BATS_TEST_TMPDIR/oci.tar" "$LOWER" | cmp - "$AWKWARD/lower.tar"
	blob "$BATS_TEST_TMPDIR/oci.tar" "$UPPER" | cmp - "$AWKWARD/upper.tar"
	blob "$BATS_TEST_TMPDIR/oci.tar" "$CONFIG" | cmp - <(tar -xOf "$AWKWARD/image.tar" config.json)
	jail image export awkward:1 --format docker >"$BATS_TEST_TMPDIR/docker.tar"
	tar -xOf "$BATS_TEST_TMPDIR/docker.tar" "$LOWER.tar" | cmp - "$AWKWARD/lower.tar"
	tar -xOf "$BATS_TEST_TMPDIR/docker.tar" "$UPPER.tar" | cmp - "$AWKWARD/upper.tar"
	run -0 tar -xOf "$BATS_TEST_TMPDIR/docker.tar" manifest.json
	assert [ "$output" = "[{\"Config\":\"$CONFIG.json\",\"RepoTags\":[\"awkward:1\"],\"Layers\":[\"$LOWER.tar\",\"$UPPER.tar\"]}]" ]
}

@test "all formats and compressions come back through jail with the same digests, and nothing is stored twice" {
	import_awkward
	local f=$BATS_TEST_TMPDIR/out n=0 how layers
	layers=$(ls "$STATE/layers" | wc -l)
	for how in '-o X' '-f oci -o X --compress gzip' '--compress=zstd -o X' '-f docker -o X' '-o X/'; do
		rm -rf "$f"
		jail image export awkward:1 ${how/X/$f}
		run -0 jail image import "$f" --name "back:$n"
		assert_output 'here already'
		[ "$(jail image inspect --json "back:$n" | jq -c '.[0] | [.config, .layers]')" = \
			"[\"sha256:$CONFIG\",[\"sha256:$LOWER\",\"sha256:$UPPER\"]]" ]
		n=$((n + 1))
	done
	[ "$(ls "$STATE/layers" | wc -l)" = "$layers" ]
	# And into a store that has nothing of it.
	jail image export awkward:1 -o "$f.again"
	jail image rm awkward:1 back:0 back:1 back:2 back:3 back:4
	jail image import --quiet "$f.again"
	jail image verify --quiet awkward:1
}

@test "podman loads both formats, compressed too, and gives back the same image" {
	local f=$BATS_TEST_TMPDIR/out storage how
	jail image import --quiet "$AWKWARD/plain-image.tar"
	CONFIG=$(tar -xOf "$AWKWARD/plain-image.tar" config.json | sha)
	storage="--root $BATS_TEST_TMPDIR/storage --runroot $BATS_TEST_TMPDIR/run --storage-driver vfs"
	for how in '' '--compress gzip' '--compress zstd' '--format docker'; do
		jail image export awkward:1 $how -o "$f"
		podman $storage load -q -i "$f"
		run -0 podman $storage image inspect --format '{{.Id}} {{.Config.Labels}} {{.RootFS.Layers}} {{.RepoTags}}' awkward:1
		assert_output "$CONFIG map[kept:yes] [sha256:$(sha <"$AWKWARD/plain.tar") sha256:$(sha <"$AWKWARD/upper.tar")]"
		assert_output 'awkward:1]'
		podman $storage rmi awkward:1
	done
}

@test "skopeo reads and copies all of them, and every digest is the same" {
	import_awkward
	local f=$BATS_TEST_TMPDIR/out from
	jail image export awkward:1 "$IMAGE" -o "$f.oci"
	jail image export awkward:1 "$IMAGE" --format docker -o "$f.docker"
	jail image export awkward:1 "$IMAGE" --compress gzip -o "$f.dir/"
	for from in "oci-archive:$f.oci:awkward:1" "docker-archive:$f.docker:awkward:1" "oci:$f.dir:awkward:1"; do
		rm -rf "$f.copy"
		skopeo --insecure-policy copy -q "$from" "dir:$f.copy"
		cmp "$f.copy/$CONFIG" <(tar -xOf "$AWKWARD/image.tar" config.json)
		run -0 skopeo inspect --config "$from"
		[ "$(jq -c .rootfs.diff_ids <<<"$output")" = "[\"sha256:$LOWER\",\"sha256:$UPPER\"]" ]
	done
	skopeo inspect "oci-archive:$f.oci:$IMAGE:latest" | jq -e '.Architecture and .Os == "linux"'
}

@test "an image that buildah made comes back from podman save to podman load" {
	local f=$BATS_TEST_TMPDIR/out storage id
	storage="--root $BATS_TEST_TMPDIR/storage --runroot $BATS_TEST_TMPDIR/run --storage-driver vfs"
	printf 'FROM scratch\nADD busybox.tar /\nENV A=b\nCMD ["sh"]\nCOPY one /data/\nCOPY two /data/one\n' >"$BATS_TEST_TMPDIR/Containerfile"
	cp "$JAIL_TEST_DIR/busybox.tar" "$BATS_TEST_TMPDIR/"
	echo 1 >"$BATS_TEST_TMPDIR/one"
	echo 2 >"$BATS_TEST_TMPDIR/two"
	buildah $storage bud --layers --isolation chroot -q -t built:1 "$BATS_TEST_TMPDIR"
	id=$(podman $storage image inspect --format '{{.Id}}' built:1)
	podman $storage save -q built:1 | jail image import - --name built:1
	jail image verify --quiet built:1
	podman $storage rmi --all --force >"$BATS_TEST_TMPDIR/rmi"
	jail image export built:1 --format docker | podman $storage load -q
	run -0 podman $storage image inspect --format '{{.Id}}' built:1
	assert [ "$output" = "$id" ]
}

@test "the same images give the same bytes, of any moment; what they share goes out once" {
	import_awkward
	local f=$BATS_TEST_TMPDIR/out
	jail image tag awkward:1 twice
	for format in oci docker; do
		jail image export awkward:1 twice awkward:1 "$IMAGE" --format $format -o "$f"
		jail image export awkward:1 twice "$IMAGE" --format $format | cmp - "$f"
		run -0 tar -tf "$f"
		[ "$(grep -c "$LOWER" <<<"$output")" = 1 ]
		[ "$(grep -c "$CONFIG" <<<"$output")" = 1 ]
	done
	jail image export awkward:1 --compress gzip -o "$f"
	jail image export awkward:1 --compress gzip | cmp - "$f"
}

@test "the output: whole or not there; never to a terminal; a directory that is empty" {
	local f=$BATS_TEST_TMPDIR/out
	run jail image export no-such -o "$f"
	assert_error 1 'image "no-such:latest": no such image'
	run jail image export "$IMAGE" --format tar
	assert_error 2 '--format "tar": there is no such'
	assert_output 'one of: oci, docker'
	run jail image export "$IMAGE" --compress xz
	assert_error 2 '--compress "xz"'
	run jail image export "$IMAGE" --format docker --compress gzip -o "$f"
	assert_error 1 'the layers of a docker archive are not compressed'
	run jail image export "$IMAGE" --format docker -o "$f/"
	assert_error 1 'a docker archive is one file'
	run jail image export "$IMAGE" -o "$BATS_TEST_TMPDIR"
	assert_error 1 'is a directory'
	assert_output "--output $BATS_TEST_TMPDIR/"
	mkdir "$f.dir"
	touch "$f.dir/something"
	run jail image export "$IMAGE" -o "$f.dir/"
	assert_error 1 'is not empty'
	[ "$(ls "$f.dir")" = something ]
	run jail image export "$IMAGE" -o "$f/no/dir"
	assert_error 1 'No such file or directory'
	run -1 script -qec "JAIL_CONFIG=$JAIL_CONFIG $JAIL_BUILD/jail image export $IMAGE" /dev/null
	assert_output 'stdout is a terminal'
	[ "$(ls "$BATS_TEST_TMPDIR")" = out.dir ]
	# What was there stays when it fails, and is replaced when it doesn't.
	echo old >"$f"
	run jail image export "$IMAGE" no-such -o "$f"
	assert_error 1 'no such image'
	[ "$(cat "$f")" = old ]
	jail image export "$IMAGE" -o "$f"
	tar -tf "$f" index.json
	run jail image export "$IMAGE" -o /dev/full
	assert_error 1 'No space left on device'
}

@test "a damaged layer is not exported: an error, and no file, no directory" {
	import_awkward
	local f=$BATS_TEST_TMPDIR/out how
	printf X | dd of="$STATE/layers/$LOWER/fs/large" bs=1 seek=1000 conv=notrunc status=none
	for how in '-o X' '-o X --compress gzip' '--format docker -o X' '-o X/'; do
		run jail image export awkward:1 ${how/X/$f}
		assert_error 1 "layer $LOWER: file contents were changed"
		[ -z "$(ls -A "$BATS_TEST_TMPDIR")" ]
	done
	truncate -s -1 "$STATE/layers/$LOWER/fs/large"
	run jail image export awkward:1 -o "$f"
	assert_error 1 'file large: it has 1999999 bytes, in the layer it had 2000000'
}

# damaged LAYER TEXT: verify says so of the layer, in both forms, and of no other.
damaged() {
	run -1 jail image verify awkward:1
	assert_output "awkward:1: layer ${1:0:12}: $2"
	[ "$(grep -c . <<<"$output")" = "${3:-1}" ] || { echo "more than that: $output"; return 1; }
	run -1 jail image verify --json awkward:1
	[ "$(jq -c --arg l "sha256:$1" '.[0].layers[] | select(.digest != $l) | .sound' <<<"$output")" = true ]
	[ "$(jq -c '.[0].sound' <<<"$output")" = false ]
	jq -r --arg l "sha256:$1" '.[0].layers[] | select(.digest == $l) | .problems[]' <<<"$output" | grep -qF -- "$2"
}
fresh() {
	jail image rm awkward:1
	jail gc >/dev/null
	import_awkward
}
# keeping_time FILE COMMAND...: runs it; the file, if it is still there, and its directory get their times back.
keeping_time() {
	local file=$1
	shift
	rm -rf "$BATS_TEST_TMPDIR/stamp"
	mkdir "$BATS_TEST_TMPDIR/stamp"
	touch "$BATS_TEST_TMPDIR/stamp/"{file,dir}
	if [ -e "$file" ] || [ -L "$file" ]; then
		touch --no-dereference -r "$file" "$BATS_TEST_TMPDIR/stamp/file"
	fi
	touch -r "${file%/*}" "$BATS_TEST_TMPDIR/stamp/dir"
	"$@"
	if [ -e "$file" ] || [ -L "$file" ]; then
		touch --no-dereference -r "$BATS_TEST_TMPDIR/stamp/file" "$file"
	fi
	touch -r "$BATS_TEST_TMPDIR/stamp/dir" "${file%/*}"
}
overwrite() { # FILE OFFSET
	keeping_time "$1" dd if=/dev/stdin of="$1" bs=1 seek="$2" conv=notrunc status=none <<<X
}

@test "verify finds a content that was changed, also when the time is as it was" {
	import_awkward
	overwrite "$STATE/layers/$LOWER/fs/large" 1000
	damaged "$LOWER" 'large: its content was changed'
	fresh
	overwrite "$STATE/layers/$LOWER/fs/sub/hard" 2
	damaged "$LOWER" 'sub/hard: its content was changed'
	fresh
	# Not in the digest: sparse files, and what was replaced but has a second name. They are compared.
	overwrite "$STATE/layers/$LOWER/fs/sparse" 2000000
	damaged "$LOWER" 'sparse: its content was changed'
	fresh
	overwrite "$STATE/layers/$LOWER/fs/hole" 20000
	damaged "$LOWER" 'hole: its content was changed'
	fresh
	overwrite "$STATE/layers/$LOWER/fs/kept-link" 3
	damaged "$LOWER" 'kept-link: its content was changed'
}

@test "verify finds modes, owners, times, sizes, targets, attributes, links, what is missing and what is added" {
	import_awkward
	local low=$STATE/layers/$LOWER/fs up=$STATE/layers/$UPPER/fs
	chmod 755 "$low/large"
	damaged "$LOWER" 'large: mode 0755, 4711 in the layer'
	fresh
	chown 0:0 "$low/sub"
	damaged "$LOWER" 'sub: owner 0:0, 1234:4321 in the layer'
	fresh
	touch -d @5 "$low/link"
	damaged "$LOWER" 'link: modified at 5.000000000, '
	fresh
	keeping_time "$low/large" truncate -s +1 "$low/large"
	damaged "$LOWER" 'large: 2000001 bytes, 2000000 in the layer'
	fresh
	keeping_time "$low/linked" ln -sfn /etc/passwd "$low/linked"
	damaged "$LOWER" 'linked: leads to /etc/passwd, file in the layer'
	fresh
	setfattr -n user.word -v other "$up/new/file"
	damaged "$UPPER" 'new/file: attribute user.word differs'
	fresh
	setfattr -x user.word "$up/new/file"
	damaged "$UPPER" 'new/file: attribute user.word differs'
	fresh
	setfattr -n user.more -v value "$up/new/file"
	damaged "$UPPER" 'new/file: attribute user.more is not in the layer'
	fresh
	setcap cap_sys_admin+ep "$up/new/file"
	damaged "$UPPER" 'new/file: attribute security.capability differs'
	fresh
	setfattr -x trusted.overlay.opaque "$up/sub"
	damaged "$UPPER" 'sub: attribute trusted.overlay.opaque differs'
	fresh
	keeping_time "$low/large" rm "$low/large"
	damaged "$LOWER" 'large: is missing'
	fresh
	keeping_time "$up/new/more" touch "$up/new/more"
	damaged "$UPPER" 'new/more: is not in the layer'
	fresh
	rm "$up/new/fifo"
	damaged "$UPPER" 'new/fifo: is missing' 2 # and its directory has another time
	fresh
	keeping_time "$up/new/device" replace_device "$up/new/device"
	damaged "$UPPER" 'new/device: device 1:5, 1:3 in the layer'
	fresh
	keeping_time "$up/extra" ln "$up/new/file" "$up/extra"
	touch -d '1999-12-31 23:59:59.987654321' "$up/new/file" # through its new name it got the other's
	damaged "$UPPER" 'new/file: 2 hard links, 1 in the layer' 2
	fresh
	keeping_time "$low/large" replace_by_directory "$low/large"
	damaged "$LOWER" 'large: is a directory, a file in the layer'
	fresh
	keeping_time "$up/file" rm "$up/file" # a whiteout
	damaged "$UPPER" 'file: is missing'
	fresh
	run -0 jail image verify
	assert_output 'awkward:1: sound'
	assert_output "$IMAGE:latest: sound"
}
replace_device() {
	rm "$1"
	mknod "$1" c 1 5
}
replace_by_directory() {
	rm "$1"
	mkdir "$1"
}

@test "verify finds damaged records of the store: split file, config, a layer without one" {
	import_awkward
	local split=$STATE/layers/$LOWER/split.zst
	printf X | dd of="$split" bs=1 seek=200 conv=notrunc status=none
	run -1 jail image verify awkward:1
	assert_output 'split.zst'
	run jail image export awkward:1 -o "$BATS_TEST_TMPDIR/out"
	assert_error 1 'split.zst'
	rm "$split"
	run -1 jail image verify awkward:1
	assert_output "layer $LOWER: what its tar stream looked like was not recorded"
	assert_output 'import it again'
	run jail image export awkward:1 -o "$BATS_TEST_TMPDIR/out"
	assert_error 1 'was not recorded'
	fresh
	sed -i s/kept/KEPT/ "$STATE/configs/$CONFIG.json"
	run -1 jail image verify
	assert_output "image config $CONFIG is damaged"
	assert_output "$IMAGE:latest: sound"
	run jail image export awkward:1 -o "$BATS_TEST_TMPDIR/out"
	assert_error 1 "image config $CONFIG is damaged"
	rm "$STATE/configs/$CONFIG.json"
	run -1 jail image verify awkward:1
	assert_output "$CONFIG.json"
	run -1 jail image verify no-such awkward:1
	assert_output 'image "no-such:latest": no such image'
	[ -z "$(ls -A "$STATE/staging")" ]
}

decoder_is_confined() { grep -q '^Seccomp:.2' "/proc/$(decoder_of "$1")/status"; }
# One of two: contents that were replaced are read out of order.
decoder_of() { pgrep -P "$1" -x jail-unpack | head -n 1; }

@test "split files are uncompressed by a confined child, which has nothing but that file" {
	[[ $JAIL_BUILD != *-san* ]] || skip "no system call filter under the sanitizers"
	import_awkward
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	"$JAIL_BUILD/jail" image export awkward:1 >"$BATS_TEST_TMPDIR/pipe" 3>&- &
	local pid=$! child status set
	exec 9<"$BATS_TEST_TMPDIR/pipe"
	wait_until 30 decoder_is_confined $pid
	child=$(decoder_of $pid)
	status=$(cat "/proc/$child/status")
	[[ $status == *$'NoNewPrivs:\t1'* ]]
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		[[ $status == *"$set:"$'\t'0000000000000000* ]]
	done
	[ "$(wc -l <"/proc/$child/mountinfo")" = 1 ]
	[[ $(cat "/proc/$child/mountinfo") == *' / / ro,nosuid,nodev,noexec'*tmpfs* ]]
	[ -z "$(ls -A "/proc/$child/root")" ]
	[ "$(find "/proc/$child/fd" -type l -printf '%f %l\n' | sed -E 's/\[[0-9]*\]//' | grep -v ' /dev/null$' | sort)" = \
		"$(printf '%s\n' "0 $STATE/layers/$LOWER/split.zst" '3 /' '4 socket:')" ]
	# It is read to its end all the same.
	cat <&9 >"$BATS_TEST_TMPDIR/out.tar"
	wait $pid
	exec 9<&-
	tar -tf "$BATS_TEST_TMPDIR/out.tar" index.json
	# There is no other reader.
	jq '.libexecDir = "/nonexistent"' "$JAIL_CONFIG" >"$BATS_TEST_TMPDIR/config.json"
	JAIL_CONFIG=$BATS_TEST_TMPDIR/config.json run jail image export awkward:1 -o "$BATS_TEST_TMPDIR/out"
	assert_error 1 'execute /nonexistent/jail-unpack'
}

@test "an image that is removed while it is exported comes out whole, and goes afterwards" {
	import_awkward
	local fifo=$BATS_TEST_TMPDIR/fifo
	mkfifo "$fifo"
	jail image export awkward:1 >"$fifo" &
	local export=$!
	exec 7<"$fifo"
	# The layer is open once its header has come.
	head -c 2048 <&7 >"$BATS_TEST_TMPDIR/got"
	jail image rm awkward:1
	jail gc
	cat <&7 >>"$BATS_TEST_TMPDIR/got"
	exec 7<&-
	wait $export
	blob "$BATS_TEST_TMPDIR/got" "$LOWER" | cmp - "$AWKWARD/lower.tar"
	jail gc
	[ -z "$(ls -A "$STATE/staging")" ]
	[ "$(ls "$STATE/layers" | wc -l)" = 1 ]
}

@test "history: the steps from the last to the first, with their layers, without what steers a terminal" {
	import_awkward
	run -0 jail image history awkward:1
	[[ ${lines[0]} == AGE*SIZE*LAYER*'CREATED BY'* ]]
	[[ ${lines[1]} == *"${UPPER:0:12}"*second* ]]
	[[ ${lines[2]} == *' - '*'no layer'* ]]
	[[ ${lines[3]} == *"${LOWER:0:12}"*'first \x1b[31m step'* ]]
	[ "${#lines[@]}" = 4 ]
	run -0 jail image history --json awkward:1
	[ "$(jq -c '[.[] | [.created, .createdBy, .comment, .layer]]' <<<"$output")" = "[[\"2021-01-02T03:04:05.000Z\",\"second\",\"a comment\",\"sha256:$UPPER\"],[null,\"no layer\",\"\",null],[\"2020-01-02T03:04:05.000Z\",\"first \\u001b[31m step\",\"\",\"sha256:$LOWER\"]]" ]
	[ "$(jq '[.[].sizeBytes] | add' <<<"$output")" = "$(jail image inspect --json awkward:1 | jq '.[0].sizeBytes')" ]
	run -0 jail image history "$IMAGE"
	assert_output 'jail image import'
	run jail image history no-such
	assert_error 1 'no such image'
}

@test "history of an image whose config tells less, or more, than it has layers" {
	local dir=$BATS_TEST_TMPDIR
	tar -C "$AWKWARD" -cf "$dir/l1.tar" upper.tar
	docker_archive "$dir/i.tar" short:1 "$AWKWARD/lower.tar"
	jail image import --quiet "$dir/i.tar"
	run -0 jail image history short:1
	[ "${#lines[@]}" = 4 ]
	[ "$(grep -c "$(sha <"$AWKWARD/lower.tar" | head -c 12)" <<<"$output")" = 1 ]
	docker_archive "$dir/i.tar" long:1 "$AWKWARD/lower.tar" "$AWKWARD/upper.tar" "$dir/l1.tar"
	jail image import --quiet "$dir/i.tar"
	run -0 jail image history long:1
	[ "${#lines[@]}" = 5 ]
	[ "$(grep -c ' - *$' <<<"$output")" = 1 ]
}

@test "tag: one more name, that lives on its own" {
	import_awkward
	jail image tag awkward:1 localhost/other/name:2
	[ "$(jail image inspect --json awkward:1 | jq -c '.[0] | del(.name)')" = \
		"$(jail image inspect --json localhost/other/name:2 | jq -c '.[0] | del(.name)')" ]
	run jail image tag awkward:1 "$IMAGE"
	assert_error 1 "image \"$IMAGE:latest\": the name is in use"
	assert_output 'replace it with --replace'
	jail image tag awkward:1 moved
	jail image tag --replace "$IMAGE" moved
	[ "$(jail image inspect --json moved | jq -c '.[0].layers')" = "$(jail image inspect --json "$IMAGE" | jq -c '.[0].layers')" ]
	run jail image tag no-such x
	assert_error 1 'image "no-such:latest": no such image'
	run jail image tag awkward:1 'UPPER/Case'
	assert_error 1 'UPPER'
	jail image rm awkward:1
	jail gc
	jail image verify --quiet localhost/other/name:2
}

@test "prune: what has no name; with --all what no instance was made from" {
	import_awkward
	sleeper user --network none
	run -0 jail image prune
	assert [ "$output" = 'nothing to remove' ]
	run -0 jail image prune --all --json
	[ "$(jq -c '[.images, .layers, .configs, .bytes > 2000000]' <<<"$output")" = '[["awkward:1"],2,1,true]' ]
	[ "$(jail image list --quiet)" = "$IMAGE:latest" ]
	[ "$(ls "$STATE/layers" | wc -l)" = 1 ]
	[ "$(ls "$STATE/configs" | wc -l)" = 1 ]
	import_awkward
	rm "$STATE/images/awkward%3a1.json"
	run -0 jail image prune
	assert_output 'removed 2 layers, freed '
	[ "$(ls "$STATE/layers" | wc -l)" = 1 ]
	# The same layer under another config.
	jail image import --quiet --name again:1 "$JAIL_TEST_DIR/busybox.tar"
	rm "$STATE/images/again%3a1.json"
	run -0 jail image prune
	assert [ "$output" = 'removed 1 config' ]
	jail image tag "$IMAGE" extra
	run -0 jail image prune --all
	assert [ "$output" = 'removed image extra:latest' ]
}
