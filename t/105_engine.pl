# Copyright (c) 2026, the pg_cmig developers

# engine = local: cmig upgrades a database that does not have the extension, as an owner
# without superuser.  Runs that are killed, that run at the same time, and tables that
# somebody else has prepared.

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
use Time::HiRes qw(usleep);

my $dir = PostgreSQL::Test::Utils::tempdir();
my $cache = PostgreSQL::Test::Utils::tempdir_short();
my $node = new_node('engine');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN; CREATE ROLE regress_other LOGIN');
for my $name ('shop', 'hostile', 'plain', 'other', q(o'd "d&)) { $node->safe_psql('postgres', 'CREATE DATABASE "' . $name =~ s/"/""/gr . '" OWNER regress_owner'); }
delete @ENV{qw(PGAPPNAME PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGUSER PGDATABASE XDG_CACHE_HOME)} = ($node->host, $node->port, 'regress_owner', 'shop', $cache);
chdir $dir or die;

sub file
{
	my ($id, $parent, $header, @sections) = @_;
	write_revision($id, $parent, "-- message: It's $id\n$header", @sections);
}
sub rows { my ($sql, $database) = @_; return $node->safe_psql($database // 'shop', $sql); }
sub schema { my $out; return IPC::Run::run([ 'pg_dump', '-s', '--no-comments', '-N', 'cmig*', '-d', $_[0] ], '>', \$out) ? $out =~ s/^--.*\n//mgr =~ s/^\n+//mgr =~ s/^CREATE EXTENSION.*\n//mgr =~ s/^\\(un)?restrict.*\n//mgr : 'failed'; }
# the processes of the engine that run
sub processes { return grep { m{\Q$cache\E} } split /\n/, qx(ps -eo args); }
sub ends
{
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default) { return 1 if !processes(); usleep(100_000); }
	return 0;
}

# The first week: nothing of the extension is in the database.
gives(0, '^cmig\.conf\n$', '^$', 'init', '--engine', 'local');
like(slurp_file('cmig.conf'), qr/^engine = local$/m, 'cmig.conf');
file('001', '', '', "CREATE TABLE person (id int PRIMARY KEY, name text DEFAULT 'o''\\\\n');\nSELECT 'a row';", 'DROP TABLE person;');
file('002', '001', '', "ALTER TABLE person ADD CONSTRAINT later UNIQUE (name) DEFERRABLE INITIALLY DEFERRED;\nALTER TABLE person ADD \"m\xc3\xa9l\" text, ADD mail text; -- m\xc3\xa9l; it's\n/* the end */ -- of it",
	"ALTER TABLE person DROP mail, DROP \"m\xc3\xa9l\", DROP CONSTRAINT later;\n-- m\xc3\xa9l");
file('003', '002', "-- transactional: false\n", "SET work_mem = '8MB';\nINSERT INTO person SELECT 1, current_setting('work_mem');\nCREATE INDEX CONCURRENTLY person_mail ON person (mail);",
	"DROP INDEX CONCURRENTLY person_mail;\nDELETE FROM person;");
gives(0, 'base', '^$', 'current');
gives(0, '^database shop is at 002\n$', "^no lock_timeout[^\n]*\n[^\n]*\n[^\n]*\nupgrade base -> 001, It's 001\nupgrade 001 -> 002, It's 002\n\$", 'upgrade', '002');
gives(0, '002 +\| *\|', '^$', 'current');
gives(0, '^database +shop\n.*\npending +1: 003\n(?!.*written by)', '^$', 'status');
gives(0, '003 .*NOT TRANSACTIONAL', '', 'plan');
gives(0, '^database shop is at 003\n$', 'upgrade 002 -> 003', 'upgrade', '-y');
is(rows('SELECT name FROM person'), '8MB', 'the rows');
is(rows("SELECT string_agg(concat(revision, ' ', direction, ' ', role), ', ' ORDER BY id) FROM cmig_engine.journal"),
	'001 upgrade regress_owner, 002 upgrade regress_owner, 003 upgrade regress_owner', 'the journal');
is(rows('SELECT count(*) FROM cmig_engine.progress'), '0', 'nothing is in progress');
is(rows("SELECT count(*) FROM pg_extension WHERE extname = 'pg_cmig'"), '0', 'the database does not have the extension');
gives(0, '', '^nothing to upgrade: database "shop" is at 003\n$', 'upgrade');
gives(0, 'upgrade \| 003 ', '^$', 'log');
gives(0, '003 .*current, head.*002 .*applied.*001 .*applied', '^$', 'history');
gives(0, 'no drift', '^$', 'drift');
rows('ALTER TABLE person ADD by_hand int');
gives(1, 'column +public\.person\.by_hand', '^$', 'drift');
rows('ALTER TABLE person DROP by_hand');
gives(0, '^database shop is at base\n$', 'downgrade 003 -> 002.*downgrade 001 -> base', 'downgrade', 'base', '-y');
is(rows("SELECT to_regclass('person')"), '', 'the downgrade');
gives(0, '^database shop is at 002\n$', '', 'stamp', '002');
gives(0, '^database shop is at base\n$', '', 'stamp', 'base');
is(rows("SELECT count(*) FROM cmig_engine.version"), '0', 'the stamp');
gives(0, '^database o\'d "d& is at 003\n$', '', 'upgrade', '-y', '-d', q(o'd "d&));
gives(0, '', '^nothing to upgrade: database "o\'d "d&" is at 003\n$', 'upgrade', '-d', q(o'd "d&));

# The schema is the same as with the extension.
gives(0, 'at 003', '', 'upgrade', '-y');
$node->safe_psql('plain', 'CREATE EXTENSION pg_cmig');
IPC::Run::run([ 'sed', '-i', '/^engine/d', 'cmig.conf' ]);
$node->safe_psql('plain', "SELECT cmig.grant_access('regress_owner', 'owner')");
gives(0, 'at 003', '', 'upgrade', '-y', '-d', 'plain');
append_to_file('cmig.conf', "engine = local\n");
is(schema('shop'), schema('plain'), 'the schema is the same as with the extension');
gives(2, '', '^cmig: the database has the extension', 'current', '-d', 'plain');

# Literals mean in the engine what they mean in the database.
$node->safe_psql('shop', "ALTER DATABASE shop SET datestyle = 'ISO, DMY'; ALTER ROLE regress_owner IN DATABASE shop SET timezone = 'Asia/Kathmandu'");
file('004', '003', '', "CREATE TABLE dated (d date DEFAULT '05/06/2024', at timestamptz DEFAULT '2024-01-01 00:00');", 'DROP TABLE dated;');
gives(0, 'at 004', '', 'upgrade', '-y');
gives(0, 'no drift', '^$', 'drift');
gives(0, 'at 003', '', 'downgrade', '003', '-y');
$node->safe_psql('shop', 'ALTER DATABASE shop RESET datestyle; ALTER ROLE regress_owner IN DATABASE shop RESET timezone');

# cmig lint tells the same as with the extension: the tables' sizes are read.
file('004', '003', '', "ALTER TABLE person ALTER id TYPE bigint;\nCREATE INDEX ON person (mail);\nALTER TABLE person DROP by_hand;", '');
for my $name ('shop', 'plain')
{
	$node->safe_psql($name, "ALTER TABLE person ADD by_hand text; CREATE VIEW by_view AS SELECT by_hand FROM person; INSERT INTO person (id, name) SELECT n, n || repeat('x', 100) FROM generate_series(2, 30000) n; ANALYZE person");
}
# an engine cannot propose cmig.expand
my @ignore = ('-x', 'cmig.lint_ignore=prefer-expand');
my @lint = cmig('lint', @ignore);
my @rehearsed = cmig('lint', '--rehearse', @ignore);
IPC::Run::run([ 'sed', '-i', '/^engine/d', 'cmig.conf' ]);
is_deeply(\@lint, [ cmig('lint', '-d', 'plain', @ignore) ], 'lint is the same as with the extension');
is_deeply(\@rehearsed, [ cmig('lint', '--rehearse', '-d', 'plain', @ignore) ], 'lint --rehearse, too');
append_to_file('cmig.conf', "engine = local\n");
like($lint[1], qr/about 30000\s+rows, \d+ kB/, 'the size is known') or diag(@lint);

# So does cmig preflight, which looks at the sessions of the database, too.
my @holders = map { my $holder = $node->background_psql($_, extra_params => [ '-U', 'postgres' ]); $holder->query_safe('BEGIN; LOCK TABLE person IN SHARE MODE'); $holder } 'shop', 'plain';
file('004', '003', '', "ALTER TABLE person ALTER id TYPE bigint;\nCREATE INDEX ON person (mail);\nALTER TABLE person DROP by_hand;\nALTER ROLE regress_other SET work_mem = '1MB';\nCREATE EXTENSION nothing;\nSET ROLE regress_other;", '');
# how long past runs took is known only there
my $same = sub { return $_[0] =~ s/session \d+ */session /gr =~ s/^time of past runs.*\n( .*\n)*//mgr; };
my @preflight = cmig('preflight', '-x', 'cmig.lock_timeout=1s');
my @refused = cmig('upgrade', '--preflight', '-y', '-x', 'cmig.lock_timeout=1s');
my @plain = do
{
	IPC::Run::run([ 'sed', '-i', '/^engine/d', 'cmig.conf' ]);
	map { my @result = cmig(@$_, '-x', 'cmig.lock_timeout=1s', '-d', 'plain'); [ map { $same->($_) } @result ] } ['preflight'], [ 'upgrade', '--preflight', '-y' ];
};
append_to_file('cmig.conf', "engine = local\n");
is_deeply([ map { $same->($_) } @preflight ], $plain[0], 'preflight is the same as with the extension');
is_deeply([ map { $same->($_) } @refused ], $plain[1], 'upgrade --preflight, too');
like($preflight[1], qr/session \d+ .*SHARE\s+on\s+person,\s+004\s+needs\s+ACCESS EXCLUSIVE.*disk pg_default +notice: about \d+ MB more for\s+person/s, 'what it says') or diag(@preflight);
is($preflight[0], 1, 'its status');
$_->query_safe('COMMIT; BEGIN; LOCK TABLE person') for @holders;
gives(3, '', 'lock timeout\n.*cannot be read\nProcess \d+ of role \w+ locks public\.person\..*: SELECT pg_terminate_backend\(\d+\)$', 'preflight');
$_->quit for @holders;
unlink 'migrations/004.sql';
for my $name ('shop', 'plain') { $node->safe_psql($name, $_) for 'DROP VIEW by_view', 'ALTER TABLE person DROP by_hand', 'DELETE FROM person WHERE id > 1', 'VACUUM FULL ANALYZE person'; }

# Databases in which other tools keep the state, and one that gets the extension
rows('CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ($$002$$); ALTER TABLE alembic_version OWNER TO regress_owner', 'other');
gives(0, '002', "^begins with the state in alembic_version: 002\n\$", 'current', '-d', 'other');
rows('UPDATE alembic_version SET version_num = $$002;$(id)$$', 'other');
gives(0, 'base', '^WARNING:  alembic_version is at 002;\\$\\(id\\), which has no file in migrations\\nHINT:  cmig stamp <revision>\\n$', 'current', '-d', 'other');
rows('UPDATE alembic_version SET version_num = $$002$$', 'other');
gives(0, 'at 002', '^$', 'stamp', '002', '-d', 'other');
gives(0, '002', '^$', 'current', '-d', 'other');
rows('CREATE EXTENSION pg_cmig', 'other');
rows("SELECT cmig.grant_access('regress_owner', 'owner')", 'other');
IPC::Run::run([ 'sed', '-i', '/^engine/d', 'cmig.conf' ]);
gives(0, '002', '', 'import', 'engine', '--state', '-d', 'other');
gives(0, '002', '', 'current', '-d', 'other');
append_to_file('cmig.conf', "engine = local\n");

# Code of other roles runs while the schema is copied, and cannot change what comes after.
rows('GRANT CREATE ON DATABASE shop TO regress_other');
$node->safe_psql('shop', <<'END_SQL', extra_params => [ '-U', 'regress_other' ]);
CREATE SCHEMA trap;
CREATE FUNCTION trap.settings() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE 'SELECT FROM cmig.heads()';
	EXECUTE 'ALTER ROLE CURRENT_USER SET cmig.search_path = trap, public';
EXCEPTION WHEN others THEN END $$;
CREATE FUNCTION trap.settings(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.settings(); RETURN true; END $$;
CREATE TABLE trap.parted (k int) PARTITION BY LIST (k);
CREATE TABLE trap.part (k int CHECK (trap.settings(1)));
ALTER TABLE trap.parted ATTACH PARTITION trap.part FOR VALUES IN (1);
GRANT USAGE ON SCHEMA trap TO regress_owner;
GRANT SELECT ON ALL TABLES IN SCHEMA trap TO regress_owner;
END_SQL
# the schema of another role is not compared
gives(0, 'no drift', '', 'drift');
my ($drift, $script) = cmig('script', 'upgrade', 'base:head');
ok($script =~ /CREATE TABLE person/ && $script !~ /^SET search_path/m, 'a script depends on no setting that code of other roles has stored') or diag($script);
$node->safe_psql('shop', 'DROP SCHEMA trap CASCADE', extra_params => [ '-U', 'regress_other' ]);

# An error in a transaction changes nothing, and tells the step.
file('004', '003', '', "CREATE TABLE one ();\nSELECT 1 / 0;", '');
gives(3, '', "ERROR:  division by zero\nCONTEXT:  pg_cmig: upgrade of 004, statement 2, line 7 of file \"migrations/004.sql\"\n", 'upgrade');
is(rows("SELECT to_regclass('one'), string_agg(version_num, '') FROM cmig_engine.version"), '|003', 'nothing was changed');
file('004', '003', '', 'SELECT cmig.enable_audit($$person$$);', '');
gives(3, '', 'ERROR:  revision "004" calls cmig\.enable_audit, which requires the extension in the database\n.*cmig audit-script', 'upgrade');
gives(2, '', '^cmig: engine must be local, or a URL', 'current', '--engine', 'docker');
gives(2, '', '^cmig: --probe requires the extension in the database\n', 'lint', '--probe');
gives(2, '', '^cmig: expand requires the extension in the database\n', 'expand');
gives(2, '', '^cmig: --scope requires the extension in the database\n', 'upgrade', '--scope', 'x');
ok(ends(), 'nothing is left running');

# A run that waits for a lock ends, names who has it, and is repeated.
file('004', '003', '', 'ALTER TABLE person ADD waits int;', 'ALTER TABLE person DROP waits;');
my $reader = $node->background_psql('shop');
$reader->query_safe("SET SESSION AUTHORIZATION regress_owner; SET application_name = 'it''s me'; BEGIN; SELECT FROM person /* the query */");
gives(3, '', 'ERROR:  canceling statement due to lock timeout\nDETAIL:  Blocked by process \d+ of role "regress_owner" \(application "it\'s me"\); its transaction has been open for \d+ seconds: .*the query.*\n'
	  . "CONTEXT:  pg_cmig: upgrade of 004, statement 1, line 6 of file \"migrations/004.sql\"\n(?:CONTEXT:  waiting for [^\n]*\n)?attempt 1 of 2; trying again in 200 ms\n.*lock timeout\n.*CONTEXT:[^\n]*\n\$",
	'upgrade', '-x', 'cmig.lock_timeout=1s', '-x', 'cmig.lock_retries=1');
is(rows('SELECT string_agg(version_num, $$ $$) FROM cmig_engine.version'), '003', 'nothing was changed');
append_to_file('cmig.conf', "lock_timeout = 300ms\n");
file('005', '004', '', 'CREATE TABLE after_004 ();', 'DROP TABLE after_004;');
for my $options ([], ['--stepwise'])
{
	my $waiting = { out => '', err => '' };
	$waiting->{run} = IPC::Run::start([ $cmig, 'upgrade', @$options ], '<', \undef, '>', \$waiting->{out}, '2>', \$waiting->{err});
	$waiting->{run}->pump until $waiting->{err} =~ /trying again/;
	$reader->query_safe('COMMIT');
	$waiting->{run}->finish;
	is($waiting->{out}, "database shop is at 005\n", "the run is repeated: @$options") or diag($waiting->{err});
	cmig('downgrade', '003', '-y');
	$reader->query_safe('BEGIN; SELECT FROM person');
}
$reader->query_safe('COMMIT');
# the downgrade of 005 commits, and that of 004 waits
cmig('upgrade', '-y');
$reader->query_safe('BEGIN; SELECT FROM person');
{
	my $waiting = { out => '', err => '' };
	$waiting->{run} = IPC::Run::start([ $cmig, 'downgrade', '003', '-y', '--stepwise' ], '<', \undef, '>', \$waiting->{out}, '2>', \$waiting->{err});
	$waiting->{run}->pump until $waiting->{err} =~ /trying again/;
	is(rows('SELECT string_agg(version_num, $$ $$) FROM cmig_engine.version'), '004', 'a part is done');
	$reader->query_safe('COMMIT');
	$waiting->{run}->finish;
	is($waiting->{out}, "database shop is at 003\n", 'the rest is repeated') or diag($waiting->{err});
}
cmig('upgrade', '-y');
$reader->query_safe('BEGIN; SELECT FROM person');
gives(3, '', '^downgrade 005 -> 004[^\n]*\ndowngrade 004 -> 003[^\n]*\nERROR:  [^\n]* lock timeout\n.*attempt 1 of 11; trying again in 200 ms\n$', 'downgrade', '-2', '-y', '--stepwise');
is(rows('SELECT string_agg(version_num, $$ $$) FROM cmig_engine.version'), '004', 'a relative target is not repeated from another state');
$reader->query_safe('COMMIT');
cmig('downgrade', '003', '-y');

# CREATE INDEX CONCURRENTLY leaves an invalid index, which is built again.
file('004', '003', "-- transactional: false\n", 'CREATE INDEX CONCURRENTLY person_again ON person (id, name);', 'DROP INDEX CONCURRENTLY person_again;');
$reader->query_safe('BEGIN; INSERT INTO person VALUES (-1)');
{
	my $waiting = { out => '', err => '' };
	$waiting->{run} = IPC::Run::start([ $cmig, 'upgrade', '004', '-y' ], '<', \undef, '>', \$waiting->{out}, '2>', \$waiting->{err});
	$waiting->{run}->pump until $waiting->{err} =~ /trying again/;
	$reader->query_safe('ROLLBACK');
	$waiting->{run}->finish;
	is($waiting->{out}, "database shop is at 004\n", 'the index is built again') or diag($waiting->{err});
	unlike($waiting->{err}, qr/partially applied/, 'no warning about what the run itself has begun');
}
is(rows("SELECT string_agg(indisvalid::text, ' ') FROM pg_index WHERE indexrelid = 'person_again'::regclass"), 'true', 'the index is valid');
gives(0, 'at 003', '', 'downgrade', '003', '-y');
file('004', '003', '', 'ALTER TABLE person ADD waits int;', 'ALTER TABLE person DROP waits;');
$node->safe_psql('shop', 'ALTER ROLE regress_owner SET lock_timeout = 300', extra_params => [ '-U', 'postgres' ]);
$reader->query_safe('BEGIN; LOCK TABLE cmig_engine.version IN SHARE MODE');
gives(3, '', 'ERROR:  canceling statement due to lock timeout', 'stamp', '003');
$node->safe_psql('shop', 'ALTER ROLE regress_owner RESET lock_timeout', extra_params => [ '-U', 'postgres' ]);
$reader->quit;

# Behind a pool in transaction mode, a run ends if its session changes.
{
	my $folder = PostgreSQL::Test::Utils::tempdir_short();
	my ($pool, $port) = start_pgbouncer($node, $folder, "pool_mode = transaction\nignore_startup_parameters = extra_float_digits", 'shop user=regress_owner');

	{
		local @ENV{qw(PGHOST PGPORT)} = ($folder, $port);
		gives(0, 'at 005', '', 'upgrade', '-y');
		gives(0, 'at 003', '', 'downgrade', '003', '-y', '--stepwise');
		gives(0, 'at 005', '', 'upgrade', '-y', '--stepwise');
	}
	$pool->signal('INT');
	$pool->finish;
}
cmig('downgrade', '003', '-y');
for my $options ([], ['--transaction-per-revision'])
{
	my (undef, $pooled) = cmig('script', 'upgrade', '003:005', '--version-table', 'cmig_engine.version', @$options);
	my $changed = $pooled =~ s/^(?=BEGIN ISOLATION)/\\connect -\n/mr;
	my $errors;
	is($node->psql('shop', $changed, stderr => \$errors, extra_params => [ '-U', 'regress_owner' ]), @$options ? 3 : 0, 'the session changes before a transaction');
	like($errors, qr/the connection does not have the lock of this run/, 'an error') if @$options;
}
cmig('downgrade', '003', '-y');
unlink 'migrations/005.sql';
IPC::Run::run([ 'sed', '-i', '/^lock_timeout/d', 'cmig.conf' ]);

# A run is killed in each of its statements, and goes on: each statement has run once.
file('004', '003', "-- transactional: false\n", join("\n", 'CREATE TABLE ran (n int);', map { "INSERT INTO ran VALUES ($_);\nCREATE INDEX CONCURRENTLY ran_$_ ON ran ((n + $_ + pg_sleep_of(0.1)));" } 1 .. 4),
	join("\n", map { "DROP INDEX CONCURRENTLY ran_$_;" } 1 .. 4) . "\nDROP TABLE ran;");
rows('CREATE FUNCTION pg_sleep_of(float8) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.pg_sleep($1); RETURN 0; END $$');
rows('GRANT EXECUTE ON FUNCTION pg_sleep_of(float8) TO regress_owner');
my $kills = 0;
for my $delay (map { 300_000 + $_ * 150_000 } 0 .. 11)
{
	my $pid = fork // die;
	if ($pid == 0)
	{
		setpgrp(0, 0);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		exec $cmig, 'upgrade', '-y';
	}
	usleep($delay);
	kill 'KILL', -$pid;
	waitpid $pid, 0;
	$kills++;
	last if rows("SELECT EXISTS (SELECT FROM cmig_engine.version WHERE version_num = '004')") eq 't';
}
$node->poll_query_until('shop', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'cmig'");
my ($status, $output, $errors) = cmig('upgrade', '-y');
is($status, 0, "after $kills kills") or diag($errors);
is(rows('SELECT string_agg(n::text, $$,$$ ORDER BY n) FROM ran'), '1,2,3,4', 'each statement has run once');
is(rows("SELECT count(*) FILTER (WHERE indisvalid), count(*) FROM pg_index WHERE indrelid = 'ran'::regclass"), '4|4', 'all indexes are valid');

# Two runs at the same time: one of them does nothing.
cmig('downgrade', '-1', '-y');
my @both = map { my $result = { out => '', err => '' }; $result->{run} = IPC::Run::start([ $cmig, 'upgrade', '-y' ], '<', \undef, '>', \$result->{out}, '2>', \$result->{err}); $result } 1 .. 2;
$_->{run}->finish for @both;
is(rows('SELECT string_agg(n::text, $$,$$ ORDER BY n) FROM ran'), '1,2,3,4', 'two runs at the same time');

# Roles as those of managed services: the owner of the database can create roles, but is not
# a superuser; a schema of the service cannot be read; the application's schema belongs to
# another role.
my @superuser = (extra_params => [ '-U', 'postgres' ]);
$node->safe_psql('postgres', 'CREATE ROLE regress_master LOGIN CREATEROLE CREATEDB BYPASSRLS; CREATE ROLE regress_app; GRANT regress_app TO regress_master', @superuser);
$node->safe_psql('postgres', 'CREATE DATABASE service OWNER regress_master', @superuser);
$node->safe_psql('service', <<'END_SQL', @superuser);
CREATE SCHEMA auth;
CREATE TABLE auth.users (id bigserial PRIMARY KEY, mail text);
ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
CREATE SCHEMA app AUTHORIZATION regress_app;
CREATE SCHEMA seen;
CREATE TABLE seen.users (id bigint PRIMARY KEY);
GRANT USAGE ON SCHEMA seen TO regress_master;
END_SQL
{
	local @ENV{qw(PGUSER PGDATABASE)} = ('regress_master', 'service');
	mkdir 'service';
	append_to_file('service/001.sql', "-- revision: 001\n-- down_revision:\n-- cmig:upgrade\nCREATE TABLE app.note (id int PRIMARY KEY, body text);\nALTER TABLE app.note ENABLE ROW LEVEL SECURITY;\n-- cmig:downgrade\nDROP TABLE app.note;\n");
	append_to_file('service/002.sql', "-- revision: 002\n-- down_revision: 001\n-- transactional: false\n-- cmig:upgrade\nCREATE INDEX CONCURRENTLY note_body ON app.note (body);\n-- cmig:downgrade\nDROP INDEX CONCURRENTLY app.note_body;\n");
	append_to_file('service/003.sql', "-- revision: 003\n-- down_revision: 002\n-- cmig:upgrade\nCREATE ROLE regress_made;\nGRANT SELECT ON app.note TO regress_made;\n-- cmig:downgrade\nREVOKE ALL ON app.note FROM regress_made;\nDROP ROLE regress_made;\n");
	my @role = ('--folder', 'service', '-x', 'cmig.role=regress_app');
	gives(0, 'at 002', '', 'upgrade', '002', '-y', @role);
	is(rows("SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ' ') FROM pg_class WHERE relnamespace = 'app'::regnamespace", 'service'), 'regress_app', 'the role of the objects');
	is(rows("SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ' ') FROM pg_class WHERE relnamespace = 'cmig_engine'::regnamespace", 'service'), 'regress_master', 'the role of the state');
	gives(0, 'at 003', '', 'upgrade', '-y', '--folder', 'service');
	gives(0, 'no drift', '^$', 'drift', '--folder', 'service', '--schemas', 'app');
	gives(0, 'at base', '', 'downgrade', 'base', '-y', '--folder', 'service');
	is(rows("SELECT count(*) FROM pg_class WHERE relnamespace = 'app'::regnamespace", 'service'), '0', 'the downgrade');
}

# A script that was changed after an interruption, and tables of another role.
rows("INSERT INTO cmig_engine.progress VALUES ('004', 'downgrade', 'another', 1, true)");
gives(3, '', 'WARNING:  revision 004 is partially applied.*ERROR:  statement 1 of revision "004" has changed since it ran', 'downgrade', '-1', '-y');
rows('DELETE FROM cmig_engine.progress');
$node->safe_psql('hostile', 'GRANT CREATE ON DATABASE hostile TO regress_other');
$node->safe_psql('hostile', <<'END_SQL', extra_params => [ '-U', 'regress_other' ]);
CREATE SCHEMA cmig_engine;
CREATE TABLE cmig_engine.version (version_num text);
CREATE TABLE cmig_engine.journal (id bigint, revision text);
CREATE TABLE cmig_engine.progress (revision text, direction text, checksum text, statement int, done boolean);
GRANT ALL ON SCHEMA cmig_engine TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA cmig_engine TO PUBLIC;
END_SQL
gives(3, '', '^cmig: schema cmig_engine or one of its tables belongs to another role\n', 'upgrade', '-y', '-d', 'hostile');
my (undef, $text) = cmig('upgrade', 'base:002', '-y', '--sql', '--version-table', 'cmig_engine.version');
isnt($node->psql('hostile', $text, stderr => \$errors), 0, 'the script');
like($errors, qr/schema cmig_engine or one of its tables belongs to another role/, 'checks the owners, too');
ok(ends(), 'nothing is left running');

done_testing();
