# Copyright (c) 2026, the pg_cmig developers

# Tests runs on a Citus cluster: upgrades, downgrades, and stepwise runs of revisions
# that create and change tables of each kind, and calls on a worker.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/..";
use CmigCluster;
use CmigNode;
use Test::More;

my ($coordinator, @workers) = new_cluster();

sub sql { return query($coordinator, 'postgres', @_) }

my %revision = (
	tables => [ '', <<'UP', <<'DOWN' ],
CREATE SCHEMA app;
CREATE TABLE app.country (id int PRIMARY KEY, name text);
SELECT create_reference_table('app.country');
CREATE TABLE app.item (tenant int, id int, name text, country int, PRIMARY KEY (tenant, id));
SELECT create_distributed_table('app.item', 'tenant');
CREATE TABLE app.managed (id int PRIMARY KEY, name text);
SELECT citus_add_local_table_to_metadata('app.managed');
CREATE TABLE app.plain (id int PRIMARY KEY, name text);
SET LOCAL citus.enable_schema_based_sharding = on;
CREATE SCHEMA tenant_a;
CREATE TABLE tenant_a.thing (id int PRIMARY KEY, name text);
UP
DROP SCHEMA tenant_a CASCADE;
DROP SCHEMA app CASCADE;
DOWN
	columns => [ 'tables', <<'UP', <<'DOWN' ],
ALTER TABLE app.country ADD COLUMN n int;
ALTER TABLE app.item ADD COLUMN n int;
ALTER TABLE app.managed ADD COLUMN n int;
ALTER TABLE app.plain ADD COLUMN n int;
ALTER TABLE tenant_a.thing ADD COLUMN n int;
INSERT INTO app.country SELECT i, 'name ' || i FROM generate_series(1, 100) i;
INSERT INTO app.item SELECT i % 20, i, 'name ' || i, 1 FROM generate_series(1, 1000) i;
UPDATE app.item SET n = id;
UP
ALTER TABLE app.country DROP COLUMN n;
ALTER TABLE app.item DROP COLUMN n;
ALTER TABLE app.managed DROP COLUMN n;
ALTER TABLE app.plain DROP COLUMN n;
ALTER TABLE tenant_a.thing DROP COLUMN n;
DELETE FROM app.item;
DELETE FROM app.country;
DOWN
	indexes => [ 'columns', <<'UP', <<'DOWN' ],
CREATE INDEX CONCURRENTLY item_name ON app.item (name);
CREATE INDEX CONCURRENTLY country_name ON app.country (name);
CREATE INDEX CONCURRENTLY thing_name ON tenant_a.thing (name);
CREATE INDEX CONCURRENTLY managed_name ON app.managed (name);
UP
DROP INDEX CONCURRENTLY app.item_name;
DROP INDEX CONCURRENTLY app.country_name;
DROP INDEX CONCURRENTLY tenant_a.thing_name;
DROP INDEX CONCURRENTLY app.managed_name;
DOWN
);

sub load
{
	my $files = join '', map { revision_file($_, @{ $revision{$_} }) } @_;

	$files =~ s/^-- create_date/-- transactional: false\n$&/m if $files =~ /CONCURRENTLY/;
	sql(load_sql($files));
}

my $kinds = "SELECT string_agg(table_name::text || ' ' || citus_table_type, ', ' ORDER BY table_name::text) FROM citus_tables";
my $all = 'app.country reference, app.item distributed, app.managed local, tenant_a.thing schema';
my $columns = "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid = %L::regclass";

load('tables', 'columns');
sql("SELECT cmig.upgrade('tables')");
is(sql($kinds), $all, 'upgrade makes tables of each kind');
sql("SELECT cmig.upgrade('head')");
is(on_shards($coordinator, $_->[0], $columns), $_->[1], "upgrade adds columns to each shard of $_->[0]")
  foreach ([ 'app.item', 'tenant,id,name,country,n' ], [ 'app.country', 'id,name,n' ], [ 'app.managed', 'id,name,n' ], [ 'tenant_a.thing', 'id,name,n' ]);
is(sql('SELECT count(*), sum(n) FROM app.item'), '1000|500500', 'upgrade inserts and updates rows on the shards');
is(sql("SELECT current_setting('citus.enable_schema_based_sharding')"), 'off', 'a setting of a revision ends with it');

sql("SELECT cmig.downgrade('-1')");
is(on_shards($coordinator, 'app.item', $columns), 'tenant,id,name,country', 'downgrade removes columns from the shards');
is(sql('SELECT count(*) FROM app.item'), '0', 'downgrade deletes the rows');
sql("SELECT cmig.downgrade('base')");
is(sql($kinds), '', 'downgrade to base drops the tables');
is($_->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname ~ '^(item|country|thing|managed)'"), 0, 'no shard is left on ' . $_->name)
  foreach $coordinator, @workers;

sql("SELECT cmig.upgrade('head')");
my $failing = revision_file('failing', 'columns', 'ALTER TABLE app.item ADD COLUMN extra int; UPDATE app.item SET extra = 1; SELECT 1 / 0;');
sql(load_sql($failing));
fails_with($coordinator, 'postgres', "SELECT cmig.upgrade('failing')", '22012', 'division by zero', 'a failing revision');
is(on_shards($coordinator, 'app.item', $columns), 'tenant,id,name,country,n', 'leaves nothing on the shards');
is(sql('SELECT revision FROM cmig.version'), 'columns', 'and is not recorded');
sql("SELECT cmig.remove_revision('failing')");

# one transaction for changes of tables that a foreign key connects
sql(load_sql(revision_file('key', 'columns', "ALTER TABLE app.item ADD FOREIGN KEY (country) REFERENCES app.country; UPDATE app.item SET n = n + 1;\nUPDATE app.country SET n = 1; ALTER TABLE app.item ADD COLUMN extra int;",
	'ALTER TABLE app.item DROP COLUMN extra; ALTER TABLE app.item DROP CONSTRAINT item_country_fkey;')));
sql("SELECT cmig.upgrade('key')");
is(sql("SELECT current_setting('citus.multi_shard_modify_mode')"), 'parallel', 'the mode of the session is restored');
sql("SELECT cmig.downgrade('base')");
sql("SELECT cmig.upgrade('key')");
is(on_shards($coordinator, 'app.item', $columns), 'tenant,id,name,country,n,extra', 'tables with foreign keys are created and changed in one transaction');

# a lock on a shard alone: the limit is enforced on the worker
sql(load_sql(revision_file('locked', 'key', 'ALTER TABLE app.item ADD COLUMN locked int;', 'ALTER TABLE app.item DROP COLUMN locked;')));
my ($shard) = split /\|/, sql("SELECT shardid || '|' || nodeport FROM citus_shards WHERE table_name = 'app.item'::regclass AND nodeport = " . $workers[0]->port . ' ORDER BY 1 LIMIT 1');
my $blocker = $workers[0]->background_psql('postgres');
$blocker->query_safe("SET citus.enable_manual_changes_to_shards = on; BEGIN; LOCK TABLE app.item_$shard IN ACCESS SHARE MODE");
foreach my $settings ("cmig.lock_timeout = '300ms'", "lock_timeout = '300ms'")
{
	fails_with($coordinator, 'postgres', "SET statement_timeout = '20s'; SET cmig.lock_retries = 0; SET $settings; $_", '55P03', 'lock timeout', "$settings reaches the workers: $_")
	  foreach "SELECT cmig.upgrade('locked')", "CALL cmig.upgrade_stepwise('locked')";
}
$blocker->quit;
is(sql("BEGIN; SET cmig.lock_timeout = '300ms'; SELECT count(*) FROM cmig.upgrade('locked'); SELECT DISTINCT result FROM run_command_on_placements('app.item', 'SHOW lock_timeout'); ROLLBACK"), "1\n0", 'and ends with the run');
sql("SELECT cmig.remove_revision('locked'); SELECT cmig.downgrade('columns'); SELECT cmig.remove_revision('key')");

load('indexes');
sql("SET cmig.lock_timeout = '60s'; CALL cmig.upgrade_stepwise()");
is(on_shards($coordinator, $_, "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = %L::regclass AND indisvalid AND relname LIKE '%%\\_name%%'"), '1',
	"a stepwise run builds an index on each shard of $_")
  foreach qw(app.item app.country tenant_a.thing app.managed);
sql('CALL cmig.downgrade_stepwise(\'-1\')');
is(on_shards($coordinator, 'app.item', 'SELECT count(*) FROM pg_index WHERE indrelid = %L::regclass'), '1', 'and removes it');

# a distributed schema for each tenant

add_database('scopes', $coordinator, @workers);
query($coordinator, 'scopes', load_sql(revision_file('thing', '', 'CREATE TABLE thing (id int PRIMARY KEY); INSERT INTO thing SELECT generate_series(1, 10);', 'DROP TABLE thing;')));
query($coordinator, 'scopes', <<'SQL');
SET citus.enable_schema_based_sharding = on;
CREATE SCHEMA tenant_1;
CREATE SCHEMA tenant_2;
CALL cmig.upgrade_scopes('tenant%');
SELECT cmig.create_scope('tenant_3', 'head');
SQL
is(query($coordinator, 'scopes', "SELECT string_agg(scope || ' ' || pending, ',' ORDER BY scope) FROM cmig.scopes()"), 'tenant_1 0,tenant_2 0,tenant_3 0', 'upgrade_scopes and create_scope');
is(query($coordinator, 'scopes', 'SELECT table_name, citus_table_type FROM citus_tables ORDER BY table_name::text'), "tenant_1.thing|schema\ntenant_2.thing|schema\ntenant_3.thing|schema", 'distribute by schema');
is(query($coordinator, 'scopes', "SELECT count(*) FROM $_.thing"), '10', "$_ has its rows") foreach qw(tenant_1 tenant_3);
is(query($coordinator, 'scopes', "SELECT count(*) FROM cmig.diff_schemas('tenant_1', 'tenant_3')"), '0', 'diff_schemas');
query($coordinator, 'scopes', "SELECT cmig.create_scope('tenant_$_', copy_of => 'tenant_1')") foreach qw(4 5);
is(query($coordinator, 'scopes', "SELECT count(*) FROM citus_tables WHERE citus_table_type = 'schema'"), '5', 'a copy of a distributed schema is one, too');
is(query($coordinator, 'scopes', 'SELECT count(*) FROM cmig.scope_drift()'), '0', 'and equal to the others');
query($coordinator, 'scopes', "SELECT cmig.drop_scope('tenant_$_', 'tenant_$_')") foreach qw(4 5);
is(query($coordinator, 'scopes', 'SELECT count(*) FROM citus_tables'), '3', 'drop_scope drops its tables');
query($coordinator, 'scopes', "SELECT citus_schema_undistribute('tenant_2')");
is(query($coordinator, 'scopes', "SELECT upgrade_sql FROM cmig.diff_schemas('tenant_2', 'tenant_1')"), "SELECT pg_catalog.citus_schema_distribute('tenant_2')", 'a schema that is not distributed like the others');
is(query($coordinator, 'scopes', 'SELECT scope FROM cmig.scope_drift()'), 'tenant_2', 'is also found by scope_drift');

# the catalog is on the coordinator

is($workers[0]->safe_psql('postgres', 'SELECT count(*) FROM cmig.revision'), '0', "a worker's extension contains no revisions");

fails_with($workers[0], 'postgres', $_, '0A000', 'cannot be called on a Citus worker.*Connect to the coordinator: host .*, port \\d+', "$_ is refused on a worker")
  foreach ("SELECT cmig.upgrade('head')", "SELECT cmig.downgrade('-1')", "SELECT cmig.stamp('head')", load_sql(revision_file('x', '', 'SELECT 1;')),
	'CALL cmig.upgrade_stepwise()', 'CALL cmig.downgrade_stepwise(\'-1\')', 'SELECT * FROM cmig.drift()', "SELECT cmig.require('head')",
	"CALL cmig.upgrade_scopes('tenant%')", "SELECT cmig.create_scope('tenant_9')", 'SELECT * FROM cmig.verify()', "SELECT * FROM cmig.diff('SELECT 1')");

# the functions that only read say so

is(query($workers[0], 'postgres', 'SELECT item, value FROM cmig.status() OFFSET 1'), 'Citus worker|the revisions and their state are on the coordinator', 'status on a worker');
like(query($workers[0], 'postgres', 'SELECT hint FROM cmig.status() OFFSET 1'), qr/^Connect to the coordinator: host .*, port \d+\.$/, 'says where to connect');
is(query($workers[0], 'postgres', "SELECT severity FROM cmig.check() WHERE problem ~ 'on a Citus worker'"), 'error', 'check reports a problem');
fails_with($workers[0], 'postgres', 'SELECT * FROM cmig.check(raise => true)', 'MG005', 'on a Citus worker', 'and can raise an error');
foreach my $call ("cmig.plan('upgrade', 'head')", 'cmig.status()', 'cmig.current()', 'cmig.heads()', 'cmig.history()', 'cmig.log()', 'cmig.scopes()', 'cmig.export()', 'cmig.lint()', 'cmig.check()', 'cmig.graph()', 'cmig.report()')
{
	$workers[0]->psql('postgres', "SELECT * FROM $call", stderr => \my $messages);
	my @warnings = $messages =~ /WARNING:  this is a Citus worker, which has no revisions\nDETAIL:  .*\nHINT:  Connect to the coordinator: host .*, port \d+\.$/mg;

	is(scalar @warnings, 1, "$call issues a warning") or diag($messages);
}
$coordinator->psql('scopes', "SELECT * FROM cmig.status()", stderr => \my $messages);
is($messages, '', 'there is no warning on the coordinator');
add_database('empty', $coordinator, @workers);
$coordinator->psql('empty', "SELECT * FROM cmig.status()", stderr => \$messages);
is($messages, '', 'even if there are no revisions');

stop_cluster($coordinator, @workers);
done_testing();
