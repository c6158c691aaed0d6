# Copyright (c) 2026, the pg_cmig developers

# Stops a worker in the middle of each kind of step of a stepwise run, and kills servers
# at random moments of a backfill (CITUS_KILLS times; default: 10).  The next call must
# continue the run, and each row must be updated once.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/..";
use CmigCluster;
use CmigNode;
use Test::More;
use Time::HiRes qw(usleep);

my ($coordinator, @workers) = new_cluster();
my $worker = $workers[0];

sub sql { return query($coordinator, 'postgres', @_) }

make_tables($coordinator);

# Returns a table's shards on the first worker.
sub shards
{
	my ($table) = @_;

	return split /\n/, sql("SELECT shard_name(logicalrelid, shardid) FROM pg_dist_shard JOIN pg_dist_shard_placement USING (shardid)"
		  . " WHERE logicalrelid = '$table'::regclass AND nodeport = " . $worker->port . ' ORDER BY 1');
}

# recover(): finishes two-phase commits that were interrupted
sub recover
{
	$coordinator->poll_query_until('postgres',
		'SELECT sum(recover_prepared_transactions()) IS NOT NULL AND (SELECT bool_and(result::int = 0) FROM run_command_on_all_nodes($$SELECT count(*) FROM pg_prepared_xacts$$))')
	  or die 'prepared transactions remain';
}

# A session on the worker locks the shards, so that the statement waits there.
# Then the worker is stopped.
sub interrupt
{
	my ($id, $what, $statement, $lock, $table) = @_;
	my ($parent) = split /\n/, sql('SELECT revision FROM cmig.version');
	(my $file = revision_file($id, $parent // '', "SELECT 1;\n$statement;\nCOMMENT ON TABLE app.plain IS '$id';", "SELECT 1;"))
	  =~ s/^-- create_date/-- transactional: false\n$&/m;

	sql(load_sql($file));
	my $blocker = $worker->background_psql('postgres');
	$blocker->query_safe("SET citus.enable_manual_changes_to_shards = on; BEGIN; LOCK TABLE " . join(', ', shards($table)) . " IN $lock MODE");
	my $run = start_psql($coordinator, 'postgres', 'CALL cmig.upgrade_stepwise()');
	my $waits = $worker->poll_query_until('postgres', 'SELECT count(*) > 0 FROM pg_locks WHERE NOT granted');
	ok($waits, "$what waits on the worker");
	$worker->stop('immediate');
	eval { $blocker->quit };
	isnt(finish_psql($run), 0, "$what: the run fails when the worker is stopped");
	$worker->start;
	recover();
	sql('CALL cmig.upgrade_stepwise()');
	is(sql("SELECT obj_description('app.plain'::regclass)"), $id, 'the next call continues to its end');
}

interrupt('a_alter', 'ALTER TABLE', 'ALTER TABLE app.item ADD COLUMN extra int', 'ACCESS SHARE', 'app.item');
is(on_shards($coordinator, 'app.item', "SELECT count(*) FROM pg_attribute WHERE attrelid = %L::regclass AND attname = 'extra'"), '1', 'each shard has the column');

interrupt('b_index', 'CREATE INDEX CONCURRENTLY', 'CREATE INDEX CONCURRENTLY item_name ON app.item (name)', 'ROW EXCLUSIVE', 'app.item');
is(on_shards($coordinator, 'app.item', "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = %L::regclass AND indisvalid AND relname LIKE 'item\\_name%%'"), '1',
	'each shard has a valid index');

interrupt('c_filter', 'a backfill with where_sql', "CALL cmig.backfill('app.item', 'extra = 1', 'extra IS NULL', batch_size => 500)", 'SHARE', 'app.item');
is(sql('SELECT extra, count(*) FROM app.item GROUP BY extra'), '1|5000', 'all rows are updated');

interrupt('d_key', 'a backfill without where_sql', "CALL cmig.backfill('app.item', 'extra = extra + 1', batch_size => 500)", 'SHARE', 'app.item');
is(sql('SELECT extra, count(*) FROM app.item GROUP BY extra'), '2|5000', 'each row is updated once');

interrupt('e_check', 'cmig.add_check', "CALL cmig.add_check('app.item', 'positive', 'extra > 0')", 'SHARE UPDATE EXCLUSIVE', 'app.item');
is(on_shards($coordinator, 'app.item', "SELECT bool_and(convalidated) FROM pg_constraint WHERE conrelid = %L::regclass AND contype = 'c'"), 't', 'each shard has a valid constraint');

interrupt('f_null', 'cmig.add_not_null', "CALL cmig.add_not_null('app.item', 'extra')", 'SHARE UPDATE EXCLUSIVE', 'app.item');
is(on_shards($coordinator, 'app.item', "SELECT attnotnull FROM pg_attribute WHERE attrelid = %L::regclass AND attname = 'extra'"), 't', 'the column of each shard is not null');

interrupt('g_unique', 'cmig.add_unique', "CALL cmig.add_unique('app.item', '{tenant,name}')", 'ROW EXCLUSIVE', 'app.item');
is(on_shards($coordinator, 'app.item', "SELECT count(*) FROM pg_constraint WHERE conrelid = %L::regclass AND contype = 'u'"), '1', 'each shard has the constraint');

interrupt('h_reference', 'ALTER TABLE of a reference table', 'ALTER TABLE app.country ADD COLUMN extra int DEFAULT 0', 'ACCESS SHARE', 'app.country');
interrupt('i_reference', 'a backfill of a reference table', "CALL cmig.backfill('app.country', 'extra = extra + 1', batch_size => 100)", 'SHARE', 'app.country');
is(on_shards($coordinator, 'app.country', 'SELECT sum(extra) FROM %s'), '500', 'each copy of each row is updated once');

interrupt('j_foreign_key', 'cmig.add_foreign_key', "CALL cmig.add_foreign_key('app.item', 'country', 'app.country')", 'ROW EXCLUSIVE', 'app.item');
is(on_shards($coordinator, 'app.item', "SELECT bool_and(convalidated) FROM pg_constraint WHERE conrelid = %L::regclass AND contype = 'f'"), 't', 'each shard has a valid foreign key');

# the shards of the new table wait for a lock on the table that they reference
interrupt('k_distribute', 'create_distributed_table', "CREATE TABLE app.owner (id int PRIMARY KEY, country int REFERENCES app.country);\nINSERT INTO app.owner SELECT i, i FROM generate_series(1, 500) i;\nSELECT create_distributed_table('app.owner', 'id')",
	'ROW EXCLUSIVE', 'app.country');
is(sql("SELECT citus_table_type FROM citus_tables WHERE table_name = 'app.owner'::regclass") . sql('SELECT count(*) FROM app.owner'), 'distributed500', 'the table is distributed with its rows');

# servers are killed at random moments

my $kills = $ENV{CITUS_KILLS} // 10;
srand(my $seed = $ENV{CITUS_SEED} // time);
diag("CITUS_SEED=$seed");

sub victim
{
	my ($node) = @_;
	my $pids = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (application_name LIKE 'citus\\_internal%' OR application_name = 'run' OR backend_type = 'checkpointer')");
	my @pids = split /\n/, $pids;

	return $pids[ rand @pids ];
}

my %table = ('app.item' => 5000, 'app.country' => 500, 'tenant_a.thing' => 500);
my @names = sort keys %table;
sql("UPDATE $_ SET n = 0") foreach @names;
my %times = map { $_ => 0 } @names;
my $interrupted = 0;
foreach my $i (1 .. $kills)
{
	my $table = $names[ $i % @names ];
	my $call = "CALL cmig.backfill('$table', 'n = n + 1', batch_size => " . ($table eq 'app.item' ? 100 : 10) . ')';
	my $last = sql('SELECT coalesce(max(id), 0) FROM cmig.backfill_progress');
	my $run = start_psql($coordinator, 'postgres', $call);
	my $node = ($coordinator, @workers)[ rand 3 ];

	usleep(rand 300_000);
	kill_backend(victim($node));
	my $status = finish_psql($run);
	wait_for_recovery($node);
	recover();
	if ($status != 0)
	{
		$interrupted++;
		# the server may have been killed after the run had ended
		sql($call) if sql("SELECT count(*) FROM cmig.backfill_progress WHERE id > $last AND state = 'done'") == 0;
	}
	$times{$table}++;
	my $sums = join ' ', map { sql("SELECT min(n) || '-' || max(n) FROM $_") } @names;
	is($sums, join(' ', map { "$times{$_}-$times{$_}" } @names), "kill $i, of " . $node->name . ", status $status: each row of $table is updated once");
}
diag("$interrupted of $kills backfills were interrupted");

stop_cluster($coordinator, @workers);
done_testing();
