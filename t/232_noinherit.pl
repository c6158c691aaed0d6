# Copyright (c) 2026, the pg_cmig developers

# A member of the owner that does not inherit: what preflight says to do is what helps.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = expand_node('noinherit');

sql('postgres', q{CREATE ROLE "The owner"; CREATE ROLE deployer NOINHERIT LOGIN IN ROLE "The owner"; CREATE ROLE stage NOINHERIT IN ROLE "The owner";
	CREATE ROLE apart; GRANT stage TO deployer; CREATE DATABASE d});
sql('d', q{CREATE EXTENSION pg_cmig;
	DO $$ BEGIN
		PERFORM cmig.grant_access(r, 'migrator') FROM unnest('{deployer,The owner}'::name[]) r;
	END $$;
	CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t OWNER TO "The owner";
	CREATE TABLE u (id int); ALTER TABLE u OWNER TO apart;
	SELECT cmig.create_revision('a', 'ALTER TABLE t ADD n int', 'ALTER TABLE t DROP n', revision => '1')});

# findings(): the privileges that preflight does not find, as the member
sub findings
{
	my ($settings) = @_;
	return sql('d', "SET SESSION AUTHORIZATION deployer; $settings SELECT value, hint FROM cmig.preflight() WHERE item = 'privilege'");
}

is(findings(''), q{1, statement 1: public.t belongs to "The owner", whose privileges role deployer does not inherit|SET cmig.role = 'The owner'},
	'the role can be set');
is(findings(q{SET cmig.role = 'The owner';}), '', 'with that setting, nothing is missing');
sql('d', q{SET SESSION AUTHORIZATION deployer; SET cmig.role = 'The owner'; SELECT FROM cmig.upgrade(); SELECT FROM cmig.downgrade('-1')});

sql('d', q{SELECT cmig.create_revision('b', 'SET ROLE stage; ALTER TABLE t ADD z int; RESET ROLE; ALTER TABLE u ADD z int', '', revision => '2')});
like(findings(''), qr/^2, statement 2: public\.t belongs to "The owner", whose privileges role stage does not inherit\|SET ROLE "The owner" -- in the revision, before the statement$/m,
	'a role that the revision sets');
like(findings(''), qr/^2, statement 4: public\.u belongs to apart, of which role deployer is not a member\|GRANT apart TO deployer$/m, 'no member');

done_testing();
