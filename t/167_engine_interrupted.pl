# Copyright (c) 2026, the pg_cmig developers

# Without the extension in the database: what cmig capture writes is recorded, or there is no file, whatever ends it;
# and limits of the shell and of its disk end a verb with an error that names them.

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

my ($node, $dir, $cache) = engine_project('engine_interrupted');

sub rows { return $node->safe_psql('shop', $_[0]); }

engine_stays();
write_revision('001', '', '', 'CREATE TABLE account (id bigint PRIMARY KEY);', 'DROP TABLE account;');
gives(0, 'at 001', '', 'upgrade', '-y');

# it is killed, with all that it has started, while it waits for the table in which it records the revision
rows('ALTER TABLE account ADD by_hand int');
{
	my $blocker = $node->background_psql('shop');
	my ($out, $err) = ('', '');

	$blocker->query_safe('BEGIN; LOCK TABLE cmig_engine.version IN SHARE MODE');
	my $run = IPC::Run::start([ 'setsid', $cmig, 'capture', '-m', 'By hand', '--rev-id', '002' ], '<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('shop', 'SELECT count(*) > 0 FROM pg_locks WHERE NOT granted') or die;
	kill 'KILL', -$run->{KIDS}[0]{PID};
	$run->finish;
	$blocker->quit;
	$node->poll_query_until('shop', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'shop' AND pid <> pg_backend_pid() AND backend_type = 'client backend'}) or die;
}
is(rows('SELECT string_agg(version_num, $$ $$) FROM cmig_engine.version'), '001', 'nothing is recorded');
is_deeply([ glob('migrations/*002* migrations/.cmig*') ], [], 'a capture that was killed has left no file');
gives(0, '', 'nothing to upgrade: database "shop" is at 001', 'upgrade', '-y');
gives(0, 'at 002\nmigrations/002_by_hand\.sql\n$', '', 'capture', '-m', 'By hand', '--rev-id', '002');
gives(0, 'no drift', '^$', 'drift');

# it is recorded, and then the file cannot be written
SKIP:
{
	skip 'root can write everywhere', 5 if $> == 0;
	rows('ALTER TABLE account ADD again int');
	chmod 0555, 'migrations';
	gives(2, 'at 003\n$', 'cmig: migrations/003_again\.sql cannot be written\nWhen it can.*: cmig export 003\n$', 'capture', '-m', 'Again', '--rev-id', '003');
	gives(3, '^$', 'at a revision that has no file in migrations: 003.*cmig export 003\n$', 'upgrade', '-y');
	chmod 0755, 'migrations';
	gives(0, 'migrations/003_again\.sql\n$', '', 'export', '003');
	gives(0, '', 'nothing to upgrade: database "shop" is at 003', 'upgrade', '-y');
	gives(0, 'no drift', '^$', 'drift');
}

# a disk without space for temporary files: here, a limit for the size of files
rows(q{DO $$BEGIN FOR i IN 1 .. 800 LOOP
	EXECUTE format('CREATE TABLE table_with_a_rather_long_name_so_that_there_is_much_%s ()', i); END LOOP; END$$});
{
	local $SIG{XFSZ} = 'IGNORE';
	IPC::Run::run([ 'bash', '-c', 'ulimit -f 8 && exec "$@"', 'bash', $cmig, 'drift' ], '<', \undef, '>', \my $out, '2>', \my $err);
	ok($? >> 8 == 1 && $err eq '' && $out =~ /_800: was created/, 'drift needs no temporary file') or diag("$?\n$out\n$err");
}

# low limits
{
	local $ENV{XDG_CACHE_HOME} = PostgreSQL::Test::Utils::tempdir_short();
	foreach ([ '-n 20', 'ulimit -n 20\. To raise them: ulimit -n 1024' ], [ '-v 120000', 'ulimit -v 120000\. To raise them: ulimit -v unlimited' ])
	{
		IPC::Run::run([ 'bash', '-c', "ulimit $_->[0]" . ' && exec "$@"', 'bash', $cmig, 'status' ], '<', \undef, '>', \my $out, '2>', \my $err);
		ok($? >> 8 == 2 && $err =~ /\nThe limits of this shell are low: $_->[1]\n$/, "limit $_->[0]") or diag("$?\n$out\n$err");
	}
}

# its shell is killed, and who has killed it waits for the end of its output before he asks for its status: what
# watches the run ends, too
write_revision('099', '003', '', 'SELECT pg_sleep(3);', 'SELECT 1;');
SKIP:
{
	skip 'no /proc', 2 unless -r "/proc/$$/stat";
	my $sleeps = "FROM pg_stat_activity WHERE datname = 'shop' AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
	my $pid = open(my $out, '-|', $cmig, 'upgrade', '-y', '-x', 'cmig.lock_timeout=5s') or die $!;

	$node->poll_query_until('shop', "SELECT count(*) = 2 $sleeps AND (query ~ '^SELECT pg_sleep' OR state ~ 'idle in')") or die;
	kill 'KILL', $pid;
	ok(eval { local $SIG{ALRM} = sub { die }; alarm 60; local $/; <$out>; alarm 0; 1 }, 'its output ends') or diag($@);
	ok($node->poll_query_until('shop', "SELECT count(*) = 0 $sleeps"), 'no session stays');
	close $out;
}

# it is killed while the server of the engine starts: the server does not stay
{
	local $ENV{XDG_CACHE_HOME} = PostgreSQL::Test::Utils::tempdir_short();
	my $file;
	my $until = sub { my ($done) = @_; foreach (1 .. 3000) { return 1 if $done->(); select undef, undef, undef, 0.01; } return 0; };

	gives(0, '', '', 'current');
	($file) = glob("$ENV{XDG_CACHE_HOME}/cmig/engine-*");
	$file .= '/data/postmaster.pid';
	ok($until->(sub { !-e $file }), 'the server has ended');
	my $run = IPC::Run::start([ $cmig, 'current' ], '<', \undef, '>', \my $out, '2>', \my $err);
	ok($until->(sub { -e $file }), 'it starts');
	kill 'KILL', $run->{KIDS}[0]{PID};
	$run->finish;
	ok($until->(sub { !-e $file }), 'it ends if its shell is killed while it starts');
}

done_testing();
