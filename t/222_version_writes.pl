# Copyright (c) 2026, the pg_cmig developers

# Views and parsed bodies of the new version read the table itself, so what is written through
# them would count as a write of the old version: an error says so, and nothing is computed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('version_writes');
my $z = 'ALTER TABLE a ADD z int;
-- cmig:up a.z = y * 2
';
my $number = 0;
my $refused = qr/view public_r1\.\w+ cannot be written before cmig\.contract/;

sub base
{
	my ($db, $script, $columns) = @_;

	new_database($node, $db);
	sql($db, "CREATE TABLE a (id int PRIMARY KEY, y int, k int DEFAULT 1); INSERT INTO a SELECT n, n FROM generate_series(1, 5) n;
		CREATE VIEW one AS SELECT id, y FROM a");
	sql($db, "SELECT FROM cmig.create_revision('n', \$c\$$z$script\$c\$, NULL, revision => 'r1', expand => true)");
}

base('views', 'DROP VIEW one; CREATE VIEW one AS SELECT id, y, z FROM a WHERE id < 100; CREATE VIEW two AS SELECT id, y FROM one;
	CREATE VIEW three WITH (check_option = cascaded) AS SELECT id, y FROM a WHERE id < 100; CREATE VIEW four AS SELECT a.id FROM a JOIN one USING (id)');
sql('views', q{CALL cmig.expand('r1', confirm => true)});
sql('views', 'UPDATE public_r1.a SET z = 5');
foreach my $view ('one', 'two', 'three')
{
	fails_with($node, 'views', "$_", '55000', $refused, "$view: $_")
	  foreach ("UPDATE public_r1.$view SET y = 30 WHERE id = 2", "INSERT INTO public_r1.$view (id, y) VALUES (50, 1)");
}
sql('views', 'DELETE FROM public_r1.one WHERE id = 5');
is(sql('views', 'SELECT string_agg(concat_ws(\':\', id, y, z), \' \' ORDER BY id) FROM public_r1.a'), '1:1:5 2:2:5 3:3:5 4:4:5', 'nothing was computed');
is(sql('views', q{SELECT count(*) FROM cmig.check() WHERE severity = 'error'}), '0', 'the triggers are no problem');
sql('views', 'CALL cmig.abandon()');
sql('views', "CALL $_") foreach (q{cmig.expand('r1', confirm => true)}, 'cmig.contract()');
sql('views', 'UPDATE one SET y = 40 WHERE id = 2; UPDATE two SET y = 41 WHERE id = 3; UPDATE three SET y = 42 WHERE id = 4');
is(sql('views', q{SELECT string_agg(y::text, ' ' ORDER BY id), (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%cmig_write') FROM a}), '1 40 41 42|0', 'after contract, they can be written');

# a table that the revision does not change, and a body that is a string
base('others', 'CREATE TABLE b (id int); CREATE VIEW five AS SELECT id FROM b WHERE id NOT IN (SELECT z FROM a);
	CREATE FUNCTION f() RETURNS void LANGUAGE sql SET search_path = public AS \'UPDATE a SET y = 30 WHERE id = 2\'');
sql('others', q{CALL cmig.expand('r1', confirm => true)});
sql('others', 'UPDATE public_r1.a SET z = 5; INSERT INTO public_r1.five VALUES (7); SELECT public_r1.f()');
is(sql('others', 'SELECT y, z FROM public_r1.a WHERE id = 2'), '30|5', 'a body in a string writes the new version');

foreach my $body ('UPDATE a SET y = 30', 'INSERT INTO a VALUES (9, 9)', 'WITH w AS (UPDATE a SET y = 1 RETURNING 1) SELECT 1 FROM w')
{
	my $db = 'body' . ++$number;

	base($db, "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC $body; END");
	fails_with($node, $db, q{CALL cmig.expand('r1', confirm => true)}, '0A000', qr/function public\.f\(\) cannot be expanded/, $body);
}

# a dump without data: the statements of cmig.check() run in the order in which they are shown
new_database($node, 'source');
sql('source', q{CREATE TABLE p (id int PRIMARY KEY, n int); CREATE TABLE o (id int PRIMARY KEY, p_id int REFERENCES p); CREATE VIEW v AS SELECT id FROM p; INSERT INTO p VALUES (1, 1);
	SELECT FROM cmig.create_revision('n', 'DROP VIEW v; ALTER TABLE p ALTER id TYPE bigint; ALTER TABLE o ALTER p_id TYPE bigint; CREATE VIEW v AS SELECT id, n FROM p', NULL, revision => 'r1', expand => true)});
sql('source', q{CALL cmig.expand('r1', confirm => true)});
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'bash', '-c', join ' ', 'pg_dump -s', $node->connstr('source') =~ s/^(.*)$/'$1'/r, '| psql -qXd', $node->connstr('copy') =~ s/^(.*)$/'$1'/r, '-v ON_ERROR_STOP=1' ], 'a dump without data');
sql('copy', $_) foreach (split /\n/, sql('copy', q{SELECT fix FROM cmig.check() WHERE severity = 'error'}));
is(sql('copy', q{SELECT count(*) FROM cmig.check() WHERE severity = 'error'}), '0', 'the statements have removed the version');
is(sql('copy', q{SELECT count(*) FROM pg_attribute WHERE attname LIKE 'cmig\_%' AND attrelid IN ('p'::regclass, 'o'::regclass)}), '0', 'with its columns');

$node->stop;
done_testing();
