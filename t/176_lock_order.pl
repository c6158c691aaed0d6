# Copyright (c) 2026, the pg_cmig developers

# A function that locks a table and its partitions, or others that inherit from it, locks the table first,
# as ALTER TABLE does.  Otherwise, the owner's ALTER TABLE and the function wait for each other.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('lock_order', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_app;
CREATE TABLE t (id int PRIMARY KEY, n int, tenant_id text);
CREATE TABLE t1 (PRIMARY KEY (id)) INHERITS (t);
CREATE TABLE q (id int PRIMARY KEY, n int, tenant_id text) PARTITION BY RANGE (id);
CREATE TABLE q1 PARTITION OF q FOR VALUES FROM (0) TO (100);
CREATE TABLE f (id int, n int);
INSERT INTO t VALUES (1, 1); INSERT INTO t1 VALUES (2, 1); INSERT INTO q VALUES (1, 1);
});

# What waits for a locked child has the table locked.
sub locks_table_first
{
	my ($table, $call) = @_;
	my $holder = start_psql($node, 'postgres', "BEGIN; LOCK TABLE ${table}1; SELECT pg_sleep(600)", 'holder');

	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE relation = '${table}1'::regclass AND mode = 'AccessExclusiveLock' AND granted") or die 'no lock';
	my $run = start_psql($node, 'postgres', "SET cmig.lock_timeout = 0; $call", 'waits');
	wait_until_blocked($node, 'waits');
	is(query($node, 'postgres', qq{SELECT bool_and(EXISTS (SELECT FROM pg_locks h WHERE h.pid = l.pid AND h.relation = '$table'::regclass AND h.granted)) FROM pg_locks l
		JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'waits' AND NOT l.granted AND l.relation = '${table}1'::regclass}), 't', "$call: has the table locked");
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('waits', 'holder')});
	finish_psql($_) for ($holder, $run);
	return;
}

foreach my $table ('t', 'q')
{
	locks_table_first($table, $_) foreach ("CALL cmig.add_check('$table', 'c', 'n > 0')", "CALL cmig.add_not_null('$table', 'n')", "CALL cmig.add_foreign_key('$table', 'n', 't', 'id')",
		"CALL cmig.add_foreign_key('f', 'n', '$table', 'id')", "CALL cmig.backfill('$table', 'n = 2', 'n = 1')", "SELECT cmig.enable_audit('$table')", "SELECT cmig.disable_audit('$table')",
		"SELECT cmig.enable_rls('$table', roles => '{regress_app}')",
		"SELECT cmig.disable_rls('$table')");
}

# What locks all tables of a schema has none of them locked while it waits for one: a session that has one and needs another goes on.
foreach my $call (q{SELECT count(*) > 1 FROM cmig.enable_rls_schema('s', roles => '{regress_app}')}, q{SELECT count(*) > 1 FROM cmig.enable_audit_schema('s')})
{
	$node->safe_psql('postgres', 'CREATE SCHEMA s; CREATE TABLE s.a (id int PRIMARY KEY, tenant_id text); CREATE TABLE s.b (LIKE s.a INCLUDING ALL); INSERT INTO s.a VALUES (1)');
	my $app = start_psql($node, 'postgres', 'BEGIN; UPDATE s.b SET id = 1; DO $$BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE relation = \'s.b\'::regclass AND NOT granted) LOOP PERFORM pg_sleep(0.02); END LOOP; END$$;
		UPDATE s.a SET id = id; COMMIT', 'app');
	$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_locks WHERE relation = 's.b'::regclass AND mode = 'RowExclusiveLock'}) or die 'no lock';
	is(query($node, 'postgres', $call), 't', "$call: waits for a table that an application has");
	finish_psql($app);
	is($app->{err}, '', "$call: the application goes on");
	$node->safe_psql('postgres', 'SET client_min_messages = warning; SELECT cmig.disable_audit(t) FROM unnest(ARRAY[\'s.a\', \'s.b\']) t; DROP SCHEMA s CASCADE');
}

# A table that is dropped while a call waits for it is no internal error.
sub dropped_meanwhile
{
	my ($call) = @_;

	$node->safe_psql('postgres', q{SET client_min_messages = warning; CREATE TABLE d (id int PRIMARY KEY, n int, tenant_id text, table_name text); INSERT INTO d VALUES (1, 1);
		SELECT cmig.enable_audit('d'); SELECT cmig.enable_rls('d', roles => '{regress_app}'); GRANT SELECT ON d TO regress_app});
	my $holder = start_psql($node, 'postgres', 'BEGIN; DROP TABLE d; DO $$BEGIN FOR i IN 1 .. 40 LOOP PERFORM pg_sleep(0.05), pg_stat_clear_snapshot();
		EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE application_name = \'waits\' AND wait_event_type = \'Lock\'); END LOOP; END$$; COMMIT', 'holder');
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 'd'::regclass AND mode = 'AccessExclusiveLock' AND granted}) or die 'no lock';
	my $run = start_psql($node, 'postgres', "$call\n;SELECT pg_sleep(600)", 'waits');
	$node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM pg_class WHERE relname = 'd')}) or die 'is not dropped';
	$node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'waits' AND query !~ 'pg_sleep')}) or die 'does not end';
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'waits'});
	finish_psql($_) for ($holder, $run);
	unlike($run->{err}, qr/ERROR:  XX/, "$call: dropped meanwhile");
	return;
}
dropped_meanwhile($_) foreach (q{CALL cmig.add_check('d', 'c', 'n > 0')}, q{CALL cmig.add_not_null('d', 'n')}, q{CALL cmig.add_foreign_key('d', 'n', 't', 'id')}, q{CALL cmig.add_foreign_key('t', 'n', 'd', 'id')},
	q{CALL cmig.add_unique('d', 'n')}, q{CALL cmig.backfill('d', 'n = 2', 'n = 1')}, q{CALL cmig.backfill('d', 'n = 2')}, q{SELECT cmig.enable_audit('d')}, q{SELECT cmig.disable_audit('d')}, q{SELECT cmig.audit_script('d')},
	q{SELECT cmig.enable_rls('d', roles => '{regress_app}')}, q{SELECT cmig.disable_rls('d')}, q{SELECT cmig.rls_script('d', roles => '{regress_app}')}, q{SELECT count(*) FROM cmig.rls_test('d', 'regress_app', '{1}')},
	q{SELECT count(*) FROM cmig.audit_history('d', 1)}, q{SELECT count(*) FROM cmig.audit_diff('d', 1, now(), now())});

$node->stop;
done_testing();
