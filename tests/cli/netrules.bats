# SPDX-License-Identifier: GPL-2.0-or-later
# Published ports of every kind, the firewall of an instance, rates, counters; and all of it changed while it runs.
# vm: too
# vm: filter=ports|rates|counters|interface

# shellcheck disable=SC2086 # addresses are words
load ../lib/common
load ../lib/network
load ../lib/system

setup_file() {
	network_setup_file
	jail network create open --subnet 10.77.0.0/24 --subnet fd77::/64
}
teardown_file() { network_teardown_file; }
teardown() {
	helpers_end
	jail_teardown
}
address6_of() { field "$1" '.networks[0].address6'; }
ruleset() { nft list ruleset | sed 's/counter packets [0-9]* bytes [0-9]*//'; }

@test "ports: both families, a range as one element, a host address of each family" {
	sleeper web --network open --port 6000-6999:6000-6999 --port '[2001:db8:1::1]:7001:80' --port $HOST4:7001:81
	server 6123 inside web
	server 80 inside web
	server 81 inside web
	run -0 ask $HOST4 6123 world
	assert_output $WORLD4
	run -0 ask $HOST6 6123 world
	assert_output $WORLD6
	run -0 ask $HOST6 7001 world
	run -0 ask $HOST4 7001 world
	[ "$(nft list ruleset | grep -o '6000-6999' | wc -l)" -le 2 ]
	[ "$(nft list ruleset | grep -c '6500')" = 0 ]
	jail create two --image "$IMAGE" --port 6500:1 -- sleep 1000
	run jail start two
	assert_error 1 'web'
	jail create three --image "$IMAGE" --port 5990-6010:5990-6010 -- sleep 1000
	run jail start three
	assert_error 1 'web'
}

@test "ports: UDP, and an address of one family is not published on the other" {
	sleeper web --network open --port 6001:6001/udp --port 0.0.0.0:6002:6002
	server 6001/udp inside web
	seen_as() { [ "$(world socat - "UDP:$1:6001" <<<x)" = "$2" ]; }
	wait_until 10 seen_as $HOST4 $WORLD4
	wait_until 10 seen_as "[$HOST6]" $WORLD6
	server 6002 inside web
	run -0 ask $HOST4 6002 world
	no_answer $HOST6 6002 world
}

@test "ports: SCTP, of both families, in a range, with rules, and on loopback by the proxy" {
	need sctp
	sleeper web --network open --port 6001:80/sctp --port 6100-6109:6100-6109/sctp --port 127.0.0.1:6200:80/sctp \
		--port '[::1]:6200:80/sctp' --port 6001:81
	local ASK_OVER=SCTP port
	for port in 80 6105; do server $port/sctp inside web; done
	run -0 ask $HOST4 6001 world
	assert_output $WORLD4
	run -0 ask $HOST6 6001 world
	assert_output $WORLD6
	run -0 ask $HOST4 6105 world
	assert_output $WORLD4
	run -0 ask $HOST6 6105 world
	assert_output $WORLD6
	run -0 ask 127.0.0.1 6200
	assert_output 10.77.0.1
	run -0 ask ::1 6200
	assert_output fd77::1
	no_answer $HOST4 6200 world
	no_answer $HOST4 6200
	ASK_OVER=TCP no_answer $HOST4 6001 world # another port of the same number
	jail create two --image "$IMAGE" --port 6109:1/sctp -- sleep 1000
	run jail start two
	assert_error 1 'port 6109/sctp is already published by instance web'
	jail set web "network.deny=in sctp 80 from $WORLD4"
	no_answer $HOST4 6001 world
	run -0 ask $HOST6 6001 world
	jail set web network.ports=127.0.0.1:6201:80/sctp network.deny=
	no_answer $HOST6 6001 world
	no_answer 127.0.0.1 6200
	run -0 ask 127.0.0.1 6201
	assert_output 10.77.0.1
}

@test "ports: an SCTP port that a process of the host listens on is refused" {
	need sctp
	server 6001/sctp
	jail create web --image "$IMAGE" --port 6001:80/sctp -- sleep 1000
	run jail start web
	assert_error 1 'port 6001/sctp is in use'
	jail set web network.ports=127.0.0.1:6001:80/sctp
	run jail start web
	assert_error 1 '127.0.0.1:6001/sctp'
}

@test "deny and allow, by direction, protocol, port, address" {
	sleeper web --network open --port 6001-6003:6001-6003 --deny "in tcp 6002 from $WORLD4" --allow "in tcp 6001-6002"
	local port
	for port in 6001 6002 6003; do server $port inside web; done
	run -0 ask $HOST4 6001 world
	no_answer $HOST4 6002 world
	run -0 ask $HOST6 6002 world
	no_answer $HOST4 6003 world # published, and not among what is allowed
	sleeper out --network open --deny "out tcp 7001 to $WORLD4" --deny "out to 2001:db8:1::/64"
	server 7001 world
	server 7002 world
	no_answer $WORLD4 7001 inside out
	run -0 ask $WORLD4 7002 inside out
	no_answer $WORLD6 7002 inside out
	sleeper only --network open --allow "out tcp 7002 to $WORLD4"
	run -0 ask $WORLD4 7002 inside only
	no_answer $WORLD4 7001 inside only
	no_ping_from inside only $WORLD4
}

@test "allow by instance and by label; members come and go" {
	sleeper db --network open --allow 'in tcp 5432 from label:role=app' --allow 'in tcp 5432 from instance:admin'
	server 5432 inside db
	sleeper app1 --network open --label role=app
	sleeper other --network open
	run -0 ask "$(address_of db)" 5432 inside app1
	run -0 ask "$(address6_of db)" 5432 inside app1
	no_answer "$(address_of db)" 5432 inside other
	sleeper admin --network open
	run -0 ask "$(address_of db)" 5432 inside admin
	jail set app1 labels.role=web
	no_answer "$(address_of db)" 5432 inside app1
	jail set other labels.role=app
	run -0 ask "$(address_of db)" 5432 inside other
}

@test "the host and link-local addresses only where they are allowed" {
	server 5005
	ip address add 169.254.169.254/32 dev lo
	sleeper shut --network open
	sleeper wide --network open --allow 'out tcp 5005 to host' --allow 'out to 169.254.169.254' --allow out
	no_answer 10.77.0.1 5005 inside shut
	run -0 ask 10.77.0.1 5005 inside wide
	run -0 ask fd77::1 5005 inside wide
	ip address del 169.254.169.254/32 dev lo
}

@test "jail set: ports while it runs; what goes is shut, what fails changes nothing" {
	sleeper web --network open --port 6001:6001
	server 6001 inside web
	server 6002 inside web
	jail set web network.ports=6001:6001,6002:6002
	run -0 ask $HOST4 6002 world
	jail set web network.ports=6002:6002
	no_answer $HOST4 6001 world
	run -0 ask $HOST4 6002 world
	sleeper two --network open --port 6009:6009
	local before
	before=$(ruleset)
	run jail set web network.ports=6001:6001,6009:6009
	assert_error 1 two
	[ "$(ruleset)" = "$before" ]
	run -0 ask $HOST4 6002 world
	jail set two network.ports=
	jail set web network.ports=6001:6001,6009:6009
	run -0 ask $HOST4 6001 world
	jail restart --timeout 0s web
	server 6001 inside web
	run -0 ask $HOST4 6001 world
}

@test "jail set: an interface comes and goes while it runs" {
	jail network create back --subnet 10.72.0.0/24 --subnet fd72::/64
	sleeper web --network open
	sleeper db --network back
	no_ping_from inside web "$(address_of db)"
	jail set web 'network.interfaces=[{"network":"open"},{"network":"back"}]'
	[ "$(field web '.networks[1].network')" = back ]
	ping_from inside web "$(address_of db)"
	ping_from inside web "$(address6_of db)"
	run -0 jail exec web grep -w db /etc/hosts || :
	jail set web 'network.interfaces=[{"network":"back"}]'
	run inside web ip link show eth0
	[ "$status" -ne 0 ]
	ping_from inside web "$(address_of db)"
	[ "$(field web '.networks | map(.interface) | join(" ")')" = eth1 ]
	jail restart --timeout 0s web
	ping_from inside web "$(address_of db)"
	# Its address of the other network is free again.
	[ "$(jail network inspect --json open | jq '.[0].instances | length')" = 0 ]
	jail rm --force web db
	jail network rm back
}

@test "jail set: an address while it runs, and one that is taken" {
	sleeper web --network open
	sleeper two --network open --address 10.77.0.42
	jail set web network.address=10.77.0.41
	[ "$(address_of web)" = 10.77.0.41 ]
	run -0 inside web ip -4 address show eth0
	assert_output 10.77.0.41
	ping_from inside two 10.77.0.41
	run jail set web network.address=10.77.0.42
	assert_error 1 two
	[ "$(address_of web)" = 10.77.0.41 ]
	ping_from inside two 10.77.0.41
}

@test "rates: the kernel's shapers, changed and removed while it runs" {
	sleeper web --network open --ingress 8Mbit --egress 16Mbit
	local interface
	interface=$(field web .interface)
	run -0 tc qdisc show dev "$interface"
	assert_output 'rate 8Mbit'
	run -0 sh -c 'tc qdisc show | grep tbf'
	assert_output 'rate 16Mbit'
	ping_from inside web 10.77.0.1
	jail set web network.ingress=4Mbit network.egress=
	run -0 tc qdisc show dev "$interface"
	assert_output 'rate 4Mbit'
	run sh -c 'tc qdisc show | grep "rate 16Mbit"'
	[ "$status" -ne 0 ]
	ping_from inside web 10.77.0.1
	# More than may pass at once is held back: counted by the shaper, not by a clock.
	jail set web network.ingress=8kbit
	python3 - "$(address_of web)" <<-'END'
		import socket, sys
		sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		for _ in range(200):
		    sock.sendto(bytes(1400), (sys.argv[1], 9))
	END
	wait_until 20 sh -c "tc -s qdisc show dev $interface | grep -Eq 'overlimits [1-9]'"
	jail stop --timeout 0s web
	run sh -c 'ip -o link | grep -c " vs"'
	[ "$output" = 0 ]
}

@test "counters by class, kept over restarts" {
	sleeper web --network open
	sleeper two --network open
	ping_from inside web $WORLD4
	ping_from inside two "$(address_of web)"
	count() { jail stats --json web | jq ".[0].traffic.$1.packets"; }
	[ "$(count sentOutside)" = 1 ]
	[ "$(count receivedOutside)" = 1 ]
	[ "$(count receivedInside)" -ge 1 ]
	local inside
	inside=$(count receivedInside)
	jail restart --timeout 0s web
	[ "$(count sentOutside)" = 1 ]
	[ "$(count receivedInside)" -ge "$inside" ]
	ping_from inside web $WORLD6
	[ "$(count sentOutside)" = 2 ]
}
