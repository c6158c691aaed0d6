# Copyright (c) 2026, the pg_cmig developers

# Tests runs that reach a limit: too many locks, too long a total of lock waits, a
# snapshot that is too old, and a stepwise run in progress.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_node('limits', 'max_connections = 10', 'max_locks_per_transaction = 30',
	'max_worker_processes = 0', 'autovacuum = off', 'shared_buffers = 16MB', 'max_prepared_transactions = 1');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE app');
$node->safe_psql('app', 'CREATE EXTENSION pg_cmig');

#
# Too many locks: one transaction fails, many transactions succeed
#
query($node, 'app', load_sql(map {
	my $n = $_;
	revision_file("t$n", $n == 1 ? '' : 't' . ($n - 1),
		join("\n", map { "CREATE TABLE t${n}_$_ (id int PRIMARY KEY);" } (1 .. 20)),
		join("\n", map { "DROP TABLE t${n}_$_;" } (1 .. 20)))
} (1 .. 60)));
fails_with($node, 'app', q{SELECT cmig.upgrade('head')}, '53200',
	'out of shared memory.*HINT:  A transaction holds a lock.*max_locks_per_transaction.*CALL cmig\.upgrade_stepwise.*'
	  . 'CONTEXT:.*pg_cmig: upgrade of t\d+, statement \d+, line \d+',
	'too many tables for one transaction: 53200, and the hint names the setting and the procedure');
is(query($node, 'app', q{SELECT count(*) FROM pg_tables WHERE schemaname = 'public'}), '0', 'nothing of that run remains');
is(query($node, 'app', q{CALL cmig.upgrade_stepwise('head'); SELECT revision FROM cmig.current()}), 't60',
	'the stepwise run succeeds');
fails_with($node, 'app', q{SELECT cmig.downgrade('base')}, '53200', 'CALL cmig\.downgrade_stepwise',
	'a downgrade: the same error, and the hint names its procedure');
is(query($node, 'app', q{CALL cmig.downgrade_stepwise('base'); SELECT count(*) FROM cmig.version}), '0',
	'the stepwise downgrade succeeds');
query($node, 'app', load_sql(revision_file('all', '',
	q{DO $$ BEGIN FOR i IN 1 .. 1500 LOOP EXECUTE format('CREATE TABLE u_%s (id int PRIMARY KEY)', i); END LOOP; END $$;}, '')));
fails_with($node, 'app', q{CALL cmig.upgrade_stepwise('all')}, '53200',
	'HINT:  A transaction holds a lock on each table that it uses, and this revision runs in a single transaction\. Raise max_locks_per_transaction, divide the revision into several',
	'too many for one step: the hint does not suggest a stepwise run');

#
# Too many locks for the rehearsal of a diff, which is then left out: it copies the tables that the
# target, which needs no lock, does not have
#
my ($told, $failed) = (0, 0);

$node->safe_psql('postgres', 'CREATE DATABASE many');
$node->safe_psql('many', 'CREATE EXTENSION pg_cmig');
for (my $n = 0; $n < 1500 && !$told && !$failed; $n += 50)
{
	my $err;

	$node->safe_psql('many', "SELECT format('CREATE TABLE n_%s (id int PRIMARY KEY)', $n + i) FROM generate_series(1, 50) i \\gexec");
	$failed = $node->psql('many', q{SELECT count(*) FROM cmig.diff('')}, stderr => \$err) != 0;
	$told = $err =~ /NOTICE:  .*the statements were not rehearsed: out of shared memory\n.*HINT:  .*max_locks_per_transaction/s;
}
ok(!$failed && $told, 'too many locks for the rehearsal of a diff: it is left out');

#
# cmig.lock_timeout is the sum of a run's lock waits
#
$node->safe_psql('postgres', 'CREATE DATABASE waits');
$node->safe_psql('waits', 'CREATE EXTENSION pg_cmig; CREATE TABLE a (); CREATE TABLE b (); CREATE TABLE c ()');
query($node, 'waits', load_sql(
	revision_file('001', '', "CREATE TABLE made ();\nLOCK a;\nLOCK b;", ''),
	revision_file('002', '001', 'LOCK c;', '')));

# run_waits(TIMEOUT): the run waits 0.5 s for each of three tables
sub run_waits
{
	my ($timeout) = @_;
	my @holders = map { $node->background_psql('waits') } (1 .. 3);
	my $run;

	foreach my $i (0 .. 2)
	{
		$holders[$i]->query_safe('BEGIN; LOCK ' . ('a' .. 'c')[$i]);
	}
	$run = start_psql($node, 'waits', "SET cmig.lock_timeout = '$timeout'; SELECT count(*) FROM cmig.upgrade();");
	foreach my $i (0 .. 2)
	{
		my $table = ('a' .. 'c')[$i];

		last unless $node->poll_query_until('waits',
			"SELECT EXISTS (SELECT FROM pg_locks WHERE relation = '$table'::regclass AND NOT granted) OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'run')");
		usleep(500_000);
		$holders[$i]->query_safe('COMMIT');
	}
	finish_psql($run);
	$_->quit foreach @holders;
	return $run;
}

my $run = run_waits('1s');
like($run->{err},
	qr/ERROR:  55P03: canceling statement due to cmig\.lock_timeout\nDETAIL:  The run has waited for locks for more than 1000 ms in total, most recently for AccessExclusiveLock on relation public\.[abc]\.\nBlocked by process \d+ of role "[^"]+" \(application "[^"]+"\); its transaction has been open for [\d.]+ seconds, idle since its last query: .*LOCK [bc]\b.*\nHINT:  .*pg_terminate_backend\(\d+\)/,
	'three waits of half a second exceed the limit of one second');
is(query($node, 'waits', q{SELECT to_regclass('made') IS NULL}), 't', 'nothing of that run remains');
$run = run_waits('60s');
is($run->{out}, '2', 'with more patience it comes through') or diag($run->{err});
is(query($node, 'waits', q{SELECT string_agg(revision, ' ') FROM cmig.version}), '002', 'the database is at head');

#
# A snapshot that is older than another run's commit
#
foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	my $old = $node->background_psql('waits', on_error_stop => 0);

	foreach my $call (q{cmig.upgrade('head')}, q{cmig.downgrade('-1')}, q{cmig.stamp('001')},
		q{cmig.load('-- revision: 009')}, q{cmig.create_revision('x', '')}, q{cmig.reset('waits')})
	{
		$old->query("BEGIN ISOLATION LEVEL $level; SELECT 1");
		query($node, 'waits', q{SELECT cmig.stamp('base'); SELECT cmig.stamp('head')});
		$old->query("\\set VERBOSITY sqlstate\nSELECT $call");
		like($old->{stderr}, qr/ERROR:  40001/, "$level: $call is 40001");
		$old->{stderr} = '';
		$old->query('ROLLBACK');
	}
	$old->quit;
}

#
# No function waits for a stepwise run
#
query($node, 'waits', load_sql(revision_file('003', '002', 'LOCK c;', '')));
my $holder = $node->background_psql('waits');
$holder->query_safe('BEGIN; LOCK c');
$run = start_psql($node, 'waits', q{CALL cmig.upgrade_stepwise('head');});
wait_until_blocked($node);
foreach my $call (q{cmig.upgrade('head')}, q{cmig.downgrade('-1')}, q{cmig.stamp('001')}, q{cmig.load('-- revision: 009')})
{
	fails_with($node, 'waits', "SELECT $call", '55P03',
		'another run of pg_cmig is in progress in this database.*DETAIL:  Blocked by process \d+.*HINT:  The other run is a stepwise run',
		"during a stepwise run: $call");
}
is(query($node, 'waits', 'SELECT revision FROM cmig.current()'), '002', 'reading is possible in the meantime');
$holder->query_safe('COMMIT');
is(finish_psql($run), 0, 'the stepwise run comes to its end') or diag($run->{err});
$holder->quit;

#
# A prepared transaction holds the run lock, even after a restart.  By then, the process
# ID of its backend may belong to another session, so the error must not name it.
#
query($node, 'waits', q{BEGIN; SELECT cmig.stamp('base'); PREPARE TRANSACTION 'held'});
foreach my $when ('prepared', 'prepared before a restart')
{
	fails_with($node, 'waits', q{SET lock_timeout = '100ms'; SELECT cmig.upgrade('head')}, '55P03',
		'Blocked by prepared transaction \d+\.\nHINT:  To get the statement that ends it: SELECT transaction, format\(.ROLLBACK PREPARED %L., gid\) FROM pg_prepared_xacts',
		"$when: the error names the prepared transaction and how to end it");
	like(query($node, 'waits', q{SELECT value, hint FROM cmig.status() WHERE item IN ('running', 'running since', 'waits for')}),
		qr/\Aprepared transaction (\d+)\|SELECT \* FROM pg_prepared_xacts WHERE transaction = '\1' [^\n]*\z/, "$when: so does cmig.status");
	$node->restart;
}
query($node, 'waits', q{ROLLBACK PREPARED 'held'});

#
# A statement can name any number of tables, and lint ends when it is canceled
#
query($node, 'app', q{CREATE TABLE lint_times (name text, at timestamptz)});
$node->psql('app', <<'END_SQL', on_error_stop => 0);
INSERT INTO lint_times VALUES ('begin', clock_timestamp());
SELECT count(*) FROM cmig.lint_sql('DROP TABLE ' || repeat('a,', 60000) || 'a');
INSERT INTO lint_times VALUES ('whole', clock_timestamp());
SET statement_timeout = '20ms';
SELECT count(*) FROM cmig.lint_sql('DROP TABLE ' || repeat('a,', 60000) || 'a');
SET statement_timeout = 0;
INSERT INTO lint_times VALUES ('canceled', clock_timestamp());
END_SQL
is(query($node, 'app', <<'END_SQL'), 't', 'lint of a statement with many names is canceled in less than half the time');
SELECT (SELECT at FROM lint_times WHERE name = 'canceled') - (SELECT at FROM lint_times WHERE name = 'whole')
	< ((SELECT at FROM lint_times WHERE name = 'whole') - (SELECT at FROM lint_times WHERE name = 'begin')) / 2
END_SQL

# lists of schemas and of columns may be long, too; the other query takes a second
query($node, 'app', q{TRUNCATE lint_times});
$node->psql('app', <<'END_SQL', on_error_stop => 0);
INSERT INTO lint_times VALUES ('begin', clock_timestamp());
SELECT cmig.schema_sql(ARRAY(SELECT 'x' || i FROM generate_series(1, 20000) i));
INSERT INTO lint_times VALUES ('schemas', clock_timestamp());
SELECT cmig.enable_audit('lint_times', exclude => ARRAY(SELECT 'x' || i FROM generate_series(1, 20000) i));
INSERT INTO lint_times VALUES ('columns', clock_timestamp());
SELECT count(*) FROM generate_series(1, 20000) a, generate_series(1, 500) b;
INSERT INTO lint_times VALUES ('rows', clock_timestamp());
END_SQL
foreach my $pair ([ 'schemas', 'begin' ], [ 'columns', 'schemas' ])
{
	is(query($node, 'app', <<"END_SQL"), 't', "a list of many $pair->[0] is read in linear time");
SELECT (SELECT at FROM lint_times WHERE name = '$pair->[0]') - (SELECT at FROM lint_times WHERE name = '$pair->[1]')
	< (SELECT at FROM lint_times WHERE name = 'rows') - (SELECT at FROM lint_times WHERE name = 'columns')
END_SQL
}

# rls_check and the report of eight times as many tables take eight times as long, not 64 times: no query looks
# through all tables for each table
query($node, 'postgres', 'CREATE ROLE limited; CREATE DATABASE many_tables');
query($node, 'many_tables', 'CREATE EXTENSION pg_cmig; CREATE TABLE took (tables int, what text, s numeric)');
foreach my $tables (60, 480)
{
	query($node, 'many_tables', <<"END_SQL");
SELECT format('CREATE TABLE t%1\$s (id int PRIMARY KEY, tenant_id int);
	ALTER TABLE t%1\$s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY p ON t%1\$s TO limited USING (tenant_id = nullif(current_setting(''app.t'', true), '''')::int);
	GRANT SELECT ON t%1\$s TO limited', n)
FROM generate_series(1, $tables) n WHERE to_regclass('t' || n) IS NULL \\gexec
ANALYZE;
END_SQL
	query($node, 'many_tables', <<"END_SQL") for 1 .. 2;
DO \$\$
DECLARE
	began timestamptz := clock_timestamp();
BEGIN
	PERFORM count(*) FROM cmig.rls_check();
	INSERT INTO took SELECT $tables, 'rls_check', extract(epoch FROM clock_timestamp() - began);
	began := clock_timestamp();
	PERFORM length(cmig.report());
	INSERT INTO took SELECT $tables, 'report', extract(epoch FROM clock_timestamp() - began);
END
\$\$;
END_SQL
}
is(query($node, 'many_tables', <<'END_SQL'), "report|t\nrls_check|t", 'rls_check and the report take linear time') or diag(query($node, 'many_tables', 'TABLE took'));
SELECT what, max(s) < 24 * min(s) FROM (SELECT what, min(s) AS s FROM took GROUP BY what, tables) t GROUP BY what ORDER BY what
END_SQL

# A call that adds many rows to its result ends when it is canceled: it has written less than all of them
$node->safe_psql('postgres', 'CREATE DATABASE rows');
query($node, 'rows', q{CREATE EXTENSION pg_cmig; CREATE TABLE widened (id int); SELECT cmig.create_revision('w', 'ALTER TABLE widened ADD v int', NULL, revision => 'w')});
my $rows = q{SET work_mem = '64kB'; SET log_temp_files = 0; SELECT count(*) FROM cmig.workload_check(queries => array_fill('SELECT 1'::text, ARRAY[100000]))};
query($node, 'rows', $rows);
my $canceled = start_psql($node, 'rows', $rows, 'rows');
query($node, 'rows', q{DO $$BEGIN
	WHILE NOT EXISTS (SELECT FROM pg_ls_tmpdir() WHERE size > 100000) LOOP PERFORM pg_sleep(0.01); END LOOP;
	PERFORM pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'rows';
END$$});
finish_psql($canceled);
like($canceled->{err}, qr/canceling statement due to user request/, 'a call is canceled');
my @written = slurp_file($node->logfile) =~ /LOG:  temporary file: .* size (\d{6,})/g;
cmp_ok($written[-1], '<', $written[0] * 0.9, 'while it adds rows') or diag("@written");

$node->stop;
done_testing();
