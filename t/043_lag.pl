# Copyright (c) 2026, the pg_cmig developers

# Tests that CALL cmig.backfill waits while a replica lags behind, and that
# cmig.wait_for_replicas waits for all replicas.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $primary = new_node('primary');
$primary->start;
$primary->safe_psql('postgres', 'CREATE EXTENSION pg_cmig');
$primary->safe_psql('postgres', 'CREATE TABLE item (id int PRIMARY KEY, n int DEFAULT 0); INSERT INTO item SELECT generate_series(1, 5000)');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "wal_receiver_status_interval = 1\n");
$standby->start;
$primary->wait_for_catchup($standby);

fails_with($standby, 'postgres', "CALL cmig.backfill('item', 'n = 1')", '25006', 'during recovery', 'a standby refuses a backfill');
fails_with($standby, 'postgres', 'CALL cmig.upgrade_stepwise()', '25006', '', 'a standby refuses a stepwise run');

$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
my $run = start_psql($primary, 'postgres', "CALL cmig.backfill('item', 'n = n + 1', batch_size => 1000, max_lag => '20 ms')");
$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'run' AND wait_event = 'PgSleep' AND backend_xmin IS NULL")
  or die 'it does not wait';
usleep(1_500_000);
is($primary->safe_psql('postgres', 'SELECT state, rows < 5000 FROM cmig.backfill_progress'), 'running|t', 'the backfill waits while the replica is behind');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
is(finish_psql($run), 0, 'the backfill continues when the replica has caught up') or diag $run->{err};
is(() = $run->{err} =~ /NOTICE:  00000: backfill of public.item waits for replicas that are behind\nDETAIL:  The lag is \d+ ms, and max_lag is 20 ms\.\nHINT:  SELECT/g, 1, 'it says once what it waits for') or diag $run->{err};
is($primary->safe_psql('postgres', 'SELECT min(n), max(n) FROM item'), '1|1', 'each row was updated once');
cmp_ok($primary->safe_psql('postgres', 'SELECT batches FROM cmig.backfill_progress'), '>', 5, 'after the wait, batches are smaller');
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT state FROM cmig.backfill_progress'), 'done', 'the replica shows the end of the backfill');

#
# wait_for_replicas: a standby, a program that only receives the WAL, and slots
#
is($primary->safe_psql('postgres', 'SELECT cmig.wait_for_replicas()'), 't', 'the standby has replayed everything');
$primary->safe_psql('postgres', 'SET synchronous_commit = off; UPDATE item SET n = 2 WHERE id = 1; SELECT cmig.wait_for_replicas()');
is($standby->safe_psql('postgres', 'SELECT n FROM item WHERE id = 1'), '2', 'after the wait, the standby shows what was committed before, even asynchronously');
is($standby->safe_psql('postgres', 'SELECT cmig.wait_for_replicas()'), 't', 'a standby without replicas of its own waits for none');

$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
$primary->safe_psql('postgres', 'UPDATE item SET n = 3 WHERE id = 1');
fails_with($primary, 'postgres', "SELECT cmig.wait_for_replicas(timeout => '500 ms')", '55000',
	'1 replica has not replayed the WAL up to .*DETAIL:  Replica standby is behind by \d+ .*HINT:  SELECT .* pg_stat_replication', 'the error names the replica');
fails_with($primary, 'postgres', 'SET statement_timeout = 500; SELECT cmig.wait_for_replicas(timeout => NULL)', '57014', '', 'statement_timeout ends the wait');
is($primary->safe_psql('postgres', "SELECT cmig.wait_for_replicas('1 day')"), 't', 'a lag is allowed');

# a precondition waits before its revision, and holds no lock on a table
query($primary, 'postgres', load_sql(revision_file('r1', '', 'ALTER TABLE item ADD extra int;') =~ s/^-- create_date/-- precondition: SELECT cmig.wait_for_replicas(timeout => '10 min')\n$&/mr));
$run = start_psql($primary, 'postgres', 'CALL cmig.upgrade_stepwise()');
$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'run' AND wait_event_type = 'Extension'")
  or die 'it does not wait';
is($primary->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE relation = 'item'::regclass"), '0', 'a precondition waits without a lock on the table');

# the standby disconnects in the meantime, and is waited for
$standby->stop('fast');
$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM pg_stat_replication') or die 'the standby is still connected';
# between two looks at the replicas it does not wait
ok($primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'run' AND wait_event_type = 'Extension'"),
	'it also waits for a replica that has disconnected');
is($primary->safe_psql('postgres', 'SELECT cmig.wait_for_replicas()'), 't', 'but a call that begins then does not know it');
$standby->start;
is(finish_psql($run), 0, 'the run continues when the standby is back and has caught up') or diag $run->{err};
is($primary->safe_psql('postgres', 'SELECT revision FROM cmig.version'), 'r1', 'and applies the revision');

$primary->safe_psql('postgres', "SELECT pg_create_physical_replication_slot('gone', true)");
$primary->safe_psql('postgres', 'UPDATE item SET n = 4 WHERE id = 1');
fails_with($primary, 'postgres', "SELECT cmig.wait_for_replicas(timeout => '0')", '55000',
	'1 replica has not replayed.*DETAIL:  The replica of replication slot "gone" is not connected.*HINT:  SELECT .* pg_replication_slots', 'a slot stands for a replica that is not connected');

# the lag of a replica that is not connected is not known: a backfill stops, and can be resumed
fails_with($primary, 'postgres', "CALL cmig.backfill('item', 'n = n + 1', batch_size => 100, max_lag => '1 s')", '55000',
	'backfill of public.item has stopped because the lag of the replicas is not known.*DETAIL:  The replica of replication slot gone is not connected.*HINT:  .*repeat the CALL', 'an unknown lag');
is($primary->safe_psql('postgres', 'SELECT state, rows, last_error IS NOT NULL FROM cmig.backfill_progress ORDER BY id DESC LIMIT 1'), 'interrupted|100|t', 'what it has done remains');

# pg_receivewal never replays anything
my $receiver = IPC::Run::start([ 'pg_receivewal', '-D', PostgreSQL::Test::Utils::tempdir(), '-S', 'gone', '-d', $primary->connstr('postgres'), '-n', '-s', '1' ], '>&', \my $received);
$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_replication WHERE application_name <> 'standby' AND write_lsn IS NOT NULL")
  or die "pg_receivewal does not connect: $received";
is($primary->safe_psql('postgres', "SELECT cmig.wait_for_replicas(timeout => '3 min')"), 't', 'a program that only receives the WAL is not waited for');
IPC::Run::signal($receiver, 'TERM');
eval { IPC::Run::finish($receiver) };
$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM pg_replication_slots WHERE active') or die 'pg_receivewal does not end';
$primary->safe_psql('postgres', "SELECT pg_drop_replication_slot('gone')");

# without the WAL of a single record between two calls, many times: page boundaries
is($primary->safe_psql('postgres', "DO \$\$ BEGIN FOR i IN 1 .. 3000 LOOP PERFORM pg_logical_emit_message(false, 'x', repeat('x', i % 97)); PERFORM cmig.wait_for_replicas('1 day'); END LOOP; END \$\$; SELECT 1"),
	'1', 'every position of the WAL can be waited for');

$standby->stop;
$primary->stop;
done_testing();
