# Copyright (c) 2026, the pg_cmig developers

# Transactions that write several tables, in any order, run beside cmig.expand,
# cmig.contract, and cmig.abandon, while these add columns, fill rows, build indexes and
# foreign keys of tables and partitions, and check constraints: none of their statements
# may be the victim of a deadlock.  They never wait for each other.  Nor may one that
# writes audited tables while the partitions of the audit log are created, or several
# tables while auditing of them is turned on, or an online call works on them.
#
# CMIG_ROUNDS is the number of revisions that are expanded, and CMIG_SEED is the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = $ENV{CMIG_ROUNDS} || 3;
my $seed = $ENV{CMIG_SEED} // 20261123;
srand($seed);

sub pick { return $_[ int rand @_ ] }

my $node = new_node('expand_deadlock', 'autovacuum = off', 'max_connections = 30', "deadlock_timeout = '400ms'", 'log_statement = none');
$node->start;

my @tables = qw(house person visit visit_1 visit_2 note);
my @revisions = (revision_file('001', '', <<'END_SQL', ''));
CREATE TABLE house (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
CREATE TABLE person (id int PRIMARY KEY, house int REFERENCES house, n int NOT NULL DEFAULT 0);
CREATE TABLE visit (id int PRIMARY KEY, person int REFERENCES person, n int NOT NULL DEFAULT 0) PARTITION BY RANGE (id);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (0) TO (500);
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM (500) TO (1000);
CREATE TABLE note (id int PRIMARY KEY, person int REFERENCES person, visit int REFERENCES visit, n int NOT NULL DEFAULT 0);
END_SQL
my $before = '001';
# No two indexes have the same columns: ALTER TYPE builds indexes in the order in which pg_depend has them, and
# which partition's index gets which of two similar names depends on that.
foreach my $round (1 .. $rounds)
{
	my $type = $round % 2 ? 'bigint' : 'int';
	my $name = sprintf '1%02d', $round;

	push @revisions, revision_file($name, $before, <<"END_SQL", '') =~ s/(-- message)/-- expand: true\n$1/r;
ALTER TABLE house ALTER id TYPE $type;
ALTER TABLE person ALTER id TYPE $type, ALTER house TYPE $type, ADD CHECK (house >= 0);
ALTER TABLE visit ALTER person TYPE $type, ADD z$round int, ADD CHECK (person > $round - 100);
ALTER TABLE note ALTER person TYPE $type, ADD z$round int NOT NULL DEFAULT 1 CHECK (z$round > 0);
-- cmig:up note.z$round = abs(n) + 1
CREATE INDEX ON visit (person, z$round);
CREATE INDEX ON note (z$round);
CREATE TABLE fresh_$round (id int PRIMARY KEY, visit int REFERENCES visit, person $type REFERENCES person, house $type REFERENCES house);
END_SQL
	$before = $name;
}
push @revisions, revision_file('199', $before, 'ALTER TABLE house ADD waits int;', '') =~ s/(-- message)/-- expand: true\n$1/r;
$node->safe_psql('postgres', join "\n", 'CREATE EXTENSION pg_cmig;', load_sql(@revisions), <<'END_SQL');
SELECT FROM cmig.upgrade('001');
INSERT INTO house SELECT generate_series(0, 999);
INSERT INTO person SELECT g, g FROM generate_series(0, 999) g;
INSERT INTO visit SELECT g, g FROM generate_series(0, 999) g;
INSERT INTO note SELECT g, g, g FROM generate_series(0, 999) g;
END_SQL

# Each session writes rows of its own; only one takes a lock that conflicts with itself.
my $folder = PostgreSQL::Test::Utils::tempdir();

sub session
{
	my ($round, $number) = @_;
	my @scripts;

	foreach my $n (0 .. 19)
	{
		my $file = "$folder/$round.$number.$n.sql";
		my $script = "\\set id 4 * random(0, 124) + $number\nBEGIN;\n";

		foreach my $table (sort { rand() <=> 0.5 } @tables)
		{
			$script .= "LOCK TABLE $table IN SHARE UPDATE EXCLUSIVE MODE;\n" if $number == 0 && rand() < 0.3;
			$script .= "UPDATE $table SET n = n + 1 WHERE id = :id;\n" if rand() < 0.6;
			$script .= '\sleep ' . pick(1, 5, 20) . " ms\n";
		}
		append_to_file($file, "${script}COMMIT;\n\\sleep " . pick(50, 150, 300) . " ms\n");
		push @scripts, '-f', $file;
	}
	my $session = { out => '' };
	local $ENV{PGAPPNAME} = 'session';
	$session->{handle} = IPC::Run::start([ 'pgbench', '-n', '-c', 1, '-T', 600, '--random-seed', $seed + $number, @scripts, $node->connstr('postgres') ],
		'<', \undef, '>&', \$session->{out}, IPC::Run::timeout(3 * $PostgreSQL::Test::Utils::timeout_default));
	return $session;
}

foreach my $round (1 .. $rounds)
{
	my $name = sprintf '1%02d', $round;
	my @sessions = map { session($round, $_) } 0 .. 3;

	foreach my $call ("CALL cmig.expand('$name', confirm => true)", 'CALL cmig.abandon()', "CALL cmig.expand('$name', confirm => true)", 'CALL cmig.contract()')
	{
		my ($ret, $out, $err) = $node->psql('postgres', $call);

		is($ret, 0, "$name: $call") or diag($err);
	}
	foreach my $session (@sessions)
	{
		$session->{handle}->signal('INT');
		IPC::Run::finish($session->{handle});
		unlike($session->{out}, qr/ERROR|FATAL|aborted/, "$name: no statement of a session has failed") or diag($session->{out});
	}
}
my @deadlocks = slurp_file($node->logfile) =~ /^.* session ERROR:  deadlock .*\n(?:.*\n){9}/mg;
is(scalar @deadlocks, 0, 'none was the victim of a deadlock') or diag(@deadlocks[0 .. ($#deadlocks > 3 ? 3 : $#deadlocks)]);
is($node->safe_psql('postgres', 'SELECT count(*) FROM cmig.drift()'), '0', 'the schema is that of the upgrades');

# each wait of contract ends before a deadlock is looked for, and another one begins
{
	$node->safe_psql('postgres', "CALL cmig.expand('199', confirm => true)");
	my $holds = $node->background_psql('postgres');
	$holds->query_safe('BEGIN; LOCK TABLE house IN ACCESS SHARE MODE');
	local $ENV{PGAPPNAME} = 'contracts';
	my ($out, $err) = ('', '');
	my $contract = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'CALL cmig.contract()' ], '<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout(3 * $PostgreSQL::Test::Utils::timeout_default));
	my %waits;
	while (keys %waits < 3 && $contract->pumpable)
	{
		my $since = $node->safe_psql('postgres', q{SELECT l.waitstart FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'contracts' AND NOT l.granted});
		$waits{$since} = 1 if $since ne '';
		$contract->pump_nb;
	}
	is(scalar keys %waits, 3, 'contract begins a new wait each time') or diag($err);
	$holds->query_safe('COMMIT');
	$holds->quit;
	$contract->finish;
	is($contract->result(0), 0, 'and then contracts') or diag($err);
}

# Entries go to the default partition while the partitions of months are missing; these
# are created by each of the calls.  The application has begun to write before the call,
# and goes on while that waits, or is done.
$node->safe_psql('postgres', load_sql(revision_file('200', '199', 'ALTER TABLE plain ADD later int;', ''),
	revision_file('201', '200', 'ALTER TABLE two.b ADD later int; ALTER TABLE two.a ADD later int;', ''),
	revision_file('202', '201', 'CREATE INDEX ON key.a (n); ALTER TABLE key.a ADD later int;', ''),
	revision_file('203', '202', 'ALTER TABLE key.p ADD FOREIGN KEY (a) REFERENCES key.a;', '') =~ s/(-- message)/-- transactional: false\n$1/r,
	revision_file('204', '203', 'ALTER TABLE key.p ATTACH PARTITION key.p_2 FOR VALUES FROM (9) TO (19);', '') =~ s/(-- message)/-- transactional: false\n$1/r,
	revision_file('205', '204', "ALTER TABLE key.p ADD b int REFERENCES key.a;\n-- cmig:up key.p.b = a\n", '') =~ s/(-- message)/-- expand: true\n$1/r)
	. <<'END_SQL');
CREATE SCHEMA two;
CREATE ROLE application;
CREATE TABLE two.a (id int PRIMARY KEY, n int);
CREATE TABLE two.b (id int PRIMARY KEY, n int);
INSERT INTO two.a VALUES (1, 1), (2, 1);
INSERT INTO two.b VALUES (1, 1), (2, 1);
CREATE SCHEMA key;
CREATE TABLE key.a (id int PRIMARY KEY, n int);
CREATE TABLE key.p (id int PRIMARY KEY, a int) PARTITION BY RANGE (id);
CREATE TABLE key.p_1 PARTITION OF key.p (FOREIGN KEY (a) REFERENCES key.a) FOR VALUES FROM (0) TO (9);
CREATE TABLE key.p_2 (id int PRIMARY KEY, a int REFERENCES key.a);
INSERT INTO key.a VALUES (1, 1);
INSERT INTO key.p VALUES (1, 1);
CREATE TABLE plain (id serial PRIMARY KEY, n int);
CREATE TABLE audited (id serial PRIMARY KEY, n int);
SELECT FROM cmig.enable_audit('audited');
END_SQL
foreach my $case ([ 'LOCK TABLE ONLY cmig_audit.log IN ROW EXCLUSIVE MODE', 'CALL cmig.audit_retain(NULL)', 'INSERT INTO audited VALUES (DEFAULT, 1)' ],
	[ 'UPDATE audited SET n = 1 WHERE false', q{SELECT FROM cmig.enable_audit('audited', redact => '{n}')}, 'INSERT INTO audited VALUES (DEFAULT, 2)' ],
	[ 'INSERT INTO audited VALUES (DEFAULT, 5)', q{SELECT FROM cmig.upgrade('200')}, 'INSERT INTO plain VALUES (DEFAULT, 6)' ],
	[ 'UPDATE two.a SET n = 1', q{CALL cmig.add_foreign_key('two.b', 'n', 'two.a')}, 'UPDATE two.b SET n = 1' ],
	[ 'UPDATE two.a SET n = 1', q{CALL cmig.upgrade_stepwise('201')}, 'UPDATE two.b SET n = 1' ],
	# these lock a table in a stronger mode than before, for which PostgreSQL does not wait until deadlock_timeout
	(map { [ 'SELECT FROM key.a', "CALL cmig.upgrade_stepwise('$_')", 'UPDATE key.a SET n = 1' ] } 202 .. 204),
	[ 'SELECT FROM key.a', q{CALL cmig.expand(confirm => true)}, 'UPDATE key.a SET n = 1' ],
	[ 'UPDATE two.a SET n = 1 WHERE id = 2', q{CALL cmig.backfill('two.a', $$n = 2$$)}, 'UPDATE two.a SET n = 1 WHERE id = 1' ],
	[ 'UPDATE two.b SET n = 1', q{SELECT FROM cmig.enable_audit_schema('two')}, 'UPDATE two.a SET n = 1' ],
	[ 'UPDATE two.b SET n = 1', q{SELECT FROM cmig.enable_rls_schema('two', tenant_column => 'n', roles => '{application}')}, 'UPDATE two.a SET n = 1' ])
{
	my ($first, $call, $second) = @$case;

	$node->safe_psql('postgres', q{DO $$DECLARE part text; BEGIN
		FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'cmig_audit.log'::regclass AND inhrelid::regclass::text ~ '_y' LOOP EXECUTE 'DROP TABLE ' || part; END LOOP; END$$});
	my $application = $node->background_psql('postgres', on_error_stop => 0);
	$application->query("BEGIN; $first");
	my $run = start_psql($node, 'postgres', $call, 'maintenance');
	while ($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'maintenance' AND wait_event_type = 'Lock'}) eq '0' && $run->{handle}->pumpable)
	{
		$run->{handle}->pump_nb;
	}
	$application->query("$second; COMMIT");
	is($application->{stderr}, '', "$call: the application is no victim");
	$application->quit;
	is(finish_psql($run), 0, "$call: succeeds") or diag($run->{err});
}

# A run asks for a stronger lock of a table that its role owns.  For another table, it would only let others wait
# behind it before PostgreSQL says that the statement is not permitted.
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION pg_cmig;' . load_sql(revision_file('001', '', <<'END_SQL', '')) . <<'END_SQL');
CREATE TABLE own.b (a int REFERENCES a);
ALTER TABLE a ADD later int;
END_SQL
CREATE TABLE a (id int PRIMARY KEY);
CREATE ROLE refers LOGIN;
GRANT REFERENCES ON a TO refers;
CREATE SCHEMA own AUTHORIZATION refers;
SELECT cmig.grant_access('refers', 'migrator');
END_SQL
{
	my $application = $node->background_psql('other');

	$application->query('BEGIN; SELECT FROM a');
	fails_with($node, 'other', q{SET lock_timeout = '1s'; CALL cmig.upgrade_stepwise('001')}, '42501', 'must be owner of table a', 'a run does not ask for locks of tables of others', 'refers');
	$application->quit;
}

done_testing();
