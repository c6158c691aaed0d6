# Copyright (c) 2026, the pg_cmig developers

# Tests an expanded partitioned table that a subscription writes: a replicated update that moves
# a row to another partition deletes it there, and inserts it here, which fires triggers for
# INSERT with a row that has hidden columns.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = new_node('replicated_moves', 'wal_level = logical', 'max_replication_slots = 10', 'max_wal_senders = 10');
$node->start;
no warnings 'redefine';
sub sql { return $node->safe_psql(@_) }
use warnings 'redefine';

my $columns = 'id int NOT NULL, k int NOT NULL DEFAULT 0, n text DEFAULT 6, v int, PRIMARY KEY (id, k)';
my $rows = q{SELECT string_agg(concat_ws(' ', id, k, o.n || '/' || coalesce(n.n::text, '-'), n.z, left(cmig_state, 4)), ', ' ORDER BY id) FROM t o JOIN public_1.t n USING (id, k)};

foreach my $trigger (0, 1)
{
	my ($publisher, $subscriber) = ("publisher$trigger", "subscriber$trigger");

	new_database($node, $_) foreach $publisher, $subscriber;
	sql($publisher, "CREATE TABLE t ($columns); CREATE PUBLICATION p FOR TABLE t; SELECT pg_create_logical_replication_slot('s$trigger', 'pgoutput')");
	sql($subscriber, "CREATE TABLE t ($columns) PARTITION BY LIST (k); CREATE TABLE t0 PARTITION OF t FOR VALUES IN (0);
		CREATE TABLE t1 (v int, gone int, n text DEFAULT 6, k int NOT NULL DEFAULT 0, id int NOT NULL); ALTER TABLE t1 DROP gone; ALTER TABLE t ATTACH PARTITION t1 DEFAULT");
	sql($subscriber, q{CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := trim(NEW.n); RETURN NEW; END';
		CREATE TRIGGER f BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE t ENABLE REPLICA TRIGGER f}) if $trigger;
	sql($subscriber, "CREATE SUBSCRIPTION s$trigger CONNECTION 'host=" . $node->host . ' port=' . $node->port . " dbname=$publisher' PUBLICATION p WITH (create_slot = false, copy_data = false)");
	sql($publisher, q{INSERT INTO t SELECT g, 0, g, g FROM generate_series(1, 7) g; UPDATE t SET n = 'x' WHERE id = 5});
	$node->wait_for_catchup("s$trigger");
	sql($subscriber, q{CREATE FUNCTION slow(v int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF v = 1 THEN PERFORM pg_advisory_xact_lock(1); END IF; RETURN v * 10; END'});
	sql($subscriber, q{SELECT cmig.create_revision('a', $c$ALTER TABLE t ALTER n TYPE int USING n::int;
ALTER TABLE t ADD z int;
-- cmig:up t.z = slow(v)$c$, NULL, revision => '1', expand => true)});

	# rows that move before they are filled
	my $open = $node->background_psql($subscriber);
	$open->query_safe('SELECT pg_advisory_lock(1)');
	my $expand = start_psql($node, $subscriber, 'CALL cmig.expand()');
	wait_until_blocked($node);
	sql($publisher, q{UPDATE t SET k = 1 WHERE id = 6; UPDATE t SET k = 1, n = '77', v = 77 WHERE id = 7});
	$node->wait_for_catchup("s$trigger");
	$open->quit;
	is(finish_psql($expand), 0, 'expanded');
	is(sql($subscriber, $rows), '1 0 1/1 10, 2 0 2/2 20, 3 0 3/3 30, 4 0 4/4 40, 5 0 x/- 50 n: 2, 6 1 6/6 60, 7 1 77/77 770', 'rows that had moved were filled');

	# what the new build has set, as far as there is a way back, stays if only the key changes
	sql($subscriber, 'UPDATE public_1.t SET n = 33 WHERE id = 3');
	sql($publisher, q{UPDATE t SET k = 1, n = '11', v = 11 WHERE id = 1; UPDATE t SET k = 1, n = 'y' WHERE id = 2; UPDATE t SET k = 2 WHERE id = 4; UPDATE t SET k = 2 WHERE id = 5});
	$node->wait_for_catchup("s$trigger");
	is(sql($subscriber, $rows), '1 1 11/11 110, 2 1 y/- 20 n: 2, 3 0 33/33 30, 4 2 4/4 40, 5 2 x/- 50 n: 2, 6 1 6/6 60, 7 1 77/77 770', 'what a replicated update changes while it moves a row is transformed');
	sql($publisher, q{UPDATE t SET k = 0, n = '22' WHERE id = 2; UPDATE t SET k = 0, n = ' 5', v = 5 WHERE id = 5; UPDATE t SET k = 0, v = v + 1 WHERE id IN (6, 7); UPDATE t SET k = 1, n = '3' WHERE id = 3});
	$node->wait_for_catchup("s$trigger");
	my $five = $trigger ? '5/5' : ' 5/5';
	is(sql($subscriber, $rows), "1 1 11/11 110, 2 0 22/22 20, 3 1 3/3 30, 4 2 4/4 40, 5 0 $five 50, 6 0 6/6 70, 7 0 77/77 780", 'also back, and where it could not be transformed');
	sql($subscriber, 'CALL cmig.contract()');
	is(sql($subscriber, q{SELECT string_agg(concat_ws(' ', n, z), ', ' ORDER BY id) FROM t}), '11 110, 22 20, 3 30, 4 40, 5 50, 6 70, 77 780', 'contracted');
	sql($subscriber, "ALTER SUBSCRIPTION s$trigger DISABLE");
	sql($subscriber, "DROP SUBSCRIPTION s$trigger");
}

done_testing();
