# Copyright (c) 2026, the pg_cmig developers

# Tests that settings that protect a database have the values that the database's
# owner has stored, and which of them a session can change, before and after the
# library is loaded.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('settings');
$node->start;
$node->safe_psql('postgres', <<'END_SQL');
CREATE ROLE regress_owner LOGIN CREATEDB;
CREATE ROLE regress_app LOGIN;
CREATE ROLE regress_dba LOGIN;
CREATE DATABASE shop OWNER regress_owner;
END_SQL
query($node, 'shop', <<'END_SQL');
CREATE EXTENSION pg_cmig;
SELECT cmig.grant_access(role, 'migrator') FROM unnest(ARRAY['regress_owner', 'regress_app', 'regress_dba']::name[]) role;
GRANT ALL ON SCHEMA public TO regress_owner, regress_app, regress_dba;
CREATE TABLE invoice (id int PRIMARY KEY, tenant_id text NOT NULL);
SELECT cmig.enable_rls('invoice', roles => '{regress_app}');
SELECT cmig.create_revision('make a hole', 'CREATE TABLE gap (id int, tenant_id text)', 'DROP TABLE gap', revision => '001');
END_SQL

# Runs psql as a role, with connection options, and returns the last line of its
# output.
sub session
{
	my ($role, $options, $sql) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGOPTIONS} = $options;

	IPC::Run::run([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-U', $role, '-d', 'shop',
			'-v', 'VERBOSITY=sqlstate' ],
		'<', \"SET client_min_messages = error;\n$sql", '>', \$out, '2>', \$err);
	chomp($out, $err);
	$err = $2 if $err =~ /(ERROR|FATAL):  (\w+)/;
	return join("\n", grep { $_ ne '' } $out, $err);
}

#
# cmig.rls_gate: if it is set, the upgrade fails with MG021; otherwise, it applies 001
#
my $upgrade = 'BEGIN; SELECT revision FROM cmig.upgrade(); ROLLBACK';

is(session('regress_app', '', $upgrade), '001', 'without a gate');
query($node, 'postgres', "ALTER DATABASE shop SET cmig.rls_gate = 'public'");
is(session('regress_app', '', $upgrade), 'MG021', "the database's gate applies");
is(session('regress_app', '-c cmig.rls_gate=', $upgrade), 'MG021', 'connection options do not turn the gate off');
is(session('regress_app', '-c cmig.rls_gate=cmig', $upgrade), 'MG021', 'connection options do not change the schema');
is(session('regress_app', '-c cmig.rls_gate="', $upgrade), 'MG021', 'an invalid value in connection options does not turn the gate off');
is(session('regress_app', '-c Cmig.RLS_gate=', $upgrade), 'MG021', 'another spelling in connection options does not turn the gate off');
is(session('regress_app', '', "SET cmig.rls_gate = ''; $upgrade"), 'MG021', 'SET before the library is loaded does not turn the gate off');
is(session('regress_app', '', "BEGIN; SET LOCAL cmig.rls_gate = ''; SELECT revision FROM cmig.upgrade()"), 'MG021', 'SET LOCAL before the library is loaded has no effect');
is(session('regress_app', '-c cmig.rls_gate=', "RESET cmig.rls_gate; $upgrade"), 'MG021', 'RESET before the library is loaded has no effect');
is(session('regress_app', '-c cmig.rls_gate=', "SELECT count(*) FROM cmig.heads(); RESET ALL; DISCARD ALL; $upgrade"), "1\nMG021", 'a library that is already loaded makes no difference');
is(session('regress_app', '', "SELECT count(*) FROM cmig.heads(); SET cmig.rls_gate = ''"), "1\n42501", 'SET after the library is loaded is refused');
is(session('regress_app', '', "ALTER ROLE regress_app SET cmig.rls_gate = ''"), '42501', 'ALTER ROLE for oneself is refused');
is(session('regress_app', '', "SELECT count(*) FROM cmig.heads(); ALTER ROLE regress_app IN DATABASE shop SET cmig.rls_gate = ''"), "1\n42501", 'ALTER ROLE for oneself is refused after the library is loaded');
is(session('regress_app', '-c session_preload_libraries=', $upgrade), 'permission', 'setting session_preload_libraries is refused');
is(session('regress_owner', '', "SELECT count(*) FROM cmig.heads(); ALTER DATABASE shop RESET ALL; $upgrade"), "1\nMG021", 'the owner of the database cannot reset the gate');

# which roles can set it
is(session('postgres', '-c cmig.rls_gate=', $upgrade), '001', 'a superuser can turn the gate off by connection options');
is(session('postgres', '', "SET cmig.rls_gate = ''; $upgrade"), '001', 'a superuser can turn the gate off by SET');
query($node, 'postgres', 'GRANT SET ON PARAMETER cmig.rls_gate TO regress_dba');
is(session('regress_dba', '', "SELECT count(*) FROM cmig.heads(); SET cmig.rls_gate = ''; $upgrade"), "1\n001", 'a role with the privilege can turn it off');
query($node, 'postgres', "ALTER ROLE regress_app IN DATABASE shop SET cmig.rls_gate = ''");
is(session('regress_app', '', $upgrade), '001', 'a superuser can turn it off for a role');
query($node, 'postgres', "ALTER ROLE regress_app IN DATABASE shop SET cmig.rls_gate = 'public'; ALTER DATABASE shop RESET cmig.rls_gate");
is(session('regress_app', '-c cmig.rls_gate=', $upgrade), 'MG021', 'a superuser can turn it on for a role, and options do not turn it off');
query($node, 'postgres', 'ALTER ROLE regress_app IN DATABASE shop RESET cmig.rls_gate');

# other places where the setting can be stored
for my $place ('ALTER ROLE ALL', 'ALTER ROLE regress_app')
{
	query($node, 'postgres', "$place SET cmig.rls_gate = 'public'");
	is(session('regress_app', '-c cmig.rls_gate=', $upgrade), 'MG021', "set by $place");
	query($node, 'postgres', "$place RESET cmig.rls_gate");
}
query($node, 'postgres', "LOAD 'pg_cmig'; ALTER SYSTEM SET cmig.rls_gate = 'public'");
$node->reload;
is(session('regress_app', '-c cmig.rls_gate=', $upgrade), 'MG021', 'set by ALTER SYSTEM');
is(session('regress_app', '', $upgrade), 'MG021', 'set by ALTER SYSTEM, without connection options');
query($node, 'postgres', "LOAD 'pg_cmig'; ALTER SYSTEM RESET cmig.rls_gate");
$node->append_conf('postgresql.conf', "cmig.rls_gate = 'cmig'\nCMIG.rls_gate = 'public'");
$node->reload;
is(session('regress_app', '-c cmig.rls_gate=', $upgrade), 'MG021', 'set in postgresql.conf: the last line counts');
query($node, 'postgres', "ALTER DATABASE shop SET cmig.rls_gate = ''");
is(session('regress_app', '', $upgrade), '001', "the database's value takes precedence over postgresql.conf");
query($node, 'postgres', "ALTER DATABASE shop SET cmig.rls_gate = '\"'");
is(session('regress_app', '', $upgrade), '22023', 'an invalid stored value does not count as no gate');
query($node, 'postgres', 'ALTER DATABASE shop RESET cmig.rls_gate');
$node->append_conf('postgresql.conf', "cmig.rls_gate = ''");
$node->reload;
is(session('regress_app', '-c cmig.rls_gate=public', $upgrade), '001', 'connection options do not set a gate');

# for sessions that are already open
is(session('regress_app', '', $upgrade), '001', 'without a gate again');
is(session('postgres', '', "SET SESSION AUTHORIZATION regress_app; SELECT count(*) FROM cmig.heads();
	\\! psql -XAtq -h @{[ $node->host ]} -p @{[ $node->port ]} -U postgres -d shop -c \"ALTER DATABASE shop SET cmig.rls_gate = 'public'\"
	$upgrade"), "1\nMG021", 'a value that is set in the meantime applies to the next run');
query($node, 'postgres', 'ALTER DATABASE shop RESET cmig.rls_gate');

#
# cmig.protect: if it is on, a downgrade fails with MG011
#
query($node, 'shop', 'SELECT cmig.upgrade()', 'regress_app');
my $down = 'BEGIN; SELECT revision FROM cmig.downgrade($$base$$); ROLLBACK';

is(session('regress_app', '', $down), '001', 'without protection');
is(session('regress_app', '-c cmig.protect=base', $down), 'MG011', 'a session can protect itself');
query($node, 'postgres', "ALTER DATABASE shop SET cmig.protect = 'base'");
is(session('regress_app', '', $down), 'MG011', 'the protection of the database');
is(session('regress_app', '-c cmig.protect=off', $down), 'MG011', 'connection options do not remove the protection');
is(session('regress_app', '-c cmig.protect=junk', $down), 'MG011', 'an invalid value in connection options does not remove the protection');
is(session('regress_app', '', "SET cmig.protect = off; $down"), 'MG011', 'SET does not remove the protection');
is(session('regress_app', '', "BEGIN; SET LOCAL cmig.protect = off; SELECT revision FROM cmig.downgrade('base')"), 'MG011', 'SET LOCAL before the library is loaded has no effect');
is(session('regress_app', '', "CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql SET cmig.protect = off AS 'SELECT revision FROM cmig.downgrade(\$\$base\$\$)'; SELECT f()"), '42501', "the SET clause of a function does not remove the protection before the library is loaded");
is(session('regress_app', '', "SELECT count(*) FROM cmig.heads(); CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql SET cmig.protect = off AS 'SELECT revision FROM cmig.downgrade(\$\$base\$\$)'; SELECT f()"), "1\nMG011", 'the SET clause of a function does not remove the protection after the library is loaded');
is(session('regress_app', '', 'SELECT count(*) FROM cmig.heads(); ALTER ROLE regress_app SET cmig.protect = off'), '1', 'a role can set the protection for itself');
is(session('regress_app', '', $down), 'MG011', "a role's own setting does not remove the protection");
is(session('regress_app', '-c cmig.protect=on', "SELECT cmig.create_revision('next', '', '', revision => '002')"), '42501', "a role's own setting does not remove the protection, as author");
query($node, 'shop', "ALTER ROLE regress_app RESET cmig.protect;
	SELECT cmig.create_revision('next', '', '', revision => '002'); SELECT cmig.upgrade()");
my $one = 'BEGIN; SELECT revision FROM cmig.downgrade($$-1$$); ROLLBACK';
is(session('regress_app', '', $one), '002', 'base allows reverting one revision');
is(session('regress_app', '-c cmig.protect=on', $one), 'MG011', 'a session can set more protection');
is(session('regress_app', '', "SELECT hint FROM cmig.status() WHERE item = 'protected'"), '', 'cmig.status does not suggest a command without effect');

# which roles can set it
for my $role ('postgres', 'regress_owner')
{
	is(session($role, '', "SET cmig.protect = off; $down"), "002\n001", "$role can remove the protection");
	is(session($role, '', "SET cmig.protect = off; SET ROLE regress_app; $down"), "002\n001", "$role as another role") if $role eq 'postgres';
}
is(session('postgres', '', "SET cmig.protect = off; SET SESSION AUTHORIZATION regress_app; $down"), 'MG011', 'a role that has become another one cannot');
query($node, 'postgres', 'GRANT SET ON PARAMETER cmig.protect TO regress_dba; GRANT regress_app TO regress_dba');
is(session('regress_dba', '', "SET cmig.protect = off; $down"), "002\n001", 'a role with the privilege can turn it off');
is(session('regress_owner', '-c cmig.protect=junk', $down), 'MG011', 'an invalid value does not remove the protection');

# in a SECURITY DEFINER function of the owner, the caller's setting is ignored, and the
# function's own setting is used
query($node, 'shop', <<'END_SQL');
CREATE FUNCTION down() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
	AS $$SELECT revision FROM cmig.downgrade('base')$$;
ALTER FUNCTION down() OWNER TO regress_owner;
CREATE FUNCTION down_anyway() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp SET cmig.protect = off
	AS $$SELECT revision FROM cmig.downgrade('base')$$;
ALTER FUNCTION down_anyway() OWNER TO regress_owner;
END_SQL
is(session('regress_app', '', 'BEGIN; SET LOCAL cmig.protect = off; SELECT down(); ROLLBACK'), 'MG011', "a SECURITY DEFINER function with its caller's setting");
is(session('postgres', '', 'BEGIN; SET LOCAL cmig.protect = off; SELECT down(); ROLLBACK'), 'MG011', "a SECURITY DEFINER function with a superuser's setting");
is(session('regress_app', '-c cmig.protect=off', 'SELECT down()'), 'MG011', 'a SECURITY DEFINER function with connection options');
is(session('regress_app', '', 'BEGIN; SELECT down_anyway(); ROLLBACK'), "002\n001", 'a SECURITY DEFINER function with its own setting');

# other functions that lose data, and an invalid value
is(session('regress_app', '', "SET cmig.protect = off; SELECT cmig.reset(confirm => 'shop')"), 'MG011', 'reset');
is(session('regress_app', '', "SET cmig.protect = off; SELECT cmig.stamp('001', purge => true)"), 'MG011', 'stamp with purge');
is(session('regress_app', '', "SET cmig.protect = off; CALL cmig.downgrade_stepwise('base')"), 'MG011', 'stepwise');
query($node, 'postgres', "ALTER DATABASE shop SET cmig.protect = 'full'");
is(session('regress_app', '', $down), '22023', 'an invalid value for the database');
query($node, 'postgres', "ALTER DATABASE shop RESET cmig.protect; LOAD 'pg_cmig'; ALTER SYSTEM SET cmig.protect = 'on'");
$node->reload;
is(session('regress_app', '-c cmig.protect=off', $down), 'MG011', 'set by ALTER SYSTEM');

#
# cmig.lint_policy: if it is "error", an upgrade that drops a table with rows fails
# with MG023
#
query($node, 'postgres', "LOAD 'pg_cmig'; ALTER SYSTEM RESET cmig.protect; ALTER DATABASE shop SET cmig.lint_policy = 'error'");
$node->reload;
query($node, 'shop', "CREATE TABLE lost (id int); INSERT INTO lost VALUES (1); ALTER TABLE lost OWNER TO regress_app;
	SELECT cmig.create_revision('lint', 'DROP TABLE lost', '', revision => 'lint', head => 'base')");
my $lint = 'BEGIN; SELECT revision FROM cmig.upgrade($$lint$$); ROLLBACK';
is(session('regress_app', '', $lint), 'MG023', 'the policy of the database');
is(session('regress_app', '-c cmig.lint_policy=off', $lint), 'MG023', 'connection options do not turn the policy off');
is(session('regress_app', '-c cmig.lint_policy=junk', $lint), 'MG023', 'an invalid value in connection options does not turn the policy off');
is(session('regress_app', '', "SET cmig.lint_policy = off; $lint"), 'MG023', 'SET does not turn the policy off');
is(session('regress_app', '-c cmig.lint_ignore=ban-drop-table', $lint), 'MG023', 'connection options do not change its rules');
is(session('regress_app', '', "SET cmig.lint_ignore = 'ban-drop-table'; SELECT count(*) FROM cmig.lint('lint') WHERE rule = 'ban-drop-table'; $lint"), "0\nMG023",
	'SET changes the rules of cmig.lint, but not those of the policy');
query($node, 'shop', 'CREATE TABLE slow AS SELECT 1 AS id');
my $slow = "SET cmig.lint_small_table = 0; SET cmig.lint_ignore = 'ban-drop-table'; LOAD 'pg_cmig'; BEGIN; UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE slow ADD CHECK (id > 0)' WHERE revision = 'lint';";
is(session('postgres', '', "$slow SELECT revision FROM cmig.upgrade('lint'); ROLLBACK"), 'MG023', 'a superuser can change what counts as small');
is(session('postgres', '', "$slow SET LOCAL ROLE regress_app; SELECT session_user = 'postgres', count(*) FROM cmig.lint('lint') WHERE severity = 'error'; ROLLBACK"), 't|1', 'and for cmig.lint');
query($node, 'shop', 'DROP TABLE slow');
is(session('regress_owner', '', "SET cmig.lint_policy = off; $lint"), 'lint', 'the owner of the database can turn the policy off');
is(session('postgres', '-c cmig.lint_ignore=ban-drop-table', $lint), 'lint', 'a superuser can change its rules');
query($node, 'postgres', "GRANT SET ON PARAMETER cmig.lint_policy TO regress_app");
is(session('regress_app', '-c cmig.lint_policy=off', $lint), 'lint', 'a role with the privilege can turn the policy off');
query($node, 'postgres', "REVOKE SET ON PARAMETER cmig.lint_policy FROM regress_app; ALTER DATABASE shop RESET cmig.lint_policy");
is(session('regress_app', '-c cmig.lint_policy=error', $lint), 'MG023', 'a session can set a stricter policy');
is(session('regress_app', '-c cmig.lint_policy=error -c cmig.lint_ignore=ban-drop-table', $lint), 'lint', 'with its own rules');
query($node, 'shop', "SELECT cmig.remove_revision('lint'); DROP TABLE lost");

#
# Who can set each setting for another session: + means that the setting has an effect
# there, and - that it is refused or has no effect
#
my %value = (audit_skip => 'on', checksum_policy => 'ignore', concurrent_ddl => 'off', ddl_exclude => 'public.job', ddl_policy => 'log', diff_time_zone => 'UTC', dry_run_timeout => 7, lint_ignore => 'prefer-bigint-over-int', lint_include => 'prefer-bigint-over-int',
	lint_policy => 'error', lint_small_table => 7, lock_retries => 7, lock_timeout => 7,
	log_runs => 'off', protect => 'on', restore_point => 'on', rls_gate => 'public', rls_gate_level => 'warning', role => 'none', run_timeout => 7, running_revision => 'x', scope => 'theirs', search_path => 'public',
	workload_factor => 7, workload_min_calls => 7, workload_policy => 'error');
my @names = split /\n/, $node->safe_psql('shop', "LOAD 'pg_cmig'; SELECT substr(name, 6) FROM pg_settings WHERE name LIKE 'cmig.%' ORDER BY 1");
is("@names", join(' ', sort keys %value), 'each setting is part of this test');
query($node, 'postgres', 'ALTER SYSTEM RESET cmig.protect; ALTER DATABASE shop RESET ALL; ALTER ROLE regress_dba RESET ALL');
$node->reload;

sub found
{
	my ($role, $options, $name, $before) = @_;
	my $found = session($role, $options, "SELECT FROM cmig.heads() LIMIT 0; $before SHOW cmig.$name");

	$found =~ s/^7(?:ms|kB)$/7/;
	return $found eq $value{$name} ? '+' : '-';
}

my $ways = '';
foreach my $name (@names)
{
	my $set = "cmig.$name = '$value{$name}'";
	my @found = (found('regress_app', "-c cmig.$name=$value{$name}", $name, ''), found('regress_app', '', $name, "SET $set;"));

	# set by a role for itself, by a role for another role, and by the owner of the
	# database for all roles
	session('regress_app', '', "ALTER ROLE regress_app SET $set");
	session('regress_app', '', "SELECT FROM cmig.heads() LIMIT 0; ALTER ROLE regress_app SET $set");
	push @found, found('regress_app', '', $name, '');
	session('regress_app', '', "SELECT FROM cmig.heads() LIMIT 0; ALTER ROLE postgres SET $set");
	session('regress_app', '', "SELECT FROM cmig.heads() LIMIT 0; ALTER DATABASE shop SET $set");
	push @found, found('postgres', '', $name, '');
	session('regress_owner', '', "SELECT FROM cmig.heads() LIMIT 0; ALTER DATABASE shop SET $set");
	push @found, found('regress_dba', '', $name, ''), found('postgres', '', $name, '');
	query($node, 'postgres', "ALTER ROLE regress_app RESET ALL; ALTER DATABASE shop RESET ALL");
	$ways .= sprintf("%-16s %s\n", $name, join ' ', @found);
}
is($ways, <<'END', 'options, SET, ALTER ROLE of oneself, of a superuser, ALTER DATABASE by its owner for a role, and for a superuser');
audit_skip       - - - - - -
checksum_policy  + + + - + +
concurrent_ddl   + + + - + +
ddl_exclude      + + + - + +
ddl_policy       + + + - + +
diff_time_zone   + + + - + +
dry_run_timeout  + + + - + +
lint_ignore      + + + - + +
lint_include     + + + - + +
lint_policy      + + + - + +
lint_small_table + + + - + +
lock_retries     + + + - + +
lock_timeout     + + + - + +
log_runs         + + + - + +
protect          + + + - + +
restore_point    + + + - + +
rls_gate         - - - - - -
rls_gate_level   - - - - - -
role             + + + - + +
run_timeout      + + + - + +
running_revision - - - - - -
scope            + + + - + +
search_path      + + + - + +
workload_factor  + + + - + +
workload_min_calls + + + - + +
workload_policy  + + + - + +
END

# An invalid value that was set before the library is loaded is refused by the functions
# that use it.  With the default instead, the database would be migrated.
my $long = 'x' x 64;
foreach my $value ('public', 'cmig', '$user', $long)
{
	is(session('regress_app', "-c cmig.scope=$value", 'SELECT count(*) FROM cmig.upgrade()'), '22023', "connection options with scope $value");
}
is(session('regress_app', '', "SET cmig.scope = 'public'; SELECT count(*) FROM cmig.upgrade()"), '22023', 'SET before the library is loaded with an invalid scope');
is(session('regress_app', '-c cmig.scope=public', "RESET cmig.scope; CALL cmig.upgrade_stepwise()"), '22023', 'and RESET');
is(session('regress_app', '-c cmig.scope=public', "SELECT revision FROM cmig.plan('upgrade')"), '22023', 'plan');
is(session('regress_app', '-c cmig.scope=public', "SELECT cmig.script('upgrade', 'base:002')"), '22023', 'script');
is(session('regress_app', '-c cmig.scope=public', "SET cmig.scope = ''; SELECT count(*) FROM cmig.heads()"), '1', 'SET to a valid value');
is(session('regress_app', '-c cmig.scope=public', "SELECT FROM cmig.heads() LIMIT 0; SET cmig.scope = 'public'"), '22023', 'SET after the library is loaded');
is(session('regress_app', '-c cmig.search_path="', "SELECT revision FROM cmig.plan('upgrade')"), '', 'nothing is pending');
is(session('regress_app', '-c cmig.search_path="', "SELECT cmig.script('upgrade', 'base:002')"), '22023', 'connection options with an invalid path');
query($node, 'postgres', "ALTER DATABASE shop SET cmig.scope = 'public'");
is(session('regress_app', '', 'SELECT count(*) FROM cmig.upgrade()'), '22023', 'an invalid scope of the database');
is(session('regress_app', '-c cmig.scope=', 'SELECT count(*) FROM cmig.upgrade()'), '0', 'connection options take precedence');
is(session('regress_app', '', "SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT FROM cmig.heads() LIMIT 0; SELECT count(*) FROM pg_class WHERE relname = 'pg_class'"), '1', 'parallel workers start with an invalid value');
query($node, 'shop', <<'END_SQL');
CREATE FUNCTION up() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
	AS $$SELECT revision FROM cmig.upgrade('heads')$$;
ALTER FUNCTION up() OWNER TO regress_owner;
END_SQL
is(session('regress_app', '-c cmig.scope=', 'SELECT up()'), '22023', 'an invalid scope of the database, in a SECURITY DEFINER function');
query($node, 'shop', 'ALTER DATABASE shop RESET cmig.scope; DROP FUNCTION up()');

# The owner of a database can set cmig.search_path and cmig.role for a superuser's
# sessions in it.  What this allows, and what the superuser can do about it
# (SECURITY.md)
my $migrate = "BEGIN; SELECT revision FROM cmig.upgrade('s1'); SELECT who FROM seen; ROLLBACK";
query($node, 'shop', <<'END_SQL');
DELETE FROM cmig.version;
CREATE TABLE seen (who text);
GRANT INSERT, SELECT ON seen TO PUBLIC;
SELECT cmig.create_revision('trustworthy', 'SELECT lower(''A''::varchar)', '', revision => 's1', head => 'base');
SELECT cmig.create_revision('another', '', '', revision => 's2', head => 'base');
END_SQL
my $head = "SELECT FROM cmig.heads() LIMIT 0";
session('regress_owner', '', <<"END_SQL");
$head;
CREATE SCHEMA theirs;
CREATE FUNCTION theirs.lower(varchar) RETURNS text LANGUAGE plpgsql AS
	'BEGIN INSERT INTO public.seen VALUES (current_user); RETURN NULL; END';
CREATE FUNCTION theirs.upper(varchar) RETURNS text LANGUAGE plpgsql AS
	'BEGIN RESET ROLE; RESET SESSION AUTHORIZATION; INSERT INTO public.seen VALUES (current_user); RETURN NULL; END';
GRANT USAGE ON SCHEMA theirs TO PUBLIC;
ALTER DATABASE shop SET cmig.search_path = 'theirs, public';
END_SQL
is(session('postgres', '', $migrate), "s1\npostgres", "the owner's function runs as the superuser");
is(session('postgres', '', "SET cmig.role = 'regress_owner'; $migrate"), "s1\nregress_owner", 'or as the owner, if the superuser says so');
is(session('postgres', '', "SET cmig.role = 'regress_owner'; UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, 'lower', 'upper') WHERE revision = 's1'; $migrate;
	UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, 'upper', 'lower') WHERE revision = 's1'"), "s1\npostgres", 'which is no protection');
is(session('regress_owner', '', $migrate), "s1\nregress_owner", 'in a connection of the owner, it can only run as the owner');
is(session('postgres', '', "SET cmig.search_path = ''; $migrate"), 's1', 'not with another path, set in the session');
is(session('postgres', '-c cmig.search_path=', $migrate), 's1', 'or with the options of the connection');
query($node, 'postgres', "ALTER ROLE postgres SET cmig.search_path = ''; ALTER ROLE postgres SET cmig.role = ''");
is(session('regress_owner', '', "$head; ALTER DATABASE shop SET cmig.role = 'regress_app'; ALTER ROLE ALL IN DATABASE shop SET cmig.role = 'regress_app'"), '',
	'the owner sets both for all roles');
is(session('regress_owner', '', "$head; ALTER ROLE postgres IN DATABASE shop SET cmig.search_path = 'theirs'"), '42501', 'but not for the superuser');
is(session('postgres', '', $migrate), 's1', 'what is set for the role takes precedence');
query($node, 'postgres', 'ALTER ROLE postgres RESET ALL; ALTER DATABASE shop RESET ALL');
query($node, 'shop', "SELECT cmig.remove_revision('s1'); SELECT cmig.remove_revision('s2'); DROP TABLE seen");

# cmig.set_option: what ALTER DATABASE and ALTER ROLE do, with the same privileges, in a
# session that has not loaded the library
my $rules = 'prefer-text-field, prefer-bigint-over-int';
my $settings = "SELECT coalesce(setrole::regrole::text, ''), setconfig FROM pg_db_role_setting WHERE setdatabase <> 0 ORDER BY setrole::regrole::text COLLATE \"C\"";
is(session('regress_owner', '', "ALTER DATABASE shop SET cmig.lint_ignore = '$rules'"), '42501', 'ALTER DATABASE is refused before the library is loaded');
is(session('regress_owner', '', "SELECT cmig.set_option('cmig.lint_ignore', '$rules'); SELECT 'old' WHERE current_setting('cmig.lint_ignore') = ''"),
	"ALTER DATABASE shop SET cmig.lint_ignore = '$rules'\nold", 'the owner of the database sets it, and the session keeps its value');
is(session('regress_app', '', "$head; SHOW cmig.lint_ignore"), $rules, 'new sessions use it');
is(session('regress_owner', '', "SELECT cmig.set_option('Cmig.Lock_Timeout', '7s', 'regress_owner'); SELECT cmig.set_option('cmig.protect', 'base')"),
	"ALTER ROLE regress_owner IN DATABASE shop SET cmig.lock_timeout = '7s'\nALTER DATABASE shop SET cmig.protect = 'base'",
	'a role sets it for itself; names are not case-sensitive');
is(session('regress_owner', '', "$head; SHOW cmig.lock_timeout"), '7s', 'new sessions of the role use it');
is(session('regress_app', '', "$head; SHOW cmig.lock_timeout"), '0', 'and other roles do not');
is(session('regress_app', '', "SELECT cmig.set_option('cmig.lint_ignore', NULL)"), '42501', 'only the owner of the database can do this');
is(session('regress_app', '', "SELECT cmig.set_option('cmig.protect', 'off', 'regress_owner')"), '42501', 'or set it for another role');
is(session('regress_owner', '', "SELECT cmig.set_option('cmig.search_path', 'theirs', 'postgres')"), '42501', 'not for a superuser');
is(session('regress_owner', '', "SELECT cmig.set_option('cmig.rls_gate', '')"), '42501', 'only a superuser sets cmig.rls_gate');
is(session('postgres', '', "SELECT cmig.set_option('cmig.rls_gate', 'public'); SELECT cmig.set_option('cmig.rls_gate', NULL)"),
	"ALTER DATABASE shop SET cmig.rls_gate = 'public'\nALTER DATABASE shop RESET cmig.rls_gate", 'a superuser does');
is(session('regress_owner', '', "SELECT cmig.set_option('cmig.running_revision', '1')"), '55P02', 'no one sets what only shows');
is(session('postgres', '', "SELECT cmig.set_option('cmig.protect', '$_')"), '22023', "ALTER DATABASE refuses the value: $_") for 'sometimes', '';
is(session('postgres', '', "SELECT cmig.set_option(E'$_', '1')"), '42704', "not a setting: $_")
	for 'lint_ignore', 'work_mem', 'cmig.', 'cmig.lint', '', 'cmig_var.x', 'cmig.protect = off; --', 'cmig.lint_ignore\\n', 'cmig."protect"', 'x' x 1000;
is(session('postgres', '', "SELECT cmig.set_option(NULL, '1')"), '22023', 'no setting');
is(session('postgres', '', "SELECT cmig.set_option('cmig.protect', 'on', '$_')"), '42704', "not a role: $_") for '', 'public', 'none', 'current_user', 'all', 'regress_app IN DATABASE postgres';
is(session('postgres', '', "BEGIN READ ONLY; SELECT cmig.set_option('cmig.protect', 'on')"), '25006', 'in a read-only transaction');
is(session('postgres', '', q{CREATE ROLE "regress ""; '\\"; SELECT cmig.set_option('cmig.search_path', E'a\\\\b'', "c"\n', 'regress "; ''\\')}),
	qq{ALTER ROLE "regress ""; '\\" IN DATABASE shop SET cmig.search_path = E'a\\\\b'', "c"\n'}, 'a hostile role and value');
is($node->safe_psql('shop', $settings), join("\n", q("regress ""; '\\"|{"cmig.search_path=a\\\\b', \"c\"), '"}',
	'-|{"cmig.lint_ignore=prefer-text-field, prefer-bigint-over-int",cmig.protect=base}', 'regress_owner|{cmig.lock_timeout=7s}'), 'what is stored');
is(session('regress_owner', '', "SELECT cmig.set_option(name, NULL, role) FROM (VALUES ('cmig.lint_ignore', NULL), ('cmig.protect', NULL),
	('cmig.lock_timeout', 'regress_owner'), ('cmig.lock_timeout', 'regress_owner')) v(name, role)"),
	join("\n", 'ALTER DATABASE shop RESET cmig.lint_ignore', 'ALTER DATABASE shop RESET cmig.protect',
		('ALTER ROLE regress_owner IN DATABASE shop RESET cmig.lock_timeout') x 2), 'NULL resets it');
query($node, 'postgres', q{DROP ROLE "regress ""; '\\"});
is($node->safe_psql('shop', $settings), '', 'nothing is stored');
# the hint for an invalid value that an unloaded session has stored can be pasted
query($node, 'postgres', "ALTER DATABASE shop SET cmig.protect = 'full'");
my (undef, undef, $refused) = $node->psql('shop', 'SELECT cmig.status()');
like($refused, qr/HINT:  Available values: off, base, on\. Correct it with ALTER SYSTEM, or for the database: SELECT cmig\.set_option\('cmig\.protect', '<value>'\)$/m, 'the hint names cmig.set_option');
is(session('regress_owner', '', "SELECT cmig.set_option('cmig.protect', 'off'); SELECT cmig.set_option('cmig.protect', NULL)"),
	"ALTER DATABASE shop SET cmig.protect = 'off'\nALTER DATABASE shop RESET cmig.protect", 'and it works');

# if the server loads the library when it starts
query($node, 'postgres', "ALTER SYSTEM SET shared_preload_libraries = 'pg_cmig'; ALTER DATABASE shop SET cmig.rls_gate = 'public';
	ALTER ROLE regress_dba SET cmig.scope = 'public'");
ok(!IPC::Run::run(['false'], '<', \('x' x 1_000_000)), 'a client that is refused need not read its script');
query($node, 'shop', "LOAD 'pg_cmig'; ALTER SYSTEM RESET cmig.protect; DELETE FROM cmig.version; DROP TABLE gap");
$node->restart;
is(session('regress_app', '-c cmig.rls_gate=', $upgrade), 'permission', 'preloaded: the connection option is refused');
is(session('regress_app', '', $upgrade), 'MG021', 'preloaded: the gate applies');
is(session('regress_app', '-c cmig.scope=public', $upgrade), 'invalid', 'preloaded: a connection with an invalid scope is refused');
is(session('regress_dba', '', $upgrade), '22023', 'preloaded: the invalid scope of a role is refused');

$node->stop;
done_testing();
