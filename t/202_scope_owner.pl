# Copyright (c) 2026, the pg_cmig developers

# In a scope, a role that is not a superuser does what a superuser does: it expands and contracts a
# revision, and a backfill of a revision that was reverted runs again.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('scope_owner');

sql('postgres', 'CREATE ROLE own LOGIN CREATEDB');
foreach my $role ('own', 'postgres')
{
	my $db = "of_$role";
	my $as = $role eq 'own' ? 'SET SESSION AUTHORIZATION own; ' : '';

	sql('postgres', "CREATE DATABASE $db" . ($role eq 'own' ? ' OWNER own' : ''));
	sql($db, $as . q{SET client_min_messages = warning; CREATE EXTENSION pg_cmig; CREATE SCHEMA tenant;
		SELECT cmig.create_revision('a', revision => '1', upgrade_sql => 'CREATE TABLE t (id int PRIMARY KEY, n int, m int)', downgrade_sql => 'DROP TABLE t');
		SELECT cmig.create_revision('b', revision => '2', transactional => false, upgrade_sql => $c$CALL cmig.backfill('t', 'm = n * 2')$c$, downgrade_sql => 'UPDATE t SET m = NULL');
		SELECT cmig.create_revision('c', revision => '3', expand => true, upgrade_sql => 'ALTER TABLE t ALTER n TYPE bigint', downgrade_sql => 'ALTER TABLE t ALTER n TYPE int')});
	$as .= q{SET cmig.scope = 'tenant'; SET client_min_messages = warning; };

	# backfills
	sql($db, $as . q{SELECT FROM cmig.upgrade('1'); INSERT INTO tenant.t SELECT g, g FROM generate_series(1, 10) g;
		SELECT cmig.throttle('2', 100000); CALL cmig.upgrade_stepwise('2')});
	is(sql($db, 'SELECT count(*), count(*) FILTER (WHERE m = n * 2) FROM tenant.t'), '10|10', "$role: a backfill");
	is(sql($db, 'SELECT count(*) FROM cmig.backfill_run WHERE statement IS NOT NULL'), 0, 'which belongs to no run any longer');
	is(sql($db, q{SELECT name || ' ' || max_rows_per_second FROM cmig.run_control}), '2 100000', 'what limits the revision stays for other scopes');
	sql($db, $as . q{CALL cmig.downgrade_stepwise('1'); INSERT INTO tenant.t SELECT g, g FROM generate_series(11, 20) g; CALL cmig.upgrade_stepwise('2')});
	is(sql($db, 'SELECT count(*), count(*) FILTER (WHERE m = n * 2) FROM tenant.t'), '20|20', 'runs again after a downgrade');

	# the two versions
	is(tried($db, $as . 'CALL cmig.expand()') =~ s/\s+//r, '', 'expanded');
	sql($db, $as . 'INSERT INTO tenant_3.t (id, n) VALUES (21, 21); INSERT INTO tenant.t (id, n) VALUES (22, 22); CALL cmig.contract()');
	is(sql($db, q{SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'tenant.t'::regclass AND attname = 'n'}), 'bigint', 'contracted');
	is(sql($db, 'SELECT count(*), sum(n) FROM tenant.t'), '22|253', 'with the rows of both versions');
}

done_testing();
