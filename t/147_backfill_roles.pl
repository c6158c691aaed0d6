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

# does(ROLE, SQL, SQLSTATE, NAME): what the SQL does as the role
sub does
{
	my ($role, $sql, $code, $name) = @_;
	my (undef, undef, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", extra_params => [ '-U', $role ]);

	is(join(' ', $err =~ /(?:ERROR|FATAL): +(\w+)/g), $code, $name);
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

$node->stop;
done_testing();
