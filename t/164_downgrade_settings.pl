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
CREATE FUNCTION s.less(bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT $1 - 1';
CREATE FUNCTION s.path() RETURNS void LANGUAGE sql AS $$SELECT set_config('search_path', 's', false)$$;
CREATE PROCEDURE s.path_too() LANGUAGE plpgsql AS $$BEGIN SET search_path = s; END$$;
SELECT FROM cmig.create_revision('tables', 'CREATE TABLE s.t (id int, v int, w text); CREATE TABLE public.t (v int)', revision => '000');
SELECT FROM cmig.upgrade();
INSERT INTO s.t VALUES (1, 10, '01/02/2020');
END_SQL
query($node, 'base', q{CREATE FUNCTION public.less(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS
	$$BEGIN RAISE WARNING 'code of eve runs as %', current_user; RETURN 666; END$$}, 'eve');

foreach my $case (
	[ 'SET', "SET search_path = s;\nALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = less(v)::int\n", 'SELECT v FROM s.t', '9' ],
	[ 'SET LOCAL, and a name of a table', "SET LOCAL search_path = s;\nALTER TABLE t ALTER v TYPE bigint;\n-- cmig:down t.v = less(v)::int\n", 'SELECT v FROM s.t', '9' ],
	[ 'set_config()', "SELECT pg_catalog.set_config('search_path', 's', false);\nALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = less(v)::int\n", 'SELECT v FROM s.t', '9' ],
	[ 'a value', "SET DateStyle = 'SQL, DMY';\nALTER TABLE s.t ALTER w TYPE date USING w::date;\n-- cmig:down s.t.w = w::text\n", 'SELECT w FROM s.t', '01/02/2020' ],
	[ 'between the lines', "ALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = s.less(v)::int\nSET search_path = s;\nALTER TABLE s.t ALTER w TYPE varchar;\n-- cmig:down s.t.w = w::text\n",
		'', qr/line 3, between its lines "cmig:down", changes what names and values mean/ ],
	map({ [ $_, "$_;\nALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = less(v)::int\n", '', qr/line 1, above a line "cmig:down", may change what names and values mean/ ] }
		q{DO $$BEGIN SET search_path = s; END$$}, q{SELECT set_config('search_path', 's', true)}, q{SELECT FROM set_config('search_path', 's', false)}, q{WITH x AS (SELECT set_config('search_path', 's', false)) TABLE x},
		q{EXPLAIN ANALYZE SELECT set_config('search_path', 's', false)}, q{CREATE TEMP TABLE x AS SELECT set_config('search_path', 's', false)}, q{UPDATE pg_settings SET setting = 's' WHERE name = 'search_path'},
		'SELECT s.path()', 'CALL s.path_too()', q{PREPARE x AS SELECT set_config('search_path', 's', false); EXECUTE x}),
	[ 'statements that set nothing', "UPDATE s.t SET w = upper(w); SELECT cmig.set_context('1', NULL);\nALTER TABLE s.t ALTER v TYPE bigint;\n-- cmig:down s.t.v = s.less(v)::int\n", 'SELECT v FROM s.t', '9' ],
	[ 'a rename', "SET search_path = s;\nALTER TABLE t RENAME v TO x;\n", '', qr/line 1 may change what names mean, and "t" is renamed without a schema/ ],
	[ 'a rename with a schema', "SET search_path = s;\nALTER TABLE s.t RENAME v TO x;\n", 'SELECT v FROM s.t', '10' ])
{
	my ($name, $script, $query, $expected) = @$case;

	$node->safe_psql('postgres', $_) for 'DROP DATABASE IF EXISTS work', 'CREATE DATABASE work TEMPLATE base';
	query($node, 'work', "SELECT FROM cmig.create_revision('x', \$s\$$script\$s\$, NULL, revision => '001', expand => true); SELECT FROM cmig.upgrade()");
	if (ref $expected) { fails_with($node, 'work', "SELECT FROM cmig.downgrade('-1')", 'MG006', $expected, $name); }
	else { is(query($node, 'work', "SELECT FROM cmig.downgrade('-1'); $query"), $expected, $name); }
}

# a line without a schema, above which statements change two tables with its name
$node->safe_psql('postgres', $_) for 'DROP DATABASE work', 'CREATE DATABASE work TEMPLATE base';
fails_with($node, 'work', "SELECT FROM cmig.create_revision('x', \$s\$ALTER TABLE s.t ALTER v TYPE bigint;\nALTER TABLE public.t ALTER v TYPE bigint;\n-- cmig:up t.v = v + 5\n\$s\$, NULL, revision => '001', expand => true); SELECT FROM cmig.upgrade()",
	'MG013', 'line 3 of its upgrade script\nDETAIL:  There are several tables with this name', 'several tables');

$node->stop;
done_testing();
