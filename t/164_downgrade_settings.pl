# Copyright (c) 2026, the pg_cmig developers

# A downgrade that is generated from lines "cmig:down" finds the names and values that the script of the
# revision finds: what the script sets above these lines is set again, or nothing is generated.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('downgrade_settings');

$node->start;
$node->safe_psql('postgres', $_) for 'CREATE ROLE eve LOGIN', 'CREATE DATABASE base';
$node->safe_psql('base', <<'END_SQL');
CREATE EXTENSION pg_cmig;
GRANT CREATE ON SCHEMA public TO eve;
CREATE SCHEMA s;
SELECT FROM cmig.create_revision('tables', $$CREATE TABLE s.t (id int, v int, w text); CREATE TABLE public.t (v int);
	CREATE TYPE s.mood AS ENUM ('a', 'c'); CREATE TABLE s.feeling (m s.mood); CREATE SEQUENCE s.one; CREATE SEQUENCE s.two;
	CREATE TABLE s.p (a int, c text, d text) PARTITION BY LIST (a); CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES IN (1); CREATE TABLE s.p2 (a int, c text, d text);
	CREATE TABLE s.parent (c text); CREATE TABLE s.child () INHERITS (s.parent); CREATE TYPE s.pair AS (x text, y text); CREATE TABLE s.pairs (p s.pair[]);
	CREATE FUNCTION s.path() RETURNS void LANGUAGE sql AS $f$SELECT set_config('search_path', 's', false)$f$;
	CREATE PROCEDURE s.path_too() LANGUAGE plpgsql AS $f$BEGIN SET search_path = s; END$f$;
	CREATE FUNCTION s.less(bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT $1 - 1';
	CREATE FUNCTION s.nothing() RETURNS int LANGUAGE sql AS 'SELECT 1';$$, revision => '000');
SELECT FROM cmig.upgrade();
INSERT INTO s.t VALUES (1, 10, '01/02/2020'); INSERT INTO s.feeling VALUES ('a'), ('c'); SELECT setval('s.one', 500), setval('s.two', 7);
INSERT INTO s.p VALUES (1, 'x', 'y'); INSERT INTO s.p2 VALUES (2, 'x', 'y'); INSERT INTO s.child VALUES ('x'); INSERT INTO s.pairs VALUES ('{"(x,y)"}');
END_SQL
query($node, 'base', q{CREATE FUNCTION public.less(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS
	$$BEGIN RAISE WARNING 'code of eve runs as %', current_user; RETURN 666; END$$}, 'eve');

my $down = "ALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = less(v)::int\n";
foreach my $case (
	[ 'SET', "SET search_path = s;\nALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = less(v)::int\n", 'SELECT v FROM s.t', '9' ],
	[ 'SET LOCAL, and a name of a table', "SET LOCAL search_path = s;\nALTER TABLE t ALTER v TYPE bigint;\n-- cmig:down t.v = less(v)::int\n", 'SELECT v FROM s.t', '9' ],
	[ 'set_config()', "SELECT pg_catalog.set_config('search_path', 's', false);\nALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = less(v)::int\n", 'SELECT v FROM s.t', '9' ],
	[ 'a value', "SET DateStyle = 'SQL, DMY';\nALTER TABLE s.t ALTER w TYPE date USING w::date;\n-- cmig:down s.t.w = w::text\n", 'SELECT w FROM s.t', '01/02/2020' ],
	[ 'between the lines', "ALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = s.less(v)::int\nSET search_path = s;\nALTER TABLE s.t ALTER w TYPE varchar;\n-- cmig:down s.t.w = w::text\n",
		'', qr/line 3, between its lines "cmig:down", changes what names and values mean/ ],
	# code that sets is run in the shadow
	map({ [ $_, "$_;\n$down", 'SELECT v FROM s.t', '9' ] }
		q{DO $$BEGIN SET search_path = s; END$$}, q{DO $$BEGIN EXECUTE 'SET search_' || 'path = s'; END$$},
		q{SELECT set_config('search_path', 's', true)}, q{SELECT FROM set_config('search_path', 's', false)},
		q{WITH x AS (SELECT set_config('search_path', 's', false)) TABLE x},
		q{EXPLAIN ANALYZE SELECT set_config('search_path', 's', false)},
		q{CREATE TEMP TABLE x AS SELECT set_config('search_path', 's', false)},
		q{CREATE VIEW s.sets AS SELECT set_config('search_path', 's', false); TABLE s.sets},
		'SELECT s.path()', 'CALL s.path_too()',
		q{PREPARE x AS SELECT set_config('search_path', 's', false); EXECUTE x}),
	# and what it does not set is no reason to refuse the downgrade
	map({ [ $_, "$_;\nALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = s.less(v)::int\n", 'SELECT v FROM s.t', '9' ] }
		'DO $$BEGIN PERFORM 1; END$$', 'SELECT s.nothing()', 'SET search_path = s; RESET search_path'),
	# what is not run is not known
	map({ [ $_, "$_;\n$down", '', qr/line \d, above a line "cmig:down", may change what names and values mean/ ] }
		q{UPDATE pg_settings SET setting = 's' WHERE name = 'search_path'},
		q{COPY (SELECT set_config('search_path', 's', false)) TO '/dev/null'}, "-- cmig:replay skip\nSELECT s.path()"),
	[ 'settings of later sessions', "ALTER ROLE CURRENT_USER SET DateStyle = 'SQL, DMY';\n$down", '', qr/line 1 changes with which settings sessions begin/ ],
	[ 'a setting of one transaction', "-- transactional: false\nDO \$\$BEGIN SET LOCAL search_path = s; END\$\$;\n$down", '',
		qr/line 1, above a line "cmig:down", may change what names and values mean/ ],
	map({ [ "another role: $_->[0]", "GRANT USAGE, CREATE ON SCHEMA s TO eve; ALTER TABLE s.t OWNER TO eve; SET ROLE eve;\nALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = $_->[0]\n", @$_[1, 2] ] }
		[ 's.less(v)::int', '', qr/line 1 sets another role, and line 3 calls s\.less\(bigint\)/ ],
		[ '(v - 1)::int', 'SELECT v FROM s.t', '9' ]),
	# rows of a new column or table are not those of one that was dropped
	map({ [ $_, "$_;\n", '', qr/none can be generated: column w of table s\.[tu] is another one than before/ ] }
		'ALTER TABLE s.t DROP w, ADD w int DEFAULT 7', "ALTER TABLE s.t DROP w; ALTER TABLE s.t RENAME TO u; ALTER TABLE s.u ADD w text DEFAULT 'x'",
		"ALTER TABLE s.t RENAME w TO o; ALTER TABLE s.t ADD w text DEFAULT 'x'; ALTER TABLE s.t DROP o", 'ALTER TABLE s.t ADD x text; ALTER TABLE s.t DROP w; ALTER TABLE s.t RENAME x TO w',
		'DO $$BEGIN ALTER TABLE s.t DROP w; ALTER TABLE s.t ADD w text; END$$'),
	map({ [ $_, "$_;\n", '', qr/none can be generated: (?:s|public)\.t is another table than before, with other rows/ ] }
		'DROP TABLE public.t; CREATE TABLE public.t (v int)', 'DROP TABLE s.t; CREATE TABLE s.t AS SELECT 1 AS v', 'CREATE TABLE s.x (v int); DROP TABLE s.t; ALTER TABLE s.x RENAME TO t',
		'CREATE SCHEMA z; ALTER TABLE s.t SET SCHEMA z; CREATE TABLE s.t (v int)'),
	# nor those of another column or table that was inherited, attached, or in another schema at some time
	map({ [ $_->[0], "$_->[0];\n", '', qr/none can be generated: column $_->[1] is another one than before/ ] }
		[ 'ALTER TABLE s.p DETACH PARTITION s.p1; ALTER TABLE s.p1 RENAME c TO e', 'c of table s\.p1' ],
		[ 'ALTER TABLE s.p DETACH PARTITION s.p1; ALTER TABLE s.p1 DROP c; ALTER TABLE s.p1 ADD c text', 'c of table s\.p1' ],
		[ 'DO $$BEGIN ALTER TABLE s.p2 RENAME c TO e; ALTER TABLE s.p2 RENAME d TO c; ALTER TABLE s.p2 RENAME e TO d; ALTER TABLE s.p ATTACH PARTITION s.p2 FOR VALUES IN (2); END$$', 'c of table s\.p2' ],
		[ 'ALTER TABLE s.child NO INHERIT s.parent; ALTER TABLE s.child RENAME c TO e', 'c of table s\.child' ],
		[ "ALTER TABLE s.parent DROP c; ALTER TABLE s.child ADD c text DEFAULT 'z'", 'c of table s\.child' ]),
	map({ [ $_, "$_;\n", '', qr/none can be generated: attribute x of type s\.pair is another one than before/ ] }
		'ALTER TYPE s.pair RENAME ATTRIBUTE x TO z', 'ALTER TYPE s.pair DROP ATTRIBUTE x; ALTER TYPE s.pair ADD ATTRIBUTE x text',
		'ALTER TYPE s.pair RENAME ATTRIBUTE x TO z; ALTER TYPE s.pair RENAME ATTRIBUTE y TO x; ALTER TYPE s.pair RENAME ATTRIBUTE z TO y'),
	[ 'exchanged schemas', 'ALTER TABLE s.t RENAME TO z; ALTER TABLE public.t SET SCHEMA s; ALTER TABLE s.z SET SCHEMA public; ALTER TABLE public.z RENAME TO t;', '',
		qr/(?:s|public)\.t is another table than before, with other rows/ ],
	[ 'a name that is taken', 'ALTER TABLE s.t RENAME TO u; CREATE VIEW s.t AS SELECT 1 AS a;', '', qr/none can be generated: it would fail: rename "table s\.u -> t": view s\.t already exists/ ],
	[ 'a statement that fails', "ALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = nothing(v)\n", '', qr/none can be generated: it would fail: function nothing\(bigint\) does not exist/ ],
	# and those of one that is renamed by any code are the same
	[ 'sequences', 'ALTER SEQUENCE s.one RENAME TO three; ALTER SEQUENCE s.two RENAME TO one; DO $$BEGIN ALTER SEQUENCE s.three RENAME TO two; END$$;',
		q{SELECT last_value, (SELECT last_value FROM s.two) FROM s.one}, '500|7' ],
	[ 'a sequence that is given to a column', 'ALTER SEQUENCE s.one OWNED BY s.t.v; ALTER SEQUENCE s.one RENAME TO three;', q{SELECT last_value FROM s.one}, '500' ],
	[ 'labels', q{DO $$BEGIN ALTER TYPE s.mood RENAME VALUE 'a' TO 'b'; ALTER TYPE s.mood RENAME VALUE 'c' TO 'a'; ALTER TYPE s.mood RENAME VALUE 'b' TO 'c'; ALTER TYPE s.mood RENAME TO m2; END$$;},
		q{SELECT string_agg(m::text, ',') FROM s.feeling}, 'a,c' ],
	[ 'renames in code', 'DO $$BEGIN ALTER TABLE s.t RENAME w TO x; ALTER TABLE s.t RENAME v TO w; ALTER TABLE s.t RENAME x TO v; ALTER TABLE s.t RENAME TO tt; END$$;', 'SELECT t FROM s.t', '(1,10,01/02/2020)' ],
	[ 'a name that a dropped column had', 'ALTER TABLE s.t DROP w; ALTER TABLE s.t RENAME v TO w;', 'SELECT v FROM s.t', '10' ],
	[ 'a line', "ALTER TABLE s.t DROP w, ADD w int DEFAULT 7;\n-- cmig:down s.t.w = w || 'x'\n", 'SELECT w FROM s.t', '7x' ],
	[ 'statements that set nothing', "UPDATE s.t SET w = upper(w); SELECT cmig.set_context('1', NULL);\nALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = s.less(v)::int\n", 'SELECT v FROM s.t', '9' ],
	[ 'a rename', "SET search_path = s;\nALTER TABLE t RENAME v TO x;\nALTER TABLE public.t RENAME v TO y;\n", 'SELECT v FROM s.t', '10' ],
	[ 'renames of what the script creates', "ALTER TABLE s.t ADD n int;\nALTER TABLE s.t RENAME n TO n2;\nCREATE TABLE s.x (a int);\nALTER TABLE s.x RENAME TO y;\nALTER TABLE s.y RENAME a TO b;\nALTER TABLE s.t RENAME v TO x;\n",
		'SELECT t FROM s.t', '(1,10,01/02/2020)' ],
	[ 'a rename in a materialized view', "CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS a;\nALTER MATERIALIZED VIEW s.m RENAME a TO b;\nALTER TABLE s.t RENAME v TO x;\n", 'SELECT v FROM s.t', '10' ],
	[ 'a label', "SET search_path = s;\nALTER TYPE mood RENAME VALUE 'a' TO 'b';\n", 'SELECT m FROM s.feeling LIMIT 1', 'a' ],
	[ 'a rename with a schema', "SET search_path = s;\nALTER TABLE s.t RENAME v TO x;\n", 'SELECT v FROM s.t', '10' ])
{
	my ($name, $script, $query, $expected) = @$case;

	my $upgrade = $script =~ s/^-- transactional: false\n// ? 'CALL cmig.upgrade_stepwise()' : 'SELECT FROM cmig.upgrade()';

	$node->safe_psql('postgres', $_) for 'DROP DATABASE IF EXISTS work', 'CREATE DATABASE work TEMPLATE base';
	query($node, 'work', "SELECT FROM cmig.create_revision('x', \$s\$$script\$s\$, NULL, revision => '001', expand => true, transactional => "
		. ($upgrade =~ /CALL/ ? 'false' : 'true') . ')');
	query($node, 'work', $_) for $upgrade, 'ALTER ROLE CURRENT_USER RESET ALL';
	if (ref $expected) { fails_with($node, 'work', "SELECT FROM cmig.downgrade('-1')", 'MG006', $expected, $name); }
	else { is(query($node, 'work', "SELECT FROM cmig.downgrade('-1'); $query"), $expected, $name); }
}

# the journal has the search_path of the upgrade
$node->safe_psql('postgres', $_) for 'DROP DATABASE work', 'CREATE DATABASE work TEMPLATE base';
is(query($node, 'work', "SELECT FROM cmig.create_revision('x', \$s\$$down\$s\$, NULL, revision => '001', expand => true); SET search_path = s; SELECT FROM cmig.upgrade(); RESET search_path; SELECT FROM cmig.downgrade('-1'); SELECT v FROM s.t"),
	'9', 'the session of the upgrade had another search_path');

# a line without a schema, above which statements change two tables with its name
$node->safe_psql('postgres', $_) for 'DROP DATABASE work', 'CREATE DATABASE work TEMPLATE base';
fails_with($node, 'work', "SELECT FROM cmig.create_revision('x', \$s\$ALTER TABLE s.t ALTER v TYPE bigint;\nALTER TABLE public.t ALTER v TYPE bigint;\n-- cmig:up t.v = v + 5\n\$s\$, NULL, revision => '001', expand => true); SELECT FROM cmig.upgrade()",
	'MG013', 'line 3 of its upgrade script\nDETAIL:  There are several tables with this name', 'several tables');

# a squash does not keep what is set above a statement that it keeps, but names it
$node->safe_psql('postgres', $_) for 'DROP DATABASE work', 'CREATE DATABASE work TEMPLATE base';
like(query($node, 'work', q{SELECT FROM cmig.create_revision('x', $$SET DateStyle = 'SQL, DMY'; UPDATE s.t SET w = '01/02/2020'$$, revision => '001');
	SELECT FROM cmig.upgrade(); SELECT content FROM cmig.squash('000:001', 'x')}), qr/^-- UPDATE of revision 001, line 1, may change rows, below: SET DateStyle = 'SQL, DMY'$/m, 'squash');

$node->stop;
done_testing();
