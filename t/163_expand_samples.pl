# Copyright (c) 2026, the pg_cmig developers

# Tests that cmig.expand() tries what a revision computes with rows that are there: what they
# become in an upgrade is compared with what they become in the expansion.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('expand_samples', 'max_prepared_transactions = 1');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE regress_other');
my $db = 'd0';

# A database with the tables, and with the revision.
sub database
{
	my ($tables, $change) = @_;

	$db++;
	new_database($node, $db);
	$node->safe_psql($db, "CREATE SCHEMA s; $tables; SELECT FROM cmig.create_revision('n', \$c\$$change\$c\$, NULL, revision => '2', expand => true)");
	return;
}

# The output of cmig.expand(), or of both calls.
sub expands
{
	my ($tables, $change, $calls) = @_;

	database($tables, $change);
	my ($status, $out, $err) = $node->psql($db, $calls // 'CALL cmig.expand()');
	return $err;
}

my $rows = q{CREATE TABLE s.t (id int PRIMARY KEY, v int, w text); INSERT INTO s.t VALUES (1, 10, 'AA'), (2, NULL, NULL), (3, 30, 'CC')};
my $in = q{CREATE FUNCTION s.i(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1'};
my $replace = q{CREATE OR REPLACE FUNCTION s.i(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1000'; };
my $add = "ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.n = s.o(v)\n";

# what no expression shows: a function with a body as text calls what the revision changes
foreach my $case (
	[ 'an operator', q{CREATE FUNCTION s.j(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2'; CREATE OPERATOR s.### (FUNCTION = s.j, LEFTARG = int, RIGHTARG = int); CREATE FUNCTION s.o(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 OPERATOR(s.###) 3'},
		q{CREATE OR REPLACE FUNCTION s.j(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * $2'; } ],
	[ 'a cast', q{CREATE TYPE s.p AS (x int, y text); CREATE FUNCTION s.c(s.p) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1.x + 5'; CREATE CAST (s.p AS int) WITH FUNCTION s.c(s.p); CREATE FUNCTION s.o(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT row($1, NULL)::s.p::int'},
		q{CREATE OR REPLACE FUNCTION s.c(s.p) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1.x + 500'; } ],
	[ 'an aggregate', q{CREATE FUNCTION s.f(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2'; CREATE AGGREGATE s.g(int) (SFUNC = s.f, STYPE = int, INITCOND = '0'); CREATE FUNCTION s.o(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT s.g(x) FROM generate_series(1, $1) x'},
		q{CREATE OR REPLACE FUNCTION s.f(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2 + 100'; } ],
	[ 'a view', "$in; CREATE VIEW s.w AS SELECT s.i(5) AS x; CREATE FUNCTION s.o(int) RETURNS int STABLE LANGUAGE sql AS 'SELECT x + \$1 FROM s.w'", $replace ],
	[ 'a text', "$in; CREATE FUNCTION s.o(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'DECLARE r int; BEGIN EXECUTE ''SELECT s.'' || chr(105) || ''(\$1)'' INTO r USING \$1; RETURN r; END'", $replace ],
	[ 'a view that is replaced', "CREATE VIEW s.w AS SELECT 5 AS x; CREATE FUNCTION s.o(int) RETURNS int STABLE LANGUAGE sql AS 'SELECT x + \$1 FROM s.w'", 'CREATE OR REPLACE VIEW s.w AS SELECT 6 AS x; ' ])
{
	my ($way, $objects, $change) = @$case;

	like(expands("$rows; $objects", "$change$add"), qr/0A000|column s\.t\.n cannot be expanded\nDETAIL:  A row that is there would have another value in the expansion, '\d+', than in the upgrade, '\d+'\.\nHINT:  Apply the revision/, "$way calls another function");
}

# whether a column is computed by a volatile function does not depend on the session
like(expands("$rows; $in; CREATE FUNCTION s.o(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'DECLARE r int; BEGIN EXECUTE ''SELECT s.'' || chr(105) || ''(\$1)'' INTO r USING \$1; RETURN r; END'; CREATE FUNCTION s.abs(int) RETURNS int VOLATILE LANGUAGE sql AS 'SELECT 1'",
		$replace . $add =~ s/s\.o\(v\)/pg_catalog.abs(s.o(v))/r, 'SET search_path = s, pg_catalog; CALL cmig.expand()'),
	qr/column s\.t\.n cannot be expanded\nDETAIL:  A row that is there/, 'a search_path with a volatile function of the same name');

# the beginning of a long value is shown
like(expands("$rows; CREATE FUNCTION s.i(int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT repeat(''\xc3\xa4'', 150) || \$1'; CREATE FUNCTION s.o(int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'DECLARE r text; BEGIN EXECUTE ''SELECT s.'' || chr(105) || ''(\$1)'' INTO r USING \$1; RETURN r; END'",
		"CREATE OR REPLACE FUNCTION s.i(int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT repeat(''\xc3\xa4'', 150)'; ALTER TABLE s.t ADD n text;\n-- cmig:up s.t.n = s.o(v)\n"),
	qr/in the expansion, '(\xc3\xa4){99}\.\.\., than in the upgrade, '(\xc3\xa4){99}\.\.\.\.\n/, 'a long value');

# the caller sees values of rows, which are not stored for others
$db++;
$node->safe_psql('postgres', "CREATE DATABASE $db");
$node->safe_psql($db, <<'END_SQL');
CREATE EXTENSION pg_cmig;
CREATE SCHEMA tn;
SELECT FROM cmig.create_revision('s', $c$CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 77123);
CREATE FUNCTION i(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1';
CREATE FUNCTION o(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'DECLARE r int; BEGIN EXECUTE ''SELECT tn.'' || chr(105) || ''($1)'' INTO r USING $1; RETURN r; END'$c$, NULL, revision => '1');
SELECT FROM cmig.create_revision('n', $c$CREATE OR REPLACE FUNCTION i(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1000';
ALTER TABLE t ADD n int;
-- cmig:up t.n = o(v)
$c$, NULL, revision => '2', expand => true);
SET cmig.scope = 'tn';
SELECT FROM cmig.upgrade('1');
END_SQL
my (undef, undef, $shown) = $node->psql($db, "CALL cmig.expand(scopes => 'tn')");
like($shown, qr/in the expansion, '77124', than in the upgrade, '78123'/, 'values are shown');
is($node->safe_psql($db, 'SELECT failed FROM cmig.scopes()'), '0A000: column tn.t.n cannot be expanded: Rows that are there would not become what they become in an upgrade.', 'and not stored');

# a default with a label of an enum that gets another name below
like(expands("$rows; CREATE TYPE s.e AS ENUM ('a', 'b')", "ALTER TABLE s.t ADD n text DEFAULT 'a'::s.e::text; ALTER TYPE s.e RENAME VALUE 'a' TO 'z'"), qr/column s\.t\.n cannot be expanded/, 'a label in a default');

# what is accepted, with the rows of an upgrade
my $family = q{CREATE TABLE s.k (id int PRIMARY KEY); CREATE TABLE s.u (id int PRIMARY KEY, k int REFERENCES s.k, big text); INSERT INTO s.k SELECT generate_series(1, 90); INSERT INTO s.u SELECT i, i % 90 + 1, repeat('x', 2000 * (i % 3) * 50) FROM generate_series(1, 300) i; };
my $many = q{CREATE TABLE s.k (id int PRIMARY KEY); CREATE TABLE s.u (id int PRIMARY KEY, k int REFERENCES s.k); INSERT INTO s.k SELECT generate_series(1, 20000); INSERT INTO s.u SELECT i, i * 60 FROM generate_series(1, 300) i; };
my $parted = q{CREATE TABLE s.pt (id int, k text, v int, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE s.pa PARTITION OF s.pt FOR VALUES IN ('a'); CREATE TABLE s.pb (junk int, v int, k text NOT NULL, id int NOT NULL); ALTER TABLE s.pb DROP junk; ALTER TABLE s.pt ATTACH PARTITION s.pb FOR VALUES IN ('b'); INSERT INTO s.pt VALUES (1, 'a', 10), (2, 'b', 20); };
my $typed = q{CREATE TYPE s.e AS ENUM ('a', 'z'); CREATE DOMAIN s.d AS int CHECK (VALUE > 0); CREATE TYPE s.p AS (x int, e s.e); CREATE TABLE s.y (id int PRIMARY KEY, e s.e, d s.d, p s.p, a s.e[], r int4range, x jsonb, g int GENERATED ALWAYS AS (id * 2) STORED, i int GENERATED ALWAYS AS IDENTITY); INSERT INTO s.y VALUES (1, 'a', 5, (1, 'z'), '{a,z}', '[1,5)', '{"a": 1}'), (2, NULL, NULL, NULL, NULL, NULL, NULL); };
foreach my $case (
	[ 'a key that foreign keys check', $family, 'ALTER TABLE s.u ALTER k TYPE bigint', 's.u' ],
	[ 'a key to rows that are not read', $many, 'ALTER TABLE s.u ALTER k TYPE bigint USING k + 0', 's.u' ],
	[ 'a key to rows that are not read, which changes', $many, 'ALTER TABLE s.k ALTER id TYPE bigint; ALTER TABLE s.u ALTER k TYPE bigint', 's.u' ],
	[ 'partitions', $parted, 'ALTER TABLE s.pt ALTER v TYPE bigint USING v * 2', 's.pt' ],
	[ 'types', $typed, "ALTER TABLE s.y ADD n text;\n-- cmig:up s.y.n = concat(e, d, p, a, r, x, g, a = '{a,z}'::s.e[])\n", 's.y' ],
	[ 'a trigger of the table', "$rows; CREATE FUNCTION s.up() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.w := ''updated''; RETURN NEW; END'; CREATE TRIGGER up BEFORE UPDATE ON s.t FOR EACH ROW EXECUTE FUNCTION s.up()", 'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2', 's.t' ],
	[ 'a trigger that always writes into another table', "$rows; CREATE TABLE s.log (id int); CREATE FUNCTION s.up() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO s.log VALUES (NEW.id); RETURN NULL; END'; CREATE TRIGGER up AFTER UPDATE ON s.t FOR EACH ROW EXECUTE FUNCTION s.up(); ALTER TABLE s.t ENABLE ALWAYS TRIGGER up", 'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2', 's.t' ],
	[ 'options of TOAST tables', "$rows; ALTER TABLE s.t SET (toast.autovacuum_enabled = false); CREATE TABLE s.old (w text) WITH (toast.autovacuum_enabled = false)", 'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2, ALTER w TYPE varchar', 's.t' ],
	[ 'a check that is not valid', "$rows; CREATE TABLE s.old (id int, v int); INSERT INTO s.old VALUES (1, -1); ALTER TABLE s.old ADD CHECK (v > 0) NOT VALID", 'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2', 's.t' ],
	[ 'a trigger for replicated rows', "$rows; CREATE FUNCTION s.up() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := 5; RETURN NEW; END'; CREATE TRIGGER up BEFORE UPDATE ON s.t FOR EACH ROW EXECUTE FUNCTION s.up(); ALTER TABLE s.t ENABLE REPLICA TRIGGER up", "ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.n = v\n", 's.t' ],
	[ 'a cast whose function belongs to another role', "CREATE EXTENSION citext; ALTER FUNCTION citext(boolean) OWNER TO regress_other; CREATE TABLE s.t (id int PRIMARY KEY, v boolean); INSERT INTO s.t VALUES (1, true)", "ALTER TABLE s.t ADD n public.citext;\n-- cmig:up s.t.n = v::public.citext\n", 's.t' ],
	[ 'a line', "$rows; CREATE FUNCTION s.up() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.w := lower(NEW.w); RETURN NEW; END'; CREATE TRIGGER up BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.up()", "ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.n = v + 1\n", 's.t' ],
	[ 'constraints', "$rows; ALTER TABLE s.t ADD CHECK (v > 0), ADD UNIQUE (w); CREATE INDEX ON s.t ((v + 1)) WHERE v > 5", 'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2', 's.t' ])
{
	my ($name, $tables, $change, $table) = @$case;
	my $values = "SELECT jsonb_agg(to_jsonb(x) - 'cmig_state' ORDER BY id) FROM $table x";

	database($tables, $change);
	$node->safe_psql($db, 'SELECT cmig.upgrade()');
	my $upgraded = $node->safe_psql($db, $values);
	unlike(expands($tables, $change, 'CALL cmig.expand(); CALL cmig.contract()'), qr/ERROR|not tried/, "expanded: $name");
	is($node->safe_psql($db, $values), $upgraded, "with the same rows: $name");
}

# what differs each time is not compared
unlike(expands($rows, "ALTER TABLE s.t ADD n double precision, ADD u uuid, ADD s bigserial, ADD c timestamptz;\n-- cmig:up s.t.n = random()\n-- cmig:up s.t.u = gen_random_uuid()\n-- cmig:up s.t.c = clock_timestamp()\n"), qr/another value/, 'volatile expressions');

# Returns how often cmig.expand() calls s.o(), which the revision uses: also in the shadow, where a
# sequence that is named by its OID is the real one.
sub calls
{
	my ($tables, $change, $volatility) = @_;
	my $function = q{CREATE FUNCTION s.o(int) RETURNS int VOLATILE LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(%s::regclass); RETURN $1; END'};

	$function =~ s/VOLATILE/$volatility/;
	expands("$tables; CREATE SEQUENCE s.calls; SELECT format(\$f\$$function\$f\$, 's.calls'::regclass::oid) \\gexec\nSELECT", $change);
	return $node->safe_psql($db, 'SELECT last_value FROM s.calls');
}

# what a volatile function does besides is done once for each row, when it is filled; another one is
# called once in an upgrade, once in the expansion, and when the row is filled, within the limits
my $compute = 'ALTER TABLE s.t ALTER v TYPE bigint USING s.o(v)';
is(calls($rows, $add, 'VOLATILE'), 3, 'a volatile function is called for the rows only');
is(calls($rows, $compute, 'STABLE'), 9, 'another one is also tried');
is(calls($rows, "$compute;\n-- cmig:replay skip\nCREATE FUNCTION s.skipped() RETURNS int LANGUAGE sql AS 'SELECT 1'", 'STABLE'), 3, 'not if a statement is not replayed');
is(calls(q{CREATE TABLE s.t (id int PRIMARY KEY, v int, w text); INSERT INTO s.t SELECT i, i, repeat('x', 500) FROM generate_series(1, 1000) i}, $compute, 'STABLE'), 1200, '100 rows of a table, from all parts of it');
is(calls(q{CREATE TABLE s.t (id int PRIMARY KEY, v int) PARTITION BY RANGE (id); SELECT format('CREATE TABLE s.t%1$s PARTITION OF s.t FOR VALUES FROM (%1$s) TO (%2$s)', i, i + 1) FROM generate_series(1, 120) i \gexec
	INSERT INTO s.t SELECT i, i FROM generate_series(1, 120) i}, $compute, 'STABLE'), 320, '100 partitions');

# a long value does not take the place of others
like(expands("CREATE TABLE s.t (id int PRIMARY KEY, v int, w text); INSERT INTO s.t VALUES (1, NULL, repeat('x', 950000)), (2, 10, repeat('x', 90000)); $in; CREATE FUNCTION s.o(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'DECLARE r int; BEGIN EXECUTE ''SELECT s.'' || chr(105) || ''(\$1)'' INTO r USING \$1; RETURN r; END'", "$replace$add"), qr/another value/, 'a row beside one with a long value');

# nor of a table that cannot be read by blocks
my $library = build_library('hooks');
is(expands("$rows; CREATE FUNCTION public.blockless(internal) RETURNS table_am_handler LANGUAGE c AS '$library', 'blockless'; CREATE ACCESS METHOD blockless TYPE TABLE HANDLER public.blockless; CREATE TABLE s.z (v int) USING blockless; INSERT INTO s.z VALUES (10)", 'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2', 'SET client_min_messages = warning; CALL cmig.expand()'), '', 'an access method without blocks');

# nor of one that another session has locked
database("$rows; CREATE TABLE s.z (id int); INSERT INTO s.z VALUES (1)", 'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2');
$node->safe_psql($db, q{BEGIN; LOCK TABLE s.z; PREPARE TRANSACTION 'other'});
my (undef, undef, $waits) = $node->psql($db, q{SET lock_timeout = '3s'; CALL cmig.expand()});
like($waits, qr/is expanded/, 'a table that is locked');
$node->safe_psql($db, q{ROLLBACK PREPARED 'other'});

# an error that must end the command does so
like(expands("$rows; CREATE FUNCTION s.o(int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN IF \$1 = 10 THEN RAISE query_canceled; END IF; RETURN \$1; END'", $compute), qr/^(?!.*not tried).*ERROR:  query_canceled/s, 'it can be canceled');

# what fails with the rows is told, and left to the filling
like(expands($rows, "ALTER TABLE s.t ALTER w TYPE int USING w::int"), qr/NOTICE:  what the revision computes was not tried with rows\nDETAIL:  .*invalid input syntax/, 'one that fails with all');

# nor do triggers fire, also not those that fire in an upgrade
like(expands("$rows; CREATE FUNCTION s.up() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.w := ''updated''; RETURN NEW; END'; CREATE TRIGGER up BEFORE UPDATE ON s.t FOR EACH ROW EXECUTE FUNCTION s.up()", "ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.n = v\n"), qr/^(?!.*not tried).*is expanded/s, 'a trigger that an upgrade fires');

# no code of other roles runs
like(expands("$rows; CREATE FUNCTION s.told(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN IF NOT EXISTS (SELECT FROM cmig.expansion_run) THEN RAISE WARNING ''evaluated''; END IF; RETURN true; END'; CREATE INDEX ON s.t (s.told(id)); ALTER TABLE s.t OWNER TO regress_other; GRANT ALL ON SCHEMA s TO regress_other", 'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2'), qr/^(?!.*evaluated).*is expanded/s, 'an index of another role');

# nor of a superuser, on rows that the caller cannot read
$node->safe_psql('postgres', 'CREATE ROLE regress_mig LOGIN');
database("ALTER SCHEMA s OWNER TO regress_mig; $rows; ALTER TABLE s.t OWNER TO regress_mig; CREATE TABLE s.secret (v int); INSERT INTO s.secret VALUES (42);"
		. q{CREATE FUNCTION s.told(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''it is %'', $1; RETURN true; END'; CREATE INDEX ON s.secret (s.told(v));}
		. q{SELECT FROM cmig.grant_access('regress_mig', 'migrator')}, 'ALTER TABLE s.t ALTER v TYPE bigint USING v * 2');
$node->safe_psql($db, "GRANT CREATE ON DATABASE $db TO regress_mig");
my (undef, undef, $told) = $node->psql($db, 'CALL cmig.expand()', extra_params => [ '-U', 'regress_mig' ]);
like($told, qr/^(?!.*it is 42).*is expanded/s, 'what the caller cannot read');

# nor rows that policies hide from the owner
database("ALTER SCHEMA s OWNER TO regress_mig; $rows; ALTER TABLE s.t OWNER TO regress_mig; ALTER TABLE s.t ENABLE ROW LEVEL SECURITY; ALTER TABLE s.t FORCE ROW LEVEL SECURITY; CREATE POLICY p ON s.t USING (id < 3);"
		. q{SELECT FROM cmig.grant_access('regress_mig', 'migrator')}, 'ALTER TABLE s.t ALTER v TYPE int USING 10 / (v - 30)');
$node->safe_psql($db, "GRANT CREATE ON DATABASE $db TO regress_mig");
(undef, undef, $told) = $node->psql($db, 'CALL cmig.expand()', extra_params => [ '-U', 'regress_mig' ]);
like($told, qr/^(?!.*division by zero).*row-level security hides rows of table s\.t/s, 'rows that policies hide');

# code that runs because of rows changes a table
like(expands("$rows; CREATE TABLE s.z AS TABLE s.t; CREATE FUNCTION s.renames(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF EXISTS (SELECT FROM information_schema.columns WHERE table_schema = ''s'' AND table_name = ''z'' AND column_name = ''n'') THEN ALTER TABLE s.z RENAME n TO y; END IF; RETURN 1; END'; CREATE FUNCTION s.later(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN s.renames(\$1); END'",
		"ALTER TABLE s.z ADD n text;\n-- cmig:up s.z.n = id::text\nALTER TABLE s.t ADD m text;\n-- cmig:up s.t.m = id::text\nCREATE INDEX ON s.t ((s.later(v)))"),
	qr/not tried with rows\nDETAIL:  With rows in the copies of the tables, there is an error: column n of table s\.z is gone/, 'a column is renamed while the rows are tried');

# it is a copy: neither rows nor sequences have changed
database("$rows; CREATE SEQUENCE s.q; CREATE TABLE s.i (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int); INSERT INTO s.i (v) VALUES (1), (2)", "ALTER TABLE s.t ADD n bigint;\n-- cmig:up s.t.n = v\nALTER TABLE s.i ALTER v TYPE bigint USING v + 1");
$node->safe_psql($db, 'CALL cmig.expand()');
is($node->safe_psql($db, q{SELECT nextval('s.q'), nextval('s.i_id_seq'), (SELECT count(*) FROM s.t), (SELECT count(*) FROM s.i)}), '1|3|3|2', 'the database is as it was');

# long values are few, because they are compared uncompressed, as texts
SKIP:
{
	skip 'no /proc', 3 unless -r '/proc/self/status';
	database('CREATE TABLE s.t (id int PRIMARY KEY, v int, a text, b text) PARTITION BY RANGE (id);'
		. join(' ', map { "CREATE TABLE s.t$_ PARTITION OF s.t FOR VALUES FROM (${_}000) TO (${_}999);" } 1 .. 60)
		. q{INSERT INTO s.t SELECT i * 1000 + j, j, repeat('x', 90000), repeat('y', 90000)
			FROM generate_series(1, 60) i, generate_series(1, 6) j},
		'ALTER TABLE s.t ALTER v TYPE bigint');
	my $memory = q{SET client_min_messages = warning; CALL cmig.expand();
		SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\s+(\d+)'))[1]};
	cmp_ok($node->safe_psql($db, $memory), '<', 350_000, 'the memory of a comparison of long values');
	# of nine bytes each
	database(q{CREATE TABLE s.t (id int PRIMARY KEY, v int, a numeric, b numeric); INSERT INTO s.t SELECT i, i, 1e131071, -1e131071 FROM generate_series(1, 130) i; ALTER TABLE s.t RENAME v TO w},
		"ALTER TABLE s.t ADD n int, ADD x text;\n-- cmig:up s.t.n = id\n-- cmig:up s.t.x = repeat(a::text, 5)\n");
	cmp_ok($node->safe_psql($db, $memory), '<', 250_000, 'and of those that are long as texts');
	# many, as the texts of each column are compared
	my $columns = join(', ', map { "c$_ int DEFAULT $_" } 1 .. 100);
	database("CREATE TABLE s.t (id int, $columns) PARTITION BY HASH (id);"
		. join(' ', map { "CREATE TABLE s.t$_ PARTITION OF s.t FOR VALUES WITH (MODULUS 20, REMAINDER $_);" } 0 .. 19)
		. 'INSERT INTO s.t SELECT generate_series(1, 2600)',
		"ALTER TABLE s.t ADD n int;\n-- cmig:up s.t.n = id");
	cmp_ok($node->safe_psql($db, $memory), '<', 250_000, 'and of many values');
}

done_testing();
