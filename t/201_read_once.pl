# Copyright (c) 2026, the pg_cmig developers

# What another session changes while a function reads: the function answers, or raises 40001, and
# the server goes on.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('read_once', 'restart_after_crash = off', 'max_connections = 30');
$node->start;

# The expansion ends while another session still looks at it: its row is gone when the lock is released.
$node->safe_psql('postgres', <<'END_SQL');
CREATE EXTENSION pg_cmig;
CREATE TABLE t (id int, n int) PARTITION BY LIST (id);
CREATE TABLE t1 PARTITION OF t DEFAULT;
SELECT cmig.create_revision('n', revision => '1', expand => true, upgrade_sql => 'ALTER TABLE t ALTER n TYPE bigint');
END_SQL

foreach my $case (
	[ 'cmig.check()', 't', q{SELECT count(*) FROM cmig.check() WHERE object = 'expansion'}, qr/^[01]$/ ],
	[ 'cmig.status()', 't', 'SELECT count(*) > 0 FROM cmig.status()', qr/^t$/ ],
	[ 'cmig.expansion()', 'cmig.version', 'SELECT count(*) FROM cmig.expansion()', qr/^0$/ ])
{
	my ($name, $table, $query, $expected) = @$case;

	$node->safe_psql('postgres', "SET client_min_messages = error; CALL cmig.expand(confirm => true);
		CREATE TABLE kept AS TABLE cmig.expansion_run");
	my $holder = start_psql($node, 'postgres', "BEGIN; LOCK TABLE $table; SELECT pg_sleep(600)", 'holder');
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'}) or die 'no lock';
	# each waits for a second at most
	my $reader = start_psql($node, 'postgres', "$query;\n" x ($table eq 't' ? 60 : 1), 'reader');
	wait_until_blocked($node, 'reader');
	$node->safe_psql('postgres', 'DELETE FROM cmig.expansion_run');
	if ($table ne 't')
	{
		$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
	}
	is(finish_psql($reader), 0, "$name answers though the expansion has ended") or diag($reader->{err});
	like((split /\n/, $reader->{out})[-1], $expected, 'what it says');
	if ($table eq 't')
	{
		$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
	}
	finish_psql($holder);
	$node->safe_psql('postgres', 'INSERT INTO cmig.expansion_run TABLE kept; DROP TABLE kept; SET client_min_messages = error; CALL cmig.abandon()');
}

# A lock that is held for less than a second is waited for.
$node->safe_psql('postgres', 'SET client_min_messages = error; CALL cmig.expand(confirm => true)');
my $short = start_psql($node, 'postgres', 'BEGIN; LOCK TABLE t; SELECT pg_sleep(0.5); COMMIT', 'holder');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'}) or die 'no lock';
is($node->safe_psql('postgres', q{SELECT count(*) FROM cmig.check() WHERE object = 'expansion'}), '0', 'cmig.check() waits for a short lock');
is(finish_psql($short), 0, 'which is held');
$node->safe_psql('postgres', 'SET client_min_messages = error; CALL cmig.abandon()');

# Children of a table that a revision alters come and go.
$node->safe_psql('postgres', <<'END_SQL');
CREATE TABLE parent (id int PRIMARY KEY, n int);
SELECT cmig.remove_revision('1');
SELECT cmig.create_revision('p', revision => '2', expand => true, upgrade_sql => 'ALTER TABLE parent ALTER n TYPE bigint');
END_SQL
my $dir = $node->basedir;
append_to_file("$dir/children.sql", "CREATE TABLE child:client_id () INHERITS (parent);\nDROP TABLE child:client_id;\n");
append_to_file("$dir/preflight.sql", "SELECT count(*) FROM cmig.preflight();\n");
my @pgbench = ('pgbench', '-n', '-h', $node->host, '-p', $node->port, '-T', 10, 'postgres', '-f');
my $ddl = IPC::Run::start([ @pgbench, "$dir/children.sql", '-c', 3 ], '>', \my $ddl_out, '2>', \my $ddl_err);
my $read = IPC::Run::start([ @pgbench, "$dir/preflight.sql", '-c', 2, '--max-tries', 1000 ], '>', \my $out, '2>', \my $err);
$read->finish;
$ddl->finish;
unlike($err, qr/terminated|closed the connection|aborted/, 'cmig.preflight() beside DDL');
is($node->safe_psql('postgres', 'SELECT 1'), 1, 'the server has not crashed');

done_testing();
