# Copyright (c) 2026, the pg_cmig developers

# Two sessions that give a schema the same name, or rename or drop the schema of a scope by hand:
# the one that waits finds what the other one has committed, and says so.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('scope_names');
my $db = 'd0';

$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE original');
$node->safe_psql('original', q{CREATE EXTENSION pg_cmig;
	SELECT cmig.create_revision('a', 'CREATE TABLE t (id int)', 'DROP TABLE t', revision => '1');
	SELECT cmig.create_scope('one'); SELECT cmig.create_scope('two')});

my %calls = (
	create => q{SELECT FROM cmig.create_scope('new')},
	copy => q{SELECT FROM cmig.create_scope('new', copy_of => 'two')},
	rename => q{SELECT cmig.rename_scope('one', 'new')},
	drop => q{SELECT cmig.drop_scope('one', confirm => 'one')});

# waits(CHANGE, CALL, ERROR): the call waits for a change that is committed
sub waits
{
	my ($change, $call, $error) = @_;

	foreach my $level ('read committed', 'repeatable read', 'serializable')
	{
		$db++;
		$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE original");
		my $holder = $node->background_psql($db);
		$holder->query_safe("SET client_min_messages = warning; BEGIN; $change");
		my $run = start_psql($node, $db, "SET default_transaction_isolation = '$level'; $calls{$call}");
		wait_until_blocked($node);
		$holder->query_safe('COMMIT');
		$holder->quit;
		finish_psql($run);
		like($run->{err}, $error, "$level: $change; $call");
		is($node->safe_psql($db, 'SELECT count(*) FROM cmig.scopes() s LEFT JOIN pg_namespace n ON n.nspname = s.scope WHERE n IS NULL'),
			$change =~ /ALTER|DROP/ ? 1 : 0, 'nothing else was recorded');
	}
	return;
}

my $exists = qr/ERROR:  (42P06: schema "new" already exists|40001: could not serialize)/;

waits($calls{create}, $_, $exists) foreach 'create', 'copy', 'rename';
waits(q{SELECT cmig.rename_scope('two', 'new')}, $_, $exists) foreach 'create', 'rename';
foreach my $change ('ALTER SCHEMA one RENAME TO another', 'DROP SCHEMA one CASCADE')
{
	waits($change, $_, qr/ERROR:  (40001: the schema was changed|3F000: schema "one" does not exist)/) foreach 'rename', 'drop';
}

done_testing();
