# Copyright (c) 2026, the pg_cmig developers

# Tests that cmig.dry_run and cmig.plan report the locks that another session sees in
# pg_locks when psql runs the same statement.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('locks', 'autovacuum = off', 'max_parallel_maintenance_workers = 0', 'wal_level = logical');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE other_owner; CREATE EXTENSION pg_cmig');
$node->safe_psql('postgres', slurp_file("$CmigNode::top/t/data/locks/schema.sql"));

my $runner = $node->background_psql('postgres', on_error_stop => 0);
my $watcher = $node->background_psql('postgres');
my $own = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $runner->query_safe('SELECT pg_backend_pid()');
chomp $pid;
$_->query_safe("SET client_min_messages = error") foreach ($own, $runner);

my $modes = join ' ', map { "WHEN '$_->[0]' THEN $_->[1]" } (
	[ AccessShareLock => 1 ], [ RowShareLock => 2 ], [ RowExclusiveLock => 3 ],
	[ ShareUpdateExclusiveLock => 4 ], [ ShareLock => 5 ], [ ShareRowExclusiveLock => 6 ],
	[ ExclusiveLock => 7 ], [ AccessExclusiveLock => 8 ]);
my $seen = <<"SQL";
SELECT coalesce(string_agg((ARRAY['ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE',
	'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'])[mode] || ' on ' || name, '; ' ORDER BY mode DESC, name COLLATE "C"), 'none')
FROM (SELECT format('%I.%I', n.nspname, c.relname) AS name, max(CASE l.mode $modes END) AS mode, min(c.relkind::text) AS kind
	FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE l.pid = $pid AND l.granted AND l.locktype = 'relation' AND c.oid >= 16384
	AND n.nspname NOT IN ('pg_toast', 'cmig') AND c.relkind <> 'c' GROUP BY 1) s
WHERE mode >= 4 OR kind NOT IN ('i', 'I')
SQL

# Runs a statement with psql, and returns the locks that another session sees.
sub locks_seen
{
	my ($sql) = @_;
	my $locks;

	$runner->query_safe('BEGIN');
	eval { $runner->query_safe($sql); 1 } or diag("$sql: $@");
	$locks = $watcher->query_safe($seen);
	$runner->query_safe('ROLLBACK');
	return $locks;
}

# Returns the locks that a pg_cmig function reports for the same statement.
sub locks_told
{
	my ($sql, $function) = @_;

	$own->query_safe("DELETE FROM cmig.revision; INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', \$cmig\$$sql\$cmig\$)");
	# sizes are not shown for views and sequences
	return $own->query_safe("SELECT coalesce(string_agg(regexp_replace(line, ', [^,]*(, if it gets rows)?\$', '\\1'), '; ' ORDER BY ordinality), 'none')"
		  . " FROM (SELECT locks FROM $function) f, string_to_table(locks, E'\\n') WITH ORDINALITY line");
}

# Leaves out the partitions that are locked only if rows are added to them, in case the
# statement has added none.
sub locks_of_rows
{
	my ($told, $expected) = @_;
	my %seen = map { $_ => 1 } split /; /, $expected;

	return join '; ', grep { !s/, if it gets rows$// || $seen{$_} } split /; /, $told;
}

foreach my $sql (split /\n/, slurp_file("$CmigNode::top/t/data/locks/statements.sql"))
{
	my $expected = locks_seen($sql);

	# for statements that dry_run does not try, it shows the same locks as plan
	is(locks_of_rows(locks_told($sql, 'cmig.dry_run()'), $expected), $expected, "dry_run: $sql");
	is(locks_of_rows(locks_told($sql, 'cmig.plan()'), $expected), $expected, "plan: $sql");
}

$_->quit foreach ($runner, $watcher, $own);
$node->stop;
done_testing();
