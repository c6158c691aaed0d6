# Copyright (c) 2026, the pg_cmig developers

# Tests point-in-time recovery to the middle of a stepwise run: between two statements,
# within a statement, and between two batches of a backfill.  pg_cmig's tables must
# match the objects that exist at that time, and repeating the call must have the same
# result as an undisturbed run.  Also tests recovery to the restore points of the run,
# and logical replication between two servers that both have pg_cmig and audit the same
# table.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(has_archiving => 1, allows_streaming => 'logical', extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nmax_connections = 20\n");
$node->start;

my $steps = revision_file('002', '001', q{
CREATE INDEX CONCURRENTLY item_name ON item (name);
INSERT INTO trace SELECT 'two', pg_current_xact_id()::text;
SELECT pg_create_restore_point('within three');
CALL cmig.backfill('item', 'n = coalesce(n, 0) + 1', batch_size => 400);
INSERT INTO trace SELECT 'five', pg_current_xact_id()::text;
CREATE UNIQUE INDEX CONCURRENTLY item_id ON item (id, n);
INSERT INTO trace SELECT 'seven', pg_current_xact_id()::text;
VACUUM item;}, 'DROP INDEX CONCURRENTLY item_id;');
$steps =~ s/\n\n-- cmig:upgrade/\n-- transactional: false\n\n-- cmig:upgrade/;

query($node, 'postgres', 'CREATE DATABASE shop');
query($node, 'shop', 'CREATE EXTENSION pg_cmig;' . load_sql(
		revision_file('001', '', q{
CREATE TABLE item (id int PRIMARY KEY, name text, n int);
INSERT INTO item SELECT g, 'name ' || g FROM generate_series(1, 2000) g;
CREATE TABLE trace (what text PRIMARY KEY, xid text);}, 'DROP TABLE item, trace;'),
		$steps, revision_file('003', '002', 'ALTER TABLE item ADD extra text;', 'ALTER TABLE item DROP extra;'))
	  . q{SELECT cmig.upgrade('001'); SELECT cmig.enable_audit('item', level => 'row')});
$node->backup('base');
query($node, 'shop', 'SET cmig.restore_point = on; CALL cmig.upgrade_stepwise()');

# Returns everything that a finished run has created, except times and transaction ids.
sub picture
{
	my ($server) = @_;

	return query($server, 'shop', q{
SELECT revision FROM cmig.version;
SELECT revision, direction, outcome FROM cmig.journal WHERE outcome = 'done' ORDER BY revision, direction;
SELECT count(*) FROM cmig.progress;
SELECT state, rows, rows_of_pass FROM cmig.backfill_run;
SELECT what FROM trace ORDER BY what;
SELECT count(*), sum(n), min(n), max(n) FROM item;
SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = 'item'::regclass ORDER BY 1;
SELECT operation, count(*), count(DISTINCT row_key) FROM cmig_audit.log GROUP BY 1 ORDER BY 1;
SELECT attname FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum > 0 ORDER BY attnum;
SELECT severity, problem FROM cmig.check() WHERE severity = 'error';});
}

my $quiet = picture($node);
like($quiet, qr/^003\n.*^done\|2000\|2000\n.*^UPDATE\|2000\|2000\n/ms, 'the undisturbed run');
my %xid = map { split /\|/ } split /\n/, query($node, 'shop', 'SELECT what, xid FROM trace');
my @batches = split /\n/, query($node, 'shop', 'SELECT DISTINCT transaction_id::text::bigint FROM cmig_audit.log ORDER BY 1');
is(scalar(@batches), 5, 'five batches');
$node->safe_psql('postgres', 'SELECT pg_switch_wal()');

# For each recovery target: the setting, the number of completed statements, their
# traces, and the number of updated rows.
my @points = (
	[ 'after statement 2', "recovery_target_xid = '$xid{two}'", 2, 'two', 0 ],
	[ 'within statement 3', "recovery_target_name = 'within three'", 2, 'two', 0 ],
	[ 'after batch 1', "recovery_target_xid = '$batches[0]'", 3, 'two', 400 ],
	[ 'after batch 4', "recovery_target_xid = '$batches[3]'", 3, 'two', 1600 ],
	[ 'before statement 5 is committed', "recovery_target_xid = '$xid{five}'\nrecovery_target_inclusive = off", 4, 'two', 2000 ],
	[ 'after statement 7', "recovery_target_xid = '$xid{seven}'", 7, 'five, seven, two', 2000 ]);
my $number = 0;

sub recovered
{
	my ($setting) = @_;
	my $copy = PostgreSQL::Test::Cluster->new('copy' . ++$number);

	$copy->init_from_backup($node, 'base', has_restoring => 1, standby => 0);
	$copy->append_conf('postgresql.conf', "$setting\nrecovery_target_action = promote\narchive_mode = off");
	$copy->start;
	$copy->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'no end of recovery';
	return $copy;
}

foreach my $point (@points)
{
	my ($name, $setting, $done, $traced, $rows) = @$point;
	my $copy = recovered($setting);

	is(query($copy, 'shop', q{
SELECT revision FROM cmig.version;
SELECT count(*) FROM cmig.progress WHERE state = 'done';
SELECT string_agg(what, ', ' ORDER BY what) FROM trace;
SELECT count(n), (SELECT count(*) FROM cmig_audit.log), coalesce((SELECT sum(rows) FROM cmig.backfill_run), 0) FROM item;
SELECT outcome FROM cmig.journal ORDER BY id DESC LIMIT 1;
SELECT item FROM cmig.status() WHERE item IN ('running', 'interrupted', 'failed')}),
		"001\n$done\n$traced\n$rows|$rows|$rows\nrunning\ninterrupted", "$name: the catalog matches what exists");
	query($copy, 'shop', 'CALL cmig.upgrade_stepwise()');
	is(picture($copy), $quiet, "$name: the run continues to the same result");
	$copy->stop;
}

# the restore points that cmig.restore_point = on creates
my @created = query($node, 'shop', q{SELECT message FROM cmig.journal WHERE revision = '002'}) =~ /\bcmig_\w+/g;
foreach my $revision ('001', '003')
{
	my $name = shift @created;
	my $copy = recovered("recovery_target_name = '$name'");

	is(query($copy, 'shop', q{SELECT revision FROM cmig.version; SELECT count(*) FROM cmig.progress}), "$revision\n0", $name =~ s/_\d+//gr);
	$copy->stop;
}

#
# Both servers audit the table
#
my $subscriber = new_node('subscriber', 'max_connections = 20');
$subscriber->start;
query($node, 'postgres', 'CREATE DATABASE pub');
query($subscriber, 'postgres', 'CREATE DATABASE sub');
my $make = q{CREATE EXTENSION pg_cmig;
CREATE TABLE own (id int PRIMARY KEY, v text); CREATE TABLE shared (id int PRIMARY KEY, v text);
SELECT cmig.enable_audit('own'); };
query($node, 'pub', $make . q{SELECT cmig.enable_audit('shared'); CREATE PUBLICATION p FOR TABLE own, shared;});
my $feed = $node->connstr('pub');
query($subscriber, 'sub', $make . q{SELECT cmig.enable_audit('shared', replicated => true)} . ";CREATE SUBSCRIPTION s CONNECTION \$c\$$feed\$c\$ PUBLICATION p");
$subscriber->wait_for_subscription_sync($node, 's', 'sub');
query($node, 'pub', join '', map { "INSERT INTO $_ VALUES (1, 'a'), (2, 'b'); UPDATE $_ SET v = v || '!'; DELETE FROM $_ WHERE id = 2;" } qw(own shared));
$node->wait_for_catchup('s');
my $entries = q{SELECT table_name, string_agg(left(operation, 1) || (row_key->>'id') || coalesce(new_row->>'v', ''), ' ' ORDER BY id) FROM cmig_audit.log GROUP BY 1 ORDER BY 1};
is(query($node, 'pub', $entries), "own|I1a I2b U1a! U2b! D2\nshared|I1a I2b U1a! U2b! D2", 'the publisher logs each change once');
is(query($subscriber, 'sub', $entries), 'shared|I1a I2b U1a! U2b! D2', 'the subscriber logs replicated changes once, and only with replicated => true');
is(query($subscriber, 'sub', q{SELECT tgrelid::regclass, string_agg(DISTINCT tgenabled::text, '') FROM pg_trigger WHERE tgname ~ '^cmig_audit' GROUP BY 1 ORDER BY 1}),
	"own|O\nshared|A", 'the triggers are ENABLE ALWAYS with replicated => true, and otherwise ORIGIN');
query($subscriber, 'sub', q{INSERT INTO own VALUES (7, 'local'); INSERT INTO shared VALUES (7, 'local')});
is(query($subscriber, 'sub', q{SELECT table_name FROM cmig_audit.log WHERE row_key->>'id' = '7' ORDER BY 1}), "own\nshared", 'local changes are logged once in both tables');
query($subscriber, 'sub', q{SET session_replication_role = replica; INSERT INTO own VALUES (8, 'r'); INSERT INTO shared VALUES (8, 'r')});
is(query($subscriber, 'sub', q{SELECT table_name FROM cmig_audit.log WHERE row_key->>'id' = '8' ORDER BY 1}), 'shared', 'as a replica, changes are logged only with replicated => true');

# the log is also replicated: it contains the entries of both servers, none of them
# twice
query($node, 'pub', q{ALTER PUBLICATION p SET TABLE own, shared, cmig_audit.log; ALTER PUBLICATION p SET (publish_via_partition_root = true)});
query($subscriber, 'sub', 'ALTER SUBSCRIPTION s REFRESH PUBLICATION WITH (copy_data = false)');
query($node, 'pub', q{INSERT INTO own VALUES (9, 'sent')});
$node->wait_for_catchup('s');
is(query($subscriber, 'sub', q{SELECT table_name, operation FROM cmig_audit.log WHERE row_key->>'id' = '9'}), 'own|INSERT', "a replicated log has the publisher's entry once");
query($subscriber, 'sub', 'DROP SUBSCRIPTION s');

$subscriber->stop;
$node->stop;
done_testing();
