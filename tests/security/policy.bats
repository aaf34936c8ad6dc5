# SPDX-License-Identifier: GPL-2.0-or-later
# What a provider's policy lets through, and what not (docs/policy.md): each with the same spec, once without a policy or with one
# that allows it, so that what is refused is refused for that reason.

load ../lib/common

setup_file() {
	jail_setup_file
	mkdir "$JAIL_TEST_DIR/srv" "$JAIL_TEST_DIR/srv/acme"
	mkdir -m 755 "$JAIL_TEST_DIR/private"
	echo secret >"$JAIL_TEST_DIR/private/file"
}
teardown_file() { jail_teardown_file; }
teardown() {
	rm -f "$JAIL_TEST_DIR"/srv/acme/link
	jail_teardown
}

BASE='{"name": "web", "image": "busybox", "process": {"args": ["true"]}, "network": {"mode": "none"}}'

policy() { printf '%s' "$1" >"$BATS_TEST_TMPDIR/policy.json"; }
# spec MERGE: the smallest spec and this.
spec() { jq -c --argjson more "$1" '. * $more' <<<"$BASE" >"$BATS_TEST_TMPDIR/spec.json"; }
judge() { jail --policy "$BATS_TEST_TMPDIR/policy.json" spec --validate "$BATS_TEST_TMPDIR/spec.json"; }

# refused POLICY-THAT-ALLOWS MERGE ERROR: not under a policy of nothing, but under that one; and well without any.
refused() {
	spec "$2"
	run -0 jail spec --validate "$BATS_TEST_TMPDIR/spec.json"
	policy '{}'
	run judge
	assert_error 1 "$3"
	policy "$1"
	run -0 judge
}
# beyond POLICY MERGE ERROR: not under that policy.
beyond() {
	spec "$2"
	policy "$1"
	run judge
	assert_error 1 "$3"
}

@test "row 89: a policy of nothing: the default instance, and nothing that has power over others" {
	policy '{}'
	spec '{}'
	run -0 judge
	spec '{"network": {"mode": "bridge", "deny": ["out"], "allow": ["in tcp 80"]}, "labels": {"a": "b"}, "autostart": true,
		"resources": {"memory": {"max": "1GiB"}, "cpu": {"weight": 50}}, "security": {"readonlyRoot": true},
		"mounts": [{"type": "tmpfs", "destination": "/scratch"}, {"type": "volume", "source": "data", "destination": "/data"}]}'
	run -0 judge
}

@test "row 21, 89: the host's paths" {
	local bind='"destination": "/data", "options": ["nosuid", "nofollow"]'
	refused '{"hostPaths": ["/srv/acme"]}' "{\"mounts\": [{\"source\": \"/srv/acme/www\", $bind}]}" \
		'mounts[0].source: /srv/acme/www: not in "hostPaths"'
	beyond '{"hostPaths": ["/srv/acme"]}' "{\"mounts\": [{\"source\": \"/srv/acmex\", $bind}]}" 'mounts[0].source: /srv/acmex:'
	beyond '{"hostPaths": ["/srv/acme"]}' "{\"mounts\": [{\"source\": \"/srv\", $bind}]}" 'mounts[0].source: /srv:'
	beyond '{"hostPaths": [{"path": "/srv", "readOnly": true}]}' "{\"mounts\": [{\"source\": \"/srv\", $bind}]}" \
		'mounts[0].options: /srv is allowed to be read only'
	# The longer one decides.
	policy '{"hostPaths": [{"path": "/srv", "readOnly": true}, "/srv/acme"]}'
	spec "{\"mounts\": [{\"source\": \"/srv/acme\", $bind}]}"
	run -0 judge
	beyond '{"hostPaths": ["/srv"]}' '{"mounts": [{"source": "/srv", "destination": "/d", "options": ["nosuid"]}]}' nofollow
	beyond '{"hostPaths": ["/srv"]}' '{"mounts": [{"source": "/srv", "destination": "/d", "options": ["nofollow"]}]}' nosuid
	beyond '{"hostPaths": ["/srv"]}' \
		'{"mounts": [{"source": "/srv", "destination": "/d", "options": ["nosuid", "nofollow", "idmap"]}]}' '"idmap"'
	beyond '{"hostPaths": ["/srv"], "userNamespaces": ["host"]}' '{"security": {"userNamespace": "host"},
		"mounts": [{"source": "/srv", "destination": "/d", "options": ["nosuid", "nofollow", "shared"]}]}' shared
	refused '{"blockDevices": ["/dev/vdb"]}' \
		'{"mounts": [{"type": "block", "source": "/dev/vdb", "destination": "/d", "options": ["fs=ext4"]}]}' \
		'mounts[0].source: /dev/vdb: not in "blockDevices"'
	beyond '{"volumes": false}' '{"mounts": [{"type": "volume", "source": "data", "destination": "/d"}]}' \
		'mounts[0].type: the policy doesn'\''t allow "volumes"'
	spec '{}'
	jq -c 'del(.image) | .rootfs = "/srv/tree"' <<<"$BASE" >"$BATS_TEST_TMPDIR/spec.json"
	policy '{"rootfs": ["/srv"]}'
	run judge
	assert_error 1 'rootfs: /srv/tree: not in "rootfs"'
	policy '{"rootfs": ["/srv/tree"]}'
	run -0 judge
}

@test "row 89: files that root would read for the customer" {
	local field
	policy '{"hostPaths": ["/"]}'
	for field in cloudInit.userData cloudInit.metaData firstBoot.rootPassword; do
		spec "$(jq -nc --arg f "$field" 'setpath($f | split("."); {file: "/etc/shadow"}) |
			. + {mode: "system", process: {args: ["/sbin/init"]}} |
			if .cloudInit then .cloudInit.userData //= "#cloud-config" else . end')"
		run judge
		assert_error 1 "$field: /etc/shadow: under a policy no file of the host is read"
	done
	beyond '{}' '{"systemd": {"credentials": {"key": {"file": "/etc/shadow"}}}}' 'systemd.credentials: /etc/shadow'
	refused '{"seccomp": ["/etc/jail/more.json"]}' '{"security": {"seccomp": "/etc/jail/more.json"}}' \
		'security.seccomp: /etc/jail/more.json: not in "seccomp"'
	refused '{"seccomp": ["unconfined"]}' '{"security": {"seccomp": "unconfined"}}' security.seccomp
}

@test "row 89: rights: ids, capabilities, devices, nesting, hooks" {
	refused '{"userNamespaces": ["auto", "host"]}' '{"security": {"userNamespace": "host"}}' \
		'security.userNamespace: host: not in "userNamespaces"'
	refused '{"capabilities": ["CAP_SYS_ADMIN"]}' '{"security": {"capabilities": ["CAP_SYS_ADMIN", "CAP_CHOWN"]}}' \
		'security.capabilities: CAP_SYS_ADMIN: not in "capabilities"'
	refused '{"nesting": true}' '{"security": {"nesting": true}}' 'security.nesting: the policy doesn'\''t allow "nesting"'
	refused '{"devices": ["/dev/fuse"]}' '{"security": {"devices": ["/dev/fuse"]}}' 'security.devices: /dev/fuse: not in "devices"'
	beyond '{"devices": ["/dev/kvm:r"]}' '{"security": {"devices": ["/dev/kvm"]}}' 'security.devices: /dev/kvm'
	refused '{"hooks": true}' '{"hooks": {"prestart": [{"path": "/bin/true"}]}}' 'hooks: the policy doesn'\''t allow "hooks"'
	refused '{"rlimits": ["rtprio"]}' '{"process": {"rlimits": {"rtprio": 99}}}' 'process.rlimits: rtprio: not in "rlimits"'
	refused '{"oomScoreAdj": -500}' '{"process": {"oomScoreAdj": -500}}' 'process.oomScoreAdj: -500'
	beyond '{"modes": ["app"]}' '{"mode": "system", "process": {"args": ["/sbin/init"]}}' 'mode: system: not in "modes"'
}

@test "row 89: networks and ports" {
	refused '{"networkModes": ["host"]}' '{"network": {"mode": "host"}}' 'network.mode: host: not in "networkModes"'
	refused '{"networkModes": ["path"]}' '{"network": {"mode": "path", "path": "/run/netns/x"}}' network.mode
	refused '{"networkModes": ["macvlan"], "networks": ["*"]}' '{"network": {"mode": "macvlan", "bridge": "lan"}}' network.mode
	beyond '{"networkModes": ["instance"]}' '{"network": {"mode": "instance", "instance": "db"}}' \
		'network.instance: db: not in "instances"'
	refused '{"networkModes": ["instance"], "instances": ["db"]}' '{"network": {"mode": "instance", "instance": "db"}}' network.mode
	refused '{"networks": ["acme-*"]}' '{"network": {"mode": "bridge", "bridge": "acme-front"}}' \
		'network.interfaces.network: acme-front: not in "networks"'
	refused '{"addresses": true}' '{"network": {"mode": "bridge", "address": ["10.88.0.9"]}}' network.interfaces.address
	refused '{"ports": ["8000-8999"]}' '{"network": {"mode": "bridge", "ports": ["8080:80"]}}' \
		'network.ports: 8080:80/tcp: not in "ports"'
	beyond '{"ports": ["8000-8999"]}' '{"network": {"mode": "bridge", "ports": ["8999-9000:80-81"]}}' network.ports
	beyond '{"ports": ["8000-8999/udp"]}' '{"network": {"mode": "bridge", "ports": ["8080:80"]}}' network.ports
	beyond '{"ports": ["192.0.2.1:1-65535"]}' '{"network": {"mode": "bridge", "ports": ["8080:80"]}}' network.ports
	refused '{"ports": ["[2001:db8::1]:80/tcp"]}' '{"network": {"mode": "bridge", "ports": ["[2001:db8::1]:80:80"]}}' network.ports
	# The way to the host's services.
	refused '{"allow": "any"}' '{"network": {"mode": "bridge", "allow": ["out to host"]}}' \
		'network.allow: out to host: not in "allow"'
	beyond '{"allow": "none"}' '{"network": {"mode": "bridge", "allow": ["in tcp 80"]}}' network.allow
	refused '{"instances": ["db"]}' '{"requires": ["db"]}' 'requires: db: not in "instances"'
}

@test "row 89: who: names, tenants, images" {
	refused '{"tenants": ["acme"]}' '{"tenant": "acme"}' 'tenant: acme: not in "tenants"'
	beyond '{"tenants": ["acme"]}' '{"tenant": "other"}' 'tenant: other'
	beyond '{"tenants": ["acme"]}' '{}' 'tenant: none: not in "tenants"'
	beyond '{"names": ["acme-*"]}' '{}' 'name: web: not in "names"'
	beyond '{"images": ["acme/*"]}' '{}' 'image: busybox:latest: not in "images"'
}

@test "row 89: resources: limits that have to be given, and shares" {
	local limit at most within more
	while read -r limit most within more; do
		at="{\"resources\": {\"${limit%.*}\": {\"${limit#*.}\": %s}}}"
		# shellcheck disable=SC2059 # the format is ours
		most=$(printf "$at" "$most") within=$(printf "$at" "$within") more=$(printf "$at" "$more")
		beyond "$most" '{}' "resources.$limit: is not given; the policy wants one of at most"
		beyond "$most" "$more" "resources.$limit: "
		spec "$within"
		run -0 judge
	done <<-END
		cpu.max "2" "1.5" "2.5"
		memory.max "1GiB" "512MiB" "1025MiB"
		memory.swapMax "0" "0" "1MiB"
		pids.max 100 99 101
		disk.size "1GiB" "1GiB" "2GiB"
	END
	beyond '{"resources": {"memory": {"max": "1GiB"}}}' '{"resources": {"memory": {"max": "max"}}}' \
		'resources.memory.max: max: the policy allows at most 1GiB'
	refused '{"resources": {"cpu": {"weight": 500}}}' '{"resources": {"cpu": {"weight": 200}}}' \
		'resources.cpu.weight: 200: the policy allows at most 100'
	refused '{"resources": {"memory": {"low": "1GiB"}}}' '{"resources": {"memory": {"low": "64MiB"}}}' resources.memory.low
	refused '{"resources": {"memory": {"min": "1GiB"}}}' '{"resources": {"memory": {"min": "64MiB"}}}' resources.memory.min
	refused '{"resources": {"io": {"weight": 500}}}' '{"resources": {"io": [{"device": "/dev/vda", "weight": 500}]}}' resources.io
	refused '{"resources": {"unified": true}}' '{"resources": {"unified": {"memory.high": "1"}}}' resources.unified
	beyond '{"resources": {"network": {"egress": "100Mbit"}}}' '{"network": {"mode": "bridge"}}' \
		'network.interfaces.egress: is not given'
	beyond '{"resources": {"network": {"egress": "100Mbit"}}}' '{"network": {"mode": "bridge", "egress": "1Gbit"}}' \
		'network.interfaces.egress: 1Gbit: the policy allows at most 100Mbit'
	beyond '{"resources": {"log": "1MiB"}}' '{}' 'log.maxSize: 30MiB: the policy allows at most 1MiB'
}

@test "row 89: a policy's own mistakes" {
	spec '{}'
	policy '{"hostPath": ["/srv"]}'
	run judge
	assert_error 1 'policy.json:1:2: hostPath: unknown key'
	assert_error 1 'did you mean "hostPaths"?'
	policy '{"ports": ["80:80"]}'
	run judge
	assert_error 1 'ports[0]: "80:80": expected [ADDRESS:]FIRST[-LAST][/tcp|udp|sctp]'
	policy '{"capabilities": ["CAP_SYS_ADMINS"]}'
	run judge
	assert_error 1 'did you mean "CAP_SYS_ADMIN"?'
	policy '{"modes": ["vm"]}'
	run judge
	assert_error 1 'modes[0]: "vm" is not a known value'
	policy '{}'
	chmod 666 "$BATS_TEST_TMPDIR/policy.json"
	run judge
	assert_error 1 'others than root could have written it'
	rm "$BATS_TEST_TMPDIR/policy.json"
	run judge
	assert_error 1 'policy.json: No such file'
}

@test "row 45, 89: where a spec comes in: create, run, set, clone, rebuild" {
	JAIL_CONFIG=$BATS_TEST_TMPDIR/jail.json
	policy '{"names": ["web*"]}'
	jail_config "$JAIL_CONFIG" "$JAIL_TEST_DIR/state" "$JAIL_TEST_DIR/run" \
		<<<"\"policy\": \"$BATS_TEST_TMPDIR/policy.json\""
	run jail create other --image "$IMAGE" --network none -- true
	assert_error 1 "create other: policy $BATS_TEST_TMPDIR/policy.json: name: other: not in \"names\""
	run jail run --rm --name other --image "$IMAGE" --network none true
	assert_error 125 'name: other'
	run -0 jail run --rm --name web1 --image "$IMAGE" --network none true
	jail create web --image "$IMAGE" --network none -- true
	run jail clone web other
	assert_error 1 'name: other'
	run jail set web security.nesting=true
	assert_error 1 'security.nesting'
	[ "$(jail inspect --json web | jq '.[0].spec.security.nesting')" = null ]
	policy '{"images": ["busybox:*"]}'
	jail image tag busybox other:1
	run jail rebuild web --image other:1
	assert_error 1 'image: other:1: not in "images"'
	# Root may all the same, if he says so.
	jail --policy none rebuild web --image other:1
	[ "$(jail inspect --json web | jq -r '.[0].spec.image')" = other:1 ]
	jail rm web
	jail image rm other:1
	# Damaged: nothing comes in.
	policy '{'
	run jail create web --image "$IMAGE" --network none -- true
	assert_error 1 'policy.json:1:'
}

@test "row 21, 89: a link that appears below an allowed path leads nowhere" {
	local srv=$JAIL_TEST_DIR/srv/acme
	mkdir "$srv/www"
	echo page >"$srv/www/index"
	policy "{\"hostPaths\": [\"$srv\"]}"
	jail --policy "$BATS_TEST_TMPDIR/policy.json" create web --image "$IMAGE" --network none \
		--mount "$srv/www:/www:nosuid,nofollow" -- cat /www/index
	jail create naive --image "$IMAGE" --network none --mount "$srv/www:/www:nosuid" -- cat /www/file
	run -0 jail start --attach web
	[ "$output" = page ]
	# The customer's other instance has the directory, and puts a link in its place.
	mv "$srv/www" "$srv/old"
	ln -s "$JAIL_TEST_DIR/private" "$srv/www"
	run jail start --attach web
	assert_error 125 "$srv/www: there is a symbolic link in this path"
	# The twin without the option.
	run -0 jail start --attach naive
	[ "$output" = secret ]
	rm "$srv/www"
	mv "$srv/old" "$srv/www"
	rm -r "$srv/www"
}
