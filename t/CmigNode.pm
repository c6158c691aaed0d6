# Copyright (c) 2026, the pg_cmig developers

# Functions that the TAP tests share: they create servers, load revisions, and start a
# run that another session blocks at a known place.

package CmigNode;

use strict;
use warnings;

use Cwd;
use Exporter;
use Fcntl ':flock';
use File::Basename;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
  new_node new_database revision_file write_revision load_sql chain_files load_files query fails_with
  start_psql finish_psql wait_until_blocked kill_backend wait_for_recovery need_tool jar
  run_checks start_pgbouncer build_library script_folder use_old_script string_styles
);

# A test that has a function with one of these names does not compile.
sub import
{
	warnings->import(FATAL => 'redefine');
	goto &Exporter::import;
}

# A shell without job control lets its background commands ignore SIGINT, and pgbench,
# which tests stop by it, would ignore it too.
$SIG{INT} = 'DEFAULT';

# The root of the checkout, which is the current folder when prove starts.
our $top = dirname(dirname(Cwd::abs_path(__FILE__)));

my $run_program = \&PostgreSQL::Test::Utils::system_or_bail;

# false for a cluster with a system identifier of its own: copies have the same one
our $copies = 1;

# copied_cluster(initdb, OPTION...): creates a cluster as initdb does.  The first test file
# runs initdb, and keeps the result for the others to copy, which takes a tenth of the time.
sub copied_cluster
{
	my @initdb = @_;
	my ($at) = grep { $initdb[$_] =~ /^(?:-D|--pgdata)$/ } 0 .. $#initdb - 1;
	my $data = $initdb[ $at + 1 ];
	my $template = "$PostgreSQL::Test::Utils::tmp_check/initdb";

	open my $lock, '>', "$template.lock" or die "$template.lock: $!";
	flock $lock, LOCK_EX or die "$template.lock: $!";
	if (!-d $template)
	{
		$initdb[ $at + 1 ] = "$template.new";
		$run_program->(@initdb);
		rename "$template.new", $template or die "$template: $!";
	}
	close $lock;
	$run_program->('cp', '-a', $template, $data);
}

# new_node(NAME, SETTING...): returns an initialized server that is not yet started
sub new_node
{
	my ($name, @settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	no warnings 'redefine';
	local *PostgreSQL::Test::Utils::system_or_bail = sub { $copies && $_[0] eq 'initdb' ? copied_cluster(@_) : $run_program->(@_) };
	$node->init(allows_streaming => 1, extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', join("\n", 'fsync = off', @settings, ''));
	return $node;
}

# string_styles(NODE): returns the values of standard_conforming_strings that the server accepts
sub string_styles
{
	return $_[0]->pg_version->major < 19 ? ('on', 'off') : 'on';
}

# new_database(NODE, NAME): creates a database that has the extension.  All are copies of one, which
# takes a third of the time that CREATE EXTENSION takes.
my %templates;

sub new_database
{
	my ($node, $name) = @_;

	if (!$templates{ $node->name }++)
	{
		$node->safe_psql('postgres', 'CREATE DATABASE with_cmig');
		$node->safe_psql('with_cmig', 'CREATE EXTENSION pg_cmig');
	}
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE with_cmig");
}

# build_library(NAME): compiles t/data/NAME/NAME.c, and returns the path of the library
sub build_library
{
	my ($name) = @_;
	my $library = PostgreSQL::Test::Utils::tempdir() . "/$name.so";
	my $headers = `pg_config --includedir-server`;

	chomp $headers;
	system_or_bail($ENV{CC} || 'cc', '-shared', '-fPIC', '-I', "$top/src", '-I', $headers, '-o', $library, "$top/t/data/$name/$name.c");
	return $library;
}

# script_folder(NODE): returns the folder of the extensions' scripts, or skips the test if it cannot
# be written
sub script_folder
{
	my ($node) = @_;
	my $folder = $node->config_data('--sharedir') . '/extension';

	return $folder if -w $folder;
	die "$folder cannot be written" if $ENV{PG_CMIG_TEST_NO_SKIP};
	plan skip_all => "$folder cannot be written";
}

# use_old_script(NODE): makes version 1.0 of the extension available.  Its script is in the folder of
# the extensions' scripts until the last of the tests that run at once and use it ends.
my ($old_script, $uses);

sub use_old_script
{
	my ($node) = @_;
	my $folder = script_folder($node);
	my $name = 'pg_cmig--1.0.sql';

	open $uses, '<', $folder or die "$folder: $!";
	flock $uses, LOCK_SH or die "$folder: $!";
	$old_script = "$folder/$name";
	append_to_file("$old_script.$$", slurp_file("$top/t/data/update/$name"));
	rename "$old_script.$$", $old_script or die "$old_script: $!";
}

END { unlink $old_script if defined $old_script && flock $uses, LOCK_EX | LOCK_NB }

# revision_file(ID, PARENT, UPGRADE, DOWNGRADE): returns the text of a revision file
sub revision_file
{
	my ($id, $parent, $upgrade, $downgrade) = @_;
	my $text = "-- revision: $id\n-- down_revision: $parent\n-- message: make $id\n"
	  . "-- create_date: 2026-01-01 00:00:00+00\n\n-- cmig:upgrade\n$upgrade\n";

	$text .= "-- cmig:downgrade\n$downgrade\n" if defined $downgrade;
	return $text;
}

# write_revision(ID, PARENT, HEADER, UPGRADE, DOWNGRADE): writes migrations/ID.sql
sub write_revision
{
	my ($id, $parent, $header, $upgrade, $downgrade) = @_;

	unlink "migrations/$id.sql";
	append_to_file("migrations/$id.sql", "-- revision: $id\n-- down_revision: $parent\n$header\n-- cmig:upgrade\n$upgrade\n-- cmig:downgrade\n$downgrade\n");
}

# load_sql(TEXT...): returns the statement that loads revision files
sub load_sql
{
	return 'SELECT * FROM cmig.load($cmig_load$' . join('', @_) . '$cmig_load$);';
}

# chain_files(NAME): returns the paths of an example chain's files
sub chain_files
{
	my ($name) = @_;

	return sort glob("$top/migrations/$name/*.sql");
}

# load_files(NODE, DATABASE, CONNECTION OPTIONS, PATH...): loads files through
# psql's standard input, as a shell would.  Returns "revision|action" lines.
sub load_files
{
	my ($node, $db, $user, @paths) = @_;

	return query($node, $db, load_sql(map { slurp_file($_) } @paths), $user);
}

# query(NODE, DATABASE, SQL, USER): returns the output of psql -XAtq; dies on an error
sub query
{
	my ($node, $db, $sql, $user) = @_;
	my @params = defined $user ? ('-U', $user) : ();
	my ($out, $err);

	$node->psql($db, "SET client_min_messages = warning;\n$sql",
		stdout => \$out, stderr => \$err, on_error_die => 1,
		extra_params => \@params);
	return $out;
}

# fails_with(NODE, DATABASE, SQL, SQLSTATE, PATTERN, NAME, USER): tests that the SQL
# fails with this SQLSTATE and with a message that matches the pattern
sub fails_with
{
	my ($node, $db, $sql, $sqlstate, $pattern, $name, $user) = @_;
	my @params = ('-v', 'VERBOSITY=verbose', defined $user ? ('-U', $user) : ());
	my ($out, $err);
	my $status =
	  $node->psql($db, $sql, stdout => \$out, stderr => \$err, extra_params => \@params);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($status == 3 && $err =~ /ERROR:  $sqlstate: .*$pattern/s, $name)
	  or diag("status $status, output: $out, error: $err");
}

# polled(FUNCTION): calls the function until it returns true, or for the time that PostgreSQL's tests wait, and returns
# whether it did.  Starting a program ten times in each second slows down what it waits for, so the pauses become
# longer: a tenth of the time until then, but at least 0.1 seconds, and at most one.
sub polled
{
	my ($function) = @_;
	my $begun = time;

	until ($function->())
	{
		my $waited = time - $begun;

		return 0 if $waited > $PostgreSQL::Test::Utils::timeout_default;
		sleep($waited < 1 ? 0.1 : $waited < 10 ? $waited / 10 : 1);
	}
	return 1;
}

# The function of PostgreSQL::Test::Cluster does the same, but ten times in each second.
{
	no warnings 'redefine';
	*PostgreSQL::Test::Cluster::poll_query_until = sub {
		my ($node, $db, $query, $expected) = @_;
		my ($out, $err);

		$expected //= 't';
		return 1 if polled(sub { $node->psql($db, $query, stdout => \$out, stderr => \$err); return $out eq $expected && $err eq ''; });
		diag("not within the time: $query\nexpected: $expected\nthe last output: $out\n$err");
		return 0;
	};
}

# start_psql(NODE, DATABASE, SQL): runs SQL in the background, with the application
# name "run"
sub start_psql
{
	my ($node, $db, $sql, $name) = @_;
	my $session = { out => '', err => '' };
	my $connection = $node->connstr($db) . ' application_name=' . ($name // 'run');
	my $file = PostgreSQL::Test::Utils::tempdir() . '/script.sql';

	append_to_file($file, "$sql\n");
	$session->{handle} =
	  IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose',
			'-d', $connection, '-f', $file ],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return $session;
}

# Waits until a session of start_psql() ends, and returns its exit status.
sub finish_psql
{
	my ($session) = @_;

	IPC::Run::finish($session->{handle});
	chomp $session->{out};
	return $session->{handle}->full_result(0) >> 8;
}

# wait_until_blocked(NODE): waits until the session "run" is waiting for a lock, and
# returns its process ID
sub wait_until_blocked
{
	my ($node, $name) = @_;
	my $where = "application_name = '" . ($name // 'run') . "' AND wait_event_type = 'Lock'";

	my $pid;

	# One query both checks and returns the process ID, because a waiting session may
	# briefly not be waiting.
	polled(sub { $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE $where"); return $pid =~ /^\d+$/; })
	  or die 'the run did not come to the lock';
	return $pid;
}

# kill_backend(PID): kills a backend with kill -9.  Returns when the postmaster has
# noticed it; from then on, it accepts no connections until recovery has finished.  The
# client may notice the end of its connection earlier.
sub kill_backend
{
	my ($pid) = @_;

	kill 'KILL', $pid;
	foreach (1 .. 100 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return unless kill 0, $pid;
		select undef, undef, undef, 0.01;
	}
	die "process $pid does not end";
}

# wait_for_recovery(NODE): waits until a server that restarts by itself, for example
# after kill_backend(), accepts connections
sub wait_for_recovery
{
	my ($node) = @_;

	$node->poll_query_until('postgres', 'SELECT true') or die 'no recovery';
}

# A program may end before it has read its input, as psql does if its connection is
# refused.  That is no error of the test: the program's output and status tell what
# happened.
{
	no warnings 'redefine';
	my $write = \&IPC::Run::_write;

	*IPC::Run::_write = sub {
		my $written = eval { $write->(@_) };

		# newer versions of IPC::Run handle it themselves, and return nothing
		return $written if defined $written || $@ eq '';
		return length $_[1] if $@ =~ /^Broken pipe: write/;
		die $@;
	};
}

# need_tool(WHAT, COMMAND...): returns true if the command succeeds, which is asked once.  In
# scripts/check, which installs all tools, no test may be skipped, so a missing tool fails the test.
my %found;
sub need_tool
{
	my ($what, @command) = @_;
	my $output = '';

	return 1 if $found{"@command"} //= eval { IPC::Run::run(\@command, '<', \undef, '>&', \$output) };
	die "$what is missing: @command\n$output" if $ENV{PG_CMIG_TEST_NO_SKIP};
	return 0;
}

# jar(NAME): returns the path of a Java library, which scripts/check may have unpacked into the
# folder PG_CMIG_JAVA
sub jar
{
	my ($name) = @_;
	my @paths = map { "$_/$name.jar" } $ENV{PG_CMIG_JAVA} // (), '/usr/share/java';

	return (grep { -e } @paths)[0] // $paths[-1];
}

# run_checks(DRIVER, COMMAND...): runs a program that prints "ok ..." or "not
# ok ..." for each of its tests
sub run_checks
{
	my ($driver, @command) = @_;
	my ($out, $err) = ('', '');
	my $good = IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	foreach my $line (split /\n/, $out)
	{
		if ($line =~ /^(not )?ok (.*)/) { ok(!$1, "$driver: $2") }
		else { diag($line) }
	}
	ok($good, "$driver: ran to its end") or diag($err);
}

# start_pgbouncer(NODE, FOLDER, SETTINGS, DATABASE...): starts PgBouncer, whose log,
# socket, and settings are in FOLDER.  Each database is NAME or "NAME SETTING=VALUE
# ...".  Returns the handle and the port.
sub start_pgbouncer
{
	my ($node, $folder, $settings, @databases) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $ini = "[databases]\n";

	foreach my $database (@databases)
	{
		my ($name, $more) = split / /, $database, 2;
		$ini .= "$name = host=" . $node->host . ' port=' . $node->port . ' user=postgres ' . ($more // '') . "\n";
	}
	append_to_file("$folder/pgbouncer.ini", <<"INI");
$ini\[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $folder
auth_type = any
server_reset_query =
$settings
INI
	my $handle = IPC::Run::start([ 'pgbouncer', "$folder/pgbouncer.ini" ], '<', \undef, '>&', "$folder/pgbouncer.log");
	foreach my $attempt (1 .. 100)
	{
		last if -S "$folder/.s.PGSQL.$port";
		select undef, undef, undef, 0.1;
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(-S "$folder/.s.PGSQL.$port", 'PgBouncer started') or diag(slurp_file("$folder/pgbouncer.log"));
	return ($handle, $port);
}

1;
