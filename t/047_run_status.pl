# Copyright (c) 2026, the pg_cmig developers

# cmig.status() shows the run of another session that has not committed: what it
# runs, since when, and what it waits for.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('run_status', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION pg_cmig; CREATE TABLE item (id int); CREATE ROLE reader LOGIN;"
	  . " SELECT cmig.grant_access('reader', 'reader');"
	  . " INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES ('001', '{}', 'SELECT 1'), ('002', '{001}', E'SELECT 2;\\nALTER TABLE item\\nADD x int')");
my $status = "SELECT item, value, hint FROM cmig.status() WHERE item ~ 'running|waits'";
is($node->safe_psql('postgres', $status), '', 'no run');

my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE item');
my $holder_pid = $holder->query_safe('SELECT pg_backend_pid()');
my $run = start_psql($node, 'postgres', 'SELECT * FROM cmig.upgrade()');
my $pid = wait_until_blocked($node);
chomp $holder_pid;

my @rows = split /\n/, $node->safe_psql('postgres', $status);
is($rows[0], "running|upgrade of 002, statement 2: ALTER TABLE item ADD x int, by process $pid|SELECT * FROM pg_stat_activity WHERE pid = $pid", 'what runs');
like($rows[1], qr/^running since\|\d{4}-\d\d-\d\d .*, this statement for \d\d:\d\d:\d\d\|$/, 'since when');
is($rows[2], "waits for|process $holder_pid (Lock: relation)|SELECT * FROM pg_stat_activity WHERE pid IN ($holder_pid)", 'what it waits for');
is($node->safe_psql('postgres', "$status AND item = 'running'", extra_params => [ '-U', 'reader' ]),
	"running|<insufficient privilege>, by process $pid|SELECT * FROM pg_stat_activity WHERE pid = $pid", 'a role that must not see it');

# another run waits, and says so
my $second = start_psql($node, 'postgres', 'SELECT * FROM cmig.upgrade()', 'second');
wait_until_blocked($node, 'second');
$holder->query_safe('COMMIT');
is(finish_psql($run), 0, 'the first run ends');
is(finish_psql($second), 0, 'the second too');
like($second->{err}, qr/NOTICE:  00000: waiting for another run of pg_cmig in this database\n/, 'it has said that it waited');
is($node->safe_psql('postgres', $status), '', 'no run');

$holder->quit;
$node->stop;
done_testing();
