# Copyright (c) 2026, the pg_cmig developers

# The owner of a table can edit policies, their comments, in which enable_rls records what it has done,
# and triggers, and a migrator rows of pg_cmig: whatever they write, nobody else is stopped, harmed, or
# told something wrong.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('owner_writes', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_eve; CREATE ROLE regress_app;
SELECT cmig.grant_access('regress_app', 'application');
CREATE SCHEMA eve AUTHORIZATION regress_eve;
SET ROLE regress_eve;
CREATE TABLE eve.t (user_id text DEFAULT NULLIF(current_setting('app.current_user_id', true), ''), a int, b int);
ALTER TABLE eve.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON eve.t USING (user_id = current_user);
});

sub comment
{
	$node->safe_psql('postgres', "COMMENT ON POLICY p ON eve.t IS 'x [cmig.enable_rls $_[0]]'");
}

# what enable_rls does not escape is not read as escaped
comment('user_column=%00 tenant_column=%FF default_of=user_id was=%27%FF%27');
like(query($node, 'postgres', 'SELECT count(*) FROM cmig.rls_check()'), qr/^\d+$/, 'rls_check');
like(query($node, 'postgres', 'SELECT count(*) FROM cmig.rls_status()'), qr/^1$/, 'rls_status');
fails_with($node, 'postgres', "SELECT cmig.disable_rls('eve.t')", '42601', 'syntax error', 'a default that is no expression');
is(query($node, 'postgres', "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'eve.t'::regclass"), "NULLIF(current_setting('app.current_user_id'::text, true), ''::text)", 'has not been set');
comment('user_column=%2Ca');
like(query($node, 'postgres', "SELECT fix FROM cmig.rls_check() WHERE object = 'eve.t' AND fix IS NOT NULL LIMIT 1"), qr/./, 'what it escapes is');

# roles that the comment names
comment('user_column=user_id granted=regress_app');
my ($status, $out, $err) = $node->psql('postgres', "SELECT * FROM cmig.disable_rls('eve.t')");
is($status, 0, 'disable_rls');
unlike($out, qr/REVOKE/, 'revokes nothing on the word of an owner who could not');
like($err, qr/NOTICE:  role "regress_app" keeps access level "application"\n.*\nHINT:  [^\n]*: SELECT cmig\.revoke_access\('regress_app'\)/, 'and names the statement that does');
is(query($node, 'postgres', "SELECT has_function_privilege('regress_app', 'cmig.current_user_id()', 'EXECUTE')"), 't', 'the role keeps its access');
is(query($node, 'postgres', "SELECT count(*) > 0 FROM cmig.revoke_access('regress_app')"), 't', 'which does');

# proofs end, whatever the policies are
my %hard = (
	wide => "a = 0' || string_agg(format(' OR (a = %s AND user_id = current_setting(''app.current_user_id'', true))', i), '')",
	# what takes all steps, before something that has at least one value
	emptied => "EXISTS (SELECT FROM unnest(ARRAY[1,2]) u(x) WHERE COALESCE(CASE WHEN a = 0' || string_agg(format(' OR (a = %s AND user_id = current_setting(''app.current_user_id'', true))', i), '') || ' THEN NULL::int END, u.x) = 1)'",
	multiplied => "EXISTS (SELECT FROM ' || string_agg(format('(SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) s%s', i), ', ') || ')'",
	nested => "' || string_agg('NOT (', '') || 'a = 0' || string_agg(format(' AND CASE WHEN b = %s THEN user_id = current_setting(''app.current_user_id'', true) ELSE a <> %1\$s END)', i), '')");
for (sort keys %hard)
{
	$node->safe_psql('postgres', qq{
		DO \$\$ BEGIN EXECUTE (SELECT 'CREATE POLICY $_ ON eve.t USING ($hard{$_} || ')' FROM generate_series(1, } . ($_ =~ /wide|emptied/ ? 1500 : 40) . qq{) i); END \$\$;
		ALTER TABLE eve.t ENABLE ROW LEVEL SECURITY});
	like(query($node, 'postgres', "SET statement_timeout = '60s'; SELECT count(*) FROM cmig.rls_check('eve')"), qr/^\d+$/, "$_: the proof ends");
	$node->safe_psql('postgres', "DROP POLICY $_ ON eve.t");
}

# a function that calls another ten times, and so on
$node->safe_psql('postgres', q{SET ROLE regress_eve; CREATE FUNCTION eve.f0(t text) RETURNS bool LANGUAGE sql AS $$SELECT t = current_setting('app.current_user_id', true)$$});
$node->safe_psql('postgres', "SET ROLE regress_eve; CREATE FUNCTION eve.f$_(t text) RETURNS bool LANGUAGE sql AS \$\$SELECT " . join(' OR ', ("eve.f" . ($_ - 1) . "(t || t)") x 10) . "\$\$") for 1 .. 7;
$node->safe_psql('postgres', 'CREATE POLICY grown ON eve.t USING (eve.f7(user_id))');
like(query($node, 'postgres', "SET statement_timeout = '60s'; SELECT count(*) FROM cmig.rls_check('eve')"), qr/^\d+$/, 'functions that call others: the proof ends');
$node->safe_psql('postgres', 'DROP POLICY grown ON eve.t');

# what ignores a part of the key, or has another context in a function, is no proof
$node->safe_psql('postgres', q{SET ROLE regress_eve;
CREATE FUNCTION eve.owner() RETURNS text STABLE SECURITY DEFINER LANGUAGE sql AS 'SELECT current_user::text';
CREATE FUNCTION eve.owner_too() RETURNS text STABLE SECURITY DEFINER LANGUAGE plpgsql
	AS 'BEGIN RETURN current_user; END';
CREATE FUNCTION eve.is_own(text) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT $1 = current_user';
CREATE FUNCTION eve.is_owner(text) RETURNS boolean STABLE SECURITY DEFINER LANGUAGE sql AS 'SELECT eve.is_own($1)';
CREATE FUNCTION eve.through(text) RETURNS text STABLE SECURITY DEFINER LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION eve.caller() RETURNS text STABLE LANGUAGE sql AS 'SELECT current_user::text';
RESET ROLE;
CREATE FUNCTION eve.fixed() RETURNS text STABLE LANGUAGE sql SET app.u = 'x' AS $$SELECT current_setting('app.u', true)$$});
my $icu = query($node, 'postgres', "SELECT count(*) > 0 FROM pg_collation WHERE collprovider = 'i'") eq 't';
$node->safe_psql('postgres', "CREATE COLLATION eve.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)") if $icu;
foreach my $case (
	[ 'user_id = CTX', '' ],
	[ 'user_id::bpchar = CTX::bpchar', 'not_judged' ],
	[ 'user_id::bpchar = ANY (ARRAY[CTX, CTX]::bpchar[])', 'not_judged' ],
	[ '(user_id, a) IN (SELECT CTX, a)', '' ], [ '(user_id::bpchar, a) IN (SELECT CTX::bpchar, a)', 'not_judged' ],
	$icu ? ([ 'user_id = CTX COLLATE eve.ci', 'not_judged' ], [ 'user_id COLLATE eve.ci IN (SELECT CTX)', 'not_judged' ],
		[ 'user_id COLLATE "C" = CTX', '' ]) : (),
	[ 'user_id = eve.owner()', 'foreign_rows' ], [ 'eve.is_owner(user_id)', 'foreign_rows' ],
	[ 'user_id = eve.owner_too()', 'not_judged' ], [ 'user_id = eve.fixed()', 'not_judged' ],
	[ 'user_id = eve.through(eve.caller())', '' ])
{
	my ($policy, $rule) = @$case;

	$policy =~ s/CTX/current_setting('app.u', true)/g;
	$node->safe_psql('postgres', "CREATE POLICY odd ON eve.t TO regress_app USING ($policy)");
	is(query($node, 'postgres', "SELECT string_agg(DISTINCT rule, ' ') FROM cmig.rls_check('eve')
		WHERE rule IN ('not_judged', 'foreign_rows') AND object LIKE '%odd%'"), $rule, $case->[0]);
	$node->safe_psql('postgres', 'DROP POLICY odd ON eve.t');
}

# values that stand for others are not of the type that the operator takes
foreach my $policy (
	"ARRAY(SELECT 1) = '{}'", q{ARRAY(SELECT 4702111234474983745::bigint) <> '{}'::bigint[]}, 'EXISTS (SELECT FROM (SELECT 1 AS x UNION ALL SELECT 2::numeric) q WHERE q.x = 3.0)',
	'(SELECT 1 UNION SELECT 2.0) = 3.0', 'EXISTS (WITH q AS (SELECT 1 AS x UNION ALL SELECT 2::numeric) SELECT FROM q WHERE CASE q.x WHEN 3.0 THEN true ELSE q.x < 3.0 END)')
{
	$node->safe_psql('postgres', "CREATE POLICY typed ON eve.t USING ($policy)");
	like(query($node, 'postgres', "SELECT count(*) FROM cmig.rls_check('eve')"), qr/^\d+$/, $policy);
	$node->safe_psql('postgres', 'DROP POLICY typed ON eve.t');
}

# what takes memory or time beside the proof: its function bodies, the run that follows it, and the fix.  The
# largest memory of the session, in MB, is that of the server's process.
my @large = (
	[ 'settings of a run', join(' OR ', map { "user_id = current_setting('a.s$_', true)" } 1 .. 200), ') AND (', join(') AND (', map { "a = $_ OR b = $_" } 1 .. 12) ],
	[ 'elements of an array', '(' . join('||', ('b::text') x 1000) . ') = ANY (ARRAY[' . join(',', ('user_id') x 6000) . '])' ],
	[ 'constants', 'a <> ALL (ARRAY[' . join(',', map { "b + $_" } 1 .. 40000) . '])' ],
	[ 'what a concatenation keeps', join('||', ('b::text') x 4000) . q{ <> current_setting('a.s', true)} ],
	[ 'bodies', join(' OR ', map { "eve.large($_)" } 1 .. 30) ],
	[ 'nested conversions', '(' x 800 . q{current_setting('app.x')} . '::text::int)' x 800 . ' = a' ]);
$node->safe_psql('postgres', 'SET ROLE regress_eve; CREATE FUNCTION eve.large(x int) RETURNS boolean LANGUAGE sql STABLE AS $$SELECT ' . join(' OR ', map { "x = $_" } 1 .. 60000) . '$$');
foreach my $case (@large)
{
	my ($name, @parts) = @$case;

	$node->safe_psql('postgres', "CREATE POLICY large ON eve.t USING ((@parts))");
	my $script = q{SET statement_timeout = '60s'; SELECT pg_backend_pid() AS pid \gset} . "\n" . q{\setenv PID :pid
SELECT count(*) > 0 FROM cmig.rls_check('eve');
\! awk '/VmHWM/ { print $2 < 700000 }' /proc/$PID/status};
	is(query($node, 'postgres', $script), "t\n1", "$name: rls_check ends");
	$node->safe_psql('postgres', 'DROP POLICY large ON eve.t');
}

# roles that a policy of another owner's table names are not in a fix
$node->safe_psql('postgres', q{
CREATE TABLE victim (id int, tenant_id text);
CREATE TABLE other (id int, tenant_id text);
GRANT CREATE ON SCHEMA public TO regress_eve;
SELECT count(*) FROM cmig.enable_rls('other', roles => '{regress_app}');
SET ROLE regress_eve;
CREATE TABLE zz (tenant_id text, own_id text);
ALTER TABLE zz ENABLE ROW LEVEL SECURITY;
CREATE POLICY bypass ON zz TO regress_eve USING (true);
});
is(query($node, 'postgres', "SELECT fix FROM cmig.rls_check('public') WHERE object = 'public.victim' AND fix ~ 'enable_rls'"), "SELECT cmig.enable_rls('public.victim', roles => '{regress_app}')", 'a fix has only roles of the same owner');

# rows that a migrator writes
$node->safe_psql('postgres', q{
CREATE ROLE regress_mig;
SELECT cmig.grant_access('regress_mig', 'migrator');
SELECT cmig.create_revision('a', 'CREATE TABLE a (i int)', 'DROP TABLE a', revision => '1');
SELECT count(*) FROM cmig.upgrade();
SET ROLE regress_mig;
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role) SELECT max(id) + 1, '1', 'upgrade', 'done', '294276-12-31', '178000000 years', 'regress_mig' FROM cmig.journal;
});
is(query($node, 'postgres', 'SELECT count(*) FROM cmig.history()'), '1', 'history, with a time that nothing can be added to');
fails_with($node, 'postgres', "SET ROLE regress_mig; INSERT INTO cmig.expansion_run (scope, revision, revisions, schemas, columns) VALUES ('zz', '9', '{9}', '{m}', '$_')", '23514', 'expansion_run_columns_check', "what cannot be a name: $_")
  foreach '[["a.b.c.d.e"]]', '[["\""]]', '[["x.y", "x.y.z"]]', '[["x.y", ""]]', '[["x.y", "x.y", null, null, null, null, null, null, 1]]';
fails_with($node, 'postgres', "SET ROLE regress_mig; INSERT INTO cmig.expansion_step (scope, position, phase, relation, statement) VALUES ('zz', 1, 'prepare', 'a.b.c', '')", '23514', 'expansion_step_relation_check', 'nor can a relation of a step');

# steps of an expansion, which cmig.check reads: any statement, and none
$node->safe_psql('postgres', q{SELECT cmig.create_revision('b', 'ALTER TABLE a ADD j int', 'ALTER TABLE a DROP j', revision => '2')});
my @statements = ('', ' ', '-- x', ';', 'SELECT 1', 'DROP TABLE a, b.c, d', 'DROP TRIGGER t ON a', 'DROP RULE r ON a', 'DROP POLICY p ON x.a',
	'DROP TYPE a.b', 'DROP DOMAIN d', 'DROP FUNCTION f', 'DROP FUNCTION f(x.y), g', 'DROP SCHEMA s', 'DROP INDEX CONCURRENTLY i', 'DROP EXTENSION e', 'DROP CAST (int AS a.b)',
	'DROP OPERATOR + (int, a.b)', 'DROP AGGREGATE a(*)', 'DROP OWNED BY regress_mig', 'DROP ROLE regress_eve', 'DROP STATISTICS s', 'DROP TRANSFORM FOR int LANGUAGE sql', 'DROP OPERATOR CLASS c USING btree',
	'ALTER TABLE a ADD CHECK (true)', 'ALTER TABLE a DROP b, DROP CONSTRAINT c, ALTER d DROP DEFAULT, ALTER e TYPE int', 'ALTER TYPE c ADD ATTRIBUTE x int', 'ALTER TYPE c RENAME ATTRIBUTE x TO y', 'ALTER TYPE e RENAME TO f',
	'ALTER TABLE a RENAME CONSTRAINT b TO c', 'ALTER TABLE a RENAME b TO c', 'ALTER INDEX i RENAME TO j', 'ALTER SCHEMA a RENAME TO b', 'ALTER DOMAIN d RENAME CONSTRAINT a TO b', 'ALTER FUNCTION f SET SCHEMA s', 'ALTER TYPE t SET SCHEMA s',
	'ALTER TABLE a SET SCHEMA public', 'ALTER EXTENSION e SET SCHEMA s', 'ALTER SEQUENCE s OWNED BY NONE', 'ALTER ROLE x RENAME TO y', 'ALTER TRIGGER t ON a RENAME TO b', 'ALTER POLICY t ON a RENAME TO b', 'ALTER RULE t ON a RENAME TO b',
	'CREATE VIEW v AS SELECT 1', 'CREATE OR REPLACE VIEW a AS SELECT 1', 'CREATE FUNCTION a.b.c.d() RETURNS int LANGUAGE sql RETURN 1', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1', 'CREATE INDEX ON a (i)', 'CREATE SEQUENCE x.y.z',
	'CREATE TABLE x.y.z ()', 'CREATE TABLE postgres.public.a ()', 'ALTER TABLE x.y.z DROP b', 'TRUNCATE a', 'GRANT SELECT ON a TO regress_eve', 'REASSIGN OWNED BY regress_eve TO regress_mig', 'DO $$$$', 'COMMENT ON TABLE a IS $$x$$', 'VACUUM', 'x');
for my $phase ('contract', 'abandon', 'prepare')
{
	my $steps = join ', ', map { "('', $_ + 1, '$phase', 'public.a', \$s\$$statements[$_]\$s\$)" } 0 .. $#statements;

	for my $rows ($steps, map { "('', 1, '$phase', 'public.a', \$s\$$_\$s\$)" } $phase eq 'prepare' ? () : @statements)
	{
		$node->safe_psql('postgres', qq{
			SET ROLE regress_mig;
			DELETE FROM cmig.expansion_step; DELETE FROM cmig.expansion_run;
			INSERT INTO cmig.expansion_run (revision, revisions, schemas, columns) VALUES ('2', '{2}', '{public}', '[["public.a", "public_2.a"]]');
			INSERT INTO cmig.expansion_step (scope, position, phase, relation, statement) VALUES $rows});
		my ($status, undef, $err) = $node->psql('postgres', "SELECT * FROM cmig.check(); SELECT * FROM cmig.status()");
		ok($status == 0 || $err =~ /ERROR:/ && $err !~ /XX000|server closed/, "$phase: " . ($rows eq $steps ? 'all' : $rows)) or diag($err);
	}
}
$node->safe_psql('postgres', 'DELETE FROM cmig.expansion_step; DELETE FROM cmig.expansion_run');

fails_with($node, 'postgres', qq{SET ROLE regress_mig; INSERT INTO cmig.expansion_run (revision, revisions, schemas, columns) VALUES ('2', '{2}', '{public}', '$_')}, '23514', 'expansion_run_columns_check', "columns: $_")
	for '[["x", "public.a"]]', '[[["public.a"]]]', '[[["x.y", "x.y"], "x.y"]]', '[["public.a", "x.y", null, null, null, null, null, null, {"a": 1}]]';

# names that a table can have, with a line break, too
$node->safe_psql('postgres', q{
CREATE SCHEMA "a
b"; CREATE TABLE "a
b"."c""
." (id int PRIMARY KEY, n int);
SELECT cmig.remove_revision('2');
SELECT cmig.create_revision('c', E'ALTER TABLE "a\nb"."c""\n." ALTER n TYPE bigint', NULL, revision => '3', expand => true);
CALL cmig.expand(); CALL cmig.contract();
});
is(query($node, 'postgres', q{SELECT atttypid::regtype FROM pg_attribute WHERE attname = 'n' AND attrelid = (SELECT oid FROM pg_class WHERE relname LIKE 'c"%.')}), 'bigint', 'names with line breaks');

# what a trigger runs while a foreign key of another table cascades is no cascade
$node->safe_psql('postgres', q{
CREATE TABLE twice (id int PRIMARY KEY, v text); INSERT INTO twice VALUES (1, '10'), (2, '20'); GRANT SELECT, UPDATE ON twice TO regress_eve;
SELECT cmig.stamp('base'); SELECT cmig.remove_revision('3'); SELECT cmig.remove_revision('1');
SELECT cmig.create_revision('d', 'ALTER TABLE twice ALTER v TYPE int USING v::int', NULL, revision => '4', expand => true);
CALL cmig.expand('4');
SET ROLE regress_eve;
CREATE TABLE eve.p (id int PRIMARY KEY); CREATE TABLE eve.c (id int REFERENCES eve.p ON UPDATE CASCADE); INSERT INTO eve.p VALUES (1); INSERT INTO eve.c VALUES (1);
CREATE FUNCTION eve.within() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE current_setting('x.y'); RETURN NEW; END $$;
CREATE TRIGGER f BEFORE UPDATE ON eve.c FOR EACH ROW EXECUTE FUNCTION eve.within();
});
fails_with($node, 'postgres', q{SET ROLE regress_eve; SET x.y = 'UPDATE twice SET cmig_new_v = 5 WHERE id = 2'; UPDATE eve.p SET id = 2}, '428C9', 'column "cmig_new_v" of relation "twice" can only be updated through the new version', 'a hidden column, while a foreign key cascades');
$node->safe_psql('postgres', q{SET ROLE regress_eve; SET x.y = 'UPDATE twice SET v = $$77$$, cmig_new_v = cmig_new_v WHERE id = 1'; UPDATE eve.p SET id = 2});
is(query($node, 'postgres', 'SELECT v, cmig_new_v FROM twice WHERE id = 1'), '77|77', 'a statement of the old version is one then, too');
$node->safe_psql('postgres', 'CALL cmig.abandon()');

# a trigger that has the name of one of the audit
$node->safe_psql('postgres', q{
SET ROLE regress_eve;
CREATE TABLE eve.paid (id int PRIMARY KEY, amount int);
RESET ROLE;
SELECT count(*) FROM cmig.enable_audit('eve.paid');
INSERT INTO eve.paid VALUES (1, 100);
CREATE TABLE at AS SELECT clock_timestamp() AS at;
UPDATE eve.paid SET amount = 0;
SET ROLE regress_eve;
CREATE FUNCTION eve.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
});
for ('{"exclude": {"amount": 2}}', '{"redact": {"amount": 2}}', 'x')
{
	$node->safe_psql('postgres', "SET ROLE regress_eve; CREATE OR REPLACE TRIGGER cmig_audit_zz AFTER UPDATE ON eve.paid FOR EACH ROW WHEN (false) EXECUTE FUNCTION eve.f('1', '$_')");
	is(query($node, 'postgres', "SELECT * FROM cmig.audit_as_of(NULL::eve.paid, (SELECT at FROM at))"), '1|100', "audit_as_of, with $_");
}

# a partition's trigger that discards rows which move there
$node->safe_psql('postgres', q{
CREATE TABLE moved (a int, b int) PARTITION BY LIST (a); CREATE TABLE moved_1 PARTITION OF moved FOR VALUES IN (1); CREATE TABLE moved_2 PARTITION OF moved FOR VALUES IN (2);
CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER n BEFORE INSERT ON moved_2 FOR EACH ROW EXECUTE FUNCTION lost();
SELECT count(*) FROM cmig.enable_audit('moved', level => 'statement');
INSERT INTO moved VALUES (1, 1);
});
fails_with($node, 'postgres', 'UPDATE moved SET a = 2', '0A000', 'cannot log an UPDATE that loses rows of partitioned table "moved".*HINT:  .*enable_audit\(\'public[.]moved\', level => \'row\'\)', 'an UPDATE with rows that a trigger discards');

# a reader's text of which each line would be taken for a marker: one pass, which can be canceled
is(query($node, 'postgres', q{SET statement_timeout = '120s'; SELECT count(*), sum(length(content)) > 1e6 FROM cmig.import_files('flyway', '{V1__a.sql}', ARRAY[repeat(E'-- cmig:upgrade\n', 60000)])}), '1|t', 'a text of markers');
fails_with($node, 'postgres', q{SET statement_timeout = '50ms'; SELECT FROM cmig.import_files('flyway', '{V1__a.sql}', ARRAY[repeat(E'-- cmig:upgrade\n', 3000000)])}, '57014', 'canceling statement', 'is canceled');
is(query($node, 'postgres', q{SET statement_timeout = '10s'; SELECT count(*) FROM cmig.import_files('flyway', '{V1__a.sql}', ARRAY[repeat('$' || chr(123), 400000)])}), '1', 'a text of placeholders that do not end');

# a star, which is no expression
$node->safe_psql('postgres', 'CREATE TABLE starred (id int PRIMARY KEY, v int)');
fails_with($node, 'postgres', "CALL cmig.add_check('starred', 'c', '*')", '22023', 'the condition must be one expression\nDETAIL:  The condition is: \*', 'add_check of a star');
fails_with($node, 'postgres', "CALL cmig.backfill('starred', 'v = 1', '*')", '22023', 'where_sql', 'backfill where a star');

done_testing();
