# Copyright (c) 2026, the pg_cmig developers
#
# shellcheck shell=bash
#
# lib.sh
#	  What the benchmarks have in common; to be sourced by bash.
#
# A benchmark uses the server that PGHOST, PGPORT, and PGUSER name (a superuser, with
# pg_cmig installed); `scripts/bench NAME` creates such a server, runs the
# benchmark, and removes the server.  Two commands are compared in pairs
# A B A B ..., and the median of the pairs' ratios counts, because other load on the
# machine affects both in the same way.

PAIRS=${PAIRS:-9}
PSQL=$("${PG_CONFIG:-pg_config}" --bindir)/psql
TEMP=$(mktemp -d "${TMPDIR:-/tmp}/bench.XXXXXX")
trap 'rm -rf "$TEMP"' EXIT

sql()
{
	"$PSQL" -Xq -v ON_ERROR_STOP=1 "$@"
}

# fresh DATABASE: dropped and created again
fresh()
{
	sql -d postgres -c "SET client_min_messages = warning" \
		-c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1"
}

# milliseconds COMMAND...: prints how long it took; its output goes to a file
milliseconds()
{
	local start=$EPOCHREALTIME end

	if ! "$@" >"$TEMP/out" 2>"$TEMP/err"; then
		tail -n 3 "$TEMP/err" >&2
		echo "failed: $*" >&2
		return 1
	fi
	end=$EPOCHREALTIME
	echo $(( (${end/./} - ${start/./}) / 10 )) | sed 's/\(..\)$/.\1/; s/^\./0./'
}

# pair COMMAND-A COMMAND-B: prints both times, as summary wants them.  Each command
# is one string for the shell; which of them runs first changes from pair to
# pair, as the first pays for what was done before.
pair()
{
	local a b

	PAIR=$((${PAIR:-0} + 1))
	if [ $((PAIR % 2)) = 1 ]; then
		a=$(eval "milliseconds $1")
		b=$(eval "milliseconds $2")
	else
		b=$(eval "milliseconds $2")
		a=$(eval "milliseconds $1")
	fi
	echo "$a $b"
}

# summary NAME GOAL: reads lines "a b" (milliseconds), prints the medians, the
# median of a/b with its range, and whether the goal (a ratio, within 5 %; - for
# none) is met
summary()
{
	perl -e '
		my ($name, $goal) = @ARGV;
		my (@a, @b, @r);
		while (<STDIN>) { my ($a, $b) = split; push @a, $a; push @b, $b; push @r, $a / $b }
		my $median = sub { my @s = sort { $a <=> $b } @_; @s % 2 ? $s[$#s / 2] : ($s[@s / 2 - 1] + $s[@s / 2]) / 2 };
		my @s = sort { $a <=> $b } @r;
		my $ratio = $median->(@r);
		printf "%-34s %10.2f %10.2f   %6.3f (%.3f to %.3f, %d pairs)  %s\n", $name,
			$median->(@a), $median->(@b), $ratio, $s[0], $s[-1], scalar @r,
			$goal eq "-" ? "" : $ratio <= $goal * 1.05 ? "goal $goal: met" : "goal $goal: MISSED";
	' "$1" "$2"
}

header()
{
	printf '%-34s %10s %10s   %s\n' "$1" "$2" "$3" "ratio of pairs"
}
