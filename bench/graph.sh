#!/bin/bash
# Copyright (c) 2026, the pg_cmig developers
#
# graph.sh: the cost of reading a large revision graph and planning on it.
#
# usage: bench/graph.sh [PAIRS]
#
# Needs a running server (PGHOST, PGPORT) and a role that can create databases
# (PGUSER); creates the database cmig_bench_graph and drops it at the end.  Uses
# psql from `pg_config --bindir` (PG_CONFIG), because the time of a wrapper in the
# PATH would be included.  Whole calls of psql are timed, with the output to
# /dev/null; each figure is the median of PAIRS (9) interleaved pairs.

set -eu
export LC_ALL=C
pairs=${1:-9}
psql="$("${PG_CONFIG:-pg_config}" --bindir)/psql -X -q -v ON_ERROR_STOP=1 -d cmig_bench_graph"
admin="$("${PG_CONFIG:-pg_config}" --bindir)/psql -X -q -d postgres"

$admin -c 'DROP DATABASE IF EXISTS cmig_bench_graph' -c 'CREATE DATABASE cmig_bench_graph' 2>/dev/null
trap '$admin -c "DROP DATABASE IF EXISTS cmig_bench_graph"' EXIT
$psql -c 'CREATE EXTENSION pg_cmig'

# fill N: ten revisions a block: a line, a fork of three, a merge of them; one
# revision in a hundred also depends on one of the block before.
fill()
{
	$psql <<-SQL
	TRUNCATE cmig.revision, cmig.version;
	INSERT INTO cmig.revision (revision, down_revision, depends_on, message, upgrade_sql, downgrade_sql)
	SELECT 'r' || lpad(i::text, 6, '0'),
		CASE WHEN i = 1 THEN '{}'
			WHEN i % 10 IN (4, 5, 7) THEN ARRAY['r' || lpad((i - i % 10 + 3)::text, 6, '0')]
			WHEN i % 10 = 9 THEN ARRAY['r' || lpad((i - 1)::text, 6, '0'), 'r' || lpad((i - 3)::text, 6, '0'), 'r' || lpad((i - 5)::text, 6, '0')]
			ELSE ARRAY['r' || lpad((i - 1)::text, 6, '0')] END,
		CASE WHEN i % 100 = 50 THEN ARRAY['r' || lpad((i - 14)::text, 6, '0')] ELSE '{}' END,
		'revision number ' || i, '', ''
	FROM generate_series(1, $1) i;
	VACUUM ANALYZE cmig.revision;
	SQL
}

milliseconds()
{
	local begin=$EPOCHREALTIME end
	$psql -o /dev/null "$@" >/dev/null 2>&1
	end=$EPOCHREALTIME
	echo $(((${end/./} - ${begin/./}) / 100))
}

median()
{
	sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] / 10 }'
}

# compare NAME FLOOR-SQL OUR-SQL
compare()
{
	local floor=() ours=() i
	for ((i = 0; i < pairs; i++)); do
		floor+=("$(milliseconds -c "$2")")
		ours+=("$(milliseconds -c "$3")")
	done
	local f o
	f=$(printf '%s\n' "${floor[@]}" | median)
	o=$(printf '%s\n' "${ours[@]}" | median)
	awk -v n="$1" -v f="$f" -v o="$o" 'BEGIN { printf "%-46s %8.1f ms %8.1f ms  %5.2f x\n", n, f, o, o / f }'
}

# memory SQL: how much larger the backend's own memory is at its peak, in MB,
# than that of one that only connects
memory()
{
	local peak idle
	peak=$($psql -At -c "$1" -c "SELECT pg_read_file('/proc/' || pg_backend_pid() || '/status')" | awk '/^VmHWM/ { print $2 }')
	idle=$($psql -At -c "SELECT pg_read_file('/proc/' || pg_backend_pid() || '/status')" | awk '/^VmHWM/ { print $2 }')
	echo $(((peak - idle) / 1024))
}

printf '%-46s %11s %11s\n' '' floor pg_cmig
edges='SELECT revision, down_revision, depends_on FROM cmig.revision'
version='SELECT revision FROM cmig.version'
for n in 10000 100000; do
	fill $n
	compare "plan of $n revisions / their edges" "$edges" "SELECT * FROM cmig.plan('upgrade', 'heads')"
	echo "  memory of that backend above an idle one: $(memory "SELECT count(*) FROM cmig.plan('upgrade', 'heads')") MB"
done

fill 5000
$psql -o /dev/null -c "SELECT cmig.stamp('heads')"
compare "nothing to do at 5000 / cmig.version" "$version" "SELECT * FROM cmig.upgrade('heads')"
compare "current() at 5000 / cmig.version" "$version" 'SELECT * FROM cmig.current()'
