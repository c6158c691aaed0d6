# Copyright (c) 2026, the pg_cmig developers

# Functions that the tests of bin/cmig share.

package CmigShell;

use strict;
use warnings;

use CmigNode;
use Exporter 'import';
use Fcntl ':flock';
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw($cmig cmig gives edit on_terminal engine_project engine_stays);

our $cmig = "$CmigNode::top/bin/cmig";

# engine_project(NAME): starts a server NAME with a database shop, of a role that is not a
# superuser, and changes to a new folder, in which an engine is configured for this database.
# Returns the server, the folder, and the cache, in which the engine is.
sub engine_project
{
	my $node = new_node($_[0]);
	my ($dir, $cache) = (PostgreSQL::Test::Utils::tempdir(), PostgreSQL::Test::Utils::tempdir_short());

	$node->start;
	$node->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN');
	$node->safe_psql('postgres', 'CREATE DATABASE shop OWNER regress_owner');
	delete @ENV{qw(PGAPPNAME PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
	@ENV{qw(PGHOST PGPORT PGUSER PGDATABASE XDG_CACHE_HOME)} = ($node->host, $node->port, 'regress_owner', 'shop', $cache);
	chdir $dir or die;
	mkdir 'migrations';
	append_to_file('cmig.conf', "folder = migrations\nengine = local\n");
	return ($node, $dir, $cache);
}

# engine_stays(): once it is started, the local engine runs until the test ends.  Otherwise, each call
# of cmig starts and stops it, which takes a fifth of the processor time.
my @users;
sub engine_stays
{
	my ($major) = `pg_config --version` =~ /(\d+)/;
	my $folder = "$ENV{XDG_CACHE_HOME}/cmig";

	foreach ($folder, "$folder/engine-$major") { -d or mkdir $_, 0700 or die "$_: $!"; }
	open my $file, '>>', "$folder/engine-$major/users" or die "$folder: $!";
	flock $file, LOCK_SH or die "$folder: $!";
	push @users, [ $file, "$folder/engine-$major/data/postmaster.pid" ];
}

# It ends before its folder is removed.
END
{
	local $?;

	close $_->[0] foreach @users;
	foreach (1 .. 50) { last unless grep { -e $_->[1] } @users; select undef, undef, undef, 0.1; }
}

# cmig(ARGUMENT...): runs bin/cmig, and returns its exit status, output, and errors
sub cmig
{
	my ($out, $err);

	IPC::Run::run([ $cmig, @_ ], '<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

# gives(STATUS, OUTPUT, ERRORS, ARGUMENT...): tests that cmig exits with the status, and
# that its output and errors match the patterns
sub gives
{
	my ($status, $output, $errors, @arguments) = @_;
	my @result = cmig(@arguments);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($result[0] == $status && $result[1] =~ /(?:$output)/s && $result[2] =~ /(?:$errors)/s, "cmig @arguments")
	  or diag("status $result[0]\noutput: $result[1]\nerrors: $result[2]");
}

# edit(FILE, UPGRADE, DOWNGRADE): writes the scripts into a new revision file
sub edit
{
	my ($file, $upgrade, $downgrade) = @_;
	my $text = slurp_file($file);

	$text =~ s/^-- cmig:upgrade\n/$&$upgrade\n/m;
	$text =~ s/^-- cmig:downgrade\n/$&$downgrade\n/m;
	unlink $file;
	append_to_file($file, $text);
}

# on_terminal(INPUT, ARGUMENT...): runs cmig on a terminal, and returns its exit status
# and what the terminal shows
sub on_terminal
{
	my ($in, @arguments) = @_;
	my $pty = '';
	my $run = IPC::Run::start([ $cmig, @arguments ], '<pty<', \$in, '>pty>', \$pty, '2>&1',
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));

	$run->finish;
	return ($? >> 8, $pty =~ s/\r//gr);
}

1;
