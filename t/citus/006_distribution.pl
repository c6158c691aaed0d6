# Copyright (c) 2026, the pg_cmig developers

# The distribution of tables as a property of the schema: schema_sql, diff, autogenerate,
# drift, baseline, and round_trip.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/..";
use CmigCluster;
use CmigNode;
use Test::More;

my ($coordinator, @workers) = new_cluster();

sub sql { return query($coordinator, 'postgres', @_) }

my $schemas = "'{app,tenant_a}'";

# Returns the rows of cmig.diff that are about the distribution.
sub distribution
{
	my ($target) = @_;

	return sql("SELECT action, object, upgrade_sql FROM cmig.diff(\$t\$$target\$t\$, $schemas) WHERE kind = 'distribution'");
}

# Checks that the target differs, that the statements of cmig.diff make the database like
# it, and that the reverting statements restore what was there before.
sub changes
{
	my ($target, $expected, $test) = @_;
	my $before = sql("SELECT cmig.schema_sql($schemas)");
	my $tables = tables();

	is(distribution($target), $expected, "$test: diff");
	sql("CREATE TABLE IF NOT EXISTS rows (n int, up text, down text); TRUNCATE rows");
	sql("INSERT INTO rows SELECT row_number() OVER (), upgrade_sql, downgrade_sql FROM cmig.diff(\$t\$$target\$t\$, $schemas)");
	sql($_) foreach split /\x00/, sql("SELECT string_agg(up, ';' ORDER BY n) FROM rows");
	is(sql("SELECT action, object, upgrade_sql FROM cmig.diff(\$t\$$target\$t\$, $schemas)"), '', "$test: its statements remove the difference");
	sql($_) foreach split /\x00/, sql("SELECT string_agg(down, ';' ORDER BY n DESC) FROM rows");
	is(sql("SELECT action, object, upgrade_sql FROM cmig.diff(\$t\$$before\$t\$, $schemas)"), '', "$test: and those of the downgrade restore it");
	is(tables(), $tables, "$test: with all rows");
}

# the tables that Citus manages, and their rows
sub tables
{
	return sql("SELECT string_agg(table_name || ' ' || citus_table_type || ' ' || distribution_column || ' ' || shard_count, ', ' ORDER BY table_name::text) FROM citus_tables")
	  . "\n" . join ',', map { sql("SELECT count(*) FROM $_") } qw(app.country app.item app.part app.managed app.plain tenant_a.thing);
}

make_tables($coordinator);
sql(<<'SQL');
CREATE TABLE app.part (tenant int, id int, item int, PRIMARY KEY (tenant, id));
SELECT create_distributed_table('app.part', 'tenant');
ALTER TABLE app.part ADD FOREIGN KEY (tenant, item) REFERENCES app.item;
ALTER TABLE app.part ADD FOREIGN KEY (item) REFERENCES app.country;
CREATE TABLE app.single (id int PRIMARY KEY);
SELECT create_distributed_table('app.single', NULL);
CREATE TABLE app.other ("Key ""x""" text, id int);
SELECT create_distributed_table('app.other', 'Key "x"', colocate_with => 'none', shard_count => 4);
CREATE TABLE app.measure (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE app.measure_1 PARTITION OF app.measure FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT create_distributed_table('app.measure', 'id');
CREATE TABLE app.linked (id int REFERENCES app.country);
INSERT INTO app.part SELECT tenant, id, id FROM app.item WHERE id <= 500;
SQL

# schema_sql writes the distribution, and diff finds no difference

my $target = sql("SELECT cmig.schema_sql($schemas)");
is(join("\n", $target =~ /^SELECT pg_catalog\.(.*);$/mg), <<'SQL' =~ s/\n$//r, 'schema_sql writes the distribution');
create_reference_table('app.country')
create_distributed_table('app.item', 'tenant', colocate_with => 'none', shard_count => 8)
citus_add_local_table_to_metadata('app.managed')
create_distributed_table('app.measure', 'id', colocate_with => 'app.item')
create_distributed_table('app.other', 'Key "x"', colocate_with => 'none', shard_count => 4)
create_distributed_table('app.part', 'tenant', colocate_with => 'app.item')
create_distributed_table('app.single', NULL, colocate_with => 'none')
citus_schema_distribute('tenant_a')
SQL
is(sql("SELECT action, object, upgrade_sql FROM cmig.diff(cmig.schema_sql($schemas), $schemas)"), '', 'diff with the output of schema_sql');

# the output can be run
add_database('copy', $coordinator, @workers);
$coordinator->safe_psql('copy', $target);
my $kinds = "SELECT table_name, citus_table_type, distribution_column, shard_count FROM citus_tables WHERE citus_table_type <> 'local' ORDER BY table_name::text";
is(query($coordinator, 'copy', $kinds), sql($kinds), 'the output of schema_sql distributes the tables of another database');
is(query($coordinator, 'copy', "SELECT cmig.schema_sql($schemas)"), $target, 'whose schema_sql is the same');

# a target that says nothing about the distribution leaves it as it is
(my $plain = $target) =~ s/^SELECT .*;$//mg;
is(distribution($plain), '', 'a target without calls says nothing about the distribution');
is(sql("SELECT upgrade_sql FROM cmig.diff(\$t\$$plain; ALTER TABLE app.item ADD extra int\$t\$, $schemas)"), 'ALTER TABLE app.item ADD COLUMN extra integer', 'other changes are found');

# short calls: what they leave to Citus is not compared
(my $short = $target) =~ s/, colocate_with => '(?:none|app\.item)'(?:, shard_count => 8)?\)/)/g;
is(distribution($short), '', 'calls with default values');
is(sql("SET citus.shard_count = 32; SELECT count(*) FROM cmig.diff(\$t\$$short\$t\$, $schemas)"), '0', 'also if citus.shard_count has changed since');
(my $block = $target) =~ s/^SELECT (pg_catalog\.create_reference_table\('app\.country'\));$/DO \$d\$ BEGIN PERFORM $1; END \$d\$;/m;
is(distribution($block), '', 'a call in a DO block');
is($_->safe_psql('postgres', "SET citus.override_table_visibility = off; SELECT count(*) FROM pg_class WHERE relname LIKE 'country\\_%' AND relkind = 'r'"), '1', 'no shard is created on ' . $_->name) foreach @workers;

# changes

(my $changed = $target) =~ s/^SELECT pg_catalog.create_reference_table.*\n//m;
$changed =~ s/^ALTER TABLE .* REFERENCES app.country.*\n//mg;
changes($changed, "drop|app.country|SELECT pg_catalog.undistribute_table('app.country')", 'a reference table becomes local');

($changed = $target) =~ s/^(SELECT pg_catalog.citus_add_local_table)/SELECT create_reference_table('app.plain');\n$1/m;
changes($changed, "create|app.plain|SELECT pg_catalog.create_reference_table('app.plain')", 'a local table becomes a reference table');

($changed = $target) =~ s/^SELECT pg_catalog.citus_add_local_table_to_metadata\('app.managed'\)/SELECT create_distributed_table('app.managed', 'id')/m;
changes($changed, "drop|app.managed|SELECT pg_catalog.undistribute_table('app.managed')\ncreate|app.managed|SELECT pg_catalog.create_distributed_table('app.managed', 'id', colocate_with => 'app.item')",
	'a managed table is distributed');

($changed = $target) =~ s/shard_count => 8/shard_count => 16/;
changes($changed, "alter|app.item|SELECT pg_catalog.alter_distributed_table('app.item', shard_count => 16, cascade_to_colocated => true)", 'another number of shards');
changes("$target\nSELECT alter_distributed_table('app.item', shard_count => 16, cascade_to_colocated => true);",
	"alter|app.item|SELECT pg_catalog.alter_distributed_table('app.item', shard_count => 16, cascade_to_colocated => true)", 'that a call in the target sets for all tables of the group');

($changed = $target) =~ s/'app.other', 'Key "x"', colocate_with => 'none', shard_count => 4/'app.other', 'id', colocate_with => 'app.item'/;
changes($changed, "alter|app.other|SELECT pg_catalog.alter_distributed_table('app.other', distribution_column => 'id', colocate_with => 'app.item')", 'another column');

($changed = $target) =~ s/'app.measure', 'id', colocate_with => 'app.item'/'app.measure', 'id', colocate_with => 'none', shard_count => 8/;
changes($changed, "alter|app.measure|SELECT pg_catalog.alter_distributed_table('app.measure', colocate_with => 'none')", 'a table leaves its group');

($changed = $target) =~ s/'Key "x"'/'id'/;
$changed =~ s/^\t"Key ""x""" text,\n//m;
is(distribution($changed), "drop|app.other|SELECT pg_catalog.undistribute_table('app.other')\ncreate|app.other|SELECT pg_catalog.create_distributed_table('app.other', 'id', colocate_with => 'none', shard_count => 4)",
	'the distribution column is dropped');

($changed = $target) =~ s/^(\tid )integer(\n\);\nCREATE TABLE app\.measure )/$1bigint$2/m;
($changed = $target) =~ s/^\t"Key ""x""" text/\t"Key ""x""" varchar(20)/m;
changes($changed, "drop|app.other|SELECT pg_catalog.undistribute_table('app.other')\ncreate|app.other|SELECT pg_catalog.create_distributed_table('app.other', 'Key \"x\"', colocate_with => 'none', shard_count => 4)",
	'the type of the distribution column changes');

($changed = $target) =~ s/^SELECT pg_catalog.citus_schema_distribute.*\n//m;
changes($changed, "drop|tenant_a|SELECT pg_catalog.citus_schema_undistribute('tenant_a')", 'a distributed schema becomes an ordinary one');

is(sql("SELECT upgrade_sql || ' -- ' || hazard FROM cmig.diff(\$t\$$target; SELECT create_reference_table('app.plain')\$t\$, $schemas)") =~ s/plain \(.*\)/plain (size)/r,
	"SELECT pg_catalog.create_reference_table('app.plain') -- moves all rows, blocks writes: app.plain (size)", 'the hazard of distributing a table with rows');
fails_with($coordinator, 'postgres', "SELECT * FROM cmig.diff('CREATE SCHEMA app; CREATE TABLE app.t (id int); SELECT create_distributed_table(''app.t'', ''no'')', '{app}')", '42703', 'column "no" of relation "t" does not exist', 'a column that does not exist');
fails_with($coordinator, 'postgres', "SELECT * FROM cmig.diff('CREATE SCHEMA app; CREATE TABLE app.t (id int); SELECT create_distributed_table(''app.t'', ''id'', colocate_with => ''app.no'')', '{app}')", '42P01', 'relation "app.no" does not exist', 'a table that does not exist');

# revisions: autogenerate, drift, round_trip

my $file = sql("SELECT content FROM cmig.baseline('So far', '001', schemas => $schemas)");
sql(load_sql($file));
is(sql("SELECT count(*) FROM cmig.drift(schemas => $schemas, raise => false)"), '0', 'no drift after baseline');
$target .= "CREATE TABLE app.new (tenant int, id int, PRIMARY KEY (tenant, id), FOREIGN KEY (id) REFERENCES app.country);\nSELECT create_distributed_table('app.new', 'tenant');\nSELECT create_reference_table('app.plain');\n";
$file = sql("SELECT content FROM cmig.autogenerate('Distribute', \$t\$$target\$t\$, revision => '002', schemas => $schemas)");
note($file);
like($file, qr/^SELECT pg_catalog.create_reference_table\('app.plain'\);$/m, 'autogenerate writes the calls');
sql(load_sql($file));
my $tables = tables();
sql("SELECT cmig.upgrade('head')");
is(sql("SELECT table_name, citus_table_type FROM citus_tables WHERE table_name IN ('app.new'::regclass, 'app.plain'::regclass) ORDER BY 1"), "app.plain|reference\napp.new|distributed", 'the generated revision distributes the tables');
is(sql("SELECT count(*) FROM cmig.drift(schemas => $schemas, raise => false)"), '0', 'there is no drift afterward');
is(sql("SELECT count(*) FROM cmig.autogenerate('Again', \$t\$$target\$t\$, schemas => $schemas)"), '0', 'a second file would be empty');
is(sql("SELECT problem FROM cmig.round_trip('002')"), '', 'round_trip');
sql("SELECT cmig.downgrade('-1')");
is(tables(), $tables, 'the downgrade restores the tables');
is(sql("SELECT count(*) FROM cmig.drift(schemas => $schemas, raise => false)"), '0', 'without drift');
sql(load_sql(revision_file('003', '001', 'ALTER TABLE app.measure DETACH PARTITION app.measure_1;', "ALTER TABLE app.measure ATTACH PARTITION app.measure_1 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');")));
sql("SELECT cmig.upgrade('003')");
is(sql("SELECT count(*) FROM cmig.drift(schemas => $schemas, raise => false)"), '0', 'a partition that is detached stays distributed');
sql("SELECT cmig.downgrade('-1')");
sql("SELECT cmig.remove_revision('003')");
sql("SELECT undistribute_table('app.other')");
is(sql("SELECT action, kind, object, upgrade_sql FROM cmig.drift(schemas => $schemas, raise => false)"),
	"create|distribution|app.other|SELECT pg_catalog.create_distributed_table('app.other', 'Key \"x\"', colocate_with => 'none', shard_count => 4)", 'drift finds what was changed by hand');

# cmig.script: the file runs in a database without pg_cmig's tables

add_database('script', $coordinator, @workers);
$coordinator->safe_psql('script', sql("SELECT cmig.script('upgrade', 'base:head')"));
is(query($coordinator, 'script', 'SELECT version_num FROM cmig_version'), '002', 'the script of cmig.script runs');
is(query($coordinator, 'script', "SELECT table_name, citus_table_type FROM citus_tables WHERE citus_table_type <> 'local' ORDER BY table_name::text") =~ s/\n/,/gr,
	'app.country|reference,app.item|distributed,app.measure|distributed,app.measure_1|distributed,app.new|distributed,app.other|distributed,app.part|distributed,app.plain|reference,app.single|distributed,tenant_a.thing|schema',
	'and distributes the tables');

# an owner who is not a superuser; functions of other roles are not called

$coordinator->safe_psql('postgres', 'CREATE ROLE regress_owner LOGIN; CREATE SCHEMA own AUTHORIZATION regress_owner; CREATE ROLE regress_other LOGIN; CREATE SCHEMA other AUTHORIZATION regress_other; GRANT USAGE ON SCHEMA other TO PUBLIC');
$coordinator->safe_psql('postgres', "SELECT cmig.grant_access('regress_owner', 'reader')");
$coordinator->safe_psql('postgres', "CREATE FUNCTION other.create_distributed_table(text, text) RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN RAISE 'hijacked'; END \$\$", extra_params => [ '-U', 'regress_other' ]);
query($coordinator, 'postgres', "SET search_path = other, pg_catalog; CREATE TABLE own.t (id int PRIMARY KEY); SELECT pg_catalog.create_distributed_table('own.t', 'id', colocate_with => 'none')", 'regress_owner');
is(query($coordinator, 'postgres', "SET search_path = other, pg_catalog; SELECT count(*) FROM cmig.diff(cmig.schema_sql('{own}'), '{own}')", 'regress_owner'), '0', 'the owner of a schema who is not a superuser');
is(query($coordinator, 'postgres', "SET search_path = other, pg_catalog; SELECT upgrade_sql FROM cmig.diff('CREATE SCHEMA own; CREATE TABLE own.t (id int PRIMARY KEY); SELECT pg_catalog.create_reference_table(''own.t'')', '{own}')", 'regress_owner'),
	"SELECT pg_catalog.undistribute_table('own.t')\nSELECT pg_catalog.create_reference_table('own.t')", 'gets qualified calls');

# functions in pg_catalog with the names of those of Citus: a superuser's own one is called,
# and one of another version of Citus is not

$coordinator->safe_psql('postgres', <<'SQL');
SET citus.enable_ddl_propagation = off;
CREATE FUNCTION pg_catalog.create_distributed_table(int) RETURNS text LANGUAGE sql AS $$ SELECT 'called'::text $$;
CREATE FUNCTION pg_catalog.create_reference_table(int, text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$;
CREATE FUNCTION pg_catalog.undistribute_table(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$;
ALTER EXTENSION citus ADD FUNCTION pg_catalog.create_reference_table(int, text);
ALTER EXTENSION citus ADD FUNCTION pg_catalog.undistribute_table(text);
SQL
is(sql("SELECT upgrade_sql FROM cmig.diff(\$t\$CREATE SCHEMA own; CREATE TABLE own.t (id int PRIMARY KEY); SELECT create_distributed_table('own.t', 'id', colocate_with => 'none'); DO 'BEGIN EXECUTE ''COMMENT ON TABLE own.t IS '' || quote_literal(create_distributed_table(1)); END'\$t\$, '{own}')"),
	"COMMENT ON TABLE own.t IS 'called'", "a superuser's function is called");
fails_with($coordinator, 'postgres', "SELECT * FROM cmig.diff(\$t\$CREATE SCHEMA own; SELECT create_reference_table(1, '')\$t\$, '{own}')", '0A000', 'function create_reference_table\(integer,text\) is not supported in a target or replay', 'unknown arguments are refused');
fails_with($coordinator, 'postgres', "SELECT * FROM cmig.diff(\$t\$CREATE SCHEMA own; SELECT undistribute_table(text 'own.t')\$t\$, '{own}')", '0A000', 'function undistribute_table\(text\) is not supported in a target or replay', 'so are unknown types');

# round_trip: a rolled back downgrade does not make its table unknown to later revisions
add_database('trip', $coordinator, @workers);
query($coordinator, 'trip', load_sql(revision_file('1', '', "CREATE TABLE a (id int PRIMARY KEY); SELECT create_distributed_table('a', 'id', shard_count => 4, colocate_with => 'none');", 'DROP TABLE a;')));
query($coordinator, 'trip', load_sql(revision_file('2', '1', "CREATE TABLE b (id int PRIMARY KEY); SELECT create_distributed_table('b', 'id', colocate_with => 'a');", 'DROP TABLE b;')));
is(query($coordinator, 'trip', 'SELECT * FROM cmig.round_trip()'), '', 'round_trip replays colocate_with');

stop_cluster($coordinator, @workers);
done_testing();
