# Copyright (c) 2026, the pg_cmig developers

# The tree: sql/README.md lists every test, and every source file has the
# copyright line.  (scripts/format --check looks at the layout of the sources.)

use strict;
use warnings;

use FindBin;
use Cwd;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = dirname(Cwd::abs_path($FindBin::RealBin));
chdir $top or die "$top: $!";

# The tests, and what the map names
my $map = slurp_file('sql/README.md');
my @tests = map { basename($_) } glob('sql/*.sql specs/*.spec t/*.pl');
my %named;

$named{$_}++ foreach $map =~ /^\| `([^`]+)` \| \S/mg;
is(join(', ', grep { !$named{$_} } @tests), '', 'sql/README.md says what each test holds');
my %there = map { $_ => 1 } @tests;
is(join(', ', grep { !$there{$_} || $named{$_} > 1 } sort keys %named), '', 'sql/README.md names each test once and nothing else');

# Headers
my @sources = grep { -f && !/\.(md|jsonl)$/ }
  glob('*.c pg_cmig--*.sql Makefile src/*/*.[ch] scripts/* bench/* .ci/* docker/try-on-debian docker/Dockerfile t/*.p[lm] t/drivers/*.[cjp]* t/data/*.py t/data/*/*.py');
my $holder = slurp_file('LICENSE') =~ /^Copyright \(c\) (.*)$/m ? $1 : 'nobody';
is(join(', ', grep { substr(slurp_file($_), 0, 5000) !~ /^(?: \*|#|\/\/) Copyright \(c\) \Q$holder\E$/m } @sources),
	'', 'every source file has the copyright line of LICENSE');

done_testing();
