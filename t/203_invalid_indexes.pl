# Copyright (c) 2026, the pg_cmig developers

# A revision is not expanded while an index of a column that it replaces is not valid:
# nothing has begun then, and the error says what to do, or who is still building it.  None
# ends without the indexes that it has built, either.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = expand_node('invalid_indexes');
my $number = 0;

# Creates a database in which column n of tables t and p has duplicates and is replaced.
sub database
{
	my ($name) = @_;

	new_database($node, $name);
	sql($name, <<'SQL');
CREATE TABLE t (id int PRIMARY KEY, n int, k int);
INSERT INTO t VALUES (1, 1, 1), (2, 1, 1);
CREATE TABLE p (id int, n int) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
INSERT INTO p VALUES (1, 1), (1, 1);
SELECT FROM cmig.create_revision('wide', 'ALTER TABLE t ALTER n TYPE bigint; ALTER TABLE p ALTER n TYPE bigint', NULL, revision => '042', expand => true)
SQL
}

database('failed');
my $why = 'Revision "042" replaces a column of it, so it would be built for the new version, which could fail.';
foreach (
	[ 'CREATE UNIQUE INDEX CONCURRENTLY bad ON t (n)', 't' ],
	[ 'CREATE UNIQUE INDEX CONCURRENTLY bad ON t (n) WHERE n < 2', 't' ],
	[ 'CREATE UNIQUE INDEX CONCURRENTLY bad ON t (k) WHERE n < 2', 't' ],
	[ 'CREATE INDEX CONCURRENTLY bad ON t ((1 / (n - 1)))', 't' ],
	[ 'CREATE UNIQUE INDEX CONCURRENTLY "b ad" ON p1 (n)', 'p1', '"b ad"' ])
{
	my ($create, $table, $name) = @$_;

	$name //= 'bad';
	like(tried('failed', $create), qr/^psql.*ERROR/m, "$create fails");
	my $error = tried('failed', 'CALL cmig.expand()');
	like($error, qr/ERROR:  index public\.$name of table public\.$table is not valid\nDETAIL:  \Q$why\E\n/, 'and stops the expansion');
	is(sql('failed', 'SELECT count(*) FROM cmig.expansion_run'), '0', 'before it begins');
	my ($drop, $reindex) = $error =~ /^HINT:  (DROP [^,]*), or, if it is needed, after fixing the cause: (REINDEX .*)$/m;
	like(tried('failed', $reindex), qr/could not create|division by zero/, 'one statement of the hint builds the index');
	sql('failed', $drop);
	# what that has left, too
	($drop) = tried('failed', 'CALL cmig.expand()') =~ /^HINT:  (DROP INDEX CONCURRENTLY public\."?b ?ad_ccnew"?)$/m;
	sql('failed', $drop);
	is(sql('failed', q{SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indrelid IN ('t'::regclass, 'p1'::regclass)}), '0', 'the other one drops it');
}
# incomplete, so that nothing has looked for duplicates in the partition
sql('failed', 'CREATE UNIQUE INDEX bad ON ONLY p (id, n)');
like(tried('failed', 'CALL cmig.expand()'), qr/ERROR:  index public\.bad of table public\.p is not valid\n.*\nHINT:  DROP INDEX public\.bad$/m, 'a unique index that a partition lacks');
sql('failed', 'DROP INDEX bad; ALTER TABLE ONLY p ADD CONSTRAINT "a key" UNIQUE (id, n)');
like(tried('failed', 'CALL cmig.expand()'), qr/ERROR:  index "a key" of table public\.p is not valid\n.*\nHINT:  ALTER TABLE public\.p DROP CONSTRAINT "a key"$/m, 'or a constraint');
sql('failed', 'ALTER TABLE public.p DROP CONSTRAINT "a key"; CREATE INDEX incomplete ON ONLY p (n)');
tried('failed', 'CREATE UNIQUE INDEX CONCURRENTLY other ON t (k)');
sql('failed', 'CALL cmig.expand()');
is(sql('failed', 'SELECT state FROM cmig.expansion_run'), 'expanded', 'other indexes are in nobody\'s way');
sql('failed', 'CALL cmig.contract()');

# another session rebuilds one
database('rebuilt');
sql('rebuilt', 'CREATE INDEX tn ON t (n)');
{
	my $application = $node->background_psql('rebuilt');

	$application->query_safe('BEGIN; SELECT FROM t');
	my $reindex = start_psql($node, 'rebuilt', 'REINDEX INDEX CONCURRENTLY tn', 'reindex');
	wait_until_blocked($node, 'reindex');
	like(tried('rebuilt', 'CALL cmig.expand()'), qr/ERROR:  index public\.tn_cc\w+ of table public\.t is not valid yet\nDETAIL:  \Q$why\E\nBlocked by process \d+ of role "\w+" \(application "reindex"\).*its query is running: REINDEX INDEX CONCURRENTLY tn\nHINT:  Repeat the CALL when that statement has ended\.\n/, 'while it is rebuilt, the error says by whom');
	is(sql('rebuilt', 'SELECT count(*) FROM cmig.expansion_run'), '0', 'nothing has begun');
	$application->query_safe('COMMIT');
	$application->quit;
	is(finish_psql($reindex), 0, 'the index is rebuilt');
}
sql('rebuilt', 'CALL cmig.expand()');
sql('rebuilt', 'CALL cmig.contract()');
is(sql('rebuilt', q{SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY 1) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid}), 't_pkey tn', 'the table has the same indexes in the end');

# What another session does while the last constraints are added: that of s waits for r
foreach my $case (
	[ 'ALTER TABLE u RENAME TO x', 'table public\.u of the expansion is now public\.x', 'ALTER TABLE x RENAME TO u' ],
	[ 'DROP INDEX cmig_new_a_n', 'index cmig_new_a_n of table public\.a does not exist\nDETAIL:  Revision "042" needs it\.\nHINT:  CALL cmig\.expand\(\'042\'\) completes it\.\n', '' ],
	[ q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'cmig_new_a_n'::regclass}, 'index public\.cmig_new_a_n of table public\.a is not valid\nDETAIL:  .*\nHINT:  REINDEX INDEX CONCURRENTLY public\.cmig_new_a_n\n', 'REINDEX INDEX CONCURRENTLY public.cmig_new_a_n' ],
	[ 'ALTER TABLE a DROP CONSTRAINT cmig_new_a_f', 'constraint cmig_new_a_f of table public\.a does not exist\n', '' ],
	[ 'ALTER TABLE b DROP CONSTRAINT cmig_new_b_f', 'constraint cmig_new_b_f of table public\.b does not exist\n', '' ])
{
	my ($change, $error, $back) = @$case;
	my $db = 'built' . ++$number;

	new_database($node, $db);
	sql($db, <<'SQL');
CREATE TABLE q (id int PRIMARY KEY);
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE a (id int, n int CONSTRAINT a_f REFERENCES q);
CREATE UNIQUE INDEX a_n ON a (n);
CREATE TABLE b (n int);
ALTER TABLE b ADD CONSTRAINT b_f FOREIGN KEY (n) REFERENCES q NOT VALID;
CREATE TABLE s (n int);
ALTER TABLE s ADD CONSTRAINT s_f FOREIGN KEY (n) REFERENCES r NOT VALID;
CREATE TABLE u (id int, n int CONSTRAINT u_f REFERENCES q);
SELECT FROM cmig.create_revision('wide', 'ALTER TABLE a ALTER n TYPE bigint; ALTER TABLE b ALTER n TYPE bigint; ALTER TABLE s ALTER n TYPE bigint; ALTER TABLE u ALTER n TYPE bigint', NULL, revision => '042', expand => true)
SQL
	my $application = $node->background_psql($db);

	$application->query_safe('BEGIN; INSERT INTO r VALUES (1)');
	my $expand = start_psql($node, $db, 'CALL cmig.expand()', 'expand');
	$node->poll_query_until($db, q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query ~ '^pg_cmig: .* ADD CONSTRAINT cmig_new_s_f')});
	sql($db, $change);
	$application->query_safe('COMMIT');
	$application->quit;
	is(finish_psql($expand), 3, "$change: while it is expanded");
	like($expand->{err}, qr/ERROR:  \w+: $error/, 'is an error in the end');
	is(sql($db, 'SELECT state FROM cmig.expansion_run'), 'expanding', 'it is not expanded');
	sql($db, $back) if $back;
	sql($db, 'CALL cmig.expand()');
	my $built = q{SELECT (SELECT count(*) FROM pg_index WHERE indexrelid::regclass::text = 'cmig_new_a_n' AND indisvalid), (SELECT count(*) FROM pg_constraint WHERE conname ~ '^cmig_new_._f' AND convalidated),
		(SELECT count(*) FROM pg_constraint WHERE conname ~ '^cmig_new_._f')};
	is(sql($db, $built), '1|2|4', 'but after the same CALL');
	next if $change =~ /RENAME/;
	# later, too
	sql($db, $change);
	sql($db, 'CALL cmig.expand()');
	is(sql($db, $built), '1|2|4', 'which also builds again what was dropped since then');
	next if $change !~ /UPDATE/;
	# while somebody else rebuilds it
	$application = $node->background_psql($db);
	sql($db, $change);
	$application->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT');
	my $reindex = start_psql($node, $db, $back, 'reindex');
	wait_until_blocked($node, 'reindex');
	$expand = start_psql($node, $db, 'CALL cmig.expand()', 'expand');
	wait_until_blocked($node, 'expand');
	$application->query_safe('COMMIT');
	$application->quit;
	is(finish_psql($_), 0, 'an index that is being rebuilt is waited for') or diag($_->{err}) foreach ($reindex, $expand);
	is(sql($db, $built), '1|2|4', 'and not built again');
	sql($db, 'CALL cmig.contract()');
}

# and what is checked before a contraction: that of b waits
new_database($node, 'checked');
sql('checked', q{CREATE TABLE a (n int NOT NULL); CREATE TABLE b (n int NOT NULL);
	SELECT FROM cmig.create_revision('wide', 'ALTER TABLE a ALTER n TYPE bigint; ALTER TABLE b ALTER n TYPE bigint', NULL, revision => '042', expand => true)});
sql('checked', 'CALL cmig.expand()');
my $reader = $node->background_psql('checked');
$reader->query_safe('BEGIN; SELECT FROM b');
my $contract = start_psql($node, 'checked', 'CALL cmig.contract()', 'contract');
$node->poll_query_until('checked', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query ~ '^pg_cmig: .*[.]b ADD CONSTRAINT')}) or die 'no check';
sql('checked', 'ALTER TABLE a DROP CONSTRAINT cmig_new_n_not_null');
$reader->query_safe('COMMIT');
$reader->quit;
is(finish_psql($contract), 3, 'a constraint is dropped while a contraction checks another one');
like($contract->{err}, qr/ERROR:  \w+: constraint cmig_new_n_not_null of table public\.a does not exist\nDETAIL:  .*\nHINT:  CALL cmig\.contract\(\) completes it\.\n/, 'which is an error');
sql('checked', 'CALL cmig.contract()');
is(sql('checked', q{SELECT string_agg(format_type(atttypid, NULL) || attnotnull, ' ') FROM pg_attribute WHERE attrelid IN ('a'::regclass, 'b'::regclass) AND attname = 'n'}), 'biginttrue biginttrue', 'and the same CALL contracts it');

$node->stop;
done_testing();
