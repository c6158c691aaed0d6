# Copyright (c) 2026, the pg_cmig developers

# Before PostgreSQL 19, DETACH PARTITION … CONCURRENTLY adds a CHECK constraint to the partition.  Where
# the statement runs in a transaction, as in a comparison or with cmig.concurrent_ddl = off, it leaves the same.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('detached_check');
$node->start;

my %tables = (
	numbers => [ 'k int, v int', 'RANGE (k)', 'FROM (1) TO (5)' ],
	pairs => [ 'k varchar(9), d date', 'RANGE (k, d)', q{FROM ('a', '2026-01-01') TO ('b', MAXVALUE)} ],
	words => [ 'k text', 'LIST (lower(k))', q{IN ('a', 'b')} ],
	hashed => [ 'k int', 'HASH (k)', 'WITH (modulus 2, remainder 0)' ],
	implied => [ 'k int NOT NULL CHECK (k >= 1 AND k < 5)', 'RANGE (k)', 'FROM (1) TO (5)' ]);
my $upgrade = join '', map { "CREATE TABLE $_ ($tables{$_}[0]) PARTITION BY $tables{$_}[1]; CREATE TABLE ${_}_1 PARTITION OF $_ FOR VALUES $tables{$_}[2];\n" } sort keys %tables;
$upgrade .= 'CREATE TABLE numbers_2 PARTITION OF numbers FOR VALUES FROM (5) TO (9) PARTITION BY LIST (v); CREATE TABLE numbers_2_1 PARTITION OF numbers_2 FOR VALUES IN (1)';
my $detach = join '', map { my ($table) = /(.*)_/; "ALTER TABLE $table DETACH PARTITION $_ CONCURRENTLY;\n" } 'numbers_2', map { "${_}_1" } sort keys %tables;
my @files = (revision_file('001', '', "$upgrade;", ''), revision_file('002', '001', $detach, '') =~ s/^-- create_date/-- transactional: false\n$&/mr);

sub schema
{
	my ($db) = @_;
	my $dump = '';

	IPC::Run::run([ 'pg_dump', '--schema-only', '--schema=public', '-d', $node->connstr($db) ], '>', \$dump) or die;
	return $dump =~ s/^\\(un)?restrict .*\n//gmr;
}

foreach my $db (qw(online plain abandoned))
{
	new_database($node, $db);
	query($node, $db, load_sql(@files) . "SELECT cmig.upgrade('001')");
}
my $before = schema('abandoned');
query($node, 'online', 'CALL cmig.upgrade_stepwise()');
my $added = <<'END';
numbers_1|numbers_1_k_check|t
numbers_2|numbers_2_k_check|t
numbers_2_1|numbers_2_k_check|f
pairs_1|pairs_1_check|t
words_1|words_1_k_check|t
END
is(query($node, 'online', q{SELECT conrelid::regclass::text, conname, conislocal FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace ORDER BY 1, 2}) . "\n",
	"implied|implied_k_check|t\nimplied_1|implied_k_check|t\n" . ($node->pg_version->major < 19 ? $added : ''), 'what PostgreSQL adds');
is(query($node, 'online', 'SELECT * FROM cmig.drift()'), '', 'no drift');
query($node, 'plain', 'SET cmig.concurrent_ddl = off; SELECT cmig.upgrade()');
is(schema('plain'), schema('online'), 'the same with cmig.concurrent_ddl = off');
is(query($node, 'plain', 'SELECT * FROM cmig.drift()'), '', 'no drift there');

# a run that fails after the partitions are detached
(my $failing = $files[1]) =~ s/(CONCURRENTLY;\n)(?!ALTER)/${1}SELECT 1 \/ 0;\n/;
query($node, 'abandoned', load_sql($failing));
fails_with($node, 'abandoned', 'CALL cmig.upgrade_stepwise()', '22012', 'division by zero', 'the run fails');
query($node, 'abandoned', "CALL cmig.abandon_partial('002', confirm => '002')");
is(schema('abandoned'), $before, 'abandon_partial leaves no constraint');
is(query($node, 'abandoned', 'SELECT * FROM cmig.drift()'), '', 'no drift after it');

$node->stop;
done_testing();
