# Copyright (c) 2026, the pg_cmig developers

# Tests that CALL cmig.backfill waits while a replica lags behind.

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

fails_with($standby, 'postgres', "CALL cmig.backfill('item', 'n = 1')", '25006', 'read-only transaction', 'a standby refuses a backfill');
fails_with($standby, 'postgres', 'CALL cmig.upgrade_stepwise()', '25006', '', 'a standby refuses a stepwise run');

$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
my $run = start_psql($primary, 'postgres', "CALL cmig.backfill('item', 'n = n + 1', batch_size => 100, max_lag => '20 ms')");
$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'run' AND wait_event = 'PgSleep' AND backend_xmin IS NULL")
  or die 'it does not wait';
usleep(1_500_000);
is($primary->safe_psql('postgres', 'SELECT state, rows < 5000 FROM cmig.backfill_progress'), 'running|t', 'the backfill waits while the replica is behind');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
is(finish_psql($run), 0, 'the backfill continues when the replica has caught up') or diag $run->{err};
is($primary->safe_psql('postgres', 'SELECT min(n), max(n) FROM item'), '1|1', 'each row was updated once');
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT state FROM cmig.backfill_progress'), 'done', 'the replica shows the end of the backfill');

$standby->stop;
$primary->stop;
done_testing();
