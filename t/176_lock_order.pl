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

$node->stop;
done_testing();
