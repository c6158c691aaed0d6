# Copyright (c) 2026, the pg_cmig developers

# What schema_sql() and diff() write is right for whoever runs it: privileges that an owner
# has revoked from itself, and conversions with casts of users.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = expand_node('owner_and_casts');
$node->safe_psql('postgres', 'CREATE ROLE app; CREATE ROLE other');

# an owner without its own privileges, whoever that is
new_database($node, 'owned');
sql('owned', <<'SQL');
CREATE SCHEMA x AUTHORIZATION app;
SET search_path = x;
CREATE TABLE one (a int, b int GENERATED ALWAYS AS IDENTITY);
CREATE TABLE two (a int, b int);
CREATE TABLE three (a int) PARTITION BY LIST (a);
CREATE TABLE four PARTITION OF three DEFAULT;
CREATE VIEW v AS SELECT 1 AS a;
CREATE SEQUENCE s;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE mood AS ENUM ('sad');
ALTER TABLE one OWNER TO app; ALTER TABLE two OWNER TO app; ALTER TABLE four OWNER TO app; ALTER VIEW v OWNER TO app;
ALTER SEQUENCE s OWNER TO app; ALTER FUNCTION f OWNER TO app; ALTER TYPE mood OWNER TO app;
SET ROLE app;
REVOKE INSERT ON one FROM app;
REVOKE ALL ON SEQUENCE one_b_seq FROM app;
REVOKE ALL ON two FROM app; GRANT SELECT (a) ON two TO app; GRANT SELECT ON two TO other;
REVOKE DELETE ON four FROM app; REVOKE INSERT ON v FROM app; REVOKE ALL ON s FROM app;
REVOKE EXECUTE ON FUNCTION f FROM app; REVOKE USAGE ON TYPE mood FROM app
SQL
my @differences = map { sql('owned', "SELECT change, upgrade_sql FROM cmig.diff(cmig.schema_sql('{x}', owners => $_), '{x}', owners => $_)") } 'false', 'true';
is($differences[0], '', 'schema_sql() without owners leads to the same privileges');
is($differences[1], '', 'and with them');
my $text = sql('owned', "SELECT cmig.schema_sql('{x}')");
unlike($text, qr/\bapp\b/, 'without owners, it does not name them');
new_database($node, 'made');
sql('made', "GRANT CREATE ON DATABASE made TO other; SET ROLE other; $text");
is(sql('made', q{SELECT has_table_privilege('other', 'x.one', 'INSERT'), has_table_privilege('other', 'x.one', 'SELECT'), has_table_privilege('other', 'x.two', 'INSERT'), has_column_privilege('other', 'x.two', 'a', 'SELECT'), has_sequence_privilege('other', 'x.s', 'USAGE')}),
	'f|t|f|t|f', 'another role runs it: it lacks the same');

# what an owner has revoked from itself is needed to create the rest
new_database($node, 'needed');
sql('needed', <<'SQL');
CREATE SCHEMA x AUTHORIZATION app;
SET ROLE app;
CREATE TYPE x.mood AS ENUM ('sad'); CREATE DOMAIN x.five AS int DEFAULT 5;
CREATE FUNCTION x.plus(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
CREATE AGGREGATE x.total(int) (SFUNC = x.plus, STYPE = int);
CREATE TABLE x.one (a int PRIMARY KEY, b x.mood, c x.five);
CREATE TABLE x.two (a int REFERENCES x.one, b x.mood);
CREATE MATERIALIZED VIEW x.m AS SELECT a, b FROM x.one;
REVOKE ALL ON SCHEMA x FROM app; GRANT USAGE ON SCHEMA x TO app; REVOKE ALL ON TYPE x.mood FROM app; REVOKE ALL ON TYPE x.five FROM PUBLIC, app;
REVOKE ALL ON FUNCTION x.plus FROM PUBLIC, app; REVOKE ALL ON x.one FROM app; GRANT SELECT (a) ON x.one TO app; GRANT INSERT ON x.one TO other
SQL
$text = sql('needed', "SELECT cmig.schema_sql('{x}')");
new_database($node, 'remade');
sql('remade', "GRANT CREATE ON DATABASE remade TO other; SET ROLE other; $text");
is(sql('remade', q{SELECT has_schema_privilege('other', 'x', 'CREATE'), has_schema_privilege('other', 'x', 'USAGE'), has_table_privilege('other', 'x.one', 'SELECT'), has_column_privilege('other', 'x.one', 'a', 'SELECT'), has_table_privilege('other', 'x.one', 'INSERT')}),
	'f|t|f|t|t', 'another role runs that, too');
is(sql('needed', "SELECT change, upgrade_sql FROM cmig.diff(cmig.schema_sql('{x}'), '{x}')"), '', 'and it leads to the same privileges');

# what is only created again keeps what its owner has revoked from itself, also without owners
new_database($node, 'again');
sql('again', <<'SQL');
CREATE SCHEMA x; CREATE TABLE x.t (a int); CREATE VIEW x.v AS SELECT a FROM x.t; GRANT USAGE ON SCHEMA x TO app; ALTER VIEW x.v OWNER TO app;
SET ROLE app; REVOKE INSERT ON x.v FROM app
SQL
sql('again', sql('again', q{SELECT string_agg(upgrade_sql, '; ' ORDER BY step) FROM cmig.diff('CREATE SCHEMA x; CREATE TABLE x.t (a bigint); CREATE VIEW x.v AS SELECT a FROM x.t', '{x}', privileges => false)}));
is(sql('again', q{SELECT relowner::regrole, has_table_privilege('app', 'x.v', 'INSERT'), has_table_privilege('app', 'x.v', 'UPDATE'), format_type(atttypid, NULL)
	FROM pg_class, pg_attribute WHERE oid = 'x.v'::regclass AND attrelid = oid AND attnum > 0}), 'app|f|t|bigint', 'a view that is created again');

# conversions: the casts of a user are those that a user would write
my $casts = <<'SQL';
CREATE TYPE public.mood AS ENUM ('sad', 'glad');
CREATE FUNCTION public.to_number(public.mood) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$SELECT CASE $1 WHEN 'sad' THEN 1 ELSE 2 END$$;
CREATE FUNCTION public.to_mood(int) RETURNS public.mood LANGUAGE sql IMMUTABLE STRICT AS $$SELECT CASE $1 WHEN 1 THEN 'sad' ELSE 'glad' END::public.mood$$;
CREATE CAST (public.mood AS int) WITH FUNCTION public.to_number(public.mood) AS ASSIGNMENT;
CREATE CAST (int AS public.mood) WITH FUNCTION public.to_mood(int);
SQL
my $before = 'CREATE TABLE x.t (a public.mood, b int, c public.mood[], d public.mood, e bigint);';
my $after = 'CREATE TABLE x.t (a int, b public.mood, c int[], d bigint, e public.mood);';
my $no_cast = 'd TYPE bigint USING d::text::bigint, ALTER COLUMN e TYPE public.mood USING e::text::public.mood';
foreach (
	# casts are compared, or not
	[ 'every', 'NULL', "$casts CREATE SCHEMA x; $after" ],
	[ 'one', "'{x}'", "CREATE SCHEMA x; $after" ])
{
	my ($name, $schemas, $target) = @$_;

	new_database($node, $name);
	sql($name, "$casts CREATE SCHEMA x; $before INSERT INTO x.t (a, b, c) VALUES ('glad', 1, '{sad,NULL}')");
	my $step = sql($name, "SELECT upgrade_sql, '!', downgrade_sql FROM cmig.diff(\$target\$$target\$target\$, $schemas) WHERE hazard IS DISTINCT FROM 'x'");
	like($step, qr/^ALTER TABLE x\.t ALTER COLUMN a TYPE integer USING a::integer, ALTER COLUMN b TYPE public\.mood USING b::public\.mood, ALTER COLUMN c TYPE integer\[\] USING c::integer\[\], ALTER COLUMN \Q$no_cast\E\|!/, "$name: a cast of a user is used, otherwise text");
	my ($up, $down) = $step =~ /^(.*?)\|!\|(.*?)$/m;
	sql($name, $up);
	is(sql($name, 'SELECT a, b, c FROM x.t'), '2|sad|{1,NULL}', 'it converts the rows');
	is(sql($name, "SELECT count(*) FROM cmig.diff(\$target\$$target\$target\$, $schemas)"), '0', 'to the target');
	sql($name, $down);
	is(sql($name, 'SELECT a, b, c FROM x.t'), 'glad|1|{sad,NULL}', 'and back');
}
# a cast that the target lacks is not counted on
new_database($node, 'gone');
sql('gone', "$casts CREATE SCHEMA x; CREATE TABLE x.t (a public.mood)");
my $target = $casts =~ s/CREATE CAST.*//gr;
like(sql('gone', "SELECT upgrade_sql FROM cmig.diff(\$target\$$target CREATE SCHEMA x; CREATE TABLE x.t (a int)\$target\$)"), qr/^ALTER TABLE x\.t ALTER COLUMN a TYPE integer USING a::text::integer$/m, 'a cast that is dropped is not used');

# a cast without a function, on which PostgreSQL makes nothing depend
new_database($node, 'plain_casts');
sql('plain_casts', <<'SQL');
CREATE TYPE mood AS ENUM ('1', '2'); CREATE FUNCTION fin(cstring) RETURNS num LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION fout(num) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out'; CREATE TYPE num (INPUT = fin, OUTPUT = fout, LIKE = int4);
CREATE CAST (mood AS int) WITH INOUT; CREATE CAST (num AS int) WITHOUT FUNCTION;
CREATE TABLE a (id int PRIMARY KEY, m mood, n num, ms mood[], d int DEFAULT '1'::mood::int, g int GENERATED ALWAYS AS (n::int + 1) STORED,
	CHECK (m::int > 0), CONSTRAINT c CHECK (ms::int[] <> '{}'));
CREATE INDEX i ON a ((n::int)) WHERE n::int > 3; CREATE STATISTICS st ON (n::int), id FROM a; CREATE POLICY p ON a USING (m::int = 1);
CREATE VIEW v AS SELECT m::int AS m, n::int AS n FROM a; CREATE TABLE b (n num) PARTITION BY RANGE ((n::int)); CREATE DOMAIN five AS int DEFAULT '2'::mood::int;
CREATE FUNCTION f(x int DEFAULT '1'::mood::int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT '2'::mood::int; END;
CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW WHEN (NEW.m::int > 1) EXECUTE FUNCTION tr()
SQL
is(sql('plain_casts', 'SELECT upgrade_sql FROM cmig.diff(cmig.schema_sql())'), '', 'schema_sql() creates a cast before what uses it');
sql('plain_casts', q{SELECT FROM cmig.baseline('So far', '1')});
is(sql('plain_casts', 'SELECT upgrade_sql FROM cmig.drift()'), '', 'and a baseline, too, which can be replayed');
is(sql('plain_casts', 'SELECT problem FROM cmig.round_trip()'), '', 'and reverted');

$node->stop;
done_testing();

