# Copyright (c) 2026, the pg_cmig developers

# Tests cmig.lint with scripts and databases for which the findings are known.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('lint_cases', 'client_min_messages = warning');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig');
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';
local $ENV{PSQL} = $node->config_data('--bindir') . '/psql';

foreach ([ 'lint-cases.jsonl', 300 ], [ 'more-cases.jsonl', 140 ])
{
	my ($cases, $count) = @$_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ $^X, "$FindBin::RealBin/data/lint/run_lint.pl", "$FindBin::RealBin/data/lint/$cases" ],
		'>', \$out, '2>', \$err);
	my ($agree, $all) = $out =~ /^agree (\d+) of (\d+)$/m;
	cmp_ok($all // 0, '>=', $count, "$cases: all were tried") or diag $err;
	is($agree, $all, "$cases: lint agrees with all of them") or diag $out;
}

$node->stop;
done_testing();
