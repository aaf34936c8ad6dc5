# SPDX-License-Identifier: GPL-2.0-or-later
# Rows 70 to 79: what somebody with all capabilities over an instance's network namespace can do to the host, to others
# and to who comes after. Each attack is made twice: on a plain bridge with plain ports, where it has to succeed, and
# from an instance of a network on which instances may see each other, where it must not.
# vm: too

# shellcheck disable=SC2086 # addresses are words
load ../lib/common
load ../lib/network

setup_file() {
	network_setup_file
	jail network create open --subnet 10.77.0.0/24 --subnet fd77::/64
	# The unprotected twin: two namespaces as ports of a bridge that has an address.
	ip link add plain0 type bridge
	ip address add 10.66.0.1/24 dev plain0
	ip address add fd66::1/64 dev plain0 nodad
	ip link set plain0 up
	local name i=1
	for name in mallory alice; do
		namespace $name
		i=$((i + 1))
		ip link add $name type veth peer name eth0 netns "$(cat "$JAIL_TEST_DIR/namespaces/$name")"
		ip link set $name master plain0 up
		in_namespace $name ip address add 10.66.0.$i/24 dev eth0
		in_namespace $name ip address add fd66::$i/64 dev eth0 nodad
		in_namespace $name ip link set eth0 up
	done
	wait_until 10 in_namespace mallory busybox ping -c 1 -W 1 10.66.0.3
	wait_until 10 in_namespace alice busybox ping -c 1 -W 1 fd66::1
	wait_until 10 sh -c "! nsenter --net=/proc/$(cat "$JAIL_TEST_DIR/namespaces/alice")/ns/net ip -6 address show tentative | grep -q ."
	snapshot >"$JAIL_TEST_DIR/before"
}
teardown_file() { network_teardown_file; }
teardown() {
	helpers_end
	jail_teardown
}
# shellcheck disable=SC2120 # options are seldom wanted
pair() {
	sleeper evil --network open "$@"
	sleeper victim --network open "$@"
	EVIL4=$(address_of evil) VICTIM4=$(address_of victim)
	EVIL6=$(field evil '.networks[0].address6') VICTIM6=$(field victim '.networks[0].address6')
	BRIDGE=$(jail network inspect --json open | jq -r '.[0].interface')
	EVILLL=$(link_local inside evil)
}
link_local() { "$@" ip -o -6 address show dev eth0 scope link | awk '{ sub("/.*", "", $4); print $4 }'; }
mac_of() { "$@" ip -o link show dev eth0 | grep -o 'link/ether [0-9a-f:]*' | cut -c12-; }
routes6() { "$@" ip -6 route show default; }
has_route6() { [ -n "$(routes6 "$@")" ]; }
host_routes6() { ip -6 route | sed 's/expires [0-9]*sec//'; } # plain0's, of the control, have a clock
neighbours() { ip neigh show dev "$BRIDGE" | sort; }

@test "row 70: a forged router advertisement" {
	frame in_namespace mallory eth0 ra src="$(link_local in_namespace mallory)"
	wait_until 10 has_route6 in_namespace alice || vacuous ra
	pair
	local before host
	before=$(routes6 inside victim) host=$(host_routes6)
	frame inside evil eth0 ra src="$EVILLL"
	# A packet that is let through, sent afterwards, shows that the first was dealt with.
	ping_from inside evil "$VICTIM6"
	[ "$(routes6 inside victim)" = "$before" ]
	diff <(host_routes6) - <<<"$host"
	run -0 inside victim ip -6 address show
	refute_output 2001:db8:bad
}

@test "row 71: ARP and neighbour advertisements for somebody else, frames from somebody else's address" {
	frame in_namespace mallory eth0 arp src=10.66.0.1 target=10.66.0.3
	wait_until 10 sh -c "nsenter --net=/proc/$(cat "$JAIL_TEST_DIR/namespaces/alice")/ns/net ip neigh show 10.66.0.1 | grep -q $(mac_of in_namespace mallory)" || vacuous arp
	pair
	local before victim
	before=$(neighbours)
	victim=$(inside victim ip neigh show | sed 's/ [A-Z]*$//')
	frame inside evil eth0 arp src="$VICTIM4" target=10.77.0.1
	frame inside evil eth0 arp src=10.77.0.1 target="$VICTIM4"
	frame inside evil eth0 na src="$EVILLL" target="$VICTIM6"
	frame inside evil eth0 na src="$EVIL6" target=fd77::1
	ping_from inside evil "$VICTIM4"
	ping_from inside evil "$VICTIM6"
	[ "$(neighbours)" = "$before" ]
	[ "$(inside victim ip neigh show | sed 's/ [A-Z]*$//')" = "$victim" ]
}

@test "row 71: packets from an address that is not its own arrive nowhere" {
	capture "$BATS_TEST_TMPDIR/plain" eth0 'udp port 4711' in_namespace alice
	frame in_namespace mallory eth0 udp src=10.66.0.9 dst=10.66.0.3 port=4711
	wait_until 10 sh -c "tcpdump -n -r $BATS_TEST_TMPDIR/plain 2>/dev/null | grep -q 10.66.0.9" || vacuous udp
	pair
	local to file=$BATS_TEST_TMPDIR/got
	to=$(ip -j link show "$BRIDGE" | jq -r '.[0].address')
	capture "$file" eth0 'udp port 4711' inside victim
	capture "$file.world" in0 'udp port 4711' world
	frame inside evil eth0 udp to="$to" src=10.77.0.250 dst="$VICTIM4" port=4711
	frame inside evil eth0 udp to="$to" src="$VICTIM4" dst=$WORLD4 port=4711
	frame inside evil eth0 udp to="$to" src=fd77::250 dst="$VICTIM6" port=4711
	frame inside evil eth0 udp to="$to" src="$VICTIM6" dst=$WORLD6 port=4711
	frame inside evil eth0 udp to="$to" mac=02:00:00:00:00:99 src="$EVIL4" dst="$VICTIM4" port=4711
	# What comes last is its own, and arrives.
	frame inside evil eth0 udp to="$to" src="$EVIL4" dst="$VICTIM4" port=4711
	frame inside evil eth0 udp to="$to" src="$EVIL6" dst="$VICTIM6" port=4711
	wait_until 10 sh -c "tcpdump -n -r $file 2>/dev/null | grep -q $EVIL6"
	[ "$(captured "$file")" -eq 2 ]
	[ "$(captured "$file.world")" -eq 0 ]
}

@test "row 71: ten thousand source addresses fill no table" {
	pair
	local fdb neighbours
	fdb=$(bridge fdb show br "$BRIDGE" | wc -l)
	neighbours=$(neighbours)
	frame inside evil eth0 flood count=10000 src="$EVIL4" target=10.77.0.1
	frame inside evil eth0 arp src=10.77.0.99 target=10.77.0.1
	ping_from inside evil 10.77.0.1
	[ "$(bridge fdb show br "$BRIDGE" | wc -l)" = "$fdb" ]
	[ "$(neighbours)" = "$neighbours" ]
}

@test "rows 70, 71: no frame of one instance reaches another: bridge protocol, DHCP" {
	capture "$BATS_TEST_TMPDIR/plain" eth0 'udp port 68 or stp' in_namespace alice
	frame in_namespace mallory eth0 dhcp src=10.66.0.2
	frame in_namespace mallory eth0 bpdu
	wait_until 10 sh -c "[ \$(tcpdump -n -r $BATS_TEST_TMPDIR/plain 2>/dev/null | wc -l) -ge 1 ]" || vacuous dhcp
	pair
	local file=$BATS_TEST_TMPDIR/got to
	to=$(ip -j link show "$BRIDGE" | jq -r '.[0].address')
	capture "$file" eth0 'udp port 68 or udp port 546 or stp' inside victim
	frame inside evil eth0 bpdu
	frame inside evil eth0 dhcp src="$EVIL4"
	frame inside evil eth0 dhcp src="$EVIL4" dst="$VICTIM4" to="$to"
	frame inside evil eth0 dhcp6 src="$EVILLL"
	frame inside evil eth0 dhcp6 src="$EVIL6" dst="$VICTIM6" to="$to"
	ping_from inside evil "$VICTIM4"
	[ "$(captured "$file")" -eq 0 ]
}

@test "row 72: loopback services of the host, and ports that are published on loopback" {
	server 5001
	pair
	sleeper local --network open --port 127.0.0.1:5080:5080 --port '[::1]:5080:5080'
	server 5080 inside local
	[ "$(cat /proc/sys/net/ipv4/conf/all/route_localnet)" = 0 ]
	[ "$(cat "/proc/sys/net/ipv4/conf/$BRIDGE/route_localnet")" = 0 ]
	# The host itself gets there, and is not seen as 127.0.0.1.
	run -0 ask 127.0.0.1 5080
	assert_output 10.77.0.1
	run -0 ask ::1 5080
	assert_output fd77:
	# To 127.0.0.1 by way of the bridge, or of the LAN.
	inside evil ip route add 127.0.0.1/32 via 10.77.0.1 dev eth0 table 100 2>/dev/null || :
	local to file=$BATS_TEST_TMPDIR/lo
	to=$(ip -j link show "$BRIDGE" | jq -r '.[0].address')
	capture "$file" lo 'udp port 4712'
	frame inside evil eth0 udp to="$to" src="$EVIL4" dst=127.0.0.1 port=4712
	ping_from inside evil 10.77.0.1
	[ "$(captured "$file")" -eq 0 ]
	for address in $HOST4 10.77.0.1; do
		no_answer $address 5080 inside evil
		no_answer $address 5080 world
	done
	ask $HOST4 5001 world >/dev/null || vacuous 'a service on every address'
}

@test "row 73: a route to the subnet is no way in" {
	ip route show >/dev/null
	world ip route add 10.66.0.0/24 via $HOST4
	world ip -6 route add fd66::/64 via $HOST6
	in_namespace alice ip route replace default via 10.66.0.1
	in_namespace alice ip -6 route replace default via fd66::1
	server 5002 in_namespace alice
	wait_until 10 ask 10.66.0.3 5002 world
	wait_until 10 ask fd66::3 5002 world || vacuous route
	pair
	world ip route add 10.77.0.0/24 via $HOST4
	world ip -6 route add fd77::/64 via $HOST6
	server 5002 inside victim
	no_answer "$VICTIM4" 5002 world
	no_answer "$VICTIM6" 5002 world
	world ip route del 10.77.0.0/24
	world ip -6 route del fd77::/64
}

@test "row 74: who talks to a published port is who talks to it" {
	sleeper victim --network open --port 5004:5004
	server 5004 inside victim
	run -0 ask $HOST4 5004 world
	assert_output $WORLD4
	run -0 ask $HOST6 5004 world
	assert_output $WORLD6
	run -0 ask $HOST4 5004
	refute_output 127.0.0.1
	# The naive twin passes it on from here.
	server 5014
	socat TCP-LISTEN:5015,fork,reuseaddr TCP:127.0.0.1:5014 2>/dev/null 3>&- &
	HELPERS="${HELPERS:-} $!"
	wait_until 10 ask $HOST4 5015 world
	run -0 ask $HOST4 5015 world
	[[ $output == *127.0.0.1* ]] || vacuous proxy
}

@test "row 75: the host's services, metadata services, neighbours, other networks" {
	server 5005
	ip address add 169.254.169.254/32 dev lo
	jail network create other --subnet 10.78.0.0/24 --subnet fd78::/64
	jail network create apart --isolated --subnet 10.79.0.0/24 --subnet fd79::/64
	pair
	sleeper stranger --network other
	sleeper lonely1 --network apart
	sleeper lonely2 --network apart
	local name address
	for name in victim stranger lonely1 lonely2; do
		server 5006 inside $name
	done
	# The controls: the host reaches all, neighbours of an open network each other.
	ask 10.77.0.1 5005 >/dev/null || vacuous 'the host'
	run -0 ask "$VICTIM4" 5006 inside evil
	assert_output "$EVIL4"
	run -0 ask "$VICTIM6" 5006 inside evil
	assert_output "$EVIL6"
	for address in 10.77.0.1 $HOST4 169.254.169.254 fd77::1 $HOST6; do
		no_answer $address 5005 inside evil
	done
	no_answer "fe80::1%eth0" 5005 inside evil
	for name in stranger lonely1; do
		no_answer "$(address_of $name)" 5006 inside evil
		no_answer "$(field $name '.networks[0].address6')" 5006 inside evil
	done
	no_answer "$(address_of lonely2)" 5006 inside lonely1
	no_answer "$(field lonely2 '.networks[0].address6')" 5006 inside lonely1
	ip address del 169.254.169.254/32 dev lo
	jail rm --force stranger lonely1 lonely2
	jail network rm other
	jail network rm apart
}

@test "row 76: an internal network asks nothing outside" {
	jail network create inner --internal --subnet 10.80.0.0/24 --subnet fd80::/64
	printf 'nameserver %s\nnameserver %s\n' $WORLD4 $WORLD6 >"$BATS_TEST_TMPDIR/resolv.conf"
	mount --bind "$BATS_TEST_TMPDIR/resolv.conf" /etc/resolv.conf
	capture "$BATS_TEST_TMPDIR/plain" in0 'udp port 53' world
	sleeper control --network open
	jail exec control nslookup x.example >/dev/null 2>&1 || :
	wait_until 10 sh -c "[ \$(tcpdump -n -r $BATS_TEST_TMPDIR/plain 2>/dev/null | wc -l) -ge 1 ]" || vacuous resolver
	capture "$BATS_TEST_TMPDIR/got" in0 'not arp and not icmp6' world
	sleeper secret --network inner
	run -0 jail exec secret cat /etc/resolv.conf
	refute_output nameserver
	jail exec secret nslookup x.example >/dev/null 2>&1 || :
	frame inside secret eth0 udp to="$(ip -j link show "$(jail network inspect --json inner | jq -r '.[0].interface')" | jq -r '.[0].address')" \
		src="$(address_of secret)" dst=$WORLD4 port=53
	no_ping_from inside secret $WORLD4
	no_ping_from inside secret $WORLD6
	ping_from inside secret 10.80.0.1
	[ "$(captured "$BATS_TEST_TMPDIR/got")" -eq 0 ]
	umount /etc/resolv.conf
	jail rm --force secret
	jail network rm inner
}

@test "row 77: /sys shows its own interfaces alone, and no socket of the host is seen" {
	sleeper victim --network open
	run -0 jail exec victim ls /sys/class/net
	[ "$(xargs <<<"$output")" = 'eth0 lo' ]
	run jail exec victim sh -c 'echo 1 >/sys/class/net/eth0/ifalias'
	[ "$status" -ne 0 ]
	socat ABSTRACT-LISTEN:jail-canary,fork - 2>/dev/null 3>&- &
	HELPERS="${HELPERS:-} $!"
	wait_until 10 grep -q @jail-canary /proc/net/unix || vacuous /proc/net/unix
	unshare --mount sh -c 'mount -t sysfs sysfs /sys && test -e /sys/class/net/outside' || vacuous /sys/class/net
	run -0 jail exec victim cat /proc/net/unix
	refute_output jail-canary
}

@test "row 79: nothing of who was here before meets who comes next" {
	sleeper first --network open --address 10.77.0.77 --address fd77::77 --port 5007:5007
	server 5007 inside first
	ask $HOST4 5007 world >/dev/null || vacuous 'the port of the first'
	kill -KILL "$(monitor_of first)"
	wait_status first stopped
	jail rm first
	sleeper second --network open --address 10.77.0.77 --address fd77::77
	server 5007 inside second
	no_answer $HOST4 5007 world
	nft list ruleset >"$BATS_TEST_TMPDIR/rules"
	run grep -c '"first"' "$BATS_TEST_TMPDIR/rules"
	[ "$output" = 0 ]
	run -0 bridge fdb show br "$(ip -j link show "$(field second .interface)" | jq -r '.[0].master')"
	[ "$(grep -c "$(mac_of inside second)" <<<"$output")" -ge 1 ]
	[ ! -e /proc/net/nf_conntrack ] || ! grep -q 'dport=5007.*10.77.0.77' /proc/net/nf_conntrack
}
