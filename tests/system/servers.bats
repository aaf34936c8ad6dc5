# SPDX-License-Identifier: GPL-2.0-or-later
# A whole Debian with the servers that people run in one, and their clients on the host: what these see of an instance is
# what its users see.
# vm: filter=OpenSSH

load ../lib/common
load ../lib/whole

HOST=10.88.0.1 # an address of the host's, the bridge's

setup_file() {
	jail_setup_file
	jail image import --quiet --name servers "$("$TOP/tests/lib/debian-tarball" servers)"
}
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

# serve NAME [OPTION...]: boots it, with all three servers, that systemd starts as Debian has enabled them.
serve() {
	jail create --mode system --image servers "${@:2}" "$1"
	jail start "$1"
	wait_until "$BOOT" settled "$1"
	run -0 inside "$1" systemctl is-system-running
	assert_output running
}
# Lets it be asked from elsewhere, by a role with a password.
open_database() { # NAME
	inside "$1" su - postgres -c "psql -q -v ON_ERROR_STOP=1 -c \"ALTER SYSTEM SET listen_addresses = '*'\" \
		-c \"CREATE ROLE shop LOGIN PASSWORD 'secret'\" -c 'CREATE DATABASE shop OWNER shop'"
	inside "$1" sh -c 'echo "host shop shop all scram-sha-256" >>/etc/postgresql/15/main/pg_hba.conf
		systemctl restart postgresql@15-main'
}
sql() { # ADDRESS PORT STATEMENT...: asked by the host's client
	local statement statements=()

	for statement in "${@:3}"; do statements+=(-c "$statement"); done
	PGPASSWORD=${PASSWORD-secret} PGCONNECT_TIMEOUT=$JAIL_TIMEOUT timeout "$JAIL_TIMEOUT" \
		psql -X -q -A -t -w -v ON_ERROR_STOP=1 -h "$1" -p "$2" -U shop -d shop "${statements[@]}"
}

@test "PostgreSQL answers a client on the host, and has its data after a reboot and after a stop" {
	serve db --port 15432:5432
	local address
	address=$(address_of db)
	# As it is installed it listens to the instance alone.
	run -2 pg_isready -h "$HOST" -p 15432
	assert_output 'no response'
	open_database db
	run -0 pg_isready -h "$HOST" -p 15432
	assert_output 'accepting connections'

	run -0 sql "$HOST" 15432 'SELECT inet_server_addr(), version()'
	assert_output "$address|PostgreSQL 15"
	run -0 sql "$address" 5432 'SELECT inet_server_port()'
	[ "$output" = 5432 ]
	PASSWORD=wrong run ! sql "$HOST" 15432 'SELECT 1'
	assert_output 'password authentication failed'
	# More than fits into one packet or page; shared memory and workers of its own.
	sql "$HOST" 15432 'CREATE TABLE stock AS SELECT i, repeat(md5(i::text), 8) AS what FROM generate_series(1, 20000) AS i' \
		'CREATE INDEX ON stock (i)'
	run -0 sql "$HOST" 15432 'SET force_parallel_mode = on' 'SELECT count(*), max(length(what)) FROM stock'
	[ "$output" = '20000|256' ]

	reboot_inside db systemctl reboot
	wait_until "$BOOT" settled db
	wait_until "$BOOT" pg_isready -q -h "$HOST" -p 15432
	run -0 sql "$HOST" 15432 'SELECT count(*) FROM stock'
	[ "$output" = 20000 ]
	# A stop is a shutdown of the database as well: it has nothing to recover afterwards.
	JAIL_TIMEOUT=$BOOT run -0 jail stop db
	run -2 pg_isready -t 1 -h "$HOST" -p 15432
	jail start db
	wait_until "$BOOT" pg_isready -q -h "$HOST" -p 15432
	run -0 sql "$HOST" 15432 'SELECT what FROM stock WHERE i = 20000' 'DELETE FROM stock WHERE i > 10'
	[ ${#output} -eq 256 ]
	run -0 inside db sh -c 'cat /var/log/postgresql/*.log'
	assert_output 'database system is shut down'
	refute_output 'not properly shut down'
}

@test "nginx serves the host; a service that is enabled survives a reboot, one that is disabled doesn't" {
	serve web --port 18080:80
	local address
	address=$(address_of web)
	inside web sh -c 'head -c 3000000 /dev/urandom >/var/www/html/big; echo "it is $(hostname)" >/var/www/html/name'
	for from in "$HOST:18080" "$address"; do
		run -0 curl -sS -m "$JAIL_TIMEOUT" "http://$from/name"
		[ "$output" = 'it is web' ]
	done
	curl -sS -m "$JAIL_TIMEOUT" -o "$BATS_TEST_TMPDIR/big" "http://$HOST:18080/big"
	[ "$(inside web sha256sum </dev/null /var/www/html/big | cut -c1-64)" = "$(sha256sum <"$BATS_TEST_TMPDIR/big" | cut -c1-64)" ]
	run -0 inside web cat /var/log/nginx/access.log
	assert_output '"GET /name HTTP/1.1" 200'

	# All of it is in the unit's cgroup: root's master, and workers of another user.
	run -0 inside web sh -c 'for p in $(cat /sys/fs/cgroup/system.slice/nginx.service/cgroup.procs); do stat -c %U /proc/$p; done | sort -u'
	[ "$output" = $'root\nwww-data' ]
	inside web sh -c 'sed -i "s,root /var/www/html;,root /srv/www;," /etc/nginx/sites-available/default
		mkdir -p /srv/www; echo elsewhere >/srv/www/name; systemctl reload nginx'
	wait_until 30 serves "$HOST:18080/name" elsewhere

	inside web systemctl disable --quiet postgresql ssh
	reboot_inside web systemctl reboot
	wait_until "$BOOT" settled web
	run -0 curl -sS -m "$JAIL_TIMEOUT" "http://$HOST:18080/name"
	[ "$output" = elsewhere ]
	run -0 inside web systemctl is-active nginx
	run -3 inside web systemctl is-active ssh postgresql@15-main
	[ "$output" = $'inactive\ninactive' ]
}
serves() { [ "$(curl -sS -m 5 "http://$1")" = "$2" ]; }

login_with() { # KEY [OPTION...] USER@HOST COMMAND
	timeout "$JAIL_TIMEOUT" ssh -F none -p 12222 -i "$1" -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR \
		-o UserKnownHostsFile="$BATS_TEST_TMPDIR/known" -o StrictHostKeyChecking=yes "${@:2}"
}

@test "OpenSSH lets the key of the first boot in from the host, into a session of its own" {
	local dir=$BATS_TEST_TMPDIR
	ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
	ssh-keygen -q -t ed25519 -N '' -f "$dir/other"
	serve box --port 12222:22 --file - <<-END
		{ "firstBoot": { "sshKeys": ["$(cat "$dir/key.pub")"] } }
	END
	echo "[$HOST]:12222 $(inside box cat /etc/ssh/ssh_host_ed25519_key.pub)" >"$dir/known"
	run -0 login_with "$dir/key" "root@$HOST" 'id -un; hostname; tail -n 1 /proc/self/cgroup'
	assert_output $'root\nbox\n0::/user.slice/user-0.slice/session-'
	run -0 login_with "$dir/key" -tt "root@$HOST" 'tty; stty -a | head -n 1'
	assert_output '/dev/pts/'
	run -3 login_with "$dir/key" "root@$HOST" 'exit 3'
	head -c 1000000 /dev/urandom >"$dir/sent"
	login_with "$dir/key" "root@$HOST" 'cat >/root/received; cat /root/received' <"$dir/sent" >"$dir/back"
	cmp "$dir/sent" "$dir/back"

	# Another key, and a user who has none.
	run -255 login_with "$dir/other" "root@$HOST" true
	assert_output 'Permission denied'
	inside box useradd -m -s /bin/bash someone
	run -255 login_with "$dir/key" "someone@$HOST" true
	inside box sh -c 'mkdir -m 700 ~someone/.ssh; cp ~/.ssh/authorized_keys ~someone/.ssh/; chown -R someone: ~someone/.ssh'
	run -0 login_with "$dir/key" "someone@$HOST" 'id -un; systemctl --user is-system-running --wait'
	[ "$output" = $'someone\nrunning' ]
	# Who comes is told apart: the journal has both.
	# Not by unit: a session's processes leave that of the server.
	inside box journalctl --sync
	run -0 inside box journalctl -t sshd -o cat --no-pager
	assert_output 'Accepted publickey for root'
	assert_output 'Accepted publickey for someone'
}
