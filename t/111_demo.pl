# Copyright (c) 2026, the pg_cmig developers

# cmig demo: each step does what its text says, without a server or settings of the user,
# and nothing remains, also if it is interrupted.

use strict;
use warnings;

use File::Spec;
use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $dir = PostgreSQL::Test::Utils::tempdir();
my $cache = PostgreSQL::Test::Utils::tempdir_short();
my $temporary = PostgreSQL::Test::Utils::tempdir_short();

delete @ENV{ grep { /^(?:PG|CMIG)|^DATABASE_URL$/ } keys %ENV };
@ENV{qw(XDG_CACHE_HOME TMPDIR PGHOST DATABASE_URL)} = ($cache, $temporary, '/nowhere', 'postgresql://nowhere.invalid/shop');
chdir $dir or die;

# Has the server ended?
sub ends
{
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return 1 if !grep { m{\Q$cache\E} } split /\n/, qx(ps -eo args);
		usleep(100_000);
	}
	return 0;
}
sub left { return join ' ', glob("$dir/* $temporary/*"); }

my ($status, $out, $err) = cmig('demo');
is($status, 0, 'cmig demo') or diag($out, $err);
like($out, qr/\nupgrade base -> 001, Create accounts\n.*\nERROR:  column "email" of relation "account" contains null values\n.*\n== round-trip ==\nno problems\n.*\nupgrade 001 -> 002, .*\ndowngrade 002 -> 001, .*\n@ 001 /s,
	'its steps');
is($err, '', 'no errors');
is(left(), '', 'no file remains');
ok(ends(), 'no server remains');

# also if TMPDIR is relative to the folder that the demo leaves
$ENV{TMPDIR} = File::Spec->abs2rel($temporary, $dir);
my $run = IPC::Run::start([ $cmig, 'demo' ], '>', \$out, '2>', \$err);
$run->pump until $out =~ /initial|Create accounts/;
$run->signal('TERM');
$run->finish;
is(left(), '', 'no file remains after an interruption');
ok(ends(), 'nor a server');
is(qx(bash -c 'printf %s "$cache"/cmig/engine-*/data/PG_VERSION | wc -w') + 0, 1, 'the server is made once');

done_testing();
