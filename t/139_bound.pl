# Copyright (c) 2026, the pg_cmig developers

# Tests that the names in the stored statements of an expansion, and in the expressions of
# its triggers, mean what they meant when it was planned.  The owner of a schema, whose
# functions, operators, and types belong to a superuser, renames it while a revision is
# expanded and makes one of the same name; the owner of a type creates a cast in a
# transaction that is open; and a table is replaced while the first statement waits for it.
# In none of these cases may code of that role run as another one, or be stored for others.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('bound', 'autovacuum = off', 'max_connections = 20');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN; CREATE ROLE owner LOGIN; CREATE ROLE app LOGIN');

# A function that notes who calls it, which a rollback does not undo
my $note = q{CREATE FUNCTION lib.note() RETURNS void LANGUAGE plpgsql AS
	$$BEGIN PERFORM nextval('public.ran_' || current_user); END$$; GRANT USAGE ON SCHEMA lib TO PUBLIC;};

my $db = 'd0';

# subject(SCHEMA): a fresh database in which mallory owns the schema "lib"
sub subject
{
	my ($setup) = @_;

	$db++;
	new_database($node, $db);
	query($node, $db, "GRANT CREATE ON DATABASE $db TO mallory;
		CREATE SEQUENCE public.ran_postgres; CREATE SEQUENCE public.ran_app; CREATE SEQUENCE public.ran_mallory;
		GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO PUBLIC;
		CREATE SCHEMA lib AUTHORIZATION mallory; GRANT USAGE ON SCHEMA lib TO PUBLIC;
		CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO PUBLIC; $setup");
}

# Nothing of mallory ran as another role.
sub nothing_ran
{
	my ($name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(query($node, $db, 'SELECT last_value FROM pg_sequences WHERE sequencename IN ($$ran_postgres$$, $$ran_app$$) AND last_value IS NOT NULL'), '', "$name: nothing ran");
}

sub expand
{
	my ($sql) = @_;

	query($node, $db, "SELECT cmig.create_revision('c', \$r\$$sql\$r\$, NULL, revision => '0421', expand => true)");
	query($node, $db, "CALL cmig.expand('head')");
}

my $code = q{
CREATE FUNCTION lib.ok(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION lib.norm(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
CREATE FUNCTION lib.code() RETURNS text LANGUAGE sql AS 'SELECT ''c''::text';
CREATE FUNCTION lib.eq(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 IS NOT NULL';
CREATE OPERATOR lib.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = lib.eq);
CREATE DOMAIN lib.dom AS text;
CREATE TYPE lib.comp AS (d lib.dom);
};
my $evil = qq{
ALTER SCHEMA lib RENAME TO lib_old; CREATE SCHEMA lib; $note
CREATE FUNCTION lib.ok(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM lib.note(); RETURN true; END';
CREATE FUNCTION lib.norm(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM lib.note(); RETURN lower(\$1); END';
CREATE FUNCTION lib.code() RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM lib.note(); RETURN ''c''; END';
CREATE FUNCTION lib.eq(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM lib.note(); RETURN true; END';
CREATE OPERATOR lib.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = lib.eq);
CREATE DOMAIN lib.dom AS text CHECK (lib.ok(VALUE));
CREATE TYPE lib.comp AS (d lib.dom);
};

#
# What the stored statements use
#
foreach my $case (
	[ 'function of a CHECK', 'CHECK (lib.ok(c2))' ],
	[ 'operator of a CHECK', q{CHECK (c2 OPERATOR(lib.===) 'a')} ],
	[ 'domain of a literal', q{CHECK (c2 <> ('x'::lib.dom)::text)} ],
	[ 'default', 'DEFAULT lib.code()' ],
	[ 'default of a domain', q{DEFAULT ('x'::lib.dom)::text} ])
{
	my ($name, $clause) = @$case;

	subject("$code CREATE TABLE app.t (id int PRIMARY KEY, code varchar(20));
		INSERT INTO app.t SELECT g, 'b' FROM generate_series(1, 3) g; GRANT ALL ON app.t TO app");
	expand("ALTER TABLE app.t ADD c2 text CONSTRAINT ck $clause;\n-- cmig:up app.t.c2 = code\n");
	# dropped by hand, it is built again
	query($node, $db, 'ALTER TABLE app.t DROP CONSTRAINT IF EXISTS cmig_new_ck');
	query($node, $db, $evil, 'mallory');
	fails_with($node, $db, 'CALL cmig.contract()', '55000', 'would use (function|operator|domain) lib\..* of role mallory', "$name: refused");
	nothing_ran($name);

	# as it was, it can go on
	query($node, $db, 'DROP SCHEMA lib CASCADE; ALTER SCHEMA lib_old RENAME TO lib', 'mallory');
	query($node, $db, 'CALL cmig.contract()');
	is(query($node, $db, 'SELECT count(*) FROM app.t'), '3', "$name: contracted");
}

# an index calls its functions while it is built, and each writer does afterward
subject("$code CREATE TABLE app.t (id int PRIMARY KEY, code varchar(20))");
expand("ALTER TABLE app.t ADD c2 text; CREATE INDEX norm ON app.t (lib.norm(c2)) WHERE lib.ok(c2);\n-- cmig:up app.t.c2 = code\n");
query($node, $db, 'DROP INDEX app.cmig_new_norm');
query($node, $db, $evil, 'mallory');
fails_with($node, $db, 'CALL cmig.contract()', '55000', 'would use function lib\..* of role mallory', 'index: refused');
nothing_ran('index');
is(query($node, $db, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), '0', 'index: none was begun');

# a new index, in CALL cmig.expand
subject("$code CREATE TABLE app.t (id int PRIMARY KEY, code varchar(20))");
query($node, $db, "SELECT cmig.create_revision('c', 'ALTER TABLE app.t ALTER code TYPE text; CREATE INDEX norm ON app.t (lib.norm(code))', NULL, revision => '0421', expand => true)");
$node->psql($db, "SET cmig.lock_timeout = '100ms'; BEGIN; LOCK TABLE app.t; COMMIT");
query($node, $db, "CALL cmig.expand('head')");
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, "SELECT indexdef ~ 'lib.norm' FROM pg_indexes WHERE indexname = 'norm'"), 't', 'an index with a function is built');

# parse analysis of a literal, and a new column, call what a domain checks, here a built-in function
foreach my $case ([ 'literal of a CHECK', 'ALTER TABLE app.t DROP CONSTRAINT IF EXISTS cmig_new_ck' ], [ 'literal of an index', 'DROP INDEX app.cmig_new_ix' ])
{
	my ($name, $drop) = @$case;
	my $file = $node->basedir . "/$db";

	subject("CREATE TYPE lib.mood AS ENUM ('a', 'b'); CREATE TABLE app.t (id int PRIMARY KEY, code text)");
	expand("ALTER TABLE app.t ADD c2 lib.mood, ADD c3 text CONSTRAINT ck CHECK (c3 <> (('{a}'::lib.mood[])[1])::text); CREATE INDEX ix ON app.t (c2) WHERE c2 = ANY ('{a,b}'::lib.mood[]);
-- cmig:up app.t.c2 = code::lib.mood\n-- cmig:up app.t.c3 = code\n");
	query($node, $db, $drop);
	query($node, $db, "ALTER SCHEMA lib RENAME TO lib_old; CREATE SCHEMA lib; SELECT lo_create(12345); CREATE DOMAIN lib.mood AS text CHECK (lo_export(12345, '$file') > 0)", 'mallory');
	fails_with($node, $db, 'CALL cmig.contract()', '55000', 'would use domain lib\.mood of role mallory', "$name: refused");
	ok(!-e $file, "$name: nothing ran");
}

# A function, operator, or type of the same owner and name, in another schema of mallory, is another one.
# In a schema that a trusted role made again, it is not.
my $twin = $code =~ s/\blib\./twin./gr =~ s/SELECT lower\(\$1\)/SELECT upper(\$1)/r;
foreach my $case (
	[ 'function', q{CHECK (lib.norm(c2) <> 'q')} ],
	[ 'operator', q{CHECK (c2 OPERATOR(lib.===) 'a')} ],
	[ 'type', q{CHECK (c2 <> ('x'::lib.dom)::text)} ])
{
	my ($name, $clause) = @$case;
	my $swap = 'ALTER SCHEMA lib RENAME TO lib_old; ALTER SCHEMA twin RENAME TO lib';

	subject("$code CREATE SCHEMA twin AUTHORIZATION mallory; GRANT USAGE ON SCHEMA twin TO PUBLIC; $twin
		CREATE TABLE app.t (id int PRIMARY KEY, code text); INSERT INTO app.t VALUES (1, 'b')");
	expand("ALTER TABLE app.t ADD c2 text CONSTRAINT ck $clause;\n-- cmig:up app.t.c2 = code\n");
	query($node, $db, 'ALTER TABLE app.t DROP CONSTRAINT IF EXISTS cmig_new_ck');
	query($node, $db, $swap, 'mallory');
	fails_with($node, $db, 'CALL cmig.contract()', '55000', 'would use .* of role postgres, with which it was not tried', "$name of the same owner in another schema: refused");
	query($node, $db, "DROP SCHEMA lib CASCADE; DROP SCHEMA lib_old CASCADE; CREATE SCHEMA lib; $code");
	# the trigger, which calls it, too, is created again
	query($node, $db, "CALL cmig.expand('head')");
	query($node, $db, 'CALL cmig.contract()');
	is(query($node, $db, 'SELECT count(*) FROM app.t'), '1', "$name: made again by a superuser: contracted");
}

# an operator of the same name that calls another function, though it is of the same owner
subject("$code CREATE TABLE app.t (id int PRIMARY KEY, code text)");
expand("ALTER TABLE app.t ADD c2 text CONSTRAINT ck CHECK (c2 OPERATOR(lib.===) 'a');\n-- cmig:up app.t.c2 = code\n");
query($node, $db, 'ALTER TABLE app.t DROP CONSTRAINT IF EXISTS cmig_new_ck');
query($node, $db, 'ALTER SCHEMA lib RENAME TO lib_old; CREATE SCHEMA lib; CREATE OPERATOR lib.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.text_ge)', 'mallory');
fails_with($node, $db, 'CALL cmig.contract()', '55000', 'would use operator lib\.===\(text,text\), which calls text_ge', 'an operator with a built-in function: refused');

# a cast without a function counts if the tables have the type, else anybody could stop every contraction
subject("SET ROLE mallory; CREATE TYPE lib.e AS ENUM ('a'); RESET ROLE; CREATE TABLE app.t (id int PRIMARY KEY, code varchar(20), e lib.e, CONSTRAINT ck CHECK (code <> e::text))");
expand('ALTER TABLE app.t ALTER code TYPE text');
query($node, $db, 'CREATE CAST (lib.e AS text) WITH INOUT', 'mallory');
fails_with($node, $db, 'CALL cmig.contract()', '55000', 'could use cast \(lib\.e AS text\) of role mallory', 'a cast of a column: refused');
query($node, $db, 'DROP CAST (lib.e AS text)', 'mallory');
my $temp = $node->background_psql($db, extra_params => [ '-U', 'app' ]);
$temp->query_safe(q{CREATE TYPE pg_temp.other AS ENUM ('a'); CREATE CAST (pg_temp.other AS text) WITH INOUT});
query($node, $db, 'CALL cmig.contract()');
$temp->quit;
is(query($node, $db, 'SELECT count(*) FROM cmig.expansion_run'), '0', 'a cast of another type: contracted');

# what the constraints of the table, and event triggers, call, which the plan does not use
subject("SET ROLE mallory; CREATE FUNCTION lib.ok(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
	CREATE FUNCTION lib.log() RETURNS void LANGUAGE plpgsql AS 'BEGIN END'; CREATE FUNCTION lib.ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM lib.log(); END'; RESET ROLE;
	CREATE TABLE app.t (id int PRIMARY KEY, code text CHECK (lib.ok(code)), n int); INSERT INTO app.t VALUES (1, 'a', 1);
	CREATE EVENT TRIGGER ddl ON ddl_command_end EXECUTE FUNCTION lib.ddl()");
expand("ALTER TABLE app.t ALTER n TYPE bigint, ALTER n SET NOT NULL;\n-- cmig:up app.t.n = coalesce(n, 0)\n");
query($node, $db, 'CALL cmig.contract()');
is(query($node, $db, 'SELECT format_type(atttypid, NULL), attnotnull FROM pg_attribute WHERE attrelid = $$app.t$$::regclass AND attname = $$n$$'), 'bigint|t', 'functions of a CHECK and of an event trigger: contracted');

# what a function of the plan calls is its owner's choice
foreach my $norm (q{LANGUAGE sql IMMUTABLE AS 'SELECT lib.inner($1)'}, q{LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN lib.inner($1); END'})
{
	subject("SET ROLE mallory; CREATE FUNCTION lib.inner(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(\$1)';
		RESET ROLE; CREATE FUNCTION app.norm(text) RETURNS text $norm; ALTER FUNCTION app.norm OWNER TO owner;
		CREATE TABLE app.t (id int PRIMARY KEY, code varchar(20)); INSERT INTO app.t SELECT g, 'B' || g FROM generate_series(1, 3) g");
	expand('ALTER TABLE app.t ALTER code TYPE text; CREATE INDEX norm ON app.t (app.norm(code)); ALTER TABLE app.t ADD CHECK (app.norm(code) <> $$q$$);');
	query($node, $db, 'CALL cmig.contract()');
	is(query($node, $db, "SELECT count(*) FROM pg_indexes WHERE indexname = 'norm'"), '1', "a function that calls another one: $norm");
}

# a text search configuration, and a collation
subject("CREATE TEXT SEARCH CONFIGURATION lib.cfg (COPY = pg_catalog.english); CREATE COLLATION lib.c (provider = libc, locale = 'C');
	CREATE TABLE app.t (id int PRIMARY KEY, code text); INSERT INTO app.t VALUES (1, 'running')");
expand(q{ALTER TABLE app.t ADD c2 text, ADD c3 boolean; CREATE INDEX c ON app.t (c2 COLLATE lib.c); CREATE INDEX cfg ON app.t USING gin (to_tsvector('lib.cfg', c2));
-- cmig:up app.t.c2 = to_tsvector('lib.cfg', code)::text
-- cmig:up app.t.c3 = (lower(code) COLLATE lib.c) < 'a'
});
query($node, $db, 'DROP INDEX app.cmig_new_cfg');
my $replaced = 'ALTER SCHEMA lib RENAME TO lib_old; CREATE SCHEMA lib; CREATE TEXT SEARCH CONFIGURATION lib.cfg (COPY = pg_catalog.simple); CREATE COLLATION lib.c (provider = libc, locale = $$C$$)';
query($node, $db, $replaced, 'mallory');
fails_with($node, $db, q{INSERT INTO app.t VALUES (2, 'running')}, '55000', 'is not the one that the revision was expanded with', 'text search configuration: no row is written');
fails_with($node, $db, 'CALL cmig.contract()', '55000', 'would use text search configuration lib\.cfg of role mallory', 'text search configuration: refused');
query($node, $db, 'DROP TEXT SEARCH CONFIGURATION lib.cfg; ALTER TEXT SEARCH CONFIGURATION lib_old.cfg SET SCHEMA lib');
fails_with($node, $db, q{INSERT INTO app.t VALUES (2, 'running')}, '55000', 'collation lib\.c is not the one', 'collation: no row is written');
query($node, $db, 'DROP INDEX app.cmig_new_c');
fails_with($node, $db, 'CALL cmig.contract()', '55000', 'would use collation lib\.c of role mallory', 'collation: refused');

#
# What the triggers use
#
subject("$code CREATE TABLE app.t (id int PRIMARY KEY, code text, k text, o text); GRANT ALL ON app.t TO app");
expand(q{ALTER TABLE app.t ADD c2 text, ADD k2 text, ADD o2 text;
-- cmig:up app.t.c2 = lib.norm(code)
-- cmig:up app.t.k2 = (k::lib.dom)::text
-- cmig:up app.t.o2 = (o OPERATOR(lib.===) 'a')::text
});
query($node, $db, q{INSERT INTO app.t VALUES (1, 'A', 'k', 'o')}, 'app');
is(query($node, $db, 'SELECT c2, k2, o2 FROM app_0421.t'), 'a|k|true', 'a row is transformed');
query($node, $db, $evil, 'mallory');
foreach my $role ('postgres', 'app')
{
	fails_with($node, $db, q{INSERT INTO app.t VALUES (2, 'A', 'k', 'o')}, '55000', 'is not the one that the revision was expanded with', "$role: no row is written", $role);
}
query($node, $db, 'CREATE OR REPLACE FUNCTION lib.norm(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT $1$$', 'mallory');
foreach my $column ('c2', 'k2', 'l2', 'o2')
{
	subject("$code CREATE TABLE app.t (id int PRIMARY KEY, code text); GRANT ALL ON app.t TO app");
	my %up = (c2 => 'lib.norm(code)', k2 => '(code::lib.dom)::text', l2 => q{((code || ('(x)'::lib.comp).d))::text}, o2 => q{(code OPERATOR(lib.===) 'a')::text});

	expand("ALTER TABLE app.t ADD $column text;\n-- cmig:up app.t.$column = $up{$column}\n");
	query($node, $db, $evil, 'mallory');
	fails_with($node, $db, q{INSERT INTO app.t VALUES (2, 'A')}, '55000', 'is not the one that the revision was expanded with', "$up{$column}: no row is written", 'app');
	nothing_ran($up{$column});
}

# a function that fits better is committed after the expansion
subject("CREATE FUNCTION lib.f(anyelement) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT \$1::text'; ALTER SCHEMA lib OWNER TO postgres;
	GRANT CREATE ON SCHEMA lib TO mallory; CREATE TABLE app.t (id int PRIMARY KEY, n int); INSERT INTO app.t VALUES (1, 5)");
my $open = $node->background_psql($db, extra_params => [ '-U', 'mallory' ]);
$open->query_safe("BEGIN; CREATE FUNCTION lib.f(int) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''public.ran_'' || current_user); RETURN 9; END'");
query($node, $db, 'REVOKE CREATE ON SCHEMA lib FROM mallory');
expand("ALTER TABLE app.t ADD z text;\n-- cmig:up app.t.z = lib.f(n)\n");
$open->query_safe('COMMIT');
$open->quit;
fails_with($node, $db, 'INSERT INTO app.t VALUES (2, 6)', '55000', 'function lib.f\(integer\) is not the one', 'another function that fits better');
nothing_ran('another function that fits better');

#
# In a restored database, only code of the table's owner, and of superusers, is known, until
# the CALL is repeated
#
subject("CREATE TABLE app.t (id int PRIMARY KEY, code text); INSERT INTO app.t VALUES (1, 'A'); GRANT ALL ON app.t TO app;
	SET ROLE mallory; CREATE FUNCTION lib.mine(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(\$1)'; RESET ROLE");
expand("ALTER TABLE app.t ADD c2 text;\n-- cmig:up app.t.c2 = lib.mine(code)\n");
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr($db) ], 'dump');
my $restored = "r$db";
$node->safe_psql('postgres', "CREATE DATABASE $restored");
$node->command_ok([ 'pg_restore', '-d', $node->connstr($restored), $dump ], 'restore');
$db = $restored;
fails_with($node, $db, q{INSERT INTO app.t VALUES (2, 'B')}, '55000', 'function lib.mine\(text\) is not the one.*HINT:.*CALL cmig.expand', 'restored: code of a third role');
query($node, $db, "CALL cmig.expand('head')");
query($node, $db, q{INSERT INTO app.t VALUES (2, 'B')});
is(query($node, $db, 'SELECT c2 FROM app_0421.t ORDER BY id'), "a\nb", 'restored: after CALL cmig.expand');
query($node, $db, 'CALL cmig.contract()');

#
# A cast, and a table, that appear while a statement waits for a lock
#
subject("SET ROLE mallory; CREATE TYPE lib.e AS ENUM ('a', 'b'); RESET ROLE;
	CREATE TABLE app.t (id int PRIMARY KEY, code varchar(20), e lib.e, CONSTRAINT ck CHECK (code <> e::text));
	INSERT INTO app.t SELECT g, 'c', 'a' FROM generate_series(1, 3) g; GRANT SELECT ON app.t TO mallory; GRANT USAGE ON SCHEMA app TO mallory");
expand('ALTER TABLE app.t ALTER code TYPE text');
my $cast = $node->background_psql($db, extra_params => [ '-U', 'mallory' ]);
$cast->query_safe($note . q{BEGIN; CREATE FUNCTION lib.evil(lib.e) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM lib.note(); RETURN ''z''; END';
	CREATE CAST (lib.e AS text) WITH FUNCTION lib.evil(lib.e) AS ASSIGNMENT});
my $lock = $node->background_psql($db, extra_params => [ '-U', 'mallory' ]);
$lock->query_safe('BEGIN; SELECT 1 FROM app.t');
my $run = start_psql($node, $db, "SET cmig.lock_timeout = '60s'; CALL cmig.contract()");
wait_until_blocked($node);
$cast->query_safe('COMMIT');
$lock->query_safe('COMMIT');
is(finish_psql($run), 3, 'a cast from an open transaction: refused');
like($run->{err}, qr/55000: a stored statement .* would use function lib\.evil\(lib\.e\) of role mallory/, 'with its name');
nothing_ran('a cast from an open transaction');
$_->quit foreach ($cast, $lock);

# a domain is checked when a column of it is added
subject("$code CREATE TABLE app.t (id int PRIMARY KEY, code text); INSERT INTO app.t VALUES (1, 'x'); GRANT SELECT ON app.t TO mallory; GRANT USAGE ON SCHEMA app TO mallory");
query($node, $db, "SELECT cmig.create_revision('c', \$\$ALTER TABLE app.t ADD c2 lib.dom;\n-- cmig:up app.t.c2 = code\n\$\$, NULL, revision => '0421', expand => true)");
$lock = $node->background_psql($db, extra_params => [ '-U', 'mallory' ]);
$lock->query_safe('BEGIN; SELECT 1 FROM app.t');
$run = start_psql($node, $db, "SET cmig.lock_timeout = '60s'; CALL cmig.expand('head')");
wait_until_blocked($node);
query($node, $db, $evil, 'mallory');
$lock->query_safe('COMMIT');
$lock->quit;
is(finish_psql($run), 3, 'the domain of a new column: refused');
like($run->{err}, qr/55000: a stored statement .* would use domain lib\.dom of role mallory/, 'with its name');
nothing_ran('the domain of a new column');

# a table
subject("CREATE SCHEMA m AUTHORIZATION mallory; CREATE TABLE m.t (id int PRIMARY KEY, n int); INSERT INTO m.t SELECT g, g FROM generate_series(1, 5) g; GRANT SELECT ON m.t TO mallory");
query($node, $db, "SELECT cmig.create_revision('c', 'ALTER TABLE m.t ALTER n TYPE bigint', NULL, revision => '0421', expand => true)");
$lock = $node->background_psql($db, extra_params => [ '-U', 'mallory' ]);
$lock->query_safe('BEGIN; SELECT 1 FROM m.t');
$run = start_psql($node, $db, "SET cmig.lock_timeout = '60s'; CALL cmig.expand('head')");
wait_until_blocked($node);
# the name of the schema is kept while the statement waits, so this waits for its end
my $rename = start_psql($node, $db, "SET ROLE mallory; $note ALTER SCHEMA m RENAME TO m_old; CREATE SCHEMA m;
	CREATE FUNCTION m.note() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM lib.note(); RETURN true; END';
	CREATE TABLE m.t (id int PRIMARY KEY, n int CHECK (m.note())); INSERT INTO m.t SELECT g, g FROM generate_series(1, 3) g;", 'rename');
$lock->query_safe('SELECT pg_sleep(1); COMMIT');
$lock->quit;
finish_psql($run);
is(finish_psql($rename), 0, 'the schema is renamed');
nothing_ran('a table put in the place');
is(query($node, $db, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'm.t'::regclass AND attname ~ '^cmig'"), '0', 'it was not altered');

# one that is replaced while the copies wait for another session
subject("CREATE TABLE app.t (id int PRIMARY KEY, n int)");
query($node, $db, "SELECT cmig.create_revision('c', 'ALTER TABLE app.t ALTER n TYPE bigint', NULL, revision => '0421', expand => true)");
$lock = $node->background_psql($db);
$lock->query_safe('SELECT pg_advisory_lock(7)');
my $compares = start_psql($node, $db, "SELECT FROM cmig.diff('SELECT pg_advisory_xact_lock(7)')", 'compares');
wait_until_blocked($node, 'compares');
$run = start_psql($node, $db, "SET cmig.lock_timeout = '60s'; CALL cmig.expand('head')");
wait_until_blocked($node);
query($node, $db, 'DROP TABLE app.t; CREATE TABLE app.t (id int PRIMARY KEY, n int)');
$lock->query_safe('SELECT pg_advisory_unlock(7)');
$lock->quit;
finish_psql($compares);
is(finish_psql($run), 3, 'another table of the same name: refused');
like($run->{err}, qr/40001: .*\n.*Table app\.t was replaced/, 'with its name');

done_testing();
