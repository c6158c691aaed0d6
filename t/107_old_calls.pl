# Copyright (c) 2026, the pg_cmig developers

# When to contract: which queries run only on the old or the new version of an expanded
# revision, how often pg_stat_statements has counted the former since cmig.expand, and
# when that cannot be told.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('old_calls', 'autovacuum = off', 'jit = off', "shared_preload_libraries = 'pg_stat_statements'", 'pg_stat_statements.max = 100');
$node->start;
my $time = qr/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00/;

# as a role: returns the rows and the messages, without times
sub session
{
	my ($role, @statements) = @_;
	my ($stdout, $stderr);

	$node->psql('shop', join(";\n", @statements), stdout => \$stdout, stderr => \$stderr, extra_params => [ '-U', $role ], on_error_stop => 0);
	$stderr =~ s/^psql:<stdin>:\d+: //mg;
	return join("\n", grep { $_ ne '' } $stdout, $stderr) =~ s/$time/TIME/gr =~ s/^NOTICE:  (?:queries of other|revision "r2" is already).*\n(?:HINT.*\n?)?//gmr =~ s/\nCONTEXT.*//gr =~ s/\n\z//r;
}

$node->safe_psql('postgres', <<'END_SQL');
ALTER SYSTEM SET timezone = 'UTC';
SELECT pg_reload_conf();
CREATE ROLE regress_owner LOGIN;
CREATE ROLE regress_v1 LOGIN;
CREATE ROLE regress_v2 LOGIN;
CREATE ROLE regress_reader LOGIN;
CREATE DATABASE shop OWNER regress_owner;
GRANT pg_read_all_stats TO regress_owner;
ALTER ROLE regress_v2 IN DATABASE shop SET search_path = public_r2, public;
END_SQL
$node->safe_psql('shop', 'CREATE EXTENSION pg_stat_statements; GRANT CREATE ON SCHEMA public TO regress_owner; SELECT pg_stat_statements_reset()');
session('regress_owner', <<'END_SQL');
CREATE EXTENSION pg_cmig;
SELECT cmig.create_revision('Make', 'CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL); CREATE TABLE orders (id integer PRIMARY KEY, note text)', 'DROP TABLE person, orders', revision => 'r1');
SELECT cmig.upgrade();
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_v1, regress_v2;
SELECT cmig.grant_access('regress_reader', 'reader');
SELECT cmig.create_revision('Two names', $$
ALTER TABLE person ADD COLUMN first text NOT NULL;
-- cmig:up person.first = split_part(name, ' ', 1)
ALTER TABLE person DROP COLUMN name;
-- cmig:down person.name = first
ALTER TABLE orders ALTER COLUMN id TYPE bigint;
$$, revision => 'r2', expand => true);
END_SQL
my @old = ("SELECT name FROM person WHERE id = 1", "INSERT INTO person VALUES (1, 'Ada Lovelace') ON CONFLICT DO NOTHING", 'SELECT id FROM orders', 'SELECT note FROM orders');
my @new = ("SELECT first FROM person WHERE id = 1", "UPDATE person SET first = 'Ada' WHERE id = 1", 'SELECT id FROM orders', 'SELECT note FROM orders');
my $check = q{SELECT verdict, query, detail FROM cmig.workload_check() WHERE query ~ 'person|orders' AND query !~ 'cmig|CREATE|ALTER' ORDER BY query COLLATE "C", 1, 3};
my $expansion = 'SELECT DISTINCT old_calls, old_callers FROM cmig.expansion()';

# before it is expanded
session('regress_v1', @old);
my $cached = 'the columns of the result change from (id integer) to (id bigint): statements that open connections have prepared fail until they reconnect or DEALLOCATE ALL';
my $gone = 'revision r2, statement 4, line 4: column "name" does not exist';
is(session('regress_owner', $check), qq{same_plan|INSERT INTO person VALUES (\$1, \$2) ON CONFLICT DO NOTHING|
changes_result|SELECT id FROM orders|$cached
breaks|SELECT name FROM person WHERE id = \$1|$gone; with cmig.expand, the old version runs it until cmig.contract
same_plan|SELECT note FROM orders|}, 'before it is expanded');
is(session('regress_owner', $expansion), '', 'nothing is expanded');

# both builds run
session('regress_owner', 'CALL cmig.expand(confirm => true)');
is(session('regress_owner', $expansion), '0|none since TIME', 'what was called before does not count');
session('regress_v1', @old);
session('regress_v1', $old[0]);
session('regress_v2', @new);
is(session('regress_owner', $check), qq{same_plan|INSERT INTO person VALUES (\$1, \$2) ON CONFLICT DO NOTHING|
not_judged|SELECT first FROM person WHERE id = \$1|before the upgrade: column "first" does not exist; only the new version runs it
changes_result|SELECT id FROM orders|$cached
same_plan|SELECT id FROM orders|
breaks|SELECT name FROM person WHERE id = \$1|$gone; only the old version runs it, calls since TIME: 2
same_plan|SELECT note FROM orders|
same_plan|SELECT note FROM orders|
not_judged|UPDATE person SET first = \$1 WHERE id = \$2|before the upgrade: column "first" of relation "person" does not exist; only the new version runs it}, 'both builds run');
is(session('regress_owner', $expansion), '2|regress_v1 since TIME', 'the old build still runs');
like(session('regress_reader', $expansion), qr/^\|cannot tell: /, 'a reader cannot rehearse the revision');

# the policies
my $hint = q{HINT:  To count again, when no old build runs any more: CALL cmig.expand('r2')};
is(session('regress_owner', 'SET cmig.workload_policy = error', 'CALL cmig.contract()'), qq{ERROR:  1 query that breaks with cmig.contract was called since TIME
DETAIL:  SELECT name FROM person WHERE id = \$1 (calls a day: 2.0, role: regress_v1): $gone; only the old version runs it, calls since TIME: 2.
$hint. To contract nevertheless: SET cmig.workload_policy = warn}, 'the contraction stops');
is(session('regress_owner', 'SELECT state FROM cmig.expansion_run'), 'expanded', 'before it has begun');
is(session('regress_owner', 'CALL cmig.expand()', $expansion), '0|none since TIME', 'counted again');
session('regress_v2', @new);
is(session('regress_owner', $expansion), '0|none since TIME', 'the new build does not count');

# a query that names the schema of the new version
session('regress_owner', 'CALL cmig.expand()');
session('regress_v2', 'SELECT first FROM public_r2.person', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1 FROM person JOIN public_r2.orders USING (id)');
is(session('regress_owner', $expansion), '2|regress_v2 since TIME', 'it counts');
is(session('regress_owner', q{SELECT verdict, sqlstate, detail FROM cmig.workload_check() WHERE query ~ 'public_r2\.' ORDER BY query}), join("\n", ('breaks|42P01|cmig.contract drops the schema of the new version') x 2), 'and breaks');

# statistics are reset
session('regress_v1', @old);
$node->safe_psql('shop', 'SELECT pg_stat_statements_reset()');
is(session('regress_owner', $expansion), '0|none since TIME', 'counted since the reset');
session('regress_v1', $old[0], $old[0], $old[0]);
is(session('regress_owner', $expansion), '3|regress_v1 since TIME', 'and called after it');
$node->safe_psql('shop', 'SELECT pg_stat_statements_reset(0, 0, queryid) FROM pg_stat_statements');
session('regress_owner', 'CALL cmig.expand()');
session('regress_v1', $old[0]);
$node->safe_psql('shop', q{SELECT pg_stat_statements_reset(0, 0, queryid) FROM pg_stat_statements WHERE query ~ '^SELECT name'});
session('regress_v1', $old[0]);
is(session('regress_owner', $expansion), '1|regress_v1 since TIME', 'a query is reset');

# one role for both builds, and a schema's name in the query
$node->safe_psql('shop', 'ALTER ROLE regress_v2 IN DATABASE shop RESET search_path');
session('regress_owner', 'CALL cmig.expand()');
session('regress_v2', 'SET search_path = public_r2, public', @new);
is(session('regress_owner', $expansion), '0|none since TIME', 'two builds with one role');
session('regress_v2', 'SELECT name FROM public.person');
is(session('regress_owner', $expansion), '1|regress_v2 since TIME', 'only the old version has run it');

# what cannot be told
$node->safe_psql('postgres', 'REVOKE pg_read_all_stats FROM regress_owner');
like(session('regress_owner', $expansion), qr/^\|cannot tell: queries of role \S+ that are not visible: \d+$/, 'queries of other roles');
session('regress_owner', 'CALL cmig.expand()');
$node->safe_psql('postgres', 'GRANT pg_read_all_stats TO regress_owner');
is(session('regress_owner', $expansion), '|cannot tell: when cmig.expand was called, queries of other roles were not visible before GRANT pg_read_all_stats TO regress_owner', 'or before');
session('regress_owner', 'CALL cmig.expand()');
$node->safe_psql('shop', join ';', map { 'SELECT ' . 'id, ' x $_ . 'id FROM orders LIMIT 0' } 1 .. 300);
my $discarded = 'pg_stat_statements has discarded entries (increase pg_stat_statements.max)';
is(session('regress_owner', $expansion), "|cannot tell: $discarded", 'too many queries');
is(session('regress_owner', 'SET cmig.workload_policy = error', 'CALL cmig.contract()'), qq{ERROR:  it is not known whether queries that break with cmig.contract are still called: $discarded
HINT:  After fixing the cause, count again: CALL cmig.expand('r2'). To contract nevertheless: SET cmig.workload_policy = warn}, 'what is not known stops the contraction');
session('regress_v1', ($old[0]) x 5);
is(session('regress_owner', $expansion), '4|regress_v1 since TIME', 'what was counted is told');
session('regress_owner', 'CALL cmig.expand()');
session('regress_v1', $old[0]);
is(session('regress_owner', 'SET cmig.workload_policy = error', 'SET cmig.workload_min_calls = 2', "SELECT cmig.create_revision('Other', 'SELECT 1', revision => 'r3')", 'CALL cmig.contract()'),
	"r3\nNOTICE:  queries that break with cmig.contract were called less than cmig.workload_min_calls times a day since TIME\nNOTICE:  revision \"r2\" is contracted and applied", 'called rarely enough');

# the command line; without statistics, the policy off and warn
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = 'regress_owner';
$ENV{PGDATABASE} = 'shop';
chdir PostgreSQL::Test::Utils::tempdir() or die;
sub again { session('regress_owner', "SELECT cmig.remove_revision('r3'); SELECT cmig.stamp('r1', purge => true); DROP TABLE person, orders; CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL); CREATE TABLE orders (id integer PRIMARY KEY, note text); GRANT ALL ON person, orders TO regress_v1; CALL cmig.expand(confirm => true)") }
again();
session('regress_v1', @old);
gives(0, 'queries of the old version: 1 call\s+by regress_v1 since', '^$', 'expansion');
session('regress_owner', q{SELECT cmig.set_option('cmig.workload_policy', 'error')});
gives(3, '^$', "ERROR:  1 query that breaks.*HINT:  To count again, when no old build runs any more: cmig expand r2. To contract nevertheless: add -x cmig.workload_policy=warn\n", 'contract', '-y');
gives(0, 'is at r2', '(?s)WARNING:  1 query that breaks.*revision "r2" is contracted', 'contract', '-y', '-x', 'cmig.workload_policy=warn');
session('postgres', 'ALTER DATABASE shop RESET cmig.workload_policy');
again();
session('regress_v1', @old);
is(session('regress_owner', 'CALL cmig.contract()'), 'NOTICE:  revision "r2" is contracted and applied', 'off');
again();
session('regress_v1', @old);
is(session('regress_owner', 'SET cmig.workload_policy = warn', 'CALL cmig.contract()') =~ s/\nDETAIL.*//r, qq{WARNING:  1 query that breaks with cmig.contract was called since TIME
$hint\nNOTICE:  revision "r2" is contracted and applied}, 'warn');
again();
session('regress_v1', @old);
unlink $node->data_dir . '/pg_stat_tmp/pgss_query_texts.stat';
like(session('regress_owner', $expansion), qr/^\|cannot tell: texts of queries of role \S+ that pg_stat_statements has lost: \d+$/, 'no texts');
session('postgres', 'DROP EXTENSION pg_stat_statements');
is(session('regress_owner', $expansion), '|cannot tell: extension pg_stat_statements is not installed', 'no statistics');
is(session('regress_owner', 'SET cmig.workload_policy = warn', 'CALL cmig.contract()'), qq{WARNING:  it is not known whether queries that break with cmig.contract are still called: extension pg_stat_statements is not installed
HINT:  After fixing the cause, count again: CALL cmig.expand('r2')\nNOTICE:  revision "r2" is contracted and applied}, 'warn without statistics');

done_testing();
