# Copyright (c) 2026, the pg_cmig developers

# Tests that cmig.dry_run leaves nothing behind.  Random plans succeed, fail, are
# canceled, or are killed with kill -9.  The output of pg_dump -s, the rows, the files
# of all relations, and the session's state must be the same before and after.
#
# CMIG_DRY_RUNS is the number of plans (25), and CMIG_SEED is the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $runs = $ENV{CMIG_DRY_RUNS} || 25;
my $seed = $ENV{CMIG_SEED} // 20261121;
srand($seed);
note("CMIG_SEED=$seed");

my $node = new_node('dry', 'autovacuum = off', 'wal_level = logical', 'restart_after_crash = on',
	'max_prepared_transactions = 2');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE other_owner; CREATE EXTENSION pg_cmig');
$node->safe_psql('postgres', slurp_file("$CmigNode::top/t/data/locks/schema.sql"));

# Values that nextval() has returned are not restored.
my @statements = grep { $_ ne '' && !/nextval/ } split /\n/, slurp_file("$CmigNode::top/t/data/locks/statements.sql");
push @statements, (
	'UPDATE account SET n = n + 1', 'DELETE FROM line', 'DELETE FROM account WHERE id > 50',
	'INSERT INTO invoice (id) SELECT generate_series(1, 500)', 'TRUNCATE account CASCADE',
	'ALTER TABLE nothing ADD x int', 'SELECT 1 / 0', 'nonsense', 'SELECT setval(\'counter\', 100)',
	'COPY account TO \'/nonexistent/x\'', 'SET search_path = app, public', 'SET LOCAL work_mem = \'1MB\'',
	'RESET ALL', 'LISTEN something', 'NOTIFY something', 'SELECT pg_advisory_lock(5)',
	'SELECT pg_advisory_xact_lock(6)', 'DECLARE c CURSOR WITH HOLD FOR SELECT * FROM account',
	'DECLARE d CURSOR FOR SELECT * FROM account', 'PREPARE p AS SELECT * FROM account', 'DISCARD PLANS',
	'DISCARD TEMP', 'DISCARD SEQUENCES', 'CREATE TEMP TABLE scratch AS SELECT * FROM account',
	'SET CONSTRAINTS ALL DEFERRED', 'SET ROLE other_owner', 'DO $$BEGIN COMMIT; END$$',
	'DO $$BEGIN DELETE FROM account; EXCEPTION WHEN OTHERS THEN NULL; END$$',
	'DO $$BEGIN DROP TABLE plain; RAISE EXCEPTION \'no\'; EXCEPTION WHEN OTHERS THEN NULL; END$$',
	'SELECT * FROM cmig.upgrade()', 'DELETE FROM cmig.version', 'DELETE FROM cmig.revision', 'DROP EXTENSION pg_cmig CASCADE',
	'CREATE INDEX CONCURRENTLY ON account (k)', 'VACUUM account', 'CALL cmig.backfill(\'account\', \'n = 1\')',
	'CREATE TABLE late (id int REFERENCES account DEFERRABLE INITIALLY DEFERRED); INSERT INTO late VALUES (-1)',
	'SELECT lo_create(4711)', 'COMMENT ON DATABASE postgres IS \'x\'', 'ALTER DATABASE postgres SET work_mem = \'1MB\'',
	'CREATE ROLE regress_made', 'ALTER ROLE other_owner SUPERUSER', 'BEGIN', 'COMMIT', 'ALTER SYSTEM SET work_mem = \'1MB\'',
	'CREATE TABLE copied AS SELECT * FROM account', 'EXPLAIN ANALYZE SELECT * FROM account', 'EXPLAIN (ANALYZE) UPDATE account SET n = 1',
	'CREATE MATERIALIZED VIEW copies AS SELECT * FROM account', 'CREATE PROCEDURE tidy() LANGUAGE sql AS \'SELECT 1\'; CALL tidy()',
	'CREATE DATABASE other', 'REINDEX TABLE event', 'SAVEPOINT x', 'PREPARE TRANSACTION \'x\'');

sub number { my ($low, $high) = @_; return $low + int(rand($high - $low + 1)) }
sub pick { return $_[ int(rand(@_)) ] }

# Returns the schema, the rows, and the files.
sub state_of
{
	my $dump = `pg_dump -s -d @{[$node->connstr('postgres')]} 2>&1`;
	my @tables = split /\n/, $node->safe_psql('postgres',
		q{SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND n.nspname <> 'pg_toast' AND (n.nspname, c.relname) <> ('cmig', 'revision') ORDER BY 1});
	my $rows = $node->safe_psql('postgres', join "\n", map { "SELECT \$\$$_\$\$, md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM $_ t;" } @tables);
	my $files = $node->safe_psql('postgres', q{SELECT oid, relname, relfilenode FROM pg_class WHERE oid >= 16384 ORDER BY 1});
	my $others = $node->safe_psql('postgres', q{SELECT rolname, rolsuper FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1;
		SELECT datname FROM pg_database ORDER BY 1; SELECT count(*) FROM pg_largeobject_metadata; SELECT count(*) FROM pg_db_role_setting;
		SELECT count(*) FROM pg_prepared_xacts; SELECT last_value, is_called FROM counter});

	$dump =~ s/^\\(un)?restrict .*$//mg;
	return "$dump\n$rows\n$files\n$others";
}

# Creates a random graph of revisions with random scripts.
sub make_revisions
{
	my @ids;

	$node->safe_psql('postgres', 'DELETE FROM cmig.revision');
	foreach my $i (1 .. number(1, 6))
	{
		my $parent = @ids && rand() < 0.8 ? "{" . pick(@ids) . "}" : '{}';
		my $sql = join ";\n", map { pick(@statements) } 1 .. number(1, 6);
		my $transactional = rand() < 0.7 ? 'true' : 'false';

		$node->safe_psql('postgres',
			"INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql) VALUES ('r$i', '$parent', $transactional, \$cmig\$$sql\$cmig\$)");
		push @ids, "r$i";
	}
}

# a query for the session's settings, cursors, prepared statements, and locks
my $session_state = <<'SQL';
SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY 1;
SELECT current_user, session_user;
SELECT name FROM pg_cursors ORDER BY 1;
SELECT name FROM pg_prepared_statements ORDER BY 1;
SELECT pg_listening_channels();
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory';
SELECT pg_my_temp_schema() <> 0 AND EXISTS (SELECT FROM pg_class WHERE relnamespace = pg_my_temp_schema());
SQL

my $before = state_of();
my $rows = PostgreSQL::Test::Utils::tempdir() . '/rows';

foreach my $run (1 .. $runs)
{
	my $arguments = pick(q{}, q{, concurrently => 'plain'}, q{, max_table_size => 10000}, q{, waiters => true});
	my $block = pick(1, 0) ? ('BEGIN; PREPARE kept AS SELECT 1; DECLARE kept CURSOR FOR SELECT 1;') : '';
	my ($out, $err);
	my $status;

	make_revisions();
	unlink $rows;
	$status = $node->psql('postgres', "SET client_min_messages = error; $block\n$session_state\n\\echo ---\n"
		  . "\\o $rows\nSELECT * FROM cmig.dry_run(target => 'heads'$arguments);\n\\o\n\\echo ---\n$session_state\n",
		stdout => \$out, stderr => \$err);
	my ($first, $last) = $out =~ /^(.*?)---\n.*---\n(.*)$/s;
	# a script's RESET ALL shows NOTICEs again
	ok($status == 0 && $err !~ /ERROR|FATAL|PANIC/, "run $run$arguments") or diag("$err\n" . $node->safe_psql('postgres', 'SELECT revision, down_revision, transactional, upgrade_sql FROM cmig.revision'));
	unlike(slurp_file($rows), qr/XX000/, "run $run: no internal error");
	is("$last\n", $first, "run $run: the session is as before");
	is(state_of(), $before, "run $run: the database is as before")
	  or diag($node->safe_psql('postgres', 'SELECT revision, down_revision, transactional, upgrade_sql FROM cmig.revision'));
}

# for an unfinished CONCURRENTLY statement, only small tables are tried
$node->safe_psql('postgres', "CREATE TABLE wide (id int PRIMARY KEY, x text, n int); ALTER TABLE wide ALTER x SET STORAGE PLAIN; INSERT INTO wide (id, x) SELECT g, repeat('x', 7900) FROM generate_series(1, 13000) g;"
	  . " DELETE FROM cmig.revision; INSERT INTO cmig.revision (revision, transactional, upgrade_sql) VALUES ('001', false,"
	  . " 'CREATE INDEX CONCURRENTLY ON wide (n); CALL cmig.backfill(''wide'', ''n = 1''); CREATE INDEX CONCURRENTLY ON plain (id)')");
{
	my $limit = "not tried: public.wide has a size of 102 MB, more than 100 MB, which is the limit without CONCURRENTLY unless max_table_size is set";
	my $errors = 'SELECT statement, coalesce(error, \'ran\') FROM cmig.dry_run(concurrently => \'plain\'';
	is($node->safe_psql('postgres', "$errors)"), "1|$limit\n2|$limit\n3|ran", 'plain: large tables are not tried');
	is($node->safe_psql('postgres', "$errors, max_table_size => pg_size_bytes('1 GB'))"), "1|ran\n2|ran\n3|ran", 'plain: with a larger limit they are');
}
$node->safe_psql('postgres', 'DROP TABLE wide; DELETE FROM cmig.revision');

# a writer waits for a lock that the current statement or an earlier one has taken
$node->safe_psql('postgres', "DELETE FROM cmig.revision; INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001',"
	  . " 'DO \$\$BEGIN LOCK TABLE plain IN SHARE MODE; WHILE NOT EXISTS (SELECT FROM pg_locks WHERE relation = ''plain''::regclass AND NOT granted) LOOP PERFORM pg_sleep(0.05); END LOOP; PERFORM pg_sleep(0.3); END\$\$; SELECT pg_sleep(1); SELECT 1')");
{
	my $session = start_psql($node, 'postgres', "SET cmig.dry_run_timeout = 0; SELECT statement, regexp_replace(locks, '[0-9]+ (bytes|kB)', 'size') FROM cmig.dry_run(waiters => true);", 'dry');
	my $writer;

	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE application_name = 'dry' AND relation = 'plain'::regclass");
	$writer = start_psql($node, 'postgres', 'BEGIN; UPDATE plain SET id = 1; ROLLBACK', 'writer');
	is(finish_psql($session), 0, 'a dry run while another session writes');
	is(finish_psql($writer), 0, 'the writer goes on afterwards');
	my ($first) = $session->{out} =~ /1\|SHARE on public\.plain, size, others waited (\d+) ms/;
	my ($second) = $session->{out} =~ /2\|held since an earlier statement: public\.plain, others waited (\d+) ms/;
	ok(defined $first && defined $second && $second > $first, "it shows the waits") or diag($session->{out} . $session->{err});
}

# the dry run is canceled, terminated, or killed
$node->safe_psql('postgres', "DELETE FROM cmig.revision; INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001',"
	  . " 'ALTER TABLE account ALTER n TYPE bigint; CREATE TABLE new_table AS SELECT * FROM account; UPDATE plain SET what = ''x''; DROP TABLE line; SELECT pg_sleep(1000)')");
foreach my $how ('cancel', 'terminate', 'kill -9')
{
	my $session = start_psql($node, 'postgres', "SELECT * FROM cmig.dry_run();", 'dry');
	my $pid;

	foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		$pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'dry' AND wait_event = 'PgSleep'");
		last if $pid ne '';
		select undef, undef, undef, 0.1;
	}
	if ($how eq 'kill -9')
	{
		kill_backend($pid);
	}
	else
	{
		$node->safe_psql('postgres', "SELECT pg_${how}_backend($pid)");
	}
	isnt(finish_psql($session), 0, "$how: the call fails");
	like($session->{err}, qr/57014: canceling statement due to user request/, 'a cancellation is an error, not a row') if $how eq 'cancel';
	wait_for_recovery($node) if $how eq 'kill -9';
	is(state_of(), $before, "$how: the database is as before");
}

# a function in PL/Perl whose name is that of the server's table of locks
SKIP:
{
	skip 'PL/Perl is not installed', 1
	  if $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'plperl'") eq '0';
	$node->safe_psql('postgres', q{DELETE FROM cmig.revision;
		CREATE EXTENSION plperl;
		CREATE FUNCTION "LOCALLOCK hash"() RETURNS integer LANGUAGE plperl AS 'return 1';
		INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', 'SELECT "LOCALLOCK hash"(); LOCK TABLE account')});
	is($node->safe_psql('postgres', q{SELECT statement, regexp_replace(locks, ',.*', '') FROM cmig.dry_run()}),
		"1|\n2|ACCESS EXCLUSIVE on public.account", 'the function is not taken for the table of locks');
}

$node->stop;
done_testing();
