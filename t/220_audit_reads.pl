# Copyright (c) 2026, the pg_cmig developers

# Tests that who reads the audit log with a function of pg_cmig, and waits for cmig.audit_retain,
# finds each entry once, also those that it moves to a new partition meanwhile.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('audit_reads', 'autovacuum = off');
my $db = 'd0';

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE own LOGIN; CREATE ROLE reader LOGIN; CREATE DATABASE original; CREATE DATABASE owned OWNER own');
foreach (qw(original owned))
{
	my $role = $_ eq 'owned' ? 'own' : 'postgres';

	query($node, $_, q{CREATE EXTENSION pg_cmig; CREATE TABLE t (id int PRIMARY KEY, v int);
		SELECT FROM cmig.enable_audit('t'); INSERT INTO t VALUES (1, 0), (2, 0); UPDATE t SET v = 1; UPDATE t SET v = 2;
		SELECT FROM cmig.grant_access('reader', 'reader');
		GRANT USAGE ON SCHEMA cmig_audit TO reader; GRANT SELECT ON cmig_audit.log, cmig_audit.layout, t TO reader}, $role);
	# entries that went to the default partition two months ago
	$node->safe_psql($_, q{CREATE TABLE log AS TABLE cmig_audit.log; TRUNCATE cmig_audit.log;
		UPDATE log SET transaction_at = transaction_at - interval '60 days', clock_at = clock_at - interval '60 days';
		INSERT INTO cmig_audit.log_default TABLE log; DROP TABLE log; UPDATE t SET v = 3 WHERE id = 1});
}

my %reads = (
	history => q{SELECT count(*) FROM cmig.audit_history('t', 1)},
	report => q{SELECT sum(entries) FROM cmig.audit_report()},
	as_of => q{SELECT count(*) FROM cmig.audit_as_of(NULL::t, now() - interval '70 days')},
	transaction => sprintf(q{SELECT count(*) FROM cmig.audit_transaction('%s')},
		$node->safe_psql('original', 'SELECT min(transaction_id::text::bigint) FROM cmig_audit.log_default')),
);

# whether the owner of the log is trusted, or not, by who reads it
foreach my $case ([ 'original', 'postgres', sort keys %reads ], [ 'original', 'reader', 'history' ],
	[ 'owned', 'own', 'history', 'report' ], [ 'owned', 'reader', 'history', 'report' ])
{
	my ($template, $reader, @names) = @$case;

	foreach my $name (@names)
	{
		my $expected = query($node, $template, $reads{$name}, $reader);

		foreach my $level ($name eq 'history' ? ('read committed', 'repeatable read') : 'read committed')
		{
			$db++;
			$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE $template");
			my $mover = $node->background_psql($db);

			$mover->query_safe('BEGIN; CALL cmig.audit_retain(NULL)');
			my $read = start_psql($node, $db, "SET SESSION AUTHORIZATION $reader; SET default_transaction_isolation = '$level'; $reads{$name}");
			wait_until_blocked($node);
			$mover->query_safe('COMMIT');
			$mover->quit;
			is(finish_psql($read), 0, "$level: $reader reads the log of database $template") or diag $read->{err};
			is($read->{out}, $expected, "$name: each entry once");
			is($node->safe_psql($db, 'SELECT count(*) FROM cmig_audit.log_default WHERE transaction_at < now() - interval $$30 days$$'), '0', 'entries were moved');
		}
	}
}

done_testing();
