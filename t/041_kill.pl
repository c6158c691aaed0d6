# Copyright (c) 2026, the pg_cmig developers

# Interrupts a stepwise upgrade or downgrade at a random point, with
# pg_terminate_backend, with kill -9, or with an immediate restart of the server.  The
# journal, the version rows, cmig.progress, cmig.backfill_run, and cmig.status() must
# then agree with the objects and rows that exist.  Repeating the call must result in
# the same schema and data as an undisturbed run.  Only a DO or CALL that commits by
# itself may prevent this, with MG012.
#
# CMIG_KILL_POINTS is the number of points (10; 1,000 in scripts/soak), and CMIG_SEED
# is the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $points = $ENV{CMIG_KILL_POINTS} || 10;
my $seed = $ENV{CMIG_SEED} // 20260101;
srand($seed);
note("CMIG_SEED=$seed");

my $node = new_node('kill', 'max_connections = 20', 'restart_after_crash = on',
	'autovacuum = off', 'max_wal_size = 2GB', 'allow_in_place_tablespaces = on');
$node->start;

sub steps_file
{
	my $text = revision_file(@_);

	$text =~ s/\n\n-- cmig:upgrade/\n-- transactional: false\n\n-- cmig:upgrade/;
	return $text;
}

my @files = (
	revision_file('001', '', q{
CREATE TABLE item (id int PRIMARY KEY, name text, n int NOT NULL DEFAULT 0, m int, owner int);
INSERT INTO item SELECT g, 'name ' || g FROM generate_series(1, 20000) g;
CREATE TABLE owner (id int PRIMARY KEY);
INSERT INTO owner SELECT generate_series(1, 100);
CREATE TABLE trace (what text);
CREATE TABLE part (k int, v int) PARTITION BY RANGE (k);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (1000);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (1000) TO (5000);
INSERT INTO part SELECT g, g FROM generate_series(0, 4999) g;
CREATE MATERIALIZED VIEW names AS SELECT name FROM item;
CREATE UNIQUE INDEX names_name ON names (name);
CREATE TYPE mood AS ENUM ('sad');}, ''),
	steps_file('002', '001', q{
CREATE INDEX CONCURRENTLY ON item (name);
INSERT INTO trace VALUES ('002 a');
CREATE UNIQUE INDEX CONCURRENTLY item_lower ON item (lower(name), id) WHERE id > 5;
SET search_path = public;
REINDEX TABLE CONCURRENTLY item;
INSERT INTO trace VALUES ('002 b');
VACUUM item;
DROP INDEX CONCURRENTLY item_name_idx;}, q{
CREATE INDEX CONCURRENTLY item_name_idx ON item (name);
INSERT INTO trace VALUES ('down 002 a');
REINDEX INDEX CONCURRENTLY item_lower;
DROP INDEX CONCURRENTLY item_lower;
DROP INDEX CONCURRENTLY item_name_idx;
INSERT INTO trace VALUES ('down 002 b');}),
	steps_file('003', '002', q{
ALTER TYPE mood ADD VALUE 'happy';
INSERT INTO trace VALUES ('003 ' || 'happy'::mood);
ALTER TABLE part DETACH PARTITION part_2 CONCURRENTLY;
DO $$ BEGIN
	FOR i IN 1..4 LOOP
		UPDATE item SET m = i WHERE id > (i - 1) * 5000 AND id <= i * 5000;
		COMMIT;
	END LOOP;
END $$;
INSERT INTO trace VALUES ('003 b');
DO $$ BEGIN INSERT INTO trace VALUES ('003 c'); END $$;
REFRESH MATERIALIZED VIEW CONCURRENTLY names;
CLUSTER item USING item_pkey;
ANALYZE item;}, q{
REFRESH MATERIALIZED VIEW CONCURRENTLY names;
DO $$ BEGIN
	FOR i IN 1..4 LOOP
		UPDATE item SET m = NULL WHERE id > (i - 1) * 5000 AND id <= i * 5000;
		COMMIT;
	END LOOP;
END $$;
INSERT INTO trace VALUES ('down 003 a');
ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM (1000) TO (5000);
VACUUM (ANALYZE) item;
DO $$ BEGIN INSERT INTO trace VALUES ('down 003 b'); END $$;}),
	revision_file('004', '003', q{ALTER TABLE item ADD COLUMN extra text; INSERT INTO trace VALUES ('004');},
		q{ALTER TABLE item DROP COLUMN extra; INSERT INTO trace VALUES ('down 004');}),
	steps_file('005', '004', q{
CALL cmig.backfill('item', 'n = n + 1', batch_size => 1500);
CALL cmig.backfill('item', 'extra = upper(name)', 'extra IS NULL', 1500);
CALL cmig.backfill('item', 'n = n + 1', batch_size => 2500);
UPDATE item SET owner = 1 + id % 100;
CALL cmig.add_not_null('item', 'extra');
CALL cmig.add_check('item', 'item_n', 'n > 0');
CALL cmig.add_foreign_key('item', '{owner}', 'owner');
CALL cmig.add_unique('item', '{extra}');
INSERT INTO trace VALUES ('005');}, q{
INSERT INTO trace VALUES ('down 005 a');
ALTER TABLE item DROP CONSTRAINT item_extra_key;
ALTER TABLE item DROP CONSTRAINT item_owner_fkey;
ALTER TABLE item DROP CONSTRAINT item_n, ALTER extra DROP NOT NULL;
CALL cmig.backfill('item', 'n = n - 1', batch_size => 1500);
CALL cmig.backfill('item', 'extra = NULL', 'extra IS NOT NULL', 1500);
CALL cmig.backfill('item', 'n = n - 1', batch_size => 2500);
INSERT INTO trace VALUES ('down 005 b');}),
	revision_file('006', '005', q{CREATE INDEX item_m ON item (m); INSERT INTO trace VALUES ('006');},
		q{DROP INDEX item_m; INSERT INTO trace VALUES ('down 006');}),
	steps_file('007', '006', q{
VACUUM (FULL, ANALYZE) owner;
REINDEX SCHEMA CONCURRENTLY public;
CREATE DATABASE kill_made;
INSERT INTO trace VALUES ('007 a');
DROP DATABASE kill_made;
ALTER SYSTEM SET cmig.lock_retries = 9;
ALTER SYSTEM RESET cmig.lock_retries;
CREATE TABLESPACE kill_space LOCATION '';
DROP TABLESPACE kill_space;
INSERT INTO trace VALUES ('007 b');}, q{INSERT INTO trace VALUES ('down 007');}));
$files[4] =~ s/(-- cmig:downgrade)/-- cmig:verify\nSELECT count(*) = 20000 FROM item WHERE n = 2 AND extra = upper(name);\n$1/;

$node->safe_psql('postgres', 'CREATE DATABASE base');
$node->safe_psql('base', 'CREATE EXTENSION pg_cmig');
query($node, 'base', load_sql(@files));

# The traces that statements leave: direction, revision, statement (0: the whole
# script, which is one transaction), text of the trace.
my $marks = join ', ', map { "('$_->[0]', '$_->[1]', $_->[2], '$_->[3]')" } (
	[ 'upgrade', '002', 2, '002 a' ], [ 'upgrade', '002', 6, '002 b' ], [ 'upgrade', '003', 2, '003 happy' ],
	[ 'upgrade', '003', 5, '003 b' ], [ 'upgrade', '003', 6, '003 c' ], [ 'upgrade', '004', 0, '004' ],
	[ 'upgrade', '005', 9, '005' ], [ 'upgrade', '006', 0, '006' ], [ 'upgrade', '007', 4, '007 a' ],
	[ 'upgrade', '007', 10, '007 b' ], [ 'downgrade', '007', 1, 'down 007' ], [ 'downgrade', '006', 0, 'down 006' ],
	[ 'downgrade', '005', 1, 'down 005 a' ], [ 'downgrade', '005', 8, 'down 005 b' ], [ 'downgrade', '004', 0, 'down 004' ],
	[ 'downgrade', '003', 3, 'down 003 a' ], [ 'downgrade', '003', 6, 'down 003 b' ], [ 'downgrade', '002', 2, 'down 002 a' ],
	[ 'downgrade', '002', 6, 'down 002 b' ]);

# Returns the rows of pg_cmig's tables that do not agree with the traces of an
# interrupted run.
sub untrue
{
	my ($db) = @_;
	my $made = query($node, $db, q{SELECT to_regclass('trace') IS NOT NULL});
	my $wrong = query($node, $db, q{
WITH last AS (SELECT revision, direction FROM cmig.journal WHERE outcome = 'done' ORDER BY id DESC LIMIT 1),
place AS (SELECT CASE WHEN direction = 'upgrade' THEN l.revision ELSE down_revision[1] END AS revision
	FROM last l JOIN cmig.revision r USING (revision)),
said AS (SELECT item FROM cmig.status() WHERE item IN ('running', 'interrupted', 'failed', 'partially applied')),
undone AS (SELECT outcome FROM cmig.journal j WHERE outcome <> 'done'
	AND id = (SELECT max(id) FROM cmig.journal))
SELECT 'version rows' WHERE (SELECT string_agg(revision, ' ') FROM cmig.version) IS DISTINCT FROM (SELECT revision FROM place)
UNION ALL SELECT 'two running' WHERE (SELECT count(*) > 1 FROM cmig.journal WHERE outcome = 'running')
UNION ALL SELECT 'status: ' || item FROM said WHERE item = 'running'
UNION ALL SELECT 'status: interrupted' WHERE EXISTS (SELECT FROM said WHERE item = 'interrupted') <> EXISTS (SELECT FROM undone WHERE outcome = 'running')
UNION ALL SELECT 'status: failed' WHERE EXISTS (SELECT FROM said WHERE item = 'failed') <> EXISTS (SELECT FROM undone WHERE outcome = 'failed')
UNION ALL SELECT 'status: partially applied' WHERE EXISTS (SELECT FROM said WHERE item = 'partially applied') <> EXISTS (SELECT FROM cmig.progress)
UNION ALL SELECT 'locks' WHERE EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')});

	if ($made eq 't')
	{
		$wrong .= query($node, $db, qq{
SELECT 'progress: ' || what FROM (VALUES $marks) m(direction, revision, statement, what)
WHERE (SELECT count(*) FROM trace t WHERE t.what = m.what) <> (
	EXISTS (SELECT FROM cmig.progress p WHERE p.revision = m.revision AND p.direction = m.direction
		AND p.statement = m.statement AND state = 'done')
	OR EXISTS (SELECT FROM cmig.journal j WHERE j.revision = m.revision AND j.direction = m.direction AND outcome = 'done'))::int
UNION ALL SELECT 'rows of backfills' WHERE (SELECT sum(n) FROM item) <> (SELECT coalesce(sum(CASE set_sql WHEN 'n = n + 1' THEN rows
	WHEN 'n = n - 1' THEN -rows END), 0) FROM cmig.backfill_run)});
	}
	$wrong .= query($node, $db, q{SELECT '001 left something' WHERE (to_regclass('item') IS NOT NULL)
		<> EXISTS (SELECT FROM cmig.journal WHERE revision = '001' AND outcome = 'done')});
	return $wrong;
}

# Returns everything that a run has created, as text.
sub picture
{
	my ($db) = @_;
	my ($dump, $err);

	IPC::Run::run([ 'pg_dump', '-s', '-n', 'public', '-d', $node->connstr($db) ], '<', \undef, '>', \$dump, '2>', \$err)
	  or die $err;
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	return $dump . query($node, $db, q{
SELECT what FROM trace ORDER BY what;
SELECT md5(string_agg(i::text, ',' ORDER BY id)) FROM item i;
SELECT count(*) FROM names;
SELECT relname, indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid OR relname ~ '_cc(new|old)';
SELECT inhrelid::regclass FROM pg_inherits WHERE inhdetachpending;
SELECT revision FROM cmig.version;
SELECT revision, state FROM cmig.progress;
SELECT revision, outcome FROM cmig.journal WHERE outcome IN ('running', 'done') ORDER BY id;
SELECT set_sql, state, rows FROM cmig.backfill_run ORDER BY id;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'});
}

# An undisturbed run in each direction: how long it takes, and its result.
my $start;
my %way = (
	up => { from => 'base', call => 'cmig.upgrade_stepwise(', doubt => 4 },
	down => { from => 'quiet_up', call => "cmig.downgrade_stepwise('001'", doubt => 2 });
foreach my $name (qw(up down))
{
	my $way = $way{$name};

	$node->safe_psql('postgres', "CREATE DATABASE quiet_$name TEMPLATE $way->{from} STRATEGY file_copy");
	$start = time();
	query($node, "quiet_$name", "CALL $way->{call})");
	$way->{duration} = time() - $start;
	$way->{quiet} = picture("quiet_$name");
	is(untrue("quiet_$name"), '', "$name: the catalog is correct");
}
like($way{up}{quiet}, qr/^003 happy$/m, 'an undisturbed run reaches head');
like($way{down}{quiet}, qr/^down 002 b$/m, 'another one reaches 001');

sub restart
{
	$node->stop('immediate', fail_ok => 1);
	$node->start;
}

my %count = (runs => 0, killed => 0, doubt => 0);
foreach my $i (1 .. $points)
{
	my $name = (qw(up down))[ $i % 3 == 0 ];
	my $way = $way{$name};
	my $db = "kill_$i";
	my $how = (qw(terminate kill restart))[ int(rand(3)) ];
	my @story = ($how);
	my $reached = 0;
	my $untrue = '';

	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS kill_made');
	# With the strategy wal_log, CREATE DATABASE copies the sequence in such a way that
	# it returns to the template's value if the server crashes before the next
	# checkpoint.
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE $way->{from} STRATEGY file_copy");
	my $call = "CALL $way->{call})";
	for my $attempt (1 .. 12)
	{
		my $killing = $attempt == 1 || ($attempt == 2 && rand() < 0.4);
		my $run = start_psql($node, $db, "SET client_min_messages = warning; $call", 'victim');
		$count{runs}++;
		if ($killing)
		{
			usleep(1e6 * rand($way->{duration} * ($attempt == 1 ? 1.05 : 0.6)));
			my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim' AND leader_pid IS NULL");
			if ($pid ne '')
			{
				$count{killed}++;
				if ($how eq 'terminate') { $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)") }
				elsif ($how eq 'kill') { kill_backend($pid) }
				else { restart() }
			}
			eval { finish_psql($run) };
			wait_for_recovery($node) if $how ne 'terminate';
			push @story, $run->{err} =~ /ERROR|FATAL|closed/ || $pid ne '' ? 'cut off' : 'too late';
			$untrue .= untrue($db);
			next;
		}
		my $status = eval { finish_psql($run) };
		if (defined $status && $status == 0)
		{
			$reached = 1;
			last;
		}
		push @story, $run->{err};
		if ($run->{err} =~ /ERROR:  MG012: statement $way->{doubt} of revision "003"/)
		{
			$count{doubt}++;
			$call = "CALL $way->{call}" . ($name eq 'down' ? ', ' : '') . "in_doubt => 'again')";
			next;
		}
		last;
	}
	my $picture = $reached ? picture($db) : '';
	# $untrue compares pg_cmig's tables with the traces, and $picture shows the result
	# of the whole run
	is($untrue, '', "kill point $i: what the catalog says is true") or diag("seed $seed, story: @story");
	ok($reached && $picture eq $way->{quiet}, "kill point $i, $name: the same as undisturbed")
	  or do
	{
		my %was = map { $_ => 1 } split /\n/, $way->{quiet};
		my %is = map { $_ => 1 } split /\n/, $picture;
		diag("seed $seed, story: @story");
		diag("- $_") for grep { !$is{$_} } sort keys %was;
		diag("+ $_") for grep { !$was{$_} } sort keys %is;
	};
	$node->safe_psql('postgres', "DROP DATABASE $db");
}
note(sprintf('%d kill points, %d runs, %d cut off, %d in doubt, undisturbed %.2f s up, %.2f s down',
	$points, $count{runs}, $count{killed}, $count{doubt}, $way{up}{duration}, $way{down}{duration}));

# tests that wrong rows would be found
query($node, 'quiet_up', q{INSERT INTO trace VALUES ('004'); UPDATE item SET n = n + 1 WHERE id = 7; DELETE FROM cmig.version;
INSERT INTO cmig.progress VALUES ('002', 'downgrade', 2, 'done')});
is(join(', ', split /\n/, untrue('quiet_up') =~ s/version rows/version rows\n/r), 'version rows, progress: 004, progress: down 002 a, rows of backfills', 'a wrong catalog is detected');

$node->stop;
done_testing();
