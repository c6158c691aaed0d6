# Copyright (c) 2026, the pg_cmig developers

# cmig.workload_save: a role that may only read statistics saves the queries of
# pg_stat_statements, and the owner of the database judges them: there, in a copy made by
# pg_dump, and by the command line with a file.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('saved', "shared_preload_libraries = 'pg_stat_statements'");
$node->start;
sub session
{
	my ($role, $sql, $database) = @_;
	my ($stdout, $stderr);
	$node->psql($database // 'shop', $sql, stdout => \$stdout, stderr => \$stderr, extra_params => [ '-U', $role, '-v', 'VERBOSITY=sqlstate' ], on_error_stop => 0);
	return join "\n", grep { $_ ne '' } $stdout, $stderr =~ /ERROR: +(\S+)/ ? $1 : '';
}
$node->safe_psql('postgres', <<'END_SQL');
CREATE ROLE regress_owner LOGIN;
CREATE ROLE regress_app LOGIN;
CREATE ROLE regress_monitor LOGIN;
CREATE ROLE regress_nobody LOGIN;
CREATE DATABASE shop OWNER regress_owner;
CREATE DATABASE copy OWNER regress_owner;
END_SQL
session('regress_owner', <<'END_SQL');
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
CREATE TABLE shop.person (id integer PRIMARY KEY, note text);
CREATE TABLE shop.other (id integer);
GRANT USAGE ON SCHEMA shop TO regress_app;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO regress_app;
SELECT cmig.grant_access('regress_monitor', 'monitor');
SELECT cmig.create_revision('Drop', 'ALTER TABLE shop.person DROP COLUMN note', revision => 'r1');
END_SQL
(undef, undef, my $missing) = $node->psql('shop', 
	q{SELECT * FROM cmig.workload_save('w'); SET ROLE regress_monitor; SELECT * FROM cmig.workload_save('w')}, on_error_stop => 0);
like($missing, qr/^HINT:  CREATE EXTENSION pg_stat_statements\n(?s:.*)^HINT:  As a superuser: CREATE EXTENSION pg_stat_statements$/ms,
	'who can create the extension');
$node->safe_psql('shop', 'CREATE EXTENSION pg_stat_statements');
$node->safe_psql('shop', 'GRANT pg_read_all_stats TO regress_monitor; ALTER ROLE regress_app SET search_path = shop');
$node->safe_psql('shop', 'SELECT pg_stat_statements_reset()');
session('regress_app', "SELECT note FROM person WHERE id = 7; SELECT note FROM person WHERE id = 8; ALTER ROLE regress_app PASSWORD 'secret'; (SELECT id FROM other); /* one */ SELECT 1 AS one");

# who may save, and what is saved
is(session('regress_nobody', "SELECT cmig.workload_save('prod')"), '42501', 'saving needs a level');
is(session('regress_monitor', "SELECT cmig.workload_save('prod') > 2"), 't', 'a role of level monitor saves');
is(session('regress_monitor', 'TABLE cmig.workload'), '42501', 'but does not see what was saved');
$node->safe_psql('shop', 'CREATE SCHEMA stats; ALTER EXTENSION pg_stat_statements SET SCHEMA stats; REVOKE EXECUTE ON FUNCTION stats.pg_stat_statements(boolean) FROM PUBLIC');
my (undef, undef, $denied) = $node->psql('shop', "SELECT cmig.workload_save('stats')", extra_params => [ '-U', 'regress_monitor' ]);
like($denied, qr/HINT:  (GRANT USAGE ON SCHEMA stats TO regress_monitor; GRANT EXECUTE ON FUNCTION stats\.pg_stat_statements\(boolean\) TO regress_monitor)$/m, 'a hint has what is missing');
$node->safe_psql('shop', $denied =~ s/.*HINT:  ([^\n]*).*/$1/sr);
is(session('regress_monitor', "SELECT cmig.workload_save('stats') > 2"), 't', 'and helps');
session('regress_owner', "DELETE FROM cmig.workload WHERE name = 'stats'");
$node->safe_psql('shop', 'ALTER EXTENSION pg_stat_statements SET SCHEMA public; GRANT EXECUTE ON FUNCTION pg_stat_statements(boolean) TO PUBLIC; DROP SCHEMA stats');
is(session('regress_monitor', 'BEGIN; LOCK TABLE cmig.workload IN ACCESS SHARE MODE'), '42501', 'nor can it lock the table');
# up to PostgreSQL 17, with the comment before the statement
is(session('regress_owner', "SELECT calls, query, since < saved_at FROM cmig.workload WHERE name = 'prod' AND role = 'regress_app' ORDER BY calls DESC, ltrim(query, '/* one')") =~ s{/\* one \*/ }{}r,
	"2|SELECT note FROM person WHERE id = \$1|t\n1|(SELECT id FROM other)|t\n1|SELECT \$1 AS one|t", 'statements with a plan, without values');
is(session('regress_owner', "SELECT count(*) FROM cmig.workload WHERE query ~ 'secret|PASSWORD'"), '0', 'no password');
is($node->safe_psql('shop', 'SELECT count(*) FROM cmig.workload LEFT JOIN pg_stat_statements ON queryid = query_id WHERE queryid IS NULL'), '0', 'with their queryid');
# as PostgreSQL 17 and later show them
is($node->safe_psql('shop', q{BEGIN; INSERT INTO cmig.workload SELECT 'prod', 900 + n, n, 1, 'regress_owner', query, now(), now() FROM unnest('{SAVEPOINT $1,COMMIT PREPARED $1,SELECT $1 $2}'::text[]) WITH ORDINALITY u (query, n);
	SELECT query, verdict, detail FROM cmig.workload_check('base', workload => 'prod') WHERE query ~ 'PRE|SAVE|1 .2'; ROLLBACK}),
	"SAVEPOINT \$1|not_judged|before the upgrade: a utility statement has no plan (and 1 more)\nSELECT \$1 \$2|not_judged|before the upgrade: syntax error at or near \"\$2\"", 'utility statements with parameters');
is(session('regress_monitor', "BEGIN READ ONLY; SELECT cmig.workload_save('prod')"), '25006', 'not in a read-only transaction');
session('regress_app', 'SELECT id FROM person');
is(session('regress_monitor', "SELECT cmig.workload_save('prod') > 3"), 't', 'saved again');
$node->safe_psql('shop', 'REVOKE pg_read_all_stats FROM regress_monitor');
is(session('regress_monitor', "SELECT cmig.workload_save('prod')"), '42501', 'a role that does not see all queries replaces none');
$node->safe_psql('shop', 'GRANT pg_read_all_stats TO regress_monitor');
is(session('regress_owner', "SELECT count(*), count(DISTINCT number), count(DISTINCT saved_at::date) > 0 FROM cmig.workload WHERE query ~ 'note FROM person'"), '1|1|t', 'in place of what was saved before');
is(session('postgres', "BEGIN; ALTER TABLE cmig.workload ADD COLUMN more text; SELECT cmig.workload_save('prod')"), '55000', 'not into a table that has been altered');
is(session('regress_monitor', "SELECT cmig.workload_save('other') > 3"), 't', 'under another name');

# two sessions at once: the second one waits, and replaces what the first one has saved
my $first = $node->background_psql('shop');
$first->query_safe("BEGIN; SELECT cmig.workload_save('twice')");
my $second = start_psql($node, 'shop', "SELECT cmig.workload_save('twice')");
ok($node->poll_query_until('shop', q{SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'cmig.workload'::regclass AND NOT granted)}), 'the second session waits');
$first->query_safe('COMMIT');
is(finish_psql($second), 0, 'and then saves');
$first->quit;
is(session('regress_owner', "SELECT count(*) > 3, count(*) = count(DISTINCT number), count(DISTINCT saved_at) > 0 FROM cmig.workload WHERE name = 'twice'"), 't|t|t', 'each query once');

# the owner judges
my $check = q{SELECT calls, verdict, query, detail FROM cmig.workload_check(workload => 'prod') WHERE verdict IN ('breaks', 'slower') AND query NOT LIKE '%cmig%'};
my $breaks = '2|breaks|SELECT note FROM person WHERE id = $1|revision r1, statement 1, line 1: column "note" does not exist';
is(session('regress_owner', $check), $breaks, 'the owner judges, with the settings of the role');
is(session('regress_owner', q{DO $$BEGIN PERFORM cmig.set_option('cmig.workload_policy', 'error'); END$$; SELECT cmig.upgrade()}), 'MG024', 'the upgrade stops');
session('regress_owner', 'DELETE FROM cmig.workload');
is(session('regress_owner', 'BEGIN; SELECT revision FROM cmig.upgrade(); ROLLBACK'), 'r1', 'but not for queries that the owner cannot see');
$node->safe_psql('shop', 'GRANT pg_read_all_stats TO regress_owner');
is(session('regress_owner', 'SELECT cmig.upgrade()'), 'MG024', 'the owner sees them');
$node->safe_psql('shop', q{SELECT cmig.grant_access('regress_app', 'migrator'); GRANT pg_read_all_stats TO regress_app; ALTER SCHEMA shop OWNER TO regress_app; ALTER TABLE shop.person OWNER TO regress_app});
is(session('regress_app', 'SET cmig.workload_policy = off; SET cmig.workload_min_calls = 1000000000; SET cmig.dry_run_timeout = 1; SELECT cmig.upgrade()'), 'MG024', 'another role cannot weaken the policy');
$node->safe_psql('shop', 'ALTER SCHEMA shop OWNER TO regress_owner; ALTER TABLE shop.person OWNER TO regress_owner; GRANT USAGE ON SCHEMA shop TO regress_app; GRANT SELECT ON shop.person TO regress_app');
is(session('regress_owner', 'SET cmig.workload_min_calls = 1000000000; BEGIN; SELECT revision FROM cmig.upgrade(); ROLLBACK'), 'r1', 'but not if it is called rarely');
$node->safe_psql('shop', 'REVOKE EXECUTE ON FUNCTION pg_stat_statements_info() FROM PUBLIC');
is(session('regress_owner', 'SET cmig.workload_min_calls = 1000000000; SELECT cmig.upgrade()'), 'MG024', 'which is not known without the time of the reset');
$node->safe_psql('shop', 'GRANT EXECUTE ON FUNCTION pg_stat_statements_info() TO PUBLIC');
is(session('regress_owner', 'SET cmig.workload_policy = off; BEGIN; SELECT revision FROM cmig.upgrade(); ROLLBACK'), 'r1', 'or if the owner wants it');
is(session('regress_monitor', "SELECT cmig.workload_save('prod') > 3"), 't', 'saved');
$node->safe_psql('postgres', 'ALTER DATABASE shop RESET cmig.workload_policy');

# a copy
$node->safe_psql('shop', 'ANALYZE');
my $dump = $node->basedir . '/shop.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('shop'), '-f', $dump ], 'pg_dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('copy'), '-f', $dump ], 'restored');
is(session('postgres', $check, 'copy'), $breaks, 'judged in the copy');

# the command line: the queries of one database, and the revisions of another one
my $dir = PostgreSQL::Test::Utils::tempdir();
delete @ENV{qw(PGDATABASE DATABASE_URL CMIG_CONFIG CMIG_PSQL)};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
chdir $dir or die;
$node->safe_psql('postgres', 'CREATE DATABASE ci');
$node->safe_psql('ci', 'CREATE EXTENSION pg_cmig; CREATE SCHEMA shop; CREATE TABLE shop.person (id integer PRIMARY KEY, note text); CREATE TABLE shop.other (id integer); ALTER DATABASE ci SET search_path = shop');
gives(0, '.', '^$', 'init', '-d', 'ci', '--no-pager');
gives(0, '001_drop', '^$', 'revision', '-d', 'ci', '-m', 'drop', '--rev-id', '001');
edit('migrations/001_drop.sql', 'ALTER TABLE person DROP COLUMN note;', 'ALTER TABLE person ADD COLUMN note text;');
gives(0, '^$', '^$', 'workload-save', 'prod', '-d', 'shop', '-U', 'regress_monitor');
my ($status, $file) = cmig('workload-save', 'prod', '-d', 'shop', '-U', 'regress_owner');
is($status, 0, 'cmig workload-save');
like($file, qr/^-- calls: 2, role: regress_app\nSELECT note FROM person WHERE id = \$1;\n$/m, 'a query in the file');
append_to_file('queries.sql', $file . "SELECT extract(\$1 FROM now());\n-- one line\nSELECT count(*) -- rows\nFROM other;\n");
gives(1, '^breaks, 2 calls +SELECT note FROM person WHERE id = \$1\n +revision 001, statement 1, line 1: column "note" does not exist\n', '^$', 'workload-check', '--queries', 'queries.sql', '-d', 'ci');
gives(1, '"calls": 2,.*"detail": "revision 001, statement 1, line 1: column .*"verdict": "breaks"', '^$', 'workload-check', '--queries', 'queries.sql', '-d', 'ci', '--json');
($status, $file) = cmig('stats-export', '-d', 'shop');
like($file, qr/^\[(\{.*\},\n)*\{.*"relation": "person".*\},\n(\{.*\},\n)*\{.*\}\]\n$/, 'cmig stats-export');
append_to_file('stats.json', $file);
gives(1, '^breaks, 2 calls ', '^$', 'workload-check', '--queries', 'queries.sql', '--stats', 'stats.json', '-d', 'ci');
$node->safe_psql('shop', q{INSERT INTO shop.person SELECT g, 'n' FROM generate_series(1, 9) g; ANALYZE shop.person});
($status, $file) = cmig('stats-export', '--values', '-d', 'shop');
like($file, qr/"most_common_vals": /, 'cmig stats-export --values');
append_to_file('values.json', $file);
gives(1, '^breaks, 2 calls ', '^$', 'workload-check', '--queries', 'queries.sql', '--stats', 'values.json', '-d', 'ci');
# files that are something else
my %files = ('empty.sql' => '', 'latin.sql' => "SELECT '\xe4';", 'zero.sql' => "SELECT 1;\0SELECT 2", 'object.json' => '{}', 'none.json' => '[]', 'part.json' => '[{"schema": "shop"}]', 'utility.sql' => 'SET a.b = 1; VACUUM');
append_to_file($_, $files{$_}) foreach keys %files;
gives(3, '^$', 'the file has no queries', 'workload-check', '--queries', 'empty.sql', '-d', 'ci');
gives(2, '^$', 'latin.sql is not valid UTF-8', 'workload-check', '--queries', 'latin.sql', '-d', 'ci');
gives(2, '^$', 'zero.sql contains a zero byte', 'workload-check', '--queries', 'zero.sql', '-d', 'ci');
gives(0, '^no query changes\n$', '^$', 'workload-check', '--queries', 'utility.sql', '-d', 'ci');
gives(2, '^$', 'empty.sql is not what cmig stats-export has printed', 'workload-check', '--queries', 'queries.sql', '--stats', 'empty.sql', '-d', 'ci');
gives(2, '^$', 'object.json is not what cmig stats-export has printed', 'workload-check', '--queries', 'queries.sql', '--stats', 'object.json', '-d', 'ci');
gives(3, '^$', 'the statistics are about no table of this database\nHINT:  cmig stats-export\n', 'workload-check', '--queries', 'queries.sql', '--stats', 'none.json', '-d', 'ci');
gives(3, '^$', 'row 1 of the statistics is not valid\nDETAIL:  "relation" is missing.\nHINT:  cmig stats-export\n', 'workload-check', '--queries', 'queries.sql', '--stats', 'part.json', '-d', 'ci');
gives(2, '^$', '--queries cannot be used with --workload', 'workload-check', '--queries', 'queries.sql', '--workload', 'prod', '-d', 'ci');
gives(2, '^$', 'missing.json cannot be read', 'workload-check', '--stats', 'missing.json', '-d', 'ci');
gives(3, '^$', 'workload "none" does not exist\nHINT:  To save the queries of pg_stat_statements: cmig workload-save none\n', 'workload-check', '--workload', 'none', '-d', 'ci');
gives(2, '^$', 'requires NAME', 'workload-save', '-d', 'ci');
gives(3, '^$', 'extension pg_stat_statements is not installed', 'upgrade', '-y', '--check-workload', '-d', 'ci');
$node->safe_psql('ci', q{INSERT INTO cmig.workload (name, number, calls, query, saved_at) VALUES ('prod', 1, 5, 'SELECT note FROM person', now())});
gives(1, '^breaks, 5 calls ', '^$', 'workload-check', '--workload', 'prod', '-d', 'ci');
gives(3, '^$', 'ERROR:  1 query of the application breaks with this upgrade\n.*SELECT note FROM person \(calls: 5\).*\nHINT:  To see all: cmig workload-check head --workload prod. To upgrade nevertheless: add -x cmig.workload_policy=warn\n', 'upgrade', '-y', '--check-workload', '-d', 'ci');
gives(0, 'is at 001', 'WARNING:  1 query of the application breaks', 'upgrade', '-y', '--check-workload', '-x', 'cmig.workload_policy=warn', '-d', 'ci');
gives(0, 'is at base', '', 'downgrade', 'base', '-y', '-d', 'ci');
gives(2, '^$', 'cannot be used with --sql', 'upgrade', '--sql', '--check-workload', '-d', 'ci');
gives(0, 'is at 001', '', 'upgrade', '-y', '-d', 'ci');

done_testing();
