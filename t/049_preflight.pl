# Copyright (c) 2026, the pg_cmig developers

# Tests what cmig.preflight says about other sessions, prepared transactions, vacuum,
# replication, and other runs, with and without pg_read_all_stats, on a primary and on a
# standby; and cmig preflight and cmig upgrade --preflight.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('preflight', 'autovacuum = off', 'max_prepared_transactions = 5', 'wal_level = replica', 'max_wal_senders = 5',
	'autovacuum_freeze_max_age = 100000', 'timezone = UTC');
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION pg_cmig; CREATE TABLE account (id int PRIMARY KEY); CREATE TABLE other (id int);"
	  . " INSERT INTO account SELECT generate_series(1, 1000); CREATE ROLE watcher LOGIN; CREATE ROLE app LOGIN; GRANT ALL ON account, other TO app;"
	  . " SELECT cmig.grant_access('watcher', 'reader');"
	  . " INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES ('001', '{}', 'ALTER TABLE account ADD x int')");

# rows(ITEMS, [USER]): the rows about these items
sub rows
{
	my ($items, $user) = @_;

	return $node->safe_psql('postgres', "SELECT item, severity, value, hint FROM cmig.preflight() WHERE item ~ '$items'", $user ? (extra_params => [ '-U', $user ]) : ());
}

my $sessions = '^(session|prepared|autovacuum)';
is(rows($sessions), '', 'nobody else');

# a session that has just begun, and then one that is idle in a transaction
my $holder = $node->background_psql('postgres', extra_params => [ '-U', 'app' ]);
$holder->query_safe("SET application_name = 'shop'; BEGIN; SELECT count(*) FROM account");
my $pid = $holder->query_safe('SELECT pg_backend_pid()');
chomp $pid;
my $locked = 'ACCESS SHARE on account, 001 needs ACCESS EXCLUSIVE';
like(rows($sessions), qr/^sessions\|notice\|1 session with a transaction of less than 5 s: account\|SELECT pid, .*$|^session $pid\|warning/, 'a short transaction');
ok($node->poll_query_until('postgres', "SELECT now() - xact_start > '6 s' FROM pg_stat_activity WHERE pid = $pid"), 'it becomes longer');
like(rows($sessions), qr/^session $pid\|warning\|idle in transaction, transaction for 00:0\d:\d\d \(role app, shop\): $locked\|SELECT pg_terminate_backend\($pid\)$/, 'a long one');
like(rows($sessions, 'watcher'), qr/^session $pid\|warning\|state not visible \(role app, shop\): $locked\|GRANT pg_read_all_stats TO watcher$/, 'state is not visible');
like(rows('^not visible', 'watcher'), qr/^not visible\|notice\|sessions of other roles.*\|GRANT pg_read_all_stats TO watcher$/, 'a row says so');
$node->safe_psql('postgres', 'GRANT pg_monitor TO watcher');
like(rows($sessions, 'watcher'), qr/^session $pid\|warning\|idle in transaction, /, 'pg_monitor sees it');
is(rows('^not visible', 'watcher'), '', 'and all else');
$node->safe_psql('postgres', 'REVOKE pg_monitor FROM watcher');

# the same two hours later
my $fact = q{jsonb_build_array(jsonb_build_object('kind', 'lock', 'name', 'public.account', 'object', 'account'::regclass::oid, 'mode', 8, 'bytes', 510, 'revision', '001'))};
like($node->safe_psql('postgres', "SELECT item, severity, value FROM cmig.preflight_rows($fact, now() + '2 h') WHERE item ~ '^session'"),
	qr/^session $pid\|error\|idle in transaction, transaction for 02:0\d:\d\d /, 'a transaction of more than an hour is an error');

# locks that do not conflict: the session reads another table, or the plan only reads
$holder->query_safe('COMMIT; BEGIN; SELECT count(*) FROM other');
is(rows($sessions), '', 'another table');
$holder->query_safe('COMMIT; BEGIN; SELECT count(*) FROM account');
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'CREATE INDEX ON account (id)'");
is(rows($sessions), '', 'a lock that does not conflict');
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE account ADD x int'");
$holder->query_safe('COMMIT');

# preflight itself waits for nobody, and takes no lock above ACCESS SHARE
$holder->query_safe('BEGIN; LOCK TABLE account');
$node->safe_psql('postgres', "SET lock_timeout = '1s'; SELECT * FROM cmig.preflight()");
$holder->query_safe('COMMIT');
is($node->safe_psql('postgres', "BEGIN; SELECT FROM cmig.preflight() LIMIT 0; SELECT DISTINCT mode FROM pg_locks WHERE locktype = 'relation' AND pid = pg_backend_pid()"),
	'AccessShareLock', 'its locks');

# a prepared transaction, also one that executes a run
$holder->query_safe("BEGIN; INSERT INTO account VALUES (0); PREPARE TRANSACTION 'it''s'");
like(rows($sessions), qr/^prepared transaction\|error\|'it''s' of role app, since 20.*: ROW EXCLUSIVE on account, 001 needs ACCESS EXCLUSIVE\|ROLLBACK PREPARED 'it''s' -- or COMMIT PREPARED$/,
	'a prepared transaction');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'it''s'");
$node->safe_psql('postgres', "BEGIN; SELECT * FROM cmig.upgrade(); PREPARE TRANSACTION 'run'");
like(rows('^run'), qr/^run\|error\|the prepared transaction 'run' executes another run, for which this one would wait\|ROLLBACK PREPARED 'run'/, 'a prepared run');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'run'");

# another run
my $run = $node->background_psql('postgres');
$run->query_safe('SET client_min_messages = warning; BEGIN; SELECT * FROM cmig.upgrade()');
like(rows('^run'), qr/^run\|warning\|process \d+ executes another run, for which this one would wait\|SELECT \* FROM cmig\.status\(\)$/, 'another run');
$run->query_safe('ROLLBACK');
$run->quit;

# a step that is partially applied
$node->safe_psql('postgres', "UPDATE cmig.revision SET transactional = false, upgrade_sql = 'SELECT 1; SELECT 1 / 0'");
isnt($node->psql('postgres', 'CALL cmig.upgrade_stepwise()', stderr => \my $stepwise_error), 0, 'a stepwise run fails');
like(rows('^partially'), qr/^partially applied\|warning\|a stepwise run was interrupted: statement 1 is done; .*\|SELECT \* FROM cmig\.status\(\)$/, 'and is named');
$node->safe_psql('postgres', "DELETE FROM cmig.progress; UPDATE cmig.revision SET transactional = true, upgrade_sql = 'ALTER TABLE account ADD x int'");
is(rows('^partially'), '', 'until it is abandoned');

# a table that is nearly old enough for a vacuum that does not give way
$node->safe_psql('postgres', 'DO $$BEGIN FOR i IN 1..95000 LOOP BEGIN INSERT INTO other VALUES (1); EXCEPTION WHEN division_by_zero THEN END; END LOOP; END$$');
like(rows($sessions), qr/^autovacuum\|warning\|account is 9\d{4} transactions old, and at 100000 a vacuum starts that does not give way to 001\|VACUUM public\.account$/, 'wraparound');
$node->safe_psql('postgres', 'VACUUM FREEZE account');
is(rows($sessions), '', 'after VACUUM');

# a vacuum to prevent wraparound: its command is recognized in pg_stat_activity
$node->append_conf('postgresql.conf', "autovacuum_vacuum_cost_delay = '100ms'\nautovacuum_vacuum_cost_limit = 1\nautovacuum_naptime = '1s'\n");
$node->reload;
$node->safe_psql('postgres', 'CREATE TABLE big AS SELECT i AS id, repeat(\'x\', 500) AS t FROM generate_series(1, 50000) i');
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE big ADD x int'");
$node->safe_psql('postgres', 'DO $$BEGIN FOR i IN 1..99000 LOOP BEGIN INSERT INTO other VALUES (1); EXCEPTION WHEN division_by_zero THEN END; END LOOP; END$$') for 1 .. 2;
ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'autovacuum: %public.big (to prevent wraparound)'"), 'it has started');
like(rows($sessions), qr/^session \d+\|error\|autovacuum to prevent wraparound, which does not give way: SHARE UPDATE EXCLUSIVE on big, 001 needs ACCESS EXCLUSIVE\|SELECT \* FROM pg_stat_progress_vacuum WHERE pid = \d+$/m,
	'a vacuum to prevent wraparound');
$node->append_conf('postgresql.conf', "autovacuum_vacuum_cost_delay = 0\n");
$node->reload;
# whether autovacuum has vacuumed it before or after the last of these transactions depends on the server
$node->safe_psql('postgres', 'VACUUM FREEZE account');
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE account ADD x int'");

# replication
my $replication = '^(slot|standby|synchronous|wal_level|publication)';
is(rows($replication), '', 'no replication');
$node->safe_psql('postgres', "SELECT pg_create_physical_replication_slot('it_s', true)");
like(rows($replication), qr/^slot it_s\|warning\|not active, keeps .* of WAL\|Start its reader, or, if there is none: SELECT pg_drop_replication_slot\('it_s'\)$/, 'a slot that nobody uses');
$node->safe_psql('postgres', "SELECT pg_drop_replication_slot('it_s'); UPDATE cmig.revision SET upgrade_sql = 'CREATE PUBLICATION p FOR TABLE account'");
like(rows($replication), qr/^wal_level\|warning\|replica, so nothing can subscribe to the publication p of 001, statement 1\|ALTER SYSTEM SET wal_level = logical -- needs a restart$/, 'wal_level');
$node->safe_psql('postgres', "UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE account ADD x int'");
$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'\n");
$node->reload;
ok($node->poll_query_until('postgres', "SELECT current_setting('synchronous_standby_names') = 'nobody'"), 'the setting');
is(rows($replication), 'synchronous standby|error|synchronous_standby_names is set, but no standby confirms: commits wait|SELECT * FROM pg_stat_replication', 'a standby that is missing');
$node->append_conf('postgresql.conf', "synchronous_standby_names = ''\n");
$node->reload;

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
like(rows($replication), qr/^standby standby\|(notice|warning)\|.* behind.*; ACCESS EXCLUSIVE locks cancel queries there\|/, 'a standby');
is(rows($replication, 'watcher'), 'standbys|warning|1 connected, but their lag is not visible|GRANT pg_read_all_stats TO watcher', 'its lag is not visible');
like($standby->safe_psql('postgres', 'SELECT item, severity, value, hint FROM cmig.preflight()'),
	qr/^standby\|warning\|this server is a standby: .*\|Run this on the primary\n(.*\n)*plan\|notice\|1 revision, locks on 1 relation\|/, 'on the standby');
$standby->stop;

# The shell
my $dir = PostgreSQL::Test::Utils::tempdir();
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';
chdir $dir or die;
$node->safe_psql('postgres', 'DELETE FROM cmig.revision');
gives(0, 'is at base', '', 'init');
gives(0, '001_a', '^$', 'revision', '-m', 'a', '--rev-id', '001');
edit('migrations/001_a.sql', 'ALTER TABLE account ADD x int;', 'ALTER TABLE account DROP x;');
# during another run, which the load waits for
$run = $node->background_psql('postgres');
$run->query_safe("SET client_min_messages = warning; BEGIN; SELECT cmig.create_revision('other', '', '', revision => 'other'); SELECT * FROM cmig.upgrade()");
gives(3, '^$', qq(\nERROR:  the files could not be loaded; this is what the database has\nHINT:  cmig load\nERROR:  can't locate revision identified by "001"\n\$), 'preflight', '001');
gives(3, '^run +warning: process \d+ executes another run, for which this one would wait\n +-> cmig status\nplan', 'could not be loaded', 'preflight');
$run->query_safe('ROLLBACK');
$run->quit;
gives(0, "^lock_timeout +warning: not set: waits [^\n]*\n +-> Add -x cmig\\.lock_timeout=5s\n +-> SELECT cmig\\.set_option\\('cmig\\.lock_timeout', '5s'\\) -- for all runs\nplan +notice: 1 revision, locks on 1 relation\n +-> cmig plan upgrade head\n", '^$', 'preflight');
{
	local $ENV{PGUSER} = 'watcher';
	gives(1, "\nprivilege +error: role watcher cannot load the files: only what the database has was\n +checked\n +-> SELECT \\* FROM cmig\\.grant_access\\('watcher', 'author'\\)\n", '^$', 'preflight');
	gives(1, '^privilege +error: role watcher cannot call cmig\.upgrade\n', '^$', 'preflight', '--no-load');
}
# a role that can load the files sees them
$node->safe_psql('postgres', "SELECT cmig.grant_access('watcher', 'author')");
{
	local $ENV{PGUSER} = 'watcher';
	gives(1, '^privilege +error: 001, statement 1: public.account belongs to postgres.*plan +notice: 1 revision, locks on 1 relation\n', '^$', 'preflight');
	gives(0, 'ACCESS EXCLUSIVE on public\.account', '^$', 'plan');
}
$holder->query_safe("BEGIN; INSERT INTO account VALUES (0); PREPARE TRANSACTION 'left'");
gives(1, "^prepared transaction +error: 'left' of role app.*-> ROLLBACK PREPARED 'left' -- or COMMIT PREPARED\n", '^$', 'preflight');
gives(1, '^$', "^ERROR:  prepared transaction: 'left' .*\nHINT:  ROLLBACK PREPARED 'left' -- or COMMIT PREPARED\nWARNING:  lock_timeout: .*\ncmig: preflight finds 1 error; nothing was changed\ncmig preflight\n\$",
	'upgrade', '--preflight', '-y');
gives(2, '', '--preflight cannot be used with --dry-run', 'upgrade', '--preflight', '--dry-run');
gives(2, '', 'downgrade has no option --preflight', 'downgrade', 'base', '--preflight');
is($node->safe_psql('postgres', 'SELECT count(*) FROM cmig.revision'), '0', 'nothing was stored');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'left'");
gives(0, 'is at 001', '^WARNING:  lock_timeout: [^\n]*\nHINT:  Add -x cmig\.lock_timeout=5s\n       SELECT cmig\.set_option\(', 'upgrade', '--preflight', '-y');
gives(0, '^plan +notice: nothing to upgrade\n', '^$', 'preflight');
gives(3, '', "can't locate revision", 'preflight', 'nosuch');
foreach my $line (split /\n/, (cmig('preflight', '001'))[1])
{
	cmp_ok(length $line, '<=', 100, '100 columns');
}

$holder->quit;
$node->stop;
done_testing();
