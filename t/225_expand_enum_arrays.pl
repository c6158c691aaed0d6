# Copyright (c) 2026, the pg_cmig developers

# Tests that labels of an enum get other names in arrays, too, and that a line "-- cmig:up" below the
# ALTER TYPE reads them: the rows are those of an upgrade, also if both versions write, and those from
# before if the expansion is abandoned.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use Test::More;

my $node = expand_node('enum_arrays');
my $db = 'd0';
my $tables = q{CREATE TYPE mood AS ENUM ('a', 'b', 'c'); CREATE TABLE t (id int PRIMARY KEY, s mood DEFAULT 'a', m mood[] DEFAULT '{a,b}');
	CREATE TABLE p (id int, m mood[]) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);};
my $rows = q{INSERT INTO t VALUES (1, 'a', '{a,b,NULL}'), (2, 'b', '{{a,c},{b,a}}'), (3, NULL, NULL), (4, 'c', '{}'), (5, 'a', '[3:4]={b,a}'); INSERT INTO p VALUES (1, '{a,b}'), (11, '{c,a,NULL}')};
my $values = q{SELECT (SELECT string_agg(format('%s,%s,%s', id, s, m), ' ' ORDER BY id) FROM t), (SELECT string_agg(format('%s,%s', id, m), ' ' ORDER BY id) FROM p)};

sub prepare
{
	my ($change) = @_;

	$db++;
	new_database($node, $db);
	$node->safe_psql($db, "SELECT FROM cmig.create_revision('m', \$c\$$tables\$c\$, NULL, revision => '1'); SELECT FROM cmig.upgrade(); $rows;
		SELECT FROM cmig.create_revision('n', \$c\$$change\$c\$, NULL, revision => '2', expand => true)");
}

# the output of statements in the database, without notices
sub quiet { return tried($db, "SET client_min_messages = warning; $_[0]") }

my $rename = "ALTER TYPE mood RENAME VALUE 'a' TO 'A';\n";
my @cases = (
	# what the new version writes as label A is label a of the old one
	[ 'no lines', $rename, 'A' ],
	[ 'the line of the document', "$rename-- cmig:up t.m = array_replace(m::text[], 'a', 'A')::mood[]\n-- cmig:down t.m = array_replace(m::text[], 'A', 'a')::mood[]\n-- cmig:up p.m = array_replace(m::text[], 'a', 'A')::mood[]\n", 'A' ],
	[ 'a cast', "$rename-- cmig:up t.m = m::text::mood[]\n-- cmig:up t.s = s::text::mood\n", 'A' ],
	[ 'the columns themselves', "$rename-- cmig:up t.m = m\n-- cmig:up t.s = s\n", 'A' ],
	[ 'an expression', "$rename-- cmig:up t.m = nullif(m, '{A,c}'::mood[])\n-- cmig:up t.s = coalesce(s, 'A')\n", undef ],
	[ 'a new column', "$rename ALTER TABLE t ADD n text;\n-- cmig:up t.n = m::text || s::text\n", 'A' ],
	[ 'USING', "$rename ALTER TABLE t ALTER m TYPE mood[] USING coalesce(m, '{b,A}'), ALTER s TYPE mood USING coalesce(s, 'A')", undef ],
	[ 'exchanged labels', "ALTER TYPE mood RENAME VALUE 'a' TO 'x'; ALTER TYPE mood RENAME VALUE 'b' TO 'a'; ALTER TYPE mood RENAME VALUE 'x' TO 'b'", 'b' ],
	[ 'exchanged labels, and lines', "ALTER TYPE mood RENAME VALUE 'a' TO 'x'; ALTER TYPE mood RENAME VALUE 'b' TO 'a'; ALTER TYPE mood RENAME VALUE 'x' TO 'b';\n-- cmig:up t.m = m::text::mood[]\n", 'b' ],
	[ 'another name, and more labels', "ALTER TYPE mood RENAME VALUE 'a' TO 'it''s'; ALTER TYPE mood RENAME VALUE 'c' TO 'a'; ALTER TYPE mood ADD VALUE 'd'", q{it''s} ],
	[ 'another type', "ALTER TYPE mood RENAME TO mood_old; CREATE TYPE mood AS ENUM ('A', 'b', 'c'); ALTER TABLE t ALTER m DROP DEFAULT, ALTER s DROP DEFAULT; ALTER TABLE t
		ALTER m TYPE mood[] USING array_replace(m::text[], 'a', 'A')::mood[], ALTER s TYPE mood USING CASE s::text WHEN 'a' THEN 'A' ELSE s::text END::mood;
		-- cmig:down t.m = array_replace(m::text[], 'A', 'a')::mood[]\n-- cmig:down t.s = CASE s::text WHEN 'A' THEN 'a' ELSE s::text END
		ALTER TABLE p ALTER m TYPE mood[] USING array_replace(m::text[], 'a', 'A')::mood[];\n-- cmig:down p.m = array_replace(m::text[], 'A', 'a')::mood[]\nDROP TYPE mood_old", 'A' ]);

foreach my $case (@cases)
{
	my ($name, $change, $label) = @$case;
	my $old = "INSERT INTO t VALUES (6, 'a', '{a,c}'); UPDATE t SET m = '{c,a}', s = 'a' WHERE id = 3; INSERT INTO p VALUES (2, '{a,a}')";
	my $read = $name eq 'a new column' ? "$values, (SELECT string_agg(n, ' ' ORDER BY id) FROM t)" : $values;

	# what the old version has written
	prepare($change);
	$node->safe_psql($db, "$old; SELECT FROM cmig.upgrade()");
	my $upgraded = $node->safe_psql($db, $read);
	prepare($change);
	is(quiet('CALL cmig.expand()'), "\n", "$name: expanded");
	$node->safe_psql($db, $old);
	my $before = $node->safe_psql($db, $values);
	is($node->safe_psql($db, "SET search_path = public_2, public; $read"), $upgraded, "$name: the new version has what an upgrade gives");

	# the new version writes what the old one has a name for
	if (defined $label)
	{
		$node->safe_psql($db, "INSERT INTO public_2.t (id, s, m) VALUES (7, '$label', ARRAY['$label', NULL]::public_2.mood[]); INSERT INTO public_2.p (id, m) VALUES (12, ARRAY[['$label'], ['$label']]::public_2.mood[])");
		is($node->safe_psql($db, 'SELECT s, m FROM t WHERE id = 7; SELECT m FROM p WHERE id = 12'), "a|{a,NULL}\n{{a},{a}}", "$name: the old version has the old label");
		$node->safe_psql($db, 'DELETE FROM t WHERE id = 7; DELETE FROM p WHERE id = 12');
	}
	is(quiet('CALL cmig.abandon()'), "\n", "$name: abandoned");
	is($node->safe_psql($db, $values), $before, "$name: rows from before");
	is(quiet('CALL cmig.expand(); CALL cmig.contract()'), "\n", "$name: contracted");
	is($node->safe_psql($db, $read), $upgraded, "$name: the rows of an upgrade");
	is(quiet(q{SELECT * FROM cmig.check() c WHERE c::text !~ '^.notice'}), "\n", "$name: no drift");
}

# what is neither the value before nor the one after
foreach my $case (
	[ "$rename-- cmig:up t.m = coalesce(NULL::mood[], m)\nALTER TYPE mood RENAME VALUE 'A' TO 'Z'", 'It names an enum whose labels the revision renames below' ],
	[ "$rename-- cmig:up t.m = m || m\nALTER TYPE mood RENAME VALUE 'A' TO 'Z'", 'The revision computes the column more than once' ],
	[ "-- cmig:up t.m = m::text::mood[]\n$rename", 'It names an enum whose labels the revision renames below' ],
	[ "$rename ALTER TABLE t ALTER m TYPE mood[] USING m || m;\n ALTER TABLE t ALTER m TYPE mood[] USING m || m", 'The revision computes the column more than once' ],
	[ "$rename ALTER TABLE t ALTER m DROP DEFAULT, ALTER m TYPE text[] USING m::text[]", 'The revision computes the column more than once' ])
{
	prepare($case->[0]);
	like(tried($db, 'CALL cmig.expand()'), qr/$case->[1]/, $case->[0]);
}

done_testing();
