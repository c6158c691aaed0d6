# Copyright (c) 2026, the pg_cmig developers

# Tests cmig.ddl_policy: where its value is stored, to which sessions it applies, how a
# database with a policy is restored, and DDL in sessions without the library.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('ddl');
$node->start;
$node->safe_psql('postgres', <<'END_SQL');
CREATE ROLE regress_owner LOGIN CREATEDB;
CREATE ROLE regress_app LOGIN;
CREATE DATABASE shop OWNER regress_owner;
END_SQL

# Runs SQL, and returns psql's output, or the SQLSTATE of the last error.
sub session
{
	my ($role, $options, $sql, %environment) = @_;
	my ($out, $err) = ('', '');
	local @ENV{ 'PGOPTIONS', keys %environment } = ($options, values %environment);

	IPC::Run::run([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-U', $role, '-d', 'shop',
			'-v', 'VERBOSITY=sqlstate' ],
		'<', \"SET client_min_messages = error;\n$sql", '>', \$out, '2>', \$err);
	chomp($out, $err);
	$err = $2 if $err =~ /(ERROR|FATAL):  (\w+)/;
	return join("\n", grep { $_ ne '' } $out, $err);
}

# Creates and drops a table in a session that has not loaded the library, and in a
# session that has.
my $ddl = 'CREATE TABLE a (); DROP TABLE a';
my $loaded = "SELECT FROM cmig.heads(); $ddl";

#
# The owner of a database, who is not a superuser
#
is(session('regress_owner', '', 'CREATE EXTENSION pg_cmig'), '', 'the owner creates the extension');
is(session('regress_owner', '', 'SELECT DISTINCT evtowner::regrole::text <> current_user FROM pg_event_trigger'),
	't', 'its event triggers belong to the bootstrap superuser');
is(session('regress_owner', '', 'ALTER EVENT TRIGGER cmig_ddl_end DISABLE'), '42501', 'and the owner cannot disable them');
session('regress_owner', '', "GRANT CREATE ON SCHEMA public TO regress_app; SELECT cmig.grant_access('regress_app', 'migrator')");

#
# Where the policy is read from
#
for my $sql ($ddl, $loaded)
{
	my $name = $sql eq $ddl ? 'not loaded' : 'loaded';

	session('regress_owner', '', 'SELECT cmig.set_ddl_policy(NULL)');
	is(session('regress_app', '', $sql), '', "$name: no policy");
	is(session('regress_app', '-c cmig.ddl_policy=deny', $sql), 'MG022', "$name: a session is stricter");
	is(session('regress_owner', '', "SELECT cmig.set_ddl_policy('deny')"), 'deny', "$name: the owner sets it");
	is(session('regress_app', '', $sql), 'MG022', "$name: the policy of the database");
	is(session('regress_app', '-c cmig.ddl_policy=allow', $sql), 'MG022', "$name: options of the connection do not loosen it");
	is(session('regress_app', '-c cmig.ddl_policy=junk', $sql), 'MG022', "$name: nor does a value that is none");
	is(session('regress_app', '', "SET cmig.ddl_policy = allow; $sql"), 'MG022', "$name: nor SET");
	is(session('regress_owner', '', "SET cmig.ddl_policy = allow; $sql"), 'MG022', "$name: not even the owner's");
	session('regress_app', '', 'SELECT FROM cmig.heads(); ALTER ROLE regress_app SET cmig.ddl_policy = allow');
	is(session('regress_app', '', $sql), 'MG022', "$name: nor ALTER ROLE");
	session('postgres', '', 'ALTER ROLE regress_app RESET cmig.ddl_policy');
	is(session('regress_app', '', "SELECT cmig.set_ddl_policy('allow')"), '42501', "$name: only the owner can loosen it");
}

# sessions that are already open
for my $first ('SELECT 1', 'SELECT FROM cmig.heads()', $ddl)
{
	session('regress_owner', '', 'SELECT cmig.set_ddl_policy(NULL)');
	my $open = $node->background_psql('shop', on_error_stop => 0);
	$open->query($first);
	session('regress_owner', '', "SELECT cmig.set_ddl_policy('deny')");
	$open->query('CREATE TABLE late ()');
	is($open->query("SELECT to_regclass('late') IS NULL"), 't', "takes effect in an open session after $first");
	$open->quit;
}

# who Citus would take for one of its own connections, during a run
session('regress_owner', '', "SELECT cmig.set_ddl_policy('deny')");
{
	my $run = $node->background_psql('shop', extra_params => [ '-U', 'regress_owner' ]);
	$run->query('BEGIN');
	$run->query("SELECT FROM cmig.create_revision('runs', 'SELECT 1', revision => 'runs')");
	$run->query('SELECT FROM cmig.upgrade()');
	my $gpid = 10000000000 + $run->query('SELECT pg_backend_pid()');
	is(session('regress_app', '-c citus.shard_count=32', "SET application_name = 'citus_internal gpid=$gpid'; $ddl"), 'MG022',
		'the name of a connection of Citus does not help without Citus');
	$run->query('ROLLBACK');
	$run->quit;
}

# the server's configuration
session('regress_owner', '', 'SELECT cmig.set_ddl_policy(NULL)');
$node->append_conf('postgresql.conf', "cmig.ddl_policy = 'deny'\n");
$node->reload;
is(session('regress_app', '', $ddl), 'MG022', 'postgresql.conf');
is(session('regress_app', '-c cmig.ddl_policy=allow', $ddl), 'MG022', 'options of the connection hide it in vain');
is(session('regress_app', '-c cmig.ddl_policy=allow', $loaded), 'MG022', 'also after the library is loaded');
is(session('regress_owner', '', "SELECT cmig.set_ddl_policy('allow')"), 'allow', 'the database goes before the server');
is(session('regress_app', '', $ddl), '', 'and is not guarded then');
$node->append_conf('postgresql.conf', "cmig.ddl_policy = 'allow'\n");
$node->reload;

# a value that was stored in a session without the library
session('regress_owner', '', 'SELECT cmig.set_ddl_policy(NULL)');
session('postgres', '', "ALTER DATABASE shop SET cmig.ddl_policy = 'denny'");
is(session('regress_app', '', $ddl), '22023', 'a value that is none denies, too');
is(session('postgres', '', 'ALTER DATABASE shop RESET cmig.ddl_policy'), '', 'and can be reset');

#
# Dump and restore
#
session('regress_owner', '', <<'END_SQL');
SELECT cmig.create_revision('books', 'CREATE TABLE book (id serial PRIMARY KEY, author int)', 'DROP TABLE book', revision => '001');
SELECT FROM cmig.upgrade();
SELECT cmig.set_ddl_policy('log');
CREATE INDEX book_author ON book (author);
CREATE VIEW books AS SELECT * FROM book;
SELECT cmig.set_ddl_policy('deny');
END_SQL
my $dump = $node->basedir . '/shop.dump';
my $rows = 'SELECT command, object, role FROM cmig.ddl_log ORDER BY at';
my $logged = session('regress_owner', '', $rows);
is($logged, "CREATE INDEX|public.book_author|regress_owner\nCREATE VIEW|public.books|regress_owner", 'two rows');
command_ok([ 'pg_dump', '-Fc', '-C', '-f', $dump, '-d', $node->connstr('shop') ], 'pg_dump');
$node->safe_psql('postgres', 'ALTER DATABASE shop RENAME TO shop_before');
{
	# Runs SQL as a superuser, because other roles cannot store the policy in a session
	# without the library.  The test framework gives its own sessions another name.
	local $ENV{PGAPPNAME};
	delete $ENV{PGAPPNAME};
	command_ok([ 'pg_restore', '-C', '-e', '-d', $node->connstr('postgres'), $dump ], 'pg_restore -C');
}
is(session('postgres', '', $rows), $logged, 'the rows are restored, and nothing is recorded of the restore');
is(session('regress_app', '', $ddl), 'MG022', 'the policy is restored');
is(session('regress_app', '', $ddl, PGAPPNAME => 'pg_restore'), 'MG022', 'whose name does not help those who cannot change the policy');
is(session('regress_owner', '', $ddl, PGAPPNAME => 'pg_restore'), '', 'it exempts the owner');

# a dump in plain format, restored into a database of the same name
command_ok([ 'pg_dump', '-C', '-f', $dump, '-d', $node->connstr('shop') ], 'pg_dump as a script');
$node->safe_psql('postgres', 'DROP DATABASE shop');
{
	local $ENV{PGAPPNAME} = 'pg_restore';
	command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $dump ],
		'psql as pg_restore');
}
is(session('postgres', '', $rows), $logged, 'with the same rows');

#
# The library is missing
#
$node->safe_psql('shop', "UPDATE pg_proc SET probin = '\$libdir/pg_cmig_is_gone' WHERE oid = 'cmig.ddl_event'::regproc");
my ($out, $err) = run_command([ 'psql', '-XAtq', '-d', $node->connstr('shop'), '-c', 'CREATE TABLE still ()' ]);
like($err, qr/WARNING:  cmig.ddl_policy has no effect: could not access file .*HINT: .*DROP EXTENSION/s, 'DDL goes on, with a warning');
is(session('postgres', '', "SELECT to_regclass('still') IS NOT NULL"), 't', 'the table was created');
$node->safe_psql('shop', 'DROP EXTENSION pg_cmig; DROP TABLE still');

#
# A statement that changes descendants, too, must match for each of them
#
$node->safe_psql('postgres', 'CREATE DATABASE family');
$node->safe_psql('family', q{CREATE EXTENSION pg_cmig;
CREATE SCHEMA free;
CREATE FUNCTION free.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE free.parent (id int, n int) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF free.parent FOR VALUES IN (1);
CREATE TRIGGER told BEFORE INSERT ON free.parent FOR EACH ROW EXECUTE FUNCTION free.f();
CREATE TABLE free.base (id int, n int);
CREATE TABLE child () INHERITS (free.base);
CREATE TRIGGER told BEFORE INSERT ON free.base FOR EACH ROW EXECUTE FUNCTION free.f();
SELECT cmig.set_ddl_policy('deny', exclude => '{free.*}')});
foreach my $case ([ 'CREATE TRIGGER r BEFORE INSERT ON free.parent FOR EACH ROW EXECUTE FUNCTION free.f()', 1 ],
	[ 'CREATE TRIGGER s AFTER INSERT ON free.parent EXECUTE FUNCTION free.f()', 0 ],
	[ 'ALTER TRIGGER told ON free.parent RENAME TO r', 1 ],
	[ 'ALTER TABLE free.parent ADD m int', 1 ],
	[ 'ALTER TABLE free.parent ADD CHECK (n > 0)', 1 ],
	[ 'ALTER TABLE free.parent RENAME n TO m', 1 ],
	[ 'CREATE INDEX ON free.parent (n)', 1 ],
	[ 'CREATE TRIGGER r BEFORE INSERT ON free.base FOR EACH ROW EXECUTE FUNCTION free.f()', 0 ],
	[ 'ALTER TRIGGER told ON free.base RENAME TO r', 0 ],
	[ 'ALTER TABLE free.base ADD m int', 1 ],
	[ 'ALTER TABLE free.base RENAME n TO m', 1 ],
	[ 'ALTER TABLE free.base ALTER n SET DEFAULT 1', 1 ],
	[ 'ALTER TABLE ONLY free.base ALTER n SET DEFAULT 1', 0 ],
	[ 'ALTER TABLE ONLY free.base ADD CHECK (n > 0) NO INHERIT', 0 ],
	[ 'ALTER TABLE free.base SET (autovacuum_enabled = off)', 0 ])
{
	my (undef, undef, $err) = $node->psql('family', "BEGIN; $case->[0]; ROLLBACK");

	is($err =~ /family" allows DDL only in revisions/ ? 1 : $err eq '' ? 0 : $err, $case->[1], $case->[0]);
}

done_testing();
