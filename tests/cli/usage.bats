# SPDX-License-Identifier: GPL-2.0-or-later
# Usage: help, options, exit statuses, and every verb with a missing, malformed or unknown name.

load ../lib/common

setup_file() { jail_setup_file; }
teardown_file() { jail_teardown_file; }
teardown() { jail_teardown; }

# Verbs that want the name of one existing instance first, with what else they need.
named_verbs() {
	cat <<-'END'
		start
		exec NAME true
		attach
		logs
		inspect
		stop
		kill
		restart
		pause
		resume
		wait
		rm
		rename NAME other
	END
}

# each_verb NAME: prints the argument lists with NAME in its place.
with_name() {
	named_verbs | while read -r verb rest; do
		case $rest in
		'') echo "$verb $1" ;;
		*) echo "$verb ${rest/NAME/$1}" ;;
		esac
	done
}

failure_of() {
	case $1 in exec | attach) echo 125 ;; *) echo 1 ;; esac
}

@test "help lists every verb, each verb explains itself, and nothing is over 80 columns" {
	run -0 jail help
	local overview=$output verb
	for verb in create start run exec attach logs ps inspect stats events stop kill restart pause resume wait rm rename \
		"image import" "image list" "image inspect" "image history" "image tag" "image rm" "image prune" \
		"image verify" "image export" "network create" "network list" "network inspect" \
		"network rm" "network check" check gc spec version help; do
		[[ $overview == *"  $verb "* ]] || { echo "not listed: $verb"; return 1; }
		# shellcheck disable=SC2086 # two words
		run -0 jail $verb --help
		assert_output "usage: jail $verb"
		[ -z "$(awk 'length > 80' <<<"$output")" ]
	done
	refute_output _launch
	[ -z "$(awk 'length > 80' <<<"$overview")" ]
}

@test "help of one verb is the same as its --help" {
	run -0 jail help image import
	local one=$output
	run -0 jail image import --help
	[ "$one" = "$output" ]
}

@test "inspect and events: no line is over 80 columns, and nothing is cut" {
	local words
	words=$(printf 'word%d ' {1..60})
	# shellcheck disable=SC2086 # words
	jail create a-name-that-is-rather-long-and-goes-on --image "$IMAGE" -- echo $words "$(printf 'x%.0s' {1..200})"
	run -0 jail inspect a-name-that-is-rather-long-and-goes-on
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	[[ $(tr -s ' \n' ' ' <<<"$output") == *"command echo $words"* ]]
	[[ $(tr -d ' \n' <<<"$output") == *"$(printf 'x%.0s' {1..200})created"* ]]
	grep -q '^            word' <<<"$output"
	run -0 jail image inspect "$IMAGE"
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	run -0 jail events
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	[[ $(tr -s ' \n' ' ' <<<"$output") == *" a-name-that-is-rather-long-and-goes-on id="*" image=$IMAGE"* ]]
}

@test "help of the verbs of images; of what is none: status 2" {
	run -0 jail image --help
	local one=$output
	assert_output "usage: jail image COMMAND"
	assert_output "  image import "
	refute_output "  create"
	run -0 jail help image
	[ "$one" = "$output" ]
	run jail help nope
	assert_error 2 'unknown command "nope"'
	run jail nope --help
	assert_error 2 'unknown command "nope"'
}

@test "usage in an error does not end in a blank" {
	run jail ps web
	assert_error 2 'unexpected argument'
	[[ $output == *"usage: jail ps [OPTIONS]" ]]
}

@test "no verb at all: usage on stderr, status 2" {
	run -2 --separate-stderr jail
	[ -z "$output" ]
	[[ $stderr == *"usage: jail"* ]]
}

@test "an unknown verb names the nearest" {
	run jail strat web
	assert_error 2 'unknown command "strat"'
	assert_output 'jail start'
	run jail image imprt x
	assert_error 2 'unknown command "image imprt"'
	assert_output 'jail image import'
	run jail image
	assert_error 2 'second word'
}

@test "an unknown option names the nearest; a missing or surplus value is an error" {
	run jail ps --jsn
	assert_error 2 '--jsn'
	assert_output 'did you mean --json?'
	run jail stop --timeout
	assert_error 2 'needs a value'
	run jail ps --json=yes
	assert_error 2 'takes no value'
	run jail ps -Z
	assert_error 2 '"-Z"'
	run jail logs --tail many web
	assert_error 2 '--tail'
}

@test "surplus operands are refused" {
	run jail ps web
	assert_error 2 'unexpected argument "web"'
	run jail rename a b c
	assert_error 2 'unexpected argument "c"'
}

@test "usage errors of run and exec are 125" {
	run jail run --nonsense
	assert_error 125 '--nonsense'
	run jail exec web
	assert_error 125 'missing'
}

@test "every verb without a name is a usage error" {
	local verb rest
	while read -r verb rest; do
		run jail "$verb"
		assert_error "$([ "$(failure_of "$verb")" = 125 ] && echo 125 || echo 2)" "$verb"
	done < <(named_verbs)
	run jail create
	assert_error 2 'NAME is missing'
}

@test "every verb with an unknown name says so" {
	local line verb
	while read -r line; do
		verb=${line%% *}
		# shellcheck disable=SC2086 # words
		run jail $line </dev/null
		assert_error "$(failure_of "$verb")" nobody-here
	done < <(with_name nobody-here)
}

@test "every verb with a malformed name says what is wrong with it" {
	local line verb name
	for name in UPPER a/b .. .hidden -- a..b "$(printf 'x%.0s' {1..64})"; do
		while read -r line; do
			verb=${line%% *}
			[ "$name" != -- ] || continue
			# shellcheck disable=SC2086 # words
			run jail $line </dev/null
			assert_error "$(failure_of "$verb")" ""
			[[ $output == *"$name"* || $output == *name* ]] || { echo "$line: $output"; return 1; }
		done < <(with_name "$name")
	done
	run jail create 'bad name' --image busybox true
	assert_error 1 'bad name'
	run jail run --rm --name 'bad/name' --image busybox true
	assert_error 125 'bad/name'
}

@test "a name that would steer the terminal is escaped in the error" {
	run jail inspect $'evil\e[2Jname'
	assert_error 1 'evil'
	refute_output $'\e'
}

@test "names are never abbreviated" {
	jail create webserver --image "$IMAGE" true
	run jail inspect web
	assert_error 1 web
}

@test "several names: each failure is reported, the rest is done" {
	sleeper one
	sleeper two
	run jail stop --timeout 1s one missing two
	assert_error 1 missing
	[ "$(status_of one)" = stopped ]
	[ "$(status_of two)" = stopped ]
}

@test "names and --all exclude each other" {
	run jail stop --all web
	assert_error 2 'not both'
}

@test "a write error of stdout is an error" {
	run -1 bash -c "'$JAIL_BUILD/jail' version --json >/dev/full"
	assert_output 'standard output'
}

@test "a reader that goes away is not reported" {
	local i
	for i in 1 2 3; do
		run --separate-stderr bash -c "set -o pipefail; '$JAIL_BUILD/jail' help | head -n 1"
		[ -z "$stderr" ]
		[ "$status" -eq 0 ]
	done
}

@test "logs and events: a reader that goes away is not reported, a full disk once" {
	jail run --name web --image "$IMAGE" --network none seq 100000 >"$BATS_TEST_TMPDIR/out"
	run -0 --separate-stderr bash -c "set -o pipefail; '$JAIL_BUILD/jail' logs web | head -n 1"
	[ -z "$stderr" ]
	run -0 --separate-stderr bash -c "set -o pipefail; '$JAIL_BUILD/jail' events | head -n 1"
	[ -z "$stderr" ]
	local verb
	for verb in "logs web" events; do
		run -1 bash -c "'$JAIL_BUILD/jail' $verb >/dev/full"
		[ "$output" = "jail: write to standard output: No space left on device" ] || { echo "$verb: $output"; return 1; }
	done
}

@test "closed standard descriptors do no harm" {
	run -0 bash -c "'$JAIL_BUILD/jail' version 0<&- 2>&-"
	assert_output 'jail '
	run bash -c "'$JAIL_BUILD/jail' ps <&- >&- 2>&-; echo \$?"
	[ "$status" -eq 0 ]
}

@test "version, plain and JSON" {
	run -0 jail version
	[[ $output =~ ^jail\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	run -0 jail --version
	[[ $output =~ ^jail\ [0-9] ]]
	run -0 jail version --json
	[ "$(jq -r .name <<<"$output")" = jail ]
}

@test "options of the program are the program's" {
	run -0 jail run --rm --image "$IMAGE" --network none echo --rm -x -- --json
	[ "$output" = "--rm -x -- --json" ]
	sleeper web
	run -0 jail exec web -- echo -t -i
	[ "$output" = "-t -i" ]
	run -0 jail exec web echo --help
	[ "$output" = --help ]
	run -127 jail exec web --help
	run -125 jail exec web --
}

@test "a configuration with an unknown key, a missing file, or bad JSON is an error" {
	echo '{"stateDri": "/x"}' >"$BATS_TEST_TMPDIR/c.json"
	run jail --config "$BATS_TEST_TMPDIR/c.json" ps
	assert_error 1 'stateDri'
	assert_output 'stateDir'
	run jail --config "$BATS_TEST_TMPDIR/none.json" ps
	assert_error 1 'none.json'
	echo '{' >"$BATS_TEST_TMPDIR/c.json"
	run jail ps --config "$BATS_TEST_TMPDIR/c.json"
	assert_error 1 'c.json:'
}

@test "run --detach and spec have --json as well; --validate takes no operand" {
	run -0 jail run --detach --json --name web --image "$IMAGE" --network none sleep 1000
	[ "$(jq -r .name <<<"$output")" = web ]
	[ "$(jq -r .id <<<"$output")" = "$(field web .id)" ]
	[ "$(jq -r 'keys | join(" ")' <<<"$output")" = "id name" ]
	run jail run --json --image "$IMAGE" true
	assert_error 125 '--detach'
	run -0 jail spec web
	local one=$output
	run -0 jail spec --json web
	[ "$one" = "$output" ]
	jail spec web >"$BATS_TEST_TMPDIR/a.json"
	run -0 jail spec --validate "$BATS_TEST_TMPDIR/a.json"
	run jail spec --validate "$BATS_TEST_TMPDIR/a.json" extra
	assert_error 2 'unexpected argument "extra"'
}

@test "import of a directory says how to pack it" {
	run jail image import /etc --name h
	assert_error 1 'is a directory'
	assert_output 'tar -C /etc -c . | jail image import - --name h'
}

@test "only root may do what needs root" {
	cp "$JAIL_BUILD/jail" "$BATS_TEST_TMPDIR/jail"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/jail"
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" 2>/dev/null || :
	run setpriv --reuid 65534 --clear-groups env -u JAIL_CONFIG "$BATS_TEST_TMPDIR/jail" ps
	assert_error 1 'root'
	run -0 setpriv --reuid 65534 --clear-groups env -u JAIL_CONFIG "$BATS_TEST_TMPDIR/jail" version
}
