# Copyright (c) 2026, the pg_cmig developers

# Databases without the extension, as managed services have them: an engine on another
# server, and revisions that call functions of pg_cmig.

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
my $node = new_node('managed');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN; CREATE ROLE regress_other LOGIN');
for my $name ('shop', 'far', 'near') { $node->safe_psql('postgres', "CREATE DATABASE $name OWNER regress_owner"); }
$node->safe_psql('near', 'CREATE EXTENSION pg_cmig');
$node->safe_psql('near', "SELECT cmig.grant_access('regress_owner', 'owner')");
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
@ENV{qw(PGHOST PGPORT PGUSER PGDATABASE XDG_CACHE_HOME)} = ($node->host, $node->port, 'regress_owner', 'shop', $cache);
chdir $dir or die;
mkdir 'migrations';
append_to_file('cmig.conf', "folder = migrations\n");
engine_stays();

sub rows { my ($sql, $database) = @_; return $node->safe_psql($database // 'shop', $sql); }

write_revision('001', '', '', 'CREATE TABLE person (id int PRIMARY KEY);', 'DROP TABLE person;');
write_revision('002', '001', '-- transactional: false', 'CREATE INDEX CONCURRENTLY person_again ON person (id);', 'DROP INDEX CONCURRENTLY person_again;');

# The engine is another server: one that is there only for this, with passwords.
{
	my $data = PostgreSQL::Test::Utils::tempdir_short();
	my $url = "postgresql://cmig_engine:o%27d@/postgres?host=$data&port=5433";

	append_to_file("$data/password", "o'd\n");
	system_or_bail('initdb', '-D', "$data/data", '-U', 'cmig_engine', '-A', 'scram-sha-256', '--pwfile', "$data/password", '-N', '-E', 'UTF8', '--no-locale');
	system_or_bail('pg_ctl', '-s', '-w', '-D', "$data/data", '-l', "$data/log", '-o', "-p 5433 -k $data -c listen_addresses=''", 'start');
	gives(0, 'base', '^$', 'current', '--engine', $url);
	gives(0, 'at 002', '', 'upgrade', '-y', '--engine', $url);
	gives(0, 'at 001', '', 'downgrade', '001', '-y', '--engine', $url);
	gives(0, 'no drift', '^$', 'drift', '--engine', $url);
	gives(0, 'at 002', '', 'upgrade', '-y', '--engine', $url);
	# code that runs in the copy, as the role that generates scripts, changes nothing for later calls
	rows(<<'END_SQL');
CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF current_database() ~ '^cmig_copy' THEN
		RESET ROLE;
		EXECUTE format('ALTER ROLE %I SET cmig.search_path = trap', session_user);
		EXECUTE format('ALTER ROLE %I PASSWORD %L', session_user, 'x');
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER trap AFTER UPDATE ON person EXECUTE FUNCTION trap();
END_SQL
	write_revision('003', '002', '', "UPDATE person SET id = id;\nSELECT cmig.enable_rls('person', user_column => 'id', roles => '{regress_other}');", 'SELECT 1;');
	for (1 .. 2)
	{
		my ($status, $script, $errors) = cmig('script', 'upgrade', 'head', '--engine', $url);
		ok($status == 0 && $script =~ /CREATE POLICY/ && $script !~ /trap/, 'the script of a recorded run') or diag($script, $errors);
	}
	# no apostrophe is a part of a character, whatever the encoding of the database's sessions is
	rows("CREATE TABLE \"\xe8\x8c\x85' `touch trap` \" () INHERITS (person); ALTER DATABASE shop SET client_encoding = 'GBK'");
	unlink glob('migrations/003*');
	write_revision('003', '002', '', 'ALTER TABLE person ADD name text;', 'ALTER TABLE person DROP name;');
	gives(0, 'locks on 2 relations', '', 'preflight', '--engine', $url);
	ok(!-e 'trap', 'a name is not a command');
	rows('ALTER DATABASE shop RESET client_encoding; DROP FUNCTION trap() CASCADE');
	rows("DROP TABLE \"\xe8\x8c\x85' `touch trap` \"; ALTER DATABASE shop SET search_path = E'\"a\\tb c\"', public");
	gives(0, 'no drift', '^$', 'drift', '--engine', $url);
	rows('ALTER DATABASE shop RESET search_path');
	unlink glob('migrations/003*');
	{
		local $ENV{PGPASSWORD} = "o'd";
		my @engine = ('psql', '-XAt', '-h', $data, '-p', 5433, '-U', 'cmig_engine', '-d', 'postgres', '-c');
		my $run = sub { my $out; IPC::Run::run([ @engine, $_[0] ], '>', \$out); return $out; };
		is($run->("SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ '^cmig' AND NOT datistemplate"), "\n", 'no copy remains');
		$run->('DROP ROLE regress_other');
		$run->('CREATE ROLE regress_other');
		gives(2, '', 'ERROR:  roles that the database has exist in the engine for another purpose: regress_other\n.*initdb -U cmig_engine', 'drift', '--engine', $url);
		$run->('CREATE ROLE weak LOGIN PASSWORD $$x$$');
	}
	gives(2, '', '^cmig: the role of the engine is not a superuser\n', 'current', '--engine', $url =~ s/cmig_engine:o%27d/weak:x/r);
	gives(4, '', 'password authentication failed.*cmig: the engine cannot be reached', 'current', '--engine', $url =~ s/o%27d/wrong/r);
	gives(2, '', 'percent sign', 'current', '--engine', $url =~ s/o%27d/o%2/r);
	system_or_bail('pg_ctl', '-s', '-w', '-D', "$data/data", '-m', 'immediate', 'stop');
}

# Functions of pg_cmig run as the statements that they run.
unlink glob('migrations/*');
write_revision('001', '', '', <<'END_SQL', 'DROP TABLE note, part, other; DROP SCHEMA tenants CASCADE;');
CREATE TABLE note (id int PRIMARY KEY, user_id int NOT NULL, body text, n int);
CREATE TABLE part (id int PRIMARY KEY, "odd n" int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (20000);
CREATE TABLE part_2 PARTITION OF part DEFAULT;
CREATE TABLE other (id int PRIMARY KEY, label int);
CREATE SCHEMA tenants CREATE TABLE a (id int, user_id int) CREATE TABLE b (id int, user_id int);
INSERT INTO note SELECT g, g, E'it''s \\ $' || g FROM generate_series(1, 30000) g;
INSERT INTO part SELECT g FROM generate_series(1, 30000) g;
INSERT INTO other SELECT g FROM generate_series(1, 30000) g;
END_SQL
write_revision('002', '001', '-- transactional: false', <<'END_UP', <<'END_DOWN');
CREATE TABLE steps (n int);
CALL cmig.backfill('note', $$n = id, body = body || ' it''s'$$, 'n IS NULL', batch_size => 1000);
CALL cmig.backfill('part', '"odd n" = id', '"odd n" IS NULL');
CALL cmig.add_not_null('note', 'n'); -- the comment
CALL cmig.add_check('note', 'positive', 'n > 0');
CALL cmig.add_foreign_key('note', 'n', 'other', on_delete => 'CASCADE');
CALL cmig.add_unique('note', ARRAY['id', 'n'], name => 'twice');
CREATE INDEX CONCURRENTLY later ON note (body);
END_UP
DROP INDEX CONCURRENTLY later;
ALTER TABLE note DROP CONSTRAINT twice, DROP CONSTRAINT note_n_fkey, DROP CONSTRAINT positive, ALTER n DROP NOT NULL;
DROP TABLE steps;
END_DOWN
write_revision('003', '002', '', "SELECT * FROM cmig.enable_rls('note', roles => '{public}', force => false);
SELECT cmig.enable_rls_schema('tenants', roles => ARRAY[current_user::text], force => false);", "SELECT cmig.disable_rls('note');\nSELECT cmig.disable_rls('tenants.a'); SELECT cmig.disable_rls('tenants.b');");
sub dump_of { my $out; return IPC::Run::run([ 'pg_dump', '-x', '--no-comments', '-N', 'cmig*', '-d', $_[0] ], '>', \$out) ? $out =~ s/^--.*\n//mgr =~ s/^\n+//mgr =~ s/^CREATE EXTENSION.*\n//mgr =~ s/^\\(un)?restrict.*\n//mgr : 'failed'; }
# are the schemas and rows of both databases the same, in any order?
sub same
{
	my (%lines, @other);

	for my $name ('far', 'near') { $lines{$_} += $name eq 'far' ? 1 : -1 for split /\n/, dump_of($name); }
	@other = sort grep { $lines{$_} } keys %lines;
	is(join("\n", @other[0 .. (@other < 20 ? $#other : 20)]), '', $_[0]);
}
my @far = ('--engine', 'local', '-d', 'far');
my $no_limit = 'no lock_timeout[^\n]*\nHINT:[^\n]*\n[^\n]*\n';
gives(0, 'at 003', '', 'upgrade', '-y', '-d', 'near');
gives(0, 'at 003', "^${no_limit}upgrade base -> 001\nupgrade 001 -> 002\n(backfill of [^\n]* rows\n){3}upgrade 002 -> 003\n\$", 'upgrade', '-y', @far);
same('the same schema and rows as with the extension');
gives(0, 'no drift', '^$', 'drift', @far);
gives(0, 'at 001', '', 'downgrade', '001', '-y', @far);
gives(0, 'cmig\.enable_rls|SELECT', '', 'dry-run', @far);
gives(0, 'at 001', '', 'downgrade', '001', '-y', '-d', 'near');
same('after a downgrade, too');

# What is protected is not reverted.
gives(0, 'at 003', '', 'upgrade', '-y', @far);
gives(3, '', '^ERROR:  a downgrade is not allowed in database far\nHINT:  .*-x cmig\.protect=off\n', 'downgrade', '-1', '-y', '-x', 'cmig.protect=on', @far);
append_to_file('cmig.conf', "protect = base\n");
gives(3, '', '^ERROR:  a downgrade is not allowed in database far\nHINT:  .*-x cmig\.protect=off\n', 'downgrade', 'base', '-y', @far);
gives(0, 'at 002', '', 'downgrade', '-1', '-y', @far);
gives(0, 'at 003', '', 'upgrade', '-y', @far);
{
	local $ENV{PGOPTIONS} = '-c cmig.protect=on';
	IPC::Run::run([ 'sed', '-i', '/^protect/d', 'cmig.conf' ]);
	gives(3, '', '^ERROR:  a downgrade is not allowed in database far\nHINT:  .*-x cmig\.protect=off\n', 'downgrade', '001', '-y', @far);
	gives(0, 'at 002', '', 'downgrade', '-1', '-y', '-x', 'cmig.protect=False', @far);
	gives(0, 'at 001', '', 'downgrade', '001', '-y', '-x', 'cmig.protect=off', @far);
}

# A script for somebody else has the same statements, and continues the same version rows.
{
	my (undef, $script) = cmig('upgrade', 'head', '--sql', @far);
	my (undef, $stamp) = cmig('stamp', '001', '--sql', @far);

	gives(3, '', 'calls cmig\.\w+, which requires the extension.*without a range: cmig script upgrade head\nCONTEXT:', 'script', 'upgrade', '001:head', @far);
	like($script, qr/\nCREATE POLICY \w+ ON public\.note.*\nCREATE POLICY \w+ ON tenants\.a TO regress_owner\n/s, 'what a function would run');
	append_to_file('script.sql', "$script");
	system_or_bail('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'far', '-f', 'script.sql');
	gives(0, '003', '', 'current', @far);
	rows($stamp, 'far');
	gives(0, '001', '', 'current', @far);
	gives(0, 'at 003', '', 'stamp', '003', @far);
	gives(0, 'at 001', '', 'downgrade', '001', '-y', @far);
}

# A run is interrupted by rows that violate the constraint, and continues.
rows('UPDATE note SET n = NULL; INSERT INTO note VALUES (-1, -1, NULL, NULL)', 'far');
gives(3, '', 'ERROR:  check constraint "positive" of relation "note" is violated by some row', 'upgrade', '-y', @far);
is(rows("SELECT convalidated FROM pg_constraint WHERE conname = 'positive'", 'far'), 'f', 'new rows are already checked');
rows('DELETE FROM note WHERE id < 0', 'far');
gives(0, 'at 003', '', 'upgrade', '-y', @far);
is(rows("SELECT count(*) FROM note WHERE n = id AND body LIKE '%it''s'", 'far'), '30000', 'the backfill');
gives(0, 'at 001', '', 'downgrade', '001', '-y', @far);
rows('INSERT INTO note SELECT * FROM note WHERE id = 1 ON CONFLICT DO NOTHING; ALTER TABLE note DROP CONSTRAINT note_pkey; INSERT INTO note SELECT * FROM note WHERE id = 1', 'far');
gives(3, '', 'ERROR:  could not create unique index "twice"', 'upgrade', '-y', @far);
rows('DELETE FROM note WHERE ctid = (SELECT max(ctid) FROM note WHERE id = 1)', 'far');
gives(0, 'at 003', '', 'upgrade', '-y', @far);
is(rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'twice'::regclass", 'far'), 't', 'an invalid index is built again');

# A lock that is not free: the run is repeated, from a copy of the schema as it is then.
gives(0, 'at 001', '', 'downgrade', '001', '-y', @far);
my $reader = $node->background_psql('far');
$reader->query_safe('BEGIN; LOCK TABLE other IN ROW EXCLUSIVE MODE');
{
	my $waiting = { out => '', err => '' };
	$waiting->{run} = IPC::Run::start([ $cmig, 'upgrade', '-y', '-x', 'cmig.lock_timeout=300ms', @far ], '<', \undef, '>', \$waiting->{out}, '2>', \$waiting->{err});
	$waiting->{run}->pump until $waiting->{err} =~ /trying again.*trying again/s;
	$reader->query_safe('COMMIT');
	$waiting->{run}->finish;
	is($waiting->{out}, "database far is at 003\n", 'the run is repeated') or diag($waiting->{err});
}
$reader->quit;

# preflight looks first, and the functions run in a copy made after it.
write_revision('004', '003', '', "SELECT cmig.enable_rls('other', user_column => 'id', roles => '{public}', force => false);", "SELECT cmig.disable_rls('other');");
gives(0, 'at 004', '^WARNING:  lock_timeout: .*HINT:.*-x cmig\.lock_timeout=5s\n +# for all runs, in cmig\.conf:\n +lock_timeout = 5s\nupgrade 003 -> 004\n$', 'upgrade', '--preflight', '-y', @far);
# what ran is enough to downgrade
gives(0, 'at 003', '', 'downgrade', '003', '-y', '--no-load', @far);

# Somebody changes a table after the schema was copied: the functions run in a copy made after that.
{
	my (undef, $script) = cmig('upgrade', 'head', '--sql', @far);
	my $errors;

	rows('ALTER TABLE other ADD meanwhile int; CREATE TABLE tenants."new ""t""" ()', 'far');
	is($node->psql('far', $script, stderr => \$errors, on_error_stop => 0, extra_params => [ '-U', 'regress_owner' ]), 3, 'a script of before');
	like($errors, qr/ERROR:  the schema of the database has changed since it was copied.*\nDETAIL:  .* Changed: public\.other, tenants\."new ""t"""\n/, 'the error') or diag($errors);
	rows('DROP TABLE tenants."new ""t"""', 'far');
	my $changer = $node->background_psql('far', on_error_stop => 1);
	my $waiting = { out => '', err => '' };
	# a change that is committed while the script waits for the locks with which its transaction begins
	(undef, $script) = cmig('upgrade', 'head', '--sql', @far);
	append_to_file('waiting.txt', $script);
	$changer->query_safe('BEGIN; ALTER TABLE other ADD uncommitted int');
	$waiting->{run} = IPC::Run::start([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', 'far', '-f', 'waiting.txt' ], '<', \undef, '>', \$waiting->{out}, '2>', \$waiting->{err});
	$node->poll_query_until('far', "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'other'::regclass AND NOT granted AND mode = 'ShareUpdateExclusiveLock'");
	$changer->query_safe('COMMIT');
	$waiting->{run}->finish;
	like($waiting->{err}, qr/since it was copied.*\nDETAIL:  .* Changed: public\.other\n/, 'the locks come before the check');
	$changer->query_safe('ALTER TABLE other DROP uncommitted');
	@$waiting{qw(out err)} = ('', '');
	$changer->query_safe('BEGIN; LOCK TABLE other');
	$waiting->{run} = IPC::Run::start([ $cmig, 'upgrade', '-y', @far ], '<', \undef, '>', \$waiting->{out}, '2>', \$waiting->{err});
	$node->poll_query_until('far', "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'other'::regclass AND NOT granted");
	$changer->query_safe('ALTER TABLE other DROP meanwhile; COMMIT');
	$changer->quit;
	$waiting->{run}->finish;
	is($waiting->{out}, "database far is at 004\n", 'the run is repeated') or diag($waiting->{err});
	like($waiting->{err}, qr/^${no_limit}ERROR:  the schema .* has changed .*Changed: public\.other\n.*attempt 1 of 11; trying again.*\nupgrade 003 -> 004\n$/s, 'after an error');
	gives(0, 'at 003', '', 'downgrade', '003', '-y', @far);
}
# Another run ends after the state was read, and before the schema is copied.
{
	local $ENV{CMIG_PSQL} = './later';

	write_revision('004', '003', '', "CREATE TABLE once ();\nSELECT cmig.enable_rls('other', user_column => 'id', roles => '{public}', force => false);", "SELECT cmig.disable_rls('other');\nDROP TABLE once;");
	append_to_file('later', "#!/bin/sh\nif [ -e first ]; then mv first second; elif [ -e second ]; then rm second; env -u CMIG_PSQL $cmig upgrade -y @far >&2; fi\nexec psql \"\$@\"\n");
	append_to_file('first', '');
	chmod 0755, 'later';
	gives(0, 'at 004', "^${no_limit}(?:${no_limit})?upgrade 003 -> 004\ndatabase far is at 004\nanother run has changed the state of the database; trying again\nnothing to upgrade: [^\n]*\n\$", 'upgrade', '-y', @far);
	gives(0, 'at 003', '', 'downgrade', '003', '-y', @far);
}
gives(3, '', 'cannot be removed because it is applied', 'remove', '003', '-y', @far);
gives(0, '', 'removed 004', 'remove', '004', '-y', @far);
ok(!-e 'migrations/004.sql', 'the file is gone');
gives(2, '', 'can have only one target', 'upgrade', '003', '003', '--preflight', '-y', @far);

# What cannot run without the extension is refused before anything runs.
for my $case (
	[ 'SELECT cmig.enable_audit($$note$$)', 'calls cmig\.enable_audit, which requires.*cmig audit-script' ],
	[ 'SELECT cmig.enable_rls($$note$$, roles => $${regress_other}$$, require_context => true)', 'enable_rls with require_context, which requires the extension in the database' ],
	[ 'SELECT cmig.enable_rls($$note$$, roles => $${public}$$) WHERE true', 'calls cmig\.enable_rls, which requires.*each alone in its statement' ],
	[ 'SELECT cmig.enable_rls($$note$$, roles => $${public}$$), pg_notify($$a$$, NULL)', 'calls cmig\.enable_rls, which requires.*each alone in its statement' ],
	[ 'DO $$BEGIN PERFORM cmig.disable_rls(\'note\'); END$$', 'calls cmig\.disable_rls, which requires' ],
	[ 'CALL cmig.backfill($$other$$, $$label = 1$$)', 'cmig\.backfill without where_sql, or with max_lag, which requires the extension', '-- transactional: false' ],
	[ 'SELECT cmig.set_ddl_policy($$deny$$)', 'calls cmig\.set_ddl_policy, which requires the extension in the database\n.*cmig ddl-script deny \| psql' ],
	[ 'SELECT cmig.set_protect($$base$$)', 'calls cmig\.set_protect, which requires' ],
	[ 'CREATE VIEW seen AS SELECT * FROM cmig.revision', 'reads cmig\.revision, which requires the extension in the database\nHINT:  Without', '-- transactional: false' ],
	[ q{CREATE FUNCTION who() RETURNS bigint LANGUAGE sql AS 'SELECT cmig.current_user_id()'}, 'calls cmig\.current_user_id, which requires', '-- transactional: false' ],
	[ q{CREATE FUNCTION who() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM cmig.journal'}, 'reads cmig\.journal, which requires' ],
	[ 'SELECT cmig.enable_rls($$nothing$$)', 'relation "nothing" does not exist.*nothing was changed; the revisions were run in the engine first' ])
{
	write_revision('004', '003', $case->[2] // '', "CREATE TABLE before ();\n$case->[0];", '');
	gives(3, '', "ERROR:  .*$case->[1]", 'upgrade', '-y', @far);
	is(rows("SELECT to_regclass('before')", 'far'), '', "nothing was changed: $case->[0]");
}

# The role of a superuser has another name in the engine.
write_revision('004', '003', '', 'SELECT cmig.enable_rls($$other$$, user_column => $$id$$, roles => ARRAY[current_user::text])', '');
gives(3, '', 'another name in the engine\n.*write the name of the role', 'upgrade', '-y', @far, '-U', rows('SELECT rolname FROM pg_roles WHERE oid = 10'));

# The database and its schemas belong to others, who may have granted CREATE only for a time.
unlink 'migrations/004.sql';
{
	local $ENV{PGUSER} = rows('SELECT rolname FROM pg_roles WHERE oid = 10');
	rows('CREATE DATABASE lent');
	rows(<<'END_SQL', 'lent');
GRANT CREATE ON DATABASE lent TO regress_owner;
GRANT CREATE ON SCHEMA public TO regress_owner;
CREATE SCHEMA past AUTHORIZATION regress_other;
GRANT USAGE, CREATE ON SCHEMA past TO regress_owner;
SET ROLE regress_owner;
CREATE TABLE past.kept (id int);
CREATE TYPE past.mood AS ENUM ();
CREATE FUNCTION past.f() RETURNS int RETURN 1;
RESET ROLE;
REVOKE CREATE ON SCHEMA past FROM regress_owner;
END_SQL
}
my @lent = ('--engine', 'local', '-d', 'lent');
gives(0, 'at 003', "^$no_limit((upgrade|backfill of)[^\n]*\n){6}\$", 'upgrade', '-y', @lent);
gives(0, 'no drift', '^$', 'drift', '--schemas', 'public,tenants', @lent);
write_revision('004', '003', '', "ALTER TABLE past.kept ADD n int;\nSELECT cmig.enable_rls('other', user_column => 'id', roles => '{public}', force => false);",
	"SELECT cmig.disable_rls('other');\nALTER TABLE past.kept DROP n;");
gives(0, '^004 .*ALTER TABLE', '', 'dry-run', @lent);
gives(0, 'at 004', "^${no_limit}upgrade[^\n]*\n\$", 'upgrade', '-y', @lent);

# A change by hand becomes a revision, which is recorded as applied.
unlink 'migrations/004.sql';
rows('ALTER TABLE note ADD PRIMARY KEY (id)', 'far');
gives(0, '^$', '', 'capture', @far);
rows('ALTER TABLE other ADD by_hand int', 'far');
gives(0, 'database far is at 004\nmigrations/004_', '', 'capture', '-m', 'By hand', '--rev-id', '004', @far);
gives(0, 'no drift', '', 'drift', @far);
gives(0, '004', '', 'current', @far);

# The queries are judged with the sizes that the tables have.
rows('ANALYZE', 'far');
append_to_file('queries.sql', "SELECT by_hand FROM other WHERE id = \$1;\nSELECT body FROM note WHERE body = \$1;\n");
write_revision('005', '004', '', 'ALTER TABLE other DROP by_hand;', '');
gives(1, 'breaks.*by_hand', '', 'workload-check', '--queries', 'queries.sql', @far);
write_revision('005', '004', '', 'DROP INDEX later;', '');
gives(0, 'slower.*body', '', 'workload-check', '--queries', 'queries.sql', @far);
gives(2, '', 'does not have pg_stat_statements', 'workload-check', @far);

# A policy on DDL, of a role that can create event triggers.
my $superuser = rows('SELECT rolname FROM pg_roles WHERE oid = 10');
$node->safe_psql('postgres', 'CREATE DATABASE policed OWNER regress_owner', extra_params => [ '-U', $superuser ]);
mkdir 'policed';
append_to_file('policed/001.sql', "-- revision: 001\n-- down_revision:\n-- cmig:upgrade\nCREATE TABLE kept (id int);\n-- cmig:downgrade\nDROP TABLE kept;\n");
append_to_file('policed/002.sql', "-- revision: 002\n-- down_revision: 001\n-- transactional: false\n-- cmig:upgrade\nCREATE INDEX CONCURRENTLY kept_id ON kept (id);\nALTER TABLE kept ADD n int;\n-- cmig:downgrade\nALTER TABLE kept DROP n;\nDROP INDEX CONCURRENTLY kept_id;\n");
my @policed = ('--engine', 'local', '-d', 'policed', '--folder', 'policed');
# the messages of SQL, run as a role
sub policed
{
	my ($sql, $role) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-d', 'policed', '-U', $role ], '<', \$sql, '>', \$out, '2>', \$err);
	return "$out$err";
}
sub policy { my (undef, $script) = cmig('ddl-script', $_[0]); return policed($script, $superuser); }
my $denied = qr/^ERROR:  MG022: database "policed" allows DDL only in revisions\nDETAIL:  /m;
gives(2, '', '^cmig: the policy must be log, deny, or allow\n$', 'ddl-script', 'none');
like(policy('deny'), qr/cmig has not run in database "policed"\nHINT:  First: cmig upgrade/, 'before the first run');
gives(0, 'at base', '', 'stamp', 'base', @policed);
policed('CREATE SCHEMA service; GRANT ALL ON SCHEMA service TO PUBLIC; GRANT CREATE ON SCHEMA public TO regress_other', $superuser);
is(policy('deny'), '', 'the script');
# the owner of the schema of the state must not be able to replace what runs for all
is(policed("SELECT DISTINCT pg_get_userbyid(o) FROM (SELECT proowner FROM pg_proc WHERE proname = 'ddl_trigger' UNION ALL SELECT relowner FROM pg_class WHERE relname = 'ddl_log') o (o)", $superuser),
	"$superuser\n", 'they belong to the role that has run the script');
is(policed('SELECT count(*) FROM cmig_engine_ddl.ddl_log', 'regress_owner'), "0\n", 'the owner of the state can read the log');
like(policed("CREATE OR REPLACE FUNCTION cmig_engine_ddl.ddl_trigger() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'", 'regress_owner'),
	qr/permission denied for schema cmig_engine_ddl/, 'but not replace the function');
is(policy('deny'), '', 'again');
# a search_path of the database's owner
policed("ALTER DATABASE policed SET search_path = evil, pg_catalog, public", 'regress_owner');
policed("SET cmig_engine.allow_ddl = 'x'; CREATE SCHEMA evil; CREATE FUNCTION evil.to_regclass(text) RETURNS regclass LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''my code runs''; END'", 'regress_owner');
is(policy('deny'), '', 'with functions in front of those of PostgreSQL');
policed("SET cmig_engine.allow_ddl = 'x'; ALTER DATABASE policed RESET search_path; DROP SCHEMA evil CASCADE", 'regress_owner');
policed('DELETE FROM cmig_engine_ddl.ddl_log', 'regress_owner');
gives(0, 'at 001', '', 'upgrade', '001', '-y', @policed);
gives(0, 'at 002', '', 'upgrade', '-y', @policed);
gives(0, 'at base', '', 'downgrade', 'base', '-y', @policed);
gives(0, 'at 002', '', 'upgrade', '-y', '--stepwise', @policed);
gives(0, 'no drift', '', 'drift', @policed);
policed("BEGIN; SET LOCAL cmig_engine.allow_ddl = 'x'; CREATE PUBLICATION published FOR TABLE kept; COMMIT", 'regress_owner');
for my $sql ('ALTER TABLE kept ADD x int', 'DROP TABLE kept', 'CREATE INDEX CONCURRENTLY ON kept (n)', 'DROP INDEX CONCURRENTLY kept_id', 'CREATE SCHEMA s', 'DO $$BEGIN CREATE TABLE t (); END$$', 'COMMENT ON TABLE kept IS $$x$$', 'GRANT SELECT ON kept TO PUBLIC',
	# names that look temporary, and what leaves the schema
	'ALTER TABLE kept RENAME COLUMN n TO "pg_temp.n"', 'CREATE INDEX "pg_temp.i" ON kept (n)', 'CREATE TABLE "x pg_temp.y" ()', 'ALTER TABLE kept SET SCHEMA service', 'ALTER TABLE kept SET SCHEMA cmig_engine',
	'CREATE TABLE service.theirs ()', 'ALTER PUBLICATION published DROP TABLE kept', 'DROP OWNED BY regress_owner')
{
	like(policed($sql, 'regress_owner'), $denied, "denied: $sql");
}
like(policed('CREATE TABLE other ()', 'regress_other'), $denied, 'of another role, too');
like(policed('SET session_replication_role = replica; CREATE TABLE other ()', $superuser), $denied, 'as a replica, too');
like(policed("SELECT pg_advisory_lock(hashtextextended('pg_cmig cmig_engine.version', 0)); SET cmig_engine.allow_ddl = 'x'; SET application_name = 'pg_restore'; CREATE TABLE other ()", 'regress_other'), $denied, 'who cannot run revisions cannot make an exception');
is(policed('CREATE TABLE service.theirs (); DROP TABLE service.theirs', 'regress_other'), '', 'a schema of the service is not covered');
is(policed('CREATE TEMPORARY TABLE t (); CREATE INDEX ON t ((1)); DROP TABLE t', 'regress_owner'), '', 'nor are temporary objects');
is(policed("BEGIN; SET LOCAL cmig_engine.allow_ddl = 'at night'; ALTER TABLE kept ADD y int; COMMIT", 'regress_owner'), '', 'an exception');
is(policy('log'), '', 'the other policy');
is(policed('CREATE INDEX CONCURRENTLY kept_n ON kept (n); DROP INDEX CONCURRENTLY kept_n', 'regress_owner'), '', 'allowed');
is(policed("SELECT command, object, role, reason, query IS NOT NULL FROM cmig_engine_ddl.ddl_log WHERE object !~ 'service|published' ORDER BY at", $superuser),
	"ALTER TABLE|public.kept|regress_owner|at night|t\nCREATE INDEX|public.kept_n|regress_owner||t\nDROP INDEX|public.kept_n|regress_owner||t\n", 'the log');
gives(0, 'at 001', '', 'downgrade', '001', '-y', @policed);
is(policy('deny'), '', 'the first policy again');
unlike(policed('BEGIN; DROP SCHEMA cmig_engine CASCADE; CREATE TABLE free (); ROLLBACK', 'regress_owner'), qr/ERROR/, 'there is no policy without the state');
is(policy('allow'), '', 'the policy is removed');
policed('ALTER TABLE cmig_engine_ddl.ddl_log OWNER TO regress_other', $superuser);
like(policy('deny'), qr/schema cmig_engine_ddl or its table belongs to another role.*HINT:  ALTER SCHEMA cmig_engine_ddl RENAME TO cmig_engine_ddl_old/s, 'a log of another role is refused');
policed('ALTER SCHEMA cmig_engine_ddl RENAME TO cmig_engine_ddl_old', $superuser);
is(policy('deny') . policy('allow'), '', 'after what the hint says, it is not');
is(policed('SELECT count(*) > 0 FROM cmig_engine_ddl_old.ddl_log', $superuser), "t\n", 'and the log remains');
is(policed('DROP TABLE kept', 'regress_owner'), '', 'allowed');

gives(0, 'With a copy of its schema, without rows: audit-script, baseline, .*disable_rls.*--scope, ', '^$', 'help', 'engine');

done_testing();
