# Copyright (c) 2026, the pg_cmig developers

# Tests what other roles create while a revision is expanded, and what would stop its
# contraction or abandonment: relations with the names that it needs, and what depends on
# what it drops.  Both are found before the first statement.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_names');

my ($db, $own, $eve, $mig) = ('d0', 'SET ROLE own; ', 'SET ROLE eve; ', 'SET ROLE mig; ');
sql('postgres', 'CREATE ROLE own LOGIN; CREATE ROLE eve LOGIN; CREATE ROLE mig LOGIN; GRANT own TO mig');

# subject(BEFORE, CHANGE, EXPAND): a database with a schema of own, and an expanded revision
sub subject
{
	my ($before, $change, $expand) = @_;

	$db++;
	new_database($node, $db);
	sql($db, "CREATE SCHEMA s AUTHORIZATION own; CREATE SCHEMA eve AUTHORIZATION eve;
		GRANT CREATE ON DATABASE $db TO own, mig; GRANT USAGE, CREATE ON SCHEMA s TO eve;
		SELECT cmig.grant_access(r, l) FROM unnest('{own,mig}'::text[]) r, unnest('{migrator,author}'::text[]) l");
	sql($db, "$own $before; SELECT cmig.create_revision('n', \$c\$$change\$c\$, NULL, revision => '2', expand => true, transactional => false)");
	sql($db, $expand // "$own CALL cmig.expand()");
}

my $state = 'SELECT state FROM cmig.expansion_run';
my $hints = sub { return tried(@_) =~ /HINT:  (.*?)(?: -- as the owner.*)?$/m ? $1 : '' };
my $problems = q{SELECT string_agg(concat(object, ': ', fix), ', ' ORDER BY object) FROM cmig.check() WHERE problem ~ '(contraction|abandonment) of revision "2" (needs|drops)'};

# ----------------------------------------------------------------
# Names
# ----------------------------------------------------------------

my $parts = q{CREATE TABLE s.t (id int, k text, v text, w text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE s.t_a PARTITION OF s.t FOR VALUES IN ('a'); CREATE TABLE s.t_b PARTITION OF s.t FOR VALUES IN ('b');
INSERT INTO s.t VALUES (1, 'a', '10', 'x'), (2, 'b', '20', 'x')};
my $keys = q{ALTER TABLE s.t ALTER v TYPE int USING v::int; CREATE UNIQUE INDEX t_vk ON s.t (v, k); ALTER TABLE s.t ADD CONSTRAINT ck CHECK (v > 0);
ALTER TABLE s.t RENAME TO renamed; CREATE VIEW s.new AS SELECT 1 AS one};

subject($parts, $keys);
is(sql($db, $problems), '', 'nothing is reported');
sql($db, "$eve CREATE TABLE s.t_vk (a int); CREATE SEQUENCE s.t_a_v_k_idx; CREATE TYPE s.renamed AS ENUM ('a'); CREATE TABLE s.new (a int); CREATE VIEW s.cmig_new_t_c_v_k_idx AS SELECT 1 AS one");
sql($db, "$own ALTER TABLE s.t_b ADD CONSTRAINT ck CHECK (id > 0)");
my $fixes = 'sequence s.t_a_v_k_idx: ALTER SEQUENCE s.t_a_v_k_idx RENAME TO t_a_v_k_idx_1, table s.new: ALTER TABLE s.new RENAME TO new_1, table s.t_vk: ALTER TABLE s.t_vk RENAME TO t_vk_1, type s.renamed: ALTER TYPE s.renamed RENAME TO renamed_1';
like(sql($db, $problems), qr/\Q$fixes\E$/, 'check has a statement for each name that is taken');
like(tried($db, "$own CALL cmig.contract()"), qr/names that the contraction of revision "2" needs are taken\nDETAIL:  sequence s\.t_a_v_k_idx of role eve\ntable s\.new of role eve\ntable s\.t_vk of role eve\nHINT:  ALTER SEQUENCE s\.t_a_v_k_idx RENAME TO t_a_v_k_idx_1; ALTER TABLE s\.new RENAME TO new_1; ALTER TABLE s\.t_vk RENAME TO t_vk_1 -- as the owner, or as a superuser$/m, 'relations that have the names of indexes');
is(sql($db, $state), 'expanded', 'are found before the first step');
sql($db, $hints->($db, "$own CALL cmig.contract()"));
like(tried($db, "$own CALL cmig.contract()"), qr/DETAIL:  constraint ck of table s\.t_b of role own\ntype s\.renamed of role eve\n/, 'then a type and a constraint');
sql($db, $hints->($db, "$own CALL cmig.contract()"));
sql($db, "$own CREATE TABLE s.t_c PARTITION OF s.t FOR VALUES IN ('c'); CALL cmig.contract()");
is(sql($db, q{SELECT string_agg(concat_ws(' ', c.relname, i.indrelid::regclass), ', ' ORDER BY c.relname) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE c.relname ~ 'v_?k' AND c.relnamespace = 's'::regnamespace}),
	't_a_v_k_idx s.t_a, t_b_v_k_idx s.t_b, t_c_v_k_idx s.t_c, t_vk s.renamed', 'the indexes have their names');
is(sql($db, 'SELECT count(*) FROM s.new'), '1', 'and the view');

# a column
subject('CREATE TABLE s.p (id int PRIMARY KEY, name text)', "ALTER TABLE s.p ADD first text;\n-- cmig:up s.p.first = name\n");
sql($db, "$own ALTER TABLE s.p ADD first text");
like(tried($db, "$own CALL cmig.contract()"), qr/DETAIL:  column first of table s\.p of role own\nHINT:  ALTER TABLE s\.p RENAME COLUMN first TO first_1$/m, 'a column');
is(sql($db, $state), 'expanded', 'is found before the first step');
sql($db, $own . $hints->($db, "$own CALL cmig.contract()"));
sql($db, "$own CALL cmig.contract()");

# an index of another role with the hidden name of one that is gone
subject($parts, 'ALTER TABLE s.t ALTER v TYPE int USING v::int; CREATE UNIQUE INDEX t_vk ON s.t (v, k)');
sql($db, "$own DROP TABLE s.t_b");
sql($db, "$eve CREATE TABLE s.et (a int); CREATE INDEX cmig_new_t_b_v_k_idx ON s.et (a)");
sql($db, "$own CALL cmig.contract()");
is(sql($db, "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 's.et'::regclass"), 's.cmig_new_t_b_v_k_idx', 'an index of another table keeps its name');

# the hidden name of an index for a partition that appears before it is built
subject($parts, 'ALTER TABLE s.t ALTER v TYPE int USING v::int; CREATE UNIQUE INDEX t_vk ON s.t (v, k)', 'SELECT 1');
{
	my $open = $node->background_psql($db);
	$open->query_safe('BEGIN; SELECT FROM s.t WHERE id = 2 FOR UPDATE');
	my $run = start_psql($node, $db, "$own CALL cmig.expand()");
	wait_until_blocked($node);
	$open->query_safe("SET ROLE own; CREATE TABLE s.t_c PARTITION OF s.t FOR VALUES IN ('c'); SET ROLE eve; CREATE VIEW s.cmig_new_t_c_vk AS SELECT 1 AS one; CREATE VIEW s.cmig_new_t_c_t_vk AS SELECT 1 AS one; COMMIT");
	$open->quit;
	is(finish_psql($run), 0, 'an index gets another hidden name if that is taken') or diag($run->{err});
}
is(sql($db, q{SELECT string_agg(c.relname, ' ') FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 's.t_c'::regclass AND i.indnatts = 2 AND NOT indisprimary}), 'cmig_new_t_c_vk_1', 'which is like it');
sql($db, "$own CALL cmig.contract()");
is(sql($db, q{SELECT count(*) FROM pg_class WHERE relname ~ 'cmig_new' AND relkind = 'i'}), '0', 'and which does not remain');

# ----------------------------------------------------------------
# Dependents
# ----------------------------------------------------------------

my $change = "ALTER TABLE s.p ALTER id TYPE bigint; ALTER TABLE s.p ADD first text;\n-- cmig:up s.p.first = name\n";
foreach my $verb (qw(contract abandon))
{
	my $noun = $verb eq 'contract' ? 'contraction' : 'abandonment';

	subject('CREATE TABLE s.p (id int PRIMARY KEY, name text); CREATE TABLE s.q (id int)', $change);
	is(sql($db, $problems), '', "$verb: nothing is reported");
	sql($db, "$eve CREATE VIEW eve.v AS SELECT cmig_state, cmig_new_id FROM s.p; CREATE VIEW eve.w AS SELECT first FROM s_2.p; CREATE VIEW eve.x AS SELECT last_value FROM s_2.cmig_old_p;
		CREATE FUNCTION eve.f() RETURNS SETOF bigint LANGUAGE sql BEGIN ATOMIC SELECT id FROM s_2.p; END; CREATE TABLE eve.t (p s_2.p, i int DEFAULT nextval('s_2.cmig_old_p'))");
	sql($db, "$own CREATE VIEW s_2.extra AS SELECT 1 AS one");
	is(sql($db, $problems), 'default value for eve.t.i: ALTER TABLE eve.t ALTER i DROP DEFAULT, function eve.f(): DROP FUNCTION eve.f(), table column eve.t.p: ALTER TABLE eve.t ALTER p TYPE text, '
		  . 'view eve.v: DROP VIEW eve.v, view eve.w: DROP VIEW eve.w, view eve.x: DROP VIEW eve.x, view s_2.extra: DROP VIEW s_2.extra', "$verb: check has a statement for each dependent");
	my $error = tried($db, "$own CALL cmig.$verb()");
	like($error, qr/other objects depend on what the $noun of revision "2" drops\nDETAIL:  default value for eve\.t\.i of role eve depends on sequence s_2\.cmig_old_p\n.*view eve\.w of role eve depends on view column s_2\.p\.first\n/s, "$verb: refused, with what depends on what");
	is(sql($db, $state), 'expanded', "$verb: before the first step");
	if ($verb eq 'contract')
	{
		sql($db, $hints->($db, "$own CALL cmig.contract()"));
	}
	else
	{
		my ($cascade) = $error =~ /; or, as the owner of the expanded tables: (.*)$/m;
		sql($db, "$own DROP VIEW s_2.extra; $cascade");
	}
	sql($db, "$own CALL cmig.$verb()");
	is(sql($db, 'SELECT count(*) FROM cmig.expansion_run'), '0', "$verb: done after what the hint says");
}

# no fix loses what rows have
subject(q{CREATE TYPE s.mood AS ENUM ('good', 'bad'); CREATE TABLE s.t (id int PRIMARY KEY, m s.mood)}, q{ALTER TYPE s.mood ADD VALUE 'ugly'});
sql($db, "$own CREATE TABLE s.u (a s.mood, b s.mood[], c s.mood DEFAULT 'bad', d bool GENERATED ALWAYS AS (a = 'good'::s.mood) STORED); INSERT INTO s.u VALUES ('good', '{bad}');
	CREATE VIEW s.vv AS SELECT 'good'::s.mood AS m, 1 AS one; CREATE TYPE s.pair AS (a s.mood)");
like(sql($db, $problems), qr/composite type column s\.pair\.a: ALTER TYPE s\.pair ALTER ATTRIBUTE a TYPE text.*default value for s\.u\.d: ALTER TABLE s\.u ALTER d DROP EXPRESSION.*, view s\.vv: DROP VIEW s\.vv$/, 'columns of a view are not listed');
sql($db, $hints->($db, "$own CALL cmig.contract()"));
is(sql($db, 'TABLE s.u'), 'good|{bad}|bad|t', 'after what the hint says, the rows have their values');
sql($db, "$own CALL cmig.contract()");
is(sql($db, $state), '', 'and the contraction ends');

# a reader who may not use the schema
subject('CREATE TABLE s.p (id int PRIMARY KEY, name text)', $change);
sql($db, q{CREATE ROLE watcher; SELECT cmig.grant_access('watcher', 'reader')});
sql($db, "$own CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER \"~~\" BEFORE INSERT ON s.p FOR EACH ROW EXECUTE FUNCTION s.f()");
is(sql($db, q{SET ROLE watcher; SELECT object FROM cmig.check() WHERE severity = 'error'}), 'trigger "~~" on s.p', 'check works for a reader without privileges on the schema');
like(sql($db, q{SET ROLE watcher; SELECT string_agg(value, ', ') FROM cmig.status()}), qr/trigger "~~" on s\.p/, 'and so does status');
sql($db, "$eve CREATE VIEW eve.w AS SELECT first FROM s_2.p");
like(sql($db, "SET ROLE watcher; $problems"), qr/^view eve\.w: DROP VIEW eve\.w$/, 'and names dependents');

# what depends on a column that the old version has, too, is no obstacle to an abandonment
subject('CREATE TABLE s.p (id int PRIMARY KEY, name text)', $change);
sql($db, "$eve CREATE VIEW eve.v AS SELECT id FROM s.p");
sql($db, "$own CALL cmig.abandon()");
is(sql($db, q{SELECT to_regclass('eve.v')}), 'eve.v', 'a view of a real column remains');

# statements that a migrator has written are not understood
subject('CREATE TABLE s.p (id int PRIMARY KEY, name text)', $change);
sql($db, q{CREATE ROLE forger; SELECT cmig.grant_access('forger', 'migrator'); SET ROLE forger;
	INSERT INTO cmig.expansion_step (scope, position, phase, relation, statement) VALUES ('', 9999, 'contract', 's.p', 'DROP NONSENSE')});
is(sql($db, q{SELECT problem FROM cmig.check() WHERE severity = 'error'}), 'nobody can contract or abandon revision "2": its statements were stored by roles "forger", "own", and no role can run those of all of them', 'check does not fail because of forged statements, and says that others do');
like(tried($db, "$own CALL cmig.abandon()"), qr/were stored by role "forger", which does not have your privileges/, 'and it is right');

# ----------------------------------------------------------------
# Owners and tablespaces
# ----------------------------------------------------------------

foreach my $verb (qw(contract abandon))
{
	foreach my $role ('SET ROLE mig; ', '')
	{
		subject(q{CREATE TYPE s.mood AS ENUM ('sad'); CREATE TABLE s.p (id int PRIMARY KEY, m s.mood DEFAULT 'sad')}, q{ALTER TYPE s.mood ADD VALUE 'glad'}, "$role CALL cmig.expand()");
		is(sql($db, q{SELECT count(*) FROM pg_type WHERE typname = 'mood' AND typowner = 'own'::regrole}), '2', "$verb: the enum of the version has the owner of the real one");
		sql($db, "$own CALL cmig.$verb()");
		is(sql($db, q{SELECT concat_ws(' ', enum_last(NULL::s.mood), typowner::regrole) FROM pg_type WHERE typname = 'mood'}), $verb eq 'contract' ? 'glad own' : 'sad own', "$verb: by which it can be ended");
	}
}

# what a table has moves with it: its indexes, also those that get their names later, and sequences
subject('CREATE SCHEMA s2 AUTHORIZATION own; GRANT CREATE ON SCHEMA s2 TO eve; CREATE TABLE s.p (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int, w int); CREATE INDEX p_w ON s.p (w); CREATE INDEX p_v ON s.p (v)',
	'ALTER TABLE s.p ALTER v TYPE bigint; ALTER TABLE s.p SET SCHEMA s2');
my @moved = qw(p_id_seq p_pkey p_v p_w);
sql($db, "$eve CREATE TABLE s2.$_ (a int)") foreach @moved;
is(sql($db, $problems), join(', ', map { "table s2.$_: ALTER TABLE s2.$_ RENAME TO ${_}_1" } @moved), 'names of indexes and sequences');
like(tried($db, "$own CALL cmig.contract()"), qr/names that the contraction of revision "2" needs are taken/, 'are compared');
is(sql($db, $state), 'expanded', 'before the first step');
sql($db, $hints->($db, "$own CALL cmig.contract()"));
sql($db, "$own CALL cmig.contract()");

# the tablespaces are those that an upgrade gives
sql('postgres', "SET allow_in_place_tablespaces = true; CREATE TABLESPACE $_ LOCATION ''") foreach qw(ts1 ts2);
sql('postgres', 'GRANT CREATE ON TABLESPACE ts1, ts2 TO own');
my $spaces = q{SELECT string_agg(concat_ws(' ', c.relname, t.spcname), ', ' ORDER BY c.relname) FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE c.relnamespace = 's'::regnamespace AND c.relkind <> 'p'};
foreach my $default ('', "ALTER DATABASE %s SET default_tablespace = 'ts2'")
{
	my @found;

	foreach my $run (q{CALL cmig.upgrade_stepwise('head')}, q{SET default_tablespace = 'ts2'; CALL cmig.expand(); CALL cmig.contract()})
	{
		subject(q{CREATE TABLE s.p (id int PRIMARY KEY USING INDEX TABLESPACE ts1, v text, k int); CREATE INDEX p_v ON s.p (v); CREATE INDEX p_k ON s.p (k) TABLESPACE ts1;
			CREATE TABLE s.t (v int, k int) PARTITION BY LIST (k); CREATE INDEX t_v ON s.t (v); CREATE TABLE s.t_a PARTITION OF s.t DEFAULT},
			'ALTER TABLE s.p ALTER id TYPE bigint; ALTER TABLE s.p ALTER v TYPE varchar(9); ALTER TABLE s.p ALTER k TYPE bigint; CREATE INDEX p_new ON s.p (v, k); ALTER TABLE s.t ALTER v TYPE bigint; CREATE TABLE s.new (a int PRIMARY KEY)', 'SELECT 1');
		sql('postgres', sprintf($default, $db));
		sql($db, "$own $run");
		push @found, sql($db, $spaces);
	}
	is($found[1], $found[0], "tablespaces are those of an upgrade, default: '$default'");
}

done_testing();
