# Copyright (c) 2026, the pg_cmig developers

# A transaction whose snapshot is older than what another session has done: the catalogs are read
# as they are now, so what the tables of pg_cmig contain must be as recent, or it is an error.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = expand_node('old_snapshots');
my $db = 'd0';
my $target = 'CREATE TABLE t (id int PRIMARY KEY, z int)';

sql('postgres', 'CREATE DATABASE original');
sql('original', qq{CREATE EXTENSION pg_cmig;
	SELECT cmig.create_revision('a', 'CREATE TABLE t (id int PRIMARY KEY)', 'DROP TABLE t', revision => '1');
	SELECT FROM cmig.upgrade();
	INSERT INTO t VALUES (1);
	SELECT cmig.create_revision('b', 'ALTER TABLE t ADD z int', 'ALTER TABLE t DROP z', revision => '2', expand => true)});
sql('postgres', 'CREATE DATABASE partly TEMPLATE original');
sql('partly', q{SELECT cmig.remove_revision('2');
	SELECT cmig.create_revision('b', 'UPDATE t SET id = id + 1; SELECT 1 / (count(*) - 1) FROM t', 'SELECT 1',
		revision => '2', transactional => false)});

my @moves = (q{cmig.upgrade('2')}, q{cmig.stamp('2')}, q{cmig.downgrade('base')});
my @reports = ('cmig.status()', 'cmig.check()', 'cmig.report()', q{cmig.plan('upgrade')}, 'cmig.lint()', 'cmig.preflight()',
	'cmig.expansion()', 'cmig.locate()', 'cmig.drift()', "cmig.autogenerate('m', '$target')");

# outdated(TEMPLATE, BEFORE, CHANGE, CALLS): the calls in a transaction that began before the change
sub outdated
{
	my ($template, $before, $change, @calls) = @_;

	foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
	{
		$db++;
		sql('postgres', "CREATE DATABASE $db TEMPLATE $template");
		sql($db, $before);
		my $old = $node->background_psql($db, on_error_stop => 0);
		$old->query("BEGIN ISOLATION LEVEL $level; SELECT 1");
		tried($db, $change);
		foreach my $call (@calls)
		{
			$old->{stderr} = '';
			$old->query("SAVEPOINT a; SELECT * FROM $call");
			like($old->{stderr}, qr/ERROR:  (40001: )?could not serialize access: another run/, "$change: $call ($level)");
			$old->query('ROLLBACK TO a');
		}
		$old->query('COMMIT');
		$old->quit;
	}
	return;
}

outdated('original', '', 'CALL cmig.expand()', @moves, @reports);
outdated('original', 'CALL cmig.expand()', 'CALL cmig.abandon()', @moves, @reports);
outdated('original', 'CALL cmig.expand()', 'CALL cmig.contract()', @moves, @reports);
outdated('partly', '', 'CALL cmig.upgrade_stepwise()', @moves, 'cmig.status()');

# tables are compared with the triggers that they have now
$db++;
sql('postgres', "CREATE DATABASE $db TEMPLATE original");
sql($db, q{SELECT FROM cmig.upgrade('2'); SELECT FROM cmig.enable_audit('t')});
my $old = $node->background_psql($db);
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
sql($db, q{SELECT FROM cmig.disable_audit('t')});
is($old->query_safe('SELECT count(*) FROM cmig.drift()'), 0, 'drift does not see triggers that were dropped');
is($old->query_safe('SELECT count(level) FROM cmig.audit_status()'), 0, 'nor does audit_status');
$old->query_safe('COMMIT');
is($old->query_safe('SELECT count(*) FROM cmig.status() WHERE item = \'expanded\''), 0, 'the session can call again');
$old->quit;

# what another tool has applied is what it has committed, as the tables that it has changed are
$db++;
sql('postgres', "CREATE DATABASE $db TEMPLATE original");
sql($db, q{CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version text, description text, type text, script text,
	checksum int, installed_by text, installed_on timestamp DEFAULT now(), execution_time int DEFAULT 0, success bool DEFAULT true);
	INSERT INTO flyway_schema_history VALUES (1, '1', 'a', 'SQL', 'V1__a.sql', 1, 'x')});
$old = $node->background_psql($db);
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
sql($db, q{ALTER TABLE t ADD z int; INSERT INTO flyway_schema_history VALUES (2, '2', 'b', 'SQL', 'V2__b.sql', 1, 'x')});
$old->query_safe(q{SELECT FROM cmig.import_state('flyway'); COMMIT});
$old->quit;
is(sql($db, 'SELECT revision FROM cmig.version'), 2, 'import_state records what was applied meanwhile');

# what waits for the lock of a table reads what is then in it, also if it was truncated
$db++;
sql('postgres', "CREATE DATABASE $db TEMPLATE original");
my $writer = $node->background_psql($db);
foreach my $table ('version', 'revision')
{
	$writer->query_safe("BEGIN; CREATE TEMP TABLE was ON COMMIT DROP AS TABLE cmig.$table; TRUNCATE cmig.$table; INSERT INTO cmig.$table TABLE was");
	my $reader = start_psql($node, $db, 'SELECT revision FROM cmig.current()');
	wait_until_blocked($node);
	$writer->query_safe('COMMIT');
	finish_psql($reader);
	is($reader->{out}, '1', "cmig.$table was truncated and filled");
}
$writer->quit;

done_testing();
