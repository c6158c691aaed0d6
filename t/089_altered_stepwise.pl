# Copyright (c) 2026, the pg_cmig developers

# Alters the columns of pg_cmig's tables, and calls the procedures, which cannot be called
# in sql/catalog_generated.sql, because they commit.  The outcome is a result or a clean
# error.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('altered');
my ($out, $err, $name) = ('', '', '');
my $script = "\\set VERBOSITY verbose\n";

$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig; CREATE SCHEMA tenant');

# the columns, and how each is altered
my @cases = split /\n/, $node->safe_psql('postgres', <<'END_SQL');
SELECT concat_ws(E'\t', c.relname, a.attname, w.how, w.command)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
LATERAL (
	SELECT format('%s = %s', s.type, s.value), format('ALTER %I TYPE %s USING (%s)::%2$s', a.attname, s.type, s.value)
	FROM (VALUES ('bytea', '''\x0011'''), ('text', 'NULL'), ('text[]', '''{{a,b},{c,NULL}}'''), ('bigint', '-9223372036854775808')) s (type, value)
	UNION ALL VALUES ('dropped', format('DROP %I CASCADE', a.attname)),
		('generated', format('DROP %I CASCADE, ADD %1$I %s GENERATED ALWAYS AS (NULL) STORED', a.attname, format_type(a.atttypid, a.atttypmod)))
) w (how, command)
WHERE c.relnamespace = 'cmig'::regnamespace AND c.relname IN ('version', 'progress', 'backfill_run', 'scope_version')
	AND (a.attidentity = '' OR w.how LIKE '%=%')
ORDER BY 1
END_SQL

foreach my $case (@cases)
{
	my ($table, $column, $how, $command) = split /\t/, $case;

	$script .= <<END_SQL;
\\warn == $table.$column $how
SET client_min_messages = error;
DROP EXTENSION pg_cmig CASCADE;
DROP TABLE IF EXISTS account;
CREATE TABLE account (id int PRIMARY KEY, email text);
INSERT INTO account VALUES (1, 'x');
CREATE EXTENSION pg_cmig;
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, downgrade_sql, transactional) VALUES
	('001', '{}', 'SELECT 1', '', true),
	('002', '{001}', 'SELECT 2; CALL cmig.backfill(''account'', ''email = NULL''); SELECT 3', 'SELECT 2; SELECT 3', false),
	('003', '{002}', 'SELECT 1', '', true);
SELECT FROM cmig.upgrade('001');
INSERT INTO cmig.scope_version VALUES ('tenant', '001');
INSERT INTO cmig.progress VALUES ('002', 'upgrade', 1, 'running', '{"checksum": "x"}');
INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, rows, started_at, updated_at)
	VALUES ('public.account', 'email = NULL', 'running', 'key', 1, 1, now(), now());
ALTER EXTENSION pg_cmig DROP VIEW cmig.backfill_progress;
DROP VIEW cmig.backfill_progress;
END_SQL
	$script .= "ALTER EXTENSION pg_cmig DROP SEQUENCE cmig.backfill_run_id_seq;\n" if $column eq 'id';
	$script .= <<END_SQL if $how =~ /=/;
ALTER TABLE cmig.$table DROP CONSTRAINT IF EXISTS ${table}_pkey, ALTER "$column" DROP IDENTITY IF EXISTS;
ALTER TABLE cmig.$table ALTER "$column" DROP DEFAULT, ALTER "$column" DROP NOT NULL;
ALTER TABLE cmig.$table DROP CONSTRAINT IF EXISTS ${table}_${column}_check;
END_SQL
	$script .= <<END_SQL;
\\warn altering
ALTER TABLE cmig.$table $command;
\\warn calling
CALL cmig.upgrade_stepwise('003');
CALL cmig.upgrade_stepwise('003', in_doubt => 'again');
CALL cmig.backfill('account', 'email = NULL');
CALL cmig.downgrade_stepwise('001');
CALL cmig.upgrade_scopes('tenant', '002');
CALL cmig.reset_stepwise(current_database());
SELECT cmig.resolve('head');
END_SQL
}

my $status = $node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 0);
is($status, 0, 'the session has survived');
cmp_ok(scalar @cases, '>', 150, 'every column is altered');
is(scalar(() = $err =~ /^calling$/mg), scalar @cases, 'all cases were run');
is(join('', $err =~ /^altering\n((?:(?!calling).*\n)+)/mg), '', 'every column could be altered');

my @bad;
foreach my $line (split /\n/, $err)
{
	$name = $1 if $line =~ /^== (.*)/;
	push @bad, "$name: $line" if $line =~ /(?:ERROR|FATAL|PANIC):  (?:XX|58)|cache lookup|server closed/;
}
is(join("\n", @bad), '', 'no internal error');
unlike(slurp_file($node->logfile), qr/TRAP:|PANIC:|was terminated by signal/, 'no crash');

# Each table whose rows a policy could hide is refused by what reads it
my %reads = (
	revision => 'SELECT cmig.history()', version => 'SELECT cmig.current()', scope_version => 'SELECT cmig.scopes()', journal => 'SELECT cmig.log()',
	progress => 'SELECT cmig.status()', backfill_run => 'SELECT cmig.status()', run_control => q{SELECT cmig.pause('all')}, expansion_run => 'SELECT cmig.status()',
	expansion_step => 'CALL cmig.expand()', measured => 'SELECT cmig.rls_check()', secret => q{SELECT cmig.enable_audit('account', hash => '{email}')},
	ddl_log => 'SELECT cmig.status()', workload => q{SELECT cmig.workload_check(workload => 'x')});
$node->safe_psql('postgres', <<'END_SQL');
SET client_min_messages = error;
DROP EXTENSION pg_cmig CASCADE;
CREATE EXTENSION pg_cmig;
SELECT cmig.create_revision('Expanded', 'ALTER TABLE account ALTER id TYPE bigint', expand => true);
END_SQL
foreach my $table (split /\n/, $node->safe_psql('postgres', q{SELECT relname FROM pg_class WHERE relnamespace = 'cmig'::regnamespace AND relkind = 'r' ORDER BY 1}))
{
	my $call = $reads{$table} // 'SELECT 1';

	$node->psql('postgres', "ALTER TABLE cmig.$table ENABLE ROW LEVEL SECURITY;\n$call;\nALTER TABLE cmig.$table DISABLE ROW LEVEL SECURITY", stdout => \$out, stderr => \$err, on_error_stop => 0);
	like($err, qr/ERROR:  relation "cmig\.$table" was changed after pg_cmig created it\nDETAIL:  Row-level security is enabled on it/, "$call reads no table $table with row-level security");
}

$node->stop;
done_testing();
