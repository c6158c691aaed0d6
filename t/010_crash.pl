# Copyright (c) 2026, the pg_cmig developers

# Tests that an interrupted run leaves nothing behind, whatever interrupts it.  The
# next run finds the database as if the interrupted run had never been started.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_node('crash', 'restart_after_crash = on', 'max_connections = 20');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE app');
$node->safe_psql('app', 'CREATE EXTENSION pg_cmig; CREATE TABLE gate (x int)');

# Revision 001 is applied first.  002 changes its table and its data.  003 creates
# objects of every kind, and then waits for a lock on the table gate.
query($node, 'app', load_sql(
	revision_file('001', '', "CREATE TABLE account (id int PRIMARY KEY, name text);\n"
		  . "INSERT INTO account SELECT g, 'n' || g FROM generate_series(1, 1000) g;",
		'DROP TABLE account;'),
	revision_file('002', '001',
		"ALTER TABLE account ADD COLUMN email text;\nUPDATE account SET email = name || '\@example.org';",
		'ALTER TABLE account DROP COLUMN email;'),
	revision_file('003', '002',
		"CREATE TYPE mood AS ENUM ('ok');\nCREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY, m mood);\n"
		  . "INSERT INTO note (m) SELECT 'ok' FROM generate_series(1, 1000);\n"
		  . "CREATE INDEX note_m ON note (m);\nSELECT count(*) FROM gate;\nDROP TABLE account;",
		undef)));
query($node, 'app', "SELECT cmig.upgrade('001')");

# A query for everything that the run could have changed.
my $look = q{
SELECT 'version ' || revision FROM cmig.version
UNION ALL SELECT 'journal ' || revision || ' ' || direction || ' ' || outcome FROM cmig.journal
UNION ALL SELECT 'progress ' || revision FROM cmig.progress
UNION ALL SELECT 'relation ' || relname || ' ' || relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'column ' || attname FROM pg_attribute
  WHERE attrelid = to_regclass('account') AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typname = 'mood'
UNION ALL SELECT 'rows ' || count(*) FROM account
UNION ALL SELECT 'problem ' || object || ': ' || problem FROM cmig.check() WHERE severity <> 'notice'
ORDER BY 1};
my $before = query($node, 'app', $look);
like($before, qr/^version 001$/m, 'the database starts at 001');

my ($holder, $holder_pid, $run);

# Start an upgrade that stops in the middle of 003.
sub start_run
{
	$holder = $node->background_psql('app', on_error_stop => 0);
	$holder->query_safe('BEGIN; LOCK TABLE gate');
	$holder_pid = $holder->query_safe('SELECT pg_backend_pid()');
	$run = start_psql($node, 'app', "SELECT cmig.upgrade('head');");
	return wait_until_blocked($node);
}

# Wait until the run has ended, and only then release the gate.  The session
# that holds the gate may already be dead.  In the opposite order, a backend
# that has not yet noticed the signal could get the lock and finish its work.
sub end_run
{
	my $result = finish_psql($run);

	eval { $holder->quit };
	return $result;
}

# Tests that the run has left nothing behind, and that the run lock is free.
sub is_untouched
{
	my ($how) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(query($node, 'app', $look), $before, "$how: nothing of the run remains");
	is(query($node, 'app', 'BEGIN; SET LOCAL lock_timeout = 1; SELECT cmig.stamp(\'001\'); ROLLBACK'),
		'001', "$how: the run lock is free");
}

# Sessions that are canceled or terminated by another session
foreach my $case ([ 'pg_cancel_backend', '57014' ], [ 'pg_terminate_backend', '57P01' ])
{
	my ($function, $sqlstate) = @$case;
	my $pid = start_run();

	is($node->safe_psql('postgres',
			"SELECT query FROM pg_stat_activity WHERE pid = $pid") =~ /003/ ? 'named' : 'hidden',
		'named', "$function: pg_stat_activity names the revision");
	$node->safe_psql('postgres', "SELECT $function($pid)");
	isnt(end_run(), 0, "$function: the run fails");
	like($run->{err}, qr/$sqlstate: .*CONTEXT:  .*pg_cmig: upgrade of 003, statement 5, line 5\b/s,
		"$function: the error names the place");
	is_untouched($function);
}
unlike(slurp_file($node->logfile), qr/was terminated by signal/, 'no backend crashed');

# The server's log reports the failed run, too.
like(slurp_file($node->logfile), qr/pg_cmig: upgrade of 003, statement 5, line \d+/,
	'the server log names the place');

# If a backend is killed, all others are terminated, and the server recovers by
# itself.
{
	my $pid = start_run();

	kill_backend($pid);
	isnt(end_run(), 0, 'kill -9 of the backend: the run fails');
	wait_for_recovery($node);
	is_untouched('kill -9 of the backend');
}

# If the postmaster is killed, the backends do not notice it at once.  The session that
# holds the gate must not be the first one to end.  Otherwise, the run would get its
# lock and succeed.
{
	my $backend = start_run();
	my $postmaster = $node->{_pid};

	kill 'STOP', $holder_pid;
	$node->kill9;
	isnt(finish_psql($run), 0, 'kill -9 of the postmaster: the run fails');
	kill 'KILL', $holder_pid;
	eval { $holder->quit };
	# until all backends have ended, the data directory counts as in use
	foreach my $attempt (1 .. 300)
	{
		last unless kill 0, $postmaster, $backend, $holder_pid;
		usleep(100_000);
	}
	$node->start;
	is_untouched('kill -9 of the postmaster');
}

# The server is stopped
foreach my $mode ('fast', 'immediate')
{
	start_run();
	$node->stop($mode);
	isnt(end_run(), 0, "stop -m $mode: the run fails");
	$node->start;
	is_untouched("stop -m $mode");
}

# Another upgrade succeeds.
is(query($node, 'app', "SELECT revision FROM cmig.upgrade('head')"),
	"002\n003", 'another upgrade runs what the killed runs did not');
is(query($node, 'app', "SELECT string_agg(revision, ' ') FROM cmig.version"), '003', 'the database is at head');
is(query($node, 'app', 'SELECT count(*) FROM note'), 1000, 'the data exists once');
is(query($node, 'app', "SELECT string_agg(revision || ' ' || outcome, ', ' ORDER BY id) FROM cmig.journal"),
	'001 done, 002 done, 003 done', 'the journal has each step once');

# Committed changes survive, whenever the crash happens: single steps with
# autocommit, and a kill after a random time.
$node->safe_psql('postgres', 'CREATE DATABASE steps');
$node->safe_psql('steps', 'CREATE EXTENSION pg_cmig');
my $crashes = $ENV{CMIG_CRASHES} // 5;
my $steps = 60 * $crashes;
query($node, 'steps', load_sql(map {
		revision_file(sprintf('s%04d', $_), $_ == 1 ? '' : sprintf('s%04d', $_ - 1),
			"CREATE TABLE t$_ (x int);\nSELECT pg_sleep(0.003);", "DROP TABLE t$_;")
	} (1 .. $steps)));
my $agree = q{
SELECT CASE WHEN tables = rows AND rows = applied THEN 'agree' ELSE format('%s tables, %s in the journal, %s applied', tables, rows, applied) END
FROM (SELECT count(*) AS tables FROM pg_tables WHERE schemaname = 'public') a,
	(SELECT count(*) AS rows FROM cmig.journal) b,
	(SELECT count(*) AS applied FROM cmig.history() WHERE applied) c};
foreach my $round (1 .. $crashes)
{
	my $session = start_psql($node, 'steps',
		join("\n", ("SELECT cmig.upgrade('+1');") x 60));

	usleep(50_000 + int(rand(250_000)));
	if ($round % 2)
	{
		my $pid = $node->safe_psql('postgres',
			"SELECT pid FROM pg_stat_activity WHERE application_name = 'run' AND leader_pid IS NULL");
		kill_backend($pid) if $pid ne '';
		finish_psql($session);
		wait_for_recovery($node);
	}
	else
	{
		$node->stop('immediate');
		finish_psql($session);
		$node->start;
	}
	is(query($node, 'steps', $agree), 'agree', "crash $round: tables, journal and version rows agree");
}
query($node, 'steps', "SELECT count(*) FROM cmig.upgrade('heads')");
is(query($node, 'steps', $agree), 'agree', 'the remaining steps run after the crashes');
is(query($node, 'steps', 'SELECT string_agg(revision, $$ $$) FROM cmig.version'), sprintf('s%04d', $steps), 'the database is at head');

# A stepwise run keeps what it has committed, and resumes after the crash: a
# partially built index is dropped and built again.
$node->safe_psql('postgres', 'CREATE DATABASE stepwise');
$node->safe_psql('stepwise', 'CREATE EXTENSION pg_cmig');
query($node, 'stepwise', load_sql(
	revision_file('001', '', "CREATE TABLE item (code int);\nINSERT INTO item SELECT generate_series(1, 100);", ''),
	revision_file('002', '001',
		"INSERT INTO item VALUES (101);\nCREATE INDEX CONCURRENTLY item_code ON item (code);\n"
		  . "INSERT INTO item VALUES (102);", '') =~ s/^(-- down_revision.*)/$1\n-- transactional: false/mr));
foreach my $case ('kill -9 of the backend', 'stop -m immediate')
{
	my $reader = $node->background_psql('stepwise', on_error_stop => 0);

	# an old snapshot, for which CREATE INDEX CONCURRENTLY waits
	$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
	my $session = start_psql($node, 'stepwise', "CALL cmig.upgrade_stepwise('head');");
	my $pid = wait_until_blocked($node);

	if ($case =~ /kill/) { kill_backend($pid); }
	else { $node->stop('immediate'); $node->start; }
	isnt(finish_psql($session), 0, "stepwise, $case: the run fails");
	eval { $reader->quit };
	wait_for_recovery($node);
	is(query($node, 'stepwise', 'SELECT revision FROM cmig.current()'), '001',
		"stepwise, $case: committed steps remain");
	is(query($node, 'stepwise', 'SELECT count(*) FROM item'), 101, "stepwise, $case: each statement has run once");
	is(query($node, 'stepwise', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0,
		"stepwise, $case: no lock remains");
}
query($node, 'stepwise', "CALL cmig.upgrade_stepwise('head')");
is(query($node, 'stepwise', 'SELECT revision FROM cmig.current()'), '002', 'stepwise: the next run reaches head');
is(query($node, 'stepwise', 'SELECT count(*), max(code) FROM item'), '102|102', 'stepwise: each statement ran once');
is(query($node, 'stepwise', q{SELECT string_agg(indexrelid::regclass::text || ' ' || indisvalid, ', ')
	FROM pg_index WHERE indrelid = 'item'::regclass}), 'item_code true', 'stepwise: there is one index, and it is valid');
is(query($node, 'stepwise', 'SELECT count(*) FROM cmig.progress'), 0, 'stepwise: no progress is left');

$node->stop;
done_testing();
