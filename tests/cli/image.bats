# SPDX-License-Identifier: GPL-2.0-or-later
# Images: import from every compression, identity, lists, hostile and broken archives, interrupted imports.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() {
	jail_teardown
	remove_images
}

layers() {
	ls "$JAIL_TEST_DIR/state/layers"
}
# What interrupted or failed imports may leave: nothing, once gc ran.
nothing_staged() {
	[ -z "$(ls -A "$JAIL_TEST_DIR/state/staging")" ]
}

# make_tar FILE PYTHON: an archive that tar would not make; t is the open TarFile.
make_tar() {
	/usr/bin/python3 -c "
import io, sys, tarfile
t = tarfile.open(sys.argv[1], 'w', format=tarfile.PAX_FORMAT)
def member(name, type=tarfile.REGTYPE, link='', data=b'', mode=0o644, **more):
    m = tarfile.TarInfo(name)
    m.type, m.linkname, m.size, m.mode = type, link, len(data), mode
    for key, value in more.items():
        setattr(m, key, value)
    t.addfile(m, io.BytesIO(data))
DIR, LNK, SYM, CHR, FIFO = tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE
$2
t.close()" "$1"
}

@test "import from plain tar, gzip, xz, zstd, bzip2 and lz4: one layer" {
	local count f=$BATS_TEST_TMPDIR/i.tar
	count=$(layers | wc -l)
	cp "$JAIL_TEST_DIR/busybox.tar" "$f"
	gzip -k "$f"
	xz -k -0 "$f"
	zstd -q -k "$f"
	bzip2 -k "$f"
	lz4 -q "$f" "$f.lz4"
	local kind
	for kind in '' .gz .xz .zst .bz2 .lz4; do
		run -0 jail image import "$f$kind" --name "t:a$kind"
		assert_output 'here already'
		[ "$(jail image inspect --json "t:a$kind" | jq -r '.[0].layers[0]')" = \
			"$(jail image inspect --json "$IMAGE" | jq -r '.[0].layers[0]')" ]
	done
	[ "$(layers | wc -l)" = "$count" ]
}

@test "the layer is the sha256 of the uncompressed stream, the archive the sha256 of the file" {
	xz -k -c -0 "$JAIL_TEST_DIR/busybox.tar" >"$BATS_TEST_TMPDIR/i.tar.xz"
	jail image import --quiet "$BATS_TEST_TMPDIR/i.tar.xz" --name digest:1
	local json tar file
	json=$(jail image inspect --json digest:1)
	tar=$(sha256sum <"$JAIL_TEST_DIR/busybox.tar")
	file=$(sha256sum <"$BATS_TEST_TMPDIR/i.tar.xz")
	[ "$(jq -r '.[0].layers[0]' <<<"$json")" = "sha256:${tar%% *}" ]
	[ "$(jq -r '.[0].archive' <<<"$json")" = "sha256:${file%% *}" ]
}

@test "import from stdin, a pipe" {
	zstd -q -c "$JAIL_TEST_DIR/busybox.tar" | jail image import - --name pipe:1
	run -0 jail run --rm --image pipe:1 --network none echo yes
	[ "$output" = yes ]
}

@test "content, owners, modes, times, links, xattrs, sparse files, devices arrive" {
	local src=$BATS_TEST_TMPDIR/src fs
	mkdir -p "$src/dir"
	echo text >"$src/dir/file"
	ln "$src/dir/file" "$src/hard"
	ln -s dir/file "$src/soft"
	ln -s /absolute/nowhere "$src/dangling"
	truncate -s 1M "$src/sparse"
	echo end >>"$src/sparse"
	mkfifo "$src/fifo"
	mknod "$src/device" c 1 3
	chown 1234:4321 "$src/dir/file"
	chmod 4755 "$src/dir/file"
	setcap cap_net_raw+ep "$src/dir/file"
	touch -d '2001-02-03 04:05:06' "$src/dir/file" "$src/dir"
	printf 'long' >"$src/dir/$(printf 'n%.0s' {1..200})"
	tar -C "$src" --sparse --xattrs --xattrs-include='*' --format=posix -cf "$BATS_TEST_TMPDIR/i.tar" .
	jail image import --quiet "$BATS_TEST_TMPDIR/i.tar" --name content:1
	fs=$JAIL_TEST_DIR/state/layers/$(jail image inspect --json content:1 | jq -r '.[0].layers[0]' | cut -d: -f2)/fs
	[ "$(cat "$fs/dir/file")" = text ]
	[ "$(stat -c '%u:%g %a %Y' "$fs/dir/file")" = "1234:4321 4755 $(stat -c %Y "$src/dir/file")" ]
	[ "$(stat -c %Y "$fs/dir")" = "$(stat -c %Y "$src/dir")" ]
	[ "$(stat -c %i "$fs/hard")" = "$(stat -c %i "$fs/dir/file")" ]
	[ "$(readlink "$fs/soft")" = dir/file ]
	[ "$(readlink "$fs/dangling")" = /absolute/nowhere ]
	[ "$(getcap "$fs/dir/file")" = "$fs/dir/file cap_net_raw=ep" ]
	[ "$(stat -c %s "$fs/sparse")" = 1048580 ]
	[ "$(stat -c %b "$fs/sparse")" -lt 1024 ]
	cmp "$src/sparse" "$fs/sparse"
	[ -p "$fs/fifo" ]
	[ -f "$fs/dir/$(printf 'n%.0s' {1..200})" ]
	[ ! -c "$fs/device" ] || grep -q nodev /proc/self/mounts
}

@test "list and inspect, plain and JSON" {
	jail image import --quiet "$JAIL_TEST_DIR/busybox.tar" --name a/b:c
	run -0 jail image list
	assert_output 'a/b:c'
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	run -0 jail image list --json
	[ "$(jq -r '.[0].name' <<<"$output")" = a/b:c ]
	run -0 jail image inspect a/b:c
	assert_output 'a/b:c'
	run -0 jail image list --quiet
	[ "${lines[0]}" = a/b:c ]
}

@test "a name in use is refused, --replace replaces" {
	run jail image import "$JAIL_TEST_DIR/busybox.tar" --name "$IMAGE"
	assert_error 1 "$IMAGE"
	make_tar "$BATS_TEST_TMPDIR/o.tar" "member('other')"
	jail image import --quiet "$JAIL_TEST_DIR/busybox.tar" --name replaced
	run -0 jail image import --replace "$BATS_TEST_TMPDIR/o.tar" --name replaced
	[ "$(jail image inspect --json replaced | jq '.[0].members')" = 1 ]
}

@test "an image that instances use stays" {
	jail image import --quiet "$JAIL_TEST_DIR/busybox.tar" --name used:1
	jail create web --image used:1 true
	run jail image rm used:1
	assert_error 1 'used by web'
	jail rm web
	run -0 jail image rm used:1
	run jail image inspect used:1
	assert_error 1 used:1
}

@test "removing the last name frees the layer" {
	make_tar "$BATS_TEST_TMPDIR/o.tar" "member('only-here', data=b'x' * 100000)"
	local before
	before=$(layers)
	jail image import --quiet "$BATS_TEST_TMPDIR/o.tar" --name gone:1
	[ "$(layers)" != "$before" ]
	jail image rm gone:1
	[ "$(layers)" = "$before" ]
}

@test "images: missing, malformed and unknown names" {
	run jail image import "$JAIL_TEST_DIR/busybox.tar"
	assert_error 1 '--name'
	run jail image import --name x:1
	assert_error 2 'missing'
	local name
	for name in UPPER 'a b' a//b ../x a: :b 'x;y'; do
		run jail image import "$JAIL_TEST_DIR/busybox.tar" --name "$name"
		assert_error 1 ''
	done
	run jail image inspect none:1
	assert_error 1 none:1
	run jail image rm none:1 none:2
	assert_error 1 none:1
	assert_output none:2
	run jail image rm
	assert_error 2 missing
}

@test "not a file, a directory, an empty file, not an archive" {
	local before
	before=$(layers)
	run jail image import "$BATS_TEST_TMPDIR/none.tar" --name bad:1
	assert_error 1 'none.tar'
	run jail image import "$BATS_TEST_TMPDIR" --name bad:1
	assert_error 1 directory
	: >"$BATS_TEST_TMPDIR/empty"
	run jail image import "$BATS_TEST_TMPDIR/empty" --name bad:1
	assert_error 1 empty
	head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/noise"
	run jail image import "$BATS_TEST_TMPDIR/noise" --name bad:1
	assert_error 1 noise
	echo 'just text' >"$BATS_TEST_TMPDIR/text"
	run jail image import "$BATS_TEST_TMPDIR/text" --name bad:1
	assert_error 1 text
	head -c 5000 /dev/urandom | gzip >"$BATS_TEST_TMPDIR/noise.gz"
	run jail image import "$BATS_TEST_TMPDIR/noise.gz" --name bad:1
	assert_error 1 noise.gz
	[ "$(layers)" = "$before" ]
	jail gc
	nothing_staged
}

@test "truncated archives are refused" {
	local kind f=$BATS_TEST_TMPDIR/i.tar
	cp "$JAIL_TEST_DIR/busybox.tar" "$f"
	gzip -k "$f"
	xz -k -0 "$f"
	zstd -q -k "$f"
	for kind in '' .gz .xz .zst; do
		truncate -s 300000 "$f$kind"
		run jail image import "$f$kind" --name bad:1
		assert_error 1 "i.tar$kind"
	done
	jail gc
	nothing_staged
}

@test "nothing in an archive gets out of the layer; the member is named" {
	local canary=$BATS_TEST_TMPDIR/canary f=$BATS_TEST_TMPDIR/evil.tar
	mkdir "$canary"
	hostile() { # WHAT PYTHON
		make_tar "$f" "$2"
		run jail image import "$f" --name evil:1
		if [ "$status" -eq 0 ]; then
			# Accepted means made harmless: it landed inside.
			jail image rm evil:1
		else
			assert_error 1 "$1"
		fi
		[ -z "$(ls -A "$canary")" ] || { echo "escaped: $2"; return 1; }
		[ ! -e /tmp/jail-escape ] || { echo "escaped: $2"; return 1; }
	}
	hostile escape "member('../../../../../../../../tmp/jail-escape', data=b'x')"
	hostile escape "member('/tmp/jail-escape', data=b'x')"
	hostile link "member('link', SYM, '$canary'); member('link/file', data=b'x')"
	hostile link "member('link', SYM, '/tmp'); member('link/jail-escape', data=b'x')"
	hostile up "member('a', DIR, mode=0o755); member('a/up', SYM, '../../../../../..$canary'); member('a/up/file', data=b'x')"
	hostile hard "member('hard', LNK, '/etc/passwd')"
	hostile hard "member('hard', LNK, '../../../../../../etc/passwd')"
	hostile hard "member('link', SYM, '/etc'); member('hard', LNK, 'link/passwd')"
	hostile link "member('link', SYM, '$canary'); member('link', DIR, mode=0o755); member('link/file', data=b'x')"
	hostile .. "member('..', DIR, mode=0o777)"
}

@test "refused archives: parent directories by name" {
	make_tar "$BATS_TEST_TMPDIR/evil.tar" "member('ok'); member('x/../../evil', data=b'x')"
	run jail image import "$BATS_TEST_TMPDIR/evil.tar" --name evil:1
	assert_error 1 'x/../../evil'
}

@test "control characters of a member's name do not reach the terminal" {
	make_tar "$BATS_TEST_TMPDIR/evil.tar" "member('../\x1b[2Jevil', data=b'x')"
	run jail image import "$BATS_TEST_TMPDIR/evil.tar" --name evil:1
	assert_error 1 evil
	refute_output $'\e'
}

@test "limits stop bombs: size, members, name length, ratio" {
	local config=$BATS_TEST_TMPDIR/c.json f=$BATS_TEST_TMPDIR/bomb.tar
	jail_config "$config" "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/run" \
		<<<'"import": {"maxBytes": "1MiB", "maxMembers": 100, "maxName": 64, "maxRatio": 50}'
	make_tar "$f" "member('big', data=b'x' * 2000000)"
	run jail --config "$config" image import "$f" --name bomb:1
	assert_error 1 maxBytes
	make_tar "$f" "[member('m%d' % i) for i in range(200)]"
	run jail --config "$config" image import "$f" --name bomb:1
	assert_error 1 maxMembers
	make_tar "$f" "member('n' * 100)"
	run jail --config "$config" image import "$f" --name bomb:1
	assert_error 1 maxName
	head -c 200000000 /dev/zero >"$BATS_TEST_TMPDIR/zeroes"
	tar -C "$BATS_TEST_TMPDIR" -cf - zeroes | gzip -1 >"$f.gz"
	jail_config "$config" "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/run" <<<'"import": {"maxRatio": 50}'
	run jail --config "$config" image import "$f.gz" --name bomb:1
	assert_error 1 maxRatio
	jail gc
	nothing_staged
}

@test "gc tells layers from interrupted imports" {
	mkdir "$JAIL_TEST_DIR/state/staging/0123456789abcdef0123456789abcdef"
	run -0 jail gc --json
	[ "$(jq -c '[.layers, .staging]' <<<"$output")" = '[0,1]' ]
	echo text >"$BATS_TEST_TMPDIR/member"
	tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/one.tar" member
	run -0 jail image import --name one:1 "$BATS_TEST_TMPDIR/one.tar"
	[[ $output == *", 1 member" ]]
	jail image rm one:1
	mkdir "$JAIL_TEST_DIR/state/layers/$(printf '0%.0s' {1..64})"
	run -0 jail gc
	[[ $output == "removed 1 layer that no image or instance uses"* ]]
}

@test "a killed import leaves only what gc removes" {
	local before pid work
	before=$(layers)
	mkfifo "$BATS_TEST_TMPDIR/slow"
	"$JAIL_BUILD/jail" image import "$BATS_TEST_TMPDIR/slow" --name slow:1 3>&- &
	pid=$!
	exec 9>"$BATS_TEST_TMPDIR/slow"
	head -c 1000000 "$JAIL_TEST_DIR/busybox.tar" >&9
	wait_until 10 something_staged
	# Its child is in a cgroup of their own.
	wait_until 10 something_unpacks
	work=$(echo "$SANDBOX_ROOT"/jail/.work-*)
	[ "$(tr '\0' ' ' <"/proc/$(cat "$work/cgroup.procs")/cmdline")" = 'jail-unpack ' ]
	# A living import is not garbage.
	jail gc
	[ -d "$work" ]
	kill -KILL $pid
	wait $pid || :
	exec 9>&-
	[ -d "$work" ]
	wait_until 10 gc_leaves_nothing
	[ ! -d "$work" ]
	run jail image inspect slow:1
	assert_error 1 slow:1
	[ "$(layers)" = "$before" ]
}
something_staged() { [ -n "$(ls -A "$JAIL_TEST_DIR/state/staging")" ]; }
something_unpacks() { [ -n "$(cat "$SANDBOX_ROOT"/jail/.work-*/cgroup.procs)" ]; }
gc_leaves_nothing() {
	jail gc && nothing_staged
}

@test "two imports of the same content at once store it once" {
	make_tar "$BATS_TEST_TMPDIR/same.tar" "[member('f%d' % i, data=b'x' * 1000) for i in range(500)]"
	local a b count
	count=$(layers | wc -l)
	jail image import --quiet "$BATS_TEST_TMPDIR/same.tar" --name same:1 &
	a=$!
	jail image import --quiet "$BATS_TEST_TMPDIR/same.tar" --name same:2 &
	b=$!
	wait $a
	wait $b
	[ "$(layers | wc -l)" = $((count + 1)) ]
}

@test "whiteouts, overlay attributes and 0:0 devices of an archive have no power" {
	make_tar "$BATS_TEST_TMPDIR/o.tar" "
member('bin', DIR, mode=0o755)
member('gone', CHR, devmajor=0, devminor=0)
member('opaque', DIR, mode=0o755, pax_headers={'SCHILY.xattr.trusted.overlay.opaque': 'y'})
member('redirect', DIR, mode=0o755, pax_headers={'SCHILY.xattr.trusted.overlay.redirect': '/etc'})"
	run -0 jail image import "$BATS_TEST_TMPDIR/o.tar" --name overlay:1
	local fs
	fs=$JAIL_TEST_DIR/state/layers/$(jail image inspect --json overlay:1 | jq -r '.[0].layers[0]' | cut -d: -f2)/fs
	[ -z "$(getfattr -R -m trusted.overlay -d "$fs" 2>/dev/null)" ]
	[ ! -c "$fs/gone" ]
}

@test "a progress bar is drawn on a terminal, and only there" {
	run -0 jail image import "$JAIL_TEST_DIR/busybox.tar" --name bar:1
	refute_output '['
	run -0 script -qec "'$JAIL_BUILD/jail' image import '$JAIL_TEST_DIR/busybox.tar' --name bar:2" /dev/null
	assert_output 'members'
}
