# SPDX-License-Identifier: GPL-2.0-or-later
# Specs: printing one to start from, flags, files, and errors with their position.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

spec() {
	cat >"$BATS_TEST_TMPDIR/spec.json"
}

@test "spec prints a spec that --validate accepts and create takes" {
	jail spec web --image "$IMAGE" -- sleep 1000 >"$BATS_TEST_TMPDIR/spec.json"
	run -0 jail spec --validate "$BATS_TEST_TMPDIR/spec.json"
	[ -z "$output" ]
	jail create --file "$BATS_TEST_TMPDIR/spec.json"
	[ "$(status_of web)" = created ]
}

@test "spec --defaults fills in what a spec leaves out" {
	run -0 jail spec --defaults web --image "$IMAGE" true
	[ "$(jq -r .stop.signal <<<"$output")" = SIGTERM ]
	[ "$(jq -r .stop.timeout <<<"$output")" = 10s ]
	[ "$(jq -r .security.seccomp <<<"$output")" = default ]
	[ "$(jq -r .hostname <<<"$output")" = web ]
}

@test "every flag lands in the spec" {
	run -0 jail spec web --image alpine:3 --hostname h.example --memory 512MiB --cpus 1.5 --cpu-weight 200 \
		--pids 99 --port 8080:80 --port 192.0.2.1:53:53/udp --address 10.88.0.9 --dns 10.0.0.1 \
		--mount /srv:/data:ro --mount tmpfs:/scratch:size=1MiB --env A=1 --env B=2 --user www-data --workdir /var \
		--tty --interactive --label team=x --restart on-failure:3 --stop-signal INT --stop-timeout 3s \
		--read-only --userns host --rlimit nofile=64:128 --device /dev/fuse -- /bin/prog -x
	local s=$output
	at() { [ "$(jq -c "$1" <<<"$s")" = "$2" ] || { echo "$1: $(jq -c "$1" <<<"$s"), expected $2"; return 1; }; }
	at .name '"web"'
	at .image '"alpine:3"'
	at .hostname '"h.example"'
	at .resources.memory.max '"512MiB"'
	at .resources.cpu.max '"1.5"'
	at .resources.cpu.weight 200
	at .resources.pids.max 99
	at '.network.ports | length' 2
	at '.network.ports[0]' '"8080:80/tcp"'
	at '.network.ports[1]' '"192.0.2.1:53:53/udp"'
	at '.network.dns[0]' '"10.0.0.1"'
	at '.mounts | length' 2
	at '.mounts[0].destination' '"/data"'
	at .process.env.A '"1"'
	at .process.env.B '"2"'
	at .process.user '"www-data"'
	at .process.cwd '"/var"'
	at .process.terminal true
	at .process.args '["/bin/prog","-x"]'
	at .labels.team '"x"'
	at .restart.policy '"on-failure"'
	at .restart.maxRetries 3
	at .stop.signal '"SIGINT"'
	at .stop.timeout '"3s"'
	at .security.readonlyRoot true
	at .security.userNamespace '"host"'
	at '.security.devices | length' 1
}

@test "flags of several networks, rates and rules land in the spec" {
	run -0 jail spec web --image "$IMAGE" --address 10.88.0.9 --ingress 100Mbit --network front --address fd12::7/64 \
		--network back --address 10.89.1.7/24 --egress 1.5gbit --port '[2001:db8::1]:8000-8010:80-90/sctp' \
		--port 127.0.0.1:81:80 --allow 'in tcp 80,443' --allow 'out to host' --deny 'out udp' --dns 2620:fe::fe -- true
	[ "$(jq -c .network <<<"$output")" = "$(jq -c . <<-'END'
		{ "interfaces": [ { "network": "front", "address": ["10.88.0.9", "fd12::7/64"], "ingress": "100Mbit" },
		    { "network": "back", "address": ["10.89.1.7/24"], "egress": "1.5Gbit" } ],
		  "dns": ["2620:fe::fe"], "ports": ["[2001:db8::1]:8000-8010:80-90/sctp", "127.0.0.1:81:80/tcp"],
		  "allow": ["in tcp 80,443", "out to host"], "deny": ["out udp"] }
	END
	)" ]
	run -0 jail spec web --image "$IMAGE" --tenant acme --network routed --network front -- true
	[ "$(jq -r .tenant <<<"$output")" = acme ]
	[ "$(jq -c .network <<<"$output")" = '{"mode":"routed","bridge":"front"}' ]
	run -0 jail spec web --image "$IMAGE" --network path:/run/netns/blue -- true
	[ "$(jq -c .network <<<"$output")" = '{"mode":"path","path":"/run/netns/blue"}' ]
	run -0 jail spec web --image "$IMAGE" --network instance:db -- true
	[ "$(jq -c .network <<<"$output")" = '{"mode":"instance","instance":"db"}' ]
	run jail spec --defaults web --image "$IMAGE" --network host --allow in -- true
	assert_error 1 'network.allow: only with network.mode'
	run jail spec --defaults web --image "$IMAGE" --network macvlan --network lan --cap-add net_raw -- true
	assert_error 1 'CAP_NET_RAW is not for network.mode "macvlan"'
}

@test "flags override the file, lists grow, the command is replaced" {
	spec <<-'END'
		{ "name": "web", "image": "old:1", "process": { "args": ["/old", "-a"], "env": { "A": "file", "B": "file" } },
		  "resources": { "memory": { "max": "1GiB" } }, "network": { "ports": ["8080:80"] } }
	END
	run -0 jail spec --file "$BATS_TEST_TMPDIR/spec.json" --image new:2 --memory 2GiB --env A=flag --port 9090:90 \
		-- /new
	[ "$(jq -r .image <<<"$output")" = new:2 ]
	[ "$(jq -r .name <<<"$output")" = web ]
	[ "$(jq -r .resources.memory.max <<<"$output")" = 2GiB ]
	[ "$(jq -c .process.args <<<"$output")" = '["/new"]' ]
	[ "$(jq -r .process.env.A <<<"$output")" = flag ]
	[ "$(jq -r .process.env.B <<<"$output")" = file ]
	[ "$(jq '.network.ports | length' <<<"$output")" = 2 ]
}

@test "a spec may come from stdin" {
	run -0 jail create --file - <<<'{"name": "piped", "image": "busybox", "process": {"args": ["true"]}}'
	[ "$(status_of piped)" = created ]
}

@test "what spec prints reads back to the same" {
	jail spec --defaults web --image "$IMAGE" --port 8080:80 --mount tmpfs:/x --cap-add net_raw -- sh -c 'echo "ä\n"' \
		>"$BATS_TEST_TMPDIR/a.json"
	jail spec --defaults --file "$BATS_TEST_TMPDIR/a.json" >"$BATS_TEST_TMPDIR/b.json"
	diff "$BATS_TEST_TMPDIR/a.json" "$BATS_TEST_TMPDIR/b.json"
}

@test "errors have file, line, column and path" {
	printf '{\n  "name": "web",\n  "image": "x",\n  "resources": { "memory": { "max": "51MB" } }\n}\n' | spec
	run jail spec --validate "$BATS_TEST_TMPDIR/spec.json"
	assert_error 1 'spec.json:4:'
	assert_output 'resources.memory.max'
	assert_output '51MB'
}

@test "an unknown key suggests the nearest" {
	echo '{ "name": "web", "imaeg": "x" }' | spec
	run jail spec --validate "$BATS_TEST_TMPDIR/spec.json"
	assert_error 1 'imaeg'
	assert_output '"image"'
}

@test "fields of later times are refused, not ignored" {
	echo '{ "name": "web", "image": "x", "health": {"command": ["true"]} }' | spec
	run jail spec --validate "$BATS_TEST_TMPDIR/spec.json"
	assert_error 1 'not supported yet'
	run jail create --file "$BATS_TEST_TMPDIR/spec.json"
	assert_error 1 'not supported yet'
}

@test "several files are judged, each error is reported" {
	echo '{ "name": "web", "image": "x" }' >"$BATS_TEST_TMPDIR/good.json"
	echo '{ "name": "UP", "image": "x" }' >"$BATS_TEST_TMPDIR/bad1.json"
	echo 'nonsense' >"$BATS_TEST_TMPDIR/bad2.json"
	cd "$BATS_TEST_TMPDIR"
	run jail spec --validate good.json --validate bad1.json --validate bad2.json
	assert_error 1 'bad1.json'
	assert_output 'bad2.json:1:'
	refute_output 'good.json'
}

@test "bad values of flags name the flag" {
	local pair
	for pair in '--memory 51MB' '--cpus 0' '--cpu-weight 20000' '--pids 0' '--port 80' '--port 99999:80' '--port 1-2:3' \
		'--address 300.1.1.1' '--dns nowhere' '--mount relative:/x' '--env novalue' '--restart sometimes' \
		'--stop-signal SIGNOPE' '--stop-timeout soon' '--cap-add nothing' '--network me/sh' '--network path:x' '--ingress fast' '--egress 100MB' '--allow both' '--tenant ACME' '--deny in,out' '--userns mine' \
		'--rlimit nofile' '--rlimit nope=1' '--image UPPER:x' '--label nolabel'; do
		# shellcheck disable=SC2086 # two words
		run jail create web --image "$IMAGE" $pair -- true
		assert_error 1 "${pair%% *}"
		run jail inspect web
		assert_error 1 web
	done
}

@test "neither image nor rootfs, and both, are errors" {
	run jail create web -- true
	assert_error 1 image
	echo '{ "name": "web", "image": "x", "rootfs": "/srv" }' | spec
	run jail spec --validate "$BATS_TEST_TMPDIR/spec.json"
	assert_error 1 rootfs
}

@test "an image that is not there is an error with a hint" {
	run jail create web --image nothere:1 -- true
	assert_error 1 'nothere:1'
	run jail inspect web
	assert_error 1 web
}

@test "a file that is not there, a directory, a huge file" {
	run jail create --file "$BATS_TEST_TMPDIR/none.json"
	assert_error 1 'none.json'
	run jail create --file "$BATS_TEST_TMPDIR"
	assert_error 1 "$BATS_TEST_TMPDIR"
	truncate -s 64M "$BATS_TEST_TMPDIR/huge.json"
	run jail create --file "$BATS_TEST_TMPDIR/huge.json"
	assert_error 1 'huge.json'
}

@test "options add to the lists of the file; a known key of --env and --label gets the new value" {
	local f=$BATS_TEST_TMPDIR/a.json
	jail spec web --port 8080:80 --mount /srv:/srv --env A=1 --env B=2 --label x=1 --device /dev/fuse >"$f"
	run -0 jail spec --file "$f" --port 81:80 --mount /opt:/opt --env A=9 --label x=9 --label z=3 --device /dev/null
	[ "$(jq -c '[.process.env, .labels, (.network.ports, .mounts, .security.devices | length)]' <<<"$output")" = \
		'[{"A":"9","B":"2"},{"x":"9","z":"3"},2,2,2]' ]
	run jail spec --defaults --file "$f" --port 8080:81
	assert_error 1 'published twice'
	run jail spec --defaults --file "$f" --mount /opt:/srv
	assert_error 1 'is taken'
}
