# Copyright (c) 2026, the pg_cmig developers

# The first calls in a project and in a database: what cmig init writes is what the other verbs read, and, with an
# engine, runs that begin at the same time.

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

my ($node) = engine_project('first_calls');

engine_stays();

# runs cmig while another run, whose first revision creates the tables of the state, waits until this call mentions it
sub beside
{
	my ($status, $output, $errors, @call) = @_;
	my ($out, $err, $other) = ('', '', '');

	$node->safe_psql('shop', 'DROP SCHEMA IF EXISTS cmig_engine CASCADE; DROP TABLE IF EXISTS account');
	my $holder = $node->background_psql('shop');
	$holder->query_safe('SELECT pg_advisory_lock(186)');
	my $run = IPC::Run::start([ $cmig, 'upgrade', '-y' ], '<', \undef, '>', \my $ignored, '2>', \$other);
	$node->poll_query_until('shop', 'SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND objid = 186') or die;
	my $call = IPC::Run::start([ $cmig, @call ], '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$call->pump until $err =~ /another/ || !$call->pumpable;
	$holder->quit;
	$call->finish;
	ok($call->full_result(0) >> 8 == $status && $out =~ /$output/s && $err =~ /$errors/s, "cmig @call") or diag($call->full_result(0) >> 8, $out, $err);
	$run->finish;
	is($run->full_result(0), 0, 'the other run') or diag($other);
	gives(0, 'current +001\n', '^$', 'status');
}
write_revision('001', '', '', 'SELECT pg_advisory_xact_lock(186); CREATE TABLE account (id int);', 'DROP TABLE account;');
beside(0, '^(database shop is at 001\n)?$', 'another run is in progress.*nothing to upgrade: database "shop" is at 001\n$', 'upgrade', '-y');
beside(3, '^$', '^ERROR:  another session is running a generated script in this database\nDETAIL:  Process .*\nHINT:  Wait until', 'stamp', '001');

# the file of an applied revision has changed, and that of another one is missing: what to type without the extension
write_revision('002', '001', '', 'SELECT 2;', 'SELECT 1;');
gives(0, 'at 002', '', 'upgrade', '-y');
unlink glob('migrations/002*') or die;
write_revision('001', '', '', 'SELECT 1;', 'SELECT 1;');
gives(0, 'not the one that was applied in\s+this database\n +-> cmig load --accept-changes\s+# accepts', 'no file', 'check');
gives(0, '001 +. replaced', '', 'load', '--accept-changes');
gives(0, '^(?!.*accept-changes)', '', 'check');

# cmig init
$node->safe_psql('shop', 'DROP SCHEMA cmig_engine CASCADE');
my $dir = PostgreSQL::Test::Utils::tempdir();

chdir $dir or die;
foreach ("a\nb", ' a', 'a ')
{
	gives(2, '^$', '^cmig: the name of the folder .* cannot be written into cmig.conf\nChoose another one.\n$', 'init', '--engine', 'local', '--folder', $_);
	ok(!-e && !-e 'cmig.conf', 'nothing is created');
}
foreach my $folder ('one', 'conf/two', "$dir/three", 'four')
{
	mkdir $folder if $folder eq 'four';
	unlink 'conf/cmig.conf';
	gives(0, '^conf/cmig.conf\n$', '^$', '--config', 'conf/cmig.conf', 'init', '--engine', 'local', $folder);
	my $made = { one => 'conf/one', four => "$dir/four" }->{$folder} // $folder;
	ok(-d $made && ($made eq $folder || $folder eq 'four' || !-e $folder), "the folder $made is the one");
	gives(0, "^$made/001_one.sql\n\$", '', '--config', 'conf/cmig.conf', 'revision', '-m', 'One', '--rev-id', '001');
	unlink "$made/001_one.sql";
}

# a role that has no access to the extension
delete $ENV{PGUSER};
$node->safe_psql('postgres', 'CREATE ROLE regress_new LOGIN');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig');
my $owner = $node->safe_psql('postgres', 'SELECT quote_ident(current_user)');
gives(3, '^cmig.conf\n$', "^ERROR:  permission denied for schema cmig\nHINT:  As role $owner, which owns the extension, or as a superuser: SELECT \\* FROM cmig.grant_access\\('regress_new', 'reader'\\)", 'init', '-d', 'postgres', '-U', 'regress_new');
$node->safe_psql('postgres', "SELECT * FROM cmig.grant_access('regress_new', 'reader')");
gives(0, '^database postgres is at base\n$', '^$', 'init', '-d', 'postgres', '-U', 'regress_new');

done_testing();
