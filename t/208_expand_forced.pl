# Copyright (c) 2026, the pg_cmig developers

# Expanding tables whose owner is subject to their policies: an error says so, whatever the
# revision does, and what it asks for is enough.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('expand_forced');
my $number = 0;

sql('postgres', 'CREATE ROLE own LOGIN; CREATE ROLE app');
foreach my $case (
	[ 'a new column', "ALTER TABLE t ADD w int;\n-- cmig:up t.w = v::int" ],
	[ 'a change of type', 'ALTER TABLE t ALTER v TYPE int USING v::int' ],
	[ 'a new column beside another table', "CREATE TABLE f (id int); ALTER TABLE o ADD w int;\n-- cmig:up o.w = 1\nALTER TABLE t ADD w int;\n-- cmig:up t.w = v::int" ],
	[ 'a column in a later revision', 'ALTER TABLE t ADD x int', "ALTER TABLE t ADD w int;\n-- cmig:up t.w = v::int" ])
{
	my ($what, @scripts) = @$case;

	foreach my $fix ('ALTER TABLE t NO FORCE ROW LEVEL SECURITY', 'ALTER ROLE own BYPASSRLS')
	{
		my $db = 'd' . ++$number;

		sql('postgres', "CREATE DATABASE $db OWNER own");
		query($node, $db, $_, 'own') foreach ('CREATE EXTENSION pg_cmig',
			q{CREATE TABLE t (id int PRIMARY KEY, v text, tenant int); CREATE TABLE o (id int); INSERT INTO t VALUES (1, '5', 1), (2, '6', 2)},
			q{SELECT FROM cmig.enable_rls('t', tenant_column => 'tenant', roles => '{app}')});
		query($node, $db, "SELECT FROM cmig.create_revision('n', \$c\$$scripts[$_]\$c\$, NULL, revision => 'r$_', expand => true)", 'own') foreach (0 .. $#scripts);
		fails_with($node, $db, 'CALL cmig.expand()', '42501', 'row-level security hides rows of table public\.t from role "own"\n.*HINT:  Repeat the CALL as a role with BYPASSRLS, or, while it runs: ALTER TABLE public\.t NO FORCE ROW LEVEL SECURITY\n', "$what: the error says why", 'own');
		is(sql($db, 'SELECT count(*) FROM cmig.expansion_run'), '0', 'nothing has begun');
		sql($db, $fix);
		query($node, $db, "CALL cmig.$_()", 'own') foreach ('expand', 'contract');
		sql('postgres', 'ALTER ROLE own NOBYPASSRLS');
		my $column = $what =~ /type/ ? 'v' : 'w';
		is(sql($db, "SELECT string_agg($column\::text, ' ' ORDER BY id) FROM t"), '5 6', 'with what it asks for, all rows are filled');
	}
}

$node->stop;
done_testing();
