# Copyright (c) 2026, the pg_cmig developers

# Tests that the server's messages decide nothing, which are translated if lc_messages says
# so: tests of pg_regress have errors with the same SQLSTATEs, hints, and results in German.
# cmig in the shell, which reads the severities of messages, sets the language if it may.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Utils;
use Test::More;

my $locales = PostgreSQL::Test::Utils::tempdir();
my $language = 'de_DE.utf8';

plan skip_all => 'localedef is not installed' if !need_tool('localedef', 'localedef', '--version');
IPC::Run::run([ 'localedef', '-i', 'de_DE', '-f', 'UTF-8', "$locales/$language" ], '>', \my $out, '2>', \my $err);
plan skip_all => "localedef cannot make $language" if !-d "$locales/$language";

my $node = new_node('language', 'max_locks_per_transaction = 256');
{
	local $ENV{LOCPATH} = $locales;
	$node->start;
}
my (undef, undef, $error) = $node->psql('postgres', "SET lc_messages = '$language'; SELECT 1/0");
plan skip_all => 'the server has no translations' if $error !~ /^(?:psql:\S+ )?FEHLER: /;

# the texts of pg_cmig, which are not translated
my $sources = join '', map { slurp_file($_) } glob("$CmigNode::top/pg_cmig.c $CmigNode::top/src/*/*.c");

# and one of the server with which one of them begins
my $servers = qr/^New enum values must be committed before they can be used\.$/;

# said(TEST, LANGUAGE): runs a test of pg_regress, and returns a line for each message, which
# the language does not change, and for each result
sub said
{
	my ($test, $messages) = @_;
	my %severity = ('FEHLER' => 'ERROR', 'WARNUNG' => 'WARNING', 'HINWEIS' => 'NOTICE');
	my $text;
	local @ENV{qw(PGTZ PGDATESTYLE)} = ('PST8PDT', 'Postgres, MDY');

	$node->safe_psql('postgres', "CREATE DATABASE contrib_regression; ALTER DATABASE contrib_regression SET lc_messages = '$messages'");
	IPC::Run::run([ 'psql', '-Xaq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('contrib_regression') ], '<', "sql/$test.sql", '>', \$text, '2>&1');
	$node->safe_psql('postgres', 'DROP DATABASE contrib_regression WITH (FORCE)');
	$node->psql('postgres', "SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname ~ '^regress' \\gexec");
	$text =~ s/^(\w+)(?=:  )/$severity{$1} \/\/ $1/gme;
	return join '', map { /^(\w+):  ([0-9A-Z]{5}:|)(?: *)(.*)/ ? "$1 $2" . ($1 eq 'HINT' && index($sources, substr($3, 0, 12)) >= 0 && $3 !~ $servers ? $3 : '') . "\n" : /^(\(\d+ rows?\))$/ ? "$1\n" : '' } split /\n/, $text;
}

chdir $CmigNode::top or die $!;
# as in pg_regress; the library of the shadow is where the tests are built
$ENV{PG_ABS_SRCDIR} = $CmigNode::top;
($ENV{PG_ABS_BUILDDIR}) = grep { -d "$_/t/data/shadow" } grep { defined } @ENV{qw(PG_ABS_BUILDDIR TESTDIR)}, $CmigNode::top;
foreach my $test (qw(concurrent_ddl dry_run placeholder privilege_hint replay round_trip run_timeout runner_errors runner_session script_split shadow_hostile shadow_target stepwise_statements))
{
	my $said = said($test, 'C');

	cmp_ok(scalar(() = $said =~ /^ERROR/mg), '>', 1, "$test: errors") or diag($said);
	is(said($test, $language), $said, "$test: the same in German");
}

chdir PostgreSQL::Test::Utils::tempdir() or die $!;
delete @ENV{qw(DATABASE_URL CMIG_CONFIG)};
@ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres');
$node->safe_psql('postgres', "ALTER SYSTEM SET lc_messages = '$language'; SELECT pg_reload_conf(); CREATE ROLE plain LOGIN");
mkdir 'migrations' or die $!;
append_to_file('migrations/001.sql', revision_file('001', '', 'CREATE TABLE item (id int);', 'DROP TABLE item;'));
append_to_file('migrations/002.sql', revision_file('002', '001', 'SELECT 1/0;', '') =~ s/^-- create_date.*\n/$&-- transactional: false\n/mr);
gives(0, 'is at base', '^[^:]*$', 'init');
gives(0, 'is at 001', '^(?:(?!HINWEIS).)*\nupgrade base -> 001, make 001\n', 'upgrade', '001');
gives(3, '', 'ERROR:  division by zero\n', 'upgrade', '--stepwise');
{
	local $ENV{PGUSER} = 'plain';
	gives(3, '', 'FEHLER:  permission denied for schema cmig\nHINT:  .*grant_access', 'status');
}

$node->stop;
done_testing();
