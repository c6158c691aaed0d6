# Copyright (c) 2026, the pg_cmig developers

# Upgrades the example chains to head with stepwise procedures, and downgrades them
# again, as the database's owner, who is not a superuser.  The schema must be the same
# as after an upgrade in one transaction, and nothing must be left at the end.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('chains');
$node->start;
# The roles that the chains' scripts name.
$node->safe_psql('postgres', 'CREATE ROLE mindbridge_maintenance; CREATE ROLE mnfst_maintenance;'
	  . ' CREATE ROLE mnfst_app; CREATE ROLE owner LOGIN');
my @as_owner = (extra_params => [ '-U', 'owner' ]);

# A downgrade does not drop the audit log, and the arguments of audit triggers contain
# ids and OIDs.
sub dump_of
{
	my ($db) = @_;
	my ($dump, $err);

	IPC::Run::run([ 'pg_dump', '-s', '-N', 'cmig_audit', '-d', $node->connstr($db) ], '<', \undef, '>', \$dump, '2>', \$err)
	  or die $err;
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	$dump =~ s/"anchor": "[^"]+"|(?<=cmig.audit_trigger\(')\d+/.../g;
	return $dump;
}

foreach my $chain (map { m{([^/]+)$} } grep { -d } glob("$CmigNode::top/migrations/*"))
{
	my @files = chain_files($chain);

	foreach my $db ("${chain}_call", "${chain}_select")
	{
		$node->safe_psql('postgres', "CREATE DATABASE $db OWNER owner");
		query($node, $db, 'CREATE EXTENSION pg_cmig', 'owner');
		load_files($node, $db, 'owner', @files);
	}
	my $empty = dump_of("${chain}_call");
	is(query($node, "${chain}_call", "SELECT string_agg(concat_ws(' ', revision, statement, rule), ', ') FROM cmig.lint('heads') WHERE severity <> 'notice'", 'owner'),
		$chain eq 'second_brain' ? '005_create_spaced_rep_cards_table 2 foreign-key-without-index' : '', "$chain: lint reports nothing else");

	my ($out, $err);
	is($node->psql("${chain}_call", "CALL cmig.upgrade_stepwise('heads')", stdout => \$out, stderr => \$err, @as_owner), 0,
		"$chain: CALL upgrades to head") or diag $err;
	query($node, "${chain}_select", q{SET cmig.concurrent_ddl = off; SELECT count(*) FROM cmig.upgrade('heads')}, 'owner');
	is(dump_of("${chain}_call"), dump_of("${chain}_select"), "$chain: the same schema as after one transaction");
	is($node->safe_psql("${chain}_call", "SELECT count(*) FROM cmig.progress"), '0', "$chain: nothing is partially applied");

	# downgrade until an irreversible revision is reached
	my $status = $node->psql("${chain}_call", "CALL cmig.downgrade_stepwise('base')", stdout => \$out, stderr => \$err, @as_owner);
	if ($err =~ /MG006|cannot be reverted/)
	{
		note("$chain: $err");
		my $last = $node->safe_psql("${chain}_call", "SELECT revision FROM cmig.revision WHERE downgrade_sql IS NULL ORDER BY created_at DESC LIMIT 1");
		is($node->psql("${chain}_call", "CALL cmig.downgrade_stepwise('$last')", stderr => \$err, @as_owner), 0,
			"$chain: CALL downgrades to $last, which cannot be reverted") or diag $err;
	}
	else
	{
		is($status, 0, "$chain: CALL downgrades to base") or diag $err;
		is(dump_of("${chain}_call"), $empty, "$chain: nothing is left");
	}
	is($node->psql("${chain}_call", "CALL cmig.upgrade_stepwise('heads')", stderr => \$err, @as_owner), 0, "$chain: CALL upgrades again") or diag $err;
	is(dump_of("${chain}_call"), dump_of("${chain}_select"), "$chain: the same schema again");
}

$node->stop;
done_testing();
