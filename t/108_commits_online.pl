# Copyright (c) 2026, the pg_cmig developers

# The recipes of stepwise revisions, and cmig.expand, contract, and abandon, commit by
# themselves.  An event trigger looks after each of their statements, so that the last
# look of a transaction is what it leaves: what is there before and after is there at
# each commit, and what an application could do before, and can do after, it can do.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CommitGaps;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $t = 'CREATE TABLE t (id int NOT NULL, k int, a text, PRIMARY KEY (id), CONSTRAINT c CHECK (k > 0));';
my $rows = 'INSERT INTO t SELECT i, i, i FROM generate_series(1, 9) i;';
my $app = 'GRANT USAGE ON SCHEMA shop TO regress_app; GRANT ALL ON ALL TABLES IN SCHEMA shop TO regress_app; GRANT ALL ON ALL SEQUENCES IN SCHEMA shop TO regress_app;';
my $new = "INSERT INTO t (id, k, a) VALUES (20, 20, '20')";
my @refused = ("INSERT INTO t (id, k, a) VALUES (1, 1, '1')", 'INSERT INTO t (id, k) VALUES (30, -1)');
my @probes = ($new, @refused, 'SELECT sum(k) FROM t', "UPDATE t SET a = 'x' WHERE id = 3 RETURNING id", 'DELETE FROM t WHERE id = 4 RETURNING id');

# name, schema, calls, what the application does
my @recipes = (
	[ 'add_not_null', "$t $rows", "CALL cmig.add_not_null('shop.t', 'k')", @probes ],
	[ 'add_check', "$t $rows", "CALL cmig.add_check('shop.t', 'd', 'id < 100')", @probes ],
	[ 'add_unique', "$t $rows", "CALL cmig.add_unique('shop.t', 'a')", @probes, "$refused[0] ON CONFLICT (id) DO NOTHING" ],
	[ 'add_foreign_key', "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p SELECT generate_series(1, 20); $t $rows", "CALL cmig.add_foreign_key('shop.t', 'k', 'shop.p')", @probes ],
	[ 'backfill', "$t ALTER TABLE t ADD b int; $rows", "CALL cmig.backfill('shop.t', 'b = id', 'b IS NULL')", @probes ],
	[ 'add_unique, of a table with row security', "$t ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id <> 5); $rows", "CALL cmig.add_unique('shop.t', 'a')", @probes ],
);

# name, schema, revision, what the application does
my @expansions = (
	[ 'type of a key', "$t $rows", 'ALTER TABLE shop.t ALTER id TYPE bigint', @probes ],
	[ 'type of a referenced key', "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p SELECT generate_series(1, 20); $t ALTER TABLE t ADD FOREIGN KEY (k) REFERENCES p; $rows",
		'ALTER TABLE shop.p ALTER id TYPE bigint; ALTER TABLE shop.t ALTER k TYPE bigint', @probes, 'INSERT INTO t (id, k) VALUES (40, 40)', 'DELETE FROM p WHERE id = 1' ],
	[ 'a new column with a check', "$t $rows", "ALTER TABLE shop.t ADD b text NOT NULL DEFAULT 'b' CHECK (b <> '')", @probes ],
	[ 'NOT NULL', "$t $rows", "ALTER TABLE shop.t ALTER k SET NOT NULL;\n-- cmig:up t.k = coalesce(k, 1)", @probes ],
	[ 'another check', "$t $rows", 'ALTER TABLE shop.t DROP CONSTRAINT c; ALTER TABLE shop.t ALTER k TYPE bigint; ALTER TABLE shop.t ADD CONSTRAINT c CHECK (k > 0 AND k < 100)', @probes ],
	[ 'another unique key', "$t ALTER TABLE t ADD UNIQUE (k); $rows", 'ALTER TABLE shop.t DROP CONSTRAINT t_k_key; ALTER TABLE shop.t ALTER k TYPE bigint; ALTER TABLE shop.t ADD CONSTRAINT t_k_key UNIQUE (k, id)', @probes ],
	[ 'a policy', "$t ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id <> 5); $rows", 'ALTER TABLE shop.t ALTER a TYPE varchar; ALTER POLICY p ON shop.t USING (id <> 6)', $new, @refused ],
	[ 'an index', "$t CREATE INDEX t_a ON t (a); $rows", 'ALTER TABLE shop.t ALTER a TYPE varchar(40)', @probes ],
	[ 'a trigger', "$t CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a = ''touched''; RETURN NEW; END'; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch(); $rows",
		'ALTER TABLE shop.t ALTER k TYPE bigint', @probes, "$new RETURNING a" ],
);

my $node = new_node('commits_online');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig; CREATE ROLE regress_app');

# Runs the calls, and returns the gaps.
sub gaps
{
	my ($schema, $calls, @tried) = @_;
	my $script = "CREATE SCHEMA shop; SET search_path = shop; $schema $app\n$LOOK"
	  . join('', map { 'INSERT INTO probe VALUES (' . quoted($_) . ");\n" } @tried) . "SELECT pg_temp.look(0);\n"
	  . "CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql SET row_security = on SET search_path = shop, pg_temp AS \$\$ BEGIN PERFORM pg_temp.look(txid_current()::int); END \$\$;\n"
	  . "CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'CREATE INDEX', 'DROP INDEX', 'CREATE TRIGGER', 'DROP TRIGGER', 'CREATE VIEW', 'DROP VIEW', 'DROP TABLE', 'ALTER INDEX', 'CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'GRANT', 'REVOKE') EXECUTE FUNCTION public.watch();\n"
	  . "$calls;\nDROP EVENT TRIGGER watch;\nDROP FUNCTION public.watch();\nSELECT pg_temp.look(2147483647);\n";
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', "\\o /dev/null\n$script\\o\nSELECT count(DISTINCT state) > 2 FROM seen;\n$GAPS", stdout => \$out, stderr => \$err);

	$node->safe_psql('postgres', 'DROP EVENT TRIGGER IF EXISTS watch; DROP FUNCTION IF EXISTS public.watch(); DROP SCHEMA IF EXISTS shop CASCADE');
	return $status == 0 && $err eq '' ? $out : "status $status: $err";
}

foreach my $recipe (@recipes)
{
	my ($name, $schema, $call, @tried) = @$recipe;
	my $found = gaps($schema, $call, @tried);

	# a backfill runs no DDL
	is($found, $name eq 'backfill' ? 'f' : 't', $name);
}
foreach my $expansion (@expansions)
{
	my ($name, $schema, $change, @tried) = @$expansion;

	foreach my $end (qw(contract abandon))
	{
		query($node, 'postgres', 'TRUNCATE cmig.revision, cmig.version CASCADE');
		my $calls = 'SELECT cmig.create_revision(' . quoted($name) . ', ' . quoted($change) . ", revision => 'r1', expand => true);\nCALL cmig.expand();\nCALL cmig.$end()";

		is(gaps($schema, $calls, @tried), 't', "$name, expand and $end");
	}
}

$node->stop;
done_testing();
