# Copyright (c) 2026, the pg_cmig developers

# Tests of repeatable revisions and placeholders that need more than one session:
# values from the connection, the database, and a function; a role for each access
# level; dump and restore; runs that are killed in the middle of a repeatable revision;
# and a standby.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('repeatable', 'restart_after_crash = on');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE ROLE author LOGIN; CREATE ROLE migrator LOGIN;'
	  . ' CREATE ROLE reader LOGIN; GRANT migrator TO owner; CREATE DATABASE shop OWNER owner');

# repeatable(ID, SQL, HEADER...): returns the file of a repeatable revision
sub repeatable
{
	my ($id, $sql, @header) = @_;

	return join "\n", "-- revision: $id", '-- repeatable: true', (map { "-- $_" } @header), '-- cmig:upgrade', $sql, '', '';
}

# ran(DATABASE): returns the revisions that have run, in order, each with its outcome
# unless the outcome is "done"
sub ran
{
	my ($db) = @_;

	return query($node, $db, "SELECT string_agg(concat_ws(' ', revision, nullif(outcome, 'done')), ', ' ORDER BY id) FROM cmig.journal WHERE direction = 'upgrade'");
}

#
# Access levels, and sources of values
#
query($node, 'shop', "CREATE EXTENSION pg_cmig; CREATE SCHEMA app AUTHORIZATION migrator;"
	  . " SELECT cmig.grant_access('author', 'author'); SELECT cmig.grant_access('migrator', 'migrator'); SELECT cmig.grant_access('reader', 'reader')", 'owner');
my $table = "-- revision: 001\n-- placeholders: schema\n-- cmig:upgrade\nCREATE TABLE \${schema}.account (id integer, balance integer);\n-- cmig:downgrade\nDROP TABLE \${schema}.account CASCADE;\n";
my $view = repeatable('totals', 'CREATE OR REPLACE VIEW ${schema}.totals AS SELECT sum(balance)::bigint AS total, ${team} AS team FROM ${schema}.account;',
	'placeholders: schema, team literal');

is(query($node, 'shop', load_sql($table, $view), 'author'), "001|added\ntotals|added", 'an author loads');
fails_with($node, 'shop', 'SELECT cmig.upgrade()', '42704', 'placeholder "schema" of revision "001" has no value', 'no value', 'migrator');
is(ran('shop'), '', 'nothing has run');
fails_with($node, 'postgres', "ALTER DATABASE shop SET cmig_var.team = 'stored'", '42501', 'permission denied', 'an owner may not store values', 'owner');
query($node, 'postgres', 'GRANT SET ON PARAMETER cmig_var.team TO owner');
query($node, 'postgres', "ALTER DATABASE shop SET cmig_var.team = 'stored'", 'owner');
{
	local $ENV{PGOPTIONS} = '-c cmig_var.schema=app';

	is(query($node, 'shop', 'SELECT string_agg(revision, $$ $$) FROM cmig.upgrade()', 'migrator'), '001 totals', 'values of the connection and the database');
	is(query($node, 'shop', 'SELECT count(*) FROM cmig.drift()', 'owner'), '0', 'no drift');
}
is(query($node, 'shop', 'SELECT team FROM app.totals', 'migrator'), 'stored', 'the view has the value');
is(query($node, 'shop', "SELECT string_agg(revision, ' ') FROM cmig.history()", 'reader'), 'totals 001', 'a reader sees them');

# a session sets hostile values, and calls a function of another role
query($node, 'shop', "CREATE FUNCTION app.migrate() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS \$\$ SELECT set_config('cmig_var.schema', 'app', true); SELECT count(*) FROM cmig.upgrade() \$\$;"
	  . ' GRANT USAGE ON SCHEMA app TO reader', 'migrator');
query($node, 'shop', load_sql($view =~ s/sum/max/r), 'author');
query($node, 'shop', q{SET cmig_var.schema = 'pg_catalog'; SET cmig_var.team = $$'; ALTER ROLE reader SUPERUSER; --$$; SELECT app.migrate()}, 'reader');
is(query($node, 'shop', 'SELECT team FROM app.totals', 'migrator'), 'stored', "the caller's values do not count there");
query($node, 'shop', 'DROP FUNCTION app.migrate', 'migrator');
is(query($node, 'shop', "SELECT rolsuper FROM pg_roles WHERE rolname = 'reader'"), 'f', 'and nothing else');

#
# Dump and restore
#
# another script is loaded and has not run
query($node, 'shop', load_sql($view =~ s/sum/min/r), 'author');
my $dump = $node->backup_dir . '/shop.dump';
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('shop') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored OWNER owner');
command_ok([ 'pg_restore', '-d', $node->connstr('restored'), $dump ], 'restore');
my $columns = "SELECT revision, repeatable, placeholders, upgrade_sql, previous_sql FROM cmig.revision ORDER BY revision";
is(query($node, 'restored', $columns), query($node, 'shop', $columns), 'the rows are restored');
like(query($node, 'restored', "SELECT previous_sql FROM cmig.revision WHERE revision = 'totals'"), qr/max\(balance\)/, 'with the script that ran last');
is(query($node, 'restored', "SELECT value FROM cmig.status() WHERE item = 'repeatable'"), '1, 1 to run', 'which is known not to be the present one');
{
	local $ENV{PGOPTIONS} = q{-c cmig_var.schema=app -c cmig_var.team=red};

	is(query($node, 'restored', q{SET cmig_var.team = 'stored'; SELECT count(*) FROM cmig.drift()}), '0', 'a replay runs it');
	is(query($node, 'restored', 'SELECT string_agg(revision, $$ $$) FROM cmig.upgrade()'), 'totals', 'the next upgrade runs the new one');
	is(query($node, 'restored', 'SELECT count(*) FROM cmig.upgrade()'), '0', 'once');
	is(query($node, 'restored', 'SELECT count(*) FROM cmig.drift()'), '0', 'no drift');
}

#
# Kill -9
#
$node->safe_psql('postgres', 'CREATE DATABASE crash');
my $wait = 'DO $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); END $$;';
query($node, 'crash', 'CREATE EXTENSION pg_cmig; ' . load_sql("-- revision: 001\n-- cmig:upgrade\nCREATE TABLE seed (id integer PRIMARY KEY);\n",
	repeatable('seeds', "INSERT INTO seed VALUES (1) ON CONFLICT DO NOTHING;\n$wait"),
	repeatable('vacuum', "INSERT INTO seed VALUES (2) ON CONFLICT DO NOTHING;\nVACUUM seed;\n$wait", 'depends_on: seeds', 'transactional: false')));

# killed_run(REVISION): starts a stepwise run, and kills it while it waits in a revision
sub killed_run
{
	my ($name) = @_;
	my $gate = start_psql($node, 'crash', 'SELECT pg_advisory_lock(1), pg_sleep(3600)', 'gate');

	$node->poll_query_until('crash', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted");
	my $run = start_psql($node, 'crash', "CALL cmig.upgrade_stepwise('head')");
	kill_backend(wait_until_blocked($node));
	finish_psql($run);
	finish_psql($gate);
	wait_for_recovery($node);
	return;
}

killed_run();
is(ran('crash'), '001, seeds running', 'killed in a transactional one');
is(query($node, 'crash', 'SELECT count(*) FROM seed'), '0', 'it is rolled back');
is(query($node, 'crash', "SELECT value, hint FROM cmig.status() WHERE item = 'interrupted'"),
	"upgrade of seeds|CALL cmig.upgrade_stepwise('heads')", 'status says what to type');
query($node, 'crash', load_sql(repeatable('seeds', 'INSERT INTO seed VALUES (1) ON CONFLICT DO NOTHING;')));
killed_run();
is(ran('crash'), '001, seeds failed, seeds, vacuum running', 'killed in one that is not transactional');
like(query($node, 'crash', "SELECT value FROM cmig.status() WHERE item = 'partially applied'"), qr/^upgrade of vacuum: statement \d/, 'status shows how far it is');
is(query($node, 'crash', "SELECT string_agg(revision || ' ' || action, ', ') FROM cmig.load(E'-- revision: 001\\n-- cmig:upgrade\\nCREATE TABLE seed (id integer PRIMARY KEY);\\n', prune => true)"),
	'001 unchanged, seeds kept, vacuum kept', 'prune keeps it, and what it depends on');
is($node->psql('crash', "CALL cmig.upgrade_stepwise('head')"), 0, 'the same call finishes it');
is(ran('crash'), '001, seeds failed, seeds, vacuum failed, vacuum', '... and records it');
is(query($node, 'crash', "SELECT count(*) FROM cmig.progress"), '0', 'nothing is left');

#
# A standby
#
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
query($node, 'crash', load_sql(repeatable('vacuum', 'SELECT 1;')));
$node->wait_for_catchup($standby);
is($standby->safe_psql('crash', 'SELECT string_agg(revision, $$ $$) FROM cmig.plan()'), 'vacuum', 'plan on a standby');
is($standby->safe_psql('crash', "SELECT problem FROM cmig.check() WHERE object = 'vacuum'"), 'its script has changed since it last ran', 'check on a standby');

done_testing();
