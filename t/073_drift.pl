# Copyright (c) 2026, the pg_cmig developers

# Tests cmig.drift and cmig.round_trip with the example chains, as the database's owner,
# who is not a superuser.  Nothing must be reported if nothing has changed, and more
# than forty kinds of manual changes must be found, repaired, captured, and reverted.
# If a call of cmig.drift is killed, nothing is left.  During a call, other sessions can
# write, and a second call waits.  A standby refuses the call.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('drift', 'restart_after_crash = on', 'max_locks_per_transaction = 256');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE mindbridge_maintenance; CREATE ROLE mnfst_maintenance;'
	  . ' CREATE ROLE mnfst_app; CREATE ROLE byhand; CREATE ROLE owner LOGIN');

# drift(DATABASE): returns what cmig.drift finds, one line per difference
sub drift
{
	my ($db) = @_;

	return query($node, $db, "SELECT concat_ws(' ', action, kind, object, hazard) FROM cmig.drift(owners => true) ORDER BY step", 'owner');
}

my @chains = map { m{([^/]+)$} } grep { -d } glob("$CmigNode::top/migrations/*");
foreach my $chain (@chains)
{
	my @files = chain_files($chain);

	$node->safe_psql('postgres', "CREATE DATABASE $chain OWNER owner");
	query($node, $chain, 'CREATE EXTENSION pg_cmig', 'owner');
	load_files($node, $chain, 'owner', @files);
	is(drift($chain), '', "$chain: no drift before the upgrade");

	# Differences that remain because a downgrade does not restore something, or because
	# a revision has no downgrade.
	my $trips = query($node, $chain, "SELECT string_agg(concat_ws(' ', revision, problem, kind, object), ', ') FROM cmig.round_trip()", 'owner');
	unlike($trips, qr/cannot be replayed|fails|order of branches/, "$chain: round trip") or diag($trips);
	note("$chain: $trips");

	query($node, $chain, "CALL cmig.upgrade_stepwise('heads')", 'owner');
	is(drift($chain), '', "$chain: no drift after the upgrade");
	is(query($node, $chain, "SELECT string_agg(concat_ws(' ', revision, message), ', ') FROM cmig.verify() WHERE NOT ok", 'owner'), '',
		"$chain: verify sections pass");

	# Manual changes of each kind that the chain's objects allow.
	my $changes = slurp_file("$CmigNode::top/t/data/drift/changes.sql");
	my @made = map { [ split /\t/ ] } split /\n/,
	  query($node, $chain, "$changes; SELECT concat_ws(E'\\t', name, object) FROM pg_temp.change_by_hand()", 'owner');
	my %found = map { $_ => 1 } split /\n/, query($node, $chain, "SELECT concat(kind, ' ', object) FROM cmig.drift(owners => true)", 'owner');
	cmp_ok(scalar(@made), '>=', 40, "$chain: changes by hand");
	note("$chain: " . join(', ', map { $_->[0] } @made));
	is(join(', ', map { "$_->[0]: $_->[1]" } grep { !$found{ $_->[1] } } @made), '', "$chain: all of them are found");
	is(query($node, $chain, "SELECT string_agg(concat_ws(' ', kind, object, hazard), ', ') FROM cmig.drift(owners => true) WHERE action = 'unsupported'", 'owner'),
		'', "$chain: all of them are supported");

	my $repairs = query($node, $chain, "SELECT string_agg(upgrade_sql, '; ' ORDER BY step) FROM cmig.drift(owners => true)", 'owner');
	is(query($node, $chain, "BEGIN; $repairs; SELECT string_agg(concat_ws(' ', action, kind, object), ', ') FROM cmig.drift(owners => true); ROLLBACK", 'owner'), '',
		"$chain: repaired");
	my $notices;
	$node->psql($chain, 'SELECT cmig.drift()', stderr => \$notices, extra_params => [ '-U', 'owner' ]);
	like($notices, qr/left unchanged: .*\bisn\b/, "$chain: an extension that no revision has created is left alone");
	is(query($node, $chain, "SELECT content ~ 'CREATE EXTENSION [^;]*\\misn\\M' FROM cmig.capture('By hand', store => true, head => 'head', owners => true)", 'owner'), 't',
		"$chain: a captured table's extension is captured, too");
	is(drift($chain), '', "$chain: captured");
	query($node, $chain, "SET cmig.concurrent_ddl = off; SELECT count(*) FROM cmig.downgrade('-1')", 'owner');
	is(drift($chain), '', "$chain: and reverted");
	query($node, $chain, 'SELECT count(*) FROM cmig.upgrade()', 'owner');
	is(drift($chain), '', "$chain: and made again");
	like(query($node, $chain, "SELECT value FROM cmig.status() WHERE item = 'drift'", 'owner'), qr/seconds? ago: no drift$/, "$chain: status");
	query($node, $chain, "SET cmig.concurrent_ddl = off; SELECT cmig.remove_revision(revision) FROM cmig.downgrade('-1')", 'owner');
}

# A slow revision, which waits for an advisory lock if another session holds the lock.
my $db = 'second_brain';
query($node, $db, "SELECT cmig.create_revision('slow', 'DO \$\$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); END \$\$', 'SELECT 1', revision => 'slow')", 'owner');
query($node, $db, 'SELECT count(*) FROM cmig.upgrade()', 'owner');
query($node, $db, 'CREATE TABLE byhand (a integer)', 'owner');

# drift is killed while it replays revisions and another session writes
my $gate = start_psql($node, $db, 'SELECT pg_advisory_lock(1), pg_sleep(3600)', 'gate');
$node->poll_query_until($db, "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted");
my $drift = start_psql($node, $db, 'SET ROLE owner; SELECT count(*) FROM cmig.drift()', 'drift');
my $pid = wait_until_blocked($node, 'drift');
query($node, $db, 'INSERT INTO byhand VALUES (1); ALTER TABLE byhand ADD b integer; CREATE INDEX ON byhand (a); CREATE TABLE beside (a integer); DROP TABLE beside', 'owner');
is(query($node, $db, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^cmig_away'"), '0', 'other sessions see nothing of a replay');

# a second call waits for the first one
my $second = start_psql($node, $db, 'SET ROLE owner; SELECT count(*) FROM cmig.drift()', 'second');
$node->poll_query_until($db, "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'second' AND wait_event_type = 'Lock'");
my $rows = query($node, $db, "SELECT count(*) FROM cmig.journal WHERE direction = 'drift'");
kill_backend($pid);
finish_psql($drift);
finish_psql($second);
finish_psql($gate);
wait_for_recovery($node);
is(query($node, $db, "SELECT count(*) FROM cmig.journal WHERE direction = 'drift'"), $rows, 'a killed drift leaves no row in the journal');
is(query($node, $db, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^cmig_away'"), '0', 'nor a schema');
like(drift($db), qr/^drop table public.byhand data loss: table public.byhand \(8192 bytes/, 'the next one finds what is there');

# two calls at the same time run one after the other
my @both = map { start_psql($node, $db, 'SET ROLE owner; SELECT count(*) FROM cmig.drift()', "both$_") } 1 .. 2;
is(finish_psql($_), 0, 'one of two succeeds') or diag($_->{err}) foreach @both;
is(query($node, $db, "SELECT string_agg(message, '; ') FROM (SELECT message FROM cmig.journal WHERE direction = 'drift' ORDER BY id DESC LIMIT 2) j"),
	'1 difference: table public.byhand; 1 difference: table public.byhand', 'both are journaled');

# drift is canceled
$gate = start_psql($node, $db, 'SELECT pg_advisory_lock(1), pg_sleep(3600)', 'gate');
$node->poll_query_until($db, "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted");
$drift = start_psql($node, $db, 'SET ROLE owner; SELECT count(*) FROM cmig.drift(raise => false)', 'drift');
$pid = wait_until_blocked($node, 'drift');
query($node, $db, "SELECT pg_cancel_backend($pid)");
finish_psql($drift);
like($drift->{err}, qr/57014/, 'a cancel is an error, also with raise => false');
query($node, $db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate'");
finish_psql($gate);
fails_with($node, $db, "SET cmig.lock_timeout = '1ms'; BEGIN; SELECT cmig.drift(); SET cmig.lock_timeout = 0; SELECT 1 / 0", '22012', 'division', 'lock_timeout is not in the way');

# while a stepwise run is in progress
$gate = start_psql($node, $db, 'SELECT pg_advisory_lock(1), pg_sleep(3600)', 'gate');
$node->poll_query_until($db, "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted");
query($node, $db, "SELECT cmig.create_revision('slow, too', 'DO \$\$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); END \$\$', 'SELECT 1', revision => 'slow2')", 'owner');
my $run = start_psql($node, $db, "CALL cmig.upgrade_stepwise('heads')", 'stepwise');
wait_until_blocked($node, 'stepwise');
fails_with($node, $db, 'SELECT cmig.drift()', '55P03', 'stepwise', 'not during a stepwise run');
query($node, $db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate'");
finish_psql($gate);
is(finish_psql($run), 0, 'the run goes on') or diag($run->{err});

# schemas that are renamed, also to each other's names
$node->safe_psql('postgres', 'CREATE DATABASE renamed OWNER owner');
query($node, 'renamed', "CREATE EXTENSION pg_cmig; SELECT cmig.create_revision('m', up, down) FROM (VALUES "
	  . "(1, 'CREATE SCHEMA a; CREATE TABLE a.t (id int)', 'DROP TABLE a.t; DROP SCHEMA a'), (2, 'ALTER SCHEMA a RENAME TO b', 'ALTER SCHEMA b RENAME TO a'), "
	  . "(3, 'ALTER SCHEMA b RENAME TO c; CREATE SCHEMA b; CREATE TABLE b.u (id int)', 'DROP TABLE b.u; DROP SCHEMA b; ALTER SCHEMA c RENAME TO b'), "
	  . "(4, 'ALTER SCHEMA b RENAME TO d; ALTER SCHEMA c RENAME TO b; ALTER SCHEMA d RENAME TO c', 'ALTER SCHEMA c RENAME TO d; ALTER SCHEMA b RENAME TO c; ALTER SCHEMA d RENAME TO b'), "
	  . "(5, 'ALTER SCHEMA c RENAME TO d; CREATE SCHEMA c; DROP TABLE d.u; DROP SCHEMA d', 'CREATE SCHEMA d; CREATE TABLE d.u (id int); DROP SCHEMA c; ALTER SCHEMA d RENAME TO c')) r (n, up, down)", 'owner');
foreach my $n (1 .. 5)
{
	query($node, 'renamed', "SELECT cmig.upgrade('+1')", 'owner');
	is(drift('renamed') . query($node, 'renamed', 'SELECT * FROM cmig.round_trip()', 'owner'), '', "schemas are renamed: nothing is found after $n revisions");
}
query($node, 'renamed', 'ALTER TABLE b.t ADD y int; GRANT USAGE ON SCHEMA b TO PUBLIC', 'owner');
is(drift('renamed') =~ s/\n/; /r, 'drop column b.t.y data loss: column b.t.y; alter schema b', 'schemas are renamed: what was changed is found');

# on a standby
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
fails_with($standby, $db, 'SELECT cmig.drift()', '25006', 'cannot execute cmig.drift\(\) during recovery', 'no drift on a standby');
fails_with($standby, $db, "SELECT cmig.capture('x')", '25006', 'cannot execute cmig.capture\(\) during recovery', 'no capture on a standby');
fails_with($standby, $db, 'SELECT cmig.round_trip()', '25006', 'cannot execute cmig.round_trip\(\) during recovery', 'no round trip on a standby');
is($standby->safe_psql('mnfst_rag', 'SELECT count(*) FROM cmig.verify() WHERE NOT ok'), '0', 'verify works on a standby');
like($standby->safe_psql($db, "SELECT value FROM cmig.status() WHERE item = 'drift'"), qr/ago: /, 'status on a standby knows of the drift');

done_testing();
