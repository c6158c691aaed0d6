# Copyright (c) 2026, the pg_cmig developers

# Tests what is changed by hand while a revision is expanded, by whoever may: nothing
# that an upgrade would keep is lost in a contraction.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = expand_node('expand_changed');
my $again = 0;

my $reported = q{SELECT concat(object, ' ', substring(problem FROM 'was \w+')) FROM cmig.check() WHERE problem LIKE '%the contraction would lose that'};

# Creates a database with the tables, and a revision that can be expanded.
sub database
{
	my ($name, $tables, $change) = @_;

	new_database($node, $name);
	sql($name, "$tables; SELECT FROM cmig.create_revision('change', \$c\$$change\$c\$, NULL, revision => '042', expand => true)");
}

# what columns that are replaced have, and what depends on them
my $tables = <<'END_SQL';
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int NOT NULL DEFAULT 1 CHECK (n < 1000), m int, k text, d date CHECK (d > '2020-10-11'), gone int);
CREATE UNIQUE INDEX tn ON t (n);
CREATE TABLE p (id int, n int, c int CHECK (c > 0)) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)
END_SQL
my $change = 'ALTER TABLE t ALTER id TYPE bigint, ALTER n TYPE bigint, ALTER m TYPE bigint, ALTER k TYPE varchar(40), ALTER d TYPE timestamp, DROP gone; ALTER TABLE p ALTER n TYPE bigint, ALTER c TYPE bigint';
my @changes = (
	[ 'index public.tm was added', 'CREATE INDEX tm ON t (m, id)', 'DROP INDEX tm' ],
	[ 'table constraint ck on public.t was added', 'ALTER TABLE t ADD CONSTRAINT ck CHECK (n > 0)', 'ALTER TABLE t DROP CONSTRAINT ck' ],
	[ 'table constraint fk on public.t was added', 'ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (m) REFERENCES r', 'ALTER TABLE t DROP CONSTRAINT fk' ],
	[ 'table constraint fk on public.r was added', 'ALTER TABLE r ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES t (n) NOT VALID', 'ALTER TABLE r DROP CONSTRAINT fk' ],
	[ 'table constraint p2_n_key on public.p2 was added', 'ALTER TABLE p2 ADD UNIQUE (n)', 'ALTER TABLE p2 DROP CONSTRAINT p2_n_key' ],
	[ 'statistics object public.st was added', 'CREATE STATISTICS st ON n, m FROM t', 'DROP STATISTICS st' ],
	[ 'default value for public.t.m was added', 'ALTER TABLE t ALTER m SET DEFAULT 3', 'ALTER TABLE t ALTER m DROP DEFAULT' ],
	[ 'default value for public.t.n was changed', 'ALTER TABLE t ALTER n SET DEFAULT 7', 'ALTER TABLE t ALTER n SET DEFAULT 1' ],
	[ 'default value for public.t.n was dropped', 'ALTER TABLE t ALTER n DROP DEFAULT', 'ALTER TABLE t ALTER n SET DEFAULT 1' ],
	[ 'table column public.t.m was changed', 'ALTER TABLE t ALTER m SET NOT NULL', 'ALTER TABLE t ALTER m DROP NOT NULL' ],
	[ 'table column public.t.n was changed', q{COMMENT ON COLUMN t.n IS 'n'}, 'COMMENT ON COLUMN t.n IS NULL' ],
	[ 'table column public.t.k was changed', 'ALTER TABLE t ALTER k SET STORAGE EXTERNAL', 'ALTER TABLE t ALTER k SET STORAGE EXTENDED' ],
	[ 'table column public.p1.n was changed', q{COMMENT ON COLUMN p1.n IS 'n'}, 'COMMENT ON COLUMN p1.n IS NULL' ],
	[ 'index public.tn was changed', q{COMMENT ON INDEX tn IS 'tn'}, 'COMMENT ON INDEX tn IS NULL' ],
	[ 'index public.tn was changed', 'ALTER INDEX tn SET (fillfactor = 60)', 'ALTER INDEX tn RESET (fillfactor)' ],
	[ 'index public.tn was changed', 'ALTER TABLE t CLUSTER ON tn', 'ALTER TABLE t SET WITHOUT CLUSTER' ],
	[ 'index public.tn was changed', 'ALTER TABLE t REPLICA IDENTITY USING INDEX tn', 'ALTER TABLE t REPLICA IDENTITY DEFAULT' ],
	[ 'index public.tn was dropped', 'DROP INDEX tn', 'CREATE UNIQUE INDEX tn ON t (n)' ],
	[ 'table constraint t_pkey on public.t was changed', 'ALTER INDEX t_pkey SET (fillfactor = 60)', 'ALTER INDEX t_pkey RESET (fillfactor)' ],
	[ 'table column public.t.id was changed', 'ALTER TABLE t ALTER id SET INCREMENT BY 10', 'ALTER TABLE t ALTER id SET INCREMENT BY 1' ],
	[ 'sequence public.s was added', 'CREATE SEQUENCE s OWNED BY t.n', 'DROP SEQUENCE s' ]);
database('kept', $tables, $change);
sql('kept', 'CALL cmig.expand()');
foreach (@changes)
{
	my ($what, $do, $undo) = @$_;
	my $found = sql('kept', "$do; $reported");

	is($found, $what, $do);
	sql('kept', $undo);
}
is(sql('kept', $reported), '', 'nothing is reported when it is as before');
is(sql('kept', "SET datestyle = 'German'; SET quote_all_identifiers = on; SET search_path = cmig; $reported"), '', 'nor in other sessions');
# what a contraction keeps, and what an upgrade would lose
sql('kept', <<'END_SQL');
ALTER TABLE t ALTER n SET STATISTICS 77;
CREATE INDEX ON t (gone);
ALTER TABLE t ADD CHECK (gone > 1), ALTER gone SET DEFAULT 8;
CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3);
DROP TABLE p2;
ALTER TABLE p DETACH PARTITION p1;
REINDEX TABLE CONCURRENTLY t;
VACUUM FULL t
END_SQL
is(sql('kept', $reported), '', 'nor what is kept, or would be lost in an upgrade, and partitions may come and go');
sql('kept', $changes[0][1] . '; ' . $changes[1][1]);
is(sql('kept', "SELECT value FROM cmig.status() WHERE item = 'warning' LIMIT 1"), 'index public.tm: it was added since revision "042" was expanded, and the contraction would lose that', 'cmig.status() names what would be lost');
like(tried('kept', 'CALL cmig.contract()'), qr/changes of columns that revision "042" replaces would be lost\nDETAIL:  Since it was expanded:\nindex public.tm was added\ntable constraint ck on public.t was added\nHINT:  DROP INDEX public\.tm; ALTER TABLE public\.t DROP CONSTRAINT ck; CALL cmig\.contract\(\), and make the change again\. Or CALL cmig\.abandon\(\)/, 'cmig.contract() refuses');
is(sql('kept', 'SELECT state FROM cmig.expansion_run'), 'expanded', 'before it begins');
is(sql('kept', "SELECT fix FROM cmig.check() WHERE problem LIKE '%the contraction would lose that' LIMIT 1"), 'DROP INDEX public.tm -- make the change again after cmig.contract', 'cmig.check() has the statement');
# what the hint says
sql('kept', $_) foreach 'CALL cmig.abandon()', 'CALL cmig.expand()', 'CALL cmig.contract()';
is(sql('kept', q{SELECT (SELECT pg_get_indexdef('tm'::regclass)), (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck')}),
	'CREATE INDEX tm ON public.t USING btree (m, id)|CHECK ((n > 0))', 'what was there when it was expanded again is kept');

# while a contraction waits for the table
database('late', $tables, $change);
sql('late', 'CALL cmig.expand()');
{
	my $holder = start_psql($node, 'late', q{BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE;
		DO $$BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND NOT granted) LOOP PERFORM pg_sleep(0.01); END LOOP; END$$;
		ALTER TABLE t ALTER m SET DEFAULT 3; COMMIT}, 'holder');

	$node->poll_query_until('late', q{SELECT true FROM pg_locks WHERE relation = 't'::regclass AND mode = 'RowExclusiveLock' AND granted});
	like(tried('late', "SET cmig.lock_timeout = '10s'; CALL cmig.contract()"), qr{default value for public\.t\.m was added}, 'what is changed while it waits is noticed');
	is(finish_psql($holder), 0, 'it was changed');
	is(sql('late', 'SELECT state FROM cmig.expansion_run'), 'contracting', 'after it had begun');
	sql('late', q{UPDATE cmig.expansion_run SET columns = columns || '[["a.b", null, "change", "n", null, "n"], ["", null, "reader", "(((", "a.b.c.d", null, "VIEW"], [null, null, 2], null, []]'});
	is(sql('late', $reported), 'default value for public.t.m was added', 'stored names can be anything');
}

# The value that a sequence has when it ends is its last: who has called nextval() is waited for,
# also without a lock of the table.
database('numbers', 'CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)', 'ALTER TABLE t ALTER id TYPE bigint, ADD n int GENERATED ALWAYS AS IDENTITY');
sql('numbers', 'CALL cmig.expand()');
{
	my $application = $node->background_psql('numbers');
	my $last;

	$application->query_safe(q{BEGIN; SELECT nextval('t_id_seq')});
	my $contract = start_psql($node, 'numbers', "SET deadlock_timeout = '100s'; CALL cmig.contract()");
	wait_until_blocked($node);
	$last = $application->query_safe(q{SELECT max(nextval('t_id_seq')) FROM generate_series(1, 5)});
	$application->query_safe('COMMIT');
	$application->quit;
	is(finish_psql($contract), 0, 'the contraction waits for an application that takes numbers') or diag($contract->{err});
	is(sql('numbers', q{SELECT nextval(pg_get_serial_sequence('t', 'id')), nextval(pg_get_serial_sequence('t', 'n'))}), ($last + 1) . '|1', 'and gives none of them again');
}

# A table of another role is never taken for the expanded one.  The owner of the latter can
# make rules of the view, and with TRIGGER on the former, a trigger like that of the expansion.
sql('postgres', 'CREATE ROLE mallory; CREATE ROLE victim');
database('foreign_table', <<'END_SQL', 'ALTER TABLE m.t ALTER n TYPE bigint');
SELECT FROM cmig.grant_access('mallory', 'migrator');
CREATE SCHEMA m AUTHORIZATION mallory;
CREATE TABLE m.t (id int PRIMARY KEY, n int);
ALTER TABLE m.t OWNER TO mallory;
CREATE SCHEMA secret AUTHORIZATION victim;
CREATE TABLE secret.pay (id int PRIMARY KEY, n int, cmig_new_n bigint, cmig_state text);
INSERT INTO secret.pay VALUES (1, 1, 1, 'state');
ALTER TABLE secret.pay OWNER TO victim;
GRANT USAGE ON SCHEMA secret TO mallory; GRANT TRIGGER ON secret.pay TO mallory
END_SQL
sql('foreign_table', 'CALL cmig.expand()');
sql('foreign_table', 'SET ROLE mallory; CREATE RULE r AS ON UPDATE TO m_042.t DO ALSO SELECT FROM secret.pay');
sql('foreign_table', 'CALL cmig.expand()');
like(tried('foreign_table', 'CALL cmig.abandon()'), qr/the tables are as before/, 'a rule of the view does not say which table it is');
sql('foreign_table', 'CALL cmig.expand()');
sql('foreign_table', q{SET ROLE mallory; SELECT format('CREATE TRIGGER %I BEFORE INSERT ON secret.pay FOR EACH ROW EXECUTE FUNCTION cmig.expansion_begin(%L)', tgname, split_part(encode(tgargs, 'escape'), '\000', 1))
	FROM pg_trigger WHERE tgrelid = 'm.t'::regclass AND tgname = '!cmig_begin' \gexec
	DROP TABLE m.t CASCADE});
like(tried('foreign_table', 'CALL cmig.contract()'), qr/table m\.t of the expansion is now secret\.pay\nDETAIL:  .*its owner is not that of the view/, 'a trigger says it only of a table of the same role');
like(tried('foreign_table', 'CALL cmig.abandon()'), qr/table m\.t of the expansion is now secret\.pay\nDETAIL:  .*its owner is not that of the view/, 'nor to abandon it');
is(sql('foreign_table', 'SELECT * FROM secret.pay'), '1|1|1|state', 'its columns are as they were');
sql('foreign_table', 'DROP TRIGGER "!cmig_begin" ON secret.pay');
like(tried('foreign_table', 'CALL cmig.abandon()'), qr/the tables are as before/, 'without the trigger, the rest is abandoned');

# What would make a row differ in its two versions stops the write: nothing is lost then.
database('late_trigger', <<'END_SQL', 'ALTER TABLE t ALTER n TYPE bigint; ALTER TABLE p ALTER n TYPE bigint');
CREATE TABLE t (id int PRIMARY KEY, n int);
CREATE TABLE p (id int, n int) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE FUNCTION times() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.n := NEW.n * 100; RETURN NEW; END$$
END_SQL
sql('late_trigger', 'CALL cmig.expand()');
foreach ([ '"~~"', 't', 't' ], [ '"!"', 'p1', 'p' ], [ '"~~"', 'p', 'p1' ])
{
	my ($name, $table, $written) = @$_;

	sql('late_trigger', "CREATE TRIGGER $name BEFORE INSERT OR UPDATE ON $table FOR EACH ROW EXECUTE FUNCTION times()");
	like(tried('late_trigger', "INSERT INTO $written VALUES (1, 1)"), qr/fires before or after.*HINT:  ALTER TRIGGER $name ON public\.$table RENAME/s, "trigger $name of $table stops writes");
	like(sql('late_trigger', q{SELECT object, fix FROM cmig.check() WHERE problem LIKE 'it is in the way of%'}), qr/^trigger $name on public\.$table\|ALTER TRIGGER $name ON public\.$table RENAME TO <[^>]*>$/, 'and check names it');
	like(tried('late_trigger', 'CALL cmig.contract()'), qr/cannot be contracted because of trigger $name/, 'and so does contract');
	sql('late_trigger', "ALTER TABLE $table DISABLE TRIGGER $name; BEGIN; INSERT INTO $written VALUES (1, 1); ROLLBACK; DROP TRIGGER $name ON $table");
}
sql('late_trigger', 'CREATE RULE also AS ON INSERT TO t DO ALSO SELECT 1');
like(tried('late_trigger', 'CALL cmig.contract()'), qr/table public\.t cannot be contracted because of rule also/, 'a rule, too');
sql('late_trigger', 'DROP RULE also ON t');
sql('late_trigger', 'ALTER TABLE t ALTER cmig_new_n SET DEFAULT 7; ALTER TABLE p1 ALTER cmig_new_n SET DEFAULT 7');
like(tried('late_trigger', "INSERT INTO $_ VALUES (1, 20)"), qr/hidden columns of relation "$_" do not have their defaults/s, "a default that was replaced stops writes of $_") foreach 't', 'p1';
like(tried('late_trigger', 'CALL cmig.contract()'), qr/default of column cmig_new_n of table public\.t was dropped, disabled, or altered/, 'and the contraction');
sql('late_trigger', 'CALL cmig.expand()');
sql('late_trigger', 'ALTER TABLE p1 ALTER cmig_new_n SET DEFAULT cmig.expansion_mark(NULL::bigint); INSERT INTO t VALUES (1, 20); INSERT INTO p1 VALUES (1, 20)');
sql('late_trigger', q{CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE p3 (id int, n int, cmig_state text DEFAULT 'todo', cmig_new_n bigint) SERVER far; ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3)});
like(tried('late_trigger', 'CALL cmig.contract()'), qr/rows of partition public\.p3 may not be transformed.*is a foreign table/s, 'so does a foreign table that was attached');
sql('late_trigger', $_) foreach 'ALTER TABLE p DETACH PARTITION p3', 'CALL cmig.contract()';
is(sql('late_trigger', 'SELECT n, pg_typeof(n) FROM t UNION ALL SELECT n, pg_typeof(n) FROM p'), "20|bigint\n20|bigint", 'what was written is there');

# The version's schema belongs to the owner of the schema whose version it is, so that each role
# with its privileges can contract and abandon, whoever of them has expanded.
sql('postgres', 'CREATE ROLE landlord; CREATE ROLE tenant IN ROLE landlord');
database('given', <<'END_SQL', <<'END_CHANGE');
SELECT cmig.grant_access(r, 'migrator') FROM unnest('{landlord,tenant}'::text[]) r;
GRANT CREATE ON DATABASE given TO landlord;
CREATE SCHEMA m AUTHORIZATION landlord;
SET ROLE landlord;
CREATE TABLE m.t (id int PRIMARY KEY, n int);
INSERT INTO m.t VALUES (1, 5);
CREATE FUNCTION m.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT n FROM m.t; END;
CREATE VIEW m.v AS SELECT n, m.f() FROM m.t;
RESET ROLE
END_SQL
DROP VIEW m.v;
DROP FUNCTION m.f();
ALTER TABLE m.t ALTER n TYPE bigint, ADD k int GENERATED ALWAYS AS IDENTITY;
CREATE FUNCTION m.f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT n FROM m.t; END;
CREATE VIEW m.v AS SELECT n, m.f() FROM m.t;
END_CHANGE
foreach ([ 'postgres', 'tenant' ], [ 'postgres', 'landlord' ], [ 'tenant', 'landlord' ], [ 'landlord', 'landlord' ])
{
	my ($expands, $abandons) = @$_;

	sql('given', "SET ROLE $expands; CALL cmig.expand()");
	is(sql('given', q{SELECT nspowner::regrole, (SELECT f FROM m_042.v) FROM pg_namespace WHERE nspname = 'm_042'}), 'landlord|5', "expanded by $expands");
	like(tried('given', "SET ROLE $abandons; CALL cmig.abandon()"), qr/the tables are as before/, "and abandoned by $abandons");
}
sql('given', 'SET ROLE tenant; CALL cmig.expand()');
like(tried('given', 'SET ROLE tenant; CALL cmig.contract()'), qr/is contracted and applied/, 'contracted by the role that is not the owner');
is(sql('given', 'SELECT f, pg_typeof(f) FROM m.v'), '5|bigint', 'as by any');

# what a function in SQL calls is its own, inlined or not; an index needs one that is inlined
foreach my $volatility (qw(IMMUTABLE STABLE VOLATILE))
{
	my $name = 'calls_' . lc $volatility;

	database($name, <<"END_SQL", 'ALTER TABLE t ALTER v TYPE varchar(20), ADD CHECK (ok(v)); CREATE INDEX ti ON t (plain(v)); CREATE TABLE made (v text, EXCLUDE USING btree (plain(v) WITH =))');
CREATE SCHEMA lib AUTHORIZATION mallory;
SET ROLE mallory;
CREATE FUNCTION lib.h(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(\$1)';
GRANT USAGE ON SCHEMA lib TO PUBLIC;
RESET ROLE;
CREATE FUNCTION ok(text) RETURNS bool LANGUAGE sql $volatility AS 'SELECT lib.h(\$1) <> \$\$Y\$\$';
CREATE FUNCTION plain(text) RETURNS text LANGUAGE sql $volatility AS 'SELECT lower(\$1)';
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t VALUES (1, 'a')
END_SQL
	sql($name, $_) foreach 'CALL cmig.expand()', 'CALL cmig.contract()';
	is(sql($name, 'SELECT v, pg_typeof(v) FROM t'), 'a|character varying', "an \L$volatility\E function that calls one of another role does not prevent the contraction");
}

# The server's log has no values of rows, also if the error becomes a WARNING.
sql('postgres', 'CREATE DATABASE logged');
sql('logged', join("\n", 'CREATE EXTENSION pg_cmig; CREATE SCHEMA ta;',
		load_sql(revision_file('1', '', 'CREATE TABLE person (id int PRIMARY KEY, age text);', 'DROP TABLE person;') =~ s/(-- message)/-- branch_labels: tenant\n$1/r,
			revision_file('2', '1', 'ALTER TABLE person ALTER age TYPE int USING age::int;', '') =~ s/(-- message)/-- expand: true\n$1/r)));
sql('logged', $_) foreach q{CALL cmig.upgrade_scopes('ta', '1')}, q{INSERT INTO ta.person VALUES (1, chr(115) || 'ekret')}, q{CALL cmig.expand('2', scopes => 'ta')};
my $offset = -s $node->logfile;
like(tried('logged', q{CALL cmig.contract(scopes => 'ta', max_failures => 3)}), qr/WARNING:  .*could not be transformed\nDETAIL:  .*sekret/, 'who contracts scopes sees the value');
my $log = slurp_file($node->logfile, $offset);
ok($log =~ /WARNING:.*could not be transformed/ && $log !~ /sekret/, 'the log does not have it') or diag($log);

# What a role says of its own schema or table, or that these have free names, makes nothing the
# expansion's: nothing is hidden, renamed, or in the way.
database('claimed', <<'END_SQL', 'ALTER TABLE t ALTER n TYPE bigint');
CREATE TABLE t (id int PRIMARY KEY, n int);
SELECT FROM cmig.grant_access('mallory', 'migrator');
CREATE SCHEMA lair AUTHORIZATION mallory;
GRANT CREATE ON DATABASE claimed TO mallory;
SET ROLE mallory;
CREATE FUNCTION lair.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE lair.x (id int, cmig_state text, cmig_new_n bigint);
COMMENT ON SCHEMA lair IS 'new version of schema public while revision 042 is expanded';
RESET ROLE
END_SQL
my $strange = q{SELECT string_agg(object, ' ' ORDER BY object) FROM cmig.drift() WHERE object ~ 'lair|042'};
my $claims = 'lair lair.f() lair.x';
is(sql('claimed', q{SELECT count(*) FROM cmig.check() WHERE severity = 'error'}), '0', 'a comment is no expansion that is not recorded');
sql('claimed', 'CALL cmig.expand()');
sql('claimed', q{SET ROLE mallory; COMMENT ON COLUMN lair.x.cmig_state IS 'state of the row while a revision is expanded';
	CREATE TRIGGER "!cmig_begin" BEFORE INSERT ON lair.x FOR EACH ROW EXECUTE FUNCTION cmig.expansion_begin('public_042.cmig_old_t')});
is(sql('claimed', $strange) =~ s/ \S*(?:!cmig_begin|lair\.x\.\w+)\S*//gr, $claims, 'drift shows a schema with the comment of the version');
like(sql('claimed', q{SELECT cmig.schema_sql()}), qr/cmig_state text,\n\s*cmig_new_n bigint/, 'and the columns of a table with such a trigger');
sql('claimed', $_) foreach 'DROP TRIGGER "!cmig_begin" ON lair.x', 'CALL cmig.abandon()', 'CALL cmig.expand()';
sql('claimed', q{DROP SCHEMA public_042 CASCADE; UPDATE cmig.expansion_step SET done = false WHERE phase = 'prepare' AND relation = ''; SET ROLE mallory; CREATE SCHEMA public_042; CREATE TABLE public_042.y ()});
is(sql('claimed', $strange) =~ s/ \S*(?:!cmig_begin|lair\.x\.\w+)\S*//gr, "$claims public_042 public_042.y", 'or with its name, before it is created');
like(tried('claimed', 'CALL cmig.abandon()'), qr/the tables are as before/, 'which does not prevent that it is abandoned');
is(sql('claimed', q{SELECT count(*) FROM pg_namespace WHERE nspname IN ('lair', 'public_042')}), '2', 'and remains');

# A privilege that is revoked while a revision is expanded does not remain: check names it,
# and each CALL revokes it from what replaces the column, the view, or the function.
sql('postgres', 'CREATE ROLE app; CREATE ROLE other; CREATE ROLE lent');
database('revoked', <<'END_SQL', <<'END_CHANGE');
CREATE TABLE t (id int PRIMARY KEY, ssn varchar(20), salary int);
INSERT INTO t VALUES (1, 'SSN-1', 100);
CREATE VIEW v AS SELECT ssn FROM t;
CREATE FUNCTION f(a int) RETURNS text LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT ssn FROM t; END;
CREATE VIEW again AS SELECT id FROM t;
REVOKE ALL ON FUNCTION f FROM PUBLIC;
GRANT SELECT (id, ssn), UPDATE (salary) ON t TO app;
GRANT SELECT (ssn) ON t TO lent WITH GRANT OPTION;
GRANT SELECT ON v TO app; GRANT EXECUTE ON FUNCTION f TO app
END_SQL
DROP VIEW again;
CREATE OR REPLACE VIEW v AS SELECT NULL::varchar(20) AS ssn;
CREATE OR REPLACE FUNCTION f(a int) RETURNS text LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT NULL::text; END;
ALTER TABLE t ALTER ssn TYPE text, ALTER salary TYPE bigint, ALTER id TYPE bigint;
CREATE OR REPLACE VIEW v AS SELECT ssn::varchar(20) FROM t;
CREATE OR REPLACE FUNCTION f(a int) RETURNS text LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT ssn FROM t; END;
CREATE VIEW again AS SELECT id, ssn FROM t;
GRANT SELECT ON again TO app;
END_CHANGE
sql('revoked', 'CALL cmig.expand()');
my $privileges = q{SELECT string_agg(substring(fix FROM 'runs: (.*)'), '; ' ORDER BY fix) FROM cmig.check() WHERE problem LIKE 'its privileges or%'};
my @uses = ('SELECT cmig_new_ssn FROM t', 'UPDATE public_042.t SET salary = 7', 'UPDATE t SET cmig_new_salary = 8', 'SELECT ssn FROM public_042.v', 'SELECT public_042.f(1)');
my $usable = sub { return join '; ', grep { tried('revoked', "SET ROLE app; BEGIN; $_; ROLLBACK") !~ /permission denied/ } @uses };
is(sql('revoked', $privileges), '', 'privileges are those of what is replaced');
is($usable->(), join('; ', @uses), 'and can be used');
sql('revoked', 'SET ROLE lent; GRANT SELECT (cmig_new_ssn) ON t TO other');
sql('revoked', 'REVOKE SELECT (ssn), UPDATE (salary) ON t FROM app; REVOKE SELECT (ssn) ON t FROM lent; REVOKE SELECT ON v FROM app; REVOKE EXECUTE ON FUNCTION f FROM app; GRANT UPDATE (ssn) ON t TO other');
is(sql('revoked', $privileges), join('; ', 'GRANT UPDATE (cmig_new_ssn) ON t TO other', 'REVOKE EXECUTE ON ROUTINE public_042.f(a integer) FROM app CASCADE',
	'REVOKE SELECT (cmig_new_ssn) ON t FROM app CASCADE', 'REVOKE SELECT (cmig_new_ssn) ON t FROM lent CASCADE', 'REVOKE SELECT (cmig_new_ssn) ON t FROM other CASCADE',
	'REVOKE SELECT ON public_042.v FROM app CASCADE', 'REVOKE UPDATE (cmig_new_salary) ON t FROM app CASCADE') =~ s/ ON t / ON public.t /gr, 'check names what differs');
sql('revoked', 'CALL cmig.expand()');
is(sql('revoked', $privileges), '', 'a CALL makes the privileges the same');
is($usable->(), '', 'and what was revoked is not usable');
sql('revoked', 'REVOKE UPDATE (ssn) ON t FROM other');
sql('revoked', 'CALL cmig.contract()');
is(sql('revoked', q{SELECT string_agg(concat_ws(' ', attname, attacl), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped}),
	'id {app=r/postgres}, ssn, salary', 'nor is it after the contraction');

sql('postgres', 'CREATE ROLE keeper');

# what the version's schema, enums, views, and functions have is no more than what the real ones have
database('follow', q{CREATE SCHEMA m; GRANT USAGE ON SCHEMA m TO app, other; CREATE TYPE m.mood AS ENUM ('sad', 'glad'); CREATE TABLE m.t (id int PRIMARY KEY, n int, m m.mood);
	INSERT INTO m.t VALUES (1, 1, 'sad'); GRANT ALL ON m.t TO app; CREATE VIEW m.v AS SELECT n FROM m.t; CREATE FUNCTION m.f() RETURNS bigint SECURITY DEFINER LANGUAGE sql SET search_path = m AS 'SELECT max(n) FROM t'},
	q{DROP VIEW m.v; ALTER TABLE m.t ALTER n TYPE bigint; CREATE VIEW m.v AS SELECT n FROM m.t; CREATE OR REPLACE FUNCTION m.f() RETURNS bigint SECURITY DEFINER LANGUAGE sql SET search_path = m AS 'SELECT min(n) FROM t'; ALTER TYPE m.mood ADD VALUE 'ok'});
sql('follow', 'CALL cmig.expand()');
my $follows = q{SELECT string_agg(fix, '; ' ORDER BY fix) FROM cmig.check() WHERE problem LIKE 'its privileges%'};
is(sql('follow', $follows), '', 'nothing to follow');
sql('follow', 'REVOKE USAGE ON SCHEMA m FROM app; GRANT USAGE ON SCHEMA m TO keeper; REVOKE USAGE ON TYPE m.mood FROM PUBLIC; GRANT USAGE ON TYPE m.mood TO app; ALTER FUNCTION m.f() OWNER TO other');
is(sql('follow', $follows =~ s/fix,/split_part(fix, ': ', 2),/r), 'GRANT USAGE ON SCHEMA m_042 TO keeper; GRANT USAGE ON TYPE m_042.mood TO app; REVOKE USAGE ON SCHEMA m_042 FROM app CASCADE; REVOKE USAGE ON TYPE m_042.mood FROM PUBLIC CASCADE', 'check names what follows');
sql('follow', q{CALL cmig.expand('042')});
is(sql('follow', $follows), '', 'it has followed');
like(tried('follow', 'SET ROLE app; TABLE m_042.t'), qr/permission denied for schema m_042/, 'what is revoked is revoked from the version');
like(tried('follow', 'CALL cmig.contract()'), qr/function m\.f\(\) was changed/, 'an owner is not followed: who owns the schema could have put the other one there');
sql('follow', 'ALTER FUNCTION m.f() OWNER TO postgres');
sql('follow', q{COMMENT ON TYPE m.mood IS 'my mood'});
like(tried('follow', 'CALL cmig.contract()'), qr/type m\.mood was changed/, 'a comment on an enum would be lost');
sql('follow', q{COMMENT ON TYPE m.mood IS NULL; ALTER TYPE m.mood ADD VALUE 'odd'});
like(tried('follow', 'CALL cmig.contract()'), qr/type m\.mood was changed/, 'so would a value');

# the owner of the version's schema puts another view there: nothing is moved to where he could drop it
database('replaced', q{CREATE SCHEMA m AUTHORIZATION keeper; CREATE TABLE m.t (id int PRIMARY KEY, n int); CREATE TABLE secret (x text)}, 'ALTER TABLE m.t ALTER n TYPE bigint');
sql('replaced', 'CALL cmig.expand()');
sql('replaced', 'SET ROLE keeper; DROP VIEW m_042.t; CREATE VIEW m_042.t AS SELECT x FROM public.secret');
unlike(tried('replaced', 'CALL cmig.contract()'), qr/secret|is contracted/, 'another view of the schema\'s owner: not contracted');
sql('replaced', 'CALL cmig.abandon()');
is(sql('replaced', q{SELECT 'secret'::regclass, to_regclass('m.t'), to_regnamespace('m_042')}), 'secret|m.t|', 'another view of the schema\'s owner: abandoned');

# A trigger that was created again by hand counts as altered, also if it depends on a column,
# as one with a condition or with columns: rows may have been updated without it.
foreach ([ 'FOR EACH ROW', 'FOR EACH ROW WHEN (NEW.id > -999)' ], [ 'FOR EACH ROW', 'FOR EACH ROW WHEN (false)' ], [ 'INSERT OR UPDATE ON', 'INSERT OR UPDATE OF n, id ON' ],
	[ 'FOR EACH ROW', '' ], [ q{'n', 'n', 'cmig_new_n'}, q{'n', 'n', 'cmig_new_n + 1'} ])
{
	my ($from, $to) = @$_;
	my $name = 'again_' . (++$again);

	database($name, 'CREATE SCHEMA m AUTHORIZATION keeper; CREATE TABLE m.t (id int PRIMARY KEY, n int); ALTER TABLE m.t OWNER TO keeper; INSERT INTO m.t SELECT g, g FROM generate_series(1, 5) g;'
		. q{SELECT FROM cmig.grant_access('keeper', 'migrator')}, 'ALTER TABLE m.t ALTER n TYPE bigint');
	sql($name, 'CALL cmig.expand()');
	sql($name, 'SET ROLE keeper; SELECT string_agg(replace(pg_get_triggerdef(oid), ' . "\$a\$$from\$a\$, \$a\$$to\$a\$" . q{), '; ') AS again FROM pg_trigger WHERE tgrelid = 'm.t'::regclass \gset
		DROP TRIGGER "~cmig_write" ON m.t; DROP TRIGGER "!cmig_begin" ON m.t;
		UPDATE m.t SET n = n + 1000;
		BEGIN; :again; ALTER TABLE m.t ENABLE ALWAYS TRIGGER "~cmig_write", ENABLE ALWAYS TRIGGER "!cmig_begin"; COMMIT});
	like(tried($name, 'CALL cmig.contract()'), qr/trigger "~cmig_write" of table m\.t was dropped, disabled, or altered/, "created with \"$to\"");
}
sql('again_1', 'CALL cmig.expand()');
sql('again_1', q{UPDATE m.t SET cmig_state = 'old'});
sql('again_1', 'CALL cmig.contract()');
is(sql('again_1', 'SELECT min(n), max(n) FROM m.t'), '1001|1005', 'what the hint says keeps what was written');

# What is changed between the copies and the end of the planning is not taken for what was
# there before.  The planning waits for the row of the schema, after it has read the objects.
foreach my $change ([ 'a constraint', 'ALTER TABLE m.t ADD CONSTRAINT ck CHECK (n < 500)' ], [ 'a validated constraint', 'ALTER TABLE m.t VALIDATE CONSTRAINT old_ck' ])
{
	my ($name, $ddl) = @$change;
	my $database = 'meanwhile_' . (++$again);

	database($database, 'CREATE SCHEMA m; CREATE TABLE m.t (id int PRIMARY KEY, n int); ALTER TABLE m.t ADD CONSTRAINT old_ck CHECK (n < 600) NOT VALID', 'ALTER TABLE m.t ALTER n TYPE bigint');
	my $open = $node->background_psql($database);
	$open->query_safe("BEGIN; ALTER SCHEMA m RENAME TO m_new; ALTER SCHEMA m_new RENAME TO m; $ddl");
	my $run = start_psql($node, $database, "SET cmig.lock_timeout = '60s'; CALL cmig.expand()");
	wait_until_blocked($node);
	$open->query_safe('COMMIT');
	$open->quit;
	is(finish_psql($run), 3, "$name, changed while the revision is planned: refused");
	like($run->{err}, qr/40001.*A column that the revision replaces, or what depends on it, was altered/s, "$name: with the reason");
	sql($database, 'CALL cmig.expand()');
	sql($database, 'CALL cmig.contract()');
	is(sql($database, q{SELECT string_agg(concat(conname, ' ', convalidated), ', ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'm.t'::regclass AND contype = 'c'}),
		$name eq 'a constraint' ? 'ck t, old_ck f' : 'old_ck t', "$name: kept");
}

# So are partitions, and an index that is not complete is not lost.
database('parts', 'CREATE SCHEMA m; CREATE TABLE m.t (id int, n int) PARTITION BY LIST (id); CREATE TABLE m.t1 PARTITION OF m.t FOR VALUES IN (1); CREATE INDEX ON m.t (n)', 'ALTER TABLE m.t ALTER n TYPE bigint');
my $creates = $node->background_psql('parts');
$creates->query_safe('BEGIN; ALTER SCHEMA m RENAME TO m_new; ALTER SCHEMA m_new RENAME TO m; CREATE TABLE m.t2 PARTITION OF m.t FOR VALUES IN (2)');
my $expands = start_psql($node, 'parts', "SET cmig.lock_timeout = '60s'; CALL cmig.expand()");
wait_until_blocked($node);
$creates->query_safe('COMMIT');
is(finish_psql($expands), 3, 'a partition, created while the revision is planned: refused');
like($expands->{err}, qr/40001.*Partitions or children of table m\.t were added, detached, or dropped/s, 'with the reason');
sql('parts', 'CALL cmig.expand()');
$creates->query_safe('BEGIN; SELECT FROM m.t1');
my $builds = start_psql($node, 'parts', 'REINDEX INDEX CONCURRENTLY m.t1_n_idx');
wait_until_blocked($node);
is(sql('parts', q{SELECT string_agg(object, ', ') FROM cmig.check() WHERE problem ~ 'it was'}), '', 'REINDEX CONCURRENTLY changes nothing');
$creates->query_safe('COMMIT');
is(finish_psql($builds), 0, 'it ends');
$creates->quit;
is(sql('parts', q{SELECT count(*) FROM cmig.check() WHERE problem ~ 'it was'}), '0', 'nothing was changed');
sql('parts', 'CALL cmig.contract()');

# a refused abandonment has no effect
database('refused', q{CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 100); SELECT FROM cmig.grant_access('keeper', 'migrator')}, 'ALTER TABLE t ALTER n TYPE bigint');
sql('refused', 'CALL cmig.expand()');
like(tried('refused', 'SET ROLE keeper; CALL cmig.abandon()'), qr{permission denied for table t}, 'a role without privileges on the tables cannot abandon');
is(sql('refused', 'SELECT state FROM cmig.expansion_run'), 'expanded', 'the revision is still expanded');
sql('refused', 'ALTER TABLE t RENAME cmig_new_n TO away; ALTER INDEX cmig_new_cmig_state_t RENAME TO x; CREATE VIEW v AS SELECT away FROM t');
like(tried('refused', 'CALL cmig.abandon()'), qr/other objects depend on what the abandonment of revision "042" drops/, 'it also fails because of a view');
is(sql('refused', q{SELECT (SELECT state FROM cmig.expansion_run), string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0}), 'expanded|id n cmig_state away', 'and names are as they were');
sql('refused', $_) foreach 'DROP VIEW v', 'CALL cmig.contract()';
is(sql('refused', 'SELECT id, n, pg_typeof(n) FROM t'), '1|100|bigint', 'it can be contracted');

# what a contraction drops and creates again because an enum changes, which an upgrade keeps
my $kept = '';
foreach my $case (
	[ 'policy p on public.t was changed', 'ALTER POLICY p ON t USING (m IS NULL)', q{ALTER POLICY p ON t USING (m = 'sad')} ],
	[ 'policy p on public.t was changed', 'ALTER POLICY p ON t TO app', 'ALTER POLICY p ON t TO PUBLIC' ],
	[ 'policy p on public.t was dropped', 'DROP POLICY p ON t', q{CREATE POLICY p ON t USING (m = 'sad')} ],
	[ 'trigger g on public.t was changed', 'ALTER TABLE t DISABLE TRIGGER g', 'ALTER TABLE t ENABLE TRIGGER g' ],
	[ 'trigger g on public.t was dropped', 'DROP TRIGGER g ON t', undef ],
	[ 'rule r on public.t was changed', q{CREATE OR REPLACE RULE r AS ON DELETE TO t WHERE old.m = 'sad' DO INSTEAD NOTHING}, q{CREATE OR REPLACE RULE r AS ON DELETE TO t WHERE old.m = 'glad' DO INSTEAD NOTHING} ],
	[ 'materialized view public.mv was changed', 'REVOKE SELECT ON mv FROM app', 'GRANT SELECT ON mv TO app' ],
	[ 'materialized view public.mv was changed', 'CREATE INDEX mvi ON mv (m)', 'DROP INDEX mvi' ],
	[ 'materialized view public.mv was changed', 'GRANT SELECT (m) ON mv TO app', 'REVOKE SELECT (m) ON mv FROM app' ],
	[ 'materialized view public.mv was changed', q{COMMENT ON COLUMN mv.m IS 'm'}, 'COMMENT ON COLUMN mv.m IS NULL' ],
	[ 'materialized view public.mv was changed', 'ALTER MATERIALIZED VIEW mv ALTER m SET STATISTICS 7', 'ALTER MATERIALIZED VIEW mv ALTER m SET STATISTICS -1' ],
	[ 'materialized view public.mv was changed', 'ALTER MATERIALIZED VIEW mv SET (fillfactor = 50)', 'ALTER MATERIALIZED VIEW mv RESET (fillfactor)' ],
	[ 'materialized view public.mv was changed', 'CREATE STATISTICS ms ON (m::text) FROM mv', 'DROP STATISTICS ms' ],
	[ 'type public.mood was changed', 'REVOKE USAGE ON TYPE mood FROM app', 'GRANT USAGE ON TYPE mood TO app' ])
{
	my ($what, $made, $undone) = @$case;

	if ($kept eq '')
	{
		$kept = 'enum_kept';
		database($kept, q{CREATE TYPE mood AS ENUM ('sad', 'glad'); REVOKE USAGE ON TYPE mood FROM PUBLIC; GRANT USAGE ON TYPE mood TO app; CREATE TABLE t (id int PRIMARY KEY, m mood); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
			CREATE POLICY p ON t USING (m = 'sad'); CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.m = 'sad') EXECUTE FUNCTION f();
			CREATE RULE r AS ON DELETE TO t WHERE old.m = 'glad' DO INSTEAD NOTHING; CREATE MATERIALIZED VIEW mv AS SELECT m FROM t; GRANT SELECT ON mv TO app}, q{ALTER TYPE mood ADD VALUE 'calm'});
		sql($kept, 'CALL cmig.expand()');
	}
	sql($kept, $made);
	like(sql($kept, $reported), qr/^\Q$what\E$/m, "check: $made");
	my $refused = tried($kept, 'CALL cmig.contract()');
	like($refused, qr/55000|changes of columns that revision "042" replaces would be lost.*\Q$what\E/s, "contract: $made");
	sql($kept, $undone // ($refused =~ /HINT:  (CREATE TRIGGER .*?); CALL/)[0]);
	is(sql($kept, $reported), '', "undone: $made");
}
sql($kept, 'CALL cmig.contract()');
is(sql($kept, 'SELECT polname, tgname FROM pg_policy, pg_trigger WHERE NOT tgisinternal AND tgrelid = polrelid'), 'p|g', 'and contracted');

done_testing();
