# SPDX-License-Identifier: GPL-2.0-or-later
# The modes of an instance's network, several networks at once, both families; names; what tenants are to each other.
# vm: too
# vm: filter=^(both|several|routed|a routed|a network goes|macvlan|names)

# shellcheck disable=SC2086 # addresses are words
load ../lib/common
load ../lib/network

setup_file() { network_setup_file; }
teardown_file() { network_teardown_file; }
teardown() { network_teardown; }
address6_of() { field "$1" ".networks[${2:-0}].address6"; }

@test "both families: addresses, routes, gateway, the outside by NAT" {
	sleeper web
	run -0 jail exec web ip -6 address show dev eth0
	assert_output "inet6 $(address6_of web)/64"
	run -0 jail exec web ip -6 route show default
	assert_output 'via fe80::1 dev eth0'
	ping_from inside web $WORLD6
	ping_from inside web $WORLD4
	ping_from inside web "$(jail network inspect --json default | jq -r '.[0].gateway6')"
	ping_from "$(address6_of web)"
	# Ready at once: no duplicate address detection is waited for.
	run -0 inside web ip -6 address show tentative
	[ -z "$output" ]
}

@test "MAC address and interface names follow from the id; the full name is an alternative name" {
	jail create web --image "$IMAGE" -- sleep 100000
	jail start web
	local mac interface
	mac=$(inside web ip -j link show eth0 | jq -r '.[0].address')
	interface=$(field web .interface)
	[[ $interface == ve* ]]
	run -0 ip link show jail@web
	assert_output "$interface"
	jail restart --timeout 0s web
	[ "$(inside web ip -j link show eth0 | jq -r '.[0].address')" = "$mac" ]
	[ "$(field web .interface)" = "$interface" ]
	jail stop --timeout 0s web
	jail rename web site
	jail start site
	[ "$(inside site ip -j link show eth0 | jq -r '.[0].address')" = "$mac" ]
	ip link show jail@site
	run ip link show jail@web
	[ "$status" -ne 0 ]
}

@test "several networks at once: eth0, eth1, each subnet by its own interface" {
	jail network create front --subnet 10.71.0.0/24 --subnet fd71::/64
	jail network create back --internal --subnet 10.72.0.0/24 --subnet fd72::/64
	sleeper web --network front --network back
	sleeper db --network back
	sleeper proxy --network front
	[ "$(field web '.networks | map(.interface + "=" + .network) | join(" ")')" = 'eth0=front eth1=back' ]
	run -0 inside web ip route get "$(address_of db)"
	assert_output 'dev eth1'
	run -0 inside web ip -6 route get "$(address6_of db)"
	assert_output 'dev eth1'
	run -0 inside web ip route show default
	assert_output 'dev eth0'
	ping_from inside web "$(address_of db)"
	ping_from inside web "$(address6_of db)"
	ping_from inside web "$(address_of proxy)"
	ping_from inside web $WORLD4
	no_ping_from inside db $WORLD4
	no_ping_from inside proxy "$(address_of db)"
}

@test "routed: no port of the bridge, host routes, and both kinds reach each other" {
	jail network create mixed --subnet 10.73.0.0/24 --subnet fd73::/64
	sleeper port --network mixed
	sleeper free --network mixed --network routed
	local interface
	interface=$(field free .interface)
	run -0 ip -o link show "$interface"
	refute_output master
	run -0 ip route show dev "$interface"
	assert_output "$(address_of free)"
	run -0 ip -6 route show dev "$interface"
	assert_output "$(address6_of free)"
	ping_from inside free "$(address_of port)"
	ping_from inside port "$(address_of free)"
	ping_from inside port "$(address6_of free)"
	ping_from inside free "$(address6_of port)"
	ping_from inside free $WORLD4
	ping_from inside free 10.73.0.1
	ping_from inside free "$(jail exec free ip -6 route show default | awk '{print $3}')%eth0"
}

@test "a routed network: every instance has its own route, none a port" {
	jail network create flat --mode routed --subnet 10.74.0.0/24 --subnet fd74::/64
	sleeper one --network flat
	sleeper two --network flat
	run -0 ip -o link show master "$(jail network inspect --json flat | jq -r '.[0].interface')"
	[ -z "$output" ]
	ping_from inside one "$(address_of two)"
	ping_from inside two "$(address6_of one)"
	ping_from inside two $WORLD6
}

@test "a network goes on with further bridges, and nothing inside tells" {
	jail network create long --subnet 10.76.0.0/16 --subnet fd76::/64
	local main first second names
	main=$(jail network inspect --json long | jq -r '.[0].interface')
	sleeper here --network long --address 10.76.0.5 --address fd76::5
	sleeper there --network long --address 10.76.1.5 --address fd76::105
	sleeper beside --network long --address 10.76.1.6 --address fd76::5:6
	first=$(ip -j link show "$(field here .interface)" | jq -r '.[0].master')
	second=$(ip -j link show "$(field there .interface)" | jq -r '.[0].master')
	[ "$first" = "$main" ]
	[ "$second" != "$main" ]
	[ "$(ip -j link show "$(field beside .interface)" | jq -r '.[0].master')" = "$second" ]
	run -0 ip route show dev "$second"
	assert_output '10.76.1.0/26'
	run -0 ip -6 route show dev "$second"
	assert_output 'fd76::100/122'
	assert_output 'fd76::5:6'
	for names in "here there" "there here" "beside there" "there beside" "beside here"; do
		# shellcheck disable=SC2086 # two names
		set -- $names
		ping_from inside "$1" "$(address_of "$2")"
		ping_from inside "$1" "$(address6_of "$2")"
	done
	ping_from inside there 10.76.0.1
	ping_from inside there fd76::1
	# Each bridge has a way back of its own to link-local addresses.
	sleeper third --network long --address 10.76.2.5 --address fd76::205
	[ "$(ip -j link show "$(field third .interface)" | jq -r '.[0].master')" != "$second" ]
	ping_from inside there fe80::1%eth0
	ping_from inside third fe80::1%eth0
	jail rm --force third
	ping_from inside there $WORLD4
	ping_from inside there $WORLD6
	# The host speaks with the gateway's address.
	run -0 ip route get 10.76.1.5
	assert_output 'src 10.76.0.1'
	# Its own route goes with it.
	jail rm --force beside
	run -0 ip -6 route show dev "$second"
	refute_output 'fd76::5:6'
	# All of them are the network's.
	run jail network rm long
	assert_error 1 'used by'
	jail rm --force here there
	jail network rm long
	run ip link show "$second"
	[ "$status" -ne 0 ]
	run ip link show "$main"
	[ "$status" -ne 0 ]
}

@test "a bridge that is full: the network goes on with routed instances" {
	jail network create full --subnet 10.75.0.0/22 --subnet fd75::/64
	sleeper first --network full --address 10.75.0.5
	local bridge
	bridge=$(jail network inspect --json full | jq -r '.[0].interface')
	# As many further ports as a bridge takes.
	for i in $(seq 1022); do echo "link add fill$i type bridge"; echo "link set fill$i master $bridge"; done >"$BATS_TEST_TMPDIR/batch"
	sed -i 's/type bridge/type veth peer name fillp/; s/\(fill\([0-9]*\) type veth peer name fillp\)/\1\2/' "$BATS_TEST_TMPDIR/batch"
	ip -batch "$BATS_TEST_TMPDIR/batch"
	sleeper over --network full --address 10.75.0.6
	run -0 ip -o link show "$(field over .interface)"
	refute_output master
	ping_from inside over "$(address_of first)"
	ping_from inside first "$(address_of over)"
	ping_from inside first "$(address6_of over)"
	for i in $(seq 1022); do echo "link del fill$i"; done >"$BATS_TEST_TMPDIR/batch"
	ip -batch "$BATS_TEST_TMPDIR/batch"
}

@test "macvlan: on the uplink's own network, and no capability that could forge frames" {
	jail network create lan --mode macvlan --uplink outside --subnet 192.0.2.0/24
	sleeper web --network macvlan --network lan --address 192.0.2.50
	run -0 inside web ip -d link show eth0
	assert_output macvlan
	wait_until 10 world busybox ping -c 1 -W 1 192.0.2.50
	run jail create bad --image "$IMAGE" --network macvlan --network lan --cap-add net_raw true
	assert_error 1 NET_RAW
	run jail create bad --image "$IMAGE" --network lan true
	assert_error 1 macvlan
}

@test "path: a namespace that exists; it is left as it was" {
	local given=$BATS_TEST_TMPDIR/given
	touch "$given"
	unshare --net="$given" ip link add dm0 type bridge
	sleeper web --network "path:$given"
	run -0 jail exec web ip -o link
	assert_output dm0
	run jail exec web ip link del dm0
	[ "$status" -ne 0 ]
	jail rm --force web
	run -0 nsenter --net="$given" ip -o link
	assert_output dm0
	run jail run --rm --image "$IMAGE" --network path:/etc/passwd true
	assert_error 125 'no network namespace'
	umount "$given"
}

@test "instance: the network of another, low ports too; it has to run" {
	sleeper web
	sleeper side --network instance:web
	[ "$(jail exec side readlink /proc/self/ns/net)" = "$(jail exec web readlink /proc/self/ns/net)" ]
	run -0 jail exec side ip -4 address show eth0
	assert_output "$(address_of web)"
	jail exec --detach side nc -l -p 80
	wait_until 10 jail exec web sh -c 'grep -q ":0050 " /proc/net/tcp /proc/net/tcp6'
	jail rm --force web side
	jail create web --image "$IMAGE" -- sleep 1000
	run jail run --rm --image "$IMAGE" --network instance:web true
	assert_error 125 'web'
	assert_output 'start'
}

@test "names: right after a start and right after a stop, both families, of all its networks" {
	jail network create front --subnet 10.71.0.0/24 --subnet fd71::/64
	jail network create back --subnet 10.72.0.0/24 --subnet fd72::/64
	sleeper web --network front --network back --cap-add net_raw
	sleeper db --network back
	run -0 jail exec web cat /etc/hosts
	assert_output "$(address_of db)"
	assert_output "$(address6_of db)"
	assert_output db.jail
	run -0 jail exec web ping -c 1 -W 2 db
	assert_output "($(address_of db))"
	jail stop --timeout 0s db
	run jail exec web grep -w '^[0-9a-f].*db' /etc/hosts
	[ "$status" -ne 0 ]
	jail start db
	run -0 jail exec web grep -w '^[0-9a-f].*db' /etc/hosts
	jail kill db
	wait_status db stopped
	run jail exec web grep -w '^[0-9a-f].*db' /etc/hosts
	[ "$status" -ne 0 ]
	run jail exec web sh -c 'echo 192.0.2.66 forged >>/etc/hosts'
	[ "$status" -ne 0 ]
}

@test "names: of a network that is added and removed while it runs, at once" {
	jail network create front --subnet 10.71.0.0/24
	jail network create back --subnet 10.72.0.0/24
	sleeper db --network back
	sleeper web --network front --cap-add net_raw
	sleeper alone --cap-add net_raw
	for instance in web alone; do
		own=$(jail exec $instance cat /etc/hosts)
		run ! grep -w db <<<"$own"
		network=front
		[ $instance = web ] || network=default
		jail set $instance "network.interfaces=[{\"network\": \"$network\"}, {\"network\": \"back\"}]"
		run -0 jail exec $instance ping -c 1 -W 2 db
		assert_output "($(address_of db))"
		run -0 jail exec $instance grep -cw "$instance.jail" /etc/hosts
		# What comes later too, and nothing that can be written to.
		sleeper late-$instance --network back
		run -0 jail exec $instance grep -cw late-$instance.jail /etc/hosts
		run jail exec $instance sh -c 'echo 192.0.2.66 forged >>/etc/hosts'
		[ "$status" -ne 0 ]
		jail set $instance "network.interfaces=[{\"network\": \"$network\"}]"
		run ! jail exec $instance grep -w db /etc/hosts
		run -0 jail exec $instance grep -cw $instance /etc/hosts
		[ "$(jail exec $instance grep -c ' /etc/hosts ' /proc/self/mountinfo)" -le 2 ]
	done
	# To one that tells no names.
	jail set web 'network.interfaces=[{"network": "default"}]'
	run ! jail exec web grep -w web.jail /etc/hosts
	run -0 jail exec web grep -cw "$(address_of web)" /etc/hosts
	jail set web 'network.interfaces=[{"network": "back"}]'
	run -0 jail exec web grep -cw db.jail /etc/hosts
	jail restart --timeout 0s web
	run -0 jail exec web grep -cw db.jail /etc/hosts
}

@test "names: what an instance has mounted there itself stays" {
	jail network create front --subnet 10.71.0.0/24
	jail network create back --subnet 10.72.0.0/24
	echo 192.0.2.7 mine >"$BATS_TEST_TMPDIR/mine"
	sleeper web --network front --mount "$BATS_TEST_TMPDIR/mine:/etc/hosts"
	jail set web 'network.interfaces=[{"network": "front"}, {"network": "back"}]'
	run -0 jail exec web cat /etc/hosts
	[ "$output" = "192.0.2.7 mine" ]
}

@test "an isolated network tells nobody who else is there" {
	sleeper web
	sleeper db
	run -0 jail exec web cat /etc/hosts
	refute_output "$(address_of db)"
}

@test "a tenant's network is for its instances, and no rule leads from one tenant to another" {
	jail network create acme-net --tenant acme --subnet 10.71.0.0/24
	jail network create beta-net --tenant beta --subnet 10.72.0.0/24
	spec() { # NAME TENANT NETWORK MORE
		jq -n --arg image "$IMAGE" '{name: $ARGS.positional[0], tenant: $ARGS.positional[1], image: $image,
			process: {args: ["sleep", "100000"]}, network: ({bridge: $ARGS.positional[2]} + ($ARGS.positional[3] | fromjson))}' \
			--args "$@" >"$BATS_TEST_TMPDIR/$1.json"
		jail create --file "$BATS_TEST_TMPDIR/$1.json"
	}
	run spec thief beta acme-net '{}'
	assert_error 1 acme
	spec a acme acme-net '{"allow": ["in", "out"]}'
	spec b beta beta-net '{"allow": ["in", "out"]}'
	spec c acme acme-net '{}'
	jail start a b c
	ping_from inside a "$(address_of c)"
	run -0 jail exec a grep -c c.acme.jail /etc/hosts
	no_ping_from inside a "$(address_of b)"
	no_ping_from inside b "$(address_of a)"
}
