# A stepwise run is cut off at a random point, by pg_terminate_backend, by
# kill -9 of its backend or by an immediate restart of the server; CALL again
# reaches head with the schema and the data of a run that nobody disturbed.
# Only a DO or CALL that commits by itself may stop it, with MG012.
#
# CMIG_KILL_POINTS says how often (10; "make soak" says 200), CMIG_SEED which.

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
my $seed = $ENV{CMIG_SEED} || time();
srand($seed);
note("CMIG_SEED=$seed");

my $node = new_node('kill', 'max_connections = 20', 'restart_after_crash = on',
	'autovacuum = off', 'max_wal_size = 2GB');
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
DROP INDEX CONCURRENTLY item_name_idx;}, ''),
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
ANALYZE item;}, ''),
	revision_file('004', '003', q{ALTER TABLE item ADD COLUMN extra text; INSERT INTO trace VALUES ('004');}, ''),
	steps_file('005', '004', q{
CALL cmig.backfill('item', 'n = n + 1', batch_size => 1500);
CALL cmig.backfill('item', 'extra = upper(name)', 'extra IS NULL', 1500);
CALL cmig.backfill('item', 'n = n + 1', batch_size => 2500);
UPDATE item SET owner = 1 + id % 100;
CALL cmig.add_not_null('item', 'extra');
CALL cmig.add_check('item', 'item_n', 'n > 0');
CALL cmig.add_foreign_key('item', '{owner}', 'owner');
CALL cmig.add_unique('item', '{extra}');
INSERT INTO trace VALUES ('005');}, ''),
	revision_file('006', '005', q{CREATE INDEX item_m ON item (m); INSERT INTO trace VALUES ('006');}, ''));
$files[4] =~ s/(-- cmig:downgrade)/-- cmig:verify\nSELECT count(*) = 20000 FROM item WHERE n = 2 AND extra = upper(name);\n$1/;

$node->safe_psql('postgres', 'CREATE DATABASE base');
$node->safe_psql('base', 'CREATE EXTENSION pg_cmig');
query($node, 'base', load_sql(@files));

# What a run has made, as text.
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

my $start = time();
$node->safe_psql('postgres', 'CREATE DATABASE quiet TEMPLATE base');
$start = time();
query($node, 'quiet', 'CALL cmig.upgrade_stepwise()');
my $duration = time() - $start;
my $quiet = picture('quiet');
like($quiet, qr/^003 happy$/m, 'an undisturbed run reaches head');

sub restart
{
	$node->stop('immediate', fail_ok => 1);
	$node->start;
}

my %count = (runs => 0, killed => 0, doubt => 0);
foreach my $i (1 .. $points)
{
	my $db = "kill_$i";
	my $how = (qw(terminate kill restart))[ int(rand(3)) ];
	my @story = ($how);
	my $reached = 0;

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE base");
	my $call = 'CALL cmig.upgrade_stepwise()';
	for my $attempt (1 .. 12)
	{
		my $killing = $attempt == 1 || ($attempt == 2 && rand() < 0.4);
		my $run = start_psql($node, $db, "SET client_min_messages = warning; $call", 'victim');
		$count{runs}++;
		if ($killing)
		{
			usleep(1e6 * rand($duration * ($attempt == 1 ? 1.05 : 0.6)));
			my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim' AND leader_pid IS NULL");
			if ($pid ne '')
			{
				$count{killed}++;
				if ($how eq 'terminate') { $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)") }
				elsif ($how eq 'kill') { kill 9, $pid }
				else { restart() }
			}
			eval { finish_psql($run) };
			if ($how ne 'terminate')
			{
				$node->poll_query_until('postgres', 'SELECT true') or die 'no recovery';
			}
			push @story, $run->{err} =~ /ERROR|FATAL|closed/ || $pid ne '' ? 'cut off' : 'too late';
			next;
		}
		my $status = eval { finish_psql($run) };
		if (defined $status && $status == 0)
		{
			$reached = 1;
			last;
		}
		push @story, $run->{err};
		if ($run->{err} =~ /ERROR:  MG012: statement 4 of revision "003"/)
		{
			$count{doubt}++;
			$call = "CALL cmig.upgrade_stepwise(in_doubt => 'again')";
			next;
		}
		last;
	}
	my $picture = $reached ? picture($db) : '';
	# rows of a step that failed are no part of it
	ok($reached && $picture eq $quiet, "kill point $i: the same as undisturbed")
	  or do
	{
		my %was = map { $_ => 1 } split /\n/, $quiet;
		my %is = map { $_ => 1 } split /\n/, $picture;
		diag("seed $seed, story: @story");
		diag("- $_") for grep { !$is{$_} } sort keys %was;
		diag("+ $_") for grep { !$was{$_} } sort keys %is;
	};
	$node->safe_psql('postgres', "DROP DATABASE $db");
}
note(sprintf('%d kill points, %d runs, %d cut off, %d in doubt, undisturbed %.2f s',
	$points, $count{runs}, $count{killed}, $count{doubt}, $duration));

$node->stop;
done_testing();
