# Copyright (c) 2026, the pg_cmig developers

# Tests pg_cmig on a hot standby: functions that read work, upgrades and downgrades
# fail as all writes do there, and a promoted standby continues where the primary was.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary');
$primary->start;
$primary->safe_psql('postgres', 'CREATE DATABASE shop');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

$primary->safe_psql('shop', 'CREATE EXTENSION pg_cmig');
load_files($primary, 'shop', undef, chain_files('second_brain'));
query($primary, 'shop', "SELECT cmig.upgrade('003')");

sub catch_up
{
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
}
catch_up();

#
# Reading: the same rows on both servers
#
foreach my $look (
	'SELECT * FROM cmig.current()',
	'SELECT * FROM cmig.heads()',
	'SELECT * FROM cmig.branches()',
	'SELECT * FROM cmig.history()',
	'SELECT * FROM cmig.graph()',
	'SELECT * FROM cmig.log()',
	'SELECT length(cmig.report()) > 0',
	"SELECT * FROM cmig.help('upgrade')",
	"SELECT * FROM cmig.history('base:current')",
	"SELECT * FROM cmig.show('current')",
	q{SELECT * FROM cmig.status() WHERE item <> 'standby'},
	"SELECT * FROM cmig.plan('upgrade', 'head')",
	"SELECT * FROM cmig.plan('downgrade', '-1')",
	"SELECT * FROM cmig.plan('upgrade', ARRAY['004'])",
	"SELECT * FROM cmig.resolve('head')",
	'SELECT * FROM cmig.check()',
	"SELECT cmig.require('003')",
	'SELECT * FROM cmig.export()',
	'TABLE cmig.journal')
{
	my $sql = "SELECT count(*), md5(string_agg(t::text, '|')) FROM ($look) t";

	$sql =~ s/\(TABLE (\S+)\)/(SELECT * FROM $1)/;
	is(query($standby, 'shop', $sql), query($primary, 'shop', $sql), "standby: $look");
}
is(query($standby, 'shop', q{SELECT file_name FROM cmig.draft('later', revision => '900')}), '900_later.sql',
	'standby: draft writes a file');
fails_with($standby, 'shop', 'SELECT cmig.require()', 'MG010', 'target database is not up to date',
	'standby: require lists what is pending');
fails_with($standby, 'shop', "SELECT cmig.show('999')", 'MG001', q{can't locate revision},
	'standby: require reports an unknown revision as unknown');

# only the primary knows whether a run is still active
query($primary, 'shop', "INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role, session_role) SELECT 1000, revision, 'upgrade', 'running', now(), current_user, current_user FROM cmig.plan('upgrade', '+1')");
catch_up();
like(query($standby, 'shop', "SELECT item, value FROM cmig.status() WHERE item = 'standby'"), qr/^standby\|yes; shows what it has replayed, up to \d{4}-[^;]+$/, 'status says that it is a standby');
my $metrics = sub { query($_[0], 'shop', "SELECT name, labels, value FROM cmig.metrics WHERE name !~ 'standby|runs_in_progress|lock_waits|backfill_state|_bytes'") };
is($metrics->($standby), $metrics->($primary), 'standby: cmig.metrics');
is(query($standby, 'shop', "SELECT string_agg(name || '=' || value, ' ') FROM cmig.metrics WHERE name ~ 'standby|runs_in_progress|lock_waits'"), 'pg_cmig_standby=1', 'but not what a standby cannot know');
query($standby, 'shop', 'SELECT count(*) FROM cmig.rls_check()');
like(query($standby, 'shop', "SELECT item, value FROM cmig.status() WHERE item IN ('begun', 'running', 'interrupted', 'partially applied')"),
	qr/^begun\|upgrade of 004\S*$/, 'standby: a run in the journal may be active');
like(query($primary, 'shop', "SELECT item, value FROM cmig.status() WHERE item IN ('begun', 'running', 'interrupted', 'partially applied')"),
	qr/^interrupted\|upgrade of 004\S*$/, 'primary: it is shown as interrupted');
query($primary, 'shop', "DELETE FROM cmig.journal WHERE outcome = 'running'");
query($primary, 'shop', "INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, started_at, updated_at) VALUES ('public.users', 'n = 1', 'running', 'ctid', 1, now(), now())");
catch_up();
is(query($standby, 'shop', 'SELECT state FROM cmig.backfill_progress'), 'begun', 'standby: a backfill in its table may be active');
is(query($primary, 'shop', 'SELECT state FROM cmig.backfill_progress'), 'interrupted', 'primary: it is shown as interrupted');
query($primary, 'shop', 'DELETE FROM cmig.backfill_run');
catch_up();

#
# Functions that write fail
#
foreach my $move (
	"cmig.upgrade('head')",
	"cmig.upgrade('003')",
	'cmig.upgrade(1)',
	"cmig.upgrade(ARRAY['004'])",
	"cmig.downgrade('-1')",
	'cmig.downgrade(-1)',
	"cmig.reset('shop')",
	"cmig.stamp('head')",
	"cmig.stamp('head', purge => true)",
	"cmig.create_revision('later', 'SELECT 1')",
	"cmig.merge(ARRAY['004', '005'], 'both')",
	q{cmig.load('-- revision: 900')},
	"cmig.remove_revision('005')",
	"cmig.repair('001')",
	"cmig.enable_audit('public.users')",
	"cmig.enable_audit_schema('public')",
	"cmig.disable_audit('public.users')",
	"cmig.enable_rls('public.users', roles => '{postgres}')",
	"cmig.enable_rls_schema('public', roles => '{postgres}')",
	"cmig.disable_rls('public.users')",
	"cmig.create_scope('one')",
	"cmig.rename_scope('two', 'one')")
{
	fails_with($standby, 'shop', "SELECT $move", '25006', 'cannot execute cmig\.\w+(\(\))? during recovery',
		"standby: $move");
}

foreach my $call ("CALL cmig.backfill('public.users', 'id = id')", "CALL cmig.add_check('public.users', 'c', 'id > 0')", "SELECT cmig.pause('all')", "SELECT cmig.workload_save('one')")
{
	fails_with($standby, 'shop', $call, '25006', 'cannot execute cmig\.\w+(\(\))? during recovery', "standby: $call");
}
{
	local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($standby->host, $standby->port, 'shop');

	gives(3, '^$', 'ERROR:  cannot execute CREATE EXTENSION in a read-only transaction\nHINT:  On a standby, connect to the primary', 'ensure-version');
}

# the same functions in a read-only transaction on the primary, which raise another
# message
fails_with($primary, 'shop', "BEGIN READ ONLY; SELECT cmig.upgrade('head')", '25006',
	'cannot execute cmig\.upgrade(\(\))? in a read-only transaction', 'read-only transaction: upgrade');
is(query($primary, 'shop', 'BEGIN READ ONLY; SELECT revision FROM cmig.current()'), '003_add_full_name_to_users',
	'read-only transaction: current');

#
# Committed changes of the primary arrive, and an uncommitted run does not
#
my $writer = $primary->background_psql('shop');
$writer->query_safe("SET client_min_messages = warning");
$writer->query_safe("BEGIN; SELECT cmig.upgrade('004')");
catch_up();
is(query($standby, 'shop', 'SELECT revision FROM cmig.current()'), '003_add_full_name_to_users',
	'standby: an uncommitted upgrade is not visible');
$writer->query_safe('COMMIT');
$writer->quit;
catch_up();
is(query($standby, 'shop', 'SELECT revision FROM cmig.current()'), '004_add_email_verified_column_to_users',
	'standby: a committed upgrade is visible');

# Downgrading on the primary takes locks that conflict with a query on the
# standby, but not if the query only reads pg_cmig's own tables.
my $reader = $standby->background_psql('shop');
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($reader->query_safe('SELECT revision FROM cmig.current()'), '004_add_email_verified_column_to_users',
	'standby: a reader starts');
query($primary, 'shop', "SELECT cmig.downgrade('-1')");
catch_up();
is($reader->query_safe('SELECT revision FROM cmig.current()'), '004_add_email_verified_column_to_users',
	'standby: the reader keeps its snapshot and does not wait');
$reader->query_safe('COMMIT');
is($reader->query_safe('SELECT revision FROM cmig.current()'), '003_add_full_name_to_users',
	'standby: the next query sees the downgrade');
$reader->quit;

#
# Two versions at once: the standby reads through the version's schema
#
$primary->safe_psql('postgres', 'CREATE DATABASE versions');
query($primary, 'versions', 'CREATE EXTENSION pg_cmig;' . load_sql(revision_file('001', '', q{CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL);}, ''),
		revision_file('042', '001', q{ALTER TABLE person ADD first text NOT NULL;
-- cmig:up person.first = split_part(name, ' ', 1)
ALTER TABLE person DROP name;
-- cmig:down person.name = first || ' ?'}, '') =~ s/(-- message)/-- expand: true\n$1/r)
	  . q{SELECT cmig.upgrade('001'); INSERT INTO person VALUES (1, 'A B');});
query($primary, 'versions', 'CALL cmig.expand()');
query($primary, 'versions', q{INSERT INTO person VALUES (2, 'C D'); INSERT INTO public_042.person VALUES (3, 'E')});
catch_up();
my $as_new = 'SET search_path = public_042, public; ';
is(query($standby, 'versions', "$as_new SELECT * FROM person ORDER BY id"), "1|A\n2|C\n3|E", 'standby: the new version');
is(query($standby, 'versions', 'SELECT id, name FROM person ORDER BY id'), "1|A B\n2|C D\n3|E ?", 'standby: the old version');
is(query($standby, 'versions', 'SELECT count(*) FROM cmig.expansion()'), query($primary, 'versions', 'SELECT count(*) FROM cmig.expansion()'), 'standby: cmig.expansion');
is(query($standby, 'versions', q{SELECT cmig.require('042')}), '', 'standby: cmig.require of an expanded revision');
fails_with($standby, 'versions', "CALL cmig.$_()", '25006', '', "standby: cmig.$_") foreach qw(expand contract abandon);

fails_with($standby, 'versions', 'SELECT * FROM cmig.workload_check()', '55000', 'On the primary, as a superuser: CREATE EXTENSION pg_stat_statements', 'standby: cmig.workload_check');

#
# Promotion in the middle of a run: the run is lost, and the next upgrade starts where
# that run started
#
$writer = $primary->background_psql('shop');
$writer->query_safe("SET client_min_messages = warning");
$writer->query_safe("BEGIN; SELECT cmig.upgrade('head')");
catch_up();
$standby->promote;
$primary->stop('immediate');
eval { $writer->quit };
is(query($standby, 'shop', 'SELECT revision FROM cmig.current()'), '003_add_full_name_to_users',
	'promoted: nothing of the uncommitted run remains');
is(query($standby, 'shop', "SELECT revision FROM cmig.upgrade('head')"),
	"004_add_email_verified_column_to_users\n005_create_spaced_rep_cards_table", 'promoted: upgrade works');
is(query($standby, 'shop', q{SELECT string_agg(left(revision, 3) || ' ' || direction, ', ' ORDER BY id) FROM cmig.journal}),
	'001 upgrade, 002 upgrade, 003 upgrade, 004 upgrade, 004 downgrade, 004 upgrade, 005 upgrade',
	'promoted: the journal continues');

query($standby, 'versions', q{INSERT INTO person VALUES (4, 'G H'); INSERT INTO public_042.person VALUES (5, 'I')});
is(query($standby, 'versions', 'SELECT string_agg(name, $$,$$ ORDER BY id) FROM person'), 'A B,C D,E ?,G H,I ?', 'promoted: both versions are written');
query($standby, 'versions', 'CALL cmig.contract()');
is(query($standby, 'versions', "$as_new SELECT * FROM person ORDER BY id"), "1|A\n2|C\n3|E\n4|G\n5|I", 'promoted: contracted');

$standby->stop;
done_testing();
