# Copyright (c) 2026, the pg_cmig developers

# Files that are generated on a cluster: baseline, autogenerate, capture, squash.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/..";
use CmigCluster;
use CmigNode;
use Test::More;

my ($coordinator, @workers) = new_cluster();

sub sql { return query($coordinator, 'postgres', @_) }

# store the content of a generated file, whose query is given
sub load_generated
{
	my ($call) = @_;
	my $file = sql("SELECT content FROM $call");

	sql(load_sql($file));
	return $file;
}

# the tables that Citus manages, their kinds, rows, and columns on the shards
sub state_of_tables
{
	my @state = sql("SELECT string_agg(table_name || ' ' || citus_table_type || ' ' || distribution_column || ' ' || shard_count, ', ' ORDER BY table_name::text) FROM citus_tables");

	foreach my $table (qw(app.country app.item app.managed app.plain tenant_a.thing))
	{
		push @state, sql("SELECT count(*) FROM $table");
		push @state, on_shards($coordinator, $table, "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid = %L::regclass")
		  if $table ne 'app.plain';
	}
	return join "\n", @state;
}

make_tables($coordinator);
my $state = state_of_tables();

# a baseline describes the tables, and changes nothing
my $file = load_generated("cmig.baseline('The schema so far', '001')");
note($file);
unlike($file, qr/EXTENSION/, 'a baseline does not create Citus');
is(sql('SELECT revision FROM cmig.version'), '001', 'baseline records the revision');
is(state_of_tables(), $state, 'baseline changes no table');
is(sql("SELECT count(*) FROM cmig.drift(raise => false)"), '0', 'there is no drift after baseline');

# autogenerate: the file runs on the shards
my $target = sql("SELECT cmig.schema_sql()");
$target .= join '', map { "ALTER TABLE $_ ADD COLUMN extra int;\n" } qw(app.country app.item app.managed app.plain tenant_a.thing);
$file = load_generated("cmig.autogenerate('Add a column', \$t\$$target\$t\$, revision => '002')");
note($file);
unlike($file, qr/EXTENSION/, 'autogenerate does not drop Citus');
is(state_of_tables(), $state, 'autogenerate changes no table');
sql("SELECT cmig.upgrade('head')");
is(on_shards($coordinator, $_, "SELECT count(*) FROM pg_attribute WHERE attrelid = %L::regclass AND attname = 'extra'"), '1', "the generated revision adds the column on each shard of $_") foreach qw(app.country app.item app.managed tenant_a.thing);
sql("SELECT cmig.downgrade('-1')");
is(state_of_tables(), $state, 'and its downgrade removes the columns');
sql("SELECT cmig.upgrade('head')");

# capture: what was changed by hand becomes a revision
sql('ALTER TABLE app.item ADD COLUMN by_hand text; ALTER TABLE app.country ADD CHECK (id > 0)');
$file = load_generated("cmig.capture('By hand', revision => '003')");
note($file);
sql("SELECT cmig.stamp('003')");
is(sql("SELECT count(*) FROM cmig.drift(raise => false)"), '0', 'there is no drift after capture');
sql("SELECT cmig.downgrade('002')");
is(on_shards($coordinator, 'app.item', "SELECT count(*) FROM pg_attribute WHERE attrelid = %L::regclass AND attname = 'by_hand'"), '0', 'the captured revision can be reverted on the shards');
sql("SELECT cmig.upgrade('head')");
is(on_shards($coordinator, 'app.item', "SELECT count(*) FROM pg_attribute WHERE attrelid = %L::regclass AND attname = 'by_hand'"), '1', 'and applied again');

# squash: the distribution is part of the schema
sql(load_sql(revision_file('004', '003', "CREATE TABLE app.part (id int PRIMARY KEY);\nSELECT create_distributed_table('app.part', 'id');", 'DROP TABLE app.part;')));
sql("SELECT cmig.upgrade('head')");
sql(load_sql(revision_file('005', '004', "CREATE FUNCTION app.twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';\nSELECT create_distributed_function('app.twice(int)');", 'DROP FUNCTION app.twice;')));
sql("SELECT cmig.upgrade('head')");
$state = state_of_tables();
$file = sql("SELECT content FROM cmig.squash('001:005', 'All', revision => '009')");
like($file, qr/^SELECT pg_catalog\.create_distributed_table\('app\.part', 'id'/m, 'squash writes the calls that distribute tables');
unlike($file, qr/undistribute_table\(/, 'its downgrade drops the tables without moving their rows');
is(state_of_tables(), $state, 'squash changes no table');
fails_with($coordinator, 'postgres', load_sql($file), 'MG013', 'resolve', 'a call that distributes a function must be confirmed');
like($file, qr/^-- cmig:resolve[^\n]*\n(?:--[^\n]*\n)*SELECT create_distributed_function/m, 'because it does not change a table');
$file =~ s/^-- cmig:resolve[^\n]*\n//mg;
sql(load_sql($file));
sql("SELECT cmig.upgrade('head')");
is(sql("SELECT count(*) FROM cmig.drift(raise => false)"), '0', 'there is no drift after squash');
is(state_of_tables(), $state, 'the replacing revision is not run again');

stop_cluster($coordinator, @workers);
done_testing();
