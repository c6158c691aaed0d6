#!/bin/bash
# Copyright (c) 2026, the pg_cmig developers
#
# lint.sh: the time of cmig.lint_sql for scripts of 100 to 20,000 statements.
#
# usage: bench/lint.sh [TIMES]
#
# Needs a running server (PGHOST, PGPORT) and a role that can create databases
# (PGUSER); creates the database cmig_bench_lint and drops it at the end.  The
# script creates tables, indexes, views, and functions, and alters and updates a
# table of 100,000 rows.  Prints the shortest time in the server of TIMES (9) calls,
# in milliseconds, and that of a whole call of psql for 1,000 statements, which
# compares with a linter that is a program; and that of 50 pending revisions over 300
# tables, without and with a rehearsal.

set -eu
export LC_ALL=C
times=${1:-9}
psql="$("${PG_CONFIG:-pg_config}" --bindir)/psql -X -q -v ON_ERROR_STOP=1 -d cmig_bench_lint"
admin="$("${PG_CONFIG:-pg_config}" --bindir)/psql -X -q -d postgres"

$admin -c 'DROP DATABASE IF EXISTS cmig_bench_lint' -c 'CREATE DATABASE cmig_bench_lint' 2>/dev/null
trap '$admin -c "DROP DATABASE IF EXISTS cmig_bench_lint"; rm -f "$file" "$file".*' EXIT
file=$(mktemp)
$psql <<'SQL'
CREATE EXTENSION pg_cmig;
CREATE TABLE account (id bigint PRIMARY KEY, name text);
INSERT INTO account SELECT i, 'x' FROM generate_series(1, 100000) i;
ANALYZE account;
CREATE TABLE script AS
SELECT n, string_agg(CASE i % 10
	WHEN 0 THEN format('CREATE TABLE t%s (id bigint PRIMARY KEY, name text NOT NULL, account_id bigint REFERENCES account)', i)
	WHEN 1 THEN format('CREATE INDEX ON t%s (account_id)', i - 1)
	WHEN 2 THEN format('ALTER TABLE t%s ADD COLUMN c integer', i - 2)
	WHEN 3 THEN format('CREATE INDEX account_%s ON account (name)', i)
	WHEN 4 THEN 'ALTER TABLE account ADD CHECK (id > 0)'
	WHEN 5 THEN format('INSERT INTO t%s SELECT id, name, id FROM account WHERE id < 10', i - 5)
	WHEN 6 THEN format('CREATE VIEW v%s AS SELECT * FROM t%s', i, i - 6)
	WHEN 7 THEN format('UPDATE account SET name = %L WHERE id = %s', 'y', i)
	WHEN 8 THEN format('COMMENT ON TABLE t%s IS %L', i - 8, 'a table')
	ELSE format('CREATE FUNCTION f%s() RETURNS integer LANGUAGE sql AS %L', i, 'SELECT 1') END, E';\n' ORDER BY i) AS text
FROM (VALUES (100), (1000), (10000), (20000)) v(n), generate_series(0, n - 1) i GROUP BY n;
CREATE FUNCTION measure(facts boolean, times integer, OUT statements integer, OUT findings bigint, OUT ms numeric)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	all_ms float8[];
	source text;
BEGIN
	FOR statements, source IN SELECT n, text FROM script ORDER BY n LOOP
		all_ms := '{}';
		FOR i IN 1..times LOOP
			started := clock_timestamp();
			SELECT count(*) INTO findings FROM cmig.lint_sql(source, true, measure.facts);
			all_ms := all_ms || extract(epoch FROM clock_timestamp() - started) * 1000;
		END LOOP;
		SELECT round(min(t)::numeric, 1) INTO ms FROM unnest(all_ms) t;
		RETURN NEXT;
	END LOOP;
END
$$;
SQL
echo "in the server, with facts"
$psql -At -F ' ' -c "SELECT statements, findings, ms FROM measure(true, $times)" | awk '{ printf "%8d statements %8d findings %8.1f ms\n", $1, $2, $3 }'
echo "in the server, without facts"
$psql -At -F ' ' -c "SELECT statements, findings, ms FROM measure(false, $times)" | awk '{ printf "%8d statements %8d findings %8.1f ms\n", $1, $2, $3 }'
for n in 1000 10000; do
	$psql -At -c "SELECT text FROM script WHERE n = $n" >"$file.$n"
done
{ echo 'SELECT * FROM cmig.lint_sql($cmig_lint$'; $psql -At -c "SELECT text FROM script WHERE n = 1000"; echo '$cmig_lint$)'; } >"$file"
# shortest NAME COMMAND...: the shortest time of some runs
shortest()
{
	local name=$1 i start
	shift
	for ((i = 0; i < times; i++)); do
		start=$(date +%s%N)
		"$@" >/dev/null 2>&1 || true
		echo $(($(date +%s%N) - start))
	done | sort -n | awk -v name="$name" '{ t[NR] = $1 } END { printf "%s: %.1f ms\n", name, t[1] / 1e6 }'
}
shortest 'psql, 1,000 statements' $psql -f "$file"
# 50 pending revisions, which add or drop columns of 300 tables with foreign keys
$psql <<'SQL'
SET client_min_messages = warning;
DO $$ BEGIN
	FOR i IN 1..300 LOOP
		EXECUTE format('CREATE TABLE r%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent bigint REFERENCES r%s, name text NOT NULL, amount numeric(12,2) DEFAULT 0)', i, greatest(1, i - 1));
		EXECUTE format('CREATE INDEX ON r%s (name)', i);
	END LOOP;
END $$;
SELECT count(cmig.create_revision('Change', CASE WHEN i % 2 = 0 THEN format('ALTER TABLE r%s ADD COLUMN note text; CREATE INDEX ON r%s (amount)', i, i)
	ELSE format('ALTER TABLE r%s DROP COLUMN amount; CREATE TABLE n%s (id bigint PRIMARY KEY, r bigint REFERENCES r%s)', i, i, i) END, revision => 'r' || i)) FROM generate_series(1, 50) i \g /dev/null
VACUUM ANALYZE;
SQL
shortest 'psql, 50 revisions' $psql -c 'SELECT * FROM cmig.lint()'
shortest 'psql, 50 revisions, with rehearsal' $psql -c 'SELECT * FROM cmig.lint(rehearse => true)'
if [ -n "${SQUAWK:-}" ]; then
	for n in 1000 10000; do
		mv "$file.$n" "$file.$n.sql"
		shortest "squawk, $n statements" "$SQUAWK" "$file.$n.sql"
	done
fi
