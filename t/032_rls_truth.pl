# Copyright (c) 2026, the pg_cmig developers

# Compares what rls_check reports about random policy expressions with the values of
# these expressions for every row of a table that contains all values.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('truth');
$node->start;
my $seed = $ENV{CMIG_SEED} // 5;
my $count = $ENV{CMIG_COUNT} // 400;
srand($seed);

sub pick { return $_[ int rand @_ ] }

sub value
{
	my ($depth) = @_;
	my $r = rand;

	return pick('id', 'a', 'b') if $r < 0.55 || $depth <= 0 && $r >= 0.8;
	return pick(0, 1, 2) if $r < 0.75;
	return 'NULL::integer' if $r < 0.8;
	return '(SELECT ' . value($depth - 1) . ')' if $r < 0.85;
	return 'COALESCE(' . value($depth - 1) . ', ' . value($depth - 1) . ')' if $r < 0.93;
	return 'CASE WHEN ' . condition($depth - 1) . ' THEN ' . value($depth - 1) . ' ELSE ' . value($depth - 1) . ' END';
}

sub condition
{
	my ($depth) = @_;
	my $r = rand;

	if ($depth <= 0 || $r < 0.25)
	{
		my $k = rand;

		return value(0) . ' ' . pick('=', '<>', '<', '>', '<=', '>=', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM') . ' ' . value(0) if $k < 0.5;
		return '(' . value(0) . ') IS ' . pick('', 'NOT ') . 'NULL' if $k < 0.7;
		return pick('true', 'false', 'NULL::boolean') if $k < 0.8;
		return 'f' if $k < 0.9;
		return value(0) . ' = ANY (ARRAY[' . value(0) . ', ' . value(0) . '])';
	}
	my ($x, $y) = (condition($depth - 1), condition($depth - 1));
	return "($x) OR ($y)" if $r < 0.5;
	return "($x) AND ($y)" if $r < 0.65;
	return "NOT ($x)" if $r < 0.77;
	return "COALESCE($x, $y)" if $r < 0.83;
	return "($x) IS " . pick('', 'NOT ') . pick('TRUE', 'FALSE', 'UNKNOWN') if $r < 0.88;
	return "CASE WHEN $x THEN $y ELSE " . condition($depth - 1) . ' END' if $r < 0.92;
	return "(SELECT $x)" if $r < 0.95;
	return "($x) " . pick('OR', 'AND') . " NOT ($x)";
}

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_cmig;
CREATE TABLE t (id integer NOT NULL, a integer, b integer, f boolean);
INSERT INTO t SELECT i, x, y, z FROM unnest(ARRAY[0, 1, 2, 3]) i, unnest(ARRAY[0, 1, 2, 3, NULL]) x,
	unnest(ARRAY[0, 1, 2, 3, NULL]) y, unnest(ARRAY[true, false, NULL]) z;
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (false);
CREATE TABLE said (expression text, problem text, hits bigint);
CREATE FUNCTION judge(e text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	row record;
BEGIN
	EXECUTE format('ALTER POLICY p ON t USING (%s)', e);
	EXECUTE format('SELECT count(*) AS n FROM t WHERE %s', e) INTO row;
	INSERT INTO said VALUES (e, (SELECT problem FROM cmig.rls_check('public') WHERE rule IN ('always_true', 'always_false')), row.n);
END $$;
SQL
$node->safe_psql('postgres', join("\n", map { 'SELECT judge($e$' . condition(3) . '$e$);' } 1 .. $count));

my %wrong = (
	'always true' => q(problem ~ 'it is always true' AND hits <> (SELECT count(*) FROM t)),
	'always false' => q(problem ~ 'always false' AND hits <> 0));
my %right = (
	'always true' => q(problem ~ 'it is always true'),
	'always false' => q(problem ~ 'always false'));
foreach my $what (sort keys %wrong)
{
	is($node->safe_psql('postgres', "SELECT expression, hits FROM said WHERE $wrong{$what} LIMIT 3"), '', "every expression that is reported as $what is so (seed $seed)");
	cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM said WHERE $right{$what}"), '>', $count / 40, "expressions that are $what are found");
}
# expressions that happen to have the same result for all rows of the table
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM said WHERE problem IS NULL AND hits = (SELECT count(*) FROM t)'),
	'<', $count / 30, 'few expressions that are true for every row are missed');

$node->stop;
done_testing();
