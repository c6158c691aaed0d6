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
use SchemaGenerator;
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

# The statements of random differences: what dry_run sees that a statement locks so that others wait who
# write, plan has said.  CMIG_ROUNDS is the number of schemas, and CMIG_SEED is the seed of the first one.
my ($rounds, $first) = ($ENV{CMIG_ROUNDS} || 10, $ENV{CMIG_SEED} // 20261130);
my $tag = '$schema$';
my %rank = ('SHARE' => 1, 'SHARE ROW EXCLUSIVE' => 2, 'EXCLUSIVE' => 3, 'ACCESS EXCLUSIVE' => 4);
my $compared = 0;

# ranks(TEXT): relation => how strong its lock is, as in a column "locks"
sub ranks
{
	my ($text) = @_;

	# a name may have line breaks
	return map { /^(ACCESS EXCLUSIVE|EXCLUSIVE|SHARE ROW EXCLUSIVE|SHARE) on ((?:"(?:[^"]|"")*"|[^,"])*)/ ? ($2 => $rank{$1}) : () }
	  split /\n(?=(?:[A-Z ]+ on|unknown|statement) )/, $text;
}

$node->safe_psql('postgres', qq{CREATE ROLE $_}) foreach 'regress_diff_a', 'regress_diff_b', '"regress diff ""c"""';
$ENV{PGOPTIONS} = '-c client_min_messages=error';
foreach my $seed ($first .. $first + $rounds - 1)
{
	my ($from, $to) = SchemaGenerator::chain($seed, 2, size => 14, changes => 8);
	my @missed;

	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS random');
	new_database($node, 'random');
	$node->safe_psql('random', $from);
	foreach my $hex (split /\n/, $node->safe_psql('random',
			"SELECT encode(convert_to(upgrade_sql, 'UTF8'), 'hex') FROM cmig.diff($tag$to$tag, owners => true) WHERE upgrade_sql IS NOT NULL ORDER BY step"))
	{
		my $sql = pack('H*', $hex);
		my ($plan, $seen, $error) = map { pack('H*', $_) } split /\|/, $node->safe_psql('random', <<"SQL"), -1;
DELETE FROM cmig.revision;
INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', convert_from('\\x$hex', 'UTF8'));
SELECT array_to_string(ARRAY(SELECT encode(convert_to(coalesce(t, ''), 'UTF8'), 'hex')
	FROM unnest(ARRAY[(SELECT locks FROM cmig.plan()), d.locks, d.error]) t), '|') FROM cmig.dry_run() d LIMIT 1;
SQL
		if ($error eq '')
		{
			my %told = ranks($plan);
			my %locked = ranks($seen);

			$compared++;
			push @missed, map { "$sql: $_" } grep { $locked{$_} > ($told{$_} // 0) } keys %locked;
		}
		last if $node->psql('random', $sql) != 0;
	}
	is(join("\n", @missed), '', "seed $seed");
}
cmp_ok($compared, '>', 5 * $rounds, 'statements were compared');

$node->stop;
done_testing();
