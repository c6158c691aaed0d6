# Copyright (c) 2026, the pg_cmig developers

# Tests cmig.upgrade_stepwise and related procedures as clients call them, and while
# other sessions hold locks.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = new_node('stepwise', 'max_connections = 30', 'log_statement = none',
	'allow_in_place_tablespaces = on');
$node->start;

sub make_db
{
	my ($db, @files) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, 'CREATE EXTENSION pg_cmig');
	query($node, $db, load_sql(@files)) if @files;
}

# Returns the file of a nontransactional revision.
sub steps_file
{
	my $text = revision_file(@_);

	$text =~ s/\n\n-- cmig:upgrade/\n-- transactional: false\n\n-- cmig:upgrade/;
	return $text;
}

my @chain = (
	revision_file('001', '', "CREATE TABLE item (id int PRIMARY KEY, name text);\n"
		  . "INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, 1000) g;", 'DROP TABLE item;'),
	steps_file('002', '001', "CREATE INDEX CONCURRENTLY item_name ON item (name);\nVACUUM item;\n"
		  . "DO \$\$ BEGIN UPDATE item SET name = upper(name); COMMIT; END \$\$;\n"
		  . "CALL cmig.backfill('item', 'name = lower(name)', 'name <> lower(name)', 100);",
		'DROP INDEX CONCURRENTLY item_name;'),
	revision_file('003', '002', 'ALTER TABLE item ADD COLUMN x int;', 'ALTER TABLE item DROP COLUMN x;'));

#
# Protocols
#
make_db('proto', @chain);
my $dir = PostgreSQL::Test::Utils::tempdir();

sub bench
{
	my ($mode, $script) = @_;
	my ($out, $err);

	open(my $file, '>', "$dir/bench.sql") or die;
	print $file $script;
	close $file;
	IPC::Run::run([ 'pgbench', '-n', '-t', '1', '-M', $mode, '-f', "$dir/bench.sql",
			'-d', $node->connstr('proto') ], '<', \undef, '>', \$out, '2>', \$err);
	return $err;
}
foreach my $mode (qw(simple extended prepared))
{
	unlike(bench($mode, "CALL cmig.upgrade_stepwise('head');\n"), qr/ERROR/, "$mode: up");
	is(query($node, 'proto', 'SELECT revision FROM cmig.version'), '003', "$mode: it is at head");
	unlike(bench($mode, "CALL cmig.downgrade_stepwise('base');\n"), qr/ERROR/, "$mode: down");
	is(query($node, 'proto', 'SELECT count(*) FROM cmig.version'), '0', "$mode: it is at base");
}
foreach my $mode (qw(extended prepared))
{
	like(bench($mode, "\\startpipeline\nSELECT 1;\nCALL cmig.upgrade_stepwise('head');\n\\endpipeline\n"),
		qr/ERROR|aborted/, "$mode: refused behind another statement of a pipeline");
	is(query($node, 'proto', 'SELECT count(*) FROM cmig.version'), '0', "$mode: nothing was run");
	like(bench($mode, "BEGIN;\nCALL cmig.upgrade_stepwise('head');\nEND;\n"),
		qr/ERROR:  CALL cmig.upgrade_stepwise must be a separate statement/, "$mode: refused in a transaction");
}
bench('extended', "\\startpipeline\nCALL cmig.upgrade_stepwise('001');\nCALL cmig.upgrade_stepwise('003');\n\\endpipeline\n");
is(query($node, 'proto', 'SELECT revision FROM cmig.version'), '001', 'the first of a pipeline runs, the second is refused');

#
# The state of the session afterwards
#
my $session = $node->background_psql('proto', on_error_stop => 0);
$session->query_safe(q{SET client_min_messages = warning; SET work_mem = '5MB';
SET search_path = public, pg_catalog; SET my.own = 'x';
CREATE TEMP TABLE mine (a int); PREPARE kept AS SELECT 1; SELECT pg_advisory_lock(42);
DECLARE kept_cursor CURSOR WITH HOLD FOR SELECT generate_series(1, 5);});
my $look = q{SELECT string_agg(name || '=' || setting || ' ' || source, E'\n' ORDER BY name) FROM pg_settings
WHERE name NOT IN ('transaction_read_only') UNION ALL SELECT string_agg(name, ',') FROM pg_prepared_statements
UNION ALL SELECT string_agg(name, ',') FROM pg_cursors WHERE is_holdable
UNION ALL SELECT string_agg(relname, ',') FROM pg_class WHERE relnamespace = pg_my_temp_schema()
UNION ALL SELECT current_user || current_setting('my.own', true) || coalesce(current_setting('new.own', true), '')};
query($node, 'proto', load_sql(steps_file('004', '003', q{SET work_mem = '9MB';
SET statement_timeout = '50s';
SET search_path = pg_catalog;
SET new.own = 'leak';
SET my.own = 'leak';
RESET work_mem;
SET work_mem = '8MB';
CREATE TEMP TABLE scratch (a int);
PREPARE scratch AS SELECT 1;
DECLARE scratch_cursor CURSOR WITH HOLD FOR SELECT 1;
SELECT set_config('lock_timeout', '9s', false);
CREATE ROLE step_role;
SET ROLE step_role;
SELECT 1;}, 'DROP ROLE step_role;'), steps_file('005', '004', "SET work_mem = '7MB'; CREATE TEMP TABLE scratch (a int); SELECT 1/0;", '')));
$session->query_safe("DO \$\$ BEGIN END \$\$; CALL cmig.upgrade_stepwise('001')");
my $before = $session->query_safe($look);
sub is_same
{
	my ($now, $name) = @_;
	my %was = map { $_ => 1 } split /\n/, $before;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(join("\n", grep { !$was{$_} } split /\n/, $now), '', $name);
}
$session->query_safe("CALL cmig.upgrade_stepwise('004');");
is_same($session->query_safe($look), 'after a run, the caller has its settings, role, temporary tables, and prepared statements again');
$session->query("CALL cmig.upgrade_stepwise('005');");
$session->{stderr} = '';
is_same($session->query_safe($look), 'the same after a run that failed');
is($session->query_safe("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"), '1',
	'the run lock is released');
$session->quit;

#
# The run lock
#
make_db('lock', @chain);
$node->safe_psql('lock', 'CREATE TABLE gate (x int)');
query($node, 'lock', load_sql(@chain, revision_file('004', '003', 'LOCK TABLE gate;', '')));
my $holder = $node->background_psql('lock', on_error_stop => 0);
$holder->query_safe('BEGIN; LOCK TABLE gate');
my $first = start_psql($node, 'lock', "CALL cmig.upgrade_stepwise();", 'first');
my $first_pid = wait_until_blocked($node, 'first');
my $second = start_psql($node, 'lock', "CALL cmig.upgrade_stepwise();", 'second');
my $second_pid = wait_until_blocked($node, 'second');
is($node->safe_psql('lock', "SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity WHERE pid = $second_pid"),
	't', 'a waiting run holds no snapshot and no transaction id');
is($node->safe_psql('lock', "SELECT query FROM pg_stat_activity WHERE pid = $second_pid"),
	"pg_cmig: cmig.upgrade_stepwise waits for the run of process $first_pid", 'pg_stat_activity shows the session it waits for');
is($node->safe_psql('lock', "SELECT pg_blocking_pids($second_pid)"), "{$first_pid}", 'pg_blocking_pids shows it too');
like($node->safe_psql('lock', "SELECT value FROM cmig.status() WHERE item = 'running'"),
	qr/^upgrade of 004, by process $first_pid$/, 'cmig.status shows the run');
fails_with($node, 'lock', "SELECT cmig.upgrade()", '55P03', 'another run of pg_cmig is in progress', 'SELECT cmig.upgrade does not wait');
$second->{handle}->pump until $second->{err} =~ /NOTICE/;
$node->safe_psql('lock', "SELECT pg_cancel_backend($second_pid)");
isnt(finish_psql($second), 0, 'a waiting run can be cancelled');
like($second->{err}, qr/waiting for another run.*Blocked by process $first_pid.*57014/s, 'its messages name the process it waited for');
$second = start_psql($node, 'lock', "CALL cmig.upgrade_stepwise();", 'second');
wait_until_blocked($node, 'second');
$holder->query_safe('COMMIT');
is(finish_psql($first), 0, 'the first run ends');
is(finish_psql($second), 0, 'the second run finds nothing to do');
is($node->safe_psql('lock', "SELECT string_agg(revision, ' ' ORDER BY id) FROM cmig.journal WHERE outcome = 'done'"),
	'001 002 003 004', 'each revision ran once');
$holder->query_safe('BEGIN; LOCK TABLE gate');
query($node, 'lock', "SELECT cmig.downgrade('-1')");
$first = start_psql($node, 'lock', "CALL cmig.upgrade_stepwise();", 'first');
$first_pid = wait_until_blocked($node, 'first');
$second = start_psql($node, 'lock', "CALL cmig.upgrade_stepwise();", 'second');
wait_until_blocked($node, 'second');
$node->safe_psql('lock', "SELECT pg_terminate_backend($first_pid)");
finish_psql($first);
$holder->query_safe('COMMIT');
is(finish_psql($second), 0, 'the run lock is released when its session is terminated');
is($node->safe_psql('lock', 'SELECT revision FROM cmig.version'), '004', 'the waiting run applies the revision');
$holder->quit;

#
# One session builds an index concurrently, and the other waits for the run
# lock: no deadlock
#
make_db('flyway', $chain[0]);
query($node, 'flyway', "CALL cmig.upgrade_stepwise()");
query($node, 'flyway', load_sql(@chain));
$holder = $node->background_psql('flyway', on_error_stop => 0);
$holder->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM item');
usleep(1_100_000);
$first = start_psql($node, 'flyway', "CALL cmig.upgrade_stepwise();", 'first');
wait_until_blocked($node, 'first');
$second = start_psql($node, 'flyway', "CALL cmig.upgrade_stepwise();", 'second');
wait_until_blocked($node, 'second');
ok($node->poll_query_until('flyway', "SELECT string_agg(value::text, ' ' ORDER BY name) = '2 1' FROM cmig.metrics WHERE name ~ 'lock_waits|runs_in_progress'"), 'cmig.metrics: two wait, and one of them runs');
$holder->query_safe('COMMIT');
is(finish_psql($first), 0, 'the session that builds an index concurrently ends');
is(finish_psql($second), 0, 'the session that waited for it ends too');
like($first->{err}, qr/CREATE INDEX CONCURRENTLY will wait for open transactions to end.*Blocked by process \d+ of role.*SELECT count/s,
	'a notice names the sessions the build waits for');
$holder->quit;

#
# Lock timeouts and retries
#
make_db('retry', revision_file('001', '', 'CREATE TABLE busy (a int);', ''),
	revision_file('002', '001', "CREATE TABLE made (a int);\nALTER TABLE busy ADD COLUMN b int;", ''));
query($node, 'retry', "CALL cmig.upgrade_stepwise('001')");
$holder = $node->background_psql('retry', on_error_stop => 0);
my $holder_pid = $holder->query_safe('SELECT pg_backend_pid()');
$holder->query_safe('BEGIN; LOCK TABLE busy IN ACCESS SHARE MODE; SELECT 42 AS the_answer');
my ($out, $err);
$node->psql('retry', "SET cmig.lock_timeout = '100ms'; SET cmig.lock_retries = 2; \\set VERBOSITY verbose\nCALL cmig.upgrade_stepwise()",
	stdout => \$out, stderr => \$err);
my @notices = $err =~ /NOTICE:  00000: upgrade of 002 could not get a lock, attempt (\d) of 3; trying again in (\d+) ms\nDETAIL:  [^\n]*\nBlocked by process $holder_pid of role "\w+"(?: \(application "[^"]*"\))?; its transaction has been open for [^\n]*the_answer/g;
is(scalar(@notices), 4, 'each retry has a notice with the blocking process, its role, age, and query') or diag $err;
ok($notices[3] > $notices[1], 'the delays between attempts grow') or diag "@notices";
is($node->safe_psql('retry', "SELECT value FROM cmig.metrics WHERE name = 'pg_cmig_lock_retries_total'"), '2', 'cmig.metrics counts the attempts');
like($err, qr/ERROR:  55P03: canceling statement due to cmig.lock_timeout.*Blocked by process $holder_pid of role.*the_answer/s, 'the error message has the same details') or diag $err;
is($node->safe_psql('retry', "SELECT outcome, sqlstate, statement, message LIKE '%Blocked by process $holder_pid of role%' AND message NOT LIKE '%the_answer%' FROM cmig.journal ORDER BY id DESC LIMIT 1"),
	'failed|55P03|2|t', 'the journal records the failure, without the query');
is($node->safe_psql('retry', "SELECT to_regclass('made') IS NULL, (SELECT revision FROM cmig.version)"), 't|001', 'nothing of the failed step remains');
$first = start_psql($node, 'retry', "SET cmig.lock_timeout = '100ms'; CALL cmig.upgrade_stepwise();", 'first');
$node->poll_query_until('retry', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'first' AND wait_event = 'PgSleep' AND backend_xmin IS NULL AND backend_xid IS NULL")
  or die;
pass('between attempts, the run holds no snapshot');
$holder->query_safe('COMMIT');
is(finish_psql($first), 0, 'the run succeeds once the lock is free');
is($node->safe_psql('retry', "SELECT string_agg(outcome, ' ' ORDER BY id) FROM cmig.journal"), 'done failed done', 'the journal has the failure and the success');

# for statements with CONCURRENTLY, only the first lock wait is limited
query($node, 'retry', load_sql(revision_file('001', '', 'CREATE TABLE busy (a int);', ''),
	revision_file('002', '001', "CREATE TABLE made (a int);\nALTER TABLE busy ADD COLUMN b int;", ''),
	steps_file('003', '002', 'CREATE INDEX CONCURRENTLY ON busy (a);', '')));
$holder->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM made');
$first = start_psql($node, 'retry', "SET cmig.lock_timeout = '100ms'; CALL cmig.upgrade_stepwise();", 'first');
wait_until_blocked($node, 'first');
usleep(500_000);
$holder->query_safe('COMMIT');
is(finish_psql($first), 0, 'the wait for old snapshots is not timed out') or diag $first->{err};
query($node, 'retry', "CALL cmig.downgrade_stepwise('-1')");
$holder->query_safe('DROP INDEX busy_a_idx; BEGIN; LOCK TABLE busy IN ROW EXCLUSIVE MODE; LOCK TABLE busy IN SHARE MODE');
$node->psql('retry', "SET cmig.lock_timeout = '100ms'; SET cmig.lock_retries = 1; \\set VERBOSITY verbose\nCALL cmig.upgrade_stepwise()", stderr => \$err);
like($err, qr/attempt 1 of 2.*ERROR:  55P03/s, 'the wait for its first lock is timed out');
$holder->query_safe('COMMIT');
query($node, 'retry', 'CALL cmig.upgrade_stepwise()');
is($node->safe_psql('retry', "SELECT string_agg(relname || indisvalid, ' ') FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'busy'::regclass"),
	'busy_a_idxtrue', 'the next run builds the index');
$holder->quit;

#
# Leftovers of interrupted statements
#
make_db('rest',
	revision_file('001', '', 'CREATE TABLE big (a int, b int); INSERT INTO big SELECT 1, 2;'
		  . 'CREATE TABLE part (k int) PARTITION BY LIST (k); CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);'
		  . 'CREATE TABLE ranges (k int) PARTITION BY RANGE (k); CREATE TABLE range_1 PARTITION OF ranges FOR VALUES FROM (0) TO (9);'
		  . 'CREATE TABLE range_2 PARTITION OF ranges FOR VALUES FROM (9) TO (19); CREATE INDEX ON ranges (k);', ''),
	steps_file('002', '001', 'CREATE INDEX CONCURRENTLY ON big (a);', ''),
	steps_file('003', '002', 'REINDEX TABLE CONCURRENTLY big;', ''),
	steps_file('004', '003', 'DROP INDEX CONCURRENTLY big_a_idx;', ''),
	steps_file('005', '004', 'ALTER TABLE part DETACH PARTITION part_1 CONCURRENTLY;', ''),
	steps_file('006', '005', 'REINDEX SCHEMA CONCURRENTLY public;', ''),
	steps_file('007', '006', 'REINDEX INDEX CONCURRENTLY ranges_k_idx;', ''));
query($node, 'rest', "CALL cmig.upgrade_stepwise('001')");
$holder = $node->background_psql('rest', on_error_stop => 0);
my $indexes = "SELECT coalesce(string_agg(relname || ' ' || indisvalid, ', ' ORDER BY relname), 'none') FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'big'::regclass";

# Begin a step and interrupt it while it waits for sessions that write to a
# table.
sub interrupt
{
	my ($revision, $table) = @_;

	$holder->query_safe("BEGIN; LOCK TABLE $table IN ROW EXCLUSIVE MODE");
	my $run = start_psql($node, 'rest', "CALL cmig.upgrade_stepwise('$revision')", 'first');
	my $pid = wait_until_blocked($node, 'first');
	$node->safe_psql('rest', "SELECT pg_terminate_backend($pid)");
	finish_psql($run);
	$holder->query_safe('COMMIT');
	like($node->safe_psql('rest', "SELECT item || ': ' || value || ' -- ' || hint FROM cmig.status() WHERE item IN ('interrupted', 'partially applied') ORDER BY item"),
		qr/interrupted: upgrade of $revision -- CALL cmig\.upgrade_stepwise\('$revision'\)\npartially applied: upgrade of $revision: statement 1 is unfinished/,
		"$revision: cmig.status shows the interruption");
}

interrupt('002', 'big');
is($node->safe_psql('rest', $indexes), 'big_a_idx false', 'CREATE INDEX: an invalid index is left behind');
query($node, 'rest', "CALL cmig.upgrade_stepwise('002')");
is($node->safe_psql('rest', $indexes), 'big_a_idx true', 'CREATE INDEX: the index is built again');
is($node->safe_psql('rest', "SELECT string_agg(outcome, ' ' ORDER BY id) FROM cmig.journal WHERE revision = '002'"), 'failed done', 'the journal has the interruption and the success');
$node->safe_psql('rest', "CREATE TABLE other (a int); INSERT INTO other VALUES (1), (1)");
$node->psql('rest', 'CREATE UNIQUE INDEX CONCURRENTLY other_ccnew ON other (a)');
interrupt('003', 'big');
is($node->safe_psql('rest', $indexes), 'big_a_idx true, big_a_idx_ccnew false', 'REINDEX TABLE: a transient index is left behind');
query($node, 'rest', "CALL cmig.upgrade_stepwise('003')");
is($node->safe_psql('rest', $indexes), 'big_a_idx true', 'REINDEX TABLE: the transient index is gone');
interrupt('004', 'big');
is($node->safe_psql('rest', $indexes), 'big_a_idx false', 'DROP INDEX: an invalid index is left behind');
query($node, 'rest', "CALL cmig.upgrade_stepwise('004')");
is($node->safe_psql('rest', $indexes), 'none', 'DROP INDEX: the index is gone');
interrupt('005', 'part');
is($node->safe_psql('rest', "SELECT inhdetachpending FROM pg_inherits WHERE inhparent = 'part'::regclass"), 't', 'DETACH PARTITION: the detach is pending');
query($node, 'rest', "CALL cmig.upgrade_stepwise('005')");
is($node->safe_psql('rest', "SELECT count(*) FROM pg_inherits WHERE inhparent = 'part'::regclass"), '0', 'DETACH PARTITION: the partition is detached');
$node->safe_psql('rest', 'CREATE INDEX big_a_idx ON big (a)');
interrupt('006', 'big');
query($node, 'rest', "CALL cmig.upgrade_stepwise('006')");
is($node->safe_psql('rest', $indexes), 'big_a_idx true', 'REINDEX SCHEMA: no transient index is left');
is($node->safe_psql('rest', "SELECT count(*) FROM pg_class WHERE relname ~ '_cc(new|old)'"), '1', 'REINDEX SCHEMA: transient indexes of others are not dropped');
interrupt('007', 'range_1');
is($node->safe_psql('rest', "SELECT string_agg(c.relname, ' ' ORDER BY 1) FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid AND indrelid = 'range_1'::regclass"),
	'range_1_k_idx_ccnew', 'REINDEX INDEX of a partitioned index: a transient index of a partition is left behind');
query($node, 'rest', "CALL cmig.upgrade_stepwise('007')");
is($node->safe_psql('rest', "SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid IN (SELECT relid FROM pg_partition_tree('ranges')) AND indisvalid"),
	'range_1_k_idx range_2_k_idx ranges_k_idx', 'REINDEX INDEX of a partitioned index: only valid indexes are left');
is($node->safe_psql('rest', "SELECT count(*) FROM pg_class WHERE relname ~ 'range.*_cc(new|old)'"), '0', 'REINDEX INDEX of a partitioned index: no index has a transient name');
is($node->safe_psql('rest', 'SELECT count(*) FROM cmig.progress'), '0', 'no step is partially applied');

# another session has dropped the leftover index and is building one of the same
# name
query($node, 'rest', "DROP INDEX big_a_idx; SELECT cmig.stamp('001')");
interrupt('002', 'big');
$node->safe_psql('rest', 'DROP INDEX big_a_idx');
$holder->query_safe('BEGIN; LOCK TABLE big IN ROW EXCLUSIVE MODE');
my $other = start_psql($node, 'rest', 'CREATE INDEX CONCURRENTLY big_a_idx ON big (a)', 'other');
wait_until_blocked($node, 'other');
my $oid = $node->safe_psql('rest', "SELECT 'big_a_idx'::regclass::oid");
$first = start_psql($node, 'rest', "CALL cmig.upgrade_stepwise('002')", 'first');
wait_until_blocked($node, 'first');
$holder->query_safe('COMMIT');
is(finish_psql($other), 0, "the other session's build succeeds");
is(finish_psql($first), 0, 'the run waits for the other build');
is($node->safe_psql('rest', "SELECT 'big_a_idx'::regclass::oid = $oid AND indisvalid FROM pg_index WHERE indexrelid = $oid"), 't', 'the run accepts the index that the other session built');
$holder->quit;

# An index that the role may rebuild, but not drop, is left: that of a TOAST table, and
# that of another role's table in its database
$node->safe_psql('postgres', 'CREATE ROLE regress_theirs; CREATE ROLE regress_reindex LOGIN; CREATE DATABASE kept OWNER regress_reindex');
query($node, 'kept', 'CREATE EXTENSION pg_cmig; CREATE TABLE long (a int PRIMARY KEY, t text);', 'regress_reindex');
$node->safe_psql('kept', 'CREATE SCHEMA theirs AUTHORIZATION regress_theirs; CREATE TABLE theirs.t (a int CONSTRAINT "a key" PRIMARY KEY); ALTER TABLE theirs.t OWNER TO regress_theirs');
query($node, 'kept', load_sql(steps_file('001', '', 'REINDEX TABLE CONCURRENTLY long;', ''), steps_file('002', '001', 'REINDEX DATABASE CONCURRENTLY kept;', '')), 'regress_reindex');
my $invalid = "SELECT string_agg(regexp_replace(indexrelid::regclass::text, '\\d+', 'N'), ' ' ORDER BY 1) FROM pg_index WHERE NOT indisvalid";
foreach my $case (
	[ '001', 'long', 'pg_toast.pg_toast_N_index_ccnew', 'pg_toast\.pg_toast_\d+_index_ccnew', 'A superuser can\.', 'long_pkey_ccnew ' ],
	[ '002', 'theirs.t', 'theirs."a key_ccnew"', 'theirs\."a key_ccnew"', 'Its owner, role "regress_theirs", can, and so can a superuser\.', '' ])
{
	my ($revision, $table, $index, $name, $who, $ours) = @$case;
	my $writer = $node->background_psql('kept');

	$writer->query_safe("BEGIN; LOCK TABLE $table IN ROW EXCLUSIVE MODE");
	my $run = start_psql($node, 'kept', "SET SESSION AUTHORIZATION regress_reindex; CALL cmig.upgrade_stepwise('$revision')", 'kept');
	my $pid = wait_until_blocked($node, 'kept');
	$node->poll_query_until('kept', "SELECT count(*) > 0 FROM pg_index WHERE indexrelid::regclass::text ~ '^$name\$'") or die;
	$node->safe_psql('kept', "SELECT pg_terminate_backend($pid)");
	finish_psql($run);
	$writer->query_safe('COMMIT');
	$writer->quit;
	is($node->safe_psql('kept', $invalid), "$ours$index", "$revision: what a REINDEX has left");
	my $status = $node->psql('kept', "CALL cmig.upgrade_stepwise('$revision')", stderr => \$err, extra_params => [ '-U', 'regress_reindex' ]);
	is($status, 0, 'the next call completes it') or diag($err);
	my $notice = qr/NOTICE:  role "regress_reindex" cannot drop index $name, which an interrupted statement left invalid\nDETAIL:  $who\nHINT:  (DROP INDEX CONCURRENTLY $name)\n/;
	is(scalar(() = $err =~ /$notice/g), 1, 'what the role cannot drop is reported once') or diag($err);
	is($node->safe_psql('kept', $invalid), $index, 'the rest is dropped');
	$node->safe_psql('kept', $1) if $err =~ $notice;
	is($node->safe_psql('kept', $invalid), '', 'as is this one by the statement of the hint');
}

#
# A backfill is observed and interrupted
#
make_db('fill');
$node->safe_psql('fill', "CREATE TABLE users (id int PRIMARY KEY, n int DEFAULT 0, m int); INSERT INTO users SELECT generate_series(1, 5000); ANALYZE users");
$first = start_psql($node, 'fill', "CALL cmig.backfill('users', 'n = n + 1', batch_size => 100, pause => '200ms')", 'first');
$node->poll_query_until('fill', "SELECT rows >= 500 AND state = 'running' AND percent > 0 AND rows_per_second > 0 AND eta IS NOT NULL FROM cmig.backfill_progress") or die;
pass('another session sees the number of rows, the percentage, the rate, and the time left');
fails_with($node, 'fill', "CALL cmig.backfill('users', 'm = 1', 'm IS NULL')", '55P03', 'backfill of table "users" is already running', 'a second backfill of the table is refused');
$node->safe_psql('fill', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'first'");
finish_psql($first);
is($node->safe_psql('fill', "SELECT state, rows = (SELECT sum(n) FROM users) FROM cmig.backfill_progress"), 'interrupted|t', 'after an interruption, cmig.backfill_progress has the exact number of rows');
$node->psql('fill', "CALL cmig.backfill('users', 'n = n + 1', batch_size => 1000)", stderr => \$err);
like($err, qr/NOTICE:  resuming the backfill of public.users after \d+ rows/, 'the next call resumes the backfill');
is($node->safe_psql('fill', "SELECT min(n), max(n), (SELECT state || ' ' || rows FROM cmig.backfill_progress) FROM users"), '1|1|done 5000', 'each row was updated once');

# after kill -9, the backfill continues where it stopped
$node->safe_psql('fill', 'ALTER SYSTEM SET restart_after_crash = on');
$node->reload;
$first = start_psql($node, 'fill', "CALL cmig.backfill('users', 'm = coalesce(m, 0) + 1', batch_size => 100, pause => '200ms')", 'first');
$node->poll_query_until('fill', "SELECT rows >= 500 FROM cmig.backfill_progress WHERE set_sql LIKE 'm = coalesce%'") or die;
kill_backend($node->safe_psql('fill', "SELECT pid FROM pg_stat_activity WHERE application_name = 'first'"));
finish_psql($first);
wait_for_recovery($node);
is($node->safe_psql('fill', "SELECT state, rows = (SELECT sum(m) FROM users) FROM cmig.backfill_progress WHERE set_sql LIKE 'm = coalesce%'"), 'interrupted|t', 'after kill -9, cmig.backfill_progress has the exact number of rows');
$node->psql('fill', "CALL cmig.backfill('users', 'm = coalesce(m, 0) + 1', batch_size => 1000)", stderr => \$err);
like($err, qr/NOTICE:  resuming the backfill of public.users after \d+ rows/, 'the next call resumes the backfill after kill -9');
is($node->safe_psql('fill', "SELECT min(m), max(m) FROM users"), '1|1', 'each row was updated once despite kill -9');
$node->safe_psql('fill', 'UPDATE users SET m = NULL');

# rows that are locked by another session
$holder = $node->background_psql('fill', on_error_stop => 0);
$holder->query_safe('BEGIN; UPDATE users SET m = 0 WHERE id = 3333');
$first = start_psql($node, 'fill', "SET cmig.lock_timeout = '100ms'; CALL cmig.backfill('users', 'm = 1', 'm IS NULL')", 'first');
$node->poll_query_until('fill', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'first' AND wait_event = 'PgSleep'") or die;
$holder->query_safe('COMMIT');
is(finish_psql($first), 0, 'a batch that meets a locked row is retried') or diag $first->{err};
like($first->{err}, qr/backfill of public.users could not get a lock, attempt 1 of 11/, 'the retry has a notice');
is($node->safe_psql('fill', 'SELECT count(*) FILTER (WHERE m = 1), count(*) FILTER (WHERE m = 0) FROM users'), '4999|1', 'the filter is evaluated again after the wait');
# rows that are inserted in the meantime are found by the next pass
$first = start_psql($node, 'fill', "CALL cmig.backfill('users', 'm = 2', 'm = 1', batch_size => 100, pause => '100ms')", 'first');
$node->poll_query_until('fill', "SELECT rows >= 300 FROM cmig.backfill_progress WHERE set_sql = 'm = 2'") or die;
$holder->query_safe('UPDATE users SET m = 1 WHERE id < 50; INSERT INTO users SELECT i, 0, 1 FROM generate_series(6001, 6100) i');
is($node->safe_psql('fill', "SELECT state FROM cmig.backfill_progress WHERE set_sql = 'm = 2'"), 'running', 'the backfill is still running when rows behind it change');
is(finish_psql($first), 0, 'a backfill with concurrent writers ends');
is($node->safe_psql('fill', 'SELECT count(*) FROM users WHERE m = 1'), '0', 'no row is left that matches the filter');
# another table is renamed to the name of the backfill's table
$first = start_psql($node, 'fill', "CALL cmig.backfill('users', 'm = 3', 'm = 2', batch_size => 100, pause => '100ms')", 'first');
$node->poll_query_until('fill', "SELECT rows >= 300 FROM cmig.backfill_progress WHERE set_sql = 'm = 3'") or die;
$node->safe_psql('fill', 'BEGIN; ALTER TABLE users RENAME TO old_users; CREATE TABLE users AS TABLE old_users; COMMIT');
is(finish_psql($first), 3, 'a backfill stops if its table is replaced');
like($first->{err}, qr/table public.users was renamed or dropped during its backfill.*It is now named public.old_users/s, 'the error says where the table is now');
$holder->quit;

# another session holds a lock on the leftover: each attempt checks it again,
# under the table's lock
make_db('held');
$node->safe_psql('held', 'CREATE TABLE twins (n int); INSERT INTO twins VALUES (1), (1)');
$node->psql('held', 'CREATE UNIQUE INDEX CONCURRENTLY twins_n_key ON twins (n)');
$node->safe_psql('held', 'TRUNCATE twins');
$node->psql('held', 'INSERT INTO twins VALUES (1)');
$node->safe_psql('held', "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'twins_n_key'::regclass");
$holder = $node->background_psql('held', on_error_stop => 0);
$holder->query_safe('BEGIN; ALTER INDEX twins_n_key SET (fillfactor = 50)');
$first = start_psql($node, 'held', "SET cmig.lock_timeout = '100ms'; CALL cmig.add_unique('twins', 'n')", 'first');
$node->poll_query_until('held', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'first' AND wait_event = 'PgSleep'") or die;
$holder->query_safe('COMMIT');
is(finish_psql($first), 0, 'dropping a leftover index is retried') or diag $first->{err};
unlike($first->{err}, qr/WARNING/, 'each attempt locks the table again');
$holder->quit;

# what stands before and after a generated stepwise revision is never absent for
# another session, which looks all the time; pauses between the statements let it see
# what each of them commits
make_db('standing');
$node->safe_psql('standing', q{
	CREATE SCHEMA shop;
	CREATE TABLE shop.p (id int PRIMARY KEY);
	CREATE TABLE shop.t (id int PRIMARY KEY, a int NOT NULL DEFAULT 7, p int);
	CREATE VIEW shop.v AS SELECT id, a FROM shop.t;
	CREATE MATERIALIZED VIEW shop.mv AS SELECT a FROM shop.v;
	CREATE FUNCTION shop.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
	CREATE TRIGGER g BEFORE UPDATE OF a ON shop.t FOR EACH ROW EXECUTE FUNCTION shop.f();
	ALTER TABLE shop.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY y ON shop.t USING (a > 0);
	CREATE TABLE before AS SELECT cmig.schema_sql('{shop}') AS sql;
	CREATE TABLE done (n int);
	CREATE FUNCTION standing() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(n, ' ' ORDER BY n) FROM (
		SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('v', 'm')
		UNION ALL SELECT polname FROM pg_policy UNION ALL SELECT tgname FROM pg_trigger WHERE tgfoid = 'shop.f'::regproc
		UNION ALL SELECT 'default' FROM pg_attrdef WHERE adrelid = 'shop.t'::regclass UNION ALL SELECT 'forced' FROM pg_class WHERE relforcerowsecurity) o(n) $$;
	CREATE PROCEDURE watch(expected text) LANGUAGE plpgsql AS $$ BEGIN
		WHILE NOT EXISTS (SELECT FROM done) LOOP
			IF standing() IS DISTINCT FROM expected THEN
				RAISE 'only % stand', standing();
			END IF;
			COMMIT;
		END LOOP; END $$;
	INSERT INTO cmig.revision (revision, transactional, upgrade_sql, downgrade_sql)
	SELECT '01', false, string_agg(upgrade_sql, E';\nSELECT pg_sleep(0.1);\n' ORDER BY step), string_agg(downgrade_sql, E';\nSELECT pg_sleep(0.1);\n' ORDER BY step DESC)
	FROM cmig.diff((SELECT replace(sql, 'a integer', 'a bigint') FROM before) || ';
		CREATE INDEX t_p ON shop.t (p); ALTER TABLE shop.t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES shop.p', '{shop}', concurrently => true); });
my $standing = $node->safe_psql('standing', 'SELECT standing()');
is($standing, 'default forced g mv v y', 'what stands before');
$first = start_psql($node, 'standing', "CALL watch('$standing')", 'watch');
$node->poll_query_until('standing', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'watch' AND state = 'active'") or die;
$node->safe_psql('standing', 'CALL cmig.upgrade_stepwise()');
is($node->safe_psql('standing', "SELECT count(*) FROM pg_attribute WHERE attrelid = 'shop.t'::regclass AND attname = 'a' AND atttypid = 'bigint'::regtype"), '1', 'the upgrade has changed the table');
$node->safe_psql('standing', "CALL cmig.downgrade_stepwise('base')");
$node->safe_psql('standing', 'INSERT INTO done VALUES (1)');
is(finish_psql($first), 0, 'nothing is absent for another session in a stepwise run') or diag $first->{err};
is($node->safe_psql('standing', "SELECT cmig.schema_sql('{shop}') = sql FROM before"), 't', 'the downgrade restores the schema');

$node->stop;
done_testing();
