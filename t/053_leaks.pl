# Copyright (c) 2026, the pg_cmig developers

# Tests that no SQL function leaks memory.  Each function is called many times in one
# session, whose memory contexts must not grow.  CMIG_LEAK_CALLS is the number of calls,
# and CMIG_LEAK_SECONDS is the maximum time for each function; the tests' names contain
# the actual number of calls.  CMIG_LEAK_ONLY can list the functions to call, separated
# by spaces.
#
# The memory is measured at the beginning and after each third of the calls.  A leak
# makes it grow in each third, so the median is tested.  What is cached late makes it
# grow in only one of them.  If the median has grown, the calls are repeated in a new
# session.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $calls = $ENV{CMIG_LEAK_CALLS} // 90;
my $seconds = $ENV{CMIG_LEAK_SECONDS} // 86400;

# The limits for the growth in all calls, and for the median growth of the thirds, as a
# total and per call; all in bytes.  A session's statistics may grow by some 100 bytes.
my $allowed = 96 * 1024;
my $allowed_in_third = 512;
my $allowed_per_call = 8;

# Functions that only read, with at least one row of each kind to read.
my %looking = (
	expansion => ["cmig.expansion()"],
	expansion_mark => ["cmig.expansion_mark(1)"],
	expansion_unset => ["cmig.expansion_unset(1)"],
	expansion_view => ["cmig.expansion_view()"],
	version_schema => ["cmig.version_schema('042')"],
	audit_as_of => [ "cmig.audit_as_of(NULL::audited, now())", "cmig.audit_as_of(NULL::audited, now(), 1)" ],
	audit_diff => ["cmig.audit_diff('audited'::regclass, 1, now() - interval '1 day')"],
	audit_history => [ "cmig.audit_history('audited'::regclass, 1)", "cmig.audit_history('audited', '1')" ],
	audit_report => ["cmig.audit_report()"],
	audit_script => ["cmig.audit_script('plain'::regclass)"],
	audit_status => ["cmig.audit_status()"],
	audit_transaction => ["cmig.audit_transaction((SELECT max(transaction_id) FROM cmig_audit.log))"],
	branches => ["cmig.branches()"],
	schema_sql => ["cmig.schema_sql()"],
	scope_drift => ["cmig.scope_drift()"],
	scopes => ["cmig.scopes()"],
	plan_scopes => [ "cmig.plan_scopes('upgrade', 'head', '%')", "cmig.plan_scopes('downgrade', 'base', '%')" ],
	screen => [q{cmig.screen('lint', '[{"revision": "001", "line": 1, "severity": "error", "message": "m", "rule": "r"}]')}],
	wait_for_replicas => ["cmig.wait_for_replicas()"],
	check => [ "cmig.\"check\"()", "cmig.\"check\"(true)" ],
	clear_context => ["cmig.clear_context(), cmig.set_context('1', '1', false)"],
	context => ["cmig.context()"],
	current => ["cmig.current()"],
	current_tenant_id => ["cmig.current_tenant_id()"],
	current_user_id => ["cmig.current_user_id()"],
	draft => ["cmig.draft('a draft')"],
	export => [ "cmig.export()", "cmig.export(ARRAY['001', '002'])" ],
	heads => ["cmig.heads()"],
	graph => [ "cmig.graph()", "cmig.graph('001:', 'dot')", "cmig.graph(format => 'mermaid')" ],
	report => ["cmig.report()"],
	help => [ "cmig.help()", "cmig.help('upgrade')" ],
	log => ["cmig.log()"],
	history => [ "cmig.history()", "cmig.history('001:')" ],
	lint => ["cmig.lint()"],
	metric_counts => ["cmig.metric_counts()"],
	metrics_read => ["cmig.metrics_read()"],
	preflight => ["cmig.preflight()"],
	preflight_rows => ["cmig.preflight_rows('[]', now())"],
	import_tools => ["cmig.import_tools('{001_a.sql}', '{-- migrate:up}')"],
	import_files => ["cmig.import_files('flyway', '{V1__a.sql,U1__a.sql}', '{\"CREATE TABLE x (a int)\",DROP TABLE x}')"],
	lint_sql => ["cmig.lint_sql('CREATE INDEX ON plain (n); ALTER TABLE plain ADD x int')"],
	plan => ["cmig.plan('upgrade', 'head')"],
	require => ["cmig.require('001')"],
	require_tenant_id => ["cmig.require_tenant_id()"],
	require_user_id => ["cmig.require_user_id()"],
	resolve => ["cmig.resolve('head')"],
	rls_check => ["cmig.rls_check()"],
	rls_rules => ["cmig.rls_rules(ARRAY[2200::oid], 'MEMBER')"],
	rls_script => ["cmig.rls_script('plain'::regclass, roles => '{leak_role}')"],
	rls_status => ["cmig.rls_status()"],
	script => ["cmig.script('upgrade', '001:head')"],
	set_context => ["cmig.set_context('1', '1', true)"],
	show => ["cmig.show('002')"],
	stats_export => ["cmig.stats_export()", "cmig.stats_export(true)"],
	status => ["cmig.status()"],
);

# Statements that write, each in its own transaction.  Creating objects takes long, so
# these statements are run once for several calls of other functions, unless
# CMIG_LEAK_SECONDS is set.
my %writing = (
	add_check => [ 50, "CALL cmig.add_check('plain', 'plain_c', 'n >= 0')", "ALTER TABLE plain DROP CONSTRAINT plain_c" ],
	add_foreign_key => [ 50, "CALL cmig.add_foreign_key('plain', 'owner', 'owner')",
		"ALTER TABLE plain DROP CONSTRAINT plain_owner_fkey" ],
	add_not_null => [ 50, "CALL cmig.add_not_null('plain', 'n')", "ALTER TABLE plain ALTER n DROP NOT NULL" ],
	add_unique => [ 50, "CALL cmig.add_unique('plain', 'n')", "ALTER TABLE plain DROP CONSTRAINT plain_n_key" ],
	allow_ddl => [ 20, "BEGIN", "SELECT cmig.allow_ddl('a reason')", "COMMIT" ],
	audit_import => [ 20, "SELECT cmig.audit_import('old_log')" ],
	audit_retain => [ 20, "CALL cmig.audit_retain(interval '10 years')" ],
	autogenerate => [ 20, "SELECT cmig.upgrade('003')", "SELECT cmig.autogenerate('other', 'CREATE TABLE other (id integer)')",
		"SELECT cmig.downgrade('-1')" ],
	backfill => [ 50, "CALL cmig.backfill('plain', 'n = n + 0')" ],
	baseline => [ 20, "SELECT cmig.baseline('base', 'b01', schemas => '{apart}')", "DELETE FROM cmig.version WHERE revision = 'b01'",
		"SELECT cmig.remove_revision('b01')" ],
	capture => [ 20, "BEGIN", "SELECT cmig.upgrade('003')", "SELECT cmig.capture('drifted', 'c01', schemas => '{apart}')", "ROLLBACK" ],
	create_revision => [ 20, "SELECT cmig.create_revision('more', 'SELECT 1', 'SELECT 2', revision => '004')",
		"SELECT cmig.remove_revision('004')" ],
	diff => [ 20, "SELECT cmig.diff('CREATE TABLE other (id integer)')" ],
	diff_schemas => [ 20, "SELECT cmig.diff_schemas('public', 'apart')" ],
	disable_audit => [ 50, "SELECT cmig.enable_audit('plain')", "SELECT cmig.disable_audit('plain')" ],
	disable_rls => [ 50, "SELECT cmig.enable_rls('plain', roles => '{leak_role}')", "SELECT cmig.disable_rls('plain')" ],
	dry_run => [ 20, "SELECT cmig.dry_run('upgrade', '003')" ],
	drift => [ 20, "SELECT cmig.drift('{apart}', raise => false)" ],
	downgrade => [ 20, "SELECT cmig.upgrade('003')", "SELECT cmig.downgrade('-1')" ],
	downgrade_stepwise => [ 20, "CALL cmig.upgrade_stepwise('003')", "CALL cmig.downgrade_stepwise('-1')" ],
	enable_audit_schema => [ 50, "SELECT cmig.enable_audit_schema('apart')", "SELECT cmig.disable_audit('apart.t')" ],
	enable_rls_schema => [ 50, "SELECT cmig.enable_rls_schema('apart', roles => '{leak_role}')", "SELECT cmig.disable_rls('apart.t')" ],
	grant_access => [ 50, "SELECT cmig.grant_access('leak_role', 'migrator')", "SELECT cmig.revoke_access('leak_role')" ],
	load => [ 20, "SELECT cmig.load(:'files')" ],
	locate => [ 20, "SELECT cmig.locate()" ],
	import_state => [ 20, "SELECT cmig.import_state('alembic', 'tool_version')", "SELECT cmig.stamp('002')" ],
	load_directory => [ 20, "SELECT cmig.load_directory(:'folder')" ],
	merge => [ 20, "SELECT cmig.create_revision('fork', 'SELECT 1', head => '001', splice => true, revision => '00f')",
		"SELECT cmig.merge('{003,00f}'::text[], 'one again', revision => '00m')",
		"SELECT cmig.remove_revision('00m')", "SELECT cmig.remove_revision('00f')" ],
	repair => [ 20, "SELECT cmig.repair('001')" ],
	require_schema => [ 20, "SELECT cmig.upgrade('003')",
		"DO \$\$BEGIN PERFORM cmig.require_schema('CREATE TABLE other (id integer)'); EXCEPTION WHEN OTHERS THEN END\$\$",
		"SELECT cmig.downgrade('-1')" ],
	reset => [ 50, "SELECT cmig.reset('leaks')", "SELECT cmig.upgrade('002')" ],
	reset_stepwise => [ 50, "CALL cmig.reset_stepwise('leaks')", "CALL cmig.upgrade_stepwise('002')" ],
	create_scope => [ 20, "SELECT cmig.create_scope('tenant_0', '001')", "SELECT cmig.drop_scope('tenant_0', 'tenant_0')" ],
	upgrade_scopes => [ 20, "CREATE SCHEMA tenant_1", "CALL cmig.upgrade_scopes('tenant%', '002')", "SELECT cmig.drop_scope('tenant_1', 'tenant_1')" ],
	downgrade_scopes => [ 20, "SELECT cmig.create_scope('tenant_1', '002')", "CALL cmig.downgrade_scopes('tenant%', '-1')", "SELECT cmig.drop_scope('tenant_1', 'tenant_1')" ],
	rename_scope => [ 20, "SELECT cmig.create_scope('tenant_1', '002')", "SELECT cmig.rename_scope('tenant_1', 'tenant_2')", "SELECT cmig.drop_scope('tenant_2', 'tenant_2')" ],
	rls_test => [ 50, "SELECT cmig.rls_test('secured', 'leak_role', '1', '2')" ],
	round_trip => [ 20, "SELECT cmig.round_trip()" ],
	set_ddl_policy => [ 20, "SELECT cmig.set_ddl_policy('log')", "CREATE TABLE logged ()", "DROP TABLE logged", "SELECT cmig.set_ddl_policy(NULL)" ],
	set_option => [ 20, "SELECT cmig.set_option('cmig.lock_timeout', '5s')" ],
	set_protect => [ 20, "SELECT cmig.set_protect('off')" ],
	squash => [ 20, "SELECT cmig.squash('001:002', 'one')" ],
	stamp => [ 20, "SELECT cmig.stamp('001')", "SELECT cmig.stamp('002')" ],
	throttle => [ 20, "SELECT cmig.throttle('all', 100)", "SELECT cmig.pause('all')", "SELECT cmig.resume_run('all')", "SELECT cmig.throttle('all', NULL)" ],
	verify => [ 20, "SELECT cmig.verify()" ],
	workload_check => [ 20, "SELECT cmig.workload_check(queries => ARRAY['SELECT * FROM plain WHERE id = 1', 'UPDATE plain SET n = 1'])" ],
	workload_save => [ 20, "SELECT cmig.workload_save('all')" ],
);
my %beside = map { $_ => 1 } qw(abandon abandon_partial audit_trigger contract expand expansion_begin expansion_key expansion_write ddl_event ddl_trigger journal_trigger enable_audit enable_rls drop_scope pause remove_revision resume_run revoke_access upgrade upgrade_stepwise);

my %known = map { $_ => 1 } keys %looking, keys %writing, keys %beside;
if (my %only = map { $_ => 1 } split / /, $ENV{CMIG_LEAK_ONLY} // '')
{
	delete @looking{ grep { !$only{$_} } keys %looking };
	delete @writing{ grep { !$only{$_} } keys %writing };
}

my $node = new_node('leaks', 'jit = off', 'max_locks_per_transaction = 256', "shared_preload_libraries = 'pg_stat_statements'");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE leaks');

my $folder = PostgreSQL::Test::Utils::tempdir();
my $files = join '', map { revision_file($_->[0], $_->[1], 'SELECT 1;', 'SELECT 2;') }
  ([ '001', '' ], [ '002', '001' ], [ '003', '002' ]);
mkdir "$folder/files";
append_to_file("$folder/files/all.sql", $files);

query($node, 'leaks', q{
CREATE ROLE leak_role;
CREATE EXTENSION pg_cmig;
CREATE EXTENSION pg_stat_statements;
CREATE TABLE owner (id integer PRIMARY KEY);
CREATE TABLE plain (id integer PRIMARY KEY, n integer, owner integer, tenant_id text, user_id text);
INSERT INTO plain SELECT i, i FROM generate_series(1, 20) i;
CREATE TABLE old_log (table_name text, clock_at timestamptz, operation text, new_row jsonb);
INSERT INTO old_log VALUES ('gone', '2020-01-01', 'insert', '{"id": 1}');
CREATE TABLE audited (id integer PRIMARY KEY, v text);
CREATE TABLE secured (id integer PRIMARY KEY, tenant_id text DEFAULT '1', user_id text DEFAULT '1');
CREATE TABLE tool_version (version_num text);
INSERT INTO tool_version VALUES ('002');
CREATE SCHEMA apart;
CREATE TABLE apart.t (id integer PRIMARY KEY, tenant_id text, user_id text);
GRANT ALL ON secured TO leak_role;
SELECT cmig.enable_audit('audited');
INSERT INTO audited VALUES (1, 'a'), (2, 'b');
UPDATE audited SET v = v || 'c';
SELECT cmig.enable_rls('secured', roles => '{leak_role}');
INSERT INTO secured VALUES (1, '1', '1'), (2, '2', '2');
} . load_sql($files) . "SELECT cmig.upgrade('002');");

# The server caches catalog rows, and the foreign keys that a session has created, until
# the session ends.  Generic plans are freed and built again; only the query strings of
# cached plans are counted.  Statistics are sent once in a second, so what waits to be
# sent grows and shrinks with the time.
my $size = "SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name NOT IN ('CacheMemoryContext', 'RI constraint cache', 'CachedPlan', 'PgStat Pending')";

# Everything runs in one session, which prints lines of the form "name when calls bytes":
# the number of calls before each measurement.
my $third = int(($calls + 2) / 3);
my $third_seconds = $seconds / 3.0;
my $script = "SET client_min_messages = error;\nSELECT cmig.set_context('1', '1');\n";
foreach my $name (sort keys %looking)
{
	foreach my $n (0 .. $#{ $looking{$name} })
	{
		my $call = $looking{$name}[$n];

		# within a statement, and after statements
		$script .= <<"SQL";
DO \$leak\$
DECLARE
	done bigint := 0;
	start timestamptz;
	points text[];
BEGIN
	FOR i IN 1 .. 20 LOOP
		PERFORM count(*) FROM $call;
	END LOOP;
	FOR i IN 0 .. 4 LOOP
		start := clock_timestamp();
		FOR j IN 1 .. CASE WHEN i > 1 THEN $third ELSE 1 END LOOP
			PERFORM count(*) FROM $call;
			done := done + 1;
			EXIT WHEN clock_timestamp() > start + $third_seconds / 2.0 * interval '1 second';
		END LOOP;
		-- the first measurement is not used
		points[i] := done || ' ' || ($size);
	END LOOP;
	PERFORM set_config('leak.points', points::text, false), set_config('leak.third', (done / 3 + 1)::text, false);
END \$leak\$;
SELECT '$name $n-within ' || point FROM unnest((current_setting('leak.points')::text[])[1:]) point;
SQL
		my $loop = "DO \$leak\$ BEGIN FOR i IN 1 .. current_setting('leak.third')::bigint LOOP PERFORM count(*) FROM $call; END LOOP; END \$leak\$;\n";
		$script .= "$loop\\o /dev/null\n$size;\n\\o\n" . join $loop, map { "SELECT '$name $n-after ' || $_ * current_setting('leak.third')::bigint || ' ' || ($size);\n" } 0 .. 3;
	}
}
append_to_file("$folder/looking.sql", $script);

$script = "SET client_min_messages = error;\n\\set files `cat $folder/files/all.sql`\n\\set folder '$folder/files'\n";
foreach my $name (sort keys %writing)
{
	my ($each, @statements) = @{ $writing{$name} };
	my $rounds = $ENV{CMIG_LEAK_SECONDS} ? $third : int(($calls / $each + 6) / 3);
	my $some = $rounds < 20 ? $rounds : 20;
	my $round = join '', map { "$_;\n" } @statements;

	append_to_file("$folder/$name.sql", $round x $some);
	# skip what a session does only in its first calls, such as choosing a generic plan
	# at the sixth execution
	$script .= "\\o /dev/null\n" . join('', map { "$round$size;\n" } 1 .. 8) . "\\o\n"
	  . "\\set done 0\nSELECT '$name 0-after ' || :done || ' ' || ($size);\n";
	foreach my $slice (1 .. 3)
	{
		$script .= "SELECT clock_timestamp() + $third_seconds * interval '1 second' AS until \\gset\n";
		for (my $i = 0; $i < $rounds; $i += $some)
		{
			$script .= "SELECT clock_timestamp() > :'until' AS over \\gset\n\\if :over\n\\else\n\\o /dev/null\n\\i $folder/$name.sql\n"
			  . "\\o\nSELECT :done + $some AS done \\gset\n\\endif\n";
		}
		$script .= "SELECT '$name 0-after ' || :done || ' ' || ($size);\n";
	}
}
append_to_file("$folder/writing.sql", $script);

my @unknown = grep { !$known{$_} } split /\n/,
  $node->safe_psql('leaks', "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace ORDER BY 1");
is("@unknown", '', 'each function is called in this test');

# grown(PART, MESSAGE): runs the calls of a part, and returns for each key whether the
# memory has grown, and the name of its test
sub grown
{
	my ($part, $message) = @_;
	my ($out, $err) = ('', '');
	my $good = IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('leaks'), '-f', "$folder/$part.sql" ],
		'<', \undef, '>', \$out, '2>', \$err);
	my (%points, %result);

	ok($good, $message) or diag($err);
	foreach my $line (grep { /^\w+ \d-(?:within|after) \d+ \d+$/ } split /\n/, $out)
	{
		my ($name, $when, $done, $bytes) = split / /, $line;
		push @{ $points{"$name $when"} }, [ $done, $bytes ];
	}
	foreach my $key (keys %points)
	{
		my @points = @{ $points{$key} };
		my ($name, $when) = $key =~ /(\w+) \d-(\w+)/;
		my $grown = $points[3][1] - $points[0][1];
		my ($third) = (sort { $a->[0] <=> $b->[0] } map { [ $points[$_][1] - $points[$_ - 1][1], $points[$_][0] - $points[$_ - 1][0] || 1 ] } 1 .. 3)[1];
		my $per_call = $third->[0] / $third->[1];

		$result{$key} = [ $grown >= $allowed || ($third->[0] >= $allowed_in_third && $per_call >= $allowed_per_call),
			sprintf('%s: memory %s %d calls: %+d bytes, %+.1f per call', $name, $when, $points[3][0], $grown, $per_call) ];
	}
	return %result;
}

# A leak grows whenever the function is called.  The caches also grow and shrink when
# other processes invalidate them, so what has grown is measured again in a new session.
foreach my $part (qw(looking writing))
{
	my %first = grown($part, "$part: ran to its end");
	my @grown = map { $first{$_}[1] } grep { $first{$_}[0] } sort keys %first;
	my %second = @grown ? grown($part, "$part: measured again") : %first;

	diag("measured again because of: $_") foreach @grown;
	ok(!$first{$_}[0] || !$second{$_}[0], $second{$_}[1]) foreach sort keys %first;
}
$node->stop;
done_testing();
