# SPDX-License-Identifier: GPL-2.0-or-later
# The network: addresses, published ports, NAT to the outside, isolation, and every way to be out of something. The
# "outside" is a second network namespace behind a veth, so the sandbox has a route into the world without one.

load ../lib/common

setup_file() {
	jail_setup_file
	# A world of our own: 192.0.2.2 with a route back to nowhere, so only NAT makes answers arrive.
	unshare --net sleep infinity >/dev/null 2>&1 3>&- &
	echo $! >"$JAIL_TEST_DIR/world"
	wait_until 10 world_is_apart
	ip link add outside type veth peer name in0 netns "$(cat "$JAIL_TEST_DIR/world")"
	ip address add 192.0.2.1/24 dev outside
	ip link set outside up
	world ip address add 192.0.2.2/24 dev in0
	world ip link set in0 up
	world ip link set lo up
	ip route add default via 192.0.2.2
	wait_until 10 busybox ping -c 1 -W 1 192.0.2.2
	snapshot >"$JAIL_TEST_DIR/before"
}
teardown_file() {
	local world
	world=$(cat "$JAIL_TEST_DIR/world")
	jail_teardown_file
	kill "$world"
}
teardown() {
	jail_teardown
	if [ -n "${HELPER:-}" ]; then
		kill "$HELPER" 2>/dev/null || :
	fi
}
world() {
	nsenter --net="/proc/$(cat "$JAIL_TEST_DIR/world")/ns/net" "$@"
}
world_is_apart() {
	[ "$(readlink "/proc/$(cat "$JAIL_TEST_DIR/world")/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}
# get NAME ADDRESS PORT: a page, asked for from inside. (The wget of a static busybox fails at name services.)
get() {
	jail exec "$1" sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 3 $2 $3"
}
# An instance that may ping: busybox wants a raw socket.
pinger() {
	sleeper "$@" --cap-add net_raw
}
# A web server of the small image.
web() {
	app "$@" httpd -f -p 80 -h /var/www
	wait_until 10 jail exec "$1" wget -q -O /dev/null http://127.0.0.1/
}
# To see that they never grow.
rules() { nft -j list ruleset | jq '[.nftables[] | select(.rule)] | length'; }

@test "eth0 with an address of the subnet, a default route, lo up, a name for itself" {
	pinger web
	local address
	address=$(address_of web)
	[[ $address == 10.88.* ]]
	run -0 jail exec web ip -4 address show eth0
	assert_output "inet $address/16"
	run -0 jail exec web ip route
	assert_output 'default via 10.88.0.1 dev eth0'
	run -0 jail exec web ping -c 1 -W 30 127.0.0.1
	run -0 jail exec web ping -c 1 -W 30 10.88.0.1
	run -0 jail exec web cat /etc/hosts
	assert_output "$address"
	run -0 busybox ping -c 1 -W 30 "$address"
}

@test "to the outside by NAT" {
	pinger web
	run -0 jail exec web ping -c 1 -W 30 192.0.2.2
	world nc -l -p 7777 >"$BATS_TEST_TMPDIR/got" 3>&- &
	HELPER=$!
	wait_until 10 world sh -c 'ss -ltn | grep -q :7777'
	jail exec web sh -c 'echo through | nc -w 30 192.0.2.2 7777'
	wait_until 10 grep -q through "$BATS_TEST_TMPDIR/got"
}

@test "a published port: from the host by its addresses, and from outside" {
	web web --port 8080:80
	local address
	for address in 192.0.2.1 10.88.0.1; do
		run -0 curl -s -m 30 "http://$address:8080/"
		assert_output 'hello from an instance'
	done
	run -0 world curl -s -m 30 http://192.0.2.1:8080/
	assert_output 'hello from an instance'
	run -0 curl -s -m 30 "http://$(address_of web)/"
	assert_output 'hello from an instance'
	jail stop --timeout 0s web
	run curl -s -m 2 http://192.0.2.1:8080/
	[ "$status" -ne 0 ]
}

@test "a port published on one address is not on another" {
	ip address add 198.51.100.1/32 dev outside
	world ip route add 198.51.100.1 via 192.0.2.1
	web web --port 198.51.100.1:8081:80
	run -0 curl -s -m 30 http://198.51.100.1:8081/
	run -0 world curl -s -m 30 http://198.51.100.1:8081/
	assert_output 'hello from an instance'
	run curl -s -m 2 http://192.0.2.1:8081/
	[ "$status" -ne 0 ]
	run world curl -s -m 2 http://192.0.2.1:8081/
	[ "$status" -ne 0 ]
	ip address del 198.51.100.1/32 dev outside
}

@test "a port published on a loopback address is for the host alone" {
	web web --port 127.0.0.1:8081:80
	run -0 curl -s -m 5 http://127.0.0.1:8081/
	assert_output 'hello from an instance'
	run curl -s -m 2 http://192.0.2.1:8081/
	[ "$status" -ne 0 ]
	run world curl -s -m 2 http://192.0.2.1:8081/
	[ "$status" -ne 0 ]
}

@test "ports that are taken are found before the start, with the holder's name" {
	web web --port 8100-8109:80-89
	jail create other --image "$IMAGE" --port 8105:80 true
	run jail start other
	assert_error 1 'port 8105/tcp is already published by instance web'
	run jail run --rm --image "$IMAGE" --port '[::]:8109-8110:1-2' true
	assert_error 125 'port [::]:8109-8110/tcp is already published by instance web'
}

@test "ports, a rate and rules change while it runs; an empty value takes away" {
	web web --port 8110:80
	run -0 jail set web network.ports=8111:80,8112-8113:80-81 network.egress=100Mbit 'network.deny=out tcp 25,465'
	run -0 curl -s -m 5 http://192.0.2.1:8112/
	assert_output 'hello from an instance'
	run curl -s -m 2 http://192.0.2.1:8110/
	[ "$status" -ne 0 ]
	[ "$(jail inspect --json web | jq -c '.[0].spec.network | [.ports, .egress, .deny]')" = \
		'[["8111:80/tcp","8112-8113:80-81/tcp"],"100Mbit",["out tcp 25,465"]]' ]
	run -0 jail run --rm --image "$IMAGE" --port 8110:80 true # free again
	run -0 jail set web network.ports= network.egress= network.deny=
	[ "$(jail inspect --json web | jq -c '.[0].spec.network // {}')" = '{}' ]
	run curl -s -m 2 http://192.0.2.1:8112/
	[ "$status" -ne 0 ]
}

@test "an instance reaches a published port of another, and its own, by the host's address" {
	web web --port 8082:80
	sleeper client
	run -0 get client 192.0.2.1 8082
	assert_output 'hello from an instance'
	run -0 get web 192.0.2.1 8082
	assert_output 'hello from an instance'
}

@test "instances do not reach each other directly" {
	web web
	pinger client
	run get client "$(address_of web)" 80
	[ "$status" -ne 0 ]
	run jail exec client ping -c 1 -W 1 "$(address_of web)"
	[ "$status" -ne 0 ]
}

@test "nobody speaks with another's address" {
	sleeper evil --cap-add net_admin --cap-add net_raw
	sleeper victim
	local victim
	victim=$(address_of victim)
	jail kill victim
	wait_status victim stopped
	jail exec evil ip address add "$victim/16" dev eth0
	run jail exec evil ping -c 1 -W 1 -I "$victim" 10.88.0.1
	[ "$status" -ne 0 ]
	run -0 jail exec evil ping -c 1 -W 30 10.88.0.1
}

@test "rules never grow, elements come and go" {
	sleeper first --port 9001:80
	local rules elements
	rules=$(rules)
	elements=$(elements)
	sleeper second --port 9002:80 --port 9003:80/udp
	sleeper third --port 9004:80
	[ "$(rules)" = "$rules" ]
	[ "$(elements)" -gt "$elements" ]
	jail rm -f second third
	[ "$(elements)" = "$elements" ]
	[ "$(rules)" = "$rules" ]
}

@test "a fixed address; in use, outside the subnet, the gateway's" {
	sleeper web --address 10.88.7.7
	[ "$(address_of web)" = 10.88.7.7 ]
	run jail create two --image "$IMAGE" --address 10.88.7.7 true
	assert_error 1 '10.88.7.7'
	assert_output web
	local address
	for address in 192.168.1.1 10.88.0.1 10.88.0.0 10.88.255.255; do
		run jail create two --image "$IMAGE" --address $address true
		assert_error 1 "$address"
	done
	run jail inspect two
	assert_error 1 two
}

@test "a port in use: by an instance, by a process of the host; nothing stays behind" {
	sleeper web --port 8090:80
	jail create two --image "$IMAGE" --port 8090:80 -- sleep 1000
	run jail start two
	assert_error 1 8090
	assert_output web
	[ "$(status_of two)" != running ]
	run jail run --rm --image "$IMAGE" --port 8090:81 true
	assert_error 125 8090
	nc -l -p 8091 3>&- &
	HELPER=$!
	wait_until 10 sh -c 'ss -ltn | grep -q :8091'
	run jail run --rm --image "$IMAGE" --port 8091:80 true
	assert_error 125 8091
	jail kill web
	wait_status web stopped
	jail start two
	[ "$(status_of two)" = running ]
}

@test "addresses exhausted: a clear error, nothing left, and one freed is one to have" {
	local config=$BATS_TEST_TMPDIR/c.json small=$BATS_TEST_TMPDIR/small i
	mkdir -m 700 "$small"
	jail_config "$config" "$small/state" "$small/run" \
		<<<'"network": {"bridge": "jail1", "subnet": "10.99.0.0/29", "gateway": "10.99.0.1"}'
	JAIL_CONFIG=$config
	jail image import --quiet "$JAIL_TEST_DIR/busybox.tar" --name "$IMAGE"
	for i in 1 2 3 4 5; do
		jail create "n$i" --image "$IMAGE" -- sleep 1000
	done
	run jail create n6 --image "$IMAGE" -- sleep 1000
	assert_error 1 'exhausted'
	run -0 jail ps --quiet
	refute_output n6
	jail rm n3
	jail create n6 --image "$IMAGE" -- sleep 1000
	jail rm --all
}

@test "ids exhausted: a clear error" {
	local config=$BATS_TEST_TMPDIR/c.json small=$BATS_TEST_TMPDIR/small
	mkdir -m 700 "$small"
	jail_config "$config" "$small/state" "$small/run" <<<'"ids": {"first": 1342177280, "ranges": 2}'
	JAIL_CONFIG=$config
	jail image import --quiet "$JAIL_TEST_DIR/busybox.tar" --name "$IMAGE"
	jail create n1 --image "$IMAGE" --network none true
	jail create n2 --image "$IMAGE" --network none true
	run jail create n3 --image "$IMAGE" --network none true
	assert_error 1 'exhausted'
	run jail create n3 --image "$IMAGE" --network none --userns host true
	[ "$status" -eq 0 ]
	jail rm --all
}

@test "mode none: only lo; mode host: the host's" {
	run -0 jail run --rm --image "$IMAGE" --network none ip -o link
	[ "${#lines[@]}" -eq 1 ]
	run -0 jail run --rm --image "$IMAGE" --network none --cap-add net_raw ping -c 1 -W 30 127.0.0.1
	run -0 jail run --rm --image "$IMAGE" --network host readlink /proc/self/ns/net
	[ "$output" = "$(readlink /proc/self/ns/net)" ]
	run -0 jail run --rm --image "$IMAGE" --network host ip -o link
	assert_output outside
	run jail create x --image "$IMAGE" --network none --port 80:80 true
	assert_error 1 port
}

@test "name servers: the spec's, else the host's that are reachable" {
	run -0 jail run --rm --image "$IMAGE" --dns 192.0.2.53 --dns 192.0.2.54 cat /etc/resolv.conf
	[ "$(grep -c ^nameserver <<<"$output")" = 2 ]
	assert_output 192.0.2.53
	run -0 jail run --rm --image "$IMAGE" cat /etc/resolv.conf
	refute_output 'nameserver 127.'
}

@test "bridge and table are made once and survive; gc repairs a removed element" {
	pinger web --port 8095:80
	ip -o link show jail0
	nft delete table inet jail 2>/dev/null || nft flush ruleset
	jail restart --timeout 0s web
	[ "$(rules)" -gt 0 ]
	run -0 jail exec web ping -c 1 -W 30 192.0.2.2
}

@test "a network lost with the monitor is cleaned by the next command" {
	sleeper web --port 8096:80
	local elements interface
	interface=$(field web .interface)
	elements=$(elements)
	kill -KILL "$(monitor_of web)"
	wait_status web stopped
	jail gc
	[ "$(elements)" -lt "$elements" ]
	run ip link show "$interface"
	[ "$status" -ne 0 ]
	jail start web
	[ "$(elements)" = "$elements" ]
}
