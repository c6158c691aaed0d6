# Copyright (c) 2026, the pg_cmig developers

# Tests each row of the failure table in doc/stepwise.md: what exists after a stepwise
# run was interrupted, what cmig.status() shows, and that the command that it suggests
# works.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('states', 'max_connections = 20', 'wal_level = logical', 'restart_after_crash = on');
$node->start;

sub steps_file
{
	my $text = revision_file(@_);

	$text =~ s/\n\n-- cmig:upgrade/\n-- transactional: false\n\n-- cmig:upgrade/;
	return $text;
}

# Each script that reads the table gate waits, because another session has locked this
# table.
my $holder;
my $db;

sub begin
{
	my ($name, @files) = @_;

	$holder->quit if $holder;
	$db = $name;
	new_database($node, $db);
	$node->safe_psql($db, 'CREATE TABLE gate (x int); CREATE TABLE trace (id int GENERATED ALWAYS AS IDENTITY, what text)');
	query($node, $db, load_sql(@files));
	$holder = $node->background_psql($db, on_error_stop => 0);
}

sub status
{
	return $node->safe_psql($db, "SELECT coalesce(string_agg(item || ': ' || regexp_replace(value, 'Blocked by process \\d+.*', '<who>') || ' -- ' || hint, E'\\n'), '')"
		  . " FROM cmig.status() WHERE item IN ('running', 'interrupted', 'failed', 'partially applied')");
}

sub trace
{
	return $node->safe_psql($db, "SELECT coalesce(string_agg(what, ' ' ORDER BY id), '') FROM trace");
}

# Begin a call, and interrupt it while it waits for the gate: terminate, kill, or cancel
# it.
sub cut_off
{
	my ($call, $how, $table) = @_;
	my $run;
	my $pid;

	$holder->query_safe('BEGIN; LOCK TABLE ' . ($table // 'gate'));
	$run = start_psql($node, $db, $call, 'first');
	$pid = wait_until_blocked($node, 'first');
	if ($how eq 'kill')
	{
		kill_backend($pid);
		eval { finish_psql($run) };
		wait_for_recovery($node);
		eval { $holder->quit };
		$holder = $node->background_psql($db, on_error_stop => 0);
		return;
	}
	# if the run is canceled while it waits, its own timer may not have been started, so
	# the message varies
	$node->poll_query_until('postgres', "SELECT waitstart < clock_timestamp() - interval '100 ms' FROM pg_locks WHERE pid = $pid AND NOT granted")
	  or die 'the run does not wait';
	$node->safe_psql('postgres', $how eq 'cancel' ? "SELECT pg_cancel_backend($pid)" : "SELECT pg_terminate_backend($pid, 10000)");
	finish_psql($run);
	$holder->query_safe('COMMIT');
}

sub call
{
	my ($call) = @_;
	my $err;

	$node->psql($db, "\\set VERBOSITY verbose\n$call", stderr => \$err);
	return join("\n", grep { /ERROR|HINT/ } split /\n/, $err);
}

sub resume_hint { return " -- CALL cmig.upgrade_stepwise('$_[0]')"; }
sub abandon_hint { return " -- or, to revert it: CALL cmig.abandon_partial('$_[0]')"; }
sub fix_hint { return " -- Fix the cause, then CALL cmig.upgrade_stepwise('$_[0]')"; }
my $up = 'CALL cmig.upgrade_stepwise()';

#
# Before the first step, and in a transactional revision
#
begin('plain', revision_file('001', '', "INSERT INTO trace (what) VALUES ('one');", "INSERT INTO trace (what) VALUES ('undone');"),
	revision_file('002', '001', "INSERT INTO trace (what) VALUES ('two');\nSELECT count(*) FROM gate;", ''));
like(call("CALL cmig.upgrade_stepwise('nonsense')"), qr/MG001/, 'a wrong argument is refused');
is(status(), '', 'cmig.status shows nothing');
foreach my $how (qw(terminate kill))
{
	cut_off($up, $how);
	is(status(), "interrupted: upgrade of 002" . resume_hint('002'), "$how: interrupted");
	is(trace(), 'one', 'the revisions before it stay applied; nothing of this one remains');
}
$holder->query_safe('BEGIN; LOCK TABLE gate');
like(call("SET cmig.lock_timeout = '50ms'; SET cmig.lock_retries = 1; $up"), qr/55P03/, 'a lock that is not granted is an error');
like(status(), qr/^failed: upgrade of 002, statement 2: canceling statement due to cmig.lock_timeout: .*\Q@{[fix_hint('002')]}\E$/s, 'cmig.status shows the lock timeout and the session in the way');
$holder->query_safe('COMMIT');
cut_off($up, 'cancel');
like(status(), qr/^failed: upgrade of 002, statement 2: canceling statement due to user request: .*\Q@{[fix_hint('002')]}\E$/s, 'a canceled run is shown as failed');
is($node->safe_psql($db, 'SELECT count(*) FROM cmig.progress'), '0', 'nothing is partially applied');
is(call($up), '', 'the same CALL succeeds');
is(trace(), 'one two', 'the remaining revision is applied');
is(status(), '', 'cmig.status shows nothing after the run');

# cmig.rls_gate at the end of the run
$node->safe_psql($db, "ALTER DATABASE $db SET cmig.rls_gate = 'guarded'; CREATE SCHEMA guarded");
query($node, $db, load_sql(revision_file('001', '', "INSERT INTO trace (what) VALUES ('one');", "INSERT INTO trace (what) VALUES ('undone');"),
	revision_file('002', '001', "INSERT INTO trace (what) VALUES ('two');\nSELECT count(*) FROM gate;", ''),
	revision_file('003', '002', "INSERT INTO trace (what) VALUES ('three');", ''),
	revision_file('004', '003', 'CREATE TABLE guarded.bare (id int PRIMARY KEY); CREATE POLICY p ON guarded.bare USING (id > 0);', 'DROP TABLE guarded.bare;')));
like(call($up), qr/MG021/, 'cmig.rls_gate refuses the last revision');
like(status(), qr/^failed: upgrade of 004: .*\Q@{[fix_hint('004')]}\E$/s, 'the last revision is not applied, and cmig.status names no statement');
is($node->safe_psql($db, 'SELECT revision FROM cmig.version'), '003', 'the revisions before it stay applied');
$node->safe_psql($db, "ALTER DATABASE $db RESET cmig.rls_gate");
is(call($up), '', 'the same CALL succeeds without the gate');

#
# A nontransactional revision
#
my @steps = (steps_file('001', '', "INSERT INTO trace (what) VALUES ('one');\nSELECT count(*) FROM gate;\nINSERT INTO trace (what) VALUES ('two');",
		"INSERT INTO trace (what) VALUES ('down');\nSELECT count(*) FROM gate;\nINSERT INTO trace (what) VALUES ('more down');"));
begin('steps', @steps);
foreach my $how (qw(terminate kill))
{
	cut_off($up, $how);
	is(status(), "interrupted: upgrade of 001" . resume_hint('001') . "\npartially applied: upgrade of 001: statement 1 is done; no later statement is complete" . resume_hint('001') . abandon_hint('001'),
		"$how during a statement: interrupted and partially applied");
}
cut_off($up, 'cancel');
like(status(), qr/^failed: upgrade of 001, statement 2: canceling statement due to user request.*\npartially applied: /s, 'a canceled run is shown as failed and partially applied');
fails_with($node, $db, 'SELECT cmig.upgrade()', '55000', 'the upgrade of revision "001" is partially applied', 'cmig.upgrade is refused while a revision is partially applied');
is(call($up), '', 'the same CALL succeeds');
is(trace(), 'one two', 'each statement has run exactly once');
# the same for a downgrade
cut_off("CALL cmig.downgrade_stepwise('base')", 'terminate');
is(status(), "interrupted: downgrade of 001 -- CALL cmig.downgrade_stepwise('-1')\n"
	  . "partially applied: downgrade of 001: statement 1 is done; no later statement is complete -- CALL cmig.downgrade_stepwise('-1')" . abandon_hint('001'),
	'an interrupted downgrade');
like(call($up), qr/55000: the downgrade of revision "001" is partially applied\nHINT:  CALL cmig.downgrade_stepwise/, 'an upgrade is refused while a downgrade is partially applied');
query($node, $db, "UPDATE cmig.revision SET downgrade_sql = replace(downgrade_sql, '''down''', '''other''')");
like(call("CALL cmig.downgrade_stepwise('base')"), qr/MG008: statement 1 of revision "001" has changed/, 'the downgrade is refused if a statement that has run was changed');
query($node, $db, load_sql(@steps));
is(call("CALL cmig.downgrade_stepwise('base')"), '', 'the same CALL succeeds');
is(trace(), 'one two down more down', 'each statement has run exactly once');
# cmig.reset_stepwise is interrupted during the downgrades, and during the upgrades
query($node, $db, "TRUNCATE trace; CALL cmig.upgrade_stepwise()");
cut_off("CALL cmig.reset_stepwise('$db')", 'terminate');
like(status(), qr/partially applied: downgrade of 001/, 'a reset interrupted while it downgrades');
is(call("CALL cmig.reset_stepwise('$db')"), '', 'the same CALL succeeds');
is(trace(), 'one two down more down one two', 'the reset continues');
query($node, $db, "TRUNCATE trace");
$node->safe_psql($db, "UPDATE cmig.revision SET downgrade_sql = ''");
cut_off("CALL cmig.reset_stepwise('$db')", 'terminate');
like(status(), qr/partially applied: upgrade of 001/, 'a reset interrupted while it upgrades');
like(call("CALL cmig.reset_stepwise('$db')"), qr/55000.*HINT:  CALL cmig.upgrade_stepwise/s, 'repeating the reset is refused, with a hint to upgrade');
is(call($up), '', 'the upgrade continues');
is(trace(), 'one two', 'each statement has run exactly once');
# the user abandons the run
query($node, $db, "SELECT cmig.stamp('base', purge => true); TRUNCATE trace");
cut_off($up, 'terminate');
$node->safe_psql($db, "DELETE FROM trace; SELECT cmig.stamp('base')");
is(status(), '', 'after a manual cleanup and a stamp, cmig.status shows nothing');
is(call($up), '', 'the next run succeeds');
is(trace(), 'one two', 'it starts with the first statement');

#
# During verify_sql
#
my $verified = steps_file('001', '', "INSERT INTO trace (what) VALUES ('once');", '');
$verified =~ s/(-- cmig:downgrade)/-- cmig:verify\nSELECT count(*) = 1 AS one FROM gate;\n$1/;
begin('verify', $verified);
foreach my $how (qw(terminate kill))
{
	cut_off($up, $how);
	is(status(), "interrupted: upgrade of 001" . resume_hint('001') . "\npartially applied: upgrade of 001: statement 1 is done; no later statement is complete" . resume_hint('001') . abandon_hint('001'),
		"$how during verify_sql: interrupted and partially applied");
}
cut_off($up, 'cancel');
like(status(), qr/^failed: upgrade of 001: statement 1 of verify_sql: canceling statement due to user request/, 'a canceled run is shown as failed');
like(call($up), qr/MG009/, 'a failed verification is an error');
like(status(), qr/^failed: upgrade of 001: statement 1 of verify_sql: revision "001" failed its verification --/, 'cmig.status shows that the verification failed');
$node->safe_psql($db, 'INSERT INTO gate VALUES (1)');
is(call($up), '', 'the same CALL succeeds after a fix');
is(trace(), 'once', 'only the verification is repeated');

#
# If it is unknown whether a statement has been committed, in both directions
#
my $do = sub { "DO \$\$ BEGIN INSERT INTO trace (what) VALUES ('$_[0] a'); COMMIT; PERFORM count(*) FROM gate; INSERT INTO trace (what) VALUES ('$_[0] b'); END \$\$;\nINSERT INTO trace (what) VALUES ('$_[0] c');" };
begin('doubt', steps_file('001', '', $do->('up'), $do->('down')));
cut_off($up, 'kill');
is(status(), "interrupted: upgrade of 001" . resume_hint('001') . "\npartially applied: upgrade of 001: statement 1 is in doubt; no later statement is complete"
	  . " -- Check how far the statement got, then CALL cmig.upgrade_stepwise('001', in_doubt => 'done') -- or 'again'", 'a DO that had committed is in doubt');
like(call($up), qr/MG012/, 'the same CALL reports the doubt');
is(call("CALL cmig.upgrade_stepwise(in_doubt => 'again')"), '', 'in_doubt => again');
is(trace(), 'up a up a up b up c', 'in_doubt => again runs the statement again');
cut_off("CALL cmig.downgrade_stepwise('-1')", 'terminate');
like(status(), qr/partially applied: downgrade of 001: statement 1 is in doubt.*CALL cmig.downgrade_stepwise\('-1', in_doubt => 'done'\)/, 'a statement of a downgrade in doubt');
like(call("CALL cmig.downgrade_stepwise('-1')"), qr/MG012.*HINT:  .*CALL cmig.downgrade_stepwise\('-1', in_doubt => 'done'\)/s, 'the same CALL reports the doubt');
is(call("CALL cmig.downgrade_stepwise('-1', 'done')"), '', 'in_doubt => done');
is(trace(), 'up a up a up b up c down a down c', 'in_doubt => done continues after the statement');
query($node, $db, 'CALL cmig.upgrade_stepwise(); TRUNCATE trace');
cut_off("CALL cmig.reset_stepwise('$db')", 'terminate');
is(call("CALL cmig.reset_stepwise('$db', in_doubt => 'again')"), '', 'a reset with a statement in doubt');
is(trace(), 'down a down a down b down c up a up b up c', 'the reset continues after it');

#
# Statements that can be partially done, in a downgrade
#
begin('halves',
	revision_file('001', '', 'CREATE TABLE big (a int); INSERT INTO big VALUES (1);', ''),
	steps_file('002', '001', 'CREATE INDEX CONCURRENTLY big_a ON big (a);', "INSERT INTO trace (what) VALUES ('down');\nDROP INDEX CONCURRENTLY big_a;"));
query($node, $db, $up);
$holder->query_safe('BEGIN; LOCK TABLE big IN ROW EXCLUSIVE MODE');
my $run = start_psql($node, $db, "CALL cmig.downgrade_stepwise('-1')", 'first');
my $pid = wait_until_blocked($node, 'first');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)");
finish_psql($run);
$holder->query_safe('COMMIT');
like(status(), qr/partially applied: downgrade of 002: statement 2 is unfinished/, 'an interrupted DROP INDEX CONCURRENTLY is unfinished');
is(call("CALL cmig.downgrade_stepwise('-1')"), '', 'the same CALL succeeds');
is($node->safe_psql($db, "SELECT to_regclass('big_a') IS NULL"), 't', 'the index is dropped');
is(trace(), 'down', 'no statement runs twice');

#
# A revision that is abandoned: the same CALL goes on after kill -9, and no other run
# continues the revision
#
begin('abandoned', revision_file('001', '', 'CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1);', ''),
	steps_file('002', '001', "CREATE TABLE other (id int);\nCREATE INDEX CONCURRENTLY item_id ON item (id);\n"
		  . "ALTER TABLE item ADD name text DEFAULT 'x';\nCREATE INDEX ON other (id);\nSELECT 1 / count(*) FROM gate;", ''));
like(call($up), qr/division by zero/, 'a revision stops');
my $abandon = "CALL cmig.abandon_partial('002', confirm => '002, losing data')";
$holder->query_safe('BEGIN; LOCK TABLE item IN ACCESS SHARE MODE');
my $abandoning = start_psql($node, $db, $abandon, 'first');
my $abandoning_pid = wait_until_blocked($node, 'first');
like(call("CALL cmig.abandon_partial('002')"), qr/55P03/, 'it is refused beside another run');
like(call($abandon), qr/55P03/, 'also if it is confirmed');
kill_backend($abandoning_pid);
eval { finish_psql($abandoning) };
wait_for_recovery($node);
eval { $holder->quit };
$holder = $node->background_psql($db, on_error_stop => 0);
is($node->safe_psql($db, "SELECT concat_ws(' ', to_regclass('other'), count(*)) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname = 'name'"), '1',
	'a part of the revision is reverted');
like(status(), qr/partially applied: upgrade of 002: it was being reverted.*CALL cmig.abandon_partial\('002'\)/, 'the status says so');
like(call($up), qr/55000.*abandon_partial/s, 'an upgrade does not continue the revision');
unlike(call($abandon), qr/ERROR/, 'the same CALL continues');
is($node->safe_psql($db, "SELECT string_agg(object, ' ') FROM cmig.drift()"), 'public.trace public.gate', 'everything is reverted, and nothing else');
is(status(), '', 'nothing is left to say');
$node->safe_psql($db, 'INSERT INTO gate VALUES (1)');
is(call($up), '', 'the revision can be applied again');

# an index that a killed run has left INVALID; a kill after the last statement
begin('leftover', revision_file('001', '', 'CREATE TABLE item (id int);', ''),
	steps_file('002', '001', "CREATE INDEX CONCURRENTLY item_id ON item (id);", ''));
$node->safe_psql($db, "SELECT cmig.upgrade('001')");
$holder->query_safe('BEGIN; LOCK TABLE item IN ROW EXCLUSIVE MODE');
my $upgrading = start_psql($node, $db, $up, 'first');
my $upgrading_pid = wait_until_blocked($node, 'first');
$abandon = "CALL cmig.abandon_partial('002', confirm => '002')";
like(call($abandon), qr/55P03/, 'a run in progress is not reverted');
kill_backend($upgrading_pid);
eval { finish_psql($upgrading) };
wait_for_recovery($node);
eval { $holder->quit };
$holder = $node->background_psql($db, on_error_stop => 0);
is($node->safe_psql($db, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'item_id'::regclass"), 'f', 'an index is left INVALID');
$holder->query_safe('BEGIN; LOCK TABLE cmig.journal IN SHARE MODE');
$abandoning = start_psql($node, $db, $abandon, 'first');
$abandoning_pid = wait_until_blocked($node, 'first');
kill_backend($abandoning_pid);
eval { finish_psql($abandoning) };
wait_for_recovery($node);
eval { $holder->quit };
$holder = $node->background_psql($db, on_error_stop => 0);
is($node->safe_psql($db, "SELECT count(*) FROM pg_index WHERE indrelid = 'item'::regclass"), '0', 'the index is dropped');
like(status(), qr/partially applied: upgrade of 002: it was being reverted/, 'but this is not recorded');
unlike(call($abandon), qr/ERROR/, 'the same CALL records it');
is(status(), '', 'nothing is left to say');

# what a revision has changed was dropped by hand, and no revision creates it: the hints lead out
begin('given_up', revision_file('001', '', 'CREATE TABLE item (id int);', ''),
	steps_file('002', '001', "ALTER TABLE gate ADD a int;\nALTER TABLE gate ADD b int;\nSELECT 1 / 0;", ''));
call($up);
$node->safe_psql($db, 'DROP TABLE gate');
my ($listed) = call("SELECT cmig.remove_revision('002')") =~ /; (CALL .*?\)) lists what reverts it/;
my ($given_up) = call($listed) =~ /cannot be replayed.*, revert the statements by hand, then (SELECT .*)/s;
is($given_up, "SELECT cmig.stamp('001')", 'a table is gone: what gives the revision up');
unlike(call("$given_up; SELECT cmig.remove_revision('002')"), qr/ERROR/, 'and the revision can be removed');

#
# Statements that affect the whole database; a CALL that is prepared and repeated; open
# cursors
#
begin('whole', steps_file('001', '', "CREATE TABLE part (k int) PARTITION BY LIST (k);\nCREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);\n"
	  . "CREATE INDEX part_k ON part (k);\nCLUSTER part_1 USING part_1_k_idx;\nCLUSTER;\nVACUUM (FULL);\nREINDEX DATABASE whole;\nREINDEX SYSTEM whole;\n"
	  . "REINDEX TABLE CONCURRENTLY part;\nREINDEX INDEX CONCURRENTLY part_k;\nREINDEX (CONCURRENTLY) SCHEMA public;", 'DROP TABLE part;'),
	steps_file('002', '001', 'VACUUM part; SELECT 1 / count(*) FROM gate;', ''));
my $script = PostgreSQL::Test::Utils::tempdir() . '/prepared.sql';
append_to_file($script, "CALL cmig.upgrade_stepwise('001');\nCALL cmig.downgrade_stepwise('base');\n");
foreach my $mode (qw(prepared extended simple))
{
	my ($out, $err);

	IPC::Run::run([ 'pgbench', '-n', '-t', '2', '-M', $mode, '-f', $script, '-d', $node->connstr($db) ],
		'<', \undef, '>', \$out, '2>', \$err);
	unlike($err, qr/ERROR/, "$mode: several calls in one session");
	is($node->safe_psql($db, "SELECT string_agg(direction, ' ' ORDER BY id) FROM cmig.journal WHERE outcome = 'done'"),
		'upgrade downgrade upgrade downgrade', "$mode: each call moves");
	$node->safe_psql($db, 'DELETE FROM cmig.journal');
}
my $session = $node->background_psql($db, on_error_stop => 0);
$session->query_safe("SET client_min_messages = warning; DECLARE c CURSOR WITH HOLD FOR SELECT generate_series(1, 5); PREPARE p AS SELECT 'kept'");
my $seen = $session->query_safe('FETCH 2 FROM c');
$session->query_safe("CALL cmig.upgrade_stepwise('001')");
$seen .= ' ' . $session->query_safe('FETCH c; EXECUTE p');
$session->query($up);
$session->{stderr} = '';
$seen .= ' ' . $session->query_safe('FETCH 2 FROM c; EXECUTE p');
$seen =~ s/\n/ /g;
is($seen, '1 2 3 kept 4 5 kept', 'the caller keeps its cursors and prepared statements after success and failure');
is($session->query_safe("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), '0', 'no advisory lock is left');
$session->quit;

#
# Subscriptions with a replication slot on another server
#
my $publisher = new_node('publisher', 'wal_level = logical', 'max_connections = 20');
$publisher->start;
$publisher->safe_psql('postgres', 'CREATE TABLE fed (id int PRIMARY KEY); INSERT INTO fed VALUES (1), (2); CREATE PUBLICATION feed FOR TABLE fed; CREATE PUBLICATION other');
my $feed = $publisher->connstr('postgres');
$feed =~ s/'/''/g;
begin('feed', steps_file('001', '', "CREATE TABLE fed (id int PRIMARY KEY);\n"
	  . "CREATE SUBSCRIPTION step_feed CONNECTION '$feed' PUBLICATION feed;\n"
	  . "ALTER SUBSCRIPTION step_feed ADD PUBLICATION other;\n"
	  . "ALTER SUBSCRIPTION step_feed SET PUBLICATION feed WITH (refresh = true);\n"
	  . "ALTER SUBSCRIPTION step_feed REFRESH PUBLICATION;\n"
	  . 'SELECT count(*) FROM gate;',
	"DROP SUBSCRIPTION step_feed;\nDROP TABLE fed;"));
cut_off($up, 'terminate');
is(call($up), '', 'subscriptions: the run continues after an interruption');
$node->poll_query_until($db, 'SELECT count(*) = 2 FROM fed') or die 'nothing was replicated';
is($publisher->safe_psql('postgres', "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'step_feed'"), '1', 'the replication slot exists');
is(call("CALL cmig.downgrade_stepwise('base')"), '', 'subscriptions: downgrade');
is($publisher->safe_psql('postgres', "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'step_feed'"), '0', 'the replication slot is dropped');

$holder->quit;
$publisher->stop;
$node->stop;
done_testing();
