# Copyright (c) 2026, the pg_cmig developers

# Changes of types that change values are a hazard, in the statement in which they do; each is
# run, and what is read back must differ if, and only if, one of the two directions has it.
# Times with and without time zone are converted in the time zone of cmig.diff_time_zone.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('values');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig');

# run(SQL): what psql prints, without NOTICEs and WARNINGs, in a session in another time zone
sub run
{
	return $node->safe_psql('postgres', "SET client_min_messages = error; SET timezone = 'Asia/Tokyo'; SET search_path = s; $_[0]");
}

$node->safe_psql('postgres', <<'END_SQL');
CREATE SCHEMA s;
-- the losses of both directions, and whether the values come back
CREATE FUNCTION s.judge(before text, after text, vals text, OUT up text, OUT down text, OUT back boolean) LANGUAGE plpgsql AS $$
DECLARE
	loss text := '(?:data loss|value change \([^)]*\))';
	old text;
	new text;
	undo text;
	line record;
BEGIN
	EXECUTE 'CREATE SCHEMA x; SET LOCAL search_path = x;' || before || ';' || vals;
	SELECT string_agg(m[1], ', ') INTO down FROM cmig.autogenerate('x', 'SET search_path = x;' || after, schemas => '{x}'),
		regexp_matches(split_part(content, '-- cmig:downgrade', 2), loss, 'g') m;
	EXECUTE 'SELECT string_agg(t::text, chr(10) ORDER BY k) FROM x.t' INTO old;
	FOR line IN SELECT * FROM cmig.diff('SET search_path = x;' || after, '{x}') ORDER BY step LOOP
		up := nullif(concat_ws(', ', up, (SELECT string_agg(m[1], ', ') FROM regexp_matches(line.hazard, loss, 'g') m),
			CASE WHEN line.action = 'unsupported' THEN 'unsupported' END), '');
		EXECUTE coalesce(line.upgrade_sql, 'SELECT 1');
		undo := concat_ws(';', line.downgrade_sql, undo);
	END LOOP;
	EXECUTE coalesce(undo, 'SELECT 1');
	EXECUTE 'SELECT string_agg(t::text, chr(10) ORDER BY k) FROM x.t' INTO new;
	back := old IS NOT DISTINCT FROM new;
	DROP SCHEMA x CASCADE;
END $$;
END_SQL

# columns(ZONE, old type, new type, value, loss of the upgrade, of the downgrade, does the value come back?, ...)
sub columns
{
	my ($zone, @cases) = @_;

	while (my ($old, $new, $value, $up, $down, $back) = splice @cases, 0, 6)
	{
		is(run("SET cmig.diff_time_zone = '$zone'; SELECT * FROM judge('CREATE TABLE t (k int, c $old)', 'CREATE TABLE t (k int, c $new)', \$v\$INSERT INTO t VALUES (1, $value)\$v\$)"),
			join('|', (map { $_ eq '' || $_ eq 'unsupported' ? $_ : "value change ($_)" } $up, $down), $back), "$old -> $new" . ($zone && " in $zone"));
	}
}

my ($rounds, $day, $tz) = ('rounds the values', 'drops the time of day', 'depends on TimeZone');
columns('',
	'numeric(10,4)', 'numeric(10,2)', '1.2345', $rounds, '', 'f', 'numeric(10,2)', 'numeric(12,4)', '1.23', '', $rounds, 't',
	'numeric', 'int', '1.5', $rounds, '', 'f', 'int', 'numeric(10,2)', '7', '', $rounds, 't', 'int', 'numeric(6,-2)', '1234', $rounds, '', 'f', 'int', 'bigint', '7', '', '', 't',
	'float8', 'int', '1.5', $rounds, '', 'f', 'float8', 'numeric(10,2)', '0.123', $rounds, '', 'f', 'float8', 'real', '1.23456789', 'keeps only 6 digits of the values', '', 'f',
	'bigint', 'float8', '9007199254740993', 'keeps only 15 digits of the values', $rounds, 'f', 'numeric(10,2)', 'float8', '1.23', '', $rounds, 't',
	'numeric(10,4)[]', 'numeric(10,2)[]', "'{1.2345}'", $rounds, '', 'f', 'numeric[]', 'int[]', "'{1.5}'", $rounds, '', 'f', 'int[]', 'text[]', "'{1}'", '', '', 't',
	'varchar(100)', 'varchar(10)', "'short'", '', '', 't', 'char(5)', 'text', "'a'", '', '', 't', 'text', 'name', "repeat('x', 80)", 'cuts long values', '', 'f',
	'bit(8)', 'varbit(4)', "B'10101010'", 'cuts long values', 'cuts long values', 'f', 'int', 'boolean', '7', 'keeps only whether a value is 0', '', 'f',
	'json', 'jsonb', q('{"b": 1, "a": 2, "a": 3}'), 'drops the order of keys, and keys that are repeated', '', 'f', 'inet', 'cidr', "'10.1.2.3/8'", 'drops the host part of addresses', '', 'f',
	'timestamp', 'date', "'2024-03-04 05:06:07'", $day, '', 'f', 'timestamptz', 'date', "'2024-03-04 05:06:07'", $day, $tz, 'f', 'date', 'timestamptz', "'2024-03-04'", $tz, $day, 't',
	'timestamp(3)', 'timestamp(0)', "'2024-03-04 05:06:07.123'", 'rounds fractions of seconds', '', 'f', 'interval', 'interval(0)', "'1.5 s'", 'rounds fractions of seconds', '', 'f',
	'timestamp', 'timestamptz', "'2024-03-04 05:06:07'", 'unsupported', '', 't', 'timestamptz', 'timestamp', "'2024-03-04 05:06:07'", 'unsupported', '', 't',
	'timestamp[]', 'timestamptz[]', "'{2024-03-04}'", 'unsupported', '', 't');
columns('Europe/Berlin',
	'timestamp', 'timestamptz', "'2024-03-04 05:06:07'", '', '', 't', 'timestamptz', 'timestamp', "'2024-03-04 05:06:07'", '', '', 't', 'date', 'timestamptz', "'2024-07-04'", '', $day, 't',
	'timestamptz', 'date', "'2024-07-04 05:06'", $day, '', 'f', 'timestamptz(3)', 'timestamp(0)', "'2024-03-04 05:06:07.123'", 'rounds fractions of seconds', '', 'f',
	'timestamp[]', 'timestamptz[]', "'{2024-03-04}'", 'unsupported', '', 't');

my $change = sub { my ($name, $old, $new, $values, $found) = @_; is(run("SET cmig.diff_time_zone = 'UTC'; SELECT * FROM judge(\$a\$$old\$a\$, \$a\$$new\$a\$, \$a\$$values\$a\$)"), $found, $name); };
my $c = 'CREATE TYPE c AS (a numeric(10,4), b timestamptz, d int); CREATE TABLE t (k int, x c)';
my $row = "INSERT INTO t VALUES (1, '(1.2345,2024-03-04 05:06:07,7)')";
$change->('types of attributes', $c, 'CREATE TYPE c AS (a numeric(10,2), b date, d int); CREATE TABLE t (k int, x c)', $row, "value change ($rounds), value change ($day)|value change ($tz)|f");
$change->('a dropped attribute', $c, 'CREATE TYPE c AS (a numeric(10,4), d int); CREATE TABLE t (k int, x c)', $row, 'data loss||f');
$change->('a dropped attribute of a replaced type', $c, 'CREATE TYPE c AS (a numeric(12,4), d int); CREATE TABLE t (k int, x c)', $row, 'value change (drops attributes)||f');
$change->('in an array', "CREATE TYPE c AS (a int, d int); CREATE DOMAIN e AS c; CREATE TABLE t (k int, x c[])", 'CREATE TYPE c AS (a int); CREATE DOMAIN e AS c; CREATE TABLE t (k int, x c[])',
	"INSERT INTO t VALUES (1, ARRAY[ROW(1, 2)::c])", 'data loss||f');
$change->('of a typed table', 'CREATE TYPE c AS (k int, d int); CREATE TABLE t OF c', 'CREATE TYPE c AS (k int); CREATE TABLE t OF c', 'INSERT INTO t VALUES (1, 2)', 'data loss||f');
$change->('of a type that no column has', 'CREATE TYPE c AS (k int, d int); CREATE TABLE t (k int)', 'CREATE TYPE c AS (k int); CREATE TABLE t (k int)', 'INSERT INTO t VALUES (1)', '||t');
$change->('the base type of a domain', 'CREATE DOMAIN d AS numeric(10,4); CREATE TABLE t (k int, x d)', 'CREATE DOMAIN d AS numeric(10,2); CREATE TABLE t (k int, x d)', 'INSERT INTO t VALUES (1, 1.2345)', "value change ($rounds)||f");
$change->('a domain of times without time zone', 'CREATE DOMAIN d AS timestamp; CREATE TABLE t (k int, x d)', 'CREATE DOMAIN d AS timestamptz; CREATE TABLE t (k int, x d)', 'INSERT INTO t VALUES (1, now())', 'unsupported||t');
$change->('another domain', 'CREATE DOMAIN d AS timestamp; CREATE TABLE t (k int, x d)', 'CREATE DOMAIN e AS timestamptz; CREATE TABLE t (k int, x e)', 'INSERT INTO t VALUES (1, now())', '||t');
$change->('the base type instead of the domain', 'CREATE DOMAIN d AS float8; CREATE TABLE t (k int, x d)', 'CREATE DOMAIN d AS float8; CREATE TABLE t (k int, x numeric(10,2))', 'INSERT INTO t VALUES (1, 0.123)',
	"value change ($rounds)||f");
$change->('a generated column is computed again', 'CREATE TABLE t (k int, g float8 GENERATED ALWAYS AS (k / 2.0) STORED)', 'CREATE TABLE t (k int, g int GENERATED ALWAYS AS (k / 2.0) STORED)', 'INSERT INTO t VALUES (1)', '||t');
$change->('partitions', 'CREATE TABLE t (k int, x timestamptz) PARTITION BY LIST (k); CREATE TABLE u PARTITION OF t DEFAULT', 'CREATE TABLE t (k int, x date) PARTITION BY LIST (k); CREATE TABLE u PARTITION OF t DEFAULT',
	"INSERT INTO t VALUES (1, '2024-03-04 05:06')", "value change ($day)||f");

# domains of a schema that is not compared, also of another domain, and of an array: values are converted as those of
# the base type, without USING if PostgreSQL can
run('CREATE SCHEMA y; CREATE DOMAIN y.n AS int; CREATE DOMAIN y.m AS y.n; CREATE DOMAIN y.l AS y.m[]; CREATE DOMAIN y.f AS float8; CREATE DOMAIN y.v AS varchar(9)');
$change->("domains of another schema: $_->[0] to $_->[1]", "CREATE TABLE t (k int, x $_->[0])", "CREATE TABLE t (k int, x $_->[1])", "INSERT INTO t VALUES (1, '$_->[2]')", $_->[3])
  for [ 'y.f', 'numeric(10,2)', '0.123', "value change ($rounds)||f" ], [ 'y.f', 'y.n', '1.5', "value change ($rounds)||f" ], [ 'y.l', 'bigint[]', '{1,2}', '||t' ];
run('CREATE TABLE coded (a y.n, b y.m, c y.m[], d y.l, e int, f y.v, g y.f)');
is(run(q{SELECT string_agg(upgrade_sql || ' / ' || downgrade_sql, E'\n' ORDER BY step) FROM cmig.diff('CREATE TABLE s.coded (a int, b bigint, c int[], d int[], e y.m, f text, g bool)', '{s}') WHERE object ~ 'coded' AND upgrade_sql ~ 'TYPE'}),
	"ALTER TABLE s.coded ALTER COLUMN a TYPE integer / ALTER TABLE s.coded ALTER COLUMN a TYPE y.n\n"
	  . 'ALTER TABLE s.coded ALTER COLUMN b TYPE bigint, ALTER COLUMN c TYPE integer[], ALTER COLUMN d TYPE integer[], ALTER COLUMN e TYPE y.m, '
	  . 'ALTER COLUMN f TYPE text, ALTER COLUMN g TYPE boolean USING g::text::boolean / '
	  . 'ALTER TABLE s.coded ALTER COLUMN b TYPE y.m, ALTER COLUMN c TYPE y.m[], ALTER COLUMN d TYPE y.l, ALTER COLUMN e TYPE integer, '
	  . 'ALTER COLUMN f TYPE y.v, ALTER COLUMN g TYPE y.f USING g::text::y.f', 'domains of another schema');

# the reason, the value of the setting, the functions that write revisions
run('CREATE TABLE moment (at timestamp, n int)');
is(run("SELECT action, kind, object, hazard FROM cmig.diff('CREATE TABLE s.moment (at timestamptz, n int)', '{s}') WHERE object LIKE '%moment'"),
	"unsupported|table|s.moment|at: the time zone of the values is not known; set cmig.diff_time_zone, for example to 'UTC'; the table and its partitions are left unchanged", 'the reason');
is(run("SELECT action, object, hazard FROM cmig.diff('CREATE TABLE s.moment (at timestamptz, n int, m int); CREATE VIEW s.late AS SELECT m FROM s.moment', '{s}') WHERE kind = 'view'"),
	'unsupported|s.late|it depends on column s.moment.m, which is not created', 'a view of a new column of a table that is left unchanged');
like(($node->psql('postgres', "LOAD 'pg_cmig'; SET cmig.diff_time_zone = 'Nowhere'"))[2], qr/Time zone "Nowhere" does not exist/, 'a time zone that does not exist');
is(run("SET cmig.diff_time_zone = 'UTC'; SELECT array_to_string(regexp_matches(string_agg(content, ' ' ORDER BY revision), 'USING .*?;', 'g'), ' ') FROM cmig.autogenerate('x',"
		. " pg_get_functiondef('s.judge'::regproc) || '; CREATE TABLE s.moment (at timestamptz, n int)', schemas => '{s}', stages => true)"),
	"USING at AT TIME ZONE 'UTC';\nUSING at AT TIME ZONE 'UTC';", 'stages');

done_testing();
