# SPDX-License-Identifier: GPL-2.0-or-later
# The file of an export as a stranger made it, or as a bad disk did, and imports and exports that are killed
# (docs/security.md, rows 33 to 43, 51).

load ../lib/common

setup_file() {
	jail_setup_file
	jail_config "$JAIL_TEST_DIR/far.json" "$JAIL_TEST_DIR/far" "$JAIL_TEST_DIR/far-run" \
		<<<'"ids": {"first": 1879048192, "ranges": 64}'
	jail create web --image "$IMAGE" --network none true
	"$TOP/tests/helpers/richtree.py" "$JAIL_TEST_DIR/state/instances/web/upper" "$(field web .ids.first)"
	jail snapshot create web first
	jail export web --quiet -o "$JAIL_TEST_DIR/good"
	# The other host has the layers, but in one test.
	far image import --quiet --name "$IMAGE" "$JAIL_TEST_DIR/busybox.tar"
	# So that the directories are there that a first instance makes.
	far create --image "$IMAGE" --network none warm true
	far rm warm
	mkdir "$JAIL_TEST_DIR/canary"
	echo secret >"$JAIL_TEST_DIR/canary/secret"
	find "$JAIL_TEST_DIR/canary" -printf '%p %m %U %n %T@\n' >"$JAIL_TEST_DIR/canary-before"
}
teardown_file() { jail_teardown_file; }
teardown() {
	far rm --all --force
	far gc >/dev/null
	[ -z "$(ls "$JAIL_TEST_DIR/far/trash" "$JAIL_TEST_DIR/far/staging")" ]
	find "$JAIL_TEST_DIR/canary" -printf '%p %m %U %n %T@\n' | diff "$JAIL_TEST_DIR/canary-before" -
}

far() { jail --config "$JAIL_TEST_DIR/${FAR:-far}.json" "$@"; }
edit() { "$TOP/tests/helpers/mkexport.py" edit "$JAIL_TEST_DIR/good" "$JAIL_TEST_DIR/bad" "$@"; }
there() { find "$JAIL_TEST_DIR/far" -mindepth 1 -printf '%P %y\n' | sort; }
# refused TEXT: the file `bad` is, for this reason, and nothing of it is left, without a gc.
refused() {
	local before

	before=$(there)
	run far import "$JAIL_TEST_DIR/bad"
	assert_error 1 "$1"
	diff <(echo "$before") <(there)
}
# upper MEMBERS...: an upper directory of these tar members, in Python.
upper() {
	edit "parts['upper'] = entry(b'./', b'5', mode=0o755) + ($1) + bytes(1024)
${2:-}" "$JAIL_TEST_DIR/canary"
}
# And nothing else.
ALONE="doc['snapshots'] = []; doc['head'] = None; del parts['snapshots/0']"

@test "the control: what mkexport.py puts together unchanged is taken" {
	edit ''
	run -0 far import "$JAIL_TEST_DIR/bad"
	[ "$output" = "web, 1 snapshot" ]
	upper "entry(b'a', data=b'1')"
	far import --quiet --name web2 "$JAIL_TEST_DIR/bad"
	[ "$(cat "$JAIL_TEST_DIR/far/instances/web2/upper/a")" = 1 ]
}

# ---- the documents

@test "documents that say what can't be" {
	edit "doc['version'] = 2"
	refused 'jail-export.json:1:'
	assert_output 'this version of jail knows version 1 only'
	edit "doc['format'] = 'other'"
	refused 'must be "jail-export"'
	edit "doc['more'] = 1"
	refused 'must have 11 members'
	edit "doc['id'] = '../../x'"
	refused "id: is not an instance's id"
	edit "doc['layers'][0]['digest'] = 'sha256:../../../etc/passwd'"
	refused 'layers[0].digest: is not a digest'
	edit "doc['layers'] = doc['layers'] * 129"
	refused 'has 129 elements; at most 128'
	edit "doc['snapshots'] = doc['snapshots'] * 1025"
	refused 'has 1025 elements; at most 1024'
	edit "doc['snapshots'] = doc['snapshots'] * 2"
	refused 'snapshots[1].name: comes twice'
	edit "doc['snapshots'][0]['parent'] = 0"
	refused '"parent" must be null'
	edit "doc['snapshots'][0]['name'] = '../x'"
	refused 'is not the name of a snapshot'
	edit "doc['head'] = 1"
	refused 'must be a number from 0 to 0'
	edit "doc['head'] = -1"
	refused 'head: must be a number'
	edit "doc['snapshots'] = [dict(doc['snapshots'][0], name='', parent=i - 1 if i else None) for i in range(200)]; doc['head'] = 199"
	refused 'stands on 201 layers and snapshots; at most 128'
	edit "doc['idCount'] = 4294967295"
	refused 'idCount: must be a number from 0 to 65536'
	edit "doc['idCount'] = 0"
	refused "security.userNamespace doesn't fit"
	edit "doc = b'[' * 100000"
	refused 'jail-export.json'
	edit "doc = b' ' * (2 << 20)"
	refused 'at most 1048576 are possible'
	edit "spec['name'] = '../x'"
	refused 'spec.json:1:'
	edit "spec['mounts'] = [{'type': 'bind', 'source': '/', 'destination': '/host'}]"
	refused 'its spec reaches the host: mounts[0].source: bind /'
	edit "spec['hooks'] = {'prestart': [{'path': '/bin/sh'}]}; spec['security']['devices'] = ['/dev/sda']"
	refused 'security.devices[0]: /dev/sda; hooks.prestart[0].path: /bin/sh'
	edit "del spec['image']; spec['rootfs'] = '/srv'"
	refused "it is of an instance that can't be exported"
	edit "image['rootfs']['diff_ids'] = ['sha256:' + 'a' * 64]"
	refused 'image.json: it is of other layers'
}

# ---- the members

@test "members that are not what they should be, where they should be" {
	edit "parts = dict(reversed(parts.items()))"
	refused 'damaged: upper/000000 is where layers/'
	edit "del parts['upper']"
	refused 'damaged: sums.json is where upper/000000 should be'
	edit "parts['snapshots/1'] = b''"
	refused 'damaged: snapshots/1/000000 is where'
	edit "members = [('../../x', b'')]"
	refused 'this is no file of `jail export`'
	edit "members = [('jail-export.json', json.dumps(doc).encode()), ('spec.json', json.dumps(spec).encode())]"
	refused 'damaged: image.json is missing'
	edit "tail = b'x'"
	refused 'damaged: something follows its end'
	edit "sums = []"
	refused 'sums.json'
	# Whatever the header of a member says that `jail export` doesn't.
	python3 - "$JAIL_TEST_DIR/good" "$JAIL_TEST_DIR/bad" <<-'END'
		import sys
		data = bytearray(open(sys.argv[1], "rb").read())
		at = data.index(b"spec.json\0")
		data[at + 156:at + 157] = b"2" # a link,
		data[at + 157:at + 168] = b"/etc/passwd" # to there
		data[at + 148:at + 156] = b" " * 8
		data[at + 148:at + 155] = b"%06o\0" % sum(data[at:at + 512])
		open(sys.argv[2], "wb").write(data)
	END
	refused 'damaged: a header is none that `jail export` writes'
	# Sizes beyond belief.
	python3 - "$JAIL_TEST_DIR/good" "$JAIL_TEST_DIR/bad" <<-'END'
		import sys
		data = bytearray(open(sys.argv[1], "rb").read())
		at = data.index(b"upper/000000\0")
		data[at + 124:at + 136] = b"77777777777\0"
		data[at + 148:at + 156] = b" " * 8
		data[at + 148:at + 155] = b"%06o\0" % sum(data[at:at + 512])
		open(sys.argv[2], "wb").write(data)
	END
	refused 'damaged: a header is none that `jail export` writes'
}

@test "a byte that is another, or the end too early, anywhere: refused, and nothing is left" {
	"$TOP/tests/helpers/mkexport.py" offsets "$JAIL_TEST_DIR/good" >"$BATS_TEST_TMPDIR/offsets"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/offsets")" -ge 7 ]
	while read -r name start end; do
		for at in "$start" $(((start + end) / 2)) $((end - 1)) $((start - 400)); do
			python3 - "$JAIL_TEST_DIR/good" "$JAIL_TEST_DIR/bad" "$at" <<-'END'
				import sys
				data = bytearray(open(sys.argv[1], "rb").read())
				data[int(sys.argv[3])] ^= 1
				open(sys.argv[2], "wb").write(data)
			END
			echo "$name at $at"
			refused ''
		done
		head -c $(((start + end) / 2)) "$JAIL_TEST_DIR/good" >"$JAIL_TEST_DIR/bad"
		refused 'it is cut short'
		head -c $((start - 512)) "$JAIL_TEST_DIR/good" >"$JAIL_TEST_DIR/bad"
		refused ''
	done <"$BATS_TEST_TMPDIR/offsets"
	for cut in 1 512 513 1024; do
		head -c -$cut "$JAIL_TEST_DIR/good" >"$JAIL_TEST_DIR/bad"
		refused ''
	done
	: >"$JAIL_TEST_DIR/bad"
	refused 'this is no file of `jail export`'
}

# ---- layers

@test "a layer that is another one never gets into the store" {
	far image rm "$IMAGE"
	far gc >/dev/null
	edit "name = list(parts)[0]; parts[name] = entry(b'./', b'5', mode=0o755) + entry(b'evil', data=b'1') + bytes(1024)"
	refused 'holds a layer of digest sha256:'
	[ -z "$(far image list --layers)" ]
	# Its digest is in the document; that the file has none of it is found before anything is unpacked.
	edit "doc['layers'][0]['digest'] = 'sha256:' + 'a' * 64; image = None; doc['imageConfig'] = False; doc['layers'][0]['included'] = False"
	refused "1 layer is neither here nor in the file: sha256:$(printf 'a%.0s' {1..64})"
	# One that is right stays in no store when what follows it is wrong.
	edit "del parts['upper']"
	refused 'damaged: sums.json is where'
	[ -z "$(far image list --layers)" ]
	far image import --quiet --name "$IMAGE" "$JAIL_TEST_DIR/busybox.tar"
}

@test "with the layer here, what the file has in its place is not used" {
	edit "name = list(parts)[0]; parts[name] = b'nothing that could be a tar'"
	far import --quiet "$JAIL_TEST_DIR/bad"
	far image verify "$IMAGE"
}

# ---- its own files

@test "paths that lead out, and links through which they would" {
	for name in ../evil /evil a/../../evil ../../../../../../../../../../../../tmp/evil; do
		upper "entry(b'$name', data=b'1')"
		refused 'member'
	done
	upper "entry(b'd', b'2', link=ARGS[0].encode()) + entry(b'd/secret', data=b'gone')"
	refused 'its parent d is a symbolic link'
	upper "entry(b'h', b'1', link=ARGS[0].encode() + b'/secret')"
	refused 'target of the hard link'
	upper "entry(b'h', b'1', link=b'../../../../canary/secret')"
	refused 'target of the hard link'
	upper "entry(b'd', b'2', link=ARGS[0].encode()) + entry(b'h', b'1', link=b'd/secret')"
	refused 'the target of the hard link is not in the archive before it'
	upper "entry(b'd', b'5') + entry(b'h', b'1', link=b'd')"
	refused 'the target of the hard link is not a regular file'
	upper "entry(b'a/b', data=b'1')"
	refused 'its parent a is not in the archive before it'
	upper "entry(b'.', b'2', link=b'/')"
	refused 'member'
	# A hard link to a symbolic link is the link, not what it points to.
	upper "entry(b'd', b'2', link=ARGS[0].encode() + b'/secret') + entry(b'h', b'1', link=b'd')"
	far import --quiet "$JAIL_TEST_DIR/bad"
	[ "$(readlink "$JAIL_TEST_DIR/far/instances/web/upper/h")" = "$JAIL_TEST_DIR/canary/secret" ]
}

@test "owners, capabilities and ACLs are those of the instance's range, or none" {
	upper "entry(b'a', uid=65536)"
	refused 'its owner 65536:0 is none that an instance has (0 to 65535)'
	upper "entry(b'a', gid=65537)"
	refused 'is none that an instance has'
	upper "pax((b'uid', b'1879048192')) + entry(b'a')"
	refused 'its owner 1879048192:0 is none that an instance has'
	# A capability that counts for somebody else's root, and an ACL for somebody else.
	upper "pax((b'SCHILY.xattr.security.capability', bytes.fromhex('010000030004000000000000000000000000000000000050'))) + entry(b'a') +
	pax((b'SCHILY.xattr.system.posix_acl_access', bytes.fromhex('0200000001000600ffffffff020007000000005004000400ffffffff10000700ffffffff20000400ffffffff'))) + entry(b'b') +
	pax((b'SCHILY.xattr.trusted.overlay.redirect', b'/etc')) + entry(b'r', b'5') +
	pax((b'SCHILY.xattr.trusted.overlay.metacopy', b'')) + entry(b'm') +
	pax((b'SCHILY.xattr.security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))) + entry(b'c')"
	far import --quiet "$JAIL_TEST_DIR/bad"
	cd "$JAIL_TEST_DIR/far/instances/web/upper"
	run -0 getfattr -d -m - -e hex a b r m
	[ -z "$output" ]
	[ "$(stat -c %u a)" -ge 1879048192 ]
	# One for the instance's own root becomes the one of here.
	[ "$(getfattr -n security.capability --only-values c | od -An -tu4 -j 20)" -eq "$(stat -c %u a)" ]
}

@test "bombs end at the limits" {
	jail_config "$JAIL_TEST_DIR/small.json" "$JAIL_TEST_DIR/far" "$JAIL_TEST_DIR/far-run" \
		<<<'"ids": {"first": 1879048192, "ranges": 64}, "import": {"maxBytes": "16MiB", "maxMembers": 1000}'
	FAR=small
	upper "pax((b'GNU.sparse.major', b'1'), (b'GNU.sparse.minor', b'0'), (b'GNU.sparse.name', b'a'), (b'GNU.sparse.realsize', b'4611686018427387904')) + entry(b'a', data=b'0\n' + bytes(510))" "$ALONE"
	refused 'limit maxBytes exceeded'
	upper "b''.join(entry(b'f%d' % i) for i in range(2000))" "$ALONE"
	refused 'limit maxMembers exceeded'
	upper "entry(b'a', data=bytes(17 << 20))" "$ALONE"
	refused 'maxBytes exceeded'
	upper "b''.join(entry(b'd/' * i + b'd/', b'5') for i in range(45)) + pax((b'path', b'd/' * 600)) + entry(b'x', b'5')" "$ALONE"
	refused 'limit maxDepth exceeded'
}

# ---- killed

@test "an import that is killed anywhere leaves nothing that gc doesn't remove, and can be done again" {
	local size at pid
	size=$(stat -c %s "$JAIL_TEST_DIR/good")
	far gc >/dev/null
	there >"$BATS_TEST_TMPDIR/before"
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	for i in $(seq "${JAIL_CRASHES:-40}"); do
		at=$(((RANDOM * 32768 + RANDOM) % size))
		# It gets so much, waits for more, and is killed.
		"$JAIL_BUILD/jail" --config "$JAIL_TEST_DIR/far.json" import --name "new$i" - \
			<"$BATS_TEST_TMPDIR/pipe" 2>/dev/null 3>&- &
		pid=$!
		exec 7>"$BATS_TEST_TMPDIR/pipe"
		head -c $at "$JAIL_TEST_DIR/good" >&7
		kill -KILL "$pid"
		exec 7>&-
		status=0
		wait "$pid" || status=$?
		[ "$status" -eq 137 ]
		[ -z "$(far ps --quiet)" ]
	done
	far gc >/dev/null
	there | diff "$BATS_TEST_TMPDIR/before" -
	far import --quiet "$JAIL_TEST_DIR/good"
	"$TOP/tests/helpers/treecmp.py" --inside "$JAIL_TEST_DIR"/state/instances/web/snapshots/*/fs "$JAIL_TEST_DIR"/far/instances/web/snapshots/*/fs
}

@test "an export that is killed anywhere leaves the instance as it was" {
	local pid size
	jail create run --image "$IMAGE" --network none sh -c 'while :; do sleep 1000; done'
	"$TOP/tests/helpers/richtree.py" "$JAIL_TEST_DIR/state/instances/run/upper" "$(field run .ids.first)"
	jail start run
	mkfifo "$BATS_TEST_TMPDIR/out"
	size=$(stat -c %s "$JAIL_TEST_DIR/good")
	for i in $(seq 10); do
		"$JAIL_BUILD/jail" export run -o "$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&- &
		pid=$!
		exec 7<"$BATS_TEST_TMPDIR/out"
		head -c $((RANDOM * 32 % size + 1)) <&7 >/dev/null
		kill -KILL "$pid"
		exec 7<&-
		wait "$pid" 2>/dev/null || :
		[ "$(status_of run)" = running ]
	done
	jail gc >/dev/null
	[ -z "$(find "$JAIL_TEST_DIR/state/instances/run/snapshots" -mindepth 1)" ]
	# A file appears when it is whole.
	jail export run --quiet -o "$JAIL_TEST_DIR/again"
	far import --quiet --name again "$JAIL_TEST_DIR/again"
	jail rm --force run
}
