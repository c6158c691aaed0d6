# Copyright (c) 2026, the pg_cmig developers

# Tests scripts in a scope while a role that could create objects in its schema, and no longer
# can, has an open transaction that created one.  It commits while the script's statement waits
# for a lock, before the names in the statement are looked up.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use Test::More;

my $node = new_node('open', 'autovacuum = off');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE lo LOGIN; CREATE ROLE deployer LOGIN');

# What was created calls this, or is in place of this.
my $trap = q{CREATE FUNCTION lo.trap(varchar) RETURNS varchar LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.seen VALUES (current_user); RETURN 'trap'; END$$;
	CREATE FUNCTION lo.equal(varchar, varchar) RETURNS boolean LANGUAGE sql AS $$SELECT lo.trap($1) = 'trap'$$;};
my $up = "SET cmig.scope = 'tenant'; SELECT * FROM cmig.upgrade('head')";
my @cases = (
	[ 'a function', 'CREATE FUNCTION tenant.lower(varchar) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap($1)$$', 'UPDATE t SET x = lower(x)', 42501 ],
	[ 'a function in plpgsql', 'CREATE FUNCTION tenant.lower(varchar) RETURNS varchar LANGUAGE plpgsql AS $$BEGIN RETURN lo.trap($1); END$$', 'UPDATE t SET x = lower(x)', 42501, "CALL cmig.upgrade_scopes('tenant')" ],
	[ 'a function, stepwise', 'CREATE FUNCTION tenant.lower(varchar) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap($1)$$', 'UPDATE t SET x = lower(x)', 42501, "SET cmig.scope = 'tenant'; CALL cmig.upgrade_stepwise('head')" ],
	[ 'an operator', 'CREATE OPERATOR tenant.= (leftarg = varchar, rightarg = varchar, procedure = lo.equal)', 'UPDATE t SET z = 1 WHERE x = x', 42501 ],
	[ 'a domain with functions of the server', q{CREATE DOMAIN tenant.code AS text CHECK (set_config('lo.seen', current_user, false) IS NOT NULL)}, q{UPDATE t SET x = 'a'::code}, 42501 ],
	[ 'a view', 'CREATE VIEW tenant.shared AS SELECT lo.trap(version()) AS x', 'UPDATE t SET x = s.x FROM shared s', 42501 ],
	[ 'a constraint', 'CREATE FUNCTION tenant.lower(varchar) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap($1)$$', "ALTER TABLE t ADD CHECK (lower(x) <> '')", 42501 ],
	[ 'a constraint with a domain', q{CREATE DOMAIN tenant.code AS text CHECK (set_config('lo.seen', current_user, false) IS NOT NULL)}, "ALTER TABLE t ADD CHECK (x::code <> '')", 42501 ],
	[ 'a script that catches errors', 'CREATE FUNCTION tenant.lower(varchar) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap($1)$$',
		'DO $$BEGIN BEGIN UPDATE t SET x = lower(x); EXCEPTION WHEN OTHERS THEN NULL; END; UPDATE t SET x = lower(x); END$$', 42501 ],
	[ 'another role', 'CREATE FUNCTION tenant.lower(varchar) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap($1)$$', 'UPDATE t SET x = lower(x)', 42501, "SET cmig.role = 'deployer'; $up" ],
	[ 'a function in place of a cast', 'CREATE FUNCTION tenant.code(varchar) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap($1)$$', 'UPDATE t SET x = code(x)', 42501 ],
	[ 'a function beside one of the scope', 'CREATE FUNCTION tenant.norm(varchar) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap($1)$$', 'UPDATE t SET x = norm(x)', 42501 ],
	# what the statement only stores
	[ 'a function in a default, beside one of the scope', 'CREATE FUNCTION tenant.norm(varchar) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap($1)$$', q{ALTER TABLE t ALTER x SET DEFAULT norm('a'::varchar)}, 42501 ],
	[ 'a function in a default, in place of a cast', 'CREATE FUNCTION tenant.code(varchar) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap($1)$$', q{ALTER TABLE t ALTER x SET DEFAULT code('a'::varchar)}, 42501 ],
	[ 'an operator in a default, beside one of the scope', 'CREATE OPERATOR tenant.### (leftarg = varchar, rightarg = varchar, procedure = lo.equal)', q{ALTER TABLE t ALTER x SET DEFAULT 'a'::varchar ### 'b'::varchar}, 42501 ],
	[ 'a table as a type', 'CREATE TABLE tenant.code (x text)', q{UPDATE t SET x = ('(a)'::code)::text}, 42501 ],
	[ 'a sequence', 'CREATE SEQUENCE tenant.ids', q{UPDATE t SET z = nextval('ids')}, 42501 ],
	[ 'a collation', q{CREATE COLLATION tenant.c (provider = libc, locale = 'C')}, 'UPDATE t SET z = 1 WHERE x COLLATE c > x', 42501 ],
	[ 'a text search configuration', 'CREATE TEXT SEARCH CONFIGURATION tenant.cfg (COPY = pg_catalog.simple)', q{UPDATE t SET x = to_tsvector('cfg', x)::text}, 42501 ],
	# what no script finds in place of another object can be there
	[ 'a new name', 'CREATE TABLE tenant.other (x int)', 'UPDATE t SET x = lower(x)', '' ],
	[ 'a new name that is called', 'CREATE FUNCTION tenant.other(varchar) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap($1)$$', 'UPDATE t SET x = lower(other(x))', 42501 ],
	[ 'the name of a column', 'CREATE FUNCTION tenant.x(tenant.t) RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap(version())$$', 'UPDATE t SET x = x(t)', 42501 ],
	[ 'a search_path of a script', 'CREATE FUNCTION tenant.own() RETURNS varchar LANGUAGE sql AS $$SELECT lo.trap(version())$$', q{SELECT set_config('search_path', 'tenant, lib', true); UPDATE t SET x = own()}, 42501 ],
);

foreach my $case (@cases)
{
	my ($name, $create, $script, $code, $call) = @$case;
	my ($lo, $gate, $run);

	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS shop (FORCE)');
	$node->safe_psql('postgres', 'CREATE DATABASE shop');
	$node->safe_psql('shop', <<"END_SQL");
CREATE EXTENSION pg_cmig;
SELECT FROM cmig.grant_access('deployer', 'migrator');
CREATE TABLE seen (role name); GRANT INSERT ON seen TO PUBLIC;
CREATE SCHEMA lib; CREATE FUNCTION lib.own() RETURNS varchar LANGUAGE sql AS 'SELECT NULL::varchar';
CREATE SCHEMA lo; $trap
ALTER SCHEMA lo OWNER TO lo; ALTER FUNCTION lo.trap OWNER TO lo; ALTER FUNCTION lo.equal OWNER TO lo; GRANT USAGE ON SCHEMA lo TO PUBLIC;
CREATE DOMAIN code AS text; CREATE VIEW shared AS SELECT 'b' AS x; CREATE SEQUENCE ids; CREATE COLLATION c (provider = libc, locale = 'C');
CREATE TEXT SEARCH CONFIGURATION cfg (COPY = pg_catalog.english);
CREATE SCHEMA tenant; CREATE FUNCTION tenant.norm(text) RETURNS text LANGUAGE sql AS 'SELECT \$1'; CREATE OPERATOR tenant.### (leftarg = text, rightarg = text, procedure = texteq); CREATE TABLE tenant.t (id int, x varchar(20), z int); INSERT INTO tenant.t VALUES (1, 'ABC', 0);
ALTER TABLE tenant.t OWNER TO deployer; GRANT SELECT ON tenant.t TO lo; GRANT USAGE ON SCHEMA tenant TO deployer;
GRANT USAGE, CREATE ON SCHEMA tenant TO lo;
SELECT cmig.create_revision('c', \$s\$$script\$s\$, NULL, revision => '1');
END_SQL
	$lo = $node->background_psql('shop', extra_params => [ '-U', 'lo' ]);
	$gate = $node->background_psql('shop');
	$lo->query_safe("BEGIN; $create");
	$node->safe_psql('shop', 'REVOKE CREATE ON SCHEMA tenant FROM lo');
	# the script passes the check, and waits for its table
	$gate->query_safe('BEGIN; LOCK TABLE tenant.t IN SHARE MODE');
	$run = start_psql($node, 'shop', ($call || $up) =~ s/; /;\n/gr);
	wait_until_blocked($node);
	$lo->query_safe('COMMIT');
	$gate->query_safe('COMMIT');
	finish_psql($run);
	like($run->{err}, $code ? qr/$code.*not a safe scope for role/ : qr/^((?!ERROR).)*$/s, "$name is looked at before it is used");
	is($node->safe_psql('shop', 'SELECT string_agg(role, \' \') FROM seen'), '', "$name: no code of the other role ran");
	$_->quit foreach $lo, $gate;
}

$node->stop;
done_testing();
