# Copyright (c) 2026, the pg_cmig developers

# cmig.lint against scripts and databases whose findings are known.

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

my ($out, $err) = ('', '');
IPC::Run::run([ $^X, "$FindBin::RealBin/data/lint/run_lint.pl", "$FindBin::RealBin/data/lint/lint-cases.jsonl" ],
	'>', \$out, '2>', \$err);
my ($agree, $all) = $out =~ /^agree (\d+) of (\d+)$/m;
cmp_ok($all // 0, '>=', 300, 'all cases were tried') or diag $err;
is($agree, $all, 'lint agrees with all of them') or diag $out;

$node->stop;
done_testing();
