# Copyright (c) 2026, the pg_cmig developers

# The statements of concurrently and of stages are committed one by one, while an
# application runs.  At each commit of an upgrade and of a downgrade, what both schemas
# have is there, and what an application could do before, and can do after, it can do;
# what both refuse is refused.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CommitGaps;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $t = 'CREATE TABLE t (id int NOT NULL, k int, a text';
my $rows = 'INSERT INTO t SELECT i, i, i FROM generate_series(1, 9) i;';
my $app = 'GRANT ALL ON ALL TABLES IN SCHEMA shop TO regress_app; GRANT ALL ON ALL SEQUENCES IN SCHEMA shop TO regress_app;';
my $duplicate = "INSERT INTO t (id, k, a) VALUES (1, 1, '1')";
my $new = "INSERT INTO t (id, k, a) VALUES (20, 20, '20')";
my $rls = "ALTER TABLE t ENABLE ROW LEVEL SECURITY;";
my $publication = 'CREATE PUBLICATION regress_pub FOR TABLE t;';
my @writes = ('UPDATE t SET a = a WHERE id = 1', 'DELETE FROM t WHERE id = 1');
my $touch = "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a = ''touched''; RETURN NEW; END';";

# name, schema before, schema after, rows, what the application does
my @scenarios = (
	[ 'primary key of other columns', "$t, PRIMARY KEY (id));", "$t, PRIMARY KEY (id, k));", $rows, $duplicate, $new ],
	[ 'primary key with another name', "$t, PRIMARY KEY (id));", "$t, CONSTRAINT t_key PRIMARY KEY (k, id));", $rows, $duplicate, $new ],
	[ 'unique constraint with INCLUDE', "$t, UNIQUE (id));", "$t, CONSTRAINT t_id_key UNIQUE (id) INCLUDE (k));", $rows, $duplicate, $new, "$duplicate ON CONFLICT (id) DO NOTHING" ],
	[ 'unique constraint becomes deferrable', "$t, UNIQUE (id));", "$t, UNIQUE (id) DEFERRABLE INITIALLY DEFERRED);", $rows, $duplicate, $new ],
	[ 'unique index with another predicate', "$t); CREATE UNIQUE INDEX u ON t (id) WHERE k > 0;", "$t); CREATE UNIQUE INDEX u ON t (id) WHERE k > -1;", $rows, $duplicate, $new ],
	[ 'unique index with INCLUDE, plain index with another column', "$t); CREATE UNIQUE INDEX u ON t (id); CREATE INDEX i ON t (k);", "$t); CREATE UNIQUE INDEX u ON t (id) INCLUDE (a); CREATE INDEX i ON t (k, a);",
		$rows, $duplicate, $new, "$duplicate ON CONFLICT (id) DO UPDATE SET a = 'b'" ],
	[ 'unique constraint becomes a unique index', "$t, UNIQUE (id));", "$t); CREATE UNIQUE INDEX t_u ON t (id);", $rows, $duplicate, $new, "$duplicate ON CONFLICT (id) DO NOTHING" ],
	[ 'unique constraint becomes an index with its name', "$t, UNIQUE (id));", "$t); CREATE UNIQUE INDEX t_id_key ON t (id);", $rows, $duplicate, $new, "$duplicate ON CONFLICT (id) DO NOTHING" ],
	[ 'unique constraint becomes the primary key', "$t, UNIQUE (id));", "$t, PRIMARY KEY (id));", $rows, $duplicate, $new ],
	[ 'foreign key with an action', "CREATE TABLE p (id int PRIMARY KEY); $t, FOREIGN KEY (k) REFERENCES p);", "CREATE TABLE p (id int PRIMARY KEY); $t, FOREIGN KEY (k) REFERENCES p ON UPDATE CASCADE);",
		"INSERT INTO p SELECT generate_series(1, 20); $rows", 'INSERT INTO t VALUES (30, 30)', $new, 'DELETE FROM p WHERE id = 1' ],
	[ 'foreign key with another name', "CREATE TABLE p (id int PRIMARY KEY); $t, FOREIGN KEY (k) REFERENCES p);", "CREATE TABLE p (id int PRIMARY KEY); $t, CONSTRAINT f FOREIGN KEY (k) REFERENCES p);",
		"INSERT INTO p SELECT generate_series(1, 20); $rows", 'INSERT INTO t VALUES (30, 30)', $new, 'DELETE FROM p WHERE id = 1' ],
	[ 'foreign key to a key that changes', "CREATE TABLE p (id int PRIMARY KEY, n int); $t, FOREIGN KEY (k) REFERENCES p);",
		"CREATE TABLE p (id int, n int, CONSTRAINT p_pkey PRIMARY KEY (id) INCLUDE (n)); $t, FOREIGN KEY (k) REFERENCES p);",
		"INSERT INTO p SELECT generate_series(1, 20); $rows", 'INSERT INTO t VALUES (30, 30)', $new, 'DELETE FROM p WHERE id = 1', 'INSERT INTO p VALUES (1)' ],
	[ 'foreign key of a table with forced row security', "CREATE TABLE p (id int PRIMARY KEY); $t, FOREIGN KEY (k) REFERENCES p); ALTER TABLE t FORCE ROW LEVEL SECURITY;",
		"CREATE TABLE p (id int PRIMARY KEY); $t, FOREIGN KEY (k) REFERENCES p ON DELETE SET NULL); ALTER TABLE t FORCE ROW LEVEL SECURITY;",
		"INSERT INTO p SELECT generate_series(1, 20); $rows", 'INSERT INTO t VALUES (30, 30)', $new ],
	[ 'check that allows less', "$t, CONSTRAINT c CHECK (id > 0));", "$t, CONSTRAINT c CHECK (id > 0 AND k > 0));", $rows, 'INSERT INTO t VALUES (0, 1)', $new ],
	[ 'check that allows more', "$t, CONSTRAINT c CHECK (id > 0 AND k > 0));", "$t, CONSTRAINT c CHECK (id > 0));", $rows, 'INSERT INTO t VALUES (0, 1)', $new ],
	[ 'check with another name', "$t, CONSTRAINT c CHECK (id > 0));", "$t, CONSTRAINT d CHECK (id > 0));", $rows, 'INSERT INTO t VALUES (0, 1)', $new ],
	[ 'check that a new column replaces', "$t, CONSTRAINT c CHECK (id > 0));", "$t, b int, CONSTRAINT c CHECK (id > 0 AND b IS NULL));", $rows, 'INSERT INTO t (id) VALUES (0)', $new ],
	[ 'NOT NULL becomes a check', "$t);", 'CREATE TABLE t (id int CHECK (id IS NOT NULL), k int, a text);', $rows, 'INSERT INTO t (k) VALUES (0)', $new ],
	[ 'check of NOT NULL becomes NOT NULL', "CREATE TABLE t (id int, k int, a text, CHECK (k IS NOT NULL AND k > 0));", "CREATE TABLE t (id int, k int NOT NULL CHECK (k > 0), a text);", $rows, 'INSERT INTO t (id) VALUES (20)', 'INSERT INTO t VALUES (20, 0)', $new ],
	[ 'NOT NULL becomes that of a check', "CREATE TABLE t (id int, k int NOT NULL CHECK (k > 0), a text);", "CREATE TABLE t (id int, k int, a text, CHECK (k IS NOT NULL AND k > 0));", $rows, 'INSERT INTO t (id) VALUES (20)', 'INSERT INTO t VALUES (20, 0)', $new ],
	[ 'NOT NULL becomes that of a domain', "CREATE TABLE t (id int, k int NOT NULL, a text);", "CREATE DOMAIN d AS int NOT NULL; CREATE TABLE t (id int, k d, a text);", $rows, 'INSERT INTO t (id) VALUES (20)', $new ],
	[ 'NOT NULL of a domain becomes that of a column', "CREATE DOMAIN d AS int NOT NULL; CREATE TABLE t (id int, k d, a text);", "CREATE TABLE t (id int, k int NOT NULL, a text);", $rows, 'INSERT INTO t (id) VALUES (20)', $new ],
	[ 'NOT NULL of a domain that stays', "CREATE DOMAIN d AS int; CREATE TABLE t (id int, k d NOT NULL, a text);", "CREATE DOMAIN d AS int NOT NULL; CREATE TABLE t (id int, k d, a text);", $rows, 'INSERT INTO t (id) VALUES (20)', $new ],
	[ 'exclusion constraint', "$t, CONSTRAINT e EXCLUDE USING btree (id WITH =));", "$t, CONSTRAINT e EXCLUDE USING btree (id WITH =) WHERE (k > 0));", $rows, $duplicate, $new ],
	[ 'check of a domain', 'CREATE DOMAIN d AS int CONSTRAINT c CHECK (VALUE > 0); CREATE TABLE t (id int NOT NULL, k d, a text);',
		'CREATE DOMAIN d AS int CONSTRAINT c CHECK (VALUE > -1 AND VALUE <> 0); CREATE TABLE t (id int NOT NULL, k d, a text);', $rows, 'INSERT INTO t VALUES (1, -2)', $new ],
	[ 'check becomes that of a domain', "CREATE TABLE t (id int NOT NULL, k int CHECK (k > 0), a text);", 'CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE TABLE t (id int NOT NULL, k d, a text);', $rows, 'INSERT INTO t VALUES (1, 0)', $new ],
	[ 'check of a domain becomes that of a table', 'CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE TABLE t (id int NOT NULL, k d, a text);', "CREATE TABLE t (id int NOT NULL, k int CHECK (k > 0), a text);", $rows, 'INSERT INTO t VALUES (1, 0)', $new ],
	[ 'row security enabled', "$t);", "$t); $rls CREATE POLICY p ON t USING (id > 3);", $rows, 'SELECT count(*) FROM t WHERE id > 3', $new ],
	[ 'row security disabled', "$t); $rls CREATE POLICY p ON t USING (id > 3); CREATE POLICY q ON t AS RESTRICTIVE USING (k > 3);", "$t);", $rows, 'SELECT count(*) FROM t WHERE id > 3', $new ],
	[ 'policy split in two', "$t); $rls CREATE POLICY p ON t USING (id > 3);", "$t); $rls CREATE POLICY r ON t FOR SELECT USING (id > 3); CREATE POLICY w ON t FOR INSERT WITH CHECK (id > 3);",
		$rows, 'SELECT count(*) FROM t', $new, 'INSERT INTO t VALUES (1)' ],
	[ 'policy for another command', "$t); $rls CREATE POLICY p ON t USING (id > 3);", "$t); $rls CREATE POLICY p ON t FOR SELECT USING (id > 3); CREATE POLICY w ON t FOR INSERT WITH CHECK (id > 3);",
		$rows, 'SELECT count(*) FROM t', $new, 'INSERT INTO t VALUES (1)' ],
	[ 'restrictive policy with another name', "$t); $rls CREATE POLICY o ON t USING (true); CREATE POLICY p ON t AS RESTRICTIVE USING (id > 3);",
		"$t); $rls CREATE POLICY o ON t USING (true); CREATE POLICY q ON t AS RESTRICTIVE USING (id > 3);", $rows, 'SELECT count(*) FROM t', $new, 'INSERT INTO t VALUES (1)' ],
	[ 'policy that calls a replaced function', "$t); CREATE FUNCTION see(int) RETURNS bool LANGUAGE sql AS 'SELECT \$1 > 3'; $rls CREATE POLICY p ON t USING (see(id));",
		"$t); CREATE FUNCTION see(bigint) RETURNS bool LANGUAGE sql AS 'SELECT \$1 > 3'; $rls CREATE POLICY p ON t USING (see(id));", $rows, 'SELECT count(*) FROM t', $new, 'SELECT see(4)' ],
	[ 'serial becomes an identity column', 'CREATE TABLE t (id serial PRIMARY KEY, k int, a text);', 'CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, k int, a text);',
		'INSERT INTO t (k) VALUES (1);', 'INSERT INTO t (k) VALUES (1)', $new ],
	[ 'identity column becomes serial', 'CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, k int, a text);', 'CREATE TABLE t (id serial PRIMARY KEY, k int, a text);',
		'INSERT INTO t (k) VALUES (1);', 'INSERT INTO t (k) VALUES (1)' ],
	[ 'default from another sequence', "CREATE SEQUENCE s; CREATE SEQUENCE r; CREATE TABLE t (id int NOT NULL DEFAULT nextval('s'), k int);", "CREATE SEQUENCE r START 50; CREATE TABLE t (id int NOT NULL DEFAULT nextval('r'), k int);",
		'INSERT INTO t (k) VALUES (1);', 'INSERT INTO t (k) VALUES (1)' ],
	[ 'type of a column with a default and a key', "CREATE TABLE t (id int NOT NULL DEFAULT 7 UNIQUE, k int, a varchar(20) DEFAULT 'x' UNIQUE);", "CREATE TABLE t (id bigint NOT NULL DEFAULT 7 UNIQUE, k int, a text DEFAULT 'x' UNIQUE);",
		$rows, $duplicate, $new, 'INSERT INTO t (k) VALUES (1) RETURNING id' ],
	[ 'type of a key and of the foreign key to it', "CREATE TABLE p (id int PRIMARY KEY); $t, FOREIGN KEY (k) REFERENCES p);", "CREATE TABLE p (id bigint PRIMARY KEY); CREATE TABLE t (id int NOT NULL, k bigint REFERENCES p, a text);",
		"INSERT INTO p SELECT generate_series(1, 20); $rows", 'INSERT INTO t VALUES (30, 30)', $new, 'DELETE FROM p WHERE id = 1', 'INSERT INTO p VALUES (1)' ],
	[ 'grants of a table become grants of columns', "$t); GRANT SELECT, INSERT ON t TO regress_app;", "$t); GRANT SELECT (id, k), INSERT ON t TO regress_app;", $rows, 'SELECT sum(id) FROM t', $new, '-' ],
	[ 'grants of columns become grants of a table', "$t); GRANT SELECT (id, k), INSERT ON t TO regress_app;", "$t); GRANT SELECT, INSERT ON t TO regress_app;", $rows, 'SELECT sum(id) FROM t', $new, '-' ],
	[ 'grants to PUBLIC become grants to a role', "$t); GRANT SELECT, INSERT ON t TO PUBLIC;", "$t); GRANT SELECT, INSERT ON t TO regress_app;", $rows, 'SELECT sum(id) FROM t', $new, '-' ],
	[ 'publication of all tables', "$t, PRIMARY KEY (id)); CREATE PUBLICATION regress_pub FOR TABLE t;", "$t, PRIMARY KEY (id)); CREATE PUBLICATION regress_pub FOR ALL TABLES;", $rows,
		"SELECT 1 / count(*) FROM pg_publication_tables WHERE pubname = 'regress_pub' AND tablename = 't'" ],
	[ 'replica identity of another index', "$t); CREATE UNIQUE INDEX u ON t (id); ALTER TABLE t REPLICA IDENTITY USING INDEX u; $publication",
		"CREATE TABLE t (id int NOT NULL, k int NOT NULL, a text); CREATE UNIQUE INDEX w ON t (id, k); ALTER TABLE t REPLICA IDENTITY USING INDEX w; $publication", $rows, @writes ],
	[ 'index of the replica identity with another column', "$t); CREATE UNIQUE INDEX u ON t (id); ALTER TABLE t REPLICA IDENTITY USING INDEX u; $publication",
		"CREATE TABLE t (id int NOT NULL, k int NOT NULL, a text); CREATE UNIQUE INDEX u ON t (id, k); ALTER TABLE t REPLICA IDENTITY USING INDEX u; $publication", $rows, @writes ],
	[ 'index of the replica identity is dropped', "$t, PRIMARY KEY (id)); CREATE UNIQUE INDEX u ON t (id); ALTER TABLE t REPLICA IDENTITY USING INDEX u; $publication", "$t, PRIMARY KEY (id)); $publication", $rows, @writes ],
	[ 'replica identity of all columns becomes a key', "$t); ALTER TABLE t REPLICA IDENTITY FULL; $publication", "$t, UNIQUE (id)); ALTER TABLE t REPLICA IDENTITY USING INDEX t_id_key; $publication", $rows, @writes ],
	[ 'function with one more argument', "$t); CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x';", "$t); CREATE FUNCTION f(x int, y int DEFAULT 0) RETURNS int LANGUAGE sql AS 'SELECT x + y';", $rows, 'SELECT f(1)' ],
	[ 'function that returns another type', "$t); CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x';", "$t); CREATE FUNCTION f(x int) RETURNS bigint LANGUAGE sql AS 'SELECT x::bigint';", $rows, 'SELECT f(1)' ],
	[ 'function with another argument type', "$t); CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x';", "$t); CREATE FUNCTION f(x bigint) RETURNS int LANGUAGE sql AS 'SELECT x::int';", $rows, 'SELECT f(1)' ],
	[ 'procedure with one more argument', "$t); CREATE PROCEDURE f(x int) LANGUAGE sql AS 'SELECT x';", "$t); CREATE PROCEDURE f(x int, y text DEFAULT 'y', z int DEFAULT 1) LANGUAGE sql AS 'SELECT x';", $rows, 'CALL f(1)' ],
	[ 'view of a column whose type changes', "$t); CREATE VIEW v AS SELECT id, a FROM t;", 'CREATE TABLE t (id bigint NOT NULL, k int, a text); CREATE VIEW v AS SELECT id, a FROM t;', $rows, 'SELECT count(*) FROM v' ],
	[ 'view becomes materialized', "$t); CREATE VIEW v AS SELECT id, a FROM t;", "$t); CREATE MATERIALIZED VIEW v AS SELECT id, a FROM t;", $rows, 'SELECT count(*) FROM v' ],
	[ 'trigger with another event', "$t); $touch CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();", "$t); $touch CREATE TRIGGER g BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();",
		$rows, "$new RETURNING a" ],
	[ 'trigger with another name', "$t); $touch CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();", "$t); $touch CREATE TRIGGER h BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();",
		$rows, "$new RETURNING a" ],
	[ 'enum that loses a value', "CREATE TYPE e AS ENUM ('x', 'y', 'z'); CREATE TABLE t (id int NOT NULL UNIQUE, k e DEFAULT 'x');", "CREATE TYPE e AS ENUM ('x', 'z'); CREATE TABLE t (id int NOT NULL UNIQUE, k e DEFAULT 'x');",
		'INSERT INTO t VALUES (1);', 'INSERT INTO t VALUES (2) RETURNING k', 'INSERT INTO t VALUES (1)' ],
	[ 'generated column', 'CREATE TABLE t (id int NOT NULL, k int, a text, g int GENERATED ALWAYS AS (id + 1) STORED UNIQUE);', 'CREATE TABLE t (id int NOT NULL, k int, a text, g int GENERATED ALWAYS AS (id + 2) STORED UNIQUE);',
		'INSERT INTO t VALUES (1);', 'INSERT INTO t VALUES (1)', 'SELECT count(g) FROM t' ],
	[ 'key of a partitioned table', 'CREATE TABLE t (id int NOT NULL, k int NOT NULL, a text, UNIQUE (id)) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100);',
		'CREATE TABLE t (id int NOT NULL, k int NOT NULL, a text, UNIQUE (id) INCLUDE (a)) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100);', $rows, $duplicate, $new ],
	[ 'partition that is split', (map { "CREATE TABLE t (id int NOT NULL, k int, a text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO $_" } '(100);', '(10); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (100);'),
		$rows, $new, 'INSERT INTO t VALUES (5)', 'SELECT count(*) FROM t' ],
	[ 'partitions that are merged', (map { "CREATE TABLE t (id int NOT NULL, k int, a text, UNIQUE (id)) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO $_" } '(10); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (100);', '(100);'),
		$rows, $new, $duplicate, 'INSERT INTO t VALUES (5)', 'SELECT count(*) FROM t' ],
	[ 'partition that takes the place of another one', (map { "CREATE TABLE t (id int NOT NULL, k int, a text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10); CREATE TABLE $_ PARTITION OF t DEFAULT;" } 'x1', 'x2'),
		$rows, $new, 'INSERT INTO t VALUES (5)', 'SELECT count(*) FROM t' ],
	[ 'partition of another table, with another key', (map { 'CREATE TABLE p (id int NOT NULL, k int, a text, PRIMARY KEY (id)) PARTITION BY RANGE (id); CREATE TABLE q (id int NOT NULL, k int, a text, UNIQUE (id)) PARTITION BY RANGE (id);'
			  . " CREATE TABLE t PARTITION OF $_ FOR VALUES FROM (0) TO (100);" } qw(p q)), $rows, $duplicate, $new ],
	[ 'parent and child', "CREATE TABLE b (id int NOT NULL, k int, a text, CONSTRAINT c CHECK (id > 0)); CREATE TABLE t () INHERITS (b);", "CREATE TABLE b (id int NOT NULL, k int, a text, CONSTRAINT c CHECK (id > 0 AND k > 0)); CREATE TABLE t () INHERITS (b);",
		$rows, 'INSERT INTO t VALUES (0, 1)', 'INSERT INTO b VALUES (0, 1)', $new, 'SELECT count(*) FROM b' ],
);

# What every scenario also changes, so that its revisions are stepwise
my @filler = (
	'CREATE TABLE filler (x int, y int); CREATE INDEX filler_x ON filler (x);',
	'CREATE TABLE filler (x int, y int CHECK (y > 0)); CREATE INDEX filler_y ON filler (y);');

my $node = new_node('commits');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig; CREATE ROLE regress_app');

# Returns the statements of a script.
sub statements
{
	my ($text) = @_;
	my @statements;

	$text =~ s/^\s*--[^\n]*\n//mg;
	while ($text =~ /\G\s*((?:'(?:[^']|'')*'|"[^"]*"|(\$\w*\$).*?\2|[^;])+)(?:;|\z)/gs)
	{
		my $statement = $1;

		push @statements, $statement if $statement =~ /\S/ && $statement !~ /^DO \$\$BEGIN \/\*/;
	}
	return @statements;
}

# Runs statements, each of which is committed, and returns the gaps.
sub gaps
{
	my ($probes, @statements) = @_;
	my $script = $LOOK . join('', map { 'INSERT INTO probe VALUES (' . quoted($_) . ");\n" } @$probes) . "SELECT pg_temp.look(0);\n";
	my $state = 0;

	foreach my $statement (@statements)
	{
		$script .= "$statement;\nSELECT pg_temp.look(" . ++$state . ");\n";
	}
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', "\\o /dev/null\n$script\\o\n$GAPS", stdout => \$out, stderr => \$err);

	return $status == 0 && $err eq '' ? $out : "status $status: $err";
}

foreach my $scenario (@scenarios)
{
	my ($name, $old, $new_schema, $data, @probes) = @$scenario;
	my $own = @probes && $probes[-1] eq '-' ? pop @probes : undef;
	my $start = 'CREATE SCHEMA shop; SET search_path = shop;';
	my $end = 'GRANT USAGE ON SCHEMA shop TO regress_app; ' . ($own ? '' : $app);
	my $target = "$start $new_schema $filler[1] $end";

	foreach my $stages (0, 1)
	{
		my $mode = $stages ? 'stages' : 'concurrently';
		my (@up, @down);

		query($node, 'postgres', "DROP SCHEMA IF EXISTS shop CASCADE; DROP PUBLICATION IF EXISTS regress_pub; $start $old $filler[0] $end $data");
		if ($stages)
		{
			my $content = query($node, 'postgres', 'SELECT content FROM cmig.autogenerate(\'x\', ' . quoted($target) . ', stages => true)');

			foreach my $file (split /^-- revision: /m, $content)
			{
				my ($up, $down) = $file =~ /^-- cmig:upgrade\n(.*)^-- cmig:downgrade\n(.*)/ms or next;
				my $whole = $file =~ /^-- transactional: true/m;

				push @up, $whole ? "BEGIN; $up; COMMIT" : statements($up);
				unshift @down, $whole ? "BEGIN; $down; COMMIT" : statements($down);
			}
			fail("$name, $mode: no unsupported change") if $content =~ /unsupported/;
		}
		else
		{
			my $both = query($node, 'postgres', "SELECT string_agg(upgrade_sql, E';\\n' ORDER BY step) || E'\\n-- cmig:downgrade\\n' || string_agg(downgrade_sql, E';\\n' ORDER BY step DESC)"
				  . ' FROM cmig.diff(' . quoted($target) . ', concurrently => true)');
			my ($up, $down) = split /^-- cmig:downgrade\n/m, $both;

			@up = statements($up);
			@down = statements($down);
		}
		foreach my $way ([ 'upgrade', \@up ], [ 'downgrade', \@down ])
		{
			my $found = gaps(\@probes, @{ $way->[1] });

			is($found, '', "$name, $mode, $way->[0]") or diag(join(";\n", @{ $way->[1] }));
			last if $found =~ /^status/;
		}
		if (!$stages)
		{
			my $left = query($node, 'postgres', 'SELECT upgrade_sql FROM cmig.diff(' . quoted("$start $old $filler[0] $end") . ', prove => false)');

			is($left, '', "$name, $mode: the old schema again");
		}
	}
}

$node->stop;
done_testing();
