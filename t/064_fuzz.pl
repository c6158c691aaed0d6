# Copyright (c) 2026, the pg_cmig developers

# Calls every function with random arguments, and loads mutated files.  There must be
# no crash, no internal error, and no hang, and an error must not change anything.
# scripts/fuzz does the same for hours.  CMIG_SEED is the seed, and CMIG_FUZZ_CALLS is
# the number of calls.

use strict;
use warnings;

use File::Basename;
use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';
my $node = new_node('fuzz');
$node->start;

my ($out, $err);
my $ok = IPC::Run::run(
	[
		$python, "$FindBin::RealBin/data/fuzz/fuzz.py",
		'--dsn', $node->connstr(''),
		'--seed', $ENV{CMIG_SEED} // 20260101,
		'--calls', $ENV{CMIG_FUZZ_CALLS} // 1000,
		# on a busy machine, a slow call is not a hang
		'--timeout', 180
	],
	'>', \$out, '2>', \$err);

note $1 if $out =~ /^(seed .*)$/m;
like($out, qr/^0 defects, 0 kinds$/m, 'no defect') or diag "$out$err";
ok($ok, 'the run is complete') or diag $err;
unlike(slurp_file($node->logfile), qr/TRAP:|PANIC:|was terminated by signal/, 'no crash');

ok(IPC::Run::run([ $python, "$FindBin::RealBin/data/fuzz/plants.py", '--check', dirname($FindBin::RealBin) ], '2>', \$err),
	'the defects of scripts/fuzz --plant have their places') or diag $err;

$node->stop;
done_testing();
