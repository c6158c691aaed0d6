# Copyright (c) 2026, the pg_cmig developers

# Two sessions do the same at once: cmig capture, and the first run of a generated script.

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

my $node = new_node('two_at_once');

$node->start;
chdir PostgreSQL::Test::Utils::tempdir() or die $!;
delete @ENV{qw(DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGDATABASE PGAPPNAME)} = ($node->host, $node->port, 'postgres', 'cmig');
gives(0, 'cmig.conf', '', 'init');

# Session "one" ends its transaction when end() ends the session that it waits for.
my ($holder, $one);

sub begin
{
	my ($sql, $db) = @_;

	$db //= 'postgres';
	$holder = start_psql($node, $db, 'SELECT pg_advisory_lock(7), pg_sleep(600)', 'holder');
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'}) or die;
	$one = start_psql($node, $db, $sql =~ s/\bWAIT\b/SELECT FROM pg_advisory_lock(7);/r, 'one');
	wait_until_blocked($node, 'one');
}

sub end
{
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
	finish_psql($holder);
	is(finish_psql($one), 0, 'session one') or diag($one->{err});
}

# A second capture does not write the same changes once more
query($node, 'postgres', 'CREATE TABLE account (id int)');
begin("BEGIN; SELECT file_name FROM cmig.capture('One', '001'); WAIT COMMIT;");
my $two = start_psql($node, 'postgres', "SELECT file_name FROM cmig.capture('Two', '002');", 'two');
wait_until_blocked($node, 'two');
end();
is(finish_psql($two), 3, 'session two');
like($two->{err}, qr/ERROR:  55000: another session has captured the changes at the same time, as revision "001"\nHINT:  When the file of that revision is there, load it, and capture again\./, 'why');
is(query($node, 'postgres', "BEGIN; SELECT file_name FROM cmig.capture('Three', '003'); SELECT file_name FROM cmig.capture('Four', '004'); COMMIT"),
	"003_three.sql\n004_four.sql", 'one session can write other files in place of one that it does not keep');

# rows that a migrator can write do not stop it for everybody
foreach my $forged ([ '9000000000000000000', '00:00:00' ], [ '3', '10 years' ])
{
	my ($id, $elapsed) = @$forged;

	is(query($node, 'postgres', "BEGIN; INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role, transaction_id, checksum) SELECT coalesce(max(id), 0) + 1, 'x', 'drift', 'done', now(), '$elapsed', current_user, '$id', 'x' FROM cmig.journal;
		SELECT file_name FROM cmig.capture('Seven', '007'); ROLLBACK"), '007_seven.sql', "a row with the transaction $id and $elapsed");
}

# the same in the shell, where the other one has ended before, but its file was written after the files were loaded
begin('BEGIN; SELECT kind FROM cmig.drift(); WAIT COMMIT;');
my $capture = IPC::Run::start([ $cmig, 'capture', '-m', 'Five', '--rev-id', '005' ], '<', \undef, '>', \my $out, '2>', \my $err);
wait_until_blocked($node, 'cmig');
append_to_file('migrations/001_one.sql', revision_file('001', '', 'SELECT 1;', 'SELECT 1;'));
end();
$capture->finish;
is($capture->full_result(0) >> 8, 3, 'cmig capture');
like($err, qr/cmig: the files in the folders have changed in the meantime; no file was written\nRepeat the command\.\n$/, 'why');
is(join(' ', glob('migrations/*')), 'migrations/001_one.sql', 'there is no second file');
unlink 'migrations/001_one.sql' or die $!;
gives(0, '^migrations/006_six.sql\n$', '', 'capture', '-m', 'Six', '--rev-id', '006');
gives(0, '', 'revision "006" is recorded as applied, because it was captured.*at 006', 'upgrade');

# The first script that runs in a database creates the version table
my $script = query($node, 'postgres', "SELECT cmig.script('upgrade', 'base:006', version_table => 'public.state')");

$node->safe_psql('postgres', 'CREATE DATABASE shop');
begin($script =~ s/^COMMIT;/WAIT\nCOMMIT;/mr, 'shop');
$two = start_psql($node, 'shop', $script, 'two');
wait_until_blocked($node, 'two');
end();
is(finish_psql($two), 3, 'the other script');
like($two->{err}, qr/ERROR:  MG025: this script starts from base, but the database is in a different state\nDETAIL:  public\.state contains 006\./, 'why');
is(query($node, 'shop', 'SELECT version_num FROM public.state'), '006', 'the first one has run');

done_testing();
