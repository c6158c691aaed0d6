# Copyright (c) 2026, the pg_cmig developers

# What others have made: the search_path of a database, which finds their types and operators before
# those of pg_catalog, as it is read by generated scripts and by cmig; the environment; links in the
# folder of revisions; what other tools print; an engine that still has the roles of another state.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use Fcntl qw(:flock);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $dir, $cache) = engine_project('untrusted');
$ENV{EDITOR} = 'true';
my $superuser = getpwuid($>);
my @superuser = (extra_params => [ '-U', $superuser ]);

# the engine goes on, which makes the test faster
sub keep_engine { open my $users, '>>', glob "$cache/cmig/engine-*/users" or die; flock $users, LOCK_SH or die; return $users; }

# A type of each name that SQL of pg_cmig uses, which reports its use, and operators that do.
my $evil = <<'END_SQL';
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION evil.reached(what pg_catalog.text) RETURNS pg_catalog.bool LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'reached: % as %', what, current_user; RETURN true; END $$;
DO $$
DECLARE
	t pg_catalog.text;
BEGIN
	FOREACH t IN ARRAY ARRAY['text', 'oid', 'name', 'jsonb', 'json', 'int4', 'int8', 'bool', 'regclass', 'regtype', 'regnamespace', 'xid8', 'inet', 'timestamptz', 'interval', 'varchar', 'bpchar', 'tid'] LOOP
		EXECUTE pg_catalog.format('CREATE DOMAIN evil.%I AS pg_catalog.%1$I CHECK (evil.reached(%1$L))', t);
	END LOOP;
	FOREACH t IN ARRAY ARRAY['=', '<>', '~~', '~', '||'] LOOP
		EXECUTE pg_catalog.format('CREATE FUNCTION evil.%I(a pg_catalog.text, b pg_catalog.text) RETURNS %s LANGUAGE plpgsql AS %L', 'operator ' || t,
			CASE t WHEN '||' THEN 'pg_catalog.text' ELSE 'pg_catalog.bool' END, pg_catalog.format('BEGIN PERFORM evil.reached(%L); RETURN a OPERATOR(pg_catalog.%s) b; END', t, t));
		EXECUTE pg_catalog.format('CREATE OPERATOR evil.%s (FUNCTION = evil.%I, LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text)', t, 'operator ' || t);
	END LOOP;
END $$;
CREATE TYPE evil.record AS (evil evil.text);
END_SQL

# runs(ARGUMENT...): tests that cmig succeeds, and uses nothing of the schema evil
sub runs
{
	my @result = cmig(@_);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($result[0] == 0 && $result[2] !~ /reached: |evil/, "cmig @_ uses only pg_catalog") or diag("status $result[0]\noutput: $result[1]\nerrors: $result[2]");
}

# a script for a database without the extension
$node->safe_psql('shop', "$evil; ALTER DATABASE shop SET search_path = evil, pg_catalog, public", @superuser);
write_revision('001', '', "-- transactional: false\n", "CREATE TABLE public.item (id pg_catalog.int4);\nCREATE INDEX CONCURRENTLY item_id ON public.item (id);", 'DROP TABLE public.item;');
append_to_file('migrations/001.sql', "-- cmig:verify\nSELECT true, NULL::pg_catalog.bool;\n");
runs('upgrade', '-y');
my $users = keep_engine();
write_revision('002', '001', "-- precondition: SELECT true\n", 'CREATE TABLE public.part (id pg_catalog.int4);', 'DROP TABLE public.part;');
append_to_file('migrations/002.sql', "-- cmig:verify\nSELECT true;\n");
runs('upgrade', '-y');
runs('verify');
runs('downgrade', '-y', '--', '-1');
is($node->safe_psql('shop', "SELECT pg_catalog.string_agg(DISTINCT pg_catalog.concat(n.nspname, '.', t.typname), ' ') FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace WHERE c.relnamespace OPERATOR(pg_catalog.=) 'cmig_engine'::pg_catalog.regnamespace AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'"),
	'', 'and so do the tables of cmig_engine');

# an engine has no memberships of roles that the database no longer has
$node->safe_psql('shop', "ALTER DATABASE shop RESET search_path; SET client_min_messages = warning; DROP SCHEMA evil CASCADE; CREATE ROLE regress_one; CREATE ROLE regress_two; CREATE TABLE public.two (id int); ALTER TABLE public.two OWNER TO regress_two; GRANT SELECT ON public.two TO regress_owner, regress_one; GRANT regress_two TO regress_owner", @superuser);
write_revision('002', '001', '', 'ALTER TABLE two ADD x int;', 'ALTER TABLE two DROP x;');
gives(0, '', '', 'dry-run');
$node->safe_psql('shop', 'REVOKE regress_two FROM regress_owner; GRANT regress_one TO regress_two, regress_owner', @superuser);
gives(1, 'must be owner of table two', '', 'dry-run');
$node->safe_psql('shop', 'REVOKE regress_one FROM regress_two; GRANT regress_two TO regress_one', @superuser);
gives(0, '', '', 'dry-run');
$node->safe_psql('shop', 'REVOKE regress_two FROM regress_one; REVOKE regress_one FROM regress_owner', @superuser);
gives(1, 'must be owner of table two', '', 'dry-run');

# calls of cmig in a database that has the extension, by a superuser
undef $users;
mkdir 'installed';
append_to_file('installed/cmig.conf', "folder = migrations\n");
$node->safe_psql('postgres', 'CREATE DATABASE other OWNER regress_owner', @superuser);
$node->safe_psql('other', "CREATE EXTENSION pg_cmig; $evil; CREATE SCHEMA tenant; CREATE TABLE public.alembic_version (version_num varchar(32)); ALTER DATABASE other SET search_path = evil, pg_catalog, public", @superuser);
chdir 'installed';
mkdir 'migrations';
@ENV{qw(PGUSER PGDATABASE)} = ($superuser, 'other');
write_revision($_->[0], $_->[1], '', 'SELECT 1;', 'SELECT 1;') for [ '001', '' ], [ '002', '001' ], [ '003', '001' ];
runs('upgrade', '-y', 'heads');
runs('merge', '-m', 'both');
runs('upgrade', '-y');
runs('export', '--to', 'written');
runs('export', '--to', 'written', '001', '--force');
runs(@$_) for [ 'status' ], [ 'check' ], [ 'history' ], [ 'verify' ], [ 'throttle', 'all', '100' ], [ 'throttle', 'all', 'off' ], [ 'import' ], [ 'lint' ], [ 'edit', '001' ];
runs('import', 'alembic', '--state', '--version-table', 'rename');
runs('upgrade', '-y', '--scopes', 'tenan_');
runs('drift', '--scope', 'tenant');

# what SQL functions generate, for a database without the extension: nothing of others is used, also not an operator
# that fits the type of a column better, and nobody has a privilege by default
$node->safe_psql('other', 'CREATE TABLE public.note (id int PRIMARY KEY, owner varchar(20), team varchar(20)); CREATE TABLE public.member (team varchar(20), who varchar(20) PRIMARY KEY)', @superuser);
my ($audit, @rls) = map { $node->safe_psql('other', "SELECT cmig.$_", @superuser) } "audit_script('public.note')",
	map { "rls_script('public.note', roles => '{regress_one}', $_)" } "user_column => 'owner'", "tenant_column => '', key_column => 'team', via => 'public.member', via_key => 'team', via_user => 'who'";
$node->safe_psql('postgres', 'CREATE DATABASE generated', @superuser);
$node->safe_psql('generated', <<"END_SQL", @superuser);
CREATE TABLE public.note (id int PRIMARY KEY, owner varchar(20), team varchar(20));
CREATE TABLE public.member (team varchar(20), who varchar(20) PRIMARY KEY);
CREATE FUNCTION public.same(a varchar, b text) RETURNS bool LANGUAGE sql RETURN true;
CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = varchar, RIGHTARG = text);
CREATE FUNCTION public.same(a varchar, b varchar) RETURNS bool LANGUAGE sql RETURN true;
CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = varchar, RIGHTARG = varchar);
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, regress_one;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC, regress_one;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC, regress_one;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_one;
$evil
END_SQL
my $operators = "SELECT count(*) FROM pg_depend WHERE classid = 'pg_policy'::regclass AND refclassid = 'pg_operator'::regclass";
is($node->safe_psql('generated', "BEGIN; $_; $operators; ROLLBACK", @superuser), '0', 'a policy uses no operator of others') for @rls;
my (undef, $printed, $errors) = $node->psql('generated', "SET client_min_messages = warning; SET search_path = evil, pg_catalog, public; $audit; SHOW search_path; INSERT INTO public.note VALUES (1);
SET search_path = pg_catalog; SELECT count(*) FROM cmig_audit.log; SELECT count(*) FROM (SELECT nspacl AS acl, nspowner AS owner FROM pg_namespace WHERE nspname = 'cmig_audit'
UNION ALL SELECT relacl, relowner FROM pg_class WHERE relnamespace = 'cmig_audit'::regnamespace UNION ALL SELECT proacl, proowner FROM pg_proc WHERE pronamespace = 'cmig_audit'::regnamespace) o, aclexplode(acl) a WHERE a.grantee <> owner", @superuser);
is($printed, "evil, pg_catalog, public\n1\n0", 'the audit log belongs to its owner alone');
unlike($errors, qr/ERROR|reached: /, 'and nothing of others was called');

# a folder of revisions with a link, as in a repository of others
mkdir '../elsewhere';
symlink('../../elsewhere', 'migrations/sub') or die;
gives(2, '^$', '^cmig: migrations/sub is a symbolic link\n$', 'revision', '-m', 'through', '--file-template', $_) for 'sub/%(rev)s', 'sub/more/%(rev)s';
is_deeply([ glob('../elsewhere/*') ], [], 'nothing is written elsewhere');
unlink 'migrations/sub';

# programs that stand for those of other tools
mkdir 'bin';
sub program
{
	my ($name, $text) = @_;

	append_to_file("bin/$name", "#!/bin/sh\n$text");
	chmod 0755, "bin/$name";
}
local $ENV{PATH} = "$dir/installed/bin:$ENV{PATH}";
program('java', '');
program('liquibase', <<'END_SH');
for a; do case $a in --changeLogFile=*) log=${a#*=} ;; --outputFile=*) out=${a#*=} ;; esac; done
{ printf '%s\n' '--liquibase formatted sql' '--changeset ann:1'; cat "$log"; } >"$out"
END_SH
program('node-pg-migrate', <<'END_SH');
psql -X -q "$DATABASE_URL" -c 'SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS pgmigrations (id serial, name text, run_on timestamp)'
[ "$1" = up ] || exit 0
cat <<'END'
### MIGRATION 1_first (UP) ###
CREATE TABLE early ();
/*
### MIGRATION ../escaped (UP) ###
### MIGRATION 1_first (UP) ###
*/
INSERT INTO "public"."names" (name, run_on) VALUES ('2_second', NOW());
CREATE TABLE late ();
INSERT INTO "public"."pgmigrations" (name, run_on) VALUES ('1_first', NOW());
COMMIT;
### MIGRATION 2_second (UP) ###
CREATE TABLE second ();
INSERT INTO "public"."pgmigrations" (name, run_on) VALUES ('2_second', NOW());
END
END_SH

# a folder in CDPATH that has the name of one here
mkdir $_ for 'log', 'other', 'other/log';
append_to_file('log/log.xml', "SELECT 'right';\n");
append_to_file('other/log/log.xml', "SELECT 'wrong';\n");
{
	local $ENV{CDPATH} = "$dir/installed/other";
	gives(0, 'from_log/', '', 'import', 'liquibase', 'log/log.xml', '--to', 'from_log');
}
like(join('', map { slurp_file($_) } glob('from_log/*')), qr/^SELECT 'right';$/m, 'CDPATH has no effect on cmig import');

# SQL like the lines that the tool prints around it
mkdir 'js';
append_to_file("js/$_.js", '') for '1_first', '2_second';
local $ENV{TMPDIR} = "$dir/installed/other";
gives(0, 'from_js/', '', 'import', 'node-pg-migrate', 'js', '--to', 'from_js');
is_deeply([ map { /(\w+)\.sql$/ } glob('from_js/* other/*.sql') ], [ '1_first', '2_second' ], 'a file for each migration');
like(slurp_file('from_js/1_first.sql'), qr/early.*escaped.*names.*late/s, 'with all of its SQL');
like(slurp_file('from_js/2_second.sql'), qr/CREATE TABLE second/, 'and the next one');

chdir $dir;
@ENV{qw(PGUSER PGDATABASE)} = ('regress_owner', 'shop');

# a pg_dump that writes names so that they become commands or statements, and a psql that cannot be kept from the former
chomp(my $programs = `pg_config --bindir`);
chdir 'installed';
program('pg_config', "[ \"\$*\" != --bindir ] || exec echo $dir/installed/bin\nexec $programs/pg_config \"\$@\"\n");
program('pg_dump', "$programs/pg_dump \"\$@\" | sed '/^\\\\\\(un\\)\\?restrict/d'\n");
chdir $dir;
gives(2, '^$', '^cmig: pg_dump is too old: it writes names .*\nUpdate it', 'drift');
chdir 'installed';
unlink 'bin/pg_dump';
program('pg_dump', "$programs/pg_dump \"\$@\" | sed '/^.restrict/a \\\\! touch $dir/reached'\n");
chdir $dir;
gives(1, 'table +public.two: was created', '', 'drift');
ok(!-e 'reached', 'psql runs no command of a dump');
chdir 'installed';
program('psql', "sed 's/^.restrict /\\\\unknown_/' | $programs/psql \"\$@\"\n");
chdir $dir;
gives(2, '^$', '^invalid command .unknown_x\ncmig: the engine cannot be used\npsql must have the command .restrict: version 15.14', 'drift');

done_testing();
