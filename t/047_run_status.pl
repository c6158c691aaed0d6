# Copyright (c) 2026, the pg_cmig developers

# Tests that cmig.status() shows a run in another session that has not committed: what
# it is running, since when, and what it is waiting for.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('run_status', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION pg_cmig; CREATE TABLE item (id int); CREATE ROLE reader LOGIN;"
	  . " SELECT cmig.grant_access('reader', 'reader');"
	  . " INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES ('001', '{}', 'SELECT 1'), ('002', '{001}', E'SELECT 2;\\nALTER TABLE item\\nADD x int')");
my $status = "SELECT item, value, hint FROM cmig.status() WHERE item ~ 'running|waits'";
is($node->safe_psql('postgres', $status), '', 'no run');

my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE item');
my $holder_pid = $holder->query_safe('SELECT pg_backend_pid()');
my $run = start_psql($node, 'postgres', 'SELECT * FROM cmig.upgrade()');
my $pid = wait_until_blocked($node);
chomp $holder_pid;

my @rows = split /\n/, $node->safe_psql('postgres', $status);
is($rows[0], "running|upgrade of 002, statement 2: ALTER TABLE item ADD x int, by process $pid|SELECT * FROM pg_stat_activity WHERE pid = $pid", 'what runs');
like($rows[1], qr/^running since\|\d{4}-\d\d-\d\d .*, this statement for \d\d:\d\d:\d\d\|$/, 'since when');
is($rows[2], "waits for|process $holder_pid (Lock: relation)|SELECT * FROM pg_stat_activity WHERE pid IN ($holder_pid)", 'what it waits for');
is($node->safe_psql('postgres', "$status AND item = 'running'", extra_params => [ '-U', 'reader' ]),
	"running|<insufficient privilege>, by process $pid|SELECT * FROM pg_stat_activity WHERE pid = $pid", 'a role that must not see it');

# if another session's run waits for more than a second, it issues a NOTICE
my $second = start_psql($node, 'postgres', q{SET deadlock_timeout = '77s'; SELECT * FROM cmig.upgrade(); SHOW deadlock_timeout}, 'second');
wait_until_blocked($node, 'second');
$second->{handle}->pump until $second->{err} =~ /NOTICE/;
my $second_pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'second'");
is($node->safe_psql('postgres', $status =~ s/running\|waits/waiting/r), "waiting|for this run: process $second_pid|SELECT * FROM pg_stat_activity WHERE pid IN ($second_pid)",
	'what waits for it');
$holder->query_safe('COMMIT');
is(finish_psql($run), 0, 'the first run ends');
is(finish_psql($second), 0, 'the second too');
is($second->{out}, '77s', 'and has put back what makes it say for whom it waits');
like($second->{err}, qr/NOTICE:  00000: waiting for another run of pg_cmig in this database\nDETAIL:  Blocked by process $pid of role /, 'it has said for whom it waits');
is($node->safe_psql('postgres', $status), '', 'no run');

# status shows a dry run
$node->safe_psql('postgres', "SELECT cmig.stamp('base'); ALTER TABLE item DROP x");
$holder->query_safe('BEGIN; LOCK TABLE item');
my $dry = start_psql($node, 'postgres', "SET lock_timeout = '1h'; SET cmig.dry_run_timeout = 0; SELECT * FROM cmig.dry_run()", 'dry');
$pid = wait_until_blocked($node, 'dry');
is($node->safe_psql('postgres', "$status AND item = 'running'"),
	"running|dry run, upgrade of 002, statement 2: ALTER TABLE item ADD x int, by process $pid|SELECT * FROM pg_stat_activity WHERE pid = $pid", 'a dry run');
$holder->query_safe('COMMIT');
is(finish_psql($dry), 0, 'the dry run ends');
$node->safe_psql('postgres', 'SELECT * FROM cmig.upgrade()');

# the expansion of a revision
$node->safe_psql('postgres', load_sql(revision_file('003', '002', 'ALTER TABLE item ADD y int', 'ALTER TABLE item DROP y') =~ s/(-- message)/-- expand: true\n$1/r));
$holder->query_safe('BEGIN; LOCK TABLE item IN ACCESS SHARE MODE');
my $expand = start_psql($node, 'postgres', "SET lock_timeout = '1h'; CALL cmig.expand()", 'expand');
$pid = wait_until_blocked($node, 'expand');
# an attempt ends before other sessions look for deadlocks, and is repeated
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($status AND item = 'running') s WHERE value ~ '^expand of 003, prepare: ALTER TABLE public.item ADD COLUMN .*, by process $pid\$'"), 'status shows it');
$holder->query_safe('COMMIT');
is(finish_psql($expand), 0, 'the expansion ends');
# a second CALL, such as after a lost connection, tells that the first one ended
$node->safe_psql('postgres', 'CALL cmig.abandon()');
like(($node->psql('postgres', 'CALL cmig.abandon()'))[2], qr/no revision is expanded\nDETAIL:  The expansion of revision "003" was abandoned\.\nCONTEXT/, 'abandoned');
# while the statements are tried, nothing is in the journal yet
$holder->query_safe('BEGIN; LOCK TABLE item');
$expand = start_psql($node, 'postgres', "SET lock_timeout = '1h'; CALL cmig.expand()", 'plan');
$pid = wait_until_blocked($node, 'plan');
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($status AND item = 'running') s WHERE value ~ '^expand of 003, plan: .*, by process $pid\$'"), 'status shows what is planned');
$holder->query_safe('COMMIT');
is(finish_psql($expand), 0, 'it ends');
$node->safe_psql('postgres', 'CALL cmig.contract()');
like(($node->psql('postgres', 'CALL cmig.contract()'))[2], qr/no revision is expanded\nDETAIL:  Revision "003" was contracted, and is applied\.\nCONTEXT/, 'contracted');
$node->safe_psql('postgres', q{SELECT cmig.downgrade('002'); DELETE FROM cmig.revision WHERE revision = '003'});

# if a run waits for less than a second, it issues no NOTICE
$node->safe_psql('postgres', "UPDATE cmig.revision SET downgrade_sql = 'ALTER TABLE IF EXISTS item DROP IF EXISTS x'; SELECT * FROM cmig.downgrade('base')");
$holder->query_safe('SET client_min_messages = warning; BEGIN; SELECT * FROM cmig.upgrade()');
my $quiet = start_psql($node, 'postgres', "SET lock_timeout = '50ms'; SELECT * FROM cmig.upgrade()", 'quiet');
isnt(finish_psql($quiet), 0, 'a run that may not wait fails');
like($quiet->{err}, qr/55P03: canceling statement due to lock timeout/, 'with the error of lock_timeout');
unlike($quiet->{err}, qr/NOTICE/, 'without a NOTICE');
$holder->query_safe('ROLLBACK');

# a run that fails leaves no row; without shared memory, only the server's log shows it
my $failed = "SELECT item, regexp_replace(value, '^.* ago: ', ''), hint FROM cmig.status() WHERE item ~ 'failed'";
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\\nSELECT 1/(id - id) FROM item' WHERE revision = '002'; INSERT INTO item VALUES (1)");
is($node->safe_psql('postgres', $failed),
	"failed runs|only in the server log, because pg_cmig is not preloaded|SHOW log_destination; SELECT pg_current_logfile()",
	'not preloaded: the log is named');
$holder->quit;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cmig'");
$node->restart;
is($node->safe_psql('postgres', $failed), '', 'preloaded: no run has failed');
$node->psql('postgres', 'SELECT * FROM cmig.upgrade()');
is($node->safe_psql('postgres', $failed),
	"failed|upgrade of 002, statement 2: 22012: division by zero|Fix the cause, then SELECT * FROM cmig.upgrade('002')",
	'the last failed run');
is($node->safe_psql('postgres', "SELECT value FROM cmig.status() WHERE item = 'failed'", extra_params => [ '-U', 'reader' ]) =~ s/^.* ago: //r,
	'upgrade of 002, statement 2: 22012: division by zero', 'a reader sees it too');

# status does not show the failed run of another database
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION pg_cmig');
is($node->safe_psql('other', $failed), '', 'not that of another database');

# a failed run is shown even if its error was caught, but not after its revision has
# been applied
$node->safe_psql('postgres', "UPDATE cmig.revision SET precondition_sql = 'SELECT false' WHERE revision = '001'");
$node->safe_psql('postgres', 'DO $$BEGIN PERFORM cmig.upgrade(); EXCEPTION WHEN OTHERS THEN NULL; END$$');
like($node->safe_psql('postgres', $failed), qr/^failed\|upgrade of 001: MG017: /, 'a precondition of the plan');
$node->safe_psql('postgres', "SELECT cmig.stamp('001')");
is($node->safe_psql('postgres', $failed), '', 'the revision is applied');

# a session is terminated during a run
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'SELECT pg_sleep(1000)' WHERE revision = '002'");
my $sleeper = start_psql($node, 'postgres', 'SELECT * FROM cmig.upgrade()', 'sleeper');
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'sleeper' AND wait_event = 'PgSleep'");
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 100000) FROM pg_stat_activity WHERE application_name = 'sleeper'");
finish_psql($sleeper);
is($node->safe_psql('postgres', $failed),
	"failed|upgrade of 002: the session was terminated|Fix the cause, then SELECT * FROM cmig.upgrade('002')", 'a session that was terminated');

# a later run succeeds
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'SELECT 1' WHERE revision = '002'; SELECT * FROM cmig.upgrade(); SELECT * FROM cmig.downgrade('-1')");
is($node->safe_psql('postgres', $failed), '', 'a run that ended well');
$node->psql('postgres', 'BEGIN; UPDATE cmig.revision SET downgrade_sql = \'SELECT nothing\'; SELECT * FROM cmig.downgrade(\'-1\')');
is($node->safe_psql('postgres', $failed),
	"failed|downgrade of 001, statement 1: 42703: column \"nothing\" does not exist|Fix the cause, then SELECT * FROM cmig.downgrade('-1')", 'a downgrade');
is($node->safe_psql('postgres', "SELECT string_agg(name || CASE WHEN name ~ 'time' THEN (value > extract(epoch FROM now()) - 3600)::text ELSE ' ' || value END, ', ') FROM cmig.metrics WHERE name ~ '^pg_cmig_(last_)?failure'"),
	'pg_cmig_failures_total 4, pg_cmig_last_failure_timestamp_secondstrue', 'failures are counted');
# restore points are created before a run and after its commit, also for two runs in one
# transaction
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'SELECT 1', downgrade_sql = 'SELECT 1', precondition_sql = NULL; SELECT * FROM cmig.upgrade()");
my $lsn = $node->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
$node->safe_psql('postgres', "SET cmig.restore_point = on; BEGIN; SELECT * FROM cmig.reset('postgres'); SELECT * FROM cmig.downgrade('-1'); COMMIT");
$node->safe_psql('postgres', 'SELECT pg_switch_wal()');
my $wal = `pg_waldump -p @{[$node->data_dir]}/pg_wal -s $lsn --rmgr=XLOG --rmgr=Transaction 2>/dev/null`;
my @events = map { /RESTORE_POINT cmig_\d+_\d+_\d+_(\w+)/ ? $1 : /desc: COMMIT/ ? 'commit' : () } split /\n/, $wal;
is("@events[0 .. 4]", 'before before commit after after', 'restore points in the WAL') or diag($wal);

# each run writes a line to the server log when it starts and when it ends
my $offset = -s $node->logfile;
sub logged
{
	my $log = join('', map { "$_\n" } slurp_file($node->logfile, $offset) =~ /LOG:  (?:\w+: )?pg_cmig: (.*)/g);

	$offset = -s $node->logfile;
	return $log =~ s/\d+ ms/N ms/gr =~ s/, role "postgres", application "t"//gr;
}
sub run_logged
{
	my ($sql, $options) = @_;
	local $ENV{PGOPTIONS} = $options // '';

	IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('postgres') . ' application_name=t', '-U', 'postgres' ], '<', \$sql, '>', \my $out, '2>', \my $err);
	return logged();
}
$node->safe_psql('postgres', "UPDATE cmig.revision SET downgrade_sql = ''; SELECT * FROM cmig.downgrade('base'); CREATE TABLE big (id int PRIMARY KEY, x int); INSERT INTO big SELECT generate_series(1, 50)");
like($node->safe_psql('postgres', "SELECT pg_read_file('$_')"), qr/LOG:  (?:00000: )?pg_cmig: downgrade of 002 to 001 \(2 revisions\) ended: ok, \d+ ms, role "postgres", application "[^"]+"\n/, 'the whole line') for $node->logfile;
logged();
is(run_logged('SELECT * FROM cmig.upgrade()'), "upgrade of 001 to 002 (2 revisions) started\nupgrade of 001 to 002 (2 revisions) ended: ok, N ms\n", 'an upgrade');
is(run_logged('SELECT * FROM cmig.upgrade()'), '', 'nothing to do');
is(run_logged("BEGIN; SELECT * FROM cmig.downgrade('-1'); SAVEPOINT a; SELECT * FROM cmig.downgrade('-1'); ROLLBACK TO a; COMMIT"),
	"downgrade of 002 started\ndowngrade of 001 started\ndowngrade of 002 ended: ok, N ms\ndowngrade of 001 ended: rolled back, N ms\n", 'the end is that of the transaction');
is(run_logged('BEGIN; SELECT * FROM cmig.upgrade(); ROLLBACK'), "upgrade of 002 started\nupgrade of 002 ended: rolled back, N ms\n", 'a transaction that is rolled back');
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\nSELECT 1/0' WHERE revision = '002'");
is(run_logged('SELECT * FROM cmig.upgrade()'), "upgrade of 002 started\nupgrade of 002 ended: 22012 in 002, statement 2, N ms\n", 'an error');
is(run_logged('CALL cmig.upgrade_stepwise()'), "upgrade of 002 started\nupgrade of 002 ended: 22012 in 002, statement 2, N ms\n", 'an error of a stepwise run');
is(run_logged('DO $$BEGIN PERFORM cmig.upgrade(); EXCEPTION WHEN OTHERS THEN NULL; END$$'), "upgrade of 002 started\nupgrade of 002 ended: 22012 in 002, statement 2, N ms\n", 'an error that is caught');
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'SELECT pg_terminate_backend(pg_backend_pid())' WHERE revision = '002'");
is(run_logged('SELECT * FROM cmig.upgrade()'), "upgrade of 002 started\nupgrade of 002 ended: the session was terminated, N ms\n", 'a session that ends');
is(run_logged('CALL cmig.upgrade_stepwise()'), "upgrade of 002 started\nupgrade of 002 ended: the session was terminated, N ms\n", 'in a stepwise run');
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'SELECT 1' WHERE revision = '002'");
is(run_logged('CALL cmig.upgrade_stepwise()'), "upgrade of 002 started\nupgrade of 002 ended: ok, N ms\n", 'a stepwise run');
is(run_logged("CALL cmig.backfill('big', 'x = 1', 'x IS NULL')"), "backfill of public.big started\nbackfill of public.big ended: ok, 50 rows, N ms\n", 'a backfill');
$node->safe_psql('postgres', qq(CREATE TABLE "a\nLOG:  b" (x int)));
is(run_logged(qq(CALL cmig.backfill('"a\nLOG:  b"', 'x = 1', 'x IS NULL'))), qq(backfill of public."a LOG:  b" started\nbackfill of public."a LOG:  b" ended: ok, 0 rows, N ms\n), 'a line break in a name');
is(run_logged("SELECT * FROM cmig.downgrade('-1')", '-c cmig.log_runs=off'), '', 'turned off by a superuser');
$node->safe_psql('postgres', "CREATE ROLE migrator LOGIN; SELECT cmig.grant_access('migrator', 'migrator'); SELECT cmig.upgrade()");
logged();
is(run_logged("SET ROLE migrator; SELECT * FROM cmig.downgrade('-1')", '-c cmig.log_runs=off'), '', 'or for another role');
$node->safe_psql('postgres', "SELECT cmig.upgrade()");
logged();
is(run_logged("SET SESSION AUTHORIZATION migrator; SET cmig.log_runs = off; SELECT * FROM cmig.downgrade('-1')"), qq(downgrade of 002 started, role "migrator", application "t"\ndowngrade of 002 ended: ok, N ms, role "migrator", application "t"\n), 'another role cannot');
$node->safe_psql('postgres', "ALTER DATABASE postgres SET cmig.log_runs = off");
is(run_logged('SET SESSION AUTHORIZATION migrator; SELECT * FROM cmig.upgrade()'), '', 'turned off for the database');
is(run_logged("SET SESSION AUTHORIZATION migrator; SET cmig.log_runs = on; SELECT * FROM cmig.downgrade('-1')") =~ tr/\n//, 2, 'a session can turn it on');

$node->stop;
done_testing();
