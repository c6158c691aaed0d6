# Copyright (c) 2026, the pg_cmig developers

# Tests that the memory of cmig.expand grows with the number of partitions in the database, and
# not with its square: what it copies is attached to a table one partition after another.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

plan skip_all => 'the most memory a process took is read from /proc' unless -r '/proc/self/status';

my $node = new_node('partitions', "shared_buffers = '16MB'", 'jit = off', 'autovacuum = off', 'max_locks_per_transaction = 128');
$node->start;

# peak(PARTITIONS): returns the maximum memory of a session that expands, in MB
sub peak
{
	my ($partitions) = @_;
	my $db = "with_$partitions";

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, qq{CREATE EXTENSION pg_cmig;
		SELECT cmig.create_revision('a', 'CREATE TABLE t (id int PRIMARY KEY, name text)', revision => '1');
		SELECT FROM cmig.upgrade();
		CREATE TABLE p (id int NOT NULL, k int NOT NULL, v text DEFAULT 'some text') PARTITION BY RANGE (k);
		DO \$\$BEGIN FOR i IN 1 .. $partitions LOOP EXECUTE format('CREATE TABLE p\%s PARTITION OF p FOR VALUES FROM (\%s) TO (\%s)', i, i, i + 1); END LOOP; END\$\$;
		SELECT cmig.create_revision('b', 'ALTER TABLE t RENAME name TO full_name', revision => '2', expand => true)});
	my $memory = query($node, $db, q{CALL cmig.expand();
		SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\s+(\d+)'))[1]::int / 1024});

	is(query($node, $db, q{SELECT state FROM cmig.expansion() LIMIT 1}), 'expanded', "expanded beside $partitions partitions");
	return $memory;
}

my ($few, $more, $many) = map { peak($_) } (50, 150, 350);
# twice as many partitions are added
cmp_ok($many - $more, '<', 3.2 * ($more - $few) + 4, 'memory does not grow with the square of the number of partitions');
note "$few MB, $more MB, $many MB";

done_testing();
