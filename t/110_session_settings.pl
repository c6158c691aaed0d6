# Copyright (c) 2026, the pg_cmig developers

# What a revision means does not depend on the session: what compares, checks, and runs
# it gives the same result whatever the connection options and SET commands say.  Values
# of ALTER ROLE and ALTER DATABASE count.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('session_settings', 'allow_in_place_tablespaces = on', "datestyle = 'ISO, DMY'", 'autovacuum = off');
$node->start;
my $version = query($node, 'postgres', 'SHOW server_version_num');
# literals that each setting reads in another way, and texts that each prints in another way
my @revisions = (
	revision_file('one', '', <<'END', 'DROP TABLE t CASCADE'),
CREATE TABLE t (id int PRIMARY KEY, list text[] DEFAULT '{NULL,a}', d date DEFAULT '05/06/2024', wait interval DEFAULT '-1 2:03', path text DEFAULT 'a\b',
	f float8 DEFAULT 0.1, at timestamptz DEFAULT '2024-01-01 00:00', body xml DEFAULT '<a/><b/>', words tsvector DEFAULT to_tsvector('the cats'), CHECK (list = NULL OR id > 0));
CREATE VIEW v AS SELECT id, xml '<a/><b/>' AS y FROM t WHERE list <> '{NULL}' AND d > '03/04/2024' AND list[1] = NULL;
CREATE FUNCTION f(a text DEFAULT 'it\s', d date DEFAULT '05/06/2024') RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT 'a\'::text || (a = NULL)::text; END;
CREATE FUNCTION g() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RETURN 'a\b'; END $f$;
DO $f$ BEGIN EXECUTE format('COMMENT ON TABLE t IS %L', concat_ws(' ', quote_ident('abc'), 0.1::float8 + 0.2, date '2024-01-02', interval '1 day 2 hours', '\x01'::bytea, '{NULL}'::text[],
	xmlelement(name a, '\x01'::bytea), timestamptz '2024-01-01 00:00', 'x' = NULL)); END $f$;
CREATE INDEX ON t (d) WHERE d > '01/02/2024' AND list <> '{NULL}';
CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.list <> '{NULL,b}' AND NEW.d > '01/02/2024') EXECUTE FUNCTION suppress_redundant_updates_trigger('a\b');
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (list <> '{NULL}' AND d > '01/02/2024');
CREATE TABLE parts (d date) PARTITION BY RANGE (d);
CREATE TABLE part PARTITION OF parts FOR VALUES FROM ('01/02/2024') TO ('03/02/2024');
CREATE DOMAIN dm AS text[] DEFAULT '{NULL}' CHECK (VALUE <> '{NULL,c}');
INSERT INTO t (id) VALUES (1);
END
	revision_file('two', 'one', <<'END', 'DROP TABLE t2'),
CREATE TABLE t2 (id int PRIMARY KEY, list text[] DEFAULT '{NULL,a}', d date DEFAULT '01/02/2024');
UPDATE t SET d = d + 1, list = '{NULL}' WHERE path <> 'x\y';
ALTER TABLE t ALTER list SET DEFAULT '{NULL,b}', ADD CHECK (list <> '{NULL,q}'), ADD z timestamptz DEFAULT '2024-01-01 00:00' NOT NULL;
END
	revision_file('three', 'two', 'CREATE TABLE t3 (d date DEFAULT \'01/02/2024\');', 'DROP TABLE t3'));
query($node, 'postgres', "CREATE TABLESPACE aside LOCATION ''; CREATE ROLE other SUPERUSER LOGIN; ALTER ROLE other SET datestyle = 'ISO, MDY'; CREATE DATABASE model");
query($node, 'model', 'CREATE EXTENSION pg_cmig;' . load_sql(@revisions) . q{
SELECT * FROM cmig.upgrade('one'); SELECT * FROM cmig.enable_audit('t'); CREATE TABLE saved AS SELECT cmig.schema_sql() AS schema; CREATE SCHEMA aside; CREATE TABLE aside.t (LIKE t INCLUDING ALL)});

# What is printed must not contain values that the session itself prints.
my $calls = q{
SELECT 'drift', step, object, upgrade_sql FROM cmig.drift();
SELECT 'diff', d.* FROM saved, cmig.diff(schema) d;
SELECT 'schemas', step, object, upgrade_sql FROM cmig.diff_schemas('public', 'aside');
SELECT 'check', severity, object FROM cmig.check(rehearse => true);
SELECT 'schema', cmig.schema_sql();
SELECT 'lint', l.* FROM cmig.lint(rehearse => true, probe => true) l;
SELECT 'dry run', step, statement, locks FROM cmig.dry_run();
SELECT 'locate', l.* FROM cmig.locate() l;
SELECT 'round trip', r.* FROM cmig.round_trip() r;
SELECT 'script', cmig.script('upgrade', 'head');
SELECT 'audit script', cmig.audit_script('parts');
BEGIN;
SELECT 'upgrade', revision FROM cmig.upgrade('two');
SELECT 'later', step, object, upgrade_sql FROM cmig.drift();
SELECT 'schema', cmig.schema_sql();
SELECT 'log', operation, old_row, new_row FROM cmig_audit.log ORDER BY id;
SELECT 'stamp', revision FROM cmig.stamp('base', purge => true);
DELETE FROM cmig.revision;
SELECT 'baseline', substr(content, strpos(content, 'cmig:upgrade')) FROM cmig.baseline('m', revision => 'b');
SELECT 'autogenerate', substr(content, strpos(content, 'cmig:upgrade')) FROM saved, cmig.autogenerate('m', target_sql => schema, revision => 'c');
ROLLBACK;
CALL cmig.upgrade_stepwise('three');
SELECT 'end', cmig.schema_sql();
};

# outcome(ROLE, OPTIONS): what the calls return in a new database
sub outcome
{
	my ($role, $options) = @_;
	my ($out, $err) = ('', '');

	query($node, 'postgres', 'DROP DATABASE IF EXISTS copy; CREATE DATABASE copy TEMPLATE model STRATEGY file_copy');
	local $ENV{PGOPTIONS} = $options;
	delete local $ENV{PGDATESTYLE};
	delete local $ENV{PGTZ};
	IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('copy') . " user=$role" ], '<', \$calls, '>', \$out, '2>', \$err);
	return $out . join '', grep { /ERROR|nonstandard/ } split /^/, $err;
}

my $user = query($node, 'postgres', 'SELECT current_user');
my $plain = outcome($user, '');
unlike($plain, qr/ERROR:/, 'each call succeeds');
like($plain, qr/^drift.*^diff.*^lint.*^locate.*^script.*^later.*^log.*^baseline.*^autogenerate.*^end/ms, 'and returns something') or diag($plain);

my @options = (
	[ 'DateStyle', 'SQL,MDY' ], [ 'IntervalStyle', 'sql_standard' ], [ 'TimeZone', 'Asia/Kathmandu' ], [ 'bytea_output', 'escape' ],
	[ 'extra_float_digits', -15 ], [ 'array_nulls', 'off' ], [ 'quote_all_identifiers', 'on' ], [ 'transform_null_equals', 'on' ], [ 'xmloption', 'document' ],
	[ 'xmlbinary', 'hex' ], [ 'default_text_search_config', 'simple' ], [ 'default_tablespace', 'aside' ], [ 'default_toast_compression', 'lz4' ],
	[ 'backslash_quote', 'off' ], [ 'timezone_abbreviations', 'Australia' ], [ 'gin_fuzzy_search_limit', 1 ], [ 'check_function_bodies', 'off' ],
	[ 'row_security', 'off' ], [ 'default_transaction_isolation', 'serializable' ], [ 'default_transaction_deferrable', 'on' ], [ 'lo_compat_privileges', 'on' ],
	[ 'synchronize_seqscans', 'off' ],
	query($node, 'postgres', "SELECT count(*) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'") ? [ 'restrict_nonsystem_relation_kind', 'view' ] : (),
	$version >= 190000 ? () : ([ 'standard_conforming_strings', 'off' ], [ 'escape_string_warning', 'on' ]));
my $all = join ' ', map { "-c $_->[0]=$_->[1]" } grep { $_->[0] ne 'default_tablespace' } @options;
my $is = outcome($user, $all);
if (!ok($is eq $plain, 'connection options have no influence'))
{
	my %was = map { $_ => 1 } split /\n/, $plain;

	foreach my $option (@options)
	{
		$is = outcome($user, "-c $option->[0]=$option->[1]");
		diag(join "\n", $option->[0], grep { !$was{$_} } split /\n/, $is) if $is ne $plain;
	}
}

# a new database: what a revision makes is the same, too, but for where it is stored, which
# the session may choose; a comparison reads the tablespace of its revisions
query($node, 'copy', 'SET default_tablespace = aside; SELECT * FROM cmig.drift()');
is(query($node, 'copy', q{SET default_tablespace = aside; SELECT count(*) FROM cmig.drift() WHERE upgrade_sql ~ 'TABLESPACE'}), 0, 'default_tablespace');

# a stored value that does not exist is ignored, as at login
query($node, 'copy', "ALTER DATABASE copy SET default_tablespace = 'gone'; ALTER DATABASE copy SET default_text_search_config = 'gone'");
{
	local $ENV{PGOPTIONS} = '-c default_tablespace=aside -c default_text_search_config=simple';
	is(query($node, 'copy', "SELECT count(*) > 0 FROM cmig.diff('CREATE TABLE other ()')"), 't', 'values that do not exist');
}

# the database's own tablespace, by name
query($node, 'postgres', 'CREATE DATABASE named');
like(query($node, 'named', "CREATE EXTENSION pg_cmig; CREATE TABLE t (id int PRIMARY KEY); SET default_tablespace = pg_default; SELECT cmig.enable_audit('t')"), qr/CREATE OR REPLACE TRIGGER/, 'enable_audit, default_tablespace = pg_default');
query($node, 'named', 'ALTER DATABASE named SET default_tablespace = pg_default;' . load_sql(
	revision_file('one', '', 'CREATE TABLE p (id int PRIMARY KEY, a int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p DEFAULT; CREATE INDEX ON p (a)', 'DROP TABLE p'),
	revision_file('two', 'one', 'ALTER TABLE p ALTER a TYPE bigint', 'ALTER TABLE p ALTER a TYPE int') =~ s/(-- message)/-- expand: true\n$1/r));
is(query($node, 'named', q{DROP TABLE t; SELECT FROM cmig.upgrade('one'); SELECT count(*) FROM cmig.drift()}), "0", 'drift of a partitioned table');
query($node, 'named', q{CALL cmig.expand('two', confirm => true)});
query($node, 'named', 'CALL cmig.contract()');
is(query($node, 'named', 'SELECT count(*) FROM cmig.drift()'), '0', 'expand and contract');

# the log does not name types as search_path shows them
query($node, 'named', q{CREATE TYPE span AS RANGE (subtype = int); CREATE TABLE r (k span PRIMARY KEY, n int); INSERT INTO r VALUES ('[1,2)', 1); SELECT FROM cmig.enable_audit('r')});
query($node, 'named', 'SET search_path = pg_catalog; UPDATE public.r SET n = 2');
query($node, 'named', 'UPDATE r SET n = 3');
is(query($node, 'named', q{SELECT n FROM cmig.audit_as_of(NULL::r, (SELECT min(transaction_at) - interval '1us' FROM cmig_audit.log WHERE table_name = 'r'))}), '1', 'search_path: audit_as_of before the changes');
is(query($node, 'named', q{SELECT count(*), min(key_kinds::text) FROM cmig_audit.layout WHERE table_name = 'r'}), '1|{public.span}', 'search_path: one layout');
query($node, 'named', q{CREATE TABLE booked (during tstzrange, hours tstzmultirange, days timestamptz[], PRIMARY KEY (during, hours, days), n int); SELECT FROM cmig.enable_audit('booked'); SET TimeZone = 'UTC'; INSERT INTO booked VALUES ('[2026-01-01,)', '{[2026-01-01,)}', '{2026-01-01}'); SET TimeZone = 'America/New_York'; UPDATE booked SET n = 2});
is(query($node, 'named', q{SELECT count(*), count(DISTINCT row_key), count(DISTINCT row_hash) FROM cmig_audit.log WHERE table_name = 'booked'}), '2|1|1', 'TimeZone: the key of a row is the same');

# partitions of the audit log have its tablespace, if its owner may use it
my $last = query($node, 'named', q{SELECT max(relname) FROM pg_class WHERE relname ~ '^log_y[0-9m]+$'});
query($node, 'named', $_) foreach q{CREATE TABLESPACE logs LOCATION ''}, 'ALTER TABLE cmig_audit.log SET TABLESPACE logs', "DROP TABLE cmig_audit.$last", 'CALL cmig.audit_retain(NULL)';
is(query($node, 'named', "SELECT count(*), min(tablespace), max(tablespace) FROM pg_tables WHERE tablename = '$last'"), '1|logs|logs', 'the tablespace of the audit log');

# check tells before the ids of the log come to an end
my $sequence = q{SELECT severity, object, problem, fix FROM cmig.check() WHERE object ~ 'log_id_seq'};
is(query($node, 'named', $sequence), '', 'enough ids');
query($node, 'named', q{SELECT setval('cmig_audit.log_id_seq', 9223372036854775800)});
is(query($node, 'named', $sequence), "warning|cmig_audit.log_id_seq|it has 7 values left; without one, audited tables cannot be written|If the ids of the log are less: SELECT setval('cmig_audit.log_id_seq', max(id)) FROM cmig_audit.log", 'the ids end soon');
query($node, 'named', q{SELECT setval('cmig_audit.log_id_seq', 9223372036854775807)});
like(query($node, 'named', $sequence), qr/^error\|/, 'the ids have ended');
query($node, 'named', q{SELECT setval('cmig_audit.log_id_seq', max(id)) FROM cmig_audit.log});
query($node, 'named', 'UPDATE r SET n = 4');

# a value that ALTER ROLE has stored counts
like(outcome('other', ''), qr/^drift\|\d+\|default public\.t\.d\||^drift\|\d+\|public\.t\.d\|/m, 'ALTER ROLE');

# the server's command line, also in a session whose options replace it
$node->stop;
system_or_bail('pg_ctl', '-s', '-w', '-D', $node->data_dir, '-l', $node->logfile, '-o', "-c timezone=Asia/Kathmandu --datestyle='SQL, DMY' --cmig.ddl_policy=deny --cluster-name=x", 'start');
my $drift = "SELECT current_setting('timezone'), upgrade_sql FROM cmig.diff(\$\$CREATE TABLE new (at timestamptz DEFAULT '2024-01-02 00:00', d date DEFAULT '05/06/2024')\$\$) WHERE upgrade_sql ~ 'new'";
$plain = query($node, 'model', $drift);
like($plain, qr/^Asia.Kathmandu.*2024-01-01 18:15:00\+00.*2024-06-05/s, 'the command line');
foreach my $option ('timezone=UTC', 'datestyle=ISO')
{
	local $ENV{PGOPTIONS} = "-c $option";
	is(query($node, 'model', $drift) =~ s{^[^|]*}{Asia/Kathmandu}r, $plain, "also with $option");
}
{
	my $error = '';

	local $ENV{PGOPTIONS} = '-c cmig.ddl_policy=allow';
	$node->psql('model', 'CREATE TABLE denied ()', stderr => \$error);
	like($error, qr/allows DDL only in revisions/, 'nor do options lower a guard on the command line');
}
system('pg_ctl', '-s', '-D', $node->data_dir, '-m', 'fast', 'stop');
done_testing();
