# Copyright (c) 2026, the pg_cmig developers

# Tests cmig.backfill and the online constraints with tables of each kind.  Every row
# must be updated once, in each copy, even if a worker or a run is killed in the middle.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/..";
use CmigCluster;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my ($coordinator, @workers) = new_cluster('log_connections = on');

sub sql { return query($coordinator, 'postgres', @_) }

# The tables, one of each kind, and their numbers of rows.
my %rows = ('app.item' => 5000, 'app.country' => 500, 'app.managed' => 500, 'app.plain' => 500, 'tenant_a.thing' => 500);
my @tables = sort keys %rows;
my @managed = grep { $_ ne 'app.plain' } @tables;

# backfill

make_tables($coordinator);
foreach my $table (@tables)
{
	sql("CALL cmig.backfill('$table', 'n = 1', 'n IS NULL', batch_size => 300)");
	is(sql("SELECT n, count(*) FROM $table GROUP BY n"), "1|$rows{$table}", "backfill with where_sql updates all rows of $table");
	sql("CALL cmig.backfill('$table', 'n = n + 1', batch_size => 300)");
	is(sql("SELECT n, count(*) FROM $table GROUP BY n"), "2|$rows{$table}", "backfill without where_sql updates each row of $table once");
	is(sql("SELECT rows, state FROM cmig.backfill_progress WHERE target = '$table' ORDER BY id"), "$rows{$table}|done\n$rows{$table}|done", 'and says so');
}
is(on_shards($coordinator, 'app.country', 'SELECT sum(n * id) FROM %s'), 2 * 500 * 501 / 2, 'all copies of a reference table are equal');
ok(sql("SELECT max(batches) > 10 FROM cmig.backfill_run WHERE target = 'app.item'"), 'in batches');

# batches keep their connections, and shards are asked for several ends of batches at once
sub connections { return scalar(() = slurp_file($workers[0]->logfile) =~ /connection received/g) }
my $connections = connections();
sql("CALL cmig.backfill('app.item', 'n = n + 1', batch_size => 20)");
is(sql("SELECT n, count(*) FROM app.item GROUP BY n"), '3|5000', 'many batches update each row once');
cmp_ok(connections() - $connections, '<', sql("SELECT batches FROM cmig.backfill_run ORDER BY id DESC LIMIT 1"), 'with fewer connections to a worker than batches');
sql("UPDATE app.item SET n = 2");

fails_with($coordinator, 'postgres', "CALL cmig.backfill('$_', 'n = 3', 'n > 0')", '22023', 'where_sql still matches', "a condition that stays true is refused for $_")
  foreach @tables;
fails_with($coordinator, 'postgres', "CALL cmig.backfill('app.item', 'tenant = 1', 'n > 0')", '0A000', 'partition value', 'the distribution column cannot be changed');
fails_with($coordinator, 'postgres', "CALL cmig.backfill('app.item', 'name = name || 1')", '0A000', 'STABLE functions', "Citus's own limits are its errors");
fails_with($coordinator, 'postgres', "CALL cmig.backfill('app.country', 'id = id + 1000', 'id < 1000')", '22023', 'must not change the key', 'nor the key of a table with copies');
sql("ALTER TABLE app.country DROP CONSTRAINT country_pkey");
fails_with($coordinator, 'postgres', "CALL cmig.backfill('app.country', 'n = 5', 'n < 5')", '0A000', 'no primary key.*copies on several nodes.*plain UPDATE', 'a table with copies needs a key');
is(sql('SELECT count(*) FROM cmig.backfill_progress WHERE state <> $$done$$'), 0, 'a refused backfill leaves no row');

# in one transaction, after DDL of the same transaction

make_tables($coordinator);
foreach my $table (@tables)
{
	is(sql(<<"SQL"), "2|$rows{$table}", "a backfill in the caller's transaction: $table");
BEGIN;
SET LOCAL cmig.concurrent_ddl = off;
ALTER TABLE $table ADD COLUMN extra int;
CALL cmig.backfill('$table', 'extra = 1', 'extra IS NULL', 100);
CALL cmig.backfill('$table', 'extra = extra + 1', batch_size => 100);
SELECT extra, count(*) FROM $table GROUP BY extra;
COMMIT;
SQL
}

# tables whose shards have copies, and a partitioned table

sql(<<'SQL');
SET citus.shard_replication_factor = 2;
CREATE TABLE app.copied (id int PRIMARY KEY, n int);
SELECT create_distributed_table('app.copied', 'id');
INSERT INTO app.copied SELECT i FROM generate_series(1, 1000) i;
RESET citus.shard_replication_factor;
CREATE TABLE app.event (tenant int, at date, n int, PRIMARY KEY (tenant, at)) PARTITION BY RANGE (at);
SELECT create_distributed_table('app.event', 'tenant');
CREATE TABLE app.event_1 PARTITION OF app.event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE app.event_2 PARTITION OF app.event FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
INSERT INTO app.event SELECT i, '2026-01-01'::date + i % 59 FROM generate_series(1, 1000) i;
SQL
foreach my $table (qw(app.copied app.event))
{
	sql("CALL cmig.backfill('$table', 'n = 1', 'n IS NULL', batch_size => 90)");
	sql("CALL cmig.backfill('$table', 'n = n + 1', batch_size => 90)");
	is(sql("SELECT n, count(*) FROM $table GROUP BY n"), '2|1000', "each row of $table is updated once");
}
is(sql(q(SELECT count(DISTINCT sum) FROM (SELECT shardid, sum(result::int) FROM run_command_on_placements('app.copied', 'SELECT sum(n) FROM %s') GROUP BY 1, nodename, nodeport) AS sums (shard, sum) GROUP BY shard HAVING count(DISTINCT sum) > 1)),
	'', 'both copies of a shard are equal');

# the online constraints

foreach my $table (@tables)
{
	my ($name) = $table =~ /\.(.*)/;
	my $key = $table eq 'app.item' ? 'tenant' : 'id';

	sql("UPDATE $table SET n = 1");
	sql("CALL cmig.add_not_null('$table', 'name')");
	sql("CALL cmig.add_check('$table', 'positive', 'n > 0')");
	sql("CALL cmig.add_unique('$table', '{$key,name}')");
	sql("CALL cmig.add_foreign_key('$table', 'n', 'app.country')");
	is(sql("SELECT string_agg(conname::text, ',' ORDER BY conname::text) FROM pg_constraint WHERE conrelid = '$table'::regclass AND convalidated AND contype <> 'p'"),
		join(',', sort "${name}_${key}_name_key", "${name}_n_fkey", 'positive'), "constraints of $table");
	next if $table eq 'app.plain';
	is(on_shards($coordinator, $table, <<'SQL'), 'c,f,p,u,name', "and of its shards");
SELECT string_agg(DISTINCT contype::text, ',') || ',' || (SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = %1$L::regclass AND attnotnull AND attname = 'name') FROM pg_constraint WHERE conrelid = %1$L::regclass AND convalidated AND contype <> 'n'
SQL
	sql("CALL cmig.add_check('$table', 'positive', 'n > 0')");
	pass('a second call does nothing');
	fails_with($coordinator, 'postgres', "CALL cmig.add_check('$table', 'great', 'n > 1')", '23514', 'violated.*repeat this CALL', "rows that violate a constraint of $table");
	sql("UPDATE $table SET n = 2");
	sql("CALL cmig.add_check('$table', 'great', 'n > 1')");
	is(sql("SELECT convalidated FROM pg_constraint WHERE conrelid = '$table'::regclass AND conname = 'great'"), 't', 'it continues after they were corrected');
}
sql("CALL cmig.add_not_null('app.event', 'n')");
sql("CALL cmig.add_check('app.event', 'positive', 'n > 0')");
is(on_shards($coordinator, $_, "SELECT convalidated::text || (SELECT attnotnull::text FROM pg_attribute WHERE attrelid = %1\$L::regclass AND attname = 'n') FROM pg_constraint WHERE conrelid = %1\$L::regclass AND contype = 'c'"), 'truetrue', "constraints of a partitioned table: $_")
  foreach qw(app.event app.event_1);
fails_with($coordinator, 'postgres', "CALL cmig.add_unique('app.event', '{tenant,at,n}')", '0A000', 'partitioned table.*for each partition', 'a unique constraint of a partitioned table is refused');
fails_with($coordinator, 'postgres', "CALL cmig.add_unique('app.item', 'name')", '0A000', 'non-partition columns', 'a unique constraint must contain the distribution column');
sql('ALTER TABLE app.item DROP CONSTRAINT item_tenant_name_key');
sql("UPDATE app.item SET name = 'same' WHERE tenant = 7 AND id < 200");
fails_with($coordinator, 'postgres', "CALL cmig.add_unique('app.item', '{tenant,name}', 'unique_name')", '', 'could not create unique index|duplicate', 'duplicates in a shard');
sql("DELETE FROM app.item WHERE tenant = 7");
sql("CALL cmig.add_unique('app.item', '{tenant,name}', 'unique_name')");
is(on_shards($coordinator, 'app.item', "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = %L::regclass AND relname LIKE 'unique\\_name%%' AND indisvalid"), '1',
	'the next call removes what the failed build left, on each shard');

fails_with($workers[0], 'postgres', $_, '0A000', 'cannot be called on a Citus worker', 'refused on a worker')
  foreach ("CALL cmig.backfill('app.item', 'n = 1', 'n IS NULL')", "CALL cmig.add_check('app.item', 'x', 'n > 0')");

# a table that is distributed during its backfill
foreach my $arguments ("'m = id', 'm IS NULL'", "'m = coalesce(m, 0) + id'")
{
	my $call = "CALL cmig.backfill('app.turned', $arguments, batch_size => 100)";

	sql('CREATE TABLE app.turned (id int PRIMARY KEY, m int); INSERT INTO app.turned SELECT generate_series(1, 2000)');
	my $holder = $coordinator->background_psql('postgres');
	$holder->query_safe('BEGIN; SELECT FROM app.turned WHERE id = 1000 FOR UPDATE');
	my $run = start_psql($coordinator, 'postgres', $call);
	wait_until_blocked($coordinator);
	my $turn = start_psql($coordinator, 'postgres', "SELECT create_distributed_table('app.turned', 'id')", 'turn');
	wait_until_blocked($coordinator, 'turn');
	$holder->query_safe('COMMIT');
	$holder->quit;
	isnt(finish_psql($run), 0, "the backfill stops: $call");
	like($run->{err}, qr/ERROR:  55000: Citus has distributed table app\.turned during its backfill.*Repeat the CALL/s, 'with a reason');
	is(finish_psql($turn), 0, 'the table is distributed');
	is(sql('SELECT state FROM cmig.backfill_progress ORDER BY id DESC LIMIT 1'), 'interrupted', 'it is not recorded as done');
	sql($call);
	is(sql('SELECT count(*), count(m), sum(m - id) FROM app.turned'), '2000|2000|0', 'and continues: each row is updated once');
	sql('DROP TABLE app.turned');
}

# two versions at once: only tables that Citus does not manage

make_tables($coordinator);
sql(load_sql(sql("SELECT content FROM cmig.baseline('The tables', '001')")));
my $before = sql("SELECT string_agg(attrelid::regclass || attname, ' ' ORDER BY attrelid::regclass::text, attnum) FROM pg_attribute WHERE attnum > 0 AND attrelid::regclass::text ~ '^(app|tenant_a)'");
foreach my $table (@managed)
{
	foreach my $change ('RENAME COLUMN name TO full_name', 'ALTER COLUMN n TYPE bigint', 'ADD COLUMN extra int NOT NULL DEFAULT 1')
	{
		sql("SELECT cmig.create_revision('Change', 'ALTER TABLE $table $change', revision => '002', expand => true)");
		fails_with($coordinator, 'postgres', 'CALL cmig.expand()', '0A000', "table $table cannot be expanded.*Citus manages it.*cmig.upgrade", "$table is refused: $change");
		sql("SELECT cmig.remove_revision('002')");
	}
}
# a foreign key to a reference table makes Citus manage a table, and those that have one with it
sql("SELECT cmig.create_revision('Change', 'ALTER TABLE app.plain ADD COLUMN country int REFERENCES app.country', revision => '002', expand => true)");
fails_with($coordinator, 'postgres', 'CALL cmig.expand()', '0A000', 'table app.plain cannot be expanded.*or would because of a foreign key', 'a foreign key to a reference table is refused');
sql("SELECT cmig.remove_revision('002')");
sql("SELECT cmig.create_revision('Change', 'CREATE TABLE app.between (id int PRIMARY KEY REFERENCES app.country); ALTER TABLE app.plain ADD COLUMN b int REFERENCES app.between', revision => '002', expand => true)");
fails_with($coordinator, 'postgres', 'CALL cmig.expand()', '0A000', 'table app.plain cannot be expanded.*or would because of a foreign key', 'also over another table');
sql("SELECT cmig.remove_revision('002')");
is(sql("SELECT count(*) FROM cmig.expansion_run"), 0, 'before anything runs');
is(sql("SELECT string_agg(attrelid::regclass || attname, ' ' ORDER BY attrelid::regclass::text, attnum) FROM pg_attribute WHERE attnum > 0 AND attrelid::regclass::text ~ '^(app|tenant_a)'"), $before, 'and no table changes');
is(sql("SELECT count(*) FROM pg_namespace WHERE nspname ~ '_002'"), 0, 'nor is there a new schema');
sql("SELECT cmig.create_revision('Change', 'ALTER TABLE app.plain RENAME COLUMN name TO full_name; ALTER TABLE app.plain ALTER COLUMN n TYPE bigint', revision => '002', expand => true)");
fails_with($workers[0], 'postgres', $_, '0A000', 'cannot be called on a Citus worker', "$_ is refused on a worker") foreach ('CALL cmig.expand()', "CALL cmig.expand(scopes => '%')", 'CALL cmig.contract()', 'CALL cmig.abandon()');
sql('CALL cmig.expand()');
sql("INSERT INTO app_002.plain (id, full_name, n) VALUES (1001, 'new', 5); INSERT INTO app.plain VALUES (1002, 'old', 6)");
is(sql("SELECT string_agg(concat_ws(' ', id, name, n), ', ' ORDER BY id) FROM app.plain WHERE id > 1000"), '1001 new 5, 1002 old 6', 'another table has two versions: the old one');
is(sql("SELECT string_agg(concat_ws(' ', id, full_name, n), ', ' ORDER BY id) FROM app_002.plain WHERE id > 1000"), '1001 new 5, 1002 old 6', 'and the new one');
sql('CALL cmig.abandon()');
is(sql("SELECT string_agg(attrelid::regclass || attname, ' ' ORDER BY attrelid::regclass::text, attnum) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid::regclass::text ~ '^(app|tenant_a)'"), $before, 'abandon restores it');
# Citus begins to manage a table that is expanded
foreach ([ "SELECT citus_add_local_table_to_metadata('app.plain')", 'CALL cmig.abandon()' ],
	[ 'ALTER TABLE app.plain ADD CONSTRAINT later FOREIGN KEY (n) REFERENCES app.country', 'CALL cmig.abandon()' ],
	[ "SET citus.enable_unsafe_triggers = on; SELECT create_distributed_table('app.plain', 'id')", 'SET citus.enable_unsafe_triggers = on; CALL cmig.abandon()' ])
{
	my ($statement, $fix) = @$_;
	sql('UPDATE app.plain SET n = id % 5 + 1');
	sql('CALL cmig.expand()');
	sql($statement);
	is(sql("SELECT severity, problem, fix FROM cmig.check() WHERE object = 'table app.plain'"), "error|while revision \"002\" is expanded, Citus is in the way of it. Citus began to manage it, so neither version can be written.|$fix", "check: $statement");
	fails_with($coordinator, 'postgres', 'CALL cmig.contract()', '0A000', 'table app.plain cannot be contracted because of Citus.*cmig.abandon', 'contract refuses');
	sql($fix);
	sql('ALTER TABLE app.plain DROP CONSTRAINT IF EXISTS later');
	sql("SELECT undistribute_table('app.plain')") if sql("SELECT count(*) FROM citus_tables WHERE table_name = 'app.plain'::regclass");
}
sql('CALL cmig.expand()');
sql('CALL cmig.contract()');
is(sql('SELECT count(*) FROM cmig.drift(raise => false)'), '0', 'contract ends in the schema of the revisions');

stop_cluster($coordinator, @workers);
done_testing();
