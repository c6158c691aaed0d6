# Copyright (c) 2026, the pg_cmig developers

# Tests who writes rows of cmig.backfill_run, which decide where an interrupted backfill
# continues: roles that can update its table, and no other migrators.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('backfill', 'autovacuum = off');
my $run = "CALL cmig.backfill('m.t', 'n = n + 1', batch_size => 1000, pause => '0')";

$node->start;
$node->safe_psql('postgres', <<'END_SQL');
CREATE EXTENSION pg_cmig;
CREATE ROLE shop;
CREATE ROLE mig LOGIN;
CREATE ROLE alice LOGIN NOINHERIT IN ROLE shop;
CREATE ROLE bob LOGIN IN ROLE shop;
SELECT cmig.grant_access(r, 'migrator') FROM unnest('{mig,alice,bob}'::name[]) r;
CREATE SCHEMA m;
GRANT USAGE ON SCHEMA m TO shop;
GRANT USAGE ON SCHEMA cmig TO shop;
GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA cmig TO shop;
CREATE TABLE m.t (id int PRIMARY KEY, n int, CHECK (id < 2500 OR n = 0));
INSERT INTO m.t SELECT g, 0 FROM generate_series(1, 5000) g;
ALTER TABLE m.t OWNER TO shop;
END_SQL

# does(ROLE, SQL, SQLSTATE, NAME): what the SQL does as the role; returns the error
our $db = 'postgres';
sub does
{
	my ($role, $sql, $code, $name) = @_;
	my (undef, undef, $err) = $node->psql($db, "\\set VERBOSITY verbose\n$sql", extra_params => [ '-U', $role ]);

	is(join(' ', $err =~ /(?:ERROR|FATAL): +(\w+)/g), $code, $name);
	return $err;
}

does('postgres', $run, 23514, 'a backfill of a superuser is interrupted');
does('mig', $_, 42501, $_)
  foreach "UPDATE cmig.backfill_run SET place = '{10}'", "UPDATE cmig.backfill_run SET state = 'done'", "UPDATE cmig.backfill_run SET target = 'mine'", 'DELETE FROM cmig.backfill_run',
  "INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, started_at, updated_at) VALUES ('m.t', 'n = 1', 'running', 'key', 1, now(), now())",
  "INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, started_at, updated_at) VALUES ('m.later', 'n = 1', 'running', 'key', 1, now(), now())",
  "SET cmig.role = shop; DELETE FROM cmig.backfill_run";
$node->safe_psql('postgres', 'ALTER TABLE m.t DROP CONSTRAINT t_check');
does('bob', $run, '', 'a role that can update the table continues it');
is($node->safe_psql('postgres', 'SELECT n, count(*) FROM m.t GROUP BY n'), '1|5000', 'each row was updated once');

# a role that is the owner only while scripts run
$node->safe_psql('postgres', 'UPDATE m.t SET n = 0; ALTER TABLE m.t ADD CHECK (id < 2500 OR n = 0)');
query($node, 'postgres', q{SELECT cmig.create_revision('c', $$CALL cmig.backfill('m.t', 'n = n + 1', batch_size => 1000)$$, NULL, revision => '001', transactional => false)});
does('alice', 'SET cmig.role = shop; CALL cmig.upgrade_stepwise()', 23514, 'a backfill in a revision is interrupted');
is($node->safe_psql('postgres', 'SELECT rows FROM cmig.backfill_run WHERE statement = 1'), '2000', 'it can be continued');
does('alice', 'DELETE FROM cmig.backfill_run WHERE statement = 1', 42501, 'without cmig.role, the role cannot update the table');
does('alice', 'SET cmig.role = shop; UPDATE cmig.backfill_run SET parts = NULL', '', 'with it, it writes the row');

# what a stamp settles is of any table
does('mig', "SELECT cmig.stamp('001')", '', 'a migrator stamps the revision');
is($node->safe_psql('postgres', 'SELECT count(*) FROM cmig.backfill_run WHERE statement = 1'), '0', 'it cannot be continued');

# The row is about a table, not about a name: the owner of a schema can have another table
# there for a moment.
$node->safe_psql('postgres', <<'END_SQL');
DELETE FROM cmig.backfill_run;
CREATE ROLE eve LOGIN;
CREATE ROLE col LOGIN;
SELECT cmig.grant_access(r, 'migrator') FROM unnest('{eve,col}'::name[]) r;
GRANT CREATE ON DATABASE postgres TO eve;
ALTER SCHEMA m OWNER TO eve;
GRANT USAGE ON SCHEMA m TO col;
ALTER TABLE m.t DROP CONSTRAINT t_check;
UPDATE m.t SET n = 0;
GRANT SELECT, UPDATE (n) ON m.t TO col;
END_SQL

# instead(SQL): the SQL, while a table of the role has the name of m.t
sub instead
{
	my ($sql) = @_;

	return "BEGIN; ALTER SCHEMA m RENAME TO away; CREATE SCHEMA m; CREATE TABLE m.t (id int, n int); $sql;"
	  . 'DROP SCHEMA m CASCADE; ALTER SCHEMA away RENAME TO m; COMMIT';
}

# once(NAME): each row of m.t was updated once
sub once
{
	my ($name, $table) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($node->safe_psql($db, 'SELECT n, count(*) FROM ' . ($table // 'm.t') . ' GROUP BY n'), '1|5000', $name);
}

# again(): interrupts a backfill of a superuser
sub again
{
	$node->safe_psql('postgres', 'DELETE FROM cmig.backfill_run; UPDATE m.t SET n = 0;
		ALTER TABLE m.t ADD CONSTRAINT t_check CHECK (id < 2500 OR n = 0)');
	does('postgres', $run, 23514, 'a backfill of a superuser is interrupted');
	$node->safe_psql('postgres', 'ALTER TABLE m.t DROP CONSTRAINT t_check');
}

my @attacks = ("UPDATE cmig.backfill_run SET place = '{4000}'", 'DELETE FROM cmig.backfill_run',
	"UPDATE cmig.backfill_run SET target = 'm.t', target_id = NULL");
my $forge = q{
INSERT INTO cmig.backfill_run (target, set_sql, state, method, relation, key, place, bound, total, rows, started_at,
	updated_at, target_id)
SELECT 'm.t', 'n = n + 1', 'running', 'key', 'm.t', '{id}', '{4000}', '{5000}', 1, 1, now(), now(), max(target_id)
FROM cmig.backfill_run;
UPDATE cmig.backfill_run SET target_id = (SELECT target_id FROM cmig.backfill_run ORDER BY id LIMIT 1)
WHERE id > (SELECT min(id) FROM cmig.backfill_run)};

again();
does('eve', instead($_), 42501, "with another table: $_") foreach @attacks;
does('eve', instead($forge), '', 'a row with the id of the other table is written');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT target_id) FROM cmig.backfill_run'), '2|2', 'but it has that of the own table');
does('postgres', $run, '', 'the superuser continues');
once('not where the other row says');
does('eve', 'DELETE FROM cmig.backfill_run WHERE rows = 1', '', 'a row of a table that was dropped can be deleted');

again();
does('col', "UPDATE cmig.backfill_run SET place = '{4000}'", 42501, 'to update a column is not enough to change the row');
does('col', $run, '', 'but enough to continue the backfill that sets it');
once('each row was updated once');

again();
$node->safe_psql('postgres', 'CREATE ROLE fred LOGIN IN ROLE shop; CREATE ROLE rls LOGIN;
SELECT cmig.grant_access(r, $$migrator$$) FROM unnest($${fred,rls}$$::name[]) r;
GRANT SELECT, UPDATE ON m.t TO rls; ALTER TABLE m.t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON m.t USING (id < 10)');
does('rls', "UPDATE cmig.backfill_run SET place = '{4000}'", 42501, 'nor to update some rows');
does('fred', 'UPDATE cmig.backfill_run SET parts = NULL', '', 'a member of the owner writes it');
$node->safe_psql('postgres', 'ALTER TABLE m.t DISABLE ROW LEVEL SECURITY');
does('rls', 'UPDATE cmig.backfill_run SET parts = NULL', '', 'as does a role that can update all rows');

# only a backfill knows what it has begun with
does('bob', q{INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, rows, started_at, updated_at, target_id)
	SELECT 'm.t', 'n = 2', 'running', 'key', 1, 1, now(), now(), max(target_id) || ' 4000' FROM cmig.backfill_run}, '', 'a row that names partitions is written');
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT target_id), count(*) FILTER (WHERE target_id ~ ' ') FROM cmig.backfill_run}), '2|1|0', 'without them');
does('bob', 'DELETE FROM cmig.backfill_run WHERE rows = 1', '', 'and deleted');

# another name
does('bob', 'ALTER TABLE m.t RENAME TO "T"', 42501, 'the schema belongs to another role');
$node->safe_psql('postgres', 'ALTER TABLE m.t RENAME TO "T"');
does('bob', $run =~ s/m\.t/m."T"/r, '', 'a table with another name is continued');
once('each row was updated once', 'm."T"');
is($node->safe_psql('postgres', 'SELECT target, state FROM cmig.backfill_run'), 'm."T"|done', 'the row has the new name');
$node->safe_psql('postgres', 'ALTER TABLE m."T" RENAME TO t');

# after pg_upgrade, it is still the table if its name is the same, too
again();
$node->safe_psql('postgres', q{SET session_replication_role = replica; UPDATE cmig.backfill_run SET target_id = regexp_replace(target_id, '^\d+', '1')});
does('bob', 'BEGIN; UPDATE cmig.backfill_run SET parts = NULL; ROLLBACK', '', 'in another cluster, a table with its OID and its name is known');
$node->safe_psql('postgres', 'ALTER TABLE m.t RENAME TO u');
does('bob', 'UPDATE cmig.backfill_run SET parts = NULL', 42501, 'but none with another name');
$node->safe_psql('postgres', 'ALTER TABLE m.u RENAME TO t');

# another table with the name
again();
$node->safe_psql('postgres', 'CREATE TABLE m.new (LIKE m.t INCLUDING ALL); INSERT INTO m.new SELECT * FROM m.t;
DROP TABLE m.t; ALTER TABLE m.new RENAME TO t; ALTER TABLE m.t OWNER TO shop');
does('bob', $run, 55000, 'a table that was created again is not continued');
does('bob', 'DELETE FROM cmig.backfill_run', '', 'the row is deleted');
$node->safe_psql('postgres', 'UPDATE m.t SET n = 0');
does('bob', $run, '', 'then all rows are updated');
once('each row was updated once');

# partitions that exchange their names
$node->safe_psql('postgres', <<'END_SQL');
CREATE SCHEMA p1 AUTHORIZATION eve;
CREATE SCHEMA p2 AUTHORIZATION eve;
CREATE TABLE m.p (id int PRIMARY KEY, n int, CONSTRAINT p_check CHECK (id < 4000 OR n = 0)) PARTITION BY RANGE (id);
CREATE TABLE p1.x PARTITION OF m.p FOR VALUES FROM (0) TO (2501);
CREATE TABLE p2.x PARTITION OF m.p FOR VALUES FROM (2501) TO (5001);
INSERT INTO m.p SELECT g, 0 FROM generate_series(1, 5000) g;
END_SQL
my $of_parts = $run =~ s/m\.t/m.p/r;
my $exchange = 'BEGIN; ALTER SCHEMA p1 RENAME TO p3; ALTER SCHEMA p2 RENAME TO p1; ALTER SCHEMA p3 RENAME TO p2; COMMIT';
does('postgres', $of_parts, 23514, 'a backfill of partitions is interrupted');
$node->safe_psql('postgres', 'ALTER TABLE m.p DROP CONSTRAINT p_check');
does('eve', $exchange, '', 'the partitions exchange their names');
does('postgres', $of_parts, 55000, 'the backfill does not continue');
does('eve', $exchange, '', 'they have them again');
does('postgres', $of_parts, '', 'it continues');
once('each row was updated once', 'm.p');
$node->safe_psql('postgres', "BEGIN; UPDATE cmig.backfill_run SET target_id = '$_'; ROLLBACK")
  foreach 'x 1/2', '/', '', ' ', '1/2', '1/2/3 /', '/ /';

# a restored database, in which tables have other OIDs
again();
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored; CREATE DATABASE replica');
foreach $db ('restored', 'replica')
{
	my $options = $db eq 'replica' ? '-c session_replication_role=replica' : '';

	$node->safe_psql($db, 'CREATE TABLE filler ()');
	local $ENV{PGOPTIONS} = $options;
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr($db) ],
		"restore: $db");
	$node->safe_psql($db, "GRANT CREATE ON DATABASE $db TO eve");
}
my $same = q{SELECT target_id = concat(system_identifier, '/', 'cmig.expansion_run'::regclass::oid, '/', 'm.t'::regclass::oid)
FROM cmig.backfill_run, pg_control_system()};
is($node->safe_psql('restored', $same), 't', 'a restore looks the name up');
is($node->safe_psql('replica', $same), 'f', 'it cannot without triggers');
foreach $db ('restored', 'replica')
{
	does('eve', instead($_), 42501, "$db, with another table: $_") foreach @attacks;
}
$db = 'replica';
like(does('bob', $run, 55000, 'it is not known which table it is'),
	qr/another database.*UPDATE cmig.backfill_run SET target = target WHERE id = /s, 'with a hint');
does('postgres', 'UPDATE cmig.backfill_run SET target = target', '', 'the owner says that it is the one with the name');
foreach $db ('restored', 'replica')
{
	does('bob', $run, '', "$db: the backfill continues");
	once("$db: each row was updated once");
}

# Partitions that are exchanged or attached between two CALLs
$db = 'parts';
$node->safe_psql('postgres', 'CREATE DATABASE parts');
$node->safe_psql('parts', q{CREATE EXTENSION pg_cmig; CREATE TABLE b (id int, k text, v int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
	CREATE TABLE b_c PARTITION OF b FOR VALUES IN ('c');
	CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.id = 55 THEN RAISE EXCEPTION 'stop'; END IF; RETURN NEW; END$$});
my $fill = q{CALL cmig.backfill('b', 'v = v + 1', batch_size => 10)};
my $interrupt = q{CREATE OR REPLACE TRIGGER stop BEFORE UPDATE ON b FOR EACH ROW EXECUTE FUNCTION stop()};
my $rows = sub { "INSERT INTO $_[0] SELECT i, '$_[1]', 0 FROM generate_series(1, 60) i" };
my $all = q{SELECT string_agg(concat_ws(' ', k, v, n), ', ' ORDER BY k, v) FROM (SELECT k, v, count(*) AS n FROM b GROUP BY k, v) x};
my $stops = sub { like(($node->psql('parts', $fill))[2], qr/$_[0]/, $_[1]) };

$node->safe_psql('parts', $rows->('b', 'c') . "; $interrupt");
$stops->('stop', 'interrupted in the only partition');
$node->safe_psql('parts', q{ALTER TABLE b DETACH PARTITION b_c; ALTER TABLE b_c RENAME TO old; ALTER INDEX b_c_pkey RENAME TO old_pkey; CREATE TABLE b_c PARTITION OF b FOR VALUES IN ('c')});
$node->safe_psql('parts', $rows->('b', 'c'));
$stops->('partition public.b_c is not the one that had this name', 'another one with its name: refused');
$node->safe_psql('parts', q{DROP TABLE b_c; ALTER TABLE old RENAME TO b_c; ALTER TABLE b ATTACH PARTITION b_c FOR VALUES IN ('c')});
# with old rows, and names before and after that of the partition in progress
$node->safe_psql('parts', 'CREATE TABLE ' . "b_$_ (LIKE b INCLUDING ALL); " . $rows->("b_$_", $_) . "; ALTER TABLE b ATTACH PARTITION b_$_ FOR VALUES IN ('$_')") foreach 'b', 'd';
$stops->('stop', 'interrupted again');
is($node->safe_psql('parts', $all), 'b 0 60, c 0 10, c 1 50, d 0 60', 'in the first one');
$node->safe_psql('parts', 'DELETE FROM b WHERE id = 55 AND k = $$c$$');
$stops->('stop', 'interrupted in one that was attached');
$node->safe_psql('parts', 'DROP TRIGGER stop ON b; CREATE TABLE b_a (LIKE b INCLUDING ALL); ' . $rows->('b_a', 'a') . q{; ALTER TABLE b ATTACH PARTITION b_a FOR VALUES IN ('a')});
$stops->('partition public.b_a was added since the backfill of table public.b began', 'and another one attached meanwhile: refused');
$node->safe_psql('parts', 'ALTER TABLE b DETACH PARTITION b_a');
$node->safe_psql('parts', $fill);
is($node->safe_psql('parts', $all), 'b 1 60, c 1 59, d 1 60', 'each row was updated once');

$node->stop;
done_testing();
