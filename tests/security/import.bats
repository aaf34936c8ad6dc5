# SPDX-License-Identifier: GPL-2.0-or-later
# Importing what a stranger made: hostile, broken and oversized archives, by way of the store's own functions
# (tests/helpers/import_driver.c), and honest ones compared with GNU tar. Rows 5, 12, 33 to 42, 51 of the security notes.

# shellcheck disable=SC2012,SC2016,SC2119,SC2120 # names are plain; import is called with and without options

load ../lib/common

MKTAR=$TOP/tests/helpers/mktar.py
TREECMP=$TOP/tests/helpers/treecmp.py
DEBIAN=${JAIL_TEST_DEBIAN:-/var/tmp/jail-test-cache/debian-12.tar}

setup_file() {
	T=$(mktemp -d /var/tmp/jail-import.XXXXXX)
	export T DRIVER=$T/import_driver
	local san=()
	[[ $JAIL_BUILD != *-san* ]] || san=('-fsanitize=address,undefined')
	if [[ $JAIL_BUILD == *clang* ]]; then CC=clang; else CC=gcc; fi
	$CC -std=gnu17 -D_GNU_SOURCE -I"$TOP" -O1 -g "${san[@]}" -o "$DRIVER" "$TOP/tests/helpers/import_driver.c" \
		"$JAIL_BUILD/libjail.a" -lyajl_s -lnettle
}
teardown_file() { rm -rf "$T"; }

setup() {
	STATE=$T/state CANARY=$T/canary
	rm -rf "$STATE" "$CANARY" "$T/naive"
	mkdir -m 700 "$STATE"
	mkdir "$CANARY" "$T/naive"
	echo secret >"$CANARY/secret"
	chmod 640 "$CANARY/secret"
	touch -d 2001-01-01 "$CANARY/secret" "$CANARY"
	before=$(canary)
}

# Everything of the canary that an unpacker could disturb.
canary() {
	find "$CANARY" -printf '%p %y %m %U %G %n %s %T@ %l\n' | sort
	cat "$CANARY/secret"
	getfattr -R -d -m - --absolute-names "$CANARY"
}

driver() { timeout "${LIMIT:-120}" "$DRIVER" "$STATE" "$@"; }
import() { # [OPTION...] < ARCHIVE
	driver import "$JAIL_BUILD/jail-unpack" t "$@"
}
tree() { echo "$STATE"/layers/*/fs; }

nothing_left() {
	[ -z "$(ls -A "$STATE/staging")" ] || { echo "staging: $(ls "$STATE/staging")"; return 1; }
}
nothing_stored() {
	nothing_left
	[ -z "$(ls "$STATE/layers")" ] || { echo "layers: $(ls "$STATE/layers")"; return 1; }
	[ -z "$(ls "$STATE/images")" ] || { echo "images: $(ls "$STATE/images")"; return 1; }
}
# refused PATTERN [OPTION...] < ARCHIVE
refused() {
	local pattern=$1
	shift
	run import "$@"
	[ "$status" -eq 1 ] || { echo "status $status: $output"; return 1; }
	[[ $output =~ $pattern ]] || { echo "\"$output\" is not about $pattern"; return 1; }
	nothing_stored
}

# judged NAME VERDICT PATTERN: the import that was run ended so, and touched nothing outside.
judged() {
	local bad=0

	if [ "$2" = accept ]; then
		[ "$status" -eq 0 ] && nothing_left
	else
		[ "$status" -eq 1 ] && [[ $output =~ $3 ]] && nothing_stored
	fi || { echo "$1: status $status: $output"; bad=1; }
	[ "$(canary)" = "$before" ] || { echo "$1: ESCAPED"; bad=1; }
	return $bad
}

@test "rows 33 to 38, 40, 42: hostile archives: each refused for its reason, or made harmless; nothing outside is touched" {
	local name verdict control pattern failed=0
	"$MKTAR" list >"$T/cases"
	[ "$(wc -l <"$T/cases")" -gt 100 ]
	while IFS=$'\t' read -r name verdict control pattern; do
		rm -rf "$STATE"
		mkdir -m 700 "$STATE"
		"$MKTAR" make "$name" "$CANARY" >"$T/a.tar"
		run import <"$T/a.tar"
		judged "$name" "$verdict" "$pattern" || failed=1
	done <"$T/cases"
	[ $failed -eq 0 ]
}

@test "rows 33 to 38, 40, 42: control: the archives that are meant to escape do escape from a naive unpacker" {
	local name verdict control pattern tried=0 failed=0
	"$MKTAR" list >"$T/cases"
	while IFS=$'\t' read -r name verdict control pattern; do
		[ "$control" = escape ] || continue
		setup
		"$MKTAR" make "$name" "$CANARY" | "$TOP/tests/helpers/naive_unpack.py" "$T/naive"
		tried=$((tried + 1))
		[ "$(canary)" != "$before" ] || vacuous "$name" || failed=1
	done <"$T/cases"
	[ $tried -ge 20 ]
	[ $failed -eq 0 ]
}

@test "accepted oddities end as tar defines them: the later member wins" {
	local fs
	"$MKTAR" make duplicates "$CANARY" | import
	fs=$(tree)
	[ "$(cat "$fs/f")" = new ]
	[ "$(stat -c '%a %F' "$fs/f" "$fs/x" "$fs/x/y" "$fs/f2" "$fs/e")" = "$(printf '%s\n' '640 regular file' \
		'700 directory' '644 regular file' '750 directory' '711 directory')" ]
	[ "$(cat "$fs/x/y")" = 'file now' ]
	[ -z "$(getfattr -d "$fs/e")" ]
	# Parents that were left and entered again keep their times.
	[ "$(stat -c %Y "$fs/x")" = 1000000000 ]
}

@test "row 35: a second member of the same name does not write into the first one's other links" {
	local fs
	"$MKTAR" make hardlink-then-file "$CANARY" | import
	fs=$(tree)
	[ "$(cat "$fs/f")" = first ]
	[ "$(cat "$fs/h")" = second ]
	[ "$(stat -c %h "$fs/f" "$fs/h")" = $'1\n1' ]
}

@test "row 34: a file, a directory over a symbolic link replace the link" {
	"$MKTAR" make file-over-symlink "$CANARY" | import
	[ "$(stat -c %F "$(tree)/f")" = 'regular file' ]
	setup
	"$MKTAR" make dir-over-symlink "$CANARY" | import
	[ "$(stat -c '%F %a %u' "$(tree)/x")" = 'directory 700 7' ]
	[ -f "$(tree)/x/new" ]
}

@test "row 36: metadata that is set last does not follow a link that came in between" {
	"$MKTAR" make late-dir-xattr "$CANARY" | import
	[ -L "$(tree)/x" ]
	[ "$(canary)" = "$before" ]
}

@test "row 37: the root keeps a mode that others can't write to" {
	"$MKTAR" make root-dir "$CANARY" | import
	[ "$(stat -c '%a %u' "$(tree)")" = '755 5' ]
}

@test "row 39: overlay's attributes, foreign capabilities and 0:0 devices don't arrive, and are counted" {
	local layer
	"$MKTAR" make overlay-xattrs "$CANARY" | import
	[ "$(getfattr -d -m - --absolute-names "$(tree)/pub" | grep '=')" = 'user.kept="1"' ]
	layer=$(cat "$STATE"/layers/*/layer.json)
	[[ $layer == *'"skippedXattrs": 4'* ]]
	setup
	"$MKTAR" make whiteout-device "$CANARY" | import
	[ ! -e "$(tree)/gone" ]
	layer=$(cat "$STATE"/layers/*/layer.json)
	[[ $layer == *'"skippedWhiteouts": 1'* ]]
	setup
	"$MKTAR" make capability-v3-foreign "$CANARY" | import
	[ -z "$(getfattr -d -m - "$(tree)/f")" ]
}

@test "default ACLs are the directory's own, and are not inherited by what was in the archive" {
	local fs
	"$MKTAR" make acls "$CANARY" | import
	fs=$(tree)
	[ -n "$(getfattr -n system.posix_acl_default "$fs/x" 2>/dev/null)" ]
	[ -n "$(getfattr -n system.posix_acl_access "$fs/x" 2>/dev/null)" ]
	local inside
	for inside in f g sub; do
		[ -z "$(getfattr -d -m - "$fs/x/$inside")" ]
	done
	[ "$(stat -c %a "$fs/x/f" "$fs/x/g" "$fs/x/sub")" = $'644\n600\n700' ]
}

@test "names are bytes: no normalisation, invalid UTF-8 stays" {
	local fs
	"$MKTAR" make name-bytes "$CANARY" | import
	fs=$(tree)
	[ "$(cat "$fs/"$'e\xcc\x81')" = nfd ]
	[ "$(cat "$fs/"$'\xc3\xa9')" = nfc ]
	[ -f "$fs/"$'\xff\xfe-e\xcc\x81-\xc3\xa9' ]
}

@test "row 42: what is listed is what GNU tar lists" {
	local name verdict control pattern
	"$MKTAR" list >"$T/cases"
	while IFS=$'\t' read -r name verdict control pattern; do
		case $verdict:$name in
		accept:name-* | accept:global-comment | accept:trailing-data | accept:hardlink-* | accept:acls) ;;
		*) continue ;;
		esac
		setup
		"$MKTAR" make "$name" "$CANARY" >"$T/a.tar"
		import <"$T/a.tar"
		diff <(LC_ALL=C tar -tf "$T/a.tar" --quoting-style=literal | sed 's|/$||' | LC_ALL=C sort -u) \
			<(cd "$(tree)" && find . -mindepth 1 | sed 's|^\./||' | LC_ALL=C sort)
	done <"$T/cases"
}

# A tree with one of everything that GNU tar can archive.
make_tree() {
	local src=$1
	mkdir -p "$src/dir/sub" "$src/setgid" "$src/closed"
	head -c 3000000 /dev/urandom >"$src/dir/large"
	: >"$src/empty"
	ln "$src/dir/large" "$src/hard"
	ln "$src/dir/large" "$src/dir/sub/hard"
	ln -s dir/large "$src/soft"
	ln -s "$(printf 'long/%.0s' {1..50})" "$src/long-link"
	ln -s /nowhere "$src/dangling"
	truncate -s 5M "$src/hole"
	echo end >>"$src/hole"
	for i in $(seq 40); do # more extents than an old GNU header holds
		printf 'x' | dd of="$src/holes" bs=1 seek=$((i * 65536)) conv=notrunc status=none
	done
	truncate -s 3M "$src/holes"
	mkfifo "$src/fifo"
	mknod "$src/null" c 1 3
	mknod "$src/loop" b 7 200
	chown 1234:4321 "$src/dir/sub"
	chmod 4755 "$src/empty"
	chown 65534:65534 "$src/setgid"
	chmod 2775 "$src/setgid"
	: >"$src/setgid/member"
	mkdir "$src/setgid/dir"
	: >"$src/closed/member"
	chmod 0 "$src/closed"
	: >"$src/dir/$(printf 'n%.0s' {1..255})"
	mkdir -p "$src/$(printf 'deep/%.0s' {1..60})"
	: >"$src/dir/"$'\xc3\xa9 \x01\n\xff'
	touch -d '2001-02-03 04:05:06.789012345' "$src/dir/large" "$src/dir" "$src/closed"
	touch -h -d '1969-12-31 12:00:00' "$src/soft"
}

@test "round trip against GNU tar: every format, everything that it can hold" {
	local src=$T/src format
	rm -rf "$src"
	make_tree "$src"
	setfattr -n user.test -v value "$src/dir" "$src/empty"
	setcap cap_net_raw+ep "$src/setgid/member"
	for format in gnu posix pax0.0 pax0.1 oldgnu; do
		local options=("--format=${format%%[0-9]*}" --sparse)
		case $format in
		posix) options=(--format=posix --sparse --xattrs '--xattrs-include=*' --acls) ;;
		pax*) options=(--format=posix --sparse "--sparse-version=${format#pax}" --xattrs '--xattrs-include=*') ;;
		esac
		setup
		rm -rf "$T/a.tar" "$T/x"
		mkdir "$T/x"
		tar -C "$src" "${options[@]}" -cf "$T/a.tar" .
		tar -C "$T/x" --numeric-owner --same-permissions --xattrs '--xattrs-include=*' -xf "$T/a.tar"
		import <"$T/a.tar"
		"$TREECMP" "$T/x" "$(tree)" || { echo "format $format"; return 1; }
	done
}

@test "round trip of a Debian 12 system, from every compression: one layer, the same tree" {
	[ -f "$DEBIAN" ] || skip "no $DEBIAN (tests/lib/debian-tarball makes one)"
	rm -rf "$T/x"
	mkdir "$T/x"
	tar -C "$T/x" --numeric-owner -p --xattrs '--xattrs-include=*' -xf "$DEBIAN"
	import <"$DEBIAN"
	"$TREECMP" "$T/x" "$(tree)"
	[ "$(ls "$STATE/layers")" = "$(sha256sum <"$DEBIAN" | cut -d' ' -f1)" ]
	local program
	for program in 'gzip -1' 'pzstd -q -1'; do
		$program -c <"$DEBIAN" >"$T/packed"
		run -0 import replace <"$T/packed"
		[ "${lines[0]}" = known=1 ]
		[[ $output == *"\"archive\":\"sha256:$(sha256sum <"$T/packed" | cut -d' ' -f1)\""* ]]
		nothing_left
	done
	# Several members, one after another, are one stream.
	{ head -c 50000000 "$DEBIAN" | gzip -1; tail -c +50000001 "$DEBIAN" | gzip -1; head -c 512 /dev/zero; } >"$T/packed"
	run -0 import replace <"$T/packed"
	[ "${lines[0]}" = known=1 ]
}

# A small honest archive for the tests that damage it.
small() {
	[ -f "$T/small.tar" ] || {
		rm -rf "$T/src"
		make_tree "$T/src"
		tar -C "$T/src" --sparse -cf "$T/small.tar" .
	}
}

@test "every compression: one layer, both digests" {
	small
	local program
	import <"$T/small.tar"
	[ "$(ls "$STATE/layers")" = "$(sha256sum <"$T/small.tar" | cut -d' ' -f1)" ]
	for program in gzip xz zstd bzip2 lz4 'pzstd -q' 'zstd --ultra -20' 'xz -9e' 'lz4 -BD -9'; do
		$program -c <"$T/small.tar" >"$T/packed"
		run -0 import replace <"$T/packed"
		[ "${lines[0]}" = known=1 ]
		[[ $output == *"\"archive\":\"sha256:$(sha256sum <"$T/packed" | cut -d' ' -f1)\""* ]]
		# A pipe, byte by byte at first.
		run -0 import replace < <(dd if="$T/packed" bs=1 count=300 status=none; tail -c +301 "$T/packed")
		[ "${lines[0]}" = known=1 ]
		nothing_left
	done
}

@test "truncated anywhere: refused, nothing left" {
	small
	local program size cut
	for program in cat gzip 'xz -0' 'zstd -q' bzip2 'lz4 -q'; do
		$program -c <"$T/small.tar" >"$T/packed" 2>/dev/null || cat "$T/small.tar" >"$T/packed"
		size=$(stat -c %s "$T/packed")
		for cut in 1 2 5 100 511 512 700 5000 $((size / 3)) $((size / 2)) $((size - 20000)) $((size - 4)) $((size - 1)); do
			# The end of a plain archive is padding that nobody needs.
			[ "$program" != cat ] || [ "$cut" -lt $((size - 20000)) ] || continue
			head -c "$cut" "$T/packed" >"$T/cut"
			refused '' <"$T/cut" || { echo "$program, $cut of $size"; return 1; }
		done
	done
}

@test "a flipped bit in compressed data is noticed" {
	small
	local program size at
	for program in gzip 'xz -0' 'zstd -q --check' bzip2 'lz4 -q'; do
		$program -c <"$T/small.tar" >"$T/packed"
		size=$(stat -c %s "$T/packed")
		for at in $((size / 4)) $((size / 2)) $((size * 3 / 4)); do
			cp "$T/packed" "$T/flipped"
			python3 -c "
import sys
with open(sys.argv[1], 'r+b') as f:
    f.seek(int(sys.argv[2])); b = f.read(1); f.seek(-1, 1); f.write(bytes([b[0] ^ 4]))" "$T/flipped" "$at"
			refused '' <"$T/flipped" || { echo "$program at $at of $size"; return 1; }
		done
	done
	# The checksum itself: libarchive's gzip would not look.
	gzip -c <"$T/small.tar" >"$T/packed"
	size=$(stat -c %s "$T/packed")
	printf '\1\2\3\4' | dd of="$T/packed" bs=1 seek=$((size - 8)) conv=notrunc status=none
	refused 'damaged' <"$T/packed"
	{ gzip -c <"$T/small.tar"; echo garbage; } >"$T/packed"
	refused 'something follows' <"$T/packed"
}

@test "not an archive: said so, and what it is where that is known" {
	refused 'empty' </dev/null
	: | gzip >"$T/packed"
	refused 'empty' <"$T/packed"
	: | xz >"$T/packed"
	refused 'empty' <"$T/packed"
	head -c 100000 /dev/urandom >"$T/noise"
	refused 'not a tar archive|damaged' <"$T/noise"
	gzip -c "$T/noise" >"$T/packed"
	refused 'not a tar archive' <"$T/packed"
	echo 'just text' >"$T/text"
	refused 'not a tar archive' <"$T/text"
	printf 'PK\003\004' | cat - "$T/noise" >"$T/packed"
	refused 'zip file' <"$T/packed"
	head -c 10240 /dev/zero >"$T/packed"
	refused 'no members' <"$T/packed"
	small
	gzip -c "$T/small.tar" | gzip >"$T/packed"
	refused 'not a tar archive' <"$T/packed"
	xz -0 -c "$T/small.tar" | xz -0 >"$T/packed"
	refused 'more than once' <"$T/packed"
	run import <"$T"
	[ "$status" -eq 1 ]
	[[ $output == *directory* ]]
	nothing_stored
}

@test "row 5: no program is run for exotic compressions" {
	local name magic
	mkdir -p "$T/bin"
	for name in lrzip grzip lzop zstd lz4 gzip xz bzip2 uncompress; do
		printf '#!/bin/sh\ntouch "%s/ran"\n' "$CANARY" >"$T/bin/$name"
		chmod +x "$T/bin/$name"
	done
	# The naive twin: a library that looks for programs would find these.
	(PATH=$T/bin:$PATH lrzip) && [ -e "$CANARY/ran" ] || vacuous PATH
	rm "$CANARY/ran"
	touch -d 2001-01-01 "$CANARY"
	for magic in 'LRZI\0\6' 'GRZipII\0\2\4:)' '\x89LZO\0\r\n\x1a\n' 'LZIP\1' '\x1f\x9d\x90'; do
		# shellcheck disable=SC2059 # the magic is a format
		{ printf "$magic"; head -c 100000 /dev/zero; } >"$T/packed"
		PATH=$T/bin:$PATH refused 'not a tar archive' <"$T/packed"
	done
	[ "$(canary)" = "$before" ]
}

@test "row 41: bombs: compression ratio, members, content, name; what trails the archive counts too" {
	rm -rf "$T/src"
	mkdir "$T/src"
	truncate -s 10G "$T/src/zeros"
	# The naive twin unpacks it: more than a thousand times what it has read.
	[ "$(head -c 100M /dev/zero | gzip | wc -c)" -lt 110000 ] || vacuous gzip
	# Ten gigabytes out of ten megabytes, made on the fly and not to the end.
	run import < <(tar -C "$T/src" -cf - . 2>/dev/null | gzip 2>/dev/null)
	[ "$status" -eq 1 ]
	[[ $output == *'limit maxRatio exceeded'* ]]
	nothing_stored
	run import maxRatio=500 < <(tar -C "$T/src" -cf - . 2>/dev/null | zstd -q -1 2>/dev/null)
	[ "$status" -eq 1 ]
	[[ $output == *'limit maxRatio exceeded'* ]]
	nothing_stored
	small
	refused 'member .*: limit maxMembers exceeded' maxMembers=10 <"$T/small.tar"
	refused 'limit maxBytes exceeded' maxBytes=100000 <"$T/small.tar"
	refused 'limit maxName exceeded' maxName=50 <"$T/small.tar"
	{ cat "$T/small.tar"; head -c 300000000 /dev/zero; } | zstd -q >"$T/packed"
	refused 'limit max(Ratio|Bytes) exceeded' maxBytes=100000000 <"$T/packed"
}

@test "row 41: a dictionary of gigabytes is refused, not allocated" {
	[[ $JAIL_BUILD != *-san* ]] || skip "the sanitizers need address space"
	small
	# The properties byte of the LZMA2 filter: 4 GiB - 1, with the header's checksum made right.
	xz -0 --check=crc32 -c "$T/small.tar" >"$T/packed"
	python3 - "$T/packed" <<-'EOF'
		import sys, zlib
		with open(sys.argv[1], "r+b") as f:
		    data = bytearray(f.read())
		    n = (data[12] + 1) * 4
		    at = 12 + data[12:12 + n].index(b"\x21\x01") + 2
		    data[at] = 40
		    data[12 + n - 4:12 + n] = zlib.crc32(data[12:12 + n - 4]).to_bytes(4, "little")
		    f.seek(0); f.write(data)
	EOF
	refused 'memory|damaged' <"$T/packed"
}

@test "a full disk: ENOSPC with the path, nothing left" {
	small
	run unshare -m bash -c '
		mount -t tmpfs -o size=2m,mode=700 none "$1" && chmod 700 "$1" &&
		"$2" "$1" import "$3" t <"$4"; status=$?
		ls -A "$1/staging" "$1/layers"
		exit $status' - "$STATE" "$DRIVER" "$JAIL_BUILD/jail-unpack" "$T/small.tar"
	[ "$status" -eq 1 ]
	[[ $output == *'error 28:'*"$STATE/staging"*'No space left'* ]]
	[[ $output != *[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]* ]]
}

nothing_left_after_gc() { driver gc && nothing_left; }

@test "row 51: killed at any moment: no half layer, gc removes what is left" {
	small
	local i pid round=${JAIL_KILL_ROUNDS:-60}
	cp "$T/small.tar" "$T/a.tar"
	for i in $(seq "$round"); do
		"$DRIVER" "$STATE" import "$JAIL_BUILD/jail-unpack" t <"$T/a.tar" >/dev/null 2>&1 3>&- &
		pid=$!
		sleep "0.0$(printf '%03d' $((RANDOM % 100)))"
		kill -KILL $pid 2>/dev/null || :
		wait $pid 2>/dev/null || :
		if [ -n "$(ls "$STATE/layers" 2>/dev/null)" ]; then
			# Whole or not there.
			[ "$(find "$STATE"/layers/*/fs -printf '.\n' | wc -l)" = "$(tar -tf "$T/a.tar" | wc -l)" ]
			[ -s "$(echo "$STATE"/layers/*/layer.json)" ]
		fi
		[ $((i % 10)) -ne 0 ] || driver rm t >/dev/null 2>&1 || :
	done
	wait_until 30 nothing_left_after_gc
	driver rm t 2>/dev/null || :
	driver gc
	nothing_stored
	run -0 import <"$T/a.tar"
	[ "${lines[0]}" = known=0 ]
}

@test "gc leaves an import in progress and used layers alone" {
	small
	mkfifo "$T/pipe"
	"$DRIVER" "$STATE" import "$JAIL_BUILD/jail-unpack" slow <"$T/pipe" >"$T/out" 2>&1 3>&- &
	local pid=$!
	exec 9>"$T/pipe"
	head -c 2000000 "$T/small.tar" >&9
	run -0 driver gc
	[ "${lines[0]}" = removed=0 ]
	[ -n "$(ls "$STATE/staging")" ]
	tail -c +2000001 "$T/small.tar" >&9
	exec 9>&-
	wait $pid
	rm -f "$T/pipe"
	driver get slow
	driver rm slow
	run -0 driver gc "$(ls "$STATE/layers")"
	[ "${lines[0]}" = removed=0 ]
	run -0 driver gc
	[ "${lines[0]}" = removed=1 ]
	nothing_stored
}

@test "row 51: the same content at once: stored once, every name works" {
	small
	local i pids=()
	for i in $(seq 16); do
		"$DRIVER" "$STATE" import "$JAIL_BUILD/jail-unpack" "n$i" <"$T/small.tar" >"$T/out.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[ "$(ls "$STATE/layers" | wc -l)" = 1 ]
	[ "$(cat "$T"/out.* | grep -c known=0)" = 1 ]
	[ "$(driver list | wc -l)" = 16 ]
	nothing_left
}

@test "the name: in use, replaced, removed, unknown" {
	small
	import <"$T/small.tar"
	run import <"$T/small.tar"
	[ "$status" -eq 1 ]
	[[ $output == *'error 17:'*'t:latest'*'in use'* ]]
	run -0 import replace <"$T/small.tar"
	driver rm t
	run driver rm t
	[[ $output == *'no such image'* ]]
	run driver get t
	[[ $output == *'no such image'* ]]
	local long
	long=$(printf 'a/%.0s' {1..60})a:1
	run driver import "$JAIL_BUILD/jail-unpack" "$(printf 'n%.0s' {1..250}):1" <"$T/small.tar"
	[[ $output == *'too long'* ]]
	run -0 driver import "$JAIL_BUILD/jail-unpack" "$long" <"$T/small.tar"
	run -0 driver get "$long"
}

@test "a damaged image file is an error with its place, and stops gc" {
	small
	import <"$T/small.tar"
	local file=$STATE/images/t%3alatest.json text
	text=$(cat "$file")
	local change
	for change in 's/"version": 2/"version": 3/' 's/sha256:/sha256:X/' 's/"members": /"members": -/' \
		's/"layers": \[/"layers": [[],/' 's/"sizeBytes"/"size"/' 's/t:latest/u:latest/' 's/{/{"x": 1,/' '$d'; do
		sed "$change" <<<"$text" >"$file"
		run driver get t
		[ "$status" -eq 1 ]
		[[ $output == *'t:latest'*'t%3alatest.json'* ]]
		run driver gc
		[ "$status" -eq 1 ]
		[ -n "$(ls "$STATE/layers")" ]
	done
}

importer_is_confined() { grep -q '^Seccomp:.2' "/proc/$(pgrep -P "$1" -x jail-unpack)/status"; }

@test "the importer is confined before it reads" {
	[[ $JAIL_BUILD != *-san* ]] || skip "no system call filter under the sanitizers"
	small
	mkfifo "$T/pipe"
	"$DRIVER" "$STATE" import "$JAIL_BUILD/jail-unpack" slow <"$T/pipe" >"$T/out" 2>&1 3>&- &
	local pid=$! child status i
	exec 9>"$T/pipe"
	wait_until 30 importer_is_confined $pid
	child=$(pgrep -P $pid -x jail-unpack)
	status=$(cat "/proc/$child/status")
	[[ $status == *$'NoNewPrivs:\t1'* ]]
	[[ $status == *$'Seccomp:\t2'* ]]
	local set
	for set in CapPrm CapEff; do
		[[ $status == *"$set:"$'\t'000000008800001b* ]]
	done
	for set in CapInh CapBnd CapAmb; do
		[[ $status == *"$set:"$'\t'0000000000000000* ]]
	done
	local ns
	for ns in mnt net ipc uts; do
		[ "$(readlink "/proc/$child/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	done
	[ "$(wc -l <"/proc/$child/mountinfo")" = 1 ]
	[[ $(cat "/proc/$child/mountinfo") == *nosuid,nodev,noexec* ]]
	# The archive, the report, /dev/null twice, the tree as its own root, and the split file beside it, to write to.
	[ "$(find "/proc/$child/fd" -type l -printf '%f %l\n' | sed -E 's/\[[0-9]*\]//; s,/[0-9a-f]{32}/,/ID/,' | sort)" = \
		"$(printf '%s\n' "0 $T/pipe" '1 /dev/null' '2 /dev/null' '3 /' '4 socket:' "5 $STATE/staging/ID/0/split.zst")" ]
	grep -Eq '^flags:[[:space:]]+0?[0-7]*1$' "/proc/$child/fdinfo/5"
	[ -z "$(tr -d '\0' <"/proc/$child/environ")" ]
	grep -q '^Max core file size *0 ' "/proc/$child/limits"
	for i in "/proc/$child/task"/*; do
		grep -q '^Seccomp:.*2' "$i/status"
	done
	# It dies with its parent.
	kill -KILL $pid
	wait $pid || :
	wait_until 30 test ! -d "/proc/$child"
	exec 9>&-
	rm -f "$T/pipe"
}

@test "an importer that is missing, killed or of another version" {
	small
	run driver import /nonexistent/jail-unpack t <"$T/small.tar"
	[[ $output == *'error 2:'*'/nonexistent/jail-unpack'* ]]
	nothing_stored
	run driver import /bin/true t <"$T/small.tar"
	[[ $output == *'without a result'* ]]
	run -2 "$JAIL_BUILD/jail-unpack"
	[[ $output == *'jail image import'* ]]
	nothing_stored
}

# ---- layers of images

MKOCI=$TOP/tests/helpers/mkoci.py

# layout SCRIPT [ARG...]: at $T/oci.
layout() {
	rm -rf "$T/oci"
	mkdir "$T/oci"
	"$MKOCI" "$T/oci" "$@"
}
import_layout() { driver import "$JAIL_BUILD/jail-unpack" t "$@" <"$T/oci"; }

@test "rows 33 to 38, 40, 42: hostile archives as layers: each refused for its reason, or made harmless; nothing outside is touched" {
	local name verdict control pattern failed=0
	"$MKTAR" list >"$T/cases"
	while IFS=$'\t' read -r name verdict control pattern; do
		# What whiteouts are in a layer (row 38).
		case $name in
		name-*-whiteout | name-*-whiteout-opaque | name-*-whiteout-plink) verdict=accept ;;
		name-*-whiteout-dot | name-*-whiteout-dotdot | name-*-whiteout-empty) pattern='not the name of a file' ;;
		name-*-whiteout-dir) pattern='has members' ;;
		only-end-mark) verdict=accept ;; # an empty layer
		esac
		rm -rf "$STATE"
		mkdir -m 700 "$STATE"
		"$MKTAR" make "$name" "$CANARY" >"$T/a.tar"
		layout 'image(layer(file("first")), raw(ARGS[0]), layer(file("last")), name="t")' "$T/a.tar"
		run import_layout
		judged "$name" "$verdict" "$pattern" || failed=1
	done <"$T/cases"
	[ $failed -eq 0 ]
}

layer_of() { # NUMBER: its directory
	local hex

	hex=$(driver get t | jq -r ".layers[$1]")
	echo "$STATE/layers/${hex#sha256:}"
}

@test "row 34: a link in one layer, a member behind it in the next: each layer has a directory of its own" {
	layout "
image(layer(sym('d', ARGS[0]), sym('w', ARGS[0]), sym('o', '/')),
      layer(file('d/f', b'x'), file('d/secret', b'x'), file('w/.wh.secret'), file('o/.wh..wh..opq')), name='t')" "$CANARY"
	import_layout
	[ "$(canary)" = "$before" ]
	[ "$(stat -c %F "$(layer_of 1)"/fs/{d,w,o} | uniq)" = directory ]
	[ "$(getfattr -n trusted.overlay.opaque --only-values --absolute-names "$(layer_of 1)/fs/o")" = y ]
	# In one layer: the parent is a link.
	local member
	for member in "file('d/f')" "file('d/.wh.secret')" "file('d/.wh..wh..opq')"; do
		setup
		layout "image(layer(sym('d', ARGS[0]), $member), name='t')" "$CANARY"
		run import_layout
		[ "$status" -eq 1 ]
		[[ $output == *'parent d is a symbolic link'* ]]
		[ "$(canary)" = "$before" ]
		nothing_stored
	done
	# A hard link to a name that is whited out in the same layer, and to AUFS's store.
	for member in "file('.wh.x'), hard('h', 'x')" "file('.wh..wh.plnk/1', b'x'), hard('h', '.wh..wh.plnk/1')"; do
		setup
		layout "image(layer($member), name='t')"
		run import_layout
		[ "$status" -eq 1 ]
		nothing_stored
	done
}

@test "row 39: overlay's attributes and 0:0 devices of a layer don't arrive: only .wh. names make whiteouts" {
	layout "
image(layer(file('lower')), layer(char('lower', 0, 0), dir('pub', pax_headers={
    'SCHILY.xattr.trusted.overlay.redirect': '/private', 'SCHILY.xattr.trusted.overlay.opaque': 'y',
    'SCHILY.xattr.trusted.overlay.metacopy': '', 'SCHILY.xattr.user.overlay.opaque': 'y'}), file('.wh.gone')), name='t')"
	import_layout
	local fs
	fs=$(layer_of 1)/fs
	[ ! -e "$fs/lower" ]
	[ "$(stat -c '%F %t:%T' "$fs/gone")" = 'character special file 0:0' ]
	[ -z "$(getfattr -R -d -m '^trusted' --absolute-names "$fs")" ]
	[ "$(jq -c '[.whiteouts, .skippedWhiteouts, .skippedXattrs]' "$(layer_of 1)/layer.json")" = '[1,1,3]' ]
	# What the kernel makes of them where they do arrive: the file below is gone.
	mkdir -p "$T/o"/{low,up,work,mnt}
	touch "$T/o/low/lower"
	mknod "$T/o/up/lower" c 0 0
	run unshare --mount sh -c 'cd "$1" && mount -t overlay o mnt -o lowerdir=low,upperdir=up,workdir=work && ls mnt' - "$T/o"
	[ "$status" -eq 0 ] && [ -z "$output" ] || vacuous 0:0
}

@test "row 41: bombs among layers: each limit stops all of them; the archive's own members are limited" {
	layout "image(layer(file('a', b'x' * 3000000)), layer(file('b', bytes(200000000))), name='t')"
	run import_layout
	[ "$status" -eq 1 ]
	[[ $output == *'limit maxRatio exceeded'* ]]
	nothing_stored
	run import_layout maxBytes=2000000
	[[ $output == *'limit maxBytes exceeded'* ]]
	nothing_stored
	layout "image(*[layer(file('f%d' % i)) for i in range(129)], name='t')"
	run import_layout
	[ "$status" -eq 1 ]
	nothing_stored
	layout "image(*[layer(file('f%d' % i)) for i in range(128)], name='t')"
	import_layout
	python3 - "$T/a.tar" <<-'EOF'
		import sys, tarfile
		import io
		t = tarfile.open(sys.argv[1], "w")
		index = tarfile.TarInfo("index.json")
		index.size = 19
		t.addfile(index, io.BytesIO(b'{"schemaVersion":2}'))
		for i in range(70000):
		    t.addfile(tarfile.TarInfo("f%d" % i))
		t.close()
	EOF
	setup
	refused 'more than 65536 members' <"$T/a.tar"
	# A document that is too long to be read.
	layout "image(layer(file('f')), name='t')"
	head -c 5000000 /dev/zero >"$T/oci/index.json"
	run import_layout
	[[ $output == *'document of'*'at most'* ]]
	nothing_stored
	# A device, a FIFO, a link in the place of a document: not opened, not followed.
	layout "image(layer(file('f')), name='t')"
	rm "$T/oci/index.json"
	mkfifo "$T/oci/index.json"
	run import_layout
	[ "$status" -eq 1 ]
	rm "$T/oci/index.json"
	ln -s "$CANARY/secret" "$T/oci/index.json"
	run import_layout
	[ "$status" -eq 1 ]
	[[ $output != *secret* ]]
	nothing_stored
}

@test "a layer that an import counted on, and gc took away meanwhile, is unpacked after all" {
	layout "image(layer(file('a', b'a')), name='t')"
	import_layout
	# An importer that waits for a word before it begins.
	rm -f "$T/go" "$T/waits"
	mkfifo "$T/go"
	printf '#!/bin/sh\n: >%s\nread -r word <%s\nexec %s\n' "$T/waits" "$T/go" "$JAIL_BUILD/jail-unpack" >"$T/patient"
	chmod +x "$T/patient"
	layout "image(layer(file('a', b'a')), layer(file('b', b'b')), name='t')"
	"$DRIVER" "$STATE" import "$T/patient" two <"$T/oci" >"$T/out" 2>&1 3>&- &
	local pid=$!
	exec 9<>"$T/go"
	wait_until 30 test -e "$T/waits"
	driver rm t
	run -0 driver gc
	[ "${lines[0]}" = removed=1 ]
	# One word for the layer that is new, one for that which has gone.
	printf 'go\ngo\n' >&9
	wait $pid || { cat "$T/out"; return 1; }
	exec 9>&-
	driver get two >"$T/image"
	local layer
	[ "$(for layer in $(jq -r '.layers[]' "$T/image"); do cat "$STATE/layers/${layer#sha256:}"/fs/*; done)" = ab ]
	nothing_left
}

@test "one importer of several that is killed ends all of them" {
	layout "image(*[layer(file('f%d' % i, os.urandom(1000) * 100)) for i in range(3)], name='t')"
	local first
	first=$(jq -r '.manifests[0].digest' "$T/oci/index.json")
	first=$(jq -r '.layers[0].digest' "$T/oci/blobs/sha256/${first#sha256:}")
	run import_layout
	[ "$status" -eq 0 ]
	setup
	# An importer that dies at once, in the place of jail-unpack.
	cat >"$T/dies" <<-'EOF'
		#!/bin/sh
		kill -9 $$
	EOF
	chmod +x "$T/dies"
	run driver import "$T/dies" t <"$T/oci"
	[ "$status" -eq 1 ]
	[[ $output == *'killed by signal 9'* ]]
	nothing_stored
	# One layer of several is damaged: the others are not stored either.
	printf X | dd of="$T/oci/blobs/sha256/${first#sha256:}" bs=1 seek=100 conv=notrunc status=none
	run import_layout
	[ "$status" -eq 1 ]
	[[ $output == *'layer'* ]]
	nothing_stored
}

@test "row 51: killed at any moment, with several layers: each is whole or not there, the image too, and it can be repeated" {
	local i pid layer rounds=${JAIL_KILL_ROUNDS:-60} had=0 hadnt=0
	layout "image(*[layer(*[file('l%d/f%d' % (i, k), os.urandom(2000) * 5) for k in range(150)]) for i in range(6)], name='t')"
	tar -C "$T/oci" -cf "$T/a.tar" .
	for i in $(seq "$rounds"); do
		"$DRIVER" "$STATE" import "$JAIL_BUILD/jail-unpack" t <"$T/a.tar" >/dev/null 2>&1 3>&- &
		pid=$!
		sleep "0.$(printf '%03d' $((RANDOM % 250)))"
		kill -KILL $pid 2>/dev/null || :
		wait $pid 2>/dev/null || :
		for layer in "$STATE"/layers/*/; do
			[ -d "$layer" ] || continue
			[ "$(find "$layer/fs" -type f -size 10000c | wc -l)" = 150 ]
			[ "$(jq .members "$layer/layer.json")" = 150 ]
		done
		if driver get t >"$T/image" 2>/dev/null; then
			had=$((had + 1))
			for layer in $(jq -r '.layers[]' "$T/image"); do [ -d "$STATE/layers/${layer#sha256:}" ]; done
			layer=$(jq -r .config "$T/image")
			[ "sha256:$(sha256sum <"$STATE/configs/${layer#sha256:}.json" | cut -d' ' -f1)" = "$layer" ]
			driver rm t
		else
			hadnt=$((hadnt + 1))
		fi
		[ $((i % 4)) -ne 0 ] || driver gc >/dev/null
	done
	echo "whole: $had, not there: $hadnt"
	wait_until 30 nothing_left_after_gc
	nothing_stored
	[ -z "$(ls "$STATE/configs")" ]
	run -0 import <"$T/a.tar"
	[ "${lines[0]}" = known=0 ]
}
