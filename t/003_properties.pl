# Copyright (c) 2026, the pg_cmig developers

# Tests properties of the graph, of plans, and of version rows with random graphs.
# CMIG_SEED is the seed, and CMIG_GRAPHS is the number of graphs.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
my $node = new_node('properties', 'client_min_messages = warning');
$node->start;

my ($out, $err);
IPC::Run::run(
	[
		$python, "$FindBin::RealBin/data/run_properties.py",
		'--dsn', $node->connstr('postgres'),
		'--seed', $ENV{CMIG_SEED} // 20260101,
		'--graphs', $ENV{CMIG_GRAPHS} // 250
	],
	'>', \$out, '2>', \$err);

note $1 if $out =~ /^# (seed .*)$/m;
my $tests = 0;
while ($out =~ /^(not )?ok \d+ - (.*)\n((?:# .*\n)*)/mg)
{
	my ($bad, $sentence, $counterexample) = ($1, $2, $3);

	$tests++;
	ok(!$bad, $sentence) or diag $counterexample;
}
my ($planned) = $out =~ /^1\.\.([1-9]\d*)$/m;
is($tests, $planned // 'a plan', 'every property was tried') or diag $err;

$node->stop;
done_testing();
