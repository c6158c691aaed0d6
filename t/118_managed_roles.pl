# Copyright (c) 2026, the pg_cmig developers

# A week with databases that have the roles of managed services: those of RDS, with a master
# user that is not a superuser, and those of Supabase, where the role postgres is not a
# superuser, and a role of the service owns schemas and extensions.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = PostgreSQL::Test::Utils::tempdir_short();

# a cluster whose superuser is that of the service
system_or_bail('initdb', '-D', "$node/data", '-U', 'supabase_admin', '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C.UTF-8');
system_or_bail('pg_ctl', '-s', '-w', '-D', "$node/data", '-l', "$node/log", '-o', "-p 5434 -k $node -c listen_addresses='' -c fsync=off", 'start');
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT XDG_CACHE_HOME)} = ($node, 5434, PostgreSQL::Test::Utils::tempdir_short());
engine_stays();
chdir $dir or die;

# sql(DATABASE, ROLE, SQL): runs SQL, and returns its result
sub sql
{
	my ($out, $err);

	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $_[0], '-U', $_[1] ], '<', \$_[2], '>', \$out, '2>', \$err) or die $err;
	chomp $out;
	return $out;
}

sql('postgres', 'supabase_admin', <<'END_SQL');
CREATE ROLE rds_superuser;
GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION;
CREATE ROLE master LOGIN CREATEROLE CREATEDB IN ROLE rds_superuser;
CREATE ROLE postgres LOGIN CREATEROLE CREATEDB REPLICATION BYPASSRLS;
CREATE ROLE anon NOINHERIT;
CREATE ROLE authenticated NOINHERIT;
CREATE ROLE service_role NOINHERIT BYPASSRLS;
CREATE ROLE authenticator LOGIN NOINHERIT;
GRANT anon, authenticated, service_role TO authenticator, postgres;
CREATE ROLE supabase_auth_admin NOINHERIT CREATEROLE LOGIN;
CREATE DATABASE "rds db" OWNER master;
CREATE DATABASE supabase OWNER postgres;
END_SQL
sql('rds db', 'supabase_admin', 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION dblink; CREATE EXTENSION file_fdw; CREATE SCHEMA rdsadmin; CREATE TABLE rdsadmin.secret (id int)');
# as if lo required dblink
sql('rds db', 'supabase_admin', "CREATE EXTENSION lo; INSERT INTO pg_depend SELECT 'pg_extension'::regclass, e.oid, 0, 'pg_extension'::regclass, r.oid, 0, 'n' FROM pg_extension e, pg_extension r WHERE e.extname = 'lo' AND r.extname = 'dblink'");
sql('supabase', 'supabase_admin', <<'END_SQL');
CREATE SCHEMA extensions;
GRANT USAGE ON SCHEMA extensions TO postgres, anon, authenticated;
CREATE EXTENSION citext SCHEMA extensions;
CREATE EXTENSION pgcrypto SCHEMA extensions;
CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
ALTER TABLE auth.users OWNER TO supabase_auth_admin;
CREATE FUNCTION auth.uid() RETURNS uuid STABLE LANGUAGE sql AS $$SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid$$;
ALTER FUNCTION auth.uid() OWNER TO supabase_auth_admin;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, postgres;
GRANT SELECT, REFERENCES ON auth.users TO postgres;
CREATE SCHEMA vault;
CREATE TABLE vault.secrets (id int, secret text);
CREATE PUBLICATION supabase_realtime;
ALTER PUBLICATION supabase_realtime OWNER TO postgres;
CREATE FUNCTION extensions.grant_access() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$;
CREATE EVENT TRIGGER issue_access ON ddl_command_end EXECUTE FUNCTION extensions.grant_access();
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER SCHEMA public OWNER TO pg_database_owner;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
CREATE SCHEMA net;
GRANT USAGE ON SCHEMA net TO postgres;
CREATE TYPE net.kind AS ENUM ('a', 'b');
CREATE TABLE net.queue (id int, kind net.kind);
CREATE FUNCTION net.http_post(url text, body jsonb DEFAULT '{}', OUT id bigint) LANGUAGE sql AS 'SELECT 1::bigint';
-- as if CREATE EXTENSION pg_net had created them
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) VALUES (pg_nextoid('pg_extension', 'oid', 'pg_extension_oid_index'), 'pg_net', 10, 'extensions'::regnamespace, false, '1');
INSERT INTO pg_depend SELECT classid, objid, 0, 'pg_extension'::regclass, (SELECT oid FROM pg_extension WHERE extname = 'pg_net'), 0, 'e'
FROM (VALUES ('pg_type'::regclass, 'net.kind'::regtype::oid), ('pg_class', 'net.queue'::regclass), ('pg_proc', 'net.http_post'::regproc), ('pg_namespace', 'net'::regnamespace)) AS o (classid, objid);
ALTER DATABASE supabase SET search_path = "$user", public, extensions;
END_SQL

# week(DATABASE, ROLE, COLUMN): a week of work; the table has a column of the service's
sub week
{
	my ($database, $role, $column, $policy, $before) = @_;
	my $target = "$before\nCREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, $column, body text, done boolean);\nCREATE INDEX note_body ON note (body);\n$policy";
	my $folder = "week_$role";
	my $stubs = $before ? '^WARNING:  not copied into the engine: stubs for the members of extension pg_net\n$' : '^$';
	local @ENV{qw(PGUSER PGDATABASE)} = ($role, $database);

	mkdir $folder;
	chdir $folder or die;
	gives(0, 'cmig.conf', '^$', 'init', '--engine', 'local');
	if ($before)
	{
		# what the service has created
		gives(0, 'migrations/000', '', 'baseline', '-m', 'The service', '--rev-id', '000');
		gives(0, 'at 000', '', 'stamp', '000');
		gives(0, 'no drift', $stubs, 'drift');
	}
	gives(0, 'migrations/001', '', 'revision', '-m', 'Create notes', '--rev-id', '001');
	edit(glob('migrations/001*'), "CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, $column, body text);\n$policy", 'DROP TABLE note;');
	gives(0, 'migrations/002', '', 'revision', '-m', 'Index', '--rev-id', '002', '--no-transaction');
	edit(glob('migrations/002*'), 'CREATE INDEX CONCURRENTLY note_body ON note (body);', 'DROP INDEX CONCURRENTLY note_body;');
	gives(0, '', '', 'load');
	gives(0, '001.*002', '', 'plan');
	gives(0, '', '', 'lint');
	gives(0, '', '', 'dry-run');
	gives(0, 'at 002', '-> 001, Create notes', 'upgrade', '-y');
	is(sql($database, $role, "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'note'"), $role, 'the owner');
	gives(0, 'no drift', '', 'drift');
	gives(0, 'current +002', '', 'status');
	append_to_file('schema.sql', $target);
	gives(0, '', '', 'revision', '--autogenerate', '-m', 'From the models', '--rev-id', '003', '--target', 'schema.sql');
	like(slurp_file(glob('migrations/003*')), qr/cmig:upgrade\nALTER TABLE public\.note ADD COLUMN done boolean;\n\n-- cmig:downgrade\nALTER TABLE public\.note DROP COLUMN done;\n$/, 'autogenerate');
	gives(0, 'at 003', '', 'upgrade', '-y');
	gives(0, '', '', 'check', '--target', 'schema.sql');
	gives(0, '', '', 'round-trip', '003');
	sql($database, $role, 'ALTER TABLE note ADD by_hand int');
	gives(1, 'column +public\.note\.by_hand', '', 'drift');
	sql($database, $role, 'ALTER TABLE note DROP by_hand');
	gives(0, 'at 001', '', 'downgrade', '001', '-y');
	gives(0, 'at 003', '', 'upgrade', '-y');
	gives(0, 'at 002', '', 'stamp', '002');
	gives(0, 'at 003', '', 'stamp', '003');
	gives(0, '003', '', 'locate');
	gives(0, '', '', 'check');
	gives(0, 'stamp +\| 003.*stamp removed \| 003.*downgrade +\| 003', '', 'log');
	if ($before)
	{
		gives(0, 'migrations/004', '', 'revision', '-m', 'Post', '--rev-id', '004');
		edit(glob('migrations/004*'), "SELECT net.http_post('http://example.com');", '');
		gives(1, '0A000: not judged: the engine does not have the extension pg_net', '', 'dry-run');
		gives(0, 'at 004', '', 'upgrade', '-y');
	}
	chdir '..' or die;
}

week('rds db', 'master', 'kind int', '', '');
{
	local @ENV{qw(PGUSER PGDATABASE)} = ('master', 'rds db');
	gives(0, 'no drift', '(stubs for the members of extension (dblink|file_fdw|lo)\n.*){3}$', 'drift', '--engine', 'local', '--folder', 'week_master/migrations');
}
week('supabase', 'postgres', 'user_id uuid NOT NULL DEFAULT auth.uid() REFERENCES auth.users (id), mail citext, kind net.kind',
	"ALTER TABLE note ENABLE ROW LEVEL SECURITY;\nCREATE POLICY own ON note TO authenticated USING (user_id = (SELECT auth.uid()));",
	"CREATE EXTENSION pg_net SCHEMA extensions;\nCREATE PUBLICATION supabase_realtime;\nALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;\nGRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;");

END
{
	my $status = $?;

	system('pg_ctl', '-s', '-D', "$node/data", '-m', 'immediate', 'stop');
	$? = $status;
}

done_testing();
