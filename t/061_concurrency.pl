# Copyright (c) 2026, the pg_cmig developers

# Tests random runs in eight sessions, which upgrade, downgrade, reset, stamp, run
# stepwise, and load, create, and remove revisions, while backends are terminated or
# killed with kill -9.  After each run, cmig.version, the journal, and the existing
# tables must show the same applied revisions in one snapshot, except for a revision
# that is partially applied according to cmig.progress.  When the last session has
# ended, nothing must be left behind.
#
# CMIG_RUNS is the number of runs (200; 10,000 in scripts/soak), and CMIG_SEED is the
# seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $sessions = 8;
my $runs = $ENV{CMIG_RUNS} || 200;
my $seed = $ENV{CMIG_SEED} // 20260101;
my $started = time();
srand($seed);
note("CMIG_SEED=$seed");

my $node = new_node('concurrency', 'max_connections = 30', 'restart_after_crash = on',
	'autovacuum = off', 'jit = off', 'max_wal_size = 2GB', 'deadlock_timeout = 100ms');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();

# Each revision creates a table with its name.  A nontransactional revision also
# creates an index, in a second statement.
sub revision
{
	my ($id, $parents, $stepwise) = @_;
	my $table = "made.t_$id";
	my $text = revision_file($id, $parents,
		$stepwise ? "CREATE TABLE $table (id int);\nCREATE INDEX CONCURRENTLY ON $table (id);\nINSERT INTO $table VALUES (1);\nVACUUM $table;"
		: "CREATE TABLE $table (id int);\nINSERT INTO $table VALUES (1);",
		$stepwise ? "VACUUM $table;\nDELETE FROM $table;\nDROP INDEX CONCURRENTLY IF EXISTS $table" . "_id_idx;\nDROP TABLE $table;" : "DROP TABLE $table;");

	$text =~ s/\n\n-- cmig:upgrade/\n-- transactional: false\n\n-- cmig:upgrade/ if $stepwise;
	return $text;
}

my @graph = ([ '001', '' ], [ '002', '001' ], [ '003a', '002', 1 ], [ '003b', '002' ], [ '004b', '003b' ],
	[ '005', '003a, 004b' ], [ '006', '005', 1 ], [ '007', '006' ]);
my @ids = map { $_->[0] } @graph;

query($node, 'postgres', <<'END_SQL' . load_sql(map { revision(@$_) } @graph));
CREATE EXTENSION pg_cmig;
CREATE SCHEMA made;
CREATE SCHEMA test;
CREATE VIEW test.by_version AS
WITH RECURSIVE applied AS (SELECT revision FROM cmig.version
	UNION SELECT unnest(down_revision) FROM applied JOIN cmig.revision r USING (revision))
SELECT revision FROM applied;
CREATE VIEW test.by_journal AS
SELECT revision FROM (SELECT DISTINCT ON (revision) * FROM cmig.journal
	WHERE outcome = 'done' AND direction <> 'repair' ORDER BY revision, id DESC) last
WHERE direction = 'upgrade' OR (direction = 'stamp' AND message IS DISTINCT FROM 'no longer recorded as applied');
CREATE VIEW test.by_schema AS
SELECT substr(relname, 3) AS revision FROM pg_class
WHERE relnamespace = 'made'::regnamespace AND relkind = 'r';
CREATE VIEW test.wrong AS
SELECT 'version, not journal: ' || revision AS what FROM (TABLE test.by_version EXCEPT TABLE test.by_journal) x
UNION ALL SELECT 'journal, not version: ' || revision FROM (TABLE test.by_journal EXCEPT TABLE test.by_version) x
UNION ALL SELECT 'version, not schema: ' || revision FROM (TABLE test.by_version EXCEPT TABLE test.by_schema EXCEPT SELECT revision FROM cmig.progress) x
UNION ALL SELECT 'schema, not version: ' || revision FROM (TABLE test.by_schema EXCEPT TABLE test.by_version EXCEPT SELECT revision FROM cmig.progress) x
UNION ALL SELECT 'no rule of heads: ' || v.revision FROM cmig.version v WHERE EXISTS (SELECT FROM test.by_version b JOIN cmig.revision r USING (revision) WHERE v.revision = ANY (r.down_revision))
UNION ALL SELECT 'two are partial: ' || string_agg(DISTINCT revision || ' ' || direction, ', ') FROM cmig.progress HAVING count(DISTINCT revision || direction) > 1
UNION ALL SELECT 'two are running' FROM cmig.journal WHERE outcome = 'running' HAVING count(*) > 1
UNION ALL SELECT 'a gap in the journal' FROM cmig.journal HAVING count(*) <> max(id) - min(id) + 1
UNION ALL SELECT 'no index: ' || relname FROM pg_class c WHERE relnamespace = 'made'::regnamespace AND relkind = 'r' AND relname ~ '003a|006'
	AND substr(relname, 3) IN (TABLE test.by_version) AND substr(relname, 3) NOT IN (SELECT revision FROM cmig.progress)
	AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisvalid);
-- after a stamp: the tables as the version rows say
CREATE FUNCTION test.follow() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	id text;
BEGIN
	FOR id IN TABLE test.by_version EXCEPT TABLE test.by_schema LOOP
		EXECUTE format('CREATE TABLE made.%I (id int)', 't_' || id);
	END LOOP;
	FOR id IN TABLE test.by_schema EXCEPT TABLE test.by_version LOOP
		EXECUTE format('DROP TABLE made.%I', 't_' || id);
	END LOOP;
	-- a partially applied revision may have its table, but not the index
	FOR id IN SELECT revision FROM test.by_version WHERE revision IN ('003a', '006')
		AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = ('made.t_' || revision)::regclass AND indisvalid) LOOP
		EXECUTE format('CREATE INDEX ON made.%I (id)', 't_' || id);
	END LOOP;
END $$;
END_SQL

sub one_of { return $_[ int(rand(@_)) ] }

# Returns a run: its name, and the psql commands.
my $made = 0;
sub a_run
{
	my $in_doubt = "in_doubt => 'again'";
	my $id = one_of(@ids);
	my $kind = int(rand(100));

	return ('upgrade', "SELECT count(*) FROM cmig.upgrade('" . one_of('heads', 'heads', '+1', $id) . "');") if $kind < 20;
	return ('downgrade', "SELECT count(*) FROM cmig.downgrade('" . one_of('base', '-1', $id) . "');") if $kind < 35;
	return ('upgrade_stepwise', "CALL cmig.upgrade_stepwise('" . one_of('heads', 'heads', '+1', $id) . "', $in_doubt);") if $kind < 55;
	return ('downgrade_stepwise', "CALL cmig.downgrade_stepwise('" . one_of('base', '-1', $id) . "', $in_doubt);") if $kind < 70;
	return ('reset', "SELECT count(*) FROM cmig.reset(current_database());") if $kind < 72;
	return ('reset_stepwise', "CALL cmig.reset_stepwise(current_database(), $in_doubt);") if $kind < 74;
	return ('stamp', "BEGIN; SELECT count(*) FROM cmig.stamp('" . one_of('heads', 'base', $id) . "'); SELECT test.follow(); COMMIT;") if $kind < 82;
	return ('in a block', "BEGIN; SELECT count(*) FROM cmig.upgrade('$id'); SELECT count(*) FROM cmig.downgrade('-1'); "
		  . one_of('COMMIT', 'ROLLBACK') . ';') if $kind < 87;
	if ($kind < 92)
	{
		# change the message, so that a row is written
		my $text = load_sql(map { revision(@$_) } @graph);
		my $message = 'make it ' . int(rand(1000));
		$text =~ s/message: make \w+/message: $message/;
		return ('load', $text =~ s/SELECT \*/SELECT count(*)/r);
	}
	if ($kind < 96)
	{
		my $new = 'x' . ++$made;
		return ('create_revision', "SELECT cmig.create_revision('x', 'CREATE TABLE made.t_$new (id int)', 'DROP TABLE made.t_$new', revision => '$new', head => '"
			  . one_of('heads', $id) . "', splice => true);");
	}
	return ('remove_revision', 'SELECT cmig.remove_revision(revision) FROM cmig.revision WHERE revision LIKE \'x%\' ORDER BY random() LIMIT 1;');
}

my %count = map { $_ => 0 } qw(runs terminate kill restarts);
my (%kinds, %errors, @wrong);
my @todo;
push @{ $todo[ $_ % $sessions ] }, [ a_run() ] foreach 0 .. $runs - 1;

# start(SESSION): starts psql with the session's remaining work
my @running;
sub start
{
	my ($i) = @_;
	my $file = "$dir/session_$i.sql";
	my $session = { out => '', err => '' };

	unlink $file;
	append_to_file($file, join("\n", "SET client_min_messages = error;\nSET statement_timeout = '60s';",
		map({ "\\echo begin\n$todo[$i][$_][1]\nROLLBACK;\nSELECT 'end ' || coalesce(string_agg(what, '; '), 'fine') FROM test.wrong;" } 0 .. $#{ $todo[$i] }), ''));
	$session->{handle} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose',
			'-d', $node->connstr('postgres') . " application_name=session_$i", '-f', $file ],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err});
	$running[$i] = $session;
}

# collect(SESSION): reads the output of a psql that has ended; the command
# during which it was interrupted counts as done
sub collect
{
	my ($i) = @_;
	my $session = $running[$i];
	my @begun;

	eval { IPC::Run::finish($session->{handle}) };
	@begun = split /^begin\n/m, $session->{out}, -1;
	shift @begun;
	foreach my $output (@begun)
	{
		my $run = shift @{ $todo[$i] };

		$count{runs}++;
		$kinds{ $run->[0] }++;
		push @wrong, "session $i, run $count{runs}, $run->[0]: $1\n$run->[1]" if $output =~ /^end (?!fine$)(.*)/m;
	}
	while ($session->{err} =~ /(?:ERROR|FATAL):  (\w+): (.*)/g)
	{
		my ($state, $message) = ($1, $2);
		$message =~ s/"[^"]*"/"..."/g;
		$errors{"$state $message"}++;
	}
	$running[$i] = undef;
}

start($_) foreach 0 .. $sessions - 1;
my $next_kill = 4;
while (grep { defined } @running)
{
	foreach my $i (0 .. $sessions - 1)
	{
		next unless defined $running[$i];
		IPC::Run::pump_nb($running[$i]{handle}) if $running[$i]{handle}->pumpable;
		next if $running[$i]{handle}->pumpable;
		collect($i);
		next unless @{ $todo[$i] };
		# while a server is restarting, it refuses connections for a moment
		wait_for_recovery($node);
		$count{restarts}++;
		start($i);
	}
	usleep(20_000);

	# interrupt a session after about eight runs, at a random moment; one in twelve by
	# kill -9
	my $begun = $count{runs} + grep { $_ } map { defined $_ ? $_->{out} =~ /^begin$/mg : () } @running;
	next if $begun < $next_kill;
	$next_kill = $begun + 1 + int(rand(15));
	usleep(rand(60_000));
	my $pid = eval { $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'session%' AND state = 'active' AND query !~ 'test.wrong' ORDER BY random() LIMIT 1") };
	next unless ($pid // '') =~ /^\d+$/;
	my $how = rand() < 1 / 12 ? 'kill' : 'terminate';
	$count{$how}++;
	if ($how eq 'kill') { kill_backend($pid) }
	else { eval { $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)") } }
}

is(scalar(@wrong), 0, "after each of $count{runs} runs the version rows, the journal and the schema agree")
  or diag("CMIG_SEED=$seed\n" . join("\n", @wrong[ 0 .. ($#wrong < 9 ? $#wrong : 9) ]));
is($count{runs}, $runs, 'all runs were made');

# errors that are caused only by damaged tables, a damaged schema, or a bug
my @bad = grep { /^(XX|42P0|42703|42704|23|08P|0100|P000|22P)/ } sort keys %errors;
is(join("\n", @bad), '', 'no error indicates damage');

wait_for_recovery($node);
is(query($node, 'postgres', "CALL cmig.downgrade_stepwise('base', in_doubt => 'again'); SELECT count(*) FROM test.wrong"), '0', 'the database can be downgraded to base');
is(query($node, 'postgres', q{
SELECT 'version' FROM cmig.version
UNION ALL SELECT 'progress' FROM cmig.progress
UNION ALL SELECT 'running' FROM cmig.journal WHERE outcome = 'running'
UNION ALL SELECT 'backfill' FROM cmig.backfill_run WHERE state <> 'done'
UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'made'::regnamespace
UNION ALL SELECT 'lock ' || pid FROM pg_locks WHERE locktype = 'advisory'
UNION ALL SELECT problem FROM cmig.check() WHERE severity = 'error'}), '', 'nothing is left');
is(query($node, 'postgres', q{CALL cmig.upgrade_stepwise('heads'); SELECT count(*) FROM test.wrong}), '0', 'the database can be upgraded');

# tests that wrong data would be found
is(query($node, 'postgres', q{BEGIN; DROP TABLE made.t_001; DELETE FROM cmig.journal WHERE revision = '002'; CREATE TABLE made.t_y ();
SELECT count(*) >= 3 FROM test.wrong WHERE what ~ 'version, not schema: 001|version, not journal: 002|schema, not version: y'; ROLLBACK}), 't', 'a wrong state is detected');

note(sprintf('%d runs by %d sessions in %.0f s; %d backends terminated, %d killed, %d sessions started again',
	$count{runs}, $sessions, time() - $started, @count{qw(terminate kill restarts)}));
note("$kinds{$_} $_") foreach sort keys %kinds;
note("$errors{$_} errors $_") foreach sort { $errors{$b} <=> $errors{$a} || $a cmp $b } keys %errors;

$node->stop;
done_testing();
