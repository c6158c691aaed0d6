# Copyright (c) 2026, the pg_cmig developers

# Without the extension in the database: what others could change.  The tables of the state are
# written only by roles that could do anything anyway; one database does not decide about
# another one; nothing that a database says is taken for what psql or cmig says; the engine
# belongs to the user who runs it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use Fcntl qw(:flock);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $superuser = getpwuid($<);
my ($node, $dir, $cache) = engine_project('engine_trust');
$ENV{PGPASSWORD} = 'not needed';

sub rows { return $node->safe_psql($_[1] // 'shop', $_[0]); }

# the same as a superuser
sub admin { return $node->safe_psql($_[1] // 'shop', $_[0], extra_params => [ '-U', $superuser ]); }

# default privileges
admin('CREATE ROLE regress_app; CREATE SCHEMA app AUTHORIZATION regress_app');
rows("ALTER DEFAULT PRIVILEGES GRANT $_ TO regress_app, PUBLIC") foreach ('ALL ON TABLES', 'ALL ON SCHEMAS');
write_revision('001', '', '', 'CREATE TABLE item (id int, part int[]);', 'DROP TABLE item;');
gives(0, 'at 001', '', 'upgrade', '-y');
my $grants = "SELECT count(*) FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid,
	LATERAL (SELECT grantee FROM aclexplode(relacl) WHERE grantee <> relowner UNION ALL
		SELECT grantee FROM aclexplode(nspacl) WHERE grantee <> nspowner) a WHERE nspname = 'cmig_engine'";
is(rows($grants), '0', 'default privileges do not apply to the tables of the state');

# the engine goes on, which makes the test faster
open my $users, '>>', glob "$cache/cmig/engine-*/users" or die;
flock $users, LOCK_SH or die;

# triggers
admin("GRANT USAGE ON SCHEMA cmig_engine TO regress_app; GRANT TRIGGER ON cmig_engine.journal TO regress_app;
	CREATE FUNCTION app.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''my code runs''; END'; SET ROLE regress_app;
	CREATE TRIGGER \"a'\" BEFORE INSERT ON cmig_engine.journal FOR EACH ROW EXECUTE FUNCTION app.t()");
write_revision('002', '001', '', 'CREATE TABLE part (id int);', 'DROP TABLE part;');
my $refused = '^cmig: cmig_engine.journal has the trigger "a\'"\nDROP TRIGGER "a\'" ON cmig_engine.journal\n$';
gives(3, '', $refused, 'upgrade', '-y');
gives(3, '', $refused, 'stamp', '001');
rows('DROP TRIGGER "a\'" ON cmig_engine.journal; REVOKE TRIGGER ON cmig_engine.journal FROM regress_app');
gives(0, 'at 002', '', 'upgrade', '-y');

# the log of DDL
my (undef, $script) = cmig('ddl-script', 'log');
admin($script);
is(rows("SELECT string_agg(DISTINCT privilege_type, ',') FROM pg_class, aclexplode(relacl)
	WHERE oid = 'cmig_engine_ddl.ddl_log'::regclass AND grantee NOT IN (relowner, 'regress_owner'::regrole)"), '', 'nor to the log of DDL');
# no setting of a session changes what its patterns mean
(undef, $script) = cmig('ddl-script', 'deny');
admin($script);
$node->psql('shop', "SET standard_conforming_strings = " . (string_styles($node))[-1] . ";\nCREATE INDEX CONCURRENTLY denied ON item (id);");
is(rows("SELECT to_regclass('denied')"), '', 'an index that is created concurrently is denied before it exists');
admin("DROP EVENT TRIGGER $_") foreach qw(cmig_engine_start cmig_engine_end cmig_engine_drop);

# tables of other tools decide where the first run begins, but only if they belong to the same roles;
# nor does a run begin at base then
admin('CREATE DATABASE other OWNER regress_owner');
admin("GRANT CREATE ON SCHEMA public TO regress_app; SET ROLE regress_app;
	CREATE TABLE public.cmig_version (version_num varchar(32) PRIMARY KEY); INSERT INTO public.cmig_version VALUES ('001');
	GRANT SELECT ON public.cmig_version TO regress_owner", 'other');
my $doubt = 'the table cmig_version is not trusted, because it belongs to role regress_app\n.*ALTER TABLE public.cmig_version OWNER TO CURRENT_USER. If not: cmig stamp base';
gives(0, 'base', "^WARNING:  $doubt", '-d', 'other', 'current');
gives(3, '^$', "^cmig: $doubt", '-d', 'other', @$_) for [ 'upgrade', '-y' ], [ 'script' ];
gives(0, 'at base', '', '-d', 'other', 'stamp', 'base');
gives(0, 'at 002', '', '-d', 'other', 'upgrade', '-y');
is($node->safe_psql('other', "SELECT to_regclass('item') IS NOT NULL"), 't', 'all revisions have run');
admin('DROP SCHEMA cmig_engine CASCADE; DROP TABLE item, part; ALTER TABLE cmig_version OWNER TO regress_owner', 'other');
gives(0, 'at 002', 'begins with the state in cmig_version: 001', '-d', 'other', 'upgrade', '-y');

# who cannot read or write the state, and a state that is not whole
admin('CREATE ROLE regress_second LOGIN');
my $hint = "Connect as the role that has run the revisions, regress_owner. To use this one, as an administrator: (GRANT regress_owner TO regress_second)\n\$";
gives(3, '', "^cmig: the role may not read the tables in schema cmig_engine\n$hint", '-U', 'regress_second', 'current');
rows('GRANT USAGE ON SCHEMA cmig_engine TO regress_second; GRANT SELECT ON ALL TABLES IN SCHEMA cmig_engine TO regress_second');
gives(0, '002', '^$', '-U', 'regress_second', 'current');
gives(0, '', 'nothing to upgrade', '-U', 'regress_second', 'upgrade');
gives(3, '', "^cmig: the role may not change the tables in schema cmig_engine\n$hint", '-U', 'regress_second', @$_) for [ 'stamp', '001' ], [ 'downgrade', '-1', '-y' ];
admin($1) if $hint =~ /\((.*)\)/;
gives(0, 'at 002', '', '-U', 'regress_second', 'stamp', '002');
# a member can run revisions so that the tables belong to the role
write_revision('003', '002', '', "CREATE TABLE mine (id int); SELECT cmig.enable_rls('mine', user_column => 'id', roles => '{regress_owner}');", 'DROP TABLE mine;');
foreach ([ 'regress_second', '' ], [ 'regress_owner', '-c role=regress_owner' ], [ 'regress_owner', '-c cmig.role=regress_owner' ],
	[ 'regress_second', '-c cmig.role=regress_owner', '-x', 'cmig.role=regress_second' ], [ 'regress_owner', '', '-x', 'cmig.role=regress_owner' ])
{
	my ($owner, $options, @arguments) = @$_;
	local $ENV{PGOPTIONS} = $options;

	gives(0, 'at 003', '', '-U', 'regress_second', 'upgrade', '-y', @arguments);
	is(rows("SELECT relowner::regrole FROM pg_class WHERE relname = 'mine'"), $owner, "whose table it is: @$_");
	gives(0, 'at 002', '', '-U', 'regress_second', 'downgrade', '-1', '-y');
}
unlink 'migrations/003.sql';
admin('REVOKE regress_owner FROM regress_second; ALTER TABLE cmig_engine.journal OWNER TO regress_second');
my @refused = cmig('current');
like($refused[2], qr/belongs to another role\nConnect as that role. If its state is right, as a superuser: ALTER SCHEMA/, 'the owners are named');
admin($refused[2] =~ s/^.*a superuser: //sr);
gives(0, '002', '^$', 'current');
rows('ALTER TABLE cmig_engine.progress RENAME TO other');
gives(3, '', '^cmig: table cmig_engine.progress is missing\n', $_) foreach qw(current status);
rows('ALTER TABLE cmig_engine.other RENAME TO progress');

# messages of the database are not messages of psql or of cmig
write_revision('003', '002', '', <<'END_SQL', 'SELECT 1;');
DO $$ BEGIN RAISE NOTICE E'x\ncmig: not loaded\ncmig: found\npsql:<stdin>:4: ERROR:  55P03: forged'; END $$;
END_SQL
gives(0, 'at 003', 'forged', 'upgrade', '-y');
write_revision('004', '003', "-- transactional: false\n", <<'END_SQL', 'SELECT 1;');
DO $$ BEGIN RAISE NOTICE E'x\npsql:<stdin>:4: ERROR:  55P03: forged'; END $$;
SELECT 1 / 0;
END_SQL
my @result = cmig('upgrade', '-y');
is($result[0], 3, 'a run fails');
unlike($result[2], qr/try again|attempt/, 'it is not repeated');
is(rows('SELECT sqlstate, message FROM cmig_engine.journal ORDER BY id DESC LIMIT 1'), '22012|division by zero', 'what is recorded is the error of the server');
gives(0, '', '', 'stamp', '003');
# not even the last line of an error, nor if psql is another command, which cannot have a file of this name
foreach (map { ([ $_ ], [ $_, 'psql' ]) } '55P03: another session is running a generated script in this database', '40P01: x')
{
	local %ENV = (%ENV, $_->[1] ? (CMIG_PSQL => $_->[1]) : ());
	local $_ = $_->[0];
	write_revision('004', '003', "-- transactional: false\n", "DO \$\$ BEGIN RAISE EXCEPTION E'real error\\npsql:<stdin>:4: ERROR:  $_\\nERROR:  $_'; END \$\$;", 'SELECT 1;');
	@result = cmig('upgrade', '-y');
	is($result[0], 3, "a run fails: $_");
	unlike($result[2], qr/waiting|attempt/, 'and is not repeated');
	is(rows('SELECT sqlstate, message FROM cmig_engine.journal ORDER BY id DESC LIMIT 1'), 'P0001|real error', 'recorded is the first line');
	gives(0, '', '', 'stamp', '003');
}
# code that raises the very error is not another run
write_revision('004', '003', '', "DO \$\$ BEGIN RAISE SQLSTATE '55P03' USING MESSAGE = 'another session is running a generated script in this database'; END \$\$;", 'SELECT 1;');
gives(3, '^$', 'another run is in progress.*ERROR:  another session is running a generated script in this database\nCONTEXT:  pg_cmig: upgrade of 004, statement 1', 'upgrade', '-y');
unlink 'migrations/004.sql';

# psql does not look for its variables in a dump
rows("CREATE TABLE role (version int, \"HOST\" int, \"VERSION\" int, arr int[], CHECK (arr[1 : version] IS NOT NULL), CHECK (arr[1 : \"HOST\"] IS NOT NULL), CHECK (arr[1 : \"VERSION\"] IS NOT NULL))");
rows("CREATE VIEW slices AS SELECT arr[1 : role.version] FROM role");
gives(0, 'at 004', '^the database already', 'capture', '-m', 'slices', '--rev-id', '004');
my $captured = slurp_file(glob 'migrations/004*.sql');
like($captured, qr/^(?=.*arr\[1:version\])(?=.*arr\[1:"VERSION"\]).*arr\[1:"HOST"\]/s, 'slices of arrays are copied');
like($captured, qr/CREATE VIEW public\.slices/, 'in views, too');
unlike($captured, qr/^DROP VIEW.*cmig:downgrade/ms, 'and nothing is dropped');

# what cannot be copied is not recorded as dropped
gives(0, '', '', 'load');
rows('CREATE TABLE sets ("ERROR" int, arr int[], CHECK (arr[1 : "ERROR"] IS NOT NULL))');
gives(3, '', 'not copied into the engine.*could not be copied into the engine as a whole\n.*cmig revision -m', 'capture', '-m', 'odd');
rows('DROP TABLE sets');
rows("CREATE FUNCTION public.broken(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END'; CREATE TABLE odd (a int, b int GENERATED ALWAYS AS (public.broken(a)) STORED)");
admin("UPDATE pg_proc SET provolatile = 'v' WHERE proname = 'broken'");
gives(3, '', 'not copied into the engine.*could not be copied into the engine as a whole\n.*cmig revision -m', 'capture', '-m', 'odd');
rows('DROP TABLE odd; DROP FUNCTION broken');

# nor is what looks like an error that is expected
rows(<<'END_SQL');
CREATE FUNCTION hide(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_database() ~ '^cmig' THEN
		EXECUTE format('CREATE EVENT TRIGGER "%s" ON sql_drop EXECUTE FUNCTION hide()', $1);
	END IF;
	RETURN 1;
END $$;
CREATE INDEX hidden ON item ((hide(1) + id));
CREATE FUNCTION hide_by_raise(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_database() ~ '^cmig' THEN
		RAISE EXCEPTION E'event trigger "x"
LOCATION:  CreateEventTrigger, event_trigger.c:1';
	END IF;
	RETURN 1;
END $$;
CREATE INDEX hidden_by_raise ON item ((hide_by_raise(1) + id));
CREATE FUNCTION hide_by_psql(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_database() ~ '^cmig' THEN
		RAISE EXCEPTION E'event trigger "y"
LOCATION:  CreateEventTrigger, event_trigger.c:1
psql:<stdin>:1: WARNING:  y';
	END IF;
	RETURN 1;
END $$;
CREATE INDEX hidden_by_psql ON item ((hide_by_psql(1) + id));
END_SQL
gives(1, '', '(?s)(not copied into the engine: .*){3}', 'drift');
rows('DROP INDEX hidden, hidden_by_raise');
gives(3, '', 'could not be copied into the engine as a whole\n', 'capture', '-m', 'hidden');
rows('DROP FUNCTION hide, hide_by_raise, hide_by_psql CASCADE; TRUNCATE item');

# Code that runs while a schema is copied only reads: a role that may create tables changes nothing of others
# in the copy, whose scripts then run in the database, and ends no session.
{
	admin('CREATE ROLE regress_eve LOGIN; GRANT CREATE ON DATABASE shop TO regress_eve; CREATE TABLE secret (id bigint, tenant text); ALTER TABLE secret OWNER TO regress_owner');
	my $eve = sub { return $node->safe_psql('shop', $_[0], extra_params => [ '-U', 'regress_eve' ]) };
	$eve->(<<'END_SQL');
CREATE SCHEMA eve;
GRANT USAGE ON SCHEMA eve TO PUBLIC;
CREATE FUNCTION eve.equal(bigint, integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE OPERATOR eve.= (LEFTARG = bigint, RIGHTARG = integer, FUNCTION = eve.equal);
CREATE FUNCTION eve.act(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF current_database() ~ '^cmig_copy_' THEN
		EXECUTE what;
	END IF;
END $$;
CREATE FUNCTION eve.go(what text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM eve.act(what); RETURN true; END $$;
CREATE TABLE eve.parted (k int) PARTITION BY LIST (k);
CREATE SEQUENCE eve.counted;
GRANT SELECT ON eve.counted TO PUBLIC;
END_SQL
	write_revision('005', '004', '', "SELECT cmig.enable_rls_schema('public', tenant_column => 'tenant', roles => '{regress_eve}');", "SELECT cmig.disable_rls('secret');");
	foreach my $act ('DROP TABLE public.secret', "ALTER TABLE public.secret ALTER tenant SET DEFAULT eve.go(''x'')",
		'SET TRANSACTION READ WRITE; DROP TABLE public.secret', 'SELECT pg_terminate_backend(pg_backend_pid())',
		"EXPLAIN ANALYZE CREATE TABLE public.made AS SELECT 1 AS id, ''x'' AS tenant", "SELECT nextval(''eve.counted'')")
	{
		$eve->("CREATE TABLE eve.part (k int CHECK (eve.go('$act'))); ALTER TABLE eve.parted ATTACH PARTITION eve.part FOR VALUES IN (1); GRANT SELECT ON ALL TABLES IN SCHEMA eve TO PUBLIC");
		gives(0, 'at 005', 'not copied into the engine: ', 'upgrade', '-y');
		is(rows("SELECT relrowsecurity, (SELECT count(*) FROM pg_attrdef WHERE adrelid = c.oid), obj_description(p.oid) ~ 'eve[.]' FROM pg_class c JOIN pg_policy p ON polrelid = c.oid WHERE relname = 'secret' LIMIT 1"),
			't|0|f', "it is as if this had not run: $act");
		gives(0, 'at 004', '', 'downgrade', '-y', '-1');
		$eve->('DROP TABLE eve.part');
	}
	admin('ALTER ROLE regress_eve BYPASSRLS');
	gives(0, 'at 005', 'row-level security does not apply to role "regress_eve"', 'upgrade', '-y');
	gives(0, 'at 004', '', 'downgrade', '-y', '-1');
	# nor do settings remain, also not those of a built-in function in a domain, or of a cursor that lasts
	admin('DROP TABLE secret');
	unlink 'migrations/005.sql';
	write_revision('005', '004', '', 'CREATE TABLE checked (id bigint CHECK (id = 1));', 'DROP TABLE checked;');
	gives(0, 'at 005', '', 'upgrade', '-y');
	$eve->("CREATE DOMAIN eve.pinned AS text CHECK (set_config('search_path', 'eve, pg_catalog', false) <> ''); CREATE FUNCTION eve.later(eve.pinned, text) RETURNS eve.pinned IMMUTABLE LANGUAGE sql AS 'SELECT \$1';
		CREATE AGGREGATE eve.total (text) (SFUNC = eve.later, STYPE = eve.pinned, INITCOND = 'x')");
	gives(0, 'no drift', '', 'drift');
	$eve->(q{CREATE DOMAIN eve.held AS text CHECK (eve.go('DECLARE held CURSOR WITH HOLD FOR SELECT set_config(''search_path'', ''eve, pg_catalog'', false)'));
		CREATE FUNCTION eve.held(eve.held, text) RETURNS eve.held IMMUTABLE LANGUAGE sql AS 'SELECT $1'; CREATE AGGREGATE eve.held (text) (SFUNC = eve.held, STYPE = eve.held, INITCOND = 'x')});
	gives(0, 'no drift', 'not copied into the engine: code of a schema cannot run commands', 'drift');
	gives(0, 'at 004', '', 'downgrade', '-y', '-1');
	unlink 'migrations/005.sql';
	admin('DROP SCHEMA eve CASCADE; DROP OWNED BY regress_eve; DROP ROLE regress_eve');
}

# What code of a schema takes of the machine meanwhile is limited: time, also of many statements, memory,
# temporary files, and what it writes into the log and into messages.
{
	admin(q{CREATE ROLE regress_copier LOGIN; ALTER ROLE regress_copier SET session_preload_libraries = 'pg_cmig';
		ALTER ROLE regress_copier SET cmig_client.copies = on; ALTER ROLE regress_copier SET log_min_messages = debug1});
	admin('CREATE DATABASE cmig_copy_1 OWNER regress_copier');
	my ($out, $err, $offset) = ('', '', -s $node->logfile);
	my $copy = sub {
		$node->psql('cmig_copy_1', $_[0], stdout => \$out, stderr => \$err, on_error_stop => 0,
			extra_params => [ '-U', 'regress_copier', '-v', 'VERBOSITY=default' ]);
	};
	$copy->(q{SET client_min_messages = debug1;
		DO $$ BEGIN FOR i IN 1 .. 3000 LOOP RAISE LOG 'into the log'; RAISE DEBUG 'for the shell'; RAISE NOTICE 'for the shell'; END LOOP; RAISE WARNING 'for the shell'; END $$;
		DO $$ BEGIN RAISE EXCEPTION E'a\nb%', repeat('c', 5000) USING DETAIL = E'd\ne', TABLE = E'f\ng'; END $$;});
	like($err, qr/^psql:<stdin>:3: ERROR:  a\?bc{1997}\nDETAIL:  d\?e\nCONTEXT:  .*\n?\z/, 'an error has short lines of psql, and is the only message');
	my $log = slurp_file($node->logfile, $offset);
	my $logged = () = $log =~ /LOG:  into the log/g;
	ok($logged > 0 && $logged <= 2000 && $log !~ /:  for the shell|ERROR:  a/, 'a part of that is in the log');
	$copy->(q{SET statement_timeout = '400ms';} . q{DO $$ BEGIN PERFORM pg_sleep(0.2); END $$;} x 30);
	like($err, qr/FATAL:  slow statements take more than 2 seconds together, such as: DO /, 'slow statements share a limit');
	SKIP:
	{
		skip 'no /proc', 1 unless -e '/proc/self/limits';
		my $session = $node->background_psql('cmig_copy_1', extra_params => [ '-U', 'regress_copier' ]);
		my $pid = $session->query_safe('SELECT pg_backend_pid()');
		like(slurp_file("/proc/$pid/limits"), qr/^Max data size +2147483648 +2147483648 /m, 'memory is limited');
		$session->quit;
	}
	admin('DROP DATABASE cmig_copy_1');
	admin('DROP ROLE regress_copier');
	my ($engine) = glob "$cache/cmig/engine-*";
	my ($limited) = run_command([ 'psql', '-XAt', '-h', $engine, '-p', '5432', '-U', 'cmig_engine_superuser', '-d', 'postgres', '-c',
		"SELECT rolconfig @> '{temp_file_limit=1GB,log_min_messages=debug1}' FROM pg_roles WHERE rolname = 'cmig_engine_copier'" ]);
	is($limited, 't', 'temporary files are limited');
}

# passwords that a schema contains are not in the log of the engine
{
	admin("CREATE SUBSCRIPTION gone CONNECTION 'host=nowhere password=regress_secret' PUBLICATION p WITH (connect = false)");
	gives(1, '', 'not copied into the engine: (?:must be superuser|permission denied) to create subscription', '-U', $superuser, 'drift');
	unlike(slurp_file($_), qr/regress_secret/, 'no password is in the log') foreach glob "$cache/cmig/engine-*/log";
	admin('ALTER SUBSCRIPTION gone SET (slot_name = NONE); DROP SUBSCRIPTION gone');
}

# A session that ends before all was copied: nothing is taken for what is missing then.
{
	my ($psql) = grep { -x } map { "$_/psql" } split /:/, $ENV{PATH};
	mkdir "$dir/bin";
	append_to_file("$dir/bin/psql", <<"END_BASH");
#!/bin/bash
[ "\$PGUSER" = cmig_engine_copier ] || exec '$psql' "\$@"
head -n 40 | '$psql' "\$@"
exit 2
END_BASH
	chmod 0755, "$dir/bin/psql";
	local $ENV{PATH} = "$dir/bin:$ENV{PATH}";
	gives(3, '', '^cmig: the copy of the schema ended before its end\nRepeat the command', @$_) foreach [ 'capture', '-m', 'lost' ], [ 'drift' ], [ 'lint' ];
	admin('CREATE DATABASE fourth OWNER regress_owner');
	rows("CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('001')", 'fourth');
	gives(3, '^$', '^cmig: the copy of the table public.alembic_version ended before its end\n', @$_, '-d', 'fourth') foreach [ 'current' ], [ 'upgrade', '-y' ];
}
gives(0, '001', 'begins with the state in alembic_version: 001', 'current', '-d', 'fourth');
rows("ALTER TABLE alembic_version ADD CHECK (current_database() !~ '^cmig_copy')", 'fourth');
gives(3, '^$', '^cmig: the rows of the table public.alembic_version could not be copied into the engine\n', 'upgrade', '-y', '-d', 'fourth');

# a program of the user connects with the user's database
append_to_file('target.sh', "env | grep '^PG' >environment\npg_dump -s shop --schema public | grep -v restrict\n");
gives(0, '', '', 'diff', '--target', 'sh target.sh', '--schemas', 'public', '--exclude', 'public.cmig_version');
my $environment = slurp_file('environment');
like($environment, qr/^PGUSER=regress_owner$/m, 'the target is printed as the user');
unlike($environment, qr/engine/, 'and knows nothing of the engine');

# the environment of the engine's server
SKIP:
{
	my ($pid) = (slurp_file(glob "$cache/cmig/engine-*/data/postmaster.pid")) =~ /^(\d+)/;
	skip 'there is no /proc', 1 if !-r "/proc/$pid/environ";
	unlike(slurp_file("/proc/$pid/environ"), qr/\0(?:PGPASSWORD|PGUSER|PGHOST|DATABASE_URL)=/, 'no connection of the user is in it');
}

# the file with slices runs, too
admin('CREATE DATABASE third OWNER regress_owner');
gives(0, 'at 004', '', '-d', 'third', 'upgrade', '-y');

# Code of one database, which runs in the engine before it is recorded, changes the settings of
# the database of another call
foreach my $setting ("cmig.search_path = 'evil'", "search_path = 'evil'", "datestyle = 'German'", "cmig.lock_timeout = '1h'")
{
	my $name = 'evil' . ($setting =~ tr/a-z//cdr);
	admin("CREATE DATABASE $name OWNER regress_owner");
	rows('CREATE SCHEMA evil', $name);
	write_revision('005', '004', "-- transactional: false\n", <<"END_SQL", 'SELECT 1;');
CALL cmig.add_check('item', 'item_check', 'id > 0');
DO \$\$
DECLARE
	name text;
BEGIN
	IF current_database() ~ '^cmig_copy_' THEN
		RESET ROLE;
		FOR i IN 1 .. 2000 LOOP
			SELECT datname INTO name FROM pg_database WHERE datname ~ '^cmig_copy_' AND datname <> current_database();
			EXIT WHEN name IS NOT NULL;
			PERFORM pg_sleep(0.01);
		END LOOP;
		RAISE LOG 'changes %', name;
		EXECUTE format('ALTER DATABASE %I SET $setting', name);
	END IF;
END
\$\$;
END_SQL
	my ($out, $err) = ('', '');
	my $first = IPC::Run::start([ "$CmigNode::top/bin/cmig", 'upgrade', '-y' ], '<', \undef, '>', \$out, '2>', \$err);
	my ($log) = glob "$cache/cmig/engine-*/log";
	my @second = ();
	foreach my $try (1 .. 5)
	{
		@second = cmig('-d', $name, 'upgrade', '-y', '004');
		last if $second[2] =~ /changed settings/ || slurp_file($log) =~ /changes cmig_copy/;
	}
	$first->finish;
	is($node->safe_psql($name, "SELECT count(*) FROM pg_class WHERE relnamespace = 'evil'::regnamespace"), '0', "nothing runs with another $setting")
	  or diag("$second[2]$err");
	ok($second[0] == 0 || $second[2] =~ /code of a database has changed settings of the engine\nHINT:  Repeat the command/, 'and the error is clear') or diag($second[2]);
	cmig('stamp', '004');
	rows('ALTER TABLE item DROP CONSTRAINT IF EXISTS item_check');
	unlink 'migrations/005.sql';
}

# So does the session that records what functions of pg_cmig run, and generates the script: the setting is stored
# just before that begins.
{
	my ($psql) = grep { -x } map { "$_/psql" } split /:/, $ENV{PATH};
	mkdir "$dir/late";
	append_to_file("$dir/late/psql", <<"END_BASH");
#!/bin/bash
'$psql' "\$@"
status=\$?
last='^cmig_engine_owner .*-d (cmig_copy_[0-9]+) -o /dev/null'
[[ "\$PGUSER \$*" =~ \$last ]] &&
	PGUSER=cmig_engine_superuser '$psql' -X -q -c "ALTER DATABASE \${BASH_REMATCH[1]} SET cmig.search_path = 'evil'"
exit \$status
END_BASH
	chmod 0755, "$dir/late/psql";
	write_revision('005', '004', '', "CREATE TABLE placed (id int); SELECT cmig.enable_rls('public.item', user_column => 'id', roles => '{regress_owner}');", 'SELECT 1;');
	local $ENV{PATH} = "$dir/late:$ENV{PATH}";
	gives(3, '^$', 'code of a database has changed settings of the engine\nHINT:  Repeat the command', '-d', 'evilcmigsearchpathevil', 'upgrade', '-y');
	is(rows("SELECT count(*) FROM pg_class WHERE relname = 'placed'", 'evilcmigsearchpathevil'), '0', 'nothing runs');
	unlink 'migrations/005.sql';
}

# The owner of a database creates pg_cmig in it while its schema is about to be copied.  In the copy, the
# extension belongs to the engine, and not to the role that runs code of the owner.
{
	local $ENV{PGDATABASE} = 'grown';
	my @owner = (extra_params => [ '-U', 'regress_app' ]);

	admin('ALTER ROLE regress_app LOGIN');
	admin('CREATE DATABASE grown OWNER regress_app', 'postgres');
	$node->safe_psql('grown', <<'END_SQL', @owner);
CREATE FUNCTION public.f(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_database() ~ '^cmig_copy_' THEN
		RAISE EXCEPTION 'pg_cmig belongs to %', (SELECT pg_get_userbyid(extowner) FROM pg_extension WHERE extname = 'pg_cmig');
	END IF;
	RETURN true;
END $$;
CREATE TABLE public.parted (id int, a int) PARTITION BY LIST (id);
CREATE TABLE public.part (id int, a int, CHECK (a > 0 AND public.f(1)));
ALTER TABLE public.parted ATTACH PARTITION public.part FOR VALUES IN (1);
GRANT SELECT ON public.parted, public.part TO PUBLIC;
END_SQL
	my $holder = $node->background_psql('grown', extra_params => [ '-U', $superuser ]);
	$holder->query_safe('BEGIN; LOCK TABLE public.part');
	my ($out, $err) = ('', '');
	my $first = IPC::Run::start([ "$CmigNode::top/bin/cmig", 'drift' ], '<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('grown', 'SELECT count(*) > 0 FROM pg_locks WHERE NOT granted') or die;
	$node->safe_psql('grown', 'CREATE EXTENSION pg_cmig', @owner);
	$holder->query_safe('COMMIT');
	$holder->quit;
	$first->finish;
	like($err, qr/pg_cmig belongs to cmig_engine_owner\n/, 'the extension belongs to the engine');
}

# a server whose messages are not in English
SKIP:
{
	skip 'there is no German locale', 3 if system("localedef -i de_DE -f UTF-8 '$dir/de_DE.UTF-8' >/dev/null 2>&1") != 0;
	local $ENV{LOCPATH} = $dir;
	$node->append_conf('postgresql.conf', "lc_messages = 'de_DE.UTF-8'");
	$node->restart;
	my ($ret, $out, $err) = $node->psql('shop', 'SELECT 1 / 0');
	skip 'the server has no translations', 3 if $err !~ /Division durch/;
	write_revision('005', '004', "-- transactional: false\n", "DO \$\$ BEGIN RAISE NOTICE 'note'; END \$\$;\nSELECT 1 / 0;", 'SELECT 1;');
	gives(3, '', '^(?!.*ERROR: +note).*\bnote\n.*ERROR:  Division durch Null\nCONTEXT:  pg_cmig: upgrade of 005, statement 2', 'upgrade', '-y');
	is(rows('SELECT sqlstate, message FROM cmig_engine.journal ORDER BY id DESC LIMIT 1'), '22012|Division durch Null', 'the failure is recorded');
	gives(0, '', '', 'stamp', '004');
	write_revision('005', '004', '', 'ALTER TABLE item ADD c int;', 'SELECT 1;');
	my $other = $node->background_psql('shop');
	$other->query_safe('BEGIN; LOCK TABLE item');
	gives(3, '', 'attempt 1 of 3.*blocked|DETAIL', 'upgrade', '-y', '-x', 'cmig.lock_timeout=200ms', '-x', 'cmig.lock_retries=2');
	$other->quit;
	unlink 'migrations/005.sql';

	# an engine whose messages are not in English: what is not copied is not recorded as dropped
	my $engine = new_node('german', "lc_messages = 'de_DE.UTF-8'");
	$engine->start;
	$engine->safe_psql('postgres', 'CREATE ROLE cmig_engine SUPERUSER LOGIN', extra_params => [ '-U', $superuser ]);
	$engine->safe_psql('postgres', "ALTER ROLE $superuser RENAME TO other", extra_params => [ '-U', 'cmig_engine' ]);
	my @german = ('--engine', 'postgresql://cmig_engine@/postgres?host=' . $engine->host . '&port=' . $engine->port);
	admin('CREATE EXTENSION citext; CREATE SCHEMA moved; CREATE EXTENSION hstore SCHEMA moved');
	gives(0, 'no drift', '^(?!.*not copied).*no applied revision has created.*citext, hstore', 'drift', @german);
	rows("CREATE FUNCTION broken(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END'; CREATE TABLE odd (a int, b int GENERATED ALWAYS AS (broken(a)) STORED)");
	admin("UPDATE pg_proc SET provolatile = 'v' WHERE proname = 'broken'");
	gives(3, '', 'not copied into the engine: generation.*could not be copied into the engine as a whole\n', 'capture', '-m', 'odd', @german);
	rows('DROP TABLE odd; DROP FUNCTION broken');
}

# the folder of the engine
{
	local $ENV{XDG_CACHE_HOME} = "$dir/\$(touch ran)";
	gives(2, '', 'contains a special character of the shell', 'current');
	ok(!-e 'ran', 'a shell does not read its name');
}
flock $users, LOCK_UN;
foreach my $case ([ 'cmig', '/' ], [ 'cmig/engine-' . ($node->pg_version->major), '/' ])
{
	my $other = PostgreSQL::Test::Utils::tempdir_short();
	mkdir "$other/cmig" if $case->[0] ne 'cmig';
	symlink $case->[1], "$other/$case->[0]" or die;
	local $ENV{XDG_CACHE_HOME} = $other;
	gives(2, '', 'cmig: the folder .* (cannot be created|belongs to another user, or is a symbolic link)', 'current');
}
{
	my $other = PostgreSQL::Test::Utils::tempdir_short();
	my $folder = "$other/cmig/engine-" . $node->pg_version->major;
	mkdir $_, 0777 or die foreach ("$other/cmig", $folder);
	chmod 0777, "$other/cmig", $folder;
	local $ENV{XDG_CACHE_HOME} = $other;
	gives(0, '', '', 'current');
	is(sprintf('%o', (stat $folder)[2] & 0777), '700', 'others cannot use the engine');
}

done_testing();
