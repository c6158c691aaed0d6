# Copyright (c) 2026, the pg_cmig developers

# Tests small branches that the tests of their subjects reach without noticing what they do:
# those that scripts/mutate has found.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('branches', 'max_connections = 20', 'autovacuum = off', 'cmig.log_runs = on');
$node->start;

# A database with the extension for each subject; gives(SQL) returns what the SQL prints,
# and says(SQL) the messages.
my $db;

sub subject
{
	$db = shift;
	new_database($node, $db);
}

sub gives
{
	return query($node, $db, shift);
}

sub says
{
	my ($out, $err);

	$node->psql($db, shift, stdout => \$out, stderr => \$err);
	return $err;
}

sub fails
{
	my ($sql, $sqlstate, $pattern, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	fails_with($node, $db, $sql, $sqlstate, $pattern, $name);
}

#
# What is about the whole database is refused in a scope
#
subject('scope');
gives('CREATE SCHEMA tenant; ' . load_sql(revision_file('001', '', '')));
foreach my $call ('SELECT * FROM cmig.locate()', 'SELECT * FROM cmig.drift()', q{SELECT cmig.baseline('x')}, 'SELECT * FROM cmig.round_trip()', q{CALL cmig.abandon_partial('001')})
{
	my ($function) = $call =~ /(cmig\.\w+)/;

	fails("SET cmig.scope = 'tenant'; $call", '0A000', "\Q$function\E\\(\\).*tenant", "$function in a scope");
}

#
# Equal scopes have equal digests. If not, their SQL would be compared, in which labels look
# like names of the scopes, then their schemas, which writes to the catalogs
#
subject('digest');
gives('CREATE SCHEMA x; CREATE SCHEMA y; ' . load_sql(revision_file('001', '', <<'END_SQL', '')) . join ' ', map { "SET cmig.scope = $_; SELECT cmig.upgrade();" } qw(x y));
CREATE TYPE mood AS ENUM ('x', 'y');
CREATE TYPE comp AS (n int, m mood);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE SEQUENCE numbers;
CREATE TABLE item (id int PRIMARY KEY DEFAULT nextval('numbers'), m mood DEFAULT 'x', p positive, c comp, t text CHECK (t <> ''), r regclass DEFAULT 'item'::regclass);
CREATE TABLE part (id int, item int REFERENCES item) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (1) TO (10);
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT f(id) FROM item WHERE m = 'y'; END;
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE INDEX ON item (f(id)) WHERE id === 5;
CREATE VIEW seen AS SELECT id, f(id), m, 'item'::regclass AS c, 'f(int)'::regprocedure AS p, 'touched'::regproc AS q, 'mood'::regtype AS t FROM item WHERE m > 'x';
CREATE RULE seen_insert AS ON INSERT TO seen DO INSTEAD INSERT INTO item DEFAULT VALUES;
CREATE TRIGGER touched BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION touched();
CREATE POLICY p ON item USING (m = 'y' AND f(id) > 1);
CREATE STATISTICS correlated ON id, m FROM item;
COMMENT ON COLUMN item.m IS 'one of two';
END_SQL
is(gives('BEGIN READ ONLY; SELECT count(*) FROM cmig.scope_drift()'), '0', 'two equal scopes');

# also if their names have other lengths, and one is a copy, whose casts PostgreSQL has printed
gives("CREATE SCHEMA other; SET cmig.scope = other; SELECT cmig.upgrade();
	CREATE TABLE x.words (v varchar CHECK (v <> '')); CREATE TABLE y.words (v varchar CHECK ((v)::text <> ''::text)); CREATE TABLE other.words (v varchar CHECK (v <> ''));"
	  . join ' ', map { "CREATE FUNCTION $_.h() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM $_.item'; CREATE VIEW $_.counted AS SELECT $_.h();" } qw(x y other));
is(gives('BEGIN READ ONLY; SELECT count(*) FROM cmig.scope_drift()'), '0', 'three equal scopes');
gives('ALTER TABLE y.item ALTER m DROP DEFAULT');
fails('BEGIN READ ONLY; SELECT count(*) FROM cmig.scope_drift()', '25006', 'cmig.diff_schemas', 'two scopes that differ');

#
# Runs in the log
#
subject('log');
gives(load_sql(revision_file('001', '', ''), revision_file('002', '001', ''), revision_file('003', '002', '')) . q{SELECT cmig.upgrade('+1'); SELECT cmig.upgrade()});
my $log = slurp_file($node->logfile);
like($log, qr/pg_cmig: upgrade of 001 started/, 'a run of one revision');
like($log, qr/pg_cmig: upgrade of 002 to 003 \(2 revisions\) started/, 'a run of two revisions');

# A word that is longer than a line of cmig.help is one, also behind a short word
my $long = 'x' x 90;
gives("COMMENT ON FUNCTION cmig.locate(text[]) IS '$long See $long end'");
is(gives(q{SELECT line FROM cmig.help('locate') line WHERE line !~ 'cmig|Rows'}), "    $long\n    See\n    $long\n    end", 'long words');
gives("COMMENT ON FUNCTION cmig.locate(text[]) IS 'See $long'");
is(gives(q{SELECT line FROM cmig.help('locate') line WHERE line !~ 'cmig|Rows'}), "    See\n    $long", 'a long word behind a short one');

#
# What a script sets is put back, whoever it has become: also a setting that this role may
# not read
#
subject('session');
gives('CREATE ROLE regress_app; '
	  . load_sql(revision_file('001', '', q{SET dynamic_library_path = 'x'; SET SESSION AUTHORIZATION regress_app}) =~ s/(-- create_date)/-- transactional: false\n$1/r));
is(gives(q{CALL cmig.upgrade_stepwise(); SELECT session_user, current_setting('dynamic_library_path')}) =~ s/.*\n//sr, 'postgres|$libdir', 'a setting, and session_authorization');

#
# Renames that may have been meant
#
subject('renames');
gives('CREATE SCHEMA a; CREATE SCHEMA b; CREATE FUNCTION a.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$');
my $target = q{CREATE SCHEMA a; CREATE SCHEMA b; CREATE FUNCTION b.f() RETURNS int LANGUAGE sql AS};
like(says(qq{SELECT 1 FROM cmig.diff('$target \$\$SELECT 1\$\$')}), qr/this may be a rename: function a\.f/, 'the same function in another schema');
unlike(says(qq{SELECT 1 FROM cmig.diff('$target \$\$SELECT 2\$\$')}), qr/may be a rename/, 'another function in another schema');
gives('CREATE TABLE a.nothing ()');
unlike(says(qq{SELECT 1 FROM cmig.diff('CREATE TABLE a.none ()', schemas => '{a}')}), qr/may be a rename/, 'a table that has no columns, either');

#
# Differences of what schemas seldom have: the schema of a database is made from SQL, then
# that of the target by diff, and the first one again
#
sub between
{
	my ($name, $from, $to) = @_;
	my $read = q{SELECT string_agg(concat_ws(' ', relname, relpersistence, relacl), ', ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S');};
	my %seen;

	foreach my $sql ($to, $from)
	{
		subject($name . keys %seen);
		$seen{$sql} = gives("$sql; $read");
	}
	is(gives("CREATE TEMP TABLE went AS SELECT step, upgrade_sql, downgrade_sql FROM cmig.diff(\$target\$$to\$target\$);
			SELECT upgrade_sql FROM went ORDER BY step \\gexec\n$read SELECT downgrade_sql FROM went ORDER BY step DESC \\gexec\n$read"),
		"$seen{$to}\n$seen{$from}", $name);
	return;
}

between('grants', 'CREATE TABLE item (a int); GRANT SELECT ON item TO PUBLIC; REVOKE INSERT ON item FROM CURRENT_USER',
	'CREATE TABLE item (a int); GRANT SELECT ON item TO regress_app; REVOKE INSERT ON item FROM CURRENT_USER');
is(gives(q{SELECT count(*) FROM cmig.diff('CREATE TABLE item (a int); GRANT SELECT ON item TO PUBLIC; REVOKE INSERT ON item FROM CURRENT_USER')}), '0', 'what the owner has revoked from itself');

# a column gets its privileges again only if the table loses them
subject('columns');
gives('CREATE TABLE item (a int); GRANT SELECT (a), INSERT (a) ON item TO regress_app; GRANT INSERT, UPDATE ON item TO regress_app');
is(gives(qq{SELECT upgrade_sql FROM cmig.diff('CREATE TABLE item (a int); GRANT SELECT (a), INSERT (a) ON item TO regress_app; GRANT $_ ON item TO regress_app') ORDER BY step}),
	'REVOKE ' . ($_ eq 'INSERT' ? 'UPDATE' : 'INSERT') . ' ON TABLE public.item FROM regress_app' . ($_ eq 'INSERT' ? '' : "\nGRANT INSERT (a) ON TABLE public.item TO regress_app"), "a table keeps $_") foreach qw(INSERT UPDATE);

# a sequence does not continue after values that are not numbers
gives(q{CREATE TABLE t (a text); INSERT INTO t VALUES ('x')});
is(gives(q{SELECT upgrade_sql FROM cmig.diff('CREATE TABLE t (a text); CREATE SEQUENCE s OWNED BY t.a') WHERE object = 'public.s' ORDER BY step}),
	"CREATE SEQUENCE public.s\nALTER SEQUENCE public.s OWNED BY public.t.a", 'a sequence that a column with texts owns');
between('persistence', 'CREATE TABLE item (a int GENERATED ALWAYS AS IDENTITY); ALTER SEQUENCE item_a_seq SET UNLOGGED', 'CREATE UNLOGGED TABLE item (a int GENERATED ALWAYS AS IDENTITY)');

# BETWEEN is written again, which PostgreSQL prints as two comparisons, but only if these are of the same
subject('ranges');
is(gives(q{SELECT string_agg(rtrim(c[1], ','), ' ') FROM cmig.diff('CREATE TABLE t (a int, c bool, CHECK (a BETWEEN 1 AND 9 AND c), CHECK (a NOT BETWEEN 1 AND 9 OR c), CHECK (a BETWEEN 1.5 AND 2::oid AND c))') d CROSS JOIN regexp_matches(upgrade_sql, 'CHECK (.*)$', 'gn') c}),
	'(((a BETWEEN 1 AND 9) AND c)) (((a NOT BETWEEN 1 AND 9) OR c)) (((((a)::numeric >= 1.5) AND ((a)::oid <= (2)::oid)) AND c))', 'ranges');
my $ranged = 'CREATE TABLE t (a int, c bool, CHECK (%1$s)); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (%1$s); CREATE INDEX i ON t (a) WHERE %1$s';
gives(sprintf $ranged, 'a BETWEEN 1 AND 9 AND c');
is(gives('SELECT count(*) FROM cmig.diff($$' . sprintf($ranged, 'a >= 1 AND a <= 9 AND c') . '$$)'), '0', 'the same ranges in two comparisons');

# only a constraint that is the same otherwise is validated
gives('DROP TABLE t; CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID');
is(gives(q{SELECT upgrade_sql FROM cmig.diff('CREATE TABLE t (a int, CONSTRAINT k CHECK (a > 0))')}), 'ALTER TABLE public.t VALIDATE CONSTRAINT k', 'a constraint that is validated');
is(gives(q{SELECT upgrade_sql FROM cmig.diff('CREATE TABLE t (a int, CONSTRAINT k CHECK (a > 1))') ORDER BY step}), "ALTER TABLE public.t DROP CONSTRAINT k\nALTER TABLE public.t ADD CONSTRAINT k CHECK ((a > 1))", 'a constraint that is another one');

# a text that is equal to a new label is not a use of it, for which the type would be created again
subject('label');
gives(q{CREATE TYPE mood AS ENUM ('a'); CREATE TABLE item (m mood)});
is(gives(q{SELECT upgrade_sql FROM cmig.diff($$CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE item (m mood, t text DEFAULT 'b')$$) WHERE kind = 'type' OR upgrade_sql ~ 'TYPE'}),
	q{ALTER TYPE public.mood ADD VALUE 'b' AFTER 'a'}, 'a default of another type');

# two types that change and are exchanged both exist under other names until the columns have changed
subject('exchange');
gives(q{CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TYPE tone AS ENUM ('x', 'b'); CREATE TABLE t (m mood, n tone)});
is(gives(q{SELECT string_agg(upgrade_sql, E'\n' ORDER BY step) FROM cmig.diff($$CREATE TYPE mood AS ENUM ('b'); CREATE TYPE tone AS ENUM ('b', 'z'); CREATE TABLE t (m tone, n mood)$$)}), <<'END' =~ s/\n$//r, 'enums');
ALTER TYPE public.tone RENAME TO tone_old
ALTER TYPE public.mood RENAME TO mood_old
CREATE TYPE public.mood AS ENUM ('b')
CREATE TYPE public.tone AS ENUM ('b', 'z')
ALTER TABLE public.t ALTER COLUMN m TYPE public.tone USING m::text::public.tone, ALTER COLUMN n TYPE public.mood USING n::text::public.mood
DO $$BEGIN /* changed with step 5 */ END$$
DROP TYPE public.tone_old
DROP TYPE public.mood_old
END

# children get what their parent gets by its statements
gives(q{DROP TABLE t; DROP TYPE mood, tone; CREATE TYPE r AS RANGE (subtype = int); CREATE TABLE t (b r, d r[]); CREATE TABLE u () INHERITS (t); CREATE INDEX ON u (b)});
is(gives(q{SELECT string_agg(action || ' ' || object, ', ' ORDER BY step) FROM cmig.diff('CREATE TYPE r AS RANGE (subtype = bigint); CREATE TABLE t (b r, d r[]); CREATE TABLE u () INHERITS (t); CREATE INDEX ON u (b)')}),
	'alter public.t.b, alter public.t.d, drop public.r, create public.r, alter public.t.b, alter public.t.d', 'ranges of a parent and a child');

# other small differences; the range type, which an attribute has, does not change
subject('kinds');
$target = q{CREATE TYPE rng AS RANGE (subtype = int); CREATE TYPE comp AS (r rng); CREATE TABLE n (a numeric, b numeric(6,2)); CREATE TABLE u (id int NOT NULL CONSTRAINT u_id UNIQUE)};
gives("$target; INSERT INTO n VALUES (1, 1)");
like(gives(q{SELECT hazard FROM cmig.diff('} . $target =~ s/a numeric,/a numeric(10,2),/r . q{')}), qr/may fail on existing rows/, 'numeric may get a precision that is too small');
is(gives(qq{SELECT upgrade_sql, downgrade_sql FROM cmig.diff('$target; ALTER TABLE u REPLICA IDENTITY USING INDEX u_id', schemas => '{public}')}),
	'ALTER TABLE public.u REPLICA IDENTITY USING INDEX u_id|ALTER TABLE public.u REPLICA IDENTITY DEFAULT', 'a constraint is the replica identity');
my $keyed = 'CREATE TABLE keyed (id int, a varchar(10), g text GENERATED ALWAYS AS (upper(a)) STORED, PRIMARY KEY (id, a)); CREATE STATISTICS st ON a, g FROM keyed';
gives($keyed);
is(gives(q{SELECT string_agg(action || ' ' || kind, ', ' ORDER BY step) FROM cmig.diff('} . $target . ';' . $keyed =~ s/varchar\(10\)/text/r . q{') WHERE object ~ 'keyed|st$'}),
	'drop statistics, drop column, alter column, create column, create statistics', 'a key stays that the server keeps, although a column made from its column does not');
gives('DROP TABLE keyed');
gives('GRANT CREATE ON SCHEMA public TO regress_app');
like(gives(q{SELECT upgrade_sql FROM cmig.diff('} . $target . q{; CREATE MATERIALIZED VIEW mv AS SELECT 1 AS a; ALTER MATERIALIZED VIEW mv OWNER TO regress_app', owners => true)}),
	qr/WITH NO DATA.*OWNER TO regress_app.*REFRESH MATERIALIZED VIEW public.mv/s, 'the owner of a materialized view runs its query');

# an extension that the target does not create, but another one needs
subject('requires');
gives('CREATE EXTENSION cube');
like(gives(q{SELECT upgrade_sql FROM cmig.diff('CREATE EXTENSION earthdistance')}), qr/^CREATE EXTENSION earthdistance/m, 'an extension that requires one');

# an extension that a revision has created is dropped by its owner, if the target does not create it
gives('DROP EXTENSION cube; ' . load_sql(revision_file('001', '', 'CREATE EXTENSION cube', '')) . 'SELECT FROM cmig.upgrade()');
is(gives(q{SELECT upgrade_sql FROM cmig.diff('') WHERE kind = 'extension'}), 'DROP EXTENSION cube', 'an extension of a revision');

# what is said of a table of a server that cannot be made is left out
gives(q{CREATE FOREIGN DATA WRAPPER fdw; SELECT cmig.grant_access('regress_app', 'owner'); GRANT CREATE ON DATABASE requires TO regress_app});
is(gives(q{SET ROLE regress_app; SELECT object, hazard FROM cmig.diff('CREATE FOREIGN DATA WRAPPER fdw; CREATE SERVER srv FOREIGN DATA WRAPPER fdw; CREATE FOREIGN TABLE far (a int) SERVER srv; ALTER FOREIGN TABLE far ADD b int') ORDER BY object}),
	"far|server \"srv\" does not exist\nsrv|permission denied for foreign-data wrapper fdw", 'a foreign table');

subject('keys');
gives('CREATE TABLE p (a int NOT NULL) PARTITION BY LIST (a); CREATE TABLE p_1 PARTITION OF p (PRIMARY KEY (a)) FOR VALUES IN (1)');
like(gives(q{SELECT upgrade_sql FROM cmig.diff('CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p_1 PARTITION OF p (PRIMARY KEY (a)) FOR VALUES IN (1)')}),
	qr/DROP CONSTRAINT p_1_pkey.*DROP NOT NULL.*ADD CONSTRAINT p_1_pkey/s, 'a key of a partition stays');

#
# Only triggers of pg_cmig say what they audit
#
subject('audit');
gives(q{CREATE TABLE public.item (id int PRIMARY KEY, a int); CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	SELECT cmig.enable_audit('item'); CREATE TRIGGER zz BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION other('77', 'x'); INSERT INTO item VALUES (1, 1)});
is(gives(q{SELECT count(*) FROM cmig.audit_history('item', 1)}), '1', 'a trigger with two arguments');

# what is not an option is an error
gives('CREATE TABLE forged (id int PRIMARY KEY)');
foreach my $arguments ('[]', '{"exclude": ["id"]}', '{"exclude": 1}', '{"exclude": {"id": "x"}}', '{"exclude": {"id": -1}}', '{"operations": "insert"}', '{"query_length": 3000000000}')
{
	gives("CREATE OR REPLACE TRIGGER zz AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger('9001', '$arguments')");
	fails('INSERT INTO forged VALUES (1)', '55000', 'could not parse the arguments', "the arguments $arguments");
}

# the moment of a change is one after it
gives('UPDATE item SET a = 2; UPDATE item SET a = 3');
is(gives(q{SELECT d.old_value, d.new_value FROM cmig.audit_history('item', 1) a, cmig.audit_history('item', 1) b, cmig.audit_diff('item', 1, a.clock_at, b.clock_at) d
	WHERE a.new_row->>'a' = '2' AND b.new_row->>'a' = '3'}), '2|3', 'audit_diff between the moments of two changes');

# a log that runs a role's functions is refused even if nothing would be written to it
gives(q{CREATE SCHEMA foreign_code; GRANT ALL ON SCHEMA foreign_code TO regress_app; SET ROLE regress_app; CREATE FUNCTION foreign_code.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
	RESET ROLE; ALTER TABLE cmig_audit.log ADD more int DEFAULT foreign_code.f()});
fails(q{SELECT cmig.enable_audit('item')}, '55000', 'uses function foreign_code.f\(\), which belongs to another role', 'code of another role in the log');

#
# A comparison of the whole row is not one of a key, which would make the other policy
# one that lets rows of others through
#
subject('rls');
gives(q{CREATE TABLE public.item (id int, a int); ALTER TABLE item ENABLE ROW LEVEL SECURITY; ALTER TABLE item FORCE ROW LEVEL SECURITY;
	CREATE POLICY rows ON item FOR SELECT USING (item = current_setting('app.item')::item); CREATE POLICY other ON item FOR UPDATE USING (a > 0)});
is(gives(q{SELECT string_agg(rule, ' ' ORDER BY rule) FROM cmig.rls_check() WHERE object ~ 'policy other'}), 'implicit_check to_public', 'a policy that compares rows');

# a comparison of rows runs a function of the operator's class
gives(q{CREATE FUNCTION order_of(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE WARNING $$order_of() was run$$; RETURN 1; END';
	CREATE OPERATOR <<< (LEFTARG = int, RIGHTARG = int, FUNCTION = int4lt); CREATE OPERATOR CLASS odd FOR TYPE int USING btree AS OPERATOR 1 <<<, FUNCTION 1 order_of(int, int);
	CREATE TABLE pairs (id int, tenant_id int); ALTER TABLE pairs ENABLE ROW LEVEL SECURITY; ALTER TABLE pairs FORCE ROW LEVEL SECURITY; GRANT SELECT ON pairs TO regress_app;
	CREATE POLICY p ON pairs TO regress_app USING ((tenant_id, 1) OPERATOR(public.<<<) (NULLIF(current_setting('app.tenant', true), '')::int, 2))});
is(says('SELECT 1 FROM cmig.rls_check()'), '', 'a comparison of rows');

# what is not proved is run, also if it contains CASE
gives(q{ALTER POLICY p ON pairs USING (tenant_id + CASE WHEN id > 5 THEN 1 ELSE 0 END = NULLIF(current_setting('app.tenant', true), '')::int)});
is(gives(q{SELECT rule FROM cmig.rls_check() WHERE object ~ 'pairs' AND problem ~ 'CASE|such as'}), 'foreign_rows', 'a policy with CASE');

# a default that was set afterwards stays
gives(q{CREATE TABLE kept (id int, tenant_id int); SELECT cmig.enable_rls('kept', tenant_column => 'tenant_id', roles => '{regress_app}', column_default => true);
	ALTER TABLE kept ALTER tenant_id SET DEFAULT 7; SELECT cmig.disable_rls('kept')});
is(gives(q{SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'kept'::regclass}), '7', 'the default of a key column');

#
# What would commit is refused before it has done anything
#
subject('policy');
gives(q{CREATE TABLE part (id int) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1); SELECT cmig.set_ddl_policy('deny')});
fails('ALTER TABLE part DETACH PARTITION part_1 CONCURRENTLY', '42501', 'ddl_policy|part', 'DETACH CONCURRENTLY');
is(gives('SELECT inhdetachpending FROM pg_inherits'), 'f', 'the partition is attached');

#
# cmig.status
#
subject('status');
my ($first, $second) = map { s/^(?=-- create_date)/-- expand: true\n/mr } revision_file('001', '', '', ''), revision_file('002', '001', '', '');
my $expandable = q{SELECT count(*) FROM cmig.status() WHERE item = 'can be expanded'};
gives(load_sql($first, $second));
is(gives($expandable), '0', 'what can be expanded, in an empty database');
is(gives("SELECT cmig.upgrade('001'); $expandable") =~ s/.*\n//sr, '1', 'and in another one');
gives(q{UPDATE cmig.revision SET upgrade_sql = E'ALTER TABLE t ALTER a TYPE int USING a::int;\n-- cmig:up t.a = a::int' WHERE revision = '002'});
is(gives($expandable), '0', 'a line that cmig.expand refuses');
gives(q{UPDATE cmig.revision SET upgrade_sql = '' WHERE revision = '002'});

#
# An expanded revision whose table has another name
#
gives(q{CREATE TABLE item (id int PRIMARY KEY); SELECT cmig.upgrade(); DELETE FROM cmig.revision;} . load_sql($first, $second, revision_file('003', '002', 'ALTER TABLE item ADD y int', 'ALTER TABLE item DROP y') =~ s/^(?=-- create_date)/-- expand: true\n/mr));
gives('CALL cmig.expand(); ALTER TABLE item RENAME TO other');
fails('CALL cmig.contract()', '55000', 'table public.item of the expansion is now public.other', 'its contraction');

# Neither an index that is complete nor a check of rows waits for other transactions
gives('ALTER TABLE other RENAME TO item; CALL cmig.abandon(); DELETE FROM cmig.revision;'
	  . load_sql($first, $second, revision_file('003', '002', "ALTER TABLE item ADD z int CHECK (z > 0);\n-- cmig:up item.z = id\n", 'ALTER TABLE item DROP z') =~ s/^(?=-- create_date)/-- expand: true\n/mr)
	  . 'CALL cmig.expand()');
my $reader = $node->background_psql($db);
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_sleep(1.2)');
unlike(says('CALL cmig.contract()'), qr/will wait for open transactions|ERROR/, 'a contraction that builds no index');
$reader->quit;

# What an expression calls by the name of another table is not a column of its own
subject('subquery');
gives('CREATE TABLE item (id int PRIMARY KEY); CREATE TABLE elsewhere (n int); '
	  . load_sql(revision_file('001', '', "ALTER TABLE item ADD z int;\n-- cmig:up item.z = (SELECT max(o.n) FROM elsewhere o)\n", 'ALTER TABLE item DROP z') =~ s/^(?=-- create_date)/-- expand: true\n/mr));
fails('CALL cmig.expand()', '0A000', 'the expression contains a subquery', 'a column of another table');

# rows are filled without subtransactions until an expression fails: the first 499 are then computed twice
subject('fails');
gives(q{ALTER DATABASE fails SET track_functions = 'all'; CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item SELECT generate_series(1, 1000);
	CREATE FUNCTION computed(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS 'BEGIN IF $1 = 500 THEN RAISE division_by_zero; END IF; RETURN $1; END'; }
	  . load_sql(revision_file('001', '', "ALTER TABLE item ADD z bigint;\n-- cmig:up item.z = computed(id)\n", 'ALTER TABLE item DROP z') =~ s/^(?=-- create_date)/-- expand: true\n/mr));
gives('CALL cmig.expand()');
ok($node->poll_query_until('fails', q{SELECT calls = 1498 FROM pg_stat_user_functions WHERE funcname = 'computed'}), 'rows before one that fails');
is(gives('SELECT count(*), count(cmig_new_z) FROM item'), '1000|999', 'which alone has no value');

#
# A row that cannot be updated is told, wherever it is: pages that a backfill has replaced are left out
#
subject('pages');
gives(<<'SQL');
CREATE TABLE item (n int);
INSERT INTO item SELECT 1 FROM generate_series(1, 500);
CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN CASE WHEN OLD.ctid <> TG_ARGV[0]::tid THEN NEW END; END$$;
SELECT max(ctid) AS last FROM item WHERE ctid < '(1,0)' \gset
CREATE TRIGGER skip BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION skip(:'last');
SQL
like(says(q{CALL cmig.backfill('item', 'n = 2', 'n = 1')}), qr/WARNING:  at least 1 row of public\.item still matches/, 'the last row of a page');

#
# Names that may have been meant
#
subject('names');
gives(load_sql(revision_file('add_users', '', '', ''), revision_file('drop_users', 'add_users', '', '')));
fails(q{SELECT * FROM cmig.upgrade('users')}, 'MG...', '"add_users" or "drop_users"', 'two that are equally similar');

#
# Repeatable revisions
#
subject('repeatable');
my $totals = "-- revision: totals\n-- repeatable: true\n-- depends_on: 001\n-- message: x\n\n-- cmig:upgrade\nSELECT 1\n";
gives(load_sql(revision_file('001', '', '', ''), $totals));
is(gives(q{SELECT string_agg(revision, ' ' ORDER BY step) FROM cmig.plan()}), '001 totals', 'one may depend on the first revision');
is(gives(load_sql(revision_file('001', '', '', ''))), '001|unchanged', 'one that is not in the files stays');
is(gives(load_sql(revision_file('001', '', '', '')) =~ s/\$\);$/\$, prune => true);/r), "001|unchanged\ntotals|removed", 'unless it is pruned');
is(gives('SELECT string_agg(revision, $$ $$) FROM cmig.revision'), '001', 'and is gone then');

#
# Queries that are not judged before an upgrade
#
subject('queries');
gives('CREATE TABLE person (id int); ' . load_sql(revision_file('001', '', '')) . q{INSERT INTO cmig.workload (name, number, calls, query, saved_at) SELECT 'monday', i, 1200, 'SELECT nothing_' || i || ' FROM person', now() FROM generate_series(1, 2) i});
like(says('SET cmig.workload_policy = warn; SELECT cmig.upgrade()'), qr/NOTICE:  2 queries of the application were not judged/, 'queries that are not judged');

# an aggregate whose state has code, behind an expression with an empty part
gives(q{CREATE EXTENSION citext; CREATE DOMAIN state AS int; CREATE FUNCTION next(state, int) RETURNS state LANGUAGE sql IMMUTABLE AS 'SELECT $1';
	CREATE AGGREGATE total(int) (SFUNC = next, STYPE = state, INITCOND = '5'); ALTER EXTENSION citext ADD DOMAIN state; ALTER EXTENSION citext ADD FUNCTION next(state, int); ALTER EXTENSION citext ADD AGGREGATE total(int)});
is(gives(q{SELECT verdict, detail FROM cmig.workload_check(queries => ARRAY['SELECT CASE WHEN id > 1 THEN 1 END, total(id) OVER () FROM person'])}),
	'not_judged|planning would call a function, and the state of an aggregate has a type that a user has defined', 'an aggregate over a window');

#
# Cells of the report that are marked
#
subject('report');
gives(load_sql(revision_file('001', '', '')) . q{SELECT cmig.upgrade(); UPDATE cmig.version SET revision = 'gone'});
is(join(' ', gives('SELECT cmig.report()') =~ m{<td[^>]*><span class="tag (\w+">[^<]*)}g), 'bad">error', 'only what is an error or a warning');

# In its picture, a lane goes on in a row where it has ended in the row before
my %parents = ('001' => '', '002' => '001', '003' => '001', '004' => '002', '005' => '003, 002', '006' => '004, 005', '007' => '001', '008' => '006', '009' => '002', '010' => '007, 008');
gives('TRUNCATE cmig.revision, cmig.version; ' . load_sql(map { revision_file($_, $parents{$_}, '', '') } sort keys %parents));
my (@above, @gaps, $pictures);
foreach (gives('SELECT cmig.report()') =~ m{(<svg class="[gk]".*?</svg>)}gs)
{
	my ($height) = /viewBox="0 0 \d+ (\d+)"/;
	my (%top, %bottom);

	while (/M(\d+) (\d+)(?:V(\d+)|C[\d ]* (\d+) (\d+))/g)
	{
		my ($x, $y) = defined $3 ? ($1, $3) : ($4, $5);

		$top{$1} = 1 if $2 == 0;
		$bottom{$x} = 1 if $y == $height;
	}
	push @gaps, $_ if "@above" ne join ' ', sort keys %top;
	@above = sort keys %bottom;
	$pictures++;
}
is_deeply(\@gaps, [], 'no gap in the lanes of the picture');
is("@above", '', 'all lanes end');
cmp_ok($pictures, '>=', keys %parents, 'a picture for each row');

#
# A dry run leaves the statistics of a table as they were
#
subject('dry');
gives(q{CREATE TABLE item (a int) WITH (fillfactor = 50, autovacuum_enabled = off); INSERT INTO item SELECT generate_series(1, 2000); VACUUM ANALYZE item; UPDATE item SET a = -1 WHERE a = 1;}
	  . load_sql(revision_file('001', '', 'CREATE INDEX ON item (a)', '')));
my $estimates = q{SELECT relpages, reltuples, relallvisible FROM pg_class WHERE relname = 'item'};
my $estimated = gives($estimates);
gives('SELECT FROM cmig.dry_run()');
is(gives($estimates), $estimated, 'the number of pages that are visible to all');
gives('CREATE INDEX ON item (a)');
# since 18, not without autovacuum
isnt(gives($estimates), $estimated, 'which the statement changes') if $node->pg_version < 18;

#
# A session is as it was after a function that waits for locks
#
my $limits = q{SELECT name, setting FROM pg_settings WHERE name IN ('deadlock_timeout', 'log_lock_waits', 'lock_timeout') ORDER BY 1};
my $limited = gives($limits);
is(gives("DO \$\$BEGIN PERFORM FROM $_; EXCEPTION WHEN OTHERS THEN NULL; END\$\$; $limits"), $limited, "the settings after $_")
  foreach 'cmig.diff_schemas($q$public$q$, $q$public$q$)', 'cmig.locate()', 'cmig.drift()', 'cmig.scope_drift()', 'cmig.schema_sql($q${public}$q$)', 'cmig.diff($q$x$q$)', 'cmig.dry_run()';

#
# While a schema is copied, errors that code catches end it only after a limit
#
subject('cmig_copy_1');
gives('CREATE FUNCTION catches() RETURNS int LANGUAGE plpgsql AS $$BEGIN FOR i IN 1 .. 9 LOOP BEGIN RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; RETURN 7; END$$');
{
	local $ENV{PGOPTIONS} = '-c cmig_client.copies=on';

	is(gives(q{LOAD 'pg_cmig'; SELECT catches(), current_setting('cmig_client.copies')}), '7|guarded', 'without one');
	is(gives(q{LOAD 'pg_cmig'; SET statement_timeout = '1min'; SELECT catches()}), '7', 'before it');
}

#
# Lint
#
subject('lint');
gives('CREATE TABLE gone (id int); ' . load_sql(revision_file('001', '', 'DROP TABLE gone; ALTER POLICY p ON gone USING (true)', '')));
is(gives('SELECT count(*) > 0 FROM cmig.lint()'), 't', 'a policy of a table that was dropped');
gives('CREATE TABLE item (id int); GRANT SELECT ON item TO regress_app; TRUNCATE cmig.revision; ' . load_sql(revision_file('001', '', 'CREATE TABLE fresh (id int); REVOKE SELECT ON fresh, item FROM regress_app', '')));
like(gives(q{SELECT message FROM cmig.lint() WHERE rule = 'revoking-privileges'}), qr/takes privileges on item from role regress_app/, 'privileges on a new table and on another one');

# a view that no longer checks what is written exposes nothing
gives('CREATE VIEW checked WITH (check_option = local) AS SELECT id FROM item; CREATE VIEW lost WITH (security_barrier) AS SELECT id FROM item; TRUNCATE cmig.revision; '
	  . load_sql(revision_file('001', '', 'CREATE OR REPLACE VIEW checked AS SELECT id FROM item; CREATE OR REPLACE VIEW lost AS SELECT id FROM item', '')));
is(gives(q{SELECT message FROM cmig.lint(rehearse => true) WHERE rule = 'row-security-lost'}), q{view public.lost loses the options security_barrier='true'}, 'a view that is no longer a security barrier');

# a statement is not slow because an earlier one was; an index serves a key if it is complete and begins with it
gives('CREATE TABLE big AS SELECT i AS id, 1 AS tenant_id FROM generate_series(1, 20000) i; CREATE TABLE held AS TABLE big; CREATE INDEX ON big (tenant_id) WHERE id > 5; CREATE INDEX ON big ((id + 1)); ANALYZE; TRUNCATE cmig.revision; '
	  . load_sql(revision_file('001', '', 'CREATE INDEX ON big (id); ALTER TABLE held ADD x bigint; SELECT 1', ''), revision_file('002', '001', q{SELECT cmig.enable_rls('big', tenant_column => 'tenant_id')}, '')));
is(gives(q{SELECT revision, statement, rule FROM cmig.lint() WHERE rule ~ 'statement-after|concurrent-index' ORDER BY 1, 2, 3}),
	"001|1|require-concurrent-index-creation\n002|1|require-concurrent-index-creation", 'slow statements');

gives('TRUNCATE cmig.revision; ' . load_sql(revision_file('001', '', join(";\n", map { "CALL cmig.backfill('item', 'id = = $_')" } 1 .. 12), '')));
is(gives('SELECT count(*) > 0 FROM cmig.lint()'), 't', 'calls with SQL that cannot be parsed');

#
# In the body of a function that is not written in SQL, the name of a table may be that of a
# variable, but a call is a call
#
subject('mentions');
gives(<<'SQL');
CREATE FUNCTION zz(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN t || 'x'; END $$;
CREATE FUNCTION aa(text) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = public AS $$ BEGIN RETURN zz($1); END $$;
CREATE TABLE t (id text, g text GENERATED ALWAYS AS (aa('g')) STORED);
CREATE INDEX ON t ((id || aa('b')));
SQL
my $baseline = gives(q{SELECT content FROM cmig.baseline('all')});
subject('mentions_too');
gives(load_sql($baseline) . 'SELECT FROM cmig.upgrade()');
is(gives('SELECT count(*) FROM pg_index WHERE NOT indisprimary AND indrelid = $$t$$::regclass'), '1', 'a call before what evaluates it');

#
# A checksum of at most 100 steps tells which ones have changed
#
subject('checksum');
my @hundred = map { revision_file(sprintf('%03d', $_), $_ > 1 ? sprintf('%03d', $_ - 1) : '', 'SELECT 1', '') } 1 .. 100;
my $checksum = gives('SELECT FROM ' . (load_sql(@hundred) =~ s/.* FROM //r) . 'SELECT DISTINCT plan_checksum FROM cmig.plan()') =~ s/\s//gr;
$hundred[76] =~ s/SELECT 1/SELECT 77/;
gives(load_sql(@hundred));
fails("SELECT * FROM cmig.upgrade('head', plan_checksum => '$checksum')", 'MG0..', 'The text of revision "077" has changed', 'one of 100 steps');

# That of a script is one of its tokens: it must not change with a new version
subject('tokens');
my $numbers = 'SELECT 1+2, 1.5e-3, 1E+5';
gives(load_sql(revision_file('001', '', $numbers, '')) . 'SELECT FROM cmig.upgrade();');
is(gives('SELECT checksum FROM cmig.journal'), 'fa0bbd705fddb568e41f687f5dbce984dcbb45ae60c783aa1529d89e25428b2e', 'the checksum of numbers');
gives(load_sql(revision_file('001', '', $numbers =~ s/1\+2/1 + 2/r, '')));
fails(load_sql(revision_file('001', '', $numbers =~ s/E\+5/E +5/r, '')), 'MG0..', 'applied revision "001" has changed', 'a space in a number');

#
# What a revision that waits needs may have been replaced by another one
#
subject('waits');
gives(load_sql(revision_file('000', '', '', '') =~ s/^(?=-- create_date)/-- replaces: 001\n/mr, revision_file('002', '000', '', '')) . q{SELECT FROM cmig.upgrade('000')});
gives(load_sql(revision_file('003', '', '', '') =~ s/^(?=-- create_date)/-- replaces: 001, 000, 002\n/mr) . q{INSERT INTO cmig.revision (revision, down_revision) VALUES ('004', '{nowhere}')});
is(gives(q{SELECT severity, problem FROM cmig.check() WHERE object = '003'}), 'notice|it is not used until all revisions that it replaces are applied: 000, 002', 'one that waits for what is there');

#
# The hint about a revision that cannot be reverted names it unless the database is at it, as at one of two heads
#
subject('heads');
gives(q{SELECT cmig.create_revision('1', '', revision => '1'); SELECT cmig.create_revision('a', '', revision => 'a', head => '1');
	SELECT cmig.create_revision('b', '', revision => 'b', head => '1', splice => true, downgrade_sql => ''); SELECT FROM cmig.upgrade('heads')});
my $add = 'Add a downgrade section to the revision and load it, or restore a backup.';
like(says(q{SELECT cmig.downgrade('1')}), qr/revision "a" cannot be reverted\n.*\nHINT:  $add$/, 'a head that is not the first to be reverted');
gives(q{SELECT cmig.create_revision('c', '', revision => 'c', head => 'a', downgrade_sql => ''); SELECT FROM cmig.upgrade('heads')});
like(says(q{SELECT cmig.downgrade('1')}), qr/HINT:  Downgrade to "a" or above, a\Q${\ substr($add, 1)}\E$/, 'it is a head no longer');

$node->stop;
done_testing();
