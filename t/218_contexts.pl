# Copyright (c) 2026, the pg_cmig developers

# Calls in a parallel operation, by a function of a user that is declared PARALLEL SAFE, get an
# error that says so, and what is called next in the session works.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('contexts', 'max_parallel_workers = 4');
$node->start;
my $db = 'contexts';
new_database($node, $db);
my $parallel = query($node, $db, 'SHOW server_version_num') < 160000 ? 'force_parallel_mode' : 'debug_parallel_query';

# a function of a user that is declared PARALLEL SAFE, although it is not
foreach my $call (q{cmig.baseline('m')}, q{cmig.schema_sql()}, q{cmig.diff('')}, 'cmig.expansion()', 'cmig.status()', 'cmig.check()', 'cmig.upgrade()', q{cmig.stamp('base')},
	q{cmig.create_revision('m', 'SELECT 1')}, q{cmig.rls_check()}, q{cmig.set_protect('on')})
{
	query($node, $db, "CREATE OR REPLACE FUNCTION unsafe(text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS \$\$ BEGIN PERFORM * FROM $call; RETURN 'x'; END \$\$");
	foreach my $level ('read committed', 'repeatable read')
	{
		my ($code, $out, $err) = $node->psql($db, qq{BEGIN ISOLATION LEVEL $level; SET LOCAL $parallel = on; SELECT count(unsafe(relname)) FROM (SELECT relname FROM pg_class LIMIT 1) c; ROLLBACK;
			SELECT count(*) FROM cmig.status()}, extra_params => [ '-v', 'VERBOSITY=verbose' ], on_error_stop => 0);
		unlike($err, qr/ERROR:  (?:XX|40001)|server closed/, "$call in a parallel operation, $level: no internal error, and no other hint") or diag $err;
		like($out, qr/^[1-9][0-9]*$/m, "$call: the next call works") or diag $err;
	}
}
fails_with($node, $db, qq{SET $parallel = on; CREATE OR REPLACE FUNCTION unsafe(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS \$\$ SELECT content FROM cmig.baseline('m') \$\$;
	SELECT unsafe(relname) FROM pg_class WHERE oid = 1259}, '25000', 'cannot call this function of pg_cmig during a parallel operation.*HINT:  Declare each function that calls it PARALLEL UNSAFE', 'the error says why');

$node->stop;
done_testing();
