# Copyright (c) 2026, the pg_cmig developers

# A condition, as a text, does not show the operators of IS DISTINCT FROM, NULLIF, and CASE.  The owner of
# a table has another constraint validated, with the text of the one that a superuser asks for.  Drift finds
# what was replaced by an object with the same text.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('hidden_operators', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_own;
CREATE SCHEMA s AUTHORIZATION regress_own;
SET ROLE regress_own;
CREATE FUNCTION s.evil(text, text) RETURNS bool LANGUAGE plpgsql AS $$BEGIN
	IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN ALTER ROLE regress_own SUPERUSER; END IF; RETURN false; END$$;
CREATE OPERATOR s.= (LEFTARG = text, RIGHTARG = text, FUNCTION = s.evil);
});

sub evaluates_nothing
{
	is(query($node, 'postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_own'}), 'f', "$_[0]: evaluates nothing of the owner");
	$node->safe_psql('postgres', 'ALTER ROLE regress_own NOSUPERUSER');
	return;
}

my $renew = 'SET client_min_messages = warning; DROP TABLE IF EXISTS s.t, s.ch; SET ROLE regress_own; CREATE TABLE s.t (id int, v text); CREATE TABLE s.ch (id int, v text);
	INSERT INTO s.t VALUES (1, \'a\'); INSERT INTO s.ch VALUES (1, \'a\')';
foreach my $condition (q{v IS DISTINCT FROM 'x'}, q{NULLIF(v, 'x') IS NOT NULL}, q{CASE v WHEN 'x' THEN false ELSE true END})
{
	$node->safe_psql('postgres', "$renew; SET search_path = s, pg_catalog; ALTER TABLE s.t ADD CONSTRAINT c CHECK ($condition) NOT VALID");
	fails_with($node, 'postgres', "CALL cmig.add_check('s.t', 'c', \$\$$condition\$\$)", '42710', 'already exists with a different definition', $condition);
	evaluates_nothing($condition);

	# in a child, to which the constraint is compared as a text when it is attached
	$node->safe_psql('postgres', "$renew; ALTER TABLE s.t ADD CONSTRAINT c CHECK ($condition) NOT VALID;
	SET search_path = s, pg_catalog; ALTER TABLE s.ch ADD CONSTRAINT c CHECK ($condition) NOT VALID; ALTER TABLE s.ch INHERIT s.t");
	fails_with($node, 'postgres', "CALL cmig.add_check('s.t', 'c', \$\$$condition\$\$)", '55000', 'constraint "c" of table s.ch has other operators or functions than that of table s.t', "$condition: child");
	evaluates_nothing("$condition: child");

	# the same one is the same
	$node->safe_psql('postgres', "$renew; ALTER TABLE s.ch INHERIT s.t; ALTER TABLE s.t ADD CONSTRAINT c CHECK ($condition) NOT VALID");
	$node->safe_psql('postgres', "CALL cmig.add_check('s.t', 'c', \$\$$condition\$\$)");
	is(query($node, 'postgres', q{SELECT bool_and(convalidated) FROM pg_constraint WHERE conname = 'c'}), 't', "$condition: is validated");
}

# another operator with the same function: the planner can call its negator instead
$node->safe_psql('postgres', "CREATE SCHEMA u AUTHORIZATION regress_own; $renew;
	CREATE OPERATOR u.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.texteq, NEGATOR = OPERATOR(u.<>));
	CREATE OPERATOR u.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = s.evil, NEGATOR = OPERATOR(u.=));
	SET search_path = u, pg_catalog; ALTER TABLE s.t ADD CONSTRAINT c CHECK (v IS NOT DISTINCT FROM 'a') NOT VALID");
fails_with($node, 'postgres', q{CALL cmig.add_check('s.t', 'c', $$v IS NOT DISTINCT FROM 'a'$$)}, '42710', 'already exists with a different definition', 'a negator');

# what has the name, and is not inherited
$node->safe_psql('postgres', "$renew; CREATE TABLE s.r (id int PRIMARY KEY); INSERT INTO s.r VALUES (1); ALTER TABLE s.ch ADD CONSTRAINT k CHECK (id > 0), INHERIT s.t");
$node->safe_psql('postgres', q{CALL cmig.add_foreign_key('s.t', 'id', 's.r', name => 'k')});
is(query($node, 'postgres', q{SELECT convalidated FROM pg_constraint WHERE conname = 'k' AND contype = 'f'}), 't', 'a foreign key is not inherited');

# an index that has the name and the columns, but is of another kind
$node->safe_psql('postgres', "$renew; CREATE UNIQUE INDEX n ON s.t (v) NULLS NOT DISTINCT");
fails_with($node, 'postgres', q{CALL cmig.add_unique('s.t', 'v', 'n')}, '42P07', 'index "n" already exists with a different definition', 'NULLS NOT DISTINCT');

# A domain's constraint is replaced while the statement that validates it waits for a table that uses the domain.
$node->safe_psql('postgres', q{SET client_min_messages = warning; DROP TABLE s.t, s.ch, s.r; SET ROLE regress_own; CREATE DOMAIN s.d AS text; CREATE TABLE s.t (v s.d); INSERT INTO s.t VALUES ('a'); RESET ROLE;
	SELECT cmig.create_revision('x', revision => '001', transactional => false, upgrade_sql => $$SET search_path = s; ALTER DOMAIN postgres.s.d ADD CONSTRAINT k CHECK (value <> 'x') NOT VALID; ALTER DOMAIN d VALIDATE CONSTRAINT k$$)});
my $holder = start_psql($node, 'postgres', 'SET ROLE regress_own; BEGIN; LOCK TABLE s.t IN ROW EXCLUSIVE MODE; SELECT pg_sleep(600)', 'holder');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 's.t'::regclass}) or die 'no lock';
my $run = start_psql($node, 'postgres', q{SET cmig.lock_timeout = '500ms'; CALL cmig.upgrade_stepwise()});
wait_until_blocked($node);
$node->safe_psql('postgres', q{SET ROLE regress_own; ALTER DOMAIN s.d DROP CONSTRAINT k; ALTER DOMAIN s.d ADD CONSTRAINT k CHECK (s.evil(value, value) IS NOT NULL) NOT VALID;
	RESET ROLE; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder' AND pg_sleep(1) IS NOT NULL});
finish_psql($_) for ($holder, $run);
like($run->{err}, qr/ERROR:  55000: constraint "k" of domain s\.d was replaced or dropped during the CALL\n/, 'domain: error');
evaluates_nothing('domain');
$node->safe_psql('postgres', q{ALTER DOMAIN s.d DROP CONSTRAINT k; ALTER DOMAIN s.d ADD CONSTRAINT k CHECK (value <> 'x') NOT VALID});
$node->safe_psql('postgres', q{CALL cmig.upgrade_stepwise()});
is(query($node, 'postgres', q{SELECT convalidated FROM pg_constraint WHERE conname = 'k'}), 't', 'domain: the next call validates');

# What reverts a partial revision, and has compared the schemas: the owner's operator replaces another one, or is in what the applied revision has created.
$node->safe_psql('postgres', 'DROP TABLE s.t; DROP DOMAIN s.d');
foreach my $path ('', 'SET LOCAL search_path = s, pg_catalog;')
{
	my $what = $path ? 'abandon_partial, applied' : 'abandon_partial';
	$node->safe_psql('postgres', qq{DELETE FROM cmig.version; DELETE FROM cmig.revision; SET client_min_messages = warning; DROP SCHEMA s CASCADE;
		SELECT cmig.create_revision('y', revision => '002', upgrade_sql => \$\$CREATE SCHEMA s AUTHORIZATION regress_own; SET ROLE regress_own; $path
			CREATE FUNCTION s.evil(text, text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN false; END'; CREATE OPERATOR s.= (LEFTARG = text, RIGHTARG = text, FUNCTION = s.evil);
			CREATE TABLE s.t (v text, CONSTRAINT y CHECK (v IS DISTINCT FROM 'x'))\$\$); SELECT * FROM cmig.upgrade();
		SELECT cmig.create_revision('x', revision => '003', transactional => false, upgrade_sql => \$\$ALTER TABLE s.t DROP CONSTRAINT y; ALTER TABLE s.t ADD CONSTRAINT y CHECK (v IS DISTINCT FROM 'x') NOT VALID; SELECT 1/0\$\$)});
	fails_with($node, 'postgres', q{INSERT INTO s.t VALUES ('a'); CALL cmig.upgrade_stepwise()}, '22012', 'division by zero', 'partially applied');
	$node->safe_psql('postgres', q{SET ROLE regress_own; CREATE OR REPLACE FUNCTION s.evil(text, text) RETURNS bool LANGUAGE plpgsql AS $$BEGIN
		IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN ALTER ROLE regress_own SUPERUSER; END IF; RETURN false; END$$;
		SET search_path = s, pg_catalog; ALTER TABLE s.t DROP CONSTRAINT y, ADD CONSTRAINT y CHECK (v IS DISTINCT FROM 'x') NOT VALID});
	if ($path)
	{
		fails_with($node, 'postgres', q{CALL cmig.abandon_partial('003', '003')}, '42501', 'constraint "y" calls function s.evil.*HINT:  Connect as "regress_own": ALTER TABLE s\.t VALIDATE CONSTRAINT y; then repeat the CALL', $what);
		evaluates_nothing($what);
		$node->safe_psql('postgres', 'DELETE FROM s.t; SET SESSION AUTHORIZATION regress_own; ALTER TABLE s.t VALIDATE CONSTRAINT y');
	}
	$node->safe_psql('postgres', q{CALL cmig.abandon_partial('003', '003')});
	is(query($node, 'postgres', q{SELECT convalidated FROM pg_constraint WHERE conname = 'y'}), 't', "$what: is reverted");
	evaluates_nothing("$what, reverted");
}

# Each kind of object, replaced by one with the same text.
$node->safe_psql('postgres', 'CREATE DATABASE drift');
my $objects = q{ALTER TABLE t ALTER b SET DEFAULT nullif(1, 2); ALTER TABLE t ADD CONSTRAINT c CHECK (a IS DISTINCT FROM b); CREATE VIEW v AS SELECT t.* FROM t JOIN t u USING (a);
	CREATE INDEX i ON t (nullif(a, b)); CREATE POLICY p ON t USING (nullif(a, b) > 0); ALTER TABLE t ADD c integer GENERATED ALWAYS AS (nullif(a, b)) STORED;
	ALTER DOMAIN d ADD CONSTRAINT k CHECK (CASE VALUE WHEN 3 THEN false ELSE true END); CREATE FUNCTION f(a integer) RETURNS integer RETURN nullif(a, 3);
	ALTER TABLE t ADD CONSTRAINT n CHECK (nullif(a, 1) IS NOT NULL) NOT VALID};
$node->safe_psql('drift', qq{CREATE EXTENSION pg_cmig; CREATE SCHEMA x; CREATE FUNCTION x.e(integer, integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
	CREATE OPERATOR x.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = x.e);
	SELECT cmig.create_revision('x', revision => '001', upgrade_sql => \$x\$CREATE TABLE t (a integer, b integer); CREATE DOMAIN d AS integer; $objects\$x\$); SELECT * FROM cmig.upgrade()});
my $differs = q{SELECT action, kind, object, change FROM cmig.drift(schemas => '{public}')};
is(query($node, 'drift', $differs), '', 'no drift');
$node->safe_psql('drift', qq{DROP FUNCTION f; ALTER DOMAIN d DROP CONSTRAINT k; DROP VIEW v; DROP POLICY p ON t; ALTER TABLE t DROP c, DROP CONSTRAINT c, DROP CONSTRAINT n; DROP INDEX i;
	SET search_path = x, pg_catalog, public; } . ($objects =~ s/(VIEW|FUNCTION) /$1 public./gr));
is(query($node, 'drift', "$differs WHERE action = 'drop'"), join("\n", map { "drop|$_|operators: none -> x.=(integer,integer)" } 'function|public.f(integer)', 'view|public.v',
	'policy|p on public.t', 'index|public.i', 'constraint|n on public.t', 'constraint|c on public.t', 'default|public.t.b', 'column|public.t.c', 'domain constraint|k on public.d'), 'drift');
$node->safe_psql('drift', 'ALTER TABLE t VALIDATE CONSTRAINT n');
like(query($node, 'drift', "$differs WHERE object ~ '^n '"), qr/^drop\|constraint\|n on public\.t\|[^\n]*, operators: none -> x\.=\(integer,integer\)\ncreate\|/, 'validated since');
$node->safe_psql('drift', q{SELECT format('SET client_min_messages = error; %s', string_agg(upgrade_sql, '; ' ORDER BY step)) AS undo FROM cmig.drift(schemas => '{public}') \gset
	:undo});
is(query($node, 'drift', $differs), '', 'reverted by the statements of drift');

$node->stop;
done_testing();
