# Copyright (c) 2026, the pg_cmig developers

# A statement of a stepwise run adds a constraint in whatever way, and a later one validates it, under whatever
# name.  The owner of the table puts another one in its place, which would be evaluated by a superuser.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('added_constraints', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_own;
CREATE TABLE evil (who name); GRANT INSERT ON evil TO PUBLIC;
GRANT CREATE ON DATABASE postgres TO regress_own;
});

# renew(SCRIPT, BEFORE): the owner's schema, and a revision with the script, and before it one that commits once
sub renew
{
	my ($script, $before) = @_;

	$before //= 'SELECT 1';
	$node->safe_psql('postgres', qq{SET client_min_messages = warning; DROP SCHEMA IF EXISTS s, s2, s3, s4 CASCADE; DELETE FROM cmig.progress; DELETE FROM cmig.version; DELETE FROM cmig.revision; TRUNCATE evil;
		SET ROLE regress_own; CREATE SCHEMA s; CREATE FUNCTION s.evil(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.evil VALUES (current_user); RETURN true; END';
		CREATE FUNCTION s.evil(bigint) RETURNS bool LANGUAGE sql AS 'SELECT s.evil(\$1::int)'; CREATE TABLE s.r (id int PRIMARY KEY); CREATE TABLE s.t (id int, b int, n int, CONSTRAINT valid CHECK (id > 0)); CREATE DOMAIN s.w AS int; CREATE TABLE s.v (w s.w); INSERT INTO s.v VALUES (1); INSERT INTO s.r VALUES (1); INSERT INTO s.t VALUES (1, 1, 2);
		ALTER TABLE s.t ADD CONSTRAINT old CHECK (n > 0) NOT VALID; RESET ROLE;
		SELECT cmig.create_revision('x', revision => '0', upgrade_sql => \$s\$$before\$s\$);
		SELECT cmig.create_revision('x', revision => '1', transactional => false, upgrade_sql => \$s\$$script\$s\$)});
	return;
}

# The call waits for a lock in its first statement; what the owner does waits behind it.
sub swap
{
	my ($script, $swap, $name, $before) = @_;

	renew($script, $before);
	my $holder = start_psql($node, 'postgres', 'SET ROLE regress_own; BEGIN; LOCK TABLE s.t IN ROW EXCLUSIVE MODE; SELECT pg_sleep(600)', 'holder');
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's.t'::regclass}) or die 'no lock';
	my $run = start_psql($node, 'postgres', 'CALL cmig.upgrade_stepwise()');
	wait_until_blocked($node);
	my $next = start_psql($node, 'postgres', "SET ROLE regress_own; BEGIN; LOCK TABLE s.t; $swap; COMMIT", 'next');
	wait_until_blocked($node, 'next');
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
	finish_psql($_) for ($holder, $next, $run);
	like($run->{err}, qr/ERROR:  55000: constraint "$name" of table s\.t was replaced or dropped during the CALL\n/, "$script: error");
	is(query($node, 'postgres', q{SELECT count(*) FROM evil WHERE who <> 'regress_own'}), '0', "$script: evaluates nothing of the owner");
	return;
}

sub evil { return "ALTER TABLE s.t DROP CONSTRAINT IF EXISTS $_[0]; ALTER TABLE s.t ADD CONSTRAINT $_[0] CHECK (s.evil(id)) NOT VALID" }
# a script of which an exception undoes the statement
sub undone { return "ALTER TABLE s.t ADD CONSTRAINT c CHECK (n > 1) NOT VALID; DO \$\$BEGIN BEGIN $_[0]; RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END; END\$\$; ALTER TABLE s.t VALIDATE CONSTRAINT old; ALTER TABLE s.t VALIDATE CONSTRAINT c" }
my $table = 'ALTER TABLE s.t RENAME TO y; CREATE TABLE s.t (id int, CONSTRAINT valid CHECK (id > 0)); INSERT INTO s.t VALUES (1); ';
my $add = 'ALTER TABLE s.t ADD CONSTRAINT c CHECK (n > 1) NOT VALID';

swap('ALTER TABLE s.t ADD CHECK (n > 1) NOT VALID; ALTER TABLE s.t VALIDATE CONSTRAINT t_n_check', evil('t_n_check'), 't_n_check');
swap('ALTER TABLE s.t ADD FOREIGN KEY (b) REFERENCES s.r NOT VALID; ALTER TABLE s.t VALIDATE CONSTRAINT t_b_fkey', evil('t_b_fkey'), 't_b_fkey');
swap("DO \$\$BEGIN $add; END\$\$; ALTER TABLE s.t VALIDATE CONSTRAINT c", evil('c'), 'c');
swap("$add; DO \$\$BEGIN ALTER TABLE s.t VALIDATE CONSTRAINT c; END\$\$", evil('c'), 'c');
swap("$add; ALTER TABLE s.t RENAME CONSTRAINT c TO d; ALTER TABLE s.t VALIDATE CONSTRAINT d", evil('c'), 'c');
swap("$add; ALTER TABLE s.t RENAME TO u; ALTER TABLE s.u VALIDATE CONSTRAINT c", $table . evil('c'), 'c');
swap("$add; SET search_path = s; SELECT 1; ALTER TABLE t VALIDATE CONSTRAINT c", $table . evil('c'), 'c');
swap("$add; ALTER TABLE s.t VALIDATE CONSTRAINT c", 'ALTER SCHEMA s RENAME TO s2; CREATE SCHEMA s; CREATE TABLE s.t (id int); INSERT INTO s.t VALUES (1);
	ALTER TABLE s.t ADD CONSTRAINT c CHECK (s2.evil(id)) NOT VALID', 'c');
swap("SET search_path = s4, s; ALTER TABLE t ADD CONSTRAINT c CHECK (n > 1) NOT VALID; SELECT 1; ALTER TABLE t VALIDATE CONSTRAINT c",
	'CREATE SCHEMA s4; CREATE TABLE s4.t (id int); INSERT INTO s4.t VALUES (1); ALTER TABLE s4.t ADD CONSTRAINT c CHECK (s.evil(id)) NOT VALID', 'c');
# a constraint that was there before gets the name
swap("$add; ALTER TABLE s.t VALIDATE CONSTRAINT c", 'ALTER TABLE s.t RENAME CONSTRAINT c TO d; ALTER TABLE s.t RENAME CONSTRAINT old TO c', 'c');
# the table becomes a child of the one in its place, whose columns the script changes, too
swap("$add; ALTER TABLE s.t ALTER id SET DEFAULT 1; ALTER TABLE s.t VALIDATE CONSTRAINT c", $table . 'ALTER TABLE s.y INHERIT s.t; ALTER TABLE s.t ADD CONSTRAINT c CHECK (s.evil(id)) NO INHERIT NOT VALID', 'c');

# the script creates the constraints again, in whose place another one is by then
my $again = "$add; SELECT 1; ALTER TABLE s.t ALTER n TYPE bigint, ALTER id TYPE bigint; ALTER TABLE s.t VALIDATE CONSTRAINT c";
swap($again, 'ALTER TABLE s.t DROP CONSTRAINT c; ALTER TABLE s.t ADD CONSTRAINT c CHECK (s.evil(n)) NOT VALID', 'c');
swap($again, 'ALTER TABLE s.t RENAME CONSTRAINT c TO d; ALTER TABLE s.t ADD CONSTRAINT c CHECK (s.evil(n)) NOT VALID', 'c');

# the revision before it, which commits once, adds the constraint
swap('ALTER TABLE s.t VALIDATE CONSTRAINT c', evil('c'), 'c', $add);

# A domain is not locked.  What the owner has changed is committed while the statement waits, as behind REINDEX SYSTEM.
renew(q{ALTER DOMAIN s.w ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID; DO $$BEGIN LOCK TABLE s.t; END$$; ALTER DOMAIN s.w VALIDATE CONSTRAINT c});
my $gate = start_psql($node, 'postgres', 'SELECT pg_advisory_lock(1), pg_sleep(600)', 'gate');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 1}) or die 'no lock';
my $table_lock = start_psql($node, 'postgres', 'BEGIN; LOCK TABLE s.t; SELECT pg_sleep(600)', 'holder');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's.t'::regclass}) or die 'no lock';
my $validates = start_psql($node, 'postgres', 'CALL cmig.upgrade_stepwise()', 'run');
wait_until_blocked($node, 'run');
my $owner = start_psql($node, 'postgres', 'SET ROLE regress_own; BEGIN; ALTER DOMAIN s.w DROP CONSTRAINT c; ALTER DOMAIN s.w ADD CONSTRAINT c CHECK (s.evil(VALUE)) NOT VALID; SELECT pg_advisory_lock(1); COMMIT', 'owner');
wait_until_blocked($node, 'owner');
my $reindex = start_psql($node, 'postgres', 'BEGIN; LOCK TABLE pg_constraint IN SHARE MODE; SELECT pg_sleep(600)', 'reindex');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 'pg_constraint'::regclass AND mode = 'ShareLock'}) or die 'no lock';
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity a, pg_locks l WHERE application_name = 'run' AND l.pid = a.pid AND NOT granted AND l.relation IS DISTINCT FROM 's.t'::regclass}) or die 'no wait';
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate'});
finish_psql($_) for ($gate, $table_lock, $owner);
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reindex'});
finish_psql($_) for ($reindex, $validates);
like($validates->{err}, qr/ERROR:  55000: constraint "c" of domain s\.w was replaced or dropped during the CALL\n/, 'domain: error');
is(query($node, 'postgres', q{SELECT count(*) FROM evil WHERE who <> 'regress_own'}), '0', 'domain: evaluates nothing of the owner');

# PostgreSQL's check of a foreign key names the referenced table, and an operator, after it has locked that table
$node->safe_psql('postgres', 'CREATE EXTENSION citext; CREATE SCHEMA o AUTHORIZATION regress_own; ALTER EXTENSION citext SET SCHEMA o');
renew(q{ALTER TABLE s.u ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES s2.r NOT VALID; DO $$BEGIN LOCK TABLE s.t; END$$; ALTER TABLE s.u VALIDATE CONSTRAINT c});
$node->safe_psql('postgres', 'SET ROLE regress_own; CREATE SCHEMA s2; CREATE TABLE s2.r (id o.citext PRIMARY KEY); CREATE TABLE s.u (a o.citext)');
my $before = start_psql($node, 'postgres', 'BEGIN; LOCK TABLE s.t; SELECT pg_sleep(600)', 'before');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's.t'::regclass}) or die 'no lock';
my $checks = start_psql($node, 'postgres', 'CALL cmig.upgrade_stepwise()', 'run');
wait_until_blocked($node, 'run');
my $referenced = start_psql($node, 'postgres', 'BEGIN; LOCK TABLE s2.r; SELECT pg_sleep(600)', 'referenced');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's2.r'::regclass AND mode = 'AccessExclusiveLock'}) or die 'no lock';
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'before'});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's2.r'::regclass AND NOT granted}) or die 'no wait';
fails_with($node, 'postgres', "SET ROLE regress_own; SET lock_timeout = 100; ALTER SCHEMA $_ RENAME TO s5", '55P03', 'lock timeout', "foreign key: nobody renames schema $_") for qw(s s2 o);
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'referenced'});
finish_psql($_) for ($before, $referenced, $checks);
is(query($node, 'postgres', q{SELECT convalidated FROM pg_constraint WHERE conrelid = 's.u'::regclass}), 't', 'foreign key: is validated');
$node->safe_psql('postgres', 'DROP EXTENSION citext CASCADE; DROP SCHEMA o');

# what the script itself has moved, dropped, or undone stands in the way of nothing
foreach my $script (
	"$add; ALTER TABLE s.t RENAME CONSTRAINT c TO d; ALTER TABLE s.t RENAME TO u; ALTER SCHEMA s RENAME TO s3; CREATE SCHEMA s4; ALTER TABLE s3.u SET SCHEMA s4; ALTER TABLE s4.u VALIDATE CONSTRAINT old, VALIDATE CONSTRAINT d",
	"$add; ALTER TABLE s.t DROP CONSTRAINT c; ALTER TABLE s.t VALIDATE CONSTRAINT old",
	"$add; ALTER TABLE s.t DROP COLUMN n; CREATE TABLE s.u (a int, CHECK (a > 0)); ALTER TABLE s.u RENAME a TO b; DROP TABLE s.u; ALTER TABLE s.t VALIDATE CONSTRAINT valid",
	"DO \$\$BEGIN $add; RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END\$\$; ALTER TABLE s.t VALIDATE CONSTRAINT old",
	undone('ALTER TABLE s.t RENAME CONSTRAINT c TO d'), undone('ALTER TABLE s.t RENAME TO u'), undone('ALTER SCHEMA s RENAME TO s2'),
	undone('ALTER TABLE s.t RENAME CONSTRAINT c TO d; BEGIN ALTER TABLE s.t RENAME CONSTRAINT d TO e; RAISE EXCEPTION USING message = 1; EXCEPTION WHEN OTHERS THEN ALTER TABLE s.t RENAME CONSTRAINT d TO f; END'),
	undone('ALTER TABLE s.t DROP CONSTRAINT c; ALTER TABLE s.t VALIDATE CONSTRAINT old; ALTER TABLE s.t ADD CONSTRAINT c CHECK (n > 1) NOT VALID'),
	"$add; SELECT 1; DO \$\$BEGIN ALTER TABLE s.t DROP CONSTRAINT c; ALTER TABLE s.t VALIDATE CONSTRAINT old; END\$\$",
	"$add; SELECT 1; DO \$\$BEGIN BEGIN ALTER TABLE s.t RENAME CONSTRAINT c TO d; EXCEPTION WHEN OTHERS THEN NULL; END; ALTER TABLE s.t RENAME CONSTRAINT d TO e; END\$\$; ALTER TABLE s.t VALIDATE CONSTRAINT e; ALTER TABLE s.t VALIDATE CONSTRAINT old",
	"$add; ALTER TABLE s.t ALTER n TYPE bigint; ALTER TABLE s.t VALIDATE CONSTRAINT old, VALIDATE CONSTRAINT c",
	"SET search_path = s; CREATE DOMAIN d AS int; ALTER DOMAIN d ADD CHECK (VALUE > 0) NOT VALID; ALTER DOMAIN d RENAME TO e; ALTER DOMAIN e VALIDATE CONSTRAINT d_check; ALTER TABLE t VALIDATE CONSTRAINT old",
	"$add; CREATE SCHEMA s3; CREATE TABLE s3.t (n int); SET search_path = s3; ALTER TABLE t ADD CONSTRAINT c CHECK (n > 1) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; SET search_path = s; ALTER TABLE t VALIDATE CONSTRAINT c",
	"CREATE SCHEMA s3; CREATE TABLE s3.t (n int); SET search_path = s3; ALTER TABLE t ADD CONSTRAINT old CHECK (n > 1) NOT VALID; SET search_path = s; ALTER TABLE t VALIDATE CONSTRAINT old; ALTER TABLE s3.t VALIDATE CONSTRAINT old",
	"CREATE TABLE s.p (n int) PARTITION BY LIST (n); CREATE TABLE s.p1 PARTITION OF s.p DEFAULT; ALTER TABLE s.p ADD CONSTRAINT c CHECK (n > 1) NOT VALID; ALTER TABLE s.p1 VALIDATE CONSTRAINT c; ALTER TABLE s.p VALIDATE CONSTRAINT c")
{
	renew($script);
	query($node, 'postgres', 'CALL cmig.upgrade_stepwise()');
	is(query($node, 'postgres', q{SELECT (SELECT count(*) FROM cmig.version), count(*) FROM pg_constraint WHERE contype = 'c' AND NOT convalidated AND conname <> 'old'}), '1|0', $script);
}

# an attempt that fails after it has added the constraint leaves nothing behind
renew('ALTER TABLE s.t ADD CONSTRAINT c CHECK (n > 1) NOT VALID, ADD FOREIGN KEY (b) REFERENCES s.r NOT VALID; ALTER TABLE s.t VALIDATE CONSTRAINT old');
my $holder = start_psql($node, 'postgres', 'BEGIN; LOCK TABLE s.r IN ROW EXCLUSIVE MODE; SELECT pg_sleep(600)', 'holder');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's.r'::regclass}) or die 'no lock';
my $run = start_psql($node, 'postgres', q{SET cmig.lock_timeout = '300ms'; CALL cmig.upgrade_stepwise()});
$node->safe_psql('postgres', q{SELECT pg_sleep(1.5), pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
finish_psql($_) for ($holder, $run);
like($run->{err}, qr/statement 1 could not get a lock/, 'was repeated');
is(query($node, 'postgres', q{SELECT convalidated FROM pg_constraint WHERE conname = 'old'}), 't', 'and validated');

$node->stop;
done_testing();
