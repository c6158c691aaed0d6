# Copyright (c) 2026, the pg_cmig developers

# Tests what is asked of each node: how its shards differ from their tables, and what
# could stop a run there.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/..";
use CmigCluster;
use CmigNode;
use Test::More;

my ($coordinator, @workers) = new_cluster();

sub sql { return query($coordinator, 'postgres', @_) }

# what is found about shards, without their names
sub found
{
	my $problems = sql('SELECT severity, object, problem FROM cmig.check() WHERE problem ~ $$ shards ?$$ AND object <> $$schema$$');

	return join "\n", sort { $a =~ s/^\w+//r cmp $b =~ s/^\w+//r } split /\n/, $problems =~ s/ \(the first is [^)]*\)//gr;
}

# runs a command on the node of shard number N of a table; in it, %s stands for the
# shard, and %i for the shard's number
sub on_shard
{
	my ($table, $n, $command) = @_;

	return sql(<<"SQL");
SELECT r.result FROM (SELECT s.shardid, n.nodename, n.nodeport, '${table}_' || s.shardid AS shard
 FROM pg_dist_shard s JOIN pg_dist_placement p USING (shardid) JOIN pg_dist_node n USING (groupid)
 WHERE s.logicalrelid = '$table'::regclass ORDER BY s.shardid OFFSET $n LIMIT 1) s
CROSS JOIN LATERAL master_run_on_worker(ARRAY[s.nodename], ARRAY[s.nodeport],
 ARRAY[replace(replace(\$c\$$command\$c\$, '%s', s.shard), '%i', s.shardid::text)], false) r
SQL
}

# an extension that belongs to the database is compared nowhere, with default arguments

sql('CREATE TABLE public.first (id int)');
is(sql('SELECT * FROM cmig.diff(cmig.schema_sql())'), '', 'diff without schemas');
is(sql('SELECT count(*) FROM cmig.autogenerate($$Nothing$$, cmig.schema_sql())'), '0', 'autogenerate');
is(sql('SELECT cmig.require_schema(cmig.schema_sql())'), '', 'require_schema');
is(sql('SELECT count(*) FROM cmig.diff($$CREATE EXTENSION IF NOT EXISTS citus WITH SCHEMA pg_catalog; COMMENT ON EXTENSION citus IS \'Citus distributed database\'; CREATE TABLE public.first (id int)$$)'), '0', 'a target that creates it, as a dump does');
unlike(sql('BEGIN; SELECT content FROM cmig.baseline($$All$$); ROLLBACK'), qr/unsupported|citus/, 'baseline');
sql('DROP TABLE public.first');

# shards: the same as their tables

make_tables($coordinator);
sql(<<'SQL');
CREATE ROLE regress_app LOGIN;
CREATE ROLE regress_reader LOGIN;
SELECT count(*) FROM cmig.grant_access('regress_reader', 'reader');
CREATE TABLE public.short (id int PRIMARY KEY, n int);
SELECT create_distributed_table('public.short', 'id', shard_count => 2);
CREATE TABLE app."A ""table"" with a name that is nearly as long as one can be" (id int PRIMARY KEY, "A (column)" text UNIQUE);
SELECT create_reference_table('app."A ""table"" with a name that is nearly as long as one can be"');
CREATE TABLE app.event (tenant int, at date, n int CHECK (n > 0), country int REFERENCES app.country, PRIMARY KEY (tenant, at)) PARTITION BY RANGE (at);
SELECT create_distributed_table('app.event', 'tenant');
CREATE TABLE app.event_1 PARTITION OF app.event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE INDEX ON app.event (n);
ALTER TABLE app.item ADD FOREIGN KEY (country) REFERENCES app.country;
ALTER TABLE app.item ADD CONSTRAINT positive CHECK (id > 0);
ALTER TABLE app.item ALTER name SET NOT NULL;
CREATE INDEX item_name ON app.item (lower(name)) WHERE id > 1;
GRANT USAGE ON SCHEMA app TO regress_app;
GRANT SELECT, INSERT ON app.item TO regress_app WITH GRANT OPTION;
GRANT SELECT ON app.country TO PUBLIC;
SELECT count(*) FROM cmig.enable_rls('app.item', tenant_column => 'tenant', roles => '{regress_app}');
CREATE POLICY more ON app.country AS RESTRICTIVE FOR UPDATE TO regress_app, regress_reader USING (n > 1) WITH CHECK (n > 2);
SQL
is(found(), '', 'shards are like their tables');

on_shard('app.item', 0, 'ALTER TABLE %s DISABLE ROW LEVEL SECURITY');
on_shard('app.item', 1, 'DROP POLICY tenant_access ON %s');
on_shard('app.item', 2, 'DROP INDEX app.item_name_%i');
on_shard('app.item', 2, 'CREATE INDEX ON %s (n)');
on_shard('app.item', 3, 'ALTER TABLE %s DROP CONSTRAINT item_country_fkey_%i');
on_shard('app.item', 3, 'ALTER TABLE %s ALTER name DROP NOT NULL');
on_shard('app.item', 4, 'ALTER TABLE %s DROP CONSTRAINT positive_%i');
on_shard('app.item', 5, 'GRANT DELETE ON %s TO regress_app');
on_shard('app.item', $_, 'REVOKE INSERT ON %s FROM regress_app') foreach 5, 6;
on_shard('app.country', 0, 'ALTER TABLE %s OWNER TO regress_app');
on_shard('public.short', 1, 'ALTER TABLE %s FORCE ROW LEVEL SECURITY');
my $expected = <<'FOUND' =~ s/\n$//r;
warning|constraint on app.item|missing on 1 of 8 shards: ALTER TABLE app.item ADD CONSTRAINT item_country_fkey FOREIGN KEY (country) REFERENCES app.country(id)
warning|constraint on app.item|missing on 1 of 8 shards: ALTER TABLE app.item ADD CONSTRAINT positive CHECK ((id > 0))
warning|constraint on app.item|missing on 1 of 8 shards: ALTER TABLE app.item ALTER name SET NOT NULL
warning|index on app.item|missing on 1 of 8 shards: CREATE INDEX item_name ON app.item USING btree (lower(name)) WHERE (id > 1)
warning|index on app.item|only on 1 of 8 shards: CREATE INDEX ON app.item USING btree (n)
warning|owner on app.country|missing on 1 of 3 shards: ALTER TABLE app.country OWNER TO postgres
error|policy on app.item|missing on 1 of 8 shards: CREATE POLICY tenant_access ON app.item FOR ALL TO regress_app USING ((tenant = (NULLIF(current_setting('app.current_tenant_id'::text, true), ''::text))::integer)) WITH CHECK ((tenant = (NULLIF(current_setting('app.current_tenant_id'::text, true), ''::text))::integer))
warning|privilege on app.item|missing on 2 of 8 shards: GRANT INSERT ON app.item TO regress_app WITH GRANT OPTION
warning|privilege on app.item|only on 1 of 8 shards: GRANT DELETE ON app.item TO regress_app
error|row-level security on app.item|missing on 1 of 8 shards: ALTER TABLE app.item ENABLE ROW LEVEL SECURITY
error|row-level security on public.short|only on 1 of 2 shards: ALTER TABLE public.short FORCE ROW LEVEL SECURITY
FOUND
is(found(), $expected, 'check finds what differs');
is(query($coordinator, 'postgres', 'SELECT count(*) FROM cmig.check() WHERE problem ~ $$ shards $$', 'regress_reader'), '11', 'also for a role without access to the tables');
is(sql('SELECT severity, object FROM cmig.rls_check($$app$$) WHERE rule = $$shard_differs$$'),
	join("\n", 'error|policy on app.item', 'error|row-level security on app.item', 'warning|owner on app.country', ('warning|privilege on app.item') x 2),
	'rls_check finds what concerns access');
is(sql('SELECT object, count(*) FROM cmig.drift(schemas => $${app}$$, exclude => $${table:app.country}$$) WHERE kind = $$shard$$ GROUP BY object ORDER BY object'),
	"constraint on app.item|3\nindex on app.item|2\npolicy on app.item|1\nprivilege on app.item|2\nrow-level security on app.item|1", 'drift finds what is not excluded');
foreach my $change ('GRANT UPDATE ON app.item TO regress_app', 'CREATE POLICY more ON app.item USING (true)', 'CREATE INDEX ON app.item (n)')
{
	is(sql("BEGIN; $change; SELECT object, problem FROM cmig.check() WHERE object ~ '(shards of| on) ' AND object <> 'schema'; ROLLBACK") =~ s/ \(the first is [^)]*\)//gr,
		"row-level security on public.short|only on 1 of 2 shards: ALTER TABLE public.short FORCE ROW LEVEL SECURITY
shards of app.item|not compared with their tables, which this transaction has changed
owner on app.country|missing on 1 of 3 shards: ALTER TABLE app.country OWNER TO postgres", "not compared: $change");
}

# the fixes, as a user pastes them
$coordinator->safe_psql('postgres', sql('SELECT fix || $$;$$ FROM cmig.check() WHERE problem ~ $$ shards $$ AND fix IS NOT NULL AND object <> $$schema$$'));
is(found(), 'warning|index on app.item|only on 1 of 8 shards: CREATE INDEX ON app.item USING btree (n)', 'the fixes repair all but an index that the table does not have');
on_shard('app.item', 2, 'DROP INDEX app.item_%i_n_idx');
is(found(), '', 'until that is dropped');
on_shard('public.short', 0, 'ALTER TABLE %s RENAME TO short_lost');
is(found(), 'error|shard on public.short|missing on 1 of 2 shards: the table', 'a shard that does not exist');
sql('DROP TABLE public.short');

# names on the nodes do not depend on search_path there
$_->safe_psql('postgres', 'SET citus.enable_ddl_propagation = off; ALTER DATABASE postgres SET search_path = app, pg_catalog; CREATE FUNCTION app.format(text, VARIADIC name[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE $m$hijacked$m$; END $$') foreach @workers;
is(found(), '', 'with another search_path on the workers');
$_->safe_psql('postgres', 'SET citus.enable_ddl_propagation = off; ALTER DATABASE postgres RESET search_path; DROP FUNCTION app.format') foreach @workers;

# preflight

# the rows about nodes, with a name for each
sub preflight
{
	my ($role, $columns) = @_;
	my $rows = query($coordinator, 'postgres', 'SELECT ' . ($columns // 'item, severity, value') . ' FROM cmig.preflight() WHERE item LIKE $$node %$$ ORDER BY item, value', $role // 'postgres');

	foreach my $i (1, 2)
	{
		my $name = $workers[ $i - 1 ]->host . ':' . $workers[ $i - 1 ]->port;
		$rows =~ s/\Q$name\E/$i/g;
	}
	return $rows;
}

is(preflight(), '', 'preflight: nothing about the nodes');
sql('CREATE ROLE regress_migrator LOGIN; GRANT CREATE ON SCHEMA app TO regress_migrator; SELECT count(*) FROM cmig.grant_access($$regress_migrator$$, $$migrator$$)');
sql('SELECT count(*) FROM cmig.enable_rls($$app.event$$, tenant_column => $$tenant$$, roles => $${regress_app}$$, require_context => true)');
$workers[0]->safe_psql('postgres', <<'SQL');
SET citus.enable_ddl_propagation = off;
REVOKE CREATE ON SCHEMA app FROM regress_migrator;
UPDATE pg_extension SET extversion = '1.1' WHERE extname = 'pg_cmig';
SQL
is(preflight('regress_migrator'), <<'ROWS' =~ s/\n$//r, 'versions and privileges that differ on a node');
node 1|error|pg_cmig has version 1.1, and its library version 1.2; the coordinator has version 1.2
node 1|error|role regress_app lacks the access level application, which policies of its shards need
node 1|error|role regress_migrator lacks CREATE on SCHEMA app, which it has on the coordinator
node 2|error|role regress_app lacks the access level application, which policies of its shards need
ROWS
my @hints = split /\n/, preflight('regress_migrator', 'hint');
is($hints[0], 'on the node: SET citus.enable_ddl_propagation = off; ALTER EXTENSION pg_cmig UPDATE', 'how to update it there');
$workers[0]->safe_psql('postgres', "UPDATE pg_extension SET extversion = '1.2' WHERE extname = 'pg_cmig'");
$coordinator->safe_psql('postgres', "$_;") foreach @hints[1, 2];
is(preflight('regress_migrator'), '', 'the hints repair them');
$workers[0]->safe_psql('postgres', 'SET citus.enable_ddl_propagation = off; DROP EXTENSION pg_cmig CASCADE');
is(preflight(undef, 'value, hint'), 'pg_cmig has version none, and its library version 1.2; the coordinator has version 1.2'
	  . '|on the node: SET citus.enable_ddl_propagation = off; CREATE EXTENSION pg_cmig', 'without the extension');
$workers[0]->safe_psql('postgres', preflight(undef, 'hint') =~ s{^on the node: }{}r);
$coordinator->safe_psql('postgres', preflight(undef, 'hint'));
is(preflight(), '', 'which the hints create');

$workers[1]->safe_psql('postgres', "BEGIN; CREATE TABLE left_over (id int); PREPARE TRANSACTION 'regress_left'");
is(preflight(), "node 2|warning|prepared transactions keep their locks: 1, the oldest is 'regress_left'", 'a prepared transaction');
$workers[1]->safe_psql('postgres', "ROLLBACK PREPARED 'regress_left'");
$workers[1]->stop;
like(preflight(), qr/^node 2\|error\|it cannot be asked: .+$/, 'a node that cannot be reached');
like(sql('SELECT severity, object, problem FROM cmig.check() WHERE object LIKE $$node %$$'), qr/^warning\|node .*\|its shards cannot be compared with their tables: .+$/, 'check says so');
isnt(sql('SELECT count(*) FROM cmig.drift(schemas => $${app}$$, raise => false) WHERE kind = $$shard$$'), '0', 'and drift does not say that there is none');
$workers[1]->start;
sql('UPDATE pg_dist_node SET isactive = false WHERE nodeport = ' . $workers[1]->port);
like(preflight(), qr/^node 2\|error\|it is not active$/m, 'a node that is not active');

stop_cluster($coordinator, @workers);
done_testing();
