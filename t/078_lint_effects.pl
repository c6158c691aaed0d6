# Copyright (c) 2026, the pg_cmig developers

# Compares the findings of cmig.lint with what cmig.dry_run measures: lint must report a
# scan, a rewrite, or an index build exactly if running the statement reads or rewrites
# a table that has rows.  The statements are in t/data/lint/effects.sql ("= ": both
# agree; "+ ": only lint reports an effect; "- ": only the dry run shows one).  In
# addition, each column of a table is changed to each of many types.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('effects', 'autovacuum = off', "timezone = 'UTC'", 'client_min_messages = error');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig');
$node->safe_psql('postgres', slurp_file("$CmigNode::top/t/data/lint/effects-schema.sql"));

my @columns = qw(i s v vc c tx n nn ts tz d tm iv j jb m p pl ci ine b vb arr va bo ck ck2 ix ixt ixe bp f4 f8 nul);
my @types = split /, /, 'int, bigint, smallint, text, varchar, varchar(3), varchar(20), char(5), char(8), bpchar, numeric, numeric(8,2), '
  . 'numeric(10,2), numeric(10,3), numeric(6,2), timestamp, timestamptz, timestamp(3), timestamp(6), timestamptz(6), date, time, '
  . 'time(3), time(6), interval, interval(6), json, jsonb, mood, posint, plain, cidr, inet, bit(4), bit(8), varbit, varbit(8), '
  . 'int[], bigint[], varchar(5)[], varchar(10)[], text[], bool, real, float8, dd, nn';
my $slow = join '|', qw(require-concurrent-index-creation require-concurrent-reindex constraint-missing-not-valid
  adding-foreign-key-constraint adding-field-with-default adding-auto-incrementing-field adding-not-nullable-field
  adding-serial-primary-key-field primary-key-sets-not-null disallowed-unique-constraint adding-exclusion-constraint
  changing-column-type rewriting-table ban-alter-domain-with-add-constraint attaching-partition);

my @cases = map { [ /^([=+-]) (.*)$/ ] } grep { $_ ne '' } split /\n/, slurp_file("$CmigNode::top/t/data/lint/effects.sql");
foreach my $column (@columns)
{
	my $n = 0;

	push @cases, map { [ '=', "ALTER TABLE t ALTER $column TYPE $_" . ($n++ % 3 ? '' : " USING $column\::$_") ] } @types;
}

my $sql = "SET search_path = app, public; SET cmig.search_path = 'app, public'; SET lock_timeout = '1s'; SET statement_timeout = '5min';\n";
foreach my $i (0 .. $#cases)
{
	$sql .= "DELETE FROM cmig.revision; INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', \$cmig\$$cases[$i][1]\$cmig\$);\n"
	  . "SELECT $i, (SELECT count(*) FROM cmig.lint('001') WHERE rule ~ '^($slow)\$') > 0,"
	  . " bool_or(coalesce(rewrites, scans, '') <> ''), bool_or(error IS NOT NULL) FROM cmig.dry_run();\n";
}
my ($compared, $failed) = (0, 0);
foreach (split /\n/, $node->safe_psql('postgres', $sql))
{
	my ($i, $lint, $run, $error) = split /\|/;
	my ($expected, $statement) = @{ $cases[$i] };

	# the column cannot be changed to this type
	if ($error eq 't' && $expected eq '=')
	{
		$failed++;
		next;
	}
	$compared++;
	next if ($lint eq $run ? '=' : $lint eq 't' ? '+' : '-') eq $expected;
	fail("$statement: lint says $lint, the run $run");
}
cmp_ok($compared, '>', 500, "statements are compared ($failed fail)");

$node->stop;
done_testing();
