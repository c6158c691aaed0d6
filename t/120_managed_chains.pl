# Copyright (c) 2026, the pg_cmig developers

# Upgrades and downgrades the example chains in databases without the extension, and in
# databases that have it, as their owner, who is not a superuser.  Both must have the same
# schema and rows.  Between the upgrades, somebody works with them as the guides do.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('managed_chains');

$node->start;
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', "CREATE ROLE $_") for qw(mindbridge_maintenance mnfst_maintenance mnfst_app);
$node->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN');

my @chains = map { m{([^/]+)$} } grep { -d } glob("$CmigNode::top/migrations/*");
for my $chain (@chains) { $node->safe_psql('postgres', "CREATE DATABASE ${_}_$chain OWNER regress_owner") for qw(far near); }
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGUSER XDG_CACHE_HOME)} = ($node->host, $node->port, 'regress_owner', PostgreSQL::Test::Utils::tempdir_short());
engine_stays();
chdir PostgreSQL::Test::Utils::tempdir() or die;

sub dump_of
{
	my $out;

	IPC::Run::run([ 'pg_dump', '-U', $superuser, '-N', 'cmig*', '-d', $_[0] ], '>', \$out) or die;
	return join("\n", sort grep { !/^(--|\\(un)?restrict|.*EXTENSION|$)/ } split(/\n/, $out));
}

for my $chain (@chains)
{
	my ($far, $near) = ("far_$chain", "near_$chain");
	my @far = ('-d', $far, '--engine', 'local', '--folder', "$CmigNode::top/migrations/$chain");
	my @near = ('-d', $near, '--folder', "$CmigNode::top/migrations/$chain");
	my $same = sub { is(dump_of($far), dump_of($near), "$chain: the same $_[0]"); };

	if ($chain =~ /_helpers$/)
	{
		gives(3, '', 'ERROR:  revision "\w+" calls cmig\.\w+, which requires the extension.*nothing was changed', 'upgrade', '-y', @far);
		is(dump_of($far), dump_of($near), "$chain: nothing was changed");
		next;
	}
	query($node, $near, 'CREATE EXTENSION pg_cmig', 'regress_owner');
	gives(0, 'at ', '', 'upgrade', '-y', @near);
	gives(0, 'at ', '', 'upgrade', '-y', @far);
	$same->('schema');
	gives(0, 'is_head', '', 'current', '-v', @far);
	gives(0, 'no drift', '', 'drift', @far);
	gives(0, 'problems +none', '', 'status', @far);
	gives(0, '', '', 'check', @far);
	gives(0, 'at ', '', 'downgrade', '-1', '-y', @far);
	gives(0, 'at ', '', 'downgrade', '-1', '-y', @near);
	$same->('schema after downgrade -1');
	gives(0, '', '', 'dry-run', @far);
	gives(0, 'at ', '', 'upgrade', '+1', '-y', '--stepwise', @far);
	gives(0, 'at ', '', 'upgrade', '+1', '-y', '--stepwise', @near);
	$same->('schema again');
	gives(0, 'upgrade .*downgrade .*upgrade', '', 'log', @far);
	gives(0, 'current, head', '', 'history', @far);
}

done_testing();
