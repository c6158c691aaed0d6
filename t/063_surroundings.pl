# Copyright (c) 2026, the pg_cmig developers

# Runs the same commands in databases with different settings (set by ALTER ROLE or
# ALTER DATABASE), and in databases with objects that have the names of functions and
# operators that pg_cmig uses.  The output must always be the same.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('surroundings', 'allow_in_place_tablespaces = on', 'autovacuum = off');
$node->start;
query($node, 'postgres', q{
CREATE ROLE op LOGIN;
CREATE ROLE standin;
CREATE ROLE app;
CREATE ROLE mallory;
GRANT standin TO op;
GRANT app TO op;
GRANT app TO standin;
CREATE TABLESPACE aside LOCATION '';
GRANT CREATE ON TABLESPACE aside TO PUBLIC;
CREATE DATABASE model OWNER op;});
# Functions and operators for various types, which would take precedence over those in
# pg_catalog if the search path allowed it.
query($node, 'model', q{
GRANT CREATE ON SCHEMA public TO PUBLIC;
GRANT CREATE ON DATABASE model TO standin;
CREATE SCHEMA trap AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
SET ROLE mallory;
CREATE FUNCTION trap.sprung() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
DO $$
DECLARE
	f record;
BEGIN
	-- functions with the arguments of the built-in ones
	FOR f IN SELECT DISTINCT proname, pg_catalog.pg_get_function_identity_arguments(oid) AS arguments, prorettype::regtype AS result
		FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND NOT proretset AND provariadic = 0
			AND proargmodes IS NULL AND prorettype <> 'internal'::regtype AND NOT ('internal'::regtype = ANY (proargtypes)) AND NOT ('cstring'::regtype = ANY (proargtypes))
			AND prorettype NOT IN (SELECT oid FROM pg_type WHERE typtype = 'p')
			AND proname IN ('now', 'lower', 'upper', 'length', 'strpos', 'substr', 'substring', 'quote_ident', 'quote_literal', 'array_length', 'cardinality',
				'current_setting', 'set_config', 'pg_get_expr', 'pg_get_constraintdef', 'format_type', 'obj_description', 'has_table_privilege', 'has_schema_privilege',
				'pg_table_is_visible', 'md5', 'sha256', 'encode', 'decode', 'convert_to', 'concat', 'replace', 'repeat', 'date_trunc', 'date_part', 'jsonb_object_length',
				'int4eq', 'texteq', 'nameeq', 'to_char', 'pg_current_xact_id', 'clock_timestamp', 'split_part', 'starts_with', 'regexp_replace', 'array_position', 'array_to_string', 'string_to_array')
	LOOP
		EXECUTE pg_catalog.format('CREATE FUNCTION trap.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', f.proname, f.arguments, f.result, 'BEGIN PERFORM trap.sprung(); RETURN NULL; END');
	END LOOP;
	-- operators of those types
	FOR f IN SELECT oprname, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result, oid FROM pg_catalog.pg_operator
		WHERE oprname IN ('=', '<>', '<', '>', '||', '~', '~~', '+', '-', '->>', '->', '@>', '!~') AND oprleft <> 0
			AND oprleft IN (SELECT oid FROM pg_type WHERE typname IN ('text', 'name', 'oid', 'int4', 'int8', 'int2', 'bool', 'jsonb', 'timestamptz', 'xid8', 'interval', 'char', '_text'))
			AND oprright IN (SELECT oid FROM pg_type WHERE typname IN ('text', 'name', 'oid', 'int4', 'int8', 'int2', 'bool', 'jsonb', 'timestamptz', 'xid8', 'interval', 'char', '_text'))
	LOOP
		EXECUTE pg_catalog.format('CREATE FUNCTION trap.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', 'op_' || f.oid, f.l, f.r, f.result, 'BEGIN PERFORM trap.sprung(); RETURN NULL; END');
		EXECUTE pg_catalog.format('CREATE OPERATOR trap.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = trap.%I)', f.oprname, f.l, f.r, 'op_' || f.oid);
	END LOOP;
END $$;
CREATE TYPE trap.text AS ENUM ('hijacked'); CREATE TYPE trap.regclass AS ENUM ('hijacked'); CREATE TYPE trap.jsonb AS ENUM ('hijacked');
CREATE TABLE trap.pg_class (oid int); CREATE TABLE trap.pg_proc (oid int); CREATE TABLE trap.pg_namespace (oid int);
CREATE TABLE trap.revision (revision int); CREATE TABLE trap.version (revision int); CREATE TABLE trap.log (id int);
GRANT ALL ON ALL TABLES IN SCHEMA trap TO PUBLIC;});

# The commands that are run in the database.  Names are qualified and operators
# avoided, so that only pg_cmig's own code could call the wrong functions.
my $files = join '', revision_file('001', '', q{CREATE TABLE public.kinds (id integer PRIMARY KEY, tenant_id pg_catalog.text NOT NULL, t timestamptz, d date, i interval, b bytea, f double precision, a integer[], "Upper case" integer);},
	'DROP TABLE public.kinds;'),
  revision_file('002', '001', q{CREATE TABLE public."Second" (id integer); INSERT INTO public."Second" VALUES (1);}, 'DROP TABLE public."Second";');
my $steps = revision_file('003', '002', "CREATE INDEX CONCURRENTLY kinds_d ON public.kinds (d);\nCALL cmig.backfill('public.kinds', 'f = 0.5', batch_size => 1);", 'DROP INDEX CONCURRENTLY public.kinds_d;');
$steps =~ s/\n\n-- cmig:upgrade/\n-- transactional: false\n\n-- cmig:upgrade/;

my $life = 'CREATE EXTENSION pg_cmig;' . load_sql($files, $steps) . q{
SELECT 'plan', step, revision, message FROM cmig.plan('upgrade', 'heads');
SELECT 'script', cmig.script('upgrade', '002');
SELECT 'up', step, revision, message FROM cmig.upgrade('002');
SELECT 'down', step, revision FROM cmig.downgrade('001');
SELECT 'up', step, revision FROM cmig.upgrade('002');
SELECT 'stamp', revision FROM cmig.stamp('base');
SELECT 'stamp', revision FROM cmig.stamp('002');
SELECT 'audit', statement FROM cmig.enable_audit('public.kinds', redact => '{b}');
INSERT INTO public.kinds VALUES (1, 'one', '2026-03-04 05:06:07.890123+00', '2026-03-04', '1 year 2 mons 3 days 04:05:06.7', pg_catalog.decode('00ff41', 'hex'), 0.1, ARRAY[1, NULL, 3], 5), (2, 'two', 'infinity', '-infinity', '-00:00:01', '', 'NaN', '{}', NULL);
CALL cmig.upgrade_stepwise('heads');
UPDATE public.kinds SET d = '2026-12-31', "Upper case" = 6;
SELECT 'rls', s FROM cmig.enable_rls('public.kinds', roles => '{app}') s;
SELECT 'rls_status', s.* FROM cmig.rls_status('public') s;
SELECT 'rls_check', severity, object, problem FROM cmig.rls_check('public');
SELECT 'current', c.* FROM cmig.current() c;
SELECT 'history', h.* FROM cmig.history() h;
SELECT 'show', s.* FROM cmig.show('001') s;
SELECT 'status', item, value, hint FROM cmig.status();
SELECT 'check', c.* FROM cmig.check() c;
SELECT 'export', file_name, content FROM cmig.export();
SELECT 'audit_status', target, table_id, level, operations, options, problem FROM cmig.audit_status('public');
SELECT 'audit_script', cmig.audit_script('public."Second"');
SELECT 'drift', d.* FROM cmig.audit_diff('public.kinds'::pg_catalog.regclass, 1, '2000-01-01'::timestamptz) d;
-- what the server itself prints, as it would be without the settings
RESET ALL;
SET standard_conforming_strings = on; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = postgres; SET TimeZone = 'UTC'; SET bytea_output = hex; SET extra_float_digits = 1;
SET quote_all_identifiers = off; SET row_security = on; SET search_path = pg_catalog;
SELECT 'journal', revision, direction, outcome, checksum, sqlstate, message, statement FROM cmig.journal ORDER BY id;
SELECT 'log', table_name, operation, row_key, changed, old_row, new_row FROM cmig_audit.log ORDER BY id;
SELECT 'as of', a.*::pg_catalog.text FROM cmig.audit_as_of(NULL::public.kinds, pg_catalog.now()) a ORDER BY id;
SELECT 'policy', polname, pg_catalog.pg_get_expr(polqual, polrelid), pg_catalog.obj_description(oid, 'pg_policy') FROM pg_catalog.pg_policy ORDER BY polname;
SELECT 'trigger', pg_catalog.pg_get_triggerdef(oid) FROM pg_catalog.pg_trigger WHERE NOT tgisinternal ORDER BY tgname;
SELECT 'table', c.relname, c.relkind FROM pg_catalog.pg_class c WHERE c.relnamespace = 'public'::pg_catalog.regnamespace ORDER BY 1, 2;
SELECT 'catalog', n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('cmig', 'cmig_audit') AND relkind NOT IN ('t') ORDER BY 2, 3;
};

# live(SETUP, STATEMENTS BEFORE): runs the commands, and returns the output without
# times
sub live
{
	my ($setup, $before) = @_;
	my ($out, $err) = ('', '');

	query($node, 'postgres', "DROP DATABASE IF EXISTS life; CREATE DATABASE life TEMPLATE model OWNER op STRATEGY file_copy; GRANT CREATE ON DATABASE life TO standin; $setup");
	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('life'), '-U', 'op' ],
		'<', \($before . $life), '>', \$out, '2>', \$err);
	query($node, 'postgres', 'ALTER ROLE op RESET ALL; ALTER DATABASE life RESET ALL');
	$out .= $err =~ s/^(?!.*(ERROR|FATAL|hijacked)).*\n//mgr;
	$out =~ s/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d(:\d\d)?)?/TIME/g;
	# times in the date styles SQL and German
	$out =~ s/\d\d([.\/])\d\d\1\d{4} \d\d:\d\d:\d\d(\.\d+)? UTC/TIME/g;
	# generated SQL names the client's encoding, and its quotes depend on settings
	$out =~ s/SET client_encoding = '\w+'/SET client_encoding/g;
	$out =~ s/"anchor": "[^"]*"/"anchor"/g;
	return $out;
}

sub same
{
	my ($name, $is, $was) = @_;
	my %was = map { $_ => 1 } split /\n/, $was;
	my %is = map { $_ => 1 } split /\n/, $is;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($is eq $was, $name)
	  or diag(map { "$_\n" } (map { "- $_" } grep { !$is{$_} } sort keys %was), (map { "+ $_" } grep { !$was{$_} } sort keys %is));
}

my $plain = live('', '');
like($plain, qr/^up\|2\|002\|make 002\n/m, 'all commands were run');
unlike($plain, qr/ERROR:/, 'without an error') or diag($plain);

my @settings = map { [ split / = /, $_, 2 ] } split /\n/, <<'END';
DateStyle = 'SQL, DMY'
DateStyle = 'German'
IntervalStyle = sql_standard
TimeZone = 'Asia/Kathmandu'
bytea_output = escape
extra_float_digits = -15
array_nulls = off
quote_all_identifiers = on
standard_conforming_strings = off
escape_string_warning = off
transform_null_equals = on
row_security = off
check_function_bodies = off
xmloption = document
client_encoding = 'LATIN1'
default_transaction_isolation = 'repeatable read'
default_transaction_isolation = 'serializable'
default_transaction_deferrable = on
default_tablespace = aside
default_table_access_method = heap
default_toast_compression = lz4
plan_cache_mode = force_generic_plan
enable_seqscan = off
enable_indexscan = off
force_parallel_mode = on
jit_above_cost = 0
work_mem = '64kB'
from_collapse_limit = 1
search_path = trap, pg_catalog, public
search_path = public, trap
search_path = ''
search_path = nowhere
role = standin
session_replication_role = replica
END
my $version = query($node, 'postgres', 'SHOW server_version_num');
my $number = 0;
foreach my $setting (@settings)
{
	my ($name, $value) = @$setting;
	# strings can only be read in one way
	next if $version >= 190000 && $name =~ /^(?:standard_conforming_strings|escape_string_warning)$/;
	$name = 'debug_parallel_query' if $name eq 'force_parallel_mode' && $version >= 160000;
	my $place = $name eq 'role' || ++$number % 2 ? 'ALTER ROLE op' : 'ALTER DATABASE life';
	my ($is, $was) = (live("$place SET $name = $value", ''), $plain);
	s/"//g foreach $name eq 'quote_all_identifiers' ? ($is, $was) : ();
	s/\bstandin\b/op/g foreach $name eq 'role' ? ($is) : ();
	# if session_replication_role is replica, ordinary triggers do not fire, so no
	# entries are written
	s/^(log|as of|drift)\|.*\n//mg foreach $name eq 'session_replication_role' ? ($is, $was) : ();
	same("$place SET $name = $value", $is, $was);
}
same('tables and types of the session', live('', q{
CREATE TEMP TABLE pg_class (oid int); CREATE TEMP TABLE pg_proc (oid int); CREATE TEMP TABLE pg_attribute (oid int); CREATE TEMP TABLE pg_trigger (oid int);
CREATE TEMP TABLE revision (revision int); CREATE TEMP TABLE version (revision int); CREATE TEMP TABLE log (id int); CREATE TEMP TABLE kinds (id int);
CREATE DOMAIN pg_temp.name AS int; CREATE DOMAIN pg_temp.oid AS pg_catalog.text;}), $plain);
like(live('ALTER ROLE op SET default_transaction_read_only = on', ''), qr/^ERROR:  cannot execute CREATE EXTENSION in a read-only transaction|^psql.*read-only/m, 'read-only: nothing is created');

# CREATE EXTENSION does not use an existing schema "cmig"
query($node, 'postgres', 'DROP DATABASE IF EXISTS life; CREATE DATABASE life TEMPLATE model');
query($node, 'life', 'CREATE SCHEMA cmig AUTHORIZATION mallory');
fails_with($node, 'life', 'CREATE EXTENSION pg_cmig', '42P06', 'schema "cmig" already exists', 'an existing schema is refused');

$node->stop;
done_testing();
