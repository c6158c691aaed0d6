# Copyright (c) 2026, the pg_cmig developers

# Uses pg_dump to check cmig.diff for some of the pairs of schemas in
# t/data/diff_pairs, as a superuser, and as the owner of a database with extensions, an
# event trigger, and a publication that belong to other roles.  scripts/diff-fidelity
# checks all pairs.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('pairs', 'wal_level = logical');
$node->start;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';

my $pairs = "$CmigNode::top/t/data/diff_pairs";

sub judge_in
{
	my ($path, $name, @options) = @_;
	my $log = "$PostgreSQL::Test::Utils::log_path/fidelity_$name";
	my @command = ("$CmigNode::top/scripts/diff-fidelity", '-j', '2', @options, $path);

	is(system('bash', '-c', '"$@" >"$0" 2>&1', $log, @command), 0, "$name: what is applied is what pg_dump prints")
	  or diag(slurp_file($log));
	like(slurp_file($log), qr/^([1-9]\d*) of \1 pairs without failure/m, "$name: pairs were judged");
}

sub judge { judge_in($pairs, @_) }

# since 16, a child's column cannot be generated if the parent's is not
my $only_older = $node->safe_psql('postgres', 'SHOW server_version_num') < 160000 ? '|until_15' : '';

judge('superuser', '-k', "^(?:sequences|inheritance|combinations$only_older)/");
judge('owner', '-k', '^(?:views|global/(?:event|publication|extension|server|foreign))',
	'--role', 'regress_diff_owner', '--setup', "$pairs/surroundings.psql");
judge('stages', '--stages', '-k', '^(?:constraints/(?:validated|constraints with comments|primary key dropped|comment of a constraint that is v)'
	  . '|columns/column dropped under a view, an|types/composite type altered b|functions/overload with a|inheritance/(?:column moves to the g|one parent, and|parent\'s column becomes N)|partitions/(?:index that only|table that is attached, with and|partition that (?:comes|goes), beside))');
judge('concurrently', '--file', '--arguments', 'owners => true, concurrently => true', '-k', '^(?:attached/(?:equivalent keys of two levels, one|a new index below)|partitions/enum gains)');

# two generated pairs that could not be loaded because the generator had used a name twice
my $generated = PostgreSQL::Test::Utils::tempdir();
system("$CmigNode::top/scripts/diff-generate", '--seed', $_, '--count', 1, $generated) == 0 or die for 900126, 900480;
judge_in($generated, 'generated');

done_testing();
