# Copyright (c) 2026, the pg_cmig developers

# What is measured, counted, and found does not depend on settings with which the server collects
# statistics and plans queries.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('server_settings', 'autovacuum = off');
$node->start;
query($node, 'postgres', 'CREATE EXTENSION pg_cmig;' . load_sql(
		revision_file('one', '', 'CREATE TABLE t (id int PRIMARY KEY, a int, b text)', 'DROP TABLE t'),
		revision_file('two', 'one', 'ALTER TABLE t RENAME b TO c; ALTER TABLE t ALTER a TYPE bigint', '') =~ s/(-- message)/-- expand: true\n$1/r,
		revision_file('three', 'two', q{ALTER TABLE t ADD CHECK (id > 0); DO $$ BEGIN EXECUTE 'TRUNCATE t'; END $$}, '')));
query($node, 'postgres', "SELECT FROM cmig.upgrade('one'); INSERT INTO t SELECT g, g FROM generate_series(1, 5) g");

# both read what the server has counted of the statements that they try
my $scans = q{SELECT revision, statement, scans FROM cmig.dry_run() WHERE scans <> '';
SELECT revision, statement, rule FROM cmig.lint(rehearse => true) WHERE rule ~ '^(truncating|rewriting)-'};
my $counted = query($node, 'postgres', $scans);
like($counted, qr/^three\|1\|public\.t$/m, 'a scan');
like($counted, qr/^three\|2\|truncating-table$/m, 'a table that is emptied');
is(query($node, 'postgres', "SET track_counts = off; $scans"), $counted, 'track_counts = off');
is(query($node, 'postgres', 'SET track_counts = off; SELECT count(*) > 0 FROM cmig.dry_run(); SHOW track_counts'), "t\noff", 'which stays so');

# a condition that PostgreSQL evaluates first must not be one that fails for other rows
query($node, 'postgres', q{CALL cmig.expand('two', confirm => true)});
my $rows = 'SELECT relation, old_column, rows_filled, rows_left, failure FROM cmig.expansion()';
my $read = query($node, 'postgres', $rows);
like($read, qr/^public\.t\|a\|5\|0\|$/m, 'rows of an expansion');
foreach my $settings ('enable_indexscan = off; SET enable_bitmapscan = off', 'enable_seqscan = off', 'random_page_cost = 1e9')
{
	is(query($node, 'postgres', "SET $settings; $rows"), $read, $settings);
}
done_testing();
