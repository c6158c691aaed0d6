# Copyright (c) 2026, the pg_cmig developers

# cmig.workload_check with the queries of pg_stat_statements: texts without their values,
# roles and their settings, what the caller cannot see, texts that are gone; and three
# outages that it would have prevented.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('counted', 'autovacuum = off', 'jit = off', "shared_preload_libraries = 'pg_stat_statements'", 'pg_stat_statements.max = 100');
$node->start;

# as a role: returns the rows, and the errors and notices
sub session
{
	my ($role, @statements) = @_;
	my ($stdout, $stderr);

	$node->psql('shop', join(";\n", @statements), stdout => \$stdout, stderr => \$stderr, extra_params => [ '-U', $role ], on_error_stop => 0);
	$stderr =~ s/^psql:<stdin>:\d+: //mg;
	return wantarray ? ($stdout, $stderr) : $stdout;
}

# forgets what was counted, lets a role run queries, and judges them with a revision
sub judge
{
	my ($revision, $caller, $columns, %queries) = @_;

	$node->safe_psql('shop', 'SELECT pg_stat_statements_reset()');
	session($_, @{ $queries{$_} }) foreach sort keys %queries;
	$node->safe_psql('shop', "DELETE FROM cmig.revision; INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('r1', \$r\$$revision\$r\$)");
	return session($caller, "SELECT $columns FROM cmig.workload_check() WHERE query !~ 'pg_stat_statements|cmig' ORDER BY query");
}

$node->safe_psql('postgres', <<'END_SQL');
CREATE ROLE regress_owner LOGIN;
CREATE ROLE regress_app LOGIN;
CREATE ROLE regress_other LOGIN;
CREATE DATABASE shop OWNER regress_owner;
END_SQL
$node->safe_psql('shop', 'CREATE EXTENSION pg_stat_statements');
session('regress_owner', <<'END_SQL');
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
CREATE SCHEMA other;
CREATE TABLE shop.person (id integer PRIMARY KEY, name text, note text, born date);
CREATE TABLE shop.visit (id integer PRIMARY KEY, person integer REFERENCES shop.person, place text, at timestamptz);
CREATE INDEX visit_person ON shop.visit (person);
CREATE TABLE other.person (id integer PRIMARY KEY, note integer);
INSERT INTO shop.person SELECT g, 'n' || g, 'x', '2000-01-01'::date + g % 999 FROM generate_series(1, 5000) g;
INSERT INTO shop.visit SELECT g, g % 5000 + 1, 'here', '2026-01-01'::timestamptz + g * interval '1 min' FROM generate_series(1, 50000) g;
GRANT USAGE ON SCHEMA shop, other TO regress_app, regress_other;
GRANT ALL ON ALL TABLES IN SCHEMA shop, other TO regress_app, regress_other;
ANALYZE shop.person, shop.visit;
END_SQL
$node->safe_psql('shop', 'ALTER ROLE regress_app SET search_path = shop; ALTER ROLE regress_other SET search_path = other');

# 1. a column is dropped that a job still reads
my ($rows, $notices) = judge('ALTER TABLE shop.person DROP COLUMN note', 'postgres', 'calls, verdict, sqlstate, query, detail',
	regress_app => [ ('SELECT note FROM person WHERE id = 1') x 3, 'SELECT name FROM person WHERE id = 1' ],
	regress_other => ['SELECT note FROM person WHERE id = 1']);
is($rows, '1|same_plan||SELECT name FROM person WHERE id = $1|
3|breaks|42703|SELECT note FROM person WHERE id = $1|revision r1, statement 1, line 1: column "note" does not exist
1|same_plan||SELECT note FROM person WHERE id = $1|', 'a job reads a column that is dropped; names are those of each role');
is($notices, '', 'everything was seen');

# 2. an index is dropped that a frequent query uses
is(scalar judge('DROP INDEX shop.visit_person', 'postgres', q{verdict, cost_after > 10 * cost_before, query, detail ~ 'visit_person'},
		regress_app => [ 'SELECT place FROM visit WHERE person = 7', "SELECT 'x'" ]),
	"same_plan|f|SELECT \$1|\nslower|t|SELECT place FROM visit WHERE person = \$1|t", 'a query needs an index that is dropped');

# 3. a type is changed on one side of a join, whose index is no longer used
is(scalar judge('ALTER TABLE shop.visit DROP CONSTRAINT visit_person_fkey; ALTER TABLE shop.person ALTER id TYPE numeric', 'postgres', q{verdict, query, detail ~ 'until ANALYZE'},
		regress_app => [ 'SELECT v.place FROM person p JOIN visit v ON v.person = p.id WHERE p.name = \'n1\'' ]),
	'slower|SELECT v.place FROM person p JOIN visit v ON v.person = p.id WHERE p.name = $1|f', 'a join no longer uses an index');
is(scalar judge('ALTER TABLE shop.visit ALTER person TYPE bigint', 'postgres', 'verdict, query',
		regress_app => [ 'SELECT v.place FROM person p JOIN visit v ON v.person = p.id WHERE p.id = 1', 'SELECT id, person FROM visit WHERE person = 1' ]),
	"changes_result|SELECT id, person FROM visit WHERE person = \$1\nsame_plan|SELECT v.place FROM person p JOIN visit v ON v.person = p.id WHERE p.id = \$1", 'but with bigint it does');
# what it is slower with ends with ANALYZE
$node->safe_psql('shop', q{DELETE FROM cmig.revision; INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('r1', 'ALTER TABLE shop.visit ALTER id TYPE bigint')});
my $visits = q{SELECT verdict, detail ~ '(^|\n)until ANALYZE, the plan changes', query FROM cmig.workload_check(queries => ARRAY['SELECT count(*) FROM shop.visit WHERE id < 100',
	'DELETE FROM shop.visit WHERE id BETWEEN $1 AND $2', 'SELECT id, place FROM shop.visit WHERE id < 50', 'SELECT place FROM shop.visit WHERE id = $1']) ORDER BY query};
is($node->safe_psql('shop', $visits), 'slower|t|DELETE FROM shop.visit WHERE id BETWEEN $1 AND $2
slower|t|SELECT count(*) FROM shop.visit WHERE id < 100
changes_result|t|SELECT id, place FROM shop.visit WHERE id < 50
same_plan||SELECT place FROM shop.visit WHERE id = $1', 'a wider number is only slower until ANALYZE');

# the values of one type are not found among those of another one that has other values
$node->safe_psql('shop', q{CREATE TABLE shop.few AS SELECT ('v' || g % 5)::char(5) AS n, g AS id FROM generate_series(1, 10000) g;
	CREATE INDEX ON shop.few (n); ANALYZE shop.few});
foreach my $type ('text', 'varchar')
{
	$node->safe_psql('shop', "UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE shop.few ALTER n TYPE $type'");
	is($node->safe_psql('shop', q{SELECT verdict FROM cmig.workload_check(queries => ARRAY[$$SELECT id FROM shop.few WHERE n = 'v3'$$])}),
		'same_plan', "char(5) to $type");
}
$node->safe_psql('shop', 'DROP TABLE shop.few');

# an application that sets search_path by itself; since 18, pg_stat_statements leaves out the value
my $path = $node->pg_version >= 18 ? '$1' : 'shop';
is(scalar judge('ALTER TABLE shop.person DROP COLUMN note', 'postgres', 'verdict, query, detail', regress_other => [ 'SET search_path = shop', 'SELECT born, note FROM person' ]),
	qq{breaks|SELECT born, note FROM person|search_path = shop, public: revision r1, statement 1, line 1: column "note" does not exist
not_judged|SET search_path = $path|before the upgrade: a utility statement has no plan}, 'the first schema in which a query is found');

# literals of types
is(scalar judge('ALTER TABLE shop.visit DROP COLUMN place', 'postgres', 'verdict, query',
		regress_app => [ "SELECT count(*) FROM visit WHERE at > timestamptz '2026-01-05' - interval '1' day", "SELECT count(*) FROM person WHERE born = date '2000-01-01'",
			"SELECT place FROM visit WHERE at > now() - interval '1 hour 2 min'", "SELECT count(*) FROM visit WHERE at > now() - interval '2' hour to minute", "SELECT extract(year FROM at) FROM visit WHERE Extract(dow from at) = 1" ]),
	'same_plan|SELECT count(*) FROM person WHERE born = date $1
same_plan|SELECT count(*) FROM visit WHERE at > now() - interval $1 hour to minute
same_plan|SELECT count(*) FROM visit WHERE at > timestamptz $1 - interval $2 day
same_plan|SELECT extract($1 FROM at) FROM visit WHERE Extract($2 from at) = $3
breaks|SELECT place FROM visit WHERE at > now() - interval $1', 'literals after the name of their type');

# expressions of which pg_stat_statements replaces the literals only in one place, or by
# different parameters
my @grouped = ("SELECT date_trunc('day', at), count(*) FROM visit GROUP BY date_trunc('day', at) ORDER BY date_trunc('day', at)",
	"SELECT coalesce(place, 'x') || '-' || coalesce(p.name, 'y') FROM visit v JOIN person p ON p.id = v.person AND coalesce(place, 'x') <> '' GROUP BY coalesce(place, 'x') || '-' || coalesce(p.name, 'y') HAVING max(at) > '2026-01-01'",
	"SELECT DISTINCT ON (left(name, 1)) born FROM person ORDER BY left(name, 1), born", "SELECT DISTINCT upper(left(name, 2)) FROM person ORDER BY upper(left(name, 2))",
	"SELECT * FROM (SELECT id % 10 AS a, id % 20, at FROM visit GROUP BY id % 10, id % 20, at) s WHERE a > 3 UNION ALL SELECT 1, 1, (SELECT max(born) + substr(name, 2)::int FROM person GROUP BY substr(name, 2)::int LIMIT 1)",
	"SELECT extract(year FROM at), extract(dow FROM at) FROM visit GROUP BY extract(year FROM at), extract(dow FROM at) HAVING extract(dow FROM at) > 3 ORDER BY count(*), extract(year FROM at)",
	"SELECT date_trunc('month', born) + interval '1 day', sum(sum(id)) OVER (PARTITION BY date_trunc('month', born)) FROM person GROUP BY date_trunc('month', born)", "SELECT count(*), left(note, 3) FROM person GROUP BY left(note, 3), note");
is(scalar judge('SELECT 1', 'postgres', q{verdict, sqlstate, detail}, regress_app => \@grouped), join("\n", map { 'same_plan||' } @grouped), 'literals in GROUP BY and DISTINCT');
is(scalar judge('ALTER TABLE shop.person DROP COLUMN note; ALTER TABLE shop.visit ALTER at TYPE timestamp', 'postgres', q{verdict, sqlstate, split_part(detail, E'\n', 1)}, regress_app => [@grouped[0, 2, 7]]),
	'same_plan||
breaks|42703|revision r1, statement 1, line 1: column "note" does not exist
changes_result|0A000|the columns of the result change from (date_trunc timestamp with time zone, count bigint) to (date_trunc timestamp without time zone, count bigint): statements that open connections have prepared fail until they reconnect or DEALLOCATE ALL', 'they are judged like others');
# others fail as they would
is(scalar judge('ALTER TABLE shop.visit DROP CONSTRAINT visit_pkey', 'postgres', q{verdict, sqlstate, split_part(detail, E'\n', 1)}, regress_app => ["SELECT left(place, 2) FROM visit GROUP BY id, left(place, 3)"]),
	'breaks|42803|revision r1, statement 1, line 1: column "visit.place" must appear in the GROUP BY clause or be used in an aggregate function', 'GROUP BY loses its key');
is($node->safe_psql('shop', q{SET search_path = shop; SELECT query, verdict, detail FROM cmig.workload_check(queries => ARRAY['SELECT $1 || name FROM person GROUP BY $2', 'SELECT left(name, 5) FROM person GROUP BY left(name, 6)',
	'SELECT left(name, $1), id FROM person GROUP BY left(name, $2)', 'SELECT left(name, $1) FROM person GROUP BY left(note, $2)', 'SELECT $1::text, $2::text FROM person GROUP BY left(name, $3), $4::text']) ORDER BY query}),
	'SELECT $1 || name FROM person GROUP BY $2|not_judged|before the upgrade: column "person.name" must appear in the GROUP BY clause or be used in an aggregate function
SELECT $1::text, $2::text FROM person GROUP BY left(name, $3), $4::text|same_plan|
SELECT left(name, $1) FROM person GROUP BY left(note, $2)|not_judged|before the upgrade: column "person.name" must appear in the GROUP BY clause or be used in an aggregate function
SELECT left(name, $1), id FROM person GROUP BY left(name, $2)|not_judged|before the upgrade: column "person.id" must appear in the GROUP BY clause or be used in an aggregate function
SELECT left(name, 5) FROM person GROUP BY left(name, 6)|not_judged|before the upgrade: column "person.name" must appear in the GROUP BY clause or be used in an aggregate function', 'queries that never ran');

# what pg_dump asks of the catalogs is not listed if it cannot be analyzed, as 'substr(o, $1 + $2)'
is($node->safe_psql('shop', q{SET search_path = shop; SELECT query, verdict FROM cmig.workload_check(queries => ARRAY['SELECT substr(relname, $1 + $2) FROM pg_catalog.pg_class JOIN pg_type ON true',
	'SELECT substr(name, $1 + $2) FROM person, pg_class', 'SELECT substr(relname, $1 FROM pg_class', 'SELECT relname FROM pg_class', 'SELECT $1 + $2', 'SELECT a FROM pg_mine']) ORDER BY query}),
	'SELECT $1 + $2|not_judged
SELECT a FROM pg_mine|not_judged
SELECT relname FROM pg_class|same_plan
SELECT substr(name, $1 + $2) FROM person, pg_class|not_judged
SELECT substr(relname, $1 FROM pg_class|not_judged', 'queries of catalogs');

# parameters that can have any type
is(scalar judge('ALTER TABLE shop.person DROP COLUMN note', 'postgres', q{verdict, query},
		regress_app => [ "SELECT jsonb_build_object('id', id, 'name', name) FROM person", "SELECT format('%s: %s', 'x', note) FROM person", "SELECT concat('a', 'b')" ]),
	'same_plan|SELECT concat($1, $2)
breaks|SELECT format($1, $2, note) FROM person
same_plan|SELECT jsonb_build_object($1, id, $2, name) FROM person', 'literals that can have any type');

# extended statistics: how many rows a query returns decides between joins
$node->safe_psql('shop', <<'END_SQL');
CREATE TABLE shop.place (country integer, city integer, region integer, filler text);
INSERT INTO shop.place SELECT g % 100, g % 100, g % 100, 'x' FROM generate_series(1, 20000) g;
CREATE STATISTICS shop.place_stat (dependencies, ndistinct, mcv) ON country, city, region FROM shop.place;
ANALYZE shop.place;
END_SQL
my $query = 'SELECT * FROM shop.place a JOIN shop.place b ON a.filler = b.filler WHERE a.country = 1 AND a.city = 1 AND a.region = 1';
my $plan = $node->safe_psql('shop', "EXPLAIN $query");
my ($cost) = $plan =~ /cost=[\d.]+\.\.([\d.]+)/;
judge('DROP STATISTICS shop.place_stat', 'postgres', 'verdict');
is(session('postgres', "SELECT verdict, cost_before = $cost, cost_after < cost_before / 10 FROM cmig.workload_check(queries => '{$query}')"), 'faster|t|t', 'extended statistics');
$node->safe_psql('shop', 'DROP TABLE shop.place');

# queries in the bodies of functions
session('regress_owner', <<'END_SQL');
CREATE FUNCTION shop.note_of(id integer) RETURNS text LANGUAGE sql STABLE SET search_path = shop AS 'SELECT note FROM person WHERE person.id = note_of.id';
CREATE FUNCTION shop.places(integer) RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC DELETE FROM shop.visit WHERE id < 0; SELECT place FROM shop.visit WHERE person = $1; END;
CREATE FUNCTION shop.people() RETURNS TABLE (id integer, name text, note text, born date) LANGUAGE sql AS 'SET work_mem = 100; SELECT * FROM shop.person';
CREATE FUNCTION shop.nothing() RETURNS integer LANGUAGE sql AS 'SELECT count(*)::integer FROM shop.visit; SELECT 1';
CREATE FUNCTION shop.longer() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM note FROM shop.person; END';
CREATE FUNCTION shop.gone() RETURNS bigint LANGUAGE sql AS 'SELECT count(note) FROM shop.person';
CREATE FUNCTION shop.any(anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT $1 FROM shop.person';
END_SQL
is(scalar judge('DROP FUNCTION shop.gone; ALTER TABLE shop.visit RENAME COLUMN place TO spot; ALTER TABLE shop.person DROP COLUMN note, ADD COLUMN more text, ADD COLUMN more2 text; DROP INDEX shop.visit_person', 'regress_owner',
		q{verdict, sqlstate, regexp_replace(query, '\s+', ' ', 'g'), regexp_replace(detail, E'\n.*|: [0-9]+$', '')}),
	'not_judged||<insufficient privilege>|queries of role postgres that are not visible
same_plan||DELETE FROM shop.visit WHERE (visit.id < 0)|function shop.places(integer)
same_plan||FUNCTION shop.longer()|function shop.longer()
not_judged|42804|SELECT $1 FROM shop.person|function shop."any"(anyelement): before the upgrade: could not determine actual type of argument declared anyelement
breaks|42P13|SELECT * FROM shop.person|function shop.people(): revision r1, statement 3, line 1: return type mismatch in function declared to return record
same_plan||SELECT 1|function shop.nothing()
same_plan||SELECT count(*)::integer FROM shop.visit|function shop.nothing()
not_judged|42883|SELECT count(note) FROM shop.person|function shop.gone(): it is dropped or replaced, or was not copied
breaks|42703|SELECT note FROM person WHERE person.id = note_of.id|function shop.note_of(integer): revision r1, statement 3, line 1: column "note" does not exist
breaks|42703|SELECT note FROM shop.person|function shop.longer(), line 1: revision r1, statement 3, line 1: column "note" does not exist
slower||SELECT visit.place FROM shop.visit WHERE (visit.person = $1)|function shop.places(integer): the plan changes:
not_judged|0A000|SET work_mem = 100|function shop.people(): before the upgrade: a utility statement has no plan', 'queries in functions');
session('regress_owner', 'DROP FUNCTION shop.note_of, shop.places, shop.people, shop.nothing, shop.longer, shop.gone, shop.any');

# no code of a role runs: neither checks of types in the body of a function, nor a
# function that the role has added to its extension
$node->safe_psql('postgres', 'GRANT CREATE ON DATABASE shop TO regress_app');
session('regress_app', <<'END_SQL');
CREATE SCHEMA app;
CREATE EXTENSION hstore SCHEMA app;
CREATE SEQUENCE app.called;
CREATE FUNCTION app.loud(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM nextval(''app.called''); RETURN true; END';
CREATE DOMAIN app.number AS integer CHECK (app.loud(VALUE));
CREATE FUNCTION app.one() RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM nextval(''app.called''); RETURN 1; END';
ALTER EXTENSION hstore ADD FUNCTION app.one();
SET check_function_bodies = off;
CREATE FUNCTION app.literal() RETURNS integer LANGUAGE sql AS $$SELECT '3'::app.number::integer$$;
END_SQL
judge('ALTER TABLE shop.visit DROP COLUMN place', 'regress_owner', 'query', regress_app => ["SELECT id FROM visit WHERE id = app.one()", "SELECT '3'::app.number"]);
my $called = $node->safe_psql('shop', 'SELECT last_value FROM app.called');
is(session('postgres', q{SELECT verdict, query, split_part(detail, ',', 1) FROM cmig.workload_check() WHERE query ~ 'app\.[^c]' AND query !~ '^FUNCTION' ORDER BY query}),
	q{same_plan|SELECT $1::app.number|
same_plan|SELECT '3'::app.number::integer|function app.literal()
not_judged|SELECT id FROM visit WHERE id = app.one()|function app.one() is not called}, 'code of a role');
is($node->safe_psql('shop', 'SELECT last_value FROM app.called'), $called, 'was not called');
$node->safe_psql('shop', 'DROP SCHEMA app CASCADE');

# privileges are those of the role that ran the query
my @run = (regress_app => ['SELECT name FROM person'], regress_other => ['SELECT name FROM shop.person']);
my $revoke = 'REVOKE SELECT ON shop.person FROM regress_other; CREATE POLICY p ON shop.person TO regress_app USING (id = 1); ALTER TABLE shop.person ENABLE ROW LEVEL SECURITY';
is(scalar judge($revoke, 'postgres', q{verdict, query, sqlstate, regexp_replace(detail, E'\n.*', '')}, @run),
	"faster|SELECT name FROM person||the plan changes:\nbreaks|SELECT name FROM shop.person|42501|revision r1, statement 1, line 1: permission denied for table person", 'privileges and policies of roles');
($rows, $notices) = judge($revoke, 'regress_owner', 'verdict, detail', @run);
is(join("\n", sort map { s/: \d+$//r } split /\n/, $rows), join("\n", map { "not_judged|queries of role $_ that are not visible" } qw(postgres regress_app regress_other)),
	'the owner does not see queries of other roles');
like($notices, qr/^NOTICE:  \d queries of other roles are not visible\nHINT:  GRANT pg_read_all_stats TO regress_owner$/, 'as a notice says');
$node->safe_psql('shop', 'GRANT pg_read_all_stats TO regress_owner');
($rows, $notices) = judge($revoke, 'regress_owner', 'verdict, query', @run);
is($rows, "same_plan|SELECT name FROM person\nsame_plan|SELECT name FROM shop.person", 'unless a superuser allows it');
like($notices, qr/^NOTICE:  queries of other roles are judged with the privileges of role "regress_owner"\nHINT:  GRANT regress_\w+, regress_\w+ TO regress_owner$/m, 'with its own privileges, without those of superusers');
$node->safe_psql('shop', 'GRANT regress_app, regress_other TO regress_owner');
is(scalar judge($revoke, 'regress_owner', 'verdict, query', @run), "faster|SELECT name FROM person\nbreaks|SELECT name FROM shop.person", 'unless it is a member of the roles');

# queries that are no longer counted, and texts that are gone
$node->safe_psql('shop', join ';', map { 'SELECT ' . 'id, ' x $_ . 'name FROM shop.person LIMIT 0' } 1 .. 300);
is(session('postgres', q{SELECT count(*) BETWEEN 20 AND 100, bool_and(verdict = 'same_plan') FROM cmig.workload_check() WHERE query ~ '^SELECT id, '}), 't|t', 'some queries are no longer counted');
unlink $node->data_dir . '/pg_stat_tmp/pgss_query_texts.stat';
is(session('postgres', 'SELECT count(*) FROM cmig.workload_check()'), '0', 'no texts, no queries');
$node->safe_psql('shop', 'SELECT pg_stat_statements_reset()');
session('regress_app', 'SELECT name FROM person');
is(session('postgres', q{SELECT verdict FROM cmig.workload_check() WHERE query = 'SELECT name FROM person'}), 'faster', 'counted again');

# a role that is gone
session('regress_other', 'SELECT note FROM person');
$node->safe_psql('shop', q{DROP OWNED BY regress_other; DROP ROLE regress_other; UPDATE cmig.revision SET upgrade_sql = 'SELECT 1'});
is(session('postgres', q{SELECT verdict, sqlstate, detail FROM cmig.workload_check() WHERE query = 'SELECT note FROM person'}), 'same_plan||search_path = other, public', 'the settings of a role that was dropped are not known, so that each schema is tried');

# expressions in GROUP BY are compared with those in the rest of the query, pair by pair
SKIP:
{
	skip 'the most memory that a process took is read from /proc', 2 unless -r '/proc/self/status';
	my $peak = q{SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\s+(\d+)'))[1]};
	my $pairs = q{SELECT verdict, sqlstate FROM cmig.workload_check(queries => ARRAY[format('SELECT %s FROM shop.person GROUP BY %s',
		(SELECT string_agg('lower(name || $' || g || ')', ', ') FROM generate_series(1, 600) g), (SELECT string_agg('lower(upper(name || $' || g || '))', ', ') FROM generate_series(1001, 1600) g))])};
	my ($before, $verdict, $after) = split /\n/, session('postgres', $peak, $pairs, $peak);
	is($verdict, 'not_judged|42803', 'many expressions in GROUP BY');
	cmp_ok($after - $before, '<', 150_000, 'take little memory');
}

# the live columns' values decide: an index that finds few rows for one value, and is not used for another
$node->safe_psql('postgres', 'CREATE DATABASE skewed');
$node->safe_psql('skewed', q{CREATE EXTENSION pg_cmig;
CREATE TABLE item (id int, kind text);
INSERT INTO item SELECT i, CASE WHEN i % 1000 = 0 THEN 'rare' ELSE 'common' END FROM generate_series(1, 100000) i;
CREATE INDEX item_kind ON item (kind);
VACUUM ANALYZE item;
SELECT cmig.create_revision('drop', 'DROP INDEX item_kind', '', revision => '001')});
is($node->safe_psql('skewed', q{SELECT verdict, query FROM cmig.workload_check(queries => ARRAY[
'SELECT id FROM item WHERE kind = ''rare''', 'SELECT id FROM item WHERE kind = ''common'''])}),
	"slower|SELECT id FROM item WHERE kind = 'rare'\nsame_plan|SELECT id FROM item WHERE kind = 'common'", 'statistics have values');

done_testing();
