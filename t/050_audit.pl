# Copyright (c) 2026, the pg_cmig developers

# Tests the audit log with crashes, prepared transactions, dumps, and logical
# replication, and while rows are moved to new partitions.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('audit', 'max_prepared_transactions = 10', 'wal_level = logical',
	'restart_after_crash = on', 'max_connections = 30');
$node->start;

# --- kill -9 during load --------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE crash');
$node->safe_psql('crash', q{
CREATE EXTENSION pg_cmig;
CREATE TABLE s (id bigint PRIMARY KEY, v integer NOT NULL DEFAULT 0);
CREATE TABLE r (id bigint PRIMARY KEY, v integer NOT NULL DEFAULT 0);
CREATE SEQUENCE ids;
SELECT cmig.enable_audit('s', level => 'statement');
SELECT cmig.enable_audit('r', level => 'row');
});
my $script = PostgreSQL::Test::Utils::tempdir . '/load.sql';
append_to_file($script, join("\n", 'BEGIN;',
	"INSERT INTO s SELECT nextval('ids') FROM generate_series(1, 20);",
	"INSERT INTO r SELECT nextval('ids') FROM generate_series(1, 5);",
	'UPDATE s SET v = v + 1 WHERE id % 50 = :client_id;',
	'UPDATE r SET v = v + 1 WHERE id % 50 = :client_id;',
	'DELETE FROM s WHERE id % 97 = :client_id;', 'COMMIT;', ''));
for my $round (1 .. 2)
{
	my ($out, $err) = ('', '');
	my $load = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-T', 60, '-f', $script, $node->connstr('crash') ],
		'>', \$out, '2>', \$err);
	my $at_least = 400 * $round;
	$node->poll_query_until('crash', "SELECT count(*) > $at_least FROM s") or die "no load: $err";
	my $pid = $node->safe_psql('crash',
		"SELECT pid FROM pg_stat_activity WHERE datname = 'crash' AND backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1");
	kill_backend($pid);
	$load->finish;
	wait_for_recovery($node);
	for my $table ('s', 'r')
	{
		is( $node->safe_psql('crash', qq{
SELECT count(*) > 0, count(*) FILTER (WHERE t.v IS DISTINCT FROM l.v)
FROM $table t FULL JOIN (SELECT DISTINCT ON (row_key) (row_key->>'id')::bigint AS id, operation, (new_row->>'v')::integer AS v
	FROM cmig_audit.log WHERE table_name = '$table' ORDER BY row_key, seq DESC, command_id DESC, id DESC) l
	ON l.id = t.id AND l.operation <> 'DELETE' WHERE t.id IS NOT NULL OR l.operation <> 'DELETE'}),
			't|0', "round $round: each committed change of $table has its entry, and no entry is without its change");
	}
	# The old row of each entry is the new row of the previous entry, so no entry is
	# missing.
	is( $node->safe_psql('crash', q{
SELECT count(*) FILTER (WHERE operation = 'UPDATE') > 0, count(*) FILTER (WHERE (CASE operation WHEN 'INSERT' THEN previous IS NULL AND new_v = 0
	WHEN 'UPDATE' THEN previous <> 'DELETE' AND old_v = previous_v AND new_v = old_v + 1
	ELSE previous <> 'DELETE' AND old_v = previous_v END) IS NOT TRUE)
FROM (SELECT operation, (old_row->>'v')::integer AS old_v, (new_row->>'v')::integer AS new_v,
	lag(operation) OVER w AS previous, lag((new_row->>'v')::integer) OVER w AS previous_v
	FROM cmig_audit.log WINDOW w AS (PARTITION BY table_name, row_key ORDER BY seq, command_id, id)) e}),
		't|0', "round $round: no entry is missing between two others");
}

# --- prepared transactions ------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE prepared');
$node->safe_psql('prepared', q{
CREATE EXTENSION pg_cmig;
CREATE TABLE t (id integer PRIMARY KEY, v text);
SELECT cmig.enable_audit('t');
});
sub entries
{
	my ($what) = @_;
	return $node->safe_psql('prepared', qq{SELECT coalesce(string_agg(left(operation, 1) || coalesce(row_key->>'id', ''), ' ' ORDER BY seq, command_id, id), '') FROM cmig_audit.log WHERE table_name = '$what'});
}
$node->safe_psql('prepared', q{
BEGIN; INSERT INTO t VALUES (1, 'kept'); PREPARE TRANSACTION 'a';
BEGIN; INSERT INTO t VALUES (2, 'gone'); PREPARE TRANSACTION 'b';
INSERT INTO t VALUES (3, 'after');
});
is(entries('t'), 'I3', 'entries of a prepared transaction are not visible before it commits');
$node->safe_psql('prepared', q{COMMIT PREPARED 'a'; ROLLBACK PREPARED 'b'});
is(entries('t'), 'I1 I3', 'entries are committed or rolled back with their transaction');
# triggers of both levels, subtransactions, a changed layout, and a crash before the
# commit
$node->safe_psql('prepared', q{
CREATE TABLE rows (id integer PRIMARY KEY, v text);
CREATE TABLE skipped (id integer PRIMARY KEY, v text);
SELECT cmig.enable_audit('rows', level => 'row'), cmig.enable_audit('skipped');
BEGIN;
ALTER TABLE rows ADD COLUMN w text;
INSERT INTO rows VALUES (1, 'a', 'w');
SAVEPOINT s; INSERT INTO rows VALUES (2, 'b', 'w'); ROLLBACK TO s;
UPDATE rows SET v = 'c';
PREPARE TRANSACTION 'kept';
BEGIN; INSERT INTO t VALUES (10, 'a'); UPDATE t SET v = 'b' WHERE id = 1; DELETE FROM t WHERE id = 3; PREPARE TRANSACTION 'gone';
BEGIN; SET LOCAL cmig.audit_skip = on; INSERT INTO skipped VALUES (1); INSERT INTO skipped VALUES (2); UPDATE skipped SET v = 'x'; PREPARE TRANSACTION 'skip kept';
BEGIN; SET LOCAL cmig.audit_skip = on; INSERT INTO skipped VALUES (3); PREPARE TRANSACTION 'skip gone';
INSERT INTO skipped VALUES (4);
});
$node->stop('immediate');
$node->start;
$node->safe_psql('prepared', q{
COMMIT PREPARED 'kept'; ROLLBACK PREPARED 'gone';
COMMIT PREPARED 'skip kept'; ROLLBACK PREPARED 'skip gone';
});
is(entries('rows'), 'I1 U1', 'after a crash, the committed prepared transaction has its entries');
is(entries('t'), 'I1 I3', 'after a crash, the prepared transaction that is rolled back has none');
is($node->safe_psql('prepared', q{SELECT string_agg(new_row->>'v', ',' ORDER BY id), string_agg(new_row->>'w', ',') FROM cmig_audit.log WHERE table_name = 'rows'}),
	'a,c|w,w', 'the entries have the values of the prepared transaction');
is(entries('skipped'), 'S S I4', 'skipped auditing is logged in the transaction of the changes, with one entry for each operation');
# a session does not assume that the entries of its prepared transaction were written
$node->safe_psql('prepared', q{
BEGIN; SET LOCAL cmig.audit_skip = on; INSERT INTO skipped VALUES (5); PREPARE TRANSACTION 'x'; ROLLBACK PREPARED 'x';
BEGIN; SET LOCAL cmig.audit_skip = on; INSERT INTO skipped VALUES (6); COMMIT;
BEGIN; ALTER TABLE skipped RENAME TO skipped_now; INSERT INTO skipped_now VALUES (7); PREPARE TRANSACTION 'y'; ROLLBACK PREPARED 'y';
ALTER TABLE skipped RENAME TO skipped_now; INSERT INTO skipped_now VALUES (8);
});
is(entries('skipped') . ' / ' . entries('skipped_now'), 'S S I4 S / I8', 'skipped auditing is logged after a rollback in the same session');
is($node->safe_psql('prepared', q{SELECT count(*) FROM cmig_audit.layout WHERE table_name = 'skipped_now'}),
	'1', 'the layout is recorded after a rollback in the same session');

# --- dump and restore -----------------------------------------------------

$node->safe_psql('postgres', 'CREATE ROLE dbo CREATEROLE; CREATE DATABASE shop OWNER dbo');
$node->safe_psql('shop', q{
SET SESSION AUTHORIZATION dbo;
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
CREATE TABLE shop.gone (x integer);
CREATE TABLE shop.customer (dropped integer, id integer PRIMARY KEY, name text, card text, secret text);
ALTER TABLE shop.customer DROP COLUMN dropped;
});
my $dump = PostgreSQL::Test::Utils::tempdir;
sub schema_of
{
	my ($db, @options) = @_;
	my ($text) = run_command([ 'pg_dump', '-s', @options, $node->connstr($db) ]);
	$text =~ s/^\\(un)?restrict .*\n//mg;
	return $text;
}
my $plain = schema_of('shop', '-t', 'shop.customer');
$node->safe_psql('shop', q{
SET SESSION AUTHORIZATION dbo;
SELECT cmig.enable_audit('shop.customer', exclude => '{secret}', hash => '{card}', image => 'changes');
});
isnt(schema_of('shop', '-t', 'shop.customer'), $plain, 'enable_audit adds triggers');
$node->safe_psql('shop', q{SET SESSION AUTHORIZATION dbo; SELECT cmig.disable_audit('shop.customer')});
is(schema_of('shop', '-t', 'shop.customer'), $plain, 'after disable_audit, pg_dump -s is the same as before');
$node->safe_psql('shop', q{
SET SESSION AUTHORIZATION dbo;
SELECT cmig.enable_audit('shop.customer', exclude => '{secret}', hash => '{card}', image => 'changes');
INSERT INTO shop.customer VALUES (1, 'a', '4111', 's'), (2, 'b', NULL, NULL);
UPDATE shop.customer SET name = 'aa' WHERE id = 1;
});
my $log = q{SELECT id, operation, row_key, old_row, new_row, changed, table_id FROM cmig_audit.log ORDER BY id};
my $before = $node->safe_psql('shop', $log);
for my $how (['plain'], ['custom', '-Fc'])
{
	my ($name, @options) = @$how;
	$node->safe_psql('postgres', "CREATE DATABASE restored_$name OWNER dbo");
	command_ok([ 'pg_dump', @options, '-f', "$dump/$name", $node->connstr('shop') ], "$name: dump");
	if (@options)
	{
		command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr("restored_$name"), "$dump/$name" ], "$name: restore");
	}
	else
	{
		command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $node->connstr("restored_$name"), '-f', "$dump/$name" ], "$name: restore");
	}
	my $db = "restored_$name";
	is($node->safe_psql($db, $log), $before, "$name: the log is the same; the restore has logged nothing");
	my ($status, $out, $err) = $node->psql($db, q{UPDATE shop.customer SET name = 'x' WHERE id = 2});
	isnt($status, 0, "$name: without the key of hashed columns, a change fails");
	like($err, qr/key for hashed columns is missing/, "$name: the error names the missing key");
	my $key = $node->safe_psql('shop', q{SELECT value FROM cmig.secret WHERE name = 'audit'});
	$node->safe_psql($db, qq{INSERT INTO cmig.secret VALUES ('audit', '$key')});
	$node->safe_psql($db, q{UPDATE shop.customer SET name = 'x', card = '4111', secret = 't' WHERE id = 2});
	is($node->safe_psql($db, q{SELECT operation, row_key, changed FROM cmig.audit_history('shop.customer', 2)}),
		"INSERT|{\"id\": 2}|\nUPDATE|{\"id\": 2}|{card,name}", "$name: auditing continues with the same table id and options");
	is($node->safe_psql($db, q{SELECT count(DISTINCT i.new_row->>'card') FROM cmig_audit.log i WHERE i.new_row->>'card' IS NOT NULL}),
		'1', "$name: hashes from before and after the dump are equal");
	# The column numbers differ in the copy.  A rename after the data migration is still
	# recognized.
	$node->safe_psql($db, q{SELECT cmig.enable_audit('shop.customer')});
	$node->safe_psql($db, q{ALTER TABLE shop.customer RENAME secret TO very_secret; UPDATE shop.customer SET very_secret = 'u', name = 'y' WHERE id = 2});
	is($node->safe_psql($db, q{SELECT changed FROM cmig_audit.log ORDER BY id DESC LIMIT 1}), '{name}',
		"$name: an excluded column stays excluded after a rename");
}
# if a column was renamed before any change was logged, an error is raised, so that the
# column is not exposed
$node->safe_psql('postgres', 'CREATE DATABASE renamed OWNER dbo');
command_ok([ 'pg_restore', '-d', $node->connstr('renamed'), "$dump/custom" ], 'restore again');
$node->safe_psql('renamed', q{ALTER TABLE shop.customer RENAME secret TO leak});
my ($status, $out, $err) = $node->psql('renamed', q{UPDATE shop.customer SET leak = 'l'});
like($err, qr/cannot tell which column of table "customer" is meant by "secret"/, 'changes fail if it is unknown which column an option means');
# With another owner, as after a restore with --no-owner, the table is recognized by its
# name.  A role that can create audit triggers cannot use the table's id earlier.
$node->safe_psql('postgres', 'CREATE ROLE other SUPERUSER; CREATE ROLE plain_owner; CREATE ROLE evil');
$node->safe_psql('postgres', 'CREATE DATABASE disowned OWNER other');
command_ok([ 'pg_dump', '-Fc', '--no-owner', '-f', "$dump/no_owner", $node->connstr('shop') ], 'dump without owners');
command_ok([ 'pg_restore', '--no-owner', '-d', $node->connstr('disowned'), "$dump/no_owner" ], 'restore without owners');
my $table_id = $node->safe_psql('disowned', q{SELECT max(table_id) FROM cmig_audit.layout WHERE table_name = 'customer'});
$node->safe_psql('disowned', qq{
INSERT INTO cmig.secret VALUES ('audit', '\\x00');
ALTER TABLE shop.customer OWNER TO plain_owner; GRANT USAGE ON SCHEMA shop TO plain_owner;
GRANT USAGE ON SCHEMA cmig TO evil; GRANT EXECUTE ON FUNCTION cmig.audit_trigger() TO evil; CREATE SCHEMA evil AUTHORIZATION evil;
SET ROLE evil;
CREATE TABLE evil.customer (id integer PRIMARY KEY, name text);
CREATE TRIGGER cmig_audit_row AFTER INSERT ON evil.customer FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger('$table_id', '{}');
});
($status, $out, $err) = $node->psql('disowned', q{SET ROLE evil; INSERT INTO evil.customer VALUES (1, 'forged')});
like($err, qr/has the ID of table "shop.customer"/, 'after a restore, another table cannot take the id of a table');
$node->safe_psql('disowned', q{SET ROLE plain_owner; UPDATE shop.customer SET name = 'z' WHERE id = 1});
is($node->safe_psql('disowned', q{SELECT count(DISTINCT table_id), count(*) FILTER (WHERE new_row->>'name' = 'z') FROM cmig_audit.log}),
	'1|1', 'the restored table keeps its id');
# the log is also restored in a database without the extension
$node->safe_psql('shop', 'DROP EXTENSION pg_cmig CASCADE');
is($node->safe_psql('shop', $log), $before, 'DROP EXTENSION loses no entry');
$node->safe_psql('shop', q{SET SESSION AUTHORIZATION dbo; CREATE EXTENSION pg_cmig;
SELECT cmig.enable_audit('shop.customer'); UPDATE shop.customer SET name = 'again' WHERE id = 1});
is($node->safe_psql('shop', q{SELECT count(*), count(DISTINCT table_id) FROM cmig_audit.log}),
	'4|1', 'after CREATE EXTENSION, auditing continues in the existing log');

# --- logical replication --------------------------------------------------

my $subscriber = new_node('subscriber', 'max_connections = 30');
$subscriber->start;
$node->safe_psql('postgres', 'CREATE DATABASE pub');
$subscriber->safe_psql('postgres', 'CREATE DATABASE sub');
my $tables = q{CREATE TABLE applied (id integer PRIMARY KEY, v text); CREATE TABLE quiet (id integer PRIMARY KEY, v text);};
$node->safe_psql('pub', $tables . q{CREATE PUBLICATION p FOR ALL TABLES; INSERT INTO applied VALUES (1, 'copied')});
$subscriber->safe_psql('sub', $tables . q{CREATE EXTENSION pg_cmig;
SELECT cmig.enable_audit('applied', replicated => true); SELECT cmig.enable_audit('quiet');});
my $publisher = $node->connstr('pub');
$subscriber->safe_psql('sub', "CREATE SUBSCRIPTION s CONNECTION \$c\$$publisher\$c\$ PUBLICATION p");
$subscriber->wait_for_subscription_sync($node, 's', 'sub');
$node->safe_psql('pub', q{INSERT INTO applied VALUES (2, 'a'); UPDATE applied SET v = 'b' WHERE id = 2;
UPDATE applied SET id = 3 WHERE id = 2; DELETE FROM applied WHERE id = 1; INSERT INTO quiet VALUES (1, 'q'); TRUNCATE applied});
$node->wait_for_catchup('s');
is($subscriber->safe_psql('sub', q{SELECT string_agg(left(operation, 1) || coalesce(row_key->>'id', ''), ' ' ORDER BY id) FROM cmig_audit.log WHERE table_name = 'applied'}),
	'I1 I2 U2 U3 D1 T', 'replicated => true logs replicated changes and the initial copy');
is($subscriber->safe_psql('sub', q{SELECT count(*) FROM cmig_audit.log WHERE table_name = 'quiet'}),
	'0', 'without replicated, replicated changes are not logged');
$subscriber->safe_psql('sub', q{SELECT cmig.enable_audit('quiet', level => 'auto')});
is($subscriber->safe_psql('sub', q{SELECT count(*) FROM pg_trigger WHERE tgrelid = 'quiet'::regclass AND tgname = 'cmig_audit_row'}),
	'1', 'a subscribed table gets row triggers');
$subscriber->stop;

# --- retention while the log is in use ------------------------------------

$node->safe_psql('prepared', q{
ALTER TABLE cmig_audit.log DETACH PARTITION cmig_audit.log_default;
CREATE TABLE cmig_audit.log_y2020m01 PARTITION OF cmig_audit.log FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-02-01 00:00+00');
ALTER TABLE cmig_audit.log ATTACH PARTITION cmig_audit.log_default DEFAULT;
});
$node->safe_psql('prepared', q{
DO $$ DECLARE p text; BEGIN
	FOR p IN SELECT i.inhrelid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'cmig_audit.log'::regclass
		AND c.relname > 'log_y' || to_char(now() AT TIME ZONE 'UTC', 'YYYY"m"MM') || 'z' LOOP
		EXECUTE 'DROP TABLE ' || p;
	END LOOP;
END $$});
my $reader = $node->background_psql('prepared', on_error_stop => 0);
$reader->query_safe('BEGIN; SELECT count(*) FROM cmig_audit.log');
($status, $out, $err) = $node->psql('prepared', q{SET lock_timeout = '50ms'; SELECT count(*) > 0 AS changed FROM cmig.enable_audit('t'); SHOW lock_timeout});
like($err, qr/WARNING:  could not create the audit log's partitions/, 'with a reader of the log, enable_audit raises a warning only');
is($out, "f\n50ms", 'enable_audit keeps lock_timeout');
($status, $out, $err) = $node->psql('prepared', q{SET lock_timeout = '50ms';
SELECT cmig.create_revision('nothing', '', revision => 'r1'); SELECT count(*) FROM cmig.upgrade('r1')});
like($err, qr/WARNING:  could not create the audit log's partitions/, 'with a reader of the log, an upgrade raises a warning only');
is($out, "r1\n1", 'the upgrade succeeds');
($status, $out, $err) = $node->psql('prepared', q{SET lock_timeout = '50ms'; CALL cmig.audit_retain('1 year')});
like($err, qr/could not create partitions of the audit log/, 'with a reader of the log, audit_retain fails after its attempts');
is($node->safe_psql('prepared', q{INSERT INTO t VALUES (9, 'meanwhile'); SELECT count(*) FROM cmig_audit.log WHERE row_key = '{"id": 9}'}),
	'1', 'changes are logged in the meantime');
$reader->query_safe('COMMIT');
$node->safe_psql('prepared', q{CALL cmig.audit_retain('1 year')});
is($node->safe_psql('prepared', q{SELECT to_regclass('cmig_audit.log_y2020m01') IS NULL}), 't', 'audit_retain succeeds when the reader has ended');
$node->safe_psql('prepared', q{
CREATE TABLE cmig_audit.log_y2020m01 PARTITION OF cmig_audit.log FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-02-01 00:00+00');});
$reader->query_safe('BEGIN; SELECT count(*) FROM cmig_audit.log');
($status, $out, $err) = $node->psql('prepared', q{SET lock_timeout = '50ms'; CALL cmig.audit_retain('1 year')});
like($err, qr/could not drop partition "log_y2020m01"/, 'with a reader of the log, no partition is dropped');
$reader->query_safe('COMMIT');
$node->safe_psql('prepared', q{CALL cmig.audit_retain('1 year')});
is($node->safe_psql('prepared', q{SELECT to_regclass('cmig_audit.log_y2020m01') IS NULL}), 't', 'the partition is dropped when the reader has ended');
$reader->quit;

# --- kill -9 while rows leave the default partition ------------------------

$node->safe_psql('prepared', q{
INSERT INTO cmig_audit.log (seq, transaction_id, transaction_at, clock_at, row_hash, table_id, command_id, operation, schema_name, table_name, row_key, new_row)
SELECT n, '1', '2021-01-01 00:00+00'::timestamptz + n * interval '5 minutes', now(), n, 0, 0, 'INSERT', 'gone', 'stray', jsonb_build_object('id', n), jsonb_build_object('id', n, 'v', repeat('x', 50))
FROM generate_series(1, 30000) n;
});
my $whole = q{SELECT count(*), count(DISTINCT row_key), sum(row_hash), count(*) FILTER (WHERE new_row->'id' = row_key->'id') FROM cmig_audit.log WHERE table_name = 'stray'};
my $expected = $node->safe_psql('prepared', $whole);
my $stray = 'SELECT count(*) FROM cmig_audit.log_default';
my $killed = 0;
for my $round (1 .. 5)
{
	my ($out, $err) = ('', '');
	my $left = $node->safe_psql('prepared', $stray);
	my $call = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('prepared'), '-c', 'SET synchronous_commit = off', '-c', 'CALL cmig.audit_retain(NULL, 500)' ],
		'>', \$out, '2>', \$err);
	# wait until the CALL has created a partition, and interrupt the CALL at a random
	# moment
	for (1 .. 1000)
	{
		last if $node->safe_psql('prepared', "SELECT count(*) > 1 FROM pg_class WHERE relname ~ 'log_y2021.*x' AND relkind = 'r'") eq 't';
	}
	select(undef, undef, undef, 0.05 * $round);
	my $pid = $node->safe_psql('prepared',
		"SELECT pid FROM pg_stat_activity WHERE datname = 'prepared' AND query LIKE 'CALL cmig.audit_retain%' AND state = 'active' LIMIT 1");
	if ($pid)
	{
		if ($round % 2) { kill_backend($pid); }
		else { $node->safe_psql('prepared', "SELECT pg_terminate_backend($pid)"); }
		$killed++;
	}
	$call->finish;
	wait_for_recovery($node);
	is($node->safe_psql('prepared', $whole), $expected, "round $round: no row is lost or duplicated");
}
ok($killed > 1, 'audit_retain was interrupted more than once');
$node->safe_psql('prepared', 'CALL cmig.audit_retain(NULL, 500)');
is($node->safe_psql('prepared', $stray), '0', 'the next call empties the default partition');
is($node->safe_psql('prepared', $whole), $expected, 'no row is lost or duplicated');
is($node->safe_psql('prepared', q{SELECT count(*), max(entries) <= 500 FROM (SELECT count(*) AS entries FROM cmig_audit.log WHERE table_name = 'stray' GROUP BY tableoid) p}),
	$node->safe_psql('prepared', q{SELECT count(*), true FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE i.inhparent = 'cmig_audit.log'::regclass AND c.relname ~ 'log_y2021'}),
	'each new partition has one batch');

# The writer inserts into the indexes itself: each row that belongs into one is there.
$node->safe_psql('shop', <<'END_SQL');
CREATE EXTENSION amcheck;
CREATE TABLE keyed (id int PRIMARY KEY);
SELECT cmig.enable_audit('keyed');
CREATE INDEX of_keyed ON cmig_audit.log (id) WHERE table_name = 'keyed';
INSERT INTO keyed SELECT generate_series(1, 9);
UPDATE keyed SET id = id + 100;
CREATE TABLE unkeyed (id int PRIMARY KEY);
SELECT cmig.enable_audit('unkeyed');
INSERT INTO unkeyed VALUES (1);
END_SQL
is(query($node, 'shop', <<'END_SQL'), 't|t', 'the indexes of the log are complete, also a partial one');
SELECT count(bt_index_check(i.indexrelid, true)::text) > 4, (SELECT count(*) > 0 FROM cmig_audit.log WHERE old_hash IS NOT NULL)
FROM pg_partition_tree('cmig_audit.log') p JOIN pg_index i ON i.indrelid = p.relid
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam WHERE p.isleaf AND m.amname = 'btree';
END_SQL
is(query($node, 'shop', q{SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT table_name, count(*) FROM cmig_audit.log WHERE table_name = 'keyed' AND id > 0 GROUP BY 1}),
	'keyed|18', 'and no other row is in a partial one');

# --- a log that cannot be written -------------------------------------------

# audit_status and check tell why, before a write does
$node->safe_psql('postgres', 'CREATE DATABASE altered');
$node->safe_psql('altered', 'CREATE EXTENSION pg_cmig; CREATE TABLE t (id int); SELECT cmig.enable_audit($$t$$); INSERT INTO t VALUES (1); CREATE ROLE regress_part');
my $part = $node->safe_psql('altered', 'SELECT DISTINCT tableoid::regclass FROM cmig_audit.log');
foreach my $case (
	[ "ALTER TABLE $part ADD CONSTRAINT x EXCLUDE USING btree (id WITH =)", "the audit log cannot be written. Relation \"$part\" was altered. It has an exclusion constraint." ],
	[ "ALTER TABLE $part OWNER TO regress_part", "the audit log cannot be written. Relation \"$part\" was altered. Its owner is not the owner of the log." ],
	[ "DROP TABLE $part, cmig_audit.log_default", 'no partition of the audit log accepts entries of the current transaction' ])
{
	my ($change, $why) = @$case;
	$node->safe_psql('altered', $change);
	isnt($node->psql('altered', 'INSERT INTO t VALUES (2)'), 0, "$change: a write fails");
	like(query($node, 'altered', 'SELECT problem FROM cmig.audit_status()'), qr/^writes fail: \Q$why\E \(/, 'audit_status says why');
	like(query($node, 'altered', "SELECT severity, problem, fix FROM cmig.check() WHERE object = 'cmig_audit'"), qr/^error\|audited tables cannot be written: \Q$why\E\|./, 'and check does');
}
my ($fix) = query($node, 'altered', "SELECT fix FROM cmig.check() WHERE object = 'cmig_audit'") =~ /(CALL .*)/;
$node->safe_psql('altered', $fix);
is(query($node, 'altered', 'INSERT INTO t VALUES (3); SELECT problem FROM cmig.audit_status()'), '', 'the fix is right');
# while another session has locked the log, neither waits
my $locks = $node->background_psql('altered');
$locks->query_safe('BEGIN; LOCK TABLE cmig_audit.log');
is(query($node, 'altered', "SET statement_timeout = '20s'; SELECT problem FROM cmig.audit_status()"), '', 'nothing waits for a lock');
$locks->quit;

# statement-level triggers of a table and of its partition never fire for the same statement
$node->safe_psql('altered', q{CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
SELECT FROM cmig.enable_audit('p1', level => 'statement'); SELECT FROM cmig.enable_audit('p', level => 'statement');
INSERT INTO p VALUES (1); INSERT INTO p1 VALUES (1)});
is(query($node, 'altered', q{SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM cmig_audit.log WHERE table_name ~ 'p'}), 'p p1', 'one entry for each');

$node->stop;
done_testing();
