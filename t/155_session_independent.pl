# Copyright (c) 2026, the pg_cmig developers

# What the scripts of the extension create does not depend on the settings of the session that runs
# CREATE EXTENSION or ALTER EXTENSION UPDATE, and the functions that they create do not depend on
# those of the session that calls them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('session_independent', 'autovacuum = off');
use_old_script($node);
# PostgreSQL 19 has no strings for which it could warn
$node->append_conf('postgresql.conf', 'escape_string_warning = off') if (string_styles($node))[-1] eq 'off';
$node->start;

my $settings = 'SET standard_conforming_strings = ' . (string_styles($node))[-1] . q{;
SET quote_all_identifiers = on;
SET backslash_quote = off;
SET array_nulls = off;
SET transform_null_equals = on;
SET row_security = off;
SET check_function_bodies = off;
SET search_path = '';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = iso_8601;
SET TimeZone = 'Asia/Tokyo';
SET bytea_output = escape;
SET extra_float_digits = -15;
SET xmlbinary = hex;
SET xmloption = document;
SET client_encoding = LATIN1;
SET default_transaction_isolation = serializable;
};

# Returns what the catalogs contain about the extension's objects.
sub objects
{
	my ($db) = @_;

	return query($node, $db, q{
SELECT p.oid::regprocedure, proowner::regrole, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(proacl) a), md5(pg_get_functiondef(p.oid))
FROM pg_proc p WHERE pronamespace = 'cmig'::regnamespace ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT c.oid::regclass, relowner::regrole, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) a)
FROM pg_class c WHERE relnamespace = 'cmig'::regnamespace ORDER BY relname COLLATE "C";
SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(attacl) a),
	(SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum)
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'cmig'::regnamespace AND attnum > 0 ORDER BY relname COLLATE "C", attnum;
SELECT pg_describe_object(classoid, objoid, objsubid), (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(initprivs) a) FROM pg_init_privs WHERE objoid >= 16384 ORDER BY 1;
SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'cmig'::regnamespace ORDER BY 1, 2;
SELECT viewname, definition FROM pg_views WHERE schemaname = 'cmig' ORDER BY 1;
SELECT tgrelid::regclass, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2;
SELECT evtname, evtowner::regrole, evtenabled, evttags FROM pg_event_trigger ORDER BY 1;
SELECT pg_describe_object(classoid, objoid, objsubid), description FROM pg_description WHERE objoid >= 16384 ORDER BY 1});
}

# same(IS, WAS, NAME): tests that the lines are the same, and shows those that differ
sub same
{
	my ($is, $was, $name) = @_;
	my %was = map { $_ => 1 } split /\n/, $was;
	my %is = map { $_ => 1 } split /\n/, $is;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($is eq $was, $name)
	  or diag(map { "$_\n" } (map { "- $_" } grep { !$is{$_} } sort keys %was), (map { "+ $_" } grep { !$was{$_} } sort keys %is));
}

$node->safe_psql('postgres', "CREATE ROLE ann LOGIN; CREATE ROLE vic LOGIN");
$node->safe_psql('postgres', "CREATE DATABASE $_ OWNER ann") for qw(plain created updated set_created set_updated);
query($node, 'plain', 'CREATE EXTENSION pg_cmig', 'ann');
query($node, 'set_created', "$settings CREATE EXTENSION pg_cmig", 'ann');
same(objects('set_created'), objects('plain'), 'CREATE EXTENSION with settings');

query($node, 'updated', q{CREATE EXTENSION pg_cmig VERSION '1.0'; ALTER EXTENSION pg_cmig UPDATE}, 'ann');
query($node, 'set_updated', "CREATE EXTENSION pg_cmig VERSION '1.0'; $settings ALTER EXTENSION pg_cmig UPDATE", 'ann');
same(objects('set_updated'), objects('updated'), 'ALTER EXTENSION UPDATE with settings');

# policies with code of the log's owner, for what reads the log as another role
query($node, 'set_created', q{
CREATE TABLE public.t (id int PRIMARY KEY);
SELECT cmig.enable_audit('public.t');
INSERT INTO public.t VALUES (1);
SELECT cmig.grant_access('vic', 'reader');
GRANT USAGE ON SCHEMA cmig_audit TO vic;
GRANT SELECT ON ALL TABLES IN SCHEMA cmig_audit TO vic;
GRANT SELECT ON public.t TO vic;
ALTER TABLE cmig_audit.log ENABLE ROW LEVEL SECURITY}, 'ann');
for my $condition (q{query_to_xml('SELECT 1', true, false, '') IS NOT NULL}, q{setval('public.s'::text::regclass, 1) IS NOT NULL})
{
	query($node, 'set_created', "DROP POLICY IF EXISTS p ON cmig_audit.log; CREATE POLICY p ON cmig_audit.log USING ($condition)", 'ann');
	fails_with($node, 'set_created', q{SELECT * FROM cmig.audit_history('public.t', '{"id": 1}')}, '55000', 'can run code of another role', "a policy with $condition", 'vic');
}

# a view that was created without its backslashes
my $check = q{SELECT object FROM cmig.check() WHERE severity = 'error'};
is(query($node, 'set_created', $check), '', 'check finds nothing');
query($node, 'set_created', q{SELECT replace(pg_get_viewdef('cmig.audit_foreign'), E'\\\\d', 'd') AS view \gset
CREATE OR REPLACE VIEW cmig.audit_foreign AS :view});
is(query($node, 'set_created', $check), 'cmig.audit_foreign', 'check finds a view that has lost its backslashes');

# what cmig asks a database whose sessions have standard_conforming_strings = off; engine_create runs in the engine
foreach my $file (grep { !/engine_create/ } glob "$CmigNode::top/share/cmig/engine_*.sql")
{
	my $text = slurp_file($file);
	my @plain;

	$text =~ s/^\\.*//mg;
	$text =~ s/--.*//g;
	while ($text =~ /([Ee]?)('(?:[^']|'')*')/g)
	{
		my ($escape, $string) = ($1, $2);

		push @plain, $string if $escape eq '' && $string =~ /\\/;
	}
	is_deeply(\@plain, [], "$file: strings with backslashes mean the same with all settings");
}

done_testing();
