# Copyright (c) 2026, the pg_cmig developers

# What cmig.enable_rls() and the functions beside it look at under a lock is what was committed
# when it was granted, whatever the isolation level is.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('rls_waits');
my $db = 'd0';

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE app; CREATE DATABASE original');
$node->safe_psql('original', q{CREATE EXTENSION pg_cmig;
	CREATE TABLE p (id int, tenant_id text) PARTITION BY RANGE (id);
	CREATE TABLE t (id int, tenant_id text);
	CREATE TABLE ready (id int, tenant_id text);
	CREATE TABLE strict (id int, tenant_id text);
	SELECT FROM cmig.enable_rls('strict', roles => '{app}', require_context => true);
	SELECT FROM cmig.enable_rls('ready', roles => '{app}')});

my $policies = q{SELECT coalesce(string_agg(tablename || '.' || policyname || ' ' || qual, E'\n' ORDER BY 1), 'none') FROM (
	SELECT tablename, policyname, qual FROM pg_policies UNION ALL
	SELECT 'pg_cmig', 'app', has_schema_privilege('app', 'cmig', 'USAGE')::text UNION ALL
	SELECT relname, 'enabled', relforcerowsecurity::text FROM pg_class WHERE relrowsecurity ORDER BY 1, 2) p};

sub database
{
	$db++;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE original");
	return $db;
}

# waits(CHANGE, CALL): the call that waits for the change does what one after it does
sub waits
{
	my ($change, $call) = @_;
	my (undef, undef, $said) = $node->psql(database(), "$change; $call", on_error_stop => 0);
	my $expected = $node->safe_psql($db, $policies);
	my @warnings = $said =~ /^.*((?:ERROR|WARNING): .*)/mg;

	foreach my $level ('read committed', 'repeatable read', 'serializable')
	{
		my $holder = $node->background_psql(database());

		$holder->query_safe("BEGIN; $change");
		my $run = start_psql($node, $db, "SET default_transaction_isolation = '$level'; $call");
		wait_until_blocked($node);
		$holder->query_safe('COMMIT');
		$holder->quit;
		finish_psql($run);
		is($node->safe_psql($db, $policies), $expected, "$level: $change; $call");
		is_deeply([ map { s/: +(?:\w{5}: +)?/: /r } $run->{err} =~ /^.*((?:ERROR|WARNING): .*)/mg ],
			[ map { s/: +(?:\w{5}: +)?/: /r } @warnings ], 'and says the same');
	}
	return;
}

my $roles = "roles => '{app}'";
my $partition = 'CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)';
foreach my $call ("enable_rls('p', $roles)", "enable_rls_schema('public', $roles)")
{
	waits($partition, "SELECT FROM cmig.$call");
	waits('CREATE TABLE loose (id int, tenant_id text); ALTER TABLE p ATTACH PARTITION loose DEFAULT', "SELECT FROM cmig.$call");
}
waits('CREATE TABLE child () INHERITS (t)', "SELECT FROM cmig.enable_rls_schema('public', $roles)");
waits('CREATE TABLE child () INHERITS (ready); ALTER TABLE t ALTER id SET STATISTICS 7', "SELECT FROM cmig.enable_rls_schema('public', $roles, except_tables => '{ready}')");
waits('ALTER TABLE t ADD user_id text', "SELECT FROM cmig.enable_rls_schema('public', $roles)");
waits('ALTER TABLE t ALTER tenant_id TYPE int USING 1', "SELECT FROM cmig.enable_rls('t', $roles)");
waits('ALTER TABLE t RENAME tenant_id TO tenant', "SELECT FROM cmig.enable_rls('t', $roles)");
waits("SELECT FROM cmig.enable_rls('t', $roles)", "SELECT FROM cmig.enable_rls('t', $roles)");
waits("SELECT FROM cmig.enable_rls('t', $roles)", "SELECT FROM cmig.disable_rls('t')");
waits("CREATE TABLE child () INHERITS (t); SELECT FROM cmig.enable_rls('child', $roles)", "SELECT FROM cmig.disable_rls('t')");
waits('CREATE POLICY x ON ready USING (true)', "SELECT FROM cmig.disable_rls('ready')");

# the role keeps its access to pg_cmig while any policy needs it
waits("SELECT FROM cmig.enable_rls('t', $roles, require_context => true)", "SELECT FROM cmig.disable_rls('strict')");
waits("SELECT FROM cmig.enable_rls_schema('public', $roles, require_context => true, except_tables => '{ready,strict,p}')", "SELECT FROM cmig.disable_rls('strict')");
waits("SELECT FROM cmig.disable_rls('strict')", "SELECT FROM cmig.enable_rls('t', $roles, require_context => true)");

done_testing();
