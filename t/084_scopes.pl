# Copyright (c) 2026, the pg_cmig developers

# Tests CALL cmig.upgrade_scopes: it is killed in the middle of a scope, two sessions
# share the work, and it upgrades more scopes than one transaction could lock.  Also
# tests that the rows of scopes are dumped and restored.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Utils;
use Test::More;

my $scopes = 60;
my $node = new_node('scopes', 'autovacuum = off', 'max_locks_per_transaction = 10', 'max_connections = 10', 'restart_after_crash = on');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
query($node, 'shop', 'CREATE EXTENSION pg_cmig; CREATE TABLE gate (x int);');
query($node, 'shop', join ' ', map { sprintf 'CREATE SCHEMA tenant_%02d;', $_ } 1 .. $scopes);

# A revision that creates five tables, and one that waits for a lock on the table gate
# in the scope tenant_20.
query($node, 'shop', load_sql(
	revision_file('001', '', join("\n", map { "CREATE TABLE t$_ (id int PRIMARY KEY, name text);" } 1 .. 5), 'DROP TABLE t1, t2, t3, t4, t5;'),
	revision_file('002', '001', q{
ALTER TABLE t1 ADD n int;
DO $$ BEGIN IF current_schema = 'tenant_20' THEN PERFORM FROM public.gate; END IF; END $$;
CREATE INDEX ON t1 (n);}, 'ALTER TABLE t1 DROP n;')));

# Returns, for each scope, its rows in pg_cmig's tables and the contents of its schema.
sub look
{
	return query($node, 'shop', q{
SELECT s.nspname, coalesce((SELECT string_agg(revision, ',') FROM cmig.scope_version v WHERE v.scope = s.nspname), '-'),
	(SELECT count(*) FROM cmig.journal j WHERE j.scope = s.nspname AND outcome = 'done'),
	(SELECT count(*) FROM cmig.journal j WHERE j.scope = s.nspname AND outcome <> 'done'),
	(SELECT count(*) FROM pg_class c WHERE c.relnamespace = s.oid AND relkind = 'r'),
	(SELECT count(*) FROM pg_class c WHERE c.relnamespace = s.oid AND relname = 't1_n_idx')
FROM pg_namespace s WHERE nspname LIKE 'tenant%' ORDER BY 1});
}

sub upgraded { return sprintf 'tenant_%02d|002|2|0|5|1', $_[0] }
sub untouched { return sprintf 'tenant_%02d|-|0|0|0|0', $_[0] }

my $call = q{CALL cmig.upgrade_scopes('tenant\_%');};
my $holder = $node->background_psql('shop', on_error_stop => 0);
$holder->query_safe('BEGIN; LOCK TABLE gate');
my $run = start_psql($node, 'shop', $call);
my $pid = wait_until_blocked($node);
kill_backend($pid);
finish_psql($run);
eval { $holder->quit };
wait_for_recovery($node);
is(look(), join("\n", (map { upgraded($_) } 1 .. 19), (map { untouched($_) } 20 .. $scopes)), 'after kill -9, each scope is either upgraded or untouched');
is(query($node, 'shop', 'SELECT count(*) FROM cmig.scopes() WHERE failed IS NULL AND pending = 0'), '19', 'scopes() shows those that are');

# if the connection is terminated, no failure is recorded, and the scope is not locked
$holder = $node->background_psql('shop', on_error_stop => 0);
$holder->query_safe('BEGIN; LOCK TABLE gate');
$run = start_psql($node, 'shop', $call);
$pid = wait_until_blocked($node);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
isnt(finish_psql($run), 0, 'a terminated session');
$holder->query_safe('ROLLBACK');
$holder->quit;
is(look(), join("\n", (map { upgraded($_) } 1 .. 19), (map { untouched($_) } 20 .. $scopes)), 'leaves the scope as it was');

# while a session waits in tenant_20, another one upgrades all other scopes, which have
# far more tables than one transaction could lock
$holder = $node->background_psql('shop', on_error_stop => 0);
$holder->query_safe('BEGIN; LOCK TABLE gate');
$run = start_psql($node, 'shop', $call);
wait_until_blocked($node);
query($node, 'shop', $call);
is(look(), join("\n", map { $_ == 20 ? untouched($_) : upgraded($_) } 1 .. $scopes), 'another session upgrades all scopes but one');
$holder->query_safe('ROLLBACK');
$holder->quit;
is(finish_psql($run), 0, 'the first session ends');
is(look(), join("\n", map { upgraded($_) } 1 .. $scopes), 'all scopes are upgraded');
like($run->{err}, qr/scopes: 1 upgraded, 59 already up to date, 0 failed, 0 left to other sessions/, 'and counts what it has done');

# a CALL that is canceled ends, and the scope's failure is recorded
query($node, 'shop', q{SELECT cmig.create_revision('wait', 'SELECT * FROM public.gate', '', revision => '003')});
$holder = $node->background_psql('shop', on_error_stop => 0);
$holder->query_safe('BEGIN; LOCK TABLE gate');
$run = start_psql($node, 'shop', q{CALL cmig.upgrade_scopes('tenant\_%', max_failures => 100);});
$pid = wait_until_blocked($node);
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
is(finish_psql($run), 3, 'a canceled call ends, whatever max_failures is');
like($run->{err}, qr/57014: .*CONTEXT:.*upgrade of scope "tenant_01"/s, 'and names the scope');
$holder->query_safe('ROLLBACK');
$holder->quit;
is(query($node, 'shop', q{SELECT scope, split_part(failed, ': It waited', 1) FROM cmig.scopes() WHERE failed IS NOT NULL}), 'tenant_01|57014: canceling statement due to user request', 'the failure is recorded');
# cmig status counts the scopes; a schema without version rows and without a run is none
query($node, 'shop', q{CREATE SCHEMA tenant_61; SET cmig.scope = 'tenant_02'; SELECT * FROM cmig.downgrade('base')});
{
	local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'shop');
	gives(0, 'pending +none\nscopes +60, 1 failed, 58 behind, 1 never upgraded\n +-> cmig scopes # shows them; then: cmig upgrade --scopes [^\n]*pattern[^\n]* 003\n', '^$', 'status', '--no-load');
}
query($node, 'shop', 'DROP SCHEMA tenant_61');
query($node, 'shop', $call);
is(query($node, 'shop', q{SELECT count(*) FROM cmig.scopes() WHERE current = '{003}' AND failed IS NULL}), $scopes, 'the next call upgrades all');

# a dump of all scopes; restoring it takes fewer locks than there are scopes
my $dump = PostgreSQL::Test::Utils::tempdir() . '/shop.dump';
$node->append_conf('postgresql.conf', 'max_locks_per_transaction = 200');
$node->restart;
command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('shop') ], 'pg_dump');
$node->append_conf('postgresql.conf', 'max_locks_per_transaction = 10');
$node->restart;
query($node, 'postgres', 'CREATE DATABASE restored');
command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'restore');
my $rows = q{SELECT * FROM cmig.scope_version ORDER BY 1, 2; SELECT j::text FROM cmig.journal j ORDER BY scope, id; SELECT scope, current, pending, failed FROM cmig.scopes()};
is(query($node, 'restored', $rows), query($node, 'shop', $rows), 'the rows of scopes are restored');
is(query($node, 'restored', "$call SET cmig.scope = 'tenant_07'; SELECT revision FROM cmig.downgrade('-1'); SELECT id, revision, direction FROM cmig.journal WHERE scope = 'tenant_07' ORDER BY id DESC LIMIT 1"),
	"003\n4|003|downgrade", 'and the restored scopes can be migrated');

# many scopes: each page counts all, and names few
query($node, 'postgres', 'CREATE DATABASE many');
query($node, 'many', 'CREATE EXTENSION pg_cmig; ' . join ' ', map { sprintf 'CREATE SCHEMA tenant_%03d;', $_ } 1 .. 200);
{
	my $dir = PostgreSQL::Test::Utils::tempdir();
	local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'many');

	mkdir "$dir/migrations";
	append_to_file("$dir/migrations/$_->[0].sql", revision_file(@$_)) foreach [ '001', '', 'CREATE TABLE t (id int PRIMARY KEY);', 'DROP TABLE t;' ], [ '002', '001', 'ALTER TABLE t ADD n int;', 'ALTER TABLE t DROP n;' ];
	chdir $dir or die;
	gives(0, '^(upgraded scope "tenant_\d+": 1 revision\n){10}.*\nscopes: 150 upgraded, 0 already up to date, 0 failed, 50 left to the next call\nupgraded: tenant_001, [^\n]*, tenant_010 and 140 more\nleft: tenant_151, [^\n]* and 40 more\n$', '',
		qw(upgrade 001 --jobs 2 --first 150 --scopes), 'tenant\_%');
	gives(0, '^$', 'upgraded scope "tenant_200": 2 revisions\nscopes: 200 upgraded, 0 already up to date, 0 failed, 0 left to other sessions\n', qw(upgrade --scopes), 'tenant\_%');
	gives(0, 'scopes +200, 0 failed, 0 behind, 0 never upgraded\n', '^$', 'status');
	query($node, 'many', 'CREATE TABLE tenant_123.by_hand (); DROP TABLE tenant_077.t');
	gives(0, '(\n tenant_\d+ +\| 002 +\| +0 \| *){200}', '^$', 'scopes');
	my ($status, $report) = cmig('report');
	is(scalar(keys %{ { map { $_ => 1 } $report =~ /tenant_\d\d\d/g } }), 199, 'the report has the tables of all scopes');
	gives(1, '^tenant_077 .*\ntenant_123 +tenant_123\.by_hand, unlike in tenant_001\n', '^$', 'scope-drift');
	gives(1, '^table +tenant_123\.by_hand: was created', '^$', 'drift', '--scope', 'tenant_123');
	gives(1, '\nscopes: 198 done, 2 with findings, 0 failed\ndone: tenant_001, [^\n]* and 188 more\nwith findings: tenant_077, tenant_123\n$', '^$', qw(drift -j 2 --scopes), 'tenant\_%');
	query($node, 'many', 'DROP TABLE tenant_123.by_hand');
	gives(1, '\nscopes: 199 downgraded, 0 already at the target, 1 failed\n.*\nfailed: tenant_077 \(3\): relation "t" does not exist\n$', '^$', qw(downgrade 001 -y -j 2 --max-failures 1 --scopes), 'tenant\_%');
	chdir $CmigNode::top or die;
}

# A script of the database or of a scope that reads all scopes sees each as it is.
query($node, 'postgres', 'CREATE DATABASE inside');
my $seen = q{SELECT string_agg(concat_ws(' ', scope, current, pending), ', ' ORDER BY scope) AS seen FROM cmig.scopes()};
query($node, 'inside', 'CREATE EXTENSION pg_cmig; CREATE TABLE seen (seen text);' . load_sql(revision_file('t1', '', ''), revision_file('t2', 't1', ''),
		revision_file('look', '', "INSERT INTO public.seen $seen; SELECT * FROM cmig.status(); SELECT * FROM cmig.check(); SELECT cmig.report();", ''))
	  . q{SELECT cmig.create_scope('a', 't1'); SELECT cmig.create_scope('b', 't2'); SELECT cmig.upgrade('look')});
query($node, 'inside', q{SET cmig.scope = 'b'; SELECT cmig.upgrade('look')});
is(query($node, 'inside', 'SELECT seen FROM seen'), "a {t1} 1, b {t2} 0\na {t1} 1, b {t2} 0", 'a script reads all scopes');

# dropping a scope that somebody uses
query($node, 'shop', q{SELECT cmig.create_scope('dropped'); CREATE TABLE dropped.used (id int)});
$holder = $node->background_psql('shop');
$holder->query_safe('BEGIN; SELECT * FROM dropped.used');
fails_with($node, 'shop', q{SET statement_timeout = '20s'; SET cmig.lock_timeout = '100ms'; SELECT cmig.drop_scope('dropped', confirm => 'dropped')},
	'55P03', 'canceling statement due to cmig\.lock_timeout.*Lock on relation dropped\.used.*Blocked by process', 'cmig.lock_timeout in cmig.drop_scope');
$holder->quit;
query($node, 'shop', q{SELECT cmig.drop_scope('dropped', confirm => 'dropped')});
is(query($node, 'shop', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'dropped'}), '0', 'dropped');

done_testing();
