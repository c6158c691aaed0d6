# Copyright (c) 2026, the pg_cmig developers

# A database without the extension whose schema, settings, and revisions try to reach the host
# of the engine: when the schema is copied, and when revisions run there.  Each attempt
# that succeeds is reported to the engine's log, and so is each place that was reached.

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

my $dir = PostgreSQL::Test::Utils::tempdir();
my $cache = PostgreSQL::Test::Utils::tempdir_short();
my $marker = PostgreSQL::Test::Utils::tempdir_short();
my $node = new_node('hostile');

$node->append_conf('postgresql.conf', "session_preload_libraries = ''");
$node->start;
my @superuser = (extra_params => [ '-U', $node->safe_psql('postgres', 'SELECT current_user') ]);
delete @ENV{qw(PGAPPNAME PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGUSER PGDATABASE XDG_CACHE_HOME)} = ($node->host, $node->port, 'regress_owner', 'shop', $cache);
chdir $dir or die;
mkdir $_ for 'migrations', 'other';
append_to_file('cmig.conf', "folder = migrations\nengine = local\n");
append_to_file("$marker/secret", "secret\n");

# The attempts.  What they can do only in the engine runs only there.
my @attempts = (
	"COPY (SELECT 1) TO PROGRAM 'touch $marker/program'", "COPY (SELECT 1) TO '$marker/file'", "CREATE TEMP TABLE taken (t text); COPY taken FROM '$marker/secret'",
	"SELECT pg_read_file('$marker/secret')", "SELECT pg_read_binary_file('/etc/passwd')", "SELECT pg_ls_dir('$marker')", "SELECT lo_import('$marker/secret')", "SELECT lo_export(lo_from_bytea(0, 'x'), '$marker/object')",
	"SELECT pg_stat_file('$marker/secret')", "SELECT pg_current_logfile()", 'SELECT pg_reload_conf()', 'SELECT pg_rotate_logfile()',
	(map { "CREATE EXTENSION $_" } qw(dblink postgres_fdw file_fdw adminpack plperlu pg_stat_statements pageinspect)),
	"SELECT dblink_connect('dbname=postgres')", 'CREATE LANGUAGE plpython3u', 'CREATE LANGUAGE plperlu', 'CREATE FOREIGN DATA WRAPPER w',
	"CREATE SERVER s FOREIGN DATA WRAPPER file_fdw", "CREATE FUNCTION reaches() RETURNS void LANGUAGE c AS '\$libdir/dblink', 'dblink_connect'", "CREATE FUNCTION reaches() RETURNS void LANGUAGE internal AS 'pg_reload_conf'",
	"LOAD '\$libdir/dblink'", "LOAD '$marker/secret'", "ALTER SYSTEM SET archive_command = 'touch $marker/archive'", 'ALTER SYSTEM SET fsync = on',
	(map { ("SET ROLE $_", "SET SESSION AUTHORIZATION $_", "GRANT $_ TO CURRENT_USER", "ALTER ROLE $_ PASSWORD 'x'") } qw(cmig_engine_superuser cmig_engine_secret)),
	'ALTER ROLE CURRENT_USER SUPERUSER', 'ALTER ROLE CURRENT_USER CREATEROLE', 'CREATE ROLE made SUPERUSER', 'CREATE DATABASE made', 'DROP DATABASE precious', 'ALTER DATABASE precious RENAME TO lost',
	(map { "GRANT $_ TO CURRENT_USER" } qw(pg_execute_server_program pg_read_server_files pg_write_server_files pg_monitor pg_signal_backend)), 'SET ROLE pg_execute_server_program',
	'CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION trap.on_ddl()', "ALTER DATABASE precious SET search_path = ''", 'CREATE TABLESPACE made LOCATION $$' . $marker . '$$',
	(map { "SET $_ = 'x'; ALTER ROLE CURRENT_USER SET $_ = 'x'" } qw(session_preload_libraries dynamic_library_path log_directory)),
	'UPDATE pg_authid SET rolsuper = true', 'SELECT rolpassword FROM pg_authid', "INSERT INTO pg_proc SELECT * FROM pg_proc LIMIT 1", 'CREATE SUBSCRIPTION s CONNECTION $$dbname=postgres$$ PUBLICATION p',
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cmig_engine_superuser' AND pid <> pg_backend_pid()", "SELECT pg_catalog.set_config('session_authorization', 'cmig_engine_superuser', false)");
my $array = join ', ', map { '$a$' . $_ . '$a$' } @attempts;

# PostgreSQL 19 does not allow a newline in it
my $role = 'role' . ($node->pg_version->major < 19 ? "\n" : ' ') . "\\! touch $marker/role";
$node->safe_psql('postgres', "CREATE ROLE $_", @superuser) for 'regress_owner LOGIN', 'regress_other LOGIN', 'cmig_engine_superuser SUPERUSER LOGIN', 'made', qq("$role");
$node->safe_psql('postgres', 'CREATE DATABASE shop OWNER regress_owner; GRANT regress_owner TO made; GRANT pg_execute_server_program, cmig_engine_superuser TO regress_other', @superuser);
$node->safe_psql('shop', <<"END_SQL", @superuser);
CREATE SCHEMA trap AUTHORIZATION regress_owner;
GRANT ALL ON SCHEMA trap, public TO PUBLIC;
CREATE FUNCTION trap.attempt(place text) RETURNS void LANGUAGE plpgsql AS \$f\$
DECLARE
	sql text;
	done text := pg_catalog.concat(pg_catalog.current_setting('trap.done', true), ',', place, ' ', current_user);
	tried int := 0;
BEGIN
	-- once in a session, by each role
	IF pg_catalog.current_database() OPERATOR(pg_catalog.!~) '^cmig_copy_'
		OR pg_catalog.strpos(pg_catalog.current_setting('trap.done', true), pg_catalog.concat(',', place, ' ', current_user)) OPERATOR(pg_catalog.>) 0 THEN
		RETURN;
	END IF;
	PERFORM pg_catalog.set_config('trap.done', done, false);
	BEGIN
		IF pg_catalog.current_setting('dynamic_library_path') OPERATOR(pg_catalog.<>) '\$libdir' OR pg_catalog.current_setting('session_preload_libraries') OPERATOR(pg_catalog.<>) '' THEN
			RAISE LOG 'reached: %, as % of %: a setting', place, current_user, session_user;
		END IF;
	EXCEPTION WHEN insufficient_privilege THEN
		NULL;
	END;
	FOREACH sql IN ARRAY ARRAY[$array] LOOP
		BEGIN
			EXECUTE sql;
			RAISE LOG 'reached: %, as % of %: %', place, current_user, session_user, sql;
		EXCEPTION WHEN others THEN
			tried := tried OPERATOR(pg_catalog.+) 1;
		END;
	END LOOP;
	RAISE LOG 'tried: %, as % of %: % attempts', place, current_user, session_user, tried;
END \$f\$;
CREATE FUNCTION trap.attempt_now(place text, x int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \$\$ BEGIN PERFORM trap.attempt(place); RETURN x; END \$\$;
CREATE FUNCTION trap.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM trap.attempt('an event trigger'); END \$\$;
CREATE FUNCTION trap.on_row() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM trap.attempt('a trigger'); RETURN NEW; END \$\$;
-- of the superuser of the engine, and of this database's superuser
CREATE FUNCTION trap.definer(x int) RETURNS int IMMUTABLE SECURITY DEFINER LANGUAGE plpgsql AS \$\$ BEGIN PERFORM trap.attempt('a security definer function'); RETURN x; END \$\$;
ALTER FUNCTION trap.definer(int) OWNER TO cmig_engine_superuser;
CREATE FUNCTION trap.c_code(text) RETURNS text LANGUAGE c AS '\$libdir/dblink', 'dblink_connect';
CREATE EVENT TRIGGER hostile ON ddl_command_end EXECUTE FUNCTION trap.on_ddl();
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION file_fdw;
CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere', dbname 'postgres');
CREATE USER MAPPING FOR regress_owner SERVER loopback OPTIONS (user 'cmig_engine_superuser');
CREATE FOREIGN TABLE trap.far (id int) SERVER loopback;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE trap.output (line text) SERVER files OPTIONS (program 'touch $marker/foreign_table');
GRANT SELECT ON ALL TABLES IN SCHEMA trap TO PUBLIC;
CREATE TABLE trap."table
\\! touch $marker/table" ("column
\\! touch $marker/column" int CONSTRAINT "constraint
\\! touch $marker/constraint" CHECK (true));
COMMENT ON TABLE trap."table
\\! touch $marker/table" IS 'comment
\\! touch $marker/comment
\\copy (select 1) to $marker/copied
`touch $marker/backquote`';
GRANT SELECT ON trap."table
\\! touch $marker/table" TO "$role", regress_owner;
CREATE SCHEMA "schema
\\! touch $marker/schema" AUTHORIZATION regress_owner;
CREATE TYPE "schema
\\! touch $marker/schema"."type
\\! touch $marker/type" AS ENUM ('\\! touch $marker/label', '`touch $marker/label`');
-- what runs while the schema is copied
CREATE DOMAIN public.checked AS int DEFAULT trap.attempt_now('the default of a domain', 1) CHECK (trap.attempt_now('a domain', VALUE) > 0);
CREATE TABLE public.item (id int DEFAULT trap.attempt_now('a default', 1), c checked, g int GENERATED ALWAYS AS (trap.attempt_now('a generated column', 1)) STORED);
CREATE INDEX ON public.item ((id + trap.attempt_now('an index', 1)));
CREATE INDEX ON public.item ((id + trap.definer(1)));
CREATE INDEX ON public.item (id) WHERE trap.attempt_now('a partial index', 1) = 1;
CREATE TABLE public.parted (k int) PARTITION BY LIST (k);
CREATE TABLE public.part (k int CHECK (trap.attempt_now('a partition', 1) = 1));
ALTER TABLE public.parted ATTACH PARTITION public.part FOR VALUES IN (1);
CREATE VIEW public.seen AS SELECT trap.attempt_now('a view', 1) AS x;
CREATE MATERIALIZED VIEW public.kept AS SELECT trap.attempt_now('a materialized view', 1) AS x;
CREATE POLICY p ON public.item USING (trap.attempt_now('a policy', 1) = 1);
CREATE TRIGGER t BEFORE INSERT ON public.item FOR EACH ROW EXECUTE FUNCTION trap.on_row();
CREATE RULE r AS ON DELETE TO public.part DO ALSO SELECT trap.attempt_now('a rule', 1);
CREATE STATISTICS public.st ON (trap.attempt_now('statistics', id)), id FROM public.item;
END_SQL
$node->safe_psql('shop', "CREATE EXTENSION plperlu; CREATE FUNCTION trap.perl(x int) RETURNS int IMMUTABLE LANGUAGE plperlu AS \$p\$ open my \$f, '>', '$marker/perl'; return \$_[0]; \$p\$", @superuser)
  if $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'plperlu'", @superuser) ne '0';
# what the search_path finds before pg_catalog
my @shadows = ((map { [ 'FUNCTION', $_, '(text)', 'text', '$1' ] } qw(quote_ident quote_literal lower md5)), (map { [ 'FUNCTION', $_, '(text)', 'boolean', 'true' ] } qw(to_regclass to_regnamespace)),
	[ 'FUNCTION', 'set_config', '(text, text, boolean)', 'text', '$2' ], [ 'FUNCTION', 'format', '(text, text)', 'text', '$1' ],
	(map { [ 'OPERATOR', $_->[0], "($_->[1], $_->[1])", $_->[2], "pg_catalog.$_->[3](\$1, \$2)" ] } [ '=', 'text', 'boolean', 'texteq' ], [ '<>', 'text', 'boolean', 'textne' ], [ '=', 'name', 'boolean', 'nameeq' ], [ '||', 'text', 'text', 'textcat' ], [ '~', 'text', 'boolean', 'textregexeq' ], [ '=', 'oid', 'boolean', 'oideq' ]));
my $number = 0;
for my $shadow (@shadows)
{
	my ($kind, $name, $arguments, $result, $value) = @$shadow;
	my $function = $kind eq 'FUNCTION' ? $name : 'operator_' . $number++;
	my ($type) = $arguments =~ /\((\w+)/;

	$node->safe_psql('shop', "SET search_path = pg_catalog; CREATE FUNCTION trap.$function$arguments RETURNS $result IMMUTABLE LANGUAGE plpgsql AS \$\$ BEGIN PERFORM trap.attempt('the $kind $name'); RETURN $value; END \$\$"
		  . ($kind eq 'FUNCTION' ? '' : "; CREATE OPERATOR trap.$name (FUNCTION = trap.$function, LEFTARG = $type, RIGHTARG = $type)"), @superuser);
}
$node->safe_psql('shop', "ALTER TABLE $_ OWNER TO regress_owner", @superuser) for qw(item parted part seen kept);
$node->safe_psql('shop', 'ALTER DOMAIN checked OWNER TO regress_owner; ALTER STATISTICS st OWNER TO regress_owner', @superuser);
$node->safe_psql('shop', $_, @superuser)
  for split /\n/, $node->safe_psql('shop', q(SELECT format('ALTER ROUTINE %s OWNER TO regress_owner', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'trap'::regnamespace AND proname !~ '^(definer|c_code|perl|on_ddl)$'), @superuser);
$node->safe_psql('postgres', "ALTER DATABASE shop SET $_; ALTER ROLE regress_owner IN DATABASE shop SET $_", @superuser)
  for 'search_path = public, trap, pg_catalog', "session_preload_libraries = 'auto_explain'", "dynamic_library_path = '$marker:\$libdir'";

# The engine goes on as long as somebody uses it, and has another database.
my $engine = "$cache/cmig/engine-" . $node->pg_version->major;
mkdir "$cache/cmig";
mkdir $engine, 0700;
open my $users, '>>', "$engine/users" or die;
flock $users, LOCK_SH or die;
gives(0, 'base', '', 'current');
my @engine = ('psql', '-XAtq', '-h', $engine, '-p', 5432, '-U', 'cmig_engine_superuser');
sub engine { my ($database, $sql) = @_; my ($out, $err); IPC::Run::run([ @engine, '-d', $database, '-c', $sql ], '<', \undef, '>', \$out, '2>', \$err); return $out . $err; }
is(engine('postgres', 'CREATE DATABASE precious'), '', 'another database');
is(engine('precious', "CREATE TABLE t AS SELECT 1 AS x"), '', 'its table');
my $state = "SELECT (SELECT string_agg(rolname, ' ' ORDER BY 1) FROM pg_roles WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR (rolbypassrls AND rolname ~ '^cmig_')), (SELECT string_agg(datname, ' ' ORDER BY 1) FROM pg_database WHERE datname !~ '^cmig_copy_'), (SELECT count(*) FROM pg_auth_members WHERE roleid::regrole::text ~ '^(pg_|cmig_engine_[cos])' AND roleid::regrole::text <> 'cmig_engine_creator'), (SELECT string_agg(concat(sourceline, name), ' ') FROM pg_file_settings WHERE sourcefile ~ 'auto')";
my $before = engine('postgres', $state);

# tried(PLACE, VERB...): runs the verb, and tests that the attempts were made at a place, if
# one is given, that none has succeeded, and that nothing has changed in the engine
my $read = 0;
sub tried
{
	my ($place, @verb) = @_;
	my ($status, $out, $err) = cmig(@verb);
	my $log = substr slurp_file("$engine/log"), $read;
	my %reached = map { $_ => 1 } $log =~ /LOG:  (reached: .*)/g;
	my %places = map { $_ => 1 } $log =~ /LOG:  tried: ([^,]*),/g;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$read += length $log;
	note("status $status; tried at: " . join ', ', sort keys %places);
	ok(!$place || $places{$place}, "@verb: tried in $place") or diag("status $status\noutput: $out\nerrors: $err") if $place;
	is(join("\n", sort keys %reached), '', "@verb: nothing was reached");
	is(join(' ', map { s/.*\///r } grep { !/secret$/ } glob("$marker/*")), '', "@verb: no file");
	unlike($out . $err, qr/permission denied for (schema|function) cmig/, "@verb: the verb itself works");
	return ($status, $out, $err);
}

write_revision('001', '', q(-- message: It's `touch MARKER/title` \! touch MARKER/title :'HOST') =~ s/MARKER/$marker/gr, <<"END_UP", "SELECT trap.attempt('a downgrade');\nDROP TABLE app;");
CREATE TABLE app (id int PRIMARY KEY, n int, CHECK (trap.attempt_now('a check', n) > 0));
COMMENT ON TABLE app IS 'x
\\! touch $marker/revision';
/*
\\! touch $marker/revision
*/
-- `touch $marker/revision`
CREATE TABLE "app
\\! touch $marker/revision" ();
DROP TABLE "app
\\! touch $marker/revision";
SELECT trap.attempt('a revision');
INSERT INTO app VALUES (1, 1);
INSERT INTO item (id) VALUES (1);
DELETE FROM item;
DO \$d\$ BEGIN PERFORM trap.attempt('a DO'); END \$d\$;
END_UP
tried('an index', 'drift');
tried('an index', 'baseline', '-m', 'Found', '--folder', "$dir/other");
tried('an index', 'lint', '--rehearse');
tried('a revision', 'dry-run');
tried('an index', 'round-trip');
tried('an index', 'preflight');
tried('', 'upgrade', 'head', '--sql');
my ($status) = tried('', 'upgrade', '-y');
is($status, 0, 'the upgrade of the database');
write_revision('002', '001', '-- transactional: false', <<'END_UP', "SELECT trap.attempt('a downgrade');");
SELECT trap.attempt('a revision that calls functions of pg_cmig');
CALL cmig.backfill('app', 'n = trap.attempt_now($$a backfill$$, 2)', 'n IS NULL');
CALL cmig.add_check('app', 'is_more', 'trap.attempt_now($$an added check$$, n) > 0');
SELECT trap.attempt('a revision after it');
END_UP
($status) = tried('a revision after it', 'upgrade', '-y');
is($status, 0, 'the upgrade of the database');
tried('an index', 'revision', '--autogenerate', '-m', 'More');
append_to_file('queries.sql', "SELECT trap.attempt_now('a query', 1) FROM app;\n");
tried('an index', 'workload-check', '--queries', 'queries.sql');
tried('an index', 'locate');
tried('an index', 'check', '--target', 'head');
tried('a downgrade', 'downgrade', '-1', '-y', '--dry-run');
tried('', 'downgrade', '-1', '-y');

# what psql would do with it
for my $sql ("\\! touch $marker/command", "SELECT 1;\n\\! touch $marker/command", "SELECT `touch $marker/command`;", "SELECT 1 \\g |touch\t$marker/command", "\\copy (SELECT 1) TO PROGRAM 'touch $marker/command'", "COPY (SELECT 1) TO PROGRAM 'touch $marker/command';", "COPY app FROM PROGRAM 'touch $marker/command';", "COPY app FROM '$marker/secret';", "ALTER SYSTEM SET archive_command = 'touch $marker/archive';", "CREATE EXTENSION dblink;", 'SET SESSION AUTHORIZATION cmig_engine_superuser;')
{
	my ($name) = glob 'migrations/*003*';
	unlink $name if $name;
	write_revision('003', '002', '', $sql, '');
	for my $verb (['dry-run'], [ 'upgrade', '-y' ])
	{
		my ($status) = tried('', @$verb);
		isnt($status, 0, "@$verb of $sql");
	}
}

is(engine('postgres', $state), $before, 'the engine is as before');
is(engine('precious', 'SELECT x FROM t'), "1\n", 'the other database, too');

done_testing();
