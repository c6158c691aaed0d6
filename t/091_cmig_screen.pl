# Copyright (c) 2026, the pg_cmig developers

# Tests what cmig shows: the width of its lines, the positions in its messages, its
# hints, and what psql shows if a revision file is passed to it by mistake.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('cmig_screen');

$node->start;
delete @ENV{qw(DATABASE_URL CMIG_CONFIG CMIG_PSQL PAGER LESS NO_COLOR)};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
query($node, 'postgres', 'CREATE DATABASE template_cmig');
query($node, 'template_cmig', 'CREATE EXTENSION pg_cmig');

# project(NAME): creates a folder, which becomes the current one, and a database with
# the extension
sub project
{
	my ($name) = @_;

	query($node, 'postgres', qq{CREATE DATABASE "$name" TEMPLATE template_cmig});
	mkdir "$dir/$name";
	mkdir "$dir/$name/migrations";
	chdir "$dir/$name" or die;
	$ENV{PGDATABASE} = $name;
}

sub add_file
{
	my ($name, @rest) = @_;

	append_to_file("migrations/$name.sql", revision_file($name =~ s/_.*//r, @rest));
}

# --- files that are passed to psql by mistake --------------------------------

# Whatever writes a file, psql stops before it runs anything.
project('guard');
append_to_file('schema.sql', 'CREATE TABLE account (id int PRIMARY KEY); CREATE TABLE piped (id int);');
query($node, 'guard', 'CREATE TABLE account (id int PRIMARY KEY)');

# stops(VERB, ARGUMENT...): runs the verb, which writes a file, and passes that to psql
sub stops
{
	my ($verb, @arguments) = @_;
	my ($status, $output, $errors) = cmig($verb, @arguments);
	my ($file) = $output =~ /^(\S+\.sql)$/m or diag $output, $errors;

	edit($file, 'CREATE TABLE piped (id int);', 'DROP TABLE account;') if $verb !~ /baseline|export/;
	foreach my $command ("psql -X -f '$file'", "psql -X -v ON_ERROR_STOP=1 <'$file'", "cat '$file' '$file' | psql -X -1")
	{
		my ($out, $err) = ('', '');
		IPC::Run::run([ 'bash', '-c', $command ], '<', \undef, '>', \$out, '2>', \$err);
		is("$out$err", qq{Use "cmig upgrade" to run this file.\n}, "psql stops: @_: $command");
	}
	is(query($node, 'guard', q{SELECT concat_ws(' ', to_regclass('account'), to_regclass('piped'))}), 'account', "nothing was run: $verb");
	gives(0, 'unchanged|added', '', 'load', $file);
	return $file;
}

my $first = stops('baseline', '-m', 'one', '--rev-id', '001');
gives(0, 'guard is at 001', '', 'stamp', 'head');
unlink stops('revision', '-m', 'two');
cmig('load', '--prune');
unlink stops('revision', '--autogenerate', '--target', 'schema.sql', '-m', 'three');
cmig('load', '--prune');
query($node, 'guard', 'ALTER TABLE account ADD by_hand int');
unlink stops('capture', '-m', 'four');
cmig('load', '--prune');
mkdir 'exported';
stops('export', '001', '--to', 'exported');

# the file of an older version, which differs only in this line, is not in the way
my $text = slurp_file($first);
unlink $first;
append_to_file($first, $text =~ s/^\\echo .*\n//mr);
gives(0, '^$', '^$', 'export', '001');

$node->stop;
done_testing();
