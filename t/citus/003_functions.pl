# Copyright (c) 2026, the pg_cmig developers

# Tests row-level security, audit, lint, dry runs, schema diffs, drift, and dumps with
# tables of each kind.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/..";
use CmigCluster;
use CmigNode;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my ($coordinator, @workers) = new_cluster();
my @tables = qw(app.country app.item app.managed tenant_a.thing);

sub sql { return query($coordinator, 'postgres', @_) }

make_tables($coordinator);

# row-level security

sql(<<'SQL');
CREATE ROLE app LOGIN;
GRANT USAGE ON SCHEMA app, tenant_a TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app, tenant_a TO app;
SELECT cmig.grant_access('app', 'application');
SQL
foreach my $table (@tables)
{
	my $column = $table eq 'app.item' ? 'tenant' : 'id';
	my $count = $table eq 'app.item' ? 100 : 1;
	my $context = "BEGIN; SET ROLE app; SELECT cmig.set_context(NULL, '5') IS NULL;";

	sql("SELECT cmig.enable_rls('$table', roles => '{app}', tenant_column => '$column')");
	is(on_shards($coordinator, $table, 'SELECT count(*) FROM pg_policy WHERE polrelid = %L::regclass'), '1', "enable_rls creates the policies of each shard of $table");
	is(sql("BEGIN; SET ROLE app; SELECT count(*) FROM $table; COMMIT;"), '0', 'without a context, no row is visible');
	is(sql("$context SELECT count(*) FROM $table; COMMIT;"), "f\n$count", 'the context reaches the workers');
	is(sql("$context SELECT count(*) FROM $table WHERE $column = 6; COMMIT;"), "f\n0", 'and excludes other rows');
	is(sql("BEGIN; SET ROLE app; SELECT count(*) FROM $table; SELECT cmig.set_context(NULL, '5') IS NULL; SELECT count(*) FROM $table; SELECT cmig.clear_context() IS NULL; SELECT count(*) FROM $table; COMMIT;"),
		"0\nf\n$count\nf\n0", 'also when the connections exist already, until it is cleared');
	is(sql("$context COMMIT; BEGIN; SELECT count(*) FROM $table; COMMIT;"), "f\n0", 'it ends with the transaction');
	is(sql("BEGIN; SET ROLE app; SET LOCAL citus.propagate_set_commands = 'local'; SET LOCAL app.current_tenant_id = '5'; SELECT count(*) FROM $table; COMMIT;"), $count, 'SET LOCAL with citus.propagate_set_commands does the same');
	is(sql("SET ROLE app; SELECT cmig.set_context(NULL, '5', false) IS NULL; SELECT count(*) FROM $table;"), $table =~ /managed|country/ ? "f\n1" : "f\n0", "a session's context does not reach the workers, only what the coordinator stores");
	fails_with($coordinator, 'postgres', "$context UPDATE $table SET name = 'x'; INSERT INTO $table ($column" . ($column eq 'id' ? '' : ', id') . ') VALUES (6' . ($column eq 'id' ? '' : ', 0') . '); COMMIT;', '42501', 'row-level security policy|violates', 'a row of another tenant is rejected');
	fails_with($coordinator, 'postgres', "SELECT * FROM cmig.rls_test('$table', 'app', tenant_id => '5')", '0A000', 'rows, which are in shards', 'rls_test is refused');
}
is(sql("SELECT rule, problem FROM cmig.rls_check('app') WHERE object <> 'app.plain'"), '', 'rls_check finds nothing');
fails_with($coordinator, 'postgres', "SELECT cmig.enable_rls('app.item', roles => '{app}', via => 'app.plain', via_user => 'name', via_key => 'id', key_column => 'tenant')", '0A000', 'membership table.*rejects sub-selects', 'a membership table is refused');
foreach my $table (@tables)
{
	sql("SELECT cmig.disable_rls('$table')");
	is(on_shards($coordinator, $table, 'SELECT count(*) FROM pg_policy WHERE polrelid = %L::regclass'), '0', "disable_rls drops the policies of $table");
}

# require_context, whose policies call functions on the workers, and a key for users

foreach my $call ("cmig.enable_rls('app.item', roles => '{app}', tenant_column => 'tenant', require_context => true)",
	"cmig.enable_rls_schema('app', roles => '{app}', tenant_column => 'tenant', require_context => true)")
{
	$coordinator->psql('postgres', "SELECT count(*) FROM $call", stderr => \my $messages);
	like($messages, qr/WARNING:  roles of app\.item need access level "application" on the workers/, 'require_context warns of roles without access on the workers');
	my ($hint) = $messages =~ /^HINT:  (SELECT .*)$/m;
	fails_with($coordinator, 'postgres', "BEGIN; SET ROLE app; SELECT cmig.set_context(NULL, '5') IS NULL; SELECT count(*) FROM app.item; COMMIT", '42501', 'permission denied for function require_tenant_id', 'they cannot read the table');
	sql($hint);
	is(sql("BEGIN; SET ROLE app; SELECT cmig.set_context(NULL, '5') IS NULL; SELECT count(*) FROM app.item; COMMIT"), "f\n100", 'until they are granted access there');
	fails_with($coordinator, 'postgres', 'BEGIN; SET ROLE app; SELECT count(*) FROM app.item; COMMIT', 'MG020', 'no tenant in the context', 'without a context, there is an error');
	sql("SELECT cmig.disable_rls('app.item')");
	sql("SELECT run_command_on_workers('SELECT count(*) FROM cmig.revoke_access(''app'')')");
}
sql("SELECT cmig.enable_rls('app.item', roles => '{app}', tenant_column => 'tenant', user_column => 'country')");
is(sql("BEGIN; SET ROLE app; SELECT cmig.set_context('6', '5') IS NULL; SELECT count(*) FROM app.item; SELECT cmig.set_context('7', '5') IS NULL; SELECT count(*) FROM app.item; COMMIT"), "f\n10\nf\n0", 'the user reaches the workers, too');
sql("SELECT cmig.disable_rls('app.item')");

# with each option, a distributed table shows and accepts the same rows as an ordinary table

sql(<<'SQL');
CREATE TABLE app.near (id int PRIMARY KEY, tenant int, owner int);
CREATE TABLE app.far (id int PRIMARY KEY, tenant int, owner int);
SELECT create_distributed_table('app.far', 'id');
INSERT INTO app.near SELECT i, nullif(i % 4, 0), nullif(i / 4 % 4, 0) FROM generate_series(0, 31) i;
INSERT INTO app.far SELECT * FROM app.near;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.near, app.far TO app;
SQL

# the rows that a statement returns, or its SQLSTATE
sub outcome
{
	my ($context, $statement) = @_;
	my $status = $coordinator->psql('postgres', "\\set VERBOSITY sqlstate\nBEGIN; SET ROLE app; $context; $statement; ROLLBACK;", stdout => \my $rows, stderr => \my $error);

	return $status == 0 ? join(',', sort split /\n/, $rows) : $error =~ /ERROR:  (\w+)/ ? $1 : $error;
}

foreach my $options ("tenant_column => 'tenant', user_column => 'owner'",
	"tenant_column => 'tenant', user_column => 'owner', shared => true",
	"tenant_column => 'tenant', user_column => 'owner', public_read => true",
	"tenant_column => 'tenant', user_column => 'owner', shared => true, commands => '{INSERT,UPDATE}'",
	"tenant_column => 'tenant', user_column => 'owner', commands => '{SELECT,DELETE}'",
	"tenant_column => 'tenant', shared => true", "tenant_column => 'tenant', public_read => true", "user_column => 'owner', shared => true")
{
	my (%of, @differences);

	sql("SELECT cmig.enable_rls('$_', roles => '{app}', $options)") foreach qw(app.near app.far);
	foreach my $context ("SELECT cmig.set_context('1', '2') IS NULL", "SELECT cmig.set_context('3', '3') IS NULL", "SELECT cmig.set_context(NULL, '1') IS NULL", 'SELECT false')
	{
		foreach my $statement ('SELECT id FROM %s', 'UPDATE %s SET owner = owner RETURNING id', 'DELETE FROM %s RETURNING id',
			'INSERT INTO %s VALUES (100, 2, 1)', 'INSERT INTO %s VALUES (100, 2, 3)', 'INSERT INTO %s VALUES (100, NULL, 1)', 'INSERT INTO %s VALUES (100, 2, NULL)')
		{
			my ($near, $far) = map { outcome($context, sprintf $statement, $_) } qw(app.near app.far);

			push @differences, "$context: $statement: $near but $far" if $near ne $far;
		}
	}
	is(join("\n", @differences), '', "the same rows: $options");
	like(outcome("SELECT cmig.set_context('1', '2') IS NULL", 'UPDATE app.far SET owner = owner RETURNING id'), $options =~ /commands/ ? qr/^f$/ : qr/^\d.*,\d.*,f$/, 'some rows');
	is(sql("SELECT count(*) FROM cmig.rls_check('app') WHERE rule = 'restrictive_on_shards'"), '0', 'no policy is restrictive');
}

# a restrictive policy that was written by hand

sql('CREATE POLICY by_hand ON app.far AS RESTRICTIVE TO app USING (tenant = 1)');
is(on_shards($coordinator, 'app.far', "SELECT polpermissive FROM pg_policy WHERE polrelid = %L::regclass AND polname = 'by_hand'"), 't', 'Citus makes restrictive policies permissive');
is(sql("SELECT severity, object FROM cmig.rls_check('app') WHERE rule = 'restrictive_on_shards'"), 'error|policy by_hand on app.far', 'rls_check reports it');
sql('DROP TABLE app.near, app.far');

# the distribution of a protected table

sql("SELECT cmig.enable_rls('app.plain', roles => '{app}', tenant_column => 'id')");
fails_with($coordinator, 'postgres', "SELECT create_distributed_table('app.plain', 'id')", '0A000', 'cannot create policy.*Subqueries are not supported', 'Citus does not distribute a table with such policies');
sql("SELECT cmig.disable_rls('app.plain')");
sql("SELECT cmig.enable_rls('app.item', roles => '{app}', tenant_column => 'tenant')");
sql("BEGIN; SELECT cmig.disable_rls('app.item'); SELECT alter_distributed_table('app.item', shard_count => 4); SELECT cmig.enable_rls('app.item', roles => '{app}', tenant_column => 'tenant'); COMMIT");
is(sql("BEGIN; SET ROLE app; SELECT cmig.set_context(NULL, '5') IS NULL; SELECT count(*) FROM app.item; COMMIT"), "f\n100", 'policies are created again after another distribution');
sql("SELECT cmig.disable_rls('app.item')");

# a partitioned table

sql(<<'SQL');
CREATE TABLE app.event (tenant int, at date, PRIMARY KEY (tenant, at)) PARTITION BY RANGE (at);
SELECT create_distributed_table('app.event', 'tenant');
CREATE TABLE app.event_1 PARTITION OF app.event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
INSERT INTO app.event SELECT i % 10, '2026-01-01'::date + i / 10 FROM generate_series(0, 99) i;
GRANT SELECT ON app.event, app.event_1 TO app;
SQL
sql("SELECT cmig.enable_rls('app.event', roles => '{app}', tenant_column => 'tenant')");
is(sql("BEGIN; SET ROLE app; SELECT count(*) FROM $_; SELECT cmig.set_context(NULL, '5') IS NULL; SELECT count(*) FROM $_; COMMIT"), "0\nf\n10", "$_ is protected") foreach qw(app.event app.event_1);
is(sql("SELECT rule, problem FROM cmig.rls_check('app') WHERE object ~ 'event'"), '', 'rls_check finds nothing there');
fails_with($coordinator, 'postgres', "SELECT cmig.enable_audit('app.event')", '0A000', 'managed by Citus', 'and enable_audit is refused');
sql('DROP TABLE app.event');

is(sql("SELECT count(*) > 0 FROM cmig.enable_rls_schema('app', roles => '{app}', tenant_column => 'id', except_tables => '{app.item,app.managed,app.plain}')"), 't', 'enable_rls_schema includes reference tables');
sql("SELECT cmig.disable_rls('app.country')");

# audit

fails_with($coordinator, 'postgres', "SELECT cmig.enable_audit('$_')", '0A000', 'managed by Citus', "enable_audit is refused for $_") foreach @tables;
sql("SELECT cmig.enable_audit('app.plain')");
sql("UPDATE app.plain SET n = 1 WHERE id = 1");
is(sql("SELECT count(*) FROM cmig.audit_history('app.plain', '1')"), '1', 'a plain table is audited');
like(sql("BEGIN; SELECT citus_add_local_table_to_metadata('app.plain'); SELECT problem FROM cmig.audit_status('app') WHERE level IS NOT NULL; ROLLBACK"),
	qr/^managed by Citus: changes are logged with the name of the table's shard, and TRUNCATE fails$/m, 'which Citus begins to manage');
sql("SELECT cmig.disable_audit('app.plain')");

# lint and dry runs

my $revision = revision_file('change', '', <<'UP', <<'DOWN');
CREATE INDEX item_n ON app.item (n);
CREATE INDEX country_n ON app.country (n);
ALTER TABLE app.item ADD COLUMN extra bigint;
UPDATE app.item SET extra = 1;
UP
ALTER TABLE app.item DROP COLUMN extra;
DROP INDEX app.country_n;
DROP INDEX app.item_n;
DOWN
sql(load_sql($revision));
is(sql("SELECT string_agg(statement::text, ',' ORDER BY statement) FROM cmig.lint() WHERE rule = 'require-concurrent-index-creation'"), '1,2', 'lint does not take a distributed table for an empty one');
is(sql("SELECT statement, command, rows, error FROM cmig.dry_run('upgrade', 'head') ORDER BY statement"), "1|CREATE INDEX||\n2|CREATE INDEX||\n3|ALTER TABLE||\n4|UPDATE|5000|", 'a dry run');
is(on_shards($coordinator, 'app.item', "SELECT count(*) FROM pg_attribute WHERE attrelid = %L::regclass AND attname = 'extra'"), '0', 'changes no shard');
is(sql("SELECT count(*) FROM cmig.plan('upgrade', 'head')"), '1', 'plan');
is(sql("SELECT count(*) FROM cmig.plan('upgrade', 'head') WHERE locks LIKE '%app.item, 0 bytes%'"), '0', 'does not call a distributed table empty');

# functions that move the rows of a table

is(sql("SELECT statement, message FROM cmig.lint_sql(\$t\$SELECT create_distributed_table('app.plain', 'id'); CREATE TABLE app.empty (id int); SELECT create_distributed_table('app.empty', 'id'); SELECT undistribute_table('app.item')\$t\$) WHERE rule = 'distributing-table'") =~ s/ \([^()]*\)//gr,
	"1|create_distributed_table copies the rows of app.plain to shards, and blocks writes to it meanwhile\n4|undistribute_table copies the rows of app.item to the coordinator, and blocks writes to it meanwhile", 'lint finds functions that move rows');
my $rewrite = sql("SELECT safe_rewrite FROM cmig.lint_sql(\$t\$SELECT create_distributed_table('app.plain', 'id')\$t\$) WHERE rule = 'distributing-table'");
$rewrite =~ s/^-- in a revision with "transactional: false"\n//;
is($rewrite, "SELECT create_distributed_table_concurrently('app.plain', 'id')", 'and rewrites them');
if (sql("SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'"))
{
	foreach my $node ($coordinator, @workers)
	{
		$node->safe_psql('postgres', "ALTER SYSTEM SET output_plugin_libraries = 'citus'");
		$node->restart;
	}
}
(my $concurrently = revision_file('concurrently', '', $rewrite)) =~ s/^-- create_date/-- transactional: false\n$&/m;
sql(load_sql($concurrently));
sql("CALL cmig.upgrade_stepwise('concurrently')");
is(sql("SELECT citus_table_type, shard_count FROM citus_tables WHERE table_name = 'app.plain'::regclass") . '|' . sql('SELECT count(*) FROM app.plain'), 'distributed|8|500', 'which runs in a stepwise upgrade');
sql("SELECT undistribute_table('app.plain')");
sql("SELECT cmig.stamp('base')");
sql("SELECT cmig.remove_revision('concurrently')");

# the psql script of cmig.script

my $script = sql("SELECT cmig.script('upgrade', 'base:head')");
like($script, qr/CREATE INDEX item_n/, 'script writes the statements');
sql("SELECT cmig.upgrade('head')");
is(sql('SELECT count(*), sum(extra) FROM app.item'), '5000|5000', 'the revision runs');
sql("SELECT cmig.downgrade('base')");
sql("SELECT cmig.remove_revision('change')");
sql("DROP SCHEMA tenant_a CASCADE; DROP SCHEMA app CASCADE;");

# the schema: diff, drift

sql(load_sql(revision_file('tables', '', <<'UP', 'DROP SCHEMA app CASCADE;')));
CREATE SCHEMA app;
CREATE TABLE app.country (id int PRIMARY KEY, name text);
SELECT create_reference_table('app.country');
CREATE TABLE app.item (tenant int, id int, name text, country int REFERENCES app.country, PRIMARY KEY (tenant, id));
SELECT create_distributed_table('app.item', 'tenant');
INSERT INTO app.country VALUES (1, 'here');
INSERT INTO app.item SELECT i % 10, i, 'name', 1 FROM generate_series(1, 100) i;
UP
sql("SELECT cmig.upgrade('head')");
is(sql("SELECT count(*) FROM cmig.drift(schemas => '{app}', raise => false)"), '0', 'drift: nothing was changed by hand');
is(sql('SELECT count(*) FROM app.item'), '100', 'and nothing is changed by the replay');
sql('ALTER TABLE app.item ADD COLUMN extra int');
is(sql("SELECT kind, object FROM cmig.drift(schemas => '{app}', raise => false)"), 'column|app.item.extra', 'drift finds a column that was added by hand');
my $target = <<'SQL';
CREATE SCHEMA app;
CREATE TABLE app.country (id int PRIMARY KEY, name text, code text);
SELECT create_reference_table('app.country');
CREATE TABLE app.item (tenant int, id int, name text, country int REFERENCES app.country, extra int, PRIMARY KEY (tenant, id));
SELECT create_distributed_table('app.item', 'tenant');
SQL
is(sql("SELECT upgrade_sql FROM cmig.diff(\$t\$$target\$t\$, '{app}')"), 'ALTER TABLE app.country ADD COLUMN code text', 'diff');
sql("DO \$d\$ DECLARE s text; BEGIN FOR s IN SELECT upgrade_sql FROM cmig.diff(\$t\$$target\$t\$, '{app}') LOOP EXECUTE s; END LOOP; END \$d\$");
is(on_shards($coordinator, 'app.country', "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND attrelid = %L::regclass"), 'id,name,code', 'whose statements run on the shards');
is(sql("SELECT count(*) FROM cmig.diff(\$t\$$target\$t\$, '{app}')"), '0', 'and remove the difference');
like(sql("SELECT cmig.schema_sql('app')"), qr/^SELECT pg_catalog\.create_distributed_table\('app\.item', 'tenant', colocate_with => 'none', shard_count => 8\);$/m, 'schema_sql contains the distribution');
is(sql("SELECT problem FROM cmig.round_trip('tables')"), '', 'round_trip');
is(sql('SELECT count(*) FROM citus_tables'), '2', 'the tables are still distributed');
is($_->safe_psql('postgres', "SELECT count(*) FROM pg_namespace WHERE nspname = 'app'"), '1', 'the schema is on ' . $_->name) foreach @workers;

# a dump does not contain the distribution

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$coordinator->command_ok([ 'pg_dump', '-d', $coordinator->connstr('postgres'), '-Fc', '-f', $dump ], 'pg_dump');
add_database('copy', $coordinator, @workers);
IPC::Run::run([ 'pg_restore', '-d', $coordinator->connstr('copy'), $dump ], '>', \my $restored, '2>', \my $messages);
is(query($coordinator, 'copy', 'SELECT revision FROM cmig.version'), 'tables', 'a restored database has its version rows') or diag($messages);
is(query($coordinator, 'copy', 'SELECT count(*) FROM app.item'), '100', 'and the rows of distributed tables');
is(query($coordinator, 'copy', 'SELECT count(*) FROM pg_dist_partition'), '0', 'in plain tables');
query($coordinator, 'copy', "SELECT upgrade_sql FROM cmig.drift(schemas => '{app}', raise => false) ORDER BY step\n\\gexec");
is(query($coordinator, 'copy', 'SELECT table_name, citus_table_type FROM citus_tables ORDER BY table_name::text') . '|' . query($coordinator, 'copy', 'SELECT count(*) FROM app.item'), "app.country|reference\napp.item|distributed|100",
	'the statements of drift distribute them again');

# cmig.set_ddl_policy

sql('CREATE ROLE regress_app LOGIN; GRANT USAGE, CREATE ON SCHEMA app TO regress_app');
sql("SELECT cmig.set_ddl_policy('deny')");
fails_with($coordinator, 'postgres', 'ALTER TABLE app.item ADD COLUMN denied int', 'MG022', '', 'DDL outside of a run is denied');
sql(load_sql(revision_file('allowed', 'tables', 'ALTER TABLE app.item ADD COLUMN allowed int;', 'ALTER TABLE app.item DROP COLUMN allowed;')));
sql("SELECT cmig.upgrade('head')");
is(on_shards($coordinator, 'app.item', "SELECT count(*) FROM pg_attribute WHERE attrelid = %L::regclass AND attname = 'allowed'"), '1', 'a revision may run it');
sql("SELECT cmig.downgrade('-1')");
sql("SELECT cmig.remove_revision('allowed')");
(my $stepwise = revision_file('allowed', 'tables', "CREATE INDEX CONCURRENTLY item_name ON app.item (name);\nCREATE INDEX CONCURRENTLY country_name ON app.country (name);")) =~ s/^-- create_date/-- transactional: false\n$&/m;
sql(load_sql($stepwise));
sql('CALL cmig.upgrade_stepwise()');
is(on_shards($coordinator, $_, "SELECT count(*) FROM pg_indexes WHERE schemaname || '.' || tablename = %L AND indexname LIKE '%%_name_1%%'"), '1', "also in a stepwise run: $_") foreach qw(app.item app.country);
is($_->safe_psql('postgres', 'SELECT count(*) FROM cmig.ddl_log'), '0', 'nothing is recorded on ' . $_->name) foreach @workers;
{
	my $run = $coordinator->background_psql('postgres');
	$run->query('BEGIN');
	$run->query("SELECT FROM cmig.create_revision('runs', 'SELECT 1', revision => 'runs')");
	$run->query("SELECT FROM cmig.upgrade('heads')");
	my $gpid = 10000000000 + $run->query('SELECT pg_backend_pid()');
	fails_with($coordinator, 'postgres', "SET application_name = 'citus_internal gpid=$gpid'; CREATE TABLE app.forged ()", 'MG022', '',
		'a role that the session of the run cannot become is not taken for its connection', 'regress_app');
	$run->query('ROLLBACK');
	$run->quit;
}
sql("SELECT cmig.set_ddl_policy('allow')");

stop_cluster($coordinator, @workers);
done_testing();
