# Copyright (c) 2026, the pg_cmig developers

# Tests what the owner of a table can do to it while another role has expanded a revision
# of it: each statement is either kept, or named before the first step of a contraction or
# abandonment, with a statement that undoes it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_owner');
my ($db, $own) = ('d0', 'SET SESSION AUTHORIZATION own; ');

sql('postgres', 'CREATE ROLE own LOGIN; CREATE ROLE app');

# subject(CHANGE): a database with tables of a role without a level, which a superuser has expanded
sub subject
{
	my ($change) = @_;

	$db++;
	new_database($node, $db);
	sql($db, "CREATE SCHEMA own AUTHORIZATION own; CREATE TABLE t (id int PRIMARY KEY, v text, w text); CREATE TABLE p (id int, k int, v int) PARTITION BY LIST (k);
		CREATE INDEX p_v ON p (v); CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
		INSERT INTO t VALUES (1, '10', 'x'), (2, '20', 'y'); INSERT INTO p VALUES (1, 0, 5), (2, 1, 6);
		ALTER TABLE t OWNER TO own; ALTER TABLE p OWNER TO own; ALTER TABLE p0 OWNER TO own; ALTER TABLE p1 OWNER TO own;
		SELECT cmig.create_revision('n', \$c\$$change\$c\$, NULL, revision => '2', expand => true)");
	sql($db, 'CALL cmig.expand()');
}

my $both = 'ALTER TABLE t ALTER v TYPE int USING v::int, ADD z int; ALTER TABLE p ALTER v TYPE bigint';
my $state = q{SELECT coalesce((SELECT state FROM cmig.expansion_run), 'none')};
my $named = q{SELECT string_agg(concat(object, ': ', fix), ', ' ORDER BY object) FROM cmig.check() WHERE problem ~ 'revision "2"'};
my $parts = q{SELECT fix FROM cmig.check() WHERE object = 'table public.p'};

# fixed(WHAT, STATEMENTS, FIX, CALL...): what the owner does is named, with the statement, and each call is refused before its first step
sub fixed
{
	my ($what, $statements, $fix, @calls) = @_;

	foreach my $call (@calls)
	{
		subject($both);
		sql($db, "$own $statements");
		like(sql($db, $named), qr/: \Q$fix\E(?:,|$)/, "$what: cmig.check() has the statement");
		like(tried($db, "CALL cmig.$call()"), qr/HINT:  \Q$fix\E(?:;|$)/m, "cmig.$call() is refused with it");
		is(sql($db, $state), 'expanded', 'before its first step') if $call eq 'contract';
		sql($db, $fix);
		sql($db, "CALL cmig.$call()");
		is(sql($db, $state), 'none', "after it, cmig.$call() ends");
	}
}

# what keeps a column from being dropped or renamed
fixed('a parent', 'CREATE TABLE own.q (v text); ALTER TABLE t INHERIT own.q', 'ALTER TABLE public.t NO INHERIT own.q', 'contract');
fixed('a parent with a hidden column', 'CREATE TABLE own.q (cmig_new_z int); ALTER TABLE t INHERIT own.q', 'ALTER TABLE public.t NO INHERIT own.q', 'contract', 'abandon');
fixed('a type', q{DO $$BEGIN EXECUTE (SELECT format('CREATE TYPE own.y AS (%s)', string_agg(format('%I %s', attname, atttypid::regtype), ', ' ORDER BY attnum))
	FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0); END$$; ALTER TABLE t OF own.y}, 'ALTER TABLE public.t NOT OF', 'contract', 'abandon');
fixed('a partitioned table of which it is a partition', q{DO $$BEGIN EXECUTE (SELECT format('CREATE TABLE own.q (%s) PARTITION BY LIST (id)', string_agg(format('%I %s', attname, atttypid::regtype), ', ' ORDER BY attnum))
	FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0); END$$; ALTER TABLE own.q ATTACH PARTITION t DEFAULT}, 'ALTER TABLE own.q DETACH PARTITION public.t', 'contract', 'abandon');
# a parent of other columns is no obstacle
subject($both);
sql($db, "$own CREATE TABLE own.q (w text); ALTER TABLE t INHERIT own.q");
is(sql($db, $named), '', 'a parent of a column that stays is not named');
sql($db, 'CALL cmig.contract()');
is(sql($db, 'SELECT v + 1 FROM own.q JOIN t USING (w) ORDER BY 1'), "11\n21", 'nor an obstacle');

# a column that the expansion reads by its name
fixed('another name', 'ALTER TABLE t RENAME v TO renamed', 'ALTER TABLE public.t RENAME COLUMN renamed TO v', 'contract');
subject($both);
sql($db, "$own ALTER TABLE t RENAME v TO renamed");
like(tried($db, q{UPDATE t SET w = 'z' WHERE id = 1}), qr/ERROR:  column "v" does not exist\nHINT:  A column of the table was renamed or dropped while it is expanded\. SELECT \* FROM cmig\.check\(\) has the statement/m, 'until then, writes say why they fail');
sql($db, 'CALL cmig.abandon()');
is(sql($db, q{SELECT string_agg(renamed, ' ' ORDER BY id) FROM t}), '10 20', 'an abandonment needs no such statement');

# what has a statement that undoes it
foreach my $case (
	[ 'ALTER TABLE t ADD g int GENERATED ALWAYS AS (length(v)) STORED', 'ALTER TABLE ONLY public.t ALTER g DROP EXPRESSION' ],
	[ q{CREATE POLICY y ON t USING (v <> 'q')}, 'DROP POLICY y on public.t' ],
	[ q{CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g AFTER UPDATE OF v ON t FOR EACH ROW EXECUTE FUNCTION own.f()}, 'DROP TRIGGER g on public.t' ])
{
	my ($statements, $fix) = @$case;

	subject($both);
	sql($db, "$own $statements");
	like(tried($db, 'CALL cmig.contract()'), qr/HINT:  \Q$fix\E; CALL cmig\.contract\(\), and make the change again/, $fix);
	sql($db, $fix);
	sql($db, 'CALL cmig.contract()');
}

# what is kept
subject("$both; ALTER TABLE t ALTER w TYPE varchar(9)");
sql($db, "$own ALTER TABLE t ALTER v SET STATISTICS 7, ALTER v SET (n_distinct = 5), ALTER w SET STATISTICS 8");
sql($db, 'CALL cmig.contract()');
is(sql($db, q{SELECT string_agg(concat_ws(' ', attname, attstattarget, (SELECT string_agg(o, ',') FROM unnest(attoptions) o WHERE o !~ '^pg_attver')), ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname IN ('v', 'w')}),
	'v 7 n_distinct=5, w 8', 'SET STATISTICS and options of columns that are replaced');
# what a partition keeps that is none any more
subject($both);
sql($db, "$own ALTER TABLE p DETACH PARTITION p1");
is(sql($db, $named), '', 'a partition that was detached takes no name');
sql($db, 'CALL cmig.contract()');
is(sql($db, q{SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY 1) FROM (SELECT indexrelid FROM pg_index WHERE indrelid IN ('p0'::regclass, 'p1'::regclass) ORDER BY indexrelid::regclass::text) x}),
	'cmig_new_p1_cmig_state_p cmig_new_p1_v_idx p0_v_idx p1_v_idx', 'and keeps its indexes');

# Who drops a partition locks the table first.  What reads both does not wait for the table with
# a lock of a partition, so that the statement that drops it is not the victim of a deadlock.
# It does not wait long either.
subject($both);
foreach my $function ('status', 'check')
{
	my $session = $node->background_psql($db);

	$session->query_safe('BEGIN; LOCK TABLE ONLY p IN ACCESS EXCLUSIVE MODE');
	is(sql($db, "SELECT count(*) FROM cmig.$function() r WHERE r::text ~ 'cannot tell what was changed .* locked a table'"), 1,
		"cmig.$function() says that it does not know") if $function eq 'check';
	my $reader = start_psql($node, $db, "SELECT FROM cmig.$function();\n" x 20);
	wait_until_blocked($node);
	is($session->query_safe(q{SELECT count(*) FROM pg_locks WHERE granted AND relation IN ('p0'::regclass, 'p1'::regclass)}), 0, "cmig.$function() waits for a table without a lock of a partition");
	$session->query_safe('DROP TABLE p0; ROLLBACK');
	$session->quit;
	is(finish_psql($reader), 0, 'and goes on');
}

# The owner creates partitions, for which it needs EXECUTE, and nothing else of pg_cmig.
my $grant = 'GRANT EXECUTE ON FUNCTION cmig.expansion_begin(), cmig.expansion_write() TO own';
subject($both);
is(sql($db, $parts), $grant, 'cmig.check() says what the owner needs to create partitions');
sql($db, $grant);
is(sql($db, q{SELECT count(*) FROM cmig.check() WHERE object IN ('role own', 'table public.p')}), 0, 'which is then no privilege beyond a level');
sql($db, "$own CREATE TABLE own.p2 PARTITION OF p FOR VALUES IN (2); INSERT INTO p VALUES (3, 2, 7)");
sql($db, 'CALL cmig.contract()');
is(sql($db, 'SELECT string_agg(v::text, $$ $$ ORDER BY v), pg_typeof(min(v)) FROM p'), '5 6 7|bigint', 'it has created one');
is(sql($db, q{SELECT fix FROM cmig.check() WHERE object = 'role own'}), q{SELECT cmig.revoke_access('own')}, 'when the table is no longer expanded, it is one');
subject($both);
sql($db, q{CALL cmig.abandon(); SELECT FROM cmig.enable_audit('p')});
is(sql($db, $parts), 'GRANT EXECUTE ON FUNCTION cmig.audit_trigger() TO own', 'likewise for an audited table');
sql($db, 'GRANT EXECUTE ON FUNCTION cmig.audit_trigger() TO own');
sql($db, "$own CREATE TABLE own.p2 PARTITION OF p FOR VALUES IN (2); INSERT INTO p VALUES (3, 2, 7)");
is(sql($db, q{SELECT count(*) FROM cmig_audit.log}), 1, 'whose new partition is audited');

# An enum of the new version has the privileges of the real one from the beginning.
new_database($node, 'enum');
sql('enum', q{ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO app; CREATE TYPE m AS ENUM ('a', 'b'); REVOKE ALL ON TYPE m FROM app, PUBLIC; GRANT USAGE ON TYPE m TO own; CREATE TABLE t (id int, m m);
	SELECT cmig.create_revision('n', 'ALTER TYPE m RENAME VALUE ''b'' TO ''c''', NULL, revision => '2', expand => true)});
sql('enum', 'CALL cmig.expand()');
is(sql('enum', q{SELECT count(DISTINCT typacl::text), count(*), bool_and(has_type_privilege('own', oid, 'USAGE') AND NOT has_type_privilege('app', oid, 'USAGE')) FROM pg_type WHERE typname = 'm'}), '1|2|t', 'an enum has the privileges of the real one');
is(sql('enum', q{SELECT count(*) FROM cmig.check() WHERE problem LIKE 'its privileges%'}), 0, 'at once');

done_testing();
