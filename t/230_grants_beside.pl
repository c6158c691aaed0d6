# Copyright (c) 2026, the pg_cmig developers

# Before PostgreSQL 18, GRANT takes no lock that could be waited for: if another session changes the same
# row of a catalog, the server raises an internal error in the one that waits.  pg_cmig makes 40001 of it,
# in moves and in what its functions run.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = expand_node('grants_beside');
my $db = 'd0';

sql('postgres', 'CREATE DATABASE original');
sql('original', q{CREATE EXTENSION pg_cmig;
	SELECT cmig.create_revision('a', 'CREATE TABLE t (id int PRIMARY KEY)', 'DROP TABLE t', revision => '1');
	SELECT FROM cmig.upgrade();
	SELECT cmig.create_revision('b', 'ALTER TABLE t ADD z int', 'ALTER TABLE t DROP z', revision => '2', expand => true)});

# beside(GRANT, CALL): returns the errors of a call, in a new database, that waits for a GRANT
sub beside
{
	my ($grant, $call) = @_;

	$db++;
	sql('postgres', "CREATE DATABASE $db TEMPLATE original");
	my $grantor = $node->background_psql($db);
	$grantor->query_safe("BEGIN; $grant");
	my $run = start_psql($node, $db, "SET client_min_messages = error; $call");
	wait_until_blocked($node);
	$grantor->query_safe('COMMIT');
	$grantor->quit;
	finish_psql($run);
	return $run->{err};
}

# An upgrade fails; an expansion, which waits by attempts anyway, goes on.  GRANT locks the row of a table
# since version 18.
my $locks = $node->pg_version >= 18;
my %calls = (
	'SELECT FROM cmig.upgrade()' => [ $locks ? qr/^$/ : qr/ERROR:  40001: another session has changed the same object, such as its privileges, at the same time$/m, 2 ],
	'CALL cmig.expand()' => [ qr/^$/, 1 ]);

foreach my $call (sort keys %calls)
{
	my ($error, $after) = @{ $calls{$call} };
	my $errors = beside('GRANT SELECT ON t TO PUBLIC', $call);

	like($errors, $error, "GRANT beside $call");
	sql($db, $call) if $errors ne '';
	is(sql($db, 'SELECT revision FROM cmig.current()'), $after, 'the revision');
	is(sql($db, q{SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname ~ 'z$'}), 1, 'its column');
	is(sql($db, q{SELECT has_table_privilege('pg_monitor', 't', 'SELECT')}), 't', 'the privilege is kept');
}

# What functions run on a table, on a schema, and on pg_cmig's own objects.
sql('original', q{CREATE ROLE app LOGIN; CREATE TABLE a (id int PRIMARY KEY, tenant_id int NOT NULL);
	SELECT cmig.create_scope('s1')});
my @functions = (
	[ 'GRANT SELECT ON a TO PUBLIC', q{SELECT FROM cmig.enable_rls('a', tenant_column => 'tenant_id', roles => '{app}')} ],
	[ 'GRANT SELECT ON a TO PUBLIC', q{SELECT FROM cmig.enable_audit('a')} ],
	[ 'GRANT USAGE ON SCHEMA s1 TO PUBLIC', q{SELECT FROM cmig.rename_scope('s1', 's2')} ],
	[ 'GRANT EXECUTE ON FUNCTION cmig.current() TO PUBLIC', q{SELECT FROM cmig.grant_access('app', 'migrator')} ]);

foreach my $case (@functions)
{
	my ($grant, $call) = @$case;
	my $errors = beside($grant, $call);

	like($errors, $locks ? qr/^$|ERROR:  40001: / : qr/ERROR:  40001: /, "$grant beside $call");
	sql($db, $call) if $errors ne '';
}

done_testing();
