# Copyright (c) 2026, the pg_cmig developers

# Indexes of partitions that the target attaches to an index of the partitioned table are
# attached, and not made again.  A downgrade must make them again: they cannot be detached.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('attach');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig');
$node->safe_psql('postgres', <<'END_SQL');
-- how many of the indexes of partitions are still the same, how many differences are left, and does the downgrade restore all?
CREATE FUNCTION judge(before text, after text, steps boolean, OUT same bigint, OUT others bigint, OUT rest bigint, OUT back boolean) LANGUAGE plpgsql AS $$
DECLARE
	first text;
	ids oid[];
	undo text := '';
	line record;
BEGIN
	EXECUTE 'CREATE SCHEMA x; SET LOCAL search_path = x;' || before;
	first := cmig.schema_sql('{x}');
	ids := ARRAY(SELECT oid FROM pg_class WHERE relnamespace = 'x'::regnamespace AND relkind = 'i');
	FOR line IN SELECT * FROM cmig.diff('SET search_path = x;' || after, '{x}', concurrently => steps) ORDER BY step LOOP
		EXECUTE replace(line.upgrade_sql, 'CONCURRENTLY', '');
		undo := concat_ws(';', replace(line.downgrade_sql, 'CONCURRENTLY', ''), undo);
	END LOOP;
	same := count(*) FROM pg_class WHERE oid = ANY (ids);
	others := cardinality(ids) - same;
	rest := count(*) FROM cmig.diff('SET search_path = x;' || after, '{x}');
	EXECUTE undo;
	back := first = cmig.schema_sql('{x}');
	DROP SCHEMA x CASCADE;
END $$;
END_SQL

my $tables = 'CREATE TABLE p (k int, a int) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);';
my ($only, $one, $two) = ('CREATE INDEX i ON ONLY p (a);', 'CREATE INDEX i1 ON p1 (a);', 'CREATE INDEX i2 ON p2 (a);');
my ($join, $join_two) = ('ALTER INDEX i ATTACH PARTITION i1;', 'ALTER INDEX i ATTACH PARTITION i2;');
my $deep = 'CREATE TABLE p (k int, a int) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) PARTITION BY LIST (a); CREATE TABLE p11 PARTITION OF p1 DEFAULT; CREATE INDEX i11 ON p11 (a);';

# incomplete at two levels, because one of the partitions at the lower one has no index
my $two_levels = 'CREATE TABLE p (k int) PARTITION BY RANGE (k); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9) PARTITION BY RANGE (k);'
  . 'CREATE TABLE p11 PARTITION OF p1 FOR VALUES FROM (1) TO (2); CREATE TABLE p12 PARTITION OF p1 FOR VALUES FROM (2) TO (3);'
  . "CREATE INDEX i12 ON p12 (k); CREATE INDEX i1 ON ONLY p1 (k); ALTER INDEX i1 ATTACH PARTITION i12; CREATE INDEX i ON ONLY p (k); $join";
# the same with constraints, and with one that all partitions of the lower level have
my $three = 'CREATE TABLE p (k int) PARTITION BY RANGE (k); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9) PARTITION BY RANGE (k); CREATE TABLE p2 PARTITION OF p DEFAULT;'
  . 'CREATE TABLE p11 PARTITION OF p1 FOR VALUES FROM (1) TO (2); CREATE TABLE p12 PARTITION OF p1 FOR VALUES FROM (2) TO (3);';
my $some = 'ALTER TABLE p12 ADD CONSTRAINT i12 UNIQUE (k); ALTER TABLE ONLY p1 ADD CONSTRAINT i1 UNIQUE (k); ALTER INDEX i1 ATTACH PARTITION i12;';
my $all = 'ALTER TABLE p1 ADD CONSTRAINT i1 UNIQUE (k);';
my $top = "ALTER TABLE ONLY p ADD CONSTRAINT i UNIQUE (k); $join";

my $keyed = 'CREATE TABLE p (k int NOT NULL, a int) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);'
  . 'ALTER TABLE ONLY p ADD CONSTRAINT i PRIMARY KEY (k); ALTER TABLE p1 ADD CONSTRAINT i1 PRIMARY KEY (k); ALTER TABLE p2 ADD CONSTRAINT i2 PRIMARY KEY (k);';
my $unique = $keyed =~ s/PRIMARY KEY/UNIQUE/gr;

# a table that is attached, or detached, with equal indexes of which the older one is its own
my $table = 'CREATE TABLE p (k int NOT NULL) PARTITION BY LIST (k); CREATE TABLE p1 (k int NOT NULL);';
my $attach = 'ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1);';
my ($key, $add_unique) = ('ALTER TABLE p1 ADD PRIMARY KEY (k);', 'ALTER TABLE p1 ADD CONSTRAINT i1 UNIQUE (k);');
my $choose = "$attach ALTER TABLE ONLY p ADD CONSTRAINT i UNIQUE (k); $join";
# until 16, a unique constraint takes a primary key
my @own = $node->safe_psql('postgres', 'SHOW server_version_num') < 170000 ? (1, 1) : (2, 0);
my ($first, $second) = ('CREATE INDEX i0 ON p1 (k);', 'CREATE INDEX i1 ON p1 (k);');
my $choose_index = "$attach CREATE INDEX i ON ONLY p (k); $join";

# name, before, after, the indexes of partitions that stay, those that do not
my @cases = (
	[ 'one is attached', "$tables $only $one", "$tables $only $one $join", 1, 0 ],
	[ 'the last one', "$tables $only $one $two $join", "$tables $only $one $two $join $join_two", 2, 0 ],
	[ 'the last one is new', "$tables $only $one $join", "$tables $only $one $two $join $join_two", 1, 0 ],
	[ 'the parent index is new', "$tables $one $two", "$tables $one $two CREATE INDEX i ON p (a)", 2, 0 ],
	[ 'and one of the others', "$tables $one", "$tables $one CREATE INDEX i ON p (a)", 1, 0 ],
	[ 'a new parent index of some', "$tables $one", "$tables $one $only $join", 1, 0 ],
	[ 'a partition with partitions', "$deep CREATE INDEX i1 ON ONLY p1 (a); $only", "$deep CREATE INDEX i1 ON ONLY p1 (a); $only ALTER INDEX i1 ATTACH PARTITION i11; $join", 1, 0 ],
	[ 'two levels, new', '', $two_levels, 0, 0 ],
	[ 'two levels, gone', $two_levels, '', 0, 1 ],
	[ 'two levels of constraints, new', '', "$three $some $top", 0, 0 ],
	[ 'two levels of constraints, gone', "$three $some $top", '', 0, 1 ],
	[ 'two levels of constraints, of tables that exist', $three, "$three $some $top", 0, 0 ],
	[ 'two levels of constraints, no longer', "$three $some $top", $three, 0, 1 ],
	[ 'a complete lower level, new', '', "$three $all $top", 0, 0 ],
	[ 'a complete lower level, gone', "$three $all $top", '', 0, 2 ],
	[ 'a complete lower level, of tables that exist', $three, "$three $all $top", 0, 0 ],
	[ 'a complete lower level, no longer', "$three $all $top", $three, 0, 2 ],
	[ 'no longer attached', "$tables $only $one $join", "$tables $only $one", 0, 1 ],
	[ 'other columns', "$tables $only $one", "$tables CREATE INDEX i ON ONLY p (a, k); CREATE INDEX i1 ON p1 (a, k); $join", 0, 1 ],
	[ 'another type of the column', "$tables $only $one", "$tables $only $one $join ALTER TABLE p ALTER a TYPE bigint", 0, 1 ],
	[ 'a key', $keyed, "$keyed $join", 2, 0 ],
	[ 'keys', $keyed, "$keyed $join $join_two", 2, 0 ],
	[ 'the last key', "$keyed $join", "$keyed $join $join_two", 2, 0 ],
	[ 'a unique constraint', $unique, "$unique $join", 2, 0 ],
	[ 'keys that others reference', $keyed, "$keyed $join $join_two CREATE TABLE r (k int REFERENCES p)", 2, 0 ],
	[ 'a key no longer attached', "$keyed $join", $keyed, 1, 1 ],
	[ 'with the table', "$table $second", "$table $second CREATE INDEX i ON p (k); $attach", 1, 0 ],
	[ 'with the table, unique', "$table $add_unique", "$table $add_unique ALTER TABLE p ADD UNIQUE (k); $attach", 1, 0 ],
	[ 'detached with the table', "$table $second CREATE INDEX i ON p (k); $attach", "$table $second", 1, 0 ],
	[ 'the second of two', "$table $first $second", "$table $first $second $choose_index", 1, 1 ],
	[ 'the second of two, to one that exists', "$table $first $second CREATE INDEX i ON p (k)", "$table $first $second $choose_index", 1, 1 ],
	[ 'the first of two', "$table $second $first", "$table $second $first CREATE INDEX i ON p (k); $attach", 2, 0 ],
	[ 'not the primary key', "$table $key $add_unique", "$table $key $add_unique $choose", @own ],
	[ 'not the primary key, to one that exists', "$table $key $add_unique ALTER TABLE p ADD CONSTRAINT i UNIQUE (k)", "$table $key $add_unique $choose", @own ],
	[ 'no longer, with a primary key', "$table $key $add_unique $choose", "$table $key $add_unique", @own ],
	[ 'another comment', "$tables $only $one", "$tables $only $one $join COMMENT ON INDEX i1 IS 'x'", 0, 1 ],
);
foreach my $steps ('false', 'true')
{
	foreach my $case (@cases)
	{
		my ($name, $before, $after, $same, $others) = @$case;
		is($node->safe_psql('postgres', "SET client_min_messages = error; SELECT * FROM judge(\$a\$$before\$a\$, \$a\$$after\$a\$, $steps)"), "$same|$others|0|t",
			$name . ($steps eq 'true' ? ', in steps' : ''));
	}
}

# what schema_sql returns creates the same schema
foreach my $case (@cases)
{
	my ($name, $before, $after) = @$case;
	is($node->safe_psql('postgres', "SET client_min_messages = error; BEGIN; CREATE SCHEMA x; SET LOCAL search_path = x; $_; SELECT count(*) FROM cmig.diff(cmig.schema_sql('{x}'), '{x}')"), '0',
		"$name, schema_sql") foreach $before, $after;
}

# so do children whose copy of a NOT VALID constraint is valid: they were created later, or it was validated
$node->safe_psql('postgres', q{CREATE SCHEMA x; CREATE TABLE x.p (a int); CREATE TABLE x.before () INHERITS (x.p);
	CREATE TABLE x.validated () INHERITS (x.p); ALTER TABLE x.p ADD CONSTRAINT c CHECK (a > 0) NOT VALID;
	ALTER TABLE x.validated VALIDATE CONSTRAINT c; CREATE TABLE x."after" () INHERITS (x.p); COMMENT ON CONSTRAINT c ON x."after" IS 'c';
	CREATE TABLE x.below () INHERITS (x.before); CREATE TABLE x.aa () INHERITS (x.before); CREATE TABLE x.other (a int, CONSTRAINT c CHECK (a > 0)); ALTER TABLE x.other INHERIT x.p});
is($node->safe_psql('postgres', "SELECT upgrade_sql FROM cmig.diff(cmig.schema_sql('{x}'), '{x}')"), '', 'a constraint that is NOT VALID for some children, schema_sql');
$node->safe_psql('postgres', 'SET client_min_messages = error; DROP SCHEMA x CASCADE');

# what is not compared is not lost: partitions and children in other schemas, and what they have on a column that is dropped
$node->safe_psql('postgres', q{CREATE SCHEMA a; CREATE SCHEMA b;
	CREATE TABLE a.p (id int, x int DEFAULT 1, y int, z int) PARTITION BY LIST (id); CREATE INDEX ON a.p (x);
	CREATE TABLE b.c PARTITION OF a.p FOR VALUES IN (1) PARTITION BY LIST (y); CREATE TABLE b.c1 PARTITION OF b.c DEFAULT;
	CREATE TABLE a.q (id int, x int); CREATE TABLE b.d (z int) INHERITS (a.q); CREATE TABLE b.e (x int) INHERITS (a.q); CREATE INDEX e_x ON b.e (x)});
my $others = sub {
	return $node->safe_psql('postgres', qq{SET client_min_messages = error; BEGIN; $_[0];
		SELECT string_agg(concat_ws(' ', action, object, hazard), '; ' ORDER BY step)
		FROM cmig.diff('CREATE TABLE a.p (id int, y int, z bigint) PARTITION BY LIST (id); CREATE TABLE a.q (id int)', '{a}')
		WHERE kind = 'column'});
};
is($others->('SELECT'), 'drop a.q.x data loss: column a.q.x; drop a.p.x data loss: column a.p.x; alter a.p.z', 'columns go with those of partitions and children');
like($others->($_->[0]), qr/unsupported a\.[pq]\.[xz] \Q$_->[1]\E, which is not compared, depends on it/, $_->[0])
  foreach [ 'CREATE INDEX c1_x ON b.c1 (x)', 'index b.c1_x' ], [ 'ALTER TABLE b.c ADD CONSTRAINT ck CHECK (x > 0)', 'constraint ck on table b.c' ],
  [ 'ALTER TABLE b.c1 ALTER x SET DEFAULT 2', 'default value for column x of table b.c1' ], [ 'CREATE STATISTICS b.s ON id, x FROM a.p', 'statistics object b.s' ],
  [ 'CREATE INDEX d_x ON b.d (x)', 'index b.d_x' ], [ 'CREATE VIEW b.v AS SELECT z FROM b.c1', 'view b.v' ], [ 'CREATE VIEW b.v AS SELECT x FROM b.c1', 'view b.v' ];
is($node->safe_psql('postgres', q{SET client_min_messages = error; SELECT string_agg(concat_ws(' ', action, object, hazard), '; ' ORDER BY step) FROM cmig.diff('CREATE TABLE a.q (id int, x int)', '{a}')}),
	'unsupported a.p table b.c, which is not compared, depends on it', 'a partition in another schema');

# neither is what uses the row type or the array type of what is dropped
my $typed = sub {
	return $node->safe_psql('postgres', qq{SET client_min_messages = error; BEGIN; CREATE SCHEMA t; CREATE TYPE t.mood AS ENUM ('sad'); CREATE TABLE t.t (id int); CREATE VIEW t.v AS SELECT 1 AS x;
		$_[0]; SELECT string_agg(concat_ws(' ', action, object, hazard), '; ' ORDER BY object) FROM cmig.diff('CREATE SCHEMA t', '{t}') WHERE object IN ('t.mood', 't.t', 't.v')});
};
is($typed->('CREATE TABLE t.u (a t.t, b t.t[], c t.mood[])'), 'drop t.mood; drop t.t data loss: table t.t; drop t.v', 'what is compared goes with it');
like($typed->($_->[0]), qr/unsupported t\.$_->[1] \Q$_->[2]\E, which is not compared, depends on it/, $_->[0])
  foreach [ 'CREATE TABLE b.x (c t.mood[])', 'mood', 'column c of table b.x' ], [ 'CREATE TABLE b.x (c t.t)', 't', 'column c of table b.x' ],
  [ 'CREATE FUNCTION b.f(t.t[]) RETURNS int LANGUAGE sql AS $$SELECT 1$$', 't', 'function b.f(t.t[])' ], [ 'CREATE VIEW b.x AS SELECT NULL::t.v[] AS c', 'v', 'column c of view b.x' ];

# what is compared is the difference's: a child that leaves its parent keeps the column, and what it has on it
is($node->safe_psql('postgres', q{SET client_min_messages = error; CREATE SCHEMA f; CREATE TABLE f.p (id int, x int); CREATE TABLE f.c () INHERITS (f.p); CREATE INDEX c_x ON f.c (x);
	SELECT string_agg(concat_ws(' ', action, kind, object), '; ' ORDER BY step) FROM cmig.diff('CREATE TABLE f.p (id int); CREATE TABLE f.c (id int, x int); CREATE INDEX c_x ON f.c (x)', '{f}')}),
	'alter table f.c; drop column f.p.x', 'a child that leaves its parent');

done_testing();
