# Copyright (c) 2026, the pg_cmig developers

# Tests that a statement which waits for the transaction of a run, and not for a lock of a
# table, is not the victim of a deadlock with it: another index is built concurrently.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('index_waits', 'autovacuum = off', "deadlock_timeout = '400ms'");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE indexed');
$node->safe_psql('indexed', 'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1); CREATE EXTENSION pg_cmig;' . load_sql(
	revision_file('001', '', 'ALTER TABLE t ALTER n TYPE bigint; CREATE INDEX t_n ON t (n);', '') =~ s/(-- message)/-- expand: true\n$1/r));
$node->safe_psql('indexed', 'CALL cmig.expand()');
$node->safe_psql('indexed', q{DO $$BEGIN EXECUTE 'DROP INDEX ' || (SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 't'::regclass AND pg_get_indexdef(indexrelid) ~ '\(cmig_new_n\)'); END$$});
{
	my $writer = $node->background_psql('indexed');

	$writer->query('BEGIN; UPDATE t SET n = 2');
	my $build = start_psql($node, 'indexed', 'CREATE INDEX CONCURRENTLY by_id ON t (id)', 'build');
	wait_until_blocked($node, 'build');
	my $run = start_psql($node, 'indexed', 'CALL cmig.contract()', 'maintenance');
	wait_until_blocked($node, 'maintenance');
	$writer->query('COMMIT');
	is(finish_psql($build), 0, 'an index that is built meanwhile is no victim') or diag($build->{err});
	is(finish_psql($run), 0, 'the run succeeds') or diag($run->{err});
	$writer->quit;
	is($node->safe_psql('indexed', 'SELECT string_agg(indexrelid::regclass::text, \', \' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = \'t\'::regclass AND indisvalid'), 'by_id, t_n, t_pkey', 'both are there');
}

done_testing();
