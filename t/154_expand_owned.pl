# Copyright (c) 2026, the pg_cmig developers

# Tests that what belongs to another expansion, or to another role, is not taken for
# what an expansion has created.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_owned');

# Creates a database from a template.
sub copy
{
	my ($name, $template) = @_;
	sql('postgres', "CREATE DATABASE $name TEMPLATE $template");
}

# ----------------------------------------------------------------
# A table belongs to one expansion.
# ----------------------------------------------------------------

sql('postgres', 'CREATE DATABASE two');
sql('two', <<'END_SQL');
CREATE EXTENSION pg_cmig;
CREATE SCHEMA s;
SELECT FROM cmig.load($c$
-- revision: 1
-- branch_labels: main
-- message: c
-- cmig:upgrade
CREATE TABLE s.person (id int PRIMARY KEY, name text NOT NULL);
-- cmig:downgrade
DROP TABLE s.person;

-- revision: 2
-- down_revision: 1
-- message: n
-- expand: true
-- cmig:upgrade
ALTER TABLE s.person ALTER COLUMN id TYPE bigint;

-- revision: t1
-- branch_labels: tenant
-- message: c
-- cmig:upgrade
CREATE TABLE other (id int PRIMARY KEY, v text);
-- cmig:downgrade
DROP TABLE other;

-- revision: t2
-- down_revision: t1
-- message: n
-- expand: true
-- cmig:upgrade
ALTER TABLE other ADD COLUMN w text;
-- cmig:up other.w = upper(v)
ALTER TABLE person ADD COLUMN first text;
-- cmig:up person.first = split_part(name, ' ', 1)
$c$);
SELECT FROM cmig.upgrade('1');
INSERT INTO s.person VALUES (1, 'a b');
SET cmig.scope = 's';
SELECT FROM cmig.upgrade('t1')
END_SQL
copy('two_at_once', 'two');
copy('two_left', 'two');
copy('two_reversed', 'two');

my $scope = q{SET cmig.scope = 's'; };
my $hidden = q{SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 's.person'::regclass AND attnum > 0 AND NOT attisdropped};
my $both = q{INSERT INTO s.person VALUES (7, 'x y'); INSERT INTO s_2.person VALUES ('x y', 8); SELECT string_agg(concat_ws(' ', id, cmig_new_id), ', ' ORDER BY id) FROM s.person};

sql('two', q{CALL cmig.expand('2')});
like(tried('two', "$scope CALL cmig.expand('t2')"), qr{revision "2" is expanded in the database, so table s\.person cannot be expanded in scope "s", too\n.*\nHINT:  To complete it: SET cmig\.scope = ''; CALL cmig\.contract\(\)},
	'a scope cannot expand a table that the database has expanded');
is(sql('two', 'SELECT count(*) FROM cmig.expansion_run'), '1', 'nothing is stored');
is(sql('two', $both), '1 1, 7 7, 8 8', 'both builds write');
sql('two_reversed', "$scope CALL cmig.expand('t2')");
like(tried('two_reversed', q{CALL cmig.expand('2')}), qr{revision "t2" is expanded in scope "s", so table s\.person cannot be expanded again\n.*\nHINT:  To complete it: SET cmig\.scope = 's'; CALL cmig\.contract\(\)},
	'nor the database one that a scope has expanded');
sql('two_reversed', 'ALTER TABLE s.person RENAME TO away');
like(tried('two_reversed', q{CREATE TABLE s.person (id int PRIMARY KEY, name text NOT NULL); CALL cmig.expand('2')}), qr{revision "t2" is expanded in scope "s"}, 'nor another one under its name');

# Two sessions plan at once: one of them waits for the other one.  They may also wait for
# each other in the shadow, and then begin again.
{
	my $holder = $node->background_psql('two_at_once');
	my $waiting = q{FROM pg_stat_activity a WHERE datname = 'two_at_once' AND wait_event_type = 'Lock'};
	my @runs;

	$holder->query_safe('BEGIN; LOCK TABLE cmig.expansion_run IN SHARE MODE');
	foreach my $attempt (1 .. 30)
	{
		@runs = map { start_psql($node, 'two_at_once', "SET cmig.lock_timeout = '60s'; $_") }
		  q{CALL cmig.expand('2')}, "$scope CALL cmig.expand('t2')";
		$node->poll_query_until('two_at_once', "SELECT count(*) = 2 $waiting");
		last if sql('two_at_once', "SELECT count(*) = 2 $waiting AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND relation = 'cmig.expansion_run'::regclass AND NOT granted)") eq 't';
		sql('two_at_once', q{SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = 'two_at_once' AND application_name = 'run'});
		finish_psql($_) foreach @runs;
	}
	$holder->query_safe('COMMIT');
	$holder->quit;
	is(join(' ', sort map { finish_psql($_) } @runs), '0 3', 'of two that plan at once, one is refused');
	like($runs[0]{err} . $runs[1]{err}, qr{55000: revision "t?2" is expanded in .*, so table s\.person cannot be expanded}, 'with the reason');
	is(sql('two_at_once', 'SELECT count(*) FROM cmig.expansion_run'), '1', 'and nothing of it is stored');
}

# an earlier version of pg_cmig has let both be planned
sql('two_left', "$scope CALL cmig.expand('t2')");
sql('two_left', "CREATE TABLE public.run AS TABLE cmig.expansion_run; CREATE TABLE public.step AS TABLE cmig.expansion_step; $scope CALL cmig.abandon()");
sql('two_left', q{CALL cmig.expand('2')});
sql('two_left', q{UPDATE run SET state = 'expanding'; UPDATE step SET done = false; INSERT INTO cmig.expansion_run TABLE run; INSERT INTO cmig.expansion_step TABLE step});
like(tried('two_left', "$scope CALL cmig.expand('t2')"), qr{revision "2" is expanded in the database, so table s\.person cannot be expanded in scope "s", too}, "attempt $_ to prepare the table is refused")
	foreach 1 .. 2;
is(sql('two_left', $hidden), 'id name cmig_state cmig_new_id', 'no column of the other expansion is renamed');
is(sql('two_left', $both), '1 1, 7 7, 8 8', 'so that both builds write');
like(tried('two_left', "$scope CALL cmig.abandon()"), qr/the tables are as before/, 'what was refused can be abandoned');
is(sql('two_left', $hidden), 'id name cmig_state cmig_new_id', 'without the columns of the other one');
sql('two_left', 'CALL cmig.contract()');
is(sql('two_left', q{SELECT string_agg(concat(id, name), ' ' ORDER BY id), min(pg_typeof(id)::text) FROM s.person}), '1a b 7x y 8x y|bigint', 'which can be contracted');

# ----------------------------------------------------------------
# An abandonment drops only what the expansion has created.
# ----------------------------------------------------------------

sql('postgres', "CREATE ROLE $_ LOGIN") foreach qw(own eve);
sql('postgres', 'CREATE DATABASE names');
sql('names', <<'END_SQL');
CREATE EXTENSION pg_cmig;
GRANT CREATE ON DATABASE names TO own;
CREATE SCHEMA s AUTHORIZATION own;
GRANT USAGE, CREATE ON SCHEMA s TO eve;
SELECT FROM cmig.grant_access('own', 'migrator');
SELECT FROM cmig.grant_access('own', 'author');
SET ROLE own;
SELECT cmig.create_revision('c', $$CREATE TABLE s.person (id int PRIMARY KEY, name text NOT NULL)$$,
	'DROP TABLE s.person', revision => '1');
SELECT cmig.upgrade();
INSERT INTO s.person VALUES (1, 'a b'), (2, 'a c');
SELECT cmig.create_revision('n', $$
ALTER TABLE s.person ADD COLUMN first text;
-- cmig:up s.person.first = split_part(name, ' ', 1)
CREATE UNIQUE INDEX person_first ON s.person (first);
CREATE TABLE s.newt (a int PRIMARY KEY, b int);
CREATE INDEX newt_b ON s.newt (b);
CREATE POLICY p ON s.newt USING (true);
CREATE SEQUENCE s.numbers;
CREATE TYPE s.mood AS ENUM ('a');
CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'
$$, NULL, revision => '2', expand => true)
END_SQL
sql('postgres', "CREATE DATABASE $_ TEMPLATE names; GRANT CREATE ON DATABASE $_ TO own") foreach qw(gone again replaced restored);

my $own = 'SET ROLE own; ';
my $eve = 'SET ROLE eve; ';
my $rest = q{SELECT string_agg(concat_ws(' ', relname, relowner::regrole), ', ' ORDER BY relname COLLATE "C") FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind <> 'i'};
my $left = sub { return join ', ', tried(@_) =~ /WARNING:  (\S+ \S+) is not dropped\nDETAIL:  The expansion of revision "2" has not created it/g };

like(tried('names', "$own CALL cmig.expand()"), qr/could not create unique index "cmig_new_person_first"/, 'an index cannot be built');
sql('names', "$own DROP INDEX s.cmig_new_person_first; DROP TABLE s.newt; DROP TYPE s.mood; DROP FUNCTION s.f()");
sql('names', <<"END_SQL");
$eve CREATE TABLE s.et (a int); CREATE UNIQUE INDEX cmig_new_person_first ON s.et (a);
CREATE TABLE s.newt (b text); CREATE INDEX newt_b ON s.newt (b); INSERT INTO s.newt VALUES ('data of eve');
CREATE TYPE s.mood AS ENUM ('b'); CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 2'
END_SQL
is($left->('names', "$own CALL cmig.abandon()"), 'index s.cmig_new_person_first, function s.f(), table s.newt, type s.mood', 'what another role has created meanwhile is left');
is(sql('names', 'SELECT b, s.f(), enum_first(NULL::s.mood) FROM s.newt'), 'data of eve|2|b', 'with its rows');
is(sql('names', q{SELECT string_agg(concat(indexrelid::regclass, ' ', indrelid::regclass), ', ' ORDER BY 1) FROM pg_index WHERE indrelid IN ('s.et'::regclass, 's.newt'::regclass)}),
	's.cmig_new_person_first s.et, s.newt_b s.newt', 'and indexes');
is(sql('names', $rest), 'et eve, newt eve, person own', 'and the rest is dropped');

# what is only gone, and what the expansion has created and another role owns since then
sql('gone', 'UPDATE s.person SET name = id');
sql('gone', "$own CALL cmig.expand()");
sql('gone', "$own DROP TABLE s.newt; RESET ROLE; ALTER SEQUENCE s.numbers OWNER TO eve");
is($left->('gone', "$own CALL cmig.abandon()"), '', 'what was dropped meanwhile, with its index and policy, is not missed');
is(sql('gone', $rest), 'person own', 'and a sequence of the expansion is dropped, whoever owns it');

# the role that has expanded the revision has made the table again
sql('again', 'UPDATE s.person SET name = id');
sql('again', "$own CALL cmig.expand()");
sql('again', "$own DROP TABLE s.newt; CREATE TABLE s.newt (a int, b int); INSERT INTO s.newt VALUES (7)");
is($left->('again', "$own CALL cmig.abandon()"), 'table s.newt', 'a table that was dropped and created again is left');
is(sql('again', 'SELECT a FROM s.newt'), '7', 'with its rows');

# the expanded table, and the schema of the version
sql('replaced', 'UPDATE s.person SET name = id');
sql('replaced', "$own CALL cmig.expand()");
sql('replaced', 'GRANT CREATE ON DATABASE replaced TO eve');
sql('replaced', "$own DROP TABLE s.person CASCADE; DROP SCHEMA s_2 CASCADE");
sql('replaced', "$eve CREATE TABLE s.person (cmig_new_first text, cmig_state text); CREATE INDEX cmig_new_person_first ON s.person (cmig_new_first); CREATE SCHEMA s_2; GRANT USAGE ON SCHEMA s_2 TO own; CREATE TABLE s_2.t (); CREATE VIEW s_2.person AS SELECT 1 AS one");
is($left->('replaced', "$own CALL cmig.abandon()"), 'view s_2.person, table s.person, index s.cmig_new_person_first, schema s_2', 'what replaces the expanded table and the schema of the version is left');
is(sql('replaced', 'SELECT count(*), (SELECT one FROM s_2.person) FROM (SELECT cmig_new_first, cmig_state FROM s.person) x'), '0|1', 'with its columns');
is(sql('replaced', 'SELECT count(*) FROM cmig.expansion_run'), '0', 'and nothing is expanded any more');

# in a restored database, only owners are known
sql('restored', 'UPDATE s.person SET name = id');
sql('restored', "$own CALL cmig.expand()");
sql('restored', "$own DROP SEQUENCE s.numbers");
sql('restored', "$eve CREATE SEQUENCE s.numbers");
{
	my $dump = $node->basedir . '/restored.sql';

	$node->command_ok([ 'pg_dump', '-f', $dump, 'restored' ], 'dump');
	sql('postgres', 'CREATE DATABASE other');
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'other' ], 'restore');
}
is($left->('other', "$own CALL cmig.abandon()"), 'sequence s.numbers', 'in a restored database, what another role owns is left');
is(sql('other', $rest), 'numbers eve, person own', 'and the rest is dropped');

# ----------------------------------------------------------------
# A table gets another owner.
# ----------------------------------------------------------------

sql('postgres', 'CREATE ROLE successor LOGIN; CREATE ROLE app LOGIN; CREATE ROLE watcher LOGIN');
sql('postgres', 'CREATE DATABASE given');
sql('given', <<'END_SQL');
CREATE EXTENSION pg_cmig;
GRANT CREATE ON DATABASE given TO own;
CREATE SCHEMA s AUTHORIZATION own;
GRANT USAGE ON SCHEMA s TO app, watcher;
GRANT USAGE, CREATE ON SCHEMA s TO successor;
SELECT FROM cmig.grant_access('own', 'migrator');
SELECT FROM cmig.grant_access('own', 'author');
SELECT FROM cmig.grant_access('watcher', 'reader');
SET ROLE own;
SELECT cmig.create_revision('c', $$CREATE TABLE s.person (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE s.part (id int, name text) PARTITION BY LIST (id); CREATE TABLE s.part_1 PARTITION OF s.part DEFAULT$$, NULL, revision => '1');
SELECT cmig.upgrade();
SELECT cmig.create_revision('n', $$ALTER TABLE s.person ALTER id TYPE bigint;
ALTER TABLE s.part ADD length int;
-- cmig:up s.part.length = length(name)
$$, NULL, revision => '2', expand => true);
CALL cmig.expand();
GRANT SELECT, INSERT ON s.person, s.part TO app
END_SQL
my $written = sub {
	my ($table) = @_;
	my $since = sql('given', 'SELECT clock_timestamp()');

	sql('given', "SET ROLE app; INSERT INTO s.$table VALUES (1 + (random() * 1e9)::int, 'q')");
	return sql('given', "SELECT coalesce(max(last_old_write) > '$since', false), coalesce(max(failure), '-') FROM cmig.expansion() WHERE relation = 's.$table'");
};
my $unnoted = q{SELECT object, fix FROM cmig.check() WHERE problem ~ '^(writes of the old build are not noted|it belongs to role)' ORDER BY 1};

is($written->('person'), 't|-', 'a write of the old build is noted');
is(sql('given', $unnoted), '', 'and nothing is reported');
sql('given', 'ALTER TABLE s.person OWNER TO successor');
like($written->('person'), qr{^f\|writes of the old build are not noted: role successor does not have the privileges of own, the owner of sequence s_2\.cmig_old_person$}, 'with another owner, it is not, which is said');
is(sql('given', $unnoted), 'table s.person|ALTER TABLE s.person OWNER TO own', 'check has the statement that undoes it');
like(sql('given', "SELECT value FROM cmig.status() WHERE item = 'error'"), qr/^table s\.person: it belongs to role successor/m, 'status names it');
like(tried('given', "$own CALL cmig.expand()"), qr/is already expanded/, 'who cannot give it the sequence is not disturbed');
like($written->('person'), qr{^f\|writes}, 'and it still is not noted');
sql('given', 'ALTER TABLE s.person OWNER TO own');
is($written->('person'), 't|-', 'it is after that was undone');
sql('given', 'ALTER TABLE s.person OWNER TO successor; GRANT successor TO own');
is(sql('given', $unnoted), q{table s.person|CALL cmig.expand('2') -- or, to undo it: ALTER TABLE s.person OWNER TO own}, 'for a member of the new role, a CALL is enough');
sql('given', "$own CALL cmig.expand()");
is($written->('person'), 't|-', 'which gives it the sequence');
is(sql('given', q{SELECT relowner::regrole, has_schema_privilege('successor', 's_2', 'CREATE') FROM pg_class WHERE oid = 's_2.cmig_old_person'::regclass}), 'successor|f', 'and nothing else');
sql('given', 'ALTER TABLE s.person OWNER TO own; ALTER SEQUENCE s_2.cmig_old_person OWNER TO own; ALTER TABLE s.part_1 OWNER TO successor; REVOKE successor FROM own');
is($written->('part'), 't|-', 'the owner of a partition does not matter, as the trigger is that of its parent');
is(sql('given', $unnoted), 'table s.part_1|ALTER TABLE s.part_1 OWNER TO own', 'but the expansion cannot be ended');
# the owner of a partitioned partition has given it triggers that name the sequence of another table
sql('given', q{ALTER TABLE s.part_1 OWNER TO own; GRANT USAGE ON SCHEMA cmig TO successor; GRANT EXECUTE ON FUNCTION cmig.expansion_begin(), cmig.expansion_write() TO successor;
	CREATE TABLE s.top (LIKE s.part INCLUDING DEFAULTS) PARTITION BY LIST (id); ALTER TABLE s.top OWNER TO own;
	CREATE TABLE s.middle PARTITION OF s.top DEFAULT PARTITION BY LIST (id); CREATE TABLE s.leaf PARTITION OF s.middle DEFAULT;
	ALTER TABLE s.middle OWNER TO successor; ALTER TABLE s.leaf OWNER TO successor; SET ROLE successor});
sql('given', 'SET ROLE successor; ' . sql('given', q{SELECT string_agg(replace(pg_get_triggerdef(oid), ' ON s.part ', ' ON s.middle '), ';') FROM pg_trigger WHERE tgrelid = 's.part'::regclass}));
my $last = sql('given', 'SELECT last_value FROM s_2.cmig_old_part');
sql('given', 'INSERT INTO s.top (id) VALUES (1)');
is(sql('given', 'SELECT last_value FROM s_2.cmig_old_part'), $last, 'triggers of another role do not write it');
sql('given', q{ALTER TABLE s.middle OWNER TO own; INSERT INTO s.top (id) VALUES (2)});
isnt(sql('given', 'SELECT last_value FROM s_2.cmig_old_part'), $last, 'but those of a table of its owner do');
# a trigger of such a partition that is in the way is renamed there
sql('given', q{CREATE TABLE s.own PARTITION OF s.part FOR VALUES IN (-1) PARTITION BY LIST (id); CREATE TABLE s.own_1 PARTITION OF s.own DEFAULT;
	CREATE TRIGGER "~~late" BEFORE INSERT ON s.own FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()});
my ($hint) = tried('given', 'INSERT INTO s.part (id) VALUES (-1)') =~ /HINT:  (.*)/;
is($hint, 'ALTER TRIGGER "~~late" ON s.own RENAME TO <a name that begins with a letter of ASCII>', 'the hint names the table of the trigger');
sql('given', 'DROP TABLE s.own');
sql('given', 'DROP TABLE s.top; DROP SEQUENCE s_2.cmig_old_part');
like($written->('part'), qr{^f\|writes of the old build are not noted: sequence s_2\.cmig_old_part does not exist}, 'and without a sequence');
sql('given', "$own CREATE SEQUENCE s_2.cmig_old_part");
is($written->('part'), 't|-', 'until it is created again');
like(sql('given', q{SET ROLE watcher; SELECT DISTINCT coalesce(last_old_write::text, 'null'), failure FROM cmig.expansion() WHERE relation = 's.part'}),
	qr/^null\|last_old_write is not known without the privilege SELECT on sequence s_2\.cmig_old_part$/m, 'who may not see it is told why');
sql('given', 'ALTER TABLE s.person OWNER TO own; GRANT successor TO own');
sql('given', "$own CALL cmig.contract()");
is(sql('given', q{SELECT count(*), min(pg_typeof(id)::text) FROM s.person}), '5|bigint', 'the revision is contracted');

# rows that a migrator has written about the table of another role do not count
$node->safe_psql('postgres', 'CREATE DATABASE forged');
sql('forged', q{CREATE EXTENSION pg_cmig; CREATE ROLE forger; SELECT cmig.grant_access('forger', 'migrator'); CREATE TABLE t (id int PRIMARY KEY, n int);
	SELECT cmig.create_revision('c', 'ALTER TABLE t ALTER n TYPE bigint', NULL, revision => '2', expand => true);
	SET ROLE forger; INSERT INTO cmig.expansion_run (scope, revision, revisions, schemas, columns) VALUES ('zz', 'x', '{x}', '{zz}', '[]');
	INSERT INTO cmig.expansion_step (scope, position, phase, relation, statement) VALUES ('zz', 1, 'prepare', 'public.t', 'SELECT 1'), ('zz', 2, 'prepare', '"t".t', 'SELECT 1')});
sql('forged', 'CALL cmig.expand()');
is(sql('forged', q{SELECT revision FROM cmig.expansion_run WHERE scope = ''}), '2', 'forged rows of another scope: expanded');

# ----------------------------------------------------------------
# An expansion that is not recorded: the statements that remove it do not drop what others have built on it.
# ----------------------------------------------------------------

sql('postgres', 'CREATE DATABASE unknown');
sql('unknown', 'ALTER DATABASE unknown SET search_path = s, public');
sql('unknown', q{CREATE EXTENSION pg_cmig; CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('a'); CREATE TABLE s.a (id int PRIMARY KEY, m s.mood);
	CREATE TABLE s.b (a int CONSTRAINT b_a REFERENCES s.a); CREATE FUNCTION s.f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM a';
	SELECT FROM cmig.create_revision('n', $c$ALTER TYPE s.mood ADD VALUE 'b'; ALTER TABLE s.b DROP CONSTRAINT b_a;
	ALTER TABLE s.a ALTER id TYPE bigint; ALTER TABLE s.b ALTER a TYPE bigint; ALTER TABLE s.b ADD CONSTRAINT b_a FOREIGN KEY (a) REFERENCES s.a;
	CREATE OR REPLACE FUNCTION s.f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) + 1 FROM a'$c$, NULL, revision => '2', expand => true, transactional => false)});
sql('unknown', 'CALL cmig.expand(); CREATE VIEW public.built AS SELECT id FROM s_2.a; DELETE FROM cmig.expansion_step; DELETE FROM cmig.expansion_run');
my $fixes = q{SELECT string_agg(fix, '; ' ORDER BY object) FROM cmig.check() WHERE severity = 'error'};
like(($node->psql('unknown', sql('unknown', $fixes)))[2], qr{view built depends on view s_2\.a}, 'what somebody has built remains');
sql('unknown', 'DROP VIEW public.built');
foreach my $count (3, 1)
{
	my @fixes = split /\n/, sql('unknown', q{SELECT fix FROM cmig.check() WHERE severity = 'error' ORDER BY object});

	is(scalar @fixes, $count, 'the schema and two tables, and then the schema, in which the type of a hidden column was');
	sql('unknown', $_) foreach @fixes;
}
is(sql('unknown', q{SELECT count(*) FROM cmig.check() WHERE severity = 'error'}), '0', 'nothing of the expansion remains');
is(sql('unknown', q{SELECT string_agg(attname, ',' ORDER BY attrelid, attnum) FROM pg_attribute WHERE attrelid IN ('s.a'::regclass, 's.b'::regclass) AND attnum > 0 AND NOT attisdropped}), 'id,m,a', 'in the tables');
# a schema with such a comment is only one if its owner could have expanded the other one
my $errors = q{SELECT string_agg(object, ', ') FROM cmig.check() WHERE severity = 'error'};
sql('unknown', q{CREATE ROLE squatter; CREATE SCHEMA q AUTHORIZATION squatter; CREATE SCHEMA q_2 AUTHORIZATION squatter;
	COMMENT ON SCHEMA q_2 IS 'new version of schema q while revision 2 is expanded'});
is(sql('unknown', $errors), '', 'a schema of a role that cannot expand stops nothing');
sql('unknown', q{SELECT cmig.grant_access('squatter', 'migrator')});
is(sql('unknown', $errors), 'schema q_2', 'one of a migrator does');
sql('unknown', 'ALTER SCHEMA q OWNER TO CURRENT_USER');
is(sql('unknown', $errors), '', 'unless the other one belongs to another role');

done_testing();
