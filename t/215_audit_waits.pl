# Copyright (c) 2026, the pg_cmig developers

# What creates and fills partitions of the audit log sees what was committed while it waited for
# the lock of the log's default partition, whatever the isolation level is.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('audit_waits', 'autovacuum = off');
my $db = 'd0';
my $parts = q{SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1;
	SELECT tableoid::regclass::text, count(*) FROM cmig_audit.log GROUP BY 1 ORDER BY 1};
my $stranded = q{INSERT INTO cmig_audit.log_default SELECT (jsonb_populate_record(l, '{"transaction_at": "2020-01-15"}')).* FROM cmig_audit.log l LIMIT 1};

$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE original');
$node->safe_psql('original', q{CREATE EXTENSION pg_cmig;
	CREATE TABLE t (id int PRIMARY KEY, v int DEFAULT 7);
	CREATE TABLE other (id int PRIMARY KEY);
	SELECT FROM cmig.enable_audit('t');
	DO $$DECLARE part regclass; BEGIN
		FOR part IN SELECT oid FROM pg_class WHERE relispartition AND relkind = 'r' AND relname ~ '^log_y' LOOP
			EXECUTE format('DROP TABLE %s', part);
		END LOOP;
	END$$;
	SELECT cmig.create_revision('one', 'SELECT 1', revision => '1')});

sub database
{
	$db++;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE original");
	return $db;
}

# waits(BEFORE, CHANGE, CALL): the call that waits for the change does what one after it does
sub waits
{
	my ($before, $change, $call) = @_;

	$node->safe_psql(database(), "$before; $change; $call");
	my $expected = $node->safe_psql($db, $parts);

	foreach my $level ('read committed', 'repeatable read', 'serializable')
	{
		$node->safe_psql(database(), $before);
		my $holder = $node->background_psql($db);

		$holder->query_safe("BEGIN; $change");
		my $run = start_psql($node, $db, "SET default_transaction_isolation = '$level'; $call");
		wait_until_blocked($node);
		$holder->query_safe('COMMIT');
		$holder->quit;
		is(finish_psql($run), 0, "$level: $call") or diag $run->{err};
		is($node->safe_psql($db, $parts), $expected, 'what was committed meanwhile counts');
	}
	return;
}

foreach my $call ('CALL cmig.audit_retain(NULL)', q{SELECT FROM cmig.enable_audit('other')}, 'SELECT FROM cmig.upgrade()')
{
	waits('', 'INSERT INTO t VALUES (1)', $call);
}

# also if somebody has added a trigger, which does not fire
my $trigger = 'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION $m$it fires$m$; END$$;'
	. ' CREATE TRIGGER t AFTER DELETE ON cmig_audit.log_default FOR EACH ROW EXECUTE FUNCTION f()';
waits("CALL cmig.audit_retain(NULL); INSERT INTO t VALUES (1); $stranded; $trigger", $stranded =~ s/-15/-16/r, 'CALL cmig.audit_retain(NULL)');

# a transaction that began earlier writes as was enabled meanwhile, and enables what was enabled before
foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	my $old = $node->background_psql(database());

	$old->query_safe("BEGIN ISOLATION LEVEL $level; SELECT 1");
	$node->safe_psql($db, q{SELECT FROM cmig.enable_audit('t', hash => '{v}'); SELECT FROM cmig.enable_audit('other');
		INSERT INTO other VALUES (1); SELECT FROM cmig.disable_audit('other')});
	$old->query_safe(q{INSERT INTO t VALUES (1); SELECT FROM cmig.enable_audit('other'); INSERT INTO other VALUES (2); COMMIT});
	$old->quit;
	is($node->safe_psql($db, q{SELECT count(*), bool_and(new_row->>'v' ~ '[0-9a-f]{64}') FROM cmig_audit.log WHERE table_name = 't'}),
		'1|t', "$level: a value is hashed with a key that is newer than the snapshot");
	is($node->safe_psql($db, q{SELECT count(*), count(DISTINCT table_id) FROM cmig_audit.log WHERE table_name = 'other'}),
		'2|1', 'a table keeps its id');
	is($node->safe_psql($db, q{SELECT count(*) FROM cmig_audit.layout WHERE table_name = 'other'}), 1, 'its layout is recorded once');
}

done_testing();
