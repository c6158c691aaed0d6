# Copyright (c) 2026, the pg_cmig developers

# A member of the owner that expands: the schema of the version gets the owner of the real one,
# and the member has USAGE there, as in the real one, so that cmig.check has nothing to say.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_member');

sql('postgres', 'CREATE ROLE own; CREATE ROLE "a Member" LOGIN IN ROLE own');
foreach my $granted (1, 0)
{
	my $db = "d$granted";

	new_database($node, $db);
	sql($db, q{GRANT CREATE ON DATABASE } . $db . q{ TO own; CREATE SCHEMA s AUTHORIZATION own; SELECT FROM cmig.grant_access('a Member', 'migrator')});
	sql($db, 'GRANT USAGE ON SCHEMA s TO "a Member"') if $granted;
	sql($db, q{SET ROLE own; CREATE TABLE s.t (id int PRIMARY KEY, v int)});
	sql($db, q{SELECT cmig.create_revision('a', 'ALTER TABLE s.t ALTER v TYPE bigint', NULL, revision => '1', expand => true)});
	query($node, $db, 'CALL cmig.expand()', 'a Member');
	is(sql($db, q{SELECT concat(nspowner::regrole, ' ', EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = '"a Member"'::regrole))
		FROM pg_namespace WHERE nspname = 's_1'}), $granted ? 'own t' : 'own f', 'the owner and the privilege of the real schema');
	is(sql($db, q{SELECT object, problem FROM cmig.check() WHERE object LIKE 'schema%'}), '', 'nothing to do');
	query($node, $db, "CALL cmig.$_()", 'a Member') foreach qw(abandon expand contract);
	is(sql($db, 'SELECT count(*) FROM cmig.expansion_run'), '0', 'contracted');
}

$node->stop;
done_testing();
