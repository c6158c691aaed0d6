# Copyright (c) 2026, the pg_cmig developers

# Tests cmig.drift in random schemas with all kinds of objects.  Nothing must be
# reported after the upgrade.  Manual changes are then repaired, captured, and
# reverted, and no difference must remain each time.
#
# SEEDS is the number of schemas (6), and SEED is the first seed (3001).

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use SchemaGenerator;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $first = $ENV{SEED} // 3001;
my $node = new_node('random', 'max_locks_per_transaction = 512', 'wal_level = logical');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE regress_diff_a; CREATE ROLE regress_diff_b; CREATE ROLE "regress diff ""c"""');

my $drift = q{SELECT concat_ws(' ', action, kind, object, upgrade_sql, hazard) FROM cmig.drift(owners => true) ORDER BY step};

# runs the statements one after the other, as psql's \gexec does
sub apply
{
	my ($db, $from, @before) = @_;

	return query($node, $db, join(";\n", @before, "SELECT upgrade_sql FROM $from WHERE upgrade_sql IS NOT NULL ORDER BY step \\gexec\n"));
}

foreach my $seed ($first .. $first + ($ENV{SEEDS} // 6) - 1)
{
	my ($a, $b) = SchemaGenerator::pair($seed);
	my $db = "seed_$seed";

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	query($node, $db, "CREATE EXTENSION pg_cmig; SELECT cmig.create_revision('a', \$cmig\$$a\$cmig\$, '', revision => '001'); SELECT cmig.upgrade()");
	is(query($node, $db, $drift), '', "$seed: no drift after the upgrade");

	apply($db, "cmig.diff(\$cmig\$$b\$cmig\$, owners => true)");
	cmp_ok(query($node, $db, 'SELECT count(*) FROM cmig.drift(owners => true)'), '>', 0, "$seed: changes are found");

	# in a copy, the differences are repaired
	$node->safe_psql('postgres', "CREATE DATABASE repaired TEMPLATE $db");
	apply('repaired', 'cmig.drift(owners => true)');
	is(query($node, 'repaired', $drift), '', "$seed: repaired");
	$node->safe_psql('postgres', 'DROP DATABASE repaired');

	query($node, $db, "SELECT count(*) FROM cmig.capture('b', revision => '002', owners => true, store => true)");
	is(query($node, $db, $drift), '', "$seed: captured");
	is(query($node, $db, "SELECT string_agg(concat_ws(' ', problem, kind, object, message), ', ') FROM cmig.round_trip('002')"), '',
		"$seed: the downgrade reverts it");
	query($node, $db, "SELECT cmig.downgrade('001')");
	is(query($node, $db, $drift), '', "$seed: reverted");
}

done_testing();
