# Copyright (c) 2026, the pg_cmig developers

# Tests CALL cmig.upgrade_stepwise with drivers and PgBouncer: where it is not allowed,
# what the hint says, and what remains if the call is canceled, times out, or loses its
# client.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# JDBC supports only TCP, so the server accepts TCP connections, but only from one role
# with a password that is generated for this run.
my $node = new_node('stepwise_drivers', 'max_connections = 40', "listen_addresses = '127.0.0.1'");
my $password = join '', map { sprintf '%02x', int rand 256 } (1 .. 16);
my $hba = $node->data_dir . '/pg_hba.conf';
my $local = join '', grep { /^local/ } split /^/m, slurp_file($hba);
unlink $hba;
append_to_file($hba, "${local}host all jdbc 127.0.0.1/32 password\n");
$node->start;
$node->safe_psql('postgres', "CREATE ROLE jdbc SUPERUSER LOGIN PASSWORD '$password'");
$node->safe_psql('postgres', 'CREATE ROLE postgres SUPERUSER LOGIN') if getpwuid($<) ne 'postgres';

my $dir = PostgreSQL::Test::Utils::tempdir();
my $drivers = "$CmigNode::top/t/drivers";
my $steps = slurp_file("$drivers/steps.sql");
my ($host, $port) = ($node->host, $node->port);
$ENV{PYTHONDONTWRITEBYTECODE} = 1;
# The folder of the modules that Debian packages, for a Node.js that is not from Debian.
$ENV{NODE_PATH} = join ':', grep { defined } $ENV{NODE_PATH}, '/usr/share/nodejs';

sub make_db
{
	my ($db) = @_;

	new_database($node, $db);
	return "host=$host port=$port user=postgres dbname=$db";
}

#
# Drivers
#
my $have_psycopg2 = need_tool('python3-psycopg2', 'python3', '-c', 'import psycopg2');
SKIP:
{
	skip 'psycopg is not installed', 1 unless need_tool('python3-psycopg', 'python3', '-c', 'import psycopg');
	run_checks('psycopg', 'python3', "$drivers/stepwise_psycopg3.py", make_db('psycopg'));
}
SKIP:
{
	skip 'psycopg2 is not installed', 1 unless $have_psycopg2;
	run_checks('psycopg2', 'python3', "$drivers/stepwise_psycopg2.py", make_db('psycopg2'));
}
SKIP:
{
	skip 'SQLAlchemy is not installed', 1
	  unless $have_psycopg2 && need_tool('python3-sqlalchemy', 'python3', '-c', 'import sqlalchemy');
	make_db('sqlalchemy');
	run_checks('SQLAlchemy', 'python3', "$drivers/stepwise_sqlalchemy.py", 'psycopg2', $host, $port, 'sqlalchemy');
}
SKIP:
{
	skip 'node-pg is not installed', 1 unless need_tool('node-pg', 'node', '-e', 'require("pg")');
	make_db('node');
	run_checks('node-pg', 'node', "$drivers/stepwise_node.js", $host, $port, 'node');
}
# A program can be run from its source only with a JDK, which is too large to be
# installed for this test.  If a JDK is installed, scripts/check provides the driver.
SKIP:
{
	my $jar = jar('postgresql');

	skip 'JDBC is not tested: no JDK (default-jdk-headless)', 1
	  unless eval { IPC::Run::run([ 'java', '--list-modules' ], '>', \my $modules, '2>&1'); $modules =~ /^jdk\.compiler@/m };
	skip "JDBC is not tested: no $jar (libpostgresql-jdbc-java)", 1
	  unless need_tool('libpostgresql-jdbc-java', 'test', '-e', $jar);
	make_db('jdbc');
	run_checks('JDBC', 'java', '-cp', $jar, "$drivers/Stepwise.java",
		"jdbc:postgresql://127.0.0.1:$port/jdbc?user=jdbc&password=$password", "$drivers/steps.sql");

	# the program in doc/production.md
	my ($text) = slurp_file("$CmigNode::top/doc/production.md") =~ /^```java file=Upgrade.java\n(.*?)^```/ms;
	my ($out, $err) = ('', '');
	make_db('jdbc_example');
	query($node, 'jdbc_example', load_sql($steps));
	append_to_file("$dir/Upgrade.java", $text);
	IPC::Run::run([ 'java', '-cp', $jar, "$dir/Upgrade.java",
			"jdbc:postgresql://127.0.0.1:$port/jdbc_example?user=jdbc&password=$password" ],
		'<', \undef, '>', \$out, '2>', \$err);
	like($out . $err, qr/\Aupgrade base -> 001, items\nupgrade 001 -> 002, .*\nupgrade 002 -> 003, one more column\n\z/s,
		'JDBC: the program of doc/production.md');
	is(query($node, 'jdbc_example', 'SELECT revision FROM cmig.version'), '003', 'JDBC: the database is at head');
}

# psql
make_db('psql');
query($node, 'psql', load_sql($steps));
foreach my $case (
	[ '--single-transaction', [ '--single-transaction', '-c', 'SELECT 1', '-c', 'CALL cmig.upgrade_stepwise()' ] ],
	[ 'AUTOCOMMIT off', [ '-v', 'AUTOCOMMIT=off', '-c', 'SELECT 1', '-c', 'CALL cmig.upgrade_stepwise()' ] ],
	[ 'one -c', [ '-c', "SET cmig.lock_timeout = '5s'; CALL cmig.upgrade_stepwise()" ] ],
	[ 'two -c', [ '-c', "SET cmig.lock_timeout = '5s'", '-c', 'CALL cmig.upgrade_stepwise()' ], '003' ])
{
	my ($name, $options, $expected) = @$case;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('psql'), @$options ],
		'<', \undef, '>', \$out, '2>', \$err);
	like($err, qr/ERROR:  25001: .*HINT:  psql: ROLLBACK and \\set AUTOCOMMIT on,/s, "psql: $name is refused")
	  unless $expected;
	is(query($node, 'psql', 'SELECT max(revision) FROM cmig.version'), $expected // '', "psql: $name: the database is at the expected revision");
}

#
# Calls that are interrupted by another program.  The second statement of revision 002
# waits for a lock on $gate.
#
my $gate;

sub shut
{
	my ($db) = @_;

	$gate = $node->background_psql($db, on_error_stop => 0);
	$gate->query_safe('SELECT pg_advisory_lock(42)');
}

sub open_gate
{
	$gate->quit;
}

# A repeated CALL completes the run, and no statement is run twice.
sub is_finished
{
	my ($db, $name, $connection) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'psql', '-XAtq', '-d', $connection // $node->connstr($db), '-c', 'CALL cmig.upgrade_stepwise()' ],
		'<', \undef, '>', \$out, '2>', \$err);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(query($node, $db, q{SELECT revision || ' ' || count(*) FROM cmig.version, item WHERE name LIKE 'name %' GROUP BY revision}),
		'003 1000', "$name: the same CALL again")
	  or diag($err);
	is(query($node, $db, q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database =
		(SELECT oid FROM pg_database WHERE datname = current_database())}), '0', "$name: no lock remains");
	query($node, $db, q{CALL cmig.downgrade_stepwise('base')});
}

sub status_is
{
	my ($db, $item, $pattern, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like(query($node, $db, "SELECT value FROM cmig.status() WHERE item = '$item'"), $pattern, "$name: cmig.status shows $item");
}

sub wait_for_end
{
	my ($pid, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)"), $name);
}

make_db('cut');
query($node, 'cut', load_sql($steps));

# kill -9 of the client.  The server notices that the client is gone when it next sends
# data or, if client_connection_check_interval is set, within this interval.
foreach my $interval ('0', '100ms')
{
	my $name = "client killed, client_connection_check_interval = $interval";

	shut('cut');
	my $run = start_psql($node, 'cut', "SET client_connection_check_interval = '$interval';\nCALL cmig.upgrade_stepwise();");
	my $pid = wait_until_blocked($node);
	$run->{handle}->signal('KILL');
	eval { IPC::Run::finish($run->{handle}) };
	if ($interval eq '0')
	{
		status_is('cut', 'running', qr/^upgrade of 002, by process $pid$/, $name);
		open_gate();
		wait_for_end($pid, "$name: the run ends when it next sends a message");
	}
	else
	{
		wait_for_end($pid, "$name: the run ends at once");
		open_gate();
		{
			my $holder = $node->background_psql('cut', on_error_stop => 0);
			$holder->query_safe(q{SET client_min_messages = warning; BEGIN; SELECT cmig.stamp('001')});
			my $waiting = start_psql($node, 'cut', "SET client_connection_check_interval = '$interval';\nCALL cmig.upgrade_stepwise();");
			my $waiting_pid = wait_until_blocked($node);
			$waiting->{handle}->signal('KILL');
			eval { IPC::Run::finish($waiting->{handle}) };
			wait_for_end($waiting_pid, "$name: a run that waits for another one ends too");
			$holder->quit;
		}
		status_is('cut', 'interrupted', qr/^upgrade of 002/, $name);
	}
	is_finished('cut', $name);
}

# statement_timeout applies to each statement, not to the CALL as a whole
make_db('timeout');
query($node, 'timeout', load_sql(revision_file('001', '', 'SELECT pg_sleep(0.9); SELECT pg_sleep(0.9); SELECT pg_sleep(0.9);', '')));
query($node, 'timeout', "SET statement_timeout = '2s';\nCALL cmig.upgrade_stepwise();");
is(query($node, 'timeout', 'SELECT revision FROM cmig.version'), '001', 'a run longer than statement_timeout, of shorter statements');
shut('cut');
fails_with($node, 'cut', "SET statement_timeout = '1s';\n CALL cmig.upgrade_stepwise();", '57014',
	'canceling statement due to statement timeout.*upgrade of 002, statement 2', 'statement_timeout');
open_gate();
status_is('cut', 'failed', qr/^upgrade of 002, statement 2: canceling statement due to statement timeout/, 'statement_timeout');
is_finished('cut', 'statement_timeout');

# during a CALL, the session is never idle or idle in a transaction
shut('cut');
{
	my $run = start_psql($node, 'cut', "SET idle_in_transaction_session_timeout = '1s';\n"
		  . "SET idle_session_timeout = '1s';\nCALL cmig.upgrade_stepwise();");
	wait_until_blocked($node);
	my $second = start_psql($node, 'cut', "SET idle_in_transaction_session_timeout = '1s';\n"
		  . "CALL cmig.upgrade_stepwise();", 'second');
	wait_until_blocked($node, 'second');
	select undef, undef, undef, 1.5;
	open_gate();
	is(finish_psql($run), 0, 'idle_in_transaction_session_timeout and idle_session_timeout do not end a run');
	is(finish_psql($second), 0, 'idle timeouts do not end a run that waits for another one');
	is_finished('cut', 'idle timeouts');
}

#
# PgBouncer in each pool mode: for PgBouncer, a CALL is one query, so the session keeps
# its server connection until the CALL ends.
#
SKIP:
{
	skip 'pgbouncer is not installed', 1 unless need_tool('pgbouncer', 'pgbouncer', '--version');

	my @modes = ('session', 'transaction', 'statement');
	make_db("bounced_$_") foreach @modes;
	my ($handle, $bouncer_port) = start_pgbouncer($node, $dir, '', map { "bounced_$_ pool_size=1 pool_mode=$_" } @modes);

	foreach my $mode (@modes)
	{
		my $db = "bounced_$mode";
		my $connection = "host=$dir port=$bouncer_port user=postgres dbname=$db";
		my $start = sub {
			my ($sql) = @_;
			my $session = { out => '', err => '' };
			$session->{handle} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $connection,
					map { ('-c', $_) } 'SET application_name = run', ref $sql ? @$sql : $sql ],
				'<', \undef, '>', \$session->{out}, '2>', \$session->{err},
				IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
			return $session;
		};
		my $run;

		query($node, $db, load_sql($steps));
		$run = $start->('SELECT 1; CALL cmig.upgrade_stepwise()');
		finish_psql($run);
		like($run->{err}, qr/ERROR:  25001.*HINT:  psql: /s, "PgBouncer, $mode: refused in a string with another statement");
		$run = $start->('CALL cmig.upgrade_stepwise()');
		is(finish_psql($run), 0, "PgBouncer, $mode: it runs") or diag($run->{err});
		like($run->{err}, qr/NOTICE:.*base -> 001.*NOTICE:.*002 -> 003/s, "PgBouncer, $mode: notices arrive");
		query($node, $db, q{CALL cmig.downgrade_stepwise('base')});

		# PgBouncer forwards a cancel by psql
		shut($db);
		$run = $start->('CALL cmig.upgrade_stepwise()');
		wait_until_blocked($node);
		$run->{handle}->signal('INT');
		finish_psql($run);
		like($run->{err}, qr/57014.*canceling statement due to user request/, "PgBouncer, $mode: canceled");
		status_is($db, 'partially applied', qr/^upgrade of 002: statement 1 is done/, "PgBouncer, $mode");
		open_gate();
		is_finished($db, "PgBouncer, $mode, cancelled", $connection);

		# when the client disappears, PgBouncer closes the connection to the server,
		# which notices this as it notices the end of a client without PgBouncer
		shut($db);
		$run = $start->([ "SET client_connection_check_interval = '100ms'", 'CALL cmig.upgrade_stepwise()' ]);
		my $pid = wait_until_blocked($node);
		$run->{handle}->signal('KILL');
		eval { IPC::Run::finish($run->{handle}) };
		wait_for_end($pid, "PgBouncer, $mode, client killed: the run ends");
		open_gate();
		is_finished($db, "PgBouncer, $mode, client killed", $connection);
	}
	$handle->signal('INT');
	IPC::Run::finish($handle);
}

$node->stop;
done_testing();
