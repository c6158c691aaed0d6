# Copyright (c) 2026, the pg_cmig developers

# The state that lies in the schema cmig_engine of a database without the extension: it moves to
# the extension and back, begins with that of other tools, has a format, and knows what ran.

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
my $cache = PostgreSQL::Test::Utils::tempdir_short();
my $node = new_node('state');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN');
for my $name ('shop', 'alembic', 'older', 'one', 'two', 'flyway') { $node->safe_psql('postgres', "CREATE DATABASE $name OWNER regress_owner"); }
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
@ENV{qw(PGHOST PGPORT PGUSER PGDATABASE XDG_CACHE_HOME)} = ($node->host, $node->port, 'regress_owner', 'shop', $cache);
chdir $dir or die;
mkdir 'migrations';
append_to_file('cmig.conf', "folder = migrations\nengine = local\n");
engine_stays();

sub rows { my ($sql, $database) = @_; return $node->safe_psql($database // 'shop', $sql); }
# with_engine(WHETHER): changes the line in cmig.conf
sub with_engine
{
	IPC::Run::run([ 'sed', '-i', '/^engine/d', 'cmig.conf' ]);
	append_to_file('cmig.conf', "engine = local\n") if $_[0];
}
sub change { my ($file, $from, $to) = @_; my $text = slurp_file($file); $text =~ s/\Q$from\E/$to/ or die; unlink $file; append_to_file($file, $text); }

my $columns = 'id, revision, direction, outcome, started_at, elapsed, role, session_role, application_name, client_address, transaction_id, checksum, search_path, sqlstate, message, statement';
# the state: version rows, and all of the journal
sub state
{
	my ($schema, $version) = $_[0] ? ('cmig_engine', 'version_num') : ('cmig', 'revision');

	return rows("SELECT string_agg($version, ' ' ORDER BY 1) FROM $schema.version") . "\n" . rows("SELECT $columns FROM $schema.journal ORDER BY id");
}
# what status and log show, without the connection's own lines
sub shown { return join('', map { (cmig($_))[1] } 'status', 'log', 'history'); }

write_revision('001', '', '', 'CREATE TABLE person (id int);', 'DROP TABLE person;');
write_revision('002', '001', '-- transactional: false', 'CREATE INDEX CONCURRENTLY person_id ON person (id);', 'DROP INDEX CONCURRENTLY person_id;');
append_to_file('migrations/views.sql', "-- revision: views\n-- repeatable: true\n-- cmig:upgrade\nCREATE OR REPLACE VIEW people AS SELECT id FROM person;\nINSERT INTO person VALUES (7);\n");
append_to_file('migrations/003.sql', "-- revision: 003\n-- down_revision: 002\n-- cmig:upgrade\nALTER TABLE person ADD name text;\n-- cmig:downgrade\nALTER TABLE person DROP name;\n");

# From the engine to the extension, and back.
gives(0, 'at 002', '', 'upgrade', '002', '-y');
gives(0, 'at 003', '', 'upgrade', '-y');
is(rows('SELECT count(*) FROM person'), '1', 'the repeatable revision has run');
my ($before, $screen) = (state(1), shown());
gives(2, '', 'is for a database with the extension\n.*Remove the line "engine"', 'import', 'engine', '--state');
gives(2, '', 'is for a database with the extension\n.*Remove the line "engine"', 'export', 'engine', '--state');
with_engine(0);
rows('CREATE EXTENSION pg_cmig');
rows("SELECT cmig.grant_access('regress_owner', 'owner')");
rows("INSERT INTO cmig_engine.progress VALUES ('003', 'downgrade', 'x', 1, true)");
gives(3, '', 'the downgrade of revision "?003"? was interrupted\nHINT:  Complete it with the engine first: DROP EXTENSION pg_cmig; then: cmig downgrade -1 --engine local\n', 'import', 'engine', '--state');
rows('DELETE FROM cmig_engine.progress');
$node->safe_psql('shop', 'CREATE ROLE regress_stranger; ALTER TABLE cmig_engine.journal OWNER TO regress_stranger; GRANT ALL ON cmig_engine.journal TO regress_owner', extra_params => [ '-U', $superuser ]);
gives(3, '', 'schema cmig_engine or one of its tables belongs to another role\n.*Connect as that role', 'import', 'engine', '--state');
$node->safe_psql('shop', 'ALTER TABLE cmig_engine.journal OWNER TO regress_owner; DROP ROLE regress_stranger', extra_params => [ '-U', $superuser ]);
gives(0, '003 +\| +003', '^$', 'import', 'engine', '--state');
is(state(0), $before, 'all of the state is with the extension');
is(shown(), $screen, 'it shows the same');
gives(0, '', '^nothing to upgrade', 'upgrade', '-y');
gives(3, '', 'has already taken over', 'import', 'engine', '--state');
is(rows('SELECT count(*) FROM person'), '1', 'the repeatable revision does not run again');
change('migrations/001.sql', 'id int', 'id bigint');
gives(3, '', 'applied revision "001" has changed\n.*is now "CREATE TABLE person \(id bigint\);"; when it ran, it was "CREATE TABLE person \(id int\);"', 'load');
change('migrations/001.sql', 'id bigint', 'id int');
# in the meantime
gives(0, 'at 002', '', 'downgrade', '002', '-y');
gives(0, 'at 003', '', 'upgrade', '-y');
($before, $screen) = (state(0), shown());
gives(0, 'at 003', '^HINT:  Then: DROP EXTENSION pg_cmig', 'export', 'engine', '--state');
is(state(1), $before, 'all of the state is back');
gives(0, 'at 003', '', 'export', 'engine', '--state');
rows('DROP EXTENSION pg_cmig');
with_engine(1);
is(shown(), $screen, 'the engine shows the same');
gives(0, '', '^nothing to upgrade', 'upgrade', '-y');
is(rows('SELECT count(*) FROM person'), '2', 'the repeatable revision, which ran after the downgrade, does not run again');
gives(0, 'no drift', '', 'drift');

# An edited file: verbs that look do so, and tell the difference; others refuse.
change('migrations/001.sql', 'id int', 'id bigint');
for my $verb ('status', 'history', 'plan', 'check')
{
	gives(3, $verb eq 'status' ? 'current +003' : '', '^ERROR:  applied revision "001" has changed\n.*Line 5 of "migrations/001\.sql" is now\s.*; when it ran,\s+it\s+was\s+"CREATE TABLE person\s+\(id int\);".*the files could not be loaded', $verb);
}
gives(0, 'upgrade', '^$', 'log');
gives(3, '', 'applied revision "001" has changed', 'upgrade', '-y');
gives(0, '003', '', 'current', '--no-load');
gives(0, 'at 002', '', 'downgrade', '002', '-y', '--no-load');
gives(3, '', 'applied revision "001" has changed', 'load');
gives(0, '001', '', 'load', '--accept-changes');
is(rows("SELECT revision, direction, file ~ 'id bigint' FROM cmig_engine.journal ORDER BY id DESC LIMIT 1"), '001|repair|t', 'the change is recorded');
gives(0, 'at 003', '', 'upgrade', '-y');
change('migrations/views.sql', 'SELECT id', 'SELECT id AS id');
gives(0, 'at 003', 'repeatable views', 'upgrade', '-y');

# A script has the files only if cmig runs it.
my ($status, $script) = cmig('script', 'upgrade', 'base:head');
unlike($script, qr/-- cmig:downgrade/, 'a script to read does not have the files');

# The format of the tables.
rows('UPDATE cmig_engine.format SET number = 3');
gives(3, '', '^cmig: schema cmig_engine has format 3, of a newer version of pg_cmig than 1\.2\nUpdate', 'status');
isnt($node->psql('shop', $script, stderr => \my $errors), 0, 'a script');
like($errors, qr/schema cmig_engine has format 3, but this script is for format 2/, 'looks at the format, too');
rows('UPDATE cmig_engine.format SET number = 2');
sub make_older
{
	rows('DROP TABLE cmig_engine.format; ALTER TABLE cmig_engine.progress DROP objects;
ALTER TABLE cmig_engine.journal DROP elapsed, DROP sqlstate, DROP message, DROP statement, DROP file', 'older');
}
gives(0, 'at 002', '', 'upgrade', '002', '-d', 'older', '-y');
for my $verb ([ 'upgrade', '-y' ], [ 'stamp', '003' ])
{
	make_older();
	gives(0, '002', '', 'current', '-d', 'older');
	is(rows("SELECT to_regclass('cmig_engine.format')", 'older'), '', 'a verb that looks changes nothing');
	gives(0, 'at 003', '', @$verb, '-d', 'older');
	is(rows('SELECT number FROM cmig_engine.format', 'older'), '2', 'the first write has given the tables the new format');
	is(rows("SELECT file ~ '^-- revision: 003\n' FROM cmig_engine.journal WHERE revision = '003' ORDER BY id DESC LIMIT 1", 'older'), 't', 'the file');
	gives(0, 'at 002', '', 'stamp', '002', '-d', 'older');
}
make_older();
with_engine(0);
rows("CREATE EXTENSION pg_cmig", 'older');
rows("SELECT cmig.grant_access('regress_owner', 'owner')", 'older');
gives(0, '002 +\| +002', '', 'import', 'engine', '--state', '-d', 'older');
gives(0, '002', '', 'current', '-d', 'older');
gives(0, 'at 003', '', 'stamp', '003', '-d', 'older');
rows('DROP EXTENSION pg_cmig', 'older');
with_engine(1);
gives(3, '', '^cmig: the extension has taken over the state in schema cmig_engine\n.*cmig export engine --state', 'status', '-d', 'older');
# without the extension, its state is that of then, and the journal goes on
my ($insert) = (cmig('status', '-d', 'older'))[2] =~ /Without it, .*: (INSERT .*\))\. After that, cmig locate .*: cmig stamp <revision>$/m;
rows($insert, 'older');
gives(0, '002', '', 'current', '-d', 'older');
gives(0, 'at 003', '', 'stamp', '003', '-d', 'older');
gives(0, 'stamp .* 003.*upgrade .* 002', '', 'log', '-d', 'older');
is(rows("SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'cmig_engine.progress'::regclass AND attnum > 0 AND NOT attisdropped",
	'older'), 'checksum direction done objects revision statement', 'its tables have the format of its number');

# The state of another tool is the first.
my @alembic = ('-d', 'alembic');
rows("CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('nothing'); CREATE TABLE person (id bigint)", 'alembic');
gives(1, 'not stamped', 'cmig: nothing was recorded, and the table was left as it is\n$', 'import', 'alembic', '--state', @alembic);
mkdir "$dir/empty" or die;
gives(3, '', 'ERROR:  no revisions are loaded, so the state in alembic_version remains\nHINT:  First import', 'stamp', 'head', '--folder', "$dir/empty", @alembic);
is(rows("SELECT to_regnamespace('cmig_engine')", 'alembic'), '', 'what Alembic has recorded is still the state');
rows(q{CREATE SEQUENCE trapped; CREATE FUNCTION trap() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$BEGIN PERFORM nextval('public.trapped'); RETURN true; END$$; CREATE INDEX ON alembic_version ((trap()))}, 'alembic');
gives(3, '', '^cmig: alembic_version is at nothing, which has no file in migrations\n.*cmig import alembic.*cmig stamp <revision>\n$', 'upgrade', '-y', @alembic);
gives(0, 'at base', '^WARNING:  alembic_version is at nothing, which has no file', 'current', @alembic);
rows("UPDATE alembic_version SET version_num = '001'", 'alembic');
rows(q{SELECT setval('trapped', 1, false)}, 'alembic');
gives(0, 'pending +3: 002, 003, views', '^begins with the state in alembic_version: 001\n', 'status', @alembic);
is(rows("SELECT to_regnamespace('cmig_engine'), is_called FROM trapped", 'alembic'), '|f', 'a verb that looks changes nothing, and runs no code of others');
($status, $script) = cmig('upgrade', '--sql', @alembic);
gives(0, 'at 003', '^begins with the state in alembic_version: 001\nno lock_timeout[^\n]*\n[^\n]*\n[^\n]*\nupgrade 001 -> 002\nupgrade 002 -> 003\n', 'upgrade', '-y', @alembic);
is(rows("SELECT string_agg(concat_ws(' ', direction, revision), ', ' ORDER BY id) FROM cmig_engine.journal", 'alembic'), 'stamp 001, upgrade 002, upgrade 003, upgrade views', 'the journal');
gives(0, 'at 001', '^(?!.*begins with)', 'downgrade', '001', '-y', @alembic);
rows('DROP SCHEMA cmig_engine CASCADE; DROP VIEW people', 'alembic');
is($node->psql('alembic', $script, on_error_stop => 1, extra_params => [ '-U', 'regress_owner' ]), 0, 'the script takes it over, too');
gives(0, '003', '^$', 'current', @alembic);

# Files and the state of other tools.
mkdir $_ for 'fly', 'fly/sql';
append_to_file('fly/sql/V1__one.sql', 'CREATE TABLE one (id int);');
append_to_file('fly/sql/V2__two.sql', 'CREATE TABLE two (id int);');
append_to_file('fly/sql/R__views.sql', 'CREATE OR REPLACE VIEW ones AS SELECT id FROM one;');
{
	local $ENV{PGDATABASE} = 'nothing_there';
	gives(0, 'flown/.*1_one\.sql', '', 'import', 'flyway', 'fly', '--to', 'flown');
}
my @flyway = ('-d', 'flyway', '--folder', 'flown');
rows("CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version text, description text, type text, script text, checksum int, installed_by text, installed_on timestamp DEFAULT now(), execution_time int, success boolean);
INSERT INTO flyway_schema_history VALUES (1, '1', 'one', 'SQL', 'V1__one.sql', 1, 'x', now(), 1, true); CREATE TABLE one (id int)", 'flyway');
# a trigger, which is in the copy of the schema, too, does not change the rows there
rows(q{CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER drops BEFORE INSERT ON flyway_schema_history FOR EACH ROW EXECUTE FUNCTION drops()}, 'flyway');
# No code of a role that can create something in public runs as the role that writes in the engine.
$node->safe_psql('flyway', <<'END_SQL', extra_params => [ '-U', $superuser ]);
CREATE ROLE regress_eve;
GRANT CREATE ON SCHEMA public TO regress_eve;
SET ROLE regress_eve;
CREATE FUNCTION public.seen(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_user = 'cmig_engine_owner' THEN
		RAISE EXCEPTION '% as %', $1, current_user;
	END IF;
	RETURN true;
END $$;
CREATE FUNCTION public.same(oid, regclass) RETURNS bool LANGUAGE sql AS $$SELECT public.seen('an operator') AND $1 = $2::oid$$;
CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = public.same);
CREATE TABLE public.schema_version (version text);
CREATE TABLE public.schema_migrations (version varchar(255) PRIMARY KEY);
CREATE INDEX ON public.schema_migrations (version) WHERE public.seen('an index');
GRANT SELECT ON public.schema_version, public.schema_migrations TO PUBLIC;
INSERT INTO public.schema_migrations VALUES ('1');
END_SQL
gives(0, 'flyway', '^(?!.*cmig_engine_owner)', 'import', @flyway);
gives(0, '1 +\|', '^(?!.*cmig_engine_owner)', 'import', 'flyway', '--state', @flyway);
rows('DROP FUNCTION drops() CASCADE', 'flyway');
# Nor does code of hers that cannot be canceled keep it from ending when it counts the rows.
$node->safe_psql('flyway', <<'END_SQL', extra_params => [ '-U', $superuser ]);
CREATE OR REPLACE FUNCTION public.seen(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_query() ~ '^SELECT count\(\*\) FROM public' THEN
		PERFORM xpath('count(//*[count(//*[count(//*)>0])>0])',
			xmlparse(document '<a>' || repeat('<b/>', 6000) || '</a>'));
	END IF;
	RETURN true;
END $$;
END_SQL
eval
{
	# an engine that ends with the call
	local $ENV{XDG_CACHE_HOME} = PostgreSQL::Test::Utils::tempdir_short();
	local $SIG{ALRM} = sub { die "it does not end\n" };
	alarm 2 * $PostgreSQL::Test::Utils::timeout_default;
	gives(3, '', 'the rows of the table public.schema_migrations could not be copied', 'import', @flyway);
	alarm 0;
};
is($@, '', 'a query that cannot be canceled ends');
$node->safe_psql('flyway', 'DROP OWNED BY regress_eve; DROP ROLE regress_eve', extra_params => [ '-U', $superuser ]);
gives(0, '1', '', 'current', @flyway);
is(rows("SELECT string_agg(concat_ws(' ', direction, revision, file ~ 'one'), ', ') FROM cmig_engine.journal", 'flyway'), 'stamp 1 t', 'the journal');
gives(2, '', 'requires the extension.*First record the state without this option.*ALTER TABLE alembic_version RENAME', 'import', 'alembic', '--state', '--version-table', 'rename', @flyway);
gives(0, 'at 2', '-> 2', 'upgrade', '-y', @flyway);

# While somebody has the lock of runs, what an interrupted run has done is not read, and so nothing is recorded.
{
	local $ENV{PGDATABASE} = 'flyway';
	rows("INSERT INTO cmig_engine.progress VALUES ('2', 'downgrade', 'x', 1, true); ALTER TABLE one ADD drifted int", 'flyway');
	my ($holder, $blocker) = map { $node->background_psql('flyway') } 1, 2;
	$holder->query_safe("SELECT pg_advisory_lock(hashtextextended('pg_cmig cmig_engine.version', 0))");
	$blocker->query_safe('BEGIN; LOCK TABLE one');
	my ($out, $err) = ('', '');
	my $capture = IPC::Run::start([ "$CmigNode::top/bin/cmig", 'capture', '-m', 'drift', '--folder', 'flown' ], '<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('flyway', 'SELECT count(*) > 0 FROM pg_locks WHERE NOT granted') or die;
	$holder->quit;
	$blocker->query_safe('COMMIT');
	$blocker->quit;
	$capture->finish;
	like($err, qr/the state of the database has changed\nHINT:  Repeat the command/, 'there is progress that was not read');
	is(rows('SELECT string_agg(version_num, $$ $$) FROM cmig_engine.version', 'flyway'), '2', 'nothing is recorded');
	rows('DELETE FROM cmig_engine.progress; ALTER TABLE one DROP drifted', 'flyway');
	is_deeply([ glob 'flown/*_drift.sql' ], [], 'and no file is written');

	# An application that truncates its tables does not keep an upgrade from running.
	append_to_file('flown/3.sql', "-- revision: 3\n-- down_revision: 2\n-- cmig:upgrade\nSELECT cmig.enable_rls('one', user_column => 'id', roles => '{regress_owner}');\n");
	my $truncated = $node->background_psql('flyway');
	$truncated->query_safe('BEGIN; LOCK TABLE one');
	my $upgrade = IPC::Run::start([ "$CmigNode::top/bin/cmig", 'upgrade', '-y', '--folder', 'flown' ], '<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('flyway', 'SELECT count(*) > 0 FROM pg_locks WHERE NOT granted') or die;
	rows('TRUNCATE two', 'flyway');
	$truncated->query_safe('COMMIT');
	$truncated->quit;
	$upgrade->finish;
	like($out, qr/at 3\n/, 'the upgrade');
	unlike($err, qr/trying again/, 'and nothing is repeated');
}

# Several databases
sub copies { return (run_command([ 'psql', '-XAt', '-h', glob("$cache/cmig/engine-*"), '-p', '5432', '-U', 'cmig_engine_superuser', '-d', 'postgres', '-c', "SELECT datname FROM pg_database WHERE datname ~ '^cmig_copy_'" ]))[0]; }
my $copies = copies();
gives(0, '== one ==.*at 003.*== two ==.*at 003.*one +done.*two +done', '', 'upgrade', '-y', '--databases', 'one,two');
gives(0, 'database +one\n.*database +two\n', '', 'status', '--databases', "SELECT datname FROM pg_database WHERE datname IN ('one', 'two') ORDER BY 1", '-d', 'shop');
is(copies(), $copies, 'and the engine keeps no copies of them');

# The server of the engine is older than that of the database.
append_to_file('psql', "#!/bin/sh\nexec psql \"\$@\" | sed '1s/^[0-9]* f/99 f/'\n");
chmod 0755, 'psql';
{
	local $ENV{CMIG_PSQL} = './psql';
	gives(2, '', '^cmig: upgrade requires an engine of PostgreSQL 99, the version of the database, or later\n', 'upgrade', '-y');
	gives(0, '003', '', 'current');
}

# What cannot run tells what to type.
write_revision('004', '003', '', 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;', '');
gives(3, '', 'SET TRANSACTION ISOLATION LEVEL is not allowed.*\nHINT:  Leave it out\..*LOCK TABLE', 'upgrade', '-y');
rows('CREATE EXTENSION pg_cmig');
with_engine(0);
rows("SELECT cmig.grant_access('regress_owner', 'owner')");
gives(0, '', '', 'import', 'engine', '--state');
gives(3, '', 'SET TRANSACTION ISOLATION LEVEL is not allowed.*\nHINT:  Leave it out\..*LOCK TABLE', 'upgrade', '-y');

done_testing();
