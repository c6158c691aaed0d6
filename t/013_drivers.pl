# Copyright (c) 2026, the pg_cmig developers

# Tests pg_cmig with applications: drivers, which send parameters in different ways,
# PgBouncer in transaction mode, and many instances that start at the same time.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('drivers', 'max_connections = 50');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $drivers = "$CmigNode::top/t/drivers";
my ($host, $port) = ($node->host, $node->port);
$node->safe_psql('postgres', 'CREATE ROLE postgres SUPERUSER LOGIN') if getpwuid($<) ne 'postgres';
$ENV{PYTHONDONTWRITEBYTECODE} = 1;
# The folder of the modules that Debian packages, for a Node.js that is not from Debian.
$ENV{NODE_PATH} = join ':', grep { defined } $ENV{NODE_PATH}, '/usr/share/nodejs';

# A new database in which the extension has been created, as an administrator
# would do
sub make_db
{
	my ($db) = @_;

	new_database($node, $db);
	return "host=$host port=$port user=postgres dbname=$db";
}

my $have_psycopg = need_tool('python3-psycopg', 'python3', '-c', 'import psycopg');
my $have_psycopg2 = need_tool('python3-psycopg2', 'python3', '-c', 'import psycopg2');
my $have_sqlalchemy = need_tool('python3-sqlalchemy', 'python3', '-c', 'import sqlalchemy');
my $have_node = need_tool('node-pg', 'node', '-e', 'require("pg")');
my $have_pgbouncer = need_tool('pgbouncer', 'pgbouncer', '--version');
my $have_libpq = need_tool('libpq-dev', 'sh', '-c',
	"cc -Wall -I \$(\${PG_CONFIG:-pg_config} --includedir) -L \$(\${PG_CONFIG:-pg_config} --libdir) $drivers/libpq.c -lpq -o $dir/libpq");

#
# Drivers
#
SKIP:
{
	skip 'psycopg is not installed', 1 unless $have_psycopg;
	run_checks('psycopg', 'python3', "$drivers/psycopg3.py", make_db('psycopg'));
}
SKIP:
{
	skip 'psycopg2 is not installed', 1 unless $have_psycopg2;
	run_checks('psycopg2', 'python3', "$drivers/psycopg2_client.py", make_db('psycopg2'));
}
SKIP:
{
	skip 'SQLAlchemy is not installed', 1 unless $have_sqlalchemy && $have_psycopg2;
	make_db('sqlalchemy');
	run_checks('SQLAlchemy', 'python3', "$drivers/sqlalchemy_engine.py", 'psycopg2', $host, $port, 'sqlalchemy');
}
SKIP:
{
	skip 'node-pg is not installed', 1 unless $have_node;
	make_db('node');
	run_checks('node-pg', 'node', "$drivers/node_pg.js", $host, $port, 'node');
}
SKIP:
{
	skip 'libpq cannot be compiled with', 1 unless $have_libpq;
	run_checks('libpq', "$dir/libpq", make_db('libpq'));
}

#
# Parameters without a type count as text wherever other types are possible, too
#
make_db('untyped');
foreach my $call ('upgrade($1)', 'downgrade($1)', 'stamp($1)', 'plan($1, $2)', 'resolve($1)', 'history($1)',
	'show($1)', 'require($1)', 'load($1)', 'merge($1, $2)', 'export($1)', 'export($1, $2)', 'script($1, $2)',
	'reset($1)', 'draft($1)', 'create_revision($1, $2)', 'remove_revision($1)', 'repair($1)')
{
	my $types = query($node, 'untyped', "PREPARE call AS SELECT * FROM cmig.$call;
		SELECT parameter_types FROM pg_prepared_statements WHERE name = 'call'");

	is($types, $call =~ /\$2/ ? '{text,text}' : '{text}', "untyped: $call");
}

#
# Eight instances of an application at once
#
my $slow = load_sql(
	revision_file('001', '', 'CREATE TABLE account (id int);', 'DROP TABLE account;'),
	revision_file('002', '001', "SELECT pg_sleep(0.3);\nINSERT INTO account VALUES (1);",
		'DELETE FROM account;'),
	revision_file('003', '002', 'ALTER TABLE account ADD COLUMN name text;',
		'ALTER TABLE account DROP COLUMN name;'));

# start_up(CONNECTION, NEEDED): loads and upgrades in one transaction, as an
# application does at start-up
sub start_up
{
	my ($connection, $needed, $begin) = @_;
	my $session = { out => '', err => '' };

	$session->{handle} =
	  IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=sqlstate', '-d', $connection,
			'-c', ($begin // 'BEGIN') . "; SET LOCAL client_min_messages = warning; "
			  . ($slow =~ s/^SELECT \*/SELECT count(*) FILTER (WHERE action = 'added')/r)
			  . " SELECT revision FROM cmig.upgrade('$needed'); COMMIT" ],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return $session;
}

sub is_eight_at_once
{
	my ($db, $connection, $name) = @_;
	my @sessions = map { start_up($connection, '003') } (1 .. 8);
	my %seen;

	foreach my $session (@sessions)
	{
		finish_psql($session);
		$seen{"$session->{out}$session->{err}"}++;
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply(\%seen, { "3\n001\n002\n003" => 1, '0' => 7 }, "$name: one upgrades, and seven have nothing to do");
	is(query($node, $db, q{SELECT string_agg(revision, ' ' ORDER BY id) FROM cmig.journal}), '001 002 003',
		"$name: each step has run once");
	is(query($node, $db, 'SELECT count(*) FROM account'), 1, "$name: the data exists once");
}

my $eight = make_db('eight');
is_eight_at_once('eight', $eight, 'eight at once');

# An instance that does not want to wait for the others uses the server's
# lock_timeout, not cmig.lock_timeout, which limits the lock waits of the
# scripts.
{
	my $first = $node->background_psql('eight');

	$first->query_safe("SET client_min_messages = warning; BEGIN; SELECT cmig.stamp('003')");
	fails_with($node, 'eight', "BEGIN; SET LOCAL lock_timeout = '50ms'; SELECT cmig.upgrade('head')", '55P03',
		'It waited for another run of pg_cmig.*Blocked by process \d+ of role "\w+"(?: \(application "[^"]*"\))?;',
		'lock_timeout limits the wait for another run, and the error names that run');
	$node->psql('eight', "SET lock_timeout = '3s'; SELECT cmig.upgrade('head')", stderr => \my $err);
	like($err, qr/NOTICE:  waiting for another run of pg_cmig in this database\nDETAIL:  Blocked by process \d+ .*ERROR:  canceling statement due to lock timeout/s,
		'a notice reports the wait');
	my $second = start_psql($node, 'eight', "SET cmig.lock_timeout = '50ms'; SELECT cmig.upgrade('head');");
	my $pid = wait_until_blocked($node);
	like($node->safe_psql('eight', "SELECT query FROM pg_stat_activity WHERE pid = $pid"),
		qr/^pg_cmig: cmig\.upgrade\(\) waits for the run of process \d+$/, 'pg_stat_activity shows for which session a run waits');
	$second->{handle}->pump until $second->{err} =~ /NOTICE/;
	$first->query_safe('COMMIT');
	$first->quit;
	is(finish_psql($second), 0, 'cmig.lock_timeout does not limit the wait for another run');
	like($second->{err}, qr/NOTICE:  00000: waiting for another run of pg_cmig in this database\nDETAIL:  Blocked by process \d+ of role "\w+" \(application "[^"]+"\); its transaction has been open for [\d.]+ seconds, idle since its last query: /,
		'the notice names the other session and since when it runs');
}

# An old build that starts late needs an older revision, and finds it applied.
{
	my $session = start_up($eight, '001');

	is(finish_psql($session), 0, 'an older build starts');
	is($session->{out}, '0', 'the older build has nothing to do');
}
is(query($node, 'eight', "SELECT cmig.require('002')"), '', 'a build that only calls require starts');
fails_with($node, 'eight', "SELECT cmig.require('004')", 'MG001', q{can't locate revision},
	'a build that needs a revision that was not loaded fails');
query($node, 'eight', load_sql(revision_file('004', '003', 'SELECT 1;', '')));
fails_with($node, 'eight', "SELECT cmig.require('004')", 'MG010', 'target database is not up to date.*004',
	'a build that needs a revision that is not applied fails, and names it');
fails_with($node, 'eight', 'SELECT cmig.require()', 'MG010', 'target database is not up to date', 'the same without a target');

# If the transaction's snapshot is older than the other session's commit, no revision is
# applied twice.
{
	my $serial = make_db('serial');
	my $level = 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT';
	my @sessions = map { start_up($serial, '003', $level) } (1 .. 8);
	my %seen;

	foreach my $session (@sessions)
	{
		finish_psql($session);
		$session->{out} =~ s/^\n//;
		$seen{"$session->{out}$session->{err}"}++;
	}
	my $worked = delete $seen{"3\n001\n002\n003"};
	is($worked, 1, 'REPEATABLE READ: one upgrades');
	is(join(', ', grep { $_ !~ /^0$|40001/ } keys %seen), '',
		'REPEATABLE READ: the others have nothing to do, or must try again');
	is(query($node, 'serial', q{SELECT string_agg(revision, ' ' ORDER BY id) FROM cmig.journal}), '001 002 003',
		'REPEATABLE READ: each step has run once');
}

# cmig.concurrent_ddl = off in postgresql.conf, before the library is loaded
make_db('configured');
query($node, 'configured', load_sql(
	"-- revision: 001\n-- transactional: false\n-- cmig:upgrade\nCREATE TABLE account (id int);\n"
	  . "CREATE INDEX CONCURRENTLY account_id ON account (id);\n"));
fails_with($node, 'configured', 'SELECT cmig.upgrade()', 'MG007', 'not transactional', 'CONCURRENTLY is refused');
$node->append_conf('postgresql.conf', 'cmig.concurrent_ddl = off');
$node->reload;
is(query($node, 'configured', 'SELECT revision FROM cmig.upgrade()'), '001',
	'cmig.concurrent_ddl = off in postgresql.conf');
$node->adjust_conf('postgresql.conf', 'cmig.concurrent_ddl', 'on');
$node->reload;

#
# PgBouncer in transaction mode
#
SKIP:
{
	skip 'pgbouncer is not installed', 1 unless $have_pgbouncer;
	make_db($_) foreach ('bounced', 'crowd', 'python', 'versions');
	my ($handle, $bouncer_port) = start_pgbouncer($node, $dir, 'pool_mode = transaction',
		'bounced pool_size=1', 'crowd pool_size=4', 'python pool_size=1',
		'versions_old dbname=versions user=shop pool_size=2', 'versions_new dbname=versions user=shop_042 pool_size=2');
	my $bouncer = "host=$dir port=$bouncer_port user=postgres dbname";

	# one server connection for all clients, so that settings that leak would be
	# seen
	my $before = q{SELECT md5(string_agg(name || '=' || setting, ',' ORDER BY name)) FROM pg_settings
		WHERE name NOT IN ('application_name', 'client_min_messages', 'transaction_isolation')};
	my $session = start_up("$bouncer=bounced", '003');
	my $psql = sub {
		my ($sql) = @_;
		my ($out, $err) = ('', '');
		IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', "$bouncer=bounced", '-c', $sql ],
			'<', \undef, '>', \$out, '2>', \$err);
		chomp $out;
		return $out . $err;
	};

	is(finish_psql($session), 0, 'PgBouncer: load and upgrade in one transaction') or diag($session->{err});
	is($session->{out}, "3\n001\n002\n003", 'PgBouncer: all steps ran');
	is(query($node, 'bounced', 'SELECT revision FROM cmig.current()'), '003', 'PgBouncer: the run is committed');

	my $settings = $psql->($before);
	is($psql->(q{BEGIN; SET LOCAL client_min_messages = error; SET LOCAL cmig.search_path = 'public, pg_catalog';
		SELECT revision FROM cmig.downgrade('001'); COMMIT}), "003\n002", 'PgBouncer: SET LOCAL and downgrade');
	is($psql->($before), $settings, 'PgBouncer: the next client has the original settings');
	is($psql->(q{SELECT count(*) FROM pg_prepared_statements}), '0', 'PgBouncer: no prepared statement remains');
	is($psql->(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), '0', 'PgBouncer: no lock remains');
	is($psql->(q{SELECT count(*) FROM pg_class WHERE relpersistence = 't'}), '0', 'PgBouncer: no temporary table remains');
	like($psql->(q{BEGIN; SELECT revision FROM cmig.upgrade('002'); SELECT 1/0; COMMIT}), qr/division by zero/,
		'PgBouncer: an error in the transaction');
	is($psql->('SELECT revision FROM cmig.current()'), '001', 'PgBouncer: the run is rolled back');

	# to PgBouncer, a procedure that commits is one query; the procedure restores the
	# settings that it changed for its revisions
	my $files = load_sql(
		revision_file('004', '003', 'ALTER TABLE account ADD COLUMN born date;', ''),
		revision_file('005', '004', 'CREATE INDEX CONCURRENTLY account_name ON account (name);',
			'DROP INDEX CONCURRENTLY account_name;') =~ s/^(-- down_revision.*)/$1\n-- transactional: false/mr);
	is($psql->($files), "004|added\n005|added", 'PgBouncer: load more');
	like($psql->("SELECT 1; CALL cmig.upgrade_stepwise('head')"), qr/ERROR:  .*stepwise/,
		'PgBouncer: stepwise is refused in a string with another statement');
	is($psql->("CALL cmig.upgrade_stepwise('head')") =~ s/^(psql.*?)?NOTICE: .*\n?//mgr, '', 'PgBouncer: stepwise');
	is($psql->('SELECT revision FROM cmig.current()'), '005', 'PgBouncer: stepwise reaches head');
	is($psql->(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), '0', 'PgBouncer: stepwise leaves no lock');
	is($psql->($before), $settings, 'PgBouncer: stepwise leaves no setting');

	# cmig in the shell leaves no setting, either: all are local to transactions
	{
		local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)} = ($dir, $bouncer_port, 'postgres', 'bounced');
		my $every = q{LOAD 'pg_cmig'; LOAD 'plpgsql'; } . $before =~ s/, 'client_min_messages'//r;
		my $left = $psql->($every);

		mkdir "$dir/files";
		append_to_file("$dir/files/$_->[0].sql", $_->[0] eq '007' ? revision_file(@$_) =~ s/^(-- down_revision.*)/$1\n-- transactional: false/mr : revision_file(@$_))
		  foreach (['006', '005', 'ALTER TABLE account ADD COLUMN city text;', 'ALTER TABLE account DROP COLUMN city;'],
			['007', '006', 'CREATE INDEX CONCURRENTLY account_city ON account (city);', 'DROP INDEX CONCURRENTLY account_city;']);
		foreach my $call ([ 0, '005', 'current', '--no-load', '-q' ], [ 0, '^', 'load', '-x', 'cmig_var.leaves=yes' ], [ 0, 'pending', 'status', '-x', 'cmig.lock_timeout=7s' ],
			[ 0, '006', 'plan', '006' ], [ 0, 'bounced is at 006', 'upgrade', '006', '-x', 'cmig.lock_timeout=7s' ], [ 0, '006', 'log', '-q' ], [ 0, 'no drift', 'drift' ],
			[ 3, '^', 'upgrade', '--stepwise', '-x', 'cmig.lock_timeout=7s' ], [ 3, '^', 'abandon-partial', '007', '--yes', '-q' ],
			[ 0, 'bounced is at 007', 'upgrade', '--stepwise' ], [ 0, '^$', 'downgrade', '-1', '-y', '-q' ])
		{
			my ($status, $shown, @arguments) = @$call;
			my ($out, $err) = ('', '');

			IPC::Run::run([ "$CmigNode::top/bin/cmig", '--folder', "$dir/files", @arguments ], '<', \undef, '>', \$out, '2>', \$err);
			ok($? >> 8 == $status && $out =~ /$shown/, "PgBouncer: cmig @arguments") or diag("status $?\n$out$err");
			like($err, qr/a stepwise run through a connection pool cannot have settings\nHINT:  Connect to the server without the pool\. /,
				'PgBouncer: settings of a stepwise run are refused') if "@arguments" =~ /stepwise -x/;
			unlike($err, qr/-> |make/, 'PgBouncer: quiet') if "@arguments" =~ /-q/;
			is($psql->($every . "; SELECT current_setting('cmig_var.leaves', true)"), "$left\n", 'PgBouncer: it leaves no setting');
		}
	}

	is_eight_at_once('crowd', "$bouncer=crowd", 'eight through PgBouncer');

  SKIP:
	{
		skip 'psycopg is not installed', 1 unless $have_psycopg;
		my $script = "$dir/bounced.py";
		append_to_file($script, <<'PY');
import sys
sys.path.insert(0, sys.argv[1])
import psycopg
from checks import CHAIN, check
with psycopg.connect(sys.argv[2], prepare_threshold=None) as conn:
    conn.execute("SELECT cmig.load(%s)", [CHAIN])
    check("untyped parameters", conn.execute("SELECT revision FROM cmig.upgrade(%s)", ["002"]).fetchall(),
          [("001",), ("002",)])
with psycopg.connect(sys.argv[2], prepare_threshold=None) as conn:
    check("committed", conn.execute("SELECT revision FROM cmig.current()").fetchall(), [("002",)])
PY
		run_checks('psycopg through PgBouncer', 'python3', $script, $drivers, "$bouncer=python");
	}

	# two versions at once: a role and a pool for each version
	query($node, 'versions', load_sql(revision_file('001', '', q{CREATE TABLE person (id serial PRIMARY KEY, name text NOT NULL);}, ''),
			revision_file('042', '001', q{ALTER TABLE person ADD first text NOT NULL;
-- cmig:up person.first = split_part(name, ' ', 1)
ALTER TABLE person DROP name;
-- cmig:down person.name = first || ' ?'}, '') =~ s/(-- message)/-- expand: true\n$1/r)
		  . q{SELECT cmig.upgrade('001'); CREATE ROLE shop LOGIN; CREATE ROLE shop_042 LOGIN IN ROLE shop;
			GRANT ALL ON person, person_id_seq TO shop; ALTER ROLE shop_042 IN DATABASE versions SET search_path = public_042, public;});
	query($node, 'versions', 'CALL cmig.expand()');
	append_to_file("$dir/version_old.sql", "BEGIN;\nINSERT INTO person (name) VALUES ('old build');\nUPDATE person SET name = name WHERE id = 1;\nCOMMIT;\n");
	append_to_file("$dir/version_new.sql", "BEGIN;\nINSERT INTO person (first) VALUES ('new');\nSELECT first FROM person LIMIT 1;\nCOMMIT;\n");
	my $bench = sub {
		my ($version) = @_;
		my $out = '';

		return { out => \$out, handle => IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-t', 50, '-f', "$dir/version_$version.sql", '-d', "$bouncer=versions_$version" ],
				'<', \undef, '>&', \$out) };
	};
	my @benches = map { $bench->($_) } qw(old new);
	foreach my $one (@benches)
	{
		IPC::Run::finish($one->{handle});
		like(${ $one->{out} }, qr{actually processed: 200/200}, 'PgBouncer: two versions at once') or diag(${ $one->{out} });
	}
	is(query($node, 'versions', q{SELECT name, cmig_new_first, count(*) FROM person GROUP BY 1, 2 ORDER BY 1}), "new ?|new|200\nold build|old|200", 'PgBouncer: both versions are right');
	query($node, 'versions', 'CALL cmig.contract()');
	my $new = $bench->('new');
	IPC::Run::finish($new->{handle});
	like(${ $new->{out} }, qr{actually processed: 200/200}, 'PgBouncer: the new version goes on after contract') or diag(${ $new->{out} });

	$handle->signal('INT');
	IPC::Run::finish($handle);
}

$node->stop;
done_testing();
