# Copyright (c) 2026, the pg_cmig developers

# Tests what a stepwise run waits for, how long it waits, and what it retries.  This
# includes PostgreSQL's lock_timeout, statements that commit, isolation levels, and
# what other sessions see.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('waits', 'max_connections = 20', 'autovacuum = off', 'log_lock_waits = off', 'max_prepared_transactions = 1');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig; CREATE TABLE item (id int PRIMARY KEY, a int, n int DEFAULT 0);'
	  . ' INSERT INTO item SELECT g, g FROM generate_series(1, 1000) g; CREATE TABLE other (x int)');

my $holder = $node->background_psql('postgres', on_error_stop => 0);
my $holder_pid = $holder->query_safe('SELECT pg_backend_pid()');
my $up = 'CALL cmig.upgrade_stepwise();';
my $snapshot = 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM ';

# The database is at base, and 001 is the next revision.
sub revision
{
	my ($transactional, $sql) = @_;

	query($node, 'postgres', "SELECT cmig.stamp('base', purge => true); DELETE FROM cmig.revision;"
		  . " INSERT INTO cmig.revision (revision, transactional, upgrade_sql, downgrade_sql) VALUES ('001', $transactional, \$cmig\$$sql\$cmig\$, '')");
}

# Begin a call that waits for a lock of another session, and release it.
sub wait_and_finish
{
	my ($call, $seconds) = @_;
	my $run = start_psql($node, 'postgres', $call, 'first');

	wait_until_blocked($node, 'first');
	select undef, undef, undef, $seconds // 0;
	$holder->query_safe('COMMIT');
	$run->{status} = finish_psql($run);
	return $run;
}

sub progress
{
	return $node->safe_psql('postgres', "SELECT coalesce(string_agg(statement || ' ' || state, ', ' ORDER BY statement), 'none') FROM cmig.progress");
}

#
# The server's lock_timeout does not limit the wait for old transactions
#
my $hurry = "SET lock_timeout = '100ms'; SET cmig.lock_retries = 0; ";
foreach my $case (
	[ 'CREATE INDEX CONCURRENTLY', 'CREATE INDEX CONCURRENTLY item_a ON item (a)', 'other' ],
	[ 'REINDEX TABLE CONCURRENTLY', 'REINDEX TABLE CONCURRENTLY item', 'item' ],
	[ 'REINDEX SCHEMA CONCURRENTLY', 'REINDEX SCHEMA CONCURRENTLY public', 'item' ],
	[ 'DROP INDEX CONCURRENTLY', 'DROP INDEX CONCURRENTLY item_a', 'item' ],
	[ 'cmig.add_unique', "CALL cmig.add_unique('item', 'a')", 'other' ],
	[ 'lock_timeout of the script', "SET lock_timeout = '100ms'; CREATE INDEX CONCURRENTLY item_n ON item (n)", 'other' ])
{
	my ($name, $sql, $table) = @$case;

	revision('false', $sql);
	$holder->query_safe("$snapshot $table");
	my $run = wait_and_finish(($sql =~ /^SET/ ? 'SET cmig.lock_retries = 0; ' : $hurry) . "$up SHOW lock_timeout;", 0.4);
	is($run->{status}, 0, "$name waits for old transactions regardless of lock_timeout") or diag $run->{err};
	unlike($run->{err}, qr/attempt|dropping/, "$name: the first attempt succeeds");
	is($run->{out}, $sql =~ /^SET/ ? '0' : '100ms', "$name: lock_timeout is as before");
}
is($node->safe_psql('postgres', "SELECT string_agg(relname || ' ' || indisvalid, ', ' ORDER BY relname) FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'item'::regclass"),
	'item_a_key true, item_n true, item_pkey true', 'the indexes exist');

# but lock_timeout limits the wait for the lock on the table
revision('false', 'CREATE INDEX CONCURRENTLY item_a ON item (a)');
$holder->query_safe('BEGIN; LOCK TABLE item IN SHARE UPDATE EXCLUSIVE MODE');
fails_with($node, 'postgres', "$hurry\n$up", '55P03',
	"canceling statement due to lock timeout\nDETAIL:  It waited for ShareUpdateExclusiveLock on relation public.item.\n"
	  . "Blocked by process $holder_pid of role \"[^\"]+\" \\(application \"[^\"]+\"\\); its transaction has been open for [0-9.]+ seconds, idle since its last query: LOCK TABLE item",
	'lock_timeout ends the wait for the table, and the error names the process, role, age, state, and query');
my ($out, $err);
$node->psql('postgres', "SET lock_timeout = '100ms'; SET cmig.lock_retries = 1;\n$up", stderr => \$err);
like($err, qr/attempt 1 of 2; trying again in \d+ ms\nDETAIL:  [^\n]*\nBlocked by process $holder_pid of role "[^"]+" \(application "[^"]+"\); its transaction has been open for [0-9.]+ seconds, idle since its last query: LOCK TABLE item/,
	'the notice before another attempt names them, too');
is(progress(), 'none', 'no statement was started');
$holder->query_safe('COMMIT');
is($node->psql('postgres', "$hurry\n$up"), 0, 'the index is built when the table is free');

#
# DO and CALL are retried until they have committed
#
revision('false', "DO \$\$ BEGIN UPDATE item SET n = n + 1 WHERE id = 1; UPDATE item SET n = n + 1 WHERE id = 2; COMMIT; END \$\$");
$holder->query_safe('BEGIN; UPDATE item SET a = a WHERE id = 2');
my $run = start_psql($node, 'postgres', "SET cmig.lock_timeout = '100ms'; $up", 'first');
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'first' AND wait_event = 'PgSleep'") or die;
is($node->safe_psql('postgres', 'SELECT n FROM item WHERE id = 1'), '0', 'nothing remains of an attempt that could not get a lock');
$holder->query_safe('COMMIT');
is(finish_psql($run), 0, 'a DO that has not committed yet is retried') or diag $run->{err};
is($node->safe_psql('postgres', 'SELECT string_agg(n::text, \' \' ORDER BY id) FROM item WHERE id < 3'), '1 1', 'its effects exist once');

revision('false', "DO \$\$ BEGIN UPDATE item SET n = n + 1 WHERE id = 1; COMMIT; UPDATE item SET n = n + 1 WHERE id = 2; END \$\$;\nUPDATE item SET n = 5 WHERE id = 3");
$holder->query_safe('BEGIN; UPDATE item SET a = a WHERE id = 2');
$node->psql('postgres', "SET cmig.lock_timeout = '100ms';\n\\set VERBOSITY verbose\n$up", stderr => \$err);
unlike($err, qr/attempt/, 'a DO that has committed is not retried');
like($err, qr/ERROR:  55P03.*HINT:  The statement had committed before it failed, so it is in doubt/s, 'the statement is in doubt');
$holder->query_safe('COMMIT');
is(progress(), '1 in_doubt', 'cmig.progress records that it is in doubt');
fails_with($node, 'postgres', $up, 'MG012', 'statement 1 of revision "001" is in doubt', 'the same CALL stops at the statement');
query($node, 'postgres', "CALL cmig.upgrade_stepwise(in_doubt => 'again')");
is($node->safe_psql('postgres', 'SELECT string_agg(n::text, \' \' ORDER BY id) FROM item WHERE id < 4'), '3 2 5', 'in_doubt => again runs the statement again, and those after it');

# if there are two statements in doubt, in_doubt applies to only one of them
revision('false', join(";\n", map { "DO \$\$ BEGIN UPDATE item SET n = 10 * n WHERE id = $_; COMMIT; PERFORM 1 / count(*) FROM other; END \$\$" } (1, 2)));
$node->psql('postgres', $up);
fails_with($node, 'postgres', "CALL cmig.upgrade_stepwise(in_doubt => 'done')", '22012', 'division by zero', 'in_doubt => done continues with the next statement, which fails');
is(progress(), '1 done, 2 in_doubt', 'the next statement is in doubt, too');
fails_with($node, 'postgres', $up, 'MG012', 'statement 2', 'the error asks about the next statement');
query($node, 'postgres', "CALL cmig.upgrade_stepwise(in_doubt => 'done')");
is($node->safe_psql('postgres', 'SELECT string_agg(n::text, \' \' ORDER BY id) FROM item WHERE id < 3'), '30 20', 'each statement has run once');

# CONCURRENTLY also waits for a prepared transaction, by its ID
revision('false', 'CREATE INDEX CONCURRENTLY waited ON item (a)');
$node->safe_psql('postgres', "BEGIN; UPDATE item SET a = a WHERE id = 1; PREPARE TRANSACTION 'held'");
$run = start_psql($node, 'postgres', "SET cmig.lock_timeout = '100ms'; SET cmig.lock_retries = 0; $up", 'first');
wait_until_blocked($node, 'first');
select undef, undef, undef, 1.5;
like($node->safe_psql('postgres', 'SELECT item, value, hint FROM cmig.status()'), qr/^waits for\|a prepared transaction \(Lock: transactionid\)\|SELECT transaction, format\('ROLLBACK PREPARED %L', gid\) FROM pg_prepared_xacts$/m, 'status names it');
$node->safe_psql('postgres', "COMMIT PREPARED 'held'");
is(finish_psql($run), 0, 'no timeout ends a wait of CONCURRENTLY for a prepared transaction') or diag $run->{err};
my $named = qr/\nDETAIL: [^\n]*\nBlocked by prepared transaction \d+\.\n.*\nHINT:  To get the statement that ends it: SELECT transaction, format\('ROLLBACK PREPARED %L', gid\) FROM pg_prepared_xacts\n/s;
like($run->{err}, qr/NOTICE:  00000: process \d+ still waiting for ShareLock on transaction \d+ after [\d.]+ ms$named/, 'the report of the wait names it');
revision('true', 'ALTER TABLE item ADD waited int');
$node->safe_psql('postgres', "BEGIN; UPDATE item SET a = a WHERE id = 1; PREPARE TRANSACTION 'held'");
$run = start_psql($node, 'postgres', 'SELECT cmig.upgrade()', 'first');
$run->{handle}->pump until $run->{err} =~ /pg_prepared_xacts|cmig.status|ERROR/;
$node->safe_psql('postgres', "COMMIT PREPARED 'held'");
is(finish_psql($run), 0, 'an upgrade waits for a prepared transaction') or diag $run->{err};
like($run->{err}, qr/NOTICE:  00000: process \d+ still waiting for AccessExclusiveLock on relation \d+ of database \d+ after [\d.]+ ms$named/, 'and names it');

#
# Isolation levels: after a concurrent update, the statement is retried
#
foreach my $level ('repeatable read', 'serializable')
{
	my $set = "SET default_transaction_isolation = '$level'; ";

	foreach my $case (
		[ 'a transactional revision', 'true', 'UPDATE item SET n = 7' ],
		[ 'a statement', 'false', 'UPDATE item SET n = 7' ],
		[ 'a backfill by ctid', 'false', "CALL cmig.backfill('item', 'n = 7', 'n <> 7')" ],
		[ 'a backfill by key', 'false', "CALL cmig.backfill('item', 'n = n + 7')" ])
	{
		my ($name, $transactional, $sql) = @$case;

		$node->safe_psql('postgres', 'UPDATE item SET n = 0');
		revision($transactional, $sql);
		$holder->query_safe('BEGIN; UPDATE item SET a = -a WHERE id = 2');
		$run = wait_and_finish("$set $up");
		is($run->{status}, 0, "$level: $name with a concurrent writer") or diag $run->{err};
		like($run->{err}, qr/encountered a concurrent update, attempt 1 of 11/, "$level: $name is retried");
		is($node->safe_psql('postgres', 'SELECT min(n), max(n) FROM item'), '7|7', "$level: $name: each row is updated once");
	}
	revision('false', "CREATE INDEX CONCURRENTLY ON item (a, n); REINDEX TABLE CONCURRENTLY item; VACUUM item; DO 'BEGIN UPDATE item SET n = 1; COMMIT; END'; CALL cmig.add_check('item', 'n_is_one_$level', 'n = 1'); DROP INDEX CONCURRENTLY item_a_n_idx; ALTER TABLE item DROP CONSTRAINT \"n_is_one_$level\"");
	is($node->psql('postgres', "$set\n$up", stderr => \$err), 0, "$level: statements at top level") or diag $err;
}

#
# What other sessions see, and a cancel during a pause
#
revision('false', "UPDATE item SET n = 2 WHERE id = 1;\nALTER TABLE item ADD COLUMN z int");
$holder->query_safe('BEGIN; LOCK TABLE item IN ACCESS SHARE MODE');
$run = start_psql($node, 'postgres', "SET cmig.lock_timeout = '500ms'; SET cmig.lock_retries = 1000; $up", 'first');
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'first' AND wait_event_type = 'Lock' AND query ~ '^pg_cmig: upgrade of 001, statement 2'"),
	'pg_stat_activity shows the revision and the statement');
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'first' AND wait_event = 'PgSleep' AND backend_xid IS NULL AND backend_xmin IS NULL") or die;
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'first'");
isnt(finish_psql($run), 0, 'the run is canceled between two attempts');
like($run->{err}, qr/ERROR:  57014/, 'the error says so');
$holder->query_safe('COMMIT');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), '0', 'the run lock is released');
is(progress(), '1 done', 'committed statements remain');
query($node, 'postgres', $up);
is(progress(), 'none', 'the same CALL runs the remaining statements');

#
# If another session holds the table, a procedure waits no longer than
# cmig.lock_timeout, even before its first batch or step
#
query($node, 'postgres', 'CREATE TABLE moved (id int PRIMARY KEY, n int DEFAULT 0); INSERT INTO moved SELECT generate_series(1, 1000)');
$hurry = "SET cmig.lock_timeout = '100ms'; SET cmig.lock_retries = 1; ";
foreach my $call ([ 'backfill', "cmig.backfill('moved', 'n = n + 1')" ],
	[ 'cmig.add_not_null', "cmig.add_not_null('moved', 'n')" ],
	[ 'cmig.add_check', "cmig.add_check('moved', 'n_small', 'n < 10')" ],
	[ 'cmig.add_unique', "cmig.add_unique('moved', '{id,n}')" ])
{
	my ($name, $sql) = @$call;

	$holder->query_safe('BEGIN; LOCK TABLE moved IN ACCESS EXCLUSIVE MODE');
	fails_with($node, 'postgres', "$hurry\nCALL $sql;", '55P03',
		"most recently for AccessShareLock on relation public.moved.\nBlocked by process $holder_pid of role", "$name does not wait for long");
	$run = start_psql($node, 'postgres', "SET cmig.lock_timeout = '100ms'; CALL $sql;", 'first');
	$run->{handle}->pump until $run->{err} =~ /attempt 1 of/;
	$holder->query_safe('COMMIT');
	is(finish_psql($run), 0, "$name continues when the lock is free") or diag $run->{err};
	like($run->{err}, qr/$name of public.moved could not get a lock, attempt 1 of 11/, "$name reports the attempts");
}

#
# A statement that waits for a lock for more than a second says so once, during the
# wait.  The server's settings are the same afterwards, and its log has nothing new.
#
query($node, 'postgres', 'CREATE ROLE ann LOGIN; CREATE TABLE slow (n int); ALTER TABLE slow OWNER TO ann; GRANT ALL ON SCHEMA public TO ann; SELECT cmig.grant_access(\'ann\', \'migrator\')');
my $settings = "SHOW deadlock_timeout; SHOW log_lock_waits; SHOW client_min_messages";
my $waits = qr/NOTICE:  00000: process \d+ still waiting for AccessExclusiveLock on relation \d+ of database \d+ after \d{4}\.\d+ ms\nDETAIL:  Process holding the lock: $holder_pid\. Wait queue: \d+\.\n(?:waiting for [^\n]*\n)?(?:SQL statement "[^\n]*\n)?pg_cmig: [^\n]*\nHINT:  [^\n]*SELECT \* FROM cmig.status\(\)\n/;
foreach my $call ('SELECT cmig.upgrade()', 'CALL cmig.upgrade_stepwise()')
{
	my $log = -s $node->logfile;

	revision('true', 'ALTER TABLE slow ADD a int; ALTER TABLE slow DROP a');
	$holder->query_safe('BEGIN; LOCK TABLE slow IN ACCESS SHARE MODE');
	$run = start_psql($node, 'postgres', "SET ROLE ann;\n$call;\n$settings;", 'first');
	$run->{handle}->pump until $run->{err} =~ /still waiting|ERROR/;
	wait_until_blocked($node, 'first');
	select undef, undef, undef, 0.2;
	$holder->query_safe('COMMIT');
	is(finish_psql($run), 0, "$call waits") or diag $run->{err};
	is(() = $run->{err} =~ /$waits/g, 1, "$call: one statement says once that it waits") or diag $run->{err};
	unlike($run->{err}, qr/LOG:|acquired/, "$call: nothing else is said");
	like($run->{out}, qr/1s\noff\nnotice\z/, "$call: the settings are as before");
	unlike(slurp_file($node->logfile, $log), qr/LOG:.*(?:still waiting|acquired)/, "$call: the server's log has no new messages");
}
$node->safe_psql('postgres', 'DROP TABLE slow');

#
# An error names the sessions that hold the lock, and those that waited before the run,
# but not those that waited behind it and got the lock when the run gave up.
#
my ($late, $ahead) = map { $node->background_psql('postgres', on_error_stop => 0) } 1 .. 2;
my ($late_pid, $ahead_pid) = map { $_->query_safe('SELECT pg_backend_pid()') } ($late, $ahead);
sub waits
{
	my ($pid) = @_;
	$node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid") or die;
}
foreach my $limit ("SET cmig.lock_timeout = '3s'", "SET lock_timeout = '3s'")
{
	revision('true', 'ALTER TABLE item ADD late int');
	$late->query_safe('BEGIN; SELECT 1');
	$holder->query_safe('BEGIN; LOCK TABLE item IN ACCESS SHARE MODE');
	$run = start_psql($node, 'postgres', "$limit; SELECT cmig.upgrade()", 'first');
	wait_until_blocked($node, 'first');
	$late->query_until(qr/begun/, "\\echo begun\nSELECT count(*) FROM item;\n");
	waits($late_pid);
	isnt(finish_psql($run), 0, "$limit: the run gives up");
	like($run->{err}, qr/ERROR.*Blocked by process $holder_pid /s, "$limit: the error names the session that holds the lock");
	unlike($run->{err}, qr/ERROR.*Blocked by process $late_pid /s, "$limit: but not the one that waited behind the run");
	like($run->{err}, qr/pg_terminate_backend\($holder_pid\)/, "$limit: nor does the hint");
	$late->query('COMMIT');
	$holder->query_safe('COMMIT');
}
# nor one that waits behind it so briefly that nobody has noticed, here because the run is canceled at once
for (1 .. 3)
{
	my $canceler = $node->background_psql('postgres');

	revision('true', 'ALTER TABLE item ADD late int');
	$holder->query_safe('BEGIN; LOCK TABLE item IN ACCESS SHARE MODE');
	$run = start_psql($node, 'postgres', 'SELECT cmig.upgrade()', 'first');
	wait_until_blocked($node, 'first');
	select undef, undef, undef, 0.2;
	$canceler->query_until(qr/begun/, "\\echo begun\nDO \$\$ BEGIN FOR i IN 1 .. 100000 LOOP"
		  . " IF EXISTS (SELECT FROM pg_locks WHERE pid = $late_pid AND NOT granted) THEN PERFORM pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'first'; EXIT; END IF;"
		  . " PERFORM pg_sleep(0.001), pg_stat_clear_snapshot(); END LOOP; END \$\$;\n");
	$late->query_until(qr/begun/, "\\echo begun\nSELECT count(*) FROM item;\n");
	isnt(finish_psql($run), 0, 'the run is canceled');
	like($run->{err}, qr/ERROR.*Blocked by process $holder_pid /s, 'the error names the session that holds the lock');
	unlike($run->{err}, qr/Blocked by process $late_pid /s, 'but not one that came behind it a moment ago');
	$_->query_safe('SELECT 1') for $late, $canceler;
	$holder->query_safe('COMMIT');
	$canceler->quit;
}
# a session has an advisory lock whatever it does meanwhile
revision('true', 'SELECT pg_advisory_xact_lock(4711)');
$holder->query_safe('SELECT pg_advisory_lock(4711)');
$run = start_psql($node, 'postgres', "SET lock_timeout = '3s'; SELECT cmig.upgrade()", 'first');
wait_until_blocked($node, 'first');
$holder->query_safe('BEGIN; SELECT 1');
isnt(finish_psql($run), 0, 'the run gives up');
like($run->{err}, qr/ERROR.*Blocked by process $holder_pid /s, 'the error names the session that has the advisory lock');
$holder->query_safe('COMMIT; SELECT pg_advisory_unlock(4711)');
revision('true', 'SELECT count(*) FROM item');
$holder->query_safe('BEGIN; LOCK TABLE item IN ACCESS SHARE MODE');
$ahead->query_until(qr/begun/, "\\echo begun\nBEGIN; LOCK TABLE item;\n");
waits($ahead_pid);
fails_with($node, 'postgres', "SET lock_timeout = '500ms'; SELECT cmig.upgrade()", '55P03', "Blocked by process $ahead_pid of .*pg_terminate_backend\\($ahead_pid\\)", 'the error names a session that waited before the run');
$holder->query_safe('COMMIT');
$_->quit foreach ($late, $ahead);

#
# A table that is renamed or replaced during a backfill by key
#
my $fill = "CALL cmig.backfill('moved', 'n = n + 1', batch_size => 100, pause => '1 s');";
sub move_while_filling
{
	my ($sql) = @_;
	my $begun = $node->safe_psql('postgres', "UPDATE moved SET n = 0; SELECT count(*) FROM cmig.backfill_run") + 1;
	my $run = start_psql($node, 'postgres', $fill, 'first');

	$node->poll_query_until('postgres', "SELECT count(*) = $begun AND max(rows) FILTER (WHERE state = 'running') > 0 FROM cmig.backfill_run") or die;
	query($node, 'postgres', $sql);
	isnt(finish_psql($run), 0, "the backfill ends at: $sql");
	return $run->{err};
}
like(move_while_filling('ALTER TABLE moved RENAME TO gone'), qr/42P01: table public.moved was renamed or dropped during its backfill\nDETAIL:  It is now named public.gone.\nHINT:  Repeat the CALL with the new name/,
	'the error has the new name');
query($node, 'postgres', 'ALTER TABLE gone RENAME TO moved');
query($node, 'postgres', $fill =~ s/1 s/0/r);
is($node->safe_psql('postgres', 'SELECT min(n), max(n), count(*) FROM moved'), '1|1|1000', 'each row is updated once in the end');
like(move_while_filling('BEGIN; DROP TABLE moved; CREATE TABLE moved (id int PRIMARY KEY, n int DEFAULT 0); INSERT INTO moved VALUES (1), (2); COMMIT'),
	qr/42P01: table public.moved was renamed or dropped/, 'another table with the name is not mistaken for it');

#
# A CALL does not wait forever for functions whose runs overlap
#
revision('true', 'ALTER TABLE item ADD COLUMN turn int');
my @crowd = map { start_psql($node, 'postgres', "\\set ON_ERROR_STOP off\nSET client_min_messages = error;\n" . "BEGIN; SELECT cmig.stamp('base', purge => true); SELECT pg_sleep(0.02); COMMIT;\n" x 3000, "crowd$_") } 1 .. 4;
$node->poll_query_until('postgres', "SELECT count(*) = 4 FROM pg_stat_activity WHERE application_name LIKE 'crowd%'") or die;
my $turn = start_psql($node, 'postgres', "SET statement_timeout = '60s'; $up", 'turn');
is(finish_psql($turn), 0, 'a stepwise run gets its turn among overlapping functions') or diag $turn->{err};
is($node->safe_psql('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'crowd%' AND state IS NOT NULL"), 't', 'the functions continue');
query($node, 'postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'crowd%'");
finish_psql($_) foreach @crowd;
is($node->safe_psql('postgres', 'SELECT count(*) FROM information_schema.columns WHERE column_name = \'turn\''), 1, 'the run has applied its revision');
my @refused = map { $_->{err} =~ /ERROR/ ? $_->{err} : () } @crowd;
unlike("@refused", qr/ERROR:  (?!55P03|25P02)/, 'functions that started in the meantime fail only with 55P03');

$holder->quit;
$node->stop;
done_testing();
