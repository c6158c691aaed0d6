# Copyright (c) 2026, the pg_cmig developers

# Tests cmig --databases with 50 databases, of which one cannot be reached, one fails,
# and one is locked by another run: the table, the exit status, and the next call,
# which upgrades the remaining databases.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('databases', 'autovacuum = off', 'max_connections = 30');
$node->start;
delete @ENV{qw(DATABASE_URL PGDATABASE CMIG_CONFIG)};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
chdir PostgreSQL::Test::Utils::tempdir() or die $!;
mkdir 'migrations' or die $!;
append_to_file('migrations/001.sql', revision_file('001', '', 'CREATE TABLE item (id int PRIMARY KEY);', 'DROP TABLE item;'));
append_to_file('migrations/002.sql', revision_file('002', '001', 'CREATE TABLE extra (id int PRIMARY KEY);', 'DROP TABLE extra;'));

# customer_01 to customer_50
my @names = map { sprintf 'customer_%02d', $_ } 1 .. 50;
my $query = "SELECT datname FROM pg_database WHERE datname LIKE 'customer\\_%' ORDER BY 1";
query($node, 'postgres', 'CREATE DATABASE template_customer');
query($node, 'template_customer', 'CREATE EXTENSION pg_cmig');
query($node, 'postgres', join '', map { "CREATE DATABASE $_ TEMPLATE template_customer;\n" } @names);

# states(OUTPUT): the lines of the table
sub states
{
	my ($table) = $_[0] =~ /\ndatabase +status\n(.*)\z/s;

	return map { /^(\S+) +(.*)$/ ? ($1 => $2) : () } split /\n/, $table // '';
}

# the number of databases at a revision
sub applied
{
	my ($revision) = @_;

	return scalar grep { query($node, $_, 'SELECT coalesce(max(revision), \'none\') FROM cmig.version') eq $revision } @names;
}

query($node, 'postgres', 'ALTER DATABASE customer_07 ALLOW_CONNECTIONS false');
query($node, 'customer_21', 'CREATE TABLE extra ()');
query($node, 'customer_33', load_sql(revision_file('001', '', 'CREATE TABLE item (id int PRIMARY KEY);', 'DROP TABLE item;')));
my $locker = start_psql($node, 'customer_33', "BEGIN; SELECT cmig.upgrade('001'); SELECT pg_sleep(600)", 'locker');
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'locker' AND wait_event = 'PgSleep'") or die;

my ($status, $out, $err);
{
	local $ENV{PGOPTIONS} = '-c lock_timeout=1s';
	($status, $out, $err) = cmig('upgrade', '--databases', $query, '-d', 'postgres', '--jobs', '8');
}
my %state = states($out);
is($status, 4, 'the exit status is the highest one');
is(scalar(keys %state), 50, 'the table has a line for each database');
is(scalar(grep { $_ eq 'done' } values %state), 47, 'the other databases are done');
like($state{customer_07}, qr/^failed \(4\): database "customer_07" is not currently accepting connections$/, 'a database that cannot be reached');
like($state{customer_21}, qr/^failed \(3\): relation "extra" already exists$/, 'a database in which a revision fails');
like($state{customer_33}, qr/^failed \(3\): .*lock/, 'a database in which another run is in progress');

# called again, it does what is left
query($node, 'postgres', 'ALTER DATABASE customer_07 ALLOW_CONNECTIONS true');
query($node, 'customer_21', 'DROP TABLE extra');
query($node, 'postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'locker'");
eval { finish_psql($locker) };
($status, $out, $err) = cmig('upgrade', '--databases', $query, '-d', 'postgres', '--jobs', '8');
%state = states($out);
is($status, 0, 'called again, everything is done');
is(scalar(grep { $_ eq 'done' } values %state), 50, 'in each database');
is(applied('002'), 50, 'all 50 databases are upgraded');

# no more at a time than --jobs, and a slow database does not keep the others from it
# (a session that has ended can be in pg_stat_activity for a moment, but is not active)
append_to_file('migrations/003.sql',
	revision_file('003', '002', 'INSERT INTO item SELECT count(*) FROM pg_stat_activity WHERE application_name = \'many\' AND state = \'active\';', 'DELETE FROM item;'));
$ENV{PGAPPNAME} = 'many';
($status) = cmig('upgrade', '--databases', join(',', @names[0 .. 11]), '--jobs', '3', '-q');
is($status, 0, 'three at a time');
is(scalar(grep { query($node, $_, 'SELECT id BETWEEN 1 AND 3 FROM item') eq 't' } @names[0 .. 11]), 12, 'never more than three sessions');
foreach my $jobs (qw(0 x -1))
{
	gives(2, '', '--jobs must be a number from 1 on', 'current', '--databases', 'customer_01', "--jobs=$jobs");
}

# init with a list that is not that of cmig.conf
append_to_file('two.conf', "folder = migrations\ndatabases = customer_01\n");
gives(0, 'customer_02 +done\n$', '^two\.conf has other databases than --databases\nHINT:  In two\.conf: databases = customer_01,customer_02\n$', 'init', '-c', 'two.conf', '--databases', 'customer_01,customer_02');
gives(0, 'customer_01 +done\n$', '^$', 'init', '-c', 'two.conf', '--databases', 'customer_01');
gives(2, '^$', 'requires names of databases, or a query\ncmig init --databases', 'init', '-c', 'two.conf', '--databases', '');

chdir $CmigNode::top or die $!;
$node->stop;
done_testing();
