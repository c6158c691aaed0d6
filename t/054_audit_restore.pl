# Tests restoring a dump over the live database.  This sets the audit log's sequences
# back, but entries keep their order, and no two tables share an id.
#
# Copyright (c) 2026, the pg_cmig developers

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('restore');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;

# Tests that ids are in the order of the changes, that no id occurs twice, and that no
# entry is lost or duplicated.
my $order = q{
WITH e AS (SELECT id, clock_at, lag(clock_at) OVER (ORDER BY id) > clock_at AS before FROM cmig_audit.log WHERE seq > 0)
SELECT count(*) FILTER (WHERE before), count(*) - count(DISTINCT id) FROM e};
my $history = q{SELECT string_agg(coalesce(new_row->>'v', '-'), ' ') FROM cmig.audit_history('item', 1)};
my $ids = q{SELECT string_agg(DISTINCT table_name || ' ' || table_id, ', ' ORDER BY table_name || ' ' || table_id) FROM cmig_audit.layout};

for my $how (
	[ 'plain', [], 0, 0 ], [ 'plain with --clean', [ '--clean', '--if-exists' ], 0, 1 ],
	[ 'custom', ['-Fc'], [], 0 ], [ 'custom with --clean', ['-Fc'], [ '--clean', '--if-exists' ], 1 ])
{
	my ($name, $options, $pg_restore, $clean) = @$how;
	(my $db = $name) =~ s/\W/_/g;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, q{
CREATE EXTENSION pg_cmig;
CREATE TABLE item (id integer PRIMARY KEY, v text);
SELECT count(*) FROM cmig.enable_audit('item');
INSERT INTO item VALUES (1, 'one');
UPDATE item SET v = 'two';
});
	command_ok([ 'pg_dump', @$options, '-f', "$dir/$db", $node->connstr($db) ], "$name: dump");
	$node->safe_psql($db, q{
UPDATE item SET v = 'three'; UPDATE item SET v = 'four'; UPDATE item SET v = 'five';
CREATE TABLE late (id integer PRIMARY KEY, v text);
SELECT count(*) FROM cmig.enable_audit('late');
INSERT INTO late VALUES (1, 'x');
});
	my $session = $node->background_psql($db);
	$session->query_safe(q{UPDATE item SET v = 'six'});
	$session->query_safe(q{UPDATE item SET v = 'seven'});

	# errors are expected: most of the objects exist
	my @restore = ref $pg_restore ? ('pg_restore', @$pg_restore, '-d', $node->connstr($db), "$dir/$db") :
		('psql', '-Xq', '-o', '/dev/null', '-d', $node->connstr($db), '-f', "$dir/$db");
	run_command(\@restore);

	my $before = $clean ? 'one two' : 'one two three four five six seven';
	is($node->safe_psql($db, $history), $before, "$name: the log after the restore");
	is($node->safe_psql($db, 'SELECT last_value FROM cmig_audit.log_id_seq'), '2', "$name: the sequence is set back");
	$session->query_safe(q{UPDATE item SET v = 'eight'}) unless $clean;
	$node->safe_psql($db, q{UPDATE item SET v = 'nine'});
	$session->query_safe(q{UPDATE item SET v = 'ten'});
	$session->quit;
	is($node->safe_psql($db, $history), $before . ($clean ? ' nine ten' : ' eight nine ten'), "$name: the history continues in order");
	is($node->safe_psql($db, $order), '0|0', "$name: ids follow the changes");
	$node->safe_psql($db, q{CREATE TABLE newest (id integer PRIMARY KEY, v text);
SELECT count(*) FROM cmig.enable_audit('newest');
INSERT INTO newest VALUES (1, 'n'); INSERT INTO late VALUES (2, 'y')});
	is($node->safe_psql($db, $ids), 'item 1, late 2, newest 3', "$name: each table has an id of its own");
	is($node->safe_psql($db, q{SELECT count(*) FROM cmig.audit_status('public') WHERE problem IS NOT NULL}), '0', "$name: audit_status reports no problem");
}

# ids that only triggers have are skipped, and looked for once, however many tables a call audits
my $db = 'plain';
is($node->safe_psql($db, q{CREATE SCHEMA many;
SELECT format('CREATE TABLE %s (id integer PRIMARY KEY)', t) FROM unnest('{many.a,many.b,many.c,public.by_hand}'::text[]) t \gexec
SELECT format('CREATE TRIGGER hand_%s AFTER INSERT ON by_hand FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger(%1$s, ''{}'')', i)
	FROM unnest('{4,6,7}'::int[]) i \gexec
BEGIN; SET LOCAL enable_seqscan = off;
SELECT count(*) FROM cmig.enable_audit_schema('many');
SELECT string_agg(DISTINCT table_name || ' ' || table_id, ', ') FROM cmig_audit.layout WHERE schema_name = 'many';
SELECT seq_scan FROM pg_stat_xact_sys_tables WHERE relid = 'pg_trigger'::regclass;
COMMIT;
DROP TABLE by_hand;}), "12\na 5, b 8, c 9\n1", 'ids in triggers');

# if the sequence is far behind, it is set in one step; an id near the maximum that
# somebody has inserted by hand has no effect
$node->safe_psql($db, q{
SELECT setval('cmig_audit.log_id_seq', 1000000);
UPDATE item SET v = 'far';
SELECT setval('cmig_audit.log_id_seq', 1);
INSERT INTO cmig_audit.log SELECT (l).* FROM (SELECT jsonb_populate_record(l, '{"id": 9223372036854775807, "table_id": 99, "row_hash": 1}') AS l FROM cmig_audit.log l LIMIT 1) l;
});
$node->safe_psql($db, q{UPDATE item SET v = 'farther'});
is($node->safe_psql($db, q{SELECT max(id) FROM cmig_audit.log WHERE table_name = 'item' AND table_id = 1}), '1000002', 'a large gap');
# serializable transactions do not conflict because they have read the newest id
my @sessions = map { $node->background_psql($db) } 1 .. 2;
$node->safe_psql($db, q{INSERT INTO item SELECT n, 's' FROM generate_series(11, 12) n; SELECT setval('cmig_audit.log_id_seq', 1)});
$_->query_safe('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM item WHERE id = 0') for @sessions;
$sessions[$_]->query_safe("UPDATE item SET v = 't' WHERE id = " . (11 + $_)) for 0 .. 1;
$_->query_safe('COMMIT') for @sessions;
$_->quit for @sessions;
is($node->safe_psql($db, q{SELECT string_agg(v, ' ' ORDER BY id) FROM item WHERE id > 10}), 't t', 'concurrent serializable transactions');
is($node->safe_psql($db, q{SELECT count(DISTINCT id) = count(*) FROM cmig_audit.log}), 't', 'no id occurs twice');

# without pg_cmig, running the output of audit_script again corrects the sequence
$node->safe_psql('postgres', 'CREATE DATABASE scripted');
my $script = $node->safe_psql($db, q{SELECT cmig.audit_script('item')});
my $other = $node->safe_psql($db, q{SELECT cmig.audit_script('late')});
$node->safe_psql('scripted', q{CREATE TABLE item (id integer PRIMARY KEY, v text); CREATE TABLE late (id integer PRIMARY KEY, v text);});
$node->safe_psql('scripted', $script . "INSERT INTO item VALUES (1, 'a'); UPDATE item SET v = 'b'; UPDATE item SET v = 'c';");
$node->safe_psql('scripted', q{SELECT setval('cmig_audit.log_id_seq', 1), setval('cmig_audit.table_id_seq', 1, false)});
$node->safe_psql('scripted', $other);
$node->safe_psql('scripted', q{UPDATE item SET v = 'd'; INSERT INTO late VALUES (1, 'x');});
is($node->safe_psql('scripted', q{SELECT string_agg(id || table_name || table_id, ' ' ORDER BY id) FROM cmig_audit.log}),
	'1item1 2item1 3item1 4item1 5late2', 'the script');

$node->stop;
done_testing();
