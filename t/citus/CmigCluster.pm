# Copyright (c) 2026, the pg_cmig developers

# Functions that the Citus tests share.  They create a coordinator and two workers on
# this machine, and a table of each kind.  scripts/check-citus runs the tests.

package CmigCluster;

use strict;
use warnings;

use Cwd;
use Exporter 'import';
use File::Basename;
use lib dirname(dirname(Cwd::abs_path(__FILE__)));
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_cluster add_database make_tables on_shards stop_cluster);

# new_cluster(SETTING...): starts three servers whose database postgres contains Citus
# and pg_cmig.  Returns the coordinator and the two workers.
sub new_cluster
{
	my (@settings) = @_;
	my @nodes = map { new_node($_, @settings) } qw(coordinator worker1 worker2);

	foreach my $node (@nodes)
	{
		$node->append_conf('postgresql.conf', <<"CONF");
shared_preload_libraries = citus
wal_level = logical
max_connections = 100
max_prepared_transactions = 100
shared_buffers = 32MB
autovacuum_naptime = 1h
restart_after_crash = on
citus.enable_statistics_collection = off
citus.node_conninfo = 'sslmode=prefer'
citus.local_hostname = '@{[ $node->host ]}'
citus.shard_count = 8
citus.recover_2pc_interval = 1s
CONF
		$node->start;
	}
	add_database('postgres', @nodes);
	return @nodes;
}

# add_database(NAME, NODE...): creates a database on all nodes; the first node becomes
# the coordinator
sub add_database
{
	my ($db, $coordinator, @workers) = @_;

	foreach my $node ($coordinator, @workers)
	{
		$node->safe_psql('postgres', "CREATE DATABASE $db") if $db ne 'postgres';
		$node->safe_psql($db, 'CREATE EXTENSION citus');
	}
	$coordinator->safe_psql($db, "SELECT citus_set_coordinator_host('" . $coordinator->host . "', " . $coordinator->port . ')');
	$coordinator->safe_psql($db, "SELECT citus_add_node('" . $_->host . "', " . $_->port . ')') foreach @workers;
	$coordinator->safe_psql($db, 'CREATE EXTENSION pg_cmig');
}

# make_tables(COORDINATOR): creates a table of each kind, with rows
sub make_tables
{
	my ($coordinator) = @_;

	$coordinator->safe_psql('postgres', <<'SQL');
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS app CASCADE;
DROP SCHEMA IF EXISTS tenant_a CASCADE;
CREATE SCHEMA app;
SET search_path = app;
CREATE TABLE country (id int PRIMARY KEY, name text, n int);
SELECT create_reference_table('country');
CREATE TABLE item (tenant int, id int, name text, n int, country int, PRIMARY KEY (tenant, id));
SELECT create_distributed_table('item', 'tenant');
CREATE TABLE managed (id int PRIMARY KEY, name text, n int);
SELECT citus_add_local_table_to_metadata('managed');
CREATE TABLE plain (id int PRIMARY KEY, name text, n int);
SET citus.enable_schema_based_sharding = on;
CREATE SCHEMA tenant_a;
CREATE TABLE tenant_a.thing (id int PRIMARY KEY, name text, n int);
INSERT INTO country SELECT i, 'name ' || i FROM generate_series(1, 500) i;
INSERT INTO item SELECT i % 50, i, 'name ' || i, NULL, 1 + i % 500 FROM generate_series(1, 5000) i;
INSERT INTO managed SELECT i, 'name ' || i FROM generate_series(1, 500) i;
INSERT INTO plain SELECT i, 'name ' || i FROM generate_series(1, 500) i;
INSERT INTO tenant_a.thing SELECT i, 'name ' || i FROM generate_series(1, 500) i;
SQL
}

# on_shards(COORDINATOR, TABLE, QUERY): runs a query on all copies of the table's shards,
# and returns the results, separated by |.  In the query, %s stands for the shard, and
# %L for the shard's name as a literal.
sub on_shards
{
	my ($coordinator, $table, $query) = @_;

	return query($coordinator, 'postgres',
		"SELECT string_agg(DISTINCT result, '|' ORDER BY result) FROM run_command_on_placements('$table', \$citus\$$query\$citus\$)");
}

# stop_cluster(NODE...): stops the servers, and tests that their logs show no crash
sub stop_cluster
{
	foreach my $node (@_)
	{
		$node->stop('immediate') if $node->{_pid};
		my $log = slurp_file($node->logfile);
		ok($log !~ /TRAP:|PANIC:|was terminated by signal (?!9)/, 'no crash on ' . $node->name);
	}
}

1;
